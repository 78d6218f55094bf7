/* airfoil: nanoseconds a step of linear regression on five features, at batch 1, 10, 100 and all 1,500 rows: the
 * object that sgdc emitted from examples/airfoil.sgd against the same loop written by hand, the shuffle included
 * in both. Built and run by bench/airfoil.sh.      airfoil DATA_FILE */
#include "airfoil.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = 1500, FEATURES = 5, EPOCHS = BENCH_EPOCHS, REPEATS = 7 };
static float x[ROWS][FEATURES], y[ROWS];           /* as measured */
static float sx[ROWS][8], sw[6];                   /* by hand: standardized features, target; weights, intercept */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int read_data(const char *path) {
    FILE *file = fopen(path, "r");
    int rows = 0;
    while (file && rows < ROWS &&
           fscanf(file, "%f %f %f %f %f %f", &x[rows][0], &x[rows][1], &x[rows][2], &x[rows][3], &x[rows][4], &y[rows]) == 6)
        rows++;
    if (file) fclose(file);
    return rows == ROWS;
}

static void standardize(void) {
    for (int k = 0; k <= FEATURES; k++) {
        double sum = 0, squares = 0;
        for (int r = 0; r < ROWS; r++) sum += k < FEATURES ? x[r][k] : y[r];
        double mean = sum / ROWS;
        for (int r = 0; r < ROWS; r++) {
            double d = (k < FEATURES ? x[r][k] : y[r]) - mean;
            squares += d * d;
        }
        for (int r = 0; r < ROWS; r++)
            sx[r][k] = (float)(((k < FEATURES ? x[r][k] : y[r]) - mean) / sqrt(squares / ROWS));
    }
}

/* The loop a C programmer writes: shuffle, then a step for each mini-batch. */
static double by_hand(int batch, float lr, int epochs) {
    static int order[ROWS];
    unsigned state = 12345;
    for (int r = 0; r < ROWS; r++) order[r] = r;
    memset(sw, 0, sizeof sw);
    for (int e = 0; e < epochs; e++) {
        if (batch < ROWS)
            for (int r = ROWS - 1; r > 0; r--) {
                state = state * 1664525u + 1013904223u;
                int other = (int)(((unsigned long long)state * (unsigned)(r + 1)) >> 32);
                int t = order[r];
                order[r] = order[other];
                order[other] = t;
            }
        for (int first = 0; first < ROWS; first += batch) {
            int rows = ROWS - first < batch ? ROWS - first : batch;
            float g[6] = {0};
            for (int r = first; r < first + rows; r++) {
                const float *v = sx[order[r]];
                float d = sw[5] - v[5];
                for (int k = 0; k < FEATURES; k++) d += sw[k] * v[k];
                for (int k = 0; k < FEATURES; k++) g[k] += d * v[k];
                g[5] += d;
            }
            for (int k = 0; k < 6; k++) sw[k] -= lr / (float)rows * g[k];
        }
    }
    return sw[0];
}

static volatile double keep;
#define MEASURE(name, batch, lr)                                                                          \
    do {                                                                                                  \
        double hand = 1e9, ours = 1e9;                                                                    \
        long steps = (long)EPOCHS * ((ROWS + (batch) - 1) / (batch));                                     \
        for (int i = 0; i < REPEATS; i++) {                                                               \
            airfoil_##name *m;                                                                            \
            airfoil_##name##_data data = airfoil_##name##_rows(ROWS, &x[0][0], y);                        \
            double start = now();                                                                         \
            keep = by_hand(batch, lr, EPOCHS);                                                            \
            double middle = now();                                                                        \
            if (airfoil_##name##_new(&m, NULL) || airfoil_##name##_fit(m, &data, NULL, NULL, NULL)) exit(1); \
            double end = now();                                                                           \
            airfoil_##name##_free(m);                                                                     \
            hand = fmin(hand, middle - start);                                                            \
            ours = fmin(ours, end - middle);                                                              \
        }                                                                                                 \
        printf("%8d %14.1f %14.1f %10.2f\n", batch, 1e9 * hand / (double)steps, 1e9 * ours / (double)steps, ours / hand); \
    } while (0)

int main(int argc, char **argv) {
    if (argc != 2 || !read_data(argv[1])) return fprintf(stderr, "usage: airfoil airfoil_self_noise.dat\n"), 2;
    standardize();
    printf("airfoil, ns a step, the shuffle included (best of %d)\n", REPEATS);
    printf("%8s %14s %14s %10s\n", "batch", "C, fast-math", "sgdc", "sgdc / C");
    MEASURE(sgd1, 1, 0.005f);
    MEASURE(mini10, 10, 0.05f);
    MEASURE(mini100, 100, 0.4f);
    MEASURE(gd, 1500, 0.9f);
    return 0;
}
