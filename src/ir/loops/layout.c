/* layout: where channels are the lanes.
 *
 * Usually the rows of a mini-batch lie innermost and are the lanes (plan.c). A convolution with enough
 * channels is better off row by row: values lie [row][pixel][channel], the channels of the result are the
 * lanes, a few pixels the register tile, and a row's image, read once for each of its taps, stays in the
 * caches. Its data gradient and its weight gradient want the same layout of the same values, so nothing is
 * turned between them.
 *
 * A function works so if every convolution in it has channels that fill vectors. The layout then spreads from
 * their operands and results along elementwise nests and poolings. What stays as it was (dense layers, sums
 * over few elements) reads a turned copy. Values made from columns are turned while they are made, and
 * results that leave the function while they are stored.
 *
 * No bit depends on any of this: lanes and tiles are outputs.
 */
#include "ir/loops/loop.h"
#include <string.h>

enum { LARGEST_WINDOW = 16, LARGEST_TAPS = 7, MOST_TILE = 12, ENOUGH_CHAINS = 12, STRIP_BYTES = 32 << 10 };

typedef struct Layouts {
    LoopFunction *f;
    const LoopTarget *target;
    Nest *nest;   /* being looked at */
    int index[2]; /* of its operands: the axis of the index space along which channels move */
    bool changed;
    int axis; /* found or to be spread */
} Layouts;

static bool is_index(const AxisMap *map, int axes, int k) {
    for (int j = 0; j < axes; j++)
        if (map->coef[j] != (j == k)) return false;
    return map->offset == 0 && map->divisor == 1;
}

static bool moves(const Access *access, int k) {
    for (int a = 0; a < access->rank; a++)
        if (access->axis[a].coef[k] != 0) return true;
    return false;
}

/* Is there an axis of the source that this index alone walks along? */
static bool walks_alone(const Access *access, int axes, int k) {
    bool found = false;
    for (int a = 0; a < access->rank; a++)
        if (is_index(&access->axis[a], axes, k))
            found = true;
        else if (access->axis[a].coef[k] != 0)
            return false;
    return found;
}

static int64_t index_extent(const Node *node, int k) {
    return k < node->shape.rank ? node->shape.extent[k] : node->attr.contraction->extent[k - node->shape.rank];
}

static bool fills_vectors(int64_t extent, int lanes) { return extent % lanes == 0 || extent >= 3 * lanes; }

/* ---- convolutions ------------------------------------------------------------------------------ */
/* Every place the emitter has bounds for: one reduced index at most in an axis, with a positive step. */
static bool places_are_bounded(const Node *node, int image, int tile_axis) {
    const Contraction *c = node->attr.contraction;
    int rank = node->shape.rank, axes = rank + c->reduced;
    for (int s = 0; s < 2; s++)
        for (int a = 0; a < c->access[s].rank; a++) {
            const AxisMap *map = &c->access[s].axis[a];
            int reduced = 0;
            for (int k = rank; k < axes; k++)
                if (map->coef[k] != 0 && index_extent(node, k) > 1) {
                    reduced++;
                    if (s == image && (map->coef[k] < 0 || (map->divisor > 1 && map->coef[k] != 1))) return false;
                    if (map->coef[tile_axis] != 0 && index_extent(node, k) > LARGEST_WINDOW) return false;
                }
            if (s == image ? reduced > 1 : map->divisor != 1) return false;
            if (s == image && map->coef[tile_axis] < 0) return false;
        }
    return true;
}

/* The weights may be read nowhere outside. */
static bool is_inside(const Node *node, int operand) {
    const Contraction *c = node->attr.contraction;
    int64_t extent[MOST_AXES];
    int axes = node->shape.rank + c->reduced;
    for (int k = 0; k < axes; k++) extent[k] = index_extent(node, k);
    return access_is_inside(&c->access[operand], extent, axes, node->source[operand]->shape);
}

static bool has_terms(const Contraction *c) {
    for (int k = 0; k < c->reduced; k++)
        if (c->extent[k] == 0) return false;
    return c->reduced > 0;
}

static bool is_candidate(const Node *node) {
    return node->op == OP_CONTRACT && node->sources == 2 && dtype_is_real(node->dtype) &&
           node->attr.contraction->lanes == 1 && node->shape.rank > 1 && has_terms(node->attr.contraction);
}

/* Forward and data gradient: an image with rows, weights without. */
static Convolution *find_convolution(Layouts *l, const Node *node, int *lanes_axis) {
    const Contraction *c = node->attr.contraction;
    int rank = node->shape.rank, axes = rank + c->reduced, innermost = axes - 1;
    if (!is_candidate(node) || c->over_rows || (node->source[0]->rows != 0) == (node->source[1]->rows != 0))
        return NULL;
    int image = node->source[0]->rows != 0 ? 0 : 1, tile = -1, lanes = -1;
    if (!walks_alone(&c->access[image], axes, innermost)) return NULL;
    for (int a = 0; a < rank; a++) {
        bool in_image = moves(&c->access[image], a), in_weights = moves(&c->access[1 - image], a);
        if (node->shape.extent[a] > 1 && in_image && !in_weights) tile = a;
        if (!in_image && walks_alone(&c->access[1 - image], axes, a) &&
            (lanes < 0 || node->shape.extent[a] > node->shape.extent[lanes]))
            lanes = a;
    }
    if (lanes < 0 || tile < 0 || !is_inside(node, 1 - image) || !places_are_bounded(node, image, tile)) return NULL;
    Convolution *found = arena_new_of(l->f->arena, Convolution);
    *found = (Convolution){.wide = 1 - image, .image = image, .tile_axis = tile};
    *lanes_axis = lanes;
    return found;
}

/* So many places that they have `most` bytes; equal strips, if they are not much shorter. */
static int64_t strip_of(int64_t bytes_of_place, int64_t most, int64_t extent) {
    int64_t strip = bytes_of_place < most ? most / bytes_of_place : 1;
    if (strip >= extent) return extent;
    for (int64_t equal = strip; 2 * equal > strip; equal--)
        if (extent % equal == 0) return equal;
    return strip;
}

/* Weight gradient: both have rows, which are summed, and pixels, which are summed too. */
static Convolution *find_weight_gradient(Layouts *l, const Node *node, int *lanes_axis) {
    const Contraction *c = node->attr.contraction;
    int rank = node->shape.rank, axes = rank + c->reduced;
    if (!is_candidate(node) || !c->over_rows || node->source[0]->rows == 0 || node->source[1]->rows == 0) return NULL;
    int channel[2] = {-1, -1};
    for (int s = 0; s < 2; s++)
        for (int a = 0; a < rank; a++)
            if (walks_alone(&c->access[s], axes, a) && !moves(&c->access[1 - s], a) &&
                (channel[s] < 0 || node->shape.extent[a] > node->shape.extent[channel[s]]))
                channel[s] = a;
    if (channel[0] < 0 || channel[1] < 0) return NULL;
    int lanes = loop_lanes(l->target, l->nest), wide = 0;
    for (int s = 0; s < 2; s++) /* the lanes: the operand that is always there, of whole vectors */
        if (fills_vectors(node->shape.extent[channel[s]], lanes) &&
            (!fills_vectors(node->shape.extent[channel[1 - s]], lanes) ||
             (is_inside(node, s) && !is_inside(node, 1 - s))))
            wide = s;
    if (!places_are_bounded(node, 0, channel[1 - wide]) || !places_are_bounded(node, 1, channel[1 - wide])) return NULL;
    Convolution *found = arena_new_of(l->f->arena, Convolution);
    int64_t bytes = (int64_t)dtype_bytes(node->dtype) * node->shape.extent[channel[wide]];
    for (int k = 1; k < c->reduced; k++) bytes *= c->extent[k];
    *found = (Convolution){.wide = wide,
                           .image = 1 - wide,
                           .tile_axis = channel[1 - wide],
                           .strip = strip_of(bytes, (int64_t)l->target->l1 / 2, c->extent[0])};
    *lanes_axis = channel[wide];
    return found;
}

/* The axis of an operand that this axis of the result moves, together with the innermost of the summed ones alone and
 * known at each place: taps of a window. */
static bool find_taps(const Node *node, int axis, Convolution *v) {
    const Contraction *c = node->attr.contraction;
    int rank = node->shape.rank, axes = rank + c->reduced, innermost = axes - 1, found = 0;
    for (int s = 0; s < 2; s++)
        for (int a = 0; a < c->access[s].rank; a++) {
            const AxisMap *map = &c->access[s].axis[a];
            int moving = 0;
            for (int k = 0; k < axes; k++) moving += map->coef[k] != 0 && index_extent(node, k) > 1;
            if (map->coef[axis] != 0) {
                found++;
                v->taps_operand = s;
                v->taps_source = a;
                if (moving != 2 || map->coef[innermost] == 0 || map->divisor != 1) return false;
            } else if (map->coef[innermost] != 0 && moving > 1) {
                return false; /* it has bounds of its own */
            }
        }
    return found == 1;
}

/* Places of the summed axis at which some tap has no term. */
static int64_t border_places(const Node *node, int axis, const Convolution *v) {
    const AxisMap *map = &node->attr.contraction->access[v->taps_operand].axis[v->taps_source];
    int innermost = node->shape.rank + node->attr.contraction->reduced - 1;
    int64_t last = node->source[v->taps_operand]->shape.extent[v->taps_source] - 1, places = 0;
    for (int64_t k = 0; k < index_extent(node, innermost); k++) {
        int64_t begin = map->offset + map->coef[innermost] * k,
                end = begin + map->coef[axis] * (node->shape.extent[axis] - 1);
        places += begin < 0 || end < 0 || begin > last || end > last;
    }
    return places;
}

/* In the registers: the chains, what the taps read or, where the other operand moves with them, the vectors. */
static bool tile_of_taps_fits(const LoopTarget *target, const Convolution *v, int64_t tile, int vectors) {
    if (v->taps_operand == v->image) return tile * v->taps <= most_tile_rows(target, vectors);
    int64_t fewer = tile < v->taps && !target->scalars_stay ? tile : v->taps, one = target->scalars_stay ? tile : 1;
    return (tile * v->taps + fewer) * vectors + one <= target->registers;
}

/* A few channels of the image make few chains, each of which waits for itself. With all taps along an axis of the window
 * there are more of them, and what they read is read once. */
static void add_taps(const LoopTarget *target, Nest *nest) {
    Convolution *v = nest->convolution;
    const Node *node = nest->reduce;
    int64_t channels = node->shape.extent[v->tile_axis];
    for (int a = node->shape.rank - 1; a >= 0 && node->attr.contraction->reduced > 1; a--) {
        Convolution taps = *v;
        int64_t extent = node->shape.extent[a], most = 0;
        if (a == nest->lanes || a == v->tile_axis || extent < 2 || extent > LARGEST_TAPS ||
            !find_taps(node, a, &taps) || border_places(node, a, &taps) > LARGEST_WINDOW)
            continue;
        int64_t chains = (channels < nest->tile ? channels : nest->tile) * nest->vectors;
        if (taps.taps_operand == v->image && chains >= ENOUGH_CHAINS)
            continue; /* each tap would read another place of the image */
        taps.taps_axis = a;
        taps.taps = (int)extent;
        while (most < channels && tile_of_taps_fits(target, &taps, most + 1, nest->vectors)) most++;
        if (most == 0) continue;
        int64_t tiles = (channels + most - 1) / most, tile = (channels + tiles - 1) / tiles;
        if (tiles == 1 && (tile + 1) / 2 * extent * nest->vectors >= ENOUGH_CHAINS)
            tile = (tile + 1) / 2; /* as fast, and threads can have one each */
        if (tile * extent <= nest->tile) continue;
        nest->tile = (int)tile;
        *v = taps;
        return;
    }
}

static bool has_window(const Node *node) {
    const Contraction *c = node->attr.contraction;
    int axes = node->shape.rank + c->reduced;
    for (int s = 0; s < node->sources; s++)
        for (int a = 0; a < c->access[s].rank; a++) {
            int moving = 0;
            for (int k = 0; k < axes; k++) moving += c->access[s].axis[a].coef[k] != 0 && index_extent(node, k) > 1;
            if (moving > 1) return true;
        }
    return false;
}

/* Vectors of channels times pixels (or other channels): accumulators, the vectors of one step and one more.
 */
static void set_tile(const Layouts *l, Nest *nest) {
    int64_t vectors = nest->space.extent[nest->lanes] / loop_lanes(l->target, nest);
    int most = l->target->registers < 32 ? 2 : 4;
    nest->vectors = vectors < 1                       ? 1
                    : vectors <= most                 ? (int)vectors
                    : vectors % most == 0 || most < 4 ? most
                    : vectors % 3 == 0                ? 3
                                                      : most;
    int tile = most_tile_rows(l->target, nest->vectors);
    nest->tile = tile > MOST_TILE ? MOST_TILE : tile;
    nest->tile_axis = TILE_NONE;
    nest->wide_rest = false;
    if (nest->reduce->attr.contraction->over_rows) {
        nest->tile_axis = nest->convolution->tile_axis;
        add_taps(l->target, nest);
    } else { /* pixels of a line, in tiles as equal as they can be */
        int64_t pixels = nest->space.extent[nest->convolution->tile_axis];
        int64_t tiles = (pixels + nest->tile - 1) / nest->tile;
        nest->tile = (int)((pixels + tiles - 1) / tiles);
    }
}

/* ---- the layout of values ------------------------------------------------------------------------ */
static void want(Layouts *l, const Node *node, int axis) {
    if (axis < 0 || l->f->copy_axis[node->id] >= 0 || node->rows == 0) return;
    l->f->copy_axis[node->id] = axis;
    l->changed = true;
}

static void visit_operand(void *context, const Read *read) {
    Layouts *l = context;
    if (read->operand >= 0 && node_is_stored(l->f, read->node))
        want(l, read->node, axis_of_stride(read->node->shape, read->linear.coef[l->index[read->operand]]));
}

static void use_convolution(Layouts *l, Nest *nest, Convolution *found, int lanes) {
    nest->convolution = found;
    nest->blocks = NULL;
    nest->squares = 0;
    nest->apart = nest->rows;
    nest->lanes = lanes;
    set_tile(l, nest);
    int innermost = nest->space.rank + nest->reduce->attr.contraction->reduced - 1;
    l->index[found->wide] = lanes;
    l->index[found->image] = nest->rows ? innermost : found->tile_axis;
    nest_reads(l->f, nest, visit_operand, l);
    if (nest->rows)
        for (int s = 0; s < nest->store_count; s++)
            if (nest->stores[s].kind == STORE_BUFFER) want(l, nest->stores[s].node, lanes);
}

/* All convolutions of the function, or none. */
static bool find_convolutions(Layouts *l, bool use) {
    bool window = false;
    for (int s = 0; s < l->f->section_count; s++)
        for (int i = 0; i < l->f->sections[s].nests.count; i++) {
            Nest *nest = l->nest = l->f->sections[s].nests.items[i];
            if (nest->kind != NEST_REDUCE || !is_candidate(nest->reduce)) continue;
            int lanes = -1;
            Convolution *found = find_convolution(l, nest->reduce, &lanes);
            if (found == NULL) found = find_weight_gradient(l, nest->reduce, &lanes);
            bool full = found != NULL && fills_vectors(nest->space.extent[lanes], loop_lanes(l->target, nest));
            if (!full && has_window(nest->reduce)) return false;
            window |= has_window(nest->reduce);
            if (full && use) use_convolution(l, nest, found, lanes);
        }
    return window;
}

/* ---- spreading ------------------------------------------------------------------------------------- */
static bool stores_whole_values(const Nest *nest) {
    for (int s = 0; s < nest->store_count; s++) {
        const Store *store = &nest->stores[s];
        if (store->kind != STORE_BUFFER || store->value != store->node ||
            !shape_equal(store->node->shape, nest->stores[0].node->shape))
            return false;
    }
    return nest->store_count > 0;
}

static bool can_be_apart(const Nest *nest) {
    if (!nest->rows || nest->apart || nest->kind == NEST_SCATTER || !stores_whole_values(nest)) return false;
    if (nest->kind == NEST_ELEMENTS) return nest->stores[0].node->shape.rank > 0;
    return nest->lanes == LANES_ROWS && nest->reduce->attr.contraction->lanes == 1;
}

/* The axis of the nest along which the channels of something that it reads move. */
static void visit_source(void *context, const Read *read) {
    Layouts *l = context;
    if (!node_is_stored(l->f, read->node) || read->node->rows == 0 || l->f->copy_axis[read->node->id] < 0) return;
    int64_t stride = row_major_stride(read->node->shape, l->f->copy_axis[read->node->id]);
    for (int a = 0; a < l->nest->space.rank && l->axis < 0; a++)
        if (l->nest->space.extent[a] > 1 && read->linear.coef[a] == stride) l->axis = a;
}

static void visit_want(void *context, const Read *read) {
    Layouts *l = context;
    if (node_is_stored(l->f, read->node))
        want(l, read->node, axis_of_stride(read->node->shape, read->linear.coef[l->axis]));
}

static void visit_column(void *context, const Read *read) {
    bool *only = context;
    if (read->node->rows != 0 && read->node->op != OP_COLUMN) *only = false;
}

static void set_apart(Layouts *l, Nest *nest, int axis) {
    nest->apart = true;
    nest->blocks = NULL;
    nest->lanes = l->axis = axis;
    nest->vectors = nest->tile = 1;
    nest->tile_axis = TILE_NONE;
    nest->wide_rest = false;
    if (nest->kind == NEST_REDUCE) {
        int64_t vectors = nest->space.extent[axis] / loop_lanes(l->target, nest);
        nest->vectors = vectors >= 4 ? 4 : vectors >= 2 ? 2 : 1;
    }
    for (int s = 0; s < nest->store_count; s++) want(l, nest->stores[s].node, axis);
    nest_reads(l->f, nest, visit_want, l);
    bool only_columns = true;
    nest_reads(l->f, nest, visit_column, &only_columns);
    int last = nest->space.rank - 1;
    if (nest->kind == NEST_ELEMENTS && only_columns && axis != last && nest->space.extent[last] >= 4 &&
        nest->space.extent[axis] >= 4)
        nest->turned = 1 + last;
    l->changed = true;
}

/* Without its shape a nest has no channels. */
static void give_shape(Nest *nest) {
    if (!nest->flat || !nest->rows || !stores_whole_values(nest)) return;
    nest->flat = false;
    nest->space = nest->stores[0].node->shape;
    if (nest->lanes >= 0) nest->lanes = nest->space.rank - 1;
}

static void spread_to(Layouts *l, Nest *nest) {
    l->nest = nest;
    l->axis = -1;
    if (nest->kind == NEST_ELEMENTS && nest->store_count == 1 && nest->stores[0].kind == STORE_ROWS) {
        nest_reads(l->f, nest, visit_source, l);
        if (l->axis >= 0 && l->axis != nest->lanes && nest->lanes >= 0 && nest->turned == 0 &&
            nest->space.extent[l->axis] >= 4 && nest->space.extent[nest->lanes] >= 4)
            nest->turned = 1 + l->axis;
        return;
    }
    if (!can_be_apart(nest)) return;
    for (int s = 0; s < nest->store_count && l->axis < 0; s++) l->axis = l->f->copy_axis[nest->stores[s].node->id];
    if (l->axis < 0) nest_reads(l->f, nest, visit_source, l);
    if (l->axis >= 0) set_apart(l, nest, l->axis);
}

/* ---- chunks as lanes --------------------------------------------------------------------------- */
/* A weight gradient whose channels do not fill vectors, summed in chunks that do. */
static void try_chunk_lanes(Layouts *l, Nest *nest) {
    LoopFunction *f = l->f;
    Node *node = nest->reduce;
    if (nest->kind != NEST_REDUCE || !nest->carried || !is_candidate(node) || f->block <= 1 || !f->one_block) return;
    const Contraction *c = node->attr.contraction;
    int lanes = loop_lanes(l->target, nest), rank = node->shape.rank, tile = -1, image = 0;
    if (!c->over_rows || c->chunk < 1 || c->chunk > 16 || f->block / c->chunk < lanes / 2 || nest->store_count != 1)
        return;
    for (int s = 0; s < 2; s++) {
        if (node->source[s]->rows == 0 || !node_is_stored(f, node->source[s])) return;
        for (int a = 0; a < rank; a++) {
            int64_t extent = node->shape.extent[a];
            if (!walks_alone(&c->access[s], rank + c->reduced, a) || moves(&c->access[1 - s], a)) continue;
            if (fills_vectors(extent, lanes)) return;
            if (extent > 1 && (tile < 0 || extent > node->shape.extent[tile])) {
                tile = a;
                image = s;
            }
        }
    }
    if (tile < 0 || !places_are_bounded(node, 0, tile) || !places_are_bounded(node, 1, tile)) return;
    nest->convolution = arena_new_of(f->arena, Convolution);
    *nest->convolution = (Convolution){.wide = 1 - image, .image = image, .tile_axis = tile, .chunk_lanes = true};
    int64_t bytes = 64 * node->shape.extent[tile];
    for (int k = 1; k < c->reduced; k++) bytes *= c->extent[k];
    nest->convolution->strip = strip_of(bytes, STRIP_BYTES, c->extent[0]);
    nest->blocks = NULL;
    nest->lanes = LANES_NONE;
    nest->vectors = 1;
    nest->wide_rest = false;
    nest->tile_axis = tile;
    nest->tile = l->target->registers < 32 ? MOST_TILE / 2 : MOST_TILE;
    if (nest->tile > node->shape.extent[tile]) nest->tile = (int)node->shape.extent[tile];
    add_taps(l->target, nest);
}

/* A weight gradient whose channels fill vectors, in a function where not all do: it reads turned copies. */
static void try_weight_gradient(Layouts *l, Nest *nest) {
    int lanes = -1;
    if (nest->kind != NEST_REDUCE || nest->convolution != NULL || !is_candidate(nest->reduce) || l->f->block <= 1 ||
        !has_window(nest->reduce))
        return;
    Convolution *found = find_weight_gradient(l, nest->reduce, &lanes);
    if (found == NULL || !fills_vectors(nest->space.extent[lanes], loop_lanes(l->target, nest))) return;
    const Node *image = nest->reduce->source[found->image]; /* read element by element: as it turns best */
    if (node_is_stored(l->f, image)) want(l, image, image->shape.rank - 1);
    use_convolution(l, nest, found, lanes);
}

/* Kernels whose lanes are outputs (dense.c) take rows as they are, and make such. */
static void visit_rows(void *context, const Read *read) {
    Layouts *l = context;
    if (read->operand >= 0 && node_is_stored(l->f, read->node))
        want(l, read->node, axis_of_stride(read->node->shape, 1));
}

static void want_rows(Layouts *l) {
    for (int s = 0; s < l->f->section_count; s++)
        for (int i = 0; i < l->f->sections[s].nests.count; i++) {
            const Nest *nest = l->f->sections[s].nests.items[i];
            if (!nest->apart) continue;
            for (int k = 0; k < nest->store_count; k++) want(l, nest->stores[k].node, nest->lanes);
            nest_reads(l->f, nest, visit_rows, l);
        }
}

void layout_function(LoopFunction *f, const LoopTarget *target) {
    Layouts l = {.f = f, .target = target};
    size_t nodes = f->nodes + 1;
    f->copy_axis = arena_array(f->arena, int, nodes);
    memset(f->copy_axis, -1, sizeof *f->copy_axis * nodes);
    want_rows(&l);
    if (!find_convolutions(&l, false)) {
        for (int s = 0; s < f->section_count; s++)
            for (int i = 0; i < f->sections[s].nests.count; i++) {
                l.nest = f->sections[s].nests.items[i];
                try_chunk_lanes(&l, l.nest);
                try_weight_gradient(&l, l.nest);
            }
        return;
    }
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) give_shape(f->sections[s].nests.items[i]);
    find_convolutions(&l, true);
    for (l.changed = true; l.changed;) {
        l.changed = false;
        for (int s = 0; s < f->section_count; s++)
            for (int i = 0; i < f->sections[s].nests.count; i++) spread_to(&l, f->sections[s].nests.items[i]);
    }
}
