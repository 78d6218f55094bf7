/* emit_pack: panels, what one register tile reads of an operand in a block of k, in the order in which it reads it.
 *
 * For each place of k there lie beside each other the vectors of lanes, or the places of the tile. An operand whose
 * neighbours in memory are neighbours along the lanes, or along the tile, is copied a vector at a time. Rows as lanes
 * that have the places of k side by side are turned in registers: squares of as many k as lanes. So are weights whose
 * outputs are the lanes, and values whose rows are summed. What is left of k goes one by one.
 *
 * The operand is evaluated here, whatever it is: rows of columns are gathered, converted and standardised on the way
 * (ir/loops/unstore.c), and turned first, as the bytes that they may be.
 */
#include "codegen/emit_reduce.h"

static void copy_vector(Emitter *e, const Tile *t, const Spot *spot, Index at) {
    LLVMValueRef v = operand_at(e, t->node, &t->space, t->packed, spot, &(LLVMValueRef){NULL});
    at.step = e->lanes > 1;
    store_at(e, REGION_WORK, t->node->dtype, t->block->panel[t->packed], at, v);
}

static void copy_tile(Emitter *e, const Tile *t, const Spot *k, LLVMValueRef place, int tile) {
    int axis = t->nest->tile_axis;
    Spot spot = spot_of_term(t, k, 0);
    Index panel = index_subtract(e, index_of(place), index_of(spot.axis[axis].at));
    spot.axis[axis].at = place;
    memo_clear(e);
    copy_vector(
        e, t, &spot,
        index_add(e, index_scale(e, panel, t->block->panel_pitch), index_scale(e, place_of_term(e, t, k), tile)));
}

/* The panels of tiles lie behind each other, each with all places of k and room for one more. A tile is copied as a vector
 * of a whole power of two, the first elements of its neighbour with it; these are overwritten by the next place of k, or
 * lie in that room. The last tile has no neighbour. */
static void copy_tiles(Emitter *e, const Tile *t, const Spot *k) {
    int tile = e->lanes, wide = 1;
    while (wide < tile) wide *= 2;
    LLVMValueRef begin = t->spot[0].axis[t->nest->tile_axis].at;
    LLVMValueRef last = LLVMBuildSub(e->b, t->tiles_end, index_const(e, tile), "");
    LLVMBasicBlockRef after = if_open(e, LLVMBuildICmp(e->b, LLVMIntSLT, begin, last, ""));
    LoopBlocks l;
    loop_open(e, &l, begin, NULL, 0);
    e->lanes = wide;
    copy_tile(e, t, k, l.index, tile);
    e->lanes = tile;
    loop_close(e, &l, last, tile, NULL);
    if_close(e, after);
    copy_tile(e, t, k, last, tile);
}

void pack_terms(Emitter *e, const Tile *t, const Spot *k) {
    memo_clear(e);
    if (t->tiles_end != NULL) {
        copy_tiles(e, t, k);
        return;
    }
    Index into = index_scale(e, place_of_term(e, t, k), (int64_t)t->vectors * e->lanes);
    for (int j = 0; j < t->vectors; j++) {
        Spot spot = spot_of_term(t, k, j);
        copy_vector(e, t, &spot, index_offset(e, into, (int64_t)j * e->lanes));
    }
}

/* A square of the places `lane` lanes into the panel. */
static void square_at(Emitter *e, const Tile *t, const Spot *k, LLVMValueRef lane) {
    int lanes = e->lanes, part = part_of_square(e, t, t->packed);
    LLVMValueRef square[ORDER_LANES];
    Spot spot = spot_of_term(t, k, 0);
    LLVMValueRef first = LLVMBuildAdd(e->b, lanes_of(t, &spot)->at, lane, "");
    for (int group = 0; group < lanes; group += part) {
        for (int i = 0; i < part; i++) square[i] = parts_of_square(e, t, t->packed, &spot, first, i, group, part);
        turn_parts(e, square, part, lanes);
        for (int i = 0; i < part; i++) {
            Spot place = *k;
            *innermost_term(t, &place) = index_offset(e, *innermost_term(t, &spot), group + i);
            Index at = index_scale(e, place_of_term(e, t, &place), (int64_t)t->vectors * lanes);
            at = index_add(e, at, index_of(lane));
            at.step = 1;
            store_at(e, REGION_WORK, t->node->dtype, t->block->panel[t->packed], at, square[i]);
        }
    }
}

/* One vector of the panel after the other: the rows of several are more streams than a processor fetches ahead. */
static void squares_of_panel(Emitter *e, const Tile *t, Spot *k, LLVMValueRef begin, LLVMValueRef end) {
    LoopBlocks vectors, squares;
    e->lanes_are_rows = false;
    loop_open(e, &vectors, index_const(e, 0), NULL, 0);
    loop_open(e, &squares, begin, NULL, 0);
    *innermost_term(t, k) = index_of(squares.index);
    square_at(e, t, k, vectors.index);
    loop_close(e, &squares, end, e->lanes, NULL);
    loop_close(e, &vectors, index_const(e, (int64_t)t->vectors * e->lanes), e->lanes, NULL);
    e->lanes_are_rows = t->nest->lanes == LANES_ROWS;
}

/* A column as it is: from the rows to the panel. */
static void store_square(Emitter *e, const Tile *t, const Spot *k, const Spot *spot, LLVMValueRef lane) {
    const Node *column = t->node->source[t->packed];
    int64_t bytes = (int64_t)dtype_bytes(column->dtype), width = (int64_t)e->lanes * t->vectors;
    Spot element = spot_through(e, &t->node->attr.contraction->access[t->packed], spot, t->space.extent, t->space.axes,
                                column->shape, spot->row, t->space.peeled[t->packed], &(LLVMValueRef){NULL});
    Index at = index_add(e, index_scale(e, place_of_term(e, t, k), width), index_of(lane));
    LLVMValueRef to = LLVMBuildMul(e->b, at.at, index_const(e, bytes), "");
    to = LLVMBuildInBoundsGEP2(e->b, e->i8, t->block->panel[t->packed], &to, 1, "");
    column_square_store(e, column, spot_linear(e, &element, column->shape).at, to, width);
}

/* Rows of columns, a vector of rows after the other: elements of the columns are turned before they are converted. */
static void squares_of_columns(Emitter *e, const Tile *t, Spot *k, LLVMValueRef begin, LLVMValueRef end) {
    int last = t->space.axes - 1, width = e->lanes * t->vectors;
    LoopBlocks vectors, squares;
    loop_open(e, &vectors, index_const(e, 0), NULL, 0);
    Spot spot = spot_of_term(t, k, 0);
    spot.row = index_add(e, spot.row, index_of(vectors.index));
    column_square_open(e, t->nest, t->packed, spot.row);
    loop_open(e, &squares, begin, NULL, 0);
    prefetch_square(e, t->nest, spot.row.at, squares.index);
    column_square_start(e);
    bool as_it_is = t->node->source[t->packed]->op == OP_COLUMN;
    if (as_it_is) {
        k->axis[last] = spot.axis[last] = index_of(squares.index);
        store_square(e, t, k, &spot, vectors.index);
    }
    for (int i = 0; i < COLUMN_SQUARE && !as_it_is; i++) {
        Spot place = *k;
        place.axis[last] = spot.axis[last] = index_offset(e, index_of(squares.index), i);
        memo_clear(e);
        column_square_place(e, i);
        LLVMValueRef v = operand_at(e, t->node, &t->space, t->packed, &spot, &(LLVMValueRef){NULL});
        Index at = index_add(e, index_scale(e, place_of_term(e, t, &place), width), index_of(vectors.index));
        at.step = 1;
        store_at(e, REGION_WORK, t->node->dtype, t->block->panel[t->packed], at, v);
    }
    loop_close(e, &squares, end, COLUMN_SQUARE, NULL);
    column_square_close(e);
    loop_close(e, &vectors, index_const(e, width), e->lanes, NULL);
}

/* Rows that are summed are there up to a whole square; so is room for them, where a block has whole squares. */
static bool may_pass_end(const Emitter *e, const Tile *t) {
    return t->row_begin != NULL && t->nest->blocks->axis == BLOCKS_ROWS && t->nest->blocks->places % e->lanes == 0;
}

LLVMValueRef pack_squares(Emitter *e, const Tile *t, Spot *k, LLVMValueRef begin, LLVMValueRef end) {
    bool of_columns = column_square_fits(e, t->nest, t->packed);
    int64_t lanes = of_columns ? COLUMN_SQUARE : e->lanes;
    LLVMValueRef size = index_const(e, lanes), terms = LLVMBuildSub(e->b, end, begin, "");
    if (may_pass_end(e, t)) terms = LLVMBuildAdd(e->b, terms, index_const(e, lanes - 1), "");
    LLVMValueRef count = LLVMBuildUDiv(e->b, terms, size, "");
    LLVMValueRef whole = LLVMBuildAdd(e->b, begin, LLVMBuildMul(e->b, count, size, ""), "");
    LLVMBasicBlockRef after = if_open(e, LLVMBuildICmp(e->b, LLVMIntSLT, begin, whole, ""));
    if (of_columns)
        squares_of_columns(e, t, k, begin, whole);
    else
        squares_of_panel(e, t, k, begin, whole);
    if_close(e, after);
    memo_clear(e);
    return whole;
}
