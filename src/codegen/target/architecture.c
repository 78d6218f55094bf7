/* architecture: one row for each architecture of architectures.def, and the processors by name.
 *
 * A processor matters by its level alone: how long vectors are, how many registers there are for them, whether there is
 * an fma. One that is not here is added to `named` below if LLVM knows it by that name.
 */
#include "codegen/target/architecture.h"
#include <llvm-c/Core.h>
#include <llvm-c/Target.h>

/* Caches in kilobytes, as most processors of a level have them, and what their cores take in cycles. */
#define MACHINE(bytes, vectors, hundred, first, second, third)                                                   \
    {                                                                                                            \
        .vector_bytes = (bytes), .registers = (vectors), .fma_pace = (hundred), .line = 64, .l1 = (first) << 10, \
        .l2 = (second) << 10, .l3 = (int64_t)(third) << 10, .l3_latency = 50, .memory_latency = 300,             \
        .l1_rate = 2 * (bytes)                                                                                   \
    }
/* Two units for products of vectors of up to 32 bytes; of 64 bytes many processors have one. Without an fma it is made of some
 * thirty other operations. */
enum { TWO_UNITS = 50, ONE_UNIT = 100, IN_OPERATIONS = 1000 };

static const ArchitectureRow architecture_X86_64 = {
    .name = "x86_64",
    .level = {{1, "x86-64", "", false, false, MACHINE(16, 16, IN_OPERATIONS, 32, 256, 8192)},
              {2, "x86-64-v2", "", true, false, MACHINE(16, 16, IN_OPERATIONS, 32, 256, 8192)},
              {3, "x86-64-v3", "", true, true, MACHINE(32, 16, TWO_UNITS, 32, 512, 16384)},
              {4, "x86-64-v4", "", true, true, MACHINE(64, 32, ONE_UNIT, 48, 1024, 32768)}},
    .levels = 4,
    .level_tells_all = true,
    .adds_in_addresses = true,
    .vector_call = LLVMX86RegCallCallConv,
    .control = {"llvm.x86.sse.stmxcsr", "llvm.x86.sse.ldmxcsr", .in_memory = true, .ours = 0x1f80},
};

static const ArchitectureRow architecture_AARCH64 = {
    .name = "aarch64",
    .level = {{1, "generic", "", true, true, MACHINE(16, 32, TWO_UNITS, 32, 512, 16384)}},
    .levels = 1,
    .control = {"llvm.aarch64.get.fpcr", "llvm.aarch64.set.fpcr", .in_memory = false, .ours = 0},
};

const ArchitectureRow *architecture_row(Architecture architecture) {
    static const ArchitectureRow *const rows[] = {
#define ARCHITECTURE(NAME, ...) [NAME] = &architecture_##NAME,
#include "codegen/target/architectures.def"
#undef ARCHITECTURE
    };
    return rows[architecture];
}

const ProcessorLevel *architecture_level(Architecture architecture, int number) {
    const ArchitectureRow *row = architecture_row(architecture);
    for (int i = 0; i < row->levels; i++)
        if (row->level[i].number == number) return &row->level[i];
    INTERNAL_ERROR("%s has no level %d", row->name, number);
}

void architecture_open(Architecture architecture) {
    switch (architecture) {
#define ARCHITECTURE(NAME, name, LLVM, flags) \
    case NAME:                                \
        LLVMInitialize##LLVM##TargetInfo();   \
        LLVMInitialize##LLVM##Target();       \
        LLVMInitialize##LLVM##TargetMC();     \
        LLVMInitialize##LLVM##AsmPrinter();   \
        LLVMInitialize##LLVM##AsmParser();    \
        break;
#include "codegen/target/architectures.def"
#undef ARCHITECTURE
    }
}

/* ---- processors */
static const Processor named[] = {
    {"nehalem", X86_64, 2},        {"westmere", X86_64, 2},      {"sandybridge", X86_64, 2},
    {"ivybridge", X86_64, 2},      {"silvermont", X86_64, 2},    {"goldmont", X86_64, 2},
    {"haswell", X86_64, 3},        {"broadwell", X86_64, 3},     {"skylake", X86_64, 3},
    {"alderlake", X86_64, 3},      {"raptorlake", X86_64, 3},    {"gracemont", X86_64, 3},
    {"znver1", X86_64, 3},         {"znver2", X86_64, 3},        {"znver3", X86_64, 3},
    {"skylake-avx512", X86_64, 4}, {"cascadelake", X86_64, 4},   {"icelake-client", X86_64, 4},
    {"icelake-server", X86_64, 4}, {"tigerlake", X86_64, 4},     {"sapphirerapids", X86_64, 4},
    {"emeraldrapids", X86_64, 4},  {"graniterapids", X86_64, 4}, {"znver4", X86_64, 4},
    {"znver5", X86_64, 4},         {"cortex-a53", AARCH64, 1},   {"cortex-a55", AARCH64, 1},
    {"cortex-a57", AARCH64, 1},    {"cortex-a72", AARCH64, 1},   {"cortex-a76", AARCH64, 1},
    {"cortex-a78", AARCH64, 1},    {"cortex-x1", AARCH64, 1},    {"neoverse-n1", AARCH64, 1},
    {"neoverse-n2", AARCH64, 1},   {"neoverse-v1", AARCH64, 1},  {"neoverse-v2", AARCH64, 1},
    {"ampere1", AARCH64, 1},       {"apple-m1", AARCH64, 1},     {"apple-m2", AARCH64, 1},
};
_Static_assert(sizeof named / sizeof *named + ARCHITECTURES * MOST_PROCESSOR_LEVELS <= MOST_PROCESSORS,
               "more processors");

int processors_known(Processor *processors) {
    int count = 0;
    for (int a = 0; a < ARCHITECTURES; a++) {
        const ArchitectureRow *row = architecture_row((Architecture)a);
        for (int i = 0; i < row->levels; i++)
            if (row->level[i].carried)
                processors[count++] = (Processor){row->level[i].cpu, (Architecture)a, row->level[i].number};
    }
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) processors[count++] = named[i];
    return count;
}
