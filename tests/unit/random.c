/* Draws of random.inc: uniform, without visible relation between neighbours in any part of the key, and every
 * bit of the key and of the element reaching every bit of the value. Bounds are five standard deviations
 * wide. */
#include <criterion/criterion.h>

#include "math_functions.h"

enum { MANY = 1 << 20 };

typedef struct Key {
    uint64_t seed, step, site;
    uint32_t place, element;
} Key;

static float draw(Key k) {
    uint64_t stream = math_key_of_step(k.seed, k.step, k.site);
    return math_uniform_f32(math_row_key_first(stream, k.place), math_row_key_second(stream, k.place), k.element);
}

/* The key with one of its parts, or both inner ones, counted up i times. */
static Key moved(Key k, int part, uint32_t i) {
    switch (part) {
    case 0: k.element += i; break;
    case 1: k.place += i; break;
    case 2: k.step += i; break;
    case 3: k.seed += i; break;
    case 4: k.site += i; break;
    case 5:
        k.place += i >> 10;
        k.element += i & 1023;
        break;
    default:
        k.place += i;
        k.element += i;
        break;
    }
    return k;
}

Test(random, means_and_neighbours_along_every_part_of_the_key) {
    for (int part = 0; part < 7; part++) {
        Key key = {.seed = 42, .step = 1000, .site = 0x1234567, .place = 77, .element = 5};
        double sum = 0, squares = 0, products = 0, far = 0, last = 0.5, before[64] = {0};
        int in_bin[256] = {0};
        for (uint32_t i = 0; i < MANY; i++) {
            double u = draw(moved(key, part, i));
            cr_assert(u >= 0 && u < 1);
            sum += u - 0.5;
            squares += (u - 0.5) * (u - 0.5);
            products += (u - 0.5) * (last - 0.5);
            far += (u - 0.5) * before[i % 64];
            last = u;
            before[i % 64] = u - 0.5;
            in_bin[(int)(u * 256)]++;
        }
        double n = MANY, chi = 0;
        for (int b = 0; b < 256; b++) chi += (in_bin[b] - n / 256) * (in_bin[b] - n / 256) / (n / 256);
        cr_expect(fabs(sum / n) < 5 * sqrt(1 / 12.0 / n), "part %d: mean %g", part, sum / n);
        cr_expect(fabs(squares / n - 1 / 12.0) < 5 * sqrt(1 / 180.0 / n), "part %d: variance", part);
        cr_expect(fabs(products / n) < 5 / 12.0 / sqrt(n), "part %d: neighbours correlate by %g", part, products / n);
        cr_expect(fabs(far / n) < 5 / 12.0 / sqrt(n), "part %d: at distance 64 by %g", part, far / n);
        cr_expect(fabs(chi - 255) < 5 * sqrt(2 * 255.0), "part %d: chi square %g", part, chi);
    }
}

Test(random, pairs_fill_the_square) {
    for (int part = 0; part < 7; part++) {
        static int in_cell[64][64];
        memset(in_cell, 0, sizeof in_cell);
        Key key = {.seed = 7, .step = 3, .site = 99};
        for (uint32_t i = 0; i < MANY; i++)
            in_cell[(int)(draw(moved(key, part, 2 * i)) * 64)][(int)(draw(moved(key, part, 2 * i + 1)) * 64)]++;
        double chi = 0, expected = MANY / 4096.0;
        for (int a = 0; a < 64; a++)
            for (int b = 0; b < 64; b++) chi += (in_cell[a][b] - expected) * (in_cell[a][b] - expected) / expected;
        cr_expect(fabs(chi - 4095) < 5 * sqrt(2 * 4095.0), "part %d: chi square %g", part, chi);
    }
}

static void check_avalanche(int part, int bits) {
    enum { TRIALS = 20000 };
    for (int bit = 0; bit < bits; bit++) {
        int flips[24] = {0};
        for (uint32_t trial = 0; trial < TRIALS; trial++) {
            uint64_t r = math_mix_u64(trial + 1);
            Key key = {
                .seed = r, .step = r >> 40, .site = r * 3, .place = (uint32_t)(r >> 17), .element = (uint32_t)(r >> 9)};
            uint32_t a = (uint32_t)(draw(key) * 0x1p24f);
            switch (part) {
            case 0: key.element ^= 1u << bit; break;
            case 1: key.place ^= 1u << bit; break;
            case 2: key.step ^= 1ull << bit; break;
            case 3: key.seed ^= 1ull << bit; break;
            default: key.site ^= 1ull << bit; break;
            }
            uint32_t changed = a ^ (uint32_t)(draw(key) * 0x1p24f);
            for (int b = 0; b < 24; b++) flips[b] += changed >> b & 1;
        }
        for (int b = 0; b < 24; b++)
            cr_expect(fabs(flips[b] / (double)TRIALS - 0.5) < 0.03, "part %d: bit %d changes bit %d of the value in %g",
                      part, bit, b, flips[b] / (double)TRIALS);
    }
}

Test(random, every_bit_of_the_key_matters) {
    check_avalanche(0, 32);
    check_avalanche(1, 32);
    check_avalanche(2, 64);
    check_avalanche(3, 64);
    check_avalanche(4, 64);
}

Test(random, doubles_refine_floats) {
    double sum = 0;
    for (uint32_t i = 0; i < MANY; i++) {
        float f = math_uniform_f32(1, 2, i);
        double d = math_uniform_f64(1, 2, i);
        cr_assert(d >= 0 && d < 1 && d - (double)f >= 0 && d - (double)f < 0x1p-24);
        sum += (d - (double)f) * 0x1p24 - 0.5;
    }
    cr_expect(fabs(sum / MANY) < 5 * sqrt(1 / 12.0 / MANY));
}
