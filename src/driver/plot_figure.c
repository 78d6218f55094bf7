/* plot_figure: a figure that is no loss curve, in the same look: one panel, with logarithmic axes. */
#include "driver/plot_figure.h"
#include "driver/output.h"
#include "driver/plot_internal.h"
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 760, HEIGHT = 460, LEFT = 84, TOP = 78, BOTTOM = 56, RIGHT = 24 };

static const char *quoted(Arena *arena, const char *text) {
    Text out = text_new(arena);
    text_add_gnuplot(&out, text);
    return out.bytes;
}

static bool is_drawn(const PlotFigure *figure, const PlotSeries *s, int i) {
    return s->x[i] > 0 && (figure->linear_y || s->y[i] > 0) && isfinite(s->x[i]) && isfinite(s->y[i]);
}

/* A twentieth of its length wider than what is drawn. */
static PlotAxis axis_of(const PlotFigure *figure, bool of_y) {
    PlotAxis axis = {.low = INFINITY, .high = -INFINITY, .logarithmic = !of_y || !figure->linear_y};
    for (int s = 0; s < figure->series_count; s++)
        for (int i = 0; i < figure->series[s].count; i++) {
            if (!is_drawn(figure, &figure->series[s], i)) continue;
            double value = of_y ? figure->series[s].y[i] : figure->series[s].x[i];
            axis.low = fmin(axis.low, value);
            axis.high = fmax(axis.high, value);
        }
    if (axis.low > axis.high) return (PlotAxis){.low = 1, .high = 10, .logarithmic = axis.logarithmic};
    if (!axis.logarithmic) {
        double space = axis.high > axis.low ? (axis.high - axis.low) / 20 : 1;
        return (PlotAxis){.low = axis.low - space, .high = axis.high + space};
    }
    double margin = fmax(pow(axis.high / axis.low, 0.05), 1.02);
    axis.low /= margin;
    axis.high *= margin;
    return axis;
}

static void add_data(Text *text, const PlotFigure *figure) {
    for (int s = 0; s < figure->series_count; s++) {
        const PlotSeries *series = &figure->series[s];
        text_add(text, "\n# %s: %s, %s\n$series%d << END\n", text_shown(text->arena, series->name), figure->x,
                 figure->y, s);
        for (int i = 0; i < series->count; i++)
            if (is_drawn(figure, series, i)) text_add(text, "%.9g %.9g\n", series->x[i], series->y[i]);
        text_add(text, "END\n");
    }
}

static bool is_empty(const PlotFigure *figure, const PlotSeries *series) {
    for (int i = 0; i < series->count; i++)
        if (is_drawn(figure, series, i)) return false;
    return true;
}

static void add_curves(Text *text, const PlotFigure *figure, bool characters) {
    static const char *const looks[] = {"points pt 7 ps 0.8", "points pt 6 ps 1.1 lw 1.5", "lines lw 1.2",
                                        "lines lw 1.9"};
    const char *and = "plot ";
    for (int s = 0; s < figure->series_count; s++) {
        const PlotSeries *series = &figure->series[s];
        const char *color = series->look == PLOT_LINE ? "#9AA0A6" : plot_script_color(series->color);
        if (is_empty(figure, series)) continue;
        if (characters)
            text_add(text, "%s$series%d using 1:2 with %s title %s noenhanced", and, s,
                     series->look == PLOT_LINE ? "dots" : text_format(text->arena, "points pt %d", s + 1),
                     quoted(text->arena, series->name));
        else
            text_add(text, "%s$series%d using 1:2 with %s lc rgb '%s' title %s noenhanced", and, s, looks[series->look],
                     color, quoted(text->arena, series->name));
        and = ", \\\n     ";
    }
    text_add(text, "\n");
}

static void add_marks(Text *text, const PlotFigure *figure) {
    for (int m = 0; m < figure->mark_count; m++) {
        const PlotMark *mark = &figure->marks[m];
        const char *color = plot_script_color(mark->color);
        text_add(text, "set arrow from first %.9g, graph 0 to first %.9g, graph 1 nohead dt (4,4) lc rgb '%s' lw 1.2\n",
                 mark->x, mark->x, color);
        text_add(text, "set label %s at first %.9g, graph %.3g right offset -0.6,0 noenhanced textcolor rgb '%s'\n",
                 quoted(text->arena, mark->text), mark->x, 0.04 + 0.06 * (m % 5), color);
    }
}

static void add_axes(Text *text, const PlotFigure *figure) {
    PlotAxis x = axis_of(figure, false), y = axis_of(figure, true);
    x.tics = plot_script_tics(text->arena, &x, true);
    y.tics = plot_script_tics(text->arena, &y, true);
    plot_script_axis(text, 'x', &x);
    plot_script_axis(text, 'y', &y);
}

static const char *script_of(Arena *arena, const PlotFigure *figure, PlotFormat format, const char *path, int columns,
                             bool color) {
    Text text = text_new(arena);
    if (format == PLOT_TERMINAL) {
        add_data(&text, figure);
        text_add(
            &text,
            "set terminal dumb %s size %d,24 aspect 1\nset encoding utf8\nset border 3\nset tics scale 0 nomirror\n",
            color ? "ansi256" : "mono", columns);
        text_add(&text, "set key outside below left Left reverse samplen 1\nset title %s noenhanced\nset xlabel %s\n",
                 quoted(arena, text_format(arena, "%s: %s", figure->title, figure->subtitle)),
                 quoted(arena, figure->x));
        add_axes(&text, figure);
        add_curves(&text, figure, true);
        return text.bytes;
    }
    plot_script_terminal(&text, format, WIDTH, HEIGHT, path);
    add_data(&text, figure);
    plot_script_style(&text, figure->title, figure->subtitle, WIDTH, HEIGHT);
    text_add(&text,
             "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset tmargin at screen %.4f\nset bmargin at "
             "screen %.4f\n",
             (double)LEFT / WIDTH, 1 - (double)RIGHT / WIDTH, 1 - (double)TOP / HEIGHT, (double)BOTTOM / HEIGHT);
    text_add(&text, "set key inside %s Left reverse samplen 1.5 textcolor rgb '#3C4043'\n", figure->key);
    text_add(&text,
             "set xlabel %s textcolor rgb '#3C4043' offset 0,0.3\nset ylabel %s textcolor rgb '#3C4043' offset 0.4,0\n",
             quoted(arena, figure->x), quoted(arena, figure->y));
    add_axes(&text, figure);
    add_marks(&text, figure);
    add_curves(&text, figure, false);
    return text.bytes;
}

const char *plot_path_problem(Arena *arena, const char *path) {
    PlotFormat format;
    const char *problem;
    return plot_find_format(arena, path, &format, &problem) ? NULL : problem;
}

bool plot_figure_write(Driver *driver, const PlotFigure *figure) {
    Arena *arena = driver->arena;
    const char *path = driver->options->plot, *problem;
    PlotFormat format;
    bool good = plot_find_format(arena, path, &format, &problem) &&
                plot_put(arena, path, format, figure->title,
                         script_of(arena, figure, format, path, plot_columns(output_columns(driver->result)),
                                   format == PLOT_TERMINAL && isatty(fileno(driver->result))),
                         driver->result, &problem);
    if (!good)
        driver_complain(driver, "%s", problem);
    else if (strcmp(path, "-"))
        driver_say(driver, "wrote %s", path);
    return good;
}
