/* idx, gzip: headers that lie, streams that end early or go on, types and shapes that do not fit, row ranges.
 */
#include "data_files.h"

enum { ROWS = 5, IMAGE = 6 };

/* An IDX file of 5 images of 2x3 bytes, and its 5 labels. */
static size_t make_images(unsigned char *to) {
    static const unsigned char header[] = {0, 0, 8, 3, 0, 0, 0, ROWS, 0, 0, 0, 2, 0, 0, 0, 3};
    memcpy(to, header, sizeof header);
    for (int i = 0; i < ROWS * IMAGE; i++) to[sizeof header + (size_t)i] = (unsigned char)(i * 9);
    return sizeof header + ROWS * IMAGE;
}

static const unsigned char labels[] = {0, 0, 8, 1, 0, 0, 0, ROWS, 3, 1, 4, 1, 5};

typedef struct Shape2 {
    int rank;
    int64_t extent[3];
} Shape2;

static int load_two(const char *images_path, const char *labels_path, Shape2 shape, sgdrt_dtype dtype, int64_t begin,
                    int64_t end, sgdrt_table **table, sgdrt_problem *problem) {
    sgdrt_column_request columns[] = {
        {.name = "images", .dtype = dtype, .rank = shape.rank, .shape = shape.extent, .path = images_path},
        {.name = "labels", .dtype = SGDRT_I32, .classes = 10, .path = labels_path},
    };
    sgdrt_request request = {.name = "digits",
                             .source = SGDRT_IDX,
                             .rows_begin = begin,
                             .rows_end = end,
                             .missing_is_error = true,
                             .columns = columns,
                             .column_count = 2};
    memset(problem, 0, sizeof *problem);
    int code = sgdrt_load(&request, table, problem);
    if (!code && (code = sgdrt_check_labels(*table, problem)) != 0) sgdrt_free_table(*table);
    cr_assert(code == problem->code && (!code || problem->message[0]));
    return code;
}

static const Shape2 plain = {2, {2, 3}};

static int load_bytes(const void *images, size_t length, Shape2 shape, sgdrt_problem *problem) {
    TestFile a = test_file_bytes(images, length), b = test_file_bytes(labels, sizeof labels);
    sgdrt_table *table;
    int code = load_two(a.path, b.path, shape, SGDRT_U8, 0, -1, &table, problem);
    if (!code) sgdrt_free_table(table);
    test_file_remove(&a);
    test_file_remove(&b);
    return code;
}

Test(idx, plain_and_packed) {
    unsigned char images[64];
    size_t length = make_images(images);
    for (int packed = 0; packed < 4; packed++) {
        TestFile a = packed & 1 ? test_file_gzip(images, length) : test_file_bytes(images, length);
        TestFile b = packed & 2 ? test_file_gzip(labels, sizeof labels) : test_file_bytes(labels, sizeof labels);
        sgdrt_table *table;
        sgdrt_problem problem;
        cr_assert_eq(load_two(a.path, b.path, plain, SGDRT_U8, 0, -1, &table, &problem), 0, "%s", problem.message);
        cr_assert(table->rows == ROWS && table->columns[0].stride == IMAGE && table->columns[1].stride == 4);
        for (int r = 0; r < ROWS; r++)
            cr_assert(((uint8_t *)sgdrt_row(table, 0, r))[5] == (uint8_t)((r * IMAGE + 5) * 9) &&
                      *(int32_t *)sgdrt_row(table, 1, r) == labels[8 + r]);
        sgdrt_free_table(table);
        cr_assert_eq(load_two(a.path, b.path, plain, SGDRT_U8, 1, 3, &table, &problem), 0, "%s", problem.message);
        cr_assert(table->rows == 2 && *(uint8_t *)sgdrt_row(table, 0, 0) == IMAGE * 9 &&
                  *(int32_t *)sgdrt_row(table, 1, 1) == 4);
        sgdrt_free_table(table);
        cr_assert_eq(load_two(a.path, b.path, plain, SGDRT_U8, 0, 6, &table, &problem), 410);
        test_file_remove(&a);
        test_file_remove(&b);
    }
}

Test(idx, shapes) {
    unsigned char images[64];
    size_t length = make_images(images);
    sgdrt_problem problem;
    cr_assert_eq(load_bytes(images, length, (Shape2){1, {6}}, &problem), 0);
    cr_assert_eq(load_bytes(images, length, (Shape2){3, {1, 2, 3}}, &problem), 0);
    cr_assert_eq(load_bytes(images, length, (Shape2){2, {3, 2}}, &problem), 403);
    cr_assert(strstr(problem.message, "[2, 3]") && strstr(problem.message, "[3, 2]"), "%s", problem.message);
    cr_assert_eq(load_bytes(images, length, (Shape2){2, {28, 28}}, &problem), 403);
}

Test(idx, types) {
    unsigned char images[64];
    size_t length = make_images(images);
    TestFile a = test_file_bytes(images, length), b = test_file_bytes(labels, sizeof labels);
    sgdrt_table *table;
    sgdrt_problem problem;
    cr_assert_eq(load_two(a.path, b.path, plain, SGDRT_F32, 0, -1, &table, &problem), 0);
    cr_assert_eq(*(float *)sgdrt_row(table, 0, 0), (float)images[16]);
    sgdrt_free_table(table);
    test_file_remove(&a);
    static const unsigned char floats[] = {0, 0, 13, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0x3F, 0x80, 0, 0, 0xC0, 0, 0, 0};
    static const unsigned char wide[] = {0, 0, 12, 1, 0, 0, 0, 2, 0, 0, 0, 9, 0, 0, 0, 10};
    a = test_file_bytes(floats, sizeof floats);
    TestFile c = test_file_bytes(wide, sizeof wide);
    Shape2 one = {1, {1}};
    cr_assert_eq(load_two(a.path, b.path, one, SGDRT_F32, 0, -1, &table, &problem), 414, "%s", problem.message);
    cr_assert_eq(load_two(a.path, c.path, one, SGDRT_F32, 0, -1, &table, &problem), 404, "%s", problem.message);
    cr_assert(strstr(problem.message, "row 1") && strstr(problem.message, "label 10"), "%s", problem.message);
    cr_assert_eq(load_two(a.path, c.path, one, SGDRT_F32, 0, 1, &table, &problem), 0, "%s", problem.message);
    cr_assert(*(float *)sgdrt_row(table, 0, 0) == 1);
    sgdrt_free_table(table);
    test_file_remove(&a);
    test_file_remove(&b);
    test_file_remove(&c);
}

Test(idx, lying_headers) {
    unsigned char images[64];
    sgdrt_problem problem;
    size_t length = make_images(images);
    images[4] = 0xFF; /* four thousand million images */
    cr_assert_eq(load_bytes(images, length, plain, &problem), 412);
    memset(images + 4, 0xFF, 12); /* their product overflows */
    cr_assert_eq(load_bytes(images, length, plain, &problem), 412);
    make_images(images);
    cr_assert_eq(load_bytes(images, length + 1, plain, &problem), 412);
    cr_assert(strstr(problem.message, "1 bytes longer"), "%s", problem.message);
    images[3] = 0;
    cr_assert_eq(load_bytes(images, length, plain, &problem), 402);
    images[3] = 200;
    cr_assert_eq(load_bytes(images, length, plain, &problem), 402);
    make_images(images);
    images[7] = 0;
    cr_assert_eq(load_bytes(images, 16, plain, &problem), 414);
}

/* A packed file whose header announces far more than the stream can hold takes no memory for it. */
Test(idx, packed_lies) {
    unsigned char images[64];
    make_images(images);
    images[4] = 0x7F;
    TestFile a = test_file_gzip(images, 64), b = test_file_bytes(labels, sizeof labels);
    sgdrt_table *table;
    sgdrt_problem problem;
    cr_assert_eq(load_two(a.path, b.path, plain, SGDRT_U8, 0, -1, &table, &problem), 412);
    test_file_remove(&a);
    images[4] = 0;
    images[7] = ROWS + 1;
    static const unsigned char six[] = {0, 0, 8, 1, 0, 0, 0, 6, 1, 1, 1, 1, 1, 1};
    TestFile c = test_file_bytes(six, sizeof six);
    a = test_file_gzip(images, 16 + ROWS * IMAGE);
    cr_assert_eq(load_two(a.path, c.path, plain, SGDRT_U8, 0, -1, &table, &problem), 412);
    cr_assert(strstr(problem.message, "6 bytes"), "%s", problem.message);
    test_file_remove(&a);
    a = test_file_gzip(images, 64);
    images[7] = ROWS;
    test_file_remove(&a);
    a = test_file_gzip(images, 60);
    cr_assert_eq(load_two(a.path, b.path, plain, SGDRT_U8, 0, -1, &table, &problem), 412);
    cr_assert(strstr(problem.message, "goes on"), "%s", problem.message);
    test_file_remove(&a);
    test_file_remove(&b);
    test_file_remove(&c);
}

static size_t read_whole(const char *path, unsigned char *to, size_t size) {
    FILE *file = fopen(path, "rb");
    size_t length = fread(to, 1, size, file);
    fclose(file);
    return length;
}

static int load_packed(const void *bytes, size_t length, sgdrt_problem *problem) {
    return load_bytes(bytes, length, plain, problem);
}

Test(gzip, every_truncation_and_trailing_bytes) {
    unsigned char images[64], packed[512];
    size_t length = make_images(images);
    TestFile file = test_file_gzip(images, length);
    size_t packed_length = read_whole(file.path, packed, 256);
    test_file_remove(&file);
    sgdrt_problem problem;
    for (size_t n = 0; n < packed_length; n++) {
        int code = load_packed(packed, n, &problem);
        cr_assert(code == 413 || (n < 2 && code == 412), "%zu: %d %s", n, code, problem.message);
    }
    cr_assert_eq(load_packed(packed, packed_length, &problem), 0);
    memcpy(packed + packed_length, "junk", 4);
    cr_assert_eq(load_packed(packed, packed_length + 4, &problem), 413, "%s", problem.message);
    memset(packed + packed_length, 0, 100);
    cr_assert_eq(load_packed(packed, packed_length + 100, &problem), 0, "%s", problem.message);
    packed[packed_length - 8] ^= 1; /* the checksum */
    cr_assert_eq(load_packed(packed, packed_length, &problem), 413);
    packed[packed_length - 8] ^= 1;
    packed[packed_length - 1] ^= 1; /* the length */
    cr_assert_eq(load_packed(packed, packed_length, &problem), 413);
}

Test(gzip, members) {
    unsigned char images[64], packed[512];
    size_t length = make_images(images);
    TestFile first = test_file_gzip(images, 20), second = test_file_gzip(images + 20, length - 20);
    size_t at = read_whole(first.path, packed, 256);
    at += read_whole(second.path, packed + at, 256);
    sgdrt_problem problem;
    cr_assert_eq(load_packed(packed, at, &problem), 0, "%s", problem.message);
    cr_assert_eq(load_packed(packed, at - 1, &problem), 413);
    test_file_remove(&first);
    test_file_remove(&second);
}

Test(idx, every_truncation_and_random_bytes) {
    unsigned char images[64], changed[64], packed[256];
    size_t length = make_images(images);
    uint64_t seed = 11;
    sgdrt_problem problem;
    for (size_t n = 0; n < length; n++)
        cr_assert_eq(load_bytes(images, n, plain, &problem), 412, "%zu: %s", n, problem.message);
    TestFile file = test_file_gzip(images, length);
    size_t packed_length = read_whole(file.path, packed, sizeof packed);
    test_file_remove(&file);
    for (int i = 0; i < 1500; i++) {
        memcpy(changed, images, length);
        test_flip(changed, i % 2 ? length : 16, &seed);
        load_bytes(changed, length, plain, &problem);
        unsigned char other[256];
        memcpy(other, packed, packed_length);
        test_flip(other, packed_length, &seed);
        load_bytes(other, packed_length, plain, &problem);
    }
}

/* The published files. */
Test(idx, mnist) {
    const char *images_path = SGDC_SOURCE_FOLDER "/examples/data/t10k-images-idx3-ubyte.gz";
    const char *labels_path = SGDC_SOURCE_FOLDER "/examples/data/t10k-labels-idx1-ubyte.gz";
    sgdrt_table *table;
    sgdrt_problem problem;
    Shape2 image = {2, {28, 28}};
    cr_assert_eq(load_two(images_path, labels_path, image, SGDRT_U8, 0, -1, &table, &problem), 0, "%s",
                 problem.message);
    uint64_t sum = 0;
    int counts[10] = {0};
    for (int64_t r = 0; r < table->rows; r++) {
        for (int i = 0; i < 784; i++) sum += ((uint8_t *)sgdrt_row(table, 0, r))[i];
        counts[*(int32_t *)sgdrt_row(table, 1, r)]++;
    }
    cr_assert(table->rows == 10000 && counts[1] == 1135 && counts[5] == 892 && sum == 264923200, "%llu",
              (unsigned long long)sum);
    sgdrt_free_table(table);
}
