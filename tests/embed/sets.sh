#!/bin/sh
# Several data sets in one step, with update blocks, states of layers and of optimizers: an application trains as sgdc does,
# each goes on to the bit from what the other has saved, as an object, in C and in a shared object.
#     sets.sh SGDC RUNTIME_LIBRARY SOURCE_FOLDER      (in an empty folder)
set -eu
sgdc=$1 embed=$3/tests/embed
ln -sf "$2" libsgdrt.a
options="-Wall -Wextra -Werror -O0 -I. -I$3/runtime" libraries="libsgdrt.a -lz -lcjson -lpthread -lm"
cp "$embed/sets.sgd" .
"$sgdc" sets.sgd --cpu=native -o ./
# shellcheck disable=SC2086
${CC:-cc} -std=c11 $options "$embed/sets.c" sets.o $libraries -o sets
./sets write
"$sgdc" sets.sgd --run -q --save whole.safetensors >run.txt
"$sgdc" sets.sgd --run -q --set epochs=4 --save part.safetensors >run.txt
./sets check part.safetensors whole.safetensors saved.safetensors
"$sgdc" sets.sgd --run -q --load saved.safetensors --save gone_on.safetensors >run.txt
cmp gone_on.safetensors whole.safetensors || { echo "sgdc does not go on from what the application saved" >&2; exit 1; }

"$sgdc" sets.sgd --emit=c=./in_c.c
# shellcheck disable=SC2086
${CC:-cc} -std=c11 $options "$embed/sets.c" in_c.c $libraries -o in_c
./in_c check part.safetensors whole.safetensors saved.safetensors

# The example of docs/embedding.md.
awk '/^```/ { name = "" } name { print >name }
     /^# burn.sgd/ { name = "burn.sgd" } /^\/\* burn.c/ { name = "burn.c" }' "$3/docs/embedding.md"
"$sgdc" burn.sgd --cpu=native -o ./
# shellcheck disable=SC2086
${CC:-cc} -std=c11 $options burn.c burn.o -lm -o burn
./burn >said.txt
grep -q '^the wall is at ' said.txt || { echo "the example says:" >&2; cat said.txt >&2; exit 1; }
