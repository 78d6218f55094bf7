/* --tune: schedules of a run's kernels, chosen by measuring (tune.c). */
#ifndef SGDC_DRIVER_TUNE_H
#define SGDC_DRIVER_TUNE_H
#include "driver/training.h"

/* Kernels, each with the function for which it is tuned. */
typedef struct TunedKernel {
    Name kernel;
    int function;
} TunedKernel;
typedef struct TunedKernels {
    Vector(TunedKernel) kernels;
    int functions;
} TunedKernels;
/* Of a run that stands at its beginning, and stands there afterwards. `known`: of the runs before. False after a
 * complaint: what it found cannot be kept. */
bool tune_run(Training *t, double seconds, TunedKernels *known);
void tune_say_known(const Training *t); /* that it has no other kernels than runs before */
/* Is there a folder to keep choices in? False after a complaint. */
bool tune_is_possible(Driver *driver, struct Codegen *codegen);

#endif
