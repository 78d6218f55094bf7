/* csv_reader: a csv on its way into a table's records, row by row. Inside the runtime only: csv.c has the reader and reads
 * whole files by it, row_stream.c some rows at a time.
 *
 *   csv_header.c     the first row, and which field a column asks for
 *   csv_values.c     fields that are not plain numbers, and messages
 *   csv_threads.c    rows that several threads read;  csv_load.c: a whole file
 */
#ifndef SGDRT_CSV_READER_H
#define SGDRT_CSV_READER_H
#include "csv_text.h"
#include "problem.h"
#include "table.h"
#include <string.h>

/* Where a field of the file goes: column -1: nowhere. It may go to several places: next, or -1. */
typedef struct FieldTarget {
    sgdrt_dtype dtype;
    uint32_t offset;
    int next, column;
} FieldTarget;

/* What is tried first: nothing but csv_values.c; a number; a short one, which goes to one place. */
typedef enum FieldKind { FIELD_ANY, FIELD_UNASKED, FIELD_NUMBER, FIELD_SHORT_NUMBER } FieldKind;

typedef struct CsvFieldPlan {
    FieldKind kind;
    FieldTarget first;
} CsvFieldPlan;

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
    char suspected; /* the only column's text has this delimiter */
    CsvFieldPlan *fields;
    FieldTarget *targets; /* all but the first ones of fields */
    int64_t *missing;     /* by column: in the row at hand; NULL until one is */
    ClassText **listed;   /* by column: remap_words, sorted; NULL: none */
    bool strict;          /* a text that is not listed is a problem of its row */
    sgdrt_table *table;
    int64_t in_file; /* rows passed so far */
} CsvReader;

static inline int sgdrt_csv_memory_problem(CsvReader *r, size_t bytes) {
    return sgdrt_problem_memory(r->problem, r->request->path, bytes);
}

/* Where else the field goes; NULL: nowhere. */
static inline const FieldTarget *sgdrt_csv_next_target(const CsvReader *r, const FieldTarget *target) {
    return target->next < 0 ? NULL : &r->targets[target->next];
}

/* ---- the first row: csv_header.c ------------------------------------------------------------- */
void sgdrt_csv_free_words(Words *words);
/* Finds the number of fields and the names; the text is then at the first row of data. */
int sgdrt_csv_read_header(CsvReader *r);
/* How many fields of the file a column takes: its elements, but of words one. */
int64_t sgdrt_csv_fields_of(const sgdrt_column_request *column);
/* The field of the file for an element of a column, or -1 and a problem. */
int sgdrt_csv_find_field(CsvReader *r, const sgdrt_column_request *column, int64_t element);
/* Where the wrong delimiter leaves one column; false: it is not that. */
bool sgdrt_csv_help_delimiter(CsvReader *r);

/* ---- values: csv_values.c --------------------------------------------------------------------- */
/* Finds texts that are classes by their number from then on; false: no memory. */
bool sgdrt_csv_list_words(CsvReader *r, int column);
bool sgdrt_csv_holds_texts(const CsvReader *r, int column);
/* Stores a field that has been cut out; says what is wrong with it. */
int sgdrt_csv_put_field(CsvReader *r, const CsvField *field, int f, unsigned char *record);

static inline void sgdrt_integer_limits(sgdrt_dtype dtype, int64_t *low, int64_t *high) {
    *low = dtype == SGDRT_I32 ? INT32_MIN : 0;
    *high = dtype == SGDRT_I32 ? INT32_MAX : dtype == SGDRT_U8 ? UINT8_MAX : 1;
}

static inline void sgdrt_put_integer(unsigned char *to, sgdrt_dtype dtype, int64_t value) {
    int32_t word = (int32_t)value;
    if (dtype == SGDRT_I32)
        memcpy(to, &word, sizeof word);
    else
        *to = (unsigned char)value;
}

/* ---- rows: csv.c -------------------------------------------------------------------------------- */
/* Opens the file of r->request, reads its header and finds the fields that are asked for. The table, without rows, is
 * the caller's. */
int sgdrt_csv_reader_open(CsvReader *r, bool live);
void sgdrt_csv_reader_close(CsvReader *r);
/* Goes to the next row that is asked for; *row false where there is none. */
int sgdrt_csv_next_row(CsvReader *r, bool *row);
/* Reads the row at hand into a record. After a problem with the row it is still the row at hand. */
int sgdrt_csv_read_row(CsvReader *r, unsigned char *record);
/* Room for so many rows in the table, which grows by half at least. */
int sgdrt_csv_reserve(CsvReader *r, int64_t rows);
/* Adds the rows that begin before a place of the file to the table, of which *rows are filled; those that cannot be read are told
 * where the request says so, and left out. */
int sgdrt_csv_read_rows(CsvReader *r, uint64_t until, int64_t *rows);

/* ---- several threads: csv_threads.c --------------------------------------------------------------- */
/* The same for as much of the file as pays, on the request's team; after it the text is where rows are still to be read. */
int sgdrt_csv_read_shared(CsvReader *r, int64_t *rows);
#endif
