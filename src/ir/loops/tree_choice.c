/* tree_choice: which functions users get from trees. All will be; until then those of which trees are known to make faster
 * code than nests do, or the only code:
 *
 *   - a scan;
 *   - a layer at many places of a row: sum over k of x[row, place, k] * w[k, output]. Nests have rows as lanes there, and
 *     with few rows in a mini-batch nothing to share what is loaded. Trees have outputs as lanes and places beside each other.
 *
 * Where such a layer has few outputs, or an operand overlaps itself, as images do under a convolution, nests are as good or
 * better.
 */
#include "ir/loops/schedule.h"
#include "ir/scan.h"

enum { FEWEST_PLACES = 8, FEWEST_OUTPUTS = 16 };

/* Along which axes of the result the operand moves. */
static void find_moves(const Node *node, int operand, bool moves[MOST_AXES]) {
    const Access *access = &node->attr.contraction->access[operand];
    for (int k = 0; k < node->shape.rank; k++)
        for (int a = 0; a < access->rank; a++) moves[k] |= access->axis[a].coef[k] != 0;
}

/* Of a layer at many places, its outputs at each; 0: it is none. */
static int64_t outputs_of_layer(const Node *node) {
    bool moves[2][MOST_AXES] = {{false}, {false}};
    int64_t places = 1, outputs = 1;
    int matrix = node->source[0]->rows == 0 ? 0 : 1;
    if (node->attr.contraction->over_rows || node->source[matrix]->rows != 0 || node->source[1 - matrix]->rows == 0)
        return 0;
    for (int s = 0; s < 2; s++) find_moves(node, s, moves[s]);
    for (int k = 0; k < node->shape.rank; k++) {
        if (moves[matrix][k] && moves[1 - matrix][k]) continue;
        *(moves[matrix][k] ? &outputs : &places) *= node->shape.extent[k];
    }
    return places >= FEWEST_PLACES && outputs > 1 ? outputs : 0;
}

bool function_takes_trees(const Run *run, const Function *function) {
    if (function_has_scans(run, function)) return true;
    Node **roots = arena_array(run->graph->arena, Node *, function->root_count + 1);
    for (int r = 0; r < function->root_count; r++) roots[r] = function->roots[r].node;
    int count;
    bool layers = false;
    Node **nodes = graph_post_order(run->graph->arena, roots, function->root_count, &count);
    for (int i = 0; i < count; i++) {
        const Node *node = nodes[i];
        if (node->op != OP_CONTRACT || node->sources != 2 || node->attr.contraction->reduced == 0) continue;
        int64_t outputs = outputs_of_layer(node);
        if (reads_window(node) || (outputs > 0 && outputs < FEWEST_OUTPUTS)) return false;
        layers |= outputs > 0;
    }
    return layers;
}
