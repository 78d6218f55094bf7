/* sgdc eval: what is known of a model over a set of rows (eval.c), its figures (eval_figures.c) and how they are printed
 * (eval_print.c).
 *
 * Every figure is in f64. Sums over rows are chains in the order of the rows, so no figure depends on threads; losses and
 * measures are those of training's own validation (docs/numerics.md, Reported figures).
 */
#ifndef SGDC_DRIVER_EVAL_H
#define SGDC_DRIVER_EVAL_H
#include "driver/commands/trained.h"
#include "driver/seeing.h"

enum { WORST_LOSSES = 10, QUANTILES = 7, MOST_RANKED_CLASSES = 100, MOST_JUDGED_CLASSES = 4096 };
extern const double eval_quantiles[QUANTILES]; /* 0, 0.05, 0.25, 0.5, 0.75, 0.95, 1 */

/* Of one class against all others. NaN where there is nothing to tell it from. */
typedef struct ClassFigures {
    int64_t rows, predicted, right;
    double precision, recall, f1, auc;
} ClassFigures;
/* Of one number that is predicted; residuals are prediction minus truth. */
typedef struct NumberFigures {
    double rmse, mae, r2, mean_residual, quantile[QUANTILES];
} NumberFigures;
typedef struct WorstLoss {
    int64_t place;
    double loss;
} WorstLoss;

typedef struct EvalFigures {
    Driver *driver;
    const Run *run;
    RowSet rows;
    const DataSet *set; /* the set that the rows are of */
    const char *which;  /* "that validate" */
    double loss, *terms, *measures;
    double **arrays; /* of the measures that are arrays */
    /* by place in rows */
    int64_t outputs;        /* numbers of a prediction */
    const float *predicted; /* outputs each; NULL: the run predicts nothing */
    const double *losses;   /* what is minimised, of each row */
    int64_t truths;         /* numbers of a truth; 0: not known */
    const double *truth;
    /* figures */
    ClassRule rule;
    int64_t classes, right;
    int64_t *confusion; /* truth, then prediction; NULL: no classes */
    ClassFigures *of_class;
    NumberFigures *of_number;
    int64_t numbers; /* 0: no numbers */
    WorstLoss worst[WORST_LOSSES];
    int worst_count;
} EvalFigures;

/* ---- eval_figures.c: from predicted, losses and truth ------------------------------------------- */
void eval_take_figures(EvalFigures *e);
int64_t eval_class(const EvalFigures *e, int64_t place); /* the predicted one */
/* ---- eval_print.c ------------------------------------------------------------------------------- */
void eval_print(const EvalFigures *e, FILE *to);
void eval_print_json(const EvalFigures *e, FILE *to);

#endif
