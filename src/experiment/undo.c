/* undo: undo(y, e), the way back from a standardised field: e in the units of what was standardised, a column of the file or
 * an expression.
 */
#include "experiment/experiment.h"

/* A cell of the field's statistics, of the field's shape. */
static Node *statistic_of(Lowering *L, const DataSet *set, const Field *field, int cell) {
    Node *leaf = graph_leaf(L->graph, OP_CELL, DTYPE_F64, set->statistic_cells[cell].shape, cell);
    return value_to_node(L, value_tensor(L, leaf, 0), DTYPE_F64, field->value->shape, field->span, "a statistic");
}

static Value *lower_undo(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    Experiment *X = context;
    (void)args;
    const Expr *name = call->call.args.items[0].value, *inner = call->call.args.items[1].value;
    Value *v = lower_expression(L, scope, inner);
    const DataSet *set = X->run->run.data;
    int field = data_field_of(X, set, name);
    if (field < 0) {
        Diagnostic *d = report(X->diagnostics, CODE_E0316, name->span,
                               "undo names a field of the data, whose units come back");
        add_help(X->diagnostics, d, "data %s has the fields %s: undo(%s, e)", set->name, run_field_names(X->run),
                 set->fields[set->field_count - 1].name);
        return value_poison(L);
    }
    meaning_use(L, name->kind == EXPR_MEMBER ? name->member.member : name->name, set->fields[field].span, NULL);
    if (value_is_poison(v)) return v;
    const Field *y = &set->fields[field];
    int cell = field_mean_cell(set, y);
    if (cell < 0) return v;
    const char *what = text_format(X->arena, "what is brought back to the units of %s", y->name);
    Node *node = value_to_node(L, v, y->value->dtype, y->value->shape, inner->span, what);
    if (!node) return value_poison(L);
    Node *mean = statistic_of(L, set, y, cell), *deviation = statistic_of(L, set, y, cell + 1);
    Node *scaled = graph_binary(L->graph, OP_MUL, graph_cast(L->graph, node, DTYPE_F64), deviation);
    Node *back = graph_binary(L->graph, OP_ADD, scaled, mean);
    return value_tensor(L, graph_cast(L->graph, back, node->dtype), 0);
}

static const Builtin undo_builtin = {
    "undo", 2, 2, true, lower_undo, "undo(y, e)", "e in the units of what the field y standardizes"};

void run_bind_undo(RunLowering *R, Scope *scope) {
    scope_bind(R->L, scope, name_from(R->X->names, "undo"), value_builtin(R->L, &undo_builtin, R->X), (Span){0, 0});
}
