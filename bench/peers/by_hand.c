/* What one writes by hand, for the compiler to make fast: loops as in a text book.
 *     by_hand contraction ROWS OUTPUTS INPUTS ORDER                   y = x w^T by element, column or block, or whole
 *     by_hand convolution forward|data_gradient|weight_gradient       3x3, 64 to 64 channels, 32x32, batch 32
 *     by_hand steps FILE LR                                           see perceptron.h */
#include "perceptron.h"

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

/* Along rows of y and of the transposed w. */
static double whole(void *unused) {
    static float *turned;
    (void)unused;
    if (!turned) turned = make((size_t)k * (size_t)m, 0);
    for (int j = 0; j < m; j++)
        for (int p = 0; p < k; p++) turned[p * m + j] = w[j * k + p];
    memset(y, 0, sizeof(float) * (size_t)n * (size_t)m);
    for (int i = 0; i < n; i++)
        for (int p = 0; p < k; p++)
            for (int j = 0; j < m; j++) y[i * m + j] += x[i * k + p] * turned[p * m + j];
    return 0;
}

static void product_by_loops(int transpose_a, int transpose_b, int rows, int columns, int inner, float alpha,
                             const float *a, const float *b, float beta, float *c) {
    for (int i = 0; i < rows; i++) {
        float *row = c + i * columns;
        for (int j = 0; j < columns; j++) row[j] = beta == 0 ? 0 : row[j];
        if (transpose_b)
            for (int j = 0; j < columns; j++) {
                float sum = 0;
                for (int p = 0; p < inner; p++) sum += a[i * inner + p] * b[j * inner + p];
                row[j] += alpha * sum;
            }
        else
            for (int p = 0; p < inner; p++) {
                float factor = alpha * (transpose_a ? a[p * rows + i] : a[i * inner + p]);
                for (int j = 0; j < columns; j++) row[j] += factor * b[p * columns + j];
            }
    }
}

/* ---- the convolution: a plane of the input has a border of zeros, so that no tap needs a question */
enum { ROWS = 32, CHANNELS = 64, SIDE = 32, TAPS = 3, EDGED = SIDE + 2 };
typedef float edged[EDGED][EDGED];
typedef float plane[SIDE][SIDE];
typedef float filter[TAPS][TAPS];
static edged (*image)[CHANNELS], (*change)[CHANNELS]; /* the input; the gradient by the output */
static plane (*result)[CHANNELS];
static filter (*filters)[CHANNELS], (*filter_change)[CHANNELS];

static void add_window(plane to, edged from, float factor, int u, int v) {
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) to[i][j] += factor * from[i + u][j + v];
}

static double forward_convolution(void *unused) {
    (void)unused;
    memset(result, 0, sizeof *result * ROWS);
    for (int r = 0; r < ROWS; r++)
        for (int o = 0; o < CHANNELS; o++)
            for (int c = 0; c < CHANNELS; c++)
                for (int u = 0; u < TAPS; u++)
                    for (int v = 0; v < TAPS; v++) add_window(result[r][o], image[r][c], filters[o][c][u][v], u, v);
    return 0;
}

static double data_gradient(void *unused) {
    (void)unused;
    memset(result, 0, sizeof *result * ROWS);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < CHANNELS; c++)
            for (int o = 0; o < CHANNELS; o++)
                for (int u = 0; u < TAPS; u++)
                    for (int v = 0; v < TAPS; v++)
                        add_window(result[r][c], change[r][o], filters[o][c][u][v], TAPS - 1 - u, TAPS - 1 - v);
    return 0;
}

static double weight_gradient(void *unused) {
    (void)unused;
    memset(filter_change, 0, sizeof *filter_change * CHANNELS);
    for (int r = 0; r < ROWS; r++)
        for (int o = 0; o < CHANNELS; o++)
            for (int c = 0; c < CHANNELS; c++)
                for (int u = 0; u < TAPS; u++)
                    for (int v = 0; v < TAPS; v++) {
                        float sum = 0;
                        for (int i = 0; i < SIDE; i++)
                            for (int j = 0; j < SIDE; j++)
                                sum += change[r][o][i + 1][j + 1] * image[r][c][i + u][j + v];
                        filter_change[o][c][u][v] += sum;
                    }
    return 0;
}

static void *edged_copy(const float *values) {
    edged(*to)[CHANNELS] = calloc(ROWS, sizeof *to);
    if (!to) exit(1);
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < CHANNELS; c++)
            for (int i = 0; i < SIDE; i++)
                for (int j = 0; j < SIDE; j++) to[r][c][i + 1][j + 1] = *values++;
    return to;
}

static int convolve(char which) {
    const size_t values = (size_t)ROWS * CHANNELS * SIDE * SIDE, weights = (size_t)CHANNELS * CHANNELS * TAPS * TAPS;
    double (*work)(void *) = which == 'f' ? forward_convolution : which == 'd' ? data_gradient : weight_gradient;
    image = edged_copy(make(values, 0));
    change = edged_copy(make(values, 1u << 29));
    filters = (void *)make(weights, 1u << 30);
    filter_change = (void *)make(weights, 0);
    result = (void *)make(values, 0);
    work(NULL);
    printf("{\"check\": [%.17g]}\n",
           which == 'w' ? checksum((float *)filter_change, weights) : checksum((float *)result, values));
    return serve(work, NULL, 1);
}

static int contract(char order) {
    if (n < 1 || m < 1 || k < 1 || n > 8192) return 2;
    double (*work)(void *) = order == 'e' ? by_element : order == 'c' ? by_column : order == 'b' ? by_block : whole;
    x = make((size_t)n * (size_t)k, 0);
    w = make((size_t)m * (size_t)k, 1u << 30);
    y = make((size_t)n * (size_t)m, 0);
    work(NULL);
    printf("{\"check\": [%.17g]}\n", checksum(y, (size_t)n * (size_t)m));
    return serve(work, NULL, 1);
}

int main(int count, char **arguments) {
    if (count == 4 && arguments[1][0] == 's') return train(arguments[2], (float)atof(arguments[3]), product_by_loops);
    if (count == 3) return convolve(arguments[2][0]);
    if (count != 6) return 2;
    n = atoi(arguments[2]), m = atoi(arguments[3]), k = atoi(arguments[4]);
    return contract(arguments[5][0]);
}
