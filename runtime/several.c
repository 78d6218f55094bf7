/* several: data sets in several files. Each is read as if it were alone, so what is wrong in one is told with its name, its
 * line and its column; then rows stand one after the other, in the order of the files. Which file a row is of stays
 * known. `rows` counts through all of them.
 */
#include "problem.h"
#include "table.h"
#include <stdlib.h>
#include <string.h>

static bool remember(sgdrt_table *table, const sgdrt_request *one, const sgdrt_table *part) {
    struct sgdrt_table_private *own = table->own;
    TableFile *file = &own->files[own->file_count++];
    *file = (TableFile){.rows = part->rows,
                        .rows_begin = part->own->rows_begin,
                        .has_header = part->has_header,
                        .delimiter = part->delimiter};
    if (one->path) {
        file->path = strdup(one->path);
        return file->path != NULL;
    }
    file->paths = calloc((size_t)one->column_count, sizeof *file->paths);
    bool good = file->paths != NULL;
    for (int c = 0; good && c < one->column_count; c++) good = (file->paths[c] = strdup(one->columns[c].path)) != NULL;
    return good;
}

/* Where each file's rows are, from the first table on: the request of file f, of which `columns` is a copy. */
static sgdrt_request request_of(const sgdrt_request *request, sgdrt_column_request *columns, int f) {
    sgdrt_request one = *request;
    for (int c = 0; c < request->column_count; c++) {
        columns[c] = request->columns[c];
        if (columns[c].paths) columns[c].path = columns[c].paths[f];
    }
    one.columns = columns;
    one.path = request->paths ? request->paths[f] : NULL;
    one.paths = NULL;
    one.path_count = 0;
    one.rows_begin = 0;
    one.rows_end = -1;
    return one;
}

static int add_file(const sgdrt_request *one, TableLoader *load, int files, sgdrt_table **table,
                    sgdrt_problem *problem) {
    sgdrt_table *part = NULL;
    int code = load(one, &part, problem);
    if (code) return code;
    bool first = !*table;
    if (first) *table = part;
    if (first && !(part->own->files = calloc((size_t)files, sizeof *part->own->files)))
        return sgdrt_problem_memory(problem, one->path, sizeof *part->own->files * (size_t)files);
    if (!remember(*table, one, part)) code = sgdrt_problem_memory(problem, one->path, 0);
    if (!code && !first) code = sgdrt_table_append(*table, part, problem);
    if (first) return code;
    if (!code) { /* columns may stand elsewhere in each file */
        (*table)->own->files[(*table)->own->file_count - 1].field_of = part->own->field_of;
        part->own->field_of = NULL;
    }
    sgdrt_free_table(part);
    return code;
}

/* rows = a..b of all files together. */
static int keep_range(const sgdrt_request *request, sgdrt_table *table, sgdrt_problem *problem) {
    const char *path = request->path ? request->path : request->columns[0].path;
    int64_t begin, end;
    int code = sgdrt_row_range(path, request, table->rows, &begin, &end, problem);
    if (code || end - begin == table->rows) return code;
    uint8_t *keep = calloc((size_t)table->rows, 1);
    if (!keep) return sgdrt_problem_memory(problem, path, (size_t)table->rows);
    memset(keep + begin, 1, (size_t)(end - begin));
    code = sgdrt_keep_rows(table, keep, problem);
    free(keep);
    return code;
}

int sgdrt_several_load(const sgdrt_request *request, TableLoader *load, sgdrt_table **result, sgdrt_problem *problem) {
    sgdrt_column_request *columns = calloc((size_t)request->column_count + 1, sizeof *columns);
    sgdrt_table *table = NULL;
    int code = columns ? 0 : sgdrt_problem_memory(problem, request->path, sizeof *columns);
    for (int f = 0; !code && f < request->path_count; f++) {
        sgdrt_request one = request_of(request, columns, f);
        one.refused = NULL; /* rows that are left out would be numbered anew in each file */
        code = add_file(&one, load, request->path_count, &table, problem);
    }
    if (!code) code = keep_range(request, table, problem);
    free(columns);
    if (code)
        sgdrt_free_table(table);
    else
        *result = table;
    return code;
}
