/* order: writes the order law (docs/numerics.md) onto every contraction and reduction, after which the bits
 * are fixed. The reduced axes are sorted into the order of k and each runs upwards in memory: window axes
 * first (an index that shares a source's axis with another index), in the windowed source's axis order, then
 * the rest by first appearance in the left, then the right source. Lanes and chunks follow from the number of
 * outputs and the reduced extents; a row extent is never read.
 *
 * An argmax keeps its axes (they number its terms) and runs as one chain. */
#include <string.h>

#include "ir/affine.h"
#include "ir/graph.h"

enum { FEWEST_CHAINS = 8, LANES = 16, CHUNK = 4096 };

/* Where reduced axis k first appears: sorts by class, then source, then axis, then longest step, then k. */
typedef struct Position {
    int class; /* 0 window, 1 alone, 2 nowhere */
    int source, axis;
    int64_t step; /* signed coefficient there */
    int k;
} Position;

static int indices_in(const AxisMap *map) {
    int count = 0;
    for (int k = 0; k < MOST_AXES; k++) count += map->coef[k] != 0;
    return count;
}

static Position position_of(const Contraction *c, int sources, int rank, int k) {
    Position first = {.class = 2, .k = k};
    for (int s = 0; s < sources; s++) {
        for (int a = 0; a < c->access[s].rank; a++) {
            const AxisMap *map = &c->access[s].axis[a];
            if (map->coef[rank + k] == 0) continue;
            int class = indices_in(map) > 1 ? 0 : 1;
            if (class < first.class) first = (Position){class, s, a, map->coef[rank + k], k};
        }
    }
    return first;
}

static bool comes_before(const Position *a, const Position *b) {
    if (a->class != b->class) return a->class < b->class;
    if (a->source != b->source) return a->source < b->source;
    if (a->axis != b->axis) return a->axis < b->axis;
    int64_t step_a = a->step < 0 ? -a->step : a->step, step_b = b->step < 0 ? -b->step : b->step;
    if (step_a != step_b) return step_a > step_b;
    return a->k < b->k;
}

static void sort_places(Position *places, int count) {
    for (int i = 1; i < count; i++) {
        Position moving = places[i];
        int at = i;
        for (; at > 0 && comes_before(&moving, &places[at - 1]); at--) places[at] = places[at - 1];
        places[at] = moving;
    }
}

/* The map with reduced axes in the order of `places`, those with a negative step turned around. */
static AxisMap reorder_map(const AxisMap *map, const Contraction *c, int rank, const Position *places) {
    AxisMap now = {.offset = map->offset, .divisor = map->divisor};
    for (int a = 0; a < rank; a++) now.coef[a] = map->coef[a];
    for (int k = 0; k < c->reduced; k++) {
        int32_t coef = map->coef[rank + places[k].k];
        bool turned = places[k].step < 0;
        if (turned) now.offset += coef * (c->extent[places[k].k] - 1);
        now.coef[rank + k] = turned ? -coef : coef;
    }
    return now;
}

static Contraction order_axes(const Contraction *c, int sources, int rank) {
    Position places[MOST_AXES];
    for (int k = 0; k < c->reduced; k++) places[k] = position_of(c, sources, rank, k);
    sort_places(places, c->reduced);
    Contraction now = {.reduced = c->reduced, .over_rows = c->over_rows};
    for (int k = 0; k < c->reduced; k++) now.extent[k] = c->extent[places[k].k];
    for (int s = 0; s < sources; s++) {
        now.access[s].rank = c->access[s].rank;
        for (int a = 0; a < c->access[s].rank; a++) {
            now.access[s].axis[a] = reorder_map(&c->access[s].axis[a], c, rank, places);
        }
    }
    return now;
}

/* Rules 2 and 3. `outputs` counts the result's elements, without rows. */
static void order_terms(Contraction *c, int64_t outputs, bool has_rows) {
    int64_t terms = 1;
    for (int k = 0; k < c->reduced; k++) terms *= c->extent[k];
    c->lanes = outputs < FEWEST_CHAINS ? LANES : 1;
    if (c->over_rows)
        c->chunk = terms < CHUNK ? CHUNK / (terms > 0 ? terms : 1) : 1;
    else if (!has_rows && outputs < FEWEST_CHAINS && terms > CHUNK)
        c->chunk = CHUNK;
}

static Node *ordered(Graph *g, Node *old, Node *const *source, void *context) {
    (void)context;
    if (op_class(old->op) != OP_CLASS_REDUCE) return graph_again(g, old, source);
    Contraction c = *old->attr.contraction;
    if (old->op == OP_ARGMAX) {
        c.lanes = 1;
    } else {
        c = order_axes(&c, old->sources, old->shape.rank);
        order_terms(&c, shape_size(old->shape), old->rows != 0);
    }
    return graph_contract(g, old->op, source, old->sources, old->shape, &c);
}

void graph_order(Graph *g, Node **roots, int count) { graph_rewrite(g, roots, count, ordered, NULL); }
