/* object: functions of runs in an object file under their C prefixes, and the same code as text.
 *
 * Two runs with the same function get it once: the second name is an alias of the first.
 */
#include "codegen/session.h"
#include "model.h"
#include <llvm-c/Core.h>
#include <stddef.h>
#include <string.h>

/* What a module holds so far. */
typedef struct Emitted {
    Compiled **function;
    LLVMValueRef *value;
    int count;
} Emitted;

static LLVMValueRef find_emitted(const Emitted *all, Compiled *f) {
    for (int i = 0; i < all->count; i++)
        if (all->function[i] == f) return all->value[i];
    return NULL;
}

static LLVMValueRef add_function(Codegen *c, LLVMModuleRef module, Emitted *all, Compiled *f, const char *symbol) {
    LLVMValueRef known = find_emitted(all, f);
    if (known != NULL) return LLVMAddAlias2(module, LLVMGlobalGetValueType(known), 0, known, symbol);
    all->function[all->count] = f;
    return all->value[all->count++] = session_emit(c, module, f, symbol);
}

/* The function, or the one already there, for use inside the module. */
static LLVMValueRef add_part(Codegen *c, LLVMModuleRef module, Emitted *all, Compiled *f, const char *symbol) {
    LLVMValueRef known = find_emitted(all, f);
    if (known != NULL) return known;
    LLVMValueRef function = add_function(c, module, all, f, symbol);
    LLVMSetLinkage(function, LLVMInternalLinkage);
    return function;
}

/* The rows of one step are the application's choice: up to a block they take the code made for that, beyond
 * it the code for any number. The bits do not depend on which. */
static LLVMValueRef add_step(LLVMModuleRef module, int64_t block, LLVMValueRef of_block, LLVMValueRef of_any,
                             const char *symbol) {
    LLVMContextRef context = LLVMGetModuleContext(module);
    LLVMTypeRef type = LLVMGlobalGetValueType(of_any), i64 = LLVMInt64TypeInContext(context);
    LLVMValueRef function = LLVMAddFunction(module, symbol, type), call = LLVMGetParam(function, 0);
    LLVMBuilderRef b = LLVMCreateBuilderInContext(context);
    LLVMPositionBuilderAtEnd(b, LLVMAppendBasicBlockInContext(context, function, "entry"));
    LLVMValueRef at = LLVMConstInt(i64, offsetof(sgdrt_call, batch), false);
    LLVMValueRef place = LLVMBuildInBoundsGEP2(b, LLVMInt8TypeInContext(context), call, &at, 1, "");
    LLVMValueRef batch = LLVMBuildLoad2(b, i64, place, "");
    LLVMValueRef fits = LLVMBuildICmp(b, LLVMIntSLE, batch, LLVMConstInt(i64, (unsigned long long)block, true), "");
    LLVMValueRef code = LLVMBuildSelect(b, fits, of_block, of_any, "");
    LLVMBuildRet(b, LLVMBuildCall2(b, type, code, &call, 1, ""));
    LLVMDisposeBuilder(b);
    return function;
}

/* A part of a step: of it and of the parts after it emit_parts makes the step. */
static bool add_one_part(Codegen *c, LLVMModuleRef module, Emitted *all, const Run *run, const RunEntry *entry,
                         const char *symbol, PartCode *part) {
    Compiled *f = session_function(c, run, entry->function, entry->batch);
    Compiled *any = f->most_rows > 0 ? session_function(c, run, entry->function, 0) : f;
    *part = (PartCode){.block = f->most_rows};
    part->of_block = add_part(c, module, all, f, symbol);
    part->of_any = add_part(c, module, all, any, text_format(c->arena, "%s_of_any", symbol));
    return f->shared || any->shared;
}

static void add_run(Codegen *c, LLVMModuleRef module, Emitted *all, const Run *run, const char *prefix) {
    RunEntry *entries;
    int count = session_entries(c, run, &entries);
    PartCode *parts = arena_array(c->arena, PartCode, run->part_count + 1);
    bool threads = false;
    for (int i = 0; i < count; i++) {
        const char *symbol = text_format(c->arena, "%s__%s", prefix, entries[i].name);
        if (entries[i].entry == ENTRY_PART) {
            threads |= add_one_part(c, module, all, run, &entries[i], symbol, &parts[entries[i].measure]);
            continue;
        }
        Compiled *f = session_function(c, run, entries[i].function, entries[i].batch);
        LLVMValueRef function;
        if (entries[i].entry == ENTRY_STEP && f->most_rows > 0 && entries[i].batch > 0) {
            Compiled *any = session_function(c, run, entries[i].function, 0);
            function = add_step(module, f->most_rows,
                                add_part(c, module, all, f, text_format(c->arena, "%s_of_block", symbol)),
                                add_part(c, module, all, any, text_format(c->arena, "%s_of_any", symbol)), symbol);
        } else
            function = add_function(c, module, all, f, symbol);
        LLVMSetVisibility(function, LLVMHiddenVisibility);
    }
    if (run->part_count) {
        const char *symbol = text_format(c->arena, "%s__step", prefix);
        EmitContext context = session_context(c, module);
        LLVMSetVisibility(emit_parts(&context, run, parts, threads, symbol), LLVMHiddenVisibility);
    }
}

/* All entries of the runs, each emitted once. */
static void add_runs(Codegen *c, LLVMModuleRef module, const Run *const *runs, const char *const *prefixes, int count) {
    int most = 5 * count;
    for (int r = 0; r < count; r++) most += runs[r]->measure_count + 2 * runs[r]->part_count;
    Emitted all = {.function = arena_array(c->arena, Compiled *, most + 1),
                   .value = arena_array(c->arena, LLVMValueRef, most + 1)};
    for (int r = 0; r < count; r++) add_run(c, module, &all, runs[r], prefixes[r]);
}

CodegenSizes codegen_sizes(Codegen *c, const Run *run) {
    CodegenSizes sizes = {0};
    RunEntry *entries;
    int count = session_entries(c, run, &entries);
    for (int i = 0; i < count; i++) {
        Compiled *f = session_function(c, run, entries[i].function, entries[i].batch), *any = f;
        bool steps = entries[i].entry == ENTRY_STEP || entries[i].entry == ENTRY_PART;
        if (steps) any = session_function(c, run, entries[i].function, 0);
        bool shared = f->shared || any->shared;
        size_t bytes = any->work_bytes > f->work_bytes ? any->work_bytes : f->work_bytes;
        if (shared && steps) sizes.shared |= SGDRT_SHARES_STEP;
        if (shared && entries[i].entry == ENTRY_EVALUATE) sizes.shared |= SGDRT_SHARES_EVALUATE;
        if (shared && entries[i].entry == ENTRY_PREDICT) sizes.shared |= SGDRT_SHARES_PREDICT;
        switch (entries[i].entry) {
        case ENTRY_INIT: sizes.init = bytes; break;
        case ENTRY_STEP:
        case ENTRY_PART: sizes.step = bytes > sizes.step ? bytes : sizes.step; break;
        case ENTRY_EVALUATE: sizes.evaluate = bytes; break;
        case ENTRY_PREDICT: sizes.predict = bytes; break;
        case ENTRY_DERIVED:
        case ENTRY_METRIC: break;
        }
        if (bytes > sizes.most) sizes.most = bytes;
    }
    return sizes;
}

static bool loops_text(Codegen *c, Text *to, const Run *const *runs, const char *const *prefixes, int count) {
    for (int r = 0; r < count; r++) {
        RunEntry *entries;
        int entry_count = session_entries(c, runs[r], &entries);
        for (int i = 0; i < entry_count; i++) {
            text_add(to, "%s%s__%s\n", to->length > 0 ? "\n" : "", prefixes[r], entries[i].name);
            Compiled *f = session_function(c, runs[r], entries[i].function, entries[i].batch);
            session_loops(c, f);
            tree_print(to, f->tree);
        }
    }
    return true;
}

static void add_machine_code(Codegen *c, LLVMModuleRef module, LLVMCodeGenFileType kind, Text *to) {
    LLVMMemoryBufferRef code = session_machine_code(c, module, kind);
    text_add_bytes(to, LLVMGetBufferStart(code), LLVMGetBufferSize(code));
    LLVMDisposeMemoryBuffer(code);
}

bool codegen_text(Codegen *c, Text *to, const Run *const *runs, const char *const *prefixes, int count,
                  CodegenText kind) {
    if (kind == CODEGEN_LOOPS) return loops_text(c, to, runs, prefixes, count);
    LLVMContextRef context = LLVMContextCreate();
    LLVMModuleRef module = session_module(c, context, "sgd");
    add_runs(c, module, runs, prefixes, count);
    session_optimise(c, module);
    if (kind == CODEGEN_LLVM) {
        char *text = LLVMPrintModuleToString(module);
        text_add_bytes(to, text, strlen(text));
        LLVMDisposeMessage(text);
    } else {
        add_machine_code(c, module, LLVMAssemblyFile, to);
    }
    LLVMDisposeModule(module);
    LLVMContextDispose(context);
    return true;
}

void codegen_object(Codegen *const *sessions, int session_count, Text *to, const Run *const *runs,
                    const char *const *prefixes, int count, const CodegenExtra *extra) {
    Codegen *c = sessions[0];
    LLVMContextRef context = LLVMContextCreate();
    LLVMModuleRef module = session_module(c, context, "sgd");
    for (int i = 0; i < session_count; i++) add_runs(sessions[i], module, runs, prefixes + i * count, count);
    if (extra != NULL) extra->add(module, extra->context);
    session_optimise(c, module);
    add_machine_code(c, module, LLVMObjectFile, to);
    LLVMDisposeModule(module);
    LLVMContextDispose(context);
}
