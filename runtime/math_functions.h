/* math_functions: the functions of math.inc in C, and the meaning of the few ops where C offers a choice.
 *
 * Compile users of this header with -ffp-contract=off (an fma is where it is written, nowhere else) and, for
 * speed, with -O3 -fno-math-errno -fno-trapping-math, so that loops over these functions become vector code;
 * none of them changes a bit.
 */
#ifndef SGDRT_MATH_FUNCTIONS_H
#define SGDRT_MATH_FUNCTIONS_H
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define MATH_F32 float
#define MATH_F64 double
#define MATH_U32 uint32_t
#define MATH_U64 uint64_t
#define MATH_BOOL bool
#define MATH_FUNCTION(type, name) __attribute__((always_inline, unused)) static inline type math_##name
#define MATH_CALL(name) math_##name
#define MATH_TAKE
#define MATH_GIVE
#define MATH_C32(x) ((float)(x))
#define MATH_C64(x) ((double)(x))
#define MATH_I32(n) ((uint32_t)(n))
#define MATH_I64(n) ((uint64_t)(n))
#define MATH_ADD(a, b) ((a) + (b))
#define MATH_SUB(a, b) ((a) - (b))
#define MATH_MUL(a, b) ((a) * (b))
#define MATH_DIV(a, b) ((a) / (b))
#define MATH_FMA(a, b, c) _Generic((a), float : __builtin_fmaf, double : __builtin_fma)((a), (b), (c))
#define MATH_NEG(a) (-(a))
#define MATH_ABS(a) _Generic((a), float : __builtin_fabsf, double : __builtin_fabs)(a)
#define MATH_FLOOR(a) _Generic((a), float : __builtin_floorf, double : __builtin_floor)(a)
#define MATH_SQRT(a) _Generic((a), float : __builtin_sqrtf, double : __builtin_sqrt)(a)
#define MATH_LT(a, b) ((a) < (b))
#define MATH_EQ(a, b) ((a) == (b))
#define MATH_SELECT(c, a, b) ((c) ? (a) : (b))
#define MATH_AND(a, b) ((a) & (b))
#define MATH_NOT(a) (!(a))
#define MATH_IADD(a, b) ((a) + (b))
#define MATH_ISUB(a, b) ((a) - (b))
#define MATH_IMUL(a, b) ((a) * (b))
#define MATH_IAND(a, b) ((a) & (b))
#define MATH_IOR(a, b) ((a) | (b))
#define MATH_IXOR(a, b) ((a) ^ (b))
#define MATH_ISHL(a, n) ((a) << (n))
#define MATH_ISHR(a, n) ((a) >> (n))
#define MATH_ISAR(a, n) _Generic((a), uint32_t : math_sar_u32, uint64_t : math_sar_u64)((a), (n))
#define MATH_IEQ(a, b) ((a) == (b))
#define MATH_BITS32(x) math_bits_f32(x)
#define MATH_BITS64(x) math_bits_f64(x)
#define MATH_REAL32(n) math_real_u32(n)
#define MATH_REAL64(n) math_real_u64(n)
#define MATH_WIDEN(x) ((double)(x))
#define MATH_NARROW(x) ((float)(x))
#define MATH_LOW32(n) ((uint32_t)(n))
#define MATH_F32_OF_I32(n) ((float)(int32_t)(n))
#define MATH_F64_OF_I32(n) ((double)(int32_t)(n))

MATH_FUNCTION(uint32_t, sar_u32)(uint32_t a, int n) { return (uint32_t)((int32_t)a >> n); }
MATH_FUNCTION(uint64_t, sar_u64)(uint64_t a, int n) { return (uint64_t)((int64_t)a >> n); }
MATH_FUNCTION(uint32_t, bits_f32)(float x) {
    uint32_t n;
    memcpy(&n, &x, sizeof n);
    return n;
}
MATH_FUNCTION(uint64_t, bits_f64)(double x) {
    uint64_t n;
    memcpy(&n, &x, sizeof n);
    return n;
}
MATH_FUNCTION(float, real_u32)(uint32_t n) {
    float x;
    memcpy(&x, &n, sizeof x);
    return x;
}
MATH_FUNCTION(double, real_u64)(uint64_t n) {
    double x;
    memcpy(&x, &n, sizeof x);
    return x;
}

#include "math.inc"
#include "random.inc"

/* ops.def's max and min, and its cast of a real to an integer: towards zero, saturating, NaN to 0. */
MATH_FUNCTION(float, max_f32)(float a, float b) { return a >= b || a != a ? a : b; }
MATH_FUNCTION(float, min_f32)(float a, float b) { return a <= b || a != a ? a : b; }
MATH_FUNCTION(double, max_f64)(double a, double b) { return a >= b || a != a ? a : b; }
MATH_FUNCTION(double, min_f64)(double a, double b) { return a <= b || a != a ? a : b; }
MATH_FUNCTION(int32_t, max_i32)(int32_t a, int32_t b) { return a >= b ? a : b; }
MATH_FUNCTION(int32_t, min_i32)(int32_t a, int32_t b) { return a <= b ? a : b; }
MATH_FUNCTION(int32_t, i32_of_f64)(double x) {
    double y = x != x ? 0 : x < -2147483648.0 ? -2147483648.0 : x > 2147483647.0 ? 2147483647.0 : x;
    return (int32_t)y;
}
MATH_FUNCTION(int32_t, i32_of_f32)(float x) { return math_i32_of_f64(x); }
/* rounding towards minus infinity; divisor > 0 */
MATH_FUNCTION(int32_t, floordiv_i32)(int32_t a, int32_t b) { return a / b - (a % b < 0); }
MATH_FUNCTION(int32_t, mod_i32)(int32_t a, int32_t b) {
    int32_t r = a % b;
    return r < 0 ? r + b : r;
}
/* i32 arithmetic wraps */
MATH_FUNCTION(int32_t, add_i32)(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }
MATH_FUNCTION(int32_t, sub_i32)(int32_t a, int32_t b) { return (int32_t)((uint32_t)a - (uint32_t)b); }
MATH_FUNCTION(int32_t, mul_i32)(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }

#endif
