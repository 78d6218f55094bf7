/* What a training prints: the table of a run, its summary, the comparison of several, and progress.
 *
 * Figures have six significant digits. Times stand at the end of a line or in columns of their own, always as a
 * number, a space and a unit, so that tests can mask them by one rule. Progress never goes to stdout: on a
 * terminal it is one redrawn line, in a file a line now and then.
 */
#include "driver/training.h"
#include <math.h>
#include <string.h>
#include <unistd.h>

static const double redraw_seconds = 0.1, plain_seconds = 10;
enum { MOST_PRINTED_PARAMETERS = 16 };

const char *report_duration(char *to, size_t size, double seconds) {
    static const struct { double scale; const char *unit; } units[] = {{1, "s"}, {1e3, "ms"}, {1e6, "us"}, {1e9, "ns"}};
    int unit = 0;
    while (unit < 3 && seconds * units[unit].scale < 0.9995) unit++;
    double value = seconds * units[unit].scale;
    snprintf(to, size, value < 9.995 && unit < 2 ? "%.2f %s" : value < 99.95 && unit < 3 ? "%.1f %s" : "%.0f %s", value,
             units[unit].unit);
    return to;
}

const char *report_count(char *to, size_t size, int64_t count) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)count), at = 0;
    for (int i = 0; i < length && at + 2 < (int)size; i++) {
        if (i && (length - i) % 3 == 0 && digits[i - 1] != '-') to[at++] = ',';
        to[at++] = digits[i];
    }
    to[at] = 0;
    return to;
}

/* Six significant digits; "-" for what is not known. */
static const char *figure_text(char *to, size_t size, double figure, bool known) {
    if (!known) snprintf(to, size, "-");
    else if (isnan(figure)) snprintf(to, size, "nan");
    else if (isinf(figure)) snprintf(to, size, figure < 0 ? "-inf" : "inf");
    else snprintf(to, size, "%#.6g", figure);
    return to;
}

static int64_t planned_epochs(const Training *t) { return (t->planned + t->steps_per_epoch - 1) / t->steps_per_epoch; }

/* ---- a run --------------------------------------------------------------------------------------- */
/* Terms are shown apart where there is more than the loss. */
static bool shows_terms(const Run *run) { return run->term_count > 1; }

static void print_cell(FILE *to, const char *text, const char *heading) {
    int width = (int)strlen(heading) > 10 ? (int)strlen(heading) : 10;
    fprintf(to, "  %*s", width, text);
}

static void widen(int *width, const char *text) {
    if ((int)strlen(text) > *width) *width = (int)strlen(text);
}

void report_open(Report *report, const Driver *driver, Training *const *trainings, int count) {
    ProgressMode mode = driver->options->progress;
    bool terminal = isatty(fileno(driver->info));
    char text[32];
    *report = (Report){.to = driver->result, .progress = driver->info, .runs = count};
    for (int i = 0; i < count && count > 1; i++) {
        widen(&report->name_width, trainings[i]->run->name);
        widen(&report->epoch_width, report_count(text, sizeof text, planned_epochs(trainings[i])));
        widen(&report->step_width, report_count(text, sizeof text, trainings[i]->planned));
    }
    if (driver->options->quiet && mode == PROGRESS_AUTO) return;
    report->bar = mode == PROGRESS_BAR || (mode == PROGRESS_AUTO && terminal);
    report->plain = mode == PROGRESS_PLAIN || (mode == PROGRESS_AUTO && !terminal);
    report->redrawn = clock_seconds();
}

void report_heading(const Report *report, const Training *t) {
    const Run *run = t->run;
    FILE *to = report->to;
    if (t->driver->program->run_count > 1) fprintf(to, "%s\n", run->name);
    fprintf(to, "%6s  %9s", "epoch", "step");
    print_cell(to, "train_loss", "train_loss");
    if (t->data->valid.count) print_cell(to, "valid_loss", "valid_loss");
    for (int i = 0; shows_terms(run) && i < run->term_count; i++) print_cell(to, run->terms[i].name, run->terms[i].name);
    for (int m = 0; m < run->measure_count; m++) print_cell(to, run->measures[m].name, run->measures[m].name);
    fprintf(to, "  time\n");
}

void report_line(const Report *report, const Training *t) {
    const Run *run = t->run;
    FILE *to = report->to;
    char text[64], count[32];
    fprintf(to, "%6s  ", report_count(count, sizeof count, t->now.epoch));
    fprintf(to, "%9s", report_count(count, sizeof count, t->now.step));
    print_cell(to, figure_text(text, sizeof text, t->now.train_loss, true), "train_loss");
    if (t->data->valid.count) print_cell(to, figure_text(text, sizeof text, t->now.valid_loss, true), "valid_loss");
    for (int i = 0; shows_terms(run) && i < run->term_count; i++)
        print_cell(to, figure_text(text, sizeof text, t->now.terms[i], true), run->terms[i].name);
    for (int m = 0; m < run->measure_count; m++)
        print_cell(to, figure_text(text, sizeof text, t->now.metrics[m], true), run->measures[m].name);
    fprintf(to, "  %s\n", report_duration(text, sizeof text, t->now.seconds));
    fflush(to);
}

/* A figure after its name; in a list of runs padded, so that they stand below each other. */
static void print_figure(const Report *report, const char *name, double figure, bool known) {
    char text[64];
    fprintf(report->to, "  %s %-*s", name, report->runs > 1 ? 9 : 0, figure_text(text, sizeof text, figure, known));
}

void report_summary(const Report *report, const Training *t) {
    static const char *const ends[] = {[END_PLANNED] = "epoch", [END_STOPPED] = "stopped after epoch",
                                       [END_DIVERGED] = "diverged in epoch", [END_INTERRUPTED] = "interrupted in epoch"};
    const Run *run = t->run;
    FILE *to = report->to;
    char text[64], other[32];
    fprintf(to, "%-*s", report->name_width, run->name);
    if (t->started_step >= t->planned) {
        fprintf(to, "  nothing to do: %s steps were done before; more epochs or steps go on from there\n",
                report_count(text, sizeof text, t->started_step));
        return;
    }
    report_count(text, sizeof text, t->now.epoch);
    report_count(other, sizeof other, planned_epochs(t));
    fprintf(to, "  %s %*s/%-*s", ends[t->end], report->epoch_width, text, report->epoch_width, other);
    print_figure(report, "train_loss", t->now.train_loss, true);
    if (t->data->valid.count) print_figure(report, "valid_loss", t->now.valid_loss, !isnan(t->now.valid_loss));
    for (int m = 0; m < run->measure_count; m++)
        print_figure(report, run->measures[m].name, t->now.metrics[m], !isnan(t->now.metrics[m]));
    fprintf(to, "  %*s step%s", report->step_width, report_count(text, sizeof text, t->now.step), t->now.step == 1 ? " " : "s");
    fprintf(to, "  %s", report_duration(text, sizeof text, t->now.seconds));
    if (t->best_epoch && t->end != END_DIVERGED)
        fprintf(to, "  kept epoch %s: %s %s", report_count(other, sizeof other, t->best_epoch), run->keep_figure,
                figure_text(text, sizeof text, t->best_figure, true));
    fprintf(to, "\n");
    fflush(to);
}

/* The parameters themselves, where they are few enough to be read. */
void report_parameters(const Report *report, const Training *t) {
    const Run *run = t->run;
    int64_t elements = 0;
    for (int i = 0; i < run->cell_count; i++)
        if (run->cells[i].kind == CELL_PARAMETER) elements += shape_size(run->cells[i].shape);
    if (elements > MOST_PRINTED_PARAMETERS) return;
    for (int i = 0; i < run->cell_count; i++) {
        const Cell *cell = &run->cells[i];
        if (cell->kind != CELL_PARAMETER) continue;
        const char *at = (const char *)training_served(t) + cell->offset;
        int64_t count = shape_size(cell->shape);
        fprintf(report->to, "%s =%s", cell->name, cell->shape.rank ? " [" : " ");
        for (int64_t k = 0; k < count; k++) {
            char text[64];
            double value = cell->dtype == DTYPE_F64 ? ((const double *)at)[k] : (double)((const float *)at)[k];
            figure_text(text, sizeof text, value, true);
            fprintf(report->to, "%s%s", k ? ", " : "", text);
        }
        fprintf(report->to, "%s\n", cell->shape.rank ? "]" : "");
    }
}

/* ---- progress ---------------------------------------------------------------------------------------- */
void report_clear_progress(Report *report) {
    if (report->drawn) fprintf(report->progress, "\r%*s\r", report->drawn, "");
    report->drawn = 0;
    fflush(report->progress);
}

void report_progress(Report *report, const Training *t, double elapsed) {
    if (!report->bar && !report->plain) return;
    double now = clock_seconds();
    if (now - report->redrawn < (report->bar ? redraw_seconds : plain_seconds)) return;
    report->redrawn = now;
    const sgdrt_header *header = training_header(t);
    int64_t done = (int64_t)header->step - t->started_step, all = t->planned - t->started_step;
    double rate = elapsed > 0 ? (double)done / elapsed : 0;
    char left[32], line[200], epoch[32], bar[21];
    int filled = all > 0 ? (int)(20 * done / all) : 0;
    memset(bar, '.', 20);
    memset(bar, '#', (size_t)filled);
    bar[20] = 0;
    report_duration(left, sizeof left, rate > 0 ? (double)(all - done) / rate : 0);
    report_count(epoch, sizeof epoch, (int64_t)header->step / t->steps_per_epoch + 1);
    double loss = training_loss(t);
    int length = snprintf(line, sizeof line, "%s  [%s] %3.0f%%  epoch %s  train_loss %.6g  %.3g steps/s  %s left", t->run->name,
                          bar, 100.0 * (double)done / (double)(all ? all : 1), epoch, loss, rate, left);
    if (length >= (int)sizeof line) length = (int)sizeof line - 1;
    if (report->bar) {
        fprintf(report->progress, "\r%-*s", report->drawn, line);
        if (length > report->drawn) report->drawn = length;
    } else {
        fprintf(report->progress, "%s\n", line);
    }
    fflush(report->progress);
}

/* ---- several runs -------------------------------------------------------------------------------------- */
enum { MOST_COLUMNS = 24 };
typedef struct Table { const char **cells[MOST_COLUMNS]; bool left[MOST_COLUMNS]; int columns, rows; Arena *arena; } Table;

static const char **table_column(Table *table, bool left, const char *heading) {
    if (table->columns == MOST_COLUMNS) return arena_array(table->arena, const char *, table->rows);
    const char **cells = arena_array(table->arena, const char *, table->rows);
    table->left[table->columns] = left;
    table->cells[table->columns++] = cells;
    cells[0] = heading;
    return cells + 1;
}

static void table_print(const Table *table, FILE *to) {
    int width[MOST_COLUMNS] = {0};
    for (int c = 0; c < table->columns; c++)
        for (int r = 0; r < table->rows; r++) {
            int length = (int)strlen(table->cells[c][r]);
            if (length > width[c]) width[c] = length;
        }
    for (int r = 0; r < table->rows; r++)
        for (int c = 0; c < table->columns; c++) {
            bool last = c + 1 == table->columns;
            int pad = table->left[c] ? last ? 0 : -width[c] : width[c];
            fprintf(to, "%*s%s", pad, table->cells[c][r], last ? "\n" : "   ");
        }
}

static const char *each_value(const Run *run, const char *name) {
    for (int i = 0; i < run->each_count; i++)
        if (strcmp(run->each[i].name, name) == 0) return run->each[i].text;
    return NULL;
}

static const char *batch_text(Arena *arena, const Run *run) {
    char text[32];
    return run->batch == 0 ? "all" : text_format(arena, "%s", report_count(text, sizeof text, run->batch));
}

/* The rate; with optimizer[part] the different rates of the parts, as in 0.1, 0.001. */
static const char *lr_text(Arena *arena, const Run *run) {
    Text text = text_new(arena);
    for (int i = 0; i < run->slot_count; i++) {
        const Slot *slot = &run->slots[i];
        if (strcmp(slot->name, "lr") != 0 && strncmp(slot->name, "lr@", 3) != 0) continue;
        bool told = false;
        for (int k = 0; k < i && !told; k++)
            told = (strcmp(run->slots[k].name, "lr") == 0 || strncmp(run->slots[k].name, "lr@", 3) == 0)
                   && (run->slots[k].value == slot->value || (isnan(run->slots[k].value) && isnan(slot->value)));
        if (told) continue;
        text_add(&text, "%s%s", text.length ? ", " : "",
                 isnan(slot->value) ? "schedule" : text_number(arena, slot->value, true));
    }
    return text.length ? text.bytes : "-";
}

/* What `each` gave the run, or what it has without. */
static const char *setting_text(Arena *arena, const Run *run, const char *name) {
    const char *text = each_value(run, name);
    if (text) return text;
    return strcmp(name, "batch") == 0 ? batch_text(arena, run) : strcmp(name, "lr") == 0 ? lr_text(arena, run) : "-";
}

/* What differs between the runs by `each`: a column per name, in order of first appearance. */
static void add_each_columns(Table *table, Training *const *ts, int count) {
    for (int r = 0; r < count; r++)
        for (int i = 0; i < ts[r]->run->each_count; i++) {
            const char *name = ts[r]->run->each[i].name;
            bool earlier = false;
            for (int q = 0; q < r && !earlier; q++) earlier = each_value(ts[q]->run, name) != NULL;
            if (earlier) continue;
            const char **cells = table_column(table, false, name);
            for (int q = 0; q < count; q++) cells[q] = setting_text(table->arena, ts[q]->run, name);
        }
}

static bool any_has_each(Training *const *ts, int count, const char *name) {
    for (int r = 0; r < count; r++)
        if (each_value(ts[r]->run, name)) return true;
    return false;
}

static void add_batch_column(Table *table, Training *const *ts, int count) {
    bool differ = false;
    for (int r = 1; r < count; r++) differ |= ts[r]->run->batch != ts[0]->run->batch;
    if (!differ || any_has_each(ts, count, "batch")) return;
    const char **cells = table_column(table, false, "batch");
    for (int r = 0; r < count; r++) cells[r] = batch_text(table->arena, ts[r]->run);
}

static void add_lr_column(Table *table, Training *const *ts, int count) {
    bool differ = false;
    for (int r = 1; r < count; r++)
        differ |= strcmp(lr_text(table->arena, ts[r]->run), lr_text(table->arena, ts[0]->run)) != 0;
    if (!differ || any_has_each(ts, count, "lr")) return;
    const char **cells = table_column(table, false, "lr");
    for (int r = 0; r < count; r++) cells[r] = lr_text(table->arena, ts[r]->run);
}

/* A loss that the good runs come to: the lowest, a little above, in two digits. 0 if there is none, or one
 * began with it. */
static double common_loss(Training *const *ts, int count) {
    double least = INFINITY, first = INFINITY;
    for (int r = 0; r < count; r++) {
        if (ts[r]->point_count > 0) first = fmin(first, ts[r]->points[0].train_loss);
        if (ts[r]->end == END_DIVERGED || ts[r]->point_count == 0) continue;
        double loss = ts[r]->points[ts[r]->point_count - 1].train_loss;
        if (loss < least) least = loss;
    }
    if (!(least > 0) || isinf(least)) return 0;
    double unit = pow(10, floor(log10(least)) - 1);
    double loss = ceil(least * 1.02 / unit) * unit;
    return loss < first ? loss : 0;
}

static double seconds_to(const Training *t, double loss) {
    for (int i = 0; i < t->point_count; i++)
        if (t->points[i].train_loss <= loss) return t->points[i].seconds;
    return -1;
}

static void add_time_columns(Table *table, Training *const *ts, int count) {
    double loss = common_loss(ts, count);
    char text[32];
    if (loss > 0) {
        const char **cells = table_column(table, true, text_format(table->arena, loss < 10 ? "time to %.2g" : "time to %.0f", loss));
        for (int r = 0; r < count; r++) {
            double seconds = seconds_to(ts[r], loss);
            cells[r] = seconds < 0 ? "-" : text_format(table->arena, "%s", report_duration(text, sizeof text, seconds));
        }
    }
    const char **cells = table_column(table, true, "total");
    for (int r = 0; r < count; r++)
        cells[r] = text_format(table->arena, "%s", report_duration(text, sizeof text, ts[r]->now.seconds));
}

static void add_metric_columns(Table *table, Training *const *ts, int count) {
    char text[64];
    for (int m = 0; m < ts[0]->run->measure_count; m++) {
        const char *name = ts[0]->run->measures[m].name;
        bool all = true;
        for (int r = 0; r < count; r++)
            all &= m < ts[r]->run->measure_count && strcmp(ts[r]->run->measures[m].name, name) == 0;
        if (!all) continue;
        const char **cells = table_column(table, false, name);
        for (int r = 0; r < count; r++)
            cells[r] = text_format(table->arena, "%s", figure_text(text, sizeof text, ts[r]->now.metrics[m],
                                                                   !isnan(ts[r]->now.metrics[m])));
    }
}

void report_comparison(const Report *report, Training *const *ts, int count) {
    Table table = {.rows = count + 1, .arena = ts[0]->driver->arena};
    char text[64];
    bool validated = false;
    for (int r = 0; r < count; r++) validated |= ts[r]->data->valid.count > 0;
    const char **names = table_column(&table, true, "run");
    for (int r = 0; r < count; r++) names[r] = ts[r]->run->block;
    add_each_columns(&table, ts, count);
    add_batch_column(&table, ts, count);
    add_lr_column(&table, ts, count);
    const char **steps = table_column(&table, false, "steps"), **losses = table_column(&table, false, "train_loss");
    for (int r = 0; r < count; r++) {
        steps[r] = text_format(table.arena, "%s", report_count(text, sizeof text, ts[r]->now.step));
        losses[r] = ts[r]->end == END_DIVERGED ? "diverged"
                  : text_format(table.arena, "%s", figure_text(text, sizeof text, ts[r]->now.train_loss, true));
    }
    if (validated) {
        const char **valid = table_column(&table, false, "valid_loss");
        for (int r = 0; r < count; r++)
            valid[r] = text_format(table.arena, "%s", figure_text(text, sizeof text, ts[r]->now.valid_loss,
                                                                  !isnan(ts[r]->now.valid_loss)));
    }
    add_metric_columns(&table, ts, count);
    add_time_columns(&table, ts, count);
    fprintf(report->to, "\n");
    table_print(&table, report->to);
}
