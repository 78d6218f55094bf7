#!/bin/sh
# Rows that are refused (rows.c), at every level of optimisation of the application's compilers.
set -eu
sgdc=$1 runtime=$2 embed=$3/tests/embed
"$sgdc" "$embed/rows.sgd" -o ./
other=clang
case ${CC-} in *-fsanitize*) other= ;; esac         # the runtime calls the sanitizers of the compiler it was built with
for compiler in "${CC:-cc}" $other; do
    command -v "${compiler%% *}" >compiler.txt || { echo "no $compiler here: its part is skipped"; continue; }
    for level in -O0 -O2 "-O3 -ffast-math -fno-finite-math-only"; do
        $compiler -std=c11 -Wall -Wextra -Werror $level -I. "$embed/rows.c" rows.o "$runtime" -lz -lcjson -lm -o rows
        ./rows || { echo "compiled by $compiler $level" >&2; exit 1; }
    done
done
