/* saved: which cells of a training stand in a file under which names, and what of a file is believed. */
#include "saved.h"
#include "problem.h"
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CELL_LEARNT_KINDS = 2, CELL_STATISTIC_KIND = 3 }; /* model.h: parameter, state; statistic */
static const char last_suffix[] = "@last";

static bool is_learnt(const sgdrt_model_cell *cell) { return cell->kind < CELL_LEARNT_KINDS; }

static sgdrt_entry entry_in(const sgdrt_model_cell *cell, const char *name, void *block) {
    return (sgdrt_entry){name, (sgdrt_dtype)cell->dtype, cell->rank, cell->shape, (char *)block + cell->offset};
}

/* Names of NAME@last, one after the other, and the entries for them and for the plain ones. */
typedef struct EntryList {
    sgdrt_entry *entries;
    int count;
    char *names;
} EntryList;

static bool list_open(EntryList *list, const sgdrt_training *t) {
    size_t bytes = 1;
    for (int32_t i = 0; i < t->cell_count; i++) bytes += strlen(t->cells[i].name) + sizeof last_suffix;
    *list = (EntryList){malloc(sizeof *list->entries * (2 * (size_t)t->cell_count + 1)), 0, malloc(bytes)};
    return list->entries && list->names;
}

static void list_close(EntryList *list, char *names) {
    free(list->entries);
    free(names);
}

/* The next name@last; its memory is the list's. */
static const char *last_name(EntryList *list, const sgdrt_model_cell *cell) {
    char *name = list->names;
    list->names += sprintf(name, "%s%s", cell->name, last_suffix) + 1;
    return name;
}

/* ---- what is not a number --------------------------------------------------------------------- */
/* By bits: it holds in any floating-point environment. */
static bool has_nan(const sgdrt_entry *entry) {
    int64_t count = 1;
    for (int a = 0; a < entry->rank; a++) count *= entry->shape[a];
    for (int64_t i = 0; i < count; i++) {
        uint32_t f32 = 0;
        uint64_t f64 = 0;
        if (entry->dtype == SGDRT_F32)
            memcpy(&f32, (const char *)entry->data + i * 4, sizeof f32);
        else if (entry->dtype == SGDRT_F64)
            memcpy(&f64, (const char *)entry->data + i * 8, sizeof f64);
        else
            return false;
        if ((f32 & 0x7fffffff) > 0x7f800000 || (f64 & 0x7fffffffffffffff) > 0x7ff0000000000000) return true;
    }
    return false;
}

static int check_numbers(const sgdrt_entry *entry, const char *path, sgdrt_problem *problem) {
    if (!has_nan(entry)) return 0;
    int code = sgdrt_problem_set(problem, PROBLEM_NO_TRAINING, path, 0, 0,
                                 "\"%.100s\" holds what is not a number (NaN)", entry->name);
    sgdrt_problem_help(problem, "its training had diverged");
    return code;
}

/* ---- saving ----------------------------------------------------------------------------------- */
static bool differs(const sgdrt_training *t, const sgdrt_model_cell *cell) {
    return t->kept && is_learnt(cell) &&
           memcmp((char *)t->state + cell->offset, (char *)t->kept + cell->offset, cell->bytes) != 0;
}

static void list_saved(EntryList *list, const sgdrt_training *t) {
    for (int32_t i = 0; i < t->cell_count; i++) {
        const sgdrt_model_cell *cell = &t->cells[i];
        if (cell->kind == CELL_STATISTIC_KIND && t->no_statistics) continue;
        bool apart = differs(t, cell);
        list->entries[list->count++] = entry_in(cell, cell->name, apart ? t->kept : t->state);
        if (apart) list->entries[list->count++] = entry_in(cell, last_name(list, cell), t->state);
    }
}

int sgdrt_save_training(const sgdrt_training *t, const sgdrt_metadata *more, int more_count, const char *path,
                        void **bytes, size_t *length, sgdrt_problem *problem) {
    const sgdrt_header *header = t->state;
    char seed[32], step[32], planned[32];
    snprintf(seed, sizeof seed, "%" PRIu64, header->seed);
    snprintf(step, sizeof step, "%" PRIu64, header->step);
    snprintf(planned, sizeof planned, "%" PRIu64, header->planned);
    const sgdrt_metadata own[] = {{"format", "sgdc 1"}, {"seed", seed}, {"step", step}, {"planned", planned}};
    enum { OWN = sizeof own / sizeof *own };
    sgdrt_metadata *metadata = malloc(sizeof *metadata * (size_t)(OWN + more_count));
    EntryList list;
    bool good = list_open(&list, t) && metadata;
    char *names = list.names;
    int code = good ? 0 : sgdrt_problem_memory(problem, path, sizeof *list.entries * (size_t)t->cell_count);
    if (good) {
        memcpy(metadata, own, sizeof own);
        if (more_count) memcpy(metadata + OWN, more, sizeof *more * (size_t)more_count);
        list_saved(&list, t);
    }
    for (int i = 0; i < list.count && !code; i++) code = check_numbers(&list.entries[i], path, problem);
    if (!code)
        code = path ? sgdrt_save(path, list.entries, list.count, metadata, OWN + more_count, problem)
                    : sgdrt_save_memory(bytes, length, list.entries, list.count, metadata, OWN + more_count, problem);
    list_close(&list, names);
    free(metadata);
    return code;
}

/* ---- reading ---------------------------------------------------------------------------------- */
bool sgdrt_read_count(const char *text, uint64_t most, uint64_t *count) {
    char *end;
    if (!text || !isdigit((unsigned char)*text)) return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (*end || errno || value > most) return false;
    *count = value;
    return true;
}

static int read_place(const sgdrt_checkpoint *file, sgdrt_header *place, sgdrt_problem *problem) {
    const struct {
        const char *key;
        uint64_t most, *to;
        bool needed;
    } counts[] = {
        {"seed", UINT64_MAX, &place->seed, true},
        {"step", SGDRT_MOST_STEPS, &place->step, true},
        {"planned", SGDRT_MOST_STEPS, &place->planned, false},
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const char *text = sgdrt_find_metadata(file, counts[i].key);
        if (sgdrt_read_count(text, counts[i].most, counts[i].to) || (!text && !counts[i].needed)) continue;
        int code;
        if (text) {
            char shown[64];
            sgdrt_excerpt(shown, sizeof shown, text, strlen(text), 40);
            code = sgdrt_problem_set(problem, PROBLEM_NO_TRAINING, file->path, 0, 0,
                                     "the file says \"%s\" for %s, which is no count of this program", shown,
                                     counts[i].key);
        } else {
            code = sgdrt_problem_set(problem, PROBLEM_NO_TRAINING, file->path, 0, 0,
                                     "the file does not say at which step and seed it was saved");
        }
        sgdrt_problem_help(problem, "to begin from its parameters write start = load(\"...\") in the train block");
        return code;
    }
    return 0;
}

static bool has_statistics(const sgdrt_checkpoint *file, const sgdrt_training *t) {
    bool known = false, there = false;
    for (int32_t i = 0; i < t->cell_count; i++) {
        if (t->cells[i].kind != CELL_STATISTIC_KIND) continue;
        known = true;
        there |= sgdrt_find_entry(file, t->cells[i].name) != NULL;
    }
    return there || !known;
}

static void list_wanted(EntryList *list, const sgdrt_checkpoint *file, const sgdrt_training *t, sgdrt_saved_use use,
                        bool statistics) {
    for (int32_t i = 0; i < t->cell_count; i++) {
        const sgdrt_model_cell *cell = &t->cells[i];
        if (cell->kind == CELL_STATISTIC_KIND && !statistics) continue;
        if (use == SGDRT_START && (!is_learnt(cell) || !sgdrt_find_entry(file, cell->name))) continue;
        const char *name = cell->name;
        if (use == SGDRT_RESUME && is_learnt(cell)) {
            const char *last = last_name(list, cell);
            if (sgdrt_find_entry(file, last)) name = last;
        }
        list->entries[list->count++] = entry_in(cell, name, t->state);
        if (use == SGDRT_RESUME && t->kept && is_learnt(cell))
            list->entries[list->count++] = entry_in(cell, cell->name, t->kept);
    }
}

/* A training that goes on has all that the file has: another optimizer or a part that is gone is another training.
 * What the file lacks is told first, by sgdrt_restore. */
static int check_nothing_else(const sgdrt_checkpoint *file, const EntryList *list, const sgdrt_training *t,
                              sgdrt_problem *problem) {
    for (int i = 0; i < list->count; i++)
        if (!sgdrt_find_entry(file, list->entries[i].name)) return 0;
    for (int k = 0; k < file->entry_count; k++) {
        const char *name = file->entries[k].name;
        bool wanted = false;
        for (int i = 0; i < list->count && !wanted; i++) wanted = !strcmp(list->entries[i].name, name);
        for (int32_t i = 0; i < t->cell_count && !wanted; i++) wanted = !strcmp(t->cells[i].name, name);
        if (wanted) continue;
        int code = sgdrt_problem_set(problem, PROBLEM_NOT_SAVED, file->path, 0, 0,
                                     "the file has \"%.100s\", which this run has not", name);
        sgdrt_problem_help(problem,
                           "it is of another training; to begin from its parameters write start = load(\"...\") "
                           "in the train block");
        return code;
    }
    return 0;
}

/* What the file has of the wanted is checked for its numbers; what it lacks, sgdrt_restore tells. */
static int check_found(const sgdrt_checkpoint *file, const EntryList *list, sgdrt_problem *problem) {
    for (int i = 0; i < list->count; i++) {
        const sgdrt_entry *found = sgdrt_find_entry(file, list->entries[i].name);
        int code = found ? check_numbers(found, file->path, problem) : 0;
        if (code) return code;
    }
    return 0;
}

int sgdrt_restore_training(const sgdrt_checkpoint *file, sgdrt_training *t, sgdrt_saved_use use,
                           sgdrt_problem *problem) {
    sgdrt_header place = *(const sgdrt_header *)t->state;
    int code = use == SGDRT_START ? 0 : read_place(file, &place, problem);
    if (code) return code;
    bool statistics = use == SGDRT_RESUME ? !t->no_statistics || has_statistics(file, t) : has_statistics(file, t);
    EntryList list;
    bool good = list_open(&list, t);
    char *names = list.names;
    if (!good) code = sgdrt_problem_memory(problem, file->path, sizeof *list.entries * (size_t)t->cell_count);
    if (good) list_wanted(&list, file, t, use, statistics);
    if (!code && use == SGDRT_START && list.count == 0)
        code = sgdrt_problem_set(problem, PROBLEM_NOT_SAVED, file->path, 0, 0,
                                 "the file has none of the run's parameters");
    if (!code && use == SGDRT_RESUME) code = check_nothing_else(file, &list, t, problem);
    if (!code) code = check_found(file, &list, problem);
    if (!code) code = sgdrt_restore(file, list.entries, list.count, problem);
    list_close(&list, names);
    if (code || use == SGDRT_START) return code;
    *(sgdrt_header *)t->state = place;
    t->no_statistics = !statistics;
    return 0;
}
