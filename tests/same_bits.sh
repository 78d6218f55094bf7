#!/bin/sh
# Same bits: the first steps of a program come to the same parameters, losses and metrics, to the last bit, in every
# way there is to take them. The matrix, each of its places compared with the interpreter:
#
#                    v2  v3  v4  native  aarch64  riscv64
#     compiled -O0    .   .   .       x        .        .      sgdc --run
#     compiled        x   x   x       x        .        .      on one thread, and on 2, 3 and 7, on 7 with drawn schedules
#     object          x   x   x       x        x        .      an application that links the emitted object; native has
#                                                              drawn schedules, and is on 3 threads too
#     C               .   .   .       x        x        x      one that is compiled with the emitted C: by gcc -O0 and
#                                                              clang -O3 (of images and convolutions by gcc for this
#                                                              processor alone); SGDC_ALL_C=1: by both at each level
#
#   tests/same_bits.sh [--sgdc PATH] [--steps N] [-v] FILE.sgd ...      -v: print the matrix
#
# Saved files are compared byte by byte, logs without their times; objects are trained by same_bits/application.c, and
# what they then predict is compared among them. aarch64 and riscv64 are other machines: their applications are linked by
# their compilers with libsgdrt compiled for them (tests/CMakeLists.txt) and run by user-mode emulation. SGDC_STEPS=N (or --steps) takes N
# steps instead of 50 (15 where images of digits are read, of the first 1,000, and a text of the first 600 characters), SGDC_STEPS=all all that the programs say.
# Drawn schedules: every number of a kernel's is what SGDC_SCHEDULES=1 draws. What this machine cannot do is skipped, aloud.
set -u
tests=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$tests")
sgdc=$root/build/sgdc steps=${SGDC_STEPS-} shows=no
while :; do
    case ${1-} in
    --sgdc) sgdc=$2; shift 2 ;;
    --steps) steps=$2; shift 2 ;;
    -v) shows=yes; shift ;;
    *) break ;;
    esac
done
build=$(cd "$(dirname "$sgdc")" && pwd)
own=$(mktemp -d) || exit 2
trap 'rm -rf "$own"' EXIT
scratch=$own/scratch links=$own/links
mkdir "$scratch" "$links" || exit 2
# Lists of options have no blanks in their paths.
ln -s "$build" "$links/build" && ln -s "$root/runtime" "$links/runtime" || exit 2
build=$links/build
cc=${CC:-cc}
warn="-std=c11 -O1 -Wall -Wextra -Werror -I$links/runtime"

# ---- what this machine can do -------------------------------------------------------------------------------
native=$("$sgdc" --version | sed -n 's/.*native: x86-64-v\([2-4]\).*/\1/p')     # SGDC_NATIVE counts
levels=
[ -n "$native" ] || echo "skipped: the levels of x86-64, this is $(uname -m)"
for level in 2 3 4; do
    if [ "$level" -le "${native:-1}" ]; then levels="$levels v$level"
    elif [ -n "$native" ]; then echo "skipped: x86-64-v$level, this machine runs x86-64-v$native"
    fi
done

arm_cc=aarch64-linux-gnu-gcc arm_runtime=$build/tests/aarch64/libsgdrt.a arm=
if ! command -v $arm_cc >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
    echo "skipped: aarch64, for want of aarch64-linux-gnu-gcc or qemu-aarch64 (gcc-aarch64-linux-gnu, qemu-user)"
elif [ ! -f "$arm_runtime" ]; then
    echo "skipped: aarch64, $arm_runtime was not built (the compiler was not there when CMake ran)"
else
    arm=aarch64
fi

riscv_cc=riscv64-linux-gnu-gcc riscv_runtime=$build/tests/riscv64/libsgdrt.a riscv=
if ! command -v $riscv_cc >/dev/null || ! command -v qemu-riscv64 >/dev/null; then
    echo "skipped: riscv64, for want of riscv64-linux-gnu-gcc or qemu-riscv64 (gcc-riscv64-linux-gnu, qemu-user)"
elif [ ! -f "$riscv_runtime" ]; then
    echo "skipped: riscv64, $riscv_runtime was not built (the compiler was not there when CMake ran)"
else
    riscv=riscv64
fi
clang=${SGDC_CLANG-clang}
command -v "$clang" >/dev/null || { echo "skipped: C by clang, for want of it"; clang=; }
case $cc in *-fsanitize*) echo "skipped: C by clang, the runtime is instrumented by another compiler"; clang= ;; esac

# ---- the ways -------------------------------------------------------------------------------------------------
schedules=${SGDC_SCHEDULES-}    # the seed that draws them; none: they are computed
drawn() {           # COMMAND...: with drawn schedules
    schedules=1
    "$@"
    code=$?
    schedules=${SGDC_SCHEDULES-}
    return $code
}

run() {             # FOLDER OPTIONS...: sgdc --run into the folder
    folder=$scratch/$1; shift
    mkdir -p "$folder"
    # shellcheck disable=SC2086
    SGDC_SCHEDULES=$schedules "$sgdc" "$file" --run -q $taken --save "$folder/saved.safetensors" --log "$folder/log.csv" "$@" \
        >"$folder/out" 2>"$folder/err"
    code=$?
    [ -f "$folder/log.csv" ] && sed -i 's/,[^,]*$//' "$folder/log.csv"
    return $code
}

compiled() {        # OPTIONS...: as the interpreter left it?
    rm -rf "$scratch/compiled"
    run compiled "$@"
    again=$?
    if [ $again -ne $interpreted ]; then
        echo "$file $*: exit code $again, interpreted $interpreted"
        head -20 "$scratch/compiled/err"
        return 1
    fi
    for want in "$scratch"/interpreted/*.safetensors "$scratch"/interpreted/log.csv; do
        [ -f "$want" ] || continue
        cmp "$want" "$scratch/compiled/$(basename "$want")" || return 1
    done
}

# The inputs of the application: for each run that was saved its trace under its C prefix. Runs of one block differ
# in settings only and share their data, so one trace does for all. Applications give raw values where the program
# standardizes, so the trace is of a program that does not.
prepare_runs() {
    names= raw=$file
    if grep -q standardize "$file"; then
        raw=$scratch/raw.sgd
        sed 's/standardize(\(.*\))/\1/' "$file" >"$raw"
    fi
    rm -rf "$scratch/runs" && mkdir "$scratch/runs"
    for saved in "$scratch"/interpreted/*.safetensors; do
        [ -f "$saved" ] || continue
        case $saved in      # the plain name is of the only run, or once more the best of several
        */saved.safetensors) [ -z "$(ls "$scratch"/interpreted/saved-*.safetensors 2>/dev/null)" ] || continue ;;
        esac
        name=$(head -c 4000 "$saved" | grep -ao '"run":"[^"]*"' | head -1 | cut -d'"' -f4)
        block=${name%% *} prefix=$(basename "$file" .sgd)
        [ "$(basename "$saved")" = saved.safetensors ] || prefix=${prefix}_$name
        prefix=$(echo "$prefix" | sed 's/[^A-Za-z0-9_]/_/g')
        trace=$scratch/trace_$block
        # shellcheck disable=SC2086
        [ -f "$trace" ] || SGDC_DATA=$(dirname "$file"):$(dirname "$file")/data \
            "$sgdc" "$raw" --run="$block" -q $taken --trace "$trace" >/dev/null 2>"$scratch/err"
        [ -f "$trace" ] || { cat "$scratch/err"; return 1; }
        ln -s "$trace" "$scratch/runs/$prefix.trace"
        ln -s "$saved" "$scratch/runs/$prefix.saved"
        grep -q '^ *start *=' "$file" && : >"$scratch/runs/$prefix.starts"
        awk -v name="$name " 'index($0, name) == 1 && / kept epoch +[0-9]/ { found = 1 } END { exit !found }' \
            "$scratch/interpreted/out" && : >"$scratch/runs/$prefix.keeps"
        names="$names RUN($prefix)"
    done
}

build_application() {       # PROGRAM COMPILER LIBRARY OPTIONS...: the object of these options with the application
    made=$scratch/$1 compiler=$2 library=$3; shift 3
    # shellcheck disable=SC2086
    SGDC_SCHEDULES=$schedules "$sgdc" "$file" $taken "$@" -o "$made.o" 2>"$scratch/err" || { cat "$scratch/err"; return 1; }
    # shellcheck disable=SC2086
    $compiler $warn "-DRUNS=$names" "$tests/same_bits/application.c" "$made.o" $library -lm -o "$made"
}

build_in_c() {              # PROGRAM COMPILER LIBRARY OPTIONS...: the C of these options with the application
    made=$scratch/$1 compiler=$2 library=$3; shift 3
    # shellcheck disable=SC2086
    "$sgdc" "$file" $taken "--emit=c=$made.c" 2>"$scratch/err" || { cat "$scratch/err"; return 1; }
    # shellcheck disable=SC2086
    $compiler -std=c99 -Wall -Wextra -pedantic -Werror $* -c "$made.c" -o "$made.o" || return 1
    # shellcheck disable=SC2086
    $compiler $warn "-DRUNS=$names" "$tests/same_bits/application.c" "$made.o" $library -lm -o "$made"
}

try_in_c() {                # COLUMN COMPILER LIBRARY LEVEL COMMAND...
    column=$1 with=$2 library=$3 level=$4; shift 4
    if build_in_c c "$with" "$library" "$level"; then
        try "C, $(basename "${with%% *}") $level" "$column" object 0 1 "$@" "$scratch/c"
    else
        failed=1
    fi
}

object() {          # LEVEL THREADS COMMAND...: the application's runs come to what the interpreter saved, and say the same
    level=$1 threads=$2; shift 2
    rm -f "$scratch"/runs/*.says
    "$@" "$scratch/runs" "$level" "$threads" || return 1
    for says in "$scratch"/runs/*.says; do
        [ -f "$says" ] || continue
        [ -f "$says.first" ] || cp "$says" "$says.first"
        cmp "$says.first" "$says" || return 1
    done
}

# Applications hand over floats, and sgdc standardizes what the file says: the same where the file's numbers are
# floats. So a program that standardizes gets files whose numbers are rounded, written with all their digits.
round_data() {
    mkdir "$scratch/rounded"
    for name in $(sed -n 's/.*csv("\([^"]*\)".*/\1/p' "$file" | sort -u); do
        for folder in "$(dirname "$file")" "$(dirname "$file")/data"; do [ -f "$folder/$name" ] && break; done
        [ -f "$folder/$name" ] || return 0
        awk '
            function rounded(x,  e) {
                if (x == 0) return x
                if (x < 0) return -rounded(-x)
                for (e = 1; x >= 16777216; e *= 2) x /= 2
                for (; x < 8388608 && e > 2^-149; e /= 2) x *= 2
                return int(x + 0.5) * e
            }
            {
                line = ""
                while (match($0, /[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?/)) {
                    number = substr($0, RSTART, RLENGTH)
                    line = line substr($0, 1, RSTART - 1) (number ~ /[.eE]/ ? sprintf("%.17g", rounded(number + 0)) : number)
                    $0 = substr($0, RSTART + RLENGTH)
                }
                print line $0
            }' "$folder/$name" >"$scratch/rounded/$name"
    done
    cp "$file" "$scratch/rounded/"
    file=$scratch/rounded/$(basename "$file")
}

# ---- the matrix -------------------------------------------------------------------------------------------------
failed=0 compared=0
try() {             # ROW COLUMN COMMAND...
    row=$1 column=$2; shift 2
    result=same
    "$@" || { result=DIFFERS failed=1; echo "FAILED: $program: $row, $column"; }
    compared=$((compared + 1))
    echo "$row|$column|$result" >>"$scratch/matrix"
}

print_matrix() {
    awk -F'|' '
        { if (!($1 in seen)) { seen[$1] = 1; rows[++n] = $1 } place[$1, $2] = $3 }
        END {
            m = split("v2 v3 v4 native aarch64 riscv64", columns, " ")
            printf "  %-32s", ""
            for (c = 1; c <= m; c++) printf "%9s", columns[c]
            print ""
            for (r = 1; r <= n; r++) {
                printf "  %-32s", rows[r]
                for (c = 1; c <= m; c++) printf "%9s", (rows[r], columns[c]) in place ? place[rows[r], columns[c]] : "."
                print ""
            }
        }' "$scratch/matrix"
}

# Programs that read the 10,000 digits get the first 1,000: whole networks are interpreted here, and emulated. Their 15
# steps are then an epoch of mini-batches of 64, with the ragged one at its end.
few_digits() {
    folder=$scratch/digits
    mkdir -p "$folder/data"
    data=$(dirname "$file")/data
    { printf '\000\000\010\003\000\000\003\350\000\000\000\034\000\000\000\034'
      gzip -dc "$data/t10k-images-idx3-ubyte.gz" | tail -c +17 | head -c 784000; } | gzip -1 >"$folder/data/t10k-images-idx3-ubyte.gz"
    { printf '\000\000\010\001\000\000\003\350'
      gzip -dc "$data/t10k-labels-idx1-ubyte.gz" | tail -c +9 | head -c 1000; } | gzip -1 >"$folder/data/t10k-labels-idx1-ubyte.gz"
    cp "$file" "$folder"
    file=$folder/$(basename "$file")
}

# So do those that read a text: its first 600 characters, in 15 mini-batches and the ragged one.
few_characters() {
    folder=$scratch/text
    mkdir -p "$folder"
    head -c 600 "$(dirname "$file")/data/$1" >"$folder/$1"
    cp "$file" "$folder"
    file=$folder/$(basename "$file")
}

check_file() {
    some=50
    if [ -z "$steps" ] && grep -q t10k "$file"; then few_digits; some=15; fi
    text=$(sed -n 's/.*chars("\([^"]*\)".*/\1/p' "$file" | head -1)
    if [ -z "$steps" ] && [ -f "$(dirname "$file")/data/$text" ] && [ -n "$text" ]; then few_characters "$text"; some=16; fi
    slow=no
    if [ $some -lt 50 ] || grep -q conv2d "$file"; then slow=yes; fi
    taken="--set steps=${steps:-$some}"
    [ "$steps" = all ] && taken=
    if grep -q standardize "$file"; then round_data; fi
    run interpreted --interpret
    interpreted=$?
    if [ $interpreted -ne 0 ] && [ $interpreted -ne 4 ]; then
        echo "FAILED: $program --interpret exits with $interpreted"
        head -20 "$scratch/interpreted/err"
        failed=1
        return
    fi
    try "compiled -O0" native compiled -O0
    for level in $levels; do try compiled "$level" compiled --cpu=x86-64-"$level" --threads=1; done
    try compiled native compiled --threads=1
    for threads in 2 3; do try "$threads threads" native compiled --threads=$threads; done
    try "7 threads, drawn schedules" native drawn compiled --threads=7
    prepare_runs || { failed=1; return; }
    [ -n "$names" ] || { echo "skipped: $program: every run diverges, so there is nothing to compare objects with"; return; }
    runtime="$build/libsgdrt.a -lz -lcjson -lpthread"
    if [ -n "$levels" ]; then
        if build_application all "$cc" "$runtime"; then
            for level in $levels; do try object "$level" object "${level#v}" 1 "$scratch/all"; done
        else
            failed=1
        fi
    fi
    if drawn build_application native "$cc" "$runtime" --cpu=native; then
        try "object, drawn schedules" native object 0 1 "$scratch/native"
        try "object, drawn, 3 threads" native object 0 3 "$scratch/native"
    else
        failed=1
    fi
    if [ -n "$arm" ]; then
        if build_application aarch64 "$arm_cc -static -Wl,--gc-sections" "$arm_runtime" --target=aarch64-linux-gnu; then
            try object aarch64 object 0 1 qemu-aarch64 "$scratch/aarch64"
        else
            failed=1
        fi
    fi
    if [ -n "${SGDC_ALL_C-}" ]; then
        for level in -O0 -O1 -O2 -O3; do
            try_in_c native "$cc" "$runtime" $level
            [ -z "$clang" ] || try_in_c native "$clang" "$runtime" $level
        done
    elif [ $slow = yes ]; then                  # without instructions for what they do, they would take too long
        try_in_c native "$cc" "$runtime" "-O1 -march=native"
    else
        try_in_c native "$cc" "$runtime" -O0
        [ -z "$clang" ] || try_in_c native "$clang" "$runtime" -O3
    fi
    [ $slow = yes ] || [ -z "$arm" ] || try_in_c aarch64 "$arm_cc -static -Wl,--gc-sections" "$arm_runtime" -O2 qemu-aarch64
    [ $slow = yes ] || [ -z "$riscv" ] || try_in_c riscv64 "$riscv_cc -static -Wl,--gc-sections" "$riscv_runtime" -O2 qemu-riscv64
}

for program in "$@"; do
    rm -rf "${scratch:?}"/*
    file=$program
    : >"$scratch/matrix"
    check_file
    [ $shows = no ] || { echo "$program"; print_matrix; }
done
[ $failed -eq 0 ] || exit 1
[ $compared -gt 0 ] || exit 77
