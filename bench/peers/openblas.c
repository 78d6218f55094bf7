/* Contractions by OpenBLAS (or another library with the C interface of BLAS): y = x w^T.
 *     openblas ROWS OUTPUTS INPUTS */
#include "peer.h"
#include <cblas.h>

static int n, m, k;
static float *x, *w, *y;

static double multiply(void *unused) {
    (void)unused;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, m, k, 1, x, k, w, k, 0, y, m);
    return 0;
}

int main(int count, char **arguments) {
    if (count != 4) return 2;
    n = atoi(arguments[1]), m = atoi(arguments[2]), k = atoi(arguments[3]);
    if (n < 1 || m < 1 || k < 1) return 2;
    x = make((size_t)n * (size_t)k, 0);
    w = make((size_t)m * (size_t)k, 1u << 30);
    y = make((size_t)n * (size_t)m, 0);
    multiply(NULL);
    printf("{\"check\": [%.17g]}\n", checksum(y, (size_t)n * (size_t)m));
    return serve(multiply, NULL, 1);
}
