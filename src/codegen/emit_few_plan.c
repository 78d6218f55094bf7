/* emit_few_plan: which nests of few sums are one pass over the rows. */
#include "codegen/emit_reduce.h"

enum { OTHER_REGISTERS = 8 };

static bool is_few(const Emitter *e, const Nest *nest) {
    return nest->kind == NEST_REDUCE && nest->reduce->attr.contraction->over_rows &&
           nest->reduce->attr.contraction->lanes > 1 && e->f->block > 1 && nest->lanes == LANES_ROWS &&
           !sums_have_rows_of_their_own(e->f, nest);
}

bool few_in_one_chunk(const Emitter *e, const Nest *nest) {
    return !nest->carried || chunk_of(nest->reduce) % e->f->block == 0;
}

/* So many chains have room in registers. */
int few_most_sums(const Emitter *e, const Nest *nest) {
    int vectors = ORDER_LANES / loop_lanes(e->target, nest);
    int most = (e->target->registers - OTHER_REGISTERS) / (vectors > 0 ? vectors : 1);
    return most < 1 ? 1 : most < MOST_SUMS ? most : MOST_SUMS;
}

int64_t few_terms(const Nest *nest) { return shape_size(nest->space) * space_of(nest->reduce).terms; }

typedef struct Needs {
    const Nest *const *nests;
    int count;
    bool any;
} Needs;

static void visit_needs(void *context, const Read *read) {
    Needs *n = context;
    for (int i = 0; i < n->count && read->operand >= 0; i++)
        for (int s = 0; s < n->nests[i]->store_count; s++) {
            const Store *store = &n->nests[i]->stores[s];
            n->any |= store->node == read->node || (store->kind == STORE_CELL && read->node->op == OP_CELL &&
                                                    read->node->attr.index == store->index);
        }
}

int few_together(const Emitter *e, const Nest *const *nests, int count) {
    int together = 0;
    int64_t sums = 0, terms = 0;
    for (; together < count; together++) {
        const Nest *nest = nests[together];
        if (!is_few(e, nest) || !few_in_one_chunk(e, nest) || nest->carried != nests[0]->carried ||
            chunk_of(nest->reduce) != chunk_of(nests[0]->reduce))
            break;
        sums += shape_size(nest->space);
        terms += few_terms(nest);
        Needs needs = {nests, together, false};
        nest_reads(e->f, nest, visit_needs, &needs);
        if (needs.any || sums > few_most_sums(e, nest) || terms > MOST_UNROLLED) break;
    }
    return together;
}
