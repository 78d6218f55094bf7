/* chunks: a sum over rows in more chunks than it has tiles.
 *
 *   nest      for chunks of rows, for all tiles
 *               for u, for t: chain[u, t] = start
 *               for the rows of the chunk, for the terms: chain[u, t] = step(chain[u, t], term)
 *               for u, for t: sum[chunk, u, t] = chain[u, t]
 *   nest      for all tiles
 *               for chunks: for u, for t: total[u, t] = total[u, t] + sum[chunk, u, t]
 *               for u, for t: the stores of the nest
 *
 * Chunks have nothing to do with each other, so threads can share them, where tiles are too few. Only where there are threads: of
 * such loops in C, a compiler does not keep the chains in registers. All tiles pass over the rows of a chunk while these are in
 * the caches. A chunk's sums are few beside its terms.
 */
#include "ir/loops/schedules/kernel.h"

static int64_t pieces(int64_t n, int64_t by) { return (n + by - 1) / by; }

static int64_t tiles_of(const Kernel *k) {
    int64_t tiles = 1;
    for (int a = 0; a < k->r.result; a++) {
        int64_t places = a == k->lanes_axis ? k->lanes : a == k->unrolled_axis ? k->unrolled : 1;
        tiles *= pieces(k->r.extent[a], a == k->second_axis ? k->second : places);
    }
    return tiles;
}

bool kernel_keeps_chunks(const Scheduler *s, const Kernel *k) {
    return s->numbers.has_threads && k->r.c->over_rows && !k->carried && k->r.width == 1 && k->r.chunk > 0 &&
           kernel_residues(k) == 1 && pieces(s->block_rows, k->r.chunk) > tiles_of(k);
}

/* Lanes are side by side, as many as tiles have. */
static int64_t extent_of_sums(const Kernel *k, int axis) {
    int64_t extent = k->r.extent[axis];
    return axis == k->lanes_axis && kernel_is_filled(k) ? rounded_up(extent, k->vector) : extent;
}

static int64_t sums_of_chunk(const Kernel *k) {
    int64_t sums = 1;
    for (int a = 0; a < k->r.result; a++) sums *= extent_of_sums(k, a);
    return sums;
}

/* By which places grow from row to row, so that they do by a chunk's sums, at least, from chunk to chunk. */
static int64_t places_of_row(const Kernel *k) { return pieces(sums_of_chunk(k), k->r.chunk); }

/* Where the sum of the point is kept. */
static const Subscript *place_of_sum(Scheduler *s, const Kernel *k, const Loop *chunk) {
    const Subscript *at = subscript_times(s->arena, subscript_of_loop(s->arena, chunk), places_of_row(k));
    int64_t stride = 1;
    for (int i = k->r.result; i >= 0; i--) {
        int a = i == k->r.result ? k->lanes_axis : i;
        if (a < 0 || (i < k->r.result && a == k->lanes_axis)) continue;
        at = subscript_sum(s->arena, at, subscript_times(s->arena, k->r.point.axis[a], stride));
        stride *= extent_of_sums(k, a);
    }
    return at;
}

void kernel_keep_chunk(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains) {
    TileLoops loops = kernel_tile_open(s, k, tile);
    chains_move(s, chains, loops.chain, &k->chunk_sums, place_of_sum(s, k, k->chunk));
    kernel_tile_close(s, loops);
}

void kernel_add_chunks(Scheduler *s, Kernel *k, const KernelTile *tile) {
    ChainArrays total = chains_registers(s, &k->r, kernel_chains(tile));
    kernel_start_tile(s, k, tile, &total);
    ScheduleRow before = schedule_rows_open(s, NULL, s->block_rows, k->r.chunk, 1);
    const Loop *chunk = schedule_open_loop(s);
    TileLoops loops = kernel_tile_open(s, k, tile);
    chains_add(s, &k->r, &total, loops.chain, &k->chunk_sums, place_of_sum(s, k, chunk),
               subscript_of_loop(s->arena, chunk), 1);
    kernel_tile_close(s, loops);
    schedule_rows_close(s, before);
    kernel_finish_tile(s, k, tile, &total);
}

/* What lies behind a chunk's sums. */
static void fill_up(Scheduler *s, Kernel *k) {
    int64_t sums = sums_of_chunk(k), left = places_of_row(k) * k->r.chunk - sums;
    if (left == 0) return;
    const Subscript *at = subscript_times(s->arena, subscript_of_loop(s->arena, k->chunk), places_of_row(k));
    at = subscript_sum(s->arena, at, subscript_number(s->arena, sums));
    at = subscript_sum(s->arena, at, schedule_loop_open(s, "i", left, LOOP_SERIAL));
    ChainValue start = chains_start(s, &k->r);
    chains_store(s, &k->chunk_sums, at, &start);
    schedule_close(s);
}

void schedule_chunks(Scheduler *s, Kernel *k, KernelTiles *tiles) {
    int64_t sums = places_of_row(k) * k->r.chunk * pieces(s->block_rows, k->r.chunk);
    k->chunk_sums = (ChainArrays){{tree_array(s->tree, ARRAY_WORK, 0, k->r.dtype, sums, "sums"), NULL}};
    schedule_nest_open(s, k->r.node);
    ScheduleRow before = schedule_rows_open(s, NULL, s->block_rows, k->r.chunk, 1);
    k->chunk = schedule_open_loop(s);
    fill_up(s, k);
    tiles(s, k);
    schedule_rows_close(s, before);
    schedule_close(s);
    k->chunk = NULL;
    schedule_nest_open(s, s->nest->stores[0].node);
    tiles(s, k);
    schedule_close(s);
}
