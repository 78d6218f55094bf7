# Ctrl-C and its like: the batch is finished, the state saved where asked, exit code 128 + signal; and the same command
# with --load goes on to the bits of a training that was never interrupted. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
fail() { echo "FAILED: $1"; cat out err; exit 1; }
# sh starts background commands with SIGINT ignored, which sgdc respects: env undoes it.
env --default-signal=INT true 2>err || { echo "skipped: this env knows no --default-signal"; exit 77; }

# A training that ends by itself only after hours, in the background; returns when it has trained an epoch.
begun() { until [ "$(grep -c . out)" -ge 2 ] || ! kill -0 $process 2>kill.txt; do sleep 0.05; done; }
start() {
    : >out
    env --default-signal=INT,PIPE "$sgdc" "$@" --set epochs=1000000000 >out 2>err &
    process=$!
    begun
}
finish() { wait $process; code=$?; }
nothing_left() { ls -A | grep '\.part' && fail "$1: a temporary file was left"; }

line=$source/examples/line.sgd
plot=curves.gp
gnuplot --version >gnuplot.txt 2>&1 && plot=curves.svg || echo "skipped: no gnuplot draws what was interrupted"
for signal in INT=130 TERM=143 HUP=129; do
    rm -f stopped.safetensors log.csv curves.*
    start "$line" --run --save stopped.safetensors --log log.csv --plot $plot --progress=none
    kill -"${signal%=*}" $process
    finish
    [ $code -eq "${signal#*=}" ] || fail "$signal: exit $code"
    [ -s stopped.safetensors ] || fail "$signal: nothing was saved"
    [ -s log.csv ] || fail "$signal: no log"
    [ -s $plot ] || fail "$signal: no plot"
    grep -q interrupted out || fail "$signal: the summary does not say so"
    nothing_left "$signal"
done
"$sgdc" "$line" --run -q --load stopped.safetensors --set epochs=1000000000 --dry-run || exit 1

# Nobody reads the results any more.
rm -f stopped.safetensors
{ env --default-signal=PIPE "$sgdc" "$line" --run --set epochs=1000000000 --save stopped.safetensors --log log.csv \
    --progress=none --set 'report=every 1 epochs' 2>err; echo $? >code; } | head -n 3 >out
[ "$(cat code)" -eq 141 ] || fail "a closed pipe: exit $(cat code), not 141"
[ -s stopped.safetensors ] || fail "a closed pipe: nothing was saved"
nothing_left "a closed pipe"

# What was ignored at the start stays ignored: a background command of a script, nohup.
: >out
(trap '' INT HUP; exec "$sgdc" "$line" --run --set epochs=1000000000 --progress=none --log log.csv >out 2>err) &
process=$!
begun
kill -INT $process; kill -HUP $process; sleep 0.3
kill -0 $process 2>kill.txt || fail "an ignored signal ended it"
kill -TERM $process
finish
[ $code -eq 143 ] || fail "after ignored signals: exit $code, not 143"

# The second does not wait. Saving to a pipe that nobody reads would take forever.
mkfifo pipe
start "$line" --run --save pipe --log log2.csv --progress=none
kill -INT $process
until grep -q interrupted out || ! kill -0 $process 2>kill.txt; do sleep 0.05; done
sleep 0.1
kill -INT $process
finish
[ $code -eq 130 ] || fail "twice: exit $code, not 130"
nothing_left twice

# While it compiles: the same code, a word about it, and no half-written object. A machine that compiles faster than
# that is interrupted earlier.
for seconds in 0.4 0.2 0.1 0.05; do
    rm -f lenet.* && timeout --preserve-status -s INT $seconds "$sgdc" "$source/examples/lenet.sgd" -o ./ >out 2>err
    code=$?
    [ $code -eq 0 ] || break
done
[ $code -eq 130 ] || fail "compiling: exit $code, not 130"
grep -q 'sgdc: interrupted' err || fail "compiling: nothing was said"
[ -e lenet.o ] && fail "compiling: an object was left"
nothing_left compiling

# An experiment of three runs, interrupted in the first, then in the second: each time the same command goes on.
cat >three.sgd <<'END'
data points = synthetic(rows = 103, seed = 42) { x: f32[2] = [uniform(-1, 1), 1]; y: f32 = dot(x, [3, 2]) + uniform(0, 1) }
model line(x: f32[2]) -> f32 { param a: f32[2] = [-1, 1]; return dot(x, a) }
train one { data = points; minimize = mse(line(x), y); optimizer = adam(lr = 0.1); batch = 10; epochs = EPOCHS }
train two like one { optimizer = sgd(lr = 0.01) }
train three like one { start = one; optimizer = sgd(lr = 0.02); epochs = 40 }
END
# long enough to be caught, short enough to wait for: twice what this machine does in half a second
epochs=1000
while :; do
    sed "s/EPOCHS/$epochs/" three.sgd >now.sgd
    begin=$(date +%s%N)
    "$sgdc" now.sgd --run --save whole.safetensors --progress=none >out 2>err || fail "three runs"
    [ $(($(date +%s%N) - begin)) -gt 2000000000 ] && break
    epochs=$((epochs * 3))
done
load=
for run in one two; do
    : >out
    env --default-signal=INT "$sgdc" now.sgd --run -v --save part.safetensors $load --progress=none >out 2>err &
    process=$!
    until grep -A 2 "^$run\$" out | grep -q '^ *1  ' || ! kill -0 $process 2>kill.txt; do sleep 0.05; done
    kill -INT $process
    finish
    [ $code -eq 130 ] || fail "interrupted in $run: exit $code"
    load='--load part.safetensors'
done
[ -e part-three.safetensors ] && fail "a run that has not begun was saved"
"$sgdc" now.sgd --run --save part.safetensors $load --progress=none >out 2>err || fail "going on"
grep -q '^three begins anew: there is no part-three.safetensors' err || fail "it does not say which run begins"
for run in one two three; do
    cmp whole-$run.safetensors part-$run.safetensors || fail "$run: an interrupted run differs"
done
"$sgdc" now.sgd --run -q --load nowhere.safetensors >out 2>err
[ $? -eq 3 ] && grep -q E0401 err || fail "no file to load"
exit 0
