/* sgdc new data.csv: a starter program for a table. */
#include "driver/commands/commands.h"
#include "driver/commands/new.h"
#include "driver/output.h"
#include "format/format.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* How the program names the file: as it is given where both lie in the current folder's view, by name alone where they lie
 * together, else from the root. */
static const char *path_in_program(Arena *arena, const char *data, const char *program) {
    const char *slash = strrchr(data, '/');
    const char *of_data = path_folder(arena, data), *of_program = path_folder(arena, program);
    if (strcmp(of_data, of_program) == 0) return slash ? slash + 1 : data;
    if (*data == '/' || strcmp(of_program, ".") == 0) return data;
    char *whole = realpath(data, NULL);
    const char *copy = whole ? text_format(arena, "%s", whole) : data;
    free(whole);
    return copy;
}

/* "a/houses.csv.gz" -> "houses" */
static const char *table_stem(Arena *arena, const char *path) {
    const char *stem = path_stem(arena, path);
    return strcmp(path_extension(path), ".gz") == 0 ? path_stem(arena, stem) : stem;
}

static bool may_write(Driver *driver, const char *path) {
    const Options *o = driver->options;
    const char *problem;
    if (output_is_standard(path)) return true;
    if (output_is_same(path, o->file)) {
        driver_complain(driver, "%s is the data: name the program by -o", path);
        return false;
    }
    if (path_is_folder(path)) {
        driver_complain(driver, "%s is a folder: name the program's file in it", path);
        return false;
    }
    if (!o->force && path_is_file(path)) {
        driver_complain(driver, "%s is there already: --force writes over it, -o names another file", path);
        return false;
    }
    if (output_is_possible(driver->arena, path, &problem)) return true;
    driver_complain(driver, "%s %s", path, problem);
    return false;
}

static void say_what(Driver *driver, const Choices *choices, const char *path) {
    static const char *const kinds[] = {
        [TARGET_NUMBER] = "a number", [TARGET_LABELS] = "a class", [TARGET_TEXTS] = "a class"};
    int columns = choices->number_count + choices->text_count;
    const char *title = column_title(driver->arena, &choices->table->columns[choices->target]);
    driver_say(driver, "wrote %s: it predicts %s, %s, from %d column%s; train it by: sgdc %s --run", path, title,
               kinds[choices->kind], columns, columns == 1 ? "" : "s", path);
}

/* In the style of sgdc fmt. */
static const char *formatted(Driver *driver, const char *path, const char *text) {
    size_t length;
    Source *source = source_add(driver->map, path, text, strlen(text));
    const char *in_style = format_source(driver->arena, driver->diagnostics, source, &length);
    if (!in_style) INTERNAL_ERROR("a program that sgdc new has made cannot be read:\n%s", text);
    return in_style;
}

static ExitCode run_new(Driver *driver) {
    const Options *o = driver->options;
    Arena *arena = driver->arena;
    const char *problem;
    TableProfile table;
    Choices choices;
    const char *path = o->output ? o->output : text_format(arena, "%s.sgd", table_stem(arena, o->file));
    if (strcmp(o->file, "-") == 0) {
        driver_complain(driver, "the program names its data, so standard input cannot be it: save the table as a file");
        return EXIT_USAGE;
    }
    if (!may_write(driver, path)) return EXIT_DATA;
    if (!profile_table(driver, o->file, &table) || !choose(driver, &table, o->target_column, &choices))
        return EXIT_DATA;
    bool standard = output_is_standard(path);
    const char *stem = standard ? table_stem(arena, o->file) : path_stem(arena, path);
    const char *text = program_text(arena, &choices, path_in_program(arena, o->file, standard ? "./x" : path), stem);
    text = formatted(driver, path, text);
    if (!output_write(arena, path, text, strlen(text), &problem)) {
        report_file(driver->diagnostics, CODE_E0418, path, 0, 0, "%s", problem);
        return EXIT_DATA;
    }
    if (!standard) say_what(driver, &choices, path);
    return EXIT_DONE;
}

static const OptionRow rows[] = {
    {"target", 0, OPTION_TEXT, OPTION_AT(target_column), "=NAME|NUMBER", NULL,
     "the column to predict (default: the last one)"},
    {NULL, 'o', OPTION_TEXT, OPTION_AT(output), " PATH", NULL,
     "the program's file (default: the table's name with .sgd; - is stdout)"},
    {"force", 0, OPTION_FLAG, OPTION_AT(force), NULL, NULL, "write over a file that is there"},
    {0},
};
const Command command_new = {
    {.command = "new",
     .arguments = "TABLE.csv [--target NAME|NUMBER] [-o MODEL.sgd]",
     .file = "table",
     .summary = "a starter program for a table, which says why it is as it is",
     .rows = rows,
     .shared = SHARED_BY_ALL},
    run_new,
};
