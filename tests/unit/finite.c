/* Whether numbers are finite: one bad number at every place of rows of every length, in f32 and f64. */
#include "finite.h"

#include <criterion/criterion.h>
#include <math.h>

enum { MOST = 40 };

static bool is_finite_with(sgdrt_dtype dtype, int64_t count, int64_t place, double value, bool or_missing) {
    float narrow[MOST];
    double wide[MOST];
    for (int64_t i = 0; i < MOST; i++) narrow[i] = (float)(wide[i] = i % 2 ? -1e300 : 1.5);
    for (int64_t i = 1; i < MOST; i += 2) narrow[i] = -3e38f;
    wide[place] = value;
    narrow[place] = (float)value;
    return sgdrt_all_finite(dtype == SGDRT_F32 ? (void *)narrow : wide, dtype, count, or_missing);
}

Test(finite, at_every_place) {
    static const sgdrt_dtype types[] = {SGDRT_F32, SGDRT_F64};
    for (int t = 0; t < 2; t++)
        for (int64_t count = 0; count < MOST; count++)
            for (int64_t place = 0; place < MOST; place++)
                for (int missing = 0; missing < 2; missing++) {
                    bool inside = place < count;
                    cr_assert_eq(is_finite_with(types[t], count, place, (double)INFINITY, missing), !inside);
                    cr_assert_eq(is_finite_with(types[t], count, place, -(double)INFINITY, missing), !inside);
                    cr_assert_eq(is_finite_with(types[t], count, place, (double)NAN, missing), !inside || missing);
                    cr_assert(is_finite_with(types[t], count, place, 0, missing));
                }
}
