#!/bin/sh
# Rows that count w times train as rows that are there w times do, to the bit where sums are exact. Arguments: SGDC SOURCE_FOLDER
sgdc=$1 folder=$2/tests/golden
place=$(mktemp -d) && trap 'rm -rf "$place"' EXIT
for run in by_weight by_rows; do
    "$sgdc" "$folder/weights.sgd" --run=$run --save "$place/$run.safetensors" >"$place/said" 2>&1 || {
        echo "FAILED: $run"
        cat "$place/said"
        exit 1
    }
    "$sgdc" inspect "$place/$run.safetensors" | sed -n 's/ of what serves$//p' >"$place/$run"
done
[ -s "$place/by_weight" ] && cmp -s "$place/by_weight" "$place/by_rows" || {
    echo "FAILED: weights and repeated rows give other bits"
    exit 1
}
