/* Contractions y = x w^T, and training steps of perceptrons, by OpenBLAS (or another library with the C interface of
 * BLAS).
 *     openblas contraction ROWS OUTPUTS INPUTS [ORDER]    whole, or by element, column or block
 *     openblas steps FILE LR                              see perceptron.h */
#include "perceptron.h"
#include <cblas.h>

static int n, m, k;
static float *x, *w, *y;

static void by_sgemm(int transpose_a, int transpose_b, int rows, int columns, int inner, float alpha, const float *a,
                     const float *b, float beta, float *c) {
    cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, rows,
                columns, inner, alpha, a, transpose_a ? rows : inner, b, transpose_b ? inner : columns, beta, c,
                columns);
}

static double whole(void *unused) {
    (void)unused;
    by_sgemm(0, 1, n, m, k, 1, x, w, 0, y);
    return 0;
}

static double by_element(void *unused) {
    (void)unused;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < m; j++) y[i * m + j] = cblas_sdot(k, x + i * k, 1, w + j * k, 1);
    return 0;
}

static double by_column(void *unused) {
    (void)unused;
    for (int j = 0; j < m; j++) cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1, x, k, w + j * k, 1, 0, y + j, m);
    return 0;
}

static double by_block(void *unused) {
    enum { BLOCK = 64 };
    (void)unused;
    for (int j = 0; j < m; j += BLOCK)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, m - j < BLOCK ? m - j : BLOCK, k, 1, x, k, w + j * k, k,
                    0, y + j, m);
    return 0;
}

int main(int count, char **arguments) {
    if (count == 4 && arguments[1][0] == 's') return train(arguments[2], (float)atof(arguments[3]), by_sgemm);
    if (count != 5 && count != 6) return 2;
    char order = count == 6 ? arguments[5][0] : 'w';
    double (*work)(void *) = order == 'e' ? by_element : order == 'c' ? by_column : order == 'b' ? by_block : whole;
    n = atoi(arguments[2]), m = atoi(arguments[3]), k = atoi(arguments[4]);
    if (n < 1 || m < 1 || k < 1) return 2;
    x = make((size_t)n * (size_t)k, 0);
    w = make((size_t)m * (size_t)k, 1u << 30);
    y = make((size_t)n * (size_t)m, 0);
    work(NULL);
    printf("{\"check\": [%.17g]}\n", checksum(y, (size_t)n * (size_t)m));
    return serve(work, NULL, 1);
}
