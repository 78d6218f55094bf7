/* number: decimals as f32 and f64 are the values that the C library gives, whichever way they are rounded; and the marks of a csv,
 * which no way of finding them changes. */
#include "number.h"
#include "csv_marks.h"
#include "data_files.h"
#include <float.h>
#include <math.h>
#include <stdlib.h>

/* A text as the readers have it: zeros behind it. */
static void expect_library_values(const char *text) {
    char padded[1200] = {0};
    size_t length = strlen(text);
    cr_assert_lt(length, sizeof padded - 64);
    memcpy(padded, text, length);
    Decimal decimal;
    const char *end = sgdrt_decimal_scan_slow(padded, &decimal);
    cr_assert_eq(end, padded + length, "%s", text);
    float want32 = strtof(text, NULL), f32;
    double want64 = strtod(text, NULL), f64;
    f32 = sgdrt_decimal_f32_slow(&decimal, padded, end);
    f64 = sgdrt_decimal_f64_slow(&decimal, padded, end);
    cr_assert(!memcmp(&f32, &want32, 4), "%s is %a, not %a", text, (double)want32, (double)f32);
    cr_assert(!memcmp(&f64, &want64, 8), "%s is %a, not %a", text, want64, f64);
    if (sgdrt_decimal_f32(&decimal, &f32)) cr_assert(!memcmp(&f32, &want32, 4), "%s is not %a", text, (double)f32);
    if (sgdrt_decimal_f64(&decimal, &f64)) cr_assert(!memcmp(&f64, &want64, 8), "%s is not %a", text, f64);
    if (sgdrt_long_decimal(padded, end, &decimal)) {
        f32 = sgdrt_decimal_f32_slow(&decimal, padded, end);
        f64 = sgdrt_decimal_f64_slow(&decimal, padded, end);
        cr_assert(!memcmp(&f32, &want32, 4) && !memcmp(&f64, &want64, 8), "%s is %a, not %a", text, want64, f64);
    }
    bool negative = *text == '-';
    uint64_t w;
    int places;
    if (!sgdrt_short_decimal(padded + negative, end, &w, &places)) return;
    f64 = sgdrt_short_f64(w, places, negative);
    cr_assert(!memcmp(&f64, &want64, 8), "%s is %a, not %a", text, want64, f64);
    if (sgdrt_short_f32(w, places, negative, &f32))
        cr_assert(!memcmp(&f32, &want32, 4), "%s is not %a", text, (double)f32);
}

Test(number, random_doubles) {
    uint64_t seed = 3;
    char text[64];
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = test_random(&seed), chosen = test_random(&seed);
        double value;
        memcpy(&value, &bits, 8);
        if (!isfinite(value)) continue;
        snprintf(text, sizeof text, "%.*e", (int)(chosen % 22), value);
        expect_library_values(text);
    }
}

Test(number, random_decimals) {
    uint64_t seed = 4;
    char text[96];
    for (int i = 0; i < 200000; i++) {
        uint64_t w = test_random(&seed) >> (test_random(&seed) % 64), chosen = test_random(&seed);
        int q = (int)(chosen % 700) - 350, digits = (int)(chosen >> 40) % 20;
        if (i % 3 == 0)
            snprintf(text, sizeof text, "%llue%d", (unsigned long long)w, q);
        else if (i % 3 == 1)
            snprintf(text, sizeof text, "%s%.*f", chosen & 1 ? "-" : "", digits, (double)(w >> 40) / 1e6);
        else
            snprintf(text, sizeof text, "%llu.%0*u", (unsigned long long)(w >> (chosen >> 40) % 64), digits % 9 + 1,
                     (unsigned)chosen);
        expect_library_values(text);
    }
}

/* All that a short text can look like. */
Test(number, short_decimals) {
    static const char *const rest[] = {"",
                                       "9",
                                       "00",
                                       "125",
                                       "0001",
                                       "99999",
                                       "000000",
                                       "1234567",
                                       "00000001",
                                       "123456789",
                                       "9876543210",
                                       "000000000012",
                                       "1234567890123456",
                                       "98765432109876543",
                                       "9999999999999999999"};
    char text[64];
    for (size_t whole = 0; whole < sizeof rest / sizeof *rest; whole++)
        for (size_t part = 0; part < sizeof rest / sizeof *rest; part++)
            for (int sign = 0; sign < 2; sign++)
                for (int point = 0; point < 2; point++) {
                    if (!*rest[whole] && !*rest[part]) continue;
                    snprintf(text, sizeof text, "%s%s%s%s", sign ? "-" : "", rest[whole], point ? "." : "", rest[part]);
                    expect_library_values(text);
                }
    uint64_t w;
    int places;
    static const char *const none[] = {"",   ".",  "-",  "--1", "1-",  "1.2.3", "1,2", "1e5",
                                       "+1", " 1", "1 ", "0x1", "12a", ".-1",   "1:2", "/1"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        char padded[64] = {0};
        memcpy(padded, none[i], strlen(none[i]));
        cr_assert(!sgdrt_short_decimal(padded, padded + strlen(none[i]), &w, &places), "%s", none[i]);
        for (size_t at = 0; at < 19; at++) { /* also among longer digits */
            Decimal decimal;
            char longer[64] = "1234567.890123456";
            size_t length = strlen(none[i]);
            if (!length || *none[i] == '-' || (*none[i] == '.' && !none[i][1])) continue;
            memcpy(longer + at, none[i], length);
            length = strlen(longer);
            const char *end = sgdrt_decimal_scan_slow(longer, &decimal);
            cr_assert(!sgdrt_long_decimal(longer, longer + length, &decimal) || end == longer + length, "%s", longer);
        }
    }
}

/* The middle of two doubles and of two floats, written whole, and a unit of the last place beside it: there w is rounded by its last
 * digits, which may be the 700th. */
static void expect_around(const char *text) {
    char changed[1200];
    expect_library_values(text);
    snprintf(changed, sizeof changed, "%s1", text); /* above: behind the last decimal place */
    if (strchr(text, '.')) expect_library_values(changed);
    snprintf(changed, sizeof changed, "%s", text);
    size_t last = strlen(changed) - 1;
    while (last && changed[last] == '0') last--;
    if (changed[last] >= '1' && changed[last] <= '9') {
        changed[last]--; /* below */
        expect_library_values(changed);
    }
}

Test(number, middles) {
    uint64_t seed = 5;
    char text[1200];
    for (int i = 0; i < 4000; i++) {
        uint64_t bits = test_random(&seed) >> 1;
        double value;
        if (i % 2) bits = (uint64_t)(1023 - 60 + bits % 120) << 52 | bits >> 12; /* of usual size */
        memcpy(&value, &bits, 8);
        float low = (float)value;
        if (isfinite(low)) {
            snprintf(text, sizeof text, "%.160f", ((double)low + (double)nextafterf(low, INFINITY)) / 2);
            expect_around(text);
        }
        if (!isfinite(value)) continue;
        long double middle = ((long double)value + (long double)nextafter(value, INFINITY)) /
                             2; /* exact with 64 bits */
        if (LDBL_MANT_DIG >= 64 && isfinite(middle) && value < 1e300) {
            snprintf(text, sizeof text, "%.800Lf", middle);
            expect_around(text);
        }
    }
}

Test(number, edges) {
    static const char *const texts[] = {
        "0",
        "-0",
        "0.0",
        "0e999",
        "0e-999",
        "1e-400",
        "1e400",
        "-1e400",
        "1e99999",
        "1e-99999",
        "4.9406564584124654e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "2.470328229206232720e-324",
        "2.2250738585072011e-308",
        "2.2250738585072012e-308",
        "2.2250738585072014e-308",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "1.797693134862315807e308",
        "1e308",
        "1e309",
        "9007199254740991",
        "9007199254740992",
        "9007199254740993",
        "9007199254740994",
        "9007199254740995",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "9999999999999999999",
        "99999999999999999999",
        "1e22",
        "1e23",
        "8.5e22",
        "1e-22",
        "1e-23",
        "7.2057594037927933e16",
        "8.98846567431158e307",
        "5e-324",
        "1.00000005960464477539062",
        "1.00000005960464477539063",
        "16777217",
        "16777219",
        "33554435",
        "0.1",
        "0.2",
        "0.3",
        "3.4028234663852886e38",
        "3.4028235677973366e38",
        "3.4028235677973367e38",
        "3.5e38",
        "1.1754943508222875e-38",
        "1.1754942106924411e-38",
        "1.4012984643248171e-45",
        "7.0064923216240853e-46",
        "7.0064923216240854e-46",
        "1e-46",
        "6929495644600919.5",
        "3.2378839133029012895883524125015321748630094140e-319",
        "179769313486231580793728971405301e276",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) expect_library_values(texts[i]);
    char text[64];
    for (int q = -400; q < 400; q++)
        for (int w = 1; w < 100; w += 7) {
            snprintf(text, sizeof text, "%de%d", w, q);
            expect_library_values(text);
        }
}

/* ---- marks --------------------------------------------------------------------------------------- */
Test(marks, are_where_the_bytes_are) {
    enum { LENGTH = 3 * CSV_MARKED_BYTES };
    static const char bytes[] = ",;\t \n\r01.\"\0a\x0B\x8A\xAC\xFF";
    uint64_t seed = 6;
    char *text = calloc(LENGTH + CSV_MARKED_AT_ONCE, 1);
    CsvMarks marks;
    for (int trial = 0; trial < 200; trial++) {
        size_t length = test_random(&seed) % (trial % 2 ? LENGTH : 200);
        char delimiter = bytes[trial % 4];
        memset(text, 0, LENGTH + CSV_MARKED_AT_ONCE);
        for (size_t i = 0; i < length; i++)
            text[i] = trial % 5 ? bytes[test_random(&seed) % (sizeof bytes - 1)] : (char)test_random(&seed);
        const char *at = text, *end = text + length;
        do {
            sgdrt_csv_mark(&marks, at, end, delimiter);
            cr_assert(marks.from == at && (marks.to == end || marks.to == at + CSV_MARKED_BYTES));
            uint32_t next = 0;
            for (; at < marks.to; at++)
                if (*at == delimiter || *at == '\n' || *at == '\r' || (*at == '\t' && delimiter == ' ')) {
                    cr_assert_lt(next, marks.count);
                    cr_assert_eq(marks.from + marks.at[next], at);
                    next++;
                }
            if (marks.to == end && marks.count > next) cr_assert_eq(marks.from + marks.at[next++], end);
            cr_assert_eq(next, marks.count);
        } while (at < end);
        for (size_t i = 0; i + CSV_MARKED_AT_ONCE <= length; i++) {
            const char stops[4] = {delimiter, ' ', '\n', (char)test_random(&seed)};
            cr_assert_eq(sgdrt_csv_stops(text + i, stops), sgdrt_csv_stops_by_words(text + i, stops));
        }
    }
    free(text);
}
