/* csv_find: where a value of a table stands in its file, for messages: the file is passed over once more, up to there. */
#include "csv_text.h"
#include "problem.h"
#include "table.h"
#include <string.h>

const char *sgdrt_table_file(const sgdrt_table *table, int column, int64_t *row, const TableFile **file) {
    const struct sgdrt_table_private *own = table->own;
    const char *path = table->described[column].path ? table->described[column].path : own->path;
    *file = NULL;
    for (int f = 0; f < own->file_count; f++) {
        *file = &own->files[f];
        if (*row < (*file)->rows || f + 1 == own->file_count) break;
        *row -= (*file)->rows;
    }
    *row += *file ? (*file)->rows_begin : own->rows_begin;
    return !*file ? path : (*file)->paths ? (*file)->paths[column] : (*file)->path;
}

bool sgdrt_csv_find(const sgdrt_table *table, int64_t row, int field, int64_t *line, int64_t *column, char *shown,
                    size_t shown_size) {
    const TableFile *file;
    const char *path = sgdrt_table_file(table, 0, &row, &file);
    bool has_header = file ? file->has_header : table->has_header;
    CsvForm form = {.delimiter = file ? file->delimiter : table->delimiter, .comment = table->own->comment};
    sgdrt_problem unseen;
    CsvText text = {0};
    bool found = false, more = true;
    if (strcmp(path, "-") == 0 || sgdrt_csv_open(&text, path, form, &unseen)) {
        sgdrt_csv_close(&text);
        return false;
    }
    for (int64_t before = row + has_header; before > 0 && more; before--)
        more = !sgdrt_csv_begin_row(&text, &more) && more && !sgdrt_csv_skip_row(&text);
    more = more && !sgdrt_csv_begin_row(&text, &more) && more;
    while (more) {
        const char *p = text.row;
        CsvField at;
        CsvStatus status = CSV_FINE;
        text.inner_lines = 0;
        text.inner_begin = NULL;
        for (int f = 0; f <= field && status == CSV_FINE; f++) {
            bool row_ends = false;
            status = f ? sgdrt_csv_separator(&text, &p, &row_ends) : CSV_FINE;
            if (status == CSV_FINE && row_ends) status = CSV_PROBLEM;
            if (status == CSV_FINE && f == field)
                while (*p == ' ') p++;
            if (status == CSV_FINE && f == field) sgdrt_csv_place(&text, p, line, column);
            if (status == CSV_FINE) status = sgdrt_csv_field(&text, &p, &at);
        }
        found = status == CSV_FINE;
        if (found) sgdrt_excerpt(shown, shown_size, at.text, at.length, 40);
        more = status == CSV_MORE && !sgdrt_csv_refill(&text);
    }
    sgdrt_csv_close(&text);
    return found;
}
