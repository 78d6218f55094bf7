/* --save, --load and the two kinds of `start`.
 *
 * A saved file holds every cell under its name (parameters, layers' state, optimizer state, statistics) and as
 * metadata the step, the seed and which program and run it is of. Order of rows and draws are functions of seed
 * and step, so that is all a run needs to go on as if it had never ended. `start` takes parameters and layers'
 * state alone: another training begins there.
 */
#include "driver/find_data.h"
#include "driver/output.h"
#include "driver/training.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *saved_path(Arena *arena, const char *path, const Run *run, int runs) {
    if (runs == 1) return path;
    const char *extension = path_extension(path);
    char *name = text_format(arena, "%s", run->name);
    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._=", *c)) *c = '-';
    return text_format(arena, "%.*s-%s%s", (int)(strlen(path) - strlen(extension)), path, name, extension);
}

static bool is_learnt(const Cell *cell) { return cell->kind == CELL_PARAMETER || cell->kind == CELL_STATE; }

static sgdrt_entry entry_of(const Training *t, const Cell *cell) {
    return (sgdrt_entry){.name = cell->name, .dtype = (sgdrt_dtype)cell->dtype, .rank = cell->shape.rank,
                         .shape = cell->shape.extent, .data = (char *)t->state + cell->offset};
}

static sgdrt_entry *all_entries(const Training *t) {
    sgdrt_entry *entries = arena_array(t->driver->arena, sgdrt_entry, t->run->cell_count + 1);
    for (int i = 0; i < t->run->cell_count; i++) entries[i] = entry_of(t, &t->run->cells[i]);
    return entries;
}

bool saved_write(Training *t, const char *path) {
    Arena *arena = t->driver->arena;
    const sgdrt_header *header = training_header(t);
    sgdrt_problem problem = {0};
    const sgdrt_metadata metadata[] = {
        {"format", "sgdc 1"},
        {"program", t->driver->program->stem},
        {"run", t->run->name},
        {"seed", text_format(arena, "%llu", (unsigned long long)header->seed)},
        {"step", text_format(arena, "%llu", (unsigned long long)header->step)},
    };
    if (sgdrt_save(path, all_entries(t), t->run->cell_count, metadata, sizeof metadata / sizeof *metadata, &problem)) {
        report_problem(t->driver, &problem, (Span){0, 0}, NULL);
        return false;
    }
    if (!t->driver->options->quiet) fprintf(t->driver->info, "wrote %s\n", path);
    return true;
}

static bool read_count(const sgdrt_checkpoint *file, const char *key, uint64_t *to) {
    const char *text = sgdrt_find_metadata(file, key);
    char *end;
    if (!text || !isdigit((unsigned char)*text)) return false;
    *to = strtoull(text, &end, 10);
    return *end == 0;
}

static bool restore_all(Training *t, const sgdrt_checkpoint *file) {
    sgdrt_problem problem = {0};
    uint64_t step, seed;
    if (!read_count(file, "step", &step) || !read_count(file, "seed", &seed) || step > INT64_MAX) {
        Diagnostic *d = report_file(t->driver->diagnostics, CODE_E0419, file->path, 0, 0,
                                    "the file does not say at which step and seed it was saved");
        add_help(t->driver->diagnostics, d, "to begin from its parameters write start = load(\"...\") in the train block");
        return false;
    }
    if (sgdrt_restore(file, all_entries(t), t->run->cell_count, &problem)) {
        report_problem(t->driver, &problem, (Span){0, 0}, NULL);
        return false;
    }
    training_header(t)->step = step;
    training_header(t)->seed = seed;
    return true;
}

bool saved_read(Training *t, const char *path) {
    sgdrt_problem problem = {0};
    sgdrt_checkpoint *file;
    if (sgdrt_load_file(path, &file, &problem)) {
        report_problem(t->driver, &problem, (Span){0, 0}, NULL);
        return false;
    }
    bool good = restore_all(t, file);
    sgdrt_free_checkpoint(file);
    return good;
}

static bool restore_parameters(Training *t, const sgdrt_checkpoint *file) {
    const Run *run = t->run;
    sgdrt_problem problem = {0};
    sgdrt_entry *wanted = arena_array(t->driver->arena, sgdrt_entry, run->cell_count + 1);
    int count = 0;
    for (int i = 0; i < run->cell_count; i++)
        if (is_learnt(&run->cells[i]) && sgdrt_find_entry(file, run->cells[i].name))
            wanted[count++] = entry_of(t, &run->cells[i]);
    if (count == 0) {
        report(t->driver->diagnostics, CODE_E0419, run->start_span, "%s has none of the parameters of %s", file->path,
               run->name);
        return false;
    }
    if (sgdrt_restore(file, wanted, count, &problem)) {
        report_problem(t->driver, &problem, run->start_span, "the run starts from it");
        return false;
    }
    return true;
}

bool saved_read_parameters(Training *t, const char *path) {
    const char *searched, *found = find_data_file(t->driver->arena, t->driver->options->file, path, &searched);
    sgdrt_problem problem = {0};
    sgdrt_checkpoint *file;
    if (sgdrt_load_file(found ? found : path, &file, &problem)) {
        report_problem(t->driver, &problem, t->run->start_span, "the run starts from it");
        return false;
    }
    bool good = restore_parameters(t, file);
    sgdrt_free_checkpoint(file);
    return good;
}

void saved_copy_parameters(Training *t, const Training *from) {
    for (int i = 0; i < t->run->cell_count; i++)
        for (int k = 0; k < from->run->cell_count; k++) {
            const Cell *to = &t->run->cells[i], *other = &from->run->cells[k];
            if (!is_learnt(to) || strcmp(to->name, other->name) || to->dtype != other->dtype ||
                !shape_equal(to->shape, other->shape))
                continue;
            memcpy((char *)t->state + to->offset, (const char *)from->state + other->offset,
                   dtype_bytes(to->dtype) * (size_t)shape_size(to->shape));
        }
}
