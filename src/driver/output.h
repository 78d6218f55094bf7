/* What sgdc writes: files, whole or not at all (runtime/write_file.h says how), and the standard streams. */
#ifndef SGDC_DRIVER_OUTPUT_H
#define SGDC_DRIVER_OUTPUT_H
#include "support/support.h"
#include "write_file.h"

typedef struct Output {
    FILE *file;
    bool standard; /* file is stdout or stderr */
    sgdrt_output whole;
    const char *temporary; /* told to interrupt.h */
} Output;

/* "-" is stdout; so is a path that leads to the same file (/dev/stdout), and what goes wrong there is found at the end
 * of the process. False and *problem: a sentence part ("cannot be written: No space left on device"). The path must
 * live as long as the output. */
bool output_open(Arena *arena, const char *path, Output *output, const char **problem);
/* The file takes its name; on failure nothing is left behind. */
bool output_finish(Arena *arena, Output *output, const char **problem);
/* Instead: what was written is gone. */
void output_abandon(Output *output);
bool output_write(Arena *arena, const char *path, const char *bytes, size_t length, const char **problem);
/* Could a file be written there? Asked before work whose result would be lost. */
bool output_is_possible(Arena *arena, const char *path, const char **problem);
/* Do both paths lead to one file, that is there or would be? Devices and pipes do not count. */
bool output_is_same(const char *a, const char *b);
/* Does it end in stdout or stderr? */
bool output_is_standard(const char *path);
/* Of a terminal; 0: it is none. */
int output_columns(FILE *to);

/* A standard stream that is closed becomes one that fails, so that no file is opened in its place. */
void output_guard_streams(void);
/* At the end: was all of it written? Closes stdout. False and *problem: a sentence. */
bool output_close_streams(const char **problem);

/* Paths. */
const char *path_folder(Arena *arena, const char *path); /* "." if it has none */
const char *path_below(Arena *arena, const char *folder, const char *name);
const char *path_stem(Arena *arena, const char *path); /* "a/b.sgd" -> "b" */
const char *path_extension(const char *path);          /* ".csv", or "" */
bool path_is_file(const char *path);
bool path_is_folder(const char *path);
bool path_names_folder(const char *path); /* ends in /, or is there as one */

#endif
