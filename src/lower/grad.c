/* grad.c: grad(e, x), the derivative of a scalar by a name, taken on the one-example graph while
 * lowering, so that it applies to its own result.
 *
 * The name stands for a node. Equal values are one node, views of views are composed, and constants fold, so a name that
 * something is differentiated by is bound to a variable: a node that hides the value behind it (ops.def). The names are
 * known before a body is lowered; its results are made again without the variables, so that they leave no trace.
 *
 * Under mapped axes every element is computed alone, so the derivative of the sum over them is the derivative
 * of each. That needs x to have every axis that e has.
 */
#include "lower/internal.h"
#include <string.h>

/* ---- variables ------------------------------------------------------------------------------- */
typedef struct VariableGather {
    Lowering *L;
    Scope *scope;
} VariableGather;

static void gather_variable(const Expr *expr, void *context) {
    VariableGather *gather = context;
    Lowering *L = gather->L;
    if (expr->kind != EXPR_CALL || expr->call.args.count != 2) return;
    const Expr *callee = expr->call.callee, *by = expr->call.args.items[1].value;
    if (callee->kind != EXPR_NAME || strcmp(callee->name.text, "grad") != 0 || by->kind != EXPR_NAME) return;
    if (gather->scope->variables == NULL) {
        gather->scope->variables = arena_new_of(L->arena, Variables);
        gather->scope->variables->first = L->graph->next_id;
    }
    if (!variables_have(gather->scope->variables, by->name.text))
        vector_push(L->arena, &gather->scope->variables->names, by->name.text);
}

void scope_find_variables(Lowering *L, Scope *scope, const Stmt *stmt) {
    stmt_visit(stmt, gather_variable, &(VariableGather){L, scope});
}

void body_find_variables(Lowering *L, Scope *scope, const Definition *definition) {
    expr_visit(definition->value, gather_variable, &(VariableGather){L, scope});
    for (int i = 0; definition->value == NULL && i < definition->body.count; i++)
        if (definition->body.items[i] != NULL) scope_find_variables(L, scope, definition->body.items[i]);
}

Value *without_variables(Lowering *L, const Variables *variables, Value *value) {
    if (variables == NULL || (value->kind != VALUE_TENSOR && value->kind != VALUE_TUPLE && value->kind != VALUE_LIST))
        return value;
    Value *plain = arena_copy(L->arena, value, sizeof *value);
    if (value->kind == VALUE_TENSOR) {
        plain->node = graph_without_variables(L->graph, value->node, variables->first);
        return plain;
    }
    plain->items = arena_array(L->arena, Value *, value->count + 1);
    for (int i = 0; i < value->count; i++) plain->items[i] = without_variables(L, variables, value->items[i]);
    return plain;
}

/* ---- grad(e, x) ------------------------------------------------------------------------------ */
static Value *check_by(Lowering *L, Scope *scope, const Expr *by) {
    if (by->kind != EXPR_NAME) {
        Diagnostic *d = lower_error(L, CODE_E0220, by->span, "the second argument of grad is the name of a value");
        lower_help(L, d, "give the value a name first: z = ..., then compute with z and take grad(e, z)");
        return value_poison(L);
    }
    Value *x = lower_expression(L, scope, by);
    if (value_is_poison(x) || value_is_real(x)) return x;
    lower_error(L, CODE_E0220, by->span, "grad(e, %s) needs a real %s; it is %s", by->name.text, by->name.text,
                value_type_text(L, x));
    return value_poison(L);
}

static bool check_axes(Lowering *L, const Value *e, const Value *x, const Expr *call) {
    for (int i = 0; i < e->axes; i++)
        if (!axes_has(x, e->axis[i])) {
            Name name = L->axes.items[e->axis[i]].name;
            Diagnostic *d = lower_error(L, CODE_E0210, call->span,
                                        "the gradient of one value per %s by a value that has "
                                        "none is not supported yet",
                                        name == NULL ? "mapped element" : name);
            lower_help(L, d, "reduce it first, as in grad(sum(e), x), or take the gradient of one element");
            return false;
        }
    return true;
}

/* Once at a place, however often it is lowered. */
static bool is_told(Lowering *L, Span at) {
    for (int i = 0; i < L->constant_gradients.count; i++)
        if (L->constant_gradients.items[i].begin == at.begin && L->constant_gradients.items[i].end == at.end)
            return true;
    if (!L->quiet) vector_push(L->arena, &L->constant_gradients, at);
    return L->quiet;
}

/* e depends on x, but only through what has no derivative. */
static Value *no_derivative(Lowering *L, const Expr *call, const Node *end, const char *name) {
    Diagnostic *d = lower_error(L, CODE_E0209, end->span,
                                "what grad differentiates by %s depends on it only through "
                                "this: %s has no derivative",
                                name, graph_gradient_end_text(end));
    lower_note(L, d, call->span, "the derivative is taken here");
    lower_help(L, d, "use a smooth stand-in, such as sigmoid for a comparison, or stop_gradient where 0 is meant");
    return value_poison(L);
}

static Value *constant_gradient(Lowering *L, const Expr *call, Node *e, const Value *x) {
    const char *name = call->call.args.items[1].value->name.text;
    const Node *end = e == NULL ? NULL : graph_gradient_end(L->graph, e, x->node, false);
    if (end != NULL) return no_derivative(L, call, end, name);
    Value *zero = value_of_node(L, graph_const(L->graph, x->node->dtype, x->node->shape, 0), x->axis, x->axes);
    int count = 0;
    Node **nodes = e == NULL ? NULL : graph_post_order(L->arena, &e, 1, &count);
    for (int i = 0; i < count; i++)
        if (nodes[i] == x->node) return zero;
    if (is_told(L, call->span)) return zero;
    Diagnostic *d = lower_error(L, CODE_N0302, call->span, "this is not computed from %s, so its derivative by %s is 0",
                                name, name);
    lower_help(L, d, "differentiate by the very name that it is computed from");
    return zero;
}

/* Does e depend on x through what takes all rows together? Then it is no derivative of one example. */
static bool passes_all_rows(Lowering *L, Node *e, const Node *x) {
    int count;
    Node **nodes = graph_post_order(L->arena, &e, 1, &count);
    bool *on = arena_array(L->arena, bool, e->id + 1);
    for (int i = 0; i < count; i++) {
        const Node *node = nodes[i];
        on[node->id] = node == x;
        for (int s = 0; s < node->sources; s++) on[node->id] |= on[node->source[s]->id];
        if (node != x && on[node->id] && node_takes_all_rows(node)) return true;
        on[node->id] &= node->op != OP_STOP_GRADIENT;
    }
    return false;
}

static Value *of_all_rows(Lowering *L, const Expr *call) {
    const char *name = call->call.args.items[1].value->name.text;
    Diagnostic *d = lower_error(
        L, CODE_E0220, call->span,
        "grad(e, %s) is of one row, and here e depends on the %s of all rows through batch(...)", name, name);
    lower_help(L, d, "take batch(...) of the derivative, or stop_gradient(batch(...)) where it is to count as given");
    return value_poison(L);
}

Value *lower_grad(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    (void)context;
    (void)args;
    const ArgumentList *written = &call->call.args;
    Value *e = lower_expression(L, scope, written->items[0].value);
    Value *x = check_by(L, scope, written->items[1].value);
    if (value_is_poison(e) || value_is_poison(x)) return value_poison(L);
    if (value_is_number(e) && e->node == NULL) return constant_gradient(L, call, NULL, x);
    Span at = written->items[0].value->span;
    if (!value_is_real(e) || e->batch || value_own_shape(e).rank != 0) {
        Diagnostic *d = lower_error(L, CODE_E0220, at, "grad differentiates a real scalar, and this is %s",
                                    value_type_text(L, e));
        lower_help(L, d, "take one element or a sum of it");
        return value_poison(L);
    }
    if (!check_axes(L, e, x, call)) return value_poison(L);
    if (passes_all_rows(L, e->node, x->node)) return of_all_rows(L, call);
    if (scan_hides(L, e->node, x->node)) {
        const char *name = written->items[1].value->name.text;
        Diagnostic *d = lower_error(L, CODE_E0220, call->span,
                                    "what grad differentiates by %s depends on it through the elements before, too",
                                    name);
        lower_help(L, d, "take the derivative of what the scan returns, behind it; or by a value of this element");
        return value_poison(L);
    }
    Node *gradient = NULL;
    bool backward = L->graph->backward;
    if (!graph_gradients(L->graph, e->node, NULL, &x->node, 1, &gradient)) return value_poison(L);
    L->graph->backward = backward;
    return gradient == NULL ? constant_gradient(L, call, e->node, x) : value_of_node(L, gradient, x->axis, x->axes);
}
