/* link: shared objects (link.c). */
#ifndef SGDC_DRIVER_LINK_H
#define SGDC_DRIVER_LINK_H
#include "support/support.h"

/* The object and libsgdrt as one shared object that exports what the version script says. False and *problem: a
 * sentence. */
bool link_shared(Text *to, const Text *object, const Text *exports, const char *soname, const char **problem);
#endif
