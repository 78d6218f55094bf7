/* page_judged: the section of a page on where the model is wrong: confusion of classes, the worst rows with what is to be
 * seen of them.
 */
#include "driver/html.h"
#include "driver/seeing.h"
#include <math.h>

enum { MOST_SHOWN_CLASSES = 30 };

static void add_figure(Text *page, double value) {
    char text[64];
    html_add(page, "%s", report_figure(text, sizeof text, value, !isnan(value)));
}

static const char *named(Text *page, const Training *t, const Judgement *j, int k) {
    return trained_class_name(page->arena, t->run->data, j->target.field, k);
}

/* ---- classes -------------------------------------------------------------------------------------- */
static void add_confusion_row(Text *page, const Training *t, const Judgement *j, int truth) {
    int classes = j->target.classes;
    int64_t sum = 0, taken = 0, right = j->confusion[truth * classes + truth];
    for (int k = 0; k < classes; k++) {
        sum += j->confusion[truth * classes + k];
        taken += j->confusion[k * classes + truth];
    }
    html_add(page, "<tr><th>%s</th>", named(page, t, j, truth));
    for (int k = 0; k < classes; k++) {
        int64_t count = j->confusion[truth * classes + k];
        text_add(page, "<td class=\"%s\" style=\"--share:%.3f\">", k == truth ? "right" : "wrong",
                 sum ? sqrt((double)count / (double)sum) : 0);
        if (count) text_add(page, "%lld", (long long)count);
        text_add(page, "</td>");
    }
    text_add(page, "<td>");
    add_figure(page, taken ? (double)right / (double)taken : NAN);
    text_add(page, "</td><td>");
    add_figure(page, sum ? (double)right / (double)sum : NAN);
    text_add(page, "</td><td>%lld</td></tr>\n", (long long)sum);
}

static void add_confusion(Text *page, const Training *t, const Judgement *j) {
    char right[32], all[32];
    html_add(
        page,
        "<p>%s of %s rows are right. Rows are the true %s, columns the predicted one; precision is how many of those "
        "predicted so are so, recall how many of those that are so are found.</p>\n",
        report_count(right, sizeof right, j->right), report_count(all, sizeof all, j->count), j->target.name);
    if (j->target.classes > MOST_SHOWN_CLASSES) return;
    text_add(page, "<div class=\"scroll\" tabindex=\"0\"><table class=\"confusion\"><tr><th></th>");
    for (int k = 0; k < j->target.classes; k++) html_add(page, "<th>%s</th>", named(page, t, j, k));
    text_add(page, "<th>precision</th><th>recall</th><th>rows</th></tr>\n");
    for (int k = 0; k < j->target.classes; k++) add_confusion_row(page, t, j, k);
    text_add(page, "</table></div>\n");
}

/* ---- numbers -------------------------------------------------------------------------------------- */
static void add_errors(Text *page, const Judgement *j) {
    text_add(page, "<div class=\"scroll\"><table><tr><th>rmse</th><th>mean absolute "
                   "error</th><th>R<sup>2</sup></th><th>rows</th></tr>\n<tr><td>");
    add_figure(page, sqrt(j->mean_squared));
    text_add(page, "</td><td>");
    add_figure(page, j->mean_absolute);
    text_add(page, "</td><td>");
    add_figure(page, j->spread > 0 ? 1 - j->mean_squared / j->spread : NAN);
    text_add(page, "</td><td>%lld</td></tr></table></div>\n", (long long)j->count);
}

/* ---- the worst rows ----------------------------------------------------------------------------------- */
static bool is_input(const Training *t, const Judgement *j, int field) {
    const Field *f = &t->run->data->fields[field];
    return f->column != j->target.column && shape_size(f->shape) <= MOST_ROW_NUMBERS;
}

static void add_image(Text *page, const Training *t, const Judgement *j, int field, int height, int width,
                      int64_t row) {
    double *values = arena_array(page->arena, double, shape_size(t->run->data->fields[field].shape) + 1),
           low = INFINITY, high = -INFINITY;
    float *pixels = arena_array(page->arena, float, height *width + 1);
    data_field(t, j->rows->table, field, row, values);
    for (int i = 0; i < height * width; i++) {
        pixels[i] = (float)values[i];
        low = fmin(low, values[i]);
        high = fmax(high, values[i]);
    }
    text_add(page, "<td><canvas class=\"pixels\" width=\"%d\" height=\"%d\" data-pixels=\"", width, height);
    html_add_values(page, pixels, height * width, 8, low, high > low ? high : low + 1);
    text_add(page, "\"></canvas></td>");
}

static void add_inputs(Text *page, const Training *t, const Judgement *j, int64_t row) {
    const DataSet *set = t->run->data;
    for (int f = 0; f < set->field_count; f++)
        if (is_input(t, j, f)) page_add_value(page, t, j->rows->table, f, row);
}

static void add_worst_row(Text *page, const Training *t, const Judgement *j, const Worst *worst, int image, int height,
                          int width) {
    const sgdrt_table *table = j->rows->table;
    int64_t in_file = table->row_in_file ? (int64_t)table->row_in_file[worst->row] : worst->row;
    text_add(page, "<tr><td>%lld</td><td>", (long long)in_file + 1);
    if (j->rule != CLASS_NONE) {
        html_add(page, "%s</td><td>%s</td><td>", named(page, t, j, (int)worst->truth),
                 named(page, t, j, (int)worst->predicted));
        text_add(page, "%.1f %%", 100 * (1 - worst->error));
    } else {
        add_figure(page, worst->truth);
        text_add(page, "</td><td>");
        add_figure(page, worst->predicted);
        text_add(page, "</td><td>");
        add_figure(page, worst->error);
    }
    text_add(page, "</td>");
    if (image >= 0)
        add_image(page, t, j, image, height, width, worst->row);
    else
        add_inputs(page, t, j, worst->row);
    text_add(page, "</tr>\n");
}

static void add_worst(Text *page, const Training *t, const Judgement *j) {
    int height = 0, width = 0, image = picture_image(t->run->data, &height, &width);
    if (j->worst_count == 0) return;
    bool classes = j->rule != CLASS_NONE;
    html_add(page,
             "<h3>The worst rows</h3>\n<div class=\"scroll\" "
             "tabindex=\"0\"><table><tr><th>row</th><th>%s</th><th>predicted</th><th>%s</th>",
             j->target.name, classes ? "share of the truth" : "error");
    if (image >= 0) text_add(page, "<th>image</th>");
    for (int f = 0; image < 0 && f < t->run->data->field_count; f++)
        if (is_input(t, j, f)) html_add(page, "<th>%s</th>", t->run->data->fields[f].name);
    text_add(page, "</tr>\n");
    for (int i = 0; i < j->worst_count; i++) add_worst_row(page, t, j, &j->worst[i], image, height, width);
    text_add(page, "</table></div>\n");
}

void page_add_judged(Text *page, Training *t) {
    Judgement *j = judge(t);
    if (!j) return;
    html_add(page,
             "<section id=\"wrong\"><h2>Where %s is wrong</h2>\n<p class=\"note\">Over the %s rows, by %s%s.</p>\n",
             t->run->name, j->validated ? "validation" : "training", t->run->predict_name,
             t->best_epoch ? ", at the epoch that is kept" : "");
    if (j->rule != CLASS_NONE)
        add_confusion(page, t, j);
    else
        add_errors(page, j);
    add_worst(page, t, j);
    text_add(page, "</section>\n");
}
