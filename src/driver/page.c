/* page: --report: what there is to know of a training, as one page that needs nothing else.
 *
 * In the order in which one asks: what came out, how the losses fell, how the fit came about, where it is wrong; then what
 * it was made of: parameters, data, program, gradients, and what to know to have the same again. It holds no date, so that
 * the same training gives the same page but for its times.
 */
#include "driver/find_data.h"
#include "driver/html.h"
#include "driver/output.h"
#include "driver/seeing.h"
#include <math.h>
#include <string.h>

typedef struct Page {
    Text *text;
    Driver *driver;
    Training *const *trainings;
    int count;
    const Ranking *ranking;
    Training *best; /* or the first, where none can be told */
    Text judged;    /* the section on errors; empty: none */
} Page;

/* ---- results --------------------------------------------------------------------------------------- */
static void add_opening(const Page *p) {
    static const char *const ends[] = {[END_PLANNED] = "as planned",
                                       [END_STOPPED] = "stopped early, as the program asks",
                                       [END_BY_CLOCK] = "stopped by the clock, as the program asks",
                                       [END_DIVERGED] = "diverged",
                                       [END_INTERRUPTED] = "interrupted"};
    html_add(p->text, "<h1>%s</h1>\n<p class=\"lead\">", p->driver->program->stem);
    const Training *t = p->best;
    char figure[64], count[32];
    if (p->count > 1)
        html_add(p->text, p->ranking->best ? "%d runs; the best is " : "%d runs; the first is ", p->count);
    html_add(p->text, "%s: %s after %s steps, train_loss %s", t->run->name, ends[t->end],
             report_count(count, sizeof count, t->now.step),
             report_figure(figure, sizeof figure, training_figures(t)->train_loss, true));
    double valid = training_figures(t)->valid_loss;
    if (!isnan(valid)) html_add(p->text, ", valid_loss %s", report_figure(figure, sizeof figure, valid, true));
    text_add(
        p->text,
        ".</p>\n<nav><a href=\"#curves\">Curves</a><a href=\"#fit\">Fit</a>%s<a href=\"#parameters\">Parameters</a><a "
        "href=\"#data\">Data</a><a href=\"#program\">Program</a><a href=\"#gradients\">Gradients</a>"
        "<a href=\"#provenance\">Provenance</a></nav>\n",
        p->judged.length ? "<a href=\"#wrong\">Errors</a>" : "");
}

/* The best row has a star in its first cell. */
static void add_table(const Page *p, const Table *table) {
    text_add(p->text, "<div class=\"scroll\" tabindex=\"0\"><table>\n");
    for (int r = 0; r < table->rows; r++) {
        text_add(p->text, r && table->cells[0][r][0] == '*' ? "<tr class=\"best\">" : "<tr>");
        for (int c = 0; c < table->columns; c++) {
            const char *cell = table->cells[c][r];
            while (*cell == ' ') cell++;
            text_add(p->text, r ? "<td%s>" : "<th%s>", table->left[c] ? " class=\"left\"" : "");
            html_add(p->text, r ? "%s</td>" : "%s</th>", cell);
        }
        text_add(p->text, "</tr>\n");
    }
    text_add(p->text, "</table></div>\n");
}

static void add_results(const Page *p) {
    bool judged;
    Table table = comparison_table(p->ranking), spread = spread_table(p->ranking, &judged);
    text_add(p->text, "<section id=\"results\"><h2>Results</h2>\n");
    add_table(p, &table);
    if (p->ranking->best) html_add(p->text, "<p class=\"note\">* the best by %s</p>\n", p->ranking->figure);
    if (spread.rows) add_table(p, &spread);
    if (judged) html_add(p->text, "<p class=\"note\">* the best by the mean of %s</p>\n", p->ranking->figure);
    text_add(p->text, "</section>\n");
}

static void add_curves(const Page *p) {
    Arena *arena = p->text->arena;
    Plot plot = {.arena = arena, .title = "", .runs = curves_of(arena, p->trainings, p->count), .run_count = p->count};
    plot_scale(&plot);
    text_add(p->text, "<section id=\"curves\"><h2>Curves</h2>\n<div class=\"charts\">\n");
    html_add_chart(p->text, &plot, CHART_EPOCH, NULL);
    if (plot.has_time) html_add_chart(p->text, &plot, CHART_TIME, NULL);
    for (int m = 0; m < plot.measure_count; m++) html_add_chart(p->text, &plot, CHART_EPOCH, &plot.measures[m]);
    text_add(p->text, "</div></section>\n");
}

static void add_fit(const Page *p) {
    Training *shown[MOST_FILMS];
    int count = films_shown(p->trainings, p->count, p->ranking, shown);
    if (count == 0) return;
    text_add(p->text, "<section id=\"fit\"><h2>How the fit came about</h2>\n");
    if (count < p->count) html_add(p->text, "<p class=\"note\">%d of %d runs, the best first.</p>\n", count, p->count);
    html_add_films(p->text, shown, count);
    text_add(p->text, "</section>\n");
}

/* ---- parameters -------------------------------------------------------------------------------------- */
static double number_at(const Cell *cell, const void *state, int64_t k) {
    const char *at = (const char *)state + cell->offset;
    return cell->dtype == DTYPE_F64 ? ((const double *)at)[k] : (double)((const float *)at)[k];
}

static void add_parameter(Text *page, const Cell *cell, const void *state) {
    enum { FEW = 8 };
    int64_t size = shape_size(cell->shape);
    double low = INFINITY, high = -INFINITY, squares = 0;
    for (int64_t k = 0; k < size; k++) {
        double value = number_at(cell, state, k);
        low = fmin(low, value);
        high = fmax(high, value);
        squares += value * value;
    }
    html_add(page, "<tr><td>%s</td><td class=\"left\">%s", cell->name, dtype_text(cell->dtype));
    for (int a = 0; a < cell->shape.rank; a++)
        text_add(page, "%s%lld", a ? ", " : "[", (long long)cell->shape.extent[a]);
    text_add(page, "%s</td><td>%.6g</td><td>%.6g</td><td>%.6g</td><td class=\"left\">", cell->shape.rank ? "]" : "",
             low, high, sqrt(squares));
    for (int64_t k = 0; k < size && size <= FEW; k++)
        text_add(page, "%s%.6g", k ? ", " : "", number_at(cell, state, k));
    text_add(page, "</td></tr>\n");
}

static void add_parameters(const Page *p) {
    const Training *t = p->best;
    html_add(
        p->text,
        "<section id=\"parameters\"><h2>Parameters of %s</h2>\n<div class=\"scroll\" "
        "tabindex=\"0\"><table><tr><th>name</th>"
        "<th class=\"left\">type</th><th>least</th><th>most</th><th>norm</th><th class=\"left\">values</th></tr>\n",
        t->run->name);
    for (int i = 0; i < t->run->cell_count; i++)
        if (t->run->cells[i].kind == CELL_PARAMETER) add_parameter(p->text, &t->run->cells[i], training_served(t));
    text_add(p->text, "</table></div></section>\n");
}

/* ---- what it was made of ------------------------------------------------------------------------------ */
static void add_program(const Page *p) {
    const SourceMap *map = p->driver->map;
    text_add(p->text, "<section id=\"program\"><h2>Program</h2>\n");
    for (int i = 0; i < map->sources.count; i++) {
        const Source *source = map->sources.items[i];
        if (source->is_prelude) continue;
        html_add(p->text, "<h3>%s</h3>\n", source->path);
        html_add_program(p->text, source->text);
    }
    text_add(p->text, "</section>\n");
}

static void add_gradients(const Page *p) {
    text_add(p->text, "<section id=\"gradients\"><h2>Gradients</h2>\n<p class=\"note\">The derivative of what is "
                      "minimized with respect to each "
                      "parameter, as sgdc derived it.</p>\n");
    html_add_program(p->text, p->driver->kept[EMIT_GRAD]);
    text_add(p->text, "</section>\n");
}

static void add_fact(Text *page, const char *name, const char *value) {
    html_add(page, "<tr><td>%s</td><td class=\"wide\">%s</td></tr>\n", name, value);
}

static void add_program_hashes(const Page *p) {
    const SourceMap *map = p->driver->map;
    for (int i = 0; i < map->sources.count; i++) {
        const Source *source = map->sources.items[i];
        Sha256 hash = sha256_new();
        if (source->is_prelude) continue;
        sha256_add(&hash, source->text, source->length);
        add_fact(p->text, source->path, text_format(p->text->arena, "sha256 %s", sha256_text(p->text->arena, hash)));
    }
}

/* Files of a data set: its csv, or one for each column. */
static void add_data_hashes(const Page *p, const DataSet *set) {
    Arena *arena = p->text->arena;
    const char *last = NULL, *hash, *searched;
    for (int c = -1; c < set->column_count; c++) {
        const char *name = c < 0 ? set->path : set->columns[c].path;
        const char *path = name ? find_data_file(arena, tables_program_of(p->driver, set), name, &searched) : NULL;
        if (!path || (last && strcmp(last, path) == 0) || !sha256_file(arena, path, &hash)) continue;
        add_fact(p->text, name, text_format(arena, "sha256 %s", hash));
        last = path;
    }
}

static void add_provenance(const Page *p) {
    Arena *arena = p->text->arena;
    text_add(p->text, "<section id=\"provenance\"><h2>Provenance</h2>\n<p class=\"note\">Program, data and seed "
                      "determine every bit of what was "
                      "learnt.</p>\n<table>\n");
    add_fact(p->text, "command", training_command(p->driver, p->driver->options->run_only));
    add_fact(p->text, "sgdc", driver_version(arena));
    add_program_hashes(p);
    const Program *program = p->driver->program;
    for (int d = 0; d < program->data_count; d++) add_data_hashes(p, &program->data[d]);
    for (int r = 0; r < p->count; r++) {
        const Run *run = p->trainings[r]->run;
        if (r && run->seed == p->trainings[r - 1]->run->seed) continue;
        add_fact(p->text, r ? text_format(arena, "seed of %s", run->name) : "seed",
                 text_format(arena, "%llu", (unsigned long long)run->seed));
    }
    text_add(p->text, "</table></section>\n");
}

bool page_write(Driver *driver, Training *const *trainings, int count, const Ranking *ranking) {
    Text text = text_new(driver->arena);
    Ranking own = ranking->count ? *ranking : ranking_of(driver->arena, trainings, count);
    Page page = {&text, driver, trainings, count, &own, own.best ? own.best : trainings[0], text_new(driver->arena)};
    const char *path = driver->options->report, *problem;
    page_add_judged(&page.judged, page.best);
    html_open(&text, driver->program->stem);
    add_opening(&page);
    add_results(&page);
    add_curves(&page);
    add_fit(&page);
    text_add_bytes(&text, page.judged.bytes, page.judged.length);
    add_parameters(&page);
    page_add_data(&text, page.best);
    add_program(&page);
    add_gradients(&page);
    add_provenance(&page);
    html_close(&text);
    if (output_write(driver->arena, path, text.bytes, text.length, &problem)) {
        driver_say(driver, "wrote %s", path);
        return true;
    }
    driver_complain(driver, "%s %s", path, problem);
    return false;
}
