/* llvm_versions: the differences between LLVM 19 and 22 that matter to us, in one place. */
#ifndef SGDC_LLVM_VERSIONS_H
#define SGDC_LLVM_VERSIONS_H
#include <llvm-c/Core.h>

#if SGDC_LLVM_VERSION < 19 || SGDC_LLVM_VERSION > 22
#error "sgdc is written for LLVM 19 to 22"
#endif

/* From 20 on a context makes its strings and nodes through the same calls; nothing differs but this. */
#if SGDC_LLVM_VERSION >= 21
#define LLVM_COMPLETE_LEVEL_NAME "O"
#endif

#endif
