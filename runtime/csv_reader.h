/* csv_reader: a csv on its way into a table's records, row by row. Inside the runtime only: csv.c has the reader and reads
 * whole files by it, row_stream.c some rows at a time.
 */
#ifndef SGDRT_CSV_READER_H
#define SGDRT_CSV_READER_H
#include "csv_text.h"
#include "table.h"

/* Where a field of the file goes. A field may go to several places: next, or -1. */
typedef struct FieldTarget {
    sgdrt_dtype dtype;
    uint32_t offset;
    int next, column;
} FieldTarget;

/* A text that a column's remap_words lists, and its class. */
typedef struct ClassText {
    const char *text;
    size_t length;
    int to;
} ClassText;

/* A row kept as strings: the header and the row after it. */
typedef struct Words {
    char **text;
    bool *quoted;
    int count, capacity;
} Words;

typedef struct CsvReader {
    const sgdrt_request *request;
    sgdrt_problem *problem;
    CsvText text;
    Words names; /* of the header; count 0: there is none */
    int field_count;
    char suspected;    /* the only column's text has this delimiter */
    int *first_target; /* by field; -1: not asked for */
    bool *is_plain;    /* by field: asked for, and plain_field may try it */
    FieldTarget *targets;
    int64_t *missing;   /* by column: in the row at hand; NULL until one is */
    ClassText **listed; /* by column: remap_words, sorted; NULL: none */
    bool strict;        /* a text that is not listed is a problem of its row */
    sgdrt_table *table;
    int64_t in_file; /* rows passed so far */
} CsvReader;

/* Opens the file of r->request, reads its header and finds the fields that are asked for. The table, without rows, is
 * the caller's. */
int sgdrt_csv_reader_open(CsvReader *r, bool live);
void sgdrt_csv_reader_close(CsvReader *r);
/* The field of the file for an element of a column, or -1 and a problem. */
int sgdrt_csv_find_field(CsvReader *r, const sgdrt_column_request *column, int64_t element);
/* Goes to the next row that is asked for; *row false where there is none. */
int sgdrt_csv_next_row(CsvReader *r, bool *row);
/* Reads the row at hand into a record. After a problem with the row it is still the row at hand. */
int sgdrt_csv_read_row(CsvReader *r, unsigned char *record);
#endif
