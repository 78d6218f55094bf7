/* emit_quotient: quotients without a division, to the bit the same.
 *
 * A divisor that is known, or the same for all rows (a parameter, where none is trained), is worth a
 * reciprocal y = RN(1 / d) and its error's share z = (1 - d y) y, both computed once. Then
 *
 *     q0 = fma(x, y, x z)    within 0.5 ulp and a little of x / d: one of the two neighbours of the quotient
 *     r  = fma(-q0, d, x)    exact
 *     q  = fma(r, y, q0)     correctly rounded, by Markstein's theorem
 *
 * as long as nothing under- or overflows, and the numerator is not -0. The divisor has to be between 2^-30 and
 * 2^30, and numerators not below 2^-95: a difference a - b is 0 or so large if b, the same for all rows too (a
 * mean), is not below 2^-60, since it is exact or at least half of b; and it is never -0. What is too large for all
 * this, infinite or not a number becomes NaN, so that is looked for in the quotients. Of other numerators all lanes
 * are looked at: none may be 0, or not between 2^-63 and 2^65. Where something is out of its range, the vector is
 * divided instead: a branch that is hardly ever taken. Where vectors are of less than 16 lanes a division takes
 * hardly longer than this.
 */
#include "codegen/emit.h"
#include <math.h>

enum { LANES = 16 };

static LLVMValueRef byte_quotient(Emitter *e, const Node *divisor, LLVMValueRef byte) {
    Reciprocal by = reciprocal_of((float)divisor->attr.value);
    LLVMValueRef rest = emit_binary(e, OP_MUL, DTYPE_F32, byte, constant_real(e, DTYPE_F32, (double)by.rest));
    return emit_fma(e, byte, constant_real(e, DTYPE_F32, (double)by.near), rest);
}

/* ---- by a number that is the same for all rows ------------------------------------------------------- */
static bool is_updated(const Emitter *e, int64_t cell) {
    for (int r = 0; r < e->f->function->root_count; r++)
        if (e->f->function->roots[r].kind == ROOT_UPDATE && e->f->function->roots[r].index == cell) return true;
    return false;
}

static LLVMValueRef is_between(Emitter *e, LLVMValueRef v, double least, double most) {
    return LLVMBuildAnd(e->b, LLVMBuildFCmp(e->b, LLVMRealOGE, v, constant_real(e, DTYPE_F32, least), ""),
                        LLVMBuildFCmp(e->b, LLVMRealOLE, v, constant_real(e, DTYPE_F32, most), ""), "");
}

static LLVMValueRef any_lane(Emitter *e, LLVMValueRef lanes) {
    LLVMValueRef bits = LLVMBuildBitCast(e->b, lanes, LLVMIntTypeInContext(e->context, LANES), "");
    return LLVMBuildICmp(e->b, LLVMIntNE, bits, LLVMConstNull(LLVMTypeOf(bits)), "");
}

/* Is one lane of x 0, or not between 2^-63 and 2^65? */
static LLVMValueRef is_out_of_range(Emitter *e, LLVMValueRef x) {
    LLVMTypeRef bits_type = vector_type(e->i32, LANES);
    LLVMValueRef bits = LLVMBuildBitCast(e->b, x, bits_type, "");
    LLVMValueRef up = LLVMBuildShl(e->b, bits, splat(e, constant_int(e, e->i32, 1), LANES), "");
    LLVMValueRef differ = LLVMBuildXor(e->b, bits, up, ""); /* the exponent's two highest bits */
    LLVMValueRef one = LLVMBuildAnd(e->b, differ, splat(e, constant_int(e, e->i32, 1 << 30), LANES), "");
    return any_lane(e, LLVMBuildICmp(e->b, LLVMIntEQ, one, LLVMConstNull(bits_type), ""));
}

static void mark_unlikely(Emitter *e, LLVMValueRef branch) {
    LLVMMetadataRef parts[3] = {LLVMMDStringInContext2(e->context, "branch_weights", 14),
                                LLVMValueAsMetadata(constant_int(e, e->i32, 1)),
                                LLVMValueAsMetadata(constant_int(e, e->i32, 1000))};
    LLVMSetMetadata(branch, LLVMGetMDKindIDInContext(e->context, "prof", 4),
                    LLVMMetadataAsValue(e->context, LLVMMDNodeInContext2(e->context, parts, 3)));
}

/* less NULL: x is no difference of something and a number that is the same for all rows. Where the divisor or that
 * number is out of its range the reciprocal is NaN, and so is the quotient. */
static LLVMValueRef quotient_by_uniform(Emitter *e, LLVMValueRef x, LLVMValueRef by, LLVMValueRef less) {
    LLVMValueRef one = constant_real(e, DTYPE_F32, 1), fits = is_between(e, by, 0x1p-30, 0x1p30);
    if (less != NULL)
        fits = LLVMBuildAnd(e->b, fits, is_between(e, emit_unary(e, OP_ABS, DTYPE_F32, less), 0x1p-60, INFINITY), "");
    LLVMValueRef inverse = emit_select(e, fits, emit_binary(e, OP_DIV, DTYPE_F32, one, by),
                                       constant_real(e, DTYPE_F32, NAN));
    LLVMValueRef error = emit_fma(e, emit_unary(e, OP_NEG, DTYPE_F32, by), inverse, one);
    LLVMValueRef share = emit_binary(e, OP_MUL, DTYPE_F32, error, inverse);
    LLVMValueRef near = emit_fma(e, x, inverse, emit_binary(e, OP_MUL, DTYPE_F32, x, share));
    LLVMValueRef rest = emit_fma(e, emit_unary(e, OP_NEG, DTYPE_F32, near), by, x);
    LLVMValueRef quick = emit_fma(e, rest, inverse, near);
    LLVMValueRef out = any_lane(e, LLVMBuildFCmp(e->b, LLVMRealUNO, quick, quick, ""));
    if (less == NULL) out = LLVMBuildOr(e->b, out, is_out_of_range(e, x), "");
    LLVMBasicBlockRef before = LLVMGetInsertBlock(e->b), after = if_open(e, out);
    mark_unlikely(e, LLVMGetBasicBlockTerminator(before));
    LLVMValueRef divided = emit_binary(e, OP_DIV, DTYPE_F32, x, by);
    LLVMBasicBlockRef from[2] = {before, LLVMGetInsertBlock(e->b)};
    if_close(e, after);
    known_rows_move(e, before);
    LLVMValueRef q = LLVMBuildPhi(e->b, LLVMTypeOf(x), "");
    LLVMAddIncoming(q, (LLVMValueRef[]){quick, divided}, from, 2);
    return q;
}

LLVMValueRef emit_quotient(Emitter *e, const Node *node, LLVMValueRef x, LLVMValueRef by, LLVMValueRef less) {
    if (node->dtype != DTYPE_F32 || !e->target->fma) return NULL;
    const Node *numerator = node->source[0], *divisor = quotient_divisor(node);
    if (numerator->op == OP_CAST && numerator->source[0]->dtype == DTYPE_U8 && divisor->op == OP_CONST &&
        divides_bytes_by_product((float)divisor->attr.value))
        return byte_quotient(e, divisor, x);
    if (divisor->op == OP_CELL && !is_updated(e, divisor->attr.index) && e->target->lanes == LANES &&
        vector_lanes(x) == LANES && !is_vector(by))
        return quotient_by_uniform(e, x, by, less != NULL && !is_vector(less) ? less : NULL);
    return NULL;
}
