/* Generated code against the interpreter, bit for bit: random graphs over every op, at every processor level
 * this machine has, for mini-batches shorter and longer than vectors and blocks. CODEGEN_SEEDS=n tries more
 * of them. */
#include <criterion/criterion.h>

#include "codegen_bench.h"

enum { MOST_POOL = 64 };
typedef struct Pool {
    Bench *b;
    Node *node[MOST_POOL];
    int count;
    bool smooth;
} Pool;

static int pick(Bench *b, int n) { return (int)(bench_random(b) % (uint32_t)n); }

static void put(Pool *p, Node *node) {
    if (p->count < MOST_POOL && shape_size(node->shape) <= 400) p->node[p->count++] = node;
}

static Node *any(Pool *p, DType t) {
    for (int tries = 0; tries < 400; tries++) {
        Node *n = p->node[pick(p->b, p->count)];
        if (n->dtype == t && (tries > 20 || p->count < 8 || pick(p->b, 3) > 0)) return n;
    }
    return graph_const(p->b->g, t, (Shape){0}, 1);
}

/* y made to have x's shape: by a size-preserving reshape, by repeating a row or column, or as its first
 * element. */
static Node *fit_shape(Pool *p, Node *y, Shape s) {
    Graph *g = p->b->g;
    if (shape_equal(y->shape, s)) return y;
    if (shape_size(y->shape) == shape_size(s)) return graph_reshape(g, y, s);
    Access access = {.rank = y->shape.rank};
    for (int a = 0; a < y->shape.rank; a++) {
        access.axis[a].divisor = 1;
        for (int k = 0; k < s.rank; k++)
            if (access.axis[a].coef[k] == 0 && pick(p->b, 2) == 0) {
                access.axis[a].coef[k] = 1;
                break;
            }
    }
    return graph_view(g, y, s, &access); /* places beyond y's end are absent */
}

static Shape random_shape(Bench *b) {
    static const int extents[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 20};
    Shape s = {.rank = pick(b, 4)};
    for (int a = 0; a < s.rank; a++) s.extent[a] = extents[pick(b, s.rank > 2 ? 6 : 11)];
    return s;
}

static Node *random_element(Pool *p) {
    Graph *g = p->b->g;
    static const Op unary[] = {OP_NEG,     OP_ABS, OP_EXP,   OP_SIN,           OP_COS, OP_TANH,
                               OP_SIGMOID, OP_ERF, OP_FLOOR, OP_STOP_GRADIENT, OP_LOG, OP_SQRT};
    static const Op binary[] = {OP_ADD, OP_SUB, OP_MUL, OP_MUL, OP_ADD, OP_MAX, OP_MIN, OP_DIV, OP_POW};
    static const Op compare[] = {OP_EQ, OP_NE, OP_LT, OP_LE};
    Node *x = any(p, DTYPE_F32), *y;
    switch (pick(p->b, 12)) {
    case 0:
    case 1: return graph_unary(g, unary[pick(p->b, p->smooth ? 8 : 12)], x);
    case 2: return graph_powi(g, x, pick(p->b, 6) - (p->smooth ? 0 : 2));
    case 3: return graph_binary(g, compare[pick(p->b, 4)], x, fit_shape(p, any(p, DTYPE_F32), x->shape));
    case 4:
        x = any(p, DTYPE_BOOL);
        return pick(p->b, 2)
                   ? graph_unary(g, OP_NOT, x)
                   : graph_binary(g, pick(p->b, 2) ? OP_AND : OP_OR, x, fit_shape(p, any(p, DTYPE_BOOL), x->shape));
    case 5:
        y = fit_shape(p, any(p, DTYPE_F32), x->shape);
        return graph_where(g, fit_shape(p, any(p, DTYPE_BOOL), x->shape), x, y);
    case 6: return graph_cast(g, any(p, DTYPE_I32), DTYPE_F32);
    case 7: return graph_cast(g, x, DTYPE_I32);
    case 8: {
        static const Op integer[] = {OP_ADD, OP_SUB, OP_MUL, OP_MAX, OP_MIN, OP_EQ, OP_LT, OP_FLOORDIV, OP_MOD};
        x = any(p, DTYPE_I32);
        Op op = integer[pick(p->b, 9)];
        y = op == OP_FLOORDIV || op == OP_MOD ? graph_const(g, DTYPE_I32, x->shape, 1 + pick(p->b, 5))
                                              : fit_shape(p, any(p, DTYPE_I32), x->shape);
        return graph_binary(g, op, x, y);
    }
    case 9: return graph_cast(g, any(p, DTYPE_BOOL), DTYPE_F32);
    default:
        return graph_binary(g, binary[pick(p->b, p->smooth ? 7 : 9)], x, fit_shape(p, any(p, DTYPE_F32), x->shape));
    }
}

static Node *random_move(Pool *p) {
    Graph *g = p->b->g;
    Node *x = any(p, pick(p->b, 4) ? DTYPE_F32 : DTYPE_I32);
    Shape s = x->shape;
    if (s.rank == 0) return fit_shape(p, x, random_shape(p->b));
    int axis = pick(p->b, s.rank);
    switch (pick(p->b, 6)) {
    case 0: {
        int order[MOST_RANK];
        for (int a = 0; a < s.rank; a++) order[a] = s.rank - 1 - a;
        return graph_permute(g, x, order);
    }
    case 1: {
        int64_t begin = pick(p->b, (int)s.extent[axis]), end = begin + 1 + pick(p->b, (int)(s.extent[axis] - begin));
        return graph_slice(g, x, axis, begin, end);
    }
    case 2: {
        int64_t before[MOST_RANK] = {0}, after[MOST_RANK] = {0};
        before[axis] = pick(p->b, 3);
        after[axis] = pick(p->b, 3);
        return graph_pad(g, x, before, after);
    }
    case 3: return graph_reshape(g, x, shape_of(1, shape_size(s), 0, 0));
    case 4: { /* every other place, and between them nothing */
        Access access = {.rank = s.rank};
        for (int a = 0; a < s.rank; a++) access.axis[a] = (AxisMap){.divisor = 1, .coef = {0}};
        for (int a = 0; a < s.rank; a++) access.axis[a].coef[a] = 1;
        access.axis[axis].divisor = 1 + pick(p->b, 2);
        access.axis[axis].offset = -pick(p->b, 2);
        access.axis[axis].coef[axis] = 1 + pick(p->b, 2);
        return graph_view(g, x, s, &access);
    }
    default: {
        Node *y = any(p, x->dtype);
        if (y->shape.rank != s.rank) y = x;
        for (int a = 0; a < s.rank; a++)
            if (a != axis && y->shape.extent[a] != s.extent[a]) y = x;
        return graph_concat(g, (Node *[]){x, y, x}, 2 + pick(p->b, 2), axis);
    }
    }
}

static Node *random_reduce(Pool *p) {
    Graph *g = p->b->g;
    Node *x = any(p, DTYPE_F32);
    uint32_t axes = (uint32_t)pick(p->b, 1 << x->shape.rank);
    static const Op ops[] = {OP_CONTRACT, OP_CONTRACT, OP_REDUCE_MAX, OP_REDUCE_MIN, OP_ARGMAX};
    switch (pick(p->b, 3)) {
    case 0: return graph_reduce(g, ops[pick(p->b, 5)], x, axes, false);
    case 1: {
        Node *y = fit_shape(p, any(p, DTYPE_F32), x->shape);
        return graph_reduce(g, OP_CONTRACT, graph_binary(g, OP_MUL, x, y), axes, false);
    }
    default: { /* a window: out[i, j] = sum over u, v, k of x[2 i + u - 1, j + v, ..] * w */
        Node *w = any(p, DTYPE_F32);
        if (x->shape.rank < 2 || w->shape.rank < 2) return graph_reduce(g, OP_CONTRACT, x, axes, false);
        Contraction c = {.reduced = 2, .extent = {w->shape.extent[0], w->shape.extent[1]}};
        Shape out = shape_of(2, x->shape.extent[0], x->shape.extent[1], 0);
        for (int s = 0; s < 2; s++) {
            Node *source = s ? w : x;
            c.access[s].rank = source->shape.rank;
            for (int a = 0; a < source->shape.rank; a++) c.access[s].axis[a].divisor = 1;
        }
        int stride = 1 + pick(p->b, 2);
        c.access[0].axis[0] = (AxisMap){
            .offset = -pick(p->b, 2), .divisor = 1 + pick(p->b, 2), .coef = {stride, 0, 1, 0}};
        c.access[0].axis[1] = (AxisMap){.offset = 0, .divisor = 1, .coef = {0, 1, 0, 1}};
        c.access[1].axis[0] = (AxisMap){.offset = 0, .divisor = 1, .coef = {0, 0, 1, 0}};
        c.access[1].axis[1] = (AxisMap){.offset = 0, .divisor = 1, .coef = {0, 0, 0, 1}};
        return graph_contract(g, OP_CONTRACT, (Node *[]){x, w}, 2, out, &c);
    }
    }
}

static Node *random_indexed(Pool *p) {
    Graph *g = p->b->g;
    Node *table = any(p, DTYPE_F32), *index = any(p, DTYPE_I32);
    if (table->shape.rank == 0 || table->shape.rank - 1 + index->shape.rank > 4) return table;
    if (pick(p->b, 3) > 0) return graph_gather(g, table, index, 0);
    Shape out = {.rank = 1 + table->shape.rank - index->shape.rank};
    if (index->shape.rank > table->shape.rank) return table;
    for (int a = 0; a < index->shape.rank; a++)
        if (index->shape.extent[a] != table->shape.extent[a]) return table;
    out.extent[0] = 1 + pick(p->b, 9);
    for (int a = index->shape.rank; a < table->shape.rank; a++)
        out.extent[1 + a - index->shape.rank] = table->shape.extent[a];
    return graph_scatter_add(g, table, index, out, 0, false);
}

static Node *scalar_sum(Bench *b, Node *x) {
    return graph_reduce(b->g, OP_CONTRACT, x, (1u << x->shape.rank) - 1, false);
}

static char *random_case(uint64_t seed, bool smooth) {
    Bench *b = bench_new(seed);
    Graph *g = b->g;
    static const int batches[] = {1, 10, 16, 33, 0, 300};
    b->run.batch = batches[pick(b, 6)];
    Pool p = {.b = b, .smooth = smooth};
    put(&p, bench_column(b, DTYPE_F32, random_shape(b), 0));
    put(&p, bench_column(b, DTYPE_I32, shape_of(pick(b, 2), 3, 0, 0), 6));
    put(&p, graph_cast(g, bench_column(b, DTYPE_U8, random_shape(b), 0), DTYPE_F32));
    put(&p, bench_column(b, DTYPE_BOOL, random_shape(b), 0));
    Node *cells[3];
    for (int c = 0; c < 3; c++) put(&p, cells[c] = bench_cell(b, random_shape(b)));
    put(&p, graph_leaf(g, OP_IOTA, DTYPE_I32, shape_of(2, 4, 5, 0), pick(b, 2)));
    put(&p, graph_counter(g, (Counter)pick(b, 3), DTYPE_F32));
    put(&p, graph_random(g, DTYPE_F32, random_shape(b), (Random){.key = RANDOM_STEP, .site = bench_random(b)}));
    put(&p, graph_random(g, DTYPE_F32, random_shape(b), (Random){.key = RANDOM_INITIAL, .site = bench_random(b)}));
    put(&p, graph_random(g, DTYPE_F32, random_shape(b), (Random){.key = RANDOM_DATA, .site = 7, .seed = 3}));
    for (int i = 0, n = 6 + pick(b, 14); i < n; i++) {
        int kind = pick(b, 10);
        put(&p, kind < 5   ? random_element(&p)
                : kind < 7 ? random_move(&p)
                : kind < 9 ? random_reduce(&p)
                           : random_indexed(&p));
    }
    Node *loss = NULL;
    for (int i = 0; i < 3; i++) {
        Node *x = p.node[p.count - 1 - i]->dtype == DTYPE_F32 ? scalar_sum(b, p.node[p.count - 1 - i]) : NULL;
        if (x != NULL) loss = loss == NULL ? x : graph_binary(g, OP_ADD, loss, x);
    }
    for (int i = 0; i < 4; i++) bench_predict(b, p.node[p.count - 1 - i]);
    if (loss != NULL) {
        for (int c = 0; c < 3; c++)
            loss = graph_binary(g, OP_ADD, loss, scalar_sum(b, graph_binary(g, OP_MUL, cells[c], cells[c])));
        bench_loss(b, loss);
        for (int c = 0; c < 3 && smooth; c++) bench_sgd(b, cells[c]);
    }
    bench_close(b);
    static const int counts[] = {1, 2, 5, 10, 15, 16, 17, 31, 40, 260};
    char *problem = bench_check(b, counts, 10, (int)(seed % 4));
    static char text[300];
    if (problem != NULL)
        snprintf(text, sizeof text, "seed %llu%s batch %lld: %s", (unsigned long long)seed, smooth ? " smooth" : "",
                 (long long)b->run.batch, problem);
    arena_free(b->arena);
    return problem ? text : NULL;
}

/* ---- every op, at the values where it is special --------------------------------------------------------
 */

static void make_special(Bench *b, Node *column) {
    static const float values[] = {0.0f,   -0.0f,   1.0f,      -1.0f,       INFINITY, -INFINITY, NAN,
                                   1e-40f, -1e-45f, 3e38f,     -88.5f,      100.0f,   0.5f,      -2.5f,
                                   1e9f,   -3e9f,   0x1p-126f, 16777217.0f, 2.0f,     -104.0f};
    float *data = (float *)b->column[column->attr.index].data;
    for (int64_t i = 0; i < shape_size(column->shape) * BENCH_ROWS; i++)
        if (pick(b, 3) > 0) data[i] = values[pick(b, 20)];
}

static Bench *every_op(int64_t batch) {
    Bench *b = bench_new(3);
    Graph *g = b->g;
    b->run.batch = batch;
    Shape shape = shape_of(1, 5, 0, 0);
    Node *x = bench_column(b, DTYPE_F32, shape, 0), *y = bench_column(b, DTYPE_F32, shape, 0);
    Node *i = bench_column(b, DTYPE_I32, shape, 90), *w = bench_cell(b, shape);
    make_special(b, x);
    make_special(b, y);
    static const Op unary[] = {
        OP_NEG,
        OP_ABS,
        OP_SQRT,
        OP_FLOOR,
#define FUNCTION(NAME, name) OP_##NAME,
#include "functions.def"
    };
    static const Op binary[] = {
        OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_MAX, OP_MIN,
#define FUNCTION_OF_TWO(NAME, name) OP_##NAME,
#include "functions.def"
    };
    static const Op compare[] = {OP_EQ, OP_NE, OP_LT, OP_LE};
    for (size_t k = 0; k < sizeof unary / sizeof *unary; k++) bench_predict(b, graph_unary(g, unary[k], x));
    for (size_t k = 0; k < sizeof binary / sizeof *binary; k++) bench_predict(b, graph_binary(g, binary[k], x, y));
    for (size_t k = 0; k < sizeof compare / sizeof *compare; k++) bench_predict(b, graph_binary(g, compare[k], x, y));
    bench_predict(b, graph_binary(g, OP_ADD, graph_binary(g, OP_MUL, x, y), w));
    bench_predict(b, graph_cast(g, x, DTYPE_I32));
    bench_predict(b, graph_cast(g, x, DTYPE_BOOL));
    bench_predict(b, graph_cast(g, graph_cast(g, x, DTYPE_F64), DTYPE_I32));
    bench_predict(b, graph_cast(g, i, DTYPE_F32));
    for (int64_t n = 0; n < 4; n++) bench_predict(b, graph_polygamma(g, n, x));
    bench_predict(b, graph_powi(g, x, 5));
    bench_predict(b, graph_powi(g, x, -2));
    bench_predict(b, graph_binary(g, OP_FLOORDIV, graph_unary(g, OP_NEG, i), graph_const(g, DTYPE_I32, shape, 7)));
    bench_predict(b, graph_binary(g, OP_MOD, graph_unary(g, OP_NEG, i), graph_const(g, DTYPE_I32, shape, 7)));
    static const Op reduce[] = {OP_CONTRACT, OP_REDUCE_MAX, OP_REDUCE_MIN, OP_ARGMAX};
    for (size_t k = 0; k < sizeof reduce / sizeof *reduce; k++)
        bench_predict(b, graph_reduce(g, reduce[k], x, 1, false));
    bench_loss(b, graph_reduce(g, OP_CONTRACT, graph_binary(g, OP_MUL, x, graph_binary(g, OP_MUL, w, w)), 1, false));
    bench_sgd(b, w);
    bench_close(b);
    return b;
}

Test(codegen, every_op_and_tail, .timeout = 280) {
    int counts[40];
    for (int n = 0; n < 40; n++) counts[n] = n + 1;
    for (int64_t batch = 1; batch <= 21; batch += 20) {
        Bench *b = every_op(batch);
        char *problem = bench_check(b, counts, 40, 2);
        cr_expect(problem == NULL, "%s", problem);
        arena_free(b->arena);
    }
}

/* An application may step with more rows than the program's batch. */
Test(codegen, steps_of_more_rows_than_declared) {
    for (int64_t batch = 1; batch <= 17; batch += 8) {
        Bench *b = every_op(batch);
        CodegenOptions options = {.level = 2};
        Codegen *codegen = codegen_new(b->arena, &options, b->diagnostics);
        Executor *compiled = codegen_jit(codegen, &b->run), *interpreter = interpreter_new(b->arena, &b->run);
        b->run.batch = 50;
        Results one = bench_run(b, interpreter, 120, true), other = bench_run(b, compiled, 120, true);
        char *problem = compare_results(b, &one, &other);
        cr_expect(problem == NULL, "batch %lld: %s", (long long)batch, problem);
        results_free(b, &one);
        results_free(b, &other);
        compiled->free(compiled);
        interpreter->free(interpreter);
        codegen_free(codegen);
        arena_free(b->arena);
    }
}

/* A host that flushes denormals gets the same bits, and its own setting back. */
Test(codegen, keeps_denormals_in_a_host_that_does_not) {
#if defined(__x86_64__)
    Bench *b = every_op(10);
    CodegenOptions options = {.level = 2};
    Codegen *codegen = codegen_new(b->arena, &options, b->diagnostics);
    Executor *compiled = codegen_jit(codegen, &b->run);
    Results usual = bench_run(b, compiled, 40, true);
    unsigned before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before | 0x8040);
    Results flushing = bench_run(b, compiled, 40, true);
    unsigned after = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before);
    char *problem = compare_results(b, &usual, &flushing);
    cr_expect(problem == NULL, "%s", problem);
    cr_expect((after & 0x8040) == 0x8040, "the host's control register is changed");
    results_free(b, &usual);
    results_free(b, &flushing);
    compiled->free(compiled);
    codegen_free(codegen);
    arena_free(b->arena);
#endif
}

static int seeds(int usual) {
    const char *asked = getenv("CODEGEN_SEEDS");
    return asked ? atoi(asked) : usual;
}

Test(codegen, random_graphs, .timeout = 280) {
    for (int seed = 1; seed <= seeds(12); seed++) {
        char *problem = random_case((uint64_t)seed, false);
        cr_expect(problem == NULL, "%s", problem);
    }
}

Test(codegen, random_training, .timeout = 280) {
    for (int seed = 1; seed <= seeds(12); seed++) {
        char *problem = random_case((uint64_t)seed + 100000, true);
        cr_expect(problem == NULL, "%s", problem);
    }
}
