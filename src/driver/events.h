/* Event files, as TensorBoard reads them (events.c). */
#ifndef SGDC_DRIVER_EVENTS_H
#define SGDC_DRIVER_EVENTS_H
#include "support/support.h"

/* Each adds one record to the text: the version of the format, the begin of a training from a step on, figures. */
typedef struct EventScalar {
    const char *tag;
    double value;
} EventScalar;
void event_add_version(Text *to, double wall_time);
void event_add_start(Text *to, double wall_time, int64_t step);
void event_add_scalars(Text *to, double wall_time, int64_t step, const EventScalar *scalars, int count);

/* A new file in the folder, which is made if it is missing; each record is on disk for readers when a call returns.
 * NULL or false: *problem is a sentence part. */
typedef struct EventFile EventFile;
EventFile *event_file_open(Arena *arena, const char *folder, int64_t first_step, const char **problem);
bool event_file_write(EventFile *file, int64_t step, const EventScalar *scalars, int count, const char **problem);
bool event_file_close(EventFile *file, const char **problem);

#endif
