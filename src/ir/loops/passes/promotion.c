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

typedef struct PromotedArrays {
    LoopTree *tree;
    uint8_t *unknown, *stored; /* by array */
    const Array **as;
} PromotedArrays;

bool place_is_known(const Subscript *at) {
    for (int i = 0; i < at->count; i++)
        if (at->term[i].loop == NULL) return false;
    return true;
}

static void look(void *context, const Array **array, const Subscript **at) {
    PromotedArrays *k = context;
    if (!place_is_known(*at)) k->unknown[(*array)->id] = 1;
}

static void find_stored(const Body *body, uint8_t *stored) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_STORE) stored[s->array->id] = 1;
        find_stored(&s->body, stored);
    }
}

static void replace(void *context, const Array **array, const Subscript **at) {
    const PromotedArrays *k = context;
    (void)at;
    if (k->as[(*array)->id] != NULL) *array = k->as[(*array)->id];
}

/* One by one, or those of all runs together. */
static void copy_elements(LoopTree *tree, Body *body, const Array *from, const Array *to) {
    const Subscript *run = subscript_number(tree->arena, 0);
    if (tree->runs > 1) {
        Statement *lanes = tree_statement(tree, STATEMENT_LOOP);
        lanes->loop = tree_loop(tree, "run", tree->runs, LOOP_VECTOR);
        run = subscript_of_loop(tree->arena, lanes->loop);
        vector_push(tree->arena, body, lanes);
        body = &lanes->body;
    }
    for (int64_t i = 0; i < from->elements; i += tree->runs) {
        Statement *let = tree_statement(tree, STATEMENT_LET), *store = tree_statement(tree, STATEMENT_STORE);
        Scalar *load = tree_scalar(tree, SCALAR_LOAD, from->dtype);
        load->array = from;
        load->at = store->at = subscript_sum(tree->arena, subscript_number(tree->arena, i), run);
        let->scalar = store->scalar = load;
        store->array = to;
        vector_push(tree->arena, body, let);
        vector_push(tree->arena, body, store);
    }
}

void tree_promote(LoopTree *tree, int64_t bytes) {
    int count = tree->arrays.count;
    PromotedArrays k = {.tree = tree,
                        .unknown = arena_array(tree->arena, uint8_t, count + 1),
                        .stored = arena_array(tree->arena, uint8_t, count + 1),
                        .as = arena_array(tree->arena, const Array *, count + 1)};
    tree_change_accesses(&tree->body, look, &k);
    find_stored(&tree->body, k.stored);
    for (int a = 0; a < count; a++) {
        const Array *array = tree->arrays.items[a];
        int64_t size = array->elements * (int64_t)dtype_bytes(array->dtype);
        bool updated = array->memory == ARRAY_CELL || array->memory == ARRAY_SUM;
        if (!updated || !k.stored[a] || k.unknown[a] || size > bytes) continue;
        bytes -= size;
        Array *promoted = tree_array(tree, ARRAY_PROMOTED, 0, array->dtype, array->elements, array->name);
        k.as[a] = promoted;
        copy_elements(tree, &tree->before, array, promoted);
        copy_elements(tree, &tree->after, promoted, array);
    }
    tree_change_accesses(&tree->body, replace, &k);
}
