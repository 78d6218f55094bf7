/* What a batch norm adds to a network, of 32 rows of 32 channels of 32x32, [row][channel][pixel].
 *     batch_norm statistics      mean and variance of each channel: its planes are read once
 *     batch_norm apply           (x - mean) * factor + shift of each channel: read once and written once
 * Both move memory and hardly compute. */
#include "../peers/peer.h"
#include "vector.h"
#include "check.h"

enum { ROWS = 32, CHANNELS = 32, PIXELS = 1024, VALUES = ROWS * CHANNELS * PIXELS, STREAMS = 4 };
static float *x, *y, moments[2][CHANNELS]; /* mean, variance */

static double statistics(void *unused) {
    (void)unused;
    for (size_t c = 0; c < CHANNELS; c++) {
        vector sum[STREAMS], square[STREAMS];
#pragma GCC unroll 4
        for (int s = 0; s < STREAMS; s++) sum[s] = square[s] = spread(0);
        for (size_t r = 0; r < ROWS; r++)
            for (size_t p = 0; p < PIXELS; p += STREAMS * LANES) {
#pragma GCC unroll 4
                for (size_t s = 0; s < STREAMS; s++) {
                    vector v = load(x + (r * CHANNELS + c) * PIXELS + p + s * LANES);
                    sum[s] = add(sum[s], v), square[s] = multiply_add(v, v, square[s]);
                }
            }
        vector all = add(add(sum[0], sum[1]), add(sum[2], sum[3]));
        vector squares = add(add(square[0], square[1]), add(square[2], square[3]));
        float mean = sum_of(all) / (ROWS * PIXELS);
        moments[0][c] = mean, moments[1][c] = sum_of(squares) / (ROWS * PIXELS) - mean * mean;
    }
    return 0;
}

static double apply(void *unused) {
    (void)unused;
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < CHANNELS; c++) {
            float factor = 1 / sqrtf(moments[1][c] + 1e-5f);
            vector by = spread(factor), shift = spread(-moments[0][c] * factor);
            size_t plane = (r * CHANNELS + c) * PIXELS;
            for (size_t p = plane; p < plane + PIXELS; p += LANES) store(y + p, multiply_add(load(x + p), by, shift));
        }
    return 0;
}

static double term_of_mean(const void *unused, size_t c, size_t p) {
    (void)unused;
    return (double)x[(p / PIXELS * CHANNELS + c) * PIXELS + p % PIXELS] / (ROWS * PIXELS);
}

static double term_of_variance(const void *unused, size_t c, size_t p) {
    double off = (double)x[(p / PIXELS * CHANNELS + c) * PIXELS + p % PIXELS] - (double)moments[0][c];
    (void)unused;
    return off * off / (ROWS * PIXELS);
}

static double term_of_applied(const void *unused, size_t at, size_t p) {
    size_t c = at / PIXELS % CHANNELS;
    double factor = 1 / sqrt((double)moments[1][c] + 1e-5);
    (void)unused;
    return p > 1 ? 0 : factor * (p ? -(double)moments[0][c] : (double)x[at]);
}

int main(int count, char **arguments) {
    if (count != 2) return 2;
    double (*work)(void *) = arguments[1][0] == 's' ? statistics : apply;
    x = make(VALUES, 0);
    y = make(VALUES, 0);
    statistics(NULL);
    check(moments[0], CHANNELS, ROWS * PIXELS, term_of_mean, NULL);
    check(moments[1], CHANNELS, ROWS * PIXELS, term_of_variance, NULL);
    apply(NULL);
    check(y, VALUES, 8, term_of_applied, NULL);
    printf("{\"check\": null}\n");
    return serve(work, NULL, 1);
}
