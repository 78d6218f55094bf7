/* c: from the loop tree to plain C99. A back end that decides nothing: each statement of the tree is a statement of C.
 *
 *   function.c    a function of type sgdrt_function (runtime/core.h): steps, nests, statements
 *   parts.c       the step of a run whose steps have several parts
 *   scalar.c      scalars as expressions;  inline.c: which of them stand where they are used
 *   math.c        exp, log, ...: the one definition of runtime/math.inc and random.inc, printed as C
 *   unit.c        what stands before functions: what they ask of a compiler, and what they need of math.c
 *   model.c       what makes a unit more than functions: its sgdrt_model, and the functions of the C API
 *   program.c     the unit and the header of a program's runs
 *
 * Every operation that rounds is a statement of its own, or the value of a store, so that no compiler sees one to contract;
 * the unit refuses -ffast-math and registers that are wider than their type.
 */
#ifndef SGDC_CODEGEN_C_H
#define SGDC_CODEGEN_C_H
#include "ir/loops/loops.h"

/* Functions that a unit has to define before those that use them, by name: "exp_f32", "powi_f32_3". */
typedef struct CNeeds {
    Arena *arena;
    Vector(const char *) names;
} CNeeds;
void c_need(CNeeds *needs, const char *name);

/* ---- unit.c */
typedef struct CUnit {
    Arena *arena;
    CNeeds needs;
    Text functions, models;
    const SourceMap *map; /* of the program's lines; NULL: they are not named */
    bool fast;            /* mini-batches in blocks */
    uint8_t *inlined;     /* of the function at hand, by scalar: it stands where it is used */
} CUnit;
CUnit *c_unit_new(Arena *arena, const SourceMap *map);
/* The whole text. types: what it takes from runtime/, as text or as an #include. */
void c_unit_print(Text *to, const CUnit *unit, const char *types);
/* Files of runtime/ in this program (made by cmake/embed.cmake; the last name is NULL). */
extern const EmbeddedFile carried_files[];
const EmbeddedFile *c_carried(const char *name);
/* The declarations that every unit carries: core.h, model.h and what they need. */
const char *c_unit_types(Arena *arena);

/* ---- function.c */
/* storage: "static ", or "". of_any: the function for larger mini-batches than the tree is for; NULL: there are none. */
void c_function(CUnit *unit, const LoopTree *tree, const char *storage, const char *symbol, const char *of_any);

/* ---- parts.c: PREFIX__step, of functions PREFIX__step_NAME that are there. */
void c_parts(CUnit *unit, const Run *run, const char *prefix);

/* ---- scalar.c */
const char *c_type(DType dtype);         /* of a scalar */
const char *c_element_type(DType dtype); /* of memory */
/* How an expression writes a scalar: its name, a constant, or its own expression, in brackets if it needs them. */
const char *c_operand(CUnit *unit, const Scalar *scalar);
/* The same where it stands alone. */
const char *c_alone(CUnit *unit, const Scalar *scalar);
void c_loop_name(Text *to, const Loop *loop);
void c_array_name(Text *to, const Array *array);
void c_element(CUnit *unit, Text *to, const Array *array, const Subscript *row, const Subscript *at);
/* The right side of a LET. */
void c_scalar(CUnit *unit, Text *to, const Scalar *scalar);

/* ---- inline.c */
void c_find_inlined(CUnit *unit, const LoopTree *tree);

/* ---- model.c */
typedef struct CModel {
    const Run *run;
    const char *prefix;
    const bool *predicts, *reads; /* per column: predict, any function reads it */
    size_t work_bytes, predict_bytes;
} CModel;
void c_model(CUnit *unit, const CModel *model);

/* ---- program.c */
/* Adds the unit and the header of all runs; they are called `stem`. Names of lines come from map. fast: steps keep the
 * values of a whole mini-batch, otherwise of a row at a time, in the least memory. */
void c_program(Text *unit, Text *header, const Program *program, const char *stem, const char *const *prefixes,
               const SourceMap *map, bool fast);

/* ---- math.c */
/* Prints the function; false if there is none of this name. */
bool c_math_function(Text *to, const char *name);

#endif
