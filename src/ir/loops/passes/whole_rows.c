/* whole_rows: loops over vectors of rows ask which rows are there in the last iteration alone.
 *
 *   for rows in 0..rows to 16 by 16                     for rows in 0..rows to 16 by 16, whole
 *     for t in 0..16, vector                              for t in 0..16, vector
 *       s1 = fma(.., chain[t])                              s1 = fma(.., chain[t])
 *       s2 = inside(rows - rows - t - 1)        ->          chain[t] = s1, term rows
 *       chain[t] = where(s2, s1, chain[t]), term rows     for rows in 0..rows to 16 by 16, rest
 *                                                           as before
 *
 * A mask for each chain takes as many registers and operations as its terms, where a processor has no registers for masks. The
 * two loops are the iterations of the one, in their order, so no chain changes. It comes after the passes that look for loops over
 * rows, which are one for them.
 */
#include "ir/loops/passes/passes.h"

/* Is there a condition that holds in whole iterations? */
static bool asks_for_rows(const Body *body, const Loop *rows) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        bool asks = s->kind == STATEMENT_LET && s->scalar->kind == SCALAR_INSIDE && s->scalar->n == MOST_ROWS;
        if ((asks && subscript_coef(s->scalar->at, rows) == -1) || asks_for_rows(&s->body, rows)) return true;
    }
    return false;
}

static bool pays(const Statement *s) {
    return s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_SERIAL && s->loop->step > 1 &&
           s->loop->part == ALL_STEPS && (s->loop->block == NULL || s->loop->block->pad == 1) &&
           loop_iterations(s->loop) > 1 && has_rows_in_lanes(s) && asks_for_rows(&s->body, s->loop);
}

/* The loop's statement is what is left, behind its whole steps. */
static void add_whole_steps(LoopTree *tree, Statement *s, Body *to) {
    Statement *whole = tree_statement(tree, STATEMENT_LOOP);
    whole->loop = tree_loop_like(tree, s->loop);
    whole->loop->part = WHOLE_STEPS;
    s->loop->part = LAST_STEP;
    tree_copy_body(tree, &s->body, &whole->body, s->loop, subscript_of_loop(tree->arena, whole->loop));
    vector_push(tree->arena, to, whole);
}

static void change_body(LoopTree *tree, Body *body) {
    Body to = {0};
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        change_body(tree, &s->body);
        if (pays(s)) add_whole_steps(tree, s, &to);
        vector_push(tree->arena, &to, s);
    }
    *body = to;
}

void tree_whole_rows(LoopTree *tree, const TileNumbers *numbers) {
    (void)numbers;
    change_body(tree, &tree->body);
    tree_take_unused(tree);
}
