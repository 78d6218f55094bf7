/* The rows of an epoch's places: order.c says which position, this says which row of the table, and what happens at
 * the ragged end. An epoch of n rows in steps of b has n places if the last step keeps its smaller size, the whole
 * steps' if it is dropped, and if it wraps, the epoch's first rows again until it is full.
 */
#include "feed.h"

enum { MOST_PLACES = 1 << 16 }; /* of one call, where rows are listed */

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

int64_t sgdrt_feed_planned(const sgdrt_feed *feed, int64_t epochs, int64_t steps) {
    return steps > 0 ? steps : (epochs > 0 ? epochs : 1) * feed->steps;
}

int64_t sgdrt_feed_capacity(const sgdrt_feed *feed) {
    if (sgdrt_feed_is_plain(feed, 0, feed->places)) return 0;
    int64_t places = feed->places < MOST_PLACES ? feed->places : MOST_PLACES;
    return places < feed->batch ? feed->batch : places / feed->batch * feed->batch;
}

int64_t sgdrt_feed_call(const sgdrt_feed *feed, sgdrt_header *header, int64_t steps, uint32_t *rows, sgdrt_call *call) {
    int64_t in_epoch = (int64_t)header->step % feed->steps, first = in_epoch * feed->batch,
            places = steps * feed->batch;
    if (first + places > feed->places) places = feed->places - first;
    header->epoch = header->step / (uint64_t)feed->steps;
    call->count = places;
    call->batch = feed->batch;
    call->place = first;
    call->first = 0;
    if (!sgdrt_feed_is_plain(feed, first, places)) {
        sgdrt_feed_fill(feed, header->epoch, first, places, rows);
        call->rows = rows;
    } else if (feed->members) {
        call->rows = feed->members + first;
    } else {
        call->rows = NULL;
        call->first = first;
    }
    return places;
}

int64_t sgdrt_feed_rows_of(const sgdrt_feed *feed, const sgdrt_call *call, int64_t steps) {
    int64_t places = steps * feed->batch;
    return places < call->count ? places : call->count;
}
