/* library: the functions that a header has inline, as symbols of a shared object: those that call libsgdrt
 * (c_api.c), and PREFIX_rows. Languages that read no header call them there.
 *
 * What calls libsgdrt passes on what it was given, so that only the kinds of its parameters matter.
 */
#include "codegen/object/object_model.h"
#include "codegen/object/c_api.h"
#include "codegen/object/exported_names.h"
#include <llvm-c/Core.h>
#include <string.h>

static LLVMTypeRef type_of(LLVMContextRef context, const char *c_type) {
    switch (c_value(c_type)) {
    case C_VOID: return LLVMVoidTypeInContext(context);
    case C_I32: return LLVMInt32TypeInContext(context);
    case C_I64:
    case C_U64: return LLVMInt64TypeInContext(context);
    case C_F64: return LLVMDoubleTypeInContext(context);
    case C_STRING:
    case C_POINTER: return LLVMPointerTypeInContext(context, 0);
    }
    return NULL;
}

static LLVMTypeRef type_of_function(Arena *arena, LLVMContextRef context, const char *returns,
                                    const CParameters *parameters) {
    LLVMTypeRef *types = arena_array(arena, LLVMTypeRef, parameters->count + 1);
    for (int i = 0; i < parameters->count; i++) types[i] = type_of(context, parameters->items[i].type);
    return LLVMFunctionType(type_of(context, returns), types, (unsigned)parameters->count, false);
}

/* An exported function of this name, and a builder at its beginning. */
static LLVMValueRef begin_function(LLVMModuleRef module, const char *name, LLVMTypeRef type, LLVMBuilderRef *b) {
    LLVMContextRef context = LLVMGetModuleContext(module);
    LLVMValueRef function = LLVMAddFunction(module, name, type);
    LLVMSetVisibility(function, LLVMProtectedVisibility);
    *b = LLVMCreateBuilderInContext(context);
    LLVMPositionBuilderAtEnd(*b, LLVMAppendBasicBlockInContext(context, function, "entry"));
    return function;
}

static void add_call(LLVMModuleRef module, Arena *arena, const CFunction *f, const char *prefix) {
    CParameters parameters = c_parameters(arena, f->parameters);
    LLVMTypeRef type = type_of_function(arena, LLVMGetModuleContext(module), f->returns, &parameters);
    LLVMValueRef called = LLVMGetNamedFunction(module, f->library);
    if (!called) called = LLVMAddFunction(module, f->library, type);
    LLVMBuilderRef b;
    LLVMValueRef function = begin_function(module, text_format(arena, "%s_%s", prefix, f->name), type, &b);
    LLVMValueRef *arguments = arena_array(arena, LLVMValueRef, parameters.count + 1);
    LLVMGetParams(function, arguments);
    LLVMValueRef result = LLVMBuildCall2(b, type, called, arguments, (unsigned)parameters.count, "");
    LLVMSetTailCall(result, true);
    if (c_value(f->returns) == C_VOID)
        LLVMBuildRetVoid(b);
    else
        LLVMBuildRet(b, result);
    LLVMDisposeBuilder(b);
}

/* The values of the words of NAME_data: the number of the first set's rows, pairs of 8 bytes for the columns, the numbers
 * of the other sets' rows. Parameters are those of c_rows_parameters, from the second on. */
static void row_words(LLVMValueRef function, LLVMTypeRef i64, const DataSet *data, LLVMValueRef *words) {
    unsigned parameter = 1;
    for (int set = 0; set < data_set_count(data); set++) {
        words[set ? 2 * data->column_count + set : 0] = LLVMGetParam(function, parameter++);
        for (int c = data_columns_before(data, set); c < data_columns_before(data, set + 1); c++) {
            words[1 + 2 * c] = LLVMGetParam(function, parameter++);
            words[2 + 2 * c] = LLVMConstInt(i64, (uint64_t)c_column_stride(&data->columns[c]), false);
        }
    }
}

/* A struct of more than 16 bytes, which one with a member is, is returned in memory that the caller names, on every
 * architecture. */
static void add_rows(LLVMModuleRef module, Arena *arena, const DataSet *data, const char *prefix) {
    LLVMContextRef context = LLVMGetModuleContext(module);
    LLVMTypeRef i64 = LLVMInt64TypeInContext(context), pointer = LLVMPointerTypeInContext(context, 0);
    int members = data->column_count, sets = data_set_count(data), count = 2 * members + sets, parameters = 0;
    LLVMTypeRef *types = arena_array(arena, LLVMTypeRef, count + 2);
    for (int i = 0; i < count; i++) types[i] = i % 2 && i < 2 * members ? pointer : i64;
    LLVMTypeRef record = LLVMStructTypeInContext(context, types, (unsigned)count, false);
    types[parameters++] = pointer;
    for (int set = 0; set < sets; set++) {
        types[parameters++] = i64;
        for (int c = data_columns_before(data, set); c < data_columns_before(data, set + 1); c++)
            types[parameters++] = pointer;
    }
    LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(context), types, (unsigned)parameters, false);
    LLVMBuilderRef b;
    LLVMValueRef function = begin_function(module, text_format(arena, "%s_rows", prefix), type, &b);
    unsigned sret = LLVMGetEnumAttributeKindForName("sret", 4);
    LLVMAddAttributeAtIndex(function, 1, LLVMCreateTypeAttribute(context, sret, record));
    LLVMValueRef *words = arena_array(arena, LLVMValueRef, count);
    row_words(function, i64, data, words);
    for (int w = 0; w < count; w++)
        LLVMBuildStore(b, words[w], LLVMBuildStructGEP2(b, record, LLVMGetParam(function, 0), (unsigned)w, ""));
    LLVMBuildRetVoid(b);
    LLVMDisposeBuilder(b);
}

void object_library_add(LLVMModuleRef module, Arena *arena, const Run *run, const char *prefix) {
    for (const CFunction *f = c_functions; f->name; f++)
        if (f->library && c_function_is_of(f, run)) add_call(module, arena, f, prefix);
    add_rows(module, arena, run->data, prefix);
}

/* Headers call functions of libsgdrt, under the version that libsgdrt.so has them (runtime/libsgdrt.map). */
void object_library_exports(Text *to, const Run *const *runs, const char *const *prefixes, int count) {
    text_add(to, "%s%d {\nglobal:\n", C_API_SYMBOL_VERSION, C_API_VERSION);
    for (int i = 0; i < count; i++) {
        for (const CFunction *f = c_functions; f->name; f++)
            if (c_function_is_of(f, runs[i])) text_add(to, "    %s_%s;\n", prefixes[i], f->name);
        text_add(to, "    %s_rows;\n", prefixes[i]);
    }
    text_add(to, "local:\n    *;\n};\nSGDRT_0 {\nglobal:\n");
    for (const CFunction *f = c_functions; f->name; f++)
        if (f->library) text_add(to, "    %s;\n", f->library);
    text_add(to, "};\n");
}
