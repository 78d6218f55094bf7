/* Linear regression as a C programmer writes it: shuffle, then a step for each mini-batch. See airfoil.h. */
#include "airfoil.h"

static void step(const int *chosen, int count) {
    float g[FEATURES + 1] = {0};
    for (int i = 0; i < count; i++) {
        const float *row = v[chosen[i]];
        float d = w[FEATURES] - row[FEATURES];
        for (int k = 0; k < FEATURES; k++) d += w[k] * row[k];
        for (int k = 0; k < FEATURES; k++) g[k] += d * row[k];
        g[FEATURES] += d;
    }
    for (int k = 0; k <= FEATURES; k++) w[k] -= lr / (float)count * g[k];
}

static double epoch(void *unused) {
    (void)unused;
    if (batch < rows) shuffle();
    for (int first = 0; first < rows; first += batch) step(order + first, rows - first < batch ? rows - first : batch);
    return 0;
}

int main(int count, char **arguments) { return regress(count, arguments, step, epoch); }
