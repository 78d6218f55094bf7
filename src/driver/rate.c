/* The learning rate at a moment, for logs. A literal is the slot `lr`; a schedule stands in the step's graph as
 * where(slot is NaN, schedule, slot), so that a caller of the object can override it: that node is evaluated by the
 * interpreter, as the value of a function of its own.
 */
#include "driver/training.h"
#include "ir/function.h"
#include <math.h>
#include <string.h>

/* `lr`, or that of the only part that is trained, `lr@PART`; -1 where parts have a rate each. */
int rate_slot(const Run *run) {
    int found = -1, parts = 0;
    for (int i = 0; i < run->slot_count; i++) {
        if (strcmp(run->slots[i].name, "lr") == 0) return i;
        if (strncmp(run->slots[i].name, "lr@", 3) != 0) continue;
        found = i;
        parts++;
    }
    return parts == 1 ? found : -1;
}

static Node *rate_node(Arena *arena, const Run *run, int slot) {
    int count;
    Node **nodes = function_nodes(arena, &run->step, &count);
    for (int i = 0; i < count; i++) {
        Node *node = nodes[i];
        if (node->op == OP_WHERE && node->shape.rank == 0 && !node->rows && node->source[2]->op == OP_SLOT &&
            node->source[2]->attr.index == slot)
            return node;
    }
    return NULL;
}

Executor *rate_executor(Arena *arena, const Run *run) {
    int slot = rate_slot(run);
    if (slot < 0 || !isnan(run->slots[slot].value)) return NULL;
    Node *node = rate_node(arena, run, slot);
    if (!node) return NULL;
    Run *only = arena_copy(arena, run, sizeof *run);
    Root *root = arena_new_of(arena, Root);
    *root = (Root){ROOT_VALUE, 0, node, "lr"};
    only->init = only->step = only->evaluate = (Function){0};
    only->measure_count = only->array_count = only->part_count = 0;
    only->predictor = (Function){"lr", root, 1, false};
    return interpreter_new(arena, only);
}

double rate_now(const Training *t) {
    int slot = rate_slot(t->run);
    if (slot < 0) return NAN;
    if (!t->rate) return t->run->slots[slot].value;
    union {
        float f32;
        double f64;
    } value = {0};
    void *outputs[1] = {&value};
    sgdrt_call call = {.state = t->state, .work = t->work, .count = 1, .batch = 1, .outputs = outputs};
    t->rate->call(t->rate, ENTRY_PREDICT, 0, &call);
    return t->rate->run->predictor.roots[0].node->dtype == DTYPE_F64 ? value.f64 : (double)value.f32;
}
