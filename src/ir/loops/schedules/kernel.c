/* kernel: a reduction as tiles of chains in registers.
 *
 *   for the axes that no tile is along, for tiles along the lanes, for tiles along the unrolled axis
 *     for u, unrolled, for t, lanes: chain[u, t] = start
 *     for the terms                                            the rows of a sum over rows first
 *       for u, unrolled, for t, lanes: chain[u, t] = step(chain[u, t], term at u and t)
 *     for u, for t: the stores of the nest, which find the sum
 *
 * The lanes are an axis of the result along which no operand moves by more than one element. The unrolled axis, which may
 * be the row, is one along which the operand of the lanes does not move: what is loaded once serves all u. Where rows lie
 * beside each other in memory, they are the lanes. Where there is no such axis for the lanes, an operand that is read often is
 * packed first: [panel][its other axes][lane], in a nest of its own, and panels past the axis' end are filled with 0. Which one,
 * weights with outputs as lanes or a mini-batch with rows as lanes, depends on how many vectors that makes, and on which of the
 * two is less to pack.
 */
#include "ir/loops/schedules/kernel.h"
#include <math.h>

/* ---- how operands move -------------------------------------------------------------------------------------- */
typedef struct OperandVisit {
    const Scheduler *s;
    Kernel *k;
} OperandVisit;

static void visit_operand(void *context, const Read *read) {
    const OperandVisit *visit = context;
    Kernel *k = visit->k;
    if (read->operand < 0) return;
    OperandMoves *m = &k->operand[read->operand];
    bool guarded = kernel_guarded_along(k, -1); /* by its own access, not by a view that the operand is of */
    m->rows |= read->node->rows != 0;
    m->rows_apart |= read->node->rows != 0 &&
                     !(node_is_stored(visit->s->f, read->node) && visit->s->has_rows_innermost[read->node->id]);
    for (int a = 0; a < k->r.axes; a++) {
        int64_t step = place_step(visit->s, read->node, read->linear.coef[a]);
        m->moves[a] |= step != 0;
        m->uneven[a] |= step != 0 && (step != 1 || (read->guarded && (!guarded || kernel_guarded_along(k, a))));
    }
}

static bool has_lanes_along(const Kernel *k, int axis) {
    bool some = false;
    for (int o = 0; o < k->r.node->sources; o++) {
        if (k->operand[o].uneven[axis]) return false;
        some |= k->operand[o].moves[axis];
    }
    return some;
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* Where a function has one row, the least memory is wanted, or steps are of one row. */
static bool is_row_after_row(const Scheduler *s) {
    return s->block_rows == 1 && (!s->f->one_block || s->numbers.square_bytes == 0);
}

/* Can what moves unevenly be packed, and is it used in more products than packing takes? */
static bool packs_for(const Scheduler *s, const Kernel *k, int axis) {
    if (is_row_after_row(s)) return false;
    for (int o = 0; o < k->r.node->sources; o++)
        if (k->operand[o].uneven[axis] && (!pack_is_possible(s, &k->r, o, axis) ||
                                           (kernel_uses(s, k, o) < machine_packing(&s->numbers.machine, k->lanes) &&
                                            !pack_is_known(s, k->r.node->source[o]))))
            return false;
    return true;
}

/* ---- which axes --------------------------------------------------------------------------------------------- */
/* Tiles for each place of the axis. */
static double tiles_per_place(const Kernel *k, int axis) {
    int64_t extent = k->r.extent[axis];
    return (double)((extent + k->lanes - 1) / k->lanes) / (double)extent;
}

static bool rows_are_lanes(const Scheduler *s, const Kernel *k) {
    bool apart = !s->rows_innermost || !k->rows;
    for (int o = 0; o < k->r.node->sources; o++) apart |= k->operand[o].rows_apart;
    return !apart;
}

/* The operand with rows, if all of its rows' terms can be packed with rows side by side, in squares; -1. */
static int packed_rows(const Scheduler *s, const Kernel *k) {
    int last = k->r.axes - 1, found = k->operand[0].rows ? 0 : 1, longer = 0;
    const OperandMoves *rows = &k->operand[found], *other = &k->operand[1 - found];
    bool squares = s->numbers.square_bytes > 0 && s->lane_rows % k->lanes == 0 && s->pad % s->lane_rows == 0;
    if (!squares || !k->rows || !kernel_is_product(s, k) || k->reads_window || other->rows || !rows->rows_apart)
        return -1;
    while (last > k->r.result && k->r.extent[last] == 1) last--;
    for (int a = 0; a < k->r.result; a++) {
        if (rows->moves[a]) return -1;
        longer += k->r.extent[a] > 1;
    }
    return longer == 1 && k->r.extent[last] >= k->lanes && rows->moves[last] && !rows->uneven[last] ? found : -1;
}

/* Vectors that are computed for each output of a row; what it takes to pack their operand, and to store them apart, is added as
 * vectors. */
static double vectors_of_rows(const Scheduler *s, const Kernel *k, int operand) {
    const Machine *m = &s->numbers.machine;
    double packing = machine_packing(m, k->lanes), scattering = machine_scattering(m, k->lanes);
    double storing = kernel_fills_squares(s, k) ? packing : scattering;
    double shared = 1 + packing / kernel_uses(s, k, operand) + storing / (double)k->r.terms;
    return (double)s->padded_rows / (double)s->block_rows * shared / (double)k->lanes;
}

static double vectors_of_outputs(const Scheduler *s, const Kernel *k, int axis, bool packed) {
    const Machine *m = &s->numbers.machine;
    double shared = 1,
           packing = k->r.extent[axis] < k->lanes ? machine_packing_alone(m, k->lanes) : machine_packing(m, k->lanes);
    for (int o = 0; packed && o < k->r.node->sources; o++)
        if (k->operand[o].moves[axis]) shared += packing / kernel_uses(s, k, o);
    return tiles_per_place(k, axis) * shared;
}

static bool rows_are_better(const Scheduler *s, const Kernel *k, int axis) {
    int operand = packed_rows(s, k);
    if (operand < 0 || axis < 0) return false;
    bool even = has_lanes_along(k, axis);
    if (!even && !packs_for(s, k, axis)) return false;
    return vectors_of_rows(s, k, operand) < vectors_of_outputs(s, k, axis, !even);
}

static bool may_have_lanes(const Scheduler *s, const Kernel *k, int axis) {
    if (axis == AXIS_ROW) return packed_rows(s, k) >= 0;
    return k->r.extent[axis] > 1 &&
           (has_lanes_along(k, axis) || packs_for(s, k, axis) || kernel_finds_squares(s, k, axis));
}

static int best_lanes(const Scheduler *s, const Kernel *k) {
    const Machine *m = &s->numbers.machine;
    int best = AXIS_NONE, any = AXIS_NONE;
    double least = INFINITY;
    int beside = place_innermost(s, s->nest); /* -1: in row-major order */
    for (int a = k->r.result; a-- > 0;) {
        if (k->r.extent[a] == 1) continue;
        if (any < 0 || k->r.extent[a] > k->r.extent[any]) any = a;
        bool even = has_lanes_along(k, a);
        bool packed = !even && packs_for(s, k, a);
        if (!even && !packed && !kernel_finds_squares(s, k, a)) continue;
        double tiles = vectors_of_outputs(s, k, a, packed);
        if (!even && !packed) tiles *= 1 + machine_packing(m, k->lanes);
        if (beside >= 0 && a != beside) tiles *= 1 + machine_scattering(m, k->lanes) / (double)k->r.terms;
        if (tiles < least) {
            best = a;
            least = tiles;
        }
    }
    if (rows_are_better(s, k, best)) return AXIS_ROW;
    return best >= 0 ? best : any;
}

/* One of the axes that may be it. */
typedef bool MayBeAxis(const Scheduler *s, const Kernel *k, int axis);
static int choose_axis(const Scheduler *s, const Kernel *k, KernelNumber which, int computed, MayBeAxis *may) {
    int possible[MOST_AXES + 1], count = 0, at = -1;
    for (int a = AXIS_ROW; a < k->r.result; a++) {
        if (!may(s, k, a)) continue;
        if (a == computed) at = count;
        possible[count++] = a;
    }
    return at < 0 ? computed : possible[kernel_number(k, which, at + 1, 1, count) - 1];
}

static int choose_lanes(const Scheduler *s, const Kernel *k) {
    if (rows_are_lanes(s, k)) return AXIS_ROW;
    return choose_axis(s, k, KERNEL_LANES_AXIS, best_lanes(s, k), may_have_lanes);
}

/* Does nothing that moves with the lanes move along the axis? */
static bool shares_lanes(const Kernel *k, int axis) {
    for (int o = 0; o < k->r.node->sources; o++)
        if (kernel_moves_along(k, o, k->lanes_axis) && kernel_moves_along(k, o, axis)) return false;
    return true;
}

static int64_t extent_of(const Scheduler *s, const Kernel *k, int axis) {
    return axis == AXIS_ROW ? s->block_rows : k->r.extent[axis];
}

/* One that shares what the lanes load, then the longest. */
static bool is_better(const Scheduler *s, const Kernel *k, int axis, int than) {
    bool shares = shares_lanes(k, axis);
    if (than == AXIS_NONE || shares != shares_lanes(k, than)) return than == AXIS_NONE || shares;
    return extent_of(s, k, axis) > extent_of(s, k, than);
}

static bool may_be_unrolled(const Scheduler *s, const Kernel *k, int axis) {
    return (k->rows || axis != AXIS_ROW) && axis != k->lanes_axis && extent_of(s, k, axis) > 1;
}

static int choose_unrolled(const Scheduler *s, const Kernel *k) {
    int best = AXIS_NONE;
    for (int a = k->r.result - 1; a >= AXIS_ROW; a--)
        if (may_be_unrolled(s, k, a) && is_better(s, k, a, best)) best = a;
    return choose_axis(s, k, KERNEL_UNROLLED_AXIS, best, may_be_unrolled);
}

/* Of so many vectors, tiles have equally many, at most `most`. */
static int64_t vectors_of_tile(int64_t vectors, int64_t most) {
    for (int64_t tile = most; tile > 1; tile--)
        if (vectors % tile == 0 && vectors > 0) return tile;
    return vectors < most ? 1 : most;
}

static int64_t most_vectors_of_tile(const Scheduler *s, const Kernel *k) {
    if (k->unrolled_axis == AXIS_NONE) return s->numbers.unrolled;
    if (k->unrolled_axis != AXIS_ROW) return s->numbers.vectors;
    return smaller(s->numbers.vectors, s->numbers.chains / s->tile_rows); /* tiles of all kernels have as many rows */
}

static int64_t most_unrolled(const Scheduler *s, const Kernel *k) {
    int64_t most = s->numbers.chains * k->vector / (k->lanes * k->r.width);
    return k->reads_window || k->lanes_axis == AXIS_ROW ? most : smaller(most, s->numbers.unrolled);
}

static int64_t choose_places(const Scheduler *s, const Kernel *k) {
    int64_t extent = k->r.extent[k->unrolled_axis], computed = schedule_tile(extent, most_unrolled(s, k));
    int64_t registers = s->numbers.chains * k->vector / (k->lanes * k->r.width);
    return kernel_number(k, KERNEL_UNROLLED, computed, 1, smaller(extent, registers));
}

static void count_unrolled(const Scheduler *s, Kernel *k) {
    if (k->unrolled_axis == AXIS_ROW)
        k->unrolled = s->tile_rows;
    else if (k->unrolled_axis != AXIS_NONE)
        k->unrolled = choose_places(s, k);
}

static void find_guard(Kernel *k) {
    k->guarded = kernel_guarded_along(k, -1) && (k->lanes_axis < 0 || !kernel_guarded_along(k, k->lanes_axis));
    k->r.is_there = k->guarded;
}

/* Where one axis leaves registers free: taps of a gradient of weights, of which one has few. */
static void choose_second(const Scheduler *s, Kernel *k) {
    int64_t most = most_unrolled(s, k) / k->unrolled;
    if (!k->r.c->over_rows || !k->reads_window || k->unrolled_axis < 0 || most < 2) return;
    for (int a = 0; a < k->r.result; a++) {
        if (a == k->lanes_axis || a == k->unrolled_axis || k->r.extent[a] == 1 || !shares_lanes(k, a)) continue;
        if (k->second_axis >= 0 && k->r.extent[a] <= k->r.extent[k->second_axis]) continue;
        k->second_axis = a;
        k->second = schedule_tile(k->r.extent[a], most);
    }
}

/* Sums over rows of several blocks: chains are in registers while a block's terms join, where no chunk ends in a block. */
static bool can_be_carried(const Scheduler *s, const Reduction *r) {
    return s->block != NULL && s->block_rows > 1 && s->numbers.row_lanes > 1 && r->width == 1 &&
           !reads_window(r->node) && r->chunk % s->block_rows == 0;
}

/* ---- the plan --------------------------------------------------------------------------------------------- */
Kernel *schedule_kernel_plan(Scheduler *s, const Nest *nest) {
    if (nest->kind != NEST_REDUCE) return NULL;
    Reduction r = reduction_of(nest->reduce);
    bool carried = r.c->over_rows && !s->f->one_block;
    if (r.lanes > 1 || r.terms == 0 || r.outputs == 0 || (carried && !can_be_carried(s, &r))) return NULL;
    Kernel *k = arena_new_of(s->arena, Kernel);
    *k = (Kernel){.r = r, .unrolled_axis = AXIS_NONE, .second_axis = AXIS_NONE, .unrolled = 1, .second = 1};
    k->rows = nest->rows && !r.c->over_rows && s->block_rows > 1;
    k->reads_window = reads_window(r.node);
    k->lanes = s->numbers.machine.vector_bytes / (int64_t)dtype_bytes(r.dtype);
    k->carried = carried;
    nest_reads(s->f, nest, visit_operand, &(OperandVisit){s, k});
    kernel_numbers_begin(s, k);
    k->lanes_axis = choose_lanes(s, k);
    if (nest_leaves_rows(nest))
        k->lanes_axis = shape_last_axis(nest->space); /* as they were for outputs.c: now more is packed */
    find_guard(k);
    if (k->lanes_axis == AXIS_NONE) k->lanes = 1;
    while (k->lanes_axis >= 0 && k->lanes / 2 >= r.extent[k->lanes_axis]) k->lanes /= 2;
    k->vector = k->lanes;
    k->squares = k->lanes_axis >= 0 && !has_lanes_along(k, k->lanes_axis) && !packs_for(s, k, k->lanes_axis) &&
                 kernel_finds_squares(s, k, k->lanes_axis);
    if (!is_row_after_row(s)) k->unrolled_axis = choose_unrolled(s, k);
    if (k->squares && !shares_lanes(k, k->unrolled_axis)) k->unrolled_axis = AXIS_NONE;
    if (k->lanes_axis == AXIS_ROW) k->lanes = s->lane_rows;
    if (k->lanes_axis >= 0 && !k->squares && !is_row_after_row(s)) { /* chains of a tile do not wait for each other */
        int64_t most = most_vectors_of_tile(s, k), vectors = r.extent[k->lanes_axis] / k->vector;
        k->lanes *= kernel_number(k, KERNEL_VECTORS, vectors_of_tile(vectors, most), 1,
                                  smaller(vectors, s->numbers.chains / (2 * r.width)));
    }
    count_unrolled(s, k);
    if (carried && k->squares) return NULL;
    if (!k->squares && !carried) k->blocks = kernel_blocks_plan(s, k);
    if (!k->squares && k->blocks == NULL) choose_second(s, k);
    return k;
}

static void pack_operands(Scheduler *s, Kernel *k) {
    if (k->lanes_axis < 0 || !packs_for(s, k, k->lanes_axis)) return;
    for (int o = 0; o < k->r.node->sources; o++)
        if (k->operand[o].uneven[k->lanes_axis]) pack_operand(s, &k->r, o, k->lanes_axis, k->lanes);
}

/* ---- one tile ----------------------------------------------------------------------------------------------- */
static void terms_of_tile(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains) {
    if (k->r.terms == 0) return;
    if (k->squares && tile->count == k->vector) {
        kernel_terms_in_squares(s, k, tile, chains);
        return;
    }
    int opened = chains_terms_open(s, &k->r);
    kernel_one_term(s, k, tile, chains);
    schedule_close_all(s, opened);
}

static void terms_of_rows(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains,
                          const Loop *chunk) {
    ScheduleRow before = schedule_rows_open(s, chunk, chunk != NULL ? k->r.chunk : s->block_rows, 1, 1);
    terms_of_tile(s, k, tile, chains);
    schedule_rows_close(s, before);
}

/* Each chunk of rows is summed, and its sums are one chain. */
static void sum_in_chunks(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains,
                          const ChainArrays *total) {
    kernel_start_tile(s, k, tile, total);
    ScheduleRow before = schedule_rows_open(s, NULL, s->block_rows, k->r.chunk, 1);
    const Loop *chunk = schedule_open_loop(s);
    kernel_start_tile(s, k, tile, chains);
    terms_of_rows(s, k, tile, chains, chunk);
    TileLoops loops = kernel_tile_open(s, k, tile);
    chains_add(s, &k->r, total, loops.chain, chains, loops.chain, subscript_of_loop(s->arena, chunk), 1);
    kernel_tile_close(s, loops);
    schedule_rows_close(s, before);
}

static void schedule_tile_of(Scheduler *s, Kernel *k, const KernelTile *tile) {
    if (k->strip.lines > 0) {
        kernel_tile_of_strip(s, k, tile);
        return;
    }
    if (k->chunk_sums.v[0] != NULL && k->chunk == NULL) {
        kernel_add_chunks(s, k, tile);
        return;
    }
    ChainArrays chains = chains_registers(s, &k->r, kernel_chains(tile)), total = chains;
    if (k->r.c->over_rows && k->r.chunk > 0 && k->r.chunk < s->block_rows && k->chunk == NULL) {
        total = chains_registers(s, &k->r, kernel_chains(tile));
        sum_in_chunks(s, k, tile, &chains, &total);
    } else if (k->carried) {
        kernel_resume_tile(s, k, tile, &chains);
        terms_of_rows(s, k, tile, &chains, NULL);
        kernel_leave_tile(s, k, tile, &chains);
        return;
    } else {
        kernel_start_tile(s, k, tile, &chains);
        if (k->r.c->over_rows)
            terms_of_rows(s, k, tile, &chains, k->chunk);
        else
            terms_of_tile(s, k, tile, &chains);
    }
    if (k->chunk != NULL)
        kernel_keep_chunk(s, k, tile, &chains);
    else
        kernel_finish_tile(s, k, tile, &total);
}

/* ---- all tiles ---------------------------------------------------------------------------------------------- */
static void tiles_of_second(Scheduler *s, Kernel *k, KernelTile tile) {
    if (k->second_axis == AXIS_NONE) {
        schedule_tile_of(s, k, &tile);
        return;
    }
    int64_t whole = k->r.extent[k->second_axis] / k->second, rest = k->r.extent[k->second_axis] % k->second;
    tile.second = subscript_times(s->arena, schedule_loop_open(s, "tile", whole, LOOP_SERIAL), k->second);
    tile.seconds = k->second;
    schedule_tile_of(s, k, &tile);
    schedule_close(s);
    tile.second = subscript_number(s->arena, whole * k->second);
    tile.seconds = rest;
    if (rest > 0) schedule_tile_of(s, k, &tile);
}

static void tiles_of_unrolled(Scheduler *s, Kernel *k, KernelTile tile) {
    tile.places = k->unrolled;
    tile.unrolled = subscript_number(s->arena, 0);
    if (k->unrolled_axis == AXIS_NONE) {
        schedule_tile_of(s, k, &tile);
        return;
    }
    if (k->unrolled_axis == AXIS_ROW) {
        ScheduleRow before = schedule_rows_open(s, NULL, s->padded_rows, s->tile_rows, s->pad);
        schedule_tile_of(s, k, &tile);
        schedule_rows_close(s, before);
        return;
    }
    int64_t whole = k->r.extent[k->unrolled_axis] / k->unrolled, rest = k->r.extent[k->unrolled_axis] % k->unrolled;
    const Subscript *at = schedule_loop_open(s, "tile", whole, LOOP_SERIAL);
    tile.unrolled = subscript_times(s->arena, at, k->unrolled);
    tiles_of_second(s, k, tile);
    schedule_close(s);
    tile.unrolled = subscript_number(s->arena, whole * k->unrolled);
    tile.places = rest;
    if (rest > 0) tiles_of_second(s, k, tile);
}

static void tiles_of_lanes(Scheduler *s, Kernel *k) {
    KernelTile tile = {.lane = subscript_number(s->arena, 0), .width = k->lanes, .count = k->lanes};
    if (k->lanes_axis == AXIS_ROW) {
        ScheduleRow before = schedule_rows_open(s, NULL, s->padded_rows, k->lanes, s->pad);
        tiles_of_unrolled(s, k, tile);
        schedule_rows_close(s, before);
        return;
    }
    int64_t extent = k->lanes_axis == AXIS_NONE ? 1 : k->r.extent[k->lanes_axis], done = extent / k->lanes * k->lanes;
    if (done > 0) {
        const Subscript *at = schedule_loop_open(s, "tile", extent / k->lanes, LOOP_SERIAL);
        tile.lane = subscript_times(s->arena, at, k->lanes);
        tiles_of_unrolled(s, k, tile);
        schedule_close(s);
    }
    while (done < extent) {
        int64_t rest = extent - done, width = kernel_next_width(k, rest, kernel_is_filled(k));
        tile = (KernelTile){.lane = subscript_number(s->arena, done), .width = width, .count = smaller(rest, width)};
        tiles_of_unrolled(s, k, tile);
        done += tile.count;
    }
}

static void tiles_of_residue(Scheduler *s, Kernel *k) {
    int64_t others[MOST_AXES];
    for (int a = 0; a < k->r.result; a++) {
        bool tiled = a == k->lanes_axis || a == k->unrolled_axis || a == k->second_axis;
        others[a] = tiled ? 1 : k->r.extent[a];
    }
    int opened = schedule_axes_open(s, others, k->r.result, k->r.point.axis);
    tiles_of_lanes(s, k);
    schedule_close_all(s, opened);
}

static void schedule_tiles(Scheduler *s, Kernel *k) {
    ScheduleRow before = s->at;
    bool row_around = k->rows && k->unrolled_axis != AXIS_ROW && k->lanes_axis != AXIS_ROW;
    if (row_around) schedule_rows_open(s, NULL, s->padded_rows, 1, s->pad);
    for (int64_t i = 0, count = kernel_residues(k); i < count; i++) {
        Kernel of = kernel_of_residue(s, k, i);
        if (of.r.outputs == 0) continue;
        find_guard(&of);
        count_unrolled(s, &of);
        tiles_of_residue(s, &of);
    }
    if (row_around) schedule_rows_close(s, before);
}

static void close_block(Scheduler *s, Kernel *k) {
    ScheduleRow before = s->at;
    ChainArrays open = open_chains(s, &k->r);
    s->at.row = subscript_of_loop(s->arena, s->block);
    close_chunk(s, &k->r, &open, ends_after_block(s, &k->r, s->at.row));
    s->at = before;
}

static void schedule_alone(Scheduler *s, Kernel *k) {
    pack_operands(s, k);
    const bool packed[2] = {k->r.pack[0].array != NULL, k->r.pack[1].array != NULL};
    TransposedArrays transposed = {0};
    if (k->r.c->over_rows) transposed = schedule_transposed(s, s->nest, packed);
    k->strip.lines = kernel_strip(s, k);
    if (k->strip.lines > 0) {
        schedule_strips(s, k, schedule_tiles);
    } else if (kernel_keeps_chunks(s, k)) {
        schedule_chunks(s, k, schedule_tiles);
    } else {
        schedule_nest_open(s, s->nest->stores[0].node);
        schedule_tiles(s, k);
        if (k->carried) close_block(s, k);
        schedule_close(s);
    }
    schedule_transpose_back(s, &transposed);
}

void schedule_kernel(Scheduler *s, Kernel *k) {
    if (k->blocks != NULL)
        schedule_blocks(s, k);
    else
        schedule_alone(s, k);
    vector_push(s->arena, &s->tree->kernels, *k->planned);
}
