/* The reader of csv files. The first four bytes choose how the file is said to be written, the columns' types, and whether two threads
 * read it, some bytes at a time. */
#include "fuzz.h"
#include "pool.h"

static char one_of(const char *list, uint8_t choice) { return list[choice % (strlen(list) + 1)]; }

static void note(void *context, const sgdrt_problem *problem) { *(int64_t *)context += problem->code; }

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length) {
    static const int64_t first[] = {0}, two[] = {2}, others[] = {1, 0};
    static const char *const names[] = {NULL, "a"};
    static const double remap[] = {3, 7};
    static const char *const words[] = {"a", "no"};
    if (length < 4) return 0;
    FuzzFile file = fuzz_file(bytes + 4, length - 4);
    sgdrt_column_request columns[] = {
        {.name = "x",
         .dtype = (sgdrt_dtype)(bytes[1] % 5),
         .wide = bytes[1] & 8,
         .truncated = bytes[1] & 16,
         .csv_index = first},
        {.name = "y",
         .dtype = (sgdrt_dtype)(bytes[1] / 32 % 5),
         .rank = 1,
         .shape = two,
         .csv_index = others,
         .csv_name = bytes[2] & 1 ? names : NULL},
        {.name = "z",
         .dtype = SGDRT_I32,
         .csv_index = first,
         .classes = 2,
         .remap = bytes[2] & 32 ? NULL : remap,
         .remap_words = bytes[2] & 32 ? words : NULL,
         .remap_count = 2},
        {.name = "t",
         .dtype = SGDRT_I32,
         .rank = 1,
         .shape = two,
         .csv_index = first,
         .csv_count = 1,
         .words = 2,
         .remap_words = words,
         .remap_count = 2},
        {.name = "w",
         .dtype = SGDRT_F32,
         .rank = 1,
         .shape = two,
         .csv_index = first,
         .csv_count = 1,
         .windowed = bytes[2] & 128,
         .offset = bytes[3] / 128},
    };
    sgdrt_request request = {.name = "d",
                             .source = SGDRT_CSV,
                             .path = file.path,
                             .delimiter = one_of(",;\t |", bytes[0]),
                             .decimal = one_of(".,", bytes[0] / 8),
                             .comment = one_of("#", bytes[0] / 32),
                             .header = bytes[2] / 2 % 3 - 1,
                             .missing_is_error = bytes[2] & 16,
                             .rows_begin = bytes[3] & 3,
                             .rows_end = bytes[3] & 4 ? 5 : -1,
                             .refused = bytes[2] & 64 ? note : NULL,
                             .refused_context = &(int64_t){0},
                             .columns = columns,
                             .column_count = 1 + bytes[3] / 8 % 4};
    if (bytes[2] & 128) { /* windows of two rows or three */
        request.window = 3;
        request.window_stride = 1 + (bytes[3] / 32 & 3);
        request.columns = columns + 3;
        request.column_count = 2;
    }
    static sgdrt_pool *pool;
    if (!pool) pool = sgdrt_pool_new(2);
    sgdrt_team team = sgdrt_pool_team(pool);
    team.piece = 1 + bytes[0] / 4 % 16;
    if (bytes[0] & 64) request.team = &team;
    fuzz_load(&request);
    close(file.fd);
    return 0;
}
