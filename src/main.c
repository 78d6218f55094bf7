/* sgdc: reads the command line, and does one of the things it can ask for, in this order:
 * explain a code, compile, and then diagnose only, emit texts, check the gradient, train, or write an object.
 */
#include "driver/driver.h"
#include <signal.h>
#include <string.h>
#include <unistd.h>

static ExitCode explain(const char *name, Driver *driver) {
    Code code;
    if (!code_find(name, &code)) {
        driver_complain(driver, "there is no diagnostic code \"%s\" (they look like E0201)", name);
        return EXIT_USAGE;
    }
    printf("%s: %s\n\n%s\n", code_name(code), code_title(code), code_explanation(code));
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
    if ((o->run || o->dry_run) && driver_makes_object(driver)) {
        driver_complain(driver, "--run and machine code for an application are two compilations: ask for one at a time");
        return EXIT_USAGE;
    }
    return EXIT_DONE;
}

static ExitCode work(Driver *driver) {
    const Options *o = driver->options;
    ExitCode code = check_options(driver);
    if (code != EXIT_DONE) return code;
    code = driver_compile(driver, o->check_grad);
    if (code != EXIT_DONE || driver->stopped) return code;
    if (o->check) return EXIT_DONE;
    if (o->check_grad) return driver_check_grad(driver);
    if (o->summary) driver_print_summary(driver);
    if (o->emit.count || !(o->run || o->dry_run || o->summary)) code = driver_emit(driver);
    if (code == EXIT_DONE && (o->run || o->dry_run)) code = driver_train(driver);
    return code;
}

static ExitCode finish(Driver *driver, ExitCode code) {
    driver_print_diagnostics(driver);
    if (driver->options->time_passes) driver_print_times(driver);
    if (code == EXIT_DONE && driver->diagnostics->errors) code = EXIT_SOURCE;
    if (fflush(stdout) != 0 && code == EXIT_DONE) {
        driver_complain(driver, "stdout cannot be written");
        code = EXIT_DATA;
    }
    return code;
}

/* Ctrl-C before training, which has its own: nothing is worth finishing. Outputs take their names when complete. */
static void on_interrupt(int signal_number) {
    static const char message[] = "sgdc: interrupted\n";
    (void)signal_number;
    if (write(STDERR_FILENO, message, sizeof message - 1) < 0) _exit(EXIT_INTERRUPTED);
    _exit(EXIT_INTERRUPTED);
}

int main(int argc, char **argv) {
    double started = clock_seconds();
    Arena *arena = arena_new();
    SourceMap *map = source_map_new(arena);
    Options options;
    const char *problem;
    Driver driver = {
        .arena = arena, .names = names_new(arena), .map = map, .diagnostics = diagnostics_new(arena, map),
        .options = &options, .result = stdout, .info = stderr, .started = started,
    };
    ExitCode code;
    if (signal(SIGINT, on_interrupt) == SIG_IGN) signal(SIGINT, SIG_IGN);
    if (!options_parse(arena, argc, argv, &options, &problem)) {
        driver_complain(&driver, "%s", problem);
        code = EXIT_USAGE;
    } else if (options.help) {
        options_print_help(stdout);
        code = EXIT_DONE;
    } else if (options.version) {
        driver_print_version(stdout);
        code = EXIT_DONE;
    } else if (options.explain) {
        code = explain(options.explain, &driver);
    } else {
        driver.diagnostics->warnings_are_errors = options.warnings_are_errors;
        code = finish(&driver, work(&driver));
    }
    arena_free(arena);
    return code;
}
