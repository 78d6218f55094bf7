/* order: see order.h.
 *
 * The loops are written so that the compiler vectorises them: a block of positions at a time, all of them
 * through a round before the next. Position i is kept as (i mod a, i / a) and moved on by a block's length, so
 * that there is no division in a loop. Both halves stay below 2^16: 16-bit lanes are twice as many, and their
 * products cheaper than 32-bit ones.
 */
#include "order.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "math_functions.h"
#include "vector_clones.h"

enum { FEW = 64, FEWEST = 32, BLOCK = 256, ROUNDS = 8, MOST_HALF = 65535, MOST_SPARE = 32768 };

/* The rectangle a x b with the fewest places above n, a from sqrt(n) down to half of that. */
static void order_find_rectangle(sgdrt_order *order) {
    uint64_t n = order->n, root = (uint64_t)ceil(sqrt((double)n)), fewest = UINT64_MAX;
    if (root > MOST_HALF) root = MOST_HALF;
    for (uint64_t a = root; a > root / 2 && fewest > 0; a--) {
        uint64_t b = (n + a - 1) / a;
        if (b <= MOST_HALF && a * b - n < fewest) {
            fewest = a * b - n;
            order->a = (uint32_t)a;
            order->b = (uint32_t)b;
        }
    }
}

sgdrt_order sgdrt_order_of(int kind, uint32_t n, uint64_t seed) {
    sgdrt_order order = {.kind = kind, .n = n, .a = 1, .b = n, .seed = seed};
    if (kind == SGDRT_ORDER_SHUFFLED && n > FEW) order_find_rectangle(&order);
    return order;
}

/* ---- few rows ---------------------------------------------------------------------------- */

static void fill_few(const sgdrt_order *order, uint64_t key, uint32_t first, uint32_t count, uint32_t *rows) {
    uint32_t n = order->n, hash[FEW], row_at[FEW];
    for (uint32_t i = 0; i < n; i++) hash[i] = math_mix_u32(i ^ (uint32_t)key, (uint32_t)(key >> 32));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t rank = 0;
        for (uint32_t j = 0; j < n; j++) rank += hash[j] < hash[i] || (hash[j] == hash[i] && j < i);
        row_at[rank] = i;
    }
    memcpy(rows, row_at + first, count * sizeof *rows);
}

/* ---- many rows --------------------------------------------------------------------------- */

typedef struct Rounds {
    uint16_t first[ROUNDS], second[ROUNDS];
} Rounds;

static Rounds rounds_of(uint64_t key) {
    Rounds rounds;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t mixed = math_mix_u64(key + (uint64_t)(i + 1) * 0x9e3779b97f4a7c15ull);
        rounds.first[i] = (uint16_t)(mixed >> 16);
        rounds.second[i] = (uint16_t)(mixed >> 40);
    }
    return rounds;
}

/* A number below `range` from the other half and a key; 16-bit products only. */
__attribute__((always_inline)) static inline uint16_t round_of(uint16_t x, uint16_t first, uint16_t second,
                                                               uint16_t range) {
    uint16_t h = (uint16_t)((uint32_t)(uint16_t)(x ^ first) * 0x9e3bu);
    h = (uint16_t)(h ^ (h >> 7));
    h = (uint16_t)(h + second);
    h = (uint16_t)((uint32_t)h * 0xca6bu);
    return (uint16_t)(((uint32_t)h * range) >> 16);
}

/* (x + by) mod range, both below range. The second way takes fewer instructions but needs a bit to spare. */
__attribute__((always_inline)) static inline uint16_t add_modulo(uint16_t x, uint16_t by, uint16_t range, bool spare) {
    if (spare) {
        uint16_t sum = (uint16_t)(x + by), less = (uint16_t)(sum - range);
        return less < sum ? less : sum;
    }
    uint16_t rest = (uint16_t)(range - by);
    return x >= rest ? (uint16_t)(x - rest) : (uint16_t)(x + by);
}

__attribute__((always_inline)) static inline void permute(const Rounds *rounds, uint16_t a, uint16_t b, int count,
                                                          bool spare, uint16_t *restrict x, uint16_t *restrict y) {
    for (int i = 0; i < ROUNDS; i += 2) {
        uint16_t first = rounds->first[i], second = rounds->second[i];
        for (int j = 0; j < count; j++) x[j] = add_modulo(x[j], round_of(y[j], first, second, a), a, spare);
        first = rounds->first[i + 1];
        second = rounds->second[i + 1];
        for (int j = 0; j < count; j++) y[j] = add_modulo(y[j], round_of(x[j], first, second, b), b, spare);
    }
}

/* A function of its own: inside a larger one gcc no longer sees the products' high halves. */
VECTOR_CLONES(permute_block, (const Rounds *rounds, uint16_t a, uint16_t b, uint16_t *restrict x, uint16_t *restrict y),
              (rounds, a, b, x, y)) {
    if (a <= MOST_SPARE && b <= MOST_SPARE)
        permute(rounds, a, b, BLOCK, true, x, y);
    else
        permute(rounds, a, b, BLOCK, false, x, y);
}

static uint32_t walk(const sgdrt_order *order, const Rounds *rounds, uint32_t place) {
    while (place >= order->n) {
        uint16_t x = (uint16_t)(place % order->a), y = (uint16_t)(place / order->a);
        permute(rounds, (uint16_t)order->a, (uint16_t)order->b, 1, false, &x, &y);
        place = x + order->a * y;
    }
    return place;
}

/* The pairs of the positions that lie `distance` further on. */
__attribute__((always_inline)) static inline void move_on(uint16_t a, uint32_t distance, int count, const uint16_t *x,
                                                          const uint16_t *y, uint16_t *restrict to_x,
                                                          uint16_t *restrict to_y) {
    const uint16_t by_x = (uint16_t)(distance % a), by_y = (uint16_t)(distance / a);
    const uint16_t rest = (uint16_t)(a - by_x);
    for (int j = 0; j < count; j++) {
        bool wraps = x[j] >= rest;
        to_y[j] = (uint16_t)(y[j] + by_y + wraps);
        to_x[j] = wraps ? (uint16_t)(x[j] - rest) : (uint16_t)(x[j] + by_x);
    }
}

VECTOR_CLONES(fill_many,
              (const sgdrt_order *order, const Rounds *given, uint32_t first, uint32_t count, uint32_t *rows),
              (order, given, first, count, rows)) {
    const Rounds rounds = *given;
    const uint16_t a = (uint16_t)order->a, b = (uint16_t)order->b;
    uint16_t next_x[BLOCK], next_y[BLOCK], x[BLOCK], y[BLOCK];
    uint32_t out[BLOCK];
    uint16_t at_x = (uint16_t)(first % a), at_y = (uint16_t)(first / a);
    for (int j = 0; j < FEWEST; j++) {
        next_x[j] = at_x;
        next_y[j] = at_y;
        bool wraps = ++at_x == a;
        at_x = wraps ? 0 : at_x;
        at_y = (uint16_t)(at_y + wraps);
    }
    for (int known = FEWEST; known < BLOCK; known += FEWEST)
        move_on(a, FEWEST, FEWEST, &next_x[known - FEWEST], &next_y[known - FEWEST], &next_x[known], &next_y[known]);
    for (uint64_t done = 0; done < count; done += BLOCK) {
        uint32_t here = count - done < BLOCK ? (uint32_t)(count - done) : BLOCK, most = 0;
        memcpy(x, next_x, sizeof x);
        memcpy(y, next_y, sizeof y);
        move_on(a, BLOCK, BLOCK, x, y, next_x, next_y);
        permute_block(&rounds, a, b, x, y);
        for (int j = 0; j < BLOCK; j++) {
            out[j] = x[j] + (uint32_t)a * y[j];
            most = out[j] > most ? out[j] : most;
        }
        if (most >= order->n)
            for (uint32_t j = 0; j < here; j++) out[j] = walk(order, &rounds, out[j]);
        memcpy(rows + done, out, here * sizeof *rows);
    }
}

/* ---- with replacement -------------------------------------------------------------------- */

static uint32_t draw_again(uint64_t key, uint32_t position, uint32_t n, uint32_t least) {
    for (;;) {
        key = math_mix_u64(key + 0x9e3779b97f4a7c15ull);
        uint64_t product = (uint64_t)math_mix_u32(position ^ (uint32_t)key, (uint32_t)(key >> 32)) * n;
        if ((uint32_t)product >= least) return (uint32_t)(product >> 32);
    }
}

VECTOR_CLONES(fill_drawn, (uint64_t key, uint32_t n, uint32_t first, uint32_t count, uint32_t *rows),
              (key, n, first, count, rows)) {
    const uint32_t low = (uint32_t)key, high = (uint32_t)(key >> 32), least = (0 - n) % n;
    uint32_t missed = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t product = (uint64_t)math_mix_u32((first + i) ^ low, high) * n;
        rows[i] = (uint32_t)(product >> 32);
        missed |= (uint32_t)product < least;
    }
    for (uint32_t i = 0; missed && i < count; i++)
        if ((uint32_t)((uint64_t)math_mix_u32((first + i) ^ low, high) * n) < least)
            rows[i] = draw_again(key, first + i, n, least);
}

void sgdrt_order_fill(const sgdrt_order *order, uint64_t epoch, uint32_t first, uint32_t count, uint32_t *rows) {
    uint64_t key = math_key_of_name(order->seed ^ 0x6f726465725f6f66ull, epoch);
    if (order->kind == SGDRT_ORDER_SEQUENTIAL) {
        for (uint32_t i = 0; i < count; i++) rows[i] = first + i;
    } else if (order->kind == SGDRT_ORDER_REPLACEMENT) {
        fill_drawn(key, order->n, first, count, rows);
    } else if (order->n <= FEW) {
        fill_few(order, key, first, count, rows);
    } else {
        Rounds rounds = rounds_of(key);
        fill_many(order, &rounds, first, count, rows);
    }
}

/* ---- held-out rows ----------------------------------------------------------------------- */

uint32_t sgdrt_hold_out_part(uint32_t n, double part) {
    double count = floor((double)n * part + 0.5);
    return !(count > 0) ? 0 : count >= n ? n : (uint32_t)count;
}

/* Of a label: the place of its next row, in an order of the seed's own, and the place at which none is held out. */
typedef struct Share {
    uint32_t next, end;
} Share;

static void mark(const sgdrt_held *how, uint64_t seed, uint32_t n, const int32_t *labels, Share *shares,
                 uint8_t *held) {
    enum { PIECE = 4096 };
    sgdrt_order order = sgdrt_order_of(SGDRT_ORDER_SHUFFLED, n, seed ^ 0x686f6c645f6f7574ull);
    uint32_t rows[PIECE];
    for (uint32_t first = 0; first < n;) {
        uint32_t count = n - first < PIECE ? n - first : PIECE;
        sgdrt_order_fill(&order, 0, first, count, rows);
        for (uint32_t i = 0; i < count; i++) {
            Share *share = &shares[labels ? labels[rows[i]] : 0];
            uint32_t place = share->next++;
            held[rows[i]] = how->folds ? place % how->folds == how->fold : place < share->end;
        }
        first += count;
    }
}

/* Labels follow each other in folds, so that no fold has the odd row of each. */
static void plan_shares(const sgdrt_held *how, uint32_t n, const int32_t *labels, int64_t classes, Share *shares) {
    uint32_t before = 0;
    for (uint32_t i = 0; i < n && labels; i++) shares[labels[i]].end++;
    if (!labels) shares[0].end = n;
    for (int64_t c = 0; c < classes; c++) {
        uint32_t count = shares[c].end;
        if (how->folds)
            shares[c].next = before;
        else
            shares[c].end = sgdrt_hold_out_part(count, how->part);
        before += count;
    }
}

static int compare_labels(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

/* The labels numbered by which of them occur, where classes are more than rows; their number in *classes. NULL: no
 * memory. */
static int32_t *number_labels(const int32_t *labels, uint32_t n, int64_t *classes) {
    int32_t *numbered = malloc(sizeof *numbered * (n + (size_t)1)), *occur = malloc(sizeof *occur * (n + (size_t)1));
    uint32_t count = 0;
    if (numbered && occur) {
        memcpy(occur, labels, sizeof *occur * n);
        qsort(occur, n, sizeof *occur, compare_labels);
        for (uint32_t i = 0; i < n; i++)
            if (!count || occur[count - 1] != occur[i]) occur[count++] = occur[i];
        for (uint32_t i = 0; i < n; i++) {
            const int32_t *found = bsearch(&labels[i], occur, count, sizeof *occur, compare_labels);
            numbered[i] = (int32_t)(found - occur);
        }
        *classes = count;
    } else {
        free(numbered);
        numbered = NULL;
    }
    free(occur);
    return numbered;
}

/* The training rows, then the held-out rows. */
static void list_rows(const uint8_t *held, uint32_t n, uint32_t *rows, uint32_t *training) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++)
        if (!held[i]) rows[kept++] = i;
    *training = kept;
    for (uint32_t i = 0; i < n; i++)
        if (held[i]) rows[kept++] = i;
}

bool sgdrt_hold_out(const sgdrt_held *how, uint64_t seed, uint32_t n, const int32_t *labels, int64_t classes,
                    uint32_t *rows, uint32_t *training) {
    int32_t *numbered = labels && classes > n ? number_labels(labels, n, &classes) : NULL;
    if (labels && classes > n) return false;
    labels = numbered ? numbered : labels;
    classes = labels ? classes : 1;
    uint32_t own = how->folds ? how->own : n;
    uint8_t *held = calloc(n, 1);
    Share *shares = calloc((size_t)classes, sizeof *shares);
    bool memory = held != NULL && shares != NULL;
    if (memory) {
        plan_shares(how, own, labels, classes, shares);
        if (how->kind == SGDRT_HOLD_OUT_LAST)
            memset(held + (n - shares[0].end), 1, shares[0].end);
        else
            mark(how, seed, own, labels, shares, held);
        for (uint32_t i = own; i < n; i++) held[i] = held[i - own];
        list_rows(held, n, rows, training);
    }
    free(held);
    free(shares);
    free(numbered);
    return memory;
}
