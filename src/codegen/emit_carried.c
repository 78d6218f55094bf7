/* emit_carried: sums over the batch whose chains cross blocks or chunks.
 *
 * They are carried through memory: `chain` holds the open chunk, `total` the fold of those closed, which the first one
 * starts. Storing and loading an accumulator changes no bit. Chains and totals of an output belong to the thread that
 * has the output.
 */
#include "codegen/emit_reduce.h"

/* Of a chunk: its rows in the block; does it begin, end there; is it the first of the mini-batch, and begins. */
typedef struct ChunkPart {
    LLVMValueRef row_begin, row_end, fresh, closes, first;
} ChunkPart;

Index total_index(Emitter *e, const Nest *nest, const Spot *spot) { return spot_linear(e, spot, nest->reduce->shape); }

/* In `chain` the axis of the lanes lies innermost: nobody else reads it. */
static Index chain_index(Emitter *e, const Nest *nest, const Spot *spot) {
    Shape shape = nest->reduce->shape;
    if (nest->lanes < 0) return spot_linear(e, spot, shape);
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
        store_at(e, REGION_WORK, DTYPE_I32, buffer_base(e, nest->total), total_index(e, nest, spot), chain.v[1]);
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

static void carried_tile_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    const ChunkPart *carry = context;
    Tile t = tile_new(e, nest, spot, tile, vectors);
    Chain chain[MOST_CHAINS];
    LLVMValueRef base = buffer_base(e, nest->chain);
    t.row_begin = carry->row_begin;
    t.row_end = carry->row_end;
    DType type = term_type(t.node);
    bool argmax = t.node->op == OP_ARGMAX;
    LLVMBasicBlockRef started = if_open(e, carry->first);
    for (int i = 0; i < t.count; i++) finish_valid(e, nest, &t.spot[i], chain_start(e, t.node, e->lanes), start_total);
    if_close(e, started);
    for (int i = 0; i < t.count; i++) {
        Chain start = chain_start(e, t.node, e->lanes);
        LLVMValueRef open = load_at(e, REGION_WORK, type, base, chain_index(e, nest, &t.spot[i]));
        chain[i].v[0] = emit_select(e, carry->fresh, start.v[0], open);
        if (argmax) /* its index waits in the total, of which there is one chunk */
            chain[i].v[1] = load_at(e, REGION_WORK, DTYPE_I32, buffer_base(e, nest->total),
                                    total_index(e, nest, &t.spot[i]));
    }
    if (t.space.terms > 0) tile_rows(e, &t, chain);
    for (int i = 0; i < t.count; i++) finish_valid(e, nest, &t.spot[i], chain[i], keep_chain);
    if (argmax) return;
    LLVMBasicBlockRef after = if_open(e, carry->closes);
    for (int i = 0; i < t.count; i++) finish_valid(e, nest, &t.spot[i], chain[i], keep_total);
    if_close(e, after);
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

void reduce_carried_tiles(Emitter *e, const Nest *nest) {
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
