/* undo: undo(y, e), the way back from a standardised field: e in the units that y had in its file. */
#include "experiment/experiment.h"

static Value *lower_undo(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    Experiment *X = context;
    (void)args;
    const Expr *name = call->call.args.items[0].value, *inner = call->call.args.items[1].value;
    Value *v = lower_expression(L, scope, inner);
    const DataSet *set = X->run->run.data;
    int field = name->kind == EXPR_NAME ? data_find_field(set, name->name.text) : -1;
    if (field < 0) {
        Diagnostic *d = report(X->diagnostics, CODE_E0316, name->span,
                               "undo names a field of the data, whose units come back");
        add_help(X->diagnostics, d, "data %s has the fields %s: undo(%s, e)", set->name, run_field_names(X->run),
                 set->fields[set->field_count - 1].name);
        return value_poison(L);
    }
    meaning_use(L, name->name, set->fields[field].span, NULL);
    if (value_is_poison(v)) return v;
    int index = set->fields[field].column;
    const Column *column = index >= 0 ? &set->columns[index] : NULL;
    if (!column || !column->standardized) return v;
    const char *what = text_format(X->arena, "what is brought back to the units of %s", set->fields[field].name);
    Node *node = value_to_node(L, v, column->dtype, column->shape, inner->span, what);
    if (!node) return value_poison(L);
    Node *deviation = graph_leaf(L->graph, OP_CELL, DTYPE_F64, column->shape, column->deviation_cell);
    Node *mean = graph_leaf(L->graph, OP_CELL, DTYPE_F64, column->shape, column->mean_cell);
    Node *scaled = graph_binary(L->graph, OP_MUL, graph_cast(L->graph, node, DTYPE_F64), deviation);
    return value_tensor(L, graph_cast(L->graph, graph_binary(L->graph, OP_ADD, scaled, mean), column->dtype), 0);
}

static const Builtin undo_builtin = {
    "undo", 2, 2, true, lower_undo, "undo(y, e)", "e in the units that the field y has in its file"};

void run_bind_undo(RunLowering *R, Scope *scope) {
    scope_bind(R->L, scope, name_from(R->X->names, "undo"), value_builtin(R->L, &undo_builtin, R->X), (Span){0, 0});
}
