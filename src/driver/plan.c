/* plan: what is known of a training before its first step: which rows a step takes, how many steps there are, and the memory of
 * all runs: one block for the state of each (and copies of it, to look back to the last good step and to keep the best), one
 * that they share for work, rows and kept arguments.
 */
#include "driver/seeing.h"
#include "driver/training.h"
#include "large_pages.h"
#include <math.h>
#include <stdlib.h>

/* Nothing is known yet. */
static void plan_figures(Arena *arena, const Run *run, Figures *figures) {
    *figures = (Figures){.terms = arena_array(arena, double, run->term_count + 1),
                         .metrics = arena_array(arena, double, run->measure_count + 1),
                         .train_loss = NAN,
                         .valid_loss = NAN};
    for (int i = 0; i < run->term_count; i++) figures->terms[i] = NAN;
    for (int m = 0; m < run->measure_count; m++) figures->metrics[m] = NAN;
}

/* hold_out of few rows may be none. */
static bool check_validation(Driver *driver, const Training *t) {
    const Run *run = t->run;
    const char *watched = watch_validation(run);
    long long rows = (long long)t->data->train.count;
    if (t->data->valid.count > 0 || run->hold_out == HOLD_OUT_NONE) return true;
    if (run->folds) {
        Diagnostic *empty = report(driver->diagnostics, CODE_E0425, run->span, "%s has no row: %lld row%s for %d folds",
                                   run->name, rows, rows == 1 ? "" : "s", run->folds);
        add_help(driver->diagnostics, empty, "at most as many folds as rows: folds(%lld) holds out one at a time",
                 rows);
        return false;
    }
    if (!watched) {
        report(driver->diagnostics, CODE_W0313, run->span,
               "%s: hold_out = %g of %lld row%s is less than half a row, so "
               "none validates",
               run->name, run->hold_out_part, rows, rows == 1 ? "" : "s");
        return true;
    }
    Diagnostic *d = report(driver->diagnostics, CODE_E0424, run->span,
                           "%s: %s is watched, but no row validates: hold_out "
                           "= %g of %lld row%s is none",
                           run->name, watched, run->hold_out_part, rows, rows == 1 ? "" : "s");
    add_help(driver->diagnostics, d,
             "hold out more of them, validate on other data (valid = ...), or watch train.loss");
    return false;
}

bool training_plan(Training *t, bool curves) {
    Driver *driver = t->driver;
    const Run *run = t->run;
    if (!check_validation(driver, t)) return false;
    if (run->batch > t->data->train.count) {
        if (run->last == LAST_DROP) {
            report(driver->diagnostics, CODE_E0423, run->batch_span,
                   "%s: last = drop leaves no mini-batch, as %lld rows do not "
                   "fill one of %lld",
                   run->name, (long long)t->data->train.count, (long long)run->batch);
            return false;
        }
        if (!driver->options->overfit)
            report(driver->diagnostics, CODE_W0310, run->batch_span,
                   "%s: a batch of %lld rows is more than the %lld it trains on", run->name, (long long)run->batch,
                   (long long)t->data->train.count);
    }
    t->feed = sgdrt_feed_of(t->data->train.count, t->data->train.rows, run->batch, (int)run->order, (int)run->last,
                            run->seed);
    t->batch = t->feed.batch;
    t->steps_per_epoch = t->feed.steps;
    training_plan_sets(t);
    t->planned = sgdrt_feed_planned(&t->feed, run->epochs, run->steps);
    if (curves) {
        t->film = films_wanted(driver->options) ? film_new(t) : NULL;
        curves_plan(t, film_capacity(t->film), driver->options->plot || driver->options->report);
    }
    plan_figures(driver->arena, run, &t->now);
    plan_figures(driver->arena, run, &t->best_at);
    t->sums = arena_array(driver->arena, double, run_sums(run) + 1);
    t->sums_before = arena_array(driver->arena, double, run_sums(run) + 1);
    t->reported_sums = arena_array(driver->arena, double, run_sums(run) + 1);
    t->evaluated = arena_array(driver->arena, double, run_sums(run) + 1);
    t->evaluated_part = arena_array(driver->arena, double, run_sums(run) + 1);
    int stalled = watch_count_stalled(run->stop);
    t->stalled_best = arena_array(driver->arena, double, stalled + 1);
    t->stalled_epoch = arena_array(driver->arena, int64_t, stalled + 1);
    for (int i = 0; i < stalled; i++) t->stalled_best[i] = NAN;
    return true;
}

/* The most rows of one evaluation: curves look at the training rows as well. */
static int64_t evaluated_rows(const Training *t) {
    int64_t train = t->data->train.count, valid = t->data->valid.count;
    return valid > train || (valid && !t->points) ? valid : train;
}

static int kept_count(const Run *run) {
    int count = 0;
    for (int m = 0; m < run_measures(run); m++) count += run->measures[m].argument_count;
    return count;
}

void *training_place_memory(Driver *driver, Training **trainings, int count, size_t *bytes) {
    size_t states = 0, work = 0, rows = 0, kept = 0;
    for (int i = 0; i < count; i++) {
        Training *t = trainings[i];
        states += round_to_line(t->run->state_bytes) * (t->run->keep_figure ? 3 : 2);
        size_t of_rows = round_to_line((size_t)sgdrt_feed_capacity(&t->feed) * sizeof(uint32_t));
        size_t of_work = round_to_line(t->executor->work_bytes);
        if (t->rate && round_to_line(t->rate->work_bytes) > of_work) of_work = round_to_line(t->rate->work_bytes);
        size_t of_kept = evaluate_kept_bytes(t->run, evaluated_rows(t));
        if (of_rows > rows) rows = of_rows;
        if (of_work > work) work = of_work;
        if (of_kept > kept) kept = of_kept;
    }
    *bytes = states + work + rows + kept;
    char *memory = aligned_alloc(64, round_to_line(*bytes) + 64), *at = memory;
    if (!memory) {
        driver_complain(driver, "training needs %zu bytes of memory, and they cannot be had", *bytes);
        return NULL;
    }
    sgdrt_prefer_large_pages(memory, *bytes);
    char *shared = memory + states;
    for (int i = 0; i < count; i++) {
        Training *t = trainings[i];
        size_t state = round_to_line(t->run->state_bytes);
        t->state = at;
        t->snapshot = at + state;
        t->best = t->run->keep_figure ? at + 2 * state : NULL;
        at += state * (t->best ? 3 : 2);
        t->work = shared;
        t->rows = (uint32_t *)(shared + work);
        t->row_capacity = sgdrt_feed_capacity(&t->feed);
        t->kept = arena_array(driver->arena, void *, kept_count(t->run) + 1);
        t->outputs = arena_array(driver->arena, void *, kept_count(t->run) + 1);
        t->arguments = arena_array(driver->arena, sgdrt_column, kept_count(t->run) + 1);
        evaluate_place_kept(t->run, evaluated_rows(t), shared + work + rows, t->kept);
    }
    return memory;
}
