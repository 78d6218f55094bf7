/* number_round: w * 10^q to the nearest f32 or f64, for the decimals that double arithmetic leaves undecided.
 *
 * 10^q is 2^q 5^b 5^(28 a). w 5^b is exact in 128 bits; its product with the first 128 bits of 5^(28 a) is less than the value,
 * by less than 4 units of the 128th bit. Unless the middle of two floats lies within these, they round alike. Where it does
 * (nearly always because the decimal is that middle) and where w lacks digits that matter, the C library decides, called in the
 * "C" locale whatever the host's is.
 */
#define _GNU_SOURCE
#include "number.h"
#include <locale.h>
#include <math.h>
#include <stdlib.h>

enum { SHORT_TEXT = 128, STEP = 28, LEAST_STEP = -13, STEPS = 25 };

#ifdef __SIZEOF_INT128__
typedef unsigned __int128 Wide;

static const uint64_t power_of_five[STEP] = {
    1,
    5,
    25,
    125,
    625,
    3125,
    15625,
    78125,
    390625,
    1953125,
    9765625,
    48828125,
    244140625,
    1220703125,
    6103515625,
    30517578125,
    152587890625,
    762939453125,
    3814697265625,
    19073486328125,
    95367431640625,
    476837158203125,
    2384185791015625,
    11920928955078125,
    59604644775390625,
    298023223876953125,
    1490116119384765625,
    7450580596923828125,
};

/* The first 128 bits of 5^(28 a), from a = LEAST_STEP on. */
static const uint64_t step_of_five[STEPS][2] = {
    {0xE1AFA13AFBD14D6D, 0x82189C09A3A1EC21}, {0xE3E27A444D8D98B7, 0xFD1B1B2308169B25},
    {0xE61ACF033D1A45DF, 0x6FB92487298E33BD}, {0xE858AD248F5C22C9, 0xD1B3400F8F9CFF68},
    {0xEA9C227723EE8BCB, 0x465E15A979C1CADC}, {0xECE53CEC4A314EBD, 0xA4F8BF5635246428},
    {0xEF340A98172AACE4, 0x86FB897116C87C34}, {0xF18899B1BC3F8CA1, 0xDC44E6C3CB279AC1},
    {0xF3E2F893DEC3F126, 0x5A89DBA3C3EFCCFA}, {0xF64335BCF065D37D, 0x4D4617B5FF4A16D5},
    {0xF8A95FCF88747D94, 0x75A44C6397CE912A}, {0xFB158592BE068D2E, 0xEED6E2F0F0D56712},
    {0xFD87B5F28300CA0D, 0x8BCA9D6E188853FC}, {0x8000000000000000, 0x0000000000000000},
    {0x813F3978F8940984, 0x4000000000000000}, {0x82818F1281ED449F, 0xBFF8F10E7A8921A4},
    {0x83C7088E1AAB65DB, 0x792667C6DA79E0FA}, {0x850FADC09923329E, 0x03E2CF6BC604DDB0},
    {0x865B86925B9BC5C2, 0x0B8A2392BA45A9B2}, {0x87AA9AFF79042286, 0x90FB44D2F05D0842},
    {0x88FCF317F22241E2, 0x441FECE3BDF81F03}, {0x8A5296FFE33CC92F, 0x82BD6B70D99AAA6F},
    {0x8BAB8EEFB6409C1A, 0x1AD089B6C2F7548E}, {0x8D07E33455637EB2, 0xDB0B487B6423E1E8},
    {0x8E679C2F5E44FF8F, 0x570F09EAA7EA7648},
};

/* The number is in value * 2^exponent .. (value + error) * 2^exponent; the highest bit of value is set. */
typedef struct Binary {
    Wide value;
    int exponent;
    unsigned error;
} Binary;

/* The upper half of the product. */
static Wide multiply_high(Wide a, Wide b) {
    uint64_t a1 = (uint64_t)(a >> 64), a0 = (uint64_t)a, b1 = (uint64_t)(b >> 64), b0 = (uint64_t)b;
    Wide upper = (Wide)a1 * b0, lower = (Wide)a0 * b1;
    Wide middle = ((Wide)a0 * b0 >> 64) + (uint64_t)upper + (uint64_t)lower;
    return (Wide)a1 * b1 + (upper >> 64) + (lower >> 64) + (middle >> 64);
}

static Binary binary_of(uint64_t w, int q) {
    int step = (q - LEAST_STEP * STEP) / STEP, power = (step + LEAST_STEP) * STEP;
    Binary b = {.value = (Wide)w * power_of_five[q - power]};
    uint64_t high = (uint64_t)(b.value >> 64);
    int zeros = high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)b.value);
    b.value <<= zeros;
    b.exponent = q - zeros;
    if (power == 0) return b;
    b.value = multiply_high(b.value, (Wide)step_of_five[step][0] << 64 | step_of_five[step][1]);
    b.exponent += ((217706 * power) >> 16) - power + 1; /* of 5^power: floor(power log2(5)) */
    b.error = 2;
    if (b.value >> 127) return b;
    return (Binary){b.value << 1, b.exponent - 1, 4};
}

/* The bits of w * 10^q, without a sign, in a format of so many bits of mantissa; false: not decided. */
static bool nearest(uint64_t w, int q, int bits, int bias, uint64_t *word) {
    *word = 0;
    if (w == 0) return true;
    if (q < LEAST_STEP * STEP || q >= (LEAST_STEP + STEPS) * STEP) return false;
    Binary b = binary_of(w, q);
    int biased = b.exponent + 127 + bias, cut = 128 - bits;
    if (biased < 1) { /* subnormal */
        cut += 1 - biased;
        biased = 1;
    }
    if (cut > 127) return false;
    Wide half = (Wide)1 << (cut - 1), rest = b.value & (2 * half - 1);
    uint64_t mantissa = (uint64_t)(b.value >> cut), infinity = (uint64_t)(2 * bias + 1) << (bits - 1);
    if (b.error && rest <= half && rest + b.error > half) return false;
    mantissa += rest > half || (rest == half && (mantissa & 1));
    *word = ((uint64_t)(biased - 1) << (bits - 1)) + mantissa; /* the mantissa's first bit counts the exponent up */
    if (*word > infinity) *word = infinity;
    return true;
}
#else
static bool nearest(uint64_t w, int q, int bits, int bias, uint64_t *word) {
    (void)q, (void)bits, (void)bias;
    *word = 0;
    return w == 0;
}
#endif

/* With digits left out the decimal is between two. */
static bool decided(const Decimal *d, int bits, int bias, uint64_t *word) {
    uint64_t above;
    return nearest(d->w, d->q, bits, bias, word) &&
           (!d->inexact || (nearest(d->w + 1, d->q, bits, bias, &above) && above == *word));
}
/* strtod and strtof read to the end of a string and ask the locale for the point: a copy, and the C
 * locale. A text too long for the short copy gets one of its own; where there is no memory for it the
 * value is NaN. */
static void library_value(const char *text, const char *end, float *f32, double *f64) {
    char short_copy[SHORT_TEXT], *copy = short_copy;
    size_t length = (size_t)(end - text);
    locale_t plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (length >= sizeof short_copy) copy = malloc(length + 1);
    if (copy && plain) {
        memcpy(copy, text, length);
        copy[length] = 0;
        if (f32)
            *f32 = strtof_l(copy, NULL, plain);
        else
            *f64 = strtod_l(copy, NULL, plain);
    } else if (f32) {
        *f32 = NAN;
    } else {
        *f64 = NAN;
    }
    if (copy != short_copy) free(copy);
    if (plain) freelocale(plain);
}

float sgdrt_decimal_f32_slow(const Decimal *decimal, const char *text, const char *end) {
    uint64_t word;
    float value;
    if (decided(decimal, 24, 127, &word)) {
        uint32_t bits = (uint32_t)word | (uint32_t)decimal->negative << 31;
        memcpy(&value, &bits, sizeof value);
    } else {
        library_value(text, end, &value, NULL);
    }
    return value;
}

double sgdrt_decimal_f64_slow(const Decimal *decimal, const char *text, const char *end) {
    uint64_t word;
    double value;
    if (decided(decimal, 53, 1023, &word)) {
        word |= (uint64_t)decimal->negative << 63;
        memcpy(&value, &word, sizeof value);
    } else {
        library_value(text, end, NULL, &value);
    }
    return value;
}
