/* arrays: which values have an array: those that another nest reads than the one that makes them. */
#include "ir/loops/schedules/schedule.h"

void schedule_give_array(Scheduler *s, const Node *node) {
    if (s->array[node->id] == NULL)
        s->array[node->id] = tree_array(s->tree, ARRAY_WORK, 0, node->dtype,
                                        shape_size(node->shape) * (node->rows != 0 ? s->padded_rows : 1),
                                        node_text(node));
}

static void visit_read(void *context, const Read *read) {
    Scheduler *s = context;
    if (!node_is_stored(s->f, read->node)) return;
    bool own = s->provider[read->node->id] == s->nest && read_is_here(s->nest, read) && read->operand < 0;
    if (!own) schedule_give_array(s, read->node);
}

/* A value that only its own nest reads, at the same point, needs none. */
void schedule_find_arrays(Scheduler *s) {
    for (NestCursor at = {0}; next_nest(s->f, &at);)
        for (int k = 0; k < at.nest->store_count; k++) {
            const Store *store = &at.nest->stores[k];
            if (store->kind != STORE_ARRAY) continue;
            s->provider[store->node->id] = at.nest;
            if (store->value != store->node || at.nest->kind == NEST_SCATTER || at.nest->carried)
                schedule_give_array(s, store->node);
        }
    for (NestCursor at = {0}; next_nest(s->f, &at);) {
        s->nest = at.nest;
        nest_reads(s->f, at.nest, visit_read, s);
    }
    s->nest = NULL;
}
