/* fold: what a node is without being made: a constant, by our own arithmetic, or one of its sources, by an
 * exact identity. "Exact" means for every bit pattern: x * 1 and x - 0 are x, x + 0 and x * 0 are not. */
#ifndef SGDC_FOLD_H
#define SGDC_FOLD_H
#include "ir/graph.h"

/* NULL: nothing folds. */
Node *fold_node(Graph *g, const Node *wanted);
/* The value nearest to `value` that dtype `t` holds. */
double fold_round(DType t, double value);
#endif
