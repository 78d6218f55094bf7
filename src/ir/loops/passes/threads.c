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
 * All threads run the same function. Of a nest that is worth it, each does a range of the iterations of some of its loops, where
 * these have nothing to do with each other: a chain is never divided, so that the bits do not depend on how many threads there
 * are. They are the outermost loops, or loops inside, where those are chains or have too few iterations; then each thread goes
 * through the loops around, and what stands beside loops that are shared is the last thread's, as a loop of one iteration:
 *
 *     for row in 0..32                           for row in 0..32
 *       for tile in 0..10                          for tile in 0..10, threads
 *         s[tile] = add(s[tile], ..), term row ->    s[tile] = add(s[tile], ..), term row
 *       s[10] = add(s[10], ..), term row           for part in 0..1, threads
 *                                                    s[10] = add(s[10], ..), term row
 *
 * All other nests are the first thread's. A function in which too little is shared stays as it is.
 */
#include "ir/loops/passes/passes.h"
#include "ir/loops/verify/verify.h"

/* A nest pays for waiting where it takes so many times as long as threads that meet, as a partner's processor may be late. A function
 * has several nests, and is first of all to be handed to the other threads, which the system may have to wake. */
static const double fewest_meetings = 40, fewest_of_function = 16;
/* Of a loop inside: finding a range takes some of them. */
static const double fewest_of_loop = 1.0 / 64;
/* The slowest thread's part beside an equal one, above which loops inside are asked, and above which a nest is one thread's. */
static const double even = 1.05, uneven = 2.2;
enum { FEWEST_ITERATIONS = 2, USUAL_ROWS = 256 /* where a mini-batch may have any number */, OPERATIONS_OF_ACCESS = 2 };

typedef struct Sharing {
    LoopTree *tree;
    bool shares_all;
    double fewest, shared; /* operations and stores */
    OpenLoops around;
} Sharing;

/* ---- how evenly --------------------------------------------------------------------------------------------- */
static int64_t usual_iterations(const Loop *loop) {
    if (loop->extent != MOST_ROWS) return loop_iterations(loop);
    return loop->step < USUAL_ROWS ? USUAL_ROWS / loop->step : 1;
}

/* In operations: what goes through memory takes as long as some. */
static double work_of_statement(const Statement *s) {
    ArrayAccess access;
    if (statement_access(s, &access)) return array_is_private(access.array) ? 0 : OPERATIONS_OF_ACCESS;
    if (s->kind == STATEMENT_TRANSPOSE) return OPERATIONS_OF_ACCESS * (double)s->array->elements;
    return s->kind == STATEMENT_LET && s->scalar->kind == SCALAR_OP;
}

/* Of one thread of several. */
static double work_of(const Statement *s, int thread, int threads) {
    double work = work_of_statement(s);
    int64_t times = s->kind == STATEMENT_LOOP ? usual_iterations(s->loop) : 1;
    if (s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_THREADS)
        times = times * (thread + 1) / threads - times * thread / threads;
    for (int i = 0; i < s->body.count && times > 0; i++)
        work += (double)times * work_of(s->body.items[i], thread, threads);
    return work;
}

/* The part of the slowest thread, of equal ones; the mean for some numbers of threads. */
static double unevenness(const Statement *s) {
    static const int numbers[] = {2, 4};
    double whole = work_of(s, 0, 1), sum = 0;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        double most = 0;
        for (int thread = 0; thread < numbers[i]; thread++) {
            double work = work_of(s, thread, numbers[i]);
            if (work > most) most = work;
        }
        sum += most * numbers[i] / whole;
    }
    return sum / (sizeof numbers / sizeof *numbers);
}

/* ---- which loops -------------------------------------------------------------------------------------------- */
/* Iterations are a thread's own. */
static bool can_be_shared(Sharing *w, const Statement *loop, const Statement *nest) {
    double work = work_of(loop, 0, 1);
    return loop_iterations(loop->loop) >= FEWEST_ITERATIONS && (work >= fewest_of_loop * w->fewest || w->shares_all) &&
           loop_may_be(w->tree->arena, loop, LOOP_THREADS, &nest->body, &w->around);
}

/* All of it is one thread's again. */
static void keep_to_one(LoopTree *tree, Body *body) {
    Body all = {0};
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        bool shared = s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_THREADS;
        if (shared) s->loop->mark = LOOP_SERIAL;
        keep_to_one(tree, &s->body);
        if (shared && s->loop->extent == 1)
            tree_add_body(tree, &all, &s->body);
        else
            vector_push(tree->arena, &all, s);
    }
    *body = all;
}

static void share_loops(Sharing *w, const Body *body, const Statement *nest) {
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        if (s->kind != STATEMENT_LOOP || s->loop->mark != LOOP_SERIAL) continue;
        double of_itself = 0;
        if (can_be_shared(w, s, nest)) {
            s->loop->mark = LOOP_THREADS;
            of_itself = unevenness(s);
            if (of_itself <= even) continue;
            s->loop->mark = LOOP_SERIAL;
        }
        share_loops(w, &s->body, nest);
        if (of_itself == 0 || of_itself > even * unevenness(s)) continue;
        keep_to_one(w->tree, &s->body);
        s->loop->mark = LOOP_THREADS;
    }
}

static bool stores_for_others(const Statement *s) {
    bool stores = s->kind == STATEMENT_STORE && !array_is_private(s->array);
    for (int i = 0; i < s->body.count && !stores; i++) stores = stores_for_others(s->body.items[i]);
    return stores;
}

/* What is stored beside loops that are shared. */
static void give_rest(LoopTree *tree, Body *body) {
    Body all = {0};
    for (int i = 0; i < body->count;) {
        int end = i;
        bool stores = false;
        for (; end < body->count && body->items[end]->kind != STATEMENT_LET; end++) {
            if (statement_has_threads(body->items[end])) break;
            stores = stores || stores_for_others(body->items[end]);
        }
        Body *to = stores ? &tree_add_loop(tree, &all, "part", 1, LOOP_THREADS)->body : &all;
        for (; i < end; i++) vector_push(tree->arena, to, body->items[i]);
        if (i == body->count) break;
        Statement *s = body->items[i++];
        if (s->kind != STATEMENT_LOOP || s->loop->mark != LOOP_THREADS) give_rest(tree, &s->body);
        vector_push(tree->arena, &all, s);
    }
    *body = all;
}

static void share_nest(Sharing *w, Statement *nest) {
    double work = work_of(nest, 0, 1);
    const char *problem = NULL;
    if (work < w->fewest && !w->shares_all) return;
    share_loops(w, &nest->body, nest);
    if (!statement_has_threads(nest)) return;
    give_rest(w->tree, &nest->body);
    check_shared(w->tree->arena, nest, &w->around, &problem);
    if (problem != NULL || (unevenness(nest) > uneven && !w->shares_all))
        keep_to_one(w->tree, &nest->body);
    else
        w->shared += w->shares_all ? fewest_of_function * w->fewest : work;
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

void tree_threads(LoopTree *tree, const TileNumbers *numbers) {
    const Machine *m = &numbers->machine;
    double fewest = fewest_meetings * machine_meeting(m) * machine_operations(m);
    Sharing w = {.tree = tree, .shares_all = numbers->shares_all, .fewest = fewest};
    share_nests(&w, &tree->body);
    tree->shared = w.shared >= fewest_of_function * w.fewest;
    if (!tree->shared) {
        keep_to_one(tree, &tree->body);
        return;
    }
    add_waits(tree);
    size_t line = (size_t)m->line;
    tree->stop_flags = (tree->work_bytes + line - 1) / line * line;
    tree->work_bytes = tree->stop_flags + line;
}
