# The words of the language are the same in the scanner, in the grammars of editors and in the manual, and so is what
# carries a line on. Argument: SOURCE_FOLDER
set -u
cd "$1" || exit 2
failed=0
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
fail() { echo "FAILED: $*"; failed=1; }
same() {            # WHAT: the words of standard input are those of the scanner
    tr -s ' ' '\n' | grep . | sort -u >"$scratch/words"
    diff "$scratch/scanner" "$scratch/words" >"$scratch/diff" || { fail "$1 has other words than the scanner:"; cat "$scratch/diff"; }
}

sed -nE 's/^"([a-z]+)" +\{ WORD\(.*/\1/p' src/frontend/lexer.l | sort >"$scratch/scanner"
[ "$(wc -l <"$scratch/scanner")" -gt 20 ] || fail "the words of src/frontend/lexer.l are not found"
tree=editors/tree-sitter-sgd textmate=editors/vscode/syntaxes/sgd.tmLanguage.json

sed -n '/^const WORDS/,/;$/p' $tree/grammar.js | grep -oE '"[a-z]+"' | tr -d '"' | same "$tree/grammar.js"
sed -n '/@keyword/p' $tree/queries/highlights.scm | grep -oE '"[a-z]+"' | tr -d '"' | same "$tree/queries/highlights.scm"
sed -n '/"word": {/,/^    }/p' $textmate | grep -oE '\(([a-z]+\|)+[a-z]+\)' | tr '()|' '   ' | same "$textmate"
sed -n '/These words are reserved:/,/^Names of settings/p' docs/language.md | grep '^    ' | same docs/language.md
while read -r word; do
    sed '/^const WORDS/,/;$/d' $tree/grammar.js | grep -q "\"$word\"" || fail "no rule of $tree/grammar.js has $word"
done <"$scratch/scanner"

# ---- lines that go on: the first words and signs
sed -n '/^static bool goes_on_with(/,/^}/p' src/frontend/separator.c >"$scratch/separator"
sed -n '/words\[\] = /p' $tree/src/scanner.c | grep -oE '"[a-z]+"' | tr -d '"' | sort >"$scratch/scanned"
grep -oE 'case [A-Z]+:' "$scratch/separator" | sed 's/case //; s/://' | tr 'A-Z' 'a-z' | grep -vxE 'dotdot|arrow|eq|ne|le|ge|floordiv' | sort >"$scratch/told"
diff "$scratch/told" "$scratch/scanned" || fail "words that carry a line on differ (< separator.c, > scanner.c)"
sed -n '/^static bool goes_on(/,/^}/p' $tree/src/scanner.c | grep -oE "case '.'" | sort >"$scratch/scanned"
(grep -oE "case '.'" "$scratch/separator"; echo "case '!'") | sort >"$scratch/told"       # != is NE there
diff "$scratch/told" "$scratch/scanned" || fail "signs that carry a line on differ (< separator.c, > scanner.c)"

# ---- the parser is of this grammar
if command -v sha256sum >/dev/null; then
    sum=$(sha256sum <$tree/grammar.js | cut -d' ' -f1)
    [ "$sum" = "$(cat $tree/src/grammar.sha256)" ] || fail "$tree/grammar.js has changed: tree-sitter generate, and its sha256sum into src/grammar.sha256"
else
    echo "SKIPPED: no sha256sum: whether the parser is of this grammar"
fi
if command -v python3 >/dev/null; then
    for file in $textmate editors/vscode/*.json $tree/package.json; do
        python3 -c 'import json, sys; json.load(open(sys.argv[1], encoding="utf-8"))' "$file" || fail "$file is no JSON"
    done
else
    echo "SKIPPED: no python3: whether the grammars are JSON"
fi
exit $failed
