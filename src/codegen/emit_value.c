/* emit_value: a node's value at a spot (a place on each axis, and a row), inlining what has no buffer.
 *
 * What one body has computed is remembered by node and spot, so that expressions shared by several stores (or
 * used twice by one) are emitted once; the memory is cleared where control flow makes values invisible.
 * Elements can be addressed by their place on each axis (value_at) or by their row-major place (value_flat):
 * reshapes cost nothing in the second form, windows and permutations nothing in the first.
 *
 * Nothing is ever read outside its source: absent places are redirected to place 0 and replaced after the
 * load.
 */
#include "codegen/emit.h"

/* ---- spots ------------------------------------------------------------------------------------ */
Index spot_linear(Emitter *e, const Spot *spot, Shape shape) {
    Index linear = index_at(e, 0);
    for (int a = 0; a < shape.rank; a++)
        if (shape.extent[a] > 1)
            linear = index_add(e, linear, index_scale(e, spot->axis[a], row_major_stride(shape, a)));
    return linear;
}

static Index index_part(Emitter *e, Index linear, int64_t stride, int64_t extent, bool first) {
    if (index_uniform(linear)) {
        LLVMValueRef q = stride == 1 ? linear.at : LLVMBuildUDiv(e->b, linear.at, index_const(e, stride), "");
        return index_of(first ? q : LLVMBuildURem(e->b, q, index_const(e, extent), ""));
    }
    LLVMValueRef q = index_lanes(e, linear);
    if (stride > 1) q = LLVMBuildUDiv(e->b, q, splat(e, constant_int(e, e->i32, stride), e->lanes), "");
    if (!first) q = LLVMBuildURem(e->b, q, splat(e, constant_int(e, e->i32, extent), e->lanes), "");
    return (Index){.lanes = q};
}

Spot spot_of_linear(Emitter *e, Index linear, Shape shape, Index row) {
    Spot spot = {.row = row};
    int varying = 0, first = -1;
    for (int a = 0; a < shape.rank; a++)
        if (shape.extent[a] > 1) {
            varying++;
            first = first < 0 ? a : first;
        }
    for (int a = 0; a < shape.rank; a++)
        if (shape.extent[a] <= 1)
            spot.axis[a] = index_at(e, 0);
        else
            spot.axis[a] = varying == 1
                               ? linear
                               : index_part(e, linear, row_major_stride(shape, a), shape.extent[a], a == first);
    return spot;
}

/* The place in a value of another shape: axes are merged and split in groups of equal size, so that most
 * divisions are by small extents and many are none. */
static Spot spot_reshaped(Emitter *e, const Spot *at, Shape from, Shape to) {
    Spot spot = {.row = at->row};
    for (int f = 0, t = 0; t < to.rank;) {
        int f_end = f, t_end = t;
        int64_t f_size = 1, t_size = 1;
        do {
            if (f_end < from.rank && (f_size <= t_size || t_end == to.rank))
                f_size *= from.extent[f_end++];
            else if (t_end < to.rank)
                t_size *= to.extent[t_end++];
        } while (f_size != t_size || t_end == t);
        while (t_end < to.rank && to.extent[t_end] == 1) t_end++;
        Shape group_from = {.rank = f_end - f}, group_to = {.rank = t_end - t};
        Spot part = {.row = at->row};
        for (int a = f; a < f_end; a++) {
            group_from.extent[a - f] = from.extent[a];
            part.axis[a - f] = at->axis[a];
        }
        for (int a = t; a < t_end; a++) group_to.extent[a - t] = to.extent[a];
        Spot places = spot_of_linear(e, spot_linear(e, &part, group_from), group_to, at->row);
        for (int a = t; a < t_end; a++) spot.axis[a] = places.axis[a - t];
        f = f_end;
        t = t_end;
    }
    return spot;
}

/* place / divisor; *ok: where the division leaves no rest */
static Index divide_index(Emitter *e, Index p, int64_t divisor, LLVMValueRef *ok) {
    if (p.lanes == NULL && p.step % divisor == 0) {
        LLVMValueRef by = index_const(e, divisor);
        LLVMValueRef rest = LLVMBuildSRem(e->b, p.at, by, "");
        *ok = emit_and(e, *ok, LLVMBuildICmp(e->b, LLVMIntEQ, rest, index_const(e, 0), ""));
        return (Index){.at = LLVMBuildSDiv(e->b, p.at, by, ""), .step = p.step / divisor};
    }
    LLVMValueRef lanes = index_lanes(e, p), by = splat(e, constant_int(e, e->i32, divisor), e->lanes);
    LLVMValueRef rest = LLVMBuildSRem(e->b, lanes, by, "");
    *ok = emit_and(e, *ok, LLVMBuildICmp(e->b, LLVMIntEQ, rest, LLVMConstNull(LLVMTypeOf(rest)), ""));
    return (Index){.lanes = LLVMBuildSDiv(e->b, lanes, by, "")};
}

static Index guard_index(Emitter *e, Index p, int64_t extent, LLVMValueRef *ok) {
    if (index_uniform(p)) {
        LLVMValueRef inside = LLVMBuildICmp(e->b, LLVMIntULT, p.at, index_const(e, extent), "");
        *ok = emit_and(e, *ok, inside);
        return index_of(LLVMBuildSelect(e->b, inside, p.at, index_const(e, 0), ""));
    }
    LLVMValueRef lanes = index_lanes(e, p);
    LLVMValueRef most = splat(e, constant_int(e, e->i32, extent), e->lanes);
    LLVMValueRef inside = LLVMBuildICmp(e->b, LLVMIntULT, lanes, most, "");
    *ok = emit_and(e, *ok, inside);
    return (Index){.lanes = LLVMBuildSelect(e->b, inside, lanes, LLVMConstNull(LLVMTypeOf(lanes)), "")};
}

/* Is this one axis always inside its source? */
bool axis_is_inside(const AxisMap *map, const int64_t *extent, int axes, int64_t limit) {
    Access one = {.rank = 1, .axis = {*map}};
    Shape source = {.rank = 1, .extent = {limit}};
    return access_is_inside(&one, extent, axes, source);
}

Spot spot_through(Emitter *e, const Access *access, const Spot *at, const int64_t *extent, int axes, Shape source,
                  Index row, uint32_t surely_inside, LLVMValueRef *ok) {
    Spot spot = {.row = row};
    for (int a = 0; a < access->rank; a++) {
        const AxisMap *map = &access->axis[a];
        Index p = index_at(e, map->offset);
        for (int k = 0; k < axes; k++)
            if (map->coef[k] != 0 && extent[k] > 1) p = index_add(e, p, index_scale(e, at->axis[k], map->coef[k]));
        if (map->divisor > 1) p = divide_index(e, p, map->divisor, ok);
        if (!(surely_inside >> a & 1) && !axis_is_inside(map, extent, axes, source.extent[a]))
            p = guard_index(e, p, source.extent[a], ok);
        spot.axis[a] = p;
    }
    return spot;
}

/* ---- values --------------------------------------------------------------------------------- */
static LLVMValueRef zero_of(Emitter *e, DType t) { return LLVMConstNull(type_of(e, t)); }

/* One emitter per op row whose emission is FLAT: leaves, of which only the row-major place matters. */
typedef LLVMValueRef FlatEmitter(Emitter *e, const Node *node, Index linear, Index row);
#define UNUSED __attribute__((unused))
#define FLAT(NAME) \
    static LLVMValueRef emit_##NAME(Emitter *e UNUSED, const Node *node UNUSED, Index linear UNUSED, Index row UNUSED)

FLAT(COUNTER) {
    LLVMTypeRef type = type_of(e, node->dtype);
    if (node->attr.counter == COUNTER_STEP) return LLVMBuildUIToFP(e->b, e->steps_done, type, "");
    if (node->attr.counter >= COUNTER_SET)
        return LLVMBuildUIToFP(e->b, rows_of_set(e, node->attr.counter - COUNTER_SET), type, "");
    LLVMValueRef offset = index_const(e, node->attr.counter == COUNTER_EPOCH ? 16 : 24);
    LLVMValueRef at = LLVMBuildInBoundsGEP2(e->b, e->i8, e->state, &offset, 1, "");
    LLVMValueRef n = LLVMBuildLoad2(e->b, e->i64, at, "");
    mark_region(e, n, REGION_STATE);
    n = LLVMBuildUIToFP(e->b, n, type, "");
    if (node->attr.counter == COUNTER_EPOCH) return n;
    return LLVMBuildFDiv(e->b, LLVMBuildUIToFP(e->b, e->steps_done, type, ""), n, "");
}

FLAT(RANDOM) {
    const Random *random = &node->attr.random;
    LLVMValueRef seed = e->seed, step = NULL, place = NULL;
    if (random->key == RANDOM_DATA) seed = constant_int(e, e->i64, (int64_t)random->seed);
    if (random->key == RANDOM_PREDICT) seed = e->asked_seed;
    if (random->key == RANDOM_STEP) step = e->steps_done;
    if (node->rows != 0) place = random->key == RANDOM_DATA ? row_number32(e, row) : row_place32(e, row);
    LLVMValueRef stream = random_stream(e, seed, step, constant_int(e, e->i64, (int64_t)random->site));
    LLVMValueRef element = index_uniform(linear) || e->lanes == 1 ? LLVMBuildTrunc(e->b, linear.at, e->i32, "")
                                                                  : index_lanes(e, linear);
    return random_uniform(e, node->dtype, stream, place, element);
}

static LLVMValueRef load_state(Emitter *e, DType t, size_t offset, Index linear) {
    return load_at(e, REGION_STATE, t, outline_place(e, e->state, (int64_t)offset), linear);
}

static LLVMValueRef load_cell(Emitter *e, DType t, int64_t cell, Index linear) {
    return load_at(e, REGION_STATE, t, cell_base(e, cell), cell_index(e, cell, linear));
}

FLAT(CONST) {
    return dtype_is_real(node->dtype) ? constant_real(e, node->dtype, node->attr.value)
                                      : constant_int(e, type_of(e, node->dtype), (int64_t)node->attr.value);
}

FLAT(COLUMN) { return load_column(e, node, linear, row); }
FLAT(CELL) { return load_cell(e, node->dtype, node->attr.index, linear); }

FLAT(SLOT) {
    const Slot *slot = &e->f->run->slots[node->attr.index];
    return emit_cast(e, load_state(e, slot->dtype, slot->offset, index_at(e, 0)), slot->dtype, node->dtype);
}

FLAT(ROWS_RECIPROCAL) {
    LLVMTypeRef type = type_of(e, node->dtype);
    return LLVMBuildFDiv(e->b, LLVMConstReal(type, 1), LLVMBuildSIToFP(e->b, e->total_rows, type, ""), "");
}

FLAT(PLACE) { return batch_place32(e, row); }

static bool nest_provides(const Nest *nest, const Node *node) {
    for (int s = 0; s < nest->store_count; s++)
        if (nest->stores[s].node == node && store_provides(&nest->stores[s])) return true;
    return false;
}

static bool is_loaded(const Emitter *e, const Node *node) {
    if (!node_is_stored(e->f, node) || nest_provides(e->nest, node) || nest_reads_column(e->nest, node)) return false;
    return e->f->buffer[node->id] != NULL || e->f->copy[node->id] != NULL || e->f->kept[node->id] > 0;
}

Index buffer_row(Emitter *e, const Buffer *b, Index row) {
    if (!b->of_relay || b->row_stride == 0) return index_scale(e, row, b->row_stride);
    if (row.at == e->relay_row) return (Index){.at = index_const(e, 0), .step = row.step, .lanes = row.lanes};
    return index_scale(e, index_subtract(e, row, index_of(e->relay_row)), b->row_stride);
}

static Index buffer_index(Emitter *e, const Buffer *b, const Node *node, const Spot *spot, Index linear) {
    Index at = index_at(e, 0);
    if (b->dense > 0)
        at = index_scale(e, linear, b->dense);
    else
        for (int a = 0; a < node->shape.rank; a++)
            if (node->shape.extent[a] > 1) at = index_add(e, at, index_scale(e, spot->axis[a], b->stride[a]));
    return b->rows ? index_add(e, at, buffer_row(e, b, spot->row)) : at;
}

/* From whichever layout has the lanes next to each other. */
static LLVMValueRef load_stored(Emitter *e, const Node *node, const Spot *spot, Index linear) {
    const Buffer *main = e->f->buffer[node->id], *copy = e->f->copy[node->id];
    if (e->f->kept[node->id] > 0) return load_cell(e, node->dtype, e->f->kept[node->id] - 1, linear);
    if (e->lanes_are_rows && main != NULL) copy = NULL;
    if (copy != NULL) {
        Index at = buffer_index(e, copy, node, spot, linear);
        bool near = nest_walks_rows(e->nest) || e->nest->apart || e->nest->convolution != NULL;
        bool together = at.lanes == NULL && (at.step == 1 || (at.step == 0 && near));
        if (main == NULL || together) return load_at(e, REGION_WORK, node->dtype, buffer_base(e, copy), at);
    }
    return load_at(e, REGION_WORK, node->dtype, buffer_base(e, main), buffer_index(e, main, node, spot, linear));
}

/* One emitter per op row whose emission is PLACES. */
typedef LLVMValueRef PlaceEmitter(Emitter *e, Node *node, const Spot *spot);
#define PLACES(NAME) static LLVMValueRef emit_##NAME(Emitter *e, Node *node, const Spot *spot)

PLACES(GATHER) {
    Node *table = node->source[0], *index = node->source[1];
    int shared = (int)node->attr.index, chosen = index->shape.rank - shared;
    LLVMValueRef i = value_at(e, index, spot);
    LLVMTypeRef type = LLVMTypeOf(i);
    LLVMValueRef most = splat(e, constant_int(e, e->i32, table->shape.extent[shared]), vector_lanes(i));
    LLVMValueRef inside = LLVMBuildICmp(e->b, LLVMIntULT, i, most, "");
    i = LLVMBuildSelect(e->b, inside, i, LLVMConstNull(type), "");
    Spot t = {.row = spot->row};
    for (int a = 0; a < table->shape.rank; a++)
        if (a != shared) t.axis[a] = spot->axis[a < shared ? a : a - 1 + chosen];
    t.axis[shared] = is_vector(i) ? (Index){.lanes = i} : index_of(LLVMBuildZExt(e->b, i, e->i64, ""));
    return emit_select(e, inside, value_at(e, table, &t), zero_of(e, node->dtype));
}

static LLVMValueRef place_on_axis(Emitter *e, Index i) {
    return index_uniform(i) || e->lanes == 1 ? LLVMBuildTrunc(e->b, i.at, e->i32, "") : index_lanes(e, i);
}

/* A scatter-add of at most one term a target (scatters_one): its chain is from +0, where it has one. */
PLACES(SCATTER_ADD) {
    int shared = (int)node->attr.index;
    LLVMValueRef i = value_at(e, node->source[1], spot), place = place_on_axis(e, spot->axis[shared]);
    Spot t = {.row = spot->row};
    for (int a = 0; a < node->shape.rank; a++)
        if (a != shared) t.axis[a < shared ? a : a - 1] = spot->axis[a];
    LLVMValueRef x = value_at(e, node->source[0], &t), zero = zero_of(e, node->dtype);
    LLVMValueRef y = node->sources > 2 ? value_at(e, node->source[2], &t) : NULL;
    LLVMValueRef sum = scatter_sum(e, zero, x, y, node->dtype);
    return emit_select(e, emit_binary(e, OP_EQ, DTYPE_I32, i, place), sum, zero);
}

PLACES(IOTA) { return place_on_axis(e, spot->axis[node->attr.index]); }

PLACES(VIEW) {
    LLVMValueRef ok = NULL;
    Node *source = node->source[0];
    Spot s = spot_through(e, &node->attr.contraction->access[0], spot, node->shape.extent, node->shape.rank,
                          source->shape, spot->row, 0, &ok);
    LLVMValueRef v = value_at(e, source, &s);
    return ok == NULL ? v : emit_select(e, ok, v, zero_of(e, node->dtype));
}

typedef struct OpEmitter {
    FlatEmitter *flat;
    PlaceEmitter *places;
} OpEmitter;
static const OpEmitter emitters[OP_COUNT] = {
#define EMITTER_FLAT(NAME) .flat = emit_##NAME
#define EMITTER_PLACES(NAME) .places = emit_##NAME
#define EMITTER_VALUES(NAME) .flat = NULL
#define EMITTER_SAME(NAME) .flat = NULL
#define EMITTER_LOOPS(NAME) .flat = NULL
#define EMITTER_SCAN(NAME) .flat = NULL
#define EMITTER_ABSENT(NAME) .flat = NULL
#define OP(NAME, text, arity, class, cost, attribute, emission, ...) [OP_##NAME] = {EMITTER_##emission(NAME)},
#include "ir/ops.def"
#undef OP
};

/* Is the value computed from its place on each axis, not from its row-major place? */
static bool needs_places(const Emitter *e, const Node *node) {
    if (is_loaded(e, node) || op_class(node->op) == OP_CLASS_REDUCE) return false;
    if (op_emission(node->op) == EMISSION_PLACES) return true;
    for (int s = 0; s < node->sources; s++)
        if (needs_places(e, node->source[s])) return true;
    return false;
}

static LLVMValueRef value_of(Emitter *e, Node *node, const Spot *spot, bool flat);

static LLVMValueRef compute_element(Emitter *e, Node *node, const Spot *spot, bool flat) {
    LLVMValueRef x[3] = {0};
    for (int s = 0; s < node->sources; s++) x[s] = value_of(e, node->source[s], spot, flat);
    if (node->op == OP_DIV) {
        Node *numerator = node->source[0];
        bool differs = numerator->op == OP_SUB && !is_loaded(e, numerator);
        LLVMValueRef less = differs ? value_of(e, numerator->source[1], spot, flat) : NULL;
        LLVMValueRef quotient = emit_quotient(e, node, x[0], x[1], less);
        if (quotient != NULL) return quotient;
    }
    return emit_element(e, node, x);
}

static LLVMValueRef compute_at(Emitter *e, Node *node, const Spot *spot) {
    switch (op_emission(node->op)) {
    case EMISSION_FLAT: return emitters[node->op].flat(e, node, spot_linear(e, spot, node->shape), spot->row);
    case EMISSION_PLACES: return emitters[node->op].places(e, node, spot);
    case EMISSION_VALUES: return compute_element(e, node, spot, false);
    case EMISSION_SAME: {
        Node *source = node->source[0];
        if (!needs_places(e, source)) return value_flat(e, source, spot_linear(e, spot, node->shape), spot->row);
        Spot s = spot_reshaped(e, spot, node->shape, source->shape);
        return value_at(e, source, &s);
    }
    case EMISSION_LOOPS:
    case EMISSION_SCAN:
    case EMISSION_ABSENT: break;
    }
    INTERNAL_ERROR("a value of %s is asked for that no loop has made", op_text(node->op));
}

static LLVMValueRef compute_flat(Emitter *e, Node *node, Index linear, Index row) {
    Spot spot = {.axis = {linear}, .row = row};
    switch (op_emission(node->op)) {
    case EMISSION_FLAT: return emitters[node->op].flat(e, node, linear, row);
    case EMISSION_VALUES: return compute_element(e, node, &spot, true);
    case EMISSION_SAME: return value_flat(e, node->source[0], linear, row);
    case EMISSION_PLACES:
    case EMISSION_LOOPS:
    case EMISSION_SCAN:
    case EMISSION_ABSENT: break;
    }
    spot = spot_of_linear(e, linear, node->shape, row);
    return compute_at(e, node, &spot);
}

static LLVMValueRef value_of(Emitter *e, Node *node, const Spot *spot, bool flat) {
    if (node->op == OP_CONST) return emit_CONST(e, node, (Index){0}, (Index){0});
    if (node == e->nest->reduce && e->reduced != NULL) /* epilogues read it nowhere else (fuse.c) */
        return e->reduced;
    if (node == e->nest->largest && e->reduced != NULL) return e->largest;
    LLVMValueRef known = memo_get(e, node, spot, flat);
    if (known != NULL) return known;
    LLVMValueRef v;
    if (is_loaded(e, node)) {
        Spot places;
        const Buffer *copy = e->f->copy[node->id];
        if (flat && copy != NULL && copy->dense == 0) {
            places = spot_of_linear(e, spot->axis[0], node->shape, spot->row);
            v = load_stored(e, node, &places, spot->axis[0]);
        } else
            v = load_stored(e, node, spot, flat ? spot->axis[0] : spot_linear(e, spot, node->shape));
    } else
        v = flat ? compute_flat(e, node, spot->axis[0], spot->row) : compute_at(e, node, spot);
    memo_set(e, node, spot, flat, v);
    return v;
}

LLVMValueRef value_at(Emitter *e, Node *node, const Spot *spot) { return value_of(e, node, spot, false); }

LLVMValueRef value_flat(Emitter *e, Node *node, Index linear, Index row) {
    Spot spot = {.axis = {linear}, .row = row};
    return value_of(e, node, &spot, true);
}
