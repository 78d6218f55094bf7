/* emit_finish: the epilogue of a reduction: stores, with the chain's result in a register. */
#include "codegen/emit_reduce.h"

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
    for (int l = 0; l < lanes; l++) mask[l] = constant_int(e, e->i32, begin + l);
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
        if (valid - begin < narrow) continue;
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
        for (int i = 0; i < count; i++) finish_valid(e, nest, &spot[i], chain[i], finish);
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
    if (axis >= 0) here.axis[axis] = index_add(e, here.axis[axis], index_scale(e, index_of(places.index), step));
    loop_open(e, &parts, index_const(e, 0), NULL, 0);
    Index moved = index_scale(e, index_of(parts.index), lanes);
    if (nest->lanes == LANES_ROWS)
        here.row = index_add(e, here.row, moved);
    else if (nest->lanes >= 0)
        here.axis[nest->lanes] = index_add(e, here.axis[nest->lanes], moved);
    LLVMValueRef at = LLVMBuildAdd(e->b, LLVMBuildMul(e->b, places.index, index_const(e, vectors), ""), parts.index,
                                   "");
    LLVMValueRef sum = LLVMBuildLoad2(e->b, type, LLVMBuildInBoundsGEP2(e->b, type, sums, &at, 1, ""), "");
    finish(e, nest, &here, (Chain){{sum}});
    loop_close(e, &parts, index_const(e, vectors), 1, NULL);
    loop_close(e, &places, index_const(e, tile), 1, NULL);
}
