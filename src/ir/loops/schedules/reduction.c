/* reduction: chains of the order law (docs/numerics.md) as loops.
 *
 *   for each TILE outputs               at least 8 outputs: one chain each
 *     for t in TILE: sum[t] = start
 *     for k: for t in TILE: sum[t] = step(sum[t], term k)
 *     for t in TILE: the stores of the nest, which find the sum
 *
 * Chains of neighbours side by side do not wait for each other, and where their terms are neighbours too they are lanes.
 * Fewer outputs have 16 chains, term k joining chain k mod 16, which are folded by halves. A sum over rows is carried
 * from row to row: `open` holds the chains of the open chunk of rows, the value's own array the fold of the chunks that
 * are closed.
 */
#include "ir/loops/schedules/reduction.h"

enum { TILE = 16 }; /* chains side by side */

/* ---- the terms ---------------------------------------------------------------------------------------------- */
/* All of a row, or of none: where the last axis has whole vectors of them, the lanes of the order law are neighbours. */
static void all_terms(Scheduler *s, Reduction *r, const ChainArrays *chains, const Subscript *base) {
    int last = r->axes - 1;
    int64_t extent[MOST_AXES];
    const Subscript *lane = NULL;
    while (last > r->result && r->extent[last] == 1) last--;
    for (int a = r->result; a < r->axes; a++) extent[a] = r->extent[a];
    bool in_lanes = last >= r->result && r->lanes > 1 && !r->c->over_rows && extent[last] % ORDER_LANES == 0;
    if (in_lanes) extent[last] /= ORDER_LANES;
    int opened = schedule_terms_open(s, extent + r->result, r->axes - r->result, r->point.axis + r->result);
    if (in_lanes) {
        lane = schedule_loop_open(s, "lane", ORDER_LANES, LOOP_VECTOR);
        const Subscript *vector = subscript_times(s->arena, r->point.axis[last], ORDER_LANES);
        r->point.axis[last] = subscript_sum(s->arena, vector, lane);
    }
    chains_one_term(s, r, chains, base, lane);
    schedule_close_all(s, opened + in_lanes);
}

/* ---- tiles -------------------------------------------------------------------------------------------------- */
/* The last axis of the result, whose neighbours are lanes, if it is long enough, or the longest; -1: there is none. */
static int axis_of_tiles(const Reduction *r) {
    int longest = -1;
    for (int a = r->result; a-- > 0;)
        if (r->extent[a] > 1 && (longest < 0 || (r->extent[longest] < TILE / 2 && r->extent[a] > r->extent[longest])))
            longest = a;
    return longest;
}

/* All terms of `count` chains side by side, which the registers hold. */
static void terms_of_tile(Scheduler *s, Reduction *r, int axis, const ChainArrays *chains, const Subscript *first,
                          int64_t count) {
    int opened = chains_terms_open(s, r);
    const Subscript *t = schedule_loop_open(s, "t", count, LOOP_VECTOR);
    r->point.axis[axis] = subscript_sum(s->arena, first, t);
    chains_one_term(s, r, chains, t, subscript_number(s->arena, 0));
    schedule_close_all(s, opened + 1);
}

/* ---- sums of one row, or of none ---------------------------------------------------------------------------- */
/* More terms than a chunk has: each chunk is summed, its sums are one chain. */
static ChainValue sum_in_chunks(Scheduler *s, Reduction *r, const ChainArrays *chains) {
    const Subscript *zero = subscript_number(s->arena, 0);
    ChainArrays total = chains_registers(s, r, 1);
    chains_start_all(s, r, &total, 1);
    int opened = chains_terms_open(s, r);
    const Subscript *number = chains_term_number(s, r), *in_chunk = point_remainder(s, number, r->chunk);
    chains_one_term(s, r, chains, zero, point_remainder(s, in_chunk, ORDER_LANES));
    const Scalar *full = point_equal(s, in_chunk, subscript_number(s->arena, r->chunk - 1));
    const Scalar *all = point_equal(s, number, subscript_number(s->arena, r->terms - 1));
    schedule_if_open(s, point_op(s, OP_OR, DTYPE_BOOL, full, all, NULL));
    chains_fold_lanes(s, r, chains, zero, number, r->terms);
    chains_add(s, r, &total, zero, chains, zero, number, r->terms);
    chains_start_all(s, r, chains, ORDER_LANES);
    schedule_close(s);
    schedule_close_all(s, opened);
    return chains_load(s, &total, zero);
}

/* The chain of one term, which needs no array. */
static ChainValue one_term(Scheduler *s, Reduction *r) {
    for (int k = r->result; k < r->axes; k++) r->point.axis[k] = subscript_number(s->arena, 0);
    ChainValue start = chains_start(s, r);
    return chains_step(s, r, &start, chains_term_number(s, r));
}

static ChainValue sum_at_point(Scheduler *s, Reduction *r) {
    const Subscript *zero = subscript_number(s->arena, 0);
    if (r->terms == 0 && r->node->op == OP_CONTRACT) return (ChainValue){{point_const(s, r->dtype, 0), NULL}};
    bool in_chunks = r->chunk > 0 && r->terms > r->chunk;
    r->alone = r->terms <= r->lanes && !in_chunks;
    if (r->alone) r->lanes = (int)r->terms; /* of the others, none has a term */
    ChainArrays chains = chains_registers(s, r, r->lanes);
    if (!r->alone) chains_start_all(s, r, &chains, r->lanes);
    if (in_chunks) return sum_in_chunks(s, r, &chains);
    all_terms(s, r, &chains, zero);
    chains_fold_lanes(s, r, &chains, zero, NULL, 0);
    return chains_load(s, &chains, zero);
}

/* ---- sums over the rows of one block ------------------------------------------------------------------------ */
/* The terms of all rows, or of those of the chunk. */
static void terms_of_rows(Scheduler *s, Reduction *r, const ChainArrays *chains, const Loop *chunk) {
    ScheduleRow before = schedule_rows_open(s, chunk, chunk != NULL ? r->chunk : s->block_rows, 1, 1);
    all_terms(s, r, chains,
              r->lanes > 1 ? point_remainder(s, s->at.in_loop, ORDER_LANES) : subscript_number(s->arena, 0));
    schedule_rows_close(s, before);
}

static ChainValue sum_of_block(Scheduler *s, Reduction *r) {
    const Subscript *zero = subscript_number(s->arena, 0);
    if (r->terms == 0 && r->node->op == OP_CONTRACT) return (ChainValue){{point_const(s, r->dtype, 0), NULL}};
    if (r->terms == 1 && s->block_rows == 1) return one_term(s, r);
    ChainArrays chains = chains_registers(s, r, r->lanes);
    if (r->chunk == 0 || r->chunk >= s->block_rows) {
        chains_start_all(s, r, &chains, r->lanes);
        terms_of_rows(s, r, &chains, NULL);
        chains_fold_lanes(s, r, &chains, zero, NULL, 0);
        return chains_load(s, &chains, zero);
    }
    ChainArrays total = chains_registers(s, r, 1);
    chains_start_all(s, r, &total, 1);
    ScheduleRow before = schedule_rows_open(s, NULL, s->block_rows, r->chunk, 1);
    const Loop *chunk = schedule_open_loop(s);
    chains_start_all(s, r, &chains, r->lanes);
    terms_of_rows(s, r, &chains, chunk);
    chains_fold_lanes(s, r, &chains, zero, NULL, 0);
    chains_add(s, r, &total, zero, &chains, zero, subscript_of_loop(s->arena, chunk), 1);
    schedule_rows_close(s, before);
    return chains_load(s, &total, zero);
}

/* The terms of one row join one chain; to add the others, which are as they start, changes nothing. */
void schedule_sum_of_block(Scheduler *s, const Nest *nest) {
    Reduction r = reduction_of(nest->reduce);
    if (s->block_rows == 1) r.lanes = 1;
    int opened = schedule_axes_open(s, r.extent, r.result, r.point.axis);
    ChainValue sum = sum_of_block(s, &r);
    schedule_sum(s, &r.point, sum.v[r.width - 1], sum.v[0]);
    schedule_close_all(s, opened);
}

/* ---- sums over rows, row after row ----------------------------------------------------------------------------------------- */
/* The chains of the open chunk: of each output, all lanes side by side. An argmax has no chunks, and its index is the
 * value itself. */
ChainArrays open_chains(Scheduler *s, const Reduction *r) {
    Array **open = &s->chain[r->node->id];
    if (*open == NULL) *open = tree_array(s->tree, ARRAY_WORK, 0, r->dtype, r->outputs * r->lanes, "open");
    return (ChainArrays){{*open, r->width > 1 ? s->array[r->node->id] : NULL}};
}

void schedule_reduction_start(Scheduler *s, const Nest *nest) {
    Reduction r = reduction_of(nest->reduce);
    ChainArrays open = open_chains(s, &r), total = {{s->array[r.node->id], NULL}};
    chains_start_all(s, &r, &open, r.outputs * r.lanes);
    if (r.width > 1) return;
    const Subscript *at = schedule_loop_open(s, "i", r.outputs, LOOP_SERIAL);
    ChainValue start = chains_start(s, &r);
    if (r.terms == 0 && r.node->op == OP_CONTRACT) start.v[0] = point_const(s, r.dtype, 0);
    chains_store(s, &total, at, &start);
    schedule_close(s);
}

/* Is the row at hand the last one of its chunk? */
static const Scalar *ends_chunk(Scheduler *s, const Reduction *r, const Subscript *in_chunk) {
    const Scalar *rows = schedule_let(s, tree_scalar(s->tree, SCALAR_ROWS, DTYPE_I32));
    const Subscript *last = subscript_sum(s->arena, subscript_of_scalar(s->arena, rows),
                                          subscript_number(s->arena, -1));
    const Scalar *ends = point_equal(s, schedule_row(s), last);
    if (r->chunk == 0) return ends;
    return point_op(s, OP_OR, DTYPE_BOOL, ends, point_equal(s, in_chunk, subscript_number(s->arena, r->chunk - 1)),
                    NULL);
}

void close_chunk(Scheduler *s, const Reduction *r, const ChainArrays *open, const Scalar *ends) {
    ChainArrays total = {{s->array[r->node->id], NULL}};
    schedule_if_open(s, ends);
    const Subscript *output = schedule_loop_open(s, "i", r->outputs, LOOP_SERIAL);
    const Subscript *base = subscript_times(s->arena, output, r->lanes);
    chains_fold_lanes(s, r, open, base, schedule_row(s), 1);
    chains_add(s, r, &total, output, open, base, schedule_row(s), 1);
    schedule_close(s);
    chains_start_all(s, r, open, r->outputs * r->lanes);
    schedule_close(s);
}

/* What the rows before have left in the open chains goes on with this row's terms. */
typedef struct OpenChains {
    ChainArrays arrays;
    const Subscript *lane;
} OpenChains;

static const Subscript *place_of_open(Scheduler *s, const Reduction *r, const OpenChains *open) {
    const Subscript *output = point_linear(s, &r->point, r->node->shape);
    return subscript_sum(s->arena, subscript_times(s->arena, output, r->lanes), open->lane);
}

static void row_of_tile(Scheduler *s, Reduction *r, int axis, const Subscript *first, int64_t count,
                        const OpenChains *open) {
    ChainArrays chains = chains_registers(s, r, count);
    const Subscript *t = schedule_loop_open(s, "t", count, LOOP_VECTOR);
    if (axis >= 0) r->point.axis[axis] = subscript_sum(s->arena, first, t);
    chains_move(s, &open->arrays, place_of_open(s, r, open), &chains, t);
    schedule_close(s);
    if (axis >= 0)
        terms_of_tile(s, r, axis, &chains, first, count);
    else
        all_terms(s, r, &chains, t);
    t = schedule_loop_open(s, "t", count, LOOP_VECTOR);
    if (axis >= 0) r->point.axis[axis] = subscript_sum(s->arena, first, t);
    ChainValue after = chains_load(s, &chains, t);
    chains_continue(s, &open->arrays, place_of_open(s, r, open), &after,
                    subscript_times(s->arena, schedule_row(s), r->terms), 1);
    schedule_close(s);
}

/* Tiles of the axis, in loops over the others. */
static void row_of_tiles(Scheduler *s, Reduction *r, int axis, const OpenChains *open) {
    int64_t whole = r->extent[axis] / TILE, rest = r->extent[axis] % TILE, others[MOST_AXES];
    for (int a = 0; a < r->result; a++) others[a] = a == axis ? 1 : r->extent[a];
    int opened = schedule_axes_open(s, others, r->result, r->point.axis);
    if (whole > 0) {
        const Subscript *tile = schedule_loop_open(s, "tile", whole, LOOP_SERIAL);
        row_of_tile(s, r, axis, subscript_times(s->arena, tile, TILE), TILE, open);
        schedule_close(s);
    }
    if (rest > 0) row_of_tile(s, r, axis, subscript_number(s->arena, whole * TILE), rest, open);
    schedule_close_all(s, opened);
}

static void reduce_row(Scheduler *s, const Nest *nest) {
    Reduction r = reduction_of(nest->reduce);
    if (r.terms == 0 || r.outputs == 0) return;
    const Subscript *in_chunk = r.chunk > 0 ? point_remainder(s, schedule_row(s), r.chunk) : schedule_row(s);
    OpenChains open = {open_chains(s, &r),
                       r.lanes > 1 ? point_remainder(s, in_chunk, ORDER_LANES) : subscript_number(s->arena, 0)};
    int axis = axis_of_tiles(&r);
    if (r.terms == 1) {
        int opened = schedule_axes_open(s, r.extent, r.result, r.point.axis);
        all_terms(s, &r, &open.arrays, place_of_open(s, &r, &open));
        schedule_close_all(s, opened);
    } else if (axis >= 0) {
        row_of_tiles(s, &r, axis, &open);
    } else {
        for (int a = 0; a < r.result; a++) r.point.axis[a] = subscript_number(s->arena, 0);
        row_of_tile(s, &r, -1, NULL, 1, &open);
    }
    if (r.width == 1) close_chunk(s, &r, &open.arrays, ends_chunk(s, &r, in_chunk));
}

void schedule_reduction(Scheduler *s, const Nest *nest) {
    Reduction r = reduction_of(nest->reduce);
    if (r.c->over_rows) {
        reduce_row(s, nest);
        return;
    }
    int opened = schedule_axes_open(s, r.extent, r.result, r.point.axis);
    ChainValue sum = sum_at_point(s, &r);
    schedule_sum(s, &r.point, sum.v[r.width - 1], sum.v[0]);
    schedule_close_all(s, opened);
}
