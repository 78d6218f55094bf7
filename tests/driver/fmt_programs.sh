# Every program of the project is in the style of sgdc fmt, those in its documents too. Not those whose diagnostics or
# trees are a golden: places are what they are about, and many have syntax errors. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 failed=0
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$2" || exit 2

# ---- files
find examples std tests bench docs editors -name '*.sgd' 2>/dev/null | sort | while read -r file; do
    case $file in tests/golden/*) [ -e "${file%.sgd}.diagnostics" ] || [ -e "${file%.sgd}.ast" ] && continue ;; esac
    echo "$file"
done >"$scratch/files"
[ "$(wc -l <"$scratch/files")" -gt 50 ] || { echo "FAILED: only $(wc -l <"$scratch/files") programs"; failed=1; }
# shellcheck disable=SC2046
"$sgdc" fmt --check $(cat "$scratch/files") >"$scratch/out" 2>&1 ||
    { echo "FAILED: sgdc fmt would change these:"; cat "$scratch/out"; failed=1; }

# ---- documents: what stands between ```sgd, ```sgd-fragment or ```sgd-more and ```
for document in README.md docs/*.md; do
    rm -f "$scratch"/block.*
    awk -v to="$scratch/block" '
        /^```sgd(-fragment|-more)?$/ { blocks++; inside = 1; next }
        /^```/ { inside = 0 }
        inside { print >(to "." blocks) }' "$document"
    for block in "$scratch"/block.*; do
        [ -e "$block" ] || continue
        "$sgdc" fmt - <"$block" >"$scratch/formatted" 2>"$scratch/err" && cmp -s "$block" "$scratch/formatted" && continue
        echo "FAILED: $document has a program that sgdc fmt would change:"
        cat "$scratch/err"
        diff "$block" "$scratch/formatted"
        failed=1
    done
done
exit $failed
