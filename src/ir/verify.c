/* verify: what must hold of a graph between passes. A table says which ops may stand at which stage; the rest
 * are the invariants of graph.h. What is wrong here is a defect of sgdc, never of a program. */
#include <inttypes.h>

#include "ir/graph.h"

typedef struct OpStages {
    Op op;
    Stage from, to;
    const char *why;
} OpStages;

/* Ops that are not allowed everywhere. */
static const OpStages op_stages[] = {
    {OP_GRADIENT, STAGE_LOWERED, STAGE_BATCHED, "the grad pass replaces it"},
    {OP_VARIABLE, STAGE_LOWERED, STAGE_LOWERED, "lowering takes it away"},
    {OP_RANK, STAGE_LOWERED, STAGE_LOWERED, "measures keep what is ranked"},
    {OP_FMA, STAGE_CANONICAL, STAGE_ORDERED, "canonicalise makes it"},
};

static const char *op_problem(const Node *n, Stage stage) {
    for (size_t i = 0; i < sizeof op_stages / sizeof op_stages[0]; i++) {
        const OpStages *row = &op_stages[i];
        if (row->op == n->op && (stage < row->from || stage > row->to)) return row->why;
    }
    return NULL;
}

static const char *rows_problem(const Node *n, Stage stage) {
    if (stage == STAGE_LOWERED) return n->rows ? "rows before batching" : NULL;
    if (n->sources == 0) {
        bool may_have = n->op == OP_COLUMN || n->op == OP_RANDOM || n->op == OP_PLACE;
        return n->rows && !may_have ? "a leaf with rows" : NULL;
    }
    uint8_t rows = infer_rows(n->op, &n->attr, n->source, n->sources);
    return rows != n->rows ? "rows are not the sources'" : NULL;
}

static const char *order_problem(const Node *n, Stage stage) {
    if (op_class(n->op) != OP_CLASS_REDUCE) return NULL;
    const Contraction *c = n->attr.contraction;
    if (stage < STAGE_ORDERED) return c->lanes || c->chunk ? "an order before the order pass" : NULL;
    return c->lanes == 1 || c->lanes == 16 ? NULL : "a reduction without an order";
}

static const char *source_problem(const Node *n) {
    for (int s = 0; s < n->sources; s++) {
        if (n->source[s]->id >= n->id) return "a source made after its user";
    }
    return NULL;
}

static const char *node_problem(const Node *n, Stage stage) {
    const char *problem = infer_problem(n);
    if (!problem) problem = op_problem(n, stage);
    if (!problem) problem = rows_problem(n, stage);
    if (!problem) problem = order_problem(n, stage);
    return problem ? problem : source_problem(n);
}

static const char *root_problem(const Node *root) {
    return root && root->scans ? "a value of the body of a scan" : NULL;
}

void graph_verify(Graph *g, Node *const *roots, int count, Stage stage) {
    static const char *const stages[] = {"lowering", "batch", "grad", "canonicalise", "order"};
    int nodes;
    Node **order = graph_post_order(g->arena, roots, count, &nodes);
    for (int r = 0; r < count; r++)
        if (root_problem(roots[r])) INTERNAL_ERROR("after %s: root %d is %s", stages[stage], r, root_problem(roots[r]));
    for (int i = 0; i < nodes; i++) {
        const char *problem = node_problem(order[i], stage);
        if (problem)
            INTERNAL_ERROR("after %s: node %" PRIu32 " (%s): %s", stages[stage], order[i]->id, op_text(order[i]->op),
                           problem);
    }
}
