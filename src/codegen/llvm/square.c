/* square: vectors in registers, joined, and transposed in squares. */
#include "codegen/llvm/emitter.h"

LLVMValueRef joined(Emitter *e, LLVMValueRef *part, int count) {
    int length = vector_lanes(part[0]);
    for (; count > 1; count /= 2, length *= 2) {
        LLVMValueRef mask[MOST_LANES * 2];
        for (int l = 0; l < 2 * length; l++) mask[l] = constant_int(e, e->i32, l);
        for (int i = 0; i < count / 2; i++)
            part[i] = LLVMBuildShuffleVector(e->b, part[2 * i], part[2 * i + 1],
                                             LLVMConstVector(mask, (unsigned)(2 * length)), "");
    }
    return part[0];
}

static LLVMValueRef shuffle_pair(Emitter *e, LLVMValueRef a, LLVMValueRef b, int lanes, int distance, bool high) {
    LLVMValueRef mask[MOST_LANES];
    for (int k = 0; k < lanes; k++) {
        int from = high ? ((k & distance) ? lanes + k : k + distance) : ((k & distance) ? lanes + k - distance : k);
        mask[k] = constant_int(e, e->i32, from);
    }
    return LLVMBuildShuffleVector(e->b, a, b, LLVMConstVector(mask, (unsigned)lanes), "");
}

void turn_square(Emitter *e, LLVMValueRef *v, int lanes) {
    for (int distance = 1; distance < lanes; distance *= 2)
        for (int i = 0; i < lanes; i++)
            if ((i & distance) == 0) {
                LLVMValueRef low = shuffle_pair(e, v[i], v[i + distance], lanes, distance, false);
                LLVMValueRef high = shuffle_pair(e, v[i], v[i + distance], lanes, distance, true);
                v[i] = low;
                v[i + distance] = high;
            }
}
