/* Symbolic gradients against central differences in f64, over everything in the prelude and the language:
 * each case is an expression of h, which depends on all parameters. First order: the gradient of the loss.
 * Second order: the loss contains grad(e, h) itself, so its gradient holds second derivatives.
 *
 * Programs are lowered in f64; before the passes run, each parameter's update is replaced by its gradient, so
 * that batching, differentiation and canonicalisation are those of training.
 */
#include "programs.h"

/* The second pair is for kinks nearer than the first step: max, relu. */
static const double step_size[] = {1e-4, 1e-6}, tolerance[] = {1e-7, 1e-5};

/* ---- one program ------------------------------------------------------------------------- */

typedef struct Check {
    Compiled compiled;
    const Run *run;
    Executor *executor;
    Guarded memory;
    sgdrt_column *columns;
    int64_t rows;
    void *state, *start;
    double *sums;
} Check;

static void replace_updates(Compiled *c) {
    Run *run = &c->program->runs[0];
    Root *roots = arena_array(c->arena, Root, run->step.root_count + run->cell_count);
    int count = 0;
    for (int r = 0; r < run->step.root_count; r++)
        if (run->step.roots[r].kind == ROOT_SUM) roots[count++] = run->step.roots[r];
    for (int i = 0; i < run->cell_count; i++) {
        const Cell *cell = &run->cells[i];
        if (cell->kind == CELL_PARAMETER && cell->updated)
            roots[count++] = (Root){ROOT_UPDATE, i, graph_leaf(run->graph, OP_GRADIENT, cell->dtype, cell->shape, i),
                                    cell->name};
    }
    run->step.roots = roots;
    run->step.root_count = count;
}

/* What is minimized at `start`; the parameters' cells of `state` hold their gradients then. */
static double objective(Check *c) {
    memcpy(c->state, c->start, c->run->state_bytes);
    memset(c->sums, 0, sizeof *c->sums * (size_t)c->run->term_count);
    sgdrt_call call = {.state = c->state, .columns = c->columns, .count = c->rows, .batch = c->rows, .sums = c->sums};
    c->executor->call(c->executor, ENTRY_STEP, 0, &call);
    double value = 0;
    for (int t = 0; t < c->run->term_count; t++)
        value += c->run->terms[t].penalty ? c->sums[t] : c->sums[t] / (double)c->rows;
    return value;
}

static double objective_at(Check *c, double *at, double value) {
    double here = *at;
    *at = value;
    double result = objective(c);
    *at = here;
    return result;
}

/* Four points, so that the error goes with the fifth derivative. */
static double slope(Check *c, double *at, double h) {
    double x = *at;
    double near = objective_at(c, at, x + h) - objective_at(c, at, x - h);
    double far = objective_at(c, at, x + 2 * h) - objective_at(c, at, x - 2 * h);
    return (8 * near - far) / (12 * h);
}

static void check_cell(Check *c, const Cell *cell, const char *name, const char *text) {
    int64_t size = shape_size(cell->shape);
    double *start = (double *)(void *)((char *)c->start + cell->offset), largest = 0;
    double *gradient = arena_array(c->compiled.arena, double, size);
    objective(c);
    memcpy(gradient, (char *)c->state + cell->offset, (size_t)size * sizeof(double));
    for (int64_t i = 0; i < size; i++) largest = fmax(largest, fabs(gradient[i]));
    for (int64_t i = 0; i < size; i++) {
        double wanted = slope(c, &start[i], step_size[0]);
        bool fine = fabs(wanted - gradient[i]) <= tolerance[0] * (1 + largest);
        if (!fine) fine = fabs(slope(c, &start[i], step_size[1]) - gradient[i]) <= tolerance[1] * (1 + largest);
        cr_expect(fine, "%s: d %s[%lld] is %.12g, should be %.12g\n%s", name, cell->name, (long long)i, gradient[i],
                  wanted, text);
        if (!fine) return;
    }
}

/* Returns what is minimized. */
static double check_program(const char *name, const char *text) {
    double minimized = NAN;
    Check c = {.compiled = compile_text(text, true), .rows = 5};
    Stream random = {strlen(text)};
    if (c.compiled.program == NULL) {
        diagnostics_print_human(c.compiled.diagnostics, stderr, false);
        cr_expect(false, "%s was refused:\n%s", name, text);
    } else {
        Arena *arena = c.compiled.arena;
        replace_updates(&c.compiled);
        run_passes(&c.compiled, NULL, "order");
        c.run = &c.compiled.program->runs[0];
        c.executor = interpreter_new(arena, c.run);
        c.columns = make_columns(arena, &c.memory, c.run->data, c.rows, &random);
        c.state = aligned_memory(&c.memory, c.run->state_bytes);
        c.start = aligned_memory(&c.memory, c.run->state_bytes);
        c.sums = arena_array(arena, double, c.run->term_count + 1);
        start_state(c.run, c.executor, c.start, NULL, 1);
        minimized = objective(&c);
        int checked = 0;
        for (int i = 0; i < c.run->cell_count; i++) {
            if (c.run->cells[i].kind != CELL_PARAMETER || !c.run->cells[i].updated) continue;
            check_cell(&c, &c.run->cells[i], name, text);
            checked++;
        }
        cr_expect(checked > 0, "%s: nothing to differentiate\n%s", name, text);
        c.executor->free(c.executor);
        guarded_free(&c.memory);
    }
    arena_free(c.compiled.arena);
    return minimized;
}

/* ---- expressions of h -------------------------------------------------------------------- */

/* e: a scalar, made from h (its type says which) and from y: label[6], t: f32, w: a parameter of h's type. */
typedef struct Case {
    const char *h, *e;
    bool twice;
} Case;

static const Case cases[] = {
    /* functions of one number */
    {"f32[6]", "sum(exp(h))", true},
    {"f32[6]", "sum(log(h^2 + 1))", true},
    {"f32[6]", "sum(sqrt(h^2 + 0.5))", true},
    {"f32[6]", "sum(sin(h) * w)", true},
    {"f32[6]", "sum(cos(h) * w)", true},
    {"f32[6]", "sum(tanh(h) * w)", true},
    {"f32[6]", "sum(sigmoid(h) * w)", true},
    {"f32[6]", "sum(erf(h) * w)", true},
    {"f32[6]", "sum(abs(h) * w^2)", true},
    {"f32[6]", "sum(floor(h) * h)", true},
    {"f32[6]", "sum(w / (1 + h^2))", true},
    {"f32[6]", "sum(-h * w)", true},
    {"f32[6]", "sum(h^3 * w)", true},
    {"f32[6]", "sum((h^2 + 1)^(-2) * w)", true},
    {"f32[6]", "sum((h^2 + 0.5)^1.3)", true},
    {"f32[6]", "sum((h^2 + 0.5)^w)", true},
    {"f32[6]", "sum(1.5^h * w)", true},
    {"f32[6]", "sum((h / 2)^7)", true},
    /* of two, and choices */
    {"f32[6]", "sum(max(h, w) * h)", true},
    {"f32[6]", "sum(min(h, w) * w)", true},
    {"f32[6]", "sum(where(h > w, h^2, w * h))", true},
    {"f32[6]", "sum(where(h > 0, sqrt(where(h > 0, h + 0.1, 1)), 0))", true},
    {"f32[6]", "sum(clamp(h, -0.5, 0.5) * w)", true},
    {"f32[6]", "sum(sign(h) * h^2)", true},
    {"f32[6]", "sum(h * stop_gradient(floor(h)))", true},
    /* activations */
    {"f32[6]", "sum(relu(h) * w)", true},
    {"f32[6]", "sum(leaky_relu(h) * w)", true},
    {"f32[6]", "sum(elu(h) * w)", true},
    {"f32[6]", "sum(gelu(h) * w)", true},
    {"f32[6]", "sum(silu(h) * w)", true},
    {"f32[6]", "sum(softplus(h) * w)", true},
    {"f32[6]", "logsumexp(h * w)", true},
    {"f32[6]", "sum(softmax(h) * w)", true},
    {"f32[6]", "sum(log_softmax(h) * w)", true},
    {"f32[3, 4]", "sum(softmax(h) * w)", true},
    {"f32[2, 3, 2]", "sum(log_softmax(h) * w)", false},
    /* reductions */
    {"f32[6]", "mean(h * w)^2", true},
    {"f32[6]", "max(h) * min(w)", true},
    {"f32[3, 4]", "max(h)", true},
    {"f32[3, 4]", "sum([max(h[i]) for i in 0..3])", true},
    {"f32[3, 4]", "sum([min(h[i, j] for i)^2 for j in 0..4])", true},
    {"f32[3, 4]", "sum([mean(h[i, j] for i)^2 * w[0, j] for j in 0..4])", true},
    {"f32[2, 3, 4]", "sum([sum(h[i, j, k] for i, k)^2 for j in 0..3])", true},
    {"f32[6]", "dot(h, w)^2", true},
    {"f32[3, 4]", "norm(h - w) * norm(w[1])", true},
    /* movement */
    {"f32[3, 4]", "sum(transpose(h)^2 * transpose(w))", true},
    {"f32[3, 4]", "sum(flatten(h)^2 * flatten(w))", true},
    {"f32[3, 4]", "sum(reshape(h, [2, 6])^2 * reshape(w, [2, 6]))", true},
    {"f32[6]", "sum(concat(h, w)^2 * concat(w, h))", true},
    {"f32[3, 4]", "sum(h[1..]^2) + sum(h[.., -1]^3) + h[0, 2] * w[2, 0]", true},
    {"f32[2, 3, 3]", "sum(zero_pad(h, 1)^2)", true},
    {"f32[6]", "sum([h[i] * h[5 - i] * i for i in 0..6])", true},
    {"f32[6]", "sum([h[2 * i] * w[i] for i in 0..3])", true},
    {"f32[6]", "sum([(h[i] - 2 * h[i + 1] + h[i + 2])^2 for i in 0..4])", true},
    {"f32[6]", "sum([h[i] * w[j]^2 * h[j] for i in 0..6, j in 0..6])", true},
    {"f32[6]", "sum([max(h[i + u] for u in 0..3)^2 for i in 0..4])", true},
    {"f32[6]", "sum([sum(where(k <= i, h[k], 0) for k in 0..6)^2 for i in 0..6])", true},
    /* matrices and layers */
    {"f32[3, 4]", "sum((h @ transpose(w))^2)", true},
    {"f32[3, 4]", "sum((h @ w[0])^2)", true},
    {"f32[6]", "sum(dense(h, 3)^2)", true},
    {"f32[3, 4]", "sum(tanh(dense(h, 2)))", true},
    {"f32[6]", "sum(layer_norm(h) * w)", true},
    {"f32[3, 4]", "sum(layer_norm(h) * w)", false},
    {"f32[6]", "sum(dropout(h, 0.4)^2)", true},
    {"f32[2, 5, 5]", "sum(conv2d(h, 3, 3)^2)", true},
    {"f32[2, 5, 5]", "sum(conv2d(h, 2, 3, pad = 1)^2)", false},
    {"f32[2, 5, 5]", "sum(conv2d(h, 2, 3, stride = 2, pad = 1)^2)", true},
    {"f32[2, 5, 5]", "sum(conv2d(h, 2, 2, dilation = 2)^2)", false},
    {"f32[2, 5, 5]", "sum(conv2d(h, 4, 2, groups = 2)^2)", false},
    {"f32[2, 4, 4]", "sum(max_pool2d(h, 2)^2)", true},
    {"f32[2, 5, 5]", "sum(max_pool2d(h, 3, stride = 2)^2)", false},
    {"f32[2, 4, 4]", "sum(avg_pool2d(h, 2)^2)", true},
    {"f32[2, 5, 5]", "sum(avg_pool2d(h, 2, stride = 1)^2)", false},
    /* labels */
    {"f32[6]", "h[y] * w[y]", true},
    {"f32[6]", "sum(one_hot(y) * h^2)", true},
    {"f32[6, 2]", "sum(h[y]^2) * w[0, 1]", true},
    {"f32[6]", "where(argmax(h) == y, h[y]^2, h[0])", true},
    /* scans */
    {"f32[6]", "sum(scan v in h { state s = 0.3; s = tanh(s * 0.7 + v * w[0]); return s * v })", true},
    {"f32[6]", "sum(scan v in h, u in w { state s: f32[3] = 0; s = sin(dense([v, u], 3) + s / 2); return s^2 })", true},
    {"f32[6]", "(scan i in 0..4 { state s: f32[6] = h; s = sin(s * w + i * h); return sum(s) })[-1]", true},
    {"f32[6]", "sum(scan v in h { state s = 0; s = where(v > s, v^2, s * v); return max(s, w[1]) })", true},
    {"f32[6]", "sum(scan v in h { state s = h[y]; s = exp(-s^2) * v + sum(softmax(h * s) * w); return s })", true},
    {"f32[3, 4]", "sum(scan v in h { state s: f32[4] = w[0]; s = tanh(transpose(w) @ (w @ s) + v); return s })", true},
    {"f32[3, 4]",
     "sum(scan v in h { state a: f32[4] = 0; state b = 1; c = a; a = b * v + sin(c); b = b * a[1]; "
     "return c * b })",
     true},
    {"f32[6]",
     "sum(scan v in h { state s = 0.1; q = scan u in w { state z = v; z = sin(z * s + u); return z }; "
     "s = s / 2 + q[-1] * v; return s + q[0] })",
     true},
    {"f32[3, 4]",
     "sum(scan v in h { q = scan u in v { state z = 0.2; z = tanh(z * u + w[1, 2]); return z }; "
     "return q[3] * sum(v) })",
     true},
    {"f32[3, 4]", "sum([(scan u in h[i] { state z = w[i, 0]; z = tanh(z * u); return z })[-1]^2 for i in 0..3])", true},
    {"f32[2, 3, 2]", "sum(rnn(h, 3)^2)", true},
    {"f32[3, 4]", "sum(lstm(h, 2)^2)", true},
    {"f32[3, 4]", "sum(gru(h, 2)^2)", true},
    /* losses and penalties */
    {"f32[6]", "mse(h, w)", true},
    {"f32[6]", "squared(h[0], t)", true},
    {"f32[6]", "mae(h, w)", true},
    {"f32[6]", "sum(huber(h, w))", true},
    {"f32[6]", "cross_entropy(h, y)", true},
    {"f32[6]", "sum(binary_cross_entropy(h, w))", true},
    {"f32[6]", "negative_log_likelihood(log_softmax(h), y)", true},
    {"f32[6]", "hinge(h[0], t)", true},
    {"f32[6]", "l2(h) + l1(w)", true},
};
enum { CASES = sizeof cases / sizeof *cases };

static void check_case(const Case *test, bool twice) {
    static const char *const last = "  e = %s\n%s  return %s\n}\n";
    Arena *arena = arena_new();
    Text text = text_new(arena);
    int shape[3] = {1, 1, 1}, rank = sscanf(test->h, "f32[%d, %d, %d]", &shape[0], &shape[1], &shape[2]), size = 1;
    for (int a = 0; a < rank; a++) size *= shape[a];
    text_add(&text, "data d {\n  x: f32[3]\n  y: label[6]\n  t: f32\n}\n");
    text_add(&text, "model net(x: f32[3], y: label[6], t: f32) -> f32 {\n");
    text_add(&text, "  param a: f32[%d, 3] ~ normal(0, 0.6)\n  param c: f32[%d] ~ normal(0, 0.7)\n", size, size);
    text_add(&text, "  param w: %s ~ uniform(-1, 1)\n  g = a @ x + c\n", test->h);
    if (rank == 1)
        text_add(&text, "  h = g\n");
    else if (rank == 2)
        text_add(&text, "  h = reshape(g, [%d, %d])\n", shape[0], shape[1]);
    else
        text_add(&text, "  h = reshape(g, [%d, %d, %d])\n", shape[0], shape[1], shape[2]);
    text_add(&text, last, test->e, twice ? "  s = grad(e, h)\n" : "",
             twice ? "sum(s / (1 + s^2)) + mean(s * h) + e" : "sin(e) + e^2");
    text_add(&text, "train fit {\n  data = d\n  minimize = net(x, y, t)\n  penalty = 0.1 * l2(net.w)\n"
                    "  optimizer = sgd(lr = 0.1)\n}\n");
    check_program(test->e, text.bytes);
    arena_free(arena);
}

Test(gradients, first_order) {
    for (int i = 0; i < CASES; i++) check_case(&cases[i], false);
}

Test(gradients, second_order) {
    for (int i = 0; i < CASES; i++)
        if (cases[i].twice) check_case(&cases[i], true);
}

/* ---- whole programs ---------------------------------------------------------------------- */

#define POINTS "data d {\n  x: f32\n  t: f32\n}\n"
#define CURVE "model u(x: f32) -> f32 {\n  h = tanh(dense([x], 5))\n  return dense(h, 1)[0]\n}\n"
#define TRAIN "train fit {\n  data = d\n  minimize = %s\n  optimizer = sgd(lr = 0.1)\n}\n"

static void check_loss(const char *definitions, const char *loss) {
    Arena *arena = arena_new();
    check_program(loss, text_format(arena, "%s%s" TRAIN, POINTS, definitions, loss));
    arena_free(arena);
}

Test(gradients, of_gradients_of_models) {
    check_loss(CURVE "def r(x: f32) -> f32 {\n  v = u(x)\n  return grad(v, x)\n}\n", "r(x)^2");
    check_loss(CURVE "def r(x: f32) -> f32 {\n  v = u(x)\n  g = grad(v, x)\n  return grad(g, x) + v * g\n}\n",
               "r(x)^2");
    check_loss(CURVE "def r(x: f32) -> f32 {\n  v = u(x)\n  g = grad(v, x)\n  k = grad(g, x)\n  return grad(k, x)\n}\n",
               "r(x)^2 + (u(0) - 1)^2");
}

/* Over the rows of the mini-batch: of as many as a mini-batch has, and of one that has fewer. */
static void check_batch_loss(const char *loss) {
    static const int batches[] = {5, 8};
    double minimized[2];
    for (int b = 0; b < 2; b++) {
        Arena *arena = arena_new();
        const char *text = text_format(arena,
                                       "%s%sdef slope(x: f32) -> f32 {\n  v = u(x)\n  return grad(v, x)\n}\n"
                                       "train fit {\n  data = d\n  minimize = %s\n  optimizer = sgd(lr = 0.1)\n"
                                       "  batch = %d\n}\n",
                                       POINTS, CURVE, loss, batches[b]);
        minimized[b] = check_program(loss, text);
        arena_free(arena);
    }
    /* sums over two axes have another order */
    bool same = fabs(minimized[0] - minimized[1]) <= 1e-14 * (1 + fabs(minimized[0]));
    cr_expect(same, "%s: %.17g of 5 rows, %.17g of 5 of 8", loss, minimized[0], minimized[1]);
}

Test(gradients, over_rows_of_the_batch) {
    static const char *const losses[] = {
        "sum([batch(u(x))[j]^2 * u(t) for j])",
        "mean([(u(x) - batch(u(t))[j])^2 for j])",
        "log(sum([exp(u(x) * batch(u(t))[j]) for j])) - u(x) * u(t)",
        "max([u(x) * batch(u(t))[j] for j])",
        "min([u(x) - batch(u(t))[j] for j])",
        "max(batch(u(x))) * u(t)",
        "min(batch(u(x) * u(t)))",
        "sum([where(batch(t)[j] >= t, exp(batch(u(x))[j]), 0) for j])",
        "sum([batch(u(x))[i] * batch(u(t))[j] * (1 + i - j) for i, j]) * u(x)",
        "sum([batch(sum([batch(u(x))[i]^2 * u(t) for i]))[j] * u(x) for j])",
        "mean([(slope(x) - batch(slope(t))[j])^2 for j])",
    };
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) check_batch_loss(losses[i]);
}

Test(gradients, of_shared_and_repeated_parameters) {
    check_loss(CURVE, "mse(u(x) * u(-x), u(t))");
    check_loss("layer block(x: real[n]) -> real[n] = x + tanh(dense(x, n))\n"
               "model u(x: f32) -> f32 {\n  h = dense([x], 3)\n  repeat 3 { h = block(h) }\n  return sum(h)\n}\n",
               "squared(u(x), t)");
}
