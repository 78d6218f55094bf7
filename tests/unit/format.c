/* The formatter: what the style is, and that formatting keeps meaning and comments and changes nothing the second time,
 * over all programs of the project and random ones, as they are and with their white space thrown about. SGDC_PROGRAMS:
 * how many random programs (200). */
#include "../numeric/generator.h"

#include "format/format.h"

#include "mutations.h"

typedef struct Formatted {
    Arena *arena;
    Diagnostics *diagnostics;
    Ast *ast; /* of the text as it was */
    TokenList tokens;
    const char *text; /* NULL: it was refused */
    size_t length;
} Formatted;

static Formatted format_bytes(const char *text, size_t length) {
    Formatted f = {.arena = arena_new()};
    SourceMap *map = source_map_new(f.arena);
    f.diagnostics = diagnostics_new(f.arena, map);
    Source *source = source_add(map, "a.sgd", text, length);
    f.text = format_source(f.arena, f.diagnostics, source, &f.length);
    cr_assert(f.text || f.diagnostics->errors, "a defect, in:\n%.*s", (int)length, text);
    f.ast = parse_tokens(f.arena, names_new(f.arena), diagnostics_new(f.arena, map), source, &f.tokens);
    return f;
}

static const char *bytes_of(const Formatted *f, const Token *token) {
    return f->ast->source->text + (token->span.begin - f->ast->source->base);
}

/* Comments without blanks, or the other tokens but `;`, in their order. */
static const char *words_of(const Formatted *f, bool comments) {
    Text words = text_new(f->arena);
    for (int i = 0; i < f->tokens.count; i++) {
        const Token *token = &f->tokens.items[i];
        const char *bytes = bytes_of(f, token);
        size_t length = token->span.end - token->span.begin;
        if (token->is_comment != comments || (!comments && *bytes == ';')) continue;
        for (size_t k = 0; k < length; k++)
            if (!comments || !strchr(" \t\r\f\v", bytes[k]) || !bytes[k]) text_add_bytes(&words, bytes + k, 1);
        text_add(&words, "\n");
    }
    return words.bytes;
}

static const char *tree_of(const Formatted *f) {
    Text printed = text_new(f->arena);
    ast_print(&printed, f->ast);
    return printed.bytes;
}

/* From the line before the first difference on, at most 300 bytes. */
static const char *difference(const Formatted *f, const char *a, const char *b) {
    size_t at = 0;
    while (a[at] && a[at] == b[at]) at++;
    for (int newlines = 0; at > 0; at--)
        if (a[at - 1] == '\n' && newlines++ == 2) break;
    return text_format(f->arena, "%.300s\n--- and the second time\n%.300s", a + at, b + at);
}

/* Formats the text, and holds what the formatter promises. */
static void check_kept(const char *text, size_t length) {
    Formatted once = format_bytes(text, length);
    if (once.text) {
        Formatted twice = format_bytes(once.text, once.length);
        cr_assert(twice.text, "what was formatted is refused:\n%s", once.text);
        cr_assert_str_eq(twice.text, once.text, "not the same the second time:\n%s",
                         difference(&once, once.text, twice.text));
        cr_assert_str_eq(words_of(&once, false), words_of(&twice, false), "other tokens");
        cr_assert_str_eq(words_of(&once, true), words_of(&twice, true), "other comments");
        cr_assert_str_eq(tree_of(&once), tree_of(&twice), "another tree");
        arena_free(twice.arena);
    }
    arena_free(once.arena);
}

static void check(const char *text, const char *expected) {
    Formatted f = format_bytes(text, strlen(text));
    cr_assert(f.text, "refused: %s", text);
    cr_expect_str_eq(f.text, expected, "%s\nbecame\n%s\nnot\n%s", text, f.text, expected);
    arena_free(f.arena);
    check_kept(text, strlen(text));
}

/* ---- the style --------------------------------------------------------------------------------- */
Test(format, spaces) {
    check("a=1", "a = 1\n");
    check("y  =  -x ^ 2*( a+b )/ - c", "y = -x^2 * (a + b) / -c\n");
    check("y=not a==b and c or x in[1,2]", "y = not a == b and c or x in [1, 2]\n");
    check("y=x[ 0 .. n+1 ,.. , 1 .. ]+z[ .. 2 ]", "y = x[0..n + 1, .., 1..] + z[..2]\n");
    check("y=each[1,2];z=every  10  epochs", "y = each [1, 2]; z = every 10 epochs\n");
    check("y=1 .x", "y = 1 .x\n");
    check("def f(x:real[.. s],k=1)->(a:f32,b:label[k] [ 2 ])=x",
          "def f(x: real[..s], k = 1) -> (a: f32, b: label[k][2]) = x\n");
    check("y=[x^2 for x in 0..3,z]", "y = [x^2 for x in 0..3, z]\n");
    check("y=if a then b else if c then d else e", "y = if a then b else if c then d else e\n");
    check("y = ((a))", "y = ((a))\n");
    check("include   \"a \\\" b.sgd\"", "include \"a \\\" b.sgd\"\n");
}

Test(format, lines_and_empty_lines) {
    check("", "");
    check("\n\n", "");
    check("\n\na = 1\n\n\n\nb = 2\n\n", "a = 1\n\nb = 2\n");
    check("a = 1\r\nb = 2 # c\r\n", "a = 1\nb = 2  # c\n");
    check("\xef\xbb\xbf"
          "a = 1",
          "a = 1\n");
    check("a = 1;;\n;b = 2;", "a = 1\nb = 2\n");
    check("data d {\n\n\tx: f32\n\n\n\ty: f32\n\n}", "data d {\n  x: f32\n\n  y: f32\n}\n");
    check("data d\n{\n}", "data d {}\n");
    check("model m(x: f32) -> f32 { h = x; return h }", "model m(x: f32) -> f32 { h = x; return h }\n");
    check("model m(x: f32) -> f32 {\nh = x; return h }", "model m(x: f32) -> f32 {\n  h = x; return h\n}\n");
    check("repeat 2 {repeat (n+1) {a=1}}", "repeat 2 { repeat (n + 1) { a = 1 } }\n");
}

Test(format, columns) {
    check("train t {\ndata = d\noptimizer = o\nminimize a = x\nminimize longer = y\nbatch = 1\n}",
          "train t {\n  data      = d\n  optimizer = o\n  minimize a      = x\n  minimize longer = y\n  batch     = "
          "1\n}\n");
    check("data d {\nx: f32[28, 28] = a\ny: f32 = b\nkeep = c\n}",
          "data d {\n  x: f32[28, 28] = a\n  y: f32         = b\n  keep = c\n}\n");
    check("layer l(x: f32) -> f32 {\nstate m = 0\nstate mm = 1\nw: f32[2, 2] = 0\nreturn x\n}",
          "layer l(x: f32) -> f32 {\n  state m  = 0\n  state mm = 1\n  w: f32[2, 2] = 0\n  return x\n}\n");
    check("a = 1\nlong = 2\n\nlonger = 3", "a    = 1\nlong = 2\n\nlonger = 3\n");
    check("a = 1\na_very_long_name_of_something = 2", "a = 1\na_very_long_name_of_something = 2\n");
    check("train a { batch = 1 }\ntrain long like a { batch = 1 }\ntrain b like long { batch = 1 }",
          "train a { batch = 1 }\ntrain long like a    { batch = 1 }\ntrain b    like long { batch = 1 }\n");
    check("a = 1 # one\nlong = 2 # two\n\nb = 1 # three", "a    = 1  # one\nlong = 2  # two\n\nb = 1  # three\n");
    check("y = f(1)  # a\nz = 1  # b\n", "y = f(1)  # a\nz = 1     # b\n");
}

Test(format, comments) {
    check("#a\n##b\n#!c\n####\n#\n", "# a\n## b\n#!c\n####\n#\n");
    check("data d {# a\n# b\n\n  x: f32# c\n\n\n# d\n}# e", "data d {  # a\n  # b\n\n  x: f32  # c\n\n  # d\n}  # e\n");
    check("y = f(a # one\n, b, # two\n c)", "y = f(\n  a,  # one\n  b,  # two\n  c\n)\n");
    check("y = f(\n# first\na)", "y = f(\n  # first\n  a\n)\n");
    check("y = f(a # last\n)", "y = f(\n  a  # last\n)\n");
    check("y = a + # one\n b - # two\n c", "y = a  # one\n  + b  # two\n  - c\n");
    check("train t # x\n{ batch = 1 }", "train t {  # x\n  batch = 1\n}\n");
    check("train t { batch = 1 # x\n epochs = 2 }", "train t {\n  batch  = 1  # x\n  epochs = 2\n}\n");
    check("a = 1; b = 2 # x", "a = 1; b = 2  # x\n");
    check("y = [1, # \xc3\xa9\n 2]", "y = [\n  1,  # \xc3\xa9\n  2\n]\n");
    check("a = 1 # at the end", "a = 1  # at the end\n");
    check("# alone", "# alone\n");
}

#define A20 "aaaaaaaaaaaaaaaaaaaa"
#define B30 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C40 "cccccccccccccccccccccccccccccccccccccccc"

Test(format, broken) {
    check("y = f(" C40 ", " C40 ", " C40 ")", "y = f(\n  " C40 ",\n  " C40 ",\n  " C40 "\n)\n");
    check("y = " C40 " + " C40 " * 2 - " C40, "y = " C40 "\n  + " C40 " * 2\n  - " C40 "\n");
    check("y = if " C40 " then " C40 " else " C40, "y = if " C40 " then " C40 "\n  else " C40 "\n");
    check("y = (" C40 " + " C40 " - " C40 ")^2", "y = (\n  " C40 "\n  + " C40 "\n  - " C40 "\n)^2\n");
    check("def f(a: real[" C40 "], b: real) -> real[" B30 ", " C40 "] { return a }",
          "def f(a: real[" C40 "], b: real)\n    -> real[" B30 ", " C40 "] { return a }\n");
    check("def f(a: real) -> real = g(" C40 ", " C40 ", " A20 ")",
          "def f(a: real) -> real\n  = g(" C40 ", " C40 ", " A20 ")\n");
    check("train t { data = " C40 "; minimize = " C40 "; optimizer = " A20 " }",
          "train t {\n  data      = " C40 "\n  minimize  = " C40 "\n  optimizer = " A20 "\n}\n");
    check("y = [[1, 2],\n     [3, 4]]", "y = [\n  [1, 2],\n  [3, 4]\n]\n");
    check("y = sum(" C40 "[i] * " C40 "[i] + " A20 "[i] for i)",
          "y = sum(\n  " C40 "[i] * " C40 "[i] + " A20 "[i]\n  for i\n)\n");
    check("return " C40 ", " C40 ", " C40, "return " C40 ",\n  " C40 ",\n  " C40 "\n");
}

Test(format, refused) {
    static const char *const texts[] = {"a = ", "model m( {", "a = 1 1", "def f(x) -> f32 = x &&\n y", "'a", "\xff"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        Formatted f = format_bytes(texts[i], strlen(texts[i]));
        cr_expect(!f.text && f.diagnostics->errors, "%s", texts[i]);
        arena_free(f.arena);
    }
}

/* ---- every program ------------------------------------------------------------------------------ */
static const char *blanks(Stream *s) {
    static const char *const all[] = {"", " ", " ", "  ", "\t", " \f ", "     ", " \r"};
    return all[stream_below(s, (int)(sizeof all / sizeof *all))];
}

/* Ends the line, and the next ones; with comments. */
static const char *lines(Stream *s) {
    static const char *const all[] = {
        "\n",         "\r\n",           "\n\n",          " # one\n",  "#two\n\n",
        "\n## doc\n", "\n\n\n #   x\n", "## doc \t\r\n", "\n#\n\t\n", "  #\xc3\xa9\n\n#y\n"};
    return all[stream_below(s, (int)(sizeof all / sizeof *all))];
}

/* Numbers and short names become long, so that lines do not fit. */
static void add_stretched(Text *text, const char *bytes, size_t length) {
    static const char *const kept[] = {"in", "or", "if"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (length == 2 && memcmp(bytes, kept[i], 2) == 0) length = 0, text_add(text, "%s", kept[i]);
    if (length && *bytes >= '0' && *bytes <= '9') text_add(text, "000000000000000000");
    text_add_bytes(text, bytes, length);
    if (length && length <= 2 && ((*bytes | 32) >= 'a' && (*bytes | 32) <= 'z'))
        text_add(text, "_which_is_a_long_name");
}

/* The same tokens with other white space and more comments. Where a newline may stand is only known inside of brackets,
 * and where there was one. */
static const char *scramble(const Formatted *f, uint64_t seed) {
    Stream s = {seed};
    bool stretches = seed % 2 == 0, comments = seed % 3 > 0;
    Text text = text_new(f->arena);
    char open[1024] = {0};
    int depth = 0;
    for (int i = 0; i < f->tokens.count; i++) {
        const Token *token = &f->tokens.items[i], *next = token + 1;
        const char *bytes = bytes_of(f, token);
        size_t length = token->span.end - token->span.begin;
        if (stretches && !token->is_comment && stream_below(&s, 2))
            add_stretched(&text, bytes, length);
        else
            text_add_bytes(&text, bytes, length);
        if (!token->is_comment && strchr("([{", *bytes) && depth < 1023) open[++depth] = *bytes;
        if (!token->is_comment && strchr(")]}", *bytes) && depth > 0) depth--;
        if (i + 1 == f->tokens.count) break;
        size_t gap = next->span.begin - token->span.end;
        bool may_break = open[depth] == '(' || open[depth] == '[' || memchr(bytes + length, '\n', gap);
        bool must_break = token->is_comment || (memchr(bytes + length, '\n', gap) && !next->is_comment);
        text_add(&text, "%s%s", gap ? " " : "", blanks(&s));
        if (must_break || (may_break && stream_below(&s, 3) == 0))
            text_add(&text, "%s%s", comments ? lines(&s) : "\n", blanks(&s));
    }
    return text.bytes;
}

static void check_program(const char *path, const char *text, size_t length, void *context) {
    (void)path;
    check_kept(text, length);
    Formatted f = format_bytes(text, length);
    uint64_t most = getenv("SGDC_SCRAMBLED") ? strtoull(getenv("SGDC_SCRAMBLED"), NULL, 10) : 6;
    for (uint64_t seed = 1; f.text && seed <= most; seed++) {
        const char *scrambled = scramble(&f, seed);
        check_kept(scrambled, strlen(scrambled));
        ++*(int *)context;
    }
    arena_free(f.arena);
}

Test(format, all_programs, .timeout = 120) {
    static const char *const folders[] = {"examples",           "examples/firmware", "std",        "tests/golden",
                                          "tests/machine_code", "tests/embed",       "bench/steps"};
    int scrambled = 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        cr_expect_gt(visit_programs(folders[i], check_program, &scrambled), 0, "%s", folders[i]);
    cr_expect_gt(scrambled, 300);
}

Test(format, random_programs, .timeout = 280) {
    const char *most = getenv("SGDC_PROGRAMS");
    for (uint64_t seed = 1; seed <= (most ? strtoull(most, NULL, 10) : 200); seed++) {
        Arena *arena = arena_new();
        int batch, scrambled = 0;
        const char *text = random_program(arena, seed, &batch);
        check_kept(text, strlen(text));
        if (seed % 4 == 0) check_program("", text, strlen(text), &scrambled);
        arena_free(arena);
    }
}

static void check_ruined(const char *text, size_t length, const char *what, void *context) {
    (void)what;
    (void)context;
    check_kept(text, length);
}

static void ruin(const char *path, const char *text, size_t length, void *context) {
    (void)path;
    visit_deletions(text, length, check_ruined, context);
}

Test(format, programs_without_a_token, .timeout = 120) { visit_programs("examples", ruin, NULL); }

/* ---- hostile ------------------------------------------------------------------------------------- */
Test(format, deep) {
    static const char *const pieces[][3] = {
        {"(", "x", ")"},         {"[", "x", "]"},       {"f(a, ", "x", ")"},
        {"-", "x", ""},          {"x + ", "x", ""},     {"x^", "x", ""},
        {"if a then ", "x", ""}, {"f(# c\n", "x", ")"}, {"scan a in b { c = ", "x", " }"},
        {"not ", "x", ""},       {"x[1 + ", "x", "]"},  {"(x + # c\n", "x", ")"}};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        for (int depth = 10; depth < 100000; depth *= 10) {
            Arena *arena = arena_new();
            Text text = text_new(arena);
            text_add(&text, "y = ");
            for (int k = 0; k < depth; k++) text_add(&text, "%s", pieces[i][0]);
            text_add(&text, "%s", pieces[i][1]);
            for (int k = 0; k < depth; k++) text_add(&text, "%s", pieces[i][2]);
            if (strcmp(pieces[i][0], "if a then ") == 0)
                for (int k = 0; k < depth; k++) text_add(&text, " else z");
            check_kept(text.bytes, text.length);
            arena_free(arena);
        }
}

Test(format, bytes) {
    for (int byte = 0; byte < 256; byte++) {
        char text[] = "a = 1 # ?\nb ? = 2\n";
        text[8] = (char)byte;
        check_kept(text, 10);
        text[12] = (char)byte;
        check_kept(text, sizeof text - 1);
    }
}
