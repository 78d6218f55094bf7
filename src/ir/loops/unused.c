/* unused: takes out what nobody needs: scalars that are not used, and stores in registers that are not loaded. */
#include "ir/loops/tree.h"

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

/* Scalars that are used, and arrays of which something is loaded. */
static void find_used(const Body *body, uint8_t *used, uint8_t *loaded) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_IF || s->kind == STATEMENT_STORE) use_scalar(s->scalar, used);
        if (s->kind == STATEMENT_LET && s->scalar->kind == SCALAR_LOAD) loaded[s->scalar->array->id] = 1;
        if (s->kind == STATEMENT_TRANSPOSE) loaded[s->array->id] = 1;
        use_subscript(s->row, used);
        use_subscript(s->at, used);
        find_used(&s->body, used, loaded);
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

void tree_take_unused(LoopTree *tree) {
    for (bool again = true; again;) {
        uint8_t *used = arena_array(tree->arena, uint8_t, tree->scalars + 1),
                *loaded = arena_array(tree->arena, uint8_t, tree->arrays.count + 1);
        find_used(&tree->body, used, loaded);
        again = take_unused(&tree->body, used, loaded);
    }
}
