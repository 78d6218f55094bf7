/* model: what an emitted object says of itself, and one living instance of it.
 *
 * The object holds one constant sgdrt_model. The functions every object carries (embedded.c) and the loops that
 * live in libsgdrt (fit.c, saved.c) work from it alone, so none of them is generated.
 * The layout is part of the object's ABI: codegen/object/object_model.c writes these structs field by field.
 */
#ifndef SGDRT_MODEL_H
#define SGDRT_MODEL_H
#include "core.h"

enum { SGDRT_ABI = 7 };

/* What every function of the C API returns. */
typedef enum sgdrt_status {
    SGDRT_OK = 0,
    SGDRT_NULL = 1,        /* a pointer that must not be NULL is NULL */
    SGDRT_ALIGNMENT = 2,   /* memory is not 64-byte aligned */
    SGDRT_MEMORY = 3,      /* memory is too small, or none could be had */
    SGDRT_NO_ROWS = 4,     /* a mini-batch without rows */
    SGDRT_LABEL = 5,       /* a label outside 0 .. classes-1; nothing was changed */
    SGDRT_DIVERGED = 6,    /* the loss or a parameter is not finite */
    SGDRT_STOPPED = 7,     /* a stop was requested; the state is that after the last whole step */
    SGDRT_NO_PREDICT = 8,  /* the program has nothing to predict */
    SGDRT_FILE = 9,        /* a file cannot be read or written */
    SGDRT_MISMATCH = 10,   /* a saved file does not fit this model */
    SGDRT_CPU = 11,        /* the object carries no code for this processor */
    SGDRT_NO_NAME = 12,    /* no such hyper-parameter */
    SGDRT_DEFERRED = 13,   /* a field with statistics of the data (standardize) has none yet: fit or load first */
    SGDRT_NOT_FINITE = 14, /* a value of a row is infinite or not a number; nothing was changed */
    SGDRT_WEIGHT = 15,     /* a weight of a row is negative or not a number; nothing was changed */
    SGDRT_ROWS = 16,       /* so many rows cannot be taken together; nothing was changed */
    SGDRT_STATUS_COUNT
} sgdrt_status;

typedef struct sgdrt_model_cell { /* parameter, state, optimizer state, statistic */
    const char *name;
    const int64_t *shape;
    uint64_t offset, bytes;    /* in the state block */
    int32_t rank, dtype, kind; /* kind: 0 parameter, 1 state, 2 optimizer, 3 statistic */
    int32_t starts_infinite;   /* and so may stay */
} sgdrt_model_cell;

typedef struct sgdrt_model_slot {
    const char *name;
    uint64_t offset;
    double value;
    int32_t dtype, reserved;
} sgdrt_model_slot;

typedef struct sgdrt_model_column { /* one member of NAME_data */
    const char *name;
    int64_t elements, classes;         /* elements per row; classes > 0: a label, checked */
    int32_t dtype, predicts;           /* predicts: predict reads it */
    int32_t mean_cell, deviation_cell; /* standardize: statistics, -1 if none */
    int32_t may_be_missing;            /* NaN stands for a value that is missing */
    int32_t learns;                    /* its rows say its statistics, not those of the set it is like */
    int32_t unread;                    /* no function reads it: it may be NULL */
} sgdrt_model_column;

typedef struct sgdrt_model_plateau { /* a factor of the rate: plateau.h */
    double epochs, by;
    int32_t factor_cell, best_cell, waited_cell; /* f64 */
    int32_t figure, highest;                     /* figure: a metric, or one of these */
    int32_t reserved;
} sgdrt_model_plateau;
enum { SGDRT_TRAIN_LOSS = -1, SGDRT_VALID_LOSS = -2 };

/* What fit learns from the rows that train before it trains, in this order; as the compiler's StatisticKind. */
enum {
    SGDRT_STATISTIC_MEAN,
    SGDRT_STATISTIC_MEDIAN,
    SGDRT_STATISTIC_STANDARD,
    SGDRT_STATISTIC_SHARES,
    SGDRT_STATISTIC_WEIGHT
};
typedef struct sgdrt_model_statistic {
    int32_t kind, column, cell, output; /* of this column, or of this output of `derived`; -1 */
    int64_t elements;                   /* of a row; SHARES: of the cell */
    int32_t dtype;                      /* of the output */
    int32_t set;                        /* whose rows; 0: the first set's */
} sgdrt_model_statistic;

typedef struct sgdrt_model_set { /* a further data set of each step; all have at least one row */
    int64_t batch;               /* rows that come again until the step is full; 0: as many as it has; -1: all */
    int64_t copies;              /* fit takes every row so often; 1 or more */
    int32_t order;               /* program.h: BatchOrder */
    int32_t first_column, column_count, reserved;
} sgdrt_model_set;

/* Do so many rows, of a step that has `batch` of the first set (0: all), not come again each as often? */
static inline int sgdrt_is_uneven(int64_t batch, int64_t own) {
    return own < 0 || (own > 0 && (batch == 0 || own > batch || batch % own != 0));
}

typedef struct sgdrt_code { /* compiled for one processor level */
    sgdrt_function *init, *step, *evaluate, *predict, *derived;
    sgdrt_function *const *metrics;
} sgdrt_code;

typedef struct sgdrt_model {
    uint32_t abi, levels; /* levels: codes present, best last */
    const char *name;
    const sgdrt_code *code; /* [levels] */
    const uint32_t *level;  /* [levels]: x86-64 level 2, 3, 4; 0: runs anywhere this object links */
    const sgdrt_model_cell *cells;
    const sgdrt_model_slot *slots;
    const sgdrt_model_column *columns;
    const sgdrt_model_statistic *statistics;
    const char *classes; /* the texts of learnt classes as saved files have them; NULL: not known */
    const char *const *metric_names;
    const int64_t *argument_bytes;  /* evaluate's outputs: bytes per row of each kept argument */
    const int32_t *argument_counts; /* per metric */
    const int32_t *argument_ranked; /* 1: a measure wants its ranks (rank.h); 2: by the weights that the next one is */
    const int64_t *metric_elements; /* per metric */
    const int32_t *term_parts;      /* the part of a step that a term is of; NULL: steps have one */
    uint64_t seed, state_bytes, work_bytes, predict_bytes;
    uint64_t shared;                                /* which functions gain from threads: bits of SGDRT_SHARES_... */
    int64_t batch, epochs, steps, predict_elements; /* batch 0: all rows */
    int64_t together;                               /* rows that evaluate takes at once; 0: all */
    int64_t most_rows;                              /* that a step takes; 0: any number */
    int64_t copies, valid_copies;                   /* fit takes every row so often; 1 or more */
    double hold_out_part;
    int32_t statistic_count, derived_count; /* derived: outputs */
    int32_t cell_count, slot_count, column_count;
    int32_t metric_count, array_count; /* metrics that are one number, and those behind them that are arrays */
    int32_t argument_count;
    int32_t averaged, minimized, terms; /* sums of evaluate and step: over rows; all of the loss; with penalties */
    int32_t lr_slot;                    /* -1: none */
    int32_t order, last, hold_out;      /* program.h: BatchOrder, LastBatch, HoldOut */
    int32_t weight_sum;                 /* of sums: that of the weights of rows; -1: rows have none */
    int32_t fold, folds;                /* of hold_out = folds(5): 0 .. folds-1; folds 0: none */
    int32_t hold_out_by;                /* the label column of split(p, by = y), or -1 */
    int32_t sums;                       /* of a step: the terms', and two for each of several parts (figures.h) */
    int32_t plateau_count;
    const sgdrt_model_plateau *plateaus;
    const sgdrt_model_set *sets; /* behind the first */
    int32_t set_count, reserved;
} sgdrt_model;

enum { SGDRT_SHARES_STEP = 1, SGDRT_SHARES_EVALUATE = 2, SGDRT_SHARES_PREDICT = 4 };

/* What only an application that asks for threads is linked with (threads.c, crew.h). */
typedef struct sgdrt_threading {
    sgdrt_region *call;
    void (*free)(void *crew);
} sgdrt_threading;

/* In the caller's memory: this head, then the state block, the work block, sums, each 64-byte aligned. */
typedef struct sgdrt_instance {
    const sgdrt_model *model;
    const sgdrt_code *code;
    void *state, *work;
    double *sums; /* of a step */
    void *crew;   /* threads that share calls; NULL: none */
    const sgdrt_threading *threading;
    volatile int32_t stop;
    int32_t owned; /* memory came from NAME_new */
    int32_t has_statistics;
    int32_t unused;
    uint64_t reserved[7];
} sgdrt_instance; /* 128 bytes */

static inline uint64_t sgdrt_whole_lines(uint64_t bytes) { return (bytes + 63) & ~(uint64_t)63; }

/* Calls a function of the instance, on its threads if it has some and the function, of bit `shares`, gains from them. */
static inline int64_t sgdrt_call_shared(const sgdrt_instance *instance, uint64_t shares, sgdrt_function *function,
                                        const sgdrt_call *call) {
    if (!instance->crew || !(instance->model->shared & shares)) return function(call);
    return instance->threading->call(instance->crew, function, call);
}

static inline uint64_t sgdrt_instance_bytes(uint64_t state_bytes, uint64_t work_bytes, int64_t sums) {
    return sizeof(sgdrt_instance) + sgdrt_whole_lines(state_bytes) + sgdrt_whole_lines(work_bytes) +
           sgdrt_whole_lines((uint64_t)sums * sizeof(double));
}

/* NAME_data as the generated header declares it: the number of rows, then a column per member; of several data sets
 * then the number of rows of each further one (sets.h). */
typedef struct sgdrt_rows {
    int64_t rows;
    sgdrt_column columns[];
} sgdrt_rows;

/* NAME_options. Zero means: as the program says. */
typedef struct sgdrt_options {
    uint64_t seed;
    uint64_t planned_steps;
    uint64_t has_seed;
    uint64_t reserved[5];
} sgdrt_options;

#endif
