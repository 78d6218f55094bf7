/* fold: constants by the arithmetic of docs/numerics.md, and exact identities. What an op makes of its sources' elements is
 * computed as the interpreter does (elements.c). A constant is one value at every element, so folding never looks
 * at shapes, but for places outside a source. */
#include "ir/fold.h"

#include <math.h>

#include "ir/affine.h"
#include "ir/elements.h"

double fold_round(DType t, double value) {
    switch (t) {
    case DTYPE_F32: return (double)(float)value;
    case DTYPE_F64: return value;
    case DTYPE_BOOL: return value != 0;
    case DTYPE_I32:
        if (value != value) return 0;
        if (value >= 2147483647.0) return 2147483647.0;
        return value <= -2147483648.0 ? -2147483648.0 : trunc(value);
    case DTYPE_U8: return value > 0 ? (value < 255 ? trunc(value) : 255) : 0;
    }
    return value;
}

static bool is_const(const Node *n) { return n->op == OP_CONST; }
static bool is_value(const Node *n, double value) {
    return is_const(n) && n->attr.value == value && signbit(n->attr.value) == signbit(value);
}

/* ---- values: one rule per op row with sources, all of which are constants ------------------- */
typedef bool FoldRule(const Node *n, double *out); /* false: the op stays */

#define FOLD(NAME) static bool fold_##NAME(const Node *n __attribute__((unused)), double *out __attribute__((unused)))
#define SOURCE(s) (n->source[s]->attr.value)
#define STAYS(NAME) \
    FOLD(NAME) { return false; }

/* Divisors of whole numbers are positive. */
FOLD(elements) {
    double value[3], result; /* room for one of any type */
    const void *x[3] = {&value[0], &value[1], &value[2]};
    bool divides = n->op == OP_FLOORDIV || n->op == OP_MOD;
    if (n->op == OP_VARIABLE || (divides && SOURCE(1) <= 0)) return false;
    for (int s = 0; s < n->sources; s++) element_set(n->source[s]->dtype, &value[s], SOURCE(s));
    elements_evaluate(n, 1, x, &result);
    *out = element_get(n->dtype, &result);
    return true;
}

STAYS(RANK)
FOLD(VIEW) {
    *out = SOURCE(0);
    return access_always_within(&n->attr.contraction->access[0], n->shape.extent, n->shape.rank, n->source[0]->shape);
}

FOLD(RESHAPE) {
    *out = SOURCE(0);
    return true;
}

FOLD(CONCAT) {
    *out = SOURCE(0);
    for (int s = 1; s < n->sources; s++) {
        if (!is_value(n->source[s], *out)) return false;
    }
    return true;
}

/* The sum of equal whole numbers, where every order of adding them is exact. */
FOLD(CONTRACT) {
    const Contraction *c = n->attr.contraction;
    double value = SOURCE(0);
    if (n->sources != 1 || c->over_rows || !dtype_is_real(n->dtype)) return false;
    int64_t extent[MOST_AXES], terms = 1;
    int axes = contraction_space(n->shape, c, extent);
    if (!access_always_within(&c->access[0], extent, axes, n->source[0]->shape)) return false;
    for (int k = 0; k < c->reduced; k++) terms *= c->extent[k];
    *out = value * (double)terms;
    return value == trunc(value) && fabs(*out) <= 16777216.0 && terms > 0 && value != 0;
}

STAYS(REDUCE_MAX)
STAYS(REDUCE_MIN)
STAYS(ARGMAX)
STAYS(GATHER)
STAYS(SCATTER_ADD)
FOLD(ELEMENT) {
    *out = SOURCE(0);
    return true;
}
STAYS(CARRIED)
FOLD(STACK) {
    *out = SOURCE(0);
    return true;
}

static FoldRule *const fold_rules[OP_COUNT] = {
#define RULE_LEAF(NAME) NULL
#define RULE_ELEMENT(NAME) fold_elements
#define RULE_MOVE(NAME) fold_##NAME
#define RULE_REDUCE(NAME) fold_##NAME
#define RULE_INDEXED(NAME) fold_##NAME
#define OP(NAME, text, arity, class, ...) [OP_##NAME] = RULE_##class(NAME),
#include "ir/ops.def"
#undef OP
};

static Node *fold_value(Graph *g, const Node *n) {
    double value;
    for (int s = 0; s < n->sources; s++) {
        if (!is_const(n->source[s])) return NULL;
    }
    return fold_rules[n->op](n, &value) ? graph_const(g, n->dtype, n->shape, value) : NULL;
}

/* ---- identities ---------------------------------------------------------------------------- */
static bool is_identity_view(const Node *n) {
    if (!shape_equal(n->shape, n->source[0]->shape)) return false;
    for (int a = 0; a < n->shape.rank; a++) {
        const AxisMap *map = &n->attr.contraction->access[0].axis[a];
        if (n->shape.extent[a] == 1 ? !axis_map_always_within(map, n->shape.extent, n->shape.rank, 1)
                                    : !axis_map_is_index(map, a))
            return false;
    }
    return true;
}

static Node *fold_view(Graph *g, const Node *n) {
    Node *x = n->source[0];
    if (is_identity_view(n)) return x;
    if (x->op != OP_VIEW) return NULL;
    Access both;
    if (!access_compose(&x->attr.contraction->access[0], x->shape, x->source[0]->shape, &n->attr.contraction->access[0],
                        n->shape.extent, n->shape.rank, NULL, (Shape){0}, &both))
        return NULL;
    return graph_view(g, x->source[0], n->shape, &both);
}

static Node *fold_reshape(Graph *g, const Node *n) {
    Node *x = n->source[0];
    if (shape_equal(n->shape, x->shape)) return x;
    return x->op == OP_RESHAPE ? graph_reshape(g, x->source[0], n->shape) : NULL;
}

static Node *fold_truth(const Node *n) {
    Node *a = n->source[0], *b = n->source[1];
    double keeps = n->op == OP_AND ? 1 : 0; /* x and true, x or false */
    if (is_const(a)) return a->attr.value == keeps ? b : a;
    if (is_const(b)) return b->attr.value == keeps ? a : b;
    return a == b ? a : NULL;
}

static Node *fold_where(const Node *n) {
    if (is_const(n->source[0])) return n->source[0]->attr.value != 0 ? n->source[1] : n->source[2];
    return n->source[1] == n->source[2] ? n->source[1] : NULL;
}

/* A reduction of nothing over nothing is a view: one term each. */
static Node *fold_reduction(Graph *g, const Node *n) {
    const Contraction *c = n->attr.contraction;
    if (n->sources != 1 || c->reduced || c->over_rows) return NULL;
    bool whole = access_always_within(&c->access[0], n->shape.extent, n->shape.rank, n->source[0]->shape);
    return whole || n->op == OP_CONTRACT ? graph_view(g, n->source[0], n->shape, &c->access[0]) : NULL;
}

/* An op without a case has no identity. */
static Node *fold_identity(Graph *g, const Node *n) {
    Node *a = n->source[0], *b = n->sources > 1 ? n->source[1] : NULL;
    switch (n->op) {
    case OP_ADD:
        return is_value(b, -0.0) || (n->dtype == DTYPE_I32 && is_value(b, 0))   ? a
               : is_value(a, -0.0) || (n->dtype == DTYPE_I32 && is_value(a, 0)) ? b
                                                                                : NULL;
    case OP_SUB: return is_value(b, 0) ? a : NULL;
    case OP_MUL: return is_value(b, 1) ? a : is_value(a, 1) ? b : NULL;
    case OP_DIV: return is_value(b, 1) ? a : NULL;
    case OP_FLOORDIV: return is_value(b, 1) ? a : NULL;
    case OP_NEG: return a->op == OP_NEG ? a->source[0] : NULL;
    case OP_LT: return a == b ? graph_const(g, n->dtype, n->shape, 0) : NULL;
    case OP_NE: return a == b && !dtype_is_real(a->dtype) ? graph_const(g, n->dtype, n->shape, 0) : NULL;
    case OP_EQ:
    case OP_LE: return a == b && !dtype_is_real(a->dtype) ? graph_const(g, n->dtype, n->shape, 1) : NULL;
    case OP_NOT: return a->op == OP_NOT ? a->source[0] : NULL;
    case OP_ABS: return a->op == OP_ABS ? a : NULL;
    case OP_FLOOR: return a->op == OP_FLOOR ? a : NULL;
    case OP_STOP_GRADIENT: return a->op == OP_STOP_GRADIENT ? a : NULL;
    case OP_CAST: return a->dtype == n->dtype ? a : NULL;
    case OP_POWI: return n->attr.index == 1 ? a : n->attr.index == 0 ? graph_const(g, n->dtype, n->shape, 1) : NULL;
    case OP_AND:
    case OP_OR: return fold_truth(n);
    case OP_WHERE: return fold_where(n);
    case OP_VIEW: return fold_view(g, n);
    case OP_RESHAPE: return fold_reshape(g, n);
    case OP_CONCAT: return n->sources == 1 ? a : NULL;
    case OP_CONTRACT:
    case OP_REDUCE_MAX:
    case OP_REDUCE_MIN: return fold_reduction(g, n);
    default: return NULL;
    }
}

Node *fold_node(Graph *g, const Node *wanted) {
    if (wanted->sources == 0) return NULL;
    Node *folded = fold_value(g, wanted);
    return folded ? folded : fold_identity(g, wanted);
}
