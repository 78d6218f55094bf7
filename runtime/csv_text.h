/* csv_text: a window over the text of a csv file, and its rows cut into fields.
 *
 * The window holds whole rows. It is followed by zeros, so a scanner may look a few bytes ahead, and a zero
 * at the window's end tells it from a zero in the file by its place. Who meets the end inside a row returns
 * CSV_MORE; the caller refills (which moves the row to the front) and begins the row again.
 *
 * Fields: separated by the delimiter; blanks around them do not count; a field that begins with a quote ends
 * at the next single quote character, "" inside it is one quote, and it may hold delimiters and line ends.
 * With a blank as delimiter, runs of blanks and tabs are one, and blanks at a line's ends are none. Lines end
 * in LF, CRLF or CR. Blank lines are no rows, nor are lines that begin with the comment's sign, blanks before it
 * or not.
 */
#ifndef SGDRT_CSV_TEXT_H
#define SGDRT_CSV_TEXT_H
#include "csv_marks.h"
#include "input.h"

typedef enum CsvStatus { CSV_FINE, CSV_MORE, CSV_PROBLEM } CsvStatus;

typedef struct CsvText {
    Input *input;
    const char *path;
    sgdrt_problem *problem;
    char *bytes;
    size_t capacity;
    char *row, *end;                  /* the window's unread part; row: where the current row begins */
    uint64_t taken, enough;           /* bytes of the file up to the window's end; more are not needed, but for a row */
    bool ended, live;                 /* nothing comes after the window; rows are read as they come */
    char delimiter, decimal, comment; /* comment 0: none */
    bool stop[256];                   /* bytes that can end a plain field, and zero */
    int64_t line;                     /* of `row` */
    /* within the row, set by fields that run over lines; cleared by csv_row_begin */
    int64_t inner_lines;
    const char *inner_begin;
    char *scratch;
    size_t scratch_capacity; /* the text of the last quoted field */
    CsvMarks marks;          /* of the window; of nothing when it moves */
} CsvText;

/* How the text is written; zeros: the delimiter is found out, decimals have a point, there are no comments. live: bytes
 * are taken as they come. */
typedef struct CsvForm {
    char delimiter, decimal, comment;
    bool live;
} CsvForm;

/* at: where it begins in the window */
typedef struct CsvField {
    const char *text;
    size_t length;
    bool quoted;
    const char *at;
} CsvField;

int sgdrt_csv_open(CsvText *text, const char *path, CsvForm form, sgdrt_problem *problem);
void sgdrt_csv_close(CsvText *text);
/* The same text once more, to be read by another thread from a place on (sgdrt_csv_seek): what `text` was opened with is its own. */
int sgdrt_csv_open_again(CsvText *again, const CsvText *text, sgdrt_problem *problem);
/* Goes on at a place of the file, where a row begins in that line or anything stands; `enough`: to about there. */
int sgdrt_csv_seek(CsvText *text, uint64_t place, int64_t line, uint64_t enough);
/* The place of text->row. */
static inline uint64_t sgdrt_csv_tell(const CsvText *text) { return text->taken - (uint64_t)(text->end - text->row); }
/* Room for more, or a problem: a row that does not fit into 64 MiB. */
int sgdrt_csv_refill(CsvText *text);
/* Skips blank lines and comments; *row says whether there is a row to be read. */
int sgdrt_csv_begin_row(CsvText *text, bool *row);
/* The row that ended before `next` has been read. */
static inline void sgdrt_csv_end_row(CsvText *text, const char *next) {
    text->row = (char *)next;
    text->line += 1 + text->inner_lines;
}

static inline bool sgdrt_csv_is_blank(const CsvText *text, char c) {
    return c == ' ' || (c == '\t' && text->delimiter != '\t');
}

/* What ends a field that begins at p, after its blanks, and has no quotes; the window's end where nothing does. From row to row
 * and field to field p ascends. */
static inline const char *sgdrt_csv_field_end(CsvText *text, const char *p) {
    CsvMarks *marks = &text->marks;
    const char *end = marks->from + marks->at[marks->next];
    if (__builtin_expect(marks->next < marks->count && end >= p, 1)) {
        marks->next++;
        return end;
    }
    return sgdrt_csv_next_mark(marks, p, text->end, text->delimiter);
}

/* Reads the field at *p and leaves *p at what ended it. */
CsvStatus sgdrt_csv_field(CsvText *text, const char **p, CsvField *field);
/* Passes over the delimiter or line end at *p. */
CsvStatus sgdrt_csv_separator(CsvText *text, const char **p, bool *row_ends);
/* Passes over the rest of the line at text->row, whatever it holds; its end stays, and is a blank line. */
int sgdrt_csv_skip_line(CsvText *text);
/* Passes over the whole row at text->row. */
int sgdrt_csv_skip_row(CsvText *text);
/* Fills in a problem at a byte of the window. Returns CSV_PROBLEM. */
void sgdrt_csv_place(const CsvText *text, const char *at, int64_t *line, int64_t *column);
bool sgdrt_csv_delimiter_is_fine(char delimiter);
/* Empty, NA, NaN, ?, ...: a value that is not there. */
bool sgdrt_csv_is_missing(const char *text, size_t length);
/* The likeliest delimiter among the bytes of a line, quoted ones left out; 0 if there is none. `not`: not this one. */
char sgdrt_csv_likely_delimiter(const char *line, size_t length, char not );
#endif
