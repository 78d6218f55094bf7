/* schedule_kernel: a reduction as tiles of chains in registers.
 *
 *   for the axes that no tile is along, for tiles along the lanes, for tiles along the unrolled axis
 *     for u, unrolled, for t, lanes: chain[u, t] = start
 *     for the terms                                            the rows of a sum over rows first
 *       for u, unrolled, for t, lanes: chain[u, t] = step(chain[u, t], term at u and t)
 *     for u, for t: the stores of the nest, which find the sum
 *
 * The lanes are an axis of the result along which no operand moves by more than one element. The unrolled axis, which may
 * be the row, is one along which the operand of the lanes does not move: what is loaded once serves all u. Where there is
 * no such axis for the lanes, an operand that is read often is packed first: [panel][its other axes][lane], in a nest of
 * its own, and panels past the axis' end are filled with 0.
 */
#include "ir/loops/schedule_reduction.h"

enum { AXIS_ROW = -1, AXIS_NONE = -2, FEWEST_USES = 8 };
enum { CHEAP = 6 };                     /* operations of an epilogue that are repeated for each chain */
static const double packing_cost = 1.1; /* times a tile that reads its operand in place */

/* How an operand moves along an axis of the index space. */
typedef struct OperandMoves {
    bool moves[MOST_AXES], uneven[MOST_AXES]; /* at all; by more than one element */
    bool rows;
} OperandMoves;

struct Kernel {
    Reduction r;
    OperandMoves operand[2];
    int lanes_axis, unrolled_axis;
    int64_t lanes, unrolled; /* places of a tile */
    int64_t vector;          /* lanes of a vector, of which a tile has several */
    bool rows;               /* the row is an axis of the result */
    bool guarded;            /* some terms are absent, for all lanes */
};

/* A tile: its first place along the lanes, `width` of them in registers, the first `count` of which are there. */
typedef struct KernelTile {
    const Subscript *lane, *unrolled;
    int64_t width, count, places; /* places: along the unrolled axis */
    int64_t in_panel;             /* the first lane's place in its panel */
} KernelTile;

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
    m->rows |= read->node->rows != 0;
    for (int a = 0; a < k->r.axes; a++) {
        int64_t step = place_step(visit->s, read->node, read->linear.coef[a]);
        m->moves[a] |= step != 0;
        m->uneven[a] |= step != 0 && (step != 1 || read->guarded);
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

/* How often each element of the operand is read. */
static double uses_of(const Scheduler *s, const Kernel *k, int operand) {
    const Node *source = k->r.node->source[operand];
    double rows = (double)s->block_rows, all = (double)k->r.outputs * (double)k->r.terms;
    if (k->rows || k->r.c->over_rows) all *= rows;
    return all / ((double)shape_size(source->shape) * (source->rows != 0 ? rows : 1));
}

/* Can what moves unevenly be packed, and does it pay? */
static bool packs_for(const Scheduler *s, const Kernel *k, int axis) {
    for (int o = 0; o < k->r.node->sources; o++)
        if (k->operand[o].uneven[axis] && (!pack_is_possible(s, &k->r, o, axis) || uses_of(s, k, o) < FEWEST_USES))
            return false;
    return true;
}

/* ---- which axes --------------------------------------------------------------------------------------------- */
/* Tiles for each place of the axis; packed ones are filled, the rest of others has tiles of half the width, and so on. */
static double tiles_per_place(const Kernel *k, int axis, bool packed) {
    int64_t extent = k->r.extent[axis], rest = extent % k->lanes, tiles = extent / k->lanes;
    if (packed) return (double)(tiles + (rest > 0)) / (double)extent;
    for (; rest > 0; rest &= rest - 1) tiles++;
    return (double)tiles / (double)extent;
}

static int choose_lanes(const Scheduler *s, const Kernel *k) {
    int best = AXIS_NONE, any = AXIS_NONE;
    double least = 1;
    for (int a = k->r.result; a-- > 0;) {
        if (k->r.extent[a] == 1) continue;
        if (any < 0 || k->r.extent[a] > k->r.extent[any]) any = a;
        bool even = has_lanes_along(k, a);
        if (!even && (s->block_rows == 1 || !packs_for(s, k, a))) continue;
        double tiles = tiles_per_place(k, a, !even) * (even ? 1 : packing_cost);
        if (tiles < least) {
            best = a;
            least = tiles;
        }
    }
    return best >= 0 ? best : any;
}

/* Does nothing that moves with the lanes move along the axis? */
static bool shares_lanes(const Kernel *k, int axis) {
    for (int o = 0; o < k->r.node->sources; o++) {
        bool along = axis == AXIS_ROW ? k->operand[o].rows : k->operand[o].moves[axis];
        if (k->lanes_axis >= 0 && k->operand[o].moves[k->lanes_axis] && along) return false;
    }
    return true;
}

static int64_t extent_of(const Scheduler *s, const Kernel *k, int axis) {
    return axis == AXIS_ROW ? s->block_rows : k->r.extent[axis];
}

static int choose_unrolled(const Scheduler *s, const Kernel *k) {
    int best = AXIS_NONE;
    for (int a = k->r.result - 1; a >= (k->rows ? AXIS_ROW : 0); a--) {
        if (a == k->lanes_axis || extent_of(s, k, a) == 1) continue;
        bool better = best == AXIS_NONE || shares_lanes(k, a) > shares_lanes(k, best) ||
                      (shares_lanes(k, a) == shares_lanes(k, best) && extent_of(s, k, a) > extent_of(s, k, best));
        if (better) best = a;
    }
    return best;
}

/* ---- terms that are absent ---------------------------------------------------------------------------------- */
static bool is_guarded_along(const Kernel *k, int axis) {
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

/* Of so many vectors, tiles have equally many. */
static int64_t vectors_of_tile(const Scheduler *s, int64_t vectors) {
    if (s->block_rows == 1) return 1;
    for (int64_t tile = s->numbers.vectors; tile > 1; tile--)
        if (vectors % tile == 0 && vectors > 0) return tile;
    return vectors < s->numbers.vectors ? 1 : s->numbers.vectors;
}

/* ---- the plan --------------------------------------------------------------------------------------------- */
Kernel *schedule_kernel_plan(Scheduler *s, const Nest *nest) {
    if (nest->kind != NEST_REDUCE) return NULL;
    Reduction r = reduction_of(nest->reduce);
    if (r.lanes > 1 || r.terms == 0 || r.outputs == 0 || (r.c->over_rows && !s->f->one_block)) return NULL;
    Kernel *k = arena_new_of(s->arena, Kernel);
    *k = (Kernel){.r = r, .unrolled_axis = AXIS_NONE, .unrolled = 1};
    k->rows = nest->rows && !r.c->over_rows && s->block_rows > 1;
    k->lanes = s->numbers.vector_bytes / (int64_t)dtype_bytes(r.dtype);
    nest_reads(s->f, nest, visit_operand, &(OperandVisit){s, k});
    k->lanes_axis = choose_lanes(s, k);
    k->guarded = is_guarded_along(k, -1) && (k->lanes_axis == AXIS_NONE || !is_guarded_along(k, k->lanes_axis));
    k->r.is_there = k->guarded;
    if (k->lanes_axis == AXIS_NONE) k->lanes = 1;
    while (k->lanes_axis != AXIS_NONE && k->lanes / 2 >= r.extent[k->lanes_axis]) k->lanes /= 2;
    k->vector = k->lanes;
    if (k->lanes_axis != AXIS_NONE) k->lanes *= vectors_of_tile(s, r.extent[k->lanes_axis] / k->vector);
    if (s->block_rows > 1) k->unrolled_axis = choose_unrolled(s, k);
    if (k->unrolled_axis == AXIS_ROW)
        k->unrolled = s->pad;
    else if (k->unrolled_axis != AXIS_NONE)
        k->unrolled = schedule_tile(r.extent[k->unrolled_axis], s->numbers.unrolled);
    return k;
}

void schedule_kernel_pack(Scheduler *s, Kernel *k) {
    if (k->lanes_axis == AXIS_NONE || s->block_rows == 1 || !packs_for(s, k, k->lanes_axis)) return;
    for (int o = 0; o < k->r.node->sources; o++)
        if (k->operand[o].uneven[k->lanes_axis]) pack_operand(s, &k->r, o, k->lanes_axis, k->lanes);
}

/* ---- one tile ----------------------------------------------------------------------------------------------- */
/* The loops over its chains; the point is there. The chain's place comes back. */
typedef struct TileLoops {
    const Subscript *chain, *unrolled;
    ScheduleRow before;
} TileLoops;

static TileLoops unrolled_open(Scheduler *s, Kernel *k, const KernelTile *tile, LoopMark mark) {
    const Subscript *u = schedule_loop_open(s, "u", tile->places, mark);
    TileLoops loops = {.unrolled = u, .before = s->at};
    if (k->unrolled_axis == AXIS_ROW)
        s->at = (ScheduleRow){.row = subscript_sum(s->arena, s->at.row, u),
                              .in_block = subscript_sum(s->arena, s->at.in_block, u),
                              .past = s->at.past};
    else if (k->unrolled_axis != AXIS_NONE)
        k->r.point.axis[k->unrolled_axis] = subscript_sum(s->arena, tile->unrolled, u);
    return loops;
}

static void lanes_open(Scheduler *s, Kernel *k, const KernelTile *tile, int64_t count, TileLoops *loops) {
    int64_t vector = count % k->vector == 0 ? k->vector : count;
    const Subscript *v = schedule_loop_open(s, "v", count / vector, LOOP_UNROLLED);
    const Subscript *t = schedule_loop_open(s, "t", vector, LOOP_VECTOR);
    t = subscript_sum(s->arena, subscript_times(s->arena, v, vector), t);
    if (k->lanes_axis != AXIS_NONE) k->r.point.axis[k->lanes_axis] = subscript_sum(s->arena, tile->lane, t);
    k->r.lane = subscript_sum(s->arena, t, subscript_number(s->arena, tile->in_panel));
    loops->chain = subscript_sum(s->arena, subscript_times(s->arena, loops->unrolled, tile->width), t);
}

static TileLoops tile_open(Scheduler *s, Kernel *k, const KernelTile *tile) {
    TileLoops loops = unrolled_open(s, k, tile, LOOP_UNROLLED);
    lanes_open(s, k, tile, tile->width, &loops);
    return loops;
}

static void tile_close(Scheduler *s, TileLoops loops) {
    for (int i = 0; i < 3; i++) schedule_close(s);
    s->at = loops.before;
}

static void start_tile(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains) {
    TileLoops loops = tile_open(s, k, tile);
    ChainValue start = chains_start(s, &k->r);
    chains_store(s, chains, loops.chain, &start);
    tile_close(s, loops);
}

/* The condition stands around as many of the tile's chains as it is the same for. */
static void one_term_of_tile(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains) {
    bool of_each = k->guarded && k->unrolled_axis >= 0 && is_guarded_along(k, k->unrolled_axis);
    if (k->unrolled_axis >= 0) k->r.point.axis[k->unrolled_axis] = tile->unrolled;
    if (k->lanes_axis >= 0) k->r.point.axis[k->lanes_axis] = tile->lane;
    if (k->guarded && !of_each) guard_open(s, k);
    TileLoops loops = unrolled_open(s, k, tile, LOOP_UNROLLED);
    if (of_each) guard_open(s, k);
    lanes_open(s, k, tile, tile->width, &loops);
    chains_one_term(s, &k->r, chains, loops.chain, NULL);
    tile_close(s, loops);
    if (k->guarded) schedule_close(s);
}

static void terms_of_tile(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains) {
    int opened = 0;
    for (int a = k->r.result; a < k->r.axes; a++) {
        k->r.point.axis[a] = subscript_number(s->arena, 0);
        if (k->r.extent[a] == 1) continue;
        k->r.point.axis[a] = schedule_loop_open(s, "k", k->r.extent[a], LOOP_SERIAL);
        opened++;
    }
    one_term_of_tile(s, k, tile, chains);
    while (opened-- > 0) schedule_close(s);
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
    start_tile(s, k, tile, total);
    ScheduleRow before = schedule_rows_open(s, NULL, s->block_rows, k->r.chunk, 1);
    const Loop *chunk = schedule_open_loop(s);
    start_tile(s, k, tile, chains);
    terms_of_rows(s, k, tile, chains, chunk);
    TileLoops loops = tile_open(s, k, tile);
    ChainValue sum = chains_load(s, total, loops.chain), part = chains_load(s, chains, loops.chain);
    sum = chains_join(s, &k->r, &sum, &part);
    chains_continue(s, total, loops.chain, &sum, subscript_of_loop(s->arena, chunk), 1);
    tile_close(s, loops);
    schedule_rows_close(s, before);
}

/* What is in registers is named; what the stores of the nest find is an array that loops can walk through. */
static void finish_tile(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains) {
    ChainArrays sums = *chains;
    if (tile->places * tile->width > 1) {
        sums = chains_registers(s, &k->r, tile->places * tile->width);
        TileLoops loops = tile_open(s, k, tile);
        ChainValue sum = chains_load(s, chains, loops.chain);
        chains_store(s, &sums, loops.chain, &sum);
        tile_close(s, loops);
    }
    TileLoops loops = unrolled_open(s, k, tile, s->nest->cost <= CHEAP ? LOOP_UNROLLED : LOOP_SERIAL);
    lanes_open(s, k, tile, tile->count, &loops);
    ChainValue sum = chains_load(s, &sums, loops.chain);
    schedule_sum(s, &k->r.point, sum.v[k->r.width - 1], sum.v[0]);
    tile_close(s, loops);
}

static void schedule_tile_of(Scheduler *s, Kernel *k, const KernelTile *tile) {
    ChainArrays chains = chains_registers(s, &k->r, tile->places * tile->width), total = chains;
    if (k->r.c->over_rows && k->r.chunk > 0 && k->r.chunk < s->block_rows) {
        total = chains_registers(s, &k->r, tile->places * tile->width);
        sum_in_chunks(s, k, tile, &chains, &total);
    } else {
        start_tile(s, k, tile, &chains);
        if (k->r.c->over_rows)
            terms_of_rows(s, k, tile, &chains, NULL);
        else
            terms_of_tile(s, k, tile, &chains);
    }
    finish_tile(s, k, tile, &total);
}

/* ---- all tiles ---------------------------------------------------------------------------------------------- */
static void tiles_of_unrolled(Scheduler *s, Kernel *k, KernelTile tile) {
    tile.places = k->unrolled;
    tile.unrolled = subscript_number(s->arena, 0);
    if (k->unrolled_axis == AXIS_NONE) {
        schedule_tile_of(s, k, &tile);
        return;
    }
    if (k->unrolled_axis == AXIS_ROW) {
        ScheduleRow before = schedule_rows_open(s, NULL, s->padded_rows, s->pad, s->pad);
        schedule_tile_of(s, k, &tile);
        schedule_rows_close(s, before);
        return;
    }
    int64_t whole = k->r.extent[k->unrolled_axis] / k->unrolled, rest = k->r.extent[k->unrolled_axis] % k->unrolled;
    const Subscript *at = schedule_loop_open(s, "tile", whole, LOOP_SERIAL);
    tile.unrolled = subscript_times(s->arena, at, k->unrolled);
    schedule_tile_of(s, k, &tile);
    schedule_close(s);
    tile.unrolled = subscript_number(s->arena, whole * k->unrolled);
    tile.places = rest;
    if (rest > 0) schedule_tile_of(s, k, &tile);
}

/* Panels are whole, so a tile may be; what else moves along the lanes ends. */
static bool is_filled(const Kernel *k) {
    for (int o = 0; o < k->r.node->sources; o++)
        if (k->lanes_axis >= 0 && k->operand[o].moves[k->lanes_axis] && k->r.pack[o].array == NULL) return false;
    return true;
}

/* Of what is left: whole vectors, then vectors of half the width, and so on; a panel is filled. */
static int64_t next_width(const Kernel *k, int64_t rest) {
    int64_t width = k->vector;
    if (is_filled(k)) return (rest + width - 1) / width * width;
    if (rest >= width) return rest / width * width;
    while (width > rest) width /= 2;
    return width;
}

static void tiles_of_lanes(Scheduler *s, Kernel *k) {
    KernelTile tile = {.lane = subscript_number(s->arena, 0), .width = k->lanes, .count = k->lanes};
    int64_t extent = k->lanes_axis == AXIS_NONE ? 1 : k->r.extent[k->lanes_axis], done = extent / k->lanes * k->lanes;
    if (done > 0) {
        k->r.panel = schedule_loop_open(s, "tile", extent / k->lanes, LOOP_SERIAL);
        tile.lane = subscript_times(s->arena, k->r.panel, k->lanes);
        tiles_of_unrolled(s, k, tile);
        schedule_close(s);
    }
    while (done < extent) {
        int64_t rest = extent - done, width = next_width(k, rest);
        k->r.panel = subscript_number(s->arena, done / k->lanes);
        tile = (KernelTile){.in_panel = done % k->lanes,
                            .lane = subscript_number(s->arena, done),
                            .width = width,
                            .count = smaller(rest, width)};
        tiles_of_unrolled(s, k, tile);
        done += tile.count;
    }
}

void schedule_kernel(Scheduler *s, Kernel *k) {
    ScheduleRow before = s->at;
    bool row_around = k->rows && k->unrolled_axis != AXIS_ROW;
    int opened = 0;
    if (row_around) schedule_rows_open(s, NULL, s->padded_rows, 1, s->pad);
    for (int a = 0; a < k->r.result; a++) {
        k->r.point.axis[a] = subscript_number(s->arena, 0);
        if (a == k->lanes_axis || a == k->unrolled_axis || k->r.extent[a] == 1) continue;
        k->r.point.axis[a] = schedule_loop_open(s, text_format(s->arena, "%c", "ijlmnopq"[a]), k->r.extent[a],
                                                LOOP_SERIAL);
        opened++;
    }
    tiles_of_lanes(s, k);
    while (opened-- > 0) schedule_close(s);
    if (row_around) schedule_rows_close(s, before);
}
