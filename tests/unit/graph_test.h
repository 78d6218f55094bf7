/* For tests of graphs: inputs are columns of one row, values are what the interpreter says of them. */
#ifndef GRAPH_TEST_H
#define GRAPH_TEST_H
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "ir/affine.h"
#include "ir/graph.h"
#include "ir/interp.h"

enum { MOST_INPUTS = 8 };

typedef struct Bench {
    Arena *arena;
    Graph *g;
    int inputs;
    Node *input[MOST_INPUTS];
    double *value[MOST_INPUTS]; /* f64 inputs; i32 ones as int32_t */
    sgdrt_column column[MOST_INPUTS];
    uint64_t random;
} Bench;

static inline Bench bench_new(void) {
    Bench b = {.arena = arena_new(), .random = 1};
    b.g = graph_new(b.arena, diagnostics_new(b.arena, source_map_new(b.arena)));
    return b;
}

static inline Shape shape_of(int rank, int64_t a, int64_t b, int64_t c, int64_t d) {
    return (Shape){rank, {a, b, c, d}};
}

/* Uniform in low .. high. */
static inline double bench_random(Bench *b, double low, double high) {
    b->random = b->random * 6364136223846793005u + 1442695040888963407u;
    return low + (high - low) * (double)(b->random >> 11) / 9007199254740992.0;
}

static inline Node *bench_input(Bench *b, Shape shape, double low, double high) {
    int64_t size = shape_size(shape);
    int at = b->inputs++;
    b->value[at] = arena_array(b->arena, double, size + 1);
    for (int64_t i = 0; i < size; i++) b->value[at][i] = bench_random(b, low, high);
    b->column[at] = (sgdrt_column){b->value[at], size * 8};
    return b->input[at] = graph_leaf(b->g, OP_COLUMN, DTYPE_F64, shape, at);
}

/* Indices in 0 .. bound-1. */
static inline Node *bench_indices(Bench *b, Shape shape, int64_t bound) {
    int64_t size = shape_size(shape);
    int at = b->inputs++;
    int32_t *value = arena_array(b->arena, int32_t, size + 1);
    for (int64_t i = 0; i < size; i++) value[i] = (int32_t)bench_random(b, 0, (double)bound);
    b->value[at] = NULL;
    b->column[at] = (sgdrt_column){value, size * 4};
    return b->input[at] = graph_leaf(b->g, OP_COLUMN, DTYPE_I32, shape, at);
}

/* The elements of `node` for the inputs as they are. */
static inline double *bench_values(Bench *b, Node *node) {
    double *out = arena_array(b->arena, double, shape_size(node->shape) + 1);
    interpret_rows(node, b->column, NULL, 0, 1, out);
    return out;
}

static inline Node *sum_all(Graph *g, Node *x) {
    return graph_reduce(g, OP_CONTRACT, x, (1u << x->shape.rank) - 1, false);
}

/* A scalar that weighs every element of y by an input of its own. */
static inline Node *bench_weigh(Bench *b, Node *y) {
    Node *weight = bench_input(b, y->shape, 0.5, 1.5);
    return sum_all(b->g, graph_binary(b->g, OP_MUL, weight, y));
}

/* Central differences of the scalar y by every element of input `at`. */
static inline double *bench_differences(Bench *b, Node *y, int at) {
    int64_t size = shape_size(b->input[at]->shape);
    double *slope = arena_array(b->arena, double, size + 1);
    for (int64_t i = 0; i < size; i++) {
        double x = b->value[at][i], step = 1e-6 * (fabs(x) > 1 ? fabs(x) : 1);
        b->value[at][i] = x + step;
        double above = bench_values(b, y)[0];
        b->value[at][i] = x - step;
        double below = bench_values(b, y)[0];
        b->value[at][i] = x;
        slope[i] = (above - below) / (2 * step);
    }
    return slope;
}

/* The gradient of the scalar y by input `at`, zeros where absent. */
static inline double *bench_gradient(Bench *b, Node *y, int at) {
    Node *gradient = NULL;
    cr_assert(graph_gradients(b->g, y, NULL, &b->input[at], 1, &gradient));
    return gradient ? bench_values(b, gradient) : arena_array(b->arena, double, shape_size(b->input[at]->shape) + 1);
}
#endif
