/* Vectors of f32 for the kernels of this folder, which are written once: sixteen lanes where the compiler may use
 * AVX-512, eight where it may use AVX2 with fma. Squares of LANES vectors are transposed in registers. */
#ifndef BENCH_LIMITS_VECTOR_H
#define BENCH_LIMITS_VECTOR_H
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

#if defined __AVX512F__
/* What a register tile holds at most: 24 chains leave registers for the operands of one term. */
enum { LANES = 16, CHAINS = 24 };
typedef __m512 vector;
typedef __m512i integers;

INLINE vector load(const float *at) { return _mm512_loadu_ps(at); }
INLINE void store(float *at, vector v) { _mm512_storeu_ps(at, v); }
INLINE vector spread(float value) { return _mm512_set1_ps(value); }
INLINE vector add(vector a, vector b) { return _mm512_add_ps(a, b); }
INLINE vector subtract(vector a, vector b) { return _mm512_sub_ps(a, b); }
INLINE vector multiply(vector a, vector b) { return _mm512_mul_ps(a, b); }
INLINE vector divide(vector a, vector b) { return _mm512_div_ps(a, b); }
INLINE vector multiply_add(vector a, vector b, vector c) { return _mm512_fmadd_ps(a, b, c); }
INLINE vector largest(vector a, vector b) { return _mm512_max_ps(a, b); }
INLINE vector smallest(vector a, vector b) { return _mm512_min_ps(a, b); }
INLINE float sum_of(vector v) { return _mm512_reduce_add_ps(v); }
INLINE vector of_bytes(const uint8_t *at) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)at)));
}
INLINE vector rounded(vector v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT); }
/* v times 2^power, where power is whole. */
INLINE vector scaled(vector v, vector power) { return _mm512_scalef_ps(v, power); }

INLINE vector pair_sums(vector a, vector b) {
    return _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
}
INLINE vector even_pairs(vector a, vector b) { return _mm512_shuffle_ps(a, b, 0x44); }
INLINE vector odd_pairs(vector a, vector b) { return _mm512_shuffle_ps(a, b, 0xee); }
INLINE vector sums_of_quarters(const vector v[LANES / 4]) {
    vector a = add(_mm512_shuffle_f32x4(v[0], v[1], 0x88), _mm512_shuffle_f32x4(v[0], v[1], 0xdd));
    vector b = add(_mm512_shuffle_f32x4(v[2], v[3], 0x88), _mm512_shuffle_f32x4(v[2], v[3], 0xdd));
    return add(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
}

INLINE void transpose(vector r[LANES]) {
    vector pair[LANES];
#pragma GCC unroll 16
    for (int i = 0; i < LANES; i += 4) {
        vector a = _mm512_unpacklo_ps(r[i], r[i + 1]), b = _mm512_unpackhi_ps(r[i], r[i + 1]);
        vector c = _mm512_unpacklo_ps(r[i + 2], r[i + 3]), d = _mm512_unpackhi_ps(r[i + 2], r[i + 3]);
        pair[i] = _mm512_shuffle_ps(a, c, 0x44), pair[i + 1] = _mm512_shuffle_ps(a, c, 0xee);
        pair[i + 2] = _mm512_shuffle_ps(b, d, 0x44), pair[i + 3] = _mm512_shuffle_ps(b, d, 0xee);
    }
#pragma GCC unroll 16
    for (int i = 0; i < 4; i++) {
        vector a = _mm512_shuffle_f32x4(pair[i], pair[i + 4], 0x88),
               b = _mm512_shuffle_f32x4(pair[i], pair[i + 4], 0xdd);
        vector c = _mm512_shuffle_f32x4(pair[i + 8], pair[i + 12], 0x88);
        vector d = _mm512_shuffle_f32x4(pair[i + 8], pair[i + 12], 0xdd);
        r[i] = _mm512_shuffle_f32x4(a, c, 0x88), r[i + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
        r[i + 4] = _mm512_shuffle_f32x4(b, d, 0x88), r[i + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
}

#elif defined __AVX2__ && defined __FMA__
enum { LANES = 8, CHAINS = 12 };
typedef __m256 vector;
typedef __m256i integers;

INLINE vector load(const float *at) { return _mm256_loadu_ps(at); }
INLINE void store(float *at, vector v) { _mm256_storeu_ps(at, v); }
INLINE vector spread(float value) { return _mm256_set1_ps(value); }
INLINE vector add(vector a, vector b) { return _mm256_add_ps(a, b); }
INLINE vector subtract(vector a, vector b) { return _mm256_sub_ps(a, b); }
INLINE vector multiply(vector a, vector b) { return _mm256_mul_ps(a, b); }
INLINE vector divide(vector a, vector b) { return _mm256_div_ps(a, b); }
INLINE vector multiply_add(vector a, vector b, vector c) { return _mm256_fmadd_ps(a, b, c); }
INLINE vector largest(vector a, vector b) { return _mm256_max_ps(a, b); }
INLINE vector smallest(vector a, vector b) { return _mm256_min_ps(a, b); }
INLINE float sum_of(vector v) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}
INLINE vector of_bytes(const uint8_t *at) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)at)));
}
INLINE vector rounded(vector v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
INLINE vector scaled(vector v, vector power) {
    integers exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(power), 23);
    return _mm256_mul_ps(v, _mm256_castsi256_ps(_mm256_add_epi32(exponent, _mm256_set1_epi32(127 << 23))));
}

INLINE vector pair_sums(vector a, vector b) {
    return _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
}
INLINE vector even_pairs(vector a, vector b) { return _mm256_shuffle_ps(a, b, 0x44); }
INLINE vector odd_pairs(vector a, vector b) { return _mm256_shuffle_ps(a, b, 0xee); }
INLINE vector sums_of_quarters(const vector v[LANES / 4]) {
    return add(_mm256_permute2f128_ps(v[0], v[1], 0x20), _mm256_permute2f128_ps(v[0], v[1], 0x31));
}

INLINE void transpose(vector r[LANES]) {
    vector pair[LANES];
#pragma GCC unroll 8
    for (int i = 0; i < LANES; i += 4) {
        vector a = _mm256_unpacklo_ps(r[i], r[i + 1]), b = _mm256_unpackhi_ps(r[i], r[i + 1]);
        vector c = _mm256_unpacklo_ps(r[i + 2], r[i + 3]), d = _mm256_unpackhi_ps(r[i + 2], r[i + 3]);
        pair[i] = _mm256_shuffle_ps(a, c, 0x44), pair[i + 1] = _mm256_shuffle_ps(a, c, 0xee);
        pair[i + 2] = _mm256_shuffle_ps(b, d, 0x44), pair[i + 3] = _mm256_shuffle_ps(b, d, 0xee);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2f128_ps(pair[i], pair[i + 4], 0x20);
        r[i + 4] = _mm256_permute2f128_ps(pair[i], pair[i + 4], 0x31);
    }
}
#else
#error "bench/limits has kernels for AVX-512 and for AVX2 with fma"
#endif

/* The sum of each of LANES vectors, as the lanes of one. */
INLINE vector sums_of(const vector v[LANES]) {
    vector four[LANES / 4];
#pragma GCC unroll 4
    for (int i = 0; i < LANES / 4; i++) {
        vector a = pair_sums(v[4 * i], v[4 * i + 1]), b = pair_sums(v[4 * i + 2], v[4 * i + 3]);
        four[i] = add(even_pairs(a, b), odd_pairs(a, b));
    }
    return sums_of_quarters(four);
}

/* e^v, to about two units in the last place where neither end of the range is near. */
INLINE vector exponential(vector v) {
    static const float factor[] = {1.f / 720, 1.f / 120, 1.f / 24, 1.f / 6, 0.5f, 1, 1};
    v = largest(smallest(v, spread(88)), spread(-87));
    vector power = rounded(multiply(v, spread(1.44269504f)));
    vector rest = multiply_add(power, spread(-0.693359375f), v);
    rest = multiply_add(power, spread(2.12194440e-4f), rest);
    vector value = spread(factor[0]);
#pragma GCC unroll 6
    for (int i = 1; i < 7; i++) value = multiply_add(value, rest, spread(factor[i]));
    return scaled(value, power);
}

/* to[column][row] = from[row][column] of one square. */
INLINE void transpose_square(const float *from, size_t from_row, float *to, size_t to_row) {
    vector r[LANES];
#pragma GCC unroll 16
    for (size_t i = 0; i < LANES; i++) r[i] = load(from + i * from_row);
    transpose(r);
#pragma GCC unroll 16
    for (size_t i = 0; i < LANES; i++) store(to + i * to_row, r[i]);
}
#endif
