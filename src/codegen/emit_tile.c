/* emit_tile: a register tile: tile x vectors chains carried through the loops over k as phis.
 *
 * Each operand is loaded once per iteration and used for the whole row or column of the tile; a matrix that is
 * multiplied with one vector is loaded along k instead, in squares that are turned in registers. Absent terms at
 * borders become loop bounds where one reduced axis alone decides about them, conditions elsewhere.
 */
#include "codegen/emit_reduce.h"

/* ---- absent terms at borders: loop bounds instead of conditions ---- */
/* The one reduced axis that moves this source axis by whole steps, if the tile and the lanes do not move it.
 */
static int peeled_axis(const Tile *t, const AxisMap *map, int operand, int source_axis) {
    int found = -1;
    if (map->divisor != 1 ||
        axis_is_inside(map, t->space.extent, t->space.axes, t->node->source[operand]->shape.extent[source_axis]))
        return -1;
    for (int k = 0; k < t->space.axes; k++) {
        if (map->coef[k] == 0 || t->space.extent[k] == 1) continue;
        if (k == t->nest->tile_axis || k == t->nest->lanes) return -1;
        if (k >= t->space.result) {
            if (found >= 0 || map->coef[k] != 1) return -1;
            found = k;
        }
    }
    return found;
}

static void find_peeled(Tile *t) {
    const Contraction *c = t->node->attr.contraction;
    for (int s = 0; s < t->node->sources && !t->unroll; s++)
        for (int a = 0; a < c->access[s].rank; a++) {
            int k = peeled_axis(t, &c->access[s].axis[a], s, a);
            if (k < 0) continue;
            t->bounded[k] = true;
            t->space.peeled[s] |= 1u << a;
        }
}

/* 0 <= rest + k < extent for every source axis that k keeps inside */
static void peel_bounds(Emitter *e, const Tile *t, int axis, LLVMValueRef *begin, LLVMValueRef *end) {
    const Contraction *c = t->node->attr.contraction;
    for (int s = 0; s < t->node->sources; s++)
        for (int a = 0; a < c->access[s].rank; a++) {
            const AxisMap *map = &c->access[s].axis[a];
            if (!(t->space.peeled[s] >> a & 1) || peeled_axis(t, map, s, a) != axis) continue;
            Index rest = index_at(e, map->offset);
            for (int k = 0; k < t->space.result; k++)
                if (map->coef[k] != 0 && t->space.extent[k] > 1)
                    rest = index_add(e, rest, index_scale(e, t->spot[0].axis[k], map->coef[k]));
            LLVMValueRef extent = index_const(e, t->node->source[s]->shape.extent[a]);
            *begin = larger(e, *begin, LLVMBuildNeg(e->b, rest.at, ""));
            *end = smaller(e, *end, LLVMBuildSub(e->b, extent, rest.at, ""));
        }
}

/* A loop that carries the chains; it may run no time at all if `maybe`. */
typedef struct TileLoop {
    LoopBlocks blocks;
    LLVMBasicBlockRef before, after;
    LLVMValueRef start[MOST_CHAINS * 2];
} TileLoop;

static void tile_loop_open(Emitter *e, const Tile *t, TileLoop *l, LLVMValueRef begin, LLVMValueRef end, bool maybe,
                           Chain *chain) {
    int width = chain_width(t->node);
    for (int c = 0; c < t->count; c++)
        for (int i = 0; i < width; i++) l->start[c * width + i] = chain[c].v[i];
    l->before = LLVMGetInsertBlock(e->b);
    l->after = maybe ? if_open(e, LLVMBuildICmp(e->b, LLVMIntSLT, begin, end, "")) : NULL;
    loop_open(e, &l->blocks, begin, l->start, t->count * width);
    for (int c = 0; c < t->count; c++)
        for (int i = 0; i < width; i++) chain[c].v[i] = l->blocks.phi[c * width + i];
}

static void tile_loop_close(Emitter *e, const Tile *t, TileLoop *l, LLVMValueRef end, int64_t step, Chain *chain) {
    int width = chain_width(t->node);
    LLVMValueRef next[MOST_CHAINS * 2];
    for (int c = 0; c < t->count; c++)
        for (int i = 0; i < width; i++) next[c * width + i] = chain[c].v[i];
    loop_close(e, &l->blocks, end, step, next);
    if (l->after == NULL) return;
    LLVMBasicBlockRef from[2] = {l->before, LLVMGetInsertBlock(e->b)};
    if_close(e, l->after);
    for (int c = 0; c < t->count; c++)
        for (int i = 0; i < width; i++) {
            LLVMValueRef both[2] = {l->start[c * width + i], next[c * width + i]};
            chain[c].v[i] = LLVMBuildPhi(e->b, LLVMTypeOf(both[0]), "");
            LLVMAddIncoming(chain[c].v[i], both, from, 2);
        }
}

/* In a panel lie, for each place of k, the vectors of the lanes or the places of the tile. */
static LLVMValueRef load_packed(Emitter *e, const Tile *t, const Spot *k, int operand, int i, int j) {
    int64_t width = t->by_vector[operand] ? (int64_t)t->vectors * e->lanes : t->tile;
    Index at = index_scale(e, place_of_term(e, t, k), width);
    at = index_offset(e, at, t->by_vector[operand] ? (int64_t)j * e->lanes : i);
    at.step = t->by_vector[operand] && e->lanes > 1;
    return load_at(e, REGION_WORK, t->node->dtype, t->block->panel[operand], at);
}

static void tile_terms(Emitter *e, const Tile *t, const Spot *k, Chain *chain, bool first) {
    ChainTerm term[MOST_CHAINS];
    if (t->packs) {
        pack_terms(e, t, k);
        return;
    }
    memo_clear(e);
    for (int i = 0; i < t->tile; i++)
        for (int j = 0; j < t->vectors; j++) {
            ChainTerm *now = &term[i * t->vectors + j];
            Spot spot = spot_of_term(t, k, i * t->vectors + j);
            now->index = flat_term(e, t->node, &t->space, &spot);
            now->ok = NULL;
            LLVMValueRef oks[2] = {NULL, NULL};
            for (int s = 0; s < t->node->sources; s++) {
                int from = (t->by_tile[s] ? i : 0) * t->vectors + (t->by_vector[s] ? j : 0);
                if (from < i * t->vectors + j) {
                    now->x[s] = term[from].x[s];
                    oks[s] = term[from].oks[s];
                } else if (t->block != NULL && t->block->panel[s] != NULL) {
                    now->x[s] = load_packed(e, t, k, s, i, j);
                } else {
                    now->x[s] = operand_at(e, t->node, &t->space, s, &spot, &oks[s]);
                }
                now->oks[s] = oks[s];
                now->ok = emit_and(e, now->ok, oks[s]);
            }
        }
    for (int c = 0; c < t->count; c++) chain[c] = chain_step(e, t->node, chain[c], &term[c], first);
}

/* ---- squares: loaded along k, turned in registers ---- */
/* As many terms as a vector has lanes: for each vector of the tile so many vectors along k, turned. */
static void square_terms(Emitter *e, const Tile *t, const Spot *k, Chain *chain) {
    int s = t->squares - 1, part = part_of_square(e, t, s);
    for (int j = 0; j < t->vectors; j++) {
        LLVMValueRef square[ORDER_LANES];
        Spot spot = spot_of_term(t, k, j);
        LLVMValueRef first = lanes_of(t, &spot)->at;
        for (int l = 0; l < e->lanes; l++) {
            if (l % part == 0) {
                for (int i = 0; i < part; i++) square[i] = parts_of_square(e, t, s, &spot, first, i, l, part);
                turn_parts(e, square, part, e->lanes);
            }
            ChainTerm term = {.ok = NULL};
            Spot place = spot;
            *innermost_term(t, &place) = index_offset(e, *innermost_term(t, &spot), l);
            memo_clear(e);
            term.x[s] = square[l % part];
            if (t->node->sources > 1) term.x[1 - s] = operand_at(e, t->node, &t->space, 1 - s, &place, &term.ok);
            chain[j] = chain_step(e, t->node, chain[j], &term, false);
        }
    }
    memo_clear(e);
}

/* The innermost terms in squares, of which there may be none; where those that are left begin. */
static LLVMValueRef tile_squares(Emitter *e, const Tile *t, Spot *k, LLVMValueRef begin, LLVMValueRef end,
                                 Chain *chain) {
    LLVMValueRef lanes = index_const(e, e->lanes), terms = LLVMBuildSub(e->b, end, begin, "");
    LLVMValueRef whole = LLVMBuildMul(e->b, LLVMBuildUDiv(e->b, terms, lanes, ""), lanes, "");
    whole = LLVMBuildAdd(e->b, begin, whole, "");
    TileLoop l;
    tile_loop_open(e, t, &l, begin, whole, t->row_begin != NULL, chain);
    *innermost_term(t, k) = index_of(l.blocks.index);
    square_terms(e, t, k, chain);
    tile_loop_close(e, t, &l, whole, e->lanes, chain);
    return whole;
}

void tile_axes(Emitter *e, const Tile *t, int axis, Spot *k, Chain *chain, bool *first) {
    if (axis == t->space.axes) {
        tile_terms(e, t, k, chain, *first);
        *first = false;
        return;
    }
    int64_t extent = t->space.extent[axis];
    const Block *block = t->block;
    LLVMValueRef begin = index_const(e, 0), end = index_const(e, extent);
    if (block != NULL && block->begin[axis] != NULL) {
        begin = block->begin[axis];
        end = block->end[axis];
        if (end == NULL && !t->bounded[axis]) { /* one place */
            k->axis[axis] = index_of(begin);
            tile_axes(e, t, axis + 1, k, chain, first);
            return;
        }
        if (end == NULL) end = LLVMBuildAdd(e->b, begin, index_const(e, 1), "");
    } else if (t->unroll || (extent == 1 && !t->bounded[axis])) {
        for (int64_t i = 0; i < extent; i++) {
            k->axis[axis] = index_at(e, i);
            tile_axes(e, t, axis + 1, k, chain, first);
        }
        return;
    }
    if (t->squares > 0 && axis == t->space.axes - 1) {
        begin = tile_squares(e, t, k, begin, end, chain);
        *first = false;
        if (extent % e->lanes == 0) return;
    }
    bool turns = t->turns && axis == t->space.axes - 1 && !t->bounded[axis];
    if (turns) begin = pack_squares(e, t, k, begin, end);
    if (t->bounded[axis]) peel_bounds(e, t, axis, &begin, &end);
    TileLoop l;
    tile_loop_open(e, t, &l, begin, end, turns || t->bounded[axis], chain);
    k->axis[axis] = index_of(l.blocks.index);
    bool inner = false;
    tile_axes(e, t, axis + 1, k, chain, &inner);
    *first = false;
    tile_loop_close(e, t, &l, end, 1, chain);
}

void tile_rows(Emitter *e, const Tile *t, Chain *chain) {
    Spot k = {0};
    bool first = t->row_begin == NULL && t->unroll;
    if (t->row_begin == NULL) {
        tile_axes(e, t, t->space.result, &k, chain, &first);
        return;
    }
    TileLoop l;
    LLVMValueRef begin = t->row_begin;
    bool turns = t->space.axes == t->space.result && (t->turns || t->squares > 0);
    if (turns)
        begin = t->packs ? pack_squares(e, t, &k, begin, t->row_end) : tile_squares(e, t, &k, begin, t->row_end, chain);
    tile_loop_open(e, t, &l, begin, t->row_end, turns, chain);
    k.row = index_of(l.blocks.index);
    first = false;
    tile_axes(e, t, t->space.result, &k, chain, &first);
    tile_loop_close(e, t, &l, t->row_end, 1, chain);
}

/* A row of the tile. Those past the last one are the last one again, where the caller gets them: so are those of a
 * column in place. */
static Index row_of_tile(Emitter *e, const Nest *nest, Index row, int i) {
    row = index_offset(e, row, i);
    if (i > 0 && nest->stores[0].kind == STORE_ROWS && e->row_pointers == NULL)
        row.at = smaller(e, row.at, LLVMBuildSub(e->b, e->block_rows, index_const(e, 1), ""));
    return row;
}

Tile tile_new(Emitter *e, const Nest *nest, const Spot *spot, int tile, int vectors) {
    Tile t = {.nest = nest,
              .node = nest->reduce,
              .space = space_of(nest->reduce),
              .tile = tile,
              .vectors = vectors,
              .count = tile * vectors};
    const Contraction *c = nest->reduce->attr.contraction;
    if (t.count > MOST_CHAINS) INTERNAL_ERROR("a tile of %d", t.count);
    for (int i = 0; i < tile; i++)
        for (int j = 0; j < vectors; j++) {
            Spot *s = &t.spot[i * vectors + j];
            *s = *spot;
            if (nest->tile_axis >= 0) s->axis[nest->tile_axis] = index_offset(e, s->axis[nest->tile_axis], i);
            if (nest->tile_axis == TILE_ROWS) s->row = row_of_tile(e, nest, s->row, i);
            if (nest->lanes == LANES_ROWS)
                s->row = index_offset(e, s->row, j * e->lanes);
            else if (nest->lanes >= 0)
                s->axis[nest->lanes] = index_offset(e, s->axis[nest->lanes], j * e->lanes);
        }
    for (int s = 0; s < nest->reduce->sources; s++)
        for (int a = 0; a < c->access[s].rank; a++) {
            t.by_tile[s] |= nest->tile_axis >= 0 && c->access[s].axis[a].coef[nest->tile_axis] != 0;
            t.by_vector[s] |= nest->lanes >= 0 && c->access[s].axis[a].coef[nest->lanes] != 0;
        }
    for (int s = 0; s < nest->reduce->sources; s++)
        if (nest->reduce->source[s]->rows != 0) {
            t.by_vector[s] |= nest->lanes == LANES_ROWS;
            t.by_tile[s] |= nest->tile_axis == TILE_ROWS;
        }
    t.unroll = t.space.terms * t.count <= MOST_UNROLLED;
    find_peeled(&t);
    bool long_enough = c->over_rows || (!t.unroll && t.space.extent[t.space.axes - 1] >= e->lanes);
    if (nest->squares > 0 && long_enough && !e->f->tiny && e->valid_lanes == 0 && e->lanes >= 4 &&
        e->lanes <= ORDER_LANES && tile == 1)
        t.squares = nest->squares;
    return t;
}
