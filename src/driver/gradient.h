/* The gradient of what is minimized, of any rows, in f64 (gradient.c). */
#ifndef SGDC_DRIVER_GRADIENT_H
#define SGDC_DRIVER_GRADIENT_H
#include "codegen/codegen.h"
#include "driver/training.h"

typedef struct Gradient {
    Driver *driver;
    const Run *run;
    Executor *executor;
    const RowSet *data; /* rows that train */
    char *initial;      /* the state in which it is looked at */
    char *state;        /* after gradient_take */
    double *sums;
    void *work, *memory;
} Gradient;

/* Of the run at its initial values. False if no code can be made; then nothing is open. */
bool gradient_open(Gradient *g, Driver *driver, Codegen *codegen, const Tables *tables, int run);
void gradient_close(Gradient *g);
/* Parameters, layers' state and statistics from a saved file, as f64; false after a complaint. */
bool gradient_load(Gradient *g, const char *path);

/* The gradient over these rows, with the draws of this step: of each parameter in its cell of g->state. Returns what is
 * minimized. */
double gradient_take(Gradient *g, const uint32_t *rows, int64_t count, uint64_t step);
/* Operations for one row, roughly. */
double gradient_work(const Run *run);

#endif
