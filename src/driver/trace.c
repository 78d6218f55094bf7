/* --trace: what a run starts from and its first ten steps, as a safetensors file for tools outside.
 *
 * Another implementation can take the same steps from it (tests/pytorch does): the columns as generated code
 * reads them, the cells before the first step, which rows each step took and what its loss was, and the cells
 * after the last. Only the first of the named runs is traced; runs that it starts from are trained before.
 *
 *   data.COLUMN    [rows, shape of a row]; of several data sets data.SET.COLUMN
 *   cell.NAME, after.NAME   every cell before and after the steps
 *   rows           all steps' rows, one after the other; rows_of_step says how many each took
 *   rows.SET       those of a further data set beside them
 *   epoch_of_step  from 0
 *   loss_of_step   mean over its rows of what is minimized, without penalties
 *   metadata       planned: the steps of the whole training, behind `progress`; parameters: the names of those cells
 *                  that learn
 */
#include "driver/training.h"
#include <string.h>

enum { TRACED_STEPS = 10 };

typedef struct Trace {
    Training *t;
    Vector(sgdrt_entry) entries;
    int32_t *rows, *rows_of_step, *epoch_of_step;
    int32_t **partner_rows; /* of run->partners */
    int64_t *partner_count; /* so far */
    int64_t row_count;
    double *loss_of_step;
    int64_t steps;
} Trace;

int trace_run_index(const Program *program, const char *only) {
    size_t length = only ? run_name_length(only) : 0;
    for (int i = 0; only && i < program->run_count; i++) {
        const char *const names[] = {program->runs[i].block, program->runs[i].name};
        for (int k = 0; k < 2; k++)
            if (strlen(names[k]) == length && memcmp(names[k], only, length) == 0) return i;
    }
    return 0;
}

bool trace_starts_from(const Program *program, int run, int other) {
    for (int at = program->runs[run].start_run; at >= 0; at = program->runs[at].start_run)
        if (at == other) return true;
    return false;
}

/* rows -1: the entry has the shape alone. */
static void add_entry(Trace *trace, const char *name, DType dtype, Shape row, int64_t rows, void *data) {
    Arena *arena = trace->t->driver->arena;
    int64_t *shape = arena_array(arena, int64_t, row.rank + 1);
    int rank = 0;
    if (rows >= 0) shape[rank++] = rows;
    for (int a = 0; a < row.rank; a++) shape[rank++] = row.extent[a];
    vector_push(arena, &trace->entries, ((sgdrt_entry){name, (sgdrt_dtype)dtype, rank, shape, data}));
}

static void add_columns(Trace *trace) {
    Training *t = trace->t;
    Arena *arena = t->driver->arena;
    for (int c = 0; c < t->run->data->column_count; c++) {
        const Column *column = &t->run->data->columns[c];
        sgdrt_column from = t->data->train.table->columns[c];
        const DataSet *data = t->run->data;
        int64_t rows = data->joined_count ? data->joined_rows[data_set_of(data, c)] : t->data->train.table->rows;
        size_t bytes = dtype_bytes(column->dtype) * (size_t)shape_size(column->shape);
        char *dense = arena_alloc(arena, bytes * (size_t)rows + 1);
        for (int64_t r = 0; r < rows; r++)
            memcpy(dense + (size_t)r * bytes, (const char *)from.data + r * from.stride, bytes);
        const char *name = text_format(arena, "data.%s", column->name);
        add_entry(trace, name, column->dtype, column->shape, rows, dense);
    }
}

static void add_cells(Trace *trace, const char *when) {
    const Training *t = trace->t;
    for (int i = 0; i < t->run->cell_count; i++) {
        const Cell *cell = &t->run->cells[i];
        size_t bytes = dtype_bytes(cell->dtype) * (size_t)shape_size(cell->shape);
        void *copy = arena_copy(t->driver->arena, (const char *)t->state + cell->offset, bytes);
        const char *name = text_format(t->driver->arena, "%s.%s", when, cell->name);
        add_entry(trace, name, cell->dtype, cell->shape, -1, copy);
    }
}

static const char *names_of_parameters(const Training *t) {
    Text names = text_new(t->driver->arena);
    for (int i = 0; i < t->run->cell_count; i++)
        if (cell_has_gradient(&t->run->cells[i]))
            text_add(&names, "%s%s", names.length ? " " : "", t->run->cells[i].name);
    return names.bytes;
}

static void take_step(Trace *trace, int64_t step) {
    Training *t = trace->t;
    int64_t epoch = step / t->steps_per_epoch, count = t->batch;
    int64_t first = step % t->steps_per_epoch * t->batch;
    uint32_t *rows = (uint32_t *)trace->rows + trace->row_count;
    double loss = 0;
    if (first + count > t->feed.places) count = t->feed.places - first;
    sgdrt_feed_fill(&t->feed, (uint64_t)epoch, first, count, rows);
    for (int i = 0; i < t->run->partner_count; i++) {
        int64_t places = t->gathering.uneven ? t->gathering.places : count;
        uint32_t *to = (uint32_t *)trace->partner_rows[i] + trace->partner_count[i];
        int64_t own = sgdrt_partner_fill(&t->gathering.partners[i], (uint64_t)step, t->batch, count, places, to);
        trace->partner_count[i] += t->gathering.uneven ? own : count;
    }
    memset(t->sums, 0, sizeof *t->sums * (size_t)run_sums(t->run));
    int64_t before = t->term_rows;
    training_call_steps(t, 1, NULL);
    double places = (double)(t->term_rows - before);
    int weights = run_weight_sum(t->run);
    for (int i = 0; i < t->run->term_count; i++)
        if (t->run->terms[i].minimized)
            loss += t->sums[i] / (t->run->terms[i].penalty ? 1 : weights >= 0 ? t->sums[weights] : places);
    trace->rows_of_step[step] = (int32_t)count;
    trace->epoch_of_step[step] = (int32_t)epoch;
    trace->loss_of_step[step] = loss;
    trace->row_count += count;
}

bool trace_write(Training *t, const char *path) {
    Arena *arena = t->driver->arena;
    Trace trace = {.t = t, .steps = t->planned < TRACED_STEPS ? t->planned : TRACED_STEPS};
    Shape of_rows = {.rank = 1}, of_steps = {.rank = 1, .extent = {trace.steps}};
    trace.rows = arena_array(arena, int32_t, trace.steps * t->batch);
    trace.partner_rows = arena_array(arena, int32_t *, t->run->partner_count + 1);
    trace.partner_count = arena_array(arena, int64_t, t->run->partner_count + 1);
    for (int i = 0; i < t->run->partner_count; i++)
        trace.partner_rows[i] = arena_array(arena, int32_t, (trace.steps + 1) * t->gathering.places);
    trace.rows_of_step = arena_array(arena, int32_t, trace.steps);
    trace.epoch_of_step = arena_array(arena, int32_t, trace.steps);
    trace.loss_of_step = arena_array(arena, double, trace.steps);
    add_columns(&trace);
    add_cells(&trace, "cell");
    for (int64_t step = 0; step < trace.steps; step++) take_step(&trace, step);
    add_cells(&trace, "after");
    of_rows.extent[0] = trace.row_count;
    add_entry(&trace, "rows", DTYPE_I32, of_rows, -1, trace.rows);
    for (int i = 0; i < t->run->partner_count; i++) {
        of_rows.extent[0] = trace.partner_count[i];
        add_entry(&trace, text_format(arena, "rows.%s", t->run->data->joined[i + 1]->name), DTYPE_I32, of_rows, -1,
                  trace.partner_rows[i]);
    }
    add_entry(&trace, "rows_of_step", DTYPE_I32, of_steps, -1, trace.rows_of_step);
    add_entry(&trace, "epoch_of_step", DTYPE_I32, of_steps, -1, trace.epoch_of_step);
    add_entry(&trace, "loss_of_step", DTYPE_F64, of_steps, -1, trace.loss_of_step);
    const sgdrt_metadata metadata[] = {
        {"format", "sgdc trace 1"},
        {"program", t->driver->program->stem},
        {"run", t->run->name},
        {"planned", text_format(arena, "%lld", (long long)t->planned)},
        {"parameters", names_of_parameters(t)},
    };
    int metadata_count = sizeof metadata / sizeof *metadata;
    sgdrt_problem problem = {0};
    void *bytes = NULL;
    size_t length = 0;
    if (sgdrt_save_memory(&bytes, &length, trace.entries.items, trace.entries.count, metadata, metadata_count,
                          &problem)) {
        report_problem(t->driver, &problem, (Span){0, 0}, NULL);
        return false;
    }
    if (!saved_put(t->driver, path, bytes, length)) return false;
    driver_say(t->driver, "wrote %s", path);
    return true;
}
