/* number: decimal text to the nearest f32, f64 or integer, rounded once.
 *
 * The scanners read up to 19 digits into an integer w and a power of ten q. For f32 the value w * 10^q is
 * then formed in double, with a relative error of a few units of the 53rd bit. Rounding that double to float
 * is the correct rounding of the decimal unless a boundary between two floats lies within the error: then the
 * low 29 bits of the double are close to their middle, which is seen, and 128 bits decide (number_round.c; about one
 * number in 10^7). The same holds for any number of digits, since those past the 19th only add to
 * the error. For f64 the fast way are the decimals of which w and the power of ten are doubles.
 *
 * Text must be followed by at least 16 readable bytes, the first of which is no digit (the reader pads with
 * zeros).
 */
#ifndef SGDRT_NUMBER_H
#define SGDRT_NUMBER_H
#include "sgdrt.h"
#include <string.h>

/* How a text was understood. */
typedef enum NumberStatus { NUMBER_FINE, NUMBER_NONE, NUMBER_TOO_LARGE, NUMBER_FRACTION } NumberStatus;

/* w * 10^q with a sign; inexact where digits were left out of w. */
typedef struct Decimal {
    uint64_t w;
    int q;
    bool negative, inexact;
} Decimal;

/* Scans [+-]digits[.digits][e[+-]digits]; returns the end, or NULL if there is no number at `p`. */
const char *sgdrt_decimal_scan_slow(const char *p, Decimal *decimal);
/* The correctly rounded value of any decimal, which was scanned from [text, end); infinity where it is too large. */
float sgdrt_decimal_f32_slow(const Decimal *decimal, const char *text, const char *end);
double sgdrt_decimal_f64_slow(const Decimal *decimal, const char *text, const char *end);

/* Whole texts, without blanks around them: for fields that are not plain. */
NumberStatus sgdrt_number_f64(const char *text, size_t length, double *value);
NumberStatus sgdrt_number_f32(const char *text, size_t length, float *value);
NumberStatus sgdrt_number_integer(const char *text, size_t length, int64_t *value); /* also 3.0 and 1e2 */

/* The shortest text that reads back as the value, and of those the nearest one; returns its length (number_text.c). */
enum { SGDRT_NUMBER_TEXT = 24 };
int sgdrt_f32_text(char text[SGDRT_NUMBER_TEXT], float value);

static const double sgdrt_power_of_ten[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                              1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
/* 10^-22 .. 10^22; the negative powers are rounded. */
static const double sgdrt_near_power_of_ten[45] = {
    1e-22, 1e-21, 1e-20, 1e-19, 1e-18, 1e-17, 1e-16, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8,
    1e-7,  1e-6,  1e-5,  1e-4,  1e-3,  1e-2,  1e-1,  1e0,   1e1,   1e2,   1e3,   1e4,   1e5,   1e6,  1e7,
    1e8,   1e9,   1e10,  1e11,  1e12,  1e13,  1e14,  1e15,  1e16,  1e17,  1e18,  1e19,  1e20,  1e21, 1e22};
static const uint64_t sgdrt_integer_power_of_ten[9] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};

/* How many of the 8 bytes at the low end are digits. */
static inline int sgdrt_count_digits(uint64_t bytes) {
    uint64_t other = bytes ^ 0x3030303030303030u; /* digits become 0 .. 9 */
    /* Bit 7 of a byte is set if it is above 9. The lowest such is right; a carry reaches higher ones only. */
    uint64_t above = ((other + 0x7676767676767676u) | other) & 0x8080808080808080u;
    return above ? __builtin_ctzll(above) >> 3 : 8;
}

/* The value of 8 bytes 0 .. 9, the first one lowest in memory: pairs, fours, all. */
static inline uint64_t sgdrt_eight_digits(uint64_t v) {
    v = v * ((10 << 8) + 1) >> 8 & 0x00FF00FF00FF00FFu;
    v = v * ((100 << 16) + 1) >> 16 & 0x0000FFFF0000FFFFu;
    return v * ((10000ull << 32) + 1) >> 32;
}

/* The value of the first `count` digits (0 .. 8), the first one lowest in memory. */
static inline uint64_t sgdrt_digits_value(uint64_t bytes, int count) {
    if (!count) return 0;
    return sgdrt_eight_digits((bytes ^ 0x3030303030303030u) << (64 - 8 * count)); /* absent leading digits become 0 */
}

static inline uint64_t sgdrt_load_8(const char *p) {
    uint64_t v;
    memcpy(&v, p, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* The common texts: at most 7 digits before the point, 19 in all, no exponent. Returns the end, or NULL
 * where the slow scan has to look. */
static inline const char *sgdrt_decimal_scan(const char *p, Decimal *decimal) {
    decimal->negative = *p == '-';
    p += *p == '-';
    uint64_t bytes = sgdrt_load_8(p);
    int whole = sgdrt_count_digits(bytes), part = 0;
    uint64_t w = sgdrt_digits_value(bytes, whole);
    if (whole == 8) return NULL;
    p += whole;
    if (*p == '.') {
        bytes = sgdrt_load_8(++p);
        part = sgdrt_count_digits(bytes);
        w = w * sgdrt_integer_power_of_ten[part] + sgdrt_digits_value(bytes, part);
        p += part;
        if (part == 8) {
            bytes = sgdrt_load_8(p);
            int more = sgdrt_count_digits(bytes);
            if (more == 8 || whole + part + more > 19) return NULL;
            w = w * sgdrt_integer_power_of_ten[more] + sgdrt_digits_value(bytes, more);
            p += more;
            part += more;
        }
    }
    if (whole + part == 0 || (*p | 32) == 'e') return NULL;
    decimal->w = w;
    decimal->q = -part;
    decimal->inexact = false;
    return p;
}

/* The highest bit of each byte that is above 9, and perhaps of some after the first such one. */
static inline uint64_t sgdrt_no_digits(uint64_t bytes) {
    return ((bytes + 0x7676767676767676u) | bytes) & 0x8080808080808080u;
}

/* Does a float's rounding of the double with these bits depend on the double's error? */
static inline bool sgdrt_near_middle(uint64_t bits) {
    enum { TOLERANCE = 8 };
    uint32_t from_middle = ((uint32_t)bits & 0x1FFFFFFF) - (0x10000000 - TOLERANCE);
    return from_middle <= 2 * TOLERANCE;
}

static inline float sgdrt_float_of(double magnitude, bool negative) {
    float value = (float)magnitude;
    uint32_t word;
    memcpy(&word, &value, 4);
    word |= (uint32_t)negative << 31; /* no branch: signs of data cannot be predicted */
    memcpy(&value, &word, 4);
    return value;
}

/* True if the double formed from the decimal decides the float; then *value is it. */
static inline bool sgdrt_decimal_f32(const Decimal *decimal, float *value) {
    enum { DOUBLE_OF_LEAST_NORMAL = 1023 - 126, DOUBLE_OF_LARGEST = 1023 + 127 };
    double d = (double)(int64_t)decimal->w; /* half a unit of error; each product adds as much */
    int q = decimal->q;
    if ((unsigned)(q + 22) > 44) {
        if (q < -44 || q > 44) return false;
        d *= q < 0 ? 1e-22 : 1e22;
        q += q < 0 ? 22 : -22;
    }
    d *= sgdrt_near_power_of_ten[q + 22];
    uint64_t bits;
    memcpy(&bits, &d, 8);
    if (sgdrt_near_middle(bits)) return false;
    /* Zero, or floats neither subnormal nor near the largest; a w above 2^63 came out negative. */
    if ((bits >> 52) - DOUBLE_OF_LEAST_NORMAL >= DOUBLE_OF_LARGEST - DOUBLE_OF_LEAST_NORMAL && bits) return false;
    *value = sgdrt_float_of(d, decimal->negative);
    return true;
}

/* True if w and the power of ten are exact in double, so that one operation rounds once. */
static inline bool sgdrt_decimal_f64(const Decimal *decimal, double *value) {
    if (decimal->q < -22 || decimal->q > 22 || decimal->w > (1ull << 53) || decimal->inexact) return false;
    double d = (double)decimal->w;
    d = decimal->q < 0 ? d / sgdrt_power_of_ten[-decimal->q] : d * sgdrt_power_of_ten[decimal->q];
    *value = decimal->negative ? -d : d;
    return true;
}

/* The first digits of a text whose end is known: those that lead, and eight bytes as if there were no point among them. */
typedef struct Leading {
    uint64_t eight;
    int whole, digits; /* digits: of the text, if all else are */
    bool point;        /* behind the whole ones */
} Leading;

static inline Leading sgdrt_leading_digits(const char *p, const char *end) {
    uint64_t text = sgdrt_load_8(p), behind = sgdrt_load_8(p + 1);
    uint64_t others = sgdrt_no_digits(text ^ 0x3030303030303030u);
    int bit = others ? __builtin_ctzll(others) : 64;
    uint64_t before = ((others & -others) >> 7) - 1; /* all bits of the digits that come first */
    bool point = (unsigned char)(text >> (bit & 56)) == '.';
    uint64_t moved = point ? behind : text;
    return (Leading){(moved ^ ((text ^ moved) & before)) ^ 0x3030303030303030u, bit >> 3, (int)(end - p) - point,
                     point};
}

/* The common texts where their end is known: at most 8 digits and a point, without a sign, which have the value w / 10^places.
 * False where it is any other. As the end is known nobody waits for it: several texts are scanned at a time. */
static inline bool sgdrt_short_decimal(const char *p, const char *end, uint64_t *w, int *places) {
    Leading first = sgdrt_leading_digits(p, end);
    uint64_t text = first.eight << (-8 * first.digits & 63);
    *w = sgdrt_eight_digits(text);
    *places = first.digits - first.whole;
    return (unsigned)first.digits - 1 < 8 && !sgdrt_no_digits(text);
}

/* Appends the first `count` (1 .. 8) of the bytes to w; false if they are not all digits. */
static inline bool sgdrt_append_digits(uint64_t bytes, int count, uint64_t *w) {
    uint64_t digits = (bytes ^ 0x3030303030303030u) << (64 - 8 * count); /* absent leading digits become 0 */
    *w = *w * sgdrt_integer_power_of_ten[count] + sgdrt_eight_digits(digits);
    return !sgdrt_no_digits(digits);
}

/* Longer ones: 9 to 19 digits, perhaps with a sign, and with a point that is among or behind the first 8. */
static inline bool sgdrt_long_decimal(const char *p, const char *end, Decimal *decimal) {
    decimal->negative = *p == '-';
    p += decimal->negative;
    Leading first = sgdrt_leading_digits(p, end);
    bool point = first.point || (first.whole == 8 && p[8] == '.');
    int digits = (int)(end - p) - point;
    if (digits < 9 || digits > 19 || sgdrt_no_digits(first.eight)) return false;
    decimal->w = sgdrt_eight_digits(first.eight);
    decimal->q = point ? first.whole - digits : 0;
    decimal->inexact = false;
    p += point;
    if (!sgdrt_append_digits(sgdrt_load_8(p + 8), digits < 16 ? digits - 8 : 8, &decimal->w)) return false;
    return digits <= 16 || sgdrt_append_digits(sgdrt_load_8(p + 16), digits - 16, &decimal->w);
}

/* Its float; false where rounding has to be done by more bits. */
static inline bool sgdrt_short_f32(uint64_t w, int places, bool negative, float *value) {
    double d = (double)(int64_t)w * sgdrt_near_power_of_ten[22 - places];
    uint64_t bits;
    memcpy(&bits, &d, 8);
    *value = sgdrt_float_of(d, negative);
    return !sgdrt_near_middle(bits);
}

/* Its double. */
static inline double sgdrt_short_f64(uint64_t w, int places, bool negative) {
    double d = (double)(int64_t)w / sgdrt_power_of_ten[places];
    return negative ? -d : d;
}
#endif
