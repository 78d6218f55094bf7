#!/bin/sh
# NAME_sample: draws of a prediction follow from the seed that is given; predict takes the program's. Argument: SGDC
set -eu
sgdc=$1
cat >sampled.sgd <<'END'
data points { x: f32[2] }
model code(z: f32[2]) -> f32[2] = dense(z, 2)
train fit {
  data      = points
  seed      = 5
  e: f32[2] ~ normal(0, 1)
  minimize  = mse(code(x), x)
  optimizer = sgd(lr = 0.1)
  batch     = 10
  predict   = code(e) + 0 * x
}
END
cat >sample.c <<'END'
#include "sampled.h"
#include <stdio.h>
#include <string.h>
#define FAIL_IF(c, why) if (c) { puts(why); return 1; }
int main(void) {
    static float x[20], a[20], b[20], c[20], d[20];
    sampled *m;
    sampled_data rows = sampled_rows(10, x);
    FAIL_IF(sampled_new(&m, NULL), "new");
    FAIL_IF(sampled_sample(m, &rows, 7, a, NULL) || sampled_sample(m, &rows, 7, b, NULL), "sample");
    FAIL_IF(sampled_sample(m, &rows, 5, c, NULL) || sampled_predict(m, &rows, d, NULL), "predict");
    FAIL_IF(memcmp(a, b, sizeof a), "one seed, two samples");
    FAIL_IF(!memcmp(a, c, sizeof a), "two seeds, one sample");
    FAIL_IF(memcmp(c, d, sizeof c), "predict does not take the program's seed");
    FAIL_IF(a[0] == a[2], "two rows, one draw");
    sampled_free(m);
    return 0;
}
END
"$sgdc" sampled.sgd -q
cc -I. sample.c sampled.o -lm -o sample && ./sample
"$sgdc" sampled.sgd -q --emit=c
cc -I. sample.c sampled.c -lm -o sample_c && ./sample_c
