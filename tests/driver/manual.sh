#!/bin/sh
# The programs in the documentation compile: every ```sgd block of docs/ and of the README passes --check, and every
# ```sgd-fragment at least parses. Those of the cookbook run, if their data is here; its ```sgd-more go on from its first.
#
#   manual.sh SGDC PROJECT
set -u
sgdc=$1 root=$2 failed=0 checked=0
# Blocks may include examples by ../examples/, so they are written to a folder beside a link to it.
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/blocks"
ln -s "$root/examples" "$scratch/examples"

extract() {     # FILE STEM: blocks/STEM-LINE.sgd and blocks/STEM-LINE.fragment
    awk -v out="$scratch/blocks/$2" '
        /^```sgd$/          { file = sprintf("%s-%04d.sgd", out, NR); next }
        /^```sgd-fragment$/ { file = sprintf("%s-%04d.fragment", out, NR); next }
        /^```sgd-more$/     { file = sprintf("%s-%04d.more", out, NR); next }
        /^```/              { if (file) close(file); file = ""; next }
        file                { print > file }' "$1"
}

for file in "$root"/README.md "$root"/docs/*.md; do
    [ -f "$file" ] && extract "$file" "$(basename "$file" .md)"
done
SGDC_DATA=$root/examples/data
export SGDC_DATA
first=$(ls "$scratch"/blocks/cookbook-*.sgd | head -n 1)
runs_of() { sed -n 's/^train \([a-z_]*\).*/\1/p' "$1" | paste -sd, -; }
for block in "$scratch"/blocks/*; do
    case $block in
    */cookbook-*.more)
        runs=$(runs_of "$block")
        cat "$first" "$block" >"$scratch/blocks/more.sgd"
        "$sgdc" "$scratch/blocks/more.sgd" --run="$runs" -q >"$scratch/out" 2>&1 ;;
    */cookbook-*.sgd)
        how=--run; grep -q '"people.csv"' "$block" && how=--check
        "$sgdc" $how -q "$block" >"$scratch/out" 2>&1 ;;
    *.sgd) "$sgdc" --check "$block" >"$scratch/out" 2>&1 ;;
    *.fragment) "$sgdc" --stop-after=parse "$block" >"$scratch/out" 2>&1 ;;
    esac
    code=$?
    checked=$((checked + 1))
    [ $code -eq 0 ] && continue
    failed=$((failed + 1))
    echo "FAILED: $(basename "$block") (the file, and the line before its first)"
    cat "$scratch/out"
done
echo "manual: $checked programs, $failed failed"
[ $failed -eq 0 ] && [ $checked -gt 0 ]
