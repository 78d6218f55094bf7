/* reciprocal: 1 / divisor in two numbers, by which bytes are divided. */
#include "ir/loops/loop.h"

Reciprocal reciprocal_of(float divisor) {
    float near = 1.0f / divisor;
    return (Reciprocal){near, (float)(1.0 / (double)divisor - (double)near)};
}

bool divides_bytes_by_product(float divisor) {
    Reciprocal by = reciprocal_of(divisor);
    for (int byte = 0; byte < 256; byte++) {
        float x = (float)byte;
        if (__builtin_fmaf(x, by.near, x * by.rest) != x / divisor) return false;
    }
    return true;
}
