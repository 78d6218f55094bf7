/* outline: a nest with work enough as a function of its own, shared by all nests of the same shape.
 *
 * LLVM's time grows faster than a function's length, and a deep network has the same kernel dozens of times. So
 * the body of such a nest goes into an internal function `void sgd.nest(frame, places, state, work)`. What differs
 * between two nests of one shape are the places that they read and write: offsets, which a constant table of each
 * call holds. Every other value of the running function that a nest turns out to use is stored in a frame before
 * the call, in the order in which the nest uses them. Nests are emitted knowing nothing of this: afterwards every
 * operand that belongs to the caller is replaced by what is loaded from the frame. Nests of the same shape, of
 * whichever function, then give the same instructions and LLVM's mergefunc leaves one function for them, so what
 * makes two nests equal is said nowhere.
 *
 * Only places of arrays of the work block, cells and slots need care (outline_place): an offset inside would make every function
 * different.
 *
 * Small nests stay where they are: what is stored by one and loaded by the next stays in registers there.
 */
#include "codegen/llvm/emitter.h"
#include "ir/loops/code_limits.h"

enum { SLOT_BYTES = 8, IN_PARAMETERS = 2 };

/* What values are passed in to the nests of a function: as large as any of them needs. */
struct Frame {
    LLVMValueRef memory;
    int64_t bytes;
};

typedef struct Address {
    LLVMValueRef base;
    int64_t offset;
    LLVMValueRef value;
} Address;
typedef struct LoadedValue {
    LLVMValueRef outer, inner;
} LoadedValue;
struct Outline {
    LLVMValueRef caller, callee;
    LLVMBasicBlockRef places; /* of the callee: where addresses are made */
    Vector(Address) addresses;
    Vector(LoadedValue) loaded; /* the first of them, state and work, in parameters */
    int64_t bytes;              /* of the frame, that these take */
};

/* ---- which nests --------------------------------------------------------------------------------- */
bool outline_pays(const Emitter *e, const CodeSize *function, int64_t work, double code) {
    if (e->least_outlined > 0) return work >= e->least_outlined;
    bool long_code = function->nests > 1 && function->code > LONGEST_CODE && code > OUTLINED_CODE;
    if (function->nests > MOST_NESTS || long_code) return true;
    return work >= (function->nests >= MANY_NESTS ? OUTLINED_WORK_OF_MANY : OUTLINED_WORK);
}

/* ---- places -------------------------------------------------------------------------------------- */
LLVMValueRef outline_place(Emitter *e, LLVMValueRef base, int64_t offset) {
    Outline *o = e->outline;
    if (o == NULL) return bytes_behind(e, base, (size_t)offset);
    for (int i = 0; i < o->addresses.count; i++)
        if (o->addresses.items[i].base == base && o->addresses.items[i].offset == offset)
            return o->addresses.items[i].value;
    LLVMBasicBlockRef back = LLVMGetInsertBlock(e->b);
    LLVMPositionBuilderAtEnd(e->b, o->places);
    LLVMValueRef at = bytes_behind(e, LLVMGetParam(o->callee, 1), SLOT_BYTES * (size_t)o->addresses.count);
    LLVMValueRef bytes = LLVMBuildLoad2(e->b, e->i64, at, "");
    LLVMValueRef value = LLVMBuildInBoundsGEP2(e->b, e->i8, base, &bytes, 1, "");
    LLVMPositionBuilderAtEnd(e->b, back);
    vector_push(e->arena, &o->addresses, ((Address){base, offset, value}));
    return value;
}

/* The table of a call: the offsets in the order in which the nest asked for them. */
static LLVMValueRef place_table(Emitter *e, const Outline *o) {
    int count = o->addresses.count;
    LLVMValueRef *offset = arena_array(e->arena, LLVMValueRef, count);
    for (int i = 0; i < count; i++) offset[i] = index_const(e, o->addresses.items[i].offset);
    LLVMValueRef table = LLVMConstArray2(e->i64, offset, (uint64_t)count);
    LLVMValueRef global = LLVMAddGlobal(e->module, LLVMTypeOf(table), "sgd.places");
    LLVMSetInitializer(global, table);
    LLVMSetGlobalConstant(global, true);
    LLVMSetLinkage(global, LLVMInternalLinkage);
    LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr);
    return global;
}

/* ---- values of the caller ------------------------------------------------------------------------ */
static LLVMValueRef function_of(LLVMValueRef v) {
    if (LLVMIsAArgument(v)) return LLVMGetParamParent(v);
    return LLVMIsAInstruction(v) ? LLVMGetBasicBlockParent(LLVMGetInstructionParent(v)) : NULL;
}

static int64_t slot_bytes(LLVMTypeRef type) {
    return LLVMGetTypeKind(type) == LLVMVectorTypeKind ? SLOT_BYTES * (int64_t)LLVMGetVectorSize(type) : SLOT_BYTES;
}

/* The frame lies in the caller's entry. */
static Frame *frame_new(Emitter *e, const Outline *o) {
    Frame *f = arena_new_of(e->arena, Frame);
    LLVMBuilderRef b = LLVMCreateBuilderInContext(e->context);
    LLVMPositionBuilderBefore(b, LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(o->caller)));
    f->memory = LLVMBuildArrayAlloca(b, e->i64, index_const(e, 0), "frame");
    LLVMDisposeBuilder(b);
    return f;
}

static LLVMValueRef value_in_callee(Emitter *e, Outline *o, LLVMValueRef v) {
    for (int i = 0; i < o->loaded.count; i++)
        if (o->loaded.items[i].outer == v) return o->loaded.items[i].inner;
    LLVMValueRef at = bytes_behind(e, LLVMGetParam(o->callee, 0), (size_t)o->bytes);
    LLVMValueRef inner = LLVMBuildLoad2(e->b, LLVMTypeOf(v), at, "");
    LLVMSetAlignment(inner, SLOT_BYTES);
    vector_push(e->arena, &o->loaded, ((LoadedValue){v, inner}));
    o->bytes += slot_bytes(LLVMTypeOf(v));
    return inner;
}

/* Into the frame, before the call: in the order in which the nest asked for them. */
static void pass_values(Emitter *e, const Outline *o) {
    Frame *f = e->frame;
    int64_t at = 0;
    for (int i = IN_PARAMETERS; i < o->loaded.count; i++) {
        LLVMValueRef v = o->loaded.items[i].outer;
        LLVMSetAlignment(LLVMBuildStore(e->b, v, bytes_behind(e, f->memory, (size_t)at)), SLOT_BYTES);
        at += slot_bytes(LLVMTypeOf(v));
    }
    if (o->bytes <= f->bytes) return;
    f->bytes = o->bytes;
    LLVMSetOperand(f->memory, 0, index_const(e, f->bytes / SLOT_BYTES));
}

static void replace_operands(Emitter *e, Outline *o) {
    for (LLVMBasicBlockRef b = o->places; b != NULL; b = LLVMGetNextBasicBlock(b))
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i != NULL; i = LLVMGetNextInstruction(i))
            for (int k = 0, count = LLVMGetNumOperands(i); k < count; k++) {
                LLVMValueRef operand = LLVMGetOperand(i, (unsigned)k);
                if (function_of(operand) == o->caller) LLVMSetOperand(i, (unsigned)k, value_in_callee(e, o, operand));
            }
}

/* ---- functions ------------------------------------------------------------------------------------ */
static LLVMValueRef function_new(Emitter *e, LLVMTypeRef type) {
    LLVMValueRef f = LLVMAddFunction(e->module, "sgd.nest", type);
    emit_set_attributes(e, f);
    emit_set_noinline(e, f);
    LLVMSetLinkage(f, LLVMInternalLinkage);
    LLVMSetUnnamedAddress(f, LLVMGlobalUnnamedAddr);
    return f;
}

void outline_nest(Emitter *e, void (*emit)(Emitter *e, const Statement *nest), const Statement *nest) {
    Outline *o = arena_new_of(e->arena, Outline);
    LLVMTypeRef parameters[4] = {e->pointer, e->pointer, e->pointer, e->pointer};
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(e->context), parameters, 4, false);
    LLVMBuilderRef builder = e->b;
    LoopBlocks *loops = e->loops;
    o->caller = e->function;
    o->callee = function_new(e, type);
    vector_push(e->arena, &o->loaded, ((LoadedValue){e->state, LLVMGetParam(o->callee, 2)}));
    vector_push(e->arena, &o->loaded, ((LoadedValue){e->work, LLVMGetParam(o->callee, 3)}));
    if (e->frame == NULL) e->frame = frame_new(e, o);
    LLVMBasicBlockRef entry = LLVMAppendBasicBlockInContext(e->context, o->callee, "entry");
    o->places = LLVMAppendBasicBlockInContext(e->context, o->callee, "places");
    LLVMBasicBlockRef body = LLVMAppendBasicBlockInContext(e->context, o->callee, "body");
    e->outline = o;
    e->function = o->callee;
    e->loops = NULL;
    e->b = LLVMCreateBuilderInContext(e->context);
    LLVMPositionBuilderAtEnd(e->b, body);
    emit(e, nest);
    LLVMBuildRetVoid(e->b);
    LLVMPositionBuilderAtEnd(e->b, o->places);
    LLVMBuildBr(e->b, body);
    LLVMPositionBuilderAtEnd(e->b, entry);
    replace_operands(e, o);
    LLVMBuildBr(e->b, o->places);
    LLVMDisposeBuilder(e->b);
    e->b = builder;
    e->loops = loops;
    e->function = o->caller;
    e->outline = NULL;
    pass_values(e, o);
    LLVMBuildCall2(e->b, type, o->callee, (LLVMValueRef[]){e->frame->memory, place_table(e, o), e->state, e->work}, 4,
                   "");
}
