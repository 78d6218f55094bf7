/* scatter: sums at places that are data (order law 8): one chain per target over (row, source), from +0.
 *
 * The chains are the value's array: sources run in order, each adding to its target. An index outside the table adds
 * nowhere.
 */
#include "ir/loops/schedules/schedule.h"

void schedule_scatter_start(Scheduler *s, const Nest *nest) {
    const Array *to = s->array[nest->reduce->id];
    const Subscript *at = schedule_loop_open(s, "i", shape_size(nest->reduce->shape), LOOP_SERIAL);
    schedule_store(s, to, NULL, schedule_place(s, nest->reduce, at), point_const(s, to->dtype, 0));
    schedule_close(s);
}

static void add_one(Scheduler *s, const Nest *nest, const SpacePoint *point, const Subscript *place,
                    const Subscript *term) {
    const Node *node = nest->reduce;
    int shared = (int)node->attr.index, chosen = node->source[1]->shape.rank - shared;
    SpacePoint target = point_in_table(point, node->shape.rank, shared, chosen, place);
    const Subscript *at = schedule_place(s, node, point_linear(s, &target, node->shape));
    const Array *to = s->array[node->id];
    const Scalar *x = value_at_point(s, node->source[0], point);
    const Scalar *y = node->sources > 2 ? value_at_point(s, node->source[2], point) : NULL;
    const Scalar *sum = point_add(s, node->dtype, point_load(s, to, NULL, at), x, y);
    schedule_term(s, to, at, sum, term, shape_size(node->source[0]->shape));
}

void schedule_scatter(Scheduler *s, const Nest *nest) {
    Node *node = nest->reduce, *x = node->source[0], *index = node->source[1];
    SpacePoint point = {{NULL}};
    if (shape_size(x->shape) == 0) return;
    int indices = index->shape.rank;
    int opened = schedule_axes_open(s, x->shape.extent, indices, point.axis);
    const Subscript *i = point_integer(s, value_at_point(s, index, &point));
    const Scalar *inside = point_inside(s, i, node->shape.extent[node->attr.index]);
    schedule_if_open(s, inside);
    opened += 1 + schedule_axes_open(s, x->shape.extent + indices, x->shape.rank - indices, point.axis + indices);
    const Subscript *term = point_linear(s, &point, x->shape);
    if (node->attr.over_rows)
        term = subscript_sum(s->arena, term, subscript_times(s->arena, schedule_row(s), shape_size(x->shape)));
    add_one(s, nest, &point, point_within(s, inside, i), term);
    schedule_close_all(s, opened);
}
