/* measure: the figures of a processor that nobody tells. */
#ifndef SGDC_DRIVER_MEASURE_H
#define SGDC_DRIVER_MEASURE_H
#include "ir/loops/machine.h"

/* Sets what it measures of the machine at hand, which has the vectors and caches of `known`; the rest is 0. */
void measure_machine(const Machine *known, Machine *measured);
#endif
