/* layout: arrays whose rows are beside each other.
 *
 *   for rows in 0..rows to 16 by 16                 for rows in 0..rows to 16 by 16
 *     for t in 0..16, vector                          for t in 0..16, vector
 *       for i in 0..5                                   for i in 0..5
 *         x[i + 5 rows + 5 t] = ..           ->           x[rows + t + 16 i] = ..
 *
 * An array of the work block that is touched with rows as lanes, and in no other way, is changed: so what is side by side
 * in lanes is so in memory.
 */
#include "ir/loops/passes/passes.h"

typedef struct ArrayRows {
    int64_t elements; /* of a row; 0: not yet known; -1: rows are not always lanes */
} ArrayRows;
typedef struct RowLayouts {
    const LoopTree *tree;
    ArrayRows *of; /* by array */
} RowLayouts;

static const Loop *find_loop(const Subscript *at, bool rows, LoopMark mark) {
    for (int i = 0; i < at->count; i++) {
        const Loop *loop = at->term[i].loop;
        if (loop != NULL && loop->rows == rows && loop->mark == mark) return loop;
    }
    return NULL;
}

/* The row that lanes, of one vector or of several beside each other, are of; NULL: it is no such place. */
static const Subscript *row_in_lanes(Arena *arena, const Subscript *at) {
    const Loop *rows = find_loop(at, true, LOOP_SERIAL), *lane = find_loop(at, false, LOOP_VECTOR);
    if (rows == NULL || lane == NULL || rows->step % lane->extent != 0) return NULL;
    const Subscript *row = subscript_sum(arena, subscript_of_loop(arena, rows), subscript_of_loop(arena, lane));
    if (rows->step == lane->extent) return row;
    for (int i = 0; i < at->count; i++) {
        const Loop *vector = at->term[i].loop;
        if (vector == NULL || vector->mark != LOOP_UNROLLED || vector->extent * lane->extent != rows->step ||
            at->term[i].coef != subscript_coef(at, rows) * lane->extent)
            continue;
        const Subscript *first = subscript_times(arena, subscript_of_loop(arena, vector), lane->extent);
        return subscript_sum(arena, row, first);
    }
    return NULL;
}

int64_t elements_of_row(Arena *arena, const Subscript *at) {
    const Subscript *row = row_in_lanes(arena, at);
    if (row == NULL) return -1;
    int64_t elements = subscript_coef(at, find_loop(at, true, LOOP_SERIAL));
    Range rest = subscript_range(subscript_sum(arena, at, subscript_times(arena, row, -elements)));
    bool one_row = subscript_coef(at, find_loop(at, false, LOOP_VECTOR)) == elements && rest.least >= 0 &&
                   rest.most < elements;
    return one_row ? elements : -1;
}

static void look(void *context, const Array **array, const Subscript **at) {
    RowLayouts *l = context;
    ArrayRows *of = &l->of[(*array)->id];
    int64_t elements = (*array)->memory == ARRAY_WORK ? elements_of_row(l->tree->arena, *at) : -1;
    of->elements = of->elements == 0 || of->elements == elements ? elements : -1;
}

static void change(void *context, const Array **array, const Subscript **at) {
    RowLayouts *l = context;
    Arena *arena = l->tree->arena;
    int64_t elements = l->of[(*array)->id].elements;
    if (elements <= 1) return;
    const Subscript *row = row_in_lanes(arena, *at);
    const Subscript *rest = subscript_sum(arena, *at, subscript_times(arena, row, -elements));
    *at = subscript_sum(arena, row, subscript_times(arena, rest, (*array)->elements / elements));
}

void tree_layout(LoopTree *tree, const TileNumbers *numbers) {
    (void)numbers;
    RowLayouts l = {.tree = tree, .of = arena_array(tree->arena, ArrayRows, tree->arrays.count + 1)};
    tree_change_accesses(&tree->body, look, &l);
    tree_change_accesses(&tree->body, change, &l);
}
