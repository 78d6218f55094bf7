# sgdc new: the program that comes out compiles without warnings, trains, and learns what is in the table.
# Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $*"; failed=1; }
says() { grep -qF -- "$1" "$2" || { fail "$2 does not say: $1"; cat "$2"; }; }

# TABLE OPTIONS...: made, and trained with warnings as errors. The last figure of the run must be at least FIGURE.
learns() {
    figure=$1 table=$2; shift 2
    stem=${table%.csv}
    "$sgdc" new "$table" -q -o "$stem.sgd" --force "$@" >out 2>err || { fail "new $table"; cat err; return; }
    "$sgdc" "$stem.sgd" --run -Werror -q -O0 --threads=1 >out 2>err || { fail "$table does not train"; cat "$stem.sgd" err; return; }
    grep '^fit ' out | tail -1 | sed -E 's/.*(r2|accuracy) +([-0-9.e]+).*/\2/' | awk -v least="$figure" '{ exit !($1 >= least) }' ||
        { fail "$table: less than $figure"; cat "$stem.sgd" out; }
}
made() { says "$1" "$stem.sgd"; }

# Numbers only, with and without a header; y = 2 a - b.
awk 'BEGIN { srand(1); for (i = 0; i < 120; i++) { a = int(rand() * 1000) / 10; b = int(rand() * 90); print a "," b "," 2 * a - b } }' >bare.csv
(echo 'a,b,"the sum"'; cat bare.csv) >named.csv
learns 0.9 bare.csv
made 'header = false'; made 'x: f32[2] = standardize(columns(0..2))'; made 'column_2: f32 = standardize(column(2))'
learns 0.9 named.csv
made 'the_sum: f32 = standardize(column("the sum"))'
learns 0.5 named.csv --target a
made 'x: f32[2] = standardize(columns("b", "the sum"))'
learns 0.5 bare.csv --target=1
made 'standardize(columns(0, 2))'

# Classes: texts, 0 and 1, whole numbers in line, with gaps; texts to predict from; an id; a constant; free texts.
awk 'BEGIN { srand(2); print "id,size,color,note,unit,kind,flag,grade,code"
    for (i = 1; i <= 90; i++) { s = int(rand() * 300) / 10; c = rand() < 0.5; k = (s > 10) + (s > 20)
        printf "%d,%s,%s,\"note %d, \"\"mine\"\"\",kg,%s,%d,%d,%d\n", i, s, c ? "red" : "\"dark, blue\"", i * 7, k == 0 ? "small" : k == 1 ? "middle" : "large", c, 1 + k, (k + 1) * (k + 1) } }' >mixed.csv
learns 0.8 mixed.csv --target kind
made 'kind: label[3] = remap(column("kind"), ["large", "middle", "small"])'
made 'color: label[2] = remap(column("color"), ["dark, blue", "red"])'
made '# Left out: id, which counts the rows.'; made '# Left out: unit, which is the same in every row.'
made '# Left out: note, which holds texts, more than 20 different ones.'
made 'split(0.2, by = kind)'
# What the program's first lines say: predictions are the texts of the classes.
"$sgdc" mixed.sgd --run -q -O0 --save mixed.safetensors >out 2>err && "$sgdc" predict mixed.sgd --load mixed.safetensors -O0 --columns kind >said 2>err ||
    { fail "predictions"; cat err; }
awk -F, 'NR > 1 { n++; right += $1 == $2 } END { exit !(n == 90 && right > 72) }' said || { fail "predicted classes"; head said; }
learns 0.9 mixed.csv --target flag
made 'flag: label[2] = column("flag")'
learns 0.9 mixed.csv --target grade
made 'grade: label[3] = column("grade") - 1'
learns 0.9 mixed.csv
made 'code: label[3] = remap(column("code"), [1, 4, 9])'

# Enough rows for a hidden layer, many columns, semicolons and decimal commas.
awk 'BEGIN { srand(3); for (i = 0; i < 400; i++) { line = ""; a = int(rand() * 200) / 10
    for (j = 0; j < 20; j++) { v = j ? int(rand() * 100) / 10 : a; sub(/\./, ",", v); line = line v ";" } y = a * a / 10; sub(/\./, ",", y); print line y } }' >deep.csv
learns 0.9 deep.csv
made 'delimiter = ";", decimal = ","'; made 'tanh(dense(x, 16))'; made 'columns(0..20)'; made 'batch     = 32'

# Missing values: in numbers, in a text to predict from, in the target.
awk 'BEGIN { srand(4); print "w\tc\tv\tgone\ty"; for (i = 0; i < 80; i++) { w = int(rand() * 100) - 50; c = rand() < 0.5
    print (i % 9 == 4 ? "NA" : w) "\t" (i % 7 == 3 ? "" : c ? "up" : "down") "\t" i * i "\t" (i % 2 ? 1 : "") "\t" (i % 11 == 5 ? "?" : w > 0 ? "yes" : "no") } }' >gaps.csv
learns 0.9 gaps.csv
made 'missing = -199'; made 'names = ["no", "yes"]'; made 'remap(column("y"), names) > -199'; made 'column("w") > -199'
made 'c: label[3] = remap(column("c"), ["", "down", "up"])'; made '# Left out: gone, which 50 % are missing.'
sed 's/yes/1/; s/no/0/' gaps.csv >gaps01.csv
learns 0.9 gaps01.csv
made 'y: label[2] = column("y")'

# Names and texts that a program must write with care; two columns of one name; words of the language.
printf '"a ""b"" \\n",x,x,,model,gr\303\266\303\237e,"two\nlines",y\n' >names.csv
awk 'BEGIN { for (i = 0; i < 40; i++) printf "%d,%d,%d,%d,\"q\\%s\"\"\",%s,%d,%d\n", i % 7, i % 5, i * 3 % 11, i * 5 % 13, i % 2 ? "a" : "b", i % 3 ? "m\303\274" : "-", i % 4, i % 7 + 2 * (i % 5) + (i % 2) }' >>names.csv
learns 0.9 names.csv
made 'columns("a \"b\" \\n", 1, 2, 3, "two\nlines")'; made 'remap(column("model"), ["q\\a\"", "q\\b\""])'

# One row; bars, blanks, comments; many columns of which some are constant.
printf 'a,b\n1,2\n' >one.csv
"$sgdc" new one.csv -q && "$sgdc" one.sgd --run -Werror -q >out 2>err || { fail "one row"; cat one.sgd err; }
(echo '# measured'; awk 'BEGIN { for (i = 0; i < 30; i++) print i % 6 "|" i % 5 "|" i % 6 - i % 5 }') >bars.csv
learns 0.9 bars.csv
made 'delimiter = "|", comment = "#"'
awk 'BEGIN { for (i = 0; i < 30; i++) { for (j = 0; j < 100; j++) printf "%d ", j % 3 ? (i * (j + 1)) % 17 : 5; print i % 3 } }' >wide.csv
learns 0 wide.csv
made 'columns(0..100)'
# One class with two rows of each cannot be split by class.
printf 'v,k\n1,a\n2,a\n3,b\n4,b\n5,c\n6,c\n7,d\n8,d\n9,e\n10,e\n' >few.csv
learns 0 few.csv
made 'hold_out  = 0.2'

# Where it is written, and where not.
echo mine >named.sgd
"$sgdc" new named.csv >out 2>err; [ $? -eq 3 ] || fail "a file that is there is no exit 3"
says 'named.sgd is there already' err
[ "$(cat named.sgd)" = mine ] || fail "a file that is there was written over"
"$sgdc" new named.csv --force >out 2>err || fail "--force"
says 'wrote named.sgd: it predicts the sum, a number, from 2 columns; train it by: sgdc named.sgd --run' err
"$sgdc" new named.csv -o - >out 2>err && cmp -s out named.sgd || fail "-o -"
mkdir folder
"$sgdc" new named.csv -q -o folder/m.sgd && "$sgdc" folder/m.sgd --run -q -O0 >out 2>err || { fail "another folder"; cat err; }
cp named.csv folder/n.csv
"$sgdc" new folder/n.csv -q -o folder/n.sgd && (cd folder && "$sgdc" n.sgd --check) || fail "the table's folder"
cp named.csv odd.sgd
"$sgdc" new odd.sgd >out 2>err; [ $? -eq 3 ] && cmp -s named.csv odd.sgd || fail "the table itself"

# What cannot be: one error each, and no file.
refuses() {     # MESSAGE TABLE OPTIONS...
    message=$1; shift
    rm -f no.sgd
    "$sgdc" new "$@" -o no.sgd >out 2>err
    [ $? -eq 3 ] && [ ! -e no.sgd ] || fail "new $*: no exit 3, or a file"
    says "$message" err
    [ "$(grep -c 'error\[\|^sgdc: ' err)" -eq 1 ] || { fail "new $*: not one error"; cat err; }
}
: >empty.csv; echo 'a,b' >head.csv; printf 'a,b\n1,2\n3\n' >ragged.csv; printf 'a,b\n1,"2\n' >quote.csv
awk 'BEGIN { print "n,t"; for (i = 0; i < 60; i++) print i * 1.5 ",text" i }' >texts.csv
printf 'a\n1\n2\n' >single.csv; printf 'a,b,c,d\n,2,3,5\n1,,4,6\n2,3,,7\n3,4,5,\n' >holes.csv
awk 'BEGIN { print "n,m"; for (i = 0; i < 60; i++) print i * 1.5 "," (i == 30 ? "unknown" : i) }' >odd.csv
refuses 'the file is empty' empty.csv
refuses 'no rows' head.csv
refuses 'ragged.csv:3' ragged.csv
refuses 'this quote is not closed' quote.csv
refuses 'the last column, t, cannot be predicted' texts.csv
refuses 'has no column "nn"; did you mean --target=n?' texts.csv --target nn
refuses 'has no column "7"' bare.csv --target 7
refuses 'has no column to predict a from' single.csv
refuses 'cannot be predicted: it is numbers but for some texts, such as "unknown" in line 32' odd.csv
refuses 'unit cannot be predicted: it is the same in every row' mixed.csv --target unit
refuses 'no row of holes.csv has a value in every column' holes.csv
printf 'a,b\n1,x\0y\n2,x\n3,z\n' >zero.csv
refuses 'holds bytes of value 0' zero.csv
refuses 'cannot be opened' nonesuch.csv
"$sgdc" new - >out 2>err </dev/null; [ $? -eq 2 ] || fail "standard input is no exit 2"
exit $failed
