/* memory_plan: where arrays lie in the work block.
 *
 * An array lives from the nest that first touches it to the one that last does; one that a loop around nests finds full, or
 * leaves full, lives as long as that loop. Arrays that live at different times share bytes.
 *
 * No plan can take less than the bytes that live at one nest. To come close, arrays are placed in a few orders (the largest
 * first, those of the largest bytes times life, the longest lived, the earliest), each in the lowest gap or in the tightest
 * one, and then what lies on top is placed earlier, until nothing is gained. All of it is deterministic.
 */
#include "ir/loops/tree.h"
#include <stdlib.h>

enum { ARRAY_ALIGNMENT = 64, MOST_WORK = 1 << 20, MOST_TRIES = 32 };

/* ---- when arrays live --------------------------------------------------------------------------------------- */
/* The arrays are those of the tree; lives are counted in nests. */
static void touch(const Array *array, const LoopTree *tree, int nest) {
    Array *a = tree->arrays.items[array->id];
    if (a->first < 0) a->first = nest;
    a->last = nest;
}

static void touch_all(const Body *body, const LoopTree *tree, int nest) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_STORE) touch(s->array, tree, nest);
        if (s->kind == STATEMENT_LET && s->scalar->array != NULL) touch(s->scalar->array, tree, nest);
        touch_all(&s->body, tree, nest);
    }
}

/* The number of the nest after the body. */
static int touch_nests(const Body *body, const LoopTree *tree, int nest) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_NEST)
            touch_all(&s->body, tree, nest++);
        else
            nest = touch_nests(&s->body, tree, nest);
    }
    return nest;
}

/* What lives before a loop around nests and in it, or in it and after, lives in all of its iterations. */
static int live_through_loops(const Body *body, const LoopTree *tree, int nest) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        int begin = nest;
        if (s->kind == STATEMENT_NEST) {
            nest++;
            continue;
        }
        nest = live_through_loops(&s->body, tree, nest);
        for (int a = 0; a < tree->arrays.count && s->kind == STATEMENT_LOOP; a++) {
            Array *array = tree->arrays.items[a];
            if (array->first >= begin && array->first < nest && array->last >= nest) array->first = begin;
            if (array->first >= 0 && array->first < begin && array->last >= begin && array->last < nest)
                array->last = nest - 1;
        }
    }
    return nest;
}

static int find_lives(const LoopTree *tree) {
    for (int a = 0; a < tree->arrays.count; a++) tree->arrays.items[a]->first = tree->arrays.items[a]->last = -1;
    int nests = touch_nests(&tree->body, tree, 0);
    live_through_loops(&tree->body, tree, 0);
    return nests;
}

/* ---- places ------------------------------------------------------------------------------------------------- */
static size_t array_bytes(const Array *array) {
    size_t bytes = (size_t)array->elements * dtype_bytes(array->dtype);
    return (bytes + ARRAY_ALIGNMENT - 1) / ARRAY_ALIGNMENT * ARRAY_ALIGNMENT;
}

/* The most bytes that live at one nest. */
static size_t least_bytes(Arena *arena, Array *const *arrays, int count, int nests) {
    size_t *change = arena_array(arena, size_t, nests + 1), now = 0, most = 0;
    for (int i = 0; i < count; i++) {
        change[arrays[i]->first] += array_bytes(arrays[i]);
        change[arrays[i]->last + 1] -= array_bytes(arrays[i]); /* unsigned: sums come out right */
    }
    for (int nest = 0; nest < nests; nest++) {
        now += change[nest];
        most = now > most ? now : most;
    }
    return most;
}

typedef struct Placed {
    const Array *array;
    size_t at, end;
} Placed;
typedef struct Plan {
    Placed *sorted, *best; /* by place: of the order at hand; of the best one */
    size_t bytes;          /* of the best */
    int count;
} Plan;

/* The place of the next array among those placed before it that live at the same time. */
static size_t find_place(const Plan *p, int placed, const Array *array, bool tightest) {
    size_t bytes = array_bytes(array), end = 0, least = SIZE_MAX, found = 0;
    for (int i = 0; i < placed; i++) {
        const Placed *other = &p->sorted[i];
        if (other->array->last < array->first || other->array->first > array->last) continue;
        if (other->at >= end + bytes && other->at - end < least) {
            least = other->at - end;
            found = end;
            if (!tightest) return found;
        }
        end = other->end > end ? other->end : end;
    }
    return least == SIZE_MAX ? end : found;
}

/* Keeps the plan if it is the best so far. Returns the index in order of the array that lies on top. */
static int try_order(Plan *p, Array *const *order, bool tightest) {
    size_t most = 0;
    int top = 0;
    for (int i = 0; i < p->count; i++) {
        size_t at = find_place(p, i, order[i], tightest), end = at + array_bytes(order[i]);
        int k = i;
        for (; k > 0 && p->sorted[k - 1].at > at; k--) p->sorted[k] = p->sorted[k - 1];
        p->sorted[k] = (Placed){order[i], at, end};
        if (end > most) {
            most = end;
            top = i;
        }
    }
    if (most < p->bytes) {
        Placed *other = p->best;
        p->bytes = most;
        p->best = p->sorted;
        p->sorted = other;
    }
    return top;
}

static void move_to(Array **order, int from, int to) {
    Array *array = order[from];
    for (int i = from; i > to; i--) order[i] = order[i - 1];
    order[to] = array;
}

/* What lies on top is placed earlier, first among all, then in the middle of those before it. */
static void raise_top(Plan *p, Array **order, bool tightest, size_t enough) {
    int64_t tries = MOST_WORK / ((int64_t)p->count * p->count + 1);
    if (tries > MOST_TRIES) tries = MOST_TRIES;
    for (int top = try_order(p, order, tightest); tries > 0 && top > 0 && p->bytes > enough; tries--) {
        move_to(order, top, tries % 2 ? top / 2 : 0);
        top = try_order(p, order, tightest);
    }
}

/* ---- orders ------------------------------------------------------------------------------------------------- */
typedef enum ArrayOrder { EARLIER_FIRST, LARGER_FIRST, LARGER_AREA_FIRST, LONGER_FIRST, ARRAY_ORDERS } ArrayOrder;
typedef struct Ordered {
    Array *array;
    double key; /* the least comes first */
} Ordered;

static double key_of(const Array *array, ArrayOrder order) {
    double bytes = (double)array_bytes(array), life = array->last - array->first + 1;
    const double keys[] = {array->first, -bytes, -bytes * life, -life};
    return keys[order];
}

static int by_key(const void *a, const void *b) {
    const Ordered *x = a, *y = b;
    return x->key > y->key ? 1 : x->key < y->key ? -1 : x->array->id - y->array->id;
}

static void sort_arrays(Arena *arena, Array **arrays, int count, ArrayOrder order) {
    Ordered *all = arena_array(arena, Ordered, count);
    for (int i = 0; i < count; i++) all[i] = (Ordered){arrays[i], key_of(arrays[i], order)};
    qsort(all, (size_t)count, sizeof *all, by_key);
    for (int i = 0; i < count; i++) arrays[i] = all[i].array;
}

void tree_give_places(LoopTree *tree) {
    tree_take_unused(tree);
    int nests = find_lives(tree), arrays = tree->arrays.count;
    Array **order = arena_array(tree->arena, Array *, arrays + 1);
    Plan p = {.sorted = arena_array(tree->arena, Placed, arrays + 1),
              .best = arena_array(tree->arena, Placed, arrays + 1),
              .bytes = SIZE_MAX};
    for (int a = 0; a < arrays; a++) {
        Array *array = tree->arrays.items[a];
        if (array->memory == ARRAY_WORK && array->first >= 0) order[p.count++] = array;
    }
    size_t least = least_bytes(tree->arena, order, p.count, nests), enough = least + least / 50;
    for (int way = 0; way < 2 * ARRAY_ORDERS && p.count > 0 && p.bytes > enough; way++) {
        sort_arrays(tree->arena, order, p.count, (ArrayOrder)(way / 2));
        raise_top(&p, order, way % 2 == 1, enough);
    }
    for (int i = 0; i < p.count; i++) tree->arrays.items[p.best[i].array->id]->offset = p.best[i].at;
    tree->work_bytes = p.count > 0 ? p.bytes : 0;
}
