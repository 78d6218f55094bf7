/* ops: the ops whose values come from the values of their sources (emission VALUES of ops.def), one emitter each, for
 * scalars and vectors. What they are made of is in value.c and math.c.
 */
#include "codegen/llvm/emitter.h"

/* What an emitter knows of its node: the types of its operands and of its result, and attr.index. */
typedef struct Element {
    DType from, to;
    int64_t number;
} Element;
typedef LLVMValueRef ElementEmitter(Emitter *e, const Element *of, LLVMValueRef *x);

#define UNUSED __attribute__((unused))
#define EMIT(NAME) static LLVMValueRef emit_##NAME(Emitter *e UNUSED, const Element *of UNUSED, LLVMValueRef *x)
#define PAIR(NAME, real, integer)                                                  \
    EMIT(NAME) {                                                                   \
        return dtype_is_real(of->from) ? LLVMBuild##real(e->b, x[0], x[1], "")     \
                                       : LLVMBuild##integer(e->b, x[0], x[1], ""); \
    }
/* bits: of bool, where false < true, and of bytes */
#define COMPARISON(NAME, real, integer, bits)                                                                 \
    EMIT(NAME) {                                                                                              \
        if (dtype_is_real(of->from)) return LLVMBuildFCmp(e->b, LLVMReal##real, x[0], x[1], "");              \
        return LLVMBuildICmp(e->b, of->from == DTYPE_I32 ? LLVMInt##integer : LLVMInt##bits, x[0], x[1], ""); \
    }

/* ---- functions of math.c */
#define FUNCTION(NAME, name) \
    EMIT(NAME) { return math_##name(e, of->from, x[0]); }
#define FUNCTION_OF_TWO(NAME, name) \
    EMIT(NAME) { return math_##name(e, of->from, x[0], x[1]); }
#define FUNCTION_AND_NUMBER(NAME, name) \
    EMIT(NAME) { return math_##name(e, of->from, x[0], of->number); }
#include "functions.def"

/* ---- one source */
EMIT(NEG) {
    return dtype_is_real(of->from) ? LLVMBuildFNeg(e->b, x[0], "") : LLVMBuildSub(e->b, zero_like(x[0]), x[0], "");
}

EMIT(ABS) {
    if (dtype_is_real(of->from)) return emit_intrinsic(e, "llvm.fabs", x, 1);
    LLVMValueRef zero = zero_like(x[0]), below = LLVMBuildICmp(e->b, LLVMIntSLT, x[0], zero, "");
    return LLVMBuildSelect(e->b, below, LLVMBuildSub(e->b, zero, x[0], ""), x[0], "");
}

EMIT(SQRT) { return emit_intrinsic(e, "llvm.sqrt", x, 1); }
EMIT(FLOOR) { return emit_intrinsic(e, "llvm.floor", x, 1); }
EMIT(NOT) { return LLVMBuildNot(e->b, x[0], ""); }
EMIT(CAST) { return emit_cast(e, x[0], of->from, of->to); }
EMIT(STOP_GRADIENT) { return x[0]; }

/* ---- two sources */
PAIR(ADD, FAdd, Add)
PAIR(SUB, FSub, Sub)
PAIR(MUL, FMul, Mul)
EMIT(DIV) { return LLVMBuildFDiv(e->b, x[0], x[1], ""); }

/* The first where it is the larger (smaller), equal, or NaN. */
static LLVMValueRef first_of_two(Emitter *e, DType t, LLVMRealPredicate real, LLVMIntPredicate integer,
                                 LLVMValueRef *x) {
    LLVMValueRef keeps = dtype_is_real(t) ? LLVMBuildOr(e->b, LLVMBuildFCmp(e->b, real, x[0], x[1], ""),
                                                        LLVMBuildFCmp(e->b, LLVMRealUNO, x[0], x[0], ""), "")
                                          : LLVMBuildICmp(e->b, integer, x[0], x[1], "");
    return LLVMBuildSelect(e->b, keeps, x[0], x[1], "");
}

EMIT(MAX) { return first_of_two(e, of->from, LLVMRealOGE, LLVMIntSGE, x); }
EMIT(MIN) { return first_of_two(e, of->from, LLVMRealOLE, LLVMIntSLE, x); }

/* Divisors are positive constants; rounding is towards minus infinity. */
EMIT(FLOORDIV) {
    LLVMValueRef quotient = LLVMBuildSDiv(e->b, x[0], x[1], ""), rest = LLVMBuildSRem(e->b, x[0], x[1], "");
    LLVMValueRef below = LLVMBuildICmp(e->b, LLVMIntSLT, rest, zero_like(rest), "");
    return LLVMBuildSub(e->b, quotient, LLVMBuildZExt(e->b, below, LLVMTypeOf(quotient), ""), "");
}

EMIT(MOD) {
    LLVMValueRef rest = LLVMBuildSRem(e->b, x[0], x[1], "");
    LLVMValueRef below = LLVMBuildICmp(e->b, LLVMIntSLT, rest, zero_like(rest), "");
    return LLVMBuildSelect(e->b, below, LLVMBuildAdd(e->b, rest, x[1], ""), rest, "");
}

COMPARISON(EQ, OEQ, EQ, EQ)
COMPARISON(NE, UNE, NE, NE)
COMPARISON(LT, OLT, SLT, ULT)
COMPARISON(LE, OLE, SLE, ULE)
EMIT(AND) { return LLVMBuildAnd(e->b, x[0], x[1], ""); }
EMIT(OR) { return LLVMBuildOr(e->b, x[0], x[1], ""); }

/* ---- three sources */
EMIT(WHERE) { return emit_select(e, x[0], x[1], x[2]); }
EMIT(FMA) {
    if (dtype_is_real(of->from)) return emit_fma(e, x[0], x[1], x[2]);
    same_width(e, &x[0], &x[1]);
    LLVMValueRef product = LLVMBuildMul(e->b, x[0], x[1], "");
    same_width(e, &product, &x[2]);
    return LLVMBuildAdd(e->b, product, x[2], "");
}

/* ---- the table */
static ElementEmitter *const emitters[OP_COUNT] = {
#define EMITTER_FLAT(NAME) NULL
#define EMITTER_PLACES(NAME) NULL
#define EMITTER_VALUES(NAME) emit_##NAME
#define EMITTER_SAME(NAME) NULL
#define EMITTER_LOOPS(NAME) NULL
#define EMITTER_SCAN(NAME) NULL
#define EMITTER_ABSENT(NAME) NULL
#define OP(NAME, text, arity, class, cost, attribute, emission, ...) [OP_##NAME] = EMITTER_##emission(NAME),
#include "ir/ops.def"
#undef OP
};

LLVMValueRef emit_operation(Emitter *e, Op op, DType from, DType to, int64_t n, LLVMValueRef *x) {
    if (op_arity(op) == 2) same_width(e, &x[0], &x[1]);
    return emitters[op](e, &(Element){from, to, n}, x);
}
