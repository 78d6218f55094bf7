/* check_rows: what is refused before any state changes: missing pointers, no rows, labels out of range, values that are
 * not finite. Shared by the functions every object carries and by the loops in libsgdrt.
 *
 * Values are looked at as bits, so that neither the host's floating-point environment nor -ffast-math can hide one.
 */
#ifndef SGDRT_CHECK_ROWS_H
#define SGDRT_CHECK_ROWS_H
#include "finite.h"
#include "model.h"
#include "sets.h"

/* FITTING makes the statistics of standardized columns itself. */
typedef enum sgdrt_purpose { SGDRT_STEPPING, SGDRT_EVALUATING, SGDRT_PREDICTING, SGDRT_FITTING } sgdrt_purpose;

static inline int sgdrt_label_in_range(const void *at, int64_t classes) {
    int32_t label;
    __builtin_memcpy(&label, at, sizeof label);
    return label >= 0 && label < classes;
}

/* What is wrong with so many values of a column. */
static inline int sgdrt_check_values(const sgdrt_model_column *column, const char *at, int64_t count) {
    if (!sgdrt_all_finite(at, (sgdrt_dtype)column->dtype, count, column->may_be_missing)) return SGDRT_NOT_FINITE;
    for (int64_t e = 0; column->classes && e < count; e++) {
        if (column->dtype == SGDRT_I32 && !sgdrt_label_in_range(at + 4 * e, column->classes)) return SGDRT_LABEL;
        if (column->dtype == SGDRT_U8 && (unsigned char)at[e] >= column->classes) return SGDRT_LABEL;
    }
    return SGDRT_OK;
}

/* Rows that lie beside each other are looked at as one: alone, a short one takes longer than its values do. */
static inline int sgdrt_check_column(const sgdrt_model_column *column, const sgdrt_column *values, int64_t rows,
                                     int64_t *bad_row) {
    const char *at = (const char *)values->data;
    int beside = values->stride == (int64_t)sgdrt_column_bytes(column), status = SGDRT_OK;
    if (beside && !sgdrt_check_values(column, at, rows * column->elements)) return SGDRT_OK;
    for (int64_t r = 0; r < rows && !status; r++) {
        status = sgdrt_check_values(column, at + r * values->stride, column->elements);
        *bad_row = r;
    }
    return status;
}

/* Rows that predict answers: of the sets it reads, which have equally many; of the first where it reads none. */
static inline int64_t sgdrt_predicted_rows(const sgdrt_model *model, const sgdrt_rows *data) {
    for (int32_t i = 0; i < model->column_count; i++)
        if (model->columns[i].predicts) return sgdrt_rows_of(model, data, sgdrt_set_of(model, i));
    return data->rows;
}

/* The rows of a further set are repeated until a step is full, each as often, or count once. */
static inline int sgdrt_check_step(const sgdrt_model *model, const sgdrt_rows *data) {
    if (model->most_rows && data->rows > model->most_rows) return SGDRT_ROWS;
    for (int32_t s = 1; s <= model->set_count; s++)
        if (data->rows % sgdrt_rows_of(model, data, s) && !sgdrt_sets_are_uneven(model)) return SGDRT_ROWS;
    return SGDRT_OK;
}

static inline int sgdrt_check_counts(const sgdrt_model *model, const sgdrt_rows *data, sgdrt_purpose purpose) {
    if (purpose == SGDRT_PREDICTING) {
        int64_t rows = sgdrt_predicted_rows(model, data);
        if (rows <= 0) return SGDRT_NO_ROWS;
        for (int32_t i = 0; i < model->column_count; i++)
            if (model->columns[i].predicts && sgdrt_rows_of(model, data, sgdrt_set_of(model, i)) != rows)
                return SGDRT_ROWS;
        return SGDRT_OK;
    }
    for (int32_t s = 0; s <= model->set_count; s++)
        if (sgdrt_rows_of(model, data, s) <= 0) return SGDRT_NO_ROWS;
    return purpose == SGDRT_STEPPING ? sgdrt_check_step(model, data) : SGDRT_OK;
}

static inline int sgdrt_check_rows(const sgdrt_instance *instance, const sgdrt_rows *data, sgdrt_purpose purpose) {
    if (!instance || !data) return SGDRT_NULL;
    int status = sgdrt_check_counts(instance->model, data, purpose);
    for (int32_t i = 0; i < instance->model->column_count && !status; i++) {
        const sgdrt_model_column *column = &instance->model->columns[i];
        if (column->unread || (purpose == SGDRT_PREDICTING && !column->predicts)) continue;
        if (!data->columns[i].data) return SGDRT_NULL;
        if (column->mean_cell >= 0 && !instance->has_statistics && purpose != SGDRT_FITTING) return SGDRT_DEFERRED;
        int64_t row, rows = sgdrt_rows_of(instance->model, data, sgdrt_set_of(instance->model, i));
        status = sgdrt_check_column(column, &data->columns[i], rows, &row);
    }
    return status;
}
#endif
