/* libsvm: rows of a label and pairs index:value with blanks between them, as LIBSVM has them; `#` begins a comment.
 *
 * One pass, through the window of csv_text. Indices count from 1 and ascend. Features come to lie as they are asked for:
 * all of them, or an index (from 0) and a value for each pair, and what is left of their places is index 0 and value 0,
 * which adds nothing to a product.
 */
#include "csv_text.h"
#include "number.h"
#include "problem.h"
#include "table.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct SparseReader {
    const sgdrt_request *request;
    CsvText text;
    sgdrt_table *table;
    sgdrt_problem *problem;
} SparseReader;

static CsvStatus wrong(SparseReader *r, const char *at, int code, const char *format, const char *help) {
    int64_t line, column;
    char shown[48];
    size_t length = strcspn(at, " \t\r\n");
    sgdrt_csv_place(&r->text, at, &line, &column);
    sgdrt_excerpt(shown, sizeof shown, at, length, 40);
    sgdrt_problem_set(r->problem, code, r->request->path, line, column, format, shown);
    if (help) sgdrt_problem_help(r->problem, "%s", help);
    return CSV_PROBLEM;
}

/* Does a blank or the row's end follow? */
static bool ends(const char *p) { return *p == ' ' || *p == '\t' || *p == '\n' || *p == '\r' || !*p; }

/* The number at `from` up to `to`, as a column stores it; false: it is too large. */
static bool put_number(sgdrt_dtype dtype, const Decimal *decimal, const char *from, const char *to, unsigned char *at) {
    if (dtype == SGDRT_F32) {
        float value;
        if (!sgdrt_decimal_f32(decimal, &value)) value = sgdrt_decimal_f32_slow(decimal, from, to);
        memcpy(at, &value, sizeof value);
        return isfinite(value);
    }
    double value;
    if (!sgdrt_decimal_f64(decimal, &value)) value = sgdrt_decimal_f64_slow(decimal, from, to);
    if (dtype == SGDRT_F64) {
        memcpy(at, &value, sizeof value);
        return isfinite(value);
    }
    int32_t whole = fabs(value) < INT32_MAX ? (int32_t)value : 0;
    memcpy(at, &whole, sizeof whole);
    return (double)whole == value;
}

static const char *scan(const char *p, Decimal *decimal) {
    const char *end = sgdrt_decimal_scan(p, decimal);
    return end ? end : sgdrt_decimal_scan_slow(p, decimal);
}

static CsvStatus read_label(SparseReader *r, const char **p, unsigned char *record) {
    Decimal decimal;
    const char *from = *p, *end = scan(from, &decimal);
    if (!end || !ends(end))
        return wrong(r, from, PROBLEM_NOT_A_NUMBER, "the label \"%s\" is not a number",
                     end && *end == ':' ? "a row begins with its label" : NULL);
    for (int c = 0; c < r->request->column_count; c++) {
        const sgdrt_table_column *d = &r->table->described[c];
        if (r->request->columns[c].part != SGDRT_LABELS) continue;
        if (!put_number(d->dtype, &decimal, from, end, record + r->table->own->offset_of[c]))
            return wrong(r, from, PROBLEM_LABEL,
                         d->dtype == SGDRT_I32 ? "the label \"%s\" is not a whole number"
                                               : "the label \"%s\" is too large",
                         NULL);
    }
    *p = end;
    return CSV_FINE;
}

/* The index of the pair at *p, from 0, and *p behind its colon. */
static CsvStatus read_index(SparseReader *r, const char **p, int64_t before, int64_t *index) {
    const char *from = *p, *at = from;
    char help[96];
    *index = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (*index < INT32_MAX) *index = 10 * *index + (*at - '0');
    if (at == from || *at != ':')
        return wrong(r, from, PROBLEM_SPARSE, "\"%s\" is not a pair index:value",
                     "a row is a label and pairs, blanks between them");
    if (*index < 1)
        return wrong(r, from, PROBLEM_SPARSE, "\"%s\" has an index below 1", "indices of this format count from 1");
    if (*index > r->request->features) {
        snprintf(help, sizeof help, "the field has %lld features: declare as many as the largest index",
                 (long long)r->request->features);
        return wrong(r, from, PROBLEM_SPARSE, "\"%s\" has an index beyond the last feature", help);
    }
    if (*index - 1 <= before)
        return wrong(r, from, PROBLEM_SPARSE,
                     *index - 1 == before ? "\"%s\" has the index of the pair before it"
                                          : "\"%s\" has a smaller index than the pair before it",
                     "indices of a row ascend");
    (*index)--;
    *p = at + 1;
    return CSV_FINE;
}

/* The pair number `count` of the row, into every column that has it. */
static CsvStatus put_pair(SparseReader *r, const char *pair, const char **p, int64_t index, int64_t count,
                          unsigned char *record) {
    Decimal decimal;
    const char *from = *p, *end = scan(from, &decimal);
    if (!end || !ends(end)) return wrong(r, pair, PROBLEM_NOT_A_NUMBER, "the value of \"%s\" is not a number", NULL);
    for (int c = 0; c < r->request->column_count; c++) {
        const sgdrt_table_column *d = &r->table->described[c];
        sgdrt_part part = r->request->columns[c].part;
        unsigned char *to = record + r->table->own->offset_of[c];
        size_t item = sgdrt_dtype_bytes(d->dtype);
        if (part == SGDRT_LABELS) continue;
        if (part != SGDRT_FEATURES && count >= d->elements)
            return wrong(r, pair, PROBLEM_SPARSE, "\"%s\" is a pair more than nonzeros says that a row has",
                         "say nonzeros = as many pairs as the longest row has");
        if (part == SGDRT_INDICES) {
            int32_t stored = (int32_t)index;
            memcpy(to + item * (size_t)count, &stored, sizeof stored);
        } else if (!put_number(d->dtype, &decimal, from, end,
                               to + item * (size_t)(part == SGDRT_VALUES ? count : index))) {
            return wrong(r, pair, PROBLEM_NOT_A_NUMBER, "the value of \"%s\" is too large", NULL);
        }
    }
    *p = end;
    return CSV_FINE;
}

static CsvStatus parse_row(SparseReader *r, unsigned char *record) {
    const char *p = r->text.row, *end = memchr(p, '\n', (size_t)(r->text.end - p));
    if (!end && !r->text.ended) return CSV_MORE;
    memset(record, 0, r->table->own->blocks[0].stride);
    while (*p == ' ' || *p == '\t') p++;
    CsvStatus status = read_label(r, &p, record);
    int64_t before = -1;
    for (int64_t count = 0; status == CSV_FINE; count++) {
        while (*p == ' ' || *p == '\t') p++;
        bool comment = *p == '#';
        if (comment) p += strcspn(p, "\r\n");
        if (*p == '\n' || *p == '\r' || p >= r->text.end) {
            sgdrt_csv_end_row(&r->text, p + (*p == '\r' && p[1] == '\n' ? 2 : p < r->text.end));
            return CSV_FINE;
        }
        const char *pair = p;
        if (!*p) return wrong(r, p, PROBLEM_SPARSE, "there is a byte of value 0%s", "is this a text file?");
        status = read_index(r, &p, before, &before);
        if (status == CSV_FINE) status = put_pair(r, pair, &p, before, count, record);
    }
    return status;
}

static int read_row(SparseReader *r, unsigned char *record) {
    for (;;) {
        CsvStatus status = parse_row(r, record);
        if (status == CSV_FINE) return 0;
        if (status == CSV_PROBLEM) return r->problem->code;
        bool row;
        int code = sgdrt_csv_refill(&r->text);
        if (r->request->progress)
            r->request->progress(r->request->progress_context, r->request->path, sgdrt_input_part(r->text.input));
        if (!code) code = sgdrt_csv_begin_row(&r->text, &row);
        if (code) return code;
    }
}

static int read_rows(SparseReader *r, int64_t *in_file, int64_t *rows) {
    struct sgdrt_table_private *own = r->table->own;
    int64_t begin = r->request->rows_begin, end = r->request->rows_end;
    bool row;
    int code = 0;
    *in_file = *rows = 0;
    while (!code && (end < 0 || *in_file < end) && !(code = sgdrt_csv_begin_row(&r->text, &row)) && row) {
        if (*rows == own->capacity)
            code = sgdrt_table_reserve(r->table, own->capacity + own->capacity / 2 + 1024, r->problem);
        if (!code) code = read_row(r, own->blocks[0].bytes + own->blocks[0].stride * (size_t)*rows);
        *rows += !code && (*in_file)++ >= begin;
    }
    return code;
}

/* The label is the first of a row's fields, as messages find it again. */
static int note_places(SparseReader *r) {
    struct sgdrt_table_private *own = r->table->own;
    for (int c = 0; c < r->request->column_count; c++) {
        size_t elements = (size_t)r->table->described[c].elements;
        own->field_of[c] = calloc(elements ? elements : 1, sizeof **own->field_of);
        own->numbered[c] = r->request->columns[c].part != SGDRT_LABELS;
        if (!own->field_of[c])
            return sgdrt_problem_memory(r->problem, r->request->path, elements * sizeof **own->field_of);
    }
    r->table->delimiter = ' ';
    own->comment = '#';
    own->rows_begin = r->request->rows_begin;
    return 0;
}

static int load(SparseReader *r) {
    const sgdrt_request *request = r->request;
    CsvForm form = {.delimiter = ' ', .decimal = '.', .comment = '#'};
    int64_t in_file, rows, begin, end;
    int code = sgdrt_csv_open(&r->text, request->path, form, r->problem);
    if (!code)
        code = sgdrt_table_make(request->path, request->columns, request->column_count, true, &r->table, r->problem);
    if (!code) code = note_places(r);
    if (!code) code = sgdrt_table_reserve(r->table, 1024, r->problem);
    if (!code) code = read_rows(r, &in_file, &rows);
    if (!code) code = sgdrt_row_range(request->path, request, in_file, &begin, &end, r->problem);
    if (!code) sgdrt_table_settle(r->table, rows);
    return code;
}

int sgdrt_libsvm_load(const sgdrt_request *request, sgdrt_table **table, sgdrt_problem *problem) {
    sgdrt_problem unseen;
    SparseReader r = {.request = request, .problem = problem ? problem : &unseen};
    int code = load(&r);
    sgdrt_csv_close(&r.text);
    if (code)
        sgdrt_free_table(r.table);
    else
        *table = r.table;
    return code;
}
