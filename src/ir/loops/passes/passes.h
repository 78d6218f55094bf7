/* passes: from tree to tree, in the order of the list in passes.c.
 *
 *   passes.c      the list
 *   split.c       loops are split where a condition inside of them becomes known
 *   run_lanes.c   runs that train together become lanes
 *   row_lanes.c   rows become lanes;  layout.c: arrays whose rows are beside each other
 *   join.c        sums over rows of neighbouring nests become one loop
 *   vectorise.c   innermost loops become vectors
 *   short_rows.c  short rows behind each other are transposed in registers
 *   registers.c   a function that fits the registers: no loops but lanes, one nest, and its arrays are registers;
 *   promotion.c   what it updates stays in them from step to step
 *   threads.c     loops that threads share, and where threads wait;  evenness.c: how evenly they share them
 *   whole_rows.c  rows that are all there are not asked for
 */
#ifndef SGDC_LOOPS_PASSES_H
#define SGDC_LOOPS_PASSES_H
#include "ir/loops/code_limits.h"
#include "ir/loops/loops.h"
#include "ir/loops/verify/verify.h"

/* ---- row_lanes.c ------------------------------------------------------------------------------------------------- */
/* Loops over single rows become loops over vectors of so many of them, where that takes less. */
void tree_row_lanes(LoopTree *tree, const TileNumbers *numbers);

/* ---- run_lanes.c ------------------------------------------------------------------------------------------------- */
/* What of a tree belongs to a run becomes so many runs' side by side; of trees that may have such lanes (loops.h). */
void tree_run_lanes(LoopTree *tree, const TileNumbers *numbers);

/* ---- layout.c ---------------------------------------------------------------------------------------------------- */
/* Arrays that are only touched with rows as lanes have their rows beside each other. */
void tree_layout(LoopTree *tree, const TileNumbers *numbers);
/* Of a place in an array with rows: a row's elements, if the lanes are rows and the rest stays in one row; -1. */
int64_t elements_of_row(Arena *arena, const Subscript *at);

/* ---- short_rows.c ------------------------------------------------------------------------------------------------ */
void tree_short_rows(LoopTree *tree, const TileNumbers *numbers);
/* Operations that it takes to access an element of rows in lanes, which have so many each; -1: it is not done. */
double transposed_access_cost(DType dtype, int64_t elements, int64_t lanes);

/* ---- join.c ------------------------------------------------------------------------------------------------------ */
void tree_join(LoopTree *tree, const TileNumbers *numbers);
/* A loop over rows in which there are but vectors of them. */
bool has_rows_in_lanes(const Statement *s);

/* ---- registers.c ------------------------------------------------------------------------------------------------- */
void tree_registers(LoopTree *tree, const TileNumbers *numbers);

/* ---- promotion.c ------------------------------------------------------------------------------------------------- */
/* What the function updates, if no more than so many bytes. */
void tree_promote(LoopTree *tree, int64_t bytes);
/* By array: is it not known of some of its elements which they are when all loops but lanes are unrolled? */
uint8_t *tree_find_unknown(LoopTree *tree);

/* ---- whole_rows.c ------------------------------------------------------------------------------------------------ */
void tree_whole_rows(LoopTree *tree, const TileNumbers *numbers);

/* ---- threads.c --------------------------------------------------------------------------------------------------- */
/* Marks loops that threads share, and adds waits. */
void tree_threads(LoopTree *tree, const TileNumbers *numbers);

/* ---- evenness.c -------------------------------------------------------------------------------------------------- */
int64_t usual_iterations(const Loop *loop);
/* Of one thread of several, in operations. */
double work_of(const Statement *s, int thread, int threads);
/* The part of the slowest thread, of equal ones, the mean for some numbers of threads; 1: as good as equal. */
double unevenness(const Statement *s);
/* Changes how loops of the nest are shared, where that is more even. */
void make_even(LoopTree *tree, Statement *nest, const OpenLoops *around);

/* ---- split.c ----------------------------------------------------------------------------------------------------- */
/* Is there a loop in it that is neither unrolled nor lanes? */
bool has_counted(const Body *body);
/* With what is unrolled in it. */
int64_t unrolled_statements(const Body *body);
/* Of a tree that was verified: its chains name only terms that are there afterwards. */
void tree_split(LoopTree *tree, const TileNumbers *numbers);

/* ---- vectorise.c ------------------------------------------------------------------------------------------------- */
void tree_vectorise(LoopTree *tree, const TileNumbers *numbers);
#endif
