# What is predicted may be drawn: the same samples for a seed on any number of threads, compiled or interpreted, others for
# another seed and in other rows; a model in ONNX, which cannot draw so, is refused at the draw. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
cat >noisy.sgd <<'END'
data points = synthetic(rows = 300, seed = 1) {
  x: f32[2] ~ normal(0, 1)
  y: f32    = x[0] + x[1]
}
model line(x: f32[2]) -> f32 = dense(x, 1)[0]
train fit {
  data      = points
  minimize  = squared(line(x), y)
  optimizer = sgd(lr = 0.1)
  batch     = 10
  e: f32 ~ normal(0, 1)
  k: label[3] ~ categorical([0.2, 0.5, 0.3])
  predict   = [line(x) + e, e, f32(k)]
}
END
fail() { echo "FAILED: $1"; exit 1; }
"$sgdc" noisy.sgd --run -q --save a.safetensors >run.txt || fail "it does not train"
sample() { "$sgdc" predict noisy.sgd --load a.safetensors -q "$@" || fail "predict $*"; }
sample --seed=7 --threads=1 >seven.csv
sample --seed=7 --threads=3 | cmp - seven.csv || fail "samples differ with threads"
sample --seed=7 --interpret | cmp - seven.csv || fail "compiled samples differ from interpreted ones"
sample --seed=8 >eight.csv
cmp -s seven.csv eight.csv && fail "another seed gives the same samples"
[ "$(cut -d, -f2 seven.csv | sort -u | wc -l)" -gt 290 ] || fail "rows share their draws"
[ "$(cut -d, -f3 seven.csv | sort | uniq -c | wc -l)" -eq 4 ] || fail "not all labels are drawn"
"$sgdc" noisy.sgd --load a.safetensors --emit=onnx=a.onnx 2>err && fail "ONNX takes a draw"
grep -q 'noisy.sgd:11:.*E0605' err || { cat err; fail "ONNX refuses it elsewhere"; }
[ ! -e a.onnx ] || fail "half a model was written"
exit 0
