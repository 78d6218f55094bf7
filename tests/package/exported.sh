#!/bin/sh
# libsgdrt.so exports what its headers declare and nothing else, under one version, and says by which name it is loaded.
#     exported.sh LIBRARY SOURCE_FOLDER      (in an empty folder)
set -eu
library=$1 source=$2
sed -nE '/^(typedef|static)/!s/^[a-z].*[ *](sgdrt_[a-z0-9_]+)\(.*/\1@@SGDRT_0/p' \
    "$source/runtime/sgdrt.h" "$source/runtime/fit.h" | sort > declared.txt
nm --dynamic --defined-only --with-symbol-versions "$library" | awk '$2 != "A" { print $3 }' | sort > exported.txt
if ! diff declared.txt exported.txt > differ.txt; then
    echo "sgdrt.h and fit.h declare (<) what libsgdrt.so exports (>), but for:" >&2; cat differ.txt >&2; exit 1
fi
[ "$(wc -l < declared.txt)" -ge 30 ] || { echo "the headers were not understood" >&2; exit 1; }
readelf --dynamic "$library" > dynamic.txt
grep -q 'soname: \[libsgdrt\.so\.0\]' dynamic.txt || { echo "its soname is not libsgdrt.so.0" >&2; exit 1; }
if grep TEXTREL dynamic.txt; then echo "its code is changed when it is loaded" >&2; exit 1; fi
