/* Steps of linear regression with 5 features. A row is a vector of eight: features, target, 1, 0; its product with
 * weights, -1, intercept, 0 is what the prediction is off by. Parameters stay in registers from step to step.
 *     few rows:     a row at a time: product, sum across its lanes, row times that to the gradient
 *     many rows:    LANES rows are transposed, so that a lane is a row
 *     airfoil FILE LR BATCH */
#include "../peers/airfoil.h"
#include "vector.h"

enum { ROW = 8, TARGET = FEATURES, ONE = FEATURES + 1, FEW = 16 };
typedef __m256 row;

INLINE row row_of(int r) { return _mm256_load_ps(v[r]); }

/* The sum of all lanes, in all lanes. */
INLINE row spread_sum(row a) {
    a = _mm256_add_ps(a, _mm256_permute2f128_ps(a, a, 1));
    a = _mm256_add_ps(a, _mm256_permute_ps(a, 0x4e));
    return _mm256_add_ps(a, _mm256_permute_ps(a, 0xb1));
}

/* The gradient of few rows: four chains. */
INLINE row gradient_of_few(row parameters, const int *chosen, int count) {
    row sum[4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    int i = 0;
    for (; i + 4 <= count; i += 4)
#pragma GCC unroll 4
        for (int c = 0; c < 4; c++) {
            row one = row_of(chosen[i + c]);
            sum[c] = _mm256_fmadd_ps(spread_sum(_mm256_mul_ps(parameters, one)), one, sum[c]);
        }
    for (; i < count; i++) {
        row one = row_of(chosen[i]);
        sum[i % 4] = _mm256_fmadd_ps(spread_sum(_mm256_mul_ps(parameters, one)), one, sum[i % 4]);
    }
    return _mm256_add_ps(_mm256_add_ps(sum[0], sum[1]), _mm256_add_ps(sum[2], sum[3]));
}

/* Features and target of LANES rows, whose order does not matter. */
INLINE void columns_of(const int *chosen, vector column[FEATURES + 1]) {
#if defined __AVX512F__
    vector low[4], high[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        const int *r = chosen + 4 * i;
        vector a = _mm512_insertf32x8(_mm512_castps256_ps512(row_of(r[0])), row_of(r[1]), 1);
        vector b = _mm512_insertf32x8(_mm512_castps256_ps512(row_of(r[2])), row_of(r[3]), 1);
        low[i] = _mm512_shuffle_f32x4(a, b, 0x88), high[i] = _mm512_shuffle_f32x4(a, b, 0xdd);
    }
    vector a = _mm512_unpacklo_ps(low[0], low[1]), b = _mm512_unpacklo_ps(low[2], low[3]);
    vector c = _mm512_unpackhi_ps(low[0], low[1]), d = _mm512_unpackhi_ps(low[2], low[3]);
    vector e = _mm512_unpacklo_ps(high[0], high[1]), f = _mm512_unpacklo_ps(high[2], high[3]);
    column[0] = _mm512_shuffle_ps(a, b, 0x44), column[1] = _mm512_shuffle_ps(a, b, 0xee);
    column[2] = _mm512_shuffle_ps(c, d, 0x44), column[3] = _mm512_shuffle_ps(c, d, 0xee);
    column[4] = _mm512_shuffle_ps(e, f, 0x44), column[TARGET] = _mm512_shuffle_ps(e, f, 0xee);
#else
    vector all[LANES];
#pragma GCC unroll 8
    for (int i = 0; i < LANES; i++) all[i] = row_of(chosen[i]);
    transpose(all);
#pragma GCC unroll 6
    for (int k = 0; k <= FEATURES; k++) column[k] = all[k];
#endif
}

static row gradient_of_many(row parameters, const int *chosen, int count) {
    float p[ROW];
    _mm256_storeu_ps(p, parameters);
    vector sum[LANES], weight[ROW];
#pragma GCC unroll 16
    for (int k = 0; k < LANES; k++) sum[k] = spread(0);
#pragma GCC unroll 8
    for (int k = 0; k < ROW; k++) weight[k] = spread(p[k]);
    int i = 0;
    for (; i + LANES <= count; i += LANES) {
        vector column[FEATURES + 1];
        columns_of(chosen + i, column);
        vector off = subtract(weight[ONE], column[TARGET]), other = multiply(weight[0], column[0]);
        off = multiply_add(weight[1], column[1], off), other = multiply_add(weight[2], column[2], other);
        off = multiply_add(weight[3], column[3], off), other = multiply_add(weight[4], column[4], other);
        off = add(off, other);
#pragma GCC unroll 5
        for (int k = 0; k < FEATURES; k++) sum[k] = multiply_add(off, column[k], sum[k]);
        sum[ONE] = add(sum[ONE], off);
    }
    float sums[LANES];
    store(sums, sums_of(sum));
    return _mm256_add_ps(_mm256_loadu_ps(sums), gradient_of_few(parameters, chosen + i, count - i));
}

INLINE row parameters_of(void) { return _mm256_setr_ps(w[0], w[1], w[2], w[3], w[4], -1, w[FEATURES], 0); }

static void keep(row parameters) {
    float p[ROW];
    _mm256_storeu_ps(p, parameters);
    for (int k = 0; k < FEATURES; k++) w[k] = p[k];
    w[FEATURES] = p[ONE];
}

/* All rows in steps of `batch`, from parameters to parameters. */
INLINE row pass(int few, row parameters, const int *chosen, int count, int each) {
    for (int first = 0; first < count; first += each) {
        int here = count - first < each ? count - first : each;
        float rate = -lr / (float)here;
        row rates = _mm256_setr_ps(rate, rate, rate, rate, rate, 0, rate, 0);
        row gradient = few ? gradient_of_few(parameters, chosen + first, here)
                           : gradient_of_many(parameters, chosen + first, here);
        parameters = _mm256_fmadd_ps(gradient, rates, parameters);
    }
    return parameters;
}

static void steps(const int *chosen, int count, int each) {
    row parameters = parameters_of();
    if (each == 1) {
        row rates = _mm256_setr_ps(-lr, -lr, -lr, -lr, -lr, 0, -lr, 0);
        for (int i = 0; i < count; i++) {
            row one = row_of(chosen[i]), scaled = _mm256_mul_ps(one, rates);
            parameters = _mm256_fmadd_ps(spread_sum(_mm256_mul_ps(parameters, one)), scaled, parameters);
        }
    } else
        parameters = each < FEW ? pass(1, parameters, chosen, count, each) : pass(0, parameters, chosen, count, each);
    keep(parameters);
}

static void step(const int *chosen, int count) { steps(chosen, count, count); }

static double epoch(void *unused) {
    (void)unused;
    if (batch < rows) shuffle();
    steps(order, rows, batch);
    return 0;
}

int main(int count, char **arguments) { return regress(count, arguments, step, epoch); }
