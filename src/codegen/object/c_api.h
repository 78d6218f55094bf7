/* c_api: the functions of the C API, one row each (c_api.c): what headers declare, what shared objects export and what
 * manifests list. `@` stands for the prefix of a run, `@@` for the prefix in capitals. */
#ifndef SGDC_C_API_H
#define SGDC_C_API_H
#include "ir/program.h"

/* Counts up when a function that is there changes its meaning; shared objects call their symbols' version by it. */
enum { C_API_VERSION = 1 };
#define C_API_SYMBOL_VERSION "SGDC_"

typedef struct CFunction {
    const char *name;       /* "step": PREFIX_step */
    const char *returns;    /* "int" */
    const char *parameters; /* "@ *m, const @_data *data, float *loss" */
    const char *library;    /* what of libsgdrt it calls; NULL */
    bool predicts;          /* only where there is something to predict */
    const char *doc;        /* NULL: its name says it */
} CFunction;
extern const CFunction c_functions[]; /* ends with name NULL */
extern const int c_function_count;
bool c_function_is_of(const CFunction *function, const Run *run);

typedef struct CParameter {
    const char *type, *name; /* "const float *", "x" */
} CParameter;
typedef Vector(CParameter) CParameters;
CParameters c_parameters(Arena *arena, const char *list);

/* PREFIX_rows, whose parameters are a run's own: a pointer for each member of PREFIX_data. */
const char *c_rows_parameters(Arena *arena, const DataSet *data, const char *const *members, const char *const *counts);
extern const char c_rows_doc[];
/* Of a member: what its values are in C, and bytes from row to row in a dense array. */
const char *c_column_type(DType dtype);
int64_t c_column_stride(const Column *column);

/* What a value of a C type is to a foreign function interface: void, i32, i64, u64, f64, string, pointer. */
typedef enum CValue { C_VOID, C_I32, C_I64, C_U64, C_F64, C_STRING, C_POINTER } CValue;
CValue c_value(const char *type);
const char *c_value_text(CValue value);
#endif
