/* pack: an operand of a kernel in the order in which its tiles read it.
 *
 *   packed[panel][the source's other axes][lane] = source[.., lanes * panel + lane, ..]
 *
 * A panel has as many places of one axis as a tile has lanes, so that what a tile reads for one term is side by side,
 * and what it reads for the next term comes next: the other axes are in the order of the terms. The last panel is filled
 * with 0. Where neighbours lie along another axis than the panel's, squares of registers are transposed on the way, for
 * back ends that do that well.
 */
#include "ir/affine.h"
#include "ir/loops/schedules/reduction.h"

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

/* Loops over the source's axes but the panel's, over so many places of the axis `along` (-1: none). */
static int other_axes_open(Scheduler *s, const Pack *pack, const Node *source, int along, int64_t places,
                           SpacePoint *at) {
    int64_t extent[MOST_RANK];
    for (int a = 0; a < source->shape.rank; a++)
        extent[a] = a == pack->axis ? 1 : a == along ? places : source->shape.extent[a];
    return schedule_terms_open(s, extent, source->shape.rank, at->axis);
}

/* Lanes from `first` on, for all places of the source's other axes, of the axis `along` those from `begin` to `end`. */
static void pack_lanes(Scheduler *s, const Pack *pack, Node *source, const Subscript *panel, int64_t first,
                       int64_t count, bool filled, int along, int64_t begin, int64_t end) {
    SpacePoint at = {{NULL}};
    if (count <= 0 || (along >= 0 && begin >= end)) return;
    int opened = other_axes_open(s, pack, source, along, end - begin, &at);
    if (along >= 0) at.axis[along] = subscript_sum(s->arena, at.axis[along], subscript_number(s->arena, begin));
    fill_panel(s, pack, source, &at, panel, first, count, filled);
    schedule_close_all(s, opened);
}

/* ---- in squares --------------------------------------------------------------------------------------------- */
/* The source axis whose neighbours are beside each other, if squares along it and along the panel's are worth it; -1. */
static int axis_of_squares(const Scheduler *s, const Pack *pack, const Node *source, int64_t count) {
    int64_t square = schedule_square_side(s, source->dtype);
    int last = shape_last_axis(source->shape);
    return square > 1 && last >= 0 && last != pack->axis && source->shape.extent[last] >= square && count >= square
               ? last
               : -1;
}

/* One: `square` lanes of the panel from `first` on, by as many places of the source's axis `along`, at the point. */
static void pack_square(Scheduler *s, const Pack *pack, Node *source, SpacePoint *at, const Subscript *panel,
                        const Subscript *first, int along, int64_t square) {
    const Subscript *begin = at->axis[along];
    Array *tile = schedule_registers(s, source->dtype, square * square, "square");
    Square q = schedule_square_open(s, square, LOOP_UNROLLED);
    const Subscript *lane = subscript_sum(s->arena, first, q.u);
    at->axis[pack->axis] = subscript_sum(s->arena, subscript_times(s->arena, panel, pack->lanes), lane);
    at->axis[along] = subscript_sum(s->arena, begin, q.t);
    schedule_store(s, tile, NULL, q.place, value_at_point(s, source, at));
    schedule_square_transpose(s, &q, &tile, 1);
    at->axis[along] = subscript_sum(s->arena, begin, q.u);
    lane = subscript_sum(s->arena, first, q.t);
    schedule_store(s, pack->array, NULL, place_in_panel(s, pack, source, at, panel, lane),
                   point_load(s, tile, NULL, q.place));
    schedule_square_close(s);
}

static void pack_squares(Scheduler *s, const Pack *pack, Node *source, const Subscript *panel, int64_t lanes, int along,
                         int64_t square) {
    SpacePoint at = {{NULL}};
    const Subscript *first = schedule_loop_open(s, "tile", lanes / square, LOOP_SERIAL);
    int opened = other_axes_open(s, pack, source, along, source->shape.extent[along] / square, &at);
    at.axis[along] = subscript_times(s->arena, at.axis[along], square);
    pack_square(s, pack, source, &at, panel, subscript_times(s->arena, first, square), along, square);
    schedule_close_all(s, opened + 1);
}

/* Rows are beside each other: `square` lanes of the panel from `first` on by as many rows, of the lanes so many are there. */
static void pack_square_of_rows(Scheduler *s, const Pack *pack, Node *source, SpacePoint *at, const Subscript *panel,
                                int64_t first, int64_t there, int64_t square) {
    ScheduleRow before = s->at;
    Array *tile = schedule_registers(s, source->dtype, square * square, "square");
    for (int64_t begin = 0, end = there; begin < square; begin = end, end = square) {
        const Subscript *u = schedule_loop_open(s, "u", end - begin, LOOP_UNROLLED);
        const Subscript *t = schedule_loop_open(s, "t", square, LOOP_VECTOR);
        u = subscript_sum(s->arena, u, subscript_number(s->arena, begin));
        const Subscript *lane = subscript_sum(s->arena, subscript_number(s->arena, first), u);
        at->axis[pack->axis] = subscript_sum(s->arena, subscript_times(s->arena, panel, pack->lanes), lane);
        s->at = schedule_row_further(s, t);
        const Scalar *value = begin < there ? value_at_point(s, source, at) : point_const(s, source->dtype, 0);
        schedule_store(s, tile, NULL, subscript_sum(s->arena, subscript_times(s->arena, u, square), t), value);
        schedule_square_close(s);
        s->at = before;
    }
    schedule_transpose(s, tile, square);
    Square q = schedule_square_open(s, square, LOOP_UNROLLED);
    s->at = schedule_row_further(s, q.u);
    const Subscript *lane = subscript_sum(s->arena, q.t, subscript_number(s->arena, first));
    schedule_store(s, pack->array, NULL, place_in_panel(s, pack, source, at, panel, lane),
                   point_load(s, tile, NULL, q.place));
    schedule_square_close(s);
    s->at = before;
}

static int64_t square_of_rows(const Scheduler *s, const Pack *pack, const Node *source) {
    int64_t square = schedule_square_side(s, source->dtype);
    return source->rows == 0 || !s->has_rows_innermost[source->id] || square <= 1 ? 1
           : square < pack->lanes                                                 ? square
                                                                                  : pack->lanes;
}

static void pack_panel_of_rows(Scheduler *s, const Pack *pack, Node *source, const Subscript *panel, int64_t count) {
    SpacePoint at = {{NULL}};
    int64_t square = square_of_rows(s, pack, source);
    int opened = other_axes_open(s, pack, source, -1, 0, &at);
    for (int64_t first = 0; first < pack->lanes; first += square) {
        int64_t there = count < first ? 0 : count - first < square ? count - first : square;
        pack_square_of_rows(s, pack, source, &at, panel, first, there, square);
    }
    schedule_close_all(s, opened);
}

/* A panel, of which `count` lanes are there. */
static void pack_panel(Scheduler *s, const Pack *pack, Node *source, const Subscript *panel, int64_t count) {
    int along = axis_of_squares(s, pack, source, count);
    int64_t lanes = 0;
    if (square_of_rows(s, pack, source) > 1) {
        pack_panel_of_rows(s, pack, source, panel, count);
        return;
    }
    if (along >= 0) {
        int64_t square = schedule_square_side(s, source->dtype);
        int64_t extent = source->shape.extent[along];
        lanes = count / square * square;
        pack_squares(s, pack, source, panel, lanes, along, square);
        pack_lanes(s, pack, source, panel, 0, lanes, false, along, extent / square * square, extent);
    }
    pack_lanes(s, pack, source, panel, lanes, count - lanes, false, -1, 0, 0);
    pack_lanes(s, pack, source, panel, count, pack->lanes - count, true, -1, 0, 0);
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
    if (source->rows != 0) schedule_rows_open(s, NULL, s->padded_rows, square_of_rows(s, pack, source), s->pad);
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
