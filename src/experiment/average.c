/* average: `average = 0.999`: what is validated, kept, predicted with and saved is a running average of the parameters.
 *
 * The cell of the parameter's name is the average, so whoever reads parameters reads it: evaluate, predict, files, reports,
 * applications. What steps train is a cell beside it, trained@NAME, of the kind of an optimizer's state: it begins as the
 * parameter does, and a training goes on from it. Steps alone read it, in place of the parameter (parameter_hook);
 * averaged(net)(x) reads the average in steps too, without gradient.
 *
 * The average after a step is a + (1 - d) (w - a), w what the step makes of what is trained. A program whose gradients alone
 * are asked for has no averages.
 */
#include "experiment/experiment.h"
#include <string.h>

/* ---- what is read ----------------------------------------------------------------------------------- */
static int trained_cell(RunLowering *R, int parameter) {
    Lowering *L = R->L;
    const Cell cell = L->cells.items[parameter];
    if (cell.trained >= 0) return cell.trained;
    Node *initial = graph_leaf(L->graph, OP_CELL, cell.dtype, cell.shape, parameter);
    int made = lower_cell(L, CELL_OPTIMIZER, text_format(L->arena, "trained@%s", cell.name), cell.dtype, cell.shape,
                          initial, cell.span);
    L->cells.items[made].of = parameter;
    L->cells.items[parameter].trained = made;
    return made;
}

static int read_cell(Lowering *L, int cell, void *context) {
    RunLowering *R = ((Experiment *)context)->run;
    const Cell *of = &L->cells.items[cell];
    bool trained = R && R->average && R->mode == MODE_TRAIN && !R->of_averages && of->kind == CELL_PARAMETER &&
                   !L->frozen_hook(L, of->name, context);
    return trained ? trained_cell(R, cell) : cell;
}

void average_begin(RunLowering *R) {
    const BlockStmt *setting = block_setting(R->block, KEY_AVERAGE);
    const Expr *expr = setting ? each_resolve(R->X, setting->stmt->assign.value) : NULL;
    bool none = expr && expr->kind == EXPR_NAME && strcmp(expr->name.text, "none") == 0;
    R->average = none || R->X->options->gradients ? NULL : expr;
    R->L->parameter_hook = read_cell;
}

int average_trained(const RunLowering *R, int parameter) {
    int trained = R->L->cells.items[parameter].trained;
    return trained >= 0 ? trained : parameter;
}

/* ---- averaged(net)(x) -------------------------------------------------------------------------------- */
static Value *without_gradient(Lowering *L, const Value *v) {
    Value *copy = arena_copy(L->arena, v, sizeof *v);
    if (v->kind == VALUE_TENSOR) copy->node = graph_unary(L->graph, OP_STOP_GRADIENT, v->node);
    if (v->kind != VALUE_TUPLE) return copy;
    copy->items = arena_array(L->arena, Value *, v->count + 1);
    for (int i = 0; i < v->count; i++) copy->items[i] = without_gradient(L, v->items[i]);
    return copy;
}

static Value *call_averaged(Lowering *L, Scope *scope, const Arguments *unused, const Expr *call, void *context) {
    const Value *model = context;
    RunLowering *R = ((Experiment *)L->hook_context)->run;
    (void)unused;
    Arguments *args = lower_arguments(L, scope, call);
    bool outer = R->of_averages;
    R->of_averages = true;
    Value *v = lower_call_definition(L, model->definition, args, call);
    R->of_averages = outer;
    return value_is_poison(v) ? v : without_gradient(L, v);
}

static Value *lower_averaged(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    static const Builtin averaged = {
        "averaged", 0, -1, true, call_averaged, "averaged(net)(x)", "the model under its averaged weights"};
    const Experiment *X = context;
    (void)scope;
    const Value *model = args->value[0];
    if (model->kind != VALUE_DEFINITION || model->definition->kind != DEFINE_MODEL) {
        Diagnostic *d = lower_error(L, CODE_E0216, call->span, "averaged takes a model, and this is %s",
                                    value_type_text(L, model));
        lower_help(L, d, "like this: t = averaged(net)(x)");
        return value_poison(L);
    }
    if (X->run && (X->run->average || X->options->gradients)) return value_builtin(L, &averaged, (void *)model);
    Diagnostic *d = lower_error(L, CODE_E0302, call->span, "averaged(%s) is asked for, and %s averages no weights",
                                model->definition->name.text, X->run ? X->run->block->name.text : "this");
    lower_help(L, d, "add average = 0.999 to the train block");
    return value_poison(L);
}

void average_bind(Experiment *X) {
    static const Builtin builtin = {"averaged",
                                    1,
                                    1,
                                    false,
                                    lower_averaged,
                                    "averaged(net)(x)",
                                    "in training: the model under its averaged weights, without gradient"};
    scope_bind(X->L, X->L->prelude, name_from(X->names, builtin.name), value_builtin(X->L, &builtin, X), (Span){0, 0});
}

/* ---- the average after a step ----------------------------------------------------------------------- */
static bool wide(const Lowering *L) { return L->real == DTYPE_F64; }

bool average_lower(RunLowering *R, Scope *scope) {
    Lowering *L = R->L;
    if (!R->average) return true;
    Value *v = lower_expression(L, scope, R->average);
    if (value_is_poison(v)) return false;
    if (value_is_number(v) && !(v->number >= 0 && v->number < 1)) {
        Diagnostic *d = report(R->X->diagnostics, CODE_E0304, R->average->span,
                               "an average keeps a part of itself at each step, from 0 up to and without 1");
        add_help(R->X->diagnostics, d, "average = 0.999 is an average over about the last 1000 steps");
        return false;
    }
    R->decay[wide(L)] = value_is_number(v) ? lower_slot(L, "average", v, R->average->span) : v;
    if (value_is_number(v)) return true;
    Node *node = value_to_real_scalar(L, v, R->average->span, "the setting average");
    if (!node || !node_depends_on_rows(L->arena, node)) return node != NULL;
    report(R->X->diagnostics, CODE_E0304, R->average->span, "how much of an average stays cannot depend on the rows");
    return false;
}

/* 1 - d, in f64 of a number: 0.001 of 0.999. */
static Node *share(RunLowering *R, DType t) {
    Lowering *L = R->L;
    const Value *decay = R->decay[t == DTYPE_F64];
    Node *d = value_is_number(decay) ? decay->wide
                                     : value_to_real_scalar(L, decay, R->average->span, "the setting average");
    Node *one = graph_const(L->graph, d->dtype, (Shape){0}, 1);
    return graph_cast(L->graph, graph_binary(L->graph, OP_SUB, one, d), t);
}

Node *average_after(RunLowering *R, int parameter, Node *trained) {
    const Cell *cell = &R->L->cells.items[parameter];
    Graph *g = R->L->graph;
    if (cell->trained < 0) return NULL;
    Node *before = graph_leaf(g, OP_CELL, cell->dtype, cell->shape, parameter);
    Node *moved = graph_binary(g, OP_SUB, trained, before);
    Node *part = graph_expand(g, share(R, cell->dtype), cell->shape, NULL);
    return graph_binary(g, OP_ADD, before, graph_binary(g, OP_MUL, part, moved));
}
