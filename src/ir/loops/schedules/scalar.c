/* scalar: scalars as LETs of the open body. */
#include "ir/loops/schedules/schedule.h"
#include <math.h>

const Scalar *point_const(Scheduler *s, DType dtype, double value) {
    Scalar *c = tree_scalar(s->tree, SCALAR_CONST, dtype);
    c->value = value;
    return schedule_let(s, c);
}

const Scalar *point_op(Scheduler *s, Op op, DType dtype, const Scalar *a, const Scalar *b, const Scalar *c) {
    Scalar *x = tree_scalar(s->tree, SCALAR_OP, dtype);
    x->op = op;
    x->source[0] = a;
    x->source[1] = b;
    x->source[2] = c;
    return schedule_let(s, x);
}

const Scalar *point_cast(Scheduler *s, const Scalar *x, DType to) {
    return x->dtype == to ? x : point_op(s, OP_CAST, to, x, NULL, NULL);
}

const Scalar *point_load(Scheduler *s, const Array *array, const Subscript *row, const Subscript *at) {
    Scalar *x = tree_scalar(s->tree, SCALAR_LOAD, array->dtype);
    x->array = array;
    x->row = row;
    x->at = at;
    return schedule_let(s, x);
}

const Scalar *point_of_subscript(Scheduler *s, ScalarKind kind, DType dtype, const Subscript *at, int64_t n) {
    Scalar *x = tree_scalar(s->tree, kind, dtype);
    x->at = at;
    x->n = n;
    return schedule_let(s, x);
}

const Scalar *point_number(Scheduler *s, const Subscript *at) {
    return point_of_subscript(s, SCALAR_NUMBER, DTYPE_I32, at, 0);
}

const Scalar *point_inside(Scheduler *s, const Subscript *at, int64_t extent) {
    return point_of_subscript(s, SCALAR_INSIDE, DTYPE_BOOL, at, extent);
}

const Scalar *point_in_batch(Scheduler *s, const Subscript *row) {
    const Subscript *rows = subscript_of_scalar(s->arena,
                                                schedule_let(s, tree_scalar(s->tree, SCALAR_ROWS, DTYPE_I32)));
    const Subscript *after = subscript_sum(s->arena, rows, subscript_times(s->arena, row, -1));
    return point_inside(s, subscript_sum(s->arena, after, subscript_number(s->arena, -1)), MOST_ROWS);
}

const Scalar *point_equal(Scheduler *s, const Subscript *a, const Subscript *b) {
    Scalar *x = tree_scalar(s->tree, SCALAR_EQUAL, DTYPE_BOOL);
    x->at = a;
    x->row = b;
    return schedule_let(s, x);
}

const Subscript *point_integer(Scheduler *s, const Scalar *label) {
    Scalar *x = tree_scalar(s->tree, SCALAR_INTEGER, DTYPE_I32);
    x->source[0] = label;
    return subscript_of_scalar(s->arena, schedule_let(s, x));
}

/* at = n * whole + rest, and neither is ever negative: then a quotient needs no division of what is whole. */
typedef struct Divided {
    const Subscript *whole, *rest;
    bool known;
} Divided;

static Divided divide(Scheduler *s, const Subscript *at, int64_t n) {
    int64_t part = (at->offset % n + n) % n;
    Divided d = {subscript_number(s->arena, (at->offset - part) / n), subscript_number(s->arena, part), false};
    for (int i = 0; i < at->count; i++) {
        SubscriptTerm *term = arena_copy(s->arena, &at->term[i], sizeof *term);
        const Subscript one = {.count = 1, .term = term};
        const Subscript **to = term->coef % n == 0 ? &d.whole : &d.rest;
        if (term->coef % n == 0) term->coef /= n;
        *to = subscript_sum(s->arena, *to, arena_copy(s->arena, &one, sizeof one));
    }
    d.known = subscript_range(d.whole).least >= 0 && subscript_range(d.rest).least >= 0;
    return d;
}

static const Subscript *integer_of(Scheduler *s, ScalarKind kind, const Subscript *at, int64_t n) {
    return subscript_of_scalar(s->arena, point_of_subscript(s, kind, DTYPE_I32, at, n));
}

const Subscript *point_quotient(Scheduler *s, const Subscript *at, int64_t n) {
    if (n == 1) return at;
    Divided d = divide(s, at, n);
    if (!d.known) return integer_of(s, SCALAR_QUOTIENT, at, n);
    if (subscript_range(d.rest).most < n) return d.whole;
    return subscript_sum(s->arena, d.whole, integer_of(s, SCALAR_QUOTIENT, d.rest, n));
}

const Subscript *point_remainder(Scheduler *s, const Subscript *at, int64_t n) {
    Divided d = divide(s, at, n);
    if (!d.known) return integer_of(s, SCALAR_REMAINDER, at, n);
    return subscript_range(d.rest).most < n ? d.rest : integer_of(s, SCALAR_REMAINDER, d.rest, n);
}

const Subscript *point_within(Scheduler *s, const Scalar *condition, const Subscript *at) {
    Scalar *x = tree_scalar(s->tree, SCALAR_WITHIN, DTYPE_I32);
    x->source[0] = condition;
    x->at = at;
    return subscript_of_scalar(s->arena, schedule_let(s, x));
}

const Scalar *point_both(Scheduler *s, const Scalar *a, const Scalar *b) {
    return a == NULL ? b : point_op(s, OP_AND, DTYPE_BOOL, a, b, NULL);
}

/* What is -0, or an integer 0, changes no bit of what is added. */
static bool adds_nothing(const Scalar *sum, DType dtype) {
    return sum->kind == SCALAR_CONST && sum->value == 0 && (signbit(sum->value) || !dtype_is_real(dtype));
}

const Scalar *point_add(Scheduler *s, DType dtype, const Scalar *sum, const Scalar *x, const Scalar *y) {
    if (adds_nothing(sum, dtype)) return y == NULL ? x : point_op(s, OP_MUL, dtype, x, y, NULL);
    return y == NULL ? point_op(s, OP_ADD, dtype, sum, x, NULL) : point_op(s, OP_FMA, dtype, x, y, sum);
}
