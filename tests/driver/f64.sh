# --f64: every f32 of a program is an f64, in data, parameters, averages and what is saved. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $*"; failed=1; }
cars="--data=cars=$source/examples/data/used_cars.csv"

cat >wide.sgd <<'END'
data points = synthetic(rows = 100, seed = 1) { x: f32[3] = [uniform(-1, 1) for i in 0..3]; y: f32 = sin(3 * x[0]) + f32(x[1] > 0) }
model net(x: f32[3]) -> f32 = dense(tanh(batch_norm(dense(x, 8))), 1)[0]
train fit {
  data      = points
  minimize  = squared(net(x), y)
  average   = 0.9
  optimizer = adam(lr = 0.01)
  batch     = 10
  epochs    = 3
}
END

# In f64 nothing is an f32; compiled and interpreted, whatever the level, the bits are the same.
"$sgdc" wide.sgd --run -q --f64 --save wide.safetensors >wide.out 2>err || { cat err; fail "it trains"; }
"$sgdc" wide.sgd --run -q --f64 --trace trace.safetensors >out 2>err || { cat err; fail "it is traced"; }
for file in wide.safetensors trace.safetensors; do
    head -c 8000 $file | tr -d '\0' | grep -aq '"F64"' || fail "$file has no F64"
    head -c 8000 $file | tr -d '\0' | grep -aq '"F32"' && fail "$file has an F32"
done
for how in --interpret -O0 --threads=3; do
    "$sgdc" wide.sgd --run -q --f64 $how --save other.safetensors >out 2>err
    cmp wide.safetensors other.safetensors || fail "$how has other bits"
done

# A table with texts, missing values and statistics; and a training that goes on.
"$sgdc" "$source/examples/table.sgd" "$cars" --run=price -q --f64 --set epochs=3 --save cars.safetensors --report cars.html >out 2>err ||
    { cat err; fail "a table"; }
"$sgdc" "$source/examples/table.sgd" "$cars" --run=price -q --f64 --set epochs=6 --load cars.safetensors --save on.safetensors >out 2>err ||
    { cat err; fail "it goes on"; }
"$sgdc" "$source/examples/table.sgd" "$cars" --run=price -q --f64 --set epochs=6 --save all.safetensors >out 2>err
cmp on.safetensors all.safetensors || fail "going on has other bits"

# A file of the other kind is refused, and so is --f64 where nothing trains.
"$sgdc" wide.sgd --run -q --load wide.safetensors >out 2>err
[ $? -eq 3 ] && grep -q 'F64\|f64' err || { cat err; fail "f32 takes parameters in f64"; }
"$sgdc" wide.sgd --f64 >out 2>err
[ $? -eq 2 ] && grep -q -- '--f64 is about training: add --run' err || { cat err; fail "--f64 alone"; }
exit $failed
