/* row_stream: blocks of rows over the csv reader (csv_reader.h). */
#include "row_stream.h"
#include "csv_reader.h"
#include "float_control.h"
#include "problem.h"
#include <stdlib.h>
#include <string.h>

struct sgdrt_row_stream {
    CsvReader reader;
    const sgdrt_row_options *options;
    sgdrt_problem problem; /* of the reader */
    bool broken, ended;    /* broken: the problem comes after the block */
    int64_t capacity;      /* rows that lines, texts and marks have room for */
    int64_t *line;
    uint8_t *bad;
    int *text_field, last_field; /* of the options' texts; the last of these fields */
    char *text;
    size_t text_length, text_capacity;
    char *fields;
    size_t fields_capacity;       /* of the row at hand */
    size_t *text_end, *field_end; /* field_end: of the row at hand, by its place in `text` */
    int64_t rows, skipped;        /* rows: of all blocks so far */
    sgdrt_problem first_skipped;
};

static int memory_problem(sgdrt_row_stream *s, size_t bytes) {
    return sgdrt_problem_memory(&s->problem, s->reader.request->path, bytes);
}

/* ---- texts ------------------------------------------------------------------------------------ */
static bool read_number(const char *text, int64_t *number) {
    *number = 0;
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9' || *number > INT32_MAX) return false;
        *number = 10 * *number + (*c - '0');
    }
    return *text != 0;
}

/* A number is one where no column has that name. */
static int find_text(sgdrt_row_stream *s, const char *name) {
    CsvReader *r = &s->reader;
    int64_t index = 0;
    bool number = read_number(name, &index);
    for (int f = 0; f < r->names.count; f++) number &= strcmp(r->names.text[f], name) != 0;
    if (!number && !r->names.count) {
        sgdrt_problem_set(&s->problem, PROBLEM_NO_COLUMN, r->request->path, 0, 0,
                          "there is no column \"%.100s\", as the file has no header", name);
        sgdrt_problem_help(&s->problem, "its columns are numbered from 0 to %d", r->field_count - 1);
        return -1;
    }
    sgdrt_column_request wanted = {.name = name, .csv_index = &index, .csv_name = number ? NULL : &name};
    return sgdrt_csv_find_field(r, &wanted, 0);
}

static int find_texts(sgdrt_row_stream *s) {
    int count = s->options->text_count;
    s->last_field = -1;
    if (!count) return 0;
    s->text_field = malloc(sizeof *s->text_field * (size_t)count);
    s->field_end = malloc(sizeof *s->field_end * 2 * (size_t)s->reader.field_count);
    if (!s->text_field || !s->field_end) return memory_problem(s, sizeof *s->text_field * (size_t)count);
    for (int t = 0; t < count; t++) {
        s->text_field[t] = find_text(s, s->options->texts[t]);
        if (s->text_field[t] < 0) return s->problem.code;
        if (s->text_field[t] > s->last_field) s->last_field = s->text_field[t];
    }
    return 0;
}

static int text_add(sgdrt_row_stream *s, const char *bytes, size_t length) {
    if (s->text_length + length > s->text_capacity) {
        size_t larger = 2 * (s->text_length + length) + 4096;
        char *grown = realloc(s->text, larger);
        if (!grown) return memory_problem(s, larger);
        s->text = grown;
        s->text_capacity = larger;
    }
    if (length) memcpy(s->text + s->text_length, bytes, length);
    s->text_length += length;
    return 0;
}

static bool is_wanted(const sgdrt_row_stream *s, int field) {
    for (int t = 0; t < s->options->text_count; t++)
        if (s->text_field[t] == field) return true;
    return false;
}

/* The wanted fields of the row at hand, in the file's order, to the end of `text`: field_end holds where each begins and
 * ends. */
static CsvStatus read_fields(sgdrt_row_stream *s) {
    CsvText *text = &s->reader.text;
    const char *p = text->row;
    text->inner_lines = 0;
    text->inner_begin = NULL;
    for (int f = 0; f <= s->last_field; f++) {
        CsvField field;
        bool row_ends = false;
        CsvStatus status = f ? sgdrt_csv_separator(text, &p, &row_ends) : CSV_FINE;
        if (status == CSV_FINE && !row_ends) status = sgdrt_csv_field(text, &p, &field);
        if (status != CSV_FINE) return status;
        s->field_end[2 * f] = s->text_length;
        if (!row_ends && is_wanted(s, f) && text_add(s, field.text, field.length)) return CSV_PROBLEM;
        s->field_end[2 * f + 1] = s->text_length;
        if (row_ends) { /* too few: read_row says so */
            for (int rest = f + 1; rest <= s->last_field; rest++)
                s->field_end[2 * rest] = s->field_end[2 * rest + 1] = s->text_length;
            break;
        }
    }
    return CSV_FINE;
}

/* The texts of the row at hand, in the order in which they were asked for. */
static int read_texts(sgdrt_row_stream *s, int64_t row) {
    size_t begin = s->text_length;
    CsvStatus status;
    while ((status = read_fields(s)) == CSV_MORE) {
        bool more;
        s->text_length = begin;
        int code = sgdrt_csv_refill(&s->reader.text);
        if (!code) code = sgdrt_csv_begin_row(&s->reader.text, &more);
        if (code) return code;
    }
    if (status == CSV_PROBLEM) return s->problem.code;
    size_t length = s->text_length - begin;
    if (length > s->fields_capacity) {
        free(s->fields);
        s->fields_capacity = 2 * length;
        s->fields = malloc(s->fields_capacity);
        if (!s->fields) return memory_problem(s, s->fields_capacity);
    }
    if (length) memcpy(s->fields, s->text + begin, length);
    s->text_length = begin;
    int code = 0;
    for (int t = 0; t < s->options->text_count && !code; t++) {
        const size_t *end = &s->field_end[2 * s->text_field[t]];
        code = end[1] > end[0] ? text_add(s, s->fields + (end[0] - begin), end[1] - end[0]) : 0;
        s->text_end[row * s->options->text_count + t] = s->text_length;
    }
    return code;
}

/* ---- rows --------------------------------------------------------------------------------------- */
static bool is_of_row(int code) {
    return code == PROBLEM_RAGGED || code == PROBLEM_NOT_A_NUMBER || code == PROBLEM_MISSING || code == PROBLEM_LABEL ||
           code == PROBLEM_REMAP || code == PROBLEM_QUOTE;
}

static void count_skipped(sgdrt_row_stream *s, int64_t rows) {
    if (!s->skipped) s->first_skipped = s->problem;
    s->skipped += rows;
}

/* Passes over a row that cannot be read: to its end, or where a quote hides it, of the line. */
static int pass_over(sgdrt_row_stream *s) {
    CsvText *text = &s->reader.text;
    bool row;
    int code = sgdrt_csv_begin_row(text, &row);
    if (!code) code = sgdrt_csv_skip_row(text);
    if (code == PROBLEM_QUOTE) code = sgdrt_csv_skip_line(text);
    s->reader.in_file += !code;
    return code;
}

static bool line_is_there(const CsvText *text) {
    return text->ended || memchr(text->row, '\n', (size_t)(text->end - text->row)) != NULL;
}

static int read_block(sgdrt_row_stream *s, int64_t most, int64_t *rows) {
    CsvReader *r = &s->reader;
    const TableBlock *block = &r->table->own->blocks[0];
    int code = 0;
    for (*rows = 0; *rows < most && !code;) {
        bool row;
        if (s->options->live && *rows && !line_is_there(&r->text)) break;
        code = sgdrt_csv_next_row(r, &row);
        if (code || (s->ended = !row)) break;
        size_t before = s->text_length;
        s->line[*rows] = r->text.line;
        code = s->last_field >= 0 ? read_texts(s, *rows) : 0;
        if (!code) code = sgdrt_csv_read_row(r, block->bytes + block->stride * (size_t)*rows);
        *rows += !code;
        if (!code || !is_of_row(code) || !s->options->skip_bad) continue;
        s->text_length = before;
        count_skipped(s, 1);
        code = pass_over(s);
    }
    return code;
}

static int make_room(sgdrt_row_stream *s, int64_t most) {
    size_t texts = (size_t)(s->options->text_count ? s->options->text_count : 1);
    sgdrt_table_widen(s->reader.table);
    int code = sgdrt_table_reserve(s->reader.table, most, &s->problem);
    if (code || most <= s->capacity) return code;
    free(s->line);
    free(s->bad);
    free(s->text_end);
    s->line = malloc(sizeof *s->line * (size_t)most);
    s->bad = malloc((size_t)most);
    s->text_end = malloc(sizeof *s->text_end * texts * (size_t)most);
    s->capacity = most;
    return s->line && s->bad && s->text_end ? 0 : memory_problem(s, sizeof *s->line * (size_t)most);
}

static void compact_texts(sgdrt_row_stream *s, const uint8_t *keep, int64_t rows) {
    int count = s->options->text_count;
    size_t to_end = 0, begin = 0;
    for (int64_t r = 0, to = 0; r < rows; r++) {
        size_t end = count ? s->text_end[(r + 1) * count - 1] : 0;
        if (keep[r]) {
            if (end > begin) memmove(s->text + to_end, s->text + begin, end - begin);
            for (int t = 0; t < count; t++) s->text_end[to * count + t] = s->text_end[r * count + t] - begin + to_end;
            s->line[to++] = s->line[r];
            to_end += end - begin;
        }
        begin = end;
    }
}

void sgdrt_rows_keep(sgdrt_row_stream *s, const uint8_t *keep, sgdrt_row_block *block) {
    compact_texts(s, keep, block->table->rows);
    sgdrt_table_settle(block->table, sgdrt_table_compact(block->table, keep));
    *block = (sgdrt_row_block){block->table, s->line, s->text, s->text_end};
}

/* Labels of the block: rows with wrong ones leave it, or end it. */
static int check_labels(sgdrt_row_stream *s, sgdrt_row_block *block) {
    int64_t rows = block->table->rows, wrong = 0;
    sgdrt_problem earlier = s->problem;
    memset(s->bad, 0, (size_t)rows);
    int code = sgdrt_table_mark_labels(block->table, s->bad, &s->problem);
    if (!code || !is_of_row(code)) {
        if (!code) s->problem = earlier;
        return code;
    }
    bool ends = false;
    for (int64_t r = 0; r < rows; r++) { /* the marks become those of rows that stay */
        ends |= s->bad[r] && !s->options->skip_bad;
        wrong += s->bad[r];
        s->bad[r] = !s->bad[r] && !ends;
    }
    if (s->options->skip_bad) {
        count_skipped(s, wrong);
        s->problem = earlier;
    }
    s->broken |= ends;
    sgdrt_rows_keep(s, s->bad, block);
    return 0;
}

static int end_problem(const sgdrt_row_stream *s, sgdrt_problem *problem) {
    const sgdrt_request *request = s->reader.request;
    int64_t begin, end;
    return sgdrt_row_range(request->path, request, s->reader.in_file, &begin, &end, problem);
}

static int next_block(sgdrt_row_stream *s, int64_t most, sgdrt_row_block *block) {
    int64_t rows = 0;
    s->text_length = 0;
    int code = make_room(s, most);
    if (code) return code;
    code = s->ended ? 0 : read_block(s, most, &rows);
    s->broken = code != 0;
    sgdrt_table *table = s->reader.table;
    sgdrt_table_settle(table, rows);
    table->own->line_of = s->line;
    *block = (sgdrt_row_block){table, s->line, s->text, s->text_end};
    code = rows ? check_labels(s, block) : 0;
    s->rows += table->rows;
    return code;
}

int sgdrt_rows_next(sgdrt_row_stream *s, int64_t most, sgdrt_row_block *block, sgdrt_problem *problem) {
    SGDRT_FLOAT_GUARD();
    int code = s->broken ? s->problem.code : 0; /* the rows before it have been given */
    while (!code) {
        code = next_block(s, most, block);
        if (code || block->table->rows || s->ended || s->broken) break;
    }
    if (!code && block->table->rows) return 0;
    if (!code && !s->broken) return end_problem(s, problem);
    *problem = s->problem;
    return problem->code;
}

int64_t sgdrt_rows_skipped(const sgdrt_row_stream *s, const sgdrt_problem **first) {
    *first = &s->first_skipped;
    return s->skipped;
}

int sgdrt_rows_open(const sgdrt_request *request, const sgdrt_row_options *options, sgdrt_row_stream **stream,
                    sgdrt_problem *problem) {
    SGDRT_FLOAT_GUARD();
    sgdrt_row_stream *s = calloc(1, sizeof *s);
    if (!s) return sgdrt_problem_memory(problem, request->path, sizeof *s);
    s->options = options;
    s->reader = (CsvReader){.request = request, .problem = &s->problem, .strict = true};
    int code = sgdrt_csv_reader_open(&s->reader, options->live);
    if (!code) code = find_texts(s);
    if (code) {
        *problem = s->problem;
        sgdrt_rows_close(s);
        return code;
    }
    *stream = s;
    return 0;
}

void sgdrt_rows_close(sgdrt_row_stream *s) {
    if (!s) return;
    sgdrt_free_table(s->reader.table);
    sgdrt_csv_reader_close(&s->reader);
    free(s->line);
    free(s->bad);
    free(s->text_field);
    free(s->field_end);
    free(s->text_end);
    free(s->text);
    free(s->fields);
    free(s);
}
