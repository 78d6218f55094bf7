/* scan: the nodes of scans. */
#include "ir/scan.h"

#include <string.h>

#include "ir/affine.h"

/* ---- in which bodies a value is ------------------------------------------------------------ */
bool in_scan(const Node *node, const ScanLoop *scan) {
    for (int i = 0; node->scans && i < node->scans->count; i++)
        if (node->scans->scan[i] == scan) return true;
    return false;
}

static const ScanSet *with_scan(Arena *arena, const ScanSet *set, const ScanLoop *scan) {
    int count = set ? set->count : 0, at = count;
    for (int i = 0; i < count; i++)
        if (set->scan[i] == scan) return set;
    ScanSet *more = arena_alloc(arena, sizeof *more + sizeof(const ScanLoop *) * (size_t)(count + 1));
    more->count = count + 1;
    for (; at > 0 && set->scan[at - 1]->number > scan->number; at--) more->scan[at] = set->scan[at - 1];
    more->scan[at] = scan;
    for (int i = 0; i < at; i++) more->scan[i] = set->scan[i];
    return more;
}

bool scans_are_among(const ScanSet *scans, const ScanSet *set) {
    for (int i = 0; scans && i < scans->count; i++) {
        bool found = false;
        for (int k = 0; set && k < set->count; k++) found |= set->scan[k] == scans->scan[i];
        if (!found) return false;
    }
    return true;
}

const ScanSet *scans_joined(Arena *arena, const ScanSet *a, const ScanSet *b) {
    if (!b || a == b) return a;
    if (!a) return b;
    for (int i = 0; i < b->count; i++) a = with_scan(arena, a, b->scan[i]);
    return a;
}

static const ScanSet *without_scan(Arena *arena, const ScanSet *set, const ScanLoop *scan) {
    if (!set || (set->count == 1 && set->scan[0] == scan)) return NULL;
    const ScanSet *less = NULL;
    for (int i = 0; i < set->count; i++)
        if (set->scan[i] != scan) less = with_scan(arena, less, set->scan[i]);
    return less;
}

const ScanSet *scans_of(Arena *arena, const Node *node) {
    const ScanSet *set = NULL;
    for (int s = 0; s < node->sources; s++) set = scans_joined(arena, set, node->source[s]->scans);
    if (node->op == OP_ELEMENT || node->op == OP_CARRIED) return with_scan(arena, set, node->attr.scan);
    return node->op == OP_STACK ? without_scan(arena, set, node->attr.scan) : set;
}

/* ---- constructors -------------------------------------------------------------------------- */
ScanLoop *graph_scan(Graph *g, int64_t extent, bool descending) {
    return arena_copy(g->arena, &(ScanLoop){g->scans++, extent, descending}, sizeof(ScanLoop));
}

Node *graph_element(Graph *g, Node *x, const ScanLoop *scan) {
    Shape shape = {.rank = x->shape.rank - 1};
    for (int a = 0; a < shape.rank; a++) shape.extent[a] = x->shape.extent[a + 1];
    return graph_node(g, OP_ELEMENT, x->dtype, shape, &x, 1, (Attr){.scan = scan});
}

Node *graph_scan_index(Graph *g, const ScanLoop *scan) {
    return graph_element(g, graph_leaf(g, OP_IOTA, DTYPE_I32, (Shape){1, {scan->extent}}, 0), scan);
}

Node *graph_carried(Graph *g, Node *initial, uint8_t rows, const ScanLoop *scan, const ScanSet *around) {
    Attr attr = {.index = g->carried++, .rows = rows, .scan = scan};
    int count = around ? around->count : 0;
    Node **source = arena_array(g->arena, Node *, 1 + count);
    source[0] = initial;
    for (int i = 0; i < count; i++) source[1 + i] = graph_scan_index(g, around->scan[i]);
    return graph_node(g, OP_CARRIED, initial->dtype, initial->shape, source, 1 + count, attr);
}

static Shape shape_for_all(Shape shape, int64_t extent) {
    Shape all = {.rank = shape.rank + 1, .extent = {extent}};
    memcpy(all.extent + 1, shape.extent, sizeof shape.extent[0] * (size_t)shape.rank);
    return all;
}

Node *scan_repeated(Graph *g, Node *x, int64_t extent) {
    int axes[MOST_RANK];
    for (int a = 0; a < x->shape.rank; a++) axes[a] = a + 1;
    return graph_expand(g, x, shape_for_all(x->shape, extent), axes);
}

/* ---- what a value needs of what is carried ------------------------------------------------- */
/* In the order of their numbers, each with what is carried on. */
static CarriedPairs needed_pairs(Graph *g, Node *value, const ScanLoop *scan, const CarriedPair *pairs, int count) {
    bool *needed = arena_array(g->arena, bool, count + 1), more = true;
    Vector(Node *) roots = {0};
    vector_push(g->arena, &roots, value);
    while (more) {
        more = false;
        int nodes;
        Node **order = graph_post_order(g->arena, roots.items, roots.count, &nodes);
        for (int i = 0; i < nodes; i++) {
            for (int p = 0; order[i]->op == OP_CARRIED && order[i]->attr.scan == scan && p < count; p++) {
                if (needed[p] || pairs[p].carried != order[i]) continue;
                needed[p] = more = true;
                vector_push(g->arena, &roots, pairs[p].next);
            }
        }
    }
    CarriedPairs found = {0};
    for (int p = 0; p < count; p++)
        if (needed[p]) vector_push(g->arena, &found, pairs[p]);
    return found;
}

static void sort_pairs(CarriedPairs *pairs) {
    for (int i = 1; i < pairs->count; i++) {
        CarriedPair moving = pairs->items[i];
        int at = i;
        for (; at > 0 && pairs->items[at - 1].carried->attr.index > moving.carried->attr.index; at--)
            pairs->items[at] = pairs->items[at - 1];
        pairs->items[at] = moving;
    }
}

static Node *all_at_once(Graph *g, const Node *value, const ScanLoop *scan);

Node *graph_stack(Graph *g, Node *value, const ScanLoop *scan, const CarriedPair *pairs, int count) {
    if (!in_scan(value, scan)) return scan_repeated(g, value, scan->extent);
    Node *all = all_at_once(g, value, scan);
    if (all) return all;
    CarriedPairs needed = needed_pairs(g, value, scan, pairs, count);
    sort_pairs(&needed);
    Node **source = arena_array(g->arena, Node *, 1 + 2 * needed.count);
    source[0] = value;
    for (int p = 0; p < needed.count; p++) {
        source[1 + 2 * p] = needed.items[p].carried;
        source[2 + 2 * p] = needed.items[p].next;
    }
    Shape shape = shape_for_all(value->shape, scan->extent);
    return graph_node(g, OP_STACK, value->dtype, shape, source, 1 + 2 * needed.count, (Attr){.scan = scan});
}

CarriedPairs graph_carried_pairs(Graph *g, Node *const *roots, int count) {
    int nodes;
    Node **order = graph_post_order(g->arena, roots, count, &nodes);
    CarriedPairs pairs = {0};
    for (int i = 0; i < nodes; i++) {
        for (int s = 1; order[i]->op == OP_STACK && s < order[i]->sources; s += 2) {
            bool known = false;
            for (int p = 0; p < pairs.count; p++) known |= pairs.items[p].carried == order[i]->source[s];
            CarriedPair pair = {order[i]->source[s], order[i]->source[s + 1]};
            if (!known) vector_push(g->arena, &pairs, pair);
        }
    }
    return pairs;
}

Node *graph_stack_out(Graph *g, Node *value, const CarriedPairs *pairs) {
    while (value->scans)
        value = graph_stack(g, value, value->scans->scan[value->scans->count - 1], pairs->items, pairs->count);
    return value;
}

/* ---- for all elements at once -------------------------------------------------------------- */
/* A new index 0; the others follow. */
static AxisMap shifted(const AxisMap *map) {
    AxisMap now = {.offset = map->offset, .divisor = map->divisor};
    for (int k = 0; k + 1 < MOST_AXES; k++) now.coef[k + 1] = map->coef[k];
    return now;
}

static Access access_for_all(const Access *access, bool all) {
    Access now = {.rank = access->rank + all};
    if (all) now.axis[0] = axis_map_index(0);
    for (int a = 0; a < access->rank; a++) now.axis[a + all] = shifted(&access->axis[a]);
    return now;
}

static Node *reduction_for_all(Graph *g, const Node *n, Node *const *source, const bool *all, Shape shape) {
    Contraction c = *n->attr.contraction;
    if (shape.rank + c.reduced > MOST_AXES) return NULL;
    for (int s = 0; s < n->sources; s++) c.access[s] = access_for_all(&n->attr.contraction->access[s], all[s]);
    if (n->op == OP_VIEW) return graph_view(g, source[0], shape, &c.access[0]);
    return graph_contract(g, n->op, source, n->sources, shape, &c);
}

/* A table that is the same for all elements is read at all indices at once. */
static Node *indexed_for_all(Graph *g, const Node *n, Node *const *source, const bool *all, Shape shape) {
    Attr attr = n->attr;
    Node *now[3];
    bool same_table = n->op == OP_GATHER && !all[0] && attr.index == 0;
    for (int s = 0; s < n->sources; s++) {
        bool repeats = !all[s] && !(same_table && s == 0);
        if (repeats && source[s]->shape.rank == MOST_RANK) return NULL;
        now[s] = repeats ? scan_repeated(g, source[s], shape.extent[0]) : source[s];
    }
    if (!same_table) attr.index++;
    return graph_node(g, n->op, n->dtype, shape, now, n->sources, attr);
}

Node *scan_for_all(Graph *g, const Node *n, Node *const *source, const bool *all, int64_t extent) {
    if (n->shape.rank == MOST_RANK) return NULL;
    Shape shape = shape_for_all(n->shape, extent);
    Attr attr = n->attr;
    if (op_class(n->op) == OP_CLASS_REDUCE || n->op == OP_VIEW) return reduction_for_all(g, n, source, all, shape);
    if (op_class(n->op) == OP_CLASS_INDEXED) return indexed_for_all(g, n, source, all, shape);
    if (n->op == OP_RESHAPE) return graph_reshape(g, source[0], shape);
    if (n->op == OP_CONCAT)
        attr.index++;
    else if (op_class(n->op) != OP_CLASS_ELEMENT || n->op == OP_VARIABLE)
        return NULL;
    Node **now = arena_array(g->arena, Node *, n->sources);
    for (int s = 0; s < n->sources; s++) now[s] = all[s] ? source[s] : scan_repeated(g, source[s], extent);
    return graph_node(g, n->op, n->dtype, shape, now, n->sources, attr);
}

/* ---- out of the body ----------------------------------------------------------------------- */
enum { MOST_HOISTED = 2000 }; /* operations on the way to elements, as a tree */

/* Whether elements of the scan are all that the value differs by. */
static bool can_hoist(const Node *n, const ScanLoop *scan, int *budget) {
    if (--*budget < 0) return false;
    if (n->op == OP_ELEMENT && n->attr.scan == scan) return true;
    if (n->op == OP_CARRIED || n->op == OP_ELEMENT || n->op == OP_STACK || n->op == OP_VARIABLE) return false;
    for (int s = 0; s < n->sources; s++)
        if (in_scan(n->source[s], scan) && !can_hoist(n->source[s], scan, budget)) return false;
    return true;
}

static Node *hoist(Graph *g, const Node *n, const ScanLoop *scan) {
    if (n->op == OP_ELEMENT) return n->source[0];
    Node **source = arena_array(g->arena, Node *, n->sources + 1);
    bool *all = arena_array(g->arena, bool, n->sources + 1);
    for (int s = 0; s < n->sources; s++) {
        all[s] = in_scan(n->source[s], scan);
        source[s] = all[s] ? hoist(g, n->source[s], scan) : n->source[s];
        if (!source[s]) return NULL;
    }
    return scan_for_all(g, n, source, all, scan->extent);
}

static Node *all_at_once(Graph *g, const Node *value, const ScanLoop *scan) {
    int budget = MOST_HOISTED;
    return can_hoist(value, scan, &budget) ? hoist(g, value, scan) : NULL;
}

Node *scan_hoisted(Graph *g, const Node *wanted) {
    bool costs = op_class(wanted->op) == OP_CLASS_REDUCE || wanted->op == OP_GATHER;
    const ScanSet *set = costs ? scans_of(g->arena, wanted) : NULL;
    if (!set) return NULL;
    Node *all = all_at_once(g, wanted, set->scan[set->count - 1]);
    return all ? graph_element(g, all, set->scan[set->count - 1]) : NULL;
}
