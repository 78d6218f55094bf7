/* emit_row_sums: few outputs summed over rows in chunks of at most 16 rows (order law 3): a row is a lane of
 * its chunk and so a chain of its own. The chains of a block's rows are computed side by side, rows along the
 * vectors and several vectors at a time, since each chain waits for itself; then chunk after chunk is folded. Threads
 * take rows of a single output: when all have come so far, the first one folds.
 */
#include "codegen/emit_reduce.h"

/* The chains of `vectors` times 16 rows from `from` on, kept in memory. */
static void chains_of_rows(Emitter *e, const Nest *nest, const Spot *spot, LLVMValueRef from, int vectors, Index at) {
    Tile t = {.nest = nest,
              .node = nest->reduce,
              .space = space_of(nest->reduce),
              .tile = 1,
              .vectors = vectors,
              .count = vectors};
    Chain chain[MOST_SUMMED_AT_ONCE / ORDER_LANES];
    for (int j = 0; j < vectors; j++) {
        t.spot[j] = *spot;
        t.spot[j].row = (Index){.at = LLVMBuildAdd(e->b, from, index_const(e, j * ORDER_LANES), ""), .step = 1};
        chain[j] = chain_start(e, t.node, ORDER_LANES);
    }
    for (int s = 0; s < t.node->sources; s++) t.by_vector[s] = t.node->source[s]->rows != 0;
    t.unroll = t.space.terms * vectors <= MOST_UNROLLED;
    Spot k = {0};
    bool first = false;
    tile_axes(e, &t, t.space.result, &k, chain, &first);
    for (int j = 0; j < vectors; j++)
        store_at(e, REGION_WORK, t.node->dtype, buffer_base(e, nest->chain), index_add(e, at, t.spot[j].row),
                 chain[j].v[0]);
}

/* ---- rows that are turned ----------------------------------------------------------------------------- */
typedef struct Turning {
    const Nest *nest;
    Space space;
    LLVMValueRef from;
    Spot spot;
} Turning;

/* A square: 16 places of the last axis, of 16 rows. */
static void square_terms(Emitter *e, Turning *t, LLVMValueRef *chain) {
    const Node *node = t->nest->reduce;
    ChainTerm term[ORDER_LANES] = {0};
    LLVMValueRef x[2][ORDER_LANES];
    memo_clear(e);
    for (int i = 0; i < ORDER_LANES; i++) {
        t->spot.row = index_of(LLVMBuildAdd(e->b, t->from, index_const(e, i), ""));
        ChainTerm of_row = term_at(e, node, &t->space, &t->spot);
        for (int s = 0; s < node->sources; s++) x[s][i] = splat(e, of_row.x[s], ORDER_LANES);
    }
    for (int s = 0; s < node->sources; s++) {
        turn_square(e, x[s], ORDER_LANES);
        for (int i = 0; i < ORDER_LANES; i++) term[i].x[s] = x[s][i];
    }
    for (int i = 0; i < ORDER_LANES; i++) *chain = chain_step(e, node, (Chain){{*chain}}, &term[i], false).v[0];
    memo_clear(e);
}

static void square_axes(Emitter *e, Turning *t, int axis, LLVMValueRef *chain) {
    bool last = axis == t->space.axes - 1;
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), chain, 1);
    *chain = l.phi[0];
    t->spot.axis[axis] = (Index){.at = l.index, .step = last};
    if (last)
        square_terms(e, t, chain);
    else
        square_axes(e, t, axis + 1, chain);
    loop_close(e, &l, index_const(e, t->space.extent[axis]), last ? ORDER_LANES : 1, chain);
}

static void turned_chains_of_rows(Emitter *e, const Nest *nest, const Spot *spot, LLVMValueRef from, Index at) {
    Turning t = {.nest = nest, .space = space_of(nest->reduce), .from = from, .spot = *spot};
    LLVMValueRef chain = chain_start(e, nest->reduce, ORDER_LANES).v[0];
    e->lanes_are_rows = false;
    square_axes(e, &t, t.space.result, &chain);
    e->lanes_are_rows = true;
    store_at(e, REGION_WORK, nest->reduce->dtype, buffer_base(e, nest->chain),
             index_add(e, at, (Index){.at = from, .step = 1}), chain);
}

/* ---- chunks ----------------------------------------------------------------------------------------------- */
/* Of a chunk's rows the chains, of missing rows what a lane without terms is. */
static LLVMValueRef lanes_of_chunk(Emitter *e, const Nest *nest, LLVMValueRef begin, LLVMValueRef end, Index at) {
    Index row = {.at = begin, .step = 1};
    LLVMValueRef v = load_at(e, REGION_WORK, nest->reduce->dtype, buffer_base(e, nest->chain), index_add(e, at, row));
    LLVMValueRef limit = splat(e, LLVMBuildTrunc(e->b, end, e->i32, ""), ORDER_LANES);
    LLVMValueRef there = LLVMBuildICmp(e->b, LLVMIntSLT, index_lanes(e, row), limit, "");
    return emit_select(e, there, v, chain_start(e, nest->reduce, ORDER_LANES).v[0]);
}

void row_sums_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)tile, (void)vectors, (void)context;
    int64_t chunk = nest->reduce->attr.contraction->chunk, together = rows_summed_at_once(e->f, nest);
    Index total_at = total_index(e, nest, spot), at = index_scale(e, total_at, e->f->block);
    bool shared = e->shared && nest->split == SPLIT_ROWS;
    e->lanes = ORDER_LANES;
    e->lanes_are_rows = true;
    LoopBlocks rows, chunks;
    Part part = thread_part(e, nest, SPLIT_ROWS, e->block_rows, together, -1);
    Bounds bounds = bounds_open(e, part, index_const(e, 0), e->block_rows);
    loop_open(e, &rows, bounds.begin, NULL, 0);
    if (nest->rows_turned)
        turned_chains_of_rows(e, nest, spot, rows.index, at);
    else
        chains_of_rows(e, nest, spot, rows.index, (int)(together / ORDER_LANES), at);
    loop_close(e, &rows, bounds.end, together, NULL);
    bounds_close(e, &bounds);
    if (shared) thread_meet(e);
    LLVMBasicBlockRef after = shared ? thread_first_open(e) : NULL;
    start_total_of_batch(e, nest, spot);
    loop_open(e, &chunks, index_const(e, 0), NULL, 0);
    LLVMValueRef stop = LLVMBuildAdd(e->b, chunks.index, index_const(e, chunk), "");
    Chain lanes = {{lanes_of_chunk(e, nest, chunks.index, smaller(e, stop, e->block_rows), at)}};
    LLVMValueRef folded = fold_vector(e, nest->reduce, lanes).v[0];
    e->lanes = 1;
    e->lanes_are_rows = false;
    fold_into_total(e, nest, total_at, folded);
    loop_close(e, &chunks, e->block_rows, chunk, NULL);
    thread_first_close(e, after);
}
