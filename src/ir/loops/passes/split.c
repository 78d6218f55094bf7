/* split: loops are split where a condition inside of them becomes known, and conditions move out of loops that they
 * do not depend on.
 *
 *   for tile in 0..4                              for tile in 0..4
 *     for k in 0..3                                 ...
 *       for c in 0..64                        ->    tile 0: for k in 0..1: for c in 0..64: for u in 1..8
 *         for u in 0..8, unrolled                           for k in 1..3: for c in 0..64: for u in 0..8
 *           if 0 <= 8 tile + u + k - 1 < 32         tiles 1 and 2: all terms, nothing is asked
 *             chain[u] = fma(..), term 64 k + c     tile 3: as tile 0
 *
 * Terms of a convolution are absent at the borders. A condition that is asked in the innermost loop costs as much as the
 * term; one with a loop inside costs nothing. So the outermost loop that an innermost condition depends on is split: into
 * ranges in which it always holds, or never, and into single iterations, in which the loops inside are split in their
 * turn. The iterations stay in their order, so no chain changes. So are innermost loops that ask for values.
 */
#include "ir/loops/passes/passes.h"

enum { MOST_SINGLE = 8 /* pieces of one iteration */, MOST_PATH = 64 };

/* ---- which condition, of which loop ------------------------------------------------------------------------- */
/* Loops from the one that may be split inwards. */
typedef struct LoopPath {
    const Loop *loop[MOST_PATH];
    int count;
} LoopPath;

static bool is_counted(const Loop *loop) { return loop->mark == LOOP_SERIAL || loop->mark == LOOP_THREADS; }

bool has_counted(const Body *body) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if ((s->kind == STATEMENT_LOOP && is_counted(s->loop)) || has_counted(&s->body)) return true;
    }
    return false;
}

/* The loop decides it, in some iterations. */
static bool is_open(const Scalar *inside, const Loop *loop) {
    return subscript_coef(inside->at, loop) != 0 && truth_of_inside(inside->at, inside->n) == SOMETIMES;
}

/* It depends on the first loop of the path, and is asked anew in each innermost iteration. */
static const Scalar *condition_of(const Scalar *s, const LoopPath *path) {
    if (s->kind == SCALAR_OP && s->op == OP_AND) {
        const Scalar *found = condition_of(s->source[0], path);
        return found != NULL ? found : condition_of(s->source[1], path);
    }
    if (s->kind != SCALAR_INSIDE || !is_open(s, path->loop[0])) return NULL;
    for (int i = path->count; i-- > 0 && subscript_coef(s->at, path->loop[i]) == 0;)
        if (is_counted(path->loop[i])) return NULL;
    return s;
}

/* Of a loop of nothing but values and stores, which no chain runs through: so values that are put together from parts, or
 * have a border of zeros, are read from beside each other. */
static const Scalar *condition_of_values(const Statement *s) {
    const Scalar *found = NULL;
    if (s->loop->mark != LOOP_SERIAL) return NULL;
    for (int i = 0; i < s->body.count; i++) {
        const Statement *inside = s->body.items[i];
        bool stores = inside->kind == STATEMENT_STORE && inside->term == NULL &&
                      subscript_coef(inside->at, s->loop) != 0;
        if (!stores && inside->kind != STATEMENT_LET) return NULL;
        bool asks = inside->kind == STATEMENT_LET && inside->scalar->kind == SCALAR_INSIDE;
        if (asks && found == NULL && inside->scalar->at->count == 1 && is_open(inside->scalar, s->loop))
            found = inside->scalar;
    }
    return found;
}

static const Scalar *find_condition(const Body *body, LoopPath *path) {
    const Scalar *found = NULL;
    for (int i = 0; i < body->count && found == NULL; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_IF && !has_counted(&s->body)) found = condition_of(s->scalar, path);
        if (found != NULL || (s->kind == STATEMENT_LOOP && path->count == MOST_PATH)) continue;
        if (s->kind == STATEMENT_LOOP) path->loop[path->count++] = s->loop;
        found = find_condition(&s->body, path);
        if (s->kind == STATEMENT_LOOP) path->count--;
    }
    return found;
}

/* ---- split -------------------------------------------------------------------------------------------------- */
/* Where a subscript lies. What is below in one iteration and above in the next is in neither, but not of one piece. */
typedef enum RangeSide { BELOW, INSIDE, ABOVE, ACROSS } RangeSide;

static RangeSide side_at(Arena *arena, const Scalar *condition, const Loop *loop, int64_t iteration) {
    const Subscript *rest = subscript_times(arena, subscript_of_loop(arena, loop), -1);
    rest = subscript_sum(arena, rest, subscript_number(arena, iteration * loop->step));
    rest = subscript_times(arena, rest, subscript_coef(condition->at, loop));
    Range range = subscript_range(subscript_sum(arena, condition->at, rest));
    if (range.most < 0) return BELOW;
    if (range.least >= condition->n) return ABOVE;
    return range.least >= 0 && range.most < condition->n ? INSIDE : ACROSS;
}

/* The last but one iteration from `begin` on that is alike. */
static int64_t end_of_piece(Arena *arena, const Scalar *condition, const Loop *loop, int64_t begin) {
    int64_t end = begin + 1;
    RangeSide side = side_at(arena, condition, loop, begin);
    while (side != ACROSS && end < loop_iterations(loop) && side_at(arena, condition, loop, end) == side) end++;
    return end;
}

int64_t unrolled_statements(const Body *body) {
    int64_t count = body->count;
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        bool again = s->kind == STATEMENT_LOOP && s->loop->mark == LOOP_UNROLLED;
        count += unrolled_statements(&s->body) * (again ? loop_iterations(s->loop) : 1);
    }
    return count;
}

static int statements_of(const Body *body) {
    int count = body->count;
    for (int i = 0; i < body->count; i++) count += statements_of(&body->items[i]->body);
    return count;
}

/* Once the iterations of loops around are known. */
static bool is_decided_in(const Body *body, const Scalar *condition) {
    if (subscript_has(condition->at, NULL)) return false;
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        bool decides = s->kind == STATEMENT_LOOP && is_counted(s->loop) && subscript_coef(condition->at, s->loop) != 0;
        if (decides || is_decided_in(&s->body, condition)) return true;
    }
    return false;
}

static bool pays(Arena *arena, const Scalar *condition, const Statement *s) {
    int single = 0;
    int64_t pieces = 0;
    for (int64_t at = 0; at < loop_iterations(s->loop); pieces++) {
        single += side_at(arena, condition, s->loop, at) == ACROSS;
        at = end_of_piece(arena, condition, s->loop, at);
    }
    bool known = single < pieces || is_decided_in(&s->body, condition);
    return known && single <= MOST_SINGLE && pieces * statements_of(&s->body) <= LONGEST_FUNCTION;
}

/* Iterations from `begin` on. */
static void add_piece(LoopTree *tree, const Statement *s, int64_t begin, int64_t end, Body *to) {
    const Subscript *first = subscript_number(tree->arena, begin * s->loop->step);
    if (end - begin == 1) {
        tree_copy_body(tree, &s->body, to, s->loop, first);
        return;
    }
    Statement *piece = tree_statement(tree, STATEMENT_LOOP);
    piece->loop = tree_loop(tree, s->loop->name, (end - begin) * s->loop->step, s->loop->mark);
    piece->loop->step = s->loop->step;
    const Subscript *at = subscript_sum(tree->arena, subscript_of_loop(tree->arena, piece->loop), first);
    tree_copy_body(tree, &s->body, &piece->body, s->loop, at);
    if (piece->body.count > 0) vector_push(tree->arena, to, piece);
}

static void split_body(LoopTree *tree, Body *body);

/* Whether the statement's pieces have been added. */
static bool split_loop(LoopTree *tree, Statement *s, Body *to) {
    LoopPath path = {.loop = {s->loop}, .count = 1};
    if (s->kind != STATEMENT_LOOP || s->loop->rows || s->loop->mark == LOOP_VECTOR) return false;
    if (s->loop->extent % s->loop->step != 0) return false;
    const Scalar *condition = find_condition(&s->body, &path);
    if (condition == NULL) condition = condition_of_values(s);
    if (condition == NULL || !pays(tree->arena, condition, s)) return false;
    Body pieces = {0};
    for (int64_t at = 0, end; at < loop_iterations(s->loop); at = end) {
        end = end_of_piece(tree->arena, condition, s->loop, at);
        add_piece(tree, s, at, end, &pieces);
    }
    split_body(tree, &pieces);
    tree_add_body(tree, to, &pieces);
    return true;
}

static void split_body(LoopTree *tree, Body *body) {
    Body to = {0};
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        if (split_loop(tree, s, &to)) continue;
        split_body(tree, &s->body);
        vector_push(tree->arena, &to, s);
    }
    *body = to;
}

/* ---- out of loops ------------------------------------------------------------------------------------------- */
static bool depends(const Scalar *s, const Loop *loop);

static bool subscript_depends(const Subscript *s, const Loop *loop) {
    for (int i = 0; s != NULL && i < s->count; i++)
        if (s->term[i].loop == loop || (s->term[i].scalar != NULL && depends(s->term[i].scalar, loop))) return true;
    return false;
}

static bool depends(const Scalar *s, const Loop *loop) {
    for (int i = 0; i < 3 && s->source[i] != NULL; i++)
        if (depends(s->source[i], loop)) return true;
    return s->kind == SCALAR_LOAD || subscript_depends(s->at, loop) || subscript_depends(s->row, loop);
}

/* The body is a condition that the loop does not move, and what is done if it holds; what is fetched need not be then. */
static bool is_one_condition(const Statement *s) {
    int last = s->body.count - 1;
    if (last < 0 || s->body.items[last]->kind != STATEMENT_IF) return false;
    for (int i = 0; i < last; i++) {
        const Statement *let = s->body.items[i];
        if (let->kind == STATEMENT_FETCH) continue;
        bool condition = let->kind == STATEMENT_LET &&
                         (let->scalar->kind == SCALAR_INSIDE || let->scalar->op == OP_AND);
        if (!condition || depends(let->scalar, s->loop)) return false;
    }
    return !depends(s->body.items[last]->scalar, s->loop);
}

static void move_out(LoopTree *tree, Body *body) {
    Body to = {0};
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        move_out(tree, &s->body);
        if (s->kind == STATEMENT_LOOP && is_one_condition(s)) {
            Statement *condition = s->body.items[s->body.count - 1];
            Body inside = {0};
            for (int k = 0; k + 1 < s->body.count; k++)
                vector_push(tree->arena, s->body.items[k]->kind == STATEMENT_FETCH ? &inside : &to, s->body.items[k]);
            tree_add_body(tree, &inside, &condition->body);
            s->body = inside;
            condition->body = (Body){0};
            vector_push(tree->arena, &condition->body, s);
            s = condition;
        }
        vector_push(tree->arena, &to, s);
    }
    *body = to;
}

void tree_split(LoopTree *tree, const TileNumbers *numbers) {
    (void)numbers;
    split_body(tree, &tree->body);
    tree->split = true;
    tree_take_unused(tree);
    move_out(tree, &tree->body);
}
