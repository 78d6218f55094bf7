/* check: is every instruction of a function on the closed list of docs/numerics.md?
 *
 * What is not on the list could round differently on another machine or at another optimisation level, so
 * finding it is a defect of sgdc. The list is looked at as emitted; LLVM's passes that follow keep IEEE
 * semantics as long as no instruction carries a fast-math flag, which is checked too.
 */
#include "codegen/target/architecture.h"
#include "codegen/llvm/emitter.h"
#include <string.h>

static bool opcode_is_allowed(LLVMOpcode op) {
    static const bool allowed[] = {[LLVMRet] = true,           [LLVMBr] = true,
                                   [LLVMPHI] = true,           [LLVMSelect] = true,
                                   [LLVMCall] = true,          [LLVMUnreachable] = true,
                                   [LLVMFAdd] = true,          [LLVMFSub] = true,
                                   [LLVMFMul] = true,          [LLVMFDiv] = true,
                                   [LLVMFNeg] = true,          [LLVMFCmp] = true,
                                   [LLVMAdd] = true,           [LLVMSub] = true,
                                   [LLVMMul] = true,           [LLVMUDiv] = true,
                                   [LLVMSDiv] = true,          [LLVMURem] = true,
                                   [LLVMSRem] = true,          [LLVMShl] = true,
                                   [LLVMLShr] = true,          [LLVMAShr] = true,
                                   [LLVMAnd] = true,           [LLVMOr] = true,
                                   [LLVMXor] = true,           [LLVMICmp] = true,
                                   [LLVMAlloca] = true,        [LLVMLoad] = true,
                                   [LLVMStore] = true,         [LLVMGetElementPtr] = true,
                                   [LLVMTrunc] = true,         [LLVMZExt] = true,
                                   [LLVMSExt] = true,          [LLVMFPTrunc] = true,
                                   [LLVMFPExt] = true,         [LLVMUIToFP] = true,
                                   [LLVMSIToFP] = true,        [LLVMBitCast] = true,
                                   [LLVMFreeze] = true,        [LLVMExtractElement] = true,
                                   [LLVMInsertElement] = true, [LLVMExtractValue] = true,
                                   [LLVMInsertValue] = true,   [LLVMShuffleVector] = true};
    return op < sizeof allowed && allowed[op];
}

/* The last two are ours: outline.c, transpose.c. */
static bool call_is_allowed(const char *name) {
    static const char *const allowed[] = {"llvm.fma.",      "llvm.sqrt.",  "llvm.fabs.",      "llvm.floor.",
                                          "llvm.ceil.",     "llvm.trunc.", "llvm.roundeven.", "llvm.fptosi.sat.",
                                          "llvm.prefetch.", "sgd.nest",    "sgd.square."};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (strncmp(name, allowed[i], strlen(allowed[i])) == 0) return true;
    for (int a = 0; a < ARCHITECTURES; a++) {
        const FloatControl *control = &architecture_row((Architecture)a)->control;
        if (strcmp(name, control->read) == 0 || strcmp(name, control->write) == 0) return true;
    }
    return false;
}

static const char *instruction_problem(Arena *arena, LLVMValueRef instruction) {
    LLVMOpcode op = LLVMGetInstructionOpcode(instruction);
    if (!opcode_is_allowed(op)) return text_format(arena, "instruction %d", (int)op);
    if (LLVMCanValueUseFastMathFlags(instruction) && LLVMGetFastMathFlags(instruction) != LLVMFastMathNone)
        return "a fast-math flag";
    if (op == LLVMCall) {
        size_t length;
        LLVMValueRef called = LLVMGetCalledValue(instruction);
        const char *name = LLVMGetValueName2(called, &length);
        bool barrier = LLVMIsALoadInst(called) != NULL; /* threads meet through a pointer of the call */
        if (!barrier && !call_is_allowed(name)) return text_format(arena, "a call of %s", name);
    }
    return NULL;
}

const char *check_function(Arena *arena, LLVMValueRef function) {
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(function); b != NULL; b = LLVMGetNextBasicBlock(b))
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i != NULL; i = LLVMGetNextInstruction(i)) {
            const char *problem = instruction_problem(arena, i);
            if (problem != NULL) return problem;
        }
    return NULL;
}
