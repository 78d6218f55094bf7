#!/bin/sh
# examples/languages: the model is trained from each language whose tools are here, and all learn what --run learns: one hash.
# docs/languages.md shows the sources as they are.
#     languages.sh SGDC RUNTIME_LIBRARY SOURCE_FOLDER      (in an empty folder; CC, CXX, RUSTC, GO, JULIA, PYTHON may be set)
set -eu
sgdc=$1 source=$3 here=$PWD
case $sgdc in /*) ;; *) sgdc=$PWD/$sgdc ;; esac
cp "$source/examples/languages/"* .
fail() { echo "FAILED: $*" >&2; exit 1; }
hash_of() { "$sgdc" inspect "$1" --json | grep -o '"serves_sha256": "[0-9a-f]*"'; }

"$sgdc" spiral.sgd --run -q --save run.safetensors >run.txt
"$sgdc" spiral.sgd --cpu=native --emit=so,header,manifest=spiral.json
wanted=$(hash_of run.safetensors) known=
learns() { # LANGUAGE COMMAND...: it trains, predicts and saves
    language=$1
    shift
    "$@" points.csv "$language.safetensors" >said 2>errors || { cat said errors >&2; fail "$language: exit $?"; }
    [ "$(hash_of "$language.safetensors")" = "$wanted" ] || fail "$language learns something else than --run"
    [ -n "$known" ] || known=$(cat said)
    [ "$(cat said)" = "$known" ] || fail "$language says $(cat said), not $known"
}
has() { command -v "$1" >tool || { echo "skipped: there is no $1"; return 1; }; }

rpath=-Wl,-rpath,$here
${CC:-cc} -std=c99 -Wall -Wextra -pedantic -Werror spiral.c ./spiral.so "$rpath" -o spiral_c
learns c ./spiral_c
case $known in 2[89]?\ of\ 300) ;; *) fail "it knows $known points" ;; esac
${CXX:-c++} -std=c++11 -Wall -Wextra -pedantic -Werror spiral.cpp ./spiral.so "$rpath" -o spiral_cpp
learns cpp ./spiral_cpp
# What is instrumented is loaded by what is instrumented.
if nm --dynamic spiral.so | grep -q __asan; then
    echo "skipped: a shared object with AddressSanitizer in it, from Rust, Go, Julia and Python"
else
    rustc=${RUSTC:-rustc} go=${GO:-go} julia=${JULIA:-julia} python=${PYTHON:-python3}
    if has "$rustc"; then
        "$rustc" --edition 2021 -D warnings spiral.rs -C link-arg=./spiral.so -C "link-arg=$rpath" -o spiral_rust
        learns rust ./spiral_rust
    fi
    if has "$go"; then
        # Its flags are parted by blanks, which this folder may have in its name.
        scratch=$(mktemp -d)
        trap 'rm -rf "$scratch"' EXIT
        cp spiral.go spiral.h spiral.so "$scratch"
        (cd "$scratch" && CGO_LDFLAGS="$scratch/spiral.so -Wl,-rpath,$scratch" CGO_CFLAGS="-I$scratch" GO111MODULE=off \
            GOCACHE=${GOCACHE:-$scratch/cache} "$go" build -o "$here/spiral_go" spiral.go)
        learns go ./spiral_go
    fi
    if has "$julia"; then learns julia "$julia" spiral.jl; fi
    if has "$python"; then
        learns manifest "$python" "$source/tests/embed/manifest.py" spiral.json ./spiral.so
        if SGDC=$sgdc PYTHONPATH=$source/python/src "$python" -c 'import sgdc' 2>errors; then
            SGDC=$sgdc SGDC_CACHE=$here/compiled PYTHONPATH=$source/python/src learns python "$python" spiral.py
        else
            echo "skipped: $python has not what the package sgdc needs: $(tail -1 errors)"
        fi
    fi
fi

# Each source stands in the page, below a line with its name.
for file in spiral.sgd spiral.c spiral.cpp spiral.py spiral.rs spiral.go spiral.jl; do
    awk -v name="\`examples/languages/$file\`" '
        $0 == name { next_block = 1 }
        /^```/ { if (inside) exit; if (next_block) { inside = 1; next } }
        inside { print }' "$source/docs/languages.md" >shown
    cmp shown $file || fail "docs/languages.md shows another $file"
done
