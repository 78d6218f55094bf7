/* Graphs as text, for --emit=ir, grad and dot, kept at the stage of the pipeline where each is meant to be seen:
 * formulas before any pass, in the user's own terms; graphs at the line where bits are fixed.
 */
#include "driver/driver.h"
#include "ir/formula.h"
#include <string.h>

typedef struct Roots {
    Node **nodes;
    const char **names;
    int count;
} Roots;

static Roots roots_of(Arena *arena, const Function *function) {
    Roots roots = {arena_array(arena, Node *, function->root_count + 1),
                   arena_array(arena, const char *, function->root_count + 1), function->root_count};
    for (int i = 0; i < function->root_count; i++) {
        roots.nodes[i] = function->roots[i].node;
        roots.names[i] = function->roots[i].name;
    }
    return roots;
}

static void add_function(Text *to, const Function *function, bool dot) {
    Roots roots = roots_of(to->arena, function);
    if (!roots.count) return;
    text_add(to, dot ? "// %s\n" : "%s:\n", function->name);
    if (dot)
        graph_print_dot(to, roots.nodes, roots.names, roots.count);
    else
        graph_print(to, roots.nodes, roots.names, roots.count);
}

static void add_graphs(Driver *driver, Text *to, const Run *run, EmitKind kind) {
    bool dot = kind == EMIT_DOT;
    if (kind == EMIT_GRAD) {
        formula_print(to, driver->program, run);
        return;
    }
    if (!dot) add_function(to, &run->init, dot);
    add_function(to, &run->step, dot);
    if (dot) return;
    add_function(to, &run->evaluate, dot);
    add_function(to, &run->predictor, dot);
    for (int m = 0; m < run->measure_count; m++) add_function(to, &run->measures[m].metric, dot);
}

/* Runs that differ in numbers only have the same graphs: they are named together and printed once. */
void driver_keep_graphs(Driver *driver, EmitKind kind) {
    Text kept = text_new(driver->arena), *to = &kept;
    const Program *program = driver->program;
    const char **texts = arena_array(driver->arena, const char *, program->run_count + 1);
    for (int r = 0; r < program->run_count; r++) {
        Text text = text_new(driver->arena);
        add_graphs(driver, &text, &program->runs[r], kind);
        texts[r] = text.bytes;
    }
    const char *comment = kind == EMIT_DOT ? "//" : "#";
    for (int r = 0; r < program->run_count; r++) {
        bool earlier = false;
        for (int q = 0; q < r && !earlier; q++) earlier = strcmp(texts[q], texts[r]) == 0;
        if (earlier) continue;
        text_add(to, "%s %s", comment, program->runs[r].name);
        for (int q = r + 1; q < program->run_count; q++)
            if (strcmp(texts[q], texts[r]) == 0) text_add(to, ", %s", program->runs[q].name);
        text_add(to, "\n%s", texts[r]);
    }
    driver->kept[kind] = kept.bytes;
}
