/* standardize: mean and deviation of the training rows, and columns brought to mean 0 and deviation 1.
 *
 * The statistics are chains in f64 in the order of the rows (numerics.md, rule 12), so they do not depend on
 * how the work is cut. They are stored with a run in its own type, and what is subtracted and divided by is
 * the stored value: predicting does the same operations and gets the same bits.
 */
#include "sgdrt.h"
#include "float_control.h"
#include <math.h>
#include <string.h>

static double value_at(const sgdrt_column *column, sgdrt_dtype dtype, int64_t row, int64_t element) {
    const char *at =
        (const char *)column->data + row * column->stride + element * (int64_t)sgdrt_dtype_bytes(dtype);
    float f32;
    double f64;
    if (dtype == SGDRT_F32) {
        memcpy(&f32, at, sizeof f32);
        return f32;
    }
    memcpy(&f64, at, sizeof f64);
    return f64;
}

void sgdrt_statistics(const sgdrt_column *column, sgdrt_dtype dtype, int64_t elements, const uint32_t *rows,
                      int64_t count, double *mean, double *deviation) {
    SGDRT_FLOAT_GUARD();
    for (int64_t e = 0; e < elements; e++)
        mean[e] = deviation[e] = 0;
    for (int64_t p = 0; p < count; p++)
        for (int64_t e = 0; e < elements; e++)
            mean[e] += value_at(column, dtype, rows ? rows[p] : p, e);
    for (int64_t e = 0; e < elements; e++)
        mean[e] /= (double)count;
    for (int64_t p = 0; p < count; p++)
        for (int64_t e = 0; e < elements; e++) {
            double from_mean = value_at(column, dtype, rows ? rows[p] : p, e) - mean[e];
            deviation[e] += from_mean * from_mean;
        }
    for (int64_t e = 0; e < elements; e++) {
        deviation[e] = sqrt(deviation[e] / (double)count);
        if (deviation[e] == 0 || (dtype == SGDRT_F32 && (float)deviation[e] == 0))
            deviation[e] = 1;
    }
}

void sgdrt_standardize(const sgdrt_column *from, const sgdrt_column *to, sgdrt_dtype dtype, int64_t elements,
                       int64_t rows, const double *mean, const double *deviation) {
    SGDRT_FLOAT_GUARD();
    for (int64_t r = 0; r < rows; r++)
        for (int64_t e = 0; e < elements; e++) {
            double x = value_at(from, dtype, r, e), f64 = (x - mean[e]) / deviation[e];
            float f32 = ((float)x - (float)mean[e]) / (float)deviation[e];
            char *at = (char *)to->data + r * to->stride + e * (int64_t)sgdrt_dtype_bytes(dtype);
            if (dtype == SGDRT_F32)
                memcpy(at, &f32, sizeof f32);
            else
                memcpy(at, &f64, sizeof f64);
        }
}
