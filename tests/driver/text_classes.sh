# Texts of a csv as classes: remap(column("kind"), ["red", "blue"]). What is learnt is what the same file with numbers in
# the texts' place gives, to the bit. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $*"; failed=1; }
says() { grep -qF -- "$1" "$2" || { fail "$2 does not say: $1"; cat "$2"; }; }

awk 'BEGIN { print "size,color,kind"
    for (i = 0; i < 60; i++) { s = (i * 37) % 60; print s / 10 "," (i % 4 < 2 ? "red" : "\"dark, blue\"") "," (s < 20 ? "small" : s < 40 ? "middle" : "1") }
}' >words.csv
sed 's/"dark, blue"/1/; s/red/0/; s/,1$/,2/; s/small/0/; s/middle/1/' words.csv >numbers.csv
program() {     # FILE COLOR KIND
    cat <<EOF
data d = csv("$1") { x: f32 = standardize(column("size")); c: label[2] = $2; y: label[3] = $3 }
model m(x: f32, c: label[2]) -> f32[3] = dense(tanh(dense(concat([x], one_hot(c)), 8)), 3)
train fit { data = d; hold_out = split(0.2, by = y); minimize = cross_entropy(m(x, c), y); measure right = accuracy(m(x, c), y)
  optimizer = adam(lr = 0.05); batch = 8; epochs = 5 }
EOF
}
program words.csv 'remap(column("color"), ["red", "dark, blue"])' 'remap(column("kind"), ["small", "middle", "1"])' >words.sgd
program numbers.csv 'column("color")' 'column("kind")' >numbers.sgd
for p in words numbers; do
    "$sgdc" $p.sgd --run -q --threads=1 --save $p.safetensors >$p.out 2>err || { fail "$p"; cat err; }
    sed -i 's/  [0-9.]* [a-z]*s$//' $p.out
done
cmp words.out numbers.out || { cat words.out numbers.out; failed=1; }
for p in words numbers; do tail -c 400 $p.safetensors >$p.end; done
cmp words.end numbers.end || fail "parameters differ"

"$sgdc" words.sgd --emit=header=- >out 2>err || { fail "header"; cat err; }
says 'labels 0 .. 2: small, middle, 1' out; says 'labels 0 .. 1: red, dark, blue' out

bad() {     # WHAT EXIT CODE-AND-PLACE MESSAGE: of words.csv, as bad.csv, read by bad.sgd
    "$sgdc" bad.sgd --run -q >out 2>err
    [ $? -eq "$2" ] || fail "$1: the exit code is not $2"
    says "$3" err; says "$4" err
}
sed 's/words.csv/bad.csv/' words.sgd >bad.sgd
sed '5s/small/smal/' words.csv >bad.csv
sed '5s/middle/smal/' -i bad.csv; sed '5s/,1$/,smal/' -i bad.csv
bad "unlisted" 3 'bad.csv:5:' '"smal" is not among the 3 texts that remap lists (field y)'
says '"small" is near' err
sed '7s/red\|"dark, blue"/NA/' words.csv >bad.csv
bad "missing" 3 'bad.csv:7:' '"NA" stands for a missing value (column "color")'
# Rows that keep leaves out may hold anything; a class may be named like a missing value.
sed 's/bad.csv")/bad.csv", missing = -1)/; s/{ x: f32/{ keep = column("size") > 0; x: f32/' -i bad.sgd
sed '7s/^[^,]*,\(red\|"dark, blue"\),[a-z0-9]*/-1,purple,NA/' words.csv >bad.csv
"$sgdc" bad.sgd --run -q >out 2>err || { fail "keep leaves such rows out"; cat err; }
sed '7s/red\|"dark, blue"/NA/' words.csv >bad.csv
bad "missing and kept" 3 'error[E0404]' 'the value is missing, and -1, which stands for it, is no class (field c)'
sed 's/\["red"/["NA", "red"/; s/label\[2\]/label[3]/g' -i bad.sgd
"$sgdc" bad.sgd --run -q >out 2>err || { fail "a class named NA"; cat err; }

program words.csv 'remap(column("color"), ["red", "red"])' 'remap(column("kind"), ["small", 1, "x"])' >bad.sgd
bad "twice, and mixed" 1 'remap names "red" twice: it cannot be class 0 and class 1' 'a text to number'
printf 'data d = npy(a = "a.npy") { y: label[2] = remap(a, ["p", "q"]) }\nmodel m() -> f32[2] { param w: f32[2] = 0; return w }\ntrain fit { data = d; minimize = cross_entropy(m(), y); optimizer = sgd(lr = 0.1) }\n' >bad.sgd
bad "of npy" 1 'bad.sgd:1:49' 'only a csv holds texts'
# With a decimal comma, texts with commas and points stay what they are.
printf 'a;b\n1,5;"x,y"\n2,5;z.w\n' >comma.csv
printf 'data d = csv("comma.csv", delimiter = ";", decimal = ",") { x: f32 = column("a"); y: label[2] = remap(column("b"), ["x,y", "z.w"]) }\nmodel m(x: f32) -> f32[2] = dense([x], 2)\ntrain fit { data = d; minimize = cross_entropy(m(x), y); optimizer = sgd(lr = 0.1) }\n' >comma.sgd
"$sgdc" comma.sgd --run -q >out 2>err || { fail "decimal commas"; cat err; }
# Of one of several data sets new rows have the classes of the saved file too, in whatever order they come.
printf 'moss,1\ntwigs,2\nmud,3\n' >nests.csv
printf 'twigs,2\nmud,3\nmud,3\nmoss,1\n' >turned.csv
printf 'twigs,2\nmud,3\nleaves,4\n' >leaves.csv
cat >two.sgd <<'END'
data days = synthetic(rows = 3, seed = 1) { z: f32 ~ uniform(0, 1) }
data nests = csv("nests.csv") { k: label[3] = classes(column(0)); y: f32 = column(1) }
model nest(k: label[3]) -> f32 { param w: f32[3] = 0; return w[k] }
train fit {
  data      = [days, nests]
  minimize  = squared(nest(nests.k), nests.y) + 0 * days.z
  optimizer = sgd(lr = 3)
  epochs    = 2
  predict   = nest(nests.k)
  measure off = mae(nest(nests.k), nests.y)
}
END
"$sgdc" two.sgd --run -q --save two.safetensors >out 2>err || { fail "two sets"; cat err; }
"$sgdc" predict two.sgd --load two.safetensors --data nests=turned.csv >out 2>err
[ "$(tr '\n' ' ' <out)" = "prediction 2 3 3 1 " ] || { fail "predictions of one of two sets"; cat out err; }
"$sgdc" eval two.sgd --load two.safetensors --data nests=turned.csv >out 2>err
grep -q '^  off  *0.00000$' out || { fail "figures of one of two sets"; cat out err; }
"$sgdc" eval two.sgd --load two.safetensors --data nests=leaves.csv >out 2>err
[ $? -eq 3 ] || fail "a text that no class has is taken"
says '"leaves" is none of the 3 classes that training has seen' err
exit $failed
