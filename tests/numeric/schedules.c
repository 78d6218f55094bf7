/* Schedules at their limits, as numbers: at the begin, at the end and past it, and with the least and the largest
 * arguments that they take. What they refuse is in golden/require_rate.sgd.
 */
#include "programs.h"

#include <stdio.h>

static const struct {
    const char *text;
    double wanted;
} cases[] = {
    {"constant(0)", 0},
    {"step_decay(0, 1)", 1},
    {"step_decay(1, 1)", 0.1},
    {"step_decay(5, 2, factor = 0.5)", 0.25},
    {"step_decay(0, 3, factor = 0)", 1},
    {"step_decay(3, 3, factor = 0)", 0},
    {"step_decay(1, 0.25, factor = 0.5)", 0.0625},
    {"exponential(0, 0)", 1},
    {"exponential(1, 0)", 0},
    {"exponential(0, 0.9)", 1},
    {"exponential(3, 1)", 1},
    {"polynomial(0, 2, 1, -1)", 2},
    {"polynomial(0, 2, 0, 0)", 2},
    {"polynomial(0, 2, 0, 1)", 0},
    {"cosine(0)", 1},
    {"cosine(0.5)", 0.5},
    {"cosine(1)", 0},
    {"cosine(1.5)", 0},
    {"cosine(100)", 0},
    {"warmup(0, 0)", 1},
    {"warmup(1, 0)", 1},
    {"warmup(0, 0.5)", 0},
    {"warmup(0.25, 0.5)", 0.5},
    {"warmup(0.5, 0.5)", 1},
    {"warmup(0, 1)", 0},
    {"warmup(0.75, 1)", 0.75},
    {"warmup(1, 1)", 1},
    {"warmup(7, 1)", 1},
    {"one_cycle(0)", 1 / 25.0},
    {"one_cycle(0.3)", 1},
    {"one_cycle(1)", 1 / 250000.0},
    {"one_cycle(2)", 1 / 250000.0},
    {"one_cycle(0, part = 0)", 1},
    {"one_cycle(1, part = 0)", 1 / 250000.0},
    {"one_cycle(0, part = 1)", 1 / 25.0},
    {"one_cycle(0.5, part = 1)", 13 / 25.0},
    {"one_cycle(1, part = 1)", 1 / 250000.0},
    {"one_cycle(1, part = 0.5, start = 1, end = 1)", 1},
    {"one_cycle(0.25, part = 0.5, start = 1, end = 1)", 1},
};

/* Of such numbers lowering makes a number. */
static double value_of(const char *text) {
    char program[400];
    snprintf(program, sizeof program,
             "data d { x: f64 }\nmodel m(x: f64) -> f64 { param w: f64 = 1; return w * x }\n"
             "train t { data = d; minimize = m(x); optimizer = sgd(); measure v = f64(%s) }\n",
             text);
    Compiled c = compile_text(program, true);
    double value = NAN;
    if (c.program == NULL) {
        diagnostics_print_human(c.diagnostics, stderr, false);
    } else {
        const Node *node = c.program->runs[0].measures[0].metric.roots[0].node;
        cr_assert_eq(node->op, OP_CONST, "%s is no number", text);
        value = node->attr.value;
    }
    arena_free(c.arena);
    return value;
}

Test(schedules, at_their_limits) {
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        double value = value_of(cases[c].text);
        cr_expect(fabs(value - cases[c].wanted) <= 1e-15, "%s is %.17g, not %.17g", cases[c].text, value,
                  cases[c].wanted);
    }
}
