/* pack: an operand of a kernel in the order in which its tiles read it.
 *
 *   packed[panel][the source's other axes][lane] = source[.., lanes * panel + lane, ..]
 *
 * A panel has as many places of one axis as a tile has lanes, so that what a tile reads for one term is side by side,
 * and what it reads for the next term comes next: the other axes are in the order of the terms. The last panel is filled
 * with 0.
 */
#include "ir/affine.h"
#include "ir/loops/schedules/reduction.h"
#include <string.h>

/* The source axis that moves with the result's, alone; -1: there is none. */
static int packed_axis(const Scheduler *s, const Reduction *r, int operand, int axis) {
    const Node *source = r->node->source[operand];
    const Access *access = &r->c->access[operand];
    bool memory = source->op == OP_CELL || (node_is_stored(s->f, source) && s->array[source->id] != NULL);
    int found = -1;
    if (!memory || source->dtype != r->dtype || !access_is_inside(access, r->extent, r->axes, source->shape)) return -1;
    for (int a = 0; a < access->rank; a++) {
        if (access->axis[a].coef[axis] == 0) continue;
        if (found >= 0 || !axis_map_is_index(&access->axis[a], axis)) return -1;
        found = a;
    }
    return found >= 0 && source->shape.extent[found] == r->extent[axis] ? found : -1;
}

bool pack_is_possible(const Scheduler *s, const Reduction *r, int operand, int axis) {
    return packed_axis(s, r, operand, axis) >= 0;
}

/* Elements of a panel. */
static int64_t panel_size(const Pack *pack, const Node *source) {
    return shape_size(source->shape) / source->shape.extent[pack->axis] * pack->lanes;
}

static int64_t panels_of(const Pack *pack, const Node *source) {
    return (source->shape.extent[pack->axis] + pack->lanes - 1) / pack->lanes;
}

/* Of the element at this point of the source. */
static const Subscript *place_in_panel(Scheduler *s, const Pack *pack, const Node *source, const SpacePoint *at) {
    int64_t stride = pack->lanes, size = panel_size(pack, source);
    const Subscript *panel = point_quotient(s, at->axis[pack->axis], pack->lanes),
                    *lane = point_remainder(s, at->axis[pack->axis], pack->lanes);
    const Subscript *place = subscript_sum(s->arena, subscript_times(s->arena, panel, size), lane);
    for (int i = 0; i < source->shape.rank; i++) {
        int a = pack->order[i];
        if (a == pack->axis || source->shape.extent[a] == 1) continue;
        place = subscript_sum(s->arena, place, subscript_times(s->arena, at->axis[a], stride));
        stride *= source->shape.extent[a];
    }
    if (source->rows == 0) return place;
    return subscript_sum(s->arena, place, subscript_times(s->arena, s->at.in_block, size * panels_of(pack, source)));
}

const Scalar *pack_value(Scheduler *s, const Reduction *r, int operand, const SpacePoint *at) {
    const Pack *pack = &r->pack[operand];
    return point_load(s, pack->array, NULL, place_in_panel(s, pack, r->node->source[operand], at));
}

/* ---- a panel -------------------------------------------------------------------------------------------------- */
typedef struct PanelOfSource {
    const Pack *pack;
    Node *source;
    const Subscript *first; /* place along the panel's axis */
} PanelOfSource;

/* The point's axes are the source's, along the panel's the lane. */
static SpacePoint point_of_source(Scheduler *s, const PanelOfSource *p, const SpacePoint *point) {
    SpacePoint at = *point;
    at.axis[p->pack->axis] = subscript_sum(s->arena, p->first, at.axis[p->pack->axis]);
    return at;
}

static const Scalar *value_in_source(Scheduler *s, const void *context, int i, const SpacePoint *point) {
    const PanelOfSource *p = context;
    SpacePoint at = point_of_source(s, p, point);
    (void)i;
    return value_at_point(s, p->source, &at);
}

static void store_in_panel(Scheduler *s, const void *context, int i, const SpacePoint *point, const Scalar *value) {
    const PanelOfSource *p = context;
    SpacePoint at = point_of_source(s, p, point);
    (void)i;
    schedule_store(s, p->pack->array, NULL, place_in_panel(s, p->pack, p->source, &at), value);
}

/* Rows that are beside each other are packed as many at a time as a square has lines; otherwise one by one. */
static int64_t rows_at_once(const Scheduler *s, const Pack *pack, const Node *source) {
    int64_t side = schedule_square_side(s, source->dtype);
    if (source->rows == 0 || !s->has_rows_innermost[source->id] || side <= 1) return 1;
    return side < pack->lanes ? side : pack->lanes;
}

/* Of its lanes, `count` are there. Rows are the axis after those of the source. */
static void pack_panel(Scheduler *s, const Pack *pack, Node *source, const Subscript *number, int64_t count) {
    PanelOfSource p = {pack, source, subscript_times(s->arena, number, pack->lanes)};
    int rank = source->shape.rank, last = shape_last_axis(source->shape);
    int64_t rows = rows_at_once(s, pack, source);
    Move m = {.axes = rank,
              .stored = pack->axis,
              .read = last == pack->axis ? -1 : last,
              .rows = -1,
              .filled = pack->lanes,
              .side = schedule_square_side(s, source->dtype),
              .count = 1,
              .dtype = source->dtype,
              .value = value_in_source,
              .store = store_in_panel,
              .context = &p};
    memcpy(m.extent, source->shape.extent, sizeof source->shape.extent);
    m.extent[pack->axis] = count;
    if (rows > 1) {
        m.extent[rank] = m.side = rows;
        m.read = m.rows = rank;
        m.axes = rank + 1;
    }
    schedule_move(s, &m);
}

/* As the terms move along them: what the innermost reduced index moves is innermost. */
static void order_axes(Pack *pack, const Reduction *r, int operand) {
    const Access *access = &r->c->access[operand];
    bool placed[MOST_RANK] = {false};
    int count = 0;
    for (int k = r->axes; k-- > 0;)
        for (int a = access->rank; a-- > 0;)
            if ((k == 0 || access->axis[a].coef[k] != 0) && !placed[a]) {
                placed[a] = true;
                pack->order[count++] = a;
            }
}

bool pack_is_known(const Scheduler *s, const Node *source) {
    for (int i = 0; i < s->packs.count; i++)
        if (s->packs.items[i].source == source) return true;
    return false;
}

/* The array of another nest that has packed it so; NULL. */
static Array *known_pack(const Scheduler *s, const Node *source, const Pack *pack) {
    for (int i = 0; i < s->packs.count; i++) {
        const Pack *known = &s->packs.items[i].pack;
        bool same = s->packs.items[i].source == source && known->axis == pack->axis && known->lanes == pack->lanes;
        for (int a = 0; a < source->shape.rank; a++) same = same && known->order[a] == pack->order[a];
        if (same) return known->array;
    }
    return NULL;
}

void pack_operand(Scheduler *s, Reduction *r, int operand, int axis, int64_t lanes) {
    Node *source = r->node->source[operand];
    Pack *pack = &r->pack[operand];
    *pack = (Pack){.axis = packed_axis(s, r, operand, axis), .lanes = lanes};
    order_axes(pack, r, operand);
    pack->array = known_pack(s, source, pack);
    if (pack->array != NULL) return;
    int64_t whole = r->extent[axis] / lanes, rest = r->extent[axis] % lanes;
    int64_t elements = panels_of(pack, source) * panel_size(pack, source);
    pack->array = tree_array(s->tree, ARRAY_WORK, 0, source->dtype, elements * (source->rows != 0 ? s->padded_rows : 1),
                             "packed");
    ScheduleRow before = s->at;
    bool outer = schedule_outer_open(s, source);
    schedule_nest_open(s, source);
    if (source->rows != 0) schedule_rows_open(s, NULL, s->padded_rows, rows_at_once(s, pack, source), s->pad);
    if (whole > 0) {
        pack_panel(s, pack, source, schedule_loop_open(s, "panel", whole, LOOP_SERIAL), lanes);
        schedule_close(s);
    }
    if (rest > 0) pack_panel(s, pack, source, subscript_number(s->arena, whole), rest);
    if (source->rows != 0) schedule_rows_close(s, before);
    schedule_close(s);
    if (outer) schedule_close(s);
    if (source->rows != 0 && s->f->parts == NULL) vector_push(s->arena, &s->packs, ((KnownPack){source, *pack}));
}
