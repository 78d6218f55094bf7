/* move: values that are read along one axis and stored along another.
 *
 *   for i by 16, for j in 0..32, for l by 16
 *     for u in 0..16, unrolled, for t in 0..16, vector: square[u, t] = the value at i + u, j, l + t
 *     transpose square
 *     for u in 0..16, unrolled, for t in 0..16, vector: y[.. l + u .., i + t] = square[u, t]
 *
 * All that comes to lie in another order than it did is moved so: elements, rows, operands in panels. Where neighbours are
 * along one axis before, and along another one after, either the loads or the stores are from here and there, one by one.
 * Squares of registers are read along one axis and stored along the other, for back ends that transpose well. What is left of
 * whole squares along one axis is walked through along the other. Places past the last one may be filled with 0.
 */
#include "ir/loops/code_limits.h"
#include "ir/loops/schedules/schedule.h"

int64_t schedule_square_side(const Scheduler *s, DType dtype) {
    return s->numbers.square_bytes / (int64_t)dtype_bytes(dtype);
}

Square schedule_square_open(Scheduler *s, int64_t side, int64_t first, int64_t lines, LoopMark mark) {
    Square q = {.u = schedule_loop_open(s, "u", lines, mark)};
    q.t = schedule_loop_open(s, "t", side, LOOP_VECTOR);
    q.u = subscript_sum(s->arena, q.u, subscript_number(s->arena, first));
    q.place = subscript_sum(s->arena, subscript_times(s->arena, q.u, side), q.t);
    return q;
}

void schedule_square_close(Scheduler *s) {
    schedule_close(s);
    schedule_close(s);
}

/* Places of an axis, from one to the next but `step`. */
typedef struct Places {
    int64_t begin, end, step;
} Places;

static int64_t count_of(Places places) { return places.end - places.begin; }

/* ---- at a point ----------------------------------------------------------------------------------------------- */
static ScheduleRow go_to_row(Scheduler *s, const Move *m, const SpacePoint *point) {
    ScheduleRow before = s->at;
    if (m->rows >= 0) s->at = schedule_row_further(s, point->axis[m->rows]);
    return before;
}

static const Scalar *value_at(Scheduler *s, const Move *m, int i, const SpacePoint *point) {
    ScheduleRow before = go_to_row(s, m, point);
    const Scalar *value = m->value(s, m->context, i, point);
    s->at = before;
    return value;
}

static void store_at(Scheduler *s, const Move *m, int i, const SpacePoint *point, const Scalar *value) {
    ScheduleRow before = go_to_row(s, m, point);
    m->store(s, m->context, i, point, value);
    s->at = before;
}

/* Loops over all axes, of the two over these places, but not over `without`; the point is at the first of a step. */
static int axes_open(Scheduler *s, const Move *m, Places stored, Places read, int without, SpacePoint *point) {
    int64_t extent[MOST_AXES];
    for (int a = 0; a < m->axes; a++)
        extent[a] = a == without     ? 1
                    : a == m->stored ? count_of(stored) / stored.step
                    : a == m->read   ? count_of(read) / read.step
                                     : m->extent[a];
    int opened = schedule_axes_open(s, extent, m->axes, point->axis);
    for (int a = 0; a < m->axes; a++) {
        Places places = a == m->stored ? stored : a == m->read ? read : (Places){.step = 1};
        point->axis[a] = subscript_times(s->arena, point->axis[a], places.step);
        point->axis[a] = subscript_sum(s->arena, point->axis[a], subscript_number(s->arena, places.begin));
    }
    return opened;
}

/* ---- in squares ----------------------------------------------------------------------------------------------- */
/* The point is where it begins; of its lines so many are there, the others are 0. */
static void one_square(Scheduler *s, const Move *m, SpacePoint *point, int64_t there) {
    const Subscript *stored = point->axis[m->stored], *read = point->axis[m->read];
    LoopMark mark = m->costly ? LOOP_SERIAL : LOOP_UNROLLED;
    Array *array[MOST_MOVED];
    Square q = schedule_square_open(s, m->side, 0, there, mark);
    point->axis[m->stored] = subscript_sum(s->arena, stored, q.u);
    point->axis[m->read] = subscript_sum(s->arena, read, q.t);
    for (int i = 0; i < m->count; i++) {
        const Scalar *value = value_at(s, m, i, point);
        array[i] = schedule_registers(s, value->dtype, m->side * m->side, "square");
        schedule_store(s, array[i], NULL, q.place, value);
    }
    schedule_square_close(s);
    if (there < m->side) {
        q = schedule_square_open(s, m->side, there, m->side - there, mark);
        schedule_store(s, array[0], NULL, q.place, point_const(s, m->dtype, 0));
        schedule_square_close(s);
    }
    for (int i = 0; i < m->count; i++) schedule_transpose(s, array[i], m->side);
    q = schedule_square_open(s, m->side, 0, m->side, mark);
    point->axis[m->stored] = subscript_sum(s->arena, stored, q.t);
    point->axis[m->read] = subscript_sum(s->arena, read, q.u);
    for (int i = 0; i < m->count; i++) store_at(s, m, i, point, point_load(s, array[i], NULL, q.place));
    schedule_square_close(s);
}

/* In row-major order: what lies so is walked through in as few streams as a step has lines. */
static void all_squares(Scheduler *s, const Move *m, Places stored, Places read, int64_t there) {
    SpacePoint point = {{NULL}};
    if (count_of(stored) == 0 || count_of(read) == 0) return;
    int opened = axes_open(s, m, stored, read, -1, &point);
    if (stored.step > m->side) {
        const Subscript *square = schedule_loop_open(s, "q", stored.step / m->side,
                                                     m->costly ? LOOP_SERIAL : LOOP_UNROLLED);
        square = subscript_times(s->arena, square, m->side);
        point.axis[m->stored] = subscript_sum(s->arena, point.axis[m->stored], square);
        opened++;
    }
    one_square(s, m, &point, there);
    schedule_close_all(s, opened);
}

/* Along the axis that is stored, a step fills lines of the cache: a half that is written later would have to come again. */
static void whole_squares(Scheduler *s, const Move *m, int64_t whole, Places read) {
    int64_t bytes = m->side * (int64_t)dtype_bytes(m->dtype), line = s->numbers.machine.line;
    int64_t step = m->filled > 0 && bytes < line ? line / bytes * m->side : m->side, done = whole / step * step;
    all_squares(s, m, (Places){0, done, step}, read, m->side);
    all_squares(s, m, (Places){done, whole, m->side}, read, m->side);
}

/* ---- one by one ----------------------------------------------------------------------------------------------- */
/* Neighbours along the axis, in vectors if the move says so. */
static const Subscript *neighbours_open(Scheduler *s, const Move *m, int64_t count) {
    int64_t vector = m->vector > 0 && count % m->vector == 0 ? m->vector : count;
    const Subscript *v = schedule_loop_open(s, "v", count / vector,
                                            count / vector <= MOST_UNROLLED ? LOOP_UNROLLED : LOOP_SERIAL);
    const Subscript *t = schedule_loop_open(s, "t", vector, m->vector > 0 ? LOOP_VECTOR : LOOP_SERIAL);
    return subscript_sum(s->arena, subscript_times(s->arena, v, vector), t);
}

static void single_places(Scheduler *s, const Move *m, Places stored, Places read, int along) {
    const Scalar *value[MOST_MOVED];
    SpacePoint point = {{NULL}};
    int64_t there = m->extent[m->stored];
    if (count_of(stored) == 0 || count_of(read) == 0) return;
    stored.step = read.step = 1;
    if (stored.begin < there && there < stored.end) {
        single_places(s, m, (Places){stored.begin, there, 1}, read, along);
        stored.begin = there;
    }
    int opened = axes_open(s, m, stored, read, along, &point);
    const Subscript *t = neighbours_open(s, m, count_of(along == m->stored ? stored : read));
    point.axis[along] = subscript_sum(s->arena, point.axis[along], t);
    for (int i = 0; i < m->count; i++)
        value[i] = stored.begin < there ? value_at(s, m, i, &point) : point_const(s, m->dtype, 0);
    for (int i = 0; i < m->count; i++) store_at(s, m, i, &point, value[i]);
    schedule_close_all(s, opened + 2);
}

void schedule_move(Scheduler *s, const Move *m) {
    int64_t there = m->extent[m->stored], all = there < m->filled ? m->filled : there;
    int64_t read = m->read < 0 ? 1 : m->extent[m->read], side = m->read < 0 || read < m->side ? 0 : m->side;
    int64_t whole = side > 1 ? there / side * side : 0, part = side > 1 && whole + side <= all ? there - whole : 0;
    int64_t end = part > 0 ? whole + side : whole;
    Places in_squares = {0, end > 0 ? read / side * side : 0, side};
    if (whole > 0) whole_squares(s, m, whole, in_squares);
    all_squares(s, m, (Places){whole, end, side}, in_squares, part);
    bool few = m->read >= 0 && end == 0 && there < m->side;
    single_places(s, m, (Places){0, all, 1}, (Places){in_squares.end, read, 1}, few ? m->read : m->stored);
    single_places(s, m, (Places){end, all, 1}, in_squares, m->read);
}
