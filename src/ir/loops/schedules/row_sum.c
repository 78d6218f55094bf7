/* row_sum: few sums over rows, with rows as lanes.
 *
 *   for i in outputs, for t in 0..16: chain[i, t] = start, or what the block before has left
 *   for rows in 0..rows to 16 by 16
 *     for t in 0..16, vector
 *       for i in outputs, for the terms of a row: chain[i, t] = rows + t < rows ? step(chain[i, t], term) : chain[i, t]
 *   for i in outputs: the fold of chain[i, ..], and the stores of the nest, which find the sum
 *
 * The order law gives such a sum 16 chains, of which row r joins the one r mod 16. They are in registers. In blocks of rows
 * they are kept from block to block in an array, and are folded after the last block of a chunk.
 */
#include "ir/loops/code_limits.h"
#include "ir/loops/schedules/reduction.h"

enum { FOUR = 4 };

bool row_sum_is_possible(const Scheduler *s, const Nest *nest) {
    Reduction r = reduction_of(nest->reduce);
    bool whole = r.chunk == 0 || (s->f->one_block ? r.chunk >= s->block_rows : r.chunk % s->block_rows == 0);
    return s->numbers.row_lanes > 1 && s->pad % ORDER_LANES == 0 && r.lanes == ORDER_LANES && r.width == 1 &&
           r.outputs > 0 && r.terms > 0 && whole && (s->f->one_block || s->block_rows % ORDER_LANES == 0);
}

static const Subscript *chains_of_output(Scheduler *s, const Reduction *r) {
    return subscript_times(s->arena, point_linear(s, &r->point, r->node->shape), ORDER_LANES);
}

/* Chains that are registers have places that are known: where they are few, loops over them are unrolled. */
static LoopMark mark_of_loops(const Reduction *r) {
    return r->outputs * r->terms <= MOST_UNROLLED ? LOOP_UNROLLED : LOOP_SERIAL;
}

/* Over the axes from `axis` to the one before `end`; how many were opened. */
static int axes_open(Scheduler *s, Reduction *r, int axis, int end) {
    for (int a = axis; a < end; a++) {
        const char *name = a < r->result ? text_format(s->arena, "%c", "ijlmnopq"[a]) : "k";
        r->point.axis[a] = schedule_loop_open(s, name, r->extent[a], mark_of_loops(r));
    }
    return end - axis;
}

static void join_rows(Scheduler *s, Reduction *r, const ChainArrays *chains, const Subscript *lane,
                      const Subscript *term) {
    const Subscript *at = subscript_sum(s->arena, chains_of_output(s, r), lane);
    ChainValue chain = chains_load(s, chains, at), next = chains_step(s, r, &chain, term);
    next.v[0] = point_op(s, OP_WHERE, r->dtype, point_in_batch(s, s->at.row), next.v[0], chain.v[0]);
    chains_continue(s, chains, at, &next, term, r->terms);
}

static void all_rows(Scheduler *s, Reduction *r, const ChainArrays *chains) {
    ScheduleRow before = schedule_rows_open(s, NULL, s->padded_rows, ORDER_LANES, s->pad), first = s->at;
    const Subscript *lane = schedule_loop_open(s, "t", ORDER_LANES, LOOP_VECTOR);
    s->at.row = subscript_sum(s->arena, s->at.row, lane);
    s->at.in_block = subscript_sum(s->arena, s->at.in_block, lane);
    s->at.data = schedule_data_row(s);
    int opened = axes_open(s, r, 0, r->axes);
    ScheduleRow at = s->at;
    s->at.row = first.row;
    const Subscript *term = chains_term_number(s, r);
    s->at = at;
    join_rows(s, r, chains, lane, term);
    schedule_close_all(s, opened);
    schedule_close(s);
    schedule_rows_close(s, before);
}

const Scalar *ends_after_block(Scheduler *s, const Reduction *r, const Subscript *begin) {
    const Subscript *rows = subscript_of_scalar(s->arena,
                                                schedule_let(s, tree_scalar(s->tree, SCALAR_ROWS, DTYPE_I32)));
    const Subscript *end = subscript_sum(s->arena, begin, subscript_number(s->arena, s->block_rows));
    const Subscript *past = subscript_sum(s->arena, end, subscript_times(s->arena, rows, -1));
    const Scalar *last = point_inside(s, past, s->block_rows);
    if (r->chunk == 0) return last;
    const Subscript *in_chunk = point_remainder(s, end, r->chunk);
    return point_op(s, OP_OR, DTYPE_BOOL, last, point_equal(s, in_chunk, subscript_number(s->arena, 0)), NULL);
}

typedef struct ChainLoops {
    int opened;
    const Subscript *at; /* the chain at hand */
} ChainLoops;

/* Over all chains, 16 of each output in lanes. */
static ChainLoops chain_loops_open(Scheduler *s, Reduction *r) {
    int opened = axes_open(s, r, 0, r->result);
    const Subscript *lane = schedule_loop_open(s, "t", ORDER_LANES, LOOP_VECTOR);
    return (ChainLoops){opened + 1, subscript_sum(s->arena, chains_of_output(s, r), lane)};
}

static void sum_from_block_to_block(Scheduler *s, Reduction *r) {
    ScheduleRow before = s->at;
    ChainArrays open = open_chains(s, r), chains = chains_registers(s, r, r->outputs * ORDER_LANES);
    ChainLoops loops = chain_loops_open(s, r);
    chains_move(s, &open, loops.at, &chains, loops.at);
    schedule_close_all(s, loops.opened);
    all_rows(s, r, &chains);
    s->at.row = subscript_of_loop(s->arena, s->block);
    loops = chain_loops_open(s, r);
    ChainValue value = chains_load(s, &chains, loops.at);
    chains_continue(s, &open, loops.at, &value, subscript_times(s->arena, s->at.row, r->terms), 1);
    schedule_close_all(s, loops.opened);
    close_chunk(s, r, &open, ends_after_block(s, r, s->at.row));
    s->at = before;
}

/* ---- folds -------------------------------------------------------------------------------------------------------- */
/* Of FOUR outputs: when four lanes of each are left these are a square, whose other side has a lane for each output. */
static void sum_of_four(Scheduler *s, Reduction *r, const ChainArrays *chains, int axis, const Subscript *first) {
    ChainArrays square = chains_registers(s, r, FOUR * FOUR);
    const Subscript *u = schedule_loop_open(s, "u", FOUR, LOOP_UNROLLED);
    const Subscript *base = subscript_times(s->arena, subscript_sum(s->arena, first, u), ORDER_LANES);
    for (int half = ORDER_LANES / 2; half >= FOUR; half /= 2) {
        const Subscript *lane = schedule_loop_open(s, "lane", half, LOOP_VECTOR);
        ChainValue sum = chains_join_further(s, r, chains, subscript_sum(s->arena, base, lane), half);
        const Subscript *at = subscript_sum(s->arena, half > FOUR ? base : subscript_times(s->arena, u, FOUR), lane);
        chains_store(s, half > FOUR ? chains : &square, at, &sum);
        schedule_close(s);
    }
    schedule_close(s);
    schedule_transpose(s, square.v[0], FOUR);
    const Subscript *t = schedule_loop_open(s, "t", FOUR, LOOP_VECTOR);
    ChainValue even = chains_join_further(s, r, &square, t, 2 * FOUR);
    const Subscript *next = subscript_sum(s->arena, t, subscript_number(s->arena, FOUR));
    ChainValue odd = chains_join_further(s, r, &square, next, 2 * FOUR);
    r->point.axis[axis] = subscript_sum(s->arena, first, t);
    schedule_sum(s, &r->point, chains_join(s, r, &even, &odd).v[0], NULL);
    schedule_close(s);
}

static void sum_of_one(Scheduler *s, Reduction *r, const ChainArrays *chains) {
    const Subscript *base = chains_of_output(s, r);
    chains_fold_lanes(s, r, chains, base, NULL, 0);
    schedule_sum(s, &r->point, chains_load(s, chains, base).v[0], NULL);
}

/* The only one that all outputs are along; -1: there is none. */
static int only_axis(const Reduction *r) {
    for (int a = 0; a < r->result; a++)
        if (r->extent[a] == r->outputs) return a;
    return -1;
}

static void all_sums(Scheduler *s, Reduction *r, const ChainArrays *chains) {
    int axis = only_axis(r);
    int64_t done = 0;
    for (int a = 0; a < r->result; a++) r->point.axis[a] = subscript_number(s->arena, 0);
    for (; axis >= 0 && mark_of_loops(r) == LOOP_UNROLLED && done + FOUR <= r->outputs; done += FOUR)
        sum_of_four(s, r, chains, axis, subscript_number(s->arena, done));
    if (done == 0) {
        int opened = axes_open(s, r, 0, r->result);
        sum_of_one(s, r, chains);
        schedule_close_all(s, opened);
    }
    for (; done > 0 && done < r->outputs; done++) {
        r->point.axis[axis] = subscript_number(s->arena, done);
        sum_of_one(s, r, chains);
    }
}

void schedule_row_sum(Scheduler *s, const Nest *nest) {
    Reduction r = reduction_of(nest->reduce);
    if (!s->f->one_block) {
        sum_from_block_to_block(s, &r);
        return;
    }
    ChainArrays chains = chains_registers(s, &r, r.outputs * ORDER_LANES);
    ChainLoops loops = chain_loops_open(s, &r);
    ChainValue start = chains_start(s, &r);
    chains_store(s, &chains, loops.at, &start);
    schedule_close_all(s, loops.opened);
    all_rows(s, &r, &chains);
    all_sums(s, &r, &chains);
}
