/* outline: a nest with work enough as a function of its own, shared by all nests of the same shape.
 *
 * LLVM's time grows faster than a function's length, and a deep network has the same kernel dozens of times. So
 * the body of such a nest goes into an internal function `void sgd.nest(frame, places)`. What differs between two
 * nests of one shape are the places that they read and write: offsets, which a constant table of each call holds.
 * Every other value of the running function that a nest turns out to use has a slot in the one frame of that
 * function, stored once, where the value is made. Nests are emitted knowing nothing of this: afterwards every
 * operand that belongs to the caller is replaced by what is loaded from its slot. Nests of the same shape then
 * give the same instructions and LLVM's mergefunc leaves one function for them, so what makes two nests equal is
 * said nowhere.
 *
 * Only places of arrays of the work block, cells and slots need care (outline_place): an offset inside would make every function
 * different.
 *
 * Small nests stay where they are: what is stored by one and loaded by the next stays in registers there.
 */
#include "codegen/llvm/emitter.h"

enum { SLOT_BYTES = 8, USUAL_SLOTS = 8 };

/* Values of a function that its nests' functions use: those at usual places, and the others. */
typedef struct FrameSlot {
    LLVMValueRef value;
    int64_t at;
} FrameSlot;
struct Frame {
    LLVMValueRef memory, usual[USUAL_SLOTS];
    Vector(FrameSlot) slots;
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
    Vector(LoadedValue) loaded;
};

/* ---- which nests --------------------------------------------------------------------------------- */
/* A call costs about as much as so many multiply-adds. Where nests are many, small ones make LLVM slow too. */
enum { LEAST_WORK = 1 << 15, LEAST_OF_MANY = 1 << 10, MANY_NESTS = 32, MOST_NESTS = 1 << 10 };
/* In operations: what LLVM takes in one function, and from where the call of a nest does not show. */
enum { LONGEST_CODE = 2000, LEAST_CODE = 50 };

bool outline_pays(const Emitter *e, const CodeSize *function, int64_t work, double code) {
    if (e->least_outlined > 0) return work >= e->least_outlined;
    if (function->nests > MOST_NESTS || (function->code > LONGEST_CODE && code > LEAST_CODE)) return true;
    return work >= (function->nests >= MANY_NESTS ? LEAST_OF_MANY : LEAST_WORK);
}

/* ---- places -------------------------------------------------------------------------------------- */
static LLVMValueRef at_bytes(Emitter *e, LLVMValueRef base, LLVMValueRef bytes) {
    return LLVMBuildInBoundsGEP2(e->b, e->i8, base, &bytes, 1, "");
}

LLVMValueRef outline_place(Emitter *e, LLVMValueRef base, int64_t offset) {
    Outline *o = e->outline;
    if (o == NULL) return at_bytes(e, base, index_const(e, offset));
    for (int i = 0; i < o->addresses.count; i++)
        if (o->addresses.items[i].base == base && o->addresses.items[i].offset == offset)
            return o->addresses.items[i].value;
    LLVMBasicBlockRef back = LLVMGetInsertBlock(e->b);
    LLVMPositionBuilderAtEnd(e->b, o->places);
    LLVMValueRef at = at_bytes(e, LLVMGetParam(o->callee, 1), index_const(e, SLOT_BYTES * (int64_t)o->addresses.count));
    LLVMValueRef value = at_bytes(e, base, LLVMBuildLoad2(e->b, e->i64, at, ""));
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

/* The frame lies in the caller's entry and is as large as its nests need. */
static Frame *frame_new(Emitter *e, const Outline *o) {
    Frame *f = arena_new_of(e->arena, Frame);
    f->bytes = USUAL_SLOTS * SLOT_BYTES;
    LLVMBuilderRef b = LLVMCreateBuilderInContext(e->context);
    LLVMPositionBuilderBefore(b, LLVMGetFirstInstruction(LLVMGetEntryBasicBlock(o->caller)));
    f->memory = LLVMBuildArrayAlloca(b, e->i64, index_const(e, 1), "frame");
    LLVMDisposeBuilder(b);
    return f;
}

/* Places on the stack that are newer than the frame lie before it. */
static bool is_before_frame(const Frame *f, LLVMValueRef v) {
    if (LLVMIsAArgument(v)) return true;
    for (LLVMValueRef i = v; i != NULL && LLVMIsAAllocaInst(v); i = LLVMGetNextInstruction(i))
        if (i == f->memory) return true;
    return false;
}

/* Right behind where the value is made. */
static LLVMBuilderRef builder_behind(Emitter *e, const Frame *f, LLVMValueRef v) {
    LLVMBuilderRef b = LLVMCreateBuilderInContext(e->context);
    LLVMValueRef next = LLVMGetNextInstruction(is_before_frame(f, v) ? f->memory : v);
    while (next != NULL && LLVMIsAPHINode(next)) next = LLVMGetNextInstruction(next);
    if (next != NULL)
        LLVMPositionBuilderBefore(b, next);
    else
        LLVMPositionBuilderAtEnd(b, LLVMGetInstructionParent(v));
    return b;
}

/* What every function has lies at the same place in all of them, so that they share kernels. */
static int usual_slot(const Emitter *e, LLVMValueRef v) {
    const LLVMValueRef usual[USUAL_SLOTS] = {e->state, e->work,  e->part_begin, e->part_end,
                                             e->seed,  e->place, e->sums,       e->call};
    for (int i = 0; i < USUAL_SLOTS; i++)
        if (usual[i] == v && e->frame->usual[i] == NULL) return i;
    return -1;
}

static int64_t slot_of(Emitter *e, LLVMValueRef v) {
    Frame *f = e->frame;
    for (int i = 0; i < USUAL_SLOTS; i++)
        if (f->usual[i] == v) return i * SLOT_BYTES;
    for (int i = 0; i < f->slots.count; i++)
        if (f->slots.items[i].value == v) return f->slots.items[i].at;
    int64_t place = f->bytes;
    int usual = usual_slot(e, v);
    if (usual >= 0) {
        f->usual[usual] = v;
        place = usual * SLOT_BYTES;
    } else {
        f->bytes += slot_bytes(LLVMTypeOf(v));
        vector_push(e->arena, &f->slots, ((FrameSlot){v, place}));
    }
    LLVMBuilderRef b = builder_behind(e, f, v);
    LLVMValueRef at = index_const(e, place);
    LLVMSetAlignment(LLVMBuildStore(b, v, LLVMBuildInBoundsGEP2(b, e->i8, f->memory, &at, 1, "")), SLOT_BYTES);
    LLVMDisposeBuilder(b);
    LLVMSetOperand(f->memory, 0, index_const(e, f->bytes / SLOT_BYTES));
    return place;
}

static LLVMValueRef value_in_callee(Emitter *e, Outline *o, LLVMValueRef v) {
    for (int i = 0; i < o->loaded.count; i++)
        if (o->loaded.items[i].outer == v) return o->loaded.items[i].inner;
    LLVMValueRef at = at_bytes(e, LLVMGetParam(o->callee, 0), index_const(e, slot_of(e, v)));
    LLVMValueRef inner = LLVMBuildLoad2(e->b, LLVMTypeOf(v), at, "");
    LLVMSetAlignment(inner, SLOT_BYTES);
    vector_push(e->arena, &o->loaded, ((LoadedValue){v, inner}));
    return inner;
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
    LLVMTypeRef parameters[2] = {e->pointer, e->pointer};
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(e->context), parameters, 2, false);
    LLVMBuilderRef builder = e->b;
    LoopBlocks *loops = e->loops;
    o->caller = e->function;
    o->callee = function_new(e, type);
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
    LLVMBuildCall2(e->b, type, o->callee, (LLVMValueRef[]){e->frame->memory, place_table(e, o)}, 2, "");
}
