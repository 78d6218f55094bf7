/* csv_text: the window, quoted fields and line ends. The fast path for numbers is in csv.c. */
#include "csv_text.h"
#include "problem.h"
#include <stdlib.h>
#include <string.h>

enum { FIRST_WINDOW = 1 << 18, MOST_ROW_BYTES = 1 << 26, ZEROS = 64 };

bool sgdrt_csv_delimiter_is_fine(char c) {
    return c == '\t' || (c >= 0x20 && c < 0x7F && !strchr("\"'.+-_", c) && !(c >= '0' && c <= '9') &&
                         !((c | 32) >= 'a' && (c | 32) <= 'z'));
}

bool sgdrt_csv_is_missing(const char *text, size_t length) {
    static const char *const words[] = {"", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL", "None", "?"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == length && !memcmp(words[i], text, length)) return true;
    return false;
}

static void forget_marks(CsvText *text) {
    text->marks.from = text->marks.to = text->bytes;
    text->marks.next = text->marks.count = 0;
}

static void set_delimiter(CsvText *text, char delimiter) {
    text->delimiter = delimiter;
    memset(text->stop, 0, sizeof text->stop);
    text->stop[0] = text->stop['\n'] = text->stop['\r'] = text->stop[(unsigned char)delimiter] = true;
    if (delimiter == ' ') text->stop['\t'] = true;
    forget_marks(text);
}

int sgdrt_csv_refill(CsvText *text) {
    size_t kept = (size_t)(text->end - text->row), got = 0;
    memmove(text->bytes, text->row, kept);
    if (kept > text->capacity / 2) {
        size_t larger = text->capacity * 2;
        if (larger > MOST_ROW_BYTES)
            return sgdrt_problem_set(text->problem, PROBLEM_QUOTE, text->path, text->line, 1,
                                     "the row that begins here has no end within %d MiB: a quote may not be closed",
                                     MOST_ROW_BYTES >> 20);
        char *grown = realloc(text->bytes, larger + ZEROS);
        if (!grown) return sgdrt_problem_memory(text->problem, text->path, larger);
        text->bytes = grown;
        text->capacity = larger;
    }
    size_t wanted = text->capacity - kept;
    if (text->enough > text->taken && text->enough - text->taken < wanted)
        wanted = (size_t)(text->enough - text->taken);
    int code = sgdrt_input_read(text->input, text->bytes + kept, wanted, &got, text->problem);
    if (code) return code;
    text->row = text->bytes;
    text->end = text->bytes + kept + got;
    text->taken += got;
    text->ended = text->live ? got == 0 : got < wanted;
    memset(text->end, 0, ZEROS);
    forget_marks(text);
    return 0;
}

char sgdrt_csv_likely_delimiter(const char *line, size_t length, char not ) {
    const char likely[] = "\t;,| ";
    bool seen[256] = {false}, quoted = false;
    for (size_t i = 0; i < length && ((line[i] != '\n' && line[i] != '\r') || quoted); i++) {
        quoted ^= line[i] == '"';
        if (!quoted) seen[(unsigned char)line[i]] = true;
    }
    for (const char *c = likely; *c; c++)
        if (seen[(unsigned char)*c] && *c != not ) return *c;
    return 0;
}

const char *sgdrt_delimiter_text(char delimiter) {
    switch (delimiter) {
    case '\t': return "a tab";
    case ' ': return "blanks";
    case ',': return "a comma";
    case ';': return "a semicolon";
    case '|': return "a bar";
    default: return "another character";
    }
}

/* What is looked at as a whole line may still be coming. */
static int wait_for_line(CsvText *text) {
    int code = 0;
    while (!code && text->live && !text->ended && !memchr(text->row, '\n', (size_t)(text->end - text->row)))
        code = sgdrt_csv_refill(text);
    return code;
}

/* What the first line has outside quotes; without any it is one column. */
static char find_delimiter(const CsvText *text) {
    const char *p = text->row;
    while (p < text->end && (*p == '\n' || *p == '\r' || *p == ' ')) p++;
    char found = sgdrt_csv_likely_delimiter(p, (size_t)(text->end - p), text->decimal);
    return found ? found : text->decimal == ',' ? ';' : ',';
}

int sgdrt_csv_open(CsvText *text, const char *path, CsvForm form, sgdrt_problem *problem) {
    char delimiter = form.delimiter;
    *text = (CsvText){.path = path,
                      .problem = problem,
                      .line = 1,
                      .capacity = FIRST_WINDOW,
                      .decimal = form.decimal ? form.decimal : '.',
                      .comment = form.comment,
                      .live = form.live};
    if (delimiter && !sgdrt_csv_delimiter_is_fine(delimiter))
        return sgdrt_problem_set(problem, PROBLEM_HEADER, path, 0, 0,
                                 "cannot be split at '%c': numbers, words and quotes are written with it",
                                 delimiter >= 0x20 && delimiter < 0x7F ? delimiter : '?');
    text->bytes = malloc(text->capacity + ZEROS);
    if (!text->bytes) return sgdrt_problem_memory(problem, path, text->capacity);
    text->row = text->end = text->bytes;
    int code = sgdrt_input_open(path, form.live, &text->input, problem);
    if (!code) code = sgdrt_csv_refill(text);
    if (!code) code = wait_for_line(text);
    if (code) return code;
    size_t have = (size_t)(text->end - text->row);
    if (have >= 2 && (!memcmp(text->row, "\xFF\xFE", 2) || !memcmp(text->row, "\xFE\xFF", 2)))
        return sgdrt_problem_set(problem, PROBLEM_HEADER, path, 1, 1, "the file is UTF-16 text: save it as UTF-8");
    if (have >= 3 && !memcmp(text->row, "\xEF\xBB\xBF", 3)) text->row += 3;
    bool row = false;
    set_delimiter(text, delimiter ? delimiter : '\n'); /* comments are passed over before there is one */
    code = delimiter ? 0 : sgdrt_csv_begin_row(text, &row);
    if (!code && !delimiter) code = wait_for_line(text);
    if (!code && !delimiter) set_delimiter(text, find_delimiter(text));
    return code;
}

int sgdrt_csv_open_again(CsvText *again, const CsvText *text, sgdrt_problem *problem) {
    *again = (CsvText){.path = text->path,
                       .problem = problem,
                       .capacity = FIRST_WINDOW,
                       .decimal = text->decimal,
                       .comment = text->comment};
    again->bytes = malloc(again->capacity + ZEROS);
    if (!again->bytes) return sgdrt_problem_memory(problem, text->path, again->capacity);
    again->row = again->end = again->bytes;
    set_delimiter(again, text->delimiter);
    return sgdrt_input_open_again(text->input, &again->input, problem);
}

int sgdrt_csv_seek(CsvText *text, uint64_t place, int64_t line, uint64_t enough) {
    sgdrt_input_seek(text->input, place);
    text->row = text->end = text->bytes;
    text->taken = place;
    text->enough = enough;
    text->line = line;
    return sgdrt_csv_refill(text);
}

void sgdrt_csv_close(CsvText *text) {
    sgdrt_input_close(text->input);
    free(text->bytes);
    free(text->scratch);
}

void sgdrt_csv_place(const CsvText *text, const char *at, int64_t *line, int64_t *column) {
    *line = text->line + text->inner_lines;
    *column = at - (text->inner_begin ? text->inner_begin : text->row) + 1;
}

int sgdrt_csv_skip_line(CsvText *text) {
    for (const char *p = text->row;;) {
        while (p < text->end && *p != '\n' && *p != '\r') p++;
        text->row = (char *)p;
        if (p < text->end || text->ended) return 0;
        int code = sgdrt_csv_refill(text);
        if (code) return code;
        p = text->row;
    }
}

int sgdrt_csv_begin_row(CsvText *text, bool *row) {
    for (;;) {
        const char *p = text->row;
        text->inner_lines = 0;
        text->inner_begin = NULL;
        while (sgdrt_csv_is_blank(text, *p)) p++;
        if ((p == text->end || (*p == '\r' && p + 1 == text->end)) && !text->ended) {
            int code = sgdrt_csv_refill(text);
            if (code) return code;
            continue;
        }
        if (text->comment && *p == text->comment && p < text->end) {
            int code = sgdrt_csv_skip_line(text);
            if (code) return code;
            continue;
        }
        *row = p < text->end && *p != '\n' && *p != '\r';
        if (*row || p == text->end) return 0;
        p += *p == '\r' && p[1] == '\n' ? 2 : 1;
        sgdrt_csv_end_row(text, p);
    }
}

static CsvStatus quote_problem(CsvText *text, const char *at, const char *message) {
    int64_t line, column;
    sgdrt_csv_place(text, at, &line, &column);
    sgdrt_problem_set(text->problem, PROBLEM_QUOTE, text->path, line, column, "%s", message);
    return CSV_PROBLEM;
}

static bool scratch_add(CsvText *text, size_t *length, const char *bytes, size_t count) {
    if (*length + count + ZEROS > text->scratch_capacity) {
        size_t larger = (*length + count + ZEROS) * 2;
        char *grown = realloc(text->scratch, larger);
        if (!grown) return false;
        text->scratch = grown;
        text->scratch_capacity = larger;
    }
    memcpy(text->scratch + *length, bytes, count);
    *length += count;
    memset(text->scratch + *length, 0, ZEROS);
    return true;
}

static CsvStatus quoted_field(CsvText *text, const char **p, CsvField *field) {
    const char *open = *p, *from = open + 1;
    size_t length = 0;
    int64_t lines = 0;
    const char *line_begin = NULL;
    for (;;) {
        const char *quote = memchr(from, '"', (size_t)(text->end - from));
        if (!quote || (quote + 1 == text->end && !text->ended))
            return text->ended ? quote_problem(text, open, "this quote is not closed") : CSV_MORE;
        bool pair = quote[1] == '"';
        for (const char *s = from; (s = memchr(s, '\n', (size_t)(quote - s))) != NULL; line_begin = ++s) lines++;
        if (!scratch_add(text, &length, from, (size_t)(quote - from) + pair)) {
            sgdrt_problem_memory(text->problem, text->path, length);
            return CSV_PROBLEM;
        }
        from = quote + 1 + pair;
        if (!pair) break;
    }
    while (sgdrt_csv_is_blank(text, *from) && *from != text->delimiter) from++;
    if (from == text->end && !text->ended) return CSV_MORE;
    if (from < text->end && (!text->stop[(unsigned char)*from] || !*from)) {
        int64_t line, column;
        sgdrt_csv_place(text, open, &line, &column);
        sgdrt_problem_set(text->problem, PROBLEM_QUOTE, text->path, line, column,
                          "more text follows the end of this quoted field");
        sgdrt_problem_help(text->problem, "inside quotes a quote is written twice: \"\"");
        return CSV_PROBLEM;
    }
    text->inner_lines += lines;
    text->inner_begin = line_begin ? line_begin : text->inner_begin;
    *field = (CsvField){.text = text->scratch, .length = length, .quoted = true, .at = open};
    *p = from;
    return CSV_FINE;
}

CsvStatus sgdrt_csv_field(CsvText *text, const char **p, CsvField *field) {
    const char *from = *p, *to;
    while (sgdrt_csv_is_blank(text, *from)) from++;
    if (*from == '"') {
        *p = from;
        return quoted_field(text, p, field);
    }
    for (to = from; !text->stop[(unsigned char)*to] || (!*to && to < text->end); to++)
        ;
    if (to == text->end && !text->ended) return CSV_MORE;
    *p = to;
    while (to > from && sgdrt_csv_is_blank(text, to[-1])) to--;
    *field = (CsvField){.text = from, .length = (size_t)(to - from), .at = from};
    return CSV_FINE;
}

CsvStatus sgdrt_csv_separator(CsvText *text, const char **p, bool *row_ends) {
    const char *at = *p;
    if (text->delimiter == ' ')
        while (sgdrt_csv_is_blank(text, *at)) at++;
    if ((at == text->end || (*at == '\r' && at + 1 == text->end)) && !text->ended) return CSV_MORE;
    *row_ends = at == text->end || *at == '\n' || *at == '\r';
    if (at == text->end)
        *p = at;
    else if (*row_ends)
        *p = at + (*at == '\r' && at[1] == '\n' ? 2 : 1);
    else
        *p = text->delimiter == ' ' ? at : at + 1;
    return CSV_FINE;
}

int sgdrt_csv_skip_row(CsvText *text) {
    for (;;) {
        const char *p = text->row;
        bool row_ends = false;
        CsvStatus status = CSV_FINE;
        text->inner_lines = 0;
        text->inner_begin = NULL;
        while (status == CSV_FINE && !row_ends) {
            CsvField field;
            status = sgdrt_csv_field(text, &p, &field);
            if (status == CSV_FINE) status = sgdrt_csv_separator(text, &p, &row_ends);
        }
        if (status == CSV_FINE) {
            sgdrt_csv_end_row(text, p);
            return 0;
        }
        int code = status == CSV_MORE ? sgdrt_csv_refill(text) : text->problem ? text->problem->code : PROBLEM_QUOTE;
        if (code) return code;
    }
}
