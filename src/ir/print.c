/* print: graphs as text, for --emit=ir, --dump and golden tests, and as dot.
 *
 * One node a line, numbered from 0 in post-order of the roots, so the text depends on nothing but the graph:
 *
 *     %4: f32[10] rows = contract(%1, %3) [i | q: 784] %1[i, q] %3[q] lanes 16   # net
 *
 * Result axes are i j k l m n o p, reduced axes q r s t u v w x y z ... in their order of k, each with its
 * extent; after them the place every source is read at. A place outside its source is absent. A value the
 * program names ends with that name. */
#include <inttypes.h>
#include <math.h>

#include "ir/affine.h"
#include "ir/graph.h"

static const char *const result_axis[MOST_RANK] = {"i", "j", "k", "l", "m", "n", "o", "p"};
static const char *const reduced_axis[MOST_AXES] = {"q", "r", "s",  "t",  "u",  "v",  "w",  "x",
                                                    "y", "z", "aa", "ab", "ac", "ad", "ae", "af"};

static const char *axis_name(int rank, int k) { return k < rank ? result_axis[k] : reduced_axis[k - rank]; }

static void print_type(Text *to, const Node *n) {
    text_add(to, "%s", dtype_text(n->dtype));
    for (int a = 0; a < n->shape.rank; a++) text_add(to, "%s%" PRId64, a ? ", " : "[", n->shape.extent[a]);
    if (n->shape.rank) text_add(to, "]");
    if (n->rows) text_add(to, n->rows == 1 ? " rows" : " rows %d", n->rows);
}

/* 2*i + q - 1 */
static void print_map(Text *to, const AxisMap *map, int rank) {
    bool any = false, divided = map->divisor != 1;
    if (divided) text_add(to, "(");
    for (int k = 0; k < MOST_AXES; k++) {
        int32_t c = map->coef[k];
        if (!c) continue;
        text_add(to, "%s", any ? (c < 0 ? " - " : " + ") : (c < 0 ? "-" : ""));
        if (c != 1 && c != -1) text_add(to, "%" PRId64 "*", (int64_t)(c < 0 ? -(int64_t)c : c));
        text_add(to, "%s", axis_name(rank, k));
        any = true;
    }
    if (!any)
        text_add(to, "%" PRId64, map->offset);
    else if (map->offset)
        text_add(to, " %c %" PRId64, map->offset < 0 ? '-' : '+', map->offset < 0 ? -map->offset : map->offset);
    if (divided) text_add(to, ")/%" PRId64, map->divisor);
}

static void print_access(Text *to, const Access *access, int rank) {
    text_add(to, "[");
    for (int a = 0; a < access->rank; a++) {
        if (a) text_add(to, ", ");
        print_map(to, &access->axis[a], rank);
    }
    text_add(to, "]");
}

static void print_contraction(Text *to, const Node *n, const uint32_t *number) {
    const Contraction *c = n->attr.contraction;
    text_add(to, " [");
    for (int a = 0; a < n->shape.rank; a++) text_add(to, "%s%s", a ? ", " : "", result_axis[a]);
    if (n->op != OP_VIEW) text_add(to, n->shape.rank ? " |" : "|");
    if (c->over_rows) text_add(to, " rows");
    for (int k = 0; k < c->reduced; k++) {
        text_add(to, "%s%s: %" PRId64, k || c->over_rows ? ", " : " ", reduced_axis[k], c->extent[k]);
    }
    text_add(to, "]");
    for (int s = 0; s < n->sources; s++) {
        text_add(to, " %%%" PRIu32, number[n->source[s]->id]);
        print_access(to, &c->access[s], n->shape.rank);
    }
    if (c->lanes) text_add(to, " lanes %d", c->lanes);
    if (c->chunk) text_add(to, " chunk %" PRId64, c->chunk);
}

static void print_value(Text *to, const Node *n) {
    if (n->dtype == DTYPE_BOOL)
        text_add(to, n->attr.value != 0 ? " true" : " false");
    else
        text_add(to, " %s", text_number(to->arena, n->attr.value, n->dtype == DTYPE_F32));
}

/* over scan 2, 16 elements down */
static void print_scan(Text *to, const Node *n) {
    const ScanLoop *scan = n->attr.scan;
    text_add(to, " %s scan %" PRIu32, n->op == OP_STACK ? "over" : "of", scan->number);
    if (n->op == OP_STACK) text_add(to, ", %" PRId64 " elements%s", scan->extent, scan->descending ? " down" : "");
    if (n->op == OP_CARRIED) text_add(to, " number %" PRId64, n->attr.index);
}

static void print_attributes(Text *to, const Node *n) {
    static const char *const keys[] = {"step", "initial", "data"};
    switch (op_attribute(n->op)) {
    case ATTRIBUTE_NONE:
    case ATTRIBUTE_MAPS: break; /* print_contraction */
    case ATTRIBUTE_VALUE: print_value(to, n); break;
    case ATTRIBUTE_COUNTER: text_add(to, " %s", counter_text(to->arena, n->attr.counter)); break;
    case ATTRIBUTE_RANDOM:
        text_add(to, " %s %016" PRIx64, keys[n->attr.random.key], n->attr.random.site);
        if (n->attr.random.key == RANDOM_DATA) text_add(to, " seed %" PRIu64, n->attr.random.seed);
        break;
    case ATTRIBUTE_NUMBER: text_add(to, " %" PRId64, n->attr.index); break;
    case ATTRIBUTE_AXIS: text_add(to, " axis %" PRId64, n->attr.index); break;
    case ATTRIBUTE_SHARED:
        if (n->attr.index) text_add(to, " shared %" PRId64, n->attr.index);
        if (n->attr.over_rows) text_add(to, " over rows");
        break;
    case ATTRIBUTE_SCAN: print_scan(to, n); break;
    }
}

static void print_node(Text *to, const Node *n, const uint32_t *number) {
    text_add(to, "%%%" PRIu32 ": ", number[n->id]);
    print_type(to, n);
    text_add(to, " = %s", op_text(n->op));
    for (int s = 0; s < n->sources; s++) text_add(to, "%s%%%" PRIu32, s ? ", " : "(", number[n->source[s]->id]);
    if (n->sources) text_add(to, ")");
    print_attributes(to, n);
    if (n->attr.contraction) print_contraction(to, n, number);
    text_add(to, n->name ? "   # %s\n" : "\n", n->name);
}

/* Numbers by id, from 0 in post-order. */
static Node **number_nodes(Arena *arena, Node *const *roots, int count, int *nodes, uint32_t **number) {
    Node **order = graph_post_order(arena, roots, count, nodes);
    uint32_t ids = 0;
    for (int i = 0; i < *nodes; i++) {
        if (order[i]->id >= ids) ids = order[i]->id + 1;
    }
    *number = arena_array(arena, uint32_t, ids + 1);
    for (int i = 0; i < *nodes; i++) (*number)[order[i]->id] = (uint32_t)i;
    return order;
}

void graph_print(Text *to, Node *const *roots, const char *const *root_names, int count) {
    int nodes;
    uint32_t *number;
    Node **order = number_nodes(to->arena, roots, count, &nodes, &number);
    for (int i = 0; i < nodes; i++) print_node(to, order[i], number);
    for (int r = 0; r < count; r++) {
        if (roots[r]) text_add(to, "%s = %%%" PRIu32 "\n", root_names[r], number[roots[r]->id]);
    }
}

void graph_print_dot(Text *to, Node *const *roots, const char *const *root_names, int count) {
    int nodes;
    uint32_t *number;
    Node **order = number_nodes(to->arena, roots, count, &nodes, &number);
    text_add(to, "digraph graph_of_nodes {\n  node [shape=box, fontname=\"monospace\"];\n");
    for (int i = 0; i < nodes; i++) {
        Text label = text_new(to->arena);
        text_add(&label, "%s", op_text(order[i]->op));
        print_attributes(&label, order[i]);
        text_add(&label, "\n");
        print_type(&label, order[i]);
        text_add(to, "  n%d [label=", i);
        text_add_json(to, label.bytes);
        text_add(to, "%s];\n", order[i]->backward ? ", style=dashed" : "");
        for (int s = 0; s < order[i]->sources; s++) {
            text_add(to, "  n%" PRIu32 " -> n%d;\n", number[order[i]->source[s]->id], i);
        }
    }
    for (int r = 0; r < count; r++) {
        if (!roots[r]) continue;
        text_add(to, "  root%d [shape=plaintext, label=", r);
        text_add_json(to, root_names[r]);
        text_add(to, "];\n  n%" PRIu32 " -> root%d;\n", number[roots[r]->id], r);
    }
    text_add(to, "}\n");
}
