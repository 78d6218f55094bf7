/* A training that outlives its process: --save-every writes its state while it goes on, --resume=auto finds it again.
 *
 * There is one file a run, that of --save, replaced whole each time: what is under its name can always be gone on from.
 * A process that was killed while it wrote leaves a temporary file beside it (write_file.h), mostly cut off. What was
 * written to the end is as good as the file itself, so all of them are looked at, the one with the most steps first.
 * Files that are cut off, or of another program or run, are passed over, and said.
 *
 * States are saved between steps, so where they are saved changes no bit.
 */
#include "driver/output.h"
#include "driver/training.h"
#include "saved.h"
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- while training goes on ------------------------------------------------------------------- */
static int64_t steps_between(const Training *t) {
    const Amount *every = &t->driver->options->save_every;
    return every->epochs ? every->epochs * t->steps_per_epoch : every->steps;
}

int64_t resume_next_save(const Training *t, int64_t step) {
    int64_t every = t->save_path ? steps_between(t) : 0;
    return every ? (step / every + 1) * every : INT64_MAX;
}

bool resume_save_is_due(const Training *t) {
    int64_t every = steps_between(t), step = (int64_t)training_header(t)->step;
    double seconds = t->driver->options->save_every.seconds;
    if (!t->save_path || step == t->saved_step || step == t->started_step) return false;
    return every ? step % every == 0 : seconds > 0 && clock_seconds() - t->saved_at >= seconds;
}

/* What one file takes is freed again: there may be millions of them. */
void resume_save(Training *t) {
    Driver *driver = t->driver;
    Arena *arena = driver->arena;
    const char *why;
    driver->arena = arena_new();
    if (saved_write_between(t, t->save_path, &why))
        t->saved_step = (int64_t)training_header(t)->step;
    else
        driver_complain(driver, "%s %s; training goes on", t->save_path, why);
    arena_free(driver->arena);
    driver->arena = arena;
    t->saved_at = clock_seconds();
}

/* ---- afterwards -------------------------------------------------------------------------------- */
typedef struct Found {
    const char *path;
    uint64_t step;
} Found;
typedef Vector(Found) FoundFiles;

/* The file, unless it cannot be read: that is said. */
static void add_file(Training *t, FoundFiles *files, const char *path) {
    sgdrt_problem problem = {0};
    sgdrt_checkpoint *file = NULL;
    Found found = {path, 0};
    if (sgdrt_load_file(path, &file, &problem))
        driver_say(t->driver, "%s is passed over: %s", path, problem.message);
    else if (!sgdrt_read_count(sgdrt_find_metadata(file, "step"), SGDRT_MOST_STEPS, &found.step))
        driver_say(t->driver, "%s is passed over: it does not say at which step it was saved", path);
    else
        vector_push(t->driver->arena, files, found);
    sgdrt_free_checkpoint(file);
}

/* "NAME.1234-0.part" */
static bool is_temporary(const char *name, const char *of) {
    static const char end[] = ".part";
    size_t length = strlen(of), all = strlen(name);
    if (strncmp(name, of, length) || name[length] != '.' || all < length + sizeof end) return false;
    return strspn(name + length + 1, "0123456789-") == all - length - sizeof end &&
           !strcmp(name + all - sizeof end + 1, end);
}

static void add_temporaries(Training *t, FoundFiles *files, const char *target) {
    Arena *arena = t->driver->arena;
    const char *folder = path_folder(arena, target), *slash = strrchr(target, '/');
    DIR *open = opendir(folder);
    for (struct dirent *entry; open && (entry = readdir(open)) != NULL;)
        if (is_temporary(entry->d_name, slash ? slash + 1 : target))
            add_file(t, files, path_below(arena, folder, text_format(arena, "%s", entry->d_name)));
    if (open) closedir(open);
}

/* A pipe would be waited for. */
static bool is_regular(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static int by_steps(const void *a, const void *b) {
    const Found *x = a, *y = b;
    if (x->step != y->step) return x->step < y->step ? 1 : -1;
    return strcmp(x->path, y->path);
}

void resume_find(Training *t) {
    FoundFiles files = {0};
    char *target = sgdrt_output_target(t->save_path);
    if (is_regular(t->save_path)) add_file(t, &files, t->save_path);
    if (target) add_temporaries(t, &files, target);
    free(target);
    if (files.count) qsort(files.items, (size_t)files.count, sizeof *files.items, by_steps);
    for (int i = 0; i < files.count; i++) {
        sgdrt_problem problem;
        if (saved_try(t, files.items[i].path, &problem)) return;
        driver_say(t->driver, "%s is passed over: %s", files.items[i].path, problem.message);
    }
    driver_say(t->driver, "%s begins at its start: there is no %s to go on from", t->run->name, t->save_path);
}
