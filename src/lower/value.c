/* value.c: values: how they are made, what they become where a tensor is needed, how they print.
 *
 * A number stays a compile-time number (a double) as long as only numbers meet; it is rounded once, when it
 * becomes part of a tensor. Index variables stay affine combinations as long as they are added and scaled,
 * since only those index; elsewhere they become i32 tensors that turn real freely.
 */
#include "lower/internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- constructors ---------------------------------------------------------------------------- */
Value *value_new(Lowering *L, ValueKind kind) {
    Value *v = arena_new_of(L->arena, Value);
    v->kind = kind;
    return v;
}

Value *value_poison(Lowering *L) { return value_new(L, VALUE_POISON); }

Value *value_none(Lowering *L) { return value_new(L, VALUE_NONE); }

Value *value_int(Lowering *L, int64_t n) {
    Value *v = value_new(L, VALUE_INT);
    v->integer = n;
    v->number = (double)n;
    return v;
}

Value *value_number(Lowering *L, double number) {
    Value *v = value_new(L, VALUE_NUMBER);
    v->number = number;
    return v;
}

Value *value_bool(Lowering *L, bool truth) {
    Value *v = value_new(L, VALUE_BOOL);
    v->truth = truth;
    return v;
}

Value *value_string(Lowering *L, const char *bytes, size_t length) {
    Value *v = value_new(L, VALUE_STRING);
    v->string = bytes;
    v->length = length;
    return v;
}

Value *value_list(Lowering *L, Value *const *items, int count) {
    Value *v = value_new(L, VALUE_LIST);
    v->items = arena_copy(L->arena, items, sizeof(Value *) * (size_t)count);
    v->count = count;
    return v;
}

Value *value_tuple(Lowering *L, Value *const *items, const Name *names, int count) {
    Value *v = value_list(L, items, count);
    v->kind = VALUE_TUPLE;
    v->names = arena_array(L->arena, Name, count);
    for (int i = 0; names != NULL && i < count; i++) v->names[i] = names[i];
    return v;
}

Value *value_definition(Lowering *L, const Definition *definition) {
    Value *v = value_new(L, VALUE_DEFINITION);
    v->definition = definition;
    return v;
}

Value *value_builtin(Lowering *L, const Builtin *builtin, void *context) {
    Value *v = value_new(L, VALUE_BUILTIN);
    v->builtin = builtin;
    v->context = context;
    return v;
}

Value *value_external(Lowering *L, int tag, void *object) {
    Value *v = value_new(L, VALUE_EXTERNAL);
    v->tag = tag;
    v->object = object;
    return v;
}

Value *value_of_node(Lowering *L, Node *node, const int *axes, int count) {
    Value *v = value_new(L, VALUE_TENSOR);
    v->node = node;
    v->axes = count;
    for (int i = 0; i < count; i++) v->axis[i] = axes[i];
    return v;
}

Value *value_tensor(Lowering *L, Node *node, int64_t classes) {
    Value *v = value_of_node(L, node, NULL, 0);
    v->classes = classes;
    return v;
}

Value *value_like(Lowering *L, const Value *like, Node *node, const int *axes, int count) {
    Value *v = value_of_node(L, node, axes, count);
    v->classes = like->classes;
    v->free = like->free;
    v->batch = like->batch;
    return v;
}

static Node *number_node(Lowering *L, const Value *v, DType t) {
    if (v->node != NULL && dtype_is_real(t)) return t == DTYPE_F64 ? v->wide : v->node;
    return graph_const(L->graph, t, (Shape){0}, t == DTYPE_F32 ? (double)(float)v->number : v->number);
}

static Node *computed_in(Lowering *L, Op op, const Value *a, const Value *b, DType t) {
    Node *x = number_node(L, a, t);
    return b == NULL ? graph_unary(L->graph, op, x) : graph_binary(L->graph, op, x, number_node(L, b, t));
}

Value *value_computed(Lowering *L, const Value *number, Op op, const Value *a, const Value *b) {
    if (a->node == NULL && (b == NULL || b->node == NULL)) return (Value *)number;
    Value *v = arena_copy(L->arena, number, sizeof *number);
    v->node = computed_in(L, op, a, b, L->f64 ? DTYPE_F64 : DTYPE_F32);
    v->wide = computed_in(L, op, a, b, DTYPE_F64);
    return v;
}

Value *value_index(Lowering *L, int64_t offset, int axis) {
    Value *v = value_new(L, VALUE_INDEX);
    v->affine = (AffineIndex){.offset = offset, .terms = 1, .axis = {axis}, .coef = {1}};
    return v;
}

/* ---- what a value is ------------------------------------------------------------------------- */
Shape value_own_shape(const Value *v) {
    Shape own = {0};
    if (v->kind == VALUE_LIST) {
        for (const Value *at = v; at->kind == VALUE_LIST && own.rank < MOST_RANK; at = at->items[0]) {
            own.extent[own.rank++] = at->count;
            if (at->count == 0) break;
        }
    }
    if (v->kind != VALUE_TENSOR) return own;
    own.rank = v->node->shape.rank - v->axes;
    for (int i = 0; i < own.rank; i++) own.extent[i] = v->node->shape.extent[v->axes + i];
    return own;
}

bool value_is_numeric(const Value *v) {
    if (v->kind == VALUE_LIST) {
        for (int i = 0; i < v->count; i++)
            if (!value_is_numeric(v->items[i])) return false;
        return true;
    }
    return v->kind == VALUE_TENSOR || v->kind == VALUE_INDEX || value_is_number(v);
}

bool value_is_real(const Value *v) { return v->kind == VALUE_TENSOR && dtype_is_real(v->node->dtype); }

bool value_is_label(const Value *v) { return v->kind == VALUE_TENSOR && v->classes > 0; }

bool axes_has(const Value *v, int id) {
    for (int i = 0; i < v->axes; i++)
        if (v->axis[i] == id) return true;
    return false;
}

int axes_union(Lowering *L, Value *const *values, int count, int own_rank, int *ids, Span span) {
    int n = 0;
    for (int k = 0; k < count; k++) {
        const Value *v = values[k];
        for (int i = 0; v->kind == VALUE_TENSOR && i < v->axes; i++) {
            int at = n;
            while (at > 0 && ids[at - 1] > v->axis[i]) at--;
            if (at > 0 && ids[at - 1] == v->axis[i]) continue;
            if (n == MOST_RANK) {
                n++;
                goto too_many;
            }
            memmove(ids + at + 1, ids + at, sizeof(int) * (size_t)(n - at));
            ids[at] = v->axis[i];
            n++;
        }
    }
    if (n + own_rank <= MOST_RANK) return n;
too_many:;
    Diagnostic *d = lower_error(L, CODE_E0219, span,
                                "more than %d axes meet here: %d index variables or mapped "
                                "axes, and %d axes of the array",
                                MOST_RANK, n, own_rank);
    lower_help(L, d, "compute a part first and give it a name");
    return -1;
}

Shape shape_of_axes(const Lowering *L, const int *ids, int count, Shape own) {
    Shape shape = {.rank = count + own.rank};
    for (int i = 0; i < count; i++) shape.extent[i] = L->axes.items[ids[i]].extent;
    for (int i = 0; i < own.rank; i++) shape.extent[count + i] = own.extent[i];
    return shape;
}

bool shape_check_size(Lowering *L, Shape s, Span span) {
    double elements = 1;
    for (int i = 0; i < s.rank; i++) {
        elements *= (double)s.extent[i];
        if (s.extent[i] >= MOST_EXTENT) elements = INFINITY;
    }
    if (elements <= (double)MOST_ELEMENTS) return true;
    lower_error(L, CODE_E0219, span, "an array of %s is too large", shape_text(L, L->real, 0, s));
    return false;
}

/* ---- becoming a tensor ----------------------------------------------------------------------- */
Node *value_spread(Lowering *L, const Value *v, const int *ids, int count, Shape own) {
    Shape shape = shape_of_axes(L, ids, count, own);
    if (shape_equal(shape, v->node->shape) && v->axes == count &&
        memcmp(v->axis, ids, sizeof(int) * (size_t)count) == 0)
        return v->node;
    if (v->node->op == OP_CONST) return graph_const(L->graph, v->node->dtype, shape, v->node->attr.value);
    int place[MOST_RANK] = {0};
    bool ascending = true;
    for (int i = 0; i < v->axes; i++)
        for (int k = 0; k < count; k++)
            if (ids[k] == v->axis[i]) place[i] = k;
    int own_rank = v->node->shape.rank - v->axes;
    for (int i = 0; i < own_rank; i++) place[v->axes + i] = count + i;
    for (int i = 1; i < v->node->shape.rank; i++) ascending &= place[i - 1] < place[i];
    if (ascending && v->node->shape.rank == shape.rank) return v->node;
    if (v->node->shape.rank < shape.rank) return graph_expand(L->graph, v->node, shape, place);
    int source[MOST_RANK];
    for (int i = 0; i < shape.rank; i++) source[place[i]] = i;
    return graph_permute(L->graph, v->node, source);
}

/* offset + sum of coef * index as an i32 array over its index axes. */
static Value *index_tensor(Lowering *L, const Value *v) {
    const AffineIndex *affine = &v->affine;
    const int *ids = affine->axis;
    Shape shape = shape_of_axes(L, ids, affine->terms, (Shape){0});
    Node *sum = NULL;
    for (int i = 0; i < affine->terms; i++) {
        Node *term = graph_leaf(L->graph, OP_IOTA, DTYPE_I32, shape, i);
        if (affine->coef[i] != 1)
            term = graph_binary(L->graph, OP_MUL, term,
                                graph_const(L->graph, DTYPE_I32, shape, (double)affine->coef[i]));
        sum = sum == NULL ? term : graph_binary(L->graph, OP_ADD, sum, term);
    }
    if (affine->offset != 0)
        sum = graph_binary(L->graph, OP_ADD, sum, graph_const(L->graph, DTYPE_I32, shape, (double)affine->offset));
    Value *tensor = value_of_node(L, sum, ids, affine->terms);
    tensor->free = true;
    return tensor;
}

/* The items of a list, all of one type and shape. */
static Value *list_tensor(Lowering *L, const Value *v, DType t, Span span) {
    if (v->count == 0) {
        lower_error(L, CODE_E0203, span, "an empty list `[]` has no type");
        return value_poison(L);
    }
    Node **parts = arena_array(L->arena, Node *, v->count);
    for (int i = 0; i < v->count; i++) {
        Value *item = value_to_tensor(L, v->items[i], t, span, "an item of this list");
        if (value_is_poison(item)) return item;
        Shape shape = item->node->shape;
        if (i > 0 && !shape_equal(shape, parts[0]->shape)) {
            lower_error(L, CODE_E0201, span, "the items of a list have one shape; the first is %s, item %d is %s",
                        shape_text(L, t, 0, parts[0]->shape), i, shape_text(L, t, 0, shape));
            return value_poison(L);
        }
        if (shape.rank == MOST_RANK) {
            lower_error(L, CODE_E0219, span, "an array has at most %d axes", MOST_RANK);
            return value_poison(L);
        }
        parts[i] = item->node;
    }
    bool all_equal = true;
    for (int i = 0; i < v->count; i++) all_equal &= parts[i] == parts[0] && parts[i]->op == OP_CONST;
    Shape one = {.rank = parts[0]->shape.rank + 1, .extent = {1}};
    memcpy(one.extent + 1, parts[0]->shape.extent, sizeof(int64_t) * (size_t)parts[0]->shape.rank);
    Shape all = one;
    all.extent[0] = v->count;
    if (all_equal) return value_of_node(L, graph_const(L->graph, t, all, parts[0]->attr.value), NULL, 0);
    for (int i = 0; i < v->count; i++) parts[i] = graph_reshape(L->graph, parts[i], one);
    if (v->count == 1) return value_of_node(L, parts[0], NULL, 0);
    return value_of_node(L, graph_concat(L->graph, parts, v->count, 0), NULL, 0);
}

Value *value_tensor_of(Lowering *L, const Value *v, DType number_type, Span span, const char *what) {
    switch (v->kind) {
    case VALUE_POISON: return (Value *)v;
    case VALUE_TENSOR: return (Value *)v;
    case VALUE_INDEX: return index_tensor(L, v);
    case VALUE_INT:
    case VALUE_NUMBER: return value_of_node(L, number_node(L, v, number_type), NULL, 0);
    case VALUE_BOOL: return value_of_node(L, graph_const(L->graph, DTYPE_BOOL, (Shape){0}, v->truth ? 1 : 0), NULL, 0);
    case VALUE_LIST:
        if (value_is_numeric(v)) return list_tensor(L, v, number_type, span);
        break;
    default: break;
    }
    Diagnostic *d = lower_error(L, CODE_E0216, span, "%s is %s where a number or an array is needed", what,
                                value_type_text(L, v));
    if (v->kind == VALUE_DEFINITION || v->kind == VALUE_BUILTIN)
        lower_help(L, d, "call it: %s", v->kind == VALUE_BUILTIN ? v->builtin->usage : usage_text(L, v->definition));
    return value_poison(L);
}

Value *value_to_tensor(Lowering *L, const Value *v, DType t, Span span, const char *what) {
    if (t == DTYPE_I32 && value_is_number(v) && (v->kind == VALUE_NUMBER || llabs(v->integer) > INT32_MAX)) {
        lower_error(L, CODE_E0203, span, "%s is %s where a whole number of 32 bits is needed", what,
                    value_type_text(L, v));
        return value_poison(L);
    }
    if (t == DTYPE_BOOL && value_is_numeric(v) && v->kind != VALUE_TENSOR) {
        Diagnostic *d = lower_error(L, CODE_E0203, span, "%s is %s where a truth is needed", what,
                                    value_type_text(L, v));
        lower_help(L, d, "compare it, as in x > 0");
        return value_poison(L);
    }
    Value *tensor = value_tensor_of(L, v, t, span, what);
    if (value_is_poison(tensor) || (tensor->node->dtype == t && tensor->classes == 0)) return tensor;
    if (tensor->free && dtype_is_real(t)) {
        Value *real = value_like(L, tensor, graph_cast(L->graph, tensor->node, t), tensor->axis, tensor->axes);
        real->free = false;
        return real;
    }
    Diagnostic *d = lower_error(L, CODE_E0203, span, "%s is %s where %s is needed", what, value_type_text(L, tensor),
                                dtype_text(t));
    if (dtype_is_real(t)) lower_help(L, d, "convert it: %s(...)", dtype_text(t));
    return value_poison(L);
}

Value *value_repeat(Lowering *L, const Value *v, Shape own) {
    if (v->kind != VALUE_TENSOR || own.rank == 0 || value_own_shape(v).rank != 0) return (Value *)v;
    if (v->axes + own.rank > MOST_RANK) {
        lower_error(L, CODE_E0219, L->graph->span, "this array would have more than %d axes", MOST_RANK);
        return value_poison(L);
    }
    return value_like(L, v, value_spread(L, v, v->axis, v->axes, own), v->axis, v->axes);
}

Node *value_to_node(Lowering *L, const Value *v, DType t, Shape shape, Span span, const char *what) {
    Value *tensor = value_to_tensor(L, v, t, span, what);
    if (value_is_poison(tensor)) return NULL;
    Shape own = value_own_shape(tensor);
    if (tensor->axes > 0) INTERNAL_ERROR("a value with open index axes where none are");
    if (tensor->batch) {
        lower_error(L, CODE_E0216, span,
                    "%s is an array over the rows of the batch; reduce it with sum, mean, max or min", what);
        return NULL;
    }
    if (own.rank == 0 && shape.rank > 0) return value_spread(L, tensor, NULL, 0, shape);
    if (shape_equal(own, shape)) return tensor->node;
    lower_error(L, CODE_E0201, span, "%s is %s where %s is needed", what, value_type_text(L, tensor),
                shape_text(L, t, 0, shape));
    return NULL;
}

Node *value_to_real_scalar(Lowering *L, const Value *v, Span span, const char *what) {
    return value_to_node(L, v, L->real, (Shape){0}, span, what);
}

Node *value_to_any_real_scalar(Lowering *L, const Value *v, Span span, const char *what) {
    return value_to_node(L, v, value_is_real(v) ? v->node->dtype : L->real, (Shape){0}, span, what);
}

/* ---- compile-time readings ------------------------------------------------------------------- */
static bool not_constant(Lowering *L, const Value *v, Span span, const char *what, const char *wanted) {
    if (v->kind == VALUE_POISON) return false;
    if (v->kind == VALUE_TENSOR || v->kind == VALUE_INDEX)
        lower_error(L, CODE_E0221, span, "%s must be %s known when compiling; this is %s, computed when running", what,
                    wanted, value_type_text(L, v));
    else
        lower_error(L, CODE_E0203, span, "%s must be %s; this is %s", what, wanted, value_type_text(L, v));
    return false;
}

bool lower_constant_int(Lowering *L, const Value *v, Span span, const char *what, int64_t *out) {
    if (v->kind == VALUE_NUMBER) {
        bool small = fabs(v->number) < 9007199254740992.0;
        if (v->number != floor(v->number) || !small) {
            lower_error(L, CODE_E0211, span, "%s must be a whole number%s; this is %s", what,
                        small ? "" : " below 2^53", text_number(L->arena, v->number, false));
            return false;
        }
        *out = (int64_t)v->number;
        return true;
    }
    if (v->kind != VALUE_INT) return not_constant(L, v, span, what, "a whole number");
    *out = v->integer;
    return true;
}

bool lower_constant_number(Lowering *L, const Value *v, Span span, const char *what, double *out) {
    bool is_const = v->kind == VALUE_TENSOR && v->node->op == OP_CONST && v->node->shape.rank == 0 && v->classes == 0;
    if (!value_is_number(v) && !is_const) return not_constant(L, v, span, what, "a number");
    *out = is_const ? v->node->attr.value : v->number;
    return true;
}

bool lower_constant_bool(Lowering *L, const Value *v, Span span, const char *what, bool *out) {
    if (v->kind != VALUE_BOOL) return not_constant(L, v, span, what, "a truth");
    *out = v->truth;
    return true;
}

bool lower_constant_string(Lowering *L, const Value *v, Span span, const char *what, const char **out) {
    if (v->kind != VALUE_STRING) return not_constant(L, v, span, what, "a text");
    *out = v->string;
    return true;
}

/* ---- printing -------------------------------------------------------------------------------- */
static void add_extents(Text *text, Shape s) {
    if (s.rank == 0) return;
    text_add(text, "[");
    for (int i = 0; i < s.rank; i++) text_add(text, "%s%lld", i == 0 ? "" : ", ", (long long)s.extent[i]);
    text_add(text, "]");
}

const char *shape_text(Lowering *L, DType t, int64_t classes, Shape s) {
    Text text = text_new(L->arena);
    if (classes > 0)
        text_add(&text, "label[%lld]", (long long)classes);
    else
        text_add(&text, "%s", dtype_text(t));
    add_extents(&text, s);
    return text.bytes;
}

const char *value_type_text(Lowering *L, const Value *v) {
    switch (v->kind) {
    case VALUE_POISON: return "an error";
    case VALUE_NONE: return "none";
    case VALUE_TENSOR: return shape_text(L, v->node->dtype, v->classes, value_own_shape(v));
    case VALUE_INDEX: return "an index variable";
    case VALUE_INT: return text_format(L->arena, "the number %lld", (long long)v->integer);
    case VALUE_NUMBER: return text_format(L->arena, "the number %s", text_number(L->arena, v->number, false));
    case VALUE_BOOL: return v->truth ? "true" : "false";
    case VALUE_STRING: return "a text";
    case VALUE_QUANTITY: return text_format(L->arena, "%s %s", text_number(L->arena, v->number, false), v->unit);
    case VALUE_RANGE: return text_format(L->arena, "the range %lld..%lld", (long long)v->integer, (long long)v->end);
    case VALUE_LIST: return text_format(L->arena, "a list of %s", count_text(L, v->count, "item"));
    case VALUE_TUPLE: return text_format(L->arena, "a tuple of %s", count_text(L, v->count, "value"));
    case VALUE_DEFINITION:
        return text_format(L->arena, "the %s %s",
                           v->definition->kind == DEFINE_DEF ? "function" : definition_kind_text(v->definition->kind),
                           v->definition->name.text);
    case VALUE_BUILTIN: return text_format(L->arena, "the function %s", v->builtin->name);
    case VALUE_BOUND: return text_format(L->arena, "the optimizer %s", v->definition->name.text);
    case VALUE_MODULE: return text_format(L->arena, "the module %s", v->module->path);
    case VALUE_EXTERNAL: return "a data set or train block";
    }
    return "a value";
}
