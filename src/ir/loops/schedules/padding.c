/* padding: to how many rows a block is filled, and how many rows a kernel's tile has.
 *
 * Rows are computed in multiples of a kernel's tile; where rows may be lanes, of a vector of rows too. Of the tiles that are
 * allowed, the one is taken whose time for all rows is least: that of its chains, and of what they share.
 */
#include "ir/loops/schedules/schedule.h"

enum { LANES_OF_SUMS = 16 }; /* of a sum over rows (order law) */

static int64_t common_multiple(int64_t a, int64_t b) {
    int64_t n = a;
    while (n % b != 0) n += a;
    return n;
}

/* Operations of a row. */
static double work_of(const Nest *nest) {
    double terms = 1;
    const Contraction *c = nest->kind == NEST_REDUCE ? nest->reduce->attr.contraction : NULL;
    for (int k = 0; c != NULL && k < c->reduced; k++) terms *= (double)c->extent[k];
    return (double)shape_size(nest->space) * (nest->cost + terms);
}

/* Do nests that have so few values of each row that rows are better lanes gain more than the others lose, which compute
 * rows that are not there? */
static bool lanes_pay(const Scheduler *s, int64_t rows, int64_t rows_in_lanes) {
    double narrow = 0, wide = 0, lanes = (double)s->numbers.row_lanes;
    if (s->numbers.row_lanes <= 1 || rows <= 1) return false;
    for (NestCursor at = {0}; next_nest(s->f, &at);) {
        const Nest *nest = at.nest;
        if (!nest->rows || (nest->kind == NEST_REDUCE && nest->reduce->attr.contraction->over_rows)) continue;
        bool few = nest->kind != NEST_SCAN && shape_size(nest->space) < s->numbers.row_lanes;
        *(few ? &narrow : &wide) += work_of(nest);
    }
    return narrow > 0 && (double)rows_in_lanes * (narrow + wide) < (double)rows * (lanes * narrow + wide);
}

/* Vectors whose rows share what they are multiplied with, if no more rows are computed then: two, or of a dense layer four, of
 * whose tiles few rows of weights are near each other in the first level of the caches. */
static int64_t lanes_of_rows(const Scheduler *s) {
    int64_t block = s->f->block, lanes = s->numbers.row_lanes;
    if (lanes <= 1) return 1;
    int64_t most = !s->rows_innermost && s->f->one_block && s->numbers.vectors > 2 ? 4 : 2;
    while (most > 1 && rounded_up(block, most * lanes) != rounded_up(block, LANES_OF_SUMS)) most /= 2;
    return most * lanes;
}

void schedule_padding(Scheduler *s) {
    int64_t block = s->f->block, best = 0;
    s->pad = s->tile_rows = schedule_tile(block, s->numbers.unrolled);
    s->lane_rows = lanes_of_rows(s);
    if (s->rows_innermost || lanes_pay(s, rounded_up(block, s->pad), rounded_up(block, LANES_OF_SUMS))) {
        for (int64_t tile = 1; tile <= s->numbers.unrolled; tile++) {
            int64_t pad = common_multiple(tile, common_multiple(s->lane_rows, LANES_OF_SUMS)),
                    cost = rounded_up(block, pad) / tile * (tile + 1);
            if (best > 0 && cost > best) continue;
            best = cost;
            s->tile_rows = tile;
            s->pad = pad;
        }
    }
    s->padded_rows = rounded_up(block, s->pad);
}
