/* memory: indices, loads and stores.
 *
 * An Index says where lane 0 is and how far apart lanes are; a load turns that into one contiguous vector,
 * one scalar for all lanes, or a load per lane. Each access is marked with the region it touches (state,
 * work, input columns, outputs): regions never overlap, which LLVM cannot see by itself.
 *
 * Indices are kept as an access wants them: sums have what changes in the innermost loop last and then the constant,
 * products of a loop's index are counted by that loop (loop_multiple), and none is computed twice in a block.
 */
#include "codegen/llvm/emitter.h"
#include "core.h"

/* ---- what was computed in this block: tiles ask for the same places again and again ------------------ */
typedef struct KnownPlace {
    uint32_t generation;
    LLVMOpcode op;
    LLVMTypeRef type; /* of an element, whose address it is */
    LLVMValueRef a, b, result;
} KnownPlace;
enum { MOST_KNOWN = 4096 };
struct KnownPlaces {
    KnownPlace item[MOST_KNOWN];
    LLVMBasicBlockRef block;
    uint32_t generation;
    int count;
};

static KnownPlace *find_known(Emitter *e, const KnownPlace *wanted) {
    if (e->known_places == NULL) {
        e->known_places = arena_new_of(e->arena, KnownPlaces);
        e->known_places->generation = 1;
    }
    KnownPlaces *known = e->known_places;
    LLVMBasicBlockRef block = LLVMGetInsertBlock(e->b);
    if (block != known->block || known->count > MOST_KNOWN / 2) {
        known->block = block;
        known->generation++;
        known->count = 0;
    }
    uint64_t h = ((uint64_t)(uintptr_t)wanted->a >> 4) * 0x9e3779b97f4a7c15ull;
    h = (h ^ ((uint64_t)(uintptr_t)wanted->b >> 4) ^ (uint64_t)wanted->op << 40) * 0xff51afd7ed558ccdull;
    uint32_t at = (uint32_t)(h >> 40) % MOST_KNOWN;
    for (;; at = (at + 1) % MOST_KNOWN) {
        KnownPlace *k = &known->item[at];
        if (k->generation != known->generation ||
            (k->op == wanted->op && k->type == wanted->type && k->a == wanted->a && k->b == wanted->b))
            return k;
    }
}

/* a op b in i64, or the address of element b behind a. */
static LLVMValueRef build_once(Emitter *e, LLVMOpcode op, LLVMTypeRef type, LLVMValueRef a, LLVMValueRef b) {
    KnownPlace wanted = {.op = op, .type = type, .a = a, .b = b};
    KnownPlace *k = find_known(e, &wanted);
    if (k->generation == e->known_places->generation) return k->result;
    wanted.generation = e->known_places->generation;
    wanted.result = op == LLVMGetElementPtr ? LLVMBuildGEP2(e->b, type, a, &b, 1, "")
                                            : LLVMBuildBinOp(e->b, op, a, b, "");
    *k = wanted;
    e->known_places->count++;
    return wanted.result;
}

/* ---- indices ----------------------------------------------------------------------------------------- */
LLVMValueRef smaller(Emitter *e, LLVMValueRef a, LLVMValueRef b) {
    return LLVMBuildSelect(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, a, b, ""), a, b, "");
}

Index index_at(Emitter *e, int64_t v) { return (Index){.at = index_const(e, v)}; }

Index index_of(LLVMValueRef at) { return (Index){.at = at}; }

bool index_uniform(Index a) { return a.lanes == NULL && a.step == 0; }

static LLVMValueRef lane_numbers(Emitter *e, int64_t step) {
    LLVMValueRef items[64];
    for (int i = 0; i < e->lanes; i++) items[i] = constant_int(e, e->i32, i * step);
    return LLVMConstVector(items, (unsigned)e->lanes);
}

LLVMValueRef index_lanes(Emitter *e, Index a) {
    if (a.lanes != NULL) return a.lanes;
    LLVMValueRef first = splat(e, LLVMBuildTrunc(e->b, a.at, e->i32, ""), e->lanes);
    if (a.step == 0 || e->lanes == 1) return first;
    return LLVMBuildAdd(e->b, first, lane_numbers(e, a.step), "");
}

/* Sums keep their constant outermost, so that places beside each other are one address and an offset: what varies
 * of the index (NULL: nothing), and the constant. */
static LLVMValueRef varying_part(LLVMValueRef a, int64_t *constant) {
    *constant = 0;
    if (LLVMIsAConstantInt(a)) {
        *constant = LLVMConstIntGetSExtValue(a);
        return NULL;
    }
    if (!LLVMIsAInstruction(a) || LLVMGetInstructionOpcode(a) != LLVMAdd || !LLVMIsAConstantInt(LLVMGetOperand(a, 1)))
        return a;
    *constant = LLVMConstIntGetSExtValue(LLVMGetOperand(a, 1));
    return LLVMGetOperand(a, 0);
}

static LLVMValueRef with_constant(Emitter *e, LLVMValueRef varying, int64_t constant) {
    if (varying == NULL) return index_const(e, constant);
    return constant == 0 ? varying : build_once(e, LLVMAdd, NULL, varying, index_const(e, constant));
}

static LLVMValueRef scale_index(Emitter *e, LLVMValueRef a, int64_t factor);

static bool is_sum(LLVMValueRef v) { return LLVMIsAInstruction(v) && LLVMGetInstructionOpcode(v) == LLVMAdd; }

/* The depth of the innermost loop whose index is part of the sum; 0: of none that is known. */
static int innermost(const Emitter *e, LLVMValueRef v) {
    int depth = loop_depth(e, v);
    for (; depth == 0 && is_sum(v); v = LLVMGetOperand(v, 0)) depth = loop_depth(e, LLVMGetOperand(v, 1));
    return depth;
}

/* Sums of what varies have what belongs to the innermost loop outermost, so that the rest does not change in it. */
static LLVMValueRef add_varying(Emitter *e, LLVMValueRef a, LLVMValueRef b) {
    int in_a = innermost(e, a), in_b = innermost(e, b);
    if (in_a > in_b) return add_varying(e, b, a);
    if (in_a < in_b && is_sum(b) && loop_depth(e, LLVMGetOperand(b, 1)) == in_b)
        return build_once(e, LLVMAdd, NULL, add_varying(e, a, LLVMGetOperand(b, 0)), LLVMGetOperand(b, 1));
    return build_once(e, LLVMAdd, NULL, a, b);
}

static LLVMValueRef add_index(Emitter *e, LLVMValueRef a, LLVMValueRef b) {
    int64_t c, d;
    LLVMValueRef x = varying_part(a, &c), y = varying_part(b, &d);
    if (x == NULL && c == 0) return b;
    if (y == NULL && d == 0) return a;
    return with_constant(e, x == NULL ? y : y == NULL ? x : add_varying(e, x, y), c + d);
}

static LLVMValueRef scale_varying(Emitter *e, LLVMValueRef a, int64_t factor) {
    LLVMValueRef multiple = loop_multiple(e, a, factor);
    if (multiple != NULL) return multiple;
    if (is_sum(a) && innermost(e, a) > 0)
        return add_index(e, scale_index(e, LLVMGetOperand(a, 0), factor), scale_index(e, LLVMGetOperand(a, 1), factor));
    return build_once(e, LLVMMul, NULL, a, index_const(e, factor));
}

static LLVMValueRef scale_index(Emitter *e, LLVMValueRef a, int64_t factor) {
    int64_t c;
    LLVMValueRef x = varying_part(a, &c);
    return with_constant(e, x == NULL ? NULL : scale_varying(e, x, factor), c * factor);
}

Index index_add(Emitter *e, Index a, Index b) {
    if (a.lanes == NULL && b.lanes == NULL) return (Index){.at = add_index(e, a.at, b.at), .step = a.step + b.step};
    return (Index){.lanes = LLVMBuildAdd(e->b, index_lanes(e, a), index_lanes(e, b), "")};
}

Index index_subtract(Emitter *e, Index a, Index b) { return index_add(e, a, index_scale(e, b, -1)); }

Index index_offset(Emitter *e, Index a, int64_t v) { return v == 0 ? a : index_add(e, a, index_at(e, v)); }

Index index_scale(Emitter *e, Index a, int64_t factor) {
    if (factor == 1) return a;
    if (factor == 0) return index_at(e, 0);
    if (a.lanes == NULL) return (Index){.at = scale_index(e, a.at, factor), .step = a.step * factor};
    return (Index){.lanes = LLVMBuildMul(e->b, a.lanes, splat(e, constant_int(e, e->i32, factor), e->lanes), "")};
}

/* ---- accesses ------------------------------------------------------------------------------ */
void mark_region(Emitter *e, LLVMValueRef instruction, int region) {
    LLVMSetMetadata(instruction, e->alias_scope_kind, e->alias_scope[region]);
    LLVMSetMetadata(instruction, e->no_alias_kind, e->no_alias[region]);
}

static LLVMTypeRef memory_type(Emitter *e, DType t) { return t == DTYPE_BOOL ? e->i8 : type_of(e, t); }

static LLVMValueRef load_type(Emitter *e, int region, DType t, LLVMValueRef pointer, int lanes) {
    LLVMValueRef v = LLVMBuildLoad2(e->b, vector_type(memory_type(e, t), lanes), pointer, "");
    LLVMSetAlignment(v, (unsigned)dtype_bytes(t));
    mark_region(e, v, region);
    if (t == DTYPE_BOOL) v = LLVMBuildICmp(e->b, LLVMIntNE, v, LLVMConstNull(LLVMTypeOf(v)), "");
    return v;
}

static LLVMValueRef near_element(Emitter *e, DType t, LLVMValueRef base, LLVMValueRef varying) {
    if (is_sum(varying) && innermost(e, varying) > 0) {
        base = near_element(e, t, base, LLVMGetOperand(varying, 0));
        varying = LLVMGetOperand(varying, 1);
    }
    return build_once(e, LLVMGetElementPtr, memory_type(e, t), base, varying); /* it may lie outside */
}

/* The constant comes last, where it is a part of the access, and what varies in the innermost loop before it. */
static LLVMValueRef element_pointer(Emitter *e, DType t, LLVMValueRef base, LLVMValueRef at) {
    int64_t constant;
    LLVMValueRef varying = varying_part(at, &constant), offset = index_const(e, constant);
    if (varying == NULL) return LLVMBuildInBoundsGEP2(e->b, memory_type(e, t), base, &at, 1, "");
    LLVMValueRef near = near_element(e, t, base, varying);
    return constant == 0 ? near : build_once(e, LLVMGetElementPtr, memory_type(e, t), near, offset);
}

LLVMValueRef index_lane(Emitter *e, Index at, int lane) {
    if (at.lanes == NULL) return add_index(e, at.at, index_const(e, lane * at.step));
    return LLVMBuildSExt(e->b, lane_of(e, at.lanes, lane), e->i64, "");
}

LLVMValueRef load_from(Emitter *e, int region, DType t, LLVMValueRef base, LLVMValueRef at, int lanes) {
    return load_type(e, region, t, element_pointer(e, t, base, at), lanes);
}

LLVMValueRef load_at(Emitter *e, int region, DType t, LLVMValueRef base, Index at) {
    if (index_uniform(at) || (e->lanes == 1 && at.lanes == NULL))
        return load_type(e, region, t, element_pointer(e, t, base, at.at), 1);
    if (at.lanes == NULL && at.step == 1) return load_type(e, region, t, element_pointer(e, t, base, at.at), e->lanes);
    LLVMValueRef v = LLVMGetPoison(vector_type(type_of(e, t), e->lanes));
    for (int l = 0; l < e->lanes; l++) {
        LLVMValueRef one = load_type(e, region, t, element_pointer(e, t, base, index_lane(e, at, l)), 1);
        v = with_lane(e, v, l, one);
    }
    return v;
}

void prefetch_at(Emitter *e, DType t, LLVMValueRef base, LLVMValueRef at, int level) {
    LLVMValueRef kind[3] = {constant_int(e, e->i32, 0), constant_int(e, e->i32, level), constant_int(e, e->i32, 1)};
    LLVMValueRef pointer = element_pointer(e, t, base, at);
    emit_intrinsic(e, "llvm.prefetch", (LLVMValueRef[]){pointer, kind[0], kind[1], kind[2]}, 4);
}

static void store_type(Emitter *e, int region, DType t, LLVMValueRef pointer, LLVMValueRef v) {
    if (t == DTYPE_BOOL) v = LLVMBuildZExt(e->b, v, vector_type(e->i8, vector_lanes(v)), "");
    LLVMValueRef s = LLVMBuildStore(e->b, v, pointer);
    LLVMSetAlignment(s, (unsigned)dtype_bytes(t));
    mark_region(e, s, region);
}

void store_at(Emitter *e, int region, DType t, LLVMValueRef base, Index at, LLVMValueRef v) {
    bool one = e->lanes == 1 || index_uniform(at);
    if (!one) v = splat(e, v, e->lanes);
    if (one || (at.lanes == NULL && at.step == 1)) {
        store_type(e, region, t, element_pointer(e, t, base, at.at), v);
        return;
    }
    for (int l = 0; l < e->lanes; l++)
        store_type(e, region, t, element_pointer(e, t, base, index_lane(e, at, l)), lane_of(e, v, l));
}

LLVMValueRef load_field(Emitter *e, LLVMTypeRef type, LLVMValueRef base, size_t offset) {
    LLVMValueRef v = LLVMBuildLoad2(e->b, type, bytes_behind(e, base, offset), "");
    mark_region(e, v, REGION_INPUT);
    return v;
}

LLVMValueRef load_header(Emitter *e, LLVMTypeRef type, size_t offset) {
    LLVMValueRef v = LLVMBuildLoad2(e->b, type, bytes_behind(e, e->state, offset), "");
    mark_region(e, v, REGION_STATE);
    return v;
}
