/* tree_scalar: scalars of the tree as LLVM's values, with the meaning that ops.def gives them. */
#include "codegen/tree_emitter.h"
#include "core.h"
#include <stddef.h>

/* ---- integers of subscripts ----------------------------------------------------------------------------------- */
static bool differs(Index at) { return at.step != 0 || at.lanes != NULL; }

/* A number in i64, or one for each lane in i32. */
static LLVMValueRef number_of(TreeEmitter *t, Index at) { return differs(at) ? index_lanes(t->e, at) : at.at; }

static Index number_as_index(LLVMValueRef v) { return is_vector(v) ? (Index){.lanes = v} : (Index){.at = v}; }

static LLVMValueRef like(TreeEmitter *t, LLVMValueRef x, int64_t n) {
    LLVMTypeRef scalar = is_vector(x) ? t->e->i32 : t->e->i64;
    return splat(t->e, constant_int(t->e, scalar, n), vector_lanes(x));
}

/* In lanes i32: a call has fewer rows. */
static LLVMValueRef row_at(TreeEmitter *t, const Scalar *s) {
    Emitter *e = t->e;
    Index place = emit_tree_subscript(t, s->at);
    if (!differs(place)) return emit_tree_data_row(t, place.at, (PlacePast)s->n);
    if (place.lanes == NULL && place.step == 1) return emit_tree_row_numbers(t, s, place.at);
    LLVMValueRef rows = LLVMGetPoison(vector_type(e->i32, e->lanes));
    for (int l = 0; l < e->lanes; l++) {
        LLVMValueRef row = emit_tree_data_row(t, index_lane(e, place, l), (PlacePast)s->n);
        rows = LLVMBuildInsertElement(e->b, rows, LLVMBuildTrunc(e->b, row, e->i32, ""), constant_int(e, e->i32, l),
                                      "");
    }
    return rows;
}

/* In the epoch's order. */
static Index place_at(TreeEmitter *t, const Scalar *s) {
    LLVMValueRef first = LLVMBuildAdd(t->e->b, t->e->place, t->step_begin, "");
    return index_add(t->e, index_of(first), emit_tree_subscript(t, s->at));
}

static LLVMValueRef quotient(TreeEmitter *t, const Scalar *s, LLVMOpcode op) {
    LLVMValueRef x = number_of(t, emit_tree_subscript(t, s->at));
    return LLVMBuildBinOp(t->e->b, op, x, like(t, x, s->n), "");
}

static LLVMValueRef integer_of(TreeEmitter *t, const Scalar *source) {
    LLVMValueRef x = t->value[source->id];
    LLVMTypeRef type = vector_type(is_vector(x) ? t->e->i32 : t->e->i64, vector_lanes(x));
    if (LLVMTypeOf(x) == type) return x;
    return source->dtype == DTYPE_U8 ? LLVMBuildZExt(t->e->b, x, type, "") : LLVMBuildSExt(t->e->b, x, type, "");
}

static LLVMValueRef within(TreeEmitter *t, const Scalar *s) {
    Emitter *e = t->e;
    LLVMValueRef condition = t->value[s->source[0]->id];
    Index at = emit_tree_subscript(t, s->at);
    LLVMValueRef x = is_vector(condition) ? index_lanes(e, at) : number_of(t, at);
    return emit_select(e, condition, x, zero_like(x));
}

static LLVMValueRef counted(TreeEmitter *t, const Scalar *s) {
    Emitter *e = t->e;
    static const size_t offset[] = {
        [HEADER_EPOCH] = offsetof(sgdrt_header, epoch), [HEADER_PLANNED] = offsetof(sgdrt_header, planned)};
    if (s->n == HEADER_STEP) return t->steps;
    if (s->n >= HEADER_SET) return rows_of_set(e, s->n - HEADER_SET);
    LLVMValueRef at = index_const(e, (int64_t)offset[s->n]);
    LLVMValueRef v = LLVMBuildLoad2(e->b, e->i64, LLVMBuildInBoundsGEP2(e->b, e->i8, e->state, &at, 1, ""), "");
    mark_region(e, v, REGION_STATE);
    return v;
}

static LLVMValueRef integer(TreeEmitter *t, const Scalar *s) {
    switch (s->kind) {
    case SCALAR_ROWS: return t->rows;
    case SCALAR_COUNTED: return counted(t, s);
    case SCALAR_ROW: return row_at(t, s);
    case SCALAR_QUOTIENT: return quotient(t, s, LLVMSDiv);
    case SCALAR_REMAINDER: return quotient(t, s, LLVMSRem);
    case SCALAR_INTEGER: return integer_of(t, s->source[0]);
    case SCALAR_WITHIN: return within(t, s);
    default: INTERNAL_ERROR("no integer: %d", (int)s->kind);
    }
}

/* ---- values --------------------------------------------------------------------------------------------------- */
static LLVMValueRef constant(Emitter *e, const Scalar *s) {
    if (dtype_is_real(s->dtype)) return constant_real(e, s->dtype, s->value);
    return constant_int(e, type_of(e, s->dtype), (int64_t)s->value);
}

static LLVMValueRef as_i32(TreeEmitter *t, Index at) {
    return differs(at) ? index_lanes(t->e, at) : LLVMBuildTrunc(t->e->b, at.at, t->e->i32, "");
}

static LLVMValueRef op(TreeEmitter *t, const Scalar *s) {
    LLVMValueRef x[3] = {NULL, NULL, NULL};
    for (int i = 0; i < 3 && s->source[i] != NULL; i++) x[i] = t->value[s->source[i]->id];
    return emit_operation(t->e, s->op, s->source[0]->dtype, s->dtype, s->n, x);
}

static LLVMValueRef equal(TreeEmitter *t, const Scalar *s) {
    Index difference = index_subtract(t->e, emit_tree_subscript(t, s->at), emit_tree_subscript(t, s->row));
    LLVMValueRef x = number_of(t, difference);
    return LLVMBuildICmp(t->e->b, LLVMIntEQ, x, zero_like(x), "");
}

static LLVMValueRef inside(TreeEmitter *t, const Scalar *s) {
    LLVMValueRef x = number_of(t, emit_tree_subscript(t, s->at));
    return LLVMBuildICmp(t->e->b, LLVMIntULT, x, like(t, x, s->n), "");
}

static LLVMValueRef draw(TreeEmitter *t, const Scalar *s) {
    Emitter *e = t->e;
    const Random *random = s->random;
    LLVMValueRef seed = random->key == RANDOM_DATA ? constant_int(e, e->i64, (int64_t)random->seed) : e->seed;
    if (random->key == RANDOM_PREDICT) seed = e->asked_seed;
    LLVMValueRef step = random->key == RANDOM_STEP ? t->steps : NULL;
    LLVMValueRef stream = random_stream(e, seed, step, constant_int(e, e->i64, (int64_t)random->site));
    LLVMValueRef place = s->row == NULL ? NULL : as_i32(t, emit_tree_subscript(t, s->row));
    return random_uniform(e, s->dtype, stream, place, as_i32(t, emit_tree_subscript(t, s->at)));
}

static LLVMValueRef value(TreeEmitter *t, const Scalar *s) {
    switch (s->kind) {
    case SCALAR_CONST: return constant(t->e, s);
    case SCALAR_OP: return op(t, s);
    case SCALAR_LOAD: return emit_tree_load(t, s->array, s->row, s->at);
    case SCALAR_NUMBER: return as_i32(t, emit_tree_subscript(t, s->at));
    case SCALAR_REAL: {
        LLVMValueRef x = number_of(t, t->scalar[s->source[0]->id]);
        return LLVMBuildSIToFP(t->e->b, x, vector_type(type_of(t->e, s->dtype), vector_lanes(x)), "");
    }
    case SCALAR_INSIDE: return inside(t, s);
    case SCALAR_EQUAL: return equal(t, s);
    case SCALAR_DRAW: return draw(t, s);
    default: INTERNAL_ERROR("no value: %d", (int)s->kind);
    }
}

void emit_tree_let(TreeEmitter *t, const Scalar *s) {
    if (s->kind == SCALAR_PLACE)
        t->scalar[s->id] = place_at(t, s);
    else if (s->integer)
        t->scalar[s->id] = number_as_index(integer(t, s));
    else
        t->value[s->id] = value(t, s);
}
