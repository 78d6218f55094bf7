/* --save, --load and the two kinds of `start`.
 *
 * What a file holds is the runtime's business (saved.h); here stands what the driver adds as metadata: program and run,
 * what of the run must be the same or is told when it changes (rows, batch, hyper-parameters), and what `keep` and `stop`
 * have seen (record.c). Order of rows and draws are functions of seed and step. So a run goes on as if it had never
 * ended. `start` takes what serves alone: another training begins there.
 */
#include "codegen/object/exported_names.h"
#include "codegen/object/model_facts.h"
#include "driver/find_data.h"
#include "driver/output.h"
#include "driver/record.h"
#include "driver/torch.h"
#include "driver/training.h"
#include "driver/vocabulary.h"
#include "problem.h"
#include "saved.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *saved_path(Arena *arena, const char *path, const Run *run, int runs) {
    if (runs == 1) return path;
    const char *extension = path_extension(path);
    return text_format(arena, "%.*s-%s%s", (int)(strlen(path) - strlen(extension)), path,
                       exported_file_word(arena, run->name), extension);
}

sgdrt_model_cell saved_cell(const Cell *cell) {
    return (sgdrt_model_cell){.name = cell->name,
                              .shape = cell->shape.extent,
                              .offset = cell->offset,
                              .bytes = dtype_bytes(cell->dtype) * (uint64_t)shape_size(cell->shape),
                              .rank = cell->shape.rank,
                              .dtype = (int32_t)cell->dtype,
                              .kind = (int32_t)cell->kind};
}

static sgdrt_training training_of(const Training *t) {
    const Run *run = t->run;
    sgdrt_model_cell *cells = arena_array(t->driver->arena, sgdrt_model_cell, run->cell_count + 1);
    for (int i = 0; i < run->cell_count; i++) cells[i] = saved_cell(&run->cells[i]);
    return (sgdrt_training){.cells = cells, .cell_count = run->cell_count, .state = t->state};
}

static bool is_learnt(const Cell *cell) { return cell->kind == CELL_PARAMETER || cell->kind == CELL_STATE; }

static void tell(Training *t, const sgdrt_problem *problem) { report_problem(t->driver, problem, (Span){0, 0}, NULL); }

/* ---- saving -------------------------------------------------------------------------------------- */
bool saved_put(Driver *driver, const char *path, void *bytes, size_t length) {
    const char *problem;
    bool good = output_write(driver->arena, path, bytes, length, &problem);
    free(bytes);
    if (!good) report_file(driver->diagnostics, CODE_E0418, path, 0, 0, "%s", problem);
    return good;
}

static const char *source_hash(const Driver *driver) {
    Sha256 hash = sha256_new();
    sha256_add(&hash, driver->source->text, driver->source->length);
    return sha256_text(driver->arena, hash);
}

/* Of a run that diverged the whole state is saved that is kept, and training can go on from there. */
static bool make_file(Training *t, void **bytes, size_t *length, sgdrt_problem *problem) {
    if (t->driver->options->names == NAMES_TORCH) return torch_save(t, bytes, length, problem);
    const Run *run = t->run;
    Arena *arena = t->driver->arena;
    bool diverged = t->end == END_DIVERGED;
    const char *classes = model_classes(arena, run->data);
    sgdrt_training training = training_of(t);
    if (diverged)
        training.state = t->best;
    else if (t->best_epoch)
        training.kept = t->best;
    const sgdrt_metadata records[] = {
        {"program", t->driver->program->stem},
        {"program_sha256", source_hash(t->driver)},
        {"run", run->name},
        {"epoch",
         text_format(arena, "%" PRId64, (int64_t)((const sgdrt_header *)training.state)->step / t->steps_per_epoch)},
        {"rows", text_format(arena, "%" PRId64, t->data->train.count)},
        {"batch", text_format(arena, "%" PRId64, t->batch)},
        {"settings", record_settings(t)},
        {"sums", diverged ? "" : record_sums(t)},
        {"kept", record_kept(t)},
        {"stalled", diverged ? "" : record_stalled(t)},
        {"classes", classes ? classes : ""},
    };
    enum { RECORDS = sizeof records / sizeof *records };
    sgdrt_metadata *more = arena_array(arena, sgdrt_metadata, RECORDS + run->data->column_count);
    int count = vocabulary_metadata(arena, run->data, more);
    for (int i = 0; i < RECORDS; i++)
        if (*records[i].value) more[count++] = records[i];
    return !sgdrt_save_training(&training, more, count, NULL, bytes, length, problem);
}

static bool write_training(Training *t, const char *path) {
    sgdrt_problem problem = {0};
    void *bytes = NULL;
    size_t length = 0;
    if (make_file(t, &bytes, &length, &problem)) return saved_put(t->driver, path, bytes, length);
    if (!problem.file) problem.file = path;
    if (problem.message[0]) tell(t, &problem);
    return false;
}

bool saved_write_between(Training *t, const char *path, const char **why) {
    sgdrt_problem problem = {0};
    void *bytes = NULL;
    size_t length = 0;
    *why = problem.message;
    bool good = make_file(t, &bytes, &length, &problem);
    if (!good) *why = text_format(t->driver->arena, "cannot be saved: %s", problem.message);
    good = good && output_write(t->driver->arena, path, bytes, length, why);
    free(bytes);
    return good;
}

bool saved_write(Training *t, const char *path) {
    bool diverged = t->end == END_DIVERGED;
    if (diverged && !t->best_epoch) {
        driver_say(t->driver,
                   t->saved_step ? "%s diverged, so %s stays as it was after %lld steps"
                                 : "%s diverged, so %s was not written",
                   t->run->name, path, (long long)t->saved_step);
        return true;
    }
    if (!write_training(t, path)) return false;
    if (diverged)
        driver_say(t->driver, "wrote %s: what was kept of epoch %" PRId64, path, t->best_epoch);
    else
        driver_say(t->driver, "wrote %s", path);
    return true;
}

/* ---- going on ------------------------------------------------------------------------------------- */
static bool refuse(sgdrt_problem *problem, const char *message) {
    sgdrt_problem_set(problem, PROBLEM_NO_TRAINING, NULL, 0, 0, "%s", message);
    sgdrt_problem_help(problem, "to begin from its parameters write start = load(\"...\") in the train block");
    return false;
}

/* Statistics of the data were computed before: a file of the same rows has the same. */
static bool same_statistics(Training *t, const sgdrt_checkpoint *file, sgdrt_problem *problem) {
    for (int i = 0; i < t->run->cell_count; i++) {
        const Cell *cell = &t->run->cells[i];
        const sgdrt_entry *entry = cell->kind == CELL_STATISTIC ? sgdrt_find_entry(file, cell->name) : NULL;
        size_t bytes = dtype_bytes(cell->dtype) * (size_t)shape_size(cell->shape);
        if (!entry || entry->dtype != (sgdrt_dtype)cell->dtype || entry->rank != cell->shape.rank) continue;
        bool same_shape = true;
        for (int a = 0; a < entry->rank; a++) same_shape &= entry->shape[a] == cell->shape.extent[a];
        if (same_shape && memcmp(entry->data, (char *)t->state + cell->offset, bytes))
            return refuse(problem, text_format(t->driver->arena, "it was trained on other rows: their %s is another",
                                               cell->name));
    }
    return true;
}

static bool same_classes(Training *t, const sgdrt_checkpoint *file, sgdrt_problem *problem) {
    Arena *arena = t->driver->arena;
    const char *column, *now = model_classes(arena, t->run->data), *then = sgdrt_find_metadata(file, "classes");
    if (!vocabulary_is_same(arena, t->run->data, file, &column))
        return refuse(problem,
                      text_format(arena, "it was trained on another text: the classes of %s stand for others", column));
    return !now || !then || !strcmp(now, then) ||
           refuse(problem, text_format(arena, "it was trained on other rows: their classes were %.200s", then));
}

static bool same_seed(Training *t, const sgdrt_checkpoint *file, sgdrt_problem *problem) {
    uint64_t seed;
    if (!sgdrt_read_count(sgdrt_find_metadata(file, "seed"), UINT64_MAX, &seed) || seed == t->run->seed) return true;
    return refuse(problem, text_format(t->driver->arena, "it was saved with seed %" PRIu64 ", and %s has seed %" PRIu64,
                                       seed, t->run->name, t->run->seed));
}

/* Rows or a batch of another number: steps make other epochs, so what the file knows of epochs is dropped. */
static bool counts_alike(Training *t, const sgdrt_checkpoint *file) {
    const struct {
        const char *key;
        int64_t now;
    } counts[] = {{"rows", t->data->train.count}, {"batch", t->batch}};
    bool alike = true;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        uint64_t then;
        if (!sgdrt_read_count(sgdrt_find_metadata(file, counts[i].key), INT64_MAX, &then) ||
            then == (uint64_t)counts[i].now)
            continue;
        Diagnostic *d = report_file(t->driver->diagnostics, CODE_W0315, file->path, 0, 0,
                                    "%s is %" PRId64 ", and was %" PRIu64 " when it was saved", counts[i].key,
                                    counts[i].now, then);
        add_help(t->driver->diagnostics, d, "its steps count as other epochs, and keep and stop begin anew");
        alike = false;
    }
    return alike;
}

/* "fit goes on from a.safetensors after 40 epochs; lr = 0.01, was 0.1" */
static void say_going_on(Training *t, const sgdrt_checkpoint *file) {
    const char *run = sgdrt_find_metadata(file, "run");
    bool other = run && strcmp(run, t->run->name);
    driver_say(t->driver, "%s goes on from %s after %" PRIu64 " steps%s%s%.100s", t->run->name, file->path,
               training_header(t)->step, record_changes(t, sgdrt_find_metadata(file, "settings")),
               other ? "; the file is of " : "", other ? run : "");
}

/* Of what is kept a file has the parameters; the rest of that block is as in the last state. */
static void complete_kept(Training *t) {
    size_t slots = t->run->cell_count ? t->run->cells[0].offset : t->run->state_bytes;
    memcpy(t->best, t->state, slots);
    for (int i = 0; i < t->run->cell_count; i++) {
        const Cell *cell = &t->run->cells[i];
        if (!is_learnt(cell))
            memcpy((char *)t->best + cell->offset, (char *)t->state + cell->offset,
                   dtype_bytes(cell->dtype) * (size_t)shape_size(cell->shape));
    }
}

static bool restore_all(Training *t, const sgdrt_checkpoint *file, sgdrt_problem *problem) {
    sgdrt_training training = training_of(t);
    if (!same_seed(t, file, problem) || !same_classes(t, file, problem) || !same_statistics(t, file, problem))
        return false;
    training.kept = t->best;
    if (sgdrt_restore_training(file, &training, SGDRT_RESUME, problem)) return false;
    if (t->best) complete_kept(t);
    bool read = true;
    if (counts_alike(t, file))
        read = record_read_sums(t, sgdrt_find_metadata(file, "sums")) &&
               record_read_kept(t, sgdrt_find_metadata(file, "kept")) &&
               record_read_stalled(t, sgdrt_find_metadata(file, "stalled"));
    if (!read) return refuse(problem, "what it says of keep and stop cannot be read");
    say_going_on(t, file);
    return true;
}

bool saved_read(Training *t, const char *path) {
    sgdrt_problem problem = {0};
    sgdrt_checkpoint *file = NULL;
    bool good = !sgdrt_load_file(path, &file, &problem) && restore_all(t, file, &problem);
    sgdrt_free_checkpoint(file);
    problem.file = path;
    if (!good) tell(t, &problem);
    return good;
}

/* Only what this program saved of this run: a file that happens to fit is another training. */
static bool is_own(const Training *t, const sgdrt_checkpoint *file, sgdrt_problem *problem) {
    const char *program = sgdrt_find_metadata(file, "program"), *run = sgdrt_find_metadata(file, "run");
    if (program && run && !strcmp(program, t->driver->program->stem) && !strcmp(run, t->run->name)) return true;
    if (!program || !run) return refuse(problem, "it is no training that sgdc saved");
    return refuse(problem, text_format(t->driver->arena, "it is of %.100s in the program %.100s", run, program));
}

bool saved_try(Training *t, const char *path, sgdrt_problem *problem) {
    sgdrt_checkpoint *file = NULL;
    *problem = (sgdrt_problem){0};
    memcpy(t->snapshot, t->state, t->run->state_bytes);
    bool good = !sgdrt_load_file(path, &file, problem) && is_own(t, file, problem) && restore_all(t, file, problem);
    sgdrt_free_checkpoint(file);
    if (good) return true;
    memcpy(t->state, t->snapshot, t->run->state_bytes);
    record_forget(t);
    return false;
}

/* ---- beginning from parameters ----------------------------------------------------------------------- */
/* What is trained of an averaged parameter begins where its average does. */
static void train_from_averages(Training *t) {
    for (int i = 0; i < t->run->cell_count; i++) {
        const Cell *cell = &t->run->cells[i];
        if (cell->trained >= 0)
            memcpy((char *)t->state + t->run->cells[cell->trained].offset, (char *)t->state + cell->offset,
                   dtype_bytes(cell->dtype) * (size_t)shape_size(cell->shape));
    }
}

bool saved_read_parameters(Training *t, const char *path) {
    const char *searched, *found = find_data_file(t->driver->arena, t->driver->options->file, path, &searched);
    sgdrt_training training = training_of(t);
    sgdrt_problem problem = {0};
    sgdrt_checkpoint *file = NULL;
    int code = sgdrt_load_file(found ? found : path, &file, &problem);
    const sgdrt_checkpoint *named = code ? NULL : torch_translated(t->driver, t->run, file, false);
    if (!code && !named) {
        sgdrt_free_checkpoint(file);
        return false;
    }
    if (!code && !same_classes(t, file, &problem)) code = problem.code;
    if (!code) code = sgdrt_restore_training(named, &training, SGDRT_START, &problem);
    if (code) report_problem(t->driver, &problem, t->run->start_span, "the run starts from it");
    sgdrt_free_checkpoint(file);
    train_from_averages(t);
    return !code;
}

void saved_copy_parameters(Training *t, const Training *from) {
    for (int i = 0; i < t->run->cell_count; i++)
        for (int k = 0; k < from->run->cell_count; k++) {
            const Cell *to = &t->run->cells[i], *other = &from->run->cells[k];
            if (!is_learnt(to) || strcmp(to->name, other->name) || to->dtype != other->dtype ||
                !shape_equal(to->shape, other->shape))
                continue;
            memcpy((char *)t->state + to->offset, (const char *)training_served(from) + other->offset,
                   dtype_bytes(to->dtype) * (size_t)shape_size(to->shape));
        }
    train_from_averages(t);
}
