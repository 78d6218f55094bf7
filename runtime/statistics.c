/* statistics: means and medians of what is there, mean and deviation of what a run derives from its rows, shares of classes.
 * All are f64, from values in the order of the rows. */
#include "statistics.h"
#include "finite.h"
#include "float_control.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static double number_at(const void *row, int32_t dtype, int64_t element) {
    float f32;
    double f64;
    int32_t i32;
    if (dtype == SGDRT_F64) {
        memcpy(&f64, (const char *)row + 8 * element, sizeof f64);
        return f64;
    }
    if (dtype == SGDRT_I32) {
        memcpy(&i32, (const char *)row + 4 * element, sizeof i32);
        return i32;
    }
    memcpy(&f32, (const char *)row + 4 * element, sizeof f32);
    return (double)f32;
}

static double *cell_of(const sgdrt_learning *l, int32_t cell) {
    return (double *)(void *)((char *)l->state + l->cells[cell].offset);
}

/* ---- what stands for missing values ------------------------------------------------------------ */
static int compare_numbers(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double middle(double *values, int64_t count) {
    qsort(values, (size_t)count, sizeof *values, compare_numbers);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double mean(const double *values, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += values[i];
    return sum / (double)count;
}

static int learn_fill(const sgdrt_learning *l, const sgdrt_model_statistic *s) {
    const sgdrt_column *column = &l->columns[s->column];
    double *values = malloc(sizeof *values * (size_t)(l->count > 0 ? l->count : 1));
    int status = values ? SGDRT_OK : SGDRT_MEMORY;
    for (int64_t e = 0; e < s->elements && !status; e++) {
        int64_t there = 0;
        for (int64_t i = 0; i < l->count; i++) {
            const char *row = (const char *)column->data + (l->rows ? l->rows[i] : i) * column->stride;
            double value = number_at(row, s->dtype, e);
            if (value == value) values[there++] = value;
        }
        if (!there) status = SGDRT_NO_ROWS;
        if (there)
            cell_of(l, s->cell)[e] = s->kind == SGDRT_STATISTIC_MEDIAN ? middle(values, there) : mean(values, there);
    }
    free(values);
    return status;
}

/* ---- what is derived ---------------------------------------------------------------------------- */
static const sgdrt_model_statistic *of_output(const sgdrt_learning *l, int32_t output) {
    for (int32_t i = 0; i < l->statistic_count; i++)
        if (l->statistics[i].output == output) return &l->statistics[i];
    return NULL;
}

/* Values of a row: the shares of a label are of one number. */
static int64_t width_of(const sgdrt_model_statistic *s) {
    return s->kind == SGDRT_STATISTIC_SHARES || s->kind == SGDRT_STATISTIC_WEIGHT ? 1 : s->elements;
}

static size_t row_bytes(const sgdrt_model_statistic *s) {
    return sgdrt_dtype_bytes((sgdrt_dtype)s->dtype) * (size_t)width_of(s);
}

static void free_outputs(void **outputs, int32_t count) {
    for (int32_t i = 0; outputs && i < count; i++) free(outputs[i]);
    free(outputs);
}

static void **derive(const sgdrt_learning *l) {
    void **outputs = calloc((size_t)l->outputs + 1, sizeof *outputs);
    bool good = outputs != NULL;
    for (int32_t i = 0; good && i < l->outputs; i++) {
        outputs[i] = malloc(row_bytes(of_output(l, i)) * (size_t)(l->count > 0 ? l->count : 1));
        good = outputs[i] != NULL;
    }
    if (!good) {
        free_outputs(outputs, l->outputs);
        return NULL;
    }
    sgdrt_call call = {
        .columns = l->columns, .rows = l->rows, .count = l->count, .batch = l->count, .outputs = outputs};
    l->derive(l->context, &call);
    return outputs;
}

static int check_finite(const sgdrt_learning *l, const sgdrt_model_statistic *s, const void *values, int64_t *place) {
    for (int64_t i = 0; i < l->count; i++)
        for (int64_t e = 0; e < s->elements; e++) {
            double value = number_at((const char *)values + row_bytes(s) * (size_t)i, s->dtype, e);
            if (sgdrt_f64_is_finite(&value)) continue;
            *place = i;
            return SGDRT_NOT_FINITE;
        }
    return SGDRT_OK;
}

/* A class without rows counts as one with one row: its share divides. */
static void learn_shares(const sgdrt_learning *l, const sgdrt_model_statistic *s, const void *values) {
    double *shares = cell_of(l, s->cell);
    for (int64_t k = 0; k < s->elements; k++) shares[k] = 0;
    for (int64_t i = 0; i < l->count; i++) {
        int32_t k = (int32_t)number_at((const char *)values + row_bytes(s) * (size_t)i, s->dtype, 0);
        if (k >= 0 && k < s->elements) shares[k]++;
    }
    for (int64_t k = 0; k < s->elements; k++) shares[k] = (shares[k] > 0 ? shares[k] : 1) / (double)l->count;
}

static int learn_derived(const sgdrt_learning *l, const sgdrt_model_statistic *s, const void *values, int64_t *place) {
    if (s->kind == SGDRT_STATISTIC_SHARES) learn_shares(l, s, values);
    if (s->kind != SGDRT_STATISTIC_STANDARD) return SGDRT_OK;
    int status = check_finite(l, s, values, place);
    sgdrt_column column = {values, (int64_t)row_bytes(s)};
    if (!status)
        sgdrt_statistics(&column, (sgdrt_dtype)s->dtype, s->elements, NULL, l->count, cell_of(l, s->cell),
                         cell_of(l, s->cell + 1));
    return status;
}

int sgdrt_learn(const sgdrt_learning *l, sgdrt_learning_problem *problem) {
    SGDRT_FLOAT_GUARD();
    int status = SGDRT_OK;
    *problem = (sgdrt_learning_problem){-1, 0};
    for (int32_t i = 0; i < l->statistic_count && !status; i++) {
        problem->statistic = i;
        bool fills = l->statistics[i].kind == SGDRT_STATISTIC_MEAN || l->statistics[i].kind == SGDRT_STATISTIC_MEDIAN;
        if (fills && l->statistics[i].set == l->set) status = learn_fill(l, &l->statistics[i]);
    }
    if (status || !l->outputs) return status;
    void **outputs = derive(l);
    if (!outputs) return SGDRT_MEMORY;
    for (int32_t i = 0; i < l->statistic_count && !status; i++) {
        problem->statistic = i;
        if (l->statistics[i].output >= 0 && l->statistics[i].set == l->set)
            status = learn_derived(l, &l->statistics[i], outputs[l->statistics[i].output], &problem->place);
    }
    free_outputs(outputs, l->outputs);
    return status;
}

int sgdrt_check_weights(const sgdrt_learning *l, sgdrt_learning_problem *problem) {
    SGDRT_FLOAT_GUARD();
    *problem = (sgdrt_learning_problem){-1, -1};
    for (int32_t i = 0; i < l->statistic_count; i++)
        if (l->statistics[i].kind == SGDRT_STATISTIC_WEIGHT && l->statistics[i].set == l->set) problem->statistic = i;
    if (problem->statistic < 0 || l->count <= 0) return SGDRT_OK;
    const sgdrt_model_statistic *s = &l->statistics[problem->statistic];
    void **outputs = derive(l);
    if (!outputs) return SGDRT_MEMORY;
    for (int64_t i = 0; i < l->count && problem->place < 0; i++) {
        double weight = number_at((const char *)outputs[s->output] + row_bytes(s) * (size_t)i, s->dtype, 0);
        if (!(weight >= 0) || !sgdrt_f64_is_finite(&weight)) problem->place = i;
    }
    free_outputs(outputs, l->outputs);
    return problem->place < 0 ? SGDRT_OK : SGDRT_WEIGHT;
}
