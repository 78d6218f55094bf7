# Ctrl-C: the batch is finished, the state saved where asked, exit code 130; and the run can go on.
# Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
"$sgdc" "$source/examples/line.sgd" --run --set epochs=2000000000 --save stopped.safetensors --log log.csv \
    --progress=none >out 2>err &
process=$!
for tenth in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.1
    grep -q memory err && break
done
sleep 0.2
kill -INT $process
wait $process
code=$?
[ $code -eq 130 ] || { echo "FAILED: exit $code, not 130"; cat out err; exit 1; }
[ -s stopped.safetensors ] || { echo "FAILED: nothing was saved"; exit 1; }
[ -s log.csv ] || { echo "FAILED: no log"; exit 1; }
grep -q interrupted out || { echo "FAILED: the summary does not say so"; cat out; exit 1; }
"$sgdc" "$source/examples/line.sgd" --run -q --load stopped.safetensors --set epochs=2000000000 --dry-run || exit 1

# While it compiles: the same code, a word about it, and no half-written object. (sh starts background commands with
# SIGINT ignored; timeout does not.) A machine that compiles faster than that is interrupted earlier.
for seconds in 0.4 0.2 0.1 0.05; do
    rm -f lenet.* && timeout --preserve-status -s INT $seconds "$sgdc" "$source/examples/lenet.sgd" -o ./ >out 2>err
    code=$?
    [ $code -eq 0 ] || break
done
[ $code -eq 130 ] || { echo "FAILED: compiling, exit $code, not 130"; cat out err; exit 1; }
grep -q 'sgdc: interrupted' err || { echo "FAILED: compiling, nothing was said"; cat err; exit 1; }
ls -A | grep lenet && { echo "FAILED: compiling, something was left"; exit 1; }
exit 0
