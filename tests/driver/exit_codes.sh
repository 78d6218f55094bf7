# Exit codes and where output goes. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
expect() {          # CODE DESCRIPTION COMMAND...
    want=$1 what=$2; shift 2
    "$@" >out 2>err; got=$?
    [ $got -eq "$want" ] || { echo "FAILED: $what: exit $got, not $want"; cat err; failed=1; }
}
says() { grep -q -- "$1" "$2" || { echo "FAILED: $2 does not say: $1"; cat "$2"; failed=1; }; }

line=$source/examples/line.sgd
expect 0 "training" "$sgdc" "$line" --run
says train_loss out
expect 0 "diagnose only" "$sgdc" "$line" --check
expect 0 "help" "$sgdc" --help
says '--check-grad' out
expect 0 "version" "$sgdc" --version
expect 0 "explanation" "$sgdc" --explain E0201
expect 0 "dry run" "$sgdc" "$line" --dry-run
says 'memory' err

printf 'train fit {\n  epoch = 10\n}\n' >bad.sgd
expect 1 "errors in the source" "$sgdc" bad.sgd --check
says 'error\[E' err
expect 1 "errors as JSON" "$sgdc" bad.sgd --check --error-format=json
says '^{' err
expect 2 "unknown option" "$sgdc" "$line" --rum
says 'did you mean --run' err
expect 2 "unknown emit" "$sgdc" "$line" --emit=gard
says 'did you mean grad' err
expect 2 "no file" "$sgdc"
expect 2 "two files" "$sgdc" a.sgd b.sgd
expect 2 "unknown command" "$sgdc" nonesuch "$line"
says 'there is no command nonesuch' err
expect 2 "option without --run" "$sgdc" "$line" --save x
expect 2 "a prefix that is a word of C" "$sgdc" "$line" --name=int -o ./
says 'word of C' err
expect 2 "unknown pass" "$sgdc" "$line" --dump=bacth
says 'did you mean batch' err
expect 2 "unknown code" "$sgdc" --explain E9999
expect 3 "missing program" "$sgdc" nowhere.sgd --run
cat >missing.sgd <<'END'
# Data: published somewhere.
data d = csv("nowhere.csv") { x: f32[1] = columns(0..1); y: f32 = column(1) }
model m(x: f32[1]) -> f32 { param w: f32[1] = 0; return dot(w, x) }
train fit { data = d; minimize = squared(m(x), y); optimizer = sgd(lr = 0.1); batch = 1; epochs = 1 }
END
expect 3 "missing data" "$sgdc" missing.sgd --run
says 'E0401' err
says 'published somewhere' err
says '--data d=PATH' err
expect 3 "a folder as data" "$sgdc" missing.sgd --run --data d=/usr
says '/usr is a folder' err
printf '1,2\n3,four\n' >four.csv
expect 3 "malformed data" "$sgdc" missing.sgd --run --data d=four.csv
says 'four.csv:2:3' err
says '   2 | 3,four' err
gzip four.csv
expect 3 "malformed data in gzip" "$sgdc" missing.sgd --run --data d=four.csv.gz
says 'four.csv.gz:2:3' err
grep -q '   2 | ' err && { echo "FAILED: bytes of a gzip file are shown"; failed=1; }
printf '1,2\n3,4\n' >nowhere.csv
expect 0 "data beside the program" "$sgdc" missing.sgd --run
mkdir data && mv nowhere.csv data
expect 0 "data in a folder beside the program" sh -c "cd / && \"\$1\" \"\$2\" --run" sh "$sgdc" "$PWD/missing.sgd"
mkdir elsewhere && mv data/nowhere.csv elsewhere
expect 0 "data in SGDC_DATA" env SGDC_DATA=/nonexistent:elsewhere "$sgdc" missing.sgd --run
expect 3 "unwritable log" "$sgdc" "$line" --run --log /nonexistent/log.csv
expect 3 "unwritable save" "$sgdc" "$line" --run --save /nonexistent/x.safetensors
[ -s out ] && { echo "FAILED: trained for a file that cannot be written"; failed=1; }
expect 2 "log of an unknown kind" "$sgdc" "$line" --run --log log.txt
expect 2 "plot of an unknown kind" "$sgdc" "$line" --run --plot plot.bmp
expect 2 "unknown processor" "$sgdc" "$line" --run --cpu=nonesuch
expect 4 "divergence" "$sgdc" "$line" --run --set lr=100 --set epochs=200
says 'E0501' err
says 'epoch' err
expect 6 "time that is up" "$sgdc" "$line" --run -q --set epochs=1000000000 --time-limit 0.01s
# Ended from outside, in training and before: 128 + the signal's number (interrupt.sh has the rest of it).
for signal in INT=130 TERM=143 HUP=129; do
    expect ${signal#*=} "SIG${signal%=*}" timeout --preserve-status -s ${signal%=*} 2 "$sgdc" "$line" --run -q --set epochs=1000000000
done
# Nothing more fits on the device (outputs.sh has every form), into the limit, into memory (memory.sh).
if [ -c /dev/full ]; then expect 3 "help on a full device" sh -c '"$1" --help >/dev/full' sh "$sgdc"; fi
expect 3 "an object beyond a limit" sh -c 'ulimit -f 0; exec "$1" "$2" --emit=obj=limit.o' sh "$sgdc" "$line"
expect 2 "an object over its program" sh -c 'cp "$2" own.sgd; exec "$1" own.sgd -o own.sgd' sh "$sgdc" "$line"
# What --help says of them the manual says too.
for code in 0 1 2 3 4 5 6 128; do
    grep -q "^$code[^0-9]" "$source/docs/sgdc.1" && "$sgdc" --help | grep -A 2 '^Exit codes' | grep -q "\b$code\b" || {
        echo "FAILED: exit code $code is not in the manual, or not in --help"; failed=1; }
done
ls -A | grep -q '\.part$' && { echo "FAILED: half-written files stay"; failed=1; }
exit $failed
