/* loops: from the graph of a function to a tree of loops that a back end writes down.
 *
 *   nests/       which values are stored, and nests of loops over index spaces that store them (nests.h)
 *   schedules/   nests -> a tree: tiles, blocks, panels, layouts (schedule.h)
 *   passes/      from tree to tree (passes.h)
 *   verify/      what holds of every tree (verify.h)
 *   tree.h       the tree itself
 *   machine.c    the processor that schedules are made for, and times on it;  machine.def: its figures
 *   tuning.h     numbers of schedules that may be chosen;  code_limits.h: how much code there may be
 */
#ifndef SGDC_LOOPS_H
#define SGDC_LOOPS_H
#include "ir/loops/machine.h"
#include "ir/loops/tree.h"

/* ---- schedules/schedule.c ---------------------------------------------------------------------------------------- */
/* ONE_BLOCK: for mini-batches of at most the run's batch, if that is known and no larger than a block may be; the others
 * are for any number of rows. */
typedef enum RowOrder { ROW_AFTER_ROW, IN_BLOCKS, IN_ONE_BLOCK } RowOrder;
/* A tile of chains in registers: so many vectors along the lanes at most, along an axis that is unrolled at most so often,
 * and no more than `chains` of them in all. */
typedef struct TileNumbers {
    Machine machine; /* l2 0: no blocks for the caches */
    int64_t vectors, unrolled, chains;
    int64_t square_bytes;       /* of a side of what is transposed; 0: nothing */
    int64_t block_bytes;        /* that a larger block of rows may take; 0: usual blocks */
    int64_t row_lanes;          /* rows of a vector of rows; 0: rows are no lanes */
    SideBySide run_lanes;       /* runs that train together */
    bool has_threads;           /* that may share loops */
    bool shares_all;            /* .. however little work, for tests */
    const KernelTuning *tuning; /* NULL: all is computed */
} TileNumbers;
TileNumbers machine_tiles(const Machine *machine); /* machine.c */
extern const TileNumbers usual_tiles;              /* of 16 registers of 32 bytes */
/* Of steps that so many runs take together: these are the lanes, and a tile is chains beside each other. */
TileNumbers tiles_of_runs(const Machine *machine, SideBySide runs);
/* The rows of a mini-batch that IN_ONE_BLOCK is for, where it has so many; 0: none. */
int64_t schedule_batch(int64_t rows);
#define SCHEDULE_PASS "schedule" /* what the next is called where passes are named */
/* The loops of one function of the run, which is past `order`. */
LoopTree *schedule_function(Arena *arena, const Run *run, const Function *function, RowOrder rows,
                            const TileNumbers *numbers);

/* ---- passes/passes.c ---------------------------------------------------------------------------------------------- */
typedef struct TreePass {
    const char *name, *needs, *gives;
    void (*change)(LoopTree *tree, const TileNumbers *numbers);
    bool of_machine; /* only where the back end makes machine code */
} TreePass;
enum { MOST_TREE_PASSES = 16 };
extern const TreePass tree_passes[]; /* in their order; ends with name NULL */
/* MACHINE: all of them; C: those for every back end, verified before and at the end; TESTS: all, verified after each. */
typedef enum TreeUse { TREE_FOR_MACHINE, TREE_FOR_C, TREE_FOR_TESTS } TreeUse;
/* Called after each; false: it was the last one. */
typedef bool AfterPass(void *context, const TreePass *pass);
/* NULL, or what does not hold, and after which pass. */
const char *tree_run_passes(LoopTree *tree, const TileNumbers *numbers, TreeUse use, AfterPass *after, void *context);

/* ---- passes/run_lanes.c ------------------------------------------------------------------------------------------ */
/* A step that several runs may take together: which statements run, and where, is the same for all. */
bool tree_may_have_run_lanes(LoopTree *tree, const TileNumbers *numbers);

/* ---- verify/verify.c --------------------------------------------------------------------------------------------- */
/* NULL, or what does not hold, and where: a sentence. */
const char *tree_problem(const LoopTree *tree);
#endif
