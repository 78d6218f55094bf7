/* chars: characters of texts at the edges of the reader's window, their places, and rows that overlap. */
#include "data_files.h"
#include "text.h"

enum { WINDOW = 1 << 16 }; /* of text_file.h */

static int load(const char *path, int64_t classes, sgdrt_dtype dtype, int64_t stride, sgdrt_table **table,
                sgdrt_problem *problem) {
    static const int64_t two[] = {2};
    sgdrt_vocabulary learnt;
    memset(problem, 0, sizeof *problem);
    int code = sgdrt_learn_characters(path, "x", classes, &learnt, problem);
    if (code) return code;
    sgdrt_column_request columns[] = {
        {.name = "x", .dtype = dtype, .rank = 1, .shape = two, .classes = classes},
        {.name = "y", .dtype = dtype, .classes = classes, .offset = 2},
    };
    for (int c = 0; c < 2; c++) {
        columns[c].remap_words = learnt.words;
        columns[c].remap_count = (int)learnt.count;
    }
    sgdrt_request request = {.name = "text",
                             .source = SGDRT_CHARS,
                             .path = path,
                             .window_stride = stride,
                             .rows_end = -1,
                             .columns = columns,
                             .column_count = 2};
    code = sgdrt_load(&request, table, problem);
    if (!code) cr_assert(!sgdrt_check_labels(*table, problem));
    sgdrt_free_vocabulary(&learnt);
    return code;
}

static int class_at(const sgdrt_table *table, int column, int64_t row, int element) {
    const unsigned char *at = sgdrt_row(table, column, row);
    return table->described[column].dtype == SGDRT_U8 ? at[element] : ((const int32_t *)(const void *)at)[element];
}

/* "cab" again and again: a = 0, b = 1, c = 2. */
static void check_rows(sgdrt_dtype dtype, int64_t stride) {
    char text[300];
    for (int i = 0; i < 300; i++) text[i] = "cab"[i % 3];
    TestFile file = test_file_bytes(text, sizeof text);
    sgdrt_table *table;
    sgdrt_problem problem;
    cr_assert(!load(file.path, 3, dtype, stride, &table, &problem), "%s", problem.message);
    cr_assert(table->rows == (300 - 3) / stride + 1);
    for (int64_t r = 0; r < table->rows; r++) {
        cr_assert(class_at(table, 0, r, 0) == (r * stride + 2) % 3);
        cr_assert(class_at(table, 0, r, 1) == (r * stride + 3) % 3);
        cr_assert(class_at(table, 1, r, 0) == (r * stride + 4) % 3);
    }
    sgdrt_table *copy;
    cr_assert(!sgdrt_copy_table(table, &copy, &problem));
    cr_assert(copy->rows == table->rows &&
              class_at(copy, 1, copy->rows - 1, 0) == class_at(table, 1, table->rows - 1, 0));
    sgdrt_free_table(copy);
    sgdrt_free_table(table);
    test_file_remove(&file);
}

Test(chars, rows_overlap) {
    for (int64_t stride = 1; stride < 5; stride++) {
        check_rows(SGDRT_U8, stride);
        check_rows(SGDRT_I32, stride);
    }
}

/* A character of three bytes, and CRLF, at each place around the edge; what follows is where it should be. */
Test(chars, across_the_window) {
    static char text[WINDOW + 64];
    for (int at = WINDOW - 6; at < WINDOW + 3; at++) {
        memset(text, 'a', sizeof text);
        memcpy(text + at, "\xE2\x82\xAC\r\nb\xFF", 7);
        TestFile file = test_file_gzip(text, (size_t)at + 6), longer = test_file_bytes(text, (size_t)at + 7);
        sgdrt_table *table;
        sgdrt_problem problem;
        cr_assert(!load(file.path, 4, SGDRT_U8, 1, &table, &problem), "%s", problem.message);
        cr_assert(table->rows == at + 1); /* at + 3 characters */
        cr_assert(class_at(table, 0, at, 0) == 3 && class_at(table, 0, at, 1) == 0 && class_at(table, 1, at, 0) == 2);
        sgdrt_free_table(table);
        cr_assert(load(longer.path, 4, SGDRT_U8, 1, &table, &problem) == 431);
        cr_assert(problem.line == 2 && problem.column == 2);
        test_file_remove(&file);
        test_file_remove(&longer);
    }
}

Test(chars, one_class_too_many) {
    TestFile file = test_file_text("ab\ncd\xC3\xA9");
    sgdrt_table *table;
    sgdrt_problem problem;
    cr_assert(load(file.path, 5, SGDRT_U8, 1, &table, &problem) == 432 && problem.line == 2 && problem.column == 3);
    cr_assert(strstr(problem.help, "label[6]"));
    cr_assert(!load(file.path, 6, SGDRT_U8, 1, &table, &problem));
    sgdrt_free_table(table);
    test_file_remove(&file);
}
