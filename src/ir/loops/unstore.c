/* unstore: what comes from the caller's rows, or goes to them, and passes through a kernel in blocks has no buffer.
 *
 * On the way in, packing (codegen/emit_pack.c) evaluates its operand once an element, wherever it lies, and turns it on
 * the way. A buffer in between would be written and read once more for nothing: conversion and standardisation become
 * part of packing. This holds for values of a few cheap operations on columns, which a nest of their own made row by
 * row, and for readers that pack them a few times in all. Cells that the function updates are none of these: a reader
 * that packs late would find them changed.
 *
 * On the way out, sums that only rows for the caller are made of are turned and stored a block of tiles at a time,
 * from where they waited for their last block of k, while they are near.
 */
#include "ir/loops/loop.h"

enum { MOST_OPERATIONS = 8, MOST_PACKINGS = 4 };

typedef struct Candidate {
    const LoopFunction *f;
    const Nest *nest; /* being looked at */
    const Node *node;
    int64_t packings;
    bool fits;
} Candidate;

static int64_t times_packed(const Nest *nest) {
    const Blocks *b = nest->blocks;
    int64_t tiles = nest->space.extent[nest->tile_axis];
    return b->lanes_once ? 1 : (tiles + b->tile - 1) / b->tile;
}

static void visit_reader(void *context, const Read *read) {
    Candidate *c = context;
    const Nest *nest = c->nest;
    if (read->node != c->node) return;
    const Blocks *b = nest->blocks;
    int last = nest->space.rank - 1;
    if (b == NULL || read->operand != b->lane_operand || !b->packs[read->operand] || read->guarded ||
        nest->reduce->source[read->operand] != read->node) {
        c->fits = false;
        return;
    }
    if (nest->lanes == LANES_ROWS)
        last += nest->reduce->attr.contraction->reduced;
    else
        last = nest->lanes;
    c->fits &= read->linear.coef[last] == 1 && (nest->lanes != LANES_ROWS || b->turns);
    c->packings += times_packed(nest);
}

static bool is_updated(const LoopFunction *f, const Node *cell) {
    for (int r = 0; r < f->function->root_count; r++)
        if (f->function->roots[r].kind == ROOT_UPDATE && f->function->roots[r].index == cell->attr.index) return true;
    return false;
}

/* Operations per element, a division for three; too many where one costs more than a sum, or where it needs more than
 * columns and numbers. */
static int operations(const LoopFunction *f, const Node *node) {
    if (node->op == OP_COLUMN || node->op == OP_CONST || (node->op == OP_CELL && !is_updated(f, node))) return 0;
    bool is_cheap = node->op == OP_DIV || op_cost(node->op) <= 1;
    bool stays = op_emission(node->op) == EMISSION_VALUES || op_emission(node->op) == EMISSION_SAME;
    if (!is_cheap || !stays) return MOST_OPERATIONS + 1;
    int count = node->op == OP_DIV ? 3 : 1;
    for (int s = 0; s < node->sources && count <= MOST_OPERATIONS; s++)
        count += node_is_stored(f, node->source[s]) ? MOST_OPERATIONS + 1 : operations(f, node->source[s]);
    return count;
}

static bool makes_passing(const LoopFunction *f, const Nest *nest) {
    if (nest->kind != NEST_ELEMENTS || !nest->rows || f->block == 1 || nest->lanes < 0 || nest->apart ||
        nest->store_count != 1 || nest->turned > 0)
        return false;
    const Store *store = &nest->stores[0];
    int64_t bytes = shape_size(store->node->shape) * f->block * (int64_t)dtype_bytes(store->node->dtype);
    return store->kind == STORE_BUFFER && store->value == store->node && bytes > (int64_t)f->target->l1 &&
           operations(f, store->node) <= MOST_OPERATIONS;
}

bool is_passing(const LoopFunction *f, const Node *node) {
    const Nest *maker = node_is_stored(f, node) ? f->provider[node->id] : NULL;
    return maker != NULL && makes_passing(f, maker);
}

/* A column as it is, which its readers read row by row: in place. */
static void visit_in_place(void *context, const Read *read) {
    Candidate *c = context;
    if (read->node != c->node) return;
    c->fits &= c->nest->apart && c->nest->blocks != NULL && read->operand == 1 - c->nest->blocks->lane_operand;
    c->packings++;
}

static bool all_read_rows(const LoopFunction *f, const Nest *maker) {
    if (maker->kind != NEST_ELEMENTS || !maker->rows || maker->store_count != 1 ||
        maker->stores[0].kind != STORE_BUFFER || maker->stores[0].node->op != OP_COLUMN)
        return false;
    Candidate c = {.f = f, .node = maker->stores[0].node, .fits = true};
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            c.nest = f->sections[s].nests.items[i];
            if (c.nest != maker) nest_reads(f, c.nest, visit_in_place, &c);
        }
    return c.fits && c.packings > 0;
}

static bool all_pack(const LoopFunction *f, const Nest *maker) {
    Candidate c = {.f = f, .node = maker->stores[0].node, .fits = true};
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            c.nest = f->sections[s].nests.items[i];
            if (c.nest != maker) nest_reads(f, c.nest, visit_reader, &c);
        }
    return c.fits && c.packings > 0 && c.packings <= MOST_PACKINGS;
}

/* What is stored after all is not packed for few tiles. */
static void visit_packed(void *context, const Read *read) {
    Candidate *c = context;
    Blocks *b = c->nest->blocks;
    if (read->node == c->node && b != NULL && read->operand == b->lane_operand && !b->turns &&
        c->nest->space.extent[c->nest->tile_axis] < c->f->target->fewest_uses)
        b->packs[read->operand] = b->lanes_once = false;
}

static void keep_in_place(const LoopFunction *f, const Nest *maker) {
    Candidate c = {.f = f, .node = maker->stores[0].node};
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            c.nest = f->sections[s].nests.items[i];
            nest_reads(f, c.nest, visit_packed, &c);
        }
}

void unstore_passing(LoopFunction *f) {
    for (int s = 0; s < f->section_count; s++) {
        Section *section = &f->sections[s];
        int kept = 0;
        for (int i = 0; i < section->nests.count; i++) {
            Nest *nest = section->nests.items[i];
            bool passes = makes_passing(f, nest);
            if ((passes && all_pack(f, nest)) || all_read_rows(f, nest)) {
                f->stored[nest->stores[0].node->id] = false;
                continue;
            }
            if (passes) keep_in_place(f, nest);
            section->nests.items[kept++] = nest;
        }
        section->nests.count = kept;
    }
}

/* ---- rows for the caller ----------------------------------------------------------------------- */
/* Blocks in which whole squares can be turned: the last one is not shorter than a square. */
static bool has_squares(const LoopFunction *f, const Nest *nest) {
    const Blocks *b = nest->blocks;
    int64_t extent = nest->space.extent[nest->tile_axis], lanes = loop_lanes(f->target, nest);
    return b->tile >= extent || (extent - 1) % b->tile + 1 >= lanes;
}

static void take_out(Section *section, const Nest *nest) {
    int kept = 0;
    for (int i = 0; i < section->nests.count; i++)
        if (section->nests.items[i] != nest) section->nests.items[kept++] = section->nests.items[i];
    section->nests.count = kept;
}

static void leave_from(LoopFunction *f, Section *section, Nest *kernel) {
    Nest *out = kernel->blocks != NULL && kernel->lanes == LANES_ROWS ? rows_made_of(f, section, kernel) : NULL;
    if (out == NULL || !out->leaves_turned || kernel->tile_axis != kernel->space.rank - 1 || !has_squares(f, kernel))
        return;
    kernel->stores = out->stores;
    kernel->leaves_turned = true;
    f->stored[kernel->reduce->id] = false;
    take_out(section, out);
}

/* With outputs as lanes (dense.c) they are rows as they come out of the tile. */
static void leave_by_row(LoopFunction *f, Section *section, Nest *kernel) {
    Nest *out = kernel->apart && kernel->tile_axis == TILE_ROWS ? rows_made_of(f, section, kernel) : NULL;
    if (out == NULL || kernel->lanes != out->space.rank - 1) return;
    kernel->stores = out->stores;
    f->stored[kernel->reduce->id] = false;
    take_out(section, out);
}

void unstore_leaving(LoopFunction *f) {
    for (int s = 0; s < f->section_count; s++)
        for (int i = 0; i < f->sections[s].nests.count; i++) {
            leave_from(f, &f->sections[s], f->sections[s].nests.items[i]);
            leave_by_row(f, &f->sections[s], f->sections[s].nests.items[i]);
        }
}
