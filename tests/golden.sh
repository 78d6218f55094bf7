#!/bin/sh
# Golden tests: what sgdc prints for a program, compared with the file beside it.
#
#   tests/golden.sh [--sgdc PATH] [--renew] [--trained] [NAME ...] [-- SGDC-OPTIONS]
#
# tests/golden/NAME.sgd is compared with every NAME.STAGE that lies beside it:
#   run           stdout of --run            ast, ir, grad, loops   stdout of --emit=STAGE
#   diagnostics   stderr of a quiet --run    check-grad, summary    stdout of that option
# NAME.options holds further options, which win over those after --, and NAME.STAGE.options those of one stage. A file
# ends with "exit CODE" where sgdc did not exit with 0. --trained compares only what compiled code prints: run, and the
# diagnostics of what has a run, but of no example that is cut short by its options (same_bits.sh takes those).
# examples/NAME.sgd is the test examples/NAME, with its files in tests/golden/examples.
# Bits are fixed, so numbers are exact; times are masked by one rule. --renew writes the files anew, for review with
# git diff; it only touches files that exist, so a new test begins with `touch NAME.run` (or the stage meant).
# What this machine's processor cannot run is skipped, aloud; exit code 77: all of it.
set -u
tests=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$tests")
sgdc=$root/build/sgdc renew=no trained=no names=
while [ $# -gt 0 ]; do
    case $1 in
    --sgdc) sgdc=$2; shift 2 ;;
    --renew) renew=yes; shift ;;
    --trained) trained=yes; shift ;;
    --) shift; break ;;
    -*) echo "golden.sh: unknown option $1" >&2; exit 2 ;;
    *) names="$names $1"; shift ;;
    esac
done
case $sgdc in /*) ;; *) sgdc=$PWD/$sgdc ;; esac
[ -x "$sgdc" ] || { echo "golden.sh: $sgdc is not there; build it, or say --sgdc PATH" >&2; exit 2; }
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT

all_names() {
    for file in "$tests"/golden/*.sgd; do [ -f "$file" ] && basename "$file" .sgd; done
    for file in "$root"/examples/*.sgd; do [ -f "$file" ] && echo "examples/$(basename "$file" .sgd)"; done
}

# One number, one unit: the rule for times. Blanks around it depend on its length, so they go as well.
mask() { sed -E 's/ *[0-9][0-9.,]* (ns|us|ms|s)( +|$)/ <time> /g; s/ +$//'; }

stage_command() {   # STAGE FILE OPTIONS...: prints the masked output
    stage=$1 file=$2; shift 2
    case $stage in
    run) "$sgdc" "$file" --run "$@" 2>"$scratch/stderr" ;;
    diagnostics) "$sgdc" "$file" --run -q "$@" >/dev/null 2>"$scratch/stderr"; code=$?; cat "$scratch/stderr"; return $code ;;
    check-grad | summary) "$sgdc" "$file" "--$stage" "$@" 2>"$scratch/stderr" ;;
    *) "$sgdc" "$file" "--emit=$stage" "$@" 2>"$scratch/stderr" ;;
    esac
}

comes_of_training() {
    grep -qs 'steps=' "$expected.options" && return 1
    case $stage in run) true ;; diagnostics) [ -f "$expected.run" ] ;; *) false ;; esac
}

failed=0 skipped=0 checked=0
for name in ${names:-$(all_names)}; do
    case $name in
    examples/*) folder=$root/examples; expected=$tests/golden/$name ;;
    *) folder=$tests/golden; expected=$tests/golden/$name ;;
    esac
    file=$(basename "$name").sgd
    cd "$folder" || exit 2
    found=no
    for want in "$expected".*; do
        stage=${want##*.}
        case $stage in run | diagnostics | ast | ir | grad | loops | check-grad | summary) ;; *) continue ;; esac
        found=yes
        [ $trained = yes ] && ! comes_of_training && continue
        options=$(cat "$expected.options" "$want.options" 2>/dev/null)
        # shellcheck disable=SC2086
        stage_command "$stage" "$file" "$@" $options >"$scratch/raw"
        code=$?
        if grep -q 'error\[E0602\]' "$scratch/stderr"; then
            echo "skipped: $name.$stage: $(sed -n 's/.*error\[E0602\]: //p' "$scratch/stderr")"
            skipped=$((skipped + 1))
            continue
        fi
        mask <"$scratch/raw" >"$scratch/got"
        [ $code -eq 0 ] || echo "exit $code" >>"$scratch/got"
        checked=$((checked + 1))
        cmp -s "$want" "$scratch/got" && continue
        if [ $renew = yes ]; then
            cp "$scratch/got" "$want"
            echo "renewed: $name.$stage"
        else
            echo "FAILED: $name.$stage"
            diff -u "$want" "$scratch/got"
            head -5 "$scratch/stderr"
            failed=$((failed + 1))
        fi
    done
    [ $found = yes ] || { echo "FAILED: $name has no expected output"; failed=$((failed + 1)); }
done
[ -z "$names" ] && echo "golden: $checked compared, $failed differ, $skipped skipped"
[ $failed -eq 0 ] || exit 1
[ $checked -gt 0 ] || exit 77
