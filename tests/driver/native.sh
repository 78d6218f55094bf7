# SGDC_NATIVE: what "native" means at most, to sgdc and to the objects it makes. Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2 line=$2/examples/line.sgd
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
unset SGDC_NATIVE
native=$("$sgdc" --version | sed -n 's/.*native: x86-64-v\([2-4]\).*/\1/p')
[ -n "$native" ] || { echo "skipped: no level of x86-64 here"; exit 77; }
failed=0
fail() { echo "FAILED: $*"; failed=1; }

for bad in v3 x86-64-v1 x86-64-v33 native ' x86-64-v3'; do
    SGDC_NATIVE=$bad "$sgdc" "$line" --run >out 2>err
    [ $? -eq 2 ] || fail "SGDC_NATIVE='$bad' is not wrong usage"
    [ "$(grep -c error err)" = 1 ] && grep -q "SGDC_NATIVE says \"$bad\"" err || { fail "SGDC_NATIVE='$bad'"; cat err; }
done
"$sgdc" "$line" --run -q >want
for level in 2 3 4; do
    least=$((level < native ? level : native))
    export SGDC_NATIVE=x86-64-v$level
    "$sgdc" --version | grep -q "native: x86-64-v$least)" || fail "$SGDC_NATIVE on x86-64-v$native is not said by --version"
    "$sgdc" "$line" --run -q >got || fail "$SGDC_NATIVE --run"
    sed 's/ steps .*//' want >want.masked; sed 's/ steps .*//' got | cmp - want.masked || fail "$SGDC_NATIVE changes bits"
    "$sgdc" "$line" --cpu=native --emit=asm >asm
    [ $least -gt 3 ] || ! grep -q zmm asm || fail "$SGDC_NATIVE: code with AVX-512"
    [ $least -gt 2 ] || ! grep -q ymm asm || fail "$SGDC_NATIVE: code with AVX"
    [ $least -eq 4 ] && continue
    "$sgdc" "$line" --run --cpu=x86-64-v$((least + 1)) >out 2>err && fail "$SGDC_NATIVE runs code for a higher level"
    grep -q E0602 err || fail "$SGDC_NATIVE: a higher level is refused, but not as E0602"
done
unset SGDC_NATIVE

# An object that carries all levels takes none above.
cat >level.c <<'END'
#include "line.h"
#include "model.h"
int main(void) {
    line *m;
    int status = line_new(&m, 0);
    const sgdrt_instance *i = (const void *)m;
    return status ? 100 + status : (int)i->model->level[i->code - i->model->code];
}
END
"$sgdc" "$line" -o ./ && ${CC:-cc} -I. -I"$source/runtime" level.c line.o -lm -o level || fail "the application is not built"
for level in 2 3 4; do
    SGDC_NATIVE=x86-64-v$level ./level
    got=$?
    [ $got -eq $((level < native ? level : native)) ] || fail "under x86-64-v$level NAME_new takes code for level $got"
done
SGDC_NATIVE=none ./level
[ $? -eq 111 ] || fail "NAME_new takes SGDC_NATIVE=none"
exit $failed
