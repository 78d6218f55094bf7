#!/bin/sh
# What may stand where: every construct in every place of a program. Each is taken (y) or refused with an error (n);
# neither crashes, and no defect of sgdc is reported. A column of the table is a construct, a row a place. Compiled at
# -O0: what is taken does not depend on the level.
#   sh places.sh SGDC SOURCE-FOLDER
set -u
sgdc=$1
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
printf '1,2,0\n3,4,1\n5,6,1\n' >d.csv

# construct: NAME EXPRESSION, a number where it is taken
constructs='model m([1,2])
layer dense([1,2],1)[0]
def f(2)
draw uniform(0,1)
column column(0)
standard standardize(column(0))
remap remap(column(2),[0,1])
field u
label c
batch batch(u)
grad grad(v^2,v)
param m.w[0]
step step
setting s
training (if_training)
undo undo(y,1)
metric r2(u,u)
optim sgd(lr=0.1)
data d
block fit
text "a"
list [1,2]
tuple pair(1)
none none
each each_[1,2]
inf inf
range 0..2
loss mse(u,u)
state slot'

program() {     # PLACE EXPRESSION: the program with it there
    place=$1 e=$2
    [ "$e" = "(if_training)" ] && e='(if training then 1 else 2)'
    [ "$e" = "each_[1,2]" ] && e='each [1, 2]'
    top=3 synthetic=1 field=1 keep=true body=0 initial=0 minimize=0 penalty=0 measure=u rate=0.1 gradient=grad
    stop='train.loss < 0' predict='m(x)' epochs=2 hold=0.3 update=grad batch=2 rows=3 optimizer='sgd(lr = 0.1)'
    report='every 1 epochs' label='where(1 > 2, 1, 0)' local=1 size=2
    eval "$place=\$e"
    [ "$rate" = 0.1 ] || optimizer="sgd(lr = $rate)"
    [ "$update" = grad ] || optimizer='own(lr = 0.1)'
    cat <<PROGRAM
s = $top
data made = synthetic(rows = 3) { a: f32 = $synthetic; b: label[2] = $label }
data d = csv("d.csv", header = false) {
  keep = $keep
  x: f32[2]   = columns(0..2)
  u: f32      = column(0)
  c: label[2] = column(2)
  y: f32      = standardize(column(1))
  z: f32      = $field
}
def f(t: real) -> real = t + 1
def pair(t: real) { return t, t }
optimizer own(lr) { state slot = 0; param = param - lr * $update; slot = slot + 1 }
model m(x: f32[2]) -> f32 {
  param w: f32[$size] = $initial
  v = x[0]
  return dot(w, x) + dense(x, 1)[0] + $body
}
train fit {
  data = d
  v = u
  local = $local
  minimize one = squared(m(x), y) + local
  minimize two = $minimize
  penalty = $penalty
  measure it = $measure
  measure vv = v
  optimizer = $optimizer
  gradient = $gradient
  batch = $batch
  epochs = $epochs
  hold_out = $hold
  stop = $stop
  predict = $predict
  report = $report
}
train other { data = made; minimize = squared(m([a, a]), a) + cross_entropy([a, 0], b); optimizer = sgd(lr = 0.1) }
PROGRAM
}

program body 0 >p.sgd
"$sgdc" p.sgd --run -q -O0 >out 2>&1 || { echo "FAILED: the program itself"; exit 1; }

failed=0
table=
for place in top synthetic label field keep body initial size local minimize penalty measure rate update gradient \
             batch epochs hold stop predict report optimizer; do
    row=
    echo "$constructs" >list
    while read -r name expression; do
        program "$place" "$expression" >p.sgd
        "$sgdc" p.sgd --run -q -O0 >out 2>err
        code=$?
        case $code in
        0 | 4) row="${row}y" ;;
        1 | 3) row="${row}n" ;;
        *)
            row="${row}?"
            failed=1
            echo "FAILED: $name in $place: exit $code"
            head -5 err
            ;;
        esac
        if [ $code -ne 0 ] && ! grep -q 'error\[[A-Z][0-9]*\]' err; then
            failed=1
            echo "FAILED: $name in $place: exit $code without an error"
            head -5 err
        fi
    done <list
    table="$table$(printf '%-10s %s' "$place" "$row")
"
done

here=$(cd "$2/tests/driver" && pwd)/places.table
printf '%s' "$table" >table
cmp -s "$here" table || { echo "FAILED: the table differs from places.table"; diff "$here" table; failed=1; }
exit $failed
