/* The interpreter against the order law, written out term by term for one output (docs/numerics.md, rules 1
 * to 3 and 9), over random contractions; and what a function of a run does to state, sums and outputs. */
#include "ir/interp.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "ir/affine.h"
#include "ir/executor.h"
#include "math_functions.h"

enum { ROWS = 37, MOST = 20000 };

static uint64_t next(uint64_t *state) {
    *state += 0x9e3779b97f4a7c15ull;
    return math_mix_u64(*state);
}

static int below(uint64_t *state, int n) { return (int)(next(state) % (uint64_t)n); }

/* ---- the law, slowly --------------------------------------------------------------------- */

typedef struct Data {
    const double *value;
    bool rows;
} Data; /* of a source: exact in the type at hand */

static double rounded(DType t, double x) { return t == DTYPE_F32 ? (double)(float)x : x; }

static double joined(const Node *node, double a, double b) {
    if (node->op == OP_CONTRACT) return node->dtype == DTYPE_F32 ? (double)((float)a + (float)b) : a + b;
    return node->op == OP_REDUCE_MAX ? (a >= b || a != a ? a : b) : (a <= b || a != a ? a : b);
}

static bool read_source(const Node *node, int s, const Data *data, int64_t row, const int64_t *index, double *value) {
    const Access *access = &node->attr.contraction->access[s];
    Shape shape = node->source[s]->shape;
    int64_t place = 0;
    for (int a = 0; a < access->rank; a++) {
        const AxisMap *map = &access->axis[a];
        int64_t n = map->offset;
        for (int k = 0; k < MOST_AXES; k++) n += map->coef[k] * index[k];
        if (n < 0 || n % map->divisor || n / map->divisor >= shape.extent[a]) return false;
        place = place * shape.extent[a] + n / map->divisor;
    }
    *value = data[s].value[(data[s].rows ? row * shape_size(shape) : 0) + place];
    return true;
}

static void add_term(const Node *node, const Data *data, int64_t row, const int64_t *index, double *sum) {
    double x, y = 1;
    if (!read_source(node, 0, data, row, index, &x) ||
        (node->sources == 2 && !read_source(node, 1, data, row, index, &y)))
        return;
    if (node->sources == 2)
        *sum = node->dtype == DTYPE_F32 ? (double)fmaf((float)x, (float)y, (float)*sum) : fma(x, y, *sum);
    else
        *sum = joined(node, *sum, x);
}

static double close_lanes(const Node *node, double *lane, int lanes) {
    for (int apart = lanes / 2; apart > 0; apart /= 2)
        for (int l = 0; l < apart; l++) lane[l] = joined(node, lane[l], lane[l + apart]);
    return lane[0];
}

/* One output; index holds its result indices. */
static double law(const Node *node, const Data *data, int64_t row, int64_t rows, int64_t *index) {
    const Contraction *c = node->attr.contraction;
    double start = node->op == OP_CONTRACT ? -0.0 : node->op == OP_REDUCE_MAX ? -INFINITY : INFINITY;
    double total = start, lane[16];
    int64_t terms = 1, places = c->over_rows ? rows : 1;
    for (int k = 0; k < c->reduced; k++) terms *= c->extent[k];
    if (terms * places == 0) return node->op == OP_CONTRACT ? 0 : start;
    for (int l = 0; l < 16; l++) lane[l] = start;
    for (int64_t i = 0; i < places * terms; i++) {
        int64_t p = i / terms, k = i % terms, rest = k;
        for (int a = c->reduced - 1; a >= 0; a--) {
            index[node->shape.rank + a] = rest % c->extent[a];
            rest /= c->extent[a];
        }
        int64_t in_chunk = c->over_rows ? (c->chunk ? p % c->chunk : p) : (c->chunk ? k % c->chunk : k);
        add_term(node, data, c->over_rows ? p : row, index, &lane[c->lanes == 16 ? in_chunk % 16 : 0]);
        bool last_of_unit = c->over_rows ? k == terms - 1 : true;
        int64_t unit = c->over_rows ? p : k, units = c->over_rows ? places : terms;
        if (last_of_unit && (unit == units - 1 || (c->chunk && (unit + 1) % c->chunk == 0))) {
            total = joined(node, total, close_lanes(node, lane, c->lanes));
            for (int l = 0; l < 16; l++) lane[l] = start;
        }
    }
    return rounded(node->dtype, total);
}

/* ---- random contractions ----------------------------------------------------------------- */

typedef struct Case {
    Arena *arena;
    Graph *graph;
    uint64_t random;
    Node *node;
    double *value[2];
    void *stored[2];
    sgdrt_column column[2];
} Case;

static int64_t extent_of(Case *c, bool long_ones) {
    const int64_t some[] = {1, 2, 3, 5, 7, 9, 17};
    return long_ones && below(&c->random, 4) == 0 ? 300 : some[below(&c->random, 7)];
}

/* A map from one or two of `axes` indices to a place. */
static AxisMap random_map(Case *c, int axes) {
    AxisMap map = {.divisor = 1};
    map.coef[below(&c->random, axes)] = 1;
    switch (below(&c->random, 6)) {
    case 0: map.offset = below(&c->random, 5) - 2; break;
    case 1:
        map.coef[below(&c->random, axes)] = 2;
        map.offset = -1;
        break;
    case 2:
        map.coef[below(&c->random, axes)] = -1;
        map.offset = 2;
        break;
    case 3:
        map.divisor = 2;
        map.offset = below(&c->random, 3) - 1;
        break;
    default: break;
    }
    return map;
}

static Node *random_source(Case *c, int s, DType t, int axes, const int64_t *extent, bool rows, Access *access) {
    Shape shape = {.rank = 1 + below(&c->random, 3)};
    access->rank = shape.rank;
    for (int a = 0; a < shape.rank; a++) shape.extent[a] = 1;
    for (int a = 0; a < shape.rank; a++) {
        access->axis[a] = random_map(c, axes);
        int64_t least, most;
        axis_map_range(&access->axis[a], extent, axes, &least, &most);
        shape.extent[a] = most / access->axis[a].divisor + 1 - below(&c->random, 2);
        if (shape.extent[a] < 1 || shape_size(shape) > MOST) shape.extent[a] = 1;
    }
    int64_t size = shape_size(shape), all = size * ROWS;
    c->value[s] = arena_array(c->arena, double, all);
    c->stored[s] = arena_array(c->arena, double, all);
    for (int64_t i = 0; i < all; i++) {
        double x = ldexp((double)(int64_t)next(&c->random), -63 + below(&c->random, 8));
        c->value[s][i] = rounded(t, below(&c->random, 20) == 0 ? -0.0 : x);
        if (t == DTYPE_F32)
            ((float *)c->stored[s])[i] = (float)c->value[s][i];
        else
            ((double *)c->stored[s])[i] = c->value[s][i];
    }
    c->column[s] = (sgdrt_column){c->stored[s], rows ? size * (int64_t)dtype_bytes(t) : 0};
    return graph_leaf(c->graph, OP_COLUMN, t, shape, s);
}

static void random_case(Case *c) {
    DType t = below(&c->random, 2) ? DTYPE_F32 : DTYPE_F64;
    Op op = below(&c->random, 4) ? OP_CONTRACT : below(&c->random, 2) ? OP_REDUCE_MAX : OP_REDUCE_MIN;
    int sources = op == OP_CONTRACT ? 1 + below(&c->random, 2) : 1;
    bool with_rows[2] = {below(&c->random, 2), below(&c->random, 2)};
    Shape shape = {.rank = below(&c->random, 4)};
    Contraction k = {.reduced = below(&c->random, 4), .over_rows = below(&c->random, 2)};
    int64_t extent[MOST_AXES] = {0}, size = 1;
    int axes = shape.rank + k.reduced;
    if (axes == 0) axes = shape.rank = 1;
    for (int a = 0; a < axes; a++) {
        extent[a] = extent_of(c, size < 10);
        if (size * extent[a] > 2000) extent[a] = 1;
        size *= extent[a];
        *(a < shape.rank ? &shape.extent[a] : &k.extent[a - shape.rank]) = extent[a];
    }
    Node *source[2];
    for (int s = 0; s < sources; s++) {
        source[s] = random_source(c, s, t, axes, extent, with_rows[s], &k.access[s]);
        if (with_rows[s])
            source[s] = graph_leaf_with_rows(c->graph, source[s], 1);
        else /* a value that is the same for all rows */
            source[s] = graph_leaf(c->graph, OP_CELL, t, source[s]->shape, s);
    }
    k.lanes = below(&c->random, 2) ? 16 : 1;
    k.chunk = below(&c->random, 2) ? (k.lanes == 16 ? 16 : 1) * (1 + below(&c->random, 3)) : 0;
    c->node = graph_contract(c->graph, op, source, sources, shape, &k);
}

static double element(const Node *node, const void *values, int64_t i) {
    return node->dtype == DTYPE_F32 ? (double)((const float *)values)[i] : ((const double *)values)[i];
}

static void check_case(Case *c) {
    Node *node = c->node;
    if (node->op != OP_CONTRACT && node->op != OP_REDUCE_MAX && node->op != OP_REDUCE_MIN)
        return; /* folded to something simpler */
    int64_t size = shape_size(node->shape), rows = node->rows ? ROWS : 1;
    Cell cells[2] = {{0}};
    char *state = arena_alloc(c->arena, 2 * MOST * sizeof(double) + 64);
    Data data[2] = {{0}};
    for (int s = 0; s < node->sources; s++) {
        size_t bytes = (size_t)shape_size(node->source[s]->shape) * dtype_bytes(node->dtype);
        cells[s].offset = 64 + (size_t)s * MOST * sizeof(double);
        cr_assert(bytes <= MOST * sizeof(double));
        memcpy(state + cells[s].offset, c->stored[s], bytes);
        data[s] = (Data){c->value[s], node->source[s]->rows != 0};
    }
    void *out = arena_alloc(c->arena, (size_t)(size * rows) * sizeof(double));
    Root root = {node->rows ? ROOT_ROWS : ROOT_VALUE, 0, node, "out"};
    Run run = {.cells = cells, .cell_count = 2, .evaluate = {"evaluate", &root, 1, false}};
    Executor *executor = interpreter_new(c->arena, &run);
    sgdrt_call call = {.state = state, .columns = c->column, .count = ROWS, .batch = ROWS, .outputs = &out};
    executor->call(executor, ENTRY_EVALUATE, 0, &call);
    executor->free(executor);
    for (int64_t i = 0; i < rows * size; i++) {
        int64_t index[MOST_AXES] = {0}, rest = i % size;
        for (int a = node->shape.rank - 1; a >= 0; a--) {
            index[a] = rest % node->shape.extent[a];
            rest /= node->shape.extent[a];
        }
        double want = law(node, data, i / size, ROWS, index), got = element(node, out, i);
        cr_assert(got == want && signbit(got) == signbit(want), "%s, lanes %d, chunk %lld, output %lld: %a, not %a",
                  op_text(node->op), node->attr.contraction->lanes, (long long)node->attr.contraction->chunk,
                  (long long)i, got, want);
    }
}

Test(interp, reductions_obey_the_law) {
    for (uint64_t seed = 0; seed < 1500; seed++) {
        Case c = {.arena = arena_new(), .random = seed << 20};
        c.graph = graph_new(c.arena, NULL);
        random_case(&c);
        check_case(&c);
        arena_free(c.arena);
    }
}

Test(interp, long_sums_in_chunks) {
    Case c = {.arena = arena_new(), .random = 5};
    c.graph = graph_new(c.arena, NULL);
    Shape shape = {1, {20000}};
    Contraction k = {.reduced = 1, .extent = {20000}, .lanes = 16, .chunk = 4096};
    k.access[0] = (Access){1, {axis_map_index(0)}};
    c.value[0] = arena_array(c.arena, double, 20000);
    c.stored[0] = arena_array(c.arena, float, 20000);
    for (int i = 0; i < 20000; i++)
        c.value[0][i] = ((float *)c.stored[0])[i] = (float)(int64_t)next(&c.random) * 0x1p-60f;
    Node *cell = graph_leaf(c.graph, OP_CELL, DTYPE_F32, shape, 0);
    c.node = graph_contract(c.graph, OP_CONTRACT, &cell, 1, (Shape){0}, &k);
    check_case(&c);
    arena_free(c.arena);
}

/* ---- functions --------------------------------------------------------------------------- */

/* Two cells change places, a third counts rows; the loss is the mean of what the columns hold. */
Test(interp, updates_take_effect_after_the_step) {
    Arena *arena = arena_new();
    Graph *g = graph_new(arena, NULL);
    Node *cell[3], *x = graph_leaf_with_rows(g, graph_leaf(g, OP_COLUMN, DTYPE_F32, (Shape){0}, 0), 1);
    Cell cells[3] = {{.offset = 64}, {.offset = 128}, {.offset = 192}};
    for (int i = 0; i < 3; i++) cell[i] = graph_leaf(g, OP_CELL, DTYPE_F32, (Shape){0}, i);
    Node *sum = graph_reduce(g, OP_CONTRACT, x, 0, true);
    Node *mean = graph_binary(g, OP_MUL, sum, graph_rows_reciprocal(g, DTYPE_F32));
    Node *counted = graph_binary(g, OP_ADD, cell[2], mean);
    graph_order(g, &sum, 1);
    graph_order(g, &counted, 1);
    Root roots[] = {{ROOT_SUM, 0, sum, "loss"},
                    {ROOT_UPDATE, 0, cell[1], "a"},
                    {ROOT_UPDATE, 1, cell[0], "b"},
                    {ROOT_UPDATE, 2, counted, "c"}};
    Run run = {.cells = cells, .cell_count = 3, .step = {"step", roots, 4, true}};
    Executor *executor = interpreter_new(arena, &run);
    _Alignas(64) char state[256] = {0};
    float values[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    uint32_t rows[] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    double sums[1] = {100};
    sgdrt_column column = {values, sizeof(float)};
    *(float *)(void *)(state + 64) = 1;
    *(float *)(void *)(state + 128) = 2;
    sgdrt_call call = {.state = state, .columns = &column, .rows = rows, .count = 10, .batch = 4, .sums = sums};
    cr_expect_eq(executor->call(executor, ENTRY_STEP, 0, &call), 3);
    cr_expect_eq(*(float *)(void *)(state + 64), 2);
    cr_expect_eq(*(float *)(void *)(state + 128), 1);
    cr_expect_eq(*(float *)(void *)(state + 192), 8.5f + 4.5f + 1.5f);
    cr_expect_eq(sums[0], 155);
    cr_expect_eq(((sgdrt_header *)(void *)state)->step, 3);
    executor->free(executor);
    arena_free(arena);
}

/* A host linked with -ffast-math flushes denormals; what it trains must not notice. */
Test(interp, keeps_denormals_of_a_host_that_flushes_them) {
    Arena *arena = arena_new();
    Graph *g = graph_new(arena, NULL);
    Node *x = graph_leaf(g, OP_COLUMN, DTYPE_F32, (Shape){0}, 0);
    float value = 0x1p-100f, out = 0;
    sgdrt_column column = {&value, sizeof value};
    Node *small = graph_binary(g, OP_MUL, x, graph_const(g, DTYPE_F32, (Shape){0}, 0x1p-40));
#if defined(__x86_64__)
    unsigned before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before | 0x8040);
    interpret_rows(small, &column, NULL, 0, 1, &out);
    unsigned after = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before);
    cr_expect_eq(after & 0x8040, 0x8040);
#else
    interpret_rows(small, &column, NULL, 0, 1, &out);
#endif
    cr_expect_eq(out, 0x1p-140f);
    arena_free(arena);
}

Test(interp, rows_of_a_graph_and_their_draws) {
    Arena *arena = arena_new();
    Graph *g = graph_new(arena, NULL);
    Shape two = {1, {2}};
    Node *x = graph_leaf(g, OP_COLUMN, DTYPE_F32, two, 0);
    Node *draw = graph_random(g, DTYPE_F32, two, (Random){RANDOM_DATA, 77, 5});
    float values[1000][2], out[600][2], again[600][2];
    uint32_t rows[600];
    for (int r = 0; r < 1000; r++) values[r][0] = (float)r, values[r][1] = -(float)r;
    for (uint32_t r = 0; r < 600; r++) rows[r] = 999 - r;
    sgdrt_column column = {values, sizeof *values};
    interpret_rows(graph_binary(g, OP_ADD, x, draw), &column, rows, 0, 600, out);
    interpret_rows(draw, NULL, NULL, 400, 600, again);
    for (int p = 0; p < 600; p++)
        for (int i = 0; i < 2; i++) cr_assert_eq(out[p][i], values[999 - p][i] + again[599 - p][i]);
    Node *constant = graph_const(g, DTYPE_F32, two, 4);
    interpret_rows(constant, NULL, NULL, 0, 600, out);
    cr_expect_eq(out[599][1], 4);
    arena_free(arena);
}
