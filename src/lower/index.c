/* index.c: x[items].
 *
 * Constants, slices and affine combinations of index variables are places known when compiling: together they
 * are one view, whose result has the index axes used first, then the axes that were sliced or not mentioned.
 * Labels are places that are data: each is a gather, after the view; so is a slice of known length from a label on,
 * x[i..i + 24]. So nothing can be out of bounds when running.
 */
#include "lower/internal.h"
#include <string.h>

typedef enum PlaceKind { PLACE_FIXED, PLACE_SLICE, PLACE_AFFINE, PLACE_LABEL } PlaceKind;
typedef struct IndexPlace {
    PlaceKind kind;
    int64_t begin, end;
    AffineIndex affine;
    Value *label;
} IndexPlace; /* FIXED: begin */

static const char *base_text(Lowering *L, const Expr *base, const Value *v) {
    const char *type = value_type_text(L, v);
    return base->kind == EXPR_NAME ? text_format(L->arena, "%s: %s", base->name.text, type) : type;
}

static bool bound_of_slice(Lowering *L, const Expr *expr, const Value *v, int64_t extent, int64_t otherwise,
                           int64_t *out) {
    *out = otherwise;
    if (expr == NULL) return true;
    if (!lower_constant_int(L, v, expr->span, "a bound of a slice", out)) return false;
    if (*out < 0) *out += extent;
    return true;
}

static const char *written_text(Lowering *L, const Expr *expr) {
    Text text = text_new(L->arena);
    ast_print_expr(&text, expr);
    return text.bytes;
}

/* What is added to `from` in `to`, as in i..i + 24; NULL: nothing. */
static const Expr *length_behind(Lowering *L, const Expr *from, const Expr *to) {
    if (to == NULL || to->kind != EXPR_BINARY || to->binary.op != OPERATOR_ADD) return NULL;
    const char *start = written_text(L, from);
    if (strcmp(start, written_text(L, to->binary.left)) == 0) return to->binary.right;
    return strcmp(start, written_text(L, to->binary.right)) == 0 ? to->binary.left : NULL;
}

/* The label's value and the `length - 1` places behind it. */
static Value *places_from(Lowering *L, const Value *label, int64_t length) {
    int rank = label->node->shape.rank, axis_of_source[MOST_RANK];
    Shape shape = label->node->shape;
    shape.extent[shape.rank++] = length;
    for (int a = 0; a < rank; a++) axis_of_source[a] = a;
    Node *first = graph_expand(L->graph, label->node, shape, axis_of_source);
    Node *node = graph_binary(L->graph, OP_ADD, first, graph_leaf(L->graph, OP_IOTA, DTYPE_I32, shape, rank));
    return value_of_node(L, node, label->axis, label->axes);
}

/* x[i..i + 24] for a label i. */
static bool crop_place(Lowering *L, Scope *scope, const Expr *base, const Value *x, const Item *item, int axis,
                       const Value *label, IndexPlace *place) {
    int64_t extent = value_own_shape(x).extent[axis], length = 0;
    const Expr *from = item->kind == ITEM_EXPR ? item->expr->binary.left : NULL;
    const Expr *more = from ? length_behind(L, from, item->expr->binary.right) : NULL;
    if (more == NULL || value_own_shape(label).rank > 0) {
        Diagnostic *d = lower_error(L, CODE_E0206, item->span,
                                    "how long a slice is must be known when compiling, and where it begins is %s",
                                    value_type_text(L, label));
        lower_help(L, d, "from one label i on it is written x[i..i + 24]");
        return false;
    }
    if (!lower_constant_int(L, lower_expression(L, scope, more), more->span, "the length of a slice", &length))
        return false;
    if (length >= 1 && label->classes + length - 1 <= extent) {
        *place = (IndexPlace){.kind = PLACE_LABEL, .end = extent, .label = places_from(L, label, length)};
        return true;
    }
    Diagnostic *d;
    if (length < 1)
        d = lower_error(L, CODE_E0206, item->span, "a slice of %lld places is empty", (long long)length);
    else
        d = lower_error(L, CODE_E0206, item->span,
                        "%s places from a %s on reach up to place %lld, and axis %d of %s ends at %lld",
                        text_format(L->arena, "%lld", (long long)length), value_type_text(L, label),
                        (long long)(label->classes + length - 2), axis, base_text(L, base, x), (long long)extent - 1);
    note_operand(L, d, base, x);
    note_operand(L, d, from, label);
    if (length >= 1 && length <= extent)
        lower_help(L, d, "there are %lld places to begin at: label[%lld]", (long long)(extent - length + 1),
                   (long long)(extent - length + 1));
    return false;
}

static bool slice_place(Lowering *L, Scope *scope, const Expr *base, const Value *x, const Item *item, int axis,
                        IndexPlace *place) {
    int64_t extent = value_own_shape(x).extent[axis];
    const Expr *from = item->kind == ITEM_FROM ? item->expr : NULL, *to = item->kind == ITEM_UPTO ? item->expr : NULL;
    if (item->kind == ITEM_EXPR) {
        from = item->expr->binary.left;
        to = item->expr->binary.right;
    }
    Value *begin = from ? lower_expression(L, scope, from) : NULL;
    if (begin && value_is_label(begin)) return crop_place(L, scope, base, x, item, axis, begin, place);
    place->kind = PLACE_SLICE;
    if (!bound_of_slice(L, from, begin, extent, 0, &place->begin) ||
        !bound_of_slice(L, to, to ? lower_expression(L, scope, to) : NULL, extent, extent, &place->end))
        return false;
    if (place->begin >= 0 && place->begin < place->end && place->end <= extent) return true;
    Diagnostic *d;
    if (place->begin >= place->end)
        d = lower_error(L, CODE_E0206, item->span, "the slice %lld..%lld of axis %d of %s is empty",
                        (long long)place->begin, (long long)place->end, axis, base_text(L, base, x));
    else
        d = lower_error(L, CODE_E0206, item->span,
                        "the slice %lld..%lld reaches beyond axis %d of %s, which is 0..%lld", (long long)place->begin,
                        (long long)place->end, axis, base_text(L, base, x), (long long)extent);
    note_operand(L, d, base, x);
    return false;
}

static void affine_bounds(const Lowering *L, const AffineIndex *affine, int64_t *low, int64_t *high) {
    *low = *high = affine->offset;
    for (int i = 0; i < affine->terms; i++) {
        int64_t last = affine->coef[i] * (L->axes.items[affine->axis[i]].extent - 1);
        *(last < 0 ? low : high) += last;
    }
}

static bool affine_place(Lowering *L, const Expr *base, const Value *x, const Item *item, int axis, const Value *index,
                         IndexPlace *place) {
    int64_t extent = value_own_shape(x).extent[axis], low, high;
    place->kind = PLACE_AFFINE;
    place->affine = index->affine;
    affine_bounds(L, &index->affine, &low, &high);
    if (low >= 0 && high < extent) return true;
    Diagnostic *d = lower_error(L, CODE_E0206, item->span,
                                "this index runs from %lld to %lld, and axis %d of %s has the places 0 to %lld",
                                (long long)low, (long long)high, axis, base_text(L, base, x), (long long)extent - 1);
    note_operand(L, d, base, x);
    for (int i = 0; i < index->affine.terms; i++) {
        const AxisInfo *info = &L->axes.items[index->affine.axis[i]];
        if (info->name != NULL) lower_help(L, d, "%s takes %s", info->name, count_text(L, info->extent, "value"));
    }
    lower_help(L, d, "write a smaller range, or pad first");
    return false;
}

static bool label_place(Lowering *L, const Expr *base, const Value *x, const Item *item, int axis, Value *label,
                        IndexPlace *place) {
    int64_t extent = value_own_shape(x).extent[axis];
    *place = (IndexPlace){.kind = PLACE_LABEL, .end = extent, .label = label};
    if (label->classes == extent) return true;
    Diagnostic *d = lower_error(L, CODE_E0206, item->span, "a %s indexes axis %d of %s, which has %s instead of %lld",
                                value_type_text(L, label), axis, base_text(L, base, x), count_text(L, extent, "place"),
                                (long long)label->classes);
    note_operand(L, d, base, x);
    note_operand(L, d, item->expr, label);
    return false;
}

static bool place_of_item(Lowering *L, Scope *scope, const Expr *base, const Value *x, const Item *item, int axis,
                          IndexPlace *place) {
    int64_t extent = value_own_shape(x).extent[axis];
    *place = (IndexPlace){.kind = PLACE_SLICE, .begin = 0, .end = extent};
    if (item->kind != ITEM_EXPR || (item->expr->kind == EXPR_BINARY && item->expr->binary.op == OPERATOR_RANGE))
        return item->kind == ITEM_ALL || slice_place(L, scope, base, x, item, axis, place);
    bool outer = L->in_index;
    L->in_index = true;
    Value *v = lower_expression(L, scope, item->expr);
    L->in_index = outer;
    Diagnostic *d;
    switch (v->kind) {
    case VALUE_POISON: return false;
    case VALUE_INT:
        *place = (IndexPlace){.kind = PLACE_FIXED, .begin = v->integer < 0 ? v->integer + extent : v->integer};
        if (place->begin >= 0 && place->begin < extent) return true;
        d = lower_error(L, CODE_E0206, item->span, "there is no place %lld on axis %d of %s: it has 0 to %lld",
                        (long long)v->integer, axis, base_text(L, base, x), (long long)extent - 1);
        note_operand(L, d, base, x);
        return false;
    case VALUE_RANGE:
        *place = (IndexPlace){.kind = PLACE_SLICE, .begin = v->integer, .end = v->end};
        if (v->integer >= 0 && v->integer < v->end && v->end <= extent) return true;
        lower_error(L, CODE_E0206, item->span, "%s of axis %d of %s, which has 0..%lld", value_type_text(L, v), axis,
                    base_text(L, base, x), (long long)extent);
        return false;
    case VALUE_INDEX: return affine_place(L, base, x, item, axis, v, place);
    default: break;
    }
    if (value_is_label(v)) return label_place(L, base, x, item, axis, v, place);
    d = lower_error(L, CODE_E0203, item->span,
                    "an index is a constant, an index variable scaled and shifted by "
                    "constants, or a label; this is %s",
                    value_type_text(L, v));
    if (v->kind == VALUE_TENSOR && v->node->scans != NULL)
        lower_help(L, d, "a scan goes over the array itself, element by element: scan i in 1..n, xi in x[1..] { ... }");
    else if (v->kind == VALUE_TENSOR && v->free)
        lower_help(L, d, "only sums and multiples of index variables index, like 2 * i + j");
    return false;
}

/* ---- the view -------------------------------------------------------------------------------- */
static Value *view_of_places(Lowering *L, const Value *x, const IndexPlace *places, Span span) {
    Shape own = value_own_shape(x), result = {0};
    Value probes[MOST_RANK];
    Value *all[MOST_RANK + 1];
    int ids[MOST_RANK + 1], used = 0;
    all[used++] = (Value *)x;
    for (int a = 0; a < own.rank; a++) {
        probes[a] = (Value){.kind = VALUE_TENSOR, .axes = 0};
        if (places[a].kind == PLACE_AFFINE) {
            probes[a].axes = places[a].affine.terms;
            memcpy(probes[a].axis, places[a].affine.axis, sizeof probes[a].axis);
            all[used++] = &probes[a];
        } else if (places[a].kind != PLACE_FIXED) {
            result.extent[result.rank++] = places[a].end - places[a].begin;
        }
    }
    int count = axes_union(L, all, used, result.rank, ids, span);
    if (count < 0) return value_poison(L);
    Access access = {.rank = x->node->shape.rank};
    bool whole = true;
    for (int i = 0; i < x->axes; i++) {
        access.axis[i].divisor = 1;
        for (int k = 0; k < count; k++) access.axis[i].coef[k] = ids[k] == x->axis[i];
    }
    for (int a = 0, next = count; a < own.rank; a++) {
        AxisMap *map = &access.axis[x->axes + a];
        map->divisor = 1;
        map->offset = places[a].kind == PLACE_AFFINE ? places[a].affine.offset : places[a].begin;
        if (places[a].kind == PLACE_AFFINE)
            for (int i = 0; i < places[a].affine.terms; i++)
                for (int k = 0; k < count; k++)
                    if (ids[k] == places[a].affine.axis[i]) map->coef[k] = (int32_t)places[a].affine.coef[i];
        bool kept = places[a].kind == PLACE_SLICE || places[a].kind == PLACE_LABEL;
        if (kept) map->coef[next++] = 1;
        whole &= kept && places[a].end - places[a].begin == own.extent[a];
    }
    if (whole) return (Value *)x;
    Node *node = graph_view(L->graph, x->node, shape_of_axes(L, ids, count, result), &access);
    return value_like(L, x, node, ids, count);
}

/* ---- gathers --------------------------------------------------------------------------------- */
static Node *permuted(Lowering *L, Node *x, const int *source) {
    for (int i = 0; i < x->shape.rank; i++)
        if (source[i] != i) return graph_permute(L->graph, x, source);
    return x;
}

static int position_of(const Value *v, int id) {
    for (int i = 0; i < v->axes; i++)
        if (v->axis[i] == id) return i;
    return -1;
}

/* Own axis `at` of the table is read at the label's values; the label's own axes take its place. */
static Value *gather_axis(Lowering *L, const Value *table, int at, const Value *label, Span span) {
    int table_rank = table->node->shape.rank - table->axes, label_rank = label->node->shape.rank - label->axes;
    Value *both[] = {(Value *)table, (Value *)label};
    int ids[MOST_RANK + 1];
    int count = axes_union(L, both, 2, table_rank - 1 + label_rank, ids, span);
    if (count < 0) return value_poison(L);
    int table_from[MOST_RANK], label_from[MOST_RANK], t = 0, l = 0, shared = 0;
    int out_of_id[MOST_RANK], label_own_out, table_own_out; /* where things are in the gather's result */
    for (int k = 0; k < count; k++)
        if (position_of(table, ids[k]) >= 0 && position_of(label, ids[k]) >= 0) {
            out_of_id[k] = shared++;
            table_from[t++] = position_of(table, ids[k]);
            label_from[l++] = position_of(label, ids[k]);
        }
    int next = shared;
    table_from[t++] = table->axes + at;
    for (int k = 0; k < count; k++)
        if (position_of(table, ids[k]) < 0) {
            out_of_id[k] = next++;
            label_from[l++] = position_of(label, ids[k]);
        }
    label_own_out = next;
    for (int i = 0; i < label_rank; i++, next++) label_from[l++] = label->axes + i;
    for (int k = 0; k < count; k++)
        if (position_of(label, ids[k]) < 0) {
            out_of_id[k] = next++;
            table_from[t++] = position_of(table, ids[k]);
        }
    table_own_out = next;
    for (int i = 0; i < table_rank; i++)
        if (i != at) table_from[t++] = table->axes + i;
    Node *node = graph_gather(L->graph, permuted(L, table->node, table_from), permuted(L, label->node, label_from),
                              shared);
    int source[MOST_RANK], s = 0;
    for (int k = 0; k < count; k++) source[s++] = out_of_id[k];
    for (int i = 0; i < at; i++) source[s++] = table_own_out + i;
    for (int i = 0; i < label_rank; i++) source[s++] = label_own_out + i;
    for (int i = at; i < table_rank - 1; i++) source[s++] = table_own_out + i;
    return value_like(L, table, permuted(L, node, source), ids, count);
}

static Value *gather_labels(Lowering *L, Value *v, const IndexPlace *places, int rank, Span span) {
    int at = 0;
    for (int a = 0; a < rank && !value_is_poison(v); a++) {
        if (places[a].kind == PLACE_SLICE) {
            at++;
        } else if (places[a].kind == PLACE_LABEL) {
            v = gather_axis(L, v, at, places[a].label, span);
            at += value_own_shape(places[a].label).rank;
        }
    }
    return v;
}

/* ---- x[items] -------------------------------------------------------------------------------- */
static Value *index_tuple(Lowering *L, Scope *scope, const Expr *expr, const Value *base) {
    const ItemList *items = &expr->index.items;
    int64_t at;
    if (items->count != 1 || items->items[0].kind != ITEM_EXPR) {
        lower_error(L, CODE_E0216, expr->span, "%s takes one constant index", value_type_text(L, base));
        return value_poison(L);
    }
    Value *v = lower_expression(L, scope, items->items[0].expr);
    if (!lower_constant_int(L, v, items->items[0].span, "this index", &at)) return value_poison(L);
    int64_t place = at < 0 ? at + base->count : at;
    if (place >= 0 && place < base->count) return base->items[place];
    lower_error(L, CODE_E0206, items->items[0].span, "there is no item %lld in %s", (long long)at,
                value_type_text(L, base));
    return value_poison(L);
}

/* Numbers and names of numbers. */
static bool is_known_number(const Scope *scope, const Expr *expr) {
    switch (expr->kind) {
    case EXPR_NUMBER: return true;
    case EXPR_UNARY: return is_known_number(scope, expr->unary.operand);
    case EXPR_BINARY: return is_known_number(scope, expr->binary.left) && is_known_number(scope, expr->binary.right);
    case EXPR_NAME: {
        const Binding *b = scope_find(scope, expr->name.text);
        return b != NULL && b->value->kind == VALUE_INT;
    }
    default: return false;
    }
}

/* A list indexed by a number known when compiling, `widths[i]` in a repeat, is its item: a size stays a size. */
static bool is_known_item(const Scope *scope, const ItemList *items) {
    return items->count == 1 && items->items[0].kind == ITEM_EXPR && is_known_number(scope, items->items[0].expr);
}

Value *lower_index(Lowering *L, Scope *scope, const Expr *expr, Value *base) {
    const ItemList *items = &expr->index.items;
    if (value_is_poison(base)) return base;
    if (base->kind == VALUE_TUPLE || (base->kind == VALUE_LIST && (base->is_shape || is_known_item(scope, items))))
        return index_tuple(L, scope, expr, base);
    if (!value_is_numeric(base) && !(base->kind == VALUE_TENSOR)) {
        lower_error(L, CODE_E0216, expr->span, "%s has no axes to index", value_type_text(L, base));
        return value_poison(L);
    }
    Value *x = value_tensor_of(L, base, L->real, expr->index.base->span, "this");
    if (!value_is_poison(x) && x->batch) x = batch_as_array(L, x, expr->index.base->span);
    if (value_is_poison(x)) return x;
    Shape own = value_own_shape(x);
    if (items->count > own.rank) {
        Diagnostic *d = lower_error(L, CODE_E0201, expr->span, "%s has %s, and here are %d indices",
                                    base_text(L, expr->index.base, x), count_text(L, own.rank, "axis"), items->count);
        note_operand(L, d, expr->index.base, x);
        return value_poison(L);
    }
    IndexPlace places[MOST_RANK];
    bool good = true;
    for (int a = 0; a < own.rank; a++) {
        if (a < items->count)
            good &= place_of_item(L, scope, expr->index.base, x, &items->items[a], a, &places[a]);
        else
            places[a] = (IndexPlace){.kind = PLACE_SLICE, .begin = 0, .end = own.extent[a]};
    }
    if (!good) return value_poison(L);
    Value *v = view_of_places(L, x, places, expr->span);
    return value_is_poison(v) ? v : gather_labels(L, v, places, own.rank, expr->span);
}
