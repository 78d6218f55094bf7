#!/bin/sh
# What --emit=onnx writes, decoded by show.c and compared with the text beside each program here. No Python is needed.
#   structure.sh SGDC SHOW [--renew]
# Programs are trained for two steps first: what is written takes statistics from the saved file. Parameters show shapes
# alone, and constants are the program's own, so nothing depends on the machine.
set -u
sgdc=$1 show=$2 renew=${3-}
cd "$(dirname "$0")" || exit 2
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
failed=0
for file in *.sgd; do
    name=${file%.sgd}
    "$sgdc" "$file" --run -q --set steps=2 --save "$scratch/saved.safetensors" >"$scratch/said" 2>&1 &&
        "$sgdc" "$file" --load "$scratch/saved.safetensors" --emit=onnx="$scratch/model.onnx" >"$scratch/said" 2>&1 &&
        "$show" "$scratch/model.onnx" >"$scratch/got" 2>"$scratch/said" ||
        { echo "FAILED: $name"; cat "$scratch/said"; failed=1; continue; }
    [ "$renew" = --renew ] && cp "$scratch/got" "$name.txt"
    diff -u "$name.txt" "$scratch/got" || { echo "FAILED: $name"; failed=1; }
done

# Whatever is not written says why, at its place; no file is left.
refuse() {      # NAME: the program on stdin, with what is said
    cat >"$scratch/$1.sgd"
    said=$("$sgdc" "$scratch/$1.sgd" --emit=onnx="$scratch/none.onnx" ${3-} 2>&1) && { echo "FAILED: $1 is written"; failed=1; }
    [ -f "$scratch/none.onnx" ] && { echo "FAILED: $1 leaves a file"; failed=1; }
    case $said in *"$2"*) ;; *) echo "FAILED: $1 says: $said"; failed=1 ;; esac
}
head='data d = synthetic(rows = 4, seed = 1) { x: f32[2] = [uniform(0, 1), 1]; y: f32 = x[0]; k: label[2] = where(x[0] > 0.5, 1, 0) }
model m(x: f32[2]) -> f32 = dense(x, 1)[0]'
refuse constant 'error[E0605]: what is predicted reads nothing of a row' <<EOF
$head
train t { data = d; minimize = squared(m(x), y); optimizer = sgd(lr = 0.1); predict = sum(m.dense.w) }
EOF
refuse statistics 'standardizes data by what training has learnt of it: --load=FILE says it' <<EOF
data d = csv("none.csv") { x: f32 = standardize(column(0)); y: f32 = column(1) }
model m(x: f32) -> f32 = dense([x], 1)[0]
train t { data = d; minimize = squared(m(x), y); optimizer = sgd(lr = 0.1) }
EOF
refuse trained 'ask for one at a time' --run <<EOF
$head
train t { data = d; minimize = squared(m(x), y); optimizer = sgd(lr = 0.1) }
EOF
refuse picked 'error[E0605]: the derivative of e[y] by e' <<EOF
$head
def slope(x: f32[2], k: label[2]) -> f32[2] { v = x[k] * x[k]; return grad(v, x) }
train t { data = d; minimize = squared(m(x), y); optimizer = sgd(lr = 0.1); predict = slope(x, k) }
EOF

# Several runs have a file each, and none of them is written over the program.
cat >"$scratch/two.sgd" <<EOF
$head
train a { data = d; minimize = squared(m(x), y); optimizer = sgd(lr = 0.1) }
train b like a { optimizer = sgd(lr = 0.2) }
EOF
"$sgdc" "$scratch/two.sgd" --emit=onnx="$scratch/two.onnx" 2>&1
[ -f "$scratch/two-a.onnx" ] && [ -f "$scratch/two-b.onnx" ] || { echo "FAILED: two runs have not a file each"; failed=1; }
cp "$scratch/two.sgd" "$scratch/two-b.sgd"
"$sgdc" "$scratch/two-b.sgd" --emit=onnx="$scratch/two.sgd" >"$scratch/said" 2>&1
grep -q 'would be overwritten, and it is the program' "$scratch/said" || { echo "FAILED: written over the program"; failed=1; }
exit $failed
