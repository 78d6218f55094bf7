/* core: what passes between generated code and whoever calls it (driver, runtime, the emitted C API).
 *
 * A run's state is one block of memory, 64-byte aligned: sgdrt_header, then slots, then cells, at offsets fixed
 * at compile time. Generated functions read and write that block, a work block whose size is a compile-time
 * constant, and the caller's columns; they allocate nothing, call nothing but libm-free code, and keep nothing.
 *
 * Threads: every thread of a call runs the same function, with a copy of the same sgdrt_call that says which
 * thread it is. The function computes that thread's part of the outputs and waits for the others where it must
 * (crew.h has such threads). A call that says nothing of threads (all zero) is a call on one. The bits are the
 * same.
 */
#ifndef SGDRT_CORE_H
#define SGDRT_CORE_H
#include <stddef.h>
#include <stdint.h>

typedef enum sgdrt_dtype {
    SGDRT_F32,
    SGDRT_F64,
    SGDRT_I32,
    SGDRT_BOOL,
    SGDRT_U8
} sgdrt_dtype; /* as the compiler's DType */

enum { SGDRT_MOST_UNEVEN = 6 };
typedef struct sgdrt_header {
    uint64_t seed;
    uint64_t step;                        /* steps done since init; generated code counts it up */
    uint64_t epoch;                       /* epochs done; the caller sets it before a call */
    uint64_t planned;                     /* planned steps: progress = (float)step / (float)planned */
    uint64_t stopping;                    /* generated code's own */
    uint32_t set_rows[SGDRT_MOST_UNEVEN]; /* of each data set in the step at hand, where they differ (gather.h) */
} sgdrt_header;                           /* 64 bytes */

/* Row r of a column begins at data + r * stride bytes; inside a row elements are dense, row-major. */
typedef struct sgdrt_column {
    const void *data;
    int64_t stride;
} sgdrt_column;

/* Returns when every thread of the call has called it. */
typedef void sgdrt_barrier(void *context);

typedef struct sgdrt_call {
    void *state;
    void *work;                  /* 64-byte aligned */
    const sgdrt_column *columns; /* by column index of the run's data set; for a metric: the kept arguments */
    const uint32_t *rows;        /* row of each place; NULL: place p is row first + p */
    int64_t first;
    int64_t count; /* places in this call */
    int64_t batch; /* places per step; the last step takes what is left. evaluate, predict, metric: == count */
    int64_t place; /* place of place 0 within its epoch's order (keys of draws) */
    double *sums;  /* one per ROOT_SUM: train adds each step's sum to it in f64, others store it; then, of steps with
                           * several parts, for each its rows and its steps */
    void *const *outputs;         /* one per ROOT_ROWS (dense rows) or ROOT_VALUE (one scalar) */
    const volatile int32_t *stop; /* NULL or polled between steps */
    int64_t thread, threads;      /* 0 .. threads-1; threads 0 or 1: alone */
    sgdrt_barrier *barrier;       /* called with barrier_context; more than one thread only */
    void *barrier_context;
    uint64_t seed; /* of draws in predict; their rows are counted from `place` on */
} sgdrt_call;

/* Returns the number of steps done (functions that do not step: 1; threads but the first: anything). */
typedef int64_t sgdrt_function(const sgdrt_call *call);

/* Runs the function on threads of `threads`; the result of the first. sgdrt_crew_call (crew.h) is one. */
typedef int64_t sgdrt_region(void *threads, sgdrt_function *function, const sgdrt_call *call);

#endif
