/* tree_parallel: what iterations that run at the same time may touch: lanes of a loop marked VECTOR, threads of one marked
 * THREADS, and nests between two waits.
 *
 * Let `at` and `other` be two accesses of an array in a parallel loop, one of them a store, and c the coefficient of its
 * variable, which must be the same in both and not 0. Their difference without that variable is a sum of loops inside
 * (those around are equal in all iterations). Two iterations never meet if the difference is always smaller than c, or if
 * it is a multiple of what is larger than c times the iterations.
 */
#include "ir/loops/verify.h"

typedef struct ArrayAccess {
    const Array *array;
    const Subscript *at, *row;
    bool store;
} ArrayAccess;
typedef Vector(ArrayAccess) Accesses;

static void find_accesses(Arena *arena, const Body *body, Accesses *to) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        bool load = s->kind == STATEMENT_LET && s->scalar->kind == SCALAR_LOAD;
        if (load) vector_push(arena, to, ((ArrayAccess){s->scalar->array, s->scalar->at, s->scalar->row, false}));
        if (s->kind == STATEMENT_STORE) vector_push(arena, to, ((ArrayAccess){s->array, s->at, s->row, true}));
        find_accesses(arena, &s->body, to);
    }
}

/* ---- one loop ----------------------------------------------------------------------------------------------- */
static bool is_among(const OpenLoops *around, const Loop *loop) {
    for (int i = 0; i < around->count; i++)
        if (around->loop[i] == loop) return true;
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

/* Terms of loops around, and of scalars named outside, cancel if both have them; the rest is what may differ. */
static bool never_meet(const ArrayAccess *a, const ArrayAccess *b, const Statement *statement,
                       const OpenLoops *around) {
    const Loop *loop = statement->loop;
    int64_t c = subscript_stride(a->at, loop), divisor = 0;
    if (c == 0 || subscript_stride(b->at, loop) != c) return false;
    int64_t apart = a->at->offset - b->at->offset;
    Range difference = {apart, apart};
    divisor = greatest_divisor(divisor, apart);
    for (int side = 0; side < 2; side++) {
        const Subscript *s = side == 0 ? a->at : b->at;
        for (int i = 0; i < s->count; i++) {
            const SubscriptTerm *t = &s->term[i];
            if (t->scalar != NULL) {
                if (is_named_in(&statement->body, t->scalar)) return false;
                if (coef_of_scalar(a->at, t->scalar) != coef_of_scalar(b->at, t->scalar)) return false;
                continue;
            }
            if (t->loop == loop) continue;
            if (is_among(around, t->loop)) {
                if (subscript_coef(a->at, t->loop) != subscript_coef(b->at, t->loop)) return false;
                continue;
            }
            int64_t stride = (side == 0 ? 1 : -1) * t->coef * t->loop->step;
            divisor = greatest_divisor(divisor, stride);
            *(stride < 0 ? &difference.least : &difference.most) += stride * (loop_iterations(t->loop) - 1);
        }
    }
    c = c < 0 ? -c : c;
    return (difference.least > -c && difference.most < c) || divisor == 0 || divisor > c * (loop_iterations(loop) - 1);
}

/* Rows of outputs are as many elements as there are rows; rows themselves never meet. */
static bool rows_never_meet(const ArrayAccess *a, const ArrayAccess *b, const Loop *loop) {
    return a->row != NULL && b->row != NULL && subscript_coef(a->row, loop) != 0 && subscript_equal(a->row, b->row);
}

static bool same_memory(const Array *a, const Array *b) {
    return a == b ||
           (a->memory == b->memory && a->memory != ARRAY_WORK && a->memory != ARRAY_REGISTERS && a->index == b->index);
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

/* The nest's accesses against those since the last wait. */
static void meet_nest(Arena *arena, const Statement *nest, TouchedArrays *since, const char **problem) {
    Accesses all = {0};
    bool shared = has_threads(nest);
    int before = since->count;
    find_accesses(arena, &nest->body, &all);
    for (int i = 0; i < all.count; i++) {
        const ArrayAccess *a = &all.items[i];
        if (a->array->memory == ARRAY_REGISTERS) continue;
        for (int k = 0; k < before && *problem == NULL; k++) {
            const Touched *t = &since->items[k];
            if (same_memory(t->array, a->array) && (t->stored || a->store) && (t->shared || shared))
                *problem = text_format(arena, "threads do not wait between two nests that touch %s%d", a->array->name,
                                       a->array->id);
        }
        vector_push(arena, since, ((Touched){a->array, a->store, shared}));
    }
}

static void walk_waits(Arena *arena, const Body *body, TouchedArrays *since, const char **problem) {
    for (int i = 0; i < body->count && *problem == NULL; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_WAIT)
            since->count = 0;
        else if (s->kind == STATEMENT_NEST)
            meet_nest(arena, s, since, problem);
        else
            for (int round = 0; round < 2; round++)
                walk_waits(arena, &s->body, since, problem); /* and its next iteration */
    }
}

/* Where no thread shares anything, nobody waits. */
void check_waits(Arena *arena, const Body *body, const char **problem) {
    bool shared = false;
    for (int i = 0; i < body->count; i++) shared = shared || has_threads(body->items[i]);
    TouchedArrays since = {0};
    if (shared && *problem == NULL) walk_waits(arena, body, &since, problem);
}
