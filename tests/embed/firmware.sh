#!/bin/sh
# examples/firmware: the application learns the same on this machine, linked with the object and compiled with the emitted
# C, and on a Cortex-M7, where it runs in static memory and touches no more than the header's macro says.
set -eu
sgdc=$1 firmware=$3/examples/firmware
ln -sfn "$firmware" include  # lists of options have no blanks in their paths
cc=${CC:-cc}
warn="-std=c11 -O1 -Wall -Wextra -pedantic -Werror -Iinclude -I."

"$sgdc" "$firmware/gesture.sgd" --cpu=native -o ./
# shellcheck disable=SC2086
$cc $warn "$firmware/main.c" "$firmware/host.c" gesture.o -lm -o host
./host >host.says
grep -q '^right: 9[0-6] of 96$' host.says || { cat host.says; echo "it has not learned" >&2; exit 1; }

"$sgdc" "$firmware/gesture.sgd" --emit=c=gesture.c
# shellcheck disable=SC2086
$cc -std=c99 -O2 -Wall -Wextra -pedantic -Werror -c gesture.c -o in_c.o
# shellcheck disable=SC2086
$cc $warn "$firmware/main.c" "$firmware/host.c" in_c.o -lm -o in_c
./in_c >in_c.says
same() {
    grep '^right\|^parameters' "$1" >a; grep '^right\|^parameters' host.says >b
    cmp a b || { cat "$1"; echo "$1 differs from the object's" >&2; exit 1; }
}
same in_c.says

# An allocation would need the heap's functions.
# shellcheck disable=SC2086
$cc -std=c99 -O2 -DSGDC_NO_MALLOC -c gesture.c -o alone.o
unknown=$(nm --undefined-only alone.o | awk '{ print $NF }' | grep -Evx 'memcpy|memset|fmaf?|_GLOBAL_OFFSET_TABLE_|__asan.*|__ubsan.*|__stack_chk_fail' || true)
[ -z "$unknown" ] || { echo "the unit needs more than it may: $unknown" >&2; exit 1; }

for tool in arm-none-eabi-gcc qemu-system-arm; do
    command -v $tool >/dev/null || { echo "skipped: the Cortex-M7, for want of $tool"; exit 0; }
done
sh "$firmware/build.sh" "$sgdc" >arm.says || { cat arm.says; exit 1; }
same arm.says
grep -q 'nothing written behind it' arm.says
if arm-none-eabi-nm gesture.elf | grep -qE ' (malloc|_sbrk|free)$'; then echo "the firmware has a heap" >&2; exit 1; fi
