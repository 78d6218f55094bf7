/* function: the nodes that a function of a run is made of (function.c). */
#ifndef SGDC_FUNCTION_H
#define SGDC_FUNCTION_H
#include "ir/program.h"

/* All below its roots, sources before their users. */
Node **function_nodes(Arena *arena, const Function *function, int *count);
/* The same by id, of so many ids; NULL: not in this function. */
Node **function_nodes_by_id(Arena *arena, const Function *function, uint32_t *ids);
#endif
