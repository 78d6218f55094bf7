/* fuse: which nodes are stored, which nest stores them, and in which order nests run.
 *
 * A node that is not stored is computed where it is used, as part of its users' bodies. Reductions, scatters (but not those
 * of one term a target, which are choices) and concatenations always are stored; anything else only if computing it again
 * at each use would cost more. Stored nodes and roots then become nests, each merged where it can be into a nest over the
 * same space that it depends on directly (the epilogue of a kernel) or that came before.
 *
 * When a mini-batch may have more rows than a block, values that need a complete sum over the batch belong to
 * a later sweep than the sum: `sweep_of` counts the sums over rows below a node. Rows are recomputed in each
 * sweep that needs them.
 *
 * A cell is updated in place by the nest that computes its new value, after every other nest that reads the
 * old one. Where no order allows that, the new value is stored beside it and copied when everything else is
 * done.
 */
#include "ir/affine.h"
#include "ir/loops/code_limits.h"
#include "ir/loops/nests/nests.h"
#include "ir/function.h"
#include <string.h>

/* In operations. Of any processor with vectors: it does two operations or loads in a cycle, and one store. */
static const double storing_and_loading = 3;

typedef struct Fuse {
    NestFunction *f;
    Node **node;           /* by id; NULL: not in this function */
    int *sweep_of, sweeps; /* sweep after whose end ... (0: needs no batch sum); the last */
    double *cost, *evaluations;
    int *depth, *sink;
    bool *forced;      /* by id: what a scan reads or carries on */
    bool *copied_late; /* by root: the new value is stored beside the cell */
    /* of the section being built */
    Section *section;
    int *provider;           /* by id: nest, -1 */
    Vector(NestNeeds) needs; /* by nest */
    Vector(int) mark;        /* by nest: the stamp of when it was seen */
    int stamp;
    Vector(int) open; /* nests to be looked at */
} Fuse;

/* ---- nodes of the function ---------------------------------------------------------------- */
static bool sums_rows(const Node *node) {
    if (node->op == OP_SCATTER_ADD) return node->attr.over_rows;
    return op_class(node->op) == OP_CLASS_REDUCE && node->attr.contraction->over_rows;
}

static bool always_stored(const Node *node) {
    return op_emission(node->op) == EMISSION_LOOPS || (node->op == OP_SCATTER_ADD && !scatters_one(node));
}

/* A column read in place, and a view that never leaves its source, cost nothing. */
static double own_cost(const Fuse *u, const Node *node) {
    bool is_free = (node->op == OP_COLUMN && u->f->block == 1) ||
                   (node->op == OP_VIEW && access_is_inside(&node->attr.contraction->access[0], node->shape.extent,
                                                            node->shape.rank, node->source[0]->shape));
    return is_free ? 0 : op_cost(node->op);
}

static int64_t reduced_terms(const Node *node) {
    int64_t terms = 1;
    if (node->op != OP_SCATTER_ADD)
        for (int k = 0; k < node->attr.contraction->reduced; k++) terms *= node->attr.contraction->extent[k];
    return terms;
}

static void add_evaluations(Fuse *u, const Node *of, double count, int sink) {
    uint32_t id = of->id;
    if (u->sink[id] == sink && u->evaluations[id] > 0) {
        if (count > u->evaluations[id]) u->evaluations[id] = count;
        return;
    }
    u->sink[id] = sink;
    u->evaluations[id] += count;
}

/* What computing it again costs, if what it only moves or repeats is stored instead. */
static double cost_again(const Fuse *u, const Node *node) {
    bool moves = node->op == OP_VIEW || node->op == OP_RESHAPE || node->op == OP_STOP_GRADIENT;
    bool all = moves && shape_size(node->source[0]->shape) <= shape_size(node->shape);
    return all ? own_cost(u, node) : u->cost[node->id];
}

static void choose_stored(Fuse *u) {
    NestFunction *f = u->f;
    for (uint32_t id = 0; id < f->nodes; id++) {
        Node *node = u->node[id];
        if (node == NULL) continue;
        u->cost[id] = own_cost(u, node);
        for (int s = 0; s < node->sources; s++)
            if (!always_stored(node->source[s])) u->cost[id] += u->cost[node->source[s]->id];
        if (u->cost[id] > 1e6) u->cost[id] = 1e6;
    }
    for (int r = 0; r < f->function->root_count; r++) {
        Node *node = f->function->roots[r].node;
        add_evaluations(u, node, (double)shape_size(node->shape), (int)node->id);
    }
    for (int r = 0; r < f->function->root_count; r++)
        if (f->function->roots[r].kind == ROOT_NEXT) u->forced[f->function->roots[r].node->id] = true;
    for (uint32_t id = f->nodes; id-- > 0;) {
        Node *node = u->node[id];
        if (node == NULL) continue;
        double size = (double)shape_size(node->shape), count = u->evaluations[id];
        bool again = (count / (size > 0 ? size : 1) - 1) * cost_again(u, node) > storing_and_loading;
        bool is_leaf = node->sources == 0 && node->op != OP_COLUMN && node->op != OP_RANDOM;
        for (int s = 0; node->op == OP_STACK && s < node->sources; s++) u->forced[node->source[s]->id] = true;
        f->stored[id] = always_stored(node) || (u->forced[id] && !is_leaf) ||
                        (again && node->sources + (node->op == OP_COLUMN) > 0) || (again && node->op == OP_RANDOM);
        if (f->stored[id]) count = size;
        if (op_class(node->op) == OP_CLASS_REDUCE) count = size * (double)reduced_terms(node);
        if (node->op == OP_SCATTER_ADD && !scatters_one(node)) count = (double)shape_size(node->source[0]->shape);
        bool element = op_class(node->op) == OP_CLASS_ELEMENT;
        for (int s = 0; s < node->sources; s++)
            add_evaluations(u, node->source[s],
                            node->op == OP_CONCAT ? (double)shape_size(node->source[s]->shape) : count,
                            element && !f->stored[id] && u->sink[id] >= 0 ? u->sink[id] : (int)id);
    }
    for (uint32_t id = 0; id < f->nodes; id++) { /* what has grown too deep or too costly is stored after all */
        Node *node = u->node[id];
        if (node == NULL || node->sources == 0) continue;
        double cost = own_cost(u, node);
        int depth = 0;
        for (int s = 0; s < node->sources; s++) {
            uint32_t source = node->source[s]->id;
            if (f->stored[source]) continue;
            cost += u->cost[source];
            if (u->depth[source] >= depth) depth = u->depth[source] + 1;
        }
        u->cost[id] = cost;
        u->depth[id] = depth;
        if (depth >= DEEPEST_VALUE || cost > COSTLIEST_VALUE) f->stored[id] = 1;
    }
}

static int find_sweeps(Fuse *u) {
    int last = 0;
    for (uint32_t id = 0; id < u->f->nodes; id++) {
        Node *node = u->node[id];
        if (node == NULL) continue;
        int sweep = 0;
        for (int s = 0; s < node->sources; s++)
            if (u->sweep_of[node->source[s]->id] > sweep) sweep = u->sweep_of[node->source[s]->id];
        if (sums_rows(node)) sweep++;
        u->sweep_of[id] = sweep;
        if (sweep > last) last = sweep;
    }
    return last;
}

/* ---- nests of a section ------------------------------------------------------------------- */
static void need(Fuse *u, int nest, int before) {
    NestNeeds *d = &u->needs.items[nest];
    for (int i = 0; i < d->count; i++)
        if (d->items[i] == before) return;
    vector_push(u->f->arena, d, before);
}

/* Does nest `late` need `early`, directly or not? */
static bool reaches(Fuse *u, int late, int early) {
    u->open.count = 0;
    u->stamp++;
    vector_push(u->f->arena, &u->open, late);
    while (u->open.count > 0) {
        int nest = u->open.items[--u->open.count];
        if (nest == early) return true;
        if (u->mark.items[nest] == u->stamp) continue;
        u->mark.items[nest] = u->stamp;
        const NestNeeds *needs = &u->needs.items[nest];
        for (int i = 0; i < needs->count; i++) vector_push(u->f->arena, &u->open, needs->items[i]);
    }
    return false;
}

static bool can_be_flat(const Fuse *u, Node *node, bool top) {
    if ((!top && node_is_stored(u->f, node)) || views_one(node)) return true;
    Emission emission = op_emission(node->op);
    if (emission != EMISSION_VALUES && emission != EMISSION_SAME) return emission == EMISSION_FLAT;
    for (int s = 0; s < node->sources; s++)
        if (!can_be_flat(u, node->source[s], false)) return false;
    return true;
}

static Nest *nest_new(Fuse *u, NestKind kind, Node *reduce, bool rows, Shape space) {
    Nest *nest = arena_new_of(u->f->arena, Nest);
    *nest = (Nest){.kind = kind, .id = u->section->nests.count, .rows = rows, .space = space, .reduce = reduce};
    vector_push(u->f->arena, &u->section->nests, nest);
    vector_push(u->f->arena, &u->needs, (NestNeeds){0});
    vector_push(u->f->arena, &u->mark, 0);
    return nest;
}

static void nest_store(Fuse *u, Nest *nest, Store store) {
    Store *stores = arena_array(u->f->arena, Store, nest->store_count + 1);
    if (nest->store_count > 0) memcpy(stores, nest->stores, sizeof *stores * (size_t)nest->store_count);
    stores[nest->store_count++] = store;
    nest->stores = stores;
    if (store.kind == STORE_ARRAY) u->provider[store.node->id] = nest->id;
}

typedef struct Dependencies {
    Fuse *fuse;
    Nest *nest;
    bool fits;
    bool uses;
} Dependencies;

/* -1: none, or not yet. */
static int provider_of(const Fuse *u, const Read *read) {
    return node_is_stored(u->f, read->node) ? u->provider[read->node->id] : -1;
}

static void visit_fit(void *context, const Read *read) {
    Dependencies *d = context;
    int provider = provider_of(d->fuse, read);
    if (provider == d->nest->id) {
        d->uses = true;
        if (!read_is_here(d->nest, read)) d->fits = false;
    } else if (provider >= 0 && reaches(d->fuse, provider, d->nest->id)) {
        d->fits = false;
    }
}

static void visit_need(void *context, const Read *read) {
    Dependencies *d = context;
    int provider = provider_of(d->fuse, read);
    if (provider >= 0 && provider != d->nest->id) need(d->fuse, d->nest->id, provider);
}

/* A chain that leaves the registers: its sum is complete only when the sweep is. */
static bool is_carried(const NestFunction *f, const Node *node) {
    if (!sums_rows(node) || node->op == OP_SCATTER_ADD) return false;
    const Contraction *c = node->attr.contraction;
    return !f->one_block || (f->block > 1 && c->chunk > 0 && c->chunk < f->block);
}

static bool same_space(const Nest *nest, Shape shape, bool flat) {
    if (nest->flat) return flat && shape_size(nest->space) == shape_size(shape);
    return shape_equal(nest->space, shape);
}

static double costliest_epilogue(const Node *reduce) {
    return reduce->op == OP_CONTRACT && !sums_rows(reduce) ? COSTLIEST_LOOP : COSTLIEST_EPILOGUE;
}

static bool fits(Fuse *u, Nest *nest, const Store *store, bool rows, bool flat) {
    Node *value = store->value;
    if (nest->rows != rows || nest->kind == NEST_SCATTER || nest->kind == NEST_SCAN ||
        nest->store_count >= MOST_STORES || nest->cost + u->cost[value->id] > COSTLIEST_NEST ||
        !same_space(nest, value->shape, flat))
        return false;
    if (nest->reduce != NULL && is_carried(u->f, nest->reduce)) return false;
    if (nest->reduce != NULL && shape_size(nest->space) >= FEWEST_CHAINS &&
        nest->cost + u->cost[value->id] > costliest_epilogue(nest->reduce))
        return false;
    if (store->kind == STORE_ROWS) return false;
    Dependencies d = {.fuse = u, .nest = nest, .fits = true};
    value_reads(u->f, value, store_provides(store), nest, visit_fit, &d);
    return d.fits;
}

typedef struct Kernels {
    Fuse *fuse;
    int last;
} Kernels;

static void visit_kernel(void *context, const Read *read) {
    Kernels *k = context;
    int provider = provider_of(k->fuse, read);
    if (provider > k->last && k->fuse->section->nests.items[provider]->kind == NEST_REDUCE) k->last = provider;
}

/* The kernel whose result the store takes, however long ago it was placed: a parameter is updated where its
 * gradient is still in registers. Else one of the last nests. NULL: none fits. */
static Nest *nest_for(Fuse *u, const Store *store, bool rows, bool flat) {
    Nest *const *nests = u->section->nests.items;
    Kernels k = {u, -1};
    value_reads(u->f, store->value, store_provides(store), &(Nest){.space = store->value->shape}, visit_kernel, &k);
    if (k.last >= 0 && fits(u, nests[k.last], store, rows, flat)) return nests[k.last];
    for (int i = u->section->nests.count - 1, tried = 0; i >= 0 && tried < TRIED_NESTS; i--, tried++)
        if (fits(u, nests[i], store, rows, flat)) return nests[i];
    return NULL;
}

static void place_store(Fuse *u, Store store, bool rows, bool alone) {
    bool flat = can_be_flat(u, store.value, store_provides(&store)) && store.value == store.node &&
                store.kind != STORE_ROWS && store.value->shape.rank > 1;
    Nest *nest = alone ? NULL : nest_for(u, &store, rows, flat);
    if (nest == NULL) {
        Shape space = store.value->shape;
        if (flat) space = (Shape){.rank = 1, .extent = {shape_size(space)}};
        nest = nest_new(u, NEST_ELEMENTS, NULL, rows, space);
        nest->flat = flat;
    }
    nest_store(u, nest, store);
    nest->cost += u->cost[store.value->id];
    Dependencies d = {.fuse = u, .nest = nest};
    value_reads(u->f, store.value, store_provides(&store), nest, visit_need, &d);
}

/* Does the chain of one pass through the values of the other? */
static bool are_of_one_chain(const Node *largest, const Node *which) {
    if (largest->op != OP_REDUCE_MAX || which->op != OP_ARGMAX || largest->source[0] != which->source[0]) return false;
    const Contraction *a = largest->attr.contraction, *b = which->attr.contraction;
    bool same = !a->over_rows && !b->over_rows && a->lanes == 1 && b->lanes == 1 && a->reduced == b->reduced &&
                a->access[0].rank == b->access[0].rank && shape_equal(largest->shape, which->shape);
    for (int k = 0; same && k < a->reduced; k++) same = a->extent[k] == b->extent[k];
    for (int k = 0; same && k < a->access[0].rank; k++)
        same = axis_map_equal(&a->access[0].axis[k], &b->access[0].axis[k]);
    return same;
}

/* A maximum and its place are found together: the nest of the one that was placed before; NULL: there is none. */
static Nest *join_extreme(Fuse *u, Node *node) {
    if (node->op != OP_REDUCE_MAX && node->op != OP_ARGMAX) return NULL;
    for (int i = 0; i < u->section->nests.count; i++) {
        Nest *nest = u->section->nests.items[i];
        if (nest->kind != NEST_REDUCE || nest->largest != NULL) continue;
        if (are_of_one_chain(nest->reduce, node)) {
            nest->largest = nest->reduce;
            nest->reduce = node;
        } else if (are_of_one_chain(node, nest->reduce)) {
            nest->largest = node;
        } else {
            continue;
        }
        nest_store(u, nest, (Store){.kind = STORE_ARRAY, .value = node, .node = node});
        return nest;
    }
    return NULL;
}

/* With all of its stacks. */
static void place_scan(Fuse *u, Node *node) {
    if (u->provider[node->id] >= 0) return;
    const ScanPart *part = part_of_stack(u->f->parts, node);
    Nest *nest = nest_new(u, NEST_SCAN, NULL, node->rows != 0, node->shape);
    nest->scan = part;
    for (int i = 0; i < part->stacks; i++)
        nest_store(u, nest, (Store){.kind = STORE_ARRAY, .value = part->stack[i], .node = part->stack[i]});
    Dependencies d = {.fuse = u, .nest = nest};
    nest_reads(u->f, nest, visit_need, &d);
}

static void place_node(Fuse *u, Node *node) {
    if (node->op == OP_STACK) {
        place_scan(u, node);
        return;
    }
    if (node->op == OP_CONCAT) {
        int64_t begin = 0;
        int first = u->section->nests.count;
        for (int s = 0; s < node->sources; s++) {
            Node *part = node->source[s];
            Nest *nest = nest_new(u, NEST_ELEMENTS, NULL, node->rows != 0, part->shape);
            nest_store(u, nest,
                       (Store){.kind = STORE_ARRAY,
                               .value = part,
                               .node = node,
                               .offset = begin * row_major_stride(node->shape, (int)node->attr.index)});
            begin += part->shape.extent[node->attr.index];
            Dependencies d = {.fuse = u, .nest = nest};
            u->provider[node->id] = -1;
            value_reads(u->f, part, false, nest, visit_need, &d);
            if (s > 0) need(u, nest->id, nest->id - 1); /* the last part stands for the whole */
        }
        u->provider[node->id] = u->section->nests.count > first ? u->section->nests.count - 1 : -1;
        return;
    }
    if (!always_stored(node)) {
        place_store(u, (Store){.kind = STORE_ARRAY, .value = node, .node = node}, node->rows != 0, false);
        return;
    }
    Nest *nest = join_extreme(u, node);
    if (nest != NULL) return;
    nest = nest_new(u, node->op == OP_SCATTER_ADD ? NEST_SCATTER : NEST_REDUCE, node, node->rows != 0, node->shape);
    nest->carried = is_carried(u->f, node);
    nest_store(u, nest, (Store){.kind = STORE_ARRAY, .value = node, .node = node});
    Dependencies d = {.fuse = u, .nest = nest};
    nest_reads(u->f, nest, visit_need, &d);
}

/* The nest that stores the new value of a cell in an array; NULL: none, or it cannot store it in the cell as well. */
static Nest *maker_of(const Fuse *u, const Root *root) {
    if (root->kind != ROOT_UPDATE || !node_is_stored(u->f, root->node) || u->provider[root->node->id] < 0) return NULL;
    Nest *nest = u->section->nests.items[u->provider[root->node->id]];
    bool whole = nest->kind != NEST_SCATTER && nest->kind != NEST_SCAN && !nest->carried && root->node->op != OP_CONCAT;
    return whole && nest->store_count < MOST_STORES ? nest : NULL;
}

static void place_root(Fuse *u, int index) {
    static const StoreKind kind_of[] = {[ROOT_SUM] = STORE_SUM,
                                        [ROOT_UPDATE] = STORE_CELL,
                                        [ROOT_ROWS] = STORE_ROWS,
                                        [ROOT_VALUE] = STORE_VALUE,
                                        [ROOT_ELEMENT] = STORE_ELEMENT};
    const Root *root = &u->f->function->roots[index];
    if (root->kind == ROOT_NEXT) return; /* it is stored, or lies in an array */
    Store store = {.kind = kind_of[root->kind], .value = root->node, .node = root->node, .index = root->index};
    if (root->kind == ROOT_ELEMENT) {
        store.node = u->f->part->stack[root->index];
        place_store(u, store, root->node->rows != 0, false);
        return;
    }
    Nest *maker = u->copied_late[index] ? NULL : maker_of(u, root);
    if (maker != NULL)
        nest_store(u, maker, store);
    else
        place_store(u, store, root->kind == ROOT_ROWS, u->copied_late[index]);
}

/* ---- updates in place --------------------------------------------------------------------------- */
typedef struct CellReader {
    int nest;
    bool elsewhere;
} CellReader; /* elsewhere: not only where it is */
typedef Vector(CellReader) CellReaders;
typedef struct CellReads {
    Fuse *fuse;
    CellReaders *of_cell;
    int nest;
} CellReads;

static void visit_cell(void *context, const Read *read) {
    CellReads *c = context;
    if (read->node->op != OP_CELL) return;
    CellReaders *readers = &c->of_cell[read->node->attr.index];
    bool elsewhere = !read_is_here(c->fuse->section->nests.items[c->nest], read);
    if (readers->count > 0 && readers->items[readers->count - 1].nest == c->nest)
        readers->items[readers->count - 1].elsewhere |= elsewhere;
    else
        vector_push(c->fuse->f->arena, readers, ((CellReader){c->nest, elsewhere}));
}

static CellReaders *find_cell_readers(Fuse *u) {
    CellReads c = {.fuse = u, .of_cell = arena_array(u->f->arena, CellReaders, u->f->run->cell_count + 1)};
    for (; c.nest < u->section->nests.count; c.nest++)
        nest_reads(u->f, u->section->nests.items[c.nest], visit_cell, &c);
    return c.of_cell;
}

/* The new value of the cell is stored beside it. False if that was known. */
static bool copy_late(Fuse *u, int cell) {
    bool news = false;
    for (int r = 0; r < u->f->function->root_count; r++) {
        const Root *root = &u->f->function->roots[r];
        if (root->kind != ROOT_UPDATE || root->index != cell || u->copied_late[r]) continue;
        u->copied_late[r] = true;
        if (!node_is_memory(root->node)) u->f->stored[root->node->id] = 1;
        news = true;
    }
    return news;
}

/* Makes every other reader of an updated cell come before its writer. False (and the root is marked) if a
 * cell cannot be updated in place. */
static bool order_updates(Fuse *u) {
    bool possible = true;
    const Section *section = u->section;
    const CellReaders *of_cell = find_cell_readers(u);
    for (int i = 0; i < section->nests.count; i++) {
        const Nest *writer = section->nests.items[i];
        for (int s = 0; s < writer->store_count; s++) {
            if (writer->stores[s].kind != STORE_CELL) continue;
            const CellReaders *readers = &of_cell[writer->stores[s].index];
            bool in_place = true;
            for (int k = 0; k < readers->count; k++) {
                int j = readers->items[k].nest;
                if (j == i ? readers->items[k].elsewhere : reaches(u, j, i))
                    in_place = false;
                else if (j != i)
                    need(u, i, j);
            }
            if (!in_place && copy_late(u, writer->stores[s].index)) possible = false;
        }
    }
    return possible;
}

/* ---- sections ------------------------------------------------------------------------------ */
static void mark_needed(Fuse *u, Node *from, bool *needed) {
    Vector(Node *) open = {0};
    vector_push(u->f->arena, &open, from);
    while (open.count > 0) {
        Node *node = open.items[--open.count];
        if (node->rows == 0 || needed[node->id]) continue;
        needed[node->id] = true;
        for (int s = 0; s < node->sources; s++) vector_push(u->f->arena, &open, node->source[s]);
    }
}

/* Cells are updated in the last section, whatever the new value needs: sweeps before it read the old one. */
static bool root_is_in(const Fuse *u, const Root *root, int sweep, bool inside) {
    int at = root->kind == ROOT_UPDATE ? u->sweeps : u->sweep_of[root->node->id];
    return u->f->one_block || ((root->kind == ROOT_ROWS) == inside && at == sweep);
}

static void fill_section(Fuse *u, Section *section, int sweep, bool inside) {
    NestFunction *f = u->f;
    bool *needed = arena_array(f->arena, bool, f->nodes + 1);
    for (uint32_t id = 0; id < f->nodes; id++) {
        Node *node = u->node[id];
        if (node == NULL) continue;
        if (f->one_block)
            needed[id] = true;
        else if (inside && sums_rows(node) && u->sweep_of[id] == sweep + 1) {
            for (int s = 0; s < node->sources; s++) mark_needed(u, node->source[s], needed);
            needed[id] = true;
        } else if (!inside && node->rows == 0 && !sums_rows(node) && u->sweep_of[id] == sweep)
            needed[id] = true;
    }
    for (int r = 0; r < f->function->root_count && inside && !f->one_block; r++)
        if (root_is_in(u, &f->function->roots[r], sweep, inside)) mark_needed(u, f->function->roots[r].node, needed);
    u->section = section;
    for (bool again = true; again;) {
        *section = (Section){.inside = inside};
        u->needs.count = u->mark.count = 0;
        for (uint32_t id = 0; id < f->nodes; id++) u->provider[id] = -1;
        for (uint32_t id = 0; id < f->nodes; id++)
            if (needed[id] && f->stored[id]) place_node(u, u->node[id]);
        for (int late = 0; late <= 1; late++)
            for (int r = 0; r < f->function->root_count; r++)
                if (root_is_in(u, &f->function->roots[r], sweep, inside) && u->copied_late[r] == (late == 1))
                    place_root(u, r);
        again = !order_updates(u);
    }
    order_nests(f, section, u->needs.items, u->node);
}

void fuse_function(NestFunction *f) {
    Fuse u = {.f = f, .node = function_nodes_by_id(f->arena, f->function, &f->nodes)};
    size_t nodes = f->nodes + 1;
    f->stored = arena_array(f->arena, uint8_t, nodes);
    u.sweep_of = arena_array(f->arena, int, nodes);
    u.cost = arena_array(f->arena, double, nodes);
    u.evaluations = arena_array(f->arena, double, nodes);
    u.depth = arena_array(f->arena, int, nodes);
    u.sink = arena_array(f->arena, int, nodes);
    u.provider = arena_array(f->arena, int, nodes);
    u.copied_late = arena_array(f->arena, bool, f->function->root_count + 1);
    u.forced = arena_array(f->arena, bool, nodes);
    memset(u.sink, -1, sizeof *u.sink * nodes);
    choose_stored(&u);
    u.sweeps = find_sweeps(&u);
    bool rows = false;
    for (uint32_t id = 0; id < f->nodes; id++)
        rows |= u.node[id] != NULL && (u.node[id]->rows != 0 || sums_rows(u.node[id]));
    for (int r = 0; r < f->function->root_count; r++) rows |= f->function->roots[r].kind == ROOT_ROWS;
    if (f->one_block || !rows) {
        f->one_block = true;
        f->section_count = 1;
        f->sections = arena_array(f->arena, Section, 1);
        fill_section(&u, &f->sections[0], 0, rows);
        return;
    }
    f->section_count = 2 * (u.sweeps + 1);
    f->sections = arena_array(f->arena, Section, f->section_count);
    for (int s = 0; s <= u.sweeps; s++) {
        fill_section(&u, &f->sections[2 * s], s, false);
        fill_section(&u, &f->sections[2 * s + 1], s, true);
    }
}
