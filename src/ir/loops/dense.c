/* dense: layers whose outputs are the lanes.
 *
 * Usually the rows of a mini-batch are the lanes of a kernel (loop.c): its weights are read in place, but what the
 * caller has row by row is turned, as are results that he gets so. With the outputs as lanes, and a few rows as the
 * tile, neither is: rows are read and written where they lie, and the weights alone are packed, turned if they have
 * the places of k side by side. That is chosen where it turns less: for sums over columns of which only rows for the
 * caller are made, and whose rows can pass by from the second-level cache.
 */
#include "ir/loops/loop.h"

enum { MOST_ROWS = 8, COPY_SHARE = 4 }; /* of a tile; an element copied, not turned, costs one of so many parts */

static int image_of(const Node *node) {
    const Contraction *c = node->attr.contraction;
    if (node->op != OP_CONTRACT || node->sources != 2 || c->lanes > 1 || c->over_rows || c->reduced == 0 ||
        !dtype_is_real(node->dtype) || (node->source[0]->rows != 0) == (node->source[1]->rows != 0))
        return -1;
    return node->source[0]->rows != 0 ? 0 : 1;
}

/* ---- what is turned ---------------------------------------------------------------------------------- */
/* Rows of a column as they are, with the last axis of k side by side; the weights move along the last axis of the
 * result, and there alone. */
static bool reads_fit(const Nest *nest, const Reads *reads, int image, bool *turns) {
    int lanes = nest->space.rank - 1, last = nest->space.rank + nest->reduce->attr.contraction->reduced - 1;
    bool moves = false;
    *turns = false;
    for (int i = 0; i < reads->count; i++) {
        const Read *read = &reads->items[i];
        int64_t along = read->linear.coef[lanes];
        if (read->operand < 0) continue;
        if (read->guarded || along >= WILD_STRIDE) return false;
        if (read->operand == image) {
            if (along != 0 || read->node->op != OP_COLUMN || read->linear.coef[last] != 1 ||
                nest->reduce->source[image] != read->node)
                return false;
            continue;
        }
        moves |= along != 0;
        *turns |= along != 1;
        if (along != 1 && read->linear.coef[last] != 1) return false;
    }
    return moves && reads->count < MOST_READS;
}

static double elements_of(const Node *node) { return (double)shape_size(node->shape); }

/* A call may have any number of rows: half a block is taken. */
static double usual_rows(const LoopFunction *f) { return f->one_block ? (double)f->block : (double)f->block / 2; }

static bool turns_less(const LoopFunction *f, const Nest *nest, int image, bool turns) {
    const Node *node = nest->reduce;
    double times = elements_of(node) / (double)node->shape.extent[node->shape.rank - 1]; /* it is packed */
    double weights = elements_of(node->source[1 - image]) * times / (turns ? 1 : COPY_SHARE);
    return weights <= (elements_of(node->source[image]) + elements_of(node)) * usual_rows(f);
}

bool outputs_as_lanes(const LoopFunction *f, Nest *nest, const Reads *reads, const LoopTarget *target) {
    int image = image_of(nest->reduce), lanes = loop_lanes(target, nest);
    Nest made = *nest;
    bool turns;
    if (image < 0 || f->block == 1 || !nest->rows || nest->space.rank == 0 ||
        nest->space.extent[nest->space.rank - 1] < lanes || !reads_fit(nest, reads, image, &turns) ||
        !turns_less(f, nest, image, turns))
        return false;
    made.lanes = nest->space.rank - 1;
    made.vectors = most_vectors(f, &made, nest->space.extent[made.lanes] / lanes, target->registers);
    made.tile_axis = TILE_ROWS;
    made.tile = most_tile_rows(target, made.vectors);
    if (made.tile > MOST_ROWS) made.tile = MOST_ROWS;
    made.apart = true;
    choose_blocks(f, &made, reads, target);
    if (made.blocks == NULL || made.blocks->tiles_outside) return false;
    *nest = made;
    return true;
}
