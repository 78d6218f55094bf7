/* row_lanes: rows become lanes.
 *
 *   for row in 0..rows to 16                      for rows in 0..rows to 16 by 16
 *     for k in 0..10                                for t in 0..16, vector
 *       chain[k] = z[k + 10 row]           ->         for k in 0..10, unrolled
 *                                                       chain[16 k + t] = z[k + 10 rows + 10 t]
 *
 * Where a row has few elements, lanes along them are few, and folding them takes longer than to sum them; rows have nothing
 * to do with each other. An array in registers has an element for each lane then. A loop is left as it is where what it
 * takes for all rows of a vector is less, where conditions stand in it, and where its rows are not rounded up to vectors.
 * An array that only such loops touch gets its rows beside each other (layout.c), so that one access serves all lanes:
 * this is taken for granted until a loop that is left as it is turns out to touch it.
 */
#include "ir/loops/passes/passes.h"
#include "ir/loops/verify/verify.h"
#include <math.h>

/* ---- what it takes ------------------------------------------------------------------------------------------ */
/* Operations on vectors, and accesses of elements one by one. */
typedef struct RowCost {
    double as_is, lanes; /* of one row; of a vector of rows */
} RowCost;
typedef struct RowLoop {
    const Loop *loop;
    int64_t lanes;
    const uint8_t *apart; /* by array: its rows are not beside each other */
} RowLoop;

/* Vectors that iterations make: whole ones, then one of half the width, and so on. */
static int64_t vectors_of(int64_t iterations, int64_t lanes) {
    int64_t vectors = iterations / lanes;
    for (int64_t rest = iterations % lanes; rest > 0; rest &= rest - 1) vectors++;
    return vectors;
}

/* Do its iterations store side by side, and join no chain? */
static bool becomes_vector(const Statement *s) {
    if (s->loop->mark == LOOP_VECTOR) return true;
    for (int i = 0; i < s->body.count; i++) {
        const Statement *inside = s->body.items[i];
        if (inside->kind == STATEMENT_LET) continue;
        if (inside->kind != STATEMENT_STORE || subscript_coef(inside->at, s->loop) != 1) return false;
        if (subscript_coef(inside->term, s->loop) != 0) return false;
    }
    return s->loop->mark == LOOP_SERIAL && s->loop->step == 1;
}

static double access_cost(const Subscript *row, const Subscript *at, const Loop *lanes, int64_t count) {
    bool strided = subscript_coef(row, lanes) != 0 ||
                   (subscript_coef(at, lanes) != 0 && subscript_coef(at, lanes) != 1) || subscript_has(at, NULL) ||
                   subscript_has(row, NULL);
    return strided ? (double)count : 1;
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* An element of a row of so many, all of which are loaded together: each lane in pieces, which are joined as they are loaded, and then change
 * places (llvm/short_rows.c). */
static double short_row_cost(const Array *array, int64_t lanes) {
    int64_t width = dtype_bytes(array->dtype) == 4 && array->elements >= 4 ? 4 : 2;
    int64_t pieces = (array->elements + width - 1) / width;
    return (double)(lanes * pieces) / (double)array->elements;
}

static double lanes_cost(const RowLoop *r, const Array *array, const Subscript *row, const Subscript *at) {
    double all = access_cost(row, at, r->loop, r->lanes);
    bool transposed = array->memory == ARRAY_COLUMN && array->elements > 1 && array->elements <= SHORT_ROW;
    if (array_is_private(array) || (array->memory == ARRAY_WORK && !r->apart[array->id])) return 1;
    if (transposed && dtype_bytes(array->dtype) >= 4) return fmin(short_row_cost(array, r->lanes), all);
    double in_registers = array->memory == ARRAY_WORK
                              ? transposed_access_cost(array->dtype, subscript_coef(at, r->loop), r->lanes)
                              : -1; /* short_rows.c */
    return in_registers > 0 && in_registers < all ? in_registers : all;
}

static void add_access(const RowLoop *r, RowCost *cost, const ArrayAccess *a, double times, double vectors,
                       const Statement *vector) {
    int64_t count = vector == NULL ? 1 : least(loop_iterations(vector->loop), r->lanes);
    cost->as_is += vectors * (vector == NULL || a->row != NULL ? 1 : access_cost(a->row, a->at, vector->loop, count));
    cost->lanes += times * lanes_cost(r, a->array, a->row, a->at);
}

/* times, vectors: how often the body runs as it is and with rows as lanes; vector: what would be lanes as it is. */
static bool add_body(const RowLoop *r, RowCost *cost, const Body *body, double times, double vectors,
                     const Statement *vector) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        const Scalar *x = s->scalar;
        ArrayAccess access;
        if (statement_access(s, &access)) {
            add_access(r, cost, &access, times, vectors, vector);
        } else if (s->kind == STATEMENT_LET) {
            double one = x->kind == SCALAR_OP ? op_cost(x->op) : x->kind == SCALAR_DRAW ? op_cost(OP_RANDOM) : 0;
            cost->as_is += vectors * one;
            cost->lanes += times * one;
        } else if (s->kind == STATEMENT_LOOP && !s->loop->rows) {
            int64_t n = loop_iterations(s->loop);
            bool lanes = vector == NULL && becomes_vector(s);
            double as_is = lanes ? (double)vectors_of(n, r->lanes) : (double)n;
            if (!add_body(r, cost, &s->body, times * (double)n, vectors * as_is, lanes ? s : vector)) return false;
        } else {
            return false;
        }
    }
    return true;
}

static bool pays(const Statement *s, int64_t lanes, const uint8_t *apart) {
    RowLoop r = {s->loop, lanes, apart};
    RowCost cost = {1, 1}; /* an iteration's own */
    if (!s->loop->rows || s->loop->step != 1 || s->loop->pad % lanes != 0) return false;
    return add_body(&r, &cost, &s->body, 1, 1, NULL) && cost.lanes < cost.as_is * (double)lanes;
}

/* ---- the change --------------------------------------------------------------------------------------------- */
typedef struct RowLanes {
    LoopTree *tree;
    int64_t lanes;
    const Loop *lane;    /* of the loop at hand */
    const Array **wider; /* by array in registers; NULL: not yet */
    uint8_t *apart;      /* by array: its rows are not beside each other */
    OpenLoops around;
} RowLanes;

static void widen(void *context, const Array **array, const Subscript **at) {
    RowLanes *l = context;
    const Array *from = *array;
    if (!array_is_private(from)) return;
    if (l->wider[from->id] == NULL)
        l->wider[from->id] = tree_array(l->tree, from->memory, from->index, from->dtype, from->elements * l->lanes,
                                        from->name);
    *array = l->wider[from->id];
    *at = subscript_sum(l->tree->arena, subscript_times(l->tree->arena, *at, l->lanes),
                        subscript_of_loop(l->tree->arena, l->lane));
}

/* Lanes of other axes are iterations now. */
static void mark_serial(Body *body) {
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        mark_serial(&s->body);
        if (s->kind != STATEMENT_LOOP) continue;
        int64_t n = loop_iterations(s->loop);
        bool small = n <= MOST_UNROLLED && n * unrolled_statements(&s->body) <= LONGEST_LOOP;
        s->loop->mark = small ? LOOP_UNROLLED : LOOP_SERIAL;
    }
}

static Statement *in_lanes(RowLanes *l, const Statement *s) {
    Arena *arena = l->tree->arena;
    Statement *rows = tree_statement(l->tree, STATEMENT_LOOP);
    Loop *loop = rows->loop = tree_loop_like(l->tree, s->loop);
    loop->name = "rows";
    loop->step = l->lanes;
    loop->mark = LOOP_SERIAL;
    Statement *lane = tree_add_loop(l->tree, &rows->body, "t", l->lanes, LOOP_VECTOR);
    l->lane = lane->loop;
    tree_copy_body(l->tree, &s->body, &lane->body, s->loop,
                   subscript_sum(arena, subscript_of_loop(arena, loop), subscript_of_loop(arena, l->lane)));
    tree_change_accesses(&lane->body, widen, l);
    mark_serial(&lane->body);
    return rows;
}

static bool is_parallel(RowLanes *l, Statement *rows) {
    OpenLoops around = l->around;
    around.loop[around.count++] = rows->loop;
    Statement *lanes = rows->body.items[0];
    return loop_may_be(l->tree->arena, lanes, LOOP_VECTOR, &lanes->body, &around);
}

static void change_body(RowLanes *l, Body *body, bool in_nest) {
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        bool loop = s->kind == STATEMENT_LOOP;
        if (loop && in_nest) {
            if (!pays(s, l->lanes, l->apart)) continue;
            Statement *rows = in_lanes(l, s);
            if (is_parallel(l, rows)) body->items[i] = rows;
            continue;
        }
        if (loop) l->around.loop[l->around.count++] = s->loop;
        change_body(l, &s->body, in_nest || s->kind == STATEMENT_NEST);
        if (loop) l->around.count--;
    }
}

/* ---- arrays whose rows cannot be beside each other ---------------------------------------------------------- */
static bool set_apart(RowLanes *l, const Array *array, const Subscript *at) {
    if (array->memory != ARRAY_WORK || l->apart[array->id] || elements_of_row(l->tree->arena, at) >= 0) return false;
    l->apart[array->id] = 1;
    return true;
}

/* Those that loops touch which are left as they are; was there one that was not known? */
static bool find_apart(RowLanes *l, const Body *body, bool in_nest) {
    bool found = false;
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_LOOP && in_nest && pays(s, l->lanes, l->apart)) continue;
        ArrayAccess access;
        if (statement_access(s, &access)) found |= set_apart(l, access.array, access.at);
        found |= find_apart(l, &s->body, in_nest || s->kind == STATEMENT_NEST);
    }
    return found;
}

void tree_row_lanes(LoopTree *tree, const TileNumbers *numbers) {
    int64_t lanes = numbers->row_lanes;
    RowLanes l = {.tree = tree,
                  .lanes = lanes,
                  .wider = arena_array(tree->arena, const Array *, tree->arrays.count + 1),
                  .apart = arena_array(tree->arena, uint8_t, tree->arrays.count + 1)};
    if (lanes <= 1) return;
    while (find_apart(&l, &tree->body, false)) {
    }
    change_body(&l, &tree->body, false);
    tree_take_unused(tree);
}
