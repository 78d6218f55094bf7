/* The passes over whole programs: what must not move a bit does not, and terms, penalties and means stand
 * where docs/numerics.md says. */
#include <criterion/criterion.h>
#include <string.h>

#include "ir/program.h"

typedef struct Compiled {
    Arena *arena;
    Program *program;
} Compiled;

#define DATA "data d = synthetic(rows = 9, seed = 1) { x: f32[3] ~ normal(0, 1); y: f32 = uniform(0, 1) }\n"
#define MODEL "model net(x: f32[3]) -> f32 { param w: f32[3] = 1; param b: f32 = 0; return dot(w, x) + b }\n"

static Compiled compile(const char *text) {
    Compiled c = {.arena = arena_new()};
    SourceMap *map = source_map_new(c.arena);
    Diagnostics *diagnostics = diagnostics_new(c.arena, map);
    Names *names = names_new(c.arena);
    Source *source = source_add(map, "test.sgd", text, strlen(text));
    Ast *ast = parse(c.arena, names, diagnostics, source);
    LowerOptions options = {0};
    c.program = lower_program(c.arena, names, diagnostics, map, ast, "test.sgd", &options);
    if (diagnostics->errors) diagnostics_print_human(diagnostics, stderr, false);
    cr_assert_eq(diagnostics->errors, 0);
    for (int r = 0; r < c.program->run_count; r++) {
        for (const Pass *pass = graph_passes; pass->name; pass++) pass->run(c.program, &c.program->runs[r]);
    }
    cr_assert_eq(diagnostics->errors, 0);
    return c;
}

/* The updates of a run's step, as text. */
static const char *updates_of(const Compiled *c, int run) {
    const Function *step = &c->program->runs[run].step;
    Node *nodes[32];
    const char *names[32];
    int count = 0;
    for (int r = 0; r < step->root_count; r++) {
        if (step->roots[r].kind != ROOT_UPDATE) continue;
        nodes[count] = step->roots[r].node;
        names[count++] = step->roots[r].name;
    }
    Text text = text_new(c->arena);
    graph_print(&text, nodes, names, count);
    return text.bytes;
}

static void same_updates(const char *first, const char *second) {
    Compiled a = compile(first), b = compile(second);
    cr_assert_str_eq(updates_of(&a, 0), updates_of(&b, 0));
    arena_free(a.arena);
    arena_free(b.arena);
}

static int count_of(const char *text, const char *what) {
    int count = 0;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what)) count++;
    return count;
}

Test(passes, a_metric_moves_no_bit) {
    same_updates(DATA MODEL "train t { data = d; minimize = squared(net(x), y); optimizer = sgd(lr = 1); batch = 3 }",
                 DATA MODEL "train t { data = d; minimize = squared(net(x), y); optimizer = sgd(lr = 1); batch = 3\n"
                            "  measure off = rmse(net(x), y); measure fit = r2(net(x), y); hold_out = 0.3 }");
}

Test(passes, batch_size_moves_no_bit) {
    same_updates(DATA MODEL "train t { data = d; minimize = squared(net(x), y); optimizer = sgd(lr = 1); batch = 1 }",
                 DATA MODEL
                 "train t { data = d; minimize = squared(net(x), y); optimizer = sgd(lr = 1); batch = all }");
}

Test(passes, penalties_come_after_the_mean) {
    Compiled c = compile(DATA MODEL "train t { data = d; minimize = squared(net(x), y); penalty = 0.1 * l2(net.w)\n"
                                    "  optimizer = sgd(lr = 1); batch = 3 }");
    const char *text = updates_of(&c, 0);
    cr_assert_eq(count_of(text, "rows_reciprocal"), 1, "%s", text);
    const char *mean = strstr(text, "rows_reciprocal"), *penalty = strstr(text, "const 0.1");
    cr_assert(mean && penalty, "%s", text);
    cr_assert_null(strstr(text, "gradient"), "%s", text);
    arena_free(c.arena);
}

/* One batch sum per use; the scaling once for all of them. */
Test(passes, several_uses) {
    Compiled c = compile(DATA
                         "model twice(x: f32[3]) -> f32 { param w: f32[3] = 1; return dot(w, x) + sum(w * x^3) }\n"
                         "train t { data = d; minimize = squared(twice(x), y); optimizer = sgd(lr = 1); batch = 3 }");
    const char *text = updates_of(&c, 0);
    cr_assert_eq(count_of(text, "| rows]"), 2, "%s", text);
    cr_assert_eq(count_of(text, "rows_reciprocal"), 1, "%s", text);
    arena_free(c.arena);
}

/* What nothing depends on gets no gradient of its own, and the update still runs. */
Test(passes, unused_parameter) {
    Compiled c = compile(DATA
                         "model net(x: f32[3]) -> f32 { param w: f32[3] = 1; param u: f32 = 1; return dot(w, x) }\n"
                         "train t { data = d; minimize = squared(net(x), y); optimizer = sgd(lr = 1); batch = 3 }");
    cr_assert_eq(c.program->runs[0].step.root_count > 1, true);
    arena_free(c.arena);
}

/* A term that depends on no example is summed over the batch like the others. */
Test(passes, term_without_examples) {
    Compiled c = compile(DATA MODEL "train t { data = d; minimize = squared(net(x), y); minimize still = l2(net.w)\n"
                                    "  optimizer = sgd(lr = 1); batch = 3 }");
    const char *text = updates_of(&c, 0);
    cr_assert_null(strstr(text, "gradient"), "%s", text);
    arena_free(c.arena);
}
