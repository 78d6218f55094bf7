/* emit_updates_value: the cells that one pass updates (emit_updates.c), computed as one vector. */
#include "codegen/emit_reduce.h"

static LLVMValueRef value_together(Emitter *e, const Nest *nest, Node *node, LLVMValueRef sums, LLVMValueRef cells) {
    node = updates_number(node);
    if (node == nest->reduce) return sums;
    if (updates_own_cell(node, updates_store(e, nest))) return cells;
    if (!updates_computes(e, node)) {
        Spot nowhere = {.row = index_at(e, 0)};
        for (int a = 0; a < MOST_RANK; a++) nowhere.axis[a] = index_at(e, 0);
        return value_at(e, node, &nowhere);
    }
    LLVMValueRef x[3] = {NULL};
    for (int s = 0; s < node->sources; s++) x[s] = value_together(e, nest, node->source[s], sums, cells);
    return emit_element(e, node, x);
}

void updates_do(Emitter *e, LLVMValueRef sums) {
    const Nest *nest = e->updates->nest[0];
    Index all = {.at = index_const(e, 0), .step = 1};
    memo_clear(e);
    e->nest = nest;
    e->lanes = ORDER_LANES;
    LLVMValueRef cells = load_at(e, REGION_STATE, DTYPE_F32, e->updates->cells, all);
    LLVMValueRef v = value_together(e, nest, updates_store(e, nest)->value, sums, cells);
    store_at(e, REGION_STATE, DTYPE_F32, e->updates->cells, all, v);
    e->lanes = 1;
    memo_clear(e);
}
