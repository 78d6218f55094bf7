/* vector_clones: VECTOR_CLONES(name, parameters, arguments) before the body of a function that returns nothing compiles
 * it for several levels of x86-64; the first call of the process finds out which one is taken (processor.h).
 *
 * For loops that the C compiler vectorises and that run in the compiler or the runtime itself. The arithmetic is
 * the same in each: no clone may contract or reassociate (-ffp-contract=off), so neither do the bits change.
 * Not the compiler's target_clones: the loader chooses among those, before there is an environment.
 */
#ifndef SGDRT_VECTOR_CLONES_H
#define SGDRT_VECTOR_CLONES_H
#include "processor.h"

#if defined(__x86_64__)
static inline uint32_t vector_level(void) {
    static uint32_t known; /* every thread finds the same */
    uint32_t level = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (level == 0) {
        level = sgdrt_processor_level();
        level = level ? level : 1;
        __atomic_store_n(&known, level, __ATOMIC_RELAXED);
    }
    return level;
}

#define VECTOR_CLONES(name, parameters, arguments)                                                                  \
    __attribute__((always_inline)) static inline void name##_body parameters;                                       \
    __attribute__((noinline, target("arch=x86-64-v4"))) static void name##_v4 parameters { name##_body arguments; } \
    __attribute__((noinline, target("arch=x86-64-v3"))) static void name##_v3 parameters { name##_body arguments; } \
    __attribute__((noinline)) static void name##_v1 parameters { name##_body arguments; }                           \
    static void name parameters {                                                                                   \
        switch (vector_level()) {                                                                                   \
        case 4: name##_v4 arguments; break;                                                                         \
        case 3: name##_v3 arguments; break;                                                                         \
        default: name##_v1 arguments;                                                                               \
        }                                                                                                           \
    }                                                                                                               \
    __attribute__((always_inline)) static inline void name##_body parameters
#else
#define VECTOR_CLONES(name, parameters, arguments) static void name parameters
#endif
#endif
