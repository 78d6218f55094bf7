/* csv_marks: where fields of a text may end: at delimiters and line ends, found 64 bytes at a time.
 *
 * What ends a field is known before the field is read, so that several fields are read at a time. Marks are of a piece of the
 * window; inside quotes they say nothing.
 */
#ifndef SGDRT_CSV_MARKS_H
#define SGDRT_CSV_MARKS_H
#include <stdbool.h>
#include <stdint.h>

enum { CSV_MARKED_BYTES = 4096, CSV_MARKED_AT_ONCE = 64 };

typedef struct CsvMarks {
    const char *from, *to; /* the piece */
    uint32_t next, count;
    uint16_t at[CSV_MARKED_BYTES + CSV_MARKED_AT_ONCE]; /* counted from `from` */
} CsvMarks;

/* Marks the next piece of from .. end, which CSV_MARKED_AT_ONCE readable bytes follow; `end` is marked too where the piece comes to
 * it. A tab ends fields as a blank does. */
void sgdrt_csv_mark(CsvMarks *marks, const char *from, const char *end, char delimiter);

/* The first mark at p or after it, of the pieces up to `end`; it is taken, and those before it are passed. */
const char *sgdrt_csv_next_mark(CsvMarks *marks, const char *p, const char *end, char delimiter);

/* Bit i: bytes[i] is one of the four, for 64 bytes. As vectors of the processor have it, and without any. */
uint64_t sgdrt_csv_stops(const char *bytes, const char stops[4]);
uint64_t sgdrt_csv_stops_by_words(const char *bytes, const char stops[4]);
#endif
