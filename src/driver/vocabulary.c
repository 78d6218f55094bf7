/* vocabulary: which class stands for which character, word or folder.
 *
 * Lowering knows how many classes a field has; what they stand for is in the data, or in a saved file: a model that was
 * trained numbers them as it did then, whatever text it is shown. Names are learnt between lowering and all that shows
 * them: headers, manifests, predictions. Where there is no file they stay unknown, as objects can be made without data.
 * A data set that validates another, or is like it, has its names.
 */
#include "driver/vocabulary.h"
#include "driver/find_data.h"
#include "driver/images.h"
#include "driver/tables.h"
#include "text.h"
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static bool is_learnt(const DataSet *set) {
    for (int c = 0; c < set->column_count; c++)
        if (set->columns[c].learnt) return true;
    return false;
}

static bool lacks_names(const DataSet *set) {
    for (int c = 0; c < set->column_count; c++)
        if (set->columns[c].learnt && !set->columns[c].remap_words) return true;
    return false;
}

/* ---- saved ----------------------------------------------------------------------------------------- */
static const char *key_of(Arena *arena, const DataSet *set, const Column *column) {
    if (set->joined_count) return text_format(arena, "classes.%s", column->name); /* wall.x */
    return text_format(arena, "classes.%s.%s", set->name, column->name);
}

static const char *names_text(Arena *arena, const Column *column) {
    Text text = text_new(arena);
    for (int i = 0; i < column->remap_count; i++) {
        text_add(&text, i ? ", " : "[");
        text_add_json(&text, column->remap_words[i]);
    }
    text_add(&text, "]");
    return text.bytes;
}

int vocabulary_metadata(Arena *arena, const DataSet *set, sgdrt_metadata *metadata) {
    int count = 0;
    for (int c = 0; c < set->column_count; c++) {
        const Column *column = &set->columns[c];
        if (column->learnt && column->remap_words)
            metadata[count++] = (sgdrt_metadata){key_of(arena, set, column), names_text(arena, column)};
    }
    return count;
}

bool vocabulary_is_same(Arena *arena, const DataSet *set, const sgdrt_checkpoint *file, const char **name) {
    for (int c = 0; c < set->column_count; c++) {
        const Column *column = &set->columns[c];
        const char *saved = column->learnt ? sgdrt_find_metadata(file, key_of(arena, set, column)) : NULL;
        *name = column->name;
        if (saved && column->remap_words && strcmp(saved, names_text(arena, column))) return false;
    }
    return true;
}

/* A list of as many texts as there are classes at most; false: it is something else. */
static bool read_names(Arena *arena, const char *saved, Column *column) {
    cJSON *list = cJSON_Parse(saved);
    int count = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;
    bool good = count > 0 && count <= column->classes;
    column->remap_words = arena_array(arena, const char *, count + 1);
    for (const cJSON *item = good ? list->child : NULL; item && good; item = item->next) {
        good = cJSON_IsString(item);
        if (good) column->remap_words[column->remap_count++] = text_format(arena, "%s", item->valuestring);
    }
    cJSON_Delete(list);
    if (good) return true;
    column->remap_words = NULL;
    column->remap_count = 0;
    return false;
}

static bool take_saved(Driver *driver, const sgdrt_checkpoint *file, DataSet *set) {
    for (int c = 0; c < set->column_count; c++) {
        Column *column = &set->columns[c];
        const char *saved = column->learnt && !column->remap_words
                                ? sgdrt_find_metadata(file, key_of(driver->arena, set, column))
                                : NULL;
        if (!saved || read_names(driver->arena, saved, column)) continue;
        report_file(driver->diagnostics, CODE_E0419, text_format(driver->arena, "%s", file->path), 0, 0,
                    "what it says of the classes of %s is not what this program has: label[%lld]", column->name,
                    (long long)column->classes);
        return false;
    }
    return true;
}

/* A file that cannot be read is told of by who needs it. */
static bool take_saved_file(Driver *driver, const char *name) {
    const char *searched, *found = find_data_file(driver->arena, driver->options->file, name, &searched);
    sgdrt_checkpoint *file = NULL;
    sgdrt_problem problem;
    if (sgdrt_load_file(found ? found : name, &file, &problem)) return true;
    bool good = true;
    for (int i = 0; i < driver->program->data_count && good; i++)
        good = take_saved(driver, file, &driver->program->data[i]);
    sgdrt_free_checkpoint(file);
    return good;
}

/* ---- of another set ---------------------------------------------------------------------------------- */
static void take_from(DataSet *set, const DataSet *other) {
    for (int c = 0; c < set->column_count && c < other->column_count; c++) {
        Column *column = &set->columns[c];
        if (!column->learnt || column->remap_words) continue;
        column->remap_words = other->columns[c].remap_words;
        column->remap_count = other->columns[c].remap_count;
    }
}

/* The set whose names this one has: what it is like, or what it validates; NULL: its own. */
static const DataSet *named_by(const Program *program, const DataSet *set) {
    for (int i = 0; i < program->data_count && set->like; i++)
        if (strcmp(program->data[i].name, set->like) == 0) return &program->data[i];
    for (int r = 0; r < program->run_count; r++)
        if (program->runs[r].valid == set && program->runs[r].data != set) return program->runs[r].data;
    return NULL;
}

/* ---- learnt --------------------------------------------------------------------------------------------- */
static void set_names(Arena *arena, Column *column, const sgdrt_vocabulary *learnt) {
    column->remap_words = arena_array(arena, const char *, learnt->count + 1);
    column->remap_count = (int)learnt->count;
    for (int64_t i = 0; i < learnt->count; i++) column->remap_words[i] = text_format(arena, "%s", learnt->words[i]);
}

/* One vocabulary for all columns of a text. */
static bool learn_characters(Driver *driver, DataSet *set, const char *path) {
    sgdrt_vocabulary learnt;
    sgdrt_problem problem = {0};
    Column *first = &set->columns[0];
    if (sgdrt_learn_characters(path, first->name, first->classes, &learnt, &problem)) {
        report_problem(driver, &problem, set->span, "the data is declared");
        return false;
    }
    for (int c = 0; c < set->column_count; c++) set_names(driver->arena, &set->columns[c], &learnt);
    sgdrt_free_vocabulary(&learnt);
    return true;
}

/* Each column of words has its own. */
static bool learn_words(Driver *driver, DataSet *set) {
    sgdrt_request request;
    sgdrt_problem problem = {0};
    bool *none = arena_array(driver->arena, bool, set->column_count + 1);
    if (!tables_request(driver, set, none, &request)) return false;
    for (int c = 0; c < set->column_count; c++) {
        Column *column = &set->columns[c];
        sgdrt_vocabulary learnt;
        if (!column->words || column->remap_words) continue;
        const char *name = column->csv_name[0] ? column->csv_name[0]
                                               : text_format(driver->arena, "%lld", (long long)column->csv_index[0]);
        if (sgdrt_learn_words(&request, name, column->classes, &learnt, &problem)) {
            report_problem(driver, &problem, set->span, "the data is declared");
            return false;
        }
        set_names(driver->arena, column, &learnt);
        sgdrt_free_vocabulary(&learnt);
    }
    return true;
}

static bool learn_folders(Driver *driver, DataSet *set) {
    const char *searched,
        *folder = find_data_folder(driver->arena, tables_program_of(driver, set), set->path, &searched);
    for (int c = 0; c < set->column_count; c++) {
        Column *column = &set->columns[c];
        sgdrt_vocabulary learnt;
        sgdrt_problem problem = {0};
        if (!column->learnt || column->remap_words) continue;
        if (images_learn(folder, column->name, column->classes, &learnt, &problem)) {
            report_problem(driver, &problem, set->span, "the data is declared");
            return false;
        }
        set_names(driver->arena, column, &learnt);
        sgdrt_free_vocabulary(&learnt);
    }
    return true;
}

static bool is_there(Driver *driver, const DataSet *set) {
    const char *searched, *program = tables_program_of(driver, set);
    int count;
    if (!set->path) return false;
    if (set->kind == SOURCE_IMAGES) return find_data_folder(driver->arena, program, set->path, &searched) != NULL;
    find_data_files(driver->arena, program, set->path, &count);
    return count > 0 || find_data_file(driver->arena, program, set->path, &searched);
}

static bool learn(Driver *driver, DataSet *set, int depth) {
    if (!lacks_names(set)) return true;
    DataSet *other = depth < driver->program->data_count ? (DataSet *)named_by(driver->program, set) : NULL;
    if (other) {
        bool good = learn(driver, other, depth + 1);
        take_from(set, other);
        return good;
    }
    const char *searched, *program = tables_program_of(driver, set);
    if (!is_there(driver, set)) return true;
    if (set->kind == SOURCE_IMAGES) return learn_folders(driver, set);
    if (set->kind != SOURCE_CHARS) return learn_words(driver, set);
    return learn_characters(driver, set, find_data_file(driver->arena, program, set->path, &searched));
}

static bool is_used(const Program *program, const DataSet *set) {
    for (int r = 0; r < program->run_count; r++) {
        const DataSet *data = program->runs[r].data;
        if (data == set || program->runs[r].valid == set) return true;
        for (int i = 0; i < data->joined_count; i++)
            if (data->joined[i] == set) return true;
    }
    return false;
}

/* Several data sets of a step have the names that each of them has. */
static void take_of_joined(const Program *program) {
    for (int r = 0; r < program->run_count; r++) {
        DataSet *data = program->runs[r].data;
        for (int c = 0; c < data->column_count && data->joined_count; c++) {
            int set = data_set_of(data, c);
            const Column *own = &data->joined[set]->columns[c - data_columns_before(data, set)];
            if (!own->learnt) continue;
            data->columns[c].remap_words = own->remap_words;
            data->columns[c].remap_count = own->remap_count;
        }
    }
}

bool vocabulary_learn(Driver *driver) {
    const Program *program = driver->program;
    bool wanted = false, good = true;
    for (int i = 0; i < program->data_count; i++) wanted |= is_learnt(&program->data[i]);
    if (!wanted) return true;
    if (driver->options->load) good = take_saved_file(driver, driver->options->load);
    for (int r = 0; r < program->run_count && good; r++)
        if (program->runs[r].start_file) good = take_saved_file(driver, program->runs[r].start_file);
    for (int i = 0; i < program->data_count && good; i++)
        if (is_used(program, &program->data[i])) good = learn(driver, &program->data[i], 0);
    take_of_joined(program);
    return good;
}
