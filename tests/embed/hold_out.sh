#!/bin/sh
# Splitting by a label that is computed: --run does it, and an object, which cannot, is refused at its line.
set -eu
sgdc=$1
awk 'BEGIN { for (i = 0; i < 40; i++) print i / 40 "," i * 7 % 40 / 40 "," i % 3 - 1 }' >d.csv
cat >split.sgd <<'END'
data d = csv("d.csv") {
  x: f32[2]   = columns(0..2)
  y: label[2] = where(column(2) > 0, 1, 0)
}
model m(x: f32[2]) -> f32[2] = dense(x, 2)
train fit { data = d; hold_out = split(0.2, by = y); minimize = cross_entropy(m(x), y); optimizer = sgd(lr = 0.1); batch = 4; epochs = 3 }
END
"$sgdc" split.sgd --run >run.txt 2>&1 || { cat run.txt >&2; exit 1; }
if "$sgdc" split.sgd 2>object.txt; then echo "an object that splits by a computed label is not refused" >&2; exit 1; fi
grep -q 'split.sgd:6:' object.txt && test ! -e split.o || { cat object.txt >&2; exit 1; }
