/* target: processors sgdc knows, and LLVM's target machine for one of them.
 *
 * A processor matters by its level alone (x86-64-v2: 4 lanes of f32 and no fma; v3: 8 lanes; v4: 16 lanes and
 * 32 registers); its name further chooses LLVM's scheduling model. `native` is the level the machine has,
 * with its own model. The bits are the same for all.
 */
#include "codegen/target.h"
#include <llvm-c/Core.h>
#include <llvm-c/Target.h>
#include <string.h>

typedef struct Processor { const char *name; int level; } Processor;

static const Processor processors[] = {
    {"x86-64-v2", 2}, {"x86-64-v3", 3}, {"x86-64-v4", 4},
    {"nehalem", 2}, {"westmere", 2}, {"sandybridge", 2}, {"ivybridge", 2}, {"silvermont", 2}, {"goldmont", 2},
    {"haswell", 3}, {"broadwell", 3}, {"skylake", 3}, {"alderlake", 3}, {"raptorlake", 3}, {"gracemont", 3},
    {"znver1", 3}, {"znver2", 3}, {"znver3", 3},
    {"skylake-avx512", 4}, {"cascadelake", 4}, {"icelake-client", 4}, {"icelake-server", 4}, {"tigerlake", 4},
    {"sapphirerapids", 4}, {"emeraldrapids", 4}, {"graniterapids", 4}, {"znver4", 4}, {"znver5", 4},
};

static int host_level(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq")
        && __builtin_cpu_supports("avx512vl"))
        return 4;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
        return 3;
    return __builtin_cpu_supports("sse4.2") ? 2 : 1;
#else
    return 0;
#endif
}

static LoopTarget loop_target(int level) {
    switch (level) {
    case 4: return (LoopTarget){.lanes = 16, .registers = 32, .fma = true};
    case 3: return (LoopTarget){.lanes = 8, .registers = 16, .fma = true};
    default: return (LoopTarget){.lanes = 4, .registers = 16, .fma = false};
    }
}

static LLVMCodeGenOptLevel machine_level(int level) {
    static const LLVMCodeGenOptLevel of[] = {LLVMCodeGenLevelNone, LLVMCodeGenLevelLess,
                                             LLVMCodeGenLevelDefault, LLVMCodeGenLevelAggressive};
    return of[level < 0 ? 0 : level > 3 ? 3 : level];
}

/* A copy in the arena of a string LLVM allocated. */
static const char *keep_message(Arena *arena, char *message) {
    const char *kept = text_format(arena, "%s", message);
    LLVMDisposeMessage(message);
    return kept;
}

static bool is_native(const CodegenOptions *options) {
    return options->cpu == NULL || strcmp(options->cpu, "native") == 0;
}

static bool find_level(const CodegenOptions *options, int *level) {
    if (is_native(options)) {
        *level = host_level();
        return true;
    }
    for (size_t i = 0; i < sizeof processors / sizeof *processors; i++)
        if (strcmp(options->cpu, processors[i].name) == 0) {
            *level = processors[i].level;
            return true;
        }
    return false;
}

bool target_open(Target *target, Arena *arena, const CodegenOptions *options, Diagnostics *diagnostics) {
    Span nowhere = {0, 0};
    *target = (Target){0};
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
    target->triple =
        options->triple != NULL ? options->triple : keep_message(arena, LLVMGetDefaultTargetTriple());
    LLVMTargetRef llvm_target;
    char *message = NULL;
    if (strncmp(target->triple, "x86_64", 6) != 0
        || LLVMGetTargetFromTriple(target->triple, &llvm_target, &message) != 0) {
        if (message != NULL)
            LLVMDisposeMessage(message);
        report(diagnostics, CODE_E0601, nowhere, "code can be made for x86_64, not for \"%s\"",
               target->triple);
        return false;
    }
    int level;
    if (!find_level(options, &level)) {
        const char *names[sizeof processors / sizeof *processors];
        int count = (int)(sizeof processors / sizeof *processors);
        for (int i = 0; i < count; i++)
            names[i] = processors[i].name;
        Diagnostic *d =
            report(diagnostics, CODE_E0601, nowhere, "sgdc does not know the processor \"%s\"", options->cpu);
        const char *nearest = nearest_name(options->cpu, names, count);
        if (nearest != NULL)
            add_help(diagnostics, d, "did you mean %s?", nearest);
        return false;
    }
    const char *features = "";
    target->cpu = options->cpu;
    if (is_native(options)) {
        target->cpu = keep_message(arena, LLVMGetHostCPUName());
        features = keep_message(arena, LLVMGetHostCPUFeatures());
    }
    target->loop = loop_target(level);
    target->x86 = true;
    target->runs_here = level <= host_level();
    target->machine =
        LLVMCreateTargetMachine(llvm_target, target->triple, target->cpu, features,
                                machine_level(options->level), LLVMRelocPIC, LLVMCodeModelDefault);
    return true;
}

void target_close(Target *target) {
    if (target->machine != NULL)
        LLVMDisposeTargetMachine(target->machine);
    target->machine = NULL;
}
