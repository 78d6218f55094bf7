/* torch_file: a saved file by the keys of a state_dict, written and read.
 *
 * What is written holds the parameters that serve and nothing else, as load_state_dict(strict=True) wants it; statistics of
 * the data stand in the metadata, so that sgdc can predict from the file. What is read is translated as a whole into a file
 * by the names of sgdc, which then goes where every saved file goes.
 */
#include "driver/torch.h"
#include "driver/vocabulary.h"
#include "problem.h"
#include <stdlib.h>
#include <string.h>

enum { MOST_LISTED = 8 };

static size_t bytes_of(const Cell *cell) { return dtype_bytes(cell->dtype) * (size_t)shape_size(cell->shape); }

/* ---- writing ------------------------------------------------------------------------------------------- */
static bool has_nan(const Cell *cell, const void *data) {
    for (int64_t i = 0; i < shape_size(cell->shape); i++) {
        double value = cell->dtype == DTYPE_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
        if (value != value) return true;
    }
    return false;
}

/* The tensor that the cell begins, of all cells that have parts of it. */
static sgdrt_entry tensor_of(Arena *arena, const Run *run, const TorchName *names, int first, const char *state) {
    const Cell *cell = &run->cells[first];
    int64_t *shape = arena_copy(arena, cell->shape.extent, sizeof cell->shape.extent);
    char *data = arena_alloc(arena, bytes_of(cell) * (size_t)names[first].parts + 1);
    if (names[first].parts > 1) shape[0] *= names[first].parts;
    for (int i = 0; i < run->cell_count; i++)
        if (names[i].key && strcmp(names[i].key, names[first].key) == 0)
            memcpy(data + (size_t)names[i].place * bytes_of(cell), state + run->cells[i].offset, bytes_of(cell));
    return (sgdrt_entry){names[first].key, (sgdrt_dtype)cell->dtype, cell->shape.rank, shape, data};
}

/* "[1.5, 2]" */
static const char *numbers_text(Arena *arena, const Cell *cell, const char *state) {
    const double *values = (const double *)(state + cell->offset);
    Text text = text_new(arena);
    for (int64_t i = 0; i < shape_size(cell->shape); i++)
        text_add(&text, "%s%s", i ? ", " : "[", text_number(arena, values[i], false));
    text_add(&text, "]");
    return text.bytes;
}

bool torch_save(Training *t, void **bytes, size_t *length, sgdrt_problem *problem) {
    const Run *run = t->run;
    Arena *arena = t->driver->arena;
    const char *state = training_served(t);
    const TorchName *names = torch_names(t->driver, run);
    if (!names) return false;
    sgdrt_entry *entries = arena_array(arena, sgdrt_entry, 2 * run->cell_count + 1);
    int32_t *steps = arena_copy(arena, &(int32_t){(int32_t)((const sgdrt_header *)(const void *)state)->step},
                                sizeof *steps);
    sgdrt_metadata *metadata = arena_array(arena, sgdrt_metadata, run->cell_count + run->data->column_count + 3);
    int count = 0, told = vocabulary_metadata(arena, run->data, metadata);
    metadata[told++] = (sgdrt_metadata){"format", "pt"};
    metadata[told++] = (sgdrt_metadata){"program", t->driver->program->stem};
    metadata[told++] = (sgdrt_metadata){"run", run->name};
    for (int i = 0; i < run->cell_count; i++) {
        const Cell *cell = &run->cells[i];
        if (cell->kind == CELL_STATISTIC)
            metadata[told++] = (sgdrt_metadata){cell->name, numbers_text(arena, cell, state)};
        if (!names[i].key) continue;
        if (has_nan(cell, state + cell->offset)) {
            sgdrt_problem_set(problem, PROBLEM_NO_TRAINING, NULL, 0, 0, "\"%.100s\" holds what is not a number (NaN)",
                              cell->name);
            return false;
        }
        if (names[i].place == 0) entries[count++] = tensor_of(arena, run, names, i, state);
        const char *counter = torch_counter(arena, run, names, i);
        if (counter) entries[count++] = (sgdrt_entry){counter, SGDRT_I32, 0, NULL, steps};
    }
    return !sgdrt_save_memory(bytes, length, entries, count, metadata, told, problem);
}

/* ---- what a file lacks, and what it has instead -------------------------------------------------------- */
typedef struct Finding {
    Driver *driver;
    const Run *run;
    const TorchName *names;
    const sgdrt_checkpoint *file;
    Diagnostic *told;
    int missing, unexpected, other; /* how many */
} Finding;

static const char *entry_shape(Arena *arena, const char *type, int rank, const int64_t *shape) {
    Text text = text_new(arena);
    text_add(&text, "%s", type);
    for (int a = 0; a < rank; a++) text_add(&text, "%s%lld", a ? ", " : "[", (long long)shape[a]);
    if (rank) text_add(&text, "]");
    return text.bytes;
}

static const char *wanted_shape(Finding *f, int cell) {
    Shape shape = f->run->cells[cell].shape;
    if (f->names[cell].parts > 1) shape.extent[0] *= f->names[cell].parts;
    return entry_shape(f->driver->arena, dtype_text(f->run->cells[cell].dtype), shape.rank, shape.extent);
}

static bool fits(const Finding *f, int cell, const sgdrt_entry *entry) {
    Shape shape = f->run->cells[cell].shape;
    if (f->names[cell].parts > 1) shape.extent[0] *= f->names[cell].parts;
    if (entry->dtype != (sgdrt_dtype)f->run->cells[cell].dtype || entry->rank != shape.rank) return false;
    for (int a = 0; a < shape.rank; a++)
        if (entry->shape[a] != shape.extent[a]) return false;
    return true;
}

static const sgdrt_other_entry *other_entry(const sgdrt_checkpoint *file, const char *key) {
    for (int i = 0; i < file->other_count; i++)
        if (strcmp(file->others[i].name, key) == 0) return &file->others[i];
    return NULL;
}

static void list(Finding *f, int *count, const char *text) {
    if (f->told && (*count)++ < MOST_LISTED)
        add_note(f->driver->diagnostics, f->told, (Span){0, 0}, "%s", text);
    else if (!f->told)
        (*count)++;
}

/* Is some tensor there of the model that the cell is in? */
static bool has_model(const Finding *f, int cell) {
    const PathPart *model = f->run->cells[cell].part;
    while (model->outer) model = model->outer;
    for (int i = 0; i < f->run->cell_count; i++) {
        const PathPart *other = f->run->cells[i].part;
        while (other && other->outer) other = other->outer;
        if (other && strcmp(other->name, model->name) == 0 &&
            (sgdrt_find_entry(f->file, f->names[i].key) || other_entry(f->file, f->names[i].key)))
            return true;
    }
    return false;
}

/* Counts, and where a diagnostic is begun lists. */
static void look(Finding *f, bool all) {
    Arena *arena = f->driver->arena;
    f->missing = f->unexpected = f->other = 0;
    for (int i = 0; i < f->run->cell_count; i++) {
        if (!f->names[i].key || f->names[i].place) continue;
        const char *key = f->names[i].key, *name = f->run->cells[i].name;
        const sgdrt_entry *entry = sgdrt_find_entry(f->file, key);
        const sgdrt_other_entry *of_type = other_entry(f->file, key);
        const char *has = entry     ? entry_shape(arena, dtype_text((DType)entry->dtype), entry->rank, entry->shape)
                          : of_type ? entry_shape(arena, of_type->type, of_type->rank, of_type->shape)
                                    : NULL;
        if (entry && fits(f, i, entry)) continue;
        if (has)
            list(f, &f->other, text_format(arena, "%s is %s, and %s is %s", key, has, name, wanted_shape(f, i)));
        else if (all || has_model(f, i))
            list(f, &f->missing, text_format(arena, "%s is missing: %s, for %s", key, wanted_shape(f, i), name));
    }
    for (int e = 0; e < f->file->entry_count + f->file->other_count; e++) {
        const char *key = e < f->file->entry_count ? f->file->entries[e].name
                                                   : f->file->others[e - f->file->entry_count].name;
        bool known = false;
        for (int i = 0; i < f->run->cell_count && !known; i++) {
            const char *counter = torch_counter(arena, f->run, f->names, i);
            known = (f->names[i].key && strcmp(f->names[i].key, key) == 0) || (counter && strcmp(counter, key) == 0);
        }
        if (!known) list(f, &f->unexpected, text_format(arena, "%.100s is not expected", key));
    }
}

static bool check(Finding *f, bool all) {
    look(f, all);
    if (!f->missing && !f->unexpected && !f->other) return true;
    Arena *arena = f->driver->arena;
    f->told = report_file(f->driver->diagnostics, CODE_E0419, f->file->path, 0, 0,
                          "its tensors are not those of %s by the names of PyTorch: %d missing, %d not expected, %d of "
                          "another type or shape",
                          f->run->name, f->missing, f->unexpected, f->other);
    look(f, all);
    if (f->missing > MOST_LISTED || f->unexpected > MOST_LISTED || f->other > MOST_LISTED)
        add_note(f->driver->diagnostics, f->told, (Span){0, 0}, "and more");
    add_help(f->driver->diagnostics, f->told, "%s",
             text_format(arena, "sgdc %s --summary --names=torch prints the names that are expected",
                         f->driver->options->file));
    return false;
}

/* ---- translating ------------------------------------------------------------------------------------------ */
static bool is_of_torch(const sgdrt_checkpoint *file, const Run *run) {
    const char *format = sgdrt_find_metadata(file, "format");
    if (format && strncmp(format, "sgdc ", 5) == 0) return false;
    for (int i = 0; i < run->cell_count; i++)
        if (sgdrt_find_entry(file, run->cells[i].name)) return false;
    return file->entry_count + file->other_count > 0;
}

/* Of a statistic in the metadata; false: it is not there, or another number of them. */
static bool read_numbers(Arena *arena, const Cell *cell, const char *text, sgdrt_entry *entry) {
    int64_t count = shape_size(cell->shape);
    double *values = arena_array(arena, double, count + 1);
    if (!text || *text++ != '[') return false;
    for (int64_t i = 0; i < count; i++) {
        char *end;
        values[i] = strtod(text, &end);
        if (end == text || *end != (i + 1 < count ? ',' : ']')) return false;
        text = end + 1;
    }
    *entry = (sgdrt_entry){cell->name, (sgdrt_dtype)cell->dtype, cell->shape.rank, cell->shape.extent, values};
    return true;
}

/* The file may hold its tensors anywhere, so bytes are copied to where a number can be read. */
static bool read_entry(Finding *f, int i, sgdrt_entry *entry) {
    Arena *arena = f->driver->arena;
    const Cell *cell = &f->run->cells[i];
    if (cell->kind == CELL_STATISTIC && cell->dtype == DTYPE_F64)
        return read_numbers(arena, cell, sgdrt_find_metadata(f->file, cell->name), entry);
    const sgdrt_entry *from = f->names[i].key ? sgdrt_find_entry(f->file, f->names[i].key) : NULL;
    if (!from) return false;
    const char *data = (const char *)from->data + (size_t)f->names[i].place * bytes_of(cell);
    *entry = (sgdrt_entry){cell->name, (sgdrt_dtype)cell->dtype, cell->shape.rank, cell->shape.extent,
                           arena_copy(arena, data, bytes_of(cell))};
    return true;
}

const sgdrt_checkpoint *torch_translated(Driver *driver, const Run *run, const sgdrt_checkpoint *file, bool all) {
    Arena *arena = driver->arena;
    if (!is_of_torch(file, run)) return file;
    Finding f = {.driver = driver, .run = run, .file = file, .names = torch_names(driver, run)};
    if (!f.names || !check(&f, all)) return NULL;
    sgdrt_checkpoint *made = arena_new_of(arena, sgdrt_checkpoint);
    *made = (sgdrt_checkpoint){.path = file->path,
                               .bytes = file->bytes,
                               .entries = arena_array(arena, sgdrt_entry, run->cell_count + 1),
                               .metadata = arena_array(arena, sgdrt_metadata, 3),
                               .metadata_count = 2,
                               .own = file->own};
    made->metadata[0] = (sgdrt_metadata){"seed", "0"}; /* a file that serves says these */
    made->metadata[1] = (sgdrt_metadata){"step", "0"};
    for (int i = 0; i < run->cell_count; i++)
        if (read_entry(&f, i, &made->entries[made->entry_count])) made->entry_count++;
    return made;
}
