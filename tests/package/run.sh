#!/bin/sh
# What is installed is complete: an application finds it with CMake and with pkg-config, from a moved prefix.
#     run.sh BUILD_FOLDER SOURCE_FOLDER      (in an empty folder)
set -eu
build=$1 source=$2
cmake --install "$build" --prefix "$PWD/first" > installed.txt
mv first moved
prefix=$PWD/moved

cmake -S "$source/tests/package" -B app "-DCMAKE_PREFIX_PATH=$prefix" "-DEMBED=$source/tests/embed" > configured.txt
cmake --build app > built.txt
cmake --build app > again.txt
if grep -q Compiling again.txt; then echo "a model was compiled again though nothing had changed" >&2; exit 1; fi
app/online
"$prefix/bin/sgdc" "$source/tests/embed/classify.sgd" --run -q --save trained.safetensors > run.txt
app/classify "$source/tests/embed/points.csv" trained.safetensors scratch.safetensors

if command -v pkg-config > /dev/null; then
    export PKG_CONFIG_PATH="$(dirname "$(find "$prefix" -name sgdrt.pc)")"
    "$prefix/bin/sgdc" "$source/tests/embed/classify.sgd" -o ./
    ${CC:-cc} -std=c11 -I. $(pkg-config --cflags sgdrt) "$source/tests/embed/classify.c" classify.o \
        $(pkg-config --libs sgdrt) -o classify_pc
    ./classify_pc "$source/tests/embed/points.csv" trained.safetensors scratch.safetensors
fi
for file in share/man/man1/sgdc.1 share/sgdc/std/layers.sgd include/sgdc/sgdrt.h; do
    if [ ! -f "$prefix/$file" ]; then echo "$file was not installed" >&2; exit 1; fi
done
