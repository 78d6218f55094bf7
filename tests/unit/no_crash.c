/* No input crashes the compiler: every truncation of every example at every byte, every single-token deletion, and
 * some texts made to hurt, are taken through parsing, lowering and all passes in this process. What they mean is
 * not looked at; that the compiler comes back, with a diagnostic or a program, is the test. Sanitizers say the rest.
 *
 * Examples are long, so truncations that differ only inside a comment are taken once.
 */
#include "driver/driver.h"
#include <criterion/criterion.h>
#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

/* Compiles a text as if it were the file at `path` (includes are looked for beside it). */
static int compile(const char *path, const char *text, size_t length) {
    Arena *arena = arena_new();
    SourceMap *map = source_map_new(arena);
    Diagnostics *diagnostics = diagnostics_new(arena, map);
    Names *names = names_new(arena);
    Source *source = source_add(map, path, text, length);
    Ast *ast = parse(arena, names, diagnostics, source);
    LowerOptions options = {0};
    if (!diagnostics->errors) {
        Program *program = lower_program(arena, names, diagnostics, map, ast, path, &options);
        for (const Pass *pass = graph_passes; pass->name && !diagnostics->errors; pass++)
            for (int i = 0; i < program->run_count && !diagnostics->errors; i++) pass->run(program, &program->runs[i]);
    }
    int errors = diagnostics->errors;
    arena_free(arena);
    return errors;
}

static char *read_whole(const char *path, size_t *length) {
    FILE *file = fopen(path, "rb");
    cr_assert(file, "%s cannot be read", path);
    fseek(file, 0, SEEK_END);
    *length = (size_t)ftell(file);
    rewind(file);
    char *text = malloc(*length + 1);
    cr_assert_eq(fread(text, 1, *length, file), *length);
    text[*length] = 0;
    fclose(file);
    return text;
}

static bool in_comment(const char *text, size_t at) {
    while (at > 0 && text[at - 1] != '\n')
        if (text[--at] == '#') return true;
    return false;
}

static void truncate_everywhere(const char *path) {
    size_t length;
    char *text = read_whole(path, &length);
    for (size_t end = 0; end <= length; end++)
        if (!in_comment(text, end) || end == length) compile(path, text, end);
    free(text);
}

static bool is_word(char c) { return isalnum((unsigned char)c) || c == '_'; }

static void delete_every_token(const char *path) {
    size_t length;
    char *text = read_whole(path, &length), *without = malloc(length + 1);
    for (size_t at = 0; at < length;) {
        size_t end = at + 1;
        if (is_word(text[at]))
            while (end < length && is_word(text[end])) end++;
        if (!isspace((unsigned char)text[at]) && !in_comment(text, at) && text[at] != '#') {
            memcpy(without, text, at);
            memcpy(without + at, text + end, length - end);
            compile(path, without, length - (end - at));
        }
        at = end;
    }
    free(text);
    free(without);
}

static void for_examples(void (*visit)(const char *path)) {
    DIR *folder = opendir(SGDC_SOURCE_FOLDER "/examples");
    cr_assert(folder, "there are no examples");
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[1024];
        if (!strstr(entry->d_name, ".sgd")) continue;
        snprintf(path, sizeof path, "%s/examples/%s", SGDC_SOURCE_FOLDER, entry->d_name);
        visit(path);
        count++;
    }
    closedir(folder);
    cr_assert_gt(count, 10);
}

static void compiles(const char *path) {
    size_t length;
    char *text = read_whole(path, &length);
    cr_expect_eq(compile(path, text, length), 0, "%s has errors", path);
    free(text);
}

Test(no_crash, examples_compile) { for_examples(compiles); }
Test(no_crash, truncations, .timeout = 280) { for_examples(truncate_everywhere); }
Test(no_crash, token_deletions, .timeout = 280) { for_examples(delete_every_token); }

Test(no_crash, empty) { compile("empty.sgd", "", 0); }

Test(no_crash, long_line) {
    size_t length = 10 << 20;
    char *text = malloc(length);
    memset(text, 'a', length);
    compile("long.sgd", text, length);
    for (size_t i = 0; i < length; i++) text[i] = "a+"[i % 2];
    memcpy(text, "x=", 2);
    compile("long.sgd", text, length);
    free(text);
}

Test(no_crash, deep_nesting) {
    static const char *const openers[] = {"(",          "[", "-",          "not ", "f(",  "x[",
                                          "if a then ", "{", "repeat 2 {", "a^",   "a+(", "sum("};
    size_t depth = 200000;
    for (size_t i = 0; i < sizeof openers / sizeof *openers; i++) {
        size_t one = strlen(openers[i]);
        char *text = malloc(one * depth + 64);
        strcpy(text, "def f(x: f32) -> f32 = ");
        size_t at = strlen(text);
        for (size_t k = 0; k < depth; k++, at += one) memcpy(text + at, openers[i], one);
        compile("deep.sgd", text, at);
        free(text);
    }
}

Test(no_crash, all_bytes) {
    char text[512];
    for (int i = 0; i < 512; i++) text[i] = (char)(i * 7);
    compile("bytes.sgd", text, sizeof text);
    for (int byte = 0; byte < 256; byte++) {
        snprintf(text, sizeof text, "def f(x: f32) -> f32 = x %c x\n", byte ? byte : ' ');
        compile("byte.sgd", text, strlen(text));
    }
}

Test(no_crash, recursion) {
    static const char *const texts[] = {
        "def f(x: f32) -> f32 = f(x)\nmodel m(x: f32) -> f32 = f(x)\n",
        "include \"recursion.sgd\"\n",
        "a = b\nb = a\n",
        "train a like b { }\ntrain b like a { }\n",
        "data a like b\ndata b like a\n",
        "train a like a { }\n",
        "data a like a\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) compile("recursion.sgd", texts[i], strlen(texts[i]));
}
