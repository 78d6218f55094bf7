/* plot: the script says what it should; what gnuplot draws arrives whole; problems are sentences. */
#include "driver/plot_internal.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const PlotPoint falling[] = {{0, 0, 0, 2, 3}, {1, 5, 1e-3, 1, 2}, {2, 10, 2e-3, 0.5, NAN}};
static const PlotPoint diverging[] = {{0, 0, 0, 2, NAN}, {1, 5, 1e-3, 2e6, NAN}, {2, 10, 2e-3, NAN, NAN}};

static char *contents(Arena *arena, const char *path) {
    Text text = text_new(arena);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    for (int c; (c = fgetc(file)) != EOF;) text_add_bytes(&text, &(char){(char)c}, 1);
    fclose(file);
    return text.bytes;
}

static char *drawn(Arena *arena, const char *extension, const char *title, const PlotRun *runs, int count) {
    char folder[] = "/tmp/sgdc-plot-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    const char *path = text_format(arena, "%s/plot%s", folder, extension), *problem = "";
    cr_assert(plot_write(arena, path, title, runs, count, stdout, 0, &problem), "%s", problem);
    char *text = contents(arena, path);
    unlink(path);
    cr_assert_eq(rmdir(folder), 0, "nothing else is left in the folder");
    return text;
}

static bool has_gnuplot(void) { return system("gnuplot --version >/dev/null 2>&1") == 0; }

Test(plot, script) {
    Arena *arena = arena_new();
    PlotRun runs[] = {{"it's a_run", falling, 3}, {"b", diverging, 3}};
    char *text = drawn(arena, ".gp", "x_1", runs, 2);
    const char *parts[] = {"set output 'plot.svg'", "0 NaN 2 3\n1 0.001 1 2\n2 0.002 0.5 NaN\n",
                           "'it''s a_run'",         "{/:Bold x\\_1}",
                           "$diverged << END",      "validation loss dashed",
                           "set logscale x",        "'1 ms' 0.001"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        cr_assert_not_null(strstr(text, parts[i]), "%s is not in\n%s", parts[i], text);
    cr_assert_null(strstr(drawn(arena, ".gp", "x", runs, 1), "diverged"));
    arena_free(arena);
}

Test(plot, names_of_a_sweep) {
    Arena *arena = arena_new();
    PlotRun runs[] = {{"sweep lr=1", falling, 3}, {"sweep lr=2", falling, 3}};
    char *text = drawn(arena, ".gp", "x", runs, 2);
    cr_assert(strstr(text, "'sweep'") && strstr(text, "'lr=2'") && !strstr(text, "'sweep lr"), "%s", text);
    arena_free(arena);
}

Test(plot, the_kept_epoch) {
    Arena *arena = arena_new();
    PlotRun runs[] = {{"a", falling, 3, 1}};
    char *text = drawn(arena, ".gp", "x", runs, 1);
    cr_assert(strstr(text, "$kept << END\n1 0.001 2 0x0072B2\nEND\n") && strstr(text, "circle"), "%s", text);
    cr_assert(strstr(text, "set ylabel 'loss'") && strstr(text, "loss over the training rows"));
    arena_free(arena);
}

static const double measured[][2] = {{0.1, 8}, {0.4, 2}, {0.7, NAN}};
static const PlotPoint rising[] = {
    {0, 0, 0, 2, 3, measured[0]}, {1, 5, 1e-3, 1, 2, measured[1]}, {2, 10, 2e-3, 0.5, 2, measured[2]}};
static const char *const measures[] = {"accuracy", "error"};

/* Each measure has a panel against the epoch and one against the time, with the kept epoch; runs without it none. */
Test(plot, measures) {
    Arena *arena = arena_new();
    PlotRun runs[] = {{"a", rising, 3, 1, measures, 2}, {"b", falling, 3}, {"c", rising, 3, 0, measures + 1, 1}};
    char *text = drawn(arena, ".gp", "x", runs, 3);
    const char *parts[] = {"# epoch seconds training validation accuracy error\n$run0 << END\n0 NaN 2 3 0.1 8\n",
                           "2 0.002 0.5 2 0.7 NaN\nEND\n$run1 << END\n0 NaN 2 3 NaN NaN\n",
                           "$run2 << END\n0 NaN 2 3 NaN 0.1\n",
                           "$kept << END\n1 0.001 2 0x0072B2 0.4 2\nEND\n",
                           "# accuracy against epoch",
                           "# error against time",
                           "'accuracy over the validation rows'",
                           "$run0 using 1:5 with",
                           "$run0 using 2:6 with",
                           "$kept using 1:6:4"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        cr_assert_not_null(strstr(text, parts[i]), "%s is not in\n%s", parts[i], text);
    cr_assert_null(strstr(drawn(arena, ".gp", "x", runs + 1, 1), "using 1:5"));
    arena_free(arena);
}

/* More measures than can be looked at are not drawn, and the figure says so. */
Test(plot, many_measures) {
    Arena *arena = arena_new();
    const char *names[12];
    double values[12];
    for (int m = 0; m < 12; m++) {
        names[m] = text_format(arena, "m%d", m);
        values[m] = m;
    }
    PlotPoint points[] = {{0, 0, 0, 2, NAN, values}, {1, 5, 1e-3, 1, NAN, values}};
    PlotRun runs[] = {{"a", points, 2, 0, names, 12}};
    char *text = drawn(arena, ".gp", "x", runs, 1);
    cr_assert(strstr(text, "; the first 8 measures") && strstr(text, "m7 over the training rows") &&
                  !strstr(text, "m8"),
              "%s", text);
    arena_free(arena);
}

/* Of 24 runs the three with the least loss are told apart, and lie above the others. */
Test(plot, many_runs) {
    Arena *arena = arena_new();
    PlotRun runs[24];
    PlotPoint points[24][2];
    for (int r = 0; r < 24; r++) {
        points[r][0] = (PlotPoint){0, 0, 0, 9, NAN};
        points[r][1] = (PlotPoint){1, 5, 1e-3, 1 + (r + 14) % 24, NAN};
        runs[r] = (PlotRun){text_format(arena, "lr=%d", r), points[r], 2, 0};
    }
    char *text = drawn(arena, ".gp", "x", runs, 24);
    const char *best = "$run10 using 1:3 with lines lc rgb '#D55E00' lw 2.6 title 'lr=10' noenhanced\n";
    cr_assert(strstr(text, best) && strstr(text, "'lr=11'") && strstr(text, "'21 others'"), "%s", text);
    char *legend = strstr(text, "# legend");
    cr_assert(legend && strstr(legend, "'lr=10'") < strstr(legend, "'lr=11'"));
    arena_free(arena);
}

/* A gnuplot that hangs is ended; one that is silent for a while is not. */
Test(plot, a_gnuplot_that_hangs) {
    Arena *arena = arena_new();
    char folder[] = "/tmp/sgdc-plot-XXXXXX";
    cr_assert_not_null(mkdtemp(folder));
    const char *path = text_format(arena, "%s/gnuplot", folder), *problem = "";
    FILE *file = fopen(path, "w");
    fputs("#!/bin/sh\nwhile :; do sleep 1000; done\n", file);
    fclose(file);
    chmod(path, 0755);
    setenv("PATH", text_format(arena, "%s:%s", folder, getenv("PATH")), 1);
    Text picture = text_new(arena);
    cr_assert_not(plot_draw(arena, "plot x", 1000, &picture, &problem));
    cr_assert_not_null(strstr(problem, "drew nothing for 1 s"), "%s", problem);
    unlink(path);
    rmdir(folder);
    arena_free(arena);
}

Test(plot, pictures) {
    if (!has_gnuplot()) cr_skip_test("gnuplot is not installed");
    Arena *arena = arena_new();
    PlotRun runs[] = {{"a", rising, 3, 1, measures, 2}, {"b", diverging, 3}, {"none", NULL, 0}};
    cr_assert_not_null(strstr(drawn(arena, ".svg", "A & B", runs, 3), "<title>A &amp; B</title>"));
    cr_assert_not_null(strstr(drawn(arena, ".svg", "x", runs, 3), "</svg>"));
    cr_assert_eq(memcmp(drawn(arena, ".png", "x", runs, 3), "\x89PNG", 4), 0);
    cr_assert_eq(memcmp(drawn(arena, ".pdf", "x", runs, 3), "%PDF", 4), 0);
    arena_free(arena);
}

Test(plot, problems) {
    Arena *arena = arena_new();
    PlotRun runs[] = {{"a", falling, 3}};
    const char *problem = "";
    cr_assert_not(plot_write(arena, "x.bmp", "x", runs, 1, stdout, 0, &problem));
    cr_assert_not_null(strstr(problem, ".svg"));
    cr_assert_not(plot_write(arena, "/nowhere/x.gp", "x", runs, 1, stdout, 0, &problem));
    cr_assert_not_null(strstr(problem, "/nowhere/x.gp"));
    setenv("PATH", "/nowhere", 1);
    cr_assert_not(plot_write(arena, "/tmp/x.svg", "x", runs, 1, stdout, 0, &problem));
    cr_assert_not_null(strstr(problem, "gnuplot"), "%s", problem);
    arena_free(arena);
}
