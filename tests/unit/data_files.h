/* data_files: what the tests of the readers share: files in a folder of the test's own, byte flips. */
#ifndef TESTS_DATA_FILES_H
#define TESTS_DATA_FILES_H
#include "sgdrt.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

typedef struct TestFile {
    char path[64];
} TestFile;

static inline TestFile test_file_bytes(const void *bytes, size_t length) {
    TestFile file = {"/tmp/sgdrt-test-XXXXXX"};
    int fd = mkstemp(file.path);
    cr_assert(fd >= 0);
    cr_assert(length == 0 || write(fd, bytes, length) == (ssize_t)length);
    close(fd);
    return file;
}

static inline TestFile test_file_text(const char *text) { return test_file_bytes(text, strlen(text)); }

static inline TestFile test_file_gzip(const void *bytes, size_t length) {
    TestFile file = test_file_bytes(NULL, 0);
    gzFile gz = gzopen(file.path, "wb");
    cr_assert(gz != NULL && gzwrite(gz, bytes, (unsigned)length) == (int)length && gzclose(gz) == Z_OK);
    return file;
}

static inline void test_file_remove(TestFile *file) { unlink(file->path); }

/* The same numbers in every run. */
static inline uint64_t test_random(uint64_t *state) {
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Changes one to four bytes. */
static inline void test_flip(unsigned char *bytes, size_t length, uint64_t *state) {
    for (uint64_t n = 1 + test_random(state) % 4; n > 0; n--)
        bytes[test_random(state) % length] = (unsigned char)test_random(state);
}
#endif
