/* arrays: which values have an array: those that another nest reads than the one that makes them. */
#include "ir/loops/schedules/schedule.h"

static const char *name_of_node(const Node *node) { return node->name != NULL ? node->name : op_text(node->op); }

void schedule_give_array(Scheduler *s, const Node *node) {
    if (s->array[node->id] == NULL)
        s->array[node->id] = tree_array(s->tree, ARRAY_WORK, 0, node->dtype,
                                        shape_size(node->shape) * (node->rows != 0 ? s->padded_rows : 1),
                                        name_of_node(node));
}

static void visit_read(void *context, const Read *read) {
    Scheduler *s = context;
    if (!node_is_stored(s->f, read->node)) return;
    bool own = s->provider[read->node->id] == s->nest && read_is_here(s->nest, read) && read->operand < 0;
    if (!own) schedule_give_array(s, read->node);
}

/* A value that only its own nest reads, at the same point, needs none. */
void schedule_find_arrays(Scheduler *s) {
    for (int pass = 0; pass < 2; pass++)
        for (int c = 0; c < s->f->section_count; c++) {
            const Section *section = &s->f->sections[c];
            for (int i = 0; i < section->nests.count; i++) {
                Nest *nest = section->nests.items[i];
                for (int k = 0; k < nest->store_count && pass == 0; k++) {
                    if (nest->stores[k].kind != STORE_ARRAY) continue;
                    s->provider[nest->stores[k].node->id] = nest;
                    if (nest->stores[k].value != nest->stores[k].node || nest->kind == NEST_SCATTER || nest->carried)
                        schedule_give_array(s, nest->stores[k].node);
                }
                s->nest = nest;
                if (pass == 1) nest_reads(s->f, nest, visit_read, s);
            }
        }
    s->nest = NULL;
}
