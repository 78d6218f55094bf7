/* function_key: a text that is equal for two functions if and only if they have the same code. */
#include "codegen/session.h"
#include "ir/function.h"
#include <string.h>

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

void function_key(Text *to, const Run *run, const Function *function, int64_t batch) {
    Arena *arena = to->arena;
    uint32_t ids;
    Node **nodes = function_nodes_by_id(arena, function, &ids);
    int *number = arena_array(arena, int, ids + 1), next = 0;
    text_add(to, "%d %lld %d\n", function->steps, (long long)batch, run->term_count);
    for (uint32_t id = 0; id < ids; id++)
        if (nodes[id] != NULL) {
            number[id] = next++;
            key_node(to, run, nodes[id], number);
        }
    for (int r = 0; r < function->root_count; r++) {
        const Root *root = &function->roots[r];
        text_add(to, "%d %d %d", root->kind, root->index, number[root->node->id]);
        if (root->kind == ROOT_UPDATE) text_add(to, "@%zu", run->cells[root->index].offset);
        text_add(to, "\n");
    }
}
