/* trained: from a program and a saved file to a function that can be called.
 *
 * Only what is called is compiled: init and step leave the run before the graph passes, so that no gradient is taken.
 */
#include "driver/commands/trained.h"
#include "codegen/codegen.h"
#include "driver/output.h"
#include "driver/training.h"
#include "saved.h"
#include <stdlib.h>
#include <string.h>

const char *trained_check_options(Arena *arena, const Options *options, const char *command) {
    if (options->load) return NULL;
    return text_format(arena, "sgdc %s needs the saved parameters: --load=FILE (sgdc %s --run --save=FILE writes it)",
                       command, options->file);
}

static void find_statistics(Trained *t) {
    const Run *run = t->run;
    t->mean = arena_array(t->driver->arena, const double *, run->data->column_count + 1);
    t->deviation = arena_array(t->driver->arena, const double *, run->data->column_count + 1);
    for (int c = 0; c < run->data->column_count; c++) {
        const Column *column = &run->data->columns[c];
        if (!column->standardized) continue;
        t->mean[c] = (const double *)((const char *)t->state + run->cells[column->mean_cell].offset);
        t->deviation[c] = (const double *)((const char *)t->state + run->cells[column->deviation_cell].offset);
    }
}

/* ---- opening ----------------------------------------------------------------------------------------- */
static ExitCode compile(Driver *driver, const sgdrt_checkpoint *file, bool (*cut)(Driver *, Run *)) {
    ExitCode code = driver_lower(driver, false, MEASURED_BY_NONE);
    if (code == EXIT_DONE) code = served_choose_run(driver, file);
    if (code != EXIT_DONE) return code;
    Run *run = &driver->program->runs[0];
    run->init = run->step = (Function){0};
    run->part_count = 0;
    if (!cut(driver, run)) return EXIT_SOURCE;
    return driver_run_passes(driver);
}

static ExitCode make_executor(Driver *driver, Trained *t) {
    if (driver->options->interpret) {
        t->executor = interpreter_new(driver->arena, t->run);
        return EXIT_DONE;
    }
    t->codegen = driver_session(driver);
    t->executor = t->codegen ? codegen_jit(t->codegen, t->run) : NULL;
    if (t->executor) return EXIT_DONE;
    if (t->codegen) codegen_free(t->codegen);
    return driver->diagnostics->errors ? EXIT_USAGE : EXIT_DEFECT;
}

ExitCode trained_open(Driver *driver, bool (*cut)(Driver *driver, Run *run), Trained *t) {
    sgdrt_problem problem = {0};
    sgdrt_checkpoint *file;
    *t = (Trained){.driver = driver};
    if (sgdrt_load_file(driver->options->load, &file, &problem)) {
        report_problem(driver, &problem, (Span){0, 0}, NULL);
        return EXIT_DATA;
    }
    Progress *progress = progress_begin(driver);
    ExitCode code = compile(driver, file, cut);
    progress_end(progress);
    if (code == EXIT_DONE) {
        t->run = &driver->program->runs[0];
        t->state = aligned_alloc(64, round_to_line(t->run->state_bytes));
        if (!t->state) out_of_memory(t->run->state_bytes);
        state_clear(t->run, t->state, 0);
        if (!served_restore(driver, file, t->run, t->state)) code = EXIT_DATA;
    }
    if (code == EXIT_DONE) code = make_executor(driver, t);
    if (code == EXIT_DONE)
        find_statistics(t);
    else
        free(t->state);
    sgdrt_free_checkpoint(file);
    return code;
}

void trained_close(Trained *t) {
    t->executor->free(t->executor);
    if (t->codegen) codegen_free(t->codegen);
    free(t->state);
}

/* ---- data ---------------------------------------------------------------------------------------------- */
bool trained_data_is_given(const Driver *driver, const DataSet *set) {
    for (int i = 0; i < driver->options->data.count; i++)
        if (strcmp(driver->options->data.items[i].name, set->name) == 0) return true;
    return false;
}

/* Of several data sets each may be given. */
static const DataSet *joined_data(Driver *driver, const Run *run) {
    const DataSet *data = run->data;
    for (int i = 0; i < driver->options->data.count; i++) {
        const char *name = driver->options->data.items[i].name;
        bool known = false;
        for (int k = 0; k < data->joined_count; k++) known |= strcmp(data->joined[k]->name, name) == 0;
        if (known) continue;
        driver_complain(driver, "--data %s: %s reads data %s", name, run->name, data->name);
        return NULL;
    }
    return data;
}

const DataSet *trained_data(Driver *driver, const Run *run) {
    if (run->data->joined_count) return joined_data(driver, run);
    const DataSet *given = NULL, *const sets[] = {run->data, run->valid != run->data ? run->valid : NULL};
    for (int i = 0; i < driver->options->data.count; i++) {
        const char *name = driver->options->data.items[i].name;
        const DataSet *found = NULL;
        for (int k = 0; k < 2; k++)
            if (sets[k] && strcmp(sets[k]->name, name) == 0) found = sets[k];
        if (!found) {
            driver_complain(driver, "--data %s: %s reads data %s%s%s", name, run->name, sets[0]->name,
                            sets[1] ? " and " : "", sets[1] ? sets[1]->name : "");
            return NULL;
        }
        if (given && given != found) {
            driver_complain(driver, "one data set at a time: --data gives a file for %s and for %s", given->name,
                            found->name);
            return NULL;
        }
        given = found;
    }
    if (!given) return run->data;
    DataSet *whole = arena_copy(driver->arena, given, sizeof *given);
    whole->rows_begin = 0;
    whole->rows_end = -1;
    whole->copies = 1;
    return whole;
}

void trained_mark_columns(Arena *arena, Node *node, bool *columns) {
    int count;
    Node **nodes = graph_post_order(arena, &node, 1, &count);
    for (int i = 0; i < count; i++)
        if (nodes[i]->op == OP_COLUMN) columns[nodes[i]->attr.index] = true;
}
