#!/bin/sh
# --emit=c: the unit and its header, where they go, and that a compiler that would change results is refused.
#   sh emit_c.sh SGDC SOURCE-FOLDER
set -u
sgdc=$1 root=$(cd "$2" && pwd)
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
cc=${CC:-cc}
failed=0
fail() { echo "FAILED: $*"; failed=1; }
compiles() { $cc -std=c99 -Wall -Wextra -pedantic -Werror "$@" -c -o unit.o 2>said || { head -5 said; fail "$* does not compile"; }; }

# Beside the source, in a folder, by name, and to stdout; the same each time.
cp "$root/examples/line.sgd" .
"$sgdc" line.sgd --emit=c || fail "--emit=c: exit $?"
[ -s line.c ] && [ -s line.h ] || fail "no line.c and line.h beside the source"
"$sgdc" line.sgd --emit=c -o folder/ && cmp line.c folder/line.c && cmp line.h folder/line.h || fail "in a folder"
"$sgdc" line.sgd --emit=c=other.c && cmp line.c other.c && cmp line.h other.h || fail "by name"
"$sgdc" line.sgd --emit=c=- >printed && cmp line.c printed || fail "to stdout"
[ "$(ls | tr '\n' ' ')" = "folder line.c line.h line.sgd other.c other.h printed " ] || fail "other files: $(ls)"

# Several runs, names that C has taken, optimizers with state, draws, f64.
compiles line.c
for program in "$root/examples/twice.sgd" "$root/examples/sweep.sgd" "$root/tests/embed/names.sgd" "$root/tests/golden/two_float_types.sgd" "$root/tests/golden/updates_before_rows.sgd"; do
    "$sgdc" "$program" --emit=c=unit.c || fail "$program: exit $?"
    compiles unit.c
done

# What changes results is refused by the unit itself.
$cc -std=c99 -ffast-math -fsyntax-only line.c 2>said && fail "-ffast-math is taken"
grep -q 'ffast-math changes results' said || { cat said; fail "-ffast-math is not named"; }

# A program that cannot be compiled leaves nothing.
echo 'train fit { minimize = nothing }' >bad.sgd
"$sgdc" bad.sgd --emit=c 2>said && fail "a program with errors is taken"
[ ! -e bad.c ] && [ ! -e bad.h ] || fail "a program with errors leaves files"
exit $failed
