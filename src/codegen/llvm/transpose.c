/* transpose: squares and short rows in registers are transposed, large squares by a function of the module.
 *
 * A square of 16 by 16 is 64 shuffles. LLVM tries of each whether it and those before it are one, which took an eighth of
 * its time for LeNet. Where an architecture can pass and return so many vectors in registers, all squares of a kind share
 * one function, and a call is all that a step pays for it. A nest that keeps other arrays in registers, which a call would
 * put on the stack, has its own shuffles.
 */
#include "codegen/llvm/emitter.h"

enum { FEWEST_CALLED = 8, MOST_CALLED = 16 }; /* vectors */

/* ---- the function ------------------------------------------------------------------------------------------- */
/* Vectors to vectors; nothing else is read or written. */
static LLVMValueRef square_function(Emitter *e, LLVMTypeRef vector, DType dtype, int places, LLVMTypeRef *type) {
    LLVMTypeRef all[MOST_CALLED];
    LLVMValueRef v[MOST_CALLED];
    for (int i = 0; i < places; i++) all[i] = vector;
    LLVMTypeRef square = LLVMStructTypeInContext(e->context, all, (unsigned)places, false);
    *type = LLVMFunctionType(square, all, (unsigned)places, false);
    const char *name = text_format(e->arena, "sgd.square.%s.%d.%d", dtype_text(dtype), places,
                                   (int)e->level->machine.vector_bytes);
    LLVMValueRef f = LLVMGetNamedFunction(e->module, name);
    if (f != NULL) return f;
    LLVMBasicBlockRef back = LLVMGetInsertBlock(e->b);
    f = LLVMAddFunction(e->module, name, *type);
    emit_set_attributes(e, f);
    emit_set_noinline(e, f);
    emit_set_pure(e, f);
    LLVMSetLinkage(f, LLVMInternalLinkage);
    LLVMSetFunctionCallConv(f, e->vector_call);
    LLVMPositionBuilderAtEnd(e->b, LLVMAppendBasicBlockInContext(e->context, f, ""));
    LLVMGetParams(f, v);
    transpose_square(e, v, places);
    LLVMBuildAggregateRet(e->b, v, (unsigned)places);
    LLVMPositionBuilderAtEnd(e->b, back);
    return f;
}

static void call(Emitter *e, DType dtype, LLVMValueRef *v, int places) {
    LLVMTypeRef type;
    LLVMValueRef f = square_function(e, LLVMTypeOf(v[0]), dtype, places, &type);
    LLVMValueRef made = LLVMBuildCall2(e->b, type, f, v, (unsigned)places, "");
    LLVMSetInstructionCallConv(made, e->vector_call);
    for (int i = 0; i < places; i++) v[i] = LLVMBuildExtractValue(e->b, made, (unsigned)i, "");
}

/* ---- where it is called ------------------------------------------------------------------------------------- */
static bool transposes(const Body *body, const Array *array) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if ((s->kind == STATEMENT_TRANSPOSE && s->array == array) || transposes(&s->body, array)) return true;
    }
    return false;
}

static bool keeps_only_squares(const Body *body, const Body *nest) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_STORE && array_is_private(s->array) && !transposes(nest, s->array)) return false;
        if (!keeps_only_squares(&s->body, nest)) return false;
    }
    return true;
}

/* Its vectors each fill a register, or a part of one. */
static bool is_called(const Emitter *e, const Array *square, int places) {
    int bytes = (int)dtype_bytes(square->dtype);
    return e->vector_call != 0 && bytes >= 4 && places >= FEWEST_CALLED && places <= MOST_CALLED &&
           places * bytes <= e->level->machine.vector_bytes && e->nest != NULL &&
           keeps_only_squares(&e->nest->body, &e->nest->body);
}

static void transpose(Emitter *e, const Array *square, LLVMValueRef *v, int places) {
    if (is_called(e, square, places))
        call(e, square->dtype, v, places);
    else
        transpose_square(e, v, places);
}

void emit_transpose(Emitter *e, const Array *array, int rows) {
    LLVMValueRef v[MOST_LANES];
    int columns = (int)(array->elements / rows), vectors = rows < columns ? rows : columns;
    emit_load_vectors(e, array, v, vectors);
    if (rows == columns)
        transpose(e, array, v, rows);
    else if (rows > columns)
        rows_part(e, v, columns, rows);
    else
        rows_join(e, v, rows, columns);
    emit_store_vectors(e, array, v, vectors);
}
