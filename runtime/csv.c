/* csv: the columns that a program asks for, from a text file into adjacent records.
 *
 * One pass: text comes through a window that stays in cache, in which the ends of fields are marked (csv_marks.h); numbers are
 * scanned where they stand (number.h) and stored into the record of their row; nothing is cut into strings unless a field is out
 * of the ordinary (quotes, missing values, words): csv_values.c. Fields that nobody asked for are only passed over. Records grow
 * by half.
 */
#include "csv_reader.h"
#include "number.h"
#include "problem.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- which fields go where ------------------------------------------------------------------ */
static FieldKind kind_of(const CsvReader *r, const CsvFieldPlan *field) {
    const FieldTarget *target = &field->first;
    if (target->column < 0) return FIELD_UNASKED;
    bool number = r->text.decimal == '.';
    for (; target; target = sgdrt_csv_next_target(r, target))
        number &= !sgdrt_csv_holds_texts(r, target->column) && !r->request->columns[target->column].asked_missing;
    return !number ? FIELD_ANY : field->first.next < 0 ? FIELD_SHORT_NUMBER : FIELD_NUMBER;
}

static void add_target(CsvReader *r, int field, FieldTarget target, int *used) {
    FieldTarget *first = &r->fields[field].first;
    target.next = -1;
    if (first->column >= 0) {
        r->targets[*used] = *first;
        target.next = (*used)++;
    }
    *first = target;
}

static int plan_targets(CsvReader *r) {
    const sgdrt_request *request = r->request;
    struct sgdrt_table_private *own = r->table->own;
    size_t count = 0, fields = (size_t)r->field_count;
    for (int c = 0; c < request->column_count; c++) count += (size_t)r->table->described[c].elements;
    r->fields = malloc(sizeof *r->fields * fields);
    r->targets = malloc(sizeof *r->targets * (count ? count : 1));
    r->listed = calloc((size_t)request->column_count + 1, sizeof *r->listed);
    if (!r->fields || !r->targets || !r->listed) return sgdrt_csv_memory_problem(r, sizeof *r->targets * count);
    for (size_t f = 0; f < fields; f++) r->fields[f].first.column = r->fields[f].first.next = -1;
    int used = 0;
    for (int c = 0; c < request->column_count; c++) {
        const sgdrt_table_column *d = &r->table->described[c];
        own->field_of[c] = malloc(sizeof **own->field_of * (size_t)(d->elements ? d->elements : 1));
        if (!own->field_of[c] || !sgdrt_csv_list_words(r, c))
            return sgdrt_csv_memory_problem(r, sizeof **own->field_of * (size_t)d->elements);
        for (int64_t e = 0; e < sgdrt_csv_fields_of(&request->columns[c]); e++) {
            int field = sgdrt_csv_find_field(r, &request->columns[c], e);
            if (field < 0) return r->problem->code;
            own->field_of[c][e] = field;
            size_t offset = own->offset_of[c] + (size_t)e * sgdrt_dtype_bytes(d->dtype);
            add_target(r, field, (FieldTarget){.dtype = d->dtype, .offset = (uint32_t)offset, .column = c}, &used);
        }
    }
    for (size_t f = 0; f < fields; f++) r->fields[f].kind = kind_of(r, &r->fields[f]);
    return 0;
}

/* ---- values --------------------------------------------------------------------------------- */
/* Stores a number in a place; false where it does not fit, and csv_values.c has to look. */
static bool put_decimal(const FieldTarget *target, const Decimal *decimal, const char *text, const char *end,
                        unsigned char *to) {
    float f32;
    double f64;
    int64_t low, high;
    switch (target->dtype) {
    case SGDRT_F32:
        if (!sgdrt_decimal_f32(decimal, &f32)) f32 = sgdrt_decimal_f32_slow(decimal, text, end);
        memcpy(to, &f32, sizeof f32);
        return isfinite(f32);
    case SGDRT_F64:
        if (!sgdrt_decimal_f64(decimal, &f64)) f64 = sgdrt_decimal_f64_slow(decimal, text, end);
        memcpy(to, &f64, sizeof f64);
        return isfinite(f64);
    default:
        sgdrt_integer_limits(target->dtype, &low, &high);
        if (decimal->q || decimal->w > (uint64_t)(decimal->negative ? -low : high)) return false;
        sgdrt_put_integer(to, target->dtype, decimal->negative ? -(int64_t)decimal->w : (int64_t)decimal->w);
        return true;
    }
}

/* Stores the number from `begin` to `end`, with blanks around it or not; false if anything else stands there. */
static bool put_any_number(const CsvReader *r, const char *begin, const char *end, int f, unsigned char *record) {
    Decimal decimal;
    while (end > begin && end[-1] == ' ') end--;
    if (!sgdrt_long_decimal(begin, end, &decimal) && sgdrt_decimal_scan_slow(begin, &decimal) != end) return false;
    bool good = true;
    for (const FieldTarget *t = &r->fields[f].first; t && good; t = sgdrt_csv_next_target(r, t))
        good = put_decimal(t, &decimal, begin, end, record + t->offset);
    return good;
}

/* The same for most numbers. */
static inline bool put_short_number(const FieldTarget *target, const char *begin, const char *end, unsigned char *to) {
    bool negative = *begin == '-';
    uint64_t w;
    int places;
    if (!sgdrt_short_decimal(begin + negative, end, &w, &places)) return false;
    float f32;
    double f64;
    int64_t low, high;
    switch (target->dtype) {
    case SGDRT_F32:
        if (!sgdrt_short_f32(w, places, negative, &f32)) return false;
        memcpy(to, &f32, sizeof f32);
        return true;
    case SGDRT_F64:
        f64 = sgdrt_short_f64(w, places, negative);
        memcpy(to, &f64, sizeof f64);
        return true;
    default:
        sgdrt_integer_limits(target->dtype, &low, &high);
        if (places || w > (uint64_t)(negative ? -low : high)) return false;
        sgdrt_put_integer(to, target->dtype, negative ? -(int64_t)w : (int64_t)w);
        return true;
    }
}

/* ---- rows ----------------------------------------------------------------------------------- */
static int ragged_problem(CsvReader *r, int fields) {
    int code = sgdrt_problem_set(
        r->problem, PROBLEM_RAGGED, r->request->path, r->text.line, 0,
        "this row has %s%d field%s, the first row has %d", fields > r->field_count ? "more than " : "",
        fields > r->field_count ? r->field_count : fields, fields == 1 ? "" : "s", r->field_count);
    if (fields == 1 && r->field_count > 1)
        sgdrt_problem_help(r->problem, "fields are separated by %s here", sgdrt_delimiter_text(r->text.delimiter));
    return code;
}

/* Parses a field that is no plain number, or not asked for. It ends at `end`, unless it has quotes. */
static __attribute__((noinline)) CsvStatus other_field(CsvReader *r, const char **p, const char *end, int f,
                                                       unsigned char *record) {
    FieldKind kind = r->fields[f].kind;
    if (kind == FIELD_UNASKED && **p != '"') {
        *p = end;
        return CSV_FINE;
    }
    if (kind >= FIELD_NUMBER && put_any_number(r, *p, end, f, record)) {
        *p = end;
        return CSV_FINE;
    }
    CsvField field;
    CsvStatus status = sgdrt_csv_field(&r->text, p, &field);
    if (status == CSV_FINE && kind != FIELD_UNASKED && sgdrt_csv_put_field(r, &field, f, record)) status = CSV_PROBLEM;
    return status;
}

/* Parses the row at text.row into the record. */
static CsvStatus parse_row(CsvReader *r, unsigned char *record) {
    CsvText *text = &r->text;
    const CsvFieldPlan *fields = r->fields;
    const char *p = text->row;
    char delimiter = text->delimiter;
    for (int f = 0, count = r->field_count; f < count; f++) {
        while (sgdrt_csv_is_blank(text, *p)) p++;
        const char *end = sgdrt_csv_field_end(text, p);
        const FieldTarget *target = &fields[f].first;
        if (fields[f].kind == FIELD_SHORT_NUMBER && put_short_number(target, p, end, record + target->offset)) {
            p = end;
        } else {
            const char *at = p;
            CsvStatus status = other_field(r, &at, end, f, record);
            if (status != CSV_FINE) return status;
            p = at;
        }
        if (*p == delimiter && delimiter != ' ') {
            p++;
            continue;
        }
        bool row_ends;
        const char *next = p;
        CsvStatus status = sgdrt_csv_separator(text, &next, &row_ends);
        if (status != CSV_FINE) return status;
        p = next;
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
        if (!own->row_in_file) return sgdrt_csv_memory_problem(r, sizeof *own->row_in_file * (size_t)own->capacity);
        for (int64_t i = 0; i < rows; i++) own->row_in_file[i] = (uint32_t)i;
    }
    r->in_file++;
    return sgdrt_csv_skip_row(&r->text);
}

int sgdrt_csv_reserve(CsvReader *r, int64_t rows) {
    struct sgdrt_table_private *own = r->table->own;
    if (rows <= own->capacity) return 0;
    int64_t larger = own->capacity + own->capacity / 2 + 1024;
    int code = sgdrt_table_reserve(r->table, larger > rows ? larger : rows, r->problem);
    if (code || !own->row_in_file) return code;
    uint32_t *grown = realloc(own->row_in_file, sizeof *grown * (size_t)own->capacity);
    if (!grown) return sgdrt_csv_memory_problem(r, sizeof *grown * (size_t)own->capacity);
    own->row_in_file = grown;
    return 0;
}

int sgdrt_csv_read_rows(CsvReader *r, uint64_t until, int64_t *rows) {
    struct sgdrt_table_private *own = r->table->own;
    TableBlock *block = &own->blocks[0];
    bool row;
    int code = 0;
    while (!code && !(code = sgdrt_csv_next_row(r, &row)) && row && sgdrt_csv_tell(&r->text) < until) {
        int64_t in_file = r->in_file - r->request->rows_begin;
        code = sgdrt_csv_reserve(r, *rows + 1);
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
    if (!code) code = sgdrt_csv_read_header(r);
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

void sgdrt_csv_reader_close(CsvReader *r) {
    sgdrt_csv_close(&r->text);
    sgdrt_csv_free_words(&r->names);
    for (int c = 0; r->listed && c < r->request->column_count; c++) free(r->listed[c]);
    free(r->listed);
    free(r->missing);
    free(r->fields);
    free(r->targets);
}
