# The training loop allocates nothing: thousands of epochs more, not a malloc for any of them. (LLVM's own number of
# allocations varies by some dozens from run to run.) Arguments: SGDC SOURCE_FOLDER
set -u
sgdc=$1 source=$2
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 2
if ldd "$sgdc" | grep -q libasan; then echo "skipped under sanitizers, which have a malloc of their own"; exit 0; fi
cat >count.c <<'END'
#define _GNU_SOURCE
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <stdio.h>
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
static long calls;
void *malloc(size_t n) { __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED); return __libc_malloc(n); }
void *calloc(size_t m, size_t n) { __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED); return __libc_calloc(m, n); }
void *realloc(void *p, size_t n) { __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED); return __libc_realloc(p, n); }
void *aligned_alloc(size_t a, size_t n) { __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED); return __libc_memalign(a, n); }
__attribute__((destructor)) static void report(void) {
    char text[64];
    int length = snprintf(text, sizeof text, "mallocs %ld\n", calls);
    if (write(2, text, (size_t)length) < 0) _exit(1);
}
END
${CC:-cc} -O1 -shared -fPIC count.c -o count.so || exit 2
cat >net.sgd <<'END'
data rings = synthetic(rows = 103, seed = 3) {
  x: f32[2] = [uniform(-1, 1), uniform(-1, 1)]
  y: f32    = where(x[0]^2 + x[1]^2 > 0.5, 1, 0)
}
model net(x: f32[2]) -> f32 { h = dropout(tanh(dense(x, 16)), 0.2); return dense(h, 1)[0] }
metric right(z: real, y: real) = batch_mean(f32((2 * y - 1) * z > 0))
train fit {
  data      = rings
  hold_out  = 0.2
  minimize  = binary_cross_entropy(net(x), y)
  measure accuracy = right(net(x), y)
  optimizer = adam(lr = 0.01)
  batch     = 10
  report    = every 1 epochs
  stop      = stalled(valid.loss, 100000 epochs)
  keep      = best(valid.loss)
}
END
count() { LD_PRELOAD=$PWD/count.so "$sgdc" net.sgd --run --progress=none --set epochs="$1" --log log.csv 2>&1 >/dev/null | sed -n 's/^mallocs //p'; }
few=$(count 5) many=$(count 5000)
[ -n "$few" ] && [ -n "$many" ] || { echo "FAILED: nothing was counted"; exit 1; }
[ $((many - few)) -lt 1000 ] || { echo "FAILED: $few allocations in 5 epochs, $many in 5000"; exit 1; }
