/* emit_convolution_walk: the terms of a convolution's chains, with the borders where terms are absent. */
#include "codegen/emit_convolution.h"

enum { UNROLLED_CHANNELS = 4, PLACES_AHEAD = 8, LINE = 64 };

static bool is_inside(const ConvolutionKernel *k, int operand, int axis) {
    return axis_is_inside(&k->c->access[operand].axis[axis], k->space.extent, k->space.axes,
                          k->node->source[operand]->shape.extent[axis]);
}

static Index place_of(Emitter *e, const ConvolutionKernel *k, const AxisMap *map, const Spot *spot) {
    Index p = index_at(e, map->offset);
    for (int a = 0; a < k->space.axes; a++)
        if (map->coef[a] != 0 && k->space.extent[a] > 1)
            p = index_add(e, p, index_scale(e, spot->axis[a], map->coef[a]));
    if (map->divisor > 1) p.at = LLVMBuildExactSDiv(e->b, p.at, index_const(e, map->divisor), "");
    return p;
}

static LLVMValueRef operand(Emitter *e, const ConvolutionKernel *k, int s, const Spot *spot) {
    const Access *access = &k->c->access[s];
    Node *source = k->node->source[s];
    Spot at = {.row = k->row != NULL ? index_of(k->row) : spot->row};
    for (int a = 0; a < access->rank; a++) at.axis[a] = place_of(e, k, &access->axis[a], spot);
    if (k->slot != NULL) {
        LLVMValueRef slot = LLVMBuildMul(e->b, k->slot, index_const(e, shape_size(source->shape)), "");
        Index grouped = index_scale(e, spot_linear(e, &at, source->shape), e->lanes);
        grouped = index_add(e, grouped, (Index){.at = slot, .step = 1});
        return load_at(e, REGION_WORK, source->dtype, buffer_base(e, k->v->grouped[s]), grouped);
    }
    const Buffer *packed = s == k->v->wide ? k->v->packed : NULL;
    if (packed == NULL) return value_at(e, source, &at);
    Index linear = index_at(e, 0);
    for (int a = 0; a < access->rank; a++)
        if (source->shape.extent[a] > 1) linear = index_add(e, linear, index_scale(e, at.axis[a], packed->stride[a]));
    return load_at(e, REGION_WORK, source->dtype, buffer_base(e, packed), linear);
}

/* a / by, rounded up, for a that is not negative */
static LLVMValueRef divided_up(Emitter *e, LLVMValueRef a, int64_t by) {
    if (by == 1) return a;
    return LLVMBuildSDiv(e->b, LLVMBuildAdd(e->b, a, index_const(e, by - 1), ""), index_const(e, by), "");
}

/* The first place from `begin` on at which rest + place is a multiple. */
static LLVMValueRef aligned_up(Emitter *e, LLVMValueRef begin, LLVMValueRef rest, int64_t divisor) {
    LLVMValueRef by = index_const(e, divisor);
    LLVMValueRef over = LLVMBuildSRem(e->b, LLVMBuildAdd(e->b, rest, begin, ""), by, ""); /* not negative */
    LLVMValueRef missing = LLVMBuildSRem(e->b, LLVMBuildSub(e->b, by, over, ""), by, "");
    return LLVMBuildAdd(e->b, begin, missing, "");
}

typedef struct LoopRange {
    LLVMValueRef begin, end;
    int64_t step;
    bool maybe;
} LoopRange;

/* What the indices of the result contribute to a place, times its divisor. */
static LLVMValueRef rest_of_place(Emitter *e, const ConvolutionKernel *k, const AxisMap *map) {
    Index rest = index_at(e, map->offset);
    for (int i = 0; i < k->space.result; i++)
        if (map->coef[i] != 0 && k->space.extent[i] > 1)
            rest = index_add(e, rest, index_scale(e, k->member[0].axis[i], map->coef[i]));
    return rest.at;
}

/* Narrows the range of a reduced axis to where it keeps this axis of an operand inside. */
static void bound(Emitter *e, const ConvolutionKernel *k, int s, int a, int axis, LoopRange *r) {
    const AxisMap *map = &k->c->access[s].axis[a];
    int64_t by = map->coef[axis], extent = k->node->source[s]->shape.extent[a];
    LLVMValueRef rest = rest_of_place(e, k, map);
    LLVMValueRef zero = index_const(e, 0), limit = index_const(e, (extent - 1) * map->divisor + 1);
    LLVMValueRef low = larger(e, LLVMBuildNeg(e->b, rest, ""), zero);
    LLVMValueRef high = larger(e, LLVMBuildSub(e->b, limit, rest, ""), zero);
    r->begin = larger(e, r->begin, divided_up(e, low, by));
    r->end = smaller(e, r->end, divided_up(e, high, by));
    r->maybe = true;
    if (map->divisor > 1) {
        r->begin = aligned_up(e, r->begin, rest, map->divisor);
        r->step = map->divisor;
    }
}

static bool is_bounded(const ConvolutionKernel *k, int s, int a, int axis) {
    if (k->c->access[s].axis[a].coef[axis] == 0 || is_inside(k, s, a)) return false;
    return s != k->tile_operand || a != k->tile_source;
}

static LoopRange range_of(Emitter *e, const ConvolutionKernel *k, int axis) {
    LoopRange r = {index_const(e, 0), index_const(e, k->space.extent[axis]), 1, false};
    if (axis == k->space.result && k->strip_begin != NULL) {
        r.begin = k->strip_begin;
        r.end = k->strip_end;
    }
    for (int s = 0; s < 2; s++)
        for (int a = 0; a < k->c->access[s].rank; a++)
            if (is_bounded(k, s, a, axis)) bound(e, k, s, a, axis, &r);
    return r;
}

static bool no_reduced_index(const ConvolutionKernel *k, const AxisMap *map) {
    for (int i = k->space.result; i < k->space.axes; i++)
        if (map->coef[i] != 0 && k->space.extent[i] > 1) return false;
    return true;
}

/* Where the indices of the result alone decide whether there are terms: the condition; NULL: there are. */
static LLVMValueRef has_any_terms(Emitter *e, const ConvolutionKernel *k) {
    LLVMValueRef any = NULL;
    for (int s = 0; s < 2; s++)
        for (int a = 0; a < k->c->access[s].rank; a++) {
            const AxisMap *map = &k->c->access[s].axis[a];
            if (is_inside(k, s, a) || (s == k->tile_operand && a == k->tile_source) || !no_reduced_index(k, map))
                continue;
            LLVMValueRef rest = rest_of_place(e, k, map), by = index_const(e, map->divisor);
            LLVMValueRef limit = index_const(e, k->node->source[s]->shape.extent[a] * map->divisor);
            any = emit_and(e, any, LLVMBuildICmp(e->b, LLVMIntULT, rest, limit, ""));
            if (map->divisor > 1)
                any = emit_and(
                    e, any, LLVMBuildICmp(e->b, LLVMIntEQ, LLVMBuildSRem(e->b, rest, by, ""), index_const(e, 0), ""));
        }
    return any;
}

/* Is there a term for the result at this place of the axis that moves the tile and this place of the window? */
bool has_term(const ConvolutionKernel *k, int64_t place, int64_t tap) {
    const AxisMap *map = &k->c->access[k->tile_operand].axis[k->tile_source];
    int64_t at = map->offset + map->coef[k->tile_mover] * place;
    if (k->window >= 0) at += map->coef[k->window] * tap;
    return at >= 0 && at % map->divisor == 0 &&
           at / map->divisor < k->node->source[k->tile_operand]->shape.extent[k->tile_source];
}

uint32_t members_with_term(const ConvolutionKernel *k, int64_t tap) {
    uint32_t present = 0;
    for (int i = 0; i < k->members; i++)
        if (has_term(k, k->taps > 1 ? i % k->taps : k->first + i * k->step, tap)) present |= 1u << i;
    return present;
}

/* What is loaded will be at this address, `bytes` further on, in a few turns of the innermost loop. */
static void fetch_ahead(Emitter *e, LLVMValueRef loaded, int64_t bytes) {
    LLVMValueRef by = index_const(e, bytes), at = LLVMBuildGEP2(e->b, e->i8, LLVMGetOperand(loaded, 0), &by, 1, "");
    LLVMValueRef read = constant_int(e, e->i32, 0), often = constant_int(e, e->i32, 3),
                 data = constant_int(e, e->i32, 1);
    emit_intrinsic(e, "llvm.prefetch", (LLVMValueRef[]){at, read, often, data}, 4);
}

static void add_terms(Emitter *e, const ConvolutionKernel *k, const Spot *at, LLVMValueRef *chain) {
    memo_clear(e);
    LLVMValueRef wide[MOST_CHAINS];
    Spot spot = k->member[0];
    for (int a = k->space.result; a < k->space.axes; a++) spot.axis[a] = at->axis[a];
    int taps_of_wide = k->v->taps > 1 && k->v->taps_operand == k->v->wide ? k->taps : 1;
    for (int t = 0; t < taps_of_wide; t++)
        for (int j = 0; j < k->vectors && (taps_of_wide == 1 || k->present >> t & 1); j++) {
            Spot next = spot;
            if (t > 0) next.axis[k->v->taps_axis] = k->member[t].axis[k->v->taps_axis];
            if (j > 0) next.axis[k->nest->lanes] = index_offset(e, spot.axis[k->nest->lanes], j * e->lanes);
            wide[t * k->vectors + j] = operand(e, k, k->v->wide, &next);
        }
    const Buffer *packed = k->v->packed;
    int64_t wide_bytes = (int64_t)k->vectors * e->lanes * (int64_t)dtype_bytes(k->node->dtype);
    bool late = packed != NULL && packed->bytes > e->target->l1 / 2 && wide_bytes > LINE; /* one line a turn is not */
    for (int j = 0; j < k->vectors && late; j++) /* packed: the lanes are an axis */
        fetch_ahead(e, wide[j], PLACES_AHEAD * k->space.extent[k->nest->lanes] * (int64_t)dtype_bytes(k->node->dtype));
    LLVMValueRef one = NULL;
    for (int i = 0; i < k->members; i++) {
        if (taps_of_wide == 1 || i % k->taps == 0) one = NULL; /* otherwise it is the same for all taps */
        if (!(k->present >> i & 1)) continue;
        if (one == NULL) {
            spot.axis[k->v->tile_axis] = k->member[i].axis[k->v->tile_axis];
            if (k->taps > 1) spot.axis[k->v->taps_axis] = k->member[i].axis[k->v->taps_axis];
            one = operand(e, k, k->v->image, &spot);
        }
        for (int j = 0; j < k->vectors; j++) {
            LLVMValueRef *c = &chain[i * k->vectors + j],
                         with = wide[(taps_of_wide > 1 ? i % k->taps : 0) * k->vectors + j];
            *c = k->v->image == 0 ? emit_fma(e, one, with, *c) : emit_fma(e, with, one, *c);
        }
    }
}

/* Code that runs only under a condition, and leaves the chains as they were otherwise. */
typedef struct Skipped {
    LLVMBasicBlockRef before, after;
    LLVMValueRef start[MOST_CHAINS];
} Skipped;

static Skipped skip_unless(Emitter *e, const ConvolutionKernel *k, LLVMValueRef condition, LLVMValueRef *chain) {
    Skipped s = {.before = LLVMGetInsertBlock(e->b)};
    for (int i = 0; i < k->members * k->vectors; i++) s.start[i] = chain[i];
    s.after = if_open(e, condition);
    return s;
}

static void skip_to(Emitter *e, const ConvolutionKernel *k, const Skipped *s, LLVMValueRef *chain) {
    LLVMBasicBlockRef from[2] = {s->before, LLVMGetInsertBlock(e->b)};
    if_close(e, s->after);
    for (int i = 0; i < k->members * k->vectors; i++) {
        LLVMValueRef both[2] = {s->start[i], chain[i]};
        chain[i] = LLVMBuildPhi(e->b, LLVMTypeOf(both[0]), "");
        LLVMAddIncoming(chain[i], both, from, 2);
    }
}

static void walk(Emitter *e, ConvolutionKernel *k, int axis, Spot *at, LLVMValueRef *chain);

static void walk_unrolled(Emitter *e, ConvolutionKernel *k, int axis, Spot *at, LLVMValueRef *chain) {
    uint32_t before = k->present;
    for (int64_t i = 0; i < k->space.extent[axis]; i++) {
        if (axis == k->window && k->at_border) k->present = members_with_term(k, i);
        at->axis[axis] = index_at(e, i);
        if (k->present != 0) walk(e, k, axis + 1, at, chain);
        k->present = before;
    }
}

/* Where all members have terms is one loop, and what lies on either side of it is written out. */
static void walk_taps(Emitter *e, ConvolutionKernel *k, int axis, Spot *at, LLVMValueRef *chain) {
    int64_t extent = k->space.extent[axis], begin = 0, end = extent;
    uint32_t all = UINT32_MAX >> (32 - k->members);
    while (begin < extent && members_with_term(k, begin) != all) begin++;
    while (end > begin && members_with_term(k, end - 1) != all) end--;
    for (int64_t i = 0; i < extent; i++) {
        at->axis[axis] = index_at(e, i);
        k->present = members_with_term(k, i);
        if (i < begin || i >= end) {
            if (k->present != 0) walk(e, k, axis + 1, at, chain);
            continue;
        }
        LoopBlocks l;
        loop_open(e, &l, index_const(e, begin), chain, k->members * k->vectors);
        for (int c = 0; c < k->members * k->vectors; c++) chain[c] = l.phi[c];
        at->axis[axis] = index_of(l.index);
        walk(e, k, axis + 1, at, chain);
        loop_close(e, &l, index_const(e, end), 1, chain);
        i = end - 1;
    }
    k->present = UINT32_MAX;
}

static void walk(Emitter *e, ConvolutionKernel *k, int axis, Spot *at, LLVMValueRef *chain) {
    if (axis == k->space.axes) {
        add_terms(e, k, at, chain);
        return;
    }
    if (axis == k->window && k->taps > 1) {
        walk_taps(e, k, axis, at, chain);
        return;
    }
    bool innermost = axis == k->space.axes - 1;
    bool short_channels = innermost && k->row == NULL && k->space.extent[axis] <= UNROLLED_CHANNELS;
    if (short_channels || (axis == k->window && k->at_border)) {
        walk_unrolled(e, k, axis, at, chain);
        return;
    }
    LoopRange r = range_of(e, k, axis);
    int count = k->members * k->vectors;
    LLVMValueRef start[MOST_CHAINS];
    for (int i = 0; i < count; i++) start[i] = chain[i];
    Skipped skipped = {0};
    if (r.maybe) skipped = skip_unless(e, k, LLVMBuildICmp(e->b, LLVMIntSLT, r.begin, r.end, ""), chain);
    if (innermost) next_row_fetch(e, k->nest);
    LoopBlocks l;
    loop_open(e, &l, r.begin, start, count);
    for (int i = 0; i < count; i++) chain[i] = l.phi[i];
    at->axis[axis] = index_of(l.index);
    walk(e, k, axis + 1, at, chain);
    loop_close(e, &l, r.end, r.step, chain);
    if (r.maybe) skip_to(e, k, &skipped, chain);
}

void walk_all(Emitter *e, ConvolutionKernel *k, LLVMValueRef *chain) {
    Spot at = {0};
    LLVMValueRef any = has_any_terms(e, k);
    Skipped skipped = {0};
    if (any != NULL) skipped = skip_unless(e, k, any, chain);
    walk(e, k, k->space.result, &at, chain);
    if (any != NULL) skip_to(e, k, &skipped, chain);
}

ConvolutionKernel kernel_new(const Nest *nest, const Spot *spot, int vectors) {
    ConvolutionKernel k = {.nest = nest,
                           .node = nest->reduce,
                           .c = nest->reduce->attr.contraction,
                           .v = nest->convolution,
                           .space = space_of(nest->reduce),
                           .vectors = vectors,
                           .taps = 1,
                           .tile_source = -1,
                           .window = -1,
                           .present = UINT32_MAX,
                           .step = 1};
    k.member[0] = *spot;
    return k;
}

void set_members(Emitter *e, ConvolutionKernel *k, const Spot *spot, int tile) {
    const Convolution *v = k->v;
    k->taps = v->taps > 1 ? v->taps : 1;
    k->members = tile * k->taps;
    for (int i = k->members - 1; i >= 0; i--) {
        k->member[i] = *spot;
        k->member[i].axis[v->tile_axis] = index_offset(e, spot->axis[v->tile_axis], i / k->taps);
        if (k->taps > 1) k->member[i].axis[v->taps_axis] = index_at(e, i % k->taps);
    }
    if (k->taps > 1) {
        k->tile_operand = v->taps_operand;
        k->tile_source = v->taps_source;
        k->tile_mover = v->taps_axis;
        k->window = k->space.axes - 1;
    }
}
