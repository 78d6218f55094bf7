/* prefetch: the rows of the next mini-batch are asked for while this one is computed.
 *
 * The rows of a shuffled mini-batch lie anywhere, so no processor guesses them. A nest that reads long rows, one after the
 * other, asks at each of them for the lines of the row in the same place of the next mini-batch. One that reads a part of each
 * row asks for that part, and so does the one that reads the next: what is asked for at once has to come at once.
 */
#include "ir/loops/schedules/schedule.h"

enum { SECOND_LEVEL = 2, LINE = 64, SHORTEST_ROW = 128, MOST_AHEAD = 512 << 10 /* bytes */ };

typedef struct RowFetch {
    Scheduler *s;
    const Nest *nest;
    const Subscript *first;
    int64_t places, of; /* so many of `of` places of a row */
} RowFetch;

static int64_t row_bytes(const Node *column) { return shape_size(column->shape) * (int64_t)dtype_bytes(column->dtype); }

static void fetch_row(const RowFetch *f, const Node *column) {
    Scheduler *s = f->s;
    int64_t each = shape_size(column->shape) / f->of, elements = f->places * each;
    int64_t of_line = LINE / (int64_t)dtype_bytes(column->dtype);
    const Subscript *first = subscript_times(s->arena, f->first, each);
    const Array *array = schedule_column(s, column);
    const Subscript *row = schedule_next_data_row(s);
    const Subscript *line = schedule_loop_open(s, "line", (elements + of_line - 1) / of_line, LOOP_SERIAL);
    line = subscript_times(s->arena, line, of_line);
    schedule_fetch(s, array, row, subscript_sum(s->arena, first, line), SECOND_LEVEL);
    schedule_close(s);
    first = subscript_sum(s->arena, first, subscript_number(s->arena, elements - 1));
    schedule_fetch(s, array, row, first, SECOND_LEVEL);
}

static void visit_column(void *context, const Read *read) {
    const RowFetch *f = context;
    Scheduler *s = f->s;
    bool is_long = read->node->op == OP_COLUMN && row_bytes(read->node) >= SHORTEST_ROW;
    if (!is_long || row_bytes(read->node) * s->block_rows > MOST_AHEAD) return;
    if (shape_size(read->node->shape) % f->of != 0 || row_bytes(read->node) / f->of * f->places < LINE) return;
    for (int i = 0; i < s->fetched.count; i++)
        if (s->fetched.items[i].column == read->node->attr.index && s->fetched.items[i].nest != f->nest) return;
    vector_push(s->arena, &s->fetched, ((FetchedColumn){read->node->attr.index, f->nest}));
    fetch_row(f, read->node);
}

void schedule_fetch_part(Scheduler *s, const Nest *nest, const Subscript *first, int64_t places, int64_t of) {
    RowFetch fetch = {.s = s, .nest = nest, .first = first, .places = places, .of = of};
    if (s->f->function->steps && s->f->one_block) nest_reads(s->f, nest, visit_column, &fetch);
}

void schedule_fetch_rows(Scheduler *s, const Nest *nest) {
    schedule_fetch_part(s, nest, subscript_number(s->arena, 0), 1, 1);
}
