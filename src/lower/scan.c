/* scan.c: `scan xt in x { state h = 0; ...; return h }`: one body over the elements of an axis.
 *
 * The body is lowered once, to nodes that differ from element to element (ir/scan.h). A state is what the name is bound to
 * at the end of the body, carried to the next element. What is carried has the index axes of its start and of what is
 * scanned; where what follows it turns out to have more, the body is lowered again with those, and finds its parameters.
 */
#include "lower/internal.h"
#include "ir/scan.h"
#include <string.h>

typedef struct CarriedState {
    const Stmt *stmt;
    Node *carried;
    Type type;
} CarriedState;

struct ScanFrame {
    const ScanLoop *scan;
    Scope *scope;
    const struct ScanFrame *outer;
    int axis[MOST_RANK], axes; /* index axes of what is carried */
    Vector(CarriedState) states;
    CarriedPairs pairs;
};

static const ScanSet *scans_around(Lowering *L, const ScanFrame *frame) {
    const ScanSet *set = NULL;
    for (; frame != NULL; frame = frame->outer) {
        Node *index = graph_scan_index(L->graph, frame->scan);
        set = scans_joined(L->arena, set, index->scans);
    }
    return set;
}

/* ---- what is scanned --------------------------------------------------------------------------- */
typedef struct Scanned {
    Value *value[MOST_RANK]; /* a tensor; its first own axis is scanned */
    int64_t extent;
} Scanned;

static Value *range_tensor(Lowering *L, const Value *range) {
    Shape shape = {1, {range->end - range->integer}};
    Node *index = graph_leaf(L->graph, OP_IOTA, DTYPE_I32, shape, 0);
    Node *begin = graph_const(L->graph, DTYPE_I32, shape, (double)range->integer);
    Value *v = value_tensor(L, graph_binary(L->graph, OP_ADD, index, begin), 0);
    v->free = true;
    return v;
}

static Value *scanned_value(Lowering *L, Scope *scope, const Expr *expr) {
    Value *v = lower_expression(L, scope, expr);
    if (value_is_poison(v)) return v;
    if (v->kind == VALUE_RANGE && v->end > v->integer && v->end - v->integer < MOST_EXTENT) return range_tensor(L, v);
    bool is_array = v->kind == VALUE_LIST || (v->kind == VALUE_TENSOR && value_own_shape(v).rank > 0);
    if (is_array && value_is_numeric(v)) v = value_tensor_of(L, v, L->real, expr->span, "what is scanned");
    if (value_is_poison(v)) return v;
    if (is_array && !v->batch && value_own_shape(v).rank > 0 && value_own_shape(v).extent[0] > 0) return v;
    Diagnostic *d = lower_error(L, CODE_E0203, expr->span,
                                "scan goes over the first axis of an array, or over a range; this is %s",
                                value_type_text(L, v));
    lower_help(L, d, "scan xt in x { ... } with x: f32[n, ...], or scan i in 0..n { ... }");
    return value_poison(L);
}

static bool find_scanned(Lowering *L, Scope *scope, const BinderList *binders, Scanned *scanned) {
    bool fine = true;
    if (binders->count > MOST_RANK) {
        lower_error(L, CODE_E0219, binders->items[0].span, "a scan takes at most %d arrays at once", MOST_RANK);
        return false;
    }
    for (int i = 0; i < binders->count; i++) {
        const Binder *binder = &binders->items[i];
        Value *v = scanned->value[i] = scanned_value(L, scope, binder->range);
        if (value_is_poison(v)) {
            fine = false;
            continue;
        }
        int64_t extent = value_own_shape(v).extent[0];
        if (scanned->extent == 0) scanned->extent = extent;
        if (extent == scanned->extent) continue;
        Diagnostic *d = lower_error(L, CODE_E0201, binder->range->span,
                                    "what is scanned together has one length; this has %lld elements, %s has %lld",
                                    (long long)extent, binders->items[0].name.text, (long long)scanned->extent);
        note_operand(L, d, binder->range, v);
        fine = false;
    }
    return fine;
}

/* The element at hand: the scanned axis, behind the index axes, comes to the front and is gone. */
static Value *element_of(Lowering *L, const Value *v, const ScanLoop *scan) {
    int source_axis[MOST_RANK];
    for (int a = 0; a < v->node->shape.rank; a++) source_axis[a] = a == 0 ? v->axes : a <= v->axes ? a - 1 : a;
    Node *front = v->axes == 0 ? v->node : graph_permute(L->graph, v->node, source_axis);
    return value_like(L, v, graph_element(L->graph, front, scan), v->axis, v->axes);
}

/* ---- state --------------------------------------------------------------------------------------- */
static Value *state_start(Lowering *L, Scope *scope, const Stmt *stmt, Type *type) {
    Value *v = lower_expression(L, scope, stmt->bind.value);
    const char *what = text_format(L->arena, "the start of %s", stmt->bind.name.text);
    Span span = stmt->bind.value->span;
    if (value_is_poison(v)) return v;
    if (stmt->bind.type != NULL) {
        *type = lower_type(L, scope, stmt->bind.type);
        if (!type->known) return value_poison(L);
        if (type->classes == 0 && !type->is_compile_time && value_is_numeric(v) && v->kind != VALUE_TENSOR)
            v = value_to_tensor(L, v, type->dtype, span, what);
        return type_fit(L, type, value_repeat(L, v, type->shape), span, what, stmt->bind.type->span);
    }
    v = value_tensor_of(L, v, L->real, span, what);
    if (!value_is_poison(v))
        *type = (Type){.known = true, .dtype = v->node->dtype, .classes = v->classes, .shape = value_own_shape(v)};
    return v;
}

Value *lower_scan_state(Lowering *L, Scope *scope, const Stmt *stmt) {
    ScanFrame *frame = L->scan;
    Type type = {0};
    for (int i = 0; i < frame->states.count; i++) {
        if (frame->states.items[i].stmt->bind.name.text != stmt->bind.name.text) continue;
        lower_error(L, CODE_E0212, stmt->bind.name.span, "%s is a state of this scan already", stmt->bind.name.text);
        return value_poison(L);
    }
    Value *v = state_start(L, scope, stmt, &type);
    if (value_is_poison(v)) return v;
    Span at = stmt->bind.value->span;
    if (v->node->scans != NULL && in_scan(v->node, frame->scan)) {
        Diagnostic *d = lower_error(L, CODE_E0213, at, "the start of %s depends on the element at hand",
                                    stmt->bind.name.text);
        lower_help(L, d,
                   "a state starts before the first element: with numbers, or with what is known outside of the scan");
        return value_poison(L);
    }
    Value *both[] = {value_new(L, VALUE_TENSOR), v};
    both[0]->axes = frame->axes;
    memcpy(both[0]->axis, frame->axis, sizeof frame->axis);
    int ids[MOST_RANK + 1];
    Shape own = value_own_shape(v);
    int axes = axes_union(L, both, 2, own.rank + 1, ids, at);
    if (axes < 0) return value_poison(L);
    Node *initial = value_spread(L, v, ids, axes, own);
    Node *carried = graph_carried(L->graph, initial, 0, frame->scan, scans_around(L, frame->outer));
    carried->name = text_format(L->arena, "%s.before", stmt->bind.name.text);
    vector_push(L->arena, &frame->states, ((CarriedState){stmt, carried, type}));
    Value *state = value_of_node(L, carried, ids, axes);
    state->classes = type.classes;
    return state;
}

/* What is carried on of each state; false after an error. *more: index axes that what is carried lacks. */
static bool find_next(Lowering *L, ScanFrame *frame, bool *more) {
    bool fine = true;
    for (int i = 0; i < frame->states.count; i++) {
        const CarriedState *state = &frame->states.items[i];
        const Binding *binding = scope_find_here(frame->scope, state->stmt->bind.name.text);
        const char *what = text_format(L->arena, "the next %s", state->stmt->bind.name.text);
        Value *v = binding->value;
        if (value_is_numeric(v) && v->kind != VALUE_TENSOR && state->type.classes == 0)
            v = value_to_tensor(L, v, state->type.dtype, binding->span, what);
        v = type_fit(L, &state->type, value_repeat(L, v, state->type.shape), binding->span, what,
                     state->stmt->bind.name.span);
        if (value_is_poison(v)) {
            fine = false;
            continue;
        }
        Shape own = value_own_shape(v);
        int axes = state->carried->shape.rank - own.rank, ids[MOST_RANK + 1];
        Value *both[] = {value_new(L, VALUE_TENSOR), v};
        both[0]->axes = frame->axes;
        memcpy(both[0]->axis, frame->axis, sizeof frame->axis);
        int together = axes_union(L, both, 2, own.rank + 1, ids, binding->span);
        if (together < 0) return false;
        if (together > frame->axes || axes != together) {
            *more = true;
            frame->axes = together;
            memcpy(frame->axis, ids, sizeof(int) * (size_t)together);
            continue;
        }
        Node *next = value_spread(L, v, ids, together, own);
        vector_push(L->arena, &frame->pairs, ((CarriedPair){state->carried, next}));
    }
    return fine;
}

/* ---- results ------------------------------------------------------------------------------------- */
static Value *stacked(Lowering *L, const ScanFrame *frame, const Value *item, Span span) {
    Value *v = value_tensor_of(L, item, L->real, span, "what the scan returns");
    if (value_is_poison(v)) return v;
    if (v->node->shape.rank + 1 > MOST_RANK) {
        lower_error(L, CODE_E0219, span, "what the scan returns would have more than %d axes", MOST_RANK);
        return value_poison(L);
    }
    Node *all = graph_stack(L->graph, v->node, frame->scan, frame->pairs.items, frame->pairs.count);
    int source_axis[MOST_RANK];
    for (int a = 0; a < all->shape.rank; a++) source_axis[a] = a < v->axes ? a + 1 : a == v->axes ? 0 : a;
    if (v->axes > 0) all = graph_permute(L->graph, all, source_axis);
    return value_like(L, v, all, v->axis, v->axes);
}

static Value *stack_results(Lowering *L, const ScanFrame *frame, Value *result, const Expr *expr) {
    if (value_is_poison(result)) return result;
    if (result->kind == VALUE_NONE) {
        Diagnostic *d = lower_error(L, CODE_E0213, expr->span, "this scan returns nothing");
        lower_help(L, d, "end its body with `return` and what is wanted of each element");
        return value_poison(L);
    }
    if (result->kind != VALUE_TUPLE) return stacked(L, frame, result, expr->span);
    Value *tuple = arena_copy(L->arena, result, sizeof *result);
    tuple->items = arena_array(L->arena, Value *, result->count);
    for (int i = 0; i < result->count; i++) tuple->items[i] = stacked(L, frame, result->items[i], expr->span);
    return tuple;
}

/* ---- the body ------------------------------------------------------------------------------------ */
static Value *lower_body(Lowering *L, Scope *scope, const Expr *expr, const Scanned *scanned, ScanFrame *frame) {
    const BinderList *binders = &expr->scan.binders;
    frame->scan = graph_scan(L->graph, scanned->extent, false);
    frame->scope = scope_new(L, scope);
    frame->states.count = frame->pairs.count = 0;
    for (int i = 0; i < binders->count; i++) {
        const Word *name = &binders->items[i].name;
        Value *element = element_of(L, scanned->value[i], frame->scan);
        scope_bind(L, frame->scope, name->text, element, name->span);
    }
    ScanFrame *outer = L->scan;
    L->scan = frame;
    Value *result = lower_block(L, frame->scope, &expr->scan.body);
    L->scan = outer;
    return result;
}

Value *lower_scan(Lowering *L, Scope *scope, const Expr *expr) {
    Scanned scanned = {0};
    ScanFrame frame = {.outer = L->scan};
    if (!find_scanned(L, scope, &expr->scan.binders, &scanned)) return value_poison(L);
    frame.axes = axes_union(L, scanned.value, expr->scan.binders.count, 1, frame.axis, expr->span);
    if (frame.axes < 0) return value_poison(L);
    PathCounts counts = path_counts_copy(L, L->path->counts), sites = path_counts_copy(L, L->path->site_counts);
    for (int again = 0; again <= MOST_RANK; again++) {
        bool more = false;
        Value *result = lower_body(L, scope, expr, &scanned, &frame);
        if (value_is_poison(result) || !find_next(L, &frame, &more)) return value_poison(L);
        if (!more) return stack_results(L, &frame, result, expr);
        if (L->path->counts != NULL) *L->path->counts = path_counts_copy(L, &counts);
        if (L->path->site_counts != NULL) *L->path->site_counts = path_counts_copy(L, &sites);
    }
    INTERNAL_ERROR("index axes of a scan that never end");
}

/* ---- draws and derivatives ------------------------------------------------------------------------ */
bool is_scan_scope(const Lowering *L, const Scope *scope) { return L->scan != NULL && L->scan->scope == scope; }

int scans_open(const Lowering *L) {
    int count = 0;
    for (const ScanFrame *frame = L->scan; frame != NULL; frame = frame->outer) count++;
    return count;
}

static Node *element_of_all(Lowering *L, const ScanFrame *frame, Node *all) {
    if (frame == NULL) return all;
    return graph_element(L->graph, element_of_all(L, frame->outer, all), frame->scan);
}

Node *scan_random(Lowering *L, DType t, Shape shape, Random random) {
    int count = scans_open(L), at = count;
    Shape all = {.rank = shape.rank + count};
    for (const ScanFrame *frame = L->scan; frame != NULL; frame = frame->outer) all.extent[--at] = frame->scan->extent;
    for (int a = 0; a < shape.rank; a++) all.extent[count + a] = shape.extent[a];
    return element_of_all(L, L->scan, graph_random(L->graph, t, all, random));
}

/* A state may depend on what the name outside stands for, through elements that came before. */
bool scan_hides(Lowering *L, const Node *e, const Node *x) {
    for (const ScanFrame *frame = L->scan; frame != NULL; frame = frame->outer) {
        if (in_scan(x, frame->scan) || !in_scan(e, frame->scan)) continue;
        int count;
        Node *root = (Node *)e, **nodes = graph_post_order(L->arena, &root, 1, &count);
        for (int i = 0; i < count; i++)
            if (nodes[i]->op == OP_CARRIED && nodes[i]->attr.scan == frame->scan) return true;
    }
    return false;
}
