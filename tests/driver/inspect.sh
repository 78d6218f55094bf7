# sgdc inspect: figures of saved files against od and awk, hashes against sha256sum, files of others, damaged files.
# Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $*"; failed=1; }
says() { grep -qF -- "$1" "$2" || { fail "$2 does not say: $1"; cat "$2"; }; }

cat >p.sgd <<'END_OF'
data d = synthetic(rows = 50, seed = 1) { x: f32[2] = standardize([uniform(3, 5), uniform(-1, 1)]); y: f32 = x[0] - 2 * x[1] }
model m(x: f32[2]) -> f32 = dense(tanh(dense(x, 4)), 1)[0]
train fit { data = d; hold_out = 0.2; minimize = squared(m(x), y); optimizer = momentum(lr = each [0.9, 0.1], beta = 0.5); batch = 8
  seed = 7; epochs = 6; keep = best(valid.loss) }
END_OF
"$sgdc" p.sgd --run='fit lr=0.1' -q --save p.safetensors >run.out 2>err || { fail "training"; cat err; }
rm p.sgd                                            # it works without the program
"$sgdc" inspect p.safetensors >out 2>err || { fail "inspect"; cat err; }
"$sgdc" inspect p.safetensors --json >json 2>err || { fail "inspect --json"; cat err; }
[ -s err ] && { fail "it complains"; cat err; }
says 'a training saved by sgdc' out; says 'program    p' out; says 'run        fit lr=0.1' out; says 'seed       7' out
says 'step       30 of 30' out; says 'epoch      6' out; says 'rows       40, 8 a step' out
says 'optimizer state: 17 numbers in 4 tensors' out; says 'statistics of the data: 4 numbers in 2 tensors' out
says 'momentum.v@m.dense.w' out; says 'settings   lr=0.1 momentum.beta=0.5' out
says '"step": 30, "planned": 30, "rows": 40, "batch": 8, "epoch": 6, "settings": {"lr": 0.1, "momentum.beta": 0.5, "momentum.dampening": 0}' json
if command -v sha256sum >/dev/null; then says "$(sha256sum p.safetensors | cut -d' ' -f1) of the file" out; else echo "SKIPPED: no sha256sum"; fi

# Norm, min and max of a tensor, by the offsets of the file's header.
length=$(od -A n -t u4 -N 4 p.safetensors | tr -d ' ')
header=$(tail -c +9 p.safetensors | head -c "$length")
for name in m.dense.w m.dense.2.w momentum.v@m.dense.2.w; do
    range=$(printf '%s' "$header" | sed "s/.*\"$name\":{[^}]*\"data_offsets\":\[\([0-9,]*\)\].*/\1/")
    begin=${range%,*} end=${range#*,}
    od -A n -v -t f4 -j $((8 + length + begin)) -N $((end - begin)) p.safetensors | awk -v name="$name" '
        { for (i = 1; i <= NF; i++) { s += $i * $i; if (!n++ || $i < low) low = $i; if (n == 1 || $i > high) high = $i } }
        END { printf "%s %d %.4g %.4g %.4g\n", name, n, sqrt(s), low, high }'
done >wanted
for name in m.dense.w m.dense.2.w momentum.v@m.dense.2.w; do
    sed "s/.*{\"name\": \"$name\", \"kind\": \"[a-z]*\", \"type\": \"f32\", \"shape\": \[[0-9, ]*\], \"count\": \([0-9]*\), \"norm\": \([^,]*\), \"min\": \([^,]*\), \"max\": \([^,]*\), \"nan\": 0, \"infinite\": 0}.*/\1 \2 \3 \4/" json |
        awk -v name="$name" '{ printf "%s %d %.4g %.4g %.4g\n", name, $1, $2, $3, $4 }'
done >got
cmp wanted got || { cat wanted got; failed=1; }

# Another program's file: types that sgdc does not compute with, zeros, numbers that are none, a name that would move a cursor.
tensors() {     # HEADER-JSON BYTES-AS-PRINTF-FORMAT
    printf "\\$(printf '%o' ${#1})\0\0\0\0\0\0\0%s$2" "$1"
}
tensors '{"a":{"dtype":"F16","shape":[4],"data_offsets":[0,8]},"b\u001b[2J":{"dtype":"I64","shape":[1],"data_offsets":[8,16]},"c":{"dtype":"F8_E5M2","shape":[2],"data_offsets":[16,18]}}' \
    '\0\76\0\300\0\174\1\176\376\377\377\377\377\377\377\377\1\2' >foreign.safetensors
"$sgdc" inspect foreign.safetensors >out 2>err || { fail "a foreign file"; cat err; }
says 'a safetensors file of another program' out
grep -q 'a  *F16\[4\]  *2\.50000  *-2\.00000  *1\.50000  1 nan, 1 infinite$' out || { fail "half precision"; cat out; }
grep -q 'b?\[2J  *I64\[1\]  *2\.00000  *-2\.00000  *-2\.00000$' out || { fail "64-bit whole numbers"; cat out; }
grep -q 'c  *F8_E5M2\[2\]  *-  *-  *-  its numbers are not read$' out || { fail "8-bit floats"; cat out; }
tensors '{"z":{"dtype":"F32","shape":[9007199254740992,9007199254740992,0],"data_offsets":[0,0]},"n":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}' '\0\0\300\177' >empty.safetensors
"$sgdc" inspect empty.safetensors >out 2>err || { fail "no numbers"; cat err; }
grep -q 'n  *f32  *-  *-  *-  1 nan$' out || { fail "nan alone"; cat out; }
tensors '{}' '' >none.safetensors
"$sgdc" inspect none.safetensors >out 2>err || { fail "no tensors"; cat err; }
says 'no tensors' out

# Damaged: one error each.
: >void; head -c 100 p.safetensors >cut; printf 'P5 1 1 255 ' >other; mkdir folder
tensors '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}' 1234 >shape
tensors '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}' 12345 >rest
for file in void cut other shape rest folder nonesuch /dev/zero; do
    "$sgdc" inspect "$file" >out 2>err
    [ $? -eq 3 ] || fail "$file is no exit 3"
    [ "$(grep -c 'error\[' err)" -eq 1 ] && [ ! -s out ] || { fail "$file: not one error"; cat out err; }
done
"$sgdc" inspect >out 2>err; [ $? -eq 2 ] || fail "no file is no exit 2"
exit $failed
