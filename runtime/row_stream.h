/* row_stream: the rows of a csv some at a time, as they come: memory for one block of them, however long the file is.
 *
 * A block's table is like one that sgdrt_load gives: labels are renumbered and checked, wide columns wait for
 * sgdrt_standardize. Beside it stand the line of every row and the texts of fields that were asked for, as they are in
 * the file. Rows that cannot be read end the stream, after the block of those before them, or are left out and counted.
 */
#ifndef SGDRT_ROW_STREAM_H
#define SGDRT_ROW_STREAM_H
#include "sgdrt.h"

typedef struct sgdrt_row_stream sgdrt_row_stream;

typedef struct sgdrt_row_options {
    const char *const *texts;
    int text_count; /* fields by name, or by number from 0 */
    bool live;      /* rows as they come; else many at once */
    bool skip_bad;
} sgdrt_row_options;

/* Valid until the next one is asked for. */
typedef struct sgdrt_row_block {
    sgdrt_table *table;  /* no rows: the end */
    const int64_t *line; /* by row, from 1 */
    const char *text;
    const size_t *text_end; /* by row, then field: where each text ends */
} sgdrt_row_block;

/* Reads the header. Request, options and their strings must outlive the stream, which is the caller's. */
int sgdrt_rows_open(const sgdrt_request *request, const sgdrt_row_options *options, sgdrt_row_stream **stream,
                    sgdrt_problem *problem);
/* Up to `most` rows. */
int sgdrt_rows_next(sgdrt_row_stream *stream, int64_t most, sgdrt_row_block *block, sgdrt_problem *problem);
/* Leaves the rows of the block whose byte is not 0. */
void sgdrt_rows_keep(sgdrt_row_stream *stream, const uint8_t *keep, sgdrt_row_block *block);
/* How many rows were left out as they cannot be read, and what was wrong with the first. */
int64_t sgdrt_rows_skipped(const sgdrt_row_stream *stream, const sgdrt_problem **first);
void sgdrt_rows_close(sgdrt_row_stream *stream); /* NULL is fine */
#endif
