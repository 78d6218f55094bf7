/* embedded: the bitcode of runtime/embedded/embedded.c, compiled when sgdc is built, as bytes in this program. */
#include "codegen/embedded.h"

__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        "sgdc_embedded_begin:\n"
        ".incbin \"" SGDC_EMBEDDED_BITCODE "\"\n"
        "sgdc_embedded_end:\n"
        ".popsection\n");
extern const char sgdc_embedded_begin[], sgdc_embedded_end[];

const char *embedded_bitcode(size_t *bytes) {
    *bytes = (size_t)(sgdc_embedded_end - sgdc_embedded_begin);
    return sgdc_embedded_begin;
}
