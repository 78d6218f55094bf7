/* verify: what holds of every tree (tree.h lists it), so that a back end can trust it and a schedule that is wrong
 * is found when it is made, not by the bits of some program.
 *
 * The tree is walked once, in the order in which it runs. At a statement it is known which loops are open, which scalars
 * are visible, and which arrays have been written whole. A loop of which no iteration runs is passed over. What threads and
 * lanes do at the same time is parallel.c's, and which arrays share bytes bytes.c's.
 */
#include "ir/loops/verify/verify.h"
#include <string.h>

enum { MOST_COUNTED = 1 << 16 }; /* elements that are looked at one by one; of more, their number */
enum { ORDER_LANES = 16 };
enum { UNKNOWN, VISIBLE, PAST }; /* is a scalar known here? */

/* What is known of an array while the walk goes on. */
typedef struct ArrayState {
    uint8_t *written; /* per element; NULL: too many, only counted */
    int64_t stored;   /* elements, if counted */
    bool whole;
    int whole_after; /* loops that are open when it is whole; -1: nothing is pending */
    int base;        /* loops that were open when its chains started */
    bool touched;
    const Loop *carried; /* from whose iterations to the next its chains go on; NULL: none */
    uint8_t *joined;     /* per chain: a term joins it in this nest */
    uint8_t *in_nest;    /* per element: this nest has written it */
    int64_t restarted;   /* elements that start anew under the condition at hand */
    int nest;            /* in which it was stored last */
} ArrayState;

typedef struct Walk {
    const LoopTree *tree;
    Arena *arena;
    ArrayState *state;             /* by array */
    Vector(const Array *) pending; /* stored in loops that are open, by nests */
    int of_nest;                   /* where those of this nest begin */
    int nests;                     /* begun and ended until now */
    uint8_t *marks;                /* of a store, by element */
    uint8_t *visible;              /* by scalar: UNKNOWN, VISIBLE or PAST */
    OpenLoops open;
    int conditions;      /* IFs around */
    const Scalar *there; /* the innermost one's, if it says that a row is one of the mini-batch; NULL */
    const Array *closed; /* by a condition; its chains have to start anew in it */
    int restarting;      /* arrays of which a part has started anew */
    const Node *nest;    /* the last one */
    bool in_nest;
    const char *problem;
} Walk;

static void problem(Walk *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void problem(Walk *w, const char *format, ...) {
    if (w->problem != NULL) return;
    va_list arguments;
    va_start(arguments, format);
    const char *what = text_format_arguments(w->arena, format, arguments);
    va_end(arguments);
    const char *nest = w->nest == NULL ? "" : node_text(w->nest);
    w->problem = text_format(w->arena, "in the nest of %s: %s", nest, what);
}

static const char *shown(Walk *w, const Array *array, const Subscript *at) {
    Text text = text_new(w->arena);
    text_add(&text, "%s%d[", array->name, array->id);
    subscript_print(&text, at);
    text_add(&text, "]");
    return text.bytes;
}

/* ---- scalars and subscripts --------------------------------------------------------------------------------- */
static void check_subscript(Walk *w, const Subscript *s) {
    for (int i = 0; s != NULL && i < s->count; i++) {
        const SubscriptTerm *t = &s->term[i];
        if (t->loop != NULL && !loop_is_among(&w->open, t->loop))
            problem(w, "%s%d is used outside of its loop", t->loop->name, t->loop->id);
        if (t->scalar != NULL && w->visible[t->scalar->id] != VISIBLE)
            problem(w, "s%d is used where it is not known", t->scalar->id);
        if (t->scalar != NULL && !t->scalar->integer) problem(w, "s%d is no integer, but a subscript", t->scalar->id);
    }
}

/* A loop over single rows, and the blocks that they are of. */
static bool is_row_of_batch(const LoopTree *tree, const Subscript *row) {
    const Loop *loop = NULL;
    for (int i = 0; i < row->count && loop == NULL; i++)
        if (row->term[i].loop != NULL && row->term[i].loop->step == 1) loop = row->term[i].loop;
    int loops = 0;
    if (row->count == 0 && row->offset == 0) return true; /* there is a first one */
    Range r = subscript_range(row);
    if (tree->whole && r.least >= 0 && r.most < tree->most_rows) return true;
    for (; loop != NULL; loop = loop->block, loops++)
        if (!loop->rows || loop->pad != 1 || subscript_coef(row, loop) != 1) return false;
    return loops > 0 && loops == row->count && row->offset == 0;
}

/* rows - row - 1 is not negative. */
static bool is_said_to_be_there(const Walk *w, const Subscript *row) {
    const Subscript *after = w->there != NULL ? subscript_sum(w->arena, w->there->at, row) : NULL;
    const Scalar *rows = after != NULL && after->count == 1 && after->offset == -1 ? after->term[0].scalar : NULL;
    return rows != NULL && rows->kind == SCALAR_ROWS && after->term[0].coef == 1;
}

/* SCALAR_ROW turns a place past the mini-batch into its last where it says so. */
static bool is_row_of_data(const LoopTree *tree, const Subscript *row) {
    const Scalar *of = row->count == 1 && row->offset == 0 && row->term[0].coef == 1 ? row->term[0].scalar : NULL;
    return of != NULL && of->kind == SCALAR_ROW && (of->n != 0 || is_row_of_batch(tree, of->at));
}

static void check_access(Walk *w, const Array *array, const Subscript *row, const Subscript *at) {
    check_subscript(w, row);
    check_subscript(w, at);
    Range r = subscript_range(at);
    if (r.least < 0 || r.most >= array->elements)
        problem(w, "%s is outside: from %lld to %lld of %lld elements", shown(w, array, at), (long long)r.least,
                (long long)r.most, (long long)array->elements);
    if (array_has_rows(array) != (row != NULL))
        problem(w, "%s: a row is said where there is none, or none where there are", shown(w, array, at));
    if (array->memory == ARRAY_COLUMN && !is_row_of_data(w->tree, row))
        problem(w, "%s: its row is none of the data's", shown(w, array, at));
    if (array->memory == ARRAY_ROW_OUTPUT && !is_row_of_batch(w->tree, row) && !is_said_to_be_there(w, row))
        problem(w, "%s: its row is none of the mini-batch", shown(w, array, at));
}

/* Of the next mini-batch. */
static void check_row(Walk *w, const Scalar *s) {
    bool next = false;
    for (int i = 0; i < s->at->count; i++) {
        const Scalar *by = s->at->term[i].scalar;
        next |= by != NULL && by->kind == SCALAR_ROWS && s->at->term[i].coef > 0 && s->at->offset >= 0;
    }
    if (next && s->n != PAST_CALL) problem(w, "s%d is a row of the next mini-batch, where there may be none", s->id);
}

static bool is_of_function(const Array *array) { return array->memory == ARRAY_WORK || array_is_private(array); }

static void check_let(Walk *w, const Scalar *s) {
    if (w->visible[s->id] != UNKNOWN) problem(w, "s%d is named twice", s->id);
    for (int i = 0; i < 3 && s->source[i] != NULL; i++)
        if (w->visible[s->source[i]->id] != VISIBLE) problem(w, "s%d is used where it is not known", s->source[i]->id);
    if (s->kind == SCALAR_LOAD) {
        check_access(w, s->array, s->row, s->at);
        if (is_of_function(s->array) && !w->state[s->array->id].whole)
            problem(w, "%s is read before all of %s%d is written", shown(w, s->array, s->at), s->array->name,
                    s->array->id);
    } else {
        check_subscript(w, s->row);
        check_subscript(w, s->at);
        if (s->kind == SCALAR_ROW) check_row(w, s);
    }
    w->visible[s->id] = VISIBLE;
}

/* ---- what is written ---------------------------------------------------------------------------------------- */
/* A store reaches the sums of a multiple of each of these coefficients. */
typedef struct Reach {
    int64_t coef, extent;
} Reach;
typedef struct Reaches {
    Reach of[2 * MOST_OPEN_LOOPS];
    int count;
    int64_t offset, elements;
} Reaches;

static void add_reach(Reaches *to, int64_t coef, int64_t extent) {
    if (to->count < 2 * MOST_OPEN_LOOPS) to->of[to->count++] = (Reach){coef, extent};
    to->elements *= extent;
}

/* Of all loops, and of scalars: a lane is one of ORDER_LANES, though some may have no term. */
static Reaches reaches_of(const Walk *w, const Subscript *at) {
    Reaches to = {.offset = at->offset, .elements = 1};
    for (int i = 0; i < w->open.count; i++)
        if (subscript_coef(at, w->open.loop[i]) != 0)
            add_reach(&to, subscript_stride(at, w->open.loop[i]), loop_iterations(w->open.loop[i]));
    for (int i = 0; i < at->count; i++) {
        if (at->term[i].scalar == NULL) continue;
        Subscript one = {.count = 1, .term = &(SubscriptTerm){1, NULL, at->term[i].scalar}};
        int64_t extent = subscript_range(&one).most + 1;
        add_reach(&to, at->term[i].coef, at->term[i].coef == 1 && extent < ORDER_LANES ? ORDER_LANES : extent);
    }
    return to;
}

static void mark_elements(uint8_t *marks, int64_t elements, const Reaches *reaches, int at, int64_t place) {
    if (at == reaches->count) {
        if (place >= 0 && place < elements) marks[place] = 1;
        return;
    }
    Reach reach = reaches->of[at];
    if (at + 1 == reaches->count && reach.coef == 1 && place >= 0 && place + reach.extent <= elements)
        memset(marks + place, 1, (size_t)reach.extent);
    else
        for (int64_t i = 0; i < reach.extent; i++)
            mark_elements(marks, elements, reaches, at + 1, place + i * reach.coef);
}

/* Iterations that move a store each write an element of their own, and no other store of the nest writes it, unless a chain goes
 * on there, of which check_joined counts the terms. */
static void check_distinct(Walk *w, const Array *array, const Subscript *at, const Reaches *reaches, bool goes_on) {
    uint8_t *marks = w->marks, **in_nest = &w->state[array->id].in_nest;
    int64_t marked = 0;
    bool again = false;
    if (*in_nest == NULL) *in_nest = arena_array(w->arena, uint8_t, array->elements + 1);
    memset(marks, 0, (size_t)array->elements);
    mark_elements(marks, array->elements, reaches, 0, reaches->offset);
    for (int64_t i = 0; i < array->elements; i++) {
        marked += marks[i];
        again |= marks[i] && (*in_nest)[i] && array->memory == ARRAY_WORK && !goes_on;
        (*in_nest)[i] |= marks[i];
    }
    if (again || marked != reaches->elements) problem(w, "%s is written twice", shown(w, array, at));
}

static bool is_whole(const ArrayState *state, const Array *array) {
    if (state->written == NULL) return state->stored >= array->elements;
    return memchr(state->written, 0, (size_t)array->elements) == NULL;
}

/* The store writes its elements in every run of the tree; it is not where a place is data, or under a condition. Lanes read
 * what they have written themselves, or check_parallel finds it: it need not be known when the last of them is done. */
static void note_written(Walk *w, const Array *array, const Subscript *at, bool goes_on) {
    ArrayState *state = &w->state[array->id];
    int outermost = w->open.count;
    int64_t elements = 1;
    if (subscript_has(at, NULL)) return;
    for (int i = w->open.count; i-- > 0;)
        if (subscript_coef(at, w->open.loop[i]) != 0) {
            if (w->open.loop[i]->mark != LOOP_VECTOR) outermost = i;
            elements *= loop_iterations(w->open.loop[i]);
        }
    if (!state->touched && array->elements <= MOST_COUNTED)
        state->written = arena_array(w->arena, uint8_t, array->elements + 1);
    state->touched = true;
    state->stored += elements;
    if (state->written != NULL) {
        Reaches reaches = reaches_of(w, at);
        mark_elements(state->written, array->elements, &reaches, 0, at->offset);
        check_distinct(w, array, at, &reaches, goes_on);
    }
    if (outermost == w->open.count)
        state->whole |= is_whole(state, array);
    else
        state->whole_after = outermost;
}

/* Whether something of it waits for the end of a loop that is open. */
static bool is_pending(const ArrayState *state) { return state->base > 0 || state->whole_after >= 0; }

static void close_loop(Walk *w) {
    w->open.count--;
    for (int i = w->in_nest ? w->of_nest : 0; i < w->pending.count; i++) {
        ArrayState *state = &w->state[w->pending.items[i]->id];
        if (state->base > w->open.count) state->base = w->open.count;
        if (state->whole_after != w->open.count) continue;
        state->whole |= is_whole(state, w->pending.items[i]);
        state->whole_after = -1;
    }
    if (w->open.count == 0 && !w->in_nest) w->pending.count = 0;
}

/* ---- chains ------------------------------------------------------------------------------------------------- */
/* The element of the array that is there; or another one. */
static bool reads_element(const Scalar *s, const Array *array, const Subscript *at, bool another) {
    if (s->kind == SCALAR_LOAD) return s->array == array && subscript_equal(s->at, at) != another;
    for (int i = 0; i < 3 && s->source[i] != NULL; i++)
        if (reads_element(s->source[i], array, at, another)) return true;
    return false;
}

/* As many as the loops that the term moves with make. */
static void check_terms(Walk *w, const Statement *s) {
    int64_t terms = 1;
    for (int i = 0; i < w->open.count; i++)
        if (subscript_coef(s->term, w->open.loop[i]) != 0 && !w->open.loop[i]->rows)
            terms *= loop_iterations(w->open.loop[i]);
    if (w->tree->split ? terms > s->terms : terms != s->terms)
        problem(w, "%lld terms join the chain %s, which has %lld", (long long)terms, shown(w, s->array, s->at),
                (long long)s->terms);
}

/* Loops since the chain's start that stay at its element carry it. */
static void check_chain(Walk *w, const Statement *s) {
    int64_t span = 0;
    bool carried = reads_element(s->scalar, s->array, s->at, false);
    for (int i = w->open.count; i-- > w->state[s->array->id].base;) {
        const Loop *loop = w->open.loop[i];
        if (subscript_coef(s->at, loop) != 0 || loop->extent == 1) continue;
        if (s->term == NULL) {
            if (carried) problem(w, "%s adds to itself, and does not say which term joins", shown(w, s->array, s->at));
            return;
        }
        int64_t step = subscript_stride(s->term, loop), last = loop_iterations(loop) - 1;
        if (loop->mark == LOOP_VECTOR || loop->mark == LOOP_THREADS)
            problem(w, "the chain %s is split among the iterations of %s%d", shown(w, s->array, s->at), loop->name,
                    loop->id);
        if (step <= span)
            problem(w, "terms of the chain %s do not ascend with %s%d", shown(w, s->array, s->at), loop->name,
                    loop->id);
        span += step * last;
    }
    if (s->term != NULL) check_terms(w, s);
    if (s->term != NULL && !carried && s->array->memory == ARRAY_REGISTERS)
        problem(w, "the chain %s loses the terms before", shown(w, s->array, s->at));
}

/* A chain that starts anew under a condition does so with all of its array, from its beginning on. */
static void check_restart(Walk *w, const Statement *s) {
    ArrayState *state = &w->state[s->array->id];
    Range r = subscript_range(s->at);
    if (r.least != state->restarted)
        problem(w, "%s is not all of %s%d", shown(w, s->array, s->at), s->array->name, s->array->id);
    bool begins = state->restarted == 0, ends = r.most == s->array->elements - 1;
    state->restarted = ends ? 0 : r.most + 1;
    w->restarting += begins - ends;
}

/* In a nest, terms join every chain of an array. Where the term says which lane it joins, and where two chains are folded,
 * nothing is asked. */
static void note_joined(Walk *w, const Statement *s) {
    ArrayState *state = &w->state[s->array->id];
    bool fold = reads_element(s->scalar, s->array, s->at, true);
    bool by_term = false;
    for (int i = 0; i < s->at->count; i++)
        by_term |= s->at->term[i].loop != NULL && subscript_coef(s->term, s->at->term[i].loop) != 0;
    if (fold) return;
    Reaches reaches = reaches_of(w, s->at);
    if (state->joined == NULL) state->joined = arena_array(w->arena, uint8_t, s->array->elements + 1);
    if (by_term)
        memset(state->joined, 1, (size_t)s->array->elements);
    else if (reaches.elements <= 4 * MOST_COUNTED)
        mark_elements(state->joined, s->array->elements, &reaches, 0, reaches.offset);
    else
        memset(state->joined, 1, (size_t)s->array->elements); /* too many to look at */
}

static void check_joined(Walk *w) {
    int pending = w->of_nest;
    for (int i = w->of_nest; i < w->pending.count; i++) {
        const Array *array = w->pending.items[i];
        ArrayState *state = &w->state[array->id];
        const uint8_t *missing = state->joined == NULL ? NULL : memchr(state->joined, 0, (size_t)array->elements);
        if (missing != NULL && !w->tree->split)
            problem(w, "no term joins the chain %s%d[%lld]", array->name, array->id,
                    (long long)(missing - state->joined));
        state->joined = state->in_nest = NULL;
        if (is_pending(state)) w->pending.items[pending++] = array;
    }
    w->pending.count = pending;
}

/* Carried chains, to which terms may still come, whose sum another array takes. */
static const Array *closes_chains(const Walk *w, const Scalar *s, const Array *to) {
    if (s->kind == SCALAR_LOAD)
        return s->array != to && loop_is_among(&w->open, w->state[s->array->id].carried) ? s->array : NULL;
    const Array *found = NULL;
    for (int i = 0; i < 3 && s->source[i] != NULL && found == NULL; i++) found = closes_chains(w, s->source[i], to);
    return found;
}

static const Loop *outermost_of_term(const Walk *w, const Subscript *term) {
    for (int i = 0; i < w->open.count; i++)
        if (subscript_coef(term, w->open.loop[i]) != 0) return w->open.loop[i];
    return NULL;
}

static void note_chains(Walk *w, const Statement *s) {
    if (s->array->memory != ARRAY_WORK) return;
    if (s->term != NULL) w->state[s->array->id].carried = outermost_of_term(w, s->term);
    if (w->conditions == 0) return;
    if (s->term == NULL && w->closed == s->array)
        w->closed = NULL;
    else if (s->term != NULL && closes_chains(w, s->scalar, s->array) != NULL)
        w->closed = closes_chains(w, s->scalar, s->array);
}

static int loops_around_start(const Walk *w, const Subscript *at) {
    int base = w->open.count;
    while (base > 0 && subscript_coef(at, w->open.loop[base - 1]) != 0) base--;
    return base;
}

static void check_store(Walk *w, const Statement *s) {
    check_access(w, s->array, s->row, s->at);
    check_subscript(w, s->term);
    if (w->state[s->array->id].nest != w->nests) vector_push(w->arena, &w->pending, s->array);
    w->state[s->array->id].nest = w->nests;
    if (w->visible[s->scalar->id] != VISIBLE) problem(w, "s%d is used where it is not known", s->scalar->id);
    if (s->scalar->dtype != s->array->dtype && !(s->array->dtype == DTYPE_U8 && s->scalar->dtype == DTYPE_BOOL))
        problem(w, "%s is no %s", shown(w, s->array, s->at), dtype_text(s->scalar->dtype));
    if (s->array->memory == ARRAY_COLUMN || s->array->memory == ARRAY_SLOT)
        problem(w, "%s is only read", shown(w, s->array, s->at));
    if (is_of_function(s->array)) {
        bool starts = s->term == NULL && w->conditions == 0 && !reads_element(s->scalar, s->array, s->at, false);
        if (starts)
            w->state[s->array->id].base = loops_around_start(w, s->at);
        else
            check_chain(w, s);
        note_chains(w, s);
        if (s->term != NULL)
            note_joined(w, s);
        else if (w->conditions > 0)
            check_restart(w, s);
    }
    bool always = s->row != NULL && is_said_to_be_there(w, s->row) ? w->conditions == 1 : w->conditions == 0;
    if (always) note_written(w, s->array, s->at, s->term != NULL || reads_element(s->scalar, s->array, s->at, false));
}

static void check_transpose(Walk *w, const Statement *s) {
    if (s->array->memory != ARRAY_REGISTERS || s->terms < 1 || s->array->elements % s->terms != 0)
        problem(w, "%s%d has no such rows in registers", s->array->name, s->array->id);
    if (!w->state[s->array->id].whole)
        problem(w, "%s%d is transposed before all of it is written", s->array->name, s->array->id);
    for (int i = 0; i < w->open.count; i++)
        if (w->open.loop[i]->mark == LOOP_VECTOR)
            problem(w, "%s%d is transposed by each lane", s->array->name, s->array->id);
}

/* ---- statements --------------------------------------------------------------------------------------------- */
static void check_body(Walk *w, const Body *body);

static void check_inside(Walk *w, const Statement *s) {
    check_body(w, &s->body);
    for (int i = 0; i < s->body.count; i++)
        if (s->body.items[i]->kind == STATEMENT_LET) w->visible[s->body.items[i]->scalar->id] = PAST;
}

static void check_condition(Walk *w, const Statement *s) {
    const Scalar *before = w->there;
    w->there = s->scalar->kind == SCALAR_INSIDE && s->scalar->n == MOST_ROWS ? s->scalar : NULL;
    w->conditions++;
    check_inside(w, s);
    w->conditions--;
    w->there = before;
}

static void check_statement(Walk *w, const Statement *s) {
    switch (s->kind) {
    case STATEMENT_NEST:
        w->nest = s->node;
        w->in_nest = true;
        w->of_nest = w->pending.count;
        w->nests++;
        check_inside(w, s);
        w->in_nest = false;
        w->nests++;
        check_joined(w);
        check_shared(w->arena, s, &w->open, &w->problem);
        return;
    case STATEMENT_LOOP:
        if (s->loop->extent == 0) return;
        if (w->open.count == MOST_OPEN_LOOPS) INTERNAL_ERROR("more than %d loops in each other", MOST_OPEN_LOOPS);
        if (s->loop->mark == LOOP_VECTOR) check_parallel(w->arena, s, &w->open, &w->problem);
        w->open.loop[w->open.count++] = s->loop;
        check_inside(w, s);
        close_loop(w);
        if (s->loop->mark == LOOP_THREADS && !w->in_nest)
            problem(w, "threads share %s%d, which is around nests", s->loop->name, s->loop->id);
        return;
    case STATEMENT_IF:
        if (w->visible[s->scalar->id] != VISIBLE) problem(w, "s%d is used where it is not known", s->scalar->id);
        check_condition(w, s);
        if (w->closed != NULL)
            problem(w, "the chains of %s%d are closed and do not start anew", w->closed->name, w->closed->id);
        if (w->restarting > 0) problem(w, "a part of an array starts anew, and not all of it");
        return;
    case STATEMENT_LET: check_let(w, s->scalar); return;
    case STATEMENT_STORE: check_store(w, s); return;
    case STATEMENT_FETCH: /* it may lie behind the array */
        check_subscript(w, s->row);
        check_subscript(w, s->at);
        return;
    case STATEMENT_TRANSPOSE: check_transpose(w, s); return;
    case STATEMENT_WAIT:
        if (w->in_nest) problem(w, "threads wait inside of a nest");
        return;
    }
}

static void check_body(Walk *w, const Body *body) {
    for (int i = 0; i < body->count && w->problem == NULL; i++) check_statement(w, body->items[i]);
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */
static void check_roots(Walk *w) {
    static const ArrayMemory memory_of[] = {[ROOT_SUM] = ARRAY_SUM,
                                            [ROOT_UPDATE] = ARRAY_CELL,
                                            [ROOT_ROWS] = ARRAY_ROW_OUTPUT,
                                            [ROOT_VALUE] = ARRAY_OUTPUT};
    const Function *f = w->tree->function;
    for (int r = 0; r < f->root_count && w->problem == NULL; r++) {
        bool found = shape_size(f->roots[r].node->shape) == 0;
        for (int a = 0; a < w->tree->arrays.count && !found; a++) {
            const Array *array = w->tree->arrays.items[a];
            found = array->memory == memory_of[f->roots[r].kind] && array->index == f->roots[r].index &&
                    w->state[a].whole;
        }
        w->nest = f->roots[r].node;
        if (!found) problem(w, "it is not written to where it belongs, or not all of it");
    }
}

const char *tree_problem(const LoopTree *tree) {
    Walk w = {.tree = tree, .arena = tree->arena};
    w.state = arena_array(tree->arena, ArrayState, tree->arrays.count + 1);
    for (int a = 0; a < tree->arrays.count; a++)
        w.state[a] = (ArrayState){.nest = -1, .whole_after = -1, .whole = tree->arrays.items[a]->elements == 0};
    w.visible = arena_array(tree->arena, uint8_t, tree->scalars + 1);
    w.marks = arena_array(tree->arena, uint8_t, MOST_COUNTED);
    check_body(&w, &tree->before);
    check_body(&w, &tree->body);
    check_body(&w, &tree->after);
    if (w.problem == NULL) check_waits(tree->arena, &tree->body, &w.problem);
    if (w.problem == NULL) check_roots(&w);
    check_bytes(tree, &w.problem);
    return w.problem;
}
