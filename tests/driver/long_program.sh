#!/bin/sh
# A program twice as long has twice as much code, not functions twice as long: those would take LLVM four times the time.
#     long_program.sh SGDC SOURCE_FOLDER
set -eu
sgdc=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

begin='data d = synthetic(rows = 100) { x: f32[2] = [uniform(-1, 1), 1]; y: f32 = x[0] }
model m(x: f32[2]) -> f32 {'
end='train fit { data = d; minimize = mse(m(x), y); optimizer = sgd(lr = 0.1); batch = 10 }'

lines() {       # COUNT: one long expression, line by line
    echo "$begin"
    echo '  param a: f32[2] = [-1, 1]; h = dot(x, a)'
    i=0
    while [ $i -lt "$1" ]; do echo "  h = sin(h * 1.$((100 + i)) + x[1])"; i=$((i + 1)); done
    echo '  return h }'
    echo "$end"
}

layers() {      # COUNT: small layers one behind the other
    echo "$begin"
    echo "  h = dense(x, 16); repeat $1 { h = h + 0.01 * relu(layer_norm(dense(h, 16))) }; return dense(h, 1)[0] }"
    echo "$end"
}

longest() {     # WHAT COUNT: the longest function of the program
    "$1" "$2" >p.sgd
    "$sgdc" p.sgd --emit=llvm --cpu=x86-64-v3 -O0 | awk '/^define/ { n = 0 } { n++ } /^}/ && n > most { most = n } END { print most }'
}

short=$(longest lines 120) long=$(longest lines 240)
[ "$long" -lt $((short * 5 / 4)) ] || { echo "FAILED: the longest function grows from $short to $long lines"; exit 1; }

# Of a layer there is little more in the function that all are called from than calls, and stores of what these are passed.
all=$(longest layers 120)
[ "$all" -lt $((120 * 80)) ] || { echo "FAILED: 120 layers make a function of $all lines"; exit 1; }
