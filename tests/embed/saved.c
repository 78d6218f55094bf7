/* Saved files inside an application: training goes on to the bit from NAME_save, from a file of `sgdc --save` with keep,
 * and files that are damaged in any way are refused with nothing changed.
 *     saved points.csv kept.safetensors whole.safetensors FOLDER
 * kept: `sgdc --save` of a part of the training whole is all of, both with keep. In FOLDER the damaged files are left,
 * for sgdc to read as well. */
#include "classify.h"
#include "sgdrt.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sgdrt_save_instance_memory(const void *m, void **bytes, size_t *length); /* fit.h */

enum { MOST = 1000 };
static float x[MOST][2];
static int32_t y[MOST];
static int failures;

static void check(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "saved: %s\n", what);
    failures++;
}

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

static classify *new_model(void) {
    classify *m;
    if (classify_new(&m, NULL)) exit(2);
    return m;
}

/* ---- going on ----------------------------------------------------------------------------------- */
typedef struct Seen {
    int epochs, most;
    double losses[100];
} Seen;

static int each_epoch(void *user, const sgdc_report *report) {
    Seen *seen = user;
    seen->losses[seen->epochs++] = report->train_loss;
    return seen->epochs == seen->most;
}

static int request(void *user, const sgdc_report *report) {
    (void)report;
    classify_request_stop(user);
    return 0;
}

static int same_parameters(classify *a, classify *b) {
    int same = 1;
    for (int i = 0; classify_parameter_name(i); i++) {
        const int64_t *shape;
        int rank;
        size_t values = 1;
        float *p = classify_parameter(a, classify_parameter_name(i), &shape, &rank);
        float *q = classify_parameter(b, classify_parameter_name(i), &shape, &rank);
        for (int k = 0; k < rank; k++) values *= (size_t)shape[k];
        same &= !memcmp(p, q, values * sizeof *p);
    }
    return same;
}

static int is_of_file(classify *m, const char *path, const char *suffix) {
    sgdrt_checkpoint *file;
    sgdrt_problem problem;
    if (sgdrt_load_file(path, &file, &problem)) return 0;
    int same = 1;
    for (int i = 0; classify_parameter_name(i); i++) {
        const int64_t *shape;
        int rank;
        size_t values = 1;
        char name[200];
        snprintf(name, sizeof name, "%s%s", classify_parameter_name(i), suffix);
        const sgdrt_entry *entry = sgdrt_find_entry(file, name);
        float *p = classify_parameter(m, classify_parameter_name(i), &shape, &rank);
        for (int k = 0; k < rank; k++) values *= (size_t)shape[k];
        same &= entry && !memcmp(p, entry->data, values * sizeof *p);
    }
    sgdrt_free_checkpoint(file);
    return same;
}

/* What the callback does with its figures is its own; it is called with the same ones. */
static void go_on(const classify_data *data, const char *scratch) {
    for (int cut = 1; cut < 40; cut += 13) {
        classify *whole = new_model(), *part = new_model(), *again = new_model();
        Seen all = {0, 0, {0}}, first = {0, cut, {0}}, rest = {0, 0, {0}};
        check(classify_fit(whole, data, NULL, each_epoch, &all) == 0, "fit failed");
        check(classify_fit(part, data, NULL, each_epoch, &first) != 0, "the callback does not stop");
        check(classify_save(part, scratch) == 0 && classify_load(again, scratch) == 0, "save or load failed");
        check(classify_fit(again, data, NULL, each_epoch, &rest) == 0, "fit of a loaded model failed");
        check(all.epochs == 40 && first.epochs + rest.epochs == 40, "epochs are lost");
        check(!memcmp(all.losses + cut, rest.losses, sizeof *rest.losses * (size_t)rest.epochs), "losses differ");
        check(same_parameters(whole, again), "a loaded model goes on to other parameters");
        classify_free(whole);
        classify_free(part);
        classify_free(again);
    }
    classify *m = new_model(), *other = new_model();
    classify_fit(m, data, NULL, request, m);
    check(classify_save(m, scratch) == 0 && classify_resume(other, scratch) == 0, "save or resume failed");
    check(classify_fit(other, data, NULL, NULL, NULL) == 0 && classify_fit(m, data, NULL, NULL, NULL) == 0 &&
              same_parameters(m, other),
          "a model that was stopped goes on to other parameters");
    classify_free(m);
    classify_free(other);
}

static void go_on_from_kept(const classify_data *data, const char *kept, const char *whole) {
    classify *m = new_model();
    check(classify_load(m, kept) == 0 && is_of_file(m, kept, ""), "load does not take what is kept");
    check(classify_resume(m, kept) == 0 && is_of_file(m, kept, "@last"), "resume does not take the last state");
    check(classify_fit(m, data, NULL, NULL, NULL) == 0 && is_of_file(m, whole, "@last"),
          "fit does not go on from what sgdc saved");
    classify_free(m);
}

/* ---- damaged files -------------------------------------------------------------------------------- */
typedef struct Bytes {
    char *at;
    size_t length;
} Bytes;

static Bytes read_file(const char *path) {
    Bytes b = {(char *)malloc(1 << 20), 0};
    FILE *file = fopen(path, "rb");
    if (!file || !b.at) exit(2);
    b.length = fread(b.at, 1, 1 << 20, file);
    fclose(file);
    return b;
}

static void write_file(const char *path, const void *bytes, size_t length) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, length, file) != length || fclose(file)) exit(2);
}

/* The file with `from` in its header replaced once; its length goes with it. NULL: no such text. */
static Bytes replaced(Bytes b, const char *from, const char *to) {
    uint64_t header;
    memcpy(&header, b.at, 8);
    for (size_t i = 8; i + strlen(from) <= 8 + header; i++) {
        if (memcmp(b.at + i, from, strlen(from))) continue;
        Bytes r = {(char *)malloc(b.length + strlen(to) + 1), b.length - strlen(from) + strlen(to)};
        memcpy(r.at, b.at, i);
        memcpy(r.at + i, to, strlen(to));
        memcpy(r.at + i + strlen(to), b.at + i + strlen(from), b.length - i - strlen(from));
        header = header - strlen(from) + strlen(to);
        memcpy(r.at, &header, 8);
        return r;
    }
    fprintf(stderr, "saved: the header has no %s\n", from);
    exit(2);
}

/* Both ways of reading refuse the file, and the model is what it was. */
static void refused(const char *folder, const char *what, const void *bytes, size_t length, const char *good) {
    char path[500];
    classify *m = new_model(), *before = new_model();
    snprintf(path, sizeof path, "%s/%s.safetensors", folder, what);
    write_file(path, bytes, length);
    check(classify_load(m, good) == 0 && classify_load(before, good) == 0, "a whole file is refused");
    int load = classify_load(m, path), resume = classify_resume(m, path);
    if (!load || !resume) fprintf(stderr, "saved: %s is not refused\n", what);
    failures += !load || !resume;
    check(!strcmp(classify_strerror(load), classify_strerror(resume)), "load and resume tell different things");
    void *a = NULL, *b = NULL;
    size_t a_length = 0, b_length = 0;
    check(!sgdrt_save_instance_memory(m, &a, &a_length) && !sgdrt_save_instance_memory(before, &b, &b_length) &&
              a_length == b_length && !memcmp(a, b, a_length),
          "a refused file has changed the model");
    free(a);
    free(b);
    classify_free(m);
    classify_free(before);
}

static void damage(const char *good, const char *folder) {
    static const struct {
        const char *what, *from, *to;
    } changes[] = {
        {"negative_step", "\"step\":\"", "\"step\":\"-1\",\"was\":\""},
        {"step_with_exponent", "\"step\":\"", "\"step\":\"1e30\",\"was\":\""},
        {"step_of_letters", "\"step\":\"", "\"step\":\"abc"},
        {"step_beyond_counting", "\"step\":\"", "\"step\":\"4611686018427387904\",\"was\":\""},
        {"step_beyond_64_bits", "\"step\":\"", "\"step\":\"99999999999999999999"},
        {"step_is_nan", "\"step\":\"", "\"step\":\"nan\",\"was\":\""},
        {"no_step", "\"step\"", "\"sterp\""},
        {"no_seed", "\"seed\"", "\"sead\""},
        {"seed_of_letters", "\"seed\":\"", "\"seed\":\"x"},
        {"planned_of_letters", "\"planned\":\"", "\"planned\":\"x"},
        {"other_name", "\"net.h.dense.w\"", "\"net.h.dense.v\""},
        {"name_twice", "\"net.h.dense.b\"", "\"net.dense.b\""},
        {"other_type", "\"net.h.dense.w\":{\"dtype\":\"F32\"", "\"net.h.dense.w\":{\"dtype\":\"I32\""},
        {"unknown_type", "\"net.h.dense.w\":{\"dtype\":\"F32\"", "\"net.h.dense.w\":{\"dtype\":\"F33\""},
        {"other_shape", "\"shape\":[16,2]", "\"shape\":[2,16]"},
        {"shape_of_other_size", "\"shape\":[16,2]", "\"shape\":[16,3]"},
        {"shape_overflows", "\"shape\":[16,2]", "\"shape\":[4294967296,4294967296]"},
        {"negative_extent", "\"shape\":[16,2]", "\"shape\":[-16,-2]"},
        {"shape_of_fractions", "\"shape\":[16,2]", "\"shape\":[16,2.5]"},
        {"overlapping", "\"data_offsets\":[0,", "\"data_offsets\":[4,"},
        {"no_json", "{\"__metadata__\"", "[\"__metadata__\""},
        {"metadata_of_numbers", "\"seed\":\"0\"", "\"seed\":0"},
    };
    Bytes b = read_file(good);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        Bytes r = replaced(b, changes[i].from, changes[i].to);
        refused(folder, changes[i].what, r.at, r.length, good);
        free(r.at);
    }
    refused(folder, "empty", "", 0, good);
    refused(folder, "seven_bytes", b.at, 7, good);
    refused(folder, "half_a_header", b.at, 100, good);
    refused(folder, "half_the_values", b.at, b.length - 40, good);
    uint64_t header, huge = (uint64_t)1 << 62;
    memcpy(&header, b.at, 8);
    memcpy(b.at, &huge, 8);
    refused(folder, "huge_header", b.at, b.length, good);
    memcpy(b.at, &header, 8);
    for (size_t at = 8 + header; at < b.length; at += 4) memcpy(b.at + at, &(uint32_t){0x7FC00000}, 4);
    refused(folder, "not_a_number", b.at, b.length, good);
    free(b.at);
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int64_t rows = read_points(argv[1]);
    char good[500];
    snprintf(good, sizeof good, "%s/../whole_file.safetensors", argv[4]);
    classify_data data = classify_rows(rows, &x[0][0], y);
    go_on(&data, good);
    go_on_from_kept(&data, argv[2], argv[3]);
    classify *m = new_model();
    classify_fit(m, &data, NULL, NULL, NULL);
    check(classify_save(m, good) == 0, "save failed");
    classify_free(m);
    damage(good, argv[4]);
    printf("saved: %s\n", failures ? "failed" : "ok");
    return failures != 0;
}
