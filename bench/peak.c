/* The most that one core computes in f32, GFLOP/s: nothing but fused multiply-adds, in the widest vectors that the
 * compiler was told of (-march=native), as many chains as cover their latency and fit the registers. The best of
 * many short runs, since whatever else runs on the machine can only lower it.      peak [SECONDS] */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined __AVX512F__
enum { LANES = 16, CHAINS = 24 };
#elif defined __AVX__
enum { LANES = 8, CHAINS = 12 };
#else
enum { LANES = 4, CHAINS = 12 };
#endif
enum { TIMES = 200000 };
typedef float vector __attribute__((vector_size(4 * LANES)));

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float multiply_and_add(float factor, float term) {
    vector chain[CHAINS], a = factor - (vector){0}, b = term - (vector){0};
#pragma GCC unroll 24
    for (int c = 0; c < CHAINS; c++) chain[c] = a * (float)c;
    for (int i = 0; i < TIMES; i++) {
#pragma GCC unroll 24
        for (int c = 0; c < CHAINS; c++) chain[c] = chain[c] * a + b;
    }
#pragma GCC unroll 24
    for (int c = 1; c < CHAINS; c++) chain[0] += chain[c];
    return chain[0][0];
}

int main(int count, char **arguments) {
    volatile float keep = 0.5f;
    double best = 1e9, end = now() + (count > 1 ? atof(arguments[1]) : 1);
    do {
        double start = now();
        keep = multiply_and_add(keep * 0.25f, 0.125f);
        double took = now() - start;
        if (took < best) best = took;
    } while (now() < end);
    printf("%.1f\n", 2.0 * LANES * CHAINS * TIMES / best / 1e9);
    return 0;
}
