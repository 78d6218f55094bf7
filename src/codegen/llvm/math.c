/* math: exp, log, tanh, ... and random numbers: the one definition of runtime/math.inc and random.inc, with
 * calls of the LLVM builder as primitives. Each function emits its straight-line program for a scalar or a
 * vector; whatever is the same in all lanes stays scalar.
 */
#include "codegen/llvm/emitter.h"
#include <math.h>

static LLVMValueRef pair(Emitter *emitter,
                         LLVMValueRef (*build)(LLVMBuilderRef, LLVMValueRef, LLVMValueRef, const char *),
                         LLVMValueRef a, LLVMValueRef b) {
    same_width(emitter, &a, &b);
    return build(emitter->b, a, b, "");
}

static LLVMValueRef compare_real(Emitter *emitter, LLVMRealPredicate p, LLVMValueRef a, LLVMValueRef b) {
    same_width(emitter, &a, &b);
    return LLVMBuildFCmp(emitter->b, p, a, b, "");
}

static LLVMValueRef compare_int(Emitter *emitter, LLVMValueRef a, LLVMValueRef b) {
    same_width(emitter, &a, &b);
    return LLVMBuildICmp(emitter->b, LLVMIntEQ, a, b, "");
}

static LLVMValueRef shift(Emitter *emitter,
                          LLVMValueRef (*build)(LLVMBuilderRef, LLVMValueRef, LLVMValueRef, const char *),
                          LLVMValueRef a, int n) {
    return build(emitter->b, a, like_int(emitter, a, n), "");
}

#define MATH_F32 LLVMValueRef
#define MATH_F64 LLVMValueRef
#define MATH_U32 LLVMValueRef
#define MATH_U64 LLVMValueRef
#define MATH_BOOL LLVMValueRef
#define MATH_FUNCTION(type, name) __attribute__((unused)) static type emit_##name
#define MATH_CALL(name) emit_##name
#define MATH_TAKE Emitter *emitter,
#define MATH_GIVE emitter,
#define MATH_C32(x) LLVMConstReal(emitter->f32, (double)(float)(x))
#define MATH_C64(x) LLVMConstReal(emitter->f64, (x))
#define MATH_I32(n) LLVMConstInt(emitter->i32, (uint32_t)(n), false)
#define MATH_I64(n) LLVMConstInt(emitter->i64, (uint64_t)(n), false)
#define MATH_ADD(a, b) pair(emitter, LLVMBuildFAdd, a, b)
#define MATH_SUB(a, b) pair(emitter, LLVMBuildFSub, a, b)
#define MATH_MUL(a, b) pair(emitter, LLVMBuildFMul, a, b)
#define MATH_DIV(a, b) pair(emitter, LLVMBuildFDiv, a, b)
#define MATH_FMA(a, b, c) emit_fma(emitter, a, b, c)
#define MATH_NEG(a) LLVMBuildFNeg(emitter->b, a, "")
#define MATH_ABS(a) emit_intrinsic(emitter, "llvm.fabs", (LLVMValueRef[]){a}, 1)
#define MATH_FLOOR(a) emit_intrinsic(emitter, "llvm.floor", (LLVMValueRef[]){a}, 1)
#define MATH_SQRT(a) emit_intrinsic(emitter, "llvm.sqrt", (LLVMValueRef[]){a}, 1)
#define MATH_LT(a, b) compare_real(emitter, LLVMRealOLT, a, b)
#define MATH_EQ(a, b) compare_real(emitter, LLVMRealOEQ, a, b)
#define MATH_SELECT(c, a, b) emit_select(emitter, c, a, b)
#define MATH_AND(a, b) pair(emitter, LLVMBuildAnd, a, b)
#define MATH_NOT(a) LLVMBuildNot(emitter->b, a, "")
#define MATH_IADD(a, b) pair(emitter, LLVMBuildAdd, a, b)
#define MATH_ISUB(a, b) pair(emitter, LLVMBuildSub, a, b)
#define MATH_IMUL(a, b) pair(emitter, LLVMBuildMul, a, b)
#define MATH_IAND(a, b) pair(emitter, LLVMBuildAnd, a, b)
#define MATH_IOR(a, b) pair(emitter, LLVMBuildOr, a, b)
#define MATH_IXOR(a, b) pair(emitter, LLVMBuildXor, a, b)
#define MATH_ISHL(a, n) shift(emitter, LLVMBuildShl, a, n)
#define MATH_ISHR(a, n) shift(emitter, LLVMBuildLShr, a, n)
#define MATH_ISAR(a, n) shift(emitter, LLVMBuildAShr, a, n)
#define MATH_IEQ(a, b) compare_int(emitter, a, b)
#define MATH_BITS32(x) bits_of(emitter, x, emitter->i32)
#define MATH_BITS64(x) bits_of(emitter, x, emitter->i64)
#define MATH_REAL32(x) bits_of(emitter, x, emitter->f32)
#define MATH_REAL64(x) bits_of(emitter, x, emitter->f64)
#define MATH_WIDEN(x) widen_real(emitter, x)
#define MATH_NARROW(x) narrow_real(emitter, x)
#define MATH_LOW32(x) low_half(emitter, x)
#define MATH_F32_OF_I32(x) signed_real(emitter, x, emitter->f32)
#define MATH_F64_OF_I32(x) signed_real(emitter, x, emitter->f64)

static LLVMValueRef bits_of(Emitter *emitter, LLVMValueRef x, LLVMTypeRef scalar) {
    return LLVMBuildBitCast(emitter->b, x, widened(x, scalar), "");
}
static LLVMValueRef widen_real(Emitter *emitter, LLVMValueRef x) {
    return LLVMBuildFPExt(emitter->b, x, widened(x, emitter->f64), "");
}
static LLVMValueRef narrow_real(Emitter *emitter, LLVMValueRef x) {
    return LLVMBuildFPTrunc(emitter->b, x, widened(x, emitter->f32), "");
}
static LLVMValueRef low_half(Emitter *emitter, LLVMValueRef x) {
    return LLVMBuildTrunc(emitter->b, x, widened(x, emitter->i32), "");
}
static LLVMValueRef signed_real(Emitter *emitter, LLVMValueRef x, LLVMTypeRef scalar) {
    return LLVMBuildSIToFP(emitter->b, x, widened(x, scalar), "");
}

#include "math.inc"
#include "random.inc"

#define FUNCTION(NAME, name)                                                                   \
    LLVMValueRef math_##name(Emitter *emitter, DType t, LLVMValueRef x) {                      \
        return t == DTYPE_F32 ? emit_##name##_f32(emitter, x) : emit_##name##_f64(emitter, x); \
    }
#define FUNCTION_OF_TWO(NAME, name)                                                                  \
    LLVMValueRef math_##name(Emitter *emitter, DType t, LLVMValueRef x, LLVMValueRef y) {            \
        return t == DTYPE_F32 ? emit_##name##_f32(emitter, x, y) : emit_##name##_f64(emitter, x, y); \
    }
#define FUNCTION_AND_NUMBER(NAME, name)                                                              \
    LLVMValueRef math_##name(Emitter *emitter, DType t, LLVMValueRef x, int64_t n) {                 \
        return t == DTYPE_F32 ? emit_##name##_f32(emitter, x, n) : emit_##name##_f64(emitter, x, n); \
    }
#include "functions.def"

LLVMValueRef random_stream(Emitter *emitter, LLVMValueRef seed, LLVMValueRef step_or_null, LLVMValueRef site) {
    return step_or_null == NULL ? emit_key_of_name(emitter, seed, site)
                                : emit_key_of_step(emitter, seed, step_or_null, site);
}

/* place32 NULL: a draw without rows */
LLVMValueRef random_uniform(Emitter *emitter, DType t, LLVMValueRef stream, LLVMValueRef place32,
                            LLVMValueRef element32) {
    LLVMValueRef first, second;
    if (place32 == NULL) {
        first = low_half(emitter, stream);
        second = low_half(emitter, shift(emitter, LLVMBuildLShr, stream, 32));
    } else {
        first = emit_row_key_first(emitter, stream, place32);
        second = emit_row_key_second(emitter, stream, place32);
    }
    return t == DTYPE_F32 ? emit_uniform_f32(emitter, first, second, element32)
                          : emit_uniform_f64(emitter, first, second, element32);
}
