/* report_arrays: measures that are arrays, as tables: a confusion matrix, a recall for each class.
 *
 * They are no figures of an epoch: they are taken once, at the end, of the parameters that serve. An axis as long as the
 * target has classes is headed by their names, any other by numbers from 0.
 */
#include "driver/seeing.h"
#include <math.h>
#include <string.h>

enum { MOST_PLACES = 20, MOST_NAME = 24, LEAST_CELL = 8 }; /* of an axis; letters */

typedef struct ArrayTable {
    const Run *run;
    const Measure *measure;
    const double *values;
    FILE *to;
    int64_t rows, columns;
    int head, cell; /* widths */
    bool whole;     /* all values are, such as counts */
} ArrayTable;

static const char *place_name(const ArrayTable *t, int64_t extent, int64_t k) {
    Arena *arena = t->run->graph->arena;
    const DataSet *set = t->run->data;
    bool classes = t->run->target >= 0 && set->fields[t->run->target].classes == extent;
    const char *name = classes ? trained_class_name(arena, set, t->run->target, k)
                               : text_format(arena, "%lld", (long long)k);
    return text_shown(arena, text_format(arena, "%.*s", MOST_NAME, name));
}

static int64_t shown(int64_t count) { return count < MOST_PLACES ? count : MOST_PLACES; }

static void widen(int *width, const char *text) {
    int length = (int)strlen(text);
    if (length > *width) *width = length;
}

static const char *cell_text(const ArrayTable *t, int64_t row, int64_t column) {
    char text[64];
    double value = t->values[row * t->columns + column];
    if (t->whole) return text_format(t->run->graph->arena, "%.0f", value);
    return text_format(t->run->graph->arena, "%s", report_figure(text, sizeof text, value, value == value));
}

static void measure_widths(ArrayTable *t) {
    t->head = (int)strlen(t->measure->name);
    t->cell = LEAST_CELL;
    for (int64_t k = 0; t->rows > 1 && k < shown(t->rows); k++) widen(&t->head, place_name(t, t->rows, k));
    for (int64_t k = 0; k < shown(t->columns); k++) {
        widen(&t->cell, place_name(t, t->columns, k));
        for (int64_t r = 0; r < shown(t->rows); r++) widen(&t->cell, cell_text(t, r, k));
    }
}

static void say_left_out(const ArrayTable *t, int64_t count, const char *what) {
    if (count > MOST_PLACES) fprintf(t->to, "  and %lld more %s\n", (long long)(count - MOST_PLACES), what);
}

/* The last axis goes across, the one before it down; those before these are one behind the other. */
static void print_table(ArrayTable *t, const char *name) {
    measure_widths(t);
    fprintf(t->to, "%-*s", t->head, name);
    for (int64_t k = 0; k < shown(t->columns); k++) fprintf(t->to, "  %*s", t->cell, place_name(t, t->columns, k));
    fprintf(t->to, "\n");
    for (int64_t r = 0; r < shown(t->rows); r++) {
        fprintf(t->to, "%-*s", t->head, t->rows > 1 ? place_name(t, t->rows, r) : "");
        for (int64_t k = 0; k < shown(t->columns); k++) fprintf(t->to, "  %*s", t->cell, cell_text(t, r, k));
        fprintf(t->to, "\n");
    }
    say_left_out(t, t->rows, "rows");
    say_left_out(t, t->columns, "columns");
}

static bool are_whole(const double *values, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (!(fabs(values[i]) < 1e9) || values[i] != floor(values[i])) return false;
    return true;
}

void report_array(const Run *run, const Measure *measure, const double *values, FILE *to) {
    Shape shape = measure->shape;
    ArrayTable t = {.run = run, .measure = measure, .to = to, .columns = shape.extent[shape.rank - 1]};
    t.rows = shape.rank > 1 ? shape.extent[shape.rank - 2] : 1;
    int64_t tables = shape_size(shape) / (t.rows * t.columns);
    t.whole = are_whole(values, shape_size(shape));
    for (int64_t i = 0; i < shown(tables); i++) {
        t.values = values + i * t.rows * t.columns;
        print_table(&t, tables == 1 ? measure->name
                                    : text_format(run->graph->arena, "%s %lld", measure->name, (long long)i));
    }
    say_left_out(&t, tables, "tables");
}

void report_arrays(const Report *report, Training *t) {
    const Run *run = t->run;
    if (!run->array_count || t->started_step >= t->planned) return;
    Training serving = *t;
    serving.state = (void *)training_served(t);
    const RowSet *rows = t->data->valid.count ? &t->data->valid : &t->data->train;
    evaluate_rows(&serving, rows, NULL);
    for (int m = run->measure_count; m < run_measures(run); m++)
        report_array(run, &run->measures[m], evaluate_array(&serving, m, rows->count), report->to);
}
