/* page_data: the section of a page on the data of a run: its fields, their ranges, how often each label comes. */
#include "driver/html.h"
#include "driver/seeing.h"
#include <math.h>

enum { MOST_SAMPLED = 1000, MOST_APART = 40, MOST_LABELS = 30, BAR_PIXELS = 160, FIRST_ROWS = 5 };

static const char *type_text(Arena *arena, const Field *field) {
    Text text = text_new(arena);
    if (field->classes)
        text_add(&text, "label[%lld]", (long long)field->classes);
    else
        text_add(&text, "%s", dtype_text(field->dtype));
    for (int a = 0; a < field->shape.rank; a++)
        text_add(&text, "%s%lld", a ? ", " : "[", (long long)field->shape.extent[a]);
    if (field->shape.rank) text_add(&text, "]");
    return text.bytes;
}

typedef struct Spread {
    double low, high, sum;
    int64_t count;
} Spread;

static int64_t sampled(const RowSet *rows) { return rows->count < MOST_SAMPLED ? rows->count : MOST_SAMPLED; }

/* Of one element, or of all (-1). */
static Spread range_of(const Training *t, const RowSet *rows, int field, int64_t element) {
    int64_t size = shape_size(t->run->data->fields[field].shape), n = sampled(rows);
    double *values = arena_array(t->driver->arena, double, size + 1);
    Spread range = {INFINITY, -INFINITY, 0, 0};
    for (int64_t i = 0; i < n; i++) {
        data_field(t, rows->table, field, row_of(rows, evenly(i, n, rows->count)), values);
        for (int64_t e = 0; e < size; e++) {
            if (element >= 0 && e != element) continue;
            range.count++;
            range.low = fmin(range.low, values[e]);
            range.high = fmax(range.high, values[e]);
            range.sum += values[e];
        }
    }
    return range;
}

static void add_spread(Text *page, const char *name, const char *type, Spread range) {
    html_add(page, "<tr><td>%s</td><td class=\"left\">%s</td>", name, type);
    text_add(page, "<td>%.6g</td><td>%.6g</td><td>%.6g</td></tr>\n", range.low, range.sum / (double)range.count,
             range.high);
}

static void add_fields(Text *page, const Training *t) {
    const DataSet *set = t->run->data;
    const RowSet *rows = &t->data->train;
    text_add(page, "<div class=\"scroll\" tabindex=\"0\"><table><tr><th>field</th><th "
                   "class=\"left\">type</th><th>least</th><th>mean</th><th>most</th></tr>\n");
    for (int f = 0; f < set->field_count; f++) {
        const Field *field = &set->fields[f];
        int64_t size = shape_size(field->shape);
        bool apart = size > 1 && size <= MOST_APART && field->column >= 0;
        if (!apart) add_spread(page, field->name, type_text(page->arena, field), range_of(t, rows, f, -1));
        for (int64_t e = 0; apart && e < size; e++)
            add_spread(page, data_element_name(page->arena, set, field->column, e),
                       e ? "" : type_text(page->arena, field), range_of(t, rows, f, e));
    }
    text_add(page, "</table></div>\n");
    if (rows->count > MOST_SAMPLED)
        text_add(page, "<p class=\"note\">Of %d training rows, taken evenly from all of them.</p>\n", MOST_SAMPLED);
}

static void add_labels(Text *page, const Training *t, int field) {
    const Field *f = &t->run->data->fields[field];
    const RowSet *rows = &t->data->train;
    int64_t *counts = arena_array(page->arena, int64_t, f->classes + 1), most = 1;
    for (int64_t i = 0; i < rows->count; i++) {
        double value = data_value(t, rows->table, f->column, 0, row_of(rows, i));
        if (value >= 0 && value < (double)f->classes && ++counts[(int64_t)value] > most) most = counts[(int64_t)value];
    }
    html_add(page, "<h3>How often each %s comes</h3>\n<div class=\"scroll\"><table>\n", f->name);
    for (int64_t k = 0; k < f->classes; k++) {
        html_add(page, "<tr><td>%s</td>", trained_class_name(page->arena, t->run->data, field, k));
        text_add(page, "<td>%lld</td><td class=\"left\"><span class=\"bar\" style=\"width:%lldpx\"></span></td></tr>\n",
                 (long long)counts[k], (long long)(BAR_PIXELS * counts[k] / most));
    }
    text_add(page, "</table></div>\n");
}

void page_add_value(Text *page, const Training *t, const sgdrt_table *table, int field, int64_t row) {
    const Field *f = &t->run->data->fields[field];
    double values[MOST_ROW_NUMBERS];
    data_field(t, table, field, row, values);
    text_add(page, "<td>");
    for (int64_t e = 0, n = shape_size(f->shape); e < n; e++) {
        bool names = f->classes > 0 && values[e] >= 0 && values[e] < (double)f->classes;
        text_add(page, e ? ", " : "");
        if (names)
            html_add(page, "%s", trained_class_name(page->arena, t->run->data, field, (int64_t)values[e]));
        else
            text_add(page, "%.6g", values[e]);
    }
    text_add(page, "</td>");
}

static void add_first_rows(Text *page, const Training *t) {
    const DataSet *set = t->run->data;
    const RowSet *rows = &t->data->train;
    int64_t numbers = 0;
    for (int f = 0; f < set->field_count; f++) numbers += shape_size(set->fields[f].shape);
    if (numbers > MOST_ROW_NUMBERS) return;
    text_add(page, "<h3>The first rows</h3>\n<div class=\"scroll\" tabindex=\"0\"><table><tr>");
    for (int f = 0; f < set->field_count; f++) html_add(page, "<th>%s</th>", set->fields[f].name);
    text_add(page, "</tr>\n");
    for (int64_t i = 0; i < FIRST_ROWS && i < rows->count; i++) {
        text_add(page, "<tr>");
        for (int f = 0; f < set->field_count; f++) page_add_value(page, t, rows->table, f, row_of(rows, i));
        text_add(page, "</tr>\n");
    }
    text_add(page, "</table></div>\n");
}

void page_add_data(Text *page, const Training *t) {
    const DataSet *set = t->run->data;
    char train[32], valid[32];
    html_add(page,
             "<section id=\"data\"><h2>Data %s</h2>\n<p>%s rows train, %s validate. Figures are of the training rows, "
             "in the data's own "
             "units.</p>\n",
             set->name, report_count(train, sizeof train, t->data->train.count),
             report_count(valid, sizeof valid, t->data->valid.count));
    add_fields(page, t);
    for (int f = 0; f < set->field_count; f++)
        if (set->fields[f].classes > 1 && set->fields[f].classes <= MOST_LABELS && set->fields[f].column >= 0)
            add_labels(page, t, f);
    add_first_rows(page, t);
    text_add(page, "</section>\n");
}
