/* Linear regression by a step that is written by hand: rows, parameters and steps of a file, and what is measured.
 *     PROGRAM FILE LR BATCH
 * FILE, text, is what bench/run made of sgdc's trace: rows, features; the rows of x and y; weights, intercept;
 * steps; and for each step its rows. Those steps are taken first, for their losses. */
#ifndef BENCH_AIRFOIL_H
#define BENCH_AIRFOIL_H
#include "peer.h"

enum { MOST_ROWS = 2048, FEATURES = 5 };
static float v[MOST_ROWS][8] __attribute__((aligned(32))); /* features, target, 1, 0 */
static float w[FEATURES + 1];                              /* weights and intercept */
static int order[MOST_ROWS], rows, batch;
static float lr;
static FILE *file;

static inline int whole(void) {
    int value;
    if (fscanf(file, "%d", &value) != 1) exit(2);
    return value;
}

static inline float number(void) {
    float value;
    if (fscanf(file, "%f", &value) != 1) exit(2);
    return value;
}

/* Another order of the rows. */
static inline void shuffle(void) {
    static unsigned state = 12345;
    for (int r = rows - 1; r > 0; r--) {
        state = state * 1664525u + 1013904223u;
        int other = (int)(((unsigned long long)state * (unsigned)(r + 1)) >> 32);
        int t = order[r];
        order[r] = order[other];
        order[other] = t;
    }
}

static inline double loss(const int *chosen, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
        const float *row = v[chosen[i]];
        double d = w[FEATURES] - row[FEATURES];
        for (int k = 0; k < FEATURES; k++) d += w[k] * row[k];
        sum += d * d / 2;
    }
    return sum / count;
}

/* Takes the steps of the file for their losses, then measures epochs. */
static inline int regress(int count, char **arguments, void (*step)(const int *, int), double (*epoch)(void *)) {
    if (count != 4 || !(file = fopen(arguments[1], "r"))) return 2;
    lr = (float)atof(arguments[2]);
    batch = atoi(arguments[3]);
    rows = whole();
    if (whole() != FEATURES || rows < 1 || rows > MOST_ROWS || batch < 1) return 2;
    for (int r = 0; r < rows; r++)
        for (int k = 0; k <= FEATURES + 1; k++) v[r][k] = k <= FEATURES ? number() : 1;
    for (int k = 0; k <= FEATURES; k++) w[k] = number();
    int steps = whole();
    printf("{\"check\": [");
    for (int s = 0; s < steps; s++) {
        int chosen = whole();
        if (chosen < 1 || chosen > MOST_ROWS) return 2;
        for (int i = 0; i < chosen; i++)
            if ((order[i] = whole()) < 0 || order[i] >= rows) return 2;
        printf("%s%.9g", s ? ", " : "", loss(order, chosen));
        step(order, chosen);
    }
    printf("]}\n");
    for (int r = 0; r < rows; r++) order[r] = r;
    return serve(epoch, NULL, (double)((rows + batch - 1) / batch));
}
#endif
