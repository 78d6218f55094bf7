# Functions that several threads have compiled, each in an object of its own, call each other; so do those that were kept. The bits
# are those of one thread.
# Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
export SGDC_CACHE="$scratch/kept"
failed=0
fail() { echo "FAILED: $*"; failed=1; }
cat >net.sgd <<'END'
data images = synthetic(rows = 70, seed = 2) {
  x: f32[2, 12, 12] ~ normal(0, 1)
  y: label[5]       = where(x[0, 0, 0] > 0, 1, 3)
}
model net(x: f32[2, 12, 12]) -> f32[5] {
  c = max_pool2d(relu(batch_norm(conv2d(x, 8, 3, pad = 1))), 2)
  d = max_pool2d(relu(conv2d(c, 16, 3)), 2)
  return dense(relu(dense(flatten(d), 40)), 5)
}
train fit {
  data = images; hold_out = 0.2; minimize = cross_entropy(net(x), y); measure accuracy = accuracy(net(x), y)
  optimizer = adam(lr = 0.01); batch = 32; epochs = 2
}
END
# The objects of a kept module: each begins as an ELF file does.
objects() { cat "$SGDC_CACHE"/* | LC_ALL=C tr -d "\n" | LC_ALL=C grep -ao "$(printf "\177")ELF" | wc -l; }
for level in 0 3; do
    for threads in 1 4; do
        rm -rf "$SGDC_CACHE"
        for time in compiled kept; do
            "$sgdc" net.sgd --run -q -O$level --threads=$threads --save $level.$threads.$time.safetensors >out 2>&1 ||
                { fail "-O$level, $threads threads, $time"; cat out; }
        done
        objects >objects.$threads
    done
    [ "$(cat objects.4)" -gt "$(cat objects.1)" ] || fail "-O$level: four threads made $(cat objects.4) objects, one $(cat objects.1)"
    for other in 1.kept 4.compiled 4.kept; do
        cmp $level.1.compiled.safetensors $level.$other.safetensors || fail "-O$level: other bits of $other"
    done
done
exit $failed
