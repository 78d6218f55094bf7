/* tree: nodes of the loop tree, and the arithmetic of subscripts.
 *
 * A subscript is a sum in which no loop or scalar stands twice and no coefficient is 0, so that equal sums are equal
 * terms. Sums keep the order in which their terms came: a tree prints the same wherever it was made.
 */
#include "ir/loops/tree.h"
#include <string.h>

Array *tree_array(LoopTree *tree, ArrayMemory memory, int index, DType dtype, int64_t elements, const char *name) {
    Array *array = arena_new_of(tree->arena, Array);
    *array = (Array){.id = tree->arrays.count,
                     .memory = memory,
                     .index = index,
                     .dtype = dtype,
                     .elements = elements,
                     .name = name,
                     .first = -1,
                     .last = -1};
    vector_push(tree->arena, &tree->arrays, array);
    return array;
}

Statement *tree_statement(LoopTree *tree, StatementKind kind) {
    Statement *statement = arena_new_of(tree->arena, Statement);
    statement->kind = kind;
    tree->statements++;
    return statement;
}

Loop *tree_loop(LoopTree *tree, const char *name, int64_t extent, LoopMark mark) {
    Loop *loop = arena_new_of(tree->arena, Loop);
    *loop = (Loop){.id = tree->loops++, .name = name, .extent = extent, .mark = mark, .step = 1, .pad = 1};
    return loop;
}

Loop *tree_loop_like(LoopTree *tree, const Loop *like) {
    Loop *loop = arena_copy(tree->arena, like, sizeof *like);
    loop->id = tree->loops++;
    return loop;
}

int64_t loop_iterations(const Loop *loop) { return (loop->extent + loop->step - 1) / loop->step; }

Scalar *tree_scalar(LoopTree *tree, ScalarKind kind, DType dtype) {
    Scalar *scalar = arena_new_of(tree->arena, Scalar);
    *scalar = (Scalar){.kind = kind, .id = tree->scalars++, .dtype = dtype};
    scalar->integer = kind == SCALAR_ROWS || kind == SCALAR_COUNTED || kind == SCALAR_ROW || kind == SCALAR_PLACE ||
                      kind == SCALAR_QUOTIENT || kind == SCALAR_REMAINDER || kind == SCALAR_INTEGER ||
                      kind == SCALAR_WITHIN;
    return scalar;
}

bool array_is_private(const Array *array) {
    return array->memory == ARRAY_REGISTERS || array->memory == ARRAY_PROMOTED;
}

bool array_has_rows(const Array *array) { return array->memory == ARRAY_COLUMN || array->memory == ARRAY_ROW_OUTPUT; }

const Subscript *subscript_number(Arena *arena, int64_t n) {
    Subscript *s = arena_new_of(arena, Subscript);
    s->offset = n;
    return s;
}

static const Subscript *of_term(Arena *arena, SubscriptTerm term) {
    Subscript *s = arena_new_of(arena, Subscript);
    s->count = 1;
    s->term = arena_copy(arena, &term, sizeof term);
    return s;
}

const Subscript *subscript_of_loop(Arena *arena, const Loop *loop) {
    return of_term(arena, (SubscriptTerm){1, loop, NULL});
}

const Subscript *subscript_of_scalar(Arena *arena, const Scalar *integer) {
    return of_term(arena, (SubscriptTerm){1, NULL, integer});
}

const Subscript *subscript_sum(Arena *arena, const Subscript *a, const Subscript *b) {
    if (b->count == 0 && b->offset == 0) return a;
    if (a->count == 0 && a->offset == 0) return b;
    Subscript *s = arena_new_of(arena, Subscript);
    SubscriptTerm *term = arena_array(arena, SubscriptTerm, a->count + b->count + 1);
    s->offset = a->offset + b->offset;
    for (int i = 0; i < a->count; i++) term[s->count++] = a->term[i];
    for (int i = 0; i < b->count; i++) {
        int at = 0;
        while (at < s->count && (term[at].loop != b->term[i].loop || term[at].scalar != b->term[i].scalar)) at++;
        if (at == s->count)
            term[s->count++] = b->term[i];
        else
            term[at].coef += b->term[i].coef;
    }
    int kept = 0;
    for (int i = 0; i < s->count; i++)
        if (term[i].coef != 0) term[kept++] = term[i];
    s->count = kept;
    s->term = term;
    return s;
}

const Subscript *subscript_times(Arena *arena, const Subscript *a, int64_t factor) {
    if (factor == 1) return a;
    if (factor == 0) return subscript_number(arena, 0);
    Subscript *s = arena_new_of(arena, Subscript);
    SubscriptTerm *term = arena_array(arena, SubscriptTerm, a->count + 1);
    *s = (Subscript){.offset = a->offset * factor, .count = a->count, .term = term};
    for (int i = 0; i < a->count; i++) {
        term[i] = a->term[i];
        term[i].coef *= factor;
    }
    return s;
}

bool subscript_equal(const Subscript *a, const Subscript *b) {
    if (a == b) return true;
    if (a == NULL || b == NULL || a->offset != b->offset || a->count != b->count) return false;
    for (int i = 0; i < a->count; i++) {
        const SubscriptTerm *x = &a->term[i], *y = &b->term[i];
        if (x->coef != y->coef || x->loop != y->loop || x->scalar != y->scalar) return false;
    }
    return true;
}

int64_t subscript_coef(const Subscript *s, const Loop *loop) {
    for (int i = 0; s != NULL && i < s->count; i++)
        if (s->term[i].loop == loop) return s->term[i].coef;
    return 0;
}

bool subscript_has(const Subscript *s, const uint8_t *scalars) {
    for (int i = 0; s != NULL && i < s->count; i++) {
        const Scalar *scalar = s->term[i].scalar;
        if (scalar != NULL && (scalars == NULL || scalars[scalar->id])) return true;
    }
    return false;
}

int64_t subscript_stride(const Subscript *s, const Loop *loop) { return subscript_coef(s, loop) * loop->step; }

/* ---- bodies --------------------------------------------------------------------------------------------------- */
Statement *tree_add_loop(LoopTree *tree, Body *to, const char *name, int64_t extent, LoopMark mark) {
    Statement *s = tree_statement(tree, STATEMENT_LOOP);
    s->loop = tree_loop(tree, name, extent, mark);
    vector_push(tree->arena, to, s);
    return s;
}

void tree_add_copy(LoopTree *tree, Body *body, const Array *from, const Subscript *at, const Array *to,
                   const Subscript *place) {
    Statement *let = tree_statement(tree, STATEMENT_LET), *store = tree_statement(tree, STATEMENT_STORE);
    Scalar *load = tree_scalar(tree, SCALAR_LOAD, from->dtype);
    load->array = from;
    load->at = at;
    store->array = to;
    store->at = place;
    let->scalar = store->scalar = load;
    vector_push(tree->arena, body, let);
    vector_push(tree->arena, body, store);
}

void tree_add_body(LoopTree *tree, Body *to, const Body *from) {
    for (int i = 0; i < from->count; i++) vector_push(tree->arena, to, from->items[i]);
}

bool statement_has_threads(const Statement *s) {
    bool has = s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_THREADS;
    for (int i = 0; i < s->body.count && !has; i++) has = statement_has_threads(s->body.items[i]);
    return has;
}

bool statement_access(const Statement *s, ArrayAccess *access) {
    const Scalar *load = s->kind == STATEMENT_LET && s->scalar->kind == SCALAR_LOAD ? s->scalar : NULL;
    if (load != NULL) *access = (ArrayAccess){load->array, load->at, load->row, false};
    if (s->kind == STATEMENT_STORE) *access = (ArrayAccess){s->array, s->at, s->row, true};
    return load != NULL || s->kind == STATEMENT_STORE;
}

void tree_change_accesses(Body *body, ChangeAccess *change, void *context) {
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        Scalar *load = s->kind == STATEMENT_LET && s->scalar->kind == SCALAR_LOAD ? (Scalar *)s->scalar : NULL;
        if (load != NULL) change(context, &load->array, &load->at);
        if (s->kind == STATEMENT_STORE) change(context, &s->array, &s->at);
        tree_change_accesses(&s->body, change, context);
    }
}

static void replace(void *context, const Array **array, const Subscript **at) {
    const Array **by = context;
    (void)at;
    if (by[(*array)->id] != NULL) *array = by[(*array)->id];
}

void tree_replace_arrays(Body *body, const Array **by) { tree_change_accesses(body, replace, (void *)by); }
