/* inverse: the adjoint of reading a tensor through index maps.
 *
 *   y[i] = ... x[to(i)] ...   gives   adjoint of x at p = sum over all i with to(i) = p of adjoint(i) *
 * other(i)
 *
 * which is a contraction again: per axis of x one index is solved for and the rest are summed, so
 * contractions are closed under differentiation. An index is solved for exactly: a divisor says that the
 * place must be integral, and where no operand would leave an index of the old space out of its range, a
 * guard does (an operand of ones that is absent there). */
#ifndef SGDC_INVERSE_H
#define SGDC_INVERSE_H
#include "ir/graph.h"

typedef struct Reading {
    Node *node;
    Access access;
} Reading; /* node at access(i) */
typedef struct IndexSpace {
    int axes, results;
    int64_t extent[MOST_AXES];
} IndexSpace; /* results are solved for first */

/* result[p] of shape `shape` = sum over i with to(i) = p of the product of 1 or 2 readings. NULL if it needs
 * more axes than there are. */
Node *inverse_sum(Graph *g, const IndexSpace *space, const Access *to, Shape shape, const Reading *readings, int count);
/* result[p] = the reading at any i with to(i) = p, where it is the same at all of them; NULL if it may not be. What it is
 * at a p without such an i is not said. */
Node *inverse_where(Graph *g, const IndexSpace *space, const Access *to, Shape shape, const Reading *reading);
#endif
