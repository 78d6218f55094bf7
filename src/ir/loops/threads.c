/* threads: what of a function the threads of a call share, and where they wait for each other.
 *
 * All threads run the same function (runtime/core.h). Of a nest whose outputs are many enough and whose work is
 * worth it, each does a part: a range of whole tiles along one axis of the outputs, or of rows. A chain is never
 * divided, so the bits do not depend on how many threads there are. Everything else (a sum for the log, few outputs,
 * a scatter, small nests) is done by the first thread alone. A function in which too little is shared has no
 * part in any of this: other threads return from it at once.
 *
 * Threads wait before a nest that touches memory which another thread may have touched since they last met: it
 * reads what was written, writes what was read (buffers share places in the work block, and parameters are updated in
 * place) or writes what was written. Loops over blocks are walked twice, so that what the end of a block did
 * meets the beginning of the next; steps end with a wait anyway (codegen/emit_threads.c).
 */
#include "ir/loops/loop.h"

/* In operations: one term of a chain, one element loaded or stored counts two. The least that pays for waiting. */
static const double fewest_of_nest = 1 << 17, fewest_of_function = 1 << 21;

/* ---- what is shared ------------------------------------------------------------------------------ */
static void count_read(void *context, const Read *read) {
    (void)read;
    ++*(int *)context;
}

static double work_of(const LoopFunction *f, const Nest *nest) {
    bool rows = nest->rows && f->block > 1;
    double points = (double)shape_size(nest->space) * (rows ? (double)f->block : 1), terms = 1;
    int reads = 0;
    if (nest->kind == NEST_REDUCE) {
        const Contraction *c = nest->reduce->attr.contraction;
        for (int k = 0; k < c->reduced; k++) terms *= (double)c->extent[k];
        terms *= nest->reduce->sources == 1 ? 2 : 1; /* read once each: a load is all there is to do */
        return points * terms * (c->over_rows ? (double)f->block : 1);
    }
    nest_reads(f, nest, count_read, &reads);
    return points * 2 * (reads + nest->store_count) * (nest->transposes ? 2 : 1);
}

/* A single sum in which every row is a chain: threads take rows, the first one what is left to do with the chains. */
static bool is_shared_by_chains(const LoopFunction *f, const Nest *nest) {
    return nest->kind == NEST_REDUCE && sums_have_rows_of_their_own(f, nest) && nest->sums_grouped == NULL &&
           shape_size(nest->space) == 1;
}

/* Tiles, of which a thread takes whole ones, along rows or an axis. */
static int64_t tiles_along(const LoopFunction *f, const Nest *nest, int split) {
    int lanes = loop_lanes(f->target, nest);
    int64_t extent, width = 1;
    if (split == SPLIT_ROWS && is_shared_by_chains(f, nest)) {
        extent = f->block;
        width = rows_summed_at_once(f, nest);
    } else if (split == SPLIT_ROWS) {
        if (!nest->rows || f->block == 1 ||
            (nest->blocks != NULL && nest->lanes != LANES_ROWS && nest->tile_axis != TILE_ROWS))
            return 1;
        extent = f->block;
        if (nest->lanes == LANES_ROWS)
            width = lanes * nest->vectors;
        else if (nest->tile_axis == TILE_ROWS)
            width = nest->tile;
    } else {
        int axis = split - SPLIT_AXIS;
        extent = nest->space.extent[axis];
        if (nest->lanes == axis)
            width = lanes * nest->vectors;
        else if (nest->tile_axis == axis)
            width = nest->tile;
    }
    return extent < width ? 1 : (extent + width - 1) / width;
}

/* How evenly some threads can share so many tiles. */
static double evenness(int64_t tiles) {
    static const int threads[] = {2, 3, 4, 6, 8};
    double sum = 0;
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
        sum += (double)tiles / (double)((tiles + threads[i] - 1) / threads[i] * threads[i]);
    return sum;
}

/* Squares that are turned overlap, and the pixels and taps of a convolution are tiled by its body. */
static bool can_be_split(const Nest *nest, int split) {
    if (nest->grouped_for != NULL) return split != SPLIT_ROWS;
    if (nest->transposes || nest->turned > 0 || nest->leaves_turned) return split == SPLIT_ROWS;
    const Convolution *v = nest->convolution;
    if (v != NULL && v->taps > 1 && split == SPLIT_AXIS + v->taps_axis) return false;
    return v == NULL || !nest->rows || split != SPLIT_AXIS + v->tile_axis;
}

/* An operand that is packed is packed by every thread that shares the axis along which it does not move. */
static double worth_of(const LoopFunction *f, const Nest *nest, int split) {
    int64_t tiles = can_be_split(nest, split) ? tiles_along(f, nest, split) : 1;
    const Blocks *b = nest->blocks;
    bool of_tile = split == SPLIT_AXIS + nest->tile_axis;
    bool of_lanes = split == SPLIT_AXIS + nest->lanes;
    bool repeats = b != NULL && ((of_tile && b->packs[b->lane_operand]) || (of_lanes && b->packs[1 - b->lane_operand]));
    return tiles < 2 ? 0 : evenness(tiles) * (repeats ? 0.95 : 1);
}

/* Of equals the outermost loop: rows if they are not the lanes. (Rows that are lanes lie together in cache lines.) */
static int best_split(const LoopFunction *f, const Nest *nest) {
    int best = SPLIT_NONE, axes = nest->space.rank;
    double most = 0;
    for (int s = 0; s <= axes; s++) {
        int rows_at = nest->lanes == LANES_ROWS ? axes : 0;
        int split = s == rows_at ? SPLIT_ROWS : SPLIT_AXIS + s - (rows_at == 0);
        double worth = worth_of(f, nest, split);
        if (worth > most * 1.02) {
            most = worth;
            best = split;
        }
    }
    return best;
}

/* A weight gradient has few tiles along one axis, in which the channels are, but of each place of the next axis around it
 * there are as many again. */
static void split_around(const LoopFunction *f, Nest *nest) {
    const Convolution *v = nest->convolution;
    if (v == NULL || nest->rows || nest->split == SPLIT_NONE) return;
    int around = nest->space.rank - 1, split = SPLIT_AXIS + nest->tile_axis;
    while (around >= 0 && (around == nest->tile_axis || around == nest->lanes || nest->space.extent[around] < 2 ||
                           !can_be_split(nest, SPLIT_AXIS + around)))
        around--;
    if (around < 0 ||
        evenness(nest->space.extent[around] * tiles_along(f, nest, split)) <= worth_of(f, nest, nest->split))
        return;
    nest->split = split;
    nest->split_around = 1 + around;
}

static bool must_be_alone(const LoopFunction *f, const Nest *nest) {
    for (int s = 0; s < nest->store_count; s++)
        if (nest->stores[s].kind == STORE_SUM) return true;
    if (nest->kind != NEST_REDUCE) return nest->kind == NEST_SCATTER;
    const Contraction *c = nest->reduce->attr.contraction; /* few outputs: in one pass over the rows */
    return c->over_rows && c->lanes > 1 && f->block > 1 && !sums_have_rows_of_their_own(f, nest);
}

/* A sum that reads each value once, from afar, waits for memory: half the vectors at a time take as long, and two
 * threads can have one half each. */
static void narrow(const LoopFunction *f, Nest *nest) {
    if (nest->kind != NEST_REDUCE || !nest->reduce->attr.contraction->over_rows || nest->lanes < 0 || nest->tile > 1 ||
        nest->blocks != NULL || nest->convolution != NULL || nest->vectors < 2)
        return;
    double bytes = work_of(f, nest) * (double)dtype_bytes(nest->reduce->dtype);
    while (bytes > (double)f->target->l2 && nest->vectors > 1 && best_split(f, nest) == SPLIT_NONE) nest->vectors /= 2;
}

static void give_each_thread(Blocks *blocks) {
    Buffer *all[3] = {blocks->partial, blocks->packed[0], blocks->packed[1]};
    for (int i = 0; i < 3; i++)
        if (all[i] != NULL) all[i]->of_thread = true;
}

void split_nests(LoopFunction *f) {
    double shared = 0;
    bool small = f->target->split_all;
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            Nest *nest = f->sections[s].nests.items[i];
            double work = work_of(f, nest);
            if (must_be_alone(f, nest) || (work < fewest_of_nest && !small)) continue;
            narrow(f, nest);
            nest->split = best_split(f, nest);
            split_around(f, nest);
            if (nest->split != SPLIT_NONE) shared += small ? fewest_of_function : work;
        }
    f->threads = shared >= fewest_of_function;
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            Nest *nest = f->sections[s].nests.items[i];
            if (!f->threads)
                nest->split = SPLIT_NONE;
            else if (nest->split != SPLIT_NONE && nest->blocks != NULL)
                give_each_thread(nest->blocks);
        }
}

/* ---- where threads wait ------------------------------------------------------------------------------ */
typedef enum Memory { MEMORY_WORK, MEMORY_STATE, MEMORY_OUTPUT, MEMORY_SUMS } Memory;
typedef struct Touch {
    Memory memory;
    size_t begin, end;
    bool writes, alone; /* alone: by the first thread only */
} Touch;
typedef Vector(Touch) Touches;
typedef struct Waiting {
    LoopFunction *f;
    Touches now, since;
    bool alone;
} Waiting;

static void touch(Waiting *w, Memory memory, size_t begin, size_t bytes, bool writes) {
    Touch t = {memory, begin, begin + bytes, writes, w->alone};
    vector_push(w->f->arena, &w->now, t);
}

static void touch_buffer(Waiting *w, const Buffer *b, bool writes) {
    if (b != NULL && !b->of_thread) touch(w, MEMORY_WORK, b->offset, b->bytes, writes);
}

static void touch_cell(Waiting *w, int64_t index, bool writes) {
    const Cell *cell = &w->f->run->cells[index];
    touch(w, MEMORY_STATE, cell->offset, (size_t)shape_size(cell->shape) * dtype_bytes(cell->dtype), writes);
}

static void touch_read(void *context, const Read *read) {
    Waiting *w = context;
    if (node_is_stored(w->f, read->node)) {
        touch_buffer(w, w->f->buffer[read->node->id], false);
        touch_buffer(w, w->f->copy[read->node->id], false);
        if (w->f->kept[read->node->id] > 0) touch_cell(w, w->f->kept[read->node->id] - 1, false);
    } else if (read->node->op == OP_CELL) {
        touch_cell(w, read->node->attr.index, false);
    }
}

static void touch_nest(Waiting *w, const Nest *nest) {
    w->alone = nest->split == SPLIT_NONE;
    nest_reads(w->f, nest, touch_read, w);
    touch_buffer(w, nest->chain, true);
    touch_buffer(w, nest->total, true);
    touch_buffer(w, nest->repacked, false);
    touch_buffer(w, grouped_operand(nest), false);
    if (nest->convolution != NULL) {
        touch_buffer(w, nest->convolution->packed, false);
        touch_buffer(w, nest->convolution->grouped[0], false);
        touch_buffer(w, nest->convolution->grouped[1], false);
    }
    if (nest->blocks != NULL) {
        touch_buffer(w, nest->blocks->partial, true);
        for (int s = 0; s < 2; s++) touch_buffer(w, nest->blocks->packed[s], true);
    }
    if (nest->kind == NEST_SCATTER) touch_buffer(w, w->f->buffer[nest->reduce->id], true);
    for (int s = 0; s < nest->store_count; s++) {
        const Store *store = &nest->stores[s];
        switch (store->kind) {
        case STORE_BUFFER:
        case STORE_COPY: touch_buffer(w, store->buffer, true); break;
        case STORE_CELL: touch_cell(w, store->index, true); break;
        case STORE_SUM: touch(w, MEMORY_SUMS, 0, 1, true); break;
        case STORE_ELEMENT: break; /* of trees alone */
        case STORE_ROWS:
        case STORE_VALUE: touch(w, MEMORY_OUTPUT, (size_t)store->index, 1, true); break;
        }
    }
}

static bool collide(const Touch *a, const Touch *b) {
    return (a->writes || b->writes) && !(a->alone && b->alone) && a->memory == b->memory && a->begin < b->end &&
           b->begin < a->end;
}

/* What `now` holds happens next: must threads meet before it? */
static bool happens(Waiting *w, bool waits) {
    for (int i = 0; i < w->now.count && !waits; i++)
        for (int k = 0; k < w->since.count && !waits; k++) waits = collide(&w->now.items[i], &w->since.items[k]);
    if (waits) w->since.count = 0;
    for (int i = 0; i < w->now.count; i++) vector_push(w->f->arena, &w->since, w->now.items[i]);
    w->now.count = 0;
    return waits;
}

void place_waits(LoopFunction *f) {
    Waiting w = {.f = f};
    for (int s = 0; s < f->section_count && f->threads; s++) {
        Section *section = &f->sections[s];
        w.alone = true;
        for (int i = 0; i < section->nests.count && !f->one_block; i++)
            if (section->nests.items[i]->kind == NEST_SCATTER) /* its sums are started before the blocks */
                touch_buffer(&w, f->buffer[section->nests.items[i]->reduce->id], true);
        section->waits = happens(&w, false);
        for (int times = section->inside && !f->one_block ? 2 : 1; times > 0; times--)
            for (int i = 0, end = 0; i < section->nests.count; i = end) {
                Nest *nest = section->nests.items[i];
                for (end = i + (nest->relay > 0 ? nest->relay : 1); i < end; i++)
                    touch_nest(&w, section->nests.items[i]);
                nest->waits = happens(&w, nest->waits);
            }
    }
}
