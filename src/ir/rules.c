/* rules: exact identities, applied below the line where bits are fixed: what is computed changes, no bit of
 * it does. Each rule is tested bit for bit against the interpreter (tests/unit/rules.c).
 *
 *   a + -b is a - b, a - -b is a + b, -a + b is b - a, -a * -b is a * b
 *   fma(-a, -b, c) is fma(a, b, c)
 *   x / 2^n is x * 2^-n
 *   where(not c, a, b) is where(c, b, a), and a choice inside the branch of the same choice is made
 *   where(x <= 0, a, b) is where(y <= 0, a, b) if y = relu(x) is known: a layer keeps what it gives, not what it got
 *   f(repeated x, repeated y) is repeated f(x, y): computed once where it was computed for every element */
#include <math.h>

#include "ir/affine.h"
#include "ir/graph.h"

static bool is_neg(const Node *n) { return n->op == OP_NEG && dtype_is_real(n->dtype); }

/* 1 / divisor if it is a power of two whose reciprocal is exact and not denormal, else 0. */
static double exact_reciprocal(const Node *divisor) {
    int exponent;
    if (divisor->op != OP_CONST || fabs(frexp(divisor->attr.value, &exponent)) != 0.5) return 0;
    int most = divisor->dtype == DTYPE_F32 ? 126 : 1022;
    return exponent > -most && exponent <= most ? 1 / divisor->attr.value : 0;
}

static Node *rule_sum(Graph *g, const Node *n) {
    Node *a = n->source[0], *b = n->source[1];
    if (n->op == OP_ADD && is_neg(b)) return graph_binary(g, OP_SUB, a, b->source[0]);
    if (n->op == OP_ADD && is_neg(a)) return graph_binary(g, OP_SUB, b, a->source[0]);
    if (n->op == OP_SUB && is_neg(b)) return graph_binary(g, OP_ADD, a, b->source[0]);
    return NULL;
}

static Node *rule_product(Graph *g, const Node *n) {
    Node *a = n->source[0], *b = n->source[1];
    if (n->op == OP_MUL && is_neg(a) && is_neg(b)) return graph_binary(g, OP_MUL, a->source[0], b->source[0]);
    double reciprocal = n->op == OP_DIV ? exact_reciprocal(b) : 0;
    return reciprocal != 0 ? graph_binary(g, OP_MUL, a, graph_const(g, n->dtype, n->shape, reciprocal)) : NULL;
}

static Node *rule_fma(Graph *g, const Node *n) {
    Node *a = n->source[0], *b = n->source[1], *c = n->source[2];
    if (!is_neg(a) || !is_neg(b)) return NULL;
    Node *source[] = {a->source[0], b->source[0], c};
    return graph_node(g, OP_FMA, n->dtype, n->shape, source, 3, (Attr){0});
}

static Node *rule_where(Graph *g, const Node *n) {
    Node *c = n->source[0], *a = n->source[1], *b = n->source[2];
    if (c->op == OP_NOT) return graph_where(g, c->source[0], b, a);
    if (a->op == OP_WHERE && a->source[0] == c) return graph_where(g, c, a->source[1], b);
    if (b->op == OP_WHERE && b->source[0] == c) return graph_where(g, c, a, b->source[2]);
    return NULL;
}

/* ---- rectifiers ------------------------------------------------------------------------------ */
typedef Vector(Node *) Rectifiers;

/* Of x not above 0 something not above 0 in any rounding, also if x is infinite; NaN only if x is: k x or a constant. */
static bool stays_below(const Node *n, const Node *x) {
    if (n->op == OP_CONST) return n->attr.value <= 0;
    if (n->op != OP_MUL || (n->source[0] != x && n->source[1] != x)) return false;
    const Node *factor = n->source[n->source[0] == x];
    return factor->op == OP_CONST && factor->attr.value > 0 && isfinite(factor->attr.value);
}

static bool is_zero(const Node *n) { return n->op == OP_CONST && n->attr.value == 0; }

/* where(x <= 0, below, x) or where(0 < x, x, below): of it the condition holds if and only if it does of x. */
static bool is_rectifier(const Node *n) {
    if (n->op != OP_WHERE || !dtype_is_real(n->dtype)) return false;
    const Node *c = n->source[0], *a = n->source[1], *b = n->source[2];
    if (c->op == OP_LE) return c->source[0] == b && is_zero(c->source[1]) && stays_below(a, b);
    return c->op == OP_LT && c->source[1] == a && is_zero(c->source[0]) && stays_below(b, a);
}

static Node *rule_rectified(Graph *g, Node *n, Rectifiers *known) {
    Node *c = n->source[0];
    for (int i = 0; i < known->count; i++) {
        Node *y = known->items[i];
        if (y == n) return n;
        if (y->source[0] != c) continue;
        Node *same = c->op == OP_LE ? graph_binary(g, OP_LE, y, c->source[1]) : graph_binary(g, OP_LT, c->source[0], y);
        return graph_where(g, same, n->source[1], n->source[2]);
    }
    if (is_rectifier(n)) vector_push(g->arena, known, n);
    return n;
}

/* ---- repetition ------------------------------------------------------------------------------- */
/* The view all sources of `n` are repeated by (constants fit any), if it only repeats elements. */
static const Node *common_repetition(const Node *n) {
    const Node *view = NULL;
    for (int s = 0; s < n->sources; s++) {
        const Node *x = n->source[s];
        if (x->op == OP_CONST) continue;
        if (x->op != OP_VIEW || shape_size(x->source[0]->shape) >= shape_size(x->shape)) return NULL;
        const Access *access = &x->attr.contraction->access[0];
        if (!access_always_within(access, x->shape.extent, x->shape.rank, x->source[0]->shape)) return NULL;
        if (!view) {
            view = x;
            continue;
        }
        if (!shape_equal(view->source[0]->shape, x->source[0]->shape)) return NULL;
        for (int a = 0; a < access->rank; a++) {
            if (!axis_map_equal(&access->axis[a], &view->attr.contraction->access[0].axis[a])) return NULL;
        }
    }
    return view;
}

static Node *rule_repeated(Graph *g, const Node *n) {
    const Node *view = common_repetition(n);
    if (!view) return NULL;
    Shape shape = view->source[0]->shape;
    Node *source[3];
    for (int s = 0; s < n->sources; s++) {
        const Node *x = n->source[s];
        source[s] = x->op == OP_CONST ? graph_const(g, x->dtype, shape, x->attr.value) : x->source[0];
    }
    Node *once = graph_node(g, n->op, n->dtype, shape, source, n->sources, n->attr);
    return graph_view(g, once, n->shape, &view->attr.contraction->access[0]);
}

static Node *apply(Graph *g, const Node *n) {
    if (op_class(n->op) != OP_CLASS_ELEMENT) return NULL;
    Node *now = rule_repeated(g, n);
    if (now) return now;
    switch (n->op) {
    case OP_ADD:
    case OP_SUB: return rule_sum(g, n);
    case OP_MUL:
    case OP_DIV: return rule_product(g, n);
    case OP_FMA: return rule_fma(g, n);
    case OP_WHERE: return rule_where(g, n);
    default: return NULL;
    }
}

static Node *changed(Graph *g, Node *old, Node *const *source, void *context) {
    Node *now = graph_again(g, old, source);
    for (Node *next = now; next; next = apply(g, now)) now = next;
    return now->op == OP_WHERE ? rule_rectified(g, now, context) : now;
}

void graph_rules(Graph *g, Node **roots, int count) {
    Rectifiers known = {0};
    graph_rewrite(g, roots, count, changed, &known);
}

void graph_to_line(Graph *g, Node **roots, int count) {
    graph_verify(g, roots, count, STAGE_DIFFERENTIATED);
    graph_canonicalise(g, roots, count);
    graph_verify(g, roots, count, STAGE_CANONICAL);
    graph_order(g, roots, count);
    graph_verify(g, roots, count, STAGE_ORDERED);
    graph_rules(g, roots, count);
    graph_verify(g, roots, count, STAGE_ORDERED);
}
