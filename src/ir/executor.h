/* An executor runs the functions of one Run: compiled (codegen/jit.c) or interpreted (ir/interp.c), same bits.
 *
 * Compiled functions that share their work among threads run on some, if whoever calls says on which. */
#ifndef SGDC_EXECUTOR_H
#define SGDC_EXECUTOR_H
#include "core.h"
#include "ir/program.h"

typedef enum Entry {
    ENTRY_INIT,
    ENTRY_STEP,
    ENTRY_EVALUATE,
    ENTRY_PREDICT,
    ENTRY_DERIVED,
    ENTRY_METRIC,
    ENTRY_PART
} Entry;
typedef struct Executor Executor;
struct Executor {
    const Run *run;
    size_t work_bytes; /* the caller provides call->work of this size */
    int64_t (*call)(Executor *e, Entry entry, int measure, const sgdrt_call *call); /* measure: only METRIC, PART */
    void (*free)(Executor *e);
    bool evaluates; /* the caller's: it will call EVALUATE and METRIC, which are to be compiled ahead */
    bool shares;    /* some function shares its work */
    sgdrt_region *region;
    void *threads; /* the caller's; region NULL: on one thread */
};
Executor *interpreter_new(Arena *arena, const Run *run);
#endif
