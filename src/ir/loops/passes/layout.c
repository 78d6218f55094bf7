/* layout: arrays whose rows are beside each other.
 *
 *   for rows in 0..rows to 16 by 16                 for rows in 0..rows to 16 by 16
 *     for t in 0..16, vector                          for t in 0..16, vector
 *       for i in 0..5                                   for i in 0..5
 *         x[i + 5 rows + 5 t] = ..           ->           x[rows + t + 16 i] = ..
 *
 * An array of the work block is changed that lanes touch as rows, and else only loops that read or write one element after the
 * other, whose places are known: so what is side by side in lanes is so in memory. Elsewhere elements of a row are lanes.
 */
#include "ir/loops/passes/passes.h"

typedef struct ArrayRows {
    int64_t elements; /* of a row; 0: not yet known; -1: rows may not be beside each other */
    bool lanes;       /* rows are lanes somewhere */
} ArrayRows;
typedef struct RowLayouts {
    const LoopTree *tree;
    ArrayRows *of; /* by array */
} RowLayouts;

/* elements * row + rest, the rest being inside of the row */
typedef struct RowPlace {
    int64_t elements; /* -1: it is no such place */
    bool lanes;       /* lanes are rows */
    const Subscript *row, *rest;
} RowPlace;

static const Subscript *of_term(Arena *arena, const SubscriptTerm *t) {
    return t->loop != NULL ? subscript_of_loop(arena, t->loop) : subscript_of_scalar(arena, t->scalar);
}

static RowPlace row_place(Arena *arena, const Subscript *at) {
    RowPlace place = {.elements = -1, .row = subscript_number(arena, 0)}, none = place;
    for (int i = 0; i < at->count; i++)
        if (at->term[i].loop != NULL && at->term[i].loop->rows) place.elements = at->term[i].coef;
    if (place.elements < 1) return none;
    place.row = subscript_number(arena, at->offset / place.elements);
    place.rest = subscript_number(arena, at->offset % place.elements);
    for (int i = 0; i < at->count; i++) {
        const SubscriptTerm *t = &at->term[i];
        bool of_row = t->coef % place.elements == 0;
        const Subscript *moved = subscript_times(arena, of_term(arena, t), of_row ? t->coef / place.elements : t->coef);
        const Subscript **part = of_row ? &place.row : &place.rest;
        *part = subscript_sum(arena, *part, moved);
        if (t->loop != NULL && t->loop->mark == LOOP_VECTOR) {
            if (t->coef != place.elements) return none;
            place.lanes = true;
        }
    }
    Range rest = subscript_range(place.rest);
    return rest.least >= 0 && rest.most < place.elements ? place : none;
}

static bool moves_one_by_one(const Subscript *rest) {
    for (int i = 0; i < rest->count; i++)
        if (rest->term[i].loop == NULL || rest->term[i].loop->mark != LOOP_UNROLLED) return false;
    return true;
}

int64_t elements_of_row(Arena *arena, const Subscript *at) {
    RowPlace place = row_place(arena, at);
    return place.elements > 0 && (place.lanes || moves_one_by_one(place.rest)) ? place.elements : -1;
}

static void look(void *context, const Array **array, const Subscript **at) {
    RowLayouts *l = context;
    ArrayRows *of = &l->of[(*array)->id];
    int64_t elements = (*array)->memory == ARRAY_WORK ? elements_of_row(l->tree->arena, *at) : -1;
    of->elements = of->elements == 0 || of->elements == elements ? elements : -1;
    of->lanes |= elements > 0 && row_place(l->tree->arena, *at).lanes;
}

static void change(void *context, const Array **array, const Subscript **at) {
    RowLayouts *l = context;
    Arena *arena = l->tree->arena;
    const ArrayRows *of = &l->of[(*array)->id];
    if (of->elements <= 1 || !of->lanes) return;
    RowPlace place = row_place(arena, *at);
    *at = subscript_sum(arena, place.row, subscript_times(arena, place.rest, (*array)->elements / of->elements));
}

void tree_layout(LoopTree *tree, const TileNumbers *numbers) {
    (void)numbers;
    RowLayouts l = {.tree = tree, .of = arena_array(tree->arena, ArrayRows, tree->arrays.count + 1)};
    tree_change_accesses(&tree->body, look, &l);
    tree_change_accesses(&tree->body, change, &l);
}
