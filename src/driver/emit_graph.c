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

static void add_graphs(Driver *driver, Text *to, Run *run, EmitKind kind) {
    bool dot = kind == EMIT_DOT;
    if (kind == EMIT_GRAD) {
        formula_print(to, driver->program, run);
        return;
    }
    if (!dot) add_function(to, &run->init, dot);
    for (int i = 0; i < run_step_functions(run); i++) add_function(to, run_step_function(run, i), dot);
    if (dot) return;
    add_function(to, &run->evaluate, dot);
    add_function(to, &run->predictor, dot);
    add_function(to, &run->derived, dot);
    for (int m = 0; m < run_measures(run); m++) add_function(to, &run->measures[m].metric, dot);
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

/* What decides the bits of a training besides its rows: the graphs, and how rows are scheduled into steps. */
static const char *identity_of(Driver *driver, Run *run) {
    Text text = text_new(driver->arena);
    add_graphs(driver, &text, run, EMIT_IR);
    text_add(&text,
             "batch %lld order %d last %d epochs %lld steps %lld seed %llu hold_out %d %a fold %d of %d by %d copies "
             "%lld %lld\n",
             (long long)run->batch, (int)run->order, (int)run->last, (long long)run->epochs, (long long)run->steps,
             (unsigned long long)run->seed, (int)run->hold_out, run->hold_out_part, run->fold, run->folds,
             run->hold_out_by, (long long)run->data->copies, (long long)(run->valid ? run->valid->copies : 0));
    for (int i = 0; i < run->slot_count; i++) text_add(&text, "%s %a\n", run->slots[i].name, run->slots[i].value);
    Sha256 hash = sha256_new();
    sha256_add(&hash, text.bytes, text.length);
    return sha256_text(driver->arena, hash);
}

void driver_keep_identities(Driver *driver) {
    const Program *program = driver->program;
    driver->identities = arena_array(driver->arena, const char *, program->run_count + 1);
    for (int r = 0; r < program->run_count; r++) driver->identities[r] = identity_of(driver, &program->runs[r]);
}
