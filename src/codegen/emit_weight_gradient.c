/* emit_weight_gradient: sums of rows and pixels. Lanes are one operand's channels, the tile is channels of the other
 * one, the image, and places of the window are outputs as any other.
 *
 * Rows and pixels are summed in order. So that a few image rows stay in the first-level cache while all their taps and
 * channels pass over them, in strips (ir/loops/layout.c), chains are kept in memory from strip to strip, which changes no
 * bit. Each strip is read from afar once and then by every tile: so each tile fetches a part of the next strip into the
 * second-level cache, all together all of it.
 */
#include "codegen/emit_convolution.h"

enum { LINE = 64, FRACTION_BITS = 32 };

/* Places of the first reduced axis of a row. By operand: where the next strip begins, what of it has been fetched, and
 * the bytes that are fetched by each tile, NULL: none; and altogether. */
typedef struct Strip {
    LLVMValueRef row, begin, end;
    LLVMValueRef next[2], fetched[2], of_tile[2];
    int64_t bytes[2];
} Strip;

/* ---- what comes next --------------------------------------------------------------------------------- */
/* Bytes from a place of the first reduced axis to the next one; 0: not known. */
static int64_t place_bytes(const Emitter *e, const Nest *nest, int s) {
    const Access *access = &nest->reduce->attr.contraction->access[s];
    const Node *source = nest->reduce->source[s];
    const Buffer *b = e->f->copy[source->id];
    int64_t step = 0;
    for (int a = 0; a < access->rank && b != NULL; a++) {
        int64_t coef = access->axis[a].coef[nest->reduce->shape.rank];
        if (coef != 0 && access->axis[a].divisor != 1) return 0;
        step += coef * b->stride[a];
    }
    return step * (int64_t)dtype_bytes(source->dtype);
}

/* The operands are more than the second level holds. */
static bool come_from_afar(const Emitter *e, const Nest *nest) {
    int64_t bytes = 0;
    for (int s = 0; s < 2; s++) {
        const Node *source = nest->reduce->source[s];
        bytes += shape_size(source->shape) * (int64_t)dtype_bytes(source->dtype) * e->f->block;
    }
    return bytes > (int64_t)e->target->l2;
}

/* A thread's tiles fetch all of a strip. */
static void plan_fetching(Emitter *e, const Nest *nest, Strip *strip) {
    if (!come_from_afar(e, nest)) return;
    LLVMValueRef tiles = index_const(e, nest_tiles(e, nest) << FRACTION_BITS);
    if (e->shared && nest->split != SPLIT_NONE)
        tiles = LLVMBuildMul(e->b, index_const(e, nest_tiles(e, nest)),
                             LLVMBuildSub(e->b, e->part_end, e->part_begin, ""), "");
    for (int s = 0; s < 2; s++) {
        int64_t lines = nest->convolution->strip * place_bytes(e, nest, s) / LINE;
        if (lines <= 0) continue;
        LLVMValueRef of_tile = LLVMBuildUDiv(e->b, index_const(e, lines << FRACTION_BITS), tiles, "");
        of_tile = LLVMBuildAdd(e->b, of_tile, index_const(e, 1), "");
        strip->of_tile[s] = LLVMBuildMul(e->b, of_tile, index_const(e, LINE), "");
        strip->fetched[s] = emit_alloca(e, e->i64);
        strip->bytes[s] = lines * LINE;
    }
}

/* Where the operand has what the next strip reads and this one does not: behind what the last of its taps reads. Behind
 * the last strip of a row the next row begins. */
static void start_fetching(Emitter *e, const Nest *nest, Strip *strip) {
    const Node *node = nest->reduce;
    const Contraction *c = node->attr.contraction;
    for (int s = 0; s < 2; s++) {
        if (strip->of_tile[s] == NULL) continue;
        const Node *source = node->source[s];
        const Buffer *b = e->f->copy[source->id];
        Index at = index_scale(e, index_of(strip->row), b->row_stride);
        for (int a = 0; a < c->access[s].rank; a++) {
            const AxisMap *map = &c->access[s].axis[a];
            if (map->coef[node->shape.rank] == 0) continue;
            int64_t last = map->offset;
            for (int k = 0; k < node->shape.rank; k++) last += map->coef[k] * (node->shape.extent[k] - 1);
            Index place = index_scale(e, index_of(strip->end), map->coef[node->shape.rank]);
            at = index_add(e, at, index_scale(e, index_offset(e, place, last), b->stride[a]));
        }
        at = index_scale(e, at, (int64_t)dtype_bytes(source->dtype));
        strip->next[s] = LLVMBuildGEP2(e->b, e->i8, buffer_base(e, b), &at.at, 1, "");
        LLVMBuildStore(e->b, index_const(e, 0), strip->fetched[s]);
    }
}

static void fetch_of_next(Emitter *e, const Strip *strip) {
    for (int s = 0; s < 2; s++) {
        if (strip->of_tile[s] == NULL) continue;
        LLVMValueRef done = LLVMBuildLoad2(e->b, e->i64, strip->fetched[s], "");
        LLVMValueRef end = smaller(e, LLVMBuildAdd(e->b, done, strip->of_tile[s], ""), index_const(e, strip->bytes[s]));
        LoopBlocks lines;
        loop_open(e, &lines, done, NULL, 0);
        prefetch_at(e, DTYPE_U8, strip->next[s], lines.index, 2);
        loop_close(e, &lines, end, LINE, NULL);
        LLVMBuildStore(e->b, end, strip->fetched[s]);
    }
}

/* ---- strips ------------------------------------------------------------------------------------------- */
static Index sum_index(Emitter *e, const Buffer *sums, const Spot *spot) {
    Index at = index_at(e, 0);
    for (int a = 0; a < sums->shape.rank; a++)
        if (sums->shape.extent[a] > 1) at = index_add(e, at, index_scale(e, spot->axis[a], sums->stride[a]));
    return at;
}

static void weights_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    const Strip *strip = context;
    fetch_of_next(e, strip);
    ConvolutionKernel k = kernel_new(nest, spot, vectors);
    set_members(e, &k, spot, tile);
    k.row = strip->row;
    k.strip_begin = strip->begin;
    k.strip_end = strip->end;
    LLVMValueRef chain[MOST_CHAINS], base = buffer_base(e, nest->chain);
    Index at[MOST_CHAINS];
    for (int i = k.members - 1; i >= 0; i--) {
        for (int j = 0; j < vectors; j++) {
            Spot here = k.member[i];
            here.axis[nest->lanes] = index_offset(e, here.axis[nest->lanes], j * e->lanes);
            at[i * vectors + j] = sum_index(e, nest->chain, &here);
            chain[i * vectors + j] = load_at(e, REGION_WORK, k.node->dtype, base, at[i * vectors + j]);
        }
    }
    walk_all(e, &k, chain);
    for (int i = 0; i < k.members * vectors; i++) store_at(e, REGION_WORK, k.node->dtype, base, at[i], chain[i]);
}

/* The places and vectors of a tile one after the other: what only moves values through memory gains nothing from being
 * written out for a whole tile, and took most of the time of compiling a deep network. */
static void each_of_tile(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, NestBody *body,
                         void *context) {
    LoopBlocks places, taps, parts;
    Spot here = *spot;
    const Convolution *v = nest->convolution;
    if (tile > 1) {
        loop_open(e, &places, index_const(e, 0), NULL, 0);
        here.axis[nest->tile_axis] = index_add(e, here.axis[nest->tile_axis], index_of(places.index));
    }
    if (v->taps > 1) {
        loop_open(e, &taps, index_const(e, 0), NULL, 0);
        here.axis[v->taps_axis] = index_of(taps.index);
    }
    if (vectors > 1) {
        loop_open(e, &parts, index_const(e, 0), NULL, 0);
        here.axis[nest->lanes] = index_add(e, here.axis[nest->lanes], index_of(parts.index));
    }
    body(e, nest, &here, 1, 1, context);
    if (vectors > 1) loop_close(e, &parts, index_const(e, (int64_t)vectors * e->lanes), e->lanes, NULL);
    if (v->taps > 1) loop_close(e, &taps, index_const(e, v->taps), 1, NULL);
    if (tile > 1) loop_close(e, &places, index_const(e, tile), 1, NULL);
}

static void weight_finished(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)tile, (void)vectors, (void)context;
    LLVMValueRef v = load_at(e, REGION_WORK, nest->reduce->dtype, buffer_base(e, nest->chain),
                             sum_index(e, nest->chain, spot));
    finish(e, nest, spot, (Chain){{v}});
}

static void weights_finished(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    each_of_tile(e, nest, spot, tile, vectors, weight_finished, context);
}

typedef struct ChunkSums {
    bool fold;
    LLVMValueRef first;
} ChunkSums;

/* A new chunk's chains begin, or join those of the chunks before, of which there are none at the first. */
static void sum_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    (void)tile, (void)vectors;
    const ChunkSums *s = context;
    const Node *node = nest->reduce;
    LLVMValueRef chains = buffer_base(e, nest->chain), start = chain_start(e, node, e->lanes).v[0];
    Index at = sum_index(e, nest->chain, spot);
    if (!s->fold) {
        store_at(e, REGION_WORK, node->dtype, chains, at, start);
        return;
    }
    LLVMValueRef totals = buffer_base(e, nest->total);
    LLVMValueRef before = load_at(e, REGION_WORK, node->dtype, totals, at);
    Chain total = {{emit_select(e, s->first, start, before)}};
    Chain part = {{load_at(e, REGION_WORK, node->dtype, chains, at)}};
    store_at(e, REGION_WORK, node->dtype, totals, at, chain_join(e, node, total, part).v[0]);
}

static void sums_body(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors, void *context) {
    each_of_tile(e, nest, spot, tile, vectors, sum_body, context);
}

static void all_sums(Emitter *e, const Nest *nest, bool fold, LLVMValueRef first) {
    ChunkSums s = {fold, first};
    nest_loops(e, nest, sums_body, &s);
}

static void emit_strips(Emitter *e, const Nest *nest, Strip strip) {
    int64_t extent = nest->reduce->attr.contraction->extent[0], step = nest->convolution->strip;
    LoopBlocks l;
    loop_open(e, &l, index_const(e, 0), NULL, 0);
    strip.begin = l.index;
    strip.end = smaller(e, LLVMBuildAdd(e->b, l.index, index_const(e, step), ""), index_const(e, extent));
    start_fetching(e, nest, &strip);
    nest_loops(e, nest, weights_body, &strip);
    loop_close(e, &l, index_const(e, extent), step, NULL);
}

void emit_weight_gradient(Emitter *e, const Nest *nest) {
    if (shape_size(nest->space) == 0) return;
    int64_t chunk = nest->reduce->attr.contraction->chunk;
    if (!nest->carried || chunk <= 0) chunk = (int64_t)1 << 40;
    LoopBlocks chunks, rows;
    Strip strip = {0};
    plan_fetching(e, nest, &strip);
    LLVMValueRef size = index_const(e, chunk);
    LLVMValueRef end = LLVMBuildAdd(e->b, e->block_begin, e->block_rows, "");
    LLVMValueRef first = LLVMBuildMul(e->b, LLVMBuildUDiv(e->b, e->block_begin, size, ""), size, "");
    loop_open(e, &chunks, first, NULL, 0);
    LLVMValueRef chunk_end = LLVMBuildAdd(e->b, chunks.index, size, "");
    LLVMValueRef begin = larger(e, chunks.index, e->block_begin);
    LLVMBasicBlockRef after = if_open(e, LLVMBuildICmp(e->b, LLVMIntEQ, begin, chunks.index, ""));
    all_sums(e, nest, false, NULL);
    if_close(e, after);
    LLVMValueRef row_end = LLVMBuildSub(e->b, smaller(e, chunk_end, end), e->block_begin, "");
    loop_open(e, &rows, LLVMBuildSub(e->b, begin, e->block_begin, ""), NULL, 0);
    strip.row = rows.index;
    emit_strips(e, nest, strip);
    loop_close(e, &rows, row_end, 1, NULL);
    if (nest->carried) {
        LLVMValueRef full = LLVMBuildICmp(e->b, LLVMIntSLE, chunk_end, end, "");
        LLVMValueRef last = LLVMBuildICmp(e->b, LLVMIntEQ, end, e->total_rows, "");
        after = if_open(e, LLVMBuildOr(e->b, full, last, ""));
        all_sums(e, nest, true, LLVMBuildICmp(e->b, LLVMIntEQ, chunks.index, index_const(e, 0), ""));
        if_close(e, after);
    } else {
        nest_loops(e, nest, weights_finished, NULL);
    }
    loop_close(e, &chunks, end, chunk, NULL);
}
