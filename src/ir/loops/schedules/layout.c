/* layout: in which order the elements of an array lie.
 *
 * Values are row-major, but for those of convolutions whose channels fill vectors: these lie [row][pixels][channel], so
 * that channels are the lanes of a convolution, of its gradients, and of what stands between convolutions. All convolutions
 * of a function lie so, or none. From their operands and results the layout spreads through elementwise nests and
 * poolings. A value of which somebody reads all elements one after the other, as a dense layer does, stays row-major:
 * the nest that makes it, or reads it, changes the order.
 *
 * No bit depends on it: a layout says where elements lie, not what they are.
 */
#include "ir/affine.h"
#include "ir/loops/schedules/schedule.h"
#include <string.h>

typedef struct LayoutChoice {
    Scheduler *s;
    int *innermost; /* by node: the axis; -1: row-major */
    Nest *nest;     /* being looked at */
    int index[2];   /* by operand: the nest's axis along which channels move */
    int axis;       /* of the nest, found or to be spread */
    bool changed;
} LayoutChoice;

/* ---- convolutions ------------------------------------------------------------------------------------------- */
static int64_t index_extent(const Node *node, int k) {
    return k < node->shape.rank ? node->shape.extent[k] : node->attr.contraction->extent[k - node->shape.rank];
}

static int axes_of(const Node *node) { return node->shape.rank + node->attr.contraction->reduced; }

static bool moves(const Access *access, int k) {
    for (int a = 0; a < access->rank; a++)
        if (access->axis[a].coef[k] != 0) return true;
    return false;
}

/* Does this index, alone, walk along an axis of the source, and along no other? */
static bool walks_alone(const Access *access, int axes, int k) {
    bool found = false;
    for (int a = 0; a < access->rank; a++) {
        int others = 0;
        for (int j = 0; j < axes; j++) others += j != k && access->axis[a].coef[j] != 0;
        if (access->axis[a].coef[k] == 0) continue;
        if (others > 0 || !axis_map_is_index(&access->axis[a], k)) return false;
        found = true;
    }
    return found;
}

static bool is_candidate(const Nest *nest) {
    const Node *node = nest->reduce;
    if (nest->kind != NEST_REDUCE || node->op != OP_CONTRACT || node->sources != 2 || !dtype_is_real(node->dtype) ||
        node->attr.contraction->lanes != 1 || node->shape.rank < 2 || node->attr.contraction->reduced == 0)
        return false;
    for (int k = 0; k < axes_of(node); k++)
        if (index_extent(node, k) == 0) return false;
    return true;
}

static int64_t width_of(int64_t step) { return step < 0 ? -step : step; }

/* Does it come to one place by several indices? What are digits of a place, as heads are, does not. */
static bool overlaps(const Node *node, const AxisMap *map) {
    for (int k = 0; k < axes_of(node); k++) {
        int64_t below = 0, step = width_of(map->coef[k]);
        if (step == 0 || index_extent(node, k) == 1) continue;
        for (int j = 0; j < axes_of(node); j++) {
            int64_t other = width_of(map->coef[j]);
            if (j != k && (other < step || (other == step && j < k))) below += other * (index_extent(node, j) - 1);
        }
        if (below >= step) return true;
    }
    return false;
}

bool reads_window(const Node *node) {
    const Contraction *c = node->attr.contraction;
    for (int s = 0; s < node->sources; s++)
        for (int a = 0; a < c->access[s].rank; a++)
            if (overlaps(node, &c->access[s].axis[a])) return true;
    return false;
}

/* The longest axis of the result that walks alone along this operand and moves the other one not at all; -1. */
static int channel_of(const Node *node, int operand) {
    const Access *access = node->attr.contraction->access;
    int found = -1;
    for (int a = 0; a < node->shape.rank; a++)
        if (walks_alone(&access[operand], axes_of(node), a) && !moves(&access[1 - operand], a) &&
            (found < 0 || node->shape.extent[a] > node->shape.extent[found]))
            found = a;
    return found;
}

/* Finds the channels of both operands, and those that are the lanes. Forward and data gradient: an image with rows, weights
 * without. Weight gradient: both have rows, which are summed. */
static bool find_channels(LayoutChoice *l, const Node *node, int *lanes) {
    const Contraction *c = node->attr.contraction;
    bool rows[2] = {node->source[0]->rows != 0, node->source[1]->rows != 0};
    if (c->over_rows) {
        for (int s = 0; s < 2; s++) l->index[s] = channel_of(node, s);
        if (!rows[0] || !rows[1] || l->index[0] < 0 || l->index[1] < 0) return false;
        int64_t extent[2] = {node->shape.extent[l->index[0]], node->shape.extent[l->index[1]]};
        *lanes = l->index[extent[1] > extent[0]];
        return true;
    }
    if (rows[0] == rows[1]) return false;
    int image = rows[0] ? 0 : 1, innermost = axes_of(node) - 1;
    *lanes = channel_of(node, 1 - image);
    l->index[image] = innermost;
    l->index[1 - image] = *lanes;
    return *lanes >= 0 && walks_alone(&c->access[image], axes_of(node), innermost);
}

static bool fills_vectors(const LayoutChoice *l, const Node *node, int axis) {
    int64_t lanes = l->s->numbers.machine.vector_bytes / (int64_t)dtype_bytes(node->dtype),
            extent = node->shape.extent[axis];
    return extent % lanes == 0 || extent >= 3 * lanes;
}

/* ---- what wants which layout -------------------------------------------------------------------------------- */
static void want(LayoutChoice *l, const Node *node, int axis) {
    if (axis < 0 || node->rows == 0 || l->innermost[node->id] >= 0 || l->s->array[node->id] == NULL) return;
    l->innermost[node->id] = axis;
    l->changed = true;
}

static void visit_operand(void *context, const Read *read) {
    LayoutChoice *l = context;
    if (read->operand >= 0 && node_is_stored(l->s->f, read->node))
        want(l, read->node, axis_of_stride(read->node->shape, read->linear.coef[l->index[read->operand]]));
}

static bool stores_whole_values(const Nest *nest) {
    for (int i = 0; i < nest->store_count; i++) {
        const Store *store = &nest->stores[i];
        if (store->kind != STORE_ARRAY || store->value != store->node ||
            !shape_equal(store->node->shape, nest->stores[0].node->shape))
            return false;
    }
    return nest->store_count > 0;
}

static void want_stores(LayoutChoice *l, const Nest *nest, int axis) {
    if (nest->rows && stores_whole_values(nest))
        for (int i = 0; i < nest->store_count; i++) want(l, nest->stores[i].node, axis);
}

typedef void NestVisitor(LayoutChoice *l);
static void for_nests(LayoutChoice *l, NestVisitor *visit) {
    for (NestCursor at = {0}; next_nest(l->s->f, &at);) {
        l->nest = at.nest;
        visit(l);
    }
}

typedef enum ChannelsFill { NO_CHANNELS, CHANNELS_FILL, CHANNELS_DO_NOT } ChannelsFill;
static ChannelsFill channels_fill_vectors(LayoutChoice *l) {
    ChannelsFill fill = NO_CHANNELS;
    for (NestCursor at = {0}; next_nest(l->s->f, &at);) {
        const Node *node = at.nest->reduce;
        int lanes = -1;
        if (!is_candidate(at.nest) || !reads_window(node)) continue;
        fill = CHANNELS_FILL;
        if (!find_channels(l, node, &lanes) || !fills_vectors(l, node, lanes)) return CHANNELS_DO_NOT;
    }
    return fill;
}

/* Rows are rounded up to vectors of them: not many may be added. */
bool schedule_has_rows_innermost(Scheduler *s) {
    LayoutChoice l = {.s = s};
    int64_t lanes = s->numbers.row_lanes, block = s->f->block;
    int64_t all = lanes > 1 ? rounded_up(block, lanes) : block;
    return lanes > 1 && s->f->parts == NULL && 4 * block >= 3 * all && channels_fill_vectors(&l) == CHANNELS_DO_NOT;
}

static void want_of_convolution(LayoutChoice *l) {
    int lanes = -1;
    if (!is_candidate(l->nest) || !find_channels(l, l->nest->reduce, &lanes) ||
        !fills_vectors(l, l->nest->reduce, lanes))
        return;
    nest_reads(l->s->f, l->nest, visit_operand, l);
    want_stores(l, l->nest, lanes);
}

/* ---- spreading ---------------------------------------------------------------------------------------------- */
static void visit_source(void *context, const Read *read) {
    LayoutChoice *l = context;
    if (!node_is_stored(l->s->f, read->node) || l->innermost[read->node->id] < 0) return;
    int64_t stride = row_major_stride(read->node->shape, l->innermost[read->node->id]);
    for (int a = 0; a < l->nest->space.rank && l->axis < 0; a++)
        if (l->nest->space.extent[a] > 1 && read->linear.coef[a] == stride) l->axis = a;
}

static void visit_want(void *context, const Read *read) {
    LayoutChoice *l = context;
    if (node_is_stored(l->s->f, read->node))
        want(l, read->node, axis_of_stride(read->node->shape, read->linear.coef[l->axis]));
}

static void spread(LayoutChoice *l) {
    Nest *nest = l->nest;
    bool pools = nest->kind == NEST_REDUCE && nest->reduce->attr.contraction->lanes == 1;
    if (!nest->rows || (nest->kind != NEST_ELEMENTS && !pools) || !stores_whole_values(nest)) return;
    l->axis = -1;
    for (int i = 0; i < nest->store_count && l->axis < 0; i++) l->axis = l->innermost[nest->stores[i].node->id];
    if (l->axis < 0) nest_reads(l->s->f, nest, visit_source, l);
    if (l->axis < 0) return;
    want_stores(l, nest, l->axis);
    nest_reads(l->s->f, nest, visit_want, l);
}

/* Without its shape a nest has no channels. */
static void give_shape(LayoutChoice *l) {
    Nest *nest = l->nest;
    if (!nest->flat || !nest->rows || !stores_whole_values(nest)) return;
    nest->flat = false;
    nest->space = nest->stores[0].node->shape;
}

/* ---- who reads all elements one after the other ------------------------------------------------------------- */
/* Of the axes along which the places of a read are counted; their number. */
static int extents_of_read(const Nest *nest, const Read *read, int64_t extent[MOST_AXES]) {
    bool reduced = read->operand >= 0 && nest->kind != NEST_SCATTER;
    const Shape *shape = read->operand < 0 ? &nest->space : &nest->reduce->source[0]->shape;
    int axes = reduced ? axes_of(nest->reduce) : shape->rank;
    for (int k = 0; k < axes; k++) extent[k] = reduced ? index_extent(nest->reduce, k) : shape->extent[k];
    return axes;
}

/* A walk of so many places along the axis stays on it, or goes on along the axes outside of it, which lie as in row-major
 * order where the innermost one is none of them. */
static bool is_even_walk(Shape shape, int innermost, int axis, int64_t places) {
    int64_t size = shape.extent[axis];
    if (places < size) return true;
    while (axis != innermost && places >= size && axis > 0) size *= shape.extent[--axis];
    return axis != innermost && places < size;
}

static void visit_flat(void *context, const Read *read) {
    LayoutChoice *l = context;
    const Node *node = read->node;
    if (!node_is_stored(l->s->f, node) || read->guarded) return;
    int64_t extent[MOST_AXES], places = 0;
    for (int k = 0, axes = extents_of_read(l->nest, read, extent); k < axes; k++) {
        int64_t step = width_of(read->linear.coef[k]);
        int axis = step == 0 || extent[k] == 1 ? -1 : place_axis_of_step(node->shape, step, &places);
        bool even = axis < 0 || is_even_walk(node->shape, l->innermost[node->id], axis, (extent[k] - 1) * places);
        if (!even || step == WILD_STRIDE) l->innermost[node->id] = -1;
    }
}

static void drop_flat(LayoutChoice *l) { nest_reads(l->s->f, l->nest, visit_flat, l); }

/* ---- layouts ------------------------------------------------------------------------------------------------ */
static const ArrayLayout *layout_of(Scheduler *s, const Node *node, int innermost) {
    ArrayLayout *layout = arena_new_of(s->arena, ArrayLayout);
    int64_t stride = node->shape.extent[innermost];
    for (int a = node->shape.rank; a-- > 0;) {
        layout->stride[a] = a == innermost ? 1 : stride;
        if (a != innermost) stride *= node->shape.extent[a];
    }
    layout->row = shape_size(node->shape);
    layout->innermost = innermost;
    return layout;
}

static void lay_rows_innermost(Scheduler *s) {
    for (NestCursor at = {0}; next_nest(s->f, &at);)
        for (int k = 0; k < at.nest->store_count; k++) {
            const Node *node = at.nest->stores[k].node;
            if (at.nest->stores[k].kind == STORE_ARRAY && node->rows != 0) s->has_rows_innermost[node->id] = 1;
        }
}

void schedule_layouts(Scheduler *s) {
    LayoutChoice l = {.s = s};
    if (s->rows_innermost) {
        lay_rows_innermost(s);
        return;
    }
    l.innermost = arena_array(s->arena, int, s->f->nodes + 1);
    memset(l.innermost, -1, sizeof *l.innermost * (s->f->nodes + 1));
    if (s->block_rows == 1 || s->f->parts != NULL || channels_fill_vectors(&l) != CHANNELS_FILL) return;
    for_nests(&l, give_shape);
    for_nests(&l, want_of_convolution);
    for (l.changed = true; l.changed;) {
        l.changed = false;
        for_nests(&l, spread);
    }
    for_nests(&l, drop_flat);
    for (NestCursor at = {0}; next_nest(s->f, &at);)
        for (int k = 0; k < at.nest->store_count && stores_whole_values(at.nest); k++) {
            const Node *node = at.nest->stores[k].node;
            if (l.innermost[node->id] >= 0) s->layout[node->id] = layout_of(s, node, l.innermost[node->id]);
        }
}
