/* learn: what a run learns from its rows before it trains (runtime/statistics.h), and what of them it refuses. */
#include "codegen/object/model_facts.h"
#include "driver/training.h"
#include "statistics.h"

typedef struct Learning {
    const Run *run;
    Executor *executor;
    void *state, *work;
} Learning;

static void call_derived(void *context, const sgdrt_call *call) {
    const Learning *l = context;
    sgdrt_call own = *call;
    own.state = l->state;
    own.work = l->work;
    l->executor->call(l->executor, ENTRY_DERIVED, 0, &own);
}

static sgdrt_model_statistic statistic_of(const Run *run, const Statistic *s) {
    return (sgdrt_model_statistic){.kind = (int32_t)s->kind,
                                   .column = s->column,
                                   .cell = s->cell,
                                   .output = s->output,
                                   .elements = shape_size(s->shape),
                                   .dtype = (int32_t)model_statistic_type(run, s),
                                   .set = s->set};
}

static sgdrt_learning learning_of(Arena *arena, Learning *l, const RowSet *rows) {
    const Run *run = l->run;
    sgdrt_model_statistic *statistics = arena_array(arena, sgdrt_model_statistic, run->statistic_count + 1);
    sgdrt_model_cell *cells = arena_array(arena, sgdrt_model_cell, run->cell_count + 1);
    for (int i = 0; i < run->statistic_count; i++) statistics[i] = statistic_of(run, &run->statistics[i]);
    for (int i = 0; i < run->cell_count; i++) cells[i] = saved_cell(&run->cells[i]);
    return (sgdrt_learning){.statistics = statistics,
                            .statistic_count = run->statistic_count,
                            .outputs = run->derived.root_count,
                            .cells = cells,
                            .state = l->state,
                            .columns = rows->table->columns,
                            .rows = rows->rows,
                            .count = rows->count,
                            .derive = call_derived,
                            .context = l};
}

/* The row's place in its file, where it has one. */
static bool tell(Driver *driver, const Run *run, const RowSet *rows, int set, int status,
                 const sgdrt_learning_problem *problem) {
    Span span = problem->statistic >= 0 ? run->statistics[problem->statistic].span : run->span;
    const char *file = run->data->path;
    int64_t row = problem->place < 0 ? -1 : rows->rows ? rows->rows[problem->place] : problem->place, line;
    Code code = status == SGDRT_WEIGHT ? CODE_E0436 : CODE_E0437;
    const char *what = status == SGDRT_WEIGHT ? "the weight of this row is negative or not a number"
                       : status == SGDRT_NO_ROWS
                           ? "no row that trains has a value, so none can stand for what is missing"
                           : "what is standardized is infinite or not a number in this row";
    if (status == SGDRT_MEMORY) out_of_memory((size_t)rows->count);
    if (row >= 0 && file && sgdrt_row_line(rows->table, row, &line)) {
        Diagnostic *d = report_file(driver->diagnostics, code, file, line, 0, "%s", what);
        add_note(driver->diagnostics, d, span, "%s", status == SGDRT_WEIGHT ? "the weight" : "it is computed here");
    } else {
        const char *of = run->data->joined_count ? text_format(driver->arena, " of %s", run->data->joined[set]->name)
                                                 : "";
        if (row >= 0) what = text_format(driver->arena, "row %lld%s: %s", (long long)row, of, what);
        report(driver->diagnostics, code, span, "%s", what);
    }
    return false;
}

/* Of the first data set the rows that train, of each further one all. */
static RowSet rows_of_set(const Run *run, const RunData *data, int set) {
    return set ? (RowSet){data->train.table, NULL, run->data->joined_rows[set]} : data->train;
}

bool learn_from_rows(Driver *driver, const Run *run, Executor *executor, const RunData *data, void *state, void *work) {
    if (!run->statistic_count) return true;
    Learning l = {run, executor, state, work};
    sgdrt_learning_problem problem;
    static int (*const learners[])(const sgdrt_learning *, sgdrt_learning_problem *) = {sgdrt_learn,
                                                                                        sgdrt_check_weights};
    for (int learner = 0; learner < 2; learner++)
        for (int set = 0; set < data_set_count(run->data); set++) {
            RowSet rows = rows_of_set(run, data, set);
            sgdrt_learning learning = learning_of(driver->arena, &l, &rows);
            learning.set = set;
            int status = learners[learner](&learning, &problem);
            if (status) return tell(driver, run, &rows, set, status, &problem);
        }
    if (!data->valid.count) return true;
    sgdrt_learning valid = learning_of(driver->arena, &l, &data->valid);
    int status = sgdrt_check_weights(&valid, &problem);
    return !status || tell(driver, run, &data->valid, 0, status, &problem);
}
