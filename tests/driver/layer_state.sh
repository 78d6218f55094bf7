#!/bin/sh
# States of layers are saved, loaded and continued exactly, and serve in predict: SGDC SOURCE_FOLDER
set -u
sgdc=$1 program=$2/tests/golden/layer_state.sgd
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $1"; failed=1; }

"$sgdc" "$program" --run=both -q --save whole >/dev/null || fail "a training"
"$sgdc" "$program" --run=both -q --set epochs=1 --save part >/dev/null || fail "its first epoch"
"$sgdc" "$program" --run=both -q --load part --save part >/dev/null || fail "its other epochs"
cmp whole part || fail "a training that was cut off"

# Predict takes them as they were trained: rows have answers of their own, and the same each time.
"$sgdc" predict "$program" --load whole >first || fail "predict"
"$sgdc" predict "$program" --load part >again || fail "predict again"
cmp first again || fail "the same answers"
[ "$(sort -u first | wc -l)" -gt 60 ] || fail "an answer for each row"
exit $failed
