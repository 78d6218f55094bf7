/* What is in the columns of a table: how many values are missing, numbers, whole numbers; their range; the different texts
 * and how often each stands there, up to a bound.
 *
 * Header, delimiter and whether the file is a table at all are the reader's to say: it is asked to read no column, so
 * there is one rule for each. What is counted here comes from a second pass over the texts.
 */
#include "driver/commands/new.h"
#include "csv_text.h"
#include "driver/tables.h"
#include "number.h"
#include "problem.h"
#include <math.h>
#include <string.h>

/* A row as texts, one after the other in `bytes`. */
typedef struct TextRow {
    Vector(size_t) end;
    Vector(char) bytes;
    int64_t line;
} TextRow;

/* False: no further rows. */
typedef bool RowVisitor(const TextRow *row, void *context);

static CsvStatus read_texts(Arena *arena, CsvText *text, TextRow *row, const char **p) {
    bool row_ends = false;
    row->end.count = row->bytes.count = 0;
    text->inner_lines = 0;
    text->inner_begin = NULL;
    *p = text->row;
    while (!row_ends) {
        CsvField field;
        CsvStatus status = sgdrt_csv_field(text, p, &field);
        for (size_t i = 0; status == CSV_FINE && i < field.length; i++) vector_push(arena, &row->bytes, field.text[i]);
        if (status == CSV_FINE) {
            vector_push(arena, &row->bytes, 0);
            vector_push(arena, &row->end, (size_t)row->bytes.count);
            status = sgdrt_csv_separator(text, p, &row_ends);
        }
        if (status != CSV_FINE) return status;
    }
    return CSV_FINE;
}

static int visit_rows(Arena *arena, CsvText *text, RowVisitor *visit, void *context) {
    TextRow row = {0};
    bool there = true, more = true;
    int code = 0;
    while (!code && more && !(code = sgdrt_csv_begin_row(text, &there)) && there) {
        const char *end;
        CsvStatus status = read_texts(arena, text, &row, &end);
        if (status == CSV_MORE) code = sgdrt_csv_refill(text);
        if (status == CSV_PROBLEM) code = text->problem->code;
        if (status != CSV_FINE) continue;
        row.line = text->line;
        sgdrt_csv_end_row(text, end);
        more = visit(&row, context);
    }
    return code;
}

static bool visit_table(Driver *driver, const TableProfile *table, RowVisitor *visit, void *context) {
    sgdrt_problem problem = {0};
    CsvText text;
    int code = sgdrt_csv_open(&text, table->path, (CsvForm){.delimiter = table->delimiter, .comment = table->comment},
                              &problem);
    if (!code) code = visit_rows(driver->arena, &text, visit, context);
    sgdrt_csv_close(&text);
    if (code) report_problem(driver, &problem, (Span){0, 0}, NULL);
    return !code;
}

static const char *text_of(const TextRow *row, int field) {
    return row->bytes.items + (field ? row->end.items[field - 1] : 0);
}

static size_t length_of(const TextRow *row, int field) {
    return row->end.items[field] - (field ? row->end.items[field - 1] : 0) - 1;
}

/* ---- one value ------------------------------------------------------------------------------------ */
/* A decimal comma is read as a point, a point beside it as no number. */
static bool number_of(const char *text, size_t length, bool comma, double *value) {
    char copy[80];
    if (length + 16 > sizeof copy) return false;
    memset(copy, 0, sizeof copy); /* the scanner looks ahead */
    memcpy(copy, text, length);
    char *sign = memchr(copy, ',', length);
    if (comma && memchr(copy, '.', length)) return false;
    if (comma && sign) *sign = '.';
    return sgdrt_number_f64(copy, length, value) == NUMBER_FINE;
}

static void count_number(NumberProfile *p, double value) {
    p->sequence = p->count == 0 || (p->sequence && value == p->last + 1);
    p->low = p->count == 0 || value < p->low ? value : p->low;
    p->high = p->count == 0 || value > p->high ? value : p->high;
    p->last = value;
    p->count++;
    p->whole += value == floor(value) && fabs(value) < INT32_MAX;
}

static void count_text(Arena *arena, ColumnProfile *column, const char *text, size_t length, bool missing) {
    for (int i = 0; i < column->texts.count && !column->many_texts; i++) {
        CountedText *known = &column->texts.items[i];
        if (strcmp(known->text, text)) continue;
        known->rows++;
        return;
    }
    column->many_texts |= column->texts.count == MOST_TEXTS;
    if (column->many_texts) return;
    CountedText counted = {arena_copy(arena, text, length + 1), 1, missing};
    vector_push(arena, &column->texts, counted);
}

static void count_value(Arena *arena, ColumnProfile *column, const char *text, size_t length, int64_t line) {
    double value;
    bool missing = sgdrt_csv_is_missing(text, length), number = false;
    column->missing += missing;
    column->has_zero_bytes |= memchr(text, 0, length) != NULL;
    for (int comma = 0; comma < 2 && !missing; comma++) {
        if (!number_of(text, length, comma, &value)) continue;
        number = true;
        count_number(&column->numbers[comma], value);
    }
    if (!number && !missing && !column->odd) {
        column->odd = arena_copy(arena, text, length + 1);
        column->odd_line = line;
    }
    count_text(arena, column, text, length, missing);
}

/* ---- the table --------------------------------------------------------------------------------------- */
typedef struct Profiling {
    Arena *arena;
    TableProfile *table;
    bool first;
} Profiling;

static void begin_columns(Profiling *p, const TextRow *row) {
    TableProfile *table = p->table;
    table->column_count = row->end.count;
    table->columns = arena_array(p->arena, ColumnProfile, table->column_count);
    for (int c = 0; c < table->column_count; c++) {
        table->columns[c].number = c;
        if (table->header) table->columns[c].name = arena_copy(p->arena, text_of(row, c), length_of(row, c) + 1);
    }
}

static bool profile_row(const TextRow *row, void *context) {
    Profiling *p = context;
    bool header = p->first && p->table->header;
    if (p->first) begin_columns(p, row);
    p->first = false;
    if (header) return true;
    p->table->rows++;
    for (int c = 0; c < p->table->column_count && c < row->end.count; c++)
        count_value(p->arena, &p->table->columns[c], text_of(row, c), length_of(row, c), row->line);
    return true;
}

/* Lines with # before anything else are comments. */
static char comment_of(const char *path) {
    FILE *file = fopen(path, "rb");
    int c = file ? getc(file) : EOF;
    while (c == ' ' || c == '\n' || c == '\r' || c == '\t') c = getc(file);
    if (file) fclose(file);
    return c == '#' ? '#' : 0;
}

/* Decimals have a comma where some column is numbers only by it, and none only by a point. */
static bool has_decimal_comma(const TableProfile *table) {
    bool by_comma = false, by_point = false;
    for (int c = 0; c < table->column_count; c++) {
        const NumberProfile *n = table->columns[c].numbers;
        by_comma |= n[1].count > n[0].count;
        by_point |= n[0].count > n[1].count;
    }
    return table->delimiter != ',' && by_comma && !by_point;
}

bool profile_table(Driver *driver, const char *path, TableProfile *table) {
    *table = (TableProfile){.path = path, .comment = comment_of(path)};
    sgdrt_request request = {
        .name = "table", .source = SGDRT_CSV, .path = path, .comment = table->comment, .header = -1, .rows_end = -1};
    sgdrt_problem problem = {0};
    sgdrt_table *read = NULL;
    if (sgdrt_load(&request, &read, &problem)) {
        report_problem(driver, &problem, (Span){0, 0}, NULL);
        return false;
    }
    table->header = read->has_header;
    table->delimiter = read->delimiter;
    sgdrt_free_table(read);
    if (!visit_table(driver, table, profile_row, &(Profiling){driver->arena, table, true})) return false;
    table->comma = has_decimal_comma(table);
    return true;
}

/* ---- complete rows --------------------------------------------------------------------------------- */
typedef struct Completeness {
    const bool *marked;
    int64_t complete;
    bool header;
} Completeness;

static bool count_complete(const TextRow *row, void *context) {
    Completeness *c = context;
    bool complete = !c->header;
    for (int f = 0; f < row->end.count && complete; f++)
        complete = !c->marked[f] || !sgdrt_csv_is_missing(text_of(row, f), length_of(row, f));
    c->complete += complete;
    c->header = false;
    return true;
}

bool profile_complete_rows(Driver *driver, const TableProfile *table, const bool *marked, int64_t *rows) {
    Completeness counted = {marked, 0, table->header};
    bool good = visit_table(driver, table, count_complete, &counted);
    *rows = counted.complete;
    return good;
}
