#!/bin/sh
# Same bits: the first steps of a program come to the same parameters, losses and metrics, to the last bit,
# interpreted and compiled, at every optimisation level and for every processor level this machine has.
#
#   tests/same_bits.sh [--sgdc PATH] [--steps N] FILE.sgd ...
#
# Saved files are compared byte by byte and logs without their times. Exit code 77: a data file is missing.
set -u
sgdc=$(dirname "$0")/../build/sgdc steps=50
while :; do
    case ${1-} in
    --sgdc) sgdc=$2; shift 2 ;;
    --steps) steps=$2; shift 2 ;;
    *) break ;;
    esac
done
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT

has_flag() { grep -qw "$1" /proc/cpuinfo; }
variants="-O3 -O0 --cpu=x86-64-v2"
if has_flag avx2 && has_flag fma; then variants="$variants --cpu=x86-64-v3"; else echo "no AVX2 here: x86-64-v3 is skipped"; fi
if has_flag avx512vl && has_flag avx512dq; then variants="$variants --cpu=x86-64-v4"; else echo "no AVX-512 here: x86-64-v4 is skipped"; fi

run() {             # FOLDER FILE OPTIONS...: trains into the folder
    folder=$scratch/$1 file=$2; shift 2
    mkdir -p "$folder"
    "$sgdc" "$file" --run -q --set "steps=$steps" --save "$folder/saved.safetensors" --log "$folder/log.csv" "$@" \
        >"$folder/out" 2>"$folder/err"
    code=$?
    [ -f "$folder/log.csv" ] && sed -i 's/,[^,]*$//' "$folder/log.csv"
    return $code
}

failed=0 compared=0
for file in "$@"; do
    rm -rf "${scratch:?}"/*
    run interpreted "$file" --interpret
    code=$?
    if [ $code -eq 3 ] && grep -q 'error\[E0401\]' "$scratch/interpreted/err"; then
        echo "skipped: $file: $(sed -n 's/.*error\[E0401\]: //p' "$scratch/interpreted/err" | head -1)"
        continue
    fi
    if [ $code -ne 0 ] && [ $code -ne 4 ]; then
        echo "FAILED: $file --interpret exits with $code"; head -20 "$scratch/interpreted/err"; failed=1
        continue
    fi
    for variant in $variants; do
        run compiled "$file" "$variant"
        again=$?
        compared=$((compared + 1))
        if [ $again -ne $code ]; then
            echo "FAILED: $file $variant exits with $again, interpreted with $code"; head -20 "$scratch/compiled/err"; failed=1
        fi
        for want in "$scratch"/interpreted/*.safetensors "$scratch"/interpreted/log.csv; do
            [ -f "$want" ] || continue
            cmp "$want" "$scratch/compiled/$(basename "$want")" || { echo "FAILED: $file $variant"; failed=1; }
        done
        rm -rf "$scratch/compiled"
    done
done
[ $failed -eq 0 ] || exit 1
[ $compared -gt 0 ] || exit 77
