/* write_file: a file that appears under its name whole or not at all. For the runtime and for sgdc.
 *
 * Bytes go to a new file in the folder of the target, which takes the target's name when the disk has them: a
 * reader sees the old file or the new one. What cannot be replaced (a device, a pipe) is written to as it is.
 * A symbolic link stays one: what it leads to is replaced. A file that is replaced keeps its permissions; a new
 * one has what the umask leaves.
 */
#ifndef SGDRT_WRITE_FILE_H
#define SGDRT_WRITE_FILE_H
#include "sgdrt.h"

typedef struct sgdrt_output {
    int fd;                   /* -1: closed */
    char *target, *temporary; /* temporary NULL: written as it is */
    const char *path;         /* as passed in, for messages */
    unsigned mode;
    bool keeps_mode; /* permissions of the replaced file */
} sgdrt_output;

/* Where a path leads: through symbolic links, also to what is not there yet. free() it; NULL and errno. */
char *sgdrt_output_target(const char *path);
/* Each 0, or PROBLEM_WRITE in *problem and nothing left behind. The path must outlive the output. */
int sgdrt_output_open(sgdrt_output *output, const char *path, sgdrt_problem *problem);
int sgdrt_output_write(sgdrt_output *output, const void *bytes, size_t length, sgdrt_problem *problem);
int sgdrt_output_finish(sgdrt_output *output, sgdrt_problem *problem);
/* Removes what was written; errno stays. A finished output is left as it is. */
void sgdrt_output_abandon(sgdrt_output *output);
#endif
