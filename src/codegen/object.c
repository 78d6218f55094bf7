/* object: functions of runs in an object file under their C prefixes, and the same code as text.
 *
 * Two runs with the same function get it once: the second name is an alias of the first.
 */
#include "codegen/session.h"
#include <llvm-c/Core.h>
#include <string.h>

static LLVMValueRef add_entry(Codegen *c, LLVMModuleRef module, const Compiled *f, const char *symbol,
                              LLVMValueRef known) {
    LLVMValueRef function;
    if (known != NULL)
        function = LLVMAddAlias2(module, LLVMGlobalGetValueType(known), 0, known, symbol);
    else
        function = session_emit(c, module, f->loops, symbol);
    LLVMSetVisibility(function, LLVMHiddenVisibility);
    return function;
}

/* All entries of the runs, each emitted once. */
static void add_runs(Codegen *c, LLVMModuleRef module, const Run *const *runs, const char *const *prefixes,
                     int count) {
    int most = 4 * count;
    for (int r = 0; r < count; r++)
        most += runs[r]->measure_count;
    const Compiled **emitted = arena_array(c->arena, const Compiled *, most + 1);
    LLVMValueRef *value = arena_array(c->arena, LLVMValueRef, most + 1);
    int done = 0;
    for (int r = 0; r < count; r++) {
        RunEntry *entries;
        int entry_count = session_entries(c, runs[r], &entries);
        for (int i = 0; i < entry_count; i++) {
            const Compiled *f = session_function(c, runs[r], entries[i].function, entries[i].batch);
            LLVMValueRef known = NULL;
            for (int k = 0; k < done; k++)
                if (emitted[k] == f)
                    known = value[k];
            emitted[done] = f;
            value[done] =
                add_entry(c, module, f, text_format(c->arena, "%s__%s", prefixes[r], entries[i].name), known);
            if (known != NULL)
                value[done] = known;
            done++;
        }
    }
}

CodegenSizes codegen_sizes(Codegen *c, const Run *run) {
    CodegenSizes sizes = {0};
    RunEntry *entries;
    int count = session_entries(c, run, &entries);
    for (int i = 0; i < count; i++) {
        size_t bytes = session_function(c, run, entries[i].function, entries[i].batch)->loops->work_bytes;
        switch (entries[i].entry) {
        case ENTRY_INIT: sizes.init = bytes; break;
        case ENTRY_STEP: sizes.step = bytes; break;
        case ENTRY_EVALUATE: sizes.evaluate = bytes; break;
        case ENTRY_PREDICT: sizes.predict = bytes; break;
        case ENTRY_METRIC: break;
        }
        if (bytes > sizes.most)
            sizes.most = bytes;
    }
    return sizes;
}

static bool loops_text(Codegen *c, Text *to, const Run *const *runs, const char *const *prefixes, int count) {
    for (int r = 0; r < count; r++) {
        RunEntry *entries;
        int entry_count = session_entries(c, runs[r], &entries);
        for (int i = 0; i < entry_count; i++) {
            text_add(to, "%s%s__%s\n", to->length > 0 ? "\n" : "", prefixes[r], entries[i].name);
            loop_print(to, session_function(c, runs[r], entries[i].function, entries[i].batch)->loops);
        }
    }
    return true;
}

bool codegen_text(Codegen *c, Text *to, const Run *const *runs, const char *const *prefixes, int count,
                  CodegenText kind) {
    if (kind == CODEGEN_LOOPS)
        return loops_text(c, to, runs, prefixes, count);
    LLVMContextRef context = LLVMContextCreate();
    LLVMModuleRef module = session_module(c, context, "sgd");
    add_runs(c, module, runs, prefixes, count);
    session_optimise(c, module);
    if (kind == CODEGEN_LLVM) {
        char *text = LLVMPrintModuleToString(module);
        text_add_bytes(to, text, strlen(text));
        LLVMDisposeMessage(text);
    } else {
        char *message = NULL;
        LLVMMemoryBufferRef buffer;
        if (LLVMTargetMachineEmitToMemoryBuffer(c->target.machine, module, LLVMAssemblyFile, &message,
                                                &buffer)
            != 0)
            INTERNAL_ERROR("LLVM made no code: %s", message);
        text_add_bytes(to, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
        LLVMDisposeMemoryBuffer(buffer);
    }
    LLVMDisposeModule(module);
    LLVMContextDispose(context);
    return true;
}

bool codegen_object(Codegen *const *sessions, int session_count, const char *path, const Run *const *runs,
                    const char *const *prefixes, int count, const CodegenExtra *extra) {
    Codegen *c = sessions[0];
    LLVMContextRef context = LLVMContextCreate();
    LLVMModuleRef module = session_module(c, context, "sgd");
    for (int i = 0; i < session_count; i++)
        add_runs(sessions[i], module, runs, prefixes + i * count, count);
    if (extra != NULL)
        extra->add(module, extra->context);
    session_optimise(c, module);
    double start = session_seconds();
    char *message = NULL;
    bool written =
        LLVMTargetMachineEmitToFile(c->target.machine, module, (char *)path, LLVMObjectFile, &message) == 0;
    if (!written) {
        report(c->diagnostics, CODE_E0603, (Span){0, 0}, "the object file %s cannot be written", path);
        LLVMDisposeMessage(message);
    }
    c->times.machine_code += session_seconds() - start;
    LLVMDisposeModule(module);
    LLVMContextDispose(context);
    return written;
}
