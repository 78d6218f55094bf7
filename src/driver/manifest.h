/* manifest: the C API of a program's runs as JSON (manifest.c). */
#ifndef SGDC_DRIVER_MANIFEST_H
#define SGDC_DRIVER_MANIFEST_H
#include "codegen/object/header.h"

/* blocks, identities: per run. */
void manifest_write(Text *to, const Program *program, const HeaderBlock *blocks, const char *const *identities);
#endif
