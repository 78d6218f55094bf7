# A type has a name of its own, also where its scope is one file: a name that means two things is read wrongly.
# Argument: SOURCE_FOLDER
set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "$1" || exit 2
sources=$(find src runtime -name '*.[chly]' | sort)
# shellcheck disable=SC2086
awk -f "$here/facts.awk" $sources | awk -F '\t' '
    $1 == "type" {
        if ($3 in at) { print "FAILED: the type " $3 " is defined at " at[$3] " and at " $2 ":" $4; failed = 1 }
        at[$3] = $2 ":" $4
        types++
    }
    END { if (types < 100) { print "FAILED: only " types + 0 " types were found"; failed = 1 }; exit failed }'
