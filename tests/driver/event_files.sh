# --log FOLDER/ as TensorBoard reads it: the figures of the csv, under its names, against steps; a training that goes on
# continues them, one that begins anew takes their place. Arguments: SGDC SOURCE_FOLDER; PYTHON: one that has tensorboard
set -u
sgdc=$1
scratch=$(mktemp -d); trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $1"; cat out err; failed=1; }
cat >net.sgd <<'END'
data points = synthetic(rows = 60, seed = 1) { x: f32[2] = [uniform(-1, 1), 1]; y: f32 = dot(x, [3, 2]) + uniform(0, 1) }
model line(x: f32[2]) -> f32 { param a: f32[2] = [-1, 1]; return dot(x, a) }
train fit {
  data = points
  hold_out = 0.2
  minimize fit = squared(line(x), y)
  penalty small = 0.01 * l2(line.a)
  measure rmse = rmse(line(x), y)
  optimizer = sgd(lr = 0.1 * 0.9^epoch)
  batch = 10
  epochs = 6
}
train sweep like fit { optimizer = sgd(lr = each [0.01, 0.02]) }
END
run() { "$sgdc" net.sgd --progress=none "$@" >out 2>err || fail "$*"; }

run --run=fit -q --log made/
[ "$(ls made | grep -c '^events.out.tfevents.[0-9.]*')" -eq 1 ] || fail "one file for one run"
run --run -q --log many/
[ "$(ls many)" = "$(printf 'fit\nsweep-lr=0.01\nsweep-lr=0.02')" ] || fail "a folder for each run"
mkdir there; run --run=fit -q --log there
[ "$(ls there | wc -l)" -eq 1 ] || fail "a folder that is there"
"$sgdc" net.sgd --run=fit --log nowhere/deep/ >out 2>err; [ $? -eq 3 ] && [ "$(grep -c . err)" -eq 1 ] && [ ! -s out ] || fail "no place for it"
"$sgdc" net.sgd --run=fit --log dry/ --dry-run >out 2>err && [ ! -e dry ] || fail "a folder for nothing"
printf 1 >file; "$sgdc" net.sgd --run=fit --log file/ >out 2>err; [ $? -eq 3 ] && [ ! -s out ] || fail "a file in its place"
(ulimit -f 0; exec "$sgdc" net.sgd --run=fit -q --log full/ >/dev/null 2>&1); code=$?
[ $code -eq 3 ] || fail "a full disk: exit $code"

python=${PYTHON:-python3}
"$python" -c 'import tensorboard' 2>err || { echo "skipped: $python has no tensorboard to read the files with"; exit $failed; }
run --run=fit -q --log whole.csv
run --run=fit -q --set epochs=4 --log parts/ --save part.safetensors
run --run=fit -q --log parts/ --load part.safetensors
run --run=fit -q --set epochs=9 --set 'lr=0.3' --log again/
run --run=fit -q --log again/
cat >compare.py <<'END'
import csv, glob, logging, sys
logging.disable(logging.CRITICAL)
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
rows = list(csv.DictReader(line for line in open("whole.csv") if line[0] != "#"))
for folder in ("made", "many/fit", "parts", "again"):
    events = EventAccumulator(folder, size_guidance={"scalars": 0})
    events.Reload()
    tags = events.Tags()["scalars"]
    wanted = ["train_loss", "valid_loss", "train_loss/fit", "train_loss/small", "rmse", "lr", "epoch", "seconds"]
    assert sorted(tags) == sorted(wanted), (folder, tags)
    for tag in ("train_loss", "valid_loss", "rmse", "lr", "epoch"):
        found = [(e.step, e.value) for e in events.Scalars(tag)]
        assert [s for s, v in found] == [int(r["step"]) for r in rows], (folder, tag, found)
        for (step, value), row in zip(found, rows):
            assert abs(value - float(row[tag])) <= 1e-6 * abs(value), (folder, tag, step, value, row)
END
"$python" compare.py >out 2>err || fail "TensorBoard reads something else"
exit $failed
