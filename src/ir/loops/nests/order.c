/* order: in which order the nests of a section run.
 *
 * Nests come in the order in which their values were named: forward, then the gradients of activations, then those
 * of parameters, then updates. Run like that, every activation would live until the end. So whenever a nest is
 * ready that frees more than it needs (the last reader of what it reads), it runs now, the one that frees most
 * first; else the next in the old order does. What a nest must wait for is given: values it reads, and other
 * readers of a cell that it updates in place.
 */
#include "ir/loops/nests/nests.h"
#include <string.h>

typedef Vector(uint32_t) NodeIds;
typedef Vector(int) NestList;
typedef struct Ordering {
    NestFunction *f;
    Section *section;
    const NestNeeds *needs;
    int *waits;              /* by nest: for how many others */
    int *readers, *provider; /* by node: nests that still read it; who stores it, -1 */
    NodeIds *reads;          /* by nest: nodes of this section, each once */
    NestList *followers;
    int nest;
} Ordering;

/* What is kept for later sections is not freed here. */
static bool is_freed_here(const NestFunction *f, const Node *node) { return f->one_block || node->rows != 0; }

static double bytes_of(const NestFunction *f, const Node *node) {
    return (double)shape_size(node->shape) * (double)dtype_bytes(node->dtype) *
           (node->rows != 0 ? (double)f->block : 1);
}

static void visit_read(void *context, const Read *read) {
    Ordering *o = context;
    uint32_t id = read->node->id;
    if (!node_is_stored(o->f, read->node) || o->provider[id] < 0 || o->provider[id] == o->nest ||
        !is_freed_here(o->f, read->node))
        return;
    for (int i = 0; i < o->reads[o->nest].count; i++)
        if (o->reads[o->nest].items[i] == id) return;
    vector_push(o->f->arena, &o->reads[o->nest], id);
    o->readers[id]++;
}

static void find_reads(Ordering *o) {
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < o->section->nests.count; i++) {
            const Nest *nest = o->section->nests.items[i];
            o->nest = i;
            for (int s = 0; s < nest->store_count && pass == 0; s++)
                if (nest->stores[s].kind == STORE_ARRAY) o->provider[nest->stores[s].node->id] = i;
            if (pass == 1) nest_reads(o->f, nest, visit_read, o);
        }
}

static double gain_of(const Ordering *o, Node *const *node, int nest) {
    double gain = 0;
    const Nest *n = o->section->nests.items[nest];
    for (int i = 0; i < o->reads[nest].count; i++)
        if (o->readers[o->reads[nest].items[i]] == 1) gain += bytes_of(o->f, node[o->reads[nest].items[i]]);
    for (int s = 0; s < n->store_count; s++)
        if (n->stores[s].kind == STORE_ARRAY && o->readers[n->stores[s].node->id] > 0)
            gain -= bytes_of(o->f, n->stores[s].node);
    return gain;
}

/* The ready nest that frees most, or else the first one. */
static int best_nest(const Ordering *o, Node *const *node, const bool *done) {
    int best = -1;
    double most = 0;
    for (int i = 0; i < o->section->nests.count; i++) {
        if (done[i] || o->waits[i] > 0) continue;
        double gain = gain_of(o, node, i);
        if (best < 0 || gain > most) {
            best = i;
            most = gain > 0 ? gain : 0;
        }
    }
    return best;
}

bool next_nest(const NestFunction *f, NestCursor *at) {
    while (at->section < f->section_count && at->next == f->sections[at->section].nests.count) {
        at->section++;
        at->next = 0;
    }
    if (at->section == f->section_count) return false;
    at->nest = f->sections[at->section].nests.items[at->next++];
    return true;
}

void order_nests(NestFunction *f, Section *section, const NestNeeds *needs, Node *const *node) {
    int count = section->nests.count;
    size_t n = (size_t)count + 1;
    Ordering o = {.f = f,
                  .section = section,
                  .needs = needs,
                  .waits = arena_array(f->arena, int, n),
                  .readers = arena_array(f->arena, int, f->nodes + 1),
                  .provider = arena_array(f->arena, int, f->nodes + 1)};
    o.reads = arena_array(f->arena, NodeIds, n);
    o.followers = arena_array(f->arena, NestList, n);
    memset(o.provider, -1, sizeof *o.provider * (f->nodes + 1));
    find_reads(&o);
    for (int i = 0; i < count; i++)
        for (int d = 0; d < needs[i].count; d++) {
            vector_push(f->arena, &o.followers[needs[i].items[d]], i);
            o.waits[i]++;
        }
    Nest **ordered = arena_array(f->arena, Nest *, n);
    bool *done = arena_array(f->arena, bool, n);
    for (int placed = 0; placed < count; placed++) {
        int nest = best_nest(&o, node, done);
        if (nest < 0) INTERNAL_ERROR("the nests of %s depend on each other in a circle", f->function->name);
        done[nest] = true;
        ordered[placed] = section->nests.items[nest];
        for (int i = 0; i < o.followers[nest].count; i++) o.waits[o.followers[nest].items[i]]--;
        for (int i = 0; i < o.reads[nest].count; i++) o.readers[o.reads[nest].items[i]]--;
    }
    for (int i = 0; i < count; i++) ordered[i]->id = i;
    section->nests.items = ordered;
    section->nests.capacity = count + 1;
}
