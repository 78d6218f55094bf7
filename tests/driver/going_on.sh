# What --load of a changed program or with other options says, and what is saved of runs that were interrupted, diverged
# or had nothing to do. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
check() { eval "$2" || { echo "FAILED: $1"; cat out err; failed=1; }; }
cat >net.sgd <<'END'
size = 60
data points = synthetic(rows = size, seed = 3) {
  x: f32[2] = [uniform(-1, 1), uniform(-1, 1)]
  y: f32    = sin(3 * x[0]) * x[1] + normal(0, 0.3)
}
model net(x: f32[2]) -> f32 = dense(tanh(dense(x, 16)), 1)[0]
train fit {
  data      = points
  hold_out  = 0.3
  minimize  = squared(net(x), y)
  optimizer = adam(lr = 0.03)
  batch     = 7
  epochs    = 40
  keep      = best(valid.loss)
}
END
sgdc() { "$sgdc" "$@" >out 2>err; code=$?; }

sgdc net.sgd --run --save part.safetensors
sgdc net.sgd --run --load part.safetensors --set epochs=60 --set lr=0.01
check "another rate is allowed and said" '[ $code -eq 0 ] && grep -q "after 240 steps; lr = 0.01, was 0.03" err'
sgdc net.sgd --run --load part.safetensors --seed 5 --save never.safetensors
check "another seed is refused" '[ $code -eq 3 ] && grep -q "seed 0, and fit has seed 5" err && [ ! -e never.safetensors ]'
sgdc net.sgd --run --load part.safetensors --set size=90 --set epochs=60
check "other rows are told" '[ $code -eq 0 ] && grep -q "W0315.*rows is 63, and was 42" err'
sgdc net.sgd --run --load part.safetensors --set batch=21 --set epochs=60
check "another batch is told" '[ $code -eq 0 ] && grep -q "W0315.*batch is 21, and was 7" err'
sgdc net.sgd --run --load part.safetensors --set 'optimizer=sgd(lr = 0.01)'
check "another optimizer is refused" '[ $code -eq 3 ] && grep -q "E0419.*adam.m@net" err && grep -q "start = load" err'
sed 's/dense(x, 16)/dense(x, 8)/' net.sgd >other.sgd
sgdc other.sgd --run --load part.safetensors
check "another shape is refused" '[ $code -eq 3 ] && grep -q "E0419.*\[16.*\[8" err'
printf 'a,b\n1,2\n2,3\n3,5\n4,4\n' >one.csv; printf 'a,b\n1,2\n2,3\n3,5\n9,4\n' >two.csv
cat >file.sgd <<'END'
data d = csv("one.csv") { x: f32[1] = standardize(columns(0..1)); y: f32 = column(1) }
model m(x: f32[1]) -> f32 = dense(x, 1)[0]
train fit { data = d; minimize = squared(m(x), y); optimizer = sgd(lr = 0.1); batch = 2; epochs = 3 }
END
sgdc file.sgd --run --save file.safetensors
sgdc file.sgd --run --load file.safetensors --data d=two.csv
check "standardized rows of another file are refused" '[ $code -eq 3 ] && grep -q "E0427.*other rows" err'

# A run with nothing to do is what it was; onto its own file as well.
sgdc net.sgd --run --save whole.safetensors --set epochs=60
cp part.safetensors own.safetensors
sgdc net.sgd --run --load own.safetensors --save own.safetensors --set epochs=60
check "a file is gone on from and replaced" 'cmp own.safetensors whole.safetensors'
sgdc net.sgd --run --load own.safetensors --save own.safetensors --set epochs=60
check "nothing to do leaves the file as it was" 'grep -q "nothing to do" out && cmp own.safetensors whole.safetensors'
sgdc net.sgd --run --load own.safetensors --save stopped.safetensors --set epochs=90 --set 'stop=stalled(valid.loss, 3 epochs)'
sgdc net.sgd --run --load stopped.safetensors --save again.safetensors --set epochs=90 --set 'stop=stalled(valid.loss, 3 epochs)'
check "a training that had stopped has stopped" 'grep -q "stopped after epoch 66/90" out && cmp stopped.safetensors again.safetensors'

# start = load and prediction take what is kept.
sed 's/optimizer = adam(lr = 0.03)/optimizer = sgd(lr = 0); start = load("part.safetensors")/; /keep/d' net.sgd >start.sgd
sgdc start.sgd --run --set epochs=1
check "start takes what is kept" \
    '[ "$(sed -n "s/.*valid_loss \([0-9.]*\).*/\1/p" out | tail -1)" = "$("$sgdc" net.sgd --run -q | sed -n "s/.*valid_loss \([0-9.]*\).*/\1/p")" ]'

# A run that diverges has its kept parameters saved, and goes on from them; one without keep is not saved, which is said.
sgdc net.sgd --run --load part.safetensors --save diverged.safetensors --set epochs=80 --set lr=1e36
check "what is kept of a diverged run is saved" '[ $code -eq 4 ] && grep -q "diverged.safetensors: what was kept of epoch" err'
sgdc net.sgd --run --load diverged.safetensors --set epochs=80
check "and training goes on from there" '[ $code -eq 0 ]'
sgdc net.sgd --run --save none.safetensors --set lr=1e36 --set keep=last
check "a diverged run is not saved" '[ $code -eq 4 ] && grep -q "none.safetensors was not written" err && [ ! -e none.safetensors ]'

# Interrupted anywhere, as often as one likes, with keep and stop.
long() {
    exec "$sgdc" net.sgd --run --progress=none --set batch=all --set epochs=2000000 --set 'stop=stalled(valid.loss, 1900000 epochs)' "$@"
}
(long --save whole.safetensors >out 2>err)
interrupts=0 load=
for tries in 1 2 3; do
    : >err
    # shellcheck disable=SC2086
    (long $load --save cut.safetensors >out 2>err) & process=$!
    while kill -0 $process 2>/dev/null && ! grep -q memory err; do sleep 0.02; done
    sleep 0.05
    kill -TERM $process 2>/dev/null
    wait $process
    code=$?
    check "a signal ends with 143, or the training was over" '[ $code -eq 143 ] || [ $code -eq 0 ]'
    [ $code -eq 143 ] && interrupts=$((interrupts + 1))
    [ -e cut.safetensors ] && load=--load=cut.safetensors
done
# shellcheck disable=SC2086
(long $load --save cut.safetensors >out 2>err)
check "an interrupted training ends as one that was not" 'cmp whole.safetensors cut.safetensors'
check "a training was interrupted" '[ $interrupts -gt 0 ]'
exit $failed
