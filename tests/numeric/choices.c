/* What a choice did not take contributes nothing: every op below every kind of choice, at every edge, in f32 and f64, first
 * and second derivatives. Where the choice takes the value, they are those of the value by itself; where not, exactly 0,
 * also where the op or its derivative is infinite or NaN.
 *
 * Then every way from an untaken branch down to an op: sums, products, views, matrix products.
 */
#include "../unit/graph_test.h"

static const double edges[] = {0.0, -0.0, 0.5,   1,     2,     3,        -0.5,      -1,  -2,
                               88,  1e30, -1e30, 1e-30, 1e-40, INFINITY, -INFINITY, NAN, 1e300};
enum { EDGES = sizeof edges / sizeof *edges, PLACES = EDGES * EDGES, COLUMNS = 3 };

typedef struct Field {
    Arena *arena;
    Graph *g;
    DType t;
    Node *x, *p, *c; /* x and p: every pair of edges; c: i32, 0 and 1 by turns */
    sgdrt_column column[COLUMNS];
} Field;

static Node *add_column(Field *f, int at, DType t) {
    void *data = arena_alloc(f->arena, PLACES * 8);
    for (int i = 0; i < PLACES; i++) {
        double value = at == 0 ? edges[i / EDGES] : edges[i % EDGES];
        if (t == DTYPE_F32)
            ((float *)data)[i] = (float)value;
        else if (t == DTYPE_F64)
            ((double *)data)[i] = value;
        else
            ((int32_t *)data)[i] = (i / EDGES + i % EDGES) % 2;
    }
    f->column[at] = (sgdrt_column){data, PLACES * (int64_t)dtype_bytes(t)};
    return graph_leaf(f->g, OP_COLUMN, t, shape_of(1, PLACES, 0, 0, 0), at);
}

static Field field_new(DType t) {
    Field f = {.arena = arena_new(), .t = t};
    f.g = graph_new(f.arena, diagnostics_new(f.arena, source_map_new(f.arena)));
    f.x = add_column(&f, 0, t);
    f.p = add_column(&f, 1, t);
    f.c = add_column(&f, 2, DTYPE_I32);
    return f;
}

static Node *number(Field *f, const Node *like, double value) { return graph_const(f->g, f->t, like->shape, value); }

static const double *values_of(Field *f, Node *node) {
    int64_t size = shape_size(node->shape);
    double *out = arena_array(f->arena, double, size + 1);
    float *narrow = arena_array(f->arena, float, size + 1);
    interpret_rows(node, f->column, NULL, 0, 1, f->t == DTYPE_F32 ? (void *)narrow : out);
    for (int64_t i = 0; i < size && f->t == DTYPE_F32; i++) out[i] = (double)narrow[i];
    return out;
}

/* Of the sum of y, by x or p; zeros if there is none. */
static Node *derivative(Field *f, Node *y, Node *by) {
    Node *out = NULL, *sum = sum_all(f->g, y);
    cr_assert(graph_gradients(f->g, sum, NULL, &by, 1, &out));
    return out ? out : number(f, by, 0);
}

/* ---- ops ----------------------------------------------------------------------------------- */
static bool is_op(Op op) {
    return op_class(op) == OP_CLASS_ELEMENT && op != OP_NOT && op != OP_CAST && op != OP_FLOORDIV && op != OP_MOD &&
           op != OP_FMA && op != OP_EQ && op != OP_NE && op != OP_LT && op != OP_LE && op != OP_AND && op != OP_OR;
}

static Node *apply(Field *f, Op op, Node *a, Node *b) {
    if (op == OP_POLYGAMMA) return graph_polygamma(f->g, 1, a);
    if (op == OP_POWI) return graph_binary(f->g, OP_ADD, graph_powi(f->g, a, -2), graph_powi(f->g, a, 3));
    if (op == OP_WHERE) return graph_where(f->g, graph_binary(f->g, OP_LT, a, b), a, b);
    return op_arity(op) == 1 ? graph_unary(f->g, op, a) : graph_binary(f->g, op, a, b);
}

/* ---- choices ------------------------------------------------------------------------------- */
typedef enum Choice {
    WHERE_FIRST,
    WHERE_SECOND,
    MAX_FIRST,
    MAX_SECOND,
    MIN_FIRST,
    MIN_SECOND,
    ABSOLUTE,
    RELU,
    CLAMP,
    DROPOUT,
    DROP_ALL,
    LARGEST,
    CHOICES
} Choice;
static const char *const choice_text[] = {"where(c, y, k)",  "where(c, k, y)",  "max(y, k)",     "max(k, y)",
                                          "min(y, k)",       "min(k, y)",       "abs(y)",        "relu(y)",
                                          "clamp(y, -k, k)", "dropout(y, 0.5)", "dropout(y, 1)", "max([k, y])"};
#define K 0.25

static Node *halved(Field *f, Node *y) { return graph_binary(f->g, OP_DIV, y, number(f, y, 0.5)); }

static Node *choose(Field *f, Choice choice, Node *y) {
    Graph *g = f->g;
    Node *k = number(f, y, K), *zero = number(f, y, 0), *no = graph_const(g, DTYPE_I32, y->shape, 0);
    Node *c = graph_binary(g, OP_NE, f->c, no), *never = graph_binary(g, OP_LT, f->c, no);
    switch (choice) {
    case WHERE_FIRST: return graph_where(g, c, y, k);
    case WHERE_SECOND: return graph_where(g, c, k, y);
    case MAX_FIRST: return graph_binary(g, OP_MAX, y, k);
    case MAX_SECOND: return graph_binary(g, OP_MAX, k, y);
    case MIN_FIRST: return graph_binary(g, OP_MIN, y, k);
    case MIN_SECOND: return graph_binary(g, OP_MIN, k, y);
    case ABSOLUTE: return graph_unary(g, OP_ABS, y);
    case RELU: return graph_where(g, graph_binary(g, OP_LE, y, zero), zero, y);
    case CLAMP: return graph_binary(g, OP_MIN, graph_binary(g, OP_MAX, y, number(f, y, -K)), k);
    case DROPOUT: return graph_where(g, c, halved(f, y), zero);
    case DROP_ALL: return graph_where(g, never, graph_binary(g, OP_DIV, y, zero), zero);
    default: {
        Shape row = shape_of(2, 1, PLACES, 0, 0);
        Node *both[] = {graph_reshape(g, k, row), graph_reshape(g, y, row)};
        return graph_reduce(g, OP_REDUCE_MAX, graph_concat(g, both, 2, 0), 1, false);
    }
    }
}

/* 1 or -1 as it takes the value; 0: not taken. */
static double factor_of(Choice choice, double y, bool c) {
    switch (choice) {
    case WHERE_FIRST:
    case DROPOUT: return c;
    case WHERE_SECOND: return !c;
    case MAX_FIRST: return y >= K || y != y;
    case MAX_SECOND:
    case LARGEST: return !(K >= y);
    case MIN_FIRST: return y <= K || y != y;
    case MIN_SECOND: return !(K <= y);
    case ABSOLUTE: return y > 0 ? 1 : y < 0 ? -1 : 0;
    case RELU: return !(y <= 0);
    case CLAMP: return (y >= -K && y <= K) || y != y;
    default: return 0;
    }
}

static bool equal(double a, double b) { return a == b || (a != a && b != b); }

static void compare(Field *f, Op op, Choice choice, const char *what, Node *y, Node *got, Node *alone) {
    const double *is = values_of(f, got), *own = values_of(f, alone), *value = values_of(f, y);
    const int32_t *c = f->column[2].data;
    for (int i = 0; i < PLACES; i++) {
        double factor = factor_of(choice, value[i], c[i]), wanted = factor == 0 ? 0 : factor * own[i];
        cr_expect(equal(is[i], wanted), "%s of y = %s(%g, %g) = %g, %s, %s: %g, not %g", choice_text[choice],
                  op_text(op), edges[i / EDGES], edges[i % EDGES], value[i], dtype_text(f->t), what, is[i], wanted);
    }
}

static void check_choices(DType t) {
    for (Op op = 0; op < OP_COUNT; op++)
        for (Choice choice = 0; choice < CHOICES && is_op(op); choice++) {
            Field f = field_new(t);
            Node *by[] = {f.x, f.p}, *y = apply(&f, op, f.x, f.p), *chosen = choose(&f, choice, y);
            for (int a = 0; a < 2; a++) {
                Node *first = derivative(&f, chosen, by[a]),
                     *alone = derivative(&f, choice == DROPOUT ? halved(&f, y) : y, by[a]);
                compare(&f, op, choice, a ? "by p" : "by x", y, first, alone);
                for (int b = 0; b < 2; b++)
                    compare(&f, op, choice, "second", y, derivative(&f, first, by[b]), derivative(&f, alone, by[b]));
            }
            arena_free(f.arena);
        }
}

Test(choices, f32) { check_choices(DTYPE_F32); }
Test(choices, f64) { check_choices(DTYPE_F64); }

/* ---- ways down from a branch that is never taken ---------------------------------------------- */
typedef Node *Way(Field *f, Node *y);

static Node *square_of(Field *f, Node *y) { return graph_reshape(f->g, y, shape_of(2, EDGES, EDGES, 0, 0)); }
static Node *way_plain(Field *f, Node *y) {
    (void)f;
    return y;
}
static Node *way_product(Field *f, Node *y) { return graph_binary(f->g, OP_MUL, y, f->p); }
static Node *way_quotient(Field *f, Node *y) { return graph_binary(f->g, OP_DIV, f->p, y); }
static Node *way_sum(Field *f, Node *y) { return sum_all(f->g, y); }
static Node *way_turned(Field *f, Node *y) { return graph_permute(f->g, square_of(f, y), (int[]){1, 0}); }
static Node *way_slice(Field *f, Node *y) { return graph_slice(f->g, y, 0, 3, PLACES - 2); }
static Node *way_pad(Field *f, Node *y) { return graph_pad(f->g, y, (int64_t[]){2}, (int64_t[]){1}); }
static Node *way_concat(Field *f, Node *y) { return graph_concat(f->g, (Node *[]){y, f->p}, 2, 0); }
static Node *way_repeated(Field *f, Node *y) { return graph_expand(f->g, y, shape_of(2, 3, PLACES, 0, 0), (int[]){1}); }
static Node *way_reversed(Field *f, Node *y) {
    Access back = {.rank = 1, .axis = {{.offset = PLACES - 1, .divisor = 1, .coef = {-1}}}};
    return graph_view(f->g, y, y->shape, &back);
}
static Node *way_largest(Field *f, Node *y) { return graph_reduce(f->g, OP_REDUCE_MAX, square_of(f, y), 2, false); }
static Node *way_gather(Field *f, Node *y) {
    return graph_gather(f->g, y, graph_leaf(f->g, OP_IOTA, DTYPE_I32, shape_of(1, 5, 0, 0, 0), 0), 0);
}
/* p @ y, and y @ p, whose result a loss sums up */
static Node *matrix_product(Field *f, Node *a, Node *b) {
    Shape full = shape_of(3, EDGES, EDGES, EDGES, 0);
    Node *x = graph_expand(f->g, square_of(f, a), full, (int[]){0, 2});
    Node *y = graph_expand(f->g, square_of(f, b), full, (int[]){2, 1});
    return graph_reduce(f->g, OP_CONTRACT, graph_binary(f->g, OP_MUL, x, y), 4, false);
}
static Node *way_left(Field *f, Node *y) { return sum_all(f->g, matrix_product(f, y, f->p)); }
static Node *way_right(Field *f, Node *y) { return sum_all(f->g, matrix_product(f, f->p, y)); }
static Node *way_twice(Field *f, Node *y) { return way_sum(f, graph_unary(f->g, OP_TANH, matrix_product(f, y, y))); }

static const struct {
    const char *name;
    Way *go;
} ways[] = {
    {"y", way_plain},           {"y * p", way_product},     {"p / y", way_quotient},    {"sum", way_sum},
    {"turned", way_turned},     {"slice", way_slice},       {"pad", way_pad},           {"concat", way_concat},
    {"repeated", way_repeated}, {"reversed", way_reversed}, {"largest", way_largest},   {"gather", way_gather},
    {"y @ p", way_left},        {"p @ y", way_right},       {"tanh(y @ y)", way_twice},
};

static void expect_nothing(Field *f, Op op, const char *way, const char *what, Node *got) {
    const double *is = values_of(f, got);
    for (int i = 0; i < PLACES; i++)
        cr_expect(is[i] == 0, "where(no, %s of y = %s(%g, %g), 0), %s, %s: %g", way, op_text(op), edges[i / EDGES],
                  edges[i % EDGES], dtype_text(f->t), what, is[i]);
}

Test(choices, every_way_down) {
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++)
        for (Op op = 0; op < OP_COUNT; op++) {
            if (!is_op(op)) continue;
            Field f = field_new(op % 2 ? DTYPE_F32 : DTYPE_F64);
            Node *by[] = {f.x, f.p}, *y = ways[w].go(&f, apply(&f, op, f.x, f.p));
            Node *flag = graph_slice(f.g, f.c, 0, 0, 1); /* of the row, not of its elements */
            Node *no = graph_binary(f.g, OP_LT, graph_reshape(f.g, flag, (Shape){0}),
                                    graph_const(f.g, DTYPE_I32, (Shape){0}, 0));
            Node *chosen = graph_where(f.g, graph_expand(f.g, no, y->shape, NULL), y, number(&f, y, 0));
            for (int a = 0; a < 2; a++) {
                Node *first = derivative(&f, chosen, by[a]);
                expect_nothing(&f, op, ways[w].name, a ? "by p" : "by x", first);
                for (int b = 0; b < 2; b++)
                    expect_nothing(&f, op, ways[w].name, "second", derivative(&f, first, by[b]));
            }
            arena_free(f.arena);
        }
}
