/* Files that sgdc writes: to a temporary name beside the path, renamed over it when whole. */
#ifndef SGDC_DRIVER_OUTPUT_H
#define SGDC_DRIVER_OUTPUT_H
#include "support/support.h"

typedef struct Output { FILE *file; const char *path, *temporary; } Output;

/* "-" is stdout. False and *problem: a sentence part ("cannot be written: No space left on device"). */
bool output_open(Arena *arena, const char *path, Output *output, const char **problem);
/* Closes and renames; on failure removes the temporary file. */
bool output_finish(Arena *arena, Output *output, const char **problem);
void output_abandon(Output *output);
/* Could a file be written there? Asked before work whose result would be lost. */
bool output_is_possible(Arena *arena, const char *path, const char **problem);
bool output_write(Arena *arena, const char *path, const char *bytes, size_t length, const char **problem);

/* Paths. */
const char *path_folder(Arena *arena, const char *path);          /* "." if it has none */
const char *path_below(Arena *arena, const char *folder, const char *name);
const char *path_stem(Arena *arena, const char *path);            /* "a/b.sgd" -> "b" */
const char *path_extension(const char *path);                     /* ".csv", or "" */
bool path_is_file(const char *path);
bool path_is_folder(const char *path);

#endif
