/* sgdc eval MODEL.sgd --load FILE: losses, measures and errors of a trained model over a set of rows.
 *
 * Data is read and split as in training, but standardized by the saved statistics. Losses and measures are what training
 * would report over these rows, from the same function; beside it the prediction's function gives, row by row, what is
 * predicted and what is minimised. Truths are taken from the data before it is standardized, as the file has them, where
 * the prediction is in those units; those of an expression are standardized where it is not.
 */
#include "driver/commands/eval.h"
#include "codegen/codegen.h"
#include "driver/commands/commands.h"
#include "driver/synthetic.h"
#include "ir/interp.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_AT_ONCE = 1 << 12 };
typedef enum EvalRows { EVAL_AUTO, EVAL_VALID, EVAL_TRAIN, EVAL_ALL } EvalRows; /* the choices of --on */

typedef struct Eval {
    EvalFigures e;
    Trained trained;
    Training training; /* what evaluate_rows and class_rule look at */
    RunData data;
    Tables *tables;
    float *predicted;
    double *losses, *truth;
    void *work, *kept;
} Eval;

/* ---- the run --------------------------------------------------------------------------------------- */
/* What is minimised, of one row, in f64; terms that read no row are not of it. */
static Node *loss_of_row(const Run *run) {
    Node *total = NULL;
    for (int r = 0; r < run->evaluate.root_count; r++) {
        const Root *root = &run->evaluate.roots[r];
        if (root->kind != ROOT_SUM || root->index >= run->term_count || run->terms[root->index].penalty) continue;
        Node *term = graph_cast(run->graph, root->node, DTYPE_F64);
        total = total ? graph_binary(run->graph, OP_ADD, total, term) : term;
    }
    return total;
}

static bool add_losses(Driver *driver, Run *run) {
    Root *roots = arena_array(driver->arena, Root, 2);
    int count = 0;
    if (run->predict) roots[count++] = run->predictor.roots[0];
    roots[count] = (Root){ROOT_ROWS, count, loss_of_row(run), "loss"};
    run->predictor = (Function){"predict", roots, count + 1, false};
    for (int i = 0; i < 2; i++) {
        DataSet *set = i ? run->valid : run->data;
        if (!set || !trained_data_is_given(driver, set) || driver->options->on != EVAL_AUTO) continue;
        set->rows_begin = 0;
        set->rows_end = -1;
        set->copies = 1;
    }
    return true;
}

/* ---- which rows ------------------------------------------------------------------------------------ */
static bool choose_rows(Eval *v) {
    Driver *driver = v->e.driver;
    const Run *run = v->e.run;
    const RunData *data = &v->data;
    EvalRows on = (EvalRows)driver->options->on;
    bool apart = run->valid && run->valid != run->data;
    if (on == EVAL_AUTO) {
        bool given = trained_data_is_given(driver, run->data) && !(apart && trained_data_is_given(driver, run->valid));
        on = given || !data->valid.count ? EVAL_ALL : EVAL_VALID;
    }
    if (on == EVAL_VALID && !data->valid.count) {
        driver_complain(driver, "--on=valid: no rows of %s validate", run->name);
        return false;
    }
    v->e.rows = on == EVAL_VALID ? data->valid : data->train;
    v->e.which = on == EVAL_VALID ? " that validate" : on == EVAL_TRAIN && data->valid.count ? " that train" : "";
    if (on == EVAL_ALL) v->e.rows = (RowSet){data->train.table, NULL, data->train.table->rows};
    v->e.set = apart && on == EVAL_VALID ? run->valid : run->data;
    return true;
}

/* ---- truths ---------------------------------------------------------------------------------------- */
static bool reads_cell(Arena *arena, Node *node, int cell) {
    int count;
    Node **nodes = graph_post_order(arena, &node, 1, &count);
    for (int i = 0; i < count; i++)
        if (nodes[i]->op == OP_CELL && nodes[i]->attr.index == cell) return true;
    return false;
}

/* Where the target is standardized: the cell of its mean; else -1. */
static int target_mean_cell(const EvalFigures *e) {
    return field_mean_cell(e->run->data, &e->run->data->fields[e->run->target]);
}

/* Does the prediction come back to the units of what was standardized? */
static bool is_undone(const EvalFigures *e) {
    int cell = target_mean_cell(e);
    return cell >= 0 && e->run->predict && reads_cell(e->driver->arena, e->run->predict, cell);
}

static double number_at(const sgdrt_table *table, int column, int64_t row, int64_t element) {
    const char *at = (const char *)table->columns[column].data + row * table->columns[column].stride;
    switch (table->described[column].dtype) {
    case SGDRT_F64: return ((const double *)at)[element];
    case SGDRT_F32: return (double)((const float *)at)[element];
    case SGDRT_I32: return ((const int32_t *)at)[element];
    default: return ((const uint8_t *)at)[element];
    }
}

static double dense_at(DType dtype, const void *values, int64_t i) {
    switch (dtype) {
    case DTYPE_F64: return ((const double *)values)[i];
    case DTYPE_F32: return (double)((const float *)values)[i];
    case DTYPE_I32: return ((const int32_t *)values)[i];
    default: return ((const uint8_t *)values)[i];
    }
}

/* By the saved statistics, rounded as in training. */
static void standardize_truth(Eval *v, const Field *field) {
    const EvalFigures *e = &v->e;
    const Cell *cells = e->run->cells + target_mean_cell(e);
    const double *mean = (const double *)((const char *)v->trained.state + cells[0].offset);
    const double *deviation = (const double *)((const char *)v->trained.state + cells[1].offset);
    bool one = shape_size(cells[0].shape) == 1;
    for (int64_t i = 0; i < e->rows.count * e->truths; i++) {
        int64_t k = one ? 0 : i % e->truths;
        double standard = (v->truth[i] - mean[k]) / deviation[k];
        v->truth[i] = field->dtype == DTYPE_F32 ? (double)(float)standard : standard;
    }
}

/* A computed field, through the interpreter. */
static void compute_truth(Eval *v, const Field *field) {
    EvalFigures *e = &v->e;
    size_t bytes = dtype_bytes(field->value->dtype) * (size_t)e->truths * (size_t)e->rows.count;
    void *values = malloc(bytes + 1);
    if (!values) out_of_memory(bytes);
    Node *filled = field_value(e->driver->arena, e->run, v->trained.state, field);
    interpret_rows(filled, e->rows.table->columns, e->rows.rows, 0, e->rows.count, values);
    for (int64_t i = 0; i < e->rows.count * e->truths; i++) v->truth[i] = dense_at(field->value->dtype, values, i);
    free(values);
    if (field->standard >= 0 && !is_undone(e)) standardize_truth(v, field);
}

/* Called before columns are standardized and after; each truth is taken once. */
static void take_truth(Eval *v, bool standardized) {
    EvalFigures *e = &v->e;
    const Field *field = e->run->target >= 0 ? &e->set->fields[e->run->target] : NULL;
    const Column *column = field && field->column >= 0 ? &e->set->columns[field->column] : NULL;
    bool as_measured = column && column->standardized && is_undone(e);
    if (!field || standardized == as_measured) return;
    e->truths = shape_size(field->shape);
    e->classes = field->classes;
    v->truth = malloc(sizeof *v->truth * (size_t)(e->rows.count * e->truths + 1));
    if (!v->truth) out_of_memory(sizeof *v->truth * (size_t)(e->rows.count * e->truths));
    e->truth = v->truth;
    if (!column) {
        compute_truth(v, field);
        return;
    }
    for (int64_t i = 0; i < e->rows.count; i++)
        for (int64_t k = 0; k < e->truths; k++) {
            double *truth = &v->truth[i * e->truths + k];
            *truth = number_at(e->rows.table, field->column, row_of(&e->rows, i), k);
            if (isnan(*truth)) *truth = column_fill(e->run, v->trained.state, field->column, k);
        }
}

/* ---- calls ----------------------------------------------------------------------------------------- */
static void *take_memory(size_t bytes) {
    void *memory = aligned_alloc(64, round_to_line(bytes) + 64);
    if (!memory) out_of_memory(bytes);
    return memory;
}

static void evaluate(Eval *v) {
    EvalFigures *e = &v->e;
    const Run *run = e->run;
    Arena *arena = e->driver->arena;
    Training *t = &v->training;
    int kept = 0;
    for (int m = 0; m < run_measures(run); m++) kept += run->measures[m].argument_count;
    v->work = take_memory(v->trained.executor->work_bytes);
    v->kept = take_memory(evaluate_kept_bytes(run, e->rows.count));
    *t = (Training){.driver = e->driver,
                    .run = run,
                    .executor = v->trained.executor,
                    .data = &v->data,
                    .state = v->trained.state,
                    .work = v->work,
                    .kept = arena_array(arena, void *, kept + 1),
                    .arguments = arena_array(arena, sgdrt_column, kept + 1),
                    .outputs = arena_array(arena, void *, kept + 1),
                    .evaluated_part = arena_array(arena, double, run_sums(run) + 1),
                    .evaluated = arena_array(arena, double, run_sums(run) + 1)};
    evaluate_place_kept(run, e->rows.count, v->kept, t->kept);
    e->measures = arena_array(arena, double, run->measure_count + 1);
    e->loss = evaluate_rows(t, &e->rows, e->measures);
    e->arrays = arena_array(arena, double *, run->array_count + 1);
    for (int i = 0; i < run->array_count; i++) e->arrays[i] = evaluate_array(t, run->measure_count + i, e->rows.count);
    e->terms = arena_array(arena, double, run->term_count + 1);
    for (int i = 0; i < run->term_count; i++)
        e->terms[i] = run->terms[i].penalty ? t->evaluated[i] : t->evaluated[i] / evaluate_over(t, e->rows.count);
}

/* Predictions and losses, row by row. */
static void predict(Eval *v) {
    EvalFigures *e = &v->e;
    int64_t count = e->rows.count;
    e->outputs = e->run->predict ? shape_size(e->run->predict->shape) : 0;
    v->predicted = take_memory(sizeof *v->predicted * (size_t)(count * e->outputs));
    v->losses = take_memory(sizeof *v->losses * (size_t)count);
    for (int64_t first = 0; first < count; first += ROWS_AT_ONCE) {
        int64_t here = count - first < ROWS_AT_ONCE ? count - first : ROWS_AT_ONCE;
        void *outputs[2] = {v->predicted + first * e->outputs, v->losses + first};
        sgdrt_call call = {.state = v->trained.state,
                           .work = v->work,
                           .columns = e->rows.table->columns,
                           .rows = e->rows.rows ? e->rows.rows + first : NULL,
                           .first = e->rows.rows ? 0 : first,
                           .count = here,
                           .batch = here,
                           .outputs = outputs + (e->outputs ? 0 : 1)};
        v->trained.executor->call(v->trained.executor, ENTRY_PREDICT, 0, &call);
    }
    e->predicted = e->outputs ? v->predicted : NULL;
    e->losses = v->losses;
}

static ExitCode evaluate_all(Eval *v) {
    EvalFigures *e = &v->e;
    if (!e->driver->options->has_seed)
        v->trained.run->seed = ((const sgdrt_header *)v->trained.state)->seed; /* splits alike */
    v->tables = tables_read(e->driver, false);
    if (!v->tables) return EXIT_DATA;
    v->data = *tables_of_run(v->tables, 0);
    if (!choose_rows(v)) return EXIT_USAGE;
    take_truth(v, false);
    if (!tables_standardize_by(e->driver, v->tables, v->trained.mean, v->trained.deviation)) return EXIT_DATA;
    v->data = *tables_of_run(v->tables, 0);
    e->rows.table = e->set == e->run->data ? v->data.train.table : v->data.valid.table;
    take_truth(v, true);
    v->trained.executor->evaluates = true;
    if (v->trained.codegen) codegen_jit_all(v->trained.codegen, &v->trained.executor, 1);
    evaluate(v);
    predict(v);
    Truth truth = {.column = e->run->target, .classes = (int)e->classes};
    e->rule = e->predicted ? class_rule(&v->training, &truth, (int)e->outputs) : CLASS_NONE;
    if (e->rule != CLASS_NONE && e->classes > MOST_JUDGED_CLASSES) {
        driver_say(e->driver, "more than %d classes: how often which is taken for which is left out",
                   MOST_JUDGED_CLASSES);
        e->rule = CLASS_NONE;
    }
    eval_take_figures(e);
    if (e->driver->options->json)
        eval_print_json(e, e->driver->result);
    else
        eval_print(e, e->driver->result);
    return EXIT_DONE;
}

static ExitCode eval(Driver *driver) {
    Eval v = {.e = {.driver = driver}};
    ExitCode code = trained_open(driver, add_losses, &v.trained);
    if (code != EXIT_DONE) return code;
    v.e.run = v.trained.run;
    code = trained_data(driver, v.e.run) ? evaluate_all(&v) : EXIT_USAGE;
    if (v.tables) tables_free(v.tables);
    free(v.predicted);
    free(v.losses);
    free(v.truth);
    free(v.work);
    free(v.kept);
    trained_close(&v.trained);
    return code;
}

/* ---- the command ----------------------------------------------------------------------------------- */
static const char *check(Arena *arena, const Options *o) { return trained_check_options(arena, o, "eval"); }

static const OptionRow rows[] = {
    {NULL, 0, 0, 0, NULL, NULL, "What is evaluated"},
    {"load", 0, OPTION_TEXT, OPTION_AT(load), "=FILE", NULL,
     "the saved parameters: what sgdc MODEL.sgd --run --save=FILE writes"},
    {"run", 0, OPTION_TEXT, OPTION_AT(run_only), "=NAME", NULL,
     "the train block or run they are of (default: what FILE says)"},
    {"data", 0, OPTION_PAIR, OPTION_AT(data), "=NAME=PATH", NULL, "rows of another file, read as data NAME is"},
    {"on", 0, OPTION_CHOICE, OPTION_AT(on), "=ROWS", "auto valid train all",
     "which rows: valid, train or all (default: those that validate; all of another file)"},
    {"json", 0, OPTION_FLAG, OPTION_AT(json), NULL, NULL, "one JSON object"},
    {0},
};

const Command command_eval = {
    .grammar = {.command = "eval",
                .arguments = "MODEL.sgd --load=FILE [--data=NAME=PATH] [--on=ROWS]",
                .file = ".sgd file",
                .summary = "losses, measures and errors of a trained model, and its worst rows",
                .rows = rows,
                .shared = "set seed interpret cpu O progress time-passes " SHARED_BY_ALL,
                .check = check},
    .run = eval,
};
