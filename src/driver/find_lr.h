/* --find-lr: a learning rate for each run, with its reason (find_lr.c). */
#ifndef SGDC_DRIVER_FIND_LR_H
#define SGDC_DRIVER_FIND_LR_H
#include "driver/training.h"

typedef struct RateTest {
    const Training *t;
    double *rates, *losses;
    int count;            /* a step each; the loss after it, of the same rows */
    double begin, least;  /* loss before the first step; the least */
    double fastest, rise; /* rates; rise NaN: up to the last rate it does not rise */
    double limit;         /* 2/L; NaN: not known */
    double rate;          /* the answer; NaN: there is none */
} RateTest;

/* Of a run that stands at its beginning; its state is spent afterwards. */
RateTest find_lr_test(Training *t);
void find_lr_print(const RateTest *test, FILE *to);
/* --plot; false after a complaint. */
bool find_lr_plot(Driver *driver, const RateTest *tests, int count);

#endif
