/* csv: values, headers, quotes, line ends, missing values, row ranges, labels; every kind of malformed file.
 */
#include "data_files.h"
#include <float.h>
#include <math.h>

typedef struct Wanted {
    const char *names[8];
    int count; /* NULL names: columns 0 .. count-1 */
    sgdrt_dtype dtype;
    int64_t classes;
    char delimiter;
    bool header_is_first, missing_is_value;
    double missing;
    int64_t begin, end;
    char decimal, comment;
    bool truncated;
} Wanted;

static int load_file(const char *path, const Wanted *w, sgdrt_table **table, sgdrt_problem *problem) {
    static const int64_t index[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    int64_t shape[1] = {w->count};
    sgdrt_column_request column = {.name = "x",
                                   .dtype = w->dtype,
                                   .rank = 1,
                                   .shape = shape,
                                   .csv_index = index,
                                   .csv_name = w->names[0] ? w->names : NULL,
                                   .truncated = w->truncated,
                                   .classes = w->classes};
    sgdrt_request request = {.name = "d",
                             .source = SGDRT_CSV,
                             .path = path,
                             .delimiter = w->delimiter,
                             .decimal = w->decimal,
                             .comment = w->comment,
                             .header = w->header_is_first ? 1 : -1,
                             .missing_is_error = !w->missing_is_value,
                             .missing_value = w->missing,
                             .rows_begin = w->begin,
                             .rows_end = w->end ? w->end : -1,
                             .columns = &column,
                             .column_count = 1};
    int code = sgdrt_load(&request, table, problem);
    if (!code && (code = sgdrt_check_labels(*table, problem)) != 0) sgdrt_free_table(*table);
    cr_assert(code == 0 || (problem->code == code && problem->message[0]));
    return code;
}

static void expect_values(const char *text, Wanted w, int64_t rows, const double *values) {
    TestFile file = test_file_text(text);
    sgdrt_table *table;
    sgdrt_problem problem = {0};
    int code = load_file(file.path, &w, &table, &problem);
    cr_assert_eq(code, 0, "%s: E%04d %s", text, code, problem.message);
    cr_assert_eq(table->rows, rows, "%s: %lld rows", text, (long long)table->rows);
    for (int64_t r = 0; r < rows; r++)
        for (int e = 0; e < w.count; e++) {
            const void *row = sgdrt_row(table, 0, r);
            double got = w.dtype == SGDRT_F32   ? ((const float *)row)[e]
                         : w.dtype == SGDRT_I32 ? ((const int32_t *)row)[e]
                         : w.dtype == SGDRT_F64 ? ((const double *)row)[e]
                                                : ((const uint8_t *)row)[e];
            double want = w.dtype == SGDRT_F32 ? (double)(float)values[r * w.count + e] : values[r * w.count + e];
            cr_assert_eq(got, want, "%s: row %lld element %d is %.17g", text, (long long)r, e, got);
        }
    sgdrt_free_table(table);
    test_file_remove(&file);
}
#define EXPECT(text, rows, wanted, ...) expect_values(text, (Wanted)wanted, rows, (const double[]){__VA_ARGS__})
#define W(...) \
    { __VA_ARGS__ }

static void expect_problem(const char *text, Wanted w, int code, int64_t line, int64_t column, const char *part) {
    TestFile file = test_file_text(text);
    sgdrt_table *table = NULL;
    sgdrt_problem problem = {0};
    cr_assert_eq(load_file(file.path, &w, &table, &problem), code, "%s: E%04d %s", text, problem.code, problem.message);
    cr_assert(problem.line == line && problem.column == column, "%s: at %lld:%lld: %s", text, (long long)problem.line,
              (long long)problem.column, problem.message);
    cr_assert(strstr(problem.message, part) || strstr(problem.help, part), "%s: %s; %s", text, problem.message,
              problem.help);
    test_file_remove(&file);
}

Test(csv, plain) {
    EXPECT("1,2\n3,4\n", 2, W(.count = 2), 1, 2, 3, 4);
    EXPECT("1,2\n3,4", 2, W(.count = 2), 1, 2, 3, 4);
    EXPECT("1,2\r\n3,4\r\n", 2, W(.count = 2), 1, 2, 3, 4);
    EXPECT("1,2\r3,4\r", 2, W(.count = 2), 1, 2, 3, 4);
    EXPECT("\xEF\xBB\xBF"
           "1,2\n\n  \n3,4\n\n\n",
           2, W(.count = 2), 1, 2, 3, 4);
    EXPECT("1\t-2\n3\t+4\n", 2, W(.count = 2), 1, -2, 3, 4);
    EXPECT("1;.5\n3.;4e2\n", 2, W(.count = 2), 1, .5, 3, 400);
    EXPECT(" 1  2\n3 \t4 \n", 2, W(.count = 2, .delimiter = ' '), 1, 2, 3, 4);
    EXPECT("1 , 2\n 3,4 \n", 2, W(.count = 2), 1, 2, 3, 4);
    EXPECT("7\n8\n", 2, W(.count = 1), 7, 8);
    EXPECT("1,2,x\n3,4,\n", 2, W(.count = 2), 1, 2, 3, 4);
    EXPECT("123456789,1234567890123456789012345\n", 1, W(.count = 2), 123456789, 1234567890123456789012345.);
    EXPECT("1.23456789012345678901234567890,-0.00000000000000000000000000000012345678\n", 1, W(.count = 2),
           1.2345678901234568, -1.2345678e-31);
}

Test(csv, headers) {
    EXPECT("a,b\n1,2\n", 1, W(.count = 2), 1, 2);
    EXPECT("a,2019\n1,2\n", 1, W(.count = 2, .header_is_first = true), 1, 2);
    EXPECT(",a 1,2nd\n0,1,2\n", 1, W(.count = 3), 0, 1, 2);
    EXPECT("1990,1991\n1,2\n", 2, W(.count = 2), 1990, 1991, 1, 2);
    /* Some numbers in it: data, with a mistake. */
    expect_problem("a,2019\n1,2\n", (Wanted)W(.count = 2), 405, 1, 1, "\"a\" is not a number");
    expect_problem("1.5x,2.5\n1,2\n", (Wanted)W(.count = 2), 405, 1, 1, "\"1.5x\" is not a number");
    expect_problem("2.5,1.5x\n1,2\n", (Wanted)W(.count = 2), 405, 1, 5, "header = true");
    expect_problem("1.5x\n1\n", (Wanted)W(.count = 1), 405, 1, 1, "\"1.5x\" is not a number");
    EXPECT("NA,5\n1,2\n", 2, W(.count = 2, .missing_is_value = true, .missing = 9), 9, 5, 1, 2);
    EXPECT("10,20\n1,2\n", 1, W(.count = 2, .header_is_first = true), 1, 2);
    EXPECT("price,\"the, size\"\n1,2\n3,4\n", 2, W(.count = 2, .names = {"the, size", "price"}), 2, 1, 4, 3);
}

Test(csv, quotes) {
    EXPECT("\"1\",\"2\"\n\"3\",4\n", 2, W(.count = 2), 1, 2, 3, 4);
    EXPECT("1,2,\"a \"\"b\"\", c\nd\"\n3,4,e\n", 2, W(.count = 2), 1, 2, 3, 4);
    expect_problem("1,2,\"a\nb\"\n3,x,e\n", (Wanted)W(.count = 2), 405, 3, 3, "\"x\" is not a number");
    expect_problem("1,2\n3,\"4\n5,6\n", (Wanted)W(.count = 2), 409, 2, 3, "not closed");
    expect_problem("1,2\n3,\"4\"5\n", (Wanted)W(.count = 2), 409, 2, 3, "more text");
}

Test(csv, missing) {
    EXPECT("1,\n,4\nNA,n/a\nnan,?\n", 4, W(.count = 2, .missing_is_value = true, .missing = -1), 1, -1, -1, 4, -1, -1,
           -1, -1);
    EXPECT("1,\n0,1\n", 2, W(.count = 2, .dtype = SGDRT_I32, .missing_is_value = true, .missing = 3), 1, 3, 0, 1);
    expect_problem("1,2\n,3\n", (Wanted)W(.count = 2), 406, 2, 1, "missing");
    expect_problem("1,2\n3,\n", (Wanted)W(.count = 2), 406, 2, 3, "missing");
    expect_problem("a,price\n1,2\n3,n/a\n", (Wanted)W(.count = 2), 406, 3, 3,
                   "\"n/a\" stands for a missing value (column \"price\")");
    expect_problem("1,2\n,3\n", (Wanted)W(.count = 2, .dtype = SGDRT_I32, .missing_is_value = true, .missing = .5), 404,
                   2, 1, "missing");
}

Test(csv, numbers_that_are_none) {
    const char *texts[] = {"x",   "1x",       "--1",  "1e",  "e5",    ".",   "-",        "+",        "1.2.3",
                           "inf", "Infinity", "0x10", "1 2", "1_000", "1e+", "\"\"\"\"", "1\xC3\xA9"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[64];
        snprintf(text, sizeof text, "1,2\n3,%s\n", texts[i]);
        expect_problem(text, (Wanted)W(.count = 2), 405, 2, 3, "is not a number");
    }
    expect_problem("1,2\n3,1e39\n", (Wanted)W(.count = 2), 405, 2, 3, "too large for f32");
    expect_problem("1,2\n3,1e309\n", (Wanted)W(.count = 2, .dtype = SGDRT_F64), 405, 2, 3, "too large for f64");
    expect_problem("1;2\n3;1,5\n", (Wanted)W(.count = 2, .delimiter = ';'), 405, 2, 3, "point");
}

Test(csv, decimal_comma) {
    EXPECT("a;b\n1,5;-2\n0,25;1e2\n", 2, W(.count = 2, .decimal = ','), 1.5, -2, .25, 100);
    EXPECT("1,5;2,5\n", 1, W(.count = 2, .decimal = ','), 1.5, 2.5);
    EXPECT("1,5\n2,5\n", 2, W(.count = 1, .decimal = ','), 1.5, 2.5);
    EXPECT("1,5\t2\n", 1, W(.count = 2, .decimal = ','), 1.5, 2);
    EXPECT("\"1,5\",\"2,25\"\n", 1, W(.count = 2, .decimal = ',', .delimiter = ','), 1.5, 2.25);
    EXPECT("7;8,0\n", 1, W(.count = 2, .decimal = ',', .dtype = SGDRT_I32), 7, 8);
    expect_problem("1,5;2\n1.000,5;3\n", (Wanted)W(.count = 2, .decimal = ','), 405, 2, 1, "with a comma");
    expect_problem("1,5;2\n1,000,5;3\n", (Wanted)W(.count = 2, .decimal = ','), 405, 2, 1, "not a number");
    expect_problem("1;2\n3;1,5\n", (Wanted)W(.count = 2), 405, 2, 3, "decimal = \",\"");
}

Test(csv, comments) {
    const char *text = "# of 2020, in metres\n#\n a,b\n1,2\n  # 7,8\n3,4\n#end";
    EXPECT(text, 2, W(.count = 2, .comment = '#'), 1, 2, 3, 4);
    EXPECT("%x;y\r\n1;2\r\n%\r\n3;4", 2, W(.count = 2, .comment = '%'), 1, 2, 3, 4);
    expect_problem("# a\n1,2\n#b\n3,x\n", (Wanted)W(.count = 2, .comment = '#'), 405, 4, 3, "not a number");
    expect_problem("# a\n1,2\n#b\n3,9\n", (Wanted)W(.count = 2, .comment = '#', .dtype = SGDRT_I32, .classes = 5), 404,
                   4, 3, "outside");
    expect_problem("# a\n", (Wanted)W(.count = 2, .comment = '#'), 411, 0, 0, "empty");
    /* Longer than the window is. */
    size_t length = 1 << 21;
    char *all = malloc(length + 32);
    memset(all, '#', length);
    strcpy(all + length, "\n5,6\n");
    EXPECT(all, 1, W(.count = 2, .comment = '#'), 5, 6);
    free(all);
}

Test(csv, what_is_meant_is_said) {
    Wanted semicolon = W(.count = 2, .delimiter = ';');
    expect_problem("a,b\n1,2\n", semicolon, 408, 0, 0, "delimiter = \",\"");
    expect_problem("1\t2\n3\t4\n", semicolon, 408, 0, 0, "separated by a tab");
    expect_problem("1,2\n3,4\n", (Wanted)W(.count = 1, .delimiter = ';'), 405, 1, 1, "delimiter = \",\"");
    expect_problem("a,b\n1,red\n", (Wanted)W(.count = 2), 405, 2, 3, "leave this column out");
    expect_problem("a,b\n1,red\n", (Wanted)W(.count = 2, .dtype = SGDRT_I32, .classes = 3), 405, 2, 3,
                   "name the texts that are classes");
    TestFile zeros = test_file_bytes("a,b\n1,\0\0\n", 9);
    sgdrt_table *table;
    sgdrt_problem problem;
    Wanted two = W(.count = 2);
    cr_assert_eq(load_file(zeros.path, &two, &table, &problem), 405);
    cr_assert(problem.line == 2 && problem.column == 3 && strstr(problem.help, "bytes of value 0"));
    test_file_remove(&zeros);
}

/* Whole numbers do not pass through a float; i32(...) cuts fractions off. */
Test(csv, whole_numbers) {
    EXPECT("16777217,-16777219\n2000000001,7.0\n", 2, W(.count = 2, .dtype = SGDRT_I32), 16777217, -16777219,
           2000000001, 7);
    EXPECT("16777217.9,-1.5\n0.25,1e-3\n", 2, W(.count = 2, .dtype = SGDRT_I32, .truncated = true), 16777217, -1, 0, 0);
    expect_problem("1\n2147483648.5\n", (Wanted)W(.count = 1, .dtype = SGDRT_I32, .truncated = true), 404, 2, 1,
                   "out of range");
}

Test(csv, integers) {
    EXPECT("1,-2\n3.0,1e2\n", 2, W(.count = 2, .dtype = SGDRT_I32), 1, -2, 3, 100);
    EXPECT("2147483647,-2147483648\n", 1, W(.count = 2, .dtype = SGDRT_I32), 2147483647, -2147483648.);
    EXPECT("0,255\n", 1, W(.count = 2, .dtype = SGDRT_U8), 0, 255);
    expect_problem("1\n1.5\n", (Wanted)W(.count = 1, .dtype = SGDRT_I32), 404, 2, 1, "not an integer");
    expect_problem("1\n2147483648\n", (Wanted)W(.count = 1, .dtype = SGDRT_I32), 404, 2, 1, "out of range");
    expect_problem("1\n-1\n", (Wanted)W(.count = 1, .dtype = SGDRT_U8), 404, 2, 1, "0 to 255");
    expect_problem("1\n99999999999999999999\n", (Wanted)W(.count = 1, .dtype = SGDRT_I32), 404, 2, 1, "out of range");
}

Test(csv, labels) {
    EXPECT("0\n1\n", 2, W(.count = 1, .dtype = SGDRT_I32, .classes = 2), 0, 1);
    expect_problem("0\n\n\"1\"\n2\n", (Wanted)W(.count = 1, .dtype = SGDRT_I32, .classes = 2), 404, 4, 1, "0..1");
    expect_problem("y\n0\n-1\n", (Wanted)W(.count = 1, .dtype = SGDRT_I32, .classes = 2), 404, 3, 1, "label -1");
}

Test(csv, rows) {
    EXPECT("a\n1\n2\n3\n4\n", 2, W(.count = 1, .begin = 1, .end = 3), 2, 3);
    EXPECT("a\n1\n2\nx\n", 2, W(.count = 1, .begin = 0, .end = 2), 1, 2);
    EXPECT("1\n2\n3\n", 1, W(.count = 1, .begin = 2), 3);
    expect_problem("1\n2\n3\n", (Wanted)W(.count = 1, .end = 4), 410, 0, 0, "3 rows");
    expect_problem("1\n2\n3\n", (Wanted)W(.count = 1, .begin = 3), 410, 0, 0, "3 rows");
    expect_problem("1\n2\n3\n", (Wanted)W(.count = 1, .begin = 2, .end = 2), 410, 0, 0, "rows = 2..2");
}

Test(csv, shape_of_the_file) {
    expect_problem("", (Wanted)W(.count = 1), 411, 0, 0, "empty");
    expect_problem("\n\n  \n", (Wanted)W(.count = 1), 411, 0, 0, "empty");
    expect_problem("a,b\n", (Wanted)W(.count = 1), 411, 0, 0, "no rows");
    expect_problem("1,2\n3\n", (Wanted)W(.count = 2), 407, 2, 0, "1 field");
    expect_problem("1,2\n3,4,5\n", (Wanted)W(.count = 2), 407, 2, 0, "more than 2");
    expect_problem("1,2\n3,4\n", (Wanted)W(.count = 3), 408, 0, 0, "no column 2");
    expect_problem("price,size\n3,4\n", (Wanted)W(.count = 1, .names = {"prize"}), 408, 1, 0, "did you mean \"price\"");
    expect_problem("price,size\n3,4\n", (Wanted)W(.count = 1, .names = {"colour"}), 408, 1, 0, "price, size");
    expect_problem("a,a\n3,4\n", (Wanted)W(.count = 1, .names = {"a"}), 408, 1, 0, "two columns");
    expect_problem("\xFF\xFE"
                   "1\0,\0",
                   (Wanted)W(.count = 1), 402, 1, 1, "UTF-16");
}

Test(csv, cannot_be_read) {
    sgdrt_table *table;
    sgdrt_problem problem;
    Wanted w = W(.count = 1);
    cr_assert_eq(load_file("/nowhere/at/all.csv", &w, &table, &problem), 401);
    cr_assert_eq(load_file("/tmp", &w, &table, &problem), 401);
}

/* Each text of a number must become the float that strtof gives, which rounds once. */
Test(csv, decimals_round_once) {
    enum { NUMBERS = 60000 };
    uint64_t seed = 1;
    char *text = malloc(NUMBERS * 64), *at = text, **each = malloc(sizeof *each * NUMBERS);
    for (int i = 0; i < NUMBERS; i++) {
        uint64_t r = test_random(&seed);
        uint32_t bits = (uint32_t)r & 0x7FFFFFFF;
        float f;
        memcpy(&f, &bits, 4);
        each[i] = at;
        if (i % 6 == 0 && isfinite(f)) /* any float, shortest and longer than it needs */
            at += sprintf(at, "%.*g", 1 + (int)(r >> 32) % 20, (double)f);
        else if (i % 6 == 1)
            at += sprintf(at, "%.*f", (int)(r >> 32) % 18, (double)(int32_t)r / 1e6);
        else if (i % 6 == 2 && isfinite(f) && f < 1e30 && f > 1e-30) /* the middle of two floats, and beside it */
            at += sprintf(at, "%.*e", 12 + (int)(r >> 32) % 20, ((double)f + (double)nextafterf(f, INFINITY)) / 2);
        else if (i % 6 == 3)
            at += sprintf(at, "%llue%d", (unsigned long long)test_random(&seed), (int)(r % 80) - 60);
        else if (i % 6 == 4)
            at += sprintf(at, "%u.%u", (unsigned)(r % 100000000), (unsigned)(r >> 32));
        else
            at += sprintf(at, "%.17g", (double)(r >> 11) * 0x1p-53);
        *at++ = '\n';
    }
    *at = 0;
    TestFile file = test_file_text(text);
    sgdrt_table *table;
    sgdrt_problem problem;
    Wanted w = W(.count = 1);
    cr_assert_eq(load_file(file.path, &w, &table, &problem), 0, "line %lld: %s", (long long)problem.line,
                 problem.message);
    cr_assert_eq(table->rows, NUMBERS);
    for (int i = 0; i < NUMBERS; i++) {
        float want = strtof(each[i], NULL), got = *(float *)sgdrt_row(table, 0, i);
        cr_assert_eq(memcmp(&want, &got, 4), 0, "%.40s is %a, not %a", each[i], (double)got, (double)want);
    }
    sgdrt_free_table(table);
    test_file_remove(&file);
    free(text);
    free(each);
}

/* Rows that cross the window's end, quoted fields larger than the window, and packed files read the same. */
Test(csv, windows) {
    size_t size = 3 << 20, at = 0;
    char *text = malloc(size + 1000000);
    int64_t rows = 0;
    for (; at < size; rows++) {
        at += (size_t)sprintf(text + at, "%lld,\"", (long long)rows);
        size_t filler = rows == 1000 ? 600000 : (size_t)(rows * 7919 % 97);
        memset(text + at, rows % 2 ? ',' : '\n', filler);
        at += filler;
        at += (size_t)sprintf(text + at, "\",%lld%s", (long long)rows * 2, rows % 3 ? "\n" : "\r\n");
    }
    text[at] = 0;
    TestFile plain = test_file_bytes(text, at), packed = test_file_gzip(text, at);
    const char *paths[] = {plain.path, packed.path};
    for (int i = 0; i < 2; i++) {
        static const int64_t index[] = {2, 0}, shape[] = {2};
        sgdrt_column_request column = {.name = "x", .dtype = SGDRT_I32, .rank = 1, .shape = shape, .csv_index = index};
        sgdrt_request request = {.source = SGDRT_CSV,
                                 .path = paths[i],
                                 .delimiter = ',',
                                 .rows_end = -1,
                                 .missing_is_error = true,
                                 .columns = &column,
                                 .column_count = 1};
        sgdrt_table *table;
        sgdrt_problem problem;
        cr_assert_eq(sgdrt_load(&request, &table, &problem), 0, "%s", problem.message);
        cr_assert_eq(table->rows, rows);
        for (int64_t r = 0; r < rows; r++) {
            const int32_t *row = sgdrt_row(table, 0, r);
            cr_assert(row[0] == 2 * r && row[1] == r);
        }
        sgdrt_free_table(table);
    }
    test_file_remove(&plain);
    test_file_remove(&packed);
    free(text);
}

/* A quote that nobody closes does not take the machine's memory. */
Test(csv, endless_row) {
    size_t size = 80u << 20;
    char *text = malloc(size);
    memset(text, 'a', size);
    memcpy(text, "1,2\n3,\"", 7);
    TestFile file = test_file_bytes(text, size);
    sgdrt_table *table;
    sgdrt_problem problem;
    Wanted w = W(.count = 2);
    cr_assert_eq(load_file(file.path, &w, &table, &problem), 409);
    test_file_remove(&file);
    free(text);
    cr_assert_eq(problem.line, 2);
}

static const char sample[] =
    "id,price,\"the \"\"size\"\"\",note\r\n1,2.5,3e2,\"a\nb\"\r\n2,-0.25,4,\r\n\r\n3,NA,1.5,c\r\n";

Test(csv, every_truncation) {
    for (size_t length = 0; length < sizeof sample; length++)
        for (int missing = 0; missing < 2; missing++) {
            TestFile file = test_file_bytes(sample, length);
            sgdrt_table *table = NULL;
            sgdrt_problem problem;
            Wanted w = W(.count = 3, .missing_is_value = missing == 1);
            if (!load_file(file.path, &w, &table, &problem)) sgdrt_free_table(table);
            test_file_remove(&file);
        }
}

Test(csv, random_bytes) {
    uint64_t seed = 7;
    for (int i = 0; i < 3000; i++) {
        unsigned char text[sizeof sample];
        memcpy(text, sample, sizeof sample);
        test_flip(text, sizeof sample - 1, &seed);
        TestFile file = test_file_bytes(text, sizeof sample - 1);
        sgdrt_table *table = NULL;
        sgdrt_problem problem;
        Wanted w = W(.count = 3, .missing_is_value = i % 2 == 0);
        if (!load_file(file.path, &w, &table, &problem)) sgdrt_free_table(table);
        test_file_remove(&file);
    }
}

/* Several columns of different types, one field in two columns, records side by side; keep, remap,
 * statistics. */
Test(table, keep_remap_standardize) {
    static const int64_t features[] = {0, 1}, target[] = {2}, two[] = {2};
    static const double remap[] = {3, 7};
    sgdrt_column_request columns[] = {
        {.name = "x", .dtype = SGDRT_F32, .rank = 1, .shape = two, .csv_index = features},
        {.name = "y", .dtype = SGDRT_I32, .csv_index = target},
        {.name = "z", .dtype = SGDRT_I32, .csv_index = target, .classes = 2, .remap = remap, .remap_count = 2},
        {.name = "w", .dtype = SGDRT_F64, .csv_index = features + 1},
        {.name = "b", .dtype = SGDRT_U8, .csv_index = target},
    };
    TestFile file = test_file_text("a,b,c\n1,2,3\n5,2,4\n3,2,7\n\n9,2,5\n");
    sgdrt_request request = {.source = SGDRT_CSV,
                             .path = file.path,
                             .header = 1,
                             .rows_end = -1,
                             .missing_is_error = true,
                             .columns = columns,
                             .column_count = 5};
    sgdrt_table *table, *copy;
    sgdrt_problem problem;
    cr_assert_eq(sgdrt_load(&request, &table, &problem), 0, "%s", problem.message);
    cr_assert_eq(table->columns[0].stride, table->columns[4].stride);
    cr_assert_eq(sgdrt_copy_table(table, &copy, &problem), 0);
    cr_assert_eq(sgdrt_check_labels(copy, &problem), 415);
    cr_assert(problem.line == 3 && problem.column == 5, "%lld:%lld", (long long)problem.line,
              (long long)problem.column);
    cr_assert_eq(sgdrt_keep_rows(copy, (const uint8_t[]){0, 0, 1, 1}, &problem), 0);
    cr_assert_eq(sgdrt_check_labels(copy, &problem), 415);
    cr_assert_eq(problem.line, 6, "%lld", (long long)problem.line);
    cr_assert_eq(sgdrt_keep_rows(copy, (const uint8_t[]){0, 0}, &problem), 420);
    sgdrt_free_table(copy);
    cr_assert_eq(sgdrt_keep_rows(table, (const uint8_t[]){1, 0, 1, 0}, &problem), 0);
    cr_assert_eq(sgdrt_check_labels(table, &problem), 0, "%s", problem.message);
    cr_assert(table->rows == 2 && table->row_in_file[1] == 2);
    cr_assert(*(int32_t *)sgdrt_row(table, 1, 1) == 7 && *(int32_t *)sgdrt_row(table, 2, 1) == 1);
    cr_assert(*(double *)sgdrt_row(table, 3, 1) == 2 && *(uint8_t *)sgdrt_row(table, 4, 0) == 3);
    double mean[2], deviation[2];
    sgdrt_statistics(&table->columns[0], SGDRT_F32, 2, NULL, 2, mean, deviation);
    cr_assert(mean[0] == 2 && mean[1] == 2 && deviation[0] == 1 && deviation[1] == 1);
    const double *means[5] = {mean}, *deviations[5] = {deviation};
    cr_assert_eq(sgdrt_standardize(table, means, deviations, &problem), 0);
    const float *row = sgdrt_row(table, 0, 0);
    cr_assert(row[0] == -1 && row[1] == 0);
    sgdrt_free_table(table);
    test_file_remove(&file);
}

/* Standardized columns are stored as the file has them until they are: 200 seconds of a unix time stay 200. */
Test(table, standardize_takes_the_values_of_the_file) {
    static const int64_t first[] = {0}, second[] = {1};
    sgdrt_column_request columns[] = {
        {.name = "y", .dtype = SGDRT_F32, .csv_index = second},
        {.name = "t", .dtype = SGDRT_F32, .wide = true, .csv_index = first},
        {.name = "s", .dtype = SGDRT_F32, .wide = true, .csv_index = second},
    };
    char text[8192];
    size_t length = 0;
    for (int i = 0; i < 200; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%d,0.1\n", 1700000000 + i);
    TestFile file = test_file_text(text);
    sgdrt_request request = {.source = SGDRT_CSV,
                             .path = file.path,
                             .rows_end = -1,
                             .missing_is_error = true,
                             .columns = columns,
                             .column_count = 3};
    sgdrt_table *table, *copy;
    sgdrt_problem problem;
    cr_assert_eq(sgdrt_load(&request, &table, &problem), 0, "%s", problem.message);
    cr_assert_eq(table->described[1].dtype, SGDRT_F64);
    cr_assert_eq(sgdrt_copy_table(table, &copy, &problem), 0);
    sgdrt_free_table(table);
    double mean[2], deviation[2];
    for (int c = 1; c <= 2; c++)
        sgdrt_statistics(&copy->columns[c], SGDRT_F64, 1, NULL, 200, &mean[c - 1], &deviation[c - 1]);
    cr_assert(mean[0] == 1700000099.5 && mean[1] == 0.1 && deviation[1] == 1, "a constant is its own mean");
    const double *means[3] = {NULL, mean, mean + 1}, *deviations[3] = {NULL, deviation, deviation + 1};
    cr_assert_eq(sgdrt_standardize(copy, means, deviations, &problem), 0);
    cr_assert(copy->described[1].dtype == SGDRT_F32 && copy->columns[0].stride == 12 && copy->bytes == 2400);
    for (int r = 0; r < 200; r++) {
        float t = (float)(((double)r - 99.5) / deviation[0]);
        cr_assert_eq(*(float *)sgdrt_row(copy, 1, r), t, "row %d", r);
        cr_assert(*(float *)sgdrt_row(copy, 0, r) == 0.1f && *(float *)sgdrt_row(copy, 2, r) == 0);
    }
    sgdrt_free_table(copy);
    test_file_remove(&file);
}

Test(table, synthetic) {
    static const int64_t two[] = {2};
    sgdrt_column_request columns[] = {{.name = "x", .dtype = SGDRT_F32, .rank = 1, .shape = two},
                                      {.name = "y", .dtype = SGDRT_F32}};
    sgdrt_table *table;
    sgdrt_problem problem;
    cr_assert_eq(sgdrt_new_table("points", columns, 2, 100, &table, &problem), 0);
    cr_assert(table->rows == 100 && table->columns[1].stride == 12 && *(float *)sgdrt_row(table, 1, 99) == 0);
    sgdrt_free_table(table);
    cr_assert_eq(sgdrt_new_table("points", columns, 2, 0, &table, &problem), 411);
    cr_assert_eq(sgdrt_new_table("points", columns, 2, INT64_MAX, &table, &problem), 416);
}
