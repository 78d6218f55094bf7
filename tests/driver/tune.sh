# --tune: measures and trains nothing, changes no bit of what comes later, ends when it is asked to, and says where it cannot keep
# what it finds.
# Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
export XDG_CACHE_HOME="$scratch/caches"
failed=0
fail() { echo "FAILED: $*"; failed=1; }
cat >net.sgd <<'END'
data rows = synthetic(rows = 200, seed = 2) {
  x: f32[40] ~ normal(0, 1)
  y: f32[30] ~ normal(0, 1)
}
model net(x: f32[40]) -> f32[30] = dense(tanh(dense(x, 50)), 30)
train fit  { data = rows; minimize = mse(net(x), y); optimizer = sgd(lr = each [0.1, 0.2]); batch = 32; epochs = 3 }
train wide { data = rows; minimize = mse(net(x), y); optimizer = sgd(lr = 0.1); batch = 64; epochs = 3
             hold_out = 0.2; predict = net(x) }
END
"$sgdc" net.sgd --tune=1 >out 2>err; [ $? -eq 2 ] && grep -q SGDC_CACHE err || fail "with no folder"
train() {           # NAME: its files, and what is predicted
    "$sgdc" net.sgd --run --save $1.safetensors --log $1.jsonl -q >$1 2>&1 || { fail "--run $1"; cat $1; }
    "$sgdc" net.sgd --run=wide --predictions $1.csv -q >>$1 2>&1 || { fail "--predictions $1"; cat $1; }
    sed -i 's/, "seconds":[^,}]*//' $1.jsonl
}
SGDC_CACHE=off train before
SGDC_CACHE=$scratch/net.sgd/kept "$sgdc" net.sgd --tune=1 >out 2>err; [ $? -eq 2 ] && grep -q net.sgd/kept err || fail "a folder that cannot be"
unset SGDC_CACHE

"$sgdc" net.sgd --tune=6 >out 2>err || { fail "--tune"; cat err; }
[ "$(wc -l <out)" = 3 ] && grep -q '^wide: ' out || { fail "a line for each run"; cat out; }
[ "$(sed -n 2p out | grep -c 'of the runs before')" = 1 ] || { fail "runs that share their kernels"; cat out; }
[ "$(find . -name '*.safetensors' -newer net.sgd | wc -l)" = 4 ] || fail "something is trained"
train after
for file in before.csv before.jsonl before*.safetensors; do
    cmp "$file" "after${file#before}" || fail "other bits: $file"
done

# What ends it early, and a disk that is full.
"$sgdc" net.sgd --tune=100 >out 2>err & tuning=$!
sleep 2; kill -TERM $tuning; wait $tuning
[ $? -eq 143 ] && { [ ! -s out ] || grep -q '; interrupted' out; } || { fail "a signal"; cat out err; }
(ulimit -f 0; SGDC_CACHE=$scratch/full "$sgdc" net.sgd --run -q) 2>&1 | cat >out
[ "$(grep -c '^fit.*epoch 3/3' out)" = 2 ] && [ -z "$(find full -type f -size +0)" ] || { fail "a full disk"; cat out; ls -l full; }
"$sgdc" net.sgd --run=wide --tune=1 >out 2>err && [ "$(wc -l <out)" = 1 ] || fail "one run"
"$sgdc" net.sgd -o net.o -q 2>err && [ -s net.o ] || fail "an object"

for with in --dry-run --find-lr --interpret "--save x.safetensors" "--plot x.svg" "--log x.csv" --tune=0 --tune=fast; do
    "$sgdc" net.sgd --tune=1 $with >out 2>err; [ $? -eq 2 ] && [ -s err ] || fail "--tune $with"
done
exit $failed
