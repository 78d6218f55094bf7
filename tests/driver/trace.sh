#!/bin/sh
# --trace: the same file from compiled code and from the interpreter, after the run it starts from; steps, not epochs.
#
#   trace.sh SGDC PROJECT
set -u
sgdc=$1 failed=0
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT

cat >"$scratch/two.sgd" <<'END'
data points = synthetic(rows = 50, seed = 1) {
  x: f32 = uniform(-1, 1)
  y: f32 = 3 * x
}
model line(x: f32) -> f32 {
  param a: f32 = 0
  return a * x
}
train first { data = points; minimize = squared(line(x), y); optimizer = sgd(lr = 0.5); batch = 5; epochs = 20 }
train second like first { start = first; epochs = 3 }
train short like first { start = second; steps = 4 }
END

cat >"$scratch/sets.sgd" <<'END'
data inside = synthetic(rows = 50, seed = 1) { x: f32 = uniform(-1, 1) }
data edge   = synthetic(rows = 8, seed = 2) { v: f32 = uniform(0, 1) }
model line(x: f32) -> f32 {
  param a: f32 = 0
  return a * x
}
train all {
  data      = [inside, edge]
  minimize all = squared(line(inside.x), inside.x)
  minimize on = squared(line(1), edge.v)
  optimizer = sgd(lr = 0.5)
  batch     = 10
  batch[edge] = 5
}
END

fail() { echo "FAILED: $*"; failed=1; }
holds() { grep -aq "$2" "$scratch/$1" || fail "$1 has no $2"; }    # FILE TEXT, in the header of the file

for run in first second short all; do
    program=two; [ $run = all ] && program=sets
    "$sgdc" "$scratch/$program.sgd" --run=$run -q --trace="$scratch/$run" || fail "$run is not traced"
    "$sgdc" "$scratch/$program.sgd" --run=$run -q --interpret --trace="$scratch/other" || fail "$run is not interpreted"
    cmp "$scratch/$run" "$scratch/other" || fail "$run differs when interpreted"
done
for entry in data.x data.y cell.line.a after.line.a rows rows_of_step epoch_of_step loss_of_step; do
    holds first "\"$entry\""
done
for entry in data.inside.x data.edge.v rows rows.edge; do
    holds all "\"$entry\""
done
holds all '"rows.edge":{"dtype":"I32","shape":\[50\]'
holds first '"parameters":"line.a"'
holds first '"planned":"200"'
holds second '"planned":"30"'
holds second '"rows_of_step":{"dtype":"I32","shape":\[10\]'
holds short '"rows_of_step":{"dtype":"I32","shape":\[4\]'
"$sgdc" "$scratch/two.sgd" --run -q --trace="$scratch/none/none" 2>/dev/null
[ $? -eq 3 ] || fail "a file that cannot be written is not a failure of data"
"$sgdc" "$scratch/two.sgd" --trace="$scratch/none" 2>/dev/null
[ $? -eq 2 ] || fail "--trace without --run is not a mistake of usage"
exit $failed
