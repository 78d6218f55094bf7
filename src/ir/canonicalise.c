/* canonicalise: every change that rounds differently (docs/numerics.md, "What canonicalise does"). It runs
 * always, bottom-up, and decides from a node and what lies directly below it alone: never from use counts or
 * from what is asked for, so a metric or a log cannot move a bit.
 *
 *   a * b + c            fma(a, b, c); the left product if both are; minus negates what is not multiplied out
 *   sum of a product     a contraction of its two outermost factors
 *   sum of a sum         one sum, unless the inner one is of products by a matrix without rows
 *   sum over a view      the view's places, read in place; its padding is absent terms
 *   x^2                  x * x
 *
 * A mean (a sum times 1/n) is rounded by itself: its product joins nothing. */
#include <string.h>

#include "ir/affine.h"
#include "ir/fold.h"
#include "ir/graph.h"

/* What a reduction is while it changes. */
typedef struct ReductionDraft {
    Node *source[2];
    int count;
    Shape result;
    Contraction c;
} ReductionDraft;

/* ---- means --------------------------------------------------------------------------------- */
static bool is_rows_reciprocal(const Node *n) {
    while (n->op == OP_VIEW || n->op == OP_CAST) n = n->source[0];
    return n->op == OP_ROWS_RECIPROCAL;
}

/* sum * 1/n, as it was written before anything changed, so that what is a mean depends on nothing else. */
static bool was_mean(const Node *old) {
    if (old->op != OP_MUL) return false;
    for (int k = 0; k < 2; k++) {
        const Node *factor = old->source[k], *sum = old->source[1 - k];
        if (is_rows_reciprocal(factor)) return true;
        if (factor->op != OP_CONST || sum->op != OP_CONTRACT) continue;
        double terms = 1;
        for (int r = 0; r < sum->attr.contraction->reduced; r++) terms *= (double)sum->attr.contraction->extent[r];
        if (factor->attr.value == fold_round(old->dtype, 1 / terms)) return true;
    }
    return false;
}

/* A product that may join a sum. `old` is what it was made from. */
static bool is_product(const Node *n, const Node *old) {
    return n->op == OP_MUL && dtype_is_real(n->dtype) && !was_mean(old);
}

/* What a sum adds up, before anything changed: through views and sums directly below it. */
static const Node *summand(const Node *old) {
    do old = old->source[old->sources == 2 && old->source[0]->op == OP_CONST];
    while (old->op == OP_VIEW || (old->op == OP_CONTRACT && old->sources == 1));
    return old;
}

/* ---- fma ----------------------------------------------------------------------------------- */
static Node *fma_node(Graph *g, Node *a, Node *b, Node *c) {
    Node *source[] = {a, b, c};
    return graph_node(g, OP_FMA, c->dtype, c->shape, source, 3, (Attr){0});
}

static Node *join_add(Graph *g, Node *a, Node *b, const Node *old) {
    if (is_product(a, old->source[0])) return fma_node(g, a->source[0], a->source[1], b);
    if (is_product(b, old->source[1])) return fma_node(g, b->source[0], b->source[1], a);
    return NULL;
}

static Node *join_sub(Graph *g, Node *a, Node *b, const Node *old) {
    if (is_product(a, old->source[0])) return fma_node(g, a->source[0], a->source[1], graph_unary(g, OP_NEG, b));
    if (is_product(b, old->source[1])) return fma_node(g, graph_unary(g, OP_NEG, b->source[0]), b->source[1], a);
    return NULL;
}

/* ---- contractions -------------------------------------------------------------------------- */
static int reduction_space(const ReductionDraft *r, int64_t extent[MOST_AXES]) {
    return contraction_space(r->result, &r->c, extent);
}

static bool absorb_product(ReductionDraft *r, const Node *old) {
    if (r->count != 1 || !is_product(r->source[0], summand(old))) return false;
    Node *product = r->source[0];
    r->source[0] = product->source[0];
    r->source[1] = product->source[1];
    r->c.access[1] = r->c.access[0];
    r->count = 2;
    return true;
}

static bool absorb_view(ReductionDraft *r, int s, bool padding_too) {
    Node *view = r->source[s];
    if (view->op != OP_VIEW) return false;
    const Access *outer = &view->attr.contraction->access[0];
    Node *below = view->source[0];
    if (!padding_too && !access_always_within(outer, view->shape.extent, view->shape.rank, below->shape)) return false;
    int64_t extent[MOST_AXES];
    int axes = reduction_space(r, extent);
    const Access *other = r->count == 2 ? &r->c.access[1 - s] : NULL;
    Shape other_shape = r->count == 2 ? r->source[1 - s]->shape : (Shape){0};
    Access both;
    if (!access_compose(outer, view->shape, below->shape, &r->c.access[s], extent, axes, other, other_shape, &both))
        return false;
    r->source[s] = below;
    r->c.access[s] = both;
    return true;
}

/* Wherever `access` is absent, the other factor is. */
static bool says_nothing(const ReductionDraft *r, int s, const int64_t *extent, int axes) {
    const Access *access = &r->c.access[s];
    Shape shape = r->source[s]->shape;
    for (int a = 0; a < access->rank; a++) {
        if (axis_map_always_within(&access->axis[a], extent, axes, shape.extent[a])) continue;
        if (!access_has_map(&r->c.access[1 - s], r->source[1 - s]->shape, &access->axis[a], shape.extent[a]))
            return false;
    }
    return true;
}

/* A source of ones that leaves out no term. */
static bool drop_ones(ReductionDraft *r) {
    int64_t extent[MOST_AXES];
    int axes = reduction_space(r, extent);
    for (int s = 0; s < 2 && r->count == 2; s++) {
        const Node *x = r->source[s];
        if (x->op != OP_CONST || x->attr.value != 1 || !says_nothing(r, s, extent, axes)) continue;
        r->source[0] = r->source[1 - s];
        r->c.access[0] = r->c.access[1 - s];
        r->count = 1;
        return true;
    }
    return false;
}

/* Every index once, alone in its axis, everywhere inside: no term is read twice. */
static bool reads_each_once(const Access *access, Shape source, const int64_t *extent, int axes) {
    int times[MOST_AXES] = {0};
    if (!access_always_within(access, extent, axes, source)) return false;
    for (int a = 0; a < access->rank; a++) {
        int indices = 0;
        for (int k = 0; k < axes; k++) {
            if (access->axis[a].coef[k] == 0) continue;
            indices++;
            times[k]++;
        }
        if (indices > 1) return false;
    }
    for (int k = 0; k < axes; k++) {
        if (extent[k] > 1 && times[k] != 1) return false;
    }
    return true;
}

/* ---- products by a matrix: sum over k of g[.., k] * w[k, ..], w without rows -------------------------------- */
/* Axes of a value: those that the outer sum walks along, and those of the inner one. */
typedef struct SummedAxes {
    bool outer[MOST_AXES], inner[MOST_AXES];
} SummedAxes;

static SummedAxes axes_through(const Access *access, const SummedAxes *axes) {
    SummedAxes below = {{false}, {false}};
    for (int a = 0; a < access->rank; a++)
        for (int k = 0; k < MOST_AXES; k++) {
            below.outer[a] |= access->axis[a].coef[k] != 0 && axes->outer[k];
            below.inner[a] |= access->axis[a].coef[k] != 0 && axes->inner[k];
        }
    return below;
}

static bool is_matrix(const Node *factor, SummedAxes axes) {
    bool outer = false, inner = false;
    while (factor->op == OP_VIEW) {
        axes = axes_through(&factor->attr.contraction->access[0], &axes);
        factor = factor->source[0];
    }
    for (int a = 0; a < factor->shape.rank; a++) {
        outer |= axes.outer[a] && factor->shape.extent[a] > 1;
        inner |= axes.inner[a] && factor->shape.extent[a] > 1;
    }
    return factor->rows == 0 && inner && !outer;
}

/* Is the inner sum one of products by a matrix that is the same for all that the outer one sums? */
static bool sums_by_matrix(const ReductionDraft *r, const Node *sum) {
    const Contraction *inner = sum->attr.contraction;
    SummedAxes axes = {{false}, {false}}, of_result = axes;
    for (int k = 0; k < r->c.reduced; k++) of_result.outer[r->result.rank + k] = true;
    axes = axes_through(&r->c.access[0], &of_result);
    for (int k = 0; k < inner->reduced; k++) axes.inner[sum->shape.rank + k] = true;
    for (int s = 0; s < 2 && sum->sources == 2; s++)
        if (is_matrix(sum->source[s], axes_through(&inner->access[s], &axes))) return true;
    axes = axes_through(&inner->access[0], &axes);
    for (const Node *x = sum->source[0]; sum->sources == 1 && x->op == OP_FMA; x = x->source[2])
        if (is_matrix(x->source[0], axes) || is_matrix(x->source[1], axes)) return true;
    return false;
}

static bool absorb_sum(ReductionDraft *r) {
    Node *sum = r->source[0];
    if (r->count != 1 || sum->op != OP_CONTRACT || sums_by_matrix(r, sum)) return false;
    const Contraction *inner = sum->attr.contraction;
    if (r->c.over_rows && (inner->over_rows || !sum->rows)) return false;
    int64_t extent[MOST_AXES];
    int axes = reduction_space(r, extent), reduced = r->c.reduced;
    if (axes + inner->reduced > MOST_AXES) return false;
    if (!reads_each_once(&r->c.access[0], sum->shape, extent, axes)) return false;
    /* the inner index space over the joined one: its result axes as they are read, its reduced axes behind */
    Access within = r->c.access[0];
    Shape middle = sum->shape;
    Contraction joined = {.reduced = reduced + inner->reduced, .over_rows = r->c.over_rows || inner->over_rows};
    for (int k = 0; k < joined.reduced; k++) {
        joined.extent[k] = k < reduced ? r->c.extent[k] : inner->extent[k - reduced];
    }
    if (middle.rank + inner->reduced > MOST_RANK) return false;
    for (int k = 0; k < inner->reduced; k++) {
        middle.extent[middle.rank++] = inner->extent[k];
        within.axis[within.rank++] = axis_map_index(axes + k);
    }
    axes = contraction_space(r->result, &joined, extent);
    for (int s = 0; s < sum->sources; s++) {
        if (!access_compose(&inner->access[s], middle, sum->source[s]->shape, &within, extent, axes, NULL, (Shape){0},
                            &joined.access[s]))
            return false;
    }
    r->c = joined;
    r->count = sum->sources;
    for (int s = 0; s < sum->sources; s++) r->source[s] = sum->source[s];
    return true;
}

/* Reduced axes of extent 1 go; their index was always 0. */
static void drop_unit_axes(ReductionDraft *r) {
    Contraction c = {.over_rows = r->c.over_rows};
    int rank = r->result.rank, to[MOST_AXES];
    for (int k = 0; k < r->c.reduced; k++) {
        to[k] = -1;
        if (r->c.extent[k] == 1) continue;
        to[k] = c.reduced;
        c.extent[c.reduced++] = r->c.extent[k];
    }
    for (int s = 0; s < r->count; s++) {
        c.access[s].rank = r->c.access[s].rank;
        for (int a = 0; a < c.access[s].rank; a++) {
            const AxisMap *from = &r->c.access[s].axis[a];
            AxisMap *map = &c.access[s].axis[a];
            *map = (AxisMap){.offset = from->offset, .divisor = from->divisor};
            for (int k = 0; k < rank; k++) map->coef[k] = from->coef[k];
            for (int k = 0; k < r->c.reduced; k++) {
                if (to[k] >= 0) map->coef[rank + to[k]] = from->coef[rank + k];
            }
        }
    }
    r->c = c;
}

static ReductionDraft reduction_of(const Node *old, Node *const *source) {
    ReductionDraft r = {.count = old->sources, .result = old->shape, .c = *old->attr.contraction};
    for (int s = 0; s < old->sources; s++) r.source[s] = source[s];
    return r;
}

/* Two factors and nothing summed: the product itself, rounded once either way. */
static Node *plain_product(Graph *g, const ReductionDraft *r) {
    if (r->count != 2 || r->c.reduced || r->c.over_rows) return NULL;
    Node *factor[2];
    for (int s = 0; s < 2; s++) {
        if (!access_always_within(&r->c.access[s], r->result.extent, r->result.rank, r->source[s]->shape)) return NULL;
        factor[s] = graph_view(g, r->source[s], r->result, &r->c.access[s]);
    }
    return graph_binary(g, OP_MUL, factor[0], factor[1]);
}

/* The batch sum of a scatter-add is a scatter-add over the batch. */
static Node *scatter_over_rows(Graph *g, const ReductionDraft *r) {
    Node *x = r->source[0];
    if (r->count != 1 || r->c.reduced || !r->c.over_rows || x->op != OP_SCATTER_ADD || !x->rows) return NULL;
    if (!shape_equal(x->shape, r->result)) return NULL;
    for (int a = 0; a < x->shape.rank; a++) {
        if (x->shape.extent[a] > 1 && !axis_map_is_index(&r->c.access[0].axis[a], a)) return NULL;
    }
    Attr attr = x->attr;
    attr.over_rows = true;
    return graph_node(g, OP_SCATTER_ADD, x->dtype, x->shape, x->source, x->sources, attr);
}

static Node *canonical_sum(Graph *g, Node *old, Node *const *source) {
    ReductionDraft r = reduction_of(old, source);
    bool changed = true;
    while (changed) {
        changed = absorb_product(&r, old) || drop_ones(&r) || absorb_sum(&r);
        for (int s = 0; s < r.count; s++) changed |= absorb_view(&r, s, true);
    }
    drop_unit_axes(&r);
    Node *scatter = scatter_over_rows(g, &r), *product = plain_product(g, &r);
    return scatter ? scatter : product ? product : graph_contract(g, OP_CONTRACT, r.source, r.count, r.result, &r.c);
}

/* max, min, argmax: a padded place is a zero there, so only views without padding are read through. The axes
 * of an argmax stay: they number its terms. */
static Node *canonical_extreme(Graph *g, Node *old, Node *const *source) {
    ReductionDraft r = reduction_of(old, source);
    while (absorb_view(&r, 0, false)) continue;
    if (old->op != OP_ARGMAX) drop_unit_axes(&r);
    return graph_contract(g, old->op, r.source, 1, r.result, &r.c);
}

static Node *canonical_scatter(Graph *g, Node *old, Node *const *source) {
    if (old->sources != 2 || !is_product(source[0], old->source[0])) return graph_again(g, old, source);
    Node *three[] = {source[0]->source[0], source[1], source[0]->source[1]};
    return graph_node(g, OP_SCATTER_ADD, old->dtype, old->shape, three, 3, old->attr);
}

static Node *canonical(Graph *g, Node *old, Node *const *source, void *context) {
    (void)context;
    Node *joined = NULL;
    switch (old->op) {
    case OP_ADD: joined = join_add(g, source[0], source[1], old); break;
    case OP_SUB: joined = join_sub(g, source[0], source[1], old); break;
    case OP_POWI: joined = old->attr.index == 2 ? graph_binary(g, OP_MUL, source[0], source[0]) : NULL; break;
    case OP_CONTRACT: return canonical_sum(g, old, source);
    case OP_REDUCE_MAX:
    case OP_REDUCE_MIN:
    case OP_ARGMAX: return canonical_extreme(g, old, source);
    case OP_SCATTER_ADD: return canonical_scatter(g, old, source);
    default: break;
    }
    return joined ? joined : graph_again(g, old, source);
}

void graph_canonicalise(Graph *g, Node **roots, int count) { graph_rewrite(g, roots, count, canonical, NULL); }
