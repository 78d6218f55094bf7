/* What a saved file says of a run besides its cells, as text of metadata (record.c). */
#ifndef SGDC_DRIVER_RECORD_H
#define SGDC_DRIVER_RECORD_H
#include "driver/training.h"

/* To write. */
const char *record_settings(const Training *t); /* "lr=0.1 momentum.beta=0.9" */
const char *record_sums(const Training *t);     /* of the epoch at hand, or just ended */
const char *record_kept(const Training *t);     /* "" if nothing is kept */
const char *record_stalled(const Training *t);  /* "" if stop has no stalled() */

/* "; lr = 0.01, was 0.1" or "" */
const char *record_changes(const Training *t, const char *settings);

/* Into the training, whose state stands where the file was saved. text NULL: an older file. A record of another
 * figure than the program's is left: keep and stop begin anew. False if the text is damaged. */
bool record_read_sums(Training *t, const char *text);
bool record_read_kept(Training *t, const char *text);
bool record_read_stalled(Training *t, const char *text);
/* As before any file was read. */
void record_forget(Training *t);
#endif
