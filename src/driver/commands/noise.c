/* sgdc noise MODEL.sgd: how far the gradient of a mini-batch lies from that of all rows, measured.
 *
 * G is the gradient over all training rows, g that of a mini-batch; the deviation is sqrt(mean |g - G|^2). For one row
 * its square is the trace of the gradients' covariance Sigma; for B independent rows it is tr(Sigma) / B, so that a
 * logarithmic plot has the slope -1/2. An epoch has each row once: there it is times (N - B) / (N - 1), and 0 for all rows.
 * Both are measured, on the mini-batches that `replacement` and `shuffled` would take with the program's seed in epochs
 * 0, 1, ..., and drawn with step numbers 0, 1, ...
 *
 * The noise scale tr(Sigma) / |G|^2 is a number of rows (McCandlish et al., An Empirical Model of Large-Batch Training,
 * 2018, arXiv:1812.06162): a step of B rows gets 1 / (1 + scale / B) of what one along G gets.
 *
 * All figures are chains in f64 in the order of rows and cells: they are the same on every machine. How many batches are
 * measured follows from their cost in operations, never from a clock.
 */
#include "driver/commands/commands.h"
#include "driver/gradient.h"
#include "driver/plot_figure.h"
#include "math_functions.h"
#include "order.h"
#include <stdlib.h>
#include <string.h>

enum { FEWEST_BATCHES = 8, MOST_BATCHES = 1000, MOST_LEVELS = 40 };
static const double most_work = 4e10; /* operations, roughly, of all batches of a run */

typedef enum Sampling { INDEPENDENT, ONCE, SAMPLINGS } Sampling; /* with replacement; each row once an epoch */
typedef struct Level {
    int64_t batch;
    double deviation[SAMPLINGS];
} Level;

typedef struct Noise {
    Gradient g;
    int64_t rows, numbers; /* that train; of the gradient */
    double *all;           /* the gradient over all rows */
    double squared, trace; /* |G|^2; tr(Sigma) */
    int64_t measured_rows; /* behind the trace */
    Level levels[MOST_LEVELS];
    int level_count;
    bool cut;     /* larger batches would take too long */
    double slope; /* NaN: too few levels */
    uint32_t *places;
    uint64_t step; /* of the draws */
} Noise;

/* ---- the gradient as one vector --------------------------------------------------------------------- */
static const double *next_part(const Noise *n, int *cell, int64_t *count) {
    for (; *cell < n->g.run->cell_count; ++*cell) {
        const Cell *c = &n->g.run->cells[*cell];
        if (!cell_has_gradient(c)) continue;
        *count = shape_size(c->shape);
        ++*cell;
        return (const double *)(const void *)(n->g.state + c->offset);
    }
    return NULL;
}

/* |g - G|^2 */
static double squared_distance(const Noise *n) {
    double sum = 0;
    const double *part, *all = n->all;
    int64_t count;
    for (int cell = 0; (part = next_part(n, &cell, &count)) != NULL; all += count)
        for (int64_t i = 0; i < count; i++) sum += (part[i] - all[i]) * (part[i] - all[i]);
    return sum;
}

static void take_all_rows(Noise *n) {
    const double *part;
    double *all = n->all;
    int64_t count;
    gradient_take(&n->g, n->g.data->rows, n->rows, n->step++);
    for (int cell = 0; (part = next_part(n, &cell, &count)) != NULL; all += count)
        memcpy(all, part, sizeof *all * (size_t)count);
    for (int64_t i = 0; i < n->numbers; i++) n->squared += n->all[i] * n->all[i];
}

/* ---- measuring -------------------------------------------------------------------------------------- */
static double cost_of(const Noise *n, int64_t batch) {
    return (double)batch * gradient_work(n->g.run) + 8 * (double)n->numbers;
}

static int64_t affordable(const Noise *n, int64_t batch) {
    double batches = most_work / (2 * MOST_LEVELS * cost_of(n, batch));
    return batches < FEWEST_BATCHES ? FEWEST_BATCHES : batches > MOST_BATCHES ? MOST_BATCHES : (int64_t)batches;
}

/* The mean of |g - G|^2 over so many mini-batches. */
static double variance_of(Noise *n, int order, int64_t batch, int64_t batches) {
    sgdrt_order rows = sgdrt_order_of(order, (uint32_t)n->rows, n->g.run->seed);
    int64_t of_epoch = n->rows / batch;
    double sum = 0;
    for (int64_t k = 0; k < batches; k++) {
        sgdrt_order_fill(&rows, (uint64_t)(k / of_epoch), (uint32_t)(k % of_epoch * batch), (uint32_t)batch, n->places);
        for (int64_t i = 0; n->g.data->rows && i < batch; i++) n->places[i] = n->g.data->rows[n->places[i]];
        gradient_take(&n->g, n->places, batch, n->step++);
        sum += squared_distance(n);
    }
    return sum / (double)batches;
}

/* One row each: all of them, unless that is dear. */
static void take_single_rows(Noise *n) {
    bool all = (double)n->rows * cost_of(n, 1) <= most_work;
    n->measured_rows = all || affordable(n, 1) > n->rows ? n->rows : affordable(n, 1);
    n->trace = variance_of(n, n->measured_rows == n->rows ? SGDRT_ORDER_SEQUENTIAL : SGDRT_ORDER_SHUFFLED, 1,
                           n->measured_rows);
    n->levels[n->level_count++] = (Level){1, {sqrt(n->trace), sqrt(n->trace)}};
}

/* Least squares of log(deviation) against log(batch), of independent rows. */
static double slope_of(const Noise *n) {
    double x = 0, y = 0, xx = 0, xy = 0, count = 0;
    for (int i = 0; i < n->level_count; i++) {
        if (!(n->levels[i].deviation[INDEPENDENT] > 0)) continue;
        double u = math_log_f64((double)n->levels[i].batch), v = math_log_f64(n->levels[i].deviation[INDEPENDENT]);
        x += u;
        y += v;
        xx += u * u;
        xy += u * v;
        count++;
    }
    return count < 3 ? NAN : (xy - x * y / count) / (xx - x * x / count);
}

/* ---- printing --------------------------------------------------------------------------------------- */
static double expected(const Noise *n, int64_t batch, Sampling sampling) {
    double rows = (double)n->rows, variance = n->trace / (double)batch;
    return sqrt(sampling == INDEPENDENT || rows < 2 ? variance : variance * (rows - (double)batch) / (rows - 1));
}

/* What rounding leaves of all rows in another order is nothing. */
static const char *shown(const Noise *n, char *to, size_t size, double deviation) {
    if (deviation <= 1e-12 * (n->levels[0].deviation[ONCE] + sqrt(n->squared)))
        snprintf(to, size, "0");
    else
        snprintf(to, size, "%.4g", deviation);
    return to;
}

/* As it is measured: large batches take long. */
static void print_level(const Noise *n, const Level *level) {
    char batch[32], text[4][32];
    FILE *to = n->g.driver->result;
    for (int s = 0; s < SAMPLINGS; s++) {
        shown(n, text[2 * s], sizeof *text, level->deviation[s]);
        shown(n, text[2 * s + 1], sizeof *text, expected(n, level->batch, s));
    }
    fprintf(to, "%9s  %10s  %10s  %10s  %10s\n", report_count(batch, sizeof batch, level->batch), text[0], text[1],
            text[2], text[3]);
    fflush(to);
}

static void print_scale(const Noise *n, FILE *to) {
    char scale[32], most[32], rows[32];
    double b = n->trace / n->squared;
    report_count(rows, sizeof rows, n->rows);
    if (!(n->squared > 0) || !(n->trace > 0)) {
        fprintf(to, "  noise scale tr(Sigma) / |G|^2: %s\n",
                n->trace > 0 ? "infinite, as G is 0 here" : "0, as all rows have one gradient");
        return;
    }
    fprintf(to, "  noise scale tr(Sigma) / |G|^2 = %.4g / %.4g = %.4g rows\n", n->trace, n->squared, b);
    if (b >= (double)n->rows)
        fprintf(to, "  that is more than the %s rows there are: up to all of them a larger batch pays\n", rows);
    else if (b < 1)
        fprintf(to, "  a single row is near the gradient of all: a larger batch pays little\n");
    else
        fprintf(to,
                "  a step of %s rows gets half of what a step along G gets, one of %s rows 4/5: beyond, a larger batch "
                "pays little\n",
                report_count(scale, sizeof scale, (int64_t)ceil(b)),
                report_count(most, sizeof most, (int64_t)ceil(4 * b)));
}

static void print_heading(const Noise *n, FILE *to) {
    const Run *run = n->g.run;
    const char *from = n->g.driver->options->load;
    char rows[32], some[32];
    fprintf(to, "%s: the gradient G over %s rows at %s; deviation: sqrt of the mean |g - G|^2 of mini-batches\n",
            run->name, report_count(rows, sizeof rows, n->rows), from ? from : "the initial parameters");
    if (!from && (run->start_run >= 0 || run->start_file))
        fprintf(to, "  the run starts elsewhere: --load=FILE looks at the parameters of a saved file\n");
    if (n->measured_rows < n->rows)
        fprintf(to, "  single rows: %s of them\n", report_count(some, sizeof some, n->measured_rows));
    fprintf(to, "%9s  %22s  %22s\n%9s  %10s  %10s  %10s  %10s\n", "", "independent rows", "each row once", "batch",
            "deviation", "expected", "deviation", "expected");
    print_level(n, &n->levels[0]);
}

static void print_end(const Noise *n, FILE *to) {
    if (n->cut) fprintf(to, "  larger batches take too long\n");
    if (!isnan(n->slope))
        fprintf(to,
                "  slope of independent rows: %.3f (-1/2: sqrt(tr(Sigma) / batch)); each row once: times sqrt((N - "
                "batch) / (N - 1))\n",
                n->slope);
    print_scale(n, to);
}

/* ---- a run -------------------------------------------------------------------------------------------- */
static void take_levels(Noise *n) {
    static const int orders[SAMPLINGS] = {SGDRT_ORDER_REPLACEMENT, SGDRT_ORDER_SHUFFLED};
    for (int64_t batch = 2; n->level_count < MOST_LEVELS && n->levels[n->level_count - 1].batch < n->rows; batch *= 2) {
        if (batch > n->rows) batch = n->rows;
        n->cut = FEWEST_BATCHES * cost_of(n, batch) > most_work;
        if (n->cut) return;
        Level *level = &n->levels[n->level_count++];
        level->batch = batch;
        for (int s = 0; s < SAMPLINGS; s++)
            level->deviation[s] = sqrt(variance_of(n, orders[s], batch, affordable(n, batch)));
        print_level(n, level);
    }
}

static bool same_place(const Noise *a, const Noise *b) {
    return a->numbers == b->numbers && a->rows == b->rows && a->g.data->table == b->g.data->table &&
           a->g.run->seed == b->g.run->seed && !memcmp(a->all, b->all, sizeof *a->all * (size_t)a->numbers);
}

static ExitCode measure(Noise *n, Driver *driver, Codegen *codegen, const Tables *tables, int index,
                        const Noise *before) {
    const char *from = driver->options->load;
    if (!gradient_open(&n->g, driver, codegen, tables, index)) return EXIT_DEFECT;
    n->rows = n->g.data->count;
    if (n->g.run->most_rows) {
        driver_complain(
            driver,
            "%s: what is minimized compares the rows of a mini-batch with each other by batch(...)[...], so "
            "it has no gradient of one row, nor of all",
            n->g.run->name);
        gradient_close(&n->g);
        return EXIT_SOURCE;
    }
    for (int i = 0; i < n->g.run->cell_count; i++)
        if (cell_has_gradient(&n->g.run->cells[i])) n->numbers += shape_size(n->g.run->cells[i].shape);
    n->all = arena_array(driver->arena, double, n->numbers + 1);
    n->places = arena_array(driver->arena, uint32_t, n->rows + 1);
    bool good = !from || gradient_load(&n->g, saved_path(driver->arena, from, n->g.run, driver->program->run_count));
    if (good) {
        take_all_rows(n);
        for (const Noise *other = before; other < n; other++)
            if (same_place(other, n)) {
                fprintf(driver->result, "%s: as %s\n", n->g.run->name, other->g.run->name);
                gradient_close(&n->g);
                return EXIT_DONE;
            }
        take_single_rows(n);
        print_heading(n, driver->result);
        take_levels(n);
        n->slope = slope_of(n);
        print_end(n, driver->result);
    }
    gradient_close(&n->g);
    return good ? EXIT_DONE : EXIT_DATA;
}

static void add_curves(Arena *arena, const Noise *n, int run, PlotFigure *figure, PlotSeries *series, PlotMark *marks) {
    static const char *const names[] = {"independent rows", "each row once", "slope -1/2"};
    double *x = arena_array(arena, double, n->level_count), *y[3];
    for (int s = 0; s < 3; s++) y[s] = arena_array(arena, double, n->level_count);
    for (int i = 0; i < n->level_count; i++) {
        x[i] = (double)n->levels[i].batch;
        y[0][i] = n->levels[i].deviation[INDEPENDENT];
        y[1][i] = expected(n, n->levels[i].batch, ONCE) > 0 ? n->levels[i].deviation[ONCE] : NAN;
        y[2][i] = expected(n, n->levels[i].batch, INDEPENDENT);
    }
    const PlotLook looks[] = {PLOT_POINTS, PLOT_RINGS, PLOT_LINE};
    for (int s = 0; s < 3; s++)
        series[figure->series_count++] = (PlotSeries){
            text_format(arena, "%s, %s", n->g.run->name, names[s]), x, y[s], n->level_count, looks[s], run};
    double scale = n->trace / n->squared;
    if (scale > 1 && scale < (double)n->rows) marks[figure->mark_count++] = (PlotMark){scale, "noise scale", run};
}

static ExitCode plot_noise(Driver *driver, const Noise *list, int count) {
    Arena *arena = driver->arena;
    PlotFigure figure = {.title = driver->program->stem,
                         .subtitle = "deviation of the gradient of a mini-batch from that of all rows",
                         .x = "rows of the mini-batch",
                         .y = "deviation",
                         .key = "right top"};
    PlotSeries *series = arena_array(arena, PlotSeries, 3 * count + 1);
    PlotMark *marks = arena_array(arena, PlotMark, count + 1);
    figure.series = series;
    figure.marks = marks;
    for (int i = 0; i < count; i++)
        if (list[i].level_count) add_curves(arena, &list[i], i, &figure, series, marks);
    return plot_figure_write(driver, &figure) ? EXIT_DONE : EXIT_DATA;
}

static ExitCode measure_all(Driver *driver) {
    int count = driver->program->run_count;
    if (count == 0) {
        driver_complain_no_run(driver, "there is no gradient");
        return EXIT_SOURCE;
    }
    Tables *tables = tables_load(driver);
    ExitCode worst = tables ? EXIT_DONE : EXIT_DATA;
    Codegen *codegen = tables && !driver->options->interpret ? driver_session(driver) : NULL;
    if (tables && !codegen && !driver->options->interpret) worst = EXIT_USAGE;
    Noise *list = arena_array(driver->arena, Noise, count + 1);
    for (int i = 0; i < count && worst == EXIT_DONE; i++) worst = measure(&list[i], driver, codegen, tables, i, list);
    if (worst == EXIT_DONE && driver->options->plot) worst = plot_noise(driver, list, count);
    if (codegen) codegen_free(codegen);
    if (tables) tables_free(tables);
    return worst;
}

/* It compiles as a gradient check does: in f64, with gradients for updates, and no object. */
static ExitCode noise_run(Driver *driver) {
    const Options *given = driver->options;
    Options options = *given;
    options.check_grad = true;
    driver->options = &options;
    Progress *progress = progress_begin(driver);
    ExitCode code = driver_compile(driver, true);
    progress_end(progress);
    if (code == EXIT_DONE) code = driver_check_outputs(driver);
    if (code == EXIT_DONE) code = measure_all(driver);
    driver->options = given;
    return code;
}

static const char *check(Arena *arena, const Options *o) { return o->plot ? plot_path_problem(arena, o->plot) : NULL; }

static const OptionRow rows[] = {
    {NULL, 0, 0, 0, NULL, NULL, "Of the noise"},
    {"run", 0, OPTION_TEXT, OPTION_AT(run_only), "=TRAIN,...", NULL, "of these train blocks or runs alone"},
    {"load", 0, OPTION_TEXT, OPTION_AT(load), "=FILE", NULL,
     "at the parameters of a saved file (default: the initial ones)"},
    {"plot", 0, OPTION_TEXT, OPTION_AT(plot), "=FILE", NULL,
     "deviation against batch: .svg, .png, .pdf, .gp, or - for the terminal"},
    {0},
};

const Command command_noise = {
    .grammar = {.command = "noise",
                .arguments = "MODEL.sgd",
                .file = ".sgd file",
                .summary = "how the gradient's deviation falls with the batch, and from where on it pays little",
                .rows = rows,
                .shared = "set data seed interpret cpu O progress time-passes " SHARED_BY_ALL,
                .check = check},
    .run = noise_run,
};
