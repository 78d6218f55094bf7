/* Numbers as text: the shortest that reads back as the same f32. */
#include "number.h"
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Digits from the first to the last that is not 0. */
static int digits_of(const char *text) {
    int count = 0, zeros = 0;
    for (const char *c = text; *c && *c != 'e'; c++) {
        if (*c < '0' || *c > '9' || (count == 0 && *c == '0')) continue;
        count++;
        zeros = *c == '0' ? zeros + 1 : 0;
    }
    return count - zeros;
}

static void check(float value) {
    char text[SGDRT_NUMBER_TEXT], shortest[32];
    int length = sgdrt_f32_text(text, value);
    float back = strtof(text, NULL);
    cr_assert_eq(length, (int)strlen(text), "%s: %d", text, length);
    cr_assert_eq(memcmp(&back, &value, sizeof back), 0, "%.9g became %s", (double)value, text);
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(shortest, sizeof shortest, "%.*g", digits, (double)value);
        if (strtof(shortest, NULL) == value) break;
    }
    cr_assert_eq(digits_of(text), digits_of(shortest), "%s is longer than %s", text, shortest);
}

Test(number_text, values_of_all_sizes) {
    for (uint64_t i = 0; i < 1ull << 32; i += 45293) {
        uint32_t bits = (uint32_t)i;
        float value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) check(value);
    }
}

Test(number_text, short_decimals_and_edges) {
    for (int i = -9999; i <= 9999; i += 7) {
        check((float)i / 100);
        check((float)i);
        check((float)i * 1e-30f);
    }
    for (int e = -149; e < 128; e++) {
        check(ldexpf(1, e));
        check(nextafterf(ldexpf(1, e), 0));
        check(nextafterf(ldexpf(1, e), INFINITY));
    }
}

Test(number_text, how_it_is_written) {
    static const struct {
        float value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0f, "-0"},
        {0.1f, "0.1"},
        {-2.25f, "-2.25"},
        {16777216, "16777216"},
        {123456789.0f, "123456790"},
        {1e9f, "1e+09"},
        {1.5e-5f, "1.5e-05"},
        {0.0001f, "0.0001"},
        {3.4e38f, "3.4e+38"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[SGDRT_NUMBER_TEXT];
        sgdrt_f32_text(text, cases[i].value);
        cr_expect_str_eq(text, cases[i].text);
    }
}
