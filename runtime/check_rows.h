/* check_rows: what is refused before any state changes: missing pointers, no rows, labels out of range. Shared by
 * the functions every object carries and by the loops in libsgdrt. */
#ifndef SGDRT_CHECK_ROWS_H
#define SGDRT_CHECK_ROWS_H
#include "model.h"

/* FITTING makes the statistics of standardized columns itself. */
typedef enum sgdrt_purpose { SGDRT_STEPPING, SGDRT_PREDICTING, SGDRT_FITTING } sgdrt_purpose;

static inline int sgdrt_labels_in_range(const sgdrt_model_column *column, const sgdrt_column *values, int64_t rows) {
    for (int64_t r = 0; r < rows; r++) {
        const int32_t *label = (const int32_t *)((const char *)values->data + r * values->stride);
        for (int64_t e = 0; e < column->elements; e++)
            if (label[e] < 0 || label[e] >= column->classes) return 0;
    }
    return 1;
}

static inline int sgdrt_check_rows(const sgdrt_instance *instance, const sgdrt_rows *data, sgdrt_purpose purpose) {
    if (!instance || !data) return SGDRT_NULL;
    if (data->rows <= 0) return SGDRT_NO_ROWS;
    for (int32_t i = 0; i < instance->model->column_count; i++) {
        const sgdrt_model_column *column = &instance->model->columns[i];
        if (purpose == SGDRT_PREDICTING && !column->predicts) continue;
        if (!data->columns[i].data) return SGDRT_NULL;
        if (column->mean_cell >= 0 && !instance->has_statistics && purpose != SGDRT_FITTING) return SGDRT_DEFERRED;
        if (column->classes && column->dtype == SGDRT_I32 &&
            !sgdrt_labels_in_range(column, &data->columns[i], data->rows))
            return SGDRT_LABEL;
    }
    return SGDRT_OK;
}
#endif
