/* grad.c: grad(e, x), the derivative of a scalar by a name, taken on the one-example graph while
 * lowering, so that it applies to its own result.
 *
 * The name stands for a node. Equal values are one node, views of views are composed, and constants fold, so a name that
 * something is differentiated by is bound to a variable: a node that hides the value behind it (ops.def). The names are
 * known before a body is lowered; its results are made again without the variables, so that they leave no trace.
 *
 * Under mapped axes every element is computed alone, so the derivative of the sum over them is the derivative
 * of each. Of an axis that x has not, each element depends on the one x: there the result is a Jacobian. By a single
 * number it is the derivative of w . e by x, which is linear in w, by w; by an array it is a scan over the elements of e,
 * whose rules make of it what can be made for all elements at once.
 */
#include "ir/scan.h"
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
    if (lower_is_noted(L, call->span)) return zero;
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

/* ---- one value for each place of axes that x has not -------------------------------------------------- */
typedef struct Axes {
    int id[MOST_RANK + 1], place[MOST_RANK + 1], count; /* places in the node of e */
    int64_t extent[MOST_RANK + 1], all;
} Axes;

static Axes axes_lacking(const Value *e, const Value *x) {
    Axes lacking = {.all = 1};
    for (int i = 0; i < e->axes; i++) {
        if (axes_has(x, e->axis[i])) continue;
        lacking.id[lacking.count] = e->axis[i];
        lacking.place[lacking.count] = i;
        lacking.extent[lacking.count++] = e->node->shape.extent[i];
        lacking.all *= e->node->shape.extent[i];
    }
    return lacking;
}

static Node *gradient_by(Lowering *L, Node *e, Node *seed, Node *x, bool *good) {
    Node *gradient = NULL;
    *good &= graph_gradients(L->graph, e, seed, &x, 1, &gradient);
    return gradient;
}

/* The lacking axes, then those of x. */
static Shape jacobian_shape(const Axes *lacking, Shape of_x) {
    Shape shape = {.rank = lacking->count + of_x.rank};
    for (int a = 0; a < shape.rank; a++)
        shape.extent[a] = a < lacking->count ? lacking->extent[a] : of_x.extent[a - lacking->count];
    return shape;
}

/* From the axes of e to the lacking ones, then those of x, which it has as well or has not. */
static Node *in_order(Lowering *L, const Value *e, Node *node, const Value *x, const Axes *lacking) {
    int axis_of_source[MOST_RANK];
    for (int i = 0; i < e->axes; i++)
        for (int k = 0; k < lacking->count + x->axes; k++)
            if (e->axis[i] == (k < lacking->count ? lacking->id[k] : x->axis[k - lacking->count]))
                axis_of_source[i] = k;
    return graph_expand(L->graph, node, jacobian_shape(lacking, x->node->shape), axis_of_source);
}

/* w, a variable that is 1 everywhere, leaves no trace: what is linear in it has a derivative without it. */
static Node *jacobian_by_number(Lowering *L, const Value *e, const Value *x, const Axes *lacking, bool *good) {
    Graph *g = L->graph;
    Node *w = graph_variable(g, graph_const(g, e->node->dtype, e->node->shape, 1), L->variables_made++);
    Node *of_sum = gradient_by(L, e->node, w, x->node, good);
    Node *each = of_sum == NULL || !*good ? NULL : gradient_by(L, of_sum, NULL, w, good);
    return each == NULL ? NULL : in_order(L, e, each, x, lacking);
}

/* 1 at the place of the scan's element among the lacking axes, at all places of the others. */
static Node *chosen(Graph *g, const Node *e, const Axes *lacking, const ScanLoop *scan) {
    Node *place = graph_const(g, DTYPE_I32, e->shape, 0);
    int64_t stride = lacking->all;
    for (int k = 0; k < lacking->count; k++) {
        stride /= lacking->extent[k];
        Node *index = graph_leaf(g, OP_IOTA, DTYPE_I32, e->shape, lacking->place[k]);
        Node *by = graph_const(g, DTYPE_I32, e->shape, (double)stride);
        place = graph_binary(g, OP_ADD, place, graph_binary(g, OP_MUL, index, by));
    }
    Node *here = graph_expand(g, graph_scan_index(g, scan), e->shape, NULL);
    return graph_where(g, graph_binary(g, OP_EQ, place, here), graph_const(g, e->dtype, e->shape, 1),
                       graph_const(g, e->dtype, e->shape, 0));
}

static Node *jacobian_by_scan(Lowering *L, const Value *e, const Value *x, const Axes *lacking, bool *good) {
    const ScanLoop *scan = graph_scan(L->graph, lacking->all, false);
    Node *row = gradient_by(L, e->node, chosen(L->graph, e->node, lacking, scan), x->node, good);
    if (row == NULL || !*good) return NULL;
    Node *rows = graph_stack(L->graph, row, scan, NULL, 0);
    return graph_reshape(L->graph, rows, jacobian_shape(lacking, x->node->shape));
}

/* The value with the axes in their ascending order. */
static Value *with_axes(Lowering *L, Node *node, const Axes *lacking, const Value *x) {
    int ids[MOST_RANK], source_axis[MOST_RANK], axes = lacking->count + x->axes;
    for (int a = 0; a < node->shape.rank; a++) {
        source_axis[a] = a;
        if (a >= axes) continue;
        int id = a < lacking->count ? lacking->id[a] : x->axis[a - lacking->count], at = a;
        for (; at > 0 && ids[at - 1] > id; at--) {
            ids[at] = ids[at - 1];
            source_axis[at] = source_axis[at - 1];
        }
        ids[at] = id;
        source_axis[at] = a;
    }
    if (lacking->count > 0) node = graph_permute(L->graph, node, source_axis);
    return value_of_node(L, node, ids, axes);
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
    if (passes_all_rows(L, e->node, x->node)) return of_all_rows(L, call);
    if (scan_hides(L, e->node, x->node)) {
        const char *name = written->items[1].value->name.text;
        Diagnostic *d = lower_error(L, CODE_E0220, call->span,
                                    "what grad differentiates by %s depends on it through the elements before, too",
                                    name);
        lower_help(L, d, "take the derivative of what the scan returns, behind it; or by a value of this element");
        return value_poison(L);
    }
    Axes lacking = axes_lacking(e, x);
    if (lacking.count + x->node->shape.rank > MOST_RANK) {
        lower_error(L, CODE_E0219, call->span, "this derivative would have more than %d axes", MOST_RANK);
        return value_poison(L);
    }
    bool backward = L->graph->backward, good = true;
    Node *gradient = lacking.count == 0                    ? gradient_by(L, e->node, NULL, x->node, &good)
                     : shape_size(value_own_shape(x)) == 1 ? jacobian_by_number(L, e, x, &lacking, &good)
                                                           : jacobian_by_scan(L, e, x, &lacking, &good);
    L->graph->backward = backward;
    if (!good) return value_poison(L);
    if (gradient == NULL) return constant_gradient(L, call, e->node, x);
    return with_axes(L, gradient, &lacking, x);
}
