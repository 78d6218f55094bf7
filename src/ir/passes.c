/* passes: the visible list of what happens to a run's functions between lowering and code, in order. Each
 * pass takes every function of the run at once, so that what they share stays shared, and verifies what it
 * made.
 *
 * The objective of a run is the sum of its minimize terms for one example, added in source order. The
 * gradient of a parameter is that objective's gradient summed over the batch, times f(1 / rows), once, plus
 * the gradients of the penalties in source order (docs/numerics.md, rules 6 and 7). */
#include "ir/program.h"

enum { ROWS_OF_STEP = 1 }; /* rows of the step's data set; one set a step so far */

typedef Vector(Root *) RootPointers;

static void add_roots(Arena *arena, RootPointers *roots, Function *function) {
    for (int r = 0; r < function->root_count; r++) vector_push(arena, roots, &function->roots[r]);
}

static RootPointers roots_of_run(Run *run) {
    RootPointers roots = {0};
    Arena *arena = run->graph->arena;
    add_roots(arena, &roots, &run->init);
    for (int i = 0; i < run_step_functions(run); i++) add_roots(arena, &roots, run_step_function(run, i));
    add_roots(arena, &roots, &run->evaluate);
    add_roots(arena, &roots, &run->predictor);
    add_roots(arena, &roots, &run->derived);
    for (int m = 0; m < run_measures(run); m++) add_roots(arena, &roots, &run->measures[m].metric);
    return roots;
}

typedef void Change(Graph *g, Node **nodes, int count, Run *run);

/* Applies `change` to all roots at once, then verifies them. */
static void change_run(Run *run, Stage stage, Change *change) {
    RootPointers roots = roots_of_run(run);
    Node **nodes = arena_array(run->graph->arena, Node *, roots.count);
    for (int r = 0; r < roots.count; r++) nodes[r] = roots.items[r]->node;
    change(run->graph, nodes, roots.count, run);
    graph_verify(run->graph, nodes, roots.count, stage);
    for (int r = 0; r < roots.count; r++) roots.items[r]->node = nodes[r];
}

/* ---- batch --------------------------------------------------------------------------------- */
static void batch_nodes(Graph *g, Node **nodes, int count, Run *run) {
    (void)run;
    graph_batch(g, nodes, count, ROWS_OF_STEP);
}

/* Figures are summed in f64, whatever a row's value is: nothing that trains reads them. */
static void sum_objective_roots(Graph *g, const Run *run, Function *function) {
    for (int r = 0; r < function->root_count; r++) {
        Root *root = &function->roots[r];
        bool of_term = root->index < run->term_count; /* else the sum of the weights */
        if (root->kind != ROOT_SUM || (of_term && run->terms[root->index].penalty)) continue;
        g->span = root->node->span;
        root->node = graph_reduce(g, OP_CONTRACT, graph_cast(g, root->node, DTYPE_F64), 0, true);
    }
}

static void pass_batch(Program *program, Run *run) {
    (void)program;
    change_run(run, STAGE_BATCHED, batch_nodes);
    for (int i = 0; i < run_step_functions(run); i++) sum_objective_roots(run->graph, run, run_step_function(run, i));
    sum_objective_roots(run->graph, run, &run->evaluate);
}

/* ---- grad ---------------------------------------------------------------------------------- */
typedef struct Gradients {
    Node **leaf;  /* GRADIENT leaves that occur, ... */
    Node **wrt;   /* ... the CELL each is taken for, ... */
    Node **value; /* ... and what replaces it; by position */
    int count;
    Node **of_cell; /* replacement by cell */
} Gradients;

static void find_gradients(Graph *g, Gradients *gradients, Node *const *nodes, int count) {
    int below;
    Node **order = graph_post_order(g->arena, nodes, count, &below);
    gradients->leaf = arena_array(g->arena, Node *, below + 1);
    gradients->wrt = arena_array(g->arena, Node *, below + 1);
    gradients->value = arena_array(g->arena, Node *, below + 1);
    for (int i = 0; i < below; i++) {
        Node *leaf = order[i];
        if (leaf->op != OP_GRADIENT) continue;
        gradients->leaf[gradients->count] = leaf;
        gradients->wrt[gradients->count++] = graph_leaf(g, OP_CELL, leaf->dtype, leaf->shape, leaf->attr.index);
    }
}

Node *run_sum_of_terms(Graph *g, const Run *run, int part, bool penalties) {
    Node *total = NULL;
    for (int t = 0; t < run->term_count; t++) {
        Node *term = run->terms[t].value;
        if (run->terms[t].penalty != penalties || run->terms[t].part != part) continue;
        g->span = run->terms[t].span;
        if (total && total->dtype != term->dtype) {
            total = graph_cast(g, total, DTYPE_F64);
            term = graph_cast(g, term, DTYPE_F64);
        }
        total = total ? graph_binary(g, OP_ADD, total, term) : term;
    }
    return total;
}

/* The sum of the terms that have rows, with rows; NULL if there are none. */
static Node *objective(Graph *g, const Run *run, int part) {
    Node *total = run_sum_of_terms(g, run, part, false);
    if (total) graph_batch(g, &total, 1, ROWS_OF_STEP);
    return total;
}

/* A parameter that the objective depends on, but only through what has no derivative, would never be trained.
 */
static void check_ways(Graph *g, const Run *run, Node *total, const Gradients *gradients) {
    for (int i = 0; i < gradients->count; i++) {
        const Cell *cell = &run->cells[cell_shown(run->cells, (int)gradients->leaf[i]->attr.index)];
        const Node *end = gradients->value[i] ? NULL : graph_gradient_end(g, total, gradients->wrt[i], true);
        if (!end) continue;
        Diagnostic *d = report(g->diagnostics, CODE_E0209, end->span,
                               "what is minimised depends on %s only through this: %s has no derivative", cell->name,
                               graph_gradient_end_text(end));
        add_note(g->diagnostics, d, cell->span, "%s is declared here", cell->name);
        add_help(g->diagnostics, d,
                 "use a smooth stand-in, such as sigmoid for a comparison, or leave %s out of "
                 "training: optimizer[%s] = none",
                 cell->name, cell->name);
    }
}

/* What batch sums are multiplied by: 1 / rows, or 1 / the sum of the weights, and 0 where that is 0. */
static Node *share_of_row(Graph *g, const Run *run, DType t) {
    if (!run->weight) return graph_rows_reciprocal(g, t);
    Node *weight = run->weight;
    graph_batch(g, &weight, 1, ROWS_OF_STEP);
    Node *sum = graph_reduce(g, OP_CONTRACT, graph_cast(g, weight, t), 0, true);
    Node *zero = graph_const(g, t, sum->shape, 0), *one = graph_const(g, t, sum->shape, 1);
    return graph_where(g, graph_binary(g, OP_LT, zero, sum), graph_binary(g, OP_DIV, one, sum), zero);
}

/* Batch sums times 1 / rows. */
static void add_objective(Graph *g, const Run *run, int part, Gradients *gradients) {
    Node *total = objective(g, run, part);
    if (!total || !graph_gradients(g, total, NULL, gradients->wrt, gradients->count, gradients->value)) return;
    check_ways(g, run, total, gradients);
    for (int i = 0; i < gradients->count; i++) {
        Node *sum = gradients->value[i];
        if (!sum) continue;
        if (!total->rows) continue; /* one loss of the whole mini-batch */
        g->span = total->span;
        Node *share = graph_expand(g, share_of_row(g, run, sum->dtype), sum->shape, NULL);
        gradients->value[i] = graph_binary(g, OP_MUL, sum, share);
    }
}

static void add_penalty(Graph *g, const Term *penalty, Gradients *gradients) {
    Node **part = arena_array(g->arena, Node *, gradients->count + 1);
    if (!graph_gradients(g, penalty->value, NULL, gradients->wrt, gradients->count, part)) return;
    g->span = penalty->span;
    for (int i = 0; i < gradients->count; i++) {
        if (!part[i]) continue;
        Node *before = gradients->value[i];
        gradients->value[i] = before ? graph_binary(g, OP_ADD, before, part[i]) : part[i];
    }
}

static Node *replace_gradient(Graph *g, Node *old, Node *const *source, void *context) {
    const Gradients *gradients = context;
    return old->op == OP_GRADIENT ? gradients->of_cell[old->attr.index] : graph_again(g, old, source);
}

/* A function of a step: its gradients are those of its own part's terms. */
static void differentiate_part(Graph *g, Node **nodes, int count, const Run *run, int part) {
    Gradients gradients = {.of_cell = arena_array(g->arena, Node *, run->cell_count + 1)};
    Span span = g->span;
    bool backward = g->backward;
    find_gradients(g, &gradients, nodes, count);
    if (gradients.count == 0) return;
    g->backward = true;
    add_objective(g, run, part, &gradients);
    for (int t = 0; t < run->term_count; t++) {
        if (run->terms[t].penalty && run->terms[t].part == part) add_penalty(g, &run->terms[t], &gradients);
    }
    for (int i = 0; i < gradients.count; i++) {
        const Node *leaf = gradients.leaf[i];
        Node *value = gradients.value[i];
        if (!value) value = graph_const(g, leaf->dtype, leaf->shape, 0); /* nothing depends on it */
        gradients.of_cell[leaf->attr.index] = value;
    }
    g->span = span;
    g->backward = backward;
    graph_rewrite(g, nodes, count, replace_gradient, &gradients);
}

static void differentiate(Graph *g, Node **nodes, int count, Run *run) {
    int at = run->init.root_count;
    (void)count;
    for (int part = 0; part < run_step_functions(run); part++) {
        int roots = run_step_function(run, part)->root_count;
        differentiate_part(g, nodes + at, roots, run, part);
        at += roots;
    }
}

static void pass_grad(Program *program, Run *run) {
    (void)program;
    change_run(run, STAGE_DIFFERENTIATED, differentiate);
}

/* ---- the others ---------------------------------------------------------------------------- */
static void canonicalise_nodes(Graph *g, Node **nodes, int count, Run *run) {
    (void)run;
    graph_canonicalise(g, nodes, count);
}

static void order_nodes(Graph *g, Node **nodes, int count, Run *run) {
    (void)run;
    graph_order(g, nodes, count);
}

static void simplify_nodes(Graph *g, Node **nodes, int count, Run *run) {
    (void)run;
    graph_rules(g, nodes, count);
}

static void pass_canonicalise(Program *program, Run *run) {
    (void)program;
    change_run(run, STAGE_CANONICAL, canonicalise_nodes);
}

/* ---- sparse -------------------------------------------------------------------------------- */
static void shorten_nodes(Graph *g, Node **nodes, int count, Run *run) {
    (void)run;
    graph_sparse(g, nodes, count);
}

static void pass_sparse(Program *program, Run *run) {
    (void)program;
    const DataSet *set = run->data; /* NULL: a run of the unit tests */
    bool sparse = set && set->nonzeros > 0;
    for (int i = 0; set && i < set->joined_count; i++) sparse |= set->joined[i]->nonzeros > 0;
    if (sparse) change_run(run, STAGE_CANONICAL, shorten_nodes);
}

static void pass_order(Program *program, Run *run) {
    (void)program;
    change_run(run, STAGE_ORDERED, order_nodes);
}

static void pass_rules(Program *program, Run *run) {
    (void)program;
    change_run(run, STAGE_ORDERED, simplify_nodes);
}

/* ---- gradients for updates --------------------------------------------------------------------- */
/* A part of a step as a run of its own, with its own terms and the cells that it updates. */
static Run run_of_part(Arena *arena, const Run *run, int part) {
    Run alone = *run;
    const StepPart *from = &run->parts[part];
    int *place = arena_array(arena, int, run->term_count + 1);
    alone.name = text_format(arena, "%s.%s", run->name, from->name);
    alone.step = from->function;
    alone.step.roots = arena_copy(arena, from->function.roots, sizeof(Root) * (size_t)from->function.root_count);
    alone.part_count = alone.term_count = 0;
    alone.terms = arena_array(arena, Term, run->term_count + 1);
    for (int t = 0; t < run->term_count; t++) {
        if (run->terms[t].part != part) continue;
        place[t] = alone.term_count;
        alone.terms[alone.term_count] = run->terms[t];
        alone.terms[alone.term_count++].part = 0;
    }
    alone.cells = arena_copy(arena, run->cells, sizeof(Cell) * (size_t)run->cell_count);
    for (int i = 0; i < run->cell_count; i++) alone.cells[i].updated = false;
    for (int i = 0; i < alone.step.root_count; i++) {
        Root *root = &alone.step.roots[i];
        if (root->kind == ROOT_SUM) root->index = place[root->index];
        if (root->kind == ROOT_UPDATE) alone.cells[root->index].updated = true;
    }
    alone.evaluate = (Function){0};
    alone.measure_count = 0;
    return alone;
}

/* The parts of each run's steps in its place. */
static void split_parts(Program *program) {
    Vector(Run) runs = {0};
    int *place = arena_array(program->arena, int, program->run_count + 1);
    for (int r = 0; r < program->run_count; r++) {
        const Run *run = &program->runs[r];
        place[r] = runs.count;
        if (!run->part_count) vector_push(program->arena, &runs, *run);
        for (int part = 0; part < run->part_count; part++)
            vector_push(program->arena, &runs, run_of_part(program->arena, run, part));
    }
    for (int r = 0; r < runs.count; r++)
        if (runs.items[r].start_run >= 0) runs.items[r].start_run = place[runs.items[r].start_run];
    program->runs = runs.items;
    program->run_count = runs.count;
}

void program_take_gradients(Program *program) {
    split_parts(program);
    for (int r = 0; r < program->run_count; r++) {
        Run *run = &program->runs[r];
        Root *roots = arena_array(program->arena, Root, run->step.root_count + run->cell_count);
        int count = 0;
        for (int i = 0; i < run->step.root_count; i++)
            if (run->step.roots[i].kind == ROOT_SUM) roots[count++] = run->step.roots[i];
        for (int i = 0; i < run->cell_count; i++) {
            const Cell *cell = &run->cells[i];
            if (!cell_has_gradient(cell)) continue;
            Node *gradient = graph_leaf(run->graph, OP_GRADIENT, cell->dtype, cell->shape, i);
            roots[count++] = (Root){ROOT_UPDATE, i, gradient, cell->name};
        }
        run->step.roots = roots;
        run->step.root_count = count;
    }
}

const Pass graph_passes[] = {
    {"batch", "one example", "rows", pass_batch},
    {"grad", "rows, gradient leaves", "gradients", pass_grad},
    {"canonicalise", "gradients", "fma, joined sums", pass_canonicalise},
    {"sparse", "fma, joined sums", "short sums of sparse rows", pass_sparse},
    {"order", "joined sums", "fixed bits", pass_order},
    {"rules", "fixed bits", "the same bits, fewer operations", pass_rules},
    {NULL, NULL, NULL, NULL},
};
