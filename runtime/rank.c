/* rank: a heap of row numbers is sorted by value, then runs of equal values share their ranks. A heap needs no memory but
 * the row numbers, and no more time for rows that are in order already.
 */
#include "rank.h"
#include "sgdrt.h"
#include <math.h>
#include <stdlib.h>

typedef struct SortedRows {
    const double *values;
    int64_t elements;
    uint32_t *rows;
} SortedRows;

static double value_of(const SortedRows *r, int64_t place) { return r->values[(int64_t)r->rows[place] * r->elements]; }

/* NaN stands behind all numbers. */
static bool is_before(const SortedRows *r, int64_t a, int64_t b) {
    double x = value_of(r, a), y = value_of(r, b);
    if (x < y || y < x) return x < y;
    if (isnan(x) != isnan(y)) return isnan(y);
    return r->rows[a] < r->rows[b];
}

static void swap(SortedRows *r, int64_t a, int64_t b) {
    uint32_t row = r->rows[a];
    r->rows[a] = r->rows[b];
    r->rows[b] = row;
}

static void sink(SortedRows *r, int64_t at, int64_t count) {
    for (int64_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && is_before(r, child, child + 1)) child++;
        if (!is_before(r, at, child)) return;
        swap(r, at, child);
    }
}

static void sort(SortedRows *r, int64_t count) {
    for (int64_t at = count / 2; at-- > 0;) sink(r, at, count);
    for (int64_t last = count; last-- > 1;) {
        swap(r, 0, last);
        sink(r, 0, last);
    }
}

static double mean_of(const double *weights, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; weights && i < count; i++) sum += weights[i];
    return weights ? sum / (double)count : 1;
}

int sgdrt_rank(double *values, int64_t elements, const double *weights, int64_t count) {
    SortedRows r = {values, elements, malloc(sizeof(uint32_t) * (size_t)(count + 1))};
    double mean = mean_of(weights, count);
    if (!r.rows) return 1;
    for (int64_t e = 0; e < elements; e++, r.values++) {
        double below = 0;
        for (int64_t i = 0; i < count; i++) r.rows[i] = (uint32_t)i;
        sort(&r, count);
        for (int64_t begin = 0, end; begin < count; begin = end) {
            double value = value_of(&r, begin), equal = 0;
            for (end = begin; end < count && value_of(&r, end) == value; end++)
                equal += weights ? weights[r.rows[end]] / mean : 1;
            if (isnan(value)) break;
            double rank = below + equal / 2 + 0.5;
            for (int64_t i = begin; i < end; i++) values[(int64_t)r.rows[i] * elements + e] = rank;
            below += equal;
        }
    }
    free(r.rows);
    return 0;
}
