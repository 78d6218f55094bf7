/* feed: which rows the steps of an epoch take, for every loop around generated code (driver, fit).
 *
 * An epoch has `places`; place p belongs to step p / batch. The row at a place is a pure function of (seed,
 * epoch, place), so that any part of an epoch can be asked for in any order and a continued run sees what an
 * uninterrupted one would have seen.
 */
#ifndef SGDRT_FEED_H
#define SGDRT_FEED_H
#include "core.h"
#include "order.h"
#include <stdbool.h>

enum { SGDRT_LAST_KEEP, SGDRT_LAST_DROP, SGDRT_LAST_WRAP }; /* values of program.h's LastBatch */

typedef struct sgdrt_feed {
    sgdrt_order order;
    const uint32_t *members; /* the training rows in the file's order; NULL: 0 .. rows-1 */
    int64_t rows, batch;     /* training rows; rows of a step */
    int64_t places, steps;   /* of an epoch */
} sgdrt_feed;

/* rows: at least 1, below 2^32. batch 0 (or more than there are) takes all rows in a step; with 0 they come in the
 * file's order. order and last are those of order.h and above. steps is 0 where dropping the last leaves nothing. */
sgdrt_feed sgdrt_feed_of(int64_t rows, const uint32_t *members, int64_t batch, int order, int last, uint64_t seed);
/* Steps of a training over so many epochs (0: one), or of so many steps where that is not 0. */
int64_t sgdrt_feed_planned(const sgdrt_feed *feed, int64_t epochs, int64_t steps);
/* May the caller read members (or rows first + p, where there are none) instead of asking? True for places of an
 * epoch in the file's order that do not wrap. */
bool sgdrt_feed_is_plain(const sgdrt_feed *feed, int64_t first, int64_t count);
/* rows[i] = the row at place first + i of the epoch; first + count must not exceed places. */
void sgdrt_feed_fill(const sgdrt_feed *feed, uint64_t epoch, int64_t first, int64_t count, uint32_t *rows);
/* Rows that sgdrt_feed_call needs memory for, whole steps: 0 where the caller reads rows as they lie. */
int64_t sgdrt_feed_capacity(const sgdrt_feed *feed);
/* Makes the call that takes `steps` steps, all of one epoch, from where the header stands: epoch, places and their rows
 * (`rows`: memory for them). Returns its places. */
int64_t sgdrt_feed_call(const sgdrt_feed *feed, sgdrt_header *header, int64_t steps, uint32_t *rows, sgdrt_call *call);
/* The rows that so many steps of that call took: the last step may be smaller. */
int64_t sgdrt_feed_rows_of(const sgdrt_feed *feed, const sgdrt_call *call, int64_t steps);

#endif
