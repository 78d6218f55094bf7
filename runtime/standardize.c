/* standardize: mean and deviation of the training rows, and columns brought to mean 0 and deviation 1.
 *
 * All of it is in f64 (numerics.md, Preprocessing), from the values as they stand in the file: large numbers with small
 * differences keep them. A value is rounded once, when it is standardized. Predicting does the same operations, so
 * values that f32 holds exactly give the same bits there. The statistics are chains in the order of the rows, so
 * they do not depend on how the work is cut.
 */
#include "float_control.h"
#include "problem.h"
#include "table.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double value_at(const char *row, sgdrt_dtype dtype, int64_t element) {
    float f32;
    double f64;
    if (dtype == SGDRT_F32) {
        memcpy(&f32, row + element * (int64_t)sizeof f32, sizeof f32);
        return f32;
    }
    memcpy(&f64, row + element * (int64_t)sizeof f64, sizeof f64);
    return f64;
}

static void put_value(char *row, sgdrt_dtype dtype, int64_t element, double value) {
    float f32 = (float)value;
    if (dtype == SGDRT_F32)
        memcpy(row + element * (int64_t)sizeof f32, &f32, sizeof f32);
    else
        memcpy(row + element * (int64_t)sizeof value, &value, sizeof value);
}

typedef struct ListedRows {
    const sgdrt_column *column;
    sgdrt_dtype dtype;
    const uint32_t *rows;
    int64_t count;
} ListedRows;

static double listed_value(const ListedRows *list, int64_t place, int64_t element) {
    int64_t row = list->rows ? list->rows[place] : place;
    return value_at((const char *)list->column->data + row * list->column->stride, list->dtype, element);
}

static bool all_equal(const ListedRows *list, int64_t element) {
    double first = listed_value(list, 0, element);
    for (int64_t p = 1; p < list->count; p++)
        if (listed_value(list, p, element) != first) return false;
    return true;
}

void sgdrt_statistics(const sgdrt_column *column, sgdrt_dtype dtype, int64_t elements, const uint32_t *rows,
                      int64_t count, double *mean, double *deviation) {
    SGDRT_FLOAT_GUARD();
    ListedRows list = {column, dtype, rows, count};
    for (int64_t e = 0; e < elements; e++) mean[e] = deviation[e] = 0;
    for (int64_t p = 0; p < count; p++)
        for (int64_t e = 0; e < elements; e++) mean[e] += listed_value(&list, p, e);
    for (int64_t e = 0; e < elements; e++) mean[e] /= (double)count;
    for (int64_t p = 0; p < count; p++)
        for (int64_t e = 0; e < elements; e++) {
            double from_mean = listed_value(&list, p, e) - mean[e];
            deviation[e] += from_mean * from_mean;
        }
    for (int64_t e = 0; e < elements; e++) {
        deviation[e] = sqrt(deviation[e] / (double)count);
        if (count > 0 && all_equal(&list, e)) {
            mean[e] = listed_value(&list, 0, e);
            deviation[e] = 0;
        }
        if (deviation[e] == 0) deviation[e] = 1;
    }
}

/* ---- in place ---------------------------------------------------------------------------------- */
typedef struct ColumnPlace {
    sgdrt_dtype dtype;
    size_t offset;
} ColumnPlace;

/* The columns of one block, from a copy of the row as it was into the row as it will be. */
static void standardize_row(const sgdrt_table *table, int block, const ColumnPlace *old, const char *from, char *to,
                            const double *const *mean, const double *const *deviation) {
    const struct sgdrt_table_private *own = table->own;
    for (int c = 0; c < table->column_count; c++) {
        const sgdrt_table_column *d = &table->described[c];
        if (own->block_of[c] != block) continue;
        const char *was = from + old[c].offset;
        char *is = to + own->offset_of[c];
        if (!mean[c]) memcpy(is, was, sgdrt_dtype_bytes(d->dtype) * (size_t)d->elements);
        for (int64_t e = 0; mean[c] && e < d->elements; e++)
            put_value(is, d->dtype, e, (value_at(was, old[c].dtype, e) - mean[c][e]) / deviation[c][e]);
    }
}

/* Rows only become shorter, so each can be written before the next is read. */
int sgdrt_standardize(sgdrt_table *table, const double *const *mean, const double *const *deviation,
                      sgdrt_problem *problem) {
    SGDRT_FLOAT_GUARD();
    struct sgdrt_table_private *own = table->own;
    sgdrt_table_column *described = (sgdrt_table_column *)table->described;
    size_t places = (size_t)table->column_count + 1, longest = 1;
    ColumnPlace *old = calloc(places, sizeof *old);
    size_t *stride = calloc(places, sizeof *stride);
    for (int b = 0; b < own->block_count && stride; b++) {
        stride[b] = own->blocks[b].stride;
        longest = stride[b] > longest ? stride[b] : longest;
    }
    char *row = malloc(longest);
    bool fine = old && stride && row;
    for (int c = 0; c < table->column_count && fine; c++) {
        old[c] = (ColumnPlace){described[c].dtype, own->offset_of[c]};
        if (mean[c]) described[c].dtype = described[c].declared;
    }
    if (fine) sgdrt_table_lay_out(table);
    for (int b = 0; b < own->block_count && fine; b++)
        for (int64_t r = 0; r < table->rows; r++) {
            TableBlock *block = &own->blocks[b];
            memcpy(row, block->bytes + stride[b] * (size_t)r, stride[b]);
            standardize_row(table, b, old, row, (char *)block->bytes + block->stride * (size_t)r, mean, deviation);
        }
    if (fine) sgdrt_table_settle(table, table->rows);
    free(row);
    free(old);
    free(stride);
    return fine ? 0 : sgdrt_problem_memory(problem, own->path, longest);
}
