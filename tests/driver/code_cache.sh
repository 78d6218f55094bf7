# Compiled code that is kept for later processes: the same results from it, for settings of its own each, whatever has become
# of the files. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
export XDG_CACHE_HOME="$scratch/caches"
unset SGDC_CACHE
kept=$XDG_CACHE_HOME/sgdc/code
failed=0
fail() { echo "FAILED: $*"; failed=1; }
run() { "$sgdc" "$@" --run -q --time-passes 2>err | mask >got; }
mask() { sed -E '/^  sgdc /d;s/ +[0-9.]+ (ns|us|ms|s)( |$)//g'; }
compiles() { awk '$1 == "machine" && $3 > 0 { yes = 1 } END { exit !yes }' err; }
entries() { ls "$kept" | wc -l; }
mkdir examples
cp "$source/examples/line.sgd" "$source/tests/golden/update_waits.sgd" "$source/tests/golden/scan_layer.sgd" . || exit 2

for program in line update_waits scan_layer; do
    SGDC_CACHE=off run $program.sgd
    cp got $program.want
    compiles || fail "$program: --time-passes does not tell that it is compiled"
    run $program.sgd
    cmp got $program.want && compiles || fail "$program: the first run"
    count=$(entries)
    run $program.sgd
    cmp got $program.want && [ "$(entries)" = "$count" ] || fail "$program: the second run"
    ! compiles || fail "$program: the second run compiles again"
done
[ -z "$(find "$kept" -name '*.*')" ] || fail "unfinished files are left: $(ls "$kept")"
[ "$(stat -c %a "$kept")" = 700 ] || fail "others may look into the folder"

# What code depends on.
run line.sgd -O0 && compiles || fail "-O0 takes code of -O3"
run line.sgd --cpu=x86-64-v2 && compiles || fail "code for another processor"
sed 's/0.1)/0.2)/;s/100$/10/' line.sgd >other.sgd
run other.sgd
! compiles || fail "another learning rate is compiled anew"
cp got kept.got
SGDC_CACHE=off run other.sgd && cmp got kept.got && ! cmp -s got line.want || fail "another learning rate"
sed 's/ = all/ = 20/' line.sgd >other.sgd
run other.sgd && compiles || fail "another batch takes the code of this"

# Files that are not what they were.
for damage in ': >' 'printf x >' 'head -c 100 "$f" >"$f.cut"; mv "$f.cut"' 'printf "%0200d" 0 >'; do
    for f in "$kept"/*; do eval "$damage \"\$f\""; done
    run line.sgd
    cmp got line.want && compiles || fail "after '$damage'"
    run line.sgd
    cmp got line.want && ! compiles || fail "after '$damage', again"
done
for f in "$kept"/*; do # one byte in the middle
    size=$(stat -c %s "$f")
    printf '\377' | dd of="$f" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
done
run line.sgd
cmp got line.want && compiles || fail "with a changed byte in each file"

# Folders that are of no use.
chmod 777 "$kept"
run line.sgd
cmp got line.want && compiles || fail "code is taken from where others may put it"
chmod 700 "$kept"
SGDC_CACHE=$scratch/line.sgd run line.sgd
cmp got line.want && compiles || fail "a file as the folder"
SGDC_CACHE=$scratch/elsewhere run line.sgd
[ -d elsewhere ] && cmp got line.want || fail "SGDC_CACHE=FOLDER"
SGDC_CACHE=$scratch/elsewhere run line.sgd
! compiles || fail "SGDC_CACHE=FOLDER, again"

# Many at once, from nothing.
rm -rf "$kept"
for i in 1 2 3 4; do ("$sgdc" line.sgd --run -q 2>&1 | mask >together.$i) & done
wait
for i in 1 2 3 4; do cmp together.$i line.want || fail "four at once"; done

# No more than 256 MiB stay, the latest of them.
for i in 1 2 3 4 5; do truncate -s 60M "$kept/old$i"; touch -d "2 days ago" "$kept/old$i"; done
sed 's/ = all/ = 7/' line.sgd >third.sgd
run third.sgd
left=$(ls "$kept" | grep -c old)
[ "$left" -lt 4 ] && [ "$left" -ge 1 ] || fail "$left of five files of 60 MiB are left"
run third.sgd
! compiles || fail "what was just kept went"
exit $failed
