/* panels: an operand of a block for the caches, in the order in which the tiles read it.
 *
 *   packed[panel][term of the block][place] = the operand there
 *
 * A panel is what a tile reads: so many places along the lanes, or along the unrolled axis. What it reads for one term is
 * side by side, and what it reads for the next term comes next. Lanes that are not there are filled with 0. Where
 * neighbours in memory are terms, squares of registers are transposed on the way, for back ends that do that well. The
 * operand is evaluated here, whatever it is.
 */
#include "ir/loops/schedules/kernel.h"

/* How often each element of the operand is read. */
double kernel_uses(const Scheduler *s, const Kernel *k, int operand) {
    const Node *source = k->r.node->source[operand];
    double rows = (double)s->block_rows, all = (double)k->r.outputs * (double)k->r.terms;
    if (k->rows || k->r.c->over_rows) all *= rows;
    return all / ((double)shape_size(source->shape) * (source->rows != 0 ? rows : 1));
}

/* ---- the terms of a block ------------------------------------------------------------------------------------- */
static int64_t places_in_block(const Kernel *k, const KernelBlock *b, int axis) {
    return axis == k->blocks->cut ? b->places : k->r.extent[axis];
}

static int64_t terms_of_block(const Scheduler *s, const Kernel *k, const KernelBlock *b) {
    int64_t terms = !k->r.c->over_rows ? 1 : b->rows != NULL ? b->most_rows : s->block_rows;
    for (int a = k->r.result; a < k->r.axes; a++) terms *= places_in_block(k, b, a);
    return terms;
}

static int64_t term_stride(const Kernel *k, const KernelBlock *b, int axis) {
    int64_t stride = 1;
    for (int a = k->r.axes - 1; a > axis; a--) stride *= places_in_block(k, b, a);
    return stride;
}

TermLoops terms_open(Scheduler *s, Kernel *k, const KernelBlock *b, TermRange range) {
    TermLoops loops = {.before = s->at};
    k->r.term = subscript_number(s->arena, 0);
    if (k->r.c->over_rows) {
        schedule_rows_open(s, b->rows, b->rows != NULL ? b->most_rows : s->block_rows, 1, 1);
        k->r.term = subscript_times(s->arena, s->at.in_loop, term_stride(k, b, k->r.result - 1));
        loops.opened++;
    }
    for (int a = k->r.result; a < k->r.axes; a++) {
        int64_t count = a == range.axis ? range.count / range.step : places_in_block(k, b, a);
        const Subscript *at = schedule_loop_open(s, "k", count, LOOP_SERIAL);
        loops.opened++;
        if (a == range.axis) {
            at = subscript_times(s->arena, at, range.step);
            at = subscript_sum(s->arena, at, subscript_number(s->arena, range.begin));
        }
        k->r.term = subscript_sum(s->arena, k->r.term, subscript_times(s->arena, at, term_stride(k, b, a)));
        k->r.point.axis[a] = a == k->blocks->cut ? subscript_sum(s->arena, b->first, at) : at;
    }
    return loops;
}

void terms_close(Scheduler *s, TermLoops loops) {
    while (loops.opened-- > 0) schedule_close(s);
    s->at = loops.before;
}

PanelLoop panel_loop_open(Scheduler *s, int axis, int64_t panels, int64_t lanes) {
    PanelLoop loop = {.before = s->at};
    if (axis == AXIS_ROW) {
        schedule_rows_open(s, NULL, s->padded_rows, lanes, s->pad);
        loop.first = s->at.in_block;
    } else {
        loop.first = subscript_times(s->arena, schedule_loop_open(s, "panel", panels, LOOP_SERIAL), lanes);
    }
    return loop;
}

void panel_loop_close(Scheduler *s, PanelLoop loop) { schedule_rows_close(s, loop.before); }

/* ---- a panel -------------------------------------------------------------------------------------------------- */
typedef struct OpenPanel {
    const KernelBlock *block;
    int operand, axis;
    const Subscript *first; /* place along the axis */
    ScheduleRow row;        /* where the axis is that of the rows: the first one */
    const Subscript *begin; /* in the array */
    Panels *panels;
} OpenPanel;

/* The point is so many places further than the panel's first one. */
static void panel_goes_to(Scheduler *s, Kernel *k, const OpenPanel *p, const Subscript *place) {
    if (p->axis == AXIS_ROW) {
        s->at = p->row;
        s->at = schedule_row_further(s, place);
    } else {
        k->r.point.axis[p->axis] = subscript_sum(s->arena, p->first, place);
    }
}

static const Subscript *place_in_panel(Scheduler *s, const OpenPanel *p, const Subscript *term, const Subscript *t) {
    const Subscript *at = subscript_times(s->arena, term, p->panels->places);
    return subscript_sum(s->arena, p->begin, subscript_sum(s->arena, at, t));
}

/* Places from `first` on, of the terms in the range; filled: with 0. */
static void pack_places(Scheduler *s, Kernel *k, const OpenPanel *p, TermRange range, int64_t first, int64_t count,
                        bool filled) {
    if (count <= 0 || range.count <= 0) return;
    TermLoops loops = terms_open(s, k, p->block, range);
    int64_t vector = count % k->vector == 0 ? k->vector : count;
    const Subscript *v = schedule_loop_open(s, "v", count / vector, LOOP_UNROLLED);
    const Subscript *t = schedule_loop_open(s, "t", vector, LOOP_VECTOR);
    t = subscript_sum(s->arena, t, subscript_times(s->arena, v, vector));
    t = subscript_sum(s->arena, t, subscript_number(s->arena, first));
    panel_goes_to(s, k, p, t);
    const Scalar *value = filled ? point_const(s, k->r.dtype, 0) : reduction_operand(s, &k->r, p->operand);
    schedule_store(s, p->panels->array, NULL, place_in_panel(s, p, k->r.term, t), value);
    schedule_close(s);
    schedule_close(s);
    terms_close(s, loops);
}

/* ---- in squares ----------------------------------------------------------------------------------------------- */
/* The axis of the terms whose neighbours are beside each other, if squares along it are worth it; -1. */
static int axis_of_squares(const Scheduler *s, const Kernel *k, const OpenPanel *p, int64_t count) {
    const OperandMoves *moves = &k->operand[p->operand];
    int64_t square = schedule_square_side(s, k->r.dtype);
    if (square <= 1 || count < square || (p->axis != AXIS_ROW && !moves->uneven[p->axis])) return -1;
    for (int a = k->r.result; a < k->r.axes; a++)
        if (moves->moves[a] && !moves->uneven[a] && places_in_block(k, p->block, a) >= square) return a;
    return -1;
}

/* `square` places by as many terms along the axis, at the point. */
static void pack_square(Scheduler *s, Kernel *k, const OpenPanel *p, int along, int64_t square,
                        const Subscript *first) {
    const Subscript *begin = k->r.point.axis[along];
    int64_t stride = term_stride(k, p->block, along);
    Array *tile = schedule_registers(s, k->r.dtype, square * square, "square");
    Square q = schedule_square_open(s, square, LOOP_UNROLLED);
    panel_goes_to(s, k, p, subscript_sum(s->arena, first, q.u));
    k->r.point.axis[along] = subscript_sum(s->arena, begin, q.t);
    schedule_store(s, tile, NULL, q.place, reduction_operand(s, &k->r, p->operand));
    schedule_square_transpose(s, &q, &tile, 1);
    const Subscript *term = subscript_sum(s->arena, k->r.term, subscript_times(s->arena, q.u, stride));
    first = subscript_sum(s->arena, first, q.t);
    schedule_store(s, p->panels->array, NULL, place_in_panel(s, p, term, first), point_load(s, tile, NULL, q.place));
    schedule_square_close(s);
}

static void pack_squares(Scheduler *s, Kernel *k, const OpenPanel *p, int along, int64_t count) {
    int64_t square = schedule_square_side(s, k->r.dtype);
    int64_t places = count / square * square, all = places_in_block(k, p->block, along), whole = all / square * square;
    const Subscript *tile = schedule_loop_open(s, "tile", places / square, LOOP_SERIAL);
    TermLoops loops = terms_open(s, k, p->block, (TermRange){along, 0, whole, square});
    pack_square(s, k, p, along, square, subscript_times(s->arena, tile, square));
    terms_close(s, loops);
    schedule_close(s);
    pack_places(s, k, p, (TermRange){along, whole, all - whole, 1}, 0, places, false);
    pack_places(s, k, p, (TermRange){AXIS_NONE, 0, 1, 1}, places, count - places, false);
}

/* Of `places`, `count` are there. */
static void pack_panel(Scheduler *s, Kernel *k, const OpenPanel *p, int64_t count) {
    static const TermRange all = {AXIS_NONE, 0, 1, 1};
    int along = axis_of_squares(s, k, p, count);
    if (along >= 0)
        pack_squares(s, k, p, along, count);
    else
        pack_places(s, k, p, all, 0, count, false);
    pack_places(s, k, p, all, count, p->panels->places - count, true);
}

/* ---- all panels ----------------------------------------------------------------------------------------------- */
static void pack_panels(Scheduler *s, Kernel *k, OpenPanel *p, int64_t panels, int64_t count) {
    const Subscript *first = p->first, *begin = p->begin;
    PanelLoop panel = panel_loop_open(s, p->axis, panels, p->panels->places);
    p->first = subscript_sum(s->arena, first, panel.first);
    p->row = s->at;
    p->begin = subscript_sum(s->arena, begin, subscript_times(s->arena, panel.first, p->panels->terms));
    pack_panel(s, k, p, count);
    panel_loop_close(s, panel);
}

/* The block has all of the operand, or all of it along the lanes but what is no whole tile. */
static bool is_all(const Kernel *k, const KernelBlock *b, int operand) {
    const Subscript *first = operand == k->blocks->lane_operand ? b->lane : b->unrolled;
    return k->blocks->cut == AXIS_NONE && first->count == 0;
}

void panels_fill(Scheduler *s, Kernel *k, const KernelBlock *b, int operand) {
    bool lanes = operand == k->blocks->lane_operand;
    int64_t places = lanes ? b->width : k->unrolled, panels = lanes ? b->panels : b->tiles, rest = lanes ? 0 : b->rest;
    Panels *to = &k->r.panels[operand];
    *to = (Panels){.places = places, .terms = terms_of_block(s, k, b)};
    to->array = tree_array(s->tree, ARRAY_WORK, 0, k->r.dtype, (panels * places + rest) * to->terms, "packed");
    OpenPanel p = {.block = b,
                   .operand = operand,
                   .axis = lanes ? k->lanes_axis : k->unrolled_axis,
                   .first = lanes ? b->lane : b->unrolled,
                   .begin = subscript_number(s->arena, 0),
                   .panels = to};
    bool outer = is_all(k, b, operand) && schedule_outer_open(s, k->r.node->source[operand]);
    schedule_nest_open(s, k->r.node->source[operand]);
    if (panels > 0) pack_panels(s, k, &p, panels, lanes ? b->count : places);
    if (rest > 0) {
        to->places = rest;
        p.first = subscript_sum(s->arena, b->unrolled, subscript_number(s->arena, panels * places));
        p.begin = subscript_number(s->arena, panels * places * to->terms);
        pack_panels(s, k, &p, 1, rest);
    }
    schedule_close(s);
    if (outer) schedule_close(s);
}
