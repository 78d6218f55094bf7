/* fma.inc against the C library's fma, which rounds once on the machines that build sgdc: sums that cancel, denormals, the
 * ends of the range, ties, and what is no number. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "embedded/fma.inc"

static uint64_t state = 1;
static uint64_t next(void) {
    uint64_t z = state += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static double of_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double with_exponent(uint64_t exponent) { return of_bits((next() & 0x800fffffffffffffull) | exponent << 52); }

static double some_number(void) {
    static const double edges[] = {0,      -0.0,    1,       -1,      INFINITY, -INFINITY, NAN,
                                   5e-324, -5e-324, DBL_MIN, DBL_MAX, -DBL_MAX, 0.5,       3};
    switch (next() % 6) {
    case 0: return of_bits(next());
    case 1: return with_exponent(1023 - 30 + next() % 60);
    case 2: return with_exponent(next() % 60);
    case 3: return with_exponent(2046 - next() % 60);
    case 4:
        return of_bits((next() & 0x8000000000000000ull) | (next() % 2047) << 52 | 1ull << next() % 52 |
                       1ull << next() % 52);
    default: return edges[next() % (sizeof edges / sizeof *edges)];
    }
}

Test(fma_in_integers, rounds_once) {
    int wrong = 0;
    for (int i = 0; i < 3000000 && wrong < 5; i++) {
        double a = some_number(), b = some_number(), c = some_number();
        if (i % 4 == 0) c = of_bits(bits_of(-(a * b)) + next() % 5 - 2);
        double got = sgd_fma(a, b, c), want = fma(a, b, c);
        bool same = bits_of(got) == bits_of(want) || (got != got && want != want);
        cr_expect(same, "fma(%a, %a, %a) is %a, not %a", a, b, c, want, got);
        wrong += !same;
    }
}
