/* emit_few: sums over rows with few outputs, whose 16 lanes are rows (order law, 2 and 3).
 *
 * One pass over the rows serves all outputs of a nest, and all nests in a row that do not read each other's
 * results: their chains are independent, so that one is not waited for while the others go on. The rows past
 * the end of the last 16 are masked. Epilogues come after the pass, in the order of the nests.
 *
 * Where a block always lies in one chunk, a sum that crosses blocks is such a pass too, between loading and
 * storing its chains; otherwise each output of it walks the chunks by itself.
 */
#include "codegen/emit_reduce.h"

typedef struct Sum {
    const Nest *nest;
    Spot spot;
    Chain chain;
} Sum;
typedef struct Sums {
    Sum sum[MOST_SUMS];
    int count;
} Sums;

/* ---- 16 rows --------------------------------------------------------------------------------------- */
/* begin NULL: no lane is before it */
static LLVMValueRef row_mask(Emitter *e, LLVMValueRef from, LLVMValueRef begin, LLVMValueRef end) {
    Index lane = {.at = from, .step = 1};
    LLVMValueRef number = index_lanes(e, lane);
    LLVMValueRef high = splat(e, LLVMBuildTrunc(e->b, end, e->i32, ""), e->lanes);
    LLVMValueRef below = LLVMBuildICmp(e->b, LLVMIntSLT, number, high, "");
    if (begin == NULL) return below;
    LLVMValueRef low = splat(e, LLVMBuildTrunc(e->b, begin, e->i32, ""), e->lanes);
    return LLVMBuildAnd(e->b, LLVMBuildICmp(e->b, LLVMIntSGE, number, low, ""), below, "");
}

/* Adds the rows from .. from + 15 of the block to the 16 chains, where the mask says so. */
static Chain add_sixteen_rows(Emitter *e, const Nest *nest, const Spot *spot, LLVMValueRef from, LLVMValueRef mask,
                              Chain chain) {
    Tile t = {.nest = nest, .node = nest->reduce, .space = space_of(nest->reduce), .tile = 1, .vectors = 1, .count = 1};
    t.spot[0] = *spot;
    t.spot[0].row = (Index){.at = from, .step = 1};
    t.unroll = t.space.terms <= MOST_UNROLLED;
    Chain next = chain;
    Spot k = {0};
    bool first = false;
    e->nest = nest;
    tile_axes(e, &t, t.space.result, &k, &next, &first);
    next.v[0] = emit_select(e, mask, next.v[0], chain.v[0]);
    return next;
}

static void lanes_of_rows_begin(Emitter *e) {
    e->lanes = ORDER_LANES;
    e->lanes_are_rows = true;
}

static void lanes_of_rows_end(Emitter *e) {
    e->lanes = 1;
    e->lanes_are_rows = e->rows_may_leave = false;
}

/* ---- a pass ----------------------------------------------------------------------------------------- */
static void pass_sixteen(Emitter *e, Sums *p, LLVMValueRef from) {
    LLVMValueRef mask = row_mask(e, from, NULL, e->block_rows);
    for (int i = 0; i < p->count; i++)
        p->sum[i].chain = add_sixteen_rows(e, p->sum[i].nest, &p->sum[i].spot, from, mask, p->sum[i].chain);
}

static void pass_rows(Emitter *e, Sums *p) {
    lanes_of_rows_begin(e);
    if (e->f->block == ORDER_LANES) {
        pass_sixteen(e, p, index_const(e, 0));
    } else {
        LoopBlocks l;
        LLVMValueRef value[MOST_SUMS];
        for (int i = 0; i < p->count; i++) value[i] = p->sum[i].chain.v[0];
        loop_open(e, &l, index_const(e, 0), value, p->count);
        for (int i = 0; i < p->count; i++) p->sum[i].chain.v[0] = l.phi[i];
        pass_sixteen(e, p, l.index);
        for (int i = 0; i < p->count; i++) value[i] = p->sum[i].chain.v[0];
        loop_close(e, &l, e->block_rows, ORDER_LANES, value);
    }
    lanes_of_rows_end(e);
}

static bool fold_alike(const Node *a, const Node *b) { return a->op == b->op && a->dtype == b->dtype; }

/* Returns the first sums as one vector. */
static LLVMValueRef fold_all(Emitter *e, Sums *p) {
    LLVMValueRef first = NULL;
    for (int i = 0; i < p->count;) {
        const Node *node = p->sum[i].nest->reduce;
        Chain chain[MOST_FOLDED];
        int count = 0;
        while (i + count < p->count && count < MOST_FOLDED && fold_alike(node, p->sum[i + count].nest->reduce)) {
            chain[count] = p->sum[i + count].chain;
            count++;
        }
        LLVMValueRef folded = fold_vectors(e, node, chain, count);
        if (i == 0) first = folded;
        for (int k = 0; k < count; k++) p->sum[i + k].chain = chain[k];
        i += count;
    }
    return first;
}

/* Sums that update their cells together are done with when the last of them is. */
static void finish_all(Emitter *e, Sums *p, LLVMValueRef first) {
    for (int i = 0; i < p->count; i++) {
        const Nest *nest = e->nest = p->sum[i].nest;
        if (!updates_has(e, nest))
            finish(e, nest, &p->sum[i].spot, p->sum[i].chain);
        else if (updates_last(e, nest) && (i + 1 == p->count || p->sum[i + 1].nest != nest))
            updates_do(e, first);
    }
}

static void pass_to_end(Emitter *e, Sums *p) {
    for (int i = 0; i < p->count; i++) p->sum[i].chain = chain_start(e, p->sum[i].nest->reduce, ORDER_LANES);
    pass_rows(e, p);
    finish_all(e, p, fold_all(e, p));
}

static Index chain_place(Emitter *e, const Sum *s) {
    Index at = index_scale(e, total_index(e, s->nest, &s->spot), ORDER_LANES);
    at.step = 1;
    return at;
}

static void pass_carried(Emitter *e, Sums *p) {
    int64_t chunk = chunk_of(p->sum[0].nest->reduce);
    LLVMValueRef in_chunk = LLVMBuildURem(e->b, e->block_begin, index_const(e, chunk), "");
    LLVMValueRef fresh = LLVMBuildICmp(e->b, LLVMIntEQ, in_chunk, index_const(e, 0), "");
    for (int i = 0; i < p->count; i++) start_total_of_batch(e, p->sum[i].nest, &p->sum[i].spot);
    lanes_of_rows_begin(e);
    for (int i = 0; i < p->count; i++) {
        const Node *node = p->sum[i].nest->reduce;
        LLVMValueRef open = load_at(e, REGION_WORK, node->dtype, buffer_base(e, p->sum[i].nest->chain),
                                    chain_place(e, &p->sum[i]));
        p->sum[i].chain.v[0] = emit_select(e, fresh, chain_start(e, node, ORDER_LANES).v[0], open);
    }
    pass_rows(e, p);
    lanes_of_rows_begin(e);
    for (int i = 0; i < p->count; i++)
        store_at(e, REGION_WORK, p->sum[i].nest->reduce->dtype, buffer_base(e, p->sum[i].nest->chain),
                 chain_place(e, &p->sum[i]), p->sum[i].chain.v[0]);
    lanes_of_rows_end(e);
    LLVMValueRef chunk_begin = LLVMBuildSub(e->b, e->block_begin, in_chunk, "");
    LLVMValueRef chunk_end = LLVMBuildAdd(e->b, chunk_begin, index_const(e, chunk), "");
    LLVMValueRef end = LLVMBuildAdd(e->b, e->block_begin, e->block_rows, "");
    LLVMBasicBlockRef after = if_open(e, chunk_closes(e, chunk_end, end));
    for (int i = 0; i < p->count; i++)
        fold_into_total(e, p->sum[i].nest, total_index(e, p->sum[i].nest, &p->sum[i].spot),
                        fold_vector(e, p->sum[i].nest->reduce, p->sum[i].chain).v[0]);
    if_close(e, after);
}

/* ---- chunk by chunk --------------------------------------------------------------------------------- */
static void chunks_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)tile, (void)vectors, (void)context;
    const Node *node = nest->reduce;
    int64_t chunk = chunk_of(node);
    LoopBlocks chunks, groups;
    LLVMValueRef end, base = buffer_base(e, nest->chain);
    Sum sum = {.nest = nest, .spot = *spot};
    Index chain_at = chain_place(e, &sum);
    start_total_of_batch(e, nest, spot);
    open_chunks(e, &chunks, chunk, &end);
    LLVMValueRef begin = chunks.index, chunk_end = LLVMBuildAdd(e->b, begin, index_const(e, chunk), "");
    LLVMValueRef stop = smaller(e, chunk_end, end);
    LLVMValueRef behind = LLVMBuildSub(e->b, e->block_begin, begin, ""); /* negative: the chunk begins in the block */
    LLVMValueRef fresh = LLVMBuildICmp(e->b, LLVMIntSLE, behind, index_const(e, 0), "");
    LLVMValueRef skipped = LLVMBuildAnd(e->b, behind, index_const(e, -ORDER_LANES), "");
    LLVMValueRef group = LLVMBuildSelect(e->b, fresh, begin, LLVMBuildAdd(e->b, begin, skipped, ""), "");
    lanes_of_rows_begin(e);
    e->rows_may_leave = chunk % ORDER_LANES != 0;
    Chain chain = {{load_at(e, REGION_WORK, node->dtype, base, chain_at)}};
    chain.v[0] = emit_select(e, fresh, chain_start(e, node, ORDER_LANES).v[0], chain.v[0]);
    loop_open(e, &groups, group, chain.v, 1);
    LLVMValueRef from = LLVMBuildSub(e->b, groups.index, e->block_begin, "");
    LLVMValueRef mask = row_mask(e, from, index_const(e, 0), LLVMBuildSub(e->b, stop, e->block_begin, ""));
    Chain inner = {{groups.phi[0]}};
    chain = add_sixteen_rows(e, nest, spot, from, mask, inner);
    loop_close(e, &groups, stop, ORDER_LANES, chain.v);
    store_at(e, REGION_WORK, node->dtype, base, chain_at, chain.v[0]);
    LLVMBasicBlockRef after = if_open(e, chunk_closes(e, chunk_end, end));
    LLVMValueRef folded = fold_vector(e, node, chain).v[0];
    lanes_of_rows_end(e);
    fold_into_total(e, nest, total_index(e, nest, spot), folded);
    if_close(e, after);
    loop_close(e, &chunks, end, chunk, NULL);
}

/* ---- all of them --------------------------------------------------------------------------------------- */
static void run_pass(Emitter *e, Sums *p) {
    if (p->count > 0 && p->sum[0].nest->carried)
        pass_carried(e, p);
    else if (p->count > 0)
        pass_to_end(e, p);
    p->count = 0;
}

static void add_outputs(Emitter *e, Sums *p, const Nest *nest, Spot *spot, int axis, int most) {
    if (axis == nest->space.rank) {
        if (p->count == most) run_pass(e, p);
        p->sum[p->count++] = (Sum){.nest = nest, .spot = *spot};
        return;
    }
    for (int64_t i = 0; i < nest->space.extent[axis]; i++) {
        spot->axis[axis] = index_at(e, i);
        add_outputs(e, p, nest, spot, axis + 1, most);
    }
}

void emit_few(Emitter *e, const Nest *const *nests, int count) {
    if (!few_in_one_chunk(e, nests[0])) {
        nest_loops(e, nests[0], chunks_body, NULL);
        return;
    }
    Sums *p = arena_new_of(e->arena, Sums);
    for (int i = 0; i < count; i++) {
        Spot spot = {.row = index_at(e, 0)};
        bool apart = few_terms(nests[i]) > MOST_UNROLLED; /* loops over k: one after the other */
        add_outputs(e, p, nests[i], &spot, 0, apart ? 1 : few_most_sums(e, nests[i]));
    }
    run_pass(e, p);
    memo_clear(e);
    e->nest = NULL;
}
