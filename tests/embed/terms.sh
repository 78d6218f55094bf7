#!/bin/sh
# A step sums any number of terms: n terms, the i-th i times half the square of y, give n (n + 1) / 2 times their mean.
set -eu
sgdc=$1
for n in 1 65 150; do
    awk -v n=$n 'BEGIN {
        print "data d { x: f32[2]; y: f32 }"
        print "model m(x: f32[2]) -> f32 { param w: f32[2] = 0; return dot(w, x) }"
        print "train fit {\n  data = d\n  optimizer = sgd(lr = 0.0001)\n  batch = 4"
        for (i = 1; i <= n; i++) print "  minimize t" i " = " i " * squared(m(x), y)"
        print "}"
    }' >terms.sgd
    cat >terms.c <<END
#include "terms.h"
#include <stdio.h>
int main(void) {
    static _Alignas(64) char memory[TERMS_TRAIN_BYTES];
    float x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[4] = {1, 2, 3, 4}, loss = -1;
    terms *m;
    terms_data rows = terms_rows(4, x, y);
    int status = terms_init(&m, memory, sizeof memory, NULL);
    if (!status) status = terms_step(m, &rows, &loss);
    if (!status && loss == 3.75f * $n * ($n + 1) / 2) return 0;
    return fprintf(stderr, "$n terms: status %d, loss %g\n", status, (double)loss), 1;
}
END
    "$sgdc" terms.sgd -O0 --cpu=native -o ./
    ${CC:-cc} -std=c11 -Wall -Wextra -Werror -I. terms.c terms.o -lm -o terms
    ./terms
done
