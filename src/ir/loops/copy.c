/* copy: a body once more, with a subscript in the place of a loop's variable. Loops and scalars of the copy are its
 * own; arrays are the same. What the subscript makes known is not asked in the copy: a condition that always holds, or
 * never, a quotient of a number.
 */
#include "ir/loops/tree.h"

typedef struct Copy {
    LoopTree *tree;
    const Loop *loop; /* what is replaced */
    const Subscript *by;
    int first_loop, first_scalar, loops, scalars; /* of the body: the least number, how many from there on */
    const Loop **new_loop;                        /* from the first on */
    const Scalar **new_scalar;
    Certainty *truth;     /* likewise: of conditions */
    const Subscript **as; /* of integers that are no scalars any more */
} Copy;

static const Scalar *known_scalar(const Copy *c, const Scalar *s) {
    bool inside = s != NULL && s->id >= c->first_scalar && s->id < c->first_scalar + c->scalars;
    const Scalar *to = inside ? c->new_scalar[s->id - c->first_scalar] : NULL;
    return to != NULL ? to : s;
}

static Certainty known_truth(const Copy *c, const Scalar *s) {
    bool inside = s->id >= c->first_scalar && s->id < c->first_scalar + c->scalars;
    return inside ? c->truth[s->id - c->first_scalar] : SOMETIMES;
}

static const Subscript *known_integer(const Copy *c, const Scalar *s) {
    bool inside = s->id >= c->first_scalar && s->id < c->first_scalar + c->scalars;
    const Subscript *as = inside ? c->as[s->id - c->first_scalar] : NULL;
    return as != NULL ? as : subscript_of_scalar(c->tree->arena, known_scalar(c, s));
}

static const Loop *known_loop(const Copy *c, const Loop *loop) {
    bool inside = loop != NULL && loop->id >= c->first_loop && loop->id < c->first_loop + c->loops;
    const Loop *to = inside ? c->new_loop[loop->id - c->first_loop] : NULL;
    return to != NULL ? to : loop;
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

/* ---- what is known ------------------------------------------------------------------------------------------ */
static Certainty truth_of_equal(const Copy *c, const Subscript *a, const Subscript *b) {
    Range r = subscript_range(subscript_sum(c->tree->arena, a, subscript_times(c->tree->arena, b, -1)));
    return r.least == 0 && r.most == 0 ? ALWAYS : r.least > 0 || r.most < 0 ? NEVER : SOMETIMES;
}

/* Of the copy `to`. */
static Certainty truth_of(const Copy *c, const Scalar *s, const Scalar *to) {
    if (s->kind == SCALAR_INSIDE) return truth_of_inside(to->at, to->n);
    if (s->kind == SCALAR_EQUAL) return truth_of_equal(c, to->at, to->row);
    if (s->kind != SCALAR_OP || s->op != OP_AND) return SOMETIMES;
    Certainty a = known_truth(c, s->source[0]), b = known_truth(c, s->source[1]);
    return a == NEVER || b == NEVER ? NEVER : a == ALWAYS && b == ALWAYS ? ALWAYS : SOMETIMES;
}

/* Which of its sources the scalar is; NULL: none. */
static const Scalar *same_as(const Copy *c, const Scalar *s) {
    if (s->kind != SCALAR_OP || (s->op != OP_AND && s->op != OP_WHERE)) return NULL;
    Certainty first = known_truth(c, s->source[0]);
    if (s->op == OP_WHERE && first == SOMETIMES) return NULL;
    if (s->op == OP_WHERE) return known_scalar(c, s->source[first == ALWAYS ? 1 : 2]);
    if (first == ALWAYS) return known_scalar(c, s->source[1]);
    return known_truth(c, s->source[1]) == ALWAYS ? known_scalar(c, s->source[0]) : NULL;
}

/* What an integer is, if it is a subscript; NULL: not. */
static const Subscript *integer_as(const Copy *c, const Scalar *s, const Scalar *to) {
    bool divides = s->kind == SCALAR_QUOTIENT || s->kind == SCALAR_REMAINDER;
    if (s->kind == SCALAR_WITHIN && known_truth(c, s->source[0]) == ALWAYS) return to->at;
    if (s->kind == SCALAR_WITHIN && known_truth(c, s->source[0]) == NEVER) return subscript_number(c->tree->arena, 0);
    if (!divides || to->at->count > 0) return NULL;
    int64_t n = s->kind == SCALAR_QUOTIENT ? to->at->offset / s->n : to->at->offset % s->n;
    return subscript_number(c->tree->arena, n);
}

/* NULL: it is a scalar that is there already. */
static const Scalar *copy_scalar(Copy *c, const Scalar *s) {
    int at = s->id - c->first_scalar;
    const Scalar *same = same_as(c, s);
    if (same != NULL) {
        c->new_scalar[at] = same;
        return NULL;
    }
    Scalar *to = tree_scalar(c->tree, s->kind, s->dtype);
    int id = to->id;
    *to = *s;
    to->id = id;
    for (int i = 0; i < 3; i++) to->source[i] = known_scalar(c, s->source[i]);
    to->row = copy_subscript(c, s->row);
    to->at = copy_subscript(c, s->at);
    c->new_scalar[at] = to;
    c->truth[at] = truth_of(c, s, to);
    c->as[at] = integer_as(c, s, to);
    return to;
}

static Loop *copy_loop(Copy *c, const Loop *loop) {
    Loop *to = tree_loop_like(c->tree, loop);
    to->block = known_loop(c, loop->block);
    c->new_loop[loop->id - c->first_loop] = to;
    return to;
}

static void copy_body(Copy *c, const Body *from, Body *to);

static void copy_statement(Copy *c, const Statement *s, Body *to) {
    Certainty truth = s->kind == STATEMENT_IF ? known_truth(c, s->scalar) : SOMETIMES;
    const Scalar *let = s->kind == STATEMENT_LET ? copy_scalar(c, s->scalar) : NULL;
    if (truth == ALWAYS) copy_body(c, &s->body, to);
    if (truth != SOMETIMES || (s->kind == STATEMENT_LET && let == NULL)) return;
    Statement *copy = tree_statement(c->tree, s->kind);
    *copy = *s;
    copy->body = (Body){0};
    if (s->kind == STATEMENT_LET) copy->scalar = let;
    if (s->kind == STATEMENT_IF || s->kind == STATEMENT_STORE) copy->scalar = known_scalar(c, s->scalar);
    if (s->loop != NULL) copy->loop = copy_loop(c, s->loop);
    copy->row = copy_subscript(c, s->row);
    copy->at = copy_subscript(c, s->at);
    copy->term = copy_subscript(c, s->term);
    copy_body(c, &s->body, &copy->body);
    vector_push(c->tree->arena, to, copy);
}

static void copy_body(Copy *c, const Body *from, Body *to) {
    for (int i = 0; i < from->count; i++) copy_statement(c, from->items[i], to);
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
    c.truth = arena_array(tree->arena, Certainty, c.scalars + 1);
    c.as = arena_array(tree->arena, const Subscript *, c.scalars + 1);
    copy_body(&c, from, to);
}
