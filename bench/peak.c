/* What one core can do at most; the best of many short runs, since whatever else runs on the machine can only lower it.
 *     peak fma SECONDS       GFLOP/s in f32: nothing but fused multiply-adds, in the widest vectors that the compiler
 *                            was told of (-march=native), as many chains as cover their latency and fit the registers
 *     peak BYTES SECONDS     GB/s read from so many bytes, front to back, again and again */
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

static double arithmetic(void) {
    static volatile float keep = 0.5f;
    double start = now();
    keep = multiply_and_add(keep * 0.25f, 0.125f);
    return 2.0 * LANES * CHAINS * TIMES / (now() - start) / 1e9;
}

static double reading(size_t count) {
    enum { STREAMS = 8, STEP = STREAMS * LANES, AT_LEAST = 1 << 20 };
    static float *values;
    static volatile float keep = 0;
    if (!values) {
        values = aligned_alloc(64, sizeof(float) * count);
        if (!values) exit(1);
        for (size_t i = 0; i < count; i++) values[i] = 1;
    }
    vector sum[STREAMS] = {0};
    size_t read = 0;
    double start = now();
    for (; read < AT_LEAST; read += count)
        for (size_t i = 0; i < count; i += STEP) {
#pragma GCC unroll 8
            for (size_t s = 0; s < STREAMS; s++) sum[s] += *(const vector *)(values + i + s * LANES);
        }
    double took = now() - start;
    for (int s = 0; s < STREAMS; s++) keep = keep + sum[s][0];
    return sizeof(float) * (double)read / took / 1e9;
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    size_t bytes = strtoul(arguments[1], NULL, 10) / 4096 * 4096; /* 0: fma */
    double best = 0, end = now() + atof(arguments[2]);
    do {
        double one = bytes ? reading(bytes / sizeof(float)) : arithmetic();
        if (one > best) best = one;
    } while (now() < end);
    printf("%.1f\n", best);
    return 0;
}
