#!/bin/sh
# Missing values: those of rows that keep leaves out are none, of numbers and of texts; others are told, also those that keep
# itself compares; where a mean stands for a missing target, eval and the report have it.
set -u
sgdc=$1
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $*"; failed=1; }
cat >d.csv <<'EOF'
x,y,k
1,2,a
2,,b
3,6,a
4,8,
5,10,c
6,12,b
7,,a
8,16,b
EOF
program() {         # FIELD KEEP LOSS MODEL
    cat <<EOF
data d = csv("d.csv") {
  keep = $2
  x: f32 = column("x")
  $1
}
model m(x: f32) -> $4
train fit { data = d; minimize = $3; optimizer = sgd(lr = 0.01); epochs = 5 }
EOF
}
number() { program "y: f32 = column(\"y\")" "$1" "squared(m(x), y)" "f32 = dense([x], 1)[0]"; }
text() { program "y: label[3] = classes(column(\"k\"))" "$1" "cross_entropy(m(x), y)" "f32[3] = dense([x], 3)"; }
fine() { "$sgdc" p.sgd --run -q >out 2>err || { fail "$1"; cat err; }; }
says() {            # CODE PLACE WHAT
    "$sgdc" p.sgd --run -q >out 2>err && fail "$3 is accepted"
    grep -q "d.csv:$2: error\[$1\]" err || { fail "$3 is told in another way:"; cat err; }
}
number 'not is_missing(column("y"))' >p.sgd && fine "numbers that are there"
number 'column("x") in [1, 3, 4, 5]' >p.sgd && fine "rows whose numbers are there"
number 'column("x") > 2' >p.sgd && says E0406 8:3 "a number that is missing in a row that stays"
number 'column("y") > 2' >p.sgd && says E0406 3:3 "a number that is missing where keep compares it"
number 'column("x") > 0' >p.sgd && says E0406 3:3 "a number that is missing"
text 'not is_missing(column("k"))' >p.sgd && fine "texts that are there"
text 'column("x") in [1, 2, 3, 5]' >p.sgd && fine "rows whose texts are there"
text 'column("x") > 2' >p.sgd && says E0406 5:5 "a text that is missing in a row that stays"

# Whole numbers and labels that are numbers; the one that stands for none may be in the file.
cp d.csv before.csv
cat >d.csv <<'EOF'
x,n,y
1,2147483647,0
2,-2147483648,1
3,,
4,7,2
5,8,NA
EOF
whole() { program "y: label[3] = column(\"y\"); n: i32 = column(\"n\")" "$1" "cross_entropy(m(x + 0 * f32(n)), y)" "f32[3] = dense([x], 3)"; }
whole 'column("x") in [1, 2, 4]' >p.sgd && fine "rows whose whole numbers are there"
whole 'column("x") in [1, 3]' >p.sgd && says E0406 4:4 "a whole number or label that is missing in a row that stays"
whole 'column("x") in [1, 5]' >p.sgd && says E0406 6:5 "a label that is missing in a row that stays"
mv before.csv d.csv

# The mean of what is there is 9.
cat >p.sgd <<'EOF'
data d = csv("d.csv") {
  x: f32 = column("x")
  y: f32 = column("y", missing = mean)
  z: f32 = 2 * column("y", missing = mean) + 1
}
model m(x: f32) -> f32 = dense([x], 1)[0]
train fit { data = d; minimize = squared(m(x), y); optimizer = sgd(lr = 0.01); epochs = 5 }
train computed like fit { minimize = squared(m(x), z) }
EOF
for run in fit computed; do
    "$sgdc" p.sgd --run=$run -q --save p.st --report p.html >out 2>err || { fail "training $run"; cat err; }
    "$sgdc" eval p.sgd --run=$run --load p.st >out 2>err || { fail "eval of $run"; cat err; }
    truth=9.00000
    [ $run = computed ] && truth=19.0000
    grep -q "d.csv:3 .* $truth " out || { fail "the truth of a missing target of $run:"; cat out; }
    grep -q '>nan<' p.html && fail "the report of $run has what is no number"
done
exit $failed
