/* type.c: declared types.
 *
 * A type's sizes are expressions over what is in scope. In a parameter of a definition a bare name that is
 * not yet a number is solved from the argument and becomes one; any other expression is computed and
 * compared. A type's rank is known from its text alone, which is what lifting needs before any size is
 * solved.
 */
#include "lower/internal.h"
#include <string.h>

bool type_names(const TypeExpr *type, bool *compile_time, bool *is_real, DType *t) {
    const char *name = type->base.text;
    *compile_time = strcmp(name, "int") == 0;
    *is_real = strcmp(name, "real") == 0;
    *t = strcmp(name, "f64") == 0     ? DTYPE_F64
         : strcmp(name, "i32") == 0   ? DTYPE_I32
         : strcmp(name, "bool") == 0  ? DTYPE_BOOL
         : strcmp(name, "label") == 0 ? DTYPE_I32
                                      : DTYPE_F32;
    return *compile_time || *is_real || *t != DTYPE_F32 || strcmp(name, "f32") == 0;
}

static bool is_label(const TypeExpr *type) { return strcmp(type->base.text, "label") == 0; }

static const DimList *shape_dims(const TypeExpr *type) { return is_label(type) ? &type->more : &type->dims; }

int type_own_rank(const TypeExpr *type) {
    const DimList *dims = shape_dims(type);
    for (int i = 0; i < dims->count; i++)
        if (dims->items[i].rest.text != NULL) return -1;
    return dims->count;
}

bool type_check(Lowering *L, const TypeExpr *type) {
    bool compile_time, is_real;
    DType t;
    static const char *const names[] = {"f32", "f64", "i32", "bool", "label", "int", "real"};
    if (type->base.text == NULL) return false;
    if (!type_names(type, &compile_time, &is_real, &t)) {
        Diagnostic *d = lower_error(L, CODE_E0203, type->base.span, "%s is not a type", type->base.text);
        const char *nearest = nearest_name(type->base.text, names, 7);
        if (nearest != NULL)
            lower_help(L, d, "did you mean `%s`?", nearest);
        else
            lower_help(L, d, "types are f32, f64, i32, bool, label[k], int, and real in a definition");
        return false;
    }
    if (is_label(type) && type->dims.count != 1) {
        lower_error(L, CODE_E0203, type->span,
                    "a label says how many classes it has: label[10]; an array of labels is "
                    "label[10][n]");
        return false;
    }
    if (!is_label(type) && type->more.count > 0) {
        lower_error(L, CODE_E0203, type->span, "an array's sizes stand in one pair of brackets: %s[n, m]",
                    type->base.text);
        return false;
    }
    if (compile_time && type->dims.count > 0) {
        lower_error(L, CODE_E0203, type->span,
                    "int is a compile-time size and has no axes; an array of numbers is f32[n]");
        return false;
    }
    return true;
}

/* The size an expression gives; false after an error. */
static bool size_of(Lowering *L, Scope *scope, const Expr *expr, int64_t *out) {
    Value *v = lower_expression(L, scope, expr);
    if (value_is_poison(v)) return false;
    if (v->kind != VALUE_INT && v->kind != VALUE_NUMBER) {
        lower_error(L, CODE_E0208, expr->span, "a size is a number known when compiling; this is %s",
                    value_type_text(L, v));
        return false;
    }
    if (v->kind == VALUE_NUMBER) {
        lower_error(L, CODE_E0211, expr->span, "this size is %s, not a whole number",
                    text_number(L->arena, v->number, false));
        return false;
    }
    *out = v->integer;
    if (v->integer >= 1 && v->integer < MOST_EXTENT) return true;
    lower_error(L, v->integer < 1 ? CODE_E0208 : CODE_E0219, expr->span, "a size of %lld is %s", (long long)v->integer,
                v->integer < 1 ? "not possible; it must be at least 1" : "too large");
    return false;
}

/* A bare name that is no number yet. */
static bool is_unknown(Scope *scope, const Expr *expr) {
    if (expr == NULL || expr->kind != EXPR_NAME) return false;
    Binding *b = scope_find(scope, expr->name.text);
    return b == NULL || (!value_is_number(b->value) && !value_is_poison(b->value));
}

static bool dim_value(Lowering *L, Scope *scope, const Dim *dim, const int64_t *given, int64_t *out) {
    if (given == NULL || !is_unknown(scope, dim->size)) return size_of(L, scope, dim->size, out);
    *out = *given;
    scope_bind(L, scope, dim->size->name.text, value_int(L, *given), dim->size->span);
    return true;
}

static bool append(Shape *shape, int64_t extent) {
    if (shape->rank == MOST_RANK) return false;
    shape->extent[shape->rank++] = extent;
    return true;
}

/* `..s`: what is left of the argument's shape, or the shape s already stands for. */
static bool rest_of(Lowering *L, Scope *scope, const Dim *dim, const Shape *own, int others, Shape *shape) {
    Binding *b = scope_find(scope, dim->rest.text);
    if (b != NULL && b->value->kind == VALUE_LIST && b->value->is_shape) {
        meaning_of_binding(L, dim->rest, b);
        for (int i = 0; i < b->value->count; i++)
            if (!append(shape, b->value->items[i]->integer)) return false;
        return true;
    }
    if (own == NULL) {
        lower_error(L, CODE_E0202, dim->span, "..%s stands for the sizes of an argument, and no parameter declares it",
                    dim->rest.text);
        return false;
    }
    int count = own->rank - others;
    Value *items[MOST_RANK];
    for (int i = 0; i < count; i++) {
        items[i] = value_int(L, own->extent[shape->rank]);
        append(shape, own->extent[shape->rank]);
    }
    Value *list = value_list(L, items, count < 0 ? 0 : count);
    list->is_shape = true;
    scope_bind(L, scope, dim->rest.text, list, dim->rest.span);
    return true;
}

Type type_solve(Lowering *L, Scope *scope, const TypeExpr *type, const Value *argument) {
    Type result = {0};
    bool is_real;
    if (!type_check(L, type)) return result;
    type_names(type, &result.is_compile_time, &is_real, &result.dtype);
    if (is_real)
        result.dtype = L->real;
    else if (L->f64 && result.dtype == DTYPE_F32)
        result.dtype = DTYPE_F64;
    Shape own = {0};
    if (argument != NULL) own = value_own_shape(argument);
    if (is_label(type)) {
        int64_t classes = argument == NULL ? 0 : argument->classes;
        const Dim *dim = &type->dims.items[0];
        if (dim->rest.text != NULL || !dim_value(L, scope, dim, classes > 0 ? &classes : NULL, &result.classes))
            return result;
    }
    const DimList *dims = shape_dims(type);
    for (int i = 0; i < dims->count; i++) {
        const Dim *dim = &dims->items[i];
        int64_t extent = 0;
        if (dim->rest.text != NULL) {
            if (!rest_of(L, scope, dim, argument == NULL ? NULL : &own, dims->count - 1, &result.shape)) return result;
            continue;
        }
        const int64_t *given = argument != NULL && result.shape.rank < own.rank ? &own.extent[result.shape.rank] : NULL;
        if (!dim_value(L, scope, dim, given, &extent)) return result;
        if (!append(&result.shape, extent)) {
            lower_error(L, CODE_E0219, type->span, "an array has at most %d axes", MOST_RANK);
            return result;
        }
    }
    result.known = shape_check_size(L, result.shape, type->span);
    return result;
}

Type lower_type(Lowering *L, Scope *scope, const TypeExpr *type) { return type_solve(L, scope, type, NULL); }

const char *type_text(Lowering *L, const Type *type) {
    return type->is_compile_time ? "int" : shape_text(L, type->dtype, type->classes, type->shape);
}

static Value *does_not_fit(Lowering *L, const Type *type, const Value *v, Span span, const char *what, Span declared) {
    Diagnostic *d = lower_error(L, CODE_E0214, span, "%s is %s where %s is declared", what, value_type_text(L, v),
                                type_text(L, type));
    if (declared.begin != 0) lower_note(L, d, declared, "declared here");
    if (value_is_label(v) && dtype_is_real(type->dtype))
        lower_help(L, d, "a label is a class, not a number: cross_entropy(scores, label) compares with one");
    else if (v->kind == VALUE_TENSOR && !value_is_label(v) && type->classes > 0)
        lower_help(L, d, "a class is a field of type %s", type_text(L, type));
    else if (v->kind == VALUE_TENSOR && !dtype_is_real(v->node->dtype) && dtype_is_real(type->dtype))
        lower_help(L, d, "convert it: %s(...)", dtype_text(type->dtype));
    if (value_is_real(v) && dtype_is_real(type->dtype) && v->node->dtype != type->dtype)
        lower_help(L, d, "convert it: %s(...)", dtype_text(type->dtype));
    return value_poison(L);
}

static Value *fit_label(Lowering *L, const Type *type, const Value *v, Span span, const char *what, Span declared) {
    if (v->kind == VALUE_INT && v->integer >= 0 && v->integer < type->classes) {
        Node *node = graph_const(L->graph, DTYPE_I32, type->shape, (double)v->integer);
        return value_tensor(L, node, type->classes);
    }
    if (!value_is_label(v) || v->classes != type->classes) return does_not_fit(L, type, v, span, what, declared);
    return (Value *)v;
}

Value *type_fit(Lowering *L, const Type *type, const Value *v, Span span, const char *what, Span declared) {
    if (!type->known || value_is_poison(v)) return value_poison(L);
    int64_t ignored;
    if (type->is_compile_time) {
        if (v->kind == VALUE_INT) return (Value *)v;
        if (v->kind == VALUE_NUMBER)
            return lower_constant_int(L, v, span, what, &ignored) ? value_int(L, ignored) : value_poison(L);
        return does_not_fit(L, type, v, span, what, declared);
    }
    Value *x = (Value *)v;
    if (type->classes > 0) {
        x = fit_label(L, type, v, span, what, declared);
    } else if (type->dtype == DTYPE_BOOL) {
        if (v->kind == VALUE_BOOL && type->shape.rank == 0) return x;
        if (v->kind == VALUE_BOOL) x = value_tensor_of(L, v, L->real, span, what);
        if (x->kind != VALUE_TENSOR || x->node->dtype != DTYPE_BOOL)
            return does_not_fit(L, type, v, span, what, declared);
    } else {
        bool number = v->kind != VALUE_TENSOR && value_is_numeric(v);
        bool same = v->kind == VALUE_TENSOR && v->node->dtype == type->dtype && v->classes == 0;
        bool becomes = v->kind == VALUE_TENSOR && v->free && dtype_is_real(type->dtype);
        if (!number && !same && !becomes) return does_not_fit(L, type, v, span, what, declared);
        x = value_to_tensor(L, v, type->dtype, span, what);
    }
    if (value_is_poison(x)) return x;
    Shape own = value_own_shape(x);
    if (!shape_equal(own, type->shape)) return does_not_fit(L, type, x, span, what, declared);
    if (x->free) {
        x = arena_copy(L->arena, x, sizeof *x);
        x->free = false;
    }
    return x;
}
