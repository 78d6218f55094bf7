/* emit_reduce: the order law in code (docs/numerics.md): chains, lanes, trees, chunks.
 *
 * A reduction with one chain per output is a register tile (emit_tile.c), in blocks where it is large
 * (emit_contraction.c). Few outputs have 16 lanes instead: lane k mod 16, or the place in the chunk mod 16 where
 * rows are summed, so a vector of 16 is the lanes themselves; or, per row, 16 accumulators of vectors of rows.
 *
 * A sum over the batch whose chain crosses blocks or chunks is carried through memory: `chain` holds the open
 * chunk, `total` the fold of those closed, which the first one starts. Storing and loading an accumulator changes no
 * bit. Chains and totals of an output belong to the thread that has the output.
 */
#include "codegen/emit_reduce.h"
#include <string.h>

/* The epilogue: stores of the nest, with the chain's result in a register. */
void finish(Emitter *e, const Nest *nest, const Spot *spot, Chain chain) {
    memo_clear(e);
    e->reduced = chain.v[nest->reduce->op == OP_ARGMAX ? 1 : 0];
    e->largest = chain.v[0];
    emit_stores(e, nest, spot);
    e->reduced = NULL;
}

static Chain chain_part(Emitter *e, const Node *node, Chain chain, int begin, int lanes) {
    LLVMValueRef mask[64];
    for (int l = 0; l < lanes; l++)
        mask[l] = constant_int(e, e->i32, begin + l);
    for (int i = 0; i < chain_width(node); i++) {
        LLVMValueRef v = chain.v[i];
        chain.v[i] = lanes == 1 ? LLVMBuildExtractElement(e->b, v, mask[0], "")
                                : LLVMBuildShuffleVector(e->b, v, LLVMGetPoison(LLVMTypeOf(v)),
                                                         LLVMConstVector(mask, (unsigned)lanes), "");
    }
    return chain;
}

/* Where only the first lanes exist, in the vectors that they make up. */
void finish_valid(Emitter *e, const Nest *nest, const Spot *spot, Chain chain, FinishBody *body) {
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

/* Rows of vectors of sums, those along `axis` (-1: one row) step places apart. Their epilogue is written out for each or,
 * where that is dear, in a loop, for which the sums wait on the stack: in a few lines of the first-level cache, not in a
 * buffer of all outputs. */
void finish_tile(Emitter *e, const Nest *nest, const Spot *spot, const Chain *chain, int tile, int vectors, int axis,
                 int64_t step) {
    int count = tile * vectors;
    if (!nest->dear || chain_width(nest->reduce) > 1 || count < 3 || e->valid_lanes > 0) {
        for (int i = 0; i < count; i++)
            finish_valid(e, nest, &spot[i], chain[i], finish);
        return;
    }
    int lanes = e->lanes;
    LLVMTypeRef type = LLVMTypeOf(splat(e, chain[0].v[0], lanes));
    LLVMValueRef sums = emit_alloca(e, LLVMArrayType2(type, (uint64_t)count));
    for (int i = 0; i < count; i++) {
        LLVMValueRef at = index_const(e, i);
        LLVMBuildStore(e->b, splat(e, chain[i].v[0], lanes), LLVMBuildInBoundsGEP2(e->b, type, sums, &at, 1, ""));
    }
    LoopBlocks places, parts;
    Spot here = spot[0];
    loop_open(e, &places, index_const(e, 0), NULL, 0);
    if (axis >= 0)
        here.axis[axis] = index_add(e, here.axis[axis], index_scale(e, index_of(places.index), step));
    loop_open(e, &parts, index_const(e, 0), NULL, 0);
    Index moved = index_scale(e, index_of(parts.index), lanes);
    if (nest->lanes == LANES_ROWS)
        here.row = index_add(e, here.row, moved);
    else if (nest->lanes >= 0)
        here.axis[nest->lanes] = index_add(e, here.axis[nest->lanes], moved);
    LLVMValueRef at = LLVMBuildAdd(e->b, LLVMBuildMul(e->b, places.index, index_const(e, vectors), ""), parts.index, "");
    LLVMValueRef sum = LLVMBuildLoad2(e->b, type, LLVMBuildInBoundsGEP2(e->b, type, sums, &at, 1, ""), "");
    finish(e, nest, &here, (Chain){{sum}});
    loop_close(e, &parts, index_const(e, vectors), 1, NULL);
    loop_close(e, &places, index_const(e, tile), 1, NULL);
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
        chain[i] = chain_if_empty(e, &t, chain[i], e->lanes);
    finish_tile(e, nest, t.spot, chain, tile, vectors, nest->tile_axis, 1);
}

/* ---- carried chains -------------------------------------------------------------------------------- */
/* Of a chunk: its rows in the block; does it begin, end there; is it the first of the mini-batch, and begins. */
typedef struct ChunkPart { LLVMValueRef row_begin, row_end, fresh, closes, first; } ChunkPart;

Index total_index(Emitter *e, const Nest *nest, const Spot *spot) {
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

void fold_into_total(Emitter *e, const Nest *nest, Index at, LLVMValueRef v) {
    const Node *node = nest->reduce;
    LLVMValueRef base = buffer_base(e, nest->total);
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

static void start_total(Emitter *e, const Nest *nest, const Spot *spot, Chain chain) {
    store_at(e, REGION_WORK, nest->reduce->dtype, buffer_base(e, nest->total), total_index(e, nest, spot),
             chain.v[nest->reduce->op == OP_ARGMAX ? 1 : 0]);
}

/* Few outputs: in the first block. */
void start_total_of_batch(Emitter *e, const Nest *nest, const Spot *spot) {
    LLVMBasicBlockRef after = if_open(e, LLVMBuildICmp(e->b, LLVMIntEQ, e->block_begin, index_const(e, 0), ""));
    start_total(e, nest, spot, chain_start(e, nest->reduce, 1));
    if_close(e, after);
}

static void keep_total(Emitter *e, const Nest *nest, const Spot *spot, Chain chain) {
    fold_into_total(e, nest, total_index(e, nest, spot), chain.v[0]);
}

static void carried_tile_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors,
                              void *context) {
    const ChunkPart *carry = context;
    Tile t = tile_new(e, nest, spot, tile, vectors);
    Chain chain[MOST_CHAINS];
    LLVMValueRef base = buffer_base(e, nest->chain);
    t.row_begin = carry->row_begin;
    t.row_end = carry->row_end;
    DType type = term_type(t.node);
    bool argmax = t.node->op == OP_ARGMAX;
    LLVMBasicBlockRef started = if_open(e, carry->first);
    for (int i = 0; i < t.count; i++)
        finish_valid(e, nest, &t.spot[i], chain_start(e, t.node, e->lanes), start_total);
    if_close(e, started);
    for (int i = 0; i < t.count; i++) {
        Chain start = chain_start(e, t.node, e->lanes);
        LLVMValueRef open = load_at(e, REGION_WORK, type, base, chain_index(e, nest, &t.spot[i]));
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

int64_t chunk_of(const Node *node) {
    int64_t chunk = node->attr.contraction->chunk;
    return chunk > 0 ? chunk : (int64_t)1 << 40;
}

void open_chunks(Emitter *e, LoopBlocks *l, int64_t chunk, LLVMValueRef *end) {
    LLVMValueRef whole = LLVMBuildUDiv(e->b, e->block_begin, index_const(e, chunk), "");
    *end = LLVMBuildAdd(e->b, e->block_begin, e->block_rows, "");
    loop_open(e, l, LLVMBuildMul(e->b, whole, index_const(e, chunk), ""), NULL, 0);
}

LLVMValueRef chunk_closes(Emitter *e, LLVMValueRef chunk_end, LLVMValueRef end) {
    LLVMValueRef full = LLVMBuildICmp(e->b, LLVMIntSLE, chunk_end, end, "");
    return LLVMBuildOr(e->b, full, LLVMBuildICmp(e->b, LLVMIntEQ, end, e->total_rows, ""), "");
}

static void reduce_carried_tiles(Emitter *e, const Nest *nest) {
    int64_t chunk = chunk_of(nest->reduce);
    LoopBlocks l;
    LLVMValueRef end;
    open_chunks(e, &l, chunk, &end);
    LLVMValueRef chunk_end = LLVMBuildAdd(e->b, l.index, index_const(e, chunk), "");
    LLVMValueRef begin = LLVMBuildSelect(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, l.index, e->block_begin, ""),
                                  e->block_begin, l.index, "");
    ChunkPart carry = {.row_begin = LLVMBuildSub(e->b, begin, e->block_begin, ""),
                   .row_end = LLVMBuildSub(e->b, smaller(e, chunk_end, end), e->block_begin, ""),
                   .fresh = LLVMBuildICmp(e->b, LLVMIntEQ, begin, l.index, ""),
                   .closes = chunk_closes(e, chunk_end, end),
                   .first = LLVMBuildICmp(e->b, LLVMIntEQ, begin, index_const(e, 0), "")};
    nest_loops(e, nest, carried_tile_body, &carry);
    loop_close(e, &l, end, chunk, NULL);
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
    LLVMValueRef carried[ORDER_LANES * 2];
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
static Chain lanes_along_k(Emitter *e, const Node *node, const Space *space, const Spot *spot, LLVMValueRef begin,
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
        LLVMValueRef lane = constant_int(e, e->i32, i);
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
void emit_reduce(Emitter *e, const Nest *nest) {
    const Contraction *c = nest->reduce->attr.contraction;
    bool few = c->lanes > 1 && !(c->over_rows && e->f->block == 1);
    if (nest->blocks != NULL) {
        emit_contraction(e, nest);
        return;
    }
    if (nest->carried) {
        if (few && sums_have_rows_of_their_own(e->f, nest))
            nest_loops(e, nest, nest->sums_grouped != NULL ? grouped_sums_body : row_sums_body, NULL);
        else if (few)
            emit_few(e, &nest, 1);
        else
            reduce_carried_tiles(e, nest);
    } else if (!few) {
        nest_loops(e, nest, tile_body, NULL);
    } else if (c->over_rows) {
        emit_few(e, &nest, 1);
    } else {
        nest_loops(e, nest, lanes_body, NULL);
    }
}
