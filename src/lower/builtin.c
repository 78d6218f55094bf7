/* builtin.c: the functions that cannot be written in the language. Everything else is in std/.
 *
 * Functions of one number work element by element, so lifting needs nothing of them. Functions of a vector
 * (argmax, concat) or of a shape (pad) treat further leading axes as mapped, as a definition would.
 */
#include "lower/internal.h"
#include <math.h>
#include <string.h>

#define UNUSED (void)scope, (void)call, (void)context

/* ---- functions of one number: ops whose spelling is FUNCTION ----------------------------------- */
static Value *lower_unary_builtin(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    const Value *v = args->value[0];
    Op op = *(const Op *)context;
    (void)scope;
    Value *number = NULL;
    if (value_is_number(v) && op == OP_ABS)
        number = v->kind == VALUE_INT ? value_int(L, v->integer < 0 ? -v->integer : v->integer)
                                      : value_number(L, fabs(v->number));
    else if (value_is_number(v) && (op == OP_FLOOR || op == OP_ROUND) && fabs(v->number) < 9007199254740992.0)
        number = value_int(L, (int64_t)(op == OP_FLOOR ? floor(v->number) : nearbyint(v->number)));
    if (number == NULL) return element_unary(L, op, v, call->span);
    return value_computed(L, number, op, v, NULL);
}

static Value *lower_atan2(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    static const Phrase phrase = {"take the angle of", "and", false};
    UNUSED;
    return element_pair(L, OP_ATAN2, args->value[0], args->value[1], args->expr[0], args->expr[1], call->span, &phrase);
}

/* digamma and its derivatives: the n-th of a number */
static Value *polygamma(Lowering *L, int64_t n, const Value *v, Span span) {
    Value *x = value_to_tensor(L, v, value_is_real(v) ? v->node->dtype : L->real, span, "the argument");
    return value_is_poison(x) ? x : value_like(L, x, graph_polygamma(L->graph, n, x->node), x->axis, x->axes);
}

static Value *lower_digamma(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    UNUSED;
    return polygamma(L, 0, args->value[0], call->span);
}

static Value *lower_polygamma(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    UNUSED;
    int64_t n;
    if (!lower_constant_int(L, args->value[0], args->expr[0]->span, "which derivative polygamma is", &n))
        return value_poison(L);
    if (n >= 0 && n <= 12) return polygamma(L, n, args->value[1], call->span);
    lower_error(L, CODE_E0203, args->expr[0]->span,
                "polygamma(n, x) is the n-th derivative of digamma, n from 0 to 12");
    return value_poison(L);
}

static Value *lower_stop_gradient(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    UNUSED;
    const Value *v = args->value[0];
    return v->kind == VALUE_TENSOR && !value_is_real(v) ? (Value *)v
           : value_is_number(v)                         ? (Value *)v
                                                        : element_unary(L, OP_STOP_GRADIENT, v, call->span);
}

/* ---- sum, mean, max, min --------------------------------------------------------------------- */
static Value *lower_sum(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    UNUSED;
    return reduce_own(L, REDUCTION_SUM, args->value[0], call->span);
}

static Value *lower_mean(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    UNUSED;
    return reduce_own(L, REDUCTION_MEAN, args->value[0], call->span);
}

static Value *extreme(Lowering *L, const Arguments *args, const Expr *call, bool is_max) {
    static const Phrase phrases[] = {{"take the smaller of", "and", false}, {"take the larger of", "and", false}};
    if (args->count == 1) return reduce_own(L, is_max ? REDUCTION_MAX : REDUCTION_MIN, args->value[0], call->span);
    Value *result = args->value[0];
    for (int i = 1; i < args->count && !value_is_poison(result); i++) {
        Value *next = args->value[i];
        Op op = is_max ? OP_MAX : OP_MIN;
        if (value_is_number(result) && value_is_number(next))
            result = value_computed(L, is_max == (result->number >= next->number) ? result : next, op, result, next);
        else
            result = element_pair(L, op, result, next, i == 1 ? args->expr[0] : NULL, args->expr[i], call->span,
                                  &phrases[is_max]);
    }
    return result;
}

static Value *lower_max(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    UNUSED;
    return extreme(L, args, call, true);
}

static Value *lower_min(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    UNUSED;
    return extreme(L, args, call, false);
}

/* ---- argmax, where, casts -------------------------------------------------------------------- */
static Value *lower_argmax(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    UNUSED;
    const Value *v = args->value[0];
    Value *x = value_to_tensor(L, v, value_is_real(v) ? v->node->dtype : L->real, call->span, "the argument of argmax");
    if (value_is_poison(x)) return x;
    Shape own = value_own_shape(x);
    if (own.rank == 0 || x->batch) {
        lower_error(L, CODE_E0214, call->span, "argmax looks for the largest item of a vector; this is %s",
                    x->batch ? "batch(...)" : value_type_text(L, x));
        return value_poison(L);
    }
    Node *terms = batch_terms_there(L, x->node, 1u << (x->node->shape.rank - 1), -INFINITY);
    Node *node = graph_reduce(L->graph, OP_ARGMAX, terms, 1u << (x->node->shape.rank - 1), false);
    Value *result = value_of_node(L, node, x->axis, x->axes);
    result->classes = own.extent[own.rank - 1];
    return result;
}

static Value *lower_where(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    UNUSED;
    return element_where(L, args->value[0], args->value[1], args->value[2], call->span);
}

static Value *lower_cast(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    (void)scope;
    DType t = *(const DType *)context;
    if (t == DTYPE_F32 && L->f64) t = DTYPE_F64;
    return element_cast(L, args->value[0], t, call->span);
}

/* ---- require ---------------------------------------------------------------------------------- */
static bool is_known_false(const Value *v) {
    bool constant = v->kind == VALUE_TENSOR && v->node->dtype == DTYPE_BOOL && v->node->op == OP_CONST;
    return constant ? v->node->attr.value == 0 : v->kind == VALUE_BOOL && !v->truth;
}

/* A body may be lowered for many parameters: what is wrong with one argument is told once. */
static bool was_told(Lowering *L, Span span) {
    for (int i = 0; i < L->required.count; i++)
        if (L->required.items[i].begin == span.begin && L->required.items[i].end == span.end) return true;
    vector_push(L->arena, &L->required, span);
    return false;
}

static Value *lower_require(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    UNUSED;
    const Value *v = args->value[0], *condition = args->value[1];
    if (condition->kind != VALUE_BOOL && !(condition->kind == VALUE_TENSOR && condition->node->dtype == DTYPE_BOOL)) {
        Diagnostic *d = lower_error(L, CODE_E0203, args->expr[1]->span, "require takes a condition, and this is %s",
                                    value_type_text(L, condition));
        lower_help(L, d, "like this: require(p, p >= 0 and p <= 1)");
        return value_poison(L);
    }
    if (!is_known_false(condition)) return (Value *)v;
    const Expr *place = written_by_user(L, args->expr[0]);
    if (L->quiet || was_told(L, place->span)) return value_poison(L);
    Text name = text_new(L->arena), wanted = text_new(L->arena);
    ast_print_expr(&name, args->expr[0]);
    ast_print_expr(&wanted, args->expr[1]);
    const CallFrame *frame = L->calls;
    while (frame != NULL && frame->outer != NULL && is_prelude_span(L, frame->call)) frame = frame->outer;
    const char *owner = frame == NULL ? "this" : frame->definition->name.text;
    const char *given = value_is_number(v) ? text_number(L->arena, v->number, false) : value_type_text(L, v);
    Diagnostic *d = lower_error(L, CODE_E0222, place->span, "%s is given %s = %s", owner, name.bytes, given);
    lower_help(L, d, "it requires %s", wanted.bytes);
    if (L->updated != NULL && expr_uses_name(args->expr[1], name_from(L->names, "rank")))
        lower_help(L, d, "the parameter is %s; optimizer[NAME] = ... gives it another optimizer", L->updated);
    return value_poison(L);
}

/* ---- shapes ---------------------------------------------------------------------------------- */
static bool is_array(const Value *v) {
    return v->kind == VALUE_TENSOR || (v->kind == VALUE_LIST && value_is_numeric(v));
}

static Value *lower_size(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    UNUSED;
    const Value *v = args->value[0];
    int64_t size = 1;
    if (!is_array(v)) {
        lower_error(L, CODE_E0216, call->span, "size counts the elements of an array, or of ..s; this is %s",
                    value_type_text(L, v));
        return value_poison(L);
    }
    for (int i = 0; v->is_shape && i < v->count; i++) size *= v->items[i]->integer;
    return value_int(L, v->is_shape ? size : shape_size(value_own_shape(v)));
}

static Value *lower_len(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    UNUSED;
    const Value *v = args->value[0];
    Shape own = value_own_shape(v);
    if (!is_array(v) || own.rank == 0) {
        lower_error(L, CODE_E0216, call->span, "len is the length of an array's first axis; this is %s",
                    value_type_text(L, v));
        return value_poison(L);
    }
    return value_int(L, own.extent[0]);
}

/* A list of sizes. */
static bool read_shape(Lowering *L, const Value *v, Span span, Shape *shape) {
    *shape = (Shape){0};
    if (v->kind != VALUE_LIST) {
        lower_error(L, CODE_E0203, span, "a shape is a list of sizes like [4, 7]; this is %s", value_type_text(L, v));
        return false;
    }
    for (int i = 0; i < v->count; i++) {
        const Value *item = v->items[i];
        int parts = item->kind == VALUE_LIST && item->is_shape ? item->count : 1;
        for (int k = 0; k < parts; k++) {
            int64_t extent;
            if (!lower_constant_int(L, parts == 1 && item->kind != VALUE_LIST ? item : item->items[k], span, "a size",
                                    &extent))
                return false;
            if (extent < 1 || extent >= MOST_EXTENT || shape->rank == MOST_RANK) {
                Diagnostic *d = lower_error(L, CODE_E0219, span, "a shape has at most %d sizes, each at least 1",
                                            MOST_RANK);
                if (extent == -1)
                    lower_help(L, d,
                               "no size is found out: write it, as in reshape(x, [784]); "
                               "flatten(x) makes one axis of all");
                return false;
            }
            shape->extent[shape->rank++] = extent;
        }
    }
    return shape_check_size(L, *shape, span);
}

static Value *lower_reshape(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    UNUSED;
    Value *x = value_tensor_of(L, args->value[0], L->real, call->span, "the argument of reshape");
    Shape wanted, own;
    if (value_is_poison(x) || !read_shape(L, args->value[1], args->expr[1]->span, &wanted)) return value_poison(L);
    own = value_own_shape(x);
    if (shape_size(own) != shape_size(wanted)) {
        Diagnostic *d = lower_error(L, CODE_E0201, call->span, "%s has %s and cannot be reshaped to %s of %s",
                                    value_type_text(L, x), count_text(L, shape_size(own), "element"),
                                    shape_text(L, x->node->dtype, x->classes, wanted),
                                    count_text(L, shape_size(wanted), "element"));
        note_operand(L, d, args->expr[0], x);
        return value_poison(L);
    }
    if (x->axes + wanted.rank > MOST_RANK) {
        lower_error(L, CODE_E0219, call->span, "this array would have more than %d axes", MOST_RANK);
        return value_poison(L);
    }
    Node *node = graph_reshape(L->graph, x->node, shape_of_axes(L, x->axis, x->axes, wanted));
    return value_like(L, x, node, x->axis, x->axes);
}

/* What is joined: the arguments without `axis = ...`, which stands last; false after an error. */
static bool joined_parts(Lowering *L, Scope *scope, const Expr *call, Arguments *args, int64_t *axis, bool *has_axis) {
    *args = *lower_arguments(L, scope, call);
    *has_axis = false;
    for (int i = 0; i < args->count; i++) {
        if (value_is_poison(args->value[i])) return false;
        if (args->name[i] == NULL) continue;
        if (strcmp(args->name[i], "axis") != 0 || i + 1 < args->count) {
            Diagnostic *d = lower_error(L, CODE_E0205, args->name_span[i], "concat has no argument named %s",
                                        args->name[i]);
            lower_help(L, d, "it is used as concat(a, b) or concat(a, b, axis = 0)");
            return false;
        }
        *has_axis = true;
        if (!lower_constant_int(L, args->value[i], args->expr[i]->span, "the axis of concat", axis)) return false;
    }
    args->count -= *has_axis;
    if (args->count > 0) return true;
    lower_error(L, CODE_E0204, call->span, "concat is given nothing to join");
    return false;
}

/* They have one number of axes, and differ along `axis` only. */
static bool joins_along(Lowering *L, Value *const *parts, int count, int64_t *axis, const Expr *call) {
    Shape first = value_own_shape(parts[0]);
    if (*axis < 0) *axis += first.rank;
    if (*axis < 0 || *axis >= first.rank) {
        lower_error(L, CODE_E0219, call->span, "%s has no such axis: its axes are 0 to %d, or -1 for the last",
                    value_type_text(L, parts[0]), first.rank - 1);
        return false;
    }
    for (int i = 1; i < count; i++) {
        Shape own = value_own_shape(parts[i]);
        if (own.rank == first.rank) own.extent[*axis] = first.extent[*axis];
        if (shape_equal(own, first)) continue;
        lower_error(L, CODE_E0201, call->span, "concat joins along axis %d, and the other axes differ: %s and %s",
                    (int)*axis, value_type_text(L, parts[0]), value_type_text(L, parts[i]));
        return false;
    }
    return true;
}

/* What all parts have in front of the last axis, where some have that; false after an error. */
static bool leading_axes(Lowering *L, Value *const *parts, int count, Shape *lift, const Expr *call) {
    *lift = (Shape){0};
    for (int i = 0; i < count; i++) {
        Shape leading = value_own_shape(parts[i]);
        leading.rank--;
        if (leading.rank > 0 && lift->rank > 0 && !shape_equal(leading, *lift)) {
            Diagnostic *d = lower_error(L, CODE_E0201, call->span,
                                        "concat joins along the last axis, and the axes in front differ: %s and %s",
                                        value_type_text(L, parts[0]), value_type_text(L, parts[i]));
            lower_help(L, d, "to join along the first one, write concat(..., axis = 0)");
            return false;
        }
        if (leading.rank > 0) *lift = leading;
    }
    return true;
}

/* A vector, repeated over the mapped axes. */
static Node *repeated_vector(Lowering *L, const Value *part, const int *ids, int axes, Shape full) {
    int place[MOST_RANK];
    Node *spread = value_spread(L, part, ids, axes, value_own_shape(part));
    for (int k = 0; k < axes; k++) place[k] = k;
    place[axes] = axes + full.rank - 1;
    return graph_expand(L->graph, spread, shape_of_axes(L, ids, axes, full), place);
}

/* Arrays one after the other along an axis; without one along the last, where vectors are repeated over the leading axes
 * that others have. */
static Value *lower_concat(Lowering *L, Scope *scope, const Arguments *raw, const Expr *call, void *context) {
    (void)raw, (void)context;
    Arguments args;
    DType t = L->real;
    int64_t axis;
    bool has_axis;
    Shape lift;
    if (!joined_parts(L, scope, call, &args, &axis, &has_axis)) return value_poison(L);
    Value **parts = arena_array(L->arena, Value *, args.count);
    for (int i = 0; i < args.count; i++)
        if (value_is_real(args.value[i])) t = args.value[i]->node->dtype;
    for (int i = 0; i < args.count; i++) {
        parts[i] = value_to_tensor(L, args.value[i], t, args.expr[i]->span, "an argument of concat");
        if (value_is_poison(parts[i])) return parts[i];
        if (value_own_shape(parts[i]).rank > 0) continue;
        Diagnostic *d = lower_error(L, CODE_E0214, args.expr[i]->span, "concat joins vectors; this is %s",
                                    value_type_text(L, parts[i]));
        lower_help(L, d, "a vector of one number is [x]");
        return value_poison(L);
    }
    if (has_axis ? !joins_along(L, parts, args.count, &axis, call) : !leading_axes(L, parts, args.count, &lift, call))
        return value_poison(L);
    int ids[MOST_RANK + 1], rank = has_axis ? value_own_shape(parts[0]).rank : lift.rank + 1;
    int axes = axes_union(L, parts, args.count, rank, ids, call->span);
    if (axes < 0) return value_poison(L);
    Node **nodes = arena_array(L->arena, Node *, args.count);
    for (int i = 0; i < args.count; i++) {
        Shape own = value_own_shape(parts[i]), full = has_axis ? own : lift;
        if (!has_axis) full.extent[full.rank++] = own.extent[own.rank - 1];
        nodes[i] = own.rank < full.rank ? repeated_vector(L, parts[i], ids, axes, full)
                                        : value_spread(L, parts[i], ids, axes, full);
    }
    int along = axes + (has_axis ? (int)axis : lift.rank);
    return value_of_node(L, graph_concat(L->graph, nodes, args.count, along), ids, axes);
}

/* zeros([4, 7]), ones([4, 7]) */
static Value *lower_filled(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    (void)scope, (void)call;
    Shape shape;
    if (!read_shape(L, args->value[0], args->expr[0]->span, &shape)) return value_poison(L);
    return value_of_node(L, graph_const(L->graph, L->real, shape, *(const double *)context), NULL, 0);
}

/* Zeros around the last axes: [0, 2, 2] on both sides, or a pair [before, after] for an axis. */
static Value *lower_pad(Lowering *L, Scope *scope, const Arguments *args, const Expr *call, void *context) {
    UNUSED;
    const Value *v = args->value[0], *widths = args->value[1];
    Value *x = value_to_tensor(L, v, value_is_real(v) ? v->node->dtype : L->real, call->span, "the argument of pad");
    if (value_is_poison(x)) return x;
    Shape own = value_own_shape(x);
    if (widths->kind != VALUE_LIST || widths->count > own.rank) {
        lower_error(L, CODE_E0203, args->expr[1]->span, "pad needs a list with a width for each axis of %s",
                    value_type_text(L, x));
        return value_poison(L);
    }
    int64_t before[MOST_RANK] = {0}, after[MOST_RANK] = {0};
    Shape padded = x->node->shape;
    for (int i = 0; i < widths->count; i++) {
        int axis = x->node->shape.rank - widths->count + i;
        const Value *width = widths->items[i];
        bool pair = width->kind == VALUE_LIST && width->count == 2;
        Span span = args->expr[1]->span;
        if (!lower_constant_int(L, pair ? width->items[0] : width, span, "a width of pad", &before[axis]) ||
            !lower_constant_int(L, pair ? width->items[1] : width, span, "a width of pad", &after[axis]))
            return value_poison(L);
        if (before[axis] < 0 || after[axis] < 0 || before[axis] >= MOST_EXTENT || after[axis] >= MOST_EXTENT) {
            lower_error(L, CODE_E0208, span, "a width of pad is not negative; to cut, write a slice like x[1..-1]");
            return value_poison(L);
        }
        padded.extent[axis] += before[axis] + after[axis];
    }
    if (!shape_check_size(L, padded, call->span)) return value_poison(L);
    return value_like(L, x, graph_pad(L->graph, x->node, before, after), x->axis, x->axes);
}

/* ---- the table ------------------------------------------------------------------------------- */
static void bind(Lowering *L, const Builtin *builtin, const void *context) {
    scope_bind(L, L->prelude, name_from(L->names, builtin->name), value_builtin(L, builtin, (void *)context),
               (Span){0, 0});
}

static void bind_functions(Lowering *L) {
    for (Op op = 0; op < OP_COUNT; op++) {
        if (op_spelling(op).kind != SPELLING_FUNCTION) continue;
        Builtin *builtin = arena_new_of(L->arena, Builtin);
        *builtin = (Builtin){
            op_text(op),      1, 1, false, lower_unary_builtin, text_format(L->arena, "%s(x)", op_text(op)),
            "of each element"};
        bind(L, builtin, arena_copy(L->arena, &op, sizeof op));
    }
}

void builtins_bind(Lowering *L) {
    static const DType types[] = {DTYPE_F32, DTYPE_F64, DTYPE_I32};
    static const Builtin casts[] = {
        {"f32", 1, 1, false, lower_cast, "f32(e)", "the value as f32"},
        {"f64", 1, 1, false, lower_cast, "f64(e)", "the value as f64"},
        {"i32", 1, 1, false, lower_cast, "i32(e)", "the value as i32; what is behind the point is cut off"}};
    static const double fillings[] = {0, 1};
    static const Builtin filled[] = {{"zeros", 1, 1, false, lower_filled, "zeros([4, 7])", "an array of zeros"},
                                     {"ones", 1, 1, false, lower_filled, "ones([4, 7])", "an array of ones"}};
    static const Builtin others[] = {
        {"sum", 1, 1, false, lower_sum, "sum(x) or sum(e for i)", "the sum of all elements, or of e for every index"},
        {"mean", 1, 1, false, lower_mean, "mean(x) or mean(e for i)",
         "the mean of all elements, or of e for every index"},
        {"max", 1, -1, false, lower_max, "max(x), max(a, b) or max(e for i)",
         "the largest element, or of two the larger one"},
        {"min", 1, -1, false, lower_min, "min(x), min(a, b) or min(e for i)",
         "the smallest element, or of two the smaller one"},
        {"argmax", 1, 1, false, lower_argmax, "argmax(x)", "the index of the first largest element"},
        {"atan2", 2, 2, false, lower_atan2, "atan2(y, x)", "the angle of the point (x, y), from -pi to pi"},
        {"digamma", 1, 1, false, lower_digamma, "digamma(x)", "the derivative of lgamma, of each element"},
        {"polygamma", 2, 2, false, lower_polygamma, "polygamma(n, x)",
         "the n-th derivative of digamma, of each element"},
        {"where", 3, 3, false, lower_where, "where(condition, a, b)",
         "a where the condition holds, else b, element by element"},
        {"require", 2, 2, false, lower_require, "require(x, condition)",
         "x, if the condition on sizes holds; else an error"},
        {"stop_gradient", 1, 1, false, lower_stop_gradient, "stop_gradient(e)", "e, whose derivative is 0"},
        {"size", 1, 1, false, lower_size, "size(x)", "how many elements there are"},
        {"len", 1, 1, false, lower_len, "len(x)", "how long the first axis is"},
        {"reshape", 2, 2, false, lower_reshape, "reshape(x, [n, m])", "the same elements in another shape"},
        {"concat", 1, -1, true, lower_concat, "concat(a, b) or concat(a, b, axis = 0)",
         "arrays one behind the other along the last axis, or along another"},
        {"pad", 2, 2, false, lower_pad, "pad(x, [0, 1, 1]) or pad(x, [[2, 0], [0, 0]])",
         "zeros around an array: so many on both sides of each axis, or before and behind"},
        {"batch", 1, 1, false, lower_batch, "batch(e)",
         "one value for each row of the mini-batch, in a metric of all rows, as an array"},
        {"rank_in_batch", 1, 1, false, lower_rank_in_batch, "rank_in_batch(e)",
         "the rank of e among all rows, from 1; equal ones share the mean of theirs"},
        {"grad", 2, 2, true, lower_grad, "grad(e, x)", "the derivative of e with respect to x"},
    };
    bind_functions(L);
    for (size_t i = 0; i < sizeof casts / sizeof *casts; i++) bind(L, &casts[i], &types[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) bind(L, &others[i], NULL);
    for (int i = 0; i < 2; i++) bind(L, &filled[i], &fillings[i]);
    draw_builtins_bind(L);
}
