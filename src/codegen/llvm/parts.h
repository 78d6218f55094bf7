/* parts: the function of a whole step, of a run whose steps have several parts. */
#ifndef SGDC_EMIT_PARTS_H
#define SGDC_EMIT_PARTS_H
#include "codegen/llvm/emitter.h"

/* The functions of a part: for mini-batches up to a block of rows, for any; of_block NULL: one for all. */
typedef struct PartCode {
    LLVMValueRef of_block, of_any;
    int64_t block;
} PartCode;
/* threads: some part shares its work. */
LLVMValueRef emit_parts(const EmitContext *context, const Run *run, const PartCode *parts, bool threads,
                        const char *symbol);

#endif
