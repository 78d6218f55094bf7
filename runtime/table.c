/* table: data sets in memory, and what is done to their rows after loading: keep, remap, label ranges. */
#include "table.h"
#include "class_words.h"
#include "csv_text.h"
#include "float_control.h"
#include "large_pages.h"
#include "problem.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

size_t sgdrt_dtype_bytes(sgdrt_dtype dtype) {
    return dtype == SGDRT_F64 ? 8 : dtype == SGDRT_F32 || dtype == SGDRT_I32 ? 4 : 1;
}

const char *sgdrt_dtype_text(sgdrt_dtype dtype) {
    static const char *const text[] = {"f32", "f64", "i32", "bool", "u8"};
    return text[dtype];
}

/* The product of a shape, or -1 if it is negative or too large to be rows of anything. */
static int64_t shape_elements(const int64_t *shape, int rank) {
    int64_t elements = 1;
    for (int a = 0; a < rank; a++)
        if (shape[a] < 0 || __builtin_mul_overflow(elements, shape[a], &elements) || elements > INT32_MAX) return -1;
    return elements;
}

/* Strings, shapes and remaps of the requests, copied into one block: the requests need not outlive the table.
 */
static size_t strings_bytes(const char *path, const sgdrt_column_request *columns, int count) {
    size_t bytes = path ? strlen(path) + 1 : 0;
    for (int c = 0; c < count; c++) {
        bytes += (size_t)columns[c].rank * 8 + (size_t)columns[c].remap_count * 8 + strlen(columns[c].name) + 1 +
                 (columns[c].path ? strlen(columns[c].path) + 1 : 0);
        for (int i = 0; columns[c].remap_words && i < columns[c].remap_count; i++)
            bytes += strlen(columns[c].remap_words[i]) + 1;
    }
    return bytes + 8;
}

static void *take(char **at, const void *from, size_t bytes) {
    void *to = *at;
    if (bytes) memcpy(to, from, bytes);
    *at += bytes;
    return to;
}

static void copy_strings(sgdrt_table *table, const char *path, const sgdrt_column_request *columns) {
    sgdrt_table_column *described = (sgdrt_table_column *)table->described;
    char *at = table->own->strings;
    for (int c = 0; c < table->column_count; c++) { /* numbers and pointers first: they are aligned */
        size_t listed = (size_t)columns[c].remap_count * 8;
        described[c].shape = take(&at, columns[c].shape, (size_t)columns[c].rank * 8);
        if (columns[c].remap_words)
            described[c].remap_words = take(&at, columns[c].remap_words, listed);
        else
            described[c].remap = take(&at, columns[c].remap, listed);
    }
    for (int c = 0; c < table->column_count; c++) {
        const char **words = (const char **)described[c].remap_words;
        described[c].name = take(&at, columns[c].name, strlen(columns[c].name) + 1);
        for (int i = 0; words && i < columns[c].remap_count; i++) words[i] = take(&at, words[i], strlen(words[i]) + 1);
        if (columns[c].path) described[c].path = take(&at, columns[c].path, strlen(columns[c].path) + 1);
    }
    if (path) table->own->path = take(&at, path, strlen(path) + 1);
}

static size_t aligned(size_t offset, size_t to) { return (offset + to - 1) / to * to; }

void sgdrt_table_lay_out(sgdrt_table *table) {
    struct sgdrt_table_private *own = table->own;
    bool together = own->together;
    size_t record = 0, widest = 1;
    for (int c = 0; c < table->column_count; c++) {
        size_t item = sgdrt_dtype_bytes(table->described[c].dtype);
        size_t bytes = item * (size_t)table->described[c].elements;
        if (together) {
            own->offset_of[c] = aligned(record, item);
            record = own->offset_of[c] + bytes;
            widest = item > widest ? item : widest;
        } else {
            own->block_of[c] = c;
            own->blocks[c].stride = bytes;
        }
    }
    if (together) own->blocks[0].stride = aligned(record, widest);
}

int sgdrt_table_make(const char *path, const sgdrt_column_request *columns, int count, bool together,
                     sgdrt_table **result, sgdrt_problem *problem) {
    sgdrt_table *table = calloc(1, sizeof *table);
    struct sgdrt_table_private *own = calloc(1, sizeof *own);
    size_t places = count > 0 ? (size_t)count : 1;
    sgdrt_table_column *described = calloc(places, sizeof *described);
    if (table)
        *table = (sgdrt_table){.column_count = count,
                               .columns = calloc(places, sizeof *table->columns),
                               .described = described,
                               .own = own};
    if (own) {
        own->blocks = calloc(places, sizeof *own->blocks);
        own->together = together;
        own->block_count = together ? 1 : count;
        own->block_of = calloc(places, sizeof *own->block_of);
        own->offset_of = calloc(places, sizeof *own->offset_of);
        own->field_of = calloc(places, sizeof *own->field_of);
        own->wide = calloc(places, sizeof *own->wide);
        own->words = calloc(places, sizeof(*own->words));
        own->numbered = calloc(places, sizeof *own->numbered);
        own->strings = malloc(strings_bytes(path, columns, count));
    }
    if (!table || !own || !described || !table->columns || !own->blocks || !own->block_of || !own->offset_of ||
        !own->field_of || !own->wide || !own->words || !own->numbered || !own->strings) {
        if (table && own) {
            sgdrt_free_table(table);
        } else {
            if (table) free(table->columns);
            free(table);
            free(own);
            free(described);
        }
        return sgdrt_problem_memory(problem, path, places * sizeof *described);
    }
    for (int c = 0; c < count; c++) {
        int64_t elements = shape_elements(columns[c].shape, columns[c].rank);
        if (elements < 0) {
            sgdrt_free_table(table);
            return sgdrt_problem_set(problem, PROBLEM_TOO_LARGE, path, 0, 0, "column \"%s\" has too many elements",
                                     columns[c].name);
        }
        bool wide = columns[c].wide && columns[c].dtype == SGDRT_F32;
        own->wide[c] = wide;
        own->numbered[c] = columns[c].words > 0;
        described[c] = (sgdrt_table_column){.dtype = wide ? SGDRT_F64 : columns[c].dtype,
                                            .declared = columns[c].dtype,
                                            .rank = columns[c].rank,
                                            .elements = elements,
                                            .classes = columns[c].classes,
                                            .learns_words = columns[c].learns_words,
                                            .remap_count = columns[c].remap_count};
    }
    copy_strings(table, path, columns);
    sgdrt_table_lay_out(table);
    *result = table;
    return 0;
}

/* More than the machine has would be promised, and the process killed when it is used. */
static size_t machine_bytes(void) {
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (size_t)pages * (size_t)page : SIZE_MAX / 4;
}

int sgdrt_table_reserve(sgdrt_table *table, int64_t rows, sgdrt_problem *problem) {
    struct sgdrt_table_private *own = table->own;
    if (rows > TABLE_MOST_ROWS)
        return sgdrt_problem_set(problem, PROBLEM_TOO_LARGE, own->path, 0, 0,
                                 "%lld rows are the most that a data set can have", (long long)TABLE_MOST_ROWS);
    for (int b = 0; b < own->block_count; b++) {
        size_t bytes;
        if (__builtin_mul_overflow(own->blocks[b].stride, (size_t)rows, &bytes) || bytes > machine_bytes())
            return sgdrt_problem_set(problem, PROBLEM_TOO_LARGE, own->path, 0, 0,
                                     "%lld rows of %zu bytes take %.3g GB of memory, and this machine has %.3g GB",
                                     (long long)rows, own->blocks[b].stride,
                                     (double)own->blocks[b].stride * (double)rows / 1e9, (double)machine_bytes() / 1e9);
        unsigned char *grown = realloc(own->blocks[b].bytes, bytes + TABLE_PADDING);
        if (!grown) return sgdrt_problem_memory(problem, own->path, bytes);
        own->blocks[b].bytes = grown;
        sgdrt_prefer_large_pages(grown, bytes);
        memset(grown + bytes, 0, TABLE_PADDING);
    }
    own->capacity = rows;
    return 0;
}

int sgdrt_table_reserve_items(sgdrt_table *table, int64_t items, sgdrt_problem *problem) {
    struct sgdrt_table_private *own = table->own;
    size_t bytes = (size_t)items * sgdrt_dtype_bytes(table->described[0].dtype);
    if (bytes > machine_bytes()) return sgdrt_problem_memory(problem, own->path, bytes);
    unsigned char *grown = realloc(own->blocks[0].bytes, bytes + TABLE_PADDING);
    if (!grown) return sgdrt_problem_memory(problem, own->path, bytes);
    own->blocks[0].bytes = grown;
    own->capacity = items;
    return 0;
}

void sgdrt_table_settle_windows(sgdrt_table *table, int64_t begin, int64_t end, int64_t stride, int64_t items) {
    struct sgdrt_table_private *own = table->own;
    size_t item = sgdrt_dtype_bytes(table->described[0].dtype), bytes = item * (size_t)items;
    unsigned char *fitting = realloc(own->blocks[0].bytes, bytes + TABLE_PADDING);
    if (fitting) own->blocks[0].bytes = fitting;
    memset(own->blocks[0].bytes + bytes, 0, TABLE_PADDING);
    own->blocks[0].stride = item * (size_t)stride;
    own->overlapping = table->bytes = bytes;
    own->rows_begin = begin;
    own->capacity = table->rows = end - begin;
    for (int c = 0; c < table->column_count; c++)
        table->columns[c] = (sgdrt_column){own->blocks[0].bytes + own->blocks[0].stride * (size_t)begin +
                                               own->offset_of[c],
                                           (int64_t)(item * (size_t)stride)};
}

void sgdrt_table_settle(sgdrt_table *table, int64_t rows) {
    struct sgdrt_table_private *own = table->own;
    table->rows = rows;
    table->bytes = 0;
    for (int b = 0; b < own->block_count; b++) {
        size_t bytes = own->blocks[b].stride * (size_t)rows;
        unsigned char *fitting = realloc(own->blocks[b].bytes, bytes + TABLE_PADDING);
        if (fitting) /* else the larger block serves as well */
            own->blocks[b].bytes = fitting;
        memset(own->blocks[b].bytes + bytes, 0, TABLE_PADDING);
        table->bytes += bytes;
    }
    own->capacity = rows;
    for (int c = 0; c < table->column_count; c++) {
        const TableBlock *block = &own->blocks[own->block_of[c]];
        table->columns[c] = (sgdrt_column){block->bytes + own->offset_of[c], (int64_t)block->stride};
    }
}

int sgdrt_table_append(sgdrt_table *table, const sgdrt_table *other, sgdrt_problem *problem) {
    int64_t rows = table->rows;
    int code = sgdrt_table_reserve(table, rows + other->rows, problem);
    if (code) return code;
    for (int b = 0; b < table->own->block_count; b++) {
        const TableBlock *to = &table->own->blocks[b], *from = &other->own->blocks[b];
        memcpy(to->bytes + to->stride * (size_t)rows, from->bytes, from->stride * (size_t)other->rows);
    }
    sgdrt_table_column *described = (sgdrt_table_column *)table->described;
    for (int c = 0; c < table->column_count; c++) described[c].missing += other->described[c].missing;
    sgdrt_table_settle(table, rows + other->rows);
    return 0;
}

int sgdrt_new_table(const char *name, const sgdrt_column_request *columns, int column_count, int64_t rows,
                    sgdrt_table **result, sgdrt_problem *problem) {
    sgdrt_table *table = NULL;
    int code = sgdrt_table_make(NULL, columns, column_count, true, &table, problem);
    if (!code && rows < 1)
        code = sgdrt_problem_set(problem, PROBLEM_EMPTY, NULL, 0, 0, "data set %s has no rows", name);
    if (!code) code = sgdrt_table_reserve(table, rows, problem);
    if (code) {
        sgdrt_free_table(table);
        return code;
    }
    memset(table->own->blocks[0].bytes, 0, table->own->blocks[0].stride * (size_t)rows);
    sgdrt_table_settle(table, rows);
    *result = table;
    return 0;
}

/* What is found again by a copy of a table: where its rows came from. */
static int copy_origin(const sgdrt_table *from, sgdrt_table *to, sgdrt_problem *problem) {
    const struct sgdrt_table_private *source = from->own;
    struct sgdrt_table_private *own = to->own;
    to->delimiter = from->delimiter;
    to->has_header = from->has_header;
    own->comment = source->comment;
    own->rows_begin = source->rows_begin;
    for (int c = 0; c < from->column_count; c++)
        if (source->field_of[c]) {
            size_t bytes = sizeof **own->field_of * (size_t)from->described[c].elements;
            own->field_of[c] = malloc(bytes ? bytes : 1);
            if (!own->field_of[c]) return sgdrt_problem_memory(problem, own->path, bytes);
            memcpy(own->field_of[c], source->field_of[c], bytes);
        }
    if (source->row_in_file) {
        own->row_in_file = malloc(sizeof *own->row_in_file * (size_t)from->rows);
        if (!own->row_in_file)
            return sgdrt_problem_memory(problem, own->path, sizeof *own->row_in_file * (size_t)from->rows);
        memcpy(own->row_in_file, source->row_in_file, sizeof *own->row_in_file * (size_t)from->rows);
        to->row_in_file = own->row_in_file;
    }
    return 0;
}

int sgdrt_copy_table(const sgdrt_table *from, sgdrt_table **result, sgdrt_problem *problem) {
    int count = from->column_count;
    sgdrt_column_request *columns = calloc(count > 0 ? (size_t)count : 1, sizeof *columns);
    if (!columns) return sgdrt_problem_memory(problem, NULL, sizeof *columns * (size_t)count);
    for (int c = 0; c < count; c++) {
        const sgdrt_table_column *d = &from->described[c];
        columns[c] = (sgdrt_column_request){.name = d->name,
                                            .dtype = d->declared,
                                            .wide = d->dtype != d->declared,
                                            .rank = d->rank,
                                            .shape = d->shape,
                                            .classes = d->classes,
                                            .remap = d->remap,
                                            .remap_count = d->remap_count,
                                            .remap_words = d->remap_words,
                                            .learns_words = d->learns_words,
                                            .path = d->path};
    }
    sgdrt_table *table = NULL;
    int code = sgdrt_table_make(from->own->path, columns, count, from->own->together, &table, problem);
    free(columns);
    bool windows = from->own->overlapping > 0;
    int64_t items = windows ? (int64_t)(from->own->overlapping / sgdrt_dtype_bytes(from->described[0].dtype)) : 0;
    if (!code)
        code = windows ? sgdrt_table_reserve_items(table, items, problem)
                       : sgdrt_table_reserve(table, from->rows, problem);
    if (!code) code = copy_origin(from, table, problem);
    if (code) {
        sgdrt_free_table(table);
        return code;
    }
    *result = table;
    if (windows) {
        memcpy(table->own->blocks[0].bytes, from->own->blocks[0].bytes, from->own->overlapping);
        for (int c = 0; c < count; c++) table->own->offset_of[c] = from->own->offset_of[c];
        int64_t stride = (int64_t)(from->own->blocks[0].stride / sgdrt_dtype_bytes(from->described[0].dtype));
        sgdrt_table_settle_windows(table, from->own->rows_begin, from->own->rows_begin + from->rows, stride, items);
        return 0;
    }
    for (int b = 0; b < table->own->block_count; b++)
        memcpy(table->own->blocks[b].bytes, from->own->blocks[b].bytes,
               table->own->blocks[b].stride * (size_t)from->rows);
    sgdrt_table_settle(table, from->rows);
    return 0;
}

void sgdrt_free_table(sgdrt_table *table) {
    if (!table) return;
    struct sgdrt_table_private *own = table->own;
    for (int b = 0; own->blocks && b < own->block_count; b++) free(own->blocks[b].bytes);
    for (int c = 0; own->field_of && c < table->column_count; c++) free(own->field_of[c]);
    for (int c = 0; own->words && c < table->column_count; c++) sgdrt_words_free(own->words[c]);
    free(own->blocks);
    free(own->block_of);
    free(own->offset_of);
    free(own->field_of);
    free(own->wide);
    free(own->words);
    free(own->numbered);
    for (int f = 0; f < own->file_count; f++) {
        for (int c = 0; own->files[f].paths && c < table->column_count; c++) free(own->files[f].paths[c]);
        for (int c = 0; own->files[f].field_of && c < table->column_count; c++) free(own->files[f].field_of[c]);
        free(own->files[f].field_of);
        free(own->files[f].paths);
        free(own->files[f].path);
    }
    free(own->files);
    free(own->row_in_file);
    free(own->strings);
    free(own);
    free(table->columns);
    free((void *)table->described);
    free(table);
}

void *sgdrt_row(const sgdrt_table *table, int column, int64_t row) {
    return (char *)table->columns[column].data + row * table->columns[column].stride;
}

int sgdrt_row_range(const char *path, const sgdrt_request *request, int64_t rows, int64_t *begin, int64_t *end,
                    sgdrt_problem *problem) {
    *begin = request->rows_begin;
    *end = request->rows_end < 0 ? rows : request->rows_end;
    if (rows < 1) return sgdrt_problem_set(problem, PROBLEM_EMPTY, path, 0, 0, "the file has no rows of data");
    if (*begin >= 0 && *begin < *end && *end <= rows) return 0;
    int code = sgdrt_problem_set(problem, PROBLEM_ROWS, path, 0, 0,
                                 "the file has %lld rows, so rows = %lld..%lld is not in it", (long long)rows,
                                 (long long)*begin, (long long)*end);
    sgdrt_problem_help(problem, "rows count from 0 and the second number is not included: rows = 0..%lld is all of it",
                       (long long)rows);
    return code;
}

void sgdrt_table_widen(sgdrt_table *table) {
    sgdrt_table_column *described = (sgdrt_table_column *)table->described;
    for (int c = 0; c < table->column_count; c++)
        if (table->own->wide[c]) described[c].dtype = SGDRT_F64;
    sgdrt_table_lay_out(table);
}

/* ---- keep ---------------------------------------------------------------------------------- */
int64_t sgdrt_table_compact(sgdrt_table *table, const uint8_t *keep) {
    struct sgdrt_table_private *own = table->own;
    int64_t to = 0;
    for (int64_t r = 0; r < table->rows; r++) {
        if (!keep[r]) continue;
        for (int b = 0; to != r && b < own->block_count; b++) {
            size_t stride = own->blocks[b].stride;
            memcpy(own->blocks[b].bytes + stride * (size_t)to, own->blocks[b].bytes + stride * (size_t)r, stride);
        }
        to++;
    }
    return to;
}

int sgdrt_keep_rows(sgdrt_table *table, const uint8_t *keep, sgdrt_problem *problem) {
    struct sgdrt_table_private *own = table->own;
    int64_t kept = 0;
    if (own->overlapping)
        return sgdrt_problem_set(problem, PROBLEM_NONE_KEPT, own->path, 0, 0,
                                 "rows of a text overlap, so none can be left out");
    for (int64_t r = 0; r < table->rows; r++) kept += keep[r] != 0;
    if (!kept)
        return sgdrt_problem_set(problem, PROBLEM_NONE_KEPT, own->path, 0, 0, "none of the %lld rows is kept",
                                 (long long)table->rows);
    uint32_t *row_in_file = malloc(sizeof *row_in_file * (size_t)kept);
    if (!row_in_file) return sgdrt_problem_memory(problem, own->path, sizeof *row_in_file * (size_t)kept);
    int64_t to = 0;
    for (int64_t r = 0; r < table->rows; r++)
        if (keep[r]) row_in_file[to++] = own->row_in_file ? own->row_in_file[r] : (uint32_t)r;
    sgdrt_table_compact(table, keep);
    free(own->row_in_file);
    own->row_in_file = row_in_file;
    table->row_in_file = row_in_file;
    sgdrt_table_settle(table, kept);
    return 0;
}

/* ---- labels -------------------------------------------------------------------------------- */
static double element_value(const void *row, sgdrt_dtype dtype, int64_t element) {
    switch (dtype) {
    case SGDRT_F32: return ((const float *)row)[element];
    case SGDRT_F64: return ((const double *)row)[element];
    case SGDRT_I32: return ((const int32_t *)row)[element];
    default: return ((const uint8_t *)row)[element];
    }
}

static void set_element(void *row, sgdrt_dtype dtype, int64_t element, double value) {
    switch (dtype) {
    case SGDRT_F32: ((float *)row)[element] = (float)value; break;
    case SGDRT_F64: ((double *)row)[element] = value; break;
    case SGDRT_I32: ((int32_t *)row)[element] = (int32_t)value; break;
    default: ((uint8_t *)row)[element] = (uint8_t)value; break;
    }
}

/* Of a row that keep has not left out. */
static int missing_problem(const sgdrt_table_column *d, const char *path, const char *where, int64_t line, int64_t at,
                           const char *shown, sgdrt_problem *problem) {
    bool texts = d->remap_words || d->learns_words;
    if (shown[0] && !where[0])
        sgdrt_problem_set(problem, PROBLEM_MISSING, path, line, at, "\"%s\" stands for a missing value (field %s)",
                          shown, d->name);
    else
        sgdrt_problem_set(problem, PROBLEM_MISSING, path, line, at, "%sthe value is missing (field %s)", where,
                          d->name);
    sgdrt_problem_help(
        problem, texts ? "a class of their own: missing = \"unknown\" in column(...); or other = true: the class "
                         "of all that are none; or leave such rows out with keep"
                       : "column(..., missing = mean) says what stands for it: mean, median or a number; or leave "
                         "such rows out with keep");
    return PROBLEM_MISSING;
}

/* A text that no class has, or one that was missing and left to stand for none. */
static int word_problem(const sgdrt_table_column *d, const char *path, const char *where, int64_t line, int64_t at,
                        const char *shown, double value, sgdrt_problem *problem) {
    if (value != TABLE_NO_WORD) {
        int code = sgdrt_problem_set(problem, PROBLEM_LABEL, path, line, at,
                                     "%sthe value is missing, and %.17g, which stands for it, is no class (field %s)",
                                     where, value, d->name);
        sgdrt_problem_help(problem, "leave such rows out with keep, or let missing be one of 0..%lld",
                           (long long)d->remap_count - 1);
        return code;
    }
    int code = sgdrt_problem_set(problem, PROBLEM_REMAP, path, line, at,
                                 d->learns_words
                                     ? "%s\"%s\" is none of the %d classes that training has seen (field %s)"
                                     : "%s\"%s\" is not among the %d texts that remap lists (field %s)",
                                 where, shown, d->remap_count, d->name);
    if (d->learns_words) {
        sgdrt_problem_help(problem, "other = true in classes(...) makes a class of all that training has not seen");
        return code;
    }
    int near = sgdrt_nearest(shown, strlen(shown), d->remap_words, d->remap_count);
    if (near >= 0)
        sgdrt_problem_help(problem, "list it, or leave its rows out with keep; \"%.100s\" is near",
                           d->remap_words[near]);
    else
        sgdrt_problem_help(problem, "list it, or leave its rows out with keep");
    return code;
}

bool sgdrt_row_line(const sgdrt_table *table, int64_t row, int64_t *line) {
    const struct sgdrt_table_private *own = table->own;
    int64_t column;
    char shown[16];
    if (!table->column_count || !own->field_of[0]) return false;
    int64_t in_file = own->row_in_file ? own->row_in_file[row] : row;
    return sgdrt_csv_find(table, in_file, 0, line, &column, shown, sizeof shown);
}

/* "row 7 of labels.gz" is all that a binary file can say; a csv has a line. */
/* word: the text, where there may be no file to look into; or NULL. */
static int label_problem(const sgdrt_table *table, int column, int64_t row, int64_t element, int code, double value,
                         const char *word, sgdrt_problem *problem) {
    const struct sgdrt_table_private *own = table->own;
    const sgdrt_table_column *d = &table->described[column];
    int64_t in_file = own->row_in_file ? own->row_in_file[row] : row, line = 0, at = 0, there = in_file;
    const TableFile *file;
    const char *path = sgdrt_table_file(table, column, &there, &file);
    char where[64] = "", shown[64] = "it";
    if (own->line_of) line = own->line_of[row];
    int *const *field_of = file && file->field_of ? file->field_of : own->field_of;
    bool found = line || (field_of[column] &&
                          sgdrt_csv_find(table, in_file, field_of[column][element], &line, &at, shown, sizeof shown));
    if (!found) snprintf(where, sizeof where, "row %lld: ", (long long)there);
    if (code == PROBLEM_MISSING) return missing_problem(d, path, where, line, at, shown, problem);
    if (!found && word) snprintf(shown, sizeof shown, "%s", word);
    if (d->remap_words) return word_problem(d, path, where, line, at, shown, value, problem);
    if (code == PROBLEM_LABEL) {
        sgdrt_problem_set(problem, code, path, line, at, "%slabel %.17g is outside 0..%lld (field %s)", where, value,
                          (long long)d->classes - 1, d->name);
        sgdrt_problem_help(problem, "%lld classes are numbered 0 to %lld; remap(%s, [...]) numbers other values",
                           (long long)d->classes, (long long)d->classes - 1, d->name);
        return code;
    }
    sgdrt_problem_set(problem, code, path, line, at, "%s%.17g is not among the %d values that remap lists (field %s)",
                      where, value, d->remap_count, d->name);
    sgdrt_problem_help(problem, "list it, or leave its rows out with keep");
    return code;
}

int sgdrt_table_no_class(const sgdrt_table *table, int column, int64_t row, int64_t element, const char *word,
                         sgdrt_problem *problem) {
    return label_problem(table, column, row, element, PROBLEM_REMAP, TABLE_NO_WORD, word, problem);
}

/* The values that remap lists, sorted, each with its class. */
typedef struct Named {
    double value;
    int to;
} Named;

static int compare_named(const void *a, const void *b) {
    double x = ((const Named *)a)->value, y = ((const Named *)b)->value;
    return x < y ? -1 : x > y;
}

static Named *sort_remap(const sgdrt_table_column *d) {
    Named *sorted = malloc(sizeof *sorted * (size_t)(d->remap_count + 1));
    for (int i = 0; sorted && !d->remap_words && i < d->remap_count; i++) sorted[i] = (Named){d->remap[i], i};
    if (sorted && !d->remap_words) qsort(sorted, (size_t)d->remap_count, sizeof *sorted, compare_named);
    return sorted;
}

/* What marks rows whose labels are wrong, or (bad NULL) ends at the first one. */
typedef struct LabelCheck {
    uint8_t *bad;
    int64_t first; /* row of the problem; -1: there is none yet */
    sgdrt_problem *problem;
} LabelCheck;

static int wrong_label(LabelCheck *check, const sgdrt_table *table, int column, int64_t row, int64_t element, int code,
                       double value) {
    if (check->first < 0 || row < check->first) {
        check->first = row;
        label_problem(table, column, row, element, code, value, NULL, check->problem);
    }
    if (check->bad) check->bad[row] = 1;
    return code;
}

static int check_row(sgdrt_table *table, int column, int64_t r, const Named *sorted, LabelCheck *check) {
    const sgdrt_table_column *d = &table->described[column];
    void *row = sgdrt_row(table, column, r);
    for (int64_t e = 0; e < d->elements; e++) {
        double value = element_value(row, d->dtype, e);
        if ((d->remap_words || d->learns_words) && value == TABLE_NO_TEXT)
            return wrong_label(check, table, column, r, e, PROBLEM_MISSING, value);
        if (d->remap_words && value == TABLE_NO_WORD && !table->own->words[column])
            return wrong_label(check, table, column, r, e, PROBLEM_REMAP, value);
        if (d->remap_count && !d->remap_words) {
            Named wanted = {value, 0};
            const Named *found = bsearch(&wanted, sorted, (size_t)d->remap_count, sizeof *sorted, compare_named);
            if (!found) return wrong_label(check, table, column, r, e, PROBLEM_REMAP, value);
            value = found->to;
            set_element(row, d->dtype, e, value);
        }
        if (d->learns_words) continue;
        if (d->classes > 0 && !(value >= 0 && value < (double)d->classes && value == floor(value)))
            return wrong_label(check, table, column, r, e, PROBLEM_LABEL, value);
    }
    return 0;
}

static int check_labels(sgdrt_table *table, LabelCheck *check) {
    SGDRT_FLOAT_GUARD();
    int code = 0;
    if (table->own->overlapping) return 0; /* numbered as they were read */
    for (int c = 0; c < table->column_count; c++) {
        if (table->own->numbered[c]) continue; /* as it was read */
        const sgdrt_table_column *d = &table->described[c];
        if (!d->remap_count && d->classes <= 0) continue;
        Named *sorted = sort_remap(d);
        if (!sorted) return sgdrt_problem_memory(check->problem, table->own->path, sizeof *sorted);
        for (int64_t r = 0; r < table->rows && (!code || check->bad); r++) {
            int wrong = check_row(table, c, r, sorted, check);
            code = wrong ? wrong : code;
        }
        free(sorted);
        if (code && !check->bad) return code;
    }
    return code;
}

/* A whole number that stands for none may stand in the file, too. */
static bool is_missing(const sgdrt_table *table, int column, int64_t row, int64_t element) {
    const sgdrt_table_column *d = &table->described[column];
    double value = element_value(sgdrt_row(table, column, row), d->dtype, element);
    if (d->dtype != SGDRT_I32 || value != TABLE_NO_INTEGER) return isnan(value);
    const struct sgdrt_table_private *own = table->own;
    int64_t in_file = own->row_in_file ? own->row_in_file[row] : row, there = in_file, line, at;
    const TableFile *file;
    char shown[16] = "";
    sgdrt_table_file(table, column, &there, &file);
    int *const *field_of = file && file->field_of ? file->field_of : own->field_of;
    return !sgdrt_csv_find(table, in_file, field_of[column][element], &line, &at, shown, sizeof shown) ||
           sgdrt_csv_is_missing(shown, strlen(shown));
}

int sgdrt_check_missing(const sgdrt_table *table, int column, sgdrt_problem *problem) {
    const sgdrt_table_column *d = &table->described[column];
    for (int64_t r = 0; r < table->rows; r++)
        for (int64_t e = 0; e < d->elements; e++)
            if (is_missing(table, column, r, e))
                return label_problem(table, column, r, e, PROBLEM_MISSING, 0, NULL, problem);
    return 0;
}

int sgdrt_check_labels(sgdrt_table *table, sgdrt_problem *problem) {
    return check_labels(table, &(LabelCheck){NULL, -1, problem});
}

int sgdrt_table_mark_labels(sgdrt_table *table, uint8_t *bad, sgdrt_problem *problem) {
    return check_labels(table, &(LabelCheck){bad, -1, problem});
}
