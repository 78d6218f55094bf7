# The symbolic gradient of every example agrees with differences in f64. Arguments: SGDC SOURCE_FOLDER
sgdc=$1 source=$2 failed=0
for file in "$source"/examples/*.sgd; do
    "$sgdc" "$file" --check-grad >out.txt 2>err.txt
    code=$?
    [ $code -eq 0 ] || { echo "FAILED: $file"; cat out.txt err.txt; failed=1; }
    grep -q agrees out.txt || [ $code -ne 0 ] || { echo "FAILED: $file: nothing was compared"; failed=1; }
done

# At a kink the gradient lies between the derivatives of both sides; --load says where it is looked.
scratch=$(mktemp -d); trap 'rm -rf "$scratch" out.txt err.txt' EXIT
cat >"$scratch/kinks.sgd" <<'END'
data points = synthetic(rows = 30, seed = 1) { x: f32 = uniform(1, 2) }
model m(x: f32) -> f32 {
  param w: f32[4]       = 0
  param p: f32[1, 4, 4] = 1
  param q: f32          = 2
  return sum(relu(w * x)) + abs(w[0]) + max(q, w[1] + 2) + sum(max_pool2d(p * x, 2)) + clamp(w[2], 0, 1) + q^2
}
train t { data = points; minimize = m(x)^2; optimizer = sgd(lr = 0) }
END
"$sgdc" "$scratch/kinks.sgd" --run -q --save "$scratch/start.safetensors" >out.txt 2>&1
"$sgdc" "$scratch/kinks.sgd" --check-grad --load "$scratch/start.safetensors" >out.txt 2>err.txt
[ $? -eq 0 ] || { echo "FAILED: kinks"; cat out.txt err.txt; failed=1; }
grep -q 'm.w .* 4 numbers .*agrees, 4 at a kink' out.txt || { echo "FAILED: kinks of relu are not named"; cat out.txt; failed=1; }
grep -q 'm.p .* 16 numbers .*agrees, 16 at a kink' out.txt || { echo "FAILED: kinks of pooling are not named"; cat out.txt; failed=1; }
sed 's/w: f32\[4\]/w: f32[5]/' "$scratch/kinks.sgd" >"$scratch/other.sgd"
"$sgdc" "$scratch/other.sgd" --check-grad --load "$scratch/start.safetensors" >out.txt 2>err.txt
[ $? -eq 3 ] || { echo "FAILED: a file of another model is taken"; cat out.txt err.txt; failed=1; }
exit $failed
