/* beside: an executor whose steps are taken by several runs together (codegen_jit_together). One lane has the state that it
 * is called with, the others have the same parameters with other rates: they must not touch it.
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
    Executor *together = codegen_jit_together(codegen, run, lanes, false);
    if (together == NULL) return alone;
    Beside *b = arena_new_of(arena, Beside);
    *b = (Beside){
        .executor = *alone, .alone = alone, .together = together, .lanes = lanes, .lane = (int)(seed / 4) % lanes};
    b->executor.call = beside_call;
    b->executor.free = beside_free;
    b->executor.shares = false;
    if (together->work_bytes > b->executor.work_bytes) b->executor.work_bytes = together->work_bytes;
    b->state = aligned_memory(memory, run->state_bytes * (size_t)lanes);
    b->sums = arena_array(arena, double, lanes *(run_sums(run) + 1));
    return &b->executor;
}
#endif
