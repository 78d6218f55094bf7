/* expression.c: the walk over expressions.
 *
 * Each node of the tree is lowered where it stands, operands first. `sum(e for i)`, `[e for i]` and `y[i] =
 * e` (block.c) open index variables: their ranges are found first (range.c), the variables become
 * names of a new scope, and what they left in the result is reduced or turned into own axes.
 */
#include "lower/internal.h"
#include <string.h>

/* ---- names ----------------------------------------------------------------------------------- */
static Value *lower_name(Lowering *L, Scope *scope, const Expr *expr) {
    Name name = expr->name.text;
    Binding *binding = scope_find(scope, name);
    if (binding != NULL) {
        binding->used = true;
        meaning_of_binding(L, expr->name, binding);
        return binding->value;
    }
    if (strcmp(name, "training") == 0) return value_bool(L, L->training);
    report_unknown_name(L, L->calls == NULL ? NULL : L->calls->definition, scope, expr->name);
    return value_poison(L);
}

/* ---- binders --------------------------------------------------------------------------------- */
bool index_check(Lowering *L, const BinderList *binders) {
    for (int i = 0; i < binders->count; i++) {
        const Binder *binder = &binders->items[i];
        if (binder->path != NULL || binder->name.text == NULL) {
            lower_error(L, CODE_E0213, binder->span, "an index variable is a plain name");
            return false;
        }
        for (int k = 0; k < i; k++)
            if (binders->items[k].name.text == binder->name.text) {
                lower_error(L, CODE_E0212, binder->span, "the index %s is bound twice here", binder->name.text);
                return false;
            }
    }
    if (L->active_count + binders->count > 56 || binders->count > MOST_RANK) {
        lower_error(L, CODE_E0219, binders->items[0].span, "too many index variables are open here");
        return false;
    }
    return true;
}

Scope *index_open(Lowering *L, Scope *scope, const BinderList *binders, int *ids) {
    int64_t begin[MOST_RANK], extent[MOST_RANK];
    for (int i = 0; i < binders->count; i++)
        if (!range_of_binder(L, &binders->items[i], &begin[i], &extent[i])) return NULL;
    lower_open_axes(L, extent, binders->count, ids);
    Scope *inner = scope_new(L, scope);
    for (int i = 0; i < binders->count; i++) {
        const Word *name = &binders->items[i].name;
        L->axes.items[ids[i]].name = name->text;
        scope_bind(L, inner, name->text, value_index(L, begin[i], ids[i]), name->span);
    }
    return inner;
}

/* The ranges of a nested `for` were found with the outer ones; an outermost one starts a scan of its own. */
static bool ranges_begin(Lowering *L, Scope *scope, const BinderList *binders, const Expr *body) {
    for (RangeFrame *frame = L->ranges; frame != NULL; frame = frame->outer)
        for (RangeEntry *e = frame->entries; e != NULL; e = e->next)
            if (e->binder == &binders->items[0]) return false;
    range_frame_push(L, scope, binders, body);
    return true;
}

static Value *lower_comprehension(Lowering *L, Scope *scope, const Expr *expr) {
    const BinderList *binders = &expr->comprehension.binders;
    int ids[MOST_RANK];
    if (!index_check(L, binders)) return value_poison(L);
    bool began = ranges_begin(L, scope, binders, expr->comprehension.item);
    Scope *inner = index_open(L, scope, binders, ids);
    Value *result = value_poison(L);
    if (inner != NULL) {
        Value *item = lower_expression(L, inner, expr->comprehension.item);
        lower_close_axes(L, binders->count);
        result = value_axes_to_own(L, item, ids, binders->count);
        if (!value_is_numeric(result) && !value_is_poison(result) && result->kind != VALUE_TENSOR) {
            lower_error(L, CODE_E0216, expr->comprehension.item->span, "an array has numbers as items, not %s",
                        value_type_text(L, result));
            result = value_poison(L);
        }
    }
    if (began) range_frame_pop(L);
    return result;
}

/* sum(e for i, j in 0..n) */
static Value *lower_reduction(Lowering *L, Scope *scope, const Expr *expr) {
    static const char *const names[] = {"sum", "mean", "max", "min"};
    const BinderList *binders = &expr->call.binders;
    const Expr *callee = expr->call.callee, *item = expr->call.args.items[0].value;
    int how = 0;
    Value *function = lower_expression(L, scope, callee);
    if (value_is_poison(function)) return function;
    while (how < 4 && (function->kind != VALUE_BUILTIN || strcmp(function->builtin->name, names[how]) != 0)) how++;
    if (how == 4) {
        Diagnostic *d = lower_error(L, CODE_E0216, expr->span, "`for` stands inside sum, mean, max, min, or `[ ]`");
        lower_help(L, d, "an array of the values is [e for i]");
        return value_poison(L);
    }
    int ids[MOST_RANK];
    if (!index_check(L, binders)) return value_poison(L);
    bool began = ranges_begin(L, scope, binders, item);
    Scope *inner = index_open(L, scope, binders, ids);
    Value *result = value_poison(L);
    if (inner != NULL) {
        Value *term = lower_expression(L, inner, item);
        lower_close_axes(L, binders->count);
        result = reduce_ids(L, (ReductionKind)how, term, ids, binders->count, item->span);
    }
    if (began) range_frame_pop(L);
    return result;
}

/* ---- arrays ---------------------------------------------------------------------------------- */
static Value *array_of_tensors(Lowering *L, Value **items, int count, const Expr *expr) {
    const ExprList *written = &expr->array.items;
    DType t = L->real;
    bool is_integer = true;
    int64_t classes = 0;
    for (int i = 0; i < count; i++) {
        if (value_is_real(items[i])) t = items[i]->node->dtype;
        is_integer &= items[i]->kind == VALUE_TENSOR && items[i]->node->dtype == DTYPE_I32;
        classes = i == 0 || items[i]->classes == classes ? items[i]->classes : -1;
    }
    if (is_integer && classes >= 0) t = DTYPE_I32;
    Shape own = {0};
    for (int i = 0; i < count; i++) {
        if (t != DTYPE_I32) items[i] = value_to_tensor(L, items[i], t, written->items[i]->span, "this item");
        if (value_is_poison(items[i])) return items[i];
        Shape shape = value_own_shape(items[i]);
        if (i > 0 && !shape_equal(shape, own)) {
            Diagnostic *d = lower_error(L, CODE_E0201, written->items[i]->span,
                                        "the items of an array have one shape; "
                                        "the first is %s, this is %s",
                                        value_type_text(L, items[0]), value_type_text(L, items[i]));
            note_operand(L, d, written->items[0], items[0]);
            note_operand(L, d, written->items[i], items[i]);
            return value_poison(L);
        }
        own = shape;
    }
    int ids[MOST_RANK + 1];
    int axes = axes_union(L, items, count, own.rank + 1, ids, expr->span);
    if (axes < 0) return value_poison(L);
    Node **parts = arena_array(L->arena, Node *, count);
    Shape one = shape_of_axes(L, ids, axes, own);
    memmove(one.extent + axes + 1, one.extent + axes, sizeof(int64_t) * (size_t)own.rank);
    one.extent[axes] = 1;
    one.rank++;
    for (int i = 0; i < count; i++) parts[i] = graph_reshape(L->graph, value_spread(L, items[i], ids, axes, own), one);
    Node *all = count == 1 ? parts[0] : graph_concat(L->graph, parts, count, axes);
    Value *v = value_of_node(L, all, ids, axes);
    v->classes = t == DTYPE_I32 ? classes : 0;
    return v;
}

static Value *lower_array(Lowering *L, Scope *scope, const Expr *expr) {
    const ExprList *written = &expr->array.items;
    if (written->count > MOST_LIST) {
        lower_error(L, CODE_E0219, expr->span, "this list has too many items");
        return value_poison(L);
    }
    Value **items = arena_array(L->arena, Value *, written->count + 1);
    bool poison = false, tensors = false, numeric = true;
    for (int i = 0; i < written->count; i++) {
        items[i] = lower_expression(L, scope, written->items[i]);
        poison |= value_is_poison(items[i]);
        tensors |= items[i]->kind == VALUE_TENSOR || items[i]->kind == VALUE_INDEX;
        numeric &= value_is_numeric(items[i]);
    }
    if (poison) return value_poison(L);
    if (!tensors) return value_list(L, items, written->count);
    for (int i = 0; !numeric && i < written->count; i++)
        if (!value_is_numeric(items[i])) {
            lower_error(L, CODE_E0216, written->items[i]->span, "an array has numbers as items, not %s",
                        value_type_text(L, items[i]));
            return value_poison(L);
        }
    return array_of_tensors(L, items, written->count, expr);
}

/* ---- parameters by pattern ------------------------------------------------------------------- */
/* net.*.w as a value: the numbers of all that it covers, one parameter after the other, as one array. */
static Value *parameters_of_pattern(Lowering *L, const char *path, const Expr *expr) {
    Vector(Node *) parts = {0};
    DType dtype = L->real;
    for (int i = 0; i < L->cells.count; i++) {
        const Cell *cell = &L->cells.items[i];
        if (cell->kind != CELL_PARAMETER || !module_covers(path, cell->name)) continue;
        Node *node = lower_parameter_value(L, i)->node;
        vector_push(L->arena, &parts, graph_reshape(L->graph, node, (Shape){1, {shape_size(cell->shape)}}));
        if (cell->dtype == DTYPE_F64) dtype = DTYPE_F64;
    }
    if (L->no_models != NULL) {
        lower_error(L, CODE_E0218, expr->span, "the parameters %s change while training, and cannot stand in %s", path,
                    L->no_models);
        return value_poison(L);
    }
    for (int i = 0; i < parts.count; i++) parts.items[i] = graph_cast(L->graph, parts.items[i], dtype);
    return value_tensor(L, parts.count == 1 ? parts.items[0] : graph_concat(L->graph, parts.items, parts.count, 0), 0);
}

/* ---- members --------------------------------------------------------------------------------- */
static Value *lower_module_value(Lowering *L, Scope *scope, const Expr *expr) {
    int cell;
    const char *path = lower_module_path(L, scope, expr, &cell);
    if (path == NULL) return value_poison(L);
    if (cell >= 0 && L->no_models != NULL) {
        lower_error(L, CODE_E0218, expr->span, "the parameter %s changes while training, and cannot stand in %s", path,
                    L->no_models);
        return value_poison(L);
    }
    if (cell >= 0) return lower_parameter_value(L, cell);
    if (module_is_pattern(path) && path[strlen(path) - 1] != '*') return parameters_of_pattern(L, path, expr);
    Module *module = arena_new_of(L->arena, Module);
    module->path = path;
    Value *v = value_new(L, VALUE_MODULE);
    v->module = module;
    return v;
}

static bool is_module(const Value *v) {
    return v->kind == VALUE_MODULE || (v->kind == VALUE_DEFINITION && v->definition->kind == DEFINE_MODEL);
}

static Value *lower_member(Lowering *L, Scope *scope, const Expr *expr) {
    Value *base = lower_expression(L, scope, expr->member.base);
    Name member = expr->member.member.text;
    if (value_is_poison(base)) return base;
    if (is_module(base)) return lower_module_value(L, scope, expr);
    if (base->kind == VALUE_EXTERNAL && L->external_hook != NULL) {
        Value *v = L->external_hook(L, scope, expr, base, L->hook_context);
        if (v != NULL) return v;
    }
    if (base->kind == VALUE_TUPLE) {
        for (int i = 0; i < base->count; i++)
            if (base->names[i] == member) return base->items[i];
        const char *what = base->string ? text_format(L->arena, "data %s has no field", base->string)
                                        : text_format(L->arena, "%s has no part", value_type_text(L, base));
        Diagnostic *d = lower_error(L, CODE_E0202, expr->member.member.span, "%s named %s", what, member);
        lower_suggest(L, d, NULL, member, base->names, base->names[0] == NULL ? 0 : base->count);
        return value_poison(L);
    }
    Diagnostic *d = lower_error(L, CODE_E0216, expr->span, "%s has no parts, so .%s means nothing",
                                value_type_text(L, base), member);
    const Binding *function = scope_find(scope, member);
    if (strcmp(member, "T") == 0)
        lower_help(L, d, "a matrix is transposed by transpose(x)");
    else if (function != NULL && (function->value->kind == VALUE_DEFINITION || function->value->kind == VALUE_BUILTIN))
        lower_help(L, d, "functions stand in front: %s(x)", member);
    return value_poison(L);
}

/* ---- the walk -------------------------------------------------------------------------------- */
static Value *lower_choice(Lowering *L, Scope *scope, const Expr *expr) {
    const Expr *condition = expr->choice.condition;
    Value *v = lower_expression(L, scope, condition);
    if (value_is_poison(v)) return v;
    if (v->kind == VALUE_BOOL) return lower_expression(L, scope, v->truth ? expr->choice.then : expr->choice.otherwise);
    Diagnostic *d = lower_error(L, CODE_E0221, condition->span,
                                "the condition of `if` is decided when compiling; this "
                                "is %s",
                                value_type_text(L, v));
    lower_help(L, d, "to choose by data, element by element, write where(condition, a, b)");
    return value_poison(L);
}

static Value *lower_unary(Lowering *L, Scope *scope, const Expr *expr) {
    Value *v = lower_expression(L, scope, expr->unary.operand);
    return expr->unary.op == OPERATOR_NOT ? element_not(L, v, expr->span) : element_negate(L, v, expr->span);
}

static Value *lower_quantity(Lowering *L, const Expr *expr) {
    Value *v = value_new(L, VALUE_QUANTITY);
    v->number = expr->quantity.value;
    v->integer = expr->quantity.is_integer ? (int64_t)expr->quantity.value : 0;
    v->is_integer = expr->quantity.is_integer;
    v->unit = expr->quantity.unit.text;
    return v;
}

static Value *lower_external(Lowering *L, Scope *scope, const Expr *expr) {
    Value *v = L->external_hook == NULL ? NULL : L->external_hook(L, scope, expr, NULL, L->hook_context);
    if (v != NULL) return v;
    lower_error(L, CODE_E0213, expr->span, "`%s` does not belong here", expr->kind == EXPR_EACH ? "each" : "every");
    return value_poison(L);
}

static Value *lower_indexed(Lowering *L, Scope *scope, const Expr *expr) {
    Value *base = range_lowered_base(L, expr->index.base);
    if (base == NULL) base = lower_expression(L, scope, expr->index.base);
    if (is_module(base)) return lower_module_value(L, scope, expr);
    return lower_index(L, scope, expr, base);
}

static Value *lower_binary(Lowering *L, Scope *scope, const Expr *expr) {
    Value *left = lower_expression(L, scope, expr->binary.left);
    Value *right = lower_expression(L, scope, expr->binary.right);
    bool is_matmul = expr->binary.op == OPERATOR_MATMUL && !value_is_poison(left) && !value_is_poison(right);
    return is_matmul ? lower_matmul(L, left, right, expr) : element_binary(L, expr->binary.op, left, right, expr);
}

static Value *lower_kind(Lowering *L, Scope *scope, const Expr *expr) {
    switch (expr->kind) {
    case EXPR_NAME: return lower_name(L, scope, expr);
    case EXPR_NUMBER:
        if (expr->number.is_integer && expr->number.value < 9007199254740992.0)
            return value_int(L, (int64_t)expr->number.value);
        return value_number(L, expr->number.value);
    case EXPR_STRING: return value_string(L, expr->string.bytes, expr->string.length);
    case EXPR_QUANTITY: return lower_quantity(L, expr);
    case EXPR_UNARY: return lower_unary(L, scope, expr);
    case EXPR_BINARY: return lower_binary(L, scope, expr);
    case EXPR_IF: return lower_choice(L, scope, expr);
    case EXPR_CALL:
        if (expr->call.binders.count > 0 && expr->call.args.count > 0) return lower_reduction(L, scope, expr);
        return lower_call(L, scope, expr);
    case EXPR_INDEX: return lower_indexed(L, scope, expr);
    case EXPR_MEMBER: return lower_member(L, scope, expr);
    case EXPR_ARRAY: return lower_array(L, scope, expr);
    case EXPR_COMPREHENSION: return lower_comprehension(L, scope, expr);
    case EXPR_SCAN: return lower_scan(L, scope, expr);
    case EXPR_EVERY:
    case EXPR_EACH: return lower_external(L, scope, expr);
    case EXPR_ERROR: break;
    }
    return value_poison(L);
}

/* A few lines can ask for more than any machine has: repeats in repeats, lists in lists, derivatives of
 * derivatives. Each construct is bounded by itself; this bounds what they make together. */
bool lower_outgrown(Lowering *L, Span span) {
    bool too_large = L->graph != NULL && L->graph->next_id > MOST_NODES;
    if ((too_large || L->turns > MOST_TURNS) && !L->outgrown) {
        Diagnostic *d = lower_error(L, CODE_E0902, span,
                                    too_large ? "the program grows to more than %d operations here"
                                              : "all repeats together take more than %d turns here",
                                    too_large ? MOST_NODES : MOST_TURNS);
        lower_help(L, d, "repeat and the bodies of definitions are written out once for each turn and each call");
        L->outgrown = true;
    }
    return L->outgrown;
}

Value *lower_expression(Lowering *L, Scope *scope, const Expr *expr) {
    if (expr == NULL) return value_poison(L);
    if (L->expression_depth >= MOST_EXPRESSION_DEPTH) {
        lower_error(L, CODE_E0901, expr->span, "this expression is nested too deeply");
        return value_poison(L);
    }
    if (lower_outgrown(L, expr->span)) return value_poison(L);
    Span outer = L->graph == NULL ? expr->span : L->graph->span;
    Scope *outer_scope = L->scope;
    L->expression_depth++;
    L->scope = scope;
    if (L->graph != NULL && L->prelude_depth == 0) L->graph->span = expr->span;
    Value *v = lower_kind(L, scope, expr);
    if (L->graph != NULL) L->graph->span = outer;
    L->scope = outer_scope;
    L->expression_depth--;
    return v;
}
