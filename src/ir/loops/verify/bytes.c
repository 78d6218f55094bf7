/* bytes: arrays of the work block share bytes, but none is read where another one has been written over it.
 *
 * passes/memory_plan.c gave them their bytes by when they live; the verifier does not believe these lives. It passes the loops of
 * nests in the order in which they run, loops around nests twice, because the first nest of an iteration may read what the
 * last one of the iteration before has left. Arrays that one loop of a nest touches lie apart, and so do those of a nest whose
 * loops threads share, since these do not wait for each other in between.
 */
#include "ir/loops/verify/verify.h"
#include <string.h>

enum { FOUND = 1, STORED = 2, STARTED = 4 }; /* read as earlier nests left it; written; written before it is read */

typedef struct BytesWalk {
    const LoopTree *tree;
    uint8_t *touched;     /* by array: in the loop at hand */
    const Array **writer; /* by array: of another one over it; NULL: it is as it was written */
    Arena *arena;
    const char **problem;
} BytesWalk;

static bool is_of_work(const Array *array) { return array != NULL && array->memory == ARRAY_WORK; }

static void find_touched(const Statement *s, bool conditional, uint8_t *touched) {
    const Array *loaded = s->kind == STATEMENT_LET ? s->scalar->array : NULL;
    if (is_of_work(loaded) && !(touched[loaded->id] & STARTED)) touched[loaded->id] |= FOUND;
    if (s->kind == STATEMENT_STORE && is_of_work(s->array))
        touched[s->array->id] |= conditional ? STORED : STORED | STARTED;
    for (int i = 0; i < s->body.count; i++)
        find_touched(s->body.items[i], conditional || s->kind == STATEMENT_IF, touched);
}

static void write_over(BytesWalk *w, const Array *stored) {
    for (int a = 0; a < w->tree->arrays.count; a++) {
        const Array *array = w->tree->arrays.items[a];
        if (array == stored || !is_of_work(array) || !share_bytes(array, stored)) continue;
        w->writer[a] = stored;
        if (w->touched[a] != 0)
            *w->problem = text_format(w->arena, "%s%d and %s%d share bytes in one loop or nest", array->name, array->id,
                                      stored->name, stored->id);
    }
    w->writer[stored->id] = NULL;
}

/* A statement of a nest, or all of the nest. */
static void pass_statement(BytesWalk *w, const Statement *s) {
    int arrays = w->tree->arrays.count;
    memset(w->touched, 0, (size_t)arrays);
    find_touched(s, false, w->touched);
    for (int a = 0; a < arrays && *w->problem == NULL; a++) {
        const Array *array = w->tree->arrays.items[a], *writer = w->writer[a];
        if ((w->touched[a] & FOUND) && writer != NULL)
            *w->problem = text_format(w->arena, "%s%d is read after %s%d was written over it: they share bytes",
                                      array->name, array->id, writer->name, writer->id);
    }
    for (int a = 0; a < arrays && *w->problem == NULL; a++)
        if (w->touched[a] & STORED) write_over(w, w->tree->arrays.items[a]);
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

void check_bytes(const LoopTree *tree, const char **problem) {
    int arrays = tree->arrays.count + 1;
    BytesWalk w = {.tree = tree,
                   .touched = arena_array(tree->arena, uint8_t, arrays),
                   .writer = arena_array(tree->arena, const Array *, arrays),
                   .arena = tree->arena,
                   .problem = problem};
    if (*problem == NULL) pass_body(&w, &tree->body);
}
