/* affine: arithmetic on AxisMap and Access, the index maps of VIEW, CONTRACT and REDUCE_*.
 *
 * A map is normal when numerator and divisor have no common factor and indices that are always 0 (extent 1)
 * do not occur. All functions say exactly what they guarantee, because a lost condition (a place that was
 * absent and no longer is) is a wrong result and not a slow one.
 */
#ifndef SGDC_AFFINE_H
#define SGDC_AFFINE_H
#include "ir/graph.h"

int64_t affine_gcd(int64_t a, int64_t b);
AxisMap axis_map_constant(int64_t place);
AxisMap axis_map_index(int index);
bool axis_map_equal(const AxisMap *a, const AxisMap *b);
/* The map reads index `k` alone, unchanged. */
bool axis_map_is_index(const AxisMap *map, int k);
/* Drops indices of extent 1 and common factors. */
void axis_map_normalise(AxisMap *map, const int64_t *extent, int count);
/* Least and most value of the numerator over the index space. */
void axis_map_range(const AxisMap *map, const int64_t *extent, int count, int64_t *least, int64_t *most);
/* Integral and in 0 .. bound-1 at every index: no place is absent. */
bool axis_map_always_within(const AxisMap *map, const int64_t *extent, int count, int64_t bound);
bool access_always_within(const Access *access, const int64_t *extent, int count, Shape source);
/* Whether a place of index k outside 0 .. extent-1, or not integral, is absent for `access` into `source`:
 * some axis reads k alone, unscaled, and reaches no further. */
bool access_implies(const Access *access, Shape source, int k, int64_t extent);
/* out = outer after inner: outer reads a tensor of shape `middle` that is itself a view, read at `inner` over
 * an index space; false if some place absent for the pair is not absent for `out`, or a number grows too
 * large. Places outside `source` (the tensor that is left) are absent for both. `other`, if not NULL, is
 * another factor of the same term, of shape `other_shape`: where that is absent the term is. */
bool access_compose(const Access *outer, Shape middle, Shape source, const Access *inner, const int64_t *extent,
                    int count, const Access *other, Shape other_shape, Access *out);
/* Whether `access` has an axis that is absent wherever place `map` is outside 0 .. bound-1: it reads that
 * very map and reaches no further. */
bool access_has_map(const Access *access, Shape source, const AxisMap *map, int64_t bound);
/* Result and reduced extents one after the other; returns their number. */
int contraction_space(Shape result, const Contraction *c, int64_t extent[MOST_AXES]);
#endif
