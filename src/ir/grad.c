/* grad: derivatives, built from the same ops, so they can be differentiated again.
 *
 * One rule per op row: what node y adds to the adjoint of its source k, from y's own adjoint; NULL, as the
 * contribution or as the rule, is "absent", which is not zero: nothing is added and nothing is computed. One
 * walk, backwards through the objective's depth-first left-to-right post-order, visits the nodes between y and
 * what is wanted and adds contributions in that order (a node's last source first), as docs/numerics.md says.
 * Rules return the contribution of one row; where a node with rows reads a source without, the walk sums it
 * over the rows, in one place.
 *
 * What a choice did not take contributes nothing, whatever the derivatives below are: with the adjoint goes the
 * condition of the choices above (condition.h). Rules keep an adjoint exactly 0 where it is false: by what may be infinite
 * there they multiply and divide with times() and over(). */
#include "ir/affine.h"
#include "ir/condition.h"
#include "ir/graph.h"
#include "ir/inverse.h"
#include "ir/scan_grad.h"
#include <math.h>

typedef struct Failure {
    bool failed;
} Failure;
/* live: where false, value is 0; NULL is true. summed: what the node gives is added up (through views). */
typedef struct Adjoint {
    Node *value, *live;
    bool summed;
} Adjoint;
typedef Node *GradRule(Graph *g, Node *y, const Adjoint *of, int k, Failure *failure);

#define UNUSED __attribute__((unused))
#define RULE(NAME)                                                                                    \
    static Node *grad_##NAME(Graph *g UNUSED, Node *y UNUSED, const Adjoint *of UNUSED, int k UNUSED, \
                             Failure *failure UNUSED)

static Node *like(Graph *g, const Node *x, double value) { return graph_const(g, x->dtype, x->shape, value); }
static Node *mul(Graph *g, Node *a, Node *b) { return graph_binary(g, OP_MUL, a, b); }
static Node *sub(Graph *g, Node *a, Node *b) { return graph_binary(g, OP_SUB, a, b); }
static Node *neg(Graph *g, Node *a) { return graph_unary(g, OP_NEG, a); }
/* c ? a : 0 and c ? 0 : a */
static Node *only_where(Graph *g, Node *c, Node *a) { return graph_where(g, c, a, like(g, a, 0)); }
static Node *only_where_not(Graph *g, Node *c, Node *a) { return graph_where(g, c, like(g, a, 0), a); }

static Access identity_access(int rank) {
    Access access = {.rank = rank};
    for (int a = 0; a < rank; a++) access.axis[a] = axis_map_index(a);
    return access;
}

static IndexSpace space_of(const Node *y) {
    IndexSpace space = {.results = y->shape.rank};
    space.axes = contraction_space(y->shape, y->attr.contraction, space.extent);
    return space;
}

/* ---- by what may be infinite ---- */
/* Constants, and what is taken to be finite: parameters, states, hyper-parameters, counters, draws. */
static bool is_finite(const Node *n) {
    while (n->op == OP_VIEW || n->op == OP_RESHAPE || n->op == OP_NEG || n->op == OP_ABS || n->op == OP_CAST ||
           n->op == OP_VARIABLE) {
        n = n->source[0];
        if (!dtype_is_real(n->dtype)) return true;
    }
    if (n->op == OP_CONST) return isfinite(n->attr.value);
    return n->sources == 0 && n->op != OP_COLUMN;
}

/* The factor, 0 where its product is not wanted. A factor of a sum that is read again and again is masked where it
 * lies, by conditions that are the same wherever it is read: a matrix product stays one. */
static Node *wanted_factor(Graph *g, const Node *y, const Adjoint *of, Node *factor) {
    if (!of->live || is_finite(factor)) return factor;
    if (!of->summed || factor->op != OP_VIEW) return only_where(g, of->live, factor);
    IndexSpace space = space_of(y);
    const Access *to = &factor->attr.contraction->access[0];
    Node *x = factor->source[0], *live = condition_of_source(g, of->live, &space, to, x->shape);
    return live ? graph_view(g, only_where(g, live, x), factor->shape, to) : factor;
}

static Node *times(Graph *g, const Node *y, const Adjoint *of, Node *value, Node *factor) {
    return mul(g, value, wanted_factor(g, y, of, factor));
}

static Node *over(Graph *g, const Adjoint *of, Node *value, Node *divisor) {
    Node *quotient = graph_binary(g, OP_DIV, value, divisor);
    bool finite = divisor->op == OP_CONST && divisor->attr.value != 0 && is_finite(divisor);
    return finite || !of->live ? quotient : only_where(g, of->live, quotient);
}

/* Where y, which takes one of two, takes its source k. */
static Node *taken(Graph *g, const Node *y, int k) {
    Node *a = y->source[0], *b = y->source[1];
    if (y->op == OP_WHERE) return k == 1 ? a : graph_unary(g, OP_NOT, a);
    Node *first = y->op == OP_MAX ? graph_binary(g, OP_LE, b, a) : graph_binary(g, OP_LE, a, b);
    first = graph_binary(g, OP_OR, first, graph_binary(g, OP_NE, a, a));
    return k == 0 ? first : graph_unary(g, OP_NOT, first);
}

/* ---- what has no rule passes nothing on: leaves, truths, whole numbers, steps */
#define grad_CONST NULL
#define grad_COLUMN NULL
#define grad_CELL NULL
#define grad_SLOT NULL
#define grad_COUNTER NULL
#define grad_ROWS_RECIPROCAL NULL
#define grad_PLACE NULL
#define grad_RANDOM NULL
#define grad_IOTA NULL
#define grad_GRADIENT NULL
#define grad_FLOOR NULL
#define grad_ROUND NULL
#define grad_NOT NULL
#define grad_STOP_GRADIENT NULL
#define grad_RANK NULL
#define grad_FLOORDIV NULL
#define grad_MOD NULL
#define grad_EQ NULL
#define grad_NE NULL
#define grad_LT NULL
#define grad_LE NULL
#define grad_AND NULL
#define grad_OR NULL
#define grad_ARGMAX NULL

/* ---- one source. Numbers meet the adjoint first: it often is one, and they fold. */
RULE(NEG) { return neg(g, of->value); }

RULE(ABS) {
    Node *x = y->source[0], *zero = like(g, x, 0);
    return graph_where(g, graph_binary(g, OP_LT, zero, x), of->value,
                       only_where(g, graph_binary(g, OP_LT, x, zero), neg(g, of->value)));
}

RULE(SQRT) { return over(g, of, mul(g, of->value, like(g, y, 0.5)), y); }
RULE(EXP) { return times(g, y, of, of->value, y); }
RULE(LOG) { return over(g, of, of->value, y->source[0]); }
RULE(SIN) { return times(g, y, of, of->value, graph_unary(g, OP_COS, y->source[0])); }
RULE(COS) { return neg(g, times(g, y, of, of->value, graph_unary(g, OP_SIN, y->source[0]))); }
RULE(TANH) { return times(g, y, of, of->value, sub(g, like(g, y, 1), mul(g, y, y))); }
RULE(SIGMOID) { return times(g, y, of, times(g, y, of, of->value, y), sub(g, like(g, y, 1), y)); }

RULE(ERF) {
    Node *x = y->source[0];
    Node *bell = graph_unary(g, OP_EXP, neg(g, mul(g, x, x)));
    return times(g, y, of, mul(g, of->value, like(g, y, 1.1283791670955126)), bell); /* 2 / sqrt(pi) */
}

RULE(EXPM1) { return times(g, y, of, of->value, graph_unary(g, OP_EXP, y->source[0])); }
RULE(LOG1P) { return over(g, of, of->value, graph_binary(g, OP_ADD, like(g, y, 1), y->source[0])); }
RULE(EXP2) { return times(g, y, of, mul(g, of->value, like(g, y, 0.6931471805599453)), y); }        /* log(2) */
RULE(LOG2) { return over(g, of, mul(g, of->value, like(g, y, 1.4426950408889634)), y->source[0]); } /* 1 / log(2) */

/* sqrt(1 - x^2), whose digits 1 - x^2 would lose near 1 */
static Node *other_leg(Graph *g, Node *x) {
    Node *one = like(g, x, 1);
    return graph_unary(g, OP_SQRT, mul(g, sub(g, one, x), graph_binary(g, OP_ADD, one, x)));
}
RULE(ASIN) { return over(g, of, of->value, other_leg(g, y->source[0])); }
RULE(ACOS) { return neg(g, over(g, of, of->value, other_leg(g, y->source[0]))); }
RULE(ATAN) {
    Node *x = y->source[0];
    return over(g, of, of->value, graph_binary(g, OP_ADD, like(g, y, 1), mul(g, x, x)));
}

RULE(SINH) { return times(g, y, of, of->value, graph_unary(g, OP_COSH, y->source[0])); }
RULE(COSH) { return times(g, y, of, of->value, graph_unary(g, OP_SINH, y->source[0])); }
RULE(ERFC) {
    Node *x = y->source[0];
    Node *bell = graph_unary(g, OP_EXP, neg(g, mul(g, x, x)));
    return times(g, y, of, mul(g, of->value, like(g, y, -1.1283791670955126)), bell);
}
RULE(LGAMMA) { return times(g, y, of, of->value, graph_polygamma(g, 0, y->source[0])); }
RULE(POLYGAMMA) { return times(g, y, of, of->value, graph_polygamma(g, y->attr.index + 1, y->source[0])); }

RULE(POWI) {
    int64_t n = y->attr.index;
    return times(g, y, of, mul(g, of->value, like(g, y, (double)n)), graph_powi(g, y->source[0], n - 1));
}

RULE(CAST) { return graph_cast(g, of->value, y->source[0]->dtype); }
RULE(VARIABLE) { return of->value; }

/* ---- two sources */
RULE(ADD) { return of->value; }
RULE(SUB) { return k == 0 ? of->value : neg(g, of->value); }
RULE(MUL) { return times(g, y, of, of->value, y->source[1 - k]); }

RULE(DIV) {
    Node *part = over(g, of, of->value, y->source[1]);
    return k == 0 ? part : neg(g, times(g, y, of, part, y));
}

RULE(MAX) { return k == 0 ? only_where(g, taken(g, y, 0), of->value) : only_where_not(g, taken(g, y, 0), of->value); }
RULE(MIN) { return grad_MAX(g, y, of, k, failure); }

/* b * a^(b-1), which is 0 where b is 0, though a^-1 be infinite; and a^b * log a, which is 0 where a is 0. */
RULE(POW) {
    Node *a = y->source[0], *b = y->source[1];
    if (k == 0) {
        Node *power = graph_binary(g, OP_POW, a, sub(g, b, like(g, b, 1)));
        Node *flat = graph_binary(g, OP_AND, graph_binary(g, OP_EQ, b, like(g, b, 0)),
                                  graph_binary(g, OP_EQ, graph_unary(g, OP_ABS, power), like(g, b, INFINITY)));
        return only_where_not(g, flat, times(g, y, of, times(g, y, of, of->value, b), power));
    }
    Node *slope = times(g, y, of, times(g, y, of, of->value, y), graph_unary(g, OP_LOG, a));
    return only_where_not(g, graph_binary(g, OP_EQ, a, like(g, a, 0)), slope);
}

/* (g / s) (x / s) / ((x / s)^2 + (y / s)^2), s the larger of |x| and |y|, and the negative with y: nothing overflows.
 * 0 at the origin, where there is no angle. */
RULE(ATAN2) {
    Node *a = y->source[0], *b = y->source[1], *one = like(g, y, 1);
    Node *s = graph_binary(g, OP_MAX, graph_unary(g, OP_ABS, a), graph_unary(g, OP_ABS, b));
    Node *origin = graph_binary(g, OP_EQ, s, like(g, s, 0));
    s = graph_unary(g, OP_STOP_GRADIENT, graph_where(g, origin, one, s)); /* it cancels */
    Node *u = graph_binary(g, OP_DIV, a, s), *v = graph_binary(g, OP_DIV, b, s);
    Node *square = graph_where(g, origin, one, graph_binary(g, OP_ADD, mul(g, u, u), mul(g, v, v)));
    Node *part = over(g, of, over(g, of, of->value, s), square);
    return k == 0 ? times(g, y, of, part, v) : neg(g, times(g, y, of, part, u));
}

/* ---- three sources */
RULE(WHERE) {
    Node *c = y->source[0];
    return k == 1 ? only_where(g, c, of->value) : k == 2 ? only_where_not(g, c, of->value) : NULL;
}
RULE(FMA) { return k == 2 ? of->value : times(g, y, of, of->value, y->source[1 - k]); }

/* ---- movement and reductions: index maps turned around */
static Node *checked(Graph *g, const Node *y, Node *contribution, Failure *failure) {
    if (contribution) return contribution;
    report(g->diagnostics, CODE_E0209, y->span,
           "the derivative of this expression needs more axes than sgdc can handle (%d)", MOST_RANK);
    failure->failed = true;
    return NULL;
}

RULE(VIEW) {
    IndexSpace space = space_of(y);
    Reading reading = {of->value, identity_access(y->shape.rank)};
    const Access *to = &y->attr.contraction->access[0];
    return checked(g, y, inverse_sum(g, &space, to, y->source[0]->shape, &reading, 1), failure);
}

RULE(RESHAPE) { return graph_reshape(g, of->value, y->source[0]->shape); }

static int64_t begin_of_source(const Node *y, int k) {
    int64_t begin = 0;
    for (int s = 0; s < k; s++) begin += y->source[s]->shape.extent[y->attr.index];
    return begin;
}

RULE(CONCAT) {
    int64_t begin = begin_of_source(y, k), size = y->source[k]->shape.extent[y->attr.index];
    return graph_slice(g, of->value, (int)y->attr.index, begin, begin + size);
}

RULE(CONTRACT) {
    const Contraction *c = y->attr.contraction;
    IndexSpace space = space_of(y);
    Reading readings[2] = {{of->value, identity_access(y->shape.rank)}};
    if (y->sources == 2) {
        Node *other = y->source[1 - k], *live = NULL;
        if (of->live && !is_finite(other))
            live = condition_of_source(g, of->live, &space, &c->access[1 - k], other->shape);
        readings[1] = (Reading){live ? only_where(g, live, other) : other, c->access[1 - k]};
    }
    return checked(g, y, inverse_sum(g, &space, &c->access[k], y->source[k]->shape, readings, y->sources), failure);
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

/* All terms of a reduction, one place each. */
static Shape terms_of(const Node *y) {
    IndexSpace space = space_of(y);
    Shape full = {.rank = space.axes};
    for (int a = 0; a < full.rank; a++) full.extent[a] = space.extent[a];
    return full;
}

/* Which of them is the first largest (smallest). */
static Node *chosen_terms(Graph *g, const Node *y) {
    Node *x = y->source[0], *largest = y->op == OP_REDUCE_MAX ? x : neg(g, x);
    Node *which = graph_contract(g, OP_ARGMAX, &largest, 1, y->shape, y->attr.contraction);
    Shape full = terms_of(y);
    return graph_binary(g, OP_EQ, linear_index(g, full, y->shape.rank), repeat_over(g, which, full));
}

/* With a number of rows lowering makes it a maximum over an axis. */
static Node *no_row_chosen(Graph *g, const Node *y, Failure *failure) {
    const char *name = y->op == OP_REDUCE_MAX ? "max" : "min";
    Diagnostic *d = report(g->diagnostics, CODE_E0209, y->span,
                           "%s(batch(...)) has a derivative only where a mini-batch has a number of rows that is known "
                           "when compiling",
                           name);
    add_help(g->diagnostics, d, "say how many a step takes: batch = 64; or stop_gradient(%s(batch(...)))", name);
    failure->failed = true;
    return NULL;
}

RULE(REDUCE_MAX) {
    const Contraction *c = y->attr.contraction;
    if (c->over_rows) return no_row_chosen(g, y, failure);
    if (y->shape.rank + c->reduced > MOST_RANK) return checked(g, y, NULL, failure);
    IndexSpace space = space_of(y);
    Node *to_chosen = only_where(g, chosen_terms(g, y), repeat_over(g, of->value, terms_of(y)));
    space.results = space.axes;
    Reading reading = {to_chosen, identity_access(space.axes)};
    return checked(g, y, inverse_sum(g, &space, &c->access[0], y->source[0]->shape, &reading, 1), failure);
}

RULE(REDUCE_MIN) { return grad_REDUCE_MAX(g, y, of, k, failure); }

RULE(GATHER) {
    if (k != 0) return NULL;
    return graph_scatter_add(g, of->value, y->source[1], y->source[0]->shape, (int)y->attr.index, false);
}

RULE(SCATTER_ADD) {
    if (k == 1) return NULL;
    Node *part = graph_gather(g, of->value, y->source[1], (int)y->attr.index);
    return y->sources == 3 ? mul(g, part, y->source[2 - k]) : part;
}

/* ---- scans: of one element, for who differentiates within the body; of whole scans, see the walk */
RULE(ELEMENT) {
    Shape one = {.rank = y->shape.rank + 1, .extent = {1}};
    if (y->shape.rank + 1 > MOST_RANK) return checked(g, y, NULL, failure);
    for (int a = 0; a < y->shape.rank; a++) one.extent[a + 1] = y->shape.extent[a];
    Node *which = graph_reshape(g, graph_scan_index(g, y->attr.scan), (Shape){1, {1}});
    return graph_scatter_add(g, graph_reshape(g, of->value, one), which, y->source[0]->shape, 0, false);
}
RULE(CARRIED) { return NULL; } /* what it was before does not change with it */
RULE(STACK) { INTERNAL_ERROR("a scan's result by itself"); }

static GradRule *const rules[OP_COUNT] = {
#define OP(NAME, ...) [OP_##NAME] = grad_##NAME,
#include "ir/ops.def"
#undef OP
};

/* ---- conditions, source by source */
/* Where the adjoint of y's source k is not 0, y's being 0 where `live` is false. */
static Node *live_of_source(Graph *g, const Node *y, Node *live, int k) {
    Node *source = y->source[k];
    IndexSpace space = {0};
    switch (y->op) {
    /* clang-format off */
    case OP_CONST: case OP_COLUMN: case OP_CELL: case OP_SLOT: case OP_COUNTER: case OP_ROWS_RECIPROCAL: case OP_PLACE: case OP_RANDOM:
    case OP_IOTA: case OP_GRADIENT:
#define FUNCTION(NAME, name) case OP_##NAME:
#define FUNCTION_OF_TWO FUNCTION
#define FUNCTION_AND_NUMBER FUNCTION
#include "functions.def"
    case OP_NEG: case OP_SQRT: case OP_FLOOR: case OP_NOT: case OP_CAST: case OP_STOP_GRADIENT: case OP_VARIABLE: case OP_RANK:
    case OP_ADD: case OP_SUB: case OP_MUL: case OP_DIV: case OP_FLOORDIV: case OP_MOD:
    case OP_EQ: case OP_NE: case OP_LT: case OP_LE: case OP_AND: case OP_OR: case OP_FMA: case OP_ARGMAX:
        /* clang-format on */
        return live;
    case OP_ABS: {
        Node *zero = like(g, source, 0);
        Node *sloped = graph_binary(g, OP_OR, graph_binary(g, OP_LT, zero, source),
                                    graph_binary(g, OP_LT, source, zero));
        return condition_and(g, live, sloped);
    }
    case OP_MAX:
    case OP_MIN:
    case OP_WHERE: return condition_and(g, live, taken(g, y, k));
    case OP_CONCAT: {
        space = space_of(y);
        Access to = identity_access(space.axes);
        to.axis[y->attr.index].offset = -begin_of_source(y, k);
        return condition_of_source(g, live, &space, &to, source->shape);
    }
    case OP_RESHAPE: return condition_reshaped(g, live, source->shape);
    case OP_ELEMENT:
    case OP_CARRIED:
    case OP_STACK: return NULL;
    case OP_GATHER:
    case OP_SCATTER_ADD: return condition_everywhere(g, live, source->shape);
    case OP_REDUCE_MAX:
    case OP_REDUCE_MIN:
        space = space_of(y);
        if (live) live = repeat_over(g, live, terms_of(y));
        space.results = space.axes;
        live = condition_and(g, live, chosen_terms(g, y));
        return condition_of_source(g, live, &space, &y->attr.contraction->access[0], source->shape);
    case OP_VIEW:
    case OP_CONTRACT:
        space = space_of(y);
        return condition_of_source(g, live, &space, &y->attr.contraction->access[k], source->shape);
    }
    INTERNAL_ERROR("no op %d", (int)y->op);
}

/* ---- the walk ------------------------------------------------------------------------------ */
/* What a body contributes to what it reads from outside. */
typedef struct OuterPart {
    Node *of;     /* the body's node that reads it */
    Node *source; /* it */
    Node *part;
} OuterPart;

/* Of one level: all of a graph but for the bodies of scans, or one of these. */
typedef struct GradWalk {
    Graph *graph;
    Adjoint *adjoint; /* by id, as is `on` */
    const bool *on;
    Failure *failure;
    const ScanGroup *within; /* NULL: no scan */
    Vector(OuterPart) outer;
} GradWalk;

/* Ids of nodes that are wanted, or have a wanted node below them; what is carried on is below what is carried. */
static bool *nodes_on_the_way(Graph *g, Node *const *order, int nodes, Node *const *wrt, int count, uint32_t ids) {
    bool *on = arena_array(g->arena, bool, ids), more = true;
    for (int w = 0; w < count; w++) {
        if (wrt[w]->id < ids) on[wrt[w]->id] = true;
    }
    while (more) {
        more = false;
        for (int i = 0; i < nodes; i++) {
            const Node *n = order[i];
            for (int s = 0; s < n->sources; s++) on[n->id] |= on[n->source[s]->id];
            for (int s = 1; n->op == OP_STACK && s < n->sources; s += 2) {
                if (!on[n->source[s + 1]->id] || on[n->source[s]->id]) continue;
                on[n->source[s]->id] = more = true;
            }
        }
    }
    return on;
}

static Node *sum_over_rows(Graph *g, Node *x) { return graph_reduce(g, OP_CONTRACT, x, 0, true); }

static void add_part(GradWalk *w, Node *source, Node *part, Node *live) {
    Adjoint *to = &w->adjoint[source->id];
    to->live = to->value ? condition_or(w->graph, to->live, live) : live;
    to->value = to->value ? graph_binary(w->graph, OP_ADD, to->value, part) : part;
}

static bool differentiates(const GradWalk *w, const Node *y, const Node *source) {
    return w->on[source->id] && dtype_is_real(source->dtype) && dtype_is_real(y->dtype);
}

static void add_contributions(GradWalk *w, Node *y) {
    Graph *g = w->graph;
    const Adjoint *of = &w->adjoint[y->id];
    bool leaves = w->within && (y->op == OP_ELEMENT || y->op == OP_CARRIED) && y->attr.scan == w->within->scan;
    if (rules[y->op] == NULL) return;
    g->span = y->span;
    for (int k = y->sources - 1; k >= 0; k--) {
        Node *source = y->source[k];
        if (!differentiates(w, y, source)) continue;
        Node *part = leaves ? of->value : rules[y->op](g, y, of, k, w->failure);
        if (!part) continue;
        Node *live = live_of_source(g, y, of->live, k);
        if (!source->rows && !leaves && (y->rows || node_sums_rows(y))) { /* of n equal terms each has its part */
            part = sum_over_rows(g, part);
            live = condition_without_rows(g, live);
        }
        if (leaves || is_outside(w->within, source)) {
            vector_push(g->arena, &w->outer, ((OuterPart){y, source, part}));
            continue;
        }
        add_part(w, source, part, live);
        w->adjoint[source->id].summed |= y->op == OP_CONTRACT || (y->op == OP_VIEW && of->summed);
    }
}

static void walk_scan(GradWalk *w, const ScanGroup *group);

static void walk_level(GradWalk *w, const GraphLevel *level) {
    for (int i = level->count - 1; i >= 0 && !w->failure->failed; i--) {
        Node *node = level->items[i].node;
        if (!node)
            walk_scan(w, level->items[i].group);
        else if (w->on[node->id] && w->adjoint[node->id].value)
            add_contributions(w, node);
    }
}

/* ---- a scan. The adjoints of its body's values at the element at hand are values of the body too: of elements of the
 * stacks' adjoints, and of what the next element passes on to what it was handed. Then all is turned (scan_grad.h). */
/* Which of what is carried gets an adjoint: what the stacks that have one, or carried values that do, depend on. */
static bool *carried_reached(const GradWalk *w, const ScanGroup *group, const GraphLevel *level) {
    Arena *arena = w->graph->arena;
    uint32_t ids = 0;
    for (int i = 0; i < group->roots.count; i++)
        if (group->roots.items[i]->id >= ids) ids = group->roots.items[i]->id + 1;
    bool *reached = arena_array(arena, bool, group->pairs.count + 1), more = true;
    bool *below = arena_array(arena, bool, ids);
    for (int i = 0; i < group->stacks.count; i++)
        if (w->adjoint[group->stacks.items[i]->id].value) below[group->stacks.items[i]->source[0]->id] = true;
    while (more) {
        more = false;
        for (int i = level->count - 1; i >= 0; i--) {
            const LevelItem *item = &level->items[i];
            bool any = item->node && below[item->node->id];
            for (int k = 0; item->group && k < item->group->stacks.count; k++)
                any |= below[item->group->stacks.items[k]->id];
            int sources = item->group ? item->group->outer.count : item->node->sources;
            for (int s = 0; any && s < sources; s++) {
                Node *source = item->group ? item->group->outer.items[s] : item->node->source[s];
                if (source->id < ids && dtype_is_real(source->dtype)) below[source->id] = true;
            }
        }
        for (int p = 0; p < group->pairs.count; p++) {
            const CarriedPair *pair = &group->pairs.items[p];
            if (reached[p] || !below[pair->carried->id] || !w->on[pair->carried->id]) continue;
            if (!dtype_is_real(pair->carried->dtype)) continue;
            reached[p] = more = true;
            below[pair->next->id] = true;
        }
    }
    return reached;
}

/* The adjoint of a value that is an element of the result, or carried on. */
static void seed(GradWalk *w, Node *value, Node *part, Node *live) {
    if (is_outside(w->within, value))
        vector_push(w->graph->arena, &w->outer, ((OuterPart){value, value, part}));
    else
        add_part(w, value, part, live);
}

static void seed_body(GradWalk *body, ScanTurn *turn, const bool *reached) {
    Graph *g = body->graph;
    const ScanGroup *group = body->within;
    const ScanSet *around = group->around;
    for (int i = 0; i < group->stacks.count; i++) {
        const Node *stack = group->stacks.items[i];
        const Adjoint *of = &body->adjoint[stack->id];
        if (!of->value || !body->on[stack->source[0]->id]) continue;
        around = scans_joined(g->arena, around, of->value->scans);
        seed(body, stack->source[0], graph_element(g, of->value, group->scan),
             of->live ? graph_element(g, of->live, group->scan) : NULL);
    }
    for (int p = 0; p < group->pairs.count; p++)
        if (reached[p])
            seed(body, group->pairs.items[p].next, scan_turn_carried(turn, group->pairs.items[p].carried, around),
                 NULL);
}

/* What the body passes on, turned, as adjoint of what it reads from outside. */
static Node *part_for_all(GradWalk *body, ScanTurn *turn, const OuterPart *outer, Node *turned,
                          const CarriedPairs *pairs) {
    Graph *g = body->graph;
    const ScanLoop *scan = body->within->scan;
    bool of_scan = outer->of->attr.scan == scan && outer->of != outer->source;
    if (!of_scan || (outer->of->op != OP_ELEMENT && outer->of->op != OP_CARRIED))
        return scan_turn_sum(turn, turned, pairs);
    Node *all = graph_stack(g, turned, turn->back, pairs->items, pairs->count);
    if (outer->of->op == OP_ELEMENT) return all;
    int64_t first = scan->descending ? scan->extent - 1 : 0;
    Node *part = graph_reshape(g, graph_slice(g, all, 0, first, first + 1), outer->of->shape);
    return part->rows && !outer->source->rows ? sum_over_rows(g, part) : part;
}

static void walk_scan(GradWalk *w, const ScanGroup *group) {
    Graph *g = w->graph;
    bool any = false;
    for (int i = 0; i < group->stacks.count; i++)
        any |= w->on[group->stacks.items[i]->id] && w->adjoint[group->stacks.items[i]->id].value;
    if (!any) return;
    GradWalk body = {g, w->adjoint, w->on, w->failure, group, {0}};
    ScanTurn turn = scan_turn_new(g, group);
    GraphLevel level = graph_level(g->arena, group->roots.items, group->roots.count, group);
    const bool *reached = carried_reached(w, group, &level);
    g->span = group->stacks.items[0]->span;
    seed_body(&body, &turn, reached);
    walk_level(&body, &level);
    if (w->failure->failed) return;
    int carried = 0, parts = body.outer.count;
    Node **roots = arena_array(g->arena, Node *, parts + group->pairs.count + 1);
    for (int i = 0; i < parts; i++) roots[i] = body.outer.items[i].part;
    for (int p = 0; p < group->pairs.count; p++) {
        Node *of = group->pairs.items[p].carried, *adjoint = w->adjoint[of->id].value;
        if (reached[p]) roots[parts + carried++] = adjoint ? adjoint : like(g, of, 0);
    }
    scan_turn(&turn, roots, parts + carried);
    CarriedPairs pairs = {0};
    for (int p = 0; p < carried; p++)
        vector_push(g->arena, &pairs, ((CarriedPair){turn.adjoints.items[p].next, roots[parts + p]}));
    for (int i = 0; i < parts; i++) {
        const OuterPart *outer = &body.outer.items[i];
        g->span = outer->of->span;
        Node *part = part_for_all(&body, &turn, outer, roots[i], &pairs);
        if (is_outside(w->within, outer->source))
            vector_push(g->arena, &w->outer, ((OuterPart){outer->source, outer->source, part}));
        else
            add_part(w, outer->source, part, NULL);
    }
}

bool graph_gradients(Graph *g, Node *y, Node *seed, Node *const *wrt, int count, Node **out) {
    int nodes;
    Span span = g->span;
    bool backward = g->backward;
    Failure failure = {0};
    Node **order = graph_post_order(g->arena, &y, 1, &nodes);
    uint32_t ids = y->id + 1;
    GradWalk walk = {.graph = g,
                     .adjoint = arena_array(g->arena, Adjoint, ids),
                     .on = nodes_on_the_way(g, order, nodes, wrt, count, ids),
                     .failure = &failure};
    GraphLevel level = graph_level(g->arena, &y, 1, NULL);
    g->backward = true;
    walk.adjoint[y->id].value = seed ? seed : like(g, y, 1);
    walk_level(&walk, &level);
    for (int w = 0; w < count; w++) out[w] = wrt[w]->id < ids ? walk.adjoint[wrt[w]->id].value : NULL;
    g->span = span;
    g->backward = backward;
    return !failure.failed;
}

/* What y depends on, but for what stop_gradient hides. */
static bool *nodes_not_stopped(Graph *g, Node *const *order, int nodes, bool choices) {
    uint32_t y = order[nodes - 1]->id;
    bool *seen = arena_array(g->arena, bool, y + 1);
    seen[y] = true;
    for (int i = nodes - 1; i >= 0; i--) {
        const Node *node = order[i];
        if (!seen[node->id] || node->op == OP_STOP_GRADIENT) continue;
        bool chooses = node->op == OP_WHERE && node->backward && !choices;
        for (int s = chooses; s < node->sources; s++) seen[node->source[s]->id] = true;
    }
    return seen;
}

const Node *graph_gradient_end(Graph *g, Node *y, const Node *wrt, bool choices) {
    int nodes;
    Node **order = graph_post_order(g->arena, &y, 1, &nodes);
    bool *on = arena_array(g->arena, bool, y->id + 1); /* what real values carry up from wrt */
    const bool *seen = nodes_not_stopped(g, order, nodes, choices);
    if (wrt->id > y->id) return NULL;
    on[wrt->id] = true;
    for (int i = 0; i < nodes; i++) {
        Node *node = order[i];
        bool reached = false;
        for (int s = 0; s < node->sources; s++) reached |= on[node->source[s]->id];
        if (!reached || !seen[node->id] || node->op == OP_STOP_GRADIENT) continue;
        if (!dtype_is_real(node->dtype) || rules[node->op] == NULL) return node;
        on[node->id] = true;
    }
    return NULL;
}

const char *graph_gradient_end_text(const Node *end) {
    switch (end->op) {
    case OP_LT:
    case OP_LE:
    case OP_EQ:
    case OP_NE: return "a comparison";
    case OP_CAST: return "a conversion to whole numbers";
    default: return op_text(end->op);
    }
}
