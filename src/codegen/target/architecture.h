/* architecture: what differs between architectures, and the processors sgdc knows. Private to codegen, but for shells, which
 * are offered the names.
 *
 *   architectures.def   the architectures, one row each
 *   architecture.c      what differs, by row; processors by name
 *   target.c            the processor that code is for: LLVM's target machine
 *   system.c            what the system says of the machine at hand
 *   options.h           what is asked of it
 *   versions.h          LLVM's headers, and what differs between its versions
 */
#ifndef SGDC_ARCHITECTURE_H
#define SGDC_ARCHITECTURE_H
#include "ir/loops/loops.h"

typedef enum Architecture {
#define ARCHITECTURE(NAME, ...) NAME,
#include "codegen/target/architectures.def"
#undef ARCHITECTURE
} Architecture;

/* Processors of one level run the same code; the bits are the same for all. */
typedef struct ProcessorLevel {
    int number;           /* as sgdrt_processor_level says it */
    const char *cpu;      /* what LLVM calls its least processor */
    const char *features; /* further ones that all of its processors have, as LLVM spells them */
    bool carried;         /* objects have code for it where nothing is asked for */
    bool fma;
    Machine machine; /* as most of its processors are */
} ProcessorLevel;
enum { MOST_PROCESSOR_LEVELS = 4 };

/* The register that says how floats are rounded. */
typedef struct FloatControl {
    const char *read, *write; /* LLVM's intrinsics */
    bool in_memory;           /* they take the address of a value, not the value */
    int64_t ours;             /* round to nearest, denormals kept, no traps */
} FloatControl;

typedef struct ArchitectureRow {
    const char *name;                            /* what a triple begins with */
    ProcessorLevel level[MOST_PROCESSOR_LEVELS]; /* ascending */
    int levels;
    bool level_tells_all;   /* a processor's name brings no instruction that its level has not */
    bool adds_in_addresses; /* an access adds an index and a constant to its address at once */
    unsigned vector_call;   /* LLVM's convention that has 16 vectors in registers, both ways; 0: none */
    FloatControl control;
} ArchitectureRow;

enum {
    ARCHITECTURES = 0
#define ARCHITECTURE(...) +1
#include "codegen/target/architectures.def"
#undef ARCHITECTURE
};
const ArchitectureRow *architecture_row(Architecture architecture);
const ProcessorLevel *architecture_level(Architecture architecture, int number);
void architecture_open(Architecture architecture); /* LLVM knows its target from then on */

/* By name; those of the levels come first. Its name chooses LLVM's scheduling model. */
typedef struct Processor {
    const char *name;
    Architecture architecture;
    int level;
} Processor;
enum { MOST_PROCESSORS = 64 };
int processors_known(Processor *processors);
#endif
