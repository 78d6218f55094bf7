#!/bin/sh
# What evaluate writes of measures that are arrays, and of ranks: known answers, of an object and of C; rows with equal
# scores, and rows with weights. The confusion matrix is of 0.5 as the threshold.
set -eu
sgdc=$1 runtime=$2
cat >arrays.sgd <<'END'
data d { x: f32; y: label[2]; w: f32 }
model m(x: f32) -> f32 {
  param a: f32 = 1
  return a * x
}
metric by_class(z: real, y: label[2]) {
  truth[i in 0..2] = f32(y == i)
  taken[j in 0..2] = where(j == 1, f32(z > 0.5), f32(z <= 0.5))
  c[i, j]  = sum(batch(truth[i] * taken[j]))
  return c
}
train plain {
  data = d
  minimize = squared(m(x), f32(y))
  optimizer = sgd(lr = 0)
  batch = 2
  measure table = by_class(m(x), y)
  measure area = auc(m(x), y)
  measure rank = mean(batch(rank_in_batch(m(x)) * f32(y)))
}
train weighted like plain { weight = w }
END
cat >arrays.c <<'END'
#include "arrays.h"
#include <stdio.h>
#define N 6
static const float x[N] = {0.1f, 0.4f, 0.4f, 0.4f, 0.8f, 0.9f}, w[N] = {1, 2, 1, 0, 1, 1};
static const int32_t y[N] = {0, 1, 0, 1, 1, 0};
#define EXPECT(got, want) \
    if ((got) != (float)(want)) return fprintf(stderr, "%s is %.9g, not %.9g\n", #got, (double)(got), (double)(want)) && 1
int main(void) {
    arrays_plain *p;
    arrays_weighted *q;
    float a[ARRAYS_PLAIN_FIGURES], b[ARRAYS_WEIGHTED_FIGURES];
    if (ARRAYS_PLAIN_FIGURES != 7 || arrays_plain_new(&p, NULL) || arrays_weighted_new(&q, NULL)) return 2;
    arrays_plain_data rows = arrays_plain_rows(N, x, y, w);
    arrays_weighted_data same = arrays_weighted_rows(N, x, y, w);
    if (arrays_plain_evaluate(p, &rows, a) || arrays_weighted_evaluate(q, &same, b)) return 3;
    EXPECT(a[1], 5.0 / 9);                                 /* of 9 pairs 4 are in order, 2 are equal */
    EXPECT(a[2], (3.0 + 3 + 5) / 6);                       /* the ranks are 1, 3, 3, 3, 5, 6 */
    EXPECT(a[3], 2); EXPECT(a[4], 1); EXPECT(a[5], 2); EXPECT(a[6], 1);
    EXPECT(b[1], (2 * 1.5 + 1 * 2) / 9.0);                 /* ones weigh 2, 0, 1; zeros 1, 1, 1 */
    EXPECT(b[3], 2); EXPECT(b[4], 1); EXPECT(b[5], 2); EXPECT(b[6], 1);
    arrays_plain_free(p);
    arrays_weighted_free(q);
    return 0;
}
END
"$sgdc" arrays.sgd --cpu=native -o ./
${CC:-cc} -std=c11 -Wall -Wextra -Werror -I. arrays.c arrays.o "$runtime" -lz -lcjson -lm -o arrays
./arrays
mkdir -p c
"$sgdc" arrays.sgd --emit=c -o c/
${CC:-cc} -std=c11 -Wall -Wextra -O1 -ffp-contract=off -Ic -I. arrays.c c/arrays.c "$runtime" -lz -lcjson -lm -o arrays_c
./arrays_c
