/* value: what operations on scalars and vectors are made of; arithmetic is emitted here, in ops.c and in math.c.
 *
 * Everything here is exact by IEEE 754 or an integer operation: no minnum, no fast-math flag, no library
 * call. Where the target has no fma instruction an f32 fma is computed as its definition says (emulated_fma);
 * an f64 one stays llvm.fma and becomes the C library's fma, which glibc and musl round correctly.
 */
#include "codegen/llvm/emitter.h"
#include <math.h>
#include <string.h>

LLVMTypeRef type_of(Emitter *e, DType t) {
    switch (t) {
    case DTYPE_F32: return e->f32;
    case DTYPE_F64: return e->f64;
    case DTYPE_I32: return e->i32;
    case DTYPE_BOOL: return e->i1;
    case DTYPE_U8: return e->i8;
    }
    INTERNAL_ERROR("no such type: %d", (int)t);
}

LLVMTypeRef type_of_function(LLVMContextRef context) {
    LLVMTypeRef call = LLVMPointerTypeInContext(context, 0);
    return LLVMFunctionType(LLVMInt64TypeInContext(context), &call, 1, false);
}

LLVMTypeRef vector_type(LLVMTypeRef scalar, int lanes) {
    return lanes == 1 ? scalar : LLVMVectorType(scalar, (unsigned)lanes);
}

bool is_vector(LLVMValueRef v) { return LLVMGetTypeKind(LLVMTypeOf(v)) == LLVMVectorTypeKind; }

int vector_lanes(LLVMValueRef v) { return is_vector(v) ? (int)LLVMGetVectorSize(LLVMTypeOf(v)) : 1; }

LLVMValueRef splat(Emitter *e, LLVMValueRef v, int lanes) {
    if (is_vector(v) || lanes == 1) return v;
    LLVMTypeRef type = LLVMVectorType(LLVMTypeOf(v), (unsigned)lanes);
    if (LLVMIsConstant(v)) {
        LLVMValueRef items[64];
        for (int i = 0; i < lanes; i++) items[i] = v;
        return LLVMConstVector(items, (unsigned)lanes);
    }
    LLVMValueRef one = LLVMBuildInsertElement(e->b, LLVMGetPoison(type), v, constant_int(e, e->i32, 0), "");
    return LLVMBuildShuffleVector(e->b, one, LLVMGetPoison(type),
                                  LLVMConstNull(LLVMVectorType(e->i32, (unsigned)lanes)), "");
}

LLVMValueRef with_lane(Emitter *e, LLVMValueRef v, int lane, LLVMValueRef x) {
    return LLVMBuildInsertElement(e->b, v, x, constant_int(e, e->i32, lane), "");
}

LLVMValueRef lane_of(Emitter *e, LLVMValueRef v, int lane) {
    return LLVMBuildExtractElement(e->b, v, constant_int(e, e->i32, lane), "");
}

LLVMValueRef shuffled(Emitter *e, LLVMValueRef a, LLVMValueRef b, const int *from, int lanes) {
    LLVMValueRef mask[MOST_LANES * 2];
    for (int l = 0; l < lanes; l++) mask[l] = constant_int(e, e->i32, from[l]);
    return LLVMBuildShuffleVector(e->b, a, b, LLVMConstVector(mask, (unsigned)lanes), "");
}

void same_width(Emitter *e, LLVMValueRef *a, LLVMValueRef *b) {
    int lanes = is_vector(*a) ? vector_lanes(*a) : vector_lanes(*b);
    *a = splat(e, *a, lanes);
    *b = splat(e, *b, lanes);
}

LLVMValueRef constant_real(Emitter *e, DType t, double v) { return LLVMConstReal(type_of(e, t), v); }

LLVMValueRef constant_int(Emitter *e, LLVMTypeRef t, int64_t v) {
    (void)e;
    return LLVMConstInt(t, (unsigned long long)v, true);
}

LLVMValueRef index_const(Emitter *e, int64_t v) { return constant_int(e, e->i64, v); }

LLVMValueRef bytes_behind(Emitter *e, LLVMValueRef base, size_t offset) {
    LLVMValueRef at = index_const(e, (int64_t)offset);
    return LLVMBuildInBoundsGEP2(e->b, e->i8, base, &at, 1, "");
}

static LLVMTypeRef element_type(LLVMValueRef x) {
    return is_vector(x) ? LLVMGetElementType(LLVMTypeOf(x)) : LLVMTypeOf(x);
}

LLVMValueRef like_int(Emitter *e, LLVMValueRef x, int64_t v) {
    return splat(e, constant_int(e, element_type(x), v), vector_lanes(x));
}

LLVMValueRef zero_like(LLVMValueRef x) { return LLVMConstNull(LLVMTypeOf(x)); }

static LLVMValueRef like_real(Emitter *e, LLVMValueRef x, double v) {
    return splat(e, LLVMConstReal(element_type(x), v), vector_lanes(x));
}

LLVMValueRef emit_intrinsic_of(Emitter *e, const char *name, LLVMTypeRef *types, int type_count,
                               LLVMValueRef *arguments, int count) {
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMValueRef f = LLVMGetIntrinsicDeclaration(e->module, id, types, (size_t)type_count);
    LLVMTypeRef type = LLVMIntrinsicGetType(e->context, id, types, (size_t)type_count);
    return LLVMBuildCall2(e->b, type, f, arguments, (unsigned)count, "");
}

LLVMValueRef emit_intrinsic(Emitter *e, const char *name, LLVMValueRef *arguments, int count) {
    LLVMTypeRef type = LLVMTypeOf(arguments[0]);
    return emit_intrinsic_of(e, name, &type, 1, arguments, count);
}

LLVMTypeRef widened(LLVMValueRef x, LLVMTypeRef scalar) { return vector_type(scalar, vector_lanes(x)); }

/* The product is exact in f64; the sum is rounded to odd there, so rounding it to f32 rounds the exact value
 * once. */
static LLVMValueRef emulated_fma(Emitter *e, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c) {
    LLVMBuilderRef bld = e->b;
    LLVMTypeRef wide = widened(a, e->f64), bits_type = widened(a, e->i64);
    LLVMValueRef p = LLVMBuildFMul(bld, LLVMBuildFPExt(bld, a, wide, ""), LLVMBuildFPExt(bld, b, wide, ""), "");
    LLVMValueRef q = LLVMBuildFPExt(bld, c, wide, "");
    LLVMValueRef s = LLVMBuildFAdd(bld, p, q, "");
    LLVMValueRef t = LLVMBuildFSub(bld, s, p, "");
    LLVMValueRef error = LLVMBuildFAdd(bld, LLVMBuildFSub(bld, p, LLVMBuildFSub(bld, s, t, ""), ""),
                                       LLVMBuildFSub(bld, q, t, ""), "");
    LLVMValueRef inexact = LLVMBuildFCmp(bld, LLVMRealONE, error, like_real(e, s, 0), "");
    LLVMValueRef bits = LLVMBuildBitCast(bld, s, bits_type, "");
    LLVMValueRef differ = LLVMBuildXor(bld, bits, LLVMBuildBitCast(bld, error, bits_type, ""), "");
    LLVMValueRef toward_zero = LLVMBuildSub(bld, bits, LLVMBuildLShr(bld, differ, like_int(e, bits, 63), ""), "");
    LLVMValueRef odd = LLVMBuildOr(bld, toward_zero, like_int(e, bits, 1), "");
    s = LLVMBuildBitCast(bld, LLVMBuildSelect(bld, inexact, odd, bits, ""), wide, "");
    return LLVMBuildFPTrunc(bld, s, LLVMTypeOf(a), "");
}

LLVMValueRef emit_fma(Emitter *e, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c) {
    same_width(e, &a, &b);
    same_width(e, &a, &c);
    same_width(e, &b, &c);
    if (!e->level->fma && element_type(a) == e->f32) return emulated_fma(e, a, b, c);
    return emit_intrinsic(e, "llvm.fma", (LLVMValueRef[]){a, b, c}, 3);
}

LLVMValueRef emit_select(Emitter *e, LLVMValueRef c, LLVMValueRef a, LLVMValueRef b) {
    same_width(e, &a, &b);
    if (is_vector(c)) {
        a = splat(e, a, vector_lanes(c));
        b = splat(e, b, vector_lanes(c));
    }
    return LLVMBuildSelect(e->b, c, a, b, "");
}

static LLVMValueRef saturated_int(Emitter *e, LLVMValueRef x) {
    LLVMTypeRef types[2] = {widened(x, e->i32), LLVMTypeOf(x)};
    return emit_intrinsic_of(e, "llvm.fptosi.sat", types, 2, &x, 1);
}

LLVMValueRef emit_cast(Emitter *e, LLVMValueRef x, DType from, DType to) {
    LLVMBuilderRef b = e->b;
    LLVMTypeRef type = widened(x, type_of(e, to));
    if (from == to) return x;
    if (dtype_is_real(to)) {
        if (from == DTYPE_F32) return LLVMBuildFPExt(b, x, type, "");
        if (from == DTYPE_F64) return LLVMBuildFPTrunc(b, x, type, "");
        return from == DTYPE_I32 ? LLVMBuildSIToFP(b, x, type, "") : LLVMBuildUIToFP(b, x, type, "");
    }
    if (to == DTYPE_BOOL)
        return dtype_is_real(from) ? LLVMBuildFCmp(b, LLVMRealUNE, x, like_real(e, x, 0), "")
                                   : LLVMBuildICmp(b, LLVMIntNE, x, like_int(e, x, 0), "");
    if (to == DTYPE_I32) return dtype_is_real(from) ? saturated_int(e, x) : LLVMBuildZExt(b, x, type, "");
    INTERNAL_ERROR("no cast to %s", dtype_text(to));
}
