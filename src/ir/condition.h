/* condition: where the adjoint of a value is not nothing. A choice passes on only what it takes: where its condition is
 * false the adjoint is exactly 0, and so is what it contributes, even where an op's derivative is infinite or NaN. The
 * condition goes down with the adjoint: a bool of the adjoint's shape, or NULL, which is true everywhere. A condition may
 * be true where the adjoint is 0, never false where it is not. */
#ifndef SGDC_CONDITION_H
#define SGDC_CONDITION_H
#include "ir/graph.h"
#include "ir/inverse.h"

Node *condition_and(Graph *g, Node *a, Node *b);
Node *condition_or(Graph *g, Node *a, Node *b);
/* Of what of `space` reads the source at `to`, for the source; its last conjunctions, without those that differ between
 * terms which are added. `live` has the result axes of the space. */
Node *condition_of_source(Graph *g, Node *live, const IndexSpace *space, const Access *to, Shape source);
/* Of the same elements in row-major order. */
Node *condition_reshaped(Graph *g, Node *live, Shape shape);
/* Of other elements: what is the same everywhere. */
Node *condition_everywhere(Graph *g, Node *live, Shape shape);
/* What is left of it after a sum over the rows. */
Node *condition_without_rows(Graph *g, Node *live);

#endif
