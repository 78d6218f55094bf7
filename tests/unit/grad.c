/* Derivatives of every op row against central differences in f64, first and second order; index maps of every
 * kind; convolutions against plain loops. */
#include "graph_test.h"

static void compare(const char *what, const double *got, const double *wanted, int64_t size, double tolerance) {
    for (int64_t i = 0; i < size; i++) {
        double scale = 1 + fabs(wanted[i]);
        cr_assert(fabs(got[i] - wanted[i]) <= tolerance * scale, "%s [%ld]: %.12g, not %.12g", what, (long)i, got[i],
                  wanted[i]);
    }
}

/* First and second derivatives of y by each real input made before it. */
static void check_derivatives(Bench *b, const char *what, Node *y) {
    int inputs = b->inputs;
    Node *scalar = bench_weigh(b, y);
    for (int at = 0; at < inputs; at++) {
        if (b->value[at] == NULL) continue;
        int64_t size = shape_size(b->input[at]->shape);
        compare(what, bench_gradient(b, scalar, at), bench_differences(b, scalar, at), size, 2e-6);
        Node *gradient = NULL;
        graph_gradients(b->g, scalar, NULL, &b->input[at], 1, &gradient);
        if (!gradient || b->inputs + 1 >= MOST_INPUTS) continue;
        int before = b->inputs;
        Node *slope = bench_weigh(b, gradient);
        for (int by = 0; by < inputs; by++) {
            if (b->value[by] == NULL) continue;
            int64_t by_size = shape_size(b->input[by]->shape);
            compare(what, bench_gradient(b, slope, by), bench_differences(b, slope, by), by_size, 2e-5);
        }
        b->inputs = before;
    }
}

typedef struct Domain {
    double low, high;
} Domain;

/* Where an op's derivative is smooth enough for differences. */
static Domain domain_of(Op op) {
    switch (op) {
    case OP_SQRT:
    case OP_LOG:
    case OP_LOG2:
    case OP_LGAMMA:
    case OP_POLYGAMMA:
    case OP_ATAN2:
    case OP_POW:
    case OP_DIV: return (Domain){0.5, 2};
    case OP_ASIN:
    case OP_ACOS:
    case OP_LOG1P: return (Domain){-0.8, 0.8};
    default: return (Domain){-2, 2};
    }
}

static Node *build_element(Bench *b, Op op) {
    Shape shape = shape_of(1, 5, 0, 0, 0);
    Domain d = domain_of(op);
    Node *x = bench_input(b, shape, d.low, d.high);
    if (op == OP_POWI) return graph_powi(b->g, x, 3);
    if (op == OP_POLYGAMMA) return graph_polygamma(b->g, 1, x);
    if (op == OP_CAST || op == OP_NOT) return x;
    if (op_arity(op) == 1) return graph_unary(b->g, op, x);
    Node *y = bench_input(b, shape, d.low, d.high);
    if (op == OP_WHERE) return graph_where(b->g, graph_binary(b->g, OP_LT, y, x), graph_unary(b->g, OP_EXP, x), y);
    if (op == OP_FMA) return x;
    return graph_binary(b->g, op, x, y);
}

static bool is_real_element(Op op) {
    static const Op others[] = {OP_NOT, OP_FLOORDIV, OP_MOD,           OP_EQ,   OP_NE,  OP_LT,   OP_LE, OP_AND,
                                OP_OR,  OP_FLOOR,    OP_STOP_GRADIENT, OP_CAST, OP_FMA, OP_ROUND};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (others[i] == op) return false;
    }
    return op_class(op) == OP_CLASS_ELEMENT;
}

Test(grad, every_element_op) {
    for (Op op = 0; op < OP_COUNT; op++) {
        if (!is_real_element(op)) continue;
        Bench b = bench_new();
        check_derivatives(&b, op_text(op), build_element(&b, op));
        arena_free(b.arena);
    }
}

Test(grad, derivatives_of_lgamma) {
    for (int64_t n = 0; n <= 3; n++) {
        Bench b = bench_new();
        check_derivatives(&b, "polygamma", graph_polygamma(b.g, n, bench_input(&b, shape_of(1, 4, 0, 0, 0), 0.5, 2)));
        arena_free(b.arena);
    }
}

/* Without an angle at the origin, without overflow far out. */
Test(grad, angles) {
    Bench b = bench_new();
    Node *y = bench_input(&b, shape_of(1, 4, 0, 0, 0), 1, 2), *x = bench_input(&b, shape_of(1, 4, 0, 0, 0), -2, -1);
    Node *angle = graph_binary(b.g, OP_ATAN2, y, x);
    check_derivatives(&b, "atan2", angle);
    b.value[0][0] = b.value[1][0] = 0;
    b.value[0][1] = b.value[1][1] = 1e200;
    cr_assert_eq(bench_gradient(&b, angle, 0)[0], 0);
    cr_assert_float_eq(bench_gradient(&b, angle, 0)[1], 5e-201, 1e-206);
    arena_free(b.arena);
}

Test(grad, powers) {
    for (int64_t n = -3; n <= 5; n++) {
        Bench b = bench_new();
        check_derivatives(&b, "powi", graph_powi(b.g, bench_input(&b, shape_of(1, 4, 0, 0, 0), 0.5, 2), n));
        arena_free(b.arena);
    }
}

/* ---- values at 0 and far out --------------------------------------------------------------- */
static double slope_at(Op op, double x) {
    Bench b = bench_new();
    Node *input = bench_input(&b, shape_of(0, 0, 0, 0, 0), 0, 0);
    b.value[0][0] = x;
    double slope = bench_gradient(&b, graph_unary(b.g, op, input), 0)[0];
    arena_free(b.arena);
    return slope;
}

Test(grad, kinks_and_far_out) {
    cr_assert_eq(slope_at(OP_ABS, 0), 0);
    cr_assert_eq(slope_at(OP_ABS, -0.5), -1);
    cr_assert_eq(slope_at(OP_ABS, 0.5), 1);
    cr_assert_eq(slope_at(OP_FLOOR, 0.5), 0);
    cr_assert_eq(slope_at(OP_STOP_GRADIENT, 0.5), 0);
    cr_assert(slope_at(OP_SIGMOID, -100) > 0 && slope_at(OP_SIGMOID, -100) < 1e-40);
    cr_assert(slope_at(OP_SIGMOID, 100) >= 0 && slope_at(OP_SIGMOID, 100) < 1e-40);
    cr_assert_eq(slope_at(OP_TANH, 100), 0);
}

Test(grad, ties_go_to_the_first) {
    Bench b = bench_new();
    Shape scalar = {0};
    Node *x = bench_input(&b, scalar, 1, 1), *y = bench_input(&b, scalar, 1, 1);
    Node *larger = graph_binary(b.g, OP_MAX, x, y), *smaller = graph_binary(b.g, OP_MIN, x, y);
    cr_assert_eq(bench_gradient(&b, larger, 0)[0], 1);
    cr_assert_eq(bench_gradient(&b, larger, 1)[0], 0);
    cr_assert_eq(bench_gradient(&b, smaller, 0)[0], 1);
    cr_assert_eq(bench_gradient(&b, smaller, 1)[0], 0);
    Node *many = bench_input(&b, shape_of(1, 4, 0, 0, 0), 3, 3);
    double *slope = bench_gradient(&b, graph_reduce(b.g, OP_REDUCE_MAX, many, 1, false), 2);
    cr_assert(slope[0] == 1 && slope[1] == 0 && slope[2] == 0 && slope[3] == 0);
    slope = bench_gradient(&b, graph_reduce(b.g, OP_REDUCE_MIN, many, 1, false), 2);
    cr_assert(slope[0] == 1 && slope[1] == 0 && slope[2] == 0 && slope[3] == 0);
    arena_free(b.arena);
}

/* The branch not taken contributes exactly 0, whatever its derivative is there. */
Test(grad, where_hides_infinities) {
    Bench b = bench_new();
    Shape scalar = {0};
    Node *x = bench_input(&b, scalar, 0, 0);
    Node *zero = graph_const(b.g, DTYPE_F64, scalar, 0);
    Node *root = graph_where(b.g, graph_binary(b.g, OP_LT, zero, x), graph_unary(b.g, OP_SQRT, x), zero);
    Node *gradient = NULL;
    cr_assert(graph_gradients(b.g, root, NULL, &x, 1, &gradient));
    cr_assert_not_null(gradient);
    Node *seed = graph_where(b.g, graph_binary(b.g, OP_LT, zero, x), x, zero);
    cr_assert(graph_gradients(b.g, seed, NULL, &x, 1, &gradient));
    cr_assert_eq(bench_values(&b, gradient)[0], 0);
    arena_free(b.arena);
}

Test(grad, absent_is_not_zero) {
    Bench b = bench_new();
    Node *x = bench_input(&b, (Shape){0}, 0, 1), *y = bench_input(&b, (Shape){0}, 0, 1);
    Node *wanted[] = {x, y}, *out[2];
    Node *truth = graph_cast(b.g, graph_binary(b.g, OP_LT, x, y), DTYPE_F64);
    cr_assert(graph_gradients(b.g, truth, NULL, wanted, 2, out));
    cr_assert(out[0] == NULL && out[1] == NULL);
    cr_assert(graph_gradients(b.g, graph_unary(b.g, OP_STOP_GRADIENT, x), NULL, wanted, 2, out));
    cr_assert(out[0] == NULL && out[1] == NULL);
    arena_free(b.arena);
}

/* ---- movement and reductions --------------------------------------------------------------- */
static AxisMap map_of(int64_t offset, int64_t divisor, int32_t c0, int32_t c1, int32_t c2, int32_t c3) {
    return (AxisMap){.offset = offset, .divisor = divisor, .coef = {c0, c1, c2, c3}};
}

Test(grad, movement) {
    Bench b = bench_new();
    Graph *g = b.g;
    Node *x = bench_input(&b, shape_of(2, 3, 4, 0, 0), -1, 1);
    int64_t before[] = {1, 0}, after[] = {0, 2};
    Node *parts[] = {x, graph_unary(g, OP_EXP, x)};
    Node *y[] = {
        graph_slice(g, x, 1, 1, 3),
        graph_permute(g, x, (int[]){1, 0}),
        graph_pad(g, x, before, after),
        graph_expand(g, x, shape_of(3, 3, 2, 4, 0), (int[]){0, 2}),
        graph_reshape(g, x, shape_of(1, 12, 0, 0, 0)),
        graph_concat(g, parts, 2, 0),
        graph_concat(g, parts, 2, 1),
    };
    for (size_t i = 0; i < sizeof y / sizeof y[0]; i++) {
        b.inputs = 1;
        check_derivatives(&b, "movement", graph_unary(g, OP_SIN, y[i]));
    }
    arena_free(b.arena);
}

Test(grad, views_of_every_kind) {
    Access access[] = {
        {2, {map_of(0, 1, 1, 0, 0, 0), map_of(0, 1, 1, 0, 0, 0)}},    /* the diagonal */
        {2, {map_of(2, 1, 0, 0, 0, 0), map_of(0, 1, 1, 0, 0, 0)}},    /* one row */
        {2, {map_of(0, 1, 1, 1, 0, 0), map_of(1, 1, 0, 1, 0, 0)}},    /* windows */
        {2, {map_of(-1, 1, 2, 0, 0, 0), map_of(0, 2, 1, 0, 0, 0)}},   /* steps and holes */
        {2, {map_of(2, 1, -1, 0, 0, 0), map_of(3, 1, -1, -1, 0, 0)}}, /* backwards */
        {2, {map_of(0, 1, 0, 0, 0, 0), map_of(0, 1, 0, 0, 0, 0)}},    /* one element everywhere */
        {2, {map_of(0, 1, 1, 2, 0, 0), map_of(1, 1, 2, 1, 0, 0)}},    /* both indices in both axes */
        {2, {map_of(0, 3, 1, 2, 0, 0), map_of(1, 1, 1, 0, 0, 0)}},
    };
    for (size_t i = 0; i < sizeof access / sizeof access[0]; i++) {
        Bench b = bench_new();
        Node *x = bench_input(&b, shape_of(2, 3, 4, 0, 0), -1, 1);
        Node *y = graph_view(b.g, x, shape_of(2, 3, 2, 0, 0), &access[i]);
        check_derivatives(&b, text_format(b.arena, "view %zu", i), graph_unary(b.g, OP_SIN, y));
        arena_free(b.arena);
    }
}

/* Sums over indices that no result axis fixes, so that guards are needed. */
Test(grad, contractions_of_every_kind) {
    Contraction c[] = {
        {.reduced = 2, .extent = {3, 2}, .access = {{1, {map_of(0, 1, 0, 2, 1, 0)}}, {1, {map_of(0, 1, 0, 0, 1, 0)}}}},
        {.reduced = 2, .extent = {2, 2}, .access = {{1, {map_of(0, 1, 1, 2, 1, 0)}}, {1, {map_of(0, 1, 1, 0, 1, 0)}}}},
        {.reduced = 2, .extent = {3, 3}, .access = {{1, {map_of(0, 2, 0, 1, 1, 0)}}, {1, {map_of(1, 1, 0, 1, -1, 0)}}}},
        {.reduced = 1, .extent = {5}, .access = {{1, {map_of(0, 1, 1, 1, 0, 0)}}, {1, {map_of(4, 1, 0, -1, 0, 0)}}}},
        {.reduced = 2, .extent = {4, 4}, .access = {{1, {map_of(-2, 1, 1, 1, 1, 0)}}, {1, {map_of(0, 3, 0, 1, 2, 0)}}}},
    };
    for (size_t i = 0; i < sizeof c / sizeof c[0]; i++) {
        for (int sources = 1; sources <= 2; sources++) {
            Bench b = bench_new();
            Node *x[] = {bench_input(&b, shape_of(1, 6, 0, 0, 0), -1, 1),
                         bench_input(&b, shape_of(1, 5, 0, 0, 0), -1, 1)};
            Node *y = graph_contract(b.g, OP_CONTRACT, x, sources, shape_of(1, 3, 0, 0, 0), &c[i]);
            check_derivatives(&b, text_format(b.arena, "contraction %zu of %d", i, sources),
                              graph_unary(b.g, OP_SIN, y));
            arena_free(b.arena);
        }
    }
}

Test(grad, reductions) {
    for (uint32_t axes = 1; axes < 8; axes++) {
        for (int op = OP_CONTRACT; op <= OP_REDUCE_MIN; op++) {
            Bench b = bench_new();
            Node *x = bench_input(&b, shape_of(3, 3, 2, 4, 0), -1, 1);
            Node *y = graph_reduce(b.g, (Op)op, x, axes, false);
            check_derivatives(&b, op_text((Op)op), graph_unary(b.g, OP_EXP, y));
            arena_free(b.arena);
        }
    }
}

/* Overlapping, strided and padded windows, and windows side by side with something left over at the ends. */
Test(grad, max_pool) {
    for (int64_t stride = 1; stride <= 3; stride++)
        for (int64_t taps = 1; taps <= 3; taps++)
            for (int64_t offset = -1; offset <= 1; offset++) {
                Bench b = bench_new();
                Node *x = bench_input(&b, shape_of(2, 2, 11, 0, 0), -1, 1);
                Contraction c = {
                    .reduced = 1,
                    .extent = {taps},
                    .access = {{2, {map_of(0, 1, 1, 0, 0, 0), map_of(offset, 1, 0, (int32_t)stride, 1, 0)}}}};
                Node *y = graph_contract(b.g, OP_REDUCE_MAX, &x, 1, shape_of(2, 2, 8 / stride, 0, 0), &c);
                if (offset >= 0 || taps > 1) check_derivatives(&b, "max_pool", graph_unary(b.g, OP_EXP, y));
                arena_free(b.arena);
            }
}

Test(grad, gather_and_scatter_add) {
    Bench b = bench_new();
    Node *table = bench_input(&b, shape_of(2, 5, 3, 0, 0), -1, 1);
    Node *index = bench_indices(&b, shape_of(2, 2, 4, 0, 0), 5);
    Node *rows = graph_gather(b.g, table, index, 0);
    check_derivatives(&b, "gather", graph_unary(b.g, OP_EXP, rows));
    b.inputs = 2;
    check_derivatives(&b, "scatter",
                      graph_unary(b.g, OP_SIN, graph_scatter_add(b.g, rows, index, table->shape, 0, false)));
    b.inputs = 0;
    table = bench_input(&b, shape_of(3, 2, 5, 3, 0), -1, 1);
    index = bench_indices(&b, shape_of(2, 2, 4, 0, 0), 5);
    check_derivatives(&b, "shared gather", graph_unary(b.g, OP_EXP, graph_gather(b.g, table, index, 1)));
    arena_free(b.arena);
}

/* ---- convolutions -------------------------------------------------------------------------- */
typedef struct Conv {
    int64_t in, out, size, taps, stride, dilation, pad;
} Conv;

static int64_t conv_result(const Conv *c) {
    return (c->size + 2 * c->pad - c->dilation * (c->taps - 1) - 1) / c->stride + 1;
}

/* y[o, i] = sum(f[o, a, u] * padded x[a, stride * i + dilation * u]), as lowering writes it */
static Node *conv_node(Bench *b, const Conv *c, Node *x, Node *f) {
    Graph *g = b->g;
    Shape full = shape_of(4, c->out, conv_result(c), c->in, c->taps);
    int64_t before[] = {0, c->pad}, after[] = {0, c->pad};
    Node *padded = graph_pad(g, x, before, after);
    Access of_x = {2, {map_of(0, 1, 0, 0, 1, 0), map_of(0, 1, 0, (int32_t)c->stride, 0, (int32_t)c->dilation)}};
    Node *product = graph_binary(g, OP_MUL, graph_expand(g, f, full, (int[]){0, 2, 3}),
                                 graph_view(g, padded, full, &of_x));
    return graph_reduce(g, OP_CONTRACT, product, 12, false);
}

static void conv_loops(const Conv *c, const double *x, const double *f, const double *g, double *y, double *dx,
                       double *df) {
    int64_t width = conv_result(c);
    for (int64_t o = 0; o < c->out; o++)
        for (int64_t i = 0; i < width; i++)
            for (int64_t a = 0; a < c->in; a++)
                for (int64_t u = 0; u < c->taps; u++) {
                    int64_t p = c->stride * i + c->dilation * u - c->pad;
                    if (p < 0 || p >= c->size) continue;
                    y[o * width + i] += f[(o * c->in + a) * c->taps + u] * x[a * c->size + p];
                    dx[a * c->size + p] += f[(o * c->in + a) * c->taps + u] * g[o * width + i];
                    df[(o * c->in + a) * c->taps + u] += x[a * c->size + p] * g[o * width + i];
                }
}

static void check_conv(const Conv *c) {
    Bench b = bench_new();
    int64_t width = conv_result(c);
    Node *x = bench_input(&b, shape_of(2, c->in, c->size, 0, 0), -1, 1);
    Node *f = bench_input(&b, shape_of(3, c->out, c->in, c->taps, 0), -1, 1);
    Node *y = conv_node(&b, c, x, f), *scalar = bench_weigh(&b, y);
    double *values = arena_array(b.arena, double, c->out *width + c->in * c->size + c->out * c->in * c->taps + 3);
    double *dx = values + c->out * width, *df = dx + c->in * c->size;
    conv_loops(c, b.value[0], b.value[1], b.value[2], values, dx, df);
    const char *what = text_format(b.arena, "conv size %ld taps %ld stride %ld dilation %ld pad %ld", (long)c->size,
                                   (long)c->taps, (long)c->stride, (long)c->dilation, (long)c->pad);
    compare(what, bench_values(&b, y), values, c->out * width, 1e-13);
    compare(what, bench_gradient(&b, scalar, 0), dx, c->in * c->size, 1e-13);
    compare(what, bench_gradient(&b, scalar, 1), df, c->out * c->in * c->taps, 1e-13);
    arena_free(b.arena);
}

Test(grad, convolutions) {
    for (int64_t taps = 1; taps <= 4; taps++)
        for (int64_t stride = 1; stride <= 3; stride++)
            for (int64_t dilation = 1; dilation <= 2; dilation++)
                for (int64_t pad = 0; pad <= 2; pad++)
                    for (int64_t size = 7; size <= 9; size++) {
                        Conv c = {2, 3, size, taps, stride, dilation, pad};
                        if (size + 2 * pad > dilation * (taps - 1)) check_conv(&c);
                    }
}

/* Both gradients of a padded, strided convolution stay single contractions of two sources that read in place.
 */
Test(grad, convolution_gradients_are_contractions) {
    Bench b = bench_new();
    Conv c = {2, 3, 9, 3, 2, 1, 1};
    Node *x = bench_input(&b, shape_of(2, c.in, c.size, 0, 0), -1, 1);
    Node *f = bench_input(&b, shape_of(3, c.out, c.in, c.taps, 0), -1, 1);
    Node *y = conv_node(&b, &c, x, f);
    Node *wanted[] = {x, f}, *roots[3] = {y};
    Node *seed = bench_input(&b, y->shape, -1, 1);
    cr_assert(graph_gradients(b.g, y, seed, wanted, 2, roots + 1));
    graph_to_line(b.g, roots, 3);
    for (int r = 0; r < 3; r++) {
        cr_assert_eq(roots[r]->op, OP_CONTRACT);
        cr_assert_eq(roots[r]->sources, 2);
        for (int s = 0; s < 2; s++) cr_assert_eq(roots[r]->source[s]->op, OP_COLUMN);
    }
    arena_free(b.arena);
}

/* ---- rows ---------------------------------------------------------------------------------- */
/* A value without rows that values with rows read gets one batch sum per use. */
Test(grad, batch_sums) {
    Bench b = bench_new();
    Node *x = bench_input(&b, shape_of(1, 3, 0, 0, 0), -1, 1);
    Node *w = graph_leaf(b.g, OP_CELL, DTYPE_F64, x->shape, 0);
    Node *y = sum_all(b.g, graph_binary(b.g, OP_MUL, w, x));
    graph_batch(b.g, &y, 1, 1);
    cr_assert_eq(y->rows, 1);
    Node *gradient = NULL;
    cr_assert(graph_gradients(b.g, y, NULL, &w, 1, &gradient));
    cr_assert_eq(gradient->rows, 0);
    cr_assert_eq(gradient->op, OP_CONTRACT);
    cr_assert(gradient->attr.contraction->over_rows);
    arena_free(b.arena);
}

/* An embedding's gradient is a scatter-add over the batch. */
Test(grad, embedding) {
    Bench b = bench_new();
    Node *index = bench_indices(&b, (Shape){0}, 5);
    Node *x = bench_input(&b, shape_of(1, 3, 0, 0, 0), -1, 1);
    Node *table = graph_leaf(b.g, OP_CELL, DTYPE_F64, shape_of(2, 5, 3, 0, 0), 0);
    Node *y = sum_all(b.g, graph_binary(b.g, OP_MUL, graph_gather(b.g, table, index, 0), x));
    graph_batch(b.g, &y, 1, 1);
    Node *gradient = NULL;
    cr_assert(graph_gradients(b.g, y, NULL, &table, 1, &gradient));
    graph_to_line(b.g, &gradient, 1);
    cr_assert_eq(gradient->op, OP_SCATTER_ADD);
    cr_assert(gradient->attr.over_rows);
    arena_free(b.arena);
}
