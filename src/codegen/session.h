/* session: what a Codegen holds, between codegen.c (functions, modules), machine_code.c, jit.c, object.c, measured.c and tuning.c. */
#ifndef SGDC_SESSION_H
#define SGDC_SESSION_H
#include "codegen/code_cache.h"
#include "codegen/codegen.h"
#include "codegen/llvm/emitter.h"
#include "codegen/target/target.h"
#include "ir/loops/tree.h"
#include <llvm-c/LLJIT.h>

/* A function planned once for all runs that have the same. */
typedef struct Compiled {
    const char *key;
    uint64_t hash;
    const Run *run;
    const Function *function;
    int64_t batch;
    SideBySide runs;   /* that take their steps together; 1 */
    LoopTree *tree;    /* NULL: what is below is from an earlier process, and no code is needed so far */
    int64_t most_rows; /* of a mini-batch; 0: any number */
    size_t work_bytes;
    bool impossible;         /* for several runs */
    bool shared;             /* it gains from threads */
    const char *symbol;      /* in the JIT */
    sgdrt_function *address; /* NULL: not compiled yet */
    struct LateModule *late; /* its code is late */
    struct Compiled *next;
} Compiled;

struct Codegen {
    Arena *arena;
    CodegenOptions options;
    Diagnostics *diagnostics;
    Target target;
    CodegenTimes times;
    Compiled *functions;
    int function_count;
    LLVMOrcLLJITRef jit;
    struct LateModule *late; /* the last one */
    CodeCache *cache;        /* of functions for this process; NULL: none */
};

double session_seconds(void);
/* ---- measured.c */
void measured_recall(Codegen *c); /* into the model of the machine at hand */
const char *machine_as_text(Arena *arena, const Machine *machine);
/* ---- tuning.c */
const KernelTuning *tuning_kept(const Codegen *c);
const char *tuning_text(Arena *arena, const KernelTuning *tuning); /* equal for equal choices */
/* ---- function_key.c: equal for two functions if and only if they have the same code */
void function_key(Text *to, const Run *run, const Function *function, int64_t batch);

/* ---- codegen.c */
void session_prepare_heap(void);     /* heap.c: the thread's, for what LLVM allocates */
void session_expect_no_memory(void); /* out_of_memory.c: exit code 3 where LLVM would abort */
Compiled *session_function(Codegen *c, const Run *run, const Function *function, int64_t batch);
/* batch: of whole mini-batches of so many rows; 0: of any. NULL: the runs cannot take it together. */
Compiled *session_step_of_runs(Codegen *c, const Run *run, int64_t batch, SideBySide runs);
void session_loops(Codegen *c, Compiled *f); /* its tree */
/* A fresh module for this session's target; emission, verification and passes with their times. */
LLVMModuleRef session_module(Codegen *c, LLVMContextRef context, const char *name);
EmitContext session_context(const Codegen *c, LLVMModuleRef module);
LLVMValueRef session_emit(Codegen *c, LLVMModuleRef module, Compiled *f, const char *symbol);
/* Equal functions become one; then each is optimised for itself. */
void session_optimise(Codegen *c, LLVMModuleRef module);
/* The same where, in between, bodies of functions that others compile are marked as available elsewhere. */
void session_merge_functions(Codegen *c, LLVMModuleRef module);
void session_optimise_share(Codegen *c, LLVMModuleRef module);

/* ---- machine_code.c */
/* Of an optimised module. */
LLVMMemoryBufferRef session_machine_code(Codegen *c, LLVMModuleRef module, LLVMCodeGenFileType kind);
enum { MOST_OBJECTS = 8 };
typedef struct LateCode LateCode; /* compiled while the program goes on */
typedef struct ModuleCode {
    LLVMMemoryBufferRef objects[MOST_OBJECTS];
    int count;
    LateCode *late; /* NULL: nothing is late */
} ModuleCode;
/* Functions as objects that are linked together; the last ones, so many, may be late. */
void session_objects(Codegen *c, Compiled *const *functions, int count, int late_count, ModuleCode *code);
LLVMMemoryBufferRef late_code_object(Codegen *c, LateCode *late); /* once; waits for it */

/* Entries of a run that have roots, in order: init, step, evaluate, predict, parts of a step, metrics. */
typedef struct RunEntry {
    Entry entry;
    int measure; /* of ENTRY_METRIC; the part of ENTRY_PART */
    const Function *function;
    int64_t batch;
    const char *name;
} RunEntry;
int session_entries(Codegen *c, const Run *run, RunEntry **entries);
#endif
