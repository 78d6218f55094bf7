/* Rows of a csv as they come. The first three bytes choose the columns, the block and what happens to bad rows. */
#include "fuzz.h"
#include "row_stream.h"

/* What a block gives holds together: rows that can be read, lines and texts in their order. */
static void look(const sgdrt_row_block *block, int texts, int64_t *line) {
    unsigned char sum = 0;
    size_t end = 0;
    for (int64_t r = 0; r < block->table->rows; r++) {
        if (block->line[r] <= *line) abort();
        *line = block->line[r];
        for (int t = 0; t < texts; t++) {
            size_t next = block->text_end[r * texts + t];
            if (next < end) abort();
            for (; end < next; end++) sum ^= (unsigned char)block->text[end];
        }
        for (int c = 0; c < block->table->column_count; c++)
            sum ^= *(const unsigned char *)sgdrt_row(block->table, c, r);
    }
    volatile unsigned char seen = sum;
    (void)seen;
}

static void standardize(sgdrt_table *table) {
    static const double zero[2], one[2] = {1, 1};
    const double *mean[] = {zero, zero, NULL}, *deviation[] = {one, one, NULL};
    sgdrt_problem problem = {0};
    if (table->rows) sgdrt_standardize(table, mean, deviation, &problem);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static const int64_t first[] = {0}, two[] = {2}, others[] = {1, 0};
    static const double remap[] = {3, 7};
    static const char *const words[] = {"a", "no"}, *const texts[] = {"1", "a", "0"};
    if (length < 3) return 0;
    FuzzFile file = fuzz_file(bytes + 3, length - 3);
    const sgdrt_column_request columns[] = {
        {.name = "x", .dtype = SGDRT_F32, .wide = bytes[0] & 1, .csv_index = first},
        {.name = "y", .dtype = SGDRT_F32, .rank = 1, .shape = two, .csv_index = others},
        {.name = "z",
         .dtype = SGDRT_I32,
         .csv_index = first,
         .classes = 2,
         .remap = bytes[0] & 2 ? NULL : remap,
         .remap_words = bytes[0] & 2 ? words : NULL,
         .remap_count = 2},
    };
    const sgdrt_request request = {.name = "d",
                                   .source = SGDRT_CSV,
                                   .path = file.path,
                                   .header = bytes[0] / 4 % 3 - 1,
                                   .missing_is_error = bytes[0] & 16,
                                   .rows_begin = bytes[0] / 32 & 1,
                                   .rows_end = -1,
                                   .columns = columns,
                                   .column_count = 1 + bytes[1] % 3};
    const sgdrt_row_options options = {
        .texts = texts, .text_count = bytes[1] / 4 % 4, .live = bytes[1] & 16, .skip_bad = bytes[1] & 32};
    sgdrt_row_stream *stream = NULL;
    sgdrt_problem problem = {0};
    int code = sgdrt_rows_open(&request, &options, &stream, &problem);
    int64_t line = 0;
    sgdrt_row_block block = {0};
    do {
        if (!code) code = sgdrt_rows_next(stream, 1 + bytes[2] % 5, &block, &problem);
        if (code ? problem.code != code || !problem.message[0] : 0) abort();
        if (code) break;
        uint8_t keep[5] = {bytes[2] & 8, bytes[2] & 16, 1, bytes[2] & 32, 1};
        int64_t rows = block.table->rows;
        if (bytes[2] & 64) sgdrt_rows_keep(stream, keep, &block);
        look(&block, options.text_count, &line);
        standardize(block.table);
        if (!rows) break;
    } while (true);
    const sgdrt_problem *skipped;
    if (stream && sgdrt_rows_skipped(stream, &skipped) && !options.skip_bad) abort();
    sgdrt_rows_close(stream);
    close(file.fd);
    return 0;
}
