/* curves: the losses over all training rows as points, taken while runs train, for plots, pages and the comparison of runs. */
#include "driver/training.h"
#include <math.h>

enum { CURVE_POINTS = 60, MOST_POINTS = 1000 };

/* How often a curve is sampled: an evaluation of the training rows each time. Enough points to see the curve,
 * fewer where the rows times the numbers of the model make that dear; never fewer than one an epoch. */
static int64_t curve_interval(const Training *t) {
    double numbers = 1, epochs = (double)t->planned / (double)t->steps_per_epoch;
    for (int i = 0; i < t->run->cell_count; i++)
        if (t->run->cells[i].kind == CELL_PARAMETER) numbers += (double)shape_size(t->run->cells[i].shape);
    double cost = numbers * (double)(t->data->train.count + t->data->valid.count);
    double affordable = 3e8 / cost, points = CURVE_POINTS;
    if (points > affordable) points = affordable;
    if (points < epochs) points = epochs < MOST_POINTS / 4 ? epochs : MOST_POINTS / 4;
    int64_t every = (int64_t)((double)t->planned / points);
    return every < 1 ? 1 : every;
}

void curves_plan(Training *t, int more, bool measures) {
    Arena *arena = t->driver->arena;
    t->point_every = curve_interval(t);
    t->point_capacity = (int)(t->planned / t->point_every) + 3 + more;
    t->points = arena_array(arena, PlotPoint, t->point_capacity);
    if (measures) t->point_measures = arena_array(arena, double, t->point_capacity * t->run->measure_count + 1);
}

void curves_take(Training *t) {
    const sgdrt_header *header = training_header(t);
    if (!t->points || t->point_count == t->point_capacity) return;
    PlotPoint point = {.step = (int64_t)header->step, .seconds = t->now.seconds, .valid_loss = NAN};
    if (t->point_count && t->points[t->point_count - 1].step == point.step) return;
    point.epoch = (double)point.step / (double)t->steps_per_epoch;
    double *measures = t->point_measures ? t->point_measures + (ptrdiff_t)t->point_count * t->run->measure_count : NULL;
    point.train_loss = evaluate_rows(t, &t->data->train, t->data->valid.count ? NULL : measures);
    if (t->data->valid.count) point.valid_loss = evaluate_rows(t, &t->data->valid, measures);
    point.measures = measures;
    t->points[t->point_count++] = point;
}

PlotRun *curves_of(Arena *arena, Training *const *trainings, int count) {
    PlotRun *runs = arena_array(arena, PlotRun, count + 1);
    for (int i = 0; i < count; i++) {
        const Training *t = trainings[i];
        const char **measures = arena_array(arena, const char *, t->run->measure_count + 1);
        for (int m = 0; m < t->run->measure_count; m++) measures[m] = t->run->measures[m].name;
        runs[i] = (PlotRun){t->run->name, t->points, t->point_count, t->best_epoch, measures, t->run->measure_count};
    }
    return runs;
}
