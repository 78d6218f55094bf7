# A program from standard input: messages call it stdin, and what it includes lies in the current folder. Rows of --log=-
# come while training goes on. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $*"; failed=1; }
cp "$source/examples/line.sgd" .

"$sgdc" line.sgd --run -q | sed 's/  [0-9.]* [a-z]*s$//' >file.out
"$sgdc" - --run -q <line.sgd | sed 's/  [0-9.]* [a-z]*s$//' >stdin.out
cmp file.out stdin.out || fail "the program from standard input trains to something else"
echo 'include "line.sgd"' | "$sgdc" - --run=fit -q | sed 's/  [0-9.]* [a-z]*s$//' | cmp - file.out || fail "include"

printf 'model m(x: f32) -> f32 = y\n' | "$sgdc" - --check 2>err
[ $? -eq 1 ] || fail "exit code of a wrong program"
grep -q '^stdin:1:26: error' err || { fail "the place of an error"; cat err; }
"$sgdc" - -o ./ <line.sgd || fail "an object"
[ -f stdin.o ] && [ -f stdin.h ] || fail "object and header are called stdin.o and stdin.h"
"$sgdc" - --run -q --log=- <line.sgd 2>err | grep -q '^fit,100,100,' || { fail "program and log are both called -"; cat err; }
"$sgdc" - --check </dev/null || fail "an empty program"

# Epochs of interpreted steps are long: the first rows can be read before a buffer is full of them.
sed 's/rows = 100/rows = 20000/; s/= all/= 1/' line.sgd >long.sgd
"$sgdc" long.sgd --run -q --interpret --set epochs=1000000 --log=- --progress=none >rows 2>err &
process=$!
for _ in $(seq 600); do
    [ -s rows ] && break
    sleep 0.1
done
size=$(wc -c <rows)
[ "$size" -gt 0 ] && [ "$size" -lt 4096 ] || fail "no rows until there are $size bytes of them"
kill -TERM $process
wait $process 2>/dev/null
exit $failed
