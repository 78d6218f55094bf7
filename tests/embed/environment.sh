#!/bin/sh
# A host's rounding mode, flushing of denormals and traps move no bit, at any door of the runtime (environment.c).
set -eu
sgdc=$1 runtime=$2 embed=$3/tests/embed

"$sgdc" "$embed/classify.sgd" -o ./
awk 'BEGIN {
    print "0.1000000000000000055511151231257827021181583404541015625,0.1,10"
    print "1.00000005960464477539062500000000000000000000000001,2.2250738585072011e-308,20"
    print "1e-40,4.9406564584124654e-324,30"
    print "16777217.0000000000000000000000000000001,9007199254740993.00000000000000000000001,20"
}' >numbers.csv

# Every function there is has a door in environment.c.
for function in $(grep -ho '\b\(classify\|sgdrt\)_[a-z_]*(' classify.h "$3/runtime/sgdrt.h" "$3/runtime/fit.h" |
                  grep -v callback | sort -u); do
    grep -qF "$function" "$embed/environment.c" || { echo "environment.c does not call $function)" >&2; exit 1; }
done
${CC:-cc} -std=gnu11 -Wall -Wextra -Werror -O1 -I. -I"$3/runtime" "$embed/environment.c" classify.o "$runtime" \
    -lz -lcjson -lpthread -lm -o environment
./environment "$embed/points.csv" numbers.csv scratch.safetensors
