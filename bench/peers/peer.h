/* What the contenders in C share. A contender is a process: it says in one line of JSON what it computed, so that
 * bench/run can compare that with the others; then, for each line on standard input, it measures once and prints
 * the seconds of one unit of work. So contenders take turns, and none pays for another's start. */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* BENCH_CLOCK=cpu counts processor time: on a machine that does other things too, with one thread. */
static inline double now(void) {
    const char *clock = getenv("BENCH_CLOCK");
    struct timespec t;
    clock_gettime(clock && *clock == 'c' ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Eighths from -1 to 1: their products and sums are exact in f32, so every order of summation gives the same. */
static inline float made(uint32_t i) { return (float)((int)((i * 2654435761u >> 16) % 17) - 8) / 8; }

static inline float *make(size_t count, uint32_t first) {
    float *values = aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64);
    if (!values) exit(1);
    for (size_t i = 0; i < count; i++) values[i] = made(first + (uint32_t)i);
    return values;
}

/* Exact too, and different when two values change places. */
static inline double checksum(const float *values, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += (double)values[i] * (double)(i % 7 + 1);
    return sum;
}

/* Measures whenever it is asked to, at least a tenth of a second. work does `units` units and returns the seconds
 * that do not count. */
static inline double spend(double (*work)(void *), void *context, long times) {
    double start = now(), not_counted = 0;
    for (long i = 0; i < times; i++) not_counted += work(context);
    return now() - start - not_counted;
}

static inline int serve(double (*work)(void *), void *context, double units) {
    char line[16];
    long times = 1;
    fflush(stdout);
    spend(work, context, 1);
    while (spend(work, context, times) < 0.1) times *= 2;
    while (fgets(line, sizeof line, stdin)) {
        printf("%.9g\n", spend(work, context, times) / ((double)times * units));
        fflush(stdout);
    }
    return 0;
}
#endif
