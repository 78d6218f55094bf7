/* scan_unroll: a graph without scans: the body of each once for every element, in the order of the scan. Every bit stays. */
#include "ir/scan.h"

typedef struct Unroll {
    Graph *graph;
    Node **now; /* by id; of a body: at the element at hand */
} Unroll;

static void unroll_level(Unroll *u, const GraphLevel *level, const ScanLoop *scan, int64_t element);

static Node *with_axis(Graph *g, Node *x) {
    Shape shape = {.rank = x->shape.rank + 1, .extent = {1}};
    for (int a = 0; a < x->shape.rank; a++) shape.extent[a + 1] = x->shape.extent[a];
    return graph_reshape(g, x, shape);
}

static void unroll_group(Unroll *u, const ScanGroup *group) {
    Graph *g = u->graph;
    int64_t count = group->scan->extent;
    int stacks = group->stacks.count, pairs = group->pairs.count;
    Node **parts = arena_array(g->arena, Node *, stacks * count + 1), **next = arena_array(g->arena, Node *, pairs + 1);
    GraphLevel level = graph_level(g->arena, group->roots.items, group->roots.count, group);
    for (int p = 0; p < pairs; p++) {
        const Node *carried = group->pairs.items[p].carried;
        u->now[carried->id] = u->now[carried->source[0]->id];
    }
    for (int64_t i = 0; i < count; i++) {
        int64_t element = group->scan->descending ? count - 1 - i : i;
        unroll_level(u, &level, group->scan, element);
        for (int k = 0; k < stacks; k++)
            parts[k * count + element] = with_axis(g, u->now[group->stacks.items[k]->source[0]->id]);
        for (int p = 0; p < pairs; p++) next[p] = u->now[group->pairs.items[p].next->id];
        for (int p = 0; p < pairs; p++) u->now[group->pairs.items[p].carried->id] = next[p];
    }
    for (int k = 0; k < stacks; k++)
        u->now[group->stacks.items[k]->id] = graph_concat(g, parts + k * count, (int)count, 0);
}

static Node *unroll_node(Unroll *u, Node *n, const ScanLoop *scan, int64_t element) {
    Graph *g = u->graph;
    if (n->op == OP_ELEMENT && n->attr.scan == scan) {
        Node *one = graph_slice(g, u->now[n->source[0]->id], 0, element, element + 1);
        return graph_reshape(g, one, n->shape);
    }
    Node **source = arena_array(g->arena, Node *, n->sources + 1);
    for (int s = 0; s < n->sources; s++) source[s] = u->now[n->source[s]->id];
    return graph_again(g, n, source);
}

static void unroll_level(Unroll *u, const GraphLevel *level, const ScanLoop *scan, int64_t element) {
    for (int i = 0; i < level->count; i++) {
        Node *node = level->items[i].node;
        if (!node)
            unroll_group(u, level->items[i].group);
        else if (node->op != OP_CARRIED || node->attr.scan != scan)
            u->now[node->id] = unroll_node(u, node, scan, element);
    }
}

bool graph_has_scans(Graph *g, Node *const *roots, int count) {
    int nodes;
    Node **order = graph_post_order(g->arena, roots, count, &nodes);
    for (int i = 0; i < nodes; i++)
        if (order[i]->op == OP_STACK) return true;
    return false;
}

static void unroll_roots(Graph *g, Node **roots, int count) {
    Unroll u = {g, arena_array(g->arena, Node *, g->next_id)};
    GraphLevel level = graph_level(g->arena, roots, count, NULL);
    unroll_level(&u, &level, NULL, 0);
    for (int r = 0; r < count; r++)
        if (roots[r]) roots[r] = u.now[roots[r]->id];
}

bool function_has_scans(const Run *run, const Function *function) {
    Node **nodes = arena_array(run->graph->arena, Node *, function->root_count + 1);
    for (int r = 0; r < function->root_count; r++) nodes[r] = function->roots[r].node;
    return graph_has_scans(run->graph, nodes, function->root_count);
}

const Function *function_unrolled(Arena *arena, const Run *run, const Function *function) {
    Node **nodes = arena_array(arena, Node *, function->root_count + 1);
    for (int r = 0; r < function->root_count; r++) nodes[r] = function->roots[r].node;
    if (!graph_has_scans(run->graph, nodes, function->root_count)) return function;
    Function *now = arena_copy(arena, function, sizeof *function);
    now->roots = arena_copy(arena, function->roots, sizeof *now->roots * (size_t)function->root_count);
    unroll_roots(run->graph, nodes, function->root_count);
    for (int r = 0; r < function->root_count; r++) now->roots[r].node = nodes[r];
    return now;
}
