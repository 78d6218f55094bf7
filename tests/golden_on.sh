#!/bin/sh
# All goldens once more, for a processor level and an optimisation level: nothing may change.
#   tests/golden_on.sh SGDC x86-64-v2|x86-64-v3|x86-64-v4 LEVEL
# Exit code 77: skipped, as this machine has not got that level.
set -u
has() { for flag; do grep -qw "$flag" /proc/cpuinfo || { echo "no $flag here: $cpu is skipped"; exit 77; }; done; }
sgdc=$1 cpu=$2 level=$3
[ "$(uname -m)" = x86_64 ] || { echo "this is $(uname -m): $cpu is skipped"; exit 77; }
case $cpu in
x86-64-v3) has avx2 fma bmi2 ;;
x86-64-v4) has avx512f avx512bw avx512cd avx512dq avx512vl ;;
esac
"$(dirname "$0")/golden.sh" --sgdc "$sgdc" -- --cpu="$cpu" -O"$level"
code=$?
[ $code -eq 77 ] && exit 0        # some goldens were skipped for want of their data, and said so; the rest passed
exit $code
