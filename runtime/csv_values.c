/* csv_values: fields that have been cut out, as the types of their columns, and what is said of those that are none. */
#include "class_words.h"
#include "csv_reader.h"
#include "number.h"
#include "problem.h"
#include "words.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- texts that are classes ------------------------------------------------------------------ */
static int compare_listed(const void *a, const void *b) {
    const ClassText *x = a, *y = b;
    if (x->length != y->length) return x->length < y->length ? -1 : 1;
    return memcmp(x->text, y->text, x->length);
}

bool sgdrt_csv_list_words(CsvReader *r, int c) {
    const sgdrt_column_request *column = &r->request->columns[c];
    if (!column->remap_words && column->learns_words) return (r->table->own->words[c] = sgdrt_words_new()) != NULL;
    if (!column->remap_words) return true;
    r->listed[c] = malloc(sizeof **r->listed * (size_t)(column->remap_count + 1));
    for (int i = 0; r->listed[c] && i < column->remap_count; i++)
        r->listed[c][i] = (ClassText){column->remap_words[i], strlen(column->remap_words[i]), i};
    if (r->listed[c]) qsort(r->listed[c], (size_t)column->remap_count, sizeof **r->listed, compare_listed);
    return r->listed[c] != NULL;
}

bool sgdrt_csv_holds_texts(const CsvReader *r, int column) { return r->listed[column] || r->table->own->words[column]; }

static int32_t number_of_word(CsvReader *r, int c, const CsvField *field) {
    if (r->table->own->words[c]) return sgdrt_words_number(r->table->own->words[c], field->text, field->length);
    ClassText wanted = {field->text, field->length, 0};
    size_t count = (size_t)r->request->columns[c].remap_count;
    const ClassText *found = bsearch(&wanted, r->listed[c], count, sizeof wanted, compare_listed);
    return found ? found->to : TABLE_NO_WORD;
}

/* ---- messages ----------------------------------------------------------------------------------- */
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
    else if (r->suspected && sgdrt_csv_help_delimiter(r))
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

/* ---- values ------------------------------------------------------------------------------------- */
static int put_missing(CsvReader *r, const CsvField *field, int f, const FieldTarget *target, unsigned char *to) {
    const sgdrt_column_request *column = &r->request->columns[target->column];
    double value = column->missing == SGDRT_MISSING_NAN      ? NAN
                   : column->missing == SGDRT_MISSING_NUMBER ? column->missing_value
                                                             : r->request->missing_value;
    float f32 = (float)value;
    int64_t low, high;
    if (!r->missing) r->missing = calloc((size_t)r->request->column_count, sizeof *r->missing);
    if (!r->missing) return sgdrt_csv_memory_problem(r, sizeof *r->missing);
    r->missing[target->column]++;
    switch (target->dtype) {
    case SGDRT_F32: memcpy(to, &f32, sizeof f32); return 0;
    case SGDRT_F64: memcpy(to, &value, sizeof value); return 0;
    default:
        sgdrt_integer_limits(target->dtype, &low, &high);
        if (!(value >= (double)low && value <= (double)high && value == floor(value))) {
            value_problem(r, PROBLEM_LABEL, field, f, "missing, and cannot be stored");
            sgdrt_problem_help(r->problem, "missing = %g is not a value of type %s", value,
                               sgdrt_dtype_text(target->dtype));
            return r->problem->code;
        }
        sgdrt_put_integer(to, target->dtype, (int64_t)value);
        return 0;
    }
}

/* In a row that keep may leave out. */
static int put_missing_number(const FieldTarget *target, unsigned char *to) {
    float f32 = NAN;
    double f64 = NAN;
    if (target->dtype == SGDRT_F32)
        memcpy(to, &f32, sizeof f32);
    else if (target->dtype == SGDRT_F64)
        memcpy(to, &f64, sizeof f64);
    else
        sgdrt_put_integer(to, target->dtype, TABLE_NO_INTEGER);
    return 0;
}

static bool is_told_later(const CsvReader *r, const CsvField *field) {
    return r->request->keeps && sgdrt_csv_is_missing(field->text, field->length);
}

static int put_real(CsvReader *r, const CsvField *field, int f, const FieldTarget *target, unsigned char *to) {
    float f32;
    double f64;
    NumberStatus status = target->dtype == SGDRT_F32 ? sgdrt_number_f32(field->text, field->length, &f32)
                                                     : sgdrt_number_f64(field->text, field->length, &f64);
    if (status == NUMBER_NONE && is_told_later(r, field)) return put_missing_number(target, to);
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
    bool whole = target->dtype == SGDRT_I32;
    if (status == NUMBER_NONE && whole && is_told_later(r, field)) return put_missing_number(target, to);
    if (status == NUMBER_NONE) return not_a_number(r, field, f, target);
    double real;
    if (status == NUMBER_FRACTION && r->request->columns[target->column].truncated &&
        sgdrt_number_f64(field->text, field->length, &real) == NUMBER_FINE) {
        status = fabs(real) < 1e15 ? NUMBER_FINE : NUMBER_TOO_LARGE;
        value = status == NUMBER_FINE ? (int64_t)real : 0;
    }
    if (status == NUMBER_FRACTION) return value_problem(r, PROBLEM_LABEL, field, f, "not an integer");
    sgdrt_integer_limits(target->dtype, &low, &high);
    if (status == NUMBER_TOO_LARGE || value < low || value > high) {
        value_problem(r, PROBLEM_LABEL, field, f, "out of range");
        sgdrt_problem_help(r->problem, "%s holds %lld to %lld", sgdrt_dtype_text(target->dtype), (long long)low,
                           (long long)high);
        return r->problem->code;
    }
    sgdrt_put_integer(to, target->dtype, value);
    return 0;
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
            sgdrt_put_integer(to, target->dtype, TABLE_NO_TEXT);
            return 0;
        }
        return error ? missing_word(r, field, f) : put_missing(r, field, f, target, to);
    } else if (learns && !missing) {
        if (memchr(field->text, 0, field->length))
            return value_problem(r, PROBLEM_NOT_A_NUMBER, field, f, "no text: it holds bytes of value 0");
        number = number_of_word(r, target->column, field);
    }
    if (number == -1) return sgdrt_csv_memory_problem(r, field->length);
    if (number == TABLE_NO_WORD && column->has_other && !learns) number = column->other;
    if (number == TABLE_NO_WORD && r->strict)
        return value_problem(r, PROBLEM_REMAP, field, f,
                             column->learns_words ? "none of the classes that training has seen"
                                                  : "not among the texts that remap lists");
    sgdrt_put_integer(to, target->dtype, number);
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
        sgdrt_put_integer(to + i * (int64_t)sizeof(int32_t), SGDRT_I32, found ? found->to : 1);
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
int sgdrt_csv_put_field(CsvReader *r, const CsvField *field, int f, unsigned char *record) {
    int code = 0;
    for (const FieldTarget *target = &r->fields[f].first; target && !code; target = sgdrt_csv_next_target(r, target)) {
        unsigned char *to = record + target->offset;
        if (r->request->columns[target->column].words) {
            put_words(r, field, target, to);
            continue;
        }
        if (r->request->columns[target->column].asked_missing) {
            code = put_presence(r, field, f, target, to);
            continue;
        }
        code = sgdrt_csv_holds_texts(r, target->column) ? put_word(r, field, f, target, to)
               : r->text.decimal == ','                 ? put_comma_number(r, field, f, target, to)
                                                        : put_number(r, field, f, target, to);
    }
    return code;
}
