#!/bin/sh
# Applications that train inside themselves: each is compiled by the system's compiler, linked with an emitted
# object, and run.
#     run.sh SGDC RUNTIME_LIBRARY SOURCE_FOLDER      (in an empty folder; CC and CXX may be set)
set -eu
sgdc=$1 source=$3
ln -sf "$2" libsgdrt.a
runtime=libsgdrt.a          # lists of options have no blanks in their paths
embed=$source/tests/embed
cc=${CC:-cc} cxx=${CXX:-c++}
warn="-Wall -Wextra -Werror"

"$sgdc" "$embed/online.sgd" -o ./
"$sgdc" "$embed/classify.sgd" -o ./

# Every header is C99 and C++11: those of the examples, of odd names, of a program named like a word of C.
pedantic="-Wall -Wextra -pedantic -Werror -fsyntax-only -I."
mkdir -p headers && cp "$embed/names.sgd" headers/int.sgd
for program in "$source"/examples/*.sgd "$embed/names.sgd" headers/int.sgd; do
    stem=$(basename "$program" .sgd)
    "$sgdc" "$program" --cpu=native "--emit=header=headers/$stem.h"
    printf '#include "headers/%s.h"\n' "$stem" >headers/user.c
    $cc -std=c99 $pedantic headers/user.c || { echo "the header of $stem is not C99" >&2; exit 1; }
    $cxx -x c++ -std=c++11 $pedantic headers/user.c || { echo "the header of $stem is not C++11" >&2; exit 1; }
done
"$sgdc" "$embed/names.sgd" --name=my --cpu=native --emit=header=headers/names.h
grep -q 'from names.sgd' headers/names.h && grep -q 'ifndef SGDC_my_H' headers/names.h || {
    echo "the header of --name=my does not name its source, or has another guard" >&2; exit 1; }

# The objects stand alone: memory functions of libc, and libm's fma for f64 on processors without the instruction;
# getenv and madvise if they are there (w: weak symbols); nothing of LLVM, nothing of libsgdrt.
for object in online.o classify.o; do
    unknown=$(nm --undefined-only "$object" | grep -vE ' w (getenv|madvise)$' | awk '{ print $NF }' |
              grep -Evx 'malloc|free|aligned_alloc|memcpy|memset|memmove|fma|_GLOBAL_OFFSET_TABLE_' || true)
    if [ -n "$unknown" ]; then echo "$object needs more than it may: $unknown" >&2; exit 1; fi
done

# Who fits but asks for no threads is linked without them.
cat >alone.c <<'END'
#include "classify.h"
int main(void) { return classify_fit(0, 0, 0, 0, 0) == 0; }
END
$cc -std=c11 $warn -O1 -I. alone.c classify.o "$runtime" -lz -lcjson -lm -o alone -Wl,-Map=alone.map
if grep -q 'pool\.c' alone.map; then echo "an application without threads is linked with the pool" >&2; exit 1; fi

$cc -std=c11 $warn -O1 -I. "$embed/online.c" online.o -o online -lm
./online

"$sgdc" "$embed/classify.sgd" --run -q --save trained.safetensors > run.txt
libraries="$runtime -lz -lcjson -lpthread -lm"
$cc -std=c11 $warn -O1 -I. -I"$source/runtime" "$embed/classify.c" classify.o $libraries -o classify_c
./classify_c "$embed/points.csv" trained.safetensors scratch.safetensors
# The same from a shared library that holds the object and all of the runtime.
$cc -shared classify.o -Wl,--whole-archive "$runtime" -Wl,--no-whole-archive -lz -lcjson -lpthread -lm -o libmodel.so
$cc -std=c11 $warn -O1 -I. -I"$source/runtime" "$embed/classify.c" -L. -lmodel -Wl,-rpath,"$PWD" -lm -o classify_shared
./classify_shared "$embed/points.csv" trained.safetensors scratch.safetensors
$cxx -std=c++17 $warn -O2 -ffast-math -I. -I"$source/runtime" "$embed/classify.cpp" classify.o $libraries -o classify_cpp
./classify_cpp "$embed/points.csv" trained.safetensors scratch.safetensors

# Saved files: going on to the bit, and damaged files, which the application and sgdc refuse alike.
sed 's/epochs *= 40/epochs = 80; keep = best(valid.loss)/' "$embed/classify.sgd" >kept.sgd
cp "$embed/points.csv" .
"$sgdc" kept.sgd --run -q --set epochs=40 --save kept.safetensors >run.txt
"$sgdc" kept.sgd --run -q --save whole.safetensors >run.txt
mkdir -p damaged
$cc -std=c11 $warn -O1 -I. -I"$source/runtime" "$embed/saved.c" classify.o $libraries -o saved
./saved "$embed/points.csv" kept.safetensors whole.safetensors damaged
"$sgdc" "$embed/classify.sgd" --run -q --load whole_file.safetensors >run.txt
for file in damaged/*.safetensors; do
    code=0
    "$sgdc" "$embed/classify.sgd" --run -q --load "$file" --save never.safetensors >run.txt 2>errors.txt || code=$?
    if [ $code -ne 3 ] || [ "$(grep -c 'error\[E04' errors.txt)" -ne 1 ] || [ -e never.safetensors ]; then
        echo "sgdc --load of $file exits with $code:" >&2; cat errors.txt >&2; exit 1
    fi
done
