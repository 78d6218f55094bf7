/* child: other programs at work for sgdc (child.c). */
#ifndef SGDC_DRIVER_CHILD_H
#define SGDC_DRIVER_CHILD_H
#include "support/support.h"
#include <sys/types.h>

/* Starts the program of this name with these streams; 0, or an errno. A signal that ends sgdc ends it too. */
int child_start(char *const *arguments, int in, int out, int complaints, pid_t *child);
/* Its exit code; -1: a signal ended it. */
int child_wait(pid_t child);
/* Where a program could not be executed at all, as an exit code. */
enum { CHILD_NOT_FOUND = 127 };
/* ": the first line that says something", or "". */
const char *child_complaint(Arena *arena, FILE *complaints);
#endif
