#!/bin/sh
# The airfoil experiment against a loop written by hand.      bench/airfoil.sh BUILD_FOLDER airfoil_self_noise.dat
# The compiler for the hand-written side is CC (cc), at -O3 -march=native -ffast-math.
set -eu
build=$1 data=$2
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
epochs=200
"$build/sgdc" "$root/examples/airfoil.sgd" --cpu=native --set=epochs=$epochs -o "$work/"
${CC:-cc} -O3 -march=native -ffast-math -DBENCH_EPOCHS=$epochs -I"$work" -I"$root/runtime" "$root/bench/airfoil.c" \
    "$work/airfoil.o" "$build/libsgdrt.a" -lz -lcjson -lpthread -lm -o "$work/airfoil"
"$work/airfoil" "$data"
