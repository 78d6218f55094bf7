/* A value that is not finite and a label out of range are refused by every function that takes rows, with the field
 * and the row, and nothing changes: not a byte of the model's memory. */
#include "rows.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N = 6, BAD = 4, LABEL = 5, NOT_FINITE = 14 };
static _Alignas(64) char memory[ROWS_TRAIN_BYTES], before[ROWS_TRAIN_BYTES];
static float x[N][2], t[N];
static int32_t y[N];
static double u[N];
static int failures;

static void check(int holds, const char *function, const char *field) {
    if (holds) return;
    fprintf(stderr, "rows: %s with a bad %s\n", function, field);
    failures++;
}

static void fill(void) {
    for (int i = 0; i < N; i++) {
        x[i][0] = (float)i / N;
        x[i][1] = 1;
        y[i] = i % 3;
        t[i] = 0.5f;
        u[i] = 0.25;
    }
}

/* With a bad value in row BAD. */
static void try_all(rows *m, const char *field, int status, int predicts) {
    rows_data data = rows_rows(N, &x[0][0], y, t, u), one = rows_rows(1, x[BAD], &y[BAD], &t[BAD], &u[BAD]);
    float out[N * ROWS_OUTPUTS], results[ROWS_FIGURES], loss;
    int64_t row = -1;
    memcpy(before, memory, sizeof memory);
    check(rows_step(m, &data, &loss) == status, "step", field);
    check(rows_step(m, &one, &loss) == status, "step on one row", field);
    check(rows_fit(m, &data, NULL, NULL, NULL) == status, "fit", field);
    check(rows_evaluate(m, &data, results) == status, "evaluate", field);
    check(rows_predict(m, &data, out, NULL) == (predicts ? status : 0), "predict", field);
    check(!memcmp(before, memory, sizeof memory), "unchanged memory", field);
    const char *refused = rows_refused(m, &data, &row);
    check(refused && !strcmp(refused, field) && row == BAD, "refused", field);
    data.x.data = NULL;
    check(!!rows_refused(m, &data, NULL) == !predicts, "refused without x", field);
    fill();
    data.x.data = &x[0][0];
    check(rows_fit(m, &one, &data, NULL, NULL) == 0, "fit afterwards, validating,", field);
    check(!rows_refused(m, &data, &row) && row == -1, "refused of good rows", field);
    check(rows_predict(m, &data, out, NULL) == 0 && isfinite(out[0]), "predict afterwards", field);
}

int main(void) {
    const float bad[] = {NAN, INFINITY, -INFINITY};
    const int32_t labels[] = {-1, 3, INT32_MAX, INT32_MIN};
    rows *m;
    fill();
    if (rows_init(&m, memory, sizeof memory, NULL)) return 1;
    for (int i = 0; i < 3; i++) {
        for (int e = 0; e < 2; e++) {
            x[BAD][e] = bad[i];
            try_all(m, "x", NOT_FINITE, 1);
        }
        t[BAD] = bad[i];
        try_all(m, "t", NOT_FINITE, 0);
        u[BAD] = (double)bad[i];
        try_all(m, "u", NOT_FINITE, 0);
    }
    for (int i = 0; i < 4; i++) {
        y[BAD] = labels[i];
        try_all(m, "y", LABEL, 0);
    }
    rows_data data = rows_rows(N, &x[0][0], y, t, u), bad_data;
    t[BAD] = NAN;
    bad_data = data;
    float good[N];
    for (int i = 0; i < N; i++) good[i] = 0.5f;
    data.t.data = good;
    memcpy(before, memory, sizeof memory);
    check(rows_fit(m, &data, &bad_data, NULL, NULL) == NOT_FINITE, "fit, in rows that validate,", "t");
    check(!memcmp(before, memory, sizeof memory), "unchanged memory", "t");
    return failures != 0;
}
