/* parallel: what iterations that run at the same time may touch: lanes of a loop marked VECTOR, threads of one marked
 * THREADS, and nests between two waits.
 *
 * Let `at` and `other` be two accesses of an array in a parallel loop, one of them a store, and c the coefficient of its
 * variable, which must be the same in both and not 0. Their difference without that variable is a sum of loops inside
 * (those around are equal in all iterations). Two iterations never meet if the difference is always smaller than c, or
 * becomes so by a multiple of what is larger than all iterations, with it, can make up.
 */
#include "ir/loops/verify/verify.h"

typedef Vector(ArrayAccess) Accesses;

static void find_accesses(Arena *arena, const Body *body, Accesses *to) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        ArrayAccess access;
        if (statement_access(s, &access)) vector_push(arena, to, access);
        find_accesses(arena, &s->body, to);
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

/* Terms of loops around, and of scalars named outside, cancel if both have them; the rest is what may differ, scalars by any
 * number. */
static bool never_meet(const ArrayAccess *a, const ArrayAccess *b, const Statement *statement,
                       const OpenLoops *around) {
    const Loop *loop = statement->loop;
    int64_t stride = subscript_stride(a->at, loop), c = stride < 0 ? -stride : stride;
    int64_t offset = a->at->offset - b->at->offset, iterations = loop_iterations(loop);
    Difference d = {0};
    if (c == 0 || subscript_stride(b->at, loop) != stride) return false;
    for (int side = 0; side < 2; side++) {
        const Subscript *s = side == 0 ? a->at : b->at;
        for (int i = 0; i < s->count; i++) {
            const SubscriptTerm *t = &s->term[i];
            if (t->scalar != NULL) {
                bool cancels = coef_of_scalar(a->at, t->scalar) == coef_of_scalar(b->at, t->scalar) &&
                               !is_named_in(&statement->body, t->scalar);
                if (!cancels) d.multiple = greatest_divisor(d.multiple, t->coef);
                continue;
            }
            if (t->loop == loop) continue;
            if (loop_is_among(around, t->loop)) {
                if (subscript_coef(a->at, t->loop) != subscript_coef(b->at, t->loop)) return false;
                continue;
            }
            int64_t by = (side == 0 ? 1 : -1) * t->coef * t->loop->step;
            if (loop_iterations(t->loop) > 1) add_difference(&d, by, loop_iterations(t->loop), c);
        }
    }
    Difference with_offset = d;
    with_offset.multiple = greatest_divisor(d.multiple, offset);
    return is_apart(d, offset, c, iterations) || is_apart(with_offset, 0, c, iterations);
}

/* Rows of outputs are as many elements as there are rows; rows themselves never meet. */
static bool rows_never_meet(const ArrayAccess *a, const ArrayAccess *b, const Loop *loop) {
    return a->row != NULL && b->row != NULL && subscript_coef(a->row, loop) != 0 && subscript_equal(a->row, b->row);
}

static bool same_memory(const Array *a, const Array *b) {
    return a == b ||
           (a->memory == b->memory && a->memory != ARRAY_WORK && !array_is_private(a) && a->index == b->index);
}

void check_parallel(Arena *arena, const Statement *statement, const OpenLoops *around, const char **problem) {
    const Loop *loop = statement->loop;
    if (loop->mark == LOOP_UNROLLED || loop->extent == 1 || *problem != NULL) return;
    Accesses all = {0};
    find_accesses(arena, &statement->body, &all);
    for (int i = 0; i < all.count && *problem == NULL; i++) {
        const ArrayAccess *a = &all.items[i];
        if (!a->store) continue;
        bool own = array_is_private(a->array) && subscript_coef(a->at, loop) == 0 && loop->mark == LOOP_THREADS;
        for (int k = 0; k < all.count && !own; k++) {
            const ArrayAccess *b = &all.items[k];
            if (!same_memory(a->array, b->array) || never_meet(a, b, statement, around) || rows_never_meet(a, b, loop))
                continue;
            *problem = text_format(arena, "iterations of %s%d, which run at the same time, meet in %s%d", loop->name,
                                   loop->id, a->array->name, a->array->id);
            break;
        }
    }
}

bool loop_may_be(Arena *arena, Statement *loop, LoopMark mark, const OpenLoops *around) {
    const char *problem = NULL;
    LoopMark is = loop->loop->mark;
    loop->loop->mark = mark;
    check_parallel(arena, loop, around, &problem);
    loop->loop->mark = is;
    return problem == NULL;
}

bool iterations_meet(Arena *arena, const Statement *loop, const Body *first, const Body *second,
                     const OpenLoops *around) {
    Accesses of_first = {0}, of_second = {0};
    find_accesses(arena, first, &of_first);
    find_accesses(arena, second, &of_second);
    for (int i = 0; i < of_first.count; i++)
        for (int k = 0; k < of_second.count; k++) {
            const ArrayAccess *a = &of_first.items[i], *b = &of_second.items[k];
            if (!same_memory(a->array, b->array) || !(a->store || b->store)) continue;
            if (!never_meet(a, b, loop, around) && !rows_never_meet(a, b, loop->loop)) return true;
        }
    return false;
}

/* ---- waits -------------------------------------------------------------------------------------------------- */
typedef struct Touched {
    const Array *array;
    bool stored, shared;
} Touched;
typedef Vector(Touched) TouchedArrays;

static bool has_threads(const Statement *s) {
    if (s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_THREADS) return true;
    for (int i = 0; i < s->body.count; i++)
        if (has_threads(s->body.items[i])) return true;
    return false;
}

/* Arrays that live at different times share bytes. */
bool share_bytes(const Array *a, const Array *b) {
    size_t a_end = a->offset + (size_t)a->elements * dtype_bytes(a->dtype);
    size_t b_end = b->offset + (size_t)b->elements * dtype_bytes(b->dtype);
    return a->offset < b_end && b->offset < a_end;
}

static bool may_meet(const Array *a, const Array *b) {
    return a->memory == ARRAY_WORK && b->memory == ARRAY_WORK ? share_bytes(a, b) : same_memory(a, b);
}

/* An array of the nest, if threads that have not waited may still touch its bytes; NULL. */
static const Array *met_by_nest(const Accesses *all, bool shared, const TouchedArrays *since) {
    for (int i = 0; i < all->count; i++)
        for (int k = 0; k < since->count; k++) {
            const ArrayAccess *a = &all->items[i];
            const Touched *t = &since->items[k];
            if (may_meet(t->array, a->array) && (t->stored || a->store) && (t->shared || shared)) return a->array;
        }
    return NULL;
}

static void add_touched(Arena *arena, TouchedArrays *since, const ArrayAccess *a, bool shared) {
    for (int i = 0; i < since->count; i++) {
        Touched *t = &since->items[i];
        if (t->array == a->array && t->stored == a->store && t->shared == shared) return;
    }
    if (!array_is_private(a->array)) vector_push(arena, since, ((Touched){a->array, a->store, shared}));
}

/* Between two waits; what is met without one. */
typedef struct WaitWalk {
    Arena *arena;
    TouchedArrays since;
    LoopTree *tree; /* to which waits are added; NULL: none are */
    const Array *met;
} WaitWalk;

static void add_wait(WaitWalk *w, Body *body, int at) {
    vector_push(w->arena, body, NULL);
    for (int i = body->count - 1; i > at; i--) body->items[i] = body->items[i - 1];
    body->items[at] = tree_statement(w->tree, STATEMENT_WAIT);
    w->since.count = 0;
}

/* Loops are walked twice: what the end of an iteration has touched meets the beginning of the next. */
static void walk_waits(WaitWalk *w, Body *body) {
    for (int i = 0; i < body->count && w->met == NULL; i++) {
        Statement *s = body->items[i];
        if (s->kind == STATEMENT_WAIT) w->since.count = 0;
        for (int round = 0; round < 2 && s->kind != STATEMENT_NEST; round++) walk_waits(w, &s->body);
        if (s->kind != STATEMENT_NEST) continue;
        Accesses all = {0};
        bool shared = has_threads(s);
        find_accesses(w->arena, &s->body, &all);
        const Array *met = met_by_nest(&all, shared, &w->since);
        if (met != NULL && w->tree != NULL)
            add_wait(w, body, i++);
        else
            w->met = met;
        for (int k = 0; k < all.count; k++) add_touched(w->arena, &w->since, &all.items[k], shared);
    }
}

void add_waits(LoopTree *tree) {
    WaitWalk w = {.arena = tree->arena, .tree = tree};
    walk_waits(&w, &tree->body);
}

/* Do two loops of a nest touch an element in common that one of them writes? */
bool loops_meet(Arena *arena, const Statement *a, const Statement *b) {
    Accesses of_a = {0}, of_b = {0};
    find_accesses(arena, &a->body, &of_a);
    find_accesses(arena, &b->body, &of_b);
    for (int i = 0; i < of_a.count; i++)
        for (int k = 0; k < of_b.count; k++) {
            const ArrayAccess *x = &of_a.items[i], *y = &of_b.items[k];
            if (!same_memory(x->array, y->array) || !(x->store || y->store)) continue;
            Range p = subscript_range(x->at), q = subscript_range(y->at);
            if (p.least <= q.most && q.least <= p.most) return true;
        }
    return false;
}

/* Where no thread shares anything, nobody waits. */
void check_waits(Arena *arena, const Body *body, const char **problem) {
    bool shared = false;
    for (int i = 0; i < body->count; i++) shared = shared || has_threads(body->items[i]);
    WaitWalk w = {.arena = arena};
    if (!shared || *problem != NULL) return;
    walk_waits(&w, (Body *)body); /* nothing is added */
    if (w.met != NULL)
        *problem = text_format(arena, "threads do not wait between two nests that touch %s%d", w.met->name, w.met->id);
}
