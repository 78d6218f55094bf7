#!/bin/sh
# step, evaluate and predict have the same bits on threads as alone, also where several threads of the application predict at a
# time, and in a process that was forked off. Arguments: SGDC RUNTIME_LIBRARY SOURCE_FOLDER
set -eu
sgdc=$1 runtime=$2 source=$3
cat >shared.sgd <<'END'
data points { x: f32[256]; y: label[10] }
model net(x: f32[256]) -> f32[10] = dense(relu(dense(x, 256)), 10)
train fit {
  data      = points
  minimize  = cross_entropy(net(x), y)
  optimizer = sgd(lr = 0.1)
  batch     = 256
  predict   = net(x)
}
END
cat >threads.c <<'END'
#include "shared.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
enum { ROWS = 256, STEPS = 20, PREDICTING = 3 };
#define CHECK(c, why) if (!(c)) { puts(why); exit(1); }
static _Alignas(64) char memory[SHARED_TRAIN_BYTES];
static float x[ROWS][256], expected[ROWS * SHARED_OUTPUTS], answers[PREDICTING][ROWS * SHARED_OUTPUTS];
static int32_t y[ROWS];
static shared *alone, *together;
static shared_data rows;

static void *predict(void *answers) {
    for (int i = 0; i < STEPS; i++) CHECK(!shared_predict(together, &rows, answers, NULL), "predict");
    return NULL;
}

static void same_steps(void) {
    for (int i = 0; i < STEPS; i++) {
        float loss[2];
        CHECK(!shared_step(alone, &rows, &loss[0]) && !shared_step(together, &rows, &loss[1]), "step");
        CHECK(!memcmp(&loss[0], &loss[1], sizeof loss[0]), "losses differ");
    }
}

int main(void) {
    float figures[2][SHARED_FIGURES];
    for (int r = 0; r < ROWS; r++) {
        y[r] = r % 10;
        for (int i = 0; i < 256; i++) x[r][i] = (float)((r * 31 + i * 17) % 64) / 64;
    }
    rows = shared_rows(ROWS, x[0], y);
    CHECK(!shared_new(&alone, NULL) && !shared_init(&together, memory, sizeof memory, NULL), "there is no model");
    CHECK(!shared_set_threads(together, 3), "set_threads");
    same_steps();
    CHECK(!shared_evaluate(alone, &rows, figures[0]) && !shared_evaluate(together, &rows, figures[1]), "evaluate");
    CHECK(!memcmp(figures[0], figures[1], sizeof figures[0]), "figures differ");
    CHECK(!shared_predict(alone, &rows, expected, NULL), "predict");
    pthread_t thread[PREDICTING];
    for (int i = 0; i < PREDICTING; i++) pthread_create(&thread[i], NULL, predict, answers[i]);
    for (int i = 0; i < PREDICTING; i++) {
        pthread_join(thread[i], NULL);
        CHECK(!memcmp(expected, answers[i], sizeof expected), "answers differ");
    }
    pid_t child = fork();
    if (child == 0) {
        same_steps();
        shared_free(together);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0, "a process that was forked off has other bits");
    CHECK(!shared_set_threads(together, 2), "set_threads");
    same_steps();
    shared_free(together);
    shared_free(alone);
    return 0;
}
END
"$sgdc" shared.sgd -q
${CC:-cc} -std=gnu11 -I. -I"$source/runtime" threads.c shared.o "$runtime" -lz -lcjson -lpthread -lm -o threads && ./threads
