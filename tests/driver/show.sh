# sgdc show: figures against awk, rows that are left out, classes, constant columns, rows that train and validate, images.
# Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $*"; failed=1; }
says() { grep -qF -- "$1" "$2" || { fail "$2 does not say: $1"; cat "$2"; }; }
runs() { "$@" >out 2>err || { fail "$*"; cat err; }; }

# 40 rows; a constant column; the last rows, which validate, repeat some of the first.
awk 'BEGIN { print "id,weight,size,kind"
    for (i = 0; i < 40; i++) { j = i < 36 ? i : i - 36 + 3; print 7 "," 1000000 + (j * 37) % 41 / 8 "," (j * j) % 23 - 11 "," (j % 3 ? "old" : "new, boxed") } }' |
    sed 's/new, boxed/"new, boxed"/' >t.csv
cat >t.sgd <<'END_OF'
data t = csv("t.csv") {
  x: f32[3] = standardize(columns("id", "weight", "size")); s: f32 = column("size"); twice: f32 = 2 * standardize(column("size"))
  y: label[3] = remap(column("kind"), ["old", "new, boxed", "other"])
}
model m(x: f32[3]) -> f32[3] { param w: f32[3, 3] = 0; return w @ x }
train fit { data = t; hold_out = last(0.1); minimize = cross_entropy(m(x), y); optimizer = sgd(lr = each [0.1, 0.2]) }
END_OF
runs "$sgdc" show t.sgd
[ -s err ] && { fail "it complains"; cat err; }
says 't: 40 rows of t.csv (header found)' out
says '  fit lr=0.1: 36 rows train, 4 validate' out
[ "$(grep -c 'validate$' out)" -eq 1 ] || fail "runs that split alike are told more than once"
says '    4 rows of those that validate stand among those that train as well:' out
says '      line 38 validates and line 5 trains' out
says '  constant: x[0] is 7 in every row' out
says '    no row has other' out

figures() {     # COLUMN: min mean deviation max, six digits
    sed 's/"new, boxed"/new/' t.csv | awk -F, -v c="$1" 'NR > 1 { v[NR] = $c; n++; s += $c; if (n == 1 || $c < low) low = $c; if (n == 1 || $c > high) high = $c }
        END { m = s / n; for (i in v) d += (v[i] - m) ^ 2; printf "%.6g %.6g %.6g %.6g\n", low, m, sqrt(d / n), high }'
}
got() { awk -v field="$1" -v from="$2" '$1 == field { printf "%.6g %.6g %.6g %.6g\n", $from, $(from + 1), $(from + 2), $(from + 3); exit }' out; }
[ "$(figures 2)" = "$(got '[1]' 2)" ] || fail "weight: awk says $(figures 2), show $(got '[1]' 2)"
[ "$(figures 3)" = "$(got '[2]' 2)" ] || fail "size: awk says $(figures 3), show $(got '[2]' 2)"
[ "$(figures 3)" = "$(got s 3)" ] || fail "s: awk says $(figures 3), show $(got s 3)"
# What is computed is shown as a model sees it: size, standardized by the rows that train, twice.
sed 's/"new, boxed"/new/' t.csv | awk -F, 'NR > 1 { v[NR] = $3 } NR > 1 && NR <= 37 { n++; s += $3 }
    END { m = s / n; for (i = 2; i <= 37; i++) d += (v[i] - m) ^ 2; d = sqrt(d / n); low = high = 2 * (v[2] - m) / d
          for (i = 2; i <= 41; i++) { x = 2 * (v[i] - m) / d; if (x < low) low = x; if (x > high) high = x }; printf "%.5g %.5g\n", low, high }' >wanted
awk '$1 == "twice" { printf "%.5g %.5g\n", $3, $6; exit }' out >computed
cmp wanted computed || { cat wanted computed; failed=1; }
for kind in old "new, boxed"; do
    count=$(grep -c -- "$kind" t.csv)
    grep -q "  $kind  *$count  *$(awk -v n="$count" 'BEGIN { printf "%.1f", 100 * n / 40 }') %  #" out || { fail "balance of $kind"; cat out; }
done
grep -q 'line 2 .*x = \[7, 1000000, -11\]  s = -11  twice = .*y = new, boxed$' out || { fail "first row"; cat out; }
[ "$(grep -c '^    line ' out)" -eq 5 ] || fail "five rows"
runs "$sgdc" show t.sgd --rows 2
[ "$(grep -c '^    line ' out)" -eq 2 ] || fail "--rows 2"

# Rows that training would refuse, and rows that keep leaves out.
sed '5s/7,/,/; 6s/7,/?,/; 8s/7,/seven,/; 9s/$/,x/; 11s/old$\|"new, boxed"$/ald/' t.csv >bad.csv
runs "$sgdc" show t.sgd --data t=bad.csv
says 't: 35 rows of bad.csv' out
says 'left out: 2 rows with a missing value, which is an error in training' out; says 'bad.csv:5:1: the value is missing (column "id")' out
says 'left out: 2 rows that cannot be read, which is an error in training' out; says 'bad.csv:8:1: "seven" is not a number (column "id")' out
says 'left out: 1 row with a label that is none, which is an error in training' out; says 'bad.csv:11:' out
grep -q '^    line 7 ' out || { fail "lines behind rows that are left out"; cat out; }
sed -i 's/"t.csv")/"t.csv", missing = 0)/; s/  x: f32\[3\]/  keep = column("id") == 7; x: f32[3]/' t.sgd
runs "$sgdc" show t.sgd --data t=bad.csv
says 'left out: 2 rows by keep' out
says 'missing: 2 values of x in the file, read as 0' out
[ "$(grep -c 'missing:' out)" -eq 1 ] || { fail "what only keep reads is no field"; cat out; }

# Classes that are other numbers in the file are called by those.
sed 's/"new, boxed"/7/; s/old/3/' t.csv >numbers.csv
sed 's/"t.csv"/"numbers.csv"/; s/\["old", "new, boxed", "other"\]/[3, 7, 9]/' t.sgd >numbers.sgd
runs "$sgdc" show numbers.sgd
grep -q '^        1  7  *14   35.0 %' out || { fail "classes of numbers"; cat out; }
says '    no row has 9' out
grep -q 'line 2 .*y = 7$' out || { fail "a class of a row"; cat out; }

# Images: bytes of a file laid flat, and arrays with sides of at least 8.
{ printf '\0\0\10\1\0\0\0\2\7\3' | gzip -c >labels.gz
  { printf '\0\0\10\3\0\0\0\2\0\0\0\10\0\0\0\10'
    awk 'BEGIN { for (k = 0; k < 2; k++) for (i = 0; i < 8; i++) for (j = 0; j < 8; j++) printf "%s", (i < 2 && k == 0) || (j < 2 && k == 1) ? "@" : "!" }'; } >images; }
cat >i.sgd <<'END_OF'
data d = idx(images = "images", labels = "labels.gz") { x: f32[64] = images / 255; y: label[10] = labels }
data e = synthetic(rows = 9, seed = 1) { x: f32[64] = [i for i in 0..64]; y: label[10] = where(x[0] > 1, 1, 0) }
model m(x: f32[64]) -> f32[10] { param w: f32[10, 64] ~ normal(0, 1); return w @ x }
train a { data = d; minimize = cross_entropy(m(x), y); optimizer = sgd(lr = 0.1) }
train b { data = e; minimize = cross_entropy(m(x), y); optimizer = sgd(lr = 0.1) }
END_OF
LC_ALL=C.UTF-8 "$sgdc" show i.sgd >out 2>err || { fail "images"; cat err; }
says '  row 0: 7  row 1: 3' out
says '  @@@@@@@@  @@      ' out
[ "$(grep -c '^            @@      $' out)" -eq 3 ] || { fail "two pixels a line"; cat out; }
[ "$(grep -c 'as images' out)" -eq 1 ] || { fail "64 numbers that are no bytes are no image"; cat out; }
says 'e: 9 rows of e' out

# So are levels of grey on a black ground, of a csv.
awk 'BEGIN { for (k = 0; k < 6; k++) { line = k % 2; for (i = 0; i < 8; i++) for (j = 0; j < 8; j++) line = line "," (i == j ? 20 * (k + j) + 1 : 0); print line } }' >grey.csv
cat >grey.sgd <<'END_OF'
data d = csv("grey.csv") { x: f32[64] = columns(1..65); y: label[2] = column(0) }
model m(x: f32[64]) -> f32[2] { param w: f32[2, 64] ~ normal(0, 1); return w @ x }
train a { data = d; minimize = cross_entropy(m(x), y); optimizer = sgd(lr = 0.1) }
END_OF
runs "$sgdc" show grey.sgd --rows 2
says 'x as images' out
grep -q '^  line 1: 0  line 2: 1' out || { fail "captions of images"; cat out; }
sed -i 's/= columns(1..65)/= columns(1..65) \/ 255/' grey.sgd
runs "$sgdc" show grey.sgd
says 'x as images' out

# More classes than anybody looks at.
cat >many.sgd <<'END_OF'
data d = synthetic(rows = 9, seed = 1) { x: f32 = uniform(0, 1); y: label[2147483647] = where(x > 0.5, 1, 0) }
model m(x: f32) -> f32 { param w: f32 = 0; return w * x }
train fit { data = d; minimize = squared(m(x), where(y == 1, 1, 0)); optimizer = sgd(lr = 0.1) }
END_OF
runs "$sgdc" show many.sgd
says 'label[2147483647]' out

# An error in the program, data that is not there.
"$sgdc" show nonesuch.sgd >out 2>err; [ $? -eq 3 ] || fail "no program is no exit 3"
"$sgdc" show t.sgd --data t=nonesuch.csv >out 2>err; [ $? -eq 3 ] && [ ! -s out ] || fail "no data is no exit 3"
says 'there is no file nonesuch.csv' err
echo 'id,weight,size,kind' >empty.csv
"$sgdc" show t.sgd --data t=empty.csv >out 2>err; [ $? -eq 3 ] && [ ! -s out ] || fail "no rows are no exit 3"
sed 's/7,/x,/' t.csv >none.csv
"$sgdc" show t.sgd --data t=none.csv >out 2>err; [ $? -eq 3 ] && [ ! -s out ] || fail "no row that can be read is no exit 3"
says 'none of its 40 rows can be read' err
sed 's/old\|"new, boxed"/x/' t.csv >none.csv
"$sgdc" show t.sgd --data t=none.csv >out 2>err; [ $? -eq 3 ] && [ ! -s out ] || fail "no label is no exit 3"
exit $failed
