/* weight: `weight = e`, how much a row counts (numerics.md). What a row adds to a sum over rows is e times as much: its
 * losses, and what measures sum. Gradients and means are divided by the sum of the weights, which is a sum of its own behind
 * those of the terms.
 */
#include "experiment/experiment.h"

const Expr *weight_expr(RunLowering *R) {
    const BlockStmt *s = block_setting(R->block, KEY_WEIGHT);
    return s ? each_resolve(R->X, s->stmt->assign.value) : NULL;
}

/* A parameter, a draw, a number that changes from step to step: what a weight must not depend on. */
static const char *what_changes(RunLowering *R, Node *node) {
    int count;
    Node **nodes = graph_post_order(R->X->arena, &node, 1, &count);
    for (int i = 0; i < count; i++) {
        if (nodes[i]->op == OP_RANDOM) return "a draw";
        if (nodes[i]->op == OP_COUNTER) return "a count of steps or epochs";
        if (nodes[i]->op == OP_CELL && R->L->cells.items[nodes[i]->attr.index].kind != CELL_STATISTIC)
            return "a parameter";
    }
    return NULL;
}

bool weight_lower(RunLowering *R, Scope *scope) {
    const Expr *expr = weight_expr(R);
    R->weight = NULL;
    if (!expr) return true;
    Value *v = without_variables(R->L, scope->variables, lower_expression(R->L, scope, expr));
    Node *node = value_to_any_real_scalar(R->L, v, expr->span, "the weight of a row");
    if (!node) return false;
    const char *changes = what_changes(R, node);
    if (changes) {
        Diagnostic *d = report(R->X->diagnostics, CODE_E0307, expr->span,
                               "a weight is of a row and stays as it is, and this depends on %s", changes);
        add_help(R->X->diagnostics, d, "the fields of data %s are %s", R->run.data->name, run_field_names(R));
        return false;
    }
    if (R->parts > 1 || R->L->sees_batch) {
        report(R->X->diagnostics, CODE_E0307, expr->span, "rows have no weights where %s",
               R->parts > 1 ? "a step has several update blocks" : "what is minimised reads all rows of a step");
        return false;
    }
    R->weight = node;
    if (R->mode == MODE_TRAIN) {
        R->run.weight = node;
        statistic_of_weights(R, node, expr->span);
    }
    return true;
}

Node *weight_term(RunLowering *R, Node *term) {
    Graph *g = R->L->graph;
    if (!R->weight || !term) return term;
    DType t = R->weight->dtype == DTYPE_F64 ? DTYPE_F64 : term->dtype;
    return graph_binary(g, OP_MUL, graph_cast(g, R->weight, t), graph_cast(g, term, t));
}

/* ---- measures ------------------------------------------------------------------------------------------ */
/* Sums over rows count each row by its weight over the mean weight, so that a count stays one. */
static Node *weigh(Graph *g, Node *old, Node *const *source, void *context) {
    RunLowering *R = context;
    if (old->op == OP_RANK) return graph_rank(g, source[0], R->weight);
    if (old->op != OP_CONTRACT || !old->attr.contraction->over_rows) return graph_again(g, old, source);
    Node *sources[2] = {source[0], old->sources > 1 ? source[1] : NULL};
    Node *weight = graph_expand(g, graph_cast(g, R->weight, sources[0]->dtype), sources[0]->shape, NULL);
    sources[0] = graph_binary(g, OP_MUL, weight, sources[0]);
    Node *sum = graph_again(g, old, sources);
    Node *all = graph_reduce(g, OP_CONTRACT, graph_cast(g, R->weight, sum->dtype), 0, true);
    Node *mean = graph_binary(g, OP_MUL, all, graph_rows_reciprocal(g, sum->dtype));
    return graph_binary(g, OP_DIV, sum, graph_expand(g, mean, sum->shape, NULL));
}

Node *weight_measure(RunLowering *R, Node *node) {
    if (R->weight) graph_rewrite(R->L->graph, &node, 1, weigh, R);
    return node;
}
