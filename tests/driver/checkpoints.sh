# --save-every, --resume=auto, --time-limit: a training that is ended by time, or killed, and begun again by the same
# command has the bits of one that was never cut. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $1"; cat out err; failed=1; }
says() { grep -q -- "$2" "$3" || fail "$1: $3 does not say: $2"; }

cat >net.sgd <<'END'
data rings = synthetic(rows = 103, seed = 3) {
  x: f32[2] = [uniform(-1, 1), uniform(-1, 1)]
  y: f32    = where(x[0]^2 + x[1]^2 > 0.5, 1, 0)
}
model net(x: f32[2]) -> f32 {
  h = dropout(tanh(dense(x, 8)), 0.2)
  return dense(h, 1)[0]
}
train fit {
  data      = rings
  hold_out  = 0.2
  minimize  = binary_cross_entropy(net(x), y)
  optimizer = adam(lr = 0.01)
  batch     = 10
  epochs    = 40
  keep      = best(valid.loss)
  stop      = stalled(valid.loss, 30 epochs)
}
train slow like fit { optimizer = sgd(lr = each [0.1, 0.3]); epochs = 20 }
END
"$sgdc" net.sgd --run -q --save whole.safetensors >out 2>err || fail "the whole training"

# ---- time: each command takes a step at least, however little time it has
turn=0 code=6
while [ $code -eq 6 ] && [ $turn -lt 2000 ]; do
    limit=$([ $turn -lt 3 ] && echo 0.000001s || echo 1h)
    "$sgdc" net.sgd --run --progress=none --save part.safetensors --save-every "7 steps" --resume=auto --time-limit $limit >out 2>err
    code=$?
    [ $turn -eq 0 ] && { says begin 'fit begins at its start: there is no part-fit.safetensors' err
                         says time 'the time limit of 0.000001s has passed; the same command goes on' err
                         says time 'fit *out of time in epoch' out; }
    [ $turn -eq 1 ] && says 'going on' 'fit goes on from part-fit.safetensors after [1-9]' err
    turn=$((turn + 1))
done
[ $code -eq 0 ] && [ $turn -eq 4 ] || fail "ended by time: exit $code after $turn commands"
for run in fit slow-lr=0.1 slow-lr=0.3; do
    cmp whole-$run.safetensors part-$run.safetensors || fail "$run: a training ended by time differs"
done
"$sgdc" net.sgd --run --save part.safetensors --resume auto >out 2>err || fail "a training that is done"
says "a training that is done" 'slow lr=0.3 *nothing to do' out
"$sgdc" net.sgd --run=fit -q --time-limit 1h >out 2>err || fail "a limit that is not reached"

# ---- killed: what was saved last is gone on from
rm -f part*
"$sgdc" net.sgd --interpret --run=fit --save part.safetensors --save-every "1 epochs" --set epochs=1000000 --set 'stop=epoch > 999999' >out 2>err &
process=$!
until [ -s part.safetensors ] || ! kill -0 $process 2>kill.txt; do sleep 0.02; done
kill -KILL $process; wait $process 2>kill.txt
"$sgdc" net.sgd --interpret --run=fit --save end.safetensors --load part.safetensors --set epochs=1000000 --set 'stop=epoch >= 300' >out 2>err || fail "after a kill"
"$sgdc" net.sgd --interpret --run=fit -q --save all.safetensors --set epochs=1000000 --set 'stop=epoch >= 300' >out 2>err || fail "uninterrupted"
cmp end.safetensors all.safetensors || fail "a training that was killed differs"

# ---- which file: the one with the most steps, whole, and of this training
train() { "$sgdc" net.sgd --interpret --run=fit --progress=none --save own.safetensors "$@" >out 2>err; }
rm -f own*
train --set epochs=5 -q || fail "five epochs"
cp own.safetensors own.safetensors.17-0.part
train --set epochs=3 -q || fail "three epochs"
train --resume=auto || fail "the most steps"
says "the most steps" 'goes on from own.safetensors.17-0.part after 45 steps' err
train --set epochs=3 -q
head -c 400 own.safetensors.17-0.part >own.safetensors.18-0.part
printf 'not whole' >own.safetensors.17-0.part
train --resume=auto || fail "files that are cut off"
says "cut off" 'own.safetensors.17-0.part is passed over: ' err
says "cut off" 'own.safetensors.18-0.part is passed over: ' err
says "cut off" 'goes on from own.safetensors after 27 steps' err
rm own.safetensors.*
cmp own.safetensors whole-fit.safetensors || fail "a file of three epochs: another end"
head -c 400 whole-fit.safetensors >own.safetensors
train --resume=auto || fail "a file that is cut off"
says "a file that is cut off" 'begins at its start' err
cmp own.safetensors whole-fit.safetensors || fail "a file that is cut off: another end"
for other in 'sed s/rings/circles/' 'sed s/net/web/' 'sed s/103/104/'; do
    $other net.sgd >net2.sgd && "$sgdc" net2.sgd --interpret --run=fit -q --set epochs=60 --save own.safetensors >out 2>err
    train --resume=auto || fail "$other: a file of another program"
    says "$other" 'own.safetensors is passed over: it is of fit in the program net2' err
    cmp own.safetensors whole-fit.safetensors || fail "$other: another end"
done
train --seed=4 --set epochs=2
train --resume=auto --set epochs=2 || fail "another seed"
says "another seed" 'passed over: it was saved with seed 4' err
sed 's/, 8)/, 9)/' net.sgd >wide.sgd && mv net.sgd narrow.sgd && mv wide.sgd net.sgd
train --resume=auto --set epochs=2 || fail "another model"
says "another model" 'passed over: .*net' err
mv narrow.sgd net.sgd

# ---- a disk that is full for a while
(ulimit -f 0; exec "$sgdc" net.sgd --interpret --run=fit --set epochs=2 --save full.safetensors --save-every "1 epoch" 2>&1) | cat >out
[ "$(grep -c 'full.safetensors cannot be written: .*; training goes on' out)" -eq 1 ] || fail "a full disk"
says "a full disk" 'epoch 2/2' out

# ---- a pipe is no file to go on from
mkfifo pipe; cat pipe >through 2>kill.txt & process=$!
train --save pipe --resume=auto --set epochs=2 || { fail "a pipe"; kill $process; }
wait $process; [ -s through ] || fail "nothing came through a pipe"

# ---- options
refuses() { "$sgdc" net.sgd "$@" >out 2>err; [ $? -eq 2 ] && [ "$(grep -c . err)" -eq 1 ] || fail "$*"; }
refuses --run --save-every 10min
refuses --run --resume auto
refuses --run --save a.safetensors --resume yes
refuses --run --save a.safetensors --resume auto --load b.safetensors
for amount in 10 min 5epocs -1s 0s 1.5epochs 0x3s 1e99h ''; do refuses --run --save a.safetensors --save-every "$amount"; done
for time in 10 '5 epochs' 3weeks; do refuses --run --time-limit "$time"; done
refuses --time-limit 10s
exit $failed
