/* emit_memo: values that the body being emitted has computed, by node and spot, so that none is computed twice. */
#include "codegen/emit.h"

void memo_clear(Emitter *e) { e->generation++; }

static bool same_index(Index a, Index b) { return a.at == b.at && a.step == b.step && a.lanes == b.lanes; }

static bool same_spot(const Node *node, bool flat, const Spot *a, const Spot *b) {
    int axes = flat ? 1 : node->shape.rank;
    for (int i = 0; i < axes; i++)
        if (!same_index(a->axis[i], b->axis[i])) return false;
    return node->rows == 0 || same_index(a->row, b->row);
}

static uint32_t memo_hash(const Node *node, const Spot *spot, bool flat) {
    uint64_t h = (uint64_t)node->id * 0x9e3779b97f4a7c15ull + flat;
    int axes = flat ? 1 : node->shape.rank;
    for (int i = 0; i < axes; i++)
        h = (h ^ ((uint64_t)(uintptr_t)spot->axis[i].at >> 4) ^ (uint64_t)(uintptr_t)spot->axis[i].lanes) *
            0xff51afd7ed558ccdull;
    if (node->rows != 0) h = (h ^ ((uint64_t)(uintptr_t)spot->row.at >> 4)) * 0xff51afd7ed558ccdull;
    return (uint32_t)(h >> 40) % MEMO_SIZE;
}

static MemoEntry *memo_find(Emitter *e, const Node *node, const Spot *spot, bool flat) {
    uint32_t at = memo_hash(node, spot, flat);
    for (int probe = 0; probe < MEMO_SIZE; probe++, at = (at + 1) % MEMO_SIZE) {
        MemoEntry *m = &e->memo[at];
        if (m->generation != e->generation) return m;
        if (m->node == node && m->flat == flat && same_spot(node, flat, &m->spot, spot)) return m;
    }
    memo_clear(e); /* full: forgetting costs only repeated code */
    return &e->memo[at];
}

void memo_set(Emitter *e, const Node *node, const Spot *spot, bool flat, LLVMValueRef value) {
    *memo_find(e, node, spot, flat) = (MemoEntry){
        .node = node, .generation = e->generation, .flat = flat, .spot = *spot, .value = value};
}

LLVMValueRef memo_get(Emitter *e, const Node *node, const Spot *spot, bool flat) {
    const MemoEntry *m = memo_find(e, node, spot, flat);
    return m->generation == e->generation && m->node == node ? m->value : NULL;
}
