/* emit_term: one term of a reduction: where it is in the index space and in packed panels, and what its operands are there.
 */
#include "codegen/emit_reduce.h"

LLVMValueRef operand_at(Emitter *e, const Node *node, const Space *space, int operand, const Spot *spot,
                        LLVMValueRef *ok) {
    const Contraction *c = node->attr.contraction;
    Node *source = node->source[operand];
    Spot s = spot_through(e, &c->access[operand], spot, space->extent, space->axes, source->shape, spot->row,
                          space->peeled[operand], ok);
    return value_at(e, source, &s);
}

LLVMValueRef flat_term(Emitter *e, const Node *node, const Space *space, const Spot *spot) {
    if (node->op != OP_ARGMAX) return NULL;
    Index k = index_at(e, 0);
    Shape reduced = {.rank = 0};
    for (int a = space->result; a < space->axes; a++) reduced.extent[reduced.rank++] = space->extent[a];
    for (int a = 0; a < reduced.rank; a++)
        k = index_add(e, k, index_scale(e, spot->axis[space->result + a], row_major_stride(reduced, a)));
    if (node->attr.contraction->over_rows)
        k = index_add(e, k,
                      index_scale(e, index_add(e, index_of(e->block_begin), index_of(spot->row.at)), space->terms));
    return index_uniform(k) ? LLVMBuildTrunc(e->b, k.at, e->i32, "") : index_lanes(e, k);
}

ChainTerm term_at(Emitter *e, const Node *node, const Space *space, const Spot *spot) {
    ChainTerm t = {.ok = NULL, .index = flat_term(e, node, space, spot)};
    for (int s = 0; s < node->sources; s++) t.x[s] = operand_at(e, node, space, s, spot, &t.ok);
    return t;
}

Spot spot_of_term(const Tile *t, const Spot *k, int chain) {
    Spot spot = t->spot[chain];
    for (int a = t->space.result; a < t->space.axes; a++) spot.axis[a] = k->axis[a];
    if (t->row_begin != NULL) spot.row = k->row;
    return spot;
}

Index *innermost_term(const Tile *t, Spot *k) {
    return t->space.axes == t->space.result ? &k->row : &k->axis[t->space.axes - 1];
}

Index *lanes_of(const Tile *t, Spot *spot) {
    return t->nest->lanes == LANES_ROWS ? &spot->row : &spot->axis[t->nest->lanes];
}

/* How many places of k lie before k in the block. */
Index place_of_term(Emitter *e, const Tile *t, const Spot *k) {
    const Block *b = t->block;
    Index at = index_at(e, 0);
    for (int a = t->space.result; a < t->space.axes; a++) {
        Index place = index_of(k->axis[a].at);
        if (b->begin[a] != NULL) place = index_subtract(e, place, index_of(b->begin[a]));
        at = index_add(e, at, index_scale(e, place, b->stride[a]));
    }
    if (t->row_begin != NULL)
        at = index_add(e, at,
                       index_scale(e, index_subtract(e, index_of(k->row.at), index_of(b->row_begin)), b->row_stride));
    return at;
}

/* What is only loaded is put together of parts of 128 bits, which is half of the turning; what is computed, is so in whole
 * vectors. */
int part_of_square(const Emitter *e, const Tile *t, int operand) {
    const Node *source = t->node->source[operand];
    int part = 16 / (int)dtype_bytes(t->node->dtype);
    bool loaded = node_is_memory(source) || node_is_stored(e->f, source);
    return loaded && part < e->lanes ? part : e->lanes;
}

LLVMValueRef parts_of_square(Emitter *e, const Tile *t, int operand, const Spot *spot, LLVMValueRef first, int i,
                             int group, int part) {
    int lanes = e->lanes;
    LLVMValueRef v[ORDER_LANES];
    Spot at = *spot;
    *innermost_term(t, &at) = index_offset(e, *innermost_term(t, &at), group);
    innermost_term(t, &at)->step = 1;
    e->lanes = part;
    for (int p = 0; p < lanes / part; p++) {
        *lanes_of(t, &at) = index_offset(e, index_of(first), i + p * part);
        memo_clear(e);
        v[p] = splat(e, operand_at(e, t->node, &t->space, operand, &at, &(LLVMValueRef){NULL}), part);
    }
    e->lanes = lanes;
    return joined(e, v, lanes / part);
}
