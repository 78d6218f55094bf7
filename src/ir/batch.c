/* batch: from one example to a mini-batch. Columns of the data and draws of the step get a row axis, whatever
 * depends on them inherits it, and nothing else changes: the row axis is implied in every node, so a product
 * of one example's values becomes a contraction over the batch only where something sums over it. What a scan carries has
 * rows where its start or what follows it has them. */
#include "ir/graph.h"

typedef struct Batching {
    uint8_t rows;
    const bool *has_rows; /* by id */
} Batching;

/* Which nodes will have rows; those that a scan goes around with are found by going around. */
static const bool *find_rows(Arena *arena, Node *const *order, int nodes) {
    uint32_t ids = 0;
    for (int i = 0; i < nodes; i++)
        if (order[i]->id >= ids) ids = order[i]->id + 1;
    bool *has = arena_array(arena, bool, ids + 1), changed = true;
    while (changed) {
        changed = false;
        for (int i = 0; i < nodes; i++) {
            const Node *n = order[i];
            bool rows = n->rows || node_is_of_row(n);
            for (int s = 0; s < n->sources && !node_takes_all_rows(n); s++) rows |= has[n->source[s]->id];
            has[n->id] |= rows;
            for (int s = 1; n->op == OP_STACK && s < n->sources; s += 2) {
                if (!has[n->source[s + 1]->id] || has[n->source[s]->id]) continue;
                has[n->source[s]->id] = changed = true;
            }
        }
    }
    return has;
}

static Node *with_rows(Graph *g, Node *old, Node *const *source, void *context) {
    const Batching *batching = context;
    if (old->op == OP_VARIABLE) return source[0];
    if (node_is_of_row(old) && !old->rows) return graph_leaf_with_rows(g, old, batching->rows);
    if (old->op == OP_CARRIED && batching->has_rows[old->id]) {
        Attr attr = old->attr;
        attr.rows = batching->rows;
        return graph_node(g, OP_CARRIED, old->dtype, old->shape, source, old->sources, attr);
    }
    return graph_again(g, old, source);
}

void graph_batch(Graph *g, Node **roots, int count, uint8_t rows) {
    int nodes;
    Node **order = graph_post_order(g->arena, roots, count, &nodes);
    Batching batching = {rows, find_rows(g->arena, order, nodes)};
    graph_rewrite(g, roots, count, with_rows, &batching);
}

bool node_is_of_row(const Node *leaf) {
    return leaf->op == OP_COLUMN || leaf->op == OP_PLACE ||
           (leaf->op == OP_RANDOM && leaf->attr.random.key != RANDOM_INITIAL);
}

bool node_sums_rows(const Node *node) {
    if (node->op == OP_SCATTER_ADD) return node->attr.over_rows;
    return op_class(node->op) == OP_CLASS_REDUCE && node->attr.contraction->over_rows;
}

bool node_takes_all_rows(const Node *node) { return node_sums_rows(node); }

bool graph_is_of_one_row(Arena *arena, Node *root) {
    int count;
    Node **nodes = graph_post_order(arena, &root, 1, &count);
    bool *of_row = arena_array(arena, bool, root->id + 1);
    for (int i = 0; i < count; i++) {
        const Node *node = nodes[i];
        of_row[node->id] = node_is_of_row(node);
        for (int s = 0; s < node->sources && !node_takes_all_rows(node); s++)
            of_row[node->id] |= of_row[node->source[s]->id];
    }
    return of_row[root->id];
}
