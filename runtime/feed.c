/* The rows of an epoch's places: order.c says which position, this says which row of the table, and what happens at
 * the ragged end. An epoch of n rows in steps of b has n places if the last step keeps its smaller size, the whole
 * steps' if it is dropped, and if it wraps, the epoch's first rows again until it is full.
 */
#include "feed.h"

sgdrt_feed sgdrt_feed_of(int64_t rows, const uint32_t *members, int64_t batch, int order, int last, uint64_t seed) {
    sgdrt_feed feed = {.members = members, .rows = rows, .batch = batch};
    if (batch == 0) order = SGDRT_ORDER_SEQUENTIAL;
    if (batch == 0 || (batch > rows && last == SGDRT_LAST_KEEP)) feed.batch = rows;
    int64_t whole = rows / feed.batch, rest = rows % feed.batch;
    feed.order = sgdrt_order_of(order, (uint32_t)rows, seed);
    feed.steps = whole + (rest && last != SGDRT_LAST_DROP);
    feed.places = last == SGDRT_LAST_KEEP ? rows : feed.steps * feed.batch;
    return feed;
}

bool sgdrt_feed_is_plain(const sgdrt_feed *feed, int64_t first, int64_t count) {
    return feed->order.kind == SGDRT_ORDER_SEQUENTIAL && first + count <= feed->rows;
}

void sgdrt_feed_fill(const sgdrt_feed *feed, uint64_t epoch, int64_t first, int64_t count, uint32_t *rows) {
    for (int64_t done = 0; done < count;) {
        int64_t position = (first + done) % feed->rows, part = feed->rows - position;
        if (part > count - done) part = count - done;
        sgdrt_order_fill(&feed->order, epoch, (uint32_t)position, (uint32_t)part, rows + done);
        done += part;
    }
    if (feed->members)
        for (int64_t i = 0; i < count; i++) rows[i] = feed->members[rows[i]];
}
