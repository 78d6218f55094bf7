/* emit_chunk_lanes: gradients of weights with few channels. The chunks that the order law cuts a batch into
 * are chains of their own, so that chunks can be the lanes: lane j sums the rows of chunk j, one after the
 * other, and at the end the chunks are folded in their order.
 *
 * For this the rows of both operands are regrouped: first the first rows of all chunks, then the second ones (`slots`),
 * and so on, by a copy or where they are made (ir/loops/regroup.c). Lanes whose chunk has no such row keep their chain.
 *
 * Few sums of such an operand, in which every row is a chain of its own, have a vector of chains for each slot; the tree
 * of a chunk's rows joins whole vectors then.
 */
#include "codegen/emit_convolution.h"

typedef struct Groups {
    int lanes;
    int64_t chunk, block;
} Groups;

static Groups groups_of(const Emitter *e, const Nest *nest, const Node *node) {
    return (Groups){loop_lanes(e->target, nest), node->attr.contraction->chunk, e->f->block};
}

/* One vector of a slot: its lanes are rows that lie `chunk` apart in the vectors of all rows. */
static LLVMValueRef gathered(Emitter *e, const Groups *g, LLVMValueRef *rows, int64_t first) {
    int vectors = (int)(g->block / g->lanes);
    LLVMValueRef all = rows[0], mask[64];
    for (int v = vectors > 1 ? 1 : 0; v < vectors; v++) {
        for (int l = 0; l < g->lanes; l++) {
            int64_t row = first + l * g->chunk, from = row / g->lanes;
            if (row >= g->block) row = from = 0;
            bool here = from == v, now = v <= 1 && from == 0;
            int lane = here && v > 0 ? g->lanes + (int)(row % g->lanes) : now ? (int)(row % g->lanes) : l;
            mask[l] = constant_int(e, e->i32, lane);
        }
        all = LLVMBuildShuffleVector(e->b, all, rows[v], LLVMConstVector(mask, (unsigned)g->lanes), "");
    }
    return all;
}

/* An element of all rows, computed or copied, with the rows regrouped. */
static void grouping_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)tile, (void)vectors, (void)context;
    const Store *store = &nest->stores[0];
    const Node *node = store->node;
    Groups g = groups_of(e, nest->grouped_for, nest->grouped_for->reduce);
    LLVMValueRef rows[64];
    int64_t group = g.lanes * g.chunk, slot_size = g.lanes * shape_size(node->shape);
    Index element = nest->flat ? spot->axis[0] : spot_linear(e, spot, node->shape);
    Index to = index_scale(e, element, g.lanes);
    to.step = 1;
    e->lanes = g.lanes;
    e->lanes_are_rows = true;
    for (int v = 0; v < g.block / g.lanes; v++) {
        Spot here = *spot;
        here.row = (Index){.at = index_const(e, (int64_t)v * g.lanes), .step = 1};
        rows[v] = nest->flat ? value_flat(e, store->value, element, here.row) : value_at(e, store->value, &here);
        rows[v] = splat(e, rows[v], g.lanes);
    }
    for (int64_t first = 0, at = 0; first < g.block; first += group)
        for (int64_t slot = 0; slot < g.chunk; slot++, at += slot_size)
            store_at(e, REGION_WORK, node->dtype, buffer_base(e, store->buffer), index_offset(e, to, at),
                     gathered(e, &g, rows, first + slot));
    e->lanes = 1;
    e->lanes_are_rows = false;
}

/* What it stores with the rows regrouped, for the sums of `nest->grouped_for`. */
void emit_grouping(Emitter *e, const Nest *nest) {
    Nest elements = *nest; /* all rows of an element at once */
    elements.rows = false;
    elements.lanes = LANES_NONE;
    nest_loops(e, &elements, grouping_body, NULL);
}

/* ---- few sums of regrouped rows ------------------------------------------------------------------ */
enum { MOST_SLOTS = 8 }; /* side by side */

typedef struct SlotSums {
    const Nest *nest;
    Space space;
    Groups groups;
    LLVMValueRef group; /* its first row in the block */
    int begin, slots;   /* of them those that are summed side by side */
    Spot spot;
} SlotSums;

static void slot_terms(Emitter *e, const SlotSums *t, LLVMValueRef *chain) {
    const Node *node = t->nest->reduce, *source = node->source[0];
    ChainTerm term = {.ok = NULL};
    memo_clear(e);
    Spot at = spot_through(e, &node->attr.contraction->access[0], &t->spot, t->space.extent, t->space.axes,
                           source->shape, t->spot.row, 0, &term.ok);
    int64_t slot_size = t->groups.lanes * shape_size(source->shape);
    Index place = index_scale(e, spot_linear(e, &at, source->shape), t->groups.lanes);
    place = index_add(e, place, index_scale(e, index_of(t->group), shape_size(source->shape)));
    place.step = 1;
    for (int s = 0; s < t->slots; s++) {
        term.x[0] = load_at(e, REGION_WORK, source->dtype, buffer_base(e, grouped_operand(t->nest)),
                            index_offset(e, place, (t->begin + s) * slot_size));
        chain[s] = chain_step(e, node, (Chain){{chain[s]}}, &term, false).v[0];
    }
}

static void slot_axes(Emitter *e, SlotSums *t, int axis, LLVMValueRef *chain) {
    if (axis == t->space.axes) {
        slot_terms(e, t, chain);
        return;
    }
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), chain, t->slots);
    for (int s = 0; s < t->slots; s++) chain[s] = l.phi[s];
    t->spot.axis[axis] = index_of(l.index);
    slot_axes(e, t, axis + 1, chain);
    loop_close(e, &l, index_const(e, t->space.extent[axis]), 1, chain);
}

/* The sums of a group's chunks, one in a lane. */
static LLVMValueRef sums_of_chunks(Emitter *e, SlotSums *t) {
    const Node *node = t->nest->reduce;
    int chunk = (int)t->groups.chunk;
    LLVMValueRef start = chain_start(e, node, e->lanes).v[0];
    LLVMValueRef rows = splat(e, LLVMBuildTrunc(e->b, e->block_rows, e->i32, ""), e->lanes);
    Chain lane[ORDER_LANES];
    for (t->begin = 0; t->begin < chunk; t->begin += t->slots) {
        LLVMValueRef chain[MOST_SLOTS];
        t->slots = chunk - t->begin < MOST_SLOTS ? chunk - t->begin : MOST_SLOTS;
        for (int s = 0; s < t->slots; s++) chain[s] = start;
        slot_axes(e, t, t->space.result, chain);
        for (int s = 0; s < t->slots; s++) {
            Index row = {.at = LLVMBuildAdd(e->b, t->group, index_const(e, t->begin + s), ""), .step = chunk};
            LLVMValueRef there = LLVMBuildICmp(e->b, LLVMIntSLT, index_lanes(e, row), rows, "");
            lane[t->begin + s] = (Chain){{emit_select(e, there, chain[s], start)}};
        }
    }
    return fold_lanes(e, node, lane, chunk).v[0];
}

void grouped_sums_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)tile, (void)vectors, (void)context;
    SlotSums t = {.nest = nest,
                  .space = space_of(nest->reduce),
                  .spot = *spot,
                  .groups = groups_of(e, nest->sums_grouped, nest->reduce)};
    int64_t chunk = t.groups.chunk, group = t.groups.lanes * chunk;
    Index total_at = total_index(e, nest, spot), at = index_scale(e, total_at, e->f->block);
    start_total_of_batch(e, nest, spot);
    LoopBlocks groups, chunks;
    loop_open(e, &groups, index_const(e, 0), NULL, 0);
    t.group = groups.index;
    e->lanes = t.groups.lanes;
    Index all = at;
    all.step = 1;
    store_at(e, REGION_WORK, nest->reduce->dtype, buffer_base(e, nest->chain), all, sums_of_chunks(e, &t));
    e->lanes = 1;
    LLVMValueRef end = LLVMBuildAdd(e->b, groups.index, index_const(e, group), "");
    loop_open(e, &chunks, groups.index, NULL, 0);
    LLVMValueRef lane = LLVMBuildSDiv(e->b, LLVMBuildSub(e->b, chunks.index, groups.index, ""), index_const(e, chunk),
                                      "");
    fold_into_total(
        e, nest, total_at,
        load_at(e, REGION_WORK, nest->reduce->dtype, buffer_base(e, nest->chain), index_add(e, at, index_of(lane))));
    loop_close(e, &chunks, smaller(e, end, e->block_rows), chunk, NULL);
    loop_close(e, &groups, e->block_rows, group, NULL);
}

/* Where a strip of the first reduced axis lies, and in which slot. */
typedef struct SlotStrip {
    LLVMValueRef group, slot, begin, end;
} SlotStrip;

static Index chain_index(Emitter *e, const ConvolutionKernel *k, int member, int lanes) {
    Index at = index_scale(e, total_index(e, k->nest, &k->member[member]), lanes);
    at.step = 1;
    return at;
}

static ConvolutionKernel chunks_kernel(Emitter *e, const Nest *nest, const Spot *spot, int tile) {
    ConvolutionKernel k = kernel_new(nest, spot, 1);
    set_members(e, &k, spot, tile);
    return k;
}

static void totals_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)vectors, (void)context;
    ConvolutionKernel k = chunks_kernel(e, nest, spot, tile);
    for (int i = 0; i < k.members; i++)
        store_at(e, REGION_WORK, k.node->dtype, buffer_base(e, nest->total), total_index(e, nest, &k.member[i]),
                 chain_start(e, k.node, 1).v[0]);
}

static void start_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)vectors, (void)context;
    Groups g = groups_of(e, nest, nest->reduce);
    ConvolutionKernel k = chunks_kernel(e, nest, spot, tile);
    e->lanes = g.lanes;
    for (int i = 0; i < k.members; i++)
        store_at(e, REGION_WORK, k.node->dtype, buffer_base(e, nest->chain), chain_index(e, &k, i, g.lanes),
                 chain_start(e, k.node, g.lanes).v[0]);
    e->lanes = 1;
}

static void strip_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)vectors;
    const SlotStrip *strip = context;
    Groups g = groups_of(e, nest, nest->reduce);
    ConvolutionKernel k = chunks_kernel(e, nest, spot, tile);
    LLVMValueRef chain[MOST_CHAINS], before[MOST_CHAINS], base = buffer_base(e, nest->chain);
    e->lanes = g.lanes;
    for (int i = 0; i < k.members; i++)
        before[i] = chain[i] = load_at(e, REGION_WORK, k.node->dtype, base, chain_index(e, &k, i, g.lanes));
    /* a group's slots lie one after the other, each with all elements */
    LLVMValueRef in_group = LLVMBuildMul(e->b, strip->slot, index_const(e, g.lanes), "");
    k.slot = LLVMBuildAdd(e->b, strip->group, in_group, "");
    k.strip_begin = strip->begin;
    k.strip_end = strip->end;
    walk_all(e, &k, chain);
    Index row = {.at = LLVMBuildAdd(e->b, strip->group, strip->slot, ""), .step = g.chunk};
    LLVMValueRef rows = splat(e, LLVMBuildTrunc(e->b, e->block_rows, e->i32, ""), g.lanes);
    LLVMValueRef there = LLVMBuildICmp(e->b, LLVMIntSLT, index_lanes(e, row), rows, "");
    for (int i = 0; i < k.members; i++)
        store_at(e, REGION_WORK, k.node->dtype, base, chain_index(e, &k, i, g.lanes),
                 emit_select(e, there, chain[i], before[i]));
    e->lanes = 1;
}

static void fold_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)vectors;
    const SlotStrip *strip = context;
    Groups g = groups_of(e, nest, nest->reduce);
    ConvolutionKernel k = chunks_kernel(e, nest, spot, tile);
    LLVMValueRef end = LLVMBuildAdd(e->b, strip->group, index_const(e, g.lanes * g.chunk), "");
    LoopBlocks chunks;
    loop_open(e, &chunks, strip->group, NULL, 0);
    LLVMValueRef lane = LLVMBuildSDiv(e->b, LLVMBuildSub(e->b, chunks.index, strip->group, ""), index_const(e, g.chunk),
                                      "");
    for (int i = 0; i < k.members; i++) {
        Index total = total_index(e, nest, &k.member[i]);
        Index at = index_add(e, index_scale(e, total, g.lanes), index_of(lane));
        LLVMValueRef sum = load_at(e, REGION_WORK, k.node->dtype, buffer_base(e, nest->chain), at);
        fold_into_total(e, nest, total, sum);
    }
    loop_close(e, &chunks, smaller(e, end, e->block_rows), g.chunk, NULL);
}

void emit_chunk_lanes(Emitter *e, const Nest *nest) {
    Groups g = groups_of(e, nest, nest->reduce);
    int64_t extent = nest->reduce->attr.contraction->extent[0], step = nest->convolution->strip;
    nest_loops(e, nest, totals_body, NULL);
    LoopBlocks groups, slots, strips;
    loop_open(e, &groups, index_const(e, 0), NULL, 0);
    SlotStrip strip = {.group = groups.index};
    nest_loops(e, nest, start_body, NULL);
    loop_open(e, &slots, index_const(e, 0), NULL, 0);
    strip.slot = slots.index;
    loop_open(e, &strips, index_const(e, 0), NULL, 0);
    strip.begin = strips.index;
    LLVMValueRef next = LLVMBuildAdd(e->b, strips.index, index_const(e, step), "");
    strip.end = smaller(e, next, index_const(e, extent));
    nest_loops(e, nest, strip_body, &strip);
    loop_close(e, &strips, index_const(e, extent), step, NULL);
    loop_close(e, &slots, index_const(e, g.chunk), 1, NULL);
    nest_loops(e, nest, fold_body, &strip);
    loop_close(e, &groups, e->block_rows, g.lanes * g.chunk, NULL);
}
