/* Arrays of values of a node's op, of class ELEMENT; bool is one byte. */
#ifndef SGDC_ELEMENTS_H
#define SGDC_ELEMENTS_H
#include "ir/graph.h"

/* `count` values from as many of each source. */
void elements_evaluate(const Node *node, int64_t count, const void *const *x, void *out);
/* A value that is one of the type's. */
void element_set(DType t, void *to, double value);
double element_get(DType t, const void *from);
#endif
