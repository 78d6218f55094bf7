/* float_control: the floating-point environment that the arithmetic is defined in: round to nearest, denormals kept,
 * no traps. A host may have set another one, and one linked with -ffast-math flushes denormals in every thread it
 * starts, so whoever makes bits (interpreter, generated entry points, worker threads, every public function of the
 * runtime that computes) enters first and leaves with what it found.
 *
 * On x86-64 that is the control word of the old unit too: the C library's strtod and printf round as it says.
 * Memory is clobbered, so that a compiler, which knows nothing of modes, loads and stores on the right side of it.
 */
#ifndef SGDRT_FLOAT_CONTROL_H
#define SGDRT_FLOAT_CONTROL_H
#include <stdint.h>

/* Returns what sgdrt_float_leave() takes. */
static inline uint64_t sgdrt_float_enter(void) {
#if defined(__x86_64__)
    uint32_t vector, vector_ours = 0x1f80;
    uint16_t old, old_ours = 0x37f;
    __asm__ volatile("stmxcsr %0" : "=m"(vector));
    __asm__ volatile("fnstcw %0" : "=m"(old));
    __asm__ volatile("ldmxcsr %0" : : "m"(vector_ours) : "memory");
    __asm__ volatile("fldcw %0" : : "m"(old_ours) : "memory");
    return (uint64_t)old << 32 | vector;
#elif defined(__aarch64__)
    uint64_t before, none = 0;
    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(none) : "memory");
    return before;
#else
    return 0;
#endif
}

static inline void sgdrt_float_leave(uint64_t before) {
#if defined(__x86_64__)
    uint32_t vector = (uint32_t)before;
    uint16_t old = (uint16_t)(before >> 32);
    __asm__ volatile("ldmxcsr %0" : : "m"(vector) : "memory");
    __asm__ volatile("fldcw %0" : : "m"(old) : "memory");
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"(before) : "memory");
#else
    (void)before;
#endif
}

static inline void sgdrt_float_leave_at(const uint64_t *before) { sgdrt_float_leave(*before); }

/* As the first declaration of a block: entered here, left at every end of the block. */
#define SGDRT_FLOAT_GUARD() \
    __attribute__((cleanup(sgdrt_float_leave_at), unused)) const uint64_t float_before = sgdrt_float_enter()

#endif
