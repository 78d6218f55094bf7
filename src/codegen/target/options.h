/* options: what a session is asked for: which processor, how well optimised, and what tests want of it. */
#ifndef SGDC_CODEGEN_OPTIONS_H
#define SGDC_CODEGEN_OPTIONS_H
#include "codegen/target/architecture.h"
#include "ir/loops/tuning.h"
#include <stddef.h>

typedef struct CodegenOptions {
    const char *cpu;            /* NULL: "native", or for another machine's triple what all of its kind run */
    const char *triple;         /* NULL: this machine's; only objects and texts may have another */
    int level;                  /* 0 .. 3 */
    int threads;                /* that compile functions for this process; 0: one */
    bool all_at_once;           /* no code is late, as nothing is called before all is compiled */
    int64_t least_outlined;     /* nests of so many operations become functions of their own; 0: as usual (tests) */
    size_t caches;              /* bytes of the caches that kernels are cut for; 0: the processor's. For tests:
                                 * small ones cut small kernels */
    bool shares_all;            /* threads share every loop that can be shared: for tests, where all are small */
    const char *cache;          /* folder where functions for this process are kept for later ones; NULL: none */
    const char *last_pass;      /* on trees, for looking at them; NULL: all */
    const char *tuned;          /* folder where choices of schedules and what was measured are kept; NULL: none */
    const KernelTuning *tuning; /* NULL: those that are kept, or SGDC_SCHEDULES=SEED draws them, for tests */
    bool verify; /* trees are verified after each pass, and modules: for tests, also where SGDC_VERIFY is set */
} CodegenOptions;

/* The processors that an object for these options carries, each a session of its own, ascending; their number.
 * level: what NAME_init asks the processor at hand for (2, 3, 4: x86-64's); 0: code for one, not checked. */
typedef struct ObjectProcessor {
    const char *cpu;
    int level;
} ObjectProcessor;
enum { MOST_OBJECT_PROCESSORS = 3 };

/* ---- target.c */
const char *codegen_native(void); /* what "native" is here: "x86-64-v3", "aarch64" */
Architecture codegen_host(void);  /* of the machine at hand */
int codegen_object_processors(Arena *arena, const CodegenOptions *options, ObjectProcessor *processors);
#endif
