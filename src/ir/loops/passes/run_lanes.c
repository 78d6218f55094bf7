/* run_lanes: runs that train together become lanes.
 *
 *   nest z                                      nest z
 *     for k in 0..5                               for t in 0..16, vector
 *       chain[0] = fma(w[k], x[k], chain[0])  ->    for k in 0..5
 *                                                     chain[t] = fma(w[16 k + t], x[k], chain[t])
 *
 * Runs of a sweep do the same with other numbers: parameters, rates, sums, and all that is computed of them, have an element
 * for each run, side by side, and a nest that computes them is in a loop over the runs, whose lanes never meet. What is made of
 * the rows alone is there once, whatever the number of runs, unless each has its own: then the caller has put what the runs
 * have at a place side by side, and it is one row. So each lane's operations are those of the run alone, in their order. A run
 * is no lane where it decides which statements run or which elements they touch.
 */
#include "ir/loops/passes/passes.h"

typedef struct RunLanes {
    LoopTree *tree;
    SideBySide of;
    const Loop *lane; /* of the nest at hand */
    uint8_t *arrays;  /* by array: each run has its own */
    uint8_t *scalars; /* by scalar: likewise */
    bool changed;     /* one more was found */
    bool impossible;
} RunLanes;

/* ---- what differs from run to run --------------------------------------------------------------------------- */
static bool is_of_run(const RunLanes *l, const Array *array) {
    if (array->memory == ARRAY_COLUMN) return l->of.own_rows;
    return array->memory == ARRAY_CELL || array->memory == ARRAY_SLOT || array->memory == ARRAY_SUM;
}

static void mark(RunLanes *l, uint8_t *differs) {
    l->changed |= !*differs;
    *differs = 1;
}

static bool scalar_differs(const RunLanes *l, const Scalar *s) {
    for (int i = 0; i < 3 && s->source[i] != NULL; i++)
        if (l->scalars[s->source[i]->id]) return true;
    if (subscript_has(s->at, l->scalars) || subscript_has(s->row, l->scalars)) return true;
    if (s->kind == SCALAR_DRAW && l->of.own_seeds) return true;
    return s->kind == SCALAR_LOAD && l->arrays[s->array->id];
}

/* Does the body store what differs? */
static bool body_differs(const RunLanes *l, const Body *body) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        if (s->kind == STATEMENT_STORE && (l->arrays[s->array->id] || l->scalars[s->scalar->id])) return true;
        if (body_differs(l, &s->body)) return true;
    }
    return false;
}

/* In a nest that differs, all that is stored does. */
static void look(RunLanes *l, const Body *body, bool in_nest, bool differs) {
    for (int i = 0; i < body->count; i++) {
        const Statement *s = body->items[i];
        const Scalar *scalar = s->kind == STATEMENT_LET ? s->scalar : NULL;
        bool nest = s->kind == STATEMENT_NEST;
        if (scalar != NULL && scalar_differs(l, scalar)) {
            mark(l, &l->scalars[scalar->id]);
            l->impossible |= !in_nest || scalar->kind == SCALAR_ROW;
        }
        if (scalar != NULL && scalar->kind == SCALAR_LOAD) l->impossible |= subscript_has(scalar->row, l->scalars);
        if (s->kind == STATEMENT_STORE && differs) mark(l, &l->arrays[s->array->id]);
        if (s->kind == STATEMENT_STORE)
            l->impossible |= subscript_has(s->row, l->scalars) || subscript_has(s->at, l->scalars) ||
                             subscript_has(s->term, l->scalars);
        l->impossible |= s->kind == STATEMENT_IF && l->scalars[s->scalar->id];
        l->impossible |= s->kind == STATEMENT_TRANSPOSE || s->kind == STATEMENT_WAIT;
        l->impossible |= s->kind == STATEMENT_FETCH && s->array->memory != ARRAY_COLUMN;
        look(l, &s->body, in_nest || nest, differs || (nest && body_differs(l, &s->body)));
    }
}

static RunLanes find_differing(LoopTree *tree, SideBySide of) {
    RunLanes l = {.tree = tree, .of = of, .changed = true};
    l.arrays = arena_array(tree->arena, uint8_t, tree->arrays.count + 1);
    l.scalars = arena_array(tree->arena, uint8_t, tree->scalars + 1);
    for (int a = 0; a < tree->arrays.count; a++) {
        const Array *array = tree->arrays.items[a];
        l.arrays[a] = is_of_run(&l, array);
        l.impossible |= array->memory == ARRAY_OUTPUT || array->memory == ARRAY_ROW_OUTPUT;
    }
    while (l.changed) {
        l.changed = false;
        look(&l, &tree->body, false, false);
    }
    return l;
}

bool tree_may_have_run_lanes(LoopTree *tree, const TileNumbers *numbers) {
    return tree->function->steps && !find_differing(tree, numbers->run_lanes).impossible;
}

/* ---- the change --------------------------------------------------------------------------------------------- */
static void widen(void *context, const Array **array, const Subscript **at) {
    const RunLanes *l = context;
    Arena *arena = l->tree->arena;
    if (l->arrays[(*array)->id])
        *at = subscript_sum(arena, subscript_times(arena, *at, l->of.count), subscript_of_loop(arena, l->lane));
}

/* Lanes of other axes are iterations now. */
static void mark_iterations(Body *body) {
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        mark_iterations(&s->body);
        if (s->kind != STATEMENT_LOOP || s->loop->mark != LOOP_VECTOR) continue;
        s->loop->mark = loop_iterations(s->loop) <= MOST_UNROLLED ? LOOP_UNROLLED : LOOP_SERIAL;
    }
}

static void change_nests(RunLanes *l, Body *body) {
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        if (s->kind != STATEMENT_NEST) {
            change_nests(l, &s->body);
            continue;
        }
        if (!body_differs(l, &s->body)) continue;
        Body all = s->body;
        s->body = (Body){0};
        Statement *lanes = tree_add_loop(l->tree, &s->body, "run", l->of.count, LOOP_VECTOR);
        l->lane = lanes->loop;
        lanes->body = all;
        mark_iterations(&lanes->body);
        tree_change_accesses(&lanes->body, widen, l);
    }
}

static void add_terms(Body *body, const Loop *rows) {
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        if (subscript_coef(s->term, rows) != 0) s->terms *= loop_iterations(rows);
        add_terms(&s->body, rows);
    }
}

/* Loops over the rows of a mini-batch that has all of them; the last of its blocks may have fewer than others. */
static void take_whole(Body *body) {
    for (int i = 0; i < body->count; i++) {
        Statement *s = body->items[i];
        take_whole(&s->body);
        if (s->kind != STATEMENT_LOOP || !s->loop->rows || s->loop->block != NULL) continue;
        add_terms(&s->body, s->loop);
        s->loop->rows = false;
    }
}

void tree_run_lanes(LoopTree *tree, const TileNumbers *numbers) {
    int64_t lanes = numbers->run_lanes.count;
    if (lanes <= 1) return;
    tree->whole = tree->most_rows > 0;
    if (tree->whole) take_whole(&tree->body);
    RunLanes l = find_differing(tree, numbers->run_lanes);
    change_nests(&l, &tree->body);
    for (int a = 0; a < tree->arrays.count; a++)
        if (l.arrays[a]) tree->arrays.items[a]->elements *= lanes;
    tree->runs = lanes;
    tree->own_seeds = numbers->run_lanes.own_seeds;
    tree_give_places(tree);
}
