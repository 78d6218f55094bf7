/* Rules below the line change no bit: every rule on every pair and triple of awkward values, against C. */
#include "graph_test.h"

static const float awkward[] = {0.0f,     -0.0f,     1.0f,     -1.0f,     1.5f, 3.0e38f,    -3.0e38f,
                                1.0e-40f, -1.0e-45f, INFINITY, -INFINITY, NAN,  0.3333333f, 16777216.0f};
enum { COUNT = sizeof awkward / sizeof awkward[0], ROWS = COUNT * COUNT * COUNT };

typedef struct Inputs {
    Bench bench;
    float value[3][ROWS];
    Node *x[3];
} Inputs;

static Inputs *inputs_new(void) {
    Bench bench = bench_new();
    Inputs *in = arena_new_of(bench.arena, Inputs);
    in->bench = bench;
    for (int r = 0; r < ROWS; r++) {
        in->value[0][r] = awkward[r % COUNT];
        in->value[1][r] = awkward[r / COUNT % COUNT];
        in->value[2][r] = awkward[r / COUNT / COUNT];
    }
    for (int i = 0; i < 3; i++) {
        in->bench.column[i] = (sgdrt_column){in->value[i], sizeof(float)};
        in->x[i] = graph_leaf(in->bench.g, OP_COLUMN, DTYPE_F32, (Shape){0}, i);
    }
    return in;
}

static Node *number(Inputs *in, double value) { return graph_const(in->bench.g, DTYPE_F32, (Shape){0}, value); }
static Node *neg(Inputs *in, int i) { return graph_unary(in->bench.g, OP_NEG, in->x[i]); }
static Node *op(Inputs *in, Op which, Node *a, Node *b) { return graph_binary(in->bench.g, which, a, b); }
static Node *fma_of(Inputs *in, Node *a, Node *b, Node *c) { return op(in, OP_ADD, op(in, OP_MUL, a, b), c); }

/* The graph after rules, then interpreted, gives `wanted` of every row; and the rule did something. */
static void check(Inputs *in, const char *what, Node *node, float (*wanted)(float, float, float)) {
    Node *before = node;
    graph_canonicalise(in->bench.g, &before, 1);
    Node *after = before;
    graph_rules(in->bench.g, &after, 1);
    cr_assert_neq(after, before, "%s: no rule applied", what);
    static float out[ROWS];
    interpret_rows(node, in->bench.column, NULL, 0, ROWS, out);
    for (int r = 0; r < ROWS; r++) {
        float a = in->value[0][r], b = in->value[1][r], c = in->value[2][r], is = out[r], should = wanted(a, b, c);
        if (is != is && should != should) continue;
        cr_assert(memcmp(&is, &should, sizeof is) == 0, "%s of %a, %a, %a: %a, not %a", what, (double)a, (double)b,
                  (double)c, (double)is, (double)should);
    }
}

static float add_neg(float a, float b, float c) {
    (void)c;
    volatile float m = -b;
    return a + m;
}
static float neg_add(float a, float b, float c) {
    (void)c;
    volatile float m = -a;
    return m + b;
}
static float sub_neg(float a, float b, float c) {
    (void)c;
    volatile float m = -b;
    return a - m;
}
static float neg_mul(float a, float b, float c) {
    (void)c;
    volatile float m = -a, n = -b;
    return m * n;
}
static float fma_neg(float a, float b, float c) { return fmaf(-a, -b, c); }
static float div_eight(float a, float b, float c) {
    (void)b, (void)c;
    return a / 8;
}
static float div_tiny(float a, float b, float c) {
    (void)b, (void)c;
    return a / 0x1p-100f;
}
static float where_not(float a, float b, float c) { return !(a < b) ? b : c; }

Test(rules, every_rule_is_exact) {
    Inputs *in = inputs_new();
    Node **x = in->x;
    check(in, "a + -b", op(in, OP_ADD, x[0], neg(in, 1)), add_neg);
    check(in, "-a + b", op(in, OP_ADD, neg(in, 0), x[1]), neg_add);
    check(in, "a - -b", op(in, OP_SUB, x[0], neg(in, 1)), sub_neg);
    check(in, "-a * -b", op(in, OP_MUL, neg(in, 0), neg(in, 1)), neg_mul);
    check(in, "fma(-a, -b, c)", fma_of(in, neg(in, 0), neg(in, 1), x[2]), fma_neg);
    check(in, "a / 8", op(in, OP_DIV, x[0], number(in, 8)), div_eight);
    check(in, "a / 2^-100", op(in, OP_DIV, x[0], number(in, 0x1p-100)), div_tiny);
    Node *less = op(in, OP_LT, x[0], x[1]);
    check(in, "where(not c, a, b)", graph_where(in->bench.g, graph_unary(in->bench.g, OP_NOT, less), x[1], x[2]),
          where_not);
    arena_free(in->bench.arena);
}

/* Of rectifiers of x: where(condition of x, y, z) + the rectifier, whose condition reads the rectifier now. */
static Node *beside(Inputs *in, Node *condition, bool positive, Node *below) {
    Node **x = in->x;
    Graph *g = in->bench.g;
    Node *rectifier = positive ? graph_where(g, condition, x[0], below) : graph_where(g, condition, below, x[0]);
    return op(in, OP_SUB, rectifier, graph_where(g, condition, x[1], x[2]));
}

static float relu_beside(float a, float b, float c) { return (a <= 0 ? 0 : a) - (a <= 0 ? b : c); }
static float leaky_beside(float a, float b, float c) {
    volatile float below = 0.01f * a;
    return (a > 0 ? a : below) - (a > 0 ? b : c);
}
static float down_beside(float a, float b, float c) { return (a > 0 ? a : -2.0f) - (a > 0 ? b : c); }

Test(rules, conditions_are_read_off_rectifiers) {
    Inputs *in = inputs_new();
    Node *x = in->x[0], *le = op(in, OP_LE, x, number(in, 0)), *gt = op(in, OP_LT, number(in, 0), x);
    check(in, "relu", beside(in, le, false, number(in, 0)), relu_beside);
    Node *part = op(in, OP_MUL, number(in, (double)0.01f), x);
    check(in, "leaky relu", beside(in, gt, true, part), leaky_beside);
    check(in, "a constant below", beside(in, gt, true, number(in, -2)), down_beside);
    arena_free(in->bench.arena);
}

/* They say nothing about x: above 0 below, 0 among what is not above, or NaN of an infinite x. */
Test(rules, conditions_stay_where_a_rectifier_says_less) {
    Inputs *in = inputs_new();
    Node *x = in->x[0], *zero = number(in, 0), *le = op(in, OP_LE, x, zero), *gt = op(in, OP_LT, zero, x);
    Node *nodes[] = {beside(in, le, false, number(in, 1)), beside(in, gt, true, op(in, OP_MUL, number(in, -1), x)),
                     beside(in, le, false, op(in, OP_MUL, zero, x)), beside(in, op(in, OP_LT, x, zero), false, zero),
                     beside(in, op(in, OP_LE, zero, x), true, zero)};
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        Node *now = nodes[i];
        graph_rules(in->bench.g, &now, 1);
        cr_assert_eq(now, nodes[i], "case %zu", i);
    }
    arena_free(in->bench.arena);
}

Test(rules, inexact_reciprocals_stay_divisions) {
    Inputs *in = inputs_new();
    Node *node = op(in, OP_DIV, in->x[0], number(in, 255)), *now = node;
    graph_rules(in->bench.g, &now, 1);
    cr_assert_eq(now, node);
    arena_free(in->bench.arena);
}

Test(rules, repeated_values_are_computed_once) {
    Bench b = bench_new();
    Shape wide = shape_of(2, 30, 40, 0, 0);
    Node *rate = graph_leaf(b.g, OP_SLOT, DTYPE_F32, (Shape){0}, 0),
         *epoch = graph_counter(b.g, COUNTER_EPOCH, DTYPE_F32);
    Node *half = graph_const(b.g, DTYPE_F32, wide, 0.5);
    Node *power = graph_binary(b.g, OP_POW, half, graph_expand(b.g, epoch, wide, NULL));
    Node *step = graph_binary(b.g, OP_MUL, graph_expand(b.g, rate, wide, NULL), power);
    graph_rules(b.g, &step, 1);
    cr_assert_eq(step->op, OP_VIEW);
    cr_assert_eq(step->source[0]->op, OP_MUL);
    cr_assert_eq(step->source[0]->shape.rank, 0);
    arena_free(b.arena);
}
