/* The pool of threads: every thread runs every region once, nobody passes a barrier before all have come, and what
 * was written before it is seen after it; also with more threads than processors, and after sleeping. Threads that may have a
 * processor each keep off the owner's.
 *
 * A plain program, so that it can be built with ThreadSanitizer (tests/CMakeLists.txt does, where there is one).
 */
#define _GNU_SOURCE
#include "pool.h"
#include "expect.h"
#include <sched.h>
#include <stdbool.h>
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

#ifdef __linux__
typedef struct Binding {
    cpu_set_t owner, worker; /* where the owner is; where the worker binds itself, if anywhere */
    bool binds;
} Binding;

static void bind_to(cpu_set_t *set, int processor) {
    CPU_ZERO(set);
    CPU_SET(processor, set);
    EXPECT(sched_setaffinity(0, sizeof *set, set) == 0);
}

static void expect_elsewhere(void *context, int thread) {
    Binding *b = context;
    if (thread == 0) return;
    EXPECT(!CPU_ISSET(sched_getcpu(), &b->owner));
    if (b->binds) EXPECT(sched_setaffinity(0, sizeof b->worker, &b->worker) == 0);
}

static void expect_bound(void *context, int thread) {
    Binding *b = context;
    cpu_set_t found;
    if (thread > 0) EXPECT(!sched_getaffinity(0, sizeof found, &found) && CPU_EQUAL(&found, &b->worker));
}

/* A worker keeps off the processor of the owner, whichever that is, until somebody binds it. */
static void expect_keeps_off(void) {
    cpu_set_t all;
    EXPECT(!sched_getaffinity(0, sizeof all, &all));
    int first = 0, last = CPU_SETSIZE - 1;
    while (!CPU_ISSET(first, &all)) first++;
    while (!CPU_ISSET(last, &all)) last--;
    Binding b = {.binds = false};
    sgdrt_pool *pool = sgdrt_pool_new(2);
    EXPECT(pool);
    for (int region = 0; region < REGIONS; region++) {
        if (region % 10 == 0) bind_to(&b.owner, region % 20 ? first : last);
        sgdrt_pool_run(pool, expect_elsewhere, &b);
    }
    b.binds = true;
    CPU_ZERO(&b.worker);
    CPU_SET(first, &b.worker);
    bind_to(&b.owner, first);
    sgdrt_pool_run(pool, expect_elsewhere, &b);
    for (int region = 0; region < 2; region++) { /* the owner goes away and comes back */
        bind_to(&b.owner, region ? first : last);
        sgdrt_pool_run(pool, expect_bound, &b);
    }
    EXPECT(!sched_setaffinity(0, sizeof all, &all));
    sgdrt_pool_free(pool);
}
#endif

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
#ifdef __linux__
    if (sgdrt_processors() > 1) expect_keeps_off();
#endif
    return 0;
}
