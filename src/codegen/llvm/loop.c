/* loop: loops, branches and places on the stack, as LLVM's blocks.
 *
 * Multiples of a loop's index are counted beside it: what a compiler calls strength reduction, done where the loops are
 * known.
 */
#include "codegen/llvm/emitter.h"
#include <llvm-c/Target.h>

static LLVMBasicBlockRef block_new(Emitter *e, const char *name) {
    return LLVMAppendBasicBlockInContext(e->context, e->function, name);
}

void loop_open(Emitter *e, LoopBlocks *l, LLVMValueRef begin) {
    l->before = LLVMGetInsertBlock(e->b);
    l->body = block_new(e, "loop");
    l->begin = begin;
    l->multiples = 0;
    l->around = e->loops;
    l->depth = e->loops == NULL ? 1 : e->loops->depth + 1;
    e->loops = l;
    LLVMBuildBr(e->b, l->body);
    LLVMPositionBuilderAtEnd(e->b, l->body);
    l->index = LLVMBuildPhi(e->b, e->i64, "");
    LLVMAddIncoming(l->index, &begin, &l->before, 1);
}

static void close_multiples(Emitter *e, const LoopBlocks *l, int64_t step) {
    LLVMBasicBlockRef last = LLVMGetInsertBlock(e->b);
    for (int i = 0; i < l->multiples; i++) {
        LLVMValueRef phi = l->multiple[i].phi;
        if (LLVMGetFirstUse(phi) == NULL) {
            LLVMInstructionEraseFromParent(phi);
            continue;
        }
        LLVMValueRef next = LLVMBuildAdd(e->b, phi, index_const(e, step * l->multiple[i].factor), "");
        LLVMAddIncoming(phi, &next, &last, 1);
    }
}

void loop_close(Emitter *e, LoopBlocks *l, LLVMValueRef end, int64_t step) {
    e->loops = l->around;
    close_multiples(e, l, step);
    LLVMValueRef index = LLVMBuildNSWAdd(e->b, l->index, index_const(e, step), "");
    LLVMBasicBlockRef last = LLVMGetInsertBlock(e->b), after = block_new(e, "after");
    LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, index, end, ""), l->body, after);
    LLVMAddIncoming(l->index, &index, &last, 1);
    LLVMPositionBuilderAtEnd(e->b, after);
}

/* The open loop that v counts, and of which factor; NULL: none. */
static LoopBlocks *loop_of(const Emitter *e, LLVMValueRef v, int64_t *factor) {
    for (LoopBlocks *l = e->loops; l != NULL; l = l->around) {
        *factor = 1;
        if (v == l->index) return l;
        for (int i = 0; i < l->multiples; i++)
            if (v == l->multiple[i].phi) {
                *factor = l->multiple[i].factor;
                return l;
            }
    }
    return NULL;
}

int loop_depth(const Emitter *e, LLVMValueRef v) {
    int64_t factor;
    const LoopBlocks *l = loop_of(e, v, &factor);
    return l == NULL ? 0 : l->depth;
}

LLVMValueRef loop_multiple(Emitter *e, LLVMValueRef v, int64_t factor) {
    int64_t known;
    LoopBlocks *l = loop_of(e, v, &known);
    if (l == NULL) return NULL;
    factor *= known;
    if (factor == 1) return l->index;
    for (int i = 0; i < l->multiples; i++)
        if (l->multiple[i].factor == factor) return l->multiple[i].phi;
    if (l->multiples == MOST_MULTIPLES) return NULL;
    LLVMBasicBlockRef back = LLVMGetInsertBlock(e->b);
    LLVMPositionBuilderBefore(e->b, LLVMGetBasicBlockTerminator(l->before));
    LLVMValueRef begin = LLVMBuildMul(e->b, l->begin, index_const(e, factor), "");
    LLVMPositionBuilderBefore(e->b, l->index);
    LLVMValueRef phi = LLVMBuildPhi(e->b, e->i64, "");
    LLVMAddIncoming(phi, &begin, &l->before, 1);
    LLVMPositionBuilderAtEnd(e->b, back);
    l->multiple[l->multiples].factor = factor;
    l->multiple[l->multiples++].phi = phi;
    return phi;
}

LLVMBasicBlockRef if_open(Emitter *e, LLVMValueRef condition) {
    LLVMBasicBlockRef then = block_new(e, "then"), after = block_new(e, "after");
    LLVMBuildCondBr(e->b, condition, then, after);
    LLVMPositionBuilderAtEnd(e->b, then);
    return after;
}

void if_close(Emitter *e, LLVMBasicBlockRef after) {
    LLVMBuildBr(e->b, after);
    LLVMPositionBuilderAtEnd(e->b, after);
}

/* The builder stands at the entry's beginning; the block where it stood. */
static LLVMBasicBlockRef go_to_entry(Emitter *e) {
    LLVMBasicBlockRef back = LLVMGetInsertBlock(e->b), entry = LLVMGetEntryBasicBlock(e->function);
    LLVMValueRef first = LLVMGetFirstInstruction(entry);
    if (first != NULL)
        LLVMPositionBuilderBefore(e->b, first);
    else
        LLVMPositionBuilderAtEnd(e->b, entry);
    return back;
}

LLVMValueRef emit_alloca(Emitter *e, LLVMTypeRef type) {
    LLVMBasicBlockRef back = go_to_entry(e);
    LLVMValueRef v = LLVMBuildAlloca(e->b, type, "");
    LLVMPositionBuilderAtEnd(e->b, back);
    return v;
}

/* SROA of LLVM 22 merges stores of parts, all in one block, that one load reads together, and may use a value before it is
 * made. Zeros that are stored at the entry keep it from that. */
LLVMValueRef emit_place(Emitter *e, LLVMTypeRef element, int64_t count, bool zeros) {
    enum { LINE = 64 };
    LLVMBasicBlockRef back = go_to_entry(e);
    LLVMTypeRef type = LLVMArrayType2(element, (uint64_t)count);
    LLVMTargetDataRef layout = LLVMGetModuleDataLayout(e->module);
    int64_t bytes = (int64_t)LLVMABISizeOfType(layout, type), part = LINE;
    LLVMValueRef v = LLVMBuildAlloca(e->b, type, "");
    LLVMSetAlignment(v, LINE);
    for (int64_t at = 0; at < bytes && zeros; at += part) {
        while (part > bytes - at) part /= 2;
        LLVMValueRef place = bytes_behind(e, v, (size_t)at);
        LLVMTypeRef of = part % 4 == 0 ? vector_type(e->f32, (int)part / 4) : vector_type(e->i8, (int)part);
        LLVMSetAlignment(LLVMBuildStore(e->b, LLVMConstNull(of), place), (unsigned)part);
    }
    LLVMPositionBuilderAtEnd(e->b, back);
    return v;
}
