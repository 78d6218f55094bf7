/* outputs: what a prediction tells of a sum, the kernel that makes the sum stores for the caller itself.
 *
 *   nest product                               nest product
 *     for rows: product[row] = sum      ->       for rows
 *   nest y                                         if row is one of the mini-batch
 *     for row: output[row] = product[row] + b        output[row] = sum + b
 *
 * An array in between would be written and read once more for nothing. Tiles of rows may reach past the mini-batch, where an array
 * has room and the caller has none. A kernel whose lanes are rows, or that stores along another axis than the caller wants, keeps
 * its array: the nest that copies it also turns it.
 */
#include "ir/loops/schedules/kernel.h"

/* ---- what is told ------------------------------------------------------------------------------------------- */
typedef struct ToldReads {
    const NestFunction *f;
    const Nest *nest;
    const Node *sum; /* the only value it reads, at its own point, that is no leaf */
    bool fits;
} ToldReads;

static void visit_told(void *context, const Read *read) {
    ToldReads *told = context;
    if (!node_is_stored(told->f, read->node)) return;
    told->fits &= (told->sum == NULL || told->sum == read->node) && read_is_here(told->nest, read);
    told->sum = read->node;
}

/* The sum that a nest tells the caller something of, and nothing else; NULL. */
static const Node *told_sum(const Scheduler *s, const Nest *nest) {
    ToldReads told = {.f = s->f, .nest = nest, .fits = true};
    if (nest->kind != NEST_ELEMENTS || nest->flat || nest->store_count != 1 || nest->stores[0].kind != STORE_ROWS)
        return NULL;
    nest_reads(s->f, nest, visit_told, &told);
    return told.fits ? told.sum : NULL;
}

/* ---- who makes it -------------------------------------------------------------------------------------------- */
typedef struct SumReads {
    const Node *sum;
    int reads;
} SumReads;

static void visit_sum(void *context, const Read *read) {
    SumReads *reads = context;
    reads->reads += read->node == reads->sum;
}

static bool is_read_elsewhere(const Scheduler *s, const Node *sum, const Nest *nest) {
    SumReads reads = {sum, 0};
    for (NestCursor at = {0}; next_nest(s->f, &at);)
        if (at.nest != nest && at.nest != s->provider[sum->id]) nest_reads(s->f, at.nest, visit_sum, &reads);
    return reads.reads > 0;
}

static bool stores_as_the_caller_wants(Scheduler *s, const Nest *nest) {
    s->nest = nest;
    const Kernel *k = schedule_kernel_plan(s, nest);
    s->nest = NULL;
    return k != NULL && k->lanes_axis >= 0 && k->lanes_axis == shape_last_axis(nest->space);
}

/* NULL: it is no kernel, or has to store the sum for others, or in another order. */
static Nest *maker_of(Scheduler *s, const Node *sum, const Nest *nest) {
    Nest *maker = s->provider[sum->id];
    if (maker == NULL || maker->kind != NEST_REDUCE || maker->reduce != sum || maker->store_count != 1) return NULL;
    bool row_major = s->layout[sum->id] == NULL && !s->has_rows_innermost[sum->id];
    bool same = shape_equal(maker->space, nest->space) && maker->rows && !sum->attr.contraction->over_rows;
    return row_major && same && !is_read_elsewhere(s, sum, nest) && stores_as_the_caller_wants(s, maker) ? maker : NULL;
}

static bool gives_to_maker(Scheduler *s, const Nest *nest) {
    const Node *sum = told_sum(s, nest);
    Nest *maker = sum == NULL || s->array[sum->id] == NULL ? NULL : maker_of(s, sum, nest);
    if (maker == NULL) return false;
    maker->stores[0] = nest->stores[0];
    maker->cost += nest->cost;
    s->array[sum->id] = NULL;
    return true;
}

void schedule_outputs(Scheduler *s) {
    if (s->block_rows == 1 || s->f->parts != NULL) return;
    for (int c = 0; c < s->f->section_count; c++) {
        Section *section = &s->f->sections[c];
        int kept = 0;
        for (int i = 0; i < section->nests.count; i++)
            if (!gives_to_maker(s, section->nests.items[i])) section->nests.items[kept++] = section->nests.items[i];
        section->nests.count = kept;
    }
}
