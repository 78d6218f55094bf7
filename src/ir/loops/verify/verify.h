/* verify: what holds of every tree (tree.h), and what passes ask before they share or exchange iterations.
 *
 *   verify.c     definition before use, bounds, chains, outputs
 *   parallel.c   what lanes and threads may touch, and where threads wait
 *   bytes.c      nothing is read where another array was written
 */
#ifndef SGDC_LOOPS_VERIFY_H
#define SGDC_LOOPS_VERIFY_H
#include "ir/loops/loops.h"

enum { MOST_OPEN_LOOPS = 64 };
typedef struct OpenLoops {
    const Loop *loop[MOST_OPEN_LOOPS];
    int count;
} OpenLoops; /* the outermost first */

/* ---- parallel.c: *problem stays as it is, or becomes a sentence */
/* Of a loop marked VECTOR inside of the open ones. */
void check_parallel(Arena *arena, const Statement *loop, const OpenLoops *around, const char **problem);
/* Could the loop have this mark? Loops around are equal in all iterations, scalars that are named inside differ: of lanes the loop's
 * body, of threads that of the nest. */
bool loop_may_be(Arena *arena, const Statement *loop, LoopMark mark, const Body *inside, const OpenLoops *around);
bool loop_is_among(const OpenLoops *loops, const Loop *loop);
bool share_bytes(const Array *a, const Array *b); /* of the work block */
/* What threads that share a nest touch. */
void check_shared(Arena *arena, const Statement *nest, const OpenLoops *around, const char **problem);
void check_waits(Arena *arena, const Body *body, const char **problem);
void add_waits(LoopTree *tree);
/* Do two iterations, one of them in one part of the loop's body and one in the other, touch an element in common that one of
 * them writes? */
bool iterations_meet(Arena *arena, const Statement *loop, const Body *first, const Body *second,
                     const OpenLoops *around);
/* Do two loops of a nest touch an element in common that one of them writes? */
bool loops_meet(Arena *arena, const Statement *a, const Statement *b);

/* ---- bytes.c: *problem as above */
void check_bytes(const LoopTree *tree, const char **problem);

#endif
