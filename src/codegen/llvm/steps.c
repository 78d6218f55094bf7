/* steps: the steps of a call: the rows of one mini-batch after the other, until there are no more, or the flag says to
 * stop.
 */
#include "codegen/llvm/emitter.h"
#include "core.h"
#include <stddef.h>

static LLVMValueRef stop_flag(Emitter *e) {
    LLVMValueRef stop = load_field(e, e->pointer, e->call, offsetof(sgdrt_call, stop)), never = emit_alloca(e, e->i32);
    LLVMBuildStore(e->b, constant_int(e, e->i32, 0), never);
    return LLVMBuildSelect(e->b, LLVMBuildIsNull(e->b, stop, ""), never, stop, "");
}

void steps_begin(Emitter *e, Steps *s) {
    s->stop = stop_flag(e);
    s->entry = LLVMGetInsertBlock(e->b);
    s->leave = LLVMAppendBasicBlockInContext(e->context, e->function, "leave");
    LLVMBasicBlockRef first = LLVMAppendBasicBlockInContext(e->context, e->function, "first");
    LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntSGT, e->count, index_const(e, 0), ""), first, s->leave);
    LLVMPositionBuilderAtEnd(e->b, first);
}

void steps_open(Emitter *e, Steps *s, bool one_row) {
    s->first = LLVMGetInsertBlock(e->b);
    s->body = LLVMAppendBasicBlockInContext(e->context, e->function, "step");
    LLVMBuildBr(e->b, s->body);
    LLVMPositionBuilderAtEnd(e->b, s->body);
    s->begin = LLVMBuildPhi(e->b, e->i64, "");
    s->count = LLVMBuildPhi(e->b, e->i64, "");
    s->rows = one_row ? index_const(e, 1) : smaller(e, e->batch, LLVMBuildSub(e->b, e->count, s->begin, ""));
}

void steps_close(Emitter *e, Steps *s, LLVMValueRef flags) {
    LLVMValueRef zero = index_const(e, 0), next = LLVMBuildAdd(e->b, s->begin, s->rows, "");
    s->taken = LLVMBuildAdd(e->b, s->count, index_const(e, 1), "");
    LLVMValueRef asked = thread_stop_asked(e, s->stop, s->count, flags);
    LLVMValueRef again = LLVMBuildAnd(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, next, e->count, ""),
                                      LLVMBuildICmp(e->b, LLVMIntEQ, asked, constant_int(e, e->i32, 0), ""), "");
    LLVMBasicBlockRef from[2] = {s->first, LLVMGetInsertBlock(e->b)};
    LLVMBasicBlockRef done = LLVMAppendBasicBlockInContext(e->context, e->function, "done");
    LLVMBuildCondBr(e->b, again, s->body, done);
    LLVMAddIncoming(s->begin, (LLVMValueRef[]){zero, next}, from, 2);
    LLVMAddIncoming(s->count, (LLVMValueRef[]){zero, s->taken}, from, 2);
    LLVMPositionBuilderAtEnd(e->b, done);
}

LLVMValueRef steps_end(Emitter *e, const Steps *s) {
    LLVMBasicBlockRef from[2] = {s->entry, LLVMGetInsertBlock(e->b)};
    LLVMBuildBr(e->b, s->leave);
    LLVMPositionBuilderAtEnd(e->b, s->leave);
    LLVMValueRef result = LLVMBuildPhi(e->b, e->i64, "");
    LLVMAddIncoming(result, (LLVMValueRef[]){index_const(e, 0), s->taken}, from, 2);
    return result;
}
