/* prefetch: the rows of the next mini-batch are asked for while this one is computed.
 *
 * The rows of a shuffled mini-batch lie anywhere, so no processor guesses them. A nest that reads long rows, one after the
 * other, asks at each of them for the lines of the row in the same place of the next mini-batch. A kernel that packs rows
 * block by block does not: asked for in parts, they come no sooner.
 */
#include "ir/loops/schedules/schedule.h"

enum { SECOND_LEVEL = 2, SHORTEST_ROW = 2 /* lines: of one, its neighbour comes with it */ };

static int64_t row_bytes(const Node *column) { return shape_size(column->shape) * (int64_t)dtype_bytes(column->dtype); }

static void fetch_row(Scheduler *s, const Node *column) {
    int64_t elements = shape_size(column->shape),
            of_line = s->numbers.machine.line / (int64_t)dtype_bytes(column->dtype);
    const Array *array = schedule_column(s, column);
    const Subscript *row = schedule_next_data_row(s);
    const Subscript *line = schedule_loop_open(s, "line", (elements + of_line - 1) / of_line, LOOP_SERIAL);
    schedule_fetch(s, array, row, subscript_times(s->arena, line, of_line), SECOND_LEVEL);
    schedule_close(s);
    schedule_fetch(s, array, row, subscript_number(s->arena, elements - 1), SECOND_LEVEL);
}

static void visit_column(void *context, const Read *read) {
    Scheduler *s = context;
    int64_t shortest = SHORTEST_ROW * s->numbers.machine.line;
    int64_t most = s->numbers.machine.l2 / 2; /* the mini-batch at hand is there too */
    if (read->node->op != OP_COLUMN || row_bytes(read->node) < shortest) return;
    if (row_bytes(read->node) * s->block_rows > most) return;
    for (int i = 0; i < s->fetched.count; i++)
        if (s->fetched.items[i] == read->node->attr.index) return;
    vector_push(s->arena, &s->fetched, read->node->attr.index);
    fetch_row(s, read->node);
}

void schedule_fetch_rows(Scheduler *s, const Nest *nest) {
    if (s->f->function->steps && s->f->one_block) nest_reads(s->f, nest, visit_column, s);
}
