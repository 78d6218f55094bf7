/* fit: what emitted headers call in libsgdrt (fit.c, instance.c). Instances and rows are passed as void * so that a
 * header needs no declaration of ours: m is an sgdrt_instance, rows an sgdrt_rows. Statuses are sgdrt_status. */
#ifndef SGDRT_FIT_H
#define SGDRT_FIT_H
#include "model.h"

/* As sgdc_report in emitted headers. Losses are means over rows; NaN where there is none. */
typedef struct sgdrt_report {
    int64_t epoch, step;
    double train_loss, valid_loss;
} sgdrt_report;
typedef int sgdrt_callback(void *user, const sgdrt_report *report);

/* Trains to the planned number of steps, from where the state stands; a finished training is continued by as many
 * again. The callback may be NULL; it ends the training by returning non-zero (SGDRT_STOPPED). */
int sgdrt_fit(void *m, const void *train_rows, const void *valid_rows, sgdrt_callback *callback, void *user);
/* Threads that the instance's calls may use from now on: 0 for as many as the process may. In a file of its own: who does
 * not call it is linked without threads. */
int sgdrt_set_threads(void *m, int threads);
/* results[0] is the loss, then the metrics in the program's order. */
int sgdrt_evaluate(const void *m, const void *data, float *results);
/* saved.h: load takes what serves, resume the last state, from which training continues exactly. They differ in files
 * that `sgdc --save` wrote of a training with keep; what save writes here is both. */
int sgdrt_save_instance(const void *m, const char *path);
int sgdrt_load_instance(void *m, const char *path);
int sgdrt_resume_instance(void *m, const char *path);
int sgdrt_save_instance_memory(const void *m, void **bytes, size_t *length); /* *bytes is the caller's: free_bytes */
void sgdrt_free_bytes(void *bytes);                                          /* free(), for who has another one */
int sgdrt_load_instance_memory(void *m, const void *bytes, size_t length);
int sgdrt_resume_instance_memory(void *m, const void *bytes, size_t length);
#endif
