/* keep: new values of cells that need no buffer beside.
 *
 * A step may go on with the new value of a cell: an optimizer divides by the moments that it has just updated, where
 * all of it is too much for the epilogue of one kernel. The nest that computes such a value stores it in its cell at
 * once (fuse.c), and whoever reads it afterwards, element by element, reads the cell: two moments of each parameter
 * less to store and to load, and to have room for.
 *
 * Nothing else writes the cell in a step. A function that updates little is left alone: its cells may be variables,
 * which are updated together (codegen/emit_updates.c).
 */
#include "ir/loops/loop.h"

typedef struct Keep {
    LoopFunction *f;
    const Nest *nest;
    bool *elsewhere;
} Keep;

static void visit_kept(void *context, const Read *read) {
    Keep *k = context;
    if (node_is_stored(k->f, read->node) && !read_is_here(k->nest, read)) k->elsewhere[read->node->id] = true;
}

static bool stores(const Nest *nest, const Node *node, StoreKind kind) {
    for (int s = 0; s < nest->store_count; s++)
        if (nest->stores[s].kind == kind && nest->stores[s].node == node && nest->stores[s].value == node) return true;
    return false;
}

static void keep_stores(const Keep *k, const Nest *nest) {
    for (int s = 0; s < nest->store_count; s++) {
        const Store *store = &nest->stores[s];
        if (store->kind == STORE_CELL && !k->elsewhere[store->node->id] && stores(nest, store->node, STORE_BUFFER))
            k->f->kept[store->node->id] = store->index + 1;
    }
}

void keep_in_cells(LoopFunction *f) {
    Keep k = {.f = f, .elsewhere = arena_array(f->arena, bool, (size_t)f->nodes + 1)};
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            k.nest = f->sections[s].nests.items[i];
            nest_reads(f, k.nest, visit_kept, &k);
        }
    for (int s = 0; s < f->section_count && !updates_little(f); s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) keep_stores(&k, f->sections[s].nests.items[i]);
}
