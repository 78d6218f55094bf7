/* point: the value of a graph node at a point of an index space, as LETs of the open body; what is not
 * stored is computed where it is used.
 *
 * What a body has computed is known in it and in the bodies inside, so an expression that several stores share is
 * computed once. Elements are addressed by their place on each axis or by their row-major place: reshapes cost nothing
 * in the second form, windows and permutations nothing in the first.
 */
#include "ir/loops/schedules/schedule.h"

/* ---- leaves ------------------------------------------------------------------------------------------------- */
static Array *known_array(Scheduler *s, Array **known, ArrayMemory memory, int index, DType dtype, int64_t elements,
                          const char *name) {
    if (*known == NULL) *known = tree_array(s->tree, memory, index, dtype, elements, name);
    return *known;
}

const Array *schedule_cell(Scheduler *s, int index) {
    const Cell *cell = &s->tree->run->cells[index];
    return known_array(s, &s->cell[index], ARRAY_CELL, index, cell->dtype, shape_size(cell->shape), cell->name);
}

/* The caller's row at the place where the loop over rows is. */
static const Subscript *row_of_data(Scheduler *s) { return s->at.data != NULL ? s->at.data : schedule_data_row(s); }

const Array *schedule_column(Scheduler *s, const Node *column) {
    while (s->column.count <= column->attr.index) vector_push(s->arena, &s->column, NULL);
    return known_array(s, &s->column.items[column->attr.index], ARRAY_COLUMN, (int)column->attr.index, column->dtype,
                       shape_size(column->shape), column->name ? column->name : "column");
}

static const Scalar *load_column(Scheduler *s, const Node *node, const Subscript *linear) {
    return point_load(s, schedule_column(s, node), row_of_data(s), linear);
}

static const Scalar *load_slot(Scheduler *s, const Node *node) {
    const Slot *slot = &s->tree->run->slots[node->attr.index];
    Array *array = known_array(s, &s->slot[node->attr.index], ARRAY_SLOT, (int)node->attr.index, slot->dtype, 1,
                               slot->name);
    return point_cast(s, point_load(s, array, NULL, subscript_number(s->arena, 0)), node->dtype);
}

static const Scalar *real_of(Scheduler *s, DType dtype, const Scalar *integer) {
    Scalar *x = tree_scalar(s->tree, SCALAR_REAL, dtype);
    x->source[0] = integer;
    return schedule_let(s, x);
}

static const Scalar *header_counter(Scheduler *s, DType dtype, HeaderCounter which) {
    return real_of(s, dtype, point_of_subscript(s, SCALAR_COUNTED, DTYPE_I32, NULL, which));
}

static const Scalar *value_of_counter(Scheduler *s, const Node *node) {
    if (node->attr.counter >= COUNTER_SET)
        return header_counter(s, node->dtype, HEADER_SET + (node->attr.counter - COUNTER_SET));
    const Scalar *step = header_counter(s, node->dtype,
                                        node->attr.counter == COUNTER_EPOCH ? HEADER_EPOCH : HEADER_STEP);
    if (node->attr.counter != COUNTER_PROGRESS) return step;
    return point_op(s, OP_DIV, node->dtype, step, header_counter(s, node->dtype, HEADER_PLANNED), NULL);
}

static const Scalar *reciprocal_of_rows(Scheduler *s, DType dtype) {
    const Scalar *rows = schedule_let(s, tree_scalar(s->tree, SCALAR_ROWS, DTYPE_I32));
    return point_op(s, OP_DIV, dtype, point_const(s, dtype, 1), real_of(s, dtype, rows), NULL);
}

static const Scalar *value_of_draw(Scheduler *s, const Node *node, const Subscript *linear) {
    Scalar *x = tree_scalar(s->tree, SCALAR_DRAW, node->dtype);
    x->random = &node->attr.random;
    x->at = linear;
    if (node->rows != 0)
        x->row = node->attr.random.key == RANDOM_DATA
                     ? row_of_data(s)
                     : subscript_of_scalar(s->arena,
                                           point_of_subscript(s, SCALAR_PLACE, DTYPE_I32, schedule_row(s), 0));
    return schedule_let(s, x);
}

/* One rule per op row whose emission is FLAT. */
typedef const Scalar *FlatRule(Scheduler *s, const Node *node, const Subscript *linear);
#define UNUSED __attribute__((unused))
#define FLAT(NAME) \
    static const Scalar *value_##NAME(Scheduler *s, const Node *node UNUSED, const Subscript *linear UNUSED)
FLAT(CONST) { return point_const(s, node->dtype, node->attr.value); }
FLAT(COLUMN) { return load_column(s, node, linear); }
FLAT(CELL) { return point_load(s, schedule_cell(s, (int)node->attr.index), NULL, linear); }
FLAT(SLOT) { return load_slot(s, node); }
FLAT(COUNTER) { return value_of_counter(s, node); }
FLAT(ROWS_RECIPROCAL) { return reciprocal_of_rows(s, node->dtype); }
FLAT(PLACE) { return point_number(s, schedule_row(s)); }
FLAT(RANDOM) { return value_of_draw(s, node, linear); }

/* ---- what is known already ---------------------------------------------------------------------------------- */
static bool same_point(const Node *node, bool flat, const SpacePoint *a, const SpacePoint *b) {
    int axes = flat ? 1 : node->shape.rank;
    for (int i = 0; i < axes; i++)
        if (!subscript_equal(a->axis[i], b->axis[i])) return false;
    return true;
}

static const Scalar *known_value(const Scheduler *s, const Node *node, const SpacePoint *point, bool flat) {
    for (int i = s->known.count; i-- > 0;) {
        const KnownValue *k = &s->known.items[i];
        if (k->node == node && k->flat == flat && same_point(node, flat, &k->point, point)) return k->scalar;
    }
    return NULL;
}

/* ---- values ------------------------------------------------------------------------------------------------- */
static bool nest_makes(const Nest *nest, const Node *node) {
    for (int i = 0; i < nest->store_count; i++)
        if (nest->stores[i].node == node && store_provides(&nest->stores[i])) return true;
    return false;
}

static bool is_loaded(const Scheduler *s, const Node *node) {
    return node_is_stored(s->f, node) && s->array[node->id] != NULL && !nest_makes(s->nest, node);
}

/* Is the value computed from its place on each axis, not from its row-major place? */
static bool needs_axes(const Scheduler *s, const Node *node) {
    if (is_loaded(s, node) || op_class(node->op) == OP_CLASS_REDUCE) return false;
    if (op_emission(node->op) == EMISSION_PLACES) return true;
    for (int i = 0; i < node->sources; i++)
        if (needs_axes(s, node->source[i])) return true;
    return false;
}

static const Scalar *value_of(Scheduler *s, Node *node, const SpacePoint *point, bool flat);

/* The chosen row of a table; +0 where there is none. */
/* One rule per op row whose emission is PLACES. */
typedef const Scalar *PlacesRule(Scheduler *s, Node *node, const SpacePoint *point);
#define PLACES(NAME) static const Scalar *value_##NAME(Scheduler *s, Node *node, const SpacePoint *point)
PLACES(IOTA) { return point_number(s, point->axis[node->attr.index]); }

PLACES(GATHER) {
    Node *table = node->source[0], *index = node->source[1];
    int shared = (int)node->attr.index, chosen = index->shape.rank - shared;
    const Subscript *i = point_integer(s, value_at_point(s, index, point));
    const Scalar *inside = point_inside(s, i, table->shape.extent[shared]);
    SpacePoint t = point_in_table(point, table->shape.rank, shared, chosen, point_within(s, inside, i));
    return point_op(s, OP_WHERE, node->dtype, inside, value_at_point(s, table, &t), point_const(s, node->dtype, 0));
}

/* A scatter-add of at most one term a target (scatters_one): its chain is from +0, where it has one. */
PLACES(SCATTER_ADD) {
    int shared = (int)node->attr.index;
    const Subscript *i = point_integer(s, value_at_point(s, node->source[1], point));
    const Scalar *chosen = point_equal(s, i, point->axis[shared]), *zero = point_const(s, node->dtype, 0);
    SpacePoint t = {{NULL}};
    for (int a = 0; a < node->shape.rank; a++)
        if (a != shared) t.axis[a < shared ? a : a - 1] = point->axis[a];
    const Scalar *x = value_at_point(s, node->source[0], &t);
    const Scalar *y = node->sources > 2 ? value_at_point(s, node->source[2], &t) : NULL;
    return point_op(s, OP_WHERE, node->dtype, chosen, point_add(s, node->dtype, zero, x, y), zero);
}

PLACES(VIEW) {
    const Scalar *ok = NULL;
    SpacePoint at = point_through(s, &node->attr.contraction->access[0], point, node->shape.extent, node->shape.rank,
                                  node->source[0]->shape, &ok);
    const Scalar *v = value_at_point(s, node->source[0], &at);
    return ok == NULL ? v : point_op(s, OP_WHERE, node->dtype, ok, v, point_const(s, node->dtype, 0));
}

static const Scalar *value_of_reshape(Scheduler *s, Node *node, const SpacePoint *point) {
    Node *source = node->source[0];
    if (!needs_axes(s, source)) return value_at_place(s, source, point_linear(s, point, node->shape));
    SpacePoint at = point_reshaped(s, point, node->shape, source->shape);
    return value_at_point(s, source, &at);
}

const Subscript *schedule_element(const Scheduler *s, const ScanLoop *scan, int64_t size) {
    for (int i = 0; i < s->scans.count; i++)
        if (s->scans.items[i].scan == scan) return subscript_times(s->arena, s->scans.items[i].element, size);
    INTERNAL_ERROR("an element of a scan that is not open");
}

/* In an array that the scan is given or carries, or at the element at hand of such a one. */
static const Scalar *value_of_scan(Scheduler *s, Node *node, const Subscript *linear) {
    if (node->op == OP_CARRIED) return point_load(s, s->array[node->id], NULL, schedule_place(s, node, linear));
    const Subscript *begin = schedule_element(s, node->attr.scan, shape_size(node->shape));
    return value_at_place(s, node->source[0], subscript_sum(s->arena, begin, linear));
}

static const Scalar *value_of_element(Scheduler *s, Node *node, const SpacePoint *point, bool flat) {
    const Scalar *x[3] = {NULL};
    for (int i = 0; i < node->sources; i++) x[i] = value_of(s, node->source[i], point, flat);
    if (node->op == OP_STOP_GRADIENT || (node->op == OP_CAST && x[0]->dtype == node->dtype)) return x[0];
    const Scalar *quotient = node->op == OP_DIV ? schedule_quotient(s, node, x[0]) : NULL;
    if (quotient != NULL) return quotient;
    Scalar *y = tree_scalar(s->tree, SCALAR_OP, node->dtype);
    y->op = node->op;
    y->n = op_attribute(node->op) == ATTRIBUTE_NUMBER ? node->attr.index : 0;
    y->node = node;
    for (int i = 0; i < node->sources; i++) y->source[i] = x[i];
    return schedule_let(s, y);
}

typedef struct PointRule {
    FlatRule *flat;
    PlacesRule *places;
} PointRule;
static const PointRule point_rules[OP_COUNT] = {
#define RULE_FLAT(NAME) .flat = value_##NAME
#define RULE_PLACES(NAME) .places = value_##NAME
#define RULE_VALUES(NAME) .flat = NULL
#define RULE_SAME(NAME) .flat = NULL
#define RULE_LOOPS(NAME) .flat = NULL
#define RULE_SCAN(NAME) .flat = NULL
#define RULE_ABSENT(NAME) .flat = NULL
#define OP(NAME, text, arity, class, cost, attribute, emission, ...) [OP_##NAME] = {RULE_##emission(NAME)},
#include "ir/ops.def"
#undef OP
};

/* point: its first axis is the row-major place where `flat`. */
static const Scalar *compute(Scheduler *s, Node *node, const SpacePoint *point, bool flat) {
    switch (op_emission(node->op)) {
    case EMISSION_FLAT:
        return point_rules[node->op].flat(s, node, flat ? point->axis[0] : point_linear(s, point, node->shape));
    case EMISSION_PLACES: {
        SpacePoint places = {{NULL}};
        if (!views_one(node)) places = flat ? point_of_linear(s, point->axis[0], node->shape) : *point;
        return point_rules[node->op].places(s, node, &places);
    }
    case EMISSION_VALUES: return value_of_element(s, node, point, flat);
    case EMISSION_SAME:
        return flat ? value_at_place(s, node->source[0], point->axis[0]) : value_of_reshape(s, node, point);
    case EMISSION_SCAN: return value_of_scan(s, node, flat ? point->axis[0] : point_linear(s, point, node->shape));
    case EMISSION_LOOPS:
    case EMISSION_ABSENT: break;
    }
    INTERNAL_ERROR("a value of %s is asked for that no loop has made", op_text(node->op));
}

static const Scalar *value_of(Scheduler *s, Node *node, const SpacePoint *point, bool flat) {
    if (s->reduced != NULL && node == s->nest->reduce) return s->reduced; /* epilogues read it nowhere else */
    if (s->largest != NULL && node == s->nest->largest) return s->largest;
    const Scalar *v = known_value(s, node, point, flat);
    if (v != NULL) return v;
    if (is_loaded(s, node))
        v = point_load(s, s->array[node->id], NULL, schedule_place_of(s, node, point, flat));
    else
        v = compute(s, node, point, flat);
    KnownValue known = {node, flat, *point, v};
    vector_push(s->arena, &s->known, known);
    return v;
}

const Scalar *value_at_point(Scheduler *s, Node *node, const SpacePoint *point) {
    return value_of(s, node, point, false);
}

const Scalar *value_at_place(Scheduler *s, Node *node, const Subscript *linear) {
    SpacePoint point = {{linear}};
    return value_of(s, node, &point, true);
}
