/* lower_measure: `measure NAME = e` sees all evaluated rows at once.
 *
 * The expression is lowered as in predict, with batch(...) allowed, into one graph; then it is cut. Above
 * the cut stand the reductions over all rows and what is computed from them; below it what is computed for
 * one row. The values on the cut are kept per evaluated row, and are the columns of the measure's own
 * function. So accuracy keeps one number per row, not its scores, and a confusion matrix two whole numbers, not its
 * square: where an array is made of fewer whole numbers, which are exact, these are kept. A measure that is one number
 * per row is averaged over the rows. What stands above the cut is computed in f64: sums over many rows keep their digits.
 *
 * What is ranked (rank_in_batch) is kept in f64, and so are the weights of its rows; the runtime makes ranks of it before
 * it calls the measure's function, which reads them as a column.
 *
 * A measure is a figure, or an array, which is taken at the end of a training alone: arrays stand behind the figures.
 */
#include "experiment/experiment.h"
#include <math.h>

enum { MOST_KEPT = 64 };          /* values a measure may keep per row */
enum { MOST_ELEMENTS = 1 << 20 }; /* of its value */

typedef struct MeasurePart {
    bool over, rows, above, cut;
    bool narrows; /* fewer whole numbers below it */
    double below; /* whole numbers that it can be made of */
    Node *again;
} MeasurePart; /* by node id */

/* How many whole numbers of the row the node is made of, itself if it is one; infinity: a real one is among them. */
static void find_narrow(MeasurePart *parts, const Node *node) {
    MeasurePart *part = &parts[node->id];
    bool moves = op_class(node->op) == OP_CLASS_ELEMENT || op_class(node->op) == OP_CLASS_MOVE;
    double size = (double)shape_size(node->shape), below = moves && node->sources ? 0 : INFINITY;
    for (int s = 0; s < node->sources; s++)
        if (parts[node->source[s]->id].rows) below += parts[node->source[s]->id].below;
    part->narrows = below < size;
    part->below = !dtype_is_real(node->dtype) && size < below ? size : below;
}

static void classify(MeasurePart *parts, Node *const *nodes, int count) {
    for (int i = 0; i < count; i++) {
        const Node *node = nodes[i];
        MeasurePart *part = &parts[node->id];
        bool rows = node_is_of_row(node);
        for (int s = 0; s < node->sources; s++) {
            part->over |= parts[node->source[s]->id].over;
            rows |= parts[node->source[s]->id].rows;
        }
        part->over |= node_sums_rows(node) || node->op == OP_RANK;
        part->rows = rows && !node_sums_rows(node);
        find_narrow(parts, node);
    }
}

/* From the root downwards: what stands above the cut, and the cut itself. */
static void mark(MeasurePart *parts, Node *const *nodes, int count) {
    parts[nodes[count - 1]->id].above = true;
    for (int i = count - 1; i >= 0; i--) {
        MeasurePart *part = &parts[nodes[i]->id];
        if (!part->above) continue;
        part->cut = part->rows && !part->over && !part->narrows;
        for (int s = 0; !part->cut && (part->over || part->rows) && s < nodes[i]->sources; s++)
            parts[nodes[i]->source[s]->id].above = true;
    }
}

static bool has_room(RunLowering *R, const Measure *measure, int more) {
    if (measure->argument_count + more <= MOST_KEPT) return true;
    report(R->X->diagnostics, CODE_E0315, measure->span, "the measure %s keeps more than %d values per row",
           measure->name, MOST_KEPT);
    return false;
}

/* The column that stands for a kept value; truths are kept as i32. */
static Node *keep(RunLowering *R, Measure *measure, Node *node, RankedBy ranked) {
    Graph *g = R->L->graph;
    bool truth = node->dtype == DTYPE_BOOL;
    Node *kept = truth ? graph_cast(g, node, DTYPE_I32) : node;
    int index = measure->argument_count++;
    measure->arguments[index] = kept;
    measure->ranked[index] = ranked;
    Node *column = graph_leaf(g, OP_COLUMN, kept->dtype, kept->shape, index);
    return truth ? graph_binary(g, OP_NE, column, graph_const(g, DTYPE_I32, kept->shape, 0)) : column;
}

/* The column of the ranks; NULL after an error. */
static Node *keep_ranked(RunLowering *R, Measure *measure, const MeasurePart *parts, const Node *node) {
    Graph *g = R->L->graph;
    if (parts[node->source[0]->id].over) {
        Diagnostic *d = report(R->X->diagnostics, CODE_E0231, node->span,
                               "rank_in_batch takes a value of the row alone, and this depends on the other rows");
        add_help(R->X->diagnostics, d, "a sum, mean or rank of all rows comes after ranking, not before");
        return NULL;
    }
    Node *column = keep(R, measure, graph_cast(g, node->source[0], DTYPE_F64),
                        node->sources > 1 ? RANKED_BY_WEIGHT : RANKED_ALIKE);
    if (node->sources > 1) keep(R, measure, graph_cast(g, node->source[1], DTYPE_F64), RANKED_NOT);
    return column;
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
    measure->ranked = arena_array(R->X->arena, RankedBy, MOST_KEPT);
    for (int i = 0; i < count; i++) {
        MeasurePart *part = &parts[nodes[i]->id];
        if (!part->above) continue;
        int kept = part->cut ? 1 : nodes[i]->op == OP_RANK ? nodes[i]->sources : 0;
        if (!has_room(R, measure, kept)) return false;
        if (part->cut) {
            part->again = in_f64(g, keep(R, measure, nodes[i], RANKED_NOT));
        } else if (nodes[i]->op == OP_RANK) {
            part->again = keep_ranked(R, measure, parts, nodes[i]);
            if (!part->again) return false;
        } else if (!part->over && !part->rows) {
            part->again = in_f64(g, nodes[i]);
        } else {
            Node **sources = arena_array(R->X->arena, Node *, nodes[i]->sources + 1);
            for (int s = 0; s < nodes[i]->sources; s++) sources[s] = parts[nodes[i]->source[s]->id].again;
            part->again = again_in_f64(g, nodes[i], sources);
        }
    }
    measure->shape = root->shape;
    Root *value = arena_new_of(R->X->arena, Root);
    *value = (Root){ROOT_VALUE, 0, parts[root->id].again, measure->name};
    measure->metric = (Function){measure->name, value, 1, false};
    return true;
}

static Node *mean_over_rows(RunLowering *R, Node *node) {
    Graph *g = R->L->graph;
    Node *share = graph_expand(g, graph_rows_reciprocal(g, node->dtype), node->shape, NULL);
    return graph_binary(g, OP_MUL, graph_reduce(g, OP_CONTRACT, node, 0, true), share);
}

/* A real number or array; NULL after an error. */
static Node *measured(RunLowering *R, const Value *v, Span span) {
    bool is_real = v->kind == VALUE_TENSOR && dtype_is_real(v->node->dtype);
    Value *x = value_to_tensor(R->L, v, is_real ? v->node->dtype : R->L->real, span, "a measure");
    if (value_is_poison(x)) return NULL;
    if (x->batch) {
        report(R->X->diagnostics, CODE_E0216, span,
               "a measure is no array over rows: take a sum or a mean of batch(...)");
        return NULL;
    }
    if (shape_size(x->node->shape) <= MOST_ELEMENTS) return x->node;
    report(R->X->diagnostics, CODE_E0315, span, "a measure has at most %d elements, and this has %lld", MOST_ELEMENTS,
           (long long)shape_size(x->node->shape));
    return NULL;
}

static bool lower_measure(RunLowering *R, Scope *scope, const Stmt *stmt) {
    const Expr *expr = each_resolve(R->X, stmt->named.value);
    Measure measure = {.name = stmt->named.name.text, .span = expr->span, .objective = objective_of_measure(R, expr)};
    R->L->batch_rows = BATCH_EVALUATED;
    Value *v = without_variables(R->L, scope->variables, lower_expression(R->L, scope, expr));
    R->L->batch_rows = BATCH_STEP;
    Node *node = measured(R, v, expr->span);
    if (!node) return false;
    if (graph_is_of_one_row(R->X->arena, node)) node = mean_over_rows(R, node);
    node = weight_measure(R, node);
    if (!cut(R, &measure, node)) return false;
    vector_push(R->X->arena, &R->measures, measure);
    return true;
}

static void figures_first(RunLowering *R) {
    int count = R->measures.count, next = 0;
    Measure *ordered = arena_array(R->X->arena, Measure, count + 1);
    for (int arrays = 0; arrays < 2; arrays++) {
        for (int i = 0; i < count; i++)
            if ((R->measures.items[i].shape.rank > 0) == arrays) ordered[next++] = R->measures.items[i];
        if (!arrays) R->run.measure_count = next;
    }
    R->run.array_count = count - R->run.measure_count;
    for (int i = 0; i < count; i++) R->measures.items[i] = ordered[i];
}

bool measures_lower(RunLowering *R, Scope *scope) {
    bool good = true;
    for (int i = 0; i < R->block->body.count; i++)
        if (R->block->body.items[i].key == KEY_MEASURE) good &= lower_measure(R, scope, R->block->body.items[i].stmt);
    figures_first(R);
    return good;
}
