# No ring of files inside a folder of src or the runtime, and no ring of folders: files that need each other are one idea
# in several places, or several ideas in one place. What a file needs: rings.awk. Argument: SOURCE_FOLDER
set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "$1" || exit 2

# Rings that may be, each within the files of one line: honest recursion.
allowed='
src/ir/fold.c src/ir/graph.c src/ir/infer.c src/ir/origin.c src/ir/row_axes.c src/ir/scan.c: the constructor of a node folds, takes what it can out of scans, which makes nodes, and infers axes over rows from where they come
src/lower/block.c src/lower/call.c src/lower/draw.c src/lower/expression.c src/lower/grad.c src/lower/index.c src/lower/param.c src/lower/range.c src/lower/scan.c src/lower/type.c: the walk over expressions, which hold calls, indices and types, which hold expressions
'

sources=$(find src runtime -name '*.[chly]' | sort)
# shellcheck disable=SC2086
awk -f "$here/facts.awk" $sources | awk -f "$here/rings.awk" | ALLOWED=$allowed awk '
    BEGIN {
        rows = split(ENVIRON["ALLOWED"], row, "\n")
        for (r = 1; r <= rows; r++) { files = row[r]; sub(/:.*/, "", files); row[r] = files == "" ? "" : " " files " " }
    }
    /^RING/ {
        bad = 1
        for (r = 1; r <= rows && bad; r++) {
            inside = row[r] != ""
            for (i = 2; i <= NF; i++) if (!index(row[r], " " $i " ")) inside = 0
            if (inside) { found[r] = 1; bad = 0 }
        }
        if (bad) { sub(/^RING/, ""); print "FAILED: these need each other:" $0 "\n  one way around:"; failed = 1 }
        next
    }
    bad { print }
    END {
        for (r = 1; r <= rows; r++)
            if (row[r] != "" && !(r in found)) { print "FAILED: no ring is left among" row[r] "- take its line out of rings.sh"; failed = 1 }
        exit failed
    }'
