/* Contractions y = x w^T, and training steps of perceptrons, by OpenBLAS (or another library with the C interface of
 * BLAS).
 *     openblas contraction ROWS OUTPUTS INPUTS
 *     openblas steps FILE LR                         see perceptron.h */
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

static double multiply(void *unused) {
    (void)unused;
    by_sgemm(0, 1, n, m, k, 1, x, w, 0, y);
    return 0;
}

int main(int count, char **arguments) {
    if (count == 4 && arguments[1][0] == 's') return train(arguments[2], (float)atof(arguments[3]), by_sgemm);
    if (count != 5) return 2;
    n = atoi(arguments[2]), m = atoi(arguments[3]), k = atoi(arguments[4]);
    if (n < 1 || m < 1 || k < 1) return 2;
    x = make((size_t)n * (size_t)k, 0);
    w = make((size_t)m * (size_t)k, 1u << 30);
    y = make((size_t)n * (size_t)m, 0);
    multiply(NULL);
    printf("{\"check\": [%.17g]}\n", checksum(y, (size_t)n * (size_t)m));
    return serve(multiply, NULL, 1);
}
