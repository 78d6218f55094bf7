/* tree_copy: a body once more, with a subscript in the place of a loop's variable. Loops and scalars of the copy are its
 * own; arrays are the same. A condition that the subscript decides is known in the copy, and so is what it chooses.
 */
#include "ir/loops/tree.h"

typedef struct Copy {
    LoopTree *tree;
    const Loop *loop; /* what is replaced */
    const Subscript *by;
    int first_loop, first_scalar, loops, scalars; /* of the body: the least number, how many from there on */
    const Loop **new_loop;                        /* from the first on */
    const Scalar **new_scalar;
    const Subscript **new_subscript; /* of an integer that is known to be one */
} Copy;

static const Scalar *known_scalar(const Copy *c, const Scalar *s) {
    bool inside = s != NULL && s->id >= c->first_scalar && s->id < c->first_scalar + c->scalars;
    const Scalar *to = inside ? c->new_scalar[s->id - c->first_scalar] : NULL;
    return to != NULL ? to : s;
}

static const Loop *known_loop(const Copy *c, const Loop *loop) {
    bool inside = loop != NULL && loop->id >= c->first_loop && loop->id < c->first_loop + c->loops;
    const Loop *to = inside ? c->new_loop[loop->id - c->first_loop] : NULL;
    return to != NULL ? to : loop;
}

static const Subscript *known_integer(const Copy *c, const Scalar *s) {
    bool inside = s->id >= c->first_scalar && s->id < c->first_scalar + c->scalars;
    const Subscript *to = inside ? c->new_subscript[s->id - c->first_scalar] : NULL;
    return to != NULL ? to : subscript_of_scalar(c->tree->arena, known_scalar(c, s));
}

static const Subscript *copy_subscript(Copy *c, const Subscript *s) {
    Arena *arena = c->tree->arena;
    if (s == NULL || s->count == 0) return s;
    const Subscript *sum = subscript_number(arena, s->offset);
    for (int i = 0; i < s->count; i++) {
        const SubscriptTerm *t = &s->term[i];
        const Subscript *one;
        if (t->loop == NULL)
            one = known_integer(c, t->scalar);
        else if (t->loop == c->loop)
            one = c->by;
        else
            one = subscript_of_loop(arena, known_loop(c, t->loop));
        sum = subscript_sum(arena, sum, subscript_times(arena, one, t->coef));
    }
    return sum;
}

static Scalar *copy_scalar(Copy *c, const Scalar *s) {
    Scalar *to = tree_scalar(c->tree, s->kind, s->dtype);
    int id = to->id;
    *to = *s;
    to->id = id;
    for (int i = 0; i < 3; i++) to->source[i] = known_scalar(c, s->source[i]);
    to->row = copy_subscript(c, s->row);
    to->at = copy_subscript(c, s->at);
    return to;
}

/* ---- what is known -------------------------------------------------------------------------------------------- */
static bool is_known(const Scalar *s) { return s->kind == SCALAR_CONST && s->dtype == DTYPE_BOOL; }

static void know_condition(Scalar *s) {
    Range r = subscript_range(s->at);
    bool always = r.least >= 0 && r.most < s->n, never = r.most < 0 || r.least >= s->n;
    if (!always && !never) return;
    s->kind = SCALAR_CONST;
    s->value = always;
    s->at = NULL;
}

/* What the copy, of a scalar of that number, is known to be; the copy itself if nothing is known. */
static const Scalar *known_value(Copy *c, int id, Scalar *s) {
    if (s->kind == SCALAR_INSIDE) know_condition(s);
    if (s->kind == SCALAR_WITHIN && is_known(s->source[0]))
        c->new_subscript[id - c->first_scalar] = s->source[0]->value != 0 ? s->at : subscript_number(c->tree->arena, 0);
    if (s->kind != SCALAR_OP || (s->op != OP_WHERE && s->op != OP_AND) || !is_known(s->source[0])) return s;
    if (s->op == OP_AND) return s->source[0]->value != 0 ? s->source[1] : s->source[0];
    return s->source[0]->value != 0 ? s->source[1] : s->source[2];
}

static Loop *copy_loop(Copy *c, const Loop *loop) {
    Loop *to = tree_loop(c->tree, loop->name, loop->extent, loop->mark);
    int id = to->id;
    *to = *loop;
    to->id = id;
    to->block = known_loop(c, loop->block);
    c->new_loop[loop->id - c->first_loop] = to;
    return to;
}

static void copy_body(Copy *c, const Body *from, Body *to) {
    for (int i = 0; i < from->count; i++) {
        const Statement *s = from->items[i];
        Scalar *let = s->kind == STATEMENT_LET ? copy_scalar(c, s->scalar) : NULL;
        const Scalar *known = let != NULL ? known_value(c, s->scalar->id, let) : NULL;
        if (let != NULL) c->new_scalar[s->scalar->id - c->first_scalar] = known;
        if (known != let) continue;
        Statement *copy = tree_statement(c->tree, s->kind);
        *copy = *s;
        copy->body = (Body){0};
        if (let != NULL) copy->scalar = let;
        if (s->kind == STATEMENT_IF || s->kind == STATEMENT_STORE) copy->scalar = known_scalar(c, s->scalar);
        if (s->loop != NULL) copy->loop = copy_loop(c, s->loop);
        copy->row = copy_subscript(c, s->row);
        copy->at = copy_subscript(c, s->at);
        copy->term = copy_subscript(c, s->term);
        copy_body(c, &s->body, &copy->body);
        vector_push(c->tree->arena, to, copy);
    }
}

typedef struct Numbers {
    int least, most;
} Numbers;

static void add_number(Numbers *n, int id) {
    if (id < n->least) n->least = id;
    if (id > n->most) n->most = id;
}

static void find_numbers(const Body *body, Numbers *loops, Numbers *scalars) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_LET) add_number(scalars, s->scalar->id);
        if (s->loop != NULL) add_number(loops, s->loop->id);
        find_numbers(&s->body, loops, scalars);
    }
}

void tree_copy_body(LoopTree *tree, const Body *from, Body *to, const Loop *loop, const Subscript *by) {
    Numbers loops = {tree->loops, -1}, scalars = {tree->scalars, -1};
    find_numbers(from, &loops, &scalars);
    Copy c = {.tree = tree, .loop = loop, .by = by, .first_loop = loops.least, .first_scalar = scalars.least};
    c.loops = loops.most < 0 ? 0 : loops.most - loops.least + 1;
    c.scalars = scalars.most < 0 ? 0 : scalars.most - scalars.least + 1;
    c.new_loop = arena_array(tree->arena, const Loop *, c.loops + 1);
    c.new_scalar = arena_array(tree->arena, const Scalar *, c.scalars + 1);
    c.new_subscript = arena_array(tree->arena, const Subscript *, c.scalars + 1);
    copy_body(&c, from, to);
}
