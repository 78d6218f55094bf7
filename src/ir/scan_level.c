/* scan_level: a graph as those see it who walk it scan by scan: nodes in depth-first left-to-right post-order, and each scan
 * as one item, whose sources are what its body reads from outside. The STACKs of a scan are found first, so that one
 * loop computes all that is wanted of it. */
#include "ir/scan.h"

bool is_outside(const ScanGroup *group, const Node *n) { return group && scans_are_among(n->scans, group->around); }

typedef struct Leveller {
    Arena *arena;
    const ScanGroup *within;
    ScanGroup *groups;
    uint8_t *seen; /* by id */
} Leveller;

static ScanGroup *group_of(Leveller *l, const ScanLoop *scan) {
    for (ScanGroup *group = l->groups; group; group = group->next)
        if (group->scan == scan) return group;
    ScanGroup *group = arena_new_of(l->arena, ScanGroup);
    group->scan = scan;
    group->next = l->groups;
    return l->groups = group;
}

typedef Vector(Node *) LevelNodes;

static void add_once(Arena *arena, LevelNodes *list, Node *node) {
    for (int i = 0; i < list->count; i++)
        if (list->items[i] == node) return;
    vector_push(arena, list, node);
}

/* What the body below the roots of a scan that is in these reads from outside of it. */
static void find_outer(Leveller *l, Node *const *roots, int count, const ScanSet *around, uint8_t *seen,
                       LevelNodes *outer) {
    LevelNodes stack = {0};
    for (int r = count - 1; r >= 0; r--) vector_push(l->arena, &stack, roots[r]);
    while (stack.count) {
        Node *n = stack.items[--stack.count];
        if (seen[n->id]) continue;
        seen[n->id] = 1;
        if (scans_are_among(n->scans, around)) {
            vector_push(l->arena, outer, n);
            continue;
        }
        for (int s = n->sources - 1; s >= 0; s--) vector_push(l->arena, &stack, n->source[s]);
    }
}

static void join_group(Leveller *l, Node *stack) {
    ScanGroup *group = group_of(l, stack->attr.scan);
    vector_push(l->arena, &group->stacks, stack);
    group->around = scans_joined(l->arena, group->around, stack->scans);
    for (int s = 1; s < stack->sources; s += 2) {
        bool known = false;
        for (int p = 0; p < group->pairs.count; p++) known |= group->pairs.items[p].carried == stack->source[s];
        if (!known) vector_push(l->arena, &group->pairs, ((CarriedPair){stack->source[s], stack->source[s + 1]}));
    }
}

/* Finds the scans of the level and all that is wanted of each. */
static void find_groups(Leveller *l, Node *const *roots, int count, uint32_t ids) {
    LevelNodes stack = {0};
    for (int r = 0; r < count; r++)
        if (roots[r]) vector_push(l->arena, &stack, roots[r]);
    while (stack.count) {
        Node *n = stack.items[--stack.count];
        if (l->seen[n->id] || is_outside(l->within, n)) continue;
        l->seen[n->id] = 1;
        if (n->op != OP_STACK) {
            for (int s = 0; s < n->sources; s++) vector_push(l->arena, &stack, n->source[s]);
            continue;
        }
        join_group(l, n);
        LevelNodes outer = {0};
        find_outer(l, n->source, n->sources, n->scans, arena_array(l->arena, uint8_t, ids), &outer);
        for (int i = 0; i < outer.count; i++) vector_push(l->arena, &stack, outer.items[i]);
    }
}

static void finish_group(Leveller *l, ScanGroup *group, uint32_t ids) {
    LevelNodes roots = {0}, outer = {0};
    for (int i = 0; i < group->stacks.count; i++) add_once(l->arena, &roots, group->stacks.items[i]->source[0]);
    for (int p = 0; p < group->pairs.count; p++) add_once(l->arena, &roots, group->pairs.items[p].next);
    for (int i = 0; i < roots.count; i++) vector_push(l->arena, &group->roots, roots.items[i]);
    for (int p = 0; p < group->pairs.count; p++) vector_push(l->arena, &roots, group->pairs.items[p].carried);
    find_outer(l, roots.items, roots.count, group->around, arena_array(l->arena, uint8_t, ids), &outer);
    for (int i = 0; i < outer.count; i++) vector_push(l->arena, &group->outer, outer.items[i]);
}

typedef struct LevelVisit {
    Node *node;
    ScanGroup *group;
    int next;
} LevelVisit;
typedef Vector(LevelVisit) LevelStack;

static void enter(Leveller *l, LevelStack *stack, Node *n) {
    ScanGroup *group = n->op == OP_STACK && !is_outside(l->within, n) ? group_of(l, n->attr.scan) : NULL;
    l->seen[n->id] = 1;
    for (int i = 0; group && i < group->stacks.count; i++) l->seen[group->stacks.items[i]->id] = 1;
    vector_push(l->arena, stack, ((LevelVisit){n, group, 0}));
}

static GraphLevel order_items(Leveller *l, Node *const *roots, int count) {
    GraphLevel level = {0};
    LevelStack stack = {0};
    for (int r = 0; r < count; r++) {
        if (!roots[r] || l->seen[roots[r]->id] || is_outside(l->within, roots[r])) continue;
        enter(l, &stack, roots[r]);
        while (stack.count) {
            LevelVisit *top = &stack.items[stack.count - 1];
            int sources = top->group ? top->group->outer.count : top->node->sources;
            if (top->next == sources) {
                vector_push(l->arena, &level, ((LevelItem){top->group ? NULL : top->node, top->group}));
                stack.count--;
                continue;
            }
            Node *source = top->group ? top->group->outer.items[top->next++] : top->node->source[top->next++];
            if (!l->seen[source->id] && !is_outside(l->within, source)) enter(l, &stack, source);
        }
    }
    return level;
}

GraphLevel graph_level(Arena *arena, Node *const *roots, int count, const ScanGroup *within) {
    uint32_t ids = 1;
    for (int r = 0; r < count; r++)
        if (roots[r] && roots[r]->id >= ids) ids = roots[r]->id + 1;
    Leveller l = {.arena = arena, .within = within, .seen = arena_array(arena, uint8_t, ids)};
    find_groups(&l, roots, count, ids);
    for (ScanGroup *group = l.groups; group; group = group->next) finish_group(&l, group, ids);
    l.seen = arena_array(arena, uint8_t, ids);
    return order_items(&l, roots, count);
}
