/* emit_outline: a nest with work enough as a function of its own, shared by all nests of the same shape.
 *
 * LLVM's time grows faster than a function's length, and a deep network has the same kernel dozens of times. So
 * the body of such a nest goes into an internal function `void sgd.nest(frame)`; what differs between two nests
 * of one shape are the places they read and write. Those, and every other value of the running function that
 * the nest turned out to use, are put into the frame before the call and loaded at the callee's entry. Nests
 * are emitted knowing nothing of this: afterwards every operand that belongs to the caller is replaced by what
 * was loaded from its slot, in the order of first use. Nests of the same shape then give the same instructions
 * and LLVM's mergefunc leaves one function for them, so what makes two nests equal is said nowhere.
 *
 * Only places of buffers, cells and slots need care: their addresses are computed by the caller (outline_place),
 * since an offset inside would make every function different.
 *
 * Small nests stay where they are: what is stored by one and loaded by the next stays in registers there.
 */
#include "codegen/emit.h"

enum { MOST_SLOTS = 256, SLOT_BYTES = 8 };

/* What the caller passes: at `slot` of the frame its `value`, in the callee `inner`. */
typedef struct Passed { Value value, inner; int64_t slot; } Passed;
typedef struct Address { Value base; int64_t offset; Value value; } Address;
struct Outline {
    LLVMValueRef caller;
    LLVMBuilderRef caller_builder;
    Address address[MOST_SLOTS]; int addresses;
    Passed passed[MOST_SLOTS]; int count;
    int64_t bytes;
};

/* ---- which nests --------------------------------------------------------------------------------- */
/* A call costs about as much as so many multiply-adds. Where nests are many, small ones make LLVM slow too. */
enum { LEAST_WORK = 1 << 15, LEAST_OF_MANY = 1 << 10, MANY_NESTS = 32 };

static int64_t work_of(const LoopFunction *f, const Nest *nest) {
    int64_t work = shape_size(nest->space);
    bool rows = nest->rows;
    if (nest->kind == NEST_SCATTER) {
        work = shape_size(nest->reduce->source[0]->shape);
        rows |= nest->reduce->attr.over_rows;
    } else if (nest->reduce != NULL) {
        const Contraction *c = nest->reduce->attr.contraction;
        for (int k = 0; k < c->reduced; k++)
            work *= c->extent[k];
        rows |= c->over_rows;
    }
    return rows ? work * f->block : work;
}

bool outline_pays(const Emitter *e, const Nest *nest) {
    int nests = 0;
    if (e->f->tiny) /* what it keeps in registers has no place in memory */
        return false;
    if (e->least_shared > 0)
        return work_of(e->f, nest) >= e->least_shared;
    for (int s = 0; s < e->f->section_count; s++)
        nests += e->f->sections[s].nests.count;
    return work_of(e->f, nest) >= (nests >= MANY_NESTS ? LEAST_OF_MANY : LEAST_WORK);
}

/* ---- places -------------------------------------------------------------------------------------- */
Value outline_place(Emitter *e, Value base, int64_t offset) {
    Outline *o = e->outline;
    Value at = index_const(e, offset);
    if (o == NULL)
        return LLVMBuildInBoundsGEP2(e->b, e->i8, base, &at, 1, "");
    for (int i = 0; i < o->addresses; i++)
        if (o->address[i].base == base && o->address[i].offset == offset)
            return o->address[i].value;
    Value address = LLVMBuildInBoundsGEP2(o->caller_builder, e->i8, base, &at, 1, "");
    if (o->addresses < MOST_SLOTS)
        o->address[o->addresses++] = (Address){base, offset, address};
    return address;
}

/* ---- values of the caller ------------------------------------------------------------------------ */
static LLVMValueRef function_of(Value v) {
    if (LLVMIsAArgument(v))
        return LLVMGetParamParent(v);
    return LLVMIsAInstruction(v) ? LLVMGetBasicBlockParent(LLVMGetInstructionParent(v)) : NULL;
}

static int64_t slot_bytes(LLVMTypeRef type) {
    return LLVMGetTypeKind(type) == LLVMVectorTypeKind ? SLOT_BYTES * (int64_t)LLVMGetVectorSize(type)
                                                       : SLOT_BYTES;
}

static Value slot_pointer(Emitter *e, Value frame, int64_t slot) {
    Value at = index_const(e, slot);
    return LLVMBuildInBoundsGEP2(e->b, e->i8, frame, &at, 1, "");
}

static Value passed_value(Emitter *e, Outline *o, Value v) {
    for (int i = 0; i < o->count; i++)
        if (o->passed[i].value == v)
            return o->passed[i].inner;
    if (o->count == MOST_SLOTS)
        INTERNAL_ERROR("a nest that uses more than %d values", MOST_SLOTS);
    Passed *p = &o->passed[o->count++];
    LLVMTypeRef type = LLVMTypeOf(v);
    *p = (Passed){.value = v, .slot = o->bytes};
    o->bytes += slot_bytes(type);
    p->inner = LLVMBuildLoad2(e->b, type, slot_pointer(e, LLVMGetParam(e->function, 0), p->slot), "");
    LLVMSetAlignment(p->inner, SLOT_BYTES);
    return p->inner;
}

static void pass_values(Emitter *e, Outline *o, LLVMBasicBlockRef first) {
    for (LLVMBasicBlockRef b = first; b != NULL; b = LLVMGetNextBasicBlock(b))
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i != NULL; i = LLVMGetNextInstruction(i))
            for (int k = 0, count = LLVMGetNumOperands(i); k < count; k++) {
                Value operand = LLVMGetOperand(i, (unsigned)k);
                if (function_of(operand) == o->caller)
                    LLVMSetOperand(i, (unsigned)k, passed_value(e, o, operand));
            }
}

/* The frame lies in the caller's entry and is as large as its nests need. */
static Value frame_of(Emitter *e, int64_t bytes) {
    if (e->frame == NULL) {
        LLVMBuilderRef b = LLVMCreateBuilderInContext(e->context);
        LLVMPositionBuilderBefore(b, LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(e->function)));
        e->frame = LLVMBuildArrayAlloca(b, e->i64, index_const(e, 1), "frame");
        LLVMDisposeBuilder(b);
    }
    int64_t slots = bytes / SLOT_BYTES;
    if (LLVMConstIntGetSExtValue(LLVMGetOperand(e->frame, 0)) < slots)
        LLVMSetOperand(e->frame, 0, index_const(e, slots));
    return e->frame;
}

static LLVMValueRef function_new(Emitter *e, LLVMTypeRef type) {
    LLVMValueRef f = LLVMAddFunction(e->module, "sgd.nest", type);
    emit_set_attributes(e, f);
    emit_set_noinline(e, f);
    LLVMSetLinkage(f, LLVMInternalLinkage);
    LLVMSetUnnamedAddress(f, LLVMGlobalUnnamedAddr);
    return f;
}

void outline_nest(Emitter *e, const Nest *nest, void (*emit)(Emitter *e, const Nest *nest)) {
    Outline *o = arena_new_of(e->arena, Outline);
    *o = (Outline){.caller = e->function, .caller_builder = e->b};
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(e->context), &e->pointer, 1, false);
    LLVMValueRef callee = function_new(e, type);
    LLVMBasicBlockRef entry = LLVMAppendBasicBlockInContext(e->context, callee, "entry");
    LLVMBasicBlockRef body = LLVMAppendBasicBlockInContext(e->context, callee, "body");
    e->outline = o;
    e->function = callee;
    e->b = LLVMCreateBuilderInContext(e->context);
    LLVMPositionBuilderAtEnd(e->b, body);
    memo_clear(e);
    emit(e, nest);
    memo_clear(e);
    LLVMBuildRetVoid(e->b);
    LLVMPositionBuilderAtEnd(e->b, entry);
    pass_values(e, o, body);
    LLVMBuildBr(e->b, body);
    LLVMDisposeBuilder(e->b);
    e->b = o->caller_builder;
    e->function = o->caller;
    e->outline = NULL;
    Value frame = frame_of(e, o->bytes);
    for (int i = 0; i < o->count; i++)
        LLVMBuildStore(e->b, o->passed[i].value, slot_pointer(e, frame, o->passed[i].slot));
    LLVMBuildCall2(e->b, type, callee, &frame, 1, "");
}
