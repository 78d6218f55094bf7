/* emit_contraction: a kernel in blocks for the caches (ir/tile.c says which).
 *
 *     for the axes that are neither lanes nor tile
 *       for each block of the tile axis
 *         for each block of k                      ascending: a chain takes its terms in the order of k
 *           for each panel of lanes                pack it, if it is not read in place
 *             for each tile of the block           sums from `partial`, but in the first block of k;
 *                                                  to `partial`, but after the last: there is the epilogue
 *
 * A panel stays in the first-level cache while the tiles pass, the tile operand of a block and the sums in the
 * second. Sums lie [place in the block of the tile axis][lane].
 */
#include "codegen/emit_reduce.h"

typedef struct Kernel {
    const Nest *nest; const Node *node; const Blocks *blocks;
    Space space;
    Spot  spot;
    Block block;
    Value row_begin, row_end;             /* rows summed in this block; NULL: none */
    Value fresh, last;                    /* is this the first, the last block of k; NULL: yes */
    Value tile_begin;                     /* of the block of the tile axis */
    int   vectors;
} Kernel;

static Value and_also(Emitter *e, Value a, Value b) {
    return a == NULL ? b : b == NULL ? a : LLVMBuildAnd(e->b, a, b, "");
}

/* ---- one tile -------------------------------------------------------------------------------------- */
static Tile tile_of_kernel(Emitter *e, const Kernel *k, int tile) {
    Tile t = tile_new(e, k->nest, &k->spot, tile, k->vectors);
    t.block = &k->block;
    t.row_begin = k->row_begin;
    t.row_end = k->row_end;
    t.unroll = false;
    return t;
}

static Index partial_index(Emitter *e, const Kernel *k, const Spot *spot) {
    Index place = index_of(LLVMBuildSub(e->b, spot->axis[k->nest->tile_axis].at, k->tile_begin, ""));
    Index lane = k->nest->lanes == LANES_ROWS ? spot->row : spot->axis[k->nest->lanes];
    Index at = index_add(e, index_scale(e, place, k->blocks->pitch), index_of(lane.at));
    at.step = 1;
    return at;
}

static Chain chain_of_block(Emitter *e, const Kernel *k, const Spot *spot) {
    Chain chain = chain_start(e, k->node, e->lanes);
    if (k->fresh == NULL)
        return chain;
    Value before = load_at(e, REGION_WORK, k->node->dtype, buffer_base(e, k->blocks->partial),
                           partial_index(e, k, spot));
    chain.v[0] = LLVMBuildSelect(e->b, k->fresh, chain.v[0], before, "");
    return chain;
}

static void emit_tile(Emitter *e, const Kernel *k, int tile) {
    Tile t = tile_of_kernel(e, k, tile);
    Chain chain[MOST_CHAINS];
    for (int i = 0; i < t.count; i++)
        chain[i] = chain_of_block(e, k, &t.spot[i]);
    tile_rows(e, &t, chain);
    LLVMBasicBlockRef after = NULL;
    if (k->last != NULL) {
        after = if_open(e, LLVMBuildNot(e->b, k->last, ""));
        Value base = buffer_base(e, k->blocks->partial);
        for (int i = 0; i < t.count; i++)
            store_at(e, REGION_WORK, k->node->dtype, base, partial_index(e, k, &t.spot[i]), chain[i].v[0]);
        if_close(e, after);
        after = if_open(e, k->last);
    }
    for (int i = 0; i < t.count; i++)
        finish_valid(e, k->nest, &t.spot[i], chain[i], finish);
    if (after != NULL)
        if_close(e, after);
}

/* ---- tiles of a block ------------------------------------------------------------------------------ */
static void emit_tiles(Emitter *e, Kernel *k) {
    int axis = k->nest->tile_axis, tile = k->nest->tile;
    int64_t extent = k->space.extent[axis], whole = extent / tile * tile;
    bool cut = k->blocks->tile < extent;
    Value block_end = LLVMBuildAdd(e->b, k->tile_begin, index_const(e, k->blocks->tile), "");
    LLVMBasicBlockRef after = NULL;
    if (whole > 0) {
        Value end = cut ? smaller(e, block_end, index_const(e, whole)) : index_const(e, whole);
        if (cut && whole < extent)        /* the last block may be the rest alone */
            after = if_open(e, LLVMBuildICmp(e->b, LLVMIntSLT, k->tile_begin, end, ""));
        LoopBlocks l;
        loop_open(e, &l, k->tile_begin, NULL, 0);
        k->spot.axis[axis] = index_of(l.index);
        emit_tile(e, k, tile);
        loop_close(e, &l, end, tile, NULL);
        if (after != NULL)
            if_close(e, after);
    }
    if (whole == extent)
        return;
    after = NULL;
    if (cut)
        after = if_open(e, LLVMBuildICmp(e->b, LLVMIntSGE, block_end, index_const(e, extent), ""));
    k->spot.axis[axis] = index_at(e, whole);
    emit_tile(e, k, (int)(extent - whole));
    if (after != NULL)
        if_close(e, after);
}

/* ---- panels ---------------------------------------------------------------------------------------- */
static void emit_panel(Emitter *e, Kernel *k) {
    memo_clear(e);
    if (k->blocks->packed >= 0) {
        k->spot.axis[k->nest->tile_axis] = index_of(k->tile_begin);
        Tile t = tile_of_kernel(e, k, 1);
        t.packs = true;
        t.count = 0;
        tile_rows(e, &t, NULL);
    }
    emit_tiles(e, k);
    memo_clear(e);
}

static void set_lanes(Kernel *k, Index at) {
    if (k->nest->lanes == LANES_ROWS)
        k->spot.row = at;
    else
        k->spot.axis[k->nest->lanes] = at;
}

static void emit_panels(Emitter *e, Kernel *k) {
    bool rows = k->nest->lanes == LANES_ROWS;
    int64_t extent = rows ? e->f->block : k->space.extent[k->nest->lanes];
    Piece pieces[MOST_PIECES];
    int count = split_axis(extent, loop_lanes(e->target, k->nest), k->nest->vectors, k->nest->wide_rest, pieces);
    for (int i = 0; i < count; i++) {
        const Piece *p = &pieces[i];
        int64_t width = (int64_t)p->lanes * p->unroll, end = p->begin + p->count * width;
        LLVMBasicBlockRef after = NULL;
        if (rows && p->begin > 0)
            after = if_open(e, LLVMBuildICmp(e->b, LLVMIntSLT, index_const(e, p->begin), e->block_rows, ""));
        e->lanes = p->lanes;
        e->valid_lanes = p->valid;
        e->lanes_are_rows = rows;
        k->vectors = p->unroll;
        int step = p->lanes > 1 ? 1 : 0;
        if (p->count == 1) {
            set_lanes(k, (Index){.at = index_const(e, p->begin), .step = step});
            emit_panel(e, k);
        } else {
            LoopBlocks l;
            loop_open(e, &l, index_const(e, p->begin), NULL, 0);
            set_lanes(k, (Index){.at = l.index, .step = step});
            emit_panel(e, k);
            loop_close(e, &l, rows ? smaller(e, e->block_rows, index_const(e, end)) : index_const(e, end), width,
                       NULL);
        }
        if (after != NULL)
            if_close(e, after);
    }
    e->lanes = 1;
    e->valid_lanes = 0;
    e->lanes_are_rows = false;
}

/* ---- blocks of k ------------------------------------------------------------------------------------ */
static void emit_cut_axis(Emitter *e, Kernel *k, Value fresh, Value last) {
    const Blocks *b = k->blocks;
    bool rows = b->axis == BLOCKS_ROWS;
    Value end = rows ? e->block_rows : index_const(e, k->space.extent[k->space.result + b->axis]);
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    Value next = LLVMBuildAdd(e->b, l.index, index_const(e, b->places), ""), here = smaller(e, next, end);
    k->fresh = and_also(e, fresh, LLVMBuildICmp(e->b, LLVMIntEQ, l.index, index_const(e, 0), ""));
    k->last = and_also(e, last, LLVMBuildICmp(e->b, LLVMIntSGE, next, end, ""));
    if (rows) {
        k->row_begin = k->block.row_begin = l.index;
        k->row_end = here;
    } else {
        k->block.begin[k->space.result + b->axis] = l.index;
        k->block.end[k->space.result + b->axis] = b->places > 1 ? here : NULL;
    }
    emit_panels(e, k);
    loop_close(e, &l, end, b->places, NULL);
}

/* axis: of the reduced ones, or BLOCKS_ROWS */
static void emit_blocks(Emitter *e, Kernel *k, int axis, Value fresh, Value last) {
    if (!k->blocks->several) {
        k->fresh = k->last = NULL;
        if (k->node->attr.contraction->over_rows) {
            k->row_begin = k->block.row_begin = index_const(e, 0);
            k->row_end = e->block_rows;
        }
        emit_panels(e, k);
        return;
    }
    if (axis == k->blocks->axis) {
        emit_cut_axis(e, k, fresh, last);
        return;
    }
    bool rows = axis == BLOCKS_ROWS;
    Value end = rows ? e->block_rows : index_const(e, k->space.extent[k->space.result + axis]);
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    Value next = LLVMBuildAdd(e->b, l.index, index_const(e, 1), "");
    fresh = and_also(e, fresh, LLVMBuildICmp(e->b, LLVMIntEQ, l.index, index_const(e, 0), ""));
    last = and_also(e, last, LLVMBuildICmp(e->b, LLVMIntEQ, next, end, ""));
    if (rows) {
        k->row_begin = k->block.row_begin = l.index;
        k->row_end = next;
    } else {
        k->block.begin[k->space.result + axis] = l.index;
    }
    emit_blocks(e, k, axis + 1, fresh, last);
    loop_close(e, &l, end, 1, NULL);
}

/* ---- outputs ---------------------------------------------------------------------------------------- */
static void emit_tile_blocks(Emitter *e, Kernel *k) {
    int64_t extent = k->space.extent[k->nest->tile_axis];
    int first = k->node->attr.contraction->over_rows ? BLOCKS_ROWS : 0;
    k->tile_begin = index_const(e, 0);
    if (k->blocks->tile >= extent) {
        emit_blocks(e, k, first, NULL, NULL);
        return;
    }
    LoopBlocks l;
    loop_open(e, &l, k->tile_begin, NULL, 0);
    k->tile_begin = l.index;
    emit_blocks(e, k, first, NULL, NULL);
    loop_close(e, &l, index_const(e, extent), k->blocks->tile, NULL);
}

static void emit_others(Emitter *e, Kernel *k, int axis) {
    if (axis == k->nest->space.rank) {
        emit_tile_blocks(e, k);
        return;
    }
    if (axis == k->nest->lanes || axis == k->nest->tile_axis) {
        emit_others(e, k, axis + 1);
        return;
    }
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    k->spot.axis[axis] = index_of(l.index);
    emit_others(e, k, axis + 1);
    loop_close(e, &l, index_const(e, k->nest->space.extent[axis]), 1, NULL);
}

/* The panel: the places of a block of k in order, each `width` elements. */
static void set_panel(Emitter *e, Kernel *k) {
    const Blocks *b = k->blocks;
    k->block.packed = b->packed;
    if (b->packed < 0)
        return;
    k->block.panel = buffer_base(e, b->panel);
    int64_t stride = b->width;
    int least = b->axis == BLOCKS_ROWS ? 0 : b->axis;
    for (int a = k->space.axes - 1; a >= k->space.result + least; a--) {
        k->block.stride[a] = stride;
        stride *= k->space.extent[a];
    }
    k->block.row_stride = b->axis == BLOCKS_ROWS ? stride : 0;
}

void emit_contraction(Emitter *e, const Nest *nest) {
    Kernel k = {.nest = nest, .node = nest->reduce, .blocks = nest->blocks, .space = space_of(nest->reduce)};
    if (shape_size(nest->space) == 0)
        return;
    e->nest = nest;
    k.spot.row = index_at(e, 0);
    set_panel(e, &k);
    emit_others(e, &k, 0);
    e->nest = NULL;
}
