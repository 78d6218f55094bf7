/* Everything a command will write, looked at before it works: can it be written, is it something that is read, is
 * it written twice? What took hours is not lost to a name, and no file is lost to another's.
 */
#include "driver/driver.h"
#include "driver/find_data.h"
#include "driver/output.h"
#include "driver/seeing.h"
#include "driver/tables.h"
#include <string.h>
#include <unistd.h>

typedef struct Door {
    const char *path;
    bool binary;
} Door;
typedef Vector(Door) Doors;

static void add(Driver *driver, Doors *doors, const char *path, bool binary) {
    if (path) vector_push(driver->arena, doors, ((Door){path, binary}));
}

/* Several runs have a file each. */
static void list_per_run(Driver *driver, Doors *doors, const char *path) {
    const Program *program = driver->program;
    for (int r = 0; path && r < program->run_count; r++)
        add(driver, doors, saved_path(driver->arena, path, &program->runs[r], program->run_count), true);
}

static Doors list(Driver *driver) {
    const Options *o = driver->options;
    Doors doors = {0};
    int count;
    const Emit *emits = driver_emits(driver, &count);
    for (int i = 0; i < count; i++) {
        bool binary = emits[i].kind == EMIT_OBJ || emits[i].kind == EMIT_SO || emits[i].kind == EMIT_ONNX;
        const char *path = driver_emit_path(driver, emits[i]);
        if (emits[i].kind == EMIT_ONNX && !o->load)
            list_per_run(driver, &doors, path);
        else
            add(driver, &doors, path, binary);
    }
    list_per_run(driver, &doors, o->save);
    add(driver, &doors, o->trace, true);
    if (o->log && !path_names_folder(o->log)) add(driver, &doors, o->log, false);
    add(driver, &doors, o->plot, false);
    add(driver, &doors, o->animate, false);
    add(driver, &doors, o->report, false);
    for (int r = 0; o->predictions && r < driver->program->run_count; r++)
        add(driver, &doors, held_out_path(driver->arena, driver->program, o->predictions, r), false);
    return doors;
}

/* ---- what is read ----------------------------------------------------------------------------- */
static const char *read_as_data(Driver *driver, const char *path) {
    const Program *program = driver->program;
    for (int d = 0; d < program->data_count; d++) {
        const DataSet *set = &program->data[d];
        for (int c = -1; c < set->column_count; c++) {
            const char *name = c < 0 ? set->path : set->columns[c].path, *searched;
            const char *file = name ? find_data_file(driver->arena, tables_program_of(driver, set), name, &searched)
                                    : NULL;
            if (file && output_is_same(path, file))
                return text_format(driver->arena, "data %s is read from it", set->name);
        }
    }
    return NULL;
}

/* Where no more than a tree was made (--emit=ast). */
static bool includes(Driver *driver, const char *path) {
    const char *folder = path_folder(driver->arena, driver->options->file);
    const StmtList *statements = &driver->ast->statements;
    for (int i = 0; i < statements->count; i++) {
        const Stmt *stmt = statements->items[i];
        if (stmt->kind != STMT_INCLUDE || !stmt->include.path) continue;
        if (output_is_same(path, path_below(driver->arena, folder, stmt->include.path))) return true;
    }
    return false;
}

/* What is lost if the file is written, as a sentence, or NULL. A file that --load reads may be saved to. */
static const char *reading(Driver *driver, const char *path) {
    const Program *program = driver->program;
    if (strcmp(path, "-") == 0) return NULL; /* the program `-` is standard input, the output standard output */
    if (output_is_same(path, driver->options->file)) return "it is the program";
    if (!program) return includes(driver, path) ? "the program includes it" : NULL;
    for (int i = 0; i < program->included_count; i++)
        if (output_is_same(path, program->included[i])) return "the program includes it";
    for (int r = 0; r < program->run_count; r++) {
        const char *file = program->runs[r].start_file, *searched;
        const char *found = file ? find_data_file(driver->arena, driver->options->file, file, &searched) : NULL;
        if (output_is_same(path, found ? found : file ? file : "")) return "a run starts from it";
    }
    return read_as_data(driver, path);
}

/* ---- checks -------------------------------------------------------------------------------------- */
static ExitCode check_place(Driver *driver, const Door *door, bool saves) {
    const char *problem, *read;
    if (!output_is_possible(driver->arena, door->path, &problem)) {
        driver_complain(driver, "%s %s", door->path, problem);
        return EXIT_DATA;
    }
    if (door->binary && output_is_standard(door->path) && (saves || isatty(STDOUT_FILENO))) {
        driver_complain(driver, "%s is %s, and what would be written there is no text", door->path,
                        saves ? "where results are printed" : "a terminal");
        return EXIT_USAGE;
    }
    if ((read = reading(driver, door->path)) == NULL) return EXIT_DONE;
    driver_complain(driver, "%s would be overwritten, and %s", door->path, read);
    return EXIT_USAGE;
}

ExitCode driver_check_outputs(Driver *driver) {
    Doors doors = list(driver);
    if (driver->options->log && path_names_folder(driver->options->log) && !log_folder_is_possible(driver))
        return EXIT_DATA;
    bool saves = driver->options->save || driver->options->trace;
    for (int i = 0; i < doors.count; i++) {
        ExitCode code = check_place(driver, &doors.items[i], saves);
        if (code != EXIT_DONE) return code;
        for (int k = 0; k < i; k++) {
            if (!output_is_same(doors.items[i].path, doors.items[k].path)) continue;
            driver_complain(driver, "%s would be written twice: give each output a name of its own",
                            doors.items[i].path);
            return EXIT_USAGE;
        }
    }
    return animate_is_possible(driver) ? EXIT_DONE : EXIT_DATA;
}

ExitCode driver_check_output(Driver *driver, const char *path) {
    if (driver->options->load && output_is_same(path, driver->options->load)) {
        driver_complain(driver, "%s would be overwritten, and --load reads it", path);
        return EXIT_USAGE;
    }
    return check_place(driver, &(Door){path, false}, false);
}
