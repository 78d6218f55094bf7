/* emit_scatter: sums at places that are data (order law 8): one chain per target over (row, source), from +0.
 *
 * The targets' chains are memory: rows and sources run in order, each adding to its target. An index outside
 * the table adds nowhere.
 */
#include "codegen/emit.h"

typedef struct Scatter {
    const Nest *nest;
    Node *node, *x, *index;
    int shared, chosen;
    Spot spot;
    LLVMValueRef place;
} Scatter;

static void add_one(Emitter *e, const Scatter *s) {
    Node *node = s->node;
    const Buffer *to = e->f->buffer[node->id];
    Spot target = {.row = s->spot.row};
    for (int a = 0; a < node->shape.rank; a++)
        if (a != s->shared) target.axis[a] = s->spot.axis[a < s->shared ? a : a - 1 + s->chosen];
    target.axis[s->shared] = index_of(s->place);
    Index at = index_scale(e, spot_linear(e, &target, node->shape), to->dense);
    if (to->rows) at = index_add(e, at, s->spot.row);
    memo_clear(e);
    LLVMValueRef x = value_at(e, s->x, &s->spot), y = node->sources > 2 ? value_at(e, node->source[2], &s->spot) : NULL;
    LLVMValueRef base = buffer_base(e, to);
    LLVMValueRef old = load_at(e, REGION_WORK, node->dtype, base, at);
    store_at(e, REGION_WORK, node->dtype, base, at, scatter_sum(e, old, x, y, node->dtype));
}

static void scatter_axes(Emitter *e, Scatter *s, int axis) {
    if (axis == s->index->shape.rank && s->place == NULL) {
        memo_clear(e);
        LLVMValueRef i = value_at(e, s->index, &s->spot);
        LLVMValueRef extent = constant_int(e, e->i32, s->node->shape.extent[s->shared]);
        LLVMBasicBlockRef after = if_open(e, LLVMBuildICmp(e->b, LLVMIntULT, i, extent, ""));
        s->place = LLVMBuildZExt(e->b, i, e->i64, "");
        scatter_axes(e, s, axis);
        s->place = NULL;
        if_close(e, after);
        return;
    }
    if (axis == s->x->shape.rank) {
        add_one(e, s);
        return;
    }
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    s->spot.axis[axis] = index_of(l.index);
    scatter_axes(e, s, axis + 1);
    loop_close(e, &l, index_const(e, s->x->shape.extent[axis]), 1, NULL);
}

static void zero_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)nest, (void)tile, (void)vectors;
    Scatter *s = context;
    store_at(e, REGION_WORK, s->node->dtype, buffer_base(e, e->f->buffer[s->node->id]), spot->axis[0],
             LLVMConstNull(type_of(e, s->node->dtype)));
}

void scatter_start(Emitter *e, const Nest *nest) {
    Scatter s = {.node = nest->reduce};
    const Buffer *to = e->f->buffer[s.node->id];
    Nest all = {.kind = NEST_ELEMENTS,
                .space = {.rank = 1, .extent = {to->elements}},
                .reduce = nest->reduce,
                .lanes = 0,
                .vectors = 1,
                .tile = 1,
                .tile_axis = TILE_NONE};
    nest_loops(e, &all, zero_body, &s);
}

void emit_scatter(Emitter *e, const Nest *nest) {
    Node *node = nest->reduce;
    Scatter s = {
        .nest = nest, .node = node, .x = node->source[0], .index = node->source[1], .shared = (int)node->attr.index};
    s.chosen = s.index->shape.rank - s.shared;
    if (e->f->one_block || !node->attr.over_rows) scatter_start(e, nest);
    if (shape_size(s.x->shape) == 0) return;
    e->nest = nest;
    e->lanes = 1;
    s.spot.row = index_at(e, 0);
    if ((node->attr.over_rows || node->rows != 0) && e->f->block > 1) {
        LoopBlocks l;
        loop_open(e, &l, index_const(e, 0), NULL, 0);
        s.spot.row = index_of(l.index);
        scatter_axes(e, &s, 0);
        loop_close(e, &l, e->block_rows, 1, NULL);
    } else {
        scatter_axes(e, &s, 0);
    }
    memo_clear(e);
    e->nest = NULL;
}
