/* emit_reduce: the order law in code (docs/numerics.md): chains, lanes, trees, chunks.
 *
 * A reduction with one chain per output is a register tile (emit_tile.c), in blocks where it is large
 * (emit_contraction.c). Few outputs have 16 lanes instead: lane k mod 16, or the place in the chunk mod 16 where
 * rows are summed, so a vector of 16 is the lanes themselves; or, per row, 16 accumulators of vectors of rows.
 */
#include "codegen/emit_reduce.h"

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
    for (int i = 0; i < t.count; i++) chain[i] = chain_start(e, t.node, e->lanes);
    if (t.space.terms > 0) tile_rows(e, &t, chain);
    for (int i = 0; i < t.count; i++) chain[i] = chain_if_empty(e, &t, chain[i], e->lanes);
    finish_tile(e, nest, t.spot, chain, tile, vectors, nest->tile_axis, 1);
}

/* ---- few outputs, 16 lanes of k ---------------------------------------------------------------------- */
static Shape reduced_shape(const Space *space) {
    Shape s = {.rank = space->axes - space->result};
    for (int a = 0; a < s.rank; a++) s.extent[a] = space->extent[space->result + a];
    return s;
}

static ChainTerm term_of_k(Emitter *e, const Node *node, const Space *space, const Spot *spot, Index k) {
    Shape shape = reduced_shape(space);
    Spot full = *spot;
    Spot places = spot_of_linear(e, k, shape, spot->row);
    for (int a = 0; a < shape.rank; a++) full.axis[space->result + a] = places.axis[a];
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
        for (int w = 0; w < width; w++) carried[i * width + w] = lane[i].v[w];
    }
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), carried, ORDER_LANES * width);
    memo_clear(e);
    for (int i = 0; i < ORDER_LANES; i++) {
        for (int w = 0; w < width; w++) lane[i].v[w] = l.phi[i * width + w];
        Index k = index_of(LLVMBuildAdd(e->b, l.index, index_const(e, i), ""));
        ChainTerm term = term_of_k(e, node, space, spot, k);
        lane[i] = chain_step(e, node, lane[i], &term, false);
        for (int w = 0; w < width; w++) carried[i * width + w] = lane[i].v[w];
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
    if (access->rank != space->axes - space->result) return false;
    for (int a = 0; a < access->rank; a++) {
        const AxisMap *map = &access->axis[a];
        if (map->offset != 0 || map->divisor != 1 || source.extent[a] != space->extent[space->result + a]) return false;
        for (int k = 0; k < space->axes; k++)
            if (map->coef[k] != (k == space->result + a)) return false;
    }
    return true;
}

static ChainTerm term_in_order(Emitter *e, const Node *node, const Space *space, const Spot *spot, Index k) {
    bool in_order = node->op != OP_ARGMAX;
    for (int s = 0; s < node->sources; s++) in_order = in_order && is_read_in_order(node, space, s);
    if (!in_order) return term_of_k(e, node, space, spot, k);
    ChainTerm t = {.ok = NULL};
    for (int s = 0; s < node->sources; s++) t.x[s] = value_flat(e, node->source[s], k, spot->row);
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
        for (int w = 0; w < width; w++) one.v[w] = LLVMBuildExtractElement(e->b, chain.v[w], lane, "");
        one = chain_step(e, node, one, &term, false);
        for (int w = 0; w < width; w++) chain.v[w] = LLVMBuildInsertElement(e->b, chain.v[w], one.v[w], lane, "");
    }
    return fold_vector(e, node, chain);
}

static Chain lanes_in_chunks(Emitter *e, const Node *node, const Space *space, const Spot *spot) {
    int64_t chunk = chunk_of(node), whole = space->terms / chunk, rest = space->terms % chunk;
    if (space->terms <= chunk) return lanes_along_k(e, node, space, spot, index_const(e, 0), space->terms);
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
        total = chain_join(e, node, total, lanes_along_k(e, node, space, spot, index_const(e, whole * chunk), rest));
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
