# The trees of loops that docs/developing.md prints are what sgdc prints of the programs named there. A line of three dots stands for
# lines left out. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 page=$2/docs/developing.md
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$2" || exit 2
for program in bench/steps/softmax bench/steps/lenet tests/golden/scan_layer; do
    for pass in schedule row-lanes layout; do
        "$sgdc" $program.sgd --cpu x86-64-v4 --dump=$pass --stop-after=$pass >>"$scratch/trees" 2>&1 || { cat "$scratch/trees"; exit 1; }
    done
done
# Pieces of a block are indented by two more than what sgdc prints.
awk '
    FILENAME != ARGV[2] { trees = trees $0 "\n"; next }
    function look() {
        if (piece != "" && !index(trees, piece)) { printf "FAILED: line %d of the page: sgdc prints no such piece:\n%s", begin, piece; failed = 1 }
        if (piece != "") pieces++
        piece = ""
    }
    /^    nest / && !tree { tree = 1 }
    !/^    / { look(); tree = 0 }
    tree && /^ *\.\.\.$/ { look(); next }
    tree { if (piece == "") begin = FNR; piece = piece substr($0, 3) "\n" }
    END { look(); if (pieces < 10) { print "FAILED: only", pieces, "pieces were found"; failed = 1 } exit failed }
' "$scratch/trees" "$page"
