/* tree_split: loops are split where a condition on their variable changes, so that each piece knows it.
 *
 *   for i in 0..64                               for i in 0..32
 *     s1 = inside(i, 32)                           z[i] = x[i]
 *     s2 = x[within(s1, i)]                      for i in 0..32
 *     s4 = inside(i - 32, 32)            ->        z[i + 32] = y[i]
 *     s5 = y[within(s4, i - 32)]
 *     z[i] = where(s1, s2, where(s4, s5, 0))
 *
 * So values that are put together from parts, or have a border of zeros, are read from beside each other. Only innermost
 * loops are split, into few pieces, and none that a chain runs through. What a condition decides tree_copy.c takes out of
 * the copies.
 */
#include "ir/loops/tree.h"

enum { MOST_PIECES = 8 };

/* Where pieces begin, ascending; the first is 0. */
typedef struct Pieces {
    int64_t begin[MOST_PIECES + 1];
    int count;
} Pieces;

static int64_t divided_down(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

/* False if there are too many. */
static bool add_border(Pieces *p, int64_t at, int64_t extent) {
    int i = p->count;
    if (at <= 0 || at >= extent) return true;
    while (i > 0 && p->begin[i - 1] > at) i--;
    if (i > 0 && p->begin[i - 1] == at) return true;
    if (p->count == MOST_PIECES) return false;
    for (int k = p->count++; k > i; k--) p->begin[k] = p->begin[k - 1];
    p->begin[i] = at;
    return true;
}

/* 0 <= coef i + offset < n holds from the first border to the second. */
static bool add_borders(Pieces *p, const Scalar *inside, const Loop *loop) {
    int64_t coef = subscript_coef(inside->at, loop), offset = inside->at->offset;
    if (coef == 0) return true;
    if (inside->at->count != 1) return true;
    int64_t low = coef > 0 ? -offset : inside->n - 1 - offset, high = coef > 0 ? inside->n - 1 - offset : -offset;
    return add_border(p, -divided_down(-low, coef), loop->extent) &&
           add_border(p, divided_down(high, coef) + 1, loop->extent);
}

/* A loop of nothing but values and stores; no chain runs through it. */
static bool find_pieces(const Statement *s, Pieces *p) {
    if (s->kind != STATEMENT_LOOP || s->loop->mark != LOOP_SERIAL || s->loop->rows || s->loop->step != 1) return false;
    for (int i = 0; i < s->body.count; i++) {
        const Statement *inside = s->body.items[i];
        if (inside->kind == STATEMENT_STORE && inside->term == NULL && subscript_coef(inside->at, s->loop) != 0)
            continue;
        if (inside->kind != STATEMENT_LET) return false;
        if (inside->scalar->kind == SCALAR_INSIDE && !add_borders(p, inside->scalar, s->loop)) return false;
    }
    return p->count > 1;
}

static void add_piece(LoopTree *tree, const Statement *s, Body *to, int64_t begin, int64_t extent) {
    const Subscript *at = subscript_number(tree->arena, begin);
    if (extent == 1) {
        tree_copy_body(tree, &s->body, to, s->loop, at);
        return;
    }
    Statement *piece = tree_statement(tree, STATEMENT_LOOP);
    piece->loop = tree_loop(tree, s->loop->name, extent, s->loop->mark);
    vector_push(tree->arena, to, piece);
    at = subscript_sum(tree->arena, at, subscript_of_loop(tree->arena, piece->loop));
    tree_copy_body(tree, &s->body, &piece->body, s->loop, at);
}

static void split_body(LoopTree *tree, Body *body) {
    Body to = {0};
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        Pieces p = {.begin = {0}, .count = 1};
        if (!find_pieces(s, &p)) {
            split_body(tree, &s->body);
            vector_push(tree->arena, &to, s);
            continue;
        }
        p.begin[p.count] = s->loop->extent;
        for (int k = 0; k < p.count; k++) add_piece(tree, s, &to, p.begin[k], p.begin[k + 1] - p.begin[k]);
    }
    *body = to;
}

void tree_split(LoopTree *tree) { split_body(tree, &tree->body); }
