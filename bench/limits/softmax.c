/* A training step of softmax regression on images of bytes, 784 to 10: one layer of perceptron.h, by kernels for this
 * shape. Rows are never copied: both products turn bytes into floats as they read them, which costs less than storing
 * floats, and 1 / 255 is a factor of what comes out.
 *     forward:    lanes are terms; tiles of TILE_ROWS rows x half of the classes, whose weights stay in L1; the chains
 *                 are summed across lanes at the end, LANES of them at once
 *     gradient:   lanes are columns; tiles of WIDE vectors x all classes (half of them with AVX2), terms are the rows;
 *                 a tile is added to the weights
 * The lines of the next rows are fetched meanwhile.
 *     softmax steps FILE LR */
#include "../peers/perceptron.h"
#include "vector.h"

enum {
    INPUTS = 784,
    CLASSES = 10,
    HALF = CLASSES / 2,
    BATCH = 64,
    TILE_ROWS = LANES / 4,
    TILES = BATCH / TILE_ROWS,
    CHAINS_OF_TILE = TILE_ROWS * HALF,
    REST = CHAINS_OF_TILE - LANES,
    WIDE = 2,
    CLASSES_OF_TILE = LANES == 16 ? CLASSES : HALF,
};
typedef float logits_of_half[TILES][CHAINS_OF_TILE];

static void forward_half(const uint8_t *const *rows, const float *w, logits_of_half logits) {
    vector rest[TILES * REST];
    for (int t = 0; t < TILES; t++) {
        const uint8_t *const *row = rows + t * TILE_ROWS;
        vector sum[CHAINS_OF_TILE];
#pragma GCC unroll 20
        for (int i = 0; i < CHAINS_OF_TILE; i++) sum[i] = spread(0);
#pragma GCC unroll 1
        for (size_t p = 0; p < INPUTS; p += LANES) {
            vector x[TILE_ROWS];
#pragma GCC unroll 4
            for (int i = 0; i < TILE_ROWS; i++) x[i] = of_bytes(row[i] + p);
#pragma GCC unroll 5
            for (int j = 0; j < HALF; j++) {
                vector weight = load(w + j * INPUTS + p);
#pragma GCC unroll 4
                for (int i = 0; i < TILE_ROWS; i++) sum[i * HALF + j] = multiply_add(x[i], weight, sum[i * HALF + j]);
            }
        }
        store(logits[t], sums_of(sum));
#pragma GCC unroll 4
        for (int i = 0; i < REST; i++) rest[t * REST + i] = sum[LANES + i];
    }
    for (int t = 0; t < TILES; t += LANES / REST) {
        float sums[LANES];
        store(sums, sums_of(rest + t * REST));
        for (int i = 0; i < LANES; i++) logits[t + i / REST][LANES + i % REST] = sums[i];
    }
}

/* The gradient by the logits, times rate: [row][class]. Returns the mean loss. */
static double cross_entropy_of(logits_of_half logits[2], const float *bias, const int *label, float rate,
                               float d[BATCH][CLASSES]) {
    double loss = 0;
    for (int r = 0; r < BATCH; r += LANES) {
        float by_class[CLASSES][LANES];
        vector v[CLASSES], most = spread(-FLT_MAX), sum = spread(0);
        for (int i = 0; i < LANES; i++)
            for (int j = 0; j < CLASSES; j++)
                by_class[j][i] = logits[j / HALF][(r + i) / TILE_ROWS][(r + i) % TILE_ROWS * HALF + j % HALF];
        for (int j = 0; j < CLASSES; j++) {
            v[j] = multiply_add(load(by_class[j]), spread(1.f / 255), spread(bias[j]));
            most = largest(most, v[j]);
        }
        for (int i = 0; i < LANES; i++) {
            float biased = by_class[label[r + i]][i] / 255 + bias[label[r + i]];
            by_class[0][i] = biased; /* of each row, the logit of its label */
        }
        vector apart = subtract(load(by_class[0]), most);
        for (int j = 0; j < CLASSES; j++) sum = add(sum, v[j] = exponential(subtract(v[j], most)));
        vector factor = divide(spread(rate), sum);
        float sums[LANES], of_label[LANES];
        store(sums, sum), store(of_label, apart);
        for (int j = 0; j < CLASSES; j++) store(by_class[j], multiply(v[j], factor));
        for (int i = 0; i < LANES; i++) {
            for (int j = 0; j < CLASSES; j++) d[r + i][j] = by_class[j][i];
            d[r + i][label[r + i]] -= rate;
            loss += (double)(logf(sums[i]) - of_label[i]);
        }
    }
    return loss / BATCH;
}

INLINE void add_gradient(int vectors, const uint8_t *const *rows, float d[BATCH][CLASSES], size_t column, float *w) {
    for (int first = 0; first < CLASSES; first += CLASSES_OF_TILE) {
        vector sum[CLASSES_OF_TILE][WIDE];
#pragma GCC unroll 10
        for (int j = 0; j < CLASSES_OF_TILE; j++)
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++) sum[j][v] = load(w + (first + j) * INPUTS + column + (size_t)v * LANES);
#pragma GCC unroll 1
        for (int r = 0; r < BATCH; r++) {
            vector x[WIDE];
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++) x[v] = of_bytes(rows[r] + column + v * LANES);
#pragma GCC unroll 10
            for (int j = 0; j < CLASSES_OF_TILE; j++) {
                vector factor = spread(d[r][first + j]);
#pragma GCC unroll 2
                for (int v = 0; v < vectors; v++) sum[j][v] = multiply_add(x[v], factor, sum[j][v]);
            }
        }
#pragma GCC unroll 10
        for (int j = 0; j < CLASSES_OF_TILE; j++)
#pragma GCC unroll 2
            for (int v = 0; v < vectors; v++) store(w + (first + j) * INPUTS + column + v * LANES, sum[j][v]);
    }
}

static double step_of_bytes(const perceptron *p, const int *chosen, int count) {
    const uint8_t *rows[BATCH], *images = p->inputs;
    const int *end = p->order + p->rows;
    static logits_of_half logits[2];
    static float d[BATCH][CLASSES];
    int label[BATCH];
    if (count != BATCH) exit(2);
    for (int r = 0; r < BATCH; r++) rows[r] = images + (size_t)chosen[r] * INPUTS, label[r] = p->labels[chosen[r]];
    for (int half = 0; half < 2; half++) forward_half(rows, p->w[0] + half * HALF * INPUTS, logits[half]);
    double loss = cross_entropy_of(logits, p->bias[0], label, -p->lr / BATCH, d);
    for (int r = 0; r < BATCH; r++)
        for (int j = 0; j < CLASSES; j++) p->bias[0][j] += d[r][j], d[r][j] /= 255;
    int following = chosen >= p->order && chosen < end && end - chosen >= 2 * BATCH;
    size_t column = 0;
    for (size_t tile = 0; column + WIDE * LANES <= INPUTS; column += WIDE * LANES, tile++) {
        for (size_t r = 3 * tile; following && r < 3 * tile + 3 && r < BATCH; r++)
            for (size_t at = 0; at < INPUTS; at += 64)
                _mm_prefetch((const char *)images + (size_t)chosen[BATCH + r] * INPUTS + at, _MM_HINT_T1);
        add_gradient(WIDE, rows, d, column, p->w[0]);
    }
    if (column < INPUTS) add_gradient(1, rows, d, column, p->w[0]);
    return loss;
}

int main(int count, char **arguments) {
    if (count != 4) return 2;
    return train_by((perceptron){.step = step_of_bytes, .lr = (float)atof(arguments[3])}, arguments[2]);
}
