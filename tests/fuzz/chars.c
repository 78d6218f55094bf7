/* The reader of texts: characters are learnt, then numbered. The first two bytes choose the classes and the rows. */
#include "fuzz.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static const int64_t shape[] = {3};
    sgdrt_vocabulary vocabulary;
    sgdrt_problem problem = {0};
    if (length < 2) return 0;
    FuzzFile file = fuzz_file(bytes + 2, length - 2);
    int code = sgdrt_learn_characters(file.path, "x", bytes[0] % 64, &vocabulary, &problem);
    if (code && (problem.code != code || !problem.message[0])) abort();
    sgdrt_dtype dtype = bytes[1] & 1 ? SGDRT_U8 : SGDRT_I32;
    sgdrt_column_request columns[] = {
        {.name = "x", .dtype = dtype, .rank = 1, .shape = shape, .classes = 64},
        {.name = "y", .dtype = dtype, .classes = 64, .offset = 3},
    };
    for (int c = 0; c < 2; c++) {
        columns[c].remap_words = vocabulary.words;
        columns[c].remap_count = (int)vocabulary.count - (bytes[1] & 2 && vocabulary.count > 0);
    }
    sgdrt_request request = {.name = "d",
                             .source = SGDRT_CHARS,
                             .path = file.path,
                             .window_stride = 1 + (bytes[1] / 4 & 3),
                             .rows_begin = bytes[1] / 16 & 1,
                             .rows_end = bytes[1] & 32 ? 5 : -1,
                             .columns = columns,
                             .column_count = 2};
    fuzz_load(&request);
    sgdrt_free_vocabulary(&vocabulary);
    close(file.fd);
    return 0;
}
