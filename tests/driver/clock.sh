# stop = seconds > ...: the clock decides, also within an epoch, the run says so and after how many steps, and training goes
# on from what it saved. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
cat >line.sgd <<'END'
data points = synthetic(rows = 200_000, seed = 1) {
  x: f32 ~ uniform(-1, 1)
  y: f32 = 2 * x + 1
}
model line(x: f32) -> f32 = dense([x], 1)[0]
train fit {
  data      = points
  hold_out  = 1000 / 200_000
  minimize  = squared(line(x), y)
  optimizer = sgd(lr = 0.01)
  batch     = 10
  epochs    = 1_000_000
  stop      = seconds > 0 and step > 5 or train.loss < 0
  keep      = best(valid.loss)
}
END
fail() { echo "FAILED: $1"; cat out.txt; exit 1; }
"$sgdc" line.sgd --run --save a.safetensors >out.txt 2>&1 || fail "a run that the clock stops is done"
grep -q 'stopped by the clock in epoch' out.txt || fail "it does not say that the clock decided"
grep -Eq 'stopped by the clock .* [0-9,]+ steps' out.txt || fail "it does not say after how many steps"
"$sgdc" line.sgd --run -q --load a.safetensors --set 'stop=seconds > 0' --save b.safetensors >out.txt 2>&1 || fail "it does not go on"
"$sgdc" line.sgd --run -q --set steps=40000 --set 'stop=seconds > 1e9' >out.txt 2>&1 || fail "a late clock"
grep -q clock out.txt && fail "a clock that is late decides"
exit 0
