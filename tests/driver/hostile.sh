# Names and texts that are more than text where they go: terminal, JSON, gnuplot, make, C, csv. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 failed=0
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
escape=$(printf '\033') bell=$(printf '\007') invalid=$(printf '\377\233') newline='
'
fail() { echo "FAILED: $1"; failed=1; }
# What reaches a terminal: printable UTF-8, newlines, tabs, and sgdc's own carriage returns of progress.
harmless() {
    LC_ALL=C tr -d '\012\011\040-\176' <"$2" | LC_ALL=C grep -q . && {
        iconv -f utf-8 -t utf-8 "$2" >utf8.txt 2>&1 || fail "$1: not UTF-8"
        LC_ALL=C grep -q "[$(printf '\001-\010\013-\037\177')]" "$2" && fail "$1: control characters: $(cat -v "$2")"; }
    return 0
}
model='model m(x: f32[1]) -> f32 = dense(x, 1)[0]
train fit { data = p; minimize = squared(m(x), y); optimizer = sgd(lr = 0.1); epochs = 2 }'

# ---- diagnostics: names of files, source lines, columns of a csv; as text and as JSON
for name in "${escape}]0;title${bell}${escape}[31mred.csv" "$invalid.csv" "a${newline}evil.sgd:1:1: error: no.csv"; do
    printf 'data p = csv("%s") { x: f32[1] = columns(0..1); y: f32 = column(1) }\n%s\n' "$name" "$model" >p.sgd
    "$sgdc" p.sgd --run --color=never >out 2>err && fail "there is no such file"
    harmless "a missing file" err
    LC_ALL=C grep -q '^evil' err && fail "a file name begins a line of its own"
    "$sgdc" p.sgd --run --error-format=json >out 2>err
    iconv -f utf-8 -t utf-8 err >utf8.txt || fail "JSON is not UTF-8"
    [ "$(grep -c . err)" -eq "$(grep -c '^{.*}$' err)" ] || fail "JSON over several lines"
    if command -v python3 >python.txt; then
        python3 -c 'import json, sys; [json.loads(line) for line in open("err", encoding="utf-8")]' || fail "JSON"
    fi
    cp p.sgd "$name.sgd" && "$sgdc" "$name.sgd" --check 2>err; harmless "a program's name" err
    "$sgdc" "$name" --run >out 2>err; harmless "a name that is no program" err
    "$sgdc" p.sgd "--$name" >out 2>err; harmless "an option" err
    "$sgdc" p.sgd --run --log "$name" >out 2>err; harmless "a log's name" err
done
printf 'a%s[31mb,c%s\n1,2\n2,3\n3,4\n' "$escape" "$invalid" >e.csv
printf 'data p = csv("e.csv") { x: f32[1] = columns("b"); y: f32 = column(1) }\n%s\n' "$model" >p.sgd
"$sgdc" p.sgd --run --color=never >out 2>err && fail "there is no such column"
harmless "columns of a csv" err
printf 'train fit { epoch%s[31m = %s }\n' "$escape" "$invalid" >p.sgd
"$sgdc" p.sgd --check --color=never 2>err && fail "no program"
harmless "a source line" err
printf '1,2\n2,3%s[2J\n' "$escape" >f.csv
printf 'data p = csv("f.csv") { x: f32[1] = columns(0..1); y: f32 = column(1) }\n%s\n' "$model" >p.sgd
"$sgdc" p.sgd --run --color=never >out 2>err && fail "no number"
harmless "a line of a csv" err

# ---- a program, its data and its outputs under a name like that; nothing of it is run
printf '1,2\n2,3\n3,4\n' >good.csv
command -v gnuplot >gnuplot.txt || echo "skipped: pictures, as gnuplot is not installed"
for name in "a${newline}set print \"ran.txt\"; print 1; system(\"touch ran.txt\")" "it's \"quoted\" \`touch ran.txt\`" \
            "\$(touch ran.txt)" "${escape}[31mred$invalid" 'a{:Bold b}_c^d@e&f' '<script>' 'x *; int i' 'a,b"c"&amp;' \
            'lr=0.1' 'lr 0.1: a#b%c*d?[e]~' '~ back\slash\\ end\'; do
    printf '## doc of %s\ndata p = csv("good.csv") { x: f32[1] = columns(0..1)   ## */ int doc; ??/ \\\n y: f32 = column(1) }\n%s\n' \
        "$(printf '%s' "$name" | tr '\n' ' ')" "$model" >"$name.sgd"
    set -- "./$name.sgd"
    "$sgdc" "$@" --run --log "$name.csv" --save "$name.st" --plot "$name.gp" --progress=none >out 2>err || {
        cat -v err; fail "training $name"; }
    harmless "training" out; harmless "training" err
    [ -s "$name.csv" ] && [ -s "$name.st" ] && [ -s "$name.gp" ] || fail "an output of $name is missing"
    if [ -s gnuplot.txt ]; then
        gnuplot "./$name.gp" >out 2>&1 || { cat -v out; fail "the script of $name"; }
        "$sgdc" "$@" --run -q --plot "$name.svg" >out 2>err || { cat -v err; fail "picture of $name"; }
        iconv -f utf-8 -t utf-8 "$name.svg" >utf8.txt || fail "the picture of $name is not UTF-8"
        grep -q '<script' "$name.svg" && fail "a script in the picture of $name"
        "$sgdc" "$@" --run -q --plot - >out 2>err || fail "characters of $name"
        harmless "characters" out
    fi
    "$sgdc" "$@" --emit=header=h.h,obj=o.o >out 2>err || { cat -v err; fail "the header of $name"; }
    harmless "compiling" err
    printf '#include "h.h"\nint main(void) { return 0; }\n' >h.c
    ${CC:-cc} -std=c11 -Wall -Wextra -Werror -Wno-unused-function -fsyntax-only h.c 2>err || { cat -v err h.h; fail "C with $name"; }
    ${CC:-cc} -std=c11 -trigraphs -Wall -Werror -Wno-unused-function -fsyntax-only h.c 2>err || { cat -v err; fail "trigraphs with $name"; }
    case $name in *"$newline"* | *[\;\|=]*)
        "$sgdc" "$@" --emit=deps >out 2>err && { cat -v out; fail "make has no word for it"; }
        continue ;;
    esac
    "$sgdc" "$@" --emit=deps >deps.mk || fail "deps of $name"
    if command -v make >make.txt; then
        make -s -f deps.mk -n "./$name.o" >out 2>&1 || { cat -v out deps.mk; fail "make and $name"; }
        mv "$name.sgd" away; make -s -f deps.mk -n "./$name.o" >out 2>&1 && { cat -v deps.mk; fail "make does not see $name"; }
        mv away "$name.sgd"
    fi
done
[ -e ran.txt ] && fail "a command in a name was run"
# ---- logs are read back by others; figures that are no numbers too
cat >diverges.sgd <<'END'
data p = synthetic(rows = 20, seed = 1) { x: f32[1] = [uniform(-1, 1)]; y: f32 = uniform(0, 1) }
model m(x: f32[1]) -> f32 = dense(x, 1)[0]
train fit { data = p; hold_out = 0.5; minimize = squared(m(x), y); measure far = mean(abs(m(x) - y)); optimizer = sgd(lr = each [0.1, 1e9]); epochs = 9 }
END
"$sgdc" diverges.sgd --run -q --log log.jsonl >out 2>err; "$sgdc" diverges.sgd --run -q --log log.csv >out 2>err
grep -q '"train_loss": null' log.jsonl || { cat log.jsonl; fail "a loss that is no number, JSON"; }
grep -Eq '1e9,[0-9]+,[0-9]+,(-?nan|inf),' log.csv || { cat log.csv; fail "a loss that is no number, csv"; }
if command -v python3 >python.txt; then
    python3 - <<'END' || failed=1
import csv, json
def no(name): raise ValueError(name)
rows = [json.loads(line, parse_constant=no) for line in open("log.jsonl", encoding="utf-8")]
table = list(csv.DictReader(line for line in open("log.csv", encoding="utf-8", newline="") if not line.startswith("#")))
assert len(rows) == len(table) > 9, (len(rows), len(table))
for row, line in zip(rows, table):
    assert row["run"] == line["run"], (row, line)
    assert row["train_loss"] is None or row["train_loss"] == float(line["train_loss"])
END
else
    echo "skipped: reading logs back, as python3 is not installed"
fi
exit $failed
