/* threads: the threads of a call (runtime/core.h). Which loops are shared and where threads wait is decided
 * in ir/loops/passes/threads.c.
 *
 * A thread's part of n iterations is those from floor(n * t / T) up to floor(n * (t + 1) / T), or ceil where the first threads
 * have more, with the two fractions made once, at the entry, in fixed point, rounded up: neighbours compute the same border, and
 * the last one is n itself. One thread takes the same way with the fractions 0 and 1, and passes by every wait.
 *
 * The stop flag is the caller's and changes at any time, so only the first thread reads it, and tells the others
 * what it read behind the wait that ends a step. It has two places, for even and odd steps: the next step's is written
 * before everybody has read this one's.
 */
#include "codegen/llvm/emitter.h"
#include "core.h"

enum { FRACTION_BITS = 32 };

static LLVMValueRef fraction(Emitter *e, LLVMValueRef part, LLVMValueRef whole) {
    LLVMValueRef scaled = LLVMBuildShl(e->b, part, index_const(e, FRACTION_BITS), "");
    LLVMValueRef up = LLVMBuildSub(e->b, LLVMBuildAdd(e->b, scaled, whole, ""), index_const(e, 1), "");
    return LLVMBuildUDiv(e->b, up, whole, "");
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

void thread_start(Emitter *e, bool shared) {
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
}

/* A fraction is too large by less than 1, and iterations are fewer than what is added. */
static LLVMValueRef iterations_before(Emitter *e, const Loop *loop, LLVMValueRef iterations, LLVMValueRef share) {
    LLVMValueRef n = LLVMBuildMul(e->b, iterations, share, "");
    if (loop->first_more) {
        n = LLVMBuildSub(e->b, n, iterations, "");
        n = LLVMBuildAdd(e->b, n, index_const(e, ((int64_t)1 << FRACTION_BITS) - 1), "");
    }
    return LLVMBuildLShr(e->b, n, index_const(e, FRACTION_BITS), "");
}

Bounds bounds_open(Emitter *e, const Loop *loop, LLVMValueRef end) {
    if (loop->mark != LOOP_THREADS) return (Bounds){index_const(e, 0), end, NULL};
    LLVMValueRef by = index_const(e, loop->step), up = LLVMBuildAdd(e->b, end, index_const(e, loop->step - 1), "");
    LLVMValueRef iterations = LLVMBuildUDiv(e->b, up, by, "");
    LLVMValueRef first = iterations_before(e, loop, iterations, e->part_begin),
                 last = iterations_before(e, loop, iterations, e->part_end);
    Bounds b = {LLVMBuildMul(e->b, first, by, ""), smaller(e, LLVMBuildMul(e->b, last, by, ""), end), NULL};
    b.after = if_open(e, LLVMBuildICmp(e->b, LLVMIntSLT, b.begin, b.end, ""));
    return b;
}

void bounds_close(Emitter *e, const Bounds *b) {
    if (b->after != NULL) if_close(e, b->after);
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
