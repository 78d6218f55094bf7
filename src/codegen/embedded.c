/* embedded: the bitcode of runtime/embedded/embedded.c, compiled when sgdc is built for each architecture that
 * objects can be for, as bytes in this program.
 */
#include "codegen/embedded.h"

#define CARRY(name, file) \
    __asm__(".pushsection .rodata\n" \
            ".balign 16\n" \
            ".globl sgdc_" name "_begin, sgdc_" name "_end\n" \
            ".hidden sgdc_" name "_begin, sgdc_" name "_end\n" \
            "sgdc_" name "_begin:\n" \
            ".incbin \"" file "\"\n" \
            "sgdc_" name "_end:\n" \
            ".popsection\n")
CARRY("x86_64", SGDC_EMBEDDED_X86_64);
CARRY("aarch64", SGDC_EMBEDDED_AARCH64);
/* Hidden, not local: GNU ld for aarch64 takes local symbols of a section for one in its table of addresses. */
extern __attribute__((visibility("hidden"))) const char
    sgdc_x86_64_begin[], sgdc_x86_64_end[], sgdc_aarch64_begin[], sgdc_aarch64_end[];

const char *embedded_bitcode(Architecture architecture, size_t *bytes) {
    const char *begin = architecture == AARCH64 ? sgdc_aarch64_begin : sgdc_x86_64_begin;
    *bytes = (size_t)((architecture == AARCH64 ? sgdc_aarch64_end : sgdc_x86_64_end) - begin);
    return begin;
}
