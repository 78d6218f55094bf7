#!/bin/sh
# A program twice as long has twice as much code, not functions twice as long: those would take LLVM four times the time.
#     long_program.sh SGDC SOURCE_FOLDER
set -eu
sgdc=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

program() {     # LINES
    cat <<'END'
data d = synthetic(rows = 100) { x: f32[2] = [uniform(-1, 1), 1]; y: f32 = x[0] }
model m(x: f32[2]) -> f32 {
  param a: f32[2] = [-1, 1]
  h = dot(x, a)
END
    i=0
    while [ $i -lt "$1" ]; do echo "  h = sin(h * 1.$((100 + i)) + x[1])"; i=$((i + 1)); done
    echo '  return h'
    echo '}'
    echo 'train fit { data = d; minimize = mse(m(x), y); optimizer = sgd(lr = 0.1); batch = 10 }'
}

longest() {     # LINES: of the functions that the step is made of
    program "$1" >p.sgd
    "$sgdc" p.sgd --emit=llvm --cpu=x86-64-v3 -O0 | awk '/^define/ { n = 0 } { n++ } /^}/ && n > most { most = n } END { print most }'
}
short=$(longest 200) long=$(longest 400)
[ "$long" -lt $((short * 5 / 4)) ] || { echo "FAILED: the longest function grows from $short to $long lines"; exit 1; }
