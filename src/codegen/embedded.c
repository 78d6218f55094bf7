/* embedded: the bitcode of runtime/embedded/embedded.c, compiled when sgdc is built for each architecture that
 * objects can be for, as bytes in this program.
 */
#include "codegen/embedded.h"

#define CARRY(name, file)                                      \
    __asm__(".pushsection .rodata\n"                           \
            ".balign 16\n"                                     \
            ".globl sgdc_" name "_begin, sgdc_" name "_end\n"  \
            ".hidden sgdc_" name "_begin, sgdc_" name "_end\n" \
            "sgdc_" name "_begin:\n"                           \
            ".incbin \"" file "\"\n"                           \
            "sgdc_" name "_end:\n"                             \
            ".popsection\n")
/* Hidden, not local: GNU ld for aarch64 takes local symbols of a section for one in its table of addresses. */
#define ARCHITECTURE(NAME, name, ...)   \
    CARRY(#name, SGDC_EMBEDDED_##NAME); \
    extern __attribute__((visibility("hidden"))) const char sgdc_##name##_begin[], sgdc_##name##_end[];
#include "codegen/architectures.def"
#undef ARCHITECTURE

const char *embedded_bitcode(Architecture architecture, size_t *bytes) {
    static const struct {
        const char *begin, *end;
    } carried[] = {
#define ARCHITECTURE(NAME, name, ...) [NAME] = {sgdc_##name##_begin, sgdc_##name##_end},
#include "codegen/architectures.def"
#undef ARCHITECTURE
    };
    *bytes = (size_t)(carried[architecture].end - carried[architecture].begin);
    return carried[architecture].begin;
}
