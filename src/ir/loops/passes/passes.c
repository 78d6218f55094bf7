/* passes: the passes from tree to tree, in their order.
 *
 * A schedule makes a tree in which each chain has all of its terms and no loop is shared; passes change which loops compute
 * it, never what a chain adds or in which order. A pass for machine code marks lanes within rows, registers and threads,
 * which C leaves to its compiler or does not have. The verifier looks at the tree in tests, before them and after each, and where C is
 * written, before them and at the end: for users' machine code it would take as long as all else that is done to the tree.
 */
#include "ir/loops/passes/passes.h"

const TreePass tree_passes[] = {
    {"split", "loops and conditions", "no condition that is known", tree_split, false},
    {"run-lanes", "a step", "runs side by side as lanes", tree_run_lanes, true},
    {"row-lanes", "loops over rows", "rows as lanes", tree_row_lanes, false},
    {"layout", "rows as lanes", "their rows side by side", tree_layout, false},
    {"join", "sums over rows", "one loop for several", tree_join, true},
    {"vectorise", "innermost loops", "lanes", tree_vectorise, true},
    {"short-rows", "rows as lanes", "short rows transposed", tree_short_rows, true},
    {"registers", "lanes", "small steps in registers", tree_registers, true},
    {"threads", "loops", "shared loops, waits", tree_threads, true},
    {"whole-rows", "rows as lanes", "no question whether rows are there, but for the last", tree_whole_rows, true},
    {NULL, NULL, NULL, NULL, false},
};
_Static_assert(sizeof tree_passes / sizeof *tree_passes <= MOST_TREE_PASSES, "more passes");

const char *tree_run_passes(LoopTree *tree, const TileNumbers *numbers, TreeUse use, AfterPass *after, void *context) {
    const char *problem = use == TREE_FOR_MACHINE ? NULL : tree_problem(tree), *last = "schedule";
    for (const TreePass *pass = tree_passes; pass->name != NULL && problem == NULL; pass++) {
        if (pass->of_machine && use == TREE_FOR_C) continue;
        pass->change(tree, numbers);
        last = pass->name;
        if (use == TREE_FOR_TESTS) problem = tree_problem(tree);
        if (after != NULL && !after(context, pass)) break;
    }
    if (use == TREE_FOR_C && problem == NULL) problem = tree_problem(tree);
    return problem == NULL ? NULL : text_format(tree->arena, "after %s: %s", last, problem);
}
