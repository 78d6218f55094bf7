/* schedule_build: statements at the end of the body that is open, and which values are known there. */
#include "ir/loops/schedule.h"

static void add(Scheduler *s, Statement *statement) {
    Body *body = s->open.items[s->open.count - 1].body;
    vector_push(s->arena, body, statement);
}

static void open_body(Scheduler *s, Statement *around) {
    add(s, around);
    OpenBody open = {&around->body, s->known.count};
    vector_push(s->arena, &s->open, open);
}

void schedule_close(Scheduler *s) { s->known.count = s->open.items[--s->open.count].known; }

const Scalar *schedule_let(Scheduler *s, const Scalar *scalar) {
    Statement *let = tree_statement(s->tree, STATEMENT_LET);
    let->scalar = scalar;
    add(s, let);
    return scalar;
}

static Statement *store(Scheduler *s, const Array *array, const Subscript *row, const Subscript *at,
                        const Scalar *value) {
    Statement *store = tree_statement(s->tree, STATEMENT_STORE);
    store->array = array;
    store->row = row;
    store->at = at;
    store->scalar = value;
    add(s, store);
    return store;
}

void schedule_store(Scheduler *s, const Array *array, const Subscript *row, const Subscript *at, const Scalar *value) {
    store(s, array, row, at, value);
}

void schedule_term(Scheduler *s, const Array *array, const Subscript *at, const Scalar *value, const Subscript *term,
                   int64_t terms) {
    Statement *joins = store(s, array, NULL, at, value);
    joins->term = term;
    joins->terms = terms;
}

/* A loop of one iteration is none. */
const Subscript *schedule_loop_open(Scheduler *s, const char *name, int64_t extent, LoopMark mark) {
    if (extent == 1) {
        OpenBody same = {s->open.items[s->open.count - 1].body, s->known.count};
        vector_push(s->arena, &s->open, same);
        return subscript_number(s->arena, 0);
    }
    Statement *statement = tree_statement(s->tree, STATEMENT_LOOP);
    statement->loop = tree_loop(s->tree, name, extent, mark);
    open_body(s, statement);
    return subscript_of_loop(s->arena, statement->loop);
}

void schedule_if_open(Scheduler *s, const Scalar *condition) {
    Statement *statement = tree_statement(s->tree, STATEMENT_IF);
    statement->scalar = condition;
    open_body(s, statement);
}

void schedule_nest_open(Scheduler *s, const Node *node) {
    Statement *statement = tree_statement(s->tree, STATEMENT_NEST);
    statement->node = node;
    open_body(s, statement);
}

const Subscript *schedule_row(const Scheduler *s) {
    return s->rows == NULL ? NULL : subscript_of_loop(s->arena, s->rows);
}

Array *schedule_registers(Scheduler *s, DType dtype, int64_t elements, const char *name) {
    return tree_array(s->tree, ARRAY_REGISTERS, 0, dtype, elements, name);
}

int schedule_axes_open(Scheduler *s, const char *letters, const int64_t *extent, int count, const Subscript **axis) {
    int opened = 0;
    for (int a = 0; a < count; a++) {
        axis[a] = subscript_number(s->arena, 0);
        if (extent[a] == 1) continue;
        axis[a] = schedule_loop_open(s, text_format(s->arena, "%c", letters[a]), extent[a], LOOP_SERIAL);
        opened++;
    }
    return opened;
}
