# Outputs appear whole or not at all: on a full device, beyond a limit, over an input, under any name.
# Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2 failed=0
scratch=$(mktemp -d); trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
cat >line.sgd <<'END'
include "part.sgd"
data points = csv("points.csv") { x: f32[2] = columns(0..2); y: f32 = column(2) }
train one { data = points; minimize = mse(line(x), y); optimizer = sgd(lr = 0.01); batch = 2; epochs = 3 }
train two like one { start = load("begin.safetensors") }
END
echo 'model line(x: f32[2]) -> f32 { param a: f32[2] = [-1, 1]; return dot(x, a) }' >part.sgd
printf '1,2,3\n2,3,4\n3,4,6\n4,5,6\n' >points.csv
"$sgdc" line.sgd --run=one -q --save begin.safetensors >out || exit 1
cp -r . ../kept.$$; mv ../kept.$$ kept; rm -f kept/out

expect() {          # CODE DESCRIPTION COMMAND...; one sentence where it fails
    want=$1 what=$2; shift 2
    "$@" >out 2>err; got=$?
    [ $got -eq "$want" ] || { echo "FAILED: $what: exit $got, not $want"; cat err; failed=1; }
    [ $got -eq 0 ] || [ "$(grep -c . err)" -eq 1 ] || { echo "FAILED: $what: not one sentence"; cat err; failed=1; }
    ls -A | grep '\.part$' && { echo "FAILED: $what: a temporary file was left"; failed=1; }
}
intact() {
    for file in line.sgd part.sgd points.csv begin.safetensors; do
        cmp -s $file kept/$file || { echo "FAILED: $1: $file was changed"; cp kept/$file $file; failed=1; }
    done
}

# ---- over what is read, or twice
for output in "-o line.sgd" "-o part.sgd" "-o points.csv" "--emit=ast=line.sgd" "--emit=ast=part.sgd" \
              "--emit=llvm=./points.csv" "--emit=header=begin.safetensors" "--run --log points.csv" \
              "--run --log $scratch/../$(basename "$scratch")/points.csv" \
              "--run=one --save part.sgd" "--run --trace points.csv" "--run=two --save begin.safetensors"; do
    expect 2 "$output" "$sgdc" line.sgd $output
    intact "$output"
done
ln -s points.csv link.csv; ln points.csv hard.csv
expect 2 "a link to the data" "$sgdc" line.sgd --run --log link.csv
expect 2 "another name of the data" "$sgdc" line.sgd --run --log hard.csv
intact "a link"
expect 2 "-o names the header" "$sgdc" line.sgd -o a.h
expect 2 "two outputs in one" "$sgdc" line.sgd --run=one --log a.csv --save ./a.csv
expect 2 "no place for the header" "$sgdc" line.sgd -o -
expect 2 "tensors among results" "$sgdc" line.sgd --run --save -
"$sgdc" line.sgd --run=one --save out >out 2>err
[ $? -eq 2 ] || { echo "FAILED: tensors in the file of stdout"; failed=1; }
cp begin.safetensors a.safetensors
expect 0 "the loaded file" "$sgdc" line.sgd --run=one -q --load a.safetensors --set epochs=4 --save a.safetensors
cmp -s a.safetensors begin.safetensors && { echo "FAILED: the loaded file was not saved to"; failed=1; }

# ---- before work: nothing is trained or compiled for what cannot be written
long=$(printf '%0260d' 0)
mkdir locked && chmod a-w locked
for path in "nowhere/a" "$long" "part.sgd/a" "kept/" "." "locked/a"; do
    [ "$path" = locked/a ] && [ "$(id -u)" -eq 0 ] && { echo "skipped: root may write to locked/"; continue; }
    expect 3 "--save $path" "$sgdc" line.sgd --run=one --save "$path"
    [ -s out ] && { echo "FAILED: trained for $path"; failed=1; }
    [ "$path" = kept/ ] || [ "$path" = . ] || expect 3 "-o $path" "$sgdc" line.sgd -o "$path"
    expect 3 "--emit=asm=$path" "$sgdc" line.sgd --emit=asm="$path"
done
expect 0 "the longest name" "$sgdc" line.sgd --emit=obj="$(printf '%0255d' 0)"

# ---- links, permissions, devices
mkdir far; ln -s far/new.o new.o; ln -s far/old.o old.o; echo old >far/old.o; chmod 640 far/old.o
(umask 027; "$sgdc" line.sgd --emit=obj=new.o; "$sgdc" line.sgd --emit=obj=old.o)
[ -L new.o ] && [ -L old.o ] && [ -s far/new.o ] || { echo "FAILED: a link is replaced"; failed=1; }
[ "$(stat -c %a far/new.o) $(stat -c %a far/old.o)" = "640 640" ] || { echo "FAILED: permissions"; ls -l far; failed=1; }
ln -s round.o round.o
expect 3 "a link to itself" "$sgdc" line.sgd --emit=obj=round.o
for stdout in - /dev/stdout /dev/fd/1; do
    expect 0 "an object on $stdout" "$sgdc" line.sgd --emit=obj=$stdout
    cmp -s out far/new.o || { echo "FAILED: another object on $stdout"; failed=1; }
    "$sgdc" line.sgd --emit=obj=$stdout | cmp -s - far/new.o || { echo "FAILED: an object on $stdout, a pipe"; failed=1; }
done
"$sgdc" line.sgd --emit=obj -o - | cmp -s - far/new.o || { echo "FAILED: -o -"; failed=1; }
mkfifo fifo; cat fifo >through & "$sgdc" line.sgd --emit=obj=fifo; wait
cmp -s through far/new.o && [ -p fifo ] || { echo "FAILED: a pipe with a name"; failed=1; }
expect 0 "no device" "$sgdc" line.sgd --run=one -q --save /dev/null
[ -c /dev/null ] || { echo "FAILED: /dev/null is gone"; exit 1; }

# ---- full
if [ -c /dev/full ]; then
    for output in --help --version "--explain E0201" "--emit=ast" "--emit=ir" "--emit=grad" "--emit=dot" "--emit=deps" \
                  "--emit=loops" "--emit=llvm" "--emit=asm" "--emit=header=-" "--emit=obj=-" "--run" "--run=one -q" \
                  "--run=one --plot -" "--run --log -" "--summary" "--check-grad"; do
        for full in '>/dev/full' '>&-'; do
            eval "\"\$sgdc\" line.sgd $output --progress=none $full 2>err"; code=$?
            [ $code -eq 3 ] && [ "$(grep -c 'stdout cannot be written' err)" -eq 1 ] || {
                echo "FAILED: $output $full: exit $code"; cat err; failed=1; }
        done
    done
    expect 3 "an object on a full device" "$sgdc" line.sgd --emit=obj=/dev/full
    expect 3 "parameters on a full device" "$sgdc" line.sgd --run=one -q --save /dev/full
    "$sgdc" line.sgd --run=one 2>/dev/full >out; code=$?
    [ $code -eq 3 ] || { echo "FAILED: progress on a full device: exit $code"; failed=1; }
else
    echo "skipped: there is no /dev/full"
fi
# Closed streams never become the file that is opened next.
"$sgdc" line.sgd --run=one --log log.csv --save closed.safetensors >&- 2>&-
cmp -s closed.safetensors begin.safetensors || { echo "FAILED: closed streams: the saved file differs"; failed=1; }
grep -v '^# \|^run,\|^one,' log.csv && { echo "FAILED: closed streams: something else is in the log"; failed=1; }
"$sgdc" line.sgd --emit=header=a.h <&- >&- 2>&- || { echo "FAILED: closed streams: exit $?"; failed=1; }
"$sgdc" line.sgd --emit=header=- >b.h; cmp a.h b.h || failed=1
# Beyond a limit, as on a full disk: what was there stays.
for output in "--emit=obj=old.o" "--run=one -q --save old.o" "--run=one -q --log old.csv --set epochs=2000" \
              "--emit=asm=old.o" "--run=one -q --trace old.o" "--run=one -q --plot old.gp --set epochs=900"; do
    echo old >old.csv; echo old >old.gp; echo old >far/old.o
    { (ulimit -f 0; exec "$sgdc" line.sgd $output); echo $? >code; } 2>&1 | cat >err
    [ "$(cat code)" -eq 3 ] && [ "$(grep -c 'cannot be written: File too large' err)" -eq 1 ] || {
        echo "FAILED: beyond a limit: $output: exit $(cat code)"; cat err; failed=1; }
    [ "$(cat old.csv old.gp old.o)" = "$(printf 'old\nold\nold')" ] || { echo "FAILED: half of $output"; failed=1; }
done
exit $failed
