/* interface: an application's view of a program: object and header (interface.c). */
#ifndef SGDC_INTERFACE_H
#define SGDC_INTERFACE_H
#include "codegen/codegen.h"

/* The C prefix of a run: the stem, or stem_block where a program has several runs. */
const char *interface_prefix(Arena *arena, const Program *program, const Run *run, const char *stem);
/* Adds the header of all runs. */
void interface_header(Text *to, const Program *program, const char *stem, Codegen *codegen);
/* Writes the object. level: the x86-64 level (2, 3, 4) its code needs, checked in NAME_init; 0: not checked. False
 * after a diagnostic. */
bool interface_object(Arena *arena, const char *path, const Program *program, const char *stem, Codegen *codegen,
                      int level);
#endif
