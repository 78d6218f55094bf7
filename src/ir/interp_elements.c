/* interp_elements: the ops that compute element by element, that move elements, and that read or add at
 * places which are data. One loop per op and type, over all rows at once; operands without rows are repeated
 * before. VIEW keeps the source place of each of its elements in a table.
 */
#include <stdlib.h>
#include <string.h>

#include "ir/affine.h"
#include "ir/interp_internal.h"
#include "math_functions.h"
#include "vector_clones.h"

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

#define BEGIN1                                  \
    const void *a = interp_operand(e, node, 0); \
    int64_t n = interp_count(e, node)
#define BEGIN2                                                                   \
    const void *a = interp_operand(e, node, 0), *b = interp_operand(e, node, 1); \
    int64_t n = interp_count(e, node)

static void wrong_type(const Node *node) { INTERNAL_ERROR("%s of %s", op_text(node->op), dtype_text(node->dtype)); }

/* Real functions of one argument: x32 and x64 are expressions in x. */
#define REAL1(NAME, x32, x64)                                             \
    LOOP1(NAME##_f32, float, float, x32)                                  \
    LOOP1(NAME##_f64, double, double, x64)                                \
    void interp_eval_##NAME(Evaluation *e, const Node *node, void *out) { \
        BEGIN1;                                                           \
        switch (node->dtype) {                                            \
        case DTYPE_F32: NAME##_f32(n, a, out); break;                     \
        case DTYPE_F64: NAME##_f64(n, a, out); break;                     \
        default: wrong_type(node);                                        \
        }                                                                 \
    }
REAL1(SQRT, __builtin_sqrtf(x), __builtin_sqrt(x))
#define FUNCTION(NAME, name) REAL1(NAME, math_##name##_f32(x), math_##name##_f64(x))
#include "functions.def"
REAL1(FLOOR, __builtin_floorf(x), __builtin_floor(x))

/* Numbers of one argument. */
#define NUMBER1(NAME, x32, x64, xi)                                       \
    LOOP1(NAME##_f32, float, float, x32)                                  \
    LOOP1(NAME##_f64, double, double, x64)                                \
    LOOP1(NAME##_i32, int32_t, int32_t, xi)                               \
    void interp_eval_##NAME(Evaluation *e, const Node *node, void *out) { \
        BEGIN1;                                                           \
        switch (node->dtype) {                                            \
        case DTYPE_F32: NAME##_f32(n, a, out); break;                     \
        case DTYPE_F64: NAME##_f64(n, a, out); break;                     \
        case DTYPE_I32: NAME##_i32(n, a, out); break;                     \
        default: wrong_type(node);                                        \
        }                                                                 \
    }
NUMBER1(NEG, -x, -x, math_sub_i32(0, x))
NUMBER1(ABS, __builtin_fabsf(x), __builtin_fabs(x), x < 0 ? math_sub_i32(0, x) : x)

LOOP1(NOT_bool, uint8_t, uint8_t, !x)
void interp_eval_NOT(Evaluation *e, const Node *node, void *out) {
    BEGIN1;
    NOT_bool(n, a, out);
}

void interp_eval_STOP_GRADIENT(Evaluation *e, const Node *node, void *out) {
    BEGIN1;
    memcpy(out, a, (size_t)n * dtype_bytes(node->dtype));
}

void interp_eval_VARIABLE(Evaluation *e, const Node *node, void *out) { interp_eval_STOP_GRADIENT(e, node, out); }

void interp_eval_RANK(Evaluation *e, const Node *node, void *out) {
    (void)e;
    (void)out;
    INTERNAL_ERROR("%s of node %u", op_text(node->op), node->id);
}

#define FUNCTION_AND_NUMBER(NAME, name)                                                 \
    void interp_eval_##NAME(Evaluation *e, const Node *node, void *out) {               \
        BEGIN1;                                                                         \
        int64_t number = node->attr.index;                                              \
        if (!dtype_is_real(node->dtype)) wrong_type(node);                              \
        for (int64_t i = 0; i < n; i++) {                                               \
            if (node->dtype == DTYPE_F32)                                               \
                ((float *)out)[i] = math_##name##_f32(((const float *)a)[i], number);   \
            else                                                                        \
                ((double *)out)[i] = math_##name##_f64(((const double *)a)[i], number); \
        }                                                                               \
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

void interp_eval_CAST(Evaluation *e, const Node *node, void *out) {
    BEGIN1;
    switch (node->source[0]->dtype) {
    case DTYPE_F32: cast_f32(node, n, a, out); break;
    case DTYPE_F64: cast_f64(node, n, a, out); break;
    case DTYPE_I32: cast_i32(node, n, a, out); break;
    case DTYPE_BOOL:
    case DTYPE_U8: cast_u8(node, n, a, out); break;
    }
}

/* ---- two sources */
#define NUMBER2(NAME, x32, x64, xi)                                       \
    LOOP2(NAME##_f32, float, float, x32)                                  \
    LOOP2(NAME##_f64, double, double, x64)                                \
    LOOP2(NAME##_i32, int32_t, int32_t, xi)                               \
    void interp_eval_##NAME(Evaluation *e, const Node *node, void *out) { \
        BEGIN2;                                                           \
        switch (node->dtype) {                                            \
        case DTYPE_F32: NAME##_f32(n, a, b, out); break;                  \
        case DTYPE_F64: NAME##_f64(n, a, b, out); break;                  \
        case DTYPE_I32: NAME##_i32(n, a, b, out); break;                  \
        default: wrong_type(node);                                        \
        }                                                                 \
    }
NUMBER2(ADD, x + y, x + y, math_add_i32(x, y))
NUMBER2(SUB, x - y, x - y, math_sub_i32(x, y))
NUMBER2(MUL, x *y, x *y, math_mul_i32(x, y))
NUMBER2(MAX, math_max_f32(x, y), math_max_f64(x, y), math_max_i32(x, y))
NUMBER2(MIN, math_min_f32(x, y), math_min_f64(x, y), math_min_i32(x, y))

#define REAL2(NAME, x32, x64)                                             \
    LOOP2(NAME##_f32, float, float, x32)                                  \
    LOOP2(NAME##_f64, double, double, x64)                                \
    void interp_eval_##NAME(Evaluation *e, const Node *node, void *out) { \
        BEGIN2;                                                           \
        switch (node->dtype) {                                            \
        case DTYPE_F32: NAME##_f32(n, a, b, out); break;                  \
        case DTYPE_F64: NAME##_f64(n, a, b, out); break;                  \
        default: wrong_type(node);                                        \
        }                                                                 \
    }
REAL2(DIV, x / y, x / y)
#define FUNCTION_OF_TWO(NAME, name) REAL2(NAME, math_##name##_f32(x, y), math_##name##_f64(x, y))
#include "functions.def"

#define TYPED2(NAME, TYPE, expression)                                    \
    LOOP2(NAME##_only, TYPE, TYPE, expression)                            \
    void interp_eval_##NAME(Evaluation *e, const Node *node, void *out) { \
        BEGIN2;                                                           \
        NAME##_only(n, a, b, out);                                        \
    }
TYPED2(FLOORDIV, int32_t, y > 0 ? math_floordiv_i32(x, y) : 0)
TYPED2(MOD, int32_t, y > 0 ? math_mod_i32(x, y) : 0)
TYPED2(AND, uint8_t, x &y)
TYPED2(OR, uint8_t, x | y)

#define COMPARISON(NAME, expression)                                      \
    LOOP2(NAME##_f32, float, uint8_t, expression)                         \
    LOOP2(NAME##_f64, double, uint8_t, expression)                        \
    LOOP2(NAME##_i32, int32_t, uint8_t, expression)                       \
    LOOP2(NAME##_u8, uint8_t, uint8_t, expression)                        \
    void interp_eval_##NAME(Evaluation *e, const Node *node, void *out) { \
        BEGIN2;                                                           \
        switch (node->source[0]->dtype) {                                 \
        case DTYPE_F32: NAME##_f32(n, a, b, out); break;                  \
        case DTYPE_F64: NAME##_f64(n, a, b, out); break;                  \
        case DTYPE_I32: NAME##_i32(n, a, b, out); break;                  \
        case DTYPE_BOOL:                                                  \
        case DTYPE_U8: NAME##_u8(n, a, b, out); break;                    \
        }                                                                 \
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

void interp_eval_WHERE(Evaluation *e, const Node *node, void *out) {
    const void *c = interp_operand(e, node, 0), *a = interp_operand(e, node, 1), *b = interp_operand(e, node, 2);
    int64_t n = interp_count(e, node);
    switch (dtype_bytes(node->dtype)) {
    case 1: where_1(n, c, a, b, out); break;
    case 4: where_4(n, c, a, b, out); break;
    default: where_8(n, c, a, b, out); break;
    }
}

#define FMA(name, TYPE, FUNCTION)                                                                     \
    VECTOR_CLONES(name, (int64_t n, const TYPE *a, const TYPE *b, const TYPE *c, TYPE *restrict out), \
                  (n, a, b, c, out)) {                                                                \
        for (int64_t i = 0; i < n; i++) out[i] = FUNCTION(a[i], b[i], c[i]);                          \
    }
FMA(fma_f32, float, __builtin_fmaf)
FMA(fma_f64, double, __builtin_fma)

void interp_eval_FMA(Evaluation *e, const Node *node, void *out) {
    const void *a = interp_operand(e, node, 0), *b = interp_operand(e, node, 1), *c = interp_operand(e, node, 2);
    int64_t n = interp_count(e, node);
    switch (node->dtype) {
    case DTYPE_F32: fma_f32(n, a, b, c, out); break;
    case DTYPE_F64: fma_f64(n, a, b, c, out); break;
    default: wrong_type(node);
    }
}

/* ---- movement ---------------------------------------------------------------------------- */

/* The place in the source for index `at` of the result, or -1. */
static int64_t place_of(const Access *access, const int64_t *at, int rank, Shape source) {
    int64_t place = 0;
    for (int a = 0; a < access->rank; a++) {
        const AxisMap *map = &access->axis[a];
        int64_t numerator = map->offset;
        for (int k = 0; k < rank; k++) numerator += map->coef[k] * at[k];
        if (numerator < 0 || numerator % map->divisor != 0 || numerator / map->divisor >= source.extent[a]) return -1;
        place = place * source.extent[a] + numerator / map->divisor;
    }
    return place;
}

static const int64_t *view_places(Evaluation *e, const Node *node) {
    NodeTables **tables = interp_tables(e, node);
    if (*tables) return (*tables)->place;
    *tables = interp_memory(sizeof **tables);
    int64_t size = shape_size(node->shape), at[MOST_RANK] = {0};
    **tables = (NodeTables){.place = interp_memory((size_t)size * sizeof(int64_t))};
    for (int64_t i = 0; i < size; i++) {
        (*tables)->place[i] = place_of(&node->attr.contraction->access[0], at, node->shape.rank,
                                       node->source[0]->shape);
        for (int a = node->shape.rank - 1; a >= 0 && ++at[a] == node->shape.extent[a]; a--) at[a] = 0;
    }
    return (*tables)->place;
}

#define MOVE(name, TYPE)                                                                               \
    static void name(int64_t n, const int64_t *place, const TYPE *restrict from, TYPE *restrict out) { \
        for (int64_t i = 0; i < n; i++) out[i] = place[i] < 0 ? 0 : from[place[i]];                    \
    }
MOVE(move_1, uint8_t)
MOVE(move_4, uint32_t)
MOVE(move_8, uint64_t)

void interp_eval_VIEW(Evaluation *e, const Node *node, void *out) {
    const int64_t *place = view_places(e, node);
    const char *from = interp_value(e, node->source[0]);
    int64_t size = shape_size(node->shape), source_size = shape_size(node->source[0]->shape);
    size_t bytes = dtype_bytes(node->dtype);
    for (int64_t r = 0, rows = interp_rows(e, node); r < rows; r++) {
        const char *row = from + (size_t)(r * source_size) * bytes;
        char *to = (char *)out + (size_t)(r * size) * bytes;
        switch (bytes) {
        case 1: move_1(size, place, (const void *)row, (void *)to); break;
        case 4: move_4(size, place, (const void *)row, (void *)to); break;
        default: move_8(size, place, (const void *)row, (void *)to); break;
        }
    }
}

void interp_eval_RESHAPE(Evaluation *e, const Node *node, void *out) { interp_eval_STOP_GRADIENT(e, node, out); }

/* Elements from axis `begin` on. */
static int64_t size_from(Shape s, int begin) {
    int64_t size = 1;
    for (int a = begin; a < s.rank; a++) size *= s.extent[a];
    return size;
}

void interp_eval_CONCAT(Evaluation *e, const Node *node, void *out) {
    int axis = (int)node->attr.index;
    size_t bytes = dtype_bytes(node->dtype);
    size_t whole = (size_t)size_from(node->shape, axis) * bytes, begin = 0;
    int64_t times = interp_count(e, node) * (int64_t)bytes / (int64_t)(whole ? whole : 1);
    for (int s = 0; s < node->sources; s++) {
        const Node *source = node->source[s];
        const char *from = interp_value(e, source);
        size_t part = (size_t)size_from(source->shape, axis) * bytes;
        int64_t times_in_row = source->rows || !node->rows ? times : times / (e->rows ? e->rows : 1);
        for (int64_t i = 0; i < times; i++)
            memcpy((char *)out + (size_t)i * whole + begin, from + (size_t)(i % times_in_row) * part, part);
        begin += part;
    }
}

/* ---- indexed ----------------------------------------------------------------------------- */

/* [shared][indices][tail] against a table [shared][extent][tail] */
typedef struct Indexed {
    int64_t shared, indices, extent, tail;
} Indexed;

static Indexed indexed_of(const Node *index, Shape table, int b) {
    Indexed i = {.extent = table.extent[b], .tail = size_from(table, b + 1)};
    i.indices = size_from(index->shape, b);
    i.shared = 1;
    for (int a = 0; a < b; a++) i.shared *= table.extent[a];
    return i;
}

void interp_eval_GATHER(Evaluation *e, const Node *node, void *out) {
    const Node *table = node->source[0], *index = node->source[1];
    Indexed d = indexed_of(index, table->shape, (int)node->attr.index);
    const char *from = interp_value(e, table);
    const int32_t *at = interp_value(e, index);
    size_t tail = (size_t)d.tail * dtype_bytes(node->dtype);
    char *to = out;
    for (int64_t r = 0, rows = interp_rows(e, node); r < rows; r++) {
        int64_t table_row = table->rows ? r : 0, index_row = index->rows ? r : 0;
        for (int64_t s = 0; s < d.shared; s++) {
            for (int64_t i = 0; i < d.indices; i++, to += tail) {
                int64_t place = at[(index_row * d.shared + s) * d.indices + i];
                if (place >= 0 && place < d.extent)
                    memcpy(to, from + (size_t)((table_row * d.shared + s) * d.extent + place) * tail, tail);
                else
                    memset(to, 0, tail);
            }
        }
    }
}

/* to += x, or x * y rounded once */
static void add_tail(DType t, int64_t n, const void *x, int64_t x_at, const void *y, int64_t y_at, void *out,
                     int64_t to) {
    for (int64_t i = 0; i < n; i++) {
        if (t == DTYPE_F32) {
            float term = ((const float *)x)[x_at + i], *sum = (float *)out + to + i;
            *sum = y ? __builtin_fmaf(term, ((const float *)y)[y_at + i], *sum) : *sum + term;
        } else if (t == DTYPE_F64) {
            double term = ((const double *)x)[x_at + i], *sum = (double *)out + to + i;
            *sum = y ? __builtin_fma(term, ((const double *)y)[y_at + i], *sum) : *sum + term;
        } else {
            int32_t term = ((const int32_t *)x)[x_at + i], *sum = (int32_t *)out + to + i;
            *sum = math_add_i32(*sum, y ? math_mul_i32(term, ((const int32_t *)y)[y_at + i]) : term);
        }
    }
}

void interp_eval_SCATTER_ADD(Evaluation *e, const Node *node, void *out) {
    const Node *x = node->source[0], *index = node->source[1], *y = node->sources > 2 ? node->source[2] : NULL;
    Indexed d = indexed_of(index, node->shape, (int)node->attr.index);
    const void *from = interp_value(e, x), *factor = y ? interp_value(e, y) : NULL;
    const int32_t *at = interp_value(e, index);
    bool over_rows = node->attr.over_rows;
    memset(out, 0, (size_t)interp_count(e, node) * dtype_bytes(node->dtype));
    int64_t rows = over_rows || node->rows ? e->rows : 1;
    for (int64_t r = 0; r < rows; r++) {
        int64_t x_row = x->rows ? r : 0, y_row = y && y->rows ? r : 0;
        int64_t index_row = index->rows ? r : 0, out_row = over_rows ? 0 : r;
        for (int64_t s = 0; s < d.shared; s++) {
            for (int64_t i = 0; i < d.indices; i++) {
                int64_t place = at[(index_row * d.shared + s) * d.indices + i];
                if (place < 0 || place >= d.extent) continue;
                int64_t x_at = ((x_row * d.shared + s) * d.indices + i) * d.tail;
                int64_t y_at = ((y_row * d.shared + s) * d.indices + i) * d.tail;
                int64_t sum = ((out_row * d.shared + s) * d.extent + place) * d.tail;
                add_tail(node->dtype, d.tail, from, x_at, factor, y_at, out, sum);
            }
        }
    }
}
