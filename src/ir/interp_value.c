/* interp_value: where the values of one evaluation lie. */
#include "ir/interp_internal.h"

#include <stdlib.h>
#include <string.h>

void *interp_memory(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64 + 64);
    if (memory == NULL) out_of_memory(bytes);
    return memory;
}

PlanSlot *interp_slot(const Evaluation *e, const Node *node) { return &e->plan->slots[e->plan->slot_of[node->id]]; }

const void *interp_value(const Evaluation *e, const Node *node) { return interp_slot(e, node)->value; }

int64_t interp_rows(const Evaluation *e, const Node *node) { return node->rows ? e->rows : 1; }

int64_t interp_count(const Evaluation *e, const Node *node) { return interp_rows(e, node) * shape_size(node->shape); }

NodeTables **interp_tables(Evaluation *e, const Node *node) { return &interp_slot(e, node)->tables; }

const void *interp_operand(Evaluation *e, const Node *node, int s) {
    const Node *source = node->source[s];
    const void *value = interp_value(e, source);
    if (!node->rows || source->rows) return value;
    size_t bytes = (size_t)shape_size(source->shape) * dtype_bytes(source->dtype);
    Allocation *buffer = &e->plan->operand[s];
    if (buffer->bytes < bytes * (size_t)e->rows) {
        free(buffer->memory);
        buffer->bytes = bytes * (size_t)e->rows;
        buffer->memory = interp_memory(buffer->bytes);
    }
    for (int64_t r = 0; r < e->rows; r++) memcpy((char *)buffer->memory + (size_t)r * bytes, value, bytes);
    return buffer->memory;
}
