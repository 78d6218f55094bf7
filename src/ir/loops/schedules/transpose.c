/* transpose: rows beside each other, and the same the other way around.
 *
 *   x[element][row]                          for the elements, for rows by 16, for t in 0..16, vector
 *
 * Where the channels of convolutions do not fill vectors, rows do: all values with rows lie so, a vector of rows is loaded
 * at once, and rows are the lanes of kernels. Two kinds of nests have rows the other way around, [row][element]: what comes
 * from the caller's columns, and sums over rows, whose chains go from row to row. Between the two, squares of registers are
 * transposed:
 *
 *   for rows by 16, for elements by 16
 *     for u in 0..16, unrolled, for t in 0..16, vector: square[u, t] = the value of row u, element t
 *     transpose square
 *     for u in 0..16, unrolled, for t in 0..16, vector: x[element u][row t] = square[u, t]
 */
#include "ir/loops/schedules/schedule.h"

static bool leaves_room(const Scheduler *s, const Store *store) {
    return store->kind == STORE_ARRAY && s->beside[store->node->id];
}

bool stores_beside(const Scheduler *s, const Nest *nest) {
    if (!s->rows_beside || !nest->rows) return false;
    for (int i = 0; i < nest->store_count; i++)
        if (!leaves_room(s, &nest->stores[i])) return false;
    return true;
}

/* ---- squares ------------------------------------------------------------------------------------------------ */
/* Elements in row-major order, one of a row; from_rows: they come from [row][element]. */
typedef const Scalar *ElementOfRow(Scheduler *s, const void *context, const Subscript *element);
typedef void StoreOfRow(Scheduler *s, const void *context, const Subscript *element, const Scalar *value);
typedef struct RowTurn {
    int64_t elements;
    DType dtype;
    bool from_rows;
    ElementOfRow *load;
    StoreOfRow *store;
    const void *context;
    const Nest *nest; /* from_rows: whose */
} RowTurn;

/* The row is that of the square's line or that of its lane. */
static const Subscript *element_of_square(Scheduler *s, const Square *q, const Subscript *first, bool row_is_line) {
    s->at = schedule_row_further(s, row_is_line ? q->u : q->t);
    return subscript_sum(s->arena, first, row_is_line ? q->t : q->u);
}

static void turn_square(Scheduler *s, const RowTurn *turning, const Subscript *first, int64_t side) {
    ScheduleRow before = s->at;
    Array *square = schedule_registers(s, turning->dtype, side * side, "square");
    Square q = schedule_square_open(s, side, LOOP_UNROLLED);
    const Subscript *element = element_of_square(s, &q, first, turning->from_rows);
    schedule_store(s, square, NULL, q.place, turning->load(s, turning->context, element));
    s->at = before;
    schedule_square_turn(s, &q, &square, 1);
    element = element_of_square(s, &q, first, !turning->from_rows);
    turning->store(s, turning->context, element, point_load(s, square, NULL, q.place));
    schedule_square_close(s);
    s->at = before;
}

/* What is left of whole squares. */
static void turn_rest(Scheduler *s, const RowTurn *turning, int64_t begin, int64_t rows) {
    ScheduleRow before = s->at;
    if (begin == turning->elements) return;
    const Subscript *element = schedule_loop_open(s, "i", turning->elements - begin, LOOP_SERIAL);
    element = subscript_sum(s->arena, element, subscript_number(s->arena, begin));
    s->at = schedule_row_further(s, schedule_loop_open(s, "t", rows, LOOP_VECTOR));
    turning->store(s, turning->context, element, turning->load(s, turning->context, element));
    schedule_close(s);
    schedule_close(s);
    s->at = before;
}

static void fetch_rows(Scheduler *s, const Nest *nest, int64_t rows) {
    ScheduleRow before = s->at;
    s->at = schedule_row_further(s, schedule_loop_open(s, "u", rows, LOOP_SERIAL));
    schedule_fetch_rows(s, nest);
    schedule_close(s);
    s->at = before;
}

/* Of narrow types a vector may have more lanes than rows are filled up to multiples of. */
static int64_t side_of_square(const Scheduler *s, DType dtype) {
    int64_t side = s->numbers.square_bytes / (int64_t)dtype_bytes(dtype);
    while (side > 1 && s->pad % side != 0) side /= 2;
    return side;
}

static void turn(Scheduler *s, const RowTurn *turning) {
    int64_t square = side_of_square(s, turning->dtype);
    int64_t tiles = square > 1 ? turning->elements / square : 0, rows = square > 1 ? square : s->numbers.row_lanes;
    ScheduleRow before = schedule_rows_open(s, NULL, s->padded_rows, rows, s->pad);
    if (turning->nest != NULL) fetch_rows(s, turning->nest, rows);
    if (tiles > 0) {
        const Subscript *tile = schedule_loop_open(s, "tile", tiles, LOOP_SERIAL);
        turn_square(s, turning, subscript_times(s->arena, tile, square), square);
        schedule_close(s);
    }
    turn_rest(s, turning, tiles * (square > 1 ? square : 0), rows);
    schedule_rows_close(s, before);
}

/* ---- elements of rows --------------------------------------------------------------------------------------- */
static const Scalar *value_of_element(Scheduler *s, const void *context, const Subscript *element) {
    const Store *store = context;
    return value_at_place(s, store->value, element);
}

static void store_element(Scheduler *s, const void *context, const Subscript *element, const Scalar *value) {
    const Store *store = context;
    element = subscript_sum(s->arena, element, subscript_number(s->arena, store->offset));
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
    int64_t lanes = s->numbers.row_lanes;
    ScheduleRow before = schedule_rows_open(s, NULL, s->padded_rows, s->lane_rows, s->pad);
    const Subscript *v = schedule_loop_open(s, "v", s->lane_rows / lanes, LOOP_UNROLLED);
    const Subscript *t = schedule_loop_open(s, "t", lanes, LOOP_VECTOR);
    s->at = schedule_row_further(s, subscript_sum(s->arena, subscript_times(s->arena, v, lanes), t));
    return before;
}

static void lanes_close(Scheduler *s, ScheduleRow before) {
    schedule_close(s);
    schedule_close(s);
    schedule_rows_close(s, before);
}

void schedule_beside(Scheduler *s, const Nest *nest) {
    if (comes_from_rows(s, nest)) {
        const Store *store = &nest->stores[0];
        RowTurn turning = {
            shape_size(nest->space), store->value->dtype, true, value_of_element, store_element, store, nest};
        turn(s, &turning);
        return;
    }
    SpacePoint point = {{NULL}};
    int opened = schedule_axes_open(s, "ijlmnopq", nest->space.extent, nest->space.rank, point.axis);
    ScheduleRow before = lanes_open(s);
    schedule_stores(s, &point);
    lanes_close(s, before);
    while (opened-- > 0) schedule_close(s);
}

/* ---- the other way around ----------------------------------------------------------------------------------- */
typedef struct TurnedCopy {
    Scheduler *s;
    TurnedArrays *turned;
    const bool *packed;
    bool over_rows;
} TurnedCopy;

static const Scalar *load_beside(Scheduler *s, const void *context, const Subscript *element) {
    const Node *node = context;
    return point_load(s, s->array[node->id], NULL, schedule_place(s, node, element));
}

static void store_apart(Scheduler *s, const void *context, const Subscript *element, const Scalar *value) {
    const Node *node = context;
    const Subscript *row = subscript_times(s->arena, s->at.in_block, shape_size(node->shape));
    schedule_store(s, s->turned[node->id], NULL, subscript_sum(s->arena, element, row), value);
}

static const Scalar *value_in_layout(Scheduler *s, const void *context, int i, const SpacePoint *point) {
    const Node *node = context;
    (void)i;
    return point_load(s, s->array[node->id], NULL, schedule_place_of(s, node, point, false));
}

static void store_row_major(Scheduler *s, const void *context, int i, const SpacePoint *point, const Scalar *value) {
    const Node *node = context;
    (void)i;
    store_apart(s, node, point_linear(s, point, node->shape), value);
}

/* Channels are innermost: the same in row-major order. */
static void copy_row_major(Scheduler *s, const Node *node) {
    SquareValues v = {.side = s->numbers.square_bytes / (int64_t)dtype_bytes(node->dtype),
                      .stored = shape_last_axis(node->shape),
                      .read = s->layout[node->id]->innermost,
                      .space = node->shape,
                      .count = 1,
                      .cheap = true,
                      .value = value_in_layout,
                      .store = store_row_major,
                      .context = node};
    ScheduleRow before = schedule_rows_open(s, NULL, s->padded_rows, 1, s->pad);
    schedule_squares(s, &v);
    schedule_rows_close(s, before);
}

static void copy(Scheduler *s, const Node *node) {
    int64_t elements = shape_size(node->shape);
    s->turned[node->id] = tree_array(s->tree, ARRAY_WORK, 0, node->dtype, elements * s->padded_rows, "turned");
    schedule_nest_open(s, node);
    if (s->beside[node->id]) {
        RowTurn turning = {elements, node->dtype, false, load_beside, store_apart, node, NULL};
        turn(s, &turning);
    } else {
        copy_row_major(s, node);
    }
    schedule_close(s);
}

/* Squares have two sides. */
static bool lies_otherwise(const Scheduler *s, const Node *node) {
    if (s->array[node->id] == NULL) return false;
    const ArrayLayout *layout = s->layout[node->id];
    return s->beside[node->id] || (layout != NULL && s->numbers.square_bytes > (int64_t)dtype_bytes(node->dtype) &&
                                   node->dtype != DTYPE_BOOL && layout->innermost != shape_last_axis(node->shape));
}

static void visit_turned(void *context, const Read *read) {
    TurnedCopy *c = context;
    Scheduler *s = c->s;
    const Node *node = read->node;
    if (!node_is_stored(s->f, node) || !lies_otherwise(s, node)) return;
    if (read->operand >= 0 && c->packed != NULL && c->packed[read->operand]) return;
    if (c->over_rows ? s->layout[node->id] != NULL : s->beside[node->id] || read->operand < 0) return;
    if (s->turned[node->id] == NULL) copy(s, node);
    vector_push(s->arena, &c->turned->nodes, node);
    vector_push(s->arena, &c->turned->before, s->array[node->id]);
    vector_push(s->arena, &c->turned->layouts, s->layout[node->id]);
    s->array[node->id] = s->turned[node->id];
    s->layout[node->id] = NULL;
    s->beside[node->id] = 0;
}

void schedule_forget_copies(Scheduler *s) {
    for (uint32_t n = 0; n < s->f->nodes; n++) s->turned[n] = NULL;
    s->packs.count = 0;
}

TurnedArrays schedule_turned(Scheduler *s, const Nest *nest, const bool packed[2]) {
    TurnedArrays turned = {0};
    bool over_rows = nest->kind == NEST_SCATTER || nest->reduce->attr.contraction->over_rows;
    TurnedCopy turning = {s, &turned, packed, over_rows};
    nest_reads(s->f, nest, visit_turned, &turning);
    return turned;
}

void schedule_turn_back(Scheduler *s, const TurnedArrays *turned) {
    for (int i = 0; i < turned->nodes.count; i++) {
        uint32_t id = turned->nodes.items[i]->id;
        s->array[id] = turned->before.items[i];
        s->layout[id] = turned->layouts.items[i];
        s->beside[id] = s->layout[id] == NULL;
    }
}
