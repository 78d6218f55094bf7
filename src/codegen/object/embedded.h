/* embedded: the functions that every emitted object carries, as LLVM bitcode (embedded.c). */
#ifndef SGDC_EMBEDDED_H
#define SGDC_EMBEDDED_H
#include "codegen/codegen.h"
#include <stddef.h>
const char *embedded_bitcode(Architecture architecture, size_t *bytes);
#endif
