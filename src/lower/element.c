/* element.c: operators, element by element.
 *
 * Two tensors meet on the union of their index axes; their own shapes are equal or one is a scalar, never
 * broadcast. Types: two reals must be the same; literals, sizes and index variables take the other's type;
 * labels only compare. Where only compile-time numbers meet, the result is one again.
 */
#include "lower/internal.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_UNROLLED_POWERS = 64 };

static const Phrase phrase_of[] = {
    [OPERATOR_OR] = {"combine", "and", false},     [OPERATOR_AND] = {"combine", "and", false},
    [OPERATOR_EQ] = {"compare", "with", false},    [OPERATOR_NE] = {"compare", "with", false},
    [OPERATOR_LT] = {"compare", "with", false},    [OPERATOR_LE] = {"compare", "with", false},
    [OPERATOR_GT] = {"compare", "with", false},    [OPERATOR_GE] = {"compare", "with", false},
    [OPERATOR_IN] = {"look for", "in", false},     [OPERATOR_RANGE] = {"range from", "to", false},
    [OPERATOR_ADD] = {"add", "and", false},        [OPERATOR_SUB] = {"subtract", "from", true},
    [OPERATOR_MUL] = {"multiply", "by", false},    [OPERATOR_DIV] = {"divide", "by", false},
    [OPERATOR_FLOORDIV] = {"divide", "by", false}, [OPERATOR_MOD] = {"divide", "by", false},
    [OPERATOR_MATMUL] = {"multiply", "by", false}, [OPERATOR_POW] = {"raise", "to the power", false},
};
static const Phrase choose_phrase = {"choose between", "and", false};

/* ---- types that meet ------------------------------------------------------------------------- */
typedef enum NumberClass {
    CLASS_REAL,
    CLASS_FREE,
    CLASS_NUMBER,
    CLASS_INT32,
    CLASS_LABEL,
    CLASS_BOOL,
    CLASS_OTHER
} NumberClass;

static NumberClass class_of(const Value *v) {
    switch (v->kind) {
    case VALUE_INT: return v->node == NULL ? CLASS_FREE : CLASS_NUMBER;
    case VALUE_INDEX: return CLASS_FREE;
    case VALUE_NUMBER: return CLASS_NUMBER;
    case VALUE_LIST: return value_is_numeric(v) ? CLASS_NUMBER : CLASS_OTHER;
    case VALUE_BOOL: return CLASS_BOOL;
    case VALUE_TENSOR: break;
    default: return CLASS_OTHER;
    }
    if (v->node->dtype == DTYPE_BOOL) return CLASS_BOOL;
    if (v->classes > 0) return CLASS_LABEL;
    if (dtype_is_real(v->node->dtype)) return CLASS_REAL;
    return v->free ? CLASS_FREE : CLASS_INT32;
}

static bool is_batch_array(Lowering *L, const Value *v, Span span) {
    if (v->kind != VALUE_TENSOR || !v->batch) return false;
    Diagnostic *d = lower_error(L, CODE_E0216, span,
                                "batch(...) is an array over all rows, which is reduced or indexed: "
                                "sum, mean, max or min of it, batch(e)[j]");
    lower_help(L, d, "write the arithmetic inside: mean(batch(a * b))");
    return true;
}

static Diagnostic *cannot(Lowering *L, Code code, Span span, const Phrase *phrase, const Value *a, const Value *b,
                          const Expr *left, const Expr *right) {
    const char *first = value_type_text(L, phrase->swapped ? b : a);
    const char *second = value_type_text(L, phrase->swapped ? a : b);
    Diagnostic *d = lower_error(L, code, span, "cannot %s %s %s %s", phrase->verb, first, phrase->joint, second);
    note_operand(L, d, left, a);
    if (left == NULL || right == NULL || left->kind != EXPR_NAME || right->kind != EXPR_NAME ||
        left->name.text != right->name.text)
        note_operand(L, d, right, b);
    return d;
}

bool element_unify(Lowering *L, const Value **a, const Value **b, const Expr *left, const Expr *right, Span span,
                   const Phrase *phrase) {
    if (value_is_poison(*a) || value_is_poison(*b) || is_batch_array(L, *a, span) || is_batch_array(L, *b, span))
        return false;
    NumberClass ca = class_of(*a), cb = class_of(*b);
    const Value *va = *a, *vb = *b;
    Diagnostic *d;
    if (va->kind == VALUE_INT && (cb == CLASS_INT32 || cb == CLASS_FREE)) { /* a whole setting among integers */
        va = value_int(L, va->integer);
        ca = CLASS_FREE;
    } else if (vb->kind == VALUE_INT && (ca == CLASS_INT32 || ca == CLASS_FREE)) {
        vb = value_int(L, vb->integer);
        cb = CLASS_FREE;
    }
    if (ca == CLASS_OTHER || cb == CLASS_OTHER) {
        cannot(L, CODE_E0216, span, phrase, va, vb, left, right);
        return false;
    }
    if (ca == CLASS_LABEL || cb == CLASS_LABEL || ca == CLASS_BOOL || cb == CLASS_BOOL) {
        d = cannot(L, CODE_E0203, span, phrase, va, vb, left, right);
        if (ca == CLASS_LABEL || cb == CLASS_LABEL)
            lower_help(L, d, "labels only compare and index; f32(...) of a label is its number");
        else
            lower_help(L, d, "f32(...) of a truth is 0 or 1");
        return false;
    }
    DType t = L->real;
    if (ca == CLASS_REAL || cb == CLASS_REAL) {
        t = ca == CLASS_REAL ? va->node->dtype : vb->node->dtype;
        bool mixed = ca == CLASS_REAL && cb == CLASS_REAL && va->node->dtype != vb->node->dtype;
        if (mixed || ca == CLASS_INT32 || cb == CLASS_INT32) {
            d = cannot(L, CODE_E0203, span, phrase, va, vb, left, right);
            lower_help(L, d, "convert one: %s(...)", mixed ? "f64" : dtype_text(t));
            return false;
        }
    } else if (ca == CLASS_NUMBER || cb == CLASS_NUMBER) {
        bool lists = (ca == CLASS_INT32 || cb == CLASS_INT32);
        if (lists) {
            d = cannot(L, CODE_E0203, span, phrase, va, vb, left, right);
            lower_help(L, d, "convert the i32: f32(...)");
            return false;
        }
    } else {
        t = DTYPE_I32;
    }
    *a = value_to_tensor(L, va, t, left == NULL ? span : left->span, "this");
    *b = value_to_tensor(L, vb, t, right == NULL ? span : right->span, "this");
    if (value_is_poison(*a) || value_is_poison(*b)) return false;
    if (t == DTYPE_I32 && ca == CLASS_FREE && cb == CLASS_FREE) {
        Value *fa = arena_copy(L->arena, *a, sizeof **a), *fb = arena_copy(L->arena, *b, sizeof **b);
        fa->free = fb->free = true;
        *a = fa;
        *b = fb;
    }
    return true;
}

/* Both over one index space; false, reported, if their own shapes differ. */
static bool align(Lowering *L, const Value *a, const Value *b, const Expr *left, const Expr *right, Span span,
                  const Phrase *phrase, int *ids, int *count, Shape *own) {
    Shape sa = value_own_shape(a), sb = value_own_shape(b);
    if (sa.rank != 0 && sb.rank != 0 && !shape_equal(sa, sb)) {
        Diagnostic *d = cannot(L, CODE_E0201, span, phrase, a, b, left, right);
        if (sa.rank != sb.rank)
            lower_help(L, d,
                       "there is no broadcasting; say with an index which elements meet, as in "
                       "c[i, j] = a[i, j] + b[j]");
        return false;
    }
    *own = sa.rank == 0 ? sb : sa;
    Value *both[] = {(Value *)a, (Value *)b};
    *count = axes_union(L, both, 2, own->rank, ids, span);
    return *count >= 0;
}

static Value *pair(Lowering *L, Op op, const Value *a, const Value *b, const Expr *left, const Expr *right, Span span,
                   const Phrase *phrase) {
    int ids[MOST_RANK + 1], count;
    Shape own;
    if (!align(L, a, b, left, right, span, phrase, ids, &count, &own)) return value_poison(L);
    Node *x = value_spread(L, a, ids, count, own), *y = value_spread(L, b, ids, count, own);
    Value *v = value_of_node(L, graph_binary(L->graph, op, x, y), ids, count);
    v->free = a->free && b->free;
    return v;
}

Value *element_pair(Lowering *L, Op op, const Value *a, const Value *b, const Expr *left, const Expr *right, Span span,
                    const Phrase *phrase) {
    if (!element_unify(L, &a, &b, left, right, span, phrase)) return value_poison(L);
    return pair(L, op, a, b, left, right, span, phrase);
}

/* ---- one operand ----------------------------------------------------------------------------- */
static Value *with_node(Lowering *L, const Value *v, Node *node) { return value_like(L, v, node, v->axis, v->axes); }

Value *element_unary(Lowering *L, Op op, const Value *v, Span span) {
    if (value_is_poison(v) || is_batch_array(L, v, span)) return value_poison(L);
    DType t = value_is_real(v) ? v->node->dtype : L->real;
    Value *x = value_to_tensor(L, v, t, span, text_format(L->arena, "the argument of %s", op_text(op)));
    return value_is_poison(x) ? x : with_node(L, x, graph_unary(L->graph, op, x->node));
}

Value *element_negate(Lowering *L, const Value *v, Span span) {
    if (value_is_poison(v) || is_batch_array(L, v, span)) return value_poison(L);
    if (value_is_number(v)) {
        Value *result = v->kind == VALUE_INT ? value_int(L, -v->integer) : value_number(L, -v->number);
        return value_computed(L, result, OP_NEG, v, NULL);
    }
    if (v->kind == VALUE_INDEX) {
        Value *result = arena_copy(L->arena, v, sizeof *v);
        result->affine.offset = -v->affine.offset;
        for (int i = 0; i < v->affine.terms; i++) result->affine.coef[i] = -v->affine.coef[i];
        return result;
    }
    if (v->kind == VALUE_LIST && value_is_numeric(v)) {
        Value **items = arena_array(L->arena, Value *, v->count);
        for (int i = 0; i < v->count; i++) items[i] = element_negate(L, v->items[i], span);
        return value_list(L, items, v->count);
    }
    NumberClass c = class_of(v);
    if (c == CLASS_OTHER || c == CLASS_BOOL || c == CLASS_LABEL) {
        lower_error(L, c == CLASS_OTHER ? CODE_E0216 : CODE_E0203, span, "cannot negate %s", value_type_text(L, v));
        return value_poison(L);
    }
    if (v->node->dtype == DTYPE_I32) {
        Node *zero = graph_const(L->graph, DTYPE_I32, v->node->shape, 0);
        return with_node(L, v, graph_binary(L->graph, OP_SUB, zero, v->node));
    }
    return with_node(L, v, graph_unary(L->graph, OP_NEG, v->node));
}

static Value *bool_tensor(Lowering *L, const Value *v, Span span) {
    if (value_is_poison(v) || is_batch_array(L, v, span)) return value_poison(L);
    if (v->kind != VALUE_BOOL && !(v->kind == VALUE_TENSOR && v->node->dtype == DTYPE_BOOL)) {
        Diagnostic *d = lower_error(L, CODE_E0203, span, "a truth is needed here, and this is %s",
                                    value_type_text(L, v));
        if (value_is_numeric(v)) lower_help(L, d, "compare it, as in x > 0");
        return value_poison(L);
    }
    return value_tensor_of(L, v, L->real, span, "this");
}

Value *element_not(Lowering *L, const Value *v, Span span) {
    if (v->kind == VALUE_BOOL) return value_bool(L, !v->truth);
    Value *x = bool_tensor(L, v, span);
    return value_is_poison(x) ? x : with_node(L, x, graph_unary(L->graph, OP_NOT, x->node));
}

Value *element_cast(Lowering *L, const Value *v, DType t, Span span) {
    if (value_is_poison(v) || is_batch_array(L, v, span)) return value_poison(L);
    Value *x = value_tensor_of(L, v, dtype_is_real(t) ? t : L->real, span, "the argument");
    if (value_is_poison(x)) return x;
    Value *result = value_of_node(L, graph_cast(L->graph, x->node, t), x->axis, x->axes);
    return result;
}

Value *element_times(Lowering *L, const Value *v, double factor) {
    DType t = v->node->dtype;
    double value = t == DTYPE_F32 ? (double)(float)factor : factor;
    Node *scale = graph_const(L->graph, t, v->node->shape, value);
    return with_node(L, v, graph_binary(L->graph, OP_MUL, v->node, scale));
}

/* ---- compile-time arithmetic ----------------------------------------------------------------- */
static double number_power(double base, int64_t n) {
    double result = 1;
    for (uint64_t m = n < 0 ? 0u - (uint64_t)n : (uint64_t)n; m != 0; m >>= 1, base *= base)
        if (m & 1) result *= base;
    return n < 0 ? 1 / result : result;
}

static bool integer_power(int64_t base, int64_t n, int64_t *out) {
    int64_t result = 1;
    if (n < 0 || n > 4096) return false;
    for (; n > 0; n--)
        if (__builtin_mul_overflow(result, base, &result)) return false;
    *out = result;
    return true;
}

static int64_t floor_divide(int64_t a, int64_t b) {
    int64_t q = a / b;
    return q - (a % b != 0 && a < 0);
}

/* INT op INT where the result is an INT; false: it is not, or does not fit. */
static bool integer_result(Operator op, int64_t a, int64_t b, int64_t *out) {
    switch (op) {
    case OPERATOR_ADD: return !__builtin_add_overflow(a, b, out);
    case OPERATOR_SUB: return !__builtin_sub_overflow(a, b, out);
    case OPERATOR_MUL: return !__builtin_mul_overflow(a, b, out);
    case OPERATOR_DIV: return b != 0 && b != -1 && a % b == 0 ? (*out = a / b, true) : false;
    case OPERATOR_FLOORDIV: return b > 0 ? (*out = floor_divide(a, b), true) : false;
    case OPERATOR_MOD: return b > 0 ? (*out = a - b * floor_divide(a, b), true) : false;
    case OPERATOR_POW: return integer_power(a, b, out);
    default: return false;
    }
}

static double real_result(Operator op, double a, double b) {
    switch (op) {
    case OPERATOR_ADD: return a + b;
    case OPERATOR_SUB: return a - b;
    case OPERATOR_MUL: return a * b;
    default: return a / b;
    }
}

static Op op_of(Operator op) {
    switch (op) {
    case OPERATOR_ADD: return OP_ADD;
    case OPERATOR_SUB: return OP_SUB;
    case OPERATOR_MUL: return OP_MUL;
    case OPERATOR_DIV: return OP_DIV;
    case OPERATOR_FLOORDIV: return OP_FLOORDIV;
    case OPERATOR_MOD: return OP_MOD;
    case OPERATOR_EQ: return OP_EQ;
    case OPERATOR_NE: return OP_NE;
    case OPERATOR_LT:
    case OPERATOR_GT: return OP_LT;
    case OPERATOR_LE:
    case OPERATOR_GE: return OP_LE;
    default: INTERNAL_ERROR("operator %d has no op", op);
    }
}

static Value *number_arithmetic(Lowering *L, Operator op, const Value *a, const Value *b, const Expr *expr) {
    int64_t integer;
    Value *result;
    bool whole = a->kind == VALUE_INT && b->kind == VALUE_INT;
    if (whole && integer_result(op, a->integer, b->integer, &integer)) {
        result = value_int(L, integer);
    } else if (op == OPERATOR_FLOORDIV || op == OPERATOR_MOD) {
        lower_error(L, CODE_E0203, expr->span, "%s needs whole numbers and a positive divisor, not %s and %s",
                    operator_text(op), text_number(L->arena, a->number, false),
                    text_number(L->arena, b->number, false));
        return value_poison(L);
    } else {
        result = value_number(L, real_result(op, a->number, b->number));
    }
    return op == OPERATOR_FLOORDIV || op == OPERATOR_MOD ? result : value_computed(L, result, op_of(op), a, b);
}

static Value *number_comparison(Lowering *L, Operator op, double a, double b) {
    switch (op) {
    case OPERATOR_EQ: return value_bool(L, a == b);
    case OPERATOR_NE: return value_bool(L, a != b);
    case OPERATOR_LT: return value_bool(L, a < b);
    case OPERATOR_LE: return value_bool(L, a <= b);
    case OPERATOR_GT: return value_bool(L, a > b);
    default: return value_bool(L, a >= b);
    }
}

/* ---- affine combinations of index variables -------------------------------------------------- */
static bool affine_of(const Value *v, AffineIndex *out) {
    if (v->kind == VALUE_INDEX) {
        *out = v->affine;
        return true;
    }
    *out = (AffineIndex){.offset = v->integer};
    return v->kind == VALUE_INT && v->integer > -MOST_EXTENT && v->integer < MOST_EXTENT;
}

static bool affine_add(AffineIndex *to, const AffineIndex *from, int64_t factor) {
    to->offset += factor * from->offset;
    for (int i = 0; i < from->terms; i++) {
        int at = 0;
        while (at < to->terms && to->axis[at] < from->axis[i]) at++;
        if (at == to->terms || to->axis[at] != from->axis[i]) {
            if (to->terms == MOST_RANK) return false;
            memmove(to->axis + at + 1, to->axis + at, sizeof(int) * (size_t)(to->terms - at));
            memmove(to->coef + at + 1, to->coef + at, sizeof(int64_t) * (size_t)(to->terms - at));
            to->axis[at] = from->axis[i];
            to->coef[at] = 0;
            to->terms++;
        }
        to->coef[at] += factor * from->coef[i];
    }
    return true;
}

static bool affine_in_bounds(const AffineIndex *affine) {
    bool inside = llabs(affine->offset) < MOST_EXTENT;
    for (int i = 0; i < affine->terms; i++) inside &= llabs(affine->coef[i]) < MOST_EXTENT;
    return inside;
}

/* The affine result, or NULL if it is none. */
static Value *index_arithmetic(Lowering *L, Operator op, const Value *a, const Value *b) {
    AffineIndex x, y, result;
    if (!affine_of(a, &x) || !affine_of(b, &y)) return NULL;
    result = x;
    if (op == OPERATOR_ADD || op == OPERATOR_SUB) {
        if (!affine_add(&result, &y, op == OPERATOR_ADD ? 1 : -1)) return NULL;
    } else if (op == OPERATOR_MUL && (x.terms == 0 || y.terms == 0)) {
        const AffineIndex *scaled = x.terms == 0 ? &y : &x;
        int64_t factor = x.terms == 0 ? x.offset : y.offset;
        result = (AffineIndex){0};
        affine_add(&result, scaled, factor);
    } else {
        return NULL;
    }
    if (!affine_in_bounds(&result)) return NULL;
    int kept = 0;
    for (int i = 0; i < result.terms; i++)
        if (result.coef[i] != 0) {
            result.axis[kept] = result.axis[i];
            result.coef[kept++] = result.coef[i];
        }
    result.terms = kept;
    if (kept == 0) return value_int(L, result.offset);
    Value *v = value_new(L, VALUE_INDEX);
    v->affine = result;
    return v;
}

/* ---- powers ---------------------------------------------------------------------------------- */
/* x^k for an index variable k: each power by square-and-multiply, laid along k's axis. NULL: not of that
 * form. */
static Value *index_power(Lowering *L, const Value *x, const Value *k, Span span) {
    const AffineIndex *affine = &k->affine;
    if (k->kind != VALUE_INDEX || affine->terms != 1 || axes_has(x, affine->axis[0])) return NULL;
    int id = affine->axis[0];
    int64_t extent = L->axes.items[id].extent;
    if (extent > MOST_UNROLLED_POWERS) return NULL;
    Value probe = {.kind = VALUE_TENSOR, .axes = 1, .axis = {id}};
    Value *both[] = {(Value *)x, &probe};
    int ids[MOST_RANK + 1], at = 0;
    Shape own = value_own_shape(x);
    int count = axes_union(L, both, 2, own.rank, ids, span);
    if (count < 0) return value_poison(L);
    while (ids[at] != id) at++;
    Shape part = shape_of_axes(L, ids, count, own);
    part.extent[at] = 1;
    Node *parts[MOST_UNROLLED_POWERS];
    for (int64_t i = 0; i < extent; i++)
        parts[i] = graph_reshape(L->graph, graph_powi(L->graph, x->node, affine->offset + affine->coef[0] * i), part);
    Node *all = extent == 1 ? parts[0] : graph_concat(L->graph, parts, (int)extent, at);
    return value_of_node(L, all, ids, count);
}

Value *element_power(Lowering *L, const Value *a, const Value *b, const Expr *expr) {
    const Expr *left = expr->binary.left, *right = expr->binary.right;
    const Phrase *phrase = &phrase_of[OPERATOR_POW];
    bool whole = b->kind == VALUE_INT || (b->kind == VALUE_NUMBER && b->node == NULL && b->number == floor(b->number) &&
                                          fabs(b->number) < (double)MOST_EXTENT);
    int64_t n = b->kind == VALUE_INT ? b->integer : whole ? (int64_t)b->number : 0;
    int64_t integer;
    if (value_is_number(a) && a->node == NULL && whole) {
        if (a->kind == VALUE_INT && b->kind == VALUE_INT && integer_power(a->integer, n, &integer))
            return value_int(L, integer);
        return value_number(L, number_power(a->number, n));
    }
    if (is_batch_array(L, a, expr->span) || is_batch_array(L, b, expr->span)) return value_poison(L);
    NumberClass c = class_of(a);
    if (c == CLASS_OTHER || c == CLASS_BOOL || c == CLASS_LABEL || c == CLASS_INT32) {
        Diagnostic *d = cannot(L, c == CLASS_OTHER ? CODE_E0216 : CODE_E0203, expr->span, phrase, a, b, left, right);
        if (c != CLASS_OTHER) lower_help(L, d, "convert it: f32(...)");
        return value_poison(L);
    }
    if (!whole && b->kind != VALUE_INDEX) return element_pair(L, OP_POW, a, b, left, right, expr->span, phrase);
    Value *x = value_to_tensor(L, a, value_is_real(a) ? a->node->dtype : L->real, expr->span, "this");
    if (value_is_poison(x)) return x;
    if (whole) return with_node(L, x, graph_powi(L->graph, x->node, n));
    Value *powers = index_power(L, x, b, expr->span);
    return powers != NULL ? powers : element_pair(L, OP_POW, x, b, left, right, expr->span, phrase);
}

/* ---- comparisons and truths ------------------------------------------------------------------ */
static Value *truth_pair(Lowering *L, Operator op, const Value *a, const Value *b, const Expr *expr) {
    if (a->kind == VALUE_BOOL && b->kind == VALUE_BOOL)
        return value_bool(L, op == OPERATOR_AND ? a->truth && b->truth : a->truth || b->truth);
    Value *x = bool_tensor(L, a, expr->binary.left->span), *y = bool_tensor(L, b, expr->binary.right->span);
    if (value_is_poison(x) || value_is_poison(y)) return value_poison(L);
    return pair(L, op == OPERATOR_AND ? OP_AND : OP_OR, x, y, expr->binary.left, expr->binary.right, expr->span,
                &phrase_of[op]);
}

/* A label against a label of as many classes, or a number in its range. */
static Value *label_comparison(Lowering *L, Operator op, const Value *a, const Value *b, const Expr *expr) {
    const Value *label = value_is_label(a) ? a : b, *other = value_is_label(a) ? b : a;
    const Value *number = NULL;
    if (other->kind == VALUE_INT) {
        if (other->integer < 0 || other->integer >= label->classes) {
            Diagnostic *d = lower_error(L, CODE_E0206, expr->span, "a label[%lld] is 0 to %lld and never %lld",
                                        (long long)label->classes, (long long)label->classes - 1,
                                        (long long)other->integer);
            note_operand(L, d, value_is_label(a) ? expr->binary.left : expr->binary.right, label);
            return value_poison(L);
        }
        Node *node = graph_const(L->graph, DTYPE_I32, (Shape){0}, (double)other->integer);
        number = value_of_node(L, node, NULL, 0);
    } else if (other->kind == VALUE_INDEX) {
        number = value_tensor_of(L, other, L->real, expr->span, "this");
    } else if (value_is_label(other) && other->classes == label->classes) {
        number = other;
    } else {
        Diagnostic *d = cannot(L, CODE_E0203, expr->span, &phrase_of[op], a, b, expr->binary.left, expr->binary.right);
        lower_help(L, d, "a label compares with a label of as many classes, or with a whole number");
        return value_poison(L);
    }
    const Value *x = label == a ? a : number, *y = label == a ? number : b;
    bool swap = op == OPERATOR_GT || op == OPERATOR_GE;
    return pair(L, op_of(op), swap ? y : x, swap ? x : y, expr->binary.left, expr->binary.right, expr->span,
                &phrase_of[op]);
}

static Value *comparison(Lowering *L, Operator op, const Value *a, const Value *b, const Expr *expr) {
    if (is_batch_array(L, a, expr->span) || is_batch_array(L, b, expr->span)) return value_poison(L);
    bool equality = op == OPERATOR_EQ || op == OPERATOR_NE;
    if (value_is_number(a) && value_is_number(b)) return number_comparison(L, op, a->number, b->number);
    if (equality && a->kind == VALUE_STRING && b->kind == VALUE_STRING) {
        bool same = a->length == b->length && memcmp(a->string, b->string, a->length) == 0;
        return value_bool(L, same == (op == OPERATOR_EQ));
    }
    if (equality && class_of(a) == CLASS_BOOL && class_of(b) == CLASS_BOOL) {
        if (a->kind == VALUE_BOOL && b->kind == VALUE_BOOL)
            return value_bool(L, (a->truth == b->truth) == (op == OPERATOR_EQ));
        const Value *x = element_cast(L, a, L->real, expr->span), *y = element_cast(L, b, L->real, expr->span);
        return pair(L, op_of(op), x, y, expr->binary.left, expr->binary.right, expr->span, &phrase_of[op]);
    }
    if (value_is_label(a) || value_is_label(b)) return label_comparison(L, op, a, b, expr);
    if (!element_unify(L, &a, &b, expr->binary.left, expr->binary.right, expr->span, &phrase_of[op]))
        return value_poison(L);
    bool swap = op == OPERATOR_GT || op == OPERATOR_GE;
    Value *v = pair(L, op_of(op), swap ? b : a, swap ? a : b, expr->binary.left, expr->binary.right, expr->span,
                    &phrase_of[op]);
    v->free = false;
    return v;
}

/* e in [3, 7], e in 3..7 */
static Value *membership(Lowering *L, const Value *a, const Value *b, const Expr *expr) {
    if (b->kind == VALUE_RANGE && value_is_number(a))
        return value_bool(L, a->number >= (double)b->integer && a->number < (double)b->end);
    if (b->kind == VALUE_RANGE) {
        Value *low = comparison(L, OPERATOR_GE, a, value_int(L, b->integer), expr);
        Value *high = comparison(L, OPERATOR_LT, a, value_int(L, b->end), expr);
        if (value_is_poison(low) || value_is_poison(high)) return value_poison(L);
        return pair(L, OP_AND, low, high, NULL, NULL, expr->span, &phrase_of[OPERATOR_AND]);
    }
    if (b->kind != VALUE_LIST || b->count == 0) {
        lower_error(L, CODE_E0216, expr->binary.right->span,
                    "`in` looks into a list like [3, 7] or a range like "
                    "0..5, not into %s",
                    value_type_text(L, b));
        return value_poison(L);
    }
    Value *found = NULL;
    for (int i = 0; i < b->count; i++) {
        Value *equal = comparison(L, OPERATOR_EQ, a, b->items[i], expr);
        if (value_is_poison(equal)) return equal;
        if (found == NULL)
            found = equal;
        else if (found->kind == VALUE_BOOL)
            found = value_bool(L, found->truth || equal->truth);
        else
            found = pair(L, OP_OR, found, equal, NULL, NULL, expr->span, &phrase_of[OPERATOR_OR]);
    }
    return found;
}

/* a..b of compile-time bounds. */
static Value *range_value(Lowering *L, const Value *a, const Value *b, const Expr *expr) {
    Value *range = value_new(L, VALUE_RANGE);
    if (!lower_constant_int(L, a, expr->binary.left->span, "the begin of a range", &range->integer) ||
        !lower_constant_int(L, b, expr->binary.right->span, "the end of a range", &range->end))
        return value_poison(L);
    return range;
}

/* ---- the operators --------------------------------------------------------------------------- */
static Value *arithmetic(Lowering *L, Operator op, const Value *a, const Value *b, const Expr *expr) {
    const Expr *left = expr->binary.left, *right = expr->binary.right;
    if (value_is_number(a) && value_is_number(b)) return number_arithmetic(L, op, a, b, expr);
    Value *affine = index_arithmetic(L, op, a, b);
    if (affine != NULL) return affine;
    if (!element_unify(L, &a, &b, left, right, expr->span, &phrase_of[op])) return value_poison(L);
    DType t = a->node->dtype;
    if (op == OPERATOR_DIV && t == DTYPE_I32) {
        if (!a->free || !b->free) {
            Diagnostic *d = cannot(L, CODE_E0203, expr->span, &phrase_of[op], a, b, left, right);
            lower_help(L, d, "`/` divides reals; convert with f32(...), or floor with `//`");
            return value_poison(L);
        }
        a = value_to_tensor(L, a, L->real, expr->span, "this");
        b = value_to_tensor(L, b, L->real, expr->span, "this");
    }
    if ((op == OPERATOR_FLOORDIV || op == OPERATOR_MOD) &&
        (t != DTYPE_I32 || b->node->op != OP_CONST || b->node->attr.value <= 0)) {
        Diagnostic *d = lower_error(L, CODE_E0203, expr->span,
                                    "%s is for sizes, index variables and i32, by a positive number",
                                    operator_text(op));
        lower_help(L, d, "of reals write floor(x / y)");
        return value_poison(L);
    }
    return pair(L, op_of(op), a, b, left, right, expr->span, &phrase_of[op]);
}

Value *element_binary(Lowering *L, Operator op, const Value *a, const Value *b, const Expr *expr) {
    if (value_is_poison(a) || value_is_poison(b)) return value_poison(L);
    switch (op) {
    case OPERATOR_OR:
    case OPERATOR_AND: return truth_pair(L, op, a, b, expr);
    case OPERATOR_EQ:
    case OPERATOR_NE:
    case OPERATOR_LT:
    case OPERATOR_LE:
    case OPERATOR_GT:
    case OPERATOR_GE: return comparison(L, op, a, b, expr);
    case OPERATOR_IN: return membership(L, a, b, expr);
    case OPERATOR_RANGE: return range_value(L, a, b, expr);
    case OPERATOR_POW: return element_power(L, a, b, expr);
    default: return arithmetic(L, op, a, b, expr);
    }
}

/* ---- where ----------------------------------------------------------------------------------- */
static Value *bool_choice(Lowering *L, const Value *c, const Value *a, const Value *b, Span span) {
    const Phrase *phrase = &choose_phrase;
    Value *x = bool_tensor(L, a, span), *y = bool_tensor(L, b, span);
    Value *first = pair(L, OP_AND, c, x, NULL, NULL, span, phrase);
    Value *second = value_is_poison(first) ? first
                                           : pair(L, OP_AND, element_not(L, c, span), y, NULL, NULL, span, phrase);
    return value_is_poison(second) ? second : pair(L, OP_OR, first, second, NULL, NULL, span, phrase);
}

Value *element_where(Lowering *L, const Value *c, const Value *a, const Value *b, Span span) {
    const Phrase *phrase = &choose_phrase;
    c = bool_tensor(L, c, span);
    if (value_is_poison(c) || value_is_poison(a) || value_is_poison(b)) return value_poison(L);
    int64_t classes = 0;
    if (class_of(a) == CLASS_BOOL && class_of(b) == CLASS_BOOL) return bool_choice(L, c, a, b, span);
    if (value_is_label(a) && value_is_label(b) && a->classes == b->classes) {
        classes = a->classes;
    } else {
        if (value_is_number(a) && value_is_number(b)) a = value_to_tensor(L, a, L->real, span, "this");
        if (!element_unify(L, &a, &b, NULL, NULL, span, phrase)) return value_poison(L);
    }
    int ids[MOST_RANK + 1], count;
    Shape own, condition = value_own_shape(c);
    if (!align(L, a, b, NULL, NULL, span, phrase, ids, &count, &own)) return value_poison(L);
    if (own.rank == 0) own = condition;
    if (condition.rank != 0 && !shape_equal(condition, own)) {
        lower_error(L, CODE_E0201, span, "where chooses element by element: the condition is %s, the values are %s",
                    shape_text(L, DTYPE_BOOL, 0, condition), shape_text(L, a->node->dtype, classes, own));
        return value_poison(L);
    }
    Value *all[] = {(Value *)c, (Value *)a, (Value *)b};
    count = axes_union(L, all, 3, own.rank, ids, span);
    if (count < 0) return value_poison(L);
    Node *node = graph_where(L->graph, value_spread(L, c, ids, count, own), value_spread(L, a, ids, count, own),
                             value_spread(L, b, ids, count, own));
    Value *v = value_of_node(L, node, ids, count);
    v->classes = classes;
    v->free = a->free && b->free;
    return v;
}
