#!/bin/sh
# Every pass that sgdc names, of graphs and of trees of loops, can be dumped and stopped after, and its time is printed; the
# last tree is what --emit=loops prints.
#     passes.sh SGDC SOURCE_FOLDER
set -u
sgdc=$1 program=$2/examples/line.sgd failed=0
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
fail() { echo "FAILED: $*"; failed=1; }

"$sgdc" "$program" --stop-after=zzzzzzzz >"$scratch/none" 2>&1 && fail "a pass that is not there was found"
passes=$(sed -n 's/.*(passes: \(.*\))/\1/p' "$scratch/none" | tr -d ',')
for known in parse grad order schedule split vectorise threads; do
    case " $passes " in *" $known "*) ;; *) fail "$known is not among the passes: $passes" ;; esac
done
"$sgdc" "$program" --time-passes --emit=asm -o /dev/null >"$scratch/times" 2>&1 || fail "--time-passes: $(cat "$scratch/times")"
for pass in $passes; do
    "$sgdc" "$program" --run --stop-after="$pass" --dump="$pass" >"$scratch/$pass" 2>&1 || fail "after $pass: exit code $?"
    [ "$(wc -l <"$scratch/$pass")" -ge 5 ] || fail "--dump=$pass prints no more than $(cat "$scratch/$pass")"
    grep -q 'epoch' "$scratch/$pass" && [ "$pass" != parse ] && fail "it trained, after --stop-after=$pass"
    grep -q "^$pass " "$scratch/times" || fail "--time-passes does not know $pass"
done
last=${passes##* }
"$sgdc" "$program" --emit=loops >"$scratch/loops"
sed 1d "$scratch/$last" | cmp -s - "$scratch/loops" || fail "what --dump=$last prints is not what --emit=loops does"
cmp -s "$scratch/schedule" "$scratch/$last" && fail "the passes change nothing"
exit $failed
