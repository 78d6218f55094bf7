/* library: what a shared object has besides an object's functions (library.c). */
#ifndef SGDC_OBJECT_LIBRARY_H
#define SGDC_OBJECT_LIBRARY_H
#include "ir/program.h"

struct LLVMOpaqueModule;
/* Adds the functions of the run that call libsgdrt, and PREFIX_rows. */
void object_library_add(struct LLVMOpaqueModule *module, Arena *arena, const Run *run, const char *prefix);
/* The linker's version script: what a shared object of these runs exports. */
void object_library_exports(Text *to, const Run *const *runs, const char *const *prefixes, int count);
#endif
