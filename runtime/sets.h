/* sets: the rows of a model whose steps take several data sets. Generated code knows one table: the columns of all sets
 * side by side, and in each row a row of each. NAME_data has the columns of all sets, too, the number of the first set's
 * rows in front, and those of the further sets behind all columns.
 *
 * Where a set has fewer rows than the first, they come again: row r of the first stands beside row r % rows of the other.
 */
#ifndef SGDRT_SETS_H
#define SGDRT_SETS_H
#include "model.h"

/* The set that a column is of; 0 is the first. */
static inline int32_t sgdrt_set_of(const sgdrt_model *model, int32_t column) {
    int32_t set = 0;
    while (set < model->set_count && column >= model->sets[set].first_column) set++;
    return set;
}

static inline int64_t sgdrt_rows_of(const sgdrt_model *model, const sgdrt_rows *data, int32_t set) {
    int64_t rows = data->rows;
    const char *behind = (const char *)&data->columns[model->column_count];
    if (set > 0) __builtin_memcpy(&rows, behind + sizeof rows * (uint64_t)(set - 1), sizeof rows);
    return rows;
}

/* Of one row. */
static inline uint64_t sgdrt_column_bytes(const sgdrt_model_column *column) {
    uint64_t each = column->dtype == SGDRT_F64 ? 8 : column->dtype == SGDRT_F32 || column->dtype == SGDRT_I32 ? 4 : 1;
    return each * (uint64_t)column->elements;
}

/* Must the column be repeated to have so many rows? */
static inline int sgdrt_is_short(const sgdrt_model *model, const sgdrt_rows *data, int32_t column, int64_t all) {
    return sgdrt_rows_of(model, data, sgdrt_set_of(model, column)) < all;
}

/* Is a term the mean over the rows of its own sets, whose numbers differ? */
static inline int sgdrt_sets_are_uneven(const sgdrt_model *model) {
    int uneven = 0;
    for (int32_t s = 0; s < model->set_count; s++) uneven |= sgdrt_is_uneven(model->batch, model->sets[s].batch);
    return uneven;
}

/* The places of a step on these rows: as many as the first set has, or the largest, whose numbers the header gets. */
static inline int64_t sgdrt_places_of(const sgdrt_model *model, const sgdrt_rows *data, sgdrt_header *header) {
    int64_t places = data->rows;
    if (!sgdrt_sets_are_uneven(model)) return places;
    for (int32_t s = 0; s <= model->set_count; s++) {
        int64_t rows = sgdrt_rows_of(model, data, s);
        header->set_rows[s] = (uint32_t)rows;
        places = rows > places ? rows : places;
    }
    return places;
}

/* Bytes that sgdrt_join needs for so many rows; 0: no set has fewer. */
static inline uint64_t sgdrt_join_bytes(const sgdrt_model *model, const sgdrt_rows *data, int64_t all) {
    uint64_t bytes = 0;
    for (int32_t c = 0; c < model->column_count; c++)
        if (sgdrt_is_short(model, data, c, all))
            bytes += sgdrt_whole_lines(sgdrt_column_bytes(&model->columns[c]) * (uint64_t)all);
    return bytes ? bytes + sgdrt_whole_lines(sizeof(sgdrt_column) * (uint64_t)model->column_count) : 0;
}

/* The columns of all sets beside each other, in `memory`: those of shorter sets with their rows again and again. */
static inline const sgdrt_column *sgdrt_join(const sgdrt_model *model, const sgdrt_rows *data, int64_t all,
                                             void *memory) {
    sgdrt_column *columns = memory;
    char *next = (char *)memory + sgdrt_whole_lines(sizeof *columns * (uint64_t)model->column_count);
    for (int32_t c = 0; c < model->column_count; c++) {
        columns[c] = data->columns[c];
        if (!data->columns[c].data || !sgdrt_is_short(model, data, c, all)) continue;
        const char *from = data->columns[c].data;
        int64_t bytes = (int64_t)sgdrt_column_bytes(&model->columns[c]), stride = data->columns[c].stride,
                rows = sgdrt_rows_of(model, data, sgdrt_set_of(model, c));
        for (int64_t r = 0; r < all; r++) __builtin_memcpy(next + r * bytes, from + r % rows * stride, (uint64_t)bytes);
        columns[c].data = next;
        columns[c].stride = bytes;
        next += sgdrt_whole_lines((uint64_t)(bytes * all));
    }
    return columns;
}
#endif
