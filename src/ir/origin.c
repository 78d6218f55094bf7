/* origin: where an axis of a value came from: the leaf that has it (a column of the data, a parameter), or the node that
 * made it (a reshape, an axis that repeats). For readers only: nothing that is computed depends on it.
 *
 * Elementwise operations and reductions hand on the axes of their sources. Where several sources have an axis, the one
 * is preferred whose origin has a name in the program, and last comes one that only repeats a value. A walk is cut off
 * after some nodes: the node it has come to is an origin too.
 */
#include "ir/graph.h"

enum { MOST_VISITS = 400 };

/* How much an origin tells: 2 has a name, 0 only repeats what has no such axis. */
static int tells(AxisOrigin origin) {
    const Node *node = origin.node;
    if (node->op == OP_COLUMN || node->op == OP_CELL) return 2;
    if (node->op == OP_CONST) return 0;
    if (node->op != OP_VIEW) return 1;
    const Access *access = &node->attr.contraction->access[0];
    for (int a = 0; a < access->rank; a++)
        if (access->axis[a].coef[origin.axis] != 0) return 1;
    return 0;
}

/* The axis of the source that alone runs with axis `axis` of the result; -1: there is none. */
static int axis_read(const Access *access, int axis) {
    for (int a = 0; a < access->rank; a++) {
        const AxisMap *map = &access->axis[a];
        bool alone = map->divisor == 1 && map->coef[axis] == 1;
        for (int k = 0; k < MOST_AXES; k++) alone &= k == axis || map->coef[k] == 0;
        if (alone) return a;
    }
    return -1;
}

/* The axis of another shape that has the same elements in front of it and as many of its own. */
static int axis_reshaped(Shape to, int axis, Shape from) {
    int64_t before = 1;
    for (int a = 0; a < axis; a++) before *= to.extent[a];
    for (int a = 0; a < from.rank; before /= from.extent[a++]) {
        if (before == 1 && from.extent[a] == to.extent[axis]) return a;
        if (before % from.extent[a] != 0) return -1;
    }
    return -1;
}

int graph_axis_in_source(const Node *node, int axis, int source) {
    int shared, rank;
    switch (op_class(node->op)) {
    case OP_CLASS_ELEMENT: return axis;
    case OP_CLASS_REDUCE: return axis_read(&node->attr.contraction->access[source], axis);
    case OP_CLASS_MOVE:
        if (node->op == OP_VIEW) return axis_read(&node->attr.contraction->access[0], axis);
        if (node->op == OP_RESHAPE) return axis_reshaped(node->shape, axis, node->source[0]->shape);
        return axis == node->attr.index ? -1 : axis;
    case OP_CLASS_INDEXED:
        if (node->op != OP_GATHER) return -1;
        shared = (int)node->attr.index;
        rank = node->source[1]->shape.rank;
        if (source == 1) return axis < rank ? axis : -1;
        return axis < shared ? axis : axis >= rank ? axis - rank + shared + 1 : -1;
    case OP_CLASS_LEAF: break;
    }
    return -1;
}

static AxisOrigin walk(const Node *node, int axis, int *visits) {
    AxisOrigin best = {node, axis};
    int sources = op_class(node->op) == OP_CLASS_REDUCE && node->sources > 2 ? 2 : node->sources;
    bool found = false;
    for (int s = 0; s < sources && *visits < MOST_VISITS; s++) {
        int there = graph_axis_in_source(node, axis, s);
        if (there < 0 || there >= node->source[s]->shape.rank) continue;
        ++*visits;
        AxisOrigin origin = walk(node->source[s], there, visits);
        if (!found || tells(origin) > tells(best)) best = origin;
        found = true;
        if (tells(best) == 2) break;
    }
    return best;
}

AxisOrigin graph_axis_origin(const Node *node, int axis) {
    int visits = 0;
    return walk(node, axis, &visits);
}
