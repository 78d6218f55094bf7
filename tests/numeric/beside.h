/* beside: an executor whose steps are taken by several runs together (codegen_jit_together). One lane has the state that it
 * is called with, the others have the same parameters with other rates: they must not touch it. In every other such program each
 * has rows and a seed of its own.
 */
#ifndef SGDC_TESTS_BESIDE_H
#define SGDC_TESTS_BESIDE_H
#include "codegen/codegen.h"
#include <string.h>

typedef struct Beside {
    Executor executor, *alone, *together;
    int lanes, lane;
    char *state;
    double *sums;
    bool own;
    sgdrt_column *columns;
    Guarded *memory;
    Arena *arena;
} Beside;

static void beside_copy(const Beside *b, char *state, size_t offset, size_t bytes, int64_t elements, int lane,
                        bool apart) {
    char *all = b->state + offset * (size_t)b->lanes + (size_t)lane * bytes;
    for (int64_t i = 0; i < elements; i++) {
        char *own = state + offset + (size_t)i * bytes, *one = all + (size_t)(i * b->lanes) * bytes;
        memcpy(apart ? own : one, apart ? one : own, bytes);
    }
}

static void beside_copy_state(const Beside *b, char *state, int lane, bool apart) {
    const Run *run = b->executor.run;
    for (int i = 0; i < run->slot_count; i++) {
        const Slot *slot = &run->slots[i];
        beside_copy(b, state, slot->offset, dtype_bytes(slot->dtype), 1, lane, apart);
        char *one = b->state + slot->offset * (size_t)b->lanes + (size_t)lane * dtype_bytes(slot->dtype);
        if (lane != b->lane && slot->dtype == DTYPE_F32) *(float *)one *= 1 + 0.5F * (float)lane;
    }
    for (int i = 0; i < run->cell_count; i++) {
        const Cell *cell = &run->cells[i];
        beside_copy(b, state, cell->offset, dtype_bytes(cell->dtype), shape_size(cell->shape), lane, apart);
    }
}

/* What one column has at the places of the call: the lane's rows, and other rows for the others. */
static sgdrt_column beside_column(const Beside *b, const sgdrt_call *call, const Node *column) {
    size_t bytes = dtype_bytes(column->dtype);
    int64_t elements = shape_size(column->shape), stride = elements * b->lanes * (int64_t)bytes;
    const sgdrt_column *from = &call->columns[column->attr.index];
    char *to = aligned_memory(b->memory, (size_t)(stride * call->count) + 1);
    for (int64_t p = 0; p < call->count; p++)
        for (int lane = 0; lane < b->lanes; lane++) {
            int64_t place = (p + lane + b->lanes - b->lane) % b->lanes + p - p % b->lanes;
            place = lane == b->lane || place >= call->count ? p : place;
            int64_t row = call->rows ? call->rows[place] : call->first + place;
            const char *one = (const char *)from->data + row * from->stride;
            for (int64_t i = 0; i < elements; i++)
                memcpy(to + p * stride + (size_t)(i * b->lanes + lane) * bytes, one + (size_t)i * bytes, bytes);
        }
    return (sgdrt_column){to, stride};
}

static void beside_give_rows(const Beside *b, sgdrt_call *call) {
    const Function *step = &b->executor.run->step;
    Node **roots = arena_array(b->arena, Node *, step->root_count + 1), **all;
    uint64_t *seeds = (uint64_t *)(b->state + sizeof(sgdrt_header));
    int nodes;
    for (int r = 0; r < step->root_count; r++) roots[r] = step->roots[r].node;
    all = graph_post_order(b->arena, roots, step->root_count, &nodes);
    for (int i = 0; i < nodes; i++)
        if (all[i]->op == OP_COLUMN) b->columns[all[i]->attr.index] = beside_column(b, call, all[i]);
    for (int lane = 0; lane < b->lanes; lane++)
        seeds[lane] = ((const sgdrt_header *)b->state)->seed + (uint64_t)(lane != b->lane) * (uint64_t)(lane + 1);
    call->columns = b->columns;
    call->rows = NULL;
    call->first = 0;
}

static int64_t beside_call(Executor *executor, Entry entry, int measure, const sgdrt_call *call) {
    Beside *b = (Beside *)executor;
    if (entry != ENTRY_STEP) return b->alone->call(b->alone, entry, measure, call);
    int sums = run_sums(executor->run);
    sgdrt_call together = *call;
    for (int lane = 0; lane < b->lanes; lane++) {
        beside_copy_state(b, call->state, lane, false);
        for (int s = 0; s < sums; s++) b->sums[s * b->lanes + lane] = call->sums[s];
    }
    memcpy(b->state, call->state, sizeof(sgdrt_header));
    together.state = b->state;
    together.sums = b->sums;
    if (b->own) beside_give_rows(b, &together);
    int64_t done = b->together->call(b->together, entry, measure, &together);
    beside_copy_state(b, call->state, b->lane, true);
    memcpy(call->state, b->state, sizeof(sgdrt_header));
    for (int s = 0; s < sums; s++) call->sums[s] = b->sums[s * b->lanes + b->lane];
    return done;
}

static void beside_free(Executor *executor) {
    Beside *b = (Beside *)executor;
    b->alone->free(b->alone);
    b->together->free(b->together);
}

/* The executor itself, where its steps cannot be taken together. */
static Executor *beside_new(Arena *arena, Codegen *codegen, Executor *alone, Guarded *memory, uint64_t seed) {
    const Run *run = alone->run;
    int lanes = 2 << seed % 4;
    bool own = seed / 4 % 2;
    Executor *together = codegen_jit_together(codegen, run, (SideBySide){lanes, own, own}, false);
    if (together == NULL) return alone;
    Beside *b = arena_new_of(arena, Beside);
    *b = (Beside){
        .executor = *alone, .alone = alone, .together = together, .lanes = lanes, .lane = (int)(seed / 8) % lanes};
    b->executor.call = beside_call;
    b->executor.free = beside_free;
    b->executor.shares = false;
    b->own = own;
    b->memory = memory;
    b->arena = arena;
    b->columns = arena_array(arena, sgdrt_column, run->data->column_count + 1);
    if (together->work_bytes > b->executor.work_bytes) b->executor.work_bytes = together->work_bytes;
    b->state = aligned_memory(memory, run->state_bytes * (size_t)lanes);
    b->sums = arena_array(arena, double, lanes *(run_sums(run) + 1));
    return &b->executor;
}
#endif
