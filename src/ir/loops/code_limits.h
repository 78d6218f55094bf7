/* code_limits: how much code a schedule may make.
 *
 * What is written out, once an iteration or once a register, saves loads, stores and jumps; LLVM's time grows faster than the length of
 * a loop or a function, and from some length on nothing is saved that shows. These numbers are the compiler's: no processor
 * has others, and none moves a bit. What depends on a processor is computed from its figures (machine.h).
 */
#ifndef SGDC_LOOPS_CODE_LIMITS_H
#define SGDC_LOOPS_CODE_LIMITS_H

/* ---- loops that are written out */
enum {
    MOST_UNROLLED = 16,      /* iterations; of an axis that lanes leave, its elements */
    SHORT_ROW = 16,          /* elements of a row that is loaded at once (llvm/short_rows.c) */
    LONGEST_LOOP = 400,      /* statements, with what is written out inside */
    LONGEST_TWICE = 200,     /* statements that are there twice */
    LONGEST_FUNCTION = 1500, /* statements of a tiny function, or of the copies of a loop */
    LONGEST_FUNCTION_OF_RUNS = 2500
};

/* ---- what a nest computes, in operations (ops.def) */
enum {
    CHEAP_VALUE = 8,         /* that each kernel which packs it computes anew */
    CHEAP_STORES = 6,        /* that are written out for each vector of a tile */
    COSTLIEST_EPILOGUE = 12, /* that is written out for each register of a tile */
    COSTLIEST_LOOP = 100,    /* that is a loop over a tile; sums over rows have few tiles */
    COSTLIEST_VALUE = 300,   /* that is not stored on the way */
    COSTLIEST_NEST = 400,
    MOST_STORES = 10, /* of a nest */
    FEWEST_CHAINS = 8 /* of a nest whose epilogue counts */
};

/* ---- rows of a block: what a block begins with does not show beside so many iterations */
enum { MOST_BLOCK_ROWS = 256, USUAL_BLOCK_ROWS = 64 };

/* ---- nests that are functions of their own (llvm/outline.c). Work is in multiply-adds, code in operations. */
enum {
    OUTLINED_WORK = 1 << 15,         /* beside which a call does not show */
    OUTLINED_WORK_OF_MANY = 1 << 10, /* where nests are many, whose code costs more than their calls */
    MANY_NESTS = 32,
    MOST_NESTS = 1 << 10, /* in one function */
    LONGEST_CODE = 1000,  /* in one function of several nests, .. */
    OUTLINED_CODE = 50    /* .. where shorter ones stay: a call is as long */
};

/* ---- what walks over a graph */
enum {
    DEEPEST_VALUE = 48, /* a value is computed by recursion */
    TRIED_NESTS = 12    /* of the last, for each store */
};
#endif
