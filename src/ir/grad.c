/* grad: derivatives, built from the same ops, so they can be differentiated again.
 *
 * One rule per op row: what node y adds to the adjoint of its source k, from y's own adjoint; NULL is
 * "absent", which is not zero: nothing is added and nothing is computed. One walk, backwards through the
 * objective's depth-first left-to-right post-order, visits the nodes between y and what is wanted and adds
 * contributions in that order (a node's last source first), as docs/numerics.md says. Rules return the
 * contribution of one row; where a node with rows reads a source without, the walk sums it over the rows, in
 * one place. */
#include "ir/affine.h"
#include "ir/graph.h"
#include "ir/inverse.h"

typedef struct Failure { bool failed; } Failure;
typedef Node *GradRule(Graph *g, Node *y, Node *adjoint, int k, Failure *failure);

#define UNUSED __attribute__((unused))
#define RULE(NAME)                                                                                  \
    static Node *grad_##NAME(Graph *g UNUSED, Node *y UNUSED, Node *adjoint UNUSED, int k UNUSED,   \
                             Failure *failure UNUSED)

static Node *like(Graph *g, const Node *x, double value) { return graph_const(g, x->dtype, x->shape, value); }
static Node *mul(Graph *g, Node *a, Node *b) { return graph_binary(g, OP_MUL, a, b); }
static Node *div_(Graph *g, Node *a, Node *b) { return graph_binary(g, OP_DIV, a, b); }
static Node *sub(Graph *g, Node *a, Node *b) { return graph_binary(g, OP_SUB, a, b); }
static Node *neg(Graph *g, Node *a) { return graph_unary(g, OP_NEG, a); }
/* c ? a : 0 and c ? 0 : a */
static Node *only_where(Graph *g, Node *c, Node *a) { return graph_where(g, c, a, like(g, a, 0)); }
static Node *only_where_not(Graph *g, Node *c, Node *a) { return graph_where(g, c, like(g, a, 0), a); }

/* ---- leaves: the walk ends there */
RULE(CONST) { return NULL; }
RULE(COLUMN) { return NULL; }
RULE(CELL) { return NULL; }
RULE(SLOT) { return NULL; }
RULE(COUNTER) { return NULL; }
RULE(ROWS_RECIPROCAL) { return NULL; }
RULE(RANDOM) { return NULL; }
RULE(IOTA) { return NULL; }
RULE(GRADIENT) { return NULL; }

/* ---- one source. Numbers meet the adjoint first: it often is one, and they fold. */
RULE(NEG) { return neg(g, adjoint); }

RULE(ABS) {
    Node *x = y->source[0], *zero = like(g, x, 0);
    return graph_where(g, graph_binary(g, OP_LT, zero, x), adjoint,
                       only_where(g, graph_binary(g, OP_LT, x, zero), neg(g, adjoint)));
}

RULE(SQRT) { return div_(g, mul(g, adjoint, like(g, y, 0.5)), y); }
RULE(EXP) { return mul(g, adjoint, y); }
RULE(LOG) { return div_(g, adjoint, y->source[0]); }
RULE(SIN) { return mul(g, adjoint, graph_unary(g, OP_COS, y->source[0])); }
RULE(COS) { return neg(g, mul(g, adjoint, graph_unary(g, OP_SIN, y->source[0]))); }
RULE(TANH) { return mul(g, adjoint, sub(g, like(g, y, 1), mul(g, y, y))); }
RULE(SIGMOID) { return mul(g, mul(g, adjoint, y), sub(g, like(g, y, 1), y)); }

RULE(ERF) {
    Node *x = y->source[0];
    Node *bell = graph_unary(g, OP_EXP, neg(g, mul(g, x, x)));
    return mul(g, mul(g, adjoint, like(g, y, 1.1283791670955126)), bell);   /* 2 / sqrt(pi) */
}

RULE(FLOOR) { return NULL; }

RULE(POWI) {
    int64_t n = y->attr.index;
    return mul(g, mul(g, adjoint, like(g, y, (double)n)), graph_powi(g, y->source[0], n - 1));
}

RULE(NOT) { return NULL; }
RULE(CAST) { return graph_cast(g, adjoint, y->source[0]->dtype); }
RULE(STOP_GRADIENT) { return NULL; }

/* ---- two sources */
RULE(ADD) { return adjoint; }
RULE(SUB) { return k == 0 ? adjoint : neg(g, adjoint); }
RULE(MUL) { return mul(g, adjoint, y->source[1 - k]); }

RULE(DIV) {
    Node *part = div_(g, adjoint, y->source[1]);
    return k == 0 ? part : neg(g, mul(g, part, y));
}

/* The condition under which max and min give their first source. */
static Node *first_wins(Graph *g, const Node *y) {
    Node *a = y->source[0], *b = y->source[1];
    Node *better = y->op == OP_MAX ? graph_binary(g, OP_LE, b, a) : graph_binary(g, OP_LE, a, b);
    return graph_binary(g, OP_OR, better, graph_binary(g, OP_NE, a, a));
}

RULE(MAX)
{ return k == 0 ? only_where(g, first_wins(g, y), adjoint) : only_where_not(g, first_wins(g, y), adjoint); }
RULE(MIN) { return grad_MAX(g, y, adjoint, k, failure); }

/* b * a^(b-1), and a^b * log a, which is 0 where a is 0. */
RULE(POW) {
    Node *a = y->source[0], *b = y->source[1];
    if (k == 0) return mul(g, mul(g, adjoint, b), graph_binary(g, OP_POW, a, sub(g, b, like(g, b, 1))));
    Node *slope = mul(g, mul(g, adjoint, y), graph_unary(g, OP_LOG, a));
    return only_where_not(g, graph_binary(g, OP_EQ, a, like(g, a, 0)), slope);
}

RULE(FLOORDIV) { return NULL; }
RULE(MOD) { return NULL; }
RULE(EQ) { return NULL; }
RULE(NE) { return NULL; }
RULE(LT) { return NULL; }
RULE(LE) { return NULL; }
RULE(AND) { return NULL; }
RULE(OR) { return NULL; }

/* ---- three sources */
RULE(WHERE) {
    Node *c = y->source[0];
    return k == 1 ? only_where(g, c, adjoint) : k == 2 ? only_where_not(g, c, adjoint) : NULL;
}
RULE(FMA) { return k == 2 ? adjoint : mul(g, adjoint, y->source[1 - k]); }

/* ---- movement and reductions: index maps turned around */
static Access identity_access(int rank) {
    Access access = {.rank = rank};
    for (int a = 0; a < rank; a++) access.axis[a] = axis_map_index(a);
    return access;
}

static Node *checked(Graph *g, const Node *y, Node *contribution, Failure *failure) {
    if (contribution) return contribution;
    report(g->diagnostics, CODE_E0209, y->span,
           "the derivative of this expression needs more axes than sgdc can handle (%d)", MOST_RANK);
    failure->failed = true;
    return NULL;
}

RULE(VIEW) {
    IndexSpace space = {.axes = y->shape.rank, .results = y->shape.rank};
    contraction_space(y->shape, NULL, space.extent);
    Reading reading = {adjoint, identity_access(y->shape.rank)};
    const Access *to = &y->attr.contraction->access[0];
    return checked(g, y, inverse_sum(g, &space, to, y->source[0]->shape, &reading, 1), failure);
}

RULE(RESHAPE) { return graph_reshape(g, adjoint, y->source[0]->shape); }

RULE(CONCAT) {
    int axis = (int)y->attr.index;
    int64_t begin = 0;
    for (int s = 0; s < k; s++) begin += y->source[s]->shape.extent[axis];
    return graph_slice(g, adjoint, axis, begin, begin + y->source[k]->shape.extent[axis]);
}

RULE(CONTRACT) {
    const Contraction *c = y->attr.contraction;
    IndexSpace space = {.results = y->shape.rank};
    space.axes = contraction_space(y->shape, c, space.extent);
    Reading readings[2] = {{adjoint, identity_access(y->shape.rank)}};
    if (y->sources == 2) readings[1] = (Reading){y->source[1 - k], c->access[1 - k]};
    return checked(g, y, inverse_sum(g, &space, &c->access[k], y->source[k]->shape, readings, y->sources),
                   failure);
}

/* Row-major index over the reduced axes, at every place of the whole index space `full`. */
static Node *linear_index(Graph *g, Shape full, int results) {
    Node *linear = graph_const(g, DTYPE_I32, full, 0);
    int64_t stride = 1;
    for (int a = full.rank - 1; a >= results; a--) {
        Node *along = graph_leaf(g, OP_IOTA, DTYPE_I32, full, a);
        Node *step = graph_const(g, DTYPE_I32, full, (double)stride);
        linear = graph_binary(g, OP_ADD, linear, mul(g, along, step));
        stride *= full.extent[a];
    }
    return linear;
}

static Node *repeat_over(Graph *g, Node *x, Shape full) {
    int axes[MOST_RANK];
    for (int a = 0; a < x->shape.rank; a++) axes[a] = a;
    return graph_expand(g, x, full, axes);
}

/* The adjoint goes to the first largest (smallest) of the terms of each result. */
static Node *first_extreme(Graph *g, Node *y, Node *adjoint, Failure *failure) {
    const Contraction *c = y->attr.contraction;
    Shape full = {0};
    if (y->shape.rank + c->reduced > MOST_RANK || c->over_rows) return checked(g, y, NULL, failure);
    IndexSpace space = {0};
    space.axes = space.results = full.rank = contraction_space(y->shape, c, space.extent);
    for (int a = 0; a < full.rank; a++) full.extent[a] = space.extent[a];
    Node *x = y->source[0], *largest = y->op == OP_REDUCE_MAX ? x : neg(g, x);
    Node *which = graph_contract(g, OP_ARGMAX, &largest, 1, y->shape, c);
    Node *chosen = graph_binary(g, OP_EQ, linear_index(g, full, y->shape.rank), repeat_over(g, which, full));
    Reading reading = {only_where(g, chosen, repeat_over(g, adjoint, full)), identity_access(full.rank)};
    return checked(g, y, inverse_sum(g, &space, &c->access[0], x->shape, &reading, 1), failure);
}

RULE(REDUCE_MAX) { return first_extreme(g, y, adjoint, failure); }
RULE(REDUCE_MIN) { return first_extreme(g, y, adjoint, failure); }
RULE(ARGMAX) { return NULL; }

RULE(GATHER) {
    if (k != 0) return NULL;
    return graph_scatter_add(g, adjoint, y->source[1], y->source[0]->shape, (int)y->attr.index, false);
}

RULE(SCATTER_ADD) {
    if (k == 1) return NULL;
    Node *part = graph_gather(g, adjoint, y->source[1], (int)y->attr.index);
    return y->sources == 3 ? mul(g, part, y->source[2 - k]) : part;
}

static GradRule *const rules[OP_COUNT] = {
#define OP(NAME, text, arity, class) [OP_##NAME] = grad_##NAME,
#include "ir/ops.def"
#undef OP
};

/* ---- the walk ------------------------------------------------------------------------------ */
/* Ids of nodes that are wanted, or have a wanted node below them. */
static bool *nodes_on_the_way(Graph *g, Node *const *order, int nodes, Node *const *wrt, int count,
                              uint32_t ids) {
    bool *on = arena_array(g->arena, bool, ids);
    for (int w = 0; w < count; w++) {
        if (wrt[w]->id < ids) on[wrt[w]->id] = true;
    }
    for (int i = 0; i < nodes; i++) {
        for (int s = 0; s < order[i]->sources; s++) on[order[i]->id] |= on[order[i]->source[s]->id];
    }
    return on;
}

static Node *sum_over_rows(Graph *g, Node *x) { return graph_reduce(g, OP_CONTRACT, x, 0, true); }

static void add_contributions(Graph *g, Node *y, Node **adjoint, const bool *on, Failure *failure) {
    g->span = y->span;
    for (int k = y->sources - 1; k >= 0; k--) {
        Node *source = y->source[k];
        if (!on[source->id] || !dtype_is_real(source->dtype) || !dtype_is_real(y->dtype)) continue;
        Node *part = rules[y->op](g, y, adjoint[y->id], k, failure);
        if (!part) continue;
        if (y->rows && !source->rows) part = sum_over_rows(g, part);
        Node *before = adjoint[source->id];
        adjoint[source->id] = before ? graph_binary(g, OP_ADD, before, part) : part;
    }
}

bool graph_gradients(Graph *g, Node *y, Node *seed, Node *const *wrt, int count, Node **out) {
    int nodes;
    Span span = g->span;
    bool backward = g->backward;
    Failure failure = {0};
    Node **order = graph_post_order(g->arena, &y, 1, &nodes);
    uint32_t ids = y->id + 1;
    bool *on = nodes_on_the_way(g, order, nodes, wrt, count, ids);
    Node **adjoint = arena_array(g->arena, Node *, ids);
    g->backward = true;
    adjoint[y->id] = seed ? seed : like(g, y, 1);
    for (int i = nodes - 1; i >= 0 && !failure.failed; i--) {
        Node *node = order[i];
        if (on[node->id] && adjoint[node->id]) add_contributions(g, node, adjoint, on, &failure);
    }
    for (int w = 0; w < count; w++) out[w] = wrt[w]->id < ids ? adjoint[wrt[w]->id] : NULL;
    g->span = span;
    g->backward = backward;
    return !failure.failed;
}

const Node *graph_gradient_end(Graph *g, Node *y, const Node *wrt) {
    int nodes;
    Node **order = graph_post_order(g->arena, &y, 1, &nodes);
    bool *on = arena_array(g->arena, bool, y->id + 1);      /* what real values carry up from wrt */
    if (wrt->id > y->id) return NULL;
    on[wrt->id] = true;
    for (int i = 0; i < nodes; i++) {
        Node *node = order[i];
        bool reached = false;
        for (int s = 0; s < node->sources; s++) reached |= on[node->source[s]->id];
        if (!reached || node->op == OP_STOP_GRADIENT) continue;
        if (!dtype_is_real(node->dtype) || node->op == OP_FLOOR) return node;
        on[node->id] = true;
    }
    return NULL;
}
