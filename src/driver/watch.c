/* The trees of `stop` and the figure of `keep`, evaluated on what an epoch reported.
 *
 * A figure that is not known (valid.loss without validation rows) is NaN, and every comparison with it is false;
 * lowering refuses names that no run can have. Each stalled(figure, n) remembers its best value and the epoch of
 * that; its memory is indexed by its place in the tree, left to right.
 */
#include "driver/training.h"
#include <math.h>
#include <string.h>

int watch_count_stalled(const Watch *watch) {
    if (!watch) return 0;
    return (watch->kind == WATCH_STALLED) + watch_count_stalled(watch->left) + watch_count_stalled(watch->right);
}

const char *watch_validation(const Watch *watch) {
    if (!watch) return NULL;
    if (watch->figure && strncmp(watch->figure, "valid.", 6) == 0) return watch->figure;
    const char *left = watch_validation(watch->left);
    return left ? left : watch_validation(watch->right);
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

static double value_of(Training *t, const Watch *watch) {
    return watch->kind == WATCH_NUMBER ? watch->number : watch_figure(t->run, &t->now, watch->figure);
}

static bool stalled(Training *t, const Watch *watch, int place) {
    double value = watch_figure(t->run, &t->now, watch->figure), *best = &t->stalled_best[place];
    bool better = watch->highest ? value > *best : value < *best;
    if (isnan(*best) ? !isnan(value) : better) {
        *best = value;
        t->stalled_epoch[place] = t->now.epoch;
    }
    return (double)(t->now.epoch - t->stalled_epoch[place]) >= watch->number;
}

/* Both sides are always evaluated: a stalled() must see every epoch. */
static bool holds(Training *t, const Watch *watch, int *place) {
    switch (watch->kind) {
    case WATCH_NUMBER:
    case WATCH_FIGURE: return value_of(t, watch) != 0;
    case WATCH_STALLED: return stalled(t, watch, (*place)++);
    case WATCH_NOT: return !holds(t, watch->left, place);
    case WATCH_AND:
    case WATCH_OR: {
        bool left = holds(t, watch->left, place), right = holds(t, watch->right, place);
        return watch->kind == WATCH_AND ? left && right : left || right;
    }
    case WATCH_LT: return value_of(t, watch->left) < value_of(t, watch->right);
    case WATCH_LE: return value_of(t, watch->left) <= value_of(t, watch->right);
    case WATCH_GT: return value_of(t, watch->left) > value_of(t, watch->right);
    case WATCH_GE: return value_of(t, watch->left) >= value_of(t, watch->right);
    }
    return false;
}

bool watch_holds(Training *t, const Watch *watch) {
    int place = 0;
    return watch && holds(t, watch, &place);
}
