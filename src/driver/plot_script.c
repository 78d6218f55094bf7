/* plot_script: the figure as a gnuplot script that can be kept and restyled.
 *
 * The look: no frame, a thin grid, text in grey, curves in colours that colour-blind readers tell apart
 * (Okabe and Ito's). Of more than seven runs, whose colours nobody tells apart, the three with the least loss have
 * colours and the others are grey. Points are marked where there are few, validation is dashed, a circle is the epoch
 * that is kept, a cross where a run diverged. Two panels share the loss axis; the legend has a column of its own.
 * Each measure has a row of panels below those of the loss, over the same epochs and times.
 */
#include "driver/plot_internal.h"
#include "driver/output.h"
#include <math.h>
#include <string.h>

enum {
    FEW_POINTS = 24,
    MOST_POINTS = 2000,
    HEIGHT = 430,
    LEGEND_LINE = 18,
    ROW_HEIGHT = 176,
    ROW_HEAD = 56,
    TOP = 78,
    BOTTOM = 52,
    LOSS_COLUMN = 3,
    VALID_COLUMN = 4,
    FIRST_MEASURE_COLUMN = 5
};

typedef struct Layout {
    int width, height;                                     /* pixels */
    double left, middle, middle_right, right, top, legend; /* of the screen, 0 .. 1 */
    bool has_legend;
} Layout;

static const char *quoted(Arena *arena, const char *text) {
    Text out = text_new(arena);
    text_add_gnuplot(&out, text);
    return out.bytes;
}

/* The same with gnuplot's own markup taken as plain characters. */
static const char *plain(Arena *arena, const char *text) {
    Text out = text_new(arena);
    for (; *text; text++) text_add(&out, strchr("^_{}@&~\\", *text) ? "\\%c" : "%c", *text);
    return out.bytes;
}

static const char *run_label(const Plot *plot, int run) {
    const char *name = plot->runs[run].name;
    return plot->prefix ? name + strlen(plot->prefix) + 1 : name;
}

enum { HIGHLIGHTED = 3 };

/* 0: the best. */
static int rank_of(const Plot *plot, int run) {
    int rank = 0;
    while (plot->order[rank] != run) rank++;
    return rank;
}

static bool is_grey(const Plot *plot, int run) { return plot->highlights && rank_of(plot, run) >= HIGHLIGHTED; }

const char *plot_script_color(int color) {
    static const char *const palette[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6B4C9A"};
    return palette[(size_t)color % (sizeof palette / sizeof *palette)];
}

static const char *run_color(const Plot *plot, int run) {
    static const char *const highlight[HIGHLIGHTED] = {"#D55E00", "#0072B2", "#009E73"};
    if (is_grey(plot, run)) return "#CDD1D6";
    return plot->highlights ? highlight[rank_of(plot, run)] : plot_script_color(run);
}

static double line_width(const Plot *plot, int run) {
    if (!plot->highlights) return 1.9;
    return is_grey(plot, run) ? 1.0 : rank_of(plot, run) == 0 ? 2.6 : 1.8;
}

/* What is drawn later lies above: the best last. */
static int drawn(const Plot *plot, int place) {
    return plot->highlights ? plot->order[plot->run_count - 1 - place] : place;
}

/* ---- data ----------------------------------------------------------------------------------- */
static void add_value(Text *text, double value) {
    if (isfinite(value))
        text_add(text, " %.9g", value);
    else
        text_add(text, " NaN");
}

static void add_measures(Text *text, const Plot *plot, const PlotRun *run, const PlotPoint *point) {
    for (int m = 0; m < plot->measure_count; m++) add_value(text, plot_measure(run, point, plot->measures[m].name));
}

/* Their names, as the end of a comment on columns. */
static void add_measure_names(Text *text, const Plot *plot) {
    for (int m = 0; m < plot->measure_count; m++)
        text_add(text, " %s", text_shown(plot->arena, plot->measures[m].name));
    text_add(text, "\n");
}

static void add_data(Text *text, const Plot *plot) {
    text_add(text, "\n# epoch seconds training validation");
    add_measure_names(text, plot);
    for (int r = 0; r < plot->run_count; r++) {
        const PlotRun *run = &plot->runs[r];
        int every = run->point_count / MOST_POINTS + 1;
        text_add(text, "$run%d << END\n", r);
        for (int p = 0; p < run->point_count; p++) {
            const PlotPoint *point = &run->points[p];
            if (p % every && p + 1 < run->point_count) continue;
            text_add(text, "%.9g", point->epoch);
            add_value(text, point->seconds > 0 ? point->seconds : NAN);
            add_value(text, point->train_loss);
            add_value(text, point->valid_loss);
            add_measures(text, plot, run, point);
            text_add(text, "\n");
        }
        text_add(text, "END\n");
    }
}

/* How far between two losses the panel's upper end lies, as the panel shows them. */
static double crossing(const PlotAxis *axis, double below, double above) {
    if (axis->logarithmic) return log(axis->high / below) / log(above / below);
    return (axis->high - below) / (above - below);
}

/* Where a run left the panel or ended: its last finite loss, or the place where its curve crosses the
 * upper end for the last time. False if it did neither. */
static bool find_divergence(const Plot *plot, const PlotRun *run, PlotPoint *at) {
    const PlotPoint *points = run->points;
    int last = run->point_count - 1, p = last;
    while (p >= 0 && !isfinite(points[p].train_loss)) p--;
    if (p < 0 || (p == last && points[p].train_loss <= plot->loss.high)) return false;
    *at = points[p];
    if (points[p].train_loss <= plot->loss.high) return true;
    while (p > 0 && !(points[p - 1].train_loss <= plot->loss.high)) p--;
    *at = points[p];
    at->train_loss = plot->loss.high;
    if (p == 0) return true;
    double part = crossing(&plot->loss, points[p - 1].train_loss, points[p].train_loss);
    at->epoch = points[p - 1].epoch + part * (points[p].epoch - points[p - 1].epoch);
    if (points[p - 1].seconds > 0)
        at->seconds = points[p - 1].seconds * pow(points[p].seconds / points[p - 1].seconds, part);
    return true;
}

/* A cross for each run that diverged. */
static bool add_diverged(Text *text, const Plot *plot) {
    bool any = false;
    for (int r = 0; r < plot->run_count; r++) {
        PlotPoint at;
        if (!find_divergence(plot, &plot->runs[r], &at)) continue;
        if (!any) text_add(text, "# epoch seconds training color\n$diverged << END\n");
        any = true;
        text_add(text, "%.9g", at.epoch);
        add_value(text, at.seconds > 0 ? at.seconds : NAN);
        add_value(text, at.train_loss);
        text_add(text, " 0x%s\n", run_color(plot, r) + 1);
    }
    if (any) text_add(text, "END\n");
    return any;
}

/* A circle for each run of which an epoch is kept, on the validation curve where there is one. */
static bool add_kept(Text *text, const Plot *plot) {
    bool any = false;
    for (int r = 0; r < plot->run_count; r++) {
        const PlotPoint *at = plot->runs[r].kept_epoch ? plot_result(&plot->runs[r]) : NULL;
        if (!at || is_grey(plot, r)) continue;
        if (!any) {
            text_add(text, "# epoch seconds loss color");
            add_measure_names(text, plot);
            text_add(text, "$kept << END\n");
        }
        any = true;
        text_add(text, "%.9g", at->epoch);
        add_value(text, at->seconds > 0 ? at->seconds : NAN);
        add_value(text, isfinite(at->valid_loss) ? at->valid_loss : at->train_loss);
        text_add(text, " 0x%s", run_color(plot, r) + 1);
        add_measures(text, plot, &plot->runs[r], at);
        text_add(text, "\n");
    }
    if (any) text_add(text, "END\n");
    return any;
}

typedef struct Marks {
    bool diverged, kept;
} Marks;

/* ---- figure --------------------------------------------------------------------------------- */
/* Of more runs than have colours, only those that have. */
static int legend_lines(const Plot *plot) { return plot->highlights ? HIGHLIGHTED + 1 : plot->run_count; }

static Layout lay_out(const Plot *plot) {
    Layout l = {.width = 960, .height = HEIGHT, .has_legend = plot->run_count > 1};
    size_t longest = plot->prefix ? strlen(plot->prefix) : 0;
    for (int r = 0; r < plot->run_count; r++) {
        size_t length = strlen(run_label(plot, r));
        longest = length > longest ? length : longest;
    }
    if (longest > 40) longest = 40;
    int lines = legend_lines(plot) + (plot->prefix != NULL);
    if (lines * LEGEND_LINE + 110 > l.height) l.height = lines * LEGEND_LINE + 110;
    l.height += plot->measure_count * ROW_HEIGHT;
    double legend = l.has_legend ? 58 + 6.6 * (double)longest : 24;
    l.left = 76.0 / l.width;
    l.right = 1 - legend / l.width;
    l.legend = l.right + 14.0 / l.width;
    double gap = 40.0 / l.width;
    l.middle = plot->has_time ? (l.left + l.right - gap) / 2 : l.right;
    l.middle_right = l.middle + gap;
    l.top = 1 - (double)TOP / l.height;
    return l;
}

/* The lower end of the row, and the upper: 0 is the loss, then the measures. */
static double row_bottom(const Plot *plot, const Layout *l, int row) {
    return (double)(BOTTOM + (plot->measure_count - row) * ROW_HEIGHT) / l->height;
}
static double row_top(const Plot *plot, const Layout *l, int row) {
    return row == 0 ? l->top : row_bottom(plot, l, row) + (double)(ROW_HEIGHT - ROW_HEAD) / l->height;
}

void plot_script_terminal(Text *text, PlotFormat format, int width, int height, const char *output) {
    switch (format) {
    case PLOT_PNG:
        text_add(text,
                 "set terminal pngcairo enhanced size %d,%d font 'Helvetica,12' fontscale 1.6 linewidth 2 "
                 "pointscale 2 background '#FFFFFF'\n",
                 2 * width, 2 * height);
        break;
    case PLOT_PDF:
        text_add(text,
                 "set terminal pdfcairo enhanced size %.4g,%.4g font 'Helvetica,12' fontscale 0.75 "
                 "background '#FFFFFF'\n",
                 width / 96.0, height / 96.0);
        break;
    default:
        text_add(text,
                 "set terminal svg enhanced size %d,%d dynamic font 'Helvetica,12' linewidth 1 "
                 "background '#FFFFFF'\n",
                 width, height);
    }
    if (format == PLOT_SCRIPT)
        text_add(text, "set output %s\n",
                 quoted(text->arena, text_format(text->arena, "%s.svg", path_stem(text->arena, output))));
}

void plot_script_axis(Text *text, char name, const PlotAxis *axis) {
    text_add(text, "set %crange [%.9g:%.9g]\n", name, axis->low, axis->high);
    text_add(text, axis->logarithmic ? "set logscale %c\n" : "unset logscale %c\n", name);
    if (axis->tics) text_add(text, "set %ctics (%s)\n", name, axis->tics);
}

/* Labels of 1, 10, 100 say nothing where the loss spans a factor of 30: then 2 and 5 have theirs. */
const char *plot_script_tics(Arena *arena, const PlotAxis *axis, bool labelled) {
    if (!axis->logarithmic) return NULL;
    double decades = log10(axis->high / axis->low);
    int every = decades > 10 ? (int)(decades / 6) : 1;
    Text tics = text_new(arena);
    for (int e = (int)floor(log10(axis->low)); e <= (int)ceil(log10(axis->high)); e += every)
        for (int k = 0; k < (decades < 3.2 ? 3 : 1); k++) {
            double at = pow(10, e) * (k == 0 ? 1 : k == 1 ? 2 : 5);
            if (at < axis->low || at > axis->high) continue;
            text_add(&tics, "%s'%s' %.9g", tics.length ? ", " : "", labelled ? text_format(arena, "%.6g", at) : "", at);
        }
    return tics.bytes;
}

/* Of a linear axis in a low panel: gnuplot's own tics stand too close there. */
static double round_step(const PlotAxis *axis) {
    double least = (axis->high - axis->low) / 5, decade = pow(10, floor(log10(least)));
    return least <= decade ? decade : least <= 2 * decade ? 2 * decade : least <= 5 * decade ? 5 * decade : 10 * decade;
}

/* Points are marked where there are few of them. */
static bool marks_points(const Plot *plot) {
    int most = 0;
    for (int r = 0; r < plot->run_count; r++)
        most = plot->runs[r].point_count > most ? plot->runs[r].point_count : most;
    return most <= FEW_POINTS && !plot->highlights;
}

/* One panel's curves: x is the column of the epoch (1) or the time (2), y that of the loss or a measure. */
static void add_curves(Text *text, const Plot *plot, int x, int y, const Marks *marks) {
    bool few = marks_points(plot);
    text_add(text, "plot ");
    for (int place = 0; place < plot->run_count; place++) {
        int r = drawn(plot, place);
        double width = line_width(plot, r);
        bool valid = false;
        for (int p = 0; p < plot->runs[r].point_count; p++) valid |= isfinite(plot->runs[r].points[p].valid_loss);
        const char *color = run_color(plot, r);
        text_add(text, "%s$run%d using %d:%d with %s lc rgb '%s' lw %.1f%s title %s noenhanced",
                 place ? ", \\\n     " : "", r, x, y, few ? "linespoints" : "lines", color, width,
                 few ? " pt 7 ps 0.45" : "", quoted(plot->arena, run_label(plot, r)));
        if (y == LOSS_COLUMN && valid && !is_grey(plot, r))
            text_add(text, ", \\\n     $run%d using %d:%d with lines lc rgb '%s' lw %.1f dt (9,5) notitle", r, x,
                     VALID_COLUMN, color, width * 0.8);
    }
    if (marks->kept)
        text_add(text, ", \\\n     $kept using %d:%d:4 with points lc rgb variable pt 6 ps 1.3 lw 2 notitle", x, y);
    if (y == LOSS_COLUMN && marks->diverged)
        text_add(text, ", \\\n     $diverged using %d:3:4 with points lc rgb variable pt 2 ps 0.9 lw 2 notitle", x);
    text_add(text, "\n");
}

static const char *subtitle(const Plot *plot, const Marks *marks) {
    const char *dashed = plot->has_valid ? ", validation loss dashed" : "";
    const char *circle = marks->kept ? "; a circle marks the epoch that is kept" : "";
    const char *cross = marks->diverged ? "; a cross marks where a run diverged" : "";
    const char *more = plot->more_measures ? text_format(plot->arena, "; the first %d measures", MOST_MEASURES) : "";
    if (plot->run_count == 1)
        return text_format(plot->arena, "%s: loss over the training rows%s%s%s%s", plot->runs[0].name, dashed, circle,
                           cross, more);
    return text_format(plot->arena, "loss over the training rows of %d runs%s%s%s%s", plot->run_count, dashed, circle,
                       cross, more);
}

void plot_script_style(Text *text, const char *title, const char *subtitle, int width, int height) {
    Arena *a = text->arena;
    text_add(text, "\nset encoding utf8\nset border 0\nset tics scale 0 nomirror textcolor rgb '#5F6368'\n"
                   "set xtics offset 0,0.2\nset ytics offset 0.6,0\n"
                   "set grid xtics ytics back lt 1 lc rgb '#E3E6EA' lw 0.8 dt solid\n"
                   "set format x '%%h'\nset format y '%%h'\nset clip two\nunset key\n");
    text_add(text, "set label 1 %s at screen %.4f, screen %.4f left font ',16' textcolor rgb '#202124'\n",
             quoted(a, text_format(a, "{/:Bold %s}", plain(a, title))), 22.0 / width, 1 - 24.0 / height);
    text_add(text, "set label 2 %s at screen %.4f, screen %.4f left noenhanced textcolor rgb '#5F6368'\n",
             quoted(a, subtitle), 22.0 / width, 1 - 48.0 / height);
}

/* gnuplot's own key breaks into columns when it is long, and each terminal has another idea of a line's
 * height: the legend is drawn from lines and labels. */
static void add_legend(Text *text, const Plot *plot, const Layout *l) {
    double y = l->top, line = (double)LEGEND_LINE / l->height, x = l->legend, end = x + 18.0 / l->width;
    bool marked = marks_points(plot);
    if (!l->has_legend) return;
    text_add(text, "# legend\n");
    if (plot->prefix) {
        text_add(text, "set label %s at screen %.4f, screen %.4f left noenhanced textcolor rgb '#5F6368'\n",
                 quoted(plot->arena, plot->prefix), x, y);
        y -= line;
    }
    for (int place = 0; place < legend_lines(plot); place++, y -= line) {
        int r = plot->highlights ? plot->order[place] : place;
        bool others = is_grey(plot, r);
        text_add(text,
                 "set arrow from screen %.4f, screen %.4f to screen %.4f, screen %.4f nohead lc rgb '%s' lw %.1f\n", x,
                 y, end, y, run_color(plot, r), line_width(plot, r));
        if (marked)
            text_add(text, "set label '' at screen %.4f, screen %.4f point pt 7 ps 0.45 lc rgb '%s'\n", (x + end) / 2,
                     y, run_color(plot, r));
        const char *label = others ? text_format(plot->arena, "%d others", plot->run_count - HIGHLIGHTED)
                                   : run_label(plot, r);
        text_add(text, "set label %s at screen %.4f, screen %.4f left noenhanced textcolor rgb '#3C4043'\n",
                 quoted(plot->arena, label), end + 7.0 / l->width, y);
    }
}

/* One row of panels, against the epoch and against the time: the loss or a measure. */
typedef struct PlotRow {
    const PlotAxis *axis;
    const char *name;
    int column;
} PlotRow;

static PlotRow row_of(const Plot *plot, int row) {
    if (row == 0) return (PlotRow){&plot->loss, "loss", LOSS_COLUMN};
    const PlotMeasure *measure = &plot->measures[row - 1];
    return (PlotRow){&measure->axis, measure->name, FIRST_MEASURE_COLUMN + row - 1};
}

/* The loss has a label at its axis, a measure, whose name may be long, a line above its panel. */
static void add_row_name(Text *text, const Plot *plot, int row, const char *name) {
    if (row == 0)
        text_add(text, "set ylabel 'loss' textcolor rgb '#3C4043' offset 0.4,0\n");
    else
        text_add(text, "set label 3 %s at graph 0, graph 1 left offset 0,0.9 noenhanced textcolor rgb '#3C4043'\n",
                 quoted(plot->arena, text_format(plot->arena, "%s over the %s rows", name,
                                                 plot->has_valid ? "validation" : "training")));
}

static void add_x_label(Text *text, const Plot *plot, int row, const char *label) {
    if (row == plot->measure_count)
        text_add(text, "set xlabel '%s' textcolor rgb '#3C4043' offset 0,0.3\n", label);
    else
        text_add(text, "unset xlabel\n");
}

static void add_row(Text *text, const Plot *plot, const Layout *l, const Marks *marks, int row) {
    PlotRow of = row_of(plot, row);
    PlotAxis axis = *of.axis;
    axis.tics = plot_script_tics(plot->arena, &axis, true);
    text_add(text, "set tmargin at screen %.4f\nset bmargin at screen %.4f\n", row_top(plot, l, row),
             row_bottom(plot, l, row));
    if (row) text_add(text, "set format y '%%h'\nset ytics %.9g\n", round_step(&axis));
    plot_script_axis(text, 'y', &axis);
    text_add(text, "\n# %s against epoch\nset lmargin at screen %.4f\nset rmargin at screen %.4f\n",
             text_shown(plot->arena, of.name), l->left, l->middle);
    if (row && plot->has_time) text_add(text, "unset logscale x\nset xtics autofreq\n");
    plot_script_axis(text, 'x', &plot->epoch);
    add_row_name(text, plot, row, of.name);
    add_x_label(text, plot, row, "epoch");
    if (row == 0 && !plot->has_time) add_legend(text, plot, l);
    add_curves(text, plot, 1, of.column, marks);
    if (plot->has_time) {
        text_add(text, "\n# %s against time\n", text_shown(plot->arena, of.name));
        text_add(text, row ? "unset label 3\n" : "unset label 1\nunset label 2\nunset ylabel\n");
        text_add(text, "set lmargin at screen %.4f\nset rmargin at screen %.4f\nset format y ''\n", l->middle_right,
                 l->right);
        if (axis.tics) text_add(text, "set ytics (%s)\n", plot_script_tics(plot->arena, &axis, false));
        plot_script_axis(text, 'x', &plot->time);
        add_x_label(text, plot, row, "time");
        if (row == 0) add_legend(text, plot, l);
        add_curves(text, plot, 2, of.column, marks);
    }
}

static void add_panels(Text *text, const Plot *plot, const Layout *l, const Marks *marks) {
    text_add(text, "\nset multiplot\n");
    for (int row = 0; row <= plot->measure_count; row++) {
        if (row == 1) text_add(text, "unset label\nunset arrow\nunset ylabel\n");
        if (row) text_add(text, "\n");
        add_row(text, plot, l, marks, row);
    }
    text_add(text, "unset multiplot\n");
}

/* A letter for each curve; of runs without a colour dots. */
static void add_terminal_curves(Text *text, const Plot *plot, int x, int y) {
    const char *and = "plot ";
    int letter = 0;
    for (int place = 0; place < plot->run_count; place++) {
        int r = drawn(plot, place);
        const char *color = run_color(plot, r), *label = run_label(plot, r);
        if (is_grey(plot, r)) {
            text_add(text, "%s$run%d using %d:%d with dots lc rgb '%s' notitle", and, r, x, y, color);
            and = ", ";
            continue;
        }
        if (plot->run_count == 1 && y == LOSS_COLUMN) label = "training";
        text_add(text, "%s$run%d using %d:%d with linespoints pt %d lc rgb '%s' title %s noenhanced", and, r, x, y,
                 ++letter, color, quoted(plot->arena, label));
        and = ", ";
        if (!plot->has_valid) continue;
        ++letter;
        if (y == LOSS_COLUMN)
            text_add(text, ", $run%d using %d:%d with points pt %d lc rgb '%s' title %s noenhanced", r, x, VALID_COLUMN,
                     letter, color,
                     quoted(plot->arena,
                            plot->run_count == 1 ? "validation" : text_format(plot->arena, "%s, validation", label)));
    }
    text_add(text, "\n");
}

/* Characters: one panel above the other, each a plot of its own. */
static void add_terminal_panels(Text *text, const Plot *plot, int columns, bool color) {
    PlotAxis loss = plot->loss;
    loss.tics = plot_script_tics(plot->arena, &loss, true);
    text_add(text,
             "set terminal dumb %s size %d,20 aspect 1\nset encoding utf8\nset border 3\nset tics scale 0 nomirror\n",
             color ? "ansi256" : "mono", columns);
    text_add(text, plot->run_count > 1 || plot->has_valid
                       ? "set key outside right top vertical Left reverse samplen 1 spacing 1 noautotitle\n"
                       : "unset key\n");
    for (int x = 1; x <= (plot->has_time ? 2 : 1); x++) {
        text_add(text, "set title %s noenhanced\n",
                 quoted(plot->arena,
                        text_format(plot->arena, "%s: loss against %s", plot->title, x == 1 ? "epoch" : "time")));
        plot_script_axis(text, 'y', &loss);
        plot_script_axis(text, 'x', x == 1 ? &plot->epoch : &plot->time);
        add_terminal_curves(text, plot, x, LOSS_COLUMN);
    }
    if (plot->run_count == 1) text_add(text, "unset key\n");
    if (plot->has_time) text_add(text, "unset logscale x\nset xtics autofreq\n");
    for (int m = 0; m < plot->measure_count; m++) {
        PlotAxis axis = plot->measures[m].axis;
        axis.tics = plot_script_tics(plot->arena, &axis, true);
        text_add(
            text, "set ytics autofreq\nset title %s noenhanced\n",
            quoted(plot->arena, text_format(plot->arena, "%s: %s against epoch", plot->title, plot->measures[m].name)));
        plot_script_axis(text, 'y', &axis);
        plot_script_axis(text, 'x', &plot->epoch);
        add_terminal_curves(text, plot, 1, FIRST_MEASURE_COLUMN + m);
    }
}

char *plot_script(const Plot *plot, PlotFormat format, const char *output, int columns, bool color) {
    Text text = text_new(plot->arena);
    if (format == PLOT_SCRIPT)
        text_add(&text, "# Loss curves of %s. gnuplot %s.gp draws %s.svg.\n", text_shown(plot->arena, plot->title),
                 text_shown(plot->arena, path_stem(plot->arena, output)),
                 text_shown(plot->arena, path_stem(plot->arena, output)));
    if (format == PLOT_TERMINAL) {
        add_data(&text, plot);
        add_terminal_panels(&text, plot, columns, color);
        return text.bytes;
    }
    Layout layout = lay_out(plot);
    plot_script_terminal(&text, format, layout.width, layout.height, output);
    add_data(&text, plot);
    Marks marks = {.diverged = add_diverged(&text, plot), .kept = add_kept(&text, plot)};
    plot_script_style(&text, plot->title, subtitle(plot, &marks), layout.width, layout.height);
    add_panels(&text, plot, &layout, &marks);
    return text.bytes;
}
