# --find-lr: a number for each run, the same in every way there is to run it; 1/L where awk knows L; nothing trained or
# saved. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $1"; cat out err; failed=1; }

# The mean Hessian of (a x + b - y)^2 / 2 is [[mean x^2, mean x], [mean x, 1]].
awk 'BEGIN { srand(7); for (i = 0; i < 200; i++) { x = rand() * 3; printf "%.6f,%.6f\n", x, 1.5 * x + rand() } }' >rows.csv
limit=$(awk -F, '{ s += $1; q += $1 * $1 } END { s /= NR; q /= NR; L = (q + 1) / 2 + sqrt((q - 1) ^ 2 / 4 + s * s); printf "%.3g", 2 / L }' rows.csv)
cat >line.sgd <<'END'
data rows = csv("rows.csv", header = false) { x: f32 = column(0); y: f32 = column(1) }
model line(x: f32) -> f32 { param a: f32 = 0.5; param b: f32 = -1; return a * x + b }
train all_rows { data = rows; minimize = squared(line(x), y); optimizer = sgd(lr = 0.1); batch = all; epochs = 3 }
train some like all_rows { batch = 10 }
train by_adam like some { optimizer = adam(lr = 0.5 * 0.9^epoch) }
train after like some { start = by_adam }
END
"$sgdc" line.sgd --find-lr --plot curve.gp >out 2>err || fail "--find-lr"
half=$(awk "BEGIN { printf \"%.1e\", $limit / 2 }" | awk '{ print $1 + 0 }')
grep -q "^all_rows: lr = $half: 1/L of this quadratic, which diverges from 2/L = $limit on; " out || fail "not 1/L = $half, 2/L = $limit"
[ "$(grep -cE '^(some|by_adam|after): lr = [0-9.e-]+: .*falls fastest at [0-9.e-]+ and rises from [0-9.e-]+ on' out)" -eq 3 ] || fail "a line for each run"
# What is found trains: a loss near the best, 1/24 (the variance of the noise by two), while a hundredth does not come there.
for run in all_rows some; do
    lr=$(sed -n "s/^$run: lr = \([^:]*\):.*/\1/p" out)
    for part in 1 0.01; do
        "$sgdc" line.sgd --run=$run -q --set lr="$(awk "BEGIN { print $lr * $part }")" --set epochs=30 >trained 2>err || fail "training $run"
        loss=$(sed -n 's/.*train_loss \([0-9.]*\).*/\1/p' trained | head -1)
        awk "BEGIN { exit !($part == 1 ? $loss < 0.06 : $loss > 0.06) }" || fail "$run: lr = $part of $lr comes to $loss"
    done
done
grep -q 'set logscale x' curve.gp && [ "$(grep -c '^\$series' curve.gp)" -eq 4 ] || fail "--plot"
mv out once
"$sgdc" line.sgd --find-lr >out 2>err; cmp -s out once || fail "without a plot: another answer"
for way in --interpret -O0 --cpu=x86-64-v2 --threads=2; do
    case $way in --cpu*) [ "$(uname -m)" = x86_64 ] || continue ;; esac
    "$sgdc" line.sgd --find-lr $way >out 2>err || fail "$way"
    cmp -s out once || fail "$way: another answer"
done
"$sgdc" line.sgd --run=some --find-lr >out 2>err; [ "$(cat out)" = "$(grep '^some' once)" ] || fail "one run alone"
if gnuplot --version >gnuplot.txt 2>&1; then
    "$sgdc" line.sgd --find-lr --plot curve.svg >out 2>err && grep -q '<svg' curve.svg || fail "--plot curve.svg"
else
    echo "skipped: no gnuplot draws the curve"
fi

# Runs of which there is nothing to find.
cat >more.sgd <<'END'
include "line.sgd"
optimizer fixed() { param = param - 0.01 * grad }
train own like some { optimizer = fixed() }
train flat like some { minimize = squared(line(x) * 0, y) }
END
"$sgdc" more.sgd --run=own,flat --find-lr >out 2>err || fail "nothing to find"
grep -q '^own: no rate: its optimizer has none$' out || fail "an optimizer without a rate"
grep -q '^flat: no rate: in the test none makes the loss fall from ' out || fail "a loss that never falls"
for with in "--save x.safetensors" "--log x.csv" "--time-limit 1h" --dry-run "--plot x.bmp" "--plot line.sgd"; do
    "$sgdc" line.sgd --find-lr $with >out 2>err; [ $? -eq 2 ] && [ -s err ] || fail "--find-lr $with"
done
"$sgdc" line.sgd --find-lr --data rows=nowhere.csv >out 2>err; [ $? -eq 3 ] || fail "no data"
ls | grep -vE '^(line.sgd|more.sgd|rows.csv|curve.gp|curve.svg|once|trained|out|err|gnuplot.txt)$' && fail "something was written"
exit $failed
