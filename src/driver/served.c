/* served: from a saved file to what serves: which run of the program it is of, and that run's parameters.
 *
 * Of the file everything but the optimizer's state has to be there, and nothing else may be: a parameter that the program
 * has not would have had its part in what the file's model answers.
 */
#include "driver/torch.h"
#include "saved.h"
#include <string.h>

/* ---- which run ----------------------------------------------------------------------------------- */
static bool is_asked_for(const Run *run, const char *only) {
    for (const char *at = only; at && *at;) {
        size_t length = run_name_length(at);
        bool same = (strlen(run->name) == length && !memcmp(run->name, at, length)) ||
                    (strlen(run->block) == length && !memcmp(run->block, at, length));
        if (same) return true;
        at += length + (at[length] == ',');
    }
    return !only;
}

static ExitCode complain_of_choice(Driver *driver, const char *saved, const Run *const *runs, int count) {
    enum { MOST_SHOWN = 8 };
    Text names = text_new(driver->arena);
    for (int i = 0; i < count && i < MOST_SHOWN; i++) text_add(&names, "%s%s", i ? ", " : "", runs[i]->name);
    driver_complain(driver, "%s has %d runs, and %s%s%s%s: say which one with --run=NAME (%s%s)", driver->options->file,
                    count, driver->options->load, saved ? " is of \"" : " does not say which one it is of",
                    saved ? saved : "", saved ? "\", which is none of them" : "", names.bytes,
                    count > MOST_SHOWN ? ", ..." : "");
    return EXIT_USAGE;
}

/* Leaves the program with the one run that is meant. */
ExitCode served_choose_run(Driver *driver, const sgdrt_checkpoint *file) {
    Program *program = driver->program;
    const char *saved = sgdrt_find_metadata(file, "run");
    const Run **runs = arena_array(driver->arena, const Run *, program->run_count + 1), *chosen = NULL;
    int count = 0;
    for (int i = 0; i < program->run_count; i++)
        if (is_asked_for(&program->runs[i], driver->options->run_only)) runs[count++] = &program->runs[i];
    if (!count) {
        driver_complain_no_run(driver, "there is no model to use");
        return EXIT_SOURCE;
    }
    for (int i = 0; i < count; i++)
        if (saved && strcmp(runs[i]->name, saved) == 0) chosen = runs[i];
    if (!chosen && count > 1) return complain_of_choice(driver, saved, runs, count);
    program->runs = arena_copy(driver->arena, chosen ? chosen : runs[0], sizeof *chosen);
    program->run_count = 1;
    return classes_from_file(driver, file, &program->runs[0]) ? EXIT_DONE : EXIT_DATA;
}

/* ---- what the file has of it ---------------------------------------------------------------------- */
static sgdrt_training serving_part(Driver *driver, const Run *run, void *state) {
    sgdrt_model_cell *cells = arena_array(driver->arena, sgdrt_model_cell, run->cell_count + 1);
    int count = 0;
    for (int i = 0; i < run->cell_count; i++)
        if (run->cells[i].kind != CELL_OPTIMIZER) cells[count++] = saved_cell(&run->cells[i]);
    return (sgdrt_training){.cells = cells, .cell_count = count, .state = state};
}

/* Names of optimizer state and of last states have an @. */
static const char *unknown_entry(const sgdrt_checkpoint *file, const Run *run) {
    for (int i = 0; i < file->entry_count; i++) {
        const char *name = file->entries[i].name;
        bool known = strchr(name, '@') != NULL;
        for (int k = 0; k < run->cell_count && !known; k++) known = strcmp(run->cells[k].name, name) == 0;
        if (!known) return name;
    }
    return NULL;
}

bool served_restore(Driver *driver, const sgdrt_checkpoint *file, const Run *run, void *state) {
    if (!(file = torch_translated(driver, run, file, true))) return false;
    sgdrt_training training = serving_part(driver, run, state);
    sgdrt_problem problem = {0};
    static const char another[] = "it was saved by another program, or before this one was changed";
    if (sgdrt_restore_training(file, &training, SGDRT_SERVE, &problem)) {
        if (!problem.help[0]) memcpy(problem.help, another, sizeof another);
        report_problem(driver, &problem, (Span){0, 0}, NULL);
        return false;
    }
    const char *unknown = unknown_entry(file, run);
    Diagnostic *d = NULL;
    if (unknown)
        d = report_file(driver->diagnostics, CODE_E0419, file->path, 0, 0,
                        "the file has \"%s\", which the model of %s has not", unknown, run->name);
    else if (training.no_statistics)
        d = report_file(driver->diagnostics, CODE_E0419, file->path, 0, 0,
                        "the file has no statistics of data %s, by which the program standardizes", run->data->name);
    if (d) add_help(driver->diagnostics, d, "%s", another);
    return !d;
}
