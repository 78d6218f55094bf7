/* statistic: what is learnt from the rows that train before they do: what stands for missing values, mean and deviation of
 * what is standardized, shares of classes. They are cells of a run, saved with its parameters (numerics.md, Preprocessing).
 *
 * A column that is standardized as it stands in the file is so when it is loaded (source.c); any other expression where it is
 * read, (e - mean) / deviation in f64. What e is of each row is an output of Run.derived: whoever trains calls it over the
 * training rows, and stores what it learns. In the data set's own graph, which is evaluated before, e stays as it is.
 */
#include "experiment/experiment.h"
#include <string.h>

int statistic_add_cell(SourceContext *context, const char *name, const char *what, Shape shape, Span span) {
    DataVariant *variant = context->variant;
    Arena *arena = context->X->arena;
    const char *stem = text_format(arena, "%s.%s", variant->set->name, name);
    StatisticCell cell = {text_format(arena, "%s.%s", stem, what), shape, span};
    for (int k = 2, i = 0; i < variant->statistic_cells.count; i++)
        if (!strcmp(variant->statistic_cells.items[i].name, cell.name)) {
            cell.name = text_format(arena, "%s_%d.%s", stem, k++, what);
            i = -1;
        }
    vector_push(arena, &variant->statistic_cells, cell);
    return variant->statistic_cells.count - 1; /* a run's first cells are these */
}

int statistic_at(SourceContext *context, StatisticKind kind, int column, Shape shape, const Expr *expr) {
    DataVariant *variant = context->variant;
    for (int i = 0; i < variant->statistics.count; i++) {
        const Statistic *s = &variant->statistics.items[i];
        bool learnt_alike = kind != STATISTIC_STANDARD && s->kind == kind && s->column == column;
        if (learnt_alike || (s->expr == expr && s->field == context->field)) return i;
    }
    if (!context->making) INTERNAL_ERROR("a statistic of %s is not known", variant->set->name);
    const char *name = column >= 0 ? variant->columns.items[column].name : variant->fields.items[context->field].name;
    Statistic made = {.kind = kind,
                      .column = column,
                      .output = -1,
                      .shape = shape,
                      .expr = expr,
                      .field = context->field,
                      .span = expr->span};
    const char *what = kind == STATISTIC_MEDIAN ? "median" : "mean";
    made.cell = statistic_add_cell(context, name, what, shape, expr->span);
    if (kind == STATISTIC_STANDARD) statistic_add_cell(context, name, "deviation", shape, expr->span);
    vector_push(context->X->arena, &variant->statistics, made);
    return variant->statistics.count - 1;
}

/* ---- standardize of anything --------------------------------------------------------------------------- */
/* The output of `derived` that has the expression's values. */
static void derive(RunLowering *R, int statistic, Node *node) {
    Statistic *s = &R->statistics.items[statistic];
    if (s->output >= 0) return;
    s->output = R->derived.count;
    Root root = {ROOT_ROWS, s->output, node, "derived"};
    vector_push(R->X->arena, &R->derived, root);
}

static bool reads_standardized(const SourceContext *context, Node *node) {
    int count;
    Node **nodes = graph_post_order(context->X->arena, &node, 1, &count);
    for (int i = 0; i < count; i++) {
        if (nodes[i]->op != OP_CELL) continue;
        for (int s = 0; s < context->variant->statistics.count; s++) {
            const Statistic *statistic = &context->variant->statistics.items[s];
            int after = (int)nodes[i]->attr.index - statistic->cell;
            if (statistic->kind == STATISTIC_STANDARD && (after == 0 || after == 1)) return true;
        }
    }
    return false;
}

static Value *standardized_twice(SourceContext *context, const Expr *call) {
    Lowering *L = context->X->L;
    Diagnostic *d = report(L->diagnostics, CODE_E0444, call->span, "what is standardized already is not once more");
    add_help(L->diagnostics, d, "compute with the columns: standardize(log(column(\"power\")))");
    context->broken = true;
    return value_poison(L);
}

Value *statistic_standardize(SourceContext *context, Scope *scope, const Expr *call, const Expr *inner) {
    Lowering *L = context->X->L;
    if (context->inside) return standardized_twice(context, call);
    context->inside = true;
    Value *v = lower_expression(L, scope, inner);
    context->inside = false;
    if (value_is_poison(v)) return v;
    v = value_to_tensor(L, v, L->real, inner->span, "what is standardized");
    if (value_is_poison(v)) return v;
    Node *node = v->node;
    int statistic = statistic_at(context, STATISTIC_STANDARD, -1, node->shape, call);
    if (context->making) {
        Field *field = &context->variant->fields.items[context->field];
        field->filled = true;
        if (call == context->variant->field_stmt.items[context->field]->bind.value) field->standard = statistic;
        return v;
    }
    if (reads_standardized(context, node)) return standardized_twice(context, call);
    int first = context->X->run->first_statistic;
    if (first >= 0) derive(context->X->run, first + statistic, node);
    int cell = context->variant->statistics.items[statistic].cell;
    Node *mean = graph_leaf(L->graph, OP_CELL, DTYPE_F64, node->shape, cell);
    Node *deviation = graph_leaf(L->graph, OP_CELL, DTYPE_F64, node->shape, cell + 1);
    Node *from_mean = graph_binary(L->graph, OP_SUB, graph_cast(L->graph, node, DTYPE_F64), mean);
    return value_tensor(L, graph_cast(L->graph, graph_binary(L->graph, OP_DIV, from_mean, deviation), node->dtype), 0);
}

/* ---- of a run ------------------------------------------------------------------------------------------ */
void statistics_begin(RunLowering *R) {
    const DataSet *set = R->run.data;
    for (int i = 0; i < set->statistic_cell_count; i++) {
        const StatisticCell *cell = &set->statistic_cells[i];
        lower_cell(R->L, CELL_STATISTIC, cell->name, DTYPE_F64, cell->shape, NULL, cell->span);
    }
    for (int i = 0; i < set->statistic_count; i++) vector_push(R->X->arena, &R->statistics, set->statistics[i]);
}

/* The data set whose rows say it: of several the one that it reads, or the first, beside whose rows the others stand. */
static int set_of(RunLowering *R, Node *node) {
    int count, found = -1;
    Node **nodes = graph_post_order(R->X->arena, &node, 1, &count);
    for (int i = 0; i < count; i++) {
        if (nodes[i]->op != OP_COLUMN) continue;
        int set = data_set_of(R->run.data, (int)nodes[i]->attr.index);
        if (found >= 0 && found != set) return 0;
        found = set;
    }
    return found < 0 ? 0 : found;
}

/* A statistic of the train block. The same node is the same statistic: values are hash-consed. */
static int of_block(RunLowering *R, StatisticKind kind, Node *node, Shape shape, Span span) {
    for (int i = 0; i < R->statistics.count; i++) {
        const Statistic *s = &R->statistics.items[i];
        if (s->kind == kind && s->output >= 0 && R->derived.items[s->output].node == node) return i;
    }
    Statistic made = {.kind = kind,
                      .column = -1,
                      .cell = -1,
                      .output = -1,
                      .set = set_of(R, node),
                      .shape = shape,
                      .field = -1,
                      .span = span};
    vector_push(R->X->arena, &R->statistics, made);
    derive(R, R->statistics.count - 1, node);
    return R->statistics.count - 1;
}

void statistic_of_weights(RunLowering *R, Node *weight, Span span) {
    of_block(R, STATISTIC_WEIGHT, weight, (Shape){0}, span);
}

static Value *refuse_share(Lowering *L, const Expr *call) {
    Diagnostic *d = report(L->diagnostics, CODE_E0307, call->span, "share takes a label of the row, in a train block");
    add_help(L->diagnostics, d, "weight = balanced(y), for y: label[k]");
    return value_poison(L);
}

/* share(y): the part of the training rows that are of the class of y. */
static Value *lower_share(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    RunLowering *R = ((Experiment *)context)->run;
    const Value *y = args->value[0];
    (void)scope;
    if (!R || y->kind != VALUE_TENSOR || !y->classes || y->axes || y->node->shape.rank) return refuse_share(L, call);
    Shape shape = {.rank = 1, .extent = {y->classes}};
    Graph *g = L->graph;
    int statistic = of_block(R, STATISTIC_SHARES, y->node, shape, call->span);
    Statistic *s = &R->statistics.items[statistic];
    if (s->cell < 0) {
        const char *stem = text_format(L->arena, "%s.shares", R->block->name.text);
        const char *name = stem;
        for (int k = 2; lower_find_cell(L, name) >= 0; k++) name = text_format(L->arena, "%s_%d", stem, k);
        s->cell = lower_cell(L, CELL_STATISTIC, name, DTYPE_F64, shape, NULL, call->span);
    }
    Node *shares = graph_leaf(g, OP_CELL, DTYPE_F64, shape, s->cell);
    return value_tensor(L, graph_cast(g, graph_gather(g, shares, y->node, 0), L->real), 0);
}

static const Builtin share_builtin = {
    "share", 1, 1, false, lower_share, "share(y)", "the part of the training rows that are of the class of y"};

void statistics_bind(Experiment *X) {
    scope_bind(X->L, X->L->prelude, name_from(X->names, "share"), value_builtin(X->L, &share_builtin, X), (Span){0, 0});
}
