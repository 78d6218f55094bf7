/* part: in which steps an update block is taken, a pure function of where a training stands. Generated code decides the
 * same (codegen/llvm/parts.c). Of `every 2 steps` it is the last one: the second, the fourth, and so on, as `report`
 * counts them. */
#include "ir/program.h"
#include <string.h>

typedef struct Standing {
    uint64_t step, epoch;
} Standing;

static double side_of(const Watch *side, const Standing *at) {
    if (side->kind == WATCH_NUMBER) return side->number;
    return (double)(strcmp(side->figure, "step") == 0 ? at->step : at->epoch);
}

static bool holds(const Watch *watch, const Standing *at) {
    double left = 0, right = 0;
    if (watch->kind >= WATCH_LT) {
        left = side_of(watch->left, at);
        right = side_of(watch->right, at);
    }
    switch (watch->kind) {
    case WATCH_EVERY:
        return ((strcmp(watch->figure, "step") == 0 ? at->step : at->epoch) + 1) % (uint64_t)watch->number == 0;
    case WATCH_NOT: return !holds(watch->left, at);
    case WATCH_AND: return holds(watch->left, at) && holds(watch->right, at);
    case WATCH_OR: return holds(watch->left, at) || holds(watch->right, at);
    case WATCH_LT: return left < right;
    case WATCH_LE: return left <= right;
    case WATCH_GT: return left > right;
    case WATCH_GE: return left >= right;
    case WATCH_NUMBER:
    case WATCH_FIGURE:
    case WATCH_STALLED: break;
    }
    INTERNAL_ERROR("no condition of an update: %d", (int)watch->kind);
}

bool part_is_due(const Watch *when, uint64_t step, uint64_t epoch) {
    return !when || holds(when, &(Standing){step, epoch});
}
