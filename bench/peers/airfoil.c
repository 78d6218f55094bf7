/* Linear regression as a C programmer writes it: shuffle, then a step for each mini-batch.
 *     airfoil FILE LR BATCH
 * FILE, text, is what bench/run made of sgdc's trace: rows, features; the rows of x and y; weights, intercept;
 * steps; and for each step its rows. Those steps are taken first, for their losses. */
#include "peer.h"

enum { MOST_ROWS = 2048, FEATURES = 5 };
static float v[MOST_ROWS][8], w[FEATURES + 1]; /* features and target; weights and intercept */
static int order[MOST_ROWS], rows, batch;
static float lr;
static FILE *file;

static int whole(void) {
    int value;
    if (fscanf(file, "%d", &value) != 1) exit(2);
    return value;
}

static float number(void) {
    float value;
    if (fscanf(file, "%f", &value) != 1) exit(2);
    return value;
}

static void step(const int *chosen, int count) {
    float g[FEATURES + 1] = {0};
    for (int i = 0; i < count; i++) {
        const float *row = v[chosen[i]];
        float d = w[FEATURES] - row[FEATURES];
        for (int k = 0; k < FEATURES; k++) d += w[k] * row[k];
        for (int k = 0; k < FEATURES; k++) g[k] += d * row[k];
        g[FEATURES] += d;
    }
    for (int k = 0; k <= FEATURES; k++) w[k] -= lr / (float)count * g[k];
}

static double loss(const int *chosen, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
        const float *row = v[chosen[i]];
        double d = w[FEATURES] - row[FEATURES];
        for (int k = 0; k < FEATURES; k++) d += w[k] * row[k];
        sum += d * d / 2;
    }
    return sum / count;
}

static double epoch(void *unused) {
    static unsigned state = 12345;
    (void)unused;
    if (batch < rows)
        for (int r = rows - 1; r > 0; r--) {
            state = state * 1664525u + 1013904223u;
            int other = (int)(((unsigned long long)state * (unsigned)(r + 1)) >> 32);
            int t = order[r];
            order[r] = order[other];
            order[other] = t;
        }
    for (int first = 0; first < rows; first += batch) step(order + first, rows - first < batch ? rows - first : batch);
    return 0;
}

int main(int count, char **arguments) {
    if (count != 4 || !(file = fopen(arguments[1], "r"))) return 2;
    lr = (float)atof(arguments[2]);
    batch = atoi(arguments[3]);
    rows = whole();
    if (whole() != FEATURES || rows < 1 || rows > MOST_ROWS || batch < 1) return 2;
    for (int r = 0; r < rows; r++)
        for (int k = 0; k <= FEATURES; k++) v[r][k] = number();
    for (int k = 0; k <= FEATURES; k++) w[k] = number();
    int steps = whole();
    printf("{\"check\": [");
    for (int s = 0; s < steps; s++) {
        int chosen = whole();
        if (chosen < 1 || chosen > MOST_ROWS) return 2;
        for (int i = 0; i < chosen; i++)
            if ((order[i] = whole()) < 0 || order[i] >= rows) return 2;
        printf("%s%.9g", s ? ", " : "", loss(order, chosen));
        step(order, chosen);
    }
    printf("]}\n");
    for (int r = 0; r < rows; r++) order[r] = r;
    return serve(epoch, NULL, (double)((rows + batch - 1) / batch));
}
