/* math.inc in C: errors in units in the last place against the C library in the next wider type, special
 * values as in C's Annex F, and the same bits from scalar and vector code. Samples by default;
 * SGDC_EXHAUSTIVE=1 in the environment goes through all 2^32 arguments of the f32 functions (about five
 * minutes), of lgamma and digamma through all above 0 (about twenty). */
#include "math_functions.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "vector_clones.h"

enum { BLOCK = 4096 };

static uint64_t next_random(uint64_t *state) {
    *state += 0x9e3779b97f4a7c15ull;
    return math_mix_u64(*state);
}

/* The size of a unit in the last place at r; r rounds to a finite number. */
static double ulp_f32(double r) {
    int exponent;
    frexp(r, &exponent);
    return ldexp(1, (exponent < -125 ? -125 : exponent) - 24);
}

static long double ulp_f64(long double r) {
    int exponent;
    frexpl(r, &exponent);
    return ldexpl(1, (exponent < -1021 ? -1021 : exponent) - 53);
}

/* Error in ulp; infinite if one is NaN or infinite or has another zero's sign and the other is not. */
static double error_f32(float got, double exact) {
    float want = (float)exact;
    if ((got == want && signbit(got) == signbit(want)) || (got != got && want != want)) return 0;
    if (got != got || want != want || isinf(got) || isinf(want) || (got == 0 && want == 0)) return INFINITY;
    return fabs((double)got - exact) / ulp_f32(exact);
}

static double error_f64(double got, long double exact) {
    double want = (double)exact;
    if ((got == want && signbit(got) == signbit(want)) || (got != got && want != want)) return 0;
    if (got != got || want != want || isinf(got) || isinf(want) || (got == 0 && want == 0)) return INFINITY;
    return (double)(fabsl((long double)got - exact) / ulp_f64(exact));
}

static double sigmoid_exact(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static long double sigmoid_exactl(long double x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }

/* ---- one argument ------------------------------------------------------------------------ */

/* clang-format off */
#define EACH_FUNCTION(F)                             \
    F(exp, exp, expl, 0.9, 1)                        \
    F(log, log, logl, 0.9, 1)                        \
    F(sin, sin, sinl, 1.6, 1.5)                      \
    F(cos, cos, cosl, 1.6, 1.5)                      \
    F(tanh, tanh, tanhl, 2.6, 2.6)                   \
    F(sigmoid, sigmoid_exact, sigmoid_exactl, 2.6, 2.6) \
    F(erf, erf, erfl, 1.2, 1.2)                      \
    F(expm1, expm1, expm1l, 0.51, 2)                 \
    F(log1p, log1p, log1pl, 0.51, 1.6)               \
    F(exp2, exp2, exp2l, 0.51, 1.2)                  \
    F(log2, log2, log2l, 0.51, 0.51)                 \
    F(asin, asin, asinl, 0.51, 2.2)                  \
    F(acos, acos, acosl, 0.51, 1.3)                  \
    F(atan, atan, atanl, 0.51, 2.2)                  \
    F(sinh, sinh, sinhl, 0.51, 2.5)                  \
    F(cosh, cosh, coshl, 0.51, 1.6)                  \
    F(erfc, erfc, erfcl, 0.51, 4)                    \
    F(round, rint, rintl, 0, 0)
/* clang-format on */

#define LOOPS(name, exact, exactl, ulp32, ulp64)                           \
    VECTOR_CLONES(name##_loop_f32, (const float *x, float *y), (x, y)) {   \
        for (int i = 0; i < BLOCK; i++) y[i] = math_##name##_f32(x[i]);    \
    }                                                                      \
    VECTOR_CLONES(name##_loop_f64, (const double *x, double *y), (x, y)) { \
        for (int i = 0; i < BLOCK; i++) y[i] = math_##name##_f64(x[i]);    \
    }                                                                      \
    static float name##_alone_f32(float x) { return math_##name##_f32(x); }
EACH_FUNCTION(LOOPS)

typedef struct Function {
    const char *name;
    void (*loop_f32)(const float *, float *);
    void (*loop_f64)(const double *, double *);
    float (*alone_f32)(float);
    double (*exact)(double);
    long double (*exactl)(long double);
    double ulp32, ulp64;
} Function;

static const Function functions[] = {
#define ROW(name, exact, exactl, ulp32, ulp64) \
    {#name, name##_loop_f32, name##_loop_f64, name##_alone_f32, exact, exactl, ulp32, ulp64},
    EACH_FUNCTION(ROW)};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static void check_f32(const Function *f, uint64_t first, uint64_t stride) {
    static float x[BLOCK], y[BLOCK];
    double worst = 0, at = 0;
    for (uint64_t bits = first; bits < 1ull << 32; bits += BLOCK * stride) {
        for (int i = 0; i < BLOCK; i++) x[i] = math_real_u32((uint32_t)(bits + (uint64_t)i * stride));
        f->loop_f32(x, y);
        for (int i = 0; i < BLOCK; i++) {
            double error = error_f32(y[i], f->exact((double)x[i]));
            if (error > worst) {
                worst = error;
                at = x[i];
            }
        }
        for (int i = 0; i < BLOCK; i += 97) {
            float alone = f->alone_f32(x[i]);
            cr_assert(alone == y[i] || (alone != alone && y[i] != y[i]), "%s(%a) is %a alone, %a in a vector", f->name,
                      (double)x[i], (double)alone, (double)y[i]);
        }
    }
    cr_expect(worst <= f->ulp32, "%s_f32 is %.3f ulp off at %a", f->name, worst, at);
}

Test(math_functions, f32_within_stated_error) {
    bool all = getenv("SGDC_EXHAUSTIVE") != NULL;
    for (int f = 0; f < FUNCTIONS; f++) check_f32(&functions[f], 0, all ? 1 : 8009);
}

/* Positive and negative, at a step of `BLOCK` around every f32 exponent's beginning and around the
 * thresholds. */
Test(math_functions, f32_near_powers_of_two) {
    static float x[BLOCK], y[BLOCK];
    for (int f = 0; f < FUNCTIONS; f++) {
        for (uint32_t exponent = 0; exponent < 512; exponent++) {
            for (int i = 0; i < BLOCK; i++) x[i] = math_real_u32((exponent << 23) + (uint32_t)i - BLOCK / 2);
            functions[f].loop_f32(x, y);
            for (int i = 0; i < BLOCK; i += 5) {
                double error = error_f32(y[i], functions[f].exact((double)x[i]));
                cr_assert(error <= functions[f].ulp32, "%s_f32 is %.3f ulp off at %a", functions[f].name, error,
                          (double)x[i]);
            }
        }
    }
}

static double sample_f64(const Function *f, uint64_t *state, int kind) {
    uint64_t bits = next_random(state);
    bool periodic = f->exactl == sinl || f->exactl == cosl;
    double range = periodic ? 0x1p30 : 760, fraction = (double)(int64_t)bits * 0x1p-63;
    if (kind == 0) return fraction * range;
    if (kind == 1) return fraction * 4;
    double any = math_real_u64(bits);
    return periodic && !(fabs(any) < 0x1p30) ? fraction : any;
}

Test(math_functions, f64_within_stated_error) {
    static double x[BLOCK], y[BLOCK];
    uint64_t state = 1;
    for (int f = 0; f < FUNCTIONS; f++) {
        for (int k = 0; k < 150; k++) {
            for (int i = 0; i < BLOCK; i++) x[i] = sample_f64(&functions[f], &state, k % 3);
            functions[f].loop_f64(x, y);
            for (int i = 0; i < BLOCK; i++) {
                double error = error_f64(y[i], functions[f].exactl((long double)x[i]));
                cr_assert(error <= functions[f].ulp64, "%s_f64 is %.3f ulp off at %a", functions[f].name, error, x[i]);
            }
        }
    }
}

Test(math_functions, special_values) {
    const double special[] = {0.0,       -0.0,     INFINITY,  -INFINITY, (double)NAN,    1,
                              -1,        0x1p-149, -0x1p-149, 0x1p-1074, -0x1p-1074,     0x1p-126,
                              0x1p-1022, 88.72,    88.73,     -87.4,     -103.9,         -104.1,
                              709.7,     709.8,    -745.1,    -745.2,    0x1.fffffep127, -0x1.fffffep127};
    static float x[BLOCK], y[BLOCK];
    static double x64[BLOCK], y64[BLOCK];
    const int count = sizeof special / sizeof *special;
    for (int i = 0; i < count; i++) {
        x[i] = (float)special[i];
        x64[i] = special[i];
    }
    for (int f = 0; f < FUNCTIONS; f++) {
        functions[f].loop_f32(x, y);
        functions[f].loop_f64(x64, y64);
        bool periodic = functions[f].exactl == sinl || functions[f].exactl == cosl;
        for (int i = 0; i < count; i++) {
            cr_expect(error_f32(y[i], functions[f].exact((double)x[i])) <= functions[f].ulp32, "%s_f32(%a) is %a",
                      functions[f].name, (double)x[i], (double)y[i]);
            if (periodic && fabs(x64[i]) >= 0x1p30)
                cr_expect(y64[i] != y64[i], "%s_f64(%a) is %a", functions[f].name, x64[i], y64[i]);
            else
                cr_expect(error_f64(y64[i], functions[f].exactl((long double)x64[i])) <= functions[f].ulp64,
                          "%s_f64(%a) is %a", functions[f].name, x64[i], y64[i]);
        }
    }
}

/* ---- the gamma function ----------------------------------------------------------------------- */

/* A small power as products: powl would take most of the time of gamma_in_f32. */
static long double raised(long double x, int n) {
    long double r = 1;
    while (n-- > 0) r *= x;
    return r;
}

/* The n-th derivative of digamma in long double: steps up to 30, then the asymptotic series. */
static long double polygamma_exactl(long double x, int n) {
    static const long double bernoulli[] = {1 / 6.0L,  -1 / 30.0L,     1 / 42.0L, -1 / 30.0L,
                                            5 / 66.0L, -691 / 2730.0L, 7 / 6.0L};
    long double steps = 0, factorial = 1;
    for (int i = 2; i <= n; i++) factorial *= i;
    for (; x < 30; x += 1) steps += factorial / raised(x, n + 1);
    long double r = n == 0 ? 0.5L / x - logl(x) : factorial / n / raised(x, n) + factorial / 2 / raised(x, n + 1);
    for (int k = 1; k <= 7; k++) {
        long double rising = n == 0 ? 1 / (2.0L * k) : 1;
        for (int i = 2 * k + 1; i < 2 * k + n; i++) rising *= i;
        r += bernoulli[k - 1] * rising / raised(x, 2 * k + n);
    }
    return n % 2 ? r + steps : -(r + steps);
}
static long double digamma_exactl(long double x) { return polygamma_exactl(x, 0); }
static long double trigamma_exactl(long double x) { return polygamma_exactl(x, 1); }
static long double tetragamma_exactl(long double x) { return polygamma_exactl(x, 2); }

VECTOR_CLONES(lgamma_loop_f64, (const double *x, double *y), (x, y)) {
    for (int i = 0; i < BLOCK; i++) y[i] = math_lgamma_f64(x[i]);
}
VECTOR_CLONES(digamma_loop, (const double *x, double *y), (x, y)) {
    for (int i = 0; i < BLOCK; i++) y[i] = math_polygamma_f64(x[i], 0);
}
VECTOR_CLONES(trigamma_loop, (const double *x, double *y), (x, y)) {
    for (int i = 0; i < BLOCK; i++) y[i] = math_polygamma_f64(x[i], 1);
}
VECTOR_CLONES(tetragamma_loop, (const double *x, double *y), (x, y)) {
    for (int i = 0; i < BLOCK; i++) y[i] = math_polygamma_f64(x[i], 2);
}

/* Each function of one number is measured here or above. */
static __attribute__((unused)) void (*const measured[])(const double *, double *) = {
#define FUNCTION(NAME, name) name##_loop_f64,
#include "functions.def"
};

/* ulp: of x >= 0. long double does not resolve the zero of digamma: digamma_at_its_zero. */
typedef struct Gamma {
    const char *name;
    void (*loop)(const double *, double *);
    long double (*exactl)(long double);
    double ulp;
} Gamma;
static const Gamma gammas[] = {{"lgamma", lgamma_loop_f64, lgammal, 5.5},
                               {"digamma", digamma_loop, digamma_exactl, 4.5},
                               {"trigamma", trigamma_loop, trigamma_exactl, 6},
                               {"tetragamma", tetragamma_loop, tetragamma_exactl, 8}};
enum { GAMMAS = sizeof gammas / sizeof *gammas };

Test(math_functions, gamma_within_stated_error) {
    static double x[BLOCK], y[BLOCK];
    uint64_t state = 3;
    for (int f = 0; f < GAMMAS; f++) {
        for (int k = 0; k < 12; k++) {
            for (int i = 0; i < BLOCK; i++) {
                double fraction = (double)(next_random(&state) >> 11) * 0x1p-53;
                x[i] = k % 3 == 0 ? 20 * fraction : k % 3 == 1 ? 3 * fraction : exp(400 * fraction - 200);
            }
            gammas[f].loop(x, y);
            for (int i = 0; i < BLOCK; i++) {
                long double exact = gammas[f].exactl((long double)x[i]);
                double error = fabsl((long double)y[i] - exact) < 1e-17L ? 0 : error_f64(y[i], exact);
                cr_assert(error <= gammas[f].ulp, "%s is %.3f ulp off at %a", gammas[f].name, error, x[i]);
            }
        }
    }
}

/* By its slope there, 0.96767..., times what the zero's last 64 bits are. */
Test(math_functions, digamma_at_its_zero) {
    double exact = -0x1.b86a722197829p-54 * 0.96767224544762;
    cr_expect(fabs(math_polygamma_f64(0x1.762d86356be3fp+0, 0) - exact) <= 1e-12 * fabs(exact));
}

/* f32 is the rounded f64; the zeros of lgamma and digamma, near which that would show, are among them. */
Test(math_functions, gamma_in_f32) {
    uint32_t stride = getenv("SGDC_EXHAUSTIVE") != NULL ? 1 : 80021;
    for (uint32_t bits = 1; bits < 0x7f800000u; bits += stride) {
        float x = math_real_u32(bits);
        double lgamma_error = error_f32(math_lgamma_f32(x), lgamma((double)x));
        double digamma_error = error_f32(math_polygamma_f32(x, 0), (double)digamma_exactl((long double)x));
        cr_assert(lgamma_error <= 0.51 && digamma_error <= 0.51, "at %a: lgamma %.3f, digamma %.3f ulp off", (double)x,
                  lgamma_error, digamma_error);
    }
}

Test(math_functions, gamma_below_zero) {
    static double x[BLOCK], y[BLOCK];
    for (int i = 0; i < BLOCK; i++) x[i] = -8 * (i + 0.37) / BLOCK;
    lgamma_loop_f64(x, y);
    for (int i = 0; i < BLOCK; i++) {
        long double exact = lgammal((long double)x[i]);
        cr_assert(fabsl((long double)y[i] - exact) <= 10 * 0x1p-53L * (8 + fabsl(exact)), "lgamma(%a) is %a", x[i],
                  y[i]);
    }
    const long double pi = 3.14159265358979323846L;
    for (int n = 0; n < 3; n++) {
        gammas[n + 1].loop(x, y);
        for (int i = 0; i < BLOCK; i++) {
            long double v = (long double)x[i], c = cosl(pi * v) / sinl(pi * v), s = 1 + c * c;
            long double transposed = n == 0 ? c : n == 1 ? -pi * s : 2 * pi * pi * c * s;
            long double mirrored = polygamma_exactl(1 - v, n) * (n % 2 ? -1 : 1), exact = mirrored - pi * transposed;
            long double larger = fabsl(pi * transposed) + fabsl(mirrored) + 1;
            cr_assert(fabsl((long double)y[i] - exact) <= 0x1p-46L * larger, "%s(%a) is %a", gammas[n + 1].name, x[i],
                      y[i]);
        }
    }
}

Test(math_functions, gamma_of_special_values) {
    cr_expect_eq(math_lgamma_f64(1), 0);
    cr_expect_eq(math_lgamma_f64(2), 0);
    cr_expect_eq(math_lgamma_f64(0), INFINITY);
    cr_expect_eq(math_lgamma_f64(-3), INFINITY);
    cr_expect_eq(math_lgamma_f64(-INFINITY), INFINITY);
    cr_expect_eq(math_lgamma_f64(INFINITY), INFINITY);
    cr_expect_eq(math_lgamma_f64(1e306), INFINITY);
    cr_expect_eq(math_polygamma_f64(0.0, 0), -INFINITY);
    cr_expect_eq(math_polygamma_f64(-0.0, 0), INFINITY);
    cr_expect_eq(math_polygamma_f64(INFINITY, 0), INFINITY);
    cr_expect_eq(math_polygamma_f64(INFINITY, 1), 0);
    cr_expect_eq(math_polygamma_f64(0, 1), INFINITY);
    cr_expect(isnan(math_lgamma_f64((double)NAN)) && isnan(math_polygamma_f64(-2, 0)));
    cr_expect(isnan(math_polygamma_f64((double)NAN, 0)) && isnan(math_polygamma_f64((double)NAN, 1)));
}

/* ---- angles of points -------------------------------------------------------------------------- */
VECTOR_CLONES(atan2_loop, (const double *y, const double *x, double *z), (y, x, z)) {
    for (int i = 0; i < BLOCK; i++) z[i] = math_atan2_f64(y[i], x[i]);
}

static void check_atan2(const double *y, const double *x) {
    static double z[BLOCK];
    atan2_loop(y, x, z);
    for (int i = 0; i < BLOCK; i++) {
        float y32 = (float)y[i], x32 = (float)x[i], z32 = math_atan2_f32(y32, x32);
        double error = error_f64(z[i], atan2l((long double)y[i], (long double)x[i]));
        cr_assert(error <= 2.2, "atan2(%a, %a) is %a", y[i], x[i], z[i]);
        cr_assert(error_f32(z32, atan2((double)y32, (double)x32)) <= 0.51, "atan2(%a, %a) is %a in f32", (double)y32,
                  (double)x32, (double)z32);
    }
}

Test(math_functions, atan2_within_stated_error) {
    static double x[BLOCK], y[BLOCK];
    uint64_t state = 4;
    for (int k = 0; k < 60; k++) {
        for (int i = 0; i < BLOCK; i++) {
            uint64_t a = next_random(&state), b = next_random(&state);
            y[i] = k % 2 ? (double)math_real_u32((uint32_t)a) : (double)(int64_t)a * 0x1p-61;
            x[i] = k % 2 ? (double)math_real_u32((uint32_t)b) : (double)(int64_t)b * 0x1p-61;
        }
        check_atan2(y, x);
    }
}

/* ---- powers ------------------------------------------------------------------------------ */

VECTOR_CLONES(pow_loop_f32, (const float *x, const float *y, float *z), (x, y, z)) {
    for (int i = 0; i < BLOCK; i++) z[i] = math_pow_f32(x[i], y[i]);
}

VECTOR_CLONES(pow_loop_f64, (const double *x, const double *y, double *z), (x, y, z)) {
    for (int i = 0; i < BLOCK; i++) z[i] = math_pow_f64(x[i], y[i]);
}

static const double pow_special[] = {0.0,
                                     -0.0,
                                     1,
                                     -1,
                                     0.5,
                                     -0.5,
                                     2,
                                     -2,
                                     3,
                                     -3,
                                     4,
                                     -5,
                                     0.25,
                                     1e30,
                                     -1e30,
                                     16777217,
                                     9007199254740993.0,
                                     INFINITY,
                                     -INFINITY,
                                     (double)NAN,
                                     0x1p-149,
                                     -0x1p-1074};
enum { SPECIALS = sizeof pow_special / sizeof *pow_special };

static void check_pow(const double *x64, const double *y64) {
    static float x[BLOCK], y[BLOCK], z[BLOCK];
    static double z64[BLOCK];
    for (int i = 0; i < BLOCK; i++) {
        x[i] = (float)x64[i];
        y[i] = (float)y64[i];
    }
    pow_loop_f32(x, y, z);
    pow_loop_f64(x64, y64, z64);
    for (int i = 0; i < BLOCK; i++) {
        cr_assert(error_f32(z[i], pow((double)x[i], (double)y[i])) <= 0.51, "%a ^ %a is %a in f32", (double)x[i],
                  (double)y[i], (double)z[i]);
        cr_assert(error_f64(z64[i], powl((long double)x64[i], (long double)y64[i])) <= 1.2, "%a ^ %a is %a in f64",
                  x64[i], y64[i], z64[i]);
    }
}

Test(math_functions, pow_within_stated_error) {
    static double x[BLOCK], y[BLOCK];
    uint64_t state = 2;
    for (int k = 0; k < 120; k++) {
        for (int i = 0; i < BLOCK; i++) {
            uint64_t a = next_random(&state), b = next_random(&state);
            bool wide = k % 2;
            x[i] = wide ? (double)math_real_u32((uint32_t)a) : (double)(a >> 11) * 0x1p-49;
            y[i] = wide ? (double)math_real_u32((uint32_t)b) : (double)(int64_t)b * 0x1p-57;
        }
        check_pow(x, y);
    }
}

Test(math_functions, atan2_of_special_values) {
    static double x[BLOCK], y[BLOCK];
    for (int i = 0; i < BLOCK; i++) {
        x[i] = pow_special[i % SPECIALS];
        y[i] = pow_special[i / SPECIALS % SPECIALS];
    }
    check_atan2(y, x);
}

Test(math_functions, pow_of_special_values) {
    static double x[BLOCK], y[BLOCK];
    for (int i = 0; i < BLOCK; i++) {
        x[i] = pow_special[i % SPECIALS];
        y[i] = pow_special[i / SPECIALS % SPECIALS];
    }
    check_pow(x, y);
}

Test(math_functions, integer_powers_square_from_the_top) {
    float x = 1.1f, x2 = x * x, x4 = x2 * x2, x5 = x4 * x, x10 = x5 * x5;
    cr_expect_eq(math_powi_f32(x, 10), x10);
    cr_expect_eq(math_powi_f32(x, -10), 1 / x10);
    cr_expect_eq(math_powi_f32(0.0f, 0), 1.0f);
    cr_expect_eq(math_powi_f64(-2, 63), -0x1p63);
    cr_expect_eq(math_powi_f64(2, INT64_MIN), 0);
}

Test(math_functions, integers_of_reals_saturate) {
    cr_expect_eq(math_i32_of_f32(2.9f), 2);
    cr_expect_eq(math_i32_of_f32(-2.9f), -2);
    cr_expect_eq(math_i32_of_f32(3e9f), INT32_MAX);
    cr_expect_eq(math_i32_of_f64(-1e300), INT32_MIN);
    cr_expect_eq(math_i32_of_f32(NAN), 0);
    cr_expect_eq(math_floordiv_i32(-7, 2), -4);
    cr_expect_eq(math_mod_i32(-7, 2), 1);
}
