/* Random programs, compiled and interpreted, compared bit for bit: initial values, parameters after steps
 * with ragged tails, sums, evaluation, predictions and metrics, at random optimisation levels and vector
 * widths.
 *
 * A program is text, made statement by statement from values whose shapes are known, so that it is well typed
 * by construction; that it is refused is a failure as well. What it computes makes no sense, which is the
 * point.
 *
 * In the environment: SGDC_PROGRAMS=N makes N programs instead of 2000, SGDC_PROGRAM=SEED just that one,
 * printed. With SGDC_AARCH64 (emulated.h) they are compiled for aarch64, and emulated.
 */
#include "programs.h"

#include "emulated.h"
#include "turns.h"

/* ---- the generator ----------------------------------------------------------------------- */

enum { MOST_VALUES = 40, MOST_ELEMENTS = 300 };   /* times the scale */

typedef struct Value { char name[8]; int rank; int extent[3]; } Value;

typedef struct Generator {
    Stream random;
    Text text;
    Value values[MOST_VALUES]; int count;
    int fresh, classes, batch;             /* classes 0: no label */
    int scale;                             /* of extents: 1, or more for kernels with tiles and blocks */
    bool channels;                         /* images with as many channels as make vectors ... */
    bool few;                              /* ... or with few, and so many pixels that batches have many chunks */
} Generator;

static int below(Generator *g, int n) { return stream_below(&g->random, n); }
static bool chance(Generator *g, int percent) { return below(g, 100) < percent; }

static int elements(const Value *v)
{
    int n = 1;
    for (int a = 0; a < v->rank; a++)
        n *= v->extent[a];
    return n;
}

static const char *type_of(Generator *g, int rank, const int *extent)
{
    Text t = text_new(g->text.arena);
    text_add(&t, "f32");
    for (int a = 0; a < rank; a++)
        text_add(&t, "%s%d", a ? ", " : "[", extent[a]);
    text_add(&t, "%s", rank ? "]" : "");
    return t.bytes;
}

static const Value *any(Generator *g)
{
    return &g->values[g->count - 1 - below(g, chance(g, 70) && g->count > 3 ? 3 : g->count)];
}

static const Value *of_rank(Generator *g, int least, int most)
{
    for (int tries = 0; tries < 12; tries++) {
        const Value *v = any(g);
        if (v->rank >= least && v->rank <= most)
            return v;
    }
    return NULL;
}

/* Another value of the same shape. */
static const Value *like(Generator *g, const Value *v)
{
    for (int tries = 0; tries < 12; tries++) {
        const Value *w = any(g);
        if (w != v && w->rank == v->rank && memcmp(w->extent, v->extent, sizeof(int) * (size_t)v->rank) == 0)
            return w;
    }
    return NULL;
}

/* A new value of the shape; its statement follows. */
static Value *add_value(Generator *g, int rank, int a, int b, int c)
{
    Value *v = &g->values[g->count++];
    *v = (Value){.rank = rank, .extent = {a, b, c}};
    snprintf(v->name, sizeof v->name, "h%d", g->fresh++);
    return v;
}

static Value *add_like(Generator *g, const Value *v)
{
    return add_value(g, v->rank, v->extent[0], v->extent[1], v->extent[2]);
}

static void statement(Generator *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void statement(Generator *g, const char *format, ...)
{
    char line[400];
    va_list rest;
    va_start(rest, format);
    vsnprintf(line, sizeof line, format, rest);
    va_end(rest);
    text_add(&g->text, "  %s\n", line);
}

static double constant(Generator *g) { return (below(g, 41) - 20) / 8.0; }

static int param(Generator *g, int rank, const int *extent)
{
    static const char *const starts[] = {"~ normal(0, 0.4)", "~ uniform(-0.5, 0.5)", "= 0.25", "= 0"};
    statement(g, "param p%d: %s %s", g->fresh, type_of(g, rank, extent), starts[below(g, 4)]);
    return g->fresh++;
}

/* ---- statements: each returns false if nothing in reach fits */

static bool elementwise(Generator *g)
{
    static const char *const formats[] = {
        "%s = relu(%s)",     "%s = tanh(%s)",          "%s = sigmoid(%s)",       "%s = gelu(%s)",
        "%s = silu(%s)",     "%s = softplus(%s)",      "%s = leaky_relu(%s)",    "%s = elu(%s)",
        "%s = sin(%s)",      "%s = cos(%s)",           "%s = erf(%s)",           "%s = abs(%s)",
        "%s = -%s",          "%s = exp(min(%s, 1))",   "%s = stop_gradient(%s)", "%s = clamp(%s, -1, 1)",
        "%s = sign(%s) / 4", "%s = floor(3 * %s) / 8", "%s = 1 / (1 + abs(%s))", "%s = sigmoid(sin(%s))"};
    static const char *const twice[] = {"%s = %s * %s",
                                        "%s = sqrt(abs(%s) + %s^2 + 0.1)",
                                        "%s = log(abs(%s) + %s^2 + 1)",
                                        "%s = %s^2 - 0.5 * %s",
                                        "%s = where(%s > 0.25, %s, 0.125)",
                                        "%s = %s^3 / (1 + %s^2)",
                                        "%s = (abs(%s) + 0.5)^(-2) * %s",
                                        "%s = (abs(%s) + 0.1)^1.3 - %s",
                                        "%s = tanh(%s)^4 + %s",
                                        "%s = where(not (%s <= 0), %s, -0.0)"};
    const Value *v = any(g), *h = add_like(g, v);
    if (chance(g, 60))
        statement(g, formats[below(g, 20)], h->name, v->name);
    else
        statement(g, twice[below(g, 10)], h->name, v->name, v->name);
    return true;
}

static bool binary(Generator *g)
{
    static const char *const formats[] = {"%s = %s + %s",
                                          "%s = %s - %s",
                                          "%s = %s * %s",
                                          "%s = max(%s, %s)",
                                          "%s = min(%s, %s)",
                                          "%s = %s / (1 + %s^2)",
                                          "%s = %s * 0.5 + %s * 0.25",
                                          "%s = %s - 2 * %s",
                                          "%s = where(%s < 0.1, %s, 1)",
                                          "%s = huber(%s, %s)"};
    const Value *v = any(g), *w = like(g, v);
    if (w == NULL)
        return false;
    const Value *h = add_like(g, v);
    statement(g, formats[below(g, 10)], h->name, v->name, w->name);
    return true;
}

static bool with_scalar(Generator *g)
{
    const Value *v = any(g), *s = of_rank(g, 0, 0);
    if (s == NULL)
        return false;
    const Value *h = add_like(g, v);
    static const char *const formats[] = {"%s = %s * %s", "%s = %s + %s", "%s = %s - %s", "%s = max(%s, %s)"};
    statement(g, formats[below(g, 4)], h->name, v->name, s->name);
    return true;
}

static bool affine(Generator *g)
{
    const Value *v = any(g), *h = add_like(g, v);
    statement(g, "%s = %g * %s + %g", h->name, constant(g), v->name, constant(g));
    return true;
}

static bool scaled(Generator *g)
{
    const Value *v = any(g);
    int p = param(g, v->rank, v->extent);
    const Value *h = add_like(g, v);
    statement(g, "%s = p%d * %s", h->name, p, v->name);
    return true;
}

static bool dense_layer(Generator *g)
{
    const Value *v = of_rank(g, 1, 3);
    if (v == NULL)
        return false;
    int extent[3], m = 1 + below(g, (chance(g, 20) ? 24 : 9) * g->scale);
    memcpy(extent, v->extent, sizeof extent);
    extent[v->rank - 1] = m;
    Value *h = add_value(g, v->rank, extent[0], extent[1], extent[2]);
    if (elements(h) > MOST_ELEMENTS * g->scale) {
        g->count--;
        return false;
    }
    statement(g, chance(g, 50) ? "%s = dense(%s, %d)" : "%s = relu(dense(%s, %d))", h->name, v->name, m);
    return true;
}

static bool matrix_product(Generator *g)
{
    const Value *v = of_rank(g, 1, 2);
    if (v == NULL)
        return false;
    int m = 1 + below(g, 8 * g->scale), last = v->extent[v->rank - 1];
    if (v->rank == 1) {
        int p = param(g, 2, (int[]){m, last});
        const Value *h = add_value(g, 1, m, 0, 0);
        statement(g, "%s = p%d @ %s", h->name, p, v->name);
    } else {
        int p = param(g, 2, (int[]){last, m});
        int rows = v->extent[0];
        const Value *h = add_value(g, 2, rows, m, 0);
        statement(g, "%s = %s @ p%d", h->name, v->name, p);
    }
    return true;
}

static bool reduction(Generator *g)
{
    static const char *const ops[] = {"sum", "mean", "max", "min"};
    const Value *v = of_rank(g, 1, 3);
    if (v == NULL)
        return false;
    const char *op = ops[below(g, 4)];
    Value w = *v;
    if (w.rank == 1 || chance(g, 30)) {
        const Value *h = add_value(g, 0, 0, 0, 0);
        statement(g, "%s = %s(%s)", h->name, op, w.name);
    } else if (w.rank == 2) {
        bool first = chance(g, 50);
        const Value *h = add_value(g, 1, w.extent[first ? 0 : 1], 0, 0);
        if (first)
            statement(g, "%s[i] = %s(%s[i])", h->name, op, w.name);
        else
            statement(g, "%s[j] = %s(%s[i, j] for i)", h->name, op, w.name);
    } else if (chance(g, 50)) {
        const Value *h = add_value(g, 1, w.extent[0], 0, 0);
        statement(g, "%s[a] = %s(%s[a])", h->name, op, w.name);
    } else {
        const Value *h = add_value(g, 2, w.extent[2], w.extent[0], 0);
        statement(g, "%s[j, a] = %s(%s[a, i, j] for i)", h->name, op, w.name);
    }
    return true;
}

static bool movement(Generator *g)
{
    const Value *found = of_rank(g, 1, 3);
    if (found == NULL)
        return false;
    Value v = *found;
    int n = v.extent[v.rank - 1], first = v.extent[0];
    switch (below(g, 7)) {
    case 0:
        if (v.rank != 2)
            return false;
        statement(g, "%s = transpose(%s)", add_value(g, 2, v.extent[1], v.extent[0], 0)->name, v.name);
        return true;
    case 1:
        if (first < 2)
            return false;
        statement(g, "%s = %s[1..]", add_value(g, v.rank, first - 1, v.extent[1], v.extent[2])->name, v.name);
        return true;
    case 2:
        if (v.rank < 2)
            return false;
        statement(g, "%s = %s[-1]", add_value(g, v.rank - 1, v.extent[1], v.extent[2], 0)->name, v.name);
        return true;
    case 3:
        if (v.rank < 2)
            return false;
        statement(g, "%s = flatten(%s)", add_value(g, 1, elements(&v), 0, 0)->name, v.name);
        return true;
    case 4:
        if (elements(&v) % 2)
            return false;
        statement(g, "%s = reshape(%s, [2, %d])", add_value(g, 2, 2, elements(&v) / 2, 0)->name, v.name,
                  elements(&v) / 2);
        return true;
    case 5: {
        int extent[3] = {v.extent[0], v.extent[1], v.extent[2]};
        extent[v.rank - 1] = 2 * n;
        Value *h = add_value(g, v.rank, extent[0], extent[1], extent[2]);
        statement(g, "%s = concat(%s, -%s)", h->name, v.name, v.name);
        return true;
    }
    default:
        if (v.rank != 2)
            return false;
        statement(g, "%s = %s[.., %d]", add_value(g, 1, first, 0, 0)->name, v.name, below(g, n));
        return true;
    }
}

static bool window(Generator *g)
{
    const Value *found = of_rank(g, 1, 1);
    if (found == NULL || found->extent[0] < 3)
        return false;
    Value v = *found;
    int n = v.extent[0];
    switch (below(g, 5)) {
    case 0:
        statement(g, "%s[i in 0..%d] = %s[i] - 2 * %s[i + 1] + %s[i + 2]", add_value(g, 1, n - 2, 0, 0)->name,
                  n - 2, v.name, v.name, v.name);
        return true;
    case 1:
        statement(g, "%s[i in 0..%d] = %s[2 * i + 1]", add_value(g, 1, n / 2, 0, 0)->name, n / 2, v.name);
        return true;
    case 2:
        statement(g, "%s[i in 0..%d] = %s[%d - i] * i", add_value(g, 1, n, 0, 0)->name, n, v.name, n - 1);
        return true;
    case 3: {
        int p = param(g, 1, (int[]){3});
        statement(g, "%s[i in 0..%d] = sum(p%d[u] * %s[i + u] for u)", add_value(g, 1, n - 2, 0, 0)->name,
                  n - 2, p, v.name);
        return true;
    }
    default:
        statement(g, "%s[i in 0..%d] = max(%s[i + u] for u in 0..3)", add_value(g, 1, n - 2, 0, 0)->name,
                  n - 2, v.name);
        return true;
    }
}

static bool outer(Generator *g)
{
    const Value *a = of_rank(g, 1, 1), *b = of_rank(g, 1, 1);
    if (a == NULL || b == NULL || elements(a) * elements(b) > MOST_ELEMENTS * g->scale)
        return false;
    Value x = *a, y = *b;
    const Value *h = add_value(g, 2, x.extent[0], y.extent[0], 0);
    static const char *const formats[] = {"%s[i, j] = %s[i] * %s[j]", "%s[i, j] = tanh(%s[i] - %s[j])",
                                          "%s[i, j] = where(i <= j, %s[i], %s[j])"};
    statement(g, formats[below(g, 3)], h->name, x.name, y.name);
    return true;
}

static bool channels_layer(Generator *g, const Value *v)
{
    static const int channels[] = {4, 8, 8, 12, 16, 16, 20, 24, 32, 48, 64, 3};
    int h = v->extent[1], w = v->extent[2], k = 1 + below(g, 4), stride = g->few ? 1 : 1 + below(g, 3);
    int m = g->few ? 3 + below(g, 5) : channels[below(g, 12)], pad = below(g, k + 1), dilation = chance(g, 20) ? 2 : 1;
    int reach = dilation * (k - 1) + 1;
    if (h + 2 * pad < reach || w + 2 * pad < reach)
        return false;
    const Value *out = add_value(g, 3, m, (h + 2 * pad - reach) / stride + 1,
                                 (w + 2 * pad - reach) / stride + 1);
    if (elements(out) > MOST_ELEMENTS * g->scale) {
        g->count--;
        return false;
    }
    static const char *const formats[] = {
        "%s = conv2d(%s, %d, %d, stride = %d, pad = %d, dilation = %d)",
        "%s = relu(conv2d(%s, %d, %d, stride = %d, pad = %d, dilation = %d))"};
    statement(g, formats[below(g, 2)], out->name, v->name, m, k, stride, pad, dilation);
    return true;
}

static bool image(Generator *g)
{
    const Value *found = of_rank(g, 3, 3);
    if (found == NULL)
        return false;
    Value v = *found;
    int c = v.extent[0], h = v.extent[1], w = v.extent[2], k = 1 + below(g, 3), stride = 1 + below(g, 2);
    if (chance(g, 25)) {
        if (h < k || w < k)
            return false;
        const Value *out = add_value(g, 3, c, (h - k) / stride + 1, (w - k) / stride + 1);
        statement(g, "%s = %s(%s, %d, stride = %d)", out->name, chance(g, 50) ? "max_pool2d" : "avg_pool2d",
                  v.name, k, stride);
        return true;
    }
    if (g->channels)
        return channels_layer(g, &v);
    int pad = below(g, 2), dilation = chance(g, 25) ? 2 : 1, groups = c % 2 == 0 && chance(g, 30) ? 2 : 1;
    int reach = dilation * (k - 1) + 1, m = groups * (1 + below(g, 3 * g->scale));
    if (h + 2 * pad < reach || w + 2 * pad < reach)
        return false;
    const Value *out = add_value(g, 3, m, (h + 2 * pad - reach) / stride + 1,
                                 (w + 2 * pad - reach) / stride + 1);
    statement(g, "%s = conv2d(%s, %d, %d, stride = %d, pad = %d, dilation = %d, groups = %d)", out->name,
              v.name, m, k, stride, pad, dilation, groups);
    return true;
}

static bool vector_function(Generator *g)
{
    static const char *const formats[] = {"%s = softmax(%s)", "%s = log_softmax(%s)", "%s = layer_norm(%s)",
                                          "%s = centred(%s)", "%s = running(%s)"};
    const Value *v = of_rank(g, 1, 3);
    if (v == NULL)
        return false;
    Value w = *v;
    if (chance(g, 20)) {
        const Value *h = add_value(g, w.rank - 1, w.extent[0], w.extent[1], 0);
        statement(g, chance(g, 50) ? "%s = logsumexp(%s)" : "%s = spread(%s)", h->name, w.name);
        return true;
    }
    const Value *h = add_like(g, &w);
    statement(g, formats[below(g, 5)], h->name, w.name);
    return true;
}

static bool noise(Generator *g)
{
    const Value *v = any(g);
    Value w = *v;
    if (w.rank && chance(g, 50)) {
        statement(g, "%s = dropout(%s, 0.3)", add_like(g, &w)->name, w.name);
        return true;
    }
    const Value *h = add_like(g, &w);
    statement(g, "n%s: %s ~ %s", h->name, type_of(g, w.rank, w.extent),
              chance(g, 50) ? "normal(0, 0.1)" : "uniform(-0.1, 0.1)");
    statement(g, "%s = if training then %s + n%s else %s", h->name, w.name, h->name, w.name);
    return true;
}

static bool repeated(Generator *g)
{
    const Value *v = of_rank(g, 1, 2);
    if (v == NULL)
        return false;
    Value w = *v;
    const Value *h = add_like(g, &w);
    statement(g, "%s = %s", h->name, w.name);
    statement(g, "repeat %d { %s = %s + 0.5 * tanh(dense(%s, %d)) }", 1 + below(g, 3), h->name, h->name,
              h->name, w.extent[w.rank - 1]);
    return true;
}

static bool by_label(Generator *g)
{
    if (g->classes == 0)
        return false;
    int m = 1 + below(g, 10), n = 1 + below(g, 5), p;
    const Value *scores = of_rank(g, 1, 1);
    if (scores && scores->extent[0] == g->classes) {
        Value w = *scores;
        statement(g, "%s = where(argmax(%s) == y, %s[y], 0.5)", add_value(g, 0, 0, 0, 0)->name, w.name,
                  w.name);
        return true;
    }
    switch (below(g, 4)) {
    case 0:
        p = param(g, 2, (int[]){g->classes, m});
        statement(g, "%s = p%d[y]", add_value(g, 1, m, 0, 0)->name, p);
        return true;
    case 1:
        p = param(g, 3, (int[]){g->classes, n, m});
        statement(g, "%s = p%d[y]", add_value(g, 2, n, m, 0)->name, p);
        return true;
    case 2:
        statement(g, "%s = one_hot(y)", add_value(g, 1, g->classes, 0, 0)->name);
        return true;
    default:
        p = param(g, 1, &g->classes);
        statement(g, "%s = p%d[y]", add_value(g, 0, 0, 0, 0)->name, p);
        return true;
    }
}

static bool derivative(Generator *g)
{
    const Value *v = any(g);
    Value w = *v;
    const Value *s = add_value(g, 0, 0, 0, 0), *h = add_like(g, &w);
    static const char *const formats[] = {"%s = sum(sin(%s) * %s)", "%s = mean(%s * softplus(%s))",
                                          "%s = sum(tanh(%s) / (1 + %s^2))", "%s = sum(exp(-%s^2) + 0 * %s)"};
    static const char *const scalar[] = {"%s = sin(%s) * %s", "%s = %s * softplus(%s)",
                                         "%s = tanh(%s) / (1 + %s^2)", "%s = exp(-%s^2) + 0 * %s"};
    statement(g, (w.rank ? formats : scalar)[below(g, 4)], s->name, w.name, w.name);
    statement(g, "%s = grad(%s, %s)", h->name, s->name, w.name);
    return true;
}

typedef bool Maker(Generator *g);
static Maker *const makers[] = {
    elementwise, elementwise, elementwise,    binary,          binary,    with_scalar, affine,   scaled,
    dense_layer, dense_layer, matrix_product, reduction,       reduction, movement,    movement, window,
    outer,       image,       image,          vector_function, noise,     repeated,    by_label, derivative};
enum { MAKERS = sizeof makers / sizeof *makers };

/* Of images with channels: convolutions and what stands between them. */
static Maker *const channel_makers[] = {image, image, image, image, image, image, elementwise, elementwise,
                                        binary, binary, scaled, affine, reduction, movement, noise};
enum { CHANNEL_MAKERS = sizeof channel_makers / sizeof *channel_makers };

/* ---- a program */

static void add_helpers(Generator *g)
{
    text_add(&g->text, "def centred(x: real[n]) -> real[n] = x - mean(x)\n"
                       "def spread(x: real[n]) -> real = sqrt(mean((x - mean(x))^2) + 0.01)\n"
                       "def running(x: real[n]) -> real[n] {\n"
                       "  s[i in 0..n] = sum(where(k <= i, x[k], 0) for k in 0..n)\n"
                       "  return s\n"
                       "}\n");
}

static void add_data(Generator *g, const char *input, int outputs)
{
    bool bytes = chance(g, 20);
    const char *of_bytes = bytes ? "= npy(a = \"a.npy\", b = \"b.npy\", c = \"c.npy\")" : "";
    text_add(&g->text, "data d %s {\n  x: %s%s\n", of_bytes, input, bytes ? " = a" : "");
    if (g->classes)
        text_add(&g->text, "  y: label[%d]%s\n", g->classes, bytes ? " = b" : "");
    int extent[1] = {outputs};
    text_add(&g->text, "  t: %s%s\n}\n", type_of(g, outputs > 1, extent), bytes ? " = c" : "");
}

/* The last values together, as a vector of m or a scalar. */
static void add_result(Generator *g, int m)
{
    Value last = g->values[g->count - 1];
    if (last.rank == 0)
        statement(g, "out = dense([%s], %d)", last.name, m);
    else
        statement(g, "out = dense(%s%s%s, %d)", last.rank > 1 ? "flatten(" : "", last.name,
                  last.rank > 1 ? ")" : "", m);
    for (int i = g->count - 2, used = 0; i > 0 && used < 3; i--, used++) {
        Value *v = &g->values[i];
        statement(g, "out = out + %g * %s%s%s", constant(g) / 8, v->rank ? "mean(" : "", v->name,
                  v->rank ? ")" : "");
    }
    statement(g, m > 1 ? "return out" : "return out[0]");
}

static const char *learning_rate(Generator *g)
{
    static const char *const rates[] = {"0.05",
                                        "0.01",
                                        "0.02 * warmup(progress, 0.5)",
                                        "0.05 * cosine(progress)",
                                        "0.05 * step_decay(step, 2)",
                                        "0.05 * exponential(step, 0.9)",
                                        "0.1 * 0.5^epoch",
                                        "0.05 * one_cycle(progress)",
                                        "0.1 / (1 + step)",
                                        "0.03 * polynomial(step, 0.5, 1, -0.5)"};
    return rates[below(g, 10)];
}

static void add_training(Generator *g, const char *call, bool classify, bool scalar)
{
    static const char *const optimizers[] = {"sgd",     "momentum", "nesterov", "adagrad",
                                             "rmsprop", "adam",     "adamw"};
    static const char *const losses[] = {"squared", "mse", "mae", "huber", "binary_cross_entropy", "hinge"};
    text_add(&g->text, "train fit {\n");
    statement(g, "data = d");
    if (classify)
        statement(g, "minimize = cross_entropy(%s, y)", call);
    else
        statement(g, "minimize = %s(%s, t)", scalar ? losses[below(g, 6)] : "mse", call);
    if (chance(g, 25))
        statement(g, "minimize extra = 0.1 * mse(%s, %s)", call, classify ? "one_hot(y)" : "0.5 * t");
    if (chance(g, 15))
        statement(g, "minimize twin = 0.1 * mse(%s, net(-x%s))", call, g->classes ? ", y" : "");
    if (chance(g, 25))
        statement(g, "penalty = 0.01 * %s(net.out.dense.w)", chance(g, 50) ? "l2" : "l1");
    if (chance(g, 25))
        statement(g, "gradient = clip_norm(grad, %s)", chance(g, 50) ? "1" : "0.1");
    statement(g, "optimizer = %s(lr = %s)", optimizers[below(g, 7)], learning_rate(g));
    if (chance(g, 20))
        statement(g, "optimizer[net.out] = %s(lr = %s)", optimizers[below(g, 7)], learning_rate(g));
    if (classify && chance(g, 50)) {
        statement(g, "measure accuracy = accuracy(%s, y)", call);
        statement(g, "measure f1 = f1(%s, y)", call);
    } else if (scalar && chance(g, 50)) {
        statement(g, "measure rmse = rmse(%s, t)", call);
        statement(g, "measure r2 = r2(%s, t)", call);
    }
    if (g->batch)
        statement(g, "batch = %d", g->batch);
    statement(g, "epochs = 3");
    if (classify && chance(g, 50))
        statement(g, "predict = softmax(%s)", call);
    text_add(&g->text, "}\n");
}

/* The text of the program of this seed; *batch gets its rows per step, 0 for all. */
static const char *random_program(Arena *arena, uint64_t seed, int *batch)
{
    static const int batches[] = {0, 1, 2, 3, 5, 8, 16, 17, 33, 64},
                     large_batches[] = {50, 64, 128, 300, 600};
    Generator g = {.random = {seed * 0x2545f4914f6cdd1dull}, .text = text_new(arena)};
    g.scale = chance(&g, 8) ? 8 : 1;
    g.channels = chance(&g, 12);
    g.few = g.channels && chance(&g, 30);
    if (g.channels)
        g.scale = g.few ? 10 : 4;
    g.batch = g.few         ? large_batches[below(&g, 3)]
              : g.channels  ? batches[1 + below(&g, 8)]
              : g.scale > 1 ? large_batches[below(&g, 5)]
                            : batches[below(&g, 10)];
    g.classes = chance(&g, 50) ? 2 + below(&g, 9) : 0;
    bool classify = g.classes && chance(&g, 70);
    int outputs = classify ? g.classes : chance(&g, 60) ? 1 : 2 + below(&g, 10);
    Value *x = &g.values[g.count++];
    *x = (Value){.name = "x", .rank = g.channels ? 3 : g.scale > 1 ? 1 + 2 * below(&g, 2) : below(&g, 4)};
    for (int a = 0; a < x->rank; a++)
        x->extent[a] = x->rank == 3 && a > 0
                           ? (g.few ? 18 : 4) + below(&g, g.channels ? 8 : g.scale > 1 ? 13 : 5)
                           : 1 + below(&g, (x->rank == 1 ? 20 : 6) * (x->rank == 1 ? g.scale : 1));
    const char *input = type_of(&g, x->rank, x->extent);
    add_helpers(&g);
    add_data(&g, input, classify ? 1 : outputs);
    int extent[1] = {outputs};
    text_add(&g.text, "model net(x: %s%s) -> %s {\n", input,
             g.classes ? text_format(arena, ", y: label[%d]", g.classes) : "",
             type_of(&g, outputs > 1, extent));
    int statements = 1 + below(&g, g.few ? 2 : g.scale > 1 ? 4 : 9);
    for (int made = 0, tries = 0; made < statements && tries < 60 && g.count < MOST_VALUES - 4; tries++) {
        Maker *make = g.channels ? channel_makers[below(&g, CHANNEL_MAKERS)] : makers[below(&g, MAKERS)];
        if (!make(&g))
            continue;
        if (elements(&g.values[g.count - 1]) > MOST_ELEMENTS * g.scale)
            tries = 60;
        made++;
    }
    add_result(&g, outputs);
    text_add(&g.text, "}\n");
    add_training(&g, g.classes ? "net(x, y)" : "net(x)", classify, outputs == 1);
    *batch = g.batch;
    return g.text.bytes;
}

#ifdef __SANITIZE_ADDRESS__
enum { USUAL_PROGRAMS = 200 };             /* each takes ten times as long */
#else
enum { USUAL_PROGRAMS = 2000 };
#endif

/* ---- the comparison ---------------------------------------------------------------------- */

/* Where two arrays differ, all NaN being equal; -1: nowhere. */
static int64_t difference(DType t, const void *a, const void *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        size_t bytes = dtype_bytes(t);
        const char *x = (const char *)a + (size_t)i * bytes, *y = (const char *)b + (size_t)i * bytes;
        if (memcmp(x, y, bytes) == 0)
            continue;
        if (t == DTYPE_F32 && *(const float *)(const void *)x != *(const float *)(const void *)x &&
            *(const float *)(const void *)y != *(const float *)(const void *)y)
            continue;
        if (t == DTYPE_F64 && *(const double *)(const void *)x != *(const double *)(const void *)x &&
            *(const double *)(const void *)y != *(const double *)(const void *)y)
            continue;
        return i;
    }
    return -1;
}

typedef struct Side {
    Executor *executor;
    void *state, *work;
    double *sums;
    void **outputs;                        /* of evaluate, predict and metrics, in this order */
} Side;

typedef struct Trial {
    Compiled compiled;
    const Run *run;
    Guarded memory;
    sgdrt_column *columns;
    int64_t rows, batch;
    uint32_t *order;
    Side side[2];
    Turns turns;                           /* what the compiled side runs on, if on more than one thread */
    const char *text;
    uint64_t seed;
} Trial;

static double number_at(DType t, const void *p, int64_t i)
{
    switch (t) {
    case DTYPE_F32: return (double)((const float *)p)[i];
    case DTYPE_F64: return ((const double *)p)[i];
    case DTYPE_I32: return ((const int32_t *)p)[i];
    default: return ((const uint8_t *)p)[i];
    }
}

static bool same(const Trial *t, const char *what, const char *name, DType type, const void *a, const void *b,
                 int64_t n)
{
    int64_t at = difference(type, a, b, n);
    if (at < 0)
        return true;
    cr_log_error("program %llu (%lld rows): %s, %s[%lld]: interpreted %a, compiled %a\n%s",
                 (unsigned long long)t->seed, (long long)t->rows, what, name, (long long)at,
                 number_at(type, a, at), number_at(type, b, at), t->text);
    return false;
}

static bool same_state(const Trial *t, const char *what)
{
    const char *a = t->side[0].state, *b = t->side[1].state;
    for (int c = 0; c < t->run->cell_count; c++) {
        const Cell *cell = &t->run->cells[c];
        if (!same(t, what, cell->name, cell->dtype, a + cell->offset, b + cell->offset,
                  shape_size(cell->shape)))
            return false;
    }
    return same(t, what, "step", DTYPE_U8, a, b, sizeof(sgdrt_header)) &&
           same(t, what, "sum", DTYPE_F64, t->side[0].sums, t->side[1].sums, t->run->term_count);
}

static void allocate_side(Trial *t, Side *side)
{
    Arena *arena = t->compiled.arena;
    side->state = aligned_memory(&t->memory, t->run->state_bytes);
    side->work = aligned_memory(&t->memory, side->executor->work_bytes);
    side->sums = arena_array(arena, double, t->run->term_count + 1);
}

/* Memory for the outputs of a function, by index; sizes from its roots. */
static void **allocate_outputs(Trial *t, const Function *f)
{
    int most = 0;
    for (int r = 0; r < f->root_count; r++)
        most = f->roots[r].index > most ? f->roots[r].index : most;
    void **outputs = arena_array(t->compiled.arena, void *, most + 1);
    for (int r = 0; r < f->root_count; r++) {
        const Root *root = &f->roots[r];
        int64_t rows = root->kind == ROOT_ROWS ? t->rows : 1;
        size_t bytes = (size_t)(rows * shape_size(root->node->shape)) * dtype_bytes(root->node->dtype);
        if (root->kind == ROOT_ROWS || root->kind == ROOT_VALUE)
            outputs[root->index] = guarded_memory(&t->memory, bytes, true);
    }
    return outputs;
}

static bool same_outputs(const Trial *t, const char *what, const Function *f, void **a, void **b)
{
    for (int r = 0; r < f->root_count; r++) {
        const Root *root = &f->roots[r];
        int64_t n = shape_size(root->node->shape) * (root->kind == ROOT_ROWS ? t->rows : 1);
        if ((root->kind == ROOT_ROWS || root->kind == ROOT_VALUE) &&
            !same(t, what, root->name ? root->name : "output", root->node->dtype, a[root->index],
                  b[root->index], n))
            return false;
    }
    return true;
}

static bool check_function(Trial *t, const char *what, Entry entry, int measure, const Function *f,
                           const sgdrt_column *columns, void ***outputs)
{
    for (int s = 0; s < 2; s++) {
        Side *side = &t->side[s];
        outputs[s] = allocate_outputs(t, f);
        sgdrt_call call = {.state = side->state, .work = side->work, .columns = columns, .count = t->rows,
                           .batch = t->rows, .sums = side->sums, .outputs = outputs[s]};
        if (entry != ENTRY_METRIC)
            call.rows = t->order;
        side->executor->call(side->executor, entry, measure, &call);
    }
    return same_outputs(t, what, f, outputs[0], outputs[1]) &&
           same(t, what, "sum", DTYPE_F64, t->side[0].sums, t->side[1].sums, t->run->term_count);
}

static bool check_evaluation(Trial *t)
{
    const Run *run = t->run;
    void **outputs[2];
    if (!check_function(t, "evaluate", ENTRY_EVALUATE, 0, &run->evaluate, t->columns, outputs))
        return false;
    for (int m = 0, next = 0; m < run->measure_count; m++) {
        const Measure *measure = &run->measures[m];
        sgdrt_column *kept = arena_array(t->compiled.arena, sgdrt_column, measure->argument_count + 1);
        void **metric[2];
        for (int a = 0; a < measure->argument_count; a++, next++) {
            const Node *argument = measure->arguments[a];
            kept[a] = (sgdrt_column){outputs[0][next],
                                     shape_size(argument->shape) * (int64_t)dtype_bytes(argument->dtype)};
        }
        if (!check_function(t, measure->name, ENTRY_METRIC, m, &measure->metric, kept, metric))
            return false;
    }
    return run->predictor.root_count == 0 ||
           check_function(t, "predict", ENTRY_PREDICT, 0, &run->predictor, t->columns, outputs);
}

static bool check_steps(Trial *t, const char *what, const uint32_t *order, int64_t first, int64_t count,
                        int64_t place)
{
    int64_t done[2];
    for (int s = 0; s < 2; s++) {
        Side *side = &t->side[s];
        sgdrt_call call = {.state = side->state,
                           .work = side->work,
                           .columns = t->columns,
                           .rows = order,
                           .first = first,
                           .count = count,
                           .batch = t->batch,
                           .place = place,
                           .sums = side->sums};
        done[s] = side->executor->call(side->executor, ENTRY_STEP, 0, &call);
    }
    return same(t, what, "steps done", DTYPE_F64, &(double){(double)done[0]}, &(double){(double)done[1]},
                1) &&
           same_state(t, what);
}

/* Makes the compiled side's executor; what it belongs to. */
static Codegen *compile_side(Trial *t, CodegenOptions *options)
{
    Arena *arena = t->compiled.arena;
    Executor **executor = &t->side[1].executor;
    if (getenv("SGDC_AARCH64")) {
        options->cpu = "generic";
        options->triple = "aarch64-linux-gnu";
        Codegen *codegen = codegen_new(arena, options, t->compiled.diagnostics);
        *executor = emulated_new(arena, codegen, t->run, &t->memory);
        return codegen;
    }
    Codegen *codegen = codegen_new(arena, options, t->compiled.diagnostics);
    *executor = codegen ? codegen_jit(codegen, t->run) : NULL;
    if (*executor == NULL) {                      /* a machine without these vectors */
        codegen_free(codegen);
        options->cpu = "native";
        codegen = codegen_new(arena, options, t->compiled.diagnostics);
        *executor = codegen_jit(codegen, t->run);
    }
    codegen_jit_all(codegen, executor, 1);
    return codegen;
}

/* Half of the programs share whatever nests can be shared, and run on so many threads. */
static void choose_threads(Trial *t, CodegenOptions *options)
{
    static const int threads[] = {1, 1, 1, 1, 1, 2, 3, 3, 7, 7};
    Stream random = {t->seed * 31 + 7};
    int choice = stream_below(&random, 10);
    options->split_all = choice > 3;
    t->turns.threads = threads[choice];
    t->turns.order = (uint64_t)stream_below(&random, 1 << 30) << 31 | (uint64_t)stream_below(&random, 1 << 30);
#ifdef __SANITIZE_ADDRESS__
    t->turns.threads = 1;                  /* it does not know of stacks that change */
#endif
}

static void give_threads(Trial *t, Executor *executor)
{
    if (t->turns.threads == 1)
        return;
    executor->region = turns_call;
    executor->threads = &t->turns;
    executor->scratch = aligned_memory(&t->memory, executor->thread_bytes * (size_t)(t->turns.threads - 1));
}

/* false: the two sides differ, or the program was refused. */
static bool check_program(uint64_t seed, bool show)
{
    static const char *const cpus[] = {"native", "native", "native", "x86-64-v3", "x86-64-v3", "x86-64-v4",
                                       "x86-64-v4", "x86-64-v2"};
    Arena *text_arena = arena_new();
    int batch;
    Trial t = {.seed = seed};
    t.text = random_program(text_arena, seed, &batch);
    if (show)
        fputs(t.text, stderr);
    Stream random = {seed};
    t.compiled = compile_text(t.text, stream_below(&random, 6) == 0);
    Arena *arena = t.compiled.arena;
    bool fine = t.compiled.program != NULL;
    if (!fine) {
        diagnostics_print_human(t.compiled.diagnostics, stderr, false);
        cr_log_error("program %llu was refused:\n%s", (unsigned long long)seed, t.text);
    } else {
        t.run = &t.compiled.program->runs[0];
        t.batch = batch ? batch : (stream_below(&random, 10) == 0 ? 4500 : 19) + stream_below(&random, 60);
        t.rows = batch ? batch * (1 + stream_below(&random, 3)) + stream_below(&random, batch) : t.batch;
        if (getenv("SGDC_AARCH64"))
            guarded_share(&t.memory);
        t.columns = make_columns(arena, &t.memory, t.run->data, t.rows, &random);
        t.order = arena_array(arena, uint32_t, t.rows);
        for (int64_t p = 0; p < t.rows; p++)
            t.order[p] = (uint32_t)stream_below(&random, (int)t.rows);
        run_passes(&t.compiled, NULL, "order");
        t.side[0].executor = interpreter_new(arena, t.run);
        run_passes(&t.compiled, "order", NULL);
        CodegenOptions options = {.level = stream_below(&random, 4), .cpu = cpus[stream_below(&random, 8)],
                                  .caches = stream_below(&random, 2) ? 256 << stream_below(&random, 6) : 0};
        options.least_shared = stream_below(&random, 2);       /* 1: every nest is a function of its own */
        choose_threads(&t, &options);
        Codegen *codegen = compile_side(&t, &options);
        for (int s = 0; s < 2; s++) {
            allocate_side(&t, &t.side[s]);
            if (s == 1)
                give_threads(&t, t.side[s].executor);
            start_state(t.run, t.side[s].executor, t.side[s].state, t.side[s].work, 9);
        }
        fine = same_state(&t, "initial values") && check_steps(&t, "first epoch", t.order, 0, t.rows, 0) &&
               check_steps(&t, "rows in place", NULL, 0, t.rows, 0) && check_evaluation(&t) &&
               check_steps(&t, "a part of an epoch", NULL, t.rows / 2, t.rows - t.rows / 2, t.rows / 2);
        if (!fine)
            fprintf(stderr, "program %llu: level %d, cpu %s, %d threads\n", (unsigned long long)seed, options.level,
                    options.cpu, t.turns.threads);
        for (int s = 0; s < 2; s++)
            t.side[s].executor->free(t.side[s].executor);
        codegen_free(codegen);
        guarded_free(&t.memory);
        turns_free(&t.turns);
    }
    arena_free(arena);
    arena_free(text_arena);
    return fine;
}

/* Every eighth program, from `first` on. */
static void check_programs(uint64_t first)
{
    const char *one = getenv("SGDC_PROGRAM"), *many = getenv("SGDC_PROGRAMS");
    if (one) {
        if (first == 0)
            cr_expect(check_program(strtoull(one, NULL, 10), true));
        return;
    }
    uint64_t count = many ? strtoull(many, NULL, 10) : USUAL_PROGRAMS;
    int failures = 0;
    for (uint64_t seed = first; seed < count && failures < 3; seed += 8)
        failures += !check_program(seed, false);
    cr_expect(failures == 0);
}

Test(random_programs, part_0) { check_programs(0); }
Test(random_programs, part_1) { check_programs(1); }
Test(random_programs, part_2) { check_programs(2); }
Test(random_programs, part_3) { check_programs(3); }
Test(random_programs, part_4) { check_programs(4); }
Test(random_programs, part_5) { check_programs(5); }
Test(random_programs, part_6) { check_programs(6); }
Test(random_programs, part_7) { check_programs(7); }
