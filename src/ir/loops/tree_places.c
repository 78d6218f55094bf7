/* tree_places: where arrays lie in the work block.
 *
 * An array lives from the nest that first touches it to the one that last does; one that a loop around nests finds full, or
 * leaves full, lives as long as that loop. Arrays that live at different times share bytes: each gets the lowest gap among those that
 * live with it. What nobody needs is taken out first.
 */
#include "ir/loops/tree.h"
#include <string.h>

enum { ARRAY_ALIGNMENT = 64 };

/* ---- what nobody needs -------------------------------------------------------------------------------------- */
static void use_subscript(const Subscript *s, uint8_t *used);

static void use_scalar(const Scalar *s, uint8_t *used) {
    if (used[s->id]) return;
    used[s->id] = 1;
    for (int i = 0; i < 3 && s->source[i] != NULL; i++) use_scalar(s->source[i], used);
    use_subscript(s->row, used);
    use_subscript(s->at, used);
}

static void use_subscript(const Subscript *s, uint8_t *used) {
    for (int i = 0; s != NULL && i < s->count; i++)
        if (s->term[i].scalar != NULL) use_scalar(s->term[i].scalar, used);
}

static void find_used(const Body *body, uint8_t *used) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_IF || s->kind == STATEMENT_STORE) use_scalar(s->scalar, used);
        use_subscript(s->row, used);
        use_subscript(s->at, used);
        find_used(&s->body, used);
    }
}

void tree_find_loaded(const Body *body, uint8_t *loaded) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_LET && s->scalar->kind == SCALAR_LOAD) loaded[s->scalar->array->id] = 1;
        if (s->kind == STATEMENT_TRANSPOSE) loaded[s->array->id] = 1;
        tree_find_loaded(&s->body, loaded);
    }
}

/* Whether something was. */
static bool take_unused(Body *body, const uint8_t *used, const uint8_t *loaded) {
    int kept = 0;
    bool taken = false;
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        bool unused = (s->kind == STATEMENT_LET && !used[s->scalar->id]) ||
                      (s->kind == STATEMENT_STORE && s->array->memory == ARRAY_REGISTERS && !loaded[s->array->id]);
        taken |= unused || take_unused(&s->body, used, loaded);
        if (!unused && (s->kind != STATEMENT_LOOP || s->body.count > 0)) body->items[kept++] = s;
    }
    body->count = kept;
    return taken;
}

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
    int nests = touch_nests(&tree->body, tree, 0);
    live_through_loops(&tree->body, tree, 0);
    return nests;
}

/* ---- places ------------------------------------------------------------------------------------------------- */
typedef Vector(const Array *) LivingArrays; /* by offset */

static size_t array_bytes(const Array *array) {
    size_t bytes = (size_t)array->elements * dtype_bytes(array->dtype);
    return (bytes + ARRAY_ALIGNMENT - 1) / ARRAY_ALIGNMENT * ARRAY_ALIGNMENT;
}

static void drop_dead(LivingArrays *living, int now) {
    int kept = 0;
    for (int i = 0; i < living->count; i++)
        if (living->items[i]->last >= now) living->items[kept++] = living->items[i];
    living->count = kept;
}

static void give_place(LoopTree *tree, LivingArrays *living, Array *array) {
    size_t at = 0, bytes = array_bytes(array);
    int i = 0;
    for (; i < living->count && living->items[i]->offset < at + bytes; i++)
        at = living->items[i]->offset + array_bytes(living->items[i]);
    array->offset = at;
    vector_push(tree->arena, living, array);
    for (int k = living->count - 1; k > i; k--) living->items[k] = living->items[k - 1];
    living->items[i] = array;
    if (at + bytes > tree->work_bytes) tree->work_bytes = at + bytes;
}

void tree_take_unused(LoopTree *tree) {
    for (bool again = true; again;) {
        uint8_t *used = arena_array(tree->arena, uint8_t, tree->scalars + 1),
                *loaded = arena_array(tree->arena, uint8_t, tree->arrays.count + 1);
        find_used(&tree->body, used);
        tree_find_loaded(&tree->body, loaded);
        again = take_unused(&tree->body, used, loaded);
    }
}

void tree_give_places(LoopTree *tree) {
    tree_take_unused(tree);
    int nests = find_lives(tree);
    LivingArrays living = {0};
    Vector(Array *) *begins = (void *)arena_alloc(tree->arena, sizeof *begins * (size_t)(nests + 1));
    for (int a = 0; a < tree->arrays.count; a++) {
        Array *array = tree->arrays.items[a];
        if (array->memory == ARRAY_WORK && array->first >= 0) vector_push(tree->arena, &begins[array->first], array);
    }
    tree->work_bytes = 0;
    for (int n = 0; n < nests; n++) {
        drop_dead(&living, n);
        for (int i = 0; i < begins[n].count; i++) give_place(tree, &living, begins[n].items[i]);
    }
}
