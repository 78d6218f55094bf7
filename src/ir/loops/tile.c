/* tile: register tiles of kernels, and their blocks for the caches.
 *
 * Outputs are tiled into registers so that each load is used several times: accumulators + vectors of one
 * column + 1 <= registers; on NEON, whose fma takes no operand from memory, + as many as the tile has rows, since
 * LLVM loads those of one k together. Around the tiles are blocks: of k, so that what one tile reads of an operand, or
 * a panel of lanes, stays in the first-level cache while the other operand passes by from the second; of lanes and of
 * the tile axis, so that this one and sums that wait for the next block of k stay there. An operand that does not lie
 * in the order in which it is read is packed first, if it is used often enough.
 *
 * None of these choices moves a bit: a chain takes its terms in the order of k, and storing and loading a sum
 * changes nothing.
 */
#include "ir/loops/loop.h"

enum { LARGEST_TILE = 12, MOST_TERMS = 512, LITTLE_WORK = 1 << 15, WAY = 4096, FEW_TILES = 4 };

static int64_t terms_of(const Contraction *c) {
    int64_t terms = 1;
    for (int k = 0; k < c->reduced; k++) terms *= c->extent[k];
    return terms;
}

/* Three vectors by eight places read least of a panel for what they compute; a panel of no more than four is
 * taken whole; any number of rows is rounded up to four or, where a row is little work, to two. */
int most_vectors(const LoopFunction *f, const Nest *nest, int64_t available, int registers) {
    bool any_number = nest->lanes == LANES_ROWS && !f->one_block;
    int64_t most = registers < 32 ? 2 : available <= 4 || (available % 4 == 0 && available % 3 != 0) ? 4 : 3;
    if (any_number && registers >= 32)
        most = shape_size(nest->space) * terms_of(nest->reduce->attr.contraction) < LITTLE_WORK ? 2 : 4;
    return (int)(available < 1 ? 1 : available < most ? available : most);
}

int most_tile_rows(const LoopTarget *target, int vectors) {
    int scalars = target->scalars_stay; /* for each row of the tile, or 1 for all */
    return (target->registers - !scalars - vectors) / (vectors + scalars);
}

/* Register tile of a kernel: vectors along the lanes, and the output axis whose tiles share most loads. */
void choose_tile(const LoopFunction *f, Nest *nest, const Reads *reads, const LoopTarget *target) {
    int lanes = loop_lanes(target, nest);
    bool reuse_along_lanes = false;
    int64_t available = nest->lanes == LANES_ROWS ? f->block / lanes
                        : nest->lanes >= 0        ? nest->space.extent[nest->lanes] / lanes
                                                  : 1;
    for (int i = 0; i < reads->count; i++) {
        const Read *read = &reads->items[i];
        if (read->operand < 0) continue;
        if (nest->lanes == LANES_ROWS ? read->node->rows == 0 : nest->lanes >= 0 && read->linear.coef[nest->lanes] == 0)
            reuse_along_lanes = true;
    }
    nest->vectors = nest->lanes == LANES_NONE ? 1
                    : reuse_along_lanes       ? most_vectors(f, nest, available, target->registers)
                    : available >= 2          ? 2
                                              : 1;
    int64_t best = 0;
    for (int a = 0; a < nest->space.rank; a++) {
        if (a == nest->lanes || nest->space.extent[a] < 2) continue;
        int64_t shared = 1;
        bool guarded = false;
        for (int i = 0; i < reads->count; i++)
            if (reads->items[i].operand >= 0) {
                shared += reads->items[i].linear.coef[a] == 0 ? 1000 : 0;
                guarded |= reads->items[i].guarded && reads->items[i].linear.coef[a] != 0;
            }
        int64_t worth = (shared + (nest->space.extent[a] < 64 ? nest->space.extent[a] : 64)) / (guarded ? 8 : 1);
        if (worth > best) {
            best = worth;
            nest->tile_axis = a;
        }
    }
    if (nest->tile_axis < 0 && nest->lanes >= 0 && available >= 4)
        nest->vectors = 4; /* nothing else keeps several chains going */
    if (nest->tile_axis >= 0) {
        int64_t tile = most_tile_rows(target, nest->vectors);
        int64_t extent = nest->space.extent[nest->tile_axis];
        int64_t most = nest->vectors >= 3 ? 8 : LARGEST_TILE;
        tile = tile > most ? most : tile;
        if (extent <= tile)
            tile = extent;
        else if (extent < 8 * tile) /* of few tiles none shall be a small rest */
            for (int64_t t = tile; t >= (tile + 1) / 2 + 1; t--)
                if (extent % t == 0) {
                    tile = t;
                    break;
                }
        nest->tile = (int)tile;
    }
}

static bool is_apart(const LoopFunction *f, const Node *node) {
    const Nest *maker = node_is_stored(f, node) ? f->provider[node->id] : NULL;
    return maker != NULL && node->rows != 0 && made_along_elements(f, maker);
}

/* A value with rows that lies as those are made which have their rows as lanes: rows side by side. */
static bool has_rows_beside(const LoopFunction *f, const Nest *nest, const Read *read) {
    int64_t along = read->linear.coef[nest->lanes];
    return node_is_stored(f, read->node) && read->node->rows != 0 && read->node->op != OP_COLUMN && !read->guarded &&
           !is_apart(f, read->node) && along > 0 && along < WILD_STRIDE;
}

/* Sums of rows, of what is more than a tiny function has: squares of as many rows as lanes are turned in registers. */
static int squares_of_rows(const LoopFunction *f, const Nest *nest, const Reads *reads, int64_t lanes) {
    int64_t extent = nest->space.extent[nest->lanes];
    size_t bytes = (size_t)(extent * f->block) * dtype_bytes(nest->reduce->dtype);
    int found = 0;
    if (f->block == 1 || nest->carried || extent < lanes || bytes <= MOST_TINY_WORK || reads->count == MOST_READS)
        return 0;
    for (int i = 0; i < reads->count; i++) {
        const Read *read = &reads->items[i];
        if (read->operand < 0 || (read->linear.coef[nest->lanes] == 0 && read->node->rows == 0)) continue;
        if (!has_rows_beside(f, nest, read) || (found > 0 && found != 1 + read->operand)) return 0;
        found = 1 + read->operand;
    }
    return found;
}

/* A matrix times one vector: a parameter whose lanes lie apart, but whose terms lie side by side, and which nothing
 * else uses again. Vectors of terms are loaded, and squares of them turned in registers. */
int square_operand(const LoopFunction *f, const Nest *nest, const Reads *reads, const LoopTarget *target) {
    const Contraction *c = nest->reduce->attr.contraction;
    int last = nest->space.rank + c->reduced - 1, found = 0;
    int64_t lanes = loop_lanes(target, nest);
    if (nest->reduce->op == OP_CONTRACT && nest->lanes >= 0 && nest->tile <= 1 && c->over_rows && c->reduced == 0)
        return squares_of_rows(f, nest, reads, lanes);
    if (nest->reduce->op != OP_CONTRACT || nest->lanes < 0 || nest->tile > 1 || c->reduced == 0 ||
        reads->count == MOST_READS || nest->space.extent[nest->lanes] < lanes || c->extent[c->reduced - 1] < lanes)
        return 0;
    for (int i = 0; i < reads->count; i++) {
        const Read *read = &reads->items[i];
        if (read->operand < 0 || read->linear.coef[nest->lanes] == 0) continue;
        bool square = read->node->op == OP_CELL && !read->guarded && read->linear.coef[last] == 1 &&
                      read->linear.coef[nest->lanes] > 1 && read->linear.coef[nest->lanes] < WILD_STRIDE;
        if (!square || (found > 0 && found != 1 + read->operand)) return 0;
        found = 1 + read->operand;
    }
    return found;
}

/* ---- blocks -------------------------------------------------------------------------------------- */
static int64_t tiles_extent(const LoopFunction *f, const Nest *nest) {
    return nest->tile_axis == TILE_ROWS ? f->block : nest->space.extent[nest->tile_axis];
}

static int64_t lanes_extent(const LoopFunction *f, const Nest *nest) {
    return nest->lanes == LANES_ROWS ? f->block : nest->space.extent[nest->lanes];
}

/* How the two operands of a kernel are read. */
typedef struct Operands {
    int of_lanes; /* the one that moves with the lanes, the other one does not; -1: none */
    bool guarded[2], moves_with_tile[2];
    bool together[2];      /* neighbours along the innermost axis of k lie together */
    bool along_tile[2];    /* neighbours along the tile axis do */
    bool apart[2];         /* rows have it, and its elements were made row by row */
    bool beside[2];        /* neighbours along the lanes do; or they are the same */
    bool rows_beside[2];   /* it lies as what has rows as lanes is made */
    bool passes[2];        /* more rows of data than the first level holds, not stored if all pack them */
    int64_t row_stride[2]; /* elements from a place of the tile axis to the next */
} Operands;

static Operands operands_of(const LoopFunction *f, const Nest *nest, const Reads *reads) {
    Operands o = {.together = {true, true},
                  .along_tile = {true, true},
                  .apart = {true, true},
                  .beside = {true, true},
                  .rows_beside = {f->block > 1 && nest->lanes >= 0, f->block > 1 && nest->lanes >= 0}};
    for (int s = 0; s < nest->reduce->sources; s++) o.passes[s] = is_passing(f, nest->reduce->source[s]);
    int result = nest->reduce->shape.rank, reduced = nest->reduce->attr.contraction->reduced;
    bool moves[2] = {false, false};
    for (int i = 0; i < reads->count; i++) {
        const Read *read = &reads->items[i];
        int s = read->operand;
        if (s < 0) continue;
        moves[s] |= nest->lanes == LANES_ROWS ? read->node->rows != 0 : read->linear.coef[nest->lanes] != 0;
        bool of_rows = nest->tile_axis == TILE_ROWS && read->node->rows != 0;
        int64_t of_tile = of_rows               ? shape_size(read->node->shape)
                          : nest->tile_axis < 0 ? 0
                                                : read->linear.coef[nest->tile_axis];
        o.moves_with_tile[s] |= of_tile != 0;
        o.beside[s] &= nest->lanes == LANES_ROWS || read->linear.coef[nest->lanes] <= 1;
        o.rows_beside[s] = o.rows_beside[s] && has_rows_beside(f, nest, read);
        o.guarded[s] |= read->guarded;
        o.apart[s] &= is_apart(f, read->node);
        o.row_stride[s] = of_tile;
        o.together[s] &= reduced == 0 || read->linear.coef[result + reduced - 1] == 1;
        o.along_tile[s] &= of_tile == 1 && read->node->rows == 0;
    }
    o.of_lanes = moves[0] == moves[1] ? -1 : moves[1] ? 1 : 0;
    return o;
}

static bool can_be_blocked(const LoopFunction *f, const Nest *nest, const Reads *reads) {
    const Node *node = nest->reduce;
    const Contraction *c = node->attr.contraction;
    if (node->op != OP_CONTRACT || node->sources != 2 || !dtype_is_real(node->dtype) || c->lanes > 1) return false;
    if (nest->lanes == LANES_NONE || nest->tile_axis == TILE_NONE || reads->count == MOST_READS) return false;
    if (f->block > 1 && nest->rows && nest->lanes != LANES_ROWS && nest->tile_axis != TILE_ROWS) return false;
    if (terms_of(c) == 0 || (c->reduced == 0 && !c->over_rows)) return false;
    bool crosses = !f->one_block || (c->chunk > 0 && c->chunk < f->block);
    return !c->over_rows || (f->block > 1 && !crosses);
}

/* The outermost axis of k of which not all places fit into `most` terms is cut; evenly, and into whole squares. */
static void cut_terms(const LoopFunction *f, const Contraction *c, int64_t most, int64_t lanes, Blocks *blocks) {
    int64_t inner = 1, extent = 1;
    most = most < 1 ? 1 : most;
    int axis = c->reduced - 1, outermost = c->over_rows ? BLOCKS_ROWS : 0;
    for (;; axis--) {
        extent = axis == BLOCKS_ROWS ? f->block : c->extent[axis];
        if (inner * extent > most || axis == outermost) break;
        inner *= extent;
    }
    int64_t count = (inner * extent + most - 1) / most;
    blocks->axis = axis;
    blocks->places = count > extent ? 1 : (extent + count - 1) / count;
    int64_t whole = (blocks->places + lanes - 1) / lanes * lanes;
    if (inner == 1 && count > 1 && whole <= most) blocks->places = whole;
    blocks->terms = inner * blocks->places;
    blocks->several = blocks->places < extent || axis > outermost;
}

/* Blocks of at most about `most` places, as even as whole tiles allow. */
static int64_t even_blocks(int64_t extent, int64_t most, int64_t tile) {
    int64_t count = most < 4 * tile ? extent / (4 * tile) : (extent + most - 1) / most;
    if (count < 2) return extent;
    return ((extent + count - 1) / count + tile - 1) / tile * tile;
}

/* Rows of a tile a multiple of a way apart share a set of the first level. Beside a panel there is room for half of the
 * ways: they would drive out each other. */
static bool share_sets(const LoopTarget *target, const Nest *nest, int64_t stride) {
    int64_t sets = 1;
    while (sets < WAY && stride * sets % WAY != 0) sets *= 2;
    return (nest->tile + sets - 1) / sets >= (int64_t)target->l1 / WAY / 2;
}

/* What passes by, the tiles or the panels, passes once for each of the others. That is the panels, from the second
 * level, where the tiles' operand is not packed and has no room in it; otherwise the tiles, since they are less of what
 * each k reads. */
static bool tiles_are_outside(const LoopFunction *f, const Nest *nest, const Operands *operands, int of_tile) {
    const LoopTarget *target = f->target;
    int64_t bytes = (int64_t)dtype_bytes(nest->reduce->dtype), stride = operands->row_stride[of_tile] * bytes;
    const Contraction *c = nest->reduce->attr.contraction;
    int64_t all = tiles_extent(f, nest) * terms_of(c) * (c->over_rows ? f->block : 1) * bytes;
    return all > (int64_t)target->l2 / 2 || (operands->together[of_tile] && share_sets(target, nest, stride));
}

/* What stays in the first level, a tile's operand or a panel, takes half or two thirds of it. Of the second level a
 * block of lanes takes a half or a quarter, and sums that wait, with the tiles' operand if it passes by, the other half. */
void choose_blocks(const LoopFunction *f, Nest *nest, const Reads *reads, const LoopTarget *target) {
    if (!can_be_blocked(f, nest, reads)) return;
    Operands operands = operands_of(f, nest, reads);
    int64_t lanes = loop_lanes(target, nest), extent = lanes_extent(f, nest);
    int64_t tiles = tiles_extent(f, nest);
    int64_t bytes = (int64_t)dtype_bytes(nest->reduce->dtype), width = lanes * nest->vectors;
    int of_lanes = operands.of_lanes, of_tile = 1 - of_lanes;
    if (of_lanes < 0 || extent < width) return;
    Blocks b = {.lane_operand = of_lanes};
    b.packs[of_tile] = !operands.guarded[of_tile] && !operands.together[of_tile] && operands.along_tile[of_tile] &&
                       extent >= 2 * width && extent >= 2 * target->fewest_uses;
    b.tiles_outside = extent > width && !b.packs[of_tile] && tiles_are_outside(f, nest, &operands, of_tile);
    int64_t most = (b.tiles_outside ? (int64_t)target->l1 / 2 / nest->tile : (int64_t)target->l1 * 2 / 3 / width) /
                   bytes;
    cut_terms(f, nest->reduce->attr.contraction, most < MOST_TERMS ? most : MOST_TERMS,
              operands.passes[of_lanes] ? COLUMN_SQUARE : lanes, &b);
    bool packable = !operands.guarded[of_lanes] && !operands.moves_with_tile[of_lanes] && b.terms >= lanes;
    const Contraction *c = nest->reduce->attr.contraction;
    b.turns = packable && (c->over_rows && c->reduced == 0 ? operands.rows_beside[of_lanes]
                           : !operands.together[of_lanes]  ? false
                           : nest->lanes == LANES_ROWS     ? operands.apart[of_lanes]
                                                           : !operands.beside[of_lanes] && nest->apart);
    b.packs[of_lanes] = b.turns ||
                        (packable && ((extent > width && tiles >= target->fewest_uses) || operands.passes[of_lanes]));
    if (!b.several && !b.packs[0] && !b.packs[1]) return;
    int64_t half = (int64_t)target->l2 / 2;
    b.lanes = even_blocks(extent, (b.tiles_outside ? half : half / 2) / (b.terms * bytes), width);
    int64_t panels = (int64_t)target->l1 * 2 / 3 / (width * b.terms * bytes);
    if (operands.passes[of_lanes] && tiles <= FEW_TILES * nest->tile && panels * width < b.lanes)
        b.lanes = (panels > 1 ? panels : 1) * width; /* so few read a panel while it is in the first level */
    b.pitch = b.lanes < extent ? b.lanes + 2 * width : (extent + 15) / 16 * 16;
    int64_t each = (b.several ? b.pitch * bytes : 0) + (b.tiles_outside ? 0 : b.terms * bytes);
    b.tile = each > 0 ? even_blocks(tiles, half / each, nest->tile) : tiles;
    if (nest->tile_axis == TILE_ROWS) /* the last tile may pass the last row */
        b.tile = (b.tile + nest->tile - 1) / nest->tile * nest->tile;
    b.lanes_once = b.packs[of_lanes] && b.several && b.tile < tiles;
    nest->blocks = arena_new_of(f->arena, Blocks);
    *nest->blocks = b;
}
