/* graph: nodes, made once. Every constructor ends in graph_node, the one door: it folds (fold.c), infers
 * rows, looks the node up and only then makes it, so two spellings of one node are one node.
 *
 * The table is open addressing over node pointers, grown at two thirds. Contractions are compared by content
 * and copied into the arena only with a new node. Walks over graphs keep their own stack: a graph may be as
 * deep as it is large.
 */
#include "ir/graph.h"

#include <string.h>

#include "ir/affine.h"
#include "ir/fold.h"
#include "ir/scan.h"

Graph *graph_new(Arena *arena, Diagnostics *diagnostics) {
    Graph *g = arena_new_of(arena, Graph);
    g->arena = arena;
    g->diagnostics = diagnostics;
    g->table_size = 256;
    g->table = arena_array(arena, Node *, g->table_size);
    return g;
}

/* ---- hash-consing ------------------------------------------------------------------------ */
static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 29);
}

static uint64_t value_bits(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return value != value ? 0x7ff8000000000000u : bits;
}

static uint64_t hash_contraction(uint64_t hash, const Contraction *c, int sources, int axes) {
    hash = mix(hash, (uint64_t)c->reduced << 32 | (uint64_t)c->over_rows << 16 | (uint64_t)c->lanes);
    hash = mix(hash, (uint64_t)c->chunk);
    for (int k = 0; k < c->reduced; k++) hash = mix(hash, (uint64_t)c->extent[k]);
    for (int s = 0; s < sources; s++) {
        for (int a = 0; a < c->access[s].rank; a++) {
            const AxisMap *map = &c->access[s].axis[a];
            hash = mix(mix(hash, (uint64_t)map->offset), (uint64_t)map->divisor);
            for (int k = 0; k < axes; k++) hash = mix(hash, (uint64_t)map->coef[k]);
        }
    }
    return hash;
}

static uint64_t hash_node(const Node *n) {
    uint64_t hash = mix((uint64_t)n->op << 16 | (uint64_t)n->dtype << 8 | n->rows, (uint64_t)n->shape.rank);
    for (int a = 0; a < n->shape.rank; a++) hash = mix(hash, (uint64_t)n->shape.extent[a]);
    for (int s = 0; s < n->sources; s++) hash = mix(hash, n->source[s]->id);
    hash = mix(mix(hash, value_bits(n->attr.value)), (uint64_t)n->attr.index);
    hash = mix(mix(hash, n->attr.random.site), n->attr.random.seed);
    hash = mix(hash, (uint64_t)n->attr.counter << 8 | (uint64_t)n->attr.random.key << 4 | n->attr.over_rows);
    hash = mix(hash, (uint64_t)(n->attr.scan ? n->attr.scan->number + 1 : 0) << 8 | n->attr.rows);
    const Contraction *c = n->attr.contraction;
    return c ? hash_contraction(hash, c, n->sources, n->shape.rank + c->reduced) : hash;
}

static bool access_equal(const Access *a, const Access *b) {
    return a->rank == b->rank && memcmp(a->axis, b->axis, sizeof(AxisMap) * (size_t)a->rank) == 0;
}

static bool contraction_equal(const Contraction *a, const Contraction *b, int sources) {
    if (!a || !b) return a == b;
    if (a->reduced != b->reduced || a->over_rows != b->over_rows || a->lanes != b->lanes || a->chunk != b->chunk)
        return false;
    if (memcmp(a->extent, b->extent, sizeof a->extent[0] * (size_t)a->reduced)) return false;
    for (int s = 0; s < sources; s++) {
        if (!access_equal(&a->access[s], &b->access[s])) return false;
    }
    return true;
}

static bool attr_equal(const Attr *a, const Attr *b, int sources) {
    return value_bits(a->value) == value_bits(b->value) && a->index == b->index && a->counter == b->counter &&
           a->random.key == b->random.key && a->random.site == b->random.site && a->random.seed == b->random.seed &&
           a->over_rows == b->over_rows && a->rows == b->rows && a->scan == b->scan &&
           contraction_equal(a->contraction, b->contraction, sources);
}

static bool node_equal(const Node *a, const Node *b) {
    return a->op == b->op && a->dtype == b->dtype && a->rows == b->rows && a->sources == b->sources &&
           shape_equal(a->shape, b->shape) &&
           (a->sources == 0 || memcmp(a->source, b->source, sizeof *a->source * (size_t)a->sources) == 0) &&
           attr_equal(&a->attr, &b->attr, a->sources);
}

static void table_grow(Graph *g) {
    Node **old = g->table;
    uint32_t old_size = g->table_size;
    g->table_size *= 2;
    g->table = arena_array(g->arena, Node *, g->table_size);
    for (uint32_t i = 0; i < old_size; i++) {
        if (!old[i]) continue;
        uint32_t at = (uint32_t)hash_node(old[i]) & (g->table_size - 1);
        while (g->table[at]) at = (at + 1) & (g->table_size - 1);
        g->table[at] = old[i];
    }
}

/* The node equal to `wanted`, made if there is none yet. */
static Node *node_intern(Graph *g, const Node *wanted) {
    if (g->table_used >= g->table_size / 3 * 2) table_grow(g);
    uint32_t at = (uint32_t)hash_node(wanted) & (g->table_size - 1);
    for (; g->table[at]; at = (at + 1) & (g->table_size - 1)) {
        if (node_equal(g->table[at], wanted)) return g->table[at];
    }
    const char *problem = infer_problem(wanted);
    if (problem) INTERNAL_ERROR("%s: %s", op_text(wanted->op), problem);
    Node *node = arena_copy(g->arena, wanted, sizeof *wanted);
    node->row_axes = infer_row_axes(node);
    node->source = arena_copy(g->arena, wanted->source, sizeof *wanted->source * (size_t)wanted->sources);
    if (wanted->attr.contraction)
        node->attr.contraction = arena_copy(g->arena, wanted->attr.contraction, sizeof *wanted->attr.contraction);
    node->scans = scans_of(g->arena, wanted);
    node->span = g->span;
    node->backward = g->backward;
    node->id = g->next_id++;
    g->table[at] = node;
    g->table_used++;
    return node;
}

Node *graph_node(Graph *g, Op op, DType dtype, Shape shape, Node *const *source, int sources, Attr attr) {
    Node wanted = {.op = op,
                   .dtype = dtype,
                   .shape = shape,
                   .sources = sources,
                   .source = (Node **)source,
                   .attr = attr,
                   .rows = infer_rows(op, &attr, source, sources)};
    Node *folded = fold_node(g, &wanted);
    if (!folded) folded = scan_hoisted(g, &wanted);
    return folded ? folded : node_intern(g, &wanted);
}

/* ---- leaves -------------------------------------------------------------------------------- */
Node *graph_const(Graph *g, DType t, Shape shape, double value) {
    Attr attr = {.value = fold_round(t, value)};
    return graph_node(g, OP_CONST, t, shape, NULL, 0, attr);
}

Node *graph_leaf(Graph *g, Op op, DType t, Shape shape, int64_t index) {
    return graph_node(g, op, t, shape, NULL, 0, (Attr){.index = index});
}

const char *counter_text(Arena *arena, Counter which) {
    static const char *const texts[] = {"step", "epoch", "progress"};
    return which < COUNTER_SET ? texts[which] : text_format(arena, "rows_of_set_%d", (int)(which - COUNTER_SET));
}

Node *graph_counter(Graph *g, Counter which, DType t) {
    return graph_node(g, OP_COUNTER, t, (Shape){0}, NULL, 0, (Attr){.counter = which});
}

Node *graph_rows_reciprocal(Graph *g, DType t) {
    return graph_node(g, OP_ROWS_RECIPROCAL, t, (Shape){0}, NULL, 0, (Attr){0});
}

Node *graph_place(Graph *g) { return graph_node(g, OP_PLACE, DTYPE_I32, (Shape){0}, NULL, 0, (Attr){0}); }

Node *graph_random(Graph *g, DType t, Shape shape, Random random) {
    return graph_node(g, OP_RANDOM, t, shape, NULL, 0, (Attr){.random = random});
}

Node *graph_leaf_with_rows(Graph *g, Node *leaf, uint8_t rows) {
    Node wanted = *leaf;
    wanted.rows = rows;
    return node_intern(g, &wanted);
}

/* ---- element by element -------------------------------------------------------------------- */
Node *graph_unary(Graph *g, Op op, Node *x) { return graph_node(g, op, x->dtype, x->shape, &x, 1, (Attr){0}); }

Node *graph_powi(Graph *g, Node *x, int64_t n) {
    return graph_node(g, OP_POWI, x->dtype, x->shape, &x, 1, (Attr){.index = n});
}

Node *graph_polygamma(Graph *g, int64_t n, Node *x) {
    return graph_node(g, OP_POLYGAMMA, x->dtype, x->shape, &x, 1, (Attr){.index = n});
}

Node *graph_cast(Graph *g, Node *x, DType t) { return graph_node(g, OP_CAST, t, x->shape, &x, 1, (Attr){0}); }

Node *graph_variable(Graph *g, Node *x, int64_t number) {
    return graph_node(g, OP_VARIABLE, x->dtype, x->shape, &x, 1, (Attr){.index = number});
}

Node *graph_binary(Graph *g, Op op, Node *a, Node *b) {
    Node *source[] = {a, b};
    bool truth = op == OP_EQ || op == OP_NE || op == OP_LT || op == OP_LE;
    return graph_node(g, op, truth ? DTYPE_BOOL : a->dtype, a->shape, source, 2, (Attr){0});
}

Node *graph_where(Graph *g, Node *c, Node *a, Node *b) {
    Node *source[] = {c, a, b};
    return graph_node(g, OP_WHERE, a->dtype, a->shape, source, 3, (Attr){0});
}

/* ---- movement ------------------------------------------------------------------------------ */
Node *graph_view(Graph *g, Node *x, Shape shape, const Access *access) {
    Contraction c = {.access[0] = *access};
    for (int a = 0; a < access->rank; a++) axis_map_normalise(&c.access[0].axis[a], shape.extent, shape.rank);
    return graph_node(g, OP_VIEW, x->dtype, shape, &x, 1, (Attr){.contraction = &c});
}

Node *graph_expand(Graph *g, Node *x, Shape shape, const int *axis_of_source) {
    Access access = {.rank = x->shape.rank};
    for (int a = 0; a < access.rank; a++) access.axis[a] = axis_map_index(axis_of_source[a]);
    return graph_view(g, x, shape, &access);
}

Node *graph_permute(Graph *g, Node *x, const int *source_axis) {
    Access access = {.rank = x->shape.rank};
    Shape shape = {.rank = x->shape.rank};
    for (int a = 0; a < shape.rank; a++) {
        access.axis[source_axis[a]] = axis_map_index(a);
        shape.extent[a] = x->shape.extent[source_axis[a]];
    }
    return graph_view(g, x, shape, &access);
}

Node *graph_slice(Graph *g, Node *x, int axis, int64_t begin, int64_t end) {
    Access access = {.rank = x->shape.rank};
    Shape shape = x->shape;
    for (int a = 0; a < access.rank; a++) access.axis[a] = axis_map_index(a);
    access.axis[axis].offset = begin;
    shape.extent[axis] = end - begin;
    return graph_view(g, x, shape, &access);
}

Node *graph_pad(Graph *g, Node *x, const int64_t *before, const int64_t *after) {
    Access access = {.rank = x->shape.rank};
    Shape shape = x->shape;
    for (int a = 0; a < access.rank; a++) {
        access.axis[a] = axis_map_index(a);
        access.axis[a].offset = -before[a];
        shape.extent[a] += before[a] + after[a];
    }
    return graph_view(g, x, shape, &access);
}

/* Whether the shapes differ in axes of extent 1 only. */
static bool differ_in_units(Shape a, Shape b) {
    int j = 0;
    for (int i = 0; i < a.rank; i++) {
        if (a.extent[i] == 1) continue;
        while (j < b.rank && b.extent[j] == 1) j++;
        if (j == b.rank || b.extent[j++] != a.extent[i]) return false;
    }
    while (j < b.rank && b.extent[j] == 1) j++;
    return j == b.rank;
}

Node *graph_reshape(Graph *g, Node *x, Shape shape) {
    if (!differ_in_units(x->shape, shape)) return graph_node(g, OP_RESHAPE, x->dtype, shape, &x, 1, (Attr){0});
    Access access = {.rank = x->shape.rank};
    for (int a = 0, to = 0; a < access.rank; a++) {
        access.axis[a] = axis_map_constant(0);
        if (x->shape.extent[a] == 1) continue;
        while (shape.extent[to] == 1) to++;
        access.axis[a] = axis_map_index(to++);
    }
    return graph_view(g, x, shape, &access);
}

Node *graph_concat(Graph *g, Node *const *x, int count, int axis) {
    Shape shape = x[0]->shape;
    for (int i = 1; i < count; i++) shape.extent[axis] += x[i]->shape.extent[axis];
    return graph_node(g, OP_CONCAT, x[0]->dtype, shape, x, count, (Attr){.index = axis});
}

/* ---- reductions and indices ---------------------------------------------------------------- */
Node *graph_contract(Graph *g, Op op, Node *const *x, int count, Shape result, const Contraction *c) {
    Contraction normal = {.reduced = c->reduced, .over_rows = c->over_rows, .lanes = c->lanes, .chunk = c->chunk};
    memcpy(normal.extent, c->extent, sizeof normal.extent[0] * (size_t)c->reduced);
    int64_t extent[MOST_AXES];
    int axes = contraction_space(result, &normal, extent);
    for (int s = 0; s < count; s++) {
        normal.access[s] = c->access[s];
        for (int a = 0; a < normal.access[s].rank; a++) {
            axis_map_normalise(&normal.access[s].axis[a], extent, axes);
        }
    }
    DType dtype = op == OP_ARGMAX ? DTYPE_I32 : x[0]->dtype;
    return graph_node(g, op, dtype, result, x, count, (Attr){.contraction = &normal});
}

Node *graph_reduce(Graph *g, Op op, Node *x, uint32_t axes, bool over_rows) {
    Contraction c = {.over_rows = over_rows};
    Shape result = {0};
    for (int a = 0; a < x->shape.rank; a++) {
        if (!(axes >> a & 1)) result.extent[result.rank++] = x->shape.extent[a];
    }
    c.access[0].rank = x->shape.rank;
    for (int a = 0, kept = 0; a < x->shape.rank; a++) {
        if (axes >> a & 1) {
            c.access[0].axis[a] = axis_map_index(result.rank + c.reduced);
            c.extent[c.reduced++] = x->shape.extent[a];
        } else {
            c.access[0].axis[a] = axis_map_index(kept++);
        }
    }
    return graph_contract(g, op, &x, 1, result, &c);
}

Node *graph_gather(Graph *g, Node *table, Node *index, int shared) {
    Shape shape = index->shape;
    for (int a = shared + 1; a < table->shape.rank; a++) shape.extent[shape.rank++] = table->shape.extent[a];
    Node *source[] = {table, index};
    return graph_node(g, OP_GATHER, table->dtype, shape, source, 2, (Attr){.index = shared});
}

Node *graph_scatter_add(Graph *g, Node *x, Node *index, Shape result, int shared, bool over_rows) {
    Node *source[] = {x, index};
    return graph_node(g, OP_SCATTER_ADD, x->dtype, result, source, 2, (Attr){.index = shared, .over_rows = over_rows});
}

Node *graph_rank(Graph *g, Node *x, Node *weight) {
    Node *source[] = {x, weight};
    return graph_node(g, OP_RANK, x->dtype, x->shape, source, weight ? 2 : 1, (Attr){0});
}

Node *graph_collect(Graph *g, Node *x, int64_t rows) {
    Shape shape = {.rank = x->shape.rank + 1, .extent = {rows}};
    for (int a = 0; a < x->shape.rank; a++) shape.extent[a + 1] = x->shape.extent[a];
    return graph_scatter_add(g, x, graph_place(g), shape, 0, true);
}

Node *graph_row_is_there(Graph *g, int64_t rows) {
    Shape shape = {1, {rows}};
    Node *count = graph_reduce(g, OP_CONTRACT, graph_const(g, DTYPE_I32, (Shape){0}, 1), 0, true);
    return graph_binary(g, OP_LT, graph_leaf(g, OP_IOTA, DTYPE_I32, shape, 0), graph_expand(g, count, shape, NULL));
}

/* ---- walks --------------------------------------------------------------------------------- */
typedef struct NodeVisit {
    Node *node;
    int next;
} NodeVisit;
typedef Vector(NodeVisit) VisitStack;

/* Of the nodes with ids from `first` on. */
static Node **post_order_from(Arena *arena, Node *const *roots, int count, uint32_t first, int *nodes) {
    uint32_t ids = first;
    for (int r = 0; r < count; r++) {
        if (roots[r] && roots[r]->id >= ids) ids = roots[r]->id + 1; /* sources have smaller ids */
    }
    uint8_t *seen = arena_array(arena, uint8_t, ids - first + 1);
    Vector(Node *) order = {0};
    VisitStack stack = {0};
    for (int r = 0; r < count; r++) {
        if (!roots[r] || roots[r]->id < first || seen[roots[r]->id - first]) continue;
        seen[roots[r]->id - first] = 1;
        vector_push(arena, &stack, ((NodeVisit){roots[r], 0}));
        while (stack.count) {
            NodeVisit *top = &stack.items[stack.count - 1];
            if (top->next == top->node->sources) {
                vector_push(arena, &order, top->node);
                stack.count--;
                continue;
            }
            Node *source = top->node->source[top->next++];
            if (source->id < first || seen[source->id - first]) continue;
            seen[source->id - first] = 1;
            vector_push(arena, &stack, ((NodeVisit){source, 0}));
        }
    }
    *nodes = order.count;
    return order.items;
}

Node **graph_post_order(Arena *arena, Node *const *roots, int count, int *nodes) {
    return post_order_from(arena, roots, count, 0, nodes);
}

Node *graph_again(Graph *g, Node *old, Node *const *source) {
    if (old->sources == 0) return old;
    bool same = true;
    for (int s = 0; s < old->sources; s++) same &= source[s] == old->source[s];
    if (same) return old;
    Span span = g->span;
    bool backward = g->backward;
    g->span = old->span;
    g->backward = old->backward;
    Node *node = graph_node(g, old->op, old->dtype, old->shape, source, old->sources, old->attr);
    g->span = span;
    g->backward = backward;
    return node;
}

static void rewrite_from(Graph *g, Node **roots, int count, uint32_t first, NodeChange change, void *context) {
    int nodes, most_sources = 1;
    Node **order = post_order_from(g->arena, roots, count, first, &nodes);
    uint32_t ids = first;
    for (int i = 0; i < nodes; i++) {
        if (order[i]->id >= ids) ids = order[i]->id + 1;
        if (order[i]->sources > most_sources) most_sources = order[i]->sources;
    }
    Node **now = arena_array(g->arena, Node *, ids - first + 1);
    Node **source = arena_array(g->arena, Node *, most_sources);
    Span span = g->span;
    bool backward = g->backward;
    for (int i = 0; i < nodes; i++) {
        for (int s = 0; s < order[i]->sources; s++) {
            Node *old = order[i]->source[s];
            source[s] = old->id < first ? old : now[old->id - first];
        }
        g->span = order[i]->span;
        g->backward = order[i]->backward;
        Node *node = change(g, order[i], source, context);
        if (!node->name) node->name = order[i]->name;
        now[order[i]->id - first] = node;
    }
    g->span = span;
    g->backward = backward;
    for (int r = 0; r < count; r++) {
        if (roots[r] && roots[r]->id >= first) roots[r] = now[roots[r]->id - first];
    }
}

void graph_rewrite(Graph *g, Node **roots, int count, NodeChange change, void *context) {
    rewrite_from(g, roots, count, 0, change, context);
}

static Node *without_variable(Graph *g, Node *old, Node *const *source, void *context) {
    (void)context;
    return old->op == OP_VARIABLE ? source[0] : graph_again(g, old, source);
}

Node *graph_without_variables(Graph *g, Node *root, uint32_t first) {
    rewrite_from(g, &root, 1, first, without_variable, NULL);
    return root;
}
