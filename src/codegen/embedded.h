/* embedded: the functions that every emitted object carries, as LLVM bitcode (embedded.c). */
#ifndef SGDC_EMBEDDED_H
#define SGDC_EMBEDDED_H
#include <stddef.h>
const char *embedded_bitcode(size_t *bytes);
#endif
