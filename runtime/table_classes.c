/* table_classes: the rows of a table whose classes are texts (class_words.h), and which of these texts are classes. */
#include "class_words.h"
#include "problem.h"
#include "table.h"
#include <stdlib.h>
#include <string.h>

static int32_t *class_at(const sgdrt_table *table, int column, int64_t row) { return sgdrt_row(table, column, row); }

int sgdrt_settle_words(sgdrt_table *table, int column, sgdrt_problem *problem) {
    sgdrt_table_column *d = (sgdrt_table_column *)&table->described[column];
    const int32_t *order;
    if (!sgdrt_words_sort(table->own->words[column], &d->remap_words, &order, &d->remap_count))
        return sgdrt_problem_memory(problem, table->own->path, sizeof *order);
    for (int64_t r = 0; r < table->rows; r++) {
        int32_t *at = class_at(table, column, r);
        for (int64_t e = 0; e < d->elements; e++) at[e] = at[e] >= 0 ? order[at[e]] : at[e];
    }
    return 0;
}

void sgdrt_classes_used(const sgdrt_table *table, int column, const uint32_t *rows, int64_t count, uint8_t *used) {
    const sgdrt_table_column *d = &table->described[column];
    memset(used, 0, (size_t)d->remap_count);
    for (int64_t i = 0; i < count; i++) {
        const int32_t *at = class_at(table, column, rows ? rows[i] : i);
        for (int64_t e = 0; e < d->elements; e++)
            if (at[e] >= 0 && at[e] < d->remap_count) used[at[e]] = 1;
    }
}

static int compare_words(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int no_class(const sgdrt_table *table, int column, int64_t row, int64_t element, int classes,
                    sgdrt_problem *problem) {
    sgdrt_table_column *d = (sgdrt_table_column *)&table->described[column];
    int32_t k = class_at(table, column, row)[element];
    const char *word = k >= 0 && k < d->remap_count ? d->remap_words[k] : NULL;
    d->remap_count = classes;
    return sgdrt_table_no_class(table, column, row, element, word, problem);
}

int sgdrt_take_classes(sgdrt_table *table, int column, const char *const *words, int count, int other,
                       sgdrt_problem *problem) {
    sgdrt_table_column *d = (sgdrt_table_column *)&table->described[column];
    int32_t *class_of = malloc(((size_t)d->remap_count + 1) * sizeof *class_of);
    if (!class_of) return sgdrt_problem_memory(problem, table->own->path, (size_t)d->remap_count * sizeof *class_of);
    for (int i = 0; i < d->remap_count; i++) {
        const char *const *found = count
                                       ? bsearch(&d->remap_words[i], words, (size_t)count, sizeof *words, compare_words)
                                       : NULL;
        class_of[i] = found ? (int32_t)(found - words) : other;
    }
    int code = 0;
    for (int64_t r = 0; r < table->rows && !code; r++) {
        int32_t *at = class_at(table, column, r);
        for (int64_t e = 0; e < d->elements && !code; e++) {
            int32_t to = at[e] >= 0 && at[e] < d->remap_count ? class_of[at[e]] : other;
            if (to < 0)
                code = no_class(table, column, r, e, count, problem);
            else
                at[e] = to;
        }
    }
    free(class_of);
    d->remap_words = words;
    d->remap_count = count;
    return code;
}
