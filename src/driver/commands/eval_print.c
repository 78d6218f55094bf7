/* eval_print: an evaluation as tables for a reader, or as one JSON object. */
#include "driver/commands/eval.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { MOST_CONFUSED = 12, MOST_NUMBERS = 20 };

static const char *class_name(const EvalFigures *e, int64_t k) {
    if (k < 0 || k >= e->classes) return "none";
    return trained_class_name(e->driver->arena, e->run->data, e->run->target, k);
}

static const char *target_name(const EvalFigures *e) { return e->run->data->fields[e->run->target].name; }

static const char *figure(Arena *arena, double value) {
    char text[64];
    return text_format(arena, "%s", report_figure(text, sizeof text, value, !isnan(value)));
}

/* Of a csv, or the first of several files of arrays; NULL: the rows are made. */
static const char *file_of(const EvalFigures *e) {
    const char *path = e->set->path ? e->set->path : e->set->column_count ? e->set->columns[0].path : NULL;
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path && strcmp(path, "-") == 0 ? "standard input" : path;
}

static int64_t row_in_file(const EvalFigures *e, int64_t place) {
    int64_t row = row_of(&e->rows, place);
    return e->rows.table->row_in_file ? (int64_t)e->rows.table->row_in_file[row] : row;
}

/* "new.csv:17", or "row 16" of what has no lines. */
static const char *place_text(const EvalFigures *e, int64_t place) {
    int64_t line;
    if (file_of(e) && sgdrt_row_line(e->rows.table, row_of(&e->rows, place), &line))
        return text_format(e->driver->arena, "%s:%" PRId64, file_of(e), line);
    return text_format(e->driver->arena, "row %" PRId64, row_in_file(e, place));
}

/* ---- for a reader ---------------------------------------------------------------------------------- */
static void print_losses(const EvalFigures *e, FILE *to) {
    Arena *arena = e->driver->arena;
    const Run *run = e->run;
    char count[32];
    fprintf(to, "%s over %s row%s%s\n", text_shown(arena, run->name), report_count(count, sizeof count, e->rows.count),
            e->rows.count == 1 ? "" : "s", e->which);
    fprintf(to, "  %-14s %12s\n", "loss", figure(arena, e->loss));
    for (int i = 0; run->term_count > 1 && i < run->term_count; i++)
        fprintf(to, "  %-14s %12s%s\n", run->terms[i].name, figure(arena, e->terms[i]),
                run->terms[i].minimized ? "" : "  penalty, not in the loss");
    for (int m = 0; m < run->measure_count; m++)
        fprintf(to, "  %-14s %12s\n", run->measures[m].name, figure(arena, e->measures[m]));
    for (int i = 0; i < run->array_count; i++) {
        fprintf(to, "\n");
        report_array(run, &run->measures[run->measure_count + i], e->arrays[i], to);
    }
}

static int name_width(const EvalFigures *e) {
    int width = 10;
    for (int64_t k = 0; k < e->classes; k++) {
        int length = (int)strlen(class_name(e, k));
        if (length > width) width = length;
    }
    return width < 30 ? width : 30;
}

static void print_classes(const EvalFigures *e, FILE *to) {
    Arena *arena = e->driver->arena;
    bool confused = e->classes <= MOST_CONFUSED;
    int width = name_width(e);
    char right[32], all[32];
    fprintf(to, "\n%s: %s of %s rows are right, accuracy %s\n", target_name(e),
            report_count(right, sizeof right, e->right), report_count(all, sizeof all, e->rows.count),
            figure(arena, (double)e->right / (double)e->rows.count));
    fprintf(to, "  %-*s %10s %10s %10s %10s %10s", width, "true class", "rows", "precision", "recall", "f1", "auc");
    if (confused) fprintf(to, "   taken for");
    for (int64_t k = 0; confused && k < e->classes; k++) fprintf(to, " %8.30s", text_shown(arena, class_name(e, k)));
    fprintf(to, "\n");
    for (int64_t k = 0; k < e->classes; k++) {
        const ClassFigures *f = &e->of_class[k];
        fprintf(to, "  %-*.30s %10s %10s %10s %10s %10s", width, text_shown(arena, class_name(e, k)),
                report_count(all, sizeof all, f->rows), figure(arena, f->precision), figure(arena, f->recall),
                figure(arena, f->f1), figure(arena, f->auc));
        if (confused) fprintf(to, "            ");
        for (int64_t p = 0; confused && p < e->classes; p++) {
            int column = (int)strlen(class_name(e, p));
            fprintf(to, " %*s",
                    column < 8    ? 8
                    : column < 30 ? column
                                  : 30,
                    report_count(all, sizeof all, e->confusion[k * e->classes + p]));
        }
        fprintf(to, "\n");
    }
}

static const char *number_name(const EvalFigures *e, int64_t element) {
    Arena *arena = e->driver->arena;
    return e->numbers == 1 ? target_name(e) : text_format(arena, "%s[%" PRId64 "]", target_name(e), element);
}

static void print_numbers(const EvalFigures *e, FILE *to) {
    static const char *const headings[QUANTILES] = {"least", "5 %", "25 %", "median", "75 %", "95 %", "most"};
    Arena *arena = e->driver->arena;
    int64_t shown = e->numbers < MOST_NUMBERS ? e->numbers : MOST_NUMBERS;
    fprintf(to, "\n%-14s %12s %12s %12s\n", "errors", "rmse", "mae", "r2");
    for (int64_t i = 0; i < shown; i++) {
        const NumberFigures *f = &e->of_number[i];
        fprintf(to, "  %-12s %12s %12s %12s\n", number_name(e, i), figure(arena, f->rmse), figure(arena, f->mae),
                figure(arena, f->r2));
    }
    fprintf(to, "\n%-14s %12s", "residuals", "mean");
    for (int q = 0; q < QUANTILES; q++) fprintf(to, " %12s", headings[q]);
    fprintf(to, "   predicted minus true\n");
    for (int64_t i = 0; i < shown; i++) {
        const NumberFigures *f = &e->of_number[i];
        fprintf(to, "  %-12s %12s", number_name(e, i), figure(arena, f->mean_residual));
        for (int q = 0; q < QUANTILES; q++) fprintf(to, " %12s", figure(arena, f->quantile[q]));
        fprintf(to, "\n");
    }
    if (shown < e->numbers) fprintf(to, "  and %" PRId64 " more, which --json prints\n", e->numbers - shown);
}

static bool tells_pairs(const EvalFigures *e) { return e->confusion || e->numbers == 1; }

static const char *truth_text(const EvalFigures *e, int64_t place) {
    return e->confusion ? class_name(e, (int64_t)e->truth[place]) : figure(e->driver->arena, e->truth[place]);
}

static const char *predicted_text(const EvalFigures *e, int64_t place) {
    return e->confusion ? class_name(e, eval_class(e, place)) : figure(e->driver->arena, (double)e->predicted[place]);
}

static void print_worst(const EvalFigures *e, FILE *to) {
    Arena *arena = e->driver->arena;
    const char *file = file_of(e);
    fprintf(to, "\nthe worst rows%s%s\n  %-22s %12s", file ? " of " : "", file ? text_shown(arena, file) : "", "",
            "loss");
    if (tells_pairs(e)) fprintf(to, " %14s %14s", "true", "predicted");
    fprintf(to, "\n");
    for (int i = 0; i < e->worst_count; i++) {
        const WorstLoss *worst = &e->worst[i];
        fprintf(to, "  %-22s %12s", text_shown(arena, place_text(e, worst->place)), figure(arena, worst->loss));
        if (tells_pairs(e))
            fprintf(to, " %14s %14s", text_shown(arena, truth_text(e, worst->place)),
                    text_shown(arena, predicted_text(e, worst->place)));
        fprintf(to, "\n");
    }
}

void eval_print(const EvalFigures *e, FILE *to) {
    print_losses(e, to);
    if (e->confusion) print_classes(e, to);
    if (e->numbers) print_numbers(e, to);
    print_worst(e, to);
}

/* ---- JSON ------------------------------------------------------------------------------------------ */
static void add_number(Text *to, double value) {
    if (isfinite(value))
        text_add(to, "%s", text_number(to->arena, value, false));
    else
        text_add(to, "null");
}

/* Nested, a bracket for each axis. */
static void add_array(Text *to, Shape shape, const double *values) {
    int64_t size = shape_size(shape);
    for (int64_t i = 0; i < size; i++) {
        int64_t inner = 1;
        text_add(to, "%s", i ? "," : "");
        for (int a = shape.rank; a-- > 0 && i % (inner *= shape.extent[a]) == 0;) text_add(to, "[");
        add_number(to, values[i]);
        inner = 1;
        for (int a = shape.rank; a-- > 0 && (i + 1) % (inner *= shape.extent[a]) == 0;) text_add(to, "]");
    }
}

static void add_member(Text *to, const char *name, double value) {
    text_add(to, ",");
    text_add_json(to, name);
    text_add(to, ":");
    add_number(to, value);
}

static void add_classes(Text *to, const EvalFigures *e) {
    text_add(to, ",\"right\":%" PRId64, e->right);
    add_member(to, "accuracy", (double)e->right / (double)e->rows.count);
    text_add(to, ",\"classes\":[");
    for (int64_t k = 0; k < e->classes; k++) {
        const ClassFigures *f = &e->of_class[k];
        text_add(to, "%s{\"class\":", k ? "," : "");
        text_add_json(to, class_name(e, k));
        text_add(to, ",\"rows\":%" PRId64 ",\"predicted\":%" PRId64 ",\"right\":%" PRId64, f->rows, f->predicted,
                 f->right);
        add_member(to, "precision", f->precision);
        add_member(to, "recall", f->recall);
        add_member(to, "f1", f->f1);
        add_member(to, "auc", f->auc);
        text_add(to, "}");
    }
    text_add(to, "],\"confusion\":[");
    for (int64_t i = 0; i < e->classes * e->classes; i++)
        text_add(to, "%s%" PRId64 "%s",
                 i % e->classes ? ","
                 : i            ? ",["
                                : "[",
                 e->confusion[i], i % e->classes == e->classes - 1 ? "]" : "");
    text_add(to, "]");
}

static void add_numbers(Text *to, const EvalFigures *e) {
    text_add(to, ",\"numbers\":[");
    for (int64_t i = 0; i < e->numbers; i++) {
        const NumberFigures *f = &e->of_number[i];
        text_add(to, "%s{\"name\":", i ? "," : "");
        text_add_json(to, number_name(e, i));
        add_member(to, "rmse", f->rmse);
        add_member(to, "mae", f->mae);
        add_member(to, "r2", f->r2);
        add_member(to, "mean_residual", f->mean_residual);
        text_add(to, ",\"residuals\":{");
        for (int q = 0; q < QUANTILES; q++) {
            text_add(to, "%s\"%g\":", q ? "," : "", eval_quantiles[q]);
            add_number(to, f->quantile[q]);
        }
        text_add(to, "}}");
    }
    text_add(to, "]");
}

static void add_worst(Text *to, const EvalFigures *e) {
    text_add(to, ",\"worst\":[");
    for (int i = 0; i < e->worst_count; i++) {
        const WorstLoss *worst = &e->worst[i];
        int64_t line;
        text_add(to, "%s{\"row\":%" PRId64, i ? "," : "", row_in_file(e, worst->place));
        if (file_of(e)) text_add(to, ",\"file\":");
        if (file_of(e)) text_add_json(to, file_of(e));
        if (sgdrt_row_line(e->rows.table, row_of(&e->rows, worst->place), &line))
            text_add(to, ",\"line\":%" PRId64, line);
        add_member(to, "loss", worst->loss);
        if (e->confusion) {
            text_add(to, ",\"true\":");
            text_add_json(to, truth_text(e, worst->place));
            text_add(to, ",\"predicted\":");
            text_add_json(to, predicted_text(e, worst->place));
        } else if (e->numbers == 1) {
            add_member(to, "true", e->truth[worst->place]);
            add_member(to, "predicted", (double)e->predicted[worst->place]);
        }
        text_add(to, "}");
    }
    text_add(to, "]");
}

void eval_print_json(const EvalFigures *e, FILE *to) {
    Text text = text_new(e->driver->arena);
    const Run *run = e->run;
    text_add(&text, "{\"run\":");
    text_add_json(&text, run->name);
    text_add(&text, ",\"rows\":%" PRId64, e->rows.count);
    add_member(&text, "loss", e->loss);
    text_add(&text, ",\"terms\":{");
    for (int i = 0; i < run->term_count; i++) {
        text_add(&text, "%s", i ? "," : "");
        text_add_json(&text, run->terms[i].name);
        text_add(&text, ":");
        add_number(&text, e->terms[i]);
    }
    text_add(&text, "},\"measures\":{");
    for (int m = 0; m < run->measure_count; m++) {
        text_add(&text, "%s", m ? "," : "");
        text_add_json(&text, run->measures[m].name);
        text_add(&text, ":");
        add_number(&text, e->measures[m]);
    }
    for (int i = 0; i < run->array_count; i++) {
        const Measure *measure = &run->measures[run->measure_count + i];
        text_add(&text, "%s", run->measure_count + i ? "," : "");
        text_add_json(&text, measure->name);
        text_add(&text, ":");
        add_array(&text, measure->shape, e->arrays[i]);
    }
    text_add(&text, "}");
    if (e->confusion) add_classes(&text, e);
    if (e->numbers) add_numbers(&text, e);
    add_worst(&text, e);
    fprintf(to, "%s}\n", text.bytes);
}
