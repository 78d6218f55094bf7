/* Activations, losses and others of the prelude, and powers, at their edges: values, first and second derivatives in f32
 * and f64 against closed forms in f64. Where a derivative's terms cancel, what counts is its error beside the largest
 * term (`beside`: 1, x, ...); elsewhere every digit counts (0).
 */
#include "../unit/graph_test.h"
#include "experiment/experiment.h"

static const double places[] = {0.0, -0.0, 1e-30, -1e-30, 1e-4, -1e-4, 0.25, -0.25, 0.5,  -0.5,
                                1,   -1,   1.5,   -1.5,   2,    -2,    3,    -3,    5,    -5,
                                9,   -9,   17,    -17,    30,   -30,   80,   -80,   1000, -1000};
enum { PLACES = sizeof places / sizeof *places };

static double sigma(double x) { return x > 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static double density(double x) { return exp(-x * x / 2) * 0.3989422804014327; }
static double below(double x) { return 0.5 * erfc(-x * 0.7071067811865476); }

/* ---- closed forms: [0] the value, [1] and [2] its derivatives ---------------------------------- */
typedef void Closed(double x, double *y);
#define CLOSED(NAME, a, b, c) \
    static void NAME(double x, double *y) { y[0] = (a), y[1] = (b), y[2] = (c); }
CLOSED(relu, x > 0 ? x : 0, x > 0, 0)
CLOSED(leaky, x > 0 ? x : 0.25 * x, x > 0 ? 1 : 0.25, 0)
CLOSED(elu, x > 0 ? x : 1.5 * expm1(x), x > 0 ? 1 : 1.5 * exp(x), x > 0 ? 0 : 1.5 * exp(x))
CLOSED(gelu, x *below(x), below(x) + x * density(x), density(x) * (2 - x * x))
CLOSED(silu, x *sigma(x), sigma(x) * (1 + x * sigma(-x)), sigma(x) * sigma(-x) * (2 + x * (1 - 2 * sigma(x))))
CLOSED(softplus, log1p(exp(-fabs(x))) + (x > 0 ? x : 0), sigma(x), sigma(x) * sigma(-x))
CLOSED(sigmoid, sigma(x), sigma(x) * sigma(-x), sigma(x) * sigma(-x) * (1 - 2 * sigma(x)))
CLOSED(tangent, tanh(x), 4 * sigma(2 * x) * sigma(-2 * x), -8 * tanh(x) * sigma(2 * x) * sigma(-2 * x))
CLOSED(exponential, expm1(x), exp(x), exp(x))
CLOSED(clamped, x > 1 ? 1 : x < -1 ? -1 : x, x >= -1 && x <= 1, 0)
CLOSED(signed_, x > 0 ? 1 : x < 0 ? -1 : 0, 0, 0)
CLOSED(half, (x - 1) * (x - 1) / 2, x - 1, 1)
CLOSED(square, (x - 1) * (x - 1), 2 * (x - 1), 2)
CLOSED(absolute, fabs(x), x > 0 ? 1 : x < 0 ? -1 : 0, 0)
CLOSED(huber, fabs(x) <= 2 ? x * x / 2 : 2 * (fabs(x) - 1), x > 2 ? 2 : x < -2 ? -2 : x, fabs(x) <= 2)
CLOSED(hinge, x < 1 ? 1 - x : 0, x <= 1 ? -(x < 1) : 0, 0)
CLOSED(bce_of_1, log1p(exp(-fabs(x))) + (x > 0 ? 0 : -x), -sigma(-x), sigma(x) * sigma(-x))
CLOSED(bce_of_0, log1p(exp(-fabs(x))) + (x > 0 ? x : 0), sigma(x), sigma(x) * sigma(-x))
CLOSED(bce_between, log1p(exp(-fabs(x))) + (x > 0 ? x : 0) - 0.25 * x, sigma(x) - 0.25, sigma(x) * sigma(-x))
CLOSED(log_of_softmax, (x > 0 ? 0 : x) - log1p(exp(-fabs(x))), sigma(-x), -sigma(x) * sigma(-x))
CLOSED(half_square, x *x / 2, x, 1)
CLOSED(length, fabs(x), x > 0 ? 1 : x < 0 ? -1 : 0, 0)
CLOSED(length_of_large, fabs(x) * 0x1p100, x > 0 ? 0x1p100 : x < 0 ? -0x1p100 : 0, 0)
CLOSED(length_of_two, hypot(x, 3), x / hypot(x, 3), 9 / hypot(x, 3) / hypot(x, 3) / hypot(x, 3))
CLOSED(root, x > 0 ? sqrt(x) : 0, x > 0 ? 0.5 / sqrt(x) : 0, x > 0 ? -0.25 / sqrt(x) / x : 0)

static double one(double x) { return fmax(1, fabs(x)); }
static double digits(double x) {
    (void)x;
    return 0;
}

typedef struct Case {
    const char *text;
    Closed *closed;
    double (*beside[3])(double x);
} Case;
#define ALL \
    { digits, digits, digits }

static const Case cases[] = {
    {"relu(x)", relu, ALL},
    {"leaky_relu(x, 0.25)", leaky, ALL},
    {"elu(x, 1.5)", elu, ALL},
    {"gelu(x)", gelu, {one, one, one}},
    {"silu(x)", silu, {digits, one, one}},
    {"softplus(x)", softplus, ALL},
    {"sigmoid(x)", sigmoid, {digits, one, one}},
    {"tanh(x)", tangent, {digits, one, one}},
    {"expm1(x)", exponential, ALL},
    {"clamp(x, -1, 1)", clamped, ALL},
    {"sign(x)", signed_, ALL},
    {"squared(x, 1)", half, ALL},
    {"mse(x, 1)", square, ALL},
    {"mae(x, 0)", absolute, ALL},
    {"huber(x, 0, 2)", huber, ALL},
    {"hinge(x, 1)", hinge, ALL},
    {"binary_cross_entropy(x, 1)", bce_of_1, ALL},
    {"binary_cross_entropy(x, 0)", bce_of_0, ALL},
    {"binary_cross_entropy(x, 0.25)", bce_between, {one, one, digits}},
    {"logsumexp([x, 0])", softplus, {one, one, one}},
    {"softmax([x, 0])[0]", sigmoid, {digits, one, one}},
    {"log_softmax([x, 0])[0]", log_of_softmax, {one, one, one}},
    {"cross_entropy([x, 0], y)", bce_of_1, {one, one, one}},
    {"negative_log_likelihood(log_softmax([x, 0]), y)", bce_of_1, {one, one, one}},
    {"l2([x])", half_square, ALL},
    {"l1([x])", absolute, ALL},
    {"norm([x])", length, {digits, digits, one}},
    {"norm([x * 2^100, 0])", length_of_large, {digits, digits, one}},
    {"norm([x, 3])", length_of_two, {digits, digits, one}},
    {"norm([[x, 3], [0, 0]])", length_of_two, {digits, digits, one}},
    {"where(x > 0, sqrt(x), 0)", root, ALL},
};

/* ---- one definition, one type ------------------------------------------------------------------ */
typedef struct Lowered {
    Arena *arena;
    Graph *g;
    Node *x, *y;
    sgdrt_column columns[2];
    DType t;
} Lowered;

static Lowered lower_case(const char *text, DType t) {
    Lowered l = {.arena = arena_new(), .t = t};
    Names *names = names_new(l.arena);
    SourceMap *map = source_map_new(l.arena);
    Diagnostics *d = diagnostics_new(l.arena, map);
    l.g = graph_new(l.arena, d);
    Lowering *L = lowering_new(l.arena, names, d, map, t == DTYPE_F64);
    for (const EmbeddedFile *file = prelude_files; file->name; file++) {
        Source *source = source_add(map, file->name, file->text, file->length);
        source->is_prelude = true;
        lower_declare_definitions(L, parse(l.arena, names, d, source));
    }
    const char *f = text_format(l.arena, "def f(x: f32, y: label[2]) -> f32 = %s", text);
    Ast *ast = parse(l.arena, names, d, source_add(map, "case.sgd", f, strlen(f)));
    lowering_start_run(L, l.g);
    lower_declare_definitions(L, ast);
    Shape shape = shape_of(1, PLACES, 0, 0, 0);
    l.x = graph_leaf(l.g, OP_COLUMN, t, shape, 0);
    Value *args[] = {value_tensor(L, l.x, 0), value_tensor(L, graph_leaf(l.g, OP_COLUMN, DTYPE_I32, shape, 1), 2)};
    const Definition *definition = scope_find(L->global, name_from(names, "f"))->value->definition;
    Value *v = lower_call_definition(L, definition, arguments_of(L, args, 2, definition->name.span), NULL);
    if (d->errors > 0) diagnostics_print_human(d, stderr, false);
    cr_assert_eq(v->kind, VALUE_TENSOR, "%s", text);
    l.y = v->node;
    float *narrow = arena_array(l.arena, float, PLACES);
    for (int i = 0; i < PLACES; i++) narrow[i] = (float)places[i];
    l.columns[0] = (sgdrt_column){t == DTYPE_F64 ? (void *)places : narrow, PLACES * (int64_t)dtype_bytes(t)};
    l.columns[1] = (sgdrt_column){arena_array(l.arena, int32_t, PLACES), PLACES * 4};
    return l;
}

static double value_at(const Lowered *l, const void *values, int i) {
    return l->t == DTYPE_F64 ? ((const double *)values)[i] : (double)((const float *)values)[i];
}

/* At most 16 units in the last place of what it is beside, and what a denormal may lose. */
static bool near(DType t, double got, double wanted, double beside) {
    double epsilon = t == DTYPE_F64 ? 0x1p-53 : 0x1p-24, least = t == DTYPE_F64 ? 0x1p-1070 : 0x1p-145;
    if (t == DTYPE_F32 && isinf((float)wanted)) return got == (double)(float)wanted;
    return got == wanted || fabs(got - wanted) <= 16 * epsilon * fmax(fabs(wanted), beside) + least;
}

static void check(const Case *c, DType t) {
    static const char *const what[] = {"value", "slope", "bend"};
    Lowered l = lower_case(c->text, t);
    Node *node = l.y;
    for (int order = 0; order < 3; order++) {
        void *got = arena_array(l.arena, double, PLACES);
        interpret_rows(node, l.columns, NULL, 0, 1, got);
        for (int i = 0; i < PLACES; i++) {
            double wanted[3], x = t == DTYPE_F64 ? places[i] : (double)(float)places[i];
            c->closed(x, wanted);
            cr_expect(near(t, value_at(&l, got, i), wanted[order], c->beside[order](x)),
                      "%s of %s at %g in %s: %.9g, not %.9g", what[order], c->text, x, dtype_text(t),
                      value_at(&l, got, i), wanted[order]);
        }
        Node *next = NULL, *sum = sum_all(l.g, node);
        cr_assert(graph_gradients(l.g, sum, NULL, &l.x, 1, &next));
        node = next ? next : graph_const(l.g, t, l.x->shape, 0);
    }
    arena_free(l.arena);
}

Test(edges, definitions) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check(&cases[i], DTYPE_F32);
        check(&cases[i], DTYPE_F64);
    }
}

/* ---- powers ------------------------------------------------------------------------------------ */
static const double bases[] = {0.0, -0.0, 1e-40, 1e-310, 0.5, 1, 2, INFINITY}, exponents[] = {0, 1, 2, 3, 0.5, 1.5, -1};
enum { BASES = sizeof bases / sizeof *bases, EXPONENTS = sizeof exponents / sizeof *exponents };

Test(edges, powers) {
    Bench b = bench_new();
    Node *base = bench_input(&b, shape_of(1, BASES * EXPONENTS, 0, 0, 0), 0, 1);
    Node *exponent = bench_input(&b, base->shape, 0, 1), *y = graph_binary(b.g, OP_POW, base, exponent);
    for (int i = 0; i < BASES * EXPONENTS; i++) {
        b.value[0][i] = bases[i / EXPONENTS];
        b.value[1][i] = exponents[i % EXPONENTS];
    }
    const double *by_base = bench_gradient(&b, sum_all(b.g, y), 0),
                 *by_exponent = bench_gradient(&b, sum_all(b.g, y), 1);
    for (int i = 0; i < BASES * EXPONENTS; i++) {
        double x = b.value[0][i], n = b.value[1][i];
        double first = n == 0 ? 0 : n * pow(x, n - 1), second = x == 0 ? 0 : pow(x, n) * log(x);
        cr_expect(near(DTYPE_F64, by_base[i], first, 0), "%g^%g by %g: %g, not %g", x, n, x, by_base[i], first);
        cr_expect(near(DTYPE_F64, by_exponent[i], second, 0) || (second != second && by_exponent[i] != by_exponent[i]),
                  "%g^%g by %g: %g, not %g", x, n, n, by_exponent[i], second);
    }
    arena_free(b.arena);
}
