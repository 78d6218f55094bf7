# Runs that take their steps together are, to the last byte of what is printed and saved, what each is alone: with rates, settings
# of optimizers, seeds and folds with rows and draws of their own, mini-batches that are not whole, rows that are held out, draws, layers with a state, runs that stop early or
# diverge, on each processor, on threads, and in f64.
# Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
export SGDC_CACHE=off SGDC_VERIFY=1
failed=0
fail() { echo "FAILED: $*"; failed=1; }
awk 'BEGIN { for (i = 0; i < 103; i++) { for (k = 0; k < 6; k++) printf "%d,", (i * i + 37 * k * i) % 101; print i * 7 % 3 } }' >rows.csv
cat >head.sgd <<'END'
data rows = synthetic(rows = 203, seed = 2) {
  x: f32[5]   ~ normal(0, 1)
  y: f32      = sin(x[0]) + x[1] * x[2] + normal(0, 0.1)
  c: label[3] = where(x[0] > 0.3, 2, where(x[1] > 0, 1, 0))
}
data raw = csv("rows.csv") {
  x: f32[5]   = standardize(columns(0..5))
  y: f32      = standardize(column(5))
  c: label[3] = column(6)
}
model line(x: f32[5]) -> f32 { param w: f32[5] = 0; param b: f32 = 0; return dot(w, x) + b }
model net(x: f32[5]) -> f32 = dense(relu(dense(tanh(dense(x, 11)), 9)), 1)[0]
model norms(x: f32[5]) -> f32 = dense(dropout(relu(batch_norm(dense(x, 8))), 0.3), 1)[0]
model classes(x: f32[5]) -> f32[3] = dense(sigmoid(dense(x, 6)), 3)
END
cat head.sgd - >runs.sgd <<'END'
train one      { data = rows; minimize = squared(line(x), y); optimizer = sgd(lr = each [0.01, 0.02, 0.3]); batch = 1; epochs = 3 }
train seven    { data = rows; minimize = squared(line(x), y); optimizer = sgd(lr = each [0.01, 40, 0.02, 0.3, 9]); batch = 7; epochs = 12 }
train all_rows { data = rows; minimize = squared(line(x), y); optimizer = momentum(lr = each [0.01, 0.2]); batch = all; epochs = 30 }
train settings { data = rows; minimize = squared(net(x), y); optimizer = momentum(lr = each [0.01, 0.02], beta = each [0.5, 0.9]); batch = 16; last = wrap; epochs = 3 }
train stops {
  data = rows; hold_out = 0.2; minimize = squared(net(x), y); optimizer = adam(lr = each [0.3, 0.02, 0.005, 0.001, 0.1])
  batch = 10; keep = best(valid.loss); stop = stalled(valid.loss, 2 epochs); epochs = 25; report = every 3 epochs
}
train draws    { data = rows; minimize = squared(norms(x), y); optimizer = adam(lr = each [0.01, 0.1, 0.03]); batch = 16; epochs = 4; report = every 20 steps }
train labels {
  data = rows; minimize = cross_entropy(classes(x), c); measure accuracy = accuracy(classes(x), c)
  optimizer = adamw(lr = each [0.01, 0.1], decay = each [0, 0.01]); batch = 32; last = drop; epochs = 4
}
train seeds { data = rows; minimize = squared(net(x), y); optimizer = momentum(lr = 0.02); seed = each 1..6; batch = 10; epochs = 3 }
train drawn { data = rows; hold_out = 0.1; minimize = squared(norms(x), y); optimizer = adam(lr = 0.01); seed = each 1..4; batch = 16 replacement; epochs = 3 }
train alike { data = rows; minimize = squared(net(x), y); optimizer = sgd(lr = 0.1); seed = each 1..4; batch = all; epochs = 20 }
train folds {
  data = raw; hold_out = folds(5); minimize = squared(net(x), y); measure error = squared(net(x), y)
  optimizer = sgd(lr = 0.05); batch = 8 sequential; keep = best(valid.loss); stop = stalled(valid.loss, 2 epochs); epochs = 9
}
train both {
  data = raw; hold_out = folds(4, by = c); minimize = cross_entropy(classes(x), c)
  optimizer = sgd(lr = each [0.1, 0.5, 90]); seed = each 3..5; batch = 30; epochs = 5; report = every 2 epochs
}
END
same() {        # NAME, OPTIONS, groups of runs
    for way in off all; do
        mkdir -p "$1/$way"
        (cd "$1/$way" && SGDC_TOGETHER=$way "$sgdc" ../../runs.sgd --run --save s.safetensors -v $2 >out 2>err
        echo "exit $?" >>out
        grep -c 'together$' err >groups
        sed -E 's/ +[0-9.]+ [mun]?s( |$)/ T\1/g; s/  +/ /g' out >shown && grep -vE 'together$|compiled|[0-9] steps/s ' err >said; rm err out)
    done
    [ "$(cat "$1/off/groups" "$1/all/groups" | tr '\n' ' ')" = "0 $3 " ] || fail "$1: are they together?"
    rm "$1"/*/groups
    diff -r "$1/off" "$1/all" >differ || { fail "$1: it is not the same"; head -20 differ; }
    [ "$(ls "$1/off" | wc -l)" -ge 8 ] || fail "$1: they did not train"
}
same native "" 15
for cpu in x86-64-v2 x86-64-v3 x86-64-v4; do
    "$sgdc" runs.sgd --cpu $cpu --run=one --dry-run >said 2>&1
    grep -q E0602 said || same $cpu "--cpu $cpu --run=seven,stops,drawn,folds" 5
done
same threads "--threads 2 --run=settings,labels" 2
same f64 "--f64 --run=seven,draws,drawn" 3
exit $failed
