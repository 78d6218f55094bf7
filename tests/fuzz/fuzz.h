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

typedef struct FuzzFile { int fd; char path[32]; } FuzzFile;

static inline FuzzFile fuzz_file(const uint8_t *bytes, size_t length) {
    FuzzFile file = { .fd = memfd_create("fuzz", 0) };
    if (file.fd < 0 || write(file.fd, bytes, length) != (ssize_t)length)
        abort();
    snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.fd);
    return file;
}

/* What a reader gives back holds together: a problem has its words, a table its rows, each of which can be read. */
static inline void fuzz_load(const sgdrt_request *request) {
    sgdrt_table *table = NULL;
    sgdrt_problem problem = { 0 };
    int code = sgdrt_load(request, &table, &problem);
    if (code ? problem.code != code || !problem.message[0] : table->rows < 1)
        abort();
    if (code)
        return;
    unsigned char sum = 0;
    for (int c = 0; c < table->column_count; c++) {
        size_t row_bytes = sgdrt_dtype_bytes(table->described[c].dtype) * (size_t)table->described[c].elements;
        for (int64_t r = 0; r < table->rows; r++)
            for (size_t i = 0; i < row_bytes; i++)
                sum ^= ((const unsigned char *)sgdrt_row(table, c, r))[i];
    }
    volatile unsigned char seen = sum;
    (void)seen;
    sgdrt_check_labels(table, &problem);
    sgdrt_free_table(table);
}
#endif
