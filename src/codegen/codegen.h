/* codegen: from a Run's functions (graphs at the line where bits are fixed) to machine code.
 *
 *   ir/loops/                        graph -> trees of loops (ir/loops/tree.h)
 *   target/architecture.h            what differs between architectures (architectures.def); processors by name
 *   target/target.h                  the processor that code is for: LLVM's target machine
 *   target/options.h                 what is asked of code;  versions.h: LLVM's headers
 *   llvm/emitter.h                   trees of loops -> LLVM; its files.  c/, onnx/: to C, and graphs to ONNX
 *   codegen.c session.h              a session: functions compiled once, runs that share them
 *   function_key.c                   which functions have the same code
 *   machine_code.c                   a module -> objects for this process, by several threads
 *   jit.c code_cache.c               code in this process; what earlier processes compiled, on disk
 *   measured.c tuning.c              what they measured of this machine, and which schedules to be fastest
 *   heap.c out_of_memory.c           memory that LLVM takes, and where it gets none
 *   object/interface.h               objects, their headers and what both are called; its files
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
#include "codegen/target/options.h"
#include "ir/executor.h"
#include "ir/loops/tuning.h"

/* Seconds spent so far, for --time-passes. */
typedef struct CodegenTimes {
    double schedule, pass[MOST_TREE_PASSES]; /* of tree_passes */
    double emit, optimise, machine_code, link;
} CodegenTimes;

typedef struct Codegen Codegen;
/* NULL, with a diagnostic (code E0601, no span), if this LLVM does not know the cpu or target. */
Codegen *codegen_new(Arena *arena, const CodegenOptions *options, Diagnostics *diagnostics);
void codegen_free(Codegen *codegen); /* the executors it made are dead then, and its times are whole */
Architecture codegen_architecture(const Codegen *codegen);
const CodegenTimes *codegen_times(const Codegen *codegen);

/* ---- in this process. The run's graphs are past `order` (with or without `rules`). NULL, with a diagnostic,
 * if this machine cannot run code for the chosen cpu. Functions are compiled when first called or by
 * codegen_jit_all. */
Executor *codegen_jit(Codegen *codegen, const Run *run);
/* Steps of so many runs that have the same: call->state has them side by side, an element of each run's slots and cells
 * beside that of the next, each as many times as far from the beginning; the header is of all of them. Likewise call->sums,
 * and of runs with rows of their own the elements of a row, which is of all of them too.
 * whole: but for the run's own number of rows no mini-batch has another. NULL: their steps cannot be taken together. */
Executor *codegen_jit_together(Codegen *codegen, const Run *run, SideBySide runs, bool whole);
/* Have the runs of two executors the same steps? */
bool codegen_same_steps(const Executor *a, const Executor *b);
bool codegen_same_functions(const Executor *a, const Executor *b); /* evaluations and predictions too */
/* Compile now, in one module: steps, and, where executor->evaluates, what it evaluates by while the caller goes on. */
void codegen_jit_all(Codegen *codegen, Executor *const *executors, int count);

/* ---- tuning. Kernels of what an executor calls for this (of steps: of whole mini-batches), as they are scheduled; their
 * number. */
int codegen_kernels(Codegen *codegen, const Executor *executor, Entry entry, const PlannedKernel **kernels);
const char *codegen_loops(Codegen *codegen, const Executor *executor, Entry entry); /* the same, printed */
const KernelTuning *codegen_tuning(const Codegen *codegen);                         /* NULL: all is computed */
bool codegen_may_keep_tuning(Codegen *codegen);                                     /* is there a folder for it? */
/* For later sessions of this machine and level, with what others have kept; false: it cannot be written. */
bool codegen_keep_tuning(Codegen *codegen, const KernelTuning *tuning);

/* ---- measured.c: the processor that code is for, and where each figure is from */
typedef enum FigureOrigin { FIGURE_OF_LEVEL, FIGURE_READ, FIGURE_MEASURED } FigureOrigin;
const char *codegen_processor(const Codegen *codegen); /* "znver4, x86-64-v4" */
const Machine *codegen_machine(const Codegen *codegen);
bool codegen_machine_is_here(const Codegen *codegen); /* or one is described in its stead */
FigureOrigin codegen_figure_origin(const Codegen *codegen, MachineFigure figure);
/* Figures of the machine at hand, 0: not measured, from now on and for later sessions; false: they cannot be written. */
bool codegen_keep_measured(Codegen *codegen, const Machine *measured);

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
/* What of a run the API must know and only planning tells: bytes of call->work for each entry. */
typedef struct CodegenSizes {
    size_t init, step, evaluate, predict, most;
    uint64_t shared; /* which entries gain from threads: bits of SGDRT_SHARES_... (model.h) */
} CodegenSizes;
CodegenSizes codegen_sizes(Codegen *codegen, const Run *run);
/* The sessions may be for several processors: the object then carries the functions of each, PREFIX being
 * prefixes[session * count + run]. LLVM's machine of the first one, which should ask least of a processor,
 * makes the bytes. */
void codegen_object(Codegen *const *sessions, int session_count, Text *to, const Run *const *runs,
                    const char *const *prefixes, int count, const CodegenExtra *extra);
#endif
