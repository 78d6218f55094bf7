/* html_chart: the curves of runs as SVG, on the axes that plot_scale chose for gnuplot as well.
 *
 * Numbers of the drawing are CSS pixels of a narrow window; wider ones scale it. Colours are classes, so that the page
 * chooses them by light or dark: c0 .. c6, and of more than seven runs the three best, the others grey.
 */
#include "driver/html.h"
#include <math.h>
#include <string.h>

enum {
    WIDTH = 460,
    HEIGHT = 290,
    LEFT = 54,
    RIGHT = 12,
    TOP = 14,
    BOTTOM = 34,
    COLORS = 7,
    HIGHLIGHTED = 3,
    MOST_TICKS = 24
};

typedef struct Tick {
    double at;
    const char *text;
} Tick;
typedef struct Chart {
    const Plot *plot;
    ChartX over;
    const PlotMeasure *measure;
    PlotAxis x, y;
} Chart;

static double place(const PlotAxis *axis, double value) {
    if (axis->logarithmic) return log(value / axis->low) / log(axis->high / axis->low);
    return (value - axis->low) / (axis->high - axis->low);
}

static double x_of(const Chart *c, double value) { return LEFT + place(&c->x, value) * (WIDTH - LEFT - RIGHT); }
static double y_of(const Chart *c, double value) {
    return HEIGHT - BOTTOM - place(&c->y, value) * (HEIGHT - TOP - BOTTOM);
}

/* ---- ticks --------------------------------------------------------------------------------------- */
/* Of gnuplot's list: 'text' number, ... */
static int listed_ticks(Arena *arena, const char *list, Tick *ticks) {
    int count = 0;
    while (count < MOST_TICKS && (list = strchr(list, '\'')) != NULL) {
        const char *end = strchr(++list, '\'');
        ticks[count].text = text_format(arena, "%.*s", (int)(end - list), list);
        sscanf(end + 1, "%lf", &ticks[count++].at);
        list = end + 1;
    }
    return count;
}

static int decade_ticks(Arena *arena, const PlotAxis *axis, Tick *ticks) {
    static const int steps[] = {1, 2, 5};
    int count = 0;
    double decades = log10(axis->high / axis->low);
    int every = decades > 8 ? (int)(decades / 5) : 1;
    for (int e = (int)floor(log10(axis->low)); e <= (int)ceil(log10(axis->high)); e += every)
        for (int k = 0; k < (decades < 2.2 ? 3 : 1) && count < MOST_TICKS; k++) {
            double at = steps[k] * pow(10, e);
            if (at >= axis->low && at <= axis->high) ticks[count++] = (Tick){at, text_format(arena, "%.4g", at)};
        }
    return count;
}

static int linear_ticks(Arena *arena, const PlotAxis *axis, Tick *ticks) {
    double least = (axis->high - axis->low) / 5, decade = pow(10, floor(log10(least)));
    double step = least <= decade       ? decade
                  : least <= 2 * decade ? 2 * decade
                  : least <= 5 * decade ? 5 * decade
                                        : 10 * decade;
    int count = 0;
    for (double k = ceil(axis->low / step); k * step <= axis->high && count < MOST_TICKS; k++)
        ticks[count++] = (Tick){k * step, text_format(arena, "%.5g", k == 0 ? 0 : k * step)};
    return count;
}

static int ticks_of(Arena *arena, const PlotAxis *axis, Tick *ticks) {
    if (axis->tics) return listed_ticks(arena, axis->tics, ticks);
    return axis->logarithmic ? decade_ticks(arena, axis, ticks) : linear_ticks(arena, axis, ticks);
}

static void add_axes(Text *page, const Chart *c) {
    Tick ticks[MOST_TICKS];
    int count = ticks_of(page->arena, &c->y, ticks);
    for (int i = 0; i < count; i++) {
        text_add(page, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, WIDTH - RIGHT,
                 y_of(c, ticks[i].at), y_of(c, ticks[i].at));
        text_add(page, "<text class=\"tick\" text-anchor=\"end\" x=\"%d\" y=\"%.1f\">%s</text>\n", LEFT - 6,
                 y_of(c, ticks[i].at) + 4, ticks[i].text);
    }
    count = ticks_of(page->arena, &c->x, ticks);
    for (int i = 0; i < count; i++) {
        text_add(page, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>", x_of(c, ticks[i].at),
                 x_of(c, ticks[i].at), TOP, HEIGHT - BOTTOM);
        text_add(page, "<text class=\"tick\" text-anchor=\"middle\" x=\"%.1f\" y=\"%d\">%s</text>\n",
                 x_of(c, ticks[i].at), HEIGHT - BOTTOM + 16, ticks[i].text);
    }
    html_add(page, "<text class=\"tick\" text-anchor=\"end\" x=\"%d\" y=\"%d\">%s</text>\n", WIDTH - RIGHT, HEIGHT - 3,
             c->over == CHART_TIME ? "time" : "epoch");
}

/* ---- curves ----------------------------------------------------------------------------------------- */
static int rank_of(const Plot *plot, int run) {
    int rank = 0;
    while (plot->order[rank] != run) rank++;
    return rank;
}

static const char *color_of(const Plot *plot, int run) {
    static const char *const names[COLORS] = {"c0", "c1", "c2", "c3", "c4", "c5", "c6"};
    if (!plot->highlights) return names[run % COLORS];
    return rank_of(plot, run) < HIGHLIGHTED ? names[rank_of(plot, run)] : "rest";
}

static double value_of(const Chart *c, int run, const PlotPoint *point, bool valid) {
    if (c->measure) return plot_measure(&c->plot->runs[run], point, c->measure->name);
    return valid ? point->valid_loss : point->train_loss;
}

/* What is not finite or lies far beyond the chart interrupts the curve; the chart's edge cuts the rest. */
static void add_curve(Text *page, const Chart *c, int run, bool valid) {
    const PlotRun *r = &c->plot->runs[run];
    bool begun = false;
    Text path = text_new(page->arena);
    for (int i = 0; i < r->point_count; i++) {
        const PlotPoint *point = &r->points[i];
        double x = c->over == CHART_TIME ? point->seconds : point->epoch, y = value_of(c, run, point, valid);
        bool shown = isfinite(y) && (c->over != CHART_TIME || x > 0) && (!c->y.logarithmic || y > 0);
        if (shown)
            text_add(&path, "%s%.1f %.1f", begun ? "L" : "M", x_of(c, x), fmax(fmin(y_of(c, y), 2 * HEIGHT), -HEIGHT));
        begun = shown;
    }
    if (path.length)
        text_add(page, "<path class=\"curve %s%s\" d=\"%s\"/>\n", color_of(c->plot, run), valid ? " dashed" : "",
                 path.bytes);
}

static void add_kept(Text *page, const Chart *c, int run) {
    const PlotPoint *kept = c->plot->runs[run].kept_epoch ? plot_result(&c->plot->runs[run]) : NULL;
    if (!kept) return;
    double y = value_of(c, run, kept, isfinite(kept->valid_loss)),
           x = c->over == CHART_TIME ? kept->seconds : kept->epoch;
    if (isfinite(y) && (c->over != CHART_TIME || x > 0))
        text_add(page, "<circle class=\"kept %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>\n", color_of(c->plot, run),
                 x_of(c, x), y_of(c, y));
}

static void add_legend(Text *page, const Chart *c) {
    const Plot *plot = c->plot;
    if (plot->run_count < 2 && !plot->has_valid) return;
    text_add(page, "<p class=\"legend\">");
    for (int r = 0, told = 0; r < plot->run_count && told < COLORS; r++) {
        int run = plot->highlights ? plot->order[r] : r;
        if (plot->highlights && r >= HIGHLIGHTED) break;
        html_add(page, "<span class=\"key %s\">%s</span> ", color_of(plot, run), plot->runs[run].name);
        told++;
    }
    if (plot->highlights) html_add(page, "<span class=\"key rest\">the others</span> ");
    if (plot->has_valid && !c->measure) html_add(page, "<span>dashed: over the validation rows</span>");
    text_add(page, "</p>\n");
}

void html_add_chart(Text *page, const Plot *plot, ChartX over, const PlotMeasure *measure) {
    static const char *const overs[] = {[CHART_EPOCH] = "epochs", [CHART_TIME] = "time"};
    Chart chart = {plot, over, measure, over == CHART_TIME ? plot->time : plot->epoch,
                   measure ? measure->axis : plot->loss};
    const char *what = measure ? measure->name : "loss";
    html_add(page, "<figure class=\"chart\"><figcaption>%s over %s</figcaption>\n", what, overs[over]);
    text_add(page, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
    html_add(page, "%s over %s\">\n<clipPath id=\"clip-%d-%d\">", what, overs[over], (int)over,
             measure ? (int)(measure - plot->measures) : -1);
    text_add(page, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/></clipPath>\n", LEFT, TOP, WIDTH - LEFT - RIGHT,
             HEIGHT - TOP - BOTTOM);
    add_axes(page, &chart);
    text_add(page, "<g clip-path=\"url(#clip-%d-%d)\">\n", (int)over, measure ? (int)(measure - plot->measures) : -1);
    for (int place_of = plot->run_count - 1; place_of >= 0; place_of--) {
        int run = plot->order[place_of];
        add_curve(page, &chart, run, false);
        if (!measure) add_curve(page, &chart, run, true);
        add_kept(page, &chart, run);
    }
    text_add(page, "</g>\n</svg>\n");
    add_legend(page, &chart);
    text_add(page, "</figure>\n");
}
