/* gather: the rows of a step that takes several data sets, side by side in memory, for every loop around generated code
 * (driver, fit). The first set's rows are those of the feed (feed.h); each further set has an order of its own.
 */
#ifndef SGDRT_GATHER_H
#define SGDRT_GATHER_H
#include "feed.h"
#include "model.h"

/* A further set: it gives `batch` rows, which come again until the step is full, or, where that is 0, as many as the first
 * set. Its orders follow each other without regard to the epochs of the first set: a pure function of (seed, index,
 * step). */
typedef struct sgdrt_partner {
    sgdrt_order order;
    int64_t rows, batch; /* own rows, each of which stands `copies` times in an order */
    int32_t first_column, column_count;
} sgdrt_partner;

typedef struct sgdrt_gathering {
    const sgdrt_column *from; /* the columns of all sets */
    int32_t column_count, set_count;
    sgdrt_partner *partners;
    sgdrt_column *columns; /* of the step at hand */
    uint32_t *rows;        /* of one set, in that step */
    int64_t whole, places; /* of a whole step: rows of the first set; all places */
    bool uneven;           /* places are those of the largest set; the header says how many rows each has */
    void *memory;
} sgdrt_gathering;

/* For steps of so many rows of the first set, `whole`, for which the program says `batch`; bytes, per column: of one row; rows, per further set: of each. False: there is no memory. */
bool sgdrt_gathering_open(sgdrt_gathering *g, const sgdrt_model_set *sets, int32_t set_count, const int64_t *rows,
                          const sgdrt_column *from, const uint64_t *bytes, int32_t column_count, int64_t batch,
                          int64_t whole, uint64_t seed);
void sgdrt_gathering_close(sgdrt_gathering *g);
/* The call of one step, as sgdrt_feed_call made it, reads the rows of all sets. */
void sgdrt_gather(sgdrt_gathering *g, uint64_t step, sgdrt_call *call);
/* The places of a step that has so many rows of the first set. */
int64_t sgdrt_gathered_places(const sgdrt_gathering *g, int64_t first);
/* rows[i] = the row of the further set at place i of the step, of `count` places, `first` of which have a row of the first
 * set of their own. Returns how many rows these are. */
int64_t sgdrt_partner_fill(const sgdrt_partner *partner, uint64_t step, int64_t whole, int64_t first, int64_t count,
                           uint32_t *rows);
#endif
