/* loop_print: loops as text, and a function's key.
 *
 * The text (--emit=loops) shows what the plan decided: blocks, loops with their marks (vector, unroll), what
 * is stored where, which loops threads share and where they wait, and the expressions of bodies with everything
 * inlined that has no buffer. Values are
 * numbered in the order in which nests store them, so the text depends on the program alone.
 *
 * The key lists everything that code depends on, without names and places in the source.
 */
#include "ir/loops/loop.h"
#include <string.h>

typedef struct Printer {
    Text *to;
    const LoopFunction *f;
    int *number;
    const Nest *nest;
    bool in_relay;
} Printer;

/* ---- expressions ------------------------------------------------------------------------------- */
static void print_place(Text *to, const AxisMap *map, int axes, int result) {
    bool any = false;
    if (map->divisor > 1) text_add(to, "(");
    for (int k = 0; k < axes; k++) {
        if (map->coef[k] == 0) continue;
        int coef = map->coef[k];
        text_add(to, "%s", coef < 0 ? (any ? " - " : "-") : any ? " + " : "");
        if (coef != 1 && coef != -1) text_add(to, "%d ", coef < 0 ? -coef : coef);
        text_add(to, "%c%d", k < result ? 'i' : 'k', k < result ? k : k - result);
        any = true;
    }
    if (map->offset != 0 || !any)
        text_add(to, "%s%lld", any ? (map->offset < 0 ? " - " : " + ") : "",
                 (long long)(any && map->offset < 0 ? -map->offset : map->offset));
    if (map->divisor > 1) text_add(to, ")/%lld", (long long)map->divisor);
}

static void print_access(Text *to, const Access *access, int axes, int result) {
    if (access->rank == 0) return;
    text_add(to, "[");
    for (int a = 0; a < access->rank; a++) {
        text_add(to, "%s", a > 0 ? ", " : "");
        print_place(to, &access->axis[a], axes, result);
    }
    text_add(to, "]");
}

static void print_value(Printer *p, const Node *node, bool top);

static void print_leaf(Printer *p, const Node *node) {
    const Run *run = p->f->run;
    switch (node->op) {
    case OP_CONST: text_add(p->to, "%s", text_number(p->f->arena, node->attr.value, node->dtype == DTYPE_F32)); break;
    case OP_COLUMN: text_add(p->to, "column%lld", (long long)node->attr.index); break;
    case OP_CELL: text_add(p->to, "%s", run->cells[node->attr.index].name); break;
    case OP_SLOT: text_add(p->to, "%s", run->slots[node->attr.index].name); break;
    case OP_COUNTER: text_add(p->to, "%s", counter_text(p->f->arena, node->attr.counter)); break;
    case OP_ROWS_RECIPROCAL: text_add(p->to, "1/rows"); break;
    default: text_add(p->to, "%s", op_text(node->op)); break;
    }
}

static void print_value(Printer *p, const Node *node, bool top) {
    if (!top && node_is_stored(p->f, node) && !nest_reads_column(p->nest, node)) {
        text_add(p->to, "%%%d", p->number[node->id]);
        return;
    }
    switch (op_class(node->op)) {
    case OP_CLASS_LEAF: print_leaf(p, node); return;
    case OP_CLASS_REDUCE:
        text_add(p->to, "%s", p->nest != NULL && node == p->nest->largest ? "largest" : "accumulator");
        return;
    default: break;
    }
    if (node->op == OP_VIEW) {
        print_value(p, node->source[0], false);
        print_access(p->to, &node->attr.contraction->access[0], node->shape.rank, node->shape.rank);
        return;
    }
    text_add(p->to, "%s(", op_text(node->op));
    for (int s = 0; s < node->sources; s++) {
        text_add(p->to, "%s", s > 0 ? ", " : "");
        print_value(p, node->source[s], false);
    }
    if (op_attribute(node->op) == ATTRIBUTE_NUMBER) text_add(p->to, ", %lld", (long long)node->attr.index);
    text_add(p->to, ")");
}

/* ---- nests --------------------------------------------------------------------------------------- */
static void indent(Text *to, int depth) { text_add(to, "%*s", 2 * depth, ""); }

static void print_loops(Printer *p, const Nest *nest, int depth) {
    if (nest->waits && !p->in_relay) {
        indent(p->to, depth);
        text_add(p->to, "wait\n");
    }
    indent(p->to, depth);
    text_add(p->to, "for");
    const char *between = " ";
    if (nest->rows && p->f->block > 1 && (!p->in_relay || nest->lanes == LANES_ROWS)) {
        text_add(p->to, " rows");
        if (nest->lanes == LANES_ROWS) text_add(p->to, " vector");
        if (nest->lanes == LANES_ROWS && nest->vectors > 1) text_add(p->to, " unroll %d", nest->vectors);
        if (nest->tile_axis == TILE_ROWS) text_add(p->to, " unroll %d", nest->tile);
        if (nest->split == SPLIT_ROWS && !p->in_relay) text_add(p->to, " shared");
        between = ", ";
    }
    for (int a = 0; a < nest->space.rank; a++) {
        text_add(p->to, "%si%d < %lld", between, a, (long long)nest->space.extent[a]);
        if (nest->lanes == a) text_add(p->to, " vector");
        if (nest->lanes == a && nest->vectors > 1) text_add(p->to, " unroll %d", nest->vectors);
        if (nest->tile_axis == a && nest->tile > 1) text_add(p->to, " unroll %d", nest->tile);
        if (nest->convolution != NULL && nest->convolution->taps > 1 && nest->convolution->taps_axis == a)
            text_add(p->to, " unroll %d", nest->convolution->taps);
        if (nest->split == SPLIT_AXIS + a || nest->split_around == 1 + a) text_add(p->to, " shared");
        between = ", ";
    }
    text_add(p->to, "%s\n", *between == ' ' ? " once" : nest->flat ? " (flat)" : "");
}

/* The loop around nests that go together. */
static void print_relay(Printer *p, const Nest *first, int depth) {
    if (first->waits) {
        indent(p->to, depth);
        text_add(p->to, "wait\n");
    }
    indent(p->to, depth);
    const char *rows = first->relay_rows == 1 ? "rows" : text_format(p->f->arena, "%d rows each", first->relay_rows);
    text_add(p->to, "for %s%s, %d together\n", rows, first->split == SPLIT_ROWS ? " shared" : "", first->relay);
}

static void print_blocks(Printer *p, const Nest *nest, int depth) {
    const Blocks *b = nest->blocks;
    indent(p->to, depth);
    const char *along = nest->tile_axis == TILE_ROWS ? "rows" : text_format(p->f->arena, "i%d", nest->tile_axis);
    text_add(p->to, "in blocks of %lld %s, %lld lanes", (long long)b->tile, along, (long long)b->lanes);
    if (b->several && b->axis == BLOCKS_ROWS)
        text_add(p->to, ", %lld rows", (long long)b->places);
    else if (b->several)
        text_add(p->to, ", %lld k%d", (long long)b->places, b->axis);
    if (b->packs[0] || b->packs[1])
        text_add(p->to, ", %s packed", !b->packs[1] ? "left" : !b->packs[0] ? "right" : "both");
    text_add(p->to, "\n");
}

static void print_kernel(Printer *p, const Nest *nest, int depth) {
    const Node *node = nest->reduce;
    const Contraction *c = node->attr.contraction;
    indent(p->to, depth);
    text_add(p->to, "kernel %s over", node->op == OP_CONTRACT ? "sum" : op_text(node->op));
    if (c->over_rows) text_add(p->to, nest->split == SPLIT_ROWS && !nest->rows ? " rows shared" : " rows");
    for (int k = 0; k < c->reduced; k++)
        text_add(p->to, "%sk%d < %lld", k > 0 || c->over_rows ? ", " : " ", k, (long long)c->extent[k]);
    if (c->lanes > 1) text_add(p->to, " in %d lanes", c->lanes);
    if (c->chunk > 0) text_add(p->to, " chunk %lld", (long long)c->chunk);
    text_add(p->to, nest->carried ? " carried:" : ":");
    for (int s = 0; s < node->sources; s++) {
        text_add(p->to, "%s", s > 0 ? " * " : " ");
        print_value(p, node->source[s], false);
        print_access(p->to, &c->access[s], node->shape.rank + c->reduced, node->shape.rank);
    }
    text_add(p->to, "\n");
    if (nest->blocks != NULL) print_blocks(p, nest, depth);
    if (nest->squares > 0) {
        indent(p->to, depth);
        text_add(p->to, "%s turned in squares\n", nest->squares == 1 ? "left" : "right");
    }
    if (nest->convolution != NULL && nest->tile_axis < 0) {
        indent(p->to, depth);
        text_add(p->to, "in tiles of %d pixels\n", nest->tile);
    }
}

static void print_store(Printer *p, const Nest *nest, const Store *store, int depth) {
    const Run *run = p->f->run;
    bool reduced = store->value == nest->reduce || (nest->largest != NULL && store->value == nest->largest);
    if (store->kind == STORE_BUFFER && store->buffer == NULL && reduced) return;
    indent(p->to, depth);
    switch (store->kind) {
    case STORE_BUFFER: text_add(p->to, "%%%d", p->number[store->node->id]); break;
    case STORE_COPY: text_add(p->to, "%%%d turned", p->number[store->node->id]); break;
    case STORE_CELL: text_add(p->to, "%s", run->cells[store->index].name); break;
    case STORE_SUM: text_add(p->to, "sum %d", store->index); break;
    case STORE_ELEMENT: text_add(p->to, "element"); break;
    case STORE_ROWS:
    case STORE_VALUE: text_add(p->to, "output %d%s", store->index, nest->leaves_turned ? " turned" : ""); break;
    }
    if (store->offset > 0) text_add(p->to, " from %lld", (long long)store->offset);
    text_add(p->to, " = ");
    if (nest->kind == NEST_SCATTER)
        text_add(p->to, "scatter_add");
    else
        print_value(p, store->value, store_provides(store) || (nest->reduce == store->value && store->value != NULL));
    if (store->kind == STORE_BUFFER && store->buffer == NULL)
        text_add(p->to, p->f->kept[store->node->id] > 0 ? "   (its cell)" : "   (registers)");
    else if (store->buffer != NULL)
        text_add(p->to, "   at %zu", store->buffer->offset);
    text_add(p->to, "\n");
}

static void number_values(Printer *p) {
    int next = 0;
    memset(p->number, -1, sizeof *p->number * (p->f->nodes + 1));
    for (int s = 0; s < p->f->section_count; s++)
        for (int i = 0; i < p->f->sections[s].nests.count; i++) {
            const Nest *nest = p->f->sections[s].nests.items[i];
            for (int k = 0; k < nest->store_count; k++)
                if (nest->stores[k].kind == STORE_BUFFER && p->number[nest->stores[k].node->id] < 0)
                    p->number[nest->stores[k].node->id] = next++;
        }
}

static void print_nest(Printer *p, const Nest *nest, int depth) {
    p->nest = nest;
    print_loops(p, nest, depth);
    if (nest->kind == NEST_REDUCE) print_kernel(p, nest, depth + 1);
    for (int k = 0; k < nest->store_count; k++) print_store(p, nest, &nest->stores[k], depth + 1);
}

void loop_print(Text *to, const LoopFunction *f) {
    Printer p = {.to = to, .f = f, .number = arena_array(f->arena, int, f->nodes + 1)};
    number_values(&p);
    text_add(to, "  %s, %zu bytes of work, %zu of them alive at once\n",
             f->block == 1  ? "one row"
             : f->one_block ? text_format(f->arena, "one block of at most %lld rows", (long long)f->block)
                            : text_format(f->arena, "blocks of %lld rows", (long long)f->block),
             f->work_bytes, f->least_bytes);
    for (int s = 0; s < f->section_count; s++) {
        const Section *section = &f->sections[s];
        int depth = 1;
        if (section->nests.count > 0 && section->inside && !f->one_block) {
            text_add(to, "  for blocks of rows\n");
            depth = 2;
        }
        for (int i = 0, relay_end = 0; i < section->nests.count; i++) {
            const Nest *nest = section->nests.items[i];
            if (nest->relay > 0) {
                print_relay(&p, nest, depth);
                relay_end = i + nest->relay;
            }
            p.in_relay = i < relay_end;
            print_nest(&p, nest, depth + p.in_relay);
        }
    }
}

/* ---- keys ------------------------------------------------------------------------------------------- */
static void key_shape(Text *to, Shape s) {
    for (int a = 0; a < s.rank; a++) text_add(to, "%lld,", (long long)s.extent[a]);
}

static void key_access(Text *to, const Access *access, int axes) {
    for (int a = 0; a < access->rank; a++) {
        text_add(to, "(%lld/%lld", (long long)access->axis[a].offset, (long long)access->axis[a].divisor);
        for (int k = 0; k < axes; k++) text_add(to, " %d", access->axis[a].coef[k]);
        text_add(to, ")");
    }
}

static void key_contraction(Text *to, const Node *node) {
    const Contraction *c = node->attr.contraction;
    text_add(to, "{%d %d %lld:", c->over_rows, c->lanes, (long long)c->chunk);
    for (int k = 0; k < c->reduced; k++) text_add(to, "%lld,", (long long)c->extent[k]);
    for (int s = 0; s < node->sources; s++) key_access(to, &c->access[s], node->shape.rank + c->reduced);
    text_add(to, "}");
}

static void key_scans(Text *to, const Node *node) {
    if (node->attr.scan != NULL) text_add(to, " of %u", node->attr.scan->number);
    for (int i = 0; node->scans != NULL && i < node->scans->count; i++) {
        const ScanLoop *scan = node->scans->scan[i];
        text_add(to, " in %u(%lld%s)", scan->number, (long long)scan->extent, scan->descending ? " down" : "");
    }
}

static void key_node(Text *to, const Run *run, const Node *node, const int *number) {
    uint64_t bits;
    memcpy(&bits, &node->attr.value, sizeof bits);
    text_add(to, "%d:%d:%d[", node->op, node->dtype, node->rows);
    key_shape(to, node->shape);
    text_add(to, "]%llx:%lld:%d:%d:%llx:%llx:%d", (unsigned long long)bits, (long long)node->attr.index,
             node->attr.counter, node->attr.random.key, (unsigned long long)node->attr.random.site,
             (unsigned long long)node->attr.random.seed, node->attr.over_rows);
    if (node->op == OP_CELL) text_add(to, "@%zu", run->cells[node->attr.index].offset);
    if (node->op == OP_SLOT)
        text_add(to, "@%zu.%d", run->slots[node->attr.index].offset, run->slots[node->attr.index].dtype);
    if (node->attr.contraction != NULL) key_contraction(to, node);
    text_add(to, " %d %d", node->attr.rows, node->row_axes);
    key_scans(to, node);
    for (int s = 0; s < node->sources; s++) text_add(to, " %d", number[node->source[s]->id]);
    text_add(to, "\n");
}

void loop_key(Text *to, const Run *run, const Function *function, int64_t batch) {
    Arena *arena = to->arena;
    uint32_t ids = 1;
    for (int r = 0; r < function->root_count; r++)
        if (function->roots[r].node->id >= ids) ids = function->roots[r].node->id + 1;
    int *number = arena_array(arena, int, ids);
    Node **list = arena_array(arena, Node *, ids);
    Vector(Node *) open = {0};
    for (int r = 0; r < function->root_count; r++) vector_push(arena, &open, function->roots[r].node);
    while (open.count > 0) {
        Node *node = open.items[--open.count];
        if (list[node->id] != NULL) continue;
        list[node->id] = node;
        for (int s = 0; s < node->sources; s++) vector_push(arena, &open, node->source[s]);
    }
    text_add(to, "%d %lld %d\n", function->steps, (long long)batch, run->term_count);
    int next = 0;
    for (uint32_t id = 0; id < ids; id++)
        if (list[id] != NULL) {
            number[id] = next++;
            key_node(to, run, list[id], number);
        }
    for (int r = 0; r < function->root_count; r++) {
        const Root *root = &function->roots[r];
        text_add(to, "%d %d %d", root->kind, root->index, number[root->node->id]);
        if (root->kind == ROOT_UPDATE) text_add(to, "@%zu", run->cells[root->index].offset);
        text_add(to, "\n");
    }
}
