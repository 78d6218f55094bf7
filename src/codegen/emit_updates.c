/* emit_updates: parameters whose gradients are few sums over rows, updated side by side.
 *
 * The tree that folds lanes (emit_chain.c) leaves several sums in one vector. In a tiny function, where parameters are
 * local variables, those that such sums update lie in one vector too, each in its sum's lane, so that one multiplication
 * and one addition update them all, and a step hands the next one vector instead of many numbers, each of which would
 * leave its vector and become one again. The same operations on the same numbers: only the epilogues are one.
 *
 * A nest takes part if all it does is to update a cell by an expression of its sum, the cell, and numbers, and if that
 * is the same expression for all.
 */
#include "codegen/emit_reduce.h"

const Store *updates_store(const Emitter *e, const Nest *nest) {
    const Store *found = NULL;
    for (int s = 0; s < nest->store_count; s++) {
        const Store *store = &nest->stores[s];
        if (store->kind == STORE_BUFFER && store->buffer == NULL) continue;
        if (found != NULL || store->kind != STORE_CELL) return NULL;
        found = store;
    }
    return found != NULL && found->value->dtype == DTYPE_F32 && nest->reduce->dtype == DTYPE_F32 && !nest->carried &&
                   e->f->run->cells[found->index].dtype == DTYPE_F32
               ? found
               : NULL;
}

/* The number that a view only repeats. */
Node *updates_number(Node *node) {
    while (node->op == OP_VIEW && shape_size(node->source[0]->shape) == 1 &&
           access_is_inside(&node->attr.contraction->access[0], node->shape.extent, node->shape.rank,
                            node->source[0]->shape))
        node = node->source[0];
    return node;
}

bool updates_own_cell(const Node *node, const Store *store) {
    return node->op == OP_CELL && node->attr.index == store->index;
}

bool updates_computes(const Emitter *e, const Node *node) {
    return op_class(node->op) == OP_CLASS_ELEMENT && !node_is_stored(e->f, node) && node->dtype == DTYPE_F32 &&
           (node->op == OP_FMA || node->op == OP_ADD || node->op == OP_SUB || node->op == OP_MUL || node->op == OP_NEG);
}

/* One number for all nests: made of neither the sum nor the cell of this one. */
static bool is_common(const Emitter *e, const Nest *nest, const Node *node) {
    if (node == nest->reduce || updates_own_cell(node, updates_store(e, nest))) return false;
    if (e->f->buffer[node->id] != NULL || e->f->copy[node->id] != NULL || e->f->kept[node->id] > 0) return true;
    for (int s = 0; s < node->sources; s++)
        if (!is_common(e, nest, node->source[s])) return false;
    return true;
}

/* The same expression, of each nest's own sum and cell. */
static bool are_alike(const Emitter *e, const Nest *a, Node *x, const Nest *b, Node *y) {
    x = updates_number(x), y = updates_number(y);
    bool own = updates_own_cell(x, updates_store(e, a));
    if (x == a->reduce || y == b->reduce) return x == a->reduce && y == b->reduce;
    if (own || updates_own_cell(y, updates_store(e, b))) return own && updates_own_cell(y, updates_store(e, b));
    if (x->op == OP_CONST && y->op == OP_CONST) return x->dtype == y->dtype && x->attr.value == y->attr.value;
    if (x == y && shape_size(x->shape) == 1 && x->rows == 0 && x->dtype == DTYPE_F32)
        return is_common(e, a, x) && is_common(e, b, x);
    if (!updates_computes(e, x) || !updates_computes(e, y) || x->op != y->op || x->sources != y->sources) return false;
    for (int s = 0; s < x->sources; s++)
        if (!are_alike(e, a, x->source[s], b, y->source[s])) return false;
    return true;
}

static void take_part(Emitter *e, const Nest *nest, int first) {
    Updates *u = e->updates;
    const Store *store = updates_store(e, nest);
    if (store == NULL || first + shape_size(nest->space) > MOST_FOLDED) return;
    const Nest *like = u->count > 0 ? u->nest[0] : nest;
    if (!are_alike(e, like, updates_store(e, like)->value, nest, store->value)) return;
    for (int i = 0; i < u->count; i++)
        if (updates_store(e, u->nest[i])->index == store->index) return;
    u->nest[u->count] = nest;
    u->first[u->count++] = first;
}

/* The first nests that make up a pass: their first sums are folded together. */
void updates_plan(Emitter *e) {
    const LoopFunction *f = e->f;
    e->updates = arena_new_of(e->arena, Updates);
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            const Nest *const *nests = (const Nest *const *)&f->sections[s].nests.items[i];
            int together = few_together(e, nests, f->sections[s].nests.count - i);
            if (together < 2) continue;
            for (int k = 0, first = 0; k < together && first < MOST_FOLDED; k++) {
                if (nests[k]->reduce->op != OP_CONTRACT || nests[k]->reduce->dtype != DTYPE_F32) return;
                take_part(e, nests[k], first);
                first += (int)shape_size(nests[k]->space);
            }
            return;
        }
}

static int of_cell(const Emitter *e, int64_t cell) {
    for (int i = 0; e->updates != NULL && i < e->updates->count; i++)
        if (updates_store(e, e->updates->nest[i])->index == cell) return i;
    return -1;
}

LLVMValueRef updates_base(Emitter *e, int64_t cell) { return of_cell(e, cell) < 0 ? NULL : e->updates->cells; }

void updates_open(Emitter *e, LLVMValueRef cells) { e->updates->cells = cells; }

bool updates_has(const Emitter *e, const Nest *nest) {
    for (int i = 0; e->updates != NULL && i < e->updates->count; i++)
        if (e->updates->nest[i] == nest) return true;
    return false;
}

bool updates_last(const Emitter *e, const Nest *nest) { return e->updates->nest[e->updates->count - 1] == nest; }

Index updates_index(Emitter *e, int64_t cell, Index linear) {
    int i = of_cell(e, cell);
    if (i < 0) return linear;
    linear = index_offset(e, linear, e->updates->first[i]);
    if (index_uniform(linear) && LLVMIsAConstantInt(linear.at))
        return index_at(e, place_of_fold((int)LLVMConstIntGetSExtValue(linear.at)));
    Index quarter = {.lanes = NULL};
    if (index_uniform(linear)) {
        quarter = index_of(LLVMBuildLShr(e->b, linear.at, index_const(e, 2), ""));
    } else {
        LLVMValueRef two = splat(e, constant_int(e, e->i32, 2), e->lanes);
        quarter.lanes = LLVMBuildLShr(e->b, index_lanes(e, linear), two, "");
    }
    /* 4 (i mod 4) + 2 (i div 4) = 4 i - 14 (i div 4) */
    return index_add(e, index_scale(e, linear, 4), index_scale(e, quarter, -14));
}
