#!/bin/sh
# The machine code of kernels, for AVX-512, AVX2 and NEON: the hot loops are what the plan of the loops says.
#
#   tests/machine_code/run.sh [--sgdc PATH] [-v] [NAME ...]      -v: print plans and hot loops
#
# Each NAME.sgd here has kernels of some kind. --emit=loops says how many vector accumulators each kernel keeps in
# registers; in the assembly there has to be an innermost loop with exactly so many fused multiply-adds for each, all of
# full vector width, which does not refer to the stack and moves nothing between lanes: broadcasts come straight from
# memory (one from a register takes the place of an fma). Loops of a rest, with fewer, may be narrower. A matrix that is
# multiplied with one vector is turned in registers, in a loop that does not refer to the stack either.
# planned_tiles.awk reads the plan, hot_loops.awk the assembly; neither knows a kernel by its numbers.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$(dirname "$here")")
sgdc=$root/build/sgdc shows=no names=
while [ $# -gt 0 ]; do
    case $1 in
    --sgdc) sgdc=$2; shift 2 ;;
    -v) shows=yes; shift ;;
    *) names="$names $1"; shift ;;
    esac
done
[ -n "$names" ] || names=$(cd "$here" && ls ./*.sgd | sed 's/^\.\///; s/\.sgd$//')
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
failed=0

check_entry() {     # PROGRAM CPU ENTRY
    program=$1 cpu=$2 entry=${1}__$3
    awk -v entry="$entry" -v cpu="$cpu" -f "$here/planned_tiles.awk" "$scratch/loops" >"$scratch/planned"
    # Of a step there is code for the rows the program says, which the plan is of, and for any number.
    grep -q "^${entry}_of_block:" "$scratch/assembly" && entry=${entry}_of_block
    awk -v cpu="$cpu" -v reach="$entry" -f "$here/hot_loops.awk" "$scratch/assembly" >"$scratch/hot"
    [ $shows = no ] || { echo "$program, $cpu, $3:"; sed 's/^/  planned /' "$scratch/planned"; sed 's/^/  found /' "$scratch/hot"; }
    awk -v what="$program, $cpu, $3" '
        FILENAME ~ /planned$/ { kernels[$1]++; text[$1] = text[$1] "\n   " $0; next }
        {
            for (i = 3; i <= NF; i++) { split($i, pair, "="); number[pair[1]] = pair[2] }
            if (number["turned"]) {
                loops["squares"] += !number["stack"] && !number["narrow"]
                next
            }
            if (!number["narrow"]) loops[number["fma"]]++
            if (number["stack"]) problem("uses the stack")
            if (number["moved"]) problem("moves values between lanes")
        }
        function problem(text) { print "FAILED: " what ": a hot loop " text ": " $0; failed = 1 }
        END {
            for (fma in kernels) {
                planned++
                if (loops[fma] < kernels[fma]) {
                    print "FAILED: " what ": " kernels[fma] " kernels of " fma " fma, " loops[fma] + 0 " such loops of full width:" text[fma]
                    failed = 1
                }
            }
            if (!planned) { print "FAILED: " what ": no kernel is planned"; failed = 1 }
            exit failed
        }' "$scratch/planned" "$scratch/hot" || failed=1
}

for name in $names; do
    for cpu in x86-64-v4 x86-64-v3 aarch64; do
        target="--target=x86_64-linux-gnu --cpu=$cpu"
        [ $cpu = aarch64 ] && target=--target=aarch64-linux-gnu
        # shellcheck disable=SC2086
        "$sgdc" "$here/$name.sgd" $target "--emit=loops=$scratch/loops,asm=$scratch/assembly" || { failed=1; continue; }
        for entry in step predict; do check_entry "$name" $cpu $entry; done
    done
done
exit $failed
