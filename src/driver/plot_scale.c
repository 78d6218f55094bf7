/* plot_scale: what the axes show.
 *
 * Loss is drawn logarithmically when it spans more than a factor of 10, and a run that diverges does not
 * squeeze the others: the axis ends a little above the largest loss that any run began with. A measure, which is
 * mostly a rate between 0 and 1, is drawn logarithmically only beyond a factor of 100. Time is always logarithmic, since the runs of one program differ by orders of magnitude, and its tics are in units people
 * read.
 */
#include "driver/plot_internal.h"
#include <math.h>
#include <string.h>

enum { MOST_COLORED = 7 };

typedef struct AxisRange {
    double low, high;
} AxisRange;

static void range_add(AxisRange *range, double value) {
    if (!isfinite(value)) return;
    if (value < range->low) range->low = value;
    if (value > range->high) range->high = value;
}

static bool range_is_empty(AxisRange range) { return range.low > range.high; }

static AxisRange range_none(void) { return (AxisRange){INFINITY, -INFINITY}; }

/* The losses worth showing: all, but for what a diverging run does after its beginning. */
static AxisRange loss_range(const Plot *plot) {
    AxisRange all = range_none(), first = range_none();
    for (int r = 0; r < plot->run_count; r++) {
        const PlotRun *run = &plot->runs[r];
        bool begun = false;
        for (int p = 0; p < run->point_count; p++) {
            range_add(&all, run->points[p].train_loss);
            range_add(&all, run->points[p].valid_loss);
            if (!begun) {
                range_add(&first, run->points[p].train_loss);
                range_add(&first, run->points[p].valid_loss);
            }
            begun |= isfinite(run->points[p].train_loss);
        }
    }
    if (range_is_empty(all)) return (AxisRange){0, 1};
    double most = first.high > 0 ? 3 * first.high : all.high;
    if (all.high > 10 * most && most > all.low) all.high = most;
    return all;
}

/* Logarithmic if the values span more than such a factor. */
static PlotAxis value_axis(AxisRange range, double factor) {
    PlotAxis axis = {.low = range.low, .high = range.high};
    axis.logarithmic = range.low > 0 && range.high / range.low > factor;
    if (axis.logarithmic) {
        double margin = pow(range.high / range.low, 0.05);
        axis.low /= margin;
        axis.high *= margin;
        return axis;
    }
    double margin = 0.06 * (range.high - range.low);
    if (margin <= 0) margin = range.high != 0 ? 0.1 * fabs(range.high) : 1;
    axis.low = range.low >= 0 && range.low < 0.25 * range.high ? 0 : range.low - margin;
    axis.high = range.high + margin;
    return axis;
}

/* "2 min", "500 us" */
static const char *time_text(Arena *arena, double seconds) {
    static const struct {
        double unit;
        const char *name;
    } units[] = {{3600, "h"}, {60, "min"}, {1, "s"}, {1e-3, "ms"}, {1e-6, "\xC2\xB5s"}, {1e-9, "ns"}};
    size_t u = 0;
    while (u + 1 < sizeof units / sizeof *units && seconds < units[u].unit * 0.999) u++;
    return text_format(arena, "%.3g %s", seconds / units[u].unit, units[u].name);
}

/* Steps of people's time: 1, 10 and 100 of a unit, then seconds, minutes, hours. With `fine`, 2 and 5 as
 * well. */
static const char *time_tics(Arena *arena, double low, double high, bool fine) {
    static const double steps[] = {1, 10, 60, 600, 3600, 36000, 360000};
    static const double between[] = {2, 5, 20, 30, 120, 300, 1200, 1800, 7200, 18000};
    Text tics = text_new(arena);
    for (double decade = 1e-9; decade < 0.5; decade *= 10)
        for (int k = 0; k < (fine ? 3 : 1); k++) {
            double at = decade * (k == 0 ? 1 : k == 1 ? 2 : 5);
            if (at >= low && at <= high)
                text_add(&tics, "%s'%s' %.9g", tics.length ? ", " : "", time_text(arena, at), at);
        }
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (steps[i] >= low && steps[i] <= high)
            text_add(&tics, "%s'%s' %.9g", tics.length ? ", " : "", time_text(arena, steps[i]), steps[i]);
    for (size_t i = 0; fine && i < sizeof between / sizeof *between; i++)
        if (between[i] >= low && between[i] <= high)
            text_add(&tics, "%s'%s' %.9g", tics.length ? ", " : "", time_text(arena, between[i]), between[i]);
    return tics.bytes;
}

/* Is the point in the panel? The other axes end where a diverging run has left it. */
static bool is_shown(const Plot *plot, const PlotPoint *point) {
    return point->train_loss <= plot->loss.high || point->valid_loss <= plot->loss.high;
}

static PlotAxis time_axis(Plot *plot) {
    AxisRange range = range_none();
    for (int r = 0; r < plot->run_count; r++)
        for (int p = 0; p < plot->runs[r].point_count; p++) {
            const PlotPoint *point = &plot->runs[r].points[p];
            if (point->seconds > 0 && is_shown(plot, point)) range_add(&range, point->seconds);
        }
    plot->has_time = !range_is_empty(range);
    if (!plot->has_time) return (PlotAxis){.low = 0.1, .high = 1, .logarithmic = true};
    double margin = pow(range.high / range.low, 0.04);
    if (margin < 1.05) margin = 1.5;
    PlotAxis axis = {.low = range.low / margin, .high = range.high * margin, .logarithmic = true};
    axis.tics = time_tics(plot->arena, axis.low, axis.high, axis.high / axis.low < 100);
    return axis;
}

static PlotAxis epoch_axis(const Plot *plot) {
    AxisRange range = range_none();
    for (int r = 0; r < plot->run_count; r++)
        for (int p = 0; p < plot->runs[r].point_count; p++)
            if (is_shown(plot, &plot->runs[r].points[p])) range_add(&range, plot->runs[r].points[p].epoch);
    if (range_is_empty(range)) return (PlotAxis){.low = 0, .high = 1};
    double margin = range.high > range.low ? 0.02 * (range.high - range.low) : 0.5;
    return (PlotAxis){.low = range.low - margin, .high = range.high + margin};
}

double plot_measure(const PlotRun *run, const PlotPoint *point, const char *name) {
    for (int m = 0; m < run->measure_count && point->measures; m++)
        if (strcmp(run->measures[m], name) == 0) return point->measures[m];
    return NAN;
}

/* Of what a run measures after it has left the panel of the loss nothing is shown. */
static PlotAxis measure_axis(const Plot *plot, const char *name) {
    AxisRange range = range_none();
    for (int r = 0; r < plot->run_count; r++)
        for (int p = 0; p < plot->runs[r].point_count; p++) {
            const PlotPoint *point = &plot->runs[r].points[p];
            if (is_shown(plot, point)) range_add(&range, plot_measure(&plot->runs[r], point, name));
        }
    return value_axis(range_is_empty(range) ? (AxisRange){0, 1} : range, 100);
}

static void add_measure(Plot *plot, const char *name) {
    for (int m = 0; m < plot->measure_count; m++)
        if (strcmp(plot->measures[m].name, name) == 0) return;
    if (plot->measure_count == MOST_MEASURES)
        plot->more_measures = true;
    else
        plot->measures[plot->measure_count++] = (PlotMeasure){name, measure_axis(plot, name)};
}

/* "sweep" of "sweep lr=0.1", if all runs begin with it and say more. */
static const char *shared_prefix(const Plot *plot) {
    size_t length = plot->run_count > 1 ? strcspn(plot->runs[0].name, " ") : 0;
    for (int r = 0; r < plot->run_count; r++)
        if (strncmp(plot->runs[r].name, plot->runs[0].name, length) || plot->runs[r].name[length] != ' ' ||
            !plot->runs[r].name[length + 1])
            return NULL;
    return length ? text_format(plot->arena, "%.*s", (int)length, plot->runs[0].name) : NULL;
}

const PlotPoint *plot_result(const PlotRun *run) {
    const PlotPoint *result = NULL;
    for (int p = 0; p < run->point_count; p++) {
        const PlotPoint *point = &run->points[p];
        if (!isfinite(point->train_loss)) continue;
        if (run->kept_epoch && point->epoch > (double)run->kept_epoch) break;
        result = point;
    }
    return result;
}

/* What the run has come to: the loss over validation rows where all have them. */
static double result_loss(const Plot *plot, int run) {
    const PlotRun *r = &plot->runs[run];
    const PlotPoint *result = plot_result(r);
    if (!result || (!r->kept_epoch && result != &r->points[r->point_count - 1])) return INFINITY; /* it diverged */
    return isfinite(result->valid_loss) ? result->valid_loss : result->train_loss;
}

static const int *order_of(const Plot *plot) {
    int *order = arena_array(plot->arena, int, plot->run_count + 1);
    for (int r = 0; r < plot->run_count; r++) {
        int at = r;
        for (; at > 0 && result_loss(plot, r) < result_loss(plot, order[at - 1]); at--) order[at] = order[at - 1];
        order[at] = r;
    }
    return order;
}

void plot_scale(Plot *plot) {
    plot->order = order_of(plot);
    plot->highlights = plot->run_count > MOST_COLORED;
    plot->loss = value_axis(loss_range(plot), 10);
    plot->epoch = epoch_axis(plot);
    plot->time = time_axis(plot);
    plot->prefix = shared_prefix(plot);
    for (int r = 0; r < plot->run_count; r++)
        for (int m = 0; m < plot->runs[r].measure_count; m++) add_measure(plot, plot->runs[r].measures[m]);
    plot->has_valid = false;
    for (int r = 0; r < plot->run_count; r++)
        for (int p = 0; p < plot->runs[r].point_count; p++)
            plot->has_valid |= isfinite(plot->runs[r].points[p].valid_loss);
}
