/* --tune: schedules of a run's kernels, chosen by measuring (tune.c). */
#ifndef SGDC_DRIVER_TUNE_H
#define SGDC_DRIVER_TUNE_H
#include "driver/training.h"

/* Of a run that stands at its beginning, and stands there afterwards. `before`: kernels that other runs were tuned for. */
typedef Vector(const char *) TunedKernels;
void tune_run(Training *t, double seconds, TunedKernels *before);
/* Is there a folder to keep choices in? False after a complaint. */
bool tune_is_possible(Driver *driver);

#endif
