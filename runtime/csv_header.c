/* csv_header: the first row of a csv, which may be a header, and the field that a column asks for.
 *
 * Is there a header? Asked for by name: yes. Else, unless the request says: if the first row has a word and no
 * number. A row of which some fields are numbers is data, with a mistake where a number is asked for.
 */
#include "csv_reader.h"
#include "number.h"
#include "problem.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FIELDS = 1 << 20 };

void sgdrt_csv_free_words(Words *words) {
    for (int i = 0; i < words->count; i++) free(words->text[i]);
    free(words->text);
    free(words->quoted);
    *words = (Words){0};
}

static bool words_add(Words *words, const CsvField *field) {
    if (words->count == words->capacity) {
        int larger = words->capacity ? words->capacity * 2 : 16;
        char **text = realloc(words->text, sizeof *text * (size_t)larger);
        if (text) words->text = text;
        bool *quoted = realloc(words->quoted, sizeof *quoted * (size_t)larger);
        if (quoted) words->quoted = quoted;
        if (!text || !quoted) return false;
        words->capacity = larger;
    }
    char *copy = calloc(field->length + 16, 1); /* zeros after it, for the scanner of numbers */
    if (!copy) return false;
    memcpy(copy, field->text, field->length);
    words->quoted[words->count] = field->quoted;
    words->text[words->count++] = copy;
    return true;
}

/* Reads the row at *p, which is not blank, into words. */
static CsvStatus read_words(CsvReader *r, const char **p, Words *words) {
    bool row_ends = false;
    while (!row_ends) {
        CsvField field;
        CsvStatus status = sgdrt_csv_field(&r->text, p, &field);
        if (status == CSV_FINE && words->count == MOST_FIELDS) {
            sgdrt_problem_set(r->problem, PROBLEM_TOO_LARGE, r->request->path, r->text.line, 0,
                              "the first row has more than %d fields", MOST_FIELDS);
            status = CSV_PROBLEM;
        }
        if (status == CSV_FINE && !words_add(words, &field)) {
            sgdrt_csv_memory_problem(r, field.length);
            status = CSV_PROBLEM;
        }
        if (status == CSV_FINE) status = sgdrt_csv_separator(&r->text, p, &row_ends);
        if (status != CSV_FINE) return status;
    }
    return CSV_FINE;
}

/* A number in front and more behind it, "1.5x", is no name either. */
typedef enum WordKind { WORD_NUMBER, WORD_HALF_NUMBER, WORD_MISSING, WORD_NAME } WordKind;

static WordKind word_kind(const CsvReader *r, const char *text) {
    char *comma = r->text.decimal == ',' ? strchr(text, ',') : NULL;
    Decimal decimal;
    if (comma) *comma = '.';
    const char *end = sgdrt_decimal_scan_slow(text, &decimal);
    WordKind kind = end && !*end                               ? WORD_NUMBER
                    : sgdrt_csv_is_missing(text, strlen(text)) ? WORD_MISSING
                    : end                                      ? WORD_HALF_NUMBER
                                                               : WORD_NAME;
    if (comma) *comma = ',';
    return kind;
}

static bool looks_like_header(const CsvReader *r, const Words *first) {
    int of_kind[WORD_NAME + 1] = {0};
    for (int f = 0; f < first->count; f++) of_kind[word_kind(r, first->text[f])]++;
    return of_kind[WORD_NAME] > 0 && of_kind[WORD_NUMBER] == 0;
}

/* How many fields of the file a column takes: its elements, but of words one. */
int64_t sgdrt_csv_fields_of(const sgdrt_column_request *column) {
    int64_t elements = 1;
    for (int a = 0; a < column->rank; a++) elements *= column->shape[a];
    return column->words ? 1 : elements;
}

static bool wants_names(const sgdrt_request *request) {
    for (int c = 0; c < request->column_count; c++) {
        const sgdrt_column_request *column = &request->columns[c];
        int64_t elements = sgdrt_csv_fields_of(column);
        for (int64_t e = 0; column->csv_name && e < elements; e++)
            if (column->csv_name[e]) return true;
    }
    return false;
}

/* Reads the first row without leaving it: it may still turn out to be data. *after is where the next line begins. */
static int peek_row(CsvReader *r, Words *first, const char **after) {
    CsvText *text = &r->text;
    bool row;
    int code = sgdrt_csv_begin_row(text, &row);
    while (!code && row) {
        const char *p = text->row;
        text->inner_lines = 0;
        text->inner_begin = NULL;
        CsvStatus status = read_words(r, &p, first);
        *after = p;
        if (status != CSV_MORE) return status == CSV_PROBLEM ? r->problem->code : 0;
        sgdrt_csv_free_words(first);
        code = sgdrt_csv_refill(text);
    }
    return code;
}

/* Finds the number of fields and the names; the text is then at the first row of data. */
int sgdrt_csv_read_header(CsvReader *r) {
    const char *after = NULL;
    Words first = {0};
    int code = peek_row(r, &first, &after);
    if (!code && !first.count)
        code = sgdrt_problem_set(r->problem, PROBLEM_EMPTY, r->request->path, 0, 0, "the file is empty");
    r->field_count = first.count;
    if (!code && first.count == 1)
        r->suspected = sgdrt_csv_likely_delimiter(first.text[0], strlen(first.text[0]), r->text.decimal);
    bool header = r->request->header == 1 || wants_names(r->request) ||
                  (r->request->header == -1 && looks_like_header(r, &first));
    if (!code && header) {
        sgdrt_csv_end_row(&r->text, after);
        r->names = first;
    } else {
        sgdrt_csv_free_words(&first);
    }
    return code;
}

/* Where the wrong delimiter leaves one column; blanks alone say little. */
bool sgdrt_csv_help_delimiter(CsvReader *r) {
    char c = r->suspected;
    if (!c || c == ' ' || !r->request->delimiter) return false;
    sgdrt_problem_help(r->problem, "its fields seem to be separated by %s: delimiter = \"%s\"", sgdrt_delimiter_text(c),
                       c == '\t' ? "\\t" : (char[]){c, 0});
    return true;
}

static int no_column_problem(CsvReader *r, const sgdrt_column_request *column, int64_t element) {
    const char *name = column->csv_name ? column->csv_name[element] : NULL;
    if (!name) {
        int code = sgdrt_problem_set(r->problem, PROBLEM_NO_COLUMN, r->request->path, 0, 0,
                                     "the file has %d column%s, so there is no column %lld", r->field_count,
                                     r->field_count == 1 ? "" : "s", (long long)column->csv_index[element]);
        if (!sgdrt_csv_help_delimiter(r))
            sgdrt_problem_help(r->problem, "columns count from 0: the last one is %d", r->field_count - 1);
        return code;
    }
    int near = sgdrt_nearest(name, strlen(name), (const char *const *)r->names.text, r->names.count);
    int code = sgdrt_problem_set(r->problem, PROBLEM_NO_COLUMN, r->request->path, 1, 0,
                                 "the file has no column \"%.100s\" in its header", name);
    char shown[160];
    size_t at = 0;
    if (sgdrt_csv_help_delimiter(r)) return code;
    if (near >= 0) sgdrt_problem_help(r->problem, "did you mean \"%.100s\"?", r->names.text[near]);
    for (int f = 0; near < 0 && f < r->names.count && at + 40 < sizeof shown; f++) {
        char name_text[36];
        sgdrt_excerpt(name_text, sizeof name_text, r->names.text[f], strlen(r->names.text[f]), 28);
        at += (size_t)snprintf(shown + at, sizeof shown - at, "%s%s", f ? ", " : "", name_text);
    }
    if (near < 0) sgdrt_problem_help(r->problem, "its columns are: %s%s", shown, at + 40 < sizeof shown ? "" : ", ...");
    return code;
}

int sgdrt_csv_find_field(CsvReader *r, const sgdrt_column_request *column, int64_t element) {
    const char *name = column->csv_name ? column->csv_name[element] : NULL;
    if (!name) {
        int64_t index = column->csv_index[element];
        if (index >= 0 && index < r->field_count) return (int)index;
        no_column_problem(r, column, element);
        return -1;
    }
    int found = -1;
    for (int f = 0; f < r->names.count; f++) {
        if (strcmp(r->names.text[f], name)) continue;
        if (found >= 0) {
            sgdrt_problem_set(r->problem, PROBLEM_NO_COLUMN, r->request->path, 1, 0,
                              "the file has two columns \"%.100s\" in its header", name);
            sgdrt_problem_help(r->problem, "name them by number: %d and %d", found, f);
            return -1;
        }
        found = f;
    }
    if (found < 0) no_column_problem(r, column, element);
    return found;
}
