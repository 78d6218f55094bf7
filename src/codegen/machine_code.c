/* machine_code: functions become objects for this process, by several threads where they are long.
 *
 * LLVM takes most of the time of a compilation for passes and instruction selection, which look at one function at a
 * time. So functions are dealt out: each thread emits all of them, in a context and a session of its own, makes one of equal
 * ones, leaves out the bodies that are not its own, and compiles the rest. Emission takes less time than a module takes to be
 * written and read, and gives the same for all, so that they agree on whose each function is without a word. What is internal
 * becomes external, under a name that no other module of the session has. Functions call each other in the same way, and so
 * who compiles them moves no bit.
 *
 * What is not needed at first, late code, is a module of its own, if there are several threads: one more compiles it, at once
 * where a processor is left for it, else after the others.
 */
#include "codegen/session.h"
#include "pool.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- functions of a module ----------------------------------------------------------------------- */
/* What else a block takes, and a call, in instructions: values are followed through all blocks, and calls are the operations that
 * need registers. Fitted to the 330 functions of seven programs, each compiled alone by LLVM 22. */
enum { COST_OF_BLOCK = 56, COST_OF_CALL = 18 };

/* What a function takes to be compiled, in instructions; 0: a declaration. */
static int64_t cost_of(LLVMValueRef function) {
    int64_t cost = 0;
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(function); b != NULL; b = LLVMGetNextBasicBlock(b)) {
        cost += COST_OF_BLOCK;
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i != NULL; i = LLVMGetNextInstruction(i))
            cost += 1 + (LLVMGetInstructionOpcode(i) == LLVMCall ? COST_OF_CALL : 0);
    }
    return cost;
}

typedef struct Costly {
    LLVMValueRef function;
    int64_t cost;
    int index; /* in the module */
} Costly;

static int by_cost(const void *a, const void *b) {
    const Costly *x = a, *y = b;
    if (x->cost != y->cost) return x->cost > y->cost ? -1 : 1;
    return x->index - y->index;
}

/* The longest first. */
static Costly *functions_by_cost(Arena *arena, LLVMModuleRef module, int *count) {
    Vector(Costly) all = {0};
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f != NULL; f = LLVMGetNextFunction(f))
        vector_push(arena, &all, ((Costly){f, cost_of(f), all.count}));
    qsort(all.items, (size_t)all.count, sizeof *all.items, by_cost);
    *count = all.count;
    return all.items;
}

static void make_external(Arena *arena, LLVMValueRef function, const char *prefix) {
    if (LLVMGetLinkage(function) != LLVMInternalLinkage) return;
    size_t length;
    const char *name = text_format(arena, "%s.%s", prefix, LLVMGetValueName2(function, &length));
    LLVMSetValueName2(function, name, strlen(name));
    LLVMSetLinkage(function, LLVMExternalLinkage);
}

/* Each goes to who has least; the bodies of others are as good as in a library. */
static void leave_share(Arena *arena, LLVMModuleRef module, const char *prefix, int share, int shares) {
    int64_t load[MOST_OBJECTS] = {0};
    int count;
    const Costly *all = functions_by_cost(arena, module, &count);
    for (int i = 0; i < count && all[i].cost > 0; i++) {
        int least = 0;
        for (int t = 1; t < shares; t++)
            if (load[t] < load[least]) least = t;
        load[least] += all[i].cost;
        make_external(arena, all[i].function, prefix);
        if (least != share) LLVMSetLinkage(all[i].function, LLVMAvailableExternallyLinkage);
    }
}

/* ---- shares ------------------------------------------------------------------------------------------ */
typedef struct CodeShare {
    Codegen session; /* its own times; on another thread, memory and machine too */
    Compiled *const *functions;
    int count, number, of; /* of the functions; which share, and of how many */
    LLVMMemoryBufferRef object;
} CodeShare;

LLVMMemoryBufferRef session_machine_code(Codegen *c, LLVMModuleRef module, LLVMCodeGenFileType kind) {
    char *message = NULL;
    double start = session_seconds();
    LLVMMemoryBufferRef code;
    if (LLVMTargetMachineEmitToMemoryBuffer(c->target.machine, module, kind, &message, &code) != 0)
        INTERNAL_ERROR("LLVM made no code: %s", message);
    c->times.machine_code += session_seconds() - start;
    return code;
}

static void compile_share(CodeShare *s) {
    Codegen *c = &s->session;
    LLVMContextRef context = LLVMContextCreate();
    LLVMModuleRef module = session_module(c, context, "sgd");
    for (int i = 0; i < s->count; i++) session_emit(c, module, s->functions[i], s->functions[i]->symbol);
    if (s->of > 1) {
        session_merge_functions(c, module);
        leave_share(c->arena, module, s->functions[0]->symbol, s->number, s->of);
        session_optimise_share(c, module);
    } else {
        session_optimise(c, module);
    }
    s->object = session_machine_code(c, module, LLVMObjectFile);
    LLVMDisposeModule(module);
    LLVMContextDispose(context);
}

/* On another thread than the caller's. */
static void compile_apart(CodeShare *s) {
    Codegen *c = &s->session;
    session_prepare_heap();
    c->arena = arena_new();
    c->target.machine = target_machine_copy(&c->target, c->options.level);
    compile_share(s);
    target_close(&c->target);
    arena_free(c->arena);
}

static void compile_in_pool(void *shares, int thread) {
    CodeShare *s = (CodeShare *)shares + thread;
    if (thread > 0)
        compile_apart(s);
    else
        compile_share(s);
}

static CodeShare share_of(const Codegen *c, Compiled *const *functions, int count, int number, int of) {
    CodeShare share = {.session = *c, .functions = functions, .count = count, .number = number, .of = of};
    share.session.times = (CodegenTimes){0};
    return share;
}

static void add_times(Codegen *c, const CodegenTimes *more) {
    c->times.emit += more->emit;
    c->times.optimise += more->optimise;
    c->times.machine_code += more->machine_code;
}

/* ---- late code --------------------------------------------------------------------------------------- */
struct LateCode {
    CodeShare share;
    pthread_t thread;
    bool is_on_thread; /* false: the system gave none, and it is there */
};

static void *compile_late(void *late) {
    compile_apart(&((LateCode *)late)->share);
    return NULL;
}

/* Signals are for the caller. */
static void start_late(LateCode *late) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    late->is_on_thread = pthread_create(&late->thread, NULL, compile_late, late) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!late->is_on_thread) compile_late(late);
}

LLVMMemoryBufferRef late_code_object(Codegen *c, LateCode *late) {
    if (late->is_on_thread) pthread_join(late->thread, NULL);
    add_times(c, &late->share.session.times);
    return late->share.object;
}

/* ---- all together -------------------------------------------------------------------------------- */
/* Operations that take longer to compile than a thread to start and all of a module to be emitted once more. */
enum { LEAST_SHARE = 600 };

/* They have trees from here on. */
static double code_of_functions(Codegen *c, Compiled *const *functions, int count) {
    double code = 0;
    for (int i = 0; i < count; i++) {
        session_loops(c, functions[i]);
        code += code_size(functions[i]->tree).code;
    }
    return code;
}

static int threads_for(const Codegen *c, double code) {
    double threads = code / LEAST_SHARE, most = c->options.threads < MOST_OBJECTS ? c->options.threads : MOST_OBJECTS;
    return (int)(threads < most ? threads : most);
}

/* Their times are those of who took longest. */
static void compile_shares(Codegen *c, sgdrt_pool *pool, Compiled *const *functions, int count, ModuleCode *code) {
    CodeShare shares[MOST_OBJECTS];
    code->count = sgdrt_pool_threads(pool);
    for (int t = 0; t < code->count; t++) shares[t] = share_of(c, functions, count, t, code->count);
    if (pool != NULL)
        sgdrt_pool_run(pool, compile_in_pool, shares);
    else
        compile_share(shares);
    int longest = 0;
    for (int t = 0; t < code->count; t++) {
        const CodegenTimes *times = &shares[t].session.times, *most = &shares[longest].session.times;
        code->objects[t] = shares[t].object;
        if (times->machine_code > most->machine_code) longest = t;
    }
    add_times(c, &shares[longest].session.times);
}

void session_objects(Codegen *c, Compiled *const *functions, int count, int late_count, ModuleCode *code) {
    int first = count - late_count;
    double late = code_of_functions(c, functions + first, late_count), needed = code_of_functions(c, functions, first);
    bool is_late = c->options.threads > 1 && !c->options.all_at_once && late >= LEAST_SHARE;
    sgdrt_pool *pool = sgdrt_pool_new(threads_for(c, is_late ? needed : needed + late));
    bool one_is_left = sgdrt_pool_threads(pool) < c->options.threads;
    *code = (ModuleCode){0};
    if (is_late) {
        code->late = arena_new_of(c->arena, LateCode);
        code->late->share = share_of(c, functions + first, late_count, 0, 1);
    }
    if (is_late && one_is_left) start_late(code->late);
    compile_shares(c, pool, functions, is_late ? first : count, code);
    sgdrt_pool_free(pool);
    if (is_late && !one_is_left) start_late(code->late);
}
