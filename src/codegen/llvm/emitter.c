/* emitter: an emitter at the entry of a new function of type sgdrt_function; the floating-point control register. */
#include "codegen/llvm/emitter.h"
#include "core.h"
#include <stddef.h>
#include <string.h>

static void set_types(Emitter *e) {
    e->i1 = LLVMInt1TypeInContext(e->context);
    e->i8 = LLVMInt8TypeInContext(e->context);
    e->i32 = LLVMInt32TypeInContext(e->context);
    e->i64 = LLVMInt64TypeInContext(e->context);
    e->f32 = LLVMFloatTypeInContext(e->context);
    e->f64 = LLVMDoubleTypeInContext(e->context);
    e->pointer = LLVMPointerTypeInContext(e->context, 0);
}

/* One scope per region; an access to one does not alias the other three. */
static void set_regions(Emitter *e) {
    static const char *const names[REGION_COUNT] = {"state", "work", "input", "output"};
    LLVMMetadataRef domain_name = LLVMMDStringInContext2(e->context, "sgd", 3);
    LLVMMetadataRef domain = LLVMMDNodeInContext2(e->context, &domain_name, 1);
    LLVMMetadataRef scope[REGION_COUNT];
    for (int r = 0; r < REGION_COUNT; r++) {
        LLVMMetadataRef parts[2] = {LLVMMDStringInContext2(e->context, names[r], strlen(names[r])), domain};
        scope[r] = LLVMMDNodeInContext2(e->context, parts, 2);
    }
    for (int r = 0; r < REGION_COUNT; r++) {
        LLVMMetadataRef others[REGION_COUNT];
        int count = 0;
        for (int o = 0; o < REGION_COUNT; o++)
            if (o != r) others[count++] = scope[o];
        e->alias_scope[r] = LLVMMetadataAsValue(e->context, LLVMMDNodeInContext2(e->context, &scope[r], 1));
        e->no_alias[r] = LLVMMetadataAsValue(e->context, LLVMMDNodeInContext2(e->context, others, (size_t)count));
    }
    e->alias_scope_kind = LLVMGetMDKindIDInContext(e->context, "alias.scope", strlen("alias.scope"));
    e->no_alias_kind = LLVMGetMDKindIDInContext(e->context, "noalias", strlen("noalias"));
}

/* ---- attributes -------------------------------------------------------------------------------------------- */
static void set_attribute(Emitter *e, LLVMValueRef f, const char *name, const char *value) {
    LLVMAddAttributeAtIndex(
        f, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
        LLVMCreateStringAttribute(e->context, name, (unsigned)strlen(name), value, (unsigned)strlen(value)));
}

static void set_kind(Emitter *e, LLVMValueRef f, const char *name) {
    LLVMAddAttributeAtIndex(
        f, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
        LLVMCreateEnumAttribute(e->context, LLVMGetEnumAttributeKindForName(name, strlen(name)), 0));
}

/* Vectors of 512 bits stay whole where the processor has them, whatever its model prefers. */
void emit_set_attributes(Emitter *e, LLVMValueRef f) {
    set_kind(e, f, "nounwind");
    set_attribute(e, f, "min-legal-vector-width", "512");
    set_attribute(e, f, "prefer-vector-width", "512");
}

/* "memory" with no bit set */
void emit_set_pure(Emitter *e, LLVMValueRef f) {
    set_kind(e, f, "willreturn");
    set_kind(e, f, "memory");
}

void emit_set_noinline(Emitter *e, LLVMValueRef f) { set_kind(e, f, "noinline"); }

/* ---- functions ----------------------------------------------------------------------------------------------- */
Emitter *emitter_new(const EmitContext *c, const char *symbol) {
    Emitter *e = arena_new_of(c->arena, Emitter);
    *e = (Emitter){.context = c->context,
                   .module = c->module,
                   .arena = c->arena,
                   .level = c->level,
                   .least_outlined = c->least_outlined,
                   .lanes = 1};
    set_types(e);
    set_regions(e);
    e->function = LLVMAddFunction(c->module, symbol, type_of_function(c->context));
    emit_set_attributes(e, e->function);
    e->call = LLVMGetParam(e->function, 0);
    e->b = LLVMCreateBuilderInContext(c->context);
    LLVMPositionBuilderAtEnd(e->b, LLVMAppendBasicBlockInContext(c->context, e->function, "entry"));
    return e;
}

/* ---- the call ------------------------------------------------------------------------------------------ */
void emitter_load_call(Emitter *e, int columns_used, int outputs_used) {
    e->state = load_field(e, e->pointer, e->call, offsetof(sgdrt_call, state));
    e->work = load_field(e, e->pointer, e->call, offsetof(sgdrt_call, work));
    e->rows_or_null = load_field(e, e->pointer, e->call, offsetof(sgdrt_call, rows));
    e->first = load_field(e, e->i64, e->call, offsetof(sgdrt_call, first));
    e->count = load_field(e, e->i64, e->call, offsetof(sgdrt_call, count));
    e->batch = load_field(e, e->i64, e->call, offsetof(sgdrt_call, batch));
    e->place = load_field(e, e->i64, e->call, offsetof(sgdrt_call, place));
    e->seed = load_field(e, e->i64, e->state, offsetof(sgdrt_header, seed));
    e->asked_seed = load_field(e, e->i64, e->call, offsetof(sgdrt_call, seed));
    e->column_data = arena_array(e->arena, LLVMValueRef, columns_used + 1);
    e->column_stride = arena_array(e->arena, LLVMValueRef, columns_used + 1);
    if (columns_used > 0) {
        LLVMValueRef columns = load_field(e, e->pointer, e->call, offsetof(sgdrt_call, columns));
        for (int c = 0; c < columns_used; c++) {
            size_t at = (size_t)c * sizeof(sgdrt_column);
            e->column_data[c] = load_field(e, e->pointer, columns, at + offsetof(sgdrt_column, data));
            e->column_stride[c] = load_field(e, e->i64, columns, at + offsetof(sgdrt_column, stride));
        }
    }
    e->output = arena_array(e->arena, LLVMValueRef, outputs_used + 1);
    if (outputs_used > 0) {
        LLVMValueRef outputs = load_field(e, e->pointer, e->call, offsetof(sgdrt_call, outputs));
        for (int o = 0; o < outputs_used; o++)
            e->output[o] = load_field(e, e->pointer, outputs, (size_t)o * sizeof(void *));
    }
}

/* ---- the control register ------------------------------------------------------------------------ */
static LLVMValueRef control_call(Emitter *e, const char *name, LLVMValueRef argument) {
    return emit_intrinsic_of(e, name, NULL, 0, &argument, argument != NULL);
}

/* Round to nearest, denormals kept, no traps; what control_leave takes. */
LLVMValueRef emitter_control_enter(Emitter *e, const FloatControl *control) {
    if (!control->in_memory) {
        LLVMValueRef before = control_call(e, control->read, NULL);
        control_call(e, control->write, constant_int(e, LLVMTypeOf(before), control->ours));
        return before;
    }
    LLVMValueRef before = emit_alloca(e, e->i32), ours = emit_alloca(e, e->i32);
    control_call(e, control->read, before);
    LLVMBuildStore(e->b, constant_int(e, e->i32, control->ours), ours);
    control_call(e, control->write, ours);
    return before;
}

void emitter_control_leave(Emitter *e, const FloatControl *control, LLVMValueRef before) {
    control_call(e, control->write, before);
}
