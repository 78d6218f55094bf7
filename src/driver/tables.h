/* Data sets in memory, and what of them each run trains on (tables.c). */
#ifndef SGDC_DRIVER_TABLES_H
#define SGDC_DRIVER_TABLES_H
#include "driver/driver.h"
#include "sgdrt.h"

/* The rows a run trains on and those it is judged by. rows NULL: rows 0 .. count-1 of the table. */
typedef struct RowSet {
    const sgdrt_table *table;
    const uint32_t *rows;
    int64_t count;
} RowSet;
typedef struct RunData {
    RowSet train, valid;              /* valid.count 0: none */
    const double **mean, **deviation; /* per column of the data set, of the training rows; NULL: not standardised */
    const char *const **words;        /* per column: the classes that it has learnt; NULL: none are learnt */
    int *word_counts;
} RunData;

/* Rows that cannot be read, where they are left out and counted. */
typedef struct RefusedRows {
    int64_t missing, other, labels;
    sgdrt_problem first_missing, first_other, first_label;
} RefusedRows;
/* A data set as it was read: rows that keep left, labels numbered. */
typedef struct TableOfSet {
    const DataSet *set;
    const sgdrt_table *table;
    int64_t rows_read; /* before keep */
    RefusedRows refused;
} TableOfSet;

typedef struct Tables Tables;
/* Loads or makes every data set that a run of the program uses, filters, splits and standardises it. NULL after
 * diagnostics were reported. */
Tables *tables_load(Driver *driver);
/* The same in two steps, for who looks at the data: rows as they are stored and how they split (tolerant: rows that
 * cannot be read are left out); then standardised in place, false after diagnostics. */
Tables *tables_read(Driver *driver, bool tolerant);
bool tables_standardize(Driver *driver, Tables *tables);
/* By statistics that are known, per column of the data; they must outlive the tables. */
bool tables_standardize_by(Driver *driver, Tables *tables, const double *const *mean, const double *const *deviation);
/* The data sets of all runs, one after the other; NULL behind the last. */
const TableOfSet *tables_of_set(const Tables *tables, int i);
const RunData *tables_of_run(const Tables *tables, int run);
/* What reading took. */
double tables_seconds(const Tables *tables);
size_t tables_bytes(const Tables *tables);
void tables_free(Tables *tables);
/* "1,500 rows of 6 columns from airfoil_self_noise.dat" for each data set, joined by "; ". */
const char *tables_describe(Arena *arena, const Tables *tables);
const char *tables_describe_set(Arena *arena, const Tables *tables, int i);
/* What the runtime is asked for to read the columns that `needed` marks (NULL: all). False after diagnostics. */
bool tables_request(Driver *driver, const DataSet *set, const bool *needed, sgdrt_request *request);
/* Every row of these columns (of all, where they are made), labels checked; `keep` is not asked. NULL after diagnostics. */
sgdrt_table *tables_read_columns(Driver *driver, const DataSet *set, const bool *needed);
/* Of the set that a column is of, where that is not the first of several (all of them train); else 0. */
int64_t tables_rows_of_partner(const DataSet *set, int column);
/* The file that the data set stands in: its own files are looked for beside it. */
const char *tables_program_of(const Driver *driver, const DataSet *set);
/* The problem's file as it is shown. */
const char *problem_file(const sgdrt_problem *problem);
/* Reports what the runtime found wrong as a diagnostic of its code. what: "the data is declared": what is told of the
 * span when the message is about a file */
void report_problem(Driver *driver, const sgdrt_problem *problem, Span span, const char *what);

#endif
