/* scalar: scalars of the tree as LLVM's values, with the meaning that ops.def gives them. */
#include "codegen/llvm/emitter.h"
#include "core.h"
#include <stddef.h>

/* ---- integers of subscripts ----------------------------------------------------------------------------------- */
static bool differs(Index at) { return at.step != 0 || at.lanes != NULL; }

/* A number in i64, or one for each lane in i32. */
static LLVMValueRef number_of(Emitter *e, Index at) { return differs(at) ? index_lanes(e, at) : at.at; }

static Index number_as_index(LLVMValueRef v) { return is_vector(v) ? (Index){.lanes = v} : (Index){.at = v}; }

/* In lanes i32: a call has fewer rows. */
static LLVMValueRef row_at(Emitter *e, const Scalar *s) {
    Index place = emit_subscript(e, s->at);
    if (!differs(place)) return emit_data_row(e, place.at, (PlacePast)s->n);
    if (place.lanes == NULL && place.step == 1) return emit_row_numbers(e, s, place.at);
    LLVMValueRef rows = LLVMGetPoison(vector_type(e->i32, e->lanes));
    for (int l = 0; l < e->lanes; l++) {
        LLVMValueRef row = emit_data_row(e, index_lane(e, place, l), (PlacePast)s->n);
        rows = with_lane(e, rows, l, LLVMBuildTrunc(e->b, row, e->i32, ""));
    }
    return rows;
}

/* In the epoch's order. */
static Index place_at(Emitter *e, const Scalar *s) {
    LLVMValueRef first = LLVMBuildAdd(e->b, e->place, e->step_begin, "");
    return index_add(e, index_of(first), emit_subscript(e, s->at));
}

static LLVMValueRef quotient(Emitter *e, const Scalar *s, LLVMOpcode op) {
    LLVMValueRef x = number_of(e, emit_subscript(e, s->at));
    return LLVMBuildBinOp(e->b, op, x, like_int(e, x, s->n), "");
}

static LLVMValueRef integer_of(Emitter *e, const Scalar *source) {
    LLVMValueRef x = e->value[source->id];
    LLVMTypeRef type = vector_type(is_vector(x) ? e->i32 : e->i64, vector_lanes(x));
    if (LLVMTypeOf(x) == type) return x;
    return source->dtype == DTYPE_U8 ? LLVMBuildZExt(e->b, x, type, "") : LLVMBuildSExt(e->b, x, type, "");
}

static LLVMValueRef within(Emitter *e, const Scalar *s) {
    LLVMValueRef condition = e->value[s->source[0]->id];
    Index at = emit_subscript(e, s->at);
    LLVMValueRef x = is_vector(condition) ? index_lanes(e, at) : number_of(e, at);
    return emit_select(e, condition, x, zero_like(x));
}

static LLVMValueRef counted(Emitter *e, const Scalar *s) {
    static const size_t offset[] = {
        [HEADER_EPOCH] = offsetof(sgdrt_header, epoch), [HEADER_PLANNED] = offsetof(sgdrt_header, planned)};
    if (s->n == HEADER_STEP) return e->steps;
    if (s->n < HEADER_SET) return load_header(e, e->i64, offset[s->n]);
    size_t of_set = sizeof(uint32_t) * (size_t)(s->n - HEADER_SET);
    return LLVMBuildZExt(e->b, load_header(e, e->i32, offsetof(sgdrt_header, set_rows) + of_set), e->i64, "");
}

static LLVMValueRef integer(Emitter *e, const Scalar *s) {
    switch (s->kind) {
    case SCALAR_ROWS: return e->rows;
    case SCALAR_COUNTED: return counted(e, s);
    case SCALAR_ROW: return row_at(e, s);
    case SCALAR_QUOTIENT: return quotient(e, s, LLVMSDiv);
    case SCALAR_REMAINDER: return quotient(e, s, LLVMSRem);
    case SCALAR_INTEGER: return integer_of(e, s->source[0]);
    case SCALAR_WITHIN: return within(e, s);
    default: INTERNAL_ERROR("no integer: %d", (int)s->kind);
    }
}

/* ---- values --------------------------------------------------------------------------------------------------- */
static LLVMValueRef constant(Emitter *e, const Scalar *s) {
    if (dtype_is_real(s->dtype)) return constant_real(e, s->dtype, s->value);
    return constant_int(e, type_of(e, s->dtype), (int64_t)s->value);
}

static LLVMValueRef as_i32(Emitter *e, Index at) {
    return differs(at) ? index_lanes(e, at) : LLVMBuildTrunc(e->b, at.at, e->i32, "");
}

static LLVMValueRef op(Emitter *e, const Scalar *s) {
    LLVMValueRef x[3] = {NULL, NULL, NULL};
    for (int i = 0; i < 3 && s->source[i] != NULL; i++) x[i] = e->value[s->source[i]->id];
    return emit_operation(e, s->op, s->source[0]->dtype, s->dtype, s->n, x);
}

static LLVMValueRef equal(Emitter *e, const Scalar *s) {
    Index difference = index_subtract(e, emit_subscript(e, s->at), emit_subscript(e, s->row));
    LLVMValueRef x = number_of(e, difference);
    return LLVMBuildICmp(e->b, LLVMIntEQ, x, zero_like(x), "");
}

static LLVMValueRef inside(Emitter *e, const Scalar *s) {
    LLVMValueRef x = number_of(e, emit_subscript(e, s->at));
    return LLVMBuildICmp(e->b, LLVMIntULT, x, like_int(e, x, s->n), "");
}

static LLVMValueRef draw(Emitter *e, const Scalar *s) {
    const Random *random = s->random;
    LLVMValueRef seed = random->key == RANDOM_DATA ? constant_int(e, e->i64, (int64_t)random->seed) : e->seed;
    if (random->key == RANDOM_PREDICT) seed = e->asked_seed;
    LLVMValueRef step = random->key == RANDOM_STEP ? e->steps : NULL;
    LLVMValueRef stream = random_stream(e, seed, step, constant_int(e, e->i64, (int64_t)random->site));
    LLVMValueRef place = s->row == NULL ? NULL : as_i32(e, emit_subscript(e, s->row));
    return random_uniform(e, s->dtype, stream, place, as_i32(e, emit_subscript(e, s->at)));
}

static LLVMValueRef value(Emitter *e, const Scalar *s) {
    switch (s->kind) {
    case SCALAR_CONST: return constant(e, s);
    case SCALAR_OP: return op(e, s);
    case SCALAR_LOAD: return emit_load(e, s->array, s->row, s->at);
    case SCALAR_NUMBER: return as_i32(e, emit_subscript(e, s->at));
    case SCALAR_REAL: {
        LLVMValueRef x = number_of(e, e->scalar[s->source[0]->id]);
        return LLVMBuildSIToFP(e->b, x, vector_type(type_of(e, s->dtype), vector_lanes(x)), "");
    }
    case SCALAR_INSIDE: return inside(e, s);
    case SCALAR_EQUAL: return equal(e, s);
    case SCALAR_DRAW: return draw(e, s);
    default: INTERNAL_ERROR("no value: %d", (int)s->kind);
    }
}

void emit_let(Emitter *e, const Scalar *s) {
    if (s->kind == SCALAR_PLACE)
        e->scalar[s->id] = place_at(e, s);
    else if (s->integer)
        e->scalar[s->id] = number_as_index(integer(e, s));
    else
        e->value[s->id] = value(e, s);
}
