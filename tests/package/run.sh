#!/bin/sh
# What is installed is complete: an application finds it with CMake and with pkg-config, from a moved prefix.
#     run.sh BUILD_FOLDER SOURCE_FOLDER      (in an empty folder)
set -eu
build=$1 source=$2
cmake --install "$build" --prefix "$PWD/first" > installed.txt
mv first moved
prefix=$PWD/moved

# online.sgd as one that includes another.
mkdir programs
cp "$source/tests/embed/online.sgd" programs/included.sgd
echo 'include "included.sgd"' > programs/online.sgd
"$prefix/bin/sgdc" "$source/tests/embed/classify.sgd" --run -q --save trained.safetensors > run.txt

build_application() {   # GENERATOR: builds what is to be built and nothing else, and runs it
    rm -rf app
    cmake -G "$1" -S "$source/tests/package" -B app "-DCMAKE_PREFIX_PATH=$prefix" "-DEMBED=$source/tests/embed" \
        "-DPROGRAMS=$PWD/programs" > configured.txt 2>&1 || { cat configured.txt; return 1; }
    cmake --build app > built.txt 2>&1 || { cat built.txt; return 1; }
    cmake --build app > again.txt
    if grep -E 'Compiling|Building|Linking' again.txt; then
        echo "$1: this was made again though nothing had changed" >&2; return 1
    fi
    touch programs/included.sgd
    cmake --build app > again.txt
    if ! grep -q 'Compiling online' again.txt || grep -q 'Compiling classify' again.txt; then
        cat again.txt
        echo "$1: online.sgd, and only that, was to be compiled again: it includes a file that changed" >&2; return 1
    fi
    app/online
    app/classify "$source/tests/embed/points.csv" trained.safetensors scratch.safetensors
    app/classify_shared "$source/tests/embed/points.csv" trained.safetensors scratch.safetensors
}
for generator in Ninja "Unix Makefiles"; do
    tool=ninja; [ "$generator" = Ninja ] || tool=make
    if command -v $tool > /dev/null; then build_application "$generator"; else echo "skipped: there is no $tool"; fi
done

if command -v pkg-config > /dev/null; then
    export PKG_CONFIG_PATH="$(dirname "$(find "$prefix" -name sgdrt.pc)")"
    "$prefix/bin/sgdc" "$source/tests/embed/classify.sgd" -o ./
    ${CC:-cc} -std=c11 -I. $(pkg-config --cflags sgdrt) "$source/tests/embed/classify.c" classify.o \
        $(pkg-config --libs sgdrt) -o classify_pc
    ./classify_pc "$source/tests/embed/points.csv" trained.safetensors scratch.safetensors
fi
# Examples find their data where they were installed, whatever folder one is in.
example=$(find "$prefix" -name airfoil.sgd)
(cd / && "$prefix/bin/sgdc" "$example" --run=gd -q) > run.txt
if grep @PROJECT_VERSION@ "$prefix/share/man/man1/sgdc.1"; then echo "the man page has not got its version" >&2; exit 1; fi
for file in share/man/man1/sgdc.1 share/sgdc/std/layers.sgd include/sgdc/sgdrt.h; do
    if [ ! -f "$prefix/$file" ]; then echo "$file was not installed" >&2; exit 1; fi
done
