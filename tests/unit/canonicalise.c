/* What canonicalise and order make of a graph, case by case as docs/numerics.md says. */
#include "graph_test.h"

static const Shape scalar = {0};

static Node *canonical(Bench *b, Node *n) {
    graph_canonicalise(b->g, &n, 1);
    return n;
}

static Node *ordered(Bench *b, Node *n) {
    graph_canonicalise(b->g, &n, 1);
    graph_order(b->g, &n, 1);
    return n;
}

static Node *fused(Bench *b, Node *x, Node *y, Node *z) {
    Node *source[] = {x, y, z};
    return graph_node(b->g, OP_FMA, x->dtype, x->shape, source, 3, (Attr){0});
}

Test(canonicalise, products_join_sums) {
    Bench b = bench_new();
    Graph *g = b.g;
    Node *x[5];
    for (int i = 0; i < 5; i++) x[i] = bench_input(&b, scalar, 0, 1);
    Node *ab = graph_binary(g, OP_MUL, x[0], x[1]), *cd = graph_binary(g, OP_MUL, x[2], x[3]), *e = x[4];
    Node *minus_e = graph_unary(g, OP_NEG, e), *minus_a = graph_unary(g, OP_NEG, x[0]);
    Node *minus_ab = graph_unary(g, OP_NEG, ab);
    cr_assert_eq(canonical(&b, graph_binary(g, OP_ADD, ab, e)), fused(&b, x[0], x[1], e));
    cr_assert_eq(canonical(&b, graph_binary(g, OP_ADD, e, ab)), fused(&b, x[0], x[1], e));
    cr_assert_eq(canonical(&b, graph_binary(g, OP_ADD, ab, cd)), fused(&b, x[0], x[1], cd));
    cr_assert_eq(canonical(&b, graph_binary(g, OP_SUB, ab, e)), fused(&b, x[0], x[1], minus_e));
    cr_assert_eq(canonical(&b, graph_binary(g, OP_SUB, e, ab)), fused(&b, minus_a, x[1], e));
    cr_assert_eq(canonical(&b, graph_binary(g, OP_SUB, ab, cd)), fused(&b, x[0], x[1], graph_unary(g, OP_NEG, cd)));
    cr_assert_eq(canonical(&b, graph_binary(g, OP_ADD, e, minus_ab)), graph_binary(g, OP_ADD, e, minus_ab));
    cr_assert_eq(canonical(&b, graph_binary(g, OP_ADD, graph_powi(g, e, 2), ab)), fused(&b, e, e, ab));
    arena_free(b.arena);
}

Test(canonicalise, means_join_nothing) {
    Bench b = bench_new();
    Graph *g = b.g;
    Node *x = bench_input(&b, shape_of(1, 3, 0, 0, 0), 0, 1), *y = bench_input(&b, scalar, 0, 1);
    Node *total = sum_all(g, x);
    Node *mean = graph_binary(g, OP_MUL, total, graph_const(g, DTYPE_F64, scalar, 1.0 / 3));
    cr_assert_eq(canonical(&b, graph_binary(g, OP_ADD, mean, y))->op, OP_ADD);
    Node *third = graph_binary(g, OP_MUL, total, graph_const(g, DTYPE_F64, scalar, 0.25));
    cr_assert_eq(canonical(&b, graph_binary(g, OP_ADD, third, y))->op, OP_FMA);
    Node *batch = graph_binary(g, OP_MUL, y, graph_rows_reciprocal(g, DTYPE_F64));
    cr_assert_eq(canonical(&b, graph_binary(g, OP_SUB, y, batch))->op, OP_SUB);
    Node *wide = graph_expand(g, mean, x->shape, NULL);
    Node *sum = canonical(&b, sum_all(g, wide));
    cr_assert_eq(sum->sources, 1, "a sum of means adds rounded means");
    arena_free(b.arena);
}

/* A matrix product, however it is spelt. */
Test(canonicalise, sums_of_products_are_contractions) {
    Bench b = bench_new();
    Graph *g = b.g;
    Node *w = bench_input(&b, shape_of(2, 4, 5, 0, 0), 0, 1), *x = bench_input(&b, shape_of(1, 5, 0, 0, 0), 0, 1);
    Node *wide = graph_expand(g, x, w->shape, (int[]){1});
    Node *direct = canonical(&b, graph_reduce(g, OP_CONTRACT, graph_binary(g, OP_MUL, w, wide), 2, false));
    cr_assert(direct->sources == 2 && direct->source[0] == w && direct->source[1] == x);
    Node *transposed = graph_permute(g, w, (int[]){1, 0});
    Node *tall = graph_expand(g, x, transposed->shape, (int[]){0});
    Node *again = canonical(&b, graph_reduce(g, OP_CONTRACT, graph_binary(g, OP_MUL, transposed, tall), 1, false));
    cr_assert_eq(again, direct);
    Node *three = graph_binary(g, OP_MUL, graph_binary(g, OP_MUL, w, wide), graph_unary(g, OP_EXP, w));
    Node *sum = canonical(&b, graph_reduce(g, OP_CONTRACT, three, 2, false));
    cr_assert(sum->sources == 2 && sum->source[0]->op == OP_MUL, "inner products round");
    arena_free(b.arena);
}

Test(canonicalise, sums_of_sums) {
    Bench b = bench_new();
    Graph *g = b.g;
    Node *x = bench_input(&b, shape_of(3, 2, 3, 4, 0), 0, 1);
    Node *twice = canonical(&b, graph_reduce(g, OP_CONTRACT, graph_reduce(g, OP_CONTRACT, x, 4, false), 1, false));
    cr_assert_eq(twice->source[0], x);
    cr_assert_eq(twice->attr.contraction->reduced, 2);
    Node *inner = graph_reduce(g, OP_CONTRACT, x, 6, false);
    Node *wide = graph_expand(g, inner, shape_of(2, 5, 2, 0, 0), (int[]){1});
    Node *repeated = canonical(&b, sum_all(g, wide));
    cr_assert_eq(repeated->source[0]->op, OP_CONTRACT, "read five times: stays a sum of its own");
    Node *batch = graph_reduce(g, OP_CONTRACT, inner, 0, true);
    graph_batch(g, &batch, 1, 1);
    Node *over_rows = canonical(&b, batch);
    cr_assert(over_rows->attr.contraction->over_rows && over_rows->attr.contraction->reduced == 2);
    arena_free(b.arena);
}

/* What a layer hands back to a bias below it: the values are there, and are not made again. */
Test(canonicalise, sums_of_products_by_a_matrix) {
    Bench b = bench_new();
    Graph *g = b.g;
    Node *x = bench_input(&b, shape_of(2, 6, 3, 0, 0), 0, 1), *w = bench_input(&b, shape_of(2, 3, 4, 0, 0), 0, 1);
    Shape all = shape_of(3, 6, 3, 4, 0);
    Node *wide = graph_expand(g, x, all, (int[]){0, 1}), *matrix = graph_expand(g, w, all, (int[]){1, 2});
    Node *product = graph_binary(g, OP_MUL, wide, matrix);
    Node *inner = graph_reduce(g, OP_CONTRACT, product, 2, false),
         *bias = graph_reduce(g, OP_CONTRACT, inner, 1, false);
    Node *sum = canonical(&b, bias);
    cr_assert(sum->sources == 1 && sum->source[0] == canonical(&b, inner), "the product's sum is read");
    Node *two = graph_binary(g, OP_ADD, product, graph_binary(g, OP_MUL, graph_unary(g, OP_NEG, wide), matrix));
    inner = graph_reduce(g, OP_CONTRACT, two, 2, false);
    sum = canonical(&b, graph_reduce(g, OP_CONTRACT, inner, 1, false));
    cr_assert(sum->source[0] == canonical(&b, inner), "so is that of several products");
    product = graph_binary(g, OP_MUL, wide, bench_input(&b, all, 0, 1));
    sum = canonical(&b, graph_reduce(g, OP_CONTRACT, graph_reduce(g, OP_CONTRACT, product, 1, false), 1, false));
    cr_assert(sum->sources == 2 && sum->attr.contraction->reduced == 2, "both differ: one sum");
    arena_free(b.arena);
}

Test(canonicalise, padding_becomes_absent_terms) {
    Bench b = bench_new();
    Graph *g = b.g;
    Node *x = bench_input(&b, shape_of(1, 5, 0, 0, 0), 0, 1);
    int64_t one = 1;
    Node *padded = graph_pad(g, x, &one, &one);
    Node *sum = canonical(&b, sum_all(g, padded));
    cr_assert_eq(sum->source[0], x);
    cr_assert_eq(sum->attr.contraction->extent[0], 7);
    Node *largest = canonical(&b, graph_reduce(g, OP_REDUCE_MAX, padded, 1, false));
    cr_assert_eq(largest->source[0]->op, OP_VIEW, "a padded zero may be the largest");
    Node *part = canonical(&b, graph_reduce(g, OP_REDUCE_MAX, graph_slice(g, x, 0, 1, 3), 1, false));
    cr_assert_eq(part->source[0], x);
    arena_free(b.arena);
}

Test(canonicalise, scatter_add_of_products) {
    Bench b = bench_new();
    Graph *g = b.g;
    Node *x = bench_input(&b, shape_of(1, 3, 0, 0, 0), 0, 1), *y = bench_input(&b, x->shape, 0, 1);
    Node *index = bench_indices(&b, x->shape, 5);
    Node *sum = canonical(
        &b, graph_scatter_add(g, graph_binary(g, OP_MUL, x, y), index, shape_of(1, 5, 0, 0, 0), 0, false));
    cr_assert(sum->sources == 3 && sum->source[0] == x && sum->source[1] == index && sum->source[2] == y);
    arena_free(b.arena);
}

/* ---- order --------------------------------------------------------------------------------- */
Test(order, lanes_and_chunks) {
    Bench b = bench_new();
    Graph *g = b.g;
    Node *few = bench_input(&b, shape_of(2, 7, 10, 0, 0), 0, 1),
         *many = bench_input(&b, shape_of(2, 8, 10, 0, 0), 0, 1);
    cr_assert_eq(ordered(&b, graph_reduce(g, OP_CONTRACT, few, 2, false))->attr.contraction->lanes, 16);
    cr_assert_eq(ordered(&b, graph_reduce(g, OP_CONTRACT, many, 2, false))->attr.contraction->lanes, 1);
    Node *w = graph_leaf(g, OP_CELL, DTYPE_F64, shape_of(1, 5000, 0, 0, 0), 0);
    cr_assert_eq(ordered(&b, sum_all(g, w))->attr.contraction->chunk, 4096);
    Node *x = graph_leaf(g, OP_COLUMN, DTYPE_F64, w->shape, 3);
    Node *per_row = sum_all(g, x), *over_rows = graph_reduce(g, OP_CONTRACT, x, 1, true);
    Node *rows_only = graph_reduce(g, OP_CONTRACT, x, 0, true);
    Node *some = graph_reduce(g, OP_CONTRACT, graph_slice(g, x, 0, 0, 100), 1, true);
    Node *roots[] = {per_row, over_rows, rows_only, some};
    graph_batch(g, roots, 4, 1);
    graph_canonicalise(g, roots, 4);
    graph_order(g, roots, 4);
    int64_t chunk[] = {0, 1, 4096, 40};
    int lanes[] = {16, 16, 1, 16};
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(roots[i]->attr.contraction->chunk, chunk[i]);
        cr_assert_eq(roots[i]->attr.contraction->lanes, lanes[i]);
    }
    arena_free(b.arena);
}

/* y[o, i] = sum(f[o, a, u] * x[a, i + u] for a, u): taps before channels; the data gradient takes them
 * descending. */
Test(order, windows_first_and_upwards) {
    Bench b = bench_new();
    Graph *g = b.g;
    Node *f = bench_input(&b, shape_of(3, 4, 3, 5, 0), 0, 1), *x = bench_input(&b, shape_of(2, 3, 20, 0, 0), 0, 1);
    Shape full = shape_of(4, 4, 16, 3, 5);
    Access of_x = {2, {{.divisor = 1, .coef = {0, 0, 1, 0}}, {.divisor = 1, .coef = {0, 1, 0, 1}}}};
    Node *product = graph_binary(g, OP_MUL, graph_expand(g, f, full, (int[]){0, 2, 3}), graph_view(g, x, full, &of_x));
    Node *y = graph_reduce(g, OP_CONTRACT, product, 12, false);
    Node *forward = ordered(&b, y);
    cr_assert_eq(forward->attr.contraction->extent[0], 5);
    cr_assert_eq(forward->attr.contraction->extent[1], 3);
    Node *seed = bench_input(&b, y->shape, 0, 1), *gradient = NULL;
    cr_assert(graph_gradients(g, y, seed, &x, 1, &gradient));
    Node *data = ordered(&b, gradient);
    const Contraction *c = data->attr.contraction;
    cr_assert_eq(data->source[0], seed);
    cr_assert_eq(c->extent[0], 5);
    cr_assert_eq(c->access[0].axis[1].coef[2], 1, "upwards in the adjoint");
    cr_assert_eq(c->access[1].axis[2].coef[2], -1, "taps descending");
    cr_assert_eq(c->access[1].axis[2].offset, 4);
    arena_free(b.arena);
}

/* The same sum, its axes named in another order or run backwards. */
Test(order, spelling_does_not_matter) {
    Bench b = bench_new();
    Graph *g = b.g;
    Node *x = bench_input(&b, shape_of(2, 3, 4, 0, 0), 0, 1), *y = bench_input(&b, shape_of(2, 4, 3, 0, 0), 0, 1);
    Node *source[] = {x, y};
    Contraction one = {
        .reduced = 2,
        .extent = {3, 4},
        .access = {{2, {axis_map_index(0), axis_map_index(1)}}, {2, {axis_map_index(1), axis_map_index(0)}}}};
    Contraction two = {.reduced = 2,
                       .extent = {4, 3},
                       .access = {{2, {{.offset = 2, .divisor = 1, .coef = {0, -1}}, axis_map_index(0)}},
                                  {2, {axis_map_index(0), {.offset = 2, .divisor = 1, .coef = {0, -1}}}}}};
    Node *first = ordered(&b, graph_contract(g, OP_CONTRACT, source, 2, scalar, &one));
    cr_assert_eq(first, ordered(&b, graph_contract(g, OP_CONTRACT, source, 2, scalar, &two)));
    arena_free(b.arena);
}
