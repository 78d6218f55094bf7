/* emit_turned: elements that are computed with one axis along the lanes and stored with another: squares of
 * vectors, turned in registers. So columns become channels, and channels the rows that a caller gets, without
 * a buffer in between.
 *
 * Rows for a caller whose elements have their rows along the lanes are turned on the way out, and rows past the
 * mini-batch are not stored.
 *
 * The last square of an axis overlaps the one before and stores the same values again; an axis shorter than a
 * vector has smaller squares.
 */
#include "codegen/emit.h"

enum { FEWEST = 4 };

typedef struct Turned {
    const Nest *nest;
    int from, to, lanes;
    Spot spot;
} Turned;

static void turned_square(Emitter *e, Turned *t) {
    const Nest *nest = t->nest;
    Spot spot = t->spot;
    LLVMValueRef v[MOST_LANES];
    e->lanes = t->lanes;
    memo_clear(e);
    for (int s = 0; s < nest->store_count; s++) {
        if (nest->stores[s].kind == STORE_BUFFER && nest->stores[s].buffer == NULL) continue;
        spot.axis[t->from] = (Index){.at = t->spot.axis[t->from].at, .step = 1};
        for (int i = 0; i < t->lanes; i++) {
            spot.axis[t->to] = index_offset(e, t->spot.axis[t->to], i);
            v[i] = splat(e, nest_value(e, nest, &nest->stores[s], &spot), t->lanes);
        }
        turn_square(e, v, t->lanes);
        spot.axis[t->to] = (Index){.at = t->spot.axis[t->to].at, .step = 1};
        for (int i = 0; i < t->lanes; i++) {
            spot.axis[t->from] = index_offset(e, t->spot.axis[t->from], i);
            store_one(e, nest, &nest->stores[s], &spot, v[i]);
        }
    }
    memo_clear(e);
    e->lanes = 1;
}

/* `then` for each square along an axis. */
static void along_squares(Emitter *e, Turned *t, int axis, void (*then)(Emitter *, Turned *)) {
    int64_t extent = t->nest->space.extent[axis], whole = extent / t->lanes * t->lanes;
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    LLVMValueRef last = index_const(e, extent - t->lanes);
    LLVMValueRef past = LLVMBuildICmp(e->b, LLVMIntSGT, l.index, last, "");
    t->spot.axis[axis] = index_of(whole < extent ? LLVMBuildSelect(e->b, past, last, l.index, "") : l.index);
    then(e, t);
    loop_close(e, &l, index_const(e, extent), t->lanes, NULL);
}

/* What lies furthest apart in rows of columns, and of the caller, is outermost: so few of its places are passed along at
 * a time that a processor foresees all that is read. */
static void turned_axes(Emitter *e, Turned *t, int axis) {
    int outer = t->from < t->to ? t->from : t->to, inner = t->from + t->to - outer;
    if (axis == t->nest->space.rank) {
        along_squares(e, t, inner, turned_square);
        return;
    }
    if (axis == outer || axis == inner) {
        turned_axes(e, t, axis + 1);
        return;
    }
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    t->spot.axis[axis] = index_of(l.index);
    turned_axes(e, t, axis + 1);
    loop_close(e, &l, index_const(e, t->nest->space.extent[axis]), 1, NULL);
}

static void turned_others(Emitter *e, Turned *t) { turned_axes(e, t, 0); }

static void turned_all(Emitter *e, Turned *t) { along_squares(e, t, t->from < t->to ? t->from : t->to, turned_others); }

void emit_turned(Emitter *e, const Nest *nest) {
    Turned t = {.nest = nest, .from = nest->turned - 1, .to = nest->lanes, .lanes = loop_lanes(e->target, nest)};
    int64_t from = nest->space.extent[t.from], to = nest->space.extent[t.to];
    while (t.lanes > FEWEST && (t.lanes > from || t.lanes > to)) t.lanes /= 2;
    bool rows = nest->rows && e->f->block > 1, leaves = nest->stores[0].kind == STORE_ROWS;
    e->nest = nest;
    e->lanes = 1;
    e->lanes_are_rows = e->rows_may_leave = false;
    t.spot.row = index_at(e, 0);
    if (shape_size(nest->space) == 0) return;
    if (!rows) {
        turned_all(e, &t);
    } else {
        LoopBlocks l;
        LLVMValueRef end = leaves ? e->block_rows : e->block_padded;
        Bounds bounds = bounds_open(e, thread_part(e, nest, SPLIT_ROWS, end, 1, -1), index_const(e, 0), end);
        loop_open(e, &l, bounds.begin, NULL, 0);
        t.spot.row = index_of(l.index);
        turned_all(e, &t);
        loop_close(e, &l, bounds.end, 1, NULL);
        bounds_close(e, &bounds);
    }
    e->nest = NULL;
}

/* ---- rows for the caller --------------------------------------------------------------------------- */
/* A vector of rows for each of `lanes` elements, stored as rows. */
void leaving_square(Emitter *e, const Nest *nest, const Spot *spot, int lanes, LLVMValueRef rows, SumAt *sum_at,
                    void *context) {
    int axis = nest->space.rank - 1;
    LLVMValueRef v[MOST_LANES];
    Spot at = *spot;
    memo_clear(e);
    e->lanes = lanes;
    e->lanes_are_rows = true;
    at.row.step = 1;
    for (int i = 0; i < lanes; i++) {
        at.axis[axis] = index_offset(e, spot->axis[axis], i);
        e->reduced = sum_at != NULL ? sum_at(e, &at, context) : NULL;
        v[i] = splat(e, value_at(e, nest->stores[0].value, &at), lanes);
    }
    e->reduced = NULL;
    turn_square(e, v, lanes);
    e->lanes_are_rows = false;
    at.axis[axis] = (Index){.at = spot->axis[axis].at, .step = 1};
    LLVMBasicBlockRef after[MOST_LANES];
    for (int i = 0; i < lanes; i++) {
        LLVMValueRef row = LLVMBuildAdd(e->b, spot->row.at, index_const(e, i), "");
        at.row = index_of(row);
        after[i] = i > 0 ? if_open(e, LLVMBuildICmp(e->b, LLVMIntSLT, row, rows, "")) : NULL;
        store_one(e, nest, &nest->stores[0], &at, v[i]);
    }
    for (int i = lanes - 1; i > 0; i--) if_close(e, after[i]);
    memo_clear(e);
    e->lanes = 1;
}

static void leaving_axes(Emitter *e, const Nest *nest, Spot *spot, int axis, int lanes) {
    int64_t extent = nest->space.extent[axis];
    bool last = axis == nest->space.rank - 1;
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    LLVMValueRef at = l.index, end = index_const(e, extent - lanes);
    if (last && extent % lanes != 0) /* the last square overlaps the one before: the same values again */
        at = LLVMBuildSelect(e->b, LLVMBuildICmp(e->b, LLVMIntSGT, at, end, ""), end, at, "");
    spot->axis[axis] = index_of(at);
    if (last)
        leaving_square(e, nest, spot, lanes, e->block_rows, NULL, NULL);
    else
        leaving_axes(e, nest, spot, axis + 1, lanes);
    loop_close(e, &l, index_const(e, extent), last ? lanes : 1, NULL);
}

void emit_leaving(Emitter *e, const Nest *nest) {
    int lanes = loop_lanes(e->target, nest);
    while (lanes > FEWEST && lanes > nest->space.extent[nest->space.rank - 1]) lanes /= 2;
    if (shape_size(nest->space) == 0) return;
    e->nest = nest;
    Spot spot = {.row = {.at = NULL}};
    Part part = thread_part(e, nest, SPLIT_ROWS, e->block_rows, lanes, -1);
    Bounds rows = bounds_open(e, part, index_const(e, 0), e->block_rows);
    LoopBlocks l;
    loop_open(e, &l, rows.begin, NULL, 0);
    spot.row = index_of(l.index);
    leaving_axes(e, nest, &spot, 0, lanes);
    loop_close(e, &l, rows.end, lanes, NULL);
    bounds_close(e, &rows);
    e->nest = NULL;
}
