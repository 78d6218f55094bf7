# sgdc noise: its figures are those that awk computes from the rows, and the same in every way there is to run it.
# Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $1"; cat out err; failed=1; }

# The gradients of (a x + b - y)^2 / 2 at a = 0.5, b = -1, over the first 200 rows of 250: (a x + b - y) [x, 1].
awk 'BEGIN { srand(7); for (i = 0; i < 250; i++) { x = rand() * 2 - 1; printf "%.6f,%.6f\n", x, 1.5 * x + rand() } }' >rows.csv
cat >line.sgd <<'END'
data rows = csv("rows.csv", header = false) { x: f32 = column(0); y: f32 = column(1) }
model line(x: f32) -> f32 { param a: f32 = 0.5; param b: f32 = -1; return a * x + b }
train fit { data = rows; hold_out = last(0.2); minimize = squared(line(x), y); optimizer = adam(lr = 0.1); batch = 10; epochs = 3 }
train other like fit { optimizer = sgd(lr = each [0.1, 0.2]) }
train tamed like fit { penalty = 0.5 * l2(line.a) }
END
# penalty: 0.5 a^2 / 2 adds 0.5 a to the gradient of a, and nothing to any deviation.
numbers() {         # GRADIENT_OF_PENALTY
    awk -F, -v p="$1" 'NR <= 200 { n++; r = 0.5 * $1 - 1 - $2; a += r * $1; b += r; s += r * r * ($1 * $1 + 1) }
        END { a /= n; b /= n; trace = s / n - a * a - b * b; square = (a + p) ^ 2 + b * b
              printf "noise scale tr(Sigma) / |G|^2 = %.4g / %.4g = %.4g rows\n", trace, square, trace / square }' rows.csv
}
"$sgdc" noise line.sgd >out 2>err || fail "noise"
[ "$(grep -c "^fit: the gradient G over 200 rows at the initial parameters" out)" -eq 1 ] || fail "which run"
[ "$(grep 'noise scale' out | head -1 | sed 's/^ *//')" = "$(numbers 0)" ] || fail "not $(numbers 0)"
[ "$(grep 'noise scale' out | tail -1 | sed 's/^ *//')" = "$(numbers 0.25)" ] || fail "with a penalty: not $(numbers 0.25)"
for run in 0.1 0.2; do grep -q "^other lr=$run: as fit$" out || fail "a run with the gradient of another"; done
# Measured and expected: within what so many batches leave. Each row once, all rows have no deviation.
awk '/^ +[0-9]+ / { rows++; n = $1; for (i = 2; i <= 4; i += 2) if ($i > 1.1 * $(i + 1) || $i < 0.9 * $(i + 1)) { print; bad = 1 }
                   if (n == 200 && ($4 != "0" || $5 != "0")) bad = 1 }
     /slope/ { slopes++; if ($5 < -0.52 || $5 > -0.48) { print; bad = 1 } }
     END { exit bad || rows != 18 || slopes != 2 }' out || fail "measured is not what is expected"
mv out once
for way in --interpret -O0 --cpu=x86-64-v2 --run=fit,other,tamed; do
    case $way in --cpu*) [ "$(uname -m)" = x86_64 ] || continue ;; esac
    "$sgdc" noise line.sgd $way >out 2>err || fail "$way"
    cmp -s out once || fail "$way: other figures"
done
"$sgdc" noise line.sgd --seed 3 >out 2>err; cmp -s out once && fail "another seed takes the same mini-batches"

# At saved parameters.
sed 's/0.5; param b: f32 = -1/0.1; param b: f32 = 7/' line.sgd >far.sgd
"$sgdc" line.sgd --run=fit -q --set steps=1 --set lr=0 --save start.safetensors >out 2>err || fail "saving"
"$sgdc" noise far.sgd --run=fit --load start.safetensors >out 2>err || fail "--load"
[ "$(grep 'noise scale' out | sed 's/^ *//')" = "$(numbers 0)" ] || fail "at saved parameters: not $(numbers 0)"
grep -q "rows at start.safetensors;" out || fail "it does not say where"

# Dropout is noise; all rows alike are none; one row, no row's parameter.
cat >more.sgd <<'END'
data many = synthetic(rows = 64, seed = 1) { x: f32[3] = [uniform(-1, 1), 1, 0]; y: f32 = x[0] }
data same = synthetic(rows = 8, seed = 1) { x: f32[3] = [1, 2, 3]; y: f32 = 4 }
data one = synthetic(rows = 1, seed = 1) { x: f32[3] = [1, 2, 3]; y: f32 = 4 }
model m(x: f32[3]) -> f32 = dense(dropout(x, 0.5), 1)[0]
model plain(x: f32[3]) -> f32 = dense(x, 1)[0]
train drops { data = many; minimize = squared(m(x), y); optimizer = sgd(lr = 0.1) }
train alike { data = same; minimize = squared(plain(x), y); optimizer = sgd(lr = 0.1) }
train single like alike { data = one }
END
"$sgdc" noise more.sgd >out 2>err || fail "more programs"
grep -A 12 '^drops' out | grep -q '^ *64 .* 0$' && ! grep -A 12 '^drops' out | grep -q '^ *64 .* 0 *0$' || fail "dropout is no noise"
[ "$(grep -c '^  noise scale .*: 0, as all rows have one gradient' out)" -eq 2 ] || fail "rows that are all alike"

# The figure, and what is refused.
"$sgdc" noise line.sgd --run=fit --plot noise.gp >out 2>err && grep -q 'set logscale y' noise.gp && grep -q 'slope -1/2' noise.gp || fail "--plot"
if gnuplot --version >gnuplot.txt 2>&1; then
    "$sgdc" noise line.sgd --run=fit --plot noise.svg >out 2>err && grep -q '<svg' noise.svg || fail "--plot noise.svg"
else
    echo "skipped: no gnuplot draws the figure"
fi
refuses() { want=$1; shift; "$sgdc" noise "$@" >out 2>err; [ $? -eq "$want" ] && [ -s err ] || fail "$*"; }
refuses 2 line.sgd --plot noise.bmp
refuses 2 line.sgd --plot line.sgd
refuses 2 line.sgd --save x
refuses 2
refuses 1 line.sgd --run=nobody
refuses 3 line.sgd --load nowhere.safetensors
refuses 3 nowhere.sgd
refuses 3 line.sgd --data rows=nowhere.csv
echo 'model m(x: f32) -> f32 = x' >none.sgd; refuses 1 none.sgd
[ ! -e line.o ] && [ ! -e line.h ] || fail "an object was written"
exit $failed
