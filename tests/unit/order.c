/* The order of examples: permutations of every size, fair ones, the same again from any position; held-out
 * rows. */
#include "order.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void check_permutation(uint32_t n, uint64_t seed) {
    sgdrt_order order = sgdrt_order_of(SGDRT_ORDER_SHUFFLED, n, seed);
    uint32_t *rows = malloc(n * sizeof *rows);
    uint8_t *seen = calloc(n, 1);
    sgdrt_order_fill(&order, seed % 5, 0, n, rows);
    for (uint32_t i = 0; i < n; i++) {
        cr_assert(rows[i] < n, "n = %u: row %u", n, rows[i]);
        cr_assert(!seen[rows[i]], "n = %u: row %u twice", n, rows[i]);
        seen[rows[i]] = 1;
    }
    free(rows);
    free(seen);
}

Test(order, every_row_once) {
    for (uint32_t n = 1; n < 1500; n++) check_permutation(n, n);
    for (uint32_t n = 1501; n < 2000000; n = n * 9 / 7 + 1) check_permutation(n, n);
}

Test(order, large_sets) {
    uint32_t sizes[] = {100000007, 2147483647, 4000000007u, 65535u * 65535u}, rows[1000];
    for (int i = 0; i < 4; i++) {
        sgdrt_order order = sgdrt_order_of(SGDRT_ORDER_SHUFFLED, sizes[i], 3);
        double sum = 0;
        sgdrt_order_fill(&order, 0, sizes[i] - 1000, 1000, rows);
        for (int r = 0; r < 1000; r++) {
            cr_assert(rows[r] < sizes[i]);
            sum += rows[r] / (double)sizes[i] - 0.5;
        }
        cr_expect(fabs(sum / 1000) < 5 * sqrt(1 / 12.0 / 1000));
    }
}

Test(order, any_part_of_an_epoch) {
    uint32_t sizes[] = {10, 64, 65, 1500, 70001};
    for (int kind = 0; kind < 3; kind++) {
        for (int i = 0; i < 5; i++) {
            uint32_t n = sizes[i];
            sgdrt_order order = sgdrt_order_of(kind, n, 11);
            uint32_t *whole = malloc(n * sizeof *whole), *part = malloc(n * sizeof *part);
            sgdrt_order_fill(&order, 4, 0, n, whole);
            for (uint32_t first = 0; first < n; first += n / 7 + 1) {
                sgdrt_order_fill(&order, 4, first, n - first, part);
                cr_assert_arr_eq(part, whole + first, (n - first) * sizeof *part);
            }
            sgdrt_order_fill(&order, 5, 0, n, part);
            cr_assert(kind == SGDRT_ORDER_SEQUENTIAL || memcmp(part, whole, n * sizeof *part) != 0);
            free(whole);
            free(part);
        }
    }
}

/* The number of the permutation of few rows, 0 .. n!-1. */
static int permutation_number(const uint32_t *rows, int n) {
    int number = 0;
    for (int i = 0; i < n; i++) {
        int smaller = 0;
        for (int j = i + 1; j < n; j++) smaller += rows[j] < rows[i];
        number = number * (n - i) + smaller;
    }
    return number;
}

Test(order, all_orders_of_few_rows_are_as_likely) {
    static int times[5040];
    for (int n = 2, orders = 2; n <= 7; orders *= ++n) {
        int trials = 100 * orders;
        double chi = 0;
        memset(times, 0, sizeof times);
        for (int t = 0; t < trials; t++) {
            uint32_t rows[7];
            sgdrt_order order = sgdrt_order_of(SGDRT_ORDER_SHUFFLED, (uint32_t)n, (uint64_t)(t / 100));
            sgdrt_order_fill(&order, (uint64_t)(t % 100), 0, (uint32_t)n, rows);
            times[permutation_number(rows, n)]++;
        }
        for (int i = 0; i < orders; i++) chi += (times[i] - 100.0) * (times[i] - 100.0) / 100.0;
        cr_expect(fabs(chi - (orders - 1)) < 5 * sqrt(2.0 * (orders - 1)), "n = %d: chi square %g", n, chi);
    }
}

/* Over many epochs: how often each row stands at each position, and how often row r + d follows row r at a
 * distance of positions, all as often as chance has it. */
static void check_positions(uint32_t n, int epochs) {
    uint32_t *rows = malloc(n * sizeof *rows), *position = malloc(n * sizeof *position);
    int *at = calloc((size_t)n * n, sizeof *at), *follows = calloc(n, sizeof *follows),
        *apart = calloc(n, sizeof *apart);
    sgdrt_order order = sgdrt_order_of(SGDRT_ORDER_SHUFFLED, n, 1);
    for (int epoch = 0; epoch < epochs; epoch++) {
        sgdrt_order_fill(&order, (uint64_t)epoch, 0, n, rows);
        for (uint32_t i = 0; i < n; i++) {
            at[i * n + rows[i]]++;
            position[rows[i]] = i;
            if (i > 0) follows[(rows[i] + n - rows[i - 1]) % n]++;
        }
        for (uint32_t r = 1; r < n; r++) apart[(position[r] + n - position[r - 1]) % n]++;
    }
    double chi = 0, expected = epochs / (double)n, chi_follows = 0, chi_apart = 0;
    for (size_t i = 0; i < (size_t)n * n; i++) chi += (at[i] - expected) * (at[i] - expected) / expected;
    double pairs = epochs * (double)(n - 1) / (n - 1);
    for (uint32_t d = 1; d < n; d++) {
        chi_follows += (follows[d] - pairs) * (follows[d] - pairs) / pairs;
        chi_apart += (apart[d] - pairs) * (apart[d] - pairs) / pairs;
    }
    double cells = (double)(n - 1) * (n - 1);
    cr_expect(fabs(chi - cells) < 6 * sqrt(2 * cells), "n = %u: positions, chi square %g for %g", n, chi, cells);
    cr_expect(fabs(chi_follows - n) < 6 * sqrt(2.0 * n), "n = %u: which row follows, chi square %g", n, chi_follows);
    cr_expect(fabs(chi_apart - n) < 6 * sqrt(2.0 * n), "n = %u: distances of neighbours, chi square %g", n, chi_apart);
    free(rows);
    free(position);
    free(at);
    free(follows);
    free(apart);
}

Test(order, positions_and_neighbours) {
    uint32_t sizes[] = {20, 64, 65, 67, 81, 100, 127, 256, 257, 1009};
    for (int i = 0; i < 10; i++) check_positions(sizes[i], 20 * (int)sizes[i]);
}

/* Pairs of positions with pairs of rows: the joint distribution, in a coarse grid. */
Test(order, pairs_of_positions) {
    enum { GRID = 8, EPOCHS = 400 };
    const uint32_t n = 4000;
    static int cells[GRID][GRID][3];
    static uint32_t rows[4000];
    sgdrt_order order = sgdrt_order_of(SGDRT_ORDER_SHUFFLED, n, 9);
    const uint32_t apart[] = {1, order.a, order.a + 1};
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        sgdrt_order_fill(&order, (uint64_t)epoch, 0, n, rows);
        for (int k = 0; k < 3; k++)
            for (uint32_t i = 0; i + apart[k] < n; i++) cells[rows[i] * GRID / n][rows[i + apart[k]] * GRID / n][k]++;
    }
    for (int k = 0; k < 3; k++) {
        double expected = EPOCHS * (double)(n - apart[k]) / (GRID * GRID), chi = 0;
        for (int a = 0; a < GRID; a++)
            for (int b = 0; b < GRID; b++) chi += (cells[a][b][k] - expected) * (cells[a][b][k] - expected) / expected;
        cr_expect(chi < 63 + 6 * sqrt(2.0 * 63), "apart by %u: chi square %g", apart[k], chi);
    }
}

Test(order, replacement_is_unbiased) {
    enum { N = 1000, EPOCHS = 200 };
    static int times[N];
    static uint32_t rows[N];
    sgdrt_order order = sgdrt_order_of(SGDRT_ORDER_REPLACEMENT, N, 5);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        sgdrt_order_fill(&order, (uint64_t)epoch, 0, N, rows);
        for (int i = 0; i < N; i++) {
            cr_assert(rows[i] < N);
            times[rows[i]]++;
        }
    }
    double chi = 0;
    for (int i = 0; i < N; i++) chi += (times[i] - (double)EPOCHS) * (times[i] - (double)EPOCHS) / EPOCHS;
    cr_expect(fabs(chi - (N - 1)) < 5 * sqrt(2.0 * N), "chi square %g", chi);
}

/* ---- held-out rows ----------------------------------------------------------------------- */

static void check_ascending(const uint32_t *rows, uint32_t count) {
    for (uint32_t i = 1; i < count; i++) cr_assert(rows[i] > rows[i - 1]);
}

Test(order, held_out_rows) {
    uint32_t rows[1503], again[1503], training, other;
    cr_assert(sgdrt_hold_out(&(sgdrt_held){SGDRT_HOLD_OUT_RANDOM, 0.1, 0, 0, 0}, 7, 1503, NULL, 0, rows, &training));
    cr_expect_eq(training, 1503 - 150);
    check_ascending(rows, training);
    check_ascending(rows + training, 1503 - training);
    cr_assert(sgdrt_hold_out(&(sgdrt_held){SGDRT_HOLD_OUT_RANDOM, 0.1, 0, 0, 0}, 7, 1503, NULL, 0, again, &other));
    cr_expect_arr_eq(rows, again, sizeof rows);
    cr_assert(sgdrt_hold_out(&(sgdrt_held){SGDRT_HOLD_OUT_RANDOM, 0.1, 0, 0, 0}, 8, 1503, NULL, 0, again, &other));
    cr_expect(memcmp(rows, again, sizeof rows) != 0);
    cr_assert(sgdrt_hold_out(&(sgdrt_held){SGDRT_HOLD_OUT_LAST, 0.25, 0, 0, 0}, 7, 10, NULL, 0, rows, &training));
    cr_expect_eq(training, 7);
    cr_expect_eq(rows[7], 7);
}

Test(order, held_out_rows_of_every_label) {
    enum { N = 1000 };
    int32_t labels[N];
    uint32_t rows[N], training;
    int held[3] = {0};
    for (int i = 0; i < N; i++) labels[i] = i < 600 ? 0 : i < 990 ? 1 : 2;
    cr_assert(sgdrt_hold_out(&(sgdrt_held){SGDRT_HOLD_OUT_SPLIT, 0.1, 0, 0, 0}, 7, N, labels, 3, rows, &training));
    for (uint32_t i = training; i < N; i++) held[labels[rows[i]]]++;
    cr_expect_eq(held[0], 60);
    cr_expect_eq(held[1], 39);
    cr_expect_eq(held[2], 1);
}

static void deal(const sgdrt_held *held, uint32_t n, const int32_t *labels, int64_t classes, int *times,
                 uint32_t *training) {
    uint32_t rows[1503];
    cr_assert(sgdrt_hold_out(held, 7, n, labels, classes, rows, training));
    check_ascending(rows, *training);
    check_ascending(rows + *training, n - *training);
    for (uint32_t i = *training; i < n; i++) times[rows[i]]++;
}

Test(order, each_row_is_in_one_fold) {
    enum { N = 1503 };
    int times[N] = {0};
    for (uint32_t fold = 0; fold < 4; fold++) {
        uint32_t training;
        deal(&(sgdrt_held){SGDRT_HOLD_OUT_FOLDS, 0, fold, 4, N}, N, NULL, 0, times, &training);
        cr_expect_eq(N - training, fold < 3 ? 376 : 375);
    }
    for (int i = 0; i < N; i++) cr_assert_eq(times[i], 1);
}

Test(order, folds_have_their_share_of_every_label) {
    enum { N = 103, FOLDS = 5 };
    int32_t labels[N];
    for (int i = 0; i < N; i++) labels[i] = i < 61 ? 0 : i < 95 ? 1 : 2;
    for (uint32_t fold = 0; fold < FOLDS; fold++) {
        int times[N] = {0}, held[3] = {0};
        uint32_t training;
        deal(&(sgdrt_held){SGDRT_HOLD_OUT_FOLDS, 0, fold, FOLDS, N}, N, labels, 3, times, &training);
        for (int i = 0; i < N; i++) held[labels[i]] += times[i];
        cr_expect(held[0] == 12 || held[0] == 13);
        cr_expect(held[1] == 6 || held[1] == 7);
        cr_expect(held[2] == 1 || held[2] == 2);
        cr_expect(N - training == 20 || N - training == 21);
    }
}

Test(order, copies_of_a_row_are_in_its_fold) {
    enum { N = 41, COPIES = 3 };
    for (uint32_t fold = 0; fold < 5; fold++) {
        int times[N * COPIES] = {0};
        uint32_t training;
        deal(&(sgdrt_held){SGDRT_HOLD_OUT_FOLDS, 0, fold, 5, N}, N * COPIES, NULL, 0, times, &training);
        for (int i = 0; i < N; i++) cr_assert(times[i] == times[i + N] && times[i] == times[i + 2 * N]);
    }
}
