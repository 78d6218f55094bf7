/* emit_convolution: contractions whose lanes are channels (ir/loops/layout.c): vectors of the result's channels, a
 * few pixels as the tile, and around the body the window and the image's channels, in the order of k.
 *
 * Absent terms at the borders: along the axes that tiles do not move, the loops of the window have bounds
 * that leave them out. Along the tiles' axis the tiles at the ends are emitted by themselves, with the window
 * unrolled, so that it is known which pixels of the tile have a term; the tiles between have all of them. A
 * strided image (the data gradient of a convolution with steps) has a place for some results only: tiles are
 * then made of results that are as many places apart, so that all of a tile have a term or none.
 *
 * Packed weights that are too many for the first-level cache come from the second once a tile, too late for so short a
 * loop: they are fetched some turns of it ahead.
 */
#include "codegen/emit_convolution.h"

/* ---- forward, data gradient ------------------------------------------------------------------------ */
static void find_window(ConvolutionKernel *k) {
    const Access *access = &k->c->access[k->v->image];
    k->tile_operand = k->v->image;
    k->tile_mover = k->v->tile_axis;
    for (int a = 0; a < access->rank; a++)
        if (access->axis[a].coef[k->v->tile_axis] != 0) k->tile_source = a;
    for (int i = k->space.result; i < k->space.axes; i++)
        if (access->axis[k->tile_source].coef[i] != 0 && k->space.extent[i] > 1) k->window = i;
}

static void emit_pixels(Emitter *e, ConvolutionKernel *k, Index first, int members) {
    k->members = members;
    for (int i = members - 1; i >= 0; i--) {
        k->member[i] = k->member[0];
        k->member[i].axis[k->v->tile_axis] = index_offset(e, first, i * k->step);
    }
    LLVMValueRef chain[MOST_CHAINS];
    for (int i = 0; i < members * k->vectors; i++) chain[i] = chain_start(e, k->node, e->lanes).v[0];
    k->present = k->at_border && k->window < 0 ? members_with_term(k, 0) : UINT32_MAX;
    if (k->present != 0) walk_all(e, k, chain);
    Spot spot[MOST_CHAINS];
    Chain sum[MOST_CHAINS];
    for (int i = 0; i < members; i++)
        for (int j = 0; j < k->vectors; j++) {
            Spot *at = &spot[i * k->vectors + j];
            *at = k->member[i];
            at->axis[k->nest->lanes] = index_offset(e, at->axis[k->nest->lanes], j * e->lanes);
            sum[i * k->vectors + j] = (Chain){{chain[i * k->vectors + j]}};
        }
    finish_tile(e, k->nest, spot, sum, members, k->vectors, k->v->tile_axis, k->step);
}

/* Do all members of the tile have a term for each place of the window? */
static bool is_between(const ConvolutionKernel *k, int64_t first, int members) {
    int64_t taps = k->window >= 0 ? k->space.extent[k->window] : 1;
    for (int64_t tap = 0; tap < taps; tap++)
        for (int i = 0; i < members; i++)
            if (!has_term(k, first + i * k->step, tap)) return false;
    return true;
}

/* The tiles whose places are begin, begin + step, ...: as equal as they can be, the larger first. */
static void emit_phase(Emitter *e, ConvolutionKernel *k, int64_t begin) {
    int64_t extent = k->space.extent[k->v->tile_axis], places = (extent - begin + k->step - 1) / k->step;
    int64_t tiles = (places + k->nest->tile - 1) / k->nest->tile;
    for (int64_t t = 0, place = 0; t < tiles;) {
        int members = (int)(places / tiles + (t < places % tiles));
        int64_t equal = 0, next = place;
        while (t + equal < tiles && places / tiles + (t + equal < places % tiles) == members &&
               is_between(k, begin + next * k->step, members)) {
            equal++;
            next += members;
        }
        k->at_border = equal == 0;
        k->first = begin + place * k->step;
        if (equal <= 1) {
            emit_pixels(e, k, index_at(e, k->first), members);
            place += members;
            t++;
            continue;
        }
        LoopBlocks l;
        loop_open(e, &l, index_const(e, k->first), NULL, 0);
        emit_pixels(e, k, index_of(l.index), members);
        loop_close(e, &l, index_const(e, begin + next * k->step), members * k->step, NULL);
        place = next;
        t += equal;
    }
}

static void pixels_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)tile, (void)context;
    ConvolutionKernel k = kernel_new(nest, spot, vectors);
    find_window(&k);
    const AxisMap *map = &k.c->access[k.v->image].axis[k.tile_source];
    int64_t stride = map->coef[k.v->tile_axis];
    while (stride * k.step % map->divisor != 0) k.step++;
    for (int64_t phase = 0; phase < k.step && phase < k.space.extent[k.v->tile_axis]; phase++) emit_phase(e, &k, phase);
}

/* How many innermost loops a row has, at most. */
static int64_t loops_of_row(const Emitter *e, const Nest *nest) {
    const Contraction *c = nest->reduce->attr.contraction;
    int64_t loops = nest_tiles(e, nest);
    for (int k = 0; k + 1 < c->reduced; k++) loops *= c->extent[k];
    return loops;
}

static void emit_pixel_kernel(Emitter *e, const Nest *nest) {
    next_row_start(e, nest, loops_of_row(e, nest));
    nest_loops(e, nest, pixels_body, NULL);
}

void emit_convolution(Emitter *e, const Nest *nest) {
    if (nest->convolution->chunk_lanes)
        emit_chunk_lanes(e, nest);
    else if (nest->rows)
        emit_pixel_kernel(e, nest);
    else
        emit_weight_gradient(e, nest);
}
