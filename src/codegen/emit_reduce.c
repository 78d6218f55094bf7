/* emit_reduce: the order law in code (docs/numerics.md): chains, lanes, trees, chunks.
 *
 * A reduction with one chain per output is a register tile: tile x vectors accumulators carried through the
 * loops over k as phis, each operand loaded once per iteration and used for the whole row or column of the
 * tile. Few outputs have 16 lanes instead: lane k mod 16, or the place in the chunk mod 16 where rows are
 * summed, so a vector of 16 is the lanes themselves; or, per row, 16 accumulators of vectors of rows.
 *
 * A sum over the batch whose chain crosses blocks or chunks is carried through memory: `chain` holds the open
 * chunk, `total` the fold of those closed. Storing and loading an accumulator changes no bit.
 */
#include "codegen/emit.h"
#include <math.h>
#include <string.h>

enum { ORDER_LANES = 16, MOST_CHAINS = 32, MOST_UNROLLED = 32 };

/* ARGMAX carries the largest term and its index; the others one value. */
typedef struct Chain { Value v[2]; } Chain;

static int chain_width(const Node *node) {
    return node->op == OP_ARGMAX ? 2 : 1;
}

static DType term_type(const Node *node) {
    return node->source[0]->dtype;
}

static Chain chain_start(Emitter *e, const Node *node, int lanes) {
    DType t = term_type(node);
    Chain c = {{NULL, NULL}};
    bool real = dtype_is_real(t);
    if (node->op == OP_CONTRACT)
        c.v[0] = real ? constant_real(e, t, -0.0) : constant_int(e, e->i32, 0);
    else if (node->op == OP_REDUCE_MIN)
        c.v[0] = real ? constant_real(e, t, INFINITY) : constant_int(e, e->i32, INT32_MAX);
    else
        c.v[0] = real ? constant_real(e, t, -INFINITY) : constant_int(e, e->i32, INT32_MIN);
    c.v[0] = splat(e, c.v[0], lanes);
    if (node->op == OP_ARGMAX)
        c.v[1] = splat(e, constant_int(e, e->i32, 0), lanes);
    return c;
}

/* One chain in the order of k: the first term that a maximum would be left with, as ops.def's max keeps it.
 */
static Chain argmax_step(Emitter *e, const Node *node, Chain a, Chain b) {
    DType t = term_type(node);
    same_width(e, &a.v[0], &b.v[0]);
    Value keep = emit_binary(e, OP_LE, t, b.v[0], a.v[0]);
    if (dtype_is_real(t))
        keep = LLVMBuildOr(e->b, keep, LLVMBuildFCmp(e->b, LLVMRealUNO, a.v[0], a.v[0], ""), "");
    return (Chain){{emit_select(e, keep, a.v[0], b.v[0]), emit_select(e, keep, a.v[1], b.v[1])}};
}

/* The fold of chunks and the tree of lanes. */
static Chain chain_join(Emitter *e, const Node *node, Chain a, Chain b) {
    if (node->op == OP_ARGMAX)
        return argmax_step(e, node, a, b);
    Op op = node->op == OP_CONTRACT ? OP_ADD : node->op == OP_REDUCE_MAX ? OP_MAX : OP_MIN;
    return (Chain){{emit_binary(e, op, node->dtype, a.v[0], b.v[0])}};
}

typedef struct ChainTerm {
    Value x[2], oks[2], ok, index;
} ChainTerm; /* ok NULL: present; index: of k, ARGMAX only */

/* first: the chain holds nothing yet, so the term itself is its value (law 1). */
static Chain chain_step(Emitter *e, const Node *node, Chain chain, const ChainTerm *term, bool first) {
    Chain next;
    DType t = node->dtype;
    if (node->op == OP_CONTRACT) {
        bool product = node->sources == 2;
        if (first && term->ok == NULL)
            next.v[0] = product ? emit_binary(e, OP_MUL, t, term->x[0], term->x[1]) : term->x[0];
        else if (product && dtype_is_real(t))
            next.v[0] = emit_fma(e, term->x[0], term->x[1], chain.v[0]);
        else
            next.v[0] = emit_binary(e, OP_ADD, t, chain.v[0],
                                    product ? emit_binary(e, OP_MUL, t, term->x[0], term->x[1]) : term->x[0]);
    } else {
        Chain one = {{term->x[0], term->index}};
        next = chain_join(e, node, chain, one);
    }
    if (term->ok != NULL)
        for (int i = 0; i < chain_width(node); i++)
            next.v[i] = emit_select(e, term->ok, next.v[i], chain.v[i]);
    return next;
}

/* Lanes as one vector of 16, folded l+8, l+4, l+2, l+1. */
static Chain fold_vector(Emitter *e, const Node *node, Chain chain) {
    for (int half = ORDER_LANES / 2; half >= 1; half /= 2) {
        Chain part[2];
        memset(part, 0, sizeof part);
        for (int i = 0; i < chain_width(node); i++)
            for (int p = 0; p < 2; p++) {
                Value mask[ORDER_LANES];
                for (int l = 0; l < half; l++)
                    mask[l] = constant_int(e, e->i32, p * half + l);
                part[p].v[i] = half == 1
                    ? LLVMBuildExtractElement(e->b, chain.v[i], constant_int(e, e->i32, p), "")
                    : LLVMBuildShuffleVector(e->b, chain.v[i], LLVMGetPoison(LLVMTypeOf(chain.v[i])),
                                             LLVMConstVector(mask, (unsigned)half), "");
            }
        chain = chain_join(e, node, part[0], part[1]);
    }
    return chain;
}

/* Lanes one by one, absent ones (their value would be the identity) left out. */
static Chain fold_lanes(Emitter *e, const Node *node, Chain *lane, int present) {
    for (int half = ORDER_LANES / 2; half >= 1; half /= 2)
        for (int l = 0; l < half && l < present; l++)
            if (l + half < present) {
                lane[l] = chain_join(e, node, lane[l], lane[l + half]);
            }
    return lane[0];
}

typedef void FinishBody(Emitter *e, const Nest *nest, const Spot *spot, Chain chain);

/* The epilogue: stores of the nest, with the chain's result in a register. */
static void finish(Emitter *e, const Nest *nest, const Spot *spot, Chain chain) {
    memo_clear(e);
    e->reduced = chain.v[nest->reduce->op == OP_ARGMAX ? 1 : 0];
    emit_stores(e, nest, spot);
    e->reduced = NULL;
}

static Chain chain_part(Emitter *e, const Node *node, Chain chain, int begin, int lanes) {
    Value mask[64];
    for (int l = 0; l < lanes; l++)
        mask[l] = constant_int(e, e->i32, begin + l);
    for (int i = 0; i < chain_width(node); i++) {
        Value v = chain.v[i];
        chain.v[i] = lanes == 1 ? LLVMBuildExtractElement(e->b, v, mask[0], "")
                                : LLVMBuildShuffleVector(e->b, v, LLVMGetPoison(LLVMTypeOf(v)),
                                                         LLVMConstVector(mask, (unsigned)lanes), "");
    }
    return chain;
}

/* Where only the first lanes exist, in the vectors that they make up. */
static void finish_valid(Emitter *e, const Nest *nest, const Spot *spot, Chain chain, FinishBody *body) {
    int valid = e->valid_lanes, lanes = e->lanes;
    if (valid == 0) {
        body(e, nest, spot, chain);
        return;
    }
    chain.v[0] = splat(e, chain.v[0], lanes);
    e->valid_lanes = 0;
    for (int narrow = lanes / 2, begin = 0; narrow >= 1; narrow /= 2) {
        if (valid - begin < narrow)
            continue;
        Spot part = *spot;
        Index at = index_offset(e, part.axis[nest->lanes], begin);
        part.axis[nest->lanes] = (Index){.at = at.at, .step = narrow > 1 ? 1 : 0};
        e->lanes = narrow;
        body(e, nest, &part, chain_part(e, nest->reduce, chain, begin, narrow));
        begin += narrow;
    }
    e->lanes = lanes;
    e->valid_lanes = valid;
}

/* ---- terms ------------------------------------------------------------------------------------- */
/* peeled: source axes that loop bounds keep inside (tiles only) */
typedef struct Space {
    int64_t extent[MOST_AXES];
    int result, axes;
    int64_t terms;
    uint32_t peeled[2];
} Space;

static Space space_of(const Node *node) {
    const Contraction *c = node->attr.contraction;
    Space s = {.result = node->shape.rank, .axes = node->shape.rank + c->reduced, .terms = 1};
    for (int a = 0; a < s.result; a++)
        s.extent[a] = node->shape.extent[a];
    for (int k = 0; k < c->reduced; k++) {
        s.extent[s.result + k] = c->extent[k];
        s.terms *= c->extent[k];
    }
    return s;
}

static Value operand_at(Emitter *e, const Node *node, const Space *space, int operand, const Spot *spot,
                        Value *ok) {
    const Contraction *c = node->attr.contraction;
    Node *source = node->source[operand];
    Spot s = spot_through(e, &c->access[operand], spot, space->extent, space->axes, source->shape, spot->row,
                          space->peeled[operand], ok);
    return value_at(e, source, &s);
}

static Value flat_k(Emitter *e, const Node *node, const Space *space, const Spot *spot) {
    if (node->op != OP_ARGMAX)
        return NULL;
    Index k = index_at(e, 0);
    Shape reduced = {.rank = 0};
    for (int a = space->result; a < space->axes; a++)
        reduced.extent[reduced.rank++] = space->extent[a];
    for (int a = 0; a < reduced.rank; a++)
        k = index_add(e, k, index_scale(e, spot->axis[space->result + a], row_major_stride(reduced, a)));
    if (node->attr.contraction->over_rows)
        k = index_add(
            e, k,
            index_scale(e, index_add(e, index_of(e->block_begin), index_of(spot->row.at)), space->terms));
    return index_uniform(k) ? LLVMBuildTrunc(e->b, k.at, e->i32, "") : index_lanes(e, k);
}

static ChainTerm term_at(Emitter *e, const Node *node, const Space *space, const Spot *spot) {
    ChainTerm t = {.ok = NULL, .index = flat_k(e, node, space, spot)};
    for (int s = 0; s < node->sources; s++)
        t.x[s] = operand_at(e, node, space, s, spot, &t.ok);
    return t;
}

/* ---- register tiles: one chain per output ------------------------------------------------------- */
typedef struct Tile {
    const Nest *nest; const Node *node; Space space;
    int tile, vectors, count;
    Spot spot[MOST_CHAINS];
    bool by_tile[2], by_vector[2];            /* does the operand change along them */
    Value row_begin, row_end;                 /* rows summed: a run-time range; NULL: none */
    bool unroll;
    bool bounded[MOST_AXES];                  /* reduced axes whose loops leave out absent terms */
} Tile;

/* ---- absent terms at borders: loop bounds instead of conditions ---- */

/* The one reduced axis that moves this source axis by whole steps, if the tile and the lanes do not move it.
 */
static int peeled_axis(const Tile *t, const AxisMap *map, int operand, int source_axis) {
    int found = -1;
    if (map->divisor != 1
        || axis_is_inside(map, t->space.extent, t->space.axes,
                          t->node->source[operand]->shape.extent[source_axis]))
        return -1;
    for (int k = 0; k < t->space.axes; k++) {
        if (map->coef[k] == 0 || t->space.extent[k] == 1)
            continue;
        if (k == t->nest->tile_axis || k == t->nest->lanes)
            return -1;
        if (k >= t->space.result) {
            if (found >= 0 || map->coef[k] != 1)
                return -1;
            found = k;
        }
    }
    return found;
}

static void find_peeled(Tile *t) {
    const Contraction *c = t->node->attr.contraction;
    for (int s = 0; s < t->node->sources && !t->unroll; s++)
        for (int a = 0; a < c->access[s].rank; a++) {
            int k = peeled_axis(t, &c->access[s].axis[a], s, a);
            if (k < 0)
                continue;
            t->bounded[k] = true;
            t->space.peeled[s] |= 1u << a;
        }
}

static Value larger(Emitter *e, Value a, Value b) {
    return LLVMBuildSelect(e->b, LLVMBuildICmp(e->b, LLVMIntSGT, a, b, ""), a, b, "");
}

static Value smaller(Emitter *e, Value a, Value b) {
    return LLVMBuildSelect(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, a, b, ""), a, b, "");
}

/* 0 <= rest + k < extent for every source axis that k keeps inside */
static void peel_bounds(Emitter *e, const Tile *t, int axis, Value *begin, Value *end) {
    const Contraction *c = t->node->attr.contraction;
    for (int s = 0; s < t->node->sources; s++)
        for (int a = 0; a < c->access[s].rank; a++) {
            const AxisMap *map = &c->access[s].axis[a];
            if (!(t->space.peeled[s] >> a & 1) || peeled_axis(t, map, s, a) != axis)
                continue;
            Index rest = index_at(e, map->offset);
            for (int k = 0; k < t->space.result; k++)
                if (map->coef[k] != 0 && t->space.extent[k] > 1)
                    rest = index_add(e, rest, index_scale(e, t->spot[0].axis[k], map->coef[k]));
            Value extent = index_const(e, t->node->source[s]->shape.extent[a]);
            *begin = larger(e, *begin, LLVMBuildNeg(e->b, rest.at, ""));
            *end = smaller(e, *end, LLVMBuildSub(e->b, extent, rest.at, ""));
        }
}

/* A loop that carries the chains; it may run no time at all if `maybe`. */
typedef struct TileLoop {
    LoopBlocks blocks;
    LLVMBasicBlockRef before, after;
    Value start[MOST_CHAINS * 2];
} TileLoop;

static void tile_loop_open(Emitter *e, const Tile *t, TileLoop *l, Value begin, Value end, bool maybe,
                           Chain *chain) {
    int width = chain_width(t->node);
    for (int c = 0; c < t->count; c++)
        for (int i = 0; i < width; i++)
            l->start[c * width + i] = chain[c].v[i];
    l->before = LLVMGetInsertBlock(e->b);
    l->after = maybe ? if_open(e, LLVMBuildICmp(e->b, LLVMIntSLT, begin, end, "")) : NULL;
    loop_open(e, &l->blocks, begin, l->start, t->count * width);
    for (int c = 0; c < t->count; c++)
        for (int i = 0; i < width; i++)
            chain[c].v[i] = l->blocks.phi[c * width + i];
}

static void tile_loop_close(Emitter *e, const Tile *t, TileLoop *l, Value end, Chain *chain) {
    int width = chain_width(t->node);
    Value next[MOST_CHAINS * 2];
    for (int c = 0; c < t->count; c++)
        for (int i = 0; i < width; i++)
            next[c * width + i] = chain[c].v[i];
    loop_close(e, &l->blocks, end, 1, next);
    if (l->after == NULL)
        return;
    LLVMBasicBlockRef from[2] = {l->before, LLVMGetInsertBlock(e->b)};
    if_close(e, l->after);
    for (int c = 0; c < t->count; c++)
        for (int i = 0; i < width; i++) {
            Value both[2] = {l->start[c * width + i], next[c * width + i]};
            chain[c].v[i] = LLVMBuildPhi(e->b, LLVMTypeOf(both[0]), "");
            LLVMAddIncoming(chain[c].v[i], both, from, 2);
        }
}

static void tile_terms(Emitter *e, const Tile *t, const Spot *k, Chain *chain, bool first) {
    ChainTerm term[MOST_CHAINS];
    memo_clear(e);
    for (int i = 0; i < t->tile; i++)
        for (int j = 0; j < t->vectors; j++) {
            ChainTerm *now = &term[i * t->vectors + j];
            Spot spot = t->spot[i * t->vectors + j];
            for (int a = t->space.result; a < t->space.axes; a++)
                spot.axis[a] = k->axis[a];
            if (t->row_begin != NULL)
                spot.row = k->row;
            now->index = flat_k(e, t->node, &t->space, &spot);
            now->ok = NULL;
            Value oks[2] = {NULL, NULL};
            for (int s = 0; s < t->node->sources; s++) {
                int from = (t->by_tile[s] ? i : 0) * t->vectors + (t->by_vector[s] ? j : 0);
                if (from < i * t->vectors + j) {
                    now->x[s] = term[from].x[s];
                    oks[s] = term[from].oks[s];
                } else {
                    now->x[s] = operand_at(e, t->node, &t->space, s, &spot, &oks[s]);
                }
                now->oks[s] = oks[s];
                now->ok = emit_and(e, now->ok, oks[s]);
            }
        }
    for (int c = 0; c < t->count; c++)
        chain[c] = chain_step(e, t->node, chain[c], &term[c], first);
}

static void tile_axes(Emitter *e, const Tile *t, int axis, Spot *k, Chain *chain, bool *first) {
    if (axis == t->space.axes) {
        tile_terms(e, t, k, chain, *first);
        *first = false;
        return;
    }
    int64_t extent = t->space.extent[axis];
    if (t->unroll || (extent == 1 && !t->bounded[axis])) {
        for (int64_t i = 0; i < extent; i++) {
            k->axis[axis] = index_at(e, i);
            tile_axes(e, t, axis + 1, k, chain, first);
        }
        return;
    }
    Value begin = index_const(e, 0), end = index_const(e, extent);
    if (t->bounded[axis])
        peel_bounds(e, t, axis, &begin, &end);
    TileLoop l;
    tile_loop_open(e, t, &l, begin, end, t->bounded[axis], chain);
    k->axis[axis] = index_of(l.blocks.index);
    bool inner = false;
    tile_axes(e, t, axis + 1, k, chain, &inner);
    *first = false;
    tile_loop_close(e, t, &l, end, chain);
}

static void tile_rows(Emitter *e, const Tile *t, Chain *chain) {
    Spot k = {0};
    bool first = t->row_begin == NULL && t->unroll;
    if (t->row_begin == NULL) {
        tile_axes(e, t, t->space.result, &k, chain, &first);
        return;
    }
    TileLoop l;
    tile_loop_open(e, t, &l, t->row_begin, t->row_end, false, chain);
    k.row = index_of(l.blocks.index);
    first = false;
    tile_axes(e, t, t->space.result, &k, chain, &first);
    tile_loop_close(e, t, &l, t->row_end, chain);
}

static Tile tile_new(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors) {
    Tile t = {.nest = nest,
              .node = nest->reduce,
              .space = space_of(nest->reduce),
              .tile = tile,
              .vectors = vectors,
              .count = tile * vectors};
    const Contraction *c = nest->reduce->attr.contraction;
    if (t.count > MOST_CHAINS)
        INTERNAL_ERROR("a tile of %d", t.count);
    for (int i = 0; i < tile; i++)
        for (int j = 0; j < vectors; j++) {
            Spot *s = &t.spot[i * vectors + j];
            *s = *spot;
            if (nest->tile_axis >= 0)
                s->axis[nest->tile_axis] = index_offset(e, s->axis[nest->tile_axis], i);
            if (nest->lanes == LANES_ROWS)
                s->row = index_offset(e, s->row, j * e->lanes);
            else if (nest->lanes >= 0)
                s->axis[nest->lanes] = index_offset(e, s->axis[nest->lanes], j * e->lanes);
        }
    for (int s = 0; s < nest->reduce->sources; s++)
        for (int a = 0; a < c->access[s].rank; a++) {
            t.by_tile[s] |= nest->tile_axis >= 0 && c->access[s].axis[a].coef[nest->tile_axis] != 0;
            t.by_vector[s] |= nest->lanes >= 0 && c->access[s].axis[a].coef[nest->lanes] != 0;
        }
    for (int s = 0; s < nest->reduce->sources; s++)
        if (nest->lanes == LANES_ROWS && nest->reduce->source[s]->rows != 0)
            t.by_vector[s] = true;
    t.unroll = t.space.terms * t.count <= MOST_UNROLLED;
    find_peeled(&t);
    return t;
}

/* Empty sums are +0. */
static Chain chain_if_empty(Emitter *e, const Tile *t, Chain chain, int lanes) {
    if (t->space.terms == 0 && t->node->op == OP_CONTRACT)
        return (Chain){{splat(e, LLVMConstNull(type_of(e, t->node->dtype)), lanes)}};
    return chain;
}

static void tile_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)context;
    Tile t = tile_new(e, nest, spot, tile, vectors);
    const Contraction *c = nest->reduce->attr.contraction;
    if (c->over_rows && e->f->block > 1) {
        t.row_begin = index_const(e, 0);
        t.row_end = e->block_rows;
    }
    Chain chain[MOST_CHAINS];
    for (int i = 0; i < t.count; i++)
        chain[i] = chain_start(e, t.node, e->lanes);
    if (t.space.terms > 0)
        tile_rows(e, &t, chain);
    for (int i = 0; i < t.count; i++)
        finish_valid(e, nest, &t.spot[i], chain_if_empty(e, &t, chain[i], e->lanes), finish);
}

/* ---- carried chains -------------------------------------------------------------------------------- */
typedef struct Carry { Value row_begin, row_end, fresh, closes; } Carry;

static Index total_index(Emitter *e, const Nest *nest, const Spot *spot) {
    return spot_linear(e, spot, nest->reduce->shape);
}

/* In `chain` the axis of the lanes lies innermost: nobody else reads it. */
static Index chain_index(Emitter *e, const Nest *nest, const Spot *spot) {
    Shape shape = nest->reduce->shape;
    if (nest->lanes < 0)
        return spot_linear(e, spot, shape);
    int64_t innermost = shape.extent[nest->lanes];
    shape.extent[nest->lanes] = 1;
    return index_add(e, index_scale(e, spot_linear(e, spot, shape), innermost), spot->axis[nest->lanes]);
}

static void fold_into_total(Emitter *e, const Nest *nest, Index at, Value v) {
    const Node *node = nest->reduce;
    Value base = buffer_base(e, nest->total);
    Chain total = {{load_at(e, REGION_WORK, node->dtype, base, at)}};
    Chain part = {{v}};
    store_at(e, REGION_WORK, node->dtype, base, at, chain_join(e, node, total, part).v[0]);
}

static void keep_chain(Emitter *e, const Nest *nest, const Spot *spot, Chain chain) {
    store_at(e, REGION_WORK, term_type(nest->reduce), buffer_base(e, nest->chain), chain_index(e, nest, spot),
             chain.v[0]);
    if (nest->reduce->op == OP_ARGMAX)
        store_at(e, REGION_WORK, DTYPE_I32, buffer_base(e, nest->total), total_index(e, nest, spot),
                 chain.v[1]);
}

static void keep_total(Emitter *e, const Nest *nest, const Spot *spot, Chain chain) {
    fold_into_total(e, nest, total_index(e, nest, spot), chain.v[0]);
}

static void carried_tile_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors,
                              void *context) {
    const Carry *carry = context;
    Tile t = tile_new(e, nest, spot, tile, vectors);
    Chain chain[MOST_CHAINS];
    Value base = buffer_base(e, nest->chain);
    t.row_begin = carry->row_begin;
    t.row_end = carry->row_end;
    DType type = term_type(t.node);
    bool argmax = t.node->op == OP_ARGMAX;
    for (int i = 0; i < t.count; i++) {
        Chain start = chain_start(e, t.node, e->lanes);
        Value open = load_at(e, REGION_WORK, type, base, chain_index(e, nest, &t.spot[i]));
        chain[i].v[0] = emit_select(e, carry->fresh, start.v[0], open);
        if (argmax)                            /* its index waits in the total, of which there is one chunk */
            chain[i].v[1] = load_at(e, REGION_WORK, DTYPE_I32, buffer_base(e, nest->total),
                                    total_index(e, nest, &t.spot[i]));
    }
    if (t.space.terms > 0)
        tile_rows(e, &t, chain);
    for (int i = 0; i < t.count; i++)
        finish_valid(e, nest, &t.spot[i], chain[i], keep_chain);
    if (argmax)
        return;
    LLVMBasicBlockRef after = if_open(e, carry->closes);
    for (int i = 0; i < t.count; i++)
        finish_valid(e, nest, &t.spot[i], chain[i], keep_total);
    if_close(e, after);
}

static int64_t chunk_of(const Node *node) {
    int64_t chunk = node->attr.contraction->chunk;
    return chunk > 0 ? chunk : (int64_t)1 << 40;
}

/* Opens the loop over the chunks that the block's places lie in: l.index is where the chunk begins, *end the
 * block's end in the mini-batch. */
static void open_chunks(Emitter *e, LoopBlocks *l, int64_t chunk, Value *end) {
    Value whole = LLVMBuildUDiv(e->b, e->block_begin, index_const(e, chunk), "");
    *end = LLVMBuildAdd(e->b, e->block_begin, e->block_rows, "");
    loop_open(e, l, LLVMBuildMul(e->b, whole, index_const(e, chunk), ""), NULL, 0);
}

static Value chunk_closes(Emitter *e, Value chunk_end, Value end) {
    Value full = LLVMBuildICmp(e->b, LLVMIntSLE, chunk_end, end, "");
    return LLVMBuildOr(e->b, full, LLVMBuildICmp(e->b, LLVMIntEQ, end, e->total_rows, ""), "");
}

static void reduce_carried_tiles(Emitter *e, const Nest *nest) {
    int64_t chunk = chunk_of(nest->reduce);
    LoopBlocks l;
    Value end;
    open_chunks(e, &l, chunk, &end);
    Value chunk_end = LLVMBuildAdd(e->b, l.index, index_const(e, chunk), "");
    Value begin = LLVMBuildSelect(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, l.index, e->block_begin, ""),
                                  e->block_begin, l.index, "");
    Carry carry = {.row_begin = LLVMBuildSub(e->b, begin, e->block_begin, ""),
                   .row_end = LLVMBuildSub(e->b, smaller(e, chunk_end, end), e->block_begin, ""),
                   .fresh = LLVMBuildICmp(e->b, LLVMIntEQ, begin, l.index, ""),
                   .closes = chunk_closes(e, chunk_end, end)};
    nest_loops(e, nest, carried_tile_body, &carry);
    loop_close(e, &l, end, chunk, NULL);
}

/* ---- few outputs, rows summed: 16 rows are the lanes ------------------------------------------------ */
static Value row_mask(Emitter *e, Value from, Value begin, Value end) {
    Index lane = {.at = from, .step = 1};
    Value number = index_lanes(e, lane);
    Value low = splat(e, LLVMBuildTrunc(e->b, begin, e->i32, ""), e->lanes);
    Value high = splat(e, LLVMBuildTrunc(e->b, end, e->i32, ""), e->lanes);
    return LLVMBuildAnd(e->b, LLVMBuildICmp(e->b, LLVMIntSGE, number, low, ""),
                        LLVMBuildICmp(e->b, LLVMIntSLT, number, high, ""), "");
}

/* Adds the rows from .. from + 15 of the block to the 16 chains, where the mask says so. */
static Chain add_sixteen_rows(Emitter *e, const Nest *nest, const Spot *spot, Value from, Value mask,
                              Chain chain) {
    Tile t = {.nest = nest,
              .node = nest->reduce,
              .space = space_of(nest->reduce),
              .tile = 1,
              .vectors = 1,
              .count = 1};
    t.spot[0] = *spot;
    t.spot[0].row = (Index){.at = from, .step = 1};
    t.unroll = t.space.terms <= MOST_UNROLLED;
    Chain next = chain;
    Spot k = {0};
    bool first = false;
    tile_axes(e, &t, t.space.result, &k, &next, &first);
    for (int i = 0; i < chain_width(nest->reduce); i++)
        next.v[i] = emit_select(e, mask, next.v[i], chain.v[i]);
    return next;
}

static void few_rows_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors,
                          void *context) {
    (void)tile, (void)vectors, (void)context;
    const Node *node = nest->reduce;
    e->lanes = ORDER_LANES;
    e->lanes_are_rows = true;
    Chain chain = chain_start(e, node, ORDER_LANES);
    Value zero = index_const(e, 0);
    if (e->f->block == ORDER_LANES) {
        chain = add_sixteen_rows(e, nest, spot, zero, row_mask(e, zero, zero, e->block_rows), chain);
    } else {
        LoopBlocks l;
        int width = chain_width(node);
        loop_open(e, &l, zero, chain.v, width);
        Chain inner = {{l.phi[0], width > 1 ? l.phi[1] : NULL}};
        chain = add_sixteen_rows(e, nest, spot, l.index, row_mask(e, l.index, zero, e->block_rows), inner);
        loop_close(e, &l, e->block_rows, ORDER_LANES, chain.v);
    }
    chain = fold_vector(e, node, chain);
    e->lanes = 1;
    e->lanes_are_rows = false;
    finish(e, nest, spot, chain);
}

static void carried_few_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors,
                             void *context) {
    (void)tile, (void)vectors, (void)context;
    const Node *node = nest->reduce;
    int64_t chunk = chunk_of(node);
    LoopBlocks chunks, groups;
    Value end, base = buffer_base(e, nest->chain);
    Index total_at = total_index(e, nest, spot);
    Index chain_at = index_scale(e, total_at, ORDER_LANES);
    chain_at.step = 1;
    open_chunks(e, &chunks, chunk, &end);
    Value begin = chunks.index, chunk_end = LLVMBuildAdd(e->b, begin, index_const(e, chunk), "");
    Value stop = smaller(e, chunk_end, end);
    Value behind =
        LLVMBuildSub(e->b, e->block_begin, begin, ""); /* negative: the chunk begins in the block */
    Value fresh = LLVMBuildICmp(e->b, LLVMIntSLE, behind, index_const(e, 0), "");
    Value skipped = LLVMBuildAnd(e->b, behind, index_const(e, -ORDER_LANES), "");
    Value group = LLVMBuildSelect(e->b, fresh, begin, LLVMBuildAdd(e->b, begin, skipped, ""), "");
    e->lanes = ORDER_LANES;
    e->lanes_are_rows = true;
    e->rows_may_leave = node->attr.contraction->chunk % ORDER_LANES != 0;
    Chain chain = {{load_at(e, REGION_WORK, node->dtype, base, chain_at)}};
    chain.v[0] = emit_select(e, fresh, chain_start(e, node, ORDER_LANES).v[0], chain.v[0]);
    loop_open(e, &groups, group, chain.v, 1);
    Value from = LLVMBuildSub(e->b, groups.index, e->block_begin, "");
    Value mask = row_mask(e, from, index_const(e, 0), LLVMBuildSub(e->b, stop, e->block_begin, ""));
    Chain inner = {{groups.phi[0]}};
    chain = add_sixteen_rows(e, nest, spot, from, mask, inner);
    loop_close(e, &groups, stop, ORDER_LANES, chain.v);
    store_at(e, REGION_WORK, node->dtype, base, chain_at, chain.v[0]);
    LLVMBasicBlockRef after = if_open(e, chunk_closes(e, chunk_end, end));
    Value folded = fold_vector(e, node, chain).v[0];
    e->lanes = 1;
    e->lanes_are_rows = e->rows_may_leave = false;
    fold_into_total(e, nest, total_at, folded);
    if_close(e, after);
    loop_close(e, &chunks, end, chunk, NULL);
}

/* ---- few outputs, 16 lanes of k ---------------------------------------------------------------------- */
static Shape reduced_shape(const Space *space) {
    Shape s = {.rank = space->axes - space->result};
    for (int a = 0; a < s.rank; a++)
        s.extent[a] = space->extent[space->result + a];
    return s;
}

static ChainTerm term_of_k(Emitter *e, const Node *node, const Space *space, const Spot *spot, Index k) {
    Shape shape = reduced_shape(space);
    Spot full = *spot;
    Spot places = spot_of_linear(e, k, shape, spot->row);
    for (int a = 0; a < shape.rank; a++)
        full.axis[space->result + a] = places.axis[a];
    return term_at(e, node, space, &full);
}

static Chain lanes_unrolled(Emitter *e, const Node *node, const Space *space, const Spot *spot, int64_t begin,
                            int terms) {
    Chain lane[ORDER_LANES];
    for (int k = 0; k < terms; k++) {
        ChainTerm term = term_of_k(e, node, space, spot, index_at(e, begin + k));
        Chain from = k < ORDER_LANES ? chain_start(e, node, e->lanes) : lane[k % ORDER_LANES];
        lane[k % ORDER_LANES] = chain_step(e, node, from, &term, k < ORDER_LANES);
    }
    return fold_lanes(e, node, lane, terms < ORDER_LANES ? terms : ORDER_LANES);
}

/* Per row: 16 accumulators, each a vector of rows. */
static Chain lanes_of_rows(Emitter *e, const Node *node, const Space *space, const Spot *spot) {
    Chain lane[ORDER_LANES];
    Value carried[ORDER_LANES * 2];
    int width = chain_width(node), rest = (int)(space->terms % ORDER_LANES);
    for (int i = 0; i < ORDER_LANES; i++) {
        lane[i] = chain_start(e, node, e->lanes);
        for (int w = 0; w < width; w++)
            carried[i * width + w] = lane[i].v[w];
    }
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), carried, ORDER_LANES * width);
    memo_clear(e);
    for (int i = 0; i < ORDER_LANES; i++) {
        for (int w = 0; w < width; w++)
            lane[i].v[w] = l.phi[i * width + w];
        Index k = index_of(LLVMBuildAdd(e->b, l.index, index_const(e, i), ""));
        ChainTerm term = term_of_k(e, node, space, spot, k);
        lane[i] = chain_step(e, node, lane[i], &term, false);
        for (int w = 0; w < width; w++)
            carried[i * width + w] = lane[i].v[w];
    }
    loop_close(e, &l, index_const(e, space->terms - rest), ORDER_LANES, carried);
    memo_clear(e);
    for (int i = 0; i < rest; i++) {
        ChainTerm term = term_of_k(e, node, space, spot, index_at(e, space->terms - rest + i));
        lane[i] = chain_step(e, node, lane[i], &term, false);
    }
    return fold_lanes(e, node, lane, ORDER_LANES);
}

/* Source axes are the reduced axes in order: k is the row-major place itself. */
static bool is_read_in_order(const Node *node, const Space *space, int operand) {
    const Access *access = &node->attr.contraction->access[operand];
    Shape source = node->source[operand]->shape;
    if (access->rank != space->axes - space->result)
        return false;
    for (int a = 0; a < access->rank; a++) {
        const AxisMap *map = &access->axis[a];
        if (map->offset != 0 || map->divisor != 1 || source.extent[a] != space->extent[space->result + a])
            return false;
        for (int k = 0; k < space->axes; k++)
            if (map->coef[k] != (k == space->result + a))
                return false;
    }
    return true;
}

static ChainTerm term_in_order(Emitter *e, const Node *node, const Space *space, const Spot *spot, Index k) {
    bool in_order = node->op != OP_ARGMAX;
    for (int s = 0; s < node->sources; s++)
        in_order = in_order && is_read_in_order(node, space, s);
    if (!in_order)
        return term_of_k(e, node, space, spot, k);
    ChainTerm t = {.ok = NULL};
    for (int s = 0; s < node->sources; s++)
        t.x[s] = value_flat(e, node->source[s], k, spot->row);
    return t;
}

/* One vector of 16 along k, from `begin` on; terms are known. */
static Chain lanes_along_k(Emitter *e, const Node *node, const Space *space, const Spot *spot, Value begin,
                           int64_t terms) {
    int rest = (int)(terms % ORDER_LANES), width = chain_width(node);
    Chain chain = chain_start(e, node, ORDER_LANES);
    e->lanes = ORDER_LANES;
    if (terms >= ORDER_LANES) {
        LoopBlocks l;
        loop_open(e, &l, index_const(e, 0), chain.v, width);
        memo_clear(e);
        Index k = {.at = LLVMBuildAdd(e->b, begin, l.index, ""), .step = 1};
        ChainTerm term = term_in_order(e, node, space, spot, k);
        chain = (Chain){{l.phi[0], width > 1 ? l.phi[1] : NULL}};
        chain = chain_step(e, node, chain, &term, false);
        loop_close(e, &l, index_const(e, terms - rest), ORDER_LANES, chain.v);
    }
    e->lanes = 1;
    memo_clear(e);
    for (int i = 0; i < rest; i++) {
        Index k = index_of(LLVMBuildAdd(e->b, begin, index_const(e, terms - rest + i), ""));
        ChainTerm term = term_of_k(e, node, space, spot, k);
        Value lane = constant_int(e, e->i32, i);
        Chain one = {{NULL, NULL}};
        for (int w = 0; w < width; w++)
            one.v[w] = LLVMBuildExtractElement(e->b, chain.v[w], lane, "");
        one = chain_step(e, node, one, &term, false);
        for (int w = 0; w < width; w++)
            chain.v[w] = LLVMBuildInsertElement(e->b, chain.v[w], one.v[w], lane, "");
    }
    return fold_vector(e, node, chain);
}

static Chain lanes_in_chunks(Emitter *e, const Node *node, const Space *space, const Spot *spot) {
    int64_t chunk = chunk_of(node), whole = space->terms / chunk, rest = space->terms % chunk;
    if (space->terms <= chunk)
        return lanes_along_k(e, node, space, spot, index_const(e, 0), space->terms);
    LoopBlocks l;
    int width = chain_width(node);
    Chain total = chain_start(e, node, 1);
    loop_open(e, &l, index_const(e, 0), total.v, width);
    Chain part = lanes_along_k(e, node, space, spot, l.index, chunk);
    total = (Chain){{l.phi[0], width > 1 ? l.phi[1] : NULL}};
    total = chain_join(e, node, total, part);
    loop_close(e, &l, index_const(e, whole * chunk), chunk, total.v);
    memo_clear(e);
    if (rest > 0)
        total = chain_join(e, node, total,
                           lanes_along_k(e, node, space, spot, index_const(e, whole * chunk), rest));
    return total;
}

static void lanes_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)tile, (void)vectors, (void)context;
    const Node *node = nest->reduce;
    Space space = space_of(node);
    Chain chain;
    if (space.terms == 0) {
        Tile t = {.node = node, .space = space};
        chain = chain_if_empty(e, &t, chain_start(e, node, e->lanes), e->lanes);
    } else if (space.terms <= 2 * ORDER_LANES && (e->lanes > 1 || space.terms <= ORDER_LANES)) {
        chain = lanes_unrolled(e, node, &space, spot, 0, (int)space.terms);
    } else if (e->lanes > 1) {
        chain = lanes_of_rows(e, node, &space, spot);
    } else {
        chain = lanes_in_chunks(e, node, &space, spot);
    }
    finish(e, nest, spot, chain);
}

/* ---- all of them -------------------------------------------------------------------------------------- */
static void start_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)tile, (void)vectors, (void)context;
    store_at(e, REGION_WORK, nest->reduce->dtype, buffer_base(e, nest->total), spot->axis[0],
             chain_start(e, nest->reduce, 1).v[nest->reduce->op == OP_ARGMAX ? 1 : 0]);
}

void reduce_start_carried(Emitter *e, const Nest *nest) {
    Nest all = {.kind = NEST_ELEMENTS, .space = {.rank = 1, .extent = {shape_size(nest->reduce->shape)}},
                .reduce = nest->reduce, .total = nest->total, .vectors = 1, .tile = 1, .tile_axis = -1};
    nest_loops(e, &all, start_body, NULL);
}

void emit_reduce(Emitter *e, const Nest *nest) {
    const Contraction *c = nest->reduce->attr.contraction;
    bool few = c->lanes > 1 && !(c->over_rows && e->f->block == 1);
    if (nest->carried && e->f->one_block)
        reduce_start_carried(e, nest);
    if (nest->carried) {
        if (few)
            nest_loops(e, nest, carried_few_body, NULL);
        else
            reduce_carried_tiles(e, nest);
    } else if (!few) {
        nest_loops(e, nest, tile_body, NULL);
    } else {
        nest_loops(e, nest, c->over_rows ? few_rows_body : lanes_body, NULL);
    }
}
