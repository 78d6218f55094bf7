# sgdc fmt: in place, whole or not at all; --check; standard input; what is refused; the programs of the project.
# Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2 failed=0
scratch=$(mktemp -d); trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
fail() { echo "FAILED: $*"; failed=1; }
exits() {           # CODE COMMAND...
    want=$1; shift
    "$@" >out 2>err; got=$?
    [ $got -eq "$want" ] || { fail "$*: exit $got, not $want"; cat out err; }
    ls -A | grep '\.part$' && fail "$*: a temporary file was left"
}

printf 'a=1 # one\r\n\n\n\nb=f( 2 )' >loose.sgd
printf 'a = 1  # one\n\nb = f(2)\n' >style.sgd
printf 'a = 1\nb = = 2\n' >wrong.sgd
cp wrong.sgd wrong.was; cp loose.sgd loose.was; cp style.sgd want

# ---- --check writes nothing
exits 1 "$sgdc" fmt --check style.sgd loose.sgd
[ "$(cat out)" = loose.sgd ] || { fail "--check does not list the file"; cat out; }
cmp -s loose.sgd loose.was || fail "--check wrote"
exits 0 "$sgdc" fmt --check style.sgd
[ -s out ] && fail "--check lists a file in the style"

# ---- in place
chmod 640 loose.sgd; ln -s loose.sgd link.sgd
exits 0 "$sgdc" fmt link.sgd
cmp -s loose.sgd want || { fail "not in the style"; cat loose.sgd; }
[ -L link.sgd ] || fail "the link became a file"
[ "$(stat -c %a loose.sgd)" = 640 ] || fail "other permissions"
grep -q 'formatted link.sgd' err || fail "it does not say so"
before=$(stat -c '%i %y' style.sgd)
exits 0 "$sgdc" fmt style.sgd
[ "$before" = "$(stat -c '%i %y' style.sgd)" ] || fail "a file in the style was written"
[ -s err ] && fail "it speaks of a file that it left"

# ---- standard input
exits 0 "$sgdc" fmt - <loose.was
cmp -s out want || fail "standard input"
exits 1 "$sgdc" fmt --check - <loose.was
[ "$(cat out)" = stdin ] || fail "--check of standard input"
exits 1 "$sgdc" fmt - <wrong.sgd
[ -s out ] && fail "a syntax error, and still output"
grep -q '^stdin:2:' err || { fail "no place in standard input"; cat err; }
"$sgdc" fmt - <loose.was >/dev/full 2>err; [ $? -eq 3 ] || fail "a full device"

# ---- what is refused is left, and the others are done
cp loose.was loose.sgd
exits 1 "$sgdc" fmt wrong.sgd loose.sgd
cmp -s wrong.sgd wrong.was || fail "a file with a syntax error was changed"
cmp -s loose.sgd want || fail "the other file was not formatted"
grep -q 'wrong.sgd:2:' err || { fail "no diagnostic"; cat err; }
cp loose.was loose.sgd
exits 3 "$sgdc" fmt missing.sgd loose.sgd
cmp -s loose.sgd want || fail "a missing file kept the other from being formatted"
exits 3 "$sgdc" fmt .
exits 2 "$sgdc" fmt
exits 1 "$sgdc" fmt --error-format=json wrong.sgd
grep -q '^{' err || fail "no JSON"
if [ "$(id -u)" != 0 ]; then
    mkdir locked; cp loose.was locked/a.sgd; chmod 500 locked
    exits 3 "$sgdc" fmt locked/a.sgd
    cmp -s locked/a.sgd loose.was || fail "a folder without permission"
else
    echo "SKIPPED: a folder without permission: this is root, who may write everywhere"
fi
exit $failed
