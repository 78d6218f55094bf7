# Files have at most 800 lines, functions 60. Argument: SOURCE_FOLDER
set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "$1" || exit 2
sources=$(find src runtime -name '*.[chly]' | sort)
failed=0
# shellcheck disable=SC2086
awk -f "$here/facts.awk" $sources | awk -F '\t' '
    $1 == "function" { functions++; if ($5 > 60) { print "FAILED: " $2 ":" $4 ": " $3 " has " $5 " lines"; failed = 1 } }
    END { if (functions < 1000) { print "FAILED: only " functions + 0 " functions were found"; failed = 1 }; exit failed }' ||
    failed=1
# shellcheck disable=SC2046,SC2086
wc -l $sources $(find src runtime -name '*.def' -o -name '*.inc') | awk '
    $2 != "total" && $1 > 800 { print "FAILED: " $2 " has " $1 " lines"; failed = 1 }
    END { exit failed }' || failed=1
exit $failed
