/* affine: see affine.h. Numbers are int64; coefficients must fit 32 bits when a map is made, so sums of
 * products with extents (below 2^40 by construction) cannot overflow. */
#include "ir/affine.h"

#include <string.h>

int64_t affine_gcd(int64_t a, int64_t b) {
    if (a < 0) a = -a;
    if (b < 0) b = -b;
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

AxisMap axis_map_constant(int64_t place) {
    AxisMap map = {.offset = place, .divisor = 1};
    return map;
}

AxisMap axis_map_index(int index) {
    AxisMap map = {.divisor = 1};
    map.coef[index] = 1;
    return map;
}

bool axis_map_equal(const AxisMap *a, const AxisMap *b) { return memcmp(a, b, sizeof *a) == 0; }

bool axis_map_is_index(const AxisMap *map, int k) {
    AxisMap plain = axis_map_index(k);
    return axis_map_equal(map, &plain);
}

void axis_map_normalise(AxisMap *map, const int64_t *extent, int count) {
    int64_t common = affine_gcd(map->offset, map->divisor);
    for (int k = 0; k < MOST_AXES; k++) {
        if (k < count && extent[k] == 1) map->coef[k] = 0;
        common = affine_gcd(common, map->coef[k]);
    }
    if (common <= 1) return;
    map->offset /= common;
    map->divisor /= common;
    for (int k = 0; k < MOST_AXES; k++) map->coef[k] = (int32_t)(map->coef[k] / common);
}

void axis_map_range(const AxisMap *map, const int64_t *extent, int count, int64_t *least, int64_t *most) {
    *least = *most = map->offset;
    for (int k = 0; k < count; k++) {
        int64_t reach = map->coef[k] * (extent[k] > 0 ? extent[k] - 1 : 0);
        if (reach > 0)
            *most += reach;
        else
            *least += reach;
    }
}

bool axis_map_always_within(const AxisMap *map, const int64_t *extent, int count, int64_t bound) {
    if (map->divisor != 1) {
        if (map->offset % map->divisor) return false;
        for (int k = 0; k < count; k++) {
            if (extent[k] > 1 && map->coef[k] % map->divisor) return false;
        }
    }
    int64_t least, most;
    axis_map_range(map, extent, count, &least, &most);
    return least >= 0 && most / map->divisor < bound;
}

bool access_always_within(const Access *access, const int64_t *extent, int count, Shape source) {
    for (int a = 0; a < access->rank; a++) {
        if (!axis_map_always_within(&access->axis[a], extent, count, source.extent[a])) return false;
    }
    return true;
}

bool access_implies(const Access *access, Shape source, int k, int64_t extent) {
    for (int a = 0; a < access->rank; a++) {
        const AxisMap *map = &access->axis[a];
        if (map->divisor != 1 || (map->coef[k] != 1 && map->coef[k] != -1)) continue;
        bool alone = true;
        for (int j = 0; j < MOST_AXES; j++) alone &= j == k || map->coef[j] == 0;
        if (!alone) continue;
        int64_t last_place = source.extent[a] - 1;
        int64_t first = map->coef[k] == 1 ? -map->offset : map->offset - last_place;
        int64_t last = map->coef[k] == 1 ? last_place - map->offset : map->offset;
        if (first >= 0 && last < extent) return true;
    }
    return false;
}

/* map of the middle's axes, each replaced by what it is over the index space. */
static bool substitute(const AxisMap *map, const Access *inner, AxisMap *out) {
    int64_t common = 1;
    for (int b = 0; b < inner->rank; b++) {
        if (map->coef[b]) common = common / affine_gcd(common, inner->axis[b].divisor) * inner->axis[b].divisor;
    }
    int64_t coef[MOST_AXES] = {0}, offset = map->offset * common;
    for (int b = 0; b < inner->rank; b++) {
        if (!map->coef[b]) continue;
        int64_t factor = map->coef[b] * (common / inner->axis[b].divisor);
        offset += factor * inner->axis[b].offset;
        for (int k = 0; k < MOST_AXES; k++) coef[k] += factor * inner->axis[b].coef[k];
    }
    *out = (AxisMap){.offset = offset, .divisor = map->divisor * common};
    for (int k = 0; k < MOST_AXES; k++) {
        if (coef[k] > INT32_MAX || coef[k] < INT32_MIN) return false;
        out->coef[k] = (int32_t)coef[k];
    }
    return true;
}

bool access_has_map(const Access *access, Shape source, const AxisMap *map, int64_t bound) {
    for (int a = 0; a < access->rank; a++) {
        if (source.extent[a] <= bound && axis_map_equal(&access->axis[a], map)) return true;
    }
    return false;
}

bool access_compose(const Access *outer, Shape middle, Shape source, const Access *inner, const int64_t *extent,
                    int count, const Access *other, Shape other_shape, Access *out) {
    for (int b = 0; b < middle.rank; b++) {
        if (axis_map_always_within(&inner->axis[b], extent, count, middle.extent[b])) continue;
        if (access_implies(outer, source, b, middle.extent[b])) continue;
        if (!other || !access_has_map(other, other_shape, &inner->axis[b], middle.extent[b])) return false;
    }
    memset(out, 0, sizeof *out);
    out->rank = outer->rank;
    for (int a = 0; a < outer->rank; a++) {
        if (!substitute(&outer->axis[a], inner, &out->axis[a])) return false;
        axis_map_normalise(&out->axis[a], extent, count);
    }
    return true;
}

int contraction_space(Shape result, const Contraction *c, int64_t extent[MOST_AXES]) {
    for (int a = 0; a < result.rank; a++) extent[a] = result.extent[a];
    for (int k = 0; c && k < c->reduced; k++) extent[result.rank + k] = c->extent[k];
    return result.rank + (c ? c->reduced : 0);
}
