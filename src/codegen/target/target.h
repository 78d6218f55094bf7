/* target: processors sgdc knows, and LLVM's target machine for one of them Private to codegen. */
#ifndef SGDC_TARGET_H
#define SGDC_TARGET_H
#include "codegen/target/options.h"
#include <llvm-c/TargetMachine.h>

typedef struct Target {
    const ProcessorLevel *level;
    Machine model, as_read; /* of the level, of the machine at hand, or what tests ask for; before what was measured */
    bool read[MACHINE_FIGURES], measured[MACHINE_FIGURES]; /* otherwise the level's */
    bool is_here;                                          /* the model is of the machine at hand */
    TileNumbers numbers;                                   /* that follow from it */
    Architecture architecture;
    bool runs_here;
    const char *cpu, *triple;
    LLVMTargetMachineRef machine;
} Target;
/* False, with a diagnostic, if processor or triple are unknown. */
bool target_open(Target *target, Arena *arena, const CodegenOptions *options, Diagnostics *diagnostics);
/* For another thread, which disposes of it. */
LLVMTargetMachineRef target_machine_copy(const Target *target, int level);
void target_close(Target *target);

/* ---- system.c: what the system says of the machine at hand */
/* Sets the caches of the machine, and read[figure] where it does; what it does not find, or does not believe, stays as it was. */
void system_read_caches(Arena *arena, Machine *machine, bool read[MACHINE_FIGURES]);
bool system_is_named(void); /* by SGDC_MACHINE: another one than this */
#endif
