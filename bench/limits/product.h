/* Products of matrices as BLAS libraries make them: register tiles around packed panels.
 *     for each block of terms                                       (TERMS of them: a panel of rows fills half of L1)
 *         for each block of rows                                    (its panels take half of L2)
 *             pack them: [tile][term][row]
 *             for each panel of columns                             (packed once for all blocks of rows)
 *                 pack it: [term][column]
 *                 for each tile of rows:  a register tile, its terms
 * A tile is `rows` times `vectors` of chains. Edges are smaller tiles, no row is computed in vain; extents are divided
 * evenly, so that edges are not much smaller. */
#ifndef BENCH_LIMITS_PRODUCT_H
#define BENCH_LIMITS_PRODUCT_H
#include "vector.h"
#include <stdlib.h>
#include <string.h>

/* Element (i, p) is at[i * outer + p * term]; one of the two is 1. */
typedef struct {
    const float *at;
    size_t outer, term;
} operand;

enum {
    MOST_ROWS = CHAINS / 2,
    MOST_VECTORS = LANES == 16 ? 4 : 3,
    PANEL_BYTES = 16 << 10,
    BLOCK_BYTES = 640 << 10,
};

INLINE size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* Where part i of `parts` begins, if `all` is divided evenly. */
INLINE size_t begin_of(size_t i, size_t parts, size_t all) { return i * (all / parts) + least(i, all % parts); }

/* ---- register tiles: c (+)= a b; a is [term][row], b [term][column] */
INLINE void tile(int rows, int vectors, size_t terms, const float *restrict a, const float *restrict b, float *c,
                 size_t c_row, int adding) {
    vector sum[MOST_ROWS][MOST_VECTORS];
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            sum[i][v] = spread(0);
            _mm_prefetch((const char *)(c + (size_t)i * c_row + (size_t)v * LANES), _MM_HINT_T0);
        }
#pragma GCC unroll 1
    for (size_t p = 0; p < terms; p++) {
        vector columns[MOST_VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) columns[v] = load(b + v * LANES);
#pragma GCC unroll 12
        for (int i = 0; i < rows; i++) {
            vector factor = spread(a[i]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) sum[i][v] = multiply_add(columns[v], factor, sum[i][v]);
        }
        a += rows;
        b += vectors * LANES;
    }
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            float *at = c + (size_t)i * c_row + (size_t)v * LANES;
            store(at, adding ? add(load(at), sum[i][v]) : sum[i][v]);
        }
}

#define TILE(rows, vectors)                                 \
    case vectors * 16 + rows:                               \
        tile(rows, vectors, terms, a, b, c, c_row, adding); \
        return
#define TILES_TO_4(vectors) \
    TILE(1, vectors);       \
    TILE(2, vectors);       \
    TILE(3, vectors);       \
    TILE(4, vectors)
#define TILES_TO_6(vectors) \
    TILES_TO_4(vectors);    \
    TILE(5, vectors);       \
    TILE(6, vectors)
#define TILES_TO_8(vectors) \
    TILES_TO_6(vectors);    \
    TILE(7, vectors);       \
    TILE(8, vectors)
#define TILES_TO_12(vectors) \
    TILES_TO_8(vectors);     \
    TILE(9, vectors);        \
    TILE(10, vectors);       \
    TILE(11, vectors);       \
    TILE(12, vectors)

static void run_tile(size_t rows, size_t vectors, size_t terms, const float *a, const float *b, float *c, size_t c_row,
                     int adding) {
    switch (vectors * 16 + rows) {
#if defined __AVX512F__
        TILES_TO_12(1);
        TILES_TO_12(2);
        TILES_TO_8(3);
        TILES_TO_6(4);
#else
        TILES_TO_6(1);
        TILES_TO_6(2);
        TILES_TO_4(3);
#endif
    default: abort();
    }
}

/* A tile whose columns are fewer than its lanes is computed beside the result. */
static void finish(const float *beside, size_t rows, size_t columns, size_t wide, float *c, size_t c_row, int adding) {
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++) c[i * c_row + j] = (adding ? c[i * c_row + j] : 0) + beside[i * wide + j];
}

/* ---- packing */
/* to[p][i] for `count` of the outer axis in rows of `wide` (the rest is 0), times alpha. */
static void pack(const operand *from, size_t first, size_t count, size_t first_term, size_t terms, float alpha,
                 size_t wide, float *to) {
    const float *at = from->at + first * from->outer + first_term * from->term;
    size_t squares = from->term == 1 && alpha == 1 ? count / LANES * LANES : 0, whole = terms / LANES * LANES;
    for (size_t p = 0; p < whole; p += LANES)
        for (size_t i = 0; i < squares; i += LANES)
            transpose_square(at + i * from->outer + p, from->outer, to + p * wide + i, wide);
    if (from->outer == 1 && alpha == 1 && count % LANES == 0) {
        for (size_t p = 0; p < terms; p++)
            for (size_t i = 0; i < count; i += LANES) store(to + p * wide + i, load(at + p * from->term + i));
        return;
    }
    for (size_t p = 0; p < terms; p++)
        for (size_t i = p < whole ? squares : 0; i < wide; i++)
            to[p * wide + i] = i < count ? alpha * at[i * from->outer + p * from->term] : 0;
}

/* The same for fewer rows than lanes: squares whose last columns the next ones overwrite. */
static void pack_rows(const operand *from, size_t first, size_t count, size_t first_term, size_t terms, float alpha,
                      float *to) {
    const float *at = from->at + first * from->outer + first_term;
    if (from->term != 1 || count > LANES) {
        pack(from, first, count, first_term, terms, alpha, count, to);
        return;
    }
    size_t whole = terms / LANES * LANES, p = 0;
    for (; p < whole; p += LANES) {
        vector r[LANES];
        for (size_t i = 0; i < LANES; i++)
            r[i] = i < count ? multiply(load(at + i * from->outer + p), spread(alpha)) : spread(0);
        transpose(r);
        for (size_t l = 0; l < LANES; l++) store(to + (p + l) * count, r[l]);
    }
    for (; p < terms; p++)
        for (size_t i = 0; i < count; i++) to[p * count + i] = alpha * at[i * from->outer + p];
}

static float *room(float **held, size_t *has, size_t count) {
    if (*has < count) {
        free(*held);
        *held = aligned_alloc(64, (count * sizeof(float) + 4095) / 4096 * 4096);
        if (!*held) exit(1);
        *has = count;
    }
    return *held;
}

/* Few columns are one panel. Tiles of 3 vectors x 8 rows, with AVX2 2 x 6, were the fastest for many. */
static size_t vectors_for(size_t columns) {
    size_t vectors = (columns + LANES - 1) / LANES;
    return vectors <= MOST_VECTORS ? vectors : LANES == 16 ? 3 : 2;
}

/* c (+)= alpha a b^T; c has rows of c_row. */
static void multiply_matrices(size_t n, size_t m, size_t k, float alpha, operand a, operand b, int adding, float *c,
                              size_t c_row) {
    static float *held[2];
    static size_t has[2];
    size_t vectors = vectors_for(m), most = least(CHAINS / vectors, MOST_ROWS), wide = vectors * LANES;
    size_t blocks = (k * most * sizeof(float) + PANEL_BYTES - 1) / PANEL_BYTES, panels = (m + wide - 1) / wide;
    size_t most_terms = (k + blocks - 1) / blocks,
           groups = (n * most_terms * sizeof(float) + BLOCK_BYTES - 1) / BLOCK_BYTES;
    float beside[LANES * MOST_VECTORS * LANES];
    float *columns = room(&held[1], &has[1], (groups > 1 ? panels : 1) * wide * most_terms);
    float *rows = room(&held[0], &has[0], n * most_terms + LANES * LANES);
    for (size_t block = 0; block < blocks; block++) {
        size_t first_term = begin_of(block, blocks, k), terms = begin_of(block + 1, blocks, k) - first_term;
        int more = adding || block > 0;
        for (size_t group = 0; group < groups; group++) {
            size_t first = begin_of(group, groups, n), count = begin_of(group + 1, groups, n) - first;
            size_t tiles = (count + most - 1) / most;
            for (size_t t = 0; t < tiles; t++) {
                size_t i = begin_of(t, tiles, count);
                pack_rows(&a, first + i, begin_of(t + 1, tiles, count) - i, first_term, terms, alpha, rows + i * terms);
            }
            for (size_t panel = 0; panel < panels; panel++) {
                size_t j = panel * wide, here = least(wide, m - j), used = (here + LANES - 1) / LANES;
                float *packed = columns + (groups > 1 ? panel * wide * terms : 0);
                if (group == 0) pack(&b, j, here, first_term, terms, 1, used * LANES, packed);
                for (size_t t = 0; t < tiles; t++) {
                    size_t i = begin_of(t, tiles, count), high = begin_of(t + 1, tiles, count) - i;
                    float *at = c + (first + i) * c_row + j;
                    if (here % LANES == 0) {
                        run_tile(high, used, terms, rows + i * terms, packed, at, c_row, more);
                        continue;
                    }
                    run_tile(high, used, terms, rows + i * terms, packed, beside, used * LANES, 0);
                    finish(beside, high, here, used * LANES, at, c_row, more);
                }
            }
        }
    }
}
#endif
