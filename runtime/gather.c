/* Rows of several data sets, copied side by side: one table for generated code, which reads one row number for all of its
 * columns. It is as large as a step. Where the numbers of rows do not divide each other, generated code counts each row of
 * a set once, by the numbers in the header.
 */
#include "gather.h"
#include <stdlib.h>
#include <string.h>

enum { PADDING = 64 }; /* may be read */

static sgdrt_partner partner_of(const sgdrt_model_set *set, int64_t rows, uint64_t seed, int32_t index) {
    uint64_t own = seed + 0x9e3779b97f4a7c15ull * ((uint64_t)index + 1);
    return (sgdrt_partner){.order = sgdrt_order_of(set->order, (uint32_t)(rows * set->copies), own),
                           .rows = rows,
                           .batch = set->batch < 0 ? rows * set->copies : set->batch,
                           .first_column = set->first_column,
                           .column_count = set->column_count};
}

bool sgdrt_gathering_open(sgdrt_gathering *g, const sgdrt_model_set *sets, int32_t set_count, const int64_t *rows,
                          const sgdrt_column *from, const uint64_t *bytes, int32_t column_count, int64_t batch,
                          int64_t whole, uint64_t seed) {
    size_t all = 0;
    *g = (sgdrt_gathering){.from = from, .column_count = column_count, .set_count = set_count, .whole = whole};
    g->places = whole;
    for (int32_t s = 0; s < set_count; s++) g->uneven |= sgdrt_is_uneven(batch, sets[s].batch);
    for (int32_t s = 0; s < set_count && g->uneven; s++) {
        int64_t own = partner_of(&sets[s], rows[s], seed, s).batch;
        g->places = own > g->places ? own : g->places;
    }
    int64_t places = g->places;
    for (int32_t c = 0; c < column_count; c++) all += sgdrt_whole_lines(bytes[c] * (uint64_t)places + PADDING);
    g->partners = malloc(sizeof *g->partners * ((size_t)set_count + 1));
    g->columns = malloc(sizeof *g->columns * ((size_t)column_count + 1));
    g->rows = malloc(sizeof *g->rows * ((size_t)places + 1));
    g->memory = aligned_alloc(64, all + 64);
    if (!g->partners || !g->columns || !g->rows || !g->memory) {
        sgdrt_gathering_close(g);
        return false;
    }
    memset(g->memory, 0, all);
    char *next = g->memory;
    for (int32_t c = 0; c < column_count; c++) {
        g->columns[c] = (sgdrt_column){next, (int64_t)bytes[c]};
        next += sgdrt_whole_lines(bytes[c] * (uint64_t)places + PADDING);
    }
    for (int32_t s = 0; s < set_count; s++) g->partners[s] = partner_of(&sets[s], rows[s], seed, s);
    return true;
}

void sgdrt_gathering_close(sgdrt_gathering *g) {
    free(g->partners);
    free(g->columns);
    free(g->rows);
    free(g->memory);
    *g = (sgdrt_gathering){0};
}

static void repeat(uint32_t *rows, int64_t own, int64_t count) {
    for (int64_t i = own; i < count; i++) rows[i] = rows[i - own];
}

int64_t sgdrt_partner_fill(const sgdrt_partner *partner, uint64_t step, int64_t whole, int64_t first_set, int64_t count,
                           uint32_t *rows) {
    uint64_t own = (uint64_t)(partner->batch ? partner->batch : whole), all = partner->order.n;
    int64_t wanted = partner->batch ? partner->batch : first_set;
    if (wanted > count) wanted = count;
    for (int64_t done = 0; done < wanted;) {
        uint64_t position = step * own + (uint64_t)done;
        uint32_t first = (uint32_t)(position % all);
        int64_t part = (int64_t)all - (int64_t)first;
        if (part > wanted - done) part = wanted - done;
        sgdrt_order_fill(&partner->order, position / all, first, (uint32_t)part, rows + done);
        done += part;
    }
    for (int64_t i = 0; i < wanted; i++) rows[i] = (uint32_t)(rows[i] % partner->rows);
    repeat(rows, wanted, count);
    return wanted;
}

/* The rows that g->rows lists, of columns of one set. */
static void copy_rows(const sgdrt_gathering *g, int32_t first, int32_t columns, int64_t count) {
    for (int32_t c = first; c < first + columns; c++) {
        const sgdrt_column *from = &g->from[c], *to = &g->columns[c];
        for (int64_t i = 0; i < count && from->data; i++)
            memcpy((char *)to->data + i * to->stride, (const char *)from->data + g->rows[i] * from->stride,
                   (size_t)to->stride);
    }
}

int64_t sgdrt_gathered_places(const sgdrt_gathering *g, int64_t first) {
    int64_t places = first;
    for (int32_t s = 0; s < g->set_count && g->uneven; s++)
        if (g->partners[s].batch > places) places = g->partners[s].batch;
    return places;
}

void sgdrt_gather(sgdrt_gathering *g, uint64_t step, sgdrt_call *call) {
    int64_t first = call->count, count = sgdrt_gathered_places(g, first);
    sgdrt_header *header = call->state;
    for (int64_t i = 0; i < first; i++) g->rows[i] = call->rows ? call->rows[i] : (uint32_t)(call->first + i);
    repeat(g->rows, first, count);
    copy_rows(g, 0, g->partners[0].first_column, count);
    if (g->uneven) header->set_rows[0] = (uint32_t)first;
    for (int32_t s = 0; s < g->set_count; s++) {
        int64_t own = sgdrt_partner_fill(&g->partners[s], step, g->whole, first, count, g->rows);
        copy_rows(g, g->partners[s].first_column, g->partners[s].column_count, count);
        if (g->uneven) header->set_rows[s + 1] = (uint32_t)own;
    }
    call->columns = g->columns;
    call->rows = NULL;
    call->first = 0;
    call->count = count;
    call->batch = g->places;
    call->place = call->place / g->whole * g->places;
}
