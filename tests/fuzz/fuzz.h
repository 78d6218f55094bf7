/* fuzz: what the targets share: an input of the fuzzer as a file, read through the path of a file in memory. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H
#define _GNU_SOURCE
#include "sgdrt.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

typedef struct FuzzFile {
    int fd;
    char path[32];
} FuzzFile;

static inline FuzzFile fuzz_file(const uint8_t *bytes, size_t length) {
    FuzzFile file = {.fd = memfd_create("fuzz", 0)};
    if (file.fd < 0 || write(file.fd, bytes, length) != (ssize_t)length) abort();
    snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.fd);
    return file;
}

/* What a reader gives back holds together: a problem has its words, a table its rows, each of which can be read. */
static inline void fuzz_load(const sgdrt_request *request) {
    sgdrt_table *table = NULL;
    sgdrt_problem problem = {0};
    int code = sgdrt_load(request, &table, &problem);
    if (code ? problem.code != code || !problem.message[0] : table->rows < 1) abort();
    if (code) return;
    unsigned char sum = 0;
    for (int c = 0; c < table->column_count; c++) {
        size_t row_bytes = sgdrt_dtype_bytes(table->described[c].dtype) * (size_t)table->described[c].elements;
        for (int64_t r = 0; r < table->rows; r++)
            for (size_t i = 0; i < row_bytes; i++) sum ^= ((const unsigned char *)sgdrt_row(table, c, r))[i];
    }
    volatile unsigned char seen = sum;
    (void)seen;
    sgdrt_check_labels(table, &problem);
    sgdrt_free_table(table);
}

/* A reader of arrays. The first two bytes choose the column's type and shape and the rows. */
static inline int fuzz_array(sgdrt_source source, const uint8_t *bytes, size_t length) {
    static const int64_t shapes[][2] = {{0, 0}, {2, 0}, {2, 3}, {1, 4}};
    static const int ranks[] = {0, 1, 2, 2};
    if (length < 2) return 0;
    FuzzFile file = fuzz_file(bytes + 2, length - 2);
    sgdrt_column_request column = {.name = "x",
                                   .dtype = (sgdrt_dtype)(bytes[0] % 5),
                                   .wide = bytes[0] & 8,
                                   .truncated = bytes[0] & 16,
                                   .rank = ranks[bytes[1] & 3],
                                   .shape = shapes[bytes[1] & 3],
                                   .path = file.path};
    sgdrt_request request = {.name = "d",
                             .source = source,
                             .missing_is_error = bytes[0] & 32,
                             .rows_begin = bytes[1] / 4 & 1,
                             .rows_end = bytes[1] & 8 ? 2 : -1,
                             .columns = &column,
                             .column_count = 1};
    fuzz_load(&request);
    close(file.fd);
    return 0;
}

#endif
