/* batch: from one example to a mini-batch. Columns of the data and draws of the step get a row axis, whatever
 * depends on them inherits it, and nothing else changes: the row axis is implied in every node, so a product
 * of one example's values becomes a contraction over the batch only where something sums over it. */
#include "ir/graph.h"

static Node *with_rows(Graph *g, Node *old, Node *const *source, void *context) {
    uint8_t rows = *(const uint8_t *)context;
    if (old->op == OP_VARIABLE) return source[0];
    bool of_example = old->op == OP_COLUMN || (old->op == OP_RANDOM && old->attr.random.key != RANDOM_INITIAL);
    return of_example && !old->rows ? graph_leaf_with_rows(g, old, rows) : graph_again(g, old, source);
}

void graph_batch(Graph *g, Node **roots, int count, uint8_t rows) { graph_rewrite(g, roots, count, with_rows, &rows); }
