/* bytes: arrays of the work block share bytes, but none is read where another one has been written over it.
 *
 * passes/memory_plan.c gave them their bytes by when they live; the verifier does not believe these lives. It passes the loops of
 * nests in the order in which they run, loops around nests twice, because the first nest of an iteration may read what the
 * last one of the iteration before has left. Arrays that one loop of a nest touches lie apart, and so do those of a nest whose
 * loops threads share, since these do not wait for each other in between.
 */
#include "ir/loops/verify/verify.h"
#include <stdlib.h>

enum { FOUND = 1, STORED = 2, STARTED = 4 }; /* read as earlier nests left it; written; written before it is read */

typedef struct BytesWalk {
    const LoopTree *tree;
    uint8_t *touched;            /* by array: in the loop at hand */
    Vector(const Array *) those; /* touched ones */
    size_t *border;              /* bytes where an array begins or ends, ascending */
    const Array **owner;         /* by border: who wrote what follows it last; NULL: nobody */
    Arena *arena;
    const char **problem;
} BytesWalk;

static bool is_of_work(const Array *array) { return array != NULL && array->memory == ARRAY_WORK; }

static void touch(BytesWalk *w, const Array *array, uint8_t how) {
    if (w->touched[array->id] == 0) vector_push(w->arena, &w->those, array);
    w->touched[array->id] |= how;
}

static void find_touched(BytesWalk *w, const Statement *s, bool conditional) {
    const Array *loaded = s->kind == STATEMENT_LET ? s->scalar->array : NULL;
    if (is_of_work(loaded) && !(w->touched[loaded->id] & STARTED)) touch(w, loaded, FOUND);
    if (s->kind == STATEMENT_STORE && is_of_work(s->array)) touch(w, s->array, conditional ? STORED : STORED | STARTED);
    for (int i = 0; i < s->body.count; i++) find_touched(w, s->body.items[i], conditional || s->kind == STATEMENT_IF);
}

/* Those that an array has, the first and the one behind it. */
static Range borders_of(const BytesWalk *w, const Array *array) {
    Range r = {0, 0};
    size_t end = array->offset + (size_t)array->elements * dtype_bytes(array->dtype);
    for (int64_t above = 2 * w->tree->arrays.count; r.least < above;) {
        int64_t middle = (r.least + above) / 2;
        if (w->border[middle] < array->offset)
            r.least = middle + 1;
        else
            above = middle;
    }
    for (r.most = r.least; w->border[r.most] < end;) r.most++;
    return r;
}

static void check_found(BytesWalk *w, const Array *array) {
    Range r = borders_of(w, array);
    for (int64_t i = r.least; i < r.most && *w->problem == NULL; i++)
        if (w->owner[i] != NULL && w->owner[i] != array)
            *w->problem = text_format(w->arena, "%s%d is read after %s%d was written over it: they share bytes",
                                      array->name, array->id, w->owner[i]->name, w->owner[i]->id);
}

static void write_over(BytesWalk *w, const Array *stored) {
    for (int i = 0; i < w->those.count; i++) {
        const Array *array = w->those.items[i];
        if (array != stored && share_bytes(array, stored))
            *w->problem = text_format(w->arena, "%s%d and %s%d share bytes in one loop or nest", array->name, array->id,
                                      stored->name, stored->id);
    }
    Range r = borders_of(w, stored);
    for (int64_t i = r.least; i < r.most; i++) w->owner[i] = stored;
}

/* A statement of a nest, or all of the nest. */
static void pass_statement(BytesWalk *w, const Statement *s) {
    find_touched(w, s, false);
    for (int i = 0; i < w->those.count && *w->problem == NULL; i++)
        if (w->touched[w->those.items[i]->id] & FOUND) check_found(w, w->those.items[i]);
    for (int i = 0; i < w->those.count && *w->problem == NULL; i++)
        if (w->touched[w->those.items[i]->id] & STORED) write_over(w, w->those.items[i]);
    for (int i = 0; i < w->those.count; i++) w->touched[w->those.items[i]->id] = 0;
    w->those.count = 0;
}

static void pass_body(BytesWalk *w, const Body *body) {
    for (int i = 0; i < body->count && *w->problem == NULL; i++) {
        const Statement *s = body->items[i];
        bool nest = s->kind == STATEMENT_NEST, whole = nest && statement_has_threads(s);
        if (whole) pass_statement(w, s);
        for (int k = 0; k < s->body.count && nest && !whole; k++) pass_statement(w, s->body.items[k]);
        for (int round = 0; round < 2 && !nest; round++) pass_body(w, &s->body);
    }
}

static int by_size(const void *a, const void *b) {
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

void check_bytes(const LoopTree *tree, const char **problem) {
    int arrays = tree->arrays.count;
    BytesWalk w = {.tree = tree,
                   .touched = arena_array(tree->arena, uint8_t, arrays + 1),
                   .border = arena_array(tree->arena, size_t, 2 * arrays + 1),
                   .owner = arena_array(tree->arena, const Array *, 2 * arrays + 1),
                   .arena = tree->arena,
                   .problem = problem};
    for (int a = 0; a < arrays; a++) {
        const Array *array = tree->arrays.items[a];
        w.border[2 * a] = array->offset;
        w.border[2 * a + 1] = array->offset + (size_t)array->elements * dtype_bytes(array->dtype);
    }
    w.border[2 * arrays] = SIZE_MAX;
    qsort(w.border, 2 * (size_t)arrays, sizeof *w.border, by_size);
    if (*problem == NULL) pass_body(&w, &tree->body);
}
