# Objects for other machines: --target and --cpu, and what is said of wrong ones. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 line=$2/examples/line.sgd
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
failed=0
fail() { echo "FAILED: $*"; failed=1; }
refuses() {         # TEXT OPTIONS...
    text=$1; shift
    "$sgdc" "$line" "$@" -o ./ >out 2>err && fail "$* is taken"
    grep -q -- "$text" err || { fail "$* is not told: $text"; cat err; }
    [ ! -f line.o ] || fail "$* writes an object"
}
machine() { od -An -tu1 -j18 -N1 line.o | tr -d ' '; }      # e_machine: 62 is x86-64, 183 aarch64

refuses 'not for "sparc64-linux-gnu"' --target=sparc64-linux-gnu
refuses 'not for "aarch64-apple-macos"' --target=aarch64-apple-macos
refuses 'not for "aarch64"' --target=aarch64
refuses 'did you mean neoverse-n1' --target=aarch64-linux-gnu --cpu=neoverse-m1
refuses 'did you mean x86-64-v2' --target=x86_64-linux-gnu --cpu=x86-64-v9
refuses '"haswell" of aarch64' --target=aarch64-linux-gnu --cpu=haswell
refuses 'haswell is one of x86_64: --target=x86_64-linux-gnu' --target=aarch64-linux-gnu --cpu=haswell
refuses 'cortex-a72 is one of aarch64: --target=aarch64-linux-gnu' --target=x86_64-linux-gnu --cpu=cortex-a72
refuses '"bar"' --target=x86_64-linux-gnu --cpu=bar
for target in foo x86_64 x86_64-linux x86_64-linux- x86_64-linux-gnux32 x86_64-xxx-linux-yyy x86_64-apple-linux-macho \
              x86_64-windows-linux aarch64_be-linux-gnu aarch64-linux-gnu_ilp32 i686-linux-gnu wasm32-unknown-unknown; do
    refuses "not for \"$target\"" --target=$target
    "$sgdc" "$line" --target=$target -o ./ 2>err
    [ $? = 2 ] || fail "--target=$target does not exit with 2"
    [ "$(grep -c error err)" = 1 ] && ! grep -qi llvm err || fail "--target=$target is not one error of sgdc's"
done
for target in x86_64-pc-linux-gnu x86_64-unknown-linux-musl; do
    "$sgdc" "$line" --target=$target -o ./ || fail "$target is refused"
done
rm -f line.o
"$sgdc" "$line" --target=aarch64-linux-gnu --run 2>err && fail "--run for another machine is taken"
grep -q 'leave out either' err || fail "--run with --target is not explained"

for cpu in '' --cpu=generic --cpu=cortex-a72 --cpu=neoverse-v2; do
    "$sgdc" "$line" --target=aarch64-linux-gnu $cpu -o ./ || fail "aarch64 $cpu"
    [ "$(machine)" = 183 ] || fail "the object for aarch64 $cpu is none"
    rm -f line.o
done
"$sgdc" "$line" --target=x86_64-linux-gnu -o ./ || fail x86_64
[ "$(machine)" = 62 ] || fail "the object for x86_64 is none"
"$sgdc" "$line" --target=x86_64-linux-gnu --emit=asm --cpu=x86-64-v4 | grep -q zmm || fail "no AVX-512 for x86-64-v4"
"$sgdc" "$line" --target=aarch64-linux-gnu --emit=asm >asm || fail "assembly of aarch64"
grep -q 'fmla.*\.4s' asm || fail "no fma on four lanes for aarch64"
grep -q 'msr.*FPCR, xzr' asm || fail "the control register of aarch64 is not set"
exit $failed
