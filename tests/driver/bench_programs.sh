#!/bin/sh
# The programs that bench/run measures are programs still; the deepest of them takes a step.
#     bench_programs.sh SGDC SOURCE_FOLDER
set -eu
sgdc=$1 source=$2
for program in "$source"/bench/*.sgd "$source"/bench/steps/*.sgd "$source"/bench/sweeps/*.sgd; do
    "$sgdc" "$program" --check || { echo "$program is no program any more" >&2; exit 1; }
done
"$sgdc" "$source/bench/steps/residual.sgd" --summary | grep -q '1,480,595 parameters' || {
    echo "the residual network is another one: bench/workloads.py counts its operations" >&2; exit 1; }
"$sgdc" "$source/bench/steps/residual.sgd" --run --interpret -q --set=rows=2 --set=batch=2 | grep -q 'train_loss' || {
    echo "the residual network does not take a step" >&2; exit 1; }
