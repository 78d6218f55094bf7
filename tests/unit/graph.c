/* Nodes are made once; constants and exact identities fold; deep graphs do not overflow the stack; printing.
 */
#include "graph_test.h"

static const Shape scalar = {0};

Test(graph, equal_nodes_are_one_node) {
    Bench b = bench_new();
    Node *x = bench_input(&b, shape_of(1, 3, 0, 0, 0), 0, 1), *y = bench_input(&b, x->shape, 0, 1);
    Node *sum = graph_binary(b.g, OP_ADD, x, y);
    cr_assert_eq(sum, graph_binary(b.g, OP_ADD, x, y));
    cr_assert_neq(sum, graph_binary(b.g, OP_ADD, y, x), "operands are never swapped");
    cr_assert_eq(graph_reduce(b.g, OP_CONTRACT, x, 1, false), graph_reduce(b.g, OP_CONTRACT, x, 1, false));
    cr_assert_neq(graph_reduce(b.g, OP_CONTRACT, x, 1, false), graph_reduce(b.g, OP_CONTRACT, x, 1, true));
    cr_assert_neq(graph_const(b.g, DTYPE_F32, scalar, 0.0), graph_const(b.g, DTYPE_F32, scalar, -0.0));
    cr_assert_eq(graph_const(b.g, DTYPE_F32, scalar, NAN), graph_const(b.g, DTYPE_F32, scalar, -NAN));
    cr_assert_neq(graph_const(b.g, DTYPE_F32, scalar, 1), graph_const(b.g, DTYPE_F64, scalar, 1));
    Random random = {.key = RANDOM_STEP, .site = 1}, other = {.key = RANDOM_STEP, .site = 2};
    cr_assert_neq(graph_random(b.g, DTYPE_F32, scalar, random), graph_random(b.g, DTYPE_F32, scalar, other));
    arena_free(b.arena);
}

Test(graph, many_nodes_stay_distinct) {
    Bench b = bench_new();
    enum { COUNT = 20000 };
    Node **first = arena_array(b.arena, Node *, COUNT);
    for (int i = 0; i < COUNT; i++) first[i] = graph_const(b.g, DTYPE_F64, scalar, i);
    uint32_t made = b.g->next_id;
    for (int i = 0; i < COUNT; i++) cr_assert_eq(first[i], graph_const(b.g, DTYPE_F64, scalar, i));
    cr_assert_eq(made, b.g->next_id);
    arena_free(b.arena);
}

static double folded(Node *n) {
    cr_assert_eq(n->op, OP_CONST);
    return n->attr.value;
}

Test(graph, constants_fold_in_their_own_type) {
    Bench b = bench_new();
    Node *third = graph_binary(b.g, OP_DIV, graph_const(b.g, DTYPE_F32, scalar, 1),
                               graph_const(b.g, DTYPE_F32, scalar, 3));
    cr_assert_eq(folded(third), (double)(1.0f / 3.0f));
    Node *large = graph_const(b.g, DTYPE_F32, scalar, 16777216), *one = graph_const(b.g, DTYPE_F32, scalar, 1);
    cr_assert_eq(folded(graph_binary(b.g, OP_ADD, large, one)), 16777216);
    Node *most = graph_const(b.g, DTYPE_I32, scalar, 2147483647), *unit = graph_const(b.g, DTYPE_I32, scalar, 1);
    cr_assert_eq(folded(graph_binary(b.g, OP_ADD, most, unit)), -2147483648.0);
    Node *minus = graph_const(b.g, DTYPE_I32, scalar, -7), *three = graph_const(b.g, DTYPE_I32, scalar, 3);
    cr_assert_eq(folded(graph_binary(b.g, OP_FLOORDIV, minus, three)), -3);
    cr_assert_eq(folded(graph_binary(b.g, OP_MOD, minus, three)), 2);
    Node *nan = graph_const(b.g, DTYPE_F32, scalar, NAN);
    cr_assert(isnan(folded(graph_binary(b.g, OP_MAX, nan, one))) && isnan(folded(graph_binary(b.g, OP_MAX, one, nan))));
    cr_assert_eq(folded(graph_binary(b.g, OP_LT, nan, one)), 0);
    cr_assert_eq(folded(graph_binary(b.g, OP_NE, nan, nan)), 1);
    cr_assert_eq(folded(graph_cast(b.g, graph_const(b.g, DTYPE_F32, scalar, 1e20), DTYPE_I32)), 2147483647);
    cr_assert_eq(folded(graph_cast(b.g, graph_const(b.g, DTYPE_F64, scalar, 0.1), DTYPE_F32)), (double)0.1f);
    cr_assert_eq(folded(graph_powi(b.g, graph_const(b.g, DTYPE_F32, scalar, 3), -2)), (double)(1.0f / 9.0f));
    cr_assert_eq(folded(graph_powi(b.g, graph_const(b.g, DTYPE_F32, scalar, 0), 0)), 1);
    Node *ones = graph_const(b.g, DTYPE_F32, shape_of(2, 3, 4, 0, 0), 1);
    cr_assert_eq(folded(sum_all(b.g, ones)), 12);
    cr_assert_eq(sum_all(b.g, graph_const(b.g, DTYPE_F32, ones->shape, 0.1))->op, OP_CONTRACT, "the order decides");
    arena_free(b.arena);
}

Test(graph, exact_identities_only) {
    Bench b = bench_new();
    Node *x = bench_input(&b, shape_of(1, 3, 0, 0, 0), 0, 1);
    Node *zero = graph_const(b.g, DTYPE_F64, x->shape, 0), *minus_zero = graph_const(b.g, DTYPE_F64, x->shape, -0.0);
    Node *one = graph_const(b.g, DTYPE_F64, x->shape, 1);
    cr_assert_eq(graph_binary(b.g, OP_MUL, x, one), x);
    cr_assert_eq(graph_binary(b.g, OP_MUL, one, x), x);
    cr_assert_eq(graph_binary(b.g, OP_DIV, x, one), x);
    cr_assert_eq(graph_binary(b.g, OP_SUB, x, zero), x);
    cr_assert_eq(graph_binary(b.g, OP_ADD, x, minus_zero), x);
    cr_assert_eq(graph_unary(b.g, OP_NEG, graph_unary(b.g, OP_NEG, x)), x);
    cr_assert_neq(graph_binary(b.g, OP_ADD, x, zero), x, "-0 + 0 is +0");
    cr_assert_eq(graph_binary(b.g, OP_MUL, x, zero)->op, OP_MUL, "inf * 0 is not 0");
    cr_assert_eq(graph_binary(b.g, OP_SUB, zero, x)->op, OP_SUB, "0 - 0 is not -0");
    cr_assert_eq(graph_where(b.g, graph_const(b.g, DTYPE_BOOL, x->shape, 1), x, zero), x);
    cr_assert_eq(graph_powi(b.g, x, 1), x);
    cr_assert_eq(graph_cast(b.g, x, DTYPE_F64), x);
    cr_assert_eq(graph_permute(b.g, x, (int[]){0}), x);
    cr_assert_eq(graph_reshape(b.g, graph_reshape(b.g, x, shape_of(2, 1, 3, 0, 0)), x->shape), x);
    arena_free(b.arena);
}

Test(graph, views_compose_where_no_place_returns) {
    Bench b = bench_new();
    Node *x = bench_input(&b, shape_of(1, 6, 0, 0, 0), 0, 1);
    Node *inner = graph_slice(b.g, graph_slice(b.g, x, 0, 1, 6), 0, 1, 3);
    cr_assert_eq(inner, graph_slice(b.g, x, 0, 2, 4));
    int64_t two = 2;
    Node *padded = graph_pad(b.g, graph_slice(b.g, x, 0, 2, 4), &two, &two);
    cr_assert_eq(padded->source[0]->op, OP_VIEW, "elements cut off must not come back");
    cr_assert_eq(graph_slice(b.g, padded, 0, 2, 4), graph_slice(b.g, x, 0, 2, 4));
    arena_free(b.arena);
}

static Node *keep(Graph *g, Node *old, Node *const *source, void *context) {
    (void)context;
    return graph_again(g, old, source);
}

Test(graph, deep_graphs) {
    Bench b = bench_new();
    Node *x = bench_input(&b, scalar, 0, 1), *y = x;
    for (int i = 0; i < 100000; i++) y = graph_unary(b.g, OP_SIN, y);
    Node *root = y, *gradient = NULL;
    graph_rewrite(b.g, &root, 1, keep, NULL);
    cr_assert_eq(root, y);
    cr_assert(graph_gradients(b.g, y, NULL, &x, 1, &gradient));
    cr_assert_not_null(gradient);
    graph_to_line(b.g, &gradient, 1);
    arena_free(b.arena);
}

Test(graph, post_order_is_left_to_right) {
    Bench b = bench_new();
    Node *x = bench_input(&b, scalar, 0, 1), *y = bench_input(&b, scalar, 0, 1);
    Node *left = graph_unary(b.g, OP_EXP, y), *right = graph_unary(b.g, OP_SIN, x);
    Node *root = graph_binary(b.g, OP_ADD, left, right);
    int count;
    Node **order = graph_post_order(b.arena, &root, 1, &count);
    Node *wanted[] = {y, left, x, right, root};
    cr_assert_eq(count, 5);
    for (int i = 0; i < 5; i++) cr_assert_eq(order[i], wanted[i]);
    arena_free(b.arena);
}

Test(graph, printing) {
    Bench b = bench_new();
    Node *w = graph_leaf(b.g, OP_CELL, DTYPE_F32, shape_of(2, 10, 784, 0, 0), 0);
    Node *x = graph_leaf(b.g, OP_COLUMN, DTYPE_F32, shape_of(1, 784, 0, 0, 0), 0);
    Node *y = sum_all(b.g, x);
    Node *product = graph_binary(b.g, OP_MUL, w, graph_expand(b.g, x, w->shape, (int[]){1}));
    Node *roots[] = {graph_reduce(b.g, OP_CONTRACT, product, 2, false), y};
    const char *names[] = {"z", "total"};
    graph_batch(b.g, roots, 2, 1);
    graph_to_line(b.g, roots, 2);
    Text text = text_new(b.arena);
    graph_print(&text, roots, names, 2);
    cr_assert_str_eq(text.bytes, "%0: f32[10, 784] = cell 0\n"
                                 "%1: f32[784] rows = column 0\n"
                                 "%2: f32[10] rows = contract(%0, %1) [i | q: 784] %0[i, q] %1[q] lanes 1\n"
                                 "%3: f32 rows = contract(%1) [| q: 784] %1[q] lanes 16\n"
                                 "z = %2\ntotal = %3\n");
    arena_free(b.arena);
}
