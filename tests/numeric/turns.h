/* turns: the threads of a call, one after the other. Each runs until it waits for the others or ends; then the next
 * one does, in an order that changes from wait to wait. So a wait that is missing between two nests shows every time
 * the order is the wrong one, on any machine, where real threads would seldom be seen to be late.
 */
#ifndef SGDC_TURNS_H
#define SGDC_TURNS_H
#include "core.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <ucontext.h>

enum { MOST_TURNS = 7, TURN_STACK = 2 << 20 };

typedef struct Turns Turns;
typedef struct Turn {
    Turns *turns;
    ucontext_t place;
    sgdrt_call call;
    void *stack;
    int waits;
    bool ended;
} Turn;
struct Turns {
    int threads;
    uint64_t order; /* a random number: of each round, one bit */
    ucontext_t back;
    Turn turn[MOST_TURNS], *now;
    sgdrt_function *function;
    int64_t result;
};

static void turns_wait(void *context) {
    Turns *turns = context;
    turns->now->waits++;
    swapcontext(&turns->now->place, &turns->back);
}

static void turns_begin(unsigned high, unsigned low) {
    Turn *turn = (Turn *)((uintptr_t)high << 32 | low);
    int64_t result = turn->turns->function(&turn->call);
    if (turn->call.thread == 0) turn->turns->result = result;
    turn->ended = true;
}

static void turn_start(Turns *turns, int thread, const sgdrt_call *call) {
    Turn *turn = &turns->turn[thread];
    turn->turns = turns;
    turn->call = *call;
    turn->call.thread = thread;
    turn->call.threads = turns->threads;
    turn->call.barrier = turns_wait;
    turn->call.barrier_context = turns;
    turn->waits = 0;
    turn->ended = false;
    if (!turn->stack) turn->stack = malloc(TURN_STACK);
    getcontext(&turn->place);
    turn->place.uc_stack.ss_sp = turn->stack;
    turn->place.uc_stack.ss_size = TURN_STACK;
    turn->place.uc_link = &turns->back;
    makecontext(&turn->place, (void (*)(void))turns_begin, 2, (unsigned)((uintptr_t)turn >> 32),
                (unsigned)(uintptr_t)turn);
}

/* An sgdrt_region. */
static int64_t turns_call(void *context, sgdrt_function *function, const sgdrt_call *call) {
    Turns *turns = context;
    turns->function = function;
    for (int i = 0; i < turns->threads; i++) turn_start(turns, i, call);
    for (int round = 0; !turns->turn[0].ended; round++) {
        bool backwards = turns->order >> round % 61 & 1;
        for (int i = 0; i < turns->threads; i++) {
            turns->now = &turns->turn[backwards ? turns->threads - 1 - i : i];
            cr_assert_not(turns->now->ended, "a thread ends while others wait");
            swapcontext(&turns->back, &turns->now->place);
        }
        for (int i = 1; i < turns->threads; i++)
            cr_assert(turns->turn[i].waits == turns->turn[0].waits && turns->turn[i].ended == turns->turn[0].ended,
                      "a thread waits for others that do not come");
    }
    return turns->result;
}

static void turns_free(Turns *turns) {
    for (int i = 0; i < MOST_TURNS; i++) free(turns->turn[i].stack);
}
#endif
