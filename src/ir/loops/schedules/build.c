/* build: statements at the end of the body that is open, and which values are known there. */
#include "ir/loops/schedules/schedule.h"

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

const Subscript *schedule_row(const Scheduler *s) { return s->at.row; }

/* ---- nests outside of loops around nests ---------------------------------------------------------------------- */
OuterNests schedule_outer_begin(Scheduler *s) {
    Body *body = s->open.items[s->open.count - 1].body;
    OuterNests outer = {body, body->count};
    if (s->outer == NULL)
        s->outer = arena_new_of(s->arena, Body);
    else
        outer.around = NULL;
    return outer;
}

void schedule_outer_end(Scheduler *s, const OuterNests *outer) {
    if (outer->around == NULL) return;
    Body all = {0};
    for (int i = 0; i < outer->before; i++) vector_push(s->arena, &all, outer->around->items[i]);
    for (int i = 0; i < s->outer->count; i++) vector_push(s->arena, &all, s->outer->items[i]);
    for (int i = outer->before; i < outer->around->count; i++) vector_push(s->arena, &all, outer->around->items[i]);
    *outer->around = all;
    s->outer = NULL;
}

bool schedule_outer_open(Scheduler *s, const Node *made_of) {
    if (s->outer == NULL || made_of->op != OP_CELL) return false;
    OpenBody open = {s->outer, s->known.count};
    vector_push(s->arena, &s->open, open);
    return true;
}

/* ---- rows --------------------------------------------------------------------------------------------------- */
const Loop *schedule_open_loop(const Scheduler *s) {
    const Body *around = s->open.items[s->open.count - 2].body;
    return around->items[around->count - 1]->loop;
}

static const Subscript *data_row_at(Scheduler *s, const Subscript *place, PlacePast past) {
    Scalar *row = tree_scalar(s->tree, SCALAR_ROW, DTYPE_I32);
    row->at = place;
    row->n = past;
    return subscript_of_scalar(s->arena, schedule_let(s, row));
}

const Subscript *schedule_data_row(Scheduler *s) {
    return data_row_at(s, s->at.row, s->at.past ? PAST_BATCH : PAST_NOWHERE);
}

const Subscript *schedule_next_data_row(Scheduler *s) {
    const Scalar *rows = schedule_let(s, tree_scalar(s->tree, SCALAR_ROWS, DTYPE_I32));
    return data_row_at(s, subscript_sum(s->arena, s->at.row, subscript_of_scalar(s->arena, rows)), PAST_CALL);
}

void schedule_fetch(Scheduler *s, const Array *array, const Subscript *row, const Subscript *at, int level) {
    Statement *fetch = tree_statement(s->tree, STATEMENT_FETCH);
    fetch->array = array;
    fetch->row = row;
    fetch->at = at;
    fetch->terms = level;
    add(s, fetch);
}

void schedule_transpose(Scheduler *s, const Array *square, int64_t places) {
    Statement *transpose = tree_statement(s->tree, STATEMENT_TRANSPOSE);
    transpose->array = square;
    transpose->terms = places;
    add(s, transpose);
}

ScheduleRow schedule_first_row(Scheduler *s) {
    const Subscript *first = subscript_number(s->arena, 0);
    return (ScheduleRow){.row = first, .in_block = first, .in_loop = first};
}

ScheduleRow schedule_row_further(const Scheduler *s, const Subscript *by) {
    return (ScheduleRow){.row = subscript_sum(s->arena, s->at.row, by),
                         .in_block = subscript_sum(s->arena, s->at.in_block, by),
                         .past = s->at.past};
}

/* Of one row there is no loop: it is the first one, or that of the loop it is one of. */
ScheduleRow schedule_rows_open(Scheduler *s, const Loop *of, int64_t extent, int64_t step, int64_t pad) {
    ScheduleRow before = s->at;
    s->tree->needs_rows = true;
    if (extent == 1) {
        schedule_loop_open(s, "row", 1, LOOP_SERIAL);
        if (of == NULL) s->at = schedule_first_row(s);
        s->at.in_loop = subscript_number(s->arena, 0);
        return before;
    }
    Statement *statement = tree_statement(s->tree, STATEMENT_LOOP);
    Loop *loop = statement->loop = tree_loop(s->tree, step > 1 ? "rows" : "row", extent, LOOP_SERIAL);
    loop->rows = true;
    loop->step = step;
    loop->pad = pad;
    loop->block = of != NULL ? of : s->block;
    open_body(s, statement);
    s->at.past = pad > 1;
    s->at.in_block = s->at.in_loop = subscript_of_loop(s->arena, loop);
    if (of != NULL) s->at.in_block = subscript_sum(s->arena, before.in_block, s->at.in_block);
    s->at.row = s->at.in_block;
    if (s->block != NULL) s->at.row = subscript_sum(s->arena, subscript_of_loop(s->arena, s->block), s->at.row);
    s->at.data = step > 1 || s->block_rows == 1 ? NULL : schedule_data_row(s);
    return before;
}

void schedule_rows_close(Scheduler *s, ScheduleRow before) {
    schedule_close(s);
    s->at = before;
}

const Subscript *schedule_place(Scheduler *s, const Node *node, const Subscript *linear) {
    if (node->rows == 0 || s->block_rows == 1) return linear;
    if (s->has_rows_innermost[node->id])
        return subscript_sum(s->arena, subscript_times(s->arena, linear, s->padded_rows), s->at.in_block);
    return subscript_sum(s->arena, linear, subscript_times(s->arena, s->at.in_block, shape_size(node->shape)));
}

/* ---- arrays and axes ---------------------------------------------------------------------------------------- */

Array *schedule_registers(Scheduler *s, DType dtype, int64_t elements, const char *name) {
    return tree_array(s->tree, ARRAY_REGISTERS, 0, dtype, elements, name);
}

static int axes_open(Scheduler *s, const char *letters, const int64_t *extent, int count, int innermost,
                     const Subscript **axis) {
    int opened = 0;
    for (int i = 0; i < count; i++) {
        int a = innermost < 0 || i < innermost ? i : i + 1 < count ? i + 1 : innermost;
        axis[a] = subscript_number(s->arena, 0);
        if (extent[a] == 1) continue;
        axis[a] = schedule_loop_open(s, text_format(s->arena, "%c", letters[a]), extent[a], LOOP_SERIAL);
        opened++;
    }
    return opened;
}

int schedule_axes_open_with(Scheduler *s, const int64_t *extent, int count, int innermost, const Subscript **axis) {
    return axes_open(s, "ijlmnopqabcdefgh", extent, count, innermost, axis);
}

int schedule_axes_open(Scheduler *s, const int64_t *extent, int count, const Subscript **axis) {
    return schedule_axes_open_with(s, extent, count, -1, axis);
}

int schedule_terms_open(Scheduler *s, const int64_t *extent, int count, const Subscript **axis) {
    return axes_open(s, "kkkkkkkkkkkkkkkk", extent, count, -1, axis);
}

void schedule_close_all(Scheduler *s, int opened) {
    while (opened-- > 0) schedule_close(s);
}

const Subscript *schedule_lanes_open(Scheduler *s, int64_t count, int64_t vector) {
    const Subscript *v = schedule_loop_open(s, "v", count / vector, LOOP_UNROLLED);
    const Subscript *t = schedule_loop_open(s, "t", vector, LOOP_VECTOR);
    return subscript_sum(s->arena, subscript_times(s->arena, v, vector), t);
}

int64_t rounded_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

int64_t schedule_tile(int64_t extent, int64_t most) {
    int64_t best = 1;
    if (extent <= most) return extent;
    for (int64_t tile = 2; tile <= most; tile++) /* a tile's time is that of its chains and of what they share */
        if ((extent + tile - 1) / tile * (tile + 1) <= (extent + best - 1) / best * (best + 1)) best = tile;
    return best;
}
