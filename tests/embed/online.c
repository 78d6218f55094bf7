/* Learns a linear map online, one row at a time, in memory the application owns; links nothing but the object. */
#include "online.h"
#include <math.h>
#include <stdio.h>

static _Alignas(64) char memory[ONLINE_TRAIN_BYTES];
static _Alignas(64) char workspace[ONLINE_PREDICT_BYTES + 64];

static float next_value(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

static int check(int holds, const char *what) {
    if (!holds) fprintf(stderr, "online: %s\n", what);
    return !holds;
}

int main(void) {
    online *m;
    int failures = 0;
    failures += check(online_init(&m, memory, sizeof memory - 64, NULL) != 0, "too little memory is not refused");
    failures += check(online_init(&m, memory + 4, sizeof memory, NULL) != 0, "unaligned memory is not refused");
    int status = online_init(&m, memory, sizeof memory, NULL);
    if (status) return fprintf(stderr, "online: init: %s\n", online_strerror(status)), 1;

    uint32_t state = 1;
    float loss = 0;
    for (int i = 0; i < 3000; i++) {
        float v[8], y = 0.5f;
        for (int k = 0; k < 8; k++) {
            v[k] = next_value(&state);
            y += (float)(k - 3) * v[k];
        }
        online_data row = online_rows(1, v, &y);
        if ((status = online_step(m, &row, &loss))) return fprintf(stderr, "online: %s\n", online_strerror(status)), 1;
    }
    failures += check(loss < 1e-6f, "the last loss is not small");

    int rank;
    const int64_t *shape;
    float *w = online_parameter(m, "grip.w", &shape, &rank);
    failures += check(w && rank == 1 && shape[0] == 8, "grip.w is not f32[8]");
    for (int k = 0; w && k < 8; k++) failures += check(fabsf(w[k] - (float)(k - 3)) < 1e-3f, "a weight is wrong");
    failures += check(!online_parameter(m, "grip.x", NULL, NULL), "an unknown parameter is found");

    float v[8] = {1, 0, 0, 0, 0, 0, 0, 0}, out = 0;
    online_data row = online_rows(1, v, NULL);
    failures += check(online_predict(m, &row, &out, workspace) == 0 && fabsf(out + 2.5f) < 1e-2f, "predict is wrong");
    online_data none = online_rows(0, v, NULL);
    failures += check(online_step(m, &none, NULL) != 0, "a mini-batch without rows is not refused");

    float before = w ? w[0] : 0, nothing = 9;
    failures += check(online_set_lr(m, 0) == 0 &&
                          online_step(m, &(online_data){1, {v, 32}, {&nothing, 4}}, NULL) == 0 && w && w[0] == before,
                      "a learning rate of 0 moves a weight");
    online_clear_lr(m);
    failures += check(online_step(m, &(online_data){1, {v, 32}, {&nothing, 4}}, NULL) == 0 && w && w[0] != before,
                      "clear_lr does not bring the learning rate back");
    online_free(m);
    printf("online: %s\n", failures ? "failed" : "ok");
    return failures != 0;
}
