/* npy: versions, types and byte orders, Fortran order, headers that lie or are no dictionary. */
#include "data_files.h"
#include <math.h>

/* A .npy file: version, dictionary, values. */
static size_t make(unsigned char *to, int version, const char *dictionary, const void *values, size_t bytes) {
    size_t length = strlen(dictionary), head = version == 1 ? 10 : 12;
    memcpy(to, "\x93NUMPY", 6);
    to[6] = (unsigned char)version;
    to[7] = 0;
    to[8] = (unsigned char)length;
    to[9] = (unsigned char)(length >> 8);
    if (version > 1) to[10] = to[11] = 0;
    memcpy(to + head, dictionary, length);
    if (bytes) memcpy(to + head + length, values, bytes);
    return head + length + bytes;
}

static int load(const void *bytes, size_t length, sgdrt_dtype dtype, int rank, int64_t extent, sgdrt_table **table,
                sgdrt_problem *problem) {
    TestFile file = test_file_bytes(bytes, length);
    sgdrt_column_request column = {.name = "x", .dtype = dtype, .rank = rank, .shape = &extent, .path = file.path};
    sgdrt_request request = {.name = "d",
                             .source = SGDRT_NPY,
                             .rows_end = -1,
                             .missing_is_error = true,
                             .columns = &column,
                             .column_count = 1};
    memset(problem, 0, sizeof *problem);
    int code = sgdrt_load(&request, table, problem);
    cr_assert(code == problem->code && (!code || problem->message[0]));
    test_file_remove(&file);
    return code;
}

static void expect(int version, const char *dictionary, const void *values, size_t bytes, sgdrt_dtype dtype, int rank,
                   int64_t extent, int64_t rows, double last) {
    unsigned char file[512];
    sgdrt_table *table;
    sgdrt_problem problem;
    size_t length = make(file, version, dictionary, values, bytes);
    cr_assert_eq(load(file, length, dtype, rank, extent, &table, &problem), 0, "%s: %s", dictionary, problem.message);
    cr_assert_eq(table->rows, rows);
    const char *at = (char *)sgdrt_row(table, 0, rows - 1) + (extent - 1) * (int64_t)sgdrt_dtype_bytes(dtype);
    double got = dtype == SGDRT_F32   ? *(const float *)at
                 : dtype == SGDRT_F64 ? *(const double *)at
                 : dtype == SGDRT_I32 ? *(const int32_t *)at
                                      : *(const uint8_t *)at;
    cr_assert_eq(got, last, "%s: %.17g", dictionary, got);
    sgdrt_free_table(table);
}

static void refuse(const char *dictionary, const void *values, size_t bytes, sgdrt_dtype dtype, int64_t extent,
                   int code, const char *part) {
    unsigned char file[512];
    sgdrt_table *table;
    sgdrt_problem problem;
    size_t length = make(file, 1, dictionary, values, bytes);
    cr_assert_eq(load(file, length, dtype, 1, extent, &table, &problem), code, "%s: E%04d %s", dictionary, problem.code,
                 problem.message);
    cr_assert(strstr(problem.message, part) || strstr(problem.help, part), "%s: %s", dictionary, problem.message);
}

static const float floats[] = {1, 2, 3, 4, 5, 6.5f};

Test(npy, versions_and_types) {
    const char *plain = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }          \n";
    for (int version = 1; version <= 3; version++)
        expect(version, plain, floats, sizeof floats, SGDRT_F32, 1, 2, 3, 6.5);
    expect(1, "{'shape':(6,),'fortran_order':True,'descr':'<f4'}", floats, sizeof floats, SGDRT_F32, 0, 1, 6, 6.5);
    expect(1, "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (3L, 2L)}", floats, sizeof floats, SGDRT_F32,
           1, 2, 3, 6.5);
    static const double doubles[] = {0.5, 0.1};
    expect(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n", doubles, sizeof doubles, SGDRT_F64, 0, 1,
           2, 0.1);
    expect(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n", doubles, sizeof doubles, SGDRT_F32, 0, 1,
           2, (double)0.1f);
    static const unsigned char big[] = {0x40, 0x20, 0, 0};
    expect(1, "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }\n", big, sizeof big, SGDRT_F32, 0, 1, 1, 2.5);
    static const int64_t longs[] = {5, -7};
    expect(1, "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 1), }\n", longs, sizeof longs, SGDRT_I32, 0, 1, 2,
           -7);
    static const unsigned char bytes[] = {0, 1, 200};
    expect(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }\n", bytes, 3, SGDRT_U8, 0, 1, 3, 200);
    expect(1, "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }\n", bytes, 3, SGDRT_I32, 0, 1, 3, 200);
    expect(1, "{'descr': '|i1', 'fortran_order': False, 'shape': (3,), }\n", bytes, 3, SGDRT_I32, 0, 1, 3, -56);
    expect(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }\n", bytes, 2, SGDRT_U8, 0, 1, 2, 1);
}

Test(npy, halves) {
    static const uint16_t halves[] = {0x3C00, 0xC100, 0x0001, 0x7BFF, 0x8000};
    static const double values[] = {1, -2.5, 0x1p-24, 65504, -0.0};
    char dictionary[80];
    for (int64_t n = 1; n <= 5; n++) {
        snprintf(dictionary, sizeof dictionary, "{'descr': '<f2', 'fortran_order': False, 'shape': (%d,), }\n", (int)n);
        expect(1, dictionary, halves, (size_t)n * 2, SGDRT_F32, 0, 1, n, values[n - 1]);
    }
}

Test(npy, whole_numbers_into_any_type) {
    static const int64_t longs[] = {16777217, 200};
    static const int16_t shorts[] = {5, -300};
    expect(1, "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }\n", longs, 8, SGDRT_I32, 0, 1, 1, 16777217);
    expect(1, "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }\n", longs, 8, SGDRT_F64, 0, 1, 1, 16777217);
    expect(1, "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }\n", longs + 1, 8, SGDRT_U8, 0, 1, 1, 200);
    expect(1, "{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }\n", shorts, 4, SGDRT_F32, 0, 1, 2, -300);
    expect(1, "{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }\n", shorts, 4, SGDRT_I32, 0, 1, 2, -300);
}

/* In Fortran order the first axis runs fastest: [[1, 4], [2, 5], [3, 6.5]], and a range of its rows. */
Test(npy, fortran_order) {
    unsigned char bytes[512];
    float cube[24];
    for (int i = 0; i < 24; i++) cube[(i / 12) + 2 * (i / 4 % 3) + 6 * (i % 4)] = (float)i;
    size_t length = make(bytes, 1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3, 4), }\n", cube, 96);
    TestFile file = test_file_bytes(bytes, length);
    static const int64_t shape[] = {3, 4};
    for (int begin = 0; begin < 2; begin++) {
        sgdrt_column_request column = {
            .name = "x", .dtype = SGDRT_F32, .rank = 2, .shape = shape, .wide = begin == 1, .path = file.path};
        sgdrt_request request = {.name = "d",
                                 .source = SGDRT_NPY,
                                 .rows_begin = begin,
                                 .rows_end = -1,
                                 .missing_is_error = true,
                                 .columns = &column,
                                 .column_count = 1};
        sgdrt_table *table;
        sgdrt_problem problem;
        cr_assert_eq(sgdrt_load(&request, &table, &problem), 0, "%s", problem.message);
        cr_assert_eq(table->rows, 2 - begin);
        for (int64_t r = 0; r < table->rows; r++)
            for (int e = 0; e < 12; e++) {
                const void *row = sgdrt_row(table, 0, r);
                double x = begin ? ((const double *)row)[e] : (double)((const float *)row)[e];
                cr_assert_eq(x, 12 * (r + begin) + e);
            }
        sgdrt_free_table(table);
    }
    test_file_remove(&file);
}

Test(npy, refused) {
    refuse("{'descr': '<c8', 'fortran_order': False, 'shape': (3, 1), }\n", floats, 24, SGDRT_F32, 1, 403, "<c8");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }\n", floats, 24, SGDRT_I32, 2, 403,
           "astype('int32')");
    static const int64_t longs[] = {5, 300, 3000000000, -1};
    refuse("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }\n", longs, 16, SGDRT_U8, 1, 404, "0 to 255");
    refuse("{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }\n", longs, 24, SGDRT_I32, 1, 404,
           "is 3000000000");
    refuse("{'descr': '<u8', 'fortran_order': False, 'shape': (1,), }\n", longs + 3, 8, SGDRT_I32, 1, 404, "holds");
    static const uint16_t infinite[] = {0x7C00};
    refuse("{'descr': '<f2', 'fortran_order': False, 'shape': (1,), }\n", infinite, 2, SGDRT_F32, 1, 405, "inf");
    sgdrt_table *table;
    sgdrt_problem problem;
    cr_assert_eq(load("PK\3\4 and so on", 15, SGDRT_F32, 0, 1, &table, &problem), 402);
    cr_assert(strstr(problem.message, ".npz") && strstr(problem.help, "numpy.save"));
    refuse("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }\n", floats, 12, SGDRT_F32, 1, 403,
           "records");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", floats, 4, SGDRT_F32, 1, 403, "single");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", floats, 24, SGDRT_F32, 2, 403, "[3]");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2), }\n", floats, 0, SGDRT_F32, 2, 411, "no rows");
    refuse("{'descr': '<f4', 'fortran_order': False}\n", floats, 24, SGDRT_F32, 2, 402, "missing");
    refuse("{'descr': '<f4', 'fortran_order': 0, 'shape': (3, 2)}\n", floats, 24, SGDRT_F32, 2, 402, "header");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (3, -2)}\n", floats, 24, SGDRT_F32, 2, 402, "header");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 99999999999999999999)}\n", floats, 24, SGDRT_F32, 2,
           402, "header");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}\n", floats, 24, SGDRT_F32, 4,
           412, "too short");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 2)}\n", floats, 24, SGDRT_F32, 2, 412,
           "too short");
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}\n", floats, 24, SGDRT_F32, 2, 412, "longer");
    float bad[] = {1, NAN};
    refuse("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}\n", bad, 8, SGDRT_F32, 1, 405, "row 1");
    double large[] = {1, 1e39};
    refuse("{'descr': '<f8', 'fortran_order': False, 'shape': (2,)}\n", large, 16, SGDRT_F32, 1, 405, "row 1");
    int64_t wide[] = {1, 1ll << 40};
    refuse("{'descr': '<i8', 'fortran_order': False, 'shape': (2,)}\n", wide, 16, SGDRT_I32, 1, 404, "row 1");
}

Test(npy, every_truncation_and_random_bytes) {
    unsigned char file[512], changed[512];
    size_t length = make(file, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }\n", floats, 24);
    sgdrt_table *table;
    sgdrt_problem problem;
    uint64_t seed = 5;
    for (size_t n = 0; n < length; n++) cr_assert_neq(load(file, n, SGDRT_F32, 1, 2, &table, &problem), 0, "%zu", n);
    for (int i = 0; i < 3000; i++) {
        memcpy(changed, file, length);
        test_flip(changed, length, &seed);
        if (!load(changed, length, SGDRT_F32, 1, 2, &table, &problem)) sgdrt_free_table(table);
    }
}
