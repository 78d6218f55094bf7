/* threads: what the threads of a call share, and where they wait for each other.
 *
 *   nest a                                     nest a
 *     for i in 0..1000                           for i in 0..1000, threads
 *       x[i] = ..                      ->          x[i] = ..
 *   nest b                                     wait
 *     for k in 0..1000                         nest b
 *       s[0] = add(s[0], x[k]), term k           for k in 0..1000
 *                                                  s[0] = add(s[0], x[k]), term k
 *
 * All threads run the same function. Of a nest that is worth it, each does a range of the iterations of its outermost loops,
 * where these have nothing to do with each other: a chain is never divided, so that the bits do not depend on how many
 * threads there are. All other nests are the first thread's. A function in which too little is shared stays as it is.
 */
#include "ir/loops/passes/passes.h"
#include "ir/loops/verify/verify.h"

/* Of a nest, the cycles that pay for waiting: threads that meet take some latencies of memory, and a partner's processor may be late.
 * A function has several nests, and is first of all to be handed to the other threads. */
static const double fewest_cycles = 1 << 13, fewest_of_function = 16;
enum { FEWEST_ITERATIONS = 2, USUAL_ROWS = 256, STOP_FLAGS_BYTES = 64 };

typedef struct Sharing {
    LoopTree *tree;
    bool small;
    double fewest, shared; /* operations and stores */
    OpenLoops around;
} Sharing;

static double work_of(const Body *body) {
    double work = 0;
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        double times = s->kind == STATEMENT_LOOP ? (double)loop_iterations(s->loop) : 1;
        if (s->kind == STATEMENT_LOOP && s->loop->extent == MOST_ROWS) times = USUAL_ROWS;
        work += times * work_of(&s->body);
        work += (s->kind == STATEMENT_LET && s->scalar->kind == SCALAR_OP) || s->kind == STATEMENT_STORE;
    }
    return work;
}

/* Iterations are a thread's own. */
static bool is_parallel(Sharing *w, Statement *loop) {
    return loop->loop->mark == LOOP_SERIAL && loop_iterations(loop->loop) >= FEWEST_ITERATIONS &&
           loop_may_be(w->tree->arena, loop, LOOP_THREADS, &w->around);
}

static bool can_be_shared(Sharing *w, const Statement *nest) {
    const Body *body = &nest->body;
    for (int i = 0; i < body->count; i++) {
        if (body->items[i]->kind != STATEMENT_LOOP || !is_parallel(w, body->items[i])) return false;
        for (int k = 0; k < i; k++)
            if (loops_meet(w->tree->arena, body->items[k], body->items[i])) return false;
    }
    return body->count > 0;
}

static void share_nest(Sharing *w, Statement *nest) {
    double work = work_of(&nest->body);
    if ((work < w->fewest && !w->small) || !can_be_shared(w, nest)) return;
    for (int i = 0; i < nest->body.count; i++) nest->body.items[i]->loop->mark = LOOP_THREADS;
    w->shared += w->small ? fewest_of_function * w->fewest : work;
}

static void share_nests(Sharing *w, Body *body) {
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        if (s->kind == STATEMENT_NEST) {
            share_nest(w, s);
            continue;
        }
        if (s->kind == STATEMENT_LOOP) w->around.loop[w->around.count++] = s->loop;
        share_nests(w, &s->body);
        if (s->kind == STATEMENT_LOOP) w->around.count--;
    }
}

static void keep_to_one(Body *body) {
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        if (s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_THREADS) s->loop->mark = LOOP_SERIAL;
        keep_to_one(&s->body);
    }
}

void tree_threads(LoopTree *tree, const TileNumbers *numbers) {
    Sharing w = {
        .tree = tree, .small = numbers->shares_all, .fewest = fewest_cycles * machine_operations(&numbers->machine)};
    share_nests(&w, &tree->body);
    tree->shared = w.shared >= fewest_of_function * w.fewest;
    if (!tree->shared) {
        keep_to_one(&tree->body);
        return;
    }
    add_waits(tree);
    tree->stop_flags = (tree->work_bytes + STOP_FLAGS_BYTES - 1) / STOP_FLAGS_BYTES * STOP_FLAGS_BYTES;
    tree->work_bytes = tree->stop_flags + STOP_FLAGS_BYTES;
}
