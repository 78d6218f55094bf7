/* What an LSTM does between its products, of 64 rows and a width of 128: from the sums of four gates [row][gate][unit]
 *     c = sigmoid(f) c + sigmoid(i) tanh(g),   h = sigmoid(o) tanh(c)
 * A sigmoid and a tanh are an exponential and a division each; the last tanh waits for all others. Gates stand in the
 * order i, f, g, o.
 *     lstm_gates */
#include "../peers/peer.h"
#include "vector.h"
#include "check.h"

enum { ROWS = 64, WIDTH = 128, GATES = 4 };
static float *gate, *before, *cell, *shown;

INLINE vector sigmoid(vector v) { return divide(spread(1), add(spread(1), exponential(subtract(spread(0), v)))); }

/* 2 sigmoid(2 v) - 1: near 0 it is off by roundings of 1. */
INLINE vector tangent(vector v) { return multiply_add(sigmoid(add(v, v)), spread(2), spread(-1)); }

static double run(void *unused) {
    (void)unused;
    for (size_t r = 0; r < ROWS; r++)
        for (size_t u = 0; u < WIDTH; u += LANES) {
            const float *at = gate + r * GATES * WIDTH + u;
            vector in = multiply(sigmoid(load(at)), tangent(load(at + 2 * WIDTH)));
            vector c = multiply_add(sigmoid(load(at + WIDTH)), load(before + r * WIDTH + u), in);
            store(cell + r * WIDTH + u, c);
            store(shown + r * WIDTH + u, multiply(sigmoid(load(at + 3 * WIDTH)), tangent(c)));
        }
    return 0;
}

static double sigmoid_of(double v) { return 1 / (1 + exp(-v)); }

/* The value is one term; the others cancel, so that the error allowed is absolute, as that of tangent is. */
static double term(const void *of_h, size_t at, size_t p) {
    const float *from = gate + at / WIDTH * GATES * WIDTH + at % WIDTH;
    double c = sigmoid_of((double)from[WIDTH]) * (double)before[at] +
               sigmoid_of((double)from[0]) * tanh((double)from[2 * WIDTH]);
    if (p > 0) return p % 2 ? 0.25 : -0.25;
    return of_h ? sigmoid_of((double)from[3 * WIDTH]) * tanh(c) : c;
}

int main(void) {
    gate = make((size_t)ROWS * GATES * WIDTH, 0);
    before = make((size_t)ROWS * WIDTH, 1u << 30);
    cell = make((size_t)ROWS * WIDTH, 7);
    shown = make((size_t)ROWS * WIDTH, 7);
    run(NULL);
    check(cell, (size_t)ROWS * WIDTH, 5, term, NULL);
    check(shown, (size_t)ROWS * WIDTH, 5, term, shown);
    printf("{\"check\": null}\n");
    return serve(run, NULL, 1);
}
