/* sgdc fmt FILE ...: programs in the one style (format.h), each replaced as a whole or left as it is.
 *
 * A file that is in the style already is not written. One that cannot be read, or has a syntax error, does not keep the
 * others from being formatted; the exit code tells of it.
 */
#include "driver/commands/commands.h"
#include "driver/output.h"
#include "format/format.h"
#include <string.h>

static bool is_stdin(const char *path) { return strcmp(path, "-") == 0; }

static Source *read_program(Driver *driver, const char *path) {
    const char *problem;
    Source *source = is_stdin(path) ? source_read_stdin(driver->map, &problem)
                                    : source_read(driver->map, path, &problem);
    if (!source) driver_complain(driver, "%s %s", is_stdin(path) ? "stdin" : path, problem);
    return source;
}

static ExitCode write_program_to(Driver *driver, const char *path, const char *text, size_t length) {
    const char *problem;
    if (output_write(driver->arena, path, text, length, &problem)) {
        if (!is_stdin(path)) driver_say(driver, "formatted %s", path);
        return EXIT_DONE;
    }
    driver_complain(driver, "%s %s", path, problem);
    return EXIT_DATA;
}

static ExitCode format_file(Driver *driver, const char *path) {
    int errors = driver->diagnostics->errors;
    size_t length;
    Source *source = read_program(driver, path);
    if (!source) return EXIT_DATA;
    const char *text = format_source(driver->arena, driver->diagnostics, source, &length);
    if (!text && driver->diagnostics->errors > errors) return EXIT_SOURCE;
    if (!text) INTERNAL_ERROR("the formatter would have changed what %s means; it is as it was", source->path);
    bool same = length == source->length && memcmp(text, source->text, length) == 0;
    if (!driver->options->check) {
        if (same && !is_stdin(path)) return EXIT_DONE;
        return write_program_to(driver, path, text, length);
    }
    if (!same) fprintf(driver->result, "%s\n", text_shown(driver->arena, source->path));
    return same ? EXIT_DONE : EXIT_SOURCE;
}

static ExitCode run_fmt(Driver *driver) {
    ExitCode worst = EXIT_DONE;
    for (int i = 0; i < driver->options->files.count; i++) {
        ExitCode code = format_file(driver, driver->options->files.items[i]);
        worst = code > worst ? code : worst;
    }
    return worst;
}

static const OptionRow rows[] = {
    {"check", 0, OPTION_FLAG, OPTION_AT(check), NULL, NULL,
     "write nothing; list the files that would change, and exit with 1 if there is one"},
    {0},
};
const Command command_fmt = {
    {.command = "fmt",
     .arguments = "FILE.sgd ... [--check]    (-: from stdin to stdout)",
     .file = ".sgd file",
     .many_files = true,
     .summary = "programs in the one style, in place",
     .rows = rows,
     .shared = "q error-format color help"},
    run_fmt,
};
