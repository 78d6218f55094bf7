/* tile: one tile of a kernel: its chains start, terms join them, and the stores of the nest find the sums. */
#include "ir/loops/code_limits.h"
#include "ir/loops/schedules/kernel.h"

/* ---- terms that are absent ---------------------------------------------------------------------------------- */
bool kernel_guarded_along(const Kernel *k, int axis) {
    for (int o = 0; o < k->r.node->sources; o++)
        for (int a = 0; a < k->r.c->access[o].rank; a++) {
            const AxisMap *map = &k->r.c->access[o].axis[a];
            Access one = {.rank = 1, .axis = {*map}};
            Shape extent = {.rank = 1, .extent = {k->r.node->source[o]->shape.extent[a]}};
            if (!access_is_inside(&one, k->r.extent, k->r.axes, extent) && (axis < 0 || map->coef[axis] != 0))
                return true;
        }
    return false;
}

/* Opens a condition, that the term at the point is there. */
static void guard_open(Scheduler *s, Kernel *k) {
    const Scalar *ok = NULL;
    for (int o = 0; o < k->r.node->sources; o++)
        point_through(s, &k->r.c->access[o], &k->r.point, k->r.extent, k->r.axes, k->r.node->source[o]->shape, &ok);
    schedule_if_open(s, ok);
}

/* ---- one tile ----------------------------------------------------------------------------------------------- */
static TileLoops unrolled_open(Scheduler *s, Kernel *k, const KernelTile *tile, LoopMark mark) {
    int64_t seconds = tile->seconds > 0 ? tile->seconds : 1;
    const Subscript *w = schedule_loop_open(s, "w", seconds, mark), *u = schedule_loop_open(s, "u", tile->places, mark);
    TileLoops loops = {.before = s->at};
    loops.unrolled = subscript_sum(s->arena, subscript_times(s->arena, w, tile->places), u);
    if (tile->seconds > 0) k->r.point.axis[k->second_axis] = subscript_sum(s->arena, tile->second, w);
    if (k->unrolled_axis == AXIS_ROW)
        s->at = schedule_row_further(s, u);
    else if (k->unrolled_axis != AXIS_NONE)
        k->r.point.axis[k->unrolled_axis] = subscript_sum(s->arena, tile->unrolled, u);
    return loops;
}

static void lanes_open(Scheduler *s, Kernel *k, const KernelTile *tile, int64_t count, TileLoops *loops) {
    int64_t vector = count % k->vector == 0 ? k->vector : count;
    const Subscript *t = schedule_lanes_open(s, count, vector);
    if (k->lanes_axis >= 0) k->r.point.axis[k->lanes_axis] = subscript_sum(s->arena, tile->lane, t);
    if (k->lanes_axis == AXIS_ROW) s->at = schedule_row_further(s, t);
    if (k->squares) k->r.panels[0].place = k->r.panels[1].place = t;
    if (k->blocks != NULL) {
        k->r.panels[k->blocks->lane_operand].place = t;
        k->r.panels[1 - k->blocks->lane_operand].place = loops->unrolled;
    }
    loops->chain = subscript_sum(s->arena, subscript_times(s->arena, loops->unrolled, tile->width), t);
    if (tile->kept == NULL) return;
    const Subscript *unrolled = subscript_times(s->arena, loops->unrolled, tile->apart);
    loops->kept = subscript_sum(s->arena, tile->kept, subscript_sum(s->arena, unrolled, t));
}

int64_t kernel_chains(const KernelTile *tile) {
    return tile->places * tile->width * (tile->seconds > 0 ? tile->seconds : 1);
}

TileLoops kernel_tile_open(Scheduler *s, Kernel *k, const KernelTile *tile) {
    TileLoops loops = unrolled_open(s, k, tile, LOOP_UNROLLED);
    lanes_open(s, k, tile, tile->width, &loops);
    return loops;
}

void kernel_tile_close(Scheduler *s, TileLoops loops) {
    for (int i = 0; i < 4; i++) schedule_close(s);
    s->at = loops.before;
}

void kernel_start_tile(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains) {
    TileLoops loops = kernel_tile_open(s, k, tile);
    ChainValue start = chains_start(s, &k->r);
    chains_store(s, chains, loops.chain, &start);
    kernel_tile_close(s, loops);
}

/* The condition stands around as many of the tile's chains as it is the same for. */
void kernel_one_term(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains) {
    bool of_each = k->guarded && k->unrolled_axis >= 0 && kernel_guarded_along(k, k->unrolled_axis);
    of_each |= k->guarded && tile->seconds > 0 && kernel_guarded_along(k, k->second_axis);
    if (tile->seconds > 0) k->r.point.axis[k->second_axis] = tile->second;
    if (k->unrolled_axis >= 0) k->r.point.axis[k->unrolled_axis] = tile->unrolled;
    if (k->lanes_axis >= 0) k->r.point.axis[k->lanes_axis] = tile->lane;
    if (k->guarded && !of_each) guard_open(s, k);
    TileLoops loops = unrolled_open(s, k, tile, LOOP_UNROLLED);
    if (of_each) guard_open(s, k);
    lanes_open(s, k, tile, tile->width, &loops);
    chains_one_term(s, &k->r, chains, loops.chain, NULL);
    kernel_tile_close(s, loops);
    if (k->guarded) schedule_close(s);
}

/* ---- sums that go on from block to block ---------------------------------------------------------------------- */
/* Its chain in memory; the point is there. */
static TileLoops open_chains_open(Scheduler *s, Kernel *k, const KernelTile *tile, const Subscript **at) {
    TileLoops loops = unrolled_open(s, k, tile, LOOP_UNROLLED);
    lanes_open(s, k, tile, tile->count, &loops);
    *at = point_linear(s, &k->r.point, k->r.node->shape);
    return loops;
}

void kernel_resume_tile(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains) {
    ChainArrays open = open_chains(s, &k->r);
    const Subscript *at;
    if (tile->count < tile->width) kernel_start_tile(s, k, tile, chains);
    TileLoops loops = open_chains_open(s, k, tile, &at);
    ChainValue before = chains_load(s, &open, at);
    chains_store(s, chains, loops.chain, &before);
    kernel_tile_close(s, loops);
}

void kernel_leave_tile(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains) {
    ChainArrays open = open_chains(s, &k->r);
    const Subscript *at, *begin = subscript_of_loop(s->arena, s->block);
    TileLoops loops = open_chains_open(s, k, tile, &at);
    ChainValue after = chains_load(s, chains, loops.chain);
    chains_continue(s, &open, at, &after, subscript_times(s->arena, begin, k->r.terms), 1);
    kernel_tile_close(s, loops);
}

/* Otherwise each lane is loaded and stored alone, in as much code as there are lanes. */
static bool stores_lie_along_lanes(const Scheduler *s, const Kernel *k) {
    int beside = place_innermost(s, s->nest);
    if (k->lanes_axis == AXIS_NONE) return true;
    if (k->lanes_axis == AXIS_ROW) return stores_rows_innermost(s, s->nest);
    return k->lanes_axis == (beside >= 0 ? beside : shape_last_axis(s->nest->space));
}

bool kernel_has_cheap_stores(const Scheduler *s) { return s->nest->cost <= CHEAP_STORES; }

/* Rows past the mini-batch have sums, and the caller no room for them. Opened: true. */
static bool if_row_is_told(Scheduler *s) {
    bool told = s->at.past && nest_leaves_rows(s->nest);
    if (told) schedule_if_open(s, point_in_batch(s, s->at.row));
    return told;
}

/* What is in registers is named; what the stores of the nest find is an array that loops can walk through. */
void kernel_finish_tile(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains) {
    ChainArrays sums = *chains;
    if (kernel_chains(tile) > 1 && tile->kept == NULL) {
        sums = chains_registers(s, &k->r, kernel_chains(tile));
        TileLoops loops = kernel_tile_open(s, k, tile);
        ChainValue sum = chains_load(s, chains, loops.chain);
        chains_store(s, &sums, loops.chain, &sum);
        kernel_tile_close(s, loops);
    }
    bool repeated = kernel_has_cheap_stores(s) && stores_lie_along_lanes(s, k);
    TileLoops loops = unrolled_open(s, k, tile, repeated ? LOOP_UNROLLED : LOOP_SERIAL);
    bool told = if_row_is_told(s);
    lanes_open(s, k, tile, tile->count, &loops);
    ChainValue sum = chains_load(s, &sums, loops.kept != NULL ? loops.kept : loops.chain);
    SpacePoint at = kernel_result_point(s, k);
    schedule_sum(s, &at, sum.v[k->r.width - 1], sum.v[0]);
    kernel_tile_close(s, loops);
    if (told) schedule_close(s);
}

/* ---- its width */
/* Panels are whole, so a tile may be; what else moves along the lanes ends, and so do the chains that strips keep in
 * memory, even where no operand moves along the lanes. */
bool kernel_is_filled(const Kernel *k) {
    if (k->strip.lines > 0) return false;
    for (int o = 0; o < k->r.node->sources; o++)
        if (k->lanes_axis >= 0 && k->operand[o].moves[k->lanes_axis] && k->r.pack[o].array == NULL) return false;
    return true;
}

/* Of what is left: whole vectors, then vectors of half the width, and so on; a panel is filled. */
int64_t kernel_next_width(const Kernel *k, int64_t rest, bool filled) {
    int64_t width = k->vector;
    if (filled) return rounded_up(rest, width);
    if (rest >= width) return rest / width * width;
    while (width > rest) width /= 2;
    return width;
}
