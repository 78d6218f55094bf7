/* scan_parts: see scan_parts.h. */
#include "ir/scan_parts.h"

#include <string.h>

#include "ir/scan.h"
#include "ir/function.h"

typedef struct Splitter {
    Graph *graph;
    Node **now; /* by id: in the function, or the body, that is being made */
    ScanPart *parts;
} Splitter;

/* A node as it was, of other sources: which ones its op says no longer. */
static Node *shadow(Graph *g, const Node *old, Node *const *source, int sources, uint8_t rows) {
    Node *node = arena_copy(g->arena, old, sizeof *old);
    node->sources = sources;
    node->source = arena_copy(g->arena, source, sizeof *source * (size_t)(sources + 1));
    node->rows = rows;
    node->id = g->next_id++;
    return node;
}

/* What lies in an array that was filled before, or is carried. */
static Node *given(Graph *g, const Node *value, const ScanSet *scans) {
    Node *none = NULL, *node = shadow(g, value, &none, 0, value->rows);
    node->op = OP_CARRIED;
    node->attr = (Attr){.index = node->id};
    node->scans = scans;
    return node;
}

/* Read in the body as it is, not out of an array. */
static bool is_read_directly(const Node *n) {
    return n->op == OP_CELL || n->op == OP_SLOT || n->op == OP_CONST || n->op == OP_COUNTER || n->op == OP_IOTA ||
           n->op == OP_ROWS_RECIPROCAL;
}

static void split_level(Splitter *s, const GraphLevel *level, const ScanLoop *scan);

static void begin_part(Splitter *s, const ScanGroup *group, ScanPart *part) {
    Graph *g = s->graph;
    part->scan = group->scan;
    part->outer = arena_array(g->arena, Node *, group->outer.count + 1);
    part->given = arena_array(g->arena, Node *, group->outer.count + 1);
    part->initial = arena_array(g->arena, Node *, group->pairs.count + 1);
    part->carried = arena_array(g->arena, Node *, group->pairs.count + 1);
    part->next = arena_array(g->arena, Node *, group->pairs.count + 1);
    part->stack = arena_array(g->arena, Node *, group->stacks.count + 1);
    for (int p = 0; p < group->pairs.count; p++)
        part->initial[part->carries++] = s->now[group->pairs.items[p].carried->source[0]->id];
}

static void make_body(Splitter *s, const ScanGroup *group, ScanPart *part) {
    Graph *g = s->graph;
    GraphLevel level = graph_level(g->arena, group->roots.items, group->roots.count, group);
    split_level(s, &level, group->scan);
    Root *roots = arena_array(g->arena, Root, group->stacks.count + part->carries + 1);
    int count = 0;
    for (int i = 0; i < group->stacks.count; i++)
        roots[count++] = (Root){ROOT_ELEMENT, i, s->now[group->stacks.items[i]->source[0]->id], "element"};
    for (int p = 0; p < part->carries; p++) {
        part->next[p] = s->now[group->pairs.items[p].next->id];
        roots[count++] = (Root){ROOT_NEXT, p, part->next[p], "next"};
    }
    part->body = (Function){.name = "scan", .roots = roots, .root_count = count};
}

static void split_group(Splitter *s, const ScanGroup *group) {
    Graph *g = s->graph;
    ScanPart *part = arena_new_of(g->arena, ScanPart);
    begin_part(s, group, part);
    Node **before = arena_array(g->arena, Node *, group->outer.count + 1);
    for (int i = 0; i < group->outer.count; i++) {
        Node *outer = before[i] = s->now[group->outer.items[i]->id];
        if (is_read_directly(outer)) continue;
        part->outer[part->givens] = outer;
        s->now[group->outer.items[i]->id] = part->given[part->givens++] = given(g, outer, outer->scans);
    }
    for (int p = 0; p < part->carries; p++) {
        const Node *carried = group->pairs.items[p].carried;
        s->now[carried->id] = part->carried[p] = given(g, carried, carried->scans);
    }
    make_body(s, group, part);
    for (int i = 0; i < group->outer.count; i++) s->now[group->outer.items[i]->id] = before[i];
    for (int i = 0; i < group->stacks.count; i++) {
        const Node *stack = group->stacks.items[i];
        part->stack[part->stacks++] = s->now[stack->id] = shadow(g, stack, before, group->outer.count, stack->rows);
    }
    part->following = s->parts;
    s->parts = part;
}

static void split_level(Splitter *s, const GraphLevel *level, const ScanLoop *scan) {
    Graph *g = s->graph;
    for (int i = 0; i < level->count; i++) {
        Node *node = level->items[i].node;
        if (!node) {
            split_group(s, level->items[i].group);
            continue;
        }
        if (node->op == OP_CARRIED && node->attr.scan == scan) continue;
        Node **source = arena_array(g->arena, Node *, node->sources + 1);
        bool same = true;
        for (int k = 0; k < node->sources; k++) {
            source[k] = s->now[node->source[k]->id];
            same &= source[k] == node->source[k];
        }
        s->now[node->id] = same ? node : shadow(g, node, source, node->sources, node->rows);
    }
}

const Function *function_in_parts(Arena *arena, const Run *run, const Function *function, const ScanPart **parts) {
    Graph *g = run->graph;
    Node **nodes = arena_array(arena, Node *, function->root_count + 1);
    for (int r = 0; r < function->root_count; r++) nodes[r] = function->roots[r].node;
    if (!graph_has_scans(g, nodes, function->root_count)) return function;
    Splitter s = {.graph = g, .now = arena_array(arena, Node *, g->next_id)};
    GraphLevel level = graph_level(g->arena, nodes, function->root_count, NULL);
    split_level(&s, &level, NULL);
    Function *now = arena_copy(arena, function, sizeof *function);
    now->roots = arena_copy(arena, function->roots, sizeof *now->roots * (size_t)function->root_count);
    for (int r = 0; r < function->root_count; r++) now->roots[r].node = s.now[nodes[r]->id];
    *parts = s.parts;
    return now;
}

const ScanPart *part_of_stack(const ScanPart *parts, const Node *stack) {
    for (; parts; parts = parts->following)
        for (int i = 0; i < parts->stacks; i++)
            if (parts->stack[i] == stack) return parts;
    INTERNAL_ERROR("a stack of no scan");
}

/* Of the nodes that the body computes, none sums over rows. */
static bool sums_no_rows(Arena *arena, const Function *body) {
    int nodes;
    Node **order = function_nodes(arena, body, &nodes);
    for (int i = 0; i < nodes; i++) {
        bool reduces = op_class(order[i]->op) == OP_CLASS_REDUCE && order[i]->attr.contraction->over_rows;
        if (reduces || (order[i]->op == OP_SCATTER_ADD && order[i]->attr.over_rows)) return false;
    }
    return true;
}

bool parts_go_by_rows(Arena *arena, const ScanPart *parts) {
    for (; parts; parts = parts->following) {
        for (int i = 1; i < parts->stacks; i++)
            if (parts->stack[i]->rows != parts->stack[0]->rows) return false;
        if (!sums_no_rows(arena, &parts->body)) return false;
    }
    return true;
}
