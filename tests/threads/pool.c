/* The pool of threads: every thread runs every region once, nobody passes a barrier before all have come, and what
 * was written before it is seen after it; also with more threads than processors, and after sleeping.
 *
 * A plain program, so that it can be built with ThreadSanitizer (tests/CMakeLists.txt does, where there is one).
 */
#define _GNU_SOURCE
#include "pool.h"
#include "expect.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 8, REGIONS = 300, ROUNDS = 20 };

/* Two rows of plain numbers, written and read in turn: without a barrier in between that is a race. */
typedef struct Table {
    sgdrt_pool *pool;
    int threads;
    long value[2][MOST];
    int runs[MOST];
    int pause_of; /* this thread comes late */
} Table;

static void exchange(void *context, int thread) {
    Table *t = context;
    t->runs[thread]++;
    for (int round = 0; round < ROUNDS; round++) {
        long *now = t->value[round % 2], *next = t->value[(round + 1) % 2];
        if (thread == t->pause_of && round == ROUNDS / 2) usleep(200); /* longer than the others spin */
        long sum = 0;
        for (int i = 0; i < t->threads; i++) sum += now[i];
        next[thread] = sum % 1000003 + thread;
        sgdrt_pool_barrier(t->pool);
    }
}

static void expect_exchange(int threads) {
    Table t = {.pool = sgdrt_pool_new(threads), .pause_of = -1};
    EXPECT(t.pool);
    t.threads = sgdrt_pool_threads(t.pool);
    EXPECT(t.threads == threads);
    long want[2][MOST] = {0};
    for (int region = 0; region < REGIONS; region++) {
        t.pause_of = region % 50 == 0 ? region / 50 % threads : -1;
        if (region % 100 == 99) usleep(300); /* workers are asleep when it starts */
        sgdrt_pool_run(t.pool, exchange, &t);
        for (int round = 0; round < ROUNDS; round++)
            for (int thread = 0; thread < threads; thread++) {
                long sum = 0;
                for (int i = 0; i < threads; i++) sum += want[round % 2][i];
                want[(round + 1) % 2][thread] = sum % 1000003 + thread;
            }
        EXPECT(memcmp(want, t.value, sizeof want) == 0);
    }
    for (int thread = 0; thread < threads; thread++) EXPECT(t.runs[thread] == REGIONS);
    sgdrt_pool_free(t.pool);
}

static void do_nothing(void *context, int thread) { (void)context, (void)thread; }

/* --time: what a region costs. Not part of the test. */
static void print_times(void) {
    enum { COUNT = 100000 };
    for (int threads = 2; threads <= 4; threads++) {
        sgdrt_pool *pool = sgdrt_pool_new(threads);
        struct timespec begin, end;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        for (int i = 0; i < COUNT; i++) sgdrt_pool_run(pool, do_nothing, NULL);
        clock_gettime(CLOCK_MONOTONIC, &end);
        double seconds = (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
        printf("%d threads: %.2f us from the start of a region to its end\n", threads, 1e6 * seconds / COUNT);
        sgdrt_pool_free(pool);
    }
}

int main(int count, char **arguments) {
    if (count > 1 && strcmp(arguments[1], "--time") == 0) {
        print_times();
        return 0;
    }
    EXPECT(sgdrt_pool_new(1) == NULL && sgdrt_pool_new(0) == NULL);
    EXPECT(sgdrt_pool_threads(NULL) == 1);
    EXPECT(sgdrt_processors() >= 1);
    sgdrt_pool_free(NULL);
    for (int threads = 2; threads <= MOST; threads++) expect_exchange(threads);
    return 0;
}
