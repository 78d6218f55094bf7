/* number: the texts that the fast scans pass on: long digit strings and exponents; and whole texts. */
#include "number.h"
#include <math.h>

enum { MOST_DIGITS = 19, MOST_EXPONENT = 100000 };

static bool is_digit(char c) { return (unsigned char)(c - '0') < 10; }

const char *sgdrt_decimal_scan_slow(const char *p, Decimal *decimal) {
    uint64_t w = 0;
    int kept = 0, q = 0, digits = 0;
    bool inexact = false, point = false;
    decimal->negative = *p == '-';
    p += *p == '-' || *p == '+';
    for (;; p++) {
        if (*p == '.' && !point) {
            point = true;
            continue;
        }
        if (!is_digit(*p)) break;
        digits = 1;
        if (kept < MOST_DIGITS) {
            w = w * 10 + (unsigned char)(*p - '0');
            kept += w != 0;
            q -= point;
        } else {
            inexact |= *p != '0';
            q += !point;
        }
    }
    if (!digits) return NULL;
    if ((*p | 32) == 'e') {
        const char *at = p + 1 + (p[1] == '-' || p[1] == '+');
        if (is_digit(*at)) {
            int exponent = 0;
            for (; is_digit(*at); at++) exponent = exponent < MOST_EXPONENT ? exponent * 10 + (*at - '0') : exponent;
            q += p[1] == '-' ? -exponent : exponent;
            p = at;
        }
    }
    decimal->w = w;
    decimal->q = q;
    decimal->inexact = inexact;
    return p;
}

/* Scans text that must be a number from end to end. It lies in a buffer of its own, padded for the scanner.
 */
static NumberStatus scan_whole(const char *text, size_t length, Decimal *decimal) {
    const char *end = sgdrt_decimal_scan_slow(text, decimal);
    return end == text + length ? NUMBER_FINE : NUMBER_NONE;
}

NumberStatus sgdrt_number_f64(const char *text, size_t length, double *value) {
    Decimal decimal;
    if (scan_whole(text, length, &decimal) != NUMBER_FINE) return NUMBER_NONE;
    if (!sgdrt_decimal_f64(&decimal, value)) *value = sgdrt_decimal_f64_slow(&decimal, text, text + length);
    return isfinite(*value) ? NUMBER_FINE : NUMBER_TOO_LARGE;
}

NumberStatus sgdrt_number_f32(const char *text, size_t length, float *value) {
    Decimal decimal;
    if (scan_whole(text, length, &decimal) != NUMBER_FINE) return NUMBER_NONE;
    if (!sgdrt_decimal_f32(&decimal, value)) *value = sgdrt_decimal_f32_slow(&decimal, text, text + length);
    return isfinite(*value) ? NUMBER_FINE : NUMBER_TOO_LARGE;
}

NumberStatus sgdrt_number_integer(const char *text, size_t length, int64_t *value) {
    Decimal decimal;
    if (scan_whole(text, length, &decimal) != NUMBER_FINE) return NUMBER_NONE;
    uint64_t w = decimal.w;
    for (; decimal.q < 0 && w && w % 10 == 0; decimal.q++) w /= 10;
    if (w && (decimal.q < 0 || decimal.inexact))
        return decimal.inexact && decimal.q >= 0 ? NUMBER_TOO_LARGE : NUMBER_FRACTION;
    for (; decimal.q > 0 && w; decimal.q--) {
        if (w > (uint64_t)INT64_MAX / 10) return NUMBER_TOO_LARGE;
        w *= 10;
    }
    if (w > (uint64_t)INT64_MAX) return NUMBER_TOO_LARGE;
    *value = decimal.negative ? -(int64_t)w : (int64_t)w;
    return NUMBER_FINE;
}
