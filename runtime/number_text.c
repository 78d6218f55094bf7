/* number_text: an f32 as the shortest decimal that reads back as it.
 *
 * A decimal of p digits is made in double, rounded to the nearest, and read back: the fewest digits that give the value
 * again are taken, from 6 on, since a value that fewer digits give ends in zeros there, which are cut off. Reading back
 * is sgdrt_decimal_f32, which says where double does not decide; those and subnormal values are left to the C library.
 */
#include "number.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { FEWEST_DIGITS = 6, MOST_DIGITS = 9, LEAST_PLAIN = -4, MOST_PLAIN = 9 }; /* exponents without e */

static int slow_text(char *text, float value) {
    int length = 0;
    for (int digits = 1; digits <= MOST_DIGITS; digits++) {
        length = snprintf(text, SGDRT_NUMBER_TEXT, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) break;
    }
    return length;
}

/* By 10^n, in factors that the table has. */
static double times_power_of_ten(double value, int n) {
    for (; n > 22; n -= 22) value *= 1e22;
    for (; n < -22; n += 22) value /= 1e22;
    return n < 0 ? value / sgdrt_power_of_ten[-n] : value * sgdrt_power_of_ten[n];
}

/* floor(log10(value)) or one less. */
static int exponent_below(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    int binary = (int)(bits >> 52) - 1023;
    return (int)((binary * 1233 - (binary < 0 ? 4095 : 0)) / 4096); /* log10(2) is about 1233 / 4096 */
}

/* The decimal 0.d1d2..dn * 10^point as text: plain where that is short. */
static int write_decimal(char *text, bool negative, uint64_t w, int point) {
    char digits[24];
    int count = 0, at = 0, exponent = point - 1;
    while (w % 10 == 0) w /= 10;
    for (; w; w /= 10) digits[count++] = (char)('0' + w % 10); /* the last one first */
    if (negative) text[at++] = '-';
    if (exponent < LEAST_PLAIN || exponent >= MOST_PLAIN) {
        text[at++] = digits[count - 1];
        if (count > 1) text[at++] = '.';
        for (int i = count - 2; i >= 0; i--) text[at++] = digits[i];
        return at + snprintf(text + at, 6, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
    }
    if (point <= 0) {
        text[at++] = '0';
        text[at++] = '.';
        for (int i = point; i < 0; i++) text[at++] = '0';
    }
    for (int i = 0; i < count || i < point; i++) {
        if (i == point && point > 0) text[at++] = '.';
        text[at++] = i < count ? digits[count - 1 - i] : '0';
    }
    text[at] = 0;
    return at;
}

int sgdrt_f32_text(char text[SGDRT_NUMBER_TEXT], float value) {
    double size = fabs((double)value);
    if (size == 0) return snprintf(text, SGDRT_NUMBER_TEXT, "%s", signbit(value) ? "-0" : "0");
    if (!(size >= 1.2e-38 && size <= 3.4e38)) return slow_text(text, value);
    int exponent = exponent_below(size);
    for (int digits = FEWEST_DIGITS; digits <= MOST_DIGITS; digits++) {
        Decimal decimal = {.negative = value < 0};
        double scaled = times_power_of_ten(size, digits - 1 - exponent), limit = sgdrt_power_of_ten[digits];
        if (scaled >= limit) /* the exponent was one too small */
            scaled = times_power_of_ten(size, digits - 1 - ++exponent);
        decimal.w = (uint64_t)(scaled + 0.5);
        decimal.q = exponent - digits + 1;
        float back;
        if (!sgdrt_decimal_f32(&decimal, &back)) return slow_text(text, value);
        if (back == value)
            return write_decimal(text, value < 0, decimal.w, exponent + 1 + (decimal.w >= (uint64_t)limit));
    }
    return slow_text(text, value);
}
