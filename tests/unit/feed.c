/* Which rows the steps of an epoch take: keep, drop, wrap, all; any part of an epoch alone is the part of the whole. */
#include "feed.h"
#include <criterion/criterion.h>
#include <string.h>

Test(feed, an_epoch_keeps_every_row_once) {
    sgdrt_feed feed = sgdrt_feed_of(103, NULL, 10, SGDRT_ORDER_SHUFFLED, SGDRT_LAST_KEEP, 7);
    cr_assert_eq(feed.places, 103);
    cr_assert_eq(feed.steps, 11);
    uint32_t rows[103];
    bool seen[103] = {0};
    sgdrt_feed_fill(&feed, 2, 0, 103, rows);
    for (int i = 0; i < 103; i++) {
        cr_assert_lt(rows[i], 103);
        cr_assert_not(seen[rows[i]]);
        seen[rows[i]] = true;
    }
}

Test(feed, drop_and_wrap) {
    sgdrt_feed drop = sgdrt_feed_of(103, NULL, 10, SGDRT_ORDER_SHUFFLED, SGDRT_LAST_DROP, 7);
    sgdrt_feed wrap = sgdrt_feed_of(103, NULL, 10, SGDRT_ORDER_SHUFFLED, SGDRT_LAST_WRAP, 7);
    cr_assert_eq(drop.places, 100);
    cr_assert_eq(drop.steps, 10);
    cr_assert_eq(wrap.places, 110);
    cr_assert_eq(wrap.steps, 11);
    uint32_t rows[110];
    sgdrt_feed_fill(&wrap, 1, 0, 110, rows);
    cr_expect_arr_eq(rows, rows + 103, 7 * sizeof *rows, "the last step is filled with the epoch's first rows");
    cr_expect_eq(sgdrt_feed_of(5, NULL, 10, SGDRT_ORDER_SHUFFLED, SGDRT_LAST_DROP, 7).steps, 0);
    cr_expect_eq(sgdrt_feed_of(5, NULL, 10, SGDRT_ORDER_SHUFFLED, SGDRT_LAST_WRAP, 7).places, 10);
    sgdrt_feed twice = sgdrt_feed_of(5, NULL, 12, SGDRT_ORDER_SHUFFLED, SGDRT_LAST_WRAP, 7);
    sgdrt_feed_fill(&twice, 0, 0, 12, rows);
    cr_expect_arr_eq(rows, rows + 5, 5 * sizeof *rows);
    cr_expect_arr_eq(rows, rows + 10, 2 * sizeof *rows);
}

Test(feed, all_rows_come_in_the_order_of_the_file) {
    sgdrt_feed all = sgdrt_feed_of(20, NULL, 0, SGDRT_ORDER_SHUFFLED, SGDRT_LAST_KEEP, 7);
    cr_expect_eq(all.batch, 20);
    cr_expect_eq(all.steps, 1);
    cr_expect(sgdrt_feed_is_plain(&all, 0, 20));
    sgdrt_feed large = sgdrt_feed_of(20, NULL, 64, SGDRT_ORDER_SHUFFLED, SGDRT_LAST_KEEP, 7);
    cr_expect_eq(large.batch, 20);
    cr_expect_not(sgdrt_feed_is_plain(&large, 0, 20));
}

Test(feed, any_part_is_the_part_of_the_whole) {
    uint32_t members[103], whole[110], part[110];
    for (uint32_t i = 0; i < 103; i++) members[i] = 1000 + 2 * i;
    for (int order = SGDRT_ORDER_SHUFFLED; order <= SGDRT_ORDER_REPLACEMENT; order++) {
        sgdrt_feed feed = sgdrt_feed_of(103, members, 10, order, SGDRT_LAST_WRAP, 3);
        sgdrt_feed_fill(&feed, 5, 0, 110, whole);
        for (int64_t first = 0; first < 110; first += 7) {
            int64_t count = first + 30 > 110 ? 110 - first : 30;
            sgdrt_feed_fill(&feed, 5, first, count, part);
            cr_assert_arr_eq(part, whole + first, (size_t)count * sizeof *part);
        }
        for (int i = 0; i < 110; i++) cr_assert(whole[i] >= 1000 && whole[i] <= 1204 && whole[i] % 2 == 0);
    }
}
