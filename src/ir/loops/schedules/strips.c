/* strips: gradients of a convolution's weights, which sum rows and pixels.
 *
 *   for rows of a chunk
 *     nest      for all weights: chain = start
 *     nest      for row in the chunk, for strips of pixels, for all tiles
 *                 for u, for t: sum[u, t] = chain
 *                 for the pixels of the strip, for u, for t: sum[u, t] = step(sum[u, t], term)
 *                 for u, for t: chain = sum[u, t]
 *     nest      for all weights: total = total + chain
 *   nest        for all weights: the stores of the nest
 *
 * Rows and pixels are summed in their order. All taps and channels pass over a few lines of the images while these are in
 * the first-level cache; the chains are kept in memory from strip to strip, which changes no bit.
 */
#include "ir/loops/schedules/kernel.h"

/* ---- sizes -------------------------------------------------------------------------------------------------- */
/* Lines of the first summed axis that are half of the first-level cache, of the operand that moves with the lanes. */
int64_t kernel_strip(const Scheduler *s, const Kernel *k) {
    const Reduction *r = &k->r;
    if (!r->c->over_rows || !k->reads_window || k->lanes_axis < 0 || k->unrolled_axis < 0 || r->c->reduced < 2 ||
        r->width > 1 || s->numbers.machine.l1 <= 0)
        return 0;
    for (int o = 0; o < r->node->sources; o++)
        if (r->pack[o].array != NULL || k->operand[o].uneven[k->lanes_axis]) return 0;
    int64_t bytes = r->extent[k->lanes_axis] * (int64_t)dtype_bytes(r->dtype), lines = r->extent[r->result];
    for (int a = r->result + 1; a < r->axes; a++) bytes *= r->extent[a];
    int64_t strip = s->numbers.machine.l1 / 2 / bytes;
    if (strip < 1) strip = 1;
    if (strip > lines) strip = lines;
    strip = kernel_number(k, KERNEL_LINES, strip, 1, lines);
    while (lines % strip != 0) strip--;
    return strip;
}

/* ---- chains in memory --------------------------------------------------------------------------------------- */
/* Where the chain of the point is kept: lanes are side by side. */
static const Subscript *place_of_chain(Scheduler *s, const Kernel *k) {
    const Subscript *at = k->r.point.axis[k->lanes_axis];
    int64_t stride = k->r.extent[k->lanes_axis];
    for (int a = k->r.result; a-- > 0;) {
        if (a == k->lanes_axis) continue;
        if (k->r.extent[a] > 1) at = subscript_sum(s->arena, at, subscript_times(s->arena, k->r.point.axis[a], stride));
        stride *= k->r.extent[a];
    }
    return at;
}

/* Loops over all weights, in the order of their chains; the point is there. */
static int weights_open(Scheduler *s, Kernel *k) {
    return schedule_axes_open_with(s, k->r.extent, k->r.result, k->lanes_axis, k->r.point.axis);
}

static void start_chains(Scheduler *s, Kernel *k, const ChainArrays *chains) {
    schedule_nest_open(s, k->r.node);
    int opened = weights_open(s, k);
    ChainValue start = chains_start(s, &k->r);
    chains_store(s, chains, place_of_chain(s, k), &start);
    schedule_close_all(s, opened);
    schedule_close(s);
}

static void add_chunk(Scheduler *s, Kernel *k, const ChainArrays *total, const ChainArrays *chains, const Loop *chunk) {
    schedule_nest_open(s, k->r.node);
    int opened = weights_open(s, k);
    const Subscript *at = place_of_chain(s, k);
    chains_add(s, &k->r, total, at, chains, at, subscript_of_loop(s->arena, chunk), 1);
    schedule_close_all(s, opened);
    schedule_close(s);
}

/* ---- one strip ---------------------------------------------------------------------------------------------- */
static void terms_of_strip(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *sums) {
    int opened = 0;
    for (int a = k->r.result; a < k->r.axes; a++) {
        int64_t extent = a == k->r.result ? k->strip.lines : k->r.extent[a];
        const Subscript *at = schedule_loop_open(s, "k", extent, LOOP_SERIAL);
        k->r.point.axis[a] = a == k->r.result ? subscript_sum(s->arena, k->strip.first, at) : at;
        opened++;
    }
    kernel_one_term(s, k, tile, sums);
    schedule_close_all(s, opened);
}

void kernel_tile_of_strip(Scheduler *s, Kernel *k, const KernelTile *tile) {
    ChainArrays sums = chains_registers(s, &k->r, kernel_chains(tile));
    TileLoops loops = kernel_tile_open(s, k, tile);
    chains_move(s, &k->strip.chains, place_of_chain(s, k), &sums, loops.chain);
    kernel_tile_close(s, loops);
    terms_of_strip(s, k, tile, &sums);
    loops = kernel_tile_open(s, k, tile);
    ChainValue chain = chains_load(s, &sums, loops.chain);
    chains_continue(s, &k->strip.chains, place_of_chain(s, k), &chain, k->strip.number, k->strip.count);
    kernel_tile_close(s, loops);
}

/* ---- all ---------------------------------------------------------------------------------------------------- */
static void strips_of_rows(Scheduler *s, Kernel *k, const Loop *chunk, KernelTiles *tiles) {
    int64_t count = k->r.extent[k->r.result] / k->strip.lines;
    schedule_nest_open(s, k->r.node);
    ScheduleRow before = schedule_rows_open(s, chunk, chunk != NULL ? k->r.chunk : s->block_rows, 1, 1);
    const Subscript *strip = schedule_loop_open(s, "strip", count, LOOP_SERIAL);
    k->strip.first = subscript_times(s->arena, strip, k->strip.lines);
    k->strip.number = subscript_sum(s->arena, subscript_times(s->arena, schedule_row(s), count), strip);
    k->strip.count = count;
    tiles(s, k);
    schedule_close(s);
    schedule_rows_close(s, before);
    schedule_close(s);
}

void schedule_strips(Scheduler *s, Kernel *k, KernelTiles *tiles) {
    Array *chains = tree_array(s->tree, ARRAY_WORK, 0, k->r.dtype, k->r.outputs, "chains"), *sums = chains;
    k->strip.chains = (ChainArrays){{chains, NULL}};
    if (k->r.chunk > 0 && k->r.chunk < s->block_rows) {
        sums = tree_array(s->tree, ARRAY_WORK, 0, k->r.dtype, k->r.outputs, "sums");
        ChainArrays total = {{sums, NULL}};
        start_chains(s, k, &total);
        ScheduleRow before = schedule_rows_open(s, NULL, s->block_rows, k->r.chunk, 1);
        const Loop *chunk = schedule_open_loop(s);
        start_chains(s, k, &k->strip.chains);
        strips_of_rows(s, k, chunk, tiles);
        add_chunk(s, k, &total, &k->strip.chains, chunk);
        schedule_rows_close(s, before);
    } else {
        start_chains(s, k, &k->strip.chains);
        strips_of_rows(s, k, NULL, tiles);
    }
    schedule_nest_open(s, s->nest->stores[0].node);
    int opened = weights_open(s, k);
    const Scalar *sum = point_load(s, sums, NULL, place_of_chain(s, k));
    schedule_sum(s, &k->r.point, sum, sum);
    schedule_close_all(s, opened);
    schedule_close(s);
}
