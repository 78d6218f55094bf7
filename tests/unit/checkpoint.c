/* checkpoint: what is saved comes back bit for bit; files that are damaged in any way are refused in words.
 */
#include "data_files.h"
#include <math.h>
#include <sys/stat.h>

static const int64_t matrix[] = {2, 3}, vector[] = {3}, none[] = {0};

typedef struct State {
    float w[6];
    double m[3];
    int32_t step;
    uint8_t mask[3];
} State;

static int entries_of(State *s, sgdrt_entry *e) {
    e[0] = (sgdrt_entry){"mlp.h.dense.w", SGDRT_F32, 2, matrix, s->w};
    e[1] = (sgdrt_entry){"mean@x", SGDRT_F64, 1, vector, s->m};
    e[2] = (sgdrt_entry){"\"quoted\" \xC3\xA9", SGDRT_I32, 0, NULL, &s->step};
    e[3] = (sgdrt_entry){"mask", SGDRT_BOOL, 1, vector, s->mask};
    e[4] = (sgdrt_entry){"empty", SGDRT_F32, 1, none, NULL};
    return 5;
}

static const sgdrt_metadata about[] = {{"sgdc", "0.1.0"}, {"run", "sweep lr=0.1\n\"a\""}, {"seed", "42"}};
static State state = {{1, -2, 3.5f, 0, -0.0f, 1e-42f}, {0.1, -3, 1e300}, -7, {1, 0, 1}};

static void *saved(size_t *length) {
    sgdrt_entry entries[5];
    sgdrt_problem problem;
    void *bytes;
    State from = state;
    int count = entries_of(&from, entries);
    cr_assert_eq(sgdrt_save_memory(&bytes, length, entries, count, about, 3, &problem), 0);
    return bytes;
}

static void expect_state(const sgdrt_checkpoint *c) {
    State back = {0};
    sgdrt_entry entries[5];
    sgdrt_problem problem;
    int count = entries_of(&back, entries);
    cr_assert_eq(sgdrt_restore(c, entries, count, &problem), 0, "%s", problem.message);
    cr_assert(!memcmp(back.w, state.w, sizeof back.w) && !memcmp(back.m, state.m, sizeof back.m) &&
              back.step == state.step && !memcmp(back.mask, state.mask, 3));
    cr_assert_str_eq(sgdrt_find_metadata(c, "run"), about[1].value);
    cr_assert_null(sgdrt_find_metadata(c, "epoch"));
    cr_assert_eq(c->entry_count, 5);
}

Test(checkpoint, memory) {
    size_t length, again;
    void *bytes = saved(&length), *same = saved(&again);
    cr_assert(length == again && !memcmp(bytes, same, length), "the same entries give the same bytes");
    sgdrt_checkpoint *c;
    sgdrt_problem problem;
    cr_assert_eq(sgdrt_load_memory(bytes, length, &c, &problem), 0, "%s", problem.message);
    expect_state(c);
    for (int i = 0; i < c->entry_count; i++)
        cr_assert_eq((uintptr_t)c->entries[i].data % sgdrt_dtype_bytes(c->entries[i].dtype), 0);
    sgdrt_free_checkpoint(c);
    free(bytes);
    free(same);
}

Test(checkpoint, files) {
    TestFile file = test_file_text("what was there before");
    sgdrt_entry entries[5];
    sgdrt_checkpoint *c;
    sgdrt_problem problem;
    State from = state;
    struct stat status;
    int count = entries_of(&from, entries);
    chmod(file.path, 0640);
    cr_assert_eq(sgdrt_save(file.path, entries, count, about, 3, &problem), 0, "%s", problem.message);
    cr_assert(!stat(file.path, &status) && (status.st_mode & 0777) == 0640);
    cr_assert_eq(sgdrt_load_file(file.path, &c, &problem), 0, "%s", problem.message);
    expect_state(c);
    sgdrt_free_checkpoint(c);
    test_file_remove(&file);
    cr_assert_eq(sgdrt_save("/nowhere/at/all", entries, count, about, 3, &problem), 418);
    cr_assert_eq(sgdrt_save("/tmp", entries, count, about, 3, &problem), 418);
    cr_assert_eq(sgdrt_save("/dev/null", entries, count, about, 3, &problem), 0);
    cr_assert(!stat("/dev/null", &status) && S_ISCHR(status.st_mode));
    cr_assert_eq(sgdrt_load_file("/nowhere/at/all", &c, &problem), 401);
    cr_assert_eq(sgdrt_load_file("/tmp", &c, &problem), 401);
    entries[1].name = entries[0].name;
    cr_assert_eq(sgdrt_save("/dev/null", entries, count, about, 3, &problem), 418);
}

Test(checkpoint, a_link_stays_a_link) {
    TestFile file = test_file_text("old"), link_file = test_file_text("");
    sgdrt_entry entries[5];
    sgdrt_problem problem;
    struct stat status;
    State from = state;
    int count = entries_of(&from, entries);
    unlink(link_file.path);
    cr_assert_eq(symlink(file.path, link_file.path), 0);
    cr_assert_eq(sgdrt_save(link_file.path, entries, count, NULL, 0, &problem), 0, "%s", problem.message);
    cr_assert(!lstat(link_file.path, &status) && S_ISLNK(status.st_mode));
    cr_assert(!stat(file.path, &status) && status.st_size > 100);
    test_file_remove(&file);
    test_file_remove(&link_file);
}

Test(checkpoint, one_nan) {
    uint32_t odd = 0xFFA12345, bits;
    uint64_t odd_double = 0xFFF0000000000001, wide;
    float f[1];
    double d[1];
    static const int64_t one[] = {1};
    memcpy(f, &odd, 4);
    memcpy(d, &odd_double, 8);
    sgdrt_entry entries[] = {{"f", SGDRT_F32, 1, one, f}, {"d", SGDRT_F64, 1, one, d}};
    void *bytes;
    size_t length;
    sgdrt_problem problem;
    sgdrt_checkpoint *c;
    cr_assert_eq(sgdrt_save_memory(&bytes, &length, entries, 2, NULL, 0, &problem), 0);
    cr_assert_eq(sgdrt_load_memory(bytes, length, &c, &problem), 0);
    memcpy(&bits, sgdrt_find_entry(c, "f")->data, 4);
    memcpy(&wide, sgdrt_find_entry(c, "d")->data, 8);
    cr_assert(bits == 0x7FC00000 && wide == 0x7FF8000000000000);
    sgdrt_free_checkpoint(c);
    free(bytes);
}

Test(checkpoint, other_models) {
    size_t length;
    void *bytes = saved(&length);
    sgdrt_checkpoint *c;
    sgdrt_problem problem;
    State back = {0};
    sgdrt_entry entries[5];
    entries_of(&back, entries);
    cr_assert_eq(sgdrt_load_memory(bytes, length, &c, &problem), 0);
    sgdrt_entry misspelt = entries[0], other_shape = entries[0], other_type = entries[0];
    misspelt.name = "mlp.g.dense.w";
    cr_assert_eq(sgdrt_restore(c, &misspelt, 1, &problem), 419);
    cr_assert(strstr(problem.message, "mlp.g.dense.w") && strstr(problem.help, "mlp.h.dense.w"));
    other_shape.shape = (const int64_t[]){3, 2};
    cr_assert_eq(sgdrt_restore(c, &other_shape, 1, &problem), 419);
    cr_assert(strstr(problem.message, "f32[2, 3], and here it is f32[3, 2]"), "%s", problem.message);
    other_type.dtype = SGDRT_I32;
    sgdrt_entry both[] = {entries[1], other_type};
    cr_assert_eq(sgdrt_restore(c, both, 2, &problem), 419);
    cr_assert_eq(back.m[0], 0, "nothing is written when something does not fit");
    sgdrt_free_checkpoint(c);
    free(bytes);
}

/* A header and some bytes of data as a file in memory. */
static int load_header(const char *header, size_t data_bytes, sgdrt_checkpoint **c, sgdrt_problem *problem) {
    static unsigned char bytes[4096];
    uint64_t length = strlen(header);
    memset(bytes, 0, sizeof bytes);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    return sgdrt_load_memory(bytes, 8 + length + data_bytes, c, problem);
}

Test(checkpoint, malformed_headers) {
    static const struct {
        const char *header;
        size_t data;
        const char *part;
    } files[] = {
        {"", 0, "not JSON"},
        {"[]", 0, "not JSON"},
        {"{", 0, "not JSON"},
        {"{} x", 0, "follows the JSON"},
        {"{}", 1, "bytes follow"},
        {"{\"a\":1}", 0, "lacks"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "lacks"},
        {"{\"a\":{\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "type"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]}}", 4, "outside"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4, "outside"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "outside"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 8, "outside"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4, "outside"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,1e300]}}", 4, "outside"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "whole number"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[0.5,2],\"data_offsets\":[0,4]}}", 4, "whole number"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,4294967297],\"data_offsets\":[0,4]}}", 4, "shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
         4, "overlaps"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
         "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         8, "twice"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "hole"},
        {"{\"__metadata__\":{\"a\":1}}", 0, "strings"},
        {"{\"__metadata__\":[]}", 0, "object"},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "twice"},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        sgdrt_checkpoint *c;
        sgdrt_problem problem = {0};
        cr_assert_eq(load_header(files[i].header, files[i].data, &c, &problem), 417, "%s", files[i].header);
        cr_assert(strstr(problem.message, files[i].part), "%s: %s", files[i].header, problem.message);
    }
}

Test(checkpoint, foreign_types) {
    sgdrt_checkpoint *c;
    sgdrt_problem problem;
    float w;
    sgdrt_entry wanted = {"a", SGDRT_F32, 0, NULL, &w};
    cr_assert_eq(load_header("{\"a\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[0,2]}}  \n", 2, &c, &problem),
                 0, "%s", problem.message);
    cr_assert_eq(c->entry_count, 0);
    cr_assert_eq(sgdrt_restore(c, &wanted, 1, &problem), 419);
    cr_assert(strstr(problem.message, "BF16"));
    sgdrt_free_checkpoint(c);
}

Test(checkpoint, every_truncation_and_random_bytes) {
    size_t length;
    unsigned char *bytes = saved(&length), *changed = malloc(length);
    sgdrt_checkpoint *c;
    sgdrt_problem problem;
    uint64_t seed = 3;
    for (size_t n = 0; n < length; n++) {
        void *part = malloc(n ? n : 1); /* of its size, so that the sanitizer sees a step beyond */
        memcpy(part, bytes, n);
        cr_assert_eq(sgdrt_load_memory(part, n, &c, &problem), 417, "%zu", n);
        free(part);
    }
    for (int i = 0; i < 20000; i++) {
        memcpy(changed, bytes, length);
        test_flip(changed, i % 4 ? length - 80 : 16, &seed);
        if (!sgdrt_load_memory(changed, length, &c, &problem)) sgdrt_free_checkpoint(c);
    }
    free(changed);
    free(bytes);
}
