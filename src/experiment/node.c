/* node: what a node depends on, and how: rows, a cell, the degree in the cells. */
#include "experiment/experiment.h"

enum { NO_POLYNOMIAL = 1000 };

static int degree_of(const Node *node, const int *degree) {
    int a = node->sources > 0 ? degree[node->source[0]->id] : 0,
        b = node->sources > 1 ? degree[node->source[1]->id] : 0;
    int most = a > b ? a : b;
    switch (node->op) {
    case OP_CELL: return 1;
    case OP_NEG:
    case OP_VIEW:
    case OP_RESHAPE: return a;
    case OP_ADD:
    case OP_SUB: return most;
    case OP_MUL: return a + b;
    case OP_DIV: return b == 0 ? a : NO_POLYNOMIAL;
    case OP_POWI:
        return node->attr.index >= 0 ? a * (int)(node->attr.index < 1000 ? node->attr.index : 1000)
               : a == 0              ? 0
                                     : NO_POLYNOMIAL;
    case OP_CONTRACT: return node->sources == 2 ? a + b : a;
    case OP_CONCAT:
        for (int s = 0; s < node->sources; s++)
            most = degree[node->source[s]->id] > most ? degree[node->source[s]->id] : most;
        return most;
    default:
        for (int s = 0; s < node->sources; s++)
            if (degree[node->source[s]->id]) return NO_POLYNOMIAL;
        return 0;
    }
}

int node_degree(Arena *arena, Node *node) {
    int count;
    Node **nodes = graph_post_order(arena, &node, 1, &count);
    int *degree = arena_array(arena, int, node->id + 1); /* sources have smaller ids */
    for (int i = 0; i < count; i++) {
        int d = degree_of(nodes[i], degree);
        degree[nodes[i]->id] = d < NO_POLYNOMIAL ? d : NO_POLYNOMIAL;
    }
    return degree[node->id];
}

bool node_reads_cell(Arena *arena, Node *node, int cell) {
    int count;
    Node **nodes = graph_post_order(arena, &node, 1, &count);
    for (int i = 0; i < count; i++)
        if (nodes[i]->op == OP_CELL && nodes[i]->attr.index == cell) return true;
    return false;
}

bool node_depends_on_rows(Arena *arena, Node *node) {
    int count;
    Node **nodes = graph_post_order(arena, &node, 1, &count);
    for (int i = 0; i < count; i++)
        if (nodes[i]->op == OP_COLUMN || (nodes[i]->op == OP_RANDOM && nodes[i]->attr.random.key == RANDOM_STEP))
            return true;
    return false;
}
