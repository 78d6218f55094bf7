/* The reader of .npy files. The first two bytes choose the column's type and shape and the rows. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static const int64_t shapes[][2] = { { 0, 0 }, { 2, 0 }, { 2, 3 }, { 1, 4 } };
    static const int ranks[] = { 0, 1, 2, 2 };
    if (length < 2)
        return 0;
    FuzzFile file = fuzz_file(bytes + 2, length - 2);
    sgdrt_column_request column = { .name = "x",
                                    .dtype = (sgdrt_dtype)(bytes[0] % 5),
                                    .wide = bytes[0] & 8,
                                    .truncated = bytes[0] & 16,
                                    .rank = ranks[bytes[1] & 3],
                                    .shape = shapes[bytes[1] & 3],
                                    .path = file.path };
    sgdrt_request request = { .name = "d",
                              .source = SGDRT_NPY,
                              .missing_is_error = bytes[0] & 32,
                              .rows_begin = bytes[1] / 4 & 1,
                              .rows_end = bytes[1] & 8 ? 2 : -1,
                              .columns = &column,
                              .column_count = 1 };
    fuzz_load(&request);
    close(file.fd);
    return 0;
}
