/* loop: what becomes vector lanes, what is unrolled into registers, and the pipeline of this part.
 *
 * A value with rows has its rows along the lanes: every operand is then contiguous or the same for all lanes,
 * whatever the windows and strides of its axes. Without rows (weight gradients, updates) the axis whose reads
 * are cheapest is taken. Tiles and blocks of kernels are chosen in tile.c. None of these choices moves a bit: lanes and tiles are outputs, or the 16 lanes the order law itself names.
 */
#include "ir/loops/loop.h"
#include "ir/scan.h"
#include <time.h>

enum { LARGEST_ONE_BLOCK = 1024, USUAL_BLOCK = 256, FEWEST_ROWS = 32 };
static const size_t MOST_WORK = (size_t)256 << 20, USUAL_WORK = (size_t)24 << 20; /* bytes */

static void collect_read(void *context, const Read *read) {
    Reads *reads = context;
    if (reads->count < MOST_READS) reads->items[reads->count++] = *read;
}

/* What it costs to read (and, once per `terms` reads, to store) an element with this axis along the lanes. */
static double lane_cost(const LoopFunction *f, const Reads *reads, Shape space, int axis, int lanes, double terms) {
    double cost = 0;
    int64_t extent = space.extent[axis];
    double used = extent >= lanes ? lanes : extent >= 8 ? 6 : extent >= 4 ? 3 : 1;
    for (int i = 0; i < reads->count; i++) {
        const Read *read = &reads->items[i];
        int64_t step = read->linear.coef[axis];
        if (step == 0)
            cost += 0.4;
        else if (read->guarded)
            cost += used * 1.5; /* lane by lane */
        else if (step == 1)
            cost += 1;
        else if (read->node->rows != 0 && f->block > 1 && node_is_stored(f, read->node) && step > 0 &&
                 step < WILD_STRIDE)
            cost += 1.3; /* a copy makes it contiguous */
        else
            cost += used * 1.5;
    }
    cost += (row_major_stride(space, axis) == 1 ? 1 : used * 1.5) / terms;
    return cost / used;
}

static int cheapest_lanes(const LoopFunction *f, const Nest *nest, const Reads *reads, int lanes) {
    int best = LANES_NONE;
    double least = 1e300, terms = 1;
    for (int k = 0; nest->reduce != NULL && k < nest->reduce->attr.contraction->reduced; k++)
        terms *= (double)nest->reduce->attr.contraction->extent[k];
    if (nest->reduce != NULL && nest->reduce->attr.contraction->over_rows) terms *= (double)f->block;
    for (int a = nest->space.rank - 1; a >= 0; a--) {
        if (nest->space.extent[a] < 2) continue;
        double cost = lane_cost(f, reads, nest->space, a, lanes, terms);
        if (cost < least * 0.999) {
            least = cost;
            best = a;
        }
    }
    return best;
}

/* Are all operands that move with the lanes in the work block, where reading on is harmless? */
static bool may_read_on(const LoopFunction *f, const Nest *nest, const Reads *reads) {
    for (int i = 0; i < reads->count; i++) {
        const Read *read = &reads->items[i];
        if (read->operand >= 0 && read->linear.coef[nest->lanes] != 0 &&
            (!node_is_stored(f, read->node) || read->guarded))
            return false;
    }
    return reads->count < MOST_READS;
}

static bool reads_only_columns(const LoopFunction *f, const Reads *reads, Shape space) {
    bool column = false;
    for (int i = 0; i < reads->count; i++) {
        const Read *read = &reads->items[i];
        if (read->node->rows == 0) continue;
        if (node_is_stored(f, read->node) && read->node->op != OP_COLUMN) return false;
        column |= read->linear.coef[space.rank - 1] == 1;
    }
    return column;
}

static void schedule_nest(LoopFunction *f, const Section *section, Nest *nest, const LoopTarget *target) {
    static const Reads none;
    Reads *reads = arena_copy(f->arena, &none, sizeof none);
    nest_reads(f, nest, collect_read, reads);
    int lanes = loop_lanes(target, nest);
    if (nest->kind == NEST_SCATTER) return;
    if (nest->kind == NEST_ELEMENTS) {
        bool to_rows = nest->store_count == 1 && nest->stores[0].kind == STORE_ROWS;
        nest->lanes = nest->rows && f->block > 1 && !to_rows ? LANES_ROWS : cheapest_lanes(f, nest, reads, lanes);
        if (to_rows && f->block > 1) nest->lanes = nest->space.rank > 0 ? nest->space.rank - 1 : LANES_NONE;
        if (nest->rows && f->block > 1 && !to_rows && nest->store_count == 1 && nest->stores[0].kind == STORE_BUFFER &&
            nest->stores[0].value == nest->stores[0].node && nest->space.rank > 0 &&
            nest->space.extent[nest->space.rank - 1] >= lanes && reads_only_columns(f, reads, nest->space))
            nest->lanes = nest->space.rank - 1; /* columns are read along their rows, and turned after */
        return;
    }
    const Contraction *c = nest->reduce->attr.contraction;
    if (c->lanes > 1 && !(c->over_rows && f->block == 1)) {
        bool along_rows = f->block > 1 && (nest->reduce->rows != 0 || c->over_rows);
        nest->lanes = along_rows ? LANES_ROWS : LANES_NONE;
        nest->lanes_of_k = !c->over_rows;
        return;
    }
    if (rows_made_of(f, section, nest) != NULL && outputs_as_lanes(f, nest, reads, target)) return;
    if (nest->reduce->rows != 0 && f->block > 1)
        nest->lanes = LANES_ROWS;
    else
        nest->lanes = cheapest_lanes(f, nest, reads, lanes);
    /* A sum over one row reads what was stored just before, piece by piece: a wider load would wait for the
     * stores. */
    bool one_term = c->over_rows && f->block == 1;
    nest->wide_rest = nest->lanes >= 0 && !one_term && may_read_on(f, nest, reads);
    choose_tile(f, nest, reads, target);
    nest->squares = square_operand(f, nest, reads, target);
    if (nest->squares > 0) nest->vectors = 1;
    choose_blocks(f, nest, reads, target);
}

static void find_providers(LoopFunction *f) {
    f->provider = arena_array(f->arena, Nest *, (size_t)f->nodes + 1);
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            Nest *nest = f->sections[s].nests.items[i];
            for (int k = 0; k < nest->store_count; k++)
                if (nest->stores[k].kind == STORE_BUFFER) f->provider[nest->stores[k].node->id] = nest;
        }
}

void loop_schedule(LoopFunction *f, const LoopTarget *target) {
    find_providers(f);
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++)
            schedule_nest(f, &f->sections[s], f->sections[s].nests.items[i], target);
}

typedef struct Leaving {
    const LoopFunction *f;
    bool turns;
} Leaving;

static void visit_leaving(void *context, const Read *read) {
    Leaving *l = context;
    if (read->node->rows != 0 && (!node_is_stored(l->f, read->node) || l->f->copy_axis[read->node->id] >= 0))
        l->turns = false;
}

/* Rows for the caller, of values that have their rows innermost: turned on the way out. */
static void turn_leaving(LoopFunction *f, Nest *nest) {
    if (nest->store_count != 1 || nest->stores[0].kind != STORE_ROWS || nest->turned > 0 || nest->flat || !nest->rows ||
        f->block == 1 || nest->lanes < 0 || nest->lanes != nest->space.rank - 1 || nest->space.extent[nest->lanes] < 4)
        return;
    Leaving l = {f, true};
    nest_reads(f, nest, visit_leaving, &l);
    nest->leaves_turned = l.turns;
    if (l.turns) nest->lanes = LANES_ROWS;
}

static void turn_all_leaving(LoopFunction *f) {
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) turn_leaving(f, f->sections[s].nests.items[i]);
}

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* So little is worked on and updated that registers, or a few lines of the cache, hold it, and not by so long a code
 * that nests are to be functions. */
static bool is_tiny(const LoopFunction *f) {
    double cost = 0;
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            const Nest *nest = f->sections[s].nests.items[i];
            cost += nest->cost;
            if (nest->blocks != NULL || nest->convolution != NULL || nest->apart || nest->repacks ||
                cost > MOST_TINY_CODE)
                return false;
        }
    return f->steps && f->one_block && f->work_bytes <= MOST_TINY_WORK && updates_little(f);
}

static LoopFunction *build_with(Arena *arena, const Run *run, const Function *function, int64_t block, bool one_block,
                                const LoopTarget *target, double *fuse_seconds, double *plan_seconds) {
    double start = seconds_now();
    LoopFunction *f = arena_new_of(arena, LoopFunction);
    *f = (LoopFunction){.arena = arena,
                        .name = function->name,
                        .run = run,
                        .function = function,
                        .steps = function->steps,
                        .block = block,
                        .one_block = one_block,
                        .target = target};
    fuse_function(f);
    double fused = seconds_now();
    loop_schedule(f, target);
    layout_function(f, target);
    regroup_function(f);
    unstore_passing(f);
    turn_all_leaving(f);
    unstore_leaving(f);
    plan_function(f);
    f->tiny = !f->threads && is_tiny(f);
    *fuse_seconds += fused - start;
    *plan_seconds += seconds_now() - fused;
    return f;
}

int64_t loop_batch(int64_t rows) {
    if (rows < 1 || rows > LARGEST_ONE_BLOCK) return 0;
    return rows == 1 ? 1 : (rows + 15) / 16 * 16;
}

/* One block if the mini-batch is literal and fits; blocks of 256 rows or, where a row takes much memory,
 * fewer. */
LoopFunction *loop_build(Arena *arena, const Run *run, const Function *function, int64_t batch,
                         const LoopTarget *target, double *fuse_seconds, double *plan_seconds) {
    int64_t block = loop_batch(batch);
    function = function_unrolled(arena, run, function);
    if (block > 0) {
        LoopFunction *f = build_with(arena, run, function, block, true, target, fuse_seconds, plan_seconds);
        if (f->work_bytes <= MOST_WORK || block <= FEWEST_ROWS) return f;
    }
    for (block = USUAL_BLOCK;; block /= 2) {
        LoopFunction *f = build_with(arena, run, function, block, false, target, fuse_seconds, plan_seconds);
        if (f->work_bytes <= USUAL_WORK || block <= FEWEST_ROWS) return f;
    }
}
