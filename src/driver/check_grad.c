/* --check-grad: the symbolic gradient against differences of the objective, for this very program.
 *
 * The same function (gradient.c) gives both sides, in f64, through batching, differentiation and canonicalisation as
 * they train, whatever the optimizer. Draws are those of step 0 on both sides.
 *
 * Parameters are where --load puts them, or else moved a little from where they start, so that zeros and equal weights
 * hide nothing. Steps are relative to the scale of the parameter, tolerances to that of its gradient and to what rounding
 * leaves of the objective. All rows and all numbers are looked at where that is not dear, else a sample, which is said.
 *
 * At a kink (abs, max, relu, pooling) the objective has a derivative on each side; the gradient is right if it lies
 * between the two. What the program's own stop_gradient hides differs too: it is named.
 */
#include "driver/gradient.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ELEMENTS = 100, FEWEST_ROWS = 8 };
static const double steps[] = {1e-4, 1e-6}, step_aside = 0.01; /* of the parameter's scale; the second for kinks */
static const double tolerance = 1e-5, tolerance_of_largest = 1e-7;
static const double most_work = 1e10; /* operations, as a rough count */

typedef struct Check {
    Gradient g;
    uint32_t *rows;
    int64_t count;
    uint64_t random;
    int64_t kinks;
    double largest; /* of the cell at hand: numbers at kinks; the largest relative difference */
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
static double objective(Check *c) { return gradient_take(&c->g, c->rows, c->count, 0); }

static double objective_at(Check *c, double *at, double value) {
    double here = *at;
    *at = value;
    double result = objective(c);
    *at = here;
    return result;
}

/* ---- one number ---------------------------------------------------------------------------------------- */
typedef struct Slopes {
    double left, right, noise;
} Slopes; /* noise: what rounding may make of them */

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
    double *parameter = (double *)(void *)(c->g.initial + cell->offset), largest = 0, scale = scale_of(parameter, size);
    double *gradient = arena_array(c->g.driver->arena, double, size + 1), here = objective(c);
    char counted[32], all[32];
    memcpy(gradient, c->g.state + cell->offset, sizeof *gradient * (size_t)size);
    for (int64_t i = 0; i < size; i++) largest = fmax(largest, fabs(gradient[i]));
    c->kinks = 0;
    c->largest = 0;
    for (int64_t k = 0; k < count; k++) {
        int64_t i = sample(c, k, count, size);
        wrong += !check_number(c, &parameter[i], here, fmax(scale, fabs(parameter[i])), gradient[i], largest);
    }
    const char *numbers = report_count(counted, sizeof counted, count);
    if (count < size)
        numbers = text_format(c->g.driver->arena, "%s of %s", numbers, report_count(all, sizeof all, size));
    fprintf(c->g.driver->result, "  %-32s %12s numbers  %.1e  %s", cell->name, numbers, c->largest,
            wrong ? "DIFFERS" : "agrees");
    if (wrong && count > 1) fprintf(c->g.driver->result, " in %s", report_count(counted, sizeof counted, wrong));
    if (c->kinks) fprintf(c->g.driver->result, ", %s at a kink", report_count(counted, sizeof counted, c->kinks));
    fputc('\n', c->g.driver->result);
    return !wrong;
}

/* ---- where it is looked ---------------------------------------------------------------------------------- */
/* So that zeros, equal weights and biases on a kink hide nothing: in a fixed pattern. */
static void step_aside_of_start(Check *c) {
    uint32_t state = 1;
    for (int i = 0; i < c->g.run->cell_count; i++) {
        const Cell *cell = &c->g.run->cells[i];
        double *values = (double *)(void *)(c->g.initial + cell->offset);
        if (cell->kind != CELL_PARAMETER || cell->dtype != DTYPE_F64) continue;
        for (int64_t k = 0, n = shape_size(cell->shape); k < n; k++) {
            state = state * 1664525 + 1013904223;
            values[k] += step_aside * ((double)(state >> 8) / (1 << 23) - 1);
        }
    }
}

/* As many rows as the numbers to look at allow: all, or a sample. */
static void choose_rows(Check *c) {
    double evaluations = 1;
    for (int i = 0; i < c->g.run->cell_count; i++)
        if (c->g.run->cells[i].kind == CELL_PARAMETER && c->g.run->cells[i].updated)
            evaluations += 2 * fmin((double)shape_size(c->g.run->cells[i].shape), MOST_ELEMENTS);
    double affordable = fmax(FEWEST_ROWS, floor(most_work / (evaluations * gradient_work(c->g.run))));
    c->count = affordable < (double)c->g.data->count ? (int64_t)affordable : c->g.data->count;
    if (c->g.run->most_rows && c->count > c->g.run->most_rows) c->count = c->g.run->most_rows;
    c->rows = arena_array(c->g.driver->arena, uint32_t, c->count + 1);
    for (int64_t k = 0; k < c->count; k++) {
        int64_t place = sample(c, k, c->count, c->g.data->count);
        c->rows[k] = c->g.data->rows ? c->g.data->rows[place] : (uint32_t)place;
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
        driver_complain(driver, "%s: a gradient differs from the differences of what is minimized: a defect of sgdc",
                        run->name);
        return;
    }
    Place place = source_place(driver->map, stop->span.begin);
    driver_complain(
        driver,
        "%s: a gradient differs from the differences of what is minimized: stop_gradient at %s:%d:%d takes a "
        "part of it out; without it this would be a defect of sgdc",
        run->name, place.source->path, place.line, place.column);
}

static bool check_run(Check *c) {
    bool good = true;
    char count[32], all[32];
    const char *rows = report_count(count, sizeof count, c->count);
    if (c->count < c->g.data->count)
        rows = text_format(c->g.driver->arena, "%s of %s", rows, report_count(all, sizeof all, c->g.data->count));
    fprintf(c->g.driver->result, "%s: the gradient over %s rows in f64, against differences\n", c->g.run->name, rows);
    for (int i = 0; i < c->g.run->cell_count; i++) {
        const Cell *cell = &c->g.run->cells[i];
        if (cell->kind != CELL_PARAMETER) continue;
        if (!cell->updated) {
            fprintf(c->g.driver->result, "  %-32s frozen\n", cell->name);
            continue;
        }
        if (cell->dtype != DTYPE_F64)
            INTERNAL_ERROR("%s is %s in a gradient check", cell->name, dtype_text(cell->dtype));
        good &= check_cell(c, cell);
    }
    if (!good) explain_difference(c->g.driver, c->g.run);
    return good;
}

static ExitCode check_index(Driver *driver, Codegen *codegen, const Tables *tables, int index) {
    const char *from = driver->options->load;
    Check c = {.random = 1};
    if (!gradient_open(&c.g, driver, codegen, tables, index)) return EXIT_DEFECT;
    choose_rows(&c);
    bool begins = !from || gradient_load(&c.g, saved_path(driver->arena, from, c.g.run, driver->program->run_count));
    if (!from) step_aside_of_start(&c);
    ExitCode code = !begins ? EXIT_DATA : check_run(&c) ? EXIT_DONE : EXIT_DEFECT;
    gradient_close(&c.g);
    return code;
}

ExitCode driver_check_grad(Driver *driver) {
    Tables *tables = tables_load(driver);
    ExitCode worst = EXIT_DONE;
    if (!tables) return EXIT_DATA;
    Codegen *codegen = driver_session(driver);
    if (!codegen) worst = EXIT_USAGE;
    for (int i = 0; codegen && i < driver->program->run_count; i++) {
        ExitCode code = check_index(driver, codegen, tables, i);
        if (code != EXIT_DONE) worst = code;
    }
    if (codegen) codegen_free(codegen);
    tables_free(tables);
    return worst;
}
