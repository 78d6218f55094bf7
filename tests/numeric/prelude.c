/* First and second derivatives of every definition of the prelude, lowered from a program in f64, against
 * central differences: by each argument and by each parameter of a layer. Second derivatives are taken of the
 * gradient weighed by fresh numbers, so every pair of inputs is met. Kinks are kept out of the way by the
 * domains.
 */
#include "../unit/graph_test.h"
#include "experiment/experiment.h"

typedef struct Case {
    const char *text;
    double low, high;
} Case;

static const Case cases[] = {
    {"def f(x: f32[5]) = relu(x)", -2, 2},
    {"def f(x: f32[5]) = leaky_relu(x, 0.2)", -2, 2},
    {"def f(x: f32[5]) = elu(x, 1.5)", -2, 2},
    {"def f(x: f32[5]) = gelu(x)", -2, 2},
    {"def f(x: f32[5]) = silu(x)", -2, 2},
    {"def f(x: f32[5]) = softplus(x)", -2, 2},
    {"def f(x: f32[5]) = sigmoid(x) * tanh(x)", -2, 2},
    {"def f(x: f32[3, 5]) = logsumexp(x)", -2, 2},
    {"def f(x: f32[3, 5]) = softmax(x)", -2, 2},
    {"def f(x: f32[3, 5]) = log_softmax(x)", -2, 2},
    {"def f(a: f32[3, 5], b: f32[5]) = dot(a, b)", -2, 2},
    {"def f(a: f32[2, 4], b: f32[4, 3]) = a @ b", -2, 2},
    {"def f(a: f32[3, 5], b: f32[3]) = transpose(a) @ b", -2, 2},
    {"def f(x: f32[3, 5]) = flatten(x)^2", -2, 2},
    {"def f(x: f32[5]) = clamp(x, -1, 1) * x", -2, 2},
    {"def f(x: f32[2, 3, 3]) = zero_pad(x, 1)^2", -2, 2},
    {"model f(x: f32[3, 4]) = tanh(dense(x, 2))", -1, 1},
    {"model f(x: f32[2, 5, 5]) = conv2d(x, 3, 3, stride = 2, pad = 1)^2", -1, 1},
    {"model f(x: f32[2, 6, 5]) = tanh(conv2d(x, 2, 2, dilation = 2))", -1, 1},
    {"model f(x: f32[4, 3, 3]) = tanh(conv2d(x, 6, 2, groups = 2))", -1, 1},
    {"def f(x: f32[2, 4, 4]) = max_pool2d(x, 2)^2", -2, 2},
    {"def f(x: f32[1, 5, 5]) = max_pool2d(x, 3, stride = 1)", -2, 2},
    {"def f(x: f32[2, 4, 4]) = avg_pool2d(x, 2)^2", -2, 2},
    {"model f(x: f32[2, 5]) = layer_norm(x)", -2, 2},
    {"model f(x: f32[5]) = dropout(x, 0.5)^2", -2, 2},
    {"def f(p: f32[5], y: f32[5]) = mse(p, y)", -2, 2},
    {"def f(p: f32[5], y: f32[5]) = squared(p, y)", -2, 2},
    {"def f(p: f32[5], y: f32[5]) = mae(p, y)", -2, 2},
    {"def f(p: f32[5], y: f32[5]) = huber(p, y, 0.7)", -2, 2},
    {"def f(z: f32[3, 5], y: label[5][3]) = cross_entropy(z, y)", -2, 2},
    {"def f(z: f32[5], y: f32[5]) = binary_cross_entropy(z, y)", -2, 2},
    {"def f(z: f32[3, 5], y: label[5][3]) = negative_log_likelihood(log_softmax(z), y)", -2, 2},
    {"def f(z: f32[5], y: f32[5]) = hinge(z, y)", -2, 2},
    {"def f(x: f32[3, 5]) = l2(x) + l1(x)", -2, 2},
    {"def f(x: f32[5]) = cosine(x) * warmup(x, 1) * polynomial(x, 2, 1, -0.5) * exponential(x, 0.7)", 0.1, 0.9},
    {"def f(x: f32[5]) = one_cycle(x)", 0.05, 0.25},
    {"def f(x: f32[5]) = tan(x) * prod(x) + cumsum(x)", -1, 1},
    {"def f(x: f32[2, 3], y: f32[3]) = concat(x, [y], x^2, axis = 0)^2", -2, 2},
    {"model f(x: f32[4, 6]) = tanh(conv1d(x, 4, 3, stride = 2, pad = 1, groups = 2))", -1, 1},
    {"model f(x: f32[2, 3, 3]) = tanh(conv_transpose2d(x, 2, 3, stride = 2, pad = 1))", -1, 1},
    {"def f(x: f32[2, 2, 2]) = upsample(x, 2)^2 * global_avg_pool(x)[0]", -1, 1},
    {"model f(x: f32[4, 2, 2]) = group_norm(x, 2)^2", -2, 2},
    {"model f(x: f32[2, 5]) = rms_norm(x)^2", -2, 2},
    {"def f(x: f32[3, 4]) = rotary(x)^2", -2, 2},
    {"model f(x: f32[3], h: f32[2]) = rnn_cell(x, h)", -1, 1},
    {"model f(x: f32[3], h: f32[2]) = gru_cell(x, h)", -1, 1},
    {"model f(x: f32[3], h: f32[2], c: f32[2]) { u, v = lstm_cell(x, h, c); return concat(u, v) }", -1, 1},
    {"def f(z: f32[3, 5], y: label[5][3]) = focal(z, y) + smoothed_cross_entropy(z, y)", -2, 2},
    {"def f(a: f32[3], b: f32[3], c: f32[3]) = triplet(a, b, c, margin = 10)", -1, 1},
    {"def f(a: f32[4], b: f32[4]) = kl_divergence(log_softmax(a), softmax(b)) + kl_normal(a, b)", -1, 1},
    {"def f(a: f32[4], b: f32[4], c: f32[4]) = gaussian(a, b, c) + poisson(a, c)", -1, 1},
    {"def f(x: f32) = [x^k for k in 0..6]", -2, 2},
    {"def f(x: f32[4], e: f32[5, 4], y: label[5][3]) { h[j] = sum(e[y[t], j] * x[j] for t); return tanh(h) }", -1, 1},
    {"def f(x: f32[5]) = grad(sum(sin(x)^3), x)", -2, 2},
};

typedef struct Lowered {
    Bench bench;
    Lowering *L;
    Node *value;
} Lowered;

static Node *with_input(Graph *g, Node *old, Node *const *source, void *context) {
    Node *const *input_of_cell = context;
    return old->op == OP_CELL ? input_of_cell[old->attr.index] : graph_again(g, old, source);
}

/* Parameters become inputs, so that they can be moved. */
static void free_parameters(Lowered *t) {
    Node *inputs[MOST_INPUTS];
    cr_assert(t->L->cells.count < MOST_INPUTS);
    for (int i = 0; i < t->L->cells.count; i++) inputs[i] = bench_input(&t->bench, t->L->cells.items[i].shape, -1, 1);
    graph_rewrite(t->bench.g, &t->value, 1, with_input, inputs);
}

static void lower_case(Lowered *t, const Case *c) {
    t->bench = bench_new();
    Arena *arena = t->bench.arena;
    Names *names = names_new(arena);
    SourceMap *map = source_map_new(arena);
    Diagnostics *d = diagnostics_new(arena, map);
    Lowering *L = t->L = lowering_new(arena, names, d, map, true);
    for (const EmbeddedFile *file = prelude_files; file->name; file++) {
        Source *source = source_add(map, file->name, file->text, file->length);
        source->is_prelude = true;
        lower_declare_definitions(L, parse(arena, names, d, source));
    }
    Ast *ast = parse(arena, names, d, source_add(map, "case.sgd", c->text, strlen(c->text)));
    lowering_start_run(L, t->bench.g);
    lower_declare_definitions(L, ast);
    const Definition *f = scope_find(L->global, name_from(names, "f"))->value->definition;
    Value *args[MOST_INPUTS];
    for (int i = 0; i < f->formals.count; i++) {
        Type type = lower_type(L, L->global, f->formals.items[i].type);
        Node *input = type.classes > 0 ? bench_indices(&t->bench, type.shape, type.classes)
                                       : bench_input(&t->bench, type.shape, c->low, c->high);
        args[i] = value_tensor(L, input, type.classes);
    }
    Value *v = lower_call_definition(L, f, arguments_of(L, args, f->formals.count, f->name.span), NULL);
    if (d->errors > 0) diagnostics_print_human(d, stderr, false);
    cr_assert_eq(v->kind, VALUE_TENSOR, "%s", c->text);
    t->value = v->node;
    free_parameters(t);
}

static void compare(const Case *c, const char *what, int by, const double *got, const double *wanted, int64_t size,
                    double tolerance) {
    for (int64_t i = 0; i < size; i++)
        cr_assert(fabs(got[i] - wanted[i]) <= tolerance * (1 + fabs(wanted[i])),
                  "%s: %s derivative by input %d [%ld] is %.12g, not %.12g", c->text, what, by, (long)i, got[i],
                  wanted[i]);
}

static void check_by(Lowered *t, const Case *c, Node *scalar, const char *what, int inputs, double tolerance) {
    for (int by = 0; by < inputs; by++)
        if (t->bench.value[by] != NULL)
            compare(c, what, by, bench_gradient(&t->bench, scalar, by), bench_differences(&t->bench, scalar, by),
                    shape_size(t->bench.input[by]->shape), tolerance);
}

static void check_case(const Case *c) {
    Lowered t;
    lower_case(&t, c);
    Bench *b = &t.bench;
    int inputs = b->inputs;
    Node *scalar = bench_weigh(b, t.value);
    check_by(&t, c, scalar, "first", inputs, 2e-6);
    for (int by = 0; by < inputs; by++) {
        Node *gradient = NULL;
        int before = b->inputs;
        if (b->value[by] == NULL || before + 1 > MOST_INPUTS) continue;
        cr_assert(graph_gradients(b->g, scalar, NULL, &b->input[by], 1, &gradient));
        if (gradient != NULL) check_by(&t, c, bench_weigh(b, gradient), "second", inputs, 2e-5);
        b->inputs = before;
    }
    arena_free(b->arena);
}

Test(prelude, derivatives_match_differences) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_case(&cases[i]);
}
