#!/bin/sh
# What compiled code prints once more, for a processor level and an optimisation level: nothing may change.
#   tests/golden_on.sh SGDC x86-64-v2|x86-64-v3|x86-64-v4 LEVEL
# Only goldens of --run: no other stage knows of processors or optimisation levels, but for loops, whose goldens say
# theirs. Exit code 77: skipped, as this machine has not got that level.
set -u
sgdc=$1 cpu=$2 level=$3
tests=$(cd "$(dirname "$0")" && pwd)
"$sgdc" "$tests/../examples/line.sgd" --run -q --cpu="$cpu" >/dev/null || { echo "skipped: $cpu"; exit 77; }
exec "$tests/golden.sh" --sgdc "$sgdc" --trained -- --cpu="$cpu" -O"$level"
