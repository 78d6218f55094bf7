/* emit_threads: the threads of a call (runtime/core.h). Which nests are shared and where threads wait is decided
 * in ir/loops/threads.c.
 *
 * A thread's part of n tiles is those from floor(n * t / T) up to floor(n * (t + 1) / T), with the two fractions made
 * once, at the entry, in fixed point: neighbours compute the same border, and the last one is n itself. One thread
 * takes the same way with the fractions 0 and 1, and passes by every wait. Of an axis in pieces the tiles are those
 * of the first piece; what is left behind them is one more.
 *
 * The stop flag is the caller's and changes at any time, so only the first thread reads it, and tells the others
 * what it read behind the wait that ends a step. It has two places, for even and odd steps: the next step's is written
 * before everybody has read this one's.
 */
#include "codegen/emit.h"
#include "core.h"

enum { FRACTION_BITS = 32 };
static const int64_t FAR_AWAY = (int64_t)1 << 60; /* where the last part ends, whatever the axis' extent */

static LLVMValueRef fraction(Emitter *e, LLVMValueRef part, LLVMValueRef whole) {
    LLVMValueRef scaled = LLVMBuildShl(e->b, part, index_const(e, FRACTION_BITS), "");
    return LLVMBuildUDiv(e->b, scaled, whole, "");
}

/* Where nothing is shared, other threads have nothing to do. */
static void return_unless_first(Emitter *e) {
    LLVMBasicBlockRef go_on = LLVMAppendBasicBlockInContext(e->context, e->function, "first");
    LLVMBasicBlockRef away = LLVMAppendBasicBlockInContext(e->context, e->function, "away");
    LLVMBuildCondBr(e->b, e->is_first, go_on, away);
    LLVMPositionBuilderAtEnd(e->b, away);
    LLVMBuildRet(e->b, index_const(e, 0));
    LLVMPositionBuilderAtEnd(e->b, go_on);
}

static LLVMValueRef find_thread(Emitter *e) {
    LLVMValueRef thread = load_field(e, e->i64, e->call, offsetof(sgdrt_call, thread));
    e->is_first = LLVMBuildICmp(e->b, LLVMIntEQ, thread, index_const(e, 0), "");
    return thread;
}

void thread_start(Emitter *e, bool shared, size_t work_bytes, size_t thread_bytes) {
    LLVMValueRef thread = find_thread(e);
    e->shared = shared;
    if (!shared) {
        return_unless_first(e);
        return;
    }
    LLVMValueRef one = index_const(e, 1);
    LLVMValueRef threads = load_field(e, e->i64, e->call, offsetof(sgdrt_call, threads));
    e->are_several = LLVMBuildICmp(e->b, LLVMIntSGT, threads, one, "");
    threads = LLVMBuildSelect(e->b, e->are_several, threads, one, "");
    e->part_begin = fraction(e, thread, threads);
    e->part_end = fraction(e, LLVMBuildAdd(e->b, thread, one, ""), threads);
    LLVMValueRef work = load_field(e, e->pointer, e->call, offsetof(sgdrt_call, work));
    LLVMValueRef scratch = load_field(e, e->pointer, e->call, offsetof(sgdrt_call, scratch));
    LLVMValueRef behind = index_const(e, (int64_t)(work_bytes - thread_bytes));
    LLVMValueRef place = LLVMBuildMul(e->b, LLVMBuildSub(e->b, thread, one, ""), index_const(e, (int64_t)thread_bytes),
                                      "");
    e->thread_work = LLVMBuildSelect(e->b, e->is_first, LLVMBuildGEP2(e->b, e->i8, work, &behind, 1, ""),
                                     LLVMBuildGEP2(e->b, e->i8, scratch, &place, 1, ""), "");
}

static LLVMValueRef tiles_before(Emitter *e, LLVMValueRef tiles, LLVMValueRef share) {
    return LLVMBuildLShr(e->b, LLVMBuildMul(e->b, tiles, share, ""), index_const(e, FRACTION_BITS), "");
}

Part thread_range(Emitter *e, LLVMValueRef extent, int64_t width, int64_t whole) {
    LLVMValueRef up = LLVMBuildAdd(e->b, extent, index_const(e, width - 1), "");
    LLVMValueRef tiles = LLVMBuildUDiv(e->b, up, index_const(e, width), "");
    if (whole >= 0) tiles = smaller(e, tiles, index_const(e, whole / width + 1));
    LLVMValueRef first = tiles_before(e, tiles, e->part_begin), end = tiles_before(e, tiles, e->part_end);
    LLVMValueRef last = LLVMBuildICmp(e->b, LLVMIntEQ, end, tiles, ""), by = index_const(e, width);
    LLVMValueRef to = LLVMBuildSelect(e->b, last, index_const(e, FAR_AWAY), LLVMBuildMul(e->b, end, by, ""), "");
    return (Part){LLVMBuildMul(e->b, first, by, ""), to};
}

Part thread_part(Emitter *e, const Nest *nest, int split, LLVMValueRef extent, int64_t width, int64_t whole) {
    if (e->relay_row != NULL && split == SPLIT_ROWS)
        return (Part){e->relay_row, LLVMBuildAdd(e->b, e->relay_row, index_const(e, e->relay_rows), "")};
    if (!e->shared || nest->split != split) return (Part){NULL, NULL};
    return thread_range(e, extent, width, whole);
}

Part thread_part_of_pieces(Emitter *e, const Nest *nest, int split, LLVMValueRef extent, const Piece *pieces) {
    int64_t width = (int64_t)pieces->lanes * pieces->unroll;
    return thread_part(e, nest, split, extent, width, width * pieces->count);
}

Bounds bounds_open(Emitter *e, Part part, LLVMValueRef begin, LLVMValueRef end) {
    if (part.to == NULL) return (Bounds){begin, end, NULL};
    Bounds b = {larger(e, part.from, begin), smaller(e, part.to, end), NULL};
    b.after = if_open(e, LLVMBuildICmp(e->b, LLVMIntSLT, b.begin, b.end, ""));
    return b;
}

void bounds_close(Emitter *e, const Bounds *b) {
    if (b->after != NULL) if_close(e, b->after);
}

int thread_run(const Nest *const *nests, int count) {
    int run = 1;
    while (run < count && nests[run - 1]->split == SPLIT_NONE && nests[run]->split == SPLIT_NONE && !nests[run]->waits)
        run++;
    return run;
}

void thread_meet(Emitter *e) {
    if (!e->shared) return;
    LLVMBasicBlockRef after = if_open(e, e->are_several);
    LLVMValueRef barrier = load_field(e, e->pointer, e->call, offsetof(sgdrt_call, barrier));
    LLVMValueRef context = load_field(e, e->pointer, e->call, offsetof(sgdrt_call, barrier_context));
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(e->context), &e->pointer, 1, false);
    LLVMBuildCall2(e->b, type, barrier, &context, 1, "");
    if_close(e, after);
}

LLVMBasicBlockRef thread_first_open(Emitter *e) { return e->shared ? if_open(e, e->is_first) : NULL; }

void thread_first_close(Emitter *e, LLVMBasicBlockRef after) {
    if (after != NULL) if_close(e, after);
}

static LLVMValueRef read_stop(Emitter *e, LLVMValueRef stop) {
    LLVMValueRef asked = LLVMBuildLoad2(e->b, e->i32, stop, "");
    LLVMSetVolatile(asked, true);
    return asked;
}

LLVMValueRef thread_stop_asked(Emitter *e, LLVMValueRef stop, LLVMValueRef step, LLVMValueRef flags) {
    if (!e->shared) return read_stop(e, stop);
    Index flag = index_of(LLVMBuildAnd(e->b, step, index_const(e, 1), ""));
    LLVMBasicBlockRef after = thread_first_open(e);
    store_at(e, REGION_WORK, DTYPE_I32, flags, flag, read_stop(e, stop));
    thread_first_close(e, after);
    thread_meet(e);
    return load_at(e, REGION_WORK, DTYPE_I32, flags, flag);
}
