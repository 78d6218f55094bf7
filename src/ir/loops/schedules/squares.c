/* squares: element nests that store along another axis than they read.
 *
 *   for i by 16, for j in 0..32, for l by 16
 *     for u in 0..16, unrolled, for t in 0..16, vector: square[u, t] = the value at i + u, j, l + t
 *     transpose square
 *     for u in 0..16, unrolled, for t in 0..16, vector: y[.. l + u .., i + t] = square[u, t]
 *
 * Between a layout with channels innermost and a row-major one either the loads or the stores of such a nest are from here
 * and there, one by one. Squares of registers are read along one axis and stored along the other.
 */
#include "ir/loops/code_limits.h"
#include "ir/loops/schedules/schedule.h"

/* ---- all squares -------------------------------------------------------------------------------------------- */
/* Whole squares along both axes; the point is where the first of them begins. */
static void one_square(Scheduler *s, const SquareValues *v, SpacePoint *point) {
    const Subscript *stored = point->axis[v->stored], *read = point->axis[v->read];
    Array *array[MOST_SQUARES];
    Square q = schedule_square_open(s, v->side, v->cheap ? LOOP_UNROLLED : LOOP_SERIAL);
    point->axis[v->stored] = subscript_sum(s->arena, stored, q.u);
    point->axis[v->read] = subscript_sum(s->arena, read, q.t);
    for (int i = 0; i < v->count; i++) {
        const Scalar *value = v->value(s, v->context, i, point);
        array[i] = schedule_registers(s, value->dtype, q.side * q.side, "square");
        schedule_store(s, array[i], NULL, q.place, value);
    }
    schedule_square_transpose(s, &q, array, v->count);
    point->axis[v->stored] = subscript_sum(s->arena, stored, q.t);
    point->axis[v->read] = subscript_sum(s->arena, read, q.u);
    for (int i = 0; i < v->count; i++) v->store(s, v->context, i, point, point_load(s, array[i], NULL, q.place));
    schedule_square_close(s);
}

/* Loops over all axes, over `count` tiles of the two; the point is at the first place of a tile. */
static int axes_open(Scheduler *s, const SquareValues *v, const int64_t count[2], int64_t side, SpacePoint *point) {
    int64_t extent[MOST_RANK];
    for (int a = 0; a < v->space.rank; a++)
        extent[a] = a == v->stored ? count[0] : a == v->read ? count[1] : v->space.extent[a];
    int opened = schedule_axes_open(s, extent, v->space.rank, point->axis);
    point->axis[v->stored] = subscript_times(s->arena, point->axis[v->stored], side);
    point->axis[v->read] = subscript_times(s->arena, point->axis[v->read], side);
    return opened;
}

/* In row-major order: what lies so is walked through in as few streams as a square has lines. */
static void whole_squares(Scheduler *s, const SquareValues *v, int64_t stored, int64_t read) {
    SpacePoint point = {{NULL}};
    if (stored == 0 || read == 0) return;
    int opened = axes_open(s, v, (const int64_t[]){stored, read}, v->side, &point);
    one_square(s, v, &point);
    schedule_close_all(s, opened);
}

/* So many places of both axes, of one of them from `begin` on. */
static void single_places(Scheduler *s, const SquareValues *v, int axis, int64_t begin, const int64_t count[2]) {
    const Scalar *value[MOST_SQUARES];
    SpacePoint point = {{NULL}};
    if (count[0] == 0 || count[1] == 0) return;
    int opened = axes_open(s, v, count, 1, &point);
    point.axis[axis] = subscript_sum(s->arena, point.axis[axis], subscript_number(s->arena, begin));
    for (int i = 0; i < v->count; i++) value[i] = v->value(s, v->context, i, &point);
    for (int i = 0; i < v->count; i++) v->store(s, v->context, i, &point, value[i]);
    schedule_close_all(s, opened);
}

void schedule_squares(Scheduler *s, const SquareValues *v) {
    int64_t stored = v->space.extent[v->stored], read = v->space.extent[v->read];
    int64_t tiles = stored / v->side, whole = tiles > 0 ? read / v->side * v->side : 0;
    whole_squares(s, v, tiles, whole / v->side);
    single_places(s, v, v->read, whole, (const int64_t[]){stored, read - whole});
    single_places(s, v, v->stored, tiles * v->side, (const int64_t[]){stored - tiles * v->side, whole});
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

static int64_t side_of(const Scheduler *s, const Nest *nest) {
    int64_t side = 0;
    if (nest->store_count > MOST_SQUARES) return 0;
    for (int i = 0; i < nest->store_count; i++) {
        int64_t of_store = schedule_square_side(s, nest->stores[i].value->dtype);
        if ((side > 0 && of_store != side) || nest->stores[i].value->dtype == DTYPE_BOOL) return 0;
        side = of_store;
    }
    return side;
}

int shape_last_axis(Shape shape) {
    int last = shape.rank - 1;
    while (last > 0 && shape.extent[last] == 1) last--;
    return last;
}

static const Scalar *value_of_store(Scheduler *s, const void *context, int i, const SpacePoint *point) {
    const Nest *nest = context;
    return value_at_point(s, nest->stores[i].value, point);
}

static void store_of_nest(Scheduler *s, const void *context, int i, const SpacePoint *point, const Scalar *value) {
    const Nest *nest = context;
    schedule_store_one(s, &nest->stores[i], point, value);
}

static bool has_arrays(const Scheduler *s, const Nest *nest) {
    for (int i = 0; i < nest->store_count; i++)
        if (nest->stores[i].kind == STORE_ARRAY && s->array[nest->stores[i].node->id] == NULL) return false;
    return true;
}

bool schedule_elements_in_squares(Scheduler *s, const Nest *nest) {
    SquareValues v = {.side = side_of(s, nest),
                      .stored = place_innermost(s, nest),
                      .space = nest->space,
                      .count = nest->store_count,
                      .cheap = nest->cost <= CHEAP_STORES * nest->store_count,
                      .value = value_of_store,
                      .store = store_of_nest,
                      .context = nest};
    ReadSteps steps = {.s = s};
    if (v.side <= 1 || nest->flat || nest->space.rank < 2 || !has_arrays(s, nest)) return false;
    if (v.stored < 0) v.stored = shape_last_axis(nest->space);
    if (nest->space.extent[v.stored] < v.side) return false;
    nest_reads(s->f, nest, visit_steps, &steps);
    v.read = v.stored;
    for (int a = 0; a < nest->space.rank; a++)
        if (steps.far[a] < steps.far[v.read] && nest->space.extent[a] >= v.side) v.read = a;
    if (steps.far[v.stored] - steps.far[v.read] < nest->store_count) return false;
    schedule_squares(s, &v);
    return true;
}
