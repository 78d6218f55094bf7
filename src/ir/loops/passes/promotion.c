/* promotion: what a function updates in each step stays in registers from step to step.
 *
 *   each step                                before all steps
 *     nest                                     promoted[0] = w[0], promoted[1] = w[1], ..
 *       w[i] = fma(s1, s2, w[i])       ->    each step
 *                                              nest
 *                                                promoted[i] = fma(s1, s2, promoted[i])
 *                                            after all steps
 *                                              w[0] = promoted[0], w[1] = promoted[1], ..
 *
 * So a step hands its parameters to the next one without going through memory. It is for functions whose loops are all
 * unrolled: what is in registers has a place that is known. Sums for the caller are promoted as cells are.
 */
#include "ir/loops/passes/passes.h"

static void look(void *context, const Array **array, const Subscript **at) {
    uint8_t *unknown = context;
    for (int i = 0; i < (*at)->count; i++)
        if ((*at)->term[i].loop == NULL) unknown[(*array)->id] = 1;
}

uint8_t *tree_find_unknown(LoopTree *tree) {
    uint8_t *unknown = arena_array(tree->arena, uint8_t, tree->arrays.count + 1);
    tree_change_accesses(&tree->body, look, unknown);
    return unknown;
}

static void find_stored(const Body *body, uint8_t *stored) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_STORE) stored[s->array->id] = 1;
        find_stored(&s->body, stored);
    }
}

/* One by one, or those of all runs together. */
static void copy_elements(LoopTree *tree, Body *body, const Array *from, const Array *to) {
    const Subscript *run = subscript_number(tree->arena, 0);
    if (tree->runs > 1) {
        Statement *lanes = tree_add_loop(tree, body, "run", tree->runs, LOOP_VECTOR);
        run = subscript_of_loop(tree->arena, lanes->loop);
        body = &lanes->body;
    }
    for (int64_t i = 0; i < from->elements; i += tree->runs) {
        const Subscript *at = subscript_sum(tree->arena, subscript_number(tree->arena, i), run);
        tree_add_copy(tree, body, from, at, to, at);
    }
}

void tree_promote(LoopTree *tree, int64_t bytes) {
    int count = tree->arrays.count;
    uint8_t *unknown = tree_find_unknown(tree), *stored = arena_array(tree->arena, uint8_t, count + 1);
    const Array **promoted = arena_array(tree->arena, const Array *, count + 1);
    find_stored(&tree->body, stored);
    for (int a = 0; a < count; a++) {
        const Array *array = tree->arrays.items[a];
        int64_t size = array->elements * (int64_t)dtype_bytes(array->dtype);
        bool updated = array->memory == ARRAY_CELL || array->memory == ARRAY_SUM;
        if (!updated || !stored[a] || unknown[a] || size > bytes) continue;
        bytes -= size;
        promoted[a] = tree_array(tree, ARRAY_PROMOTED, 0, array->dtype, array->elements, array->name);
        copy_elements(tree, &tree->before, array, promoted[a]);
        copy_elements(tree, &tree->after, promoted[a], array);
    }
    tree_replace_arrays(&tree->body, promoted);
}
