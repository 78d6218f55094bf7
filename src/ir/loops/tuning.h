/* tuning: numbers of a kernel's schedule that may be chosen.
 *
 * The model (schedules/kernel.c, blocks.c, strips.c) computes each of them from the sizes of the processor.
 * Every other one in its range is as good: no number of a schedule moves a bit, so what is fastest may be found by measuring
 * (driver/tune.c), and tests may draw them.
 */
#ifndef SGDC_LOOPS_TUNING_H
#define SGDC_LOOPS_TUNING_H
#include "support/support.h"

typedef enum KernelNumber {
    KERNEL_LANES_AXIS,    /* which of those that it can have lanes along */
    KERNEL_UNROLLED_AXIS, /* which of those that it can be unrolled along */
    KERNEL_VECTORS,       /* along the lanes of a tile */
    KERNEL_UNROLLED,      /* places of a tile along its unrolled axis */
    KERNEL_LINES,         /* of a strip */
    KERNEL_BLOCKS,        /* 1: tiles alone, 2: blocks for the caches around them */
    KERNEL_TERMS,         /* of a block, at most */
    KERNEL_PANELS,        /* of a block, along the lanes */
    KERNEL_TILES,         /* of a block, along the unrolled axis */
    KERNEL_PACKS_LANES,   /* 2: the operand that moves with the lanes is packed, 1: it is not */
    KERNEL_PACKS_TILES,   /* the same of the other one */
    KERNEL_NUMBERS
} KernelNumber;

/* Of all kernels that are written alike; a number 0 is the model's. */
typedef struct KernelChoice {
    const char *kernel;
    int64_t number[KERNEL_NUMBERS];
} KernelChoice;

typedef struct KernelTuning KernelTuning;
struct KernelTuning {
    Vector(KernelChoice) choices;
    uint64_t seed; /* every number is drawn from its range; 0: none is */
};

/* What a schedule has, and what it might have; least 0: the kernel has no such number. */
typedef struct NumberRange {
    int64_t least, most, chosen;
} NumberRange;
typedef struct PlannedKernel {
    const char *kernel, *name; /* what it is, and for people */
    double operations;         /* for a block of rows */
    NumberRange number[KERNEL_NUMBERS];
} PlannedKernel;

const char *kernel_number_name(KernelNumber number);
/* NULL: nothing is chosen. */
const KernelChoice *tuning_find(const KernelTuning *tuning, const char *kernel);

#endif
