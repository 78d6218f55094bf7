/* target: the processor that code is for, and LLVM's target machine for it.
 *
 * `native` is the level the machine has, with its own scheduling model, or a lower one that SGDC_NATIVE says
 * (runtime/processor.h). Architectures and processors are rows of architecture.c. Code for the machine at hand is made for its
 * caches, other code for those that most processors of its level have, so that it does not depend on the machine that made it.
 */
#include "codegen/target/target.h"
#include "processor.h"
#include <llvm-c/Core.h>
#include <llvm-c/Support.h>
#include <llvm-c/Target.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
static const Architecture host = X86_64;
#elif defined(__aarch64__)
static const Architecture host = AARCH64;
#else
#error "this machine's architecture is no row of architectures.def"
#endif

Architecture codegen_host(void) { return host; }

const char *codegen_native(void) {
    const ArchitectureRow *row = architecture_row(host);
    if (row->levels == 1) return row->name;
    int level = (int)sgdrt_processor_level();
    return level > 0 ? architecture_level(host, level)->cpu : "unknown";
}

static LLVMCodeGenOptLevel machine_level(int level) {
    static const LLVMCodeGenOptLevel of[] = {LLVMCodeGenLevelNone, LLVMCodeGenLevelLess, LLVMCodeGenLevelDefault,
                                             LLVMCodeGenLevelAggressive};
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
    for (int i = 0; i < ARCHITECTURES; i++) {
        const char *name = architecture_row((Architecture)i)->name;
        size_t length = strlen(name);
        if (strncmp(triple, name, length) != 0 || triple[length] != '-') continue;
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
    architecture_open(architecture);
    if (LLVMGetTargetFromTriple(triple, &target, &message) == 0) return target;
    LLVMDisposeMessage(message);
    return NULL;
}

/* NAME_init asks the processor at hand for its level where there are several. */
static ObjectProcessor object_processor(const ArchitectureRow *row, const ProcessorLevel *level) {
    return (ObjectProcessor){level->cpu, row->levels > 1 ? level->number : 0};
}

int codegen_object_processors(Arena *arena, const CodegenOptions *options, ObjectProcessor *processors_of) {
    Architecture architecture = host; /* codegen_new says what is wrong with the triple */
    int count = 0;
    find_architecture(triple_of(arena, options->triple), &architecture);
    if (options->cpu != NULL)
        processors_of[count++] = (ObjectProcessor){options->cpu, 0}; /* a processor by name: not checked */
    for (int a = 0; a < ARCHITECTURES; a++) {
        const ArchitectureRow *row = architecture_row((Architecture)a);
        for (const ProcessorLevel *level = row->level; level < row->level + row->levels; level++) {
            if (level->carried && options->cpu == NULL && a == (int)architecture)
                processors_of[count++] = object_processor(row, level);
            if (level->carried && options->cpu != NULL && strcmp(options->cpu, level->cpu) == 0)
                processors_of[0] = object_processor(row, level);
        }
    }
    return count;
}

static void report_processor(Arena *arena, const Target *target, const char *cpu, Diagnostics *diagnostics) {
    Processor known[MOST_PROCESSORS];
    const char *names[MOST_PROCESSORS];
    int all = processors_known(known), count = 0;
    for (int i = 0; i < all; i++)
        if (known[i].architecture == target->architecture) names[count++] = known[i].name;
    const char *of = target->architecture == host
                         ? ""
                         : text_format(arena, " of %s", architecture_row(target->architecture)->name);
    Diagnostic *d = report(diagnostics, CODE_E0601, (Span){0, 0}, "sgdc does not know the processor \"%s\"%s", cpu, of);
    const char *nearest = nearest_name(cpu, names, count);
    for (int i = 0; i < all; i++)
        if (known[i].architecture != target->architecture && strcmp(known[i].name, cpu) == 0) {
            const char *other = architecture_row(known[i].architecture)->name;
            add_help(diagnostics, d, "%s is one of %s: --target=%s-linux-gnu", cpu, other, other);
            return;
        }
    if (nearest != NULL) add_help(diagnostics, d, "did you mean %s?", nearest);
}

/* The least that objects for it carry. */
static const char *least_processor(const ArchitectureRow *row) {
    const ProcessorLevel *level = row->level;
    while (!level->carried) level++;
    return level->cpu;
}

/* The processor's level, or 0. "native", also where nothing is asked for, is the machine at hand's, or the level that
 * SGDC_NATIVE says. */
static int choose_processor(Arena *arena, Target *target, const char *cpu, const char **features) {
    *features = "";
    int here = (int)sgdrt_processor_level();
    const ArchitectureRow *row = architecture_row(target->architecture);
    if ((cpu == NULL || strcmp(cpu, "native") == 0) && target->architecture == host) {
        target->runs_here = true;
        target->is_here = here == (int)sgdrt_own_level() || system_is_named();
        if (here < (int)sgdrt_own_level()) {
            target->cpu = architecture_level(host, here)->cpu;
            return here;
        }
        target->cpu = keep_message(arena, LLVMGetHostCPUName());
        *features = keep_message(arena, LLVMGetHostCPUFeatures());
        return here;
    }
    Processor known[MOST_PROCESSORS];
    target->cpu = cpu != NULL ? cpu : least_processor(row);
    for (int i = 0, count = processors_known(known); i < count; i++) {
        const Processor *p = &known[i];
        if (p->architecture != target->architecture || strcmp(target->cpu, p->name) != 0) continue;
        const ProcessorLevel *level = architecture_level(p->architecture, p->level);
        bool is_level = strcmp(p->name, level->cpu) == 0;
        *features = level->features;
        target->runs_here = p->architecture == host && p->level <= here &&
                            (row->level_tells_all || is_level ||
                             strcmp(p->name, keep_message(arena, LLVMGetHostCPUName())) == 0);
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
                                   architecture_row(architecture)->adds_in_addresses ? "-disable-lsr=true"
                                                                                     : "-disable-lsr=false"};
    LLVMParseCommandLineOptions(sizeof options / sizeof *options, options, "");
}

/* "x86_64 or aarch64" */
static const char *architecture_names(Arena *arena, const char *ending, const char *before_last) {
    Text names = text_new(arena);
    for (int a = 0; a < ARCHITECTURES; a++)
        text_add(&names, "%s%s%s",
                 a == 0                   ? ""
                 : a == ARCHITECTURES - 1 ? before_last
                                          : ", ",
                 architecture_row((Architecture)a)->name, ending);
    return names.bytes;
}

static LLVMTargetMachineRef make_machine(LLVMTargetRef llvm_target, const char *triple, const char *cpu,
                                         const char *features, int level) {
    return LLVMCreateTargetMachine(llvm_target, triple, cpu, features, machine_level(level), LLVMRelocPIC,
                                   LLVMCodeModelDefault);
}

/* Vectors and registers are those of the level, which the processor told. */
static void find_model(Arena *arena, Target *target, const CodegenOptions *options) {
    Machine *model = &target->model;
    *model = target->level->machine;
    if (target->is_here) {
        target->read[MACHINE_vector_bytes] = target->read[MACHINE_registers] = true;
        system_read_caches(arena, model, target->read);
    }
    if (options->caches > 0) {
        model->l1 = (int64_t)options->caches;
        model->l2 = 8 * model->l1;
        model->l3 = 32 * model->l2;
    }
    target->as_read = *model;
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
                               "code can be made for Linux on %s, not for \"%s\"",
                               architecture_names(arena, "", " or "), target->triple);
        add_help(diagnostics, d, "the triples are %s", architecture_names(arena, "-linux-gnu", " and "));
        return false;
    }
    if (sgdrt_processor_level() == 0) {
        Diagnostic *d = report(diagnostics, CODE_E0601, (Span){0, 0},
                               "SGDC_NATIVE says \"%s\", which is no level of x86-64", getenv("SGDC_NATIVE"));
        add_help(diagnostics, d, "it takes x86-64-v2, x86-64-v3 or x86-64-v4, or is left out");
        return false;
    }
    const char *features;
    int level = choose_processor(arena, target, options->cpu, &features);
    if (level == 0) {
        report_processor(arena, target, options->cpu, diagnostics);
        return false;
    }
    target->level = architecture_level(target->architecture, level);
    find_model(arena, target, options);
    target->machine = make_machine(llvm_target, target->triple, target->cpu, features, options->level);
    return true;
}

LLVMTargetMachineRef target_machine_copy(const Target *target, int level) {
    char *cpu = LLVMGetTargetMachineCPU(target->machine),
         *features = LLVMGetTargetMachineFeatureString(target->machine);
    LLVMTargetMachineRef copy = make_machine(LLVMGetTargetMachineTarget(target->machine), target->triple, cpu, features,
                                             level);
    LLVMDisposeMessage(cpu);
    LLVMDisposeMessage(features);
    return copy;
}

void target_close(Target *target) {
    if (target->machine != NULL) LLVMDisposeTargetMachine(target->machine);
    target->machine = NULL;
}
