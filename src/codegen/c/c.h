/* c: from the loop tree to plain C99. A back end that decides nothing: each statement of the tree is a statement of C.
 *
 *   c_function.c    a function of type sgdrt_function (runtime/core.h): steps, nests, statements
 *   c_scalar.c      scalars as expressions
 *   c_math.c        exp, log, ...: the one definition of runtime/math.inc and random.inc, printed as C
 *   c_unit.c        what stands before functions: what they ask of a compiler, and what they need of c_math.c
 *
 * Every operation that rounds is a statement of its own, so that no compiler sees one to contract; the unit refuses
 * -ffast-math and registers that are wider than their type.
 */
#ifndef SGDC_CODEGEN_C_H
#define SGDC_CODEGEN_C_H
#include "ir/loops/tree.h"

/* Functions that a unit has to define before those that use them, by name: "exp_f32", "powi_f32_3". */
typedef struct CNeeds { Arena *arena; Vector(const char *) names; } CNeeds;
void c_need(CNeeds *needs, const char *name);

/* ---- c_unit.c */
typedef struct CUnit {
    Arena   *arena;
    CNeeds   needs;
    Text     functions;
    const SourceMap *map;                 /* of the program's lines; NULL: they are not named */
} CUnit;
CUnit *c_unit_new(Arena *arena, const SourceMap *map);
/* The whole text; `types`: of runtime/core.h, or an #include of it. */
void c_unit_print(Text *to, const CUnit *unit, const char *types);

/* ---- c_function.c */
/* storage: "static ", or "". */
void c_function(CUnit *unit, const LoopTree *tree, const char *storage, const char *symbol);

/* ---- c_scalar.c */
const char *c_type(DType dtype);                      /* of a scalar */
const char *c_element_type(DType dtype);              /* of memory */
/* How statements write a scalar that a LET named, or a constant. */
const char *c_operand(Arena *arena, const Scalar *scalar);
void c_subscript(Text *to, const Subscript *s);
void c_loop_name(Text *to, const Loop *loop);
void c_array_name(Text *to, const Array *array);
void c_element(Text *to, const Array *array, const Subscript *row, const Subscript *at);
/* The right side of a LET. */
void c_scalar(CUnit *unit, Text *to, const Scalar *scalar);

/* ---- c_math.c */
/* Prints the function; false if there is none of this name. */
bool c_math_function(Text *to, const char *name);

#endif
