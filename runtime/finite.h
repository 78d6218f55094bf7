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

static inline int sgdrt_f32_is_nan(const void *at) {
    uint32_t bits;
    __builtin_memcpy(&bits, at, sizeof bits);
    return (bits & 0x7fffffffu) > 0x7f800000u;
}

static inline int sgdrt_f64_is_nan(const void *at) {
    uint64_t bits;
    __builtin_memcpy(&bits, at, sizeof bits);
    return (bits & 0x7fffffffffffffffu) > 0x7ff0000000000000u;
}

/* All of so many numbers, one after the other; what is no float is. */
static inline int sgdrt_all_finite(const void *at, sgdrt_dtype dtype, int64_t count) {
    int64_t bad = 0;
    if (dtype == SGDRT_F32)
        for (int64_t i = 0; i < count; i++) bad += !sgdrt_f32_is_finite((const char *)at + 4 * i);
    if (dtype == SGDRT_F64)
        for (int64_t i = 0; i < count; i++) bad += !sgdrt_f64_is_finite((const char *)at + 8 * i);
    return bad == 0;
}
#endif
