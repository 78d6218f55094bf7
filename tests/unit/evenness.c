/* How evenly threads share loops of a nest, and what makes that more even. */
#include "ir/loops/passes/passes.h"
#include <criterion/criterion.h>

enum { TAPS = 5, OUTPUTS = 5 };
static const Run nobody;
static const Function nothing = {.name = "shared"};

/* Of outputs from `first` on, for all taps: r[w] = 0; a[5 w + m + 5 first] = r[w + kept], in a loop over the outputs each. */
static void add_tile(LoopTree *tree, Body *to, const Loop *m, const Array *a, const Array *r, int first, int count) {
    for (int stores = 0; stores < 2; stores++) {
        Statement *outputs = tree_add_loop(tree, to, "w", count, LOOP_SERIAL);
        const Subscript *w = subscript_of_loop(tree->arena, outputs->loop);
        const Subscript *at = subscript_sum(tree->arena, subscript_times(tree->arena, w, TAPS),
                                            subscript_of_loop(tree->arena, m));
        at = subscript_sum(tree->arena, at, subscript_number(tree->arena, (int64_t)TAPS * first));
        Statement *let = tree_statement(tree, STATEMENT_LET), *store = tree_statement(tree, STATEMENT_STORE);
        Scalar *scalar = tree_scalar(tree, stores ? SCALAR_LOAD : SCALAR_CONST, DTYPE_F32);
        if (stores) scalar->array = r;
        if (stores) scalar->at = w;
        let->scalar = store->scalar = scalar;
        store->array = stores ? a : r;
        store->at = stores ? at : w;
        vector_push(tree->arena, &outputs->body, let);
        vector_push(tree->arena, &outputs->body, store);
    }
}

static int shared_loops(const Body *body, int *first_more) {
    int count = 0;
    for (int i = 0; i < body->count; i++) {
        const Loop *loop = body->items[i]->loop;
        count += loop->mark == LOOP_THREADS;
        *first_more += loop->first_more;
    }
    return count;
}

/* Two tiles, of 3 and 2 outputs, in a loop that threads share: how many there are then. */
static int loops_of_two_tiles(bool same_registers, double *before, double *after, int *first_more) {
    Arena *arena = arena_new();
    LoopTree *tree = arena_new_of(arena, LoopTree);
    *tree = (LoopTree){.arena = arena, .name = "shared", .run = &nobody, .function = &nothing};
    Array *a = tree_array(tree, ARRAY_WORK, 0, DTYPE_F32, TAPS * OUTPUTS, "a");
    Array *r = tree_array(tree, ARRAY_REGISTERS, 0, DTYPE_F32, OUTPUTS, "r");
    Array *q = same_registers ? r : tree_array(tree, ARRAY_REGISTERS, 0, DTYPE_F32, OUTPUTS, "q");
    Statement *nest = tree_statement(tree, STATEMENT_NEST);
    Statement *taps = tree_add_loop(tree, &nest->body, "m", TAPS, LOOP_THREADS);
    add_tile(tree, &taps->body, taps->loop, a, r, 0, 3);
    add_tile(tree, &taps->body, taps->loop, a, q, 3, 2);
    *before = work_of(nest, 1, 2) - work_of(nest, 0, 2);
    make_even(tree, nest, &(OpenLoops){.count = 0});
    *after = work_of(nest, 0, 2) - work_of(nest, 1, 2);
    const char *problem = NULL;
    check_shared(arena, nest, &(OpenLoops){.count = 0}, &problem);
    cr_expect(problem == NULL, "%s", problem);
    int count = shared_loops(&nest->body, first_more);
    arena_free(arena);
    return count;
}

Test(evenness, a_loop_is_divided_and_the_first_threads_do_what_is_left) {
    double before, after;
    int first_more = 0;
    cr_expect_eq(loops_of_two_tiles(false, &before, &after, &first_more), 2);
    cr_expect_eq(first_more, 1);
    cr_expect(before > 0 && after < before && after > -before, "%g, %g", before, after);
}

Test(evenness, parts_that_share_registers_stay_together) {
    double before, after;
    int first_more = 0;
    cr_expect_eq(loops_of_two_tiles(true, &before, &after, &first_more), 1);
    cr_expect(after == before || after == -before, "%g, %g", before, after);
}
