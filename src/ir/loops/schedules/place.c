/* place: places on the axes of values, row-major places, and where an array's layout has them.
 *
 * Nothing is read outside its array: absent places are redirected to place 0 and replaced after the load.
 */
#include "ir/loops/schedules/schedule.h"

/* ---- points ------------------------------------------------------------------------------------------------- */
static bool divides_same(const Scalar *q, const Scalar *r) {
    return q != NULL && r != NULL && q->kind == SCALAR_QUOTIENT && r->kind == SCALAR_REMAINDER && q->n == r->n &&
           subscript_equal(q->at, r->at);
}

/* n * (x / n) + x % n is x: of axes that were one and lie as they did. */
static const Subscript *without_division(Scheduler *s, const Subscript *at) {
    for (int i = 0; i < at->count; i++)
        for (int k = 0; k < at->count; k++) {
            const SubscriptTerm *q = &at->term[i], *r = &at->term[k];
            if (!divides_same(q->scalar, r->scalar) || q->coef != r->coef * r->scalar->n) continue;
            const SubscriptTerm parts[2] = {{.coef = -q->coef, .scalar = q->scalar},
                                            {.coef = -r->coef, .scalar = r->scalar}};
            const Subscript both = {.count = 2, .term = parts};
            const Subscript *whole = subscript_times(s->arena, r->scalar->at, r->coef);
            return without_division(s, subscript_sum(s->arena, subscript_sum(s->arena, at, &both), whole));
        }
    return at;
}

const Subscript *point_linear(Scheduler *s, const SpacePoint *point, Shape shape) {
    const Subscript *linear = subscript_number(s->arena, 0);
    for (int a = 0; a < shape.rank; a++)
        if (shape.extent[a] > 1)
            linear = subscript_sum(s->arena, linear,
                                   subscript_times(s->arena, point->axis[a], row_major_stride(shape, a)));
    return without_division(s, linear);
}

SpacePoint point_of_linear(Scheduler *s, const Subscript *linear, Shape shape) {
    SpacePoint point = {{NULL}};
    bool outermost = true;
    for (int a = 0; a < shape.rank; a++) {
        if (shape.extent[a] <= 1) {
            point.axis[a] = subscript_number(s->arena, 0);
            continue;
        }
        const Subscript *q = point_quotient(s, linear, row_major_stride(shape, a));
        point.axis[a] = outermost ? q : point_remainder(s, q, shape.extent[a]);
        outermost = false;
    }
    return point;
}

SpacePoint point_in_table(const SpacePoint *point, int rank, int shared, int chosen, const Subscript *place) {
    SpacePoint at = {{NULL}};
    for (int a = 0; a < rank; a++) at.axis[a] = a == shared ? place : point->axis[a < shared ? a : a - 1 + chosen];
    return at;
}

typedef struct AxisGroup {
    int begin, end;
    Shape shape;
} AxisGroup;

/* The next axes of both shapes, as few as have equally many elements. */
static void next_groups(Shape from, Shape to, AxisGroup *f, AxisGroup *t) {
    int64_t f_size = 1, t_size = 1;
    f->begin = f->end;
    t->begin = t->end;
    do {
        if (f->end < from.rank && (f_size <= t_size || t->end == to.rank))
            f_size *= from.extent[f->end++];
        else if (t->end < to.rank)
            t_size *= to.extent[t->end++];
    } while (f_size != t_size || t->end == t->begin);
    while (t->end < to.rank && to.extent[t->end] == 1) t->end++;
    f->shape.rank = f->end - f->begin;
    t->shape.rank = t->end - t->begin;
    for (int a = 0; a < f->shape.rank; a++) f->shape.extent[a] = from.extent[f->begin + a];
    for (int a = 0; a < t->shape.rank; a++) t->shape.extent[a] = to.extent[t->begin + a];
}

/* The place in a value of another shape; axes are merged and split in groups, so that few divisions are left. */
SpacePoint point_reshaped(Scheduler *s, const SpacePoint *at, Shape from, Shape to) {
    SpacePoint point = {{NULL}};
    AxisGroup f = {0}, t = {0};
    while (t.end < to.rank) {
        next_groups(from, to, &f, &t);
        SpacePoint part = {{NULL}};
        for (int a = f.begin; a < f.end; a++) part.axis[a - f.begin] = at->axis[a];
        SpacePoint places = point_of_linear(s, point_linear(s, &part, f.shape), t.shape);
        for (int a = t.begin; a < t.end; a++) point.axis[a] = places.axis[a - t.begin];
    }
    return point;
}

static bool is_always_inside(const AxisMap *map, const int64_t *extent, int axes, int64_t limit) {
    Access one = {.rank = 1, .axis = {*map}};
    return access_is_inside(&one, extent, axes, (Shape){.rank = 1, .extent = {limit}});
}

static const Subscript *place_on_source(Scheduler *s, const AxisMap *map, const SpacePoint *at, const int64_t *extent,
                                        int axes) {
    const Subscript *p = subscript_number(s->arena, map->offset);
    for (int k = 0; k < axes; k++)
        if (map->coef[k] != 0 && extent[k] > 1)
            p = subscript_sum(s->arena, p, subscript_times(s->arena, at->axis[k], map->coef[k]));
    return p;
}

SpacePoint point_through(Scheduler *s, const Access *access, const SpacePoint *at, const int64_t *extent, int axes,
                         Shape source, const Scalar **ok) {
    SpacePoint point = {{NULL}};
    for (int a = 0; a < access->rank; a++) {
        const AxisMap *map = &access->axis[a];
        const Subscript *p = place_on_source(s, map, at, extent, axes);
        if (map->divisor > 1) {
            const Subscript *rest = point_remainder(s, p, map->divisor);
            *ok = point_both(s, *ok, point_equal(s, rest, subscript_number(s->arena, 0)));
            p = point_quotient(s, p, map->divisor);
        }
        if (!is_always_inside(map, extent, axes, source.extent[a])) {
            const Scalar *inside = point_inside(s, p, source.extent[a]);
            *ok = point_both(s, *ok, inside);
            p = point_within(s, inside, p);
        }
        point.axis[a] = p;
    }
    return point;
}

/* ---- layouts ------------------------------------------------------------------------------------------------- */
const Subscript *schedule_place_of(Scheduler *s, const Node *node, const SpacePoint *point, bool flat) {
    const ArrayLayout *layout = s->layout[node->id];
    if (layout == NULL) return schedule_place(s, node, flat ? point->axis[0] : point_linear(s, point, node->shape));
    SpacePoint places = flat ? point_of_linear(s, point->axis[0], node->shape) : *point;
    const Subscript *at = subscript_number(s->arena, 0);
    for (int a = 0; a < node->shape.rank; a++)
        if (node->shape.extent[a] > 1)
            at = subscript_sum(s->arena, at, subscript_times(s->arena, places.axis[a], layout->stride[a]));
    at = without_division(s, at);
    return subscript_sum(s->arena, at, subscript_times(s->arena, s->at.in_block, layout->row));
}

int place_axis_of_step(Shape shape, int64_t step, int64_t *places) {
    for (int a = 0; a < shape.rank; a++) {
        int64_t stride = row_major_stride(shape, a);
        if (shape.extent[a] == 1 || step < stride || step % stride != 0) continue;
        *places = step / stride;
        return a;
    }
    return -1;
}

int64_t place_step(const Scheduler *s, const Node *node, int64_t step) {
    const ArrayLayout *layout = node->id < s->f->nodes ? s->layout[node->id] : NULL;
    int64_t places = 0, length = step < 0 ? -step : step;
    if (length == 0 || step == WILD_STRIDE) return step;
    if (layout == NULL) return node->id < s->f->nodes && s->has_rows_innermost[node->id] ? step * s->padded_rows : step;
    int axis = place_axis_of_step(node->shape, length, &places);
    return axis < 0 ? WILD_STRIDE : (step < 0 ? -places : places) * layout->stride[axis];
}

int place_innermost(const Scheduler *s, const Nest *nest) {
    for (int i = 0; i < nest->store_count && !nest->flat; i++)
        if (nest->stores[i].kind == STORE_ARRAY && s->layout[nest->stores[i].node->id] != NULL)
            return s->layout[nest->stores[i].node->id]->innermost;
    return -1;
}
