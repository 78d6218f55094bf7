/* blocks: a kernel in blocks for the caches.
 *
 *   for blocks of lanes, for blocks of the unrolled axis
 *     sums = start                                       where the terms are cut
 *     for blocks of terms
 *       nest: what tiles read of an operand goes into panels        (panels.c)
 *       nest: for tiles, for panels of lanes
 *         chain = sums; for the terms of the block: chain = step(chain, term); sums = chain
 *     nest: for tiles, for panels: the stores of the kernel's nest, which find the sum     or for rows, for squares
 *
 * A tile's operand takes two thirds of the first level, and stays there while the panels of lanes pass by from the second; a
 * block of panels takes half of that, and sums that wait for the next block of terms the other half. Where a block has all terms,
 * chains stay in registers from start to stores. Where there are several blocks of the unrolled axis, the lanes' operand is packed
 * outside of them. Rows that are summed in chunks have the loop over chunks around the blocks of terms; a chunk's sums join those of
 * the chunks before.
 *
 * Where rows are the lanes, panels of lanes are a loop over rows. Sums of many outputs are [output][row] in memory then, and are
 * transposed in squares for the stores, which lie [row][output]: stored from a tile, each lane would be a store of its own.
 *
 * None of this moves a bit: a chain takes its terms in their order, and storing and loading a sum changes nothing.
 */
#include "ir/loops/code_limits.h"
#include "ir/loops/schedules/kernel.h"

/* ---- the plan --------------------------------------------------------------------------------------------------- */
static int64_t bytes_of(const Kernel *k) { return (int64_t)dtype_bytes(k->r.dtype); }

/* The operand that moves with the lanes, where the other one does not, and where it does not move along the unrolled
 * axis; -1. */
static int lane_operand(const Kernel *k) {
    bool first = kernel_moves_along(k, 0, k->lanes_axis), second = kernel_moves_along(k, 1, k->lanes_axis);
    int lanes = second ? 1 : 0;
    return first == second || kernel_moves_along(k, lanes, k->unrolled_axis) ? -1 : lanes;
}

bool kernel_fills_squares(const Scheduler *s, const Kernel *k) {
    int64_t side = s->numbers.square_bytes / bytes_of(k);
    return side > 1 && k->r.outputs >= side && k->r.outputs > MOST_UNROLLED;
}

bool kernel_is_product(const Scheduler *s, const Kernel *k) {
    if (s->block_rows == 1 || s->numbers.machine.l2 == 0 || k->r.node->op != OP_CONTRACT || k->r.node->sources != 2)
        return false;
    for (int o = 0; o < 2; o++)
        if (!access_is_inside(&k->r.c->access[o], k->r.extent, k->r.axes, k->r.node->source[o]->shape)) return false;
    return dtype_is_real(k->r.dtype);
}

static bool can_be_blocked(const Scheduler *s, const Kernel *k) {
    if (!kernel_is_product(s, k)) return false;
    if (k->lanes_axis == AXIS_NONE || k->unrolled_axis == AXIS_NONE) return false;
    if (k->rows && k->unrolled_axis != AXIS_ROW && k->lanes_axis != AXIS_ROW) return false;
    for (int a = 0; a < k->r.result; a++)
        if (a != k->lanes_axis && a != k->unrolled_axis && k->r.extent[a] > 1) return false;
    return lane_operand(k) >= 0;
}

/* Of `extent` places, the size of blocks of at most `most`, all alike if that makes none much smaller. */
static int64_t even_blocks(int64_t extent, int64_t most, int64_t whole) {
    most = most < 1 ? 1 : most;
    if (extent <= most) return extent;
    for (int64_t size = most; 2 * size > most; size--)
        if (extent % size == 0 && size % whole == 0) return size;
    int64_t count = (extent + most - 1) / most, size = (extent + count - 1) / count;
    size = rounded_up(size, whole);
    return size < most ? size : most;
}

/* The outermost axis of the terms of which not all places fit into `most` terms is cut; rows are outside of all. */
static void cut_terms(const Scheduler *s, const Kernel *k, int64_t most, KernelBlocks *b) {
    int64_t inner = 1, square = s->numbers.square_bytes / bytes_of(k);
    b->cut = AXIS_NONE;
    for (int a = k->r.axes - 1; a >= k->r.result && b->cut == AXIS_NONE; a--) {
        if (inner * k->r.extent[a] > most && !k->r.c->over_rows) {
            b->cut = a;
            b->places = even_blocks(k->r.extent[a], most / inner, inner == 1 && square > 1 ? square : 1);
            inner *= b->places;
        } else {
            inner *= k->r.extent[a];
        }
    }
    b->terms = inner;
    if (!k->r.c->over_rows) return;
    int64_t rows = k->r.chunk > 0 && k->r.chunk < s->block_rows ? k->r.chunk : s->block_rows;
    if (inner * rows > most || rows < s->block_rows) {
        b->cut = AXIS_ROW;
        b->places = even_blocks(rows, most / inner, 1);
    }
    b->terms = inner * (b->cut == AXIS_ROW ? b->places : rows);
}

static int64_t at_least(int64_t n, int64_t least) { return n < least ? least : n; }

static bool is_in_memory(const Scheduler *s, const Node *node) {
    return node_is_memory(node) || node_is_stored(s->f, node);
}

static bool chooses(const Kernel *k, KernelNumber which, bool computed) {
    return kernel_number(k, which, computed ? 2 : 1, 1, 2) == 2;
}

/* What is used in few products stays where it is, unless lanes lie apart or it is computed; so does what the first level
 * holds. */
static bool packs_lanes(const Scheduler *s, const Kernel *k, int operand) {
    const Node *source = k->r.node->source[operand];
    if (k->lanes_axis == AXIS_ROW) return k->operand[operand].rows_apart;
    if (k->operand[operand].uneven[k->lanes_axis] || !is_in_memory(s, source)) return true;
    int64_t rows = source->rows != 0 ? s->block_rows : 1;
    bool often = kernel_uses(s, k, operand) >= machine_fewest_uses(&s->numbers.machine);
    return chooses(k, KERNEL_PACKS_LANES,
                   often && shape_size(source->shape) * rows * bytes_of(k) > s->numbers.machine.l1);
}

/* Elements are copied a few at once; what that takes is no figure of a machine, and this many panels were seen to pay for it. */
enum { FEWEST_PASSES = 4 };

/* Neighbours along the unrolled axis are beside each other, and no terms are; it has several tiles, they are more than the tile at
 * hand leaves of the first level, and enough panels pass by. */
static bool tiles_are_better_packed(const Scheduler *s, const Kernel *k, int operand) {
    const Node *source = k->r.node->source[operand];
    if (shape_size(source->shape) * (source->rows != 0 ? s->block_rows : 1) * bytes_of(k) <= s->numbers.machine.l1 / 3)
        return false;
    if (k->operand[operand].uneven[k->unrolled_axis]) return false;
    if (k->r.extent[k->unrolled_axis] == k->unrolled) return false;
    for (int a = k->r.result; a < k->r.axes; a++)
        if (k->operand[operand].moves[a] && !k->operand[operand].uneven[a]) return false;
    return kernel_uses(s, k, operand) >= FEWEST_PASSES * k->lanes;
}

static bool packs_tiles(const Scheduler *s, const Kernel *k, int operand) {
    return k->unrolled_axis >= 0 && chooses(k, KERNEL_PACKS_TILES, tiles_are_better_packed(s, k, operand));
}

/* The terms of a block follow each other in all of them. */
static bool is_cut_outermost(const Kernel *k, const KernelBlocks *b) {
    for (int a = k->r.result; a < b->cut; a++)
        if (k->r.extent[a] > 1) return false;
    return b->cut >= 0;
}

static int64_t all_terms(const Scheduler *s, const Kernel *k) {
    return k->r.terms * (k->r.c->over_rows ? s->block_rows : 1);
}

/* Rows that are lanes, of values that lie [row][output]. Rows of few outputs come to lie beside each other after (passes/layout.c). */
static bool stores_in_squares(const Scheduler *s, const Kernel *k) {
    int beside = place_innermost(s, s->nest);
    if (k->lanes_axis != AXIS_ROW || !kernel_fills_squares(s, k)) return false;
    if (beside < 0) beside = shape_last_axis(s->nest->space);
    return k->unrolled_axis == beside && !stores_rows_innermost(s, s->nest);
}

/* Tiles of a block: of what is packed, or of sums that wait, no more than half the second level holds. */
static int64_t tiles_of_block(const Scheduler *s, const Kernel *k, const KernelBlocks *b, int64_t tiles, int64_t half) {
    int64_t lanes = at_least(b->panels, 1) * k->lanes, side = s->numbers.square_bytes / bytes_of(k), whole = 1;
    bool waits = b->cut != AXIS_NONE || b->in_squares;
    if (!waits && !b->packs[1 - b->lane_operand]) return tiles;
    while (b->in_squares && whole * k->unrolled % side != 0) whole++;
    return even_blocks(tiles, at_least(half / ((waits ? lanes : b->terms) * k->unrolled), 1), whole);
}

/* Are all operands in memory, and lanes as they need them? */
static bool may_do_without(const Scheduler *s, const Kernel *k) {
    bool may = true;
    for (int o = 0; o < 2; o++)
        may &= is_in_memory(s, k->r.node->source[o]) &&
               !(k->lanes_axis == AXIS_ROW ? k->operand[o].rows_apart : k->operand[o].uneven[k->lanes_axis]);
    return may;
}

const KernelBlocks *kernel_blocks_plan(const Scheduler *s, const Kernel *k) {
    if (!can_be_blocked(s, k)) return NULL;
    KernelBlocks b = {.lane_operand = lane_operand(k)};
    int64_t first = s->numbers.machine.l1 * 2 / 3 / bytes_of(k), half = s->numbers.machine.l2 / 2 / bytes_of(k);
    bool rows = k->lanes_axis == AXIS_ROW;
    int64_t fewest = at_least((int64_t)machine_fewest_uses(&s->numbers.machine), 1), terms = first / k->unrolled;
    if (rows && terms > half / s->padded_rows) terms = half / s->padded_rows; /* all rows are in one block of panels */
    cut_terms(s, k, kernel_number(k, KERNEL_TERMS, at_least(terms, fewest), fewest, all_terms(s, k)), &b);
    b.packs[b.lane_operand] = packs_lanes(s, k, b.lane_operand);
    b.packs[1 - b.lane_operand] = packs_tiles(s, k, 1 - b.lane_operand);
    bool pays = b.cut != AXIS_NONE || b.packs[0] || b.packs[1];
    if (may_do_without(s, k) ? !chooses(k, KERNEL_BLOCKS, pays) : !pays) return NULL;
    int64_t panels = (rows ? s->padded_rows : k->r.extent[k->lanes_axis]) / k->lanes;
    if (!rows)
        b.panels = kernel_number(k, KERNEL_PANELS, even_blocks(panels, at_least(half / (b.terms * k->lanes), 1), 1), 1,
                                 panels);
    else
        b.panels = panels;
    b.in_squares = stores_in_squares(s, k);
    int64_t tiles = (k->unrolled_axis == AXIS_ROW ? s->padded_rows : k->r.extent[k->unrolled_axis]) / k->unrolled;
    b.tiles = tiles;
    if (k->unrolled_axis >= 0)
        b.tiles = kernel_number(k, KERNEL_TILES, tiles_of_block(s, k, &b, tiles, half), 1, tiles);
    b.lanes_once = b.packs[b.lane_operand] && is_cut_outermost(k, &b) && k->unrolled_axis >= 0 &&
                   b.tiles < k->r.extent[k->unrolled_axis] / k->unrolled;
    return arena_copy(s->arena, &b, sizeof b);
}

/* ---- the tiles of a block ------------------------------------------------------------------------------------- */
/* Sums that wait for the next block of terms, and of the chunks before. */
typedef struct BlockSums {
    ChainArrays chunk, total;
    const Subscript *block; /* which block of terms it is */
    int64_t blocks;
} BlockSums;
typedef void BlockBody(Scheduler *s, Kernel *k, const KernelBlock *b, const KernelTile *tile, const BlockSums *sums);

static void panels_of_tile(Scheduler *s, Kernel *k, const KernelBlock *b, KernelTile tile, const Subscript *local,
                           BlockBody *body, const BlockSums *sums) {
    Panels *lanes = &k->r.panels[k->blocks->lane_operand], *tiles = &k->r.panels[1 - k->blocks->lane_operand];
    PanelLoop panel = panel_loop_open(s, k->lanes_axis, b->panels, b->width);
    tile.lane = subscript_sum(s->arena, b->lane, panel.first);
    tile.apart = b->panels * b->width;
    tile.kept = subscript_sum(s->arena, subscript_times(s->arena, local, tile.apart), panel.first);
    lanes->begin = subscript_times(s->arena, panel.first, lanes->terms);
    if (k->blocks->lanes_once && b->first != NULL) {
        int64_t each = k->blocks->terms / k->blocks->places * b->width;
        lanes->begin = subscript_sum(s->arena, lanes->begin, subscript_times(s->arena, b->first, each));
    }
    tiles->begin = subscript_times(s->arena, local, tiles->terms);
    tiles->places = tile.places;
    body(s, k, b, &tile, sums);
    panel_loop_close(s, panel);
}

static void tiles_in_block(Scheduler *s, Kernel *k, const KernelBlock *b, BlockBody *body, const BlockSums *sums) {
    KernelTile tile = {.width = b->width, .count = b->count, .places = k->unrolled};
    if (k->unrolled_axis == AXIS_ROW) {
        ScheduleRow before = schedule_rows_open(s, NULL, s->padded_rows, s->tile_rows, s->pad);
        tile.unrolled = subscript_number(s->arena, 0);
        panels_of_tile(s, k, b, tile, s->at.in_block, body, sums);
        schedule_rows_close(s, before);
        return;
    }
    if (b->tiles > 0) {
        const Subscript *local = schedule_loop_open(s, "tile", b->tiles, LOOP_SERIAL);
        local = subscript_times(s->arena, local, k->unrolled);
        tile.unrolled = subscript_sum(s->arena, b->unrolled, local);
        panels_of_tile(s, k, b, tile, local, body, sums);
        schedule_close(s);
    }
    if (b->rest > 0) {
        const Subscript *local = subscript_number(s->arena, b->tiles * k->unrolled);
        tile.unrolled = subscript_sum(s->arena, b->unrolled, local);
        tile.places = b->rest;
        panels_of_tile(s, k, b, tile, local, body, sums);
    }
}

static void for_tiles(Scheduler *s, Kernel *k, const KernelBlock *b, BlockBody *body, const BlockSums *sums) {
    schedule_nest_open(s, s->nest->stores[0].node);
    tiles_in_block(s, k, b, body, sums);
    schedule_close(s);
}

static void terms_of_tile(Scheduler *s, Kernel *k, const KernelBlock *b, const KernelTile *tile,
                          const ChainArrays *chains) {
    TermLoops loops = terms_open(s, k, b);
    kernel_one_term(s, k, tile, chains);
    terms_close(s, loops);
}

static void whole_tile(Scheduler *s, Kernel *k, const KernelBlock *b, const KernelTile *tile, const BlockSums *sums) {
    ChainArrays chains = chains_registers(s, &k->r, kernel_chains(tile));
    kernel_start_tile(s, k, tile, &chains);
    terms_of_tile(s, k, b, tile, &chains);
    if (sums == NULL) {
        KernelTile in_registers = *tile;
        in_registers.kept = NULL;
        kernel_finish_tile(s, k, &in_registers, &chains);
        return;
    }
    TileLoops loops = kernel_tile_open(s, k, tile);
    ChainValue sum = chains_load(s, &chains, loops.chain);
    chains_store(s, &sums->total, loops.kept, &sum);
    kernel_tile_close(s, loops);
}

static void part_of_tile(Scheduler *s, Kernel *k, const KernelBlock *b, const KernelTile *tile, const BlockSums *sums) {
    ChainArrays chains = chains_registers(s, &k->r, kernel_chains(tile));
    TileLoops loops = kernel_tile_open(s, k, tile);
    ChainValue sum = chains_load(s, &sums->chunk, loops.kept);
    chains_store(s, &chains, loops.chain, &sum);
    kernel_tile_close(s, loops);
    terms_of_tile(s, k, b, tile, &chains);
    loops = kernel_tile_open(s, k, tile);
    sum = chains_load(s, &chains, loops.chain);
    chains_continue(s, &sums->chunk, loops.kept, &sum, sums->block, sums->blocks);
    kernel_tile_close(s, loops);
}

static void finish_tile(Scheduler *s, Kernel *k, const KernelBlock *b, const KernelTile *tile, const BlockSums *sums) {
    (void)b;
    kernel_finish_tile(s, k, tile, &sums->total);
}

/* ---- blocks of terms ------------------------------------------------------------------------------------------ */
/* lanes: also those of the lanes' operand, which may have been packed for all blocks of the unrolled axis. */
static void pack(Scheduler *s, Kernel *k, const KernelBlock *b, bool lanes) {
    for (int o = 0; o < 2; o++)
        if (k->blocks->packs[o] && (lanes || o != k->blocks->lane_operand)) panels_fill(s, k, b, o);
}

static void block_of_terms(Scheduler *s, Kernel *k, const KernelBlock *b, const BlockSums *sums) {
    pack(s, k, b, !k->blocks->lanes_once);
    for_tiles(s, k, b, part_of_tile, sums);
}

static void blocks_of_rows(Scheduler *s, Kernel *k, KernelBlock b, BlockSums sums, const Loop *chunk) {
    int64_t rows = chunk != NULL ? k->r.chunk : s->block_rows;
    ScheduleRow before = schedule_rows_open(s, chunk, rows, k->blocks->places, 1);
    b.rows = rows > 1 ? schedule_open_loop(s) : chunk;
    b.most_rows = k->blocks->places;
    sums.block = s->at.in_loop;
    sums.blocks = 1;
    block_of_terms(s, k, &b, &sums);
    schedule_rows_close(s, before);
}

/* Of an axis: blocks that are alike, and a smaller last one. */
static void blocks_of_axis(Scheduler *s, Kernel *k, KernelBlock b, BlockSums sums) {
    int64_t extent = k->r.extent[k->blocks->cut], size = k->blocks->places, count = extent / size, rest = extent % size;
    int64_t all = k->r.terms;
    const Subscript *at = schedule_loop_open(s, "block", count, LOOP_SERIAL);
    b.first = subscript_times(s->arena, at, size);
    b.places = size;
    sums.block = at;
    sums.blocks = count;
    k->r.joining = all / extent * size * count;
    block_of_terms(s, k, &b, &sums);
    schedule_close(s);
    if (rest == 0) return;
    b.first = subscript_number(s->arena, size * count);
    b.places = rest;
    sums.block = subscript_number(s->arena, count);
    sums.blocks = 1;
    k->r.joining = all / extent * rest;
    block_of_terms(s, k, &b, &sums);
    k->r.joining = all;
}

/* ---- sums that wait ------------------------------------------------------------------------------------------- */
static int64_t sums_of_block(const Scheduler *s, const Kernel *k, const KernelBlock *b) {
    int64_t places = k->unrolled_axis == AXIS_ROW ? s->padded_rows : b->tiles * k->unrolled + b->rest;
    return places * b->panels * b->width;
}

static void start_sums(Scheduler *s, Kernel *k, const ChainArrays *sums) {
    schedule_nest_open(s, s->nest->stores[0].node);
    chains_start_all(s, &k->r, sums, sums->v[0]->elements);
    schedule_close(s);
}

static ChainArrays sums_new(Scheduler *s, const Kernel *k, const KernelBlock *b) {
    return (ChainArrays){{tree_array(s->tree, ARRAY_WORK, 0, k->r.dtype, sums_of_block(s, k, b), "sums"), NULL}};
}

static void add_chunk(Scheduler *s, Kernel *k, const BlockSums *sums, const Loop *chunk) {
    schedule_nest_open(s, s->nest->stores[0].node);
    const Subscript *at = schedule_loop_open(s, "i", sums->total.v[0]->elements, LOOP_SERIAL);
    ChainValue sum = chains_load(s, &sums->total, at), part = chains_load(s, &sums->chunk, at);
    sum = chains_join(s, &k->r, &sum, &part);
    chains_continue(s, &sums->total, at, &sum, subscript_of_loop(s->arena, chunk), 1);
    schedule_close(s);
    schedule_close(s);
}

static void blocks_of_chunks(Scheduler *s, Kernel *k, const KernelBlock *b, BlockSums *sums) {
    sums->total = sums_new(s, k, b);
    start_sums(s, k, &sums->total);
    ScheduleRow before = schedule_rows_open(s, NULL, s->block_rows, k->r.chunk, 1);
    const Loop *chunk = schedule_open_loop(s);
    start_sums(s, k, &sums->chunk);
    blocks_of_rows(s, k, *b, *sums, chunk);
    add_chunk(s, k, sums, chunk);
    schedule_rows_close(s, before);
}

/* ---- sums with rows as lanes, of values that lie [row][output] -------------------------------------------------- */
typedef struct RowSums {
    Kernel *k;
    const KernelBlock *block;
    const ChainArrays *sums; /* [output of the block][row] */
} RowSums;

static const Scalar *load_sum(Scheduler *s, const void *context, int i, const SpacePoint *point) {
    const RowSums *of = context;
    const Subscript *at = subscript_times(s->arena, point->axis[1], s->padded_rows);
    (void)i;
    return chains_load(s, of->sums, subscript_sum(s->arena, at, s->at.in_block)).v[0];
}

static void store_sum(Scheduler *s, const void *context, int i, const SpacePoint *point, const Scalar *value) {
    const RowSums *of = context;
    (void)i;
    of->k->r.point.axis[of->k->unrolled_axis] = subscript_sum(s->arena, of->block->unrolled, point->axis[1]);
    SpacePoint at = kernel_result_point(s, of->k);
    schedule_sum(s, &at, value, value);
}

static void finish_in_squares(Scheduler *s, Kernel *k, const KernelBlock *b, const ChainArrays *sums) {
    RowSums of = {k, b, sums};
    Move m = {.extent = {0, b->tiles * k->unrolled + b->rest},
              .stored = 1,
              .read = 0,
              .dtype = k->r.dtype,
              .value = load_sum,
              .store = store_sum,
              .context = &of,
              .costly = !kernel_has_cheap_stores(s)};
    schedule_nest_open(s, s->nest->stores[0].node);
    schedule_move_rows(s, &m, NULL);
    schedule_close(s);
}

/* ---- blocks of outputs ---------------------------------------------------------------------------------------- */
static void finish_block(Scheduler *s, Kernel *k, const KernelBlock *b, const BlockSums *sums) {
    if (k->blocks->in_squares)
        finish_in_squares(s, k, b, &sums->total);
    else if (k->blocks->cut != AXIS_NONE)
        for_tiles(s, k, b, finish_tile, sums);
}

static void block_of_outputs(Scheduler *s, Kernel *k, const KernelBlock *b) {
    BlockSums sums = {0};
    if (k->blocks->cut != AXIS_NONE || k->blocks->in_squares) sums.chunk = sums.total = sums_new(s, k, b);
    if (k->blocks->cut == AXIS_NONE) {
        pack(s, k, b, false);
        for_tiles(s, k, b, whole_tile, k->blocks->in_squares ? &sums : NULL);
        finish_block(s, k, b, &sums);
        return;
    }
    if (k->blocks->cut == AXIS_ROW && k->r.chunk > 0 && k->r.chunk < s->block_rows) {
        blocks_of_chunks(s, k, b, &sums);
    } else {
        start_sums(s, k, &sums.chunk);
        if (k->blocks->cut == AXIS_ROW)
            blocks_of_rows(s, k, *b, sums, NULL);
        else
            blocks_of_axis(s, k, *b, sums);
    }
    finish_block(s, k, b, &sums);
}

static void pack_all_lanes(Scheduler *s, Kernel *k, KernelBlock b) {
    b.first = subscript_number(s->arena, 0);
    b.places = k->r.extent[k->blocks->cut];
    panels_fill(s, k, &b, k->blocks->lane_operand);
}

static void blocks_of_tiles(Scheduler *s, Kernel *k, KernelBlock b) {
    int64_t most = k->blocks->tiles;
    if (k->blocks->lanes_once) pack_all_lanes(s, k, b);
    b.unrolled = subscript_number(s->arena, 0);
    if (k->blocks->cut == AXIS_NONE && k->blocks->packs[k->blocks->lane_operand])
        panels_fill(s, k, &b, k->blocks->lane_operand);
    if (k->unrolled_axis == AXIS_ROW) {
        block_of_outputs(s, k, &b);
        return;
    }
    int64_t tiles = k->r.extent[k->unrolled_axis] / k->unrolled, whole = most > 0 && most < tiles ? tiles / most : 0;
    b.tiles = most;
    if (whole > 0) {
        const Subscript *at = schedule_loop_open(s, "block", whole, LOOP_SERIAL);
        b.unrolled = subscript_times(s->arena, at, most * k->unrolled);
        block_of_outputs(s, k, &b);
        schedule_close(s);
    }
    b.unrolled = subscript_number(s->arena, whole * most * k->unrolled);
    b.tiles = tiles - whole * most;
    b.rest = k->r.extent[k->unrolled_axis] % k->unrolled;
    if (b.tiles > 0 || b.rest > 0) block_of_outputs(s, k, &b);
}

/* Of whole tiles, then what is left along the lanes. */
void schedule_blocks(Scheduler *s, Kernel *k) {
    int64_t most = k->blocks->panels, extent = k->lanes_axis == AXIS_ROW ? 0 : k->r.extent[k->lanes_axis];
    int64_t panels = extent / k->lanes, whole = most > 0 ? panels / most : 0, done = 0;
    for (int a = 0; a < k->r.axes; a++) k->r.point.axis[a] = subscript_number(s->arena, 0);
    KernelBlock b = {.panels = most, .width = k->lanes, .count = k->lanes};
    if (k->lanes_axis == AXIS_ROW) {
        b.lane = subscript_number(s->arena, 0);
        blocks_of_tiles(s, k, b);
    }
    if (whole > 0) {
        const Subscript *at = schedule_loop_open(s, "block", whole, LOOP_SERIAL);
        b.lane = subscript_times(s->arena, at, most * k->lanes);
        blocks_of_tiles(s, k, b);
        schedule_close(s);
        done = whole * most * k->lanes;
    }
    while (done < extent) {
        int64_t left = extent - done, tiles = left / k->lanes;
        b.lane = subscript_number(s->arena, done);
        b.panels = tiles > 0 ? tiles : 1;
        b.width = tiles > 0 ? k->lanes : kernel_next_width(k, left, k->blocks->packs[k->blocks->lane_operand]);
        b.count = b.width < left ? b.width : left;
        blocks_of_tiles(s, k, b);
        done += b.panels * b.count;
    }
}
