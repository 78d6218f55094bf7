#!/bin/sh
# What shells are offered where the cursor stands: all options and commands that --help lists, values, names of the program,
# files; and that the scripts for bash, fish and zsh offer that in their shell. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2 failed=0
fail() { echo "FAILED: $*"; failed=1; }
scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" && mkdir bin folder && ln -s "$sgdc" bin/sgdc || exit 2
PATH=$scratch/bin:$PATH
cp "$source/examples/airfoil.sgd" . && : >a.safetensors && : >"my file.safetensors" && : >table.csv && : >folder/inner.sgd

# ---- the answer
sgdc --help >help.txt
commands=$(sed -nE '/^Commands/,/^$/s/^  sgdc ([a-z-]+).*/\1/p' help.txt)
sgdc --complete '' | cut -f 1 >offered.txt
for command in $commands; do grep -qx -- "$command" offered.txt || fail "the command $command is not offered"; done
for command in '' $commands; do
    sgdc $command --help | sed -nE 's/^  (-(-[A-Za-z0-9-]+|Werror|[A-Za-z])).*/\1/p' | sort -u >wanted.txt
    sgdc --complete $command - | cut -f 1 | sed 's/=$//' | sort -u >offered.txt
    diff wanted.txt offered.txt >differ.txt || { cat differ.txt; fail "sgdc $command: options of --help (<) and offered (>)"; }
done
offers() {      # EXPECTED WORD...: the words offered, in one line
    expected=$1; shift
    answer=$(sgdc --complete "$@" | sed 's/^:files\t/:files /; s/\t.*/ /; s/ *$//' | tr '\n' ' ')
    [ "$answer" = "$expected " ] || fail "sgdc --complete $*: $answer(not: $expected)"
}
offers '--progress=plain' a.sgd --progress=p
offers 'plain' a.sgd --progress p
offers '--run=gd,mini100 --run=gd,mini10' airfoil.sgd --run=gd,mini
offers '--data=airfoil=' airfoil.sgd --data=
offers 'valid' eval airfoil.sgd --on v
offers '--emit=ir,loops --emit=ir,llvm' a.sgd --emit=ir,l
offers '-O0 -O1 -O2 -O3' a.sgd -O
offers 'x86_64-linux-gnu' --target x86
offers '--explain=E0901' --explain=E0901
offers 'canonicalise' --stop-after can
[ "$(sgdc --complete a.sgd --load=x)" = "$(printf ':files\t--load=\tsafetensors')" ] || fail "--load is not offered saved files"
[ "$(sgdc --complete inspect '')" = "$(printf ':files\t\tsafetensors')" ] || fail "inspect is not offered saved files"
[ -z "$(sgdc --complete lsp '')" ] || fail "lsp takes no file, and is offered some"
printf 'train { data = ' >broken.sgd
for line in 'broken.sgd --run=' 'missing.sgd --data=' '. --set' '-- ""' '--nothing= x' '-o' '--save --load'; do
    sgdc --complete $line >answer.txt 2>&1 || fail "sgdc --complete $line: exit $?"
    if grep -i error answer.txt; then fail "sgdc --complete $line complains"; fi
done
sgdc --completions=tcsh 2>errors.txt && fail "there is a script for tcsh"
grep -q 'bash, fish, zsh' errors.txt || fail "the shells that have scripts are not named"

# ---- the scripts: each line's offers, sorted
cat >lines.txt <<'END'
sgdc --pro|--progress=
sgdc airfoil.sgd --progress=p|--progress=plain
sgdc airfoil.sgd --run=mini|--run=mini10 --run=mini100
sgdc a|airfoil.sgd
sgdc folder/|folder/inner.sgd
sgdc airfoil.sgd --load |a.safetensors bin folder my file.safetensors
sgdc airfoil.sgd --load=a|--load=a.safetensors
sgdc eval airfoil.sgd --on v|valid
sgdc --load my\ f|my file.safetensors
END
compare() {     # SHELL COMMAND...: the command prints the offers for the line of $LINE
    shell=$1; shift
    command -v "$shell" >found.txt || { echo "skipped: there is no $shell"; return; }
    sgdc --completions="$shell" >"script.$shell"
    while IFS="|" read -r line expected; do
        answer=$(LINE=$line "$@" 2>errors.txt | sort | tr '\n' ' ')
        [ "$answer" = "$expected " ] || { cat errors.txt; fail "$shell: $line: $answer(not: $expected)"; }
    done <lines.txt
}
cat >ask.bash <<'END'
. ./script.bash
COMP_LINE=$LINE COMP_POINT=${#LINE} COMP_WORDBREAKS=$' \t\n"\'><;|&(:'     # without =: whole words come back
_sgdc
printf '%s\n' "${COMPREPLY[@]}"
END
compare bash bash --norc ask.bash
[ "$(LINE='sgdc a.sgd --progress=p' bash --norc -c '. ./script.bash; COMP_LINE=$LINE COMP_POINT=${#LINE}
    COMP_WORDBREAKS="="; _sgdc; echo "$COMPREPLY"')" = plain ] || fail "bash: what stands before = is offered again"
compare fish fish --no-config -c 'source script.fish; complete -C $LINE | cut -f 1 | sed s,/\$,,'
# zsh's own functions are replaced by some that print what they are given.
cat >ask.zsh <<'END'
compdef() { }
compset() { HEAD=$2; PREFIX=${PREFIX#$2} }
_files() { local file; for file in ${(Q)PREFIX}*(N); do [[ -d $file || $file == ${~2:-*} ]] && print -r -- $HEAD$file; done }
_describe() { local list; for list in ended open; do print -rl -- ${${(P)list}%%:*}; done | sed '/^$/d' }
. ./script.zsh
words=(${(z)LINE}); [[ $LINE == *' ' ]] && words+=('')
CURRENT=$#words PREFIX=$words[CURRENT] HEAD=
_sgdc
END
compare zsh zsh -f ask.zsh
exit $failed
