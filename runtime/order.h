/* order: which row stands at which position of an epoch, and which rows are held out.
 *
 * A pure function of (seed, epoch, position), made of integer operations: no memory, any part of an epoch can
 * be asked for at any time, and a resumed run sees the order that an uninterrupted one would have seen.
 *
 *   shuffled, n <= 64  the rank of keyed 32-bit hashes of the rows, ties by index: every order is as likely
 *                      as any other but for ties
 *   shuffled, n > 64   position = x + a y is sent through 8 rounds of a Feistel network whose halves are the
 *                      integers modulo a and modulo b (x += h(y), y += h(x)), a permutation of a b >= n
 *                      places; a near sqrt(n) is searched so that a b - n is smallest, and who lands at n or
 *                      beyond is sent through again
 *   sequential         position
 *   replacement        a keyed hash of the position, reduced to 0 .. n-1 by multiplication, with rejection:
 *                      no bias
 *
 * Positions are 0 .. n-1, also where rows are drawn with replacement.
 */
#ifndef SGDRT_ORDER_H
#define SGDRT_ORDER_H
#include <stdbool.h>
#include <stdint.h>

enum { SGDRT_ORDER_SHUFFLED, SGDRT_ORDER_SEQUENTIAL, SGDRT_ORDER_REPLACEMENT };

typedef struct sgdrt_order {
    int kind;
    uint32_t n, a, b;
    uint64_t seed;
} sgdrt_order;

/* 1 <= n <= 65535 * 65535 */
sgdrt_order sgdrt_order_of(int kind, uint32_t n, uint64_t seed);
/* rows[i] = the row at position first + i; first + count <= n. */
void sgdrt_order_fill(const sgdrt_order *order, uint64_t epoch, uint32_t first, uint32_t count, uint32_t *rows);

/* Held-out rows: of the n rows, or with SPLIT of the rows of each label (0 .. classes-1) apart, the first
 * floor(count * part + 1/2) in an order of the seed's own; with LAST the last ones. With FOLDS the rows are dealt in
 * that order, one to each fold in turn, of labels the first label's rows before the next's: every row is in one fold,
 * with all its copies, and numbers of rows differ by one at most. Writes the training rows to rows[0 .. *training),
 * the held-out rows after them, both ascending. False if there is no memory for it.
 */
uint32_t sgdrt_hold_out_part(uint32_t n, double part); /* how many of n rows */
enum { SGDRT_HOLD_OUT_RANDOM = 1, SGDRT_HOLD_OUT_SPLIT, SGDRT_HOLD_OUT_LAST, SGDRT_HOLD_OUT_FOLDS }; /* as HoldOut */
typedef struct sgdrt_held {
    int kind;
    double part;          /* but of FOLDS */
    uint32_t fold, folds; /* fold: 0 .. folds-1 */
    uint32_t own;         /* rows; those behind are copies */
} sgdrt_held;
bool sgdrt_hold_out(const sgdrt_held *held, uint64_t seed, uint32_t n, const int32_t *labels, int64_t classes,
                    uint32_t *rows, uint32_t *training);

#endif
