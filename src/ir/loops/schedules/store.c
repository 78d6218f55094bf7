/* store: the stores of a nest at one point. */
#include "ir/loops/schedules/schedule.h"

bool nest_leaves_rows(const Nest *nest) {
    for (int i = 0; i < nest->store_count; i++)
        if (nest->stores[i].kind == STORE_ROWS) return true;
    return false;
}

static const Subscript *place_of_store(Scheduler *s, const Store *store, const SpacePoint *point) {
    if (s->nest->flat) return subscript_sum(s->arena, subscript_number(s->arena, store->offset), point->axis[0]);
    const Subscript *at = subscript_number(s->arena, store->offset);
    const Shape whole = store->kind == STORE_ARRAY ? store->node->shape : store->value->shape;
    for (int a = 0; a < s->nest->space.rank; a++)
        if (s->nest->space.extent[a] > 1)
            at = subscript_sum(s->arena, at, subscript_times(s->arena, point->axis[a], row_major_stride(whole, a)));
    return at;
}

static void store_sum(Scheduler *s, const Store *store, const Scalar *value) {
    Array *sum = tree_array(s->tree, ARRAY_SUM, store->index, DTYPE_F64, 1, "sums");
    const Subscript *here = subscript_number(s->arena, 0);
    value = point_cast(s, value, DTYPE_F64);
    if (s->f->function->steps) value = point_op(s, OP_ADD, DTYPE_F64, point_load(s, sum, NULL, here), value, NULL);
    schedule_store(s, sum, NULL, here, value);
}

/* One for all stores to it, of which tiles and their rests each make some. */
static Array *output_array(Scheduler *s, const Store *store) {
    ArrayMemory memory = store->kind == STORE_ROWS ? ARRAY_ROW_OUTPUT : ARRAY_OUTPUT;
    for (int i = 0; i < s->tree->arrays.count; i++) {
        Array *array = s->tree->arrays.items[i];
        if (array->memory == memory && array->index == store->index) return array;
    }
    return tree_array(s->tree, memory, store->index, store->value->dtype, shape_size(store->value->shape), "output");
}

void schedule_store_one(Scheduler *s, const Store *store, const SpacePoint *point, const Scalar *value) {
    const Subscript *at = place_of_store(s, store, point);
    switch (store->kind) {
    case STORE_ELEMENT:
        at = subscript_sum(s->arena, at, schedule_element(s, store->node->attr.scan, shape_size(store->value->shape)));
        schedule_store(s, s->array[store->node->id], NULL, schedule_place(s, store->node, at), value);
        return;
    case STORE_ARRAY:
        at = s->layout[store->node->id] != NULL ? schedule_place_of(s, store->node, point, s->nest->flat)
                                                : schedule_place(s, store->node, at);
        schedule_store(s, s->array[store->node->id], NULL, at, value);
        return;
    case STORE_CELL: schedule_store(s, schedule_cell(s, store->index), NULL, at, value); return;
    case STORE_SUM: store_sum(s, store, value); return;
    case STORE_ROWS:
    case STORE_VALUE:
        schedule_store(s, output_array(s, store), store->kind == STORE_ROWS ? schedule_row(s) : NULL, at, value);
        return;
    }
}

void schedule_stores(Scheduler *s, const SpacePoint *point) {
    const Nest *nest = s->nest;
    const Scalar **value = arena_array(s->arena, const Scalar *, nest->store_count);
    for (int i = 0; i < nest->store_count; i++) {
        const Store *store = &nest->stores[i];
        if (store->kind == STORE_ARRAY && s->array[store->node->id] == NULL) continue;
        value[i] = nest->flat ? value_at_place(s, store->value, point->axis[0])
                              : value_at_point(s, store->value, point);
    }
    for (int i = 0; i < nest->store_count; i++)
        if (value[i] != NULL) schedule_store_one(s, &nest->stores[i], point, value[i]);
}

void schedule_sum(Scheduler *s, const SpacePoint *point, const Scalar *sum, const Scalar *largest) {
    s->reduced = sum;
    s->largest = largest;
    schedule_stores(s, point);
    s->reduced = s->largest = NULL;
}
