/* finite: whether numbers in memory are finite, by their bits alone: it holds in any floating-point environment. */
#ifndef SGDRT_FINITE_H
#define SGDRT_FINITE_H
#include "core.h"

static inline int sgdrt_f32_is_finite(const void *at) {
    uint32_t bits;
    __builtin_memcpy(&bits, at, sizeof bits);
    return (bits & 0x7f800000u) != 0x7f800000u;
}

static inline int sgdrt_f64_is_finite(const void *at) {
    uint64_t bits;
    __builtin_memcpy(&bits, at, sizeof bits);
    return (bits & 0x7ff0000000000000u) != 0x7ff0000000000000u;
}

/* All of so many numbers, one after the other, or missing, which is NaN, where they may be; what is no float is. All are
 * looked at, and none is searched for, so that compilers make vectors of it. */
static inline int sgdrt_all_finite(const void *at, sgdrt_dtype dtype, int64_t count, int or_missing) {
    const uint32_t mask = or_missing ? 0x7fffffffu : 0x7f800000u;
    const uint64_t wide_mask = or_missing ? 0x7fffffffffffffffu : 0x7ff0000000000000u;
    uint32_t bad = 0;
    uint64_t wide_bad = 0;
    if (dtype == SGDRT_F32)
        for (int64_t i = 0; i < count; i++) {
            uint32_t bits;
            __builtin_memcpy(&bits, (const char *)at + 4 * i, sizeof bits);
            bad |= (bits & mask) == 0x7f800000u;
        }
    if (dtype == SGDRT_F64)
        for (int64_t i = 0; i < count; i++) {
            uint64_t bits;
            __builtin_memcpy(&bits, (const char *)at + 8 * i, sizeof bits);
            wide_bad |= (bits & wide_mask) == 0x7ff0000000000000u;
        }
    return !bad && !wide_bad;
}
#endif
