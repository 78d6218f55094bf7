#!/bin/sh
# The models that are compared with PyTorch compile, and three steps of the first run of each come to the same bits
# compiled and interpreted; needs no PyTorch. compare.py compares all their runs with PyTorch.
#
#   models.sh SGDC PROJECT
set -u
sgdc=$1 project=$2 failed=0
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
SGDC_DATA=$project/examples/data
export SGDC_DATA

for program in "$project"/tests/pytorch/models/*.sgd; do
    for way in -O0 --interpret; do
        "$sgdc" "$program" --run="$(sed -n '/^train /{s/^train \([a-z_]*\).*/\1/p;q}' "$program")" -q -Werror --set=steps=3 $way \
            "--trace=$scratch/$way" || { echo "FAILED: $program $way"; failed=1; }
    done
    cmp "$scratch/-O0" "$scratch/--interpret" || { echo "FAILED: $program differs when interpreted"; failed=1; }
done
exit $failed
