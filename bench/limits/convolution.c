/* The 3x3 convolution of ../convolution.sgd and its gradients, 64 to 64 channels, 32x32, batch 32, from and to plain
 * arrays [row][channel][line][pixel].
 *     forward, data gradient:   an image is turned to [line][pixel][channel] with a border of zeros; a tile is WIDE
 *                               vectors of result channels x a few pixels of a line, its chains run over all taps and
 *                               channels; a line of the result is turned back. The data gradient is the same with the
 *                               filters' channels exchanged and their taps mirrored.
 *     weight gradient:          the result's gradient is turned to [pixel][channel], a strip of lines at a time; a tile
 *                               is WIDE vectors of its channels x a few channels of the image at one tap, read in place
 *                               but for the border, its chains run over the pixels of the strip
 *     convolution forward|data_gradient|weight_gradient */
#include "../peers/peer.h"
#include "vector.h"
#include "check.h"
#include <string.h>

enum {
    ROWS = 32,
    CHANNELS = 64,
    SIDE = 32,
    PIXELS = SIDE * SIDE,
    TAPS = 3,
    EDGED = SIDE + 2,
    WIDE = 2,
    PANEL = WIDE * LANES,
    PANELS = CHANNELS / PANEL,
    MOST = CHAINS / WIDE - 1,         /* pixels of a tile */
    TILES = (SIDE + MOST - 1) / MOST, /* of a line */
    IMAGE = CHANNELS * PIXELS,
    FILTERS = CHANNELS * CHANNELS * TAPS * TAPS,
    STRIP = 4,                   /* lines */
    TAKEN = LANES == 16 ? 8 : 4, /* channels of the image in a tile of the weight gradient */
    WEIGHT_WIDE = LANES == 16 ? 2 : 2,
};
typedef float panel[TAPS][TAPS][CHANNELS][PANEL]; /* filters: of a term, a few result channels */
static float *image, *filter, *change, *result;

/* ---- forward and data gradient */
static void pack_filters(int mirrored, panel *to) {
    for (size_t o = 0; o < CHANNELS; o++)
        for (size_t c = 0; c < CHANNELS; c++)
            for (size_t u = 0; u < TAPS; u++)
                for (size_t v = 0; v < TAPS; v++) {
                    float weight = filter[((o * CHANNELS + c) * TAPS + u) * TAPS + v];
                    if (mirrored)
                        to[c / PANEL][TAPS - 1 - u][TAPS - 1 - v][o][c % PANEL] = weight;
                    else
                        to[o / PANEL][u][v][c][o % PANEL] = weight;
                }
}

static void turn_image(const float *from, float to[EDGED][EDGED][CHANNELS]) {
    for (size_t i = 0; i < SIDE; i++)
        for (size_t j = 0; j < SIDE; j += LANES)
            for (size_t c = 0; c < CHANNELS; c += LANES)
                transpose_square(from + c * PIXELS + i * SIDE + j, PIXELS, &to[i + 1][j + 1][c], CHANNELS);
}

INLINE void line_tile(int pixels, float (*lines)[EDGED][CHANNELS], size_t first, const panel *weights,
                      float (*to)[CHANNELS]) {
    vector sum[MOST][WIDE];
#pragma GCC unroll 12
    for (int j = 0; j < pixels; j++)
#pragma GCC unroll 2
        for (int v = 0; v < WIDE; v++) sum[j][v] = spread(0);
    const float *weight = (const float *)weights;
    for (size_t u = 0; u < TAPS; u++)
        for (size_t v = 0; v < TAPS; v++) {
            const float *at = lines[u][first + v];
#pragma GCC unroll 1
            for (size_t c = 0; c < CHANNELS; c++, weight += PANEL) {
                vector column[WIDE];
#pragma GCC unroll 2
                for (int w = 0; w < WIDE; w++) column[w] = load(weight + w * LANES);
#pragma GCC unroll 12
                for (int j = 0; j < pixels; j++) {
                    vector factor = spread(at[c + (size_t)j * CHANNELS]);
#pragma GCC unroll 2
                    for (int w = 0; w < WIDE; w++) sum[j][w] = multiply_add(column[w], factor, sum[j][w]);
                }
            }
        }
#pragma GCC unroll 12
    for (int j = 0; j < pixels; j++)
#pragma GCC unroll 2
        for (int v = 0; v < WIDE; v++) store(to[j] + v * LANES, sum[j][v]);
}

static void convolve(const float *from, int mirrored) {
    static panel weights[PANELS] __attribute__((aligned(64)));
    static float edged[EDGED][EDGED][CHANNELS] __attribute__((aligned(64)));
    static float line[SIDE][CHANNELS] __attribute__((aligned(64)));
    pack_filters(mirrored, weights);
    for (size_t r = 0; r < ROWS; r++) {
        turn_image(from + r * IMAGE, edged);
        for (size_t i = 0; i < SIDE; i++) {
            for (size_t p = 0; p < PANELS; p++)
                for (size_t t = 0, j = 0; t < TILES; t++) {
                    float(*to)[CHANNELS] = (float(*)[CHANNELS])(line[j] + p * PANEL);
                    if (t < SIDE % TILES || SIDE % TILES == 0) {
                        line_tile((SIDE + TILES - 1) / TILES, edged + i, j, weights + p, to);
                        j += (SIDE + TILES - 1) / TILES;
                    } else {
                        line_tile(SIDE / TILES, edged + i, j, weights + p, to);
                        j += SIDE / TILES;
                    }
                }
            for (size_t j = 0; j < SIDE; j += LANES)
                for (size_t c = 0; c < CHANNELS; c += LANES)
                    transpose_square(&line[j][c], CHANNELS, result + r * IMAGE + c * PIXELS + i * SIDE + j, PIXELS);
        }
    }
}

static double forward(void *unused) {
    (void)unused;
    convolve(image, 0);
    return 0;
}

static double data_gradient(void *unused) {
    (void)unused;
    convolve(change, 1);
    return 0;
}

/* ---- weight gradient: sums[u][v][c][o] */
static void weight_tile(float (*planes)[EDGED][EDGED], size_t first, float (*changes)[CHANNELS],
                        float (*to)[CHANNELS]) {
    vector sum[TAKEN][WEIGHT_WIDE];
#pragma GCC unroll 12
    for (int c = 0; c < TAKEN; c++)
#pragma GCC unroll 4
        for (int w = 0; w < WEIGHT_WIDE; w++) sum[c][w] = load(to[c] + w * LANES);
    for (size_t i = 0; i < STRIP; i++) {
        const float *at = planes[0][i] + first;
#pragma GCC unroll 1
        for (size_t j = 0; j < SIDE; j++) {
            vector column[WEIGHT_WIDE];
#pragma GCC unroll 4
            for (int w = 0; w < WEIGHT_WIDE; w++) column[w] = load(changes[i * SIDE + j] + w * LANES);
#pragma GCC unroll 12
            for (int c = 0; c < TAKEN; c++) {
                vector factor = spread(at[j + (size_t)c * EDGED * EDGED]);
#pragma GCC unroll 4
                for (int w = 0; w < WEIGHT_WIDE; w++) sum[c][w] = multiply_add(column[w], factor, sum[c][w]);
            }
        }
    }
#pragma GCC unroll 12
    for (int c = 0; c < TAKEN; c++)
#pragma GCC unroll 4
        for (int w = 0; w < WEIGHT_WIDE; w++) store(to[c] + w * LANES, sum[c][w]);
}

static double weight_gradient(void *unused) {
    static float planes[CHANNELS][EDGED][EDGED], sums[TAPS][TAPS][CHANNELS][CHANNELS] __attribute__((aligned(64)));
    static float turned[STRIP * SIDE][CHANNELS] __attribute__((aligned(64)));
    (void)unused;
    memset(sums, 0, sizeof sums);
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t c = 0; c < CHANNELS; c++)
            for (size_t i = 0; i < SIDE; i++)
                memcpy(&planes[c][i + 1][1], image + r * IMAGE + c * PIXELS + i * SIDE, SIDE * sizeof(float));
        for (size_t line = 0; line < SIDE; line += STRIP) {
            for (size_t j = 0; j < STRIP * SIDE; j += LANES)
                for (size_t o = 0; o < CHANNELS; o += LANES)
                    transpose_square(change + r * IMAGE + o * PIXELS + line * SIDE + j, PIXELS, &turned[j][o],
                                     CHANNELS);
            for (size_t o = 0; o < CHANNELS; o += WEIGHT_WIDE * LANES)
                for (size_t c = 0; c < CHANNELS; c += TAKEN)
                    for (size_t u = 0; u < TAPS; u++)
                        for (size_t v = 0; v < TAPS; v++)
                            weight_tile((float(*)[EDGED][EDGED])planes[c][line + u], v,
                                        (float(*)[CHANNELS])(turned[0] + o), (float(*)[CHANNELS])(sums[u][v][c] + o));
        }
    }
    for (size_t o = 0; o < CHANNELS; o++)
        for (size_t c = 0; c < CHANNELS; c++)
            for (size_t u = 0; u < TAPS; u++)
                for (size_t v = 0; v < TAPS; v++) result[((o * CHANNELS + c) * TAPS + u) * TAPS + v] = sums[u][v][c][o];
    return 0;
}

/* ---- plain loops; a term outside of an image is 0 */
static double pixel_of(const float *images, size_t row, size_t channel, size_t line, size_t pixel) {
    return line < SIDE && pixel < SIDE ? (double)images[row * IMAGE + channel * PIXELS + line * SIDE + pixel] : 0;
}

static double term_of_image(const void *mirrored, size_t at, size_t p) {
    size_t tap = p % (TAPS * TAPS), u = tap / TAPS, v = tap % TAPS, other = p / (TAPS * TAPS);
    size_t channel = at / PIXELS % CHANNELS, i = at / SIDE % SIDE, j = at % SIDE;
    size_t weight = (channel * CHANNELS + other) * TAPS * TAPS + tap;
    if (mirrored) weight = (other * CHANNELS + channel) * TAPS * TAPS + TAPS * TAPS - 1 - tap;
    return (double)filter[weight] * pixel_of(mirrored ? change : image, at / IMAGE, other, i + u - 1, j + v - 1);
}

static double term_of_weight(const void *unused, size_t at, size_t p) {
    size_t u = at / TAPS % TAPS, v = at % TAPS, c = at / (TAPS * TAPS) % CHANNELS, o = at / (TAPS * TAPS) / CHANNELS;
    size_t i = p / SIDE % SIDE, j = p % SIDE;
    (void)unused;
    return pixel_of(change, p / PIXELS, o, i, j) * pixel_of(image, p / PIXELS, c, i + u - 1, j + v - 1);
}

int main(int count, char **arguments) {
    if (count != 3) return 2;
    int mirrored = arguments[2][0] == 'd', weights = arguments[2][0] == 'w';
    double (*work)(void *) = weights ? weight_gradient : mirrored ? data_gradient : forward;
    size_t results = weights ? FILTERS : ROWS * IMAGE;
    image = make(ROWS * IMAGE, 0);
    filter = make(FILTERS, 1u << 30);
    change = make(ROWS * IMAGE, 1u << 29);
    result = make(ROWS * IMAGE, 7);
    work(NULL);
    if (weights)
        check(result, results, ROWS * PIXELS, term_of_weight, NULL);
    else
        check(result, results, CHANNELS * TAPS * TAPS, term_of_image, mirrored ? &mirrored : NULL);
    printf("{\"check\": [%.17g]}\n", checksum(result, results));
    return serve(work, NULL, 1);
}
