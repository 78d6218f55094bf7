/* axes.c: index axes opened and closed, and own axes that become index axes and back. */
#include "lower/internal.h"
#include <string.h>

void lower_open_axes(Lowering *L, const int64_t *extents, int count, int *ids) {
    for (int i = 0; i < count; i++) {
        if (L->active_count == (int)(sizeof L->active / sizeof *L->active)) INTERNAL_ERROR("too many open index axes");
        ids[i] = L->axes.count;
        vector_push(L->arena, &L->axes, ((AxisInfo){extents[i], NULL}));
        L->active[L->active_count++] = ids[i];
    }
}

void lower_close_axes(Lowering *L, int count) { L->active_count -= count; }

Value *value_own_to_axes(Lowering *L, const Value *v, const int *ids, int count) {
    if (v->kind != VALUE_TENSOR) return (Value *)v;
    Value *result = arena_copy(L->arena, v, sizeof *v);
    for (int i = 0; i < count; i++) result->axis[result->axes++] = ids[i];
    return result;
}

static Value *tensor_axes_to_own(Lowering *L, const Value *v, const int *ids, int count) {
    int keep[MOST_RANK], kept = 0;
    for (int i = 0; i < v->axes; i++) {
        bool leaves = false;
        for (int k = 0; k < count; k++) leaves |= v->axis[i] == ids[k];
        if (!leaves) keep[kept++] = v->axis[i];
    }
    Shape own = value_own_shape(v);
    if (kept + count + own.rank > MOST_RANK) {
        lower_error(L, CODE_E0219, L->graph->span, "this array would have %s, at most %d are possible",
                    count_text(L, kept + count + own.rank, "axis"), MOST_RANK);
        return value_poison(L);
    }
    int all[MOST_RANK];
    memcpy(all, keep, sizeof(int) * (size_t)kept);
    memcpy(all + kept, ids, sizeof(int) * (size_t)count);
    Node *node = value_spread(L, v, all, kept + count, own);
    return value_like(L, v, node, all, kept);
}

Value *value_axes_to_own(Lowering *L, const Value *v, const int *ids, int count) {
    if (v->kind == VALUE_TUPLE) {
        Value *tuple = arena_copy(L->arena, v, sizeof *v);
        tuple->items = arena_array(L->arena, Value *, v->count);
        for (int i = 0; i < v->count; i++) tuple->items[i] = value_axes_to_own(L, v->items[i], ids, count);
        return tuple;
    }
    if (!value_is_numeric(v)) return (Value *)v;
    Value *tensor = value_tensor_of(L, v, L->real, L->graph->span, "this");
    return value_is_poison(tensor) ? tensor : tensor_axes_to_own(L, tensor, ids, count);
}
