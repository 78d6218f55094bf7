/* The reader of sparse rows. The first byte chooses what of a row is asked for. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static const int64_t features[] = {9}, stored[] = {3};
    if (length < 1) return 0;
    FuzzFile file = fuzz_file(bytes + 1, length - 1);
    sgdrt_dtype real = bytes[0] & 1 ? SGDRT_F64 : SGDRT_F32;
    sgdrt_column_request columns[] = {
        {.name = "y", .dtype = bytes[0] & 2 ? SGDRT_I32 : real, .part = SGDRT_LABELS, .classes = bytes[0] & 2 ? 2 : 0},
        {.name = "x", .dtype = real, .rank = 1, .shape = features, .part = SGDRT_FEATURES, .wide = bytes[0] & 4},
        {.name = "i", .dtype = SGDRT_I32, .rank = 1, .shape = stored, .part = SGDRT_INDICES, .classes = 9},
        {.name = "v", .dtype = real, .rank = 1, .shape = stored, .part = SGDRT_VALUES},
    };
    sgdrt_request request = {.name = "d",
                             .source = SGDRT_LIBSVM,
                             .path = file.path,
                             .features = 9,
                             .rows_begin = bytes[0] / 8 & 1,
                             .rows_end = bytes[0] & 16 ? 3 : -1,
                             .columns = columns,
                             .column_count = bytes[0] & 32 ? 2 : 4};
    fuzz_load(&request);
    close(file.fd);
    return 0;
}
