/* statistics: what a run learns from the rows that train before it trains (numerics.md, Preprocessing), for fit and for sgdc.
 * standardize.c has the mean and deviation of a column as it stands.
 */
#ifndef SGDRT_STATISTICS_H
#define SGDRT_STATISTICS_H
#include "model.h"
#include "sgdrt.h"

/* A run and rows of its columns. rows NULL: rows 0 .. count-1. derive calls the run's function `derived`. */
typedef struct sgdrt_learning {
    const sgdrt_model_statistic *statistics;
    int32_t statistic_count, outputs;
    const sgdrt_model_cell *cells;
    void *state;
    const sgdrt_column *columns;
    const uint32_t *rows; /* of data set `set` */
    int64_t count;
    int32_t set; /* whose statistics are learnt */
    void (*derive)(void *context, const sgdrt_call *call);
    void *context;
} sgdrt_learning;

/* Where it failed: the place in the list of rows (-1: none), and the statistic. */
typedef struct sgdrt_learning_problem {
    int64_t place;
    int32_t statistic;
} sgdrt_learning_problem;

/* Every cell of the statistics. SGDRT_NO_ROWS: a column has no value in any row; SGDRT_NOT_FINITE; SGDRT_MEMORY. */
int sgdrt_learn(const sgdrt_learning *learning, sgdrt_learning_problem *problem);
/* Is the weight of every row a number from 0 on? Else SGDRT_WEIGHT. */
int sgdrt_check_weights(const sgdrt_learning *learning, sgdrt_learning_problem *problem);
#endif
