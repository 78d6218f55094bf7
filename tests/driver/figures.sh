#!/bin/sh
# Figures over many rows keep their digits, and are the same compiled, interpreted, and of an object: the mean of a
# million values of 999,999.5 that sums in f32 would miss. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
same() { [ "$2" = "$3" ] || { echo "FAILED: $1: $3, not $2"; failed=1; }; }

cat >many.sgd <<'END'
data d = synthetic(rows = 1_000_000, seed = 1) { x: f32 = 999_999.5 + 0 * uniform(0, 1) }
model m(x: f32) -> f32 {
  param w: f32 = 1
  return w * x
}
train t {
  data            = d
  valid           = d
  minimize rows   = m(x)
  minimize whole  = 2 * m(1)
  optimizer       = sgd(lr = 0)
  measure plain   = m(x)
  measure batch   = batch_mean(m(x))
  measure root    = sqrt(batch_mean((m(x) - 999_999)^2))
  measure summed  = sum(batch(x)) / 1e6
  measure largest = max(batch(x))
}
END
wanted="t,1,1,1000001.5,1000001.5,999999.5,999999.5,0.5,999999.5,999999.5"
for way in "" --interpret; do
    "$sgdc" many.sgd --run -q --log log.csv $way >out 2>&1 || { cat out; failed=1; }
    grep -v '^#' log.csv | sed 's/,[^,]*$//' | sed 1d >figures
    same "the log ${way:-compiled}" "$wanted,0" "$(cat figures)"
done

cat >application.c <<'END'
#include "many.h"
#include <stdio.h>
#include <stdlib.h>
static int say(void *user, const sgdc_report *report) {
    (void)user;
    printf("%.9g,%.9g", report->train_loss, report->valid_loss);
    return 0;
}
int main(void) {
    enum { ROWS = 1000000 };
    float *x = malloc(sizeof *x * ROWS), results[6], loss;
    many *m;
    for (int i = 0; i < ROWS; i++) x[i] = 999999.5f;
    many_data rows = many_rows(ROWS, x);
    if (many_new(&m, NULL) || many_fit(m, &rows, &rows, say, NULL) || many_evaluate(m, &rows, results)) return 1;
    for (int i = 0; i < 6; i++) printf(",%.9g", (double)results[i]);
    if (many_step(m, &rows, &loss)) return 1;
    printf(",%.9g\n", (double)loss);
    return 0;
}
END
runtime=$(dirname "$sgdc")/libsgdrt.a
"$sgdc" many.sgd -o many.o && ${CC:-cc} -I"$source/runtime" application.c many.o "$runtime" -lz -lcjson -lm -o application ||
    { echo "FAILED: the application does not build"; exit 1; }
same "the object" "1000001.5,1000001.5,1000001.5,999999.5,999999.5,0.5,999999.5,999999.5,1000001.5" "$(./application)"
exit $failed
