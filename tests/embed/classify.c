/* Trains classify.sgd inside an application, on rows it owns, and compares every parameter, bit for bit, with the
 * file that `sgdc classify.sgd --run --save` wrote; then saves, loads and predicts.
 *     classify points.csv trained.safetensors scratch.safetensors
 * The same text is compiled as C and as C++. */
#include "classify.h"
#include "sgdrt.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1000 };
static float x[MOST][2];
static int32_t y[MOST];

static int64_t read_points(const char *path) {
    FILE *file = fopen(path, "r");
    char line[200];
    int64_t rows = 0;
    if (!file || !fgets(line, sizeof line, file)) return 0;
    while (rows < MOST && fgets(line, sizeof line, file)) {
        char *at;
        x[rows][0] = strtof(line, &at);
        x[rows][1] = strtof(at + 1, &at);
        y[rows++] = (int32_t)strtol(at + 1, NULL, 10);
    }
    fclose(file);
    return rows;
}

static int epochs;
static int each_epoch(void *user, const sgdc_report *report) {
    (void)user;
    epochs++;
    return report->train_loss != report->train_loss;
}

static int check(int holds, const char *what) {
    if (!holds) fprintf(stderr, "classify: %s\n", what);
    return !holds;
}

static int compare_with_run(classify *m, const char *path) {
    sgdrt_checkpoint *run;
    sgdrt_problem problem;
    if (sgdrt_load_file(path, &run, &problem)) return check(0, problem.message);
    int failures = 0;
    for (int i = 0; classify_parameter_name(i); i++) {
        const char *name = classify_parameter_name(i);
        const sgdrt_entry *entry = sgdrt_find_entry(run, name);
        const int64_t *shape;
        int rank;
        int64_t values = 1;
        float *mine = classify_parameter(m, name, &shape, &rank);
        for (int a = 0; a < rank; a++) values *= shape[a];
        failures += check(entry && !memcmp(entry->data, mine, (size_t)values * 4), name);
    }
    sgdrt_free_checkpoint(run);
    return failures;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    int64_t rows = read_points(argv[1]);
    classify *m, *again;
    int failures = 0, status = classify_new(&m, NULL);
    if (status) return fprintf(stderr, "classify: new: %s\n", classify_strerror(status)), 1;

    classify_data data = classify_rows(rows, &x[0][0], y);
    float p[3], q[3], results[2], loss;
    failures += check(classify_predict(m, &data, p, NULL) != 0, "predict without statistics is not refused");
    int32_t wrong = 3;
    classify_data mislabelled = classify_rows(1, &x[0][0], &wrong);
    failures += check(classify_fit(m, &mislabelled, NULL, NULL, NULL) != 0, "a label out of range is not refused");
    failures += check(classify_set_threads(m, 2) == 0, "two threads are refused");
    failures += check(classify_step(m, &mislabelled, &loss) != 0, "a label out of range is not refused by step");

    if ((status = classify_fit(m, &data, NULL, each_epoch, NULL)))
        return fprintf(stderr, "classify: fit: %s\n", classify_strerror(status)), 1;
    failures += check(epochs == 40, "the callback was not called after each of 40 epochs");
    failures += compare_with_run(m, argv[2]);

    if ((status = classify_evaluate(m, &data, results)))
        return fprintf(stderr, "classify: evaluate: %s\n", classify_strerror(status)), 1;
    failures += check(results[0] > 0 && results[0] < 0.5f && results[1] > 0.8f && results[1] <= 1, "evaluate is wrong");

    failures += check(classify_save(m, argv[3]) == 0, "save failed");
    classify_new(&again, NULL);
    failures += check(classify_load(again, argv[3]) == 0, "load failed");
    data.rows = 1;
    failures += check(classify_predict(m, &data, p, NULL) == 0 && classify_predict(again, &data, q, NULL) == 0 &&
                          !memcmp(p, q, sizeof p),
                      "a loaded model predicts other bits");
    failures += check(fabsf(p[0] + p[1] + p[2] - 1) < 1e-5f, "softmax does not sum to 1");
    failures += check(classify_load(again, argv[1]) != 0, "a csv is loaded as a saved file");
    classify_free(m);
    classify_free(again);
    printf("classify: %s\n", failures ? "failed" : "ok");
    return failures != 0;
}
