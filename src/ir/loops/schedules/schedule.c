/* schedule: a function as a tree of loops.
 *
 * Row after row, where a mini-batch may have any number of rows, and the least memory is wanted:
 *
 *   for each sweep over the mini-batch
 *     nests outside                     what needs no row, or a sum over all rows of the sweep before
 *     starts of the sums over rows
 *     for row in 0..rows
 *       nests inside                    a value with rows has room for one
 *
 * In blocks of rows: the loop is over blocks, each nest inside has its own loops over the rows of a block, and a value with
 * rows has room for all of them. In one block, where a mini-batch has no more rows, there is no loop around, and a sum over
 * rows stays in registers. Rows are rounded up to a multiple of `pad`, so that a tile of rows is whole: places past the
 * mini-batch hold the values of its last row.
 *
 * Which values are stored, and by which nest, is fuse.c's.
 */
#include "ir/loops/code_limits.h"
#include "ir/loops/schedules/reduction.h"
#include "ir/scan.h"

const TileNumbers usual_tiles = {.machine = {.vector_bytes = 64,
                                             .registers = 16,
                                             .fma_pace = 100,
                                             .line = 64,
                                             .l1 = 32 << 10,
                                             .l2 = 256 << 10,
                                             .memory_latency = 300,
                                             .l1_rate = 128},
                                 .vectors = 1,
                                 .unrolled = 6,
                                 .chains = 6,
                                 .row_lanes = 16};

/* ---- nests -------------------------------------------------------------------------------------------------- */
static void elements(Scheduler *s, const Nest *nest) {
    if (schedule_elements_in_squares(s, nest)) return;
    SpacePoint point = {{NULL}};
    int opened = schedule_axes_open_with(s, nest->space.extent, nest->space.rank, place_innermost(s, nest), point.axis);
    schedule_stores(s, &point);
    schedule_close_all(s, opened);
}

static bool sums_over_rows(const Nest *nest) {
    if (nest->kind == NEST_SCATTER) return nest->reduce->attr.over_rows;
    return nest->kind == NEST_REDUCE && nest->reduce->attr.contraction->over_rows;
}

static bool sums_rows_as_lanes(Scheduler *s, const Nest *nest) {
    return sums_over_rows(nest) && nest->kind == NEST_REDUCE && row_sum_is_possible(s, nest);
}

static bool sums_chunks(Scheduler *s, const Nest *nest) {
    return sums_over_rows(nest) && nest->kind == NEST_REDUCE && chunk_sum_is_possible(s, nest);
}

/* In the lanes of the order law, which walk through a value in row-major order. */
static bool sums_terms_of_row(const Nest *nest) {
    return nest->kind == NEST_REDUCE && nest->rows && !sums_over_rows(nest) &&
           nest->reduce->attr.contraction->lanes > 1;
}

/* Does its kernel pack operands whose rows lie beside each other? */
static bool packs_rows(const Scheduler *s, const Nest *nest) {
    const Node *node = nest->reduce;
    if (nest->kind != NEST_REDUCE || node->op != OP_CONTRACT) return false;
    return reads_window(node) || (node->sources == 1 && pack_is_known(s, node->source[0]));
}

static void nest_at_row(Scheduler *s, const Nest *nest) {
    if (nest->kind == NEST_REDUCE)
        schedule_reduction(s, nest);
    else if (nest->kind == NEST_SCATTER)
        schedule_scatter(s, nest);
    else
        elements(s, nest);
}

static int64_t pad_of(const Scheduler *s, const Nest *nest) {
    return sums_over_rows(nest) || nest_leaves_rows(nest) ? 1 : s->pad;
}

/* Of all rows, before the first term of one joins: what is read has been written whole then. */
static void scatter_start_of_block(Scheduler *s, const Nest *nest) {
    ScheduleRow before = s->at;
    bool of_rows = nest->rows && !sums_over_rows(nest);
    int64_t pad = pad_of(s, nest);
    if (of_rows) schedule_rows_open(s, NULL, pad > 1 ? s->padded_rows : s->block_rows, 1, pad);
    schedule_scatter_start(s, nest);
    if (of_rows) schedule_rows_close(s, before);
}

/* ---- schedules of a nest ------------------------------------------------------------------------------------ */
static bool is_in_block(const Scheduler *s) { return s->block_rows > 1 || s->f->one_block; }

static bool is_scan(Scheduler *s, const Nest *nest) {
    (void)s;
    return nest->kind == NEST_SCAN;
}

/* What it sums over rows lies [row][element] before it is planned, but for what it packs. */
static bool is_kernel(Scheduler *s, const Nest *nest) {
    if (sums_over_rows(nest) && !sums_rows_as_lanes(s, nest) && !packs_rows(s, nest))
        s->copies = schedule_transposed(s, nest, NULL);
    s->kernel = schedule_kernel_plan(s, nest);
    return s->kernel != NULL;
}

static bool sums_rows_of_block(Scheduler *s, const Nest *nest) {
    return sums_over_rows(nest) && nest->kind == NEST_REDUCE && s->f->one_block;
}

static bool makes_elements_beside(Scheduler *s, const Nest *nest) {
    return nest->kind == NEST_ELEMENTS && stores_rows_innermost(s, nest);
}

static bool is_any(Scheduler *s, const Nest *nest) {
    (void)s;
    (void)nest;
    return true;
}

static void schedule_nest(Scheduler *s, const Nest *nest);
static void scan(Scheduler *s, const Nest *nest) { schedule_scan(s, nest, schedule_nest); }

static void kernel(Scheduler *s, const Nest *nest) {
    (void)nest;
    schedule_kernel(s, s->kernel);
}

/* A loop of its own over the rows of the block, or the row at hand. */
static void row_after_row(Scheduler *s, const Nest *nest) {
    bool sums = sums_over_rows(nest), loops = is_in_block(s) && (nest->rows || sums);
    ScheduleRow before = s->at;
    if (nest->kind == NEST_SCATTER && is_in_block(s) && (!sums || s->f->one_block)) scatter_start_of_block(s, nest);
    if (nest->kind == NEST_SCATTER && !is_in_block(s) && !sums) schedule_scatter_start(s, nest);
    if (loops) {
        int64_t pad = pad_of(s, nest);
        schedule_rows_open(s, NULL, pad > 1 ? s->padded_rows : s->block_rows, 1, pad);
        if (nest->kind == NEST_ELEMENTS) schedule_fetch_rows(s, nest);
    }
    nest_at_row(s, nest);
    if (loops) schedule_rows_close(s, before);
}

/* The first that fits makes the nest's loops. */
static const struct NestSchedule {
    const char *name;
    bool (*fits)(Scheduler *s, const Nest *nest);
    void (*make)(Scheduler *s, const Nest *nest);
    bool opens;      /* nests, itself */
    bool wants_rows; /* what it sums over rows lies [row][element] */
} nest_schedules[] = {
    {"scan", is_scan, scan, true, false},
    {"sums of chunks", sums_chunks, schedule_chunk_sum, true, false},
    {"kernel", is_kernel, kernel, true, false},
    {"sums with rows as lanes", sums_rows_as_lanes, schedule_row_sum, false, false},
    {"sums over a block", sums_rows_of_block, schedule_sum_of_block, false, true},
    {"rows side by side", makes_elements_beside, schedule_rows_innermost, false, false},
    {"row after row", is_any, row_after_row, false, true},
};

static void schedule_nest(Scheduler *s, const Nest *nest) {
    const struct NestSchedule *schedule = nest_schedules;
    s->nest = nest;
    while (!schedule->fits(s, nest)) schedule++;
    if (schedule->wants_rows && s->copies.nodes.count == 0 && (sums_over_rows(nest) || sums_terms_of_row(nest)))
        s->copies = schedule_transposed(s, nest, NULL);
    if (!schedule->opens) schedule_nest_open(s, nest->stores[0].node);
    schedule->make(s, nest);
    if (!schedule->opens) schedule_close(s);
    schedule_transpose_back(s, &s->copies);
    s->copies = (TransposedArrays){0};
    s->nest = NULL;
}

static void start_sums(Scheduler *s, const Section *section) {
    for (int i = 0; i < section->nests.count; i++) {
        const Nest *nest = section->nests.items[i];
        if (!sums_over_rows(nest)) continue;
        schedule_nest_open(s, nest->reduce);
        if (nest->kind == NEST_SCATTER)
            schedule_scatter_start(s, nest);
        else
            schedule_reduction_start(s, nest);
        schedule_close(s);
    }
}

static void schedule_section(Scheduler *s, const Section *section) {
    if (section->nests.count == 0) return;
    bool sweeps = section->inside && !s->f->one_block;
    ScheduleRow before = s->at;
    if (section->inside) s->tree->needs_rows = true;
    if (sweeps) start_sums(s, section);
    OuterNests outer = {NULL, 0};
    if (sweeps) outer = schedule_outer_begin(s);
    schedule_forget_copies(s);
    if (sweeps) schedule_rows_open(s, NULL, MOST_ROWS, s->block_rows, 1);
    if (sweeps && s->block_rows > 1) s->block = schedule_open_loop(s);
    for (int i = 0; i < section->nests.count; i++) schedule_nest(s, section->nests.items[i]);
    s->block = NULL;
    if (!sweeps) return;
    schedule_rows_close(s, before);
    schedule_outer_end(s, &outer);
}

/* ---- functions ---------------------------------------------------------------------------------------------- */
static LoopTree *schedule_in_blocks(Arena *arena, const Run *run, const Function *function, const TileNumbers *numbers,
                                    int64_t block, bool one_block) {
    const ScanPart *parts = NULL;
    const Function *in_parts = function_in_parts(arena, run, function, &parts);
    function = one_block || parts_go_by_rows(arena, parts) ? in_parts : function_unrolled(arena, run, function);
    NestFunction *f = arena_new_of(arena, NestFunction);
    *f = (NestFunction){
        .arena = arena, .run = run, .function = function, .parts = parts, .block = block, .one_block = one_block};
    fuse_function(f);
    LoopTree *tree = arena_new_of(arena, LoopTree);
    *tree = (LoopTree){.arena = arena,
                       .name = function->name,
                       .run = run,
                       .function = function,
                       .runs = 1,
                       .most_rows = one_block ? run->batch : 0};
    Scheduler s = {.tree = tree, .arena = arena, .f = f, .numbers = *numbers, .block_rows = f->block};
    s.rows_innermost = block > 1 && schedule_has_rows_innermost(&s);
    schedule_padding(&s);
    if (one_block && f->block == 1) s.at = schedule_first_row(&s);
    s.provider = arena_array(arena, Nest *, f->nodes + 1);
    s.array = arena_array(arena, Array *, f->nodes + 1);
    s.layout = arena_array(arena, const ArrayLayout *, f->nodes + 1);
    s.has_rows_innermost = arena_array(arena, uint8_t, f->nodes + 1);
    s.transposed = arena_array(arena, Array *, f->nodes + 1);
    s.chain = arena_array(arena, Array *, f->nodes + 1);
    s.cell = arena_array(arena, Array *, run->cell_count + 1);
    s.slot = arena_array(arena, Array *, run->slot_count + 1);
    OpenBody all = {&tree->body, 0};
    vector_push(arena, &s.open, all);
    schedule_find_arrays(&s);
    schedule_layouts(&s);
    schedule_passing(&s);
    schedule_outputs(&s);
    for (int i = 0; i < f->section_count; i++) schedule_section(&s, &f->sections[i]);
    tree_give_places(tree);
    return tree;
}

/* Of a row that takes much of the second-level cache there are as few as fill it, or take as long to move as the parameters;
 * 0: rows are small. */
static int64_t few_rows(const LoopTree *tree, int64_t rows, const TileNumbers *numbers) {
    int64_t of_row = (int64_t)tree->work_bytes / rows, parameters = 0;
    if (numbers->machine.l2 == 0 || 4 * of_row < numbers->machine.l2 || function_has_scans(tree->run, tree->function))
        return 0;
    for (int a = 0; a < tree->arrays.count; a++) {
        const Array *array = tree->arrays.items[a];
        if (array->memory == ARRAY_CELL) parameters += array->elements * (int64_t)dtype_bytes(array->dtype);
    }
    int64_t few = (parameters > numbers->machine.l2 ? parameters : numbers->machine.l2) / of_row;
    return few < 2 ? 2 : few < rows ? few : 0;
}

int64_t schedule_batch(int64_t rows) { return rows > 0 && rows <= MOST_BLOCK_ROWS ? rows : 0; }

/* More rows share what is packed, if they do not take much memory. */
LoopTree *schedule_function(Arena *arena, const Run *run, const Function *function, RowOrder order,
                            const TileNumbers *numbers) {
    if (order == IN_ONE_BLOCK && schedule_batch(run->batch) > 0)
        return schedule_in_blocks(arena, run, function, numbers, run->batch, true);
    if (order == ROW_AFTER_ROW) return schedule_in_blocks(arena, run, function, numbers, 1, false);
    if (numbers->block_bytes > 0) {
        LoopTree *tree = schedule_in_blocks(arena, run, function, numbers, MOST_BLOCK_ROWS, false);
        if ((int64_t)tree->work_bytes <= numbers->block_bytes) return tree;
    }
    LoopTree *tree = schedule_in_blocks(arena, run, function, numbers, USUAL_BLOCK_ROWS, false);
    int64_t few = few_rows(tree, USUAL_BLOCK_ROWS, numbers);
    return few > 0 ? schedule_in_blocks(arena, run, function, numbers, few, false) : tree;
}
