# What is said of the data before training: headers that were found, who trains and validates, plans; and files that are
# no files. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
says() { grep -qF -- "$1" "$2" || { echo "FAILED: $2 does not say: $1"; cat "$2"; failed=1; }; }

cat >d.sgd <<'END'
data d = csv("d.csv") { x: f32 = column(0); y: f32 = column(1) }
model m(x: f32) -> f32 { param w: f32 = 0; return w * x }
train fit { data = d; hold_out = 0.2; minimize = squared(m(x), y); optimizer = sgd(lr = 0.01); batch = 2; epochs = 3 }
END
rows() { for i in 1 2 3 4 5 6 7 8 9 10; do printf '%s%s%s\n' "$i" "$1" "$i"; done; }

rows , >d.csv
"$sgdc" d.sgd --run >out 2>err || failed=1
says 'd: 10 rows of d.csv (no header), 8 train and 2 validate; compiled' err
(echo 'a;b'; rows ';') >d.csv
"$sgdc" d.sgd --dry-run >out 2>err || failed=1
says 'd: 10 rows of d.csv (header found, separated by a semicolon), 8 train and 2 validate;' err
says 'fit: 8 rows train, 2 validate; 4 steps an epoch, 12 in all; 1 parameters;' out

# A pipe without a writer, a device: one error, at once.
mkfifo pipe
for path in pipe /dev/zero; do
    "$sgdc" d.sgd --run --data "d=$path" >out 2>err
    [ $? -eq 3 ] || { echo "FAILED: $path is no exit 3"; cat err; failed=1; }
done
says 'it is a device, not a file' err
"$sgdc" d.sgd --run --data d=- <d.csv >out 2>err || { echo "FAILED: standard input"; cat err; failed=1; }
rows , | "$sgdc" d.sgd --run --data d=/dev/stdin >out 2>err || { echo "FAILED: a pipe with a writer"; cat err; failed=1; }

# Bombs: copies, classes, rows.
cat >bomb.sgd <<'END'
data d = synthetic(rows = 100, copies = 1099511627776) { x: f32 = uniform(-1, 1); y: label[2147483647] = where(x > 0, 1, 0) }
model m(x: f32) -> f32 { param w: f32 = 0; return w * x }
train fit { data = d; hold_out = split(0.2, by = y); minimize = squared(m(x), 1); optimizer = sgd(lr = 0.01); epochs = 1 }
END
"$sgdc" bomb.sgd --run >out 2>err && failed=1
says 'GB of memory' err
sed -i 's/, copies = [0-9]*//' bomb.sgd
"$sgdc" bomb.sgd --run >out 2>err || { echo "FAILED: many classes"; cat err; failed=1; }
sed -i 's/rows = 100/rows = 1099511627776/' bomb.sgd
"$sgdc" bomb.sgd --run >out 2>err && failed=1
says 'error[E0416]' err
exit $failed
