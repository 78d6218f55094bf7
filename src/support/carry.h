/* carry: files of any kind and size that travel inside sgdc, found when sgdc is built; small texts are EmbeddedFiles
 * (cmake/embed.cmake). CARRY(name, "path") puts the bytes at CARRIED_BEGIN(name) .. CARRIED_END(name).
 *
 * Hidden, not local: GNU ld for aarch64 takes local symbols of a section for one in its table of addresses.
 */
#ifndef SGDC_CARRY_H
#define SGDC_CARRY_H

#define CARRY(name, path)                                        \
    __asm__(".pushsection .rodata\n"                             \
            ".balign 16\n"                                       \
            ".globl sgdc_" #name "_begin, sgdc_" #name "_end\n"  \
            ".hidden sgdc_" #name "_begin, sgdc_" #name "_end\n" \
            "sgdc_" #name "_begin:\n"                            \
            ".incbin \"" path "\"\n"                             \
            "sgdc_" #name "_end:\n"                              \
            ".popsection\n");                                    \
    extern __attribute__((visibility("hidden"))) const char sgdc_##name##_begin[], sgdc_##name##_end[]
#define CARRIED_BEGIN(name) sgdc_##name##_begin
#define CARRIED_END(name) sgdc_##name##_end
#endif
