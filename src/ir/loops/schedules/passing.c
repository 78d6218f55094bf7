/* passing: what is made of the caller's rows, and packed by all who read it, has no array.
 *
 *   nest x                                        nest x
 *     for row, for k: x[row, k] = f32(column)       for rows, for k: packed[k, row] = f32(column)
 *   nest x                                 ->     nest contract
 *     for rows, for k: packed[k, row] = x[row, k]   .. packed ..
 *   nest contract
 *     .. packed ..
 *
 * A kernel that packs an operand evaluates it once an element, wherever it lies (panels.c). An array in between would
 * be written and read once more for nothing: conversion and standardisation become part of packing. This holds for values of
 * a few cheap operations, of more rows than the first level of the caches holds, which are used often: each who packs them
 * computes them anew. Rows that a prediction reads term by term as they are, for several lanes at once, are read where they lie.
 */
#include "ir/loops/code_limits.h"
#include "ir/loops/schedules/kernel.h"

static bool is_updated(const NestFunction *f, const Node *cell) {
    for (int r = 0; r < f->function->root_count; r++)
        if (f->function->roots[r].kind == ROOT_UPDATE && f->function->roots[r].index == cell->attr.index) return true;
    return false;
}

/* Operations per element, a division for three; too many where one costs more than a sum, or where it needs more than
 * columns, numbers and cells that stay as they are. */
static int operations(const NestFunction *f, const Node *node) {
    if (node->op == OP_COLUMN || node->op == OP_CONST || (node->op == OP_CELL && !is_updated(f, node))) return 0;
    bool is_cheap = node->op == OP_DIV || op_cost(node->op) <= 1;
    bool stays = op_emission(node->op) == EMISSION_VALUES || op_emission(node->op) == EMISSION_SAME;
    if (!is_cheap || !stays) return CHEAP_VALUE + 1;
    int count = node->op == OP_DIV ? 3 : 1;
    for (int s = 0; s < node->sources && count <= CHEAP_VALUE; s++)
        count += node_is_stored(f, node->source[s]) ? CHEAP_VALUE + 1 : operations(f, node->source[s]);
    return count;
}

static bool may_pass(const Scheduler *s, const Nest *nest) {
    if (nest->kind != NEST_ELEMENTS || !nest->rows || nest->store_count != 1) return false;
    const Store *store = &nest->stores[0];
    int64_t bytes = shape_size(store->node->shape) * s->block_rows * (int64_t)dtype_bytes(store->node->dtype);
    return store->kind == STORE_ARRAY && store->value == store->node && s->layout[store->node->id] == NULL &&
           !s->has_rows_innermost[store->node->id] && bytes > s->numbers.machine.l1 &&
           operations(s->f, store->node) <= CHEAP_VALUE;
}

static bool makes(const Nest *nest, const Node *node) {
    return nest->store_count == 1 && nest->stores[0].kind == STORE_ARRAY && nest->stores[0].node == node;
}

typedef struct Reader {
    const Nest *nest;
    const Node *node;
    int operand; /* -1: it is not read */
    bool fits;   /* as an operand as it is, if at all */
} Reader;

static void visit_reader(void *context, const Read *read) {
    Reader *r = context;
    if (read->node != r->node) return;
    r->fits &= read->operand >= 0 && (r->operand < 0 || r->operand == read->operand) && r->nest->kind == NEST_REDUCE &&
               r->nest->reduce->source[read->operand] == r->node;
    r->operand = read->operand;
}

/* It packs its operand with the lanes, or reads the caller's rows, each element once a vector of lanes, as it would an array. */
static bool needs_no_array(Scheduler *s, const Reader *r) {
    s->nest = r->nest;
    const Kernel *k = schedule_kernel_plan(s, r->nest);
    s->nest = NULL;
    if (k == NULL || k->blocks == NULL) return false;
    if (k->blocks->lane_operand == r->operand)
        return k->blocks->packs[r->operand] &&
               kernel_uses(s, k, r->operand) >= machine_fewest_uses(&s->numbers.machine);
    return r->node->op == OP_COLUMN && k->unrolled_axis == AXIS_ROW && !k->blocks->packs[r->operand] &&
           !s->f->function->steps; /* whose next rows are asked for where a nest reads these */
}

/* Who reads the node in any section; false: one of them needs it as an array. */
typedef Vector(Reader) Readers;
static bool find_readers(const Scheduler *s, Node *node, Readers *readers) {
    for (NestCursor at = {0}; next_nest(s->f, &at);) {
        Reader reader = {at.nest, node, -1, true};
        if (makes(reader.nest, node)) continue;
        nest_reads(s->f, reader.nest, visit_reader, &reader);
        if (!reader.fits) return false;
        if (reader.operand >= 0) vector_push(s->arena, readers, reader);
    }
    return true;
}

static bool none_needs_array(Scheduler *s, Node *node) {
    Array *array = s->array[node->id];
    Readers readers = {0};
    bool all = array != NULL && find_readers(s, node, &readers);
    s->f->stored[node->id] = false; /* this is how it would be */
    s->array[node->id] = NULL;
    for (int i = 0; i < readers.count && all; i++) all = needs_no_array(s, &readers.items[i]);
    if (all) return true;
    s->f->stored[node->id] = true;
    s->array[node->id] = array;
    return false;
}

static void take_out_makers(Scheduler *s, const Node *node) {
    for (int c = 0; c < s->f->section_count; c++) {
        Section *section = &s->f->sections[c];
        int kept = 0;
        for (int i = 0; i < section->nests.count; i++)
            if (!makes(section->nests.items[i], node)) section->nests.items[kept++] = section->nests.items[i];
        section->nests.count = kept;
    }
}

void schedule_passing(Scheduler *s) {
    if (s->block_rows == 1 || s->f->parts != NULL) return;
    for (int c = 0; c < s->f->section_count; c++)
        for (int i = 0; i < s->f->sections[c].nests.count; i++) {
            const Nest *nest = s->f->sections[c].nests.items[i];
            if (may_pass(s, nest) && none_needs_array(s, nest->stores[0].node))
                take_out_makers(s, nest->stores[0].node), i--;
        }
}
