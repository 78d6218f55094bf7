/* grad.c: grad(e, x), the derivative of a scalar by a name, taken on the one-example graph while
 * lowering, so that it applies to its own result.
 *
 * The name stands for a node. Equal values are one node, so in u(x, 0) with x = 0 two parameters would be
 * one; where a body differentiates by a parameter that is a constant or equals another argument, the
 * parameter is a stand-in leaf until the body is lowered, and is then replaced by its value.
 *
 * Under mapped axes every element is computed alone, so the derivative of the sum over them is the derivative
 * of each. That needs x to have every axis that e has.
 */
#include "lower/internal.h"
#include <string.h>

enum { FIRST_STAND_IN = -1000 }; /* COLUMN indices below are no columns */

/* ---- does a body differentiate by this parameter? -------------------------------------------- */
static bool finds_gradient(const Expr *expr, Name formal, int depth);

static bool any_argument(const Expr *call, Name formal, int depth)
{
    for (int i = 0; i < call->call.args.count; i++)
        if (finds_gradient(call->call.args.items[i].value, formal, depth))
            return true;
    return false;
}

static bool finds_gradient(const Expr *expr, Name formal, int depth)
{
    if (expr == NULL || depth > MOST_EXPRESSION_DEPTH)
        return false;
    depth++;
    switch (expr->kind) {
    case EXPR_UNARY: return finds_gradient(expr->unary.operand, formal, depth);
    case EXPR_BINARY:
        return finds_gradient(expr->binary.left, formal, depth)
               || finds_gradient(expr->binary.right, formal, depth);
    case EXPR_IF:
        return finds_gradient(expr->choice.then, formal, depth)
               || finds_gradient(expr->choice.otherwise, formal, depth);
    case EXPR_CALL: {
        const Expr *callee = expr->call.callee;
        const ArgumentList *args = &expr->call.args;
        if (callee->kind == EXPR_NAME && strcmp(callee->name.text, "grad") == 0 && args->count == 2
            && args->items[1].value->kind == EXPR_NAME && args->items[1].value->name.text == formal)
            return true;
        return any_argument(expr, formal, depth);
    }
    case EXPR_INDEX: return finds_gradient(expr->index.base, formal, depth);
    case EXPR_MEMBER: return finds_gradient(expr->member.base, formal, depth);
    case EXPR_ARRAY:
        for (int i = 0; i < expr->array.items.count; i++)
            if (finds_gradient(expr->array.items.items[i], formal, depth))
                return true;
        return false;
    case EXPR_COMPREHENSION: return finds_gradient(expr->comprehension.item, formal, depth);
    default: return false;
    }
}

static bool block_takes_gradient(const StmtList *body, Name formal, int depth)
{
    for (int i = 0; i < body->count && depth < MOST_CALL_DEPTH; i++) {
        const Stmt *stmt = body->items[i];
        bool found = false;
        switch (stmt->kind) {
        case STMT_TYPED: found = finds_gradient(stmt->bind.value, formal, 0); break;
        case STMT_ASSIGN: found = finds_gradient(stmt->assign.value, formal, 0); break;
        case STMT_TUPLE: found = finds_gradient(stmt->tuple.value, formal, 0); break;
        case STMT_REPEAT: found = block_takes_gradient(&stmt->repeat.body, formal, depth + 1); break;
        case STMT_RETURN:
            for (int k = 0; k < stmt->ret.values.count; k++)
                found |= finds_gradient(stmt->ret.values.items[k], formal, 0);
            break;
        default: break;
        }
        if (found)
            return true;
    }
    return false;
}

bool body_takes_gradient(const Definition *definition, Name formal)
{
    return definition->value != NULL ? finds_gradient(definition->value, formal, 0)
                                     : block_takes_gradient(&definition->body, formal, 0);
}

/* ---- stand-ins ------------------------------------------------------------------------------- */
Value *gradient_stand_in(Lowering *L, const Value *v)
{
    int64_t index = FIRST_STAND_IN - L->stand_ins++;
    Node *leaf = graph_leaf(L->graph, OP_COLUMN, v->node->dtype, v->node->shape, index);
    return value_like(L, v, leaf, v->axis, v->axes);
}

typedef struct Restoration {
    Value *const *from, *const *to;
    int count;
} Restoration;

static Node *restore_node(Graph *g, Node *old, Node *const *source, void *context)
{
    const Restoration *r = context;
    for (int i = 0; i < r->count; i++)
        if (old == r->from[i]->node)
            return r->to[i]->node;
    return graph_again(g, old, source);
}

Value *gradient_restore(Lowering *L, Value *result, Value *const *stand_ins, Value *const *originals,
                        int count)
{
    if (count == 0)
        return result;
    if (result->kind == VALUE_TUPLE) {
        Value *tuple = arena_copy(L->arena, result, sizeof *result);
        tuple->items = arena_array(L->arena, Value *, result->count);
        for (int i = 0; i < result->count; i++)
            tuple->items[i] = gradient_restore(L, result->items[i], stand_ins, originals, count);
        return tuple;
    }
    if (result->kind != VALUE_TENSOR)
        return result;
    Restoration r = {stand_ins, originals, count};
    Node *root = result->node;
    graph_rewrite(L->graph, &root, 1, restore_node, &r);
    return value_like(L, result, root, result->axis, result->axes);
}

/* ---- grad(e, x) ------------------------------------------------------------------------------ */
static Value *check_by(Lowering *L, Scope *scope, const Expr *by)
{
    if (by->kind != EXPR_NAME) {
        Diagnostic *d =
            lower_error(L, CODE_E0220, by->span, "the second argument of grad is the name of a value");
        lower_help(L, d, "give the value a name first: z = ..., then compute with z and take grad(e, z)");
        return value_poison(L);
    }
    Value *x = lower_expression(L, scope, by);
    if (value_is_poison(x) || value_is_real(x))
        return x;
    lower_error(L, CODE_E0220, by->span, "grad(e, %s) needs a real %s; it is %s", by->name.text,
                by->name.text, value_type_text(L, x));
    return value_poison(L);
}

static bool check_axes(Lowering *L, const Value *e, const Value *x, const Expr *call)
{
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

Value *lower_grad(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context)
{
    (void)context;
    (void)args;
    const ArgumentList *written = &call->call.args;
    Value *e = lower_expression(L, scope, written->items[0].value);
    Value *x = check_by(L, scope, written->items[1].value);
    if (value_is_poison(e) || value_is_poison(x))
        return value_poison(L);
    Value *zero =
        value_of_node(L, graph_const(L->graph, x->node->dtype, x->node->shape, 0), x->axis, x->axes);
    if (value_is_number(e) && e->node == NULL)
        return zero;
    Span at = written->items[0].value->span;
    if (!value_is_real(e) || e->batch || value_own_shape(e).rank != 0) {
        Diagnostic *d = lower_error(L, CODE_E0220, at, "grad differentiates a real scalar, and this is %s",
                                    value_type_text(L, e));
        lower_help(L, d, "take one element or a sum of it");
        return value_poison(L);
    }
    if (!check_axes(L, e, x, call))
        return value_poison(L);
    Node *gradient = NULL;
    bool backward = L->graph->backward;
    if (!graph_gradients(L->graph, e->node, NULL, &x->node, 1, &gradient))
        return value_poison(L);
    L->graph->backward = backward;
    return gradient == NULL ? zero : value_of_node(L, gradient, x->axis, x->axes);
}
