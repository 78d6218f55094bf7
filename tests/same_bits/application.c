/* application: trains with an emitted object as applications do, and compares with what sgdc itself came to.
 *
 *   application FOLDER LEVEL [THREADS]     compiled with -DRUNS='RUN(PREFIX) ...', linked with the object
 *
 * For each run it reads FOLDER/PREFIX.trace (sgdc --trace: the rows, and every cell before the first step) and
 * FOLDER/PREFIX.saved (sgdc --save), both safetensors, trains with the code for LEVEL (0: the only one), and looks
 * for the first cell that differs, all NaN being equal. What the trained model then says of rows goes to
 * FOLDER/PREFIX.says, for the script to compare.
 *   FOLDER/PREFIX.starts    there: the run starts from another one's parameters, which the trace has
 *   FOLDER/PREFIX.keeps     there: `keep = best(valid.loss)`, which an object leaves to its application, as it does
 *                           `stop`: training ends at the step of what sgdc saved
 * Exit code 0: the same; 1: not; 77: this processor has not got LEVEL.
 *
 * It knows of files and of the object's own description (runtime/model.h) only, so that it is built in the same way
 * for another machine, where neither zlib nor cJSON may be at hand.
 */
#include "check_rows.h"
#include "fit.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Api {
    const char *prefix;
    int (*new)(sgdrt_instance **, const sgdrt_options *);
    int (*predict)(const sgdrt_instance *, const sgdrt_rows *, float *, void *);
    void (*free)(sgdrt_instance *);
} Api;
#define RUN(p)                                                                    \
    int p##_new(sgdrt_instance **, const sgdrt_options *);                        \
    int p##_predict(const sgdrt_instance *, const sgdrt_rows *, float *, void *); \
    void p##_free(sgdrt_instance *);
RUNS
#undef RUN
#define RUN(p) {#p, p##_new, p##_predict, p##_free},
    static const Api apis[] = {RUNS};

enum { MOST_PATH = 4096, MOST_ROWS_SAID = 1000, NOT_HERE = 77 };

__attribute__((noreturn)) static void give_up(const char *what, const char *which) {
    fprintf(stderr, "%s: %s\n", which, what);
    exit(1);
}

/* ---- safetensors: 8 bytes of length, a header in JSON, the data ------------------------------------ */
typedef struct File {
    char *header;
    const char *data;
} File;

static const char *path_of(const char *folder, const char *prefix, const char *kind) {
    static char path[MOST_PATH];
    snprintf(path, sizeof path, "%s/%s.%s", folder, prefix, kind);
    return path;
}

static int exists(const char *path) {
    FILE *f = fopen(path, "rb");
    if (f) fclose(f);
    return f != NULL;
}

static File read_file(const char *path) {
    FILE *f = fopen(path, "rb");
    uint64_t header;
    if (!f || fread(&header, sizeof header, 1, f) != 1 || fseek(f, 0, SEEK_END)) give_up("cannot be read", path);
    size_t length = (size_t)ftell(f) - sizeof header;
    char *bytes = malloc(length + 1);
    if (!bytes || fseek(f, sizeof header, SEEK_SET) || fread(bytes, 1, length, f) != length)
        give_up("cannot be read", path);
    fclose(f);
    if (header < 1 || header > length) give_up("is no safetensors file", path);
    bytes[header - 1] = 0; /* a closing brace or padding */
    return (File){bytes, bytes + header};
}

/* The tensor's bytes, their number in *bytes and its first extent in *rows; NULL if there is none. */
static const char *find(const File *file, const char *name, size_t *bytes, int64_t *rows) {
    char key[512];
    snprintf(key, sizeof key, "\"%s\":{\"dtype\"", name);
    const char *at = strstr(file->header, key);
    const char *shape = at ? strstr(at, "\"shape\":[") : NULL, *offsets = at ? strstr(at, "\"data_offsets\":[") : NULL;
    if (!shape || !offsets) return NULL;
    char *next;
    unsigned long long begin = strtoull(offsets + strlen("\"data_offsets\":["), &next, 10);
    *bytes = (size_t)(strtoull(next + 1, NULL, 10) - begin);
    if (rows) *rows = strtoll(shape + strlen("\"shape\":["), NULL, 10);
    return file->data + begin;
}

/* ---- comparing ------------------------------------------------------------------------------------ */
static size_t width_of(int32_t dtype) {
    return dtype == SGDRT_F64 ? 8 : dtype == SGDRT_F32 || dtype == SGDRT_I32 ? 4 : 1;
}

static int is_nan(int32_t dtype, const char *at) {
    float f32;
    double f64;
    if (dtype == SGDRT_F32) return memcpy(&f32, at, sizeof f32), f32 != f32;
    return dtype == SGDRT_F64 && (memcpy(&f64, at, sizeof f64), f64 != f64);
}

/* The first element that differs; -1: none. */
static int64_t difference(const sgdrt_model_cell *cell, const char *a, const char *b) {
    size_t width = width_of(cell->dtype);
    for (size_t i = 0; i < cell->bytes; i += width)
        if (memcmp(a + i, b + i, width) != 0 && !(is_nan(cell->dtype, a + i) && is_nan(cell->dtype, b + i)))
            return (int64_t)(i / width);
    return -1;
}

static int same_cells(const sgdrt_instance *m, const File *saved) {
    for (int32_t i = 0; i < m->model->cell_count; i++) {
        const sgdrt_model_cell *cell = &m->model->cells[i];
        size_t bytes;
        const char *here = (const char *)m->state + cell->offset, *want = find(saved, cell->name, &bytes, NULL);
        if (!want || bytes != cell->bytes) give_up("is not in what sgdc saved", cell->name);
        int64_t at = difference(cell, here, want);
        if (at < 0) continue;
        printf("%s: %s[%lld] differs", m->model->name, cell->name, (long long)at);
        if (cell->dtype == SGDRT_F32)
            printf(": %a, sgdc has %a", (double)((const float *)(const void *)here)[at],
                   (double)((const float *)(const void *)want)[at]);
        printf("\n");
        return 0;
    }
    return 1;
}

/* ---- training ---------------------------------------------------------------------------------------- */
/* The name of the tensor of a column. Those of one width are in the order of columns; wider ones come first. */
static void name_column(const File *trace, const sgdrt_model *model, int32_t column, char *name, size_t size) {
    static const char *const types[] = {"F32", "F64", "I32", "BOOL", "U8"};
    int before = 0;
    for (int32_t c = 0; c < column; c++)
        before += width_of(model->columns[c].dtype) == width_of(model->columns[column].dtype);
    for (const char *at = trace->header; (at = strstr(at, "\"data.")) != NULL; at++) {
        const char *type = strstr(at, "\"dtype\":\"") + strlen("\"dtype\":\"");
        for (int32_t t = 0; t < 5; t++)
            if (strncmp(type, types[t], strlen(types[t])) == 0 &&
                width_of(t) == width_of(model->columns[column].dtype) && before-- == 0) {
                snprintf(name, size, "%.*s", (int)strcspn(at + 1, "\""), at + 1);
                return;
            }
    }
    give_up("is not in the trace", model->columns[column].name);
}

/* Each row once: copies of rows are the schedule's. Of several data sets each has as many as it has. */
static sgdrt_rows *read_rows(const sgdrt_model *model, const File *trace) {
    size_t columns = sizeof(sgdrt_column) * (size_t)model->column_count;
    sgdrt_rows *rows = malloc(sizeof *rows + columns + sizeof(int64_t) * (size_t)model->set_count);
    int64_t *further = (int64_t *)(void *)&rows->columns[model->column_count], count;
    for (int32_t c = 0; c < model->column_count; c++) {
        char name[300];
        size_t bytes;
        name_column(trace, model, c, name, sizeof name);
        const char *data = find(trace, name, &bytes, &count);
        if (!data || count < 1) give_up("is not in the trace", name);
        int32_t set = sgdrt_set_of(model, c);
        *(set ? &further[set - 1] : &rows->rows) = count;
        char *all = aligned_alloc(64, (bytes + 63) / 64 * 64);
        if (!all) give_up("there is no memory", name);
        memcpy(all, data, bytes);
        rows->columns[c] = (sgdrt_column){all, (int64_t)bytes / count};
    }
    return rows;
}

/* Parameters and states of layers and optimizers as the trace has them before the first step. */
static void take_cells(sgdrt_instance *m, const File *trace) {
    for (int32_t i = 0; i < m->model->cell_count; i++) {
        const sgdrt_model_cell *cell = &m->model->cells[i];
        char name[300];
        size_t bytes;
        snprintf(name, sizeof name, "cell.%s", cell->name);
        const char *data = find(trace, name, &bytes, NULL);
        if (!data || bytes != cell->bytes) give_up("is not in the trace", name);
        if (cell->kind < 3) memcpy((char *)m->state + cell->offset, data, bytes);
    }
}

/* The code for a level that is not the best one: as NAME_init begins, with that code. */
static int take_level(sgdrt_instance *m, uint32_t level) {
    const sgdrt_code *best = m->code;
    for (uint32_t i = 0; i < m->model->levels; i++)
        if (m->model->level[i] == level) m->code = &m->model->code[i];
    if (m->code == best) return m->model->level[best - m->model->code] == level;
    if (m->code > best) return 0;
    for (int32_t i = 0; i < m->model->cell_count; i++)
        memset((char *)m->state + m->model->cells[i].offset, 0, m->model->cells[i].bytes);
    sgdrt_call call = {.state = m->state, .work = m->work};
    m->code->init(&call);
    return 1;
}

typedef struct Best {
    sgdrt_instance *m;
    char *state;
    double loss;
    int64_t last_step;
    int64_t epoch; /* of the report before */
} Best;

static int64_t step_of(const File *saved) {
    const char *step = strstr(saved->header, "\"step\":\"");
    return step ? strtoll(step + strlen("\"step\":\""), NULL, 10) : 0;
}

/* An epoch that the last step cuts off is not looked at: it is no epoch more. */
static int after_epoch(void *user, const sgdrt_report *report) {
    Best *best = user;
    int whole = report->epoch > best->epoch;
    best->epoch = report->epoch;
    if (whole && (best->loss != best->loss || report->valid_loss < best->loss)) {
        best->loss = report->valid_loss;
        memcpy(best->state, best->m->state, best->m->model->state_bytes);
    }
    return report->step >= best->last_step;
}

/* Parameters and states of layers, as sgdc keeps them. */
static void restore_best(sgdrt_instance *m, const Best *best) {
    for (int32_t i = 0; i < m->model->cell_count; i++) {
        const sgdrt_model_cell *cell = &m->model->cells[i];
        if (cell->kind < 2) memcpy((char *)m->state + cell->offset, best->state + cell->offset, cell->bytes);
    }
}

static void write_sayings(const Api *api, const sgdrt_instance *m, sgdrt_rows *rows, const char *path) {
    float figures[64] = {0}, *answers = NULL;
    FILE *f = fopen(path, "wb");
    if (!f) give_up("cannot be written", path);
    if (rows->rows > MOST_ROWS_SAID && !m->model->set_count) rows->rows = MOST_ROWS_SAID;
    int status = sgdrt_evaluate(m, rows, figures);
    if (status) give_up("evaluate fails", api->prefix);
    size_t count = (size_t)(sgdrt_predicted_rows(m->model, rows) * m->model->predict_elements);
    if (count > 0 && sgdrt_check_rows(m, rows, SGDRT_PREDICTING) != SGDRT_ROWS) {
        answers = calloc(count, sizeof *answers);
        status = answers ? api->predict(m, rows, answers, NULL) : SGDRT_MEMORY;
        if (status) give_up("predict fails", api->prefix);
    }
    for (int i = 0; i < 1 + m->model->metric_count; i++) fprintf(f, "%a\n", (double)figures[i]);
    for (size_t i = 0; answers && i < count; i++) fprintf(f, "%a\n", (double)answers[i]);
    free(answers);
    if (fclose(f)) give_up("cannot be written", path);
}

static int check_run(const Api *api, const char *folder, uint32_t level, int threads) {
    sgdrt_instance *m;
    if (api->new (&m, NULL)) give_up("there is no instance", api->prefix);
    if (!take_level(m, level)) return NOT_HERE;
    if (threads > 1) sgdrt_set_threads(m, threads);
    File trace = read_file(path_of(folder, api->prefix, "trace"));
    File saved = read_file(path_of(folder, api->prefix, "saved"));
    sgdrt_rows *rows = read_rows(m->model, &trace);
    if (exists(path_of(folder, api->prefix, "starts"))) take_cells(m, &trace);
    Best best = {m, malloc(m->model->state_bytes), NAN, step_of(&saved), 0};
    int keeps = exists(path_of(folder, api->prefix, "keeps"));
    int status = sgdrt_fit(m, rows, NULL, keeps ? after_epoch : NULL, &best);
    if (status && status != SGDRT_DIVERGED && !(keeps && status == SGDRT_STOPPED)) give_up("fit fails", api->prefix);
    if (keeps) restore_best(m, &best);
    int same = same_cells(m, &saved);
    write_sayings(api, m, rows, path_of(folder, api->prefix, "says"));
    for (int32_t c = 0; c < m->model->column_count; c++) free((void *)rows->columns[c].data);
    free(rows);
    free(best.state);
    free(trace.header);
    free(saved.header);
    api->free(m);
    return !same;
}

int main(int count, char **arguments) {
    if (count < 3) give_up("usage: FOLDER LEVEL [THREADS]", arguments[0]);
    int failed = 0, threads = count > 3 ? atoi(arguments[3]) : 1;
    for (size_t i = 0; i < sizeof apis / sizeof *apis; i++) {
        int code = check_run(&apis[i], arguments[1], (uint32_t)strtoul(arguments[2], NULL, 10), threads);
        if (code == NOT_HERE) return NOT_HERE;
        failed |= code;
    }
    return failed;
}
