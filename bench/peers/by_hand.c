/* Contractions as the loops that a text book writes, for the compiler to make fast: y = x w^T, element by element,
 * column by column, and in blocks.      by_hand element|column|block ROWS OUTPUTS INPUTS */
#include "peer.h"
#include <string.h>

static int n, m, k;
static float *x, *w, *y;

static double by_element(void *unused) {
    (void)unused;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < m; j++) {
            float sum = 0;
            for (int p = 0; p < k; p++) sum += x[i * k + p] * w[j * k + p];
            y[i * m + j] = sum;
        }
    return 0;
}

/* A column of y at a time: the matrix times a vector. */
static double by_column(void *unused) {
    static float column[8192];
    (void)unused;
    for (int j = 0; j < m; j++) {
        for (int i = 0; i < n; i++) {
            float sum = 0;
            for (int p = 0; p < k; p++) sum += x[i * k + p] * w[j * k + p];
            column[i] = sum;
        }
        for (int i = 0; i < n; i++) y[i * m + j] = column[i];
    }
    return 0;
}

/* Blocks of 64, w transposed block by block: the loop over j runs along a row of both. */
static double by_block(void *unused) {
    enum { B = 64 };
    static float block[B][B];
    (void)unused;
    memset(y, 0, sizeof(float) * (size_t)n * (size_t)m);
    for (int j0 = 0; j0 < m; j0 += B)
        for (int p0 = 0; p0 < k; p0 += B) {
            int j1 = m - j0 < B ? m - j0 : B, p1 = k - p0 < B ? k - p0 : B;
            for (int j = 0; j < j1; j++)
                for (int p = 0; p < p1; p++) block[p][j] = w[(j0 + j) * k + p0 + p];
            for (int i = 0; i < n; i++)
                for (int p = 0; p < p1; p++) {
                    float factor = x[i * k + p0 + p];
                    float *row = y + i * m + j0;
                    for (int j = 0; j < j1; j++) row[j] += factor * block[p][j];
                }
        }
    return 0;
}

int main(int count, char **arguments) {
    if (count != 5) return 2;
    n = atoi(arguments[2]), m = atoi(arguments[3]), k = atoi(arguments[4]);
    if (n < 1 || m < 1 || k < 1 || n > 8192) return 2;
    x = make((size_t)n * (size_t)k, 0);
    w = make((size_t)m * (size_t)k, 1u << 30);
    y = make((size_t)n * (size_t)m, 0);
    double (*work)(void *) = arguments[1][0] == 'e' ? by_element : arguments[1][0] == 'c' ? by_column : by_block;
    work(NULL);
    printf("{\"check\": [%.17g]}\n", checksum(y, (size_t)n * (size_t)m));
    return serve(work, NULL, 1);
}
