/* The trees of `stop`, the figure of `keep` and those of plateaus, evaluated on what an epoch reported.
 *
 * A figure that is not known (valid.loss without validation rows) is NaN, and every comparison with it is false;
 * lowering refuses names that no run can have. Each stalled(figure, n) remembers its best value and the epoch of
 * that; its memory is indexed by its place in the tree, left to right. A tree that asks for `seconds` is looked at
 * between epochs too, where stalled(...) is as it was at the end of the last one.
 */
#include "driver/training.h"
#include "plateau.h"
#include <math.h>
#include <string.h>

int watch_count_stalled(const Watch *watch) {
    if (!watch) return 0;
    return (watch->kind == WATCH_STALLED) + watch_count_stalled(watch->left) + watch_count_stalled(watch->right);
}

static const char *validation_of(const char *figure) {
    return figure && strncmp(figure, "valid.", 6) == 0 ? figure : NULL;
}

static const char *validation_in(const Watch *watch) {
    if (!watch) return NULL;
    const char *own = validation_of(watch->figure), *left = own ? own : validation_in(watch->left);
    return left ? left : validation_in(watch->right);
}

const char *watch_validation(const Run *run) {
    const char *found = validation_of(run->keep_figure);
    if (!found) found = validation_in(run->stop);
    for (int i = 0; i < run->plateau_count && !found; i++) found = validation_of(run->plateaus[i].figure);
    return found;
}

double watch_figure(const Run *run, const Figures *figures, const char *name) {
    const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;
    if (strcmp(name, "epoch") == 0) return (double)figures->epoch;
    if (strcmp(name, "step") == 0) return (double)figures->step;
    if (strcmp(name, "train.loss") == 0) return figures->train_loss;
    if (strcmp(name, "valid.loss") == 0) return figures->valid_loss;
    for (int m = 0; m < run->measure_count; m++)
        if (strcmp(run->measures[m].name, last) == 0) return figures->metrics[m];
    for (int i = 0; i < run->term_count; i++)
        if (strcmp(run->terms[i].name, last) == 0) return figures->terms[i];
    return NAN;
}

/* How a tree is looked at. */
typedef struct Moment {
    Training *t;
    bool epoch_ends; /* stalled() remembers */
    double seconds;
    int place; /* of the next stalled() */
} Moment;

static double value_of(const Moment *m, const Watch *watch) {
    if (watch->kind == WATCH_NUMBER) return watch->number;
    return strcmp(watch->figure, "seconds") == 0 ? m->seconds : watch_figure(m->t->run, &m->t->now, watch->figure);
}

static bool stalled(const Moment *m, const Watch *watch, int place) {
    Training *t = m->t;
    double value = watch_figure(t->run, &t->now, watch->figure), *best = &t->stalled_best[place];
    bool better = watch->highest ? value > *best : value < *best;
    if (m->epoch_ends && (isnan(*best) ? !isnan(value) : better)) {
        *best = value;
        t->stalled_epoch[place] = t->now.epoch;
    }
    return (double)(t->now.epoch - t->stalled_epoch[place]) >= watch->number;
}

/* Both sides are always evaluated: a stalled() must see every epoch. */
static bool holds(Moment *m, const Watch *watch) {
    switch (watch->kind) {
    case WATCH_NUMBER:
    case WATCH_FIGURE: return value_of(m, watch) != 0;
    case WATCH_EVERY: return false; /* of updates: part.c */
    case WATCH_STALLED: return stalled(m, watch, m->place++);
    case WATCH_NOT: return !holds(m, watch->left);
    case WATCH_AND:
    case WATCH_OR: {
        bool left = holds(m, watch->left), right = holds(m, watch->right);
        return watch->kind == WATCH_AND ? left && right : left || right;
    }
    case WATCH_LT: return value_of(m, watch->left) < value_of(m, watch->right);
    case WATCH_LE: return value_of(m, watch->left) <= value_of(m, watch->right);
    case WATCH_GT: return value_of(m, watch->left) > value_of(m, watch->right);
    case WATCH_GE: return value_of(m, watch->left) >= value_of(m, watch->right);
    }
    return false;
}

bool watch_holds(Training *t, const Watch *watch) {
    Moment now = {t, true, clock_seconds() - t->began, 0};
    return watch && holds(&now, watch);
}

bool watch_asks_for_seconds(const Watch *watch) {
    if (!watch) return false;
    if (watch->kind == WATCH_FIGURE && strcmp(watch->figure, "seconds") == 0) return true;
    return watch_asks_for_seconds(watch->left) || watch_asks_for_seconds(watch->right);
}

bool watch_clock_decides(Training *t, const Watch *watch) {
    if (!watch_asks_for_seconds(watch)) return false;
    Moment now = {t, false, clock_seconds() - t->began, 0}, start = {t, false, 0, 0};
    return holds(&now, watch) && !holds(&start, watch);
}

void watch_plateaus(Training *t) {
    const Run *run = t->run;
    for (int i = 0; i < run->plateau_count; i++) {
        const Plateau *p = &run->plateaus[i];
        char *state = t->state;
        sgdrt_plateau_see((double *)(state + run->cells[p->factor].offset),
                          (double *)(state + run->cells[p->best].offset),
                          (double *)(state + run->cells[p->waited].offset), watch_figure(run, &t->now, p->figure),
                          p->highest, p->epochs, p->by);
    }
}
