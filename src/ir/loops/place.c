/* place: when buffers live, and where in the work block they lie.
 *
 * Lives are counted in nests of the whole function; what carries something from block to block, or is read in
 * a sweep from outside, lives through the whole sweep. No plan can take less than the bytes that live at one
 * step: `least_bytes`, where every buffer counts in whole lines of 64 bytes. To find places that come close, a
 * few orders (the largest first, the earliest, the longest lived, those of the largest bytes times life) are tried
 * with first fit and with the tightest fit, and then what lay on top is placed earlier, until nothing is gained.
 * All of it is exact and deterministic; the best plan is within a tenth of the bound (tests/unit/place.c).
 *
 * Beside the buffers, the work block has a margin at either end: bytes beyond either end of a buffer may be read
 * (as lanes that are then ignored), and the first bytes also take sums that the caller does not ask for. Large
 * buffers keep a line free behind them, so that those of 2^n bytes do not all begin at the same place of a page. Where
 * threads share nests, what each of them needs for itself (`of_thread`) is placed by itself, with margins of its
 * own, in a piece of scratch per thread; the first thread's lies behind the rest of the work block.
 */
#include "ir/loops/loop.h"
#include <stdlib.h>
#include <string.h>

enum { MARGIN = 128, ALIGNMENT = 64, LARGE = 4096 }; /* the widest vector: 16 f64 */

/* ---- lives ------------------------------------------------------------------------------------- */
typedef struct Lives {
    LoopFunction *f;
    const Section *section;
    int step, first, last; /* of the plan; of the section */
    int relay_first, relay_last;
} Lives;

static void live_at(Buffer *b, int step) {
    if (b == NULL) return;
    if (b->first < 0 || step < b->first) b->first = step;
    if (step > b->last) b->last = step;
}

static void live(const Lives *l, Buffer *b, bool persists) {
    live_at(b, l->step);
    if (l->step <= l->relay_last && b != NULL && !b->of_relay) {
        live_at(b, l->relay_first);
        live_at(b, l->relay_last);
    }
    if (persists && l->section->inside && !l->f->one_block) {
        live_at(b, l->first);
        live_at(b, l->last);
    }
}

static void visit_live(void *context, const Read *read) {
    const Lives *l = context;
    if (!node_is_stored(l->f, read->node)) return;
    live(l, l->f->buffer[read->node->id], read->node->rows == 0);
    live(l, l->f->copy[read->node->id], false);
}

static void find_lives(LoopFunction *f) {
    Lives l = {.f = f, .relay_last = -1};
    for (int s = 0; s < f->section_count; s++) {
        l.section = &f->sections[s];
        l.first = l.step;
        l.last = l.step + l.section->nests.count;
        for (int i = 0; i < l.section->nests.count; i++, l.step++) {
            const Nest *nest = l.section->nests.items[i];
            if (nest->relay > 0) {
                l.relay_first = l.step;
                l.relay_last = l.step + nest->relay - 1;
            }
            nest_reads(f, nest, visit_live, &l);
            for (int k = 0; k < nest->store_count; k++)
                live(&l, nest->stores[k].buffer, nest->stores[k].node->rows == 0);
            if (nest->blocks != NULL) {
                live(&l, nest->blocks->partial, false);
                live(&l, nest->blocks->packed[0], false);
                live(&l, nest->blocks->packed[1], false);
            }
            live(&l, nest->chain, true);
            live(&l, nest->total, true);
            if (nest->convolution != NULL) {
                live(&l, nest->convolution->packed, true);
                live(&l, nest->convolution->grouped[0], false);
                live(&l, nest->convolution->grouped[1], false);
            }
            live(&l, nest->repacked, false);
            live(&l, grouped_operand(nest), false);
            if (nest->kind == NEST_SCATTER) live(&l, f->buffer[nest->reduce->id], true);
        }
    }
    if (f->row_index != NULL) {
        live_at(f->row_index, 0);
        live_at(f->row_index, l.step);
    }
    f->steps_planned = l.step + 1;
    for (int i = 0; i < f->buffers.count; i++) /* nobody said when: always */
        if (f->buffers.items[i]->first < 0) {
            live_at(f->buffers.items[i], 0);
            live_at(f->buffers.items[i], l.step);
        }
}

/* ---- places ------------------------------------------------------------------------------------ */
static size_t whole_lines(size_t n) { return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

static size_t room_of(const Buffer *b) { return whole_lines(b->bytes) + (b->bytes >= LARGE ? ALIGNMENT : 0); }

/* The most bytes alive at one step. */
static size_t least_bytes(const LoopFunction *f, bool of_thread) {
    size_t *change = arena_array(f->arena, size_t, f->steps_planned + 2), now = 0, most = 0;
    for (int i = 0; i < f->buffers.count; i++) {
        const Buffer *b = f->buffers.items[i];
        if (b->of_thread != of_thread) continue;
        change[b->first] += whole_lines(b->bytes);
        change[b->last + 1] -= whole_lines(b->bytes); /* unsigned: sums come out right */
    }
    for (int step = 0; step <= f->steps_planned; step++) {
        now += change[step];
        most = now > most ? now : most;
    }
    return most;
}

typedef struct Placed {
    Buffer *buffer;
    size_t at, end;
} Placed;
typedef struct Places {
    Placed *sorted;      /* by place; scratch */
    size_t *at, *best;   /* by id */
    size_t bytes, tried; /* of the best; of the last one tried */
    int count;
} Places;

/* The place of the next buffer among those placed before it that live at the same time. */
static size_t find_place(const Places *p, int placed, const Buffer *b, bool tightest) {
    size_t bytes = room_of(b), end = 0, least = SIZE_MAX, found = 0;
    for (int i = 0; i < placed; i++) {
        const Placed *other = &p->sorted[i];
        if (other->buffer->last < b->first || other->buffer->first > b->last) continue;
        if (other->at >= end + bytes && other->at - end < least) {
            least = other->at - end;
            found = end;
            if (!tightest) return found;
        }
        end = other->end > end ? other->end : end;
    }
    return least == SIZE_MAX ? end : found;
}

/* Keeps the plan if it is the best so far. Returns the index in order of the buffer that lies on top. */
static int try_order(Places *p, Buffer *const *order, bool tightest) {
    size_t most = 0;
    int top = 0;
    for (int i = 0; i < p->count; i++) {
        Buffer *b = order[i];
        size_t at = find_place(p, i, b, tightest), end = at + room_of(b);
        int k = i;
        for (; k > 0 && p->sorted[k - 1].at > at; k--) p->sorted[k] = p->sorted[k - 1];
        p->sorted[k] = (Placed){b, at, end};
        p->at[b->id] = at;
        if (end > most) {
            most = end;
            top = i;
        }
    }
    p->tried = most;
    if (most < p->bytes) {
        p->bytes = most;
        size_t *other = p->best;
        p->best = p->at;
        p->at = other;
    }
    return top;
}

typedef enum Order { ORDER_SIZE, ORDER_AREA, ORDER_LIFE, ORDER_START, ORDERS } Order;
typedef struct Rank {
    double key;
    Buffer *buffer;
} Rank;

static int by_rank(const void *a, const void *b) {
    const Rank *x = a, *y = b;
    if (x->key != y->key) return x->key > y->key ? -1 : 1;
    if (x->buffer->bytes != y->buffer->bytes) return x->buffer->bytes > y->buffer->bytes ? -1 : 1;
    return x->buffer->id < y->buffer->id ? -1 : 1;
}

static double rank_of(Order order, const Buffer *b) {
    double life = b->last - b->first + 1;
    switch (order) {
    case ORDER_SIZE: return (double)b->bytes;
    case ORDER_AREA: return (double)b->bytes * life;
    case ORDER_LIFE: return life;
    default: return -b->first;
    }
}

static void move_to(Buffer **order, int from, int to) {
    Buffer *b = order[from];
    int step = to < from ? -1 : 1;
    for (int i = from; i != to; i += step) order[i] = order[i + step];
    order[to] = b;
}

static int64_t tries_of(const Places *p, int64_t most) {
    int64_t tries = (int64_t)(1 << 22) / ((int64_t)p->count * p->count + 1);
    return tries < most ? tries : most;
}

/* What lies on top is placed earlier, first among all, then in the middle of those before it. */
static void raise_top(Places *p, Buffer **order, bool tightest, size_t enough) {
    int64_t tries = tries_of(p, 32);
    for (int top = try_order(p, order, tightest); tries > 0 && top > 0 && p->bytes > enough; tries--) {
        move_to(order, top, tries % 2 ? top / 2 : 0);
        top = try_order(p, order, tightest);
    }
}

/* Buffers change their turn at random, and keep it where the plan does not grow. */
static void shuffle_turns(Places *p, Buffer **order, bool tightest, size_t enough) {
    uint64_t random = 1;
    size_t bytes = SIZE_MAX;
    for (int64_t tries = tries_of(p, 2000); tries > 0 && p->bytes > enough; tries--) {
        random = random * 6364136223846793005ull + 1442695040888963407ull;
        int from = (int)((random >> 33) % (uint64_t)p->count), to = (int)((random >> 13) % (uint64_t)p->count);
        move_to(order, from, to);
        try_order(p, order, tightest);
        if (p->tried <= bytes)
            bytes = p->tried;
        else
            move_to(order, to, from);
    }
}

static void sort_by(Order by, Rank *rank, Buffer **order, int count) {
    for (int i = 0; i < count; i++) rank[i] = (Rank){rank_of(by, order[i]), order[i]};
    qsort(rank, (size_t)count, sizeof *rank, by_rank);
    for (int i = 0; i < count; i++) order[i] = rank[i].buffer;
}

/* The bytes that the buffers of the work block take from `margin` on, or those that every thread has. */
static size_t place_kind(LoopFunction *f, bool of_thread, size_t margin) {
    size_t n = (size_t)f->buffers.count + 1, least = least_bytes(f, of_thread), enough = least + least / 50;
    Places p = {.sorted = arena_array(f->arena, Placed, n),
                .at = arena_array(f->arena, size_t, n),
                .best = arena_array(f->arena, size_t, n),
                .bytes = SIZE_MAX};
    Rank *rank = arena_array(f->arena, Rank, n);
    Buffer **order = arena_array(f->arena, Buffer *, n);
    for (int i = 0; i < f->buffers.count; i++)
        if (f->buffers.items[i]->of_thread == of_thread) order[p.count++] = f->buffers.items[i];
    for (int way = 0; way < 2 * ORDERS && p.bytes > enough; way++) {
        sort_by((Order)(way / 2), rank, order, p.count);
        raise_top(&p, order, way % 2 == 1, enough);
    }
    for (int way = 0; way < 2 * ORDERS; way++) {
        sort_by((Order)(way / 2), rank, order, p.count);
        shuffle_turns(&p, order, way % 2 == 1, least + least / 12);
    }
    for (int i = 0; i < p.count; i++) order[i]->offset = margin + p.best[order[i]->id];
    f->least_bytes += least;
    return p.count > 0 ? p.bytes : 0;
}

void place_buffers(LoopFunction *f) {
    size_t margin = whole_lines(MARGIN + sizeof(double) * (size_t)f->function->root_count);
    f->least_bytes = 0;
    f->margin_bytes = margin + MARGIN;
    f->work_bytes = margin + place_kind(f, false, margin) + MARGIN;
    if (!f->threads) return;
    f->thread_bytes = MARGIN + place_kind(f, true, MARGIN) + MARGIN;
    f->margin_bytes += 2 * MARGIN;
    f->work_bytes += f->thread_bytes;
}

void place_function(LoopFunction *f) {
    find_lives(f);
    place_buffers(f);
}
