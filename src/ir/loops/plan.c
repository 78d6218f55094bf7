/* plan: the buffers of a function: which values have one, in which layout, and where in the work block.
 *
 * A value with rows lies [element][row], rows innermost, so that lanes are rows everywhere. Where a sum over
 * the batch wants one of a value's axes along its lanes, a second layout with that axis innermost is made by
 * a copy; values made from data columns are made in that second layout (columns are contiguous along their
 * elements) and turned. Nests that go row by row (layout.c) make and read that second layout alone, also with
 * one row. Weights are packed before, sums that lie in another order repacked after. Sums in which every row is a chain of its own can take rows as they are made so: from a main layout in which
 * rows lie outside, each row-major.
 * A value read only by the nest that makes it, at the same place, stays in registers.
 *
 * When buffers live and where they lie is place.c's.
 */
#include "ir/loops/loop.h"
#include <string.h>

enum { PAST_ROWS = 16 }; /* numbers of rows are filled up in vectors from wherever the last row is */

typedef struct Plan {
    LoopFunction *f;
    uint8_t *wants_main, *wants_copy, *wants_rows; /* by id; rows: a main layout with rows outside */
    bool fits;
    const Section *section;
    Nest *nest;
    int section_index, step;
    bool turns;
} Plan;

static Buffer *buffer_new(LoopFunction *f, DType dtype, bool rows, Shape shape, int64_t times) {
    Buffer *b = arena_new_of(f->arena, Buffer);
    *b = (Buffer){.id = f->buffers.count, .dtype = dtype, .rows = rows, .shape = shape, .first = -1, .last = -1};
    b->dense = rows ? f->block : times;
    b->row_stride = rows ? 1 : 0;
    for (int a = 0; a < shape.rank; a++) b->stride[a] = row_major_stride(shape, a) * b->dense;
    b->elements = shape_size(shape) * b->dense;
    b->bytes = (size_t)b->elements * dtype_bytes(dtype);
    vector_push(f->arena, &f->buffers, b);
    return b;
}

static Buffer *copy_new(LoopFunction *f, const Node *node, int axis) {
    bool rows = f->block > 1;
    Buffer *b = buffer_new(f, node->dtype, rows, node->shape, 1);
    int64_t stride = 1, size = shape_size(node->shape);
    b->stride[axis] = 1;
    stride = node->shape.extent[axis];
    for (int a = node->shape.rank - 1; a >= 0; a--)
        if (a != axis) {
            b->stride[a] = stride;
            stride *= node->shape.extent[a];
        }
    b->row_stride = rows ? size : 0;
    b->dense = 1;
    for (int a = 0; a < node->shape.rank; a++)
        if (node->shape.extent[a] > 1 && b->stride[a] != row_major_stride(node->shape, a)) b->dense = 0;
    return b;
}

/* A buffer without rows whose axes lie in this order, the outermost first. */
static Buffer *permuted_new(LoopFunction *f, DType dtype, Shape shape, const int *order) {
    Buffer *b = buffer_new(f, dtype, false, shape, 1);
    int64_t stride = 1;
    for (int i = shape.rank - 1; i >= 0; i--) {
        b->stride[order[i]] = stride;
        stride *= shape.extent[order[i]];
    }
    b->dense = 0;
    return b;
}

/* ---- who wants what -------------------------------------------------------------------------- */

static int last_axis(const Node *node) { return node->shape.rank - 1; }

/* ---- rows that are turned while they are summed -------------------------------------------------- */
static void visit_summed(void *context, const Read *read) {
    Plan *p = context;
    const Nest *nest = p->nest;
    int k = nest->space.rank + nest->reduce->attr.contraction->reduced - 1;
    if (read->node->rows == 0) return;
    if (read->guarded || read->linear.coef[k] != 1) p->fits = false;
    if (node_is_stored(p->f, read->node)) {
        const Nest *provider = p->f->provider[read->node->id];
        if (provider == NULL || !provider->apart || p->f->copy_axis[read->node->id] < 0) p->fits = false;
    }
}

/* Each row of 16 is loaded along k, as those that work row by row leave them, and the square turned in registers. */
static void find_turned(Plan *p) {
    const LoopFunction *f = p->f;
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            Nest *nest = p->nest = f->sections[s].nests.items[i];
            if (nest->kind != NEST_REDUCE || !sums_have_rows_of_their_own(f, nest) || nest->reduce->op == OP_ARGMAX)
                continue;
            const Contraction *c = nest->reduce->attr.contraction;
            p->fits = c->reduced > 0 && c->extent[c->reduced - 1] % 16 == 0 && loop_lanes(f->target, nest) == 16;
            for (int k = 0; k < nest->reduce->sources; k++) p->fits &= nest->reduce->source[k]->rows != 0;
            if (p->fits) nest_reads(f, nest, visit_summed, p);
            nest->rows_turned = p->fits;
        }
}

static void visit_conflict(void *context, const Read *read) {
    Plan *p = context;
    if (p->wants_main[read->node->id] && read->node->op != OP_COLUMN) p->fits = false;
}

static void visit_main(void *context, const Read *read) {
    Plan *p = context;
    if (node_is_stored(p->f, read->node)) p->wants_main[read->node->id] = 1;
}

/* A value has one main layout: where somebody wants the usual one, rows are summed from that. */
static void drop_turned(Plan *p) {
    const LoopFunction *f = p->f;
    for (bool changed = true; changed;) {
        changed = false;
        for (int s = 0; s < f->section_count; s++)
            for (int i = 0; i < f->sections[s].nests.count; i++) {
                Nest *nest = f->sections[s].nests.items[i];
                p->fits = true;
                if (nest->rows_turned) nest_reads(f, nest, visit_conflict, p);
                if (p->fits) continue;
                nest->rows_turned = false;
                nest_reads(f, nest, visit_main, p);
                changed = true;
            }
    }
}

/* ---- values that are turned where their rows are summed ------------------------------------------- */
static bool sums_rows(const Nest *nest) {
    return nest->kind == NEST_REDUCE && nest->reduce->attr.contraction->over_rows &&
           nest->reduce->attr.contraction->reduced == 0;
}

/* From the layout with rows innermost, in registers or on the way into a panel. */
static bool turns_summed(const Nest *nest, const Read *read) {
    bool packed = nest->blocks != NULL && nest->blocks->turns && read->operand == nest->blocks->lane_operand;
    return sums_rows(nest) && nest->lanes >= 0 && read->node->rows != 0 &&
           (packed || (nest->squares > 0 && read->operand == nest->squares - 1));
}

static void visit_want(void *context, const Read *read) {
    Plan *p = context;
    LoopFunction *f = p->f;
    uint32_t id = read->node->id;
    if (!node_is_stored(f, read->node) || (f->provider[id] != NULL && f->provider[id]->grouped_for != NULL)) return;
    if (nest_reads_column(p->nest, read->node) || f->kept[id] > 0) return;
    if (p->nest->rows_turned && read->node->rows != 0) {
        *(f->copy_axis[id] == last_axis(read->node) ? &p->wants_copy[id] : &p->wants_rows[id]) = 1;
        return;
    }
    if (f->provider[id] == p->nest && read_is_here(p->nest, read) && read->operand < 0) return;
    if (p->nest->apart || p->nest->convolution != NULL || p->nest->turned > 0) {
        bool chunks = p->nest->convolution != NULL && p->nest->convolution->chunk_lanes;
        if (read->node->rows != 0 && f->copy_axis[id] >= 0 && !chunks)
            p->wants_copy[id] = 1;
        else
            p->wants_main[id] = 1;
        return;
    }
    if (p->nest->blocks != NULL && read->operand == p->nest->blocks->lane_operand && p->nest->blocks->turns &&
        read->node->rows != 0 && p->nest->lanes == LANES_ROWS) {
        p->wants_copy[id] = 1;
        return;
    }
    if (turns_summed(p->nest, read)) {
        p->wants_main[id] = 1;
        return;
    }
    if (read->node->rows != 0 && f->block > 1 && p->nest->lanes >= 0) {
        int64_t step = read->linear.coef[p->nest->lanes];
        int axis = step == 0 ? -1 : axis_of_stride(read->node->shape, step);
        if (step == 0 && nest_walks_rows(p->nest))
            axis = f->copy_axis[id] >= 0 ? f->copy_axis[id] : axis_of_stride(read->node->shape, 1);
        if (axis >= 0 && f->copy_axis[id] < 0 && !p->wants_copy[id]) f->copy_axis[id] = axis;
        if (axis >= 0 && f->copy_axis[id] == axis) {
            p->wants_copy[id] = 1;
            return;
        }
    }
    p->wants_main[id] = 1;
}

static void visit_copied(void *context, const Read *read) {
    Plan *p = context;
    const Nest *maker = p->f->provider[read->node->id];
    bool there = p->wants_copy[read->node->id] || (maker != NULL && made_along_elements(p->f, maker));
    if (turns_summed(p->nest, read) && there) p->fits = false;
}

/* What is made in the second layout, or wanted in it by somebody else, is not turned once more. */
static void drop_summed(Plan *p) {
    LoopFunction *f = p->f;
    for (bool changed = true; changed;) {
        changed = false;
        for (int s = 0; s < f->section_count; s++)
            for (int i = 0; i < f->sections[s].nests.count; i++) {
                Nest *nest = p->nest = f->sections[s].nests.items[i];
                p->fits = true;
                nest_reads(f, nest, visit_copied, p);
                if (p->fits) continue;
                if (nest->blocks != NULL) nest->blocks->turns = false;
                nest->squares = 0;
                nest_reads(f, nest, visit_want, p);
                changed = true;
            }
    }
}

static void visit_turned(void *context, const Read *read) {
    Plan *p = context;
    const Nest *nest = p->nest;
    Blocks *b = nest->blocks;
    if (b == NULL || nest->lanes != LANES_ROWS || read->operand != b->lane_operand) return;
    const Nest *made = p->f->provider[read->node->id];
    if (node_is_stored(p->f, read->node) && (made == NULL || !made_along_elements(p->f, made) ||
                                             p->f->copy_axis[read->node->id] != axis_of_stride(read->node->shape, 1)))
        p->turns = false;
}

/* A panel of rows is not turned while it is packed if something else wants what it is made of in another layout. */
static void check_turned(Plan *p, Nest *nest) {
    p->nest = nest;
    if (nest->blocks == NULL || nest->lanes != LANES_ROWS || !nest->blocks->turns) return;
    p->turns = true;
    nest_reads(p->f, nest, visit_turned, p);
    nest->blocks->turns = p->turns;
}

static void each_read(Plan *p, ReadVisitor *visit) {
    LoopFunction *f = p->f;
    p->step = 0;
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++, p->step++) {
            p->section = &f->sections[s];
            p->section_index = s;
            p->nest = f->sections[s].nests.items[i];
            nest_reads(f, p->nest, visit, p);
        }
}

static void find_providers(Plan *p) {
    LoopFunction *f = p->f;
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            Nest *nest = f->sections[s].nests.items[i];
            for (int k = 0; k < nest->store_count; k++)
                if (nest->stores[k].kind == STORE_BUFFER) {
                    uint32_t id = nest->stores[k].node->id;
                    if (nest->lanes >= 0 && nest->rows && f->block > 1 && !nest->apart)
                        f->copy_axis[id] = axis_of_stride(nest->stores[k].node->shape, 1); /* made along its elements */
                    if (nest->stores[k].value != nest->stores[k].node || nest->kind == NEST_SCATTER || nest->carried)
                        p->wants_main[id] = 1;
                }
        }
}

/* ---- copies ------------------------------------------------------------------------------------ */
static Nest *repack_nest(LoopFunction *f, Node *node, Buffer *to, Buffer *from, int lanes) {
    Nest *nest = arena_new_of(f->arena, Nest);
    Store *store = arena_new_of(f->arena, Store);
    *store = (Store){.kind = STORE_COPY, .value = node, .node = node, .buffer = to};
    *nest = (Nest){.kind = NEST_ELEMENTS,
                   .space = node->shape,
                   .stores = store,
                   .store_count = 1,
                   .lanes = lanes,
                   .vectors = 1,
                   .tile = 1,
                   .tile_axis = TILE_NONE,
                   .repacks = true,
                   .repacked = from};
    return nest;
}

static Nest *copy_nest(LoopFunction *f, Node *node, bool to_main) {
    if (f->block == 1) {
        int axis = f->copy_axis[node->id], last = node->shape.rank - 1;
        Buffer *main = f->buffer[node->id], *copy = f->copy[node->id];
        Nest *turn = repack_nest(f, node, to_main ? main : copy, to_main ? copy : main, to_main ? last : axis);
        if (axis != last && node->shape.extent[axis] >= 4 && node->shape.extent[last] >= 4)
            turn->turned = 1 + (to_main ? axis : last);
        return turn;
    }
    if (to_main && f->buffer[node->id]->dense == 1) {
        int axis = f->copy_axis[node->id];
        Nest *turn = repack_nest(f, node, f->buffer[node->id], NULL, last_axis(node));
        turn->rows = true;
        if (node->shape.extent[axis] >= 4 && node->shape.extent[last_axis(node)] >= 4) turn->turned = 1 + axis;
        return turn;
    }
    Nest *nest = arena_new_of(f->arena, Nest);
    Store *store = arena_new_of(f->arena, Store);
    *store = (Store){
        .kind = STORE_COPY, .value = node, .node = node, .buffer = to_main ? f->buffer[node->id] : f->copy[node->id]};
    *nest = (Nest){.kind = NEST_ELEMENTS,
                   .rows = true,
                   .space = node->shape,
                   .stores = store,
                   .store_count = 1,
                   .lanes = LANES_ROWS,
                   .vectors = 1,
                   .tile = 1,
                   .tile_axis = TILE_NONE,
                   .transposes = true,
                   .from_copy = to_main};
    return nest;
}

static Nest *packing_nest(LoopFunction *f, const Nest *nest) {
    const Convolution *v = nest->convolution;
    Node *weights = nest->reduce->source[v->wide];
    const Access *access = &nest->reduce->attr.contraction->access[v->wide];
    int lanes = 0;
    for (int a = 0; a < access->rank; a++)
        if (access->axis[a].coef[nest->lanes] != 0) lanes = a;
    return repack_nest(f, weights, v->packed, NULL, lanes);
}

static Nest *grouping_nest(LoopFunction *f, const Nest *nest, int operand) {
    Node *source = nest->reduce->source[operand];
    Nest *copy = repack_nest(f, source, nest->convolution->grouped[operand], NULL, LANES_NONE);
    copy->rows = true;
    copy->grouped_for = nest;
    return copy;
}

static void add_first(LoopFunction *f, Section *section, Nest *nest) {
    vector_push(f->arena, &section->nests, nest);
    memmove(section->nests.items + 1, section->nests.items, sizeof(Nest *) * (size_t)(section->nests.count - 1));
    section->nests.items[0] = nest;
}

/* Weights are packed before the sweep that reads them, complete sums unpacked after theirs. */
static void add_repacking(Plan *p) {
    LoopFunction *f = p->f;
    for (int s = 0; s < f->section_count; s++) {
        Section *section = &f->sections[s], old = *section;
        bool apart = section->inside && !f->one_block;
        section->nests.items = NULL;
        section->nests.count = section->nests.capacity = 0;
        for (int i = 0; i < old.nests.count; i++) {
            Nest *nest = old.nests.items[i];
            const Convolution *v = nest->convolution;
            if (v != NULL && v->packed != NULL)
                vector_push(f->arena, apart ? &f->sections[s - 1].nests : &section->nests, packing_nest(f, nest));
            for (int k = 0; v != NULL && v->chunk_lanes && k < 2; k++)
                if (!v->made_grouped[k]) vector_push(f->arena, &section->nests, grouping_nest(f, nest, k));
            vector_push(f->arena, &section->nests, nest);
            if (v != NULL && v->sum != NULL) {
                Nest *after = repack_nest(f, nest->reduce, f->buffer[nest->reduce->id], v->sum, nest->lanes);
                if (apart)
                    add_first(f, &f->sections[s + 1], after);
                else
                    vector_push(f->arena, &section->nests, after);
            }
        }
    }
}

static void add_copies(Plan *p, Section *section) {
    LoopFunction *f = p->f;
    int count = section->nests.count;
    Nest **old = section->nests.items;
    section->nests.items = NULL;
    section->nests.count = section->nests.capacity = 0;
    for (int i = 0; i < count; i++) {
        Nest *nest = old[i];
        vector_push(f->arena, &section->nests, nest);
        for (int k = 0; k < nest->store_count; k++) {
            const Store *store = &nest->stores[k];
            if (store->kind != STORE_BUFFER || f->copy[store->node->id] == NULL) continue;
            if (store->value != store->node &&
                store->offset + shape_size(store->value->shape) < shape_size(store->node->shape) &&
                !(i + 1 == count || old[i + 1]->stores[0].node != store->node))
                continue; /* a concat is copied once, after its last part */
            bool to_main = made_along_elements(f, nest);
            if (!to_main || f->buffer[store->node->id] != NULL)
                vector_push(f->arena, &section->nests, copy_nest(f, store->node, to_main));
        }
    }
    for (int i = 0; i < section->nests.count; i++) section->nests.items[i]->id = i;
}

static Buffer *scratch_new(LoopFunction *f, const Nest *nest, int64_t elements) {
    return buffer_new(f, nest->reduce->dtype, false, (Shape){.rank = 1, .extent = {elements}}, 1);
}

static int64_t blocks_of_terms(const LoopFunction *f, const Nest *nest) {
    const Contraction *c = nest->reduce->attr.contraction;
    const Blocks *b = nest->blocks;
    int64_t cut = b->axis == BLOCKS_ROWS ? f->block : c->extent[b->axis], count = (cut + b->places - 1) / b->places;
    for (int k = 0; k < b->axis; k++) count *= c->extent[k];
    return b->axis == BLOCKS_ROWS || !c->over_rows ? count : count * f->block;
}

/* What a kernel in blocks keeps between them; alive in its nest alone. */
static void make_scratch(LoopFunction *f, const Nest *nest) {
    Blocks *b = nest->blocks;
    if (b->several || nest->leaves_turned) b->partial = scratch_new(f, nest, b->tile * b->pitch);
    for (int s = 0; s < 2; s++)
        if (b->packs[s])
            b->packed[s] = scratch_new(f, nest,
                                       s != b->lane_operand ? (b->terms + 1) * b->tile
                                       : b->lanes_once      ? b->terms * b->pitch * blocks_of_terms(f, nest)
                                                            : b->terms * b->pitch);
}

/* The source's axes, the outermost first: those that window indices move, the image's channels, the lanes. */
static Buffer *packed_new(LoopFunction *f, const Nest *nest) {
    const Node *node = nest->reduce, *source = node->source[nest->convolution->wide];
    const Contraction *c = node->attr.contraction;
    const Access *access = &c->access[nest->convolution->wide];
    int order[MOST_RANK], count = 0;
    bool done[MOST_RANK] = {false};
    for (int k = 0; k <= c->reduced; k++)
        for (int a = 0; a < access->rank; a++) {
            bool lanes = access->axis[a].coef[nest->lanes] != 0;
            bool here = k == c->reduced ? true : !lanes && access->axis[a].coef[node->shape.rank + k] != 0;
            if (!done[a] && here && !(k == c->reduced && lanes)) {
                done[a] = true;
                order[count++] = a;
            }
        }
    for (int a = 0; a < access->rank; a++)
        if (!done[a]) order[count++] = a;
    return permuted_new(f, source->dtype, source->shape, order);
}

/* Sums of a weight gradient: the axes that lanes and tiles do not move, tiles, lanes. */
static Buffer *sums_new(LoopFunction *f, const Nest *nest) {
    const Node *node = nest->reduce;
    int order[MOST_RANK], count = 0;
    for (int a = 0; a < node->shape.rank; a++)
        if (a != nest->lanes && a != nest->tile_axis) order[count++] = a;
    order[count++] = nest->tile_axis;
    order[count++] = nest->lanes;
    return permuted_new(f, node->dtype, node->shape, order);
}

/* [first rows of all chunks, second rows, ...][element][chunk], in whole vectors of at most 16 chunks. */
static Buffer *grouped_new(LoopFunction *f, const Nest *nest, const Node *source) {
    int64_t group = 16 * nest->reduce->attr.contraction->chunk;
    return buffer_new(f, source->dtype, false, source->shape, (f->block + group - 1) / group * group);
}

static void make_convolution(Plan *p, Nest *nest) {
    LoopFunction *f = p->f;
    if (nest->rows) {
        nest->convolution->packed = packed_new(f, nest);
        return;
    }
    if (nest->convolution->chunk_lanes) {
        nest->chain = buffer_new(f, nest->reduce->dtype, false, nest->reduce->shape, 16);
        nest->total = f->buffer[nest->reduce->id];
        for (int s = 0; s < 2; s++) {
            const Node *source = nest->reduce->source[s];
            nest->convolution->grouped[s] = grouped_new(f, nest, source);
            if (nest->convolution->made_grouped[s])
                f->provider[source->id]->stores[0].buffer = nest->convolution->grouped[s];
        }
        return;
    }
    nest->chain = sums_new(f, nest);
    if (nest->carried) nest->total = nest->convolution->sum = sums_new(f, nest);
}

static void make_buffers(Plan *p) {
    LoopFunction *f = p->f;
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            Nest *nest = f->sections[s].nests.items[i];
            bool in_copy = made_along_elements(f, nest);
            for (int k = 0; k < nest->store_count; k++) {
                Store *store = &nest->stores[k];
                uint32_t id = store->node->id;
                if (store->kind != STORE_BUFFER) continue;
                bool rows = store->node->rows != 0 && f->block > 1;
                if ((p->wants_main[id] || (p->wants_copy[id] && !in_copy)) && f->buffer[id] == NULL)
                    f->buffer[id] = buffer_new(f, store->node->dtype, rows, store->node->shape, 1);
                else if (p->wants_rows[id] && f->buffer[id] == NULL)
                    f->buffer[id] = copy_new(f, store->node, last_axis(store->node));
                if ((p->wants_copy[id] || (in_copy && f->buffer[id] != NULL)) && f->copy[id] == NULL)
                    f->copy[id] = copy_new(f, store->node, f->copy_axis[id]);
                if (nest->grouped_for == NULL) store->buffer = in_copy ? f->copy[id] : f->buffer[id];
            }
            if (nest->blocks != NULL) make_scratch(f, nest);
            if (nest->convolution != NULL) {
                make_convolution(p, nest);
            } else if (nest->carried) {
                int64_t lanes = sums_have_rows_of_their_own(f, nest)        ? f->block
                                : nest->reduce->attr.contraction->lanes > 1 ? 16
                                                                            : 1;
                nest->chain = buffer_new(f, nest->reduce->source[0]->dtype, false, nest->reduce->shape, lanes);
                nest->total = f->buffer[nest->reduce->id];
            }
        }
}

/* ---- lanes past the end ---------------------------------------------------------------------------- */
/* Elements between neighbours along the lanes, in this layout; 0 where there is no such buffer. */
static int64_t step_in(const Buffer *b, const Node *node, int64_t step) {
    if (b == NULL || b->dense > 0) return b == NULL ? 0 : b->dense * step;
    for (int a = 0; a < node->shape.rank; a++)
        if (b->stride[a] == 1 && step == row_major_stride(node->shape, a)) return 1;
    return WILD_STRIDE;
}

/* Lanes past an axis' end stay within the margin of the work block only where they are neighbours in memory. */
static void visit_wide_rest(void *context, const Read *read) {
    Plan *p = context;
    Nest *nest = p->nest;
    if (!nest->wide_rest || read->operand < 0 || read->linear.coef[nest->lanes] == 0) return;
    int64_t step = read->linear.coef[nest->lanes];
    const Buffer *main = p->f->buffer[read->node->id], *copy = p->f->copy[read->node->id];
    if (step_in(copy, read->node, step) != 1 && step_in(main, read->node, step) != 1) nest->wide_rest = false;
}

static bool has_rows(const LoopFunction *f) {
    for (int s = 0; s < f->section_count; s++)
        if (f->sections[s].inside && f->sections[s].nests.count > 0) return true;
    return false;
}

void plan_function(LoopFunction *f) {
    Plan p = {.f = f};
    size_t nodes = f->nodes + 1;
    f->buffer = arena_array(f->arena, Buffer *, nodes);
    f->copy = arena_array(f->arena, Buffer *, nodes);
    f->kept = arena_array(f->arena, int, nodes);
    p.wants_main = arena_array(f->arena, uint8_t, nodes);
    p.wants_copy = arena_array(f->arena, uint8_t, nodes);
    p.wants_rows = arena_array(f->arena, uint8_t, nodes);
    find_providers(&p);
    for (int i = 0; i < f->section_count; i++)
        for (int k = 0; k < f->sections[i].nests.count; k++) check_turned(&p, f->sections[i].nests.items[k]);
    find_turned(&p);
    keep_in_cells(f);
    each_read(&p, visit_want);
    drop_summed(&p);
    drop_turned(&p);
    make_buffers(&p);
    for (int s = 0; s < f->section_count; s++) add_copies(&p, &f->sections[s]);
    add_repacking(&p);
    split_nests(f);
    make_relays(f);
    if (f->block > 1 && has_rows(f)) {
        f->row_index = buffer_new(f, DTYPE_I32, false, (Shape){.rank = 1, .extent = {f->block + PAST_ROWS}}, 1);
        f->row_index->of_thread = f->threads;
    }
    if (f->threads && f->steps) f->stop_flags = buffer_new(f, DTYPE_I32, false, (Shape){.rank = 1, .extent = {2}}, 1);
    each_read(&p, visit_wide_rest);
    place_function(f);
    place_waits(f);
}
