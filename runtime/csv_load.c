/* csv_load: a whole csv as a table: shared among threads as far as that goes, and then by one. */
#include "class_words.h"
#include "csv_reader.h"
#include "problem.h"
#include <string.h>

/* A first guess at the rows from the length of one, so that most files are read without growing. */
static int64_t guess_rows(const CsvReader *r) {
    const char *line_end = memchr(r->text.row, '\n', (size_t)(r->text.end - r->text.row));
    uint64_t most = sgdrt_input_most(r->text.input), row_bytes = 64;
    if (line_end) row_bytes = (uint64_t)(line_end - r->text.row) + 1;
    uint64_t rows = most == UINT64_MAX || sgdrt_input_is_gzip(r->text.input) ? 4096 : most / row_bytes + 64;
    rows += rows / 16;
    uint64_t wanted = (uint64_t)(r->request->rows_end < 0 ? TABLE_MOST_ROWS : r->request->rows_end);
    return (int64_t)(rows < wanted ? rows : wanted);
}

static int load_table(CsvReader *r) {
    int64_t rows = 0, begin, end;
    int code = sgdrt_csv_reader_open(r, false);
    if (!code) code = sgdrt_table_reserve(r->table, guess_rows(r), r->problem);
    if (!code) code = sgdrt_csv_read_shared(r, &rows);
    if (!code) code = sgdrt_csv_read_rows(r, UINT64_MAX, &rows);
    if (!code) code = sgdrt_row_range(r->request->path, r->request, r->in_file, &begin, &end, r->problem);
    if (!code && !rows)
        code = sgdrt_problem_set(r->problem, PROBLEM_EMPTY, r->request->path, 0, 0, "none of its %lld rows can be read",
                                 (long long)(end - begin));
    if (code) return code;
    sgdrt_table_settle(r->table, rows);
    r->table->row_in_file = r->table->own->row_in_file;
    for (int c = 0; c < r->table->column_count && !code; c++)
        if (r->table->own->words[c]) code = sgdrt_settle_words(r->table, c, r->problem);
    return code;
}

int sgdrt_csv_load(const sgdrt_request *request, sgdrt_table **table, sgdrt_problem *problem) {
    sgdrt_problem unseen;
    CsvReader r = {.request = request, .problem = problem ? problem : &unseen};
    int code = load_table(&r);
    sgdrt_csv_reader_close(&r);
    if (code)
        sgdrt_free_table(r.table);
    else
        *table = r.table;
    return code;
}
