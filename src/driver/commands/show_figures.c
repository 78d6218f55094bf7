/* Figures of a field: smallest, mean, deviation (of the population), largest. Mean and squares are brought up to date row
 * by row (Welford), so that no figure suffers from a large mean.
 */
#include "driver/commands/show.h"
#include "ir/interp.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_ELEMENTS = 1 << 18, MOST_COUNTED_CLASSES = 1 << 20 };

static double number_at(const char *at, sgdrt_dtype dtype, int64_t i) {
    switch (dtype) {
    case SGDRT_F32: return (double)((const float *)(const void *)at)[i];
    case SGDRT_F64: return ((const double *)(const void *)at)[i];
    case SGDRT_I32: return (double)((const int32_t *)(const void *)at)[i];
    default: return (double)((const uint8_t *)at)[i];
    }
}

typedef struct RowReader {
    const sgdrt_table *table;
    const Field *field;
    int column;
    int64_t elements, block;
    char *buffer;
} RowReader;

static RowReader reader_of(const sgdrt_table *table, const Field *field, int64_t elements) {
    int64_t block = elements > 0 && elements < BLOCK_ELEMENTS ? BLOCK_ELEMENTS / elements : 1;
    RowReader reader = {table, field, field->column, elements, block, NULL};
    size_t bytes = (size_t)(block * elements) * dtype_bytes(field->value->dtype);
    if (reader.column < 0) reader.buffer = malloc(bytes + 1);
    if (reader.column < 0 && !reader.buffer) out_of_memory(bytes);
    return reader;
}

/* The values of a block's rows, first .. first + count - 1. */
static void read_rows(const RowReader *reader, int64_t first, int64_t count, double *to) {
    if (reader->column < 0)
        interpret_rows(reader->field->value, reader->table->columns, NULL, first, count, reader->buffer);
    for (int64_t r = 0; r < count; r++) {
        sgdrt_dtype dtype = reader->column < 0 ? (sgdrt_dtype)reader->field->value->dtype
                                               : reader->table->described[reader->column].dtype;
        const char *row = reader->column < 0
                              ? reader->buffer + (size_t)(r * reader->elements) * sgdrt_dtype_bytes(dtype)
                              : sgdrt_row(reader->table, reader->column, first + r);
        for (int64_t e = 0; e < reader->elements; e++) to[r * reader->elements + e] = number_at(row, dtype, e);
    }
}

/* Until the end `deviation` holds the sum of squares about the mean. */
static void take(ElementFigures *f, double x) {
    double from_mean = x - f->mean;
    f->finite++;
    f->mean += from_mean / (double)f->finite;
    f->deviation += from_mean * (x - f->mean);
    if (x < f->low) f->low = x;
    if (x > f->high) f->high = x;
}

static void take_row(FieldFigures *figures, const double *row) {
    for (int64_t e = 0; e < figures->elements; e++) {
        double x = row[e];
        if (figures->class_rows && x >= 0 && x < (double)figures->field->classes) figures->class_rows[(int64_t)x]++;
        if (isfinite(x))
            take(&figures->element[e], x);
        else
            figures->not_finite++;
    }
}

/* All elements together, from each by itself. */
static ElementFigures join(const ElementFigures *element, int64_t count) {
    ElementFigures whole = {INFINITY, -INFINITY, 0, 0, 0};
    for (int64_t e = 0; e < count; e++) {
        const ElementFigures *f = &element[e];
        if (!f->finite) continue;
        double apart = f->mean - whole.mean, before = (double)whole.finite, here = (double)f->finite;
        whole.mean += apart * here / (before + here);
        whole.deviation += f->deviation + apart * apart * before * here / (before + here);
        whole.finite += f->finite;
        if (f->low < whole.low) whole.low = f->low;
        if (f->high > whole.high) whole.high = f->high;
    }
    return whole;
}

static void finish(ElementFigures *f) { f->deviation = f->finite ? sqrt(f->deviation / (double)f->finite) : 0; }

FieldFigures figures_of_field(Arena *arena, const DataSet *set, const sgdrt_table *table, const Field *field,
                              int64_t first_rows) {
    int64_t elements = shape_size(field->shape);
    FieldFigures figures = {.set = set,
                            .field = field,
                            .column = field->column >= 0 ? &set->columns[field->column] : NULL,
                            .elements = elements,
                            .element = arena_array(arena, ElementFigures, elements + 1)};
    RowReader reader = reader_of(table, field, elements);
    double *block = malloc(sizeof *block * (size_t)(reader.block * elements + 1));
    if (!block) out_of_memory(sizeof *block * (size_t)(reader.block * elements + 1));
    if (field->classes > 0 && field->classes <= MOST_COUNTED_CLASSES)
        figures.class_rows = arena_array(arena, int64_t, field->classes);
    figures.first_rows = first_rows < table->rows ? first_rows : table->rows;
    figures.first = arena_array(arena, double, figures.first_rows *elements + 1);
    for (int64_t e = 0; e < elements; e++) figures.element[e] = (ElementFigures){INFINITY, -INFINITY, 0, 0, 0};
    for (int64_t first = 0; first < table->rows; first += reader.block) {
        int64_t count = table->rows - first < reader.block ? table->rows - first : reader.block;
        read_rows(&reader, first, count, block);
        for (int64_t r = 0; r < count; r++) take_row(&figures, block + r * elements);
        for (int64_t r = 0; r < count && first + r < figures.first_rows; r++)
            memcpy(figures.first + (first + r) * elements, block + r * elements, sizeof *block * (size_t)elements);
    }
    figures.whole = join(figures.element, elements);
    finish(&figures.whole);
    for (int64_t e = 0; e < elements; e++) finish(&figures.element[e]);
    free(block);
    free(reader.buffer);
    return figures;
}
