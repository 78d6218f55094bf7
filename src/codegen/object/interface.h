/* interface: an application's view of a program: object and header.
 *
 *   interface.c header.c          both, side by side; the header
 *   object.c                      code in an object file
 *   object_model.c embedded.c     what an object holds besides: its sgdrt_model, the functions of the C API
 *   model_facts.c                 what of it a run does not say itself; units of C (c/) say it too
 *   c_api.c                       the functions of the C API, one row each
 *   library.c                     those that need libsgdrt, where a shared object has them
 *   exported_names.c              what all that is called in C; library_*.txt: names that are taken
 */
#ifndef SGDC_INTERFACE_H
#define SGDC_INTERFACE_H
#include "codegen/codegen.h"
#include "codegen/object/header.h"

/* The C prefix of each run: the stem, or stem_block where a program has several runs. NULL after a diagnostic: two
 * runs would declare the same names. */
const char *const *interface_prefixes(Arena *arena, const Program *program, const char *stem);
/* A session for each processor level the object carries (2, 3, 4 ascending; 0 alone: code for one processor, not
 * checked). NAME_init chooses the best that the processor at hand has. */
/* What header and manifest say, per run. */
const HeaderBlock *interface_blocks(Arena *arena, const Program *program, const char *const *prefixes,
                                    Codegen *const *sessions, int levels);
/* Adds the header of all runs, to be called as `stem`. */
void interface_header(Text *to, const Program *program, const char *stem, const char *const *prefixes,
                      Codegen *const *sessions, int levels);
/* Adds the bytes of the object. exports: NULL, or the object is for a shared one that is linked with libsgdrt, and this
 * gets the linker's version script. */
void interface_object(Text *to, const Program *program, const char *const *prefixes, Codegen *const *sessions,
                      const int *levels, int level_count, Text *exports);
#endif
