/* parallel: what iterations that run at the same time may touch: lanes of a loop marked VECTOR, threads of one marked
 * THREADS, and nests between two waits.
 *
 * Let `at` and `other` be two accesses of an array in a parallel loop, one of them a store, and c the coefficient of its
 * variable, which must be the same in both and not 0. Their difference without that variable is a sum of loops inside
 * (those around are equal in all iterations). Two iterations never meet if the difference is always smaller than c, or
 * becomes so by a multiple of what is larger than all iterations, with it, can make up.
 *
 * In a nest that threads share, all of them walk through the loops around those marked THREADS, each at its own pace: there
 * only loops around the nest are equal.
 *
 * Nests need no wait in between where threads only find again what they touched themselves: of loops of as many iterations each
 * thread takes the same ones, and two that meet an element do so in the same iteration.
 */
#include "ir/loops/verify/verify.h"

typedef struct SharedAccess {
    ArrayAccess at;
    const Statement *loop; /* around it, marked THREADS; NULL: all threads do it */
} SharedAccess;
typedef Vector(SharedAccess) SharedAccesses;

/* In this order; their number. A transposition loads all elements, and stores them. */
static int accesses_of(Arena *arena, const Statement *s, ArrayAccess access[2]) {
    if (s->kind != STATEMENT_TRANSPOSE) return statement_access(s, access);
    Loop *elements = arena_new_of(arena, Loop);
    *elements = (Loop){.name = "element", .extent = s->array->elements, .step = 1};
    const Subscript *at = subscript_of_loop(arena, elements);
    access[0] = (ArrayAccess){s->array, at, NULL, false};
    access[1] = (ArrayAccess){s->array, at, NULL, true};
    return 2;
}

/* loop: that the body is in. */
static void find_accesses(Arena *arena, const Body *body, const Statement *loop, SharedAccesses *to) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        bool shared = s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_THREADS;
        ArrayAccess access[2];
        for (int k = 0, count = accesses_of(arena, s, access); k < count; k++)
            vector_push(arena, to, ((SharedAccess){access[k], loop}));
        find_accesses(arena, &s->body, shared ? s : loop, to);
    }
}

/* ---- one loop ----------------------------------------------------------------------------------------------- */
bool loop_is_among(const OpenLoops *loops, const Loop *loop) {
    for (int i = 0; i < loops->count; i++)
        if (loops->loop[i] == loop) return true;
    return false;
}

static int64_t coef_of_scalar(const Subscript *s, const Scalar *scalar) {
    for (int i = 0; i < s->count; i++)
        if (s->term[i].scalar == scalar) return s->term[i].coef;
    return 0;
}

static bool is_named_in(const Body *body, const Scalar *scalar) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if ((s->kind == STATEMENT_LET && s->scalar == scalar) || is_named_in(&s->body, scalar)) return true;
    }
    return false;
}

static int64_t greatest_divisor(int64_t a, int64_t b) {
    a = a < 0 ? -a : a;
    b = b < 0 ? -b : b;
    return b == 0 ? a : greatest_divisor(b, a % b);
}

/* What may differ: sums of strides that are smaller than c, and multiples of what the others have in common (0: none). */
typedef struct Difference {
    int64_t least, most, multiple;
} Difference;

static void add_difference(Difference *d, int64_t stride, int64_t iterations, int64_t c) {
    if ((stride < 0 ? -stride : stride) >= c)
        d->multiple = greatest_divisor(d->multiple, stride);
    else
        *(stride < 0 ? &d->least : &d->most) += stride * (iterations - 1);
}

/* No multiple makes up for what iterations are apart. */
static bool is_apart(Difference d, int64_t offset, int64_t c, int64_t iterations) {
    if (d.multiple > 0) offset %= d.multiple;
    if (2 * offset > d.multiple) offset -= d.multiple;
    if (2 * offset < -d.multiple) offset += d.multiple;
    int64_t least = d.least + offset, most = d.most + offset, larger = most > -least ? most : -least;
    return least > -c && most < c && (d.multiple == 0 || d.multiple > c * (iterations - 1) + larger);
}

/* Of two accesses that may happen at the same time. */
typedef struct AccessPair {
    const ArrayAccess *a, *b;
    const Loop *loop, *loop_of_b; /* whose iterations they are of, NULL: any */
    const Body *inside;           /* scalars that are named here differ; NULL: all do */
    const OpenLoops *around;      /* equal for both */
} AccessPair;

/* Of a - b, without the loop. Terms of loops around, and of scalars named outside, cancel if both have them, false: one has not;
 * the rest is what may differ, scalars by any number. */
static bool find_difference(const AccessPair *p, int64_t c, Difference *d) {
    const Subscript *a = p->a->at, *b = p->b->at;
    *d = (Difference){0};
    for (int side = 0; side < 2; side++) {
        const Subscript *s = side == 0 ? a : b;
        for (int i = 0; i < s->count; i++) {
            const SubscriptTerm *t = &s->term[i];
            if (t->scalar != NULL) {
                bool cancels = coef_of_scalar(a, t->scalar) == coef_of_scalar(b, t->scalar) && p->inside != NULL &&
                               !is_named_in(p->inside, t->scalar);
                if (!cancels) d->multiple = greatest_divisor(d->multiple, t->coef);
                continue;
            }
            if (t->loop == (side == 0 ? p->loop : p->loop_of_b)) continue;
            if (loop_is_among(p->around, t->loop)) {
                if (subscript_coef(a, t->loop) != subscript_coef(b, t->loop)) return false;
                continue;
            }
            int64_t by = (side == 0 ? 1 : -1) * t->coef * t->loop->step;
            if (loop_iterations(t->loop) > 1) add_difference(d, by, loop_iterations(t->loop), c);
        }
    }
    return true;
}

/* Iterations that are not the same one. */
static bool are_apart(const AccessPair *p) {
    int64_t stride = subscript_stride(p->a->at, p->loop), c = stride < 0 ? -stride : stride;
    int64_t offset = p->a->at->offset - p->b->at->offset, iterations = loop_iterations(p->loop);
    Difference d;
    if (c == 0 || subscript_stride(p->b->at, p->loop_of_b) != stride || !find_difference(p, c, &d)) return false;
    Difference with_offset = d;
    with_offset.multiple = greatest_divisor(d.multiple, offset);
    return is_apart(d, offset, c, iterations) || is_apart(with_offset, 0, c, iterations);
}

static bool is_never_zero(Difference d, int64_t offset) {
    int64_t least = d.least + offset, most = d.most + offset;
    if (d.multiple == 0) return least > 0 || most < 0;
    int64_t above = (least % d.multiple + d.multiple) % d.multiple; /* of least, above the multiple below */
    return above > 0 && most - least < d.multiple - above;
}

/* Different elements in all iterations of all loops inside, since they are far from each other or lie interleaved. */
static bool never_the_same(const AccessPair *p) {
    int64_t offset = p->a->at->offset - p->b->at->offset;
    Difference d;
    if (!find_difference(p, INT64_MAX, &d)) return false;
    bool never = is_never_zero(d, offset);
    for (int side = 0; side < 2 && !never; side++) {
        const Subscript *s = side == 0 ? p->a->at : p->b->at;
        for (int i = 0; i < s->count && !never; i++) {
            int64_t stride = s->term[i].coef * (s->term[i].loop != NULL ? s->term[i].loop->step : 1);
            never = find_difference(p, stride < 0 ? -stride : stride, &d) && is_never_zero(d, offset);
        }
    }
    return never;
}

static bool same_memory(const Array *a, const Array *b) {
    return a == b ||
           (a->memory == b->memory && a->memory != ARRAY_WORK && !array_is_private(a) && a->index == b->index);
}

/* Of iterations that are not the same one; of rows of the caller these may be. */
static bool may_touch_the_same(const ArrayAccess *a, const ArrayAccess *b, const Loop *loop, const Body *inside,
                               const OpenLoops *around) {
    AccessPair elements = {a, b, loop, loop, inside, around}, rows = elements;
    rows.a = &(ArrayAccess){.at = a->row};
    rows.b = &(ArrayAccess){.at = b->row};
    return same_memory(a->array, b->array) && !are_apart(&elements) &&
           (a->row == NULL || b->row == NULL || !are_apart(&rows));
}

/* Does the body load nothing of the array, and store nothing of it under conditions, that it has not stored before? */
static bool starts_anew(Arena *arena, const Body *body, const Array *array, bool always, Range *stored) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        ArrayAccess access[2];
        for (int k = 0, count = accesses_of(arena, s, access); k < count; k++) {
            const ArrayAccess *a = &access[k];
            if (a->array != array) continue;
            Range at = subscript_range(a->at);
            bool first = stored->least > stored->most;
            bool beside = at.least <= stored->most + 1 && at.most >= stored->least - 1;
            if (a->store && always && first) *stored = at;
            if (a->store && always && beside && at.least < stored->least) stored->least = at.least;
            if (a->store && always && beside && at.most > stored->most) stored->most = at.most;
            if (at.least < stored->least || at.most > stored->most) return false;
        }
        if (!starts_anew(arena, &s->body, array, always && s->kind != STATEMENT_IF, stored)) return false;
    }
    return true;
}

/* Nothing of the private array is handed over from one iteration to another. */
static bool is_own(Arena *arena, const Statement *loop, const Array *array) {
    return starts_anew(arena, &loop->body, array, true, &(Range){0, -1});
}

/* With this mark. Rows of a block inside of the nest are fewer in the last one, where threads then have others than before. */
static void check_iterations(Arena *arena, const Statement *statement, LoopMark mark, const Body *inside,
                             const OpenLoops *around, const char **problem) {
    const Loop *loop = statement->loop;
    if (loop->extent == 1 || *problem != NULL) return;
    if (mark == LOOP_THREADS && loop->block != NULL && !loop_is_among(around, loop->block)) {
        *problem = text_format(arena, "threads share %s%d, and have other rows in each block", loop->name, loop->id);
        return;
    }
    SharedAccesses all = {0};
    find_accesses(arena, &statement->body, NULL, &all);
    for (int i = 0; i < all.count && *problem == NULL; i++) {
        const ArrayAccess *a = &all.items[i].at;
        if (!a->store) continue;
        bool own = array_is_private(a->array) && mark == LOOP_THREADS && is_own(arena, statement, a->array);
        for (int k = 0; k < all.count && !own && *problem == NULL; k++)
            if (may_touch_the_same(a, &all.items[k].at, loop, inside, around))
                *problem = text_format(arena, "iterations of %s%d, which run at the same time, meet in %s%d",
                                       loop->name, loop->id, a->array->name, a->array->id);
    }
}

void check_parallel(Arena *arena, const Statement *statement, const OpenLoops *around, const char **problem) {
    check_iterations(arena, statement, LOOP_VECTOR, &statement->body, around, problem);
}

bool loop_may_be(Arena *arena, const Statement *loop, LoopMark mark, const Body *inside, const OpenLoops *around) {
    const char *problem = NULL;
    check_iterations(arena, loop, mark, inside, around, &problem);
    return problem == NULL;
}

bool iterations_meet(Arena *arena, const Statement *loop, const Body *first, const Body *second,
                     const OpenLoops *around) {
    SharedAccesses of_first = {0}, of_second = {0};
    find_accesses(arena, first, NULL, &of_first);
    find_accesses(arena, second, NULL, &of_second);
    for (int i = 0; i < of_first.count; i++)
        for (int k = 0; k < of_second.count; k++) {
            const ArrayAccess *a = &of_first.items[i].at, *b = &of_second.items[k].at;
            if ((a->store || b->store) && may_touch_the_same(a, b, loop->loop, &loop->body, around)) return true;
        }
    return false;
}

/* ---- a nest that threads share ------------------------------------------------------------------------------- */
static bool shared_accesses_meet(const SharedAccess *a, const SharedAccess *b, const Statement *nest,
                                 const OpenLoops *around) {
    if (array_is_private(a->at.array) || !same_memory(a->at.array, b->at.array)) return false;
    AccessPair pair = {&a->at, &b->at, NULL, NULL, &nest->body, around};
    return a->loop == NULL || (a->loop != b->loop && !never_the_same(&pair));
}

/* Is the private array handed over to the loop that access `first` is the first one of, or by it? */
static bool is_handed_over(Arena *arena, const SharedAccesses *all, int first) {
    const SharedAccess *of = &all->items[first];
    bool stored = false, stored_elsewhere = false, touched_by_all = false;
    if (!array_is_private(of->at.array) || of->loop == NULL) return false;
    for (int i = 0; i < all->count; i++) {
        const SharedAccess *a = &all->items[i];
        if (a->at.array != of->at.array) continue;
        if (a->loop == of->loop && i < first) return false;
        stored |= a->loop == of->loop && a->at.store;
        stored_elsewhere |= a->loop != of->loop && a->loop != NULL && a->at.store;
        touched_by_all |= a->loop == NULL;
    }
    return (stored && touched_by_all) || (stored_elsewhere && !is_own(arena, of->loop, of->at.array));
}

static void check_loops_of_threads(Arena *arena, const Statement *nest, const Body *body, bool inside,
                                   const OpenLoops *around, const char **problem) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        bool shared = s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_THREADS;
        if (shared) check_iterations(arena, s, LOOP_THREADS, &nest->body, around, problem);
        if (shared && inside && *problem == NULL)
            *problem = text_format(arena, "threads share %s%d in a loop that they share", s->loop->name, s->loop->id);
        check_loops_of_threads(arena, nest, &s->body, inside || shared, around, problem);
    }
}

void check_shared(Arena *arena, const Statement *nest, const OpenLoops *around, const char **problem) {
    if (!statement_has_threads(nest) || *problem != NULL) return;
    SharedAccesses all = {0};
    check_loops_of_threads(arena, nest, &nest->body, false, around, problem);
    find_accesses(arena, &nest->body, NULL, &all);
    for (int i = 0; i < all.count && *problem == NULL; i++) {
        const SharedAccess *a = &all.items[i];
        bool meets = is_handed_over(arena, &all, i);
        for (int k = 0; k < all.count && a->at.store && !meets; k++)
            meets = shared_accesses_meet(a, &all.items[k], nest, around);
        if (meets)
            *problem = text_format(arena, "threads that share a nest meet in %s%d", a->at.array->name, a->at.array->id);
    }
}

/* ---- waits -------------------------------------------------------------------------------------------------- */
typedef struct Touched {
    SharedAccess of;
    bool shared; /* by a nest that threads share */
} Touched;
typedef Vector(Touched) TouchedArrays;

/* Arrays that live at different times share bytes. */
bool share_bytes(const Array *a, const Array *b) {
    size_t a_end = a->offset + (size_t)a->elements * dtype_bytes(a->dtype);
    size_t b_end = b->offset + (size_t)b->elements * dtype_bytes(b->dtype);
    return a->offset < b_end && b->offset < a_end;
}

static bool may_meet(const Array *a, const Array *b) {
    return a->memory == ARRAY_WORK && b->memory == ARRAY_WORK ? share_bytes(a, b) : same_memory(a, b);
}

/* Of loops of as many iterations in the whole of a step each thread has the same. */
static bool have_same_parts(const Loop *a, const Loop *b) {
    return a->extent == b->extent && a->step == b->step && a->rows == b->rows && a->pad == b->pad && a->block == NULL &&
           b->block == NULL && a->first_more == b->first_more;
}

static bool are_of_same_thread(const SharedAccess *a, const SharedAccess *b) {
    static const OpenLoops none;
    if (a->loop == NULL || b->loop == NULL || a->at.array != b->at.array || a->at.row != NULL || b->at.row != NULL)
        return false;
    const Loop *of_a = a->loop->loop, *of_b = b->loop->loop;
    AccessPair pair = {&a->at, &b->at, of_a, of_b, NULL, &none};
    return have_same_parts(of_a, of_b) && (of_a->extent == 1 || are_apart(&pair));
}

/* An array of the nest, if threads that have not waited may still touch its bytes; NULL. */
static const Array *met_by_nest(const SharedAccesses *all, bool shared, const TouchedArrays *since) {
    for (int i = 0; i < all->count; i++)
        for (int k = 0; k < since->count; k++) {
            const SharedAccess *a = &all->items[i];
            const Touched *t = &since->items[k];
            if (may_meet(t->of.at.array, a->at.array) && (t->of.at.store || a->at.store) && (t->shared || shared) &&
                !are_of_same_thread(&t->of, a))
                return a->at.array;
        }
    return NULL;
}

static void add_touched(Arena *arena, TouchedArrays *since, const SharedAccess *a, bool shared) {
    for (int i = 0; i < since->count; i++) {
        const Touched *t = &since->items[i];
        if (t->of.at.array == a->at.array && t->of.at.store == a->at.store && t->shared == shared &&
            t->of.loop == a->loop && (a->loop == NULL || subscript_equal(t->of.at.at, a->at.at)))
            return;
    }
    if (!array_is_private(a->at.array)) vector_push(arena, since, ((Touched){*a, shared}));
}

/* Between two waits; what is met without one. */
typedef struct WaitWalk {
    Arena *arena;
    TouchedArrays since;
    LoopTree *tree; /* to which waits are added; NULL: none are */
    const Array *met;
    bool counts;  /* adds none */
    Body waiting; /* statements before which waits would be */
} WaitWalk;

/* Whether a wait was put there. */
static bool add_wait(WaitWalk *w, Body *body, int at) {
    w->since.count = 0;
    for (int i = 0; i < w->waiting.count; i++)
        if (w->waiting.items[i] == body->items[at]) return false;
    if (w->counts) vector_push(w->arena, &w->waiting, body->items[at]);
    if (w->counts) return false;
    vector_push(w->arena, body, NULL);
    for (int i = body->count - 1; i > at; i--) body->items[i] = body->items[i - 1];
    body->items[at] = tree_statement(w->tree, STATEMENT_WAIT);
    return true;
}

static void walk_waits(WaitWalk *w, Body *body);

/* Walked after those that have touched something. */
static int waits_in(const WaitWalk *w, Body *body, bool touched) {
    WaitWalk of = {.arena = w->arena, .tree = w->tree, .counts = true};
    for (int i = 0; touched && i < w->since.count; i++) vector_push(w->arena, &of.since, w->since.items[i]);
    for (int round = 0; round < 2; round++) walk_waits(&of, body);
    return of.waiting.count;
}

/* Loops are walked twice: what the end of an iteration has touched meets the beginning of the next. */
static void walk_waits(WaitWalk *w, Body *body) {
    for (int i = 0; i < body->count && w->met == NULL; i++) {
        Statement *s = body->items[i];
        if (s->kind == STATEMENT_WAIT) w->since.count = 0;
        bool early = s->kind == STATEMENT_LOOP && w->tree != NULL &&
                     waits_in(w, &s->body, false) < waits_in(w, &s->body, true);
        if (early && add_wait(w, body, i)) i++;
        for (int round = 0; round < 2 && s->kind != STATEMENT_NEST; round++) walk_waits(w, &s->body);
        if (s->kind != STATEMENT_NEST) continue;
        SharedAccesses all = {0};
        bool shared = statement_has_threads(s);
        find_accesses(w->arena, &s->body, NULL, &all);
        const Array *met = met_by_nest(&all, shared, &w->since);
        if (met == NULL || w->tree == NULL)
            w->met = met;
        else if (add_wait(w, body, i))
            i++;
        for (int k = 0; k < all.count; k++) add_touched(w->arena, &w->since, &all.items[k], shared);
    }
}

void add_waits(LoopTree *tree) {
    WaitWalk w = {.arena = tree->arena, .tree = tree};
    walk_waits(&w, &tree->body);
}

bool loops_meet(Arena *arena, const Statement *a, const Statement *b) {
    SharedAccesses of_a = {0}, of_b = {0};
    find_accesses(arena, &a->body, NULL, &of_a);
    find_accesses(arena, &b->body, NULL, &of_b);
    for (int i = 0; i < of_a.count; i++)
        for (int k = 0; k < of_b.count; k++) {
            const ArrayAccess *x = &of_a.items[i].at, *y = &of_b.items[k].at;
            if (!same_memory(x->array, y->array) || !(x->store || y->store)) continue;
            Range p = subscript_range(x->at), q = subscript_range(y->at);
            if (p.least <= q.most && q.least <= p.most) return true;
        }
    return false;
}

/* Where no thread shares anything, nobody waits. */
void check_waits(Arena *arena, const Body *body, const char **problem) {
    bool shared = false;
    for (int i = 0; i < body->count; i++) shared = shared || statement_has_threads(body->items[i]);
    WaitWalk w = {.arena = arena};
    if (!shared || *problem != NULL) return;
    walk_waits(&w, (Body *)body); /* nothing is added */
    if (w.met != NULL)
        *problem = text_format(arena, "threads do not wait between two nests that touch %s%d", w.met->name, w.met->id);
}
