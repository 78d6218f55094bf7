/* emit_turned: elements that are computed with one axis along the lanes and stored with another: squares of
 * vectors, turned in registers. So columns become channels, and channels the rows that a caller gets, without
 * a buffer in between.
 *
 * The last square of an axis overlaps the one before and stores the same values again; an axis shorter than a
 * vector has smaller squares.
 */
#include "codegen/emit.h"

enum { MOST_LANES = 64, FEWEST = 4 };

Value nest_value(Emitter *e, const Nest *nest, const Store *store, const Spot *spot) {
    const Buffer *from = nest->repacked;
    if (from == NULL)
        return value_at(e, store->value, spot);
    Index at = index_at(e, 0);
    for (int a = 0; a < from->shape.rank; a++)
        if (from->shape.extent[a] > 1)
            at = index_add(e, at, index_scale(e, spot->axis[a], from->stride[a]));
    return load_at(e, REGION_WORK, from->dtype, buffer_base(e, from), at);
}

typedef struct Turned {
    const Nest *nest;
    int from, to, lanes;
    Spot spot;
} Turned;

static void turned_square(Emitter *e, const Turned *t) {
    const Nest *nest = t->nest;
    Spot spot = t->spot;
    Value v[MOST_LANES];
    e->lanes = t->lanes;
    memo_clear(e);
    for (int s = 0; s < nest->store_count; s++) {
        if (nest->stores[s].kind == STORE_BUFFER && nest->stores[s].buffer == NULL)
            continue;
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
    Value last = index_const(e, extent - t->lanes);
    Value past = LLVMBuildICmp(e->b, LLVMIntSGT, l.index, last, "");
    t->spot.axis[axis] = index_of(whole < extent ? LLVMBuildSelect(e->b, past, last, l.index, "") : l.index);
    then(e, t);
    loop_close(e, &l, index_const(e, extent), t->lanes, NULL);
}

static void turned_body(Emitter *e, Turned *t) {
    turned_square(e, t);
}

static void turned_inner(Emitter *e, Turned *t) {
    along_squares(e, t, t->to, turned_body);
}

static void turned_axes(Emitter *e, Turned *t, int axis) {
    if (axis == t->nest->space.rank) {
        along_squares(e, t, t->from, turned_inner);
        return;
    }
    if (axis == t->from || axis == t->to) {
        turned_axes(e, t, axis + 1);
        return;
    }
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    t->spot.axis[axis] = index_of(l.index);
    turned_axes(e, t, axis + 1);
    loop_close(e, &l, index_const(e, t->nest->space.extent[axis]), 1, NULL);
}

void emit_turned(Emitter *e, const Nest *nest) {
    Turned t = {
        .nest = nest, .from = nest->turned - 1, .to = nest->lanes, .lanes = loop_lanes(e->target, nest)};
    int64_t from = nest->space.extent[t.from], to = nest->space.extent[t.to];
    while (t.lanes > FEWEST && (t.lanes > from || t.lanes > to))
        t.lanes /= 2;
    bool rows = nest->rows && e->f->block > 1, leaves = nest->stores[0].kind == STORE_ROWS;
    e->nest = nest;
    e->lanes = 1;
    e->lanes_are_rows = e->rows_may_leave = false;
    t.spot.row = index_at(e, 0);
    if (shape_size(nest->space) == 0)
        return;
    if (!rows) {
        turned_axes(e, &t, 0);
    } else {
        LoopBlocks l;
        loop_open(e, &l, index_const(e, 0), NULL, 0);
        t.spot.row = index_of(l.index);
        turned_axes(e, &t, 0);
        loop_close(e, &l, leaves ? e->block_rows : e->block_padded, 1, NULL);
    }
    e->nest = NULL;
}
