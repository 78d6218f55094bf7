/* versions: the one door to LLVM's headers, and the place for differences between versions 19 to 22.
 *
 * So far there are none that matter: of ORC only what takes finished objects is used (contexts of threads, which
 * changed in 21, are not), and intrinsics are asked for by name.
 */
#ifndef SGDC_LLVM_VERSIONS_H
#define SGDC_LLVM_VERSIONS_H
#include <llvm-c/Core.h>

#if SGDC_LLVM_VERSION < 19 || SGDC_LLVM_VERSION > 22
#error "sgdc is written for LLVM 19 to 22"
#endif

#endif
