/* table: how rows lie in memory. Inside the runtime only.
 *
 * Rows are held in blocks: one block of records where columns are used together (csv, synthetic), or a block
 * for each column (images). Column c lies in block block_of[c], offset_of[c] bytes into each of its rows.
 * Every block has TABLE_PADDING readable bytes after its last row, so that code may load a whole vector
 * there. Rows that are windows of one text overlap in their block, which is of `overlapping` bytes, and begin anywhere
 * in it: they cannot be moved.
 */
#ifndef SGDRT_TABLE_H
#define SGDRT_TABLE_H
#include "sgdrt.h"

enum { TABLE_PADDING = 64 };
#define TABLE_MOST_ROWS ((int64_t)UINT32_MAX) /* rows are numbered by uint32_t */
#define TABLE_NO_WORD INT32_MIN               /* a text that remap_words does not list, until labels are checked */
#define TABLE_NO_INTEGER INT32_MIN            /* a whole number that is missing, until keep has left rows */
#define TABLE_NO_TEXT (INT32_MIN + 1)         /* one that is missing where nothing stands for it, until then */

typedef struct TableBlock {
    unsigned char *bytes;
    size_t stride;
} TableBlock;

/* One of several files that a table is of. */
typedef struct TableFile {
    char *path;   /* of a csv */
    char **paths; /* of arrays: by column */
    int64_t rows; /* of the table before some were left out */
    int64_t rows_begin;
    bool has_header;
    char delimiter;
    int **field_of; /* by column, then element; NULL: as of the table */
} TableFile;

struct sgdrt_table_private {
    TableBlock *blocks;
    int block_count;
    bool together;      /* one block of records */
    size_t overlapping; /* bytes of the one block of windows; 0: rows lie one after the other */
    int *block_of;
    size_t *offset_of;
    bool *wide;                /* by column: loaded as f64 for standardizing */
    bool *numbered;            /* by column: its classes are as they were read */
    struct ClassWords **words; /* by column: texts that it learns; NULL */
    int64_t capacity;          /* rows that fit in the blocks */
    uint32_t *row_in_file;
    /* csv: enough to find a row's place in its file again */
    char *path;
    char comment;
    int64_t rows_begin;
    int **field_of;   /* by column, then element; NULL: not from a csv */
    TableFile *files; /* several files, one after the other; NULL: one */
    int file_count;
    const int64_t *line_of; /* by row, where they are known; else NULL */
    void *strings;          /* copies of names, shapes, remaps */
};

/* A table without rows. together: all columns in one block of records. */
int sgdrt_table_make(const char *path, const sgdrt_column_request *columns, int count, bool together,
                     sgdrt_table **table, sgdrt_problem *problem);
/* Places the columns in the rows of their blocks, as their types say. */
void sgdrt_table_lay_out(sgdrt_table *table);
int sgdrt_table_reserve(sgdrt_table *table, int64_t rows, sgdrt_problem *problem);
/* The one block has room for so many items, of which rows will be windows. */
int sgdrt_table_reserve_items(sgdrt_table *table, int64_t items, sgdrt_problem *problem);
/* Of `items` items in the block, row r begins at item (begin + r) * stride; columns at their offsets in it. */
void sgdrt_table_settle_windows(sgdrt_table *table, int64_t begin, int64_t end, int64_t stride, int64_t items);
/* The blocks hold `rows` rows from now on: gives back what is too much, sets the columns. */
void sgdrt_table_settle(sgdrt_table *table, int64_t rows);

/* Adds the rows of another table of the same columns; no row of either has been left out. */
int sgdrt_table_append(sgdrt_table *table, const sgdrt_table *other, sgdrt_problem *problem);
/* The path of a column's file that the row was read from, and (*row) its number there. */
const char *sgdrt_table_file(const sgdrt_table *table, int column, int64_t *row, const TableFile **file);
/* Moves the rows whose byte is not 0 to the front, in their order; how many. The table is to be settled then. */
int64_t sgdrt_table_compact(sgdrt_table *table, const uint8_t *keep);
/* The blocks hold rows of the types as loaded again, before they were standardized. */
void sgdrt_table_widen(sgdrt_table *table);
/* Is a number of the column missing? Where reading left that to be told here (sgdrt_request.keeps). */
int sgdrt_check_missing(const sgdrt_table *table, int column, sgdrt_problem *problem);
/* sgdrt_check_labels that goes on: bad[row] becomes 1 where a label is none, and the problem is of the first such row. */
int sgdrt_table_mark_labels(sgdrt_table *table, uint8_t *bad, sgdrt_problem *problem);

/* The problem of a text that no class has. */
int sgdrt_table_no_class(const sgdrt_table *table, int column, int64_t row, int64_t element, const char *word,
                         sgdrt_problem *problem);

/* The range rows_begin .. rows_end of a file with `rows` rows; a problem if it is not inside. */
int sgdrt_row_range(const char *path, const sgdrt_request *request, int64_t rows, int64_t *begin, int64_t *end,
                    sgdrt_problem *problem);

/* Fills a new table, by `load` from each file: paths (several.c); from rows of the file: window (windows.c). */
typedef int TableLoader(const sgdrt_request *request, sgdrt_table **table, sgdrt_problem *problem);
int sgdrt_several_load(const sgdrt_request *request, TableLoader *load, sgdrt_table **table, sgdrt_problem *problem);
int sgdrt_windows_load(const sgdrt_request *request, TableLoader *load, sgdrt_table **table, sgdrt_problem *problem);
TableLoader sgdrt_libsvm_load;
/* Fills a new table. */
int sgdrt_csv_load(const sgdrt_request *request, sgdrt_table **table, sgdrt_problem *problem);
/* The line and byte column of a field of the row that was number `row` before rows were left out, if it is still there; its text as
 * an excerpt. */
bool sgdrt_csv_find(const sgdrt_table *table, int64_t row, int field, int64_t *line, int64_t *column, char *shown,
                    size_t shown_size);
#endif
