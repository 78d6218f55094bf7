/* machine_code: a module for this process becomes objects, by several threads where it is long.
 *
 * LLVM takes most of the time of a compilation for passes and instruction selection, which look at one function at a
 * time. So, once equal functions are one, functions are dealt out: each thread reads the module in a context of its
 * own, drops the bodies that are not its own, and compiles the rest. A context belongs to one thread, and so a module
 * travels as bitcode. What is internal becomes external, under a name that no other module of the session has.
 * Functions call each other in the same way, and so who compiles them moves no bit.
 */
#include "codegen/session.h"
#include "pool.h"
#include <llvm-c/BitReader.h>
#include <llvm-c/BitWriter.h>
#include <stdlib.h>
#include <string.h>

/* ---- functions of a module ----------------------------------------------------------------------- */
static int64_t instructions_of(LLVMValueRef function) {
    int64_t count = 0;
    for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(function); b != NULL; b = LLVMGetNextBasicBlock(b))
        for (LLVMValueRef i = LLVMGetFirstInstruction(b); i != NULL; i = LLVMGetNextInstruction(i)) count++;
    return count;
}

typedef struct Sized {
    int64_t instructions; /* 0: a declaration */
    int index, owner;     /* in the module; the thread that compiles it */
} Sized;

static int by_size(const void *a, const void *b) {
    const Sized *x = a, *y = b;
    if (x->instructions != y->instructions) return x->instructions > y->instructions ? -1 : 1;
    return x->index - y->index;
}

static int by_index(const void *a, const void *b) { return ((const Sized *)a)->index - ((const Sized *)b)->index; }

static Sized *sizes_of(Arena *arena, LLVMModuleRef module, int *count, int64_t *instructions) {
    *count = 0;
    *instructions = 0;
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f != NULL; f = LLVMGetNextFunction(f)) (*count)++;
    Sized *sizes = arena_array(arena, Sized, *count + 1);
    int n = 0;
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f != NULL; f = LLVMGetNextFunction(f), n++) {
        sizes[n] = (Sized){instructions_of(f), n, 0};
        *instructions += sizes[n].instructions;
    }
    return sizes;
}

/* The longest first, each to who has least. */
static void deal_out(Sized *sizes, int count, int threads) {
    int64_t load[MOST_OBJECTS] = {0};
    qsort(sizes, (size_t)count, sizeof *sizes, by_size);
    for (int i = 0; i < count; i++) {
        int least = 0;
        for (int t = 1; t < threads; t++)
            if (load[t] < load[least]) least = t;
        sizes[i].owner = least;
        load[least] += sizes[i].instructions;
    }
    qsort(sizes, (size_t)count, sizeof *sizes, by_index);
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

/* ---- threads ----------------------------------------------------------------------------------------- */
typedef struct CodeShare {
    LLVMTargetMachineRef machine; /* its own */
    LLVMMemoryBufferRef module;   /* all of it, as bitcode */
    const Sized *sizes;
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

static void compile_share(void *shares, int thread) {
    CodeShare *s = (CodeShare *)shares + thread;
    double start = session_seconds();
    LLVMContextRef context = LLVMContextCreate();
    LLVMModuleRef module;
    if (LLVMParseBitcodeInContext2(context, s->module, &module) != 0) INTERNAL_ERROR("LLVM cannot read its bitcode");
    int index = 0;
    for (LLVMValueRef f = LLVMGetFirstFunction(module); f != NULL; f = LLVMGetNextFunction(f), index++)
        if (s->sizes[index].owner != thread) drop_body(f);
    session_run_passes(module, s->machine, s->passes);
    double optimised = session_seconds();
    s->object = object_of(s->machine, module);
    s->optimise = optimised - start;
    s->machine_code = session_seconds() - optimised;
    LLVMDisposeModule(module);
    LLVMContextDispose(context);
}

/* ---- all together -------------------------------------------------------------------------------- */
/* Instructions that take longer to compile than a module takes to be written and read, and a thread to start. */
enum { LEAST_SHARE = 2000 };

static int threads_for(const Codegen *c, int64_t instructions) {
    int64_t threads = instructions / LEAST_SHARE;
    if (threads > c->options.threads) threads = c->options.threads;
    return threads < MOST_OBJECTS ? (int)threads : MOST_OBJECTS;
}

/* Deals the functions out to the threads of the pool. */
static int compile_in_shares(Codegen *c, LLVMModuleRef module, const char *prefix, Sized *sizes, int count,
                             sgdrt_pool *pool, LLVMMemoryBufferRef *objects) {
    int threads = sgdrt_pool_threads(pool);
    CodeShare share[MOST_OBJECTS];
    deal_out(sizes, count, threads);
    make_external(c->arena, module, prefix);
    const char *passes = text_format(c->arena, "globaldce,%s", session_passes(c));
    LLVMMemoryBufferRef bitcode = LLVMWriteBitcodeToMemoryBuffer(module);
    for (int t = 0; t < threads; t++)
        share[t] = (CodeShare){target_machine_copy(&c->target, c->options.level), bitcode, sizes, passes, NULL, 0, 0};
    sgdrt_pool_run(pool, compile_share, share);
    LLVMDisposeMemoryBuffer(bitcode);
    double optimise = 0, machine_code = 0;
    for (int t = 0; t < threads; t++) {
        objects[t] = share[t].object;
        LLVMDisposeTargetMachine(share[t].machine);
        if (share[t].optimise > optimise) optimise = share[t].optimise;
        if (share[t].machine_code > machine_code) machine_code = share[t].machine_code;
    }
    c->times.optimise += optimise;
    c->times.machine_code += machine_code;
    return threads;
}

static void compile_whole(Codegen *c, LLVMModuleRef module, LLVMMemoryBufferRef *object) {
    double start = session_seconds();
    session_run_passes(module, c->target.machine, session_passes(c));
    double optimised = session_seconds();
    *object = object_of(c->target.machine, module);
    c->times.optimise += optimised - start;
    c->times.machine_code += session_seconds() - optimised;
}

int session_objects(Codegen *c, LLVMModuleRef module, const char *prefix, LLVMMemoryBufferRef *objects) {
    int functions, count = 1;
    int64_t instructions;
    session_merge_functions(c, module);
    Sized *sizes = sizes_of(c->arena, module, &functions, &instructions);
    sgdrt_pool *pool = sgdrt_pool_new(threads_for(c, instructions));
    if (pool != NULL)
        count = compile_in_shares(c, module, prefix, sizes, functions, pool, objects);
    else
        compile_whole(c, module, objects);
    sgdrt_pool_free(pool);
    return count;
}
