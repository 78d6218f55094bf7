#!/bin/sh
# What is installed is complete: an application finds it with CMake and with pkg-config, from a moved prefix with a blank
# in its name, and trains to the same bits with the runtime linked in and as a shared library.
#     run.sh BUILD_FOLDER SOURCE_FOLDER      (in an empty folder)
set -eu
build=$1 source=$2
cmake --install "$build" --prefix "$PWD/first" > installed.txt
mv first "moved away"
prefix="$PWD/moved away"
# The same files are staged for a package.
DESTDIR="$PWD/staged" cmake --install "$build" --prefix /opt/sgdc > installed.txt
if ! diff -r "$prefix" staged/opt/sgdc > differ.txt; then cat differ.txt; echo "DESTDIR gets other files" >&2; exit 1; fi

# online.sgd as one that includes another.
mkdir programs
cp "$source/tests/embed/online.sgd" programs/included.sgd
printf 'include "included.sgd"\ntrain learn like adapt { }\n' > programs/online.sgd
"$prefix/bin/sgdc" "$source/tests/embed/classify.sgd" --run -q --save trained.safetensors > run.txt

check_trained() {       # PROGRAM: trains, to the bits of all others
    "$1" "$source/tests/embed/points.csv" trained.safetensors scratch.safetensors
    [ -f saved.safetensors ] || cp scratch.safetensors saved.safetensors
    cmp scratch.safetensors saved.safetensors
}
needs_runtime() { readelf --dynamic "$1" | grep -q 'NEEDED.*libsgdrt\.so\.0'; }
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
    check_trained app/classify
    check_trained app/classify_shared
    check_trained app/classify_shared_runtime
    if needs_runtime app/classify || ! needs_runtime app/classify_shared_runtime; then
        echo "$1: SHARED_RUNTIME does not say which runtime is linked" >&2; return 1
    fi
}
for generator in Ninja "Unix Makefiles"; do
    tool=ninja; [ "$generator" = Ninja ] || tool=make
    if command -v $tool > /dev/null; then build_application "$generator"; else echo "skipped: there is no $tool"; fi
done

if command -v pkg-config > /dev/null; then
    export PKG_CONFIG_PATH="$(dirname "$(find "$prefix" -name sgdrt.pc)")"
    "$prefix/bin/sgdc" "$source/tests/embed/classify.sgd" -o ./
    eval "${CC:-cc} -std=c11 -I. $(pkg-config --cflags sgdrt) \"\$source/tests/embed/classify.c\" classify.o \
        $(pkg-config --libs sgdrt) -o classify_shared"
    needs_runtime classify_shared
    LD_LIBRARY_PATH=$(dirname "$PKG_CONFIG_PATH") check_trained ./classify_shared
    static=$(pkg-config --static --libs sgdrt | sed 's/-lsgdrt/-l:libsgdrt.a/')
    eval "${CC:-cc} -std=c11 -I. $(pkg-config --cflags sgdrt) \"\$source/tests/embed/classify.c\" classify.o \
        $static -o classify_static"
    if needs_runtime classify_static; then echo "-l:libsgdrt.a is not linked in" >&2; exit 1; fi
    check_trained ./classify_static
else
    echo "skipped: there is no pkg-config"
fi
# Examples find their data where they were installed, whatever folder one is in.
example=$(find "$prefix" -name airfoil.sgd)
(cd / && "$prefix/bin/sgdc" "$example" --run=gd -q) > run.txt
if grep @PROJECT_VERSION@ "$prefix/share/man/man1/sgdc.1"; then echo "the man page has not got its version" >&2; exit 1; fi
for file in share/man/man1/sgdc.1 share/sgdc/std/layers.sgd include/sgdc/sgdrt.h; do
    if [ ! -f "$prefix/$file" ]; then echo "$file was not installed" >&2; exit 1; fi
done
