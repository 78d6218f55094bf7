/* panels: an operand of a block for the caches, in the order in which the tiles read it.
 *
 *   packed[panel][term of the block][place] = the operand there
 *
 * A panel is what a tile reads: so many places along the lanes, or along the unrolled axis. What it reads for one term is
 * side by side, and what it reads for the next term comes next. Lanes that are not there are filled with 0. The operand is
 * evaluated here, whatever it is.
 */
#include "ir/loops/schedules/kernel.h"

bool kernel_moves_along(const Kernel *k, int operand, int axis) {
    if (axis == AXIS_NONE) return false;
    return axis == AXIS_ROW ? k->operand[operand].rows : k->operand[operand].moves[axis];
}

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

/* The point is at the places of the terms' axes in the block, and r.term is that term. */
static void go_to_term(Scheduler *s, Kernel *k, const KernelBlock *b, const Subscript *const *place) {
    k->r.term = subscript_number(s->arena, 0);
    if (k->r.c->over_rows) k->r.term = subscript_times(s->arena, s->at.in_loop, term_stride(k, b, k->r.result - 1));
    for (int a = k->r.result; a < k->r.axes; a++) {
        const Subscript *at = place[a - k->r.result];
        k->r.term = subscript_sum(s->arena, k->r.term, subscript_times(s->arena, at, term_stride(k, b, a)));
        k->r.point.axis[a] = a == k->blocks->cut ? subscript_sum(s->arena, b->first, at) : at;
    }
}

/* Of a sum over rows: a loop over those of the block. */
static TermLoops rows_of_terms_open(Scheduler *s, const Kernel *k, const KernelBlock *b) {
    TermLoops loops = {.before = s->at, .opened = k->r.c->over_rows};
    if (k->r.c->over_rows) schedule_rows_open(s, b->rows, b->rows != NULL ? b->most_rows : s->block_rows, 1, 1);
    return loops;
}

TermLoops terms_open(Scheduler *s, Kernel *k, const KernelBlock *b) {
    TermLoops loops = rows_of_terms_open(s, k, b);
    const Subscript *place[MOST_AXES];
    for (int a = k->r.result; a < k->r.axes; a++, loops.opened++)
        place[a - k->r.result] = schedule_loop_open(s, "k", places_in_block(k, b, a), LOOP_SERIAL);
    go_to_term(s, k, b, place);
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
    Kernel *k;
    const KernelBlock *block;
    int operand, axis;
    const Subscript *first; /* place along the axis */
    const Subscript *begin; /* in the array */
    Panels *panels;
} OpenPanel;

/* The first axis of the point is the panel's, the others are those of the terms. */
static const Scalar *value_in_operand(Scheduler *s, const void *context, int i, const SpacePoint *point) {
    const OpenPanel *p = context;
    (void)i;
    go_to_term(s, p->k, p->block, point->axis + 1);
    if (p->axis != AXIS_ROW) p->k->r.point.axis[p->axis] = subscript_sum(s->arena, p->first, point->axis[0]);
    return reduction_operand(s, &p->k->r, p->operand);
}

static void store_in_panel(Scheduler *s, const void *context, int i, const SpacePoint *point, const Scalar *value) {
    const OpenPanel *p = context;
    (void)i;
    go_to_term(s, p->k, p->block, point->axis + 1);
    const Subscript *at = subscript_times(s->arena, p->k->r.term, p->panels->places);
    at = subscript_sum(s->arena, p->begin, subscript_sum(s->arena, at, point->axis[0]));
    schedule_store(s, p->panels->array, NULL, at, value);
}

/* The axis of the terms whose neighbours are beside each other, if squares along it are worth it; -1. */
static int axis_of_squares(const Scheduler *s, const OpenPanel *p) {
    const Kernel *k = p->k;
    const OperandMoves *moves = &k->operand[p->operand];
    int64_t square = schedule_square_side(s, k->r.dtype);
    if (square <= 1 || p->panels->places < square || (p->axis != AXIS_ROW && !moves->uneven[p->axis])) return -1;
    for (int a = k->r.result; a < k->r.axes; a++)
        if (moves->moves[a] && !moves->uneven[a] && places_in_block(k, p->block, a) >= square)
            return 1 + a - k->r.result;
    return -1;
}

/* Of its places, `count` are there. */
static void pack_panel(Scheduler *s, const OpenPanel *p, int64_t count) {
    const Kernel *k = p->k;
    Move m = {.axes = 1 + k->r.axes - k->r.result,
              .stored = 0,
              .read = axis_of_squares(s, p),
              .rows = p->axis == AXIS_ROW ? 0 : -1,
              .extent = {count},
              .filled = p->panels->places,
              .side = schedule_square_side(s, k->r.dtype),
              .vector = k->vector,
              .count = 1,
              .dtype = k->r.dtype,
              .value = value_in_operand,
              .store = store_in_panel,
              .context = p};
    for (int a = k->r.result; a < k->r.axes; a++) m.extent[1 + a - k->r.result] = places_in_block(k, p->block, a);
    TermLoops rows = rows_of_terms_open(s, k, p->block);
    schedule_move(s, &m);
    terms_close(s, rows);
}

/* ---- all panels ----------------------------------------------------------------------------------------------- */
static void pack_panels(Scheduler *s, OpenPanel *p, int64_t panels, int64_t count) {
    const Subscript *first = p->first, *begin = p->begin;
    PanelLoop panel = panel_loop_open(s, p->axis, panels, p->panels->places);
    p->first = subscript_sum(s->arena, first, panel.first);
    p->begin = subscript_sum(s->arena, begin, subscript_times(s->arena, panel.first, p->panels->terms));
    pack_panel(s, p, count);
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
    OpenPanel p = {.k = k,
                   .block = b,
                   .operand = operand,
                   .axis = lanes ? k->lanes_axis : k->unrolled_axis,
                   .first = lanes ? b->lane : b->unrolled,
                   .begin = subscript_number(s->arena, 0),
                   .panels = to};
    bool outer = is_all(k, b, operand) && schedule_outer_open(s, k->r.node->source[operand]);
    schedule_nest_open(s, k->r.node->source[operand]);
    if (panels > 0) pack_panels(s, &p, panels, lanes ? b->count : places);
    if (rest > 0) {
        to->places = rest;
        p.first = subscript_sum(s->arena, b->unrolled, subscript_number(s->arena, panels * places));
        p.begin = subscript_number(s->arena, panels * places * to->terms);
        pack_panels(s, &p, 1, rest);
    }
    schedule_close(s);
    if (outer) schedule_close(s);
}
