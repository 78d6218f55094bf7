/* transpose: rows beside each other, and the same the other way around.
 *
 *   x[element][row]                          for the elements, for rows by 16, for t in 0..16, vector
 *
 * Where the channels of convolutions do not fill vectors, rows do: all values with rows lie so, a vector of rows is loaded
 * at once, and rows are the lanes of kernels. Two kinds of nests have rows the other way around, [row][element]: what comes
 * from the caller's columns, and sums over rows, whose chains go from row to row. Between the two, rows are moved (move.c), a
 * square's side of them at a time.
 */
#include "ir/loops/schedules/schedule.h"
#include <string.h>

static bool leaves_room(const Scheduler *s, const Store *store) {
    return store->kind == STORE_ARRAY && s->has_rows_innermost[store->node->id];
}

bool stores_rows_innermost(const Scheduler *s, const Nest *nest) {
    if (!s->rows_innermost || !nest->rows) return false;
    for (int i = 0; i < nest->store_count; i++)
        if (!leaves_room(s, &nest->stores[i])) return false;
    return true;
}

/* ---- rows and elements --------------------------------------------------------------------------------------- */
static void fetch_rows(Scheduler *s, const Nest *nest, int64_t rows) {
    ScheduleRow before = s->at;
    s->at = schedule_row_further(s, schedule_loop_open(s, "u", rows, LOOP_SERIAL));
    schedule_fetch_rows(s, nest);
    schedule_close(s);
    s->at = before;
}

/* Of narrow types a vector may have more lanes than rows are filled up to multiples of. */
static int64_t side_of_square(const Scheduler *s, DType dtype) {
    int64_t side = schedule_square_side(s, dtype);
    while (side > 1 && s->pad % side != 0) side /= 2;
    return side;
}

void schedule_move_rows(Scheduler *s, Move *m, const Nest *nest) {
    int64_t side = side_of_square(s, m->dtype), rows = side > 1 ? side : s->numbers.row_lanes;
    ScheduleRow before = schedule_rows_open(s, NULL, s->padded_rows, rows, s->pad);
    if (nest != NULL) fetch_rows(s, nest, rows);
    m->axes = 2;
    m->rows = 0;
    m->extent[0] = m->vector = rows;
    m->side = side;
    m->count = 1;
    schedule_move(s, m);
    schedule_rows_close(s, before);
}

/* ---- elements of rows --------------------------------------------------------------------------------------- */
static const Scalar *value_of_element(Scheduler *s, const void *context, int i, const SpacePoint *point) {
    const Store *store = context;
    (void)i;
    return value_at_place(s, store->value, point->axis[1]);
}

static void store_element(Scheduler *s, const void *context, int i, const SpacePoint *point, const Scalar *value) {
    const Store *store = context;
    const Subscript *element = subscript_sum(s->arena, point->axis[1], subscript_number(s->arena, store->offset));
    (void)i;
    schedule_store(s, s->array[store->node->id], NULL, schedule_place(s, store->node, element), value);
}

static void visit_column(void *context, const Read *read) {
    bool *found = context;
    *found |= read->node->op == OP_COLUMN && shape_size(read->node->shape) > 1;
}

/* One value, of rows of the caller's. */
static bool comes_from_rows(const Scheduler *s, const Nest *nest) {
    bool found = false;
    if (nest->store_count == 1 && nest->flat) nest_reads(s->f, nest, visit_column, &found);
    return found;
}

/* Loops over the rows of a block, which are lanes. */
static ScheduleRow lanes_open(Scheduler *s) {
    ScheduleRow before = schedule_rows_open(s, NULL, s->padded_rows, s->lane_rows, s->pad);
    s->at = schedule_row_further(s, schedule_lanes_open(s, s->lane_rows, s->numbers.row_lanes));
    return before;
}

static void lanes_close(Scheduler *s, ScheduleRow before) {
    schedule_close_all(s, 2);
    schedule_rows_close(s, before);
}

void schedule_rows_innermost(Scheduler *s, const Nest *nest) {
    if (comes_from_rows(s, nest)) {
        const Store *store = &nest->stores[0];
        Move m = {.extent = {0, shape_size(nest->space)},
                  .stored = 0,
                  .read = 1,
                  .dtype = store->value->dtype,
                  .value = value_of_element,
                  .store = store_element,
                  .context = store};
        schedule_move_rows(s, &m, nest);
        return;
    }
    SpacePoint point = {{NULL}};
    int opened = schedule_axes_open(s, nest->space.extent, nest->space.rank, point.axis);
    ScheduleRow before = lanes_open(s);
    schedule_stores(s, &point);
    lanes_close(s, before);
    schedule_close_all(s, opened);
}

/* ---- the other way around ----------------------------------------------------------------------------------- */
typedef struct TransposedCopy {
    Scheduler *s;
    TransposedArrays *transposed;
    const bool *packed;
    bool over_rows;
} TransposedCopy;

static const Scalar *value_of_row(Scheduler *s, const void *context, int i, const SpacePoint *point) {
    const Node *node = context;
    (void)i;
    return point_load(s, s->array[node->id], NULL, schedule_place(s, node, point->axis[1]));
}

static const Scalar *value_in_layout(Scheduler *s, const void *context, int i, const SpacePoint *point) {
    const Node *node = context;
    (void)i;
    return point_load(s, s->array[node->id], NULL, schedule_place_of(s, node, point, false));
}

static void store_row_major(Scheduler *s, const Node *node, const Subscript *element, const Scalar *value) {
    const Subscript *row = subscript_times(s->arena, s->at.in_block, shape_size(node->shape));
    schedule_store(s, s->transposed[node->id], NULL, subscript_sum(s->arena, element, row), value);
}

static void store_of_row(Scheduler *s, const void *context, int i, const SpacePoint *point, const Scalar *value) {
    (void)i;
    store_row_major(s, context, point->axis[1], value);
}

static void store_of_layout(Scheduler *s, const void *context, int i, const SpacePoint *point, const Scalar *value) {
    const Node *node = context;
    (void)i;
    store_row_major(s, node, point_linear(s, point, node->shape), value);
}

/* Channels are innermost: the same in row-major order. */
static void copy_row_major(Scheduler *s, const Node *node) {
    Move m = {.side = schedule_square_side(s, node->dtype),
              .stored = shape_last_axis(node->shape),
              .read = s->layout[node->id]->innermost,
              .rows = -1,
              .axes = node->shape.rank,
              .count = 1,
              .value = value_in_layout,
              .store = store_of_layout,
              .context = node};
    memcpy(m.extent, node->shape.extent, sizeof node->shape.extent);
    ScheduleRow before = schedule_rows_open(s, NULL, s->padded_rows, 1, s->pad);
    schedule_move(s, &m);
    schedule_rows_close(s, before);
}

static void copy(Scheduler *s, const Node *node) {
    int64_t elements = shape_size(node->shape);
    s->transposed[node->id] = tree_array(s->tree, ARRAY_WORK, 0, node->dtype, elements * s->padded_rows, "transposed");
    schedule_nest_open(s, node);
    if (s->has_rows_innermost[node->id]) {
        Move m = {.extent = {0, elements},
                  .stored = 1,
                  .read = 0,
                  .dtype = node->dtype,
                  .value = value_of_row,
                  .store = store_of_row,
                  .context = node};
        schedule_move_rows(s, &m, NULL);
    } else {
        copy_row_major(s, node);
    }
    schedule_close(s);
}

/* Squares have two sides. */
static bool lies_otherwise(const Scheduler *s, const Node *node) {
    if (s->array[node->id] == NULL) return false;
    const ArrayLayout *layout = s->layout[node->id];
    return s->has_rows_innermost[node->id] ||
           (layout != NULL && s->numbers.square_bytes > (int64_t)dtype_bytes(node->dtype) &&
            node->dtype != DTYPE_BOOL && layout->innermost != shape_last_axis(node->shape));
}

static void visit_transposed(void *context, const Read *read) {
    TransposedCopy *c = context;
    Scheduler *s = c->s;
    const Node *node = read->node;
    if (!node_is_stored(s->f, node) || !lies_otherwise(s, node)) return;
    if (read->operand >= 0 && c->packed != NULL && c->packed[read->operand]) return;
    if (c->over_rows ? s->layout[node->id] != NULL : s->has_rows_innermost[node->id] || read->operand < 0) return;
    if (node->op != OP_COLUMN && s->transposed[node->id] == NULL) copy(s, node);
    vector_push(s->arena, &c->transposed->nodes, node);
    vector_push(s->arena, &c->transposed->before, s->array[node->id]);
    vector_push(s->arena, &c->transposed->layouts, s->layout[node->id]);
    s->array[node->id] = s->transposed[node->id];
    s->layout[node->id] = NULL;
    s->has_rows_innermost[node->id] = 0;
}

void schedule_forget_copies(Scheduler *s) {
    for (uint32_t n = 0; n < s->f->nodes; n++) s->transposed[n] = NULL;
    s->packs.count = 0;
}

TransposedArrays schedule_transposed(Scheduler *s, const Nest *nest, const bool packed[2]) {
    TransposedArrays transposed = {0};
    bool over_rows = nest->kind == NEST_SCATTER || nest->reduce->attr.contraction->over_rows;
    TransposedCopy transposition = {s, &transposed, packed, over_rows};
    nest_reads(s->f, nest, visit_transposed, &transposition);
    return transposed;
}

void schedule_transpose_back(Scheduler *s, const TransposedArrays *transposed) {
    for (int i = 0; i < transposed->nodes.count; i++) {
        uint32_t id = transposed->nodes.items[i]->id;
        s->array[id] = transposed->before.items[i];
        s->layout[id] = transposed->layouts.items[i];
        s->has_rows_innermost[id] = s->layout[id] == NULL;
    }
}
