/* relay: nests that go together, some rows at a time.
 *
 * Nests that follow each other and go by rows can have one loop over rows around all of them: each hands its rows to
 * the next one while they are still in the cache, and threads, which take rows, need not wait for one another in
 * between. What nobody outside of such a relay touches needs room for the rows that it is at only, of each thread.
 * There are two kinds of relays. Nests that work row by row (layout.c) hand on a row; those that have rows as lanes
 * RELAY_ROWS of them, whole vectors. So a softmax and its cross-entropy, forward and backward, are one pass over the
 * logits of 16 rows, though each maximum and each sum has to be complete before the next nest begins.
 *
 * A relay ends where what it holds of the second-level cache would become too much: the rows that two neighbours read
 * and write, and all the weights, since every row passes by all of them. What stands between two nests of a relay and
 * does not go by rows is done before it (weights that are packed) or after it (rows that are turned for somebody
 * else, a sum over rows), if nothing depends on that.
 *
 * No bit depends on any of this: rows of a nest in a relay are outputs.
 */
#include "ir/loops/loop.h"
#include <string.h>

typedef Vector(const Node *) NodeList;
typedef struct Traffic { /* of one nest */
    const LoopFunction *f;
    NodeList rows;    /* values with rows that it reads or stores */
    NodeList weights; /* what it reads that is the same for all rows */
} Traffic;
typedef struct Relays {
    LoopFunction *f;
    Section *section;
    Vector(Nest *) before, members, after; /* of the relay being made */
    double weights;                        /* bytes */
    Traffic last;                          /* of the last member */
    int rows;                              /* together */
} Relays;

/* ---- bytes --------------------------------------------------------------------------------------- */
static bool list_has(const NodeList *list, const Node *node) {
    for (int i = 0; i < list->count; i++)
        if (list->items[i] == node) return true;
    return false;
}

static void list_add(Arena *arena, NodeList *list, const Node *node) {
    if (!list_has(list, node)) vector_push(arena, list, node);
}

static void visit_traffic(void *context, const Read *read) {
    Traffic *t = context;
    if (read->node->rows == 0)
        list_add(t->f->arena, &t->weights, read->node);
    else if (node_is_stored(t->f, read->node))
        list_add(t->f->arena, &t->rows, read->node);
}

static Traffic traffic_of(const LoopFunction *f, const Nest *nest) {
    Traffic t = {.f = f};
    nest_reads(f, nest, visit_traffic, &t);
    for (int s = 0; s < nest->store_count; s++) list_add(f->arena, &t.rows, nest->stores[s].node);
    return t;
}

/* Of a row, where there are rows; what `but` has counts no more. */
static double bytes_of(const NodeList *list, const NodeList *but) {
    double bytes = 0;
    for (int i = 0; i < list->count; i++)
        if (but == NULL || !list_has(but, list->items[i]))
            bytes += (double)shape_size(list->items[i]->shape) * (double)dtype_bytes(list->items[i]->dtype);
    return bytes;
}

/* ---- which nests ----------------------------------------------------------------------------------- */
static void visit_long_column(void *context, const Read *read) {
    *(bool *)context |= read->node->op == OP_COLUMN && shape_size(read->node->shape) > 1;
}

/* Rows are its lanes, RELAY_ROWS are whole tiles, and it does not walk along rows of data, which the next nest has no
 * use for. */
static bool goes_by_vectors(const LoopFunction *f, const Nest *nest) {
    bool walks = false;
    nest_reads(f, nest, visit_long_column, &walks);
    return f->block > RELAY_ROWS && nest->lanes == LANES_ROWS && !walks &&
           RELAY_ROWS % (loop_lanes(f->target, nest) * nest->vectors) == 0;
}

/* How many rows the nest can hand on: 1 or RELAY_ROWS. 0: it goes in no relay. */
static int rows_handed_on(const LoopFunction *f, const Nest *nest) {
    if (f->block == 1 || !nest->rows || nest->kind == NEST_SCATTER || nest->carried || nest->blocks != NULL ||
        nest->grouped_for != NULL)
        return 0;
    for (int s = 0; s < nest->store_count; s++)
        if (nest->stores[s].kind == STORE_SUM || nest->stores[s].kind == STORE_CELL) return 0;
    if (nest->lanes == LANES_ROWS) return goes_by_vectors(f, nest) ? RELAY_ROWS : 0;
    bool by_row = nest->lanes >= 0 && (nest->kind != NEST_REDUCE || nest->apart) && nest->split <= SPLIT_ROWS;
    return by_row ? 1 : 0;
}

typedef struct Dependence {
    const Nest *on;
    bool found;
} Dependence;

static void visit_dependence(void *context, const Read *read) {
    Dependence *d = context;
    for (int s = 0; s < d->on->store_count; s++) {
        const Store *store = &d->on->stores[s];
        d->found |= store->node == read->node ||
                    (store->kind == STORE_CELL && read->node->op == OP_CELL && read->node->attr.index == store->index);
    }
}

/* Does one of the two read what the other one stores? */
static bool depend(const LoopFunction *f, const Nest *a, const Nest *b) {
    Dependence on_a = {a, false}, on_b = {b, false};
    nest_reads(f, b, visit_dependence, &on_a);
    nest_reads(f, a, visit_dependence, &on_b);
    return on_a.found || on_b.found;
}

static bool depends_on_any(const LoopFunction *f, const Nest *nest, Nest *const *others, int count) {
    for (int i = 0; i < count; i++)
        if (depend(f, nest, others[i])) return true;
    return false;
}

static bool can_join(const Relays *r, const Nest *nest, const Traffic *t) {
    double cache = (double)r->f->target->l2, weights = r->weights + bytes_of(&t->weights, NULL);
    int together = rows_handed_on(r->f, nest);
    if (together == 0 || (r->members.count > 0 && together != r->rows)) return false;
    if (r->members.count == 0) return weights <= cache / 2;
    double row = bytes_of(&r->last.rows, NULL) + bytes_of(&t->rows, &r->last.rows);
    return weights + row * together <= cache && !depends_on_any(r->f, nest, r->after.items, r->after.count);
}

static void join(Relays *r, Nest *nest, const Traffic *t) {
    r->rows = rows_handed_on(r->f, nest);
    vector_push(r->f->arena, &r->members, nest);
    r->weights += bytes_of(&t->weights, NULL);
    r->last = *t;
}

/* Can the relay go on behind this nest? Then it has been put before it or after it. */
static bool pass_by(Relays *r, Nest *nest) {
    Arena *arena = r->f->arena;
    bool sum = nest->kind == NEST_REDUCE && !nest->rows && shape_size(nest->space) == 1;
    if (nest->transposes || sum) {
        vector_push(arena, &r->after, nest);
        return true;
    }
    if (nest->kind == NEST_REDUCE || depends_on_any(r->f, nest, r->members.items, r->members.count) ||
        depends_on_any(r->f, nest, r->after.items, r->after.count))
        return false;
    vector_push(arena, &r->before, nest);
    return true;
}

/* ---- relays of a section ---------------------------------------------------------------------------- */
static void put(Relays *r, Nest *const *nests, int count) {
    for (int i = 0; i < count; i++) vector_push(r->f->arena, &r->section->nests, nests[i]);
}

/* Threads take rows of all or of none. */
static void share_alike(Nest *const *members, int count) {
    bool shared = false;
    for (int i = 0; i < count; i++) shared |= members[i]->split != SPLIT_NONE;
    for (int i = 0; i < count; i++) members[i]->split = shared ? SPLIT_ROWS : SPLIT_NONE;
}

/* A copy that turns its rows is company, no reason. */
static bool is_worth_it(const Relays *r, int members) {
    int others = 0;
    for (int i = 0; i < members; i++) others += !r->members.items[i]->transposes;
    return others >= 2;
}

/* The nests that a relay from here on takes, with what it passes by; 1: no relay. */
static int make_relay(Relays *r, Nest *const *nests, int count) {
    int taken = 0, members = 0, before = 0, after = 0;
    r->before.count = r->members.count = r->after.count = 0;
    r->weights = 0;
    for (int i = 0; i < count; i++) {
        Traffic t = traffic_of(r->f, nests[i]);
        if (can_join(r, nests[i], &t)) {
            join(r, nests[i], &t);
            taken = i + 1;
            members = r->members.count;
            before = r->before.count;
            after = r->after.count;
        } else if (members == 0 || !pass_by(r, nests[i])) {
            break;
        }
    }
    if (!is_worth_it(r, members)) {
        put(r, nests, 1);
        return 1;
    }
    put(r, r->before.items, before);
    put(r, r->members.items, members);
    put(r, r->after.items, after);
    r->members.items[0]->relay = members;
    r->members.items[0]->relay_rows = r->rows;
    share_alike(r->members.items, members);
    return taken;
}

/* ---- buffers of the rows that a relay is at ------------------------------------------------------------ */
enum { NOBODY = -1, SEVERAL = -2 }; /* otherwise the number of the relay that alone touches a value */

typedef struct Owners {
    LoopFunction *f;
    const Nest *nest;
    int *owner, *rows, relay, relay_rows;
} Owners;

static void own(Owners *o, const Node *node) {
    int *owner = &o->owner[node->id];
    *owner = o->relay != NOBODY && (*owner == NOBODY || *owner == o->relay) ? o->relay : SEVERAL;
    o->rows[node->id] = o->relay_rows;
}

static void visit_owner(void *context, const Read *read) {
    Owners *o = context;
    const LoopFunction *f = o->f;
    bool main = o->nest->rows_turned && f->buffer[read->node->id] != NULL && f->copy[read->node->id] != NULL;
    if (!main && !nest_reads_column(o->nest, read->node)) /* it reads the copy, as far as is known */
        own(o, read->node);
}

static void find_owners(Owners *o) {
    int relays = 0;
    for (int s = 0; s < o->f->section_count; s++) {
        const Section *section = &o->f->sections[s];
        for (int i = 0, end = 0; i < section->nests.count; i++) {
            const Nest *nest = section->nests.items[i];
            if (nest->relay > 0) {
                end = i + nest->relay;
                relays++;
                o->relay_rows = nest->relay_rows;
            }
            o->nest = nest;
            o->relay = i < end ? relays : NOBODY;
            nest_reads(o->f, nest, visit_owner, o);
            for (int k = 0; k < nest->store_count; k++) own(o, nest->stores[k].node);
        }
    }
}

/* Its layout stays, for so many rows. */
static void hold_rows(LoopFunction *f, Buffer *b, int rows) {
    b->of_relay = true;
    b->of_thread = f->threads;
    if (rows == 1) {
        b->row_stride = 0;
        b->elements = shape_size(b->shape);
    } else {
        for (int a = 0; a < b->shape.rank; a++) b->stride[a] = b->stride[a] / b->dense * rows;
        b->dense = rows;
        b->elements = shape_size(b->shape) * rows;
    }
    b->bytes = (size_t)b->elements * dtype_bytes(b->dtype);
}

static void hold_only_rows(LoopFunction *f) {
    Owners o = {
        .f = f, .owner = arena_array(f->arena, int, f->nodes + 1), .rows = arena_array(f->arena, int, f->nodes + 1)};
    memset(o.owner, NOBODY, sizeof *o.owner * (f->nodes + 1));
    find_owners(&o);
    for (uint32_t id = 0; id < f->nodes; id++) {
        Buffer *main = f->buffer[id], *copy = f->copy[id];
        bool rows_innermost = main != NULL && main->row_stride == 1;
        if (o.owner[id] < 0) continue;
        if (o.rows[id] == 1 && copy != NULL && !rows_innermost)
            hold_rows(f, copy, 1);
        else if (o.rows[id] > 1 && copy == NULL && rows_innermost)
            hold_rows(f, main, o.rows[id]);
    }
}

void make_relays(LoopFunction *f) {
    Relays r = {.f = f};
    for (int s = 0; s < f->section_count; s++) {
        Section *section = r.section = &f->sections[s], old = *section;
        section->nests.items = NULL;
        section->nests.count = section->nests.capacity = 0;
        for (int i = 0; i < old.nests.count;) i += make_relay(&r, old.nests.items + i, old.nests.count - i);
        for (int i = 0; i < section->nests.count; i++) section->nests.items[i]->id = i;
    }
    hold_only_rows(f);
}
