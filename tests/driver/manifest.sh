# --emit=manifest: the whole text for one program, and that a C compiler finds its types, offsets and functions true.
# Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 expected=$2/tests/driver/manifest
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cp "$expected/birds.sgd" "$scratch"
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $*"; failed=1; }

# How much memory is planned and what the graphs are is not the manifest's to say.
"$sgdc" birds.sgd --cpu=native --emit=manifest=birds.json,header=birds.h 2>err || { fail "exit $?"; cat err; }
sed -E 's/("(train|predict)_bytes": )[0-9]+/\1-/; s/("identity": ")[0-9a-f]{64}/\1-/; s/("sgdc": ")[0-9.]+/\1-/' birds.json >masked.json
diff "$expected/birds.json" masked.json || fail "the manifest differs"
"$sgdc" birds.sgd --cpu=native --emit=manifest | cmp - birds.json || fail "another text on stdout"

# Each function has the type that is said, each member its place.
awk 'function text(line) { sub(/^[^:]*: "/, "", line); sub(/",?$/, "", line); return line }
    /"name": "[a-z0-9_]*_data",$/ { rows = text($0) }
    /"bytes": [0-9]*,$/ && rows { sub(/,/, "", $2); print "_Static_assert(sizeof(" rows ") == " $2 ", \"bytes\");" }
    /"member":/ { member = text($0) }
    /"(data|stride)_offset":/ { what = $1; sub(/_offset.*/, "", what); sub(/"/, "", what); sub(/,/, "", $2)
        print "_Static_assert(offsetof(" rows ", " member "." what ") == " $2 ", \"" member "\");" }
    /"prefix":/ { inside = 0 }
    /"functions": \[/ { inside = 1 }
    inside && /"symbol":/ { symbol = text($0) }
    inside && /"returns":/ { returns = $0; sub(/.*"c": "/, "", returns); sub(/".*/, "", returns); list = "" }
    inside && /"name":.*"c":/ { type = $0; sub(/.*"c": "/, "", type); sub(/".*/, "", type); list = list (list == "" ? "" : ", ") type }
    inside && /"doc":/ { print returns " (*use_" symbol ")(" list ") = " symbol ";"; functions++ }
    END { if (functions < 40) print "#error few functions" }' birds.json >uses.c
{ echo '#include "birds.h"'; cat uses.c; } >user.c
${CC:-cc} -std=c11 -Wall -Wextra -Werror -fsyntax-only user.c 2>err || { fail "C disagrees with the manifest"; head -5 err; }

# The identity is that of the training: not of names, paths and processors, but of seed, schedule and graphs.
identity() { "$sgdc" "$@" --emit=manifest | grep -o '"identity": "[0-9a-f]*"' | tr '\n' ' '; }
mkdir other && sed 's/^# .*/# Another comment./' birds.sgd >other/finches.sgd
[ "$(identity birds.sgd --cpu=x86-64-v2 2>/dev/null || identity birds.sgd)" = "$(identity other/finches.sgd --cpu=native)" ] ||
    fail "the identity is one of more than the training"
[ "$(identity birds.sgd | tr ' ' '\n' | grep -v identity | sort -u | wc -l)" -eq 2 ] || fail "both rates have one identity"
for change in --seed=1 --set=batch=5 --set=steps=11; do
    [ "$(identity birds.sgd)" != "$(identity birds.sgd $change)" ] || fail "$change leaves the identity"
done
sed 's/softmax(net(size))/net(size)/' birds.sgd >other.sgd
[ "$(identity birds.sgd)" != "$(identity other.sgd)" ] || fail "what is predicted leaves the identity"

# A program without a train block has none; nothing is left of one that cannot be written.
echo 'data d { x: f32 }' >nothing.sgd
"$sgdc" nothing.sgd --emit=manifest=nothing.json 2>err && fail "a program without training has a manifest"
[ ! -e nothing.json ] || fail "a manifest of nothing is left"
exit $failed
