/* chunk_sum: few sums over rows in chunks of a few rows, with rows as lanes.
 *
 *   nest  for i in outputs, for rows by 32
 *           for t in 0..32: chain[t] = start
 *           for the terms of a row, for t in 0..32: chain[t] = step(chain[t], term of row rows + t)
 *           for t in 0..32: sums[i][rows + t] = chain[t]
 *   nest  for i in outputs, for the chunks
 *           for the rows of the chunk: part[row in chunk] = sums[i][row], the others as they start
 *           the fold of part, which joins those of the chunks before; the stores of the nest, which find the sum
 *
 * The order law gives such a sum 16 chains a chunk, of which row r of the chunk joins the one r mod 16: where a chunk has no
 * more rows, each row is a chain of its own.
 */
#include "ir/loops/schedules/reduction.h"

bool chunk_sum_is_possible(const Scheduler *s, const Nest *nest) {
    Reduction r = reduction_of(nest->reduce);
    return s->rows_innermost && s->f->one_block && r.lanes == ORDER_LANES && r.width == 1 && r.outputs > 0 &&
           r.terms > 0 && r.chunk > 1 && r.chunk <= ORDER_LANES && r.chunk < s->block_rows;
}

static const Subscript *place_of_sum(Scheduler *s, const Reduction *r) {
    const Subscript *output = point_linear(s, &r->point, r->node->shape);
    return subscript_sum(s->arena, subscript_times(s->arena, output, s->padded_rows), s->at.in_block);
}

/* Lanes of the rows at hand, of which each has its chain. */
static const Subscript *lanes_of_tile(Scheduler *s) {
    const Subscript *t = schedule_lanes_open(s, s->lane_rows, s->numbers.row_lanes);
    s->at = schedule_row_further(s, t);
    return t;
}

static void close_lanes(Scheduler *s, ScheduleRow before) {
    schedule_close_all(s, 2);
    s->at = before;
}

static void sums_of_rows(Scheduler *s, Reduction *r, const ChainArrays *sums) {
    int opened = schedule_axes_open(s, r->extent, r->result, r->point.axis);
    ChainArrays chains = chains_registers(s, r, s->lane_rows);
    ScheduleRow before = schedule_rows_open(s, NULL, s->padded_rows, s->lane_rows, s->pad), tile = s->at;
    const Subscript *t = lanes_of_tile(s);
    ChainValue start = chains_start(s, r);
    chains_store(s, &chains, t, &start);
    close_lanes(s, tile);
    int terms = chains_terms_open(s, r);
    t = lanes_of_tile(s);
    ChainValue chain = chains_load(s, &chains, t), next = chains_step(s, r, &chain, NULL);
    chains_continue(s, &chains, t, &next, chains_term_of_row(s, r), r->terms);
    close_lanes(s, tile);
    schedule_close_all(s, terms);
    t = lanes_of_tile(s);
    chains_move(s, &chains, t, sums, place_of_sum(s, r));
    close_lanes(s, tile);
    schedule_rows_close(s, before);
    schedule_close_all(s, opened);
}

/* Its rows' sums, each in its lane. */
static void fold_chunk(Scheduler *s, Reduction *r, const ChainArrays *sums, const ChainArrays *part,
                       const ChainArrays *total, const Loop *chunk) {
    const Subscript *zero = subscript_number(s->arena, 0);
    chains_start_all(s, r, part, ORDER_LANES);
    ScheduleRow before = schedule_rows_open(s, chunk, r->chunk, 1, 1);
    chains_add(s, r, part, s->at.in_loop, sums, place_of_sum(s, r), s->at.in_loop, 1);
    schedule_rows_close(s, before);
    chains_fold_lanes(s, r, part, zero, NULL, 0);
    chains_add(s, r, total, zero, part, zero, subscript_of_loop(s->arena, chunk), 1);
}

void schedule_chunk_sum(Scheduler *s, const Nest *nest) {
    Reduction r = reduction_of(nest->reduce);
    ChainArrays sums = {{tree_array(s->tree, ARRAY_WORK, 0, r.dtype, r.outputs * s->padded_rows, "sums"), NULL}};
    schedule_nest_open(s, nest->reduce);
    sums_of_rows(s, &r, &sums);
    schedule_close(s);
    schedule_nest_open(s, nest->stores[0].node);
    int opened = schedule_axes_open(s, r.extent, r.result, r.point.axis);
    ChainArrays total = chains_registers(s, &r, 1), part = chains_registers(s, &r, ORDER_LANES);
    chains_start_all(s, &r, &total, 1);
    ScheduleRow before = schedule_rows_open(s, NULL, s->block_rows, r.chunk, 1);
    fold_chunk(s, &r, &sums, &part, &total, schedule_open_loop(s));
    schedule_rows_close(s, before);
    const Scalar *sum = chains_load(s, &total, subscript_number(s->arena, 0)).v[0];
    schedule_sum(s, &r.point, sum, sum);
    schedule_close_all(s, opened);
    schedule_close(s);
}
