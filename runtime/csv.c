/* csv: the columns that a program asks for, from a text file into adjacent records.
 *
 * One pass: text comes through a window that stays in cache, numbers are scanned where they stand (number.h)
 * and stored into the record of their row; nothing is cut into strings unless a field is out of the ordinary
 * (quotes, missing values, words), when the row's field is read again by csv_text.c. Fields that nobody asked
 * for are only passed over. Records grow by half.
 *
 * Is there a header? Asked for by name: yes. Else, unless the request says: if the first row has a word and no
 * number. A row of which some fields are numbers is data, with a mistake where a number is asked for.
 */
#include "csv_reader.h"
#include "class_words.h"
#include "number.h"
#include "problem.h"
#include "table.h"
#include "words.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FIELDS = 1 << 20 };

static int memory_problem(CsvReader *r, size_t bytes) {
    return sgdrt_problem_memory(r->problem, r->request->path, bytes);
}

/* ---- the first rows ------------------------------------------------------------------------ */
static void words_free(Words *words) {
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
            memory_problem(r, field.length);
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
static int64_t fields_of(const sgdrt_column_request *column) {
    int64_t elements = 1;
    for (int a = 0; a < column->rank; a++) elements *= column->shape[a];
    return column->words ? 1 : elements;
}

static bool wants_names(const sgdrt_request *request) {
    for (int c = 0; c < request->column_count; c++) {
        const sgdrt_column_request *column = &request->columns[c];
        int64_t elements = fields_of(column);
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
        words_free(first);
        code = sgdrt_csv_refill(text);
    }
    return code;
}

/* Finds the number of fields and the names; the text is then at the first row of data. */
static int read_header(CsvReader *r) {
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
        words_free(&first);
    }
    return code;
}

/* ---- which fields go where ------------------------------------------------------------------ */
/* Where the wrong delimiter leaves one column; blanks alone say little. */
static bool help_delimiter(CsvReader *r) {
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
        if (!help_delimiter(r))
            sgdrt_problem_help(r->problem, "columns count from 0: the last one is %d", r->field_count - 1);
        return code;
    }
    int near = sgdrt_nearest(name, strlen(name), (const char *const *)r->names.text, r->names.count);
    int code = sgdrt_problem_set(r->problem, PROBLEM_NO_COLUMN, r->request->path, 1, 0,
                                 "the file has no column \"%.100s\" in its header", name);
    char shown[160];
    size_t at = 0;
    if (help_delimiter(r)) return code;
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

static int compare_listed(const void *a, const void *b) {
    const ClassText *x = a, *y = b;
    if (x->length != y->length) return x->length < y->length ? -1 : 1;
    return memcmp(x->text, y->text, x->length);
}

static bool sort_words(CsvReader *r, int c) {
    const sgdrt_column_request *column = &r->request->columns[c];
    if (!column->remap_words && column->learns_words) return (r->table->own->words[c] = sgdrt_words_new()) != NULL;
    if (!column->remap_words) return true;
    r->listed[c] = malloc(sizeof **r->listed * (size_t)(column->remap_count + 1));
    for (int i = 0; r->listed[c] && i < column->remap_count; i++)
        r->listed[c][i] = (ClassText){column->remap_words[i], strlen(column->remap_words[i]), i};
    if (r->listed[c]) qsort(r->listed[c], (size_t)column->remap_count, sizeof **r->listed, compare_listed);
    return r->listed[c] != NULL;
}

static bool holds_texts(const CsvReader *r, int column) { return r->listed[column] || r->table->own->words[column]; }

static int plan_targets(CsvReader *r) {
    const sgdrt_request *request = r->request;
    struct sgdrt_table_private *own = r->table->own;
    size_t count = 0, fields = (size_t)r->field_count;
    for (int c = 0; c < request->column_count; c++) count += (size_t)r->table->described[c].elements;
    r->first_target = malloc(sizeof *r->first_target * fields);
    r->is_plain = calloc(fields, sizeof *r->is_plain);
    r->targets = malloc(sizeof *r->targets * (count ? count : 1));
    r->listed = calloc((size_t)request->column_count + 1, sizeof *r->listed);
    if (!r->first_target || !r->is_plain || !r->targets || !r->listed)
        return memory_problem(r, sizeof *r->targets * count);
    memset(r->first_target, -1, sizeof *r->first_target * fields);
    int next = 0;
    for (int c = 0; c < request->column_count; c++) {
        const sgdrt_table_column *d = &r->table->described[c];
        own->field_of[c] = malloc(sizeof **own->field_of * (size_t)(d->elements ? d->elements : 1));
        if (!own->field_of[c] || !sort_words(r, c))
            return memory_problem(r, sizeof **own->field_of * (size_t)d->elements);
        for (int64_t e = 0; e < fields_of(&request->columns[c]); e++) {
            int field = sgdrt_csv_find_field(r, &request->columns[c], e);
            if (field < 0) return r->problem->code;
            own->field_of[c][e] = field;
            size_t offset = own->offset_of[c] + (size_t)e * sgdrt_dtype_bytes(d->dtype);
            r->targets[next] = (FieldTarget){
                .dtype = d->dtype, .offset = (uint32_t)offset, .next = r->first_target[field], .column = c};
            r->first_target[field] = next++;
        }
    }
    for (size_t f = 0; f < fields; f++) {
        r->is_plain[f] = r->first_target[f] >= 0 && r->text.decimal == '.';
        for (int t = r->first_target[f]; t >= 0; t = r->targets[t].next)
            r->is_plain[f] &= !holds_texts(r, r->targets[t].column) &&
                              !request->columns[r->targets[t].column].asked_missing;
    }
    return 0;
}

/* ---- values --------------------------------------------------------------------------------- */
static const char *column_text(const CsvReader *r, int field, char *text, size_t size) {
    if (r->names.count) {
        char name[64];
        sgdrt_excerpt(name, sizeof name, r->names.text[field], strlen(r->names.text[field]), 50);
        snprintf(text, size, "column \"%s\"", name);
    } else {
        snprintf(text, size, "column %d, counted from 0", field);
    }
    return text;
}

static int value_problem(CsvReader *r, int code, const CsvField *field, int f, const char *what) {
    char value[80], column[96];
    int64_t line, at;
    sgdrt_csv_place(&r->text, field->at, &line, &at);
    sgdrt_excerpt(value, sizeof value, field->text, field->length, 40);
    column_text(r, f, column, sizeof column);
    if (code == PROBLEM_MISSING && field->length)
        sgdrt_problem_set(r->problem, code, r->request->path, line, at, "\"%s\" stands for a missing value (%s)", value,
                          column);
    else if (code == PROBLEM_MISSING)
        sgdrt_problem_set(r->problem, code, r->request->path, line, at, "the value is missing (%s)", column);
    else
        sgdrt_problem_set(r->problem, code, r->request->path, line, at, "\"%s\" is %s (%s)", value, what, column);
    return code;
}

static bool has_digit(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (text[i] >= '0' && text[i] <= '9') return true;
    return false;
}

/* What can be done about text where a number is wanted. */
static void help_number(CsvReader *r, const CsvField *field, const sgdrt_column_request *column) {
    bool text = field->length && !has_digit(field->text, field->length);
    char shown[48];
    sgdrt_excerpt(shown, sizeof shown, field->text, field->length, 32);
    if (sgdrt_csv_is_missing(field->text, field->length))
        sgdrt_problem_help(r->problem, "column(..., missing = mean) says what stands for it: mean, median or a number");
    else if (memchr(field->text, 0, field->length))
        sgdrt_problem_help(r->problem, "it holds bytes of value 0: is this a text file?");
    else if (r->suspected && help_delimiter(r))
        return;
    else if (r->text.line <= 1 && !r->names.count)
        sgdrt_problem_help(r->problem, "if this line names the columns, say header = true");
    else if (r->text.decimal == '.' && memchr(field->text, ',', field->length) && !text)
        sgdrt_problem_help(r->problem, "decimals are written with a point, unless the source says decimal = \",\"");
    else if (r->text.decimal == ',' && memchr(field->text, '.', field->length) && !text)
        sgdrt_problem_help(r->problem, "decimal = \",\" says that decimals are written with a comma");
    else if (text && (column->classes > 0 || column->remap_count))
        sgdrt_problem_help(r->problem, "name the texts that are classes: remap(%s, [\"%s\", ...])",
                           r->names.count ? "column(\"...\")" : "column(...)", shown);
    else if (text)
        sgdrt_problem_help(r->problem,
                           "leave this column out of the field; a field of its own can hold its texts as classes: "
                           "label[k] = remap(column(...), [...])");
}

/* Where a number is wanted and there is none. */
static int not_a_number(CsvReader *r, const CsvField *field, int f, const FieldTarget *target) {
    bool missing = sgdrt_csv_is_missing(field->text, field->length);
    value_problem(r, missing ? PROBLEM_MISSING : PROBLEM_NOT_A_NUMBER, field, f, "not a number");
    help_number(r, field, &r->request->columns[target->column]);
    return r->problem->code;
}

static void integer_limits(sgdrt_dtype dtype, int64_t *low, int64_t *high) {
    *low = dtype == SGDRT_I32 ? INT32_MIN : 0;
    *high = dtype == SGDRT_I32 ? INT32_MAX : dtype == SGDRT_U8 ? UINT8_MAX : 1;
}

static void put_integer(unsigned char *to, sgdrt_dtype dtype, int64_t value) {
    int32_t word = (int32_t)value;
    if (dtype == SGDRT_I32)
        memcpy(to, &word, sizeof word);
    else
        *to = (unsigned char)value;
}

static int put_missing(CsvReader *r, const CsvField *field, int f, const FieldTarget *target, unsigned char *to) {
    const sgdrt_column_request *column = &r->request->columns[target->column];
    double value = column->missing == SGDRT_MISSING_NAN      ? NAN
                   : column->missing == SGDRT_MISSING_NUMBER ? column->missing_value
                                                             : r->request->missing_value;
    float f32 = (float)value;
    int64_t low, high;
    if (!r->missing) r->missing = calloc((size_t)r->request->column_count, sizeof *r->missing);
    if (!r->missing) return memory_problem(r, sizeof *r->missing);
    r->missing[target->column]++;
    switch (target->dtype) {
    case SGDRT_F32: memcpy(to, &f32, sizeof f32); return 0;
    case SGDRT_F64: memcpy(to, &value, sizeof value); return 0;
    default:
        integer_limits(target->dtype, &low, &high);
        if (!(value >= (double)low && value <= (double)high && value == floor(value))) {
            value_problem(r, PROBLEM_LABEL, field, f, "missing, and cannot be stored");
            sgdrt_problem_help(r->problem, "missing = %g is not a value of type %s", value,
                               sgdrt_dtype_text(target->dtype));
            return r->problem->code;
        }
        put_integer(to, target->dtype, (int64_t)value);
        return 0;
    }
}

/* In a row that keep may leave out. */
static int put_missing_number(const FieldTarget *target, unsigned char *to) {
    float f32 = NAN;
    double f64 = NAN;
    if (target->dtype == SGDRT_F32)
        memcpy(to, &f32, sizeof f32);
    else
        memcpy(to, &f64, sizeof f64);
    return 0;
}

static int put_real(CsvReader *r, const CsvField *field, int f, const FieldTarget *target, unsigned char *to) {
    float f32;
    double f64;
    NumberStatus status = target->dtype == SGDRT_F32 ? sgdrt_number_f32(field->text, field->length, &f32)
                                                     : sgdrt_number_f64(field->text, field->length, &f64);
    bool told_later = r->request->keeps && sgdrt_csv_is_missing(field->text, field->length);
    if (status == NUMBER_NONE && told_later) return put_missing_number(target, to);
    if (status == NUMBER_NONE) return not_a_number(r, field, f, target);
    if (status == NUMBER_TOO_LARGE)
        return value_problem(r, PROBLEM_NOT_A_NUMBER, field, f,
                             target->dtype == SGDRT_F32 ? "too large for f32" : "too large for f64");
    if (target->dtype == SGDRT_F32)
        memcpy(to, &f32, sizeof f32);
    else
        memcpy(to, &f64, sizeof f64);
    return 0;
}

static int put_integer_text(CsvReader *r, const CsvField *field, int f, const FieldTarget *target, unsigned char *to) {
    int64_t value = 0, low, high;
    NumberStatus status = sgdrt_number_integer(field->text, field->length, &value);
    if (status == NUMBER_NONE) return not_a_number(r, field, f, target);
    double real;
    if (status == NUMBER_FRACTION && r->request->columns[target->column].truncated &&
        sgdrt_number_f64(field->text, field->length, &real) == NUMBER_FINE) {
        status = fabs(real) < 1e15 ? NUMBER_FINE : NUMBER_TOO_LARGE;
        value = status == NUMBER_FINE ? (int64_t)real : 0;
    }
    if (status == NUMBER_FRACTION) return value_problem(r, PROBLEM_LABEL, field, f, "not an integer");
    integer_limits(target->dtype, &low, &high);
    if (status == NUMBER_TOO_LARGE || value < low || value > high) {
        value_problem(r, PROBLEM_LABEL, field, f, "out of range");
        sgdrt_problem_help(r->problem, "%s holds %lld to %lld", sgdrt_dtype_text(target->dtype), (long long)low,
                           (long long)high);
        return r->problem->code;
    }
    put_integer(to, target->dtype, value);
    return 0;
}

static int32_t number_of_word(CsvReader *r, int c, const CsvField *field) {
    if (r->table->own->words[c]) return sgdrt_words_number(r->table->own->words[c], field->text, field->length);
    ClassText wanted = {field->text, field->length, 0};
    size_t count = (size_t)r->request->columns[c].remap_count;
    const ClassText *found = bsearch(&wanted, r->listed[c], count, sizeof wanted, compare_listed);
    return found ? found->to : TABLE_NO_WORD;
}

static int missing_word(CsvReader *r, const CsvField *field, int f) {
    value_problem(r, PROBLEM_MISSING, field, f, "missing");
    sgdrt_problem_help(r->problem,
                       "a class of their own: missing = \"unknown\" in column(...); or other = true: the class "
                       "of all that are none");
    return r->problem->code;
}

/* One that is not listed, or missing, may be in a row that keep leaves out: it is told when labels are checked. */
static int put_word(CsvReader *r, const CsvField *field, int f, const FieldTarget *target, unsigned char *to) {
    const sgdrt_column_request *column = &r->request->columns[target->column];
    bool learns = r->table->own->words[target->column] != NULL;
    int32_t number = learns ? TABLE_NO_WORD : number_of_word(r, target->column, field);
    bool missing = number == TABLE_NO_WORD && sgdrt_csv_is_missing(field->text, field->length);
    if (missing && column->missing_word) {
        CsvField stands = {.text = column->missing_word, .length = strlen(column->missing_word), .at = field->at};
        number = number_of_word(r, target->column, &stands);
    } else if (missing && !column->has_other) {
        bool error = learns || r->request->missing_is_error;
        if (error && r->request->keeps) {
            put_integer(to, target->dtype, TABLE_NO_TEXT);
            return 0;
        }
        return error ? missing_word(r, field, f) : put_missing(r, field, f, target, to);
    } else if (learns && !missing) {
        if (memchr(field->text, 0, field->length))
            return value_problem(r, PROBLEM_NOT_A_NUMBER, field, f, "no text: it holds bytes of value 0");
        number = number_of_word(r, target->column, field);
    }
    if (number == -1) return memory_problem(r, field->length);
    if (number == TABLE_NO_WORD && column->has_other && !learns) number = column->other;
    if (number == TABLE_NO_WORD && r->strict)
        return value_problem(r, PROBLEM_REMAP, field, f,
                             column->learns_words ? "none of the classes that training has seen"
                                                  : "not among the texts that remap lists");
    put_integer(to, target->dtype, number);
    return 0;
}

/* The words of a text, those behind the last place left out, and zeros where it has fewer. */
static void put_words(const CsvReader *r, const CsvField *field, const FieldTarget *target, unsigned char *to) {
    const sgdrt_column_request *column = &r->request->columns[target->column];
    const ClassText *listed = r->listed[target->column];
    const char *at = field->text, *end = field->text + field->length;
    char word[SGDRT_LONGEST_WORD];
    ClassText wanted = {.text = word};
    memset(to, 0, sizeof(int32_t) * (size_t)column->words);
    for (int64_t i = 0; i < column->words && sgdrt_next_word(&at, end, word, &wanted.length); i++) {
        const ClassText *found = bsearch(&wanted, listed, (size_t)column->remap_count, sizeof *listed, compare_listed);
        put_integer(to + i * (int64_t)sizeof(int32_t), SGDRT_I32, found ? found->to : 1);
    }
}

static int put_number(CsvReader *r, const CsvField *field, int f, const FieldTarget *target, unsigned char *to) {
    sgdrt_missing missing = r->request->columns[target->column].missing;
    bool error = missing == SGDRT_MISSING_ERROR || (missing == SGDRT_MISSING_AS_SAID && r->request->missing_is_error);
    if (!error && sgdrt_csv_is_missing(field->text, field->length)) return put_missing(r, field, f, target, to);
    return target->dtype == SGDRT_F32 || target->dtype == SGDRT_F64 ? put_real(r, field, f, target, to)
                                                                    : put_integer_text(r, field, f, target, to);
}

/* Numbers are scanned with a point: a decimal comma is one while they are. */
static int put_comma_number(CsvReader *r, const CsvField *field, int f, const FieldTarget *target, unsigned char *to) {
    char *text = (char *)field->text, *comma = memchr(text, ',', field->length);
    if (memchr(text, '.', field->length)) return not_a_number(r, field, f, target);
    if (comma) *comma = '.';
    int code = put_number(r, field, f, target, to);
    if (comma) *comma = ',';
    return code;
}

/* Where only this is asked, what is there may be any text. */
static int put_presence(CsvReader *r, const CsvField *field, int f, const FieldTarget *target, unsigned char *to) {
    if (sgdrt_csv_is_missing(field->text, field->length)) return put_missing(r, field, f, target, to);
    memset(to, 0, sgdrt_dtype_bytes(target->dtype));
    return 0;
}

/* Stores a field that has been cut out; says what is wrong with it. */
static int put_field(CsvReader *r, const CsvField *field, int f, unsigned char *record) {
    int code = 0;
    for (int t = r->first_target[f]; t >= 0 && !code; t = r->targets[t].next) {
        const FieldTarget *target = &r->targets[t];
        unsigned char *to = record + target->offset;
        if (r->request->columns[target->column].words) {
            put_words(r, field, target, to);
            continue;
        }
        if (r->request->columns[target->column].asked_missing) {
            code = put_presence(r, field, f, target, to);
            continue;
        }
        code = holds_texts(r, target->column) ? put_word(r, field, f, target, to)
               : r->text.decimal == ','       ? put_comma_number(r, field, f, target, to)
                                              : put_number(r, field, f, target, to);
    }
    return code;
}

/* Stores a number in all its places; false where it does not fit or is not sure, and put_field has to look.
 */
static inline bool put_decimal(const CsvReader *r, int t, const Decimal *decimal, const char *text, const char *end,
                               unsigned char *record) {
    for (; t >= 0; t = r->targets[t].next) {
        const FieldTarget *target = &r->targets[t];
        unsigned char *to = record + target->offset;
        float f32;
        double f64;
        int64_t low, high;
        switch (target->dtype) {
        case SGDRT_F32:
            if (__builtin_expect(!sgdrt_decimal_f32(decimal, &f32), 0)) {
                f32 = sgdrt_decimal_f32_slow(text, end);
                if (!isfinite(f32)) return false;
            }
            memcpy(to, &f32, sizeof f32);
            break;
        case SGDRT_F64:
            if (!sgdrt_decimal_f64(decimal, &f64)) {
                f64 = sgdrt_decimal_f64_slow(text, end);
                if (!isfinite(f64)) return false;
            }
            memcpy(to, &f64, sizeof f64);
            break;
        default:
            integer_limits(target->dtype, &low, &high);
            if (decimal->q || decimal->w > (uint64_t)(decimal->negative ? -low : high)) return false;
            put_integer(to, target->dtype, decimal->negative ? -(int64_t)decimal->w : (int64_t)decimal->w);
        }
    }
    return true;
}

/* ---- rows ----------------------------------------------------------------------------------- */
/* Scans and stores a plain number that ends at a delimiter or line end, and returns that end; NULL if what
 * stands there is anything else. */
static inline const char *plain_field(const CsvReader *r, const char *begin, int f, char delimiter,
                                      unsigned char *record) {
    while (*begin == ' ') begin++;
    Decimal decimal;
    const char *end = sgdrt_decimal_scan(begin, &decimal);
    if (!end) end = sgdrt_decimal_scan_slow(begin, &decimal);
    if (!end) return NULL;
    const char *after = end;
    if (*after != delimiter) {
        while (*after == ' ' && delimiter != ' ') after++;
        if (!r->text.stop[(unsigned char)*after] || !*after) return NULL;
    }
    return put_decimal(r, r->first_target[f], &decimal, begin, end, record) ? after : NULL;
}

static int ragged_problem(CsvReader *r, int fields) {
    int code = sgdrt_problem_set(
        r->problem, PROBLEM_RAGGED, r->request->path, r->text.line, 0,
        "this row has %s%d field%s, the first row has %d", fields > r->field_count ? "more than " : "",
        fields > r->field_count ? r->field_count : fields, fields == 1 ? "" : "s", r->field_count);
    if (fields == 1 && r->field_count > 1)
        sgdrt_problem_help(r->problem, "fields are separated by %s here", sgdrt_delimiter_text(r->text.delimiter));
    return code;
}

/* Parses a field that is not plain, or not asked for. */
static CsvStatus other_field(CsvReader *r, const char **p, int f, unsigned char *record) {
    CsvField field;
    CsvStatus status = sgdrt_csv_field(&r->text, p, &field);
    if (status == CSV_FINE && r->first_target[f] >= 0 && put_field(r, &field, f, record)) status = CSV_PROBLEM;
    return status;
}

/* Parses the row at text.row into the record. */
static CsvStatus parse_row(CsvReader *r, unsigned char *record) {
    CsvText *text = &r->text;
    const char *p = text->row;
    char delimiter = text->delimiter;
    for (int f = 0, count = r->field_count; f < count; f++) {
        const char *after = r->is_plain[f] ? plain_field(r, p, f, delimiter, record) : NULL;
        if (!after) {
            after = p;
            CsvStatus status = other_field(r, &after, f, record);
            if (status != CSV_FINE) return status;
        }
        p = after;
        if (*p == delimiter && delimiter != ' ') {
            p++;
            continue;
        }
        bool row_ends;
        CsvStatus status = sgdrt_csv_separator(text, &p, &row_ends);
        if (status != CSV_FINE) return status;
        if (!row_ends) continue;
        if (f + 1 != count) {
            ragged_problem(r, f + 1);
            return CSV_PROBLEM;
        }
        sgdrt_csv_end_row(text, p);
        return CSV_FINE;
    }
    ragged_problem(r, r->field_count + 1);
    return CSV_PROBLEM;
}

/* A first guess at the rows from the length of one, so that most files are read without growing. */
static int64_t guess_rows(const CsvReader *r) {
    const char *line_end = memchr(r->text.row, '\n', (size_t)(r->text.end - r->text.row));
    uint64_t most = sgdrt_input_most(r->text.input), row_bytes = 64;
    if (line_end) row_bytes = (uint64_t)(line_end - r->text.row) + 1;
    uint64_t rows = most == UINT64_MAX || sgdrt_input_is_gzip(r->text.input) ? 4096 : most / row_bytes + 64;
    rows += rows / 16;
    uint64_t wanted = (uint64_t)(r->request->rows_end < 0 ? TABLE_MOST_ROWS : r->request->rows_end);
    return (int64_t)(rows < wanted ? rows : wanted);
}

int sgdrt_csv_next_row(CsvReader *r, bool *row) {
    int64_t begin = r->request->rows_begin, end = r->request->rows_end;
    int code = 0;
    *row = false;
    while (!code && (end < 0 || r->in_file < end)) {
        code = sgdrt_csv_begin_row(&r->text, row);
        if (code || !*row || r->in_file >= begin) return code;
        *row = false;
        code = sgdrt_csv_skip_row(&r->text);
        r->in_file += !code;
    }
    return code;
}

/* Missing values count with the row they stand in, where that is read. */
static void count_missing(CsvReader *r, bool row_is_read) {
    sgdrt_table_column *described = (sgdrt_table_column *)r->table->described;
    for (int c = 0; r->missing && c < r->table->column_count; c++) {
        described[c].missing += row_is_read ? r->missing[c] : 0;
        r->missing[c] = 0;
    }
}

int sgdrt_csv_read_row(CsvReader *r, unsigned char *record) {
    for (;;) {
        CsvStatus status = parse_row(r, record);
        if (r->missing) count_missing(r, status == CSV_FINE);
        if (status == CSV_FINE) {
            r->in_file++;
            return 0;
        }
        int code = status == CSV_MORE ? sgdrt_csv_refill(&r->text) : r->problem->code;
        if (r->request->progress)
            r->request->progress(r->request->progress_context, r->request->path, sgdrt_input_part(r->text.input));
        bool row = false;
        if (!code) /* the row begins again, as its lines are counted again */
            code = sgdrt_csv_begin_row(&r->text, &row);
        if (code) return code;
    }
}

/* Tells the row that cannot be read and passes over it; from then on the rows' numbers in the file are remembered. */
static int refuse_row(CsvReader *r, int64_t rows) {
    struct sgdrt_table_private *own = r->table->own;
    r->request->refused(r->request->refused_context, r->problem);
    *r->problem = (sgdrt_problem){0};
    if (!own->row_in_file) {
        own->row_in_file = malloc(sizeof *own->row_in_file * (size_t)own->capacity);
        if (!own->row_in_file) return memory_problem(r, sizeof *own->row_in_file * (size_t)own->capacity);
        for (int64_t i = 0; i < rows; i++) own->row_in_file[i] = (uint32_t)i;
    }
    r->in_file++;
    return sgdrt_csv_skip_row(&r->text);
}

static int more_rows(CsvReader *r) {
    struct sgdrt_table_private *own = r->table->own;
    int code = sgdrt_table_reserve(r->table, own->capacity + own->capacity / 2 + 1024, r->problem);
    if (code || !own->row_in_file) return code;
    uint32_t *grown = realloc(own->row_in_file, sizeof *grown * (size_t)own->capacity);
    if (!grown) return memory_problem(r, sizeof *grown * (size_t)own->capacity);
    own->row_in_file = grown;
    return 0;
}

static int read_rows(CsvReader *r, int64_t *rows) {
    struct sgdrt_table_private *own = r->table->own;
    TableBlock *block = &own->blocks[0];
    bool row;
    int code = sgdrt_table_reserve(r->table, guess_rows(r), r->problem);
    *rows = 0;
    while (!code && !(code = sgdrt_csv_next_row(r, &row)) && row) {
        int64_t in_file = r->in_file - r->request->rows_begin;
        if (*rows == own->capacity) code = more_rows(r);
        int refused = code ? code : sgdrt_csv_read_row(r, block->bytes + block->stride * (size_t)*rows);
        if (!code && refused && r->request->refused && refused != PROBLEM_TOO_LARGE) {
            code = refuse_row(r, *rows);
            continue;
        }
        code = refused;
        if (!code && own->row_in_file) own->row_in_file[*rows] = (uint32_t)in_file;
        *rows += !code;
    }
    return code;
}

int sgdrt_csv_reader_open(CsvReader *r, bool live) {
    CsvForm form = {r->request->delimiter, r->request->decimal, r->request->comment, live};
    int code = sgdrt_csv_open(&r->text, r->request->path, form, r->problem);
    if (!code) code = read_header(r);
    if (!code)
        code = sgdrt_table_make(r->request->path, r->request->columns, r->request->column_count, true, &r->table,
                                r->problem);
    if (!code) code = plan_targets(r);
    if (code) return code;
    r->table->delimiter = r->text.delimiter;
    r->table->own->comment = r->text.comment;
    r->table->has_header = r->names.count > 0;
    r->table->own->rows_begin = r->request->rows_begin;
    return 0;
}

static int load_table(CsvReader *r) {
    int64_t rows = 0, begin, end;
    int code = sgdrt_csv_reader_open(r, false);
    if (!code) code = read_rows(r, &rows);
    if (!code) code = sgdrt_row_range(r->request->path, r->request, r->in_file, &begin, &end, r->problem);
    if (!code && !rows)
        code = sgdrt_problem_set(r->problem, PROBLEM_EMPTY, r->request->path, 0, 0, "none of its %lld rows can be read",
                                 (long long)(end - begin));
    if (code) return code;
    sgdrt_table_settle(r->table, rows);
    r->table->row_in_file = r->table->own->row_in_file;
    for (int c = 0; c < r->table->column_count && !code; c++)
        if (r->table->own->words[c]) code = sgdrt_settle_words(r->table, c, r->problem);
    return code;
}

void sgdrt_csv_reader_close(CsvReader *r) {
    sgdrt_csv_close(&r->text);
    words_free(&r->names);
    for (int c = 0; r->listed && c < r->request->column_count; c++) free(r->listed[c]);
    free(r->listed);
    free(r->missing);
    free(r->first_target);
    free(r->is_plain);
    free(r->targets);
}

int sgdrt_csv_load(const sgdrt_request *request, sgdrt_table **table, sgdrt_problem *problem) {
    sgdrt_problem unseen;
    CsvReader r = {.request = request, .problem = problem ? problem : &unseen};
    int code = load_table(&r);
    sgdrt_csv_reader_close(&r);
    if (code)
        sgdrt_free_table(r.table);
    else
        *table = r.table;
    return code;
}
