/* float_control: the floating-point environment that the arithmetic is defined in: round to nearest, denormals kept,
 * no traps. A host linked with -ffast-math flushes denormals in every thread it starts, so whoever makes bits
 * (interpreter, generated entry points, worker threads) enters first and leaves with what it found.
 */
#ifndef SGDRT_FLOAT_CONTROL_H
#define SGDRT_FLOAT_CONTROL_H
#include <stdint.h>

/* Returns what sgdrt_float_leave() takes. */
static inline uint64_t sgdrt_float_enter(void)
{
#if defined(__x86_64__)
    uint32_t before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(0x1f80);
    return before;
#elif defined(__aarch64__)
    uint64_t before, none = 0;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(none));
    return before;
#else
    return 0;
#endif
}

static inline void sgdrt_float_leave(uint64_t before)
{
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr((uint32_t)before);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(before));
#else
    (void)before;
#endif
}

#endif
