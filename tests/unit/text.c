/* Growing strings, numbers as text, JSON strings, interned names, the nearest name, places. */
#include "support/support.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

Test(text, grows) {
    Arena *arena = arena_new();
    Text text = text_new(arena);
    cr_assert_str_eq(text.bytes, "");
    for (int i = 0; i < 1000; i++) text_add(&text, "%d,", i % 10);
    cr_assert_eq(text.length, 2000);
    cr_assert_eq(strlen(text.bytes), 2000);
    cr_assert_eq(strncmp(text.bytes, "0,1,2,3,4,5,6,7,8,9,0,", 22), 0);
    cr_assert_str_eq(text_format(arena, "%s %d", "a", 1), "a 1");
    arena_free(arena);
}

Test(text, numbers_are_short_and_read_back) {
    Arena *arena = arena_new();
    cr_assert_str_eq(text_number(arena, 0.1f, true), "0.1");
    cr_assert_str_eq(text_number(arena, 0.1, false), "0.1");
    cr_assert_str_eq(text_number(arena, 1.0 / 3, false), "0.3333333333333333");
    cr_assert_str_eq(text_number(arena, 1.0f / 3, true), "0.33333334");
    cr_assert_str_eq(text_number(arena, 3, true), "3");
    cr_assert_str_eq(text_number(arena, -0.0, true), "-0");
    cr_assert_str_eq(text_number(arena, INFINITY, true), "inf");
    cr_assert_str_eq(text_number(arena, -INFINITY, false), "-inf");
    cr_assert_str_eq(text_number(arena, NAN, false), "nan");
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17;
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) cr_assert_eq(strtod(text_number(arena, value, false), NULL), value);
        if (isfinite((float)value)) cr_assert_eq(strtof(text_number(arena, (float)value, true), NULL), (float)value);
    }
    arena_free(arena);
}

Test(text, equal_names_are_one_pointer) {
    Arena *arena = arena_new();
    Names *names = names_new(arena);
    Name kept[2000];
    for (int i = 0; i < 2000; i++) kept[i] = name_from(names, text_format(arena, "name%d", i));
    for (int i = 0; i < 2000; i++) {
        const char *text = text_format(arena, "name%d and more", i);
        cr_assert_eq(name_of(names, text, strlen(text) - strlen(" and more")), kept[i]);
    }
    cr_assert_neq(name_from(names, "a"), name_from(names, "b"));
    cr_assert_str_eq(name_of(names, "", 0), "");
    arena_free(arena);
}

Test(text, the_nearest_name_is_suggested) {
    static const char *const words[] = {"epochs", "optimizer", "minimize", "batch", "lr", "data"};
    int count = sizeof words / sizeof *words;
    cr_assert_str_eq(nearest_name("epoch", words, count), "epochs");
    cr_assert_str_eq(nearest_name("Epochs", words, count), "epochs");
    cr_assert_str_eq(nearest_name("optimiser", words, count), "optimizer");
    cr_assert_str_eq(nearest_name("mimimize", words, count), "minimize");
    cr_assert_str_eq(nearest_name("rl", words, count), "lr");
    cr_assert_str_eq(nearest_name("btach", words, count), "batch");
    cr_assert_null(nearest_name("x", words, count));
    cr_assert_null(nearest_name("learning_rate", words, count));
    cr_assert_null(nearest_name("", words, count));
    cr_assert_null(nearest_name("epoch", NULL, 0));
}

Test(source, places) {
    Arena *arena = arena_new();
    SourceMap *map = source_map_new(arena);
    Source *first = source_add(map, "a.sgd", "one\ntwo\r\n\nfour", 14);
    Source *second = source_add(map, "b.sgd", "", 0);
    Place place = source_place(map, first->base + 4);
    cr_assert(place.source == first && place.line == 2 && place.column == 1);
    place = source_place(map, first->base + 14);
    cr_assert(place.source == first && place.line == 4 && place.column == 5);
    place = source_place(map, second->base);
    cr_assert(place.source == second && place.line == 1 && place.column == 1);
    cr_assert_null(source_place(map, 0).source);
    cr_assert_null(source_place(map, 1000).source);
    cr_assert_str_eq(source_line(arena, first, 2), "two");
    cr_assert_str_eq(source_line(arena, first, 3), "");
    cr_assert_str_eq(source_line(arena, first, 4), "four");
    cr_assert_str_eq(source_line(arena, first, 5), "");
    const char *problem;
    cr_assert_null(source_read(map, "/nowhere/none.sgd", &problem));
    cr_assert_str_eq(problem, "cannot be read: No such file or directory");
    cr_assert_null(source_read(map, "/", &problem));
    cr_assert_not_null(problem);
    arena_free(arena);
}
