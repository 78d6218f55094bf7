/* regroup: values that are made with their rows regrouped by chunks.
 *
 * A weight gradient with the chunks of a batch as lanes (layout.c) reads its operands regrouped: the first rows of all
 * chunks, then the second ones. Where nobody but such a sum wants a value, and sums in which every row is a chain of its
 * own and which have the same chunks (the gradient of a bias beside that of its weight), the nest that makes the value
 * stores it so, and it has no other buffer. Otherwise a copy is made (plan.c).
 */
#include "ir/loops/loop.h"

enum { MOST_VECTORS = 8 }; /* of rows, which the nest has all of at once */

typedef struct Grouping {
    const LoopFunction *f;
    const Nest *sum, *nest; /* the weight gradient; being looked at */
    const Node *value;
    bool reads, fits;
} Grouping;

static void visit_reader(void *context, const Read *read) {
    Grouping *g = context;
    g->reads |= read->node == g->value;
    g->fits &= read->node != g->value || read->operand >= 0;
}

/* Rows past the mini-batch are computed too, and a column has none. */
static void visit_made_of(void *context, const Read *read) {
    Grouping *g = context;
    g->fits &= read->node->op != OP_COLUMN;
}

static bool sums_alike(const Grouping *g, const Nest *nest) {
    const Node *node = nest->reduce;
    return nest->kind == NEST_REDUCE && node->op == OP_CONTRACT && node->sources == 1 && node->source[0] == g->value &&
           sums_have_rows_of_their_own(g->f, nest) &&
           node->attr.contraction->chunk == g->sum->reduce->attr.contraction->chunk &&
           node->dtype == g->sum->reduce->dtype;
}

static bool can_make(Grouping *g, const Nest *maker) {
    int lanes = loop_lanes(g->f->target, g->sum);
    if (maker == NULL || maker->kind != NEST_ELEMENTS || maker->lanes != LANES_ROWS || maker->apart ||
        maker->turned > 0 || maker->store_count != 1 || maker->stores[0].value != g->value ||
        maker->grouped_for != NULL || loop_lanes(g->f->target, maker) != lanes ||
        g->f->block > (int64_t)MOST_VECTORS * lanes)
        return false;
    g->fits = true;
    nest_reads(g->f, maker, visit_made_of, g);
    return g->fits;
}

/* Either counts the readers that are in the way, or tells the others. */
static bool only_sums_read(Grouping *g, const Nest *maker, bool tell) {
    const LoopFunction *f = g->f;
    bool only = true;
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            Nest *nest = f->sections[s].nests.items[i];
            g->reads = false;
            g->fits = true;
            if (nest != maker) nest_reads(f, nest, visit_reader, g);
            if (!g->reads) continue;
            bool alike = nest != g->sum && sums_alike(g, nest);
            only &= g->fits && (nest == g->sum || alike);
            if (tell && alike) nest->sums_grouped = g->sum;
        }
    return only;
}

static void regroup(LoopFunction *f, Nest *sum, int operand) {
    Grouping g = {.f = f, .sum = sum, .value = sum->reduce->source[operand]};
    Nest *maker = f->provider[g.value->id];
    if (sum->reduce->source[0] == sum->reduce->source[1] || !can_make(&g, maker) || !only_sums_read(&g, maker, false))
        return;
    only_sums_read(&g, maker, true);
    maker->grouped_for = sum;
    sum->convolution->made_grouped[operand] = true;
}

void regroup_function(LoopFunction *f) {
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            Nest *nest = f->sections[s].nests.items[i];
            for (int k = 0; nest->convolution != NULL && nest->convolution->chunk_lanes && k < 2; k++)
                regroup(f, nest, k);
        }
}
