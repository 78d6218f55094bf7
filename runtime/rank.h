/* rank: ranks among all rows, for the measures that read rank_in_batch(e): what one keeps of each row is replaced by its
 * rank before the measure's function is called, by the driver and by fit alike.
 *
 * The smallest has rank 1, equal ones the mean of their ranks, and NaN the rank NaN, which takes no place. With weights
 * (of mean 1) a row takes as many places as it weighs: its rank is the weight below it, half of that of its equals,
 * itself among them, and a half. Sums go through the rows in order of value, then of row: no thread or sort moves a bit.
 */
#ifndef SGDRT_RANK_H
#define SGDRT_RANK_H
#include <stdint.h>

/* `values` is `count` rows of `elements` each, in place. weights: one for each row, or NULL. Not 0: no memory. */
int sgdrt_rank(double *values, int64_t elements, const double *weights, int64_t count);
#endif
