/* learn: what a run learns from its rows before it trains (runtime/statistics.h), and what of them it refuses. */
#include "codegen/model_facts.h"
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
                                   .dtype = (int32_t)model_statistic_type(run, s)};
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
static bool tell(Driver *driver, const Run *run, const RowSet *rows, int status,
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
        if (row >= 0) what = text_format(driver->arena, "row %lld: %s", (long long)row, what);
        report(driver->diagnostics, code, span, "%s", what);
    }
    return false;
}

bool learn_from_rows(Driver *driver, const Run *run, Executor *executor, const RunData *data, void *state, void *work) {
    if (!run->statistic_count) return true;
    Learning l = {run, executor, state, work};
    sgdrt_learning_problem problem;
    sgdrt_learning train = learning_of(driver->arena, &l, &data->train), valid = train;
    int status = sgdrt_learn(&train, &problem);
    if (status) return tell(driver, run, &data->train, status, &problem);
    status = sgdrt_check_weights(&train, &problem);
    if (status) return tell(driver, run, &data->train, status, &problem);
    if (!data->valid.count) return true;
    valid.columns = data->valid.table->columns;
    valid.rows = data->valid.rows;
    valid.count = data->valid.count;
    status = sgdrt_check_weights(&valid, &problem);
    return !status || tell(driver, run, &data->valid, status, &problem);
}
