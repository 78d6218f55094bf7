/* Calls on a crew: every row is seen once and in order however a call is divided, a stop ends it after the step at hand, a thread
 * that keeps the others waiting is soon done without, and so are threads that are slower together than one; two callers at a time
 * do not disturb each other.
 *
 * A plain program, so that it can be built with ThreadSanitizer (tests/CMakeLists.txt does, where there is one).
 */
#define _GNU_SOURCE
#include "crew.h"
#include "expect.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 1000, BATCH = 7, CALLS = 40 };

/* What a call works on, its state: a count for each row, as many as steps took it. */
typedef struct Table {
    int seen[ROWS], shared, alone;
    int64_t steps, stop_at, next; /* place that must come next */
    int64_t pause;                /* of all threads but the first, in each step, in microseconds */
    int64_t delay;                /* of all, where there are several, in each step */
    int32_t stop;
} Table;

static void meet(const sgdrt_call *call) {
    if (call->threads > 1) call->barrier(call->barrier_context);
}

/* A function as generated code has it: threads share the rows of a step. */
static int64_t take_steps(const sgdrt_call *call) {
    Table *t = call->state;
    int64_t threads = call->threads > 1 ? call->threads : 1, steps = 0;
    for (int64_t begin = 0; begin < call->count; begin += call->batch) {
        int64_t rows = call->count - begin < call->batch ? call->count - begin : call->batch;
        if (call->thread && t->pause) usleep((unsigned)t->pause);
        if (threads > 1 && t->delay) usleep((unsigned)t->delay);
        for (int64_t r = rows * call->thread / threads; r < rows * (call->thread + 1) / threads; r++)
            t->seen[call->rows ? call->rows[begin + r] : call->first + begin + r]++;
        meet(call);
        if (call->thread == 0) {
            EXPECT(call->place + begin == t->next);
            t->next += rows;
            *(threads > 1 ? &t->shared : &t->alone) += 1;
            if (++t->steps == t->stop_at) t->stop = 1;
        }
        meet(call);
        steps++;
        if (t->stop) break;
    }
    return steps;
}

static void expect_rows(sgdrt_crew *crew, const uint32_t *rows, int64_t pause, int64_t delay) {
    Table t = {.pause = pause, .delay = delay};
    for (int i = 0; i < CALLS; i++) {
        sgdrt_call call = {.state = &t, .rows = rows, .count = ROWS, .batch = BATCH};
        t.next = 0;
        EXPECT(sgdrt_crew_call(crew, take_steps, &call) == (ROWS + BATCH - 1) / BATCH);
    }
    for (int r = 0; r < ROWS; r++) EXPECT(t.seen[r] == CALLS);
    EXPECT((!pause && !delay) || (t.shared > 0 && t.alone > 0));
}

static void expect_stop(sgdrt_crew *crew) {
    Table t = {.stop_at = 11, .next = 5};
    sgdrt_call call = {.state = &t, .count = ROWS, .batch = BATCH, .place = 5};
    EXPECT(sgdrt_crew_call(crew, take_steps, &call) == 11);
    EXPECT(t.seen[11 * BATCH - 1] == 1 && t.seen[11 * BATCH] == 0);
}

/* As evaluate: all rows in one step. */
static void expect_whole(sgdrt_crew *crew) {
    Table t = {0};
    sgdrt_call call = {.state = &t, .count = ROWS, .batch = ROWS}, none = {.state = &t};
    EXPECT(sgdrt_crew_call(crew, take_steps, &call) == 1 && t.seen[0] == 1 && t.seen[ROWS - 1] == 1);
    EXPECT(sgdrt_crew_call(crew, take_steps, &none) == 0);
}

static void *call_whole(void *crew) {
    for (int i = 0; i < CALLS; i++) {
        Table t = {0};
        sgdrt_call call = {.state = &t, .count = ROWS, .batch = ROWS};
        EXPECT(sgdrt_crew_call(crew, take_steps, &call) == 1 && t.seen[0] == 1 && t.seen[ROWS - 1] == 1);
    }
    return NULL;
}

int main(void) {
    static uint32_t backwards[ROWS];
    for (int r = 0; r < ROWS; r++) backwards[r] = (uint32_t)(ROWS - 1 - r);
    EXPECT(sgdrt_crew_new(1) == NULL);
    sgdrt_crew_free(NULL);
    for (int threads = 2; threads <= 4; threads++) {
        sgdrt_crew *crew = sgdrt_crew_new(threads);
        EXPECT(crew);
        expect_rows(crew, NULL, 0, 0);
        expect_rows(crew, backwards, 0, 0);
        expect_stop(crew);
        expect_whole(crew);
        pthread_t other;
        EXPECT(!pthread_create(&other, NULL, call_whole, crew));
        expect_rows(crew, NULL, 0, 0);
        pthread_join(other, NULL);
        sgdrt_crew_free(crew);
        crew = sgdrt_crew_new(threads);
        expect_rows(crew, NULL, 300, 0);
        sgdrt_crew_free(crew);
        crew = sgdrt_crew_new(threads);
        expect_rows(crew, NULL, 0, 300);
        sgdrt_crew_free(crew);
    }
    return 0;
}
