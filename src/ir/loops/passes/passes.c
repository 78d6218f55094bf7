/* passes: the passes from tree to tree, in their order.
 *
 * A schedule makes a tree in which each chain has all of its terms and no loop is shared; passes change which loops compute
 * it, never what a chain adds or in which order. A pass for machine code marks lanes, registers and threads, which C leaves
 * to its compiler or does not have. The verifier looks at the tree in tests, before them and after each, and where C is
 * written, before them and at the end: for users' machine code it would take as long as all else that is done to the tree.
 */
#include "ir/loops/passes/passes.h"

static void split(LoopTree *tree, const TileNumbers *numbers) {
    (void)numbers;
    tree_split(tree);
}

static void row_lanes(LoopTree *tree, const TileNumbers *numbers) { tree_row_lanes(tree, numbers->row_lanes); }

static void layout(LoopTree *tree, const TileNumbers *numbers) {
    (void)numbers;
    tree_layout(tree);
}

static void fuse(LoopTree *tree, const TileNumbers *numbers) {
    if (numbers->row_lanes > 1) tree_fuse(tree);
}

static void vectorise(LoopTree *tree, const TileNumbers *numbers) { tree_vectorise(tree, numbers->vector_bytes); }
static void tiny(LoopTree *tree, const TileNumbers *numbers) { tree_tiny(tree, numbers->vector_bytes); }
static void threads(LoopTree *tree, const TileNumbers *numbers) { tree_threads(tree, numbers->shares_all); }

typedef struct TreePass {
    const char *name;
    void (*change)(LoopTree *tree, const TileNumbers *numbers);
    bool of_machine; /* only where the back end makes machine code */
} TreePass;
static const TreePass tree_passes[] = {
    {"split", split, false},        {"row lanes", row_lanes, true}, {"layout", layout, true},   {"fuse", fuse, true},
    {"vectorise", vectorise, true}, {"tiny", tiny, true},           {"threads", threads, true}, {NULL, NULL, false},
};

const char *tree_run_passes(LoopTree *tree, const TileNumbers *numbers, TreeUse use) {
    const char *problem = use == TREE_FOR_MACHINE ? NULL : tree_problem(tree), *last = "schedule";
    for (const TreePass *pass = tree_passes; pass->name != NULL && problem == NULL; pass++) {
        if (pass->of_machine && use == TREE_FOR_C) continue;
        pass->change(tree, numbers);
        last = pass->name;
        if (use == TREE_FOR_TESTS) problem = tree_problem(tree);
    }
    if (use == TREE_FOR_C && problem == NULL) problem = tree_problem(tree);
    return problem == NULL ? NULL : text_format(tree->arena, "after %s: %s", last, problem);
}
