/* --check-grad: the symbolic gradient against differences of the objective, for this very program.
 *
 * The program is lowered with every f32 an f64. Before the passes run, each parameter's update is replaced by its
 * gradient: after one step a parameter's cell holds the gradient, and the sums hold the objective at the old
 * parameters. So the same function gives both sides, through batching, differentiation and canonicalisation as
 * they train, whatever the optimizer. Draws are those of step 0 on both sides.
 *
 * Parameters are where --load puts them, or else moved a little from where they start, so that zeros and equal weights
 * hide nothing. Steps are relative to the scale of the parameter, tolerances to that of its gradient and to what rounding
 * leaves of the objective. All rows and all numbers are looked at where that is not dear, else a sample, which is said.
 *
 * At a kink (abs, max, relu, pooling) the objective has a derivative on each side; the gradient is right if it lies
 * between the two. What the program's own stop_gradient hides differs too: it is named.
 */
#include "codegen/codegen.h"
#include "driver/training.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ELEMENTS = 100, FEWEST_ROWS = 8 };
static const double steps[] = {1e-4, 1e-6}, step_aside = 0.01;      /* of the parameter's scale; the second for kinks */
static const double tolerance = 1e-5, tolerance_of_largest = 1e-7;
static const double most_work = 1e10;                                /* operations, as a rough count */

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
    const RowSet *data; uint32_t *rows; int64_t count;
    void *state, *initial, *work;
    double *sums;
    uint64_t random;
    int64_t kinks; double largest;       /* of the cell at hand: numbers at kinks; the largest relative difference */
} Check;

static double draw(Check *c) {
    c->random = c->random * 6364136223846793005u + 1442695040888963407u;
    return (double)(c->random >> 11) / 9007199254740992.0;
}

/* A random one of the `count` equal parts of 0 .. size-1 that is number `part`: in ascending order, none twice. */
static int64_t sample(Check *c, int64_t part, int64_t count, int64_t size) {
    if (count >= size) return part;
    int64_t begin = part * size / count, end = (part + 1) * size / count;
    return begin + (int64_t)(draw(c) * (double)(end - begin));
}

/* ---- the objective ----------------------------------------------------------------------------------- */
/* One step from `initial`: the objective; the cells of `state` then hold gradients. */
static double objective(Check *c) {
    double value = 0;
    memcpy(c->state, c->initial, c->run->state_bytes);
    memset(c->sums, 0, sizeof *c->sums * (size_t)(c->run->term_count + 1));
    sgdrt_call call = {.state = c->state, .work = c->work, .columns = c->data->table->columns, .rows = c->rows,
                       .count = c->count, .batch = c->count, .sums = c->sums};
    c->executor->call(c->executor, ENTRY_STEP, 0, &call);
    for (int i = 0; i < c->run->term_count; i++)
        value += c->run->terms[i].penalty ? c->sums[i] : c->sums[i] / (double)c->count;
    return value;
}

static double objective_at(Check *c, double *at, double value) {
    double here = *at;
    *at = value;
    double result = objective(c);
    *at = here;
    return result;
}

/* ---- one number ---------------------------------------------------------------------------------------- */
typedef struct Slopes { double left, right, noise; } Slopes;     /* noise: what rounding may make of them */

static Slopes slopes_at(Check *c, double *at, double here, double h) {
    double above = *at + h, below = *at - h;
    double high = objective_at(c, at, above), low = objective_at(c, at, below);
    double noise = 16 * 2.3e-16 * (fabs(here) + fabs(high) + fabs(low)) / h;
    return (Slopes){(here - low) / (*at - below), (high - here) / (above - *at), noise};
}

/* Does the gradient agree? A difference too large with both steps is one. */
static bool check_number(Check *c, double *at, double here, double scale, double gradient, double largest) {
    double least = INFINITY;
    for (int s = 0; s < 2; s++) {
        Slopes slopes = slopes_at(c, at, here, steps[s] * scale);
        double middle = (slopes.left + slopes.right) / 2, difference = fabs(middle - gradient);
        double size = fabs(middle) + fabs(gradient);
        double allowed = tolerance * size + tolerance_of_largest * largest + slopes.noise;
        double relative = difference > 0 ? difference / (size + largest + slopes.noise) : 0;
        if (difference <= allowed) {
            if (relative > c->largest) c->largest = relative;
            return true;
        }
        bool kink = fabs(slopes.right - slopes.left) > 2 * allowed;
        bool between = gradient >= fmin(slopes.left, slopes.right) - allowed &&
                       gradient <= fmax(slopes.left, slopes.right) + allowed;
        if (s == 1 && kink && between) {
            c->kinks++;
            return true;
        }
        if (!(relative >= least)) least = isnan(relative) ? INFINITY : relative;
    }
    if (!(least <= c->largest)) c->largest = least;
    return false;
}

/* ---- one parameter --------------------------------------------------------------------------------------- */
static double scale_of(const double *values, int64_t size) {
    double squares = 0;
    for (int64_t i = 0; i < size; i++) squares += values[i] * values[i];
    return squares > 0 ? sqrt(squares / (double)size) : 1;
}

static bool check_cell(Check *c, const Cell *cell) {
    int64_t size = shape_size(cell->shape), count = size < MOST_ELEMENTS ? size : MOST_ELEMENTS, wrong = 0;
    double *parameter = (double *)((char *)c->initial + cell->offset), largest = 0, scale = scale_of(parameter, size);
    double *gradient = arena_array(c->driver->arena, double, size + 1), here = objective(c);
    char counted[32], all[32];
    memcpy(gradient, (char *)c->state + cell->offset, sizeof *gradient * (size_t)size);
    for (int64_t i = 0; i < size; i++) largest = fmax(largest, fabs(gradient[i]));
    c->kinks = 0;
    c->largest = 0;
    for (int64_t k = 0; k < count; k++) {
        int64_t i = sample(c, k, count, size);
        wrong += !check_number(c, &parameter[i], here, fmax(scale, fabs(parameter[i])), gradient[i], largest);
    }
    const char *numbers = report_count(counted, sizeof counted, count);
    if (count < size) numbers = text_format(c->driver->arena, "%s of %s", numbers, report_count(all, sizeof all, size));
    fprintf(c->driver->result, "  %-32s %12s numbers  %.1e  %s", cell->name, numbers, c->largest, wrong ? "DIFFERS" : "agrees");
    if (wrong && count > 1) fprintf(c->driver->result, " in %s", report_count(counted, sizeof counted, wrong));
    if (c->kinks) fprintf(c->driver->result, ", %s at a kink", report_count(counted, sizeof counted, c->kinks));
    fputc('\n', c->driver->result);
    return !wrong;
}

/* ---- where it is looked ---------------------------------------------------------------------------------- */
/* So that zeros, equal weights and biases on a kink hide nothing: in a fixed pattern. */
static void step_aside_of_start(Check *c) {
    uint32_t state = 1;
    for (int i = 0; i < c->run->cell_count; i++) {
        const Cell *cell = &c->run->cells[i];
        double *values = (double *)((char *)c->initial + cell->offset);
        if (cell->kind != CELL_PARAMETER || cell->dtype != DTYPE_F64) continue;
        for (int64_t k = 0, n = shape_size(cell->shape); k < n; k++) {
            state = state * 1664525 + 1013904223;
            values[k] += step_aside * ((double)(state >> 8) / (1 << 23) - 1);
        }
    }
}

static bool fits(const sgdrt_entry *entry, const Cell *cell) {
    bool same = entry && entry->rank == cell->shape.rank && (entry->dtype == SGDRT_F32 || entry->dtype == SGDRT_F64);
    for (int a = 0; same && a < cell->shape.rank; a++) same = entry->shape[a] == cell->shape.extent[a];
    return same;
}

/* --load: what serves, converted to f64. False after a complaint. */
static bool load(Check *c, const char *path) {
    sgdrt_checkpoint *file = NULL;
    sgdrt_problem problem = {0};
    if (sgdrt_load_file(path, &file, &problem)) {
        if (!problem.file) problem.file = path;
        report_problem(c->driver, &problem, (Span){0, 0}, NULL);
        return false;
    }
    bool good = true;
    for (int i = 0; i < c->run->cell_count && good; i++) {
        const Cell *cell = &c->run->cells[i];
        const sgdrt_entry *entry = sgdrt_find_entry(file, cell->name);
        double *to = (double *)((char *)c->initial + cell->offset);
        if (cell->kind == CELL_OPTIMIZER || cell->dtype != DTYPE_F64) continue;
        good = fits(entry, cell);
        if (!good) driver_complain(c->driver, "%s does not hold %s as this program has it", path, cell->name);
        for (int64_t k = 0, n = good ? shape_size(cell->shape) : 0; k < n; k++)
            to[k] = entry->dtype == SGDRT_F64 ? ((const double *)entry->data)[k] : (double)((const float *)entry->data)[k];
    }
    sgdrt_free_checkpoint(file);
    return good;
}

/* Operations of a step for one row, roughly. */
static double work_of_row(const Run *run) {
    Arena *scratch = arena_new();
    Node **roots = arena_array(scratch, Node *, run->step.root_count + 1);
    int count;
    double work = 0;
    for (int i = 0; i < run->step.root_count; i++) roots[i] = run->step.roots[i].node;
    Node **nodes = graph_post_order(scratch, roots, run->step.root_count, &count);
    for (int i = 0; i < count; i++) {
        const Contraction *contraction = op_class(nodes[i]->op) == OP_CLASS_REDUCE ? nodes[i]->attr.contraction : NULL;
        double terms = 1;
        for (int k = 0; contraction && k < contraction->reduced; k++) terms *= (double)contraction->extent[k];
        work += terms * (double)shape_size(nodes[i]->shape);
    }
    arena_free(scratch);
    return work;
}

/* As many rows as the numbers to look at allow: all, or a sample. */
static void choose_rows(Check *c) {
    double evaluations = 1;
    for (int i = 0; i < c->run->cell_count; i++)
        if (c->run->cells[i].kind == CELL_PARAMETER && c->run->cells[i].updated)
            evaluations += 2 * fmin((double)shape_size(c->run->cells[i].shape), MOST_ELEMENTS);
    double affordable = fmax(FEWEST_ROWS, floor(most_work / (evaluations * work_of_row(c->run))));
    c->count = affordable < (double)c->data->count ? (int64_t)affordable : c->data->count;
    c->rows = arena_array(c->driver->arena, uint32_t, c->count + 1);
    for (int64_t k = 0; k < c->count; k++) {
        int64_t place = sample(c, k, c->count, c->data->count);
        c->rows[k] = c->data->rows ? c->data->rows[place] : (uint32_t)place;
    }
}

/* ---- one run ------------------------------------------------------------------------------------------------ */
/* The program's own stop_gradient, where what is minimized has one: the first. */
static const Node *own_stop(Driver *driver, const Run *run) {
    for (int t = 0; t < run->term_count; t++) {
        int count;
        Node *root = run->terms[t].value, **nodes = graph_post_order(driver->arena, &root, 1, &count);
        for (int i = 0; i < count; i++) {
            const Source *source = nodes[i]->span.begin ? source_place(driver->map, nodes[i]->span.begin).source : NULL;
            if (nodes[i]->op == OP_STOP_GRADIENT && source && !source->is_prelude) return nodes[i];
        }
    }
    return NULL;
}

static void explain_difference(Driver *driver, const Run *run) {
    const Node *stop = own_stop(driver, run);
    if (!stop) {
        driver_complain(driver, "%s: a gradient differs from the differences of what is minimized: a defect of sgdc", run->name);
        return;
    }
    Place place = source_place(driver->map, stop->span.begin);
    driver_complain(driver, "%s: a gradient differs from the differences of what is minimized: stop_gradient at %s:%d:%d takes a "
                    "part of it out; without it this would be a defect of sgdc", run->name, place.source->path, place.line,
                    place.column);
}

static bool check_run(Check *c) {
    bool good = true;
    char count[32], all[32];
    const char *rows = report_count(count, sizeof count, c->count);
    if (c->count < c->data->count)
        rows = text_format(c->driver->arena, "%s of %s", rows, report_count(all, sizeof all, c->data->count));
    fprintf(c->driver->result, "%s: the gradient over %s rows in f64, against differences\n", c->run->name, rows);
    for (int i = 0; i < c->run->cell_count; i++) {
        const Cell *cell = &c->run->cells[i];
        if (cell->kind != CELL_PARAMETER) continue;
        if (!cell->updated) {
            fprintf(c->driver->result, "  %-32s frozen\n", cell->name);
            continue;
        }
        if (cell->dtype != DTYPE_F64) INTERNAL_ERROR("%s is %s in a gradient check", cell->name, dtype_text(cell->dtype));
        good &= check_cell(c, cell);
    }
    if (!good) explain_difference(c->driver, c->run);
    return good;
}

static ExitCode check_index(Driver *driver, Codegen *codegen, const Tables *tables, int index) {
    const Run *run = &driver->program->runs[index];
    const RunData *data = tables_of_run(tables, index);
    const char *from = driver->options->load;
    Check c = {.driver = driver, .run = run, .data = &data->train, .random = 1, .executor = codegen_jit(codegen, run)};
    if (!c.executor || !codegen_jit_all(codegen, &c.executor, 1)) return EXIT_DEFECT;
    size_t state = round_to_line(run->state_bytes), bytes = 2 * state + round_to_line(c.executor->work_bytes) + 64;
    char *memory = aligned_alloc(64, bytes);
    if (!memory) out_of_memory(bytes);
    memset(memory, 0, bytes);
    c.initial = memory;
    c.state = memory + state;
    c.work = memory + 2 * state;
    c.sums = arena_array(driver->arena, double, run->term_count + 1);
    choose_rows(&c);
    state_start(run, c.executor, data, c.initial, c.work, 1);
    bool begins = !from || load(&c, saved_path(driver->arena, from, run, driver->program->run_count));
    if (!from) step_aside_of_start(&c);
    ExitCode code = !begins ? EXIT_DATA : check_run(&c) ? EXIT_DONE : EXIT_DEFECT;
    c.executor->free(c.executor);
    free(memory);
    return code;
}

ExitCode driver_check_grad(Driver *driver) {
    Tables *tables = tables_load(driver);
    ExitCode worst = EXIT_DONE;
    if (!tables) return EXIT_DATA;
    CodegenOptions options = {.cpu = driver->options->cpu, .level = driver->options->optimize};
    Codegen *codegen = codegen_new(driver->arena, &options, driver->diagnostics);
    if (!codegen) worst = EXIT_USAGE;
    for (int i = 0; codegen && i < driver->program->run_count; i++) {
        ExitCode code = check_index(driver, codegen, tables, i);
        if (code != EXIT_DONE) worst = code;
    }
    if (codegen) codegen_free(codegen);
    tables_free(tables);
    return worst;
}
