/* judge: predictions beside the truth. Which column is the truth, how numbers say a class, and over all rows that
 * judge the run (validation rows, or training rows where none validate): confusion, errors, the worst rows.
 */
#include "driver/seeing.h"
#include "math_functions.h"
#include <math.h>
#include <string.h>

enum { ROWS_AT_ONCE = 512 };

/* ---- the truth ----------------------------------------------------------------------------------- */
Truth target_of(const Training *t, const Predictor *p) {
    const DataSet *set = t->run->data;
    const Field *field = p && t->run->target >= 0 ? &set->fields[t->run->target] : NULL;
    if (!field || field->column < 0 || shape_size(field->shape) != 1) return (Truth){.column = -1, .name = ""};
    return (Truth){field->column, (int)field->classes, field->name, t->run->target};
}

const char *trained_class_name(Arena *arena, const DataSet *set, int field, int64_t k) {
    const Field *of = &set->fields[field];
    const char *const *names = field_class_names(set, of);
    const Column *column = of->column >= 0 ? &set->columns[of->column] : NULL;
    if (names && k < column->remap_count) return names[k];
    double number = column && column->remap && column->remap_count > k ? column->remap[k] : (double)k;
    bool whole = number > -1e15 && number < 1e15 && number == (double)(long long)number;
    return whole ? text_format(arena, "%lld", (long long)number) : text_number(arena, number, false);
}

/* ---- classes ------------------------------------------------------------------------------------- */
static bool is_probability(const Node *node) {
    while (node->op == OP_CAST || node->op == OP_VIEW) node = node->source[0];
    return node->op == OP_SIGMOID;
}

ClassRule class_rule(const Training *t, const Truth *target, int outputs) {
    if (target->column < 0 || !target->classes) return CLASS_NONE;
    if (outputs == target->classes && outputs > 1) return CLASS_LARGEST;
    if (outputs != 1) return CLASS_NONE;
    if (t->run->predict_classes > 0) return CLASS_ITSELF;
    if (target->classes != 2) return CLASS_NONE;
    return is_probability(t->run->predict) ? CLASS_HALF : CLASS_SIGN;
}

ClassRule class_rule_of_run(const Run *run, int64_t *classes) {
    *classes = run->target >= 0 ? run->data->fields[run->target].classes : 0;
    int elements = (int)shape_size(run->predict->shape);
    Truth truth = {.column = run->target, .classes = (int)*classes};
    ClassRule rule = class_rule(&(Training){.run = run}, &truth, elements);
    if (rule == CLASS_NONE && run->predict_classes > 0 && elements == 1) rule = CLASS_ITSELF;
    if (rule == CLASS_ITSELF) *classes = run->predict_classes;
    return rule;
}

int class_of(ClassRule rule, const float *values, int outputs) {
    int best = 0;
    switch (rule) {
    case CLASS_ITSELF: return (int)values[0];
    case CLASS_HALF: return values[0] > 0.5f;
    case CLASS_SIGN: return values[0] > 0;
    default:
        for (int k = 1; k < outputs; k++)
            if (values[k] > values[best]) best = k;
        return best;
    }
}

static bool are_probabilities(const float *values, int count) {
    double sum = 0;
    for (int k = 0; k < count; k++) {
        if (!(values[k] >= 0)) return false;
        sum += (double)values[k];
    }
    return fabs(sum - 1) < 1e-3;
}

double class_share(ClassRule rule, const float *values, int outputs, int of) {
    double one, sum = 0;
    switch (rule) {
    case CLASS_HALF: one = (double)values[0]; return of ? one : 1 - one;
    case CLASS_SIGN: one = 1 / (1 + math_exp_f64(-(double)values[0])); return of ? one : 1 - one;
    case CLASS_LARGEST:
        if (are_probabilities(values, outputs)) return (double)values[of];
        for (int k = 0; k < outputs; k++) sum += math_exp_f64((double)values[k] - (double)values[of]);
        return 1 / sum;
    default: return NAN;
    }
}

/* ---- all rows --------------------------------------------------------------------------------------- */
/* Kept in order, the largest error first; what is no number is the worst of all. */
static void consider(Judgement *j, Worst worst) {
    double error = isnan(worst.error) ? INFINITY : worst.error;
    int at = j->worst_count < WORST_ROWS ? j->worst_count++ : WORST_ROWS;
    while (at > 0 && error > (isnan(j->worst[at - 1].error) ? INFINITY : j->worst[at - 1].error)) {
        if (at < WORST_ROWS) j->worst[at] = j->worst[at - 1];
        at--;
    }
    if (at < WORST_ROWS) j->worst[at] = worst;
}

static void judge_label(Judgement *j, int64_t row, int truth, const float *values, int outputs) {
    int predicted = class_of(j->rule, values, outputs), classes = j->target.classes;
    double share = class_share(j->rule, values, outputs, truth);
    if (truth < 0 || truth >= classes) return;
    if (predicted >= 0 && predicted < classes) j->confusion[truth * classes + predicted]++;
    j->right += predicted == truth;
    if (predicted != truth) consider(j, (Worst){row, truth, predicted, isnan(share) ? 1 : 1 - share});
}

typedef struct ErrorSums {
    double squared, absolute, truth, truth_squared;
} ErrorSums;

static void judge_number(Judgement *j, ErrorSums *sums, int64_t row, double truth, double predicted) {
    double error = predicted - truth;
    sums->squared += error * error;
    sums->absolute += fabs(error);
    sums->truth += truth;
    sums->truth_squared += truth * truth;
    consider(j, (Worst){row, truth, predicted, fabs(error)});
}

static void judge_rows(Training *t, Judgement *j, Predictor *p) {
    const RowSet *rows = j->rows;
    ErrorSums sums = {0};
    for (int64_t first = 0; first < rows->count; first += ROWS_AT_ONCE) {
        int64_t count = rows->count - first < ROWS_AT_ONCE ? rows->count - first : ROWS_AT_ONCE;
        for (int64_t i = 0; i < count; i++) predictor_put_row(p, i, rows->table, row_of(rows, first + i));
        const float *values = predictor_call(p, training_served(t), count);
        for (int64_t i = 0; i < count; i++) {
            int64_t row = row_of(rows, first + i);
            double truth = data_value(t, rows->table, j->target.column, 0, row);
            if (j->rule != CLASS_NONE)
                judge_label(j, row, (int)truth, values + i * p->outputs, p->outputs);
            else
                judge_number(j, &sums, row, truth, (double)values[i]);
        }
    }
    double n = (double)rows->count, mean = sums.truth / n;
    j->mean_squared = sums.squared / n;
    j->mean_absolute = sums.absolute / n;
    j->spread = sums.truth_squared / n - mean * mean;
}

Judgement *judge(Training *t) {
    Predictor *p = predictor_new(t, ROWS_AT_ONCE);
    Truth target = target_of(t, p);
    if (target.column < 0) return NULL;
    Arena *arena = t->driver->arena;
    Judgement *j = arena_new_of(arena, Judgement);
    *j = (Judgement){
        .target = target, .rule = class_rule(t, &target, p->outputs), .validated = t->data->valid.count > 0};
    j->rows = j->validated ? &t->data->valid : &t->data->train;
    j->count = j->rows->count;
    if (j->rule == CLASS_NONE && (target.classes || p->outputs != 1)) return NULL;
    if (j->rule != CLASS_NONE) j->confusion = arena_array(arena, int64_t, target.classes * target.classes + 1);
    judge_rows(t, j, p);
    return j;
}
