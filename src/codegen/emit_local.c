/* emit_local: what a tiny function keeps in registers from step to step.
 *
 * The cells that it updates and its small buffers are local variables: LLVM makes registers of those whose
 * places are all known (tiny nests are unrolled), so that one step hands its parameters to the next without
 * going through memory. Cells are read from the state at the start and written back at the end, which is the
 * only way out of the function. Like a buffer in the work block, a local one may be read one vector past
 * either end.
 */
#include "codegen/emit_reduce.h"

enum { MARGIN = 64, MOST_BUFFER_BYTES = 1024, WIDEST = 64 /* bytes of a vector */ };

static LLVMValueRef local_new(Emitter *e, size_t bytes) {
    bool joined = bytes > WIDEST; /* parts that are stored out of order, and loaded as one, are of more than a vector */
    LLVMValueRef v = emit_place(e, e->i8, (int64_t)(bytes + 2 * MARGIN), joined);
    LLVMValueRef margin = index_const(e, MARGIN);
    return LLVMBuildInBoundsGEP2(e->b, e->i8, v, &margin, 1, "");
}

static LLVMValueRef cell_in_state(Emitter *e, int64_t cell) {
    return outline_place(e, e->state, (int64_t)e->f->run->cells[cell].offset);
}

Index cell_index(Emitter *e, int64_t cell, Index linear) {
    return e->updates != NULL ? updates_index(e, cell, linear) : linear;
}

LLVMValueRef cell_base(Emitter *e, int64_t cell) {
    bool local = e->local_cell != NULL && e->local_cell[cell] != NULL;
    return local ? e->local_cell[cell] : cell_in_state(e, cell);
}

LLVMValueRef buffer_base(Emitter *e, const Buffer *buffer) {
    if (e->local_buffer != NULL && e->local_buffer[buffer->id] != NULL) return e->local_buffer[buffer->id];
    return outline_place(e, buffer->of_thread ? e->thread_work : e->work, (int64_t)buffer->offset);
}

static void copy_cell(Emitter *e, int64_t cell, bool out) {
    const Cell *c = &e->f->run->cells[cell];
    LLVMValueRef state = cell_in_state(e, cell), local = e->local_cell[cell];
    for (int64_t i = 0; i < shape_size(c->shape); i++) {
        Index here = cell_index(e, cell, index_at(e, i)), there = index_at(e, i);
        LLVMValueRef v = load_at(e, REGION_STATE, c->dtype, out ? local : state, out ? here : there);
        store_at(e, REGION_STATE, c->dtype, out ? state : local, out ? there : here, v);
    }
}

void local_open(Emitter *e) {
    const LoopFunction *f = e->f;
    if (!f->tiny) return;
    e->local_cell = arena_array(e->arena, LLVMValueRef, f->run->cell_count + 1);
    e->local_buffer = arena_array(e->arena, LLVMValueRef, f->buffers.count + 1);
    updates_plan(e);
    updates_open(e, local_new(e, ORDER_LANES * sizeof(float)));
    for (int r = 0; r < f->function->root_count; r++) {
        const Root *root = &f->function->roots[r];
        if (root->kind != ROOT_UPDATE || e->local_cell[root->index] != NULL) continue;
        const Cell *c = &f->run->cells[root->index];
        LLVMValueRef together = updates_base(e, root->index);
        e->local_cell[root->index] = together != NULL
                                         ? together
                                         : local_new(e, (size_t)shape_size(c->shape) * dtype_bytes(c->dtype));
        copy_cell(e, root->index, false);
    }
    for (int i = 0; i < f->buffers.count; i++)
        if (f->buffers.items[i]->bytes <= MOST_BUFFER_BYTES)
            e->local_buffer[f->buffers.items[i]->id] = local_new(e, f->buffers.items[i]->bytes);
}

void local_close(Emitter *e) {
    for (int c = 0; e->local_cell != NULL && c < e->f->run->cell_count; c++)
        if (e->local_cell[c] != NULL) copy_cell(e, c, true);
}
