/* spiral points.csv model.safetensors: trains on the points, tells how many it knows, saves. */
#include "spiral.h"
#include <stdio.h>

enum { MOST = 1000 };
static float x[MOST][2], scores[MOST][SPIRAL_OUTPUTS];
static int32_t arm[MOST];

static int largest(const float *score) {
    int best = 0;
    for (int k = 1; k < SPIRAL_OUTPUTS; k++)
        if (score[k] > score[best]) best = k;
    return best;
}

static int each_epoch(void *user, const sgdc_report *report) {
    (void)user;
    if (report->epoch % 10 == 0) fprintf(stderr, "epoch %d: %.4f\n", (int)report->epoch, report->valid_loss);
    return 0; /* else training ends */
}

int main(int argc, char **argv) {
    FILE *file = argc == 3 ? fopen(argv[1], "r") : NULL;
    int rows = 0, right = 0;
    if (!file) return 1;
    if (fscanf(file, "%*[^\n]") == 0) /* the header */
        while (rows < MOST && fscanf(file, "%f,%f,%d", &x[rows][0], &x[rows][1], &arm[rows]) == 3) rows++;
    fclose(file);

    spiral *model;
    spiral_data points = spiral_rows(rows, x[0], arm);
    int status = spiral_new(&model, NULL);
    if (!status) status = spiral_fit(model, &points, NULL, each_epoch, NULL);
    if (!status) status = spiral_predict(model, &points, scores[0], NULL);
    if (!status) status = spiral_save(model, argv[2]);
    if (status) return fprintf(stderr, "%s\n", spiral_strerror(status)), 1;
    for (int i = 0; i < rows; i++) right += largest(scores[i]) == arm[i];
    printf("%d of %d\n", right, rows);
    spiral_free(model);
    return 0;
}
