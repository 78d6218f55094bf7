/* emit_attribute: what is said of every function of a module. */
#include "codegen/emit.h"
#include <string.h>

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
