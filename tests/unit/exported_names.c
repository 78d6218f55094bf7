/* What objects, headers and files are called (codegen/object/exported_names.h). */
#include "codegen/object/exported_names.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static Arena *arena;
static void begin(void) { arena = arena_new(); }
static void end(void) { arena_free(arena); }
TestSuite(exported_names, .init = begin, .fini = end);

Test(exported_names, no_name_of_the_api_is_of_c_or_its_library) {
    static const char *const suffixes[] = {"",      "_data", "_rows", "_init", "_new",
                                           "_free", "_step", "_set",  "_fit",  "_load"};
    FILE *file = fopen(SGDC_SOURCE_FOLDER "/tests/embed/names.txt", "r");
    char name[64];
    int count = 0;
    cr_assert(file);
    while (fscanf(file, "%63s", name) == 1) {
        const char *prefix = exported_prefix(arena, name);
        for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
            cr_expect_null(exported_name_owner(text_format(arena, "%s%s", prefix, suffixes[i])), "%s%s", prefix,
                           suffixes[i]);
        cr_expect_str_eq(exported_prefix(arena, prefix), prefix);
        count++;
    }
    fclose(file);
    cr_expect_gt(count, 300);
}

Test(exported_names, plain_names_stay) {
    static const char *const names[] = {"classify", "online", "x", "my_model", "line2", "strokes", "isbn", "memory"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_expect_str_eq(exported_prefix(arena, names[i]), names[i]);
    cr_expect_str_eq(exported_prefix(arena, "log"), "log_model");
    cr_expect_str_eq(exported_prefix(arena, "pthread_mutex"), "pthread_mutex_model");
    cr_expect_str_eq(exported_prefix(arena, "a-b.c"), "a_b_c");
    cr_expect_str_eq(exported_prefix(arena, "3d"), "_3d");
    cr_expect_str_eq(exported_prefix(arena, "_"), "_model");
    cr_expect_str_eq(exported_prefix(arena, "fit_"), "fit");
}

Test(exported_names, signs_are_words) {
    cr_expect_str_eq(exported_identifier(arena, "width=8 + 4"), "width_8_plus_4");
    cr_expect_str_eq(exported_identifier(arena, "width=8 - 4"), "width_8___4");
    cr_expect_str_eq(exported_file_word(arena, "fit width=8 + 4"), "fit-width=8-plus-4");
    cr_expect_str_eq(exported_file_word(arena, "fit lr=0.1"), "fit-lr=0.1");
    cr_expect_str_eq(exported_file_word(arena, "a/../b"), "aover..overb");
}
