/* Rows to predict, block by block, with the columns as a run's functions take them (new_rows.c). */
#ifndef SGDC_DRIVER_NEW_ROWS_H
#define SGDC_DRIVER_NEW_ROWS_H
#include "driver/commands/trained.h"

typedef struct NewRows NewRows;

/* Valid until the next one is asked for. */
typedef struct NewBlock {
    const sgdrt_column *columns; /* by column of the data set; those not needed are empty */
    int64_t first, count;        /* rows of the columns; count 0: the end */
    const char *text;
    const size_t *text_end; /* row_stream.h: the repeated columns */
} NewBlock;

/* The rows of the set, of which the columns that `needed` marks are read. texts: columns of a csv to be repeated. NULL
 * after a diagnostic or complaint, and *code is what to exit with. */
NewRows *new_rows_open(const Trained *trained, const DataSet *set, bool *needed, const char *const *texts,
                       int text_count, ExitCode *code);
/* Up to `most` rows; false after a diagnostic. */
bool new_rows_next(NewRows *rows, int64_t most, NewBlock *block);
/* Tells how many rows were left out, and why. */
void new_rows_say_left_out(const NewRows *rows);
void new_rows_close(NewRows *rows); /* NULL is fine */
#endif
