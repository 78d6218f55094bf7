/* call.c: calls: which argument belongs to which parameter, sizes solved, lifting, the body, the
 * result.
 *
 * A body is lowered anew at each call, with numbers for every size. Lifting: where an argument has more
 * leading axes than its parameter declares, these become index axes while the body is lowered, and own axes
 * of the result again. A definition sees its parameters, its sizes and what its file defines at top level; a
 * definition of the prelude sees only the prelude, so a user's names cannot change it.
 *
 * A call gets its path before its arguments are lowered, so that equal paths count in the order of the text.
 */
#include "lower/internal.h"
#include <string.h>

typedef struct CallPath {
    const char *prefix, *site;
} CallPath;

typedef struct Call {
    const Definition *definition;
    const Expr *expr;
    Span span;
    Value **given;
    const Expr **written; /* by formal; NULL: not given */
    Scope *scope;         /* of the body */
    int lifts, lift_ids[MOST_RANK];
    Shape lift;
    bool failed;
} Call;

/* ---- arguments ------------------------------------------------------------------------------- */
Arguments *lower_arguments(Lowering *L, Scope *scope, const Expr *call) {
    const ArgumentList *written = &call->call.args;
    Arguments *args = arena_new_of(L->arena, Arguments);
    args->count = written->count;
    args->span = call->span;
    args->value = arena_array(L->arena, Value *, written->count + 1);
    args->name = arena_array(L->arena, Name, written->count + 1);
    args->name_span = arena_array(L->arena, Span, written->count + 1);
    args->expr = arena_array(L->arena, const Expr *, written->count + 1);
    for (int i = 0; i < written->count; i++) {
        args->name[i] = written->items[i].name.text;
        args->name_span[i] = written->items[i].name.span;
        args->expr[i] = written->items[i].value;
        args->value[i] = lower_expression(L, scope, written->items[i].value);
    }
    return args;
}

Arguments *arguments_of(Lowering *L, Value *const *values, int count, Span span) {
    Arguments *args = arena_new_of(L->arena, Arguments);
    args->count = count;
    args->span = span;
    args->value = arena_array(L->arena, Value *, count + 1);
    args->name = arena_array(L->arena, Name, count + 1);
    args->name_span = arena_array(L->arena, Span, count + 1);
    args->expr = arena_array(L->arena, const Expr *, count + 1);
    for (int i = 0; i < count; i++) args->value[i] = values[i];
    return args;
}

static Span argument_span(const Call *call, int formal) {
    return call->written[formal] == NULL ? call->span : call->written[formal]->span;
}

static bool place_argument(Lowering *L, Call *call, const Arguments *args, int i) {
    const Definition *definition = call->definition;
    const FormalList *formals = &definition->formals;
    Span span = args->expr[i] == NULL ? args->span : args->expr[i]->span;
    int at = 0;
    if (args->name[i] == NULL) {
        if (i >= formals->count) {
            Diagnostic *d = lower_error(L, CODE_E0204, span, "%s takes at most %s", definition->name.text,
                                        count_text(L, formals->count, "argument"));
            lower_help(L, d, "its arguments: %s", usage_text(L, definition));
            return false;
        }
        at = i;
    } else {
        while (at < formals->count && formals->items[at].name.text != args->name[i]) at++;
    }
    if (at == formals->count) {
        const char **names = arena_array(L->arena, const char *, formals->count + 1);
        for (int k = 0; k < formals->count; k++) names[k] = formals->items[k].name.text;
        Diagnostic *d = lower_error(L, CODE_E0205, args->name_span[i], "%s has no argument named %s",
                                    definition->name.text, args->name[i]);
        const char *nearest = nearest_name(args->name[i], names, formals->count);
        if (nearest != NULL)
            lower_help(L, d, "did you mean `%s`?", nearest);
        else
            lower_help(L, d, "its arguments: %s", usage_text(L, definition));
        return false;
    }
    if (call->given[at] != NULL) {
        lower_error(L, CODE_E0204, span, "the argument %s of %s is given twice", formals->items[at].name.text,
                    definition->name.text);
        return false;
    }
    if (args->name[i] != NULL)
        meaning_of_argument(L, definition, (Word){args->name[i], args->name_span[i]}, args->value[i]);
    call->given[at] = args->value[i];
    call->written[at] = args->expr[i];
    return true;
}

static bool place_arguments(Lowering *L, Call *call, const Arguments *args) {
    const FormalList *formals = &call->definition->formals;
    call->given = arena_array(L->arena, Value *, formals->count + 1);
    call->written = arena_array(L->arena, const Expr *, formals->count + 1);
    bool good = true, poison = false;
    for (int i = 0; i < args->count; i++) {
        good &= place_argument(L, call, args, i);
        poison |= value_is_poison(args->value[i]);
    }
    for (int i = 0; good && i < formals->count; i++)
        if (call->given[i] == NULL && formals->items[i].otherwise == NULL) {
            Diagnostic *d = lower_error(L, CODE_E0204, call->span, "%s needs the argument %s",
                                        call->definition->name.text, formals->items[i].name.text);
            lower_help(L, d, "its arguments: %s", usage_text(L, call->definition));
            good = false;
        }
    return good && !poison;
}

/* ---- binding --------------------------------------------------------------------------------- */
/* A parameter that takes its argument as it is: no type, or a compile-time one. */
static bool is_direct(const Call *call, int i) {
    const TypeExpr *type = call->definition->formals.items[i].type;
    bool compile_time, is_real;
    DType t;
    if (type == NULL || type->base.text == NULL) return true;
    type_names(type, &compile_time, &is_real, &t);
    bool truth = t == DTYPE_BOOL && type_own_rank(type) == 0 && call->given[i] != NULL &&
                 call->given[i]->kind == VALUE_BOOL;
    return compile_time || truth;
}

static const char *formal_text(Lowering *L, const Call *call, int i) {
    return text_format(L->arena, "the argument %s of %s", call->definition->formals.items[i].name.text,
                       call->definition->name.text);
}

static void bind_formal(Lowering *L, Call *call, int i, Value *v) {
    const Formal *formal = &call->definition->formals.items[i];
    scope_bind(L, call->scope, formal->name.text, v, formal->name.span);
    call->failed |= value_is_poison(v);
}

static void bind_direct(Lowering *L, Call *call, int i, Value *v, Span span) {
    const Formal *formal = &call->definition->formals.items[i];
    if (formal->type != NULL) {
        Type type = type_solve(L, call->scope, formal->type, NULL);
        v = type_fit(L, &type, v, span, formal_text(L, call, i), formal->span);
    }
    bind_formal(L, call, i, v);
}

static void bind_default(Lowering *L, Call *call, int i) {
    const Formal *formal = &call->definition->formals.items[i];
    Value *v = lower_expression(L, call->scope, formal->otherwise);
    if (formal->type == NULL) {
        bind_formal(L, call, i, v);
        return;
    }
    Type type = type_solve(L, call->scope, formal->type, v);
    v = type_fit(L, &type, value_repeat(L, v, type.shape), formal->otherwise->span, formal_text(L, call, i),
                 formal->span);
    bind_formal(L, call, i, v);
}

/* `real` is the float type of the arguments declared so. */
static void resolve_real(Lowering *L, Call *call) {
    const FormalList *formals = &call->definition->formals;
    int from = -1;
    for (int i = 0; i < formals->count; i++) {
        bool compile_time, is_real;
        DType t;
        if (formals->items[i].type == NULL || formals->items[i].type->base.text == NULL || call->given[i] == NULL)
            continue;
        type_names(formals->items[i].type, &compile_time, &is_real, &t);
        if (!is_real || !value_is_real(call->given[i])) continue;
        if (from >= 0 && call->given[i]->node->dtype != call->given[from]->node->dtype) {
            Diagnostic *d = lower_error(L, CODE_E0214, argument_span(call, i),
                                        "%s is %s, and the argument %s is %s: "
                                        "`real` is one type in a call",
                                        formal_text(L, call, i), value_type_text(L, call->given[i]),
                                        formals->items[from].name.text, value_type_text(L, call->given[from]));
            lower_help(L, d, "convert one: f64(...)");
            call->failed = true;
            return;
        }
        if (from < 0) from = i;
    }
    if (from >= 0) L->real = call->given[from]->node->dtype;
}

/* ---- lifting --------------------------------------------------------------------------------- */
static bool is_tensor_formal(const Call *call, int i) { return !is_direct(call, i) && call->given[i] != NULL; }

/* Numbers and lists become tensors, so that every tensor argument has a shape. */
static void tensor_argument(Lowering *L, Call *call, int i) {
    const Formal *formal = &call->definition->formals.items[i];
    bool compile_time, is_real;
    DType t;
    Value *v = call->given[i];
    type_names(formal->type, &compile_time, &is_real, &t);
    if (v->kind != VALUE_LIST && v->kind != VALUE_INDEX) return;
    if (strcmp(formal->type->base.text, "label") == 0 || t == DTYPE_BOOL) return;
    DType wanted = is_real || t == DTYPE_F32 ? L->real : t;
    call->given[i] = value_to_tensor(L, v, wanted, argument_span(call, i), formal_text(L, call, i));
    call->failed |= value_is_poison(call->given[i]);
}

static bool find_lift(Lowering *L, Call *call) {
    const FormalList *formals = &call->definition->formals;
    int from = -1;
    for (int i = 0; i < formals->count; i++) {
        if (!is_tensor_formal(call, i) || call->given[i]->kind != VALUE_TENSOR) continue;
        int declared = type_own_rank(formals->items[i].type);
        Shape own = value_own_shape(call->given[i]);
        if (declared < 0 || own.rank <= declared) continue;
        Shape lift = {.rank = own.rank - declared};
        memcpy(lift.extent, own.extent, sizeof(int64_t) * (size_t)lift.rank);
        if (from < 0) {
            from = i;
            call->lift = lift;
            call->lifts = lift.rank;
        } else if (!shape_equal(lift, call->lift)) {
            Diagnostic *d = lower_error(L, CODE_E0214, call->span,
                                        "%s is %s and %s is %s: the axes in front that %s "
                                        "is mapped over must be the same",
                                        formals->items[from].name.text, value_type_text(L, call->given[from]),
                                        formals->items[i].name.text, value_type_text(L, call->given[i]),
                                        call->definition->name.text);
            lower_note(L, d, formals->items[from].span, "declared here");
            lower_note(L, d, formals->items[i].span, "declared here");
            return false;
        }
    }
    if (call->lifts > 0 && L->active_count + call->lifts > 56) {
        lower_error(L, CODE_E0219, call->span, "too many axes are mapped over here");
        return false;
    }
    return true;
}

/* Exchanged arguments: this label stands where another argument's real is declared, and the other way round. */
static const char *exchanged(Lowering *L, const Call *call, int i) {
    const FormalList *formals = &call->definition->formals;
    for (int k = 0; k < formals->count; k++) {
        const Value *other = call->given[k];
        if (k == i || other == NULL || other->kind != VALUE_TENSOR || !is_tensor_formal(call, k) ||
            value_is_label(other) || strcmp(formals->items[k].type->base.text, "label") != 0)
            continue;
        Text text = text_new(L->arena);
        text_add(&text, "%s(", call->definition->name.text);
        for (int at = 0; at < formals->count && call->written[at] != NULL; at++) {
            text_add(&text, at == 0 ? "" : ", ");
            ast_print_expr(&text, call->written[at == i ? k : at == k ? i : at]);
        }
        text_add(&text, ")");
        return text.bytes;
    }
    return NULL;
}

/* A row has no batch axis: an array with an axis in front of the row's own is most likely meant as one. */
static bool adds_batch_axis(const Value *v, const Call *call, int i) {
    const TypeExpr *type = call->definition->formals.items[i].type;
    Shape own = value_own_shape(v);
    if (call->definition->kind != DEFINE_MODEL || v->kind != VALUE_TENSOR || type->dims.count != own.rank + 1)
        return false;
    for (int k = 0; k < own.rank; k++) {
        const Expr *size = type->dims.items[k + 1].size;
        if (size != NULL && size->kind == EXPR_NUMBER && (int64_t)size->number.value != own.extent[k]) return false;
    }
    return true;
}

/* A definition where a value is needed: most likely it was to be called. */
static bool is_value(Lowering *L, Call *call, int i, const Value *v) {
    if (v->kind != VALUE_DEFINITION && v->kind != VALUE_BUILTIN) return true;
    Diagnostic *d = lower_error(L, CODE_E0214, argument_span(call, i), "%s is %s itself; its result is needed",
                                formal_text(L, call, i), value_type_text(L, v));
    lower_help(L, d, "call it: %s", v->kind == VALUE_BUILTIN ? v->builtin->usage : usage_text(L, v->definition));
    return false;
}

/* Fewer axes than declared: said before any size is looked at. */
static bool has_axes(Lowering *L, Call *call, int i, const Value *v, int declared) {
    const Formal *formal = &call->definition->formals.items[i];
    bool fits = v->kind != VALUE_TENSOR || declared < 0 || value_own_shape(v).rank >= declared;
    if (fits && (v->kind == VALUE_TENSOR || declared <= 0 || !value_is_number(v))) return true;
    Diagnostic *d = lower_error(L, CODE_E0214, argument_span(call, i), "%s is %s; it is declared with %s",
                                formal_text(L, call, i), value_type_text(L, v), count_text(L, declared, "axis"));
    lower_note(L, d, formal->span, "declared here");
    const char *other_way = value_is_label(v) ? exchanged(L, call, i) : NULL;
    if (other_way != NULL) lower_help(L, d, "with the arguments exchanged it is %s", other_way);
    if (adds_batch_axis(v, call, i))
        lower_help(L, d,
                   "a model is written for one row, so there is no batch axis: %s: %s; "
                   "`batch = ...` in the train block says how many rows a step takes",
                   formal->name.text, value_type_text(L, v));
    return false;
}

/* The size variable that stands first in both types, or NULL. */
static Name shared_size(const TypeExpr *a, const TypeExpr *b) {
    for (int i = 0; i < a->dims.count; i++)
        for (int k = 0; k < b->dims.count; k++) {
            const Expr *x = a->dims.items[i].size, *y = b->dims.items[k].size;
            if (x != NULL && y != NULL && x->kind == EXPR_NAME && y->kind == EXPR_NAME && x->name.text == y->name.text)
                return x->name.text;
        }
    return NULL;
}

/* Other sizes than those the arguments before it settled: said with where both come from. */
static bool has_sizes(Lowering *L, Call *call, int i, const Type *type, const Value *v) {
    const FormalList *formals = &call->definition->formals;
    bool other_classes = value_is_label(v) && type->classes > 0 && v->classes != type->classes;
    bool other_shape = v->kind == VALUE_TENSOR && v->classes == type->classes &&
                       (v->node->dtype == type->dtype || v->free) && !shape_equal(value_own_shape(v), type->shape);
    if (!type->known || (!other_classes && !other_shape)) return true;
    Diagnostic *d = lower_error(L, CODE_E0214, argument_span(call, i), "%s is %s where %s is needed",
                                formal_text(L, call, i), value_type_text(L, v), type_text(L, type));
    note_operand(L, d, call->written[i], v);
    for (int k = 0; k < i; k++) {
        Name size = is_tensor_formal(call, k) ? shared_size(formals->items[k].type, formals->items[i].type) : NULL;
        Binding *b = size == NULL ? NULL : scope_find_here(call->scope, size);
        if (b == NULL || b->value->kind != VALUE_INT || call->given[k]->kind != VALUE_TENSOR) continue;
        lower_note(L, d, argument_span(call, k), "%s is %lld: the argument %s, %s, is here", size,
                   (long long)b->value->integer, formals->items[k].name.text, value_type_text(L, call->given[k]));
        break;
    }
    lower_note(L, d, formals->items[i].span, "the argument %s of %s is declared here", formals->items[i].name.text,
               call->definition->name.text);
    return false;
}

static void bind_tensor(Lowering *L, Call *call, int i) {
    const Formal *formal = &call->definition->formals.items[i];
    Value *v = call->given[i];
    int declared = type_own_rank(formal->type);
    if (!is_value(L, call, i, v) || !has_axes(L, call, i, v, declared)) {
        call->failed = true;
        return;
    }
    if (call->lifts > 0 && v->kind == VALUE_TENSOR && declared >= 0 && value_own_shape(v).rank > declared)
        v = value_own_to_axes(L, v, call->lift_ids, call->lifts);
    Type type = type_solve(L, call->scope, formal->type, v);
    if (!type.known || !has_sizes(L, call, i, &type, v)) {
        call->failed = true;
        return;
    }
    v = type_fit(L, &type, v, argument_span(call, i), formal_text(L, call, i), formal->span);
    bind_formal(L, call, i, v);
}

static void bind_all(Lowering *L, Call *call) {
    const FormalList *formals = &call->definition->formals;
    for (int i = 0; i < formals->count; i++) {
        const Expr *otherwise = formals->items[i].otherwise;
        if (call->given[i] != NULL && is_direct(call, i))
            bind_direct(L, call, i, call->given[i], argument_span(call, i));
        else if (call->given[i] == NULL && otherwise != NULL && otherwise->kind == EXPR_NUMBER &&
                 formals->items[i].type == NULL)
            bind_default(L, call, i);
    }
    for (int i = 0; i < formals->count && !call->failed; i++)
        if (is_tensor_formal(call, i)) tensor_argument(L, call, i);
    if (call->failed || !find_lift(L, call)) {
        call->failed = true;
        call->lifts = 0;
        return;
    }
    lower_open_axes(L, call->lift.extent, call->lifts, call->lift_ids);
    for (int i = 0; i < formals->count && !call->failed; i++)
        if (is_tensor_formal(call, i)) bind_tensor(L, call, i);
    for (int i = 0; i < formals->count && !call->failed; i++)
        if (scope_find_here(call->scope, formals->items[i].name.text) == NULL) bind_default(L, call, i);
}

/* ---- the body -------------------------------------------------------------------------------- */
static Value *fit_result(Lowering *L, Call *call, const TypeExpr *written, Value *v, const char *what) {
    if (written == NULL || value_is_poison(v)) return v;
    const Definition *definition = call->definition;
    Type type = lower_type(L, call->scope, written);
    if (!type.known) return value_poison(L);
    Span span = definition->value != NULL ? definition->value->span : definition->name.span;
    if (v->kind == VALUE_NONE) {
        Diagnostic *d = lower_error(L, CODE_E0217, definition->name.span,
                                    "%s declares a result of type %s and returns nothing", definition->name.text,
                                    type_text(L, &type));
        const Stmt *last = definition->body.count > 0 ? definition->body.items[definition->body.count - 1] : NULL;
        if (last != NULL && last->kind == STMT_ASSIGN)
            lower_help(L, d, "end its body with `return %s`", last->assign.key.text);
        return value_poison(L);
    }
    for (int i = 0; definition->value == NULL && i < definition->body.count; i++)
        if (definition->body.items[i]->kind == STMT_RETURN) span = definition->body.items[i]->span;
    bool was_quiet = L->quiet;
    L->quiet = true;
    Value *fitted = type_fit(L, &type, v, span, what, written->span);
    L->quiet = was_quiet;
    if (!value_is_poison(fitted)) return fitted;
    Diagnostic *d = lower_error(L, CODE_E0217, span, "%s of %s is %s where %s is declared", what, definition->name.text,
                                value_type_text(L, v), type_text(L, &type));
    lower_note(L, d, written->span, "declared here");
    if (v->kind == VALUE_TENSOR && v->node->dtype == type.dtype && type.shape.rank == 0 &&
        shape_equal(value_own_shape(v), (Shape){.rank = 1, .extent = {1}}))
        lower_help(L, d, "it is an array of one number; [0] behind it takes the number");
    return fitted;
}

static Value *fit_results(Lowering *L, Call *call, Value *v) {
    const FormalList *results = &call->definition->results;
    if (results->count == 0) return fit_result(L, call, call->definition->result, v, "the result");
    if (value_is_poison(v)) return v;
    if (v->kind != VALUE_TUPLE || v->count != results->count) {
        lower_error(L, CODE_E0217, call->definition->name.span, "%s declares %s and returns %s",
                    call->definition->name.text, count_text(L, results->count, "result"), value_type_text(L, v));
        return value_poison(L);
    }
    Value **items = arena_array(L->arena, Value *, v->count);
    Name *names = arena_array(L->arena, Name, v->count);
    for (int i = 0; i < v->count; i++) {
        names[i] = results->items[i].name.text;
        items[i] = fit_result(L, call, results->items[i].type, v->items[i],
                              text_format(L->arena, "the result %s", names[i]));
    }
    return value_tuple(L, items, names, v->count);
}

static Value *lower_body(Lowering *L, Call *call) {
    const Definition *definition = call->definition;
    Value *v = definition->value != NULL ? lower_expression(L, call->scope, definition->value)
                                         : lower_block(L, call->scope, &definition->body);
    v = fit_results(L, call, v);
    leave_state(L, call->scope, NULL);
    return without_variables(L, call->scope->variables, v);
}

/* ---- entering -------------------------------------------------------------------------------- */
static CallPath call_path(Lowering *L, const Definition *definition) {
    CallPath path = {0};
    const char *name = definition->name.text;
    if (L->path->prefix != NULL) path.prefix = path_count(L, L->path->counts, path_join(L, L->path->prefix, name, ""));
    path.site = path_count(L, L->path->site_counts, path_join(L, L->path->site, name, ""));
    return path;
}

static PathState entered_path(Lowering *L, const Definition *definition, CallPath path) {
    PathState state = *L->path;
    if (path.prefix != NULL) {
        PathPart *part = path_part(L, state.part, path.prefix + strlen(state.prefix) + 1);
        part->is_call = true;
        part->is_prelude = is_prelude_span(L, definition->span);
        state.part = part;
    }
    state.prefix = path.prefix;
    state.site = path.site;
    state.iteration = "";
    state.is_owner = definition->kind == DEFINE_MODEL || definition->kind == DEFINE_LAYER;
    if (definition->kind == DEFINE_MODEL) {
        state.prefix = definition->name.text;
        state.part = path_part(L, NULL, definition->name.text);
        state.counts = arena_new_of(L->arena, PathCounts);
    }
    return state;
}

static bool may_enter(Lowering *L, const Definition *definition, Span span) {
    for (int i = 0; i < L->broken.count; i++)
        if (L->broken.items[i] == definition) return false;
    int same = 0;
    for (CallFrame *frame = L->calls; frame != NULL; frame = frame->outer) same += frame->definition == definition;
    if (same < MOST_SAME_DEPTH && L->call_depth < MOST_CALL_DEPTH && L->calls_made < MOST_CALLS) return true;
    Diagnostic *d;
    if (same >= MOST_SAME_DEPTH)
        d = lower_error(L, CODE_E0901, span, "%s calls itself: recursion is not part of the language",
                        definition->name.text);
    else if (L->call_depth >= MOST_CALL_DEPTH)
        d = lower_error(L, CODE_E0901, span, "calls of definitions are nested too deeply");
    else if (L->calls_made++ == MOST_CALLS)
        d = lower_error(L, CODE_E0901, span, "more than %d calls of definitions come from one expression", MOST_CALLS);
    else
        return false;
    lower_help(L, d, "what repeats is written with repeat");
    vector_push(L->arena, &L->broken, definition);
    return false;
}

static bool may_have_parameters(Lowering *L, const Definition *definition, Span span) {
    if ((definition->kind != DEFINE_MODEL && definition->kind != DEFINE_LAYER) || L->no_models == NULL) return true;
    Diagnostic *d = lower_error(L, CODE_E0218, span, "the %s %s is called in %s",
                                definition_kind_text(definition->kind), definition->name.text, L->no_models);
    lower_help(L, d,
               "its parameters change while training, and what stands here is known before; "
               "a function without parameters is a def");
    return false;
}

static bool check_layer(Lowering *L, const Definition *definition, Span span) {
    if (!may_have_parameters(L, definition, span)) return false;
    if (definition->kind != DEFINE_LAYER || L->path->prefix != NULL) return true;
    Diagnostic *d = lower_error(L, CODE_E0218, span,
                                "the layer %s has parameters of its own and is called outside a "
                                "model",
                                definition->name.text);
    lower_help(L, d, "define a model that calls it, and call the model here");
    return false;
}

/* Does what the body means depend on this call: sizes solved, types taken as they come? */
static bool call_matters(const Call *call) {
    const FormalList *formals = &call->definition->formals;
    for (int i = 0; i < formals->count; i++) {
        const TypeExpr *type = formals->items[i].type;
        bool compile_time, is_real;
        DType t;
        if (type == NULL || type->base.text == NULL || !type_names(type, &compile_time, &is_real, &t) || compile_time ||
            is_real)
            return true;
        const DimList *lists[] = {&type->dims, &type->more};
        for (int k = 0; k < 2; k++)
            for (int j = 0; j < lists[k]->count; j++) {
                const Dim *dim = &lists[k]->items[j];
                if (dim->rest.text != NULL || dim->size == NULL ||
                    (dim->size->kind == EXPR_NAME && scope_find_here(call->scope, dim->size->name.text) != NULL))
                    return true;
            }
    }
    return false;
}

/* A frozen model runs as in predict; a model that it calls and that is trained does not. */
static void enter_training(Lowering *L, const Definition *definition) {
    if (definition->kind != DEFINE_MODEL || L->frozen_hook == NULL) return;
    bool trains = L->training || L->frozen;
    L->frozen = trains && L->frozen_hook(L, definition->name.text, L->hook_context);
    L->training = trains && !L->frozen;
}

static Value *enter(Lowering *L, Call *call, CallPath path) {
    const Definition *definition = call->definition;
    CallFrame frame = {definition, call->span, call->written, false, L->calls};
    PathState state = entered_path(L, definition, path), *outer_path = L->path;
    RangeFrame *outer_ranges = L->ranges;
    DType outer_real = L->real;
    int open = L->active_count;
    bool prelude = is_prelude_span(L, definition->span);
    call->scope = scope_new(L, prelude ? L->prelude : L->global);
    call->scope->is_body = true;
    body_find_variables(L, call->scope, definition);
    resolve_real(L, call);
    L->ranges = NULL;
    L->calls_made++;
    L->call_depth++;
    /* Whether an argument fits is told at the argument; only defaults and the body are inside the call. */
    bind_all(L, call);
    Value *result = value_poison(L);
    frame.matters = call_matters(call);
    if (!call->failed) {
        L->calls = &frame;
        L->path = &state;
        L->prelude_depth += prelude;
        bool training = L->training, frozen = L->frozen;
        enter_training(L, definition);
        result = lower_body(L, call);
        L->training = training;
        L->frozen = frozen;
        L->prelude_depth -= prelude;
        L->path = outer_path;
        L->calls = frame.outer;
    }
    L->call_depth--;
    L->ranges = outer_ranges;
    L->real = outer_real;
    L->active_count = open;
    if (call->lifts != 0) result = value_axes_to_own(L, result, call->lift_ids, call->lifts);
    if (definition->kind == DEFINE_MODEL) name_value(L, definition->name.text, result, definition->name.span);
    meaning_of_call(L, call->expr == NULL ? NULL : call->expr->call.callee, result,
                    state.is_owner ? state.prefix : NULL);
    return result;
}

static Value *call_definition(Lowering *L, const Definition *definition, const Arguments *args, const Expr *expr,
                              CallPath path) {
    Call call = {.definition = definition, .expr = expr, .span = expr == NULL ? args->span : expr->span};
    if (!check_layer(L, definition, call.span) || !may_enter(L, definition, call.span) ||
        !place_arguments(L, &call, args))
        return value_poison(L);
    return enter(L, &call, path);
}

Value *lower_call_definition(Lowering *L, const Definition *definition, const Arguments *args, const Expr *call) {
    return call_definition(L, definition, args, call, call_path(L, definition));
}

Value *lower_bind_definition(Lowering *L, const Definition *definition, const Arguments *args, const Expr *expr) {
    Call call = {.definition = definition, .expr = expr, .span = expr == NULL ? args->span : expr->span};
    if (!place_arguments(L, &call, args)) return value_poison(L);
    call.scope = scope_new(L, is_prelude_span(L, definition->span) ? L->prelude : L->global);
    call.scope->is_body = true;
    const FormalList *formals = &definition->formals;
    for (int i = 0; i < formals->count; i++) {
        if (call.given[i] != NULL)
            bind_formal(L, &call, i, call.given[i]);
        else
            bind_default(L, &call, i);
    }
    if (call.failed) return value_poison(L);
    Value *bound = value_new(L, VALUE_BOUND);
    bound->definition = definition;
    bound->scope = call.scope;
    bound->written = call.written;
    return bound;
}

void lower_bound_body(Lowering *L, Scope *scope, const Value *bound, Span call) {
    CallFrame frame = {bound->definition, call, bound->written, false, L->calls};
    L->calls = &frame;
    lower_block(L, scope, &bound->definition->body);
    L->calls = frame.outer;
}

/* ---- f(args) --------------------------------------------------------------------------------- */
static Value *call_builtin(Lowering *L, Scope *scope, const Value *callee, const Expr *expr) {
    const Builtin *builtin = callee->builtin;
    Arguments *args;
    if (builtin->raw) {
        args = arena_new_of(L->arena, Arguments);
        args->count = expr->call.args.count;
        args->span = expr->span;
    } else {
        args = lower_arguments(L, scope, expr);
        for (int i = 0; i < args->count; i++)
            if (value_is_poison(args->value[i])) return value_poison(L);
    }
    for (int i = 0; !builtin->raw && i < args->count; i++)
        if (args->name[i] != NULL) {
            Diagnostic *d = lower_error(L, CODE_E0205, args->name_span[i], "%s has no argument named %s", builtin->name,
                                        args->name[i]);
            lower_help(L, d, "it is used as %s", builtin->usage);
            if (scope_find(scope, args->name[i]) != NULL)
                lower_help(L, d, "to ask whether two values are equal, write %s == ...", args->name[i]);
            return value_poison(L);
        }
    if (args->count < builtin->least || (builtin->most >= 0 && args->count > builtin->most)) {
        Diagnostic *d = lower_error(L, CODE_E0204, expr->span, "%s is given %s", builtin->name,
                                    count_text(L, args->count, "argument"));
        lower_help(L, d, "it is used as %s", builtin->usage);
        return value_poison(L);
    }
    Value *result = builtin->function(L, scope, args, expr, callee->context);
    meaning_of_call(L, expr->call.callee, result, NULL);
    return result;
}

Value *lower_call(Lowering *L, Scope *scope, const Expr *expr) {
    Value *callee = lower_expression(L, scope, expr->call.callee);
    switch (callee->kind) {
    case VALUE_POISON:
        lower_arguments(L, scope, expr); /* their mistakes are told too */
        return callee;
    case VALUE_BUILTIN: return call_builtin(L, scope, callee, expr);
    case VALUE_DEFINITION: {
        const Definition *definition = callee->definition;
        if (definition->kind == DEFINE_OPTIMIZER)
            return lower_bind_definition(L, definition, lower_arguments(L, scope, expr), expr);
        const Arguments *args = lower_arguments(L, scope, expr); /* calls in them are counted first */
        return call_definition(L, definition, args, expr, call_path(L, definition));
    }
    default: break;
    }
    Diagnostic *d = lower_error(L, CODE_E0216, expr->span, "%s is not a definition, so it cannot be called",
                                value_type_text(L, callee));
    note_operand(L, d, expr->call.callee, callee);
    return value_poison(L);
}
