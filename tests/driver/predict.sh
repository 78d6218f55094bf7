# sgdc predict: what it answers, from where, and what it says of rows that cannot be read. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" && ln -s "$sgdc" sgdc || exit 2
sgdc=$scratch/sgdc       # lists of options have no blanks in their paths
failed=0
fail() { echo "FAILED: $*"; failed=1; }
expect() {          # CODE DESCRIPTION COMMAND...
    want=$1 what=$2; shift 2
    "$@" >out 2>err; got=$?
    [ $got -eq "$want" ] || { fail "$what: exit $got, not $want"; cat err; }
}
says() { grep -q -- "$1" "$2" || { fail "$what: $2 does not say: $1"; cat "$2"; }; }
prints() {          # standard input is what out holds
    cat >wanted; cmp -s wanted out || { fail "$what:"; diff wanted out; }
}

# ---- a model on several data sets: of the first, called there or not ------------------------------------
for inside in 'squared(u(inside.x, inside.t), inside.x)' 'slope(inside.x, inside.t)^2'; do
    cat >burn.sgd <<END
data inside = csv("inside.csv") { t: f32 = column("t"); x: f32 = column("x") }
data wall = csv("inside.csv") { x: f32 = column("t"); t: f32 = column("x") }
model u(x: f32, t: f32) -> f32 { param w: f32[3] = [1, 10, 100]; return dot(w, [x, t, 1]) }
def slope(x: f32, t: f32) -> f32 { v = u(x, t); return grad(v, x) }
train fit {
  data = [inside, wall]
  minimize inside = $inside
  minimize wall = squared(u(wall.x, 0), wall.t)
  minimize start = squared(u(wall.x, wall.t), 1)
  optimizer = sgd(lr = 0)
  batch[wall] = all
}
END
    printf 't,x\n1,2\n3,4\n' >inside.csv
    expect 0 "training on several sets" "$sgdc" burn.sgd --run -q --save burn.safetensors
    expect 0 "a model on several sets" "$sgdc" predict burn.sgd --load burn.safetensors
    printf 'prediction\n112\n134\n' | prints
done

# ---- numbers: weights that training leaves as they start ----------------------------------------------
cat >plane.sgd <<'END'
data points = csv("train.csv") { x: f32[2] = columns("a", "b"); y: f32 = column("y") }
model plane(x: f32[2]) -> f32 { param w: f32[2] = [2, 0.5]; param c: f32 = 0.25; return dot(x, w) + c }
train fit { data = points; minimize = squared(plane(x), y); optimizer = sgd(lr = 0); batch = all; epochs = 1 }
END
printf 'a,b,y\n1,2,3\n4,5,6\n7,9,8\n' >train.csv
expect 0 "training" "$sgdc" plane.sgd --run -q --save plane.safetensors
predict="$sgdc predict plane.sgd --load plane.safetensors"
expect 0 "the program's own rows" $predict
printf 'prediction\n3.25\n10.75\n18.75\n' | prints
printf 'id,b,note,a\n7,2,"one, ""two""",1\n007,-4,,0.1\n' >new.csv
expect 0 "no target, other columns, another order" $predict --data points=new.csv --columns id,note
printf 'id,note,prediction\n7,"one, ""two""",3.25\n007,,-1.55\n' | prints
expect 0 "columns by number" $predict --data points=new.csv --columns 3
printf '3,prediction\n1,3.25\n0.1,-1.55\n' | prints
expect 0 "JSON" $predict --data points=new.csv --columns id,note --json
printf '{"id":"7","note":"one, \\"two\\"","prediction":3.25}\n{"id":"007","note":"","prediction":-1.55}\n' | prints
expect 0 "standard input" sh -c '"$@" <new.csv' sh $predict --data points=-
printf 'prediction\n3.25\n-1.55\n' | prints
gzip -c new.csv >new.csv.gz
expect 0 "gzip" $predict --data points=new.csv.gz
printf 'prediction\n3.25\n-1.55\n' | prints
expect 0 "a file" $predict --data points=new.csv -o out.csv
printf 'prediction\n3.25\n-1.55\n' | cmp -s - out.csv || fail "-o writes something else"
says 'wrote out.csv: 2 predictions' err

# ---- more than a block: threads and the interpreter print the same -------------------------------------
awk 'BEGIN { print "a,b"; for (i = 0; i < 40000; i++) print i * 0.37 % 9 - 4 "," i * 0.11 % 5 }' >many.csv
expect 0 "one thread" $predict --data points=many.csv --threads 1
cp out one
[ "$(wc -l <one)" -eq 40001 ] || fail "40,000 rows give $(wc -l <one) lines"
expect 0 "three threads" $predict --data points=many.csv --threads 3
cmp -s one out || fail "three threads print something else"
expect 0 "interpreted" $predict --data points=many.csv --interpret
cmp -s one out || fail "the interpreter prints something else"
paste -d, many.csv one | awk -F, 'NR > 1 { d = 2 * $1 + 0.5 * $2 + 0.25 - $3; if (d > 1e-5 || d < -1e-5) bad++ } END { exit bad > 0 }' ||
    fail "predictions are not 2 a + b / 2 + 1 / 4"

# ---- rows as they come: the first is answered before the second is written ------------------------------
mkfifo rows; : >answers       # the file is there before the command in the background opens it
$predict --data points=- --line <rows >answers 2>err &
exec 3>rows
printf 'a,b\n1,2\n' >&3
tries=0
while [ "$(wc -l <answers)" -lt 2 ] && [ $tries -lt 1200 ]; do sleep 0.05; tries=$((tries + 1)); done
printf 'prediction\n3.25\n' | cmp -s - answers || fail "--line keeps the first row's answer back"
printf '0,' >&3
printf '4\n1,1' >&3
exec 3>&-
wait $!
printf 'prediction\n3.25\n2.25\n2.75\n' | cmp -s - answers || { fail "--line"; cat answers err; }

# ---- rows that cannot be read ------------------------------------------------------------------------------
printf 'id,a,b\n1,1,2\n2,1\n3,1,x\n4,NaN,2\n5,,2\n6,2,2\n7,"2,2\n8,3,2\n9,1' >bad.csv
expect 3 "a row that is too short" $predict --data points=bad.csv --columns id
says 'bad.csv:3' err
printf 'id,prediction\n1,3.25\n' | prints
expect 3 "the same to a file" $predict --data points=bad.csv -o none.csv
[ -e none.csv ] && fail "half a file is left"
expect 0 "bad rows skipped" $predict --data points=bad.csv --columns id --skip-bad
printf 'id,prediction\n1,3.25\n6,5.25\n8,7.25\n' | prints
says '6 rows cannot be read and were skipped; the first: bad.csv:3: ' err
for row in '3,1,x:E0405' '4,NaN,2:E0406' '5,,2:E0406' '9,1:E0407' '9,"1:E0409'; do
    expect 3 "standard input with ${row%:*}" sh -c 'row=$1; shift; printf "id,a,b\n1,1,2\n%s" "$row" | "$@"' sh "${row%:*}" $predict --data points=-
    says "${row##*:}" err
    says 'standard input:3' err
done
: >empty.csv
expect 3 "an empty file" $predict --data points=empty.csv
says 'E0411' err
echo a,b >empty.csv
expect 3 "a header alone" $predict --data points=empty.csv
expect 3 "no such file" $predict --data points=nowhere.csv
says 'E0401' err
printf 'a,c\n1,2\n' >other.csv
expect 3 "a column that is not there" $predict --data points=other.csv
says 'no column "b"' err
[ -s out ] && fail "something is printed of rows that lack a column"
expect 3 "an unknown column to repeat" $predict --data points=new.csv --columns nota
says 'did you mean "note"' err
printf '1,2\n' >plain.csv
cat >numbered.sgd <<'END'
data points = csv("train.csv") { x: f32[2] = columns(0..2); y: f32 = column(2) }
model plane(x: f32[2]) -> f32 { param w: f32[2] = [2, 0.5]; param c: f32 = 0.25; return dot(x, w) + c }
train fit { data = points; minimize = squared(plane(x), y); optimizer = sgd(lr = 0); batch = all; epochs = 1 }
END
expect 3 "a name where there is no header" "$sgdc" predict numbered.sgd --load plane.safetensors --data points=plain.csv --columns id
says 'has no header' err
expect 0 "no header" "$sgdc" predict numbered.sgd --load plane.safetensors --data points=plain.csv --columns 1
printf '1,prediction\n2,3.25\n' | prints

# ---- files of other models, and what is asked for ----------------------------------------------------------
expect 2 "no parameters" "$sgdc" predict plane.sgd
says '--load=FILE' err
expect 3 "no such saved file" "$sgdc" predict plane.sgd --load nowhere.safetensors
sed 's/param c: f32 = 0.25; //; s/ + c / /' plane.sgd >less.sgd
expect 3 "a file that has more" "$sgdc" predict less.sgd --load plane.safetensors
says 'plane.c", which the model of fit has not' err
sed 's/f32\[2\] = \[2, 0.5\]/f32[3] = 0/; s/x: f32\[2\]) /x: f32[2]) /; s/dot(x, w)/dot(x, w[0..2])/' plane.sgd >wider.sgd
expect 3 "a file of another shape" "$sgdc" predict wider.sgd --load plane.safetensors
says 'E0419' err
sed 's/columns("a", "b")/standardize(columns("a", "b"))/' plane.sgd >standard.sgd
expect 3 "a file without statistics" "$sgdc" predict standard.sgd --load plane.safetensors
says 'no statistics' err
expect 1 "other data" $predict --data pionts=new.csv
says 'did you mean `points`' err
expect 2 "over the saved file" $predict -o plane.safetensors
expect 2 "over the program" $predict -o plane.sgd
expect 2 "an option of training" $predict --epochs 3
sed 's/lr = 0/lr = each [0, 0.1]/' plane.sgd >two.sgd
expect 0 "training two" "$sgdc" two.sgd --run -q --save two.safetensors
expect 2 "which of two" "$sgdc" predict two.sgd --load plane.safetensors
says '--run=NAME (fit lr=0, fit lr=0.1)' err
expect 0 "the file says which" "$sgdc" predict two.sgd --load 'two-fit-lr=0.safetensors'
printf 'prediction\n3.25\n10.75\n18.75\n' | prints
expect 0 "the option says which" "$sgdc" predict two.sgd --load plane.safetensors --run 'fit lr=0'
expect 1 "nothing to predict" sh -c 'sed "s/epochs = 1/epochs = 1; predict = none/" plane.sgd >none.sgd; "$1" predict none.sgd --load plane.safetensors' sh "$sgdc"

# ---- statistics of the training rows, units of the target, rows and keep of the program's own file -----------
cat >flat.sgd <<'END'
data points = csv("flat.csv", rows = 0..4, missing = -1) {
  keep    = column("a") >= 0
  x: f32  = standardize(column("a"))
  y: f32  = standardize(column("y"))
}
model m(x: f32) -> f32 { param w: f32 = 0.5; return w * x }
train fit { data = points; minimize = squared(m(x), y); optimizer = sgd(lr = 0); batch = all; epochs = 1 }
END
printf 'a,y\n0,10\n2,14\n4,30\n6,26\n1000,1\n' >flat.csv
expect 0 "training on four rows" "$sgdc" flat.sgd --run -q --save flat.safetensors
printf 'a\n3\n\n1000\nNA\n-2\n' >three.csv
expect 0 "other rows" "$sgdc" predict flat.sgd --load flat.safetensors --data points=three.csv --columns a
says '2 rows were left out by keep' err
# mean 3, deviation sqrt(5); mean 20, deviation sqrt(68): y = 20 + 0.5 (a - 3) sqrt(68 / 5)
awk -F, 'NR > 1 { d = 20 + 0.5 * ($1 - 3) * sqrt(68 / 5) - $2; if (d > 1e-3 || d < -1e-3) bad++; n++ } END { exit bad > 0 || n != 2 }' out ||
    { fail "standardized by other rows"; cat out; }
sed 's/column("a") >= 0/column("y") < 100/' flat.sgd >target.sgd
expect 0 "keep that reads the target" "$sgdc" predict target.sgd --load flat.safetensors --data points=three.csv
says 'keep of data points is not asked' err

# ---- an expression that is standardized: predictions in its units, and through its inverse in those of the file ---
cat >log.sgd <<'END'
data points = csv("log.csv") {
  x: f32    = standardize(2 * column("a"))
  y: f32    = standardize(log(column("y")))
  z: f32[2] = standardize(concat([log(column("y"))], [column("z", missing = mean)]))
}
model m(x: f32) -> f32 { param w: f32 = 2; return w * x }
train fit { data = points; minimize = squared(m(x), y); optimizer = sgd(lr = 0); batch = all; epochs = 1 }
END
printf 'a,y,z\n2,2,5\n4,8,\n2,2,11\n4,8,8\n' >log.csv
expect 0 "training on logarithms" "$sgdc" log.sgd --run -q --save log.safetensors
printf 'a\n3\n5\n2.5\n' >logs.csv
# a: mean 3, deviation 1, so m = 2 (a - 3) = 0, 4, -1; log y: mean log 4, deviation log 2, so y = 4 * 2^m = 4, 64, 2
near() {            # DESCRIPTION: what out holds is what wanted does
    sed 1d out | paste -d, wanted - | awk -F, '{ for (i = 1; i <= NF / 2; i++) { d = $i - $(i + NF / 2); if (!(d < 1e-4 && d > -1e-4)) bad++ } }
        END { exit bad > 0 || NR != 3 }' || { fail "$1"; cat out; }
}
expect 0 "the default" "$sgdc" predict log.sgd --load log.safetensors --data points=logs.csv
printf '1.3862944\n4.1588831\n0.6931472\n' >wanted
near "the default is not in the units of the logarithm"
sed 's/batch = all/predict = exp(undo(y, m(x))); batch = all/' log.sgd >exp.sgd
expect 0 "exp of undo" "$sgdc" predict exp.sgd --load log.safetensors --data points=logs.csv
printf '4\n64\n2\n' >wanted
near "exp(undo(y, e)) is not in the units of the file"
# z[1]: the missing one is 8, the mean of 5, 11 and 8; deviation sqrt(18 / 4)
sed 's/batch = all/predict = undo(z, [m(x), m(x)]); batch = all/' log.sgd >both.sgd
expect 0 "undo of an array" "$sgdc" predict both.sgd --load log.safetensors --data points=logs.csv
printf '1.3862944,8\n4.1588831,16.4852814\n0.6931472,5.8786797\n' >wanted
near "undo of an array of expressions"

# ---- classes ----------------------------------------------------------------------------------------------------
cat >birds.sgd <<'END'
data birds = csv("birds.csv") { x: f32[2] = columns("bill", "mass"); y: label[3] = remap(column("species"), ["Adelie", "Gen,too", "Chin"]) }
model net(x: f32[2]) -> f32[3] { param w: f32[3, 2] = [[1, 0], [0, 1], [0.5, 0.5]]; return w @ x }
train fit { data = birds; minimize = cross_entropy(net(x), y); optimizer = sgd(lr = 0); batch = all; epochs = 1 }
END
printf 'species,bill,mass\nAdelie,1,0\n"Gen,too",0,1\nChin,1,1\n' >birds.csv
expect 0 "training on texts" "$sgdc" birds.sgd --run -q --save birds.safetensors
printf 'bill,mass\n3,1\n-1,4\n2,2\n' >new_birds.csv
expect 0 "classes have names" "$sgdc" predict birds.sgd --load birds.safetensors --data birds=new_birds.csv
printf 'prediction,score_Adelie,"score_Gen,too",score_Chin\nAdelie,3,1,2\n"Gen,too",-1,4,1.5\nAdelie,2,2,2\n' | prints
expect 0 "in JSON" "$sgdc" predict birds.sgd --load birds.safetensors --data birds=new_birds.csv --json
head -1 out >first
printf '{"prediction":"Adelie","scores":{"Adelie":3,"Gen,too":1,"Chin":2}}\n' | cmp -s - first || { fail "classes in JSON"; cat first; }
sed 's/batch = all/predict = argmax(net(x)); batch = all/; s/\["Adelie", "Gen,too", "Chin"\]/[10, 20, 30]/' birds.sgd >numbers.sgd
expect 0 "classes that are numbers" "$sgdc" predict numbers.sgd --load birds.safetensors --data birds=new_birds.csv
printf 'prediction\n10\n20\n10\n' | prints
cat >logit.sgd <<'END'
data d = csv("logit.csv") { x: f32 = column("a"); y: label[2] = remap(column("k"), ["no", "yes"]) }
model m(x: f32) -> f32 { param w: f32 = 2; return w * x }
train fit { data = d; minimize = binary_cross_entropy(m(x), f32(y)); optimizer = sgd(lr = 0); batch = all; epochs = 1 }
END
printf 'a,k\n-1,no\n1,yes\n' >logit.csv
expect 0 "training on a logit" "$sgdc" logit.sgd --run -q --save logit.safetensors
expect 0 "one number for two classes" "$sgdc" predict logit.sgd --load logit.safetensors
printf 'prediction,score\nno,-2\nyes,2\n' | prints
expect 0 "the same in JSON" "$sgdc" predict logit.sgd --load logit.safetensors --json
printf '{"prediction":"no","score":-2}\n{"prediction":"yes","score":2}\n' | prints
cat >code.sgd <<'END'
data d = csv("code.csv") { k: label[3] = remap(column("k"), ["a", "b", "c"]); y: f32 = column("y") }
model m(k: label[3]) -> f32 { param w: f32[3] = [1, 2, 4]; return w[k] }
train fit { data = d; minimize = squared(m(k), y); optimizer = sgd(lr = 0); batch = all; epochs = 1 }
END
printf 'k,y\na,1\nb,1\nc,1\n' >code.csv
expect 0 "training on classes" "$sgdc" code.sgd --run -q --save code.safetensors
printf 'k\nc\nd\na\n' >codes.csv
expect 3 "a class that is none" "$sgdc" predict code.sgd --load code.safetensors --data d=codes.csv
says 'codes.csv:3' err
expect 0 "skipped" "$sgdc" predict code.sgd --load code.safetensors --data d=codes.csv --skip-bad
printf 'prediction\n4\n1\n' | prints
sed 's/remap(column("k"), \["a", "b", "c"\])/column("k") - 1/' code.sgd >shifted.sgd
printf 'k\n3\n4\n1\n' >codes.csv
expect 3 "a number that is no class" "$sgdc" predict shifted.sgd --load code.safetensors --data d=codes.csv
says 'codes.csv:3' err
expect 0 "skipped" "$sgdc" predict shifted.sgd --load code.safetensors --data d=codes.csv --skip-bad
printf 'prediction\n4\n1\n' | prints

# ---- arrays: images without the file of their labels ----------------------------------------------------------
mkdir digits
cp "$source/examples/data/t10k-images-idx3-ubyte.gz" digits
cat >digits.sgd <<'END'
data digits = idx(images = "t10k-images-idx3-ubyte.gz", labels = "t10k-labels-idx1-ubyte.gz", rows = 0..64) {
  x: f32[28, 28] = images / 255
  y: label[10]   = labels
}
model net(x: f32[28, 28]) -> f32[10] = dense(reshape(x, [784]), 10)
train fit { data = digits; minimize = cross_entropy(net(x), y); optimizer = sgd(lr = 0.1); batch = 16; epochs = 3 }
END
SGDC_DATA=$source/examples/data expect 0 "training on digits" "$sgdc" digits.sgd --run -q --save digits.safetensors
expect 0 "digits of a folder" "$sgdc" predict digits.sgd --load digits.safetensors --data digits=digits
[ "$(wc -l <out)" -eq 10001 ] || fail "not all rows of the folder: $(wc -l <out)"
SGDC_DATA=$source/examples/data expect 0 "the program's rows" "$sgdc" predict digits.sgd --load digits.safetensors
[ "$(wc -l <out)" -eq 65 ] || fail "not the program's rows: $(wc -l <out)"
expect 2 "columns of arrays" "$sgdc" predict digits.sgd --load digits.safetensors --data digits=digits --columns 1
says 'rows of a csv' err
exit $failed
