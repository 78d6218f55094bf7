/* jit: functions compiled into this process.
 *
 * A module is compiled to an object in memory by the target machine and linked by ORC, so code, its speed and
 * its bits are those of an object file. Functions are compiled when first called, or together by codegen_jit_all:
 * steps, and what evaluates where that will be called, as late code (machine_code.c), so that training starts before it
 * is there. An init of few elements runs once and is interpreted (the same bits).
 */
#include "codegen/session.h"
#include <errno.h>
#include <llvm-c/Orc.h>
#include <string.h>

typedef struct JitExecutor {
    Executor executor;
    Codegen *codegen;
    Compiled *function[ENTRY_METRIC], **metric;
    Compiled *step_of_any;          /* for mini-batches larger than the run's */
    Compiled **part, **part_of_any; /* of steps that have several */
    sgdrt_function *parts;          /* what calls them; NULL: not compiled yet */
    Executor *interpreter;          /* of init, where that is small */
} JitExecutor;

enum { FEW_ELEMENTS = 20000 };

static void expect(LLVMErrorRef error) {
    if (error == NULL) return;
    char *message = LLVMGetErrorMessage(error);
    if (strstr(message, strerror(ENOMEM)) != NULL) out_of_memory(0);
    INTERNAL_ERROR("linking compiled code failed: %s", message);
}

/* What ORC says beside the error of the call, which may name symbols alone. */
static void on_session_error(void *unused, LLVMErrorRef error) {
    (void)unused;
    expect(error);
}

static void open_jit(Codegen *c) {
    if (c->jit != NULL) return;
    expect(LLVMOrcCreateLLJIT(&c->jit, LLVMOrcCreateLLJITBuilder()));
    LLVMOrcExecutionSessionSetErrorReporter(LLVMOrcLLJITGetExecutionSession(c->jit), on_session_error, NULL);
    LLVMOrcDefinitionGeneratorRef process;
    expect(LLVMOrcCreateDynamicLibrarySearchGeneratorForProcess(&process, LLVMOrcLLJITGetGlobalPrefix(c->jit), NULL,
                                                                NULL));
    LLVMOrcJITDylibAddGenerator(LLVMOrcLLJITGetMainJITDylib(c->jit), process);
}

static void link_object(Codegen *c, LLVMMemoryBufferRef object) {
    double start = session_seconds();
    open_jit(c);
    expect(LLVMOrcLLJITAddObjectFile(c->jit, LLVMOrcLLJITGetMainJITDylib(c->jit), object));
    c->times.link += session_seconds() - start;
}

/* ---- modules: their objects are kept one after the other, the length of each before it -------------- */
typedef struct LateModule {
    LateCode *code;
    const char *key;
    Text kept; /* objects that are there */
    struct LateModule *next;
} LateModule;

static void add_object(Codegen *c, Text *kept, LLVMMemoryBufferRef object) {
    size_t length = LLVMGetBufferSize(object);
    if (c->cache != NULL) {
        text_add_bytes(kept, (const char *)&length, sizeof length);
        text_add_bytes(kept, LLVMGetBufferStart(object), length);
    }
    link_object(c, object);
}

static void keep_objects(Codegen *c, const char *key, const Text *kept) {
    if (c->cache != NULL) code_cache_keep(c->cache, key, kept->bytes, kept->length);
}

/* Once. */
static void link_late(Codegen *c, LateModule *module) {
    LLVMMemoryBufferRef object = late_code_object(c, module->code);
    module->code = NULL;
    add_object(c, &module->kept, object);
    keep_objects(c, module->key, &module->kept);
}

void codegen_free(Codegen *c) {
    if (c == NULL) return;
    for (LateModule *m = c->late; m != NULL; m = m->next)
        if (m->code != NULL) link_late(c, m);
    if (c->jit != NULL) LLVMConsumeError(LLVMOrcDisposeLLJIT(c->jit));
    c->late = NULL;
    c->jit = NULL;
    if (c->cache != NULL) code_cache_close(c->cache);
    target_close(&c->target);
}

/* Code that an earlier process kept. */
static bool link_kept(Codegen *c, const char *key) {
    size_t left, length;
    const char *kept = c->cache == NULL ? NULL : code_cache_find(c->cache, c->arena, key, &left);
    if (kept == NULL) return false;
    for (; left > sizeof length; kept += length, left -= length) {
        memcpy(&length, kept, sizeof length);
        kept += sizeof length;
        left -= sizeof length;
        link_object(c, LLVMCreateMemoryBufferWithMemoryRangeCopy(kept, length, "kept"));
    }
    return true;
}

static sgdrt_function *find_symbol(Codegen *c, const char *symbol) {
    double start = session_seconds();
    LLVMOrcExecutorAddress address;
    expect(LLVMOrcLLJITLookup(c->jit, &address, symbol));
    c->times.link += session_seconds() - start;
    return (sgdrt_function *)(uintptr_t)address;
}

static const char *key_of_module(Codegen *c, Compiled *const *functions, int count) {
    Text key = text_new(c->arena);
    text_add(&key, "module\n");
    for (int i = 0; i < count; i++) text_add(&key, "%s:\n%s", functions[i]->symbol, functions[i]->key);
    return key.bytes;
}

/* They become code, kept under the key; the last ones, so many, may be late. NULL: none is. */
static LateModule *link_functions(Codegen *c, const char *key, Compiled *const *functions, int count, int late_count) {
    ModuleCode code;
    session_objects(c, functions, count, late_count, &code);
    Text kept = text_new(c->arena);
    for (int i = 0; i < code.count; i++) add_object(c, &kept, code.objects[i]);
    if (code.late == NULL) {
        keep_objects(c, key, &kept);
        return NULL;
    }
    LateModule *rest = arena_new_of(c->arena, LateModule);
    *rest = (LateModule){code.late, key, kept, c->late};
    return c->late = rest;
}

static void compile_functions(Codegen *c, Compiled **functions, int count, int late_count) {
    const char *key = key_of_module(c, functions, count);
    LateModule *rest = link_kept(c, key) ? NULL : link_functions(c, key, functions, count, late_count);
    for (int i = 0; i < count; i++)
        if (rest != NULL && i >= count - late_count)
            functions[i]->late = rest;
        else
            functions[i]->address = find_symbol(c, functions[i]->symbol);
}

static sgdrt_function *address_of(Codegen *c, Compiled *f) {
    if (f->address != NULL) return f->address;
    if (f->late == NULL)
        compile_functions(c, &f, 1, 0);
    else if (f->late->code != NULL)
        link_late(c, f->late);
    return f->address = find_symbol(c, f->symbol);
}

static void add_function(Compiled **list, int *count, Compiled *f) {
    if (f == NULL || f->address != NULL || f->late != NULL) return;
    for (int i = 0; i < *count; i++)
        if (list[i] == f) return;
    list[(*count)++] = f;
}

/* ---- steps of several parts ------------------------------------------------------------------------- */
static Compiled *large_part(const JitExecutor *j, int i) {
    return j->part[i]->most_rows > 0 ? j->part_of_any[i] : j->part[i];
}

static void add_parts(const JitExecutor *j, Compiled **list, int *count) {
    for (int i = 0; i < j->executor.run->part_count; i++) {
        add_function(list, count, j->part[i]);
        add_function(list, count, large_part(j, i));
    }
}

static LLVMValueRef function_elsewhere(LLVMModuleRef module, const char *symbol) {
    LLVMValueRef known = LLVMGetNamedFunction(module, symbol);
    LLVMTypeRef type = type_of_function(LLVMGetModuleContext(module));
    return known != NULL ? known : LLVMAddFunction(module, symbol, type);
}

/* The parts are compiled. */
static void compile_step(JitExecutor *j) {
    Codegen *c = j->codegen;
    const Run *run = j->executor.run;
    LLVMContextRef context = LLVMContextCreate();
    LLVMModuleRef module = session_module(c, context, "sgd");
    PartCode *parts = arena_array(c->arena, PartCode, run->part_count);
    bool threads = false;
    for (int i = 0; i < run->part_count; i++) {
        const Compiled *block = j->part[i], *any = large_part(j, i);
        parts[i] = (PartCode){.of_any = function_elsewhere(module, any->symbol), .block = block->most_rows};
        parts[i].of_block = function_elsewhere(module, block->symbol);
        threads |= block->shared || any->shared;
    }
    const char *symbol = text_format(c->arena, "f%d", c->function_count++);
    EmitContext emit = session_context(c, module);
    emit_parts(&emit, run, parts, threads, symbol);
    char *key = LLVMPrintModuleToString(module); /* the module is small */
    if (!link_kept(c, key)) {
        Text kept = text_new(c->arena);
        session_optimise(c, module);
        add_object(c, &kept, session_machine_code(c, module, LLVMObjectFile));
        keep_objects(c, key, &kept);
    }
    LLVMDisposeMessage(key);
    LLVMDisposeModule(module);
    LLVMContextDispose(context);
    j->parts = find_symbol(c, symbol);
}

static int64_t call_parts(JitExecutor *j, const sgdrt_call *call) {
    Executor *executor = &j->executor;
    if (j->parts == NULL) {
        Compiled **list = arena_array(j->codegen->arena, Compiled *, 2 * executor->run->part_count);
        int count = 0;
        add_parts(j, list, &count);
        if (count > 0) compile_functions(j->codegen, list, count, 0);
        compile_step(j);
    }
    if (executor->shares && executor->region != NULL) return executor->region(executor->threads, j->parts, call);
    return j->parts(call);
}

static int64_t jit_call(Executor *executor, Entry entry, int measure, const sgdrt_call *call) {
    JitExecutor *j = (JitExecutor *)executor;
    if (entry == ENTRY_INIT && j->interpreter != NULL)
        return j->interpreter->call(j->interpreter, entry, measure, call);
    if (entry == ENTRY_STEP && executor->run->part_count) return call_parts(j, call);
    Compiled *f = entry == ENTRY_METRIC ? j->metric[measure] : j->function[entry];
    if (entry == ENTRY_STEP && f != NULL && f->most_rows > 0 && call->batch > f->most_rows) f = j->step_of_any;
    if (f == NULL) INTERNAL_ERROR("a call of a function that run %s does not have", executor->run->name);
    sgdrt_function *code = address_of(j->codegen, f);
    if (f->shared && executor->region != NULL) return executor->region(executor->threads, code, call);
    return code(call);
}

static void jit_free(Executor *executor) {
    JitExecutor *j = (JitExecutor *)executor; /* the code belongs to the session, the rest to its arena */
    if (j->interpreter != NULL) j->interpreter->free(j->interpreter);
    j->interpreter = NULL;
}

static bool is_small(const Function *function) {
    int64_t elements = 0;
    for (int r = 0; r < function->root_count; r++) elements += shape_size(function->roots[r].node->shape);
    return elements < FEW_ELEMENTS;
}

static void make_room(Executor *executor, const Compiled *f) {
    if (f->work_bytes > executor->work_bytes) executor->work_bytes = f->work_bytes;
    executor->shares |= f->shared;
}

Executor *codegen_jit(Codegen *c, const Run *run) {
    if (!c->target.runs_here) {
        report(c->diagnostics, CODE_E0602, (Span){0, 0}, "this machine cannot run code for %s", c->target.cpu);
        return NULL;
    }
    JitExecutor *j = arena_new_of(c->arena, JitExecutor);
    j->executor = (Executor){.run = run, .call = jit_call, .free = jit_free};
    j->codegen = c;
    j->metric = arena_array(c->arena, Compiled *, run_measures(run) + 1);
    j->part = arena_array(c->arena, Compiled *, run->part_count + 1);
    j->part_of_any = arena_array(c->arena, Compiled *, run->part_count + 1);
    RunEntry *entries;
    int count = session_entries(c, run, &entries);
    for (int i = 0; i < count; i++) {
        Compiled *f = session_function(c, run, entries[i].function, entries[i].batch);
        if (entries[i].entry == ENTRY_METRIC)
            j->metric[entries[i].measure] = f;
        else if (entries[i].entry == ENTRY_PART)
            j->part[entries[i].measure] = f;
        else
            j->function[entries[i].entry] = f;
        if (entries[i].entry == ENTRY_INIT && is_small(&run->init)) j->interpreter = interpreter_new(c->arena, run);
        make_room(&j->executor, f);
        if (entries[i].entry == ENTRY_STEP) {
            j->step_of_any = session_function(c, run, entries[i].function, 0);
            make_room(&j->executor, j->step_of_any);
        }
        if (entries[i].entry == ENTRY_PART) {
            Compiled *any = session_function(c, run, entries[i].function, 0);
            j->part_of_any[entries[i].measure] = any;
            make_room(&j->executor, any);
        }
    }
    return &j->executor;
}

/* ---- runs that train together ------------------------------------------------------------------------- */
typedef struct TogetherExecutor {
    Executor executor;
    Codegen *codegen;
    Compiled *whole, *any; /* for whole mini-batches, or NULL; for any */
} TogetherExecutor;

/* Whole mini-batches, then what is left. */
static int64_t together_call(Executor *executor, Entry entry, int measure, const sgdrt_call *call) {
    TogetherExecutor *t = (TogetherExecutor *)executor;
    sgdrt_call whole = *call, rest = *call;
    (void)measure;
    if (entry != ENTRY_STEP) INTERNAL_ERROR("runs take steps together, and do nothing else so");
    bool has_whole = t->whole != NULL && t->whole->most_rows == call->batch;
    int64_t steps = has_whole ? call->count / call->batch : 0, done = 0;
    whole.count = steps * call->batch;
    if (steps > 0) done = address_of(t->codegen, t->whole)(&whole);
    if (done < steps || call->count == whole.count) return done;
    rest.count -= whole.count;
    rest.place += whole.count;
    if (rest.rows != NULL)
        rest.rows += whole.count;
    else
        rest.first += whole.count;
    return done + address_of(t->codegen, t->any)(&rest);
}

static void together_free(Executor *executor) { (void)executor; }

Executor *codegen_jit_together(Codegen *c, const Run *run, SideBySide runs, bool whole) {
    int64_t batch = schedule_batch(run->batch);
    Compiled *any = session_step_of_runs(c, run, 0, runs), *list[2];
    if (any == NULL) return NULL;
    TogetherExecutor *t = arena_new_of(c->arena, TogetherExecutor);
    t->executor = (Executor){.run = run, .call = together_call, .free = together_free};
    t->codegen = c;
    t->any = any;
    t->whole = batch > 0 ? session_step_of_runs(c, run, batch, runs) : NULL;
    int count = 0;
    add_function(list, &count, t->whole);
    if (t->whole == NULL || !whole) add_function(list, &count, any);
    if (count > 0) compile_functions(c, list, count, 0);
    make_room(&t->executor, any);
    if (t->whole != NULL) make_room(&t->executor, t->whole);
    return &t->executor;
}

bool codegen_same_steps(const Executor *a, const Executor *b) {
    const JitExecutor *x = (const JitExecutor *)a, *y = (const JitExecutor *)b;
    return x->function[ENTRY_STEP] != NULL && x->step_of_any == y->step_of_any;
}

bool codegen_same_functions(const Executor *a, const Executor *b) {
    const JitExecutor *x = (const JitExecutor *)a, *y = (const JitExecutor *)b;
    return codegen_same_steps(a, b) && x->function[ENTRY_EVALUATE] == y->function[ENTRY_EVALUATE] &&
           x->function[ENTRY_PREDICT] == y->function[ENTRY_PREDICT];
}

/* What is called for it, planned; of steps: part i. NULL: there is no more. */
static const LoopTree *tree_called(Codegen *c, const Executor *executor, Entry entry, int i) {
    const JitExecutor *j = (const JitExecutor *)executor;
    int parts = entry == ENTRY_STEP ? executor->run->part_count : 0;
    Compiled *f = i >= (parts > 0 ? parts : 1) ? NULL : parts > 0 ? j->part[i] : j->function[entry];
    if (f == NULL) return NULL;
    session_loops(c, f);
    return f->tree;
}

int codegen_kernels(Codegen *c, const Executor *executor, Entry entry, const PlannedKernel **kernels) {
    Vector(PlannedKernel) all = {0};
    const LoopTree *tree;
    for (int i = 0; (tree = tree_called(c, executor, entry, i)) != NULL; i++)
        for (int k = 0; k < tree->kernels.count; k++) vector_push(c->arena, &all, tree->kernels.items[k]);
    *kernels = all.items;
    return all.count;
}

const char *codegen_loops(Codegen *c, const Executor *executor, Entry entry) {
    Text text = text_new(c->arena);
    const LoopTree *tree;
    for (int i = 0; (tree = tree_called(c, executor, entry, i)) != NULL; i++) tree_print(&text, tree);
    return text.bytes;
}

void codegen_jit_all(Codegen *c, Executor *const *executors, int count) {
    Compiled **list = arena_array(c->arena, Compiled *, c->function_count + 1);
    int functions = 0;
    for (int i = 0; i < count; i++) {
        const JitExecutor *j = (const JitExecutor *)executors[i];
        if (j->interpreter == NULL) add_function(list, &functions, j->function[ENTRY_INIT]);
        add_function(list, &functions, j->function[ENTRY_STEP]);
        if (j->parts == NULL) add_parts(j, list, &functions);
    }
    int first = functions;
    for (int i = 0; i < count; i++) {
        const JitExecutor *j = (const JitExecutor *)executors[i];
        if (!j->executor.evaluates) continue;
        add_function(list, &functions, j->function[ENTRY_EVALUATE]);
        for (int m = 0; m < run_measures(j->executor.run); m++) add_function(list, &functions, j->metric[m]);
    }
    if (functions > 0) compile_functions(c, list, functions, first > 0 ? functions - first : 0);
    for (int i = 0; i < count; i++) {
        JitExecutor *j = (JitExecutor *)executors[i];
        if (j->executor.run->part_count && j->parts == NULL) compile_step(j);
    }
}
