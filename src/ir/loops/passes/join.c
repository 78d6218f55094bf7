/* join: sums over rows of nests that follow each other become one loop.
 *
 *   nest a                                        nest a
 *     for t in 0..16, vector                        for t in 0..16, vector
 *       chain1[t] = -0                                chain1[t] = -0
 *     for rows in 0..rows to 16 by 16               for t in 0..16, vector
 *       for t in 0..16, vector                        chain2[t] = -0
 *         chain1[t] = .., term rows        ->       for rows in 0..rows to 16 by 16
 *     w[0] = chain1[0]                                for t in 0..16, vector
 *   nest b                                              chain1[t] = .., term rows
 *     for t in 0..16, vector                            chain2[t] = .., term rows
 *       chain2[t] = -0                              w[0] = chain1[0]
 *     for rows in 0..rows to 16 by 16               b[0] = chain2[0]
 *       for t in 0..16, vector
 *         chain2[t] = .., term rows
 *     b[0] = chain2[0]
 *
 * A chain waits for each of its terms: several side by side wait no longer than one. Two loops are one if an iteration of the
 * second needs of the first no more than the same iteration has made, and if nothing of what stands behind the first, or
 * before the second, is needed by the other. What stands before both comes first, and what stands behind them last. Only
 * short loops are fused, whose lanes are rows: others are worth a cache, and threads, of their own. Loops that make values of rows
 * stay apart: with their loads, divisions and sums in one loop a processor has fewer iterations at hand.
 */
#include "ir/loops/passes/passes.h"
#include "ir/loops/verify/verify.h"

typedef struct Fuser {
    LoopTree *tree;
    OpenLoops around;
} Fuser;

/* ---- nests as three parts ----------------------------------------------------------------------------------- */
/* What stands before the only loop over vectors of rows, that loop, and what stands behind it. */
typedef struct NestParts {
    Statement before, after;
    Statement *rows; /* NULL: there is no such loop */
} NestParts;

bool has_rows_in_lanes(const Statement *s) {
    if (s->kind != STATEMENT_LOOP || !s->loop->rows) return false;
    for (int i = 0; i < s->body.count; i++) {
        const Statement *inside = s->body.items[i];
        bool lanes = inside->kind == STATEMENT_LOOP && inside->loop->mark == LOOP_VECTOR;
        if (!lanes || inside->loop->extent != s->loop->step) return false;
    }
    return true;
}

static bool may_be_joined(const Statement *s) {
    return has_rows_in_lanes(s) && s->loop->step > 1 && s->loop->mark == LOOP_SERIAL && !has_counted(&s->body) &&
           unrolled_statements(&s->body) <= LONGEST_LOOP;
}

static bool find_parts(Arena *arena, const Statement *nest, NestParts *parts) {
    *parts = (NestParts){.rows = NULL};
    for (int i = 0; i < nest->body.count; i++) {
        Statement *s = nest->body.items[i];
        if (parts->rows == NULL && may_be_joined(s))
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

/* ---- one loop ----------------------------------------------------------------------------------------------- */
/* The bodies, one behind the other, in a new loop; NULL: iterations of one need others of the other. */
static Statement *joined(Fuser *f, const Statement *a, const Statement *b) {
    Arena *arena = f->tree->arena;
    Statement *loop = tree_statement(f->tree, STATEMENT_LOOP);
    loop->loop = tree_loop_like(f->tree, a->loop);
    Body parts[2] = {{0}, {0}};
    const Subscript *by = subscript_of_loop(arena, loop->loop);
    tree_copy_body(f->tree, &a->body, &parts[0], a->loop, by);
    tree_copy_body(f->tree, &b->body, &parts[1], b->loop, by);
    for (int p = 0; p < 2; p++) tree_add_body(f->tree, &loop->body, &parts[p]);
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
    rows->body = all;
}

/* ---- nests -------------------------------------------------------------------------------------------------- */
/* Does a chain run through the loop? */
static bool sums_rows(const Body *body, const Loop *rows) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (sums_rows(&s->body, rows) || (s->kind == STATEMENT_STORE && subscript_coef(s->term, rows) != 0))
            return true;
    }
    return false;
}

static Statement *fused(Fuser *f, const Statement *nest_a, const Statement *nest_b) {
    Arena *arena = f->tree->arena;
    NestParts a, b;
    if (!find_parts(arena, nest_a, &a) || !find_parts(arena, nest_b, &b)) return NULL;
    if (a.rows == NULL || b.rows == NULL || !are_alike(a.rows->loop, b.rows->loop)) return NULL;
    if (!sums_rows(&a.rows->body, a.rows->loop) || !sums_rows(&b.rows->body, b.rows->loop)) return NULL;
    if (unrolled_statements(&a.rows->body) + unrolled_statements(&b.rows->body) > LONGEST_LOOP) return NULL;
    if (loops_meet(arena, a.rows, &b.before) || loops_meet(arena, &a.after, &b.before) ||
        loops_meet(arena, &a.after, b.rows))
        return NULL;
    Statement *rows = joined(f, a.rows, b.rows);
    if (rows == NULL) return NULL;
    join_lanes(f, rows);
    Statement *nest = tree_statement(f->tree, STATEMENT_NEST);
    nest->node = nest_a->node;
    const Body loop = {.items = &rows, .count = 1},
               *parts[] = {&a.before.body, &b.before.body, &loop, &a.after.body, &b.after.body};
    for (int p = 0; p < 5; p++) tree_add_body(f->tree, &nest->body, parts[p]);
    return nest;
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
        while (s->kind == STATEMENT_NEST && i + 1 < body->count && body->items[i + 1]->kind == STATEMENT_NEST) {
            Statement *both = fused(f, s, body->items[i + 1]);
            if (both == NULL) break;
            s = both;
            i++;
            any = true;
        }
        vector_push(arena, &all, s);
    }
    *body = all;
    return any;
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */
void tree_join(LoopTree *tree, const TileNumbers *numbers) {
    Fuser f = {.tree = tree};
    if (numbers->row_lanes > 1 && fuse_body(&f, &tree->body)) tree_give_places(tree);
}
