/* --find-lr: one learning rate for a run, by a range test (Smith, Cyclical Learning Rates for Training Neural Networks,
 * 2017, arXiv:1506.01186): the run's own steps, with its optimizer and mini-batches, from where it begins, while the rate
 * grows from 1e-9 on by a factor of 10 in 24 steps.
 *
 * After each step the loss of the same rows is taken, without dropout, so that the curve shows the rate and not which rows
 * a mini-batch had. At rates that are too low it stays, then falls, then rises. Two rules are in use for where to be: at
 * the steepest fall, and at a tenth of where the loss rises. The first is low for optimizers that scale the gradient, such
 * as adam, the second is high for single rows; the answer is the middle of both, their geometric mean. A schedule is
 * replaced by the rate of the test: the answer is for where the schedule is highest.
 *
 * Plain gradient descent on a quadratic diverges from 2/L on (quadratic.c): with all rows in a step the answer is 1/L,
 * with mini-batches it is at most that.
 *
 * No clock and no library's function but sqrt decides anything: the same bits on every machine.
 */
#include "driver/find_lr.h"
#include "driver/plot_figure.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_PER_DECADE = 24, MOST_STEPS = 14 * STEPS_PER_DECADE, MOST_ROWS = 2000, HALF_WINDOW = 2 };
static const double first_rate = 1e-9, growth = 0x1.19c717dc6d128p+0; /* 10^(1/24) */
/* Of the fall: when so much of it is lost again the loss rises for good, and before it has its steepest fall. */
static const double rise_of_fall = 0.25, bump_of_fall = 0.1;

/* ---- the test ----------------------------------------------------------------------------------- */
static void set_rate(Training *t, const Slot *slot, double rate) {
    char *at = (char *)t->state + slot->offset;
    if (slot->dtype == DTYPE_F64)
        memcpy(at, &rate, sizeof rate);
    else
        memcpy(at, &(float){(float)rate}, sizeof(float));
}

/* Rows spread over all that train. */
static RowSet sample_rows(const Training *t) {
    const RowSet *all = &t->data->train;
    int64_t count = all->count < MOST_ROWS ? all->count : MOST_ROWS;
    uint32_t *rows = arena_array(t->driver->arena, uint32_t, count + 1);
    for (int64_t i = 0; i < count; i++) {
        int64_t place = i * all->count / count;
        rows[i] = all->rows ? all->rows[place] : (uint32_t)place;
    }
    return (RowSet){all->table, rows, count};
}

/* Until the loss is far above where it began. */
static void take_steps(Training *t, RateTest *test, const Slot *slot) {
    RowSet rows = sample_rows(t);
    double rate = first_rate;
    test->begin = test->least = evaluate_rows(t, &rows, NULL);
    for (; test->count < MOST_STEPS && isfinite(test->begin); rate *= growth) {
        memset(t->sums, 0, sizeof *t->sums * (size_t)run_sums(t->run));
        set_rate(t, slot, rate);
        training_call_steps(t, 1, NULL);
        double loss = evaluate_rows(t, &rows, NULL);
        test->rates[test->count] = rate;
        test->losses[test->count++] = divergence_happened(t) ? INFINITY : loss;
        if (!(loss - test->begin <= fmax(test->begin - test->least, fabs(test->begin) / 4)) || divergence_happened(t))
            return;
        test->least = fmin(test->least, loss);
    }
}

/* ---- reading the curve ------------------------------------------------------------------------------ */
/* The mean of a few steps around. */
static double smoothed(const RateTest *test, int at) {
    double sum = 0;
    int count = 0;
    for (int i = at - HALF_WINDOW; i <= at + HALF_WINDOW; i++)
        if (i >= 0 && i < test->count) {
            sum += test->losses[i];
            count++;
        }
    return sum / count;
}

/* The step at which the loss has risen by such a part of its fall; the number of steps if it does not. */
static int find_rise(const RateTest *test, double part) {
    double least = test->begin;
    for (int i = 0; i < test->count; i++) {
        double loss = smoothed(test, i);
        if (!(loss - least <= fmax(part * (test->begin - least), 1e-3 * fabs(test->begin)))) return i;
        least = fmin(least, loss);
    }
    return test->count;
}

static int find_fastest(const RateTest *test) {
    int fastest = 0, end = find_rise(test, bump_of_fall);
    double most = 0;
    for (int i = 0; i < end; i++) {
        double fall = smoothed(test, i > 0 ? i - 1 : 0) - smoothed(test, i + 1 < test->count ? i + 1 : i);
        if (!(fall > most)) continue;
        most = fall;
        fastest = i;
    }
    return most > 1e-6 * fabs(test->begin) ? fastest : -1;
}

static void choose(RateTest *test) {
    int rise = find_rise(test, rise_of_fall), fastest = find_fastest(test);
    test->rise = rise < test->count ? test->rates[rise] : NAN;
    test->fastest = test->rate = NAN;
    if (fastest >= 0) {
        test->fastest = test->rates[fastest];
        test->rate = isnan(test->rise) ? test->fastest : sqrt(test->fastest * (test->rise / 10));
    }
    if (test->t->batch == test->t->data->train.count && !isnan(test->limit)) test->rate = test->limit / 2;
    if (test->rate > test->limit / 2) test->rate = test->limit / 2;
}

RateTest find_lr_test(Training *t) {
    Arena *arena = t->driver->arena;
    RateTest test = {.t = t, .fastest = NAN, .rise = NAN, .limit = NAN, .rate = NAN};
    int slot = rate_slot(t->run);
    test.rates = arena_array(arena, double, MOST_STEPS);
    test.losses = arena_array(arena, double, MOST_STEPS);
    if (slot < 0) return test;
    if (isfinite(t->run->quadratic_lr)) test.limit = 2 / quadratic_curvature(t);
    take_steps(t, &test, &t->run->slots[slot]);
    choose(&test);
    return test;
}

/* ---- printing ----------------------------------------------------------------------------------- */
static bool has_rates(const Run *run) {
    for (int i = 0; i < run->slot_count; i++)
        if (!strncmp(run->slots[i].name, "lr@", 3)) return true;
    return false;
}

/* Two digits. */
static const char *shown_rate(const RateTest *test, double rate) {
    Arena *arena = test->t->driver->arena;
    return text_format(arena, "%g", strtod(text_format(arena, "%.1e", rate), NULL));
}

static void print_reason(const RateTest *test, FILE *to) {
    const char *fastest = shown_rate(test, test->fastest), *rise = shown_rate(test, test->rise);
    bool at_limit = test->rate == test->limit / 2;
    if (at_limit) fprintf(to, "1/L of this quadratic, which diverges from 2/L = %.3g on; ", test->limit);
    if (isnan(test->fastest))
        fprintf(to, "in the test no rate makes the loss fall\n");
    else if (isnan(test->rise))
        fprintf(to, "the loss falls fastest at %s, and rises at no rate\n", fastest);
    else if (at_limit)
        fprintf(to, "in the test the loss falls fastest at %s and rises from %s on\n", fastest, rise);
    else
        fprintf(to,
                "the loss falls fastest at %s and rises from %s on: the middle of the one and a tenth of the other\n",
                fastest, rise);
}

void find_lr_print(const RateTest *test, FILE *to) {
    const Run *run = test->t->run;
    fprintf(to, "%s: ", run->name);
    if (rate_slot(run) < 0)
        fprintf(to, "no rate: %s\n",
                has_rates(run) ? "its parts have rates of their own, and the test is of one"
                               : "its optimizer has none");
    else if (!isfinite(test->begin))
        fprintf(to, "no rate: its loss is not finite before the first step\n");
    else if (isnan(test->rate))
        fprintf(to, "no rate: in the test none makes the loss fall from %.4g\n", test->begin);
    else {
        fprintf(to, "lr = %s: ", shown_rate(test, test->rate));
        print_reason(test, to);
    }
}

/* ---- the curves --------------------------------------------------------------------------------- */
/* The steps that are drawn: from a decade before the loss moves to where it is far above the beginning. */
typedef struct Drawn {
    int first, count;
} Drawn;

static Drawn drawn_of(const RateTest *test) {
    double fall = test->begin - test->least, most = test->begin + fmax(fall, fabs(test->begin) / 4);
    int first = 0, end = test->count;
    while (end && !(test->losses[end - 1] <= most)) end--;
    while (first < end && fabs(test->losses[first] - test->begin) <= fall / 1000) first++;
    first = first > STEPS_PER_DECADE ? first - STEPS_PER_DECADE : 0;
    return (Drawn){first, end - first};
}

/* Logarithmic, as losses of training are drawn, where they are positive and span a factor of 10. */
static bool spans_decade(const RateTest *tests, int count) {
    double low = INFINITY, high = 0;
    for (int i = 0; i < count; i++) {
        low = fmin(low, tests[i].least);
        high = fmax(high, tests[i].begin);
    }
    return low > 0 && high > 10 * low;
}

bool find_lr_plot(Driver *driver, const RateTest *tests, int count) {
    Arena *arena = driver->arena;
    PlotSeries *series = arena_array(arena, PlotSeries, count + 1);
    PlotMark *marks = arena_array(arena, PlotMark, count + 1);
    PlotFigure figure = {.title = driver->program->stem,
                         .subtitle = "loss after steps of a growing learning rate",
                         .x = "learning rate",
                         .y = "loss",
                         .key = "left bottom",
                         .linear_y = !spans_decade(tests, count),
                         .series = series,
                         .marks = marks};
    for (int i = 0; i < count; i++) {
        const RateTest *test = &tests[i];
        Drawn drawn = drawn_of(test);
        if (!drawn.count) continue;
        series[figure.series_count++] = (PlotSeries){
            test->t->run->name, test->rates + drawn.first, test->losses + drawn.first, drawn.count, PLOT_CURVE, i};
        if (!isnan(test->rate)) marks[figure.mark_count++] = (PlotMark){test->rate, shown_rate(test, test->rate), i};
    }
    return plot_figure_write(driver, &figure);
}
