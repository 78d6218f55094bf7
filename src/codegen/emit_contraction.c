/* emit_contraction: a kernel in blocks for the caches (ir/loops/tile.c says which).
 *
 *     for the axes that are neither lanes nor tile
 *       for each block of lanes           a packed operand of lanes that several blocks of tiles read: packed here
 *         for each block of the tile axis
 *           for each block of k            ascending: a chain takes its terms in the order of k;
 *                                          operands that are packed are packed here
 *             for each panel of lanes
 *               for each tile of the block     or the other way round; sums from `partial`, but in the first block of k;
 *                                          to `partial`, but after the last: there is the epilogue
 *
 * Threads share one of the axes of outputs; what is packed and the sums that wait are each thread's own.
 *
 * What the inner loop passes by comes from the second-level cache, and so do sums that wait. These lie [place in the
 * block of the tile axis][place in the block of lanes].
 */
#include "codegen/emit_reduce.h"

typedef struct BlockedContraction {
    const Nest *nest;
    const Node *node;
    const Blocks *blocks;
    Space space;
    Spot spot;
    Block block;
    LLVMValueRef row_begin, row_end; /* rows summed in this block; NULL: none */
    LLVMValueRef fresh, last;        /* is this the first, the last block of k; NULL: yes */
    /* of the blocks; tile_end, lane_end NULL: where the axis ends */
    LLVMValueRef tile_begin, tile_end, lane_begin, lane_end;
    LLVMValueRef number; /* of this block of k */
    int tile, vectors;   /* of the piece that is emitted */
} BlockedContraction;
typedef void PieceBody(Emitter *e, BlockedContraction *k);

static LLVMValueRef and_also(Emitter *e, LLVMValueRef a, LLVMValueRef b) {
    return a == NULL ? b : LLVMBuildAnd(e->b, a, b, "");
}

static int64_t lanes_extent(const Emitter *e, const BlockedContraction *k) {
    return k->nest->lanes == LANES_ROWS ? e->f->block : k->space.extent[k->nest->lanes];
}

static Index lane_index(const Nest *nest, const Spot *spot) {
    return nest->lanes == LANES_ROWS ? spot->row : spot->axis[nest->lanes];
}

/* Rows that are tiles may pass the last one: as many as a tile has divide what buffers hold. */
static Index tile_index(const Nest *nest, const Spot *spot) {
    return nest->tile_axis == TILE_ROWS ? spot->row : spot->axis[nest->tile_axis];
}

static void set_tile(BlockedContraction *k, Index at) {
    if (k->nest->tile_axis == TILE_ROWS)
        k->spot.row = at;
    else
        k->spot.axis[k->nest->tile_axis] = at;
}

/* At most, and here. */
static int64_t most_tiles(const Emitter *e, const BlockedContraction *k) {
    return k->nest->tile_axis == TILE_ROWS ? e->f->block : k->space.extent[k->nest->tile_axis];
}

static LLVMValueRef tiles_extent(Emitter *e, const BlockedContraction *k) {
    if (k->nest->tile_axis == TILE_ROWS) return k->nest->stores[0].kind == STORE_ROWS ? e->block_rows : e->block_padded;
    return index_const(e, k->space.extent[k->nest->tile_axis]);
}

static void set_lanes(BlockedContraction *k, Index at) {
    if (k->nest->lanes == LANES_ROWS)
        k->spot.row = at;
    else
        k->spot.axis[k->nest->lanes] = at;
}

static void visit_column(void *context, const Read *read) {
    bool *found = context;
    *found |= read->node->op == OP_COLUMN;
}

static bool reads_columns(const LoopFunction *f, const Nest *nest) {
    bool found = false;
    nest_reads(f, nest, visit_column, &found);
    return found && f->steps;
}

/* ---- panels ---------------------------------------------------------------------------------------- */
/* `place` places of lanes or of the tile axis into the block. */
static LLVMValueRef panel_of(Emitter *e, const BlockedContraction *k, int operand, LLVMValueRef place) {
    const Blocks *b = k->blocks;
    if (b->lanes_once && operand == b->lane_operand)
        place = LLVMBuildAdd(e->b, place, LLVMBuildMul(e->b, k->number, index_const(e, b->pitch), ""), "");
    int64_t pitch = operand == b->lane_operand ? b->terms : k->block.panel_pitch;
    LLVMValueRef bytes = LLVMBuildMul(e->b, place, index_const(e, pitch * (int64_t)dtype_bytes(k->node->dtype)), "");
    return LLVMBuildInBoundsGEP2(e->b, e->i8, buffer_base(e, b->packed[operand]), &bytes, 1, "");
}

static void set_panels(Emitter *e, BlockedContraction *k) {
    int of_lanes = k->blocks->lane_operand;
    LLVMValueRef lane = LLVMBuildSub(e->b, lane_index(k->nest, &k->spot).at, k->lane_begin, "");
    LLVMValueRef place = LLVMBuildSub(e->b, tile_index(k->nest, &k->spot).at, k->tile_begin, "");
    for (int s = 0; s < 2; s++)
        k->block.panel[s] = k->blocks->packs[s] ? panel_of(e, k, s, s == of_lanes ? lane : place) : NULL;
}

static Tile tile_of_kernel(Emitter *e, BlockedContraction *k, int tile, int vectors) {
    set_panels(e, k);
    Tile t = tile_new(e, k->nest, &k->spot, tile, vectors);
    t.block = &k->block;
    t.row_begin = k->row_begin;
    t.row_end = k->row_end;
    t.unroll = false;
    return t;
}

static void pack(Emitter *e, Tile *t, int operand) {
    t->packs = true;
    t->packed = operand;
    t->count = 0;
    tile_rows(e, t, NULL);
    memo_clear(e);
}

/* Where columns are packed: once, with the first block of k. */
static void fetch_rows(Emitter *e, BlockedContraction *k) {
    if (k->nest->lanes != LANES_ROWS || !reads_columns(e->f, k->nest) ||
        column_square_fits(e, k->nest, k->blocks->lane_operand))
        return;
    LLVMBasicBlockRef first = k->fresh == NULL ? NULL : if_open(e, k->fresh);
    LLVMValueRef begin = k->spot.row.at,
                 end = LLVMBuildAdd(e->b, begin, index_const(e, (int64_t)k->vectors * e->lanes), "");
    LoopBlocks l;
    loop_open(e, &l, begin, NULL, 0);
    prefetch_rows(e, k->nest, l.index);
    loop_close(e, &l, smaller(e, end, e->block_rows), 1, NULL);
    if (first != NULL) if_close(e, first);
}

static void pack_lanes(Emitter *e, BlockedContraction *k) {
    fetch_rows(e, k);
    set_tile(k, index_of(k->tile_begin));
    Tile t = tile_of_kernel(e, k, 1, k->vectors);
    t.turns = k->blocks->turns && e->lanes >= 4;
    pack(e, &t, k->blocks->lane_operand);
}

/* The places of a tile are the lanes of what is copied. For each k some tiles one after the other, as they lie in memory:
 * several lines of a row at a time, but no more panels than have room in the first level. */
enum { TILES_TOGETHER = 16 };

static void pack_tiles_until(Emitter *e, BlockedContraction *k, LLVMValueRef end, int width) {
    int axis = k->nest->tile_axis;
    set_lanes(k, index_of(k->lane_begin));
    k->tile = width;
    k->spot.axis[axis].step = width > 1;
    e->lanes = width;
    Tile t = tile_of_kernel(e, k, 1, 1);
    t.tiles_end = end;
    pack(e, &t, 1 - k->blocks->lane_operand);
    k->spot.axis[axis].step = 0;
    e->lanes = 1;
}

static void pack_rest(Emitter *e, BlockedContraction *k) { pack_tiles_until(e, k, NULL, k->tile); }

/* ---- one tile -------------------------------------------------------------------------------------- */
static Index partial_index(Emitter *e, const BlockedContraction *k, const Spot *spot) {
    Index lane = lane_index(k->nest, spot);
    LLVMValueRef place = LLVMBuildSub(e->b, tile_index(k->nest, spot).at, k->tile_begin, "");
    Index at = index_scale(e, index_of(place), k->blocks->pitch);
    at = index_add(e, at, index_of(LLVMBuildSub(e->b, lane.at, k->lane_begin, "")));
    at.step = e->lanes > 1;
    return at;
}

static Chain chain_of_block(Emitter *e, const BlockedContraction *k, const Spot *spot) {
    Chain chain = chain_start(e, k->node, e->lanes);
    if (k->fresh == NULL) return chain;
    LLVMValueRef before = load_at(e, REGION_WORK, k->node->dtype, buffer_base(e, k->blocks->partial),
                                  partial_index(e, k, spot));
    chain.v[0] = LLVMBuildSelect(e->b, k->fresh, chain.v[0], before, "");
    return chain;
}

static void store_partial(Emitter *e, const BlockedContraction *k, const Tile *t, const Chain *chain) {
    LLVMValueRef base = buffer_base(e, k->blocks->partial);
    for (int i = 0; i < t->count; i++)
        store_at(e, REGION_WORK, k->node->dtype, base, partial_index(e, k, &t->spot[i]), chain[i].v[0]);
}

/* Parameters that a tile updates when its sums are complete, and that have no room in the second level: they are asked for
 * before the sums. */
static void fetch_updated(Emitter *e, const BlockedContraction *k, const Tile *t) {
    for (int s = 0; s < k->nest->store_count; s++) {
        const Store *store = &k->nest->stores[s];
        size_t bytes = (size_t)shape_size(store->value->shape) * dtype_bytes(store->value->dtype);
        if (store->kind != STORE_CELL || bytes <= e->target->l2 / 2) continue;
        LLVMBasicBlockRef after = k->last != NULL ? if_open(e, k->last) : NULL;
        for (int i = 0; i < t->count; i++)
            prefetch_at(e, store->value->dtype, cell_base(e, store->index),
                        spot_linear(e, &t->spot[i], store->value->shape).at, 2);
        if (after != NULL) if_close(e, after);
    }
}

/* Rows of a tile that are past the last one store what the last one does. */
static void finish_outputs(Emitter *e, const BlockedContraction *k, Tile *t, const Chain *chain) {
    if (k->nest->tile_axis != TILE_ROWS) {
        finish_tile(e, k->nest, t->spot, chain, t->tile, t->vectors, k->nest->tile_axis, 1);
        return;
    }
    bool leave = k->nest->stores[0].kind == STORE_ROWS;
    for (int i = 0; i < t->count; i++) {
        if (leave)
            t->spot[i].row.at = smaller(e, t->spot[i].row.at, LLVMBuildSub(e->b, e->block_rows, index_const(e, 1), ""));
        finish_valid(e, k->nest, &t->spot[i], chain[i], finish);
    }
}

static void emit_tile(Emitter *e, BlockedContraction *k) {
    Tile t = tile_of_kernel(e, k, k->tile, k->vectors);
    fetch_updated(e, k, &t);
    Chain chain[MOST_CHAINS];
    for (int i = 0; i < t.count; i++) chain[i] = chain_of_block(e, k, &t.spot[i]);
    tile_rows(e, &t, chain);
    LLVMBasicBlockRef after = NULL;
    if (k->nest->leaves_turned) {
        store_partial(e, k, &t, chain);
        memo_clear(e);
        return;
    }
    if (k->last != NULL) {
        after = if_open(e, LLVMBuildNot(e->b, k->last, ""));
        store_partial(e, k, &t, chain);
        if_close(e, after);
        after = if_open(e, k->last);
    }
    finish_outputs(e, k, &t, chain);
    if (after != NULL) if_close(e, after);
    memo_clear(e);
}

/* ---- pieces of a block: tiles, panels of lanes -------------------------------------------------------- */
/* Where the whole tiles of the block end. */
static LLVMValueRef whole_end(Emitter *e, const BlockedContraction *k) {
    if (k->nest->tile_axis == TILE_ROWS) return k->tile_end != NULL ? k->tile_end : tiles_extent(e, k);
    int64_t whole = k->space.extent[k->nest->tile_axis] / k->nest->tile * k->nest->tile;
    return k->tile_end != NULL ? smaller(e, k->tile_end, index_const(e, whole)) : index_const(e, whole);
}

static void whole_tiles(Emitter *e, BlockedContraction *k, PieceBody *body) {
    LLVMValueRef end = whole_end(e, k);
    LLVMBasicBlockRef after = if_open(e, LLVMBuildICmp(e->b, LLVMIntSLT, k->tile_begin, end, ""));
    LoopBlocks l;
    loop_open(e, &l, k->tile_begin, NULL, 0);
    set_tile(k, index_of(l.index));
    k->tile = k->nest->tile;
    body(e, k);
    loop_close(e, &l, end, k->nest->tile, NULL);
    if_close(e, after);
}

static void pack_tiles(Emitter *e, BlockedContraction *k) {
    int64_t step = (int64_t)TILES_TOGETHER * k->nest->tile;
    LLVMValueRef end = whole_end(e, k);
    LLVMBasicBlockRef after = if_open(e, LLVMBuildICmp(e->b, LLVMIntSLT, k->tile_begin, end, ""));
    LoopBlocks l;
    loop_open(e, &l, k->tile_begin, NULL, 0);
    k->spot.axis[k->nest->tile_axis] = index_of(l.index);
    pack_tiles_until(e, k, smaller(e, LLVMBuildAdd(e->b, l.index, index_const(e, step), ""), end), k->nest->tile);
    loop_close(e, &l, end, step, NULL);
    if_close(e, after);
}

static void rest_of_tiles(Emitter *e, BlockedContraction *k, PieceBody *body) {
    int axis = k->nest->tile_axis;
    if (axis == TILE_ROWS || k->space.extent[axis] % k->nest->tile == 0) return;
    int64_t extent = k->space.extent[axis], rest = extent % k->nest->tile;
    LLVMBasicBlockRef after = NULL;
    if (k->tile_end != NULL)
        after = if_open(e, LLVMBuildICmp(e->b, LLVMIntSGE, k->tile_end, index_const(e, extent), ""));
    k->spot.axis[axis] = index_at(e, extent - rest);
    k->tile = (int)rest;
    body(e, k);
    if (after != NULL) if_close(e, after);
}

static void each_tile(Emitter *e, BlockedContraction *k, PieceBody *body) {
    whole_tiles(e, k, body);
    rest_of_tiles(e, k, body);
}

/* One piece of the lanes, as far as it lies in the block. */
static void lanes_piece(Emitter *e, BlockedContraction *k, const Piece *p, PieceBody *body) {
    bool rows = k->nest->lanes == LANES_ROWS, cut = k->lane_end != NULL;
    int64_t width = (int64_t)p->lanes * p->unroll, piece_end = p->begin + p->count * width;
    LLVMValueRef begin = index_const(e, p->begin), end = index_const(e, piece_end);
    LLVMBasicBlockRef after = NULL;
    if (cut) {
        LLVMValueRef later = LLVMBuildICmp(e->b, LLVMIntSGT, k->lane_begin, begin, "");
        begin = LLVMBuildSelect(e->b, later, k->lane_begin, begin, "");
        end = smaller(e, end, k->lane_end);
    }
    if (rows) end = smaller(e, end, e->block_rows);
    if (cut || (rows && p->begin > 0)) after = if_open(e, LLVMBuildICmp(e->b, LLVMIntSLT, begin, end, ""));
    e->lanes = p->lanes;
    e->valid_lanes = p->valid;
    e->lanes_are_rows = rows;
    k->vectors = p->unroll;
    int step = p->lanes > 1 ? 1 : 0;
    if (p->count == 1) {
        set_lanes(k, (Index){.at = begin, .step = step});
        body(e, k);
    } else {
        LoopBlocks l;
        loop_open(e, &l, begin, NULL, 0);
        set_lanes(k, (Index){.at = l.index, .step = step});
        body(e, k);
        loop_close(e, &l, end, width, NULL);
    }
    e->lanes = 1;
    e->valid_lanes = 0;
    e->lanes_are_rows = false;
    if (after != NULL) if_close(e, after);
}

static int lanes_pieces(const Emitter *e, const BlockedContraction *k, Piece *pieces) {
    int lanes = loop_lanes(e->target, k->nest);
    return split_axis(lanes_extent(e, k), lanes, k->nest->vectors, k->nest->wide_rest, pieces);
}

static void each_panel(Emitter *e, BlockedContraction *k, PieceBody *body) {
    Piece pieces[MOST_PIECES];
    int count = lanes_pieces(e, k, pieces);
    for (int i = 0; i < count; i++) lanes_piece(e, k, &pieces[i], body);
}

static void tiles_of_panel(Emitter *e, BlockedContraction *k) { each_tile(e, k, emit_tile); }

static void panels_of_tile(Emitter *e, BlockedContraction *k) { each_panel(e, k, emit_tile); }

static void pack_panels(Emitter *e, BlockedContraction *k) {
    memo_clear(e);
    each_panel(e, k, pack_lanes);
}

static void emit_block(Emitter *e, BlockedContraction *k) {
    memo_clear(e);
    if (k->blocks->packs[k->blocks->lane_operand] && !k->blocks->lanes_once) pack_panels(e, k);
    if (k->blocks->packs[1 - k->blocks->lane_operand]) {
        pack_tiles(e, k);
        rest_of_tiles(e, k, pack_rest);
    }
    if (k->blocks->tiles_outside)
        each_tile(e, k, panels_of_tile);
    else
        each_panel(e, k, tiles_of_panel);
}

/* ---- blocks of k ------------------------------------------------------------------------------------ */
typedef struct TermBlocks {
    LLVMValueRef fresh, last, before;
    PieceBody *body;
} TermBlocks; /* before: blocks of k */

static void emit_cut_axis(Emitter *e, BlockedContraction *k, TermBlocks t) {
    const Blocks *b = k->blocks;
    bool rows = b->axis == BLOCKS_ROWS;
    int64_t extent = rows ? e->f->block : k->space.extent[k->space.result + b->axis];
    LLVMValueRef end = rows ? e->block_rows : index_const(e, extent), places = index_const(e, b->places);
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    LLVMValueRef next = LLVMBuildAdd(e->b, l.index, places, ""), here = smaller(e, next, end);
    LLVMValueRef before = LLVMBuildMul(e->b, t.before, index_const(e, (extent + b->places - 1) / b->places), "");
    k->number = LLVMBuildAdd(e->b, before, LLVMBuildUDiv(e->b, l.index, places, ""), "");
    k->fresh = and_also(e, t.fresh, LLVMBuildICmp(e->b, LLVMIntEQ, l.index, index_const(e, 0), ""));
    k->last = and_also(e, t.last, LLVMBuildICmp(e->b, LLVMIntSGE, next, end, ""));
    if (rows) {
        k->row_begin = k->block.row_begin = l.index;
        k->row_end = here;
    } else {
        k->block.begin[k->space.result + b->axis] = l.index;
        k->block.end[k->space.result + b->axis] = b->places > 1 ? here : NULL;
    }
    t.body(e, k);
    loop_close(e, &l, end, b->places, NULL);
}

/* axis: of the reduced ones, or BLOCKS_ROWS */
static void blocks_from_axis(Emitter *e, BlockedContraction *k, int axis, TermBlocks t) {
    bool rows = axis == BLOCKS_ROWS;
    if (!k->blocks->several) {
        k->number = t.before;
        if (rows) {
            k->row_begin = k->block.row_begin = index_const(e, 0);
            k->row_end = e->block_rows;
        }
        t.body(e, k);
        return;
    }
    if (axis == k->blocks->axis) {
        emit_cut_axis(e, k, t);
        return;
    }
    int64_t extent = rows ? e->f->block : k->space.extent[k->space.result + axis];
    LLVMValueRef end = rows ? e->block_rows : index_const(e, extent);
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    LLVMValueRef next = LLVMBuildAdd(e->b, l.index, index_const(e, 1), "");
    t.fresh = and_also(e, t.fresh, LLVMBuildICmp(e->b, LLVMIntEQ, l.index, index_const(e, 0), ""));
    t.last = and_also(e, t.last, LLVMBuildICmp(e->b, LLVMIntEQ, next, end, ""));
    t.before = LLVMBuildAdd(e->b, LLVMBuildMul(e->b, t.before, index_const(e, extent), ""), l.index, "");
    if (rows) {
        k->row_begin = k->block.row_begin = l.index;
        k->row_end = next;
    } else {
        k->block.begin[k->space.result + axis] = l.index;
    }
    blocks_from_axis(e, k, axis + 1, t);
    loop_close(e, &l, end, 1, NULL);
}

static void blocks_of_k(Emitter *e, BlockedContraction *k, PieceBody *body) {
    int first = k->node->attr.contraction->over_rows ? BLOCKS_ROWS : 0;
    blocks_from_axis(e, k, first, (TermBlocks){.before = index_const(e, 0), .body = body});
}

/* ---- rows for the caller ------------------------------------------------------------------------------ */
static LLVMValueRef sum_at(Emitter *e, const Spot *spot, void *context) {
    const BlockedContraction *k = context;
    return load_at(e, REGION_WORK, k->node->dtype, buffer_base(e, k->blocks->partial), partial_index(e, k, spot));
}

/* A block of tiles by a block of lanes, complete: turned in squares. The last one of the tile axis overlaps the one
 * before, and stores the same values again. */
static void leave_block(Emitter *e, BlockedContraction *k) {
    int axis = k->nest->tile_axis, lanes = loop_lanes(e->target, k->nest);
    int64_t extent = k->space.extent[axis];
    while (lanes > extent) lanes /= 2;
    LLVMValueRef rows = k->lane_end != NULL ? smaller(e, k->lane_end, e->block_rows) : e->block_rows;
    LLVMValueRef end = k->tile_end != NULL ? k->tile_end : index_const(e, extent);
    LLVMBasicBlockRef after = if_open(e, LLVMBuildICmp(e->b, LLVMIntSLT, k->lane_begin, rows, ""));
    LoopBlocks by_row, by_place;
    Spot spot = k->spot;
    loop_open(e, &by_row, k->lane_begin, NULL, 0);
    spot.row = index_of(by_row.index);
    loop_open(e, &by_place, k->tile_begin, NULL, 0);
    spot.axis[axis] = index_of(smaller(e, by_place.index, LLVMBuildSub(e->b, end, index_const(e, lanes), "")));
    leaving_square(e, k->nest, &spot, lanes, rows, sum_at, k);
    loop_close(e, &by_place, end, lanes, NULL);
    loop_close(e, &by_row, rows, lanes, NULL);
    if_close(e, after);
}

static void block_of_outputs(Emitter *e, BlockedContraction *k) {
    blocks_of_k(e, k, emit_block);
    if (k->nest->leaves_turned) leave_block(e, k);
}

/* ---- blocks of outputs ------------------------------------------------------------------------------- */
static void tile_blocks(Emitter *e, BlockedContraction *k) {
    LLVMValueRef extent = tiles_extent(e, k);
    Part part = thread_part(e, k->nest, SPLIT_AXIS + k->nest->tile_axis, extent, k->nest->tile, -1);
    k->tile_begin = index_const(e, 0);
    k->tile_end = NULL;
    if (k->blocks->tile >= most_tiles(e, k) && part.to == NULL) {
        block_of_outputs(e, k);
        return;
    }
    Bounds bounds = bounds_open(e, part, k->tile_begin, extent);
    if (k->blocks->lanes_once) {
        k->tile_begin = bounds.begin;
        blocks_of_k(e, k, pack_panels);
    }
    LoopBlocks l;
    loop_open(e, &l, bounds.begin, NULL, 0);
    k->tile_begin = l.index;
    k->tile_end = smaller(e, LLVMBuildAdd(e->b, l.index, index_const(e, k->blocks->tile), ""), bounds.end);
    block_of_outputs(e, k);
    loop_close(e, &l, bounds.end, k->blocks->tile, NULL);
    bounds_close(e, &bounds);
}

/* The same of a thread's part, which may be those other pieces alone. */
static void blocks_of_part(Emitter *e, BlockedContraction *k, Part part, LLVMValueRef extent, LLVMValueRef whole) {
    Bounds bounds = bounds_open(e, part, k->lane_begin, extent);
    LLVMValueRef end = smaller(e, part.to, smaller(e, whole, extent));
    LoopBlocks l;
    loop_open(e, &l, bounds.begin, NULL, 0);
    k->lane_begin = l.index;
    LLVMValueRef next = LLVMBuildAdd(e->b, l.index, index_const(e, k->blocks->lanes), "");
    k->lane_end = LLVMBuildSelect(e->b, LLVMBuildICmp(e->b, LLVMIntSGE, next, end, ""), part.to, next, "");
    tile_blocks(e, k);
    loop_close(e, &l, end, k->blocks->lanes, NULL);
    bounds_close(e, &bounds);
}

/* Blocks begin at whole panels of the first piece; the last one has all other pieces. */
static void lane_blocks(Emitter *e, BlockedContraction *k) {
    int64_t extent = lanes_extent(e, k);
    bool rows = k->nest->lanes == LANES_ROWS;
    Piece pieces[MOST_PIECES];
    lanes_pieces(e, k, pieces);
    LLVMValueRef lanes = rows ? e->block_rows : index_const(e, extent);
    Part part = thread_part_of_pieces(e, k->nest, rows ? SPLIT_ROWS : SPLIT_AXIS + k->nest->lanes, lanes, pieces);
    k->lane_begin = index_const(e, 0);
    k->lane_end = NULL;
    if (part.to != NULL) {
        blocks_of_part(e, k, part, lanes, index_const(e, pieces[0].count * pieces[0].lanes * pieces[0].unroll));
        return;
    }
    if (k->blocks->lanes >= extent) {
        tile_blocks(e, k);
        return;
    }
    LLVMValueRef end = index_const(e, pieces[0].count * pieces[0].lanes * pieces[0].unroll);
    LoopBlocks l;
    loop_open(e, &l, k->lane_begin, NULL, 0);
    LLVMValueRef next = LLVMBuildAdd(e->b, l.index, index_const(e, k->blocks->lanes), "");
    k->lane_begin = l.index;
    k->lane_end = LLVMBuildSelect(e->b, LLVMBuildICmp(e->b, LLVMIntSGE, next, end, ""), index_const(e, extent), next,
                                  "");
    tile_blocks(e, k);
    loop_close(e, &l, rows ? smaller(e, end, e->block_rows) : end, k->blocks->lanes, NULL);
}

static void other_axes(Emitter *e, BlockedContraction *k, int axis) {
    if (axis == k->nest->space.rank) {
        lane_blocks(e, k);
        return;
    }
    if (axis == k->nest->lanes || axis == k->nest->tile_axis) {
        other_axes(e, k, axis + 1);
        return;
    }
    LLVMValueRef end = index_const(e, k->nest->space.extent[axis]);
    Bounds bounds = bounds_open(e, thread_part(e, k->nest, SPLIT_AXIS + axis, end, 1, -1), index_const(e, 0), end);
    LoopBlocks l;
    loop_open(e, &l, bounds.begin, NULL, 0);
    k->spot.axis[axis] = index_of(l.index);
    other_axes(e, k, axis + 1);
    loop_close(e, &l, bounds.end, 1, NULL);
    bounds_close(e, &bounds);
}

static void set_strides(BlockedContraction *k) {
    int64_t stride = 1;
    int outermost = k->blocks->axis == BLOCKS_ROWS ? 0 : k->blocks->axis;
    for (int a = k->space.axes - 1; a >= k->space.result + outermost; a--) {
        k->block.stride[a] = stride;
        stride *= k->space.extent[a];
    }
    k->block.row_stride = k->blocks->axis == BLOCKS_ROWS ? stride : 0;
}

static void know_rows(Emitter *e, const BlockedContraction *k) {
    int64_t tile = k->nest->tile, image = 1 - k->blocks->lane_operand;
    LLVMValueRef up = LLVMBuildAdd(e->b, e->block_rows, index_const(e, tile - 1), "");
    LLVMValueRef whole = LLVMBuildMul(e->b, LLVMBuildUDiv(e->b, up, index_const(e, tile), ""), index_const(e, tile),
                                      "");
    row_pointers_open(e, k->node->source[image], whole, e->f->block + tile);
}

void emit_contraction(Emitter *e, const Nest *nest) {
    BlockedContraction k = {
        .nest = nest, .node = nest->reduce, .blocks = nest->blocks, .space = space_of(nest->reduce)};
    if (shape_size(nest->space) == 0) return;
    e->nest = nest;
    k.spot.row = index_at(e, 0);
    k.block.panel_pitch = k.blocks->terms + 1;
    set_strides(&k);
    if (nest->tile_axis == TILE_ROWS) know_rows(e, &k);
    other_axes(e, &k, 0);
    row_pointers_close(e);
    e->nest = NULL;
}
