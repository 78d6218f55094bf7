/* processor: the best level of x86-64 that the processor at hand and its system support (psABI), but none above what
 * SGDC_NATIVE says in the environment, so that one machine shows what lesser ones do. The bits do not depend on it.
 *
 * For the compiler, the runtime and emitted objects (embedded/embedded.c), which must link without a C library:
 * getenv is used where it is there.
 */
#ifndef SGDRT_PROCESSOR_H
#define SGDRT_PROCESSOR_H
#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
#include <cpuid.h>

extern __attribute__((weak)) char *getenv(const char *name);

/* x86-64-v2, -v3 or -v4: 2, 3 or 4. 4 where it is not set; 0: it is something else. */
static inline uint32_t sgdrt_most_level(void) {
    static const char begin[] = "x86-64-v";
    const char *native = getenv ? getenv("SGDC_NATIVE") : NULL;
    if (!native || !*native) return 4;
    for (size_t i = 0; i < sizeof begin - 1; i++)
        if (*native++ != begin[i]) return 0;
    return *native >= '2' && *native <= '4' && !native[1] ? (uint32_t)(*native - '0') : 0;
}

/* 1 .. 4, whatever the environment says. */
static inline uint32_t sgdrt_own_level(void) {
    unsigned a, b, c, d, c1, b7;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 1;
    c1 = c;
    uint32_t level = (c1 & bit_SSE4_2) && (c1 & bit_POPCNT) && (c1 & bit_SSSE3) ? 2 : 1;
    if (level == 1 || !(c1 & bit_OSXSAVE) || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return level;
    b7 = b;
    unsigned low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 6) != 6 || !(c1 & bit_FMA) || !(c1 & bit_AVX) || !(c1 & bit_F16C) || !(c1 & bit_MOVBE) ||
        !(b7 & bit_AVX2) || !(b7 & bit_BMI) || !(b7 & bit_BMI2))
        return level;
    level = 3;
    unsigned v4 = bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL;
    return (low & 0xe6) == 0xe6 && (b7 & v4) == v4 ? 4 : level;
}

/* 1 .. 4; 0: SGDC_NATIVE is no level. */
static inline uint32_t sgdrt_processor_level(void) {
    uint32_t most = sgdrt_most_level(), own = sgdrt_own_level();
    return most < own ? most : own;
}

#else
static inline uint32_t sgdrt_own_level(void) { return 1; }
static inline uint32_t sgdrt_processor_level(void) { return 1; }
#endif
#endif
