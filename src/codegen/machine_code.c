/* machine_code: a module for this process becomes objects, by several threads where it is long.
 *
 * LLVM takes most of the time of a compilation for passes and instruction selection, which look at one function at a
 * time. So, once equal functions are one, functions are dealt out: each thread reads the module in a context of its
 * own, drops the bodies that are not its own, and compiles the rest. A context belongs to one thread, and so a module
 * travels as bitcode; the caller takes its share from the module itself. What is internal becomes external, under a name
 * that no other module of the session has. Functions call each other in the same way, and so who compiles them moves no bit.
 *
 * What is not needed at first is a share of its own, late code, if there are several threads: one more compiles it, at once
 * where a processor is left for it, else after the others.
 */
#include "codegen/session.h"
#include "pool.h"
#include <llvm-c/BitReader.h>
#include <llvm-c/BitWriter.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- functions of a module ----------------------------------------------------------------------- */
static int64_t instructions_of(LLVMValueRef function) {
    int64_t count = 0;
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(function); b != NULL; b = LLVMGetNextBasicBlock(b))
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i != NULL; i = LLVMGetNextInstruction(i)) count++;
    return count;
}

enum { LATE = MOST_OBJECTS }; /* the owner of late code */

typedef struct Sized {
    LLVMValueRef function;
    int64_t instructions; /* 0: a declaration */
    int index, owner;     /* in the module; the share that it is of */
} Sized;

typedef struct Functions {
    Sized *items; /* in the order of the module */
    int count;
    int64_t needed, late; /* instructions */
} Functions;

static int by_size(const void *a, const void *b) {
    const Sized *x = a, *y = b;
    if (x->instructions != y->instructions) return x->instructions > y->instructions ? -1 : 1;
    return x->index - y->index;
}

static int by_index(const void *a, const void *b) { return ((const Sized *)a)->index - ((const Sized *)b)->index; }

/* All of them late. */
static Functions functions_of(Arena *arena, LLVMModuleRef module) {
    Functions all = {0};
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f != NULL; f = LLVMGetNextFunction(f)) all.count++;
    all.items = arena_array(arena, Sized, all.count + 1);
    int n = 0;
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f != NULL; f = LLVMGetNextFunction(f), n++) {
        all.items[n] = (Sized){f, instructions_of(f), n, LATE};
        all.late += all.items[n].instructions;
    }
    return all;
}

/* This function and what it calls are needed at first. */
static void need_at_first(Functions *all, LLVMValueRef function) {
    Sized *f = all->items;
    while (f->function != function) f++;
    if (f->owner != LATE) return;
    f->owner = 0;
    all->needed += f->instructions;
    all->late -= f->instructions;
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(function); b != NULL; b = LLVMGetNextBasicBlock(b))
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i != NULL; i = LLVMGetNextInstruction(i)) {
            LLVMValueRef called = LLVMIsACallInst(i) ? LLVMGetCalledValue(i) : NULL;
            if (called != NULL && LLVMIsAFunction(called) && !LLVMIsDeclaration(called)) need_at_first(all, called);
        }
}

/* All is needed but what only these call. */
static void find_needed(Functions *all, const char *const *late, int late_count) {
    for (int i = 0; i < all->count; i++) {
        LLVMValueRef f = all->items[i].function;
        size_t length;
        const char *name = LLVMGetValueName2(f, &length);
        bool is_called = LLVMIsDeclaration(f) || LLVMGetLinkage(f) == LLVMInternalLinkage;
        for (int k = 0; k < late_count; k++) is_called |= strcmp(name, late[k]) == 0;
        if (!is_called) need_at_first(all, f);
    }
}

/* The longest first, each to who has least. */
static void deal_out(Functions *all, int threads) {
    int64_t load[MOST_OBJECTS] = {0};
    qsort(all->items, (size_t)all->count, sizeof *all->items, by_size);
    for (int i = 0; i < all->count; i++) {
        int least = 0;
        if (all->items[i].owner == LATE) continue;
        for (int t = 1; t < threads; t++)
            if (load[t] < load[least]) least = t;
        all->items[i].owner = least;
        load[least] += all->items[i].instructions;
    }
    qsort(all->items, (size_t)all->count, sizeof *all->items, by_index);
}

static void make_external(Arena *arena, LLVMModuleRef module, const char *prefix) {
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f != NULL; f = LLVMGetNextFunction(f)) {
        if (LLVMGetLinkage(f) != LLVMInternalLinkage && LLVMGetLinkage(f) != LLVMPrivateLinkage) continue;
        size_t length;
        const char *name = text_format(arena, "%s.%s", prefix, LLVMGetValueName2(f, &length));
        LLVMSetValueName2(f, name, strlen(name));
        LLVMSetLinkage(f, LLVMExternalLinkage);
    }
}

static void drop_body(LLVMValueRef function) {
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(function); b != NULL; b = LLVMGetNextBasicBlock(b)) {
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i != NULL; i = LLVMGetNextInstruction(i))
            if (LLVMGetTypeKind(LLVMTypeOf(i)) != LLVMVoidTypeKind)
                LLVMReplaceAllUsesWith(i, LLVMGetPoison(LLVMTypeOf(i)));
        LLVMInstructionEraseFromParent(LLVMGetBasicBlockTerminator(b));
    }
    for (LLVMBasicBlockRef b; (b = LLVMGetFirstBasicBlock(function)) != NULL;) LLVMDeleteBasicBlock(b);
}

/* ---- shares ------------------------------------------------------------------------------------------ */
typedef struct CodeShare {
    const Codegen *codegen;
    LLVMModuleRef module; /* NULL: it is read from the bitcode, on the thread that compiles it */
    LLVMMemoryBufferRef bitcode;
    const Sized *functions;
    int owner;
    const char *passes;
    LLVMMemoryBufferRef object;
    double optimise, machine_code; /* seconds */
} CodeShare;

static LLVMMemoryBufferRef object_of(LLVMTargetMachineRef machine, LLVMModuleRef module) {
    char *message = NULL;
    LLVMMemoryBufferRef object;
    if (LLVMTargetMachineEmitToMemoryBuffer(machine, module, LLVMObjectFile, &message, &object) != 0)
        INTERNAL_ERROR("LLVM made no code: %s", message);
    return object;
}

/* The module as the target's machine compiles it. */
static void compile_module(CodeShare *s, LLVMModuleRef module, LLVMTargetMachineRef machine) {
    double start = session_seconds();
    int index = 0;
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f != NULL; f = LLVMGetNextFunction(f), index++)
        if (s->functions[index].owner != s->owner) drop_body(f);
    session_run_passes(module, machine, s->passes);
    double optimised = session_seconds();
    s->object = object_of(machine, module);
    s->optimise = optimised - start;
    s->machine_code = session_seconds() - optimised;
}

static void compile_copy(CodeShare *s) {
    LLVMTargetMachineRef machine = target_machine_copy(&s->codegen->target, s->codegen->options.level);
    LLVMContextRef context = LLVMContextCreate();
    LLVMModuleRef module;
    if (LLVMParseBitcodeInContext2(context, s->bitcode, &module) != 0) INTERNAL_ERROR("LLVM cannot read its bitcode");
    compile_module(s, module, machine);
    LLVMDisposeModule(module);
    LLVMContextDispose(context);
    LLVMDisposeTargetMachine(machine);
}

static void compile_share(void *shares, int thread) {
    CodeShare *s = (CodeShare *)shares + thread;
    if (s->module != NULL)
        compile_module(s, s->module, s->codegen->target.machine);
    else
        compile_copy(s);
}

/* ---- late code --------------------------------------------------------------------------------------- */
struct LateCode {
    CodeShare share;
    pthread_t thread;
    bool is_on_thread; /* false: the system gave none, and it is there */
};

static void *compile_late(void *late) {
    compile_copy(&((LateCode *)late)->share);
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
    c->times.optimise += late->share.optimise;
    c->times.machine_code += late->share.machine_code;
    LLVMDisposeMemoryBuffer(late->share.bitcode);
    return late->share.object;
}

/* ---- all together -------------------------------------------------------------------------------- */
/* Instructions that take longer to compile than a module takes to be written and read, and a thread to start. */
enum { LEAST_SHARE = 2000 };

static int threads_for(const Codegen *c, int64_t instructions) {
    int64_t threads = instructions / LEAST_SHARE;
    if (threads > c->options.threads) threads = c->options.threads;
    return threads < MOST_OBJECTS ? (int)threads : MOST_OBJECTS;
}

/* Adds the times of those that took longest. */
static void end_shares(Codegen *c, CodeShare *shares, ModuleCode *code) {
    double optimise = 0, machine_code = 0;
    for (int i = 0; i < code->count; i++) {
        code->objects[i] = shares[i].object;
        if (shares[i].optimise > optimise) optimise = shares[i].optimise;
        if (shares[i].machine_code > machine_code) machine_code = shares[i].machine_code;
    }
    c->times.optimise += optimise;
    c->times.machine_code += machine_code;
}

void session_objects(Codegen *c, LLVMModuleRef module, const char *prefix, const char *const *late, int late_count,
                     ModuleCode *code) {
    session_merge_functions(c, module);
    Functions all = functions_of(c->arena, module);
    find_needed(&all, late, c->options.threads > 1 ? late_count : 0);
    bool is_late = all.late >= LEAST_SHARE;
    if (!is_late) find_needed(&all, NULL, 0);
    sgdrt_pool *pool = sgdrt_pool_new(threads_for(c, all.needed));
    CodeShare share = {.codegen = c, .functions = all.items, .passes = session_passes(c)}, shares[MOST_OBJECTS];
    *code = (ModuleCode){.count = sgdrt_pool_threads(pool)};
    deal_out(&all, code->count);
    if (code->count > 1 || is_late) {
        make_external(c->arena, module, prefix);
        share.passes = text_format(c->arena, "globaldce,%s", share.passes);
        share.bitcode = LLVMWriteBitcodeToMemoryBuffer(module);
    }
    for (int t = 0; t < code->count; t++) {
        shares[t] = share;
        shares[t].owner = t;
    }
    shares[0].module = module;
    if (is_late) {
        code->late = arena_new_of(c->arena, LateCode);
        code->late->share = share;
        code->late->share.owner = LATE;
    }
    bool one_is_left = code->count < c->options.threads;
    if (is_late && one_is_left) start_late(code->late);
    if (pool != NULL)
        sgdrt_pool_run(pool, compile_share, shares);
    else
        compile_share(shares, 0);
    if (is_late && !one_is_left) start_late(code->late);
    if (!is_late && share.bitcode != NULL) LLVMDisposeMemoryBuffer(share.bitcode);
    sgdrt_pool_free(pool);
    end_shares(c, shares, code);
}
