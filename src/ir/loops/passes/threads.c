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
#include <math.h>

/* A nest pays for waiting where it takes so many times as long as threads that meet, as a partner's processor may be late. A function
 * has several nests, and is first of all to be handed to the other threads, which the system may have to wake. */
static const double fewest_meetings = 40, fewest_of_function = 16;
/* Of a loop inside: finding a range takes some of them. */
static const double fewest_of_loop = 1.0 / 64;
/* The slowest thread's part beside an equal one, above which a nest is one thread's. */
static const double uneven = 2.1;
enum { FEWEST_ITERATIONS = 2 };
/* What loops inside take at most of the time that the outer one takes, to be shared in its place: a range is found each time, and
 * parts of a nest that are shared in different ways leave the next nest's part to several threads. */
static const double better_inside = 0.97;
/* Threads find what they had, if ranges differ by no more than this part. */
static const double alike = 0.05;

typedef struct Sharing {
    LoopTree *tree;
    bool shares_all, keeps; /* keeps: loops are asked what threads touched before */
    double fewest, shared;  /* operations and stores */
    OpenLoops around;
    double touching;  /* operations that an element takes which another thread has touched */
    double most_kept; /* bytes; of more each thread finds its part in memory, whoever touched it before */
    /* By array: after how many elements the ranges of threads that touched it last begin anew, and of those that stored it; 0: all
     * did all of it, or nobody. */
    double *touched, *stored;
    const Loop **stored_in;              /* by array: the innermost loop around the nest that stored it */
    const Statement **touches, **stores; /* by array: the nest of one thread that does, or `several` */
} Sharing;

/* ---- who touches what --------------------------------------------------------------------------------------- */
static double range_of(const ArrayAccess *a, const Loop *shared) {
    if (shared == NULL || shared->extent == 1) return 0;
    return fabs((double)subscript_stride(a->at, shared) * (double)usual_iterations(shared));
}

static double elements_of(const ArrayAccess *a) {
    double elements = 1;
    for (int i = 0; i < a->at->count; i++)
        if (a->at->term[i].loop != NULL) elements *= (double)usual_iterations(a->at->term[i].loop);
    return elements < (double)a->array->elements ? elements : (double)a->array->elements;
}

/* Of the loops around, within the one in which it was stored: once there, it stays. */
static double times_since_stored(const Sharing *w, const Array *array) {
    double times = 1;
    for (int i = w->around.count - 1; i >= 0 && w->around.loop[i] != w->stored_in[array->id]; i--)
        times *= (double)usual_iterations(w->around.loop[i]);
    return times;
}

/* Of two threads one, in elements: all that it touches, half of which is the other's, or its half, half of which is. What others
 * have read may be read again for nothing. */
static double far_elements(const Sharing *w, const ArrayAccess *a, const Loop *shared) {
    double last = (a->store ? w->touched : w->stored)[a->array->id], range = range_of(a, shared);
    bool kept = (double)a->array->elements * (double)dtype_bytes(a->array->dtype) <= w->most_kept;
    if (last == 0 || !kept || a->row != NULL || array_is_private(a->array)) return 0;
    if (fabs(range - last) <= alike * last) return 0;
    return elements_of(a) / (range == 0 ? 2 : 4) / times_since_stored(w, a->array);
}

static double far_of(const Sharing *w, const Statement *s, const Loop *shared) {
    ArrayAccess access;
    if (s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_THREADS) shared = s->loop;
    double far = statement_access(s, &access) ? far_elements(w, &access, shared) : 0;
    for (int i = 0; i < s->body.count; i++) far += far_of(w, s->body.items[i], shared);
    return far;
}

static void note_ranges(Sharing *w, const Statement *s, const Loop *shared) {
    ArrayAccess access;
    if (s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_THREADS) shared = s->loop;
    if (statement_access(s, &access) && 2 * elements_of(&access) >= (double)access.array->elements) {
        w->touched[access.array->id] = range_of(&access, shared);
        if (access.store) w->stored[access.array->id] = range_of(&access, shared);
        if (access.store) w->stored_in[access.array->id] = w->around.count ? w->around.loop[w->around.count - 1] : NULL;
    }
    for (int i = 0; i < s->body.count; i++) note_ranges(w, s->body.items[i], shared);
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
        if (shared) s->loop->first_more = false;
        keep_to_one(tree, &s->body);
        if (shared && s->loop->extent == 1)
            tree_add_body(tree, &all, &s->body);
        else
            vector_push(tree->arena, &all, s);
    }
    *body = all;
}

/* Of the slowest thread, as if all had as much. */
static double time_of(const Sharing *w, const Statement *s) {
    double far = w->keeps ? far_of(w, s, NULL) : 0;
    return work_of(s, 0, 1) * unevenness(s) + w->touching * far;
}

/* The outermost, or loops inside, where these are more even, or threads rather find what they touched before. */
static void share_loops(Sharing *w, const Body *body, const Statement *nest) {
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        if (s->kind != STATEMENT_LOOP || s->loop->mark != LOOP_SERIAL) continue;
        double time = 0;
        if (can_be_shared(w, s, nest)) {
            s->loop->mark = LOOP_THREADS;
            time = time_of(w, s);
            if (time <= work_of(s, 0, 1)) continue;
            s->loop->mark = LOOP_SERIAL;
        }
        share_loops(w, &s->body, nest);
        if (time == 0 || (statement_has_threads(s) && time_of(w, s) < better_inside * time)) continue;
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

static bool share_so(Sharing *w, Statement *nest, bool keeps) {
    const char *problem = NULL;
    w->keeps = keeps;
    share_loops(w, &nest->body, nest);
    if (!statement_has_threads(nest)) return false;
    give_rest(w->tree, &nest->body);
    make_even(w->tree, nest, &w->around);
    check_shared(w->tree->arena, nest, &w->around, &problem);
    if (problem == NULL && (w->shares_all || unevenness(nest) <= uneven)) return true;
    keep_to_one(w->tree, &nest->body);
    return false;
}

static bool share_loops_of_nest(Sharing *w, Statement *nest) {
    bool shared = share_so(w, nest, true) || share_so(w, nest, false);
    if (shared) note_ranges(w, nest, NULL);
    return shared;
}

static void share_nest(Sharing *w, Statement *nest) {
    double work = work_of(nest, 0, 1);
    if ((work >= w->fewest || w->shares_all) && share_loops_of_nest(w, nest))
        w->shared += w->shares_all ? fewest_of_function * w->fewest : work;
}

static void for_nests(Sharing *w, Body *body, void (*work)(Sharing *w, Statement *nest)) {
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        if (s->kind == STATEMENT_NEST) {
            work(w, s);
            continue;
        }
        if (s->kind == STATEMENT_LOOP) w->around.loop[w->around.count++] = s->loop;
        for_nests(w, &s->body, work);
        if (s->kind == STATEMENT_LOOP) w->around.count--;
    }
}

/* ---- small nests -------------------------------------------------------------------------------------------- */
static const Statement several;

static void add_nest(const Statement **to, const Statement *nest) {
    *to = *to == NULL || *to == nest ? nest : &several;
}

static void find_touched(Sharing *w, const Body *body, const Statement *nest) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        ArrayAccess a;
        find_touched(w, &s->body, nest);
        if (!statement_access(s, &a)) continue;
        add_nest(&w->touches[a.array->id], nest);
        if (a.store) add_nest(&w->stores[a.array->id], nest);
    }
}

static void find_touched_alone(Sharing *w, Statement *nest) {
    if (!statement_has_threads(nest)) find_touched(w, &nest->body, nest);
}

static bool is_among_shared(const Sharing *w, const Body *body, const Statement *nest) {
    bool is = true;
    for (int i = 0; i < body->count && is; i++) {
        const Statement *s = body->items[i], *other = NULL;
        ArrayAccess a;
        if (statement_access(s, &a)) other = a.store ? w->touches[a.array->id] : w->stores[a.array->id];
        is = (other == NULL || other == nest) && is_among_shared(w, &s->body, nest);
    }
    return is;
}

/* What only shared nests touch besides is waited for anyway, and is to be where it is used. */
static void share_small_nest(Sharing *w, Statement *nest) {
    if (!statement_has_threads(nest) && is_among_shared(w, &nest->body, nest)) share_loops_of_nest(w, nest);
}

void tree_threads(LoopTree *tree, const TileNumbers *numbers) {
    const Machine *m = &numbers->machine;
    double fewest = fewest_meetings * machine_meeting(m) * machine_operations(m);
    Sharing w = {.tree = tree, .shares_all = numbers->shares_all, .fewest = fewest};
    w.touching = machine_touching(m);
    w.most_kept = 2 * (double)m->l2; /* in the second levels of two threads */
    w.touched = arena_array(tree->arena, double, tree->arrays.count + 1);
    w.stored = arena_array(tree->arena, double, tree->arrays.count + 1);
    w.stored_in = arena_array(tree->arena, const Loop *, tree->arrays.count + 1);
    for_nests(&w, &tree->body, share_nest);
    tree->shared = w.shared >= fewest_of_function * w.fewest;
    if (!tree->shared) {
        keep_to_one(tree, &tree->body);
        return;
    }
    w.touches = arena_array(tree->arena, const Statement *, tree->arrays.count + 1);
    w.stores = arena_array(tree->arena, const Statement *, tree->arrays.count + 1);
    for_nests(&w, &tree->body, find_touched_alone);
    for_nests(&w, &tree->body, share_small_nest);
    add_waits(tree);
    size_t line = (size_t)m->line;
    tree->stop_flags = (tree->work_bytes + line - 1) / line * line;
    tree->work_bytes = tree->stop_flags + line;
}
