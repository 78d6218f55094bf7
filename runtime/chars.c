/* chars: the characters of a text as classes, and windows of them as rows.
 *
 * The text is read twice: once for its characters, once to number them, both times as a stream. What stays in memory is
 * a class per character, a byte where there are at most 256 of them; rows overlap there, and are not copied.
 */
#include "problem.h"
#include "table.h"
#include "text.h"
#include "text_file.h"
#include "utf8.h"
#include <stdlib.h>
#include <string.h>

/* ---- the vocabulary -------------------------------------------------------------------------- */
/* Characters seen, a bit for each code, and where there was the first that is one too many. */
typedef struct SeenCharacters {
    uint64_t bits[TEXT_MOST_CODES / 64];
    int64_t count, line, column;
    uint32_t surplus;
} SeenCharacters;

static int see_all(TextFile *text, SeenCharacters *seen, int64_t most) {
    uint32_t code;
    int failed = 0;
    while (sgdrt_text_plain(text, &code) || (!(failed = sgdrt_text_next(text, &code)) && code != TEXT_END)) {
        uint64_t bit = (uint64_t)1 << code % 64;
        if (seen->bits[code / 64] & bit) continue;
        seen->bits[code / 64] |= bit;
        if (seen->count++ != most) continue;
        seen->surplus = code;
        sgdrt_text_place(text, &seen->line, &seen->column);
    }
    return failed;
}

static int too_many(const char *path, const char *field, const SeenCharacters *seen, int64_t most,
                    sgdrt_problem *problem) {
    char shown[32];
    int code = sgdrt_problem_set(problem, PROBLEM_VOCABULARY, path, seen->line, seen->column,
                                 "with %s the text has %lld different characters, and %s is a label[%lld]",
                                 sgdrt_text_shown(seen->surplus, shown), (long long)most + 1, field, (long long)most);
    sgdrt_problem_help(problem, "the text has %lld different characters: label[%lld]", (long long)seen->count,
                       (long long)seen->count);
    return code;
}

static int list_seen(const SeenCharacters *seen, const char *path, sgdrt_vocabulary *vocabulary,
                     sgdrt_problem *problem) {
    size_t count = (size_t)seen->count, bytes = count * (sizeof *vocabulary->words + 5) + 1;
    vocabulary->own = vocabulary->words = malloc(bytes);
    if (!vocabulary->own) return sgdrt_problem_memory(problem, path, bytes);
    char *to = (char *)(vocabulary->words + count);
    for (uint32_t code = 0; code < TEXT_MOST_CODES; code++) {
        if (!(seen->bits[code / 64] >> code % 64 & 1)) continue;
        vocabulary->words[vocabulary->count++] = to;
        to += sgdrt_text_encode(code, to) + 1;
    }
    return 0;
}

int sgdrt_learn_characters(const char *path, const char *field, int64_t most, sgdrt_vocabulary *vocabulary,
                           sgdrt_problem *problem) {
    TextFile *text = calloc(1, sizeof *text);
    SeenCharacters *seen = calloc(1, sizeof *seen);
    *vocabulary = (sgdrt_vocabulary){0};
    int code = text && seen ? sgdrt_text_open(text, path, problem) : sgdrt_problem_memory(problem, path, sizeof *seen);
    if (!code) code = see_all(text, seen, most);
    if (!code && seen->count > most) code = too_many(path, field, seen, most, problem);
    if (!code) code = list_seen(seen, path, vocabulary, problem);
    if (text) sgdrt_text_close(text);
    free(text);
    free(seen);
    return code;
}

void sgdrt_free_vocabulary(sgdrt_vocabulary *vocabulary) {
    free(vocabulary->own);
    *vocabulary = (sgdrt_vocabulary){0};
}

/* ---- the text as classes ------------------------------------------------------------------------ */
/* Of each character the class and 1; 0: it is none. */
static int32_t *classes_of(const sgdrt_column_request *column) {
    int32_t *class_of = calloc(TEXT_MOST_CODES, sizeof *class_of);
    for (int i = 0; class_of && i < column->remap_count; i++) {
        uint32_t code;
        const char *word = column->remap_words[i];
        if (sgdrt_utf8_length(word, strlen(word), &code)) class_of[code] = i + 1;
    }
    return class_of;
}

static int unknown(const TextFile *text, uint32_t code, int count, sgdrt_problem *problem) {
    char shown[32];
    int64_t line, column;
    sgdrt_text_place(text, &line, &column);
    sgdrt_problem_set(problem, PROBLEM_UNKNOWN, text->path, line, column,
                      "%s is none of the %d characters that were learnt", sgdrt_text_shown(code, shown), count);
    sgdrt_problem_help(problem, "a model knows the characters of the text that it was trained on");
    return PROBLEM_UNKNOWN;
}

enum { STEP = 1 << 16 };

/* Classes as they come, in one block that grows by half. */
typedef struct Classes {
    sgdrt_table *table;
    const sgdrt_request *request;
    int64_t count;
} Classes;

static int grow(Classes *c, sgdrt_problem *problem) {
    struct sgdrt_table_private *own = c->table->own;
    int64_t larger = own->capacity + own->capacity / 2 + 2 * STEP;
    return c->count + STEP <= own->capacity ? 0 : sgdrt_table_reserve_items(c->table, larger, problem);
}

static int read_classes(Classes *c, TextFile *text, const int32_t *class_of, sgdrt_problem *problem) {
    const sgdrt_request *request = c->request;
    bool bytes = request->columns[0].dtype == SGDRT_U8;
    uint32_t code;
    int failed = 0;
    while (sgdrt_text_plain(text, &code) || (!(failed = sgdrt_text_next(text, &code)) && code != TEXT_END)) {
        if (c->count % STEP == 0) {
            if (request->progress)
                request->progress(request->progress_context, request->path, sgdrt_input_part(text->input));
            if ((failed = grow(c, problem))) break;
        }
        int32_t class = class_of[code] - 1;
        if (class < 0) return unknown(text, code, request->columns[0].remap_count, problem);
        unsigned char *to = c->table->own->blocks[0].bytes;
        if (bytes)
            to[c->count++] = (unsigned char)class;
        else
            memcpy(to + 4 * c->count++, &class, sizeof class);
    }
    return failed;
}

/* So many characters a row has, as far as its columns reach. */
static int64_t row_length(const sgdrt_request *request, const sgdrt_table *table) {
    int64_t length = 1;
    for (int c = 0; c < request->column_count; c++) {
        int64_t end = request->columns[c].offset + table->described[c].elements;
        if (end > length) length = end;
    }
    return length;
}

static int set_rows(Classes *c, int64_t length, sgdrt_problem *problem) {
    const sgdrt_request *request = c->request;
    int64_t stride = request->window_stride < 1 ? 1 : request->window_stride, begin, end;
    if (c->count < length)
        return sgdrt_problem_set(problem, PROBLEM_EMPTY, request->path, 0, 0,
                                 c->count ? "the text has %lld character%s, and a row takes %lld" : "the text is empty",
                                 (long long)c->count, c->count == 1 ? "" : "s", (long long)length);
    int code = sgdrt_row_range(request->path, request, (c->count - length) / stride + 1, &begin, &end, problem);
    if (!code && end - begin > TABLE_MOST_ROWS) {
        code = sgdrt_problem_set(problem, PROBLEM_TOO_LARGE, request->path, 0, 0,
                                 "%lld rows, and %lld are the most that a data set can have", (long long)(end - begin),
                                 (long long)TABLE_MOST_ROWS);
        sgdrt_problem_help(problem, "stride = %lld makes rows that do not overlap", (long long)length);
    }
    if (!code) sgdrt_table_settle_windows(c->table, begin, end, stride, c->count);
    return code;
}

static int load(const sgdrt_request *request, Classes *classes, TextFile *text, const int32_t *class_of,
                sgdrt_problem *problem) {
    classes->request = request;
    int code = sgdrt_table_make(request->path, request->columns, request->column_count, true, &classes->table, problem);
    if (!code) code = sgdrt_text_open(text, request->path, problem);
    if (!code) code = read_classes(classes, text, class_of, problem);
    for (int c = 0; !code && c < request->column_count; c++)
        classes->table->own->offset_of[c] = (size_t)request->columns[c].offset *
                                            sgdrt_dtype_bytes(request->columns[c].dtype);
    return code ? code : set_rows(classes, row_length(request, classes->table), problem);
}

int sgdrt_chars_load(const sgdrt_request *request, sgdrt_table **result, sgdrt_problem *problem) {
    if (request->column_count < 1 || !request->columns[0].remap_words)
        return sgdrt_problem_set(problem, PROBLEM_NO_COLUMN, request->path, 0, 0,
                                 "data set %s has no columns, or no characters to number", request->name);
    TextFile *text = calloc(1, sizeof *text);
    int32_t *class_of = classes_of(&request->columns[0]);
    Classes classes = {0};
    int code = text && class_of ? load(request, &classes, text, class_of, problem)
                                : sgdrt_problem_memory(problem, request->path, TEXT_MOST_CODES * sizeof *class_of);
    if (text) sgdrt_text_close(text);
    free(text);
    free(class_of);
    if (code)
        sgdrt_free_table(classes.table);
    else
        *result = classes.table;
    return code;
}
