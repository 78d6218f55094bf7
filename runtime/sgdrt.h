/* sgdrt: data sets and saved files for programs that train with sgdc.
 *
 * Reading (csv, IDX, .npy), statistics, and safetensors. The sgdc driver and the emitted C API stand on it,
 * and an application may call it as well. It is a guest: it has no global state, prints nothing, never exits,
 * and every call that can fail fills an sgdrt_problem and returns its code (0: success).
 *
 *   input.c csv.c csv_text.c csv_marks.c   text files, plain or gzip, into columns;  csv_find.c: places in them
 *   csv_header.c csv_values.c              the first row of a csv; fields that are not plain numbers
 *   csv_load.c csv_threads.c               whole files; by several threads
 *   number.c number_round.c number_text.c  numbers from texts, rounded once, and as texts
 *   row_stream.c                           rows of a csv as they come
 *   files.c idx.c npy.c                    arrays, a file for each column
 *   text_file.c chars.c                    texts, character by character; vocabularies, and windows as rows
 *   words.c libsvm.c                       texts of a csv as words; sparse rows
 *   load.c several.c windows.c             a data set from its files; several of a kind; windows of rows
 *   table.c standardize.c                  what is done to rows after reading
 *   class_words.c table_classes.c          texts that are classes
 *   statistics.c                           what a run learns from its rows before it trains
 *   checkpoint_read.c checkpoint_write.c   safetensors;  saved.c: which cells of a training stand there
 *   order.c feed.c gather.c                which row stands at a place of an epoch; of several data sets in a step
 *   rank.c                                 ranks among rows, for measures
 *   instance.c fit.c                       NAME_save, NAME_load; NAME_fit, NAME_evaluate
 *   processors.c pool.c crew.c threads.c   threads; how many a call gets; an application's choice of them
 *   write_file.c                           files written whole or not at all
 *   problem.c                              what went wrong, in words
 *   array_file.h csv_reader.h checkpoint.h between readers of arrays, of csv, of saved files
 *   text_file.h words.h text.h             between readers of texts; what is learnt from them
 *   model.h check_rows.h figures.h         what an object says of itself; what calls refuse; what is reported of rows
 *   sets.h                                 rows of several data sets beside each other
 *   plateau.h                              factors of the rate that fall when a figure stalls
 *   math.inc math_wide.inc functions.def math_functions.h random.inc   the functions of numerics.md, for the compiler and for C
 *   float_control.h finite.h               the floating-point environment; finiteness by bits
 *   processor.h vector_clones.h            the processor at hand; loops compiled for several levels
 *   large_pages.h                          memory of which all is used, on pages of 2 MB
 *   utf8.h                                 characters of a text that may be anything
 *   libsgdrt.map                           which functions the shared library exports
 *
 * Whose memory: what a call hands out through a ** argument belongs to the caller, who gives it back with the
 * function named there. Requests and the strings in them stay the caller's and are not kept, but for
 * sgdrt_problem.file, which points to the path that was passed in.
 */
#ifndef SGDRT_H
#define SGDRT_H
#include "core.h"
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- problems ---------------------------------------------------------------------------- */
typedef struct sgdrt_problem {
    int code;             /* 0, or the number in E0405 */
    const char *file;     /* the path as passed in (or its table's copy), or NULL */
    int64_t line, column; /* from 1; 0: of the whole file. column counts bytes of the line */
    char message[512];    /* a sentence without its full stop */
    char help[256];       /* what to do about it, or "" */
} sgdrt_problem;

/* ---- types and tables -------------------------------------------------------------------- */
size_t sgdrt_dtype_bytes(sgdrt_dtype dtype);
const char *sgdrt_dtype_text(sgdrt_dtype dtype); /* "f32" */

/* What becomes of a missing value: as the request says for all columns, an error, NaN, or a number of the column's own. */
typedef enum sgdrt_missing {
    SGDRT_MISSING_AS_SAID,
    SGDRT_MISSING_ERROR,
    SGDRT_MISSING_NAN,
    SGDRT_MISSING_NUMBER
} sgdrt_missing;

/* libsvm: what of a row a column holds. Indices count from 0, and what is left of their
 * places is 0. */
typedef enum sgdrt_part { SGDRT_FEATURES, SGDRT_LABELS, SGDRT_INDICES, SGDRT_VALUES } sgdrt_part;

/* What is known of a column before its file is opened. */
typedef struct sgdrt_column_request {
    const char *name; /* for messages */
    sgdrt_dtype dtype;
    int rank;
    const int64_t *shape; /* of one row; rank 0: a scalar */
    int64_t classes;      /* > 0: values are 0 .. classes-1 after remap (sgdrt_check_labels) */
    const double *remap;
    int remap_count;                /* the value remap[i] becomes i (sgdrt_check_labels) */
    const char *const *remap_words; /* csv, i32: instead, the text remap_words[i] becomes i as it is read; chars: so */
    sgdrt_part part;                /* libsvm */
    bool windowed;                  /* csv with a window: its first axis is rows of the file */
    int64_t offset;                 /* chars, windows: places of the window before it */
    int64_t words;                  /* csv, i32: so many words of a text, by their place in remap_words; 0 */
    bool learns_words; /* csv, i32: every text is a class, in their order, until sgdrt_take_classes says which are */
    bool has_other;    /* csv: texts that are no class are class `other`; else a problem */
    int other;
    const char *missing_word; /* csv, texts: stands for one that is missing; NULL: nothing does */
    sgdrt_missing missing;    /* csv, numbers */
    double missing_value;
    bool asked_missing;          /* csv: numbers or texts: 0 where there is one, else as `missing` says */
    bool wide;                   /* f32 stored as f64 until standardized */
    bool truncated;              /* i32 of a fraction: cut off; else a problem */
    const char *path;            /* idx, npy: its file */
    const char *const *paths;    /* idx, npy: path_count of them, instead */
    const int64_t *csv_index;    /* csv: as many as the shape has elements; from 0 */
    const char *const *csv_name; /* csv: NULL, or names; a NULL among them: the index */
    int csv_count;               /* csv: how many these are; 0: an element each */
} sgdrt_column_request;

/* Threads that work together: `run` calls work on each, with its number from 0 on, and returns when all have; they meet where all have
 * called `meet`. sgdrt_pool_team (pool.h) makes one. */
typedef struct sgdrt_team {
    int threads;
    void (*run)(void *context, void (*work)(void *work_context, int thread), void *work_context);
    void (*meet)(void *context);
    void *context;
    size_t piece; /* bytes of a file that one takes at a time; 0: as is best */
} sgdrt_team;

typedef enum sgdrt_source { SGDRT_CSV, SGDRT_IDX, SGDRT_NPY, SGDRT_CHARS, SGDRT_LIBSVM } sgdrt_source;

typedef struct sgdrt_request {
    const char *name; /* of the data set, for messages */
    sgdrt_source source;
    const char *path;              /* of one file */
    const char *const *paths;      /* of several: path_count of them, rows one after the other */
    int path_count;                /* 0 and 1: path */
    int64_t window, window_stride; /* csv: 0, or rows of the file that make one; chars and csv: from row to row */
    int64_t features;              /* libsvm: indices are 1 .. features */
    char delimiter;                /* csv: ',' '\t' ';' or ' ' (runs of blanks are one); 0: find out */
    char decimal;                  /* csv: '.' or ','; 0 is '.' */
    char comment;                  /* csv: lines that begin with it do not count; 0: none */
    int header;                    /* csv: 1 yes, 0 no, -1 find out */
    bool missing_is_error;         /* an empty field, "NA", "NaN", "?" ...; else missing_value */
    bool keeps; /* some rows are left out after reading: of those a missing value is none (sgdrt_check_labels) */
    double missing_value;
    int64_t rows_begin, rows_end; /* data rows kept, half-open; rows_end -1: to the last */
    const sgdrt_column_request *columns;
    int column_count;
    /* csv: NULL, or told of each row that cannot be read; such rows are left out. */
    void (*refused)(void *context, const sgdrt_problem *problem);
    void *refused_context;
    void (*progress)(void *context, const char *path, double part); /* NULL, or called now and then */
    void *progress_context;
    const sgdrt_team *team; /* csv: NULL, or who reads it; rows and problems are the same */
} sgdrt_request;

/* One stored column. `data` and `stride` are what generated code takes (sgdrt_column). */
typedef struct sgdrt_table_column {
    const char *name;
    sgdrt_dtype dtype;
    int rank;
    const int64_t *shape;
    sgdrt_dtype declared; /* dtype, but f32 where wide */
    int64_t elements;     /* product of the shape */
    int64_t classes;
    const double *remap;
    int remap_count;
    const char *const *remap_words; /* NULL, or remap_count names of classes */
    bool learns_words;              /* ... that are all texts of the file, so far */
    int64_t missing;                /* csv: how often missing_value was taken */
    const char *path;               /* NULL: made in memory */
} sgdrt_table_column;

/* A data set in memory. The table and all it points to are one owner's; columns of a csv lie side by side in
 * records, one per row, so that a gathered row touches as few cache lines as can be. */
typedef struct sgdrt_table {
    int64_t rows;
    int column_count;
    sgdrt_column *columns;               /* pass this to sgdrt_call.columns */
    const sgdrt_table_column *described; /* column_count of them */
    const uint32_t *row_in_file;         /* NULL, or where rows were left out: the row each one was before */
    size_t bytes;                        /* memory held by rows */
    bool has_header;
    char delimiter; /* csv: as said or found */
    struct sgdrt_table_private *own;
} sgdrt_table;

/* Reads and validates all columns; on success *table is the caller's: sgdrt_free_table. Labels are as in the
 * file: their remap and range are checked by sgdrt_check_labels, after rows that do not count have left. */
int sgdrt_load(const sgdrt_request *request, sgdrt_table **table, sgdrt_problem *problem);
/* A table of zeros to be filled by the caller (synthetic data); paths are not looked at. */
int sgdrt_new_table(const char *name, const sgdrt_column_request *columns, int column_count, int64_t rows,
                    sgdrt_table **table, sgdrt_problem *problem);
int sgdrt_copy_table(const sgdrt_table *from, sgdrt_table **table, sgdrt_problem *problem);
void sgdrt_free_table(sgdrt_table *table); /* NULL is fine */

/* "a comma": for messages. */
const char *sgdrt_delimiter_text(char delimiter);

/* The line of the file that a row begins in; false where it has none: arrays, made rows, standard input. It reads the
 * file up to there. */
bool sgdrt_row_line(const sgdrt_table *table, int64_t row, int64_t *line);

/* The bytes of one row of a column, writable (the caller owns the table). */
void *sgdrt_row(const sgdrt_table *table, int column, int64_t row);

/* Keeps the rows whose byte is not 0 (table->rows of them), in their order. It is an error if none stays. */
int sgdrt_keep_rows(sgdrt_table *table, const uint8_t *keep, sgdrt_problem *problem);
/* Applies remap and checks 0 .. classes-1, for every column that asks for it. Call it once, after keep. */
int sgdrt_check_labels(sgdrt_table *table, sgdrt_problem *problem);

/* Texts that are classes, of a column that learns them. Which of its remap_words stand in the listed rows (NULL: rows
 * 0 .. count-1) gets a 1 in used, remap_count long. */
void sgdrt_classes_used(const sgdrt_table *table, int column, const uint32_t *rows, int64_t count, uint8_t *used);
/* The classes are these words, sorted by their bytes, from now on; they must outlive the table. Other texts become class
 * `other`, or where that is negative a problem of their row. */
int sgdrt_take_classes(sgdrt_table *table, int column, const char *const *words, int count, int other,
                       sgdrt_problem *problem);

/* ---- standardising ----------------------------------------------------------------------- */
/* Mean and population deviation of each element over the listed rows: two f64 chains in the order of the
 * list, which should be the file's (rows NULL: rows 0 .. count-1). Where all values are equal that value is the
 * mean, and 1 is given as the deviation. mean and deviation are the caller's, `elements` long. dtype F32 or F64. */
void sgdrt_statistics(const sgdrt_column *column, sgdrt_dtype dtype, int64_t elements, const uint32_t *rows,
                      int64_t count, double *mean, double *deviation);
/* Every x of each column that mean[column] is not NULL for becomes (x - mean) / deviation, computed in f64 and
 * rounded once to the column's declared type, in place. */
int sgdrt_standardize(sgdrt_table *table, const double *const *mean, const double *const *deviation,
                      sgdrt_problem *problem);

/* ---- saved files: safetensors ------------------------------------------------------------- */
/* A named tensor, row-major and dense. Saving reads data, restoring writes it: the caller's memory. */
typedef struct sgdrt_entry {
    const char *name;
    sgdrt_dtype dtype;
    int rank;
    const int64_t *shape;
    void *data;
} sgdrt_entry;
typedef struct sgdrt_metadata {
    const char *key, *value;
} sgdrt_metadata;

/* Writes the file whole or not at all: a temporary file beside it is renamed over it.
 * All NaN are saved as one. */
int sgdrt_save(const char *path, const sgdrt_entry *entries, int entry_count, const sgdrt_metadata *metadata,
               int metadata_count, sgdrt_problem *problem);
/* The same bytes in memory: *bytes is the caller's, free() it. */
int sgdrt_save_memory(void **bytes, size_t *length, const sgdrt_entry *entries, int entry_count,
                      const sgdrt_metadata *metadata, int metadata_count, sgdrt_problem *problem);

/* A tensor of a type that sgdrt does not compute with: "F16", "I64", ... */
typedef struct sgdrt_other_entry {
    const char *name, *type;
    int rank;
    const int64_t *shape;
    const void *data;
    size_t bytes;
} sgdrt_other_entry;

typedef struct sgdrt_checkpoint { /* entries in the order of their bytes */
    const char *path;             /* as passed in; "memory" without one */
    size_t bytes;                 /* of the file */
    sgdrt_entry *entries;
    int entry_count; /* data lies inside the checkpoint, aligned or not */
    sgdrt_other_entry *others;
    int other_count;
    sgdrt_metadata *metadata;
    int metadata_count;
    struct sgdrt_checkpoint_private *own;
} sgdrt_checkpoint;

/* Everything in the file is checked before it is believed. *checkpoint is the caller's:
 * sgdrt_free_checkpoint. From memory: the bytes must outlive the checkpoint. */
int sgdrt_load_file(const char *path, sgdrt_checkpoint **checkpoint, sgdrt_problem *problem);
int sgdrt_load_memory(const void *bytes, size_t length, sgdrt_checkpoint **checkpoint, sgdrt_problem *problem);
void sgdrt_free_checkpoint(sgdrt_checkpoint *checkpoint);                                  /* NULL is fine */
const sgdrt_entry *sgdrt_find_entry(const sgdrt_checkpoint *checkpoint, const char *name); /* or NULL */
const char *sgdrt_find_metadata(const sgdrt_checkpoint *checkpoint, const char *key);      /* or NULL */
/* Copies every wanted entry into its data; nothing is written unless all are there with their dtype and
 * shape. Entries of the file that are not wanted are left. */
int sgdrt_restore(const sgdrt_checkpoint *checkpoint, const sgdrt_entry *wanted, int wanted_count,
                  sgdrt_problem *problem);

#ifdef __cplusplus
}
#endif
#endif
