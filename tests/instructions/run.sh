#!/bin/sh
# Counts the instructions of training steps, under callgrind, and compares them with the record beside this file.
#
#   tests/instructions/run.sh [--sgdc PATH] [--renew] [NAME ...]
#
# A count that grew by more than 3 % fails, until somebody decides that it may and renews the record: --renew, then
# review with git diff. One that shrank by more than 3 % is named, to be renewed too. Only the generated function that
# takes the steps is counted, compiled for x86-64-v3 (callgrind knows no AVX-512), so neither the machine nor the C
# compiler matters. The version of LLVM does: the record has rows for each that was counted.
# Exit code 77: skipped, and it is said why.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$(dirname "$here")")
sgdc=$root/build/sgdc renew=no names=
while [ $# -gt 0 ]; do
    case $1 in
    --sgdc) sgdc=$2; shift 2 ;;
    --renew) renew=yes; shift ;;
    -*) echo "run.sh: unknown option $1" >&2; exit 2 ;;
    *) names="$names $1"; shift ;;
    esac
done
[ -x "$sgdc" ] || { echo "run.sh: $sgdc is not there; build it, or say --sgdc PATH" >&2; exit 2; }
runtime=$(dirname "$sgdc")/libsgdrt.a
record=$here/record
skip() { echo "skipped: $1"; exit 77; }
command -v valgrind >/dev/null || skip "valgrind is not installed"
"$sgdc" --version | grep -q 'native: x86-64-v[34]' || skip "this machine does not run x86-64-v3, which is counted"
llvm=$("$sgdc" --version | sed -n 's/.*LLVM \([0-9]*\).*/\1/p')
[ $renew = yes ] || grep -q "^[^#]* $llvm " "$record" || skip "the record has no counts for LLVM $llvm"

# NAME PROGRAM RUN ROWS SECOND-COLUMN SETTINGS: one line a workload; RUN is - where the program has only one. Rows are
# few where one has much to do: callgrind takes a thousand times as long as the machine.
workloads="
airfoil-1    examples/airfoil.sgd        sgd1    1000 y --set=epochs=1
airfoil-100  examples/airfoil.sgd        mini100 1000 y --set=epochs=2
softmax      bench/steps/softmax.sgd     -       640  y
perceptron   bench/steps/perceptron.sgd  -       256  y
lenet        bench/steps/lenet.sgd       -       128  y
convolution  bench/convolution.sgd       forward 4    g --set=batch=4
"
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
export SGDC_DATA="$root/examples/data"

count() {           # PROGRAM RUN ROWS SECOND SETTINGS...: prints the instructions, or says what failed
    program=$1 run=$2 rows=$3 second=$4; shift 4
    prefix=bench
    [ "$run" = - ] || prefix=bench_$run
    stem=$(basename "$program" .sgd)
    "$sgdc" "$root/$program" --cpu=x86-64-v3 --name=bench -o ./ "$@" >&2 || return 1
    ${CC:-cc} -O1 -I. -DHEADER="\"$stem.h\"" "-DPREFIX=$prefix" "-DSECOND=$second" "$here/fit.c" "$stem.o" "$runtime" \
        -o fit -lcjson -lz -lpthread -lm >&2 || return 1
    valgrind --tool=callgrind --callgrind-out-file=out "--toggle-collect=${prefix}__step" ./fit "$rows" 2>said || {
        cat said >&2
        return 1
    }
    sed -n 's/^summary: //p' out
}

failed=0 renewable=no
for name in $(echo "$workloads" | awk 'NF { print $1 }'); do
    case " ${names:-$name} " in *" $name "*) ;; *) continue ;; esac
    # shellcheck disable=SC2046
    counted=$(count $(echo "$workloads" | awk -v name="$name" '$1 == name { $1 = ""; print }'))
    if [ -z "$counted" ] || [ "$counted" -eq 0 ]; then
        echo "FAILED: $name: nothing was counted"; failed=1
        continue
    fi
    if [ $renew = yes ]; then
        { grep -v "^$name $llvm " "$record"; echo "$name $llvm $counted"; } >renewed
        { grep '^#' renewed; grep -v '^#' renewed | sort -k 2,2n -k 1,1; } >"$record"
    fi
    awk -v name="$name" -v llvm="$llvm" -v counted="$counted" '
        $1 == name && $2 == llvm { recorded = $3 }
        END {
            if (!recorded) { print "FAILED: " name ": not in the record for LLVM " llvm; exit 1 }
            change = 100 * (counted / recorded - 1)
            printf "%-12s %12d instructions, %12d in the record: %+.2f %%\n", name, counted, recorded, change
            if (change > 3) { print "FAILED: " name " takes more instructions than recorded"; exit 1 }
            if (change < -3) { print "better than recorded: " name; exit 3 }
        }' "$record"
    case $? in 0) ;; 3) renewable=yes ;; *) renewable=yes failed=1 ;; esac
done
[ $renewable = no ] || echo "If this is as it should be: tests/instructions/run.sh --sgdc $sgdc --renew"
exit $failed
