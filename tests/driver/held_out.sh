#!/bin/sh
# --predictions: each row that validates, by the run that did not train on it: as `sgdc predict` says of what that run saved.
# Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 failed=0
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
fail() { echo "FAILED: $*"; failed=1; }

awk 'BEGIN { for (i = 0; i < 60; i++) print i * 7 % 60 / 30 - 1 "," i * 11 % 60 / 30 - 1 "," (i * 5 % 7 > 3 ? "yes" : "no") }' >d.csv
cat >folds.sgd <<'END'
data d = csv("d.csv") {
  keep = columns(0) > -0.9
  x: f32[2]   = standardize(columns(0..2))
  y: label[2] = classes(column(2))
}
data all = csv("d.csv") {
  x: f32[2] = columns(0..2)
  y: f32    = column(0) + column(1)
}
model m(x: f32[2]) -> f32[2] = dense(x, 2)
model n(x: f32[2]) -> f32 = dense(x, 1)[0]
train fit {
  data      = d
  hold_out  = folds(3, by = y)
  minimize  = cross_entropy(m(x), y)
  predict   = softmax(m(x))
  optimizer = sgd(lr = each [0.1, 0.5])
  batch     = 8
  epochs    = 4
}
train drawn {
  data      = all
  hold_out  = 0.3
  minimize  = squared(n(x), y)
  e: f32 ~ normal(0, 1)
  predict   = n(x) + e
  optimizer = sgd(lr = 0.1)
  epochs    = 4
}
train whole like drawn { hold_out = 0.3 }
END
sed -i '/^  keep/d' folds.sgd          # the rows of `sgdc predict` are all
"$sgdc" folds.sgd --run=fit,drawn -q --save s.safetensors --predictions p.csv >out 2>err || { fail "exit $?"; cat err; }
for lr in 0.1 0.5; do
    file=p-fit-lr=$lr.csv
    [ "$(wc -l <"$file")" -eq 61 ] || fail "$file has not a line for each row"
    for fold in 1 2 3; do
        "$sgdc" predict folds.sgd --run="fit fold=$fold lr=$lr" --load "s-fit-fold=$fold-lr=$lr.safetensors" >all.csv 2>err ||
            { fail "predict of fold $fold exits with $?"; cat err; }
        awk -F, -v OFS=, -v fold=$fold 'FNR == NR { line[FNR - 2] = $0; next }
            FNR > 1 && $2 == fold { rows++; row = $1; sub(/^[^,]*,[^,]*,/, ""); if ($0 != line[row]) { print "row " row ": " $0 " is not " line[row]; bad = 1 } }
            END { exit bad || rows < 18 || rows > 22 }' all.csv "$file" || fail "fold $fold of lr=$lr"
    done
done
# Without folds there is no column of them; a draw follows from the row.
"$sgdc" predict folds.sgd --run=drawn --load s-drawn.safetensors >all.csv 2>err || { fail "predict exits with $?"; cat err; }
awk -F, 'FNR == NR { line[FNR - 2] = $0; next } FNR > 1 { rows++; if ($2 != line[$1]) { print "row " $1 ": " $2 " is not " line[$1]; bad = 1 } }
    END { exit bad || rows != 18 }' all.csv p-drawn.csv || fail "predictions of drawn"
[ "$(head -1 p-drawn.csv)" = row,prediction ] || fail "its heading is $(head -1 p-drawn.csv)"
# Of one setting it is the file that was named; what cannot be is said before work.
"$sgdc" folds.sgd --run=drawn -q --predictions - 2>err | grep -c '^[0-9]*,-*[0-9.e-]*$' | grep -qx 18 || fail "predictions on stdout"
sed 's/hold_out *= 0.3//' folds.sgd >none.sgd
"$sgdc" none.sgd --run=drawn --predictions q.csv >out 2>err
[ $? -eq 1 ] && grep -q 'no rows of drawn validate' err && [ ! -e q.csv ] || { fail "no row validates"; cat err; }
"$sgdc" folds.sgd --run=drawn --predictions p.txt >out 2>err
[ $? -eq 2 ] && grep -q 'writes .csv' err || fail "p.txt"
exit $failed
