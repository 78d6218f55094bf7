/* target: processors sgdc knows, and LLVM's target machine for one of them.
 *
 * A processor matters by its level alone (x86-64-v2: 4 lanes of f32 and no fma; v3: 8 lanes; v4: 16 lanes and
 * 32 registers; aarch64 has one: 4 lanes, 32 registers); its name further chooses LLVM's scheduling model.
 * `native` is the level the machine has, with its own model, or a lower one that SGDC_NATIVE says (runtime/processor.h).
 * The bits are the same for all.
 */
#include "codegen/target.h"
#include "processor.h"
#include <llvm-c/Core.h>
#include <llvm-c/Support.h>
#include <llvm-c/Target.h>
#include <stdlib.h>
#include <string.h>

typedef struct Processor { const char *name; Architecture architecture; int level; } Processor;
enum { NEON = 1 };                     /* the one level of aarch64 */

static const Processor processors[] = {
    {"x86-64-v2", X86_64, 2}, {"x86-64-v3", X86_64, 3}, {"x86-64-v4", X86_64, 4},
    {"nehalem", X86_64, 2}, {"westmere", X86_64, 2}, {"sandybridge", X86_64, 2}, {"ivybridge", X86_64, 2},
    {"silvermont", X86_64, 2}, {"goldmont", X86_64, 2},
    {"haswell", X86_64, 3}, {"broadwell", X86_64, 3}, {"skylake", X86_64, 3}, {"alderlake", X86_64, 3},
    {"raptorlake", X86_64, 3}, {"gracemont", X86_64, 3},
    {"znver1", X86_64, 3}, {"znver2", X86_64, 3}, {"znver3", X86_64, 3},
    {"skylake-avx512", X86_64, 4}, {"cascadelake", X86_64, 4}, {"icelake-client", X86_64, 4},
    {"icelake-server", X86_64, 4}, {"tigerlake", X86_64, 4}, {"sapphirerapids", X86_64, 4},
    {"emeraldrapids", X86_64, 4}, {"graniterapids", X86_64, 4}, {"znver4", X86_64, 4}, {"znver5", X86_64, 4},
    {"generic", AARCH64, NEON}, {"cortex-a53", AARCH64, NEON}, {"cortex-a55", AARCH64, NEON},
    {"cortex-a57", AARCH64, NEON}, {"cortex-a72", AARCH64, NEON}, {"cortex-a76", AARCH64, NEON},
    {"cortex-a78", AARCH64, NEON}, {"cortex-x1", AARCH64, NEON}, {"neoverse-n1", AARCH64, NEON},
    {"neoverse-n2", AARCH64, NEON}, {"neoverse-v1", AARCH64, NEON}, {"neoverse-v2", AARCH64, NEON},
    {"ampere1", AARCH64, NEON}, {"apple-m1", AARCH64, NEON}, {"apple-m2", AARCH64, NEON},
};
enum { PROCESSOR_COUNT = sizeof processors / sizeof *processors };

/* What a triple begins with, and what objects carry by default: a session each, of the level that NAME_init asks
 * for (0: it does not ask). */
static const struct {
    const char *name;
    ObjectProcessor carried[MOST_OBJECT_PROCESSORS];
} architectures[] = {
    [X86_64] = {"x86_64", {{"x86-64-v2", 2}, {"x86-64-v3", 3}, {"x86-64-v4", 4}}},
    [AARCH64] = {"aarch64", {{"generic", 0}}},
};
enum { ARCHITECTURE_COUNT = sizeof architectures / sizeof *architectures };

#if defined(__aarch64__)
static const Architecture host = AARCH64;
#else
static const Architecture host = X86_64;
#endif

const char *codegen_native(void) {
    static const char *const levels[] = {"unknown", "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"};
    return host == AARCH64 ? "aarch64" : levels[sgdrt_processor_level()];
}

/* Caches as most processors of the level have them. */
static LoopTarget loop_target(Architecture architecture, int level) {
    size_t kilobytes = 1024;
    LoopTarget t = {.lanes = 4, .registers = 16, .l1 = 32 * kilobytes, .l2 = 256 * kilobytes, .fewest_uses = 32};
    if (architecture == AARCH64) {
        t.registers = 32;
        t.fma = t.scalars_stay = true;
        t.l2 = 512 * kilobytes;
    } else if (level == 4) {
        t.lanes = 16;
        t.registers = 32;
        t.fma = true;
        t.l1 = 48 * kilobytes;
        t.l2 = 1024 * kilobytes;
    } else if (level == 3) {
        t.lanes = 8;
        t.fma = true;
        t.l2 = 512 * kilobytes;
    }
    return t;
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

static const char *triple_of(Arena *arena, const char *asked) {
    return asked != NULL ? asked : keep_message(arena, LLVMGetDefaultTargetTriple());
}

/* False if code cannot be made for the triple, which is ARCHITECTURE[-VENDOR]-linux-gnu or -musl: another architecture,
 * calls that are not Linux's, or pointers of 32 bits (gnux32, gnu_ilp32). */
static bool find_architecture(const char *triple, Architecture *architecture) {
    for (int i = 0; i < ARCHITECTURE_COUNT; i++) {
        size_t length = strlen(architectures[i].name);
        if (strncmp(triple, architectures[i].name, length) != 0 || triple[length] != '-')
            continue;
        const char *rest = triple + length, *vendor_end = strchr(rest + 1, '-');
        const char *system = strncmp(rest, "-linux-", 7) == 0 ? rest : vendor_end != NULL ? vendor_end : "";
        *architecture = (Architecture)i;
        return strcmp(system, "-linux-gnu") == 0 || strcmp(system, "-linux-musl") == 0;
    }
    return false;
}

static LLVMTargetRef find_target(const char *triple, Architecture architecture) {
    LLVMTargetRef target;
    char *message = NULL;
    if (architecture == AARCH64) {
        LLVMInitializeAArch64TargetInfo();
        LLVMInitializeAArch64Target();
        LLVMInitializeAArch64TargetMC();
        LLVMInitializeAArch64AsmPrinter();
        LLVMInitializeAArch64AsmParser();
    } else {
        LLVMInitializeX86TargetInfo();
        LLVMInitializeX86Target();
        LLVMInitializeX86TargetMC();
        LLVMInitializeX86AsmPrinter();
        LLVMInitializeX86AsmParser();
    }
    if (LLVMGetTargetFromTriple(triple, &target, &message) == 0)
        return target;
    LLVMDisposeMessage(message);
    return NULL;
}

int target_object_processors(Arena *arena, const CodegenOptions *options, ObjectProcessor *processors_of) {
    Architecture architecture;
    int count = 0;
    if (options->cpu == NULL) {
        if (!find_architecture(triple_of(arena, options->triple), &architecture))
            architecture = host;              /* codegen_new says what is wrong */
        for (; count < MOST_OBJECT_PROCESSORS && architectures[architecture].carried[count].cpu != NULL; count++)
            processors_of[count] = architectures[architecture].carried[count];
        return count;
    }
    processors_of[0] = (ObjectProcessor){options->cpu, 0}; /* a processor by name: not checked */
    for (int a = 0; a < ARCHITECTURE_COUNT; a++)
        for (int i = 0; i < MOST_OBJECT_PROCESSORS && architectures[a].carried[i].cpu != NULL; i++)
            if (strcmp(options->cpu, architectures[a].carried[i].cpu) == 0)
                processors_of[0] = architectures[a].carried[i];
    return 1;
}

static void report_processor(Arena *arena, const Target *target, const char *cpu, Diagnostics *diagnostics) {
    const char *names[PROCESSOR_COUNT];
    int count = 0;
    for (int i = 0; i < PROCESSOR_COUNT; i++)
        if (processors[i].architecture == target->architecture)
            names[count++] = processors[i].name;
    const char *of = target->architecture == host ? ""
                     : text_format(arena, " of %s", architectures[target->architecture].name);
    Diagnostic *d = report(diagnostics, CODE_E0601, (Span){0, 0}, "sgdc does not know the processor \"%s\"%s", cpu, of);
    const char *nearest = nearest_name(cpu, names, count);
    for (int i = 0; i < PROCESSOR_COUNT; i++)
        if (processors[i].architecture != target->architecture && strcmp(processors[i].name, cpu) == 0) {
            const char *other = architectures[processors[i].architecture].name;
            add_help(diagnostics, d, "%s is one of %s: --target=%s-linux-gnu", cpu, other, other);
            return;
        }
    if (nearest != NULL)
        add_help(diagnostics, d, "did you mean %s?", nearest);
}

/* The processor's level, or 0. "native", also where nothing is asked for, is the machine at hand's, or the level that
 * SGDC_NATIVE says. */
static int choose_processor(Arena *arena, Target *target, const char *cpu, const char **features) {
    *features = "";
    int here = (int)sgdrt_processor_level();
    if ((cpu == NULL || strcmp(cpu, "native") == 0) && target->architecture == host) {
        target->runs_here = true;
        if (here < (int)sgdrt_own_level()) {
            target->cpu = text_format(arena, "x86-64-v%d", here);
            return here;
        }
        target->cpu = keep_message(arena, LLVMGetHostCPUName());
        *features = keep_message(arena, LLVMGetHostCPUFeatures());
        return here;
    }
    target->cpu = cpu != NULL ? cpu : architectures[target->architecture].carried[0].cpu;
    for (int i = 0; i < PROCESSOR_COUNT; i++) {
        const Processor *p = &processors[i];
        if (p->architecture != target->architecture || strcmp(target->cpu, p->name) != 0)
            continue;
        /* On aarch64 a name may bring instructions that no level tells of. */
        target->runs_here = p->architecture == host && p->level <= here
            && (p->architecture == X86_64 || strcmp(p->name, "generic") == 0
                || strcmp(p->name, keep_message(arena, LLVMGetHostCPUName())) == 0);
        return p->level;
    }
    return 0;
}

/* Options of the process, and the only ones that there are for it.
 *
 * LLVM's scheduler compares each access of a straight piece of code with every other; in long ones (a kernel's epilogue
 * for a whole tile) it took a fifth of the time. Of more than 64 accesses it now orders some without looking, which
 * left the kernels as they were.
 *
 * Its strength reduction took a third of the time, to find what loop_multiple knows when loops are emitted. Where an
 * access cannot add an index and a constant to its address at once, it still finds more. */
static void set_llvm_options(Architecture architecture) {
    const char *const options[] = {"sgdc", "-dag-maps-huge-region=64",
                                   architecture == X86_64 ? "-disable-lsr=true" : "-disable-lsr=false"};
    LLVMParseCommandLineOptions(sizeof options / sizeof *options, options, "");
}

bool target_open(Target *target, Arena *arena, const CodegenOptions *options, Diagnostics *diagnostics) {
    *target = (Target){.triple = triple_of(arena, options->triple)};
    LLVMTargetRef llvm_target = NULL;
    if (find_architecture(target->triple, &target->architecture)) {
        set_llvm_options(target->architecture);
        llvm_target = find_target(target->triple, target->architecture);
    }
    if (llvm_target == NULL) {
        Diagnostic *d = report(diagnostics, CODE_E0601, (Span){0, 0},
                               "code can be made for Linux on x86_64 or aarch64, not for \"%s\"", target->triple);
        add_help(diagnostics, d, "the triples are x86_64-linux-gnu and aarch64-linux-gnu");
        return false;
    }
    if (sgdrt_processor_level() == 0) {
        Diagnostic *d = report(diagnostics, CODE_E0601, (Span){0, 0}, "SGDC_NATIVE says \"%s\", which is no level of x86-64",
                               getenv("SGDC_NATIVE"));
        add_help(diagnostics, d, "it takes x86-64-v2, x86-64-v3 or x86-64-v4, or is left out");
        return false;
    }
    const char *features;
    int level = choose_processor(arena, target, options->cpu, &features);
    if (level == 0) {
        report_processor(arena, target, options->cpu, diagnostics);
        return false;
    }
    target->loop = loop_target(target->architecture, level);
    if (options->caches > 0) {
        target->loop.l1 = options->caches;
        target->loop.l2 = 8 * options->caches;
        target->loop.fewest_uses = 2;
    }
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
