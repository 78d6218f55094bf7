/* row_axes: which axes of a value go over the rows of the mini-batch: those of the array batch(e), which graph_collect makes.
 *
 * Such an axis is as long as a whole mini-batch, and the last one of an epoch may have fewer rows. So who reduces it
 * leaves out the places of rows that are not there (src/lower/reduce.c), and no operation may mix its places with
 * others before: that would hide which are there. Like rows, this is inferred where a node is made. Of mini-batches of
 * one row nothing is missing. */
#include "ir/graph.h"

static bool collects(const Node *node) {
    return node->op == OP_SCATTER_ADD && node->attr.over_rows && node->source[1]->op == OP_PLACE;
}

/* The axis of source s that is read from its first place on along axis a; -1: none. */
static int axis_read(const Node *node, int a, int s) {
    int there = graph_axis_in_source(node, a, s);
    bool maps = op_attribute(node->op) == ATTRIBUTE_MAPS;
    return there >= 0 && maps && s < 2 && node->attr.contraction->access[s].axis[there].offset != 0 ? -1 : there;
}

static uint8_t bits_of(const Node *node) {
    uint8_t bits = 0;
    if (node->op == OP_STACK) return (uint8_t)(node->source[0]->row_axes << 1);
    if (node->op == OP_ELEMENT) return node->source[0]->row_axes >> 1;
    if (node->op == OP_CARRIED) return node->source[0]->row_axes;
    if (collects(node)) return (uint8_t)(node->source[0]->row_axes << 1 | (node->shape.extent[0] > 1));
    if (op_class(node->op) == OP_CLASS_INDEXED && node->op != OP_GATHER) return 0;
    for (int a = 0; a < node->shape.rank; a++)
        for (int s = 0; s < node->sources && s < 3; s++) {
            int there = node->source[s]->row_axes ? axis_read(node, a, s) : -1;
            if (there >= 0) bits |= (uint8_t)((node->source[s]->row_axes >> there & 1) << a);
        }
    return bits;
}

uint8_t infer_row_axes(const Node *node) {
    bool any = node->op == OP_SCATTER_ADD;
    for (int s = 0; s < node->sources; s++) any |= node->source[s]->row_axes != 0;
    return any ? bits_of(node) : 0;
}

/* The axes of source s that go over rows and are the node's own axes, or are reduced one by one. */
static uint8_t handed_on(const Node *node, int s) {
    uint8_t bits = 0;
    int axes = node->shape.rank;
    if (op_class(node->op) == OP_CLASS_REDUCE) axes += node->attr.contraction->reduced;
    for (int a = 0; a < axes; a++) {
        int there = axis_read(node, a, s);
        if (there >= 0) bits |= (uint8_t)(1u << there);
    }
    return bits;
}

const Node *graph_mixes_rows(Arena *arena, Node *root) {
    int count;
    Node **nodes = graph_post_order(arena, &root, 1, &count);
    for (int i = 0; i < count; i++) {
        const Node *node = nodes[i];
        if (node->op == OP_STACK || node->op == OP_CARRIED || collects(node)) continue;
        for (int s = 0; s < node->sources; s++) {
            uint8_t over = node->source[s]->row_axes;
            if (node->op == OP_ELEMENT ? over & 1 : over & ~handed_on(node, s)) return node;
        }
    }
    return NULL;
}
