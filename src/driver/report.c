/* What a training prints: the table of a run, its summary, and progress.
 *
 * Figures have six significant digits. Times stand at the end of a line or in columns of their own, always as a
 * number, a space and a unit, so that tests can mask them by one rule. Progress never goes to stdout: on a
 * terminal it is one redrawn line, in a file a line now and then.
 */
#include "driver/interrupt.h"
#include "driver/training.h"
#include <math.h>
#include <string.h>

static const double redraw_seconds = 0.1, plain_seconds = 10;
enum { MOST_PRINTED_PARAMETERS = 16 };

const char *report_duration(char *to, size_t size, double seconds) {
    static const struct {
        double scale;
        const char *unit;
    } units[] = {{1, "s"}, {1e3, "ms"}, {1e6, "us"}, {1e9, "ns"}};
    int unit = 0;
    while (unit < 3 && seconds * units[unit].scale < 0.9995) unit++;
    double value = seconds * units[unit].scale;
    snprintf(to, size,
             value < 9.995 && unit < 2   ? "%.2f %s"
             : value < 99.95 && unit < 3 ? "%.1f %s"
                                         : "%.0f %s",
             value, units[unit].unit);
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
const char *report_figure(char *to, size_t size, double figure, bool known) {
    if (!known)
        snprintf(to, size, "-");
    else if (isnan(figure))
        snprintf(to, size, "nan");
    else if (isinf(figure))
        snprintf(to, size, figure < 0 ? "-inf" : "inf");
    else
        snprintf(to, size, "%#.6g", figure);
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
    char text[32];
    *report = (Report){.to = driver->result, .progress = driver->info, .runs = count};
    for (int i = 0; i < count && count > 1; i++) {
        widen(&report->name_width, trainings[i]->run->name);
        widen(&report->epoch_width, report_count(text, sizeof text, planned_epochs(trainings[i])));
        widen(&report->step_width, report_count(text, sizeof text, trainings[i]->planned));
        report->keeps |= trainings[i]->run->keep_figure != NULL;
    }
    if (driver->options->quiet && mode == PROGRESS_AUTO) return;
    report->bar = driver_redraws(driver);
    report->plain = mode == PROGRESS_PLAIN || (mode == PROGRESS_AUTO && !report->bar);
    report->redrawn = clock_seconds();
}

void report_heading(const Report *report, const Training *t) {
    const Run *run = t->run;
    FILE *to = report->to;
    if (t->driver->program->run_count > 1) fprintf(to, "%s\n", run->name);
    fprintf(to, "%6s  %9s", "epoch", "step");
    print_cell(to, "train_loss", "train_loss");
    if (t->data->valid.count) print_cell(to, "valid_loss", "valid_loss");
    for (int i = 0; shows_terms(run) && i < run->term_count; i++)
        print_cell(to, run->terms[i].name, run->terms[i].name);
    for (int m = 0; m < run->measure_count; m++) print_cell(to, run->measures[m].name, run->measures[m].name);
    fprintf(to, "  time\n");
}

void report_line(const Report *report, const Training *t) {
    const Run *run = t->run;
    FILE *to = report->to;
    char text[64], count[32];
    fprintf(to, "%6s  ", report_count(count, sizeof count, t->now.epoch));
    fprintf(to, "%9s", report_count(count, sizeof count, t->now.step));
    print_cell(to, report_figure(text, sizeof text, t->now.train_loss, training_knows_any(t, run->report_steps)),
               "train_loss");
    if (t->data->valid.count) print_cell(to, report_figure(text, sizeof text, t->now.valid_loss, true), "valid_loss");
    for (int i = 0; shows_terms(run) && i < run->term_count; i++)
        print_cell(to, report_figure(text, sizeof text, t->now.terms[i], training_knows(t, i, run->report_steps)),
                   run->terms[i].name);
    for (int m = 0; m < run->measure_count; m++)
        print_cell(to, report_figure(text, sizeof text, t->now.metrics[m], true), run->measures[m].name);
    fprintf(to, "  %s\n", report_duration(text, sizeof text, t->now.seconds));
    fflush(to);
}

/* A figure after its name; in a list of runs padded, so that they stand below each other. */
static void print_figure(const Report *report, const char *name, double figure, bool known) {
    char text[64];
    fprintf(report->to, "  %s %-*s", name, report->runs > 1 ? 9 : 0, report_figure(text, sizeof text, figure, known));
}

/* The figures behind it are those of what is kept, which is what is saved. */
static void print_kept(const Report *report, const Training *t) {
    static const char words[] = "  kept epoch ";
    char text[32];
    if (t->best_epoch)
        fprintf(report->to, "%s%*s:", words, report->epoch_width, report_count(text, sizeof text, t->best_epoch));
    else if (report->keeps)
        fprintf(report->to, "%*s", (int)strlen(words) + report->epoch_width + 1, "");
}

void report_summary(const Report *report, const Training *t) {
    static const char *const ends[] = {[END_PLANNED] = "epoch",
                                       [END_STOPPED] = "stopped after epoch",
                                       [END_BY_CLOCK] = "stopped by the clock in epoch",
                                       [END_DIVERGED] = "diverged in epoch",
                                       [END_INTERRUPTED] = "interrupted in epoch"};
    const Run *run = t->run;
    FILE *to = report->to;
    char text[64], other[32];
    fprintf(to, "%-*s", report->name_width, run->name);
    if (t->started_step >= t->planned) {
        fprintf(to, "  nothing to do: %s steps were done before; more epochs or steps go on from there\n",
                report_count(text, sizeof text, t->started_step));
        return;
    }
    const char *end = t->end == END_INTERRUPTED && interrupt_by_time() ? "out of time in epoch" : ends[t->end];
    report_count(text, sizeof text, t->now.epoch);
    report_count(other, sizeof other, planned_epochs(t));
    fprintf(to, "  %s %*s/%-*s", end, report->epoch_width, text, report->epoch_width, other);
    print_kept(report, t);
    const Figures *figures = training_figures(t);
    print_figure(report, "train_loss", figures->train_loss, true);
    if (t->data->valid.count) print_figure(report, "valid_loss", figures->valid_loss, !isnan(figures->valid_loss));
    for (int m = 0; m < run->measure_count; m++)
        print_figure(report, run->measures[m].name, figures->metrics[m], !isnan(figures->metrics[m]));
    fprintf(to, "  %*s step%s", report->step_width, report_count(text, sizeof text, t->now.step),
            t->now.step == 1 ? " " : "s");
    fprintf(to, "  %s", report_duration(text, sizeof text, t->now.seconds));
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
            report_figure(text, sizeof text, value, true);
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
    int length = snprintf(line, sizeof line, "%s  [%s] %3.0f%%  epoch %s  train_loss %.6g  %.3g steps/s  %s left",
                          t->run->name, bar, 100.0 * (double)done / (double)(all ? all : 1), epoch, loss, rate, left);
    if (length >= (int)sizeof line) length = (int)sizeof line - 1;
    if (report->bar) {
        fprintf(report->progress, "\r%-*s", report->drawn, line);
        if (length > report->drawn) report->drawn = length;
    } else {
        fprintf(report->progress, "%s\n", line);
    }
    fflush(report->progress);
}
