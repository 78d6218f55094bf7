/* Where a training stopped being finite: the step, and in it the value that was the first.
 *
 * The call in which it happened is repeated from the state before it, one step at a time, until a loss or a
 * parameter is not finite; bits are the same, so it happens again. That step is then run once more by the
 * interpreter with a probe beside every real value of its graph: the sum of value * 0, which is not a number if
 * any element is not finite. From the figure that went bad the way leads down through bad sources to one whose
 * sources are all good: that one is named, at its place in the program.
 */
#include "driver/training.h"
#include "finite.h"
#include "ir/scan.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool divergence_sums_finite(const Training *t) {
    for (int i = 0; i < t->run->term_count; i++)
        if (!isfinite(t->sums[i])) return false;
    return true;
}

/* Parameters, and what an optimizer keeps of them: an infinite mean of squares would hold its parameter still for good. */
static bool is_watched(const Cell *cell) {
    return (cell->kind == CELL_PARAMETER || cell->kind == CELL_OPTIMIZER) && !cell_starts_infinite(cell);
}

/* The first watched cell that is not finite, or -1. */
static int bad_cell(const Training *t) {
    for (int i = 0; i < t->run->cell_count; i++) {
        const Cell *cell = &t->run->cells[i];
        const void *at = (const char *)t->state + cell->offset;
        if (is_watched(cell) && !sgdrt_all_finite(at, (sgdrt_dtype)cell->dtype, shape_size(cell->shape), 0)) return i;
    }
    return -1;
}

bool divergence_happened(const Training *t) { return !divergence_sums_finite(t) || bad_cell(t) >= 0; }

/* Leaves the state after the step, and the one before it in the snapshot. */
static void find_step(Training *t) {
    size_t bytes = t->run->state_bytes;
    memcpy(t->state, t->snapshot, bytes);
    memcpy(t->sums, t->sums_before, sizeof *t->sums * (size_t)run_sums(t->run));
    for (int64_t left = t->last_call_steps; left > 0 && !divergence_happened(t); left--) {
        memcpy(t->snapshot, t->state, bytes);
        training_call_steps(t, 1, NULL);
    }
}

/* ---- the value ----------------------------------------------------------------------------------- */
typedef struct Probes {
    Node **nodes;
    int count;
    double *sums;
    uint32_t ids;
    bool *bad;
} Probes;

static Node *probe(Graph *g, Node *node) {
    Node *zero = graph_binary(g, OP_MUL, node, graph_const(g, node->dtype, node->shape, 0));
    uint32_t axes = ((uint32_t)1 << node->shape.rank) - 1;
    return axes || node->rows ? graph_reduce(g, OP_CONTRACT, zero, axes, node->rows != 0) : zero;
}

/* A function that changes cells alone, so that its sums are not taken for probes. */
static Function without_sums(Arena *arena, const Function *function) {
    Function silent = *function;
    silent.roots = arena_array(arena, Root, function->root_count + 1);
    silent.root_count = 0;
    for (int i = 0; i < function->root_count; i++)
        if (function->roots[i].kind != ROOT_SUM) silent.roots[silent.root_count++] = function->roots[i];
    return silent;
}

/* The parts before it go on as they are; those behind it are left out. */
static void place_probe(Arena *arena, Run *probing, int part, Function probe, int sums) {
    if (!probing->part_count) {
        probing->step = probe;
        return;
    }
    probing->parts = arena_copy(arena, probing->parts, sizeof *probing->parts * (size_t)probing->part_count);
    for (int i = 0; i < part; i++) probing->parts[i].function = without_sums(arena, &probing->parts[i].function);
    probing->parts[part].function = probe;
    probing->part_count = part + 1;
    probing->term_count = sums; /* behind them is what is counted */
}

static Probes make_probes(Arena *arena, const Run *run, int part, Run *probing) {
    Graph *g = run->graph;
    const Function *step = run->part_count ? &run->parts[part].function : &run->step;
    Node **roots = arena_array(arena, Node *, step->root_count + 1);
    Probes p = {0};
    int all;
    for (int i = 0; i < step->root_count; i++) roots[i] = step->roots[i].node;
    Node **nodes = graph_post_order(arena, roots, step->root_count, &all);
    CarriedPairs pairs = graph_carried_pairs(g, roots, step->root_count);
    p.nodes = arena_array(arena, Node *, all + 1);
    Node **probed = arena_array(arena, Node *, all + 1);
    for (int i = 0; i < all; i++) {
        if (nodes[i]->id >= p.ids) p.ids = nodes[i]->id + 1;
        if (!dtype_is_real(nodes[i]->dtype) || nodes[i]->op == OP_CONST || nodes[i]->op == OP_CARRIED) continue;
        p.nodes[p.count] = nodes[i];
        probed[p.count++] = probe(g, graph_stack_out(g, nodes[i], &pairs));
    }
    graph_order(g, probed, p.count);
    Root *sums = arena_array(arena, Root, p.count + 1);
    for (int i = 0; i < p.count; i++) sums[i] = (Root){ROOT_SUM, i, probed[i], "probe"};
    *probing = *run;
    probing->init = probing->evaluate = probing->predictor = (Function){0};
    probing->measure_count = probing->array_count = 0;
    place_probe(arena, probing, part, (Function){"probe", sums, p.count, true}, p.count);
    p.sums = arena_array(arena, double, p.count + 2 * probing->part_count + 1);
    p.bad = arena_array(arena, bool, p.ids + 1);
    return p;
}

/* Runs the step that began at the snapshot, and marks the nodes that were not finite in it. */
static void run_probes(Training *t, Probes *p, Run *probing) {
    Executor *executor = t->executor;
    double *sums = t->sums;
    memcpy(t->state, t->snapshot, t->run->state_bytes);
    t->executor = interpreter_new(t->driver->arena, probing);
    t->sums = p->sums;
    training_call_steps(t, 1, NULL);
    t->executor->free(t->executor);
    t->executor = executor;
    t->sums = sums;
    for (int i = 0; i < p->count; i++) p->bad[p->nodes[i]->id] = !isfinite(p->sums[i]);
}

/* Down through bad sources to a node whose sources are all good. */
static Node *first_bad(const Probes *p, Node *from) {
    for (;;) {
        Node *next = NULL;
        for (int i = 0; i < from->sources && !next; i++)
            if (p->bad[from->source[i]->id]) next = from->source[i];
        if (!next) return from;
        from = next;
    }
}

static Node *bad_root(const Function *step, const Probes *p, int cell) {
    for (int i = 0; i < step->root_count; i++) {
        const Root *root = &step->roots[i];
        bool wanted = cell < 0 ? root->kind == ROOT_SUM : root->kind == ROOT_UPDATE && root->index == cell;
        if (wanted && p->bad[root->node->id]) return root->node;
    }
    return NULL;
}

/* The program's own words for the node, where they are short; else "this". */
static const char *words_of(Driver *driver, Span span) {
    enum { MOST_CHARACTERS = 50 };
    const Source *source = source_place(driver->map, span.begin).source;
    if (!source || span.end <= span.begin || span.end - span.begin > MOST_CHARACTERS) return "this";
    const char *text = source->text + (span.begin - source->base);
    for (uint32_t i = 0; i < span.end - span.begin; i++)
        if (text[i] == '\n') return "this";
    return text_format(driver->arena, "%.*s", (int)(span.end - span.begin), text);
}

static void note_value(Training *t, Diagnostic *d, int cell) {
    Diagnostics *diagnostics = t->driver->diagnostics;
    Run probing;
    size_t bytes = t->run->state_bytes;
    void *after = malloc(bytes);
    if (!after) return;
    memcpy(after, t->state, bytes);
    Node *root = NULL, *node = NULL;
    for (int part = 0; part < run_step_functions(t->run) && !root; part++) {
        Probes p = make_probes(t->driver->arena, t->run, part, &probing);
        run_probes(t, &p, &probing);
        root = bad_root(t->run->part_count ? &t->run->parts[part].function : &t->run->step, &p, cell);
        if (root) node = first_bad(&p, root);
    }
    memcpy(t->state, after, bytes);
    free(after);
    if (!node || !node->span.begin) return;
    if (node->op == OP_CELL)
        add_note(diagnostics, d, node->span, "%s was not finite before", t->run->cells[node->attr.index].name);
    else if (node->backward)
        add_note(diagnostics, d, node->span, "a derivative of %s was the first value that is not finite",
                 words_of(t->driver, node->span));
    else
        add_note(diagnostics, d, node->span, "%s was the first value that is not finite",
                 words_of(t->driver, node->span));
}

void divergence_report(Training *t) {
    Diagnostics *diagnostics = t->driver->diagnostics;
    const Run *run = t->run;
    find_step(t);
    bool by_loss = !divergence_sums_finite(t);
    int64_t step = (int64_t)training_header(t)->step - 1;
    const char *when = text_format(t->driver->arena, "step %lld of epoch %lld",
                                   (long long)(step % t->steps_per_epoch + 1),
                                   (long long)(step / t->steps_per_epoch + 1));
    int term = 0, cell = by_loss ? -1 : bad_cell(t);
    bool of_optimizer = cell >= 0 && run->cells[cell].kind == CELL_OPTIMIZER;
    while (by_loss && isfinite(t->sums[term])) term++;
    Diagnostic *d;
    if (by_loss)
        d = report(diagnostics, CODE_E0501, run->span, "%s diverged: its %s is not finite at %s", run->name,
                   run->terms[term].name, when);
    else
        d = report(diagnostics, CODE_E0502, run->span, "%s diverged: its %s %s is not finite after %s", run->name,
                   of_optimizer ? "optimizer's state" : "parameter", run->cells[cell].name, when);
    note_value(t, d, cell);
    if (by_loss && step == 0)
        add_help(diagnostics, d, "no parameter has moved yet: the formula, a starting value or a row makes it so");
    else if (by_loss)
        add_help(diagnostics, d,
                 "most often the learning rate is too high: try a tenth of it, or "
                 "gradient = clip_norm(grad, 1)");
    else if (of_optimizer)
        add_help(diagnostics, d,
                 "what it is of would never move again: a gradient, or its square, is too large for its type; "
                 "scale what is minimized down, or gradient = clip_norm(grad, 1)");
    else
        add_help(diagnostics, d,
                 "the loss before that step was finite: look for a derivative at a square root, a logarithm "
                 "or a division of 0, or a learning rate that is far too high");
}
