/* formula: derivatives as formulas, in index notation and in the user's own names.
 *
 *     loss = (dot(x, line.a) - y)^2
 *     d loss / d line.a[i] = mean over rows of 2 * (dot(x, line.a) - y) * x[i]
 *
 * What is printed is derived from the very graph that is differentiated for training, for one example, before
 * batching and canonicalisation. A node prints as an expression over an index per axis; views substitute the
 * indices. Values the program names keep their names (`h`), their adjoints are called `d_h`; a value that is
 * used several times or would make a line too long is given a name and defined below, so lines stay short,
 * every value is written once and recursion is bounded. */
#include "ir/formula_internal.h"

#include <string.h>

enum { LONGEST = 10, DEEPEST = 24 }; /* expressions that need no name inside */

/* ---- which values are named ---------------------------------------------------------------- */
/* How much a reader has to take in for the node itself; what only moves elements is free. */
static int own_size(const Node *n) {
    if (n->op == OP_VIEW || n->op == OP_NEG || n->op == OP_CAST || n->sources == 0) return 0;
    return op_class(n->op) == OP_CLASS_REDUCE ? 3 : 1;
}

static void measure(Formula *f, const Node *n) {
    FormulaNode *info = &f->info[n->id];
    info->size = own_size(n);
    for (int s = 0; s < n->sources; s++) {
        const FormulaNode *source = &f->info[n->source[s]->id];
        if (source->name) continue;
        info->size += source->size;
        if (source->depth >= info->depth) info->depth = source->depth + 1;
    }
}

static void force_name(Formula *f, const Node *x) {
    while (x->op == OP_VIEW) x = x->source[0];
    if (x->op == OP_MUL) {
        for (int s = 0; s < 2; s++) {
            const Node *factor = x->source[s];
            while (factor->op == OP_VIEW) factor = factor->source[0];
            if (factor->op != OP_CONST) f->info[factor->id].forced = true;
        }
    } else if (x->op != OP_CONST) {
        f->info[x->id].forced = true;
    }
}

/* The values of a scan are names: its element at hand is no index of theirs. */
static void force_scan(Formula *f, const Node *n) {
    for (int s = 0; s < n->sources; s++)
        if (n->source[s]->op != OP_CONST) f->info[n->source[s]->id].forced = true;
    for (int s = 1; s < n->sources; s += 2) f->info[n->source[s]->id].next = n->source[s + 1];
}

/* Sources that are printed as a whole, read at data or read at places that may be outside must be names. */
static void force_sources(Formula *f, const Node *n) {
    bool units = n->op == OP_CONCAT && n->shape.rank == 1;
    for (int s = 0; s < n->sources && units; s++) units = n->source[s]->shape.extent[0] == 1;
    bool reads = n->op == OP_VIEW || n->op == OP_CONTRACT;
    if (n->op == OP_STACK) force_scan(f, n);
    for (int s = 0; s < n->sources; s++) {
        const Node *x = n->source[s];
        for (int a = 0; reads && a < x->shape.rank; a++) {
            if (x->shape.extent[a] > 1 && formula_may_leave(n, s, a)) force_name(f, x);
        }
        if (n->op == OP_RESHAPE || (n->op == OP_CONCAT && !units) || (n->op == OP_GATHER && s == 0))
            f->info[x->id].forced = true;
    }
}

/* Too plain to be named: what it is made of is, if anything. */
static bool is_transparent(const Node *n) {
    return n->op == OP_VIEW || n->op == OP_NEG || n->op == OP_CAST || n->dtype == DTYPE_BOOL;
}

static const char *value_name(const Formula *f, const Node *n) {
    return f->info[n->id].name ? f->info[n->id].name : n->name;
}

static void name_values(Formula *f) {
    for (int i = 0; i < f->nodes; i++) {
        force_sources(f, f->order[i]);
    }
    for (int i = f->nodes - 1; i >= 0; i--) {
        const Node *n = f->order[i];
        int uses = is_transparent(n) ? f->info[n->id].uses : 1; /* a view is used where it is read */
        for (int s = 0; s < n->sources; s++) f->info[n->source[s]->id].uses += uses;
    }
    for (int i = 0; i < f->nodes; i++) {
        const Node *n = f->order[i];
        FormulaNode *info = &f->info[n->id];
        measure(f, n);
        if (formula_is_named_leaf(n) || info->name) continue;
        bool repeated = info->uses > 1 && info->size > 2 && !is_transparent(n);
        bool is_long = info->size > LONGEST || info->depth > DEEPEST;
        if (n->name && !n->backward && info->size > 0)
            info->name = formula_take_name(f, n->name);
        else if (info->adjoint_of && (info->uses > 1 || info->size > 3 || info->forced) && info->size > 0)
            info->name = formula_take_name(f, text_format(f->arena, "d_%s", value_name(f, info->adjoint_of)));
        else if (is_long || repeated || info->forced)
            info->name = formula_number_name(f);
    }
}

/* ---- lines --------------------------------------------------------------------------------- */
/* "name[i, j] = " and the expression at these indices. */
static void print_line(Formula *f, Text *to, const char *indent, const char *name, const Node *n, const char *before) {
    FormulaIndex at[MOST_RANK];
    f->variables = 0;
    for (int a = 0; a < n->shape.rank; a++) at[a] = subscript_of_variable(formula_variable(f));
    FormulaText left = subscripted(f, name, at, n->shape.rank);
    text_add(to, "%s%s = %s%s\n", indent, left.text, before, formula_of_op(f, n, at).text);
}

static const char *print_value(Formula *f, const Node *n, const FormulaIndex *at) {
    FormulaText piece = formula_at(f, n, at);
    return formula_wrapped(f, piece, MULTIPLIED);
}

/* Appends the definitions of what has been mentioned, and of what they mention. */
static void print_definitions(Formula *f, Text *to) {
    const char **line = arena_array(f->arena, const char *, f->nodes + 1);
    bool more = true, any = false;
    while (more) {
        more = false;
        for (int i = f->nodes - 1; i >= 0; i--) {
            FormulaNode *info = &f->info[f->order[i]->id];
            if (!info->needed || info->defined) continue;
            Text text = text_new(f->arena);
            print_line(f, &text, "    ", info->name, f->order[i], "");
            line[i] = text.bytes;
            info->defined = more = any = true;
        }
    }
    if (any) text_add(to, "  where\n");
    for (int i = 0; i < f->nodes; i++) {
        if (line[i]) text_add(to, "%s", line[i]);
    }
}

typedef struct Derivative {
    int cell;
    Node *objective, *penalty;
} Derivative;

static void print_derivative(Formula *f, Text *to, const Derivative *d, int width) {
    const Cell *cell = &f->run->cells[d->cell];
    FormulaIndex at[MOST_RANK];
    f->variables = 0;
    for (int a = 0; a < cell->shape.rank; a++) at[a] = subscript_of_variable(formula_variable(f));
    const char *left = subscripted(f, cell->name, at, cell->shape.rank).text;
    text_add(to, "  d loss / d %-*s = ", width, left);
    const char *mean = f->run->sees_batch ? "(1 / rows) *"
                       : f->run->weight   ? "sum over rows, over that of the weights, of"
                                          : "mean over rows of"; /* whose sums are written, or all one */
    if (d->objective) text_add(to, "%s %s", mean, print_value(f, d->objective, at));
    if (d->penalty) text_add(to, "%s%s", d->objective ? " + " : "", print_value(f, d->penalty, at));
    if (!d->objective && !d->penalty) text_add(to, "0");
    text_add(to, "\n");
}

static int derivative_width(Formula *f, const Derivative *derivatives, int count) {
    size_t width = 0;
    for (int i = 0; i < count; i++) {
        const Cell *cell = &f->run->cells[derivatives[i].cell];
        FormulaIndex at[MOST_RANK];
        f->variables = 0;
        for (int a = 0; a < cell->shape.rank; a++) at[a] = subscript_of_variable(formula_variable(f));
        size_t length = strlen(subscripted(f, cell->name, at, cell->shape.rank).text);
        if (length > width && length <= 32) width = length;
    }
    return (int)width;
}

/* ---- the whole ----------------------------------------------------------------------------- */
typedef struct Objective {
    Node *total, *penalty;
    Node **wrt, **of_total, **of_penalty;
    int params, count;
} Objective;

/* An update block differentiates by the parameters that it changes. */
static bool is_wanted(const Run *run, int part, const Node *cell) {
    int index = (int)cell->attr.index;
    if (run->cells[cell_shown(run->cells, index)].kind != CELL_PARAMETER || run->cells[index].trained >= 0)
        return false;
    for (int i = 0; run->part_count && i < run->parts[part].function.root_count; i++) {
        const Root *root = &run->parts[part].function.roots[i];
        if (root->kind == ROOT_UPDATE && root->index == index) return true;
    }
    return !run->part_count;
}

/* Parameters first, then the values the program names, whose adjoints get names. */
static void collect_wanted(Graph *g, const Run *run, int part, Objective *o) {
    int nodes = 0;
    Node *roots[] = {o->total, o->penalty};
    Node **order = graph_post_order(g->arena, roots, 2, &nodes);
    o->wrt = arena_array(g->arena, Node *, nodes + 1);
    for (int i = 0; i < nodes; i++) {
        if (order[i]->op == OP_CELL && is_wanted(run, part, order[i])) o->wrt[o->params++] = order[i];
    }
    o->count = o->params;
    for (int i = 0; i < nodes; i++) {
        if (order[i]->name && order[i]->sources && !order[i]->scans && dtype_is_real(order[i]->dtype))
            o->wrt[o->count++] = order[i];
    }
    o->of_total = arena_array(g->arena, Node *, o->count + 1);
    o->of_penalty = arena_array(g->arena, Node *, o->count + 1);
}

static void sort_by_cell(Derivative *d, int count) {
    for (int i = 1; i < count; i++) {
        Derivative moving = d[i];
        int at = i;
        for (; at > 0 && d[at - 1].cell > moving.cell; at--) d[at] = d[at - 1];
        d[at] = moving;
    }
}

static void take_user_names(Formula *f) {
    for (int c = 0; c < f->run->cell_count; c++) formula_add_name(f, f->run->cells[c].name);
    for (int s = 0; s < f->run->slot_count; s++) formula_add_name(f, f->run->slots[s].name);
    for (int i = 0; i < f->nodes; i++) {
        if (formula_is_named_leaf(f->order[i])) formula_add_name(f, formula_leaf_name(f, f->order[i]));
    }
}

static void prepare(Formula *f, Graph *g, const Objective *o) {
    Vector(Node *) roots = {0};
    if (o->total) vector_push(f->arena, &roots, o->total);
    if (o->penalty) vector_push(f->arena, &roots, o->penalty);
    for (int i = 0; i < o->count; i++) {
        if (o->of_total[i]) vector_push(f->arena, &roots, o->of_total[i]);
        if (i < o->params && o->of_penalty[i]) vector_push(f->arena, &roots, o->of_penalty[i]);
    }
    f->order = graph_post_order(f->arena, roots.items, roots.count, &f->nodes);
    f->info = arena_array(f->arena, FormulaNode, g->next_id + 1);
    take_user_names(f);
    for (int i = o->params; i < o->count; i++) {
        const Node *adjoint = o->of_total[i];
        if (adjoint && adjoint->backward && !f->info[adjoint->id].adjoint_of)
            f->info[adjoint->id].adjoint_of = o->wrt[i];
    }
    name_values(f);
}

static void print_terms(Formula *f, Text *to) {
    Vector(const Term *) terms = {0};
    int plain = 0, seen = 0;
    for (int t = 0; t < f->run->term_count; t++) {
        if (f->run->terms[t].part != f->part) continue;
        vector_push(f->arena, &terms, &f->run->terms[t]);
        plain += !f->run->terms[t].penalty;
    }
    Text sum = text_new(f->arena);
    for (int t = 0; t < terms.count; t++) {
        const Term *term = terms.items[t];
        if (!term->penalty) text_add(&sum, "%s%s", seen++ ? " + " : "", plain == 1 ? "loss" : term->name);
    }
    if (plain > 1) sum.bytes = text_format(f->arena, "(%s)", sum.bytes);
    Text whole = text_new(f->arena);
    text_add(&whole, "%s of %s", f->run->weight ? "sum over rows, over that of the weights," : "mean over rows",
             sum.bytes);
    for (int t = 0; t < terms.count; t++)
        if (terms.items[t]->penalty) text_add(&whole, " + %s", terms.items[t]->name);
    for (int t = 0; t < terms.count; t++) {
        const Term *term = terms.items[t];
        const char *name = plain == 1 && !term->penalty ? "loss" : term->name;
        f->variables = 0;
        const Node *value = f->term[term - f->run->terms];
        FormulaText piece = value->sources ? formula_of_op(f, value, NULL) : formula_at(f, value, NULL);
        text_add(to, "  %s = %s\n", name, piece.text);
    }
    if (terms.count > 1) text_add(to, "  minimised: %s\n", whole.bytes);
}

/* What sums over rows inside is differentiated as a mini-batch: its sums over rows are then written where they are. */
static Node **terms_of(Graph *g, const Run *run) {
    Node **terms = arena_array(g->arena, Node *, run->term_count + 1);
    for (int t = 0; t < run->term_count; t++) terms[t] = run->terms[t].value;
    if (run->sees_batch) graph_batch(g, terms, run->term_count, 1);
    return terms;
}

static void print_part(Text *to, const Program *program, const Run *run, int part) {
    Graph *g = run->graph;
    Formula f = {.arena = g->arena, .run = run, .part = part, .program = program, .term = terms_of(g, run)};
    Objective o = {.total = run_sum_of_terms(g, run, part, false), .penalty = run_sum_of_terms(g, run, part, true)};
    if (run->sees_batch) graph_batch(g, &o.total, 1, 1);
    if (!o.total && !o.penalty) return;
    collect_wanted(g, run, part, &o);
    if (o.total && !graph_gradients(g, o.total, NULL, o.wrt, o.count, o.of_total)) return;
    if (o.penalty && !graph_gradients(g, o.penalty, NULL, o.wrt, o.params, o.of_penalty)) return;
    prepare(&f, g, &o);
    Derivative *derivatives = arena_array(g->arena, Derivative, o.params + 1);
    for (int p = 0; p < o.params; p++)
        derivatives[p] = (Derivative){cell_shown(run->cells, (int)o.wrt[p]->attr.index), o.of_total[p],
                                      o.of_penalty[p]};
    sort_by_cell(derivatives, o.params);
    print_terms(&f, to);
    int width = derivative_width(&f, derivatives, o.params);
    for (int p = 0; p < o.params; p++) print_derivative(&f, to, &derivatives[p], width);
    print_definitions(&f, to);
    if (f.leaves) text_add(to, "  a value outside its array, or at a place that is not whole, counts as 0\n");
}

void formula_print(Text *to, const Program *program, const Run *run) {
    for (int part = 0; part < run_step_functions(run); part++) {
        if (run->part_count) text_add(to, "  update %s\n", run->parts[part].name);
        print_part(to, program, run, part);
    }
}
