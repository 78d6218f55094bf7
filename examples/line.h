/* Written by sgdc from line.sgd. Do not edit. */
#ifndef SGDC_LINE_H
#define SGDC_LINE_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef SGDC_COMMON
#define SGDC_COMMON
/* Zero everywhere: as the program says. planned_steps: what `progress` is measured against. */
typedef struct sgdc_options { uint64_t seed, planned_steps, has_seed, reserved[5]; } sgdc_options;
typedef struct sgdc_report { int64_t epoch, step; double train_loss, valid_loss; } sgdc_report;
typedef int sgdc_callback(void *user, const sgdc_report *report);
int sgdrt_fit(void *m, const void *train, const void *valid, sgdc_callback *callback, void *user);
int sgdrt_evaluate(const void *m, const void *data, float *results);
int sgdrt_save_instance(const void *m, const char *path);
int sgdrt_load_instance(void *m, const char *path);
#endif

/* ---- line: train fit */
#define LINE_TRAIN_BYTES(threads) ((size_t)6784)
#define LINE_PREDICT_BYTES ((size_t)2752)
#define LINE_BATCH 0   /* rows of a mini-batch; 0: all */
#define LINE_PARAMETERS 2
#define LINE_OUTPUTS 1   /* values predict writes per row: line(x) [] */

typedef struct line line;   /* opaque; any number may live at once */
/* Rows: row r of a member begins `stride` bytes after row r - 1 and is dense, row-major. A name
   that C or C++ does not allow, or that is taken, has a _ behind it. */
typedef struct line_data {
    int64_t rows;
    struct { const float *data; int64_t stride; } x;   /* [2] a row */
    struct { const float *data; int64_t stride; } y;   /* one value a row; not read by predict */
} line_data;
/* Rows in dense arrays, one after the other. */
static inline line_data line_rows(int64_t rows, const float *x, const float *y) {
    struct line_data data;
    data.rows = rows;
    data.x.data = x;
    data.x.stride = 8;
    data.y.data = y;
    data.y.stride = 4;
    return data;
}
/* Parameters, row-major:
     line.a: f32[2]
   Hyper-parameters for set, as they stand in the program:
     lr = 0.1
*/
/* Every function returns 0, or a status that line_strerror names. The caller's memory: 64-byte aligned,
   LINE_TRAIN_BYTES(1) of it. options may be NULL. */
int  line_init(line **out, void *memory, size_t bytes, const sgdc_options *options);
int  line_new(line **out, const sgdc_options *options);   /* memory from aligned_alloc; line_free returns it */
void line_free(line *m);
/* One step on all rows of data as one mini-batch. *loss: their mean before the step; may be NULL. */
int  line_step(line *m, const line_data *data, float *loss);
/* Writes LINE_OUTPUTS floats per row. Thread-safe. workspace: LINE_PREDICT_BYTES, 64-byte aligned, or
   NULL to have it allocated for the call. */
int  line_predict(const line *m, const line_data *data, float *out, void *workspace);
int  line_set(line *m, const char *hyper_parameter, double value);
int  line_set_lr(line *m, float lr);   /* replaces the schedule until line_clear_lr */
int  line_clear_lr(line *m);
void line_request_stop(line *m);       /* async-signal-safe; fit ends after the step in flight */
/* A parameter in place, or NULL. shape and rank may be NULL. */
float *line_parameter(line *m, const char *name, const int64_t **shape, int *rank);
const char *line_parameter_name(int index);   /* NULL past the last */
const char *line_strerror(int status);
/* These four need libsgdrt. fit trains as the program says (batch, order, epochs, hold-out); valid may be
   NULL; the callback gets a report after each epoch and ends the training by returning non-zero.
   evaluate stores the loss, then the metrics in their order. */
static inline int line_fit(line *m, const line_data *train, const line_data *valid, sgdc_callback *callback, void *user) {
    return sgdrt_fit(m, train, valid, callback, user);
}
static inline int line_evaluate(const line *m, const line_data *data, float *results) {
    return sgdrt_evaluate(m, data, results);
}
static inline int line_save(const line *m, const char *path) { return sgdrt_save_instance(m, path); }
static inline int line_load(line *m, const char *path) { return sgdrt_load_instance(m, path); }

#ifdef __cplusplus
}
#endif
#endif
