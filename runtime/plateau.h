/* plateau: a factor of the learning rate that falls when a figure stalls: `lr = 0.1 * plateau(valid.loss, 5 epochs)`.
 * The driver and fit look at the same figures after every whole epoch, by the same rule, so they come to the same bits.
 * What is remembered are cells of the run (f64), which are saved with the optimizer's state.
 */
#ifndef SGDRT_PLATEAU_H
#define SGDRT_PLATEAU_H
#include <stdint.h>

/* Times `by`, where for `epochs` epochs the figure was no better than ever before; these are then counted anew. A figure
 * that is not known is as if the epoch had not been. */
static inline void sgdrt_plateau_see(double *factor, double *best, double *waited, double figure, int highest,
                                     double epochs, double by) {
    if (figure != figure) return;
    if (highest ? figure > *best : figure < *best) {
        *best = figure;
        *waited = 0;
    } else if (++*waited >= epochs) {
        *factor *= by;
        *waited = 0;
    }
}
#endif
