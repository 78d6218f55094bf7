#!/bin/sh
# --emit=so: one file with all of the C API, and nothing else to be seen of it: an application trains with it, linked or
# loaded, to the bits of --run. Every linker that is here makes one.
#     shared_object.sh SGDC RUNTIME_LIBRARY SOURCE_FOLDER      (in an empty folder; CC may be set)
set -eu
sgdc=$1 runtime=$2 source=$3 embed=$3/tests/embed
cc=${CC:-cc}
fail() { echo "FAILED: $*" >&2; exit 1; }

"$sgdc" "$embed/classify.sgd" --emit=so,header,manifest=classify.json -o ./
"$sgdc" "$embed/online.sgd" --cpu=native --emit=so=online.so,deps=online.d
grep -q '^online\.so: ' online.d || fail "make is told of another file: $(cat online.d)"
"$sgdc" "$embed/online.sgd" --cpu=native --emit=so=- >printed.so
cmp online.so printed.so || fail "the shared object on stdout is another"
readelf --wide --dynamic online.so | grep -q 'SONAME.*\[online.so\]' || fail "online.so is not called so"

# What the header declares is there, versioned, and so is what the manifest lists; nothing else is.
exported() {
    nm --dynamic --defined-only --with-symbol-versions "$1" |
        awk '$2 != "A" { if ($3 !~ /@@(SGDC_1|SGDRT_0)$/) print "FAILED: " $3 " has no version" > "/dev/stderr"
                         sub(/@.*/, "", $3); print $3 }' | sort -u
}
tr '\n' ' ' <classify.h | sed 's:/\*[^*]*\*/: :g; s:{[^}]*}:;:g; s:;:;\n:g' | grep -v '#define' |
    grep -o '[a-z_0-9]*([^()]*) *;*$' | sed 's/(.*//' | grep '^\(classify\|sgdrt\)_' | sort -u >declared
exported classify.so >there
cmp declared there || { diff declared there >&2; fail "the shared object exports something else than its header declares"; }
[ "$(wc -l <there)" -ge 25 ] || fail "only $(wc -l <there) functions"
grep -o '"symbol": "[a-z_]*"' classify.json | cut -d'"' -f4 | sort >listed
grep classify_ there | cmp - listed || fail "the manifest lists other functions"
readelf --wide --dynamic classify.so | grep -q TEXTREL && fail "the shared object is not position independent"

# It asks for functions of the libraries that it names alone.
nm --dynamic --undefined-only --with-symbol-versions classify.so |
    awk '$1 != "w" && $2 !~ /@|^cJSON_|^__(asan|ubsan)_/ { print "FAILED: it needs " $2 " of no library"; bad = 1 } END { exit bad }' >&2

# The application of run.sh, which is linked with libsgdrt for what it reads itself. No -l is needed for the model alone.
"$sgdc" "$embed/classify.sgd" --run -q --save trained.safetensors >run.txt
warn="-std=c11 -Wall -Wextra -Werror"
cat >alone.c <<'END_OF_C'
#include "classify.h"
int main(void) { return classify_fit(0, 0, 0, 0, 0) == 0; }
END_OF_C
$cc $warn alone.c ./classify.so -Wl,-rpath,"$PWD" -o alone
./alone
$cc $warn -I. -I"$source/runtime" "$embed/classify.c" ./classify.so "$runtime" -lz -lcjson -lpthread -lm \
    -Wl,-rpath,"$PWD" -o linked
linkers=
for linker in ld ld.lld ld.gold mold; do
    command -v $linker >linker.txt || continue
    rm classify.so
    LD=$linker "$sgdc" "$embed/classify.sgd" --cpu=native --emit=so -o ./
    exported classify.so | cmp there - || fail "$linker exports something else"
    ./linked "$embed/points.csv" trained.safetensors scratch.safetensors
    linkers="$linkers $linker"
done
[ -n "$linkers" ] || fail "no linker was tried"

# Loaded by name, as other languages do; two models of one name side by side, in any scope; NAME_rows as a function.
for slope in 2 3; do
    mkdir -p with$slope
    cat >with$slope/same.sgd <<END_OF_SGD
data d { x: f32; y: f32 }
model m(x: f32) -> f32 { param w: f32 = $slope; param b: f64 = 7; return w * x + f32(b) - 7 }
train fit { data = d; minimize = squared(m(x), y); predict = m(x); optimizer = sgd(lr = 0); batch = 1; epochs = 1 }
END_OF_SGD
    "$sgdc" with$slope/same.sgd --cpu=native --emit=so,header
done
cat >loads.c <<'END_OF_C'
#include "with2/same.h"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
static void *library;
#define FIND(function) \
    void *function##_at = dlsym(library, "same_" #function); \
    memcpy(&function, &function##_at, sizeof function)
static float ask(const char *path, int scope) {
    int (*new)(same **, const sgdc_options *), (*fit)(same *, const same_data *, const same_data *, sgdc_callback *, void *),
        (*evaluate)(const same *, const same_data *, float *), (*set_threads)(same *, int),
        (*predict)(const same *, const same_data *, float *, void *), (*save_memory)(const same *, void **, size_t *),
        (*load_memory)(same *, const void *, size_t);
    void *(*parameter_data)(same *, const char *, const int64_t **, int *), *bytes, *b;
    void (*free_bytes)(void *);
    int64_t (*steps)(const same *);
    size_t length;
    same_data (*rows)(int64_t, const float *, const float *);
    void (*free)(same *);
    float x = 1, y = 0, answer = -1, figures[SAME_FIGURES];
    same *m;
    library = dlopen(path, RTLD_NOW | scope);
    if (!library) return fprintf(stderr, "%s\n", dlerror()), -1;
    FIND(new); FIND(fit); FIND(evaluate); FIND(set_threads); FIND(predict); FIND(rows); FIND(free);
    FIND(save_memory); FIND(load_memory); FIND(parameter_data); FIND(free_bytes); FIND(steps);
    same_data row = rows(1, &x, &y);
    if (new(&m, 0) || set_threads(m, 2) || fit(m, &row, 0, 0, 0) || evaluate(m, &row, figures) || predict(m, &row, &answer, 0))
        return -1;
    b = parameter_data(m, "m.b", NULL, NULL);
    if (!b || *(double *)b != 7 || steps(m) != 1 || save_memory(m, &bytes, &length)) return -1;
    *(double *)b = 8;
    if (load_memory(m, bytes, length) || *(double *)b != 7 || parameter_data(m, "m.c", NULL, NULL)) return -1;
    free_bytes(bytes);
    free(m);
    return figures[0] > 0 ? answer : -1;
}
int main(int argc, char **argv) {
    int scope = argc > 1 && !strcmp(argv[1], "global") ? RTLD_GLOBAL : RTLD_LOCAL;
    float two = ask("./with2/same.so", scope), three = ask("./with3/same.so", scope);
    if (two == 2 && three == 3) return 0;
    return fprintf(stderr, "%s: %g and %g for 2 and 3\n", argv[1], (double)two, (double)three), 1;
}
END_OF_C
$cc $warn loads.c -ldl -o loads
./loads local
./loads global

# What cannot be is one sentence, and leaves nothing.
refuses() { # EXIT-CODE TEXT OPTIONS...
    wanted=$1 text=$2 code=0
    shift 2
    "$@" "$sgdc_path" "$embed/online.sgd" --cpu=native $options --emit=so=never.so >said 2>&1 || code=$?
    [ $code = "$wanted" ] && grep -q -- "$text" said && [ "$(wc -l <said)" = 1 ] || { cat said >&2; fail "$text: exit $code"; }
    [ ! -e never.so ] || fail "$text: leaves a file"
}
case $sgdc in /*) sgdc_path=$sgdc ;; *) sgdc_path=$PWD/$sgdc ;; esac
mkdir empty temporary
options=
refuses 3 'install binutils or lld' env PATH="$PWD/empty"
refuses 3 'the linker false failed' env LD=false TMPDIR="$PWD/temporary"
refuses 3 'the linker nolinker cannot be started' env LD=nolinker
refuses 3 'cannot be linked: .*/none/sgdc-' env TMPDIR="$PWD/none"
options="--target=aarch64-linux-gnu --cpu=neoverse-n1"
[ "$(uname -m)" = x86_64 ] || options="--target=x86_64-linux-gnu --cpu=x86-64-v2"
refuses 2 'for this machine alone' env
[ -z "$(ls temporary)" ] || fail "temporary files are left"
