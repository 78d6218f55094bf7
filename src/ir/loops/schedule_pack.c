/* schedule_pack: an operand of a kernel in the order in which its tiles read it.
 *
 *   packed[panel][the source's other axes][lane] = source[.., lanes * panel + lane, ..]
 *
 * A panel has as many places of one axis as a tile has lanes, so that what a tile reads for one term is side by side,
 * and what it reads for the next term comes next. The last panel is filled with 0.
 */
#include "ir/affine.h"
#include "ir/loops/schedule_reduction.h"

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

static const Subscript *place_in_panel(Scheduler *s, const Pack *pack, const Node *source, const SpacePoint *at,
                                       const Subscript *panel, const Subscript *lane) {
    int64_t stride = pack->lanes, size = panel_size(pack, source);
    const Subscript *place = subscript_sum(s->arena, subscript_times(s->arena, panel, size), lane);
    for (int a = source->shape.rank; a-- > 0;) {
        if (a == pack->axis || source->shape.extent[a] == 1) continue;
        place = subscript_sum(s->arena, place, subscript_times(s->arena, at->axis[a], stride));
        stride *= source->shape.extent[a];
    }
    if (source->rows == 0) return place;
    return subscript_sum(s->arena, place, subscript_times(s->arena, s->at.in_block, size * panels_of(pack, source)));
}

const Scalar *pack_value(Scheduler *s, const Reduction *r, int operand, const SpacePoint *at) {
    const Pack *pack = &r->pack[operand];
    return point_load(s, pack->array, NULL, place_in_panel(s, pack, r->node->source[operand], at, r->panel, r->lane));
}

/* Lanes of a panel from `first` on, filled, or from the source at the point. */
static void fill_panel(Scheduler *s, const Pack *pack, Node *source, SpacePoint *at, const Subscript *panel,
                       int64_t first, int64_t count, bool filled) {
    const Subscript *t = schedule_loop_open(s, "t", count, LOOP_SERIAL);
    t = subscript_sum(s->arena, t, subscript_number(s->arena, first));
    at->axis[pack->axis] = subscript_sum(s->arena, subscript_times(s->arena, panel, pack->lanes), t);
    const Scalar *value = filled ? point_const(s, source->dtype, 0) : value_at_point(s, source, at);
    schedule_store(s, pack->array, NULL, place_in_panel(s, pack, source, at, panel, t), value);
    schedule_close(s);
}

/* A panel, of which `count` lanes are there, for all places of the source's other axes. */
static void pack_panel(Scheduler *s, const Pack *pack, Node *source, const Subscript *panel, int64_t count) {
    SpacePoint at = {{NULL}};
    int opened = 0;
    for (int a = 0; a < source->shape.rank; a++) {
        at.axis[a] = subscript_number(s->arena, 0);
        if (a == pack->axis || source->shape.extent[a] == 1) continue;
        at.axis[a] = schedule_loop_open(s, "k", source->shape.extent[a], LOOP_SERIAL);
        opened++;
    }
    fill_panel(s, pack, source, &at, panel, 0, count, false);
    if (count < pack->lanes) fill_panel(s, pack, source, &at, panel, count, pack->lanes - count, true);
    while (opened-- > 0) schedule_close(s);
}

void pack_operand(Scheduler *s, Reduction *r, int operand, int axis, int64_t lanes) {
    Node *source = r->node->source[operand];
    Pack *pack = &r->pack[operand];
    *pack = (Pack){.axis = packed_axis(s, r, operand, axis), .lanes = lanes};
    int64_t whole = r->extent[axis] / lanes, rest = r->extent[axis] % lanes;
    int64_t elements = panels_of(pack, source) * panel_size(pack, source);
    pack->array = tree_array(s->tree, ARRAY_WORK, 0, source->dtype, elements * (source->rows != 0 ? s->padded_rows : 1),
                             "packed");
    ScheduleRow before = s->at;
    schedule_nest_open(s, source);
    if (source->rows != 0) schedule_rows_open(s, NULL, s->padded_rows, 1, s->pad);
    if (whole > 0) {
        pack_panel(s, pack, source, schedule_loop_open(s, "panel", whole, LOOP_SERIAL), lanes);
        schedule_close(s);
    }
    if (rest > 0) pack_panel(s, pack, source, subscript_number(s->arena, whole), rest);
    if (source->rows != 0) schedule_rows_close(s, before);
    schedule_close(s);
}
