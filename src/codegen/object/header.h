/* header: the C header of an emitted object (header.c). */
#ifndef SGDC_HEADER_H
#define SGDC_HEADER_H
#include "ir/program.h"

typedef struct HeaderBlock {
    const Run *run;
    const char *prefix;                /* a C identifier */
    size_t train_bytes, predict_bytes; /* instance with state and work; work of predict */
    const bool *predicts, *reads;      /* per column of the data set: predict, any function reads it */
} HeaderBlock;

/* Per column of the run's data set: does predict read it, or any function? */
const bool *header_predicts(Arena *arena, const Run *run);
const bool *header_reads(Arena *arena, const Run *run);
/* Adds the whole header to `to`. The opening line names source, the guard is made of id. */
void header_write(Text *to, const char *source, const char *id, const HeaderBlock *blocks, int count);
#endif
