# The tree-sitter grammar parses every program that sgdc parses, and its own examples (test/corpus) to their trees; with
# the tree-sitter CLI also: the parser is the one of the grammar. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2 failed=0
grammar=$source/editors/tree-sitter-sgd
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
fail() { echo "FAILED: $*"; failed=1; }

if command -v tree-sitter >/dev/null; then
    cp -r "$grammar" generated
    (cd generated && HOME=$scratch tree-sitter generate >/dev/null 2>err) || { fail "tree-sitter generate"; cat generated/err; }
    cp generated/src/*.c .
else
    echo "SKIPPED: no tree-sitter CLI: the parser is taken as it lies there"
    cp "$grammar"/src/*.c .
fi
echo '#include <tree_sitter/api.h>' >probe.c
if ! ${CC:-cc} -c probe.c 2>/dev/null; then
    echo "SKIPPED: no libtree-sitter-dev"
    exit 77
fi
${CC:-cc} -O1 -I"$grammar/src" "$source/tests/editors/tree_sitter.c" parser.c scanner.c -ltree-sitter -o parse ||
    { fail "the parser does not compile"; exit 1; }

# ---- every program
find "$source"/examples "$source"/std "$source"/tests "$source"/bench -name '*.sgd' >files
while read -r file; do "$sgdc" fmt - <"$file" >/dev/null 2>&1 && echo "$file"; done <files >parsed
[ "$(wc -l <parsed)" -gt 100 ] || fail "only $(wc -l <parsed) programs"
xargs ./parse <parsed >out || { fail "programs that are not parsed:"; cat out; }

./parse "$grammar"/queries/*.scm >out || { fail "queries:"; cat out; }

# ---- test/corpus: between lines of === a title, the program up to ---, then its tree
tree() { sed 's/[a-z_]*: //g' | tr -s ' \n' '  ' | sed 's/ )/)/g; s/^ //; s/ $//'; }
for corpus in "$grammar"/test/corpus/*.txt; do
    rm -f ./case.*
    awk '/^===+$/ { if (head) { head = 0; part = 1 } else { head = 1; n++ } next }
         head { title = $0; print title >("case." n ".title"); next }
         /^---$/ { part = 2; next }
         { print >("case." n (part == 1 ? ".program" : ".tree")) }' "$corpus"
    for title in ./case.*.title; do
        name=${title%.title}
        ./parse <"$name.program" | tree >got; tree <"$name.tree" >want
        cmp -s got want || { fail "$(cat "$title"):"; cat got; echo; echo "not"; cat want; echo; }
    done
done
exit $failed
