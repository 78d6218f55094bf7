/* interp_move: the ops that move elements, and that read or add at places which are data. VIEW keeps the source place of
 * each of its elements in a table.
 */
#include <stdlib.h>
#include <string.h>

#include "ir/affine.h"
#include "ir/interp_internal.h"
#include "math_functions.h"

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

void interp_eval_RESHAPE(Evaluation *e, const Node *node, void *out) {
    memcpy(out, interp_operand(e, node, 0), (size_t)interp_count(e, node) * dtype_bytes(node->dtype));
}

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

void interp_eval_RANK(Evaluation *e, const Node *node, void *out) {
    (void)e;
    (void)out;
    INTERNAL_ERROR("%s of node %u", op_text(node->op), node->id);
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
