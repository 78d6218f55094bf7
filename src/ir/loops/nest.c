/* nest: facts about a nest that several passes ask for. */
#include "ir/loops/loop.h"

int loop_lanes(const LoopTarget *target, const Nest *nest) {
    bool wide = nest->reduce != NULL && nest->reduce->dtype == DTYPE_F64;
    for (int s = 0; s < nest->store_count; s++) wide |= nest->stores[s].value->dtype == DTYPE_F64;
    return wide && target->lanes > 2 ? target->lanes / 2 : target->lanes;
}

bool made_along_elements(const LoopFunction *f, const Nest *nest) {
    return nest->apart || (nest->lanes >= 0 && nest->rows && f->block > 1 && nest->store_count == 1 &&
                           nest->stores[0].kind == STORE_BUFFER);
}

/* A sum over rows and more: for one row after the other it reads elements, which the second layout has
 * together. */
bool nest_walks_rows(const Nest *nest) {
    if (nest->kind != NEST_REDUCE || nest->lanes < 0 || !nest->reduce->attr.contraction->over_rows) return false;
    const Contraction *c = nest->reduce->attr.contraction;
    for (int k = 0; k < c->reduced; k++)
        if (c->extent[k] > 1) return true;
    return false;
}

bool nest_reads_column(const Nest *nest, const Node *node) {
    return nest != NULL && nest->rows_turned && node->op == OP_COLUMN;
}

Buffer *grouped_operand(const Nest *nest) {
    const Nest *sum = nest->sums_grouped;
    return sum == NULL ? NULL : sum->convolution->grouped[sum->reduce->source[1] == nest->reduce->source[0]];
}

bool sums_have_rows_of_their_own(const LoopFunction *f, const Nest *nest) {
    const Contraction *c = nest->reduce->attr.contraction;
    return nest->carried && c->over_rows && c->lanes == 16 && f->block > 1 && c->chunk > 0 && c->chunk <= 16 &&
           (f->one_block || f->block % c->chunk == 0);
}

int64_t rows_summed_at_once(const LoopFunction *f, const Nest *nest) {
    int64_t rows = nest->rows_turned ? 16 : MOST_SUMMED_AT_ONCE;
    while (f->block % rows != 0) rows /= 2;
    return rows;
}

typedef struct SumReader {
    const Nest *nest;
    const Node *sum;
    bool found, here, alone;
} SumReader;

static void visit_sum(void *context, const Read *read) {
    SumReader *r = context;
    if (read->node == r->sum) {
        r->found = true;
        r->here &= read_is_here(r->nest, read);
    } else if (read->node->rows != 0) {
        r->alone = false;
    }
}

static SumReader reader_of(const LoopFunction *f, const Nest *nest, const Node *sum) {
    SumReader r = {.nest = nest, .sum = sum, .here = true, .alone = true};
    nest_reads(f, nest, visit_sum, &r);
    return r;
}

/* Does the nest make rows for the caller from this sum, at its place, and from nothing else that has rows? */
static bool makes_rows(const LoopFunction *f, const Nest *nest, const Node *sum) {
    if (nest->kind != NEST_ELEMENTS || nest->flat || nest->store_count != 1 || nest->stores[0].kind != STORE_ROWS)
        return false;
    SumReader r = reader_of(f, nest, sum);
    return r.found && r.here && r.alone;
}

Nest *rows_made_of(const LoopFunction *f, const Section *section, const Nest *kernel) {
    const Node *sum = kernel->reduce;
    if (kernel->store_count != 1 || kernel->stores[0].kind != STORE_BUFFER || kernel->stores[0].value != sum ||
        kernel->stores[0].node != sum)
        return NULL;
    Nest *found = NULL;
    for (int i = 0; i < section->nests.count && found == NULL; i++)
        found = makes_rows(f, section->nests.items[i], sum) ? section->nests.items[i] : NULL;
    for (int s = 0; s < f->section_count && found != NULL; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            const Nest *nest = f->sections[s].nests.items[i];
            if (nest != kernel && nest != found && reader_of(f, nest, sum).found) return NULL;
        }
    return found;
}

enum { MOST_TINY_CELLS = 512 }; /* bytes */

bool updates_little(const LoopFunction *f) {
    size_t updated = 0;
    for (int r = 0; r < f->function->root_count; r++)
        if (f->function->roots[r].kind == ROOT_UPDATE)
            updated += (size_t)shape_size(f->function->roots[r].node->shape) *
                       dtype_bytes(f->function->roots[r].node->dtype);
    return updated <= MOST_TINY_CELLS;
}
