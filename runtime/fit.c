/* fit: the loop around an object's steps, for NAME_fit and NAME_evaluate of emitted headers.
 *
 * It trains as the program says: hold-out, statistics of the training rows, order of examples, epochs. Its rows are
 * the application's, each of them once: nothing is copied, only lists of row numbers are made, before the first
 * step, and `copies` are row numbers that come again. The very same bits come out as from `sgdc --run` on the same rows, on any number of threads. `stop` and `keep` are not part of an
 * object: the callback gets the figures and decides.
 */
#include "check_rows.h"
#include "figures.h"
#include "finite.h"
#include "fit.h"
#include "float_control.h"
#include "gather.h"
#include "order.h"
#include "plateau.h"
#include "rank.h"
#include "sgdrt.h"
#include "statistics.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The columns of rows as evaluations read them: of all sets beside the first set's rows. */
typedef struct Beside {
    const sgdrt_column *columns;
    void *memory; /* NULL: they are the application's */
} Beside;

typedef struct Fit {
    sgdrt_instance *instance;
    const sgdrt_model *model;
    const sgdrt_rows *train, *valid; /* those held out are of train */
    Beside of_train, of_valid;
    uint32_t *members;          /* training rows, then those held out; NULL: all, once */
    uint32_t *valid_copied;     /* NULL: the rows of valid, once */
    const uint32_t *validating; /* NULL: rows 0 .. validating_count-1 */
    uint32_t training;
    int64_t validating_count;
    uint32_t *rows; /* of the steps of one call */
    double *sums;
    int64_t capacity;
    sgdrt_feed feed;
    sgdrt_gathering gathering; /* of steps that take several sets */
} Fit;

static sgdrt_header *header_of(const Fit *fit) { return fit->instance->state; }

static size_t at_least_one(int64_t count) { return count > 0 ? (size_t)count : 1; }

static bool can_count(int64_t rows, int64_t copies) { return rows <= (int64_t)(UINT32_MAX - 1) / copies; }

/* ---- several data sets -------------------------------------------------------------------------- */
static int join(const sgdrt_model *model, const sgdrt_rows *data, Beside *beside) {
    uint64_t bytes = sgdrt_join_bytes(model, data, data->rows);
    *beside = (Beside){data->columns, NULL};
    if (!bytes) return SGDRT_OK;
    beside->memory = aligned_alloc(64, bytes);
    if (!beside->memory) return SGDRT_MEMORY;
    beside->columns = sgdrt_join(model, data, data->rows, beside->memory);
    return SGDRT_OK;
}

static int open_gathering(Fit *fit) {
    const sgdrt_model *model = fit->model;
    if (!model->set_count) return SGDRT_OK;
    uint64_t *bytes = malloc(sizeof *bytes * at_least_one(model->column_count));
    int64_t *rows = malloc(sizeof *rows * (size_t)model->set_count);
    bool good = bytes && rows;
    for (int32_t c = 0; good && c < model->column_count; c++) bytes[c] = sgdrt_column_bytes(&model->columns[c]);
    for (int32_t s = 0; good && s < model->set_count; s++) {
        rows[s] = sgdrt_rows_of(model, fit->train, s + 1);
        good = can_count(rows[s], model->sets[s].copies);
    }
    good = good &&
           sgdrt_gathering_open(&fit->gathering, model->sets, model->set_count, rows, fit->train->columns, bytes,
                                model->column_count, model->batch, fit->feed.batch, header_of(fit)->seed);
    free(bytes);
    free(rows);
    return good ? SGDRT_OK : SGDRT_MEMORY;
}

/* ---- which rows train, and which validate ------------------------------------------------------- */
/* Rows are counted with their copies: copy 1 of row r is number rows + r. */
static int32_t *dense_labels(const sgdrt_rows *data, int column, bool bytes, uint32_t count) {
    int32_t *labels = malloc(sizeof *labels * at_least_one(count));
    const sgdrt_column *values = &data->columns[column];
    for (uint32_t i = 0; labels && i < count; i++) {
        const char *at = (const char *)values->data + i % data->rows * values->stride;
        if (bytes)
            labels[i] = (unsigned char)*at;
        else
            memcpy(&labels[i], at, sizeof *labels);
    }
    return labels;
}

static uint32_t *all_rows(uint32_t count, int64_t rows) {
    uint32_t *list = malloc(sizeof *list * at_least_one(count));
    for (uint32_t i = 0; list && i < count; i++) list[i] = (uint32_t)(i % rows);
    return list;
}

static int hold_out(Fit *fit, uint32_t count) {
    const sgdrt_model *model = fit->model;
    int by = model->hold_out_by;
    int32_t *labels = by >= 0 ? dense_labels(fit->train, by, model->columns[by].dtype == SGDRT_U8, count) : NULL;
    fit->members = malloc(sizeof *fit->members * (size_t)count);
    if (!fit->members || (by >= 0 && !labels)) {
        free(labels);
        return SGDRT_MEMORY;
    }
    sgdrt_held held = {model->hold_out, model->hold_out_part, (uint32_t)model->fold, (uint32_t)model->folds,
                       (uint32_t)fit->train->rows};
    bool done = sgdrt_hold_out(&held, header_of(fit)->seed, count, labels, by >= 0 ? model->columns[by].classes : 0,
                               fit->members, &fit->training);
    free(labels);
    if (!done) return SGDRT_MEMORY;
    for (uint32_t i = 0; i < count; i++) fit->members[i] = (uint32_t)(fit->members[i] % fit->train->rows);
    fit->valid = fit->train;
    fit->validating = fit->members + fit->training;
    fit->validating_count = count - fit->training;
    bool empty_fold = model->folds && !fit->validating_count;
    return fit->training > 0 && !empty_fold ? SGDRT_OK : SGDRT_NO_ROWS;
}

static int list_valid(Fit *fit) {
    int64_t copies = fit->model->valid_copies;
    if (!can_count(fit->valid->rows, copies)) return SGDRT_MEMORY;
    fit->validating_count = fit->valid->rows * copies;
    if (copies == 1) return SGDRT_OK;
    fit->validating = fit->valid_copied = all_rows((uint32_t)fit->validating_count, fit->valid->rows);
    return fit->valid_copied ? SGDRT_OK : SGDRT_MEMORY;
}

static int split(Fit *fit) {
    int64_t copies = fit->model->copies;
    if (!can_count(fit->train->rows, copies)) return SGDRT_MEMORY;
    fit->training = (uint32_t)(fit->train->rows * copies);
    if (!fit->valid && fit->model->hold_out) return hold_out(fit, fit->training);
    if (copies > 1 && !(fit->members = all_rows(fit->training, fit->train->rows))) return SGDRT_MEMORY;
    return fit->valid ? list_valid(fit) : SGDRT_OK;
}

/* standardize: mean and deviation of the training rows become cells, as `sgdc --run` makes them at load. */
static int take_statistics(Fit *fit) {
    const sgdrt_model *model = fit->model;
    for (int32_t i = 0; i < model->column_count; i++) {
        const sgdrt_model_column *column = &model->columns[i];
        if (column->mean_cell < 0 || !column->learns || column->unread) continue;
        double *mean = malloc(2 * sizeof *mean * at_least_one(column->elements));
        if (!mean) return SGDRT_MEMORY;
        double *deviation = mean + column->elements;
        int32_t set = sgdrt_set_of(model, i); /* of a further one all rows train */
        sgdrt_statistics(&fit->train->columns[i], (sgdrt_dtype)column->dtype, column->elements,
                         set ? NULL : fit->members, set ? sgdrt_rows_of(model, fit->train, set) : fit->training, mean,
                         deviation);
        const sgdrt_model_cell *cells[2] = {&model->cells[column->mean_cell], &model->cells[column->deviation_cell]};
        for (int c = 0; c < 2; c++)
            for (int64_t e = 0; e < column->elements; e++) {
                char *at = (char *)fit->instance->state + cells[c]->offset;
                double value = c ? deviation[e] : mean[e];
                if (cells[c]->dtype == SGDRT_F64)
                    ((double *)at)[e] = value;
                else
                    ((float *)at)[e] = (float)value;
            }
        free(mean);
    }
    fit->instance->has_statistics = 1;
    return SGDRT_OK;
}

/* ---- what the rows say before they train --------------------------------------------------------- */
static void call_derived(void *context, const sgdrt_call *call) {
    const Fit *fit = context;
    sgdrt_call own = *call;
    own.state = fit->instance->state;
    own.work = fit->instance->work;
    fit->instance->code->derived(&own);
}

static sgdrt_learning learning_of(Fit *fit, const sgdrt_column *columns, const uint32_t *rows, int64_t count) {
    const sgdrt_model *model = fit->model;
    return (sgdrt_learning){.statistics = model->statistics,
                            .statistic_count = model->statistic_count,
                            .outputs = model->derived_count,
                            .cells = model->cells,
                            .state = fit->instance->state,
                            .columns = columns,
                            .rows = rows,
                            .count = count,
                            .derive = call_derived,
                            .context = fit};
}

/* Of a further set all rows train. Those of the others, which it does not look at, stay at their first one. */
static const sgdrt_column *columns_of_set(const sgdrt_model *model, const sgdrt_rows *data, int32_t set) {
    sgdrt_column *columns = malloc(sizeof *columns * at_least_one(model->column_count));
    for (int32_t c = 0; columns && c < model->column_count; c++) {
        columns[c] = data->columns[c];
        if (sgdrt_set_of(model, c) != set) columns[c].stride = 0;
    }
    return columns;
}

typedef int Learner(const sgdrt_learning *learning, sgdrt_learning_problem *problem);

static int of_further_sets(Fit *fit, Learner *learner, const sgdrt_rows *data) {
    int status = SGDRT_OK;
    for (int32_t s = 1; s <= fit->model->set_count && fit->model->statistic_count && !status; s++) {
        sgdrt_learning_problem problem;
        const sgdrt_column *columns = columns_of_set(fit->model, data, s);
        sgdrt_learning learning = learning_of(fit, columns, NULL, sgdrt_rows_of(fit->model, data, s));
        learning.set = s;
        status = columns ? learner(&learning, &problem) : SGDRT_MEMORY;
        free((void *)columns);
    }
    return status;
}

static int learn(Fit *fit) {
    sgdrt_learning_problem problem;
    sgdrt_learning learning = learning_of(fit, fit->of_train.columns, fit->members, fit->training);
    int status = sgdrt_learn(&learning, &problem);
    return status ? status : of_further_sets(fit, sgdrt_learn, fit->train);
}

static int check_weights(Fit *fit) {
    sgdrt_learning_problem problem;
    sgdrt_learning train = learning_of(fit, fit->of_train.columns, fit->members, fit->training);
    int status = sgdrt_check_weights(&train, &problem);
    if (!status) status = of_further_sets(fit, sgdrt_check_weights, fit->train);
    if (status || !fit->validating_count) return status;
    sgdrt_learning valid = learning_of(fit, fit->of_valid.columns, fit->validating, fit->validating_count);
    return sgdrt_check_weights(&valid, &problem);
}

static int open_fit(Fit *fit) {
    const sgdrt_model *model = fit->model;
    int status = split(fit);
    if (!status) status = join(model, fit->train, &fit->of_train);
    fit->of_valid = (Beside){fit->of_train.columns, NULL};
    if (!status && fit->valid && fit->valid != fit->train) status = join(model, fit->valid, &fit->of_valid);
    if (!status && !fit->instance->has_statistics) {
        status = learn(fit);
        if (!status) status = take_statistics(fit);
    }
    if (!status) status = check_weights(fit);
    if (status) return status;
    fit->feed = sgdrt_feed_of(fit->training, fit->members, model->batch, model->order, model->last,
                              header_of(fit)->seed);
    if (fit->feed.steps < 1) return SGDRT_NO_ROWS;
    fit->capacity = sgdrt_feed_capacity(&fit->feed);
    fit->rows = malloc(sizeof *fit->rows * at_least_one(fit->capacity));
    fit->sums = malloc(sizeof *fit->sums * at_least_one(model->sums));
    return fit->rows && fit->sums ? open_gathering(fit) : SGDRT_MEMORY;
}

/* ---- evaluating ---------------------------------------------------------------------------------- */
static void free_outputs(void **outputs, int32_t count) {
    for (int32_t i = 0; outputs && i < count; i++) free(outputs[i]);
    free(outputs);
}

static void **new_outputs(const sgdrt_model *model, int64_t rows) {
    void **outputs = calloc(at_least_one(model->argument_count), sizeof *outputs);
    for (int32_t i = 0; outputs && i < model->argument_count; i++)
        if (!(outputs[i] = malloc(at_least_one(model->argument_bytes[i] * rows)))) {
            free_outputs(outputs, model->argument_count);
            return NULL;
        }
    return outputs;
}

/* How many of the metrics are wanted. */
typedef enum Wanted { WANTED_NONE, WANTED_FIGURES, WANTED_ALL } Wanted;

static int32_t metrics_of(const sgdrt_model *model, Wanted wanted) {
    return wanted == WANTED_ALL ? model->metric_count + model->array_count : wanted ? model->metric_count : 0;
}

/* Of all metrics: one each, and the elements of arrays. */
static int64_t metric_values(const sgdrt_model *model) {
    int64_t values = 0;
    for (int32_t m = 0; m < metrics_of(model, WANTED_ALL); m++) values += model->metric_elements[m];
    return values;
}

/* Some are ranks by now. */
static int take_arguments(const sgdrt_model *model, void *const *outputs, int64_t rows, sgdrt_column *kept) {
    for (int32_t i = 0; i < model->argument_count; i++) {
        int64_t bytes = model->argument_bytes[i];
        int32_t ranked = model->argument_ranked[i];
        kept[i] = (sgdrt_column){outputs[i], bytes};
        const double *weights = ranked == 2 ? outputs[i + 1] : NULL;
        if (ranked && sgdrt_rank(outputs[i], bytes / (int64_t)sizeof(double), weights, rows)) return SGDRT_MEMORY;
    }
    return SGDRT_OK;
}

/* The arguments kept by an evaluation are the columns of the metrics. */
static int call_metrics(const sgdrt_instance *instance, void *const *outputs, int64_t rows, Wanted wanted,
                        double *values) {
    const sgdrt_model *model = instance->model;
    sgdrt_column *kept = malloc(sizeof *kept * at_least_one(model->argument_count));
    int status = kept ? take_arguments(model, outputs, rows, kept) : SGDRT_MEMORY;
    for (int32_t m = 0, first = 0; !status && m < metrics_of(model, wanted); first += model->argument_counts[m++]) {
        void *results[1] = {values};
        sgdrt_call call = {.state = instance->state,
                           .work = instance->work,
                           .columns = kept + first,
                           .count = rows,
                           .batch = rows,
                           .outputs = results};
        instance->code->metrics[m](&call);
        values += model->metric_elements[m];
    }
    free(kept);
    return status;
}

/* The terms' sums, and that of the weights behind them. */
static int32_t evaluated_sums(const sgdrt_model *model) { return model->terms + (model->weight_sum >= 0); }

static double over_rows(const sgdrt_model *model, const double *sums, int64_t rows) {
    return model->weight_sum >= 0 ? sums[model->weight_sum] : (double)rows;
}

/* Adds up the terms' sums over the rows, all at once or in mini-batches, and keeps what metrics see. Returns how many. */
static int64_t sum_terms(const sgdrt_instance *instance, sgdrt_call call, double *sums, void **at) {
    const sgdrt_model *model = instance->model;
    int64_t count = call.count, together = model->together ? model->together : count, parts = 0;
    const uint32_t *rows = call.rows;
    memcpy(at, call.outputs, sizeof *at * (size_t)model->argument_count);
    call.outputs = at;
    for (int64_t begin = 0; begin < count || begin == 0; begin += together, parts++) {
        call.count = call.batch = count - begin < together ? count - begin : together;
        call.place = begin;
        call.first = rows ? 0 : begin;
        call.rows = rows ? rows + begin : NULL;
        sgdrt_call_shared(instance, SGDRT_SHARES_EVALUATE, instance->code->evaluate, &call);
        for (int32_t i = 0; i < evaluated_sums(model); i++) sums[i] = begin ? sums[i] + call.sums[i] : call.sums[i];
        for (int32_t i = 0; i < model->argument_count; i++)
            at[i] = (char *)at[i] + model->argument_bytes[i] * call.count;
    }
    return parts;
}

/* The loss over the rows (NULL: rows 0 .. count-1), and the metrics that are wanted; as sgdc finds them, in f64. */
static int evaluate(const sgdrt_instance *instance, const sgdrt_column *columns, const uint32_t *rows, int64_t count,
                    double *loss, Wanted wanted, double *metrics) {
    const sgdrt_model *model = instance->model;
    double *sums = malloc(2 * sizeof *sums * at_least_one(evaluated_sums(model)));
    void **outputs = new_outputs(model, count), **at = malloc(sizeof *at * at_least_one(model->argument_count));
    if (!sums || !outputs || !at) {
        free(sums);
        free(at);
        free_outputs(outputs, model->argument_count);
        return SGDRT_MEMORY;
    }
    sgdrt_call call = {.state = instance->state,
                       .work = instance->work,
                       .columns = columns,
                       .rows = rows,
                       .count = count,
                       .sums = sums + evaluated_sums(model),
                       .outputs = outputs};
    int64_t parts = sum_terms(instance, call, sums, at);
    *loss = sgdrt_loss(sums, model->averaged, model->minimized, over_rows(model, sums, count), parts);
    int status = wanted ? call_metrics(instance, outputs, count, wanted, metrics) : SGDRT_OK;
    free(sums);
    free(at);
    free_outputs(outputs, model->argument_count);
    return status;
}

int sgdrt_evaluate(const void *m, const void *data, float *results) {
    SGDRT_FLOAT_GUARD();
    const sgdrt_instance *instance = m;
    int status = sgdrt_check_rows(instance, data, SGDRT_EVALUATING);
    if (status) return status;
    if (!results) return SGDRT_NULL;
    Beside beside;
    int64_t values = metric_values(instance->model);
    double loss = 0, *metrics = malloc(sizeof *metrics * at_least_one(values));
    if (!metrics) return SGDRT_MEMORY;
    status = join(instance->model, data, &beside);
    if (!status)
        status = evaluate(instance, beside.columns, NULL, ((const sgdrt_rows *)data)->rows, &loss, WANTED_ALL, metrics);
    if (!status) results[0] = (float)loss;
    for (int64_t i = 0; i < values && !status; i++) results[i + 1] = (float)metrics[i];
    free(beside.memory);
    free(metrics);
    return status;
}

/* ---- training ------------------------------------------------------------------------------------ */
/* As many steps as one list of rows holds, from where the state stands, within the epoch. Returns their rows. */
static int64_t take_steps(Fit *fit, int64_t planned) {
    sgdrt_header *header = header_of(fit);
    int64_t step = (int64_t)header->step, steps = fit->feed.steps - step % fit->feed.steps;
    if (steps > planned - step) steps = planned - step;
    if (fit->capacity && steps > fit->capacity / fit->feed.batch) steps = fit->capacity / fit->feed.batch;
    if (fit->model->set_count) steps = 1;
    sgdrt_call call = {.state = fit->instance->state,
                       .work = fit->instance->work,
                       .columns = fit->train->columns,
                       .sums = fit->sums,
                       .stop = &fit->instance->stop};
    sgdrt_feed_call(&fit->feed, header, steps, fit->rows, &call);
    if (fit->model->set_count) sgdrt_gather(&fit->gathering, header->step, &call);
    int64_t done = sgdrt_call_shared(fit->instance, SGDRT_SHARES_STEP, fit->instance->code->step, &call);
    return fit->model->set_count ? call.count : sgdrt_feed_rows_of(&fit->feed, &call, done);
}

/* metrics: NULL, or of the training rows where none validate. */
static int validate(const Fit *fit, double *loss, double *metrics) {
    Wanted wanted = metrics ? WANTED_FIGURES : WANTED_NONE;
    *loss = NAN;
    if (fit->validating_count)
        return evaluate(fit->instance, fit->of_valid.columns, fit->validating, fit->validating_count, loss, wanted,
                        metrics);
    double of_training;
    return metrics ? evaluate(fit->instance, fit->of_train.columns, fit->members, fit->training, &of_training, wanted,
                              metrics)
                   : SGDRT_OK;
}

/* Rates that fall when a figure stalls. */
static int see_plateaus(const Fit *fit, sgdrt_report *report) {
    const sgdrt_model *model = fit->model;
    double *metrics = malloc(sizeof *metrics * at_least_one(model->metric_count));
    int status = metrics ? validate(fit, &report->valid_loss, metrics) : SGDRT_MEMORY;
    for (int32_t i = 0; i < model->plateau_count && !status; i++) {
        const sgdrt_model_plateau *p = &model->plateaus[i];
        char *state = fit->instance->state;
        double figure = p->figure == SGDRT_TRAIN_LOSS   ? report->train_loss
                        : p->figure == SGDRT_VALID_LOSS ? report->valid_loss
                                                        : metrics[p->figure];
        sgdrt_plateau_see((double *)(state + model->cells[p->factor_cell].offset),
                          (double *)(state + model->cells[p->best_cell].offset),
                          (double *)(state + model->cells[p->waited_cell].offset), figure, p->highest, p->epochs,
                          p->by);
    }
    free(metrics);
    return status;
}

/* Parameters and what the optimizer keeps of them: an infinite mean of squares would hold its parameter still for good. */
static int is_finite(const Fit *fit) {
    const sgdrt_model *model = fit->model;
    int finite = 1;
    for (int32_t i = 0; i < model->cell_count && finite; i++) {
        const sgdrt_model_cell *cell = &model->cells[i];
        int64_t count = (int64_t)(cell->bytes / sgdrt_dtype_bytes((sgdrt_dtype)cell->dtype));
        if ((cell->kind == 0 || cell->kind == 2) && !cell->starts_infinite)
            finite = sgdrt_all_finite((char *)fit->instance->state + cell->offset, (sgdrt_dtype)cell->dtype, count, 0);
    }
    return finite;
}

static double loss_of_steps(const Fit *fit, int64_t rows, int64_t steps) {
    const sgdrt_model *model = fit->model;
    if (model->term_parts)
        return sgdrt_loss_of_parts(fit->sums, model->term_parts, model->averaged, model->minimized, model->terms);
    return sgdrt_loss(fit->sums, model->averaged, model->minimized, over_rows(model, fit->sums, rows), steps);
}

static int train_epoch(Fit *fit, int64_t planned, sgdrt_report *report) {
    sgdrt_header *header = header_of(fit);
    int64_t end = ((int64_t)header->step / fit->feed.steps + 1) * fit->feed.steps, rows = 0;
    uint64_t begin = header->step;
    if (end > planned) end = planned;
    memset(fit->sums, 0, sizeof *fit->sums * at_least_one(fit->model->sums));
    while ((int64_t)header->step < end && !fit->instance->stop) rows += take_steps(fit, planned);
    report->epoch = (int64_t)header->step / fit->feed.steps;
    report->step = (int64_t)header->step;
    report->train_loss = loss_of_steps(fit, rows, (int64_t)(header->step - begin));
    if (fit->instance->stop) return SGDRT_STOPPED;
    return isfinite(report->train_loss) && is_finite(fit) ? SGDRT_OK : SGDRT_DIVERGED;
}

/* The callback is the host's, and runs in the host's floating-point environment. */
static int report_to(sgdrt_callback *callback, void *user, const sgdrt_report *report, uint64_t environment) {
    sgdrt_float_leave(environment);
    int ends = callback(user, report);
    sgdrt_float_enter();
    return ends ? SGDRT_STOPPED : SGDRT_OK;
}

static int train(Fit *fit, sgdrt_callback *callback, void *user, uint64_t environment) {
    sgdrt_header *header = header_of(fit);
    int64_t length = sgdrt_feed_planned(&fit->feed, fit->model->epochs, fit->model->steps);
    int64_t planned = ((int64_t)header->step / length + 1) * length;
    header->planned = (uint64_t)planned;
    int status = SGDRT_OK;
    while (!status && (int64_t)header->step < planned) {
        sgdrt_report report = {0, 0, NAN, NAN};
        status = train_epoch(fit, planned, &report);
        bool sees = fit->model->plateau_count && (int64_t)header->step % fit->feed.steps == 0;
        if (!status && sees) status = see_plateaus(fit, &report);
        if (!status && callback && !sees) status = validate(fit, &report.valid_loss, NULL);
        if (!status && callback) status = report_to(callback, user, &report, environment);
    }
    return status;
}

int sgdrt_fit(void *m, const void *train_rows, const void *valid_rows, sgdrt_callback *callback, void *user) {
    SGDRT_FLOAT_GUARD();
    sgdrt_instance *instance = m;
    int status = sgdrt_check_rows(instance, train_rows, SGDRT_FITTING);
    if (!status && valid_rows) status = sgdrt_check_rows(instance, valid_rows, SGDRT_FITTING);
    if (status) return status;
    Fit fit = {.instance = instance, .model = instance->model, .train = train_rows, .valid = valid_rows};
    instance->stop = 0;
    status = open_fit(&fit);
    if (!status) {
        status = train(&fit, callback, user, float_before);
    }
    sgdrt_gathering_close(&fit.gathering);
    free(fit.of_train.memory);
    free(fit.of_valid.memory);
    free(fit.members);
    free(fit.valid_copied);
    free(fit.rows);
    free(fit.sums);
    return status;
}
