/* emit_nest: loops around a body.
 *
 * An axis is cut into pieces at compile time: whole register tiles, the vectors that are left over, and a
 * rest in ever narrower vectors; so no body needs a mask and none touches memory outside its elements. Rows
 * have a run-time count instead: their buffers hold whole vectors, and loops run past the last row to the end
 * of one.
 *
 * The front end unrolls nothing but tiles and loops of very few iterations.
 */
#include "codegen/emit.h"

/* ---- loops and branches ------------------------------------------------------------------------ */
static LLVMBasicBlockRef block_new(Emitter *e, const char *name) {
    return LLVMAppendBasicBlockInContext(e->context, e->function, name);
}

void loop_open(Emitter *e, LoopBlocks *l, LLVMValueRef begin, const LLVMValueRef *start, int carried) {
    l->before = LLVMGetInsertBlock(e->b);
    l->body = block_new(e, "loop");
    l->begin = begin;
    l->phis = carried;
    l->multiples = 0;
    l->around = e->loops;
    l->depth = e->loops == NULL ? 1 : e->loops->depth + 1;
    e->loops = l;
    LLVMBuildBr(e->b, l->body);
    LLVMPositionBuilderAtEnd(e->b, l->body);
    l->index = LLVMBuildPhi(e->b, e->i64, "");
    LLVMAddIncoming(l->index, &begin, &l->before, 1);
    for (int i = 0; i < carried; i++) {
        LLVMValueRef from = start[i];
        l->phi[i] = LLVMBuildPhi(e->b, LLVMTypeOf(from), "");
        LLVMAddIncoming(l->phi[i], &from, &l->before, 1);
    }
}

static void close_multiples(Emitter *e, const LoopBlocks *l, int64_t step) {
    LLVMBasicBlockRef last = LLVMGetInsertBlock(e->b);
    for (int i = 0; i < l->multiples; i++) {
        LLVMValueRef phi = l->multiple[i].phi;
        if (LLVMGetFirstUse(phi) == NULL) {
            LLVMInstructionEraseFromParent(phi);
            continue;
        }
        LLVMValueRef next = LLVMBuildAdd(e->b, phi, index_const(e, step * l->multiple[i].factor), "");
        LLVMAddIncoming(phi, &next, &last, 1);
    }
}

void loop_close(Emitter *e, LoopBlocks *l, LLVMValueRef end, int64_t step, LLVMValueRef *next) {
    e->loops = l->around;
    close_multiples(e, l, step);
    LLVMValueRef index = LLVMBuildNSWAdd(e->b, l->index, index_const(e, step), "");
    LLVMBasicBlockRef last = LLVMGetInsertBlock(e->b), after = block_new(e, "after");
    LLVMBuildCondBr(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, index, end, ""), l->body, after);
    LLVMAddIncoming(l->index, &index, &last, 1);
    for (int i = 0; i < l->phis; i++)
        LLVMAddIncoming(l->phi[i], &next[i], &last, 1);
    LLVMPositionBuilderAtEnd(e->b, after);
}

/* ---- multiples of indices: what a compiler calls strength reduction, done where the loops are known ---- */
/* The open loop that v counts, and of which factor; NULL: none. */
static LoopBlocks *loop_of(const Emitter *e, LLVMValueRef v, int64_t *factor) {
    for (LoopBlocks *l = e->loops; l != NULL; l = l->around) {
        *factor = 1;
        if (v == l->index)
            return l;
        for (int i = 0; i < l->multiples; i++)
            if (v == l->multiple[i].phi) {
                *factor = l->multiple[i].factor;
                return l;
            }
    }
    return NULL;
}

int loop_depth(const Emitter *e, LLVMValueRef v) {
    int64_t factor;
    const LoopBlocks *l = loop_of(e, v, &factor);
    return l == NULL ? 0 : l->depth;
}

LLVMValueRef loop_multiple(Emitter *e, LLVMValueRef v, int64_t factor) {
    int64_t known;
    LoopBlocks *l = loop_of(e, v, &known);
    if (l == NULL)
        return NULL;
    factor *= known;
    if (factor == 1)
        return l->index;
    for (int i = 0; i < l->multiples; i++)
        if (l->multiple[i].factor == factor)
            return l->multiple[i].phi;
    if (l->multiples == MOST_MULTIPLES)
        return NULL;
    LLVMBasicBlockRef back = LLVMGetInsertBlock(e->b);
    LLVMPositionBuilderBefore(e->b, LLVMGetBasicBlockTerminator(l->before));
    LLVMValueRef begin = LLVMBuildMul(e->b, l->begin, index_const(e, factor), "");
    LLVMPositionBuilderBefore(e->b, l->index);
    LLVMValueRef phi = LLVMBuildPhi(e->b, e->i64, "");
    LLVMAddIncoming(phi, &begin, &l->before, 1);
    LLVMPositionBuilderAtEnd(e->b, back);
    l->multiple[l->multiples].factor = factor;
    l->multiple[l->multiples++].phi = phi;
    return phi;
}

LLVMBasicBlockRef if_open(Emitter *e, LLVMValueRef condition) {
    LLVMBasicBlockRef then = block_new(e, "then"), after = block_new(e, "after");
    LLVMBuildCondBr(e->b, condition, then, after);
    LLVMPositionBuilderAtEnd(e->b, then);
    return after;
}

void if_close(Emitter *e, LLVMBasicBlockRef after) {
    LLVMBuildBr(e->b, after);
    LLVMPositionBuilderAtEnd(e->b, after);
}

/* ---- pieces of axes ------------------------------------------------------------------------------ */
int split_axis(int64_t extent, int lanes, int unroll, bool wide_rest, Piece *pieces) {
    int count = 0;
    int64_t whole = extent / (lanes * unroll), done = whole * lanes * unroll;
    bool one_left = unroll == 3 && lanes > 1 && whole > 1 && (extent - done) / lanes == 1;
    if (one_left)                         /* 3 + 1 vectors are better done as 2 + 2 */
        done = --whole * lanes * unroll;
    if (whole > 0)
        pieces[count++] = (Piece){0, whole, lanes, unroll, 0};
    if (one_left) {
        pieces[count++] = (Piece){done, 2, lanes, 2, 0};
        done += 4 * lanes;
    }
    if ((extent - done) / lanes > 0) {
        pieces[count++] = (Piece){done, 1, lanes, (int)((extent - done) / lanes), 0};
        done += (extent - done) / lanes * lanes;
    }
    int rest = (int)(extent - done), wide = 1;
    while (wide < rest)
        wide *= 2;
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
            continue;                          /* all of it is in the tile */
        int unroll = lanes ? nest->vectors : a == tile_axis ? nest->tile : 1;
        int count = split_axis(nest->space.extent[a], lanes ? loop_lanes(e->target, nest) : 1, unroll,
                               lanes && nest->wide_rest, pieces);
        int64_t of_axis = 0;
        for (int i = 0; i < count; i++)
            of_axis += pieces[i].count;
        tiles *= of_axis;
    }
    return tiles;
}

enum { ROWS_AXIS = -1 };
typedef struct Around {
    const Nest *nest;
    int   order[MOST_RANK + 1], levels;
    bool  unroll;
    Spot  spot;
    int   tile, vectors;
    NestBody *body; void *context;
} Around;

static void go_around(Emitter *e, Around *a, int level);

static bool is_to_rows(const Nest *nest) {
    return nest->store_count > 0 && nest->stores[0].kind == STORE_ROWS;
}

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
    int lanes = loop_lanes(e->target, a->nest),
        count = split_axis(e->f->block, lanes, a->nest->vectors, false, pieces);
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
        if (after != NULL)
            if_close(e, after);
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
    if (around >= 0 && axis == around)
        return (Part){NULL, NULL};
    if (around < 0 || nest->split != SPLIT_AXIS + axis)
        return thread_part_of_pieces(e, nest, SPLIT_AXIS + axis, index_const(e, extent), pieces);
    int64_t places = nest->space.extent[around], width = pieces[0].unroll, tiles = (extent + width - 1) / width;
    Part part = thread_part(e, nest, nest->split, index_const(e, places * tiles), 1, -1);
    if (part.to == NULL)
        return part;
    LLVMValueRef here = a->spot.axis[around].at;
    return (Part){tile_at_or_behind(e, part.from, here, places, width), tile_at_or_behind(e, part.to, here, places, width)};
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
        if (tile_here)
            a->tile = p->unroll;
        around_piece(e, a, level, axis, p, part);
    }
    if (lanes_here) {
        e->lanes = 1;
        e->valid_lanes = 0;
        a->vectors = 1;
    }
    if (tile_here)
        a->tile = 1;
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
        points = points / nest->space.extent[nest->lanes]
                 * ((nest->space.extent[nest->lanes] + loop_lanes(e->target, nest) - 1)
                    / loop_lanes(e->target, nest));
    a.unroll = points <= (kernel ? 3 : 8);
    bool usual = nest->kind == NEST_ELEMENTS && !nest->apart && !nest->repacks && nest->turned == 0;
    bool rows_outside = usual && rows && nest->lanes == LANES_ROWS
                        && (a.unroll || e->relay_row != NULL);      /* short rows are loaded whole */
    a.spot.row = index_at(e, 0);
    if (points == 0)
        return;
    if (rows && (kernel || nest->lanes != LANES_ROWS || rows_outside))
        a.order[a.levels++] = ROWS_AXIS;
    bool lanes_first = nest->repacks || (kernel && !nest->apart) || nest->convolution != NULL;
    bool lanes_last = nest->apart && !lanes_first;
    if (lanes_first && nest->lanes >= 0)
        a.order[a.levels++] = nest->lanes;
    for (int k = 0; k < nest->space.rank; k++) {
        const Convolution *v = nest->convolution;
        bool by_body = v != NULL && ((nest->apart && k == v->tile_axis) || (v->taps > 1 && k == v->taps_axis));
        if (by_body || (kernel && k == nest->tile_axis) || ((lanes_first || lanes_last) && k == nest->lanes))
            continue;
        a.order[a.levels++] = k;
    }
    if (kernel && nest->tile_axis >= 0)
        a.order[a.levels++] = nest->tile_axis;
    if (lanes_last)
        a.order[a.levels++] = nest->lanes;
    if (rows && !kernel && nest->lanes == LANES_ROWS && !rows_outside)
        a.order[a.levels++] = ROWS_AXIS;
    e->nest = nest;
    e->lanes = 1;
    e->lanes_are_rows = false;
    e->rows_may_leave = false;
    go_around(e, &a, 0);
    e->nest = NULL;
}

/* ---- stores ------------------------------------------------------------------------------------- */
static LLVMValueRef output_pointer(Emitter *e, const Store *store, Index row) {
    LLVMValueRef base = e->output[store->index];
    if (store->kind != STORE_ROWS)
        return base;
    int64_t elements = shape_size(store->value->shape);
    LLVMValueRef place = LLVMBuildAdd(e->b, LLVMBuildAdd(e->b, e->step_begin, e->block_begin, ""), row.at, "");
    LLVMValueRef bytes =
        LLVMBuildMul(e->b, place, index_const(e, elements * (int64_t)dtype_bytes(store->value->dtype)), "");
    return LLVMBuildInBoundsGEP2(e->b, e->i8, base, &bytes, 1, "");
}

static void store_sum(Emitter *e, const Store *store, LLVMValueRef v) {
    if (store->value->dtype != DTYPE_F64)
        v = emit_cast(e, v, store->value->dtype, DTYPE_F64);
    Index at = index_at(e, store->index);
    if (e->f->steps)
        v = LLVMBuildFAdd(e->b, load_at(e, REGION_OUTPUT, DTYPE_F64, e->sums, at), v, "");
    store_at(e, REGION_OUTPUT, DTYPE_F64, e->sums, at, v);
}

static Index linear_of(Emitter *e, const Nest *nest, const Spot *spot, Shape shape) {
    return nest->flat ? spot->axis[0] : spot_linear(e, spot, shape);
}

static void store_buffer(Emitter *e, const Nest *nest, const Store *store, const Spot *spot, LLVMValueRef v) {
    const Buffer *b = store->buffer;
    Index at = index_at(e, store->offset * (b->dense > 0 ? b->dense : 1));
    if (nest->flat)
        at = index_add(e, at, index_scale(e, spot->axis[0], b->dense));
    else
        for (int a = 0; a < nest->space.rank; a++)
            if (nest->space.extent[a] > 1)
                at = index_add(e, at, index_scale(e, spot->axis[a], b->stride[a]));
    if (b->rows)
        at = index_add(e, at, buffer_row(e, b, spot->row));
    store_at(e, REGION_WORK, store->node->dtype, buffer_base(e, b), at, v);
}

void store_one(Emitter *e, const Nest *nest, const Store *store, const Spot *spot, LLVMValueRef v) {
    DType t = store->value->dtype;
    switch (store->kind) {
    case STORE_BUFFER: case STORE_COPY:
        store_buffer(e, nest, store, spot, v);
        break;
    case STORE_CELL: {
        LLVMValueRef base = cell_base(e, store->index);
        Index at = linear_of(e, nest, spot, store->value->shape);
        store_at(e, REGION_STATE, t, base, cell_index(e, store->index, at), v);
        break;
    }
    case STORE_SUM:
        store_sum(e, store, v);
        break;
    case STORE_ROWS: case STORE_VALUE:
        store_at(e, REGION_OUTPUT, t, output_pointer(e, store, spot->row),
                 linear_of(e, nest, spot, store->value->shape), v);
        break;
    }
}

/* All values first: a new value of one cell may need the old one of another. */
void emit_stores(Emitter *e, const Nest *nest, const Spot *spot) {
    LLVMValueRef *value = arena_array(e->arena, LLVMValueRef, nest->store_count);
    for (int s = 0; s < nest->store_count; s++) {
        const Store *store = &nest->stores[s];
        if (store->kind == STORE_BUFFER && store->buffer == NULL)
            continue;
        value[s] = nest->flat ? value_flat(e, store->value, spot->axis[0], spot->row)
                              : value_at(e, store->value, spot);
    }
    for (int s = 0; s < nest->store_count; s++)
        if (value[s] != NULL)
            store_one(e, nest, &nest->stores[s], spot, value[s]);
}

static void repack_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors,
                        void *context) {
    (void)tile, (void)vectors, (void)context;
    store_one(e, nest, &nest->stores[0], spot, nest_value(e, nest, &nest->stores[0], spot));
}

static void element_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors,
                         void *context) {
    (void)tile, (void)vectors, (void)context;
    emit_stores(e, nest, spot);
}

/* ---- turning rows and elements ------------------------------------------------------------------- */
static LLVMValueRef shuffle_pair(Emitter *e, LLVMValueRef a, LLVMValueRef b, int lanes, int distance, bool high) {
    LLVMValueRef mask[64];
    for (int k = 0; k < lanes; k++) {
        int from =
            high ? ((k & distance) ? lanes + k : k + distance) : ((k & distance) ? lanes + k - distance : k);
        mask[k] = constant_int(e, e->i32, from);
    }
    return LLVMBuildShuffleVector(e->b, a, b, LLVMConstVector(mask, (unsigned)lanes), "");
}

/* count vectors; in each of them every part of `count` elements: rows become columns */
void turn_parts(Emitter *e, LLVMValueRef *v, int count, int lanes) {
    for (int distance = 1; distance < count; distance *= 2)
        for (int i = 0; i < count; i++)
            if ((i & distance) == 0) {
                LLVMValueRef low = shuffle_pair(e, v[i], v[i + distance], lanes, distance, false);
                LLVMValueRef high = shuffle_pair(e, v[i], v[i + distance], lanes, distance, true);
                v[i] = low;
                v[i + distance] = high;
            }
}

/* lanes vectors of as many elements: rows become columns */
void turn_square(Emitter *e, LLVMValueRef *v, int lanes) {
    turn_parts(e, v, lanes, lanes);
}

/* Of the rows i, i + part, i + 2 part, ... of a square, the elements from `group` on, `part` of each. Parts are 128
 * bits where a vector has several: putting them together while loading is half of the turning, and leaves to
 * shuffles, of which a processor does one at a time, only what stays within them. */
static LLVMValueRef load_parts(Emitter *e, LLVMValueRef f, LLVMTypeRef element, int i, int group, int part, int lanes) {
    unsigned bytes = LLVMGetIntTypeWidth(element) / 8;
    LLVMValueRef v[64];
    int count = lanes / part;
    for (int p = 0; p < count; p++) {
        LLVMValueRef at = LLVMBuildMul(e->b, LLVMGetParam(f, 1), index_const(e, i + (int64_t)p * part), "");
        at = LLVMBuildAdd(e->b, at, index_const(e, (int64_t)group * bytes), "");
        v[p] = LLVMBuildLoad2(e->b, LLVMVectorType(element, (unsigned)part),
                              LLVMBuildInBoundsGEP2(e->b, e->i8, LLVMGetParam(f, 0), &at, 1, ""), "");
        LLVMSetAlignment(v[p], bytes);
    }
    return joined(e, v, count);
}

typedef struct Turn { Shape shape; DType dtype; Buffer from, to; int axis; } Turn;

static Index turn_index(Emitter *e, const Turn *t, const Buffer *b, const Spot *spot, int64_t element) {
    Index at = index_at(e, element * b->stride[t->axis]);
    for (int a = 0; a < t->shape.rank; a++)
        at = index_add(e, at, index_scale(e, index_of(spot->axis[a].at), b->stride[a]));
    return index_add(e, at, buffer_row(e, b, index_of(spot->row.at)));
}

/* void turn(from, bytes from vector to vector, to, bytes): a square of vectors, once per module and type. It
 * is a function because its shuffles are many and each place that turns would repeat them. */
static LLVMValueRef turn_function(Emitter *e, DType t, int lanes, LLVMTypeRef *type) {
    int bits = 8 * (int)dtype_bytes(t);
    const char *name = text_format(e->arena, "sgd.turn.%d.%d", bits, lanes);
    *type = LLVMFunctionType(LLVMVoidTypeInContext(e->context),
                             (LLVMTypeRef[]){e->pointer, e->i64, e->pointer, e->i64}, 4, false);
    LLVMValueRef known = LLVMGetNamedFunction(e->module, name);
    if (known != NULL)
        return known;
    LLVMBasicBlockRef back = LLVMGetInsertBlock(e->b);
    LLVMValueRef f = LLVMAddFunction(e->module, name, *type);
    emit_set_attributes(e, f);
    emit_set_noinline(e, f);
    LLVMSetLinkage(f, LLVMInternalLinkage);
    LLVMPositionBuilderAtEnd(e->b, LLVMAppendBasicBlockInContext(e->context, f, ""));
    LLVMTypeRef element = LLVMIntTypeInContext(e->context, (unsigned)bits);
    int part = 128 / bits;
    if (part >= lanes || lanes % part != 0)
        part = lanes;
    LLVMValueRef v[64];
    for (int group = 0; group < lanes; group += part) {
        for (int i = 0; i < part; i++)
            v[i] = load_parts(e, f, element, i, group, part, lanes);
        turn_parts(e, v, part, lanes);
        for (int i = 0; i < part; i++) {
            LLVMValueRef at = LLVMBuildMul(e->b, LLVMGetParam(f, 3), index_const(e, group + i), "");
            LLVMValueRef to = LLVMBuildInBoundsGEP2(e->b, e->i8, LLVMGetParam(f, 2), &at, 1, "");
            LLVMSetAlignment(LLVMBuildStore(e->b, v[i], to), (unsigned)dtype_bytes(t));
        }
    }
    LLVMBuildRetVoid(e->b);
    LLVMPositionBuilderAtEnd(e->b, back);
    return f;
}

static LLVMValueRef turn_pointer(Emitter *e, DType t, const Buffer *b, Index at) {
    LLVMValueRef bytes = LLVMBuildMul(e->b, at.at, index_const(e, (int64_t)dtype_bytes(t)), "");
    return LLVMBuildInBoundsGEP2(e->b, e->i8, buffer_base(e, b), &bytes, 1, "");
}

/* One vector of rows by `width` elements. */
static void turn_body(Emitter *e, const Nest *nest, const Turn *t, const Spot *spot, int lanes, int width) {
    DType type = t->dtype;
    e->lanes = lanes;
    for (int k = 0; k < width && width < lanes; k++) {
        Index source = turn_index(e, t, &t->from, spot, k), target = turn_index(e, t, &t->to, spot, k);
        source.step = t->from.row_stride;
        target.step = t->to.row_stride;
        store_at(e, REGION_WORK, type, buffer_base(e, &t->to), target,
                 load_at(e, REGION_WORK, type, buffer_base(e, &t->from), source));
    }
    e->lanes = 1;
    if (width < lanes)
        return;
    int64_t bytes = (int64_t)dtype_bytes(type);
    int64_t next_from = nest->from_copy ? t->from.row_stride : t->from.stride[t->axis];
    int64_t next_to = nest->from_copy ? t->to.stride[t->axis] : t->to.row_stride;
    LLVMTypeRef function_type;
    LLVMValueRef f = turn_function(e, type, lanes, &function_type);
    LLVMValueRef arguments[4] = {turn_pointer(e, type, &t->from, turn_index(e, t, &t->from, spot, 0)),
                          index_const(e, next_from * bytes),
                          turn_pointer(e, type, &t->to, turn_index(e, t, &t->to, spot, 0)),
                          index_const(e, next_to * bytes)};
    LLVMBuildCall2(e->b, function_type, f, arguments, 4, "");
}

static void turn_squares(Emitter *e, const Nest *nest, const Turn *t, Spot *spot, int axis, int lanes,
                         int width) {
    if (axis == t->shape.rank) {
        turn_body(e, nest, t, spot, lanes, width);
        return;
    }
    if (axis == t->axis) {
        turn_squares(e, nest, t, spot, axis + 1, lanes, width);
        return;
    }
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    spot->axis[axis] = index_of(l.index);
    turn_squares(e, nest, t, spot, axis + 1, lanes, width);
    loop_close(e, &l, index_const(e, t->shape.extent[axis]), 1, NULL);
}

/* The turned axis outside the others: as many streams of neighbours as a square has vectors. */
static void turn_axes(Emitter *e, const Nest *nest, const Turn *t, Spot *spot, int lanes) {
    int64_t extent = t->shape.extent[t->axis], whole = extent / lanes * lanes;
    if (whole == 0) {
        spot->axis[t->axis] = index_at(e, 0);
        turn_squares(e, nest, t, spot, 0, lanes, (int)extent);
        return;
    }
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    spot->axis[t->axis] = index_of(l.index);
    turn_squares(e, nest, t, spot, 0, lanes, lanes);
    loop_close(e, &l, index_const(e, whole), lanes, NULL);
    spot->axis[t->axis] = index_at(e, extent - lanes);
    if (extent > whole) /* the last square overlaps the one before: the same values again */
        turn_squares(e, nest, t, spot, 0, lanes, lanes);
}

static void emit_turn(Emitter *e, const Nest *nest) {
    Node *node = nest->stores[0].node;
    const Buffer *main = e->f->buffer[node->id], *copy = e->f->copy[node->id];
    Turn t = {node->shape, node->dtype, nest->from_copy ? *copy : *main, *nest->stores[0].buffer,
              e->f->copy_axis[node->id]};
    if (t.from.dense > 0 && t.to.dense > 0) {  /* elements in their order in both: as if there were one axis */
        t.shape = (Shape){.rank = 1, .extent = {shape_size(node->shape)}};
        t.axis = 0;
        t.from.stride[0] = t.from.dense;
        t.to.stride[0] = t.to.dense;
    }
    int lanes = loop_lanes(e->target, nest);
    while (lanes > 4 && lanes > t.shape.extent[t.axis])
        lanes /= 2;
    Spot spot = {0};
    LoopBlocks l;
    Part part = thread_part(e, nest, SPLIT_ROWS, e->block_rows, lanes, -1);
    Bounds rows = bounds_open(e, part, index_const(e, 0), e->block_rows);
    loop_open(e, &l, rows.begin, NULL, 0);
    spot.row = index_of(l.index);
    turn_axes(e, nest, &t, &spot, lanes);
    loop_close(e, &l, rows.end, lanes, NULL);
    bounds_close(e, &rows);
}

static void emit_here(Emitter *e, const Nest *nest) {
    if (nest->transposes)
        emit_turn(e, nest);
    else if (nest->grouped_for != NULL)
        emit_grouping(e, nest);
    else if (nest->turned > 0)
        emit_turned(e, nest);
    else if (nest->leaves_turned && nest->kind == NEST_ELEMENTS)
        emit_leaving(e, nest);
    else if (nest->convolution != NULL)
        emit_convolution(e, nest);
    else if (nest->repacks)
        nest_loops(e, nest, repack_body, NULL);
    else if (nest->kind == NEST_REDUCE)
        emit_reduce(e, nest);
    else if (nest->kind == NEST_SCATTER)
        emit_scatter(e, nest);
    else
        nest_loops(e, nest, element_body, NULL);
}

void emit_nest(Emitter *e, const Nest *nest) {
    if (outline_pays(e, nest))
        outline_nest(e, nest, emit_here);
    else
        emit_here(e, nest);
}
