#!/bin/sh
# Builds the application for a Cortex-M7, and runs it on QEMU's.
#   sh build.sh [SGDC]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sgdc=${1:-sgdc}
cpu="-mcpu=cortex-m7 -mthumb -mfpu=fpv5-d16 -mfloat-abi=hard"
warn="-Wall -Wextra -pedantic -Werror"

"$sgdc" "$here/gesture.sgd" -O1 --emit=c=gesture.c # one row after the other
# shellcheck disable=SC2086
arm-none-eabi-gcc $cpu -std=c99 -O2 $warn -DSGDC_NO_MALLOC -ffunction-sections -c gesture.c -o gesture.o
# shellcheck disable=SC2086
arm-none-eabi-gcc $cpu -std=c11 -O2 $warn -I. -I"$here" "$here/main.c" "$here/cortex_m7.c" gesture.o \
    -nostartfiles --specs=nano.specs -Wl,--gc-sections -T "$here/cortex_m7.ld" -lm -o gesture.elf
arm-none-eabi-size gesture.elf
qemu-system-arm -M mps2-an500 -display none -serial none -monitor none -chardev stdio,id=said \
    -semihosting-config enable=on,target=native,chardev=said -kernel gesture.elf
