/* tree_fuse: loops over rows of nests that follow each other become one.
 *
 *   nest a                                        nest a
 *     for rows in 0..rows to 16 by 16               for t in 0..16, vector
 *       for t in 0..16, vector                        chain[t] = -0
 *         z[rows + t] = ..                          for rows in 0..rows to 16 by 16
 *   nest b                                            for t in 0..16, vector
 *     for t in 0..16, vector               ->           z[t] = ..
 *       chain[t] = -0                                   chain[t] = add(chain[t], z[t]), term rows
 *     for rows in 0..rows to 16 by 16               sum[0] = chain[0]
 *       for t in 0..16, vector
 *         chain[t] = add(chain[t], z[rows + t]), term rows
 *     sum[0] = chain[0]
 *
 * So rows go through a small model once, and what it computes of them stays in registers: an array that only one such loop
 * touches needs no more than one vector of rows of it. Two loops are one if an iteration of the second needs of the first no
 * more than the same iteration has made, and if nothing of what stands behind the first, or before the second, is needed
 * by the other. What stands before both comes first, and what stands behind them last. Only short loops are fused, whose
 * lanes are rows: others are worth a cache, and threads, of their own.
 */
#include "ir/loops/verify.h"

enum {
    MOST_STATEMENTS = 400 /* of a loop, with what is unrolled */,
    MOST_BETWEEN = 16,
    MOST_REGISTERS = 64 /* vectors */
};

typedef struct Fuser {
    LoopTree *tree;
    OpenLoops around;
    int arrays;              /* that there were before */
    const Array **registers; /* by array: that have the same, in the loop at hand; NULL: none */
    bool *forwarded;         /* by array: some loop has it in registers */
} Fuser;

/* ---- nests as three parts ----------------------------------------------------------------------------------- */
/* What stands before the only loop over vectors of rows, that loop, and what stands behind it. */
typedef struct NestParts {
    Statement before, after;
    Statement *rows; /* NULL: there is no such loop */
} NestParts;

/* With what is unrolled; more than are allowed where a loop is not. */
static int64_t statements_of(const Body *body) {
    int64_t count = 0;
    for (int i = 0; i < body->count && count <= MOST_STATEMENTS; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_LOOP && s->loop->mark != LOOP_UNROLLED && s->loop->mark != LOOP_VECTOR)
            return MOST_STATEMENTS + 1;
        int64_t times = s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_UNROLLED ? loop_iterations(s->loop) : 1;
        count += 1 + times * statements_of(&s->body);
    }
    return count;
}

static bool is_over_rows_in_lanes(const Statement *s) {
    if (s->kind != STATEMENT_LOOP || !s->loop->rows || s->loop->step == 1 || s->loop->mark != LOOP_SERIAL) return false;
    for (int i = 0; i < s->body.count; i++) {
        const Statement *inside = s->body.items[i];
        if (inside->kind != STATEMENT_LOOP || inside->loop->mark != LOOP_VECTOR ||
            inside->loop->extent != s->loop->step)
            return false;
    }
    return statements_of(&s->body) <= MOST_STATEMENTS;
}

static bool find_parts(Arena *arena, const Statement *nest, NestParts *parts) {
    *parts = (NestParts){.rows = NULL};
    for (int i = 0; i < nest->body.count; i++) {
        Statement *s = nest->body.items[i];
        if (parts->rows == NULL && is_over_rows_in_lanes(s))
            parts->rows = s;
        else if (s->kind == STATEMENT_LOOP && s->loop->rows)
            return false;
        else
            vector_push(arena, parts->rows == NULL ? &parts->before.body : &parts->after.body, s);
    }
    return true;
}

static bool are_alike(const Loop *a, const Loop *b) {
    return a->extent == b->extent && a->step == b->step && a->block == b->block && a->pad == b->pad;
}

/* ---- values that are there already -------------------------------------------------------------------------- */
static const Subscript *with_scalar(Arena *arena, const Subscript *s, const Scalar *from, const Scalar *to) {
    if (s == NULL) return NULL;
    const Subscript *sum = s;
    for (int i = 0; i < s->count; i++) {
        if (s->term[i].scalar != from) continue;
        const Subscript *change = subscript_sum(arena, subscript_of_scalar(arena, to),
                                                subscript_times(arena, subscript_of_scalar(arena, from), -1));
        sum = subscript_sum(arena, sum, subscript_times(arena, change, s->term[i].coef));
    }
    return sum;
}

static void replace_scalar(Arena *arena, Body *body, const Scalar *from, const Scalar *to) {
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        Scalar *let = s->kind == STATEMENT_LET ? (Scalar *)s->scalar : NULL;
        for (int k = 0; let != NULL && k < 3; k++)
            if (let->source[k] == from) let->source[k] = to;
        if (let != NULL) let->row = with_scalar(arena, let->row, from, to);
        if (let != NULL) let->at = with_scalar(arena, let->at, from, to);
        if (s->scalar == from && let == NULL) s->scalar = to;
        s->row = with_scalar(arena, s->row, from, to);
        s->at = with_scalar(arena, s->at, from, to);
        s->term = with_scalar(arena, s->term, from, to);
        replace_scalar(arena, &s->body, from, to);
    }
}

/* Numbers of rows that an earlier statement of the body has. */
static void share_rows(LoopTree *tree, Body *body) {
    Body kept = {0};
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        const Scalar *same = NULL;
        for (int k = 0; k < kept.count && same == NULL; k++) {
            const Scalar *other = kept.items[k]->kind == STATEMENT_LET ? kept.items[k]->scalar : NULL;
            bool rows = s->kind == STATEMENT_LET && s->scalar->kind == SCALAR_ROW && other != NULL;
            if (rows && other->kind == SCALAR_ROW && other->n == s->scalar->n &&
                subscript_equal(other->at, s->scalar->at))
                same = other;
        }
        if (same != NULL)
            replace_scalar(tree->arena, body, s->scalar, same);
        else
            vector_push(tree->arena, &kept, body->items[i]);
    }
    *body = kept;
}

/* ---- one loop ----------------------------------------------------------------------------------------------- */
static Statement *loop_like(LoopTree *tree, const Loop *like) {
    Statement *s = tree_statement(tree, STATEMENT_LOOP);
    Loop *loop = s->loop = tree_loop(tree, like->name, like->extent, like->mark);
    int id = loop->id;
    *loop = *like;
    loop->id = id;
    return s;
}

/* The bodies, one behind the other, in a new loop; NULL: iterations of one need others of the other. */
static Statement *joined(Fuser *f, const Statement *a, const Statement *b) {
    Arena *arena = f->tree->arena;
    Statement *loop = loop_like(f->tree, a->loop);
    Body parts[2] = {{0}, {0}};
    const Subscript *by = subscript_of_loop(arena, loop->loop);
    tree_copy_body(f->tree, &a->body, &parts[0], a->loop, by);
    tree_copy_body(f->tree, &b->body, &parts[1], b->loop, by);
    for (int p = 0; p < 2; p++)
        for (int i = 0; i < parts[p].count; i++) vector_push(arena, &loop->body, parts[p].items[i]);
    return iterations_meet(arena, loop, &parts[0], &parts[1], &f->around) ? NULL : loop;
}

/* The loops over lanes that follow each other become one, as far as they can. */
static void join_lanes(Fuser *f, Statement *rows) {
    Body all = {0};
    f->around.loop[f->around.count++] = rows->loop;
    for (int i = 0; i < rows->body.count; i++) {
        Statement *s = rows->body.items[i], *last = all.count > 0 ? all.items[all.count - 1] : NULL;
        Statement *both = last != NULL ? joined(f, last, s) : NULL;
        if (both != NULL)
            all.items[all.count - 1] = both;
        else
            vector_push(f->tree->arena, &all, s);
    }
    f->around.count--;
    for (int i = 0; i < all.count; i++) share_rows(f->tree, &all.items[i]->body);
    rows->body = all;
}

/* ---- what stays in registers -------------------------------------------------------------------------------- */
/* Of arrays that the loop over lanes stores and loads, elements are loaded from registers; the stores in memory are for those
 * who read them elsewhere. */
typedef struct Forwarding {
    Fuser *f;
    const Loop *rows, *lanes;
    uint8_t *stored;         /* by array: by what comes before */
    const Array **registers; /* by array */
    bool unknown;            /* an element that is stored and loaded is not known to be the same iteration's */
} Forwarding;

static int64_t rows_of(const Loop *rows) {
    int64_t most = rows->block != NULL ? rows->block->step : rows->extent;
    return (most + rows->pad - 1) / rows->pad * rows->pad;
}

/* The place in a vector of rows, of an array whose rows are beside each other; NULL: they are not, or it is not known. */
static const Subscript *place_in_vector(const Forwarding *w, const Array *array, const Subscript *at) {
    Arena *arena = w->f->tree->arena;
    const Subscript *lane = subscript_of_loop(arena, w->lanes);
    const Subscript *row = subscript_sum(arena, subscript_of_loop(arena, w->rows), lane);
    const Subscript *rest = subscript_sum(arena, at, subscript_times(arena, row, -1)), *place = lane;
    int64_t rows = rows_of(w->rows);
    if (array->elements % rows != 0 || array->elements / rows > MOST_REGISTERS || rest->offset % rows != 0) return NULL;
    place = subscript_sum(arena, place, subscript_number(arena, rest->offset / rows * w->rows->step));
    for (int i = 0; i < rest->count; i++) {
        const SubscriptTerm *t = &rest->term[i];
        if (t->loop == NULL || t->loop->mark != LOOP_UNROLLED || t->coef % rows != 0) return NULL;
        const Subscript *loop = subscript_of_loop(arena, t->loop);
        place = subscript_sum(arena, place, subscript_times(arena, loop, t->coef / rows * w->rows->step));
    }
    return place;
}

/* What is loaded before it is stored is what was there before. */
static void forward_loads(Forwarding *w, const Body *body) {
    Fuser *f = w->f;
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        Scalar *load = s->kind == STATEMENT_LET && s->scalar->kind == SCALAR_LOAD ? (Scalar *)s->scalar : NULL;
        forward_loads(w, &s->body);
        if (s->kind == STATEMENT_STORE && s->array->memory == ARRAY_WORK) w->stored[s->array->id] = 1;
        if (load == NULL || load->array->memory != ARRAY_WORK || !w->stored[load->array->id]) continue;
        const Array *array = load->array, **as = &w->registers[array->id];
        const Subscript *at = place_in_vector(w, array, load->at);
        w->unknown |= at == NULL;
        if (at == NULL) continue;
        if (*as == NULL)
            *as = tree_array(f->tree, ARRAY_REGISTERS, 0, array->dtype,
                             array->elements / rows_of(w->rows) * w->rows->step, array->name);
        load->array = *as;
        load->at = at;
    }
}

/* Elements of a row that a store in the loop over lanes reaches. */
static int64_t elements_reached(const Subscript *place) {
    int64_t elements = 1;
    for (int i = 0; i < place->count; i++)
        if (place->term[i].loop->mark == LOOP_UNROLLED) elements *= loop_iterations(place->term[i].loop);
    return elements;
}

/* Where an earlier loop that has become part of this one had the registers, they are stored already. */
static void forward_stores(Forwarding *w, Body *body) {
    Body all = {0};
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        forward_stores(w, &s->body);
        vector_push(w->f->tree->arena, &all, s);
        int id = s->kind == STATEMENT_STORE && s->array->id < w->f->arrays ? s->array->id : -1;
        if (id < 0 || w->registers[id] == NULL || w->f->registers[id] != NULL) continue;
        Statement *also = tree_statement(w->f->tree, STATEMENT_STORE);
        also->array = w->registers[id];
        also->at = place_in_vector(w, s->array, s->at);
        also->scalar = s->scalar;
        w->unknown |= also->at == NULL || elements_reached(also->at) * w->rows->step < also->array->elements;
        vector_push(w->f->tree->arena, &all, also);
    }
    *body = all;
}

/* Whether what is loaded in the loop is known to be what the same iteration has stored. */
static bool forward(Fuser *f, Statement *rows) {
    Forwarding w = {.f = f, .rows = rows->loop, .stored = arena_array(f->tree->arena, uint8_t, f->tree->arrays.count)};
    w.registers = arena_array(f->tree->arena, const Array *, f->arrays);
    for (int a = 0; a < f->arrays; a++) w.registers[a] = f->registers[a];
    for (int i = 0; i < 2 * rows->body.count; i++) {
        Statement *lanes = rows->body.items[i % rows->body.count];
        w.lanes = lanes->loop;
        if (i < rows->body.count)
            forward_loads(&w, &lanes->body);
        else
            forward_stores(&w, &lanes->body);
    }
    if (w.unknown) return false;
    f->registers = w.registers;
    for (int a = 0; a < f->arrays; a++) f->forwarded[a] |= w.registers[a] != NULL;
    return true;
}

/* ---- nests -------------------------------------------------------------------------------------------------- */
static Statement *fused(Fuser *f, const Statement *nest_a, const Statement *between, const Statement *nest_b) {
    Arena *arena = f->tree->arena;
    NestParts a, b;
    if (!find_parts(arena, nest_a, &a) || !find_parts(arena, nest_b, &b)) return NULL;
    if (a.rows == NULL || b.rows == NULL || !are_alike(a.rows->loop, b.rows->loop)) return NULL;
    if (statements_of(&a.rows->body) + statements_of(&b.rows->body) > MOST_STATEMENTS) return NULL;
    for (int i = 0; i < between->body.count; i++) vector_push(arena, &a.after.body, between->body.items[i]);
    if (loops_meet(arena, a.rows, &b.before) || loops_meet(arena, &a.after, &b.before) ||
        loops_meet(arena, &a.after, b.rows))
        return NULL;
    Statement *rows = joined(f, a.rows, b.rows);
    if (rows == NULL) return NULL;
    join_lanes(f, rows);
    if (!forward(f, rows)) return NULL;
    Statement *nest = tree_statement(f->tree, STATEMENT_NEST);
    nest->node = nest_a->node;
    const Body *parts[] = {&a.before.body, &b.before.body, NULL, &a.after.body, &b.after.body};
    for (int p = 0; p < 5; p++) {
        if (parts[p] == NULL) vector_push(arena, &nest->body, rows);
        for (int i = 0; parts[p] != NULL && i < parts[p]->count; i++)
            vector_push(arena, &nest->body, parts[p]->items[i]);
    }
    return nest;
}

/* A few values that do not belong to rows. */
static bool is_between(Arena *arena, const Statement *nest) {
    NestParts parts;
    return nest->kind == STATEMENT_NEST && find_parts(arena, nest, &parts) && parts.rows == NULL &&
           statements_of(&nest->body) <= MOST_BETWEEN;
}

static bool fuse_body(Fuser *f, Body *body) {
    Arena *arena = f->tree->arena;
    Body all = {0};
    bool any = false;
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        if (s->kind == STATEMENT_LOOP) {
            f->around.loop[f->around.count++] = s->loop;
            any |= fuse_body(f, &s->body);
            f->around.count--;
        }
        Statement between = {0};
        f->registers = arena_array(arena, const Array *, f->arrays);
        for (int k = i + 1; s->kind == STATEMENT_NEST && k < body->count; k++) {
            if (body->items[k]->kind != STATEMENT_NEST) break;
            Statement *both = fused(f, s, &between, body->items[k]);
            if (both != NULL) {
                s = both;
                i = k;
                between = (Statement){0};
                any = true;
            } else if (is_between(arena, body->items[k])) {
                for (int j = 0; j < body->items[k]->body.count; j++)
                    vector_push(arena, &between.body, body->items[k]->body.items[j]);
            } else {
                break;
            }
        }
        vector_push(arena, &all, s);
    }
    *body = all;
    return any;
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */
static void find_loaded(const Body *body, bool *loaded) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_LET && s->scalar->kind == SCALAR_LOAD) loaded[s->scalar->array->id] = true;
        find_loaded(&s->body, loaded);
    }
}

/* Of what is in registers for all who load it. */
static void drop_stores(const Fuser *f, Body *body, const bool *loaded) {
    int kept = 0;
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        bool of_old = s->kind == STATEMENT_STORE && s->array->id < f->arrays;
        drop_stores(f, &s->body, loaded);
        if (!of_old || !f->forwarded[s->array->id] || loaded[s->array->id]) body->items[kept++] = s;
    }
    body->count = kept;
}

void tree_fuse(LoopTree *tree) {
    Fuser f = {.tree = tree, .arrays = tree->arrays.count};
    f.forwarded = arena_array(tree->arena, bool, f.arrays);
    if (!fuse_body(&f, &tree->body)) return;
    bool *loaded = arena_array(tree->arena, bool, tree->arrays.count);
    find_loaded(&tree->body, loaded);
    drop_stores(&f, &tree->body, loaded);
    for (int a = 0; a < tree->arrays.count; a++) tree->arrays.items[a]->first = tree->arrays.items[a]->last = -1;
    tree_give_places(tree);
}
