/* interp_plan: the list of what is evaluated, sources first, and its evaluation. A scan in it has a plan of its own, for its
 * body, which is evaluated for one element after the other; what is carried lies in two buffers, of which one is read while
 * the other one is written. */
#include <stdlib.h>
#include <string.h>

#include "ir/elements.h"
#include "ir/interp_internal.h"

typedef struct ScanPlan {
    const ScanGroup *group;
    EvaluationPlan *body;
    Allocation *carried; /* two for each that is carried */
} ScanPlan;

/* ---- plans ------------------------------------------------------------------------------- */

static void plan_add(EvaluationPlan *plan, PlanSlot slot) {
    slot.last_use = plan->count;
    if (slot.node) plan->slot_of[slot.node->id] = plan->count;
    plan->slots[plan->count++] = slot;
}

static ScanPlan *scan_plan_new(Arena *arena, const ScanGroup *group);

/* A scan, and a slot for each of its stacks behind it. */
static void plan_add_scan(Arena *arena, EvaluationPlan *plan, const ScanGroup *group) {
    for (int i = 0; i < group->outer.count; i++)
        plan->slots[plan->slot_of[group->outer.items[i]->id]].last_use = plan->count;
    plan_add(plan, (PlanSlot){.scan = scan_plan_new(arena, group)});
    for (int i = 0; i < group->stacks.count; i++)
        plan_add(plan, (PlanSlot){.node = group->stacks.items[i], .stacked = true});
}

/* What a body is given: what it reads from outside, and what is carried. */
static void plan_add_given(EvaluationPlan *plan, const ScanGroup *within) {
    for (int i = 0; i < within->outer.count; i++)
        plan_add(plan, (PlanSlot){.node = within->outer.items[i], .given = true});
    for (int p = 0; p < within->pairs.count; p++)
        plan_add(plan, (PlanSlot){.node = within->pairs.items[p].carried, .given = true});
}

static int plan_slots(const GraphLevel *level, const ScanGroup *within) {
    int count = level->count + (within ? within->outer.count + within->pairs.count : 0);
    for (int i = 0; i < level->count; i++)
        if (level->items[i].group) count += level->items[i].group->stacks.count;
    return count;
}

static uint32_t ids_below(Node *const *roots, int count) {
    uint32_t ids = 1;
    for (int r = 0; r < count; r++)
        if (roots[r]->id >= ids) ids = roots[r]->id + 1;
    return ids;
}

EvaluationPlan *interp_plan(Arena *arena, Node *const *roots, int root_count, const ScanGroup *within) {
    EvaluationPlan *plan = arena_new_of(arena, EvaluationPlan);
    GraphLevel level = graph_level(arena, roots, root_count, within);
    int most = plan_slots(&level, within);
    plan->ids = ids_below(roots, root_count);
    plan->slots = arena_array(arena, PlanSlot, most + 1);
    plan->slot_of = arena_array(arena, int, plan->ids);
    plan->spare = arena_array(arena, Allocation, most + 1);
    if (within) plan_add_given(plan, within);
    for (int i = 0; i < level.count; i++) {
        Node *node = level.items[i].node;
        if (!node) {
            plan_add_scan(arena, plan, level.items[i].group);
            continue;
        }
        if (within && node->op == OP_CARRIED && node->attr.scan == within->scan) continue;
        for (int s = 0; s < node->sources; s++) plan->slots[plan->slot_of[node->source[s]->id]].last_use = plan->count;
        plan_add(plan, (PlanSlot){.node = node});
    }
    for (int r = 0; r < root_count; r++) plan->slots[plan->slot_of[roots[r]->id]].last_use = most;
    return plan;
}

static void scan_plan_free(ScanPlan *scan);

void interp_plan_free(EvaluationPlan *plan) {
    for (int i = 0; i < plan->count; i++) {
        PlanSlot *slot = &plan->slots[i];
        free(slot->buffer.memory);
        if (slot->scan) scan_plan_free(slot->scan);
        if (slot->tables) {
            free(slot->tables->place);
            interp_free_reduction(slot->tables->reduction);
            free(slot->tables);
        }
    }
    for (int i = 0; i < plan->spare_count; i++) free(plan->spare[i].memory);
    for (int i = 0; i < 3; i++) free(plan->operand[i].memory);
}

/* The smallest spare buffer that is large enough but not wastefully so, or a new one. */
static Allocation plan_take_buffer(EvaluationPlan *plan, size_t bytes) {
    int best = -1;
    for (int i = 0; i < plan->spare_count; i++) {
        size_t has = plan->spare[i].bytes;
        if (has >= bytes && has <= 4 * bytes + 4096 && (best < 0 || has < plan->spare[best].bytes)) best = i;
    }
    if (best < 0) return (Allocation){interp_memory(bytes), bytes};
    Allocation found = plan->spare[best];
    plan->spare[best] = plan->spare[--plan->spare_count];
    return found;
}

static void plan_release(EvaluationPlan *plan, PlanSlot *slot) {
    if (plan->spare_count < plan->count && slot->buffer.memory)
        plan->spare[plan->spare_count++] = slot->buffer;
    else
        free(slot->buffer.memory);
    slot->buffer = (Allocation){0};
    slot->value = NULL;
}

/* ---- values ------------------------------------------------------------------------------ */

typedef void Evaluator(Evaluation *e, const Node *node, void *out);

static void evaluate_elements(Evaluation *e, const Node *node, void *out) {
    const void *x[3];
    for (int s = 0; s < node->sources; s++) x[s] = interp_operand(e, node, s);
    elements_evaluate(node, interp_count(e, node), x, out);
}

static void evaluate_node(Evaluation *e, PlanSlot *slot) {
    static Evaluator *const evaluators[] = {
#define EVALUATOR_LEAF(NAME) interp_eval_##NAME
#define EVALUATOR_ELEMENT(NAME) evaluate_elements
#define EVALUATOR_MOVE(NAME) interp_eval_##NAME
#define EVALUATOR_REDUCE(NAME) interp_eval_##NAME
#define EVALUATOR_INDEXED(NAME) interp_eval_##NAME
#define OP(NAME, text, arity, class, ...) EVALUATOR_##class(NAME),
#include "ir/ops.def"
#undef OP
    };
    const Node *node = slot->node;
    if (slot->value) plan_release(e->plan, slot); /* a root of the evaluation before */
    if (node->op == OP_CELL) {
        slot->value = e->state + e->run->cells[node->attr.index].offset;
        return;
    }
    slot->buffer = plan_take_buffer(e->plan, (size_t)interp_count(e, node) * dtype_bytes(node->dtype));
    if (!slot->stacked) evaluators[node->op](e, node, slot->buffer.memory);
    slot->value = slot->buffer.memory;
}

static void release_after(Evaluation *e, PlanSlot *source, int at) {
    if (source->last_use == at && source->value && !source->given) plan_release(e->plan, source);
}

static void evaluate_scan(Evaluation *e, ScanPlan *scan);

void interp_evaluate(Evaluation *e) {
    EvaluationPlan *plan = e->plan;
    for (int i = 0; i < plan->count; i++) {
        PlanSlot *slot = &plan->slots[i];
        if (slot->given || slot->stacked) continue;
        if (slot->node) {
            evaluate_node(e, slot);
            for (int s = 0; s < slot->node->sources; s++) release_after(e, interp_slot(e, slot->node->source[s]), i);
            continue;
        }
        for (int k = i + 1; k < plan->count && plan->slots[k].stacked; k++) evaluate_node(e, &plan->slots[k]);
        evaluate_scan(e, slot->scan);
        const ScanGroup *group = slot->scan->group;
        for (int s = 0; s < group->outer.count; s++) release_after(e, interp_slot(e, group->outer.items[s]), i);
    }
}

/* ---- scans ------------------------------------------------------------------------------- */

static ScanPlan *scan_plan_new(Arena *arena, const ScanGroup *group) {
    ScanPlan *scan = arena_new_of(arena, ScanPlan);
    scan->group = group;
    scan->body = interp_plan(arena, group->roots.items, group->roots.count, group);
    scan->carried = arena_array(arena, Allocation, 2 * group->pairs.count + 1);
    return scan;
}

static void scan_plan_free(ScanPlan *scan) {
    interp_plan_free(scan->body);
    for (int i = 0; i < 2 * scan->group->pairs.count; i++) free(scan->carried[i].memory);
}

static size_t bytes_of(const Node *node) { return (size_t)shape_size(node->shape) * dtype_bytes(node->dtype); }

/* The value of `from` with the rows of `to`. */
static void copy_rows(const Evaluation *e, const Node *from, const void *value, const Node *to, void *out) {
    size_t bytes = bytes_of(to);
    for (int64_t r = 0, rows = interp_rows(e, to); r < rows; r++)
        memcpy((char *)out + (size_t)r * bytes, (const char *)value + (from->rows ? (size_t)r * bytes : 0), bytes);
}

static void *carried_buffer(const Evaluation *e, ScanPlan *scan, int pair, int which) {
    const Node *carried = scan->group->pairs.items[pair].carried;
    Allocation *buffer = &scan->carried[2 * pair + which];
    size_t bytes = bytes_of(carried) * (size_t)interp_rows(e, carried);
    if (buffer->bytes < bytes) {
        free(buffer->memory);
        *buffer = (Allocation){interp_memory(bytes), bytes};
    }
    return buffer->memory;
}

static void carry(Evaluation *body, ScanPlan *scan, int which) {
    for (int p = 0; p < scan->group->pairs.count; p++) {
        const CarriedPair *pair = &scan->group->pairs.items[p];
        copy_rows(body, pair->next, interp_value(body, pair->next), pair->carried,
                  carried_buffer(body, scan, p, which));
    }
    for (int p = 0; p < scan->group->pairs.count; p++)
        interp_slot(body, scan->group->pairs.items[p].carried)->value = carried_buffer(body, scan, p, which);
}

static void begin(const Evaluation *e, Evaluation *body, ScanPlan *scan) {
    const ScanGroup *group = scan->group;
    for (int i = 0; i < group->outer.count; i++)
        interp_slot(body, group->outer.items[i])->value = interp_value(e, group->outer.items[i]);
    for (int p = 0; p < group->pairs.count; p++) {
        const Node *carried = group->pairs.items[p].carried, *initial = carried->source[0];
        void *buffer = carried_buffer(body, scan, p, 0);
        copy_rows(body, initial, interp_value(e, initial), carried, buffer);
        interp_slot(body, carried)->value = buffer;
    }
}

/* Of each row, the element's place in the stack. */
static void store(const Evaluation *e, const Evaluation *body, const Node *stack) {
    const Node *node = stack->source[0];
    size_t bytes = bytes_of(node), all = bytes_of(stack);
    char *to = (char *)interp_slot(e, stack)->buffer.memory + (size_t)body->element * bytes;
    const char *from = interp_value(body, node);
    for (int64_t r = 0, rows = interp_rows(e, stack); r < rows; r++)
        memcpy(to + (size_t)r * all, from + (size_t)r * bytes, bytes);
}

static void evaluate_scan(Evaluation *e, ScanPlan *scan) {
    const ScanGroup *group = scan->group;
    int64_t count = group->scan->extent;
    Evaluation body = *e;
    body.plan = scan->body;
    begin(e, &body, scan);
    for (int64_t i = 0; i < count; i++) {
        body.element = group->scan->descending ? count - 1 - i : i;
        interp_evaluate(&body);
        for (int k = 0; k < group->stacks.count; k++) store(e, &body, group->stacks.items[k]);
        carry(&body, scan, (int)(i + 1) % 2);
    }
}

void interp_eval_ELEMENT(Evaluation *e, const Node *node, void *out) {
    const Node *all = node->source[0];
    size_t bytes = bytes_of(node), stride = bytes_of(all);
    const char *from = (const char *)interp_value(e, all) + (size_t)e->element * bytes;
    for (int64_t r = 0, rows = interp_rows(e, node); r < rows; r++)
        memcpy((char *)out + (size_t)r * bytes, from + (size_t)r * stride, bytes);
}

void interp_eval_CARRIED(Evaluation *e, const Node *node, void *out) {
    (void)e;
    (void)out;
    INTERNAL_ERROR("node %u is carried", node->id);
}

void interp_eval_STACK(Evaluation *e, const Node *node, void *out) {
    (void)e;
    (void)out;
    INTERNAL_ERROR("node %u is a scan's", node->id);
}
