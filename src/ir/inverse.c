/* inverse: see inverse.h. Elimination over the rationals, one equation per axis of the result:
 *
 *     divisor * p = offset + sum of coef[k] * i[k]
 *
 * Axes that one index decides come first; among the indices of an equation result indices of the forward
 * operation are solved for before reduced ones (then a data gradient sums over the taps, as the forward pass
 * does), the longest first (fewest terms stay), then the first. */
#include "ir/inverse.h"

#include <string.h>

#include "ir/affine.h"

/* (offset + p . result place + i . old indices) / divisor */
typedef struct Rational {
    int64_t offset, divisor, p[MOST_RANK], i[MOST_AXES];
} Rational;

typedef struct Inverse {
    const IndexSpace *space;
    Shape shape;
    bool solved[MOST_AXES];
    Rational value[MOST_AXES]; /* of the solved */
    Rational left[MOST_RANK];  /* equations without an index to solve for: must be 0 */
    int left_count;
    int axes; /* of the new space: result axes, then what is summed */
    int64_t extent[MOST_AXES];
    int now[MOST_AXES]; /* new axis of an index that is summed */
    Reading guard;
    int64_t guard_extent[MOST_RANK];
    bool failed;
} Inverse;

static void reduce(Rational *r) {
    int64_t common = affine_gcd(r->offset, r->divisor);
    for (int a = 0; a < MOST_RANK; a++) common = affine_gcd(common, r->p[a]);
    for (int k = 0; k < MOST_AXES; k++) common = affine_gcd(common, r->i[k]);
    if (r->divisor < 0) common = -common;
    if (common == 0 || common == 1) return;
    r->offset /= common;
    r->divisor /= common;
    for (int a = 0; a < MOST_RANK; a++) r->p[a] /= common;
    for (int k = 0; k < MOST_AXES; k++) r->i[k] /= common;
}

static void check_size(Inverse *v, const Rational *r) {
    const int64_t most = INT32_MAX;
    bool fits = r->divisor <= most;
    for (int a = 0; a < MOST_RANK; a++) fits &= r->p[a] <= most && r->p[a] >= -most;
    for (int k = 0; k < MOST_AXES; k++) fits &= r->i[k] <= most && r->i[k] >= -most;
    if (!fits) v->failed = true;
}

/* r with index k replaced by its value. */
static void replace(Inverse *v, Rational *r, int k) {
    const Rational *value = &v->value[k];
    int64_t factor = r->i[k];
    if (factor == 0) return;
    int64_t scale = value->divisor / affine_gcd(value->divisor, factor);
    factor = factor * scale / value->divisor;
    r->i[k] = 0;
    r->offset = r->offset * scale + factor * value->offset;
    r->divisor *= scale;
    for (int a = 0; a < MOST_RANK; a++) r->p[a] = r->p[a] * scale + factor * value->p[a];
    for (int j = 0; j < MOST_AXES; j++) r->i[j] = r->i[j] * scale + factor * value->i[j];
    reduce(r);
    check_size(v, r);
}

static Rational rational_of_map(Inverse *v, const AxisMap *map) {
    Rational r = {.offset = map->offset, .divisor = map->divisor};
    for (int k = 0; k < v->space->axes; k++) r.i[k] = map->coef[k];
    for (int k = 0; k < v->space->axes; k++) {
        if (v->solved[k]) replace(v, &r, k);
    }
    return r;
}

/* The index an equation is solved for, or -1. */
static int choose_index(const Inverse *v, const Rational *equation) {
    int best = -1;
    for (int k = 0; k < v->space->axes; k++) {
        if (equation->i[k] == 0) continue;
        bool is_result = k < v->space->results, best_is_result = best >= 0 && best < v->space->results;
        if (best < 0 || (is_result == best_is_result && v->space->extent[k] > v->space->extent[best])) best = k;
    }
    return best;
}

/* map(i) = p[axis]: solves for an index, or keeps the equation as one that must hold. */
static void solve_axis(Inverse *v, const AxisMap *map, int axis) {
    Rational equation = rational_of_map(v, map); /* numerator - divisor * p == 0 */
    equation.p[axis] -= equation.divisor;
    equation.divisor = 1;
    int k = choose_index(v, &equation);
    if (k < 0) {
        v->left[v->left_count++] = equation;
        return;
    }
    Rational value = equation;
    value.divisor = -equation.i[k];
    value.i[k] = 0;
    reduce(&value);
    check_size(v, &value);
    v->solved[k] = true;
    v->value[k] = value;
    for (int j = 0; j < v->space->axes; j++) {
        if (v->solved[j] && j != k) replace(v, &v->value[j], k);
    }
}

static int indices_in(const AxisMap *map, const IndexSpace *space) {
    int count = 0;
    for (int k = 0; k < space->axes; k++) count += map->coef[k] != 0 && space->extent[k] > 1;
    return count;
}

static void solve(Inverse *v, const Access *to) {
    for (int k = 0; k < v->space->axes; k++) {
        if (v->space->extent[k] != 1) continue;
        v->solved[k] = true; /* always 0 */
        v->value[k] = (Rational){.divisor = 1};
    }
    for (int pass = 0; pass < 2; pass++) {
        for (int a = 0; a < to->rank; a++) {
            bool alone = indices_in(&to->axis[a], v->space) == 1;
            if (alone == (pass == 0)) solve_axis(v, &to->axis[a], a);
        }
    }
    v->axes = v->shape.rank;
    for (int a = 0; a < v->shape.rank; a++) v->extent[a] = v->shape.extent[a];
    for (int k = 0; k < v->space->axes && !v->failed; k++) {
        if (v->solved[k]) continue;
        if (v->axes == MOST_AXES) {
            v->failed = true;
            return;
        }
        v->now[k] = v->axes;
        v->extent[v->axes++] = v->space->extent[k];
    }
}

static AxisMap map_of_rational(const Inverse *v, const Rational *r) {
    AxisMap map = {.offset = r->offset, .divisor = r->divisor};
    for (int a = 0; a < v->shape.rank; a++) map.coef[a] = (int32_t)r->p[a];
    for (int k = 0; k < v->space->axes; k++) {
        if (r->i[k]) map.coef[v->now[k]] = (int32_t)r->i[k];
    }
    axis_map_normalise(&map, v->extent, v->axes);
    return map;
}

/* ---- guards -------------------------------------------------------------------------------- */
static void add_guard(Inverse *v, AxisMap map, int64_t extent) {
    if (axis_map_always_within(&map, v->extent, v->axes, extent)) return;
    if (v->guard.access.rank == MOST_RANK) {
        v->failed = true;
        return;
    }
    v->guard_extent[v->guard.access.rank] = extent;
    v->guard.access.axis[v->guard.access.rank++] = map;
}

/* Whether some reading is absent wherever index k is outside its range or not integral. */
static bool reading_enforces(const Reading *readings, int count, int k, int64_t extent) {
    for (int r = 0; r < count; r++) {
        if (access_implies(&readings[r].access, readings[r].node->shape, k, extent)) return true;
    }
    return false;
}

static void find_guards(Inverse *v, const Reading *readings, int count) {
    for (int k = 0; k < v->space->axes; k++) {
        if (!v->solved[k] || reading_enforces(readings, count, k, v->space->extent[k])) continue;
        add_guard(v, map_of_rational(v, &v->value[k]), v->space->extent[k]);
    }
    for (int e = 0; e < v->left_count; e++) add_guard(v, map_of_rational(v, &v->left[e]), 1);
}

/* Equations are guarded by axes of extent 1 in front of a reading that has room for them. */
static bool guard_by_unit_axes(Graph *g, Inverse *v, Reading *reading) {
    int guards = v->guard.access.rank, rank = reading->access.rank;
    if (rank + guards > MOST_RANK) return false;
    for (int a = 0; a < guards; a++) {
        if (v->guard_extent[a] != 1) return false;
    }
    Shape shape = {.rank = rank + guards};
    Access access = {.rank = rank + guards};
    for (int a = 0; a < guards; a++) {
        shape.extent[a] = 1;
        access.axis[a] = v->guard.access.axis[a];
    }
    for (int a = 0; a < rank; a++) {
        shape.extent[guards + a] = reading->node->shape.extent[a];
        access.axis[guards + a] = reading->access.axis[a];
    }
    reading->node = graph_reshape(g, reading->node, shape);
    reading->access = access;
    return true;
}

/* The reading's values over the indices it and the guards use, 0 where a guard is absent. */
static bool materialise(Graph *g, Inverse *v, Reading *reading) {
    Node *source[] = {reading->node, v->guard.node};
    Contraction c = {.access = {reading->access, v->guard.access}};
    Shape shape = {0};
    Access access = {0};
    int at[MOST_AXES];
    for (int k = 0; k < v->axes; k++) {
        bool used = false;
        for (int s = 0; s < 2; s++) {
            for (int a = 0; a < c.access[s].rank; a++) used |= c.access[s].axis[a].coef[k] != 0;
        }
        at[k] = -1;
        if (!used) continue;
        if (shape.rank == MOST_RANK) return false;
        access.axis[access.rank++] = axis_map_index(k);
        at[k] = shape.rank;
        shape.extent[shape.rank++] = v->extent[k];
    }
    for (int s = 0; s < 2; s++) {
        for (int a = 0; a < c.access[s].rank; a++) {
            AxisMap *map = &c.access[s].axis[a], moved = {.offset = map->offset, .divisor = map->divisor};
            for (int k = 0; k < v->axes; k++) {
                if (map->coef[k]) moved.coef[at[k]] = map->coef[k];
            }
            *map = moved;
        }
    }
    reading->node = graph_contract(g, OP_CONTRACT, source, 2, shape, &c);
    reading->access = access;
    return true;
}

static bool attach_guards(Graph *g, Inverse *v, Reading *readings, int *count) {
    int guards = v->guard.access.rank;
    if (guards == 0) return true;
    for (int r = 0; r < *count; r++) {
        if (guard_by_unit_axes(g, v, &readings[r])) return true;
    }
    Shape shape = {.rank = guards};
    memcpy(shape.extent, v->guard_extent, sizeof v->guard_extent);
    v->guard.node = graph_const(g, readings[0].node->dtype, shape, 1);
    if (*count == 2) return materialise(g, v, &readings[1]);
    readings[(*count)++] = v->guard;
    return true;
}

/* ---- the sum ------------------------------------------------------------------------------- */
static Node *build(Graph *g, const Inverse *v, const Reading *readings, int count) {
    if (v->axes == v->shape.rank) { /* nothing is summed */
        if (count == 1) return graph_view(g, readings[0].node, v->shape, &readings[0].access);
        bool whole = true;
        for (int r = 0; r < count; r++) {
            whole &= access_always_within(&readings[r].access, v->extent, v->axes, readings[r].node->shape);
        }
        if (whole)
            return graph_binary(g, OP_MUL, graph_view(g, readings[0].node, v->shape, &readings[0].access),
                                graph_view(g, readings[1].node, v->shape, &readings[1].access));
    }
    Contraction c = {.reduced = v->axes - v->shape.rank};
    memcpy(c.extent, v->extent + v->shape.rank, sizeof c.extent[0] * (size_t)c.reduced);
    Node *source[2];
    for (int r = 0; r < count; r++) {
        source[r] = readings[r].node;
        c.access[r] = readings[r].access;
    }
    return graph_contract(g, OP_CONTRACT, source, count, v->shape, &c);
}

static Node *solve_and_build(Graph *g, const IndexSpace *space, const Access *to, Shape shape, const Reading *readings,
                             int count) {
    Inverse v = {.space = space, .shape = shape};
    solve(&v, to);
    if (v.failed) return NULL;
    find_guards(&v, readings, count);
    Reading now[2];
    for (int r = 0; r < count; r++) {
        now[r] = readings[r];
        for (int a = 0; a < now[r].access.rank; a++) {
            Rational place = rational_of_map(&v, &readings[r].access.axis[a]);
            now[r].access.axis[a] = map_of_rational(&v, &place);
        }
    }
    if (v.failed || !attach_guards(g, &v, now, &count)) return NULL;
    return build(g, &v, now, count);
}

/* ---- digits -------------------------------------------------------------------------------- */
/* An axis that is read at stride * i + u, where u counts from 0 to stride - 1, is read as an axis for i and
 * one for u: each place has one i and one u, which no affine map can say. More indices likewise. */
typedef struct Digits {
    int count, index[MOST_AXES];
    int64_t covered;
} Digits;

static Digits digits_of(const AxisMap *map, const IndexSpace *space, int64_t extent) {
    Digits d = {.covered = 1}, none = {0};
    if (map->divisor != 1) return none;
    for (int found = 1; found;) {
        found = 0;
        for (int k = 0; k < space->axes && !found; k++) {
            if (map->coef[k] != d.covered || space->extent[k] == 1) continue;
            memmove(d.index + 1, d.index, sizeof d.index[0] * (size_t)d.count++); /* the lowest is last */
            d.index[0] = k;
            d.covered *= space->extent[k];
            found = 1;
        }
    }
    bool whole = d.count == indices_in(map, space) && map->offset >= 0 && map->offset + d.covered <= extent;
    return whole && d.count > 1 ? d : none;
}

typedef struct SplitShape {
    Access to;
    Shape split, covered;
    int64_t before[MOST_RANK], after[MOST_RANK];
    bool any;
} SplitShape;

/* False if the axes do not fit. */
static bool split_digits(SplitShape *s, const IndexSpace *space, const Access *to, Shape shape) {
    s->covered = shape;
    for (int a = 0; a < shape.rank; a++) {
        Digits d = digits_of(&to->axis[a], space, shape.extent[a]);
        if (s->split.rank + (d.count ? d.count : 1) > MOST_RANK) return false;
        if (!d.count) {
            s->to.axis[s->to.rank++] = to->axis[a];
            s->split.extent[s->split.rank++] = shape.extent[a];
            continue;
        }
        for (int i = 0; i < d.count; i++) {
            s->to.axis[s->to.rank++] = axis_map_index(d.index[i]);
            s->split.extent[s->split.rank++] = space->extent[d.index[i]];
        }
        s->covered.extent[a] = d.covered;
        s->before[a] = to->axis[a].offset;
        s->after[a] = shape.extent[a] - d.covered - s->before[a];
        s->any = true;
    }
    return s->any;
}

Node *inverse_sum(Graph *g, const IndexSpace *space, const Access *to, Shape shape, const Reading *readings,
                  int count) {
    SplitShape s = {0};
    if (!split_digits(&s, space, to, shape)) return solve_and_build(g, space, to, shape, readings, count);
    Node *sum = solve_and_build(g, space, &s.to, s.split, readings, count);
    return sum ? graph_pad(g, graph_reshape(g, sum, s.covered), s.before, s.after) : NULL;
}

/* ---- one of equal terms ----------------------------------------------------------------------- */
static bool uses_index(const Access *access, int from, int to) {
    for (int a = 0; a < access->rank; a++) {
        for (int k = from; k < to; k++) {
            if (access->axis[a].coef[k]) return true;
        }
    }
    return false;
}

static Node *solve_where(Graph *g, const IndexSpace *space, const Access *to, Shape shape, const Reading *reading) {
    Inverse v = {.space = space, .shape = shape};
    solve(&v, to);
    Access at = reading->access;
    for (int a = 0; a < at.rank && !v.failed; a++) {
        Rational place = rational_of_map(&v, &reading->access.axis[a]);
        at.axis[a] = map_of_rational(&v, &place);
    }
    if (v.failed || uses_index(&at, shape.rank, MOST_AXES)) return NULL;
    return graph_view(g, reading->node, shape, &at);
}

Node *inverse_where(Graph *g, const IndexSpace *space, const Access *to, Shape shape, const Reading *reading) {
    if (!uses_index(&reading->access, 0, MOST_AXES)) return graph_view(g, reading->node, shape, &reading->access);
    SplitShape s = {0};
    if (!split_digits(&s, space, to, shape)) return solve_where(g, space, to, shape, reading);
    Node *split = solve_where(g, space, &s.to, s.split, reading);
    return split ? graph_pad(g, graph_reshape(g, split, s.covered), s.before, s.after) : NULL;
}
