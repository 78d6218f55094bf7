/* windows: rows that are several rows of a file, one after the other: of a series, say, to foretell what comes next.
 *
 * The file is read as it is, labels are numbered, and then rows are put together: a windowed column has as its first axis
 * the rows from its offset on, any other the one row at its offset.
 */
#include "problem.h"
#include "table.h"
#include <stdlib.h>
#include <string.h>

/* Of so many rows of the file a column's row is; more than one are its first axis. */
static int64_t places_of(const sgdrt_column_request *column) {
    int64_t elements = 1;
    for (int a = 0; a < column->rank; a++) elements *= column->shape[a];
    return column->windowed && column->csv_count > 0 ? elements / column->csv_count : 1;
}

/* So many rows of the file a row takes, as far as its columns reach. */
static int64_t reach_of(const sgdrt_request *request) {
    int64_t reach = 1;
    for (int c = 0; c < request->column_count; c++) {
        const sgdrt_column_request *column = &request->columns[c];
        int64_t end = column->offset + places_of(column);
        if (end > reach) reach = end;
    }
    return reach;
}

static void fill(const sgdrt_request *request, const sgdrt_table *from, sgdrt_table *to) {
    for (int c = 0; c < request->column_count; c++) {
        const sgdrt_column_request *column = &request->columns[c];
        int64_t places = places_of(column);
        size_t bytes = (size_t)from->described[c].elements * sgdrt_dtype_bytes(from->described[c].dtype);
        for (int64_t r = 0; r < to->rows; r++)
            for (int64_t p = 0; p < places; p++)
                memcpy((char *)sgdrt_row(to, c, r) + bytes * (size_t)p,
                       sgdrt_row(from, c, r * request->window_stride + column->offset + p), bytes);
    }
}

static int put_together(const sgdrt_request *request, sgdrt_column_request *columns, const sgdrt_table *from,
                        sgdrt_table **table, sgdrt_problem *problem) {
    int64_t reach = reach_of(request), rows = (from->rows - reach) / request->window_stride + 1;
    if (from->rows < reach)
        return sgdrt_problem_set(problem, PROBLEM_EMPTY, request->path, 0, 0,
                                 "the file has %lld row%s, and a window takes %lld", (long long)from->rows,
                                 from->rows == 1 ? "" : "s", (long long)reach);
    for (int c = 0; c < request->column_count; c++) { /* labels are numbered already */
        columns[c] = request->columns[c];
        columns[c].remap_count = 0;
        columns[c].remap = NULL;
        columns[c].remap_words = NULL;
    }
    int code = sgdrt_table_make(request->path, columns, request->column_count, true, table, problem);
    if (!code) code = sgdrt_table_reserve(*table, rows, problem);
    if (code) return code;
    sgdrt_table_settle(*table, rows);
    sgdrt_table_column *described = (sgdrt_table_column *)(*table)->described;
    for (int c = 0; c < request->column_count; c++) described[c].missing = from->described[c].missing;
    (*table)->has_header = from->has_header;
    (*table)->delimiter = from->delimiter;
    fill(request, from, *table);
    return 0;
}

/* The shapes of one row of the file. */
static void request_rows(const sgdrt_request *request, sgdrt_column_request *columns) {
    for (int c = 0; c < request->column_count; c++) {
        columns[c] = request->columns[c];
        if (places_of(&columns[c]) == 1) continue;
        columns[c].rank--;
        columns[c].shape++;
    }
}

int sgdrt_windows_load(const sgdrt_request *request, TableLoader *load, sgdrt_table **result, sgdrt_problem *problem) {
    sgdrt_column_request *columns = calloc((size_t)request->column_count + 1, sizeof *columns);
    sgdrt_table *from = NULL, *table = NULL;
    if (!columns) return sgdrt_problem_memory(problem, request->path, sizeof *columns);
    sgdrt_request rows = *request;
    rows.columns = columns;
    rows.window = 0;
    rows.refused = NULL; /* a row that is left out would be a gap in a series */
    request_rows(request, columns);
    int code = load(&rows, &from, problem);
    if (!code) code = sgdrt_check_labels(from, problem);
    if (!code) code = put_together(request, columns, from, &table, problem);
    sgdrt_free_table(from);
    free(columns);
    if (code)
        sgdrt_free_table(table);
    else
        *result = table;
    return code;
}
