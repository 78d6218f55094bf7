/* lower_measure: `measure NAME = e` sees all evaluated rows at once.
 *
 * The expression is lowered as in predict, with batch(...) allowed, into one graph; then it is cut. Above
 * the cut stand the reductions over all rows and what is computed from them; below it what is computed for
 * one row. The values on the cut are kept per evaluated row, and are the columns of the measure's own
 * function. So accuracy keeps one number per row, not its scores. A measure that is one number per row is
 * averaged over the rows. What stands above the cut is computed in f64: sums over many rows keep their digits.
 */
#include "experiment/experiment.h"

enum { MOST_KEPT = 64 }; /* values a measure may keep per row */

typedef struct MeasurePart {
    bool over, rows, above, cut;
    Node *again;
} MeasurePart; /* by node id */

static void classify(MeasurePart *parts, Node *const *nodes, int count) {
    for (int i = 0; i < count; i++) {
        const Node *node = nodes[i];
        MeasurePart *part = &parts[node->id];
        bool rows = node_is_of_row(node);
        for (int s = 0; s < node->sources; s++) {
            part->over |= parts[node->source[s]->id].over;
            rows |= parts[node->source[s]->id].rows;
        }
        part->over |= node_sums_rows(node);
        part->rows = rows && !node_sums_rows(node);
    }
}

/* From the root downwards: what stands above the cut, and the cut itself. */
static void mark(MeasurePart *parts, Node *const *nodes, int count) {
    parts[nodes[count - 1]->id].above = true;
    for (int i = count - 1; i >= 0; i--) {
        MeasurePart *part = &parts[nodes[i]->id];
        if (!part->above) continue;
        part->cut = part->rows && !part->over;
        for (int s = 0; !part->cut && part->over && s < nodes[i]->sources; s++)
            parts[nodes[i]->source[s]->id].above = true;
    }
}

/* The column that stands for a kept value; truths are kept as i32. */
static Node *keep(RunLowering *R, Measure *measure, Node *node) {
    Graph *g = R->L->graph;
    bool truth = node->dtype == DTYPE_BOOL;
    Node *kept = truth ? graph_cast(g, node, DTYPE_I32) : node;
    int index = measure->argument_count++;
    measure->arguments[index] = kept;
    Node *column = graph_leaf(g, OP_COLUMN, kept->dtype, kept->shape, index);
    return truth ? graph_binary(g, OP_NE, column, graph_const(g, DTYPE_I32, kept->shape, 0)) : column;
}

/* A value that needs no row, in f64. */
static Node *in_f64(Graph *g, Node *node) {
    if (node->dtype != DTYPE_F32) return node;
    return node->op == OP_ROWS_RECIPROCAL ? graph_rows_reciprocal(g, DTYPE_F64) : graph_cast(g, node, DTYPE_F64);
}

/* The node over sources that are in f64, in f64. */
static Node *again_in_f64(Graph *g, Node *node, Node *const *sources) {
    Span span = g->span;
    g->span = node->span;
    DType t = node->dtype == DTYPE_F32 ? DTYPE_F64 : node->dtype;
    Node *again = graph_node(g, node->op, t, node->shape, sources, node->sources, node->attr);
    g->span = span;
    return again;
}

static bool cut(RunLowering *R, Measure *measure, Node *root) {
    Graph *g = R->L->graph;
    int count;
    MeasurePart *parts = arena_array(R->X->arena, MeasurePart, g->next_id + 1);
    Node **nodes = graph_post_order(R->X->arena, &root, 1, &count);
    classify(parts, nodes, count);
    mark(parts, nodes, count);
    measure->arguments = arena_array(R->X->arena, Node *, MOST_KEPT);
    for (int i = 0; i < count; i++) {
        MeasurePart *part = &parts[nodes[i]->id];
        if (!part->above) continue;
        if (part->cut) {
            if (measure->argument_count == MOST_KEPT) {
                report(R->X->diagnostics, CODE_E0315, measure->span, "the measure %s keeps more than %d values per row",
                       measure->name, MOST_KEPT);
                return false;
            }
            part->again = in_f64(g, keep(R, measure, nodes[i]));
        } else if (!part->over) {
            part->again = in_f64(g, nodes[i]);
        } else {
            Node **sources = arena_array(R->X->arena, Node *, nodes[i]->sources + 1);
            for (int s = 0; s < nodes[i]->sources; s++) sources[s] = parts[nodes[i]->source[s]->id].again;
            part->again = again_in_f64(g, nodes[i], sources);
        }
    }
    Root *value = arena_new_of(R->X->arena, Root);
    *value = (Root){ROOT_VALUE, 0, parts[root->id].again, measure->name};
    measure->metric = (Function){measure->name, value, 1, false};
    return true;
}

static Node *mean_over_rows(RunLowering *R, Node *node) {
    Graph *g = R->L->graph;
    return graph_binary(g, OP_MUL, graph_reduce(g, OP_CONTRACT, node, 0, true), graph_rows_reciprocal(g, node->dtype));
}

static bool lower_measure(RunLowering *R, Scope *scope, const Stmt *stmt) {
    const Expr *expr = each_resolve(R->X, stmt->named.value);
    Measure measure = {.name = stmt->named.name.text, .span = expr->span, .objective = objective_of_measure(R, expr)};
    R->L->batch_rows = BATCH_EVALUATED;
    Value *v = without_variables(R->L, scope->variables, lower_expression(R->L, scope, expr));
    R->L->batch_rows = BATCH_STEP;
    Node *node = value_to_any_real_scalar(R->L, v, expr->span, "a measure");
    if (!node) return false;
    if (graph_is_of_one_row(R->X->arena, node)) node = mean_over_rows(R, node);
    node = weight_measure(R, node);
    if (!cut(R, &measure, node)) return false;
    vector_push(R->X->arena, &R->measures, measure);
    return true;
}

bool measures_lower(RunLowering *R, Scope *scope) {
    bool good = true;
    for (int i = 0; i < R->block->body.count; i++)
        if (R->block->body.items[i].key == KEY_MEASURE) good &= lower_measure(R, scope, R->block->body.items[i].stmt);
    return good;
}
