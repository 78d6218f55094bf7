/* function: the nodes that a function of a run is made of. */
#include "ir/function.h"

Node **function_nodes(Arena *arena, const Function *function, int *count) {
    Node **roots = arena_array(arena, Node *, function->root_count + 1);
    for (int r = 0; r < function->root_count; r++) roots[r] = function->roots[r].node;
    return graph_post_order(arena, roots, function->root_count, count);
}

Node **function_nodes_by_id(Arena *arena, const Function *function, uint32_t *ids) {
    int count;
    Node **nodes = function_nodes(arena, function, &count);
    *ids = 0;
    for (int i = 0; i < count; i++)
        if (nodes[i]->id >= *ids) *ids = nodes[i]->id + 1;
    Node **by_id = arena_array(arena, Node *, *ids + 1);
    for (int i = 0; i < count; i++) by_id[nodes[i]->id] = nodes[i];
    return by_id;
}
