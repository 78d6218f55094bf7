# sgdc eval: its figures against awk's, over which rows, by whose statistics. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $*"; failed=1; }
expect() {          # CODE DESCRIPTION COMMAND...
    want=$1 what=$2; shift 2
    "$@" >out 2>err; got=$?
    [ $got -eq "$want" ] || { fail "$what: exit $got, not $want"; cat err; }
}
says() { grep -q -- "$1" "$2" || { fail "$what: $2 does not say: $1"; cat "$2"; }; }
# The numbers after each "name": of JSON, a name and a number a line.
members() { tr '{}[],' '\n\n\n\n\n' <"$1" | sed -n 's/^"\([^"]*\)":\(-\{0,1\}[0-9.e+-]*\)$/\1 \2/p'; }
same() {            # awk's figures, "name number" a line, are those of eval.json in that order
    members eval.json >sgdc.figures
    awk 'NR == FNR { name[NR] = $1; value[NR] = $2; n = NR; at = 1; next }
         at <= n && $1 == name[at] { d = $2 - value[at]; if (d < 0) d = -d; m = value[at] < 0 ? -value[at] : value[at]
             if (d > 1e-6 * (m + 1e-3)) { print "differs: " $1, $2, "awk:", value[at]; bad = 1 } at++ }
         END { if (at <= n) { print "missing: " name[at]; bad = 1 } exit bad }' awk.figures sgdc.figures || fail "$what"
}

# ---- numbers: y about 2 a + b / 2 + 1 / 4, the target standardized -----------------------------------------
awk 'BEGIN { srand(3); print "a,b,y"
    for (i = 0; i < 300; i++) { a = int(rand() * 64) / 8; b = int(rand() * 64) / 8; print a "," b "," 2 * a + b / 2 + int(rand() * 32) / 16 - 1 } }' >train.csv
cat >plane.sgd <<'END'
data points = csv("train.csv") { x: f32[2] = columns("a", "b"); y: f32 = column("y") }
model plane(x: f32[2]) -> f32 { param w: f32[2] = [2, 0.5]; param c: f32 = 0.25; return dot(x, w) + c }
train fit {
  data = points; hold_out = last(0.2); minimize = squared(plane(x), y); penalty = 0.001 * l2(plane.w); measure fits = r2(plane(x), y)
  optimizer = sgd(lr = 0); batch = all; epochs = 1
}
END
numbers() {         # FIRST LAST of the rows of train.csv (from 0): the figures of these
    awk -F, -v OFMT=%.12g -v n=0 -v first="$1" -v last="$2" 'NR > 1 && NR - 2 >= first && NR - 2 <= last { p = 2 * $1 + $2 / 2 + 0.25; e[n] = p - $3; y[n] = $3; line[n] = NR; n++ }
        function at(q,   k) { k = q * (n - 1); return s[int(k)] + (k - int(k)) * (s[int(k) + 1] - s[int(k)]) }
        END { for (i = 0; i < n; i++) { square += e[i]^2; ab += e[i] < 0 ? -e[i] : e[i]; sum += e[i]; t += y[i]; s[i] = e[i] }
            for (i = 0; i < n; i++) spread += (y[i] - t / n)^2
            for (i = 1; i < n; i++) for (k = i; k > 0 && s[k - 1] > s[k]; k--) { x = s[k]; s[k] = s[k - 1]; s[k - 1] = x }
            print "rows", n; print "loss", square / n / 2; print "loss", square / n / 2; print "penalty", 0.001 * (4 + 0.25) / 2; print "fits", 1 - square / spread
            print "rmse", sqrt(square / n); print "mae", ab / n; print "r2", 1 - square / spread; print "mean_residual", sum / n
            print "0", at(0); print "0.05", at(0.05); print "0.25", at(0.25); print "0.5", at(0.5); print "0.75", at(0.75); print "0.95", at(0.95); print "1", at(1)
            for (w = 0; w < 10; w++) { best = -1; for (i = 0; i < n; i++) if (!(i in used) && (best < 0 || e[i]^2 > e[best]^2)) best = i
                used[best] = 1; print "row", line[best] - 2; print "line", line[best]; print "loss", e[best]^2 / 2; print "true", y[best]; print "predicted", y[best] + e[best] } }' train.csv
}
expect 0 "training" "$sgdc" plane.sgd --run -q --save plane.safetensors
for on in valid:240:299 train:0:239 all:0:299; do
    range=${on#*:}
    expect 0 "--on=${on%%:*}" "$sgdc" eval plane.sgd --load plane.safetensors --on="${on%%:*}" --json
    cp out eval.json
    numbers "${range%:*}" "${range#*:}" >awk.figures
    same
done
expect 0 "rows that validate, if nothing is said" "$sgdc" eval plane.sgd --load plane.safetensors
says 'fit over 60 rows that validate' out
expect 0 "interpreted" "$sgdc" eval plane.sgd --load plane.safetensors --json --interpret
cp out interpreted
expect 0 "compiled" "$sgdc" eval plane.sgd --load plane.safetensors --json
cmp -s out interpreted || fail "the interpreter has other figures"
head -41 train.csv >some.csv
expect 0 "another file, whole" "$sgdc" eval plane.sgd --load plane.safetensors --data points=some.csv --json
cp out eval.json
numbers 0 39 >awk.figures
same
grep -q '"file":"some.csv"' out || fail "the worst rows are not of the other file"

# ---- the saved statistics; what --run has reported ----------------------------------------------------------
sed 's/columns("a", "b")/standardize(columns("a", "b"))/; s/= column("y")/= standardize(column("y"))/; s/lr = 0)/lr = 0.1)/; s/epochs = 1/epochs = 40/; s/ penalty = 0.001 \* l2(plane.w);//' plane.sgd >standard.sgd
"$sgdc" standard.sgd --run -q --save standard.safetensors >reported 2>&1
expect 0 "standardized" "$sgdc" eval standard.sgd --load standard.safetensors
for figure in loss fits; do
    name=$figure; [ $figure = loss ] && name=valid_loss
    reported=$(sed -n "s/.* $name \([^ ]*\).*/\1/p" reported)
    grep -q "^  $figure  *$reported\$" out || { fail "$figure is not the $reported that training reported"; cat out reported; }
done
expect 0 "predictions of them" "$sgdc" predict standard.sgd --load standard.safetensors --data points=train.csv
paste -d, train.csv out | awk -F, -v OFMT=%.12g 'NR > 241 { e = $4 - $3; square += e * e; n++ } END { print "rmse", sqrt(square / n) }' >awk.figures
expect 0 "in JSON" "$sgdc" eval standard.sgd --load standard.safetensors --json
cp out eval.json
same

# ---- an expression that is standardized: truths are in the units of the prediction ---------------------------
printf 'a,y\n2,2\n4,8\n2,2\n4,8\n' >log.csv
cat >log.sgd <<'END'
data points = csv("log.csv") {
  x: f32    = standardize(2 * column("a"))
  y: f32    = standardize(log(column("y")))
}
model m(x: f32) -> f32 { param w: f32 = 2; return w * x }
train fit { data = points; minimize = squared(m(x), y); optimizer = sgd(lr = 0); batch = all; epochs = 1 }
END
expect 0 "training on logarithms" "$sgdc" log.sgd --run -q --save log.safetensors
# x and y are -1, 1, -1, 1; predicted is 2 x: beside y by 1, and by its deviation, log 2, in units of the logarithm
expect 0 "as it is minimized" sh -c 'sed "s/batch = all/predict = m(x); batch = all/" log.sgd >as_minimized.sgd; "$1" eval as_minimized.sgd --load log.safetensors' sh "$sgdc"
says '^  y  *1.00000  *1.00000  *0.00000$' out
expect 0 "as it is predicted" "$sgdc" eval log.sgd --load log.safetensors
says '^  y  *0.693147  *0.693147  *0.00000$' out

# ---- classes -------------------------------------------------------------------------------------------------
awk 'BEGIN { srand(5); print "a,b,kind"; split("Adelie Gen,too Chin", name, " ")
    for (i = 0; i < 200; i++) { a = int(rand() * 8) / 2; b = int(rand() * 8) / 2; k = rand() < 0.3 ? 1 + int(rand() * 3) : a > b ? 1 : a < b ? 2 : 3
        print a "," b ",\"" name[k] "\"" } }' >kinds.csv
cat >kinds.sgd <<'END'
data d = csv("kinds.csv") { x: f32[2] = columns("a", "b"); y: label[3] = remap(column("kind"), ["Adelie", "Gen,too", "Chin"]) }
model net(x: f32[2]) -> f32[3] { param w: f32[3, 2] = [[1, 0], [0, 1], [0.625, 0.625]]; return w @ x }
train fit { data = d; minimize = cross_entropy(net(x), y); measure accuracy = accuracy(net(x), y); optimizer = sgd(lr = 0); batch = all; epochs = 1 }
END
expect 0 "training on classes" "$sgdc" kinds.sgd --run -q --save kinds.safetensors
sed '1d; s/"Adelie"/0/; s/"Gen,too"/1/; s/"Chin"/2/' kinds.csv | awk -F, -v OFMT=%.12g -v n=0 '{
        z[0] = $1; z[1] = $2; z[2] = ($1 + $2) * 0.625; k = 0; for (i = 1; i < 3; i++) if (z[i] > z[k]) k = i
        sum = exp(z[0]) + exp(z[1]) + exp(z[2]); for (i = 0; i < 3; i++) p[n, i] = exp(z[i]) / sum
        t[n] = $3; c[$3, k]++; rows[$3]++; taken[k]++; right += k == $3; loss += log(sum) - z[$3]; n++ }
    END { print "rows", n; print "loss", loss / n; print "loss", loss / n; print "accuracy", right / n; print "right", right; print "accuracy", right / n
        for (k = 0; k < 3; k++) { pairs = won = 0
            for (i = 0; i < n; i++) if (t[i] == k) for (j = 0; j < n; j++) if (t[j] != k) { pairs++; d = p[i, k] - p[j, k]; won += d > 1e-12 ? 1 : d > -1e-12 ? 0.5 : 0 }
            print "rows", rows[k]; print "predicted", taken[k]; print "right", c[k, k]; print "precision", c[k, k] / taken[k]; print "recall", c[k, k] / rows[k]
            print "f1", 2 * c[k, k] / (taken[k] + rows[k]); print "auc", won / pairs } }' >awk.figures
expect 0 "classes in JSON" "$sgdc" eval kinds.sgd --load kinds.safetensors --json
cp out eval.json
same
says '"class":"Gen,too"' out
sed '1d; s/"Adelie"/0/; s/"Gen,too"/1/; s/"Chin"/2/' kinds.csv | awk -F, '{ k = 0; m = $1; if ($2 > m) { k = 1; m = $2 } if (($1 + $2) * 0.625 > m) k = 2; c[$3, k]++ }
    END { for (t = 0; t < 3; t++) printf "%s[%d,%d,%d]", t ? "," : "", c[t, 0], c[t, 1], c[t, 2]; print "" }' >matrix
grep -qF "\"confusion\":[$(cat matrix)]" out || { fail "confusion is not $(cat matrix)"; cat out; }
expect 0 "classes as a table" "$sgdc" eval kinds.sgd --load kinds.safetensors
says 'true class' out
says '^  Gen,too ' out
# One logit for two classes, and a class alone.
cat >two.sgd <<'END'
data d = csv("two.csv") { x: f32 = column("a"); y: label[2] = column("k") }
model m(x: f32) -> f32 { param w: f32 = 1; return w * x }
train fit { data = d; minimize = binary_cross_entropy(m(x), f32(y)); optimizer = sgd(lr = 0); batch = all; epochs = 1; predict = m(x) }
END
printf 'a,k\n-2,0\n-1,0\n1,0\n1,1\n2,1\n-1,1\n' >two.csv
expect 0 "training on a logit" "$sgdc" two.sgd --run -q --save two.safetensors
expect 0 "a logit" "$sgdc" eval two.sgd --load two.safetensors --json
grep -q '"right":4,' out && grep -q '"auc":0.7777777777777778' out || { fail "a logit"; cat out; }

# ---- what cannot be evaluated ----------------------------------------------------------------------------------
expect 2 "no rows validate" "$sgdc" eval two.sgd --load two.safetensors --on=valid
says 'no rows of fit validate' err
expect 2 "no parameters" "$sgdc" eval two.sgd
expect 2 "rows that there are not" "$sgdc" eval two.sgd --load two.safetensors --on=vaild
says 'did you mean valid' err
expect 3 "no such file" "$sgdc" eval two.sgd --load nowhere.safetensors
expect 3 "another model" "$sgdc" eval two.sgd --load kinds.safetensors
printf 'a,k\n1,2\n' >wrong.csv
expect 3 "a label out of range" "$sgdc" eval two.sgd --load two.safetensors --data d=wrong.csv
says 'wrong.csv:2' err
: >empty.csv
expect 3 "an empty file" "$sgdc" eval two.sgd --load two.safetensors --data d=empty.csv
printf 'a,k\n1,0\n2\n' | "$sgdc" eval two.sgd --load two.safetensors --data d=- >out 2>err && fail "half a row is read"
says 'standard input:3' err
[ -s out ] && fail "figures of half a file are printed"
exit $failed
