/* emit_nest_loops: the loops of a nest around a body.
 *
 * An axis is cut into pieces at compile time: whole register tiles, the vectors that are left over, and a
 * rest in ever narrower vectors; so no body needs a mask and none touches memory outside its elements. Rows
 * have a run-time count instead: their buffers hold whole vectors, and loops run past the last row to the end
 * of one.
 *
 * The front end unrolls nothing but tiles and loops of very few iterations.
 */
#include "codegen/emit.h"

int split_axis(int64_t extent, int lanes, int unroll, bool wide_rest, Piece *pieces) {
    int count = 0;
    int64_t whole = extent / (lanes * unroll), done = whole * lanes * unroll;
    bool one_left = unroll == 3 && lanes > 1 && whole > 1 && (extent - done) / lanes == 1;
    if (one_left) /* 3 + 1 vectors are better done as 2 + 2 */
        done = --whole * lanes * unroll;
    if (whole > 0) pieces[count++] = (Piece){0, whole, lanes, unroll, 0};
    if (one_left) {
        pieces[count++] = (Piece){done, 2, lanes, 2, 0};
        done += 4 * lanes;
    }
    if ((extent - done) / lanes > 0) {
        pieces[count++] = (Piece){done, 1, lanes, (int)((extent - done) / lanes), 0};
        done += (extent - done) / lanes * lanes;
    }
    int rest = (int)(extent - done), wide = 1;
    while (wide < rest) wide *= 2;
    if (wide_rest && rest > 0 && wide != rest) {
        pieces[count++] = (Piece){done, 1, wide, 1, rest};
        done = extent;
    }
    for (int narrow = lanes / 2; narrow >= 1 && done < extent; narrow /= 2)
        if (extent - done >= narrow) {
            pieces[count++] = (Piece){done, 1, narrow, 1, 0};
            done += narrow;
        }
    return count;
}

int64_t nest_tiles(const Emitter *e, const Nest *nest) {
    int64_t tiles = 1;
    int tile_axis = nest->apart && nest->convolution != NULL ? nest->convolution->tile_axis : nest->tile_axis;
    for (int a = 0; a < nest->space.rank; a++) {
        Piece pieces[MOST_PIECES];
        bool lanes = a == nest->lanes;
        if (nest->convolution != NULL && nest->convolution->taps > 1 && a == nest->convolution->taps_axis)
            continue; /* all of it is in the tile */
        int unroll = lanes ? nest->vectors : a == tile_axis ? nest->tile : 1;
        int count = split_axis(nest->space.extent[a], lanes ? loop_lanes(e->target, nest) : 1, unroll,
                               lanes && nest->wide_rest, pieces);
        int64_t of_axis = 0;
        for (int i = 0; i < count; i++) of_axis += pieces[i].count;
        tiles *= of_axis;
    }
    return tiles;
}

enum { ROWS_AXIS = -1 };

typedef struct Around {
    const Nest *nest;
    int order[MOST_RANK + 1], levels;
    bool unroll;
    Spot spot;
    int tile, vectors;
    NestBody *body;
    void *context;
} Around;

static void go_around(Emitter *e, Around *a, int level);

static bool is_to_rows(const Nest *nest) { return nest->store_count > 0 && nest->stores[0].kind == STORE_ROWS; }

/* Rows of a relay are whole vectors. */
static void around_relay_rows(Emitter *e, Around *a, int level) {
    int lanes = loop_lanes(e->target, a->nest), vectors = a->nest->vectors;
    e->lanes = lanes;
    e->lanes_are_rows = true;
    a->vectors = vectors;
    if (lanes * vectors == e->relay_rows) {
        a->spot.row = (Index){.at = e->relay_row, .step = 1};
        go_around(e, a, level + 1);
    } else {
        LoopBlocks l;
        loop_open(e, &l, e->relay_row, NULL, 0);
        a->spot.row = (Index){.at = l.index, .step = 1};
        go_around(e, a, level + 1);
        LLVMValueRef end = LLVMBuildAdd(e->b, e->relay_row, index_const(e, e->relay_rows), "");
        loop_close(e, &l, end, (int64_t)lanes * vectors, NULL);
    }
    e->lanes = 1;
    e->lanes_are_rows = false;
    a->vectors = 1;
}

static void around_rows(Emitter *e, Around *a, int level) {
    if (a->nest->lanes == LANES_ROWS && e->relay_row != NULL) {
        around_relay_rows(e, a, level);
        return;
    }
    if (a->nest->lanes != LANES_ROWS) {
        LLVMValueRef end = is_to_rows(a->nest) ? e->block_rows : e->block_padded;
        Bounds rows = bounds_open(e, thread_part(e, a->nest, SPLIT_ROWS, end, 1, -1), index_const(e, 0), end);
        LoopBlocks l;
        loop_open(e, &l, rows.begin, NULL, 0);
        a->spot.row = index_of(l.index);
        prefetch_rows(e, a->nest, l.index);
        go_around(e, a, level + 1);
        loop_close(e, &l, rows.end, 1, NULL);
        bounds_close(e, &rows);
        return;
    }
    Piece pieces[MOST_PIECES];
    int lanes = loop_lanes(e->target, a->nest), count = split_axis(e->f->block, lanes, a->nest->vectors, false, pieces);
    Part part = thread_part_of_pieces(e, a->nest, SPLIT_ROWS, e->block_rows, pieces);
    for (int i = 0; i < count; i++) {
        const Piece *p = &pieces[i];
        int64_t width = (int64_t)p->lanes * p->unroll, piece_end = p->begin + p->count * width;
        LLVMValueRef begin = index_const(e, p->begin), end = e->block_rows;
        if (piece_end < e->f->block && (part.to != NULL || p->count > 1))
            end = smaller(e, end, index_const(e, piece_end));
        LLVMBasicBlockRef after = NULL;
        if (p->begin > 0 && part.to == NULL)
            after = if_open(e, LLVMBuildICmp(e->b, LLVMIntSLT, begin, e->block_rows, ""));
        Bounds rows = bounds_open(e, part, begin, end);
        e->lanes = p->lanes;
        e->lanes_are_rows = true;
        a->vectors = p->unroll;
        if (p->count == 1) {
            a->spot.row = (Index){.at = begin, .step = 1};
            go_around(e, a, level + 1);
        } else {
            LoopBlocks l;
            loop_open(e, &l, rows.begin, NULL, 0);
            a->spot.row = (Index){.at = l.index, .step = 1};
            go_around(e, a, level + 1);
            loop_close(e, &l, rows.end, width, NULL);
        }
        bounds_close(e, &rows);
        if (after != NULL) if_close(e, after);
    }
    e->lanes = 1;
    e->lanes_are_rows = false;
    a->vectors = 1;
}

static void around_piece(Emitter *e, Around *a, int level, int axis, const Piece *p, Part part) {
    int64_t width = (int64_t)p->lanes * p->unroll;
    int step = p->lanes > 1 ? 1 : 0;
    Bounds bounds = bounds_open(e, part, index_const(e, p->begin), index_const(e, p->begin + p->count * width));
    if (p->count == 1 || (a->unroll && part.to == NULL)) {
        for (int64_t k = 0; k < p->count; k++) {
            a->spot.axis[axis] = (Index){.at = index_const(e, p->begin + k * width), .step = step};
            go_around(e, a, level + 1);
        }
    } else {
        LoopBlocks l;
        loop_open(e, &l, bounds.begin, NULL, 0);
        a->spot.axis[axis] = (Index){.at = l.index, .step = step};
        go_around(e, a, level + 1);
        loop_close(e, &l, bounds.end, width, NULL);
    }
    bounds_close(e, &bounds);
}

/* Of all places of an axis, tile after tile, the first at or behind `from` that is `here`: where its tile begins. */
static LLVMValueRef tile_at_or_behind(Emitter *e, LLVMValueRef from, LLVMValueRef here, int64_t places, int64_t width) {
    LLVMValueRef ahead = larger(e, LLVMBuildSub(e->b, from, here, ""), index_const(e, 0)), by = index_const(e, places);
    LLVMValueRef tile = LLVMBuildUDiv(e->b, LLVMBuildAdd(e->b, ahead, index_const(e, places - 1), ""), by, "");
    return LLVMBuildMul(e->b, tile, index_const(e, width), "");
}

/* The thread's part of an axis' tiles. Where the split has an axis around it, tiles are counted at all places of that,
 * those of the first tile first: so threads share less of what the tiles of one place read. */
static Part part_of_axis(Emitter *e, Around *a, int axis, int64_t extent, const Piece *pieces) {
    const Nest *nest = a->nest;
    int around = nest->split_around - 1;
    if (around >= 0 && axis == around) return (Part){NULL, NULL};
    if (around < 0 || nest->split != SPLIT_AXIS + axis)
        return thread_part_of_pieces(e, nest, SPLIT_AXIS + axis, index_const(e, extent), pieces);
    int64_t places = nest->space.extent[around], width = pieces[0].unroll, tiles = (extent + width - 1) / width;
    Part part = thread_part(e, nest, nest->split, index_const(e, places * tiles), 1, -1);
    if (part.to == NULL) return part;
    LLVMValueRef here = a->spot.axis[around].at;
    return (Part){tile_at_or_behind(e, part.from, here, places, width),
                  tile_at_or_behind(e, part.to, here, places, width)};
}

static void around_axis(Emitter *e, Around *a, int level, int axis) {
    bool lanes_here = a->nest->lanes == axis, tile_here = a->nest->tile_axis == axis;
    Piece pieces[MOST_PIECES];
    int lanes = lanes_here ? loop_lanes(e->target, a->nest) : 1;
    int unroll = lanes_here ? a->nest->vectors : tile_here ? a->nest->tile : 1;
    int64_t extent = a->nest->space.extent[axis];
    int count = split_axis(extent, lanes, unroll, lanes_here && a->nest->wide_rest, pieces);
    Part part = part_of_axis(e, a, axis, extent, pieces);
    for (int i = 0; i < count; i++) {
        const Piece *p = &pieces[i];
        if (lanes_here) {
            e->lanes = p->lanes;
            e->valid_lanes = p->valid;
            a->vectors = p->unroll;
        }
        if (tile_here) a->tile = p->unroll;
        around_piece(e, a, level, axis, p, part);
    }
    if (lanes_here) {
        e->lanes = 1;
        e->valid_lanes = 0;
        a->vectors = 1;
    }
    if (tile_here) a->tile = 1;
}

static void go_around(Emitter *e, Around *a, int level) {
    if (level == a->levels) {
        memo_clear(e);
        a->body(e, a->nest, &a->spot, a->tile, a->vectors, a->context);
        memo_clear(e);
    } else if (a->order[level] == ROWS_AXIS) {
        around_rows(e, a, level);
    } else {
        around_axis(e, a, level, a->order[level]);
    }
}

void nest_loops(Emitter *e, const Nest *nest, NestBody *body, void *context) {
    Around a = {.nest = nest, .tile = 1, .vectors = 1, .body = body, .context = context};
    bool rows = nest->rows && e->f->block > 1;
    bool kernel = nest->kind == NEST_REDUCE;
    int64_t points = shape_size(nest->space);
    if (nest->lanes >= 0)
        points = points / nest->space.extent[nest->lanes] *
                 ((nest->space.extent[nest->lanes] + loop_lanes(e->target, nest) - 1) / loop_lanes(e->target, nest));
    a.unroll = points <= (kernel ? 3 : 8);
    bool usual = nest->kind == NEST_ELEMENTS && !nest->apart && !nest->repacks && nest->turned == 0;
    bool rows_outside = usual && rows && nest->lanes == LANES_ROWS &&
                        (a.unroll || e->relay_row != NULL); /* short rows are loaded whole */
    a.spot.row = index_at(e, 0);
    if (points == 0) return;
    if (rows && (kernel || nest->lanes != LANES_ROWS || rows_outside)) a.order[a.levels++] = ROWS_AXIS;
    bool lanes_first = nest->repacks || (kernel && !nest->apart) || nest->convolution != NULL;
    bool lanes_last = nest->apart && !lanes_first;
    if (lanes_first && nest->lanes >= 0) a.order[a.levels++] = nest->lanes;
    for (int k = 0; k < nest->space.rank; k++) {
        const Convolution *v = nest->convolution;
        bool by_body = v != NULL && ((nest->apart && k == v->tile_axis) || (v->taps > 1 && k == v->taps_axis));
        if (by_body || (kernel && k == nest->tile_axis) || ((lanes_first || lanes_last) && k == nest->lanes)) continue;
        a.order[a.levels++] = k;
    }
    if (kernel && nest->tile_axis >= 0) a.order[a.levels++] = nest->tile_axis;
    if (lanes_last) a.order[a.levels++] = nest->lanes;
    if (rows && !kernel && nest->lanes == LANES_ROWS && !rows_outside) a.order[a.levels++] = ROWS_AXIS;
    e->nest = nest;
    e->lanes = 1;
    e->lanes_are_rows = false;
    e->rows_may_leave = false;
    go_around(e, &a, 0);
    e->nest = NULL;
}
