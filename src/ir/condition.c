/* condition: see condition.h. Conditions that come one after the other are a conjunction, the last one on the right, and
 * each is carried by itself: one that is the same for all terms of a sum outlives it where another one ends. */
#include "ir/condition.h"

#include "ir/affine.h"

enum { MOST_CARRIED = 16 }; /* conditions of one adjoint; wider is right, too */

Node *condition_and(Graph *g, Node *a, Node *b) { return !a || a == b ? b : !b ? a : graph_binary(g, OP_AND, a, b); }

static bool are_opposite(const Node *a, const Node *b) { return a->op == OP_NOT && a->source[0] == b; }

Node *condition_or(Graph *g, Node *a, Node *b) {
    if (!a || !b || are_opposite(a, b) || are_opposite(b, a)) return NULL;
    return a == b ? a : graph_binary(g, OP_OR, a, b);
}

typedef Node *Carry(Graph *g, Node *live, const void *context);

static Node *carry_each(Graph *g, Node *live, Carry *carry, const void *context) {
    Node *carried = NULL;
    for (int i = 0; live && i < MOST_CARRIED; i++) {
        bool both = live->op == OP_AND;
        carried = condition_and(g, carry(g, both ? live->source[1] : live, context), carried);
        live = both ? live->source[0] : NULL;
    }
    return carried;
}

typedef struct Terms {
    const IndexSpace *space;
    const Access *to;
    Shape shape;
} Terms;

static Node *carry_to_source(Graph *g, Node *live, const void *context) {
    const Terms *terms = context;
    Reading reading = {live, {.rank = live->shape.rank}};
    for (int a = 0; a < live->shape.rank; a++) reading.access.axis[a] = axis_map_index(a);
    if (live->op == OP_VIEW) reading = (Reading){live->source[0], live->attr.contraction->access[0]};
    return inverse_where(g, terms->space, terms->to, terms->shape, &reading);
}

Node *condition_of_source(Graph *g, Node *live, const IndexSpace *space, const Access *to, Shape source) {
    return carry_each(g, live, carry_to_source, &(Terms){space, to, source});
}

static bool is_same_everywhere(const Node *live) {
    if (shape_size(live->shape) == 1) return true;
    if (live->op != OP_VIEW) return false;
    const Access *access = &live->attr.contraction->access[0];
    for (int a = 0; a < access->rank; a++) {
        for (int k = 0; k < live->shape.rank; k++) {
            if (access->axis[a].coef[k]) return false;
        }
    }
    return true;
}

static Node *carry_everywhere(Graph *g, Node *live, const void *context) {
    Access first = {.rank = live->shape.rank};
    for (int a = 0; a < first.rank; a++) first.axis[a] = axis_map_constant(0);
    return is_same_everywhere(live) ? graph_view(g, live, *(const Shape *)context, &first) : NULL;
}

static Node *carry_to_shape(Graph *g, Node *live, const void *context) {
    Node *same = carry_everywhere(g, live, context);
    return same ? same : graph_reshape(g, live, *(const Shape *)context);
}

Node *condition_everywhere(Graph *g, Node *live, Shape shape) { return carry_each(g, live, carry_everywhere, &shape); }

Node *condition_reshaped(Graph *g, Node *live, Shape shape) { return carry_each(g, live, carry_to_shape, &shape); }

static Node *carry_past_rows(Graph *g, Node *live, const void *context) {
    (void)g, (void)context;
    return live->rows ? NULL : live;
}

Node *condition_without_rows(Graph *g, Node *live) { return carry_each(g, live, carry_past_rows, NULL); }
