/* term_squares: terms that lie side by side where the lanes do not, as of a matrix that is multiplied with one vector.
 *
 *   for blocks of as many terms as a vector has lanes
 *     for u, unrolled, for t, lanes: square[u, t] = operand(lane u, term t)
 *     transpose square
 *     for u, unrolled: term u joins all chains of the tile, and finds its lanes in line u of the square
 *
 * All terms are there. An operand that is read often is packed instead (pack.c), once for all tiles. One that is read once or a few
 * times is read in place here: a load for each line, where each lane by itself would be one.
 */
#include "ir/loops/schedules/kernel.h"

/* The innermost axis of the terms; -1: there is none. */
static int innermost_term(const Kernel *k) {
    for (int a = k->r.axes - 1; a >= k->r.result; a--)
        if (k->r.extent[a] > 1) return a;
    return -1;
}

bool kernel_finds_squares(const Scheduler *s, const Kernel *k, int axis) {
    int64_t side = schedule_square_side(s, k->r.dtype);
    int along = innermost_term(k);
    bool whole = side > 1 && along >= 0 && k->r.extent[axis] >= side && k->r.extent[along] >= side;
    if (!whole || k->r.c->over_rows || k->r.width > 1 || k->reads_window || kernel_guarded_along(k, -1)) return false;
    for (int o = 0; o < k->r.node->sources; o++) {
        const OperandMoves *m = &k->operand[o];
        if (m->moves[axis] && (!m->moves[along] || m->uneven[along])) return false;
    }
    return true;
}

/* Terms from `begin` on of the tile's lanes. */
static Panels load_square(Scheduler *s, Kernel *k, const KernelTile *tile, int operand, const Subscript *begin) {
    int64_t side = k->vector;
    Array *square = schedule_registers(s, k->r.dtype, side * side, "square");
    Square q = schedule_square_open(s, side, 0, side, LOOP_UNROLLED);
    k->r.point.axis[k->lanes_axis] = subscript_sum(s->arena, tile->lane, q.u);
    k->r.point.axis[innermost_term(k)] = subscript_sum(s->arena, begin, q.t);
    schedule_store(s, square, NULL, q.place, reduction_operand(s, &k->r, operand));
    schedule_square_close(s);
    schedule_transpose(s, square, side);
    return (Panels){.array = square, .places = side, .begin = subscript_number(s->arena, 0)};
}

static void terms_of_squares(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains,
                             int64_t blocks) {
    int along = innermost_term(k);
    int64_t all = k->r.joining;
    Panels squares[2] = {{.array = NULL}, {.array = NULL}};
    const Subscript *begin = subscript_times(s->arena, schedule_loop_open(s, "k", blocks, LOOP_SERIAL), k->vector);
    for (int o = 0; o < k->r.node->sources; o++)
        if (k->operand[o].moves[k->lanes_axis]) squares[o] = load_square(s, k, tile, o, begin);
    k->r.term = schedule_loop_open(s, "u", k->vector, LOOP_UNROLLED);
    k->r.point.axis[along] = subscript_sum(s->arena, begin, k->r.term);
    k->r.joining = all / k->r.extent[along] * k->vector * blocks;
    for (int o = 0; o < 2; o++) k->r.panels[o] = squares[o];
    kernel_one_term(s, k, tile, chains);
    for (int o = 0; o < 2; o++) k->r.panels[o] = (Panels){.array = NULL};
    k->r.joining = all;
    schedule_close(s);
    schedule_close(s);
}

void kernel_terms_in_squares(Scheduler *s, Kernel *k, const KernelTile *tile, const ChainArrays *chains) {
    int along = innermost_term(k);
    int64_t extent = k->r.extent[along], blocks = extent / k->vector, rest = extent % k->vector, all = k->r.joining;
    int opened = schedule_terms_open(s, k->r.extent + k->r.result, along - k->r.result, k->r.point.axis + k->r.result);
    for (int a = along + 1; a < k->r.axes; a++) k->r.point.axis[a] = subscript_number(s->arena, 0);
    terms_of_squares(s, k, tile, chains, blocks);
    if (rest > 0) {
        const Subscript *at = schedule_loop_open(s, "k", rest, LOOP_SERIAL);
        k->r.point.axis[along] = subscript_sum(s->arena, at, subscript_number(s->arena, extent - rest));
        k->r.joining = all / extent * rest;
        kernel_one_term(s, k, tile, chains);
        k->r.joining = all;
        schedule_close(s);
    }
    schedule_close_all(s, opened);
}
