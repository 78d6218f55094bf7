/* eval_figures: confusion, precision and recall, AUC; errors of numbers and their quantiles; the worst rows.
 *
 * AUC is the share of pairs of a row of the class and one of the others that the score puts in the right order, ties
 * counting half: counted in whole numbers, so it does not depend on an order of summation. The score of a class is its
 * probability: the prediction itself where it is one, else its softmax, else (two classes) the difference of the two.
 * A quantile q of n numbers lies at place q (n - 1) of them in order, between two of them linearly.
 */
#include "driver/commands/eval.h"
#include <math.h>
#include <stdlib.h>

const double eval_quantiles[QUANTILES] = {0, 0.05, 0.25, 0.5, 0.75, 0.95, 1};

int64_t eval_class(const EvalFigures *e, int64_t place) {
    return class_of(e->rule, e->predicted + place * e->outputs, (int)e->outputs);
}

/* ---- classes --------------------------------------------------------------------------------------- */
typedef struct Ranked {
    double score;
    bool of_class;
} Ranked;

static int compare_ranked(const void *a, const void *b) {
    double x = ((const Ranked *)a)->score, y = ((const Ranked *)b)->score;
    return x < y ? -1 : x > y;
}

static double score_of(const EvalFigures *e, int64_t place, int64_t k) {
    const float *values = e->predicted + place * e->outputs;
    if (e->rule != CLASS_LARGEST) return k ? (double)values[0] : -(double)values[0];
    if (e->classes == 2) return (double)values[k] - (double)values[1 - k];
    return class_share(e->rule, values, (int)e->outputs, (int)k);
}

static double area_under_curve(const EvalFigures *e, int64_t k, Ranked *ranked) {
    int64_t count = e->rows.count, of_class = 0;
    for (int64_t i = 0; i < count; i++) {
        ranked[i] = (Ranked){score_of(e, i, k), e->truth[i] == (double)k};
        if (isnan(ranked[i].score)) return NAN;
        of_class += ranked[i].of_class;
    }
    if (of_class == 0 || of_class == count) return NAN;
    qsort(ranked, (size_t)count, sizeof *ranked, compare_ranked);
    uint64_t halves = 0, others_before = 0;
    for (int64_t i = 0; i < count;) {
        uint64_t own = 0, others = 0;
        double score = ranked[i].score;
        for (; i < count && ranked[i].score == score; i++) {
            own += ranked[i].of_class;
            others += !ranked[i].of_class;
        }
        halves += own * (2 * others_before + others);
        others_before += others;
    }
    return (double)halves / 2 / ((double)of_class * (double)(count - of_class));
}

static double share(int64_t part, int64_t of) { return of ? (double)part / (double)of : NAN; }

static void take_classes(EvalFigures *e) {
    Arena *arena = e->driver->arena;
    int64_t classes = e->classes;
    e->confusion = arena_array(arena, int64_t, classes * classes + 1);
    e->of_class = arena_array(arena, ClassFigures, classes + 1);
    for (int64_t i = 0; i < e->rows.count; i++) {
        int64_t truth = (int64_t)e->truth[i], predicted = eval_class(e, i);
        bool known = predicted >= 0 && predicted < classes;
        e->of_class[truth].rows++;
        if (known) e->of_class[predicted].predicted++;
        if (known) e->confusion[truth * classes + predicted]++;
        e->of_class[truth].right += predicted == truth;
        e->right += predicted == truth;
    }
    bool ranks = e->rule != CLASS_ITSELF && classes <= MOST_RANKED_CLASSES;
    Ranked *ranked = ranks ? malloc(sizeof *ranked * (size_t)e->rows.count) : NULL;
    if (ranks && !ranked) out_of_memory(sizeof *ranked * (size_t)e->rows.count);
    for (int64_t k = 0; k < classes; k++) {
        ClassFigures *f = &e->of_class[k];
        f->precision = share(f->right, f->predicted);
        f->recall = share(f->right, f->rows);
        f->f1 = share(2 * f->right, f->predicted + f->rows);
        f->auc = ranks ? area_under_curve(e, k, ranked) : NAN;
    }
    free(ranked);
}

/* ---- numbers --------------------------------------------------------------------------------------- */
static int compare_numbers(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
    return x < y ? -1 : x > y;
}

static double quantile(const double *sorted, int64_t count, double q) {
    double at = q * (double)(count - 1), part = at - floor(at);
    int64_t i = (int64_t)at;
    return part > 0 ? sorted[i] + part * (sorted[i + 1] - sorted[i]) : sorted[i];
}

static void take_number(const EvalFigures *e, int64_t element, double *residuals, NumberFigures *f) {
    int64_t count = e->rows.count;
    double n = (double)count, squared = 0, absolute = 0, sum = 0, truth = 0, spread = 0;
    for (int64_t i = 0; i < count; i++) {
        double t = e->truth[i * e->truths + element], residual = (double)e->predicted[i * e->outputs + element] - t;
        residuals[i] = residual;
        squared += residual * residual;
        absolute += fabs(residual);
        sum += residual;
        truth += t;
    }
    double mean = truth / n;
    for (int64_t i = 0; i < count; i++) {
        double from_mean = e->truth[i * e->truths + element] - mean;
        spread += from_mean * from_mean;
    }
    *f = (NumberFigures){.rmse = sqrt(squared / n),
                         .mae = absolute / n,
                         .mean_residual = sum / n,
                         .r2 = spread > 0 ? 1 - squared / spread : NAN};
    qsort(residuals, (size_t)count, sizeof *residuals, compare_numbers);
    for (int q = 0; q < QUANTILES; q++) f->quantile[q] = quantile(residuals, count, eval_quantiles[q]);
}

static void take_numbers(EvalFigures *e) {
    double *residuals = malloc(sizeof *residuals * (size_t)e->rows.count);
    if (!residuals) out_of_memory(sizeof *residuals * (size_t)e->rows.count);
    e->numbers = e->outputs;
    e->of_number = arena_array(e->driver->arena, NumberFigures, e->numbers + 1);
    for (int64_t i = 0; i < e->numbers; i++) take_number(e, i, residuals, &e->of_number[i]);
    free(residuals);
}

/* ---- the worst ------------------------------------------------------------------------------------- */
/* What is no number is the worst of all; of equals the first. */
static bool is_worse(double a, double b) { return isnan(a) ? !isnan(b) : a > b; }

static void take_worst(EvalFigures *e) {
    for (int64_t i = 0; i < e->rows.count; i++) {
        int at = e->worst_count < WORST_LOSSES ? e->worst_count++ : WORST_LOSSES;
        for (; at > 0 && is_worse(e->losses[i], e->worst[at - 1].loss); at--)
            if (at < WORST_LOSSES) e->worst[at] = e->worst[at - 1];
        if (at < WORST_LOSSES) e->worst[at] = (WorstLoss){i, e->losses[i]};
    }
}

void eval_take_figures(EvalFigures *e) {
    take_worst(e);
    if (!e->predicted || !e->truths) return;
    if (e->rule != CLASS_NONE)
        take_classes(e);
    else if (!e->classes && e->outputs == e->truths)
        take_numbers(e);
}
