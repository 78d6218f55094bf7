/* schedule_squares: element nests that store along another axis than they read.
 *
 *   for j in 0..32, for i by 16, for l by 16
 *     for u in 0..16, unrolled, for t in 0..16, vector: square[u, t] = the value at i + u, j, l + t
 *     transpose square
 *     for u in 0..16, unrolled, for t in 0..16, vector: y[.. l + u .., i + t] = square[u, t]
 *
 * Between a layout with channels innermost and a row-major one either the loads or the stores of such a nest are from here
 * and there, one by one. Squares of registers are read along one axis and stored along the other.
 */
#include "ir/loops/schedule.h"

/* ---- one square --------------------------------------------------------------------------------------------- */
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

Array *schedule_square_new(Scheduler *s, const Square *q, DType dtype) {
    return schedule_registers(s, dtype, q->side * q->side, "square");
}

void schedule_square_turn(Scheduler *s, Square *q, Array *const *arrays, int count) {
    schedule_square_close(s);
    for (int i = 0; i < count; i++) schedule_transpose(s, arrays[i], q->side);
    open_sides(s, q);
}

void schedule_square_close(Scheduler *s) {
    schedule_close(s);
    schedule_close(s);
}

/* ---- which nests -------------------------------------------------------------------------------------------- */
typedef struct ReadSteps {
    const Scheduler *s;
    int far[MOST_AXES]; /* reads that are not from beside each other along the axis */
} ReadSteps;

/* Of a column that it gives an array, a nest reads the caller's rows. */
static bool reads_caller(const Nest *nest, const Node *node) {
    bool makes = false;
    for (int i = 0; i < nest->store_count; i++) makes |= nest->stores[i].node == node;
    return makes && node->op == OP_COLUMN;
}

static void visit_steps(void *context, const Read *read) {
    ReadSteps *steps = context;
    const Nest *nest = steps->s->nest;
    for (int a = 0; a < nest->space.rank; a++) {
        int64_t step = read->linear.coef[a];
        if (!reads_caller(nest, read->node)) step = place_step(steps->s, read->node, step);
        steps->far[a] += step != 0 && step != 1;
    }
}

static int last_axis(Shape shape) {
    int last = shape.rank - 1;
    while (last > 0 && shape.extent[last] == 1) last--;
    return last;
}

static int64_t side_of(const Scheduler *s, const Nest *nest) {
    int64_t side = 0;
    for (int i = 0; i < nest->store_count; i++) {
        int64_t of_store = s->numbers.square_bytes / (int64_t)dtype_bytes(nest->stores[i].value->dtype);
        if ((side > 0 && of_store != side) || nest->stores[i].value->dtype == DTYPE_BOOL) return 0;
        side = of_store;
    }
    return side;
}

static bool leaves_large_squares(const Nest *nest, int axis, int64_t side) { return nest->space.extent[axis] >= side; }

NestSquares schedule_find_squares(const Scheduler *s, const Nest *nest) {
    NestSquares q = {.side = side_of(s, nest), .stored = place_innermost(s, nest)};
    ReadSteps steps = {.s = s};
    if (q.stored < 0) q.stored = last_axis(nest->space);
    q.read = q.stored;
    if (q.side <= 1 || nest->flat || nest->space.rank < 2 || !leaves_large_squares(nest, q.stored, q.side))
        return (NestSquares){0};
    nest_reads(s->f, nest, visit_steps, &steps);
    for (int a = 0; a < nest->space.rank; a++)
        if (steps.far[a] < steps.far[q.read] && leaves_large_squares(nest, a, q.side)) q.read = a;
    return steps.far[q.stored] - steps.far[q.read] >= nest->store_count ? q : (NestSquares){0};
}

/* ---- such a nest -------------------------------------------------------------------------------------------- */
enum { MOST_SQUARES = 4, CHEAP = 6 };

/* Whole squares along both axes; the point is where the first of them begins. */
static void one_square(Scheduler *s, const Nest *nest, const NestSquares *squares, SpacePoint *point) {
    const Subscript *stored = point->axis[squares->stored], *read = point->axis[squares->read];
    Array *array[MOST_SQUARES];
    Square q = schedule_square_open(s, squares->side, nest->cost <= CHEAP ? LOOP_UNROLLED : LOOP_SERIAL);
    point->axis[squares->stored] = subscript_sum(s->arena, stored, q.u);
    point->axis[squares->read] = subscript_sum(s->arena, read, q.t);
    for (int i = 0; i < nest->store_count; i++) {
        array[i] = schedule_square_new(s, &q, nest->stores[i].value->dtype);
        schedule_store(s, array[i], NULL, q.place, value_at_point(s, nest->stores[i].value, point));
    }
    schedule_square_turn(s, &q, array, nest->store_count);
    point->axis[squares->stored] = subscript_sum(s->arena, stored, q.t);
    point->axis[squares->read] = subscript_sum(s->arena, read, q.u);
    for (int i = 0; i < nest->store_count; i++)
        schedule_store_one(s, &nest->stores[i], point, point_load(s, array[i], NULL, q.place));
    schedule_square_close(s);
}

/* Places from `begin` on, in loops over single ones. */
static void rest_of(Scheduler *s, const Nest *nest, SpacePoint *point, const int64_t begin[2], const int64_t count[2],
                    const int axis[2]) {
    if (count[0] == 0 || count[1] == 0) return;
    for (int i = 0; i < 2; i++) {
        const Subscript *at = schedule_loop_open(s, "i", count[i], LOOP_SERIAL);
        point->axis[axis[i]] = subscript_sum(s->arena, at, subscript_number(s->arena, begin[i]));
    }
    (void)nest;
    schedule_stores(s, point);
    schedule_close(s);
    schedule_close(s);
}

static void squares_at(Scheduler *s, const Nest *nest, const NestSquares *q, SpacePoint *point) {
    int64_t stored = nest->space.extent[q->stored], read = nest->space.extent[q->read];
    int64_t whole_stored = stored / q->side * q->side, whole_read = read / q->side * q->side;
    const Subscript *a = schedule_loop_open(s, "tile", stored / q->side, LOOP_SERIAL);
    const Subscript *b = schedule_loop_open(s, "tile", read / q->side, LOOP_SERIAL);
    point->axis[q->stored] = subscript_times(s->arena, a, q->side);
    point->axis[q->read] = subscript_times(s->arena, b, q->side);
    one_square(s, nest, q, point);
    schedule_close(s);
    schedule_close(s);
    rest_of(s, nest, point, (const int64_t[]){whole_read, 0}, (const int64_t[]){read - whole_read, stored},
            (const int[]){q->read, q->stored});
    rest_of(s, nest, point, (const int64_t[]){whole_stored, 0}, (const int64_t[]){stored - whole_stored, whole_read},
            (const int[]){q->stored, q->read});
}

void schedule_in_squares(Scheduler *s, const Nest *nest, const NestSquares *q) {
    SpacePoint point = {{NULL}};
    int opened = 0;
    for (int a = 0; a < nest->space.rank; a++) {
        point.axis[a] = subscript_number(s->arena, 0);
        if (a == q->stored || a == q->read || nest->space.extent[a] == 1) continue;
        point.axis[a] = schedule_loop_open(s, text_format(s->arena, "%c", "ijlmnopq"[a]), nest->space.extent[a],
                                           LOOP_SERIAL);
        opened++;
    }
    squares_at(s, nest, q, &point);
    while (opened-- > 0) schedule_close(s);
}
