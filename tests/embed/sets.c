/* An application that trains on several data sets: each has as many rows as it has.
 *     sets write                                  inside.csv, wall.csv
 *     sets check PART WHOLE SAVED                 trains as `sgdc --run --save` did (PART: 4 of 9 epochs, WHOLE: all),
 *                                                 goes on from PART to WHOLE, and saves into SAVED after 4 epochs
 */
#include "sets.h"
#include "sgdrt.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INSIDE = 57, WALL = 7, REFUSED = 16 };
static float inside_x[INSIDE][2], wall_x[WALL][2], wall_v[WALL];
static int32_t inside_k[INSIDE];
static int failures;

static void check(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "sets: %s\n", what);
    failures++;
}

static void make_rows(void) {
    for (int i = 0; i < INSIDE; i++) {
        inside_x[i][0] = (float)(i % 11) / 8 - 0.5f;
        inside_x[i][1] = (float)(i * 7 % 13) / 16;
        inside_k[i] = i * 5 % 8 > 4;
    }
    for (int i = 0; i < WALL; i++) {
        wall_x[i][0] = i % 2 ? 1 : -1;
        wall_x[i][1] = (float)i / 8;
        wall_v[i] = wall_x[i][0] * wall_x[i][1];
    }
}

static int write_rows(void) {
    FILE *inside = fopen("inside.csv", "w"), *wall = fopen("wall.csv", "w");
    if (!inside || !wall) return 1;
    for (int i = 0; i < INSIDE; i++)
        fprintf(inside, "%g,%g,%d\n", (double)inside_x[i][0], (double)inside_x[i][1], (int)inside_k[i]);
    for (int i = 0; i < WALL; i++)
        fprintf(wall, "%g,%g,%g\n", (double)wall_x[i][0], (double)wall_x[i][1], (double)wall_v[i]);
    return fclose(inside) || fclose(wall);
}

/* `other` is inside once more, in an order of its own. */
static sets_data all_rows(void) {
    return sets_rows(INSIDE, &inside_x[0][0], inside_k, WALL, &wall_x[0][0], wall_v, INSIDE, &inside_x[0][0], inside_k);
}

static sets *new_model(void) {
    sets *m;
    if (sets_new(&m, NULL)) exit(2);
    return m;
}

static int is_of_file(sets *m, const char *path) {
    sgdrt_checkpoint *file;
    sgdrt_problem problem;
    int same = 1;
    if (sgdrt_load_file(path, &file, &problem)) return 0;
    for (int i = 0; sets_parameter_name(i); i++) {
        const int64_t *shape;
        int rank;
        size_t values = 1;
        float *p = sets_parameter(m, sets_parameter_name(i), &shape, &rank);
        const sgdrt_entry *entry = sgdrt_find_entry(file, sets_parameter_name(i));
        for (int k = 0; k < rank; k++) values *= (size_t)shape[k];
        same &= entry && !memcmp(p, entry->data, values * sizeof *p);
    }
    sgdrt_free_checkpoint(file);
    return same;
}

static int ends_after_4(void *user, const sgdc_report *report) {
    (void)user;
    return report->epoch == 4;
}

static void check_training(const char *part, const char *whole, const char *saved) {
    sets_data rows = all_rows();
    sets *m = new_model(), *again = new_model();
    check(sets_fit(m, &rows, NULL, ends_after_4, NULL) == 7, "fit does not end when the callback says so");
    check(is_of_file(m, part), "4 epochs of fit are not those of sgdc");
    check(sets_save(m, saved) == 0, "it cannot be saved");
    check(sets_fit(m, &rows, NULL, NULL, NULL) == 0 && is_of_file(m, whole), "fit does not go on as sgdc does");
    check(sets_resume(again, part) == 0 && sets_fit(again, &rows, NULL, NULL, NULL) == 0 && is_of_file(again, whole),
          "fit does not go on from what sgdc has saved");
    float figures[SETS_FIGURES] = {0}, predicted[WALL][SETS_OUTPUTS];
    check(sets_evaluate(m, &rows, figures) == 0 && isfinite(figures[0]) && figures[2] > 0.2f, "evaluate is wrong");
    sets_data asked = {0}; /* predict reads inside.x alone */
    asked.inside_rows = WALL;
    asked.inside_x.data = &wall_x[0][0];
    asked.inside_x.stride = sizeof wall_x[0];
    check(sets_predict(m, &asked, &predicted[0][0], NULL) == 0 &&
              fabsf(predicted[WALL - 1][0] + predicted[WALL - 1][1] - 1) < 1e-6f,
          "predict is wrong");
    sets_free(m);
    sets_free(again);
}

/* A row of the wall comes again as often as the others, or the step is refused. */
static void check_steps(void) {
    float loss = NAN, twice = NAN, loss_of_long = NAN, x[4][2], v[4];
    sets_data rows = all_rows();
    sets *m = new_model(), *again = new_model();
    rows.inside_rows = 4, rows.wall_rows = 2, rows.other_rows = 4;
    check(sets_step(m, &rows, &loss) == 0 && isfinite(loss), "a step is refused");
    for (int i = 0; i < 4; i++) {
        memcpy(x[i], wall_x[i % 2], sizeof x[i]);
        v[i] = wall_v[i % 2];
    }
    sets_data same = rows;
    same.wall_rows = 4;
    same.wall_x.data = &x[0][0];
    same.wall_v.data = v;
    check(sets_step(again, &same, &twice) == 0 && loss == twice, "rows that come again are not those written twice");
    float *w = sets_parameter(m, "u.h.dense.w", NULL, NULL), *other = sets_parameter(again, "u.h.dense.w", NULL, NULL);
    check(w && other && !memcmp(w, other, 16 * sizeof *w), "the step with rows that come again is another");
    float before = *w;
    rows.wall_rows = 3;
    check(sets_step(m, &rows, &loss) == REFUSED, "3 rows of the wall beside 4 are not refused");
    rows.wall_rows = 5;
    check(sets_step(m, &rows, &loss) == REFUSED, "5 rows of the wall beside 4 are not refused");
    rows.wall_rows = 0;
    check(sets_step(m, &rows, &loss) == 4, "no rows of the wall are not refused");
    rows.wall_rows = 2;
    int64_t row = -1;
    float kept = wall_v[1];
    wall_v[1] = NAN;
    check(sets_step(m, &rows, &loss) == 14, "what is no number is not refused");
    const char *field = sets_refused(m, &rows, &row);
    check(field && !strcmp(field, "wall_v") && row == 1, "it is not said which value is refused");
    wall_v[1] = kept;
    check(*w == before && sets_steps(m) == 1, "what is refused changes the model");
    rows.inside_rows = 48, rows.wall_rows = 6, rows.other_rows = 48; /* more than the program's batch */
    check(sets_step(m, &rows, &loss_of_long) == 0 && isfinite(loss_of_long), "a longer step is refused");
    sets_free(m);
    sets_free(again);
}

int main(int count, char **arguments) {
    make_rows();
    if (count == 2 && !strcmp(arguments[1], "write")) return write_rows();
    if (count != 5) return 2;
    check_training(arguments[2], arguments[3], arguments[4]);
    check_steps();
    return failures != 0;
}
