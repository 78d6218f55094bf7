/* squares: element nests that store along another axis than they read.
 *
 * Between a layout with channels innermost and a row-major one either the loads or the stores of such a nest are from here
 * and there, one by one: its values are moved in squares of registers.
 */
#include "ir/loops/code_limits.h"
#include "ir/loops/schedules/schedule.h"
#include <string.h>

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
    if (nest->store_count > MOST_MOVED) return 0;
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
    const Store *stores = context;
    return value_at_point(s, stores[i].value, point);
}

static void make_store(Scheduler *s, const void *context, int i, const SpacePoint *point, const Scalar *value) {
    const Store *stores = context;
    schedule_store_one(s, &stores[i], point, value);
}

typedef struct RowReads {
    const Scheduler *s;
    Vector(const Node *) nodes; /* with rows */
    int store, before;          /* at hand; nodes that stores before it read */
    bool shared;
} RowReads;

static void visit_rows(void *context, const Read *read) {
    RowReads *reads = context;
    if (read->node->rows == 0) return;
    for (int i = 0; i < reads->before; i++) reads->shared |= reads->nodes.items[i] == read->node;
    for (int i = 0; i < reads->s->nest->store_count; i++)
        reads->shared |= i != reads->store && reads->s->nest->stores[i].node == read->node;
    vector_push(reads->s->arena, &reads->nodes, read->node);
}

/* Does a store read what another one reads, or makes? */
static bool stores_share_rows(const Scheduler *s, const Nest *nest) {
    RowReads reads = {.s = s};
    for (int i = 0; i < nest->store_count; i++) {
        reads.store = i;
        reads.before = reads.nodes.count;
        value_reads(s->f, nest->stores[i].value, store_provides(&nest->stores[i]), nest, visit_rows, &reads);
    }
    return reads.shared;
}

/* Stores that share nothing are made one after the other: each square reads as many streams as it has lines. */
static void move_stores(Scheduler *s, Move m, const Nest *nest) {
    m.count = stores_share_rows(s, nest) ? nest->store_count : 1;
    for (int i = 0; i < nest->store_count; i += m.count) {
        m.context = &nest->stores[i];
        schedule_move(s, &m);
    }
}

static bool has_arrays(const Scheduler *s, const Nest *nest) {
    for (int i = 0; i < nest->store_count; i++)
        if (nest->stores[i].kind == STORE_ARRAY && s->array[nest->stores[i].node->id] == NULL) return false;
    return true;
}

bool schedule_elements_in_squares(Scheduler *s, const Nest *nest) {
    Move m = {.side = side_of(s, nest),
              .stored = place_innermost(s, nest),
              .rows = -1,
              .axes = nest->space.rank,
              .costly = nest->cost > CHEAP_STORES * nest->store_count,
              .value = value_of_store,
              .store = make_store};
    ReadSteps steps = {.s = s};
    if (m.side <= 1 || nest->flat || nest->space.rank < 2 || !has_arrays(s, nest)) return false;
    if (m.stored < 0) m.stored = shape_last_axis(nest->space);
    if (nest->space.extent[m.stored] < m.side) return false;
    nest_reads(s->f, nest, visit_steps, &steps);
    m.read = m.stored;
    for (int a = 0; a < nest->space.rank; a++)
        if (steps.far[a] < steps.far[m.read] && nest->space.extent[a] >= m.side) m.read = a;
    if (steps.far[m.stored] - steps.far[m.read] < nest->store_count) return false;
    memcpy(m.extent, nest->space.extent, sizeof nest->space.extent);
    move_stores(s, m, nest);
    return true;
}
