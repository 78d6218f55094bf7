/* How diagnostics look, as text and as JSON; that they are sorted, limited and not repeated. */
#include "support/support.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

typedef struct Fixture {
    Arena *arena;
    SourceMap *map;
    Diagnostics *d;
    Source *source;
} Fixture;

static Fixture fixture_of(const char *text) {
    Fixture f = {.arena = arena_new()};
    f.map = source_map_new(f.arena);
    f.d = diagnostics_new(f.arena, f.map);
    f.source = source_add(f.map, "a.sgd", text, strlen(text));
    return f;
}

static Span span_of(const Fixture *f, const char *part) {
    uint32_t begin = f->source->base + (uint32_t)(strstr(f->source->text, part) - f->source->text);
    return (Span){begin, begin + (uint32_t)strlen(part)};
}

static char *print(const Fixture *f, bool json) {
    char *bytes;
    size_t length;
    FILE *to = open_memstream(&bytes, &length);
    if (json)
        diagnostics_print_json(f->d, to);
    else
        diagnostics_print_human(f->d, to, false);
    fclose(to);
    char *copy = arena_copy(f->arena, bytes, length + 1);
    free(bytes);
    return copy;
}

Test(diagnostic, shows_the_line_and_a_caret) {
    Fixture f = fixture_of("param w: f32[5]\n\treturn dot(w, x) + b\n");
    Diagnostic *d = report(f.d, CODE_E0201, span_of(&f, "dot(w, x)"), "cannot multiply f32[5] by f32[6]");
    add_note(f.d, d, span_of(&f, "w:"), "w: f32[5] is declared here");
    add_help(f.d, d, "do better");
    cr_assert_str_eq(print(&f, false), "a.sgd:2:9: error[E0201]: cannot multiply f32[5] by f32[6]\n"
                                       "   2 | \treturn dot(w, x) + b\n"
                                       "     | \t       ^^^^^^^^^\n"
                                       "  note: w: f32[5] is declared at a.sgd:1:7\n"
                                       "  help: do better\n");
    cr_assert_str_eq(print(&f, true),
                     "{\"code\":\"E0201\",\"severity\":\"error\",\"file\":\"a.sgd\",\"line\":2,\"column\":9,"
                     "\"end_line\":2,\"end_column\":18,"
                     "\"message\":\"cannot multiply f32[5] by f32[6]\",\"notes\":["
                     "{\"severity\":\"note\",\"file\":\"a.sgd\",\"line\":1,\"column\":7,"
                     "\"end_line\":1,\"end_column\":9,"
                     "\"message\":\"w: f32[5] is declared here\"},"
                     "{\"severity\":\"help\",\"file\":null,\"line\":null,\"column\":null,\"end_line\":null,"
                     "\"end_column\":null,\"message\":\"do better\"}]}\n");
    arena_free(f.arena);
}

Test(diagnostic, carets_count_characters_and_stay_on_the_line) {
    Fixture f = fixture_of("\xc3\xa9 = \"\xc3\xa9\xc3\xa9\" b\nnext");
    report(f.d, CODE_E0101, span_of(&f, "\"\xc3\xa9\xc3\xa9\" b\nnext"), "here");
    cr_assert_str_eq(print(&f, false), "a.sgd:1:6: error[E0101]: here\n"
                                       "   1 | \xc3\xa9 = \"\xc3\xa9\xc3\xa9\" b\n"
                                       "     |     ^^^^^^\n");
    arena_free(f.arena);
}

Test(diagnostic, a_long_line_is_shown_in_part) {
    size_t length = 10000000;
    char *text = malloc(length + 1);
    memset(text, 'a', length);
    text[length] = '\0';
    memcpy(text + 5000000, "b", 1);
    Fixture f = fixture_of(text);
    report(f.d, CODE_E0101, span_of(&f, "b"), "here");
    char *shown = print(&f, false);
    cr_assert_lt(strlen(shown), 400);
    cr_assert_not_null(strstr(shown, " | ...aaaa"));
    const char *carets = strrchr(shown, '|');
    const char *excerpt = strchr(shown, '|');
    cr_assert_eq(strchr(carets, '^') - carets, strchr(excerpt, 'b') - excerpt);
    free(text);
    arena_free(f.arena);
}

Test(diagnostic, places_may_be_missing_or_in_data) {
    Fixture f = fixture_of("x");
    report_file(f.d, CODE_E0405, "houses.csv", 118, 4, "\"%s\" is not a number", "n/a");
    report_file(f.d, CODE_E0401, "none.csv", 0, 0, "cannot be read");
    report(f.d, CODE_E0302, (Span){0}, "no train block");
    cr_assert_str_eq(print(&f, false), "sgdc: error[E0302]: no train block\n"
                                       "houses.csv:118:4: error[E0405]: \"n/a\" is not a number\n"
                                       "none.csv: error[E0401]: cannot be read\n");
    arena_free(f.arena);
}

Test(diagnostic, sorted_unrepeated_and_limited) {
    Fixture f = fixture_of("abcdefghijklmnopqrstuvwxyz");
    f.d->most_errors = 3;
    for (uint32_t i = 10; i > 0; i--)
        for (int again = 0; again < 2; again++)
            if (i > 7) report(f.d, CODE_E0101, (Span){i, i + 1}, "number %d", (int)i);
    report(f.d, CODE_E0101, (Span){1, 2}, "one too many");
    report(f.d, CODE_E0101, (Span){2, 3}, "two too many");
    cr_assert_eq(f.d->errors, 5);
    char *shown = print(&f, false);
    cr_assert_lt(strstr(shown, "number 8"), strstr(shown, "number 9"));
    cr_assert_lt(strstr(shown, "number 9"), strstr(shown, "number 10"));
    cr_assert_null(strstr(shown, "too many"));
    cr_assert_not_null(strstr(shown, "... and 2 more errors\n"));
    arena_free(f.arena);
}

Test(diagnostic, every_code_is_explained_and_sorted) {
    for (int i = 0; i < CODE_COUNT; i++) {
        Code found;
        const char *name = code_name((Code)i);
        cr_assert(code_find(name, &found) && found == (Code)i, "%s", name);
        cr_assert_eq(strlen(name), 5);
        cr_assert_gt(strlen(code_title((Code)i)), 3, "%s", name);
        cr_assert_gt(strlen(code_explanation((Code)i)), 40, "%s has no explanation", name);
        if (i > 0 && name[0] == code_name((Code)(i - 1))[0])
            cr_assert_gt(strcmp(name, code_name((Code)(i - 1))), 0, "%s is out of order", name);
    }
    Code none;
    cr_assert_not(code_find("E9999", &none));
}
