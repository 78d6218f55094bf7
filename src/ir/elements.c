/* elements: the ops of class ELEMENT, one value from those at the same place of the sources, over whole arrays. The interpreter
 * evaluates all rows at once by them, and folding one constant. One loop per op and type.
 */
#include "ir/elements.h"
#include "math_functions.h"
#include "vector_clones.h"
#include <string.h>

/* ---- loops ------------------------------------------------------------------------------- */

#define LOOP1(name, IN, OUT, expression)                                                     \
    VECTOR_CLONES(name, (int64_t n, const IN *restrict a, OUT *restrict out), (n, a, out)) { \
        for (int64_t i = 0; i < n; i++) {                                                    \
            IN x = a[i];                                                                     \
            out[i] = (OUT)(expression);                                                      \
        }                                                                                    \
    }
#define LOOP2(name, IN, OUT, expression)                                                            \
    VECTOR_CLONES(name, (int64_t n, const IN *a, const IN *b, OUT *restrict out), (n, a, b, out)) { \
        for (int64_t i = 0; i < n; i++) {                                                           \
            IN x = a[i], y = b[i];                                                                  \
            out[i] = (OUT)(expression);                                                             \
        }                                                                                           \
    }

/* One per op: n values from as many of each source. */
typedef void ElementRule(const Node *node, int64_t n, const void *const *x, void *out);
#define UNUSED __attribute__((unused))
#define ELEMENTS(NAME) static void elements_##NAME(const Node *node UNUSED, int64_t n, const void *const *x, void *out)

static void wrong_type(const Node *node) { INTERNAL_ERROR("%s of %s", op_text(node->op), dtype_text(node->dtype)); }

/* Real functions of one argument: x32 and x64 are expressions in x. */
#define REAL1(NAME, x32, x64)                            \
    LOOP1(NAME##_f32, float, float, x32)                 \
    LOOP1(NAME##_f64, double, double, x64)               \
    ELEMENTS(NAME) {                                     \
        switch (node->dtype) {                           \
        case DTYPE_F32: NAME##_f32(n, x[0], out); break; \
        case DTYPE_F64: NAME##_f64(n, x[0], out); break; \
        default: wrong_type(node);                       \
        }                                                \
    }
REAL1(SQRT, __builtin_sqrtf(x), __builtin_sqrt(x))
#define FUNCTION(NAME, name) REAL1(NAME, math_##name##_f32(x), math_##name##_f64(x))
#include "functions.def"
REAL1(FLOOR, __builtin_floorf(x), __builtin_floor(x))

/* Numbers of one argument. */
#define NUMBER1(NAME, x32, x64, xi)                      \
    LOOP1(NAME##_f32, float, float, x32)                 \
    LOOP1(NAME##_f64, double, double, x64)               \
    LOOP1(NAME##_i32, int32_t, int32_t, xi)              \
    ELEMENTS(NAME) {                                     \
        switch (node->dtype) {                           \
        case DTYPE_F32: NAME##_f32(n, x[0], out); break; \
        case DTYPE_F64: NAME##_f64(n, x[0], out); break; \
        case DTYPE_I32: NAME##_i32(n, x[0], out); break; \
        default: wrong_type(node);                       \
        }                                                \
    }
NUMBER1(NEG, -x, -x, math_sub_i32(0, x))
NUMBER1(ABS, __builtin_fabsf(x), __builtin_fabs(x), x < 0 ? math_sub_i32(0, x) : x)

LOOP1(NOT_bool, uint8_t, uint8_t, !x)
ELEMENTS(NOT) { NOT_bool(n, x[0], out); }

ELEMENTS(STOP_GRADIENT) { memcpy(out, x[0], (size_t)n * dtype_bytes(node->dtype)); }

ELEMENTS(VARIABLE) { elements_STOP_GRADIENT(node, n, x, out); }

#define FUNCTION_AND_NUMBER(NAME, name)                                                    \
    ELEMENTS(NAME) {                                                                       \
        int64_t number = node->attr.index;                                                 \
        if (!dtype_is_real(node->dtype)) wrong_type(node);                                 \
        for (int64_t i = 0; i < n; i++) {                                                  \
            if (node->dtype == DTYPE_F32)                                                  \
                ((float *)out)[i] = math_##name##_f32(((const float *)x[0])[i], number);   \
            else                                                                           \
                ((double *)out)[i] = math_##name##_f64(((const double *)x[0])[i], number); \
        }                                                                                  \
    }
#include "functions.def"

/* ---- cast */
#define CASTS(name, IN, to_i32)                                                      \
    LOOP1(name##_to_f32, IN, float, x)                                               \
    LOOP1(name##_to_f64, IN, double, x)                                              \
    LOOP1(name##_to_i32, IN, int32_t, to_i32)                                        \
    LOOP1(name##_to_bool, IN, uint8_t, x != 0)                                       \
    static void cast_##name(const Node *node, int64_t n, const void *a, void *out) { \
        switch (node->dtype) {                                                       \
        case DTYPE_F32: name##_to_f32(n, a, out); break;                             \
        case DTYPE_F64: name##_to_f64(n, a, out); break;                             \
        case DTYPE_I32: name##_to_i32(n, a, out); break;                             \
        case DTYPE_BOOL: name##_to_bool(n, a, out); break;                           \
        default: wrong_type(node);                                                   \
        }                                                                            \
    }
CASTS(f32, float, math_i32_of_f32(x))
CASTS(f64, double, math_i32_of_f64(x))
CASTS(i32, int32_t, x)
CASTS(u8, uint8_t, x)

ELEMENTS(CAST) {
    switch (node->source[0]->dtype) {
    case DTYPE_F32: cast_f32(node, n, x[0], out); break;
    case DTYPE_F64: cast_f64(node, n, x[0], out); break;
    case DTYPE_I32: cast_i32(node, n, x[0], out); break;
    case DTYPE_BOOL:
    case DTYPE_U8: cast_u8(node, n, x[0], out); break;
    }
}

/* ---- two sources */
#define NUMBER2(NAME, x32, x64, xi)                            \
    LOOP2(NAME##_f32, float, float, x32)                       \
    LOOP2(NAME##_f64, double, double, x64)                     \
    LOOP2(NAME##_i32, int32_t, int32_t, xi)                    \
    ELEMENTS(NAME) {                                           \
        switch (node->dtype) {                                 \
        case DTYPE_F32: NAME##_f32(n, x[0], x[1], out); break; \
        case DTYPE_F64: NAME##_f64(n, x[0], x[1], out); break; \
        case DTYPE_I32: NAME##_i32(n, x[0], x[1], out); break; \
        default: wrong_type(node);                             \
        }                                                      \
    }
NUMBER2(ADD, x + y, x + y, math_add_i32(x, y))
NUMBER2(SUB, x - y, x - y, math_sub_i32(x, y))
NUMBER2(MUL, x *y, x *y, math_mul_i32(x, y))
NUMBER2(MAX, math_max_f32(x, y), math_max_f64(x, y), math_max_i32(x, y))
NUMBER2(MIN, math_min_f32(x, y), math_min_f64(x, y), math_min_i32(x, y))

#define REAL2(NAME, x32, x64)                                  \
    LOOP2(NAME##_f32, float, float, x32)                       \
    LOOP2(NAME##_f64, double, double, x64)                     \
    ELEMENTS(NAME) {                                           \
        switch (node->dtype) {                                 \
        case DTYPE_F32: NAME##_f32(n, x[0], x[1], out); break; \
        case DTYPE_F64: NAME##_f64(n, x[0], x[1], out); break; \
        default: wrong_type(node);                             \
        }                                                      \
    }
REAL2(DIV, x / y, x / y)
#define FUNCTION_OF_TWO(NAME, name) REAL2(NAME, math_##name##_f32(x, y), math_##name##_f64(x, y))
#include "functions.def"

#define TYPED2(NAME, TYPE, expression)         \
    LOOP2(NAME##_only, TYPE, TYPE, expression) \
    ELEMENTS(NAME) { NAME##_only(n, x[0], x[1], out); }
TYPED2(FLOORDIV, int32_t, y > 0 ? math_floordiv_i32(x, y) : 0)
TYPED2(MOD, int32_t, y > 0 ? math_mod_i32(x, y) : 0)
TYPED2(AND, uint8_t, x &y)
TYPED2(OR, uint8_t, x | y)

#define COMPARISON(NAME, expression)                           \
    LOOP2(NAME##_f32, float, uint8_t, expression)              \
    LOOP2(NAME##_f64, double, uint8_t, expression)             \
    LOOP2(NAME##_i32, int32_t, uint8_t, expression)            \
    LOOP2(NAME##_u8, uint8_t, uint8_t, expression)             \
    ELEMENTS(NAME) {                                           \
        switch (node->source[0]->dtype) {                      \
        case DTYPE_F32: NAME##_f32(n, x[0], x[1], out); break; \
        case DTYPE_F64: NAME##_f64(n, x[0], x[1], out); break; \
        case DTYPE_I32: NAME##_i32(n, x[0], x[1], out); break; \
        case DTYPE_BOOL:                                       \
        case DTYPE_U8: NAME##_u8(n, x[0], x[1], out); break;   \
        }                                                      \
    }
COMPARISON(EQ, x == y)
COMPARISON(NE, x != y)
COMPARISON(LT, x < y)
COMPARISON(LE, x <= y)

/* ---- three sources */
#define WHERE(name, TYPE)                                                                                \
    VECTOR_CLONES(name, (int64_t n, const uint8_t *c, const TYPE *a, const TYPE *b, TYPE *restrict out), \
                  (n, c, a, b, out)) {                                                                   \
        for (int64_t i = 0; i < n; i++) {                                                                \
            TYPE x = a[i], y = b[i];                                                                     \
            out[i] = c[i] ? x : y;                                                                       \
        }                                                                                                \
    }
WHERE(where_1, uint8_t)
WHERE(where_4, uint32_t)
WHERE(where_8, uint64_t)

ELEMENTS(WHERE) {
    switch (dtype_bytes(node->dtype)) {
    case 1: where_1(n, x[0], x[1], x[2], out); break;
    case 4: where_4(n, x[0], x[1], x[2], out); break;
    default: where_8(n, x[0], x[1], x[2], out); break;
    }
}

#define FMA(name, TYPE, FUNCTION)                                                                     \
    VECTOR_CLONES(name, (int64_t n, const TYPE *a, const TYPE *b, const TYPE *c, TYPE *restrict out), \
                  (n, a, b, c, out)) {                                                                \
        for (int64_t i = 0; i < n; i++) out[i] = FUNCTION(a[i], b[i], c[i]);                          \
    }
FMA(fma_f32, float, __builtin_fmaf)
FMA(fma_f64, double, __builtin_fma)

ELEMENTS(FMA) {
    switch (node->dtype) {
    case DTYPE_F32: fma_f32(n, x[0], x[1], x[2], out); break;
    case DTYPE_F64: fma_f64(n, x[0], x[1], x[2], out); break;
    default: wrong_type(node);
    }
}

/* ---- the table --------------------------------------------------------------------------- */
static ElementRule *const element_rules[OP_COUNT] = {
#define RULE_LEAF(NAME) NULL
#define RULE_ELEMENT(NAME) elements_##NAME
#define RULE_MOVE(NAME) NULL
#define RULE_REDUCE(NAME) NULL
#define RULE_INDEXED(NAME) NULL
#define OP(NAME, text, arity, class, ...) [OP_##NAME] = RULE_##class(NAME),
#include "ir/ops.def"
#undef OP
};

void elements_evaluate(const Node *node, int64_t count, const void *const *x, void *out) {
    element_rules[node->op](node, count, x, out);
}

/* ---- one element ------------------------------------------------------------------------- */
void element_set(DType t, void *to, double value) {
    switch (t) {
    case DTYPE_F32: *(float *)to = (float)value; break;
    case DTYPE_F64: *(double *)to = value; break;
    case DTYPE_I32: *(int32_t *)to = (int32_t)value; break;
    case DTYPE_BOOL:
    case DTYPE_U8: *(uint8_t *)to = (uint8_t)value; break;
    }
}

double element_get(DType t, const void *from) {
    switch (t) {
    case DTYPE_F32: return (double)*(const float *)from;
    case DTYPE_F64: return *(const double *)from;
    case DTYPE_I32: return *(const int32_t *)from;
    case DTYPE_BOOL:
    case DTYPE_U8: return *(const uint8_t *)from;
    }
    INTERNAL_ERROR("no such type: %d", (int)t);
}
