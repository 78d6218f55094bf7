/* scan_grad: see scan_grad.h. */
#include "ir/scan_grad.h"

#include "ir/affine.h"

ScanTurn scan_turn_new(Graph *g, const ScanGroup *group) {
    return (ScanTurn){g, group, graph_scan(g, group->scan->extent, !group->scan->descending), {0}};
}

Node *scan_turn_carried(ScanTurn *turn, const Node *carried, const ScanSet *around) {
    Graph *g = turn->graph;
    Node *zero = graph_const(g, carried->dtype, carried->shape, 0);
    CarriedPair pair = {graph_carried(g, zero, carried->rows, turn->group->scan, around),
                        graph_carried(g, zero, carried->rows, turn->back, around)};
    vector_push(g->arena, &turn->adjoints, pair);
    return pair.carried;
}

/* ---- turned -------------------------------------------------------------------------------- */
typedef enum Side { SIDE_OUTSIDE, SIDE_FORWARD, SIDE_BACKWARD } Side;

/* Which nodes only depend on what the first scan computes: those of its body, and what is made of them alone. */
static Side *find_sides(ScanTurn *turn, Node *const *order, int nodes, uint32_t ids) {
    Arena *arena = turn->graph->arena;
    const ScanLoop *scan = turn->group->scan;
    Side *side = arena_array(arena, Side, ids);
    Vector(Node *) roots = {0};
    int body = 0;
    for (int i = 0; i < turn->group->roots.count; i++) vector_push(arena, &roots, turn->group->roots.items[i]);
    for (int i = 0; i < turn->group->pairs.count; i++) vector_push(arena, &roots, turn->group->pairs.items[i].carried);
    Node **below = graph_post_order(arena, roots.items, roots.count, &body);
    for (int i = 0; i < body; i++)
        if (in_scan(below[i], scan)) side[below[i]->id] = SIDE_FORWARD;
    for (int i = 0; i < nodes; i++) {
        const Node *n = order[i];
        if (side[n->id] == SIDE_FORWARD || !in_scan(n, scan)) continue;
        bool backward = n->op == OP_CARRIED || (n->op == OP_ELEMENT && n->attr.scan == scan);
        for (int s = 0; s < n->sources; s++) backward |= side[n->source[s]->id] == SIDE_BACKWARD;
        side[n->id] = backward ? SIDE_BACKWARD : SIDE_FORWARD;
    }
    return side;
}

/* What the first scan computes is kept if computing it again costs something; what is in the body of an inner scan is not
 * its own. */
static bool is_kept(const Node *n, const ScanGroup *group) {
    enum { CHEAP = 8 };
    OpClass class = op_class(n->op);
    for (int i = 0; i < n->scans->count; i++) {
        bool around = n->scans->scan[i] == group->scan;
        for (int k = 0; group->around && k < group->around->count; k++)
            around |= group->around->scan[k] == n->scans->scan[i];
        if (!around) return false;
    }
    if (n->op == OP_CARRIED) return n->attr.scan == group->scan;
    return class == OP_CLASS_REDUCE || class == OP_CLASS_INDEXED || n->op == OP_STACK || op_cost(n->op) >= CHEAP;
}

static Node *element_of_kept(ScanTurn *turn, Node *n) {
    Graph *g = turn->graph;
    bool backward = g->backward;
    g->backward = n->backward;
    Node *all = graph_stack(g, n, turn->group->scan, turn->group->pairs.items, turn->group->pairs.count);
    g->backward = backward;
    return graph_element(g, all, turn->back);
}

static Node *turned_leaf(ScanTurn *turn, const Node *n) {
    if (n->op == OP_ELEMENT && n->attr.scan == turn->group->scan)
        return graph_element(turn->graph, n->source[0], turn->back);
    for (int i = 0; i < turn->adjoints.count; i++)
        if (turn->adjoints.items[i].carried == n) return turn->adjoints.items[i].next;
    return NULL;
}

void scan_turn(ScanTurn *turn, Node **roots, int count) {
    Graph *g = turn->graph;
    const ScanLoop *scan = turn->group->scan;
    uint32_t ids = g->next_id;
    int nodes, most = 1;
    Node **order = graph_post_order(g->arena, roots, count, &nodes);
    const Side *side = find_sides(turn, order, nodes, ids);
    bool *wanted = arena_array(g->arena, bool, ids);
    Node **now = arena_array(g->arena, Node *, ids);
    for (int r = 0; r < count; r++)
        if (roots[r]) wanted[roots[r]->id] = true;
    for (int i = nodes - 1; i >= 0; i--) {
        const Node *n = order[i];
        if (n->sources > most) most = n->sources;
        if (!wanted[n->id] || !in_scan(n, scan) || (side[n->id] == SIDE_FORWARD && is_kept(n, turn->group))) continue;
        for (int s = 0; s < n->sources; s++) wanted[n->source[s]->id] = true;
    }
    Node **source = arena_array(g->arena, Node *, most);
    for (int i = 0; i < nodes; i++) {
        Node *n = order[i];
        if (!wanted[n->id]) continue;
        now[n->id] = n;
        if (!in_scan(n, scan)) continue;
        Node *leaf = turned_leaf(turn, n);
        if (!leaf && side[n->id] == SIDE_FORWARD && is_kept(n, turn->group)) leaf = element_of_kept(turn, n);
        for (int s = 0; !leaf && s < n->sources; s++) source[s] = now[n->source[s]->id];
        now[n->id] = leaf ? leaf : graph_again(g, n, source);
    }
    for (int r = 0; r < count; r++)
        if (roots[r]) roots[r] = now[roots[r]->id];
}

/* ---- sums over all elements ---------------------------------------------------------------- */
/* A product of what is repeated: the operands are smaller. */
static bool is_outer_product(const Node *n) {
    bool repeats = false;
    for (int s = 0; n->op == OP_MUL && s < 2; s++) {
        const Node *x = n->source[s];
        repeats |= x->op == OP_VIEW && shape_size(x->source[0]->shape) < shape_size(x->shape);
    }
    return repeats;
}

/* The value for all elements; what a reduction, a view or an outer product makes of values is made for all elements at once,
 * after the loop, so that the operands of a weight's gradient are kept and not the gradient of each element. */
static Node *after_loop(ScanTurn *turn, Node *n, const CarriedPairs *pairs, int depth) {
    enum { DEEPEST = 8 };
    Graph *g = turn->graph;
    bool follows = op_class(n->op) == OP_CLASS_REDUCE || n->op == OP_VIEW || n->op == OP_RESHAPE ||
                   n->op == OP_SCATTER_ADD || is_outer_product(n);
    if (!in_scan(n, turn->back)) return scan_repeated(g, n, turn->back->extent);
    if (!follows || depth == DEEPEST) return graph_stack(g, n, turn->back, pairs->items, pairs->count);
    Node *source[3];
    bool all[3];
    for (int s = 0; s < n->sources; s++) {
        all[s] = in_scan(n->source[s], turn->back);
        source[s] = all[s] ? after_loop(turn, n->source[s], pairs, depth + 1) : n->source[s];
    }
    Node *made = scan_for_all(g, n, source, all, turn->back->extent);
    return made ? made : graph_stack(g, n, turn->back, pairs->items, pairs->count);
}

Node *scan_turn_sum(ScanTurn *turn, Node *value, const CarriedPairs *pairs) {
    return graph_reduce(turn->graph, OP_CONTRACT, after_loop(turn, value, pairs, 0), 1, false);
}
