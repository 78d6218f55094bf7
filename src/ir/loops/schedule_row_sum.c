/* schedule_row_sum: few sums over the rows of one block, with rows as lanes.
 *
 *   for i in outputs, for t in 0..16: chain[i, t] = start
 *   for rows in 0..rows to 16 by 16
 *     for i in outputs, for the terms of a row
 *       for t in 0..16, vector: chain[i, t] = rows + t < rows ? step(chain[i, t], term) : chain[i, t]
 *   for i in outputs: the fold of chain[i, ..], and the stores of the nest, which find the sum
 *
 * The order law gives such a sum 16 chains, of which row r joins the one r mod 16.
 */
#include "ir/loops/schedule_reduction.h"

bool row_sum_is_possible(const Scheduler *s, const Nest *nest) {
    Reduction r = reduction_of(nest->reduce);
    return s->numbers.row_lanes > 1 && s->pad % ORDER_LANES == 0 && r.lanes == ORDER_LANES && r.width == 1 &&
           r.outputs > 0 && r.terms > 0 && (r.chunk == 0 || r.chunk >= s->block_rows);
}

static const Subscript *chains_of_output(Scheduler *s, const Reduction *r) {
    return subscript_times(s->arena, point_linear(s, &r->point, r->node->shape), ORDER_LANES);
}

static void join_rows(Scheduler *s, Reduction *r, const ChainArrays *chains, const Subscript *term) {
    ScheduleRow before = s->at;
    const Subscript *base = chains_of_output(s, r), *t = schedule_loop_open(s, "t", ORDER_LANES, LOOP_VECTOR);
    s->at.row = subscript_sum(s->arena, s->at.row, t);
    s->at.in_block = subscript_sum(s->arena, s->at.in_block, t);
    s->at.data = schedule_data_row(s);
    const Subscript *at = subscript_sum(s->arena, base, t);
    ChainValue chain = chains_load(s, chains, at), next = chains_step(s, r, &chain, term);
    next.v[0] = point_op(s, OP_WHERE, r->dtype, point_in_batch(s, s->at.row), next.v[0], chain.v[0]);
    chains_continue(s, chains, at, &next, term, r->terms);
    schedule_close(s);
    s->at = before;
}

void schedule_row_sum(Scheduler *s, const Nest *nest) {
    Reduction r = reduction_of(nest->reduce);
    ChainArrays chains = chains_registers(s, &r, r.outputs * ORDER_LANES);
    chains_start_all(s, &r, &chains, r.outputs * ORDER_LANES);
    ScheduleRow before = schedule_rows_open(s, NULL, s->padded_rows, ORDER_LANES, ORDER_LANES);
    int opened = schedule_axes_open(s, "ijlmnopq", r.extent, r.result, r.point.axis);
    opened += schedule_axes_open(s, "kkkkkkkk", r.extent + r.result, r.axes - r.result, r.point.axis + r.result);
    join_rows(s, &r, &chains, chains_term_number(s, &r));
    while (opened-- > 0) schedule_close(s);
    schedule_rows_close(s, before);
    opened = schedule_axes_open(s, "ijlmnopq", r.extent, r.result, r.point.axis);
    const Subscript *base = chains_of_output(s, &r);
    chains_fold_lanes(s, &r, &chains, base, NULL, 0);
    schedule_sum(s, &r.point, chains_load(s, &chains, base).v[0], NULL);
    while (opened-- > 0) schedule_close(s);
}
