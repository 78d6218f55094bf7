/* pipeline: what a tiny step makes of its rows alone is made a step ahead.
 *
 *   each step                                 before all steps
 *     for t in 0..16, vector                    for t in 0..16, vector
 *       s1 = row(t)                               x[t] = div(column[row(t)], 3)
 *       x[t] = div(column[s1], 3)             each step
 *       z[t] = mul(w[0], x[t])         ->       for t in 0..16, vector
 *                                                 next[t] = div(column[row(rows + t)], 3)
 *                                               for t in 0..16, vector
 *                                                 z[t] = mul(w[0], x[t])
 *                                               for t in 0..16, vector
 *                                                 x[t] = next[t]
 *
 * A tiny step waits for the parameters that the step before hands it. So what does not ask for them is done by then: loads
 * of columns, and what is computed of them and of numbers that no step changes. A place past all rows of the call is its
 * last row: what is made of it is not used. Each vector that is handed on is stored and loaded once more; all of them take no
 * longer than the rows, which lie anywhere, take to come.
 *
 * Statements in lanes over rows are of the rows alone if all that they read is. Arrays are it if all that is stored in them
 * is; values that other statements read get an array.
 */
#include "ir/loops/passes/passes.h"
#include "ir/loops/verify/verify.h"

typedef struct StepAhead {
    LoopTree *tree;
    int arrays;                /* that there were before */
    uint8_t *changed;          /* by array: a step stores what is not of its rows alone */
    uint8_t *stored;           /* by array: in lanes over rows */
    uint8_t *of_rows;          /* by scalar */
    uint8_t *asked;            /* by scalar: by statements that are not of the rows alone */
    bool found;                /* something of a column */
    bool unknown;              /* an integer is asked for */
    int64_t lanes, elements;   /* of a vector of rows; handed on */
    OpenLoops open;            /* in a loop over rows */
    const Array **now, **next; /* by array */
} StepAhead;

/* ---- what is of the rows alone ---------------------------------------------------------------------------------- */
static bool subscript_of_rows(const StepAhead *a, const Subscript *s) {
    for (int i = 0; s != NULL && i < s->count; i++)
        if (s->term[i].scalar != NULL && !a->of_rows[s->term[i].scalar->id]) return false;
    return true;
}

static bool array_of_rows(const StepAhead *a, const Array *array) {
    return array->id >= a->arrays ||
           (array->memory == ARRAY_REGISTERS && a->stored[array->id] && !a->changed[array->id]);
}

static bool load_of_rows(const StepAhead *a, const Array *array) {
    bool number = array->memory == ARRAY_CELL || array->memory == ARRAY_SLOT;
    return array->memory == ARRAY_COLUMN || array_of_rows(a, array) || (number && !a->changed[array->id]);
}

static bool scalar_of_rows(const StepAhead *a, const Scalar *s) {
    for (int i = 0; i < 3 && s->source[i] != NULL; i++)
        if (!a->of_rows[s->source[i]->id]) return false;
    if (!subscript_of_rows(a, s->row) || !subscript_of_rows(a, s->at)) return false;
    switch (s->kind) {
    case SCALAR_ROW:
        for (int i = 0; i < s->at->count; i++)
            if (s->at->term[i].loop == NULL) return false;
        return true;
    case SCALAR_LOAD: return load_of_rows(a, s->array);
    case SCALAR_ROWS:
    case SCALAR_COUNTED:
    case SCALAR_PLACE:
    case SCALAR_DRAW: return false;
    default: return true;
    }
}

/* One vector of rows, in lanes. */
static bool is_over_rows(const Statement *s) {
    return has_rows_in_lanes(s) && loop_iterations(s->loop) == 1 && s->loop->block == NULL;
}

/* Whether an array turned out to be changed. */
static bool look(StepAhead *a, const Body *body, bool in_rows) {
    bool any = false;
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_LET) a->of_rows[s->scalar->id] = in_rows && scalar_of_rows(a, s->scalar);
        if (s->kind == STATEMENT_STORE) {
            bool rows = in_rows && s->term == NULL && a->of_rows[s->scalar->id] && subscript_of_rows(a, s->at);
            any |= !rows && !a->changed[s->array->id];
            *(rows ? &a->stored[s->array->id] : &a->changed[s->array->id]) = 1;
        }
        any |= look(a, &s->body, in_rows && s->kind != STATEMENT_IF);
    }
    return any;
}

static bool look_at_all(StepAhead *a, const Body *nest) {
    bool any = false;
    for (int i = 0; i < nest->count; i++) {
        const Statement *s = nest->items[i];
        bool rows = is_over_rows(s);
        if (rows && a->lanes == 0) a->lanes = s->loop->step;
        any |= look(a, &(Body){.items = &nest->items[i], .count = 1}, rows && s->loop->step == a->lanes);
    }
    return any;
}

/* ---- what others ask for ------------------------------------------------------------------------------------------ */
/* Who asks for it has it, or loads it, again. */
static bool is_at_hand(const Scalar *s) {
    return s->kind == SCALAR_CONST || (s->kind == SCALAR_LOAD && s->array->memory != ARRAY_COLUMN);
}

static bool is_of_rows(const StepAhead *a, const Statement *s) {
    if (s->kind == STATEMENT_LET) return a->of_rows[s->scalar->id];
    return s->kind == STATEMENT_STORE && array_of_rows(a, s->array);
}

static void ask_subscript(StepAhead *a, const Subscript *s);

static void ask(StepAhead *a, const Scalar *s) {
    if (s == NULL || !a->of_rows[s->id]) return;
    a->asked[s->id] = 1;
    a->unknown |= s->integer;
    if (is_at_hand(s)) ask_subscript(a, s->at);
}

static void ask_subscript(StepAhead *a, const Subscript *s) {
    for (int i = 0; s != NULL && i < s->count; i++) ask(a, s->term[i].scalar);
}

static void find_asked(StepAhead *a, const Body *body) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        bool let = s->kind == STATEMENT_LET;
        find_asked(a, &s->body);
        a->found |= let && is_of_rows(a, s) && s->scalar->kind == SCALAR_LOAD && array_has_rows(s->scalar->array);
        if (is_of_rows(a, s)) continue;
        if (!let) ask(a, s->scalar);
        for (int k = 0; let && k < 3; k++) ask(a, s->scalar->source[k]);
        ask_subscript(a, let ? s->scalar->row : s->row);
        ask_subscript(a, let ? s->scalar->at : s->at);
        ask_subscript(a, s->term);
    }
}

static void count_handed(StepAhead *a, const Body *body, int64_t times) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        bool let = s->kind == STATEMENT_LET && a->asked[s->scalar->id] && !is_at_hand(s->scalar);
        if (let || (s->kind == STATEMENT_STORE && is_of_rows(a, s))) a->elements += times;
        count_handed(a, &s->body, s->kind == STATEMENT_LOOP ? times * loop_iterations(s->loop) : times);
    }
}

/* ---- two parts -------------------------------------------------------------------------------------------------- */
/* In lanes, and in the loops inside them. */
static const Subscript *place_of_value(const StepAhead *a, int64_t *elements) {
    const Subscript *at = subscript_number(a->tree->arena, 0);
    *elements = 1;
    for (int i = 0; i < a->open.count; i++) {
        const Subscript *loop = subscript_of_loop(a->tree->arena, a->open.loop[i]);
        at = subscript_sum(a->tree->arena, at, subscript_times(a->tree->arena, loop, *elements));
        *elements *= a->open.loop[i]->extent;
    }
    return at;
}

typedef struct Handed {
    Scalar *value, load; /* what it becomes for who asks for it */
} Handed;
typedef Vector(Handed) HandedValues;

static void hand_on(StepAhead *a, HandedValues *handed, const Scalar *value, Body *rows) {
    LoopTree *tree = a->tree;
    int64_t elements;
    const Subscript *at = place_of_value(a, &elements);
    const char *name = value->node != NULL && value->node->name != NULL ? value->node->name : "ahead";
    Array *array = tree_array(tree, ARRAY_REGISTERS, 0, value->dtype, elements, name);
    Statement *store = tree_statement(tree, STATEMENT_STORE);
    store->scalar = value;
    store->array = array;
    store->at = at;
    vector_push(tree->arena, rows, store);
    Scalar load = {.kind = SCALAR_LOAD, .id = value->id, .dtype = value->dtype, .array = array, .at = at};
    vector_push(tree->arena, handed, ((Handed){(Scalar *)value, load}));
}

/* What is of the rows alone, and the rest. */
static void part(StepAhead *a, HandedValues *handed, const Body *body, Body *rows, Body *rest) {
    Arena *arena = a->tree->arena;
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        if (s->kind == STATEMENT_LOOP) {
            Statement *of_rows = tree_statement(a->tree, STATEMENT_LOOP);
            Body others = {0};
            *of_rows = *s;
            of_rows->body = (Body){0};
            if (!s->loop->rows) a->open.loop[a->open.count++] = s->loop;
            part(a, handed, &s->body, &of_rows->body, &others);
            if (!s->loop->rows) a->open.count--;
            s->body = others;
            vector_push(arena, rest, s);
            vector_push(arena, rows, of_rows);
        } else if (!is_of_rows(a, s)) {
            vector_push(arena, rest, s);
        } else {
            bool asked = s->kind == STATEMENT_LET && a->asked[s->scalar->id];
            vector_push(arena, rows, s);
            if (asked) vector_push(arena, rest, s);
            if (asked && !is_at_hand(s->scalar)) hand_on(a, handed, s->scalar, rows);
        }
    }
}

/* ---- a step ahead ----------------------------------------------------------------------------------------------- */
/* rows NULL: of the first mini-batch. */
static void go_to_rows(LoopTree *tree, Body *body, const Scalar *rows) {
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        go_to_rows(tree, &s->body, rows);
        if (s->kind != STATEMENT_LET || s->scalar->kind != SCALAR_ROW) continue;
        Scalar *row = (Scalar *)s->scalar;
        row->n = PAST_CALL;
        if (rows != NULL) row->at = subscript_sum(tree->arena, row->at, subscript_of_scalar(tree->arena, rows));
    }
}

static void copy_array(LoopTree *tree, Body *body, const Array *from, const Array *to, int64_t lanes) {
    Statement *loop = tree_add_loop(tree, body, "i", from->elements / lanes, LOOP_UNROLLED);
    Statement *lane = tree_add_loop(tree, &loop->body, "t", lanes, LOOP_VECTOR);
    const Subscript *vector = subscript_times(tree->arena, subscript_of_loop(tree->arena, loop->loop), lanes);
    const Subscript *at = subscript_sum(tree->arena, vector, subscript_of_loop(tree->arena, lane->loop));
    tree_add_copy(tree, &lane->body, from, at, to, at);
}

/* In memory: LLVM would compute what both the first and the next rows hand on after they have met, and so no step ahead. */
static const Array *array_of_step(LoopTree *tree, const Array *like) {
    enum { LINE = 64 };
    Array *array = tree_array(tree, ARRAY_WORK, 0, like->dtype, like->elements, like->name);
    array->offset = (tree->work_bytes + LINE - 1) / LINE * LINE;
    tree->work_bytes = array->offset + (size_t)like->elements * dtype_bytes(like->dtype);
    return array;
}

/* Arrays that the rest reads are kept from step to step. */
static void keep_arrays(StepAhead *a, const Body *rest, Body *copies) {
    LoopTree *tree = a->tree;
    int count = tree->arrays.count;
    uint8_t *loaded = arena_array(tree->arena, uint8_t, count + 1);
    tree_find_loaded(rest, loaded);
    a->now = arena_array(tree->arena, const Array *, count + 1);
    a->next = arena_array(tree->arena, const Array *, count + 1);
    for (int i = 0; i < count; i++) {
        const Array *array = tree->arrays.items[i];
        if ((i < a->arrays && !loaded[i]) || !array_of_rows(a, array)) continue;
        a->now[i] = array_of_step(tree, array);
        a->next[i] = tree_array(tree, ARRAY_REGISTERS, 0, array->dtype, array->elements, array->name);
        copy_array(tree, copies, a->next[i], a->now[i], a->lanes);
    }
}

/* A body once more, of the first rows or of the next ones. */
static void add_rows(StepAhead *a, const Body *of_rows, Body *to, const Scalar *rows, const Array **arrays) {
    Body copy = {0};
    tree_copy_body(a->tree, of_rows, &copy, NULL, NULL);
    go_to_rows(a->tree, &copy, rows);
    tree_replace_arrays(&copy, arrays);
    tree_add_body(a->tree, to, &copy);
}

static void change_nest(StepAhead *a, Statement *nest) {
    LoopTree *tree = a->tree;
    Body of_rows = {0}, rest = {0}, copies = {0}, all = {0};
    HandedValues handed = {0};
    for (int i = 0; i < nest->body.count; i++) {
        Body one = {.items = &nest->body.items[i], .count = 1};
        if (is_over_rows(nest->body.items[i]))
            part(a, &handed, &one, &of_rows, &rest);
        else
            vector_push(tree->arena, &rest, nest->body.items[i]);
    }
    Statement *let = tree_statement(tree, STATEMENT_LET);
    let->scalar = tree_scalar(tree, SCALAR_ROWS, DTYPE_I32);
    vector_push(tree->arena, &all, let);
    keep_arrays(a, &rest, &copies);
    Statement *first = tree_statement(tree, STATEMENT_NEST);
    first->node = nest->node;
    add_rows(a, &of_rows, &first->body, NULL, a->now);
    vector_push(tree->arena, &tree->before, first);
    add_rows(a, &of_rows, &all, let->scalar, a->next);
    for (int i = 0; i < handed.count; i++) *handed.items[i].value = handed.items[i].load;
    tree_replace_arrays(&rest, a->now);
    tree_add_body(tree, &all, &rest);
    tree_add_body(tree, &all, &copies);
    nest->body = all;
}

void tree_pipeline(LoopTree *tree, const Machine *machine, Statement *nest) {
    StepAhead a = {.tree = tree, .arrays = tree->arrays.count};
    a.changed = arena_array(tree->arena, uint8_t, a.arrays + 1);
    a.stored = arena_array(tree->arena, uint8_t, a.arrays + 1);
    a.of_rows = arena_array(tree->arena, uint8_t, tree->scalars + 1);
    a.asked = arena_array(tree->arena, uint8_t, tree->scalars + 1);
    while (look_at_all(&a, &nest->body)) {
    }
    find_asked(&a, &nest->body);
    count_handed(&a, &nest->body, 1);
    double handing = (double)a.elements / (double)a.lanes * machine_copying(machine);
    if (!a.found || a.unknown || handing > machine_products(machine, machine_far(machine))) return;
    change_nest(&a, nest);
    tree_take_unused(tree);
}
