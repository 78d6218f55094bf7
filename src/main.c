/* sgdc: reads the command line, and does one of the things it can ask for, in this order: a command by its name;
 * explain a code or complete a command line, compile, and then diagnose only, emit texts, check the gradient, train, or write an object.
 */
#include "driver/commands/commands.h"
#include "driver/completion/complete.h"
#include "driver/driver.h"
#include "driver/interrupt.h"
#include "driver/output.h"
#include <string.h>

/* docs/diagnostics.md: every code with its explanation. */
static void explain_all(FILE *to) {
    fprintf(to, "# Diagnostics\n\nEvery error (E), warning (W) and remark (N) of sgdc, as `sgdc --explain=CODE` "
                "explains it.\n");
    for (Code code = 0; code < CODE_COUNT; code++)
        fprintf(to, "\n## %s: %s\n\n%s\n", code_name(code), code_title(code), code_explanation(code));
}

static ExitCode explain(const char *name, Driver *driver) {
    Code code;
    if (strcmp(name, "all") == 0) {
        explain_all(driver->result);
        return EXIT_DONE;
    }
    if (!code_find(name, &code)) {
        driver_complain(driver, "there is no diagnostic code \"%s\" (they look like E0201; `all` prints all)", name);
        return EXIT_USAGE;
    }
    fprintf(driver->result, "%s: %s\n\n%s\n", code_name(code), code_title(code), code_explanation(code));
    return EXIT_DONE;
}

/* Names that options give and only later stages could find wrong. */
static ExitCode check_options(Driver *driver) {
    const Options *o = driver->options;
    const char *problem;
    if ((o->stop_after && !driver_check_pass_name(driver, o->stop_after, &problem)) ||
        (o->dump && strcmp(o->dump, "all") && !driver_check_pass_name(driver, o->dump, &problem))) {
        driver_complain(driver, "%s", problem);
        return EXIT_USAGE;
    }
    if (options_train(o) && driver_makes_object(driver)) {
        driver_complain(driver,
                        "--run and what is made for an application are two compilations: ask for one at a time");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static ExitCode work(Driver *driver) {
    const Options *o = driver->options;
    ExitCode code = check_options(driver);
    if (code != EXIT_DONE) return code;
    Progress *progress = progress_begin(driver);
    code = driver_compile(driver, o->check_grad);
    progress_end(progress);
    if (code != EXIT_DONE || driver->stopped) return code;
    if (o->check) return EXIT_DONE;
    if (o->check_grad) return driver_check_grad(driver);
    if (!driver_make_folder(driver)) return EXIT_DATA;
    code = driver_check_outputs(driver);
    if (code != EXIT_DONE) return code;
    if (o->summary) driver_print_summary(driver);
    if (o->emit.count || driver_makes_object(driver)) code = driver_emit(driver);
    if (code == EXIT_DONE && options_train(o)) code = driver_train(driver);
    return code;
}

static ExitCode finish(Driver *driver, ExitCode code) {
    driver_print_diagnostics(driver);
    if (driver->options->time_passes) driver_print_times(driver);
    return code == EXIT_DONE && driver->diagnostics->errors ? EXIT_SOURCE : code;
}

static ExitCode answer(Driver *driver, Options *options, int argc, char **argv) {
    const Command *command;
    const char *problem;
    if (!command_find(driver->arena, argc, argv, &command, &problem) ||
        !options_parse(driver->arena, command ? &command->grammar : &options_of_sgdc, argc - (command != NULL),
                       argv + (command != NULL), options, &problem)) {
        driver_complain(driver, "%s", problem);
        return EXIT_USAGE;
    }
    if (options->explain) return explain(options->explain, driver);
    if (options->completions) return completion_script(driver, options->completions);
    if (options->complete.items) return complete_words(driver, options->complete);
    if (options->help)
        command_print_help(driver->result, command);
    else if (options->version)
        fprintf(driver->result, "sgdc %s\n", driver_version(driver->arena));
    else if (options->machine)
        return finish(driver, driver_print_machine(driver));
    else {
        driver->diagnostics->warnings_are_errors = options->warnings_are_errors;
        return finish(driver, command ? command->run(driver) : work(driver));
    }
    return EXIT_DONE;
}

int main(int argc, char **argv) {
    output_guard_streams();
    interrupt_install();
    double started = clock_seconds();
    Arena *arena = arena_new();
    SourceMap *map = source_map_new(arena);
    Options options;
    const char *problem;
    Driver driver = {
        .arena = arena,
        .names = names_new(arena),
        .map = map,
        .diagnostics = diagnostics_new(arena, map),
        .options = &options,
        .result = stdout,
        .info = stderr,
        .started = started,
    };
    ExitCode code = answer(&driver, &options, argc, argv);
    if (!output_close_streams(&problem)) {
        driver_complain(&driver, "%s", problem);
        if (code == EXIT_DONE) code = EXIT_DATA;
    }
    arena_free(arena);
    return code;
}
