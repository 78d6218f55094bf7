/* Training steps of perceptrons by a library of matrix products: gather, products, and what stands between them by
 * hand. bench/run writes all that a run needs into one file, numbers of 4 bytes unless said:
 *     rows, inputs, whether inputs are bytes to be divided by 255, layers, outputs of each layer, steps, rows of each
 *     step; labels; the rows of all steps; weights (outputs by inputs) and biases of each layer; inputs of all rows
 * The updates are fused into the products of the weight gradients, w = w - lr / batch d^T x, which is the best that
 * such a library offers. Losses are those of the steps before their updates. */
#ifndef BENCH_PERCEPTRON_H
#define BENCH_PERCEPTRON_H
#include "peer.h"
#include <float.h>
#include <math.h>
#include <string.h>

/* c = alpha op(a) op(b) + beta c, all row-major and dense; op(a) is n by k, op(b) k by m. */
typedef void product(int transpose_a, int transpose_b, int n, int m, int k, float alpha, const float *a, const float *b,
                     float beta, float *c);

enum { MOST_LAYERS = 8 };

typedef struct perceptron {
    product *multiply;
    double (*step)(const struct perceptron *p, const int *rows, int count); /* returns the mean loss */
    float lr;
    int rows, bytes, layers, batch, width[MOST_LAYERS + 1];
    int *labels, *order;
    void *inputs;
    float *w[MOST_LAYERS], *bias[MOST_LAYERS];
    float *value[MOST_LAYERS + 1], *change[MOST_LAYERS + 1]; /* of the batch at hand */
} perceptron;

static inline void read_into(FILE *file, void *to, size_t size, size_t count) {
    if (fread(to, size, count, file) != count) exit(2);
}

static inline int read_int(FILE *file) {
    int value;
    read_into(file, &value, sizeof value, 1);
    return value;
}

static inline void *read_new(FILE *file, size_t size, size_t count) {
    void *to = aligned_alloc(64, (size * count + 64) / 64 * 64);
    if (!to) exit(1);
    read_into(file, to, size, count);
    return to;
}

static inline void gather(const perceptron *p, const int *rows, int count) {
    size_t inputs = (size_t)p->width[0];
    for (int r = 0; r < count; r++) {
        float *to = p->value[0] + (size_t)r * inputs;
        if (!p->bytes) {
            memcpy(to, (const float *)p->inputs + (size_t)rows[r] * inputs, inputs * sizeof *to);
            continue;
        }
        const unsigned char *from = (const unsigned char *)p->inputs + (size_t)rows[r] * inputs;
        for (size_t i = 0; i < inputs; i++) to[i] = (float)from[i] / 255;
    }
}

static inline void forward(const perceptron *p, int count) {
    for (int l = 0; l < p->layers; l++) {
        int outputs = p->width[l + 1];
        float *y = p->value[l + 1];
        p->multiply(0, 1, count, outputs, p->width[l], 1, p->value[l], p->w[l], 0, y);
        float least = l + 1 < p->layers ? 0 : -FLT_MAX;
        for (int r = 0; r < count; r++)
            for (int j = 0; j < outputs; j++) {
                float v = y[r * outputs + j] + p->bias[l][j];
                y[r * outputs + j] = v > least ? v : least;
            }
    }
}

/* The gradient of the sum of the losses by the last outputs; returns the mean loss. */
static inline double cross_entropy(const perceptron *p, const int *rows, int count) {
    int classes = p->width[p->layers];
    double total = 0;
    for (int r = 0; r < count; r++) {
        const float *y = p->value[p->layers] + r * classes;
        float *d = p->change[p->layers] + r * classes, largest = y[0], sum = 0;
        for (int j = 1; j < classes; j++) largest = y[j] > largest ? y[j] : largest;
        for (int j = 0; j < classes; j++) sum += d[j] = expf(y[j] - largest);
        for (int j = 0; j < classes; j++) d[j] /= sum;
        d[p->labels[rows[r]]] -= 1;
        total += logf(sum) - (y[p->labels[rows[r]]] - largest);
    }
    return total / count;
}

static inline void backward(const perceptron *p, int count) {
    float rate = -p->lr / (float)count;
    for (int l = p->layers - 1; l >= 0; l--) {
        int inputs = p->width[l], outputs = p->width[l + 1];
        const float *d = p->change[l + 1], *x = p->value[l];
        if (l > 0) {
            float *before = p->change[l];
            p->multiply(0, 0, count, inputs, outputs, 1, d, p->w[l], 0, before);
            for (size_t i = 0; i < (size_t)count * (size_t)inputs; i++) before[i] = x[i] > 0 ? before[i] : 0;
        }
        p->multiply(1, 0, outputs, inputs, count, rate, d, x, 1, p->w[l]);
        for (int r = 0; r < count; r++)
            for (int j = 0; j < outputs; j++) p->bias[l][j] += rate * d[r * outputs + j];
    }
}

static inline double step(const perceptron *p, const int *rows, int count) {
    gather(p, rows, count);
    forward(p, count);
    double loss = cross_entropy(p, rows, count);
    backward(p, count);
    return loss;
}

static inline double epoch(void *context) {
    const perceptron *p = context;
    static unsigned state = 12345;
    for (int r = p->rows - 1; r > 0; r--) {
        state = state * 1664525u + 1013904223u;
        int other = (int)(((unsigned long long)state * (unsigned)(r + 1)) >> 32), t = p->order[r];
        p->order[r] = p->order[other];
        p->order[other] = t;
    }
    for (int first = 0; first + p->batch <= p->rows; first += p->batch) p->step(p, p->order + first, p->batch);
    return 0;
}

/* Takes the steps of the file for their losses, then measures epochs. */
static inline int train_by(perceptron p, const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return 2;
    p.rows = read_int(file), p.width[0] = read_int(file), p.bytes = read_int(file), p.layers = read_int(file);
    if (p.rows < 1 || p.width[0] < 1 || p.layers < 1 || p.layers > MOST_LAYERS) return 2;
    for (int l = 0; l < p.layers; l++) p.width[l + 1] = read_int(file);
    int steps = read_int(file), all = 0;
    int *of_step = read_new(file, sizeof *of_step, (size_t)steps);
    for (int s = 0; s < steps; s++) all += of_step[s], p.batch = of_step[s] > p.batch ? of_step[s] : p.batch;
    p.labels = read_new(file, sizeof *p.labels, (size_t)p.rows);
    int *rows = read_new(file, sizeof *rows, (size_t)all);
    for (int l = 0; l < p.layers; l++) {
        p.w[l] = read_new(file, sizeof(float), (size_t)p.width[l + 1] * (size_t)p.width[l]);
        p.bias[l] = read_new(file, sizeof(float), (size_t)p.width[l + 1]);
    }
    p.inputs = read_new(file, p.bytes ? 1 : sizeof(float), (size_t)p.rows * (size_t)p.width[0]);
    fclose(file);
    for (int l = 0; l <= p.layers; l++) {
        p.value[l] = make((size_t)p.batch * (size_t)p.width[l], 0);
        p.change[l] = make((size_t)p.batch * (size_t)p.width[l], 0);
    }
    p.order = (int *)make((size_t)p.rows, 0);
    for (int r = 0; r < p.rows; r++) p.order[r] = r;
    printf("{\"check\": [");
    for (int s = 0; s < steps; rows += of_step[s++]) printf("%s%.9g", s ? ", " : "", p.step(&p, rows, of_step[s]));
    printf("]}\n");
    return serve(epoch, &p, (double)(p.rows / p.batch));
}

static inline int train(const char *path, float lr, product *multiply) {
    return train_by((perceptron){.multiply = multiply, .step = step, .lr = lr}, path);
}
#endif
