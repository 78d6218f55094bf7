/* figures: what is reported of sums over rows (numerics.md, Reported figures), for every loop around generated code: the driver,
 * fit, and the step that an object carries. Terms are those of sgdrt_call.sums: first the `averaged`, whose sums are
 * over rows, then, up to `minimized`, those of the loss without rows, then penalties.
 */
#ifndef SGDRT_FIGURES_H
#define SGDRT_FIGURES_H
#include <stdint.h>

static inline double sgdrt_mean(double sum, double over) { return over > 0 ? sum / over : (double)__builtin_nanf(""); }

/* Of sums over so many rows (where these are weighted: over the sum of the weights) in so many steps; of an evaluation,
 * which is one step. */
static inline double sgdrt_loss(const double *sums, int64_t averaged, int64_t minimized, double rows, int64_t steps) {
    double loss = 0;
    for (int64_t i = 0; i < minimized; i++) loss += sgdrt_mean(sums[i], i < averaged ? rows : (double)steps);
    return loss;
}

/* Of steps with several parts, which are not taken in every step: term i is of part parts[i], and behind the sums of all
 * terms stand, for each part, its rows and its steps. One that was not taken has no loss. */
static inline double sgdrt_loss_of_parts(const double *sums, const int32_t *parts, int64_t averaged, int64_t minimized,
                                         int64_t terms) {
    double loss = 0;
    for (int64_t i = 0; i < minimized; i++) {
        double over = sums[terms + 2 * (int64_t)parts[i] + (i >= averaged)];
        if (over > 0) loss += sums[i] / over;
    }
    return loss;
}
#endif
