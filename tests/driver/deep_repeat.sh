#!/bin/sh
# Hundreds of layers are compiled, each with values that its functions are passed, and train as they are interpreted. What
# a layer takes does not grow with their number: 250 are compiled within 1.2 gigabytes (1.6 were not enough with tables made
# anew for each loop).
#     deep_repeat.sh SGDC SOURCE_FOLDER
set -eu
sgdc=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

cat >deep.sgd <<'END'
data d = synthetic(rows = 20) { x: f32[4] = [uniform(-1, 1), uniform(-1, 1), uniform(-1, 1), 1]; y: f32 = sum(x) }
model m(x: f32[4]) -> f32 {
  h = dense(x, 8)
  repeat 250 { h = relu(layer_norm(dense(h, 8))) }
  return sum(h)
}
train fit { data = d; minimize = mse(m(x), y); optimizer = sgd(lr = 0.001); batch = 10; epochs = 2 }
END

losses() {      # OPTION
    "$sgdc" deep.sgd --run -O0 "$1" | grep -o 'train_loss *[0-9.e+-]*'
}
compiled=$(losses --threads=1) || { echo "FAILED: 250 layers do not train"; exit 1; }
interpreted=$(losses --interpret)
[ "$compiled" = "$interpreted" ] || { echo "FAILED: compiled $compiled, interpreted $interpreted"; exit 1; }

if ldd "$sgdc" | grep -q libasan; then echo "how much memory it takes is not looked at under sanitizers"; exit 0; fi
(ulimit -v 1200000; "$sgdc" deep.sgd --run -q -O0 --threads=1 >/dev/null) || { echo "FAILED: in 1.2 gigabytes"; exit 1; }
