/* The command line: what is understood, and what is said of what is not. */
#include "driver/options.h"
#include <criterion/criterion.h>
#include <string.h>

static Arena *arena;
static Options options;
static const char *problem;

static bool parse_as(const Grammar *grammar, const char *line) {
    char *words[32], *copy = text_format(arena, "sgdc %s", line);
    int count = 0;
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) words[count++] = word;
    return options_parse(arena, grammar, count, words, &options, &problem);
}

static bool parse_line(const char *line) { return parse_as(&options_of_sgdc, line); }

static void set_up(void) { arena = arena_new(); }
static void tear_down(void) { arena_free(arena); }
TestSuite(options, .init = set_up, .fini = tear_down);

Test(options, run_and_names) {
    cr_assert(parse_line("a.sgd --run=gd,mini10 --seed 7 -O1 --set lr=0.5 --set batch=all --data d=x.csv"), "%s",
              problem);
    cr_expect_str_eq(options.file, "a.sgd");
    cr_expect(options.run);
    cr_expect_str_eq(options.run_only, "gd,mini10");
    cr_expect(options.has_seed && options.seed == 7);
    cr_expect_eq(options.optimize, 1);
    cr_assert_eq(options.set.count, 2);
    cr_expect_str_eq(options.set.items[1].name, "batch");
    cr_expect_str_eq(options.set.items[1].value, "all");
    cr_expect_str_eq(options.data.items[0].value, "x.csv");
}

Test(options, run_takes_no_file_as_its_value) {
    cr_assert(parse_line("--run a.sgd"));
    cr_expect_str_eq(options.file, "a.sgd");
    cr_expect_null(options.run_only);
}

Test(options, emit_lists) {
    cr_assert(parse_line("a.sgd --emit=ir,grad=g.txt,obj"));
    cr_assert_eq(options.emit.count, 3);
    cr_expect_eq(options.emit.items[1].kind, EMIT_GRAD);
    cr_expect_str_eq(options.emit.items[1].path, "g.txt");
    cr_expect_null(options.emit.items[2].path);
}

Test(options, what_cannot_be_understood) {
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"a.sgd --rnu", "did you mean --run"},
        {"a.sgd --run --plto=x.svg", "did you mean --plot"},
        {"a.sgd --emit=lllvm", "did you mean llvm"},
        {"a.sgd --emit=ir=", "needs a path"},
        {"a.sgd --run --seed", "--seed needs a value"},
        {"a.sgd --run --seed=-1", "whole number"},
        {"a.sgd --run --seed=7x", "whole number"},
        {"a.sgd --run --seed=99999999999999999999", "whole number"},
        {"a.sgd --run --threads=0", "at least 1"},
        {"a.sgd --run --set lr", "--set needs NAME=VALUE"},
        {"a.sgd --run --set =3", "--set needs NAME=VALUE"},
        {"a.sgd -O7", "-O3"},
        {"a.sgd -Wall", "-Werror"},
        {"a.sgd -z", "there is no option -z"},
        {"a.sgd --check=yes", "takes no value"},
        {"a.sgd --progress=bra", "did you mean bar"},
        {"a.sgd --save x", "add --run"},
        {"a.sgd --run -o x", "-o names the object"},
        {"a.sgd --check --run", "only diagnoses"},
        {"a.sgd b.sgd", "one .sgd file at a time"},
        {"--run", "no .sgd file"},
        {"a.sgd --run=", "needs the names"},
        {"a.sgd --run --plot x.bmp", ".svg"},
        {"a.sgd --run --log x", ".jsonl"},
        {"a.sgd --run --overfit=few", "at least 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_not(parse_line(cases[i].line), "%s was understood", cases[i].line);
        cr_expect(problem && strstr(problem, cases[i].says), "%s: \"%s\" does not say \"%s\"", cases[i].line,
                  problem ? problem : "", cases[i].says);
    }
}

Test(options, everything_after_two_dashes_is_a_file) {
    cr_assert(parse_line("--run -- --odd.sgd"));
    cr_expect_str_eq(options.file, "--odd.sgd");
}

static const char *check_sample(Arena *a, const Options *o) {
    (void)a;
    return o->overfit && o->quiet ? "not both" : NULL;
}

Test(options, a_command_has_rows_of_its_own_and_takes_some_of_sgdc) {
    static const OptionRow rows[] = {
        {"first", 0, OPTION_WHOLE, OPTION_AT(overfit), "=N", NULL, "some of them"},
        {0},
    };
    static const Grammar sample = {
        .command = "sample", .file = "saved file", .rows = rows, .shared = "set q", .check = check_sample};
    cr_assert(parse_as(&sample, "a.safetensors --first 3 --set lr=1"), "%s", problem);
    cr_expect_str_eq(options.overfit, "3");
    cr_expect_str_eq(options.set.items[0].name, "lr");
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"a --run", "sgdc sample has no option --run"},
        {"a --frist 3", "did you mean --first"},
        {"--first 3", "no saved file was given (sgdc sample --help"},
        {"a b", "one saved file at a time"},
        {"a --first 3 -q", "not both"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_expect_not(parse_as(&sample, cases[i].line), "%s was understood", cases[i].line);
        cr_expect(problem && strstr(problem, cases[i].says), "%s: \"%s\" does not say \"%s\"", cases[i].line,
                  problem ? problem : "", cases[i].says);
    }
}
