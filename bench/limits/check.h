/* A kernel's result beside plain loops, before anything is measured. Of large results it is a thousand elements, the
 * first and last and others spread evenly. A sum of k terms may be off by k roundings of the sum of their sizes. */
#ifndef BENCH_LIMITS_CHECK_H
#define BENCH_LIMITS_CHECK_H
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* term(context, element, p) is term p of that element. */
static inline void check(const float *result, size_t count, size_t terms, double (*term)(const void *, size_t, size_t),
                         const void *context) {
    size_t looks = count < 1000 ? count : 1000;
    for (size_t look = 0; look < looks; look++) {
        size_t at = looks > 1 ? (size_t)((double)look / (double)(looks - 1) * (double)(count - 1)) : 0;
        double sum = 0, size = 0;
        for (size_t p = 0; p < terms; p++) {
            double one = term(context, at, p);
            sum += one, size += fabs(one);
        }
        if (!(fabs((double)result[at] - sum) <= (double)FLT_EPSILON * (double)(terms + 1) * size)) {
            fprintf(stderr, "element %zu is %.9g, not %.9g\n", at, (double)result[at], sum);
            exit(1);
        }
    }
}
#endif
