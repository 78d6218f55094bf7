/* emit_stores: what a nest stores, at a spot: buffers, cells, sums, rows for the caller. */
#include "codegen/emit.h"

static LLVMValueRef output_pointer(Emitter *e, const Store *store, Index row) {
    LLVMValueRef base = e->output[store->index];
    if (store->kind != STORE_ROWS) return base;
    int64_t elements = shape_size(store->value->shape);
    LLVMValueRef place = LLVMBuildAdd(e->b, LLVMBuildAdd(e->b, e->step_begin, e->block_begin, ""), row.at, "");
    LLVMValueRef bytes = LLVMBuildMul(e->b, place, index_const(e, elements * (int64_t)dtype_bytes(store->value->dtype)),
                                      "");
    return LLVMBuildInBoundsGEP2(e->b, e->i8, base, &bytes, 1, "");
}

static void store_sum(Emitter *e, const Store *store, LLVMValueRef v) {
    if (store->value->dtype != DTYPE_F64) v = emit_cast(e, v, store->value->dtype, DTYPE_F64);
    Index at = index_at(e, store->index);
    if (e->f->steps) v = LLVMBuildFAdd(e->b, load_at(e, REGION_OUTPUT, DTYPE_F64, e->sums, at), v, "");
    store_at(e, REGION_OUTPUT, DTYPE_F64, e->sums, at, v);
}

static Index linear_of(Emitter *e, const Nest *nest, const Spot *spot, Shape shape) {
    return nest->flat ? spot->axis[0] : spot_linear(e, spot, shape);
}

static void store_buffer(Emitter *e, const Nest *nest, const Store *store, const Spot *spot, LLVMValueRef v) {
    const Buffer *b = store->buffer;
    Index at = index_at(e, store->offset * (b->dense > 0 ? b->dense : 1));
    if (nest->flat)
        at = index_add(e, at, index_scale(e, spot->axis[0], b->dense));
    else
        for (int a = 0; a < nest->space.rank; a++)
            if (nest->space.extent[a] > 1) at = index_add(e, at, index_scale(e, spot->axis[a], b->stride[a]));
    if (b->rows) at = index_add(e, at, buffer_row(e, b, spot->row));
    store_at(e, REGION_WORK, store->node->dtype, buffer_base(e, b), at, v);
}

void store_one(Emitter *e, const Nest *nest, const Store *store, const Spot *spot, LLVMValueRef v) {
    DType t = store->value->dtype;
    switch (store->kind) {
    case STORE_BUFFER:
    case STORE_COPY: store_buffer(e, nest, store, spot, v); break;
    case STORE_CELL: {
        LLVMValueRef base = cell_base(e, store->index);
        Index at = linear_of(e, nest, spot, store->value->shape);
        store_at(e, REGION_STATE, t, base, cell_index(e, store->index, at), v);
        break;
    }
    case STORE_SUM: store_sum(e, store, v); break;
    case STORE_ELEMENT: INTERNAL_ERROR("a scan in nests");
    case STORE_ROWS:
    case STORE_VALUE:
        store_at(e, REGION_OUTPUT, t, output_pointer(e, store, spot->row),
                 linear_of(e, nest, spot, store->value->shape), v);
        break;
    }
}

/* All values first: a new value of one cell may need the old one of another. */
void emit_stores(Emitter *e, const Nest *nest, const Spot *spot) {
    LLVMValueRef *value = arena_array(e->arena, LLVMValueRef, nest->store_count);
    for (int s = 0; s < nest->store_count; s++) {
        const Store *store = &nest->stores[s];
        if (store->kind == STORE_BUFFER && store->buffer == NULL) continue;
        value[s] = nest->flat ? value_flat(e, store->value, spot->axis[0], spot->row) : value_at(e, store->value, spot);
    }
    for (int s = 0; s < nest->store_count; s++)
        if (value[s] != NULL) store_one(e, nest, &nest->stores[s], spot, value[s]);
}

LLVMValueRef nest_value(Emitter *e, const Nest *nest, const Store *store, const Spot *spot) {
    const Buffer *from = nest->repacked;
    if (from == NULL) return value_at(e, store->value, spot);
    Index at = index_at(e, 0);
    for (int a = 0; a < from->shape.rank; a++)
        if (from->shape.extent[a] > 1) at = index_add(e, at, index_scale(e, spot->axis[a], from->stride[a]));
    return load_at(e, REGION_WORK, from->dtype, buffer_base(e, from), at);
}
