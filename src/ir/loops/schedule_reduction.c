/* schedule_reduction: chains of the order law (docs/numerics.md) as loops.
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
#include "ir/loops/schedule.h"
#include <math.h>

enum { ORDER_LANES = 16, TILE = 16 }; /* TILE: chains side by side */

/* The index space of a reduction, and where in it a body is. */
typedef struct Reduction {
    const Node *node;
    const Contraction *c;
    int result, axes; /* result axes; all */
    int64_t extent[MOST_AXES], terms, outputs, chunk;
    int lanes, width; /* width 2: an argmax has a value and an index */
    DType dtype;      /* of the chain */
    SpacePoint point;
} Reduction;

static Reduction reduction_of(const Node *node) {
    Reduction r = {.node = node, .c = node->attr.contraction, .result = node->shape.rank, .terms = 1};
    r.outputs = shape_size(node->shape);
    r.axes = r.result + r.c->reduced;
    for (int a = 0; a < r.result; a++) r.extent[a] = node->shape.extent[a];
    for (int k = 0; k < r.c->reduced; k++) {
        r.extent[r.result + k] = r.c->extent[k];
        r.terms *= r.c->extent[k];
    }
    r.lanes = r.c->lanes > 1 ? ORDER_LANES : 1;
    r.width = node->op == OP_ARGMAX ? 2 : 1;
    r.dtype = node->source[0]->dtype;
    r.chunk = r.c->chunk;
    return r;
}

/* ---- one chain ---------------------------------------------------------------------------------------------- */
/* A chain's value, and the index of an argmax. */
typedef struct ChainValue {
    const Scalar *v[2];
} ChainValue;
typedef struct ChainArrays {
    const Array *v[2];
} ChainArrays;

static ChainValue chain_start(Scheduler *s, const Reduction *r) {
    bool real = dtype_is_real(r->dtype);
    double start = r->node->op == OP_CONTRACT     ? (real ? -0.0 : 0)
                   : r->node->op == OP_REDUCE_MIN ? (real ? INFINITY : INT32_MAX)
                                                  : (real ? -INFINITY : INT32_MIN);
    ChainValue c = {{point_const(s, r->dtype, start), NULL}};
    if (r->width > 1) c.v[1] = point_const(s, DTYPE_I32, 0);
    return c;
}

static ChainValue chain_load(Scheduler *s, const ChainArrays *arrays, const Subscript *at) {
    ChainValue c = {{point_load(s, arrays->v[0], NULL, at), NULL}};
    if (arrays->v[1] != NULL) c.v[1] = point_load(s, arrays->v[1], NULL, at);
    return c;
}

/* What no term joins: a start, or a fold of what is started anew after. */
static void chain_store(Scheduler *s, const ChainArrays *arrays, const Subscript *at, const ChainValue *c) {
    for (int i = 0; i < 2 && arrays->v[i] != NULL; i++) schedule_store(s, arrays->v[i], NULL, at, c->v[i]);
}

static void chain_continue(Scheduler *s, const ChainArrays *arrays, const Subscript *at, const ChainValue *c,
                           const Subscript *term, int64_t terms) {
    for (int i = 0; i < 2 && arrays->v[i] != NULL; i++) schedule_term(s, arrays->v[i], at, c->v[i], term, terms);
}

/* The first of the largest stays, and so does a NaN. */
static ChainValue argmax_step(Scheduler *s, const Reduction *r, const ChainValue *a, const ChainValue *b) {
    const Scalar *keep = point_op(s, OP_LE, DTYPE_BOOL, b->v[0], a->v[0], NULL);
    if (dtype_is_real(r->dtype))
        keep = point_op(s, OP_OR, DTYPE_BOOL, keep, point_op(s, OP_NE, DTYPE_BOOL, a->v[0], a->v[0], NULL), NULL);
    return (ChainValue){{point_op(s, OP_WHERE, r->dtype, keep, a->v[0], b->v[0]),
                         point_op(s, OP_WHERE, DTYPE_I32, keep, a->v[1], b->v[1])}};
}

/* What folds lanes and chunks. */
static ChainValue chain_join(Scheduler *s, const Reduction *r, const ChainValue *a, const ChainValue *b) {
    if (r->width > 1) return argmax_step(s, r, a, b);
    Op op = r->node->op == OP_CONTRACT ? OP_ADD : r->node->op == OP_REDUCE_MAX ? OP_MAX : OP_MIN;
    return (ChainValue){{point_op(s, op, r->dtype, a->v[0], b->v[0], NULL), NULL}};
}

/* The term at the point joins; number: which it is, for an argmax. */
static ChainValue chain_step(Scheduler *s, const Reduction *r, const ChainValue *chain, const Subscript *number) {
    const Scalar *ok = NULL, *x[2] = {NULL, NULL};
    for (int i = 0; i < r->node->sources; i++) {
        Node *source = r->node->source[i];
        SpacePoint at = point_through(s, &r->c->access[i], &r->point, r->extent, r->axes, source->shape, &ok);
        x[i] = value_at_point(s, source, &at);
    }
    ChainValue next;
    if (r->node->op != OP_CONTRACT) {
        ChainValue term = {{x[0], r->width > 1 ? point_number(s, number) : NULL}};
        next = chain_join(s, r, chain, &term);
    } else if (x[1] != NULL) {
        next = (ChainValue){{point_op(s, OP_FMA, r->dtype, x[0], x[1], chain->v[0]), NULL}};
    } else {
        next = (ChainValue){{point_op(s, OP_ADD, r->dtype, chain->v[0], x[0], NULL), NULL}};
    }
    for (int i = 0; i < r->width && ok != NULL; i++)
        next.v[i] = point_op(s, OP_WHERE, next.v[i]->dtype, ok, next.v[i], chain->v[i]);
    return next;
}

/* ---- the terms ---------------------------------------------------------------------------------------------- */
static ChainArrays chain_registers(Scheduler *s, const Reduction *r, int64_t elements) {
    ChainArrays a = {{schedule_registers(s, r->dtype, elements, "chain"), NULL}};
    if (r->width > 1) a.v[1] = schedule_registers(s, DTYPE_I32, elements, "index");
    return a;
}

/* Which term it is: row-major among the reduced axes, rows outermost. */
static const Subscript *number_of_term(Scheduler *s, const Reduction *r) {
    const Subscript *number = subscript_number(s->arena, 0);
    int64_t stride = 1;
    for (int k = r->axes - 1; k >= r->result; k--) {
        if (r->extent[k] > 1)
            number = subscript_sum(s->arena, number, subscript_times(s->arena, r->point.axis[k], stride));
        stride *= r->extent[k];
    }
    if (r->c->over_rows) number = subscript_sum(s->arena, number, subscript_times(s->arena, schedule_row(s), stride));
    return number;
}

/* lane NULL: the term says which of the chains from `base` on it joins. */
static void one_term(Scheduler *s, Reduction *r, const ChainArrays *chains, const Subscript *base,
                     const Subscript *lane) {
    const Subscript *number = number_of_term(s, r), *at = base;
    if (lane == NULL && r->lanes > 1 && !r->c->over_rows) lane = point_remainder(s, number, ORDER_LANES);
    if (lane != NULL) at = subscript_sum(s->arena, base, lane);
    ChainValue chain = chain_load(s, chains, at);
    chain = chain_step(s, r, &chain, number);
    chain_continue(s, chains, at, &chain, number, r->terms);
}

/* Loops over the reduced axes from `axis` on. */
static void terms_from(Scheduler *s, Reduction *r, int axis, const ChainArrays *chains, const Subscript *base) {
    const Subscript *zero = subscript_number(s->arena, 0);
    if (axis == r->axes) {
        one_term(s, r, chains, base, NULL);
        return;
    }
    int64_t extent = r->extent[axis];
    r->point.axis[axis] = zero;
    if (extent == 1) {
        terms_from(s, r, axis + 1, chains, base);
        return;
    }
    bool last = true;
    for (int k = axis + 1; k < r->axes; k++) last = last && r->extent[k] == 1;
    for (int k = axis + 1; k < r->axes && last; k++) r->point.axis[k] = zero;
    if (last && r->lanes > 1 && !r->c->over_rows && extent % ORDER_LANES == 0) { /* the lanes are neighbours */
        const Subscript *k = schedule_loop_open(s, "k", extent / ORDER_LANES, LOOP_SERIAL);
        const Subscript *lane = schedule_loop_open(s, "lane", ORDER_LANES, LOOP_VECTOR);
        r->point.axis[axis] = subscript_sum(s->arena, subscript_times(s->arena, k, ORDER_LANES), lane);
        one_term(s, r, chains, base, lane);
        schedule_close(s);
        schedule_close(s);
        return;
    }
    r->point.axis[axis] = schedule_loop_open(s, "k", extent, LOOP_SERIAL);
    terms_from(s, r, axis + 1, chains, base);
    schedule_close(s);
}

static void start_chains(Scheduler *s, const Reduction *r, const ChainArrays *chains, int64_t count) {
    const Subscript *at = schedule_loop_open(s, "lane", count, LOOP_SERIAL);
    ChainValue start = chain_start(s, r);
    chain_store(s, chains, at, &start);
    schedule_close(s);
}

/* l + 8, l + 4, l + 2, l + 1 join lane l; the sum is in the lane `base`. term: of the chain, the last that has joined,
 * where it goes on after. */
static void fold_lanes(Scheduler *s, const Reduction *r, const ChainArrays *chains, const Subscript *base,
                       const Subscript *term, int64_t terms) {
    for (int half = ORDER_LANES / 2; half >= 1 && r->lanes > 1; half /= 2) {
        const Subscript *lane = subscript_sum(s->arena, base, schedule_loop_open(s, "lane", half, LOOP_VECTOR));
        ChainValue low = chain_load(s, chains, lane);
        ChainValue high = chain_load(s, chains, subscript_sum(s->arena, lane, subscript_number(s->arena, half)));
        low = chain_join(s, r, &low, &high);
        chain_continue(s, chains, lane, &low, term, terms);
        schedule_close(s);
    }
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

/* Calls the body for tiles of the axis, in loops over the others. */
typedef void TileBody(Scheduler *s, Reduction *r, int axis, const Subscript *first, int64_t count, const void *context);

static void for_tiles(Scheduler *s, Reduction *r, int axis, TileBody *body, const void *context) {
    int64_t whole = r->extent[axis] / TILE, rest = r->extent[axis] % TILE;
    int opened = 0;
    for (int a = 0; a < r->result; a++) {
        r->point.axis[a] = subscript_number(s->arena, 0);
        if (a == axis || r->extent[a] == 1) continue;
        r->point.axis[a] = schedule_loop_open(s, text_format(s->arena, "%c", "ijlmnopq"[a]), r->extent[a], LOOP_SERIAL);
        opened++;
    }
    if (whole > 0) {
        const Subscript *tile = schedule_loop_open(s, "tile", whole, LOOP_SERIAL);
        body(s, r, axis, subscript_times(s->arena, tile, TILE), TILE, context);
        schedule_close(s);
    }
    if (rest > 0) body(s, r, axis, subscript_number(s->arena, whole * TILE), rest, context);
    while (opened-- > 0) schedule_close(s);
}

/* All terms of `count` chains side by side, which the registers hold. */
static void terms_of_tile(Scheduler *s, Reduction *r, int axis, const ChainArrays *chains, const Subscript *first,
                          int64_t count) {
    int opened = 1;
    for (int k = r->result; k < r->axes; k++) {
        r->point.axis[k] = subscript_number(s->arena, 0);
        if (r->extent[k] == 1) continue;
        r->point.axis[k] = schedule_loop_open(s, "k", r->extent[k], LOOP_SERIAL);
        opened++;
    }
    const Subscript *t = schedule_loop_open(s, "t", count, LOOP_VECTOR);
    r->point.axis[axis] = subscript_sum(s->arena, first, t);
    one_term(s, r, chains, t, subscript_number(s->arena, 0));
    while (opened-- > 0) schedule_close(s);
}

/* ---- sums of one row, or of none ---------------------------------------------------------------------------- */
/* More terms than a chunk has: each chunk is summed, its sums are one chain. */
static ChainValue sum_in_chunks(Scheduler *s, Reduction *r, const ChainArrays *chains) {
    const Subscript *zero = subscript_number(s->arena, 0);
    ChainArrays total = chain_registers(s, r, 1);
    ChainValue start = chain_start(s, r);
    chain_store(s, &total, zero, &start);
    int opened = 0;
    for (int k = r->result; k < r->axes; k++) {
        r->point.axis[k] = zero;
        if (r->extent[k] == 1) continue;
        r->point.axis[k] = schedule_loop_open(s, "k", r->extent[k], LOOP_SERIAL);
        opened++;
    }
    const Subscript *number = number_of_term(s, r), *in_chunk = point_remainder(s, number, r->chunk);
    one_term(s, r, chains, zero, point_remainder(s, in_chunk, ORDER_LANES));
    const Scalar *full = point_equal(s, in_chunk, subscript_number(s->arena, r->chunk - 1));
    const Scalar *all = point_equal(s, number, subscript_number(s->arena, r->terms - 1));
    schedule_if_open(s, point_op(s, OP_OR, DTYPE_BOOL, full, all, NULL));
    fold_lanes(s, r, chains, zero, number, r->terms);
    ChainValue sum = chain_load(s, &total, zero), part = chain_load(s, chains, zero);
    sum = chain_join(s, r, &sum, &part);
    chain_continue(s, &total, zero, &sum, number, r->terms);
    start_chains(s, r, chains, ORDER_LANES);
    schedule_close(s);
    while (opened-- > 0) schedule_close(s);
    return chain_load(s, &total, zero);
}

static ChainValue sum_at_point(Scheduler *s, Reduction *r) {
    const Subscript *zero = subscript_number(s->arena, 0);
    if (r->terms == 0 && r->node->op == OP_CONTRACT) return (ChainValue){{point_const(s, r->dtype, 0), NULL}};
    ChainArrays chains = chain_registers(s, r, r->lanes);
    start_chains(s, r, &chains, r->lanes);
    if (r->chunk > 0 && r->terms > r->chunk) return sum_in_chunks(s, r, &chains);
    terms_from(s, r, r->result, &chains, zero);
    fold_lanes(s, r, &chains, zero, NULL, 0);
    return chain_load(s, &chains, zero);
}

/* ---- sums over rows ----------------------------------------------------------------------------------------- */
/* The chains of the open chunk: of each output, all lanes side by side. An argmax has no chunks, and its index is the
 * value itself. */
static ChainArrays open_chains(Scheduler *s, const Reduction *r) {
    Array **open = &s->chain[r->node->id];
    if (*open == NULL) *open = tree_array(s->tree, ARRAY_WORK, 0, r->dtype, r->outputs * r->lanes, "open");
    return (ChainArrays){{*open, r->width > 1 ? s->array[r->node->id] : NULL}};
}

void schedule_reduction_start(Scheduler *s, const Nest *nest) {
    Reduction r = reduction_of(nest->reduce);
    ChainArrays open = open_chains(s, &r), total = {{s->array[r.node->id], NULL}};
    start_chains(s, &r, &open, r.outputs * r.lanes);
    if (r.width > 1) return;
    const Subscript *at = schedule_loop_open(s, "i", r.outputs, LOOP_SERIAL);
    ChainValue start = chain_start(s, &r);
    if (r.terms == 0 && r.node->op == OP_CONTRACT) start.v[0] = point_const(s, r.dtype, 0);
    chain_store(s, &total, at, &start);
    schedule_close(s);
}

/* After the last row of a chunk. */
static void close_chunk(Scheduler *s, const Reduction *r, const ChainArrays *open, const Subscript *in_chunk) {
    ChainArrays total = {{s->array[r->node->id], NULL}};
    const Scalar *rows = schedule_let(s, tree_scalar(s->tree, SCALAR_ROWS, DTYPE_I32));
    const Subscript *last = subscript_sum(s->arena, subscript_of_scalar(s->arena, rows),
                                          subscript_number(s->arena, -1));
    const Scalar *ends = point_equal(s, schedule_row(s), last);
    if (r->chunk > 0)
        ends = point_op(s, OP_OR, DTYPE_BOOL, ends, point_equal(s, in_chunk, subscript_number(s->arena, r->chunk - 1)),
                        NULL);
    schedule_if_open(s, ends);
    const Subscript *output = schedule_loop_open(s, "i", r->outputs, LOOP_SERIAL);
    const Subscript *base = subscript_times(s->arena, output, r->lanes);
    fold_lanes(s, r, open, base, schedule_row(s), 1);
    ChainValue sum = chain_load(s, &total, output), part = chain_load(s, open, base);
    sum = chain_join(s, r, &sum, &part);
    chain_continue(s, &total, output, &sum, schedule_row(s), 1);
    schedule_close(s);
    start_chains(s, r, open, r->outputs * r->lanes);
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
                        const void *context) {
    const OpenChains *open = context;
    ChainArrays chains = chain_registers(s, r, count);
    const Subscript *t = schedule_loop_open(s, "t", count, LOOP_VECTOR);
    if (axis >= 0) r->point.axis[axis] = subscript_sum(s->arena, first, t);
    ChainValue before = chain_load(s, &open->arrays, place_of_open(s, r, open));
    chain_store(s, &chains, t, &before);
    schedule_close(s);
    if (axis >= 0)
        terms_of_tile(s, r, axis, &chains, first, count);
    else
        terms_from(s, r, r->result, &chains, t);
    t = schedule_loop_open(s, "t", count, LOOP_VECTOR);
    if (axis >= 0) r->point.axis[axis] = subscript_sum(s->arena, first, t);
    ChainValue after = chain_load(s, &chains, t);
    chain_continue(s, &open->arrays, place_of_open(s, r, open), &after,
                   subscript_times(s->arena, schedule_row(s), r->terms), 1);
    schedule_close(s);
}

static void reduce_row(Scheduler *s, const Nest *nest) {
    Reduction r = reduction_of(nest->reduce);
    if (r.terms == 0 || r.outputs == 0) return;
    const Subscript *in_chunk = r.chunk > 0 ? point_remainder(s, schedule_row(s), r.chunk) : schedule_row(s);
    OpenChains open = {open_chains(s, &r),
                       r.lanes > 1 ? point_remainder(s, in_chunk, ORDER_LANES) : subscript_number(s->arena, 0)};
    int axis = axis_of_tiles(&r);
    if (r.terms == 1) {
        int opened = schedule_axes_open(s, "ijlmnopq", r.extent, r.result, r.point.axis);
        terms_from(s, &r, r.result, &open.arrays, place_of_open(s, &r, &open));
        while (opened-- > 0) schedule_close(s);
    } else if (axis >= 0) {
        for_tiles(s, &r, axis, row_of_tile, &open);
    } else {
        for (int a = 0; a < r.result; a++) r.point.axis[a] = subscript_number(s->arena, 0);
        row_of_tile(s, &r, -1, NULL, 1, &open);
    }
    if (r.width == 1) close_chunk(s, &r, &open.arrays, in_chunk);
}

/* The stores, with the chains' result in a register. */
static void finish(Scheduler *s, const Reduction *r, const ChainValue *sum) {
    s->reduced = sum->v[r->width - 1];
    s->largest = sum->v[0];
    schedule_stores(s, &r->point);
    s->reduced = s->largest = NULL;
}

static void reduce_tile(Scheduler *s, Reduction *r, int axis, const Subscript *first, int64_t count,
                        const void *context) {
    (void)context;
    ChainArrays chains = chain_registers(s, r, count);
    start_chains(s, r, &chains, count);
    terms_of_tile(s, r, axis, &chains, first, count);
    const Subscript *t = schedule_loop_open(s, "t", count, LOOP_SERIAL);
    r->point.axis[axis] = subscript_sum(s->arena, first, t);
    ChainValue sum = chain_load(s, &chains, t);
    finish(s, r, &sum);
    schedule_close(s);
}

void schedule_reduction(Scheduler *s, const Nest *nest) {
    Reduction r = reduction_of(nest->reduce);
    if (r.c->over_rows) {
        reduce_row(s, nest);
        return;
    }
    int axis = axis_of_tiles(&r);
    if (r.lanes == 1 && r.terms > 0 && r.outputs > 0 && axis >= 0) {
        for_tiles(s, &r, axis, reduce_tile, NULL);
        return;
    }
    int opened = schedule_axes_open(s, "ijlmnopq", r.extent, r.result, r.point.axis);
    ChainValue sum = sum_at_point(s, &r);
    finish(s, &r, &sum);
    while (opened-- > 0) schedule_close(s);
}
