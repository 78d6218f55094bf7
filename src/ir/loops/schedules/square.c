/* square: a square of registers that is filled, transposed and read.
 *
 *   for u, for t, vector: square[u, t] = ...          open
 *   transpose square
 *   for u, for t, vector: ... = square[u, t]          turn
 *
 * What was loaded with the lanes along one axis is stored with the lanes along the other.
 */
#include "ir/loops/schedules/schedule.h"

int64_t schedule_square_side(const Scheduler *s, DType dtype) {
    return s->numbers.square_bytes / (int64_t)dtype_bytes(dtype);
}

static void open_sides(Scheduler *s, Square *q) {
    q->u = schedule_loop_open(s, "u", q->side, q->mark);
    q->t = schedule_loop_open(s, "t", q->side, LOOP_VECTOR);
    q->place = subscript_sum(s->arena, subscript_times(s->arena, q->u, q->side), q->t);
}

Square schedule_square_open(Scheduler *s, int64_t side, LoopMark mark) {
    Square q = {.side = side, .mark = mark};
    open_sides(s, &q);
    return q;
}

void schedule_square_transpose(Scheduler *s, Square *q, Array *const *arrays, int count) {
    schedule_square_close(s);
    for (int i = 0; i < count; i++) schedule_transpose(s, arrays[i], q->side);
    open_sides(s, q);
}

void schedule_square_close(Scheduler *s) {
    schedule_close(s);
    schedule_close(s);
}
