/* generator: random programs of the language, each a pure function of its seed.
 *
 * A program is text, made statement by statement from values whose shapes are known, so that it is well typed by
 * construction. What it computes makes no sense, which is the point: it is compared, not judged.
 */
#ifndef TESTS_GENERATOR_H
#define TESTS_GENERATOR_H
#include "programs.h"

enum { MOST_VALUES = 40, MOST_ELEMENTS = 300 }; /* times the scale */

typedef struct Value {
    char name[16];
    int rank;
    int extent[3];
} Value;

typedef struct Generator {
    Stream random;
    Text text;
    Value values[MOST_VALUES];
    int count;
    int fresh, classes, batch; /* classes 0: no label */
    int scale;                 /* of extents: 1, or more for kernels with tiles and blocks */
    bool channels;             /* images with as many channels as make vectors ... */
    bool picture;              /* ... of which one loss is made of a whole image */
    bool few;                  /* ... or with few, and so many pixels that batches have many chunks */
    Stream together;           /* what is of all rows: drawn apart, so that other programs are as they were */
    bool of_all_rows;          /* some values are */
    bool drawn, stateful;      /* the model has noise; states */
    int updates;               /* > 0: the step has two update blocks, of this kind */
    Stream more;               /* scans, sets: drawn apart as well */
    bool scans;                /* nested, lifted, of several arrays, with draws */
    bool sets;                 /* a second data set, e */
} Generator;

static int below(Generator *g, int n) { return stream_below(&g->random, n); }
static bool chance(Generator *g, int percent) { return below(g, 100) < percent; }

static int elements(const Value *v) {
    int n = 1;
    for (int a = 0; a < v->rank; a++) n *= v->extent[a];
    return n;
}

static const char *type_of(Generator *g, int rank, const int *extent) {
    Text t = text_new(g->text.arena);
    text_add(&t, "f32");
    for (int a = 0; a < rank; a++) text_add(&t, "%s%d", a ? ", " : "[", extent[a]);
    text_add(&t, "%s", rank ? "]" : "");
    return t.bytes;
}

static const Value *any(Generator *g) {
    return &g->values[g->count - 1 - below(g, chance(g, 70) && g->count > 3 ? 3 : g->count)];
}

static const Value *of_rank(Generator *g, int least, int most) {
    for (int tries = 0; tries < 12; tries++) {
        const Value *v = any(g);
        if (v->rank >= least && v->rank <= most) return v;
    }
    return NULL;
}

/* Another value of the same shape. */
static const Value *like(Generator *g, const Value *v) {
    for (int tries = 0; tries < 12; tries++) {
        const Value *w = any(g);
        if (w != v && w->rank == v->rank && memcmp(w->extent, v->extent, sizeof(int) * (size_t)v->rank) == 0) return w;
    }
    return NULL;
}

/* A new value of the shape; its statement follows. */
static Value *add_value(Generator *g, int rank, int a, int b, int c) {
    Value *v = &g->values[g->count++];
    *v = (Value){.rank = rank, .extent = {a, b, c}};
    snprintf(v->name, sizeof v->name, "h%d", g->fresh++);
    return v;
}

static Value *add_like(Generator *g, const Value *v) {
    return add_value(g, v->rank, v->extent[0], v->extent[1], v->extent[2]);
}

static void statement(Generator *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void statement(Generator *g, const char *format, ...) {
    char line[400];
    va_list rest;
    va_start(rest, format);
    vsnprintf(line, sizeof line, format, rest);
    va_end(rest);
    text_add(&g->text, "  %s\n", line);
}

static double constant(Generator *g) { return (below(g, 41) - 20) / 8.0; }

static int param(Generator *g, int rank, const int *extent) {
    static const char *const starts[] = {"~ normal(0, 0.4)", "~ uniform(-0.5, 0.5)", "= 0.25", "= 0"};
    statement(g, "param p%d: %s %s", g->fresh, type_of(g, rank, extent), starts[below(g, 4)]);
    return g->fresh++;
}

/* ---- statements: each returns false if nothing in reach fits */

static bool elementwise(Generator *g) {
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

static bool binary(Generator *g) {
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
    if (w == NULL) return false;
    const Value *h = add_like(g, v);
    statement(g, formats[below(g, 10)], h->name, v->name, w->name);
    return true;
}

static bool with_scalar(Generator *g) {
    const Value *v = any(g), *s = of_rank(g, 0, 0);
    if (s == NULL) return false;
    const Value *h = add_like(g, v);
    static const char *const formats[] = {"%s = %s * %s", "%s = %s + %s", "%s = %s - %s", "%s = max(%s, %s)"};
    statement(g, formats[below(g, 4)], h->name, v->name, s->name);
    return true;
}

static bool affine(Generator *g) {
    const Value *v = any(g), *h = add_like(g, v);
    statement(g, "%s = %g * %s + %g", h->name, constant(g), v->name, constant(g));
    return true;
}

static bool scaled(Generator *g) {
    const Value *v = any(g);
    int p = param(g, v->rank, v->extent);
    const Value *h = add_like(g, v);
    statement(g, "%s = p%d * %s", h->name, p, v->name);
    return true;
}

static bool dense_layer(Generator *g) {
    const Value *v = of_rank(g, 1, 3);
    if (v == NULL) return false;
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

static bool matrix_product(Generator *g) {
    const Value *v = of_rank(g, 1, 2);
    if (v == NULL) return false;
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

static bool reduction(Generator *g) {
    static const char *const ops[] = {"sum", "mean", "max", "min"};
    const Value *v = of_rank(g, 1, 3);
    if (v == NULL) return false;
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

static bool movement(Generator *g) {
    const Value *found = of_rank(g, 1, 3);
    if (found == NULL) return false;
    Value v = *found;
    int n = v.extent[v.rank - 1], first = v.extent[0];
    switch (below(g, 7)) {
    case 0:
        if (v.rank != 2) return false;
        statement(g, "%s = transpose(%s)", add_value(g, 2, v.extent[1], v.extent[0], 0)->name, v.name);
        return true;
    case 1:
        if (first < 2) return false;
        statement(g, "%s = %s[1..]", add_value(g, v.rank, first - 1, v.extent[1], v.extent[2])->name, v.name);
        return true;
    case 2:
        if (v.rank < 2) return false;
        statement(g, "%s = %s[-1]", add_value(g, v.rank - 1, v.extent[1], v.extent[2], 0)->name, v.name);
        return true;
    case 3:
        if (v.rank < 2) return false;
        statement(g, "%s = flatten(%s)", add_value(g, 1, elements(&v), 0, 0)->name, v.name);
        return true;
    case 4:
        if (elements(&v) % 2) return false;
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
        if (v.rank != 2) return false;
        statement(g, "%s = %s[.., %d]", add_value(g, 1, first, 0, 0)->name, v.name, below(g, n));
        return true;
    }
}

static bool window(Generator *g) {
    const Value *found = of_rank(g, 1, 1);
    if (found == NULL || found->extent[0] < 3) return false;
    Value v = *found;
    int n = v.extent[0];
    switch (below(g, 5)) {
    case 0:
        statement(g, "%s[i in 0..%d] = %s[i] - 2 * %s[i + 1] + %s[i + 2]", add_value(g, 1, n - 2, 0, 0)->name, n - 2,
                  v.name, v.name, v.name);
        return true;
    case 1:
        statement(g, "%s[i in 0..%d] = %s[2 * i + 1]", add_value(g, 1, n / 2, 0, 0)->name, n / 2, v.name);
        return true;
    case 2:
        statement(g, "%s[i in 0..%d] = %s[%d - i] * i", add_value(g, 1, n, 0, 0)->name, n, v.name, n - 1);
        return true;
    case 3: {
        int p = param(g, 1, (int[]){3});
        statement(g, "%s[i in 0..%d] = sum(p%d[u] * %s[i + u] for u)", add_value(g, 1, n - 2, 0, 0)->name, n - 2, p,
                  v.name);
        return true;
    }
    default:
        statement(g, "%s[i in 0..%d] = max(%s[i + u] for u in 0..3)", add_value(g, 1, n - 2, 0, 0)->name, n - 2,
                  v.name);
        return true;
    }
}

static bool outer(Generator *g) {
    const Value *a = of_rank(g, 1, 1), *b = of_rank(g, 1, 1);
    if (a == NULL || b == NULL || elements(a) * elements(b) > MOST_ELEMENTS * g->scale) return false;
    Value x = *a, y = *b;
    const Value *h = add_value(g, 2, x.extent[0], y.extent[0], 0);
    static const char *const formats[] = {"%s[i, j] = %s[i] * %s[j]", "%s[i, j] = tanh(%s[i] - %s[j])",
                                          "%s[i, j] = where(i <= j, %s[i], %s[j])"};
    statement(g, formats[below(g, 3)], h->name, x.name, y.name);
    return true;
}

static bool channels_layer(Generator *g, const Value *v) {
    static const int channels[] = {4, 8, 8, 12, 16, 16, 20, 24, 32, 48, 64, 3};
    int h = v->extent[1], w = v->extent[2], k = 1 + below(g, 4), stride = g->few ? 1 : 1 + below(g, 3);
    int m = g->few ? 3 + below(g, 5) : channels[below(g, 12)], pad = below(g, k + 1), dilation = chance(g, 20) ? 2 : 1;
    int reach = dilation * (k - 1) + 1;
    if (h + 2 * pad < reach || w + 2 * pad < reach) return false;
    const Value *out = add_value(g, 3, m, (h + 2 * pad - reach) / stride + 1, (w + 2 * pad - reach) / stride + 1);
    if (elements(out) > MOST_ELEMENTS * g->scale) {
        g->count--;
        return false;
    }
    static const char *const formats[] = {"%s = conv2d(%s, %d, %d, stride = %d, pad = %d, dilation = %d)",
                                          "%s = relu(conv2d(%s, %d, %d, stride = %d, pad = %d, dilation = %d))"};
    statement(g, formats[below(g, 2)], out->name, v->name, m, k, stride, pad, dilation);
    return true;
}

static bool image(Generator *g) {
    const Value *found = of_rank(g, 3, 3);
    if (found == NULL) return false;
    Value v = *found;
    int c = v.extent[0], h = v.extent[1], w = v.extent[2], k = 1 + below(g, 3), stride = 1 + below(g, 2);
    if (chance(g, 25)) {
        if (h < k || w < k) return false;
        const Value *out = add_value(g, 3, c, (h - k) / stride + 1, (w - k) / stride + 1);
        statement(g, "%s = %s(%s, %d, stride = %d)", out->name, chance(g, 50) ? "max_pool2d" : "avg_pool2d", v.name, k,
                  stride);
        return true;
    }
    if (g->channels) return channels_layer(g, &v);
    int pad = below(g, 2), dilation = chance(g, 25) ? 2 : 1, groups = c % 2 == 0 && chance(g, 30) ? 2 : 1;
    int reach = dilation * (k - 1) + 1, m = groups * (1 + below(g, 3 * g->scale));
    if (h + 2 * pad < reach || w + 2 * pad < reach) return false;
    const Value *out = add_value(g, 3, m, (h + 2 * pad - reach) / stride + 1, (w + 2 * pad - reach) / stride + 1);
    statement(g, "%s = conv2d(%s, %d, %d, stride = %d, pad = %d, dilation = %d, groups = %d)", out->name, v.name, m, k,
              stride, pad, dilation, groups);
    return true;
}

static bool vector_function(Generator *g) {
    static const char *const formats[] = {"%s = softmax(%s)", "%s = log_softmax(%s)", "%s = layer_norm(%s)",
                                          "%s = centred(%s)", "%s = running(%s)"};
    const Value *v = of_rank(g, 1, 3);
    if (v == NULL) return false;
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

static bool noise(Generator *g) {
    const Value *v = any(g);
    Value w = *v;
    g->drawn = true;
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

static bool repeated(Generator *g) {
    const Value *v = of_rank(g, 1, 2);
    if (v == NULL) return false;
    Value w = *v;
    const Value *h = add_like(g, &w);
    statement(g, "%s = %s", h->name, w.name);
    statement(g, "repeat %d { %s = %s + 0.5 * tanh(dense(%s, %d)) }", 1 + below(g, 3), h->name, h->name, h->name,
              w.extent[w.rank - 1]);
    return true;
}

static bool by_label(Generator *g) {
    if (g->classes == 0) return false;
    int m = 1 + below(g, 10), n = 1 + below(g, 5), p;
    const Value *scores = of_rank(g, 1, 1);
    if (scores && scores->extent[0] == g->classes) {
        Value w = *scores;
        statement(g, "%s = where(argmax(%s) == y, %s[y], 0.5)", add_value(g, 0, 0, 0, 0)->name, w.name, w.name);
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
    case 2: statement(g, "%s = one_hot(y)", add_value(g, 1, g->classes, 0, 0)->name); return true;
    default:
        p = param(g, 1, &g->classes);
        statement(g, "%s = p%d[y]", add_value(g, 0, 0, 0, 0)->name, p);
        return true;
    }
}

/* Over the first axis, with a body of a line or two; a scan in it, sometimes. */
static bool scanned(Generator *g) {
    static const char *const scalar[] = {
        "%s = scan v in %s { state s = 0.25; s = tanh(s * 0.5 + v); return s }",
        "%s = scan v in %s { state s = 0; state q = 1; a = s; s = v - q * 0.5; q = sin(a + v); return q * s }",
        "%s = scan v in %s { state s: f32[3] = 0; s = tanh(dense([v, s[0]], 3) + s * 0.5); return mean(s) }",
        ("%s = scan v in %s { state s = 0; q = scan i in 0..3 { state z = s; z = z * 0.5 + v * i; return z }; "
         "s = tanh(q[-1]); return s + q[0] }")};
    static const char *const vector[] = {
        "%s = scan v in %s { state s: f32[%d] = 0; s = tanh(s * 0.5 + v); return s }",
        "%s = scan v in %s { state s: f32[%d] = 0.5; s = v * sigmoid(s) - 0.25 * s; return max(s, v) }",
        "%s = scan v in %s { state s: f32[%d] = 0; s = tanh(dense(concat(v, s), %d)); return s }",
        "%s = scan v in %s { state s: f32[%d] = 0; q = rnn([v, s], %d); s = q[-1] * 0.5; return s + v }"};
    const Value *v = of_rank(g, 1, 2);
    if (v == NULL) return false;
    Value w = *v;
    const Value *h = add_like(g, &w);
    if (w.rank == 1)
        statement(g, scalar[below(g, 4)], h->name, w.name);
    else
        statement(g, vector[below(g, 4)], h->name, w.name, w.extent[1], w.extent[1]);
    return true;
}

static bool derivative(Generator *g) {
    const Value *v = any(g);
    Value w = *v;
    const Value *s = add_value(g, 0, 0, 0, 0), *h = add_like(g, &w);
    static const char *const formats[] = {"%s = sum(sin(%s) * %s)", "%s = mean(%s * softplus(%s))",
                                          "%s = sum(tanh(%s) / (1 + %s^2))", "%s = sum(exp(-%s^2) + 0 * %s)"};
    static const char *const scalar[] = {"%s = sin(%s) * %s", "%s = %s * softplus(%s)", "%s = tanh(%s) / (1 + %s^2)",
                                         "%s = exp(-%s^2) + 0 * %s"};
    statement(g, (w.rank ? formats : scalar)[below(g, 4)], s->name, w.name, w.name);
    statement(g, "%s = grad(%s, %s)", h->name, s->name, w.name);
    return true;
}

/* Of all rows of the mini-batch, with states. */
static bool of_all_rows(Generator *g) {
    static const char *const formats[] = {"%s = level(%s)", "%s = moving(%s)", "%s = batch_norm(%s)", "%s = share(%s)",
                                          "%s = batch_norm(%s)"};
    Value w = g->values[g->count - 1 - stream_below(&g->together, g->count > 3 ? 3 : g->count)];
    int least = w.rank ? 5 : 2, which = (int)stream_below(&g->together, least);
    g->stateful |= which == 1 || which == 2 || which == 4;
    statement(g, formats[which], add_like(g, &w)->name, w.name);
    return true;
}

/* Scans in each other, in layers that are lifted or repeated, with draws, and under a derivative. */
static bool more_scans(Generator *g) {
    static const char *const of_vectors[] = {
        "%s = walk(%s)",
        "%s = rows_in_rows(%s)",
        "%s = chain(%s)",
        "%s = shaken(%s)",
        "%s = scan i in 0..%d, v in %s { state s: f32[%d] = 0; s = tanh(s * 0.5 + v + 0.1 * i); return s }",
        "%s = scan v, w in %s, %s { state s: f32[%d] = 0.25; s = 0.5 * s + sin(v * w); return s + v }"};
    const Value *v = of_rank(g, 1, 3);
    if (v == NULL) return false;
    Value w = *v;
    int which = (int)stream_below(&g->more, w.rank == 1 ? 1 : w.rank == 2 ? 6 : 4);
    g->drawn |= w.rank > 1 && which == 3;
    if (stream_below(&g->more, 5) == 0) {
        const Value *s = add_value(g, 0, 0, 0, 0), *h = add_like(g, &w);
        statement(g, "%s = mean(chain(%s)^2)", s->name, w.name);
        statement(g, "%s = grad(%s, %s)", h->name, s->name, w.name);
        return true;
    }
    const Value *h = add_like(g, &w);
    if (w.rank > 1 && stream_below(&g->more, 5) == 0) {
        statement(g, "%s = %s", h->name, w.name);
        statement(g, "repeat 2 { %s = %s + 0.5 * walk(%s) }", h->name, h->name, h->name);
    } else if (w.rank == 1) {
        statement(g, "%s = chain(%s)", h->name, w.name);
    } else if (which == 4) {
        statement(g, of_vectors[4], h->name, w.extent[0], w.name, w.extent[1]);
    } else if (which == 5) {
        statement(g, of_vectors[5], h->name, w.name, w.name, w.extent[1]);
    } else {
        statement(g, of_vectors[which], h->name, w.name);
    }
    return true;
}

typedef bool Maker(Generator *g);
static Maker *const makers[] = {
    elementwise, elementwise,     elementwise, binary,    binary,   with_scalar, affine, scaled, dense_layer,
    dense_layer, matrix_product,  reduction,   reduction, movement, movement,    window, outer,  image,
    image,       vector_function, noise,       repeated,  by_label, derivative,  scanned};
enum { MAKERS = sizeof makers / sizeof *makers };

/* Of images with channels: convolutions and what stands between them. */
static Maker *const channel_makers[] = {image,  image,  image,  image,  image,     image,    elementwise, elementwise,
                                        binary, binary, scaled, affine, reduction, movement, noise};
enum { CHANNEL_MAKERS = sizeof channel_makers / sizeof *channel_makers };

/* ---- a program */

static void add_helpers(Generator *g) {
    text_add(&g->text, "def centred(x: real[n]) -> real[n] = x - mean(x)\n"
                       "def spread(x: real[n]) -> real = sqrt(mean((x - mean(x))^2) + 0.01)\n"
                       "def running(x: real[n]) -> real[n] {\n"
                       "  s[i in 0..n] = sum(where(k <= i, x[k], 0) for k in 0..n)\n"
                       "  return s\n"
                       "}\n");
    if (g->scans)
        text_add(&g->text,
                 "layer chain(x: real[t]) -> real[t] {\n"
                 "  param a: real = 0.5\n"
                 "  return scan v in x { state s = 0.25; s = tanh(a * s + v); return s }\n"
                 "}\n"
                 "layer walk(x: real[t, n]) -> real[t, n] {\n"
                 "  param w: real[n, n] ~ uniform(-0.4, 0.4)\n"
                 "  return scan v in x { state s: real[n] = 0; s = tanh(w @ s + v); return s }\n"
                 "}\n"
                 "layer rows_in_rows(x: real[t, n]) -> real[t, n] {\n"
                 "  return scan row in x { state s = 0; q = chain(row); s = 0.5 * s + mean(q); return q + s }\n"
                 "}\n"
                 "layer shaken(x: real[t, n]) -> real[t, n] {\n"
                 "  return scan v in x { state s: real[n] = 0; s = dropout(tanh(s + v), 0.2); return s - v }\n"
                 "}\n");
    if (!g->of_all_rows) return;
    text_add(&g->text, "def level(x: real) -> real = if training then x - batch_mean(x) else x\n"
                       "def share(x: real) -> real = if training then x / sqrt(batch_mean(x^2) + 0.1) else x\n"
                       "layer moving(x: real[..s]) -> real[..s] {\n"
                       "  state m: real[..s] = 0.25\n"
                       "  m = 0.5 * m + 0.5 * batch_mean(x)\n"
                       "  return x - m\n"
                       "}\n");
}

static void add_data(Generator *g, const char *input, int outputs) {
    if (g->sets)
        text_add(&g->text, "data e {\n  t: %s\n%s  x: %s\n}\n", type_of(g, outputs > 1, &outputs),
                 g->classes ? text_format(g->text.arena, "  y: label[%d]\n", g->classes) : "", input);
    bool bytes = chance(g, 20);
    const char *of_bytes = bytes ? "= npy(a = \"a.npy\", b = \"b.npy\", c = \"c.npy\")" : "";
    text_add(&g->text, "data d %s {\n  x: %s%s\n", of_bytes, input,
             !bytes          ? ""
             : chance(g, 50) ? " = a"
                             : " = a / 255");
    if (g->classes) text_add(&g->text, "  y: label[%d]%s\n", g->classes, bytes ? " = b" : "");
    int extent[1] = {outputs};
    text_add(&g->text, "  t: %s%s\n}\n", type_of(g, outputs > 1, extent), bytes ? " = c" : "");
}

/* The last values together, as a vector of m or a scalar. */
static void add_result(Generator *g, int m) {
    Value last = g->values[g->count - 1];
    if (last.rank == 0)
        statement(g, "out = dense([%s], %d)", last.name, m);
    else
        statement(g, "out = dense(%s%s%s, %d)", last.rank > 1 ? "flatten(" : "", last.name, last.rank > 1 ? ")" : "",
                  m);
    for (int i = g->count - 2, used = 0; i > 0 && used < 3; i--, used++) {
        Value *v = &g->values[i];
        statement(g, "out = out + %g * %s%s%s", constant(g) / 8, v->rank ? "mean(" : "", v->name, v->rank ? ")" : "");
    }
    statement(g, m > 1 ? "return out" : "return out[0]");
}

static const char *learning_rate(Generator *g) {
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

/* Another update on what the first one left: of a part or of all, in some steps or in each. */
static void add_second_update(Generator *g, const char *loss) {
    static const char *const whens[] = {"when = every 2 steps", "when = step >= 1 and not epoch > 1", NULL};
    if (!g->updates) return;
    text_add(&g->text, "}\nupdate second {\n");
    statement(g, "minimize = 0.5 * %s", loss);
    statement(g, g->updates % 2 ? "optimizer[net.out] = adam(lr = 0.01)" : "optimizer = momentum(lr = 0.02)");
    if (whens[g->updates % 3]) statement(g, "%s", whens[g->updates % 3]);
    text_add(&g->text, "}\n");
}

/* Of this row and each of the mini-batch. A model that draws is another one for each j, which no state can be. */
static void add_pairs(Generator *g, const char *call, bool scalar) {
    static const char *const formats[] = {"mean([(%s - batch(%s)[j])^2 for j])", "logsumexp([%s * batch(%s)[j] for j])",
                                          "max([%s * batch(%s)[j] for j])", "%s * max(batch(%s))",
                                          "sum([where(batch(%s)[j] > 0.1, batch(%s)[j], 0) for j]) / 16"};
    const char *each = text_format(g->text.arena, "%s(%s)", scalar ? "tanh" : "mean", call);
    const char *pairs = text_format(g->text.arena, formats[g->drawn && g->stateful ? 3 : stream_below(&g->together, 5)],
                                    each, each);
    statement(g, "minimize pairs = 0.1 * %s", pairs);
}

/* Of the rows of the other set, and of those of both. */
static const char *of_both(Generator *g, const char *call, bool classify, bool scalar) {
    static const char *const formats[] = {"mse(%s, e.t)", "mse(%s, %s)", "mean([(%s - batch(%s)[j])^2 for j])",
                                          "sum(batch(%s)) / 16 * %s", "%s * max(batch(%s))"};
    const char *other = g->classes ? "net(e.x, e.y)" : "net(e.x)";
    int which = (int)stream_below(&g->more, !g->batch || (g->drawn && g->stateful) ? 2 : 5);
    if (which == 0) return text_format(g->text.arena, classify ? "cross_entropy(%s, e.y)" : formats[0], other);
    const char *each = which == 1 ? "%s" : scalar ? "tanh(%s)" : "mean(%s)";
    return text_format(g->text.arena, formats[which], text_format(g->text.arena, each, call),
                       text_format(g->text.arena, each, other));
}

static void add_training(Generator *g, const char *call, bool classify, bool scalar, bool line) {
    static const char *const optimizers[] = {"sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"};
    static const char *const losses[] = {"squared", "mse", "mae", "huber", "binary_cross_entropy", "hinge"};
    text_add(&g->text, "train fit {\n");
    const char *of = g->sets ? "d." : "";
    statement(g, g->sets ? "data = [d, e]" : "data = d");
    const char *loss = classify
                           ? text_format(g->text.arena, "cross_entropy(%s, %sy)", call, of)
                           : text_format(g->text.arena, "%s(%s, %st)", scalar ? losses[below(g, 6)] : "mse", call, of);
    if (g->updates) text_add(&g->text, "update first {\n");
    statement(g, "minimize = %s", loss);
    if (chance(g, line ? 5 : 25))
        statement(
            g, classify ? "minimize extra = 0.1 * mse(%s, one_hot(%sy))" : "minimize extra = 0.1 * mse(%s, 0.5 * %st)",
            call, of);
    if (g->sets) statement(g, "minimize both = 0.1 * %s", of_both(g, call, classify, scalar));
    if (g->of_all_rows && stream_below(&g->together, 3) == 0)
        statement(g, "minimize apart = 0.1 * (sum(batch(%s(%s))) / 16 - sum(%s))^2", scalar ? "tanh" : "mean", call,
                  call);
    if (g->of_all_rows && g->batch && stream_below(&g->together, 2) == 0) add_pairs(g, call, scalar);
    if (g->picture)
        statement(g,
                  chance(g, 50) ? "minimize pixels = sum(picture(%sx) * %sx)"
                                : "minimize pixels = sum((0.01 * %sx) * picture(%sx))",
                  of, of);
    if (chance(g, line ? 0 : 15))
        statement(g,
                  g->classes ? "minimize twin = 0.1 * mse(%s, net(-%sx, %sy))"
                             : "minimize twin = 0.1 * mse(%s, net(-%sx))",
                  call, of, of);
    if (chance(g, line ? 5 : 25)) statement(g, "penalty = 0.01 * %s(net.out.dense.w)", chance(g, 50) ? "l2" : "l1");
    if (chance(g, line ? 5 : 25)) statement(g, "gradient = clip_norm(grad, %s)", chance(g, 50) ? "1" : "0.1");
    statement(g, "optimizer = %s(lr = %s)", optimizers[line && chance(g, 75) ? 0 : below(g, 7)], learning_rate(g));
    if (chance(g, 20)) statement(g, "optimizer[net.out] = %s(lr = %s)", optimizers[below(g, 7)], learning_rate(g));
    add_second_update(g, g->sets && stream_below(&g->more, 2) ? of_both(g, call, classify, scalar) : loss);
    if (classify && chance(g, 50)) {
        statement(g, "measure accuracy = accuracy(%s, %sy)", call, of);
        statement(g, "measure f1 = f1(%s, %sy)", call, of);
    } else if (scalar && chance(g, 50)) {
        statement(g, "measure rmse = rmse(%s, %st)", call, of);
        statement(g, "measure r2 = r2(%s, %st)", call, of);
    }
    if (g->batch) statement(g, "batch = %d", g->batch);
    statement(g, "epochs = 3");
    if (classify && chance(g, 50)) statement(g, "predict = softmax(%s)", call);
    text_add(&g->text, "}\n");
}

/* Long rows of data that only products read: they are converted where these pack them. */
static void read_by_products(Generator *g) {
    int times = 1 + below(g, 2), m = 1 + below(g, 14);
    for (int i = 0; i < times; i++) statement(g, "%s = dense(x, %d)", add_value(g, 1, m, 0, 0)->name, m);
    memmove(g->values, g->values + 1, (size_t)--g->count * sizeof *g->values);
}

/* By the seed, without a draw of `random`: other programs stay as they were. */
static void choose_constructs(Generator *g, uint64_t seed) {
    uint64_t of = seed / 8;
    g->more = (Stream){seed * 0xd1342543de82ef95ull + 11};
    g->together = (Stream){seed * 0x9e3779b97f4a7c15ull + 5};
    g->of_all_rows = stream_below(&g->together, 7) == 0;
    g->sets = seed % 8 == 2 || (seed % 8 == 4 && of / 4 % 2);
    g->scans = seed % 8 == 4;
    if (seed % 8 == 4 && of % 2) g->of_all_rows = true;
    if (seed % 8 == 5 || (seed % 8 == 2 && of % 2) || (seed % 8 == 4 && of / 2 % 2)) g->updates = 1 + (int)(of % 6);
}

/* The text of the program of this seed; *batch gets its rows per step, 0 for all. */
static const char *random_program(Arena *arena, uint64_t seed, int *batch) {
    static const int batches[] = {0, 1, 2, 3, 5, 8, 16, 17, 33, 64}, large_batches[] = {50, 64, 128, 300, 600};
    Generator g = {.random = {seed * 0x2545f4914f6cdd1dull}, .text = text_new(arena)};
    choose_constructs(&g, seed);
    g.scale = chance(&g, 8) ? 8 : 1;
    g.channels = chance(&g, 12);
    g.few = g.channels && chance(&g, 30);
    bool long_rows = !g.channels && chance(&g, 10);
    bool line = !g.channels && !long_rows && chance(&g, 12); /* so little that its parameters stay in registers */
    if (line) g.scale = 1;
    if (g.channels) g.scale = g.few ? 10 : 4;
    g.batch = g.few         ? large_batches[below(&g, 3)]
              : long_rows   ? batches[below(&g, 10)] + 16
              : g.channels  ? batches[1 + below(&g, 8)]
              : g.scale > 1 ? large_batches[below(&g, 5)]
                            : batches[below(&g, 10)];
    g.classes = !line && chance(&g, 50) ? 2 + below(&g, 9) : 0;
    bool classify = g.classes && chance(&g, 70);
    int outputs = classify ? g.classes : line || chance(&g, 60) ? 1 : 2 + below(&g, 10);
    Value *x = &g.values[g.count++];
    *x = (Value){.name = "x", .rank = g.channels ? 3 : g.scale > 1 ? 1 + 2 * below(&g, 2) : below(&g, 4)};
    for (int a = 0; a < x->rank; a++)
        x->extent[a] = x->rank == 3 && a > 0 ? (g.few ? 18 : 4) + below(&g, g.channels    ? 8
                                                                            : g.scale > 1 ? 13
                                                                                          : 5)
                                             : 1 + below(&g, (x->rank == 1 ? 20 : 6) * (x->rank == 1 ? g.scale : 1));
    if (long_rows || line)
        *x = (Value){.name = "x", .rank = 1, .extent = {line ? 1 + below(&g, 7) : 16 + below(&g, 90)}};
    g.picture = !long_rows && g.channels && !g.few && chance(&g, 40);
    if (g.picture) { /* lines of whole vectors */
        x->extent[0] = 16;
        x->extent[2] = 16;
    }
    const char *input = type_of(&g, x->rank, x->extent);
    add_helpers(&g);
    add_data(&g, input, classify ? 1 : outputs);
    int extent[1] = {outputs};
    text_add(&g.text, "model net(x: %s%s) -> %s {\n", input,
             g.classes ? text_format(arena, ", y: label[%d]", g.classes) : "", type_of(&g, outputs > 1, extent));
    if (long_rows) read_by_products(&g);
    int statements = line ? 0 : 1 + below(&g, g.few ? 2 : g.scale > 1 ? 4 : 9);
    for (int made = 0, tries = 0; made < statements && tries < 60 && g.count < MOST_VALUES - 4; tries++) {
        if (g.of_all_rows && stream_below(&g.together, 4) == 0) of_all_rows(&g);
        if (g.scans && stream_below(&g.more, 3) == 0 && !more_scans(&g)) continue;
        Maker *make = g.channels ? channel_makers[below(&g, CHANNEL_MAKERS)] : makers[below(&g, MAKERS)];
        if (!make(&g)) continue;
        if (elements(&g.values[g.count - 1]) > MOST_ELEMENTS * g.scale) tries = 60;
        made++;
    }
    add_result(&g, outputs);
    text_add(&g.text, "}\n");
    if (g.picture)
        text_add(&g.text, "model picture(x: %s) -> %s = %s(conv2d(x, 16, 3, pad = 1))\n", input, input,
                 chance(&g, 50) ? "relu" : "tanh");
    add_training(&g,
                 g.sets      ? g.classes ? "net(d.x, d.y)" : "net(d.x)"
                 : g.classes ? "net(x, y)"
                             : "net(x)",
                 classify, outputs == 1, line);
    *batch = g.batch;
    return g.text.bytes;
}
#endif
