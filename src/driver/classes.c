/* classes: the texts of columns that learn their classes (classes(column("region"))), from the rows that train, from a saved
 * file, or, for an object, from the data where it is at hand.
 *
 * Runs may train on different rows, so each has a copy of its data set, in which the texts stand as those of remap do:
 * from there on nothing else knows where they came from. They are sorted by their bytes. A saved file has them as JSON,
 * {"region":["east","north"]}.
 */
#include "codegen/object/model_facts.h"
#include "driver/training.h"
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

bool classes_are_learnt(const DataSet *set) {
    for (int i = 0; set && i < set->column_count; i++)
        if (set->columns[i].learns_words && !set->columns[i].remap_words) return true;
    return false;
}

/* ---- the copies ---------------------------------------------------------------------------------- */
/* Names of all classes: the words, then of those that no row has, the last may be `other`. */
static void name_column(Arena *arena, Column *column, const char *const *words, int count) {
    column->remap_count = count;
    column->remap_words = arena_array(arena, const char *, column->classes + 1);
    for (int64_t k = 0; k < column->classes; k++) column->remap_words[k] = k < count ? words[k] : "";
    if (column->has_other) column->remap_words[column->other] = "other";
}

static DataSet *named_set(Arena *arena, const DataSet *set, const char *const *const *words, const int *counts) {
    DataSet *named = arena_copy(arena, set, sizeof *set);
    named->original = set;
    named->columns = arena_array(arena, Column, set->column_count + 1);
    for (int i = 0; i < set->column_count; i++) {
        named->columns[i] = set->columns[i];
        if (set->columns[i].learns_words && words[i]) name_column(arena, &named->columns[i], words[i], counts[i]);
    }
    if (!set->joined_count) return named;
    named->joined = arena_array(arena, const DataSet *, set->joined_count); /* who reads new rows reads one of them */
    for (int i = 0; i < set->joined_count; i++) {
        int first = data_columns_before(set, i);
        named->joined[i] = named_set(arena, set->joined[i], words + first, counts + first);
    }
    return named;
}

void classes_name_run(Arena *arena, Run *run, const char *const *const *words, const int *counts) {
    bool same = run->valid == run->data;
    run->data = named_set(arena, run->data, words, counts);
    if (run->valid) run->valid = same ? run->data : named_set(arena, run->valid, words, counts);
}

/* ---- from rows ------------------------------------------------------------------------------------- */
static bool too_many(Driver *driver, const Column *column, const char *const *words, int count) {
    int most = (int)column->classes - column->has_other;
    enum { MOST_SHOWN = 3 };
    if (count <= most) return false;
    Text shown = text_new(driver->arena);
    for (int k = 0; k < MOST_SHOWN && k < count; k++)
        text_add(&shown, "%s\"%s\"", k ? ", " : "", text_shown(driver->arena, words[k]));
    Diagnostic *d = report(driver->diagnostics, CODE_E0435, column->span,
                           "%s has %d classes in the rows that train (%s%s), and there is room for %d", column->name,
                           count, shown.bytes, count > MOST_SHOWN ? ", ..." : "", most);
    add_help(driver->diagnostics, d, "label[%d]%s", count + column->has_other,
             column->has_other ? ": one more for all that are none" : "");
    return true;
}

bool classes_of_rows(Driver *driver, const Column *column, const RowSet *rows, int index, const char *const **words,
                     int *count) {
    const sgdrt_table_column *d = &rows->table->described[index];
    uint8_t *used = malloc((size_t)d->remap_count + 1);
    if (!used) out_of_memory((size_t)d->remap_count);
    sgdrt_classes_used(rows->table, index, rows->rows, rows->count, used);
    const char **found = arena_array(driver->arena, const char *, d->remap_count + 1);
    *count = 0;
    for (int k = 0; k < d->remap_count; k++)
        if (used[k]) found[(*count)++] = text_format(driver->arena, "%s", d->remap_words[k]);
    free(used);
    *words = found;
    return !too_many(driver, column, found, *count);
}

/* ---- from a saved file ------------------------------------------------------------------------------- */
static bool refuse(Driver *driver, const sgdrt_checkpoint *file, const char *what) {
    Diagnostic *d = report_file(driver->diagnostics, CODE_E0419, file->path, 0, 0, "%s", what);
    add_help(driver->diagnostics, d, "it was saved by another program, or before this one was changed");
    return false;
}

/* The words of a column; false where they are not as sgdc writes them. */
static bool read_words(Arena *arena, const cJSON *all, const Column *column, const char *const **words, int *count) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(all, column->name), *item;
    *count = 0;
    if (!cJSON_IsArray(list)) return false;
    const char **found = arena_array(arena, const char *, cJSON_GetArraySize(list) + 1);
    cJSON_ArrayForEach(item, list) {
        if (!cJSON_IsString(item)) return false;
        found[*count] = text_format(arena, "%s", item->valuestring);
        if (*count && strcmp(found[*count - 1], found[*count]) >= 0) return false;
        (*count)++;
    }
    *words = found;
    return *count <= column->classes - column->has_other;
}

bool classes_from_file(Driver *driver, const sgdrt_checkpoint *file, Run *run) {
    const DataSet *set = run->data;
    if (!classes_are_learnt(set)) return true;
    const char *text = sgdrt_find_metadata(file, "classes");
    if (!text) return refuse(driver, file, text_format(driver->arena, "the file has no classes of data %s", set->name));
    cJSON *all = cJSON_Parse(text);
    const char *const **words = arena_array(driver->arena, const char *const *, set->column_count + 1);
    int *counts = arena_array(driver->arena, int, set->column_count + 1);
    bool good = all != NULL;
    for (int i = 0; good && i < set->column_count; i++)
        if (set->columns[i].learns_words) {
            good = read_words(driver->arena, all, &set->columns[i], &words[i], &counts[i]);
            if (!good)
                refuse(driver, file,
                       text_format(driver->arena, "what the file says of the classes of %s does not fit",
                                   set->columns[i].name));
        }
    if (!all) refuse(driver, file, "what the file says of classes cannot be read");
    cJSON_Delete(all);
    if (good) classes_name_run(driver->arena, run, words, counts);
    return good;
}
