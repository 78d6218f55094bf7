# The model of the machine: what is read of caches, what is not believed, what is measured and kept; schedules follow it, and bits do
# not. SGDC_MACHINE stands for /sys/devices/system/cpu. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
export XDG_CACHE_HOME="$scratch/caches" SGDC_CACHE="$scratch/kept"
failed=0
fail() { echo "FAILED: $*"; failed=1; }

cache() {           # FOLDER INDEX LEVEL TYPE SIZE LINE
    mkdir -p "$1/cpu0/cache/index$2"
    printf '%s\n' "$3" >"$1/cpu0/cache/index$2/level"
    printf '%s\n' "$4" >"$1/cpu0/cache/index$2/type"
    printf '%s\n' "$5" >"$1/cpu0/cache/index$2/size"
    printf '%s\n' "$6" >"$1/cpu0/cache/index$2/coherency_line_size"
}
machine() {         # FOLDER L1 L2 L3 LINE: "-": it has none
    cache "$1" 0 1 Data "$2" "$5"
    cache "$1" 1 1 Instruction 64K "$5"
    cache "$1" 2 2 Unified "$3" "$5"
    [ "$4" = - ] || cache "$1" 3 3 Unified "$4" "$5"
}
machine usual 32K 512K 4096K 64
machine tiny 4K 16K - 64
machine huge 1M 64M 4G 64
machine lines 64K 512K 8M 128
machine apart 32K 512K - 64
# What no cache is, or what contradicts itself.
machine zero 0 0 0 0
machine words small -1 1Q x
machine beyond 99999999999999999999K 9223372036854775807G 1T 4096
machine smaller 512K 32K 16M 64
mkdir nothing
mkdir -p folders/cpu0/cache/index0/level folders/cpu0/cache/index0/size folders/cpu0/cache/index0/type

expect() {          # FOLDER FIGURE WHAT
    [ -f "table.$1" ] || SGDC_MACHINE=$scratch/$1 "$sgdc" --machine >"table.$1" || fail "--machine of $1"
    got=$(sed -n "s/^$2  *//p" "table.$1" | tr -s ' ')
    [ "$got" = "$3" ] || fail "of $1, the $2 is \"$got\", not \"$3\""
}
expect usual "first level of the caches" "32 KB read"
expect tiny "third level, of several" "none read"
expect huge "third level, of several" "4194304 KB read"
expect lines "lines of the caches" "128 bytes read"
# Whether a latency is believed depends on who else uses the caches.
defaults() { grep -v latency | grep -c default; }
default=$(SGDC_MACHINE=$scratch/nothing "$sgdc" --machine | defaults)
for folder in zero words beyond smaller folders; do
    SGDC_MACHINE=$scratch/$folder "$sgdc" --machine >table 2>err || { fail "--machine of $folder"; cat err; }
    [ "$(defaults <table)" = "$default" ] || { fail "something of $folder is believed"; cat table; }
done

# What was measured is kept for this processor, as long as it is whole.
SGDC_MACHINE=$scratch/usual "$sgdc" --machine >table
grep -q measured table || fail "nothing is measured"
kept=$(ls -t "$SGDC_CACHE" | head -1)
cp "$SGDC_CACHE/$kept" entry
cat >net.sgd <<'END'
data rows = synthetic(rows = 300, seed = 2) {
  x: f32[90] ~ normal(0, 1)
  y: f32[70] ~ normal(0, 1)
  i: f32[3, 12, 12] ~ normal(0, 1)
}
model net(x: f32[90]) -> f32[70] = dense(tanh(dense(relu(dense(x, 130)), 150)), 70)
model image(i: f32[3, 12, 12]) -> f32[70] = dense(flatten(relu(conv2d(i, 20, 3))), 70)
train fit  { data = rows; minimize = mse(net(x), y); optimizer = sgd(lr = 0.1); batch = 64; epochs = 2 }
train seen { data = rows; minimize = mse(image(i), y); optimizer = adam(lr = 0.01); batch = 50; epochs = 1 }
END
loops() { SGDC_MACHINE=$scratch/$1 "$sgdc" net.sgd --cpu=native --emit=loops=- >"loops.$1" || fail "--emit=loops of $1"; }
loops usual
for text in '' x 'l1 4096' "$(printf 'vector_bytes 0\n%0200d' 0)"; do
    printf '%s' "$text" >"$SGDC_CACHE/$kept"
    SGDC_MACHINE=$scratch/usual "$sgdc" net.sgd --cpu=native --emit=loops=- >loops.broken || fail "kept '$text'"
done
dd if=/dev/urandom of="$SGDC_CACHE/$kept" bs=400 count=1 2>/dev/null
SGDC_MACHINE=$scratch/usual "$sgdc" net.sgd --cpu=native --emit=loops=- >loops.broken || fail "noise is kept"
SGDC_MACHINE=$scratch/usual "$sgdc" --machine >table && cmp -s "$SGDC_CACHE/$kept" loops.broken && fail "it is not written anew"
[ "$(head -c 64 "$SGDC_CACHE/$kept")" = "$(tail -c +65 "$SGDC_CACHE/$kept" | sha256sum | cut -c-64)" ] || fail "what is written is not whole"
[ -z "$(find "$SGDC_CACHE" -name '*.*')" ] || fail "unfinished files are left"
SGDC_CACHE=off SGDC_MACHINE=$scratch/usual "$sgdc" --machine >out 2>err && grep -q SGDC_CACHE err || fail "without a folder"

# Schedules follow the model, bits do not; nor is code of one machine taken for another.
train() { SGDC_MACHINE=$scratch/$1 "$sgdc" net.sgd -O1 --run -q --save "$1.safetensors" >"out.$1" 2>&1 || { fail "$1 trains"; cat "out.$1"; }; }
train usual
for folder in tiny huge lines; do
    loops $folder
    train $folder
    for run in fit seen; do cmp usual-$run.safetensors $folder-$run.safetensors || fail "other bits on $folder, $run"; done
done
for folder in tiny huge; do cmp -s loops.usual loops.$folder && fail "schedules of $folder are those of usual"; done
# Threads that meet in memory share less; of what fits the first level less is packed, and less is cut.
loops apart
count() { grep -cE "$2" "loops.$1"; }
[ "$(count apart ', threads')" -lt "$(count usual ', threads')" ] || fail "threads share as much where they meet in memory"
[ "$(count huge '^ +packed.* = s')" -lt "$(count tiny '^ +packed.* = s')" ] || fail "as much is packed for a huge first level"
[ "$(count huge 'for block')" -lt "$(count tiny 'for block')" ] || fail "as much is cut for a huge first level"
# Runs train together as far as their states fit the second level.
cat >sweep.sgd <<'END'
data rows = synthetic(rows = 64, seed = 2) { x: f32[40] ~ normal(0, 1); y: f32 ~ normal(0, 1) }
model line(x: f32[40]) -> f32 = dense(tanh(dense(x, 40)), 1)[0]
train fit { data = rows; minimize = mse(line(x), y); optimizer = sgd(lr = each [0.1, 0.2]); batch = 16; epochs = 2 }
END
for folder in usual tiny; do
    SGDC_TOGETHER=all SGDC_CACHE=off SGDC_MACHINE=$scratch/$folder "$sgdc" sweep.sgd --run -v >out 2>&1 || { fail "a sweep on $folder"; cat out; }
    grep -q 'take their steps together' out && echo "$folder"
done >beside
[ "$(cat beside)" = usual ] || fail "runs train together on: $(cat beside)"
SGDC_CACHE=off SGDC_MACHINE=$scratch/tiny "$sgdc" net.sgd -O1 --run -q --save alone.safetensors >out 2>&1
cmp alone-fit.safetensors usual-fit.safetensors || fail "other bits without kept code"
files=$(ls "$SGDC_CACHE" | wc -l)
train tiny
[ "$(ls "$SGDC_CACHE" | wc -l)" = "$files" ] || fail "code that was kept is compiled again"
machine mine 8K 40K 100K 64
train mine
[ "$(ls "$SGDC_CACHE" | wc -l)" -gt "$files" ] || fail "code for one machine is taken for another"

# What is made for a processor by name does not depend on this one.
case $("$sgdc" --version) in *x86-64*) cpu=x86-64-v3 ;; *) cpu=generic ;; esac
for folder in usual tiny; do SGDC_MACHINE=$scratch/$folder "$sgdc" net.sgd --cpu=$cpu --emit=asm=- >"asm.$folder" 2>err || cat err; done
[ -s asm.usual ] && cmp asm.usual asm.tiny || fail "code for $cpu depends on the machine at hand"
exit $failed
