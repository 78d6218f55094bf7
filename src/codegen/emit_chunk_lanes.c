/* emit_chunk_lanes: gradients of weights with few channels. The chunks that the order law cuts a batch into
 * are chains of their own, so that chunks can be the lanes: lane j sums the rows of chunk j, one after the
 * other, and at the end the chunks are folded in their order.
 *
 * For this both operands are copied with their rows regrouped: first the first rows of all chunks, then the
 * second ones (`slots`), and so on. Lanes whose chunk has no such row keep their chain.
 */
#include "codegen/emit_convolution.h"

typedef struct Groups { int lanes; int64_t chunk, block; } Groups;

static Groups groups_of(const Emitter *e, const Nest *nest, const Node *node) {
    return (Groups){loop_lanes(e->target, nest), node->attr.contraction->chunk, e->f->block};
}

/* One vector of a slot: its lanes are rows that lie `chunk` apart in the vectors of all rows. */
static Value gathered(Emitter *e, const Groups *g, Value *rows, int64_t first) {
    int vectors = (int)(g->block / g->lanes);
    Value all = rows[0], mask[64];
    for (int v = vectors > 1 ? 1 : 0; v < vectors; v++) {
        for (int l = 0; l < g->lanes; l++) {
            int64_t row = first + l * g->chunk, from = row / g->lanes;
            if (row >= g->block)
                row = from = 0;
            bool here = from == v, now = v <= 1 && from == 0;
            int lane = here && v > 0 ? g->lanes + (int)(row % g->lanes) : now ? (int)(row % g->lanes) : l;
            mask[l] = constant_int(e, e->i32, lane);
        }
        all = LLVMBuildShuffleVector(e->b, all, rows[v], LLVMConstVector(mask, (unsigned)g->lanes), "");
    }
    return all;
}

/* A copy with the rows regrouped (its store's buffer), for the sums of `nest->grouped_for`. */
void emit_grouping(Emitter *e, const Nest *nest) {
    const Node *node = nest->stores[0].node;
    const Buffer *from = e->f->buffer[node->id], *to = nest->stores[0].buffer;
    Groups g = groups_of(e, nest->grouped_for, nest->grouped_for->reduce);
    Value rows[64];
    int64_t group = g.lanes * g.chunk;
    LoopBlocks l;
    e->lanes = g.lanes;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    Index read = index_scale(e, index_of(l.index), from->dense);
    Index write = index_scale(e, index_of(l.index), g.lanes);
    int64_t slot_size = g.lanes * shape_size(node->shape);
    read.step = write.step = 1;
    for (int v = 0; v < g.block / g.lanes; v++)
        rows[v] = load_at(e, REGION_WORK, node->dtype, buffer_base(e, from),
                          index_offset(e, read, (int64_t)v * g.lanes));
    for (int64_t first = 0, at = 0; first < g.block; first += group)
        for (int64_t slot = 0; slot < g.chunk; slot++, at += slot_size)
            store_at(e, REGION_WORK, node->dtype, buffer_base(e, to), index_offset(e, write, at),
                     gathered(e, &g, rows, first + slot));
    loop_close(e, &l, index_const(e, shape_size(node->shape)), 1, NULL);
    e->lanes = 1;
}

/* Where a strip of the first reduced axis lies, and in which slot. */
typedef struct SlotStrip { Value group, slot, begin, end; } SlotStrip;

static Index chain_index(Emitter *e, const Kernel *k, int member, int lanes) {
    Index at = index_scale(e, total_index(e, k->nest, &k->member[member]), lanes);
    at.step = 1;
    return at;
}

static Kernel chunks_kernel(Emitter *e, const Nest *nest, const Spot *spot, int tile) {
    Kernel k = kernel_new(nest, spot, 1);
    set_members(e, &k, spot, tile);
    return k;
}

static void totals_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors,
                        void *context) {
    (void)vectors, (void)context;
    Kernel k = chunks_kernel(e, nest, spot, tile);
    for (int i = 0; i < k.members; i++)
        store_at(e, REGION_WORK, k.node->dtype, buffer_base(e, nest->total),
                 total_index(e, nest, &k.member[i]), chain_start(e, k.node, 1).v[0]);
}

static void start_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)vectors, (void)context;
    Groups g = groups_of(e, nest, nest->reduce);
    Kernel k = chunks_kernel(e, nest, spot, tile);
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
    Kernel k = chunks_kernel(e, nest, spot, tile);
    Value chain[MOST_CHAINS], before[MOST_CHAINS], base = buffer_base(e, nest->chain);
    e->lanes = g.lanes;
    for (int i = 0; i < k.members; i++)
        before[i] = chain[i] = load_at(e, REGION_WORK, k.node->dtype, base, chain_index(e, &k, i, g.lanes));
    /* a group's slots lie one after the other, each with all elements */
    Value in_group = LLVMBuildMul(e->b, strip->slot, index_const(e, g.lanes), "");
    k.slot = LLVMBuildAdd(e->b, strip->group, in_group, "");
    k.strip_begin = strip->begin;
    k.strip_end = strip->end;
    walk_all(e, &k, chain);
    Index row = {.at = LLVMBuildAdd(e->b, strip->group, strip->slot, ""), .step = g.chunk};
    Value rows = splat(e, LLVMBuildTrunc(e->b, e->block_rows, e->i32, ""), g.lanes);
    Value there = LLVMBuildICmp(e->b, LLVMIntSLT, index_lanes(e, row), rows, "");
    for (int i = 0; i < k.members; i++)
        store_at(e, REGION_WORK, k.node->dtype, base, chain_index(e, &k, i, g.lanes),
                 emit_select(e, there, chain[i], before[i]));
    e->lanes = 1;
}

static void fold_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)vectors;
    const SlotStrip *strip = context;
    Groups g = groups_of(e, nest, nest->reduce);
    Kernel k = chunks_kernel(e, nest, spot, tile);
    Value end = LLVMBuildAdd(e->b, strip->group, index_const(e, g.lanes * g.chunk), "");
    LoopBlocks chunks;
    loop_open(e, &chunks, strip->group, NULL, 0);
    Value lane = LLVMBuildSDiv(e->b, LLVMBuildSub(e->b, chunks.index, strip->group, ""),
                               index_const(e, g.chunk), "");
    for (int i = 0; i < k.members; i++) {
        Index total = total_index(e, nest, &k.member[i]);
        Index at = index_add(e, index_scale(e, total, g.lanes), index_of(lane));
        Value sum = load_at(e, REGION_WORK, k.node->dtype, buffer_base(e, nest->chain), at);
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
    Value next = LLVMBuildAdd(e->b, strips.index, index_const(e, step), "");
    strip.end = smaller(e, next, index_const(e, extent));
    nest_loops(e, nest, strip_body, &strip);
    loop_close(e, &strips, index_const(e, extent), step, NULL);
    loop_close(e, &slots, index_const(e, g.chunk), 1, NULL);
    nest_loops(e, nest, fold_body, &strip);
    loop_close(e, &groups, e->block_rows, g.lanes * g.chunk, NULL);
}
