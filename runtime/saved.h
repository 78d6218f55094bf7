/* saved: a training in a file. What --save and NAME_save write and --load, start = load(...), NAME_load and NAME_resume
 * read is written and read here alone.
 *
 * The file (safetensors) holds every cell under its name: parameters, layers' state, optimizer state, statistics of
 * the data. Under these plain names stands what serves: with keep = best(...) the kept parameters, else those after the
 * last step. Where those after the last step differ they stand beside them as NAME@last: a training goes on from
 * them. Metadata holds seed, step and planned, and what the caller adds. Nothing of the memory changes unless all of
 * the file fits.
 */
#ifndef SGDRT_SAVED_H
#define SGDRT_SAVED_H
#include "model.h"
#include "sgdrt.h"

/* More steps no training counts, so a file that says more is not believed. */
#define SGDRT_MOST_STEPS ((uint64_t)1 << 53)

/* A training in memory. */
typedef struct sgdrt_training {
    const sgdrt_model_cell *cells;
    int32_t cell_count;
    void *state;        /* sgdrt_header, then cells at their offsets */
    void *kept;         /* the same of what serves; NULL: state */
    bool no_statistics; /* those of the data are not known yet */
} sgdrt_training;

typedef enum sgdrt_saved_use {
    SGDRT_RESUME, /* goes on: the last state; kept gets what serves */
    SGDRT_SERVE,  /* the state becomes what serves */
    SGDRT_START   /* parameters and layers' state that are there */
} sgdrt_saved_use;

/* Into a file, or with path NULL into memory (*bytes is the caller's: free()). What is not a number is not saved:
 * PROBLEM_NO_TRAINING, as when it is read. */
int sgdrt_save_training(const sgdrt_training *training, const sgdrt_metadata *more, int more_count, const char *path,
                        void **bytes, size_t *length, sgdrt_problem *problem);
/* Resuming and serving also set seed, step and (if the file says it) planned of the state's header, and
 * no_statistics. */
int sgdrt_restore_training(const sgdrt_checkpoint *file, sgdrt_training *training, sgdrt_saved_use use,
                           sgdrt_problem *problem);

/* Digits alone, at most `most`; false for anything else, NULL too. */
bool sgdrt_read_count(const char *text, uint64_t most, uint64_t *count);

#endif
