/* emit_quotient: quotients without a division, to the bit the same.
 *
 * A divisor that is known, or the same for all rows (the deviation of a standardised column), is worth a
 * reciprocal y = RN(1 / d) and its error's share z = (1 - d y) y, both computed once. Then
 *
 *     q0 = fma(x, y, x z)    within 0.5 ulp and a little of x / d: one of the two neighbours of the quotient
 *     r  = fma(-q0, d, x)    exact
 *     q  = fma(r, y, q0)     correctly rounded, by Markstein's theorem
 *
 * as long as nothing under- or overflows. Where a numerator is 0, or not between 2^-63 and 2^65, or the
 * divisor not between 2^-30 and 2^30, the vector is divided instead: a branch that is hardly ever taken. Where
 * vectors are of less than 16 lanes a division takes hardly longer than this.
 */
#include "codegen/emit.h"

enum { LANES = 16 };

/* Is byte / divisor, rounded, what a multiplication with one correction gives, for all 256 bytes? */
static bool divides_bytes_by_product(float divisor) {
    float inverse = 1.0f / divisor;
    for (int byte = 0; byte < 256; byte++) {
        float x = (float)byte, q = x * inverse;
        if (__builtin_fmaf(__builtin_fmaf(-q, divisor, x), inverse, q) != x / divisor)
            return false;
    }
    return true;
}

/* What is divided by, views that only repeat it left out. */
static const Node *divisor_of(const Node *node) {
    const Node *divisor = node->source[1];
    while (divisor->op == OP_VIEW
           && access_is_inside(&divisor->attr.contraction->access[0], divisor->shape.extent,
                               divisor->shape.rank, divisor->source[0]->shape))
        divisor = divisor->source[0];
    return divisor;
}

static Value byte_quotient(Emitter *e, const Node *divisor, Value byte) {
    Value by = constant_real(e, DTYPE_F32, divisor->attr.value);
    Value inverse = constant_real(e, DTYPE_F32, 1.0f / (float)divisor->attr.value);
    Value q = emit_binary(e, OP_MUL, DTYPE_F32, byte, inverse);
    Value rest = emit_fma(e, emit_unary(e, OP_NEG, DTYPE_F32, q), by, byte);
    return emit_fma(e, rest, inverse, q);
}

/* ---- by a number that is the same for all rows ------------------------------------------------------- */
static bool is_updated(const Emitter *e, int64_t cell) {
    for (int r = 0; r < e->f->function->root_count; r++)
        if (e->f->function->roots[r].kind == ROOT_UPDATE && e->f->function->roots[r].index == cell)
            return true;
    return false;
}

/* Does one lane of x, or the divisor, ask for a division? */
static Value is_out_of_range(Emitter *e, Value x, Value by) {
    LLVMTypeRef bits_type = vector_type(e->i32, LANES);
    Value bits = LLVMBuildBitCast(e->b, x, bits_type, "");
    Value up = LLVMBuildShl(e->b, bits, splat(e, constant_int(e, e->i32, 1), LANES), "");
    Value differ = LLVMBuildXor(e->b, bits, up, "");     /* the exponent's two highest bits */
    Value one = LLVMBuildAnd(e->b, differ, splat(e, constant_int(e, e->i32, 1 << 30), LANES), "");
    Value out = LLVMBuildICmp(e->b, LLVMIntEQ, one, LLVMConstNull(bits_type), "");
    Value lanes = LLVMBuildBitCast(e->b, out, LLVMIntTypeInContext(e->context, LANES), "");
    Value least = constant_real(e, DTYPE_F32, 0x1p-30), most = constant_real(e, DTYPE_F32, 0x1p30);
    Value inside = LLVMBuildAnd(e->b, LLVMBuildFCmp(e->b, LLVMRealOGE, by, least, ""),
                                LLVMBuildFCmp(e->b, LLVMRealOLE, by, most, ""), "");
    return LLVMBuildOr(e->b, LLVMBuildICmp(e->b, LLVMIntNE, lanes, LLVMConstNull(LLVMTypeOf(lanes)), ""),
                       LLVMBuildNot(e->b, inside, ""), "");
}

static void mark_unlikely(Emitter *e, Value branch) {
    LLVMMetadataRef parts[3] = {LLVMMDStringInContext2(e->context, "branch_weights", 14),
                                LLVMValueAsMetadata(constant_int(e, e->i32, 1)),
                                LLVMValueAsMetadata(constant_int(e, e->i32, 1000))};
    LLVMSetMetadata(branch, LLVMGetMDKindIDInContext(e->context, "prof", 4),
                    LLVMMetadataAsValue(e->context, LLVMMDNodeInContext2(e->context, parts, 3)));
}

static Value quotient_by_uniform(Emitter *e, Value x, Value by) {
    Value one = constant_real(e, DTYPE_F32, 1), inverse = emit_binary(e, OP_DIV, DTYPE_F32, one, by);
    Value error = emit_fma(e, emit_unary(e, OP_NEG, DTYPE_F32, by), inverse, one);
    Value share = emit_binary(e, OP_MUL, DTYPE_F32, error, inverse);
    Value near = emit_fma(e, x, inverse, emit_binary(e, OP_MUL, DTYPE_F32, x, share));
    Value rest = emit_fma(e, emit_unary(e, OP_NEG, DTYPE_F32, near), by, x);
    Value quick = emit_fma(e, rest, inverse, near), out = is_out_of_range(e, x, by);
    LLVMBasicBlockRef before = LLVMGetInsertBlock(e->b), after = if_open(e, out);
    mark_unlikely(e, LLVMGetBasicBlockTerminator(before));
    Value divided = emit_binary(e, OP_DIV, DTYPE_F32, x, by);
    LLVMBasicBlockRef from[2] = {before, LLVMGetInsertBlock(e->b)};
    if_close(e, after);
    known_rows_move(e, before);
    Value q = LLVMBuildPhi(e->b, LLVMTypeOf(x), "");
    LLVMAddIncoming(q, (Value[]){quick, divided}, from, 2);
    return q;
}

Value emit_quotient(Emitter *e, const Node *node, Value x, Value by) {
    if (node->dtype != DTYPE_F32 || !e->target->fma)
        return NULL;
    const Node *numerator = node->source[0], *divisor = divisor_of(node);
    if (numerator->op == OP_CAST && numerator->source[0]->dtype == DTYPE_U8 && divisor->op == OP_CONST
        && divides_bytes_by_product((float)divisor->attr.value))
        return byte_quotient(e, divisor, x);
    if (divisor->op == OP_CELL && !is_updated(e, divisor->attr.index) && e->target->lanes == LANES
        && vector_lanes(x) == LANES && !is_vector(by))
        return quotient_by_uniform(e, x, by);
    return NULL;
}
