/* sparse: products with rows that are stored sparse. Lowering has such a row as values added at their indices into zeros
 * (SCATTER_ADD); a sum of products over it, and its derivative by what it is multiplied with, need no zeros:
 *
 *   sum over n of     w[.., n] x[n]    is   sum over the stored m of  w[.., index[m]] value[m]
 *   sum over rows of  g[..] x[n]       is   g[..] value[m] added at index[m], over all rows and m
 *
 * a gather and a short sum, and a scatter. It is done where sums of products are one node each and before their order is
 * fixed: the short sums are what the order law then orders. Where the row is used in another way it stays a row with zeros.
 */
#include "ir/affine.h"
#include "ir/graph.h"

/* A product of a sparse row, source[sparse] of a contraction, and another factor. */
typedef struct SparseProduct {
    const Node *old;
    const Contraction *c;
    Node *row, *factor;
    const Access *row_access, *factor_access;
    int sparse, axis; /* axis: of the index space, along the row */
} SparseProduct;

/* A vector of stored values. */
static bool is_sparse(const Node *node) {
    return node->op == OP_SCATTER_ADD && node->sources == 2 && !node->attr.index && !node->attr.over_rows &&
           node->shape.rank == 1 && node->source[0]->op == OP_COLUMN && node->source[1]->op == OP_COLUMN;
}

static bool find_product(const Node *old, Node *const *source, int s, SparseProduct *p) {
    const Contraction *c = old->attr.contraction;
    int64_t extent[MOST_AXES];
    int axes = contraction_space(old->shape, c, extent);
    if (!is_sparse(source[s]) || source[0] == source[1]) return false;
    *p = (SparseProduct){old, c, source[s], source[1 - s], &c->access[s], &c->access[1 - s], s, -1};
    for (int k = 0; k < axes; k++)
        if (axis_map_is_index(&p->row_access->axis[0], k) && extent[k] == p->row->shape.extent[0]) p->axis = k;
    return p->axis >= 0;
}

/* The axis of the other factor along the row, bare and the only one; -1: there is none, -2: it is read otherwise. */
static int axis_along(const SparseProduct *p) {
    int found = -1;
    for (int a = 0; a < p->factor_access->rank; a++) {
        if (!p->factor_access->axis[a].coef[p->axis]) continue;
        bool bare = axis_map_is_index(&p->factor_access->axis[a], p->axis);
        if (found >= 0 || !bare || p->factor->shape.extent[a] != p->row->shape.extent[0]) return -2;
        found = a;
    }
    return found;
}

/* Axis `first` before the others. */
static Node *with_first(Graph *g, Node *x, int first) {
    int order[MOST_RANK], count = 0;
    order[count++] = first;
    for (int a = 0; a < x->shape.rank; a++)
        if (a != first) order[count++] = a;
    return first ? graph_permute(g, x, order) : x;
}

/* The row lies along a reduced axis: a gather, and a sum over what is stored. */
static Node *short_sum(Graph *g, const SparseProduct *p) {
    Contraction c = *p->c;
    int reduced = p->axis - p->old->shape.rank, along = axis_along(p);
    if (reduced < 0 || along < 0) return NULL;
    c.extent[reduced] = p->row->source[0]->shape.extent[0];
    Access *moved = &c.access[1 - p->sparse];
    for (int a = 0, to = 1; a < moved->rank; a++)
        if (a != along) moved->axis[to++] = p->factor_access->axis[a];
    moved->axis[0] = p->factor_access->axis[along];
    Node *two[2];
    two[p->sparse] = p->row->source[0];
    two[1 - p->sparse] = graph_gather(g, with_first(g, p->factor, along), p->row->source[1], 0);
    return graph_contract(g, OP_CONTRACT, two, 2, p->old->shape, &c);
}

/* The row lies along an axis of a sum over rows alone: values times the factor, added at their indices. */
static Node *scatter(Graph *g, const SparseProduct *p) {
    Shape terms = {.rank = 1, .extent = {p->row->source[0]->shape.extent[0]}}, result = {.rank = 1};
    Access value = {.rank = 1, .axis = {axis_map_index(0)}}, factor = *p->factor_access;
    int back[MOST_RANK], rank = p->old->shape.rank;
    if (!p->c->over_rows || p->c->reduced || axis_along(p) != -1 || p->axis >= rank) return NULL;
    result.extent[0] = p->row->shape.extent[0];
    int place_of[MOST_AXES] = {0}; /* of the result's axes among those of the terms */
    for (int a = 0; a < rank; a++) {
        place_of[a] = a == p->axis ? 0 : result.rank;
        back[a] = place_of[a];
        if (a == p->axis) continue;
        result.extent[result.rank++] = p->old->shape.extent[a];
        terms.extent[terms.rank++] = p->old->shape.extent[a];
    }
    for (int a = 0; a < factor.rank; a++) {
        for (int k = 0; k < MOST_AXES; k++) factor.axis[a].coef[k] = 0;
        for (int k = 0; k < rank; k++)
            if (k != p->axis) factor.axis[a].coef[place_of[k]] = p->factor_access->axis[a].coef[k];
    }
    Node *three[] = {graph_view(g, p->row->source[0], terms, &value), p->row->source[1],
                     graph_view(g, p->factor, terms, &factor)};
    Node *sum = graph_node(g, OP_SCATTER_ADD, p->old->dtype, result, three, 3, (Attr){.over_rows = true});
    return p->axis ? graph_permute(g, sum, back) : sum;
}

static Node *change(Graph *g, Node *old, Node *const *source, void *context) {
    (void)context;
    Node *made = NULL;
    SparseProduct p;
    for (int s = 0; s < 2 && !made && old->op == OP_CONTRACT && old->sources == 2; s++)
        if (find_product(old, source, s, &p)) made = p.axis < old->shape.rank ? scatter(g, &p) : short_sum(g, &p);
    return made ? made : graph_again(g, old, source);
}

void graph_sparse(Graph *g, Node **roots, int count) { graph_rewrite(g, roots, count, change, NULL); }
