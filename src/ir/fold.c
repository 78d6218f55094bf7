/* fold: constants by the arithmetic of docs/numerics.md, and exact identities. exp, log and their like are
 * the very functions the interpreter and the compiled code use; the rest is what C defines completely (IEEE
 * with -ffp-contract=off, 32-bit integers). A constant is one value at every element, so folding never looks
 * at shapes, but for places outside a source. */
#include "ir/fold.h"

#include <math.h>

#include "ir/affine.h"
#include "math_functions.h"

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

static double wrap(int64_t value) { return (double)(int32_t)(uint32_t)(uint64_t)value; }
static int64_t floor_divide(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

/* ---- values -------------------------------------------------------------------------------- */
static bool fold_unary(const Node *n, double x, double *out) {
    bool f32 = n->dtype == DTYPE_F32;
    float y = (float)x;
    switch (n->op) {
    case OP_NEG: *out = n->dtype == DTYPE_I32 ? wrap(-(int64_t)x) : -x; return true;
    case OP_ABS: *out = n->dtype == DTYPE_I32 ? wrap((int64_t)fabs(x)) : fabs(x); return true;
    case OP_SQRT: *out = f32 ? (double)sqrtf(y) : sqrt(x); return true;
    case OP_EXP: *out = f32 ? (double)math_exp_f32(y) : math_exp_f64(x); return true;
    case OP_LOG: *out = f32 ? (double)math_log_f32(y) : math_log_f64(x); return true;
    case OP_SIN: *out = f32 ? (double)math_sin_f32(y) : math_sin_f64(x); return true;
    case OP_COS: *out = f32 ? (double)math_cos_f32(y) : math_cos_f64(x); return true;
    case OP_TANH: *out = f32 ? (double)math_tanh_f32(y) : math_tanh_f64(x); return true;
    case OP_SIGMOID: *out = f32 ? (double)math_sigmoid_f32(y) : math_sigmoid_f64(x); return true;
    case OP_ERF: *out = f32 ? (double)math_erf_f32(y) : math_erf_f64(x); return true;
    case OP_FLOOR: *out = floor(x); return true;
    case OP_NOT: *out = x == 0; return true;
    case OP_CAST: *out = x; return true;
    case OP_STOP_GRADIENT: *out = x; return true;
    case OP_POWI:
        *out = f32 ? (double)math_powi_f32(y, n->attr.index) : math_powi_f64(x, n->attr.index);
        return true;
    default: return false;
    }
}

static bool fold_integers(Op op, int64_t a, int64_t b, double *out) {
    switch (op) {
    case OP_ADD: *out = wrap(a + b); return true;
    case OP_SUB: *out = wrap(a - b); return true;
    case OP_MUL: *out = wrap(a * b); return true;
    case OP_FLOORDIV: *out = b > 0 ? wrap(floor_divide(a, b)) : 0; return b > 0;
    case OP_MOD: *out = b > 0 ? wrap(a - b * floor_divide(a, b)) : 0; return b > 0;
    default: return false;
    }
}

static bool fold_reals(Op op, DType t, double a, double b, double *out) {
    float x = (float)a, y = (float)b;
    bool f32 = t == DTYPE_F32;
    switch (op) {
    case OP_ADD: *out = f32 ? (double)(x + y) : a + b; return true;
    case OP_SUB: *out = f32 ? (double)(x - y) : a - b; return true;
    case OP_MUL: *out = f32 ? (double)(x * y) : a * b; return true;
    case OP_DIV: *out = f32 ? (double)(x / y) : a / b; return true;
    case OP_POW: *out = f32 ? (double)math_pow_f32(x, y) : math_pow_f64(a, b); return true;
    default: return false;
    }
}

static bool fold_binary(const Node *n, double a, double b, double *out) {
    switch (n->op) {
    case OP_MAX: *out = a >= b || a != a ? a : b; return true;
    case OP_MIN: *out = a <= b || a != a ? a : b; return true;
    case OP_EQ: *out = a == b; return true;
    case OP_NE: *out = a != b; return true;
    case OP_LT: *out = a < b; return true;
    case OP_LE: *out = a <= b; return true;
    case OP_AND: *out = a != 0 && b != 0; return true;
    case OP_OR: *out = a != 0 || b != 0; return true;
    default: break;
    }
    if (n->dtype == DTYPE_I32) return fold_integers(n->op, (int64_t)a, (int64_t)b, out);
    return dtype_is_real(n->dtype) && fold_reals(n->op, n->dtype, a, b, out);
}

static bool fold_ternary(const Node *n, double a, double b, double c, double *out) {
    if (n->op == OP_WHERE) *out = a != 0 ? b : c;
    else if (n->op == OP_FMA)
        *out = n->dtype == DTYPE_F32 ? (double)fmaf((float)a, (float)b, (float)c) : fma(a, b, c);
    else return false;
    return true;
}

/* The sum of equal whole numbers, where every order of adding them is exact. */
static bool fold_sum(const Node *n, double value, double *out) {
    const Contraction *c = n->attr.contraction;
    if (n->op != OP_CONTRACT || n->sources != 1 || c->over_rows || !dtype_is_real(n->dtype)) return false;
    int64_t extent[MOST_AXES], terms = 1;
    int axes = contraction_space(n->shape, c, extent);
    if (!access_always_within(&c->access[0], extent, axes, n->source[0]->shape)) return false;
    for (int k = 0; k < c->reduced; k++) terms *= c->extent[k];
    *out = value * (double)terms;
    return value == trunc(value) && fabs(*out) <= 16777216.0 && terms > 0 && value != 0;
}

static bool fold_move(const Node *n, double value, double *out) {
    *out = value;
    if (n->op == OP_RESHAPE) return true;
    return n->op == OP_VIEW && access_always_within(&n->attr.contraction->access[0], n->shape.extent,
                                                    n->shape.rank, n->source[0]->shape);
}

static Node *fold_value(Graph *g, const Node *n) {
    for (int s = 0; s < n->sources; s++) {
        if (!is_const(n->source[s])) return NULL;
        if (n->op == OP_CONCAT && !is_value(n->source[s], n->source[0]->attr.value)) return NULL;
    }
    double value = 0, a = n->source[0]->attr.value;
    bool folded = false;
    if (op_class(n->op) == OP_CLASS_ELEMENT) {
        double b = n->sources > 1 ? n->source[1]->attr.value : 0,
               c = n->sources > 2 ? n->source[2]->attr.value : 0;
        folded = n->sources == 1   ? fold_unary(n, a, &value)
                 : n->sources == 2 ? fold_binary(n, a, b, &value)
                                   : fold_ternary(n, a, b, c, &value);
    } else if (n->op == OP_CONCAT) {
        folded = true;
        value = a;
    } else if (op_class(n->op) == OP_CLASS_MOVE) {
        folded = fold_move(n, a, &value);
    } else if (n->op == OP_CONTRACT) {
        folded = fold_sum(n, a, &value);
    }
    return folded ? graph_const(g, n->dtype, n->shape, value) : NULL;
}

/* ---- identities ---------------------------------------------------------------------------- */
static bool is_identity_view(const Node *n) {
    if (!shape_equal(n->shape, n->source[0]->shape)) return false;
    for (int a = 0; a < n->shape.rank; a++) {
        const AxisMap *map = &n->attr.contraction->access[0].axis[a];
        if (n->shape.extent[a] == 1 ? !axis_map_always_within(map, n->shape.extent, n->shape.rank, 1)
                                    : !axis_map_is_index(map, a)) return false;
    }
    return true;
}

static Node *fold_view(Graph *g, const Node *n) {
    Node *x = n->source[0];
    if (is_identity_view(n)) return x;
    if (x->op != OP_VIEW) return NULL;
    Access both;
    if (!access_compose(&x->attr.contraction->access[0], x->shape, x->source[0]->shape,
                        &n->attr.contraction->access[0], n->shape.extent, n->shape.rank, NULL, (Shape){0},
                        &both))
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
    double keeps = n->op == OP_AND ? 1 : 0;      /* x and true, x or false */
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

static Node *fold_identity(Graph *g, const Node *n) {
    Node *a = n->source[0], *b = n->sources > 1 ? n->source[1] : NULL;
    switch (n->op) {
    case OP_ADD: return is_value(b, -0.0) || (n->dtype == DTYPE_I32 && is_value(b, 0))   ? a
                        : is_value(a, -0.0) || (n->dtype == DTYPE_I32 && is_value(a, 0)) ? b : NULL;
    case OP_SUB: return is_value(b, 0) ? a : NULL;
    case OP_MUL: return is_value(b, 1) ? a : is_value(a, 1) ? b : NULL;
    case OP_DIV: return is_value(b, 1) ? a : NULL;
    case OP_FLOORDIV: return is_value(b, 1) ? a : NULL;
    case OP_NEG: return a->op == OP_NEG ? a->source[0] : NULL;
    case OP_NOT: return a->op == OP_NOT ? a->source[0] : NULL;
    case OP_ABS: return a->op == OP_ABS ? a : NULL;
    case OP_FLOOR: return a->op == OP_FLOOR ? a : NULL;
    case OP_STOP_GRADIENT: return a->op == OP_STOP_GRADIENT ? a : NULL;
    case OP_CAST: return a->dtype == n->dtype ? a : NULL;
    case OP_POWI:
        return n->attr.index == 1 ? a : n->attr.index == 0 ? graph_const(g, n->dtype, n->shape, 1) : NULL;
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
