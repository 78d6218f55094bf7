/* --check-grad: the symbolic gradient against central differences, for this very program.
 *
 * The program is lowered with every f32 an f64. Before the passes run, each parameter's update is replaced by its
 * gradient: after one step a parameter's cell holds the gradient, and the sums hold the objective at the old
 * parameters. So the same function gives both sides, through batching, differentiation and canonicalisation as
 * they train, whatever the optimizer. Draws are those of step 0 on both sides.
 *
 * Parameters are moved a little from where they start: a bias of exactly 0 over a black background puts relu on its
 * kink, where the two sides rightly differ.
 */
#include "driver/training.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 8, MOST_ELEMENTS = 40 };
static const double tolerance = 1e-5, step_size = 6e-6;

void check_grad_prepare(Driver *driver) {
    for (int r = 0; r < driver->program->run_count; r++) {
        Run *run = &driver->program->runs[r];
        Root *roots = arena_array(driver->arena, Root, run->step.root_count + run->cell_count);
        int count = 0;
        for (int i = 0; i < run->step.root_count; i++)
            if (run->step.roots[i].kind == ROOT_SUM) roots[count++] = run->step.roots[i];
        for (int i = 0; i < run->cell_count; i++) {
            const Cell *cell = &run->cells[i];
            if (cell->kind != CELL_PARAMETER || !cell->updated) continue;
            Node *gradient = graph_leaf(run->graph, OP_GRADIENT, cell->dtype, cell->shape, i);
            roots[count++] = (Root){ROOT_UPDATE, i, gradient, cell->name};
        }
        run->step.roots = roots;
        run->step.root_count = count;
    }
}

typedef struct Check {
    Driver *driver; const Run *run; Executor *executor;
    const RowSet *rows; int64_t count;
    void *state, *initial, *work;
    double *sums;
} Check;

/* One step from `initial`: the objective; the cells of `state` then hold gradients. */
static double objective(Check *c) {
    double value = 0;
    memcpy(c->state, c->initial, c->run->state_bytes);
    memset(c->sums, 0, sizeof *c->sums * (size_t)(c->run->term_count + 1));
    sgdrt_call call = {.state = c->state, .work = c->work, .columns = c->rows->table->columns, .rows = c->rows->rows,
                       .count = c->count, .batch = c->count, .sums = c->sums};
    c->executor->call(c->executor, ENTRY_STEP, 0, &call);
    for (int i = 0; i < c->run->term_count; i++)
        value += c->run->terms[i].penalty ? c->sums[i] : c->sums[i] / (double)c->count;
    return value;
}

/* The largest relative difference over some of the cell's elements. */
static double check_cell(Check *c, const Cell *cell, int64_t *checked) {
    int64_t size = shape_size(cell->shape), stride = (size + MOST_ELEMENTS - 1) / MOST_ELEMENTS;
    double *parameter = (double *)((char *)c->initial + cell->offset), largest = 0;
    double *gradient = malloc(sizeof *gradient * (size_t)(size + 1));
    if (!gradient) INTERNAL_ERROR("no memory for a gradient of %lld numbers", (long long)size);
    objective(c);
    memcpy(gradient, (char *)c->state + cell->offset, sizeof *gradient * (size_t)size);
    *checked = 0;
    for (int64_t i = 0; i < size; i += stride, ++*checked) {
        double here = parameter[i], h = step_size * fmax(1, fabs(here));
        parameter[i] = here + h;
        double above = objective(c);
        parameter[i] = here - h;
        double below = objective(c);
        parameter[i] = here;
        double difference = (above - below) / (2 * h);
        double relative = fabs(difference - gradient[i]) / fmax(1e-3, fabs(difference) + fabs(gradient[i]));
        if (!(relative <= largest)) largest = isnan(relative) ? INFINITY : relative;
    }
    free(gradient);
    return largest;
}

/* By up to 0.01, in a fixed pattern. */
static void leave_kinks(Check *c) {
    uint32_t state = 1;
    for (int i = 0; i < c->run->cell_count; i++) {
        const Cell *cell = &c->run->cells[i];
        double *values = (double *)((char *)c->initial + cell->offset);
        if (cell->kind != CELL_PARAMETER || cell->dtype != DTYPE_F64) continue;
        for (int64_t k = 0, n = shape_size(cell->shape); k < n; k++) {
            state = state * 1664525 + 1013904223;
            values[k] += 0.01 * ((double)(state >> 8) / (1 << 23) - 1);
        }
    }
}

static bool check_run(Check *c, const RunData *data) {
    bool good = true;
    char count[32];
    state_start(c->run, c->executor, data, c->initial, c->work, 1);
    leave_kinks(c);
    fprintf(c->driver->result, "%s: the gradient over %lld rows in f64, against central differences\n", c->run->name,
            (long long)c->count);
    for (int i = 0; i < c->run->cell_count; i++) {
        const Cell *cell = &c->run->cells[i];
        int64_t checked;
        if (cell->kind != CELL_PARAMETER) continue;
        if (!cell->updated) {
            fprintf(c->driver->result, "  %-32s frozen\n", cell->name);
            continue;
        }
        if (cell->dtype != DTYPE_F64) INTERNAL_ERROR("%s is %s in a gradient check", cell->name, dtype_text(cell->dtype));
        double largest = check_cell(c, cell, &checked);
        bool close = largest < tolerance;
        fprintf(c->driver->result, "  %-32s %6s numbers  %.1e  %s\n", cell->name, report_count(count, sizeof count, checked),
                largest, close ? "agrees" : "DIFFERS");
        good &= close;
    }
    return good;
}

static bool check_index(Driver *driver, const Tables *tables, int index) {
    const Run *run = &driver->program->runs[index];
    const RunData *data = tables_of_run(tables, index);
    Check c = {.driver = driver, .run = run, .rows = &data->train, .executor = interpreter_new(driver->arena, run)};
    c.count = data->train.count < MOST_ROWS ? data->train.count : MOST_ROWS;
    size_t state = round_to_line(run->state_bytes), bytes = 2 * state + round_to_line(c.executor->work_bytes) + 64;
    char *memory = aligned_alloc(64, bytes);
    if (!memory) INTERNAL_ERROR("no memory: %zu bytes", bytes);
    memset(memory, 0, bytes);
    c.initial = memory;
    c.state = memory + state;
    c.work = memory + 2 * state;
    c.sums = arena_array(driver->arena, double, run->term_count + 1);
    bool good = check_run(&c, data);
    c.executor->free(c.executor);
    free(memory);
    return good;
}

ExitCode driver_check_grad(Driver *driver) {
    Tables *tables = tables_load(driver);
    bool good = true;
    if (!tables) return EXIT_DATA;
    for (int i = 0; i < driver->program->run_count; i++) good &= check_index(driver, tables, i);
    tables_free(tables);
    if (good) return EXIT_DONE;
    driver_complain(driver, "a gradient differs from its central difference: at a kink (abs, max, relu at 0) both may be "
                    "right; anywhere else it is a defect of sgdc");
    return EXIT_DEFECT;
}
