# N + M steps equal N steps, save, load, M steps: to the last bit of every parameter. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
cat >net.sgd <<'END'
data rings = synthetic(rows = 103, seed = 3) {
  x: f32[2] = [uniform(-1, 1), uniform(-1, 1)]
  y: f32    = where(x[0]^2 + x[1]^2 > 0.5, 1, 0)
}
model net(x: f32[2]) -> f32 {
  h = dropout(tanh(dense(x, 16)), 0.2)
  return dense(h, 1)[0]
}
train fit {
  data      = rings
  hold_out  = 0.2
  minimize  = binary_cross_entropy(net(x), y)
  optimizer = adam(lr = 0.01)
  batch     = 10
  steps     = 60
}
END
# A rate that watches the validation loss falls at the same steps.
cat >watching.sgd <<'END'
include "net.sgd"
train watching like fit { optimizer = adam(lr = 0.03 * plateau(valid.loss, 1 epochs, factor = 0.5)); steps = 90 }
END
"$sgdc" watching.sgd --run=watching -q --save whole.safetensors >whole.txt || exit 1
"$sgdc" watching.sgd --run=watching -q --set steps=50 --save part.safetensors >part.txt || exit 1
"$sgdc" watching.sgd --run=watching -q --load part.safetensors --save continued.safetensors >continued.txt || exit 1
cmp whole.safetensors continued.safetensors || { echo "FAILED: a rate that watches, continued, differs"; exit 1; }
"$sgdc" inspect whole.safetensors | grep -q 'plateau.factor' || { echo "FAILED: no rate fell"; exit 1; }
# Averaged weights serve, are kept and saved; what is trained goes on.
cat >averaging.sgd <<'END'
include "net.sgd"
train averaging like fit { average = 0.9; keep = best(valid.loss) }
END
"$sgdc" averaging.sgd --run=averaging -q --save whole.safetensors >whole.txt || exit 1
"$sgdc" averaging.sgd --run=averaging -q --set steps=23 --save part.safetensors >part.txt || exit 1
"$sgdc" averaging.sgd --run=averaging -q --load part.safetensors --save continued.safetensors >continued.txt || exit 1
cmp whole.safetensors continued.safetensors || { echo "FAILED: averages, continued, differ"; exit 1; }
"$sgdc" inspect whole.safetensors | grep -q 'trained@net.dense.w' || { echo "FAILED: what is trained is not saved"; exit 1; }
for mode in "" --interpret; do
    # 23 steps end within an epoch of 9: the order of rows and the draws must go on from there.
    "$sgdc" net.sgd --run -q $mode --save whole.safetensors >whole.txt || exit 1
    "$sgdc" net.sgd --run -q $mode --set steps=23 --save part.safetensors >part.txt || exit 1
    "$sgdc" net.sgd --run -q $mode --load part.safetensors --save continued.safetensors >continued.txt || exit 1
    cmp whole.safetensors continued.safetensors || { echo "FAILED: a continued run differs $mode"; exit 1; }
    cmp -s whole.safetensors part.safetensors && { echo "FAILED: the part is the whole"; exit 1; }
done
# A file of another model is refused, and nothing is written.
sed 's/16/8/' net.sgd >other.sgd
"$sgdc" other.sgd --run -q --load part.safetensors --save never.safetensors 2>err
[ $? -eq 3 ] && grep -q E0419 err && [ ! -e never.safetensors ] || { echo "FAILED: a file of another model"; cat err; exit 1; }
