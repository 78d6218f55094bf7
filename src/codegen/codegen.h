/* codegen: from a Run's functions (graphs at the line where bits are fixed) to machine code.
 *
 *   ir/loops/                        graph -> trees of loops (ir/loops/tree.h)
 *   architecture.c                   what differs between architectures (architectures.def); processors by name
 *   target.c                         the processor that code is for, LLVM target machines
 *   function_key.c                   which functions have the same code
 *   tree_emitter.h                   trees of loops -> LLVM, through the C API only; its files
 *   emit.h                           what operations, indices and loops are made of in LLVM; its files
 *   emit_parts.c                     the step of a run whose steps have several parts
 *   check.c                          nothing but the closed list of docs/numerics.md is in the module
 *   codegen.c session.h              a session: functions compiled once, runs that share them
 *   jit.c object.c                   code in this process; code in an object file
 *   code_cache.c                     what earlier processes compiled, on disk
 *   object_model.c embedded.c        what an object holds besides: its sgdrt_model, the functions of the C API
 *   model_facts.c                    what of it a run does not say itself; units of C (c/) say it too
 *   interface.c header.c             object and header side by side; the header
 *   c_api.c                          the functions of the C API, one row each
 *   object_library.c                 those that need libsgdrt, where a shared object has them
 *   exported_names.c                 what all that is called in C; library_names.c: names that are taken
 *   memory.c                         where LLVM gets no memory
 *   llvm_versions.h                  LLVM's headers, and what differs between its versions
 *
 * A Codegen is one compilation session of a program. Runs whose functions are the same (same graph, layout of
 * the state and block of rows) share one compiled function, so a sweep compiles little more than one run.
 * Every generated function has the type sgdrt_function (runtime/core.h). The same bits come out at every
 * optimisation level and for every cpu.
 *
 * No LLVM header is needed to use this file, and no LLVM message reaches a user unworded.
 */
#ifndef SGDC_CODEGEN_H
#define SGDC_CODEGEN_H
#include "ir/executor.h"

typedef enum Architecture {
#define ARCHITECTURE(NAME, ...) NAME,
#include "codegen/architectures.def"
#undef ARCHITECTURE
} Architecture;

typedef struct CodegenOptions {
    const char *cpu;        /* NULL: "native", or for another machine's triple what all of its kind run */
    const char *triple;     /* NULL: this machine's; only objects and texts may have another */
    int level;              /* 0 .. 3 */
    int64_t least_outlined; /* nests of so many operations become functions of their own; 0: as usual (tests) */
    size_t caches;          /* bytes of the caches that kernels are cut for; 0: the processor's. For tests:
                                 * small ones cut small kernels */
    bool shares_all;        /* threads share every loop that can be shared: for tests, where all are small */
    const char *cache;      /* folder where functions for this process are kept for later ones; NULL: none */
    bool verify; /* trees are verified after each pass, and modules: for tests, also where SGDC_VERIFY is set */
} CodegenOptions;

const char *codegen_native(void); /* what "native" is here: "x86-64-v3", "aarch64" */
Architecture codegen_host(void);  /* of the machine at hand */

/* Seconds spent so far, for --time-passes. */
typedef struct CodegenTimes {
    double loops, emit, optimise, machine_code, link;
} CodegenTimes;

typedef struct Codegen Codegen;
/* NULL, with a diagnostic (code E0601, no span), if this LLVM does not know the cpu or target. */
Codegen *codegen_new(Arena *arena, const CodegenOptions *options, Diagnostics *diagnostics);
void codegen_free(Codegen *codegen); /* the executors it made are dead then */
Architecture codegen_architecture(const Codegen *codegen);
const CodegenTimes *codegen_times(const Codegen *codegen);

/* ---- in this process. The run's graphs are past `order` (with or without `rules`). NULL, with a diagnostic,
 * if this machine cannot run code for the chosen cpu. Functions are compiled when first called or by
 * codegen_jit_all. */
Executor *codegen_jit(Codegen *codegen, const Run *run);
bool codegen_jit_all(Codegen *codegen, Executor *const *executors, int count); /* compile now, in one module */

/* ---- text: what --emit=loops, llvm and asm print: all functions of a run, deterministic. */
typedef enum CodegenText { CODEGEN_LOOPS, CODEGEN_LLVM, CODEGEN_ASM } CodegenText;
bool codegen_text(Codegen *codegen, Text *to, const Run *const *runs, const char *const *prefixes, int count,
                  CodegenText kind);

/* ---- object file. Functions PREFIX__init, PREFIX__step, PREFIX__evaluate, PREFIX__predict, PREFIX__metric0
 * .. (extern, hidden), for each run under its prefix, those only that the run has. `extra`, if not NULL, is
 * called with the module (an LLVMModuleRef) before it is optimised and adds the C API to it; what it adds may
 * use any LLVM construct that needs no library beyond those documented for the object. */
struct LLVMOpaqueModule;
typedef struct CodegenExtra {
    void (*add)(struct LLVMOpaqueModule *module, void *context);
    void *context;
} CodegenExtra;
/* The processors that an object for these options carries, each a session of its own, ascending; their number.
 * level: what NAME_init asks the processor at hand for (2, 3, 4: x86-64's); 0: code for one, not checked. */
typedef struct ObjectProcessor {
    const char *cpu;
    int level;
} ObjectProcessor;
enum { MOST_OBJECT_PROCESSORS = 3 };
int codegen_object_processors(Arena *arena, const CodegenOptions *options, ObjectProcessor *processors);
/* What of a run the API must know and only planning tells: bytes of call->work for each entry. */
typedef struct CodegenSizes {
    size_t init, step, evaluate, predict, most;
    size_t thread; /* more of call->scratch for each thread but the first, in training; 0: it gains from none */
} CodegenSizes;
CodegenSizes codegen_sizes(Codegen *codegen, const Run *run);
/* The sessions may be for several processors: the object then carries the functions of each, PREFIX being
 * prefixes[session * count + run]. LLVM's machine of the first one, which should ask least of a processor,
 * makes the bytes. */
void codegen_object(Codegen *const *sessions, int session_count, Text *to, const Run *const *runs,
                    const char *const *prefixes, int count, const CodegenExtra *extra);
#endif
