# What an application hands over for an array of npy(...): as its file holds it, or as declared where there is no file.
# Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2 failed=0
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
fail() { echo "FAILED: $*"; cat err; failed=1; }
program() {         # ARGUMENTS OF npy
    cat <<END
data things = npy($1) { x: f32[3] = pixels / 255; m: bool[2] = mask; n: f32 = day / 1e6 }
model net(x: f32[3], m: bool[2], n: f32) -> f32 = dense(concat(x, f32(m), [n]), 1)[0]
train fit { data = things; minimize = squared(net(x, m, n), 1); optimizer = sgd(lr = 0.1) }
END
}
takes() { tr -s ' ' <h.h | grep -q "net_rows(int64_t rows, $1) {"; }
for file in bytes truths whole; do cp "$source/tests/golden/array_$file.npy" . || exit 2; done
mkdir away

program 'pixels = "array_bytes.npy", mask = "array_truths.npy", day = "array_whole.npy"' >net.sgd
"$sgdc" net.sgd --emit=header=h.h 2>err && [ ! -s err ] || fail "with the files"
takes 'const uint8_t \*x, const uint8_t \*m, const int32_t \*n' || fail "types of the files"
cp net.sgd away
"$sgdc" away/net.sgd --emit=header=h.h --data things=nowhere 2>err || fail "without the files"
[ "$(grep -c W0317 err)" -eq 3 ] && grep -q 'say it: npy(pixels: f32 = ' err || fail "what is not known is told"
takes 'const float \*x, const uint8_t \*m, const float \*n' || fail "types of the fields"
program 'pixels: u8 = "array_bytes.npy", mask: bool = "array_truths.npy", day: i32 = "array_whole.npy"' >away/net.sgd
"$sgdc" away/net.sgd --emit=header=h.h --data things=nowhere 2>err && [ ! -s err ] || fail "declared"
takes 'const uint8_t \*x, const uint8_t \*m, const int32_t \*n' || fail "types as declared"
"$sgdc" net.sgd --run -q >want 2>err || fail "a training"
cp away/net.sgd declared.sgd
"$sgdc" declared.sgd --run -q >got 2>err || fail "a training as declared"
sed 's/ [0-9.]* [a-z]*s$//' want >a; sed 's/ [0-9.]* [a-z]*s$//' got >b; cmp -s a b || fail "not the same bits"
exit $failed
